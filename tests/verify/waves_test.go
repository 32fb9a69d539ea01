package verify

import (
	"fmt"
	"math"
	"testing"
)

// V6: the standing wave sin(pi x) cos(w t) with sin(w dt/2) = C sin(pi h/2) is an exact solution of the leapfrog scheme.
func standing(n, steps int, courant float64) string {
	return fmt.Sprintf(`
grid s { x: 0..1 in %d nodes }
field u: f64 on s = sin(pi*x)
bc u { all: u = 0 }
evolve t from 0 to %d*%g/%d step %g/%d { dt(dt(u)) = lap(u) }`, n+1, steps, courant, n, courant, n)
}

func TestV6LeapfrogDispersion(t *testing.T) {
	const n, steps, courant = 20, 200, 0.7
	src := standing(n, steps, courant)
	w := 2 * math.Asin(courant*math.Sin(math.Pi/(2*n)))
	for _, target := range hostTargets(t) {
		f := solve(t, target, src, nil)
		for i := 0; i <= n; i++ {
			want := math.Sin(math.Pi*float64(i)/n) * math.Cos(w*steps)
			if d := math.Abs(f.at("u", i) - want); d > 1e-12 {
				t.Errorf("%s: u at node %d is %.15f, want %.15f", target, i, f.at("u", i), want)
			}
		}
	}
}

// V6: orders of the acoustic wave equation in time and space.
func TestV6WaveOrders(t *testing.T) {
	wave := func(n, acc, steps int) float64 {
		const end = 0.3
		src := fmt.Sprintf(`
grid ring { x: 0..1 in %d periodic; y: 0..1 in %d periodic }
field u: f64 on ring = sin(2*pi*x)*sin(2*pi*y)
evolve t from 0 to %g step %g/%d order %d { dt(dt(u)) = lap(u) }`, n, n, end, end, steps, acc)
		f := solve(t, fastest(t), src, nil)
		worst := 0.0
		for i := 0; i < n; i++ {
			for j := 0; j < n; j++ {
				x, y := (float64(i)+0.5)/float64(n), (float64(j)+0.5)/float64(n)
				want := math.Sin(2*math.Pi*x) * math.Sin(2*math.Pi*y) * math.Cos(2*math.Sqrt2*math.Pi*end)
				worst = max(worst, math.Abs(f.at("u", i, j)-want))
			}
		}
		return worst
	}
	order(t, "wave in time", []float64{wave(48, 8, 40), wave(48, 8, 80), wave(48, 8, 160)}, 2, 0.2)
	order(t, "wave in space, order 2", []float64{wave(16, 2, 400), wave(32, 2, 400)}, 2, 0.2)
	order(t, "wave in space, order 4", []float64{wave(12, 4, 8000), wave(24, 4, 8000)}, 4, 0.2)
}

// V7: Lax-Wendroff carries a smooth pulse once around the unit square with second order (pyro2 advection/problems/smooth.py).
const smooth = `
param n = 32
const c = 0.5
grid sq { x: 0..1 in n periodic; y: 0..1 in n periodic }
field q: f64 on sq = 1 + exp(-60*((x - 0.5)^2 + (y - 0.5)^2))
evolve k in 0 .. 2*n {
  let h[x, y] = q[x, y] - c/2*(q[x+1, y] - q[x-1, y]) + c^2/2*(q[x+1, y] - 2*q[x, y] + q[x-1, y])
  q'[x, y] = h[x, y] - c/2*(h[x, y+1] - h[x, y-1]) + c^2/2*(h[x, y+1] - 2*h[x, y] + h[x, y-1])
}`

func TestV7SmoothAdvectionOrder(t *testing.T) {
	var errs []float64
	for _, n := range []int{64, 128, 256} {
		f := solve(t, fastest(t), smooth, map[string]string{"n": fmt.Sprint(n)})
		sum := 0.0
		for i := 0; i < n; i++ {
			for j := 0; j < n; j++ {
				x, y := (float64(i)+0.5)/float64(n)-0.5, (float64(j)+0.5)/float64(n)-0.5
				e := f.at("q", i, j) - 1 - math.Exp(-60*(x*x+y*y))
				sum += e * e
			}
		}
		errs = append(errs, math.Sqrt(sum)/float64(n))
	}
	order(t, "smooth advection", errs, 2, 0.2)
}

// V7: upwind at CFL = 1 is an exact shift, in equation form too: collected coefficients are rounded once.
func TestV7UpwindAtCFL1Shifts(t *testing.T) {
	const src = `
grid ring { x: 0..1 in 40 periodic }
field u: %s on ring = where(x > 0.3 and x < 0.5, 1, 0.1*x)
evolve t from 0 to 13/40 step 1/40 { dt(u) = -upwind(1, u) }`
	const initial = `
grid ring { x: 0..1 in 40 periodic }
field u: %s on ring = where(x > 0.3 and x < 0.5, 1, 0.1*x)
evolve n in 0 .. 1 { u' = u }`
	each(t, src, func(t *testing.T, f fields) {
		g := solve(t, f.target, fmt.Sprintf(initial, f.elem), nil)
		for i := 0; i < 40; i++ {
			if f.at("u", (i+13)%40) != g.at("u", i) {
				t.Fatalf("cell %d: %v became %v", i, g.at("u", i), f.at("u", (i+13)%40))
			}
		}
	})
}

// V7: a van Leer limited scheme written in relative indices keeps a square pulse of four cells bounded, conserves it, and keeps more
// than 0.77 of its height after 20 steps at CFL 0.5 (pulse and bar of FiPy's examples/convection/advection/vanLeerUpwind.py).
func TestV7VanLeer(t *testing.T) {
	const src = `
const c = 0.5, tiny = 1e-30
grid ring { x: 0..20 in 40 periodic }
field u: %s on ring = where(x > 4 and x < 6, 1, 0)
evolve n in 0 .. 20 {
  let d[x] = u[x+1] - u[x]
  let phi[x] = where(d[x-1]*d[x] > 0, 2*d[x-1]*d[x]/(d[x-1] + d[x] + tiny), 0)
  let f[x] = u[x] + (1 - c)/2*phi[x]
  u'[x] = u[x] - c*(f[x] - f[x-1])
}`
	each(t, src, func(t *testing.T, f fields) {
		// The scheme is in flux form: each of 40 cells rounds twice in each of 20 steps.
		tol := 1e-12
		if f.elem == "f32" {
			tol = 20 * 40 * 2 * 6e-8
		}
		top, sum, low := 0.0, 0.0, 0.0
		for i := 0; i < 40; i++ {
			top, low = max(top, f.at("u", i)), min(low, f.at("u", i))
			sum += f.at("u", i)
		}
		if top < 0.77 || top > 1 || low < -tol || math.Abs(sum-4) > tol {
			t.Errorf("maximum %.4f, minimum %.1e, sum %.12f", top, low, sum)
		}
	})
}
