package dsl_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
)

// The steps of `auto` for fluxes of advection: as many as the formulas of check/fluxlimit.go say, and a square pulse keeps its bounds.
func TestFluxLimits(t *testing.T) {
	const n, end, speed = 40, 0.25, 2.0
	upwind := speed * n // 1/limit
	for _, c := range []struct {
		by, rhs string
		rate    float64 // 1/limit
		bound   float64 // how far outside 0 .. 1 the pulse may go
	}{
		{"euler", "adv(2, u, scheme = upwind)", upwind, 0},
		{"euler", "adv(c, u, scheme = upwind)", upwind, 0},
		{"euler", "0.5*adv(4, u, scheme = upwind)", upwind, 0},
		{"euler", "adv(2, u, scheme = vanleer)", 2 * upwind, 1e-6},
		{"euler", "adv(-2, u, scheme = vanleer)", 2 * upwind, 1e-6},
		{"ssprk3", "adv(2, u, scheme = vanleer)", 4 * upwind / 2.512745326618, 1e-6},
		{"ssprk3", "adv(c, u, scheme = vanleer)", 4 * upwind / 2.512745326618, 1e-6},
		{"ssprk3", "adv(2, u, scheme = weno5)", 2 * upwind / 2.512745326618, 0.02},
		{"rk4", "adv(c, u, scheme = central)", upwind / (2 * math.Sqrt2), 1},
		{"euler", "dx(below(2*u, g.x, scheme = vanleer))", 2 * upwind, 1e-6},
		{"euler", "dx(below(u^2, g.x, scheme = upwind))", upwind, 1e-6},
	} {
		r := run(t, fmt.Sprintf(`
grid g { x: 0 .. 1 in %d periodic }
field u on g = where(x > 0.25 and x < 0.5, 1, 0)
field c on g.x = 2
field steps = 0
evolve t from 0 to %g step auto by %s { dt(u) = -%s;  steps' = steps + 1 }`, n, end, c.by, c.rhs))
		if got, want := r.at("steps"), math.Ceil(end*c.rate/0.9-1e-9); got != want {
			t.Errorf("%s, %s: %g steps, want %g", c.by, c.rhs, got, want)
		}
		for i := range n {
			if v := r.at("u", i); v < -c.bound-1e-12 || v > 1+c.bound+1e-12 {
				t.Errorf("%s, %s: u[%d] = %g", c.by, c.rhs, i, v)
				break
			}
		}
	}
	for _, c := range []struct{ by, rhs string }{
		{"euler", "-adv(2, u, scheme = weno5)"},          // slowly unstable at every step
		{"rk4", "-dx(above(2*u, g.x, scheme = upwind))"}, // against the flow
		{"rk4", "adv(2, u, scheme = vanleer)"},           // flows back in time
	} {
		_, errs := dsl.Compile("test.wf", fmt.Sprintf("grid g { x: 0 .. 1 in 40 periodic }\nfield u on g = x\nevolve t from 0 to 1 step auto by %s { dt(u) = %s }\n", c.by, c.rhs), dsl.Options{})
		if len(errs) == 0 || errs[0].Code != "WF0308" {
			t.Errorf("%s, %s: %v", c.by, c.rhs, errs)
		}
	}
	// The waves of u*u travel with 2*u.
	if _, errs := dsl.Compile("test.wf", "grid g { x: 0 .. 1 in 40 periodic }\nfield u on g = 1\nevolve t from 0 to 1 step 0.02 { dt(u) = -adv(u, u, scheme = upwind) }\n", dsl.Options{}); !errs.HasErrors() {
		t.Error("a step beyond the limit of u*u passes")
	}
}
