package dsl_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
)

// order is the measured order from errors at steps that halve.
func order(errs []float64) float64 {
	n := len(errs)
	return math.Log2(errs[n-2] / errs[n-1])
}

var explicit = map[string]float64{"euler": 1, "rk2": 2, "ssprk3": 3, "rk4": 4, "rk23": 3, "ab2": 2}

// A system with a boundary value that changes in time: T = cosh(x)*sin(t) cells, and v' = -sin-like coupling, against the exact solution
// of the semi-discrete equations, which a run with a very small step of rk4 gives. The order must not fall at the wall.
func TestIntegratorOrders(t *testing.T) {
	src := `
grid g { x: 0 .. 1 in 6 }
field T on g = 1 + x
field v on g = 0
field w = 1
let flux = v*T
bc T { x.lo: T = cos(3*t); x.hi: dn(T) = sin(2*t) }
evolve t from 0.2 to 0.7 step %v by %s {
  let m[x] = T[x]*w
  dt(T) = 0.05*lap(T) - v*m[x]*T
  dt(v) = T*cos(5*t) - v + mean(flux)
  dt(w) = -w*w*mean(v)
}
`
	final := func(step float64, by string) []float64 {
		r := run(t, fmt.Sprintf(src, step, by))
		var out []float64
		for i := range 6 {
			out = append(out, r.at("T", i), r.at("v", i))
		}
		return append(out, r.at("w"))
	}
	exact := final(0.5/2048, "rk4")
	for by, want := range explicit {
		var errs []float64
		for _, n := range []float64{32, 64, 128} {
			e := 0.0
			for k, v := range final(0.5/n, by) {
				e = max(e, math.Abs(v-exact[k]))
			}
			errs = append(errs, e)
		}
		if p := order(errs); math.Abs(p-want) > 0.2 {
			t.Errorf("%s: order %.3f of %v, want %v", by, p, errs, want)
		}
	}
}

// The same on nodes whose ends hold a value that changes in time, and with a last step that is clipped.
func TestIntegratorNodes(t *testing.T) {
	src := `
grid g nodes { x: 0 .. 1 in 6 }
field T on g = 1 + x
bc T { x.lo: T = cos(3*t); x.hi: T = 2 + t*t }
evolve t from 0 to 0.5 step %v by %s { dt(T) = 0.05*lap(T) - T*T }
`
	final := func(step float64, by string) (out []float64) {
		r := run(t, fmt.Sprintf(src, step, by))
		for i := range 6 {
			out = append(out, r.at("T", i))
		}
		return out
	}
	exact := final(0.5/2048, "rk4")
	for by, want := range explicit {
		var errs []float64
		for _, n := range []float64{31.5, 63.5, 127.5} {
			e := 0.0
			for k, v := range final(0.5/n, by) {
				e = max(e, math.Abs(v-exact[k]))
			}
			errs = append(errs, e)
		}
		if p := order(errs); math.Abs(p-want) > 0.2 {
			t.Errorf("%s: order %.3f of %v, want %v", by, p, errs, want)
		}
	}
}

// V4 with each method: the scheme multiplies a discrete eigenmode by the method's own factor each step.
func TestEigenmodeFactors(t *testing.T) {
	taylor := func(order int) func(z float64) float64 {
		return func(z float64) float64 {
			p, s := 1.0, 1.0
			for k := 1; k <= order; k++ {
				p *= z / float64(k)
				s += p
			}
			return s
		}
	}
	factor := map[string]func(z float64) float64{"euler": taylor(1), "rk2": taylor(2), "ssprk3": taylor(3), "rk23": taylor(3), "rk4": taylor(4)}
	for by, f := range factor {
		r := run(t, `
grid g nodes { x: 0 .. 1 in 17; y: 0 .. 1 in 17 }
field T on g = sin(pi*x)*sin(pi*y)
bc T { all: T = 0 }
evolve t from 0 to 0.05 step auto(0.8) by `+by+` { dt(T) = lap(T) }
`)
		h := 1.0 / 16
		s := math.Sin(math.Pi * h / 2)
		z := -8 * s * s / (h * h) * r.env["step.full"]
		want := math.Pow(f(z), r.env["step.count"])
		near(t, by, r.at("T", 8, 8), want, 1e-13)
	}
}

// V3: a Gaussian spreads, with every explicit method at its own largest step and the implicit ones at larger steps.
func TestGaussian(t *testing.T) {
	heads := map[string]string{}
	for by := range explicit {
		heads[by] = "step auto by " + by
	}
	for by, step := range map[string]string{"backward_euler": "5e-5", "crank_nicolson": "5e-4", "bdf2": "2.5e-4"} {
		heads[by] = "step " + step + " by " + by + "(cg(tol = 1e-10))"
	}
	for by, head := range heads {
		r := run(t, `
param n = 32
const t0 = 5e-3
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n }
let r2 = (x - 0.5)^2 + (y - 0.5)^2
field T on g = 1 + exp(-r2/(4*t0))
bc T { all: dn(T) = 0 }
evolve t from 0 to 0.005 `+head+` { dt(T) = lap(T) }
`)
		for i := range 32 {
			x := (float64(i) + 0.5) / 32
			r2 := (x-0.5)*(x-0.5) + 1.0/64/64
			near(t, by, r.at("T", i, 16), 1+0.5*math.Exp(-r2/(4*0.01)), 5e-3)
		}
	}
}

