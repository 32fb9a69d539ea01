package solvers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/diag"
)

// system is one kind of equation; which methods suit it.
type system struct {
	name, grid, fields, bc, equation, unknown, with string
	methods                                         []string
}

var systems = []system{
	{"symmetric", "x: 0 .. 1 in 10; y: 0 .. 2 in 12; z: 0 .. 1 in 8", "", "bc u { x.lo: u = 1; x.hi: u = y; y: dn(u) = 0.5; z.lo: u = 0; z.hi: dn(u) = 0 }",
		"u' - 0.02*lap(u') = u + x*y", "u", "",
		[]string{"cg", "cg(pre = diagonal, TOL)", "cg(pre = chebyshev(3), TOL)", "cg(norm = max, TOL)", "bicgstab", "bicgstab(pre = diagonal, TOL)", "gmres(7, TOL)",
			"gmres(pre = chebyshev(2), restart = 5, TOL)", "jacobi(TOL, max = 5000)", "chebyshev(TOL, max = 5000)"}},
	{"nodes", "x: 0 .. 1 in 9 nodes; y: 0 .. 2 in 11 nodes", "", "bc u { x.lo: u = 1; x.hi: u = y; y: u = x }",
		"u' - 0.02*lap(u') = u + x*y", "u", "", []string{"cg", "bicgstab", "gmres", "jacobi(TOL, max = 5000)", "chebyshev(TOL, max = 5000)", "cg(pre = diagonal, TOL)"}},
	{"mirrored nodes", "x: 0 .. 1 in 17 nodes; y: 0 .. 1 in 9 nodes", "", "bc u { x.lo: u = 0; x.hi: dn(u) = 1; y: dn(u) = 0 }",
		"-lap(u') = sin(5*x)*y", "u", "", []string{"cg(TOL, max = 120)", "cg(pre = diagonal, TOL, max = 120)", "bicgstab"}},
	{"singular nodes", "x: 0 .. 1 in 17 nodes; y: 0 .. 1 in 9 nodes", "", "bc u { x: dn(u) = 0; y: dn(u) = 0 }",
		"-lap(u') = cos(pi*x)*cos(2*pi*y)", "u", "with mean(u') = 0", []string{"cg(TOL, max = 120)", "bicgstab"}},
	{"upwind", "x: 0 .. 1 in 16; y: 0 .. 1 in 8 periodic", "", "bc u { x.lo: u = 1; x.hi: dn(u) = 0 }",
		"u' + 0.3*upwind((1, 0.5), u') - 0.01*lap(u') = u", "u", "",
		[]string{"bicgstab", "bicgstab(pre = diagonal, TOL)", "gmres", "gmres(6, pre = diagonal, TOL)", "jacobi(TOL, max = 5000)"}},
	{"variable", "x: 0 .. 1 in 16; y: 0 .. 1 in 16", "field k on g = 1 + 50*x*x + sin(7*y)^2\nfield c on g = y\nbc k { all: dn(k) = 0 }", "bc u { x: u = y; y: dn(u) = 1 }",
		"c*u' - div(k*grad(u')) = 1 + x", "u", "",
		[]string{"cg", "cg(pre = diagonal, TOL)", "cg(pre = multigrid, TOL)", "bicgstab(pre = chebyshev(4), TOL, max = 4000)", "gmres(12, pre = multigrid, TOL)", "multigrid"}},
	{"singular", "x: 0 .. 1 in 16; y: 0 .. 1 in 8 periodic", "", "bc u { x.lo: dn(u) = 0.5; x.hi: dn(u) = -0.5 }",
		"lap(u') = cos(pi*x)*sin(2*pi*y)", "u", "with mean(u') = 0",
		[]string{"cg", "cg(pre = diagonal, TOL)", "cg(pre = multigrid, TOL)", "bicgstab", "gmres", "multigrid"}},
	{"robin", "x: 0 .. 1 in 16; y: 0 .. 1 in 8 periodic", "", "bc u { x.lo: 2*u + dn(u) = 3; x.hi: u = 0 }",
		"-lap(u') = 1", "u", "", []string{"cg", "cg(pre = diagonal, TOL)", "jacobi(TOL, max = 20000)", "multigrid", "gmres"}},
	{"fourth order", "x: 0 .. 1 in 12 periodic; y: 0 .. 1 in 14", "", "bc u { y: u = 0 }",
		"u' + 1e-5*lap(lap(u')) - 0.01*lap(u') = x*y", "u", "", []string{"cg", "cg(pre = diagonal, TOL)", "bicgstab"}},
	{"nonlinear", "x: 0 .. 1 in 16; y: 0 .. 1 in 8", "", "bc u { x.lo: u = 1; x.hi: u = 2; y: dn(u) = 0 }",
		"exp(u') - div((1 + u'^2)*grad(u')) = 3", "u", "",
		[]string{"newton", "newton(inner = gmres(10, tol = 1e-6), TOL)", "newton(inner = bicgstab(pre = multigrid), TOL)"}},
}

