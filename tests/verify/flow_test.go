package verify

import (
	"fmt"
	"math"
	"testing"
)

// V8: Burgers' equation from -sin(pi x), against the solution of Cole and Hopf (values computed by quadrature; the greatest slope is that
// of Basdevant et al., Comput. Fluids 14 (1986) 23-41).
const burgers = `
param n = 800, end = 0.25
const nu = 0.01/pi, h = 2/n
grid line { x: -1 .. 1 in n periodic }
field u: f64 on line = -sin(pi*x)
let right = (u^2/2 + u)/2
let left = (u^2/2 - u)/2
evolve t from 0 to end step min(0.8/n, 0.6/(n^2*nu)) by ssprk3 {
  dt(u) = nu*(16*(u[x-1] + u[x+1]) - u[x-2] - u[x+2] - 30*u)/(12*h^2) - dx(below(right, line.x, scheme = weno5) + above(left, line.x, scheme = weno5))
}`

// between is the value of a field on [-1, 1) at x, by Lagrange's formula through the four cells around it.
func between(f fields, name string, n int, x float64) float64 {
	s := (x+1)*float64(n)/2 - 0.5
	k := int(math.Floor(s))
	s -= float64(k)
	v := 0.0
	for i := -1; i <= 2; i++ {
		w := 1.0
		for j := -1; j <= 2; j++ {
			if j != i {
				w *= (s - float64(j)) / float64(i-j)
			}
		}
		v += w * f.at(name, ((k+i)%n+n)%n)
	}
	return v
}

func TestV8BurgersColeHopf(t *testing.T) {
	const n = 800
	for _, c := range []struct {
		end  string
		x, u []float64
		tol  float64
	}{
		{"0.25", []float64{0.05, 0.1, 0.25, 0.5, 0.75}, []float64{-0.53159786, -0.79497436, -0.99208156, -0.80319842, -0.43051626}, 2e-5},
		{"0.5", []float64{0.05, 0.1, 0.25, 0.5, 0.75}, []float64{-0.97898218, -0.95815955, -0.84735452, -0.59276953, -0.30284271}, 2e-5},
	} {
		f := solve(t, fastest(t), burgers, map[string]string{"n": fmt.Sprint(n), "end": c.end})
		for i, x := range c.x {
			if got := between(f, "u", n, x); math.Abs(got-c.u[i]) > c.tol {
				t.Errorf("u(%g) at t = %s is %.8f, want %.8f", x, c.end, got, c.u[i])
			}
		}
	}
	slope := func(n int) float64 {
		f := solve(t, fastest(t), burgers, map[string]string{"n": fmt.Sprint(n), "end": fmt.Sprint(1.6037 / math.Pi)})
		at := func(k int) float64 { return f.at("u", n/2+k) } // cell k lies at (k + 1/2)*h
		return (27*(at(0)-at(-1)) - (at(1) - at(-2))) / (24 * 2 / float64(n))
	}
	if s := slope(1600); math.Abs(s+152.00516) > 0.1 {
		t.Errorf("the greatest slope is %.4f, want -152.005", s)
	}
}

// V16: a dam breaks over a wet bed: Stoker's solution (1957), with a fan, a middle state and a bore.
const dam = `
param n = 128
grid channel { x: 0 .. 1 in n }
field d: f64 on channel = where(x < 0.5, 1, 0.125)
field m: f64 on channel = 0
bc (d, m) { all: dn(d) = 0, dn(m) = 0 }
let dl = below(d, channel.x, scheme = vanleer)
let dr = above(d, channel.x, scheme = vanleer)
let ul = below(m, channel.x, scheme = vanleer)/dl
let ur = above(m, channel.x, scheme = vanleer)/dr
let s = max(abs(ul) + sqrt(dl), abs(ur) + sqrt(dr))
evolve t from 0 to 0.3 step 0.2/n by ssprk3 {
  dt(d) = -dx((dl*ul + dr*ur - s*(dr - dl))/2)
  dt(m) = -dx((dl*ul^2 + dl^2/2 + dr*ur^2 + dr^2/2 - s*(dr*ur - dl*ul))/2)
}`

