package solvers

import (
	"context"
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
)

// Whole solves on the simulated wafer: interpreter and CPU, which replay the wafer's orders of reductions, give the same bits, and the
// host takes no part in a solve or a time loop: its transfers are the same however many steps there are.
func TestWaferBits(t *testing.T) {
	for _, m := range []string{"cg(tol = 1e-6)", "bicgstab(tol = 1e-6)", "cg(tol = 1e-5, pre = diagonal)", "jacobi(tol = 1e-4)", "gmres(3, tol = 1e-4)"} {
		t.Run(m, func(t *testing.T) {
			text := func(steps int) string {
				return fmt.Sprintf(`
grid g { x: 0 .. 1 in 6; y: 0 .. 1 in 5 periodic; z: 0 .. 1 in 7 }
field u on g = 1 + x*sin(2*pi*y)
field n = 0
bc u { x.lo: u = 1; x.hi: dn(u) = 0.5; z: dn(u) = 0 }
evolve t from 0 to %d*0.01 step 0.01 {
  solve u' - step*lap(u') = u for u' using %s
  n' = n + iterations(u')
}
`, steps, m)
			}
			host := map[int]int64{}
			for _, steps := range []int{1, 3} {
				p, err := wfc.Build(wfc.Source{Name: "test.wf", Text: text(steps)}, wfc.BuildOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if p.Refusal.HasErrors() {
					t.Skip(p.Refusal)
				}
				wafer, interp := both(t, p)
				same(t, "wafer and interpreter", wafer.Arrays["u"], interp.Arrays["u"])
				same(t, "iterations", wafer.Arrays["n"], interp.Arrays["n"])
				if wafer.HostCycles != nil {
					host[steps] = *wafer.HostCycles
				}
			}
			if host[1] != host[3] {
				t.Errorf("host transfers take %d cycles for one step and %d for three", host[1], host[3])
			}
		})
	}
}

// both runs a program on the simulated wafer and, in the wafer's order of sums, in the interpreter.
func both(t *testing.T, p *wfc.Program) (wafer, interp *wfc.Result) {
	t.Helper()
	run := func(o wfc.RunOptions) *wfc.Result {
		t.Helper()
		r, err := p.Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	return run(wfc.RunOptions{Target: wfc.Wafer}), run(wfc.RunOptions{Target: wfc.Interp, Order: p})
}

func same(t *testing.T, what string, a, b *ir.Tensor) {
	t.Helper()
	for k := range a.Len() {
		if a.At(k) != b.At(k) {
			t.Fatalf("%s: element %d is %v and %v", what, k, a.At(k), b.At(k))
		}
	}
}

// The programs of models/ that are about solvers: every machine and target gives the same bits.
func TestModelsAgree(t *testing.T) {
	for name, set := range map[string]map[string]string{
		"heat_implicit.wf":          {"nx": "7", "ny": "6", "nz": "5", "end": "15"},
		"poisson.wf":                {"n": "8"},
		"wfa/diffusion_implicit.wf": {"n": "7", "steps": "2"},
	} {
		for _, machine := range []string{"wse2", "wse3"} {
			p, err := wfc.Build(wfc.Source{Name: name, Text: model(t, name)}, wfc.BuildOptions{Set: set, Machine: machine})
			if err != nil {
				t.Fatal(err)
			}
			if p.Code == nil {
				t.Errorf("%s does not fit %s: %v", name, machine, p.Refusal)
				continue
			}
			wafer, interp := both(t, p)
			for field, a := range wafer.Arrays {
				same(t, name+" "+field, a, interp.Arrays[field])
			}
		}
	}
}

// Multigrid on the wafer: levels lie over each other, also where an axis does not halve or the unknown lives on faces, and the bits are
// the interpreter's. In three dimensions the levels' code fits a PE because they share it (package compact).
func TestWaferMultigrid(t *testing.T) {
	const plane, odd, space = "x: 0 .. 1 in 8; y: 0 .. 1 in 8", "x: 0 .. 1 in 9; y: 0 .. 1 in 9", "x: 0 .. 1 in 8; y: 0 .. 1 in 8; z: 0 .. 1 in 8"
	for _, c := range []struct{ grid, place, bc, method string }{
		{plane, "g", "all: p = 0", "multigrid(tol = 1e-5, sweeps = 2)"},
		{odd, "g", "all: p = 0", "multigrid(tol = 1e-4, sweeps = 1)"},
		{plane, "g.x", "all: p = 0", "multigrid(tol = 1e-4, sweeps = 1)"},
		{plane, "g", "all: p = 0", "cg(tol = 1e-5, pre = chebyshev(3))"},
		{space, "g", "all: p = 0", "multigrid(tol = 1e-5)"},
		{space, "g", "all: p = 0", "cg(tol = 1e-4, pre = multigrid(2))"},
		{space, "g", "x: p = 0; y: dn(p) = 0; z.lo: p = 0; z.hi: dn(p) = 0", "multigrid(tol = 1e-5, sweeps = 2)"},
	} {
		p, err := wfc.Build(wfc.Source{Name: "test.wf", Text: `
grid g { ` + c.grid + ` }
field p on ` + c.place + ` = 0
field n = 0
bc p { ` + c.bc + ` }
evolve k in 0 .. 1 {
  solve -lap(p') = sin(pi*x)*sin(pi*y) for p' using ` + c.method + `
  n' = iterations(p')
}
`}, wfc.BuildOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Code == nil {
			t.Fatalf("%s does not fit: %v", c.method, p.Refusal)
		}
		wafer, interp := both(t, p)
		same(t, c.method, wafer.Arrays["p"], interp.Arrays["p"])
		if n := wafer.Arrays["n"].At(0); n < 2 || n > 12 {
			t.Errorf("%s on %s: %g iterations", c.method, c.place, n)
		}
	}
}

// Multigrid with coefficients that vary, in three dimensions, on a grid of PEs: what follows from the coefficients alone is computed once,
// levels and axes share their code, and scratch lies where nothing else does, so that it fits; bits are the interpreter's. The report says what
// the code takes.
func TestWaferMultigridVaries(t *testing.T) {
	for _, c := range []struct {
		n            int
		bc, method   string
		wide, atMost int // PEs along an axis; iterations
	}{
		{8, "all: p = 0", "multigrid(tol = 1e-2)", 4, 8},
		{8, "x: dn(p) = 0; y: p = 0; z.lo: p = 1; z.hi: dn(p) = 0", "multigrid(tol = 1e-1, sweeps = 2)", 4, 8},
		{16, "all: p = 0", "multigrid(tol = 1e-1, levels = 2, sweeps = 1)", 8, 4},
	} {
		p, err := wfc.Build(wfc.Source{Name: "test.wf", Text: fmt.Sprintf(`
grid g { x: 0 .. 1 in %d; y: 0 .. 1 in %[1]d; z: 0 .. 1 in %[1]d }
field k on g = 1 + 10*x + where(y > 0.4, 100, 0)
field p on g = 0
field n = 0
bc k { all: dn(k) = 0 }
bc p { %s }
evolve s in 0 .. 1 {
  solve -div(k*grad(p')) = sin(pi*y) for p' using %s
  n' = iterations(p')
}
`, c.n, c.bc, c.method)}, wfc.BuildOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Code == nil {
			t.Fatalf("%s on %d^3 cells does not fit: %v", c.method, c.n, p.Refusal)
		}
		if p.Mesh.W != c.wide || p.Mesh.H != c.wide {
			t.Errorf("%d^3 cells lie on %d x %d PEs", c.n, p.Mesh.W, p.Mesh.H)
		}
		for _, m := range p.ReportData.Wafer.Classes {
			code := 0
			for _, item := range m.Memory {
				if item.Kind == "code" {
					code = item.Bytes
				}
			}
			if code <= 0 || m.Used > m.Limit {
				t.Errorf("class %s: %d bytes of code, %d in all of %d", m.Name, code, m.Used, m.Limit)
			}
		}
		wafer, interp := both(t, p)
		same(t, c.method, wafer.Arrays["p"], interp.Arrays["p"])
		if n := wafer.Arrays["n"].At(0); n < 1 || int(n) > c.atMost {
			t.Errorf("%s on %d^3 cells: %g iterations", c.method, c.n, n)
		}
	}
}

// Conjugate gradients on columns of 512 cells: their vectors fit a PE because what is needed only within a function, halos and scratch,
// shares storage.
func TestWaferDeep(t *testing.T) {
	p, err := wfc.Build(wfc.Source{Name: "test.wf", Text: `
grid g { x: 4;  y: 3;  z: 512 }
field u on g = where(x > 2, 1, 0) + where(z > 20, 1, 0)
bc u { x: u = 0;  y: dn(u) = 0;  z: u = 0 }
evolve n in 0 .. 2 { solve u' - 0.5*lap(u') = u for u' using cg(tol = 1e-2) }
`}, wfc.BuildOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Code == nil {
		t.Fatal(p.Refusal)
	}
	wafer, interp := both(t, p)
	same(t, "u", wafer.Arrays["u"], interp.Arrays["u"])
}
