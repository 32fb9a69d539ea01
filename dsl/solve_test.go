package dsl_test

import (
	"math"
	"strings"
	"testing"
)

const implicitHeatText = `
param n = 12
const alpha = 1
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n periodic }
field T on g = 1 + x*sin(2*pi*y)
bc T { x.lo: T = 0; x.hi: dn(T) = 0 }
evolve t from 0 to 0.05 step 0.01 {
  solve T' - step*alpha*lap(T') = T for T' using METHOD
}
`

// worst is the largest difference from the same problem solved by Gauss and Seidel.
func worst(r *result) float64 {
	want := implicitHeat(12, 5, 0.01)
	w := 0.0
	for i := range 12 {
		for j := range 12 {
			w = math.Max(w, math.Abs(r.at("T", i, j)-want[i][j]))
		}
	}
	return w
}

func TestSolveHeat(t *testing.T) {
	for _, m := range []string{"cg(tol = 1e-12)", "cg(tol = 1e-12, norm = max)", "cg(tol = 1e-12, pre = diagonal)", "bicgstab(tol = 1e-12)",
		"bicgstab(tol = 1e-12, pre = diagonal)", "gmres(8, tol = 1e-12)", "gmres(restart = 5, tol = 1e-12, pre = diagonal)",
		"jacobi(tol = 1e-12, max = 2000)", "chebyshev(tol = 1e-12)"} {
		r := run(t, withMethod(implicitHeatText, m))
		if w := worst(r); !(w < 1e-10) {
			t.Errorf("%s: differs by %g", m, w)
		}
	}
}

func withMethod(src, m string) string { return strings.ReplaceAll(src, "METHOD", m) }
