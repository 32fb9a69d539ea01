package dsl_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
)

// Slopes at bodies, on problems whose solutions are linear: what a staircase of one step does must be exact.
func TestSlopesAtBodies(t *testing.T) {
	for _, c := range []struct{ name, grid, body, bc, method string }{
		{"insulated", "x: 0 .. 1 in 16; y: 0 .. 1 in 8", "y > 0.5", "x.lo: T = 1; x.hi: T = 3; y: dn(T) = 0; body: dn(T) = 0", "cg(tol = 1e-13)"},
		{"heated", "x: 0 .. 1 in 16; y: 0 .. 1 in 8", "x > 0.75", "x.lo: T = 1; x.hi: T = 0; y: dn(T) = 0; body: dn(T) = 2", "bicgstab(tol = 1e-13)"},
		{"behind", "x: 0 .. 1 in 16; y: 0 .. 1 in 8", "x < 0.25", "x.hi: T = 3; x.lo: T = 0; y: dn(T) = 0; body: dn(T) = -2", "multigrid(tol = 1e-13)"},
		{"stretched", "x: 0 .. 1 in 16 stretched tanh(1); y: 0 .. 1 in 8", "y > 0.5", "x.lo: T = 1; x.hi: T = 3; y: dn(T) = 0; body: dn(T) = 0", "bicgstab(tol = 1e-13, pre = diagonal)"},
		{"nodes", "x: 0 .. 1 in 17 nodes; y: 0 .. 1 in 8", "y > 0.5", "x.lo: T = 1; x.hi: T = 3; y: dn(T) = 0; body: dn(T) = 0", "cg(tol = 1e-13, pre = chebyshev(3))"},
	} {
		r := run(t, fmt.Sprintf(`
grid g { %s }
mask body on g = %s
field T on g = where(body, 7, 0)
field outside = 0
field inside = 0
bc T { %s }
evolve k in 0 .. 1 {
  solve -lap(T') = 0*T for T' using %s
  outside' = max(abs(where(body, 0, T' - 1 - 2*x)))
  inside' = max(abs(where(body, T' - 7, 0)))
}`, c.grid, c.body, c.bc, c.method))
		near(t, c.name+": solution", r.at("outside"), 0, 1e-10)
		near(t, c.name+": inside", r.at("inside"), 0, 0)
	}
}

// An insulated body in explicit steps: content is kept, and the steps are those of a conductivity of 0 inside.
func TestInsulatedBody(t *testing.T) {
	src := func(bc, rhs string) *result {
		return run(t, `
grid g { x: 0 .. 1 in 12; y: 0 .. 1 in 12 }
mask body on g = abs(x - 0.5) < 0.2 and abs(y - 0.4) < 0.2
field k on g = where(body, 0, 1)
field T on g = where(body, 7, exp(-9*(x - 0.2)^2 - 5*y^2))
bc k { all: dn(k) = 0 }
bc T { `+bc+` }
evolve t from 0 to 0.05 step auto by rk2 { dt(T) = `+rhs+` }`)
	}
	a, b := src("body: dn(T) = 0; all: dn(T) = 0", "lap(T)"), src("all: dn(T) = 0", "div(harmonic(k)*grad(T))")
	sum, start := 0.0, 0.0
	for i := range 12 {
		for j := range 12 {
			near(t, "T", a.at("T", i, j), b.at("T", i, j), 1e-13)
			x, y := (float64(i)+0.5)/12, (float64(j)+0.5)/12
			if math.Abs(x-0.5) < 0.2 && math.Abs(y-0.4) < 0.2 {
				near(t, "inside", a.at("T", i, j), 7, 0)
				continue
			}
			sum += a.at("T", i, j)
			start += math.Exp(-9*(x-0.2)*(x-0.2) - 5*y*y)
		}
	}
	near(t, "content", sum, start, 1e-12)
}

// What a slope at a body does not determine is said.
func TestSlopeAtBodyMistakes(t *testing.T) {
	for _, c := range []struct{ bc, rhs, code string }{
		{"body: dn(T) = 0; all: dn(T) = 0", "-dx(T)", "WF0245"},
		{"body: dn(T) = 0; all: dn(T) = 0", "dx(T*T)", "WF0269"},
		{"body: dn(u) = 0; all: dn(T) = 0", "lap(T)", "WF0269"},
	} {
		_, errs := dsl.Compile("test.wf", `
grid g { x: 0 .. 1 in 12; y: 0 .. 1 in 12 }
mask body on g = x > 0.5
field T on g = x
field u on g.x = 0
bc (T, u) { `+c.bc+`; all: dn(u) = 0 }
evolve t from 0 to 0.01 step 0.0001 by rk4 { dt(T) = `+c.rhs+`;  u' = u + lap(u) }`, dsl.Options{})
		found := false
		for _, e := range errs {
			found = found || e.Code == c.code
		}
		if !found {
			t.Errorf("%s with %s: %v", c.rhs, c.bc, errs)
		}
	}
}
