package solvers

import (
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc"
)

// Multigrid on every sort of grid: the error is that of the discretisation, and few cycles are needed. The last column bounds both.
func TestMultigridGrids(t *testing.T) {
	const (
		sines   = "sin(pi*x)*sin(pi*y)"
		cosines = "cos(pi*x)*cos(pi*y)"
		waves   = "cos(2*pi*x)*cos(2*pi*y)"
		fixed   = "bc p { all: p = 0 }"
		free    = "bc p { all: dn(p) = 0 }"
		mean    = "with mean(p') = 0"
	)
	for _, c := range []struct {
		name, grid, place, bc, with, op, rhs, exact string
		cycles, err                                 float64
	}{
		{"odd cells", "x: 0 .. 1 in 45; y: 0 .. 1 in 39", "g", fixed, "", "-lap(p')", "2*pi^2*" + sines, sines, 12, 1e-3},
		{"one odd axis", "x: 0 .. 1 in 32; y: 0 .. 1 in 21", "g", free, mean, "-lap(p')", "2*pi^2*" + cosines, cosines, 8, 2e-3},
		{"odd nodes", "x: 0 .. 1 in 33 nodes; y: 0 .. 1 in 25 nodes", "g", fixed, "", "-lap(p')", "2*pi^2*" + sines, sines, 7, 2e-3},
		{"even nodes", "x: 0 .. 1 in 40 nodes; y: 0 .. 1 in 40 nodes", "g", fixed, "", "-lap(p')", "2*pi^2*" + sines, sines, 10, 1e-3},
		{"free nodes", "x: 0 .. 1 in 33 nodes; y: 0 .. 1 in 33 nodes", "g", free, mean, "-lap(p')", "2*pi^2*" + cosines, cosines, 7, 1e-3},
		{"nodes on a torus", "x: 0 .. 1 in 32 nodes periodic; y: 0 .. 1 in 48 nodes periodic", "g", "", mean, "-lap(p')", "8*pi^2*" + waves, waves, 7, 4e-3},
		{"nodes and cells", "x: 0 .. 1 in 33 nodes; y: 0 .. 1 in 32", "g", fixed, "", "-lap(p')", "2*pi^2*" + sines, sines, 7, 1e-3},
		{"faces", "x: 0 .. 1 in 32; y: 0 .. 1 in 32", "g.x", fixed, "", "-lap(p')", "2*pi^2*" + sines, sines, 7, 1e-3},
		{"edges", "x: 0 .. 1 in 32; y: 0 .. 1 in 24", "g.xy", fixed, "", "-lap(p')", "2*pi^2*" + sines, sines, 7, 2e-3},
		{"stretched", "x: 0 .. 1 in 32 stretched tanh(1.5); y: 0 .. 1 in 32 stretched exp(1)", "g", fixed, "", "-lap(p')", "2*pi^2*" + sines, sines, 12, 3e-3},
		{"stretched torus", "x: 0 .. 1 in 32 stretched x + 0.08*sin(2*pi*x) periodic; y: 0 .. 1 in 32", "g", "bc p { y: p = 0 }", "", "-lap(p')",
			"5*pi^2*cos(2*pi*x)*sin(pi*y)", "cos(2*pi*x)*sin(pi*y)", 10, 6e-3},
		{"flat cells", "x: 0 .. 1 in 48; y: 0 .. 0.1 in 48", "g", fixed, "", "-lap(p')", "101*pi^2*sin(pi*x)*sin(10*pi*y)", "sin(pi*x)*sin(10*pi*y)", 8, 1e-3},
		{"convection", "x: 0 .. 1 in 32; y: 0 .. 1 in 32", "g", fixed, "", "upwind((1, 0.5), p') - 0.5*lap(p')",
			"pi^2*" + sines + " + pi*cos(pi*x)*sin(pi*y) + 0.5*pi*sin(pi*x)*cos(pi*y)", sines, 9, 3e-2},
		{"coefficient on stretched cells", "x: 0 .. 1 in 32 stretched tanh(1.5); y: 0 .. 1 in 32", "g", fixed, "", "-div((1 + x)*grad(p'))",
			"2*pi^2*(1 + x)*" + sines + " - pi*cos(pi*x)*sin(pi*y)", sines, 12, 3e-3},
		{"body", "x: 0 .. 1 in 32; y: 0 .. 1 in 32", "g", "mask body on g = x < 0.25\nbc p { body: p = " + sines + "; all: p = 0 }", "", "-lap(p')", "2*pi^2*" + sines, sines, 10, 1e-3},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := solve(t, fmt.Sprintf(`
grid g { %s }
field p: f64 on %s = 0
field cycles = 0
field err: f64 = 0
%s
evolve k in 0 .. 1 {
  solve %s = %s for p' %s using multigrid(tol = 1e-9, max = 40)
  cycles' = iterations(p')
  err' = max(abs(p' - (%s)))
}
`, c.grid, c.place, c.bc, c.op, c.rhs, c.with, c.exact), wfc.Interp, nil)
			k, err := number(t, r, "cycles"), number(t, r, "err")
			t.Logf("%g cycles, error %.2e", k, err)
			if !(k <= c.cycles) || !(err <= c.err) {
				t.Errorf("%g cycles, error %g; want at most %g and %g", k, err, c.cycles, c.err)
			}
		})
	}
}

