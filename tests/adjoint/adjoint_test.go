// Package adjoint solves inverse problems: programs of models/ are differentiated through their time steps, and what they started from
// is recovered from what they end with. Descent and gradient are one compiled program.
package adjoint

import (
	"context"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/passes/grad"
	"github.com/wfc-lang/wfc/target/cpu"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

type machine interface {
	Scalars(env map[string]float64) error
	Set(array string, t *ir.Tensor) error
	Get(array string) (*ir.Tensor, error)
	Run(ctx context.Context, fn string, n int) (int, error)
	Close() error
}

// compile reads a model and adds procedure "forward", its gradient "gradient" and "descend", a step of gradient descent in the array wrt
// by the given rate; then all passes run.
func compile(t *testing.T, file, wrt, of string, set map[string]string, rate float64, checkpoints int) *ir.Program {
	t.Helper()
	text, err := os.ReadFile("../../models/" + file)
	if err != nil {
		t.Fatal(err)
	}
	p, list := dsl.Compile(file, string(text), dsl.Options{Set: set})
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	if err := grad.Prepare(p, nil); err != nil {
		t.Fatal(err)
	}
	if err := grad.Schedule(p, "forward"); err != nil {
		t.Fatal(err)
	}
	if _, err := grad.ReverseProc(p, grad.ProcOptions{Proc: "forward", Name: "gradient", Wrt: []string{wrt}, Of: of, Checkpoints: checkpoints}); err != nil {
		t.Fatal(err)
	}
	a := p.Array(wrt)
	var b ir.BodyBuilder
	var dom []ir.Range
	var box []ir.Interval
	var at []ir.Affine
	for _, x := range a.Axes {
		n := p.Axis(x).N
		dom, box, at = append(dom, ir.Range{Index: x, Axis: x, Hi: n}), append(box, ir.Interval{Hi: n}), append(at, ir.At(x, 0))
	}
	move := b.Mul(b.Const(a.Elem, rate), b.Read(a.Elem, "@"+grad.Gradient(wrt), at...))
	body := b.Body(b.Sub(b.Read(a.Elem, "@"+wrt, at...), move))
	p.Funcs = append(p.Funcs, ir.Func{Name: "move", Ops: []ir.Op{{Kind: ir.Map, Dom: dom, Results: []ir.Result{{Name: "next", Elem: a.Elem}},
		Pieces: []ir.Piece{{Box: box, Body: body}}}}, Sets: []ir.Set{{Array: wrt, Value: "%next"}}})
	p.Procs = append(p.Procs, ir.Proc{Name: "descend", Body: []ir.Stmt{{Kind: ir.Call, Func: "gradient"}, {Kind: ir.Call, Func: "move"}}})
	if err := passes.Run(p, &passes.Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	return p
}

// start loads a machine with the initial state of a program.
func start(t *testing.T, m machine, p *ir.Program) {
	t.Helper()
	env, err := ir.EvalHost(p, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bad := ir.EvalChecks(p, env); len(bad) > 0 {
		t.Fatal(bad)
	}
	if err := m.Scalars(env); err != nil {
		t.Fatal(err)
	}
	init, err := interp.RunHost(p, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Arrays {
		if err := m.Set(p.Arrays[i].Name, init[p.Arrays[i].Name]); err != nil {
			t.Fatal(err)
		}
	}
}

func run(t *testing.T, m machine, fn string, n int) {
	t.Helper()
	if _, err := m.Run(context.Background(), fn, n); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, m machine, name string) *ir.Tensor {
	t.Helper()
	x, err := m.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// The gradient of the misfit after all time steps is what differences give, however many checkpoints there are.
func TestGradient(t *testing.T) {
	set := map[string]string{"n": "12", "steps": "30"}
	var first *ir.Tensor
	for _, checkpoints := range []int{30, 0, 2, 4} {
		p := compile(t, "adjoint_heat.wf", "T", "misfit", set, 0, checkpoints)
		m, err := interp.New(p)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		start(t, m, p)
		guess := get(t, m, "T")
		for i := range guess.F32 {
			guess.F32[i] = float32(math.Sin(float64(3 * i)))
		}
		set := func() {
			if err := m.Set("T", guess); err != nil {
				t.Fatal(err)
			}
		}
		set()
		run(t, m, "gradient", 1)
		g := get(t, m, grad.Gradient("T"))
		if first == nil {
			first = g
		}
		for i := range g.F32 {
			if g.F32[i] != first.F32[i] {
				t.Errorf("%d checkpoints: gradient %d is %g, with all iterations stored %g", checkpoints, i, g.F32[i], first.F32[i])
			}
			value := func(by float32) float64 {
				old := guess.F32[i]
				guess.F32[i] += by
				set()
				run(t, m, "forward", 1)
				guess.F32[i] = old
				return get(t, m, "misfit").At(0)
			}
			const h = 0.25 // the misfit is quadratic: no error but rounding
			want := (value(h) - value(-h)) / (2 * h)
			if math.Abs(g.At(i)-want) > 2e-5 {
				t.Errorf("d misfit/dT[%d] = %g, differences give %g", i, g.At(i), want)
			}
		}
	}
}

// Descent recovers the temperature at the start from the measurement at the end, with the same bits on interpreter and CPU.
func TestRecover(t *testing.T) {
	p := compile(t, "adjoint_heat.wf", "T", "misfit", map[string]string{"n": "32", "steps": "48"}, 0.7, 0)
	m, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	start(t, m, p)
	run(t, m, "descend", 1)
	before := get(t, m, grad.Value("misfit")).At(0)
	run(t, m, "descend", 399)
	after := get(t, m, grad.Value("misfit")).At(0)
	if before < 1 || after > 1e-5 {
		t.Errorf("the misfit went from %g to %g", before, after)
	}
	T := get(t, m, "T")
	for i := range T.F32 {
		x := (float64(i) + 0.5) / 32
		if want := math.Sin(math.Pi*x) + 0.5*math.Sin(3*math.Pi*x); math.Abs(T.At(i)-want) > 0.02 {
			t.Errorf("T(%g) at the start is found to be %g, it was %g", x, T.At(i), want)
		}
	}
	c, err := cpu.New(p, cpu.Options{})
	if errors.Is(err, native.ErrNoToolchain) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	start(t, c, p)
	run(t, c, "descend", 400)
	for i, x := range get(t, c, "T").F32 {
		if math.Float32bits(x) != math.Float32bits(T.F32[i]) {
			t.Errorf("T[%d]: CPU %g, interpreter %g", i, x, T.F32[i])
		}
	}
}

// Backward Euler solves a linear system in every step; its gradient is a transposed solve in every step, found in what the language lowers
// to, and agrees with differences.
func TestImplicit(t *testing.T) {
	text, err := os.ReadFile("../../models/heat_implicit.wf")
	if err != nil {
		t.Fatal(err)
	}
	p, list := dsl.Compile("heat_implicit.wf", string(text)+"\nfield misfit = 0\nmisfit = sum(((T - 320 K)/(1 K))^2)\n",
		dsl.Options{Set: map[string]string{"nx": "6", "ny": "4", "nz": "4", "end": "15", "tol": "1e-6"}})
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	// The misfit is quadratic, so the step may be large.
	if solves := differences(t, "heat_implicit", p, probing{every: 7, step: 32, within: 2e-3, beside: 1, least: 1}); len(solves) != 1 || !solves[0].Symmetric {
		t.Errorf("solves found: %+v", solves)
	}
}

// Systems of programs of one's own: nonsymmetric ones, with coefficients that vary, in one and two dimensions, by several solvers. Each
// gradient agrees with differences.
func TestOwnSystems(t *testing.T) {
	const head = "param n = 9\ngrid g { x: 0 .. 1 in n }\nfield c on g = 1 + x\nfield T on g = sin(3*x)\nbc T { x.lo: T = 1;  x.hi: dn(T) = 0 }\n"
	const tail = "\nfield misfit = 0\nmisfit = sum((T - 0.3)^2)\n"
	for _, c := range []struct{ name, text string }{
		{"advection by bicgstab", head + "evolve t from 0 to 0.03 step 0.01 { solve T' + step*(2*dx(T') - lap(T')) = T for T' using bicgstab(tol = 1e-6, max = 200) }" + tail},
		{"advection by gmres", head + "evolve t from 0 to 0.03 step 0.01 { solve T' + step*(2*dx(T') - lap(T')) = T for T' using gmres(tol = 1e-6, max = 200) }" + tail},
		{"varying coefficient by cg", head + "evolve t from 0 to 0.03 step 0.01 { solve T' + c*T' - step*lap(T') = T for T' using cg(tol = 1e-6, max = 200) }" + tail},
		{"heat by jacobi", head + "evolve t from 0 to 0.03 step 0.01 { solve T' - step*lap(T') = T for T' using jacobi(tol = 1e-5, max = 2000) }" + tail},
		{"heat by chebyshev", head + "evolve t from 0 to 0.03 step 0.01 { solve T' - step*lap(T') = T for T' using chebyshev(tol = 1e-5, max = 2000) }" + tail},
		{"heat by multigrid", head + "evolve t from 0 to 0.03 step 0.01 { solve T' - step*lap(T') = T for T' using multigrid(tol = 1e-5, max = 2000) }" + tail},
		{"two dimensions by cg", "grid g { x: 0 .. 1 in 5; y: 0 .. 1 in 6 }\nfield T on g = sin(3*x)*y\nbc T { all: T = 0 }\nevolve t from 0 to 0.02 step 0.01 { solve T' - step*lap(T') = T^2 for T' using cg(tol = 1e-6, max = 200) }" + tail},
	} {
		p, list := dsl.Compile("own.wf", c.text, dsl.Options{})
		if err := list.Err(); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		differences(t, c.name, p, probing{every: 1, step: 0.03, within: 5e-3, beside: 0.1, least: 0.01})
	}
}

// probing is how a gradient is compared with differences: so many points apart, with a step of the value, to within a part of the derivative and
// of beside; and how large a derivative there must be.
type probing struct {
	every                 int
	step                  float32
	within, beside, least float64
}

// differences compares the gradient of misfit by T with differences. It returns the solves of the program, of which there must be one.
func differences(t *testing.T, name string, p *ir.Program, by probing) []grad.Solve {
	t.Helper()
	if err := grad.Prepare(p, nil); err != nil {
		t.Fatal(err)
	}
	if err := grad.Schedule(p, "forward"); err != nil {
		t.Fatal(err)
	}
	solves := grad.Solves(p)
	if len(solves) != 1 {
		t.Errorf("%s: solves found: %+v", name, solves)
		return solves
	}
	if _, err := grad.ReverseProc(p, grad.ProcOptions{Proc: "forward", Name: "gradient", Wrt: []string{"T"}, Of: "misfit", Solves: solves}); err != nil {
		t.Errorf("%s: %v", name, err)
		return solves
	}
	if err := passes.Run(p, &passes.Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	m, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	start(t, m, p)
	guess := get(t, m, "T")
	run(t, m, "gradient", 1)
	g := get(t, m, grad.Gradient("T"))
	for _, f := range p.Failures {
		if get(t, m, f.Array).At(0) != 0 {
			t.Errorf("%s: %s: %s", name, f.Code, f.Message)
		}
	}
	most := 0.0
	for i := 0; i < len(g.F32); i += by.every {
		value := func(change float32) float64 {
			old := guess.F32[i]
			guess.F32[i] += change
			if err := m.Set("T", guess); err != nil {
				t.Fatal(err)
			}
			run(t, m, "forward", 1)
			guess.F32[i] = old
			return get(t, m, "misfit").At(0)
		}
		want := (value(by.step) - value(-by.step)) / (2 * float64(by.step))
		most = max(most, math.Abs(want))
		if math.Abs(g.At(i)-want) > by.within*(by.beside+math.Abs(want)) {
			t.Errorf("%s: d misfit/dT[%d] = %g, differences give %g", name, i, g.At(i), want)
		}
	}
	if most < by.least {
		t.Errorf("%s: no derivative is larger than %g", name, most)
	}
	return solves
}
