// Package control shows that procedures (loops, branches, solvers written in the language) run on the simulated wafer without the host,
// with the bits of the interpreter, on both engines in the same cycles.
package control

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/ir/mesh/exec"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/place"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/cost"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

type site struct{ w, h int }

func (s site) Extent() (int, int) { return s.w, s.h }
func (s site) MemoryBytes() int   { return 40000 }

// built is a program taken to machine code.
type built struct {
	p    *ir.Program
	mesh *mesh.Program
	code *wse.Program
	m    wse.Machine
}

// errLimit is a limit of the machine that a program breaks: a correct answer, and nothing to compare.
var errLimit = errors.New("a limit of the machine")

func build(p *ir.Program, machine string, w, h int, trees bool) (*built, error) {
	m, err := wse.Profile(machine)
	if err != nil {
		return nil, err
	}
	ls, err := place.Layouts(p, site{w, h}, place.Options{})
	if err != nil {
		return nil, err
	}
	o := tomesh.Options{StreamReceives: true, LocalFirst: trees, Overlay: !trees}
	if !trees && w > h {
		o.Scratch = 100
	}
	if trees {
		o.Tree = collective.Auto(cost.Collective(m, false), m.UsableColors)
	}
	o.WaitTogether = true
	mp, err := tomesh.Lower(p, ls, o)
	if err == nil && route.Deadlock(mp, 4).Kind == route.Deadlocks {
		o.WaitTogether = false
		mp, err = tomesh.Lower(p, ls, o)
	}
	if err != nil {
		return nil, err
	}
	if err := mesh.Verify(mp); err != nil {
		return nil, fmt.Errorf("mesh: %w\n%s", err, mesh.Print(mp))
	}
	if again, err := mesh.Parse("again", mesh.Print(mp)); err != nil || !mesh.Equal(mp, again) {
		return nil, fmt.Errorf("mesh text: %v", err)
	}
	table, err := route.Assign(mp, codegen.Fabric{Machine: m})
	var colors *route.BudgetError
	if errors.As(err, &colors) {
		return nil, errLimit
	}
	if err != nil {
		return nil, err
	}
	if v := route.Deadlock(mp, 4); v.Kind != route.Free {
		return nil, fmt.Errorf("network: %v", v)
	}
	code, err := codegen.Generate(mp, table, m, codegen.Options{Short: (w+h)%2 == 1}) // else as it fits
	var queues *codegen.QueueError
	var tasks *codegen.TaskError
	if errors.As(err, &queues) || errors.As(err, &tasks) {
		return nil, errLimit
	}
	if err != nil {
		return nil, err
	}
	if _, err := wse.Layout(code.Program, m); err != nil {
		var o *wse.Overflow
		if errors.As(err, &o) {
			return nil, errLimit
		}
		return nil, err
	}
	return &built{p, mp, code.Program, m}, nil
}

// engine is what the tests need of interpreter, executor and wafer.
type engine interface {
	Set(array string, t *ir.Tensor) error
	Get(array string) (*ir.Tensor, error)
	Scalars(env map[string]float64) error
	Run(ctx context.Context, fn string, n int) (int, error)
}

// result is what a run leaves.
type result struct {
	arrays map[string]*ir.Tensor
	done   []int
}

