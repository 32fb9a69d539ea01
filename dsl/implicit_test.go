package dsl_test

import (
	"fmt"
	"math"
	"testing"
)

// Orders of the implicit methods, with a boundary value, a coefficient and a source that change in time, a last step that is clipped, and
// lets that are written out for the end of the step.
func TestImplicitOrders(t *testing.T) {
	for by, want := range map[string]float64{"backward_euler": 1, "crank_nicolson": 2, "bdf2": 2, "imex": 1, "cnab2": 2} {
		src := `
grid g { x: 0 .. 1 in 6 }
field T on g = 1 + x
let source = cos(5*t)*T
bc T { x.lo: T = cos(3*t); x.hi: dn(T) = sin(2*t) }
evolve t from 0.2 to 0.7 step %v by %s {
  let decay = -(1 + t)*T
  dt(T) = %s
}
`
		final := func(step float64, by, rhs string) (out []float64) {
			r := run(t, fmt.Sprintf(src, step, by, rhs))
			for i := range 6 {
				out = append(out, r.at("T", i))
			}
			return out
		}
		rhs := "0.05*lap(T) + decay + source"
		exact := final(0.5/2048, "rk4", rhs)
		method := by + "(cg(tol = 1e-13))"
		if by == "imex" || by == "cnab2" {
			rhs = "implicit(0.05*lap(T)) + decay + source"
		}
		var errs []float64
		for _, n := range []float64{31.5, 63.5, 127.5} {
			e := 0.0
			for k, v := range final(0.5/n, method, rhs) {
				e = max(e, math.Abs(v-exact[k]))
			}
			errs = append(errs, e)
		}
		if p := order(errs); math.Abs(p-want) > 0.2 {
			t.Errorf("%s: order %.3f of %v, want %v", by, p, errs, want)
		}
	}
}

// V4: a discrete eigenmode is multiplied by the method's own factor, far beyond the explicit limit.
func TestImplicitEigenmode(t *testing.T) {
	for by, f := range map[string]func(z float64) float64{
		"backward_euler": func(z float64) float64 { return 1 / (1 - z) },
		"crank_nicolson": func(z float64) float64 { return (1 + z/2) / (1 - z/2) },
	} {
		r := run(t, `
grid g nodes { x: 0 .. 1 in 17; y: 0 .. 1 in 17 }
field T on g = sin(pi*x)*sin(pi*y)
bc T { all: T = 0 }
evolve t from 0 to 0.1 step 0.02 by `+by+`(cg(tol = 1e-14)) { dt(T) = lap(T) }
`)
		h := 1.0 / 16
		s := math.Sin(math.Pi * h / 2)
		near(t, by, r.at("T", 8, 8), math.Pow(f(-8*s*s/(h*h)*0.02), 5), 1e-12)
	}
}
