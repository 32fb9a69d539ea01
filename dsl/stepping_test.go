package dsl_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/runtime"
)

// drive compiles a source and runs it with the runtime on the interpreter.
func drive(t *testing.T, src string, float ir.Elem) (*runtime.Result, *interp.Machine, error) {
	t.Helper()
	p, errs := dsl.Compile("test.wf", src, dsl.Options{Float: float})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	if err := ir.Verify(p); err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	can, err := passes.Canonical(p)
	if err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	prep, err := runtime.Prepare(can, runtime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := interp.New(can)
	if err != nil {
		t.Fatal(err)
	}
	res, err := prep.Run(context.Background(), m)
	return res, m, err
}

func scalarOf(t *testing.T, m *interp.Machine, name string) float64 {
	t.Helper()
	x, err := m.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return x.At(0)
}

// A decay ends when a condition on the new values holds, at the step that a plain loop finds.
func TestUntil(t *testing.T) {
	for _, c := range []struct{ head, body string }{
		{"evolve t from 0 until mean(u') < 0.5 step 0.01", "dt(u) = -u"},
		{"evolve t from 0 to 9.995 until mean(u') < 0.5 step 0.01", "dt(u) = -u"},
		{"evolve n in 0 .. 1000 until mean(u') < 0.5", "u' = u - 0.01*u"},
		{"evolve t from 0 to 10 until mean(u') < 0.5 or t > 5 step 0.01 by euler", "dt(u) = -u"},
	} {
		src := "grid g { x: 0 .. 1 in 4 periodic }\nfield u on g = 1\n" + c.head + " { " + c.body + " }\n"
		res, _, err := drive(t, src, ir.F64)
		if err != nil {
			t.Fatal(c.head, err)
		}
		n, u := 0, 1.0
		for u >= 0.5 {
			u -= 0.01 * u
			n++
		}
		if res.Steps != int64(n) {
			t.Errorf("%s: %d steps, want %d", c.head, res.Steps, n)
		}
		near(t, c.head, float64(res.Fields["u"].Mean), u, 1e-12)
	}
}

// The time of a condition is the end of the step, and an end that comes first ends the run, clipped.
func TestUntilTime(t *testing.T) {
	res, _, err := drive(t, "field u = 1\nevolve t from 0 to 0.995 until t >= 2 step 0.01 { dt(u) = 1 }\n", ir.F64)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "time", float64(res.Time), 0.995, 0)
	near(t, "u", float64(res.Fields["u"].Mean), 1.995, 1e-12)
	if res.Steps != 100 {
		t.Errorf("%d steps", res.Steps)
	}
	res, _, err = drive(t, "field u = 1\nevolve t from 0 to 4 until t >= 1.5 step 0.25 { dt(u) = 1 }\n", ir.F64)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "time", float64(res.Time), 1.5, 0)
}

// Diffusion to a straight line ends by itself when the fields move no more than asked.
func TestSteady(t *testing.T) {
	for _, step := range []string{"auto", "cfl(0.9, diffusion = 1)", "auto by rk4"} {
		src := `
grid g { x: 0 .. 1 in 16 }
field T on g = 0
bc T { x.lo: T = 1; x.hi: T = 2 }
evolve t from 0 until steady(T; 1e-6, every 20) step ` + step + ` { dt(T) = lap(T) }
`
		res, m, err := drive(t, src, ir.F64)
		if err != nil {
			t.Fatal(step, err)
		}
		if res.Steps%20 != 0 || res.Steps < 100 || res.Steps > 2000 {
			t.Errorf("%s: %d steps", step, res.Steps)
		}
		T, _ := m.Get("T")
		for i := range 16 {
			near(t, step, T.At(i), 1+(float64(i)+0.5)/16, 1e-6)
		}
	}
}

// cfl follows the speed: u grows like 1/(1 - t), and the steps shrink with it.
func TestCFL(t *testing.T) {
	src := `
grid g { x: 0 .. 1 in 10 periodic; y: 0 .. 2 in 10 periodic }
field u on g = 1 + 0*x
field v on g = 0.5
field steps = 0
evolve t from 0 to 0.9 step cfl(0.5, speed = (u, v), diffusion = 0.001, every = 3) {
  dt(u) = u*u
  steps' = steps + 1
}
`
	res, m, err := drive(t, src, ir.F64)
	if err != nil {
		t.Fatal(err)
	}
	u, now, n, h := 1.0, 0.0, 0, 0.0
	for now < 0.9 {
		if n%3 == 0 {
			h = 0.5 / (u/0.1 + 0.5/0.2 + 2*0.001*(1/0.01+1/0.04))
		}
		step := h
		if 0.9-now <= h*(1+1e-9) {
			step = 0.9 - now
		}
		u += step * u * u
		now += step
		n++
		if 0.9-now < 1e-14 {
			break
		}
	}
	near(t, "steps", float64(res.Fields["steps"].Mean), float64(n), 0)
	near(t, "u", float64(res.Fields["u"].Max), u, 1e-10)
	near(t, "time", float64(res.Time), 0.9, 0)
	if w := scalarOf(t, m, "step.t") + scalarOf(t, m, "step.tl"); w != 0.9 {
		t.Errorf("the clock shows %v", w)
	}
}