// Coefficients that jump by 1000 : 1 in ways which coarse grids cannot represent: cycles by themselves would diverge in most of them.
func TestMultigridHardJumps(t *testing.T) {
	for _, c := range []struct {
		k, flux string
		most    float64
	}{
		{"where(sin(6*pi*x)*sin(4*pi*y) > 0, 1000, 1)", "k*grad(p')", 12}, // a chess board
		{"where(abs(x + y - 1) < 0.06, 1000, 1)", "k*grad(p')", 16},       // a channel across the grid
		{"where(abs(x + y - 1) < 0.06, 1000, 1)", "harmonic(k)*grad(p')", 25},
		{"where(abs(x - 0.505) < 0.016, 1000, 1)", "harmonic(k)*grad(p')", 10}, // a layer of one cell
		{"where(random(1) > 0.5, 1000, 1)", "k*grad(p')", 16},
	} {
		r := solve(t, fmt.Sprintf(`
grid g { x: 0 .. 1 in 32; y: 0 .. 1 in 32 periodic }
field k: f64 on g = %s
field p: f64 on g = 0
field cycles = 0
bc k { all: dn(k) = 0 }
bc p { all: p = 0 }
evolve n in 0 .. 1 {
  solve -div(%s) = 1 for p' using multigrid(tol = 1e-8, max = 60)
  cycles' = iterations(p')
}
`, c.k, c.flux), wfc.Interp, nil)
		n := number(t, r, "cycles")
		t.Logf("%s, %s: %g cycles", c.k, c.flux, n)
		if n > c.most {
			t.Errorf("%s, %s: %g cycles, want at most %g", c.k, c.flux, n, c.most)
		}
	}
}

// On uneven axes conservative operators are symmetric in the product that weighs points by their size: conjugate gradients converge, and what
// a divergence leaves has no mean, so that a projection works with insulated walls.
func TestStretchedSymmetric(t *testing.T) {
	for _, c := range []struct{ bc, with, method string }{
		{"bc p { all: p = 0 }", "", "cg(tol = 1e-8, max = 200)"},
		{"bc p { all: dn(p) = 0 }", "with mean(p') = 0", "cg(tol = 1e-8, max = 200)"},
		{"bc p { all: dn(p) = 0 }", "with mean(p') = 0", "bicgstab(tol = 1e-8, max = 200)"},
		{"bc p { all: dn(p) = 0 }", "with mean(p') = 0", "multigrid(tol = 1e-8, max = 20)"},
	} {
		r := solve(t, fmt.Sprintf(`
grid g { x: 0 .. 1 in 24 stretched tanh(1.5); y: 0 .. 1 in 24 stretched exp(1) }
field u: f64 on g.x = sin(pi*x)*y
field v: f64 on g.y = 0
field p: f64 on g = 0
field leak: f64 = 0
field centre: f64 = 0
bc (u, v) { all: noslip }
%s
evolve k in 0 .. 1 {
  solve lap(p') = div(u, v) for p' %s using %s
  leak' = max(abs(lap(p') - div(u, v)))
  centre' = integral(p')
}
`, c.bc, c.with, c.method), wfc.Interp, nil)
		if leak := number(t, r, "leak"); !(leak < 1e-5) {
			t.Errorf("%s, %s: a divergence of %g is left", c.bc, c.method, leak)
		}
		if v := number(t, r, "centre"); c.with != "" && !(v < 1e-12 && v > -1e-12) {
			t.Errorf("%s: the integral is %g", c.method, v)
		}
	}
}