// Every method solves every equation it suits: the residual, computed from the solution as the equation is written, is what was asked for.
func TestMethods(t *testing.T) {
	for _, s := range systems {
		for _, m := range s.methods {
			method := strings.ReplaceAll(m, "TOL", "tol = 1e-9")
			if !strings.Contains(method, "(") {
				method += "(tol = 1e-9)"
			}
			sides := strings.SplitN(s.equation, " = ", 2)
			src := fmt.Sprintf("grid g { %s }\nfield u: f64 on g = 0.5\nfield left: f64 = 0\nfield right: f64 = 0\nfield n: f64 = 0\nfield average: f64 = 0\n%s\n%s\n"+
				"field left2: f64 = 0\nevolve q in 0 .. 1 {\n  solve %s for u' %s using %s\n  left' = norm(%s - (%s))\n  right' = norm(%s)\n  n' = iterations(u')\n  average' = mean(u')\n  left2' = residual(u')\n}\n",
				s.grid, strings.ReplaceAll(s.fields, " on g", ": f64 on g"), s.bc, s.equation, s.with, method, sides[0], sides[1], sides[1])
			t.Run(s.name+"/"+m, func(t *testing.T) {
				r := solve(t, src, wfc.Interp, nil)
				left, right := number(t, r, "left"), number(t, r, "right")
				// The tolerance refers to the right side with the boundary conditions in it, which may be much larger.
				if !(left < 1e-5*(right+1)) || !(number(t, r, "left2") <= 1e-9) || number(t, r, "n") < 1 {
					t.Errorf("residual %g of %g after %g iterations", left, right, number(t, r, "n"))
				}
				if s.with != "" && !(abs(number(t, r, "average")) < 1e-12) {
					t.Errorf("mean %g", number(t, r, "average"))
				}
			})
		}
	}
}

func abs(x float64) float64 { return max(x, -x) }

// Two equations for two unknowns: a reaction that couples them, and gradients of one in the other.
func TestCoupled(t *testing.T) {
	for _, m := range []string{"bicgstab(tol = 1e-10)", "gmres(10, tol = 1e-10)", "bicgstab(tol = 1e-10, pre = diagonal)", "newton(tol = 1e-9, inner = gmres(10))"} {
		r := solve(t, `
grid g { x: 0 .. 1 in 12; y: 0 .. 1 in 10 periodic }
field u: f64 on g = x
field v: f64 on g = 1
field a: f64 = 0
field b: f64 = 0
bc (u, v) { x.lo: u = 1, dn(v) = 0; x.hi: u = 0, v = 2 }
evolve k in 0 .. 1 {
  solve (u' - 0.1*lap(u') + v', v' - 0.2*lap(v') - dx(u')) = (u, v) for u', v' using `+m+`
  a' = norm(u' - 0.1*lap(u') + v' - u)
  b' = norm(v' - 0.2*lap(v') - dx(u') - v)
}
`, wfc.Interp, nil)
		if a, b := number(t, r, "a"), number(t, r, "b"); !(a < 1e-6) || !(b < 1e-6) {
			t.Errorf("%s: residuals %g and %g", m, a, b)
		}
	}
}

// Every way to fail ends the run with its diagnostic.
func TestFailures(t *testing.T) {
	head := "grid g { x: 0 .. 1 in 16; y: 0 .. 1 in 16 }\nfield u on g = 1\nfield f on g = 1\nfield n = 0\n"
	for _, c := range []struct{ name, src, code, says string }{
		{"bound", "loop z = 1 while z > 1e-9 max 5 else fail { z' = z/2 }\n", "WF0630", "still holds"},
		{"bound in a step", "evolve k in 0 .. 9 { loop z = 1 while z > 1e-9 max 5 else fail { z' = z/2 }; n' = n + 1 }\n", "WF0630", "still holds"},
		{"iterations", "bc u { all: u = 0 }\nevolve k in 0 .. 3 { solve -lap(u') = f for u' using cg(tol = 1e-5, max = 3) }\n", "WF0631", "after 3 iterations"},
		{"stagnation", "bc u { all: u = 0 }\nevolve k in 0 .. 3 { solve u'*1e-7 - lap(lap(lap(u'))) = f for u' using bicgstab(tol = 5e-7, max = 3000) }\n", "WF063", "residual is"},
		{"no number", "bc u { all: u = 0 }\nevolve k in 0 .. 3 { solve u'*sqrt(n - 1) - lap(u') = f for u' using cg(tol = 1e-5, max = 30) }\n", "WF0633", "not a number"},
		{"incompatible", "bc u { all: dn(u) = 0 }\nevolve k in 0 .. 3 { solve lap(u') = f for u' with mean(u') = 0 using cg(tol = 1e-5) }\n", "WF0634", "has no solution"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := wfc.Build(wfc.Source{Name: "test.wf", Text: head + c.src}, wfc.BuildOptions{IndexOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Run(context.Background(), wfc.RunOptions{Target: wfc.Interp})
			var list diag.List
			if !errors.As(err, &list) || len(list) == 0 || !strings.HasPrefix(list[0].Code, c.code) || !strings.Contains(list[0].Message, c.says) {
				t.Fatalf("%v", err)
			}
			if list[0].Primary.IsZero() {
				t.Error("no place")
			}
			if c.name == "iterations" && !strings.Contains(strings.Join(list[0].Notes, "\n"), "residuals of 3 iterations") {
				t.Errorf("no history: %v", list[0].Notes)
			}
		})
	}
}