func TestV16DamBreak(t *testing.T) {
	const depth, speed, bore, end = 0.4287553708, 0.6904117124, 0.9745267350, 0.3
	exact := func(x float64) (float64, float64) {
		xi := (x - 0.5) / end
		switch {
		case xi < -1:
			return 1, 0
		case xi < speed-math.Sqrt(depth):
			c := (2 - xi) / 3
			return c * c, 2 * (1 - c)
		case xi < bore:
			return depth, speed
		}
		return 0.125, 0
	}
	var errs []float64
	for _, n := range []int{128, 256, 512} {
		f := solve(t, fastest(t), dam, map[string]string{"n": fmt.Sprint(n)})
		sum, mass, front := 0.0, 0.0, 0.0
		for i := range n {
			x := (float64(i) + 0.5) / float64(n)
			d, u := exact(x)
			got := f.at("d", i)
			sum += math.Abs(got-d) / float64(n)
			mass += got / float64(n)
			if got > (depth+0.125)/2 {
				front = x
			}
			if x > 0.58 && x < 0.74 && (math.Abs(got-depth) > 0.002 || math.Abs(f.at("m", i)/got-u) > 0.004) {
				t.Errorf("%d cells: depth %.5f and speed %.5f at x = %.4f, want %.5f and %.5f", n, got, f.at("m", i)/got, x, depth, speed)
			}
		}
		if math.Abs(mass-0.5625) > 1e-12 {
			t.Errorf("%d cells: there is %.15f water, want 0.5625", n, mass)
		}
		if want := 0.5 + bore*end; math.Abs(front-want) > 1.5/float64(n) {
			t.Errorf("%d cells: the bore is at %.5f, want %.5f", n, front, want)
		}
		errs = append(errs, sum)
	}
	order(t, "dam break, mean error", errs, 1, 0.2) // a jump
}

// V10: the start of Couette's and of Poiseuille's flow, u on the faces of a staggered grid between walls that hold it half a cell away.
func TestV10ChannelStart(t *testing.T) {
	const n = 65
	start := func(end, G float64, wall string) float64 {
		src := fmt.Sprintf(`
grid duct { x: 0 .. 1 in 4 periodic;  y: 0 .. 1 in %d }
field u: f64 on duct.x = 0
bc u { y.lo: noslip;  y.hi: %s }
evolve t from 0 to %g step auto { dt(u) = lap(u) + %g }`, n, wall, end, G)
		f := solve(t, fastest(t), src, nil)
		for i := 1; i < 4; i++ {
			if f.at("u", i, n/2) != f.at("u", 0, n/2) {
				t.Errorf("the flow varies along the duct")
			}
		}
		return f.at("u", 0, n/2)
	}
	for _, c := range [][2]float64{{0.01, 0.0004069520}, {0.05, 0.1138441966}, {0.1, 0.2627562698}, {0.2, 0.4115664301}, {0.5, 0.4954215049}} {
		if got := start(c[0], 0, "u = 1"); math.Abs(got-c[1]) > 1e-4 {
			t.Errorf("Couette: u(%g) = %.7f, want %.7f", c[0], got, c[1])
		}
	}
	for _, end := range []float64{0.02, 0.1, 0.5, 2} {
		want := 0.125
		for k := 1; k < 200; k += 2 {
			p := float64(k) * math.Pi
			want -= 4 / (p * p * p) * math.Sin(p/2) * math.Exp(-p*p*end)
		}
		if got := start(end, 1, "noslip"); math.Abs(got-want) > 1e-4 {
			t.Errorf("Poiseuille: u(%g) = %.7f, want %.7f", end, got, want)
		}
	}
}