// run loads data and makes the runs of the schedule.
func run(p *ir.Program, e engine, data map[string]*ir.Tensor, times int) (*result, error) {
	env, err := ir.EvalHost(p, nil, nil)
	if err != nil {
		return nil, err
	}
	if err := e.Scalars(env); err != nil {
		return nil, err
	}
	for _, a := range p.Arrays {
		t := data[a.Name]
		if t == nil {
			t = ir.NewTensor(a.Elem, p.Shape(&a)...)
		}
		if err := e.Set(a.Name, t); err != nil {
			return nil, err
		}
	}
	r := &result{arrays: map[string]*ir.Tensor{}}
	for _, s := range p.Schedule {
		n, err := e.Run(context.Background(), s.Func, times)
		if err != nil {
			return nil, err
		}
		r.done = append(r.done, n)
	}
	for _, a := range p.Arrays {
		if a.Local {
			continue // no result: its place may be another's
		}
		if r.arrays[a.Name], err = e.Get(a.Name); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func same(want, got *result) error {
	if fmt.Sprint(want.done) != fmt.Sprint(got.done) {
		return fmt.Errorf("iterations %v, want %v", got.done, want.done)
	}
	for name, a := range want.arrays {
		b := got.arrays[name]
		for k := range a.Len() {
			if x, y := a.At(k), b.At(k); math.Float64bits(x) != math.Float64bits(y) && !(x != x && y != y) {
				return fmt.Errorf("%s[%d] is %v, want %v", name, k, y, x)
			}
		}
	}
	return nil
}

// replay is p with the reduction orders of the mesh program.
func replay(p *ir.Program, m *mesh.Program) *ir.Program {
	q := p.Clone()
	for _, o := range m.Orders {
		f := q.Func(o.Func)
		for i := range f.Ops {
			if f.Ops[i].Kind == ir.Reduce && f.Ops[i].Results[0].Name == o.Value {
				f.Ops[i].Order = o.Order
			}
		}
	}
	return q
}

// agree compares interpreter, mesh executor and both engines of the wafer. It returns the interpreter's result and the cycles.
func agree(b *built, data map[string]*ir.Tensor, times int, plain, quick bool) (*result, int64, error) {
	q := replay(b.p, b.mesh)
	in, err := interp.New(q)
	if err != nil {
		return nil, 0, err
	}
	want, err := run(q, in, data, times)
	if err != nil {
		return nil, 0, fmt.Errorf("interp: %w", err)
	}
	if b.mesh.W*b.mesh.H <= 100 {
		x, err := exec.New(b.mesh, b.p)
		if err != nil {
			return nil, 0, err
		}
		got, err := run(b.p, x, data, times)
		if err == nil {
			err = same(want, got)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("mesh executor: %w", err)
		}
	}
	cycles := int64(-1)
	try := func(name string, w host.Wafer) error {
		e, err := host.On(b.p, b.mesh, w)
		if err != nil {
			return err
		}
		got, err := run(b.p, e, data, times)
		if err == nil {
			err = same(want, got)
		}
		if err != nil {
			return fmt.Errorf("%s engine: %w", name, err)
		}
		c, _ := e.Cycles()
		if cycles >= 0 && c != cycles {
			return fmt.Errorf("%s engine: %d cycles, the other has %d", name, c, cycles)
		}
		cycles = c
		return nil
	}
	if plain {
		s, err := sim.New(b.code, b.m, sim.Options{})
		if err == nil {
			err = try("plain", s)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	if quick {
		s, err := fast.New(b.code, b.m, sim.Options{}, -1)
		if err == nil {
			err = try("fast", s)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return want, cycles, nil
}

// source is a tensor of pseudo-random values in [-1, 1).
func source(dims ...int) *ir.Tensor {
	t := ir.NewTensor(ir.F32, dims...)
	s := uint32(12345)
	for i := range t.F32 {
		s = s*1664525 + 1013904223
		t.F32[i] = float32(s>>8)/(1<<23) - 1
	}
	return t
}

func TestSolvers(t *testing.T) {
	for i := range 8 {
		trees, machine := i%2 == 0, []string{"wse2", "wse3"}[i/2%2]
		{
			p := cg(t, 5, 6, 7)
			if i > 3 {
				p = bicgstab(t, 5, 6, 7)
			}
			b, err := build(p, machine, 5, 3, trees)
			if err != nil {
				t.Fatal(err)
			}
			r, cycles, err := agree(b, map[string]*ir.Tensor{"b": source(5, 6, 7)}, 1, true, true)
			if err != nil {
				t.Fatalf("%s, trees %t: %v", machine, trees, err)
			}
			n := r.arrays["n"].I32[0]
			if n < 5 || n > 40 || r.arrays["more"].I32[0] != 0 {
				t.Errorf("%s: %d iterations, more %d", p.Name, n, r.arrays["more"].I32[0])
			}
			t.Logf("%s, %s, trees %t: %d iterations, %d cycles", p.Name, machine, trees, n, cycles)
		}
	}
}