// Error control keeps the error near the tolerance over several orders of it, and rejects steps where the solution turns sharply.
func TestAdaptive(t *testing.T) {
	src := func(tol string) string {
		return `
field y = 1
field z = 0
evolve t from 0 to 6.5 step adaptive(` + tol + `, first = 1) { dt(y) = z;  dt(z) = (1 - y*y)*z*4 - y }
`
	}
	exact, _, err := drive(t, src("1e-10"), ir.F64)
	if err != nil {
		t.Fatal(err)
	}
	var last float64
	for _, tol := range []string{"1e-3", "1e-5", "tol = 1e-7"} {
		res, m, err := drive(t, src(tol), ir.F64)
		if err != nil {
			t.Fatal(err)
		}
		e := math.Abs(float64(res.Fields["y"].Mean - exact.Fields["y"].Mean))
		if last > 0 && !(e < last/10) {
			t.Errorf("tol %s: error %g after %g", tol, e, last)
		}
		last = e
		if r := scalarOf(t, m, "step.rejected"); r == 0 || r > float64(res.Steps)/2 {
			t.Errorf("tol %s: %v of %d steps rejected", tol, r, res.Steps)
		}
		near(t, "time", float64(res.Time), 6.5, 0)
	}
}

// On a staggered grid, and with uneven spacing, cfl takes each speed over the spacing where it lives.
func TestCFLStaggered(t *testing.T) {
	src := `
grid g { x: 0 .. 1 in 8 stretched x*x*(3 - 2*x);  y: 0 .. 1 in 4 }
field u on g.x = 0.5 + x
field v on g.y = 0.25
bc u { all: dn(u) = 0 }
bc v { all: dn(v) = 0 }
evolve t from 0 to 0.01 step cfl(0.5, speed = (u, v), diffusion = 0.01, every = 2) { u' = u;  v' = v }
`
	_, m, err := drive(t, src, ir.F64)
	if err != nil {
		t.Fatal(err)
	}
	X := func(s float64) float64 {
		switch {
		case s < 0:
			return -(s * s * (3 + 2*s))
		case s > 1:
			s = 2 - s
			return 2 - s*s*(3-2*s)
		}
		return s * s * (3 - 2*s)
	}
	speed, diff := 0.0, 0.0
	for i := 0; i <= 8; i++ {
		s := float64(i) / 8
		speed = max(speed, (0.5+X(s))/(X(s+1.0/16)-X(s-1.0/16)))
	}
	for i := range 8 {
		s := (float64(i) + 0.5) / 8
		w := X(s+1.0/16) - X(s-1.0/16)
		diff = max(diff, 2*0.01*(1/(w*w)+16))
	}
	near(t, "step", scalarOf(t, m, "step.want"), 0.5/(speed+0.25*4+diff), 1e-12)
}

// What allows no step ends the run with the reason: a flow at rest, and a solution that becomes infinite.
func TestNoStep(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"grid g { x: 0 .. 1 in 8 periodic }\nfield u on g = 0\nevolve t from 0 until steady(u) step cfl(0.5, speed = u) { dt(u) = -dx(u)*u }\n",
			"the step of this `evolve` is +Inf"},
		{"grid g { x: 0 .. 1 in 8 periodic }\nfield u on g = 1\nevolve t from 0 to 5 step adaptive(1e-3) { dt(u) = u*u }\n",
			"its error is still above the tolerance"},
	} {
		_, _, err := drive(t, c.src, ir.F32)
		if err == nil || !strings.Contains(err.Error(), "WF0622") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	// A bound on the step lets a flow start from rest.
	res, _, err := drive(t, `
grid g { x: 0 .. 1 in 8 periodic }
field u on g = 0
evolve t from 0 to 1 step cfl(0.5, speed = u, max = 0.1) { dt(u) = 1 }
`, ir.F32)
	if err != nil || res.Steps < 10 {
		t.Errorf("%v, %+v", err, res)
	}
}