// Stage values of a periodic field need no arrays, and those of others leave none behind.
func TestStagesLeaveNoArrays(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 8 }
field T on g = x
bc T { all: dn(T) = 0 }
evolve t from 0 to 0.01 step auto by rk4 { dt(T) = lap(T) }
`)
	for _, a := range r.p.Arrays {
		if strings.Contains(a.Name, "stage") {
			t.Errorf("array %s is left", a.Name)
		}
	}
}

// Conditions of every kind that change in time: a body in the domain, a mixture of value and slope, faces whose wall values move. Methods
// keep their order.
func TestIntegratorConditions(t *testing.T) {
	for name, src := range map[string]string{
		"body": `
grid g { x: 0 .. 1 in 6; y: 0 .. 1 in 5 }
mask hot on g = x > 0.5 and y > 0.5
field u on g = 1 + x*y
bc u { all: dn(u) = 0;  hot: u = 1 + sin(4*t) }
evolve t from 0 to 0.5 step %v by %s { dt(u) = 0.02*lap(u) - u*cos(t) }
`,
		"mixed": `
grid g { x: 0 .. 1 in 6 }
field u on g = 1 + x
bc u { x.lo: 2*u + dn(u) = 3 + sin(4*t);  x.hi: dn(u) = 0 }
evolve t from 0 to 0.5 step %v by %s { dt(u) = 0.02*lap(u) - u*cos(t) }
`,
		"faces": `
grid g { x: 0 .. 1 in 6; y: 0 .. 1 in 5 }
field u on g.x = 1 + x
field p on g = y
bc u { x.lo: u = 1 + sin(4*t);  x.hi: u = 2;  y: u = cos(3*t) }
bc p { all: dn(p) = 0 }
evolve t from 0 to 0.5 step %v by %s { dt(u) = 0.02*lap(u) - dx(p);  dt(p) = -dx(u) + 0.1*cos(t) }
`,
	} {
		final := func(step float64, by string) (out []float64) {
			r := run(t, fmt.Sprintf(src, step, by))
			for _, f := range []string{"u", "p"} {
				if x := r.arrays[f]; x != nil {
					for k := range x.Len() {
						out = append(out, x.At(k))
					}
				}
			}
			return out
		}
		exact := final(0.5/1024, "rk4")
		for by, want := range map[string]float64{"rk2": 2, "ssprk3": 3, "rk4": 4, "ab2": 2, "crank_nicolson(bicgstab(tol = 1e-13))": 2, "bdf2(bicgstab(tol = 1e-13))": 2} {
			if strings.Contains(by, "(") && name == "faces" {
				continue // a system whose unknowns live at different places is for explicit methods
			}
			var errs []float64
			for _, n := range []float64{16, 32, 64} {
				e := 0.0
				for k, v := range final(0.5/n, by) {
					e = max(e, math.Abs(v-exact[k]))
				}
				errs = append(errs, e)
			}
			if p := order(errs); math.Abs(p-want) > 0.25 {
				t.Errorf("%s by %s: order %.3f of %v, want %v", name, by, p, errs, want)
			}
		}
	}
}

// Acoustics in two dimensions keeps its energy bounded at the limit of auto, and not a little beyond it: collocated and staggered.
func TestCoupledLimitHolds(t *testing.T) {
	for _, place := range [][2]string{{"g", "g"}, {"g.x", "g.y"}} {
		for _, by := range []string{"rk4", "ssprk3"} {
			src := `
grid g { x: 0 .. 1 in 8 periodic; y: 0 .. 1 in 8 periodic }
field u on ` + place[0] + ` = random(1) - 0.5
field v on ` + place[1] + ` = random(2) - 0.5
field p on g = random(3) - 0.5
evolve t from 0 to 300 step auto(1) by ` + by + ` { dt(u) = -dx(p);  dt(v) = -dy(p);  dt(p) = -4*(dx(u) + dy(v)) }
`
			r := run(t, src)
			limit := r.env["step.limit"]
			largest := func(r *result) (m float64) {
				for k := range r.arrays["p"].Len() {
					m = max(m, math.Abs(r.arrays["p"].At(k)))
				}
				return m
			}
			if m := largest(r); !(m < 3) {
				t.Errorf("%v by %s: |p| = %v at the limit", place, by, m)
			}
			beyond := strings.Replace(src, "auto(1)", fmt.Sprint(1.03*limit), 1)
			p, errs := dsl.Compile("test.wf", beyond, dsl.Options{Float: ir.F64})
			if p != nil || !errs.HasErrors() || !strings.Contains(errs.Error(), "beyond the stability limit") {
				t.Errorf("a step beyond the limit: %v", errs)
			}
			// The same step passes where the limit is not known: the last term has no bound.
			free := strings.Replace(beyond, "dt(p) = ", "dt(p) = 0*dx(p)*dx(p) ", 1)
			if m := largest(run(t, free)); m < 1e3 {
				t.Errorf("%v by %s: |p| = %v beyond the limit", place, by, m)
			}
		}
	}
}
