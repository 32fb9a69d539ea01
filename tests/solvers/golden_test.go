package solvers

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
)

func model(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../models/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// interior sums the nodes that no condition fixes.
func interior(a *ir.Tensor) (sum float64) {
	n := a.Dims[0]
	for i := 1; i < n-1; i++ {
		for j := 1; j < n-1; j++ {
			for k := 1; k < n-1; k++ {
				sum += a.At((i*n+j)*n + k)
			}
		}
	}
	return sum
}

// The WFA's implicit diffusion: figures computed in f64 from its scheme, fully converged (reference/field-equations, section 2).
func TestWFAImplicit(t *testing.T) {
	src := model(t, "wfa/diffusion_implicit.wf")
	wide := "field T: f64 on box = 1"
	f64 := replace(t, src, "field T on box = 1", wide)
	for _, m := range []string{"cg(tol = 1e-13, max = 100)", "bicgstab(tol = 1e-13, max = 100)", "gmres(8, tol = 1e-13)", "jacobi(tol = 1e-13)", "chebyshev(tol = 1e-13)",
		"cg(tol = 1e-13, pre = diagonal)"} {
		r := solve(t, replace(t, f64, "cg(tol = tol, max = 100)", m), wfc.Interp, nil)
		if got := interior(r.Arrays["T"]); math.Abs(got-466.6964257914) > 1e-9 {
			t.Errorf("%s: interior sum %.10f", m, got)
		}
		for k, want := range []float64{0.68868156, 0.93033516, 0.98716265, 0.99763623} {
			if got := r.Arrays["T"].At((5*10+5)*10 + k + 1); math.Abs(got-want) > 1e-8 {
				t.Errorf("%s: T[5,5,%d] = %.9f, want %.9f", m, k+1, got, want)
			}
		}
	}
	for _, target := range []wfc.Target{wfc.Interp, wfc.CPU, wfc.Wafer} {
		r := solve(t, src, target, nil)
		if got := interior(r.Arrays["T"]); math.Abs(got-466.6964257914) > 466.7e-6 {
			t.Errorf("%v: interior sum %.7f in f32", target, got)
		}
	}
	// Steps as long as one likes lead to the steady state, whose mean is exactly 2/3.
	r := solve(t, replace(t, f64, "tol = tol", "tol = 1e-13"), wfc.Interp, map[string]string{"c": "1e6", "steps": "4"})
	if got := interior(r.Arrays["T"]) / 512; math.Abs(got-2.0/3) > 1e-9 {
		t.Errorf("steady mean %.12f", got)
	}
}

func replace(t testing.TB, s, old, by string) string {
	t.Helper()
	for i := 0; i+len(old) <= len(s); i++ {
		if s[i:i+len(old)] == old {
			return s[:i] + by + s[i+len(old):]
		}
	}
	t.Fatalf("no %q", old)
	return ""
}

// Poisson, V5 (b): on nodes the solution of the five-point formula is the exact one times 2*pi^2*h^2/(8*sin(pi*h/2)^2).
func TestPoissonDiscrete(t *testing.T) {
	want := map[int]float64{8: 1.295075e-2, 16: 3.218964e-3, 32: 8.035777e-4, 64: 2.008218e-4}
	for _, n := range []int{8, 16, 32, 64} {
		r := solve(t, fmt.Sprintf(`
grid g nodes { x: 0 .. 1 in %d; y: 0 .. 1 in %d }
field u: f64 on g = 0
bc u { all: u = 0 }
evolve k in 0 .. 1 { solve -lap(u') = 2*pi^2*sin(pi*x)*sin(pi*y) for u' using cg(tol = 1e-12) }
`, n+1, n+1), wfc.Interp, nil)
		h := 1 / float64(n)
		u := r.Arrays["u"]
		factor := 2 * math.Pi * math.Pi * h * h / (8 * math.Pow(math.Sin(math.Pi*h/2), 2))
		worst, relative := 0.0, 0.0
		for i := 1; i < n; i++ {
			for j := 1; j < n; j++ {
				exact := math.Sin(math.Pi*float64(i)*h) * math.Sin(math.Pi*float64(j)*h)
				worst = math.Max(worst, math.Abs(u.At(i*(n+1)+j)-factor*exact))
				relative = math.Max(relative, math.Abs(u.At(i*(n+1)+j)/exact-1))
			}
		}
		if worst > 1e-11 || math.Abs(relative/want[n]-1) > 1e-5 {
			t.Errorf("n = %d: off the discrete solution by %g; relative error %g, want %g", n, worst, relative, want[n])
		}
	}
}

// Poisson, V5 (a): second order on cells, with every kind of solver that scales.
func TestPoissonOrder(t *testing.T) {
	for _, m := range []string{"multigrid(tol = 1e-11)", "cg(tol = 1e-11, pre = multigrid)", "bicgstab(tol = 1e-11)"} {
		var errs []float64
		for _, n := range []int{16, 32, 64} {
			r := solve(t, fmt.Sprintf(`
grid g { x: 0 .. 1 in %d; y: 0 .. 1 in %d }
field u: f64 on g = 0
field e: f64 = 0
bc u { all: u = 0 }
evolve k in 0 .. 1 {
  solve lap(u') = -2*((1 - 6*x^2)*y^2*(1 - y^2) + (1 - 6*y^2)*x^2*(1 - x^2)) for u' using %s
  e' = max(abs(u' - (x^2 - x^4)*(y^4 - y^2)))
}
`, n, n, m), wfc.Interp, nil)
			errs = append(errs, number(t, r, "e"))
		}
		for i := 1; i < len(errs); i++ {
			if order := math.Log2(errs[i-1] / errs[i]); math.Abs(order-2) > 0.2 {
				t.Errorf("%s: order %.3f, errors %v", m, order, errs)
			}
		}
	}
}

// Heat, V4: backward Euler divides the mode sin(pi*x)*sin(pi*y) by 1 + 4*d*r*sin(pi*h/2)^2 per step.
func TestHeatMode(t *testing.T) {
	const n, steps, r = 20, 6, 3.0
	res := solve(t, fmt.Sprintf(`
grid g nodes { x: 0 .. 1 in %d; y: 0 .. 1 in %d }
field u: f64 on g = sin(pi*x)*sin(pi*y)
bc u { all: u = 0 }
evolve t from 0 to %d/400*%g step %g/400 { solve u' - step*lap(u') = u for u' using cg(tol = 1e-13) }
`, n+1, n+1, steps, r, r), wfc.Interp, nil)
	factor := math.Pow(1+8*r*math.Pow(math.Sin(math.Pi/(2*n)), 2), -steps)
	u := res.Arrays["u"]
	for i := 1; i < n; i++ {
		want := factor * math.Sin(math.Pi*float64(i)/n) * math.Sin(math.Pi*0.25)
		if got := u.At(i*(n+1) + n/4); math.Abs(got-want) > 1e-13 {
			t.Fatalf("u[%d] = %.15f, want %.15f", i, got, want)
		}
	}
}

// The unknown has the conditions of its field at the end of the step: u = t + x solves du/dt = lap(u) + 1 with moving walls exactly.
func TestMovingWalls(t *testing.T) {
	for _, grid := range []string{"x: 0 .. 1 in 8", "x: 0 .. 1 in 9 nodes", "x: 0 .. 1 in 8; y: 0 .. 1 in 6"} {
		sides := "x.lo: u = t; x.hi: dn(u) + u = t + 2"
		if grid == "x: 0 .. 1 in 9 nodes" {
			sides = "x.lo: u = t; x.hi: u = t + 1"
		}
		if len(grid) > 20 {
			sides += "; y.lo: u = t + x; y.hi: dn(u) = 0"
		}
		r := solve(t, `
grid g { `+grid+` }
field u: f64 on g = x
field e: f64 = 0
bc u { `+sides+` }
evolve t from 0 to 0.55 step 0.1 {
  solve u' - step*lap(u') = u + step for u' using bicgstab(tol = 1e-13)
  e' = max(e, max(abs(u' - x - t - step)))
}
`, wfc.Interp, nil)
		if e := number(t, r, "e"); !(e < 1e-11) {
			t.Errorf("%s: off by %g", grid, e)
		}
	}
}

// Statements of every kind in one step: the old value of a field lasts until its last reader, loops carry what they assign, branches carry
// over, solves stand in loops, and an unknown may be what a loop carries.
func TestMixedBodies(t *testing.T) {
	r := solve(t, `
grid g { x: 0 .. 1 in 8 periodic }
field u: f64 on g = 1 + sin(2*pi*x)
field v: f64 on g = 0
field old: f64 on g = 0
field early: f64 on g = 0
field flips: f64 = 0
field e: f64 = 0
field f: f64 = 0
field d: f64 = 0
evolve k in 0 .. 4 {
  u' = 2*u
  loop j in 0 .. 3 { v' = v + u }
  old' = u + v
  if k == 1 or k == 3 { early' = u'; flips' = flips + 1 } else { flips' = flips }
  e' = max(abs(old' - u - v))
  loop w = u like u for j in 0 .. 2 {
    solve w' - 0.01*lap(w') = w for w' using cg(tol = 1e-12)
  }
  f' = max(abs(w - 0.01*lap(w) - 0.01*lap(w - 0.01*lap(w)) - u))
  d' = max(abs(v' - v - 3*u))
}
`, wfc.Interp, nil)
	u := 16.0
	if got := r.Arrays["u"].At(0); math.Abs(got/u-(1+math.Sin(math.Pi/8))) > 1e-12 {
		t.Errorf("u = %g", got)
	}
	if number(t, r, "flips") != 2 || !(number(t, r, "e") < 1e-12) || !(number(t, r, "d") < 1e-12) {
		t.Errorf("flips %g, e %g, d %g", number(t, r, "flips"), number(t, r, "e"), number(t, r, "d"))
	}
	if got := number(t, r, "f"); !(got < 1e-9) {
		t.Errorf("two implicit steps off by %g", got)
	}
	// v sums 3u over the steps before the last doubling, u = 1, 2, 4, 8.
	if got := r.Arrays["v"].At(0); math.Abs(got-45*(1+math.Sin(math.Pi/8))) > 1e-10 {
		t.Errorf("v = %g", got)
	}
	if got := r.Arrays["early"].At(0); math.Abs(got-16*(1+math.Sin(math.Pi/8))) > 1e-10 {
		t.Errorf("early = %g", got)
	}
}
