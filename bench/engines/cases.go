//go:build unix

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/loads"
	"github.com/wfc-lang/wfc/tests/random"
)

// kase is a program ready to be loaded into a wafer.
type kase struct {
	name    string
	code    *wse.Program
	machine wse.Machine
	drive   func(fast.Wafer) error
	more    []*kase // to be run after it
}

const (
	bicgstab = `grid box { x: 0 .. 1 in 24;  y: 0 .. 1 in 24;  z: 0 .. 1 in 16 }
field T on box = sin(pi*x)*sin(pi*y)*z + where(x > 0.5, 1, 0)
bc T { x: T = 0;  y: dn(T) = 0;  z: T = 0 }
evolve n in 0 .. 2 { solve T' - 0.01*lap(T') + 0.5*dx(T') = T for T' using bicgstab(tol = 1e-6, max = 200) }
output T at end
`
	allreduce = `param n = 64, times = %d
dim i = n, j = n
field A[i,j] = sin(i + 3*j)
field s = 0
evolve k in 0 .. times {
  s' = A[i,j]*A[i,j]
  A'[i,j] = A[i,j]/(1 + s')
}
output s at end
`
)

// cases are of every class of program: stencils, solvers, products, reductions, fabric traffic, and PEs that go separate ways. Training is
// measured where its step is written, tests/train.
var cases = []struct {
	name  string
	build func() (*kase, error)
}{
	{"heat 64 x 64 x 64, 20 steps", model("heat.wf", "nx", "64", "ny", "64", "nz", "64", "steps", "20")},
	{"CG: heat_implicit 32 x 32 x 16, 2 steps", model("heat_implicit.wf", "nx", "32", "ny", "32", "nz", "16", "end", "10")},
	{"CG: heat_implicit 48 x 48 x 16, 2 steps", model("heat_implicit.wf", "nx", "48", "ny", "48", "nz", "16", "end", "10")},
	{"BiCGStab 24 x 24 x 16, 2 steps", text(bicgstab)},
	{"GEMM 32 x 32 x 32", model("gemm.wf", "m", "32", "n", "32", "k", "32")},
	{"matvec 64 x 64", model("matvec.wf", "rows", "64", "columns", "64")},
	{"all-reduce 64 x 64, 20 times", text(fmt.Sprintf(allreduce, 20))},
	{"all-reduce 64 x 64, 200 times", text(fmt.Sprintf(allreduce, 200))},
	{"Gray-Scott 40 x 40", model("grayscott.wf")},
	{"life 48 x 48", model("life.wf", "n", "48", "steps", "40")},
	{"saturated traffic 64 x 64, one permutation", traffic(1, 1)},
	{"saturated traffic 64 x 64, 16 permutations", traffic(4, 4)},
	{"saturated traffic 64 x 64, 512 permutations", traffic(8, 64)},
	{"100 random programs (tests/random)", randoms},
	{"loops of different length on every PE", machine(loops)},
	{"alike, then loops of different length", machine(late)},
}

func model(file string, set ...string) func() (*kase, error) {
	return func() (*kase, error) {
		src, err := wfc.ReadSource(filepath.Join("models", file))
		if err != nil {
			return nil, err
		}
		m := map[string]string{}
		for i := 0; i < len(set); i += 2 {
			m[set[i]] = set[i+1]
		}
		return compiled(src, m)
	}
}

func text(s string) func() (*kase, error) {
	return func() (*kase, error) { return compiled(wfc.Source{Name: "case.wf", Text: s}, nil) }
}

func compiled(src wfc.Source, set map[string]string) (*kase, error) {
	m, err := wse.Profile("wse2")
	if err != nil {
		return nil, err
	}
	p, err := wfc.Build(src, wfc.BuildOptions{Machine: m.Name, Set: set})
	if err != nil {
		return nil, err
	}
	if p.Refusal != nil {
		return nil, p.Refusal
	}
	return built(p)
}

func built(p *wfc.Program) (*kase, error) {
	m, err := wse.Profile(p.Machine)
	if err != nil {
		return nil, err
	}
	return &kase{code: p.Code, machine: m, drive: func(w fast.Wafer) error {
		prep, err := runtime.Prepare(p.IR, runtime.Options{DataDir: p.Source.Dir})
		if err != nil {
			return err
		}
		e, err := host.On(p.IR, p.Mesh, w)
		if err != nil {
			return err
		}
		_, err = prep.Run(context.Background(), e)
		return err
	}}, nil
}

// randoms are programs of the language drawn at random, those that can be built and run.
func randoms() (first *kase, err error) {
	for seed := uint64(1); ; seed++ {
		c := random.New(seed)
		p, err := wfc.Build(wfc.Source{Name: "case.wf", Text: c.Source}, wfc.BuildOptions{Machine: "wse2", MeshW: c.W, MeshH: c.H})
		if err != nil || p.Refusal != nil {
			continue // tests/random says why
		}
		k, err := built(p)
		switch {
		case err != nil:
			return nil, err
		case first == nil:
			first = k
		default:
			first.more = append(first.more, k)
		}
		if len(first.more) == 99 {
			return first, nil
		}
	}
}

// machine is a program of the machine, launched once.
func machine(text string) func() (*kase, error) {
	return func() (*kase, error) {
		p, err := wse.Parse("case.wse", text)
		if err != nil {
			return nil, err
		}
		m, err := wse.Profile(p.Machine)
		return &kase{code: p, machine: m, drive: func(w fast.Wafer) error {
			_, err := w.Launch(context.Background())
			return err
		}}, err
	}
}

func traffic(kx, ky int) func() (*kase, error) {
	return machine(loads.Traffic(64, 64, 1000, kx, ky, 1))
}

// loops has every PE of 32 x 32 count down from its own number; late has them work alike for some hundred thousand cycles first.
var (
	loops = fmt.Sprintf(separate, "")
	late  = fmt.Sprintf(separate, "set %k = 3000 while %k > 0 { set %k = %k - 1 map.add.i32 d[1 : 31] = d[1 : 31], %k }")
)

const separate = `machine wse2
mesh 32 32
class a { at x 0..32 y 0..32
 array d i32[32] export = affine 1 + 1*px + 32*py
 task main local 8 { %s load %%v = d[0] while %%v > 0 { set %%v = %%v - 1 map.add.i32 d[1 : 31] = d[1 : 31], %%v } exit }
 entry main }
`
