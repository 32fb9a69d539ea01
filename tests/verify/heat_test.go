package verify

import (
	"fmt"
	"math"
	"testing"
)

// V1: a wall of value 1 against a medium at 0. The bound is FiPy's for the explicit scheme (examples/diffusion/mesh1D.py).
// It holds in f32 too: the weights are positive and sum to 1, so 100 steps of five roundings add at most 100*5*6e-8 = 3e-5.
func TestV1ErrorFunction(t *testing.T) {
	const src = `
grid line { x: 0..50 in 50 }
field phi: %s on line = 0
bc phi { x.lo: phi = 1; x.hi: phi = 0 }
evolve t from 0 to 45 step 0.45 { dt(phi) = lap(phi) }`
	each(t, src, func(t *testing.T, f fields) {
		worst := 0.0
		for i := 0; i < 50; i++ {
			x := float64(i) + 0.5
			worst = max(worst, math.Abs(f.at("phi", i)-(1-math.Erf(x/(2*math.Sqrt(45))))))
		}
		if worst > 7e-4 {
			t.Errorf("largest difference %.2e, allowed 7e-4", worst)
		}
	})
}

// V2: conductivity 1, 0.1, 1 on the quarters, a value on the left and a flux on the right: the steady state is piecewise linear,
// and exact at the cells when there are 4i+2 of them.
const layered = `
param steps = 40000
const h = 0.1, k = 0.4
grid bar { x: 0..1 in 10 }
field west: f64 on bar = where(x - h/2 >= 0.25 and x - h/2 < 0.75, 0.1, 1)
field east: f64 on bar = where(x + h/2 >= 0.25 and x + h/2 < 0.75, 0.1, 1)
field T: f64 on bar = 0
bc T { x.lo: T = 0; x.hi: dn(T) = 1 }
evolve n in 0 .. steps {
  T'[x] = T[x] + k*(east[x]*(T[x+1] - T[x]) - west[x]*(T[x] - T[x-1]))
}`

func TestV2LayeredConductivity(t *testing.T) {
	for _, target := range hostTargets(t) {
		f := solve(t, target, layered, nil)
		for i := 0; i < 10; i++ {
			x := (float64(i) + 0.5) / 10
			want := x
			switch {
			case x >= 0.75:
				want = x + 18.0/4
			case x >= 0.25:
				want = 10*x - 9.0/4
			}
			if d := math.Abs(f.at("T", i) - want); d > 1e-8 {
				t.Errorf("%s: T(%.2f) = %.10f, want %.10f", target, x, f.at("T", i), want)
			}
		}
	}
}

// V3: a Gaussian spreads (pyro2 diffusion/problems/gaussian.py; the exponent of the amplitude is d/2). The ratio of step to h^2 is the
// same at all sizes: the errors of time and space partly cancel, by an amount that depends on it.
var gaussian = map[int]string{
	2: `
param n = 32
grid box { x: 0..1 in n; y: 0..1 in n }
const t0 = 0.004
field phi: f64 on box = 1 + exp(-((x - 0.5)^2 + (y - 0.5)^2)/(4*t0))
bc phi { all: dn(phi) = 0 }
evolve t from 0 to 0.002 step 0.002*1024/(10*n^2) { dt(phi) = lap(phi) }`,
	3: `
param n = 32
grid box { x: 0..1 in n; y: 0..1 in n; z: 0..1 in n }
const t0 = 0.004
field phi: f64 on box = 1 + exp(-((x - 0.5)^2 + (y - 0.5)^2 + (z - 0.5)^2)/(4*t0))
bc phi { all: dn(phi) = 0 }
evolve t from 0 to 0.002 step 0.002*256/(4*n^2) { dt(phi) = lap(phi) }`}

func TestV3GaussianOrder(t *testing.T) {
	for d, sizes := range map[int][]int{2: {32, 64, 128}, 3: {16, 32}} {
		const t0, end = 0.004, 0.002
		var errs []float64
		for _, n := range sizes {
			f := solve(t, fastest(t), gaussian[d], map[string]string{"n": fmt.Sprint(n)})
			sum, cells := 0.0, 1
			for k := 0; k < d; k++ {
				cells *= n
			}
			for c := 0; c < cells; c++ {
				r2, rest := 0.0, c
				for k := 0; k < d; k++ {
					x := (float64(rest%n)+0.5)/float64(n) - 0.5
					r2 += x * x
					rest /= n
				}
				want := 1 + math.Pow(t0/(t0+end), float64(d)/2)*math.Exp(-r2/(4*(t0+end)))
				e := f.flat("phi", c) - want
				sum += e * e
			}
			errs = append(errs, math.Sqrt(sum/float64(cells)))
		}
		order(t, fmt.Sprintf("Gaussian in %d-D", d), errs, 2, 0.2)
	}
}