// A program that keeps its own time takes the same steps as one whose time the host keeps: leapfrog, Adams-Bashforth and the stages of
// Runge-Kutta, with conditions that change in time and a clipped last step.
func TestOwnClockSameSteps(t *testing.T) {
	for _, body := range []string{
		"{ dt(dt(u)) = lap(u) }", "by ab2 { dt(u) = 0.1*lap(u) + cos(t) }", "by rk4 { dt(u) = 0.1*lap(u) + cos(t) }", "by ssprk3 { dt(u) = 0.1*lap(u) - t*u }",
	} {
		src := "grid g { x: 0 .. 1 in 8 }\nfield u on g = sin(3*x)\nbc u { x.lo: u = sin(2*t); x.hi: dn(u) = 0 }\nevolve t from 0.1 to 0.5234 HOW step 0.01 " + body + "\n"
		host, _, err := drive(t, strings.Replace(src, "HOW", "", 1), ir.F64)
		if err != nil {
			t.Fatal(err)
		}
		own, _, err := drive(t, strings.Replace(src, "HOW", "until max(u') > 1e9", 1), ir.F64)
		if err != nil {
			t.Fatal(err)
		}
		if host.Steps != own.Steps {
			t.Errorf("%s: %d steps, the host makes %d", body, own.Steps, host.Steps)
		}
		near(t, "time", float64(own.Time), float64(host.Time), 1e-15)
		for k := range 8 {
			near(t, body, own.Arrays["u"].At(k), host.Arrays["u"].At(k), 1e-12)
		}
	}
}

// Leapfrog keeps its order when the steps change: dt(dt(u)) = -u with u = cos(t) from rate 0, and, with a rate, sin(t).
func TestLeapfrogVariable(t *testing.T) {
	for _, c := range []struct {
		start, rate string
		exact       float64
	}{{"1", "", math.Cos(2)}, {"0", "dt(u) = 1\n", math.Sin(2)}} {
		wrong := func(cfl float64) float64 {
			res, _, err := drive(t, fmt.Sprintf(`
grid g { x: 0 .. 1 in 4 periodic }
field u on g = %s
%sevolve t from 0 to 2 step cfl(%v, speed = 1 + 0.6*sin(5*t) + 0*u) { dt(dt(u)) = -u }
`, c.start, c.rate, cfl), ir.F64)
			if err != nil {
				t.Fatal(err)
			}
			return math.Abs(res.Arrays["u"].At(0) - c.exact)
		}
		var e [3]float64
		for k := range e {
			e[k] = wrong(0.08 / math.Pow(2, float64(k)))
		}
		for k := range 2 {
			if order := math.Log2(e[k] / e[k+1]); order < 1.9 || order > 2.2 {
				t.Errorf("from %s: order %.2f, errors %v", c.start, order, e)
			}
		}
	}
}

// A wave on cells with steps that its changing speed asks for: order 2 in space and time together.
func TestLeapfrogWave(t *testing.T) {
	wrong := func(n int) (worst float64) {
		res, _, err := drive(t, fmt.Sprintf(`
grid g { x: 0 .. 1 in %d }
field u on g = sin(pi*x)
bc u { x: u = 0 }
evolve t from 0 to 1.3 step cfl(0.7, speed = 1 + 0.3*sin(7*t)) { dt(dt(u)) = lap(u) + 0.1*u }
`, n), ir.F64)
		if err != nil {
			t.Fatal(err)
		}
		for k := range n {
			x := (float64(k) + 0.5) / float64(n)
			worst = max(worst, math.Abs(res.Arrays["u"].At(k)-math.Sin(math.Pi*x)*math.Cos(1.3*math.Sqrt(math.Pi*math.Pi-0.1))))
		}
		return worst
	}
	e := [3]float64{wrong(16), wrong(32), wrong(64)}
	for k := range 2 {
		if order := math.Log2(e[k] / e[k+1]); order < 1.8 || order > 2.3 {
			t.Errorf("order %.2f, errors %v", order, e)
		}
	}
}

// Adams-Bashforth keeps its order when the steps change.
func TestAdamsBashforthVariable(t *testing.T) {
	final := func(c float64) float64 {
		res, _, err := drive(t, fmt.Sprintf(`
grid g { x: 0 .. 1 in 4 periodic }
field u on g = 1
evolve t from 0 to 1 step cfl(%v, speed = 1 + 0.9*sin(9*t)*u/u) by ab2 { dt(u) = -u*cos(t) }
`, c), ir.F64)
		if err != nil {
			t.Fatal(err)
		}
		return math.Abs(float64(res.Fields["u"].Mean) - math.Exp(-math.Sin(1)))
	}
	if p := math.Log2(final(0.1) / final(0.05)); math.Abs(p-2) > 0.25 {
		t.Errorf("order %.3f", p)
	}
}
