package dsl_test

import (
	"fmt"
	"math"
	"testing"
)

// poisson is -lap(p) = f with a known solution of the continuous problem.
func poisson(n int, grid, bc, f, with, method string) string {
	return fmt.Sprintf(`
param n = %d
grid g { %s }
field p on g = 0
field f on g = %s
%s
evolve k in 0 .. 1 {
  solve -lap(p') = f for p' %s using %s
}
`, n, grid, f, bc, with, method)
}

// contraction is the factor per cycle: the residual fell by tol in k cycles.
func contraction(r *result, name string, tol float64) float64 {
	k := r.at(name + ".k")
	return math.Pow(math.Max(tol, r.at(name+".residual")), 1/k)
}

func TestMultigridPoisson(t *testing.T) {
	for _, c := range []struct{ name, grid, bc, f, with string }{
		{"dirichlet", "x: 0 .. 1 in n; y: 0 .. 1 in n", "bc p { all: p = 0 }", "sin(pi*x)*sin(pi*y)", ""},
		{"neumann", "x: 0 .. 1 in n; y: 0 .. 1 in n", "bc p { all: dn(p) = 0 }", "cos(pi*x)*cos(2*pi*y)", "with mean(p') = 0"},
		{"periodic", "x: 0 .. 1 in n periodic; y: 0 .. 1 in n periodic", "", "sin(2*pi*x)*sin(4*pi*y)", "with mean(p') = 0"},
	} {
		for _, n := range []int{16, 32, 64} {
			r := run(t, poisson(n, c.grid, c.bc, c.f, c.with, "multigrid(tol = 1e-9, max = 40)"))
			q := contraction(r, "p.multigrid", 1e-9)
			t.Logf("%s %d: %g cycles, contraction %.3f", c.name, n, r.at("p.multigrid.k"), q)
			if !(q < 0.2) || !(r.at("p.multigrid.residual") < 1e-9) {
				t.Errorf("%s %d: contraction %g, residual %g", c.name, n, q, r.at("p.multigrid.residual"))
			}
		}
	}
}
