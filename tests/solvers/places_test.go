package solvers

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// fastest is the CPU where there is an LLVM.
func fastest(t *testing.T) wfc.Target {
	if _, err := native.Find(""); err != nil {
		t.Log("no LLVM: interpreter")
		return wfc.Interp
	}
	return wfc.CPU
}

// fails runs a program that must end with a diagnostic.
func fails(t *testing.T, src, code, says string) {
	t.Helper()
	p, err := wfc.Build(wfc.Source{Name: "test.wf", Text: src}, wfc.BuildOptions{IndexOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Run(context.Background(), wfc.RunOptions{Target: fastest(t)})
	var list diag.List
	if !errors.As(err, &list) || len(list) == 0 || list[0].Code != code || !strings.Contains(list[0].Message, says) {
		t.Fatalf("want %s, %s; got %v", code, says, err)
	}
}

// Unknowns that live at different places are solved for together: damped flow on faces and the pressure in cells. Both are known: with
// u = sin(pi x) sin(pi y), p = cos(pi x) the right sides follow.
func TestCoupledPlaces(t *testing.T) {
	for _, m := range []string{"bicgstab(tol = 1e-10)", "gmres(8, tol = 1e-10, pre = diagonal)", "newton(tol = 1e-9, inner = bicgstab(tol = 1e-3))"} {
		var before [2]float64
		for i, n := range []string{"8", "16"} {
			r := solve(t, `
param n = 8
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n }
field u: f64 on g.x = 0
field p: f64 on g = 0
field eu: f64 = 0
field ep: f64 = 0
bc u { all: u = 0 }
bc p { all: dn(p) = 0 }
evolve k in 0 .. 1 {
  solve (u' - 0.1*lap(u') + dx(p'), 3*p' + dx(u')) =
      ((1 + 0.2*pi^2)*sin(pi*x)*sin(pi*y) - pi*sin(pi*x), 3*cos(pi*x) + pi*cos(pi*x)*sin(pi*y)) for u', p' using `+m+`
  eu' = max(abs(u' - sin(pi*x)*sin(pi*y)))
  ep' = max(abs(p' - cos(pi*x)))
}
`, wfc.Interp, map[string]string{"n": n})
			now := [2]float64{number(t, r, "eu"), number(t, r, "ep")}
			if i > 0 {
				for k, what := range []string{"velocity", "pressure"} {
					if o := math.Log2(before[k] / now[k]); math.Abs(o-2) > 0.3 {
						t.Errorf("%s: %s: errors %g, %g, order %.2f", m, what, before[k], now[k], o)
					}
				}
			}
			before = now
		}
	}
}

// In a body the unknown has its value, and its equation there is nobody's: Newton's method converges quadratically beside one. With
// conductivity 1 + T^2 and T = 1 on the left, 2 from x = 3/4 on, T + T^3/3 is linear between.
func TestNewtonBesideBody(t *testing.T) {
	r := solve(t, `
grid g { x: 0 .. 1 in 64; y: 0 .. 0.1 in 4 }
mask body on g = x > 0.75
field T: f64 on g = 1
field n = 0
field worst: f64 = 0
bc T { x.lo: T = 1; x.hi: T = 50; y: dn(T) = 0; body: T = 2 }
evolve k in 0 .. 1 {
  solve -div((1 + T'^2)*grad(T')) = 0*T for T' using newton(tol = 1e-11, inner = bicgstab(tol = 1e-6))
  n' = iterations(T')
  let want = 4/3 + (14/3 - 4/3)*x/(48.5/64)
  worst' = max(abs(where(body, 0, T' + T'^3/3 - want)))
}
`, wfc.Interp, nil)
	if n, e := number(t, r, "n"), number(t, r, "worst"); n > 8 || e > 2e-3 {
		t.Errorf("%g steps, error %g", n, e)
	}
}

// Without a tolerance a solve means what its type can reach; one that is given must be reached.
func TestReach(t *testing.T) {
	src := `
grid g { x: 0 .. 1 in 160; y: 0 .. 1 in 160 }
field p on g = 0
field worst = 0
field left = 0
bc p { all: p = 0 }
evolve k in 0 .. 1 {
  solve -lap(p') = 2*pi^2*sin(pi*x)*sin(pi*y) for p' using METHOD
  worst' = max(abs(p' - sin(pi*x)*sin(pi*y)))
  left' = residual(p')
}
`
	for _, m := range []string{"cg", "cg(norm = max, pre = multigrid)"} {
		r := solve(t, replace(t, src, "METHOD", m), fastest(t), nil)
		if left, e := number(t, r, "left"), number(t, r, "worst"); !(left > 1e-5) || !(left < 2e-2) || !(e < 2e-3) {
			t.Errorf("%s: residual %g, error %g; the residual should be above 1e-5, or this test shows nothing", m, left, e)
		}
	}
	fails(t, replace(t, src, "METHOD", "cg(tol = 1e-5)"), "WF0632", "ask for a larger tol")
}

// A residual that becomes orthogonal to the first one ends a recurrence. Going on from there converges; beginning again from the best
// iterate, as one might, repeats the same steps for ever here.
func TestBicgstabBreakdown(t *testing.T) {
	for _, c := range []struct{ elem, tol string }{{"f64", "1e-10"}, {"f32", "1e-5"}} {
		r := solve(t, `
grid g { x: 0 .. 1 in 64; y: 0 .. 1 in 64 }
field T: `+c.elem+` on g = 0
field k = 0
bc T { all: T = 0 }
evolve j in 0 .. 1 {
  solve upwind((1, 0.5), T') - 0.01*lap(T') = 1 for T' using bicgstab(tol = `+c.tol+`, max = 1000)
  k' = iterations(T')
}
`, wfc.Interp, nil)
		if k := number(t, r, "k"); k > 250 {
			t.Errorf("%s: %g iterations", c.elem, k)
		}
	}
}