// eigenmode is the heat equation in d dimensions on 12 intervals each, started in its lowest mode, with dt = r*h^2.
func eigenmode(d, acc, steps int, r float64) string {
	grids := []string{"x: 0..1 in 13 nodes", "x: 0..1 in 13 nodes; y: 0..1 in 13 nodes", "x: 0..1 in 13 nodes; y: 0..1 in 13 nodes; z: 0..1 in 13 nodes"}
	modes := []string{"sin(pi*x)", "sin(pi*x)*sin(pi*y)", "sin(pi*x)*sin(pi*y)*sin(pi*z)"}
	return fmt.Sprintf(`
grid g { %s }
field T: f64 on g = %s
bc T { all: T = 0 }
evolve t from 0 to %d*%g/144 step %g/144 order %d { dt(T) = lap(T) }`, grids[d-1], modes[d-1], steps, r, r, acc)
}

// V4: a discrete eigenmode is multiplied by exactly 1 - 4*d*r*sin^2(pi*h/2) per step, at every order of accuracy by
// 1 - r*symbol: a test to machine precision.
func TestV4DiscreteEigenmode(t *testing.T) {
	symbols := map[int]func(th float64) float64{ // -h^2 times the symbol of the second derivative
		2: func(th float64) float64 { return 2 - 2*math.Cos(th) },
		4: func(th float64) float64 { return 5.0/2 - 8.0/3*math.Cos(th) + 1.0/6*math.Cos(2*th) },
		6: func(th float64) float64 {
			return 49.0/18 - 3*math.Cos(th) + 3.0/10*math.Cos(2*th) - 1.0/45*math.Cos(3*th)
		},
	}
	const n, steps, r = 12, 50, 0.08
	for d := 1; d <= 3; d++ {
		for acc, symbol := range symbols {
			src := eigenmode(d, acc, steps, r)
			for _, target := range hostTargets(t) {
				f := solve(t, target, src, nil)
				decay := math.Pow(1-float64(d)*r*symbol(math.Pi/n), steps)
				worst := 0.0
				total := 1
				for k := 0; k < d; k++ {
					total *= n + 1
				}
				for c := 0; c < total; c++ {
					want, rest := decay, c
					for k := 0; k < d; k++ {
						want *= math.Sin(math.Pi * float64(rest%(n+1)) / n)
						rest /= n + 1
					}
					worst = max(worst, math.Abs(f.flat("T", c)-want))
				}
				if worst > 2e-14 {
					t.Errorf("%s, %d-D, order %d: largest difference %.2e", target, d, acc, worst)
				}
			}
		}
	}
}

// The Laplacian of every even order has that order.
func TestLaplacianOrders(t *testing.T) {
	for _, acc := range []int{2, 4, 6, 8} {
		var errs []float64
		for _, n := range []int{16, 32} {
			src := fmt.Sprintf(`
grid ring { x: 0..1 in %d periodic; y: 0..1 in %d periodic }
field u: f64 on ring = sin(2*pi*x)*cos(2*pi*y)
field L: f64 on ring = 0
evolve n in 0 .. 1 order %d { L' = lap(u) }`, n, n, acc)
			f := solve(t, "interp", src, nil)
			worst := 0.0
			for i := 0; i < n; i++ {
				for j := 0; j < n; j++ {
					x, y := (float64(i)+0.5)/float64(n), (float64(j)+0.5)/float64(n)
					want := -8 * math.Pi * math.Pi * math.Sin(2*math.Pi*x) * math.Cos(2*math.Pi*y)
					worst = max(worst, math.Abs(f.at("L", i, j)-want))
				}
			}
			errs = append(errs, worst)
		}
		order(t, fmt.Sprintf("Laplacian of order %d", acc), errs, float64(acc), 0.2)
	}
}
