package verify

import (
	"fmt"
	"math"
	"testing"
)

// V2 (FiPy examples/diffusion/mesh1D.py): a rod whose conductivity jumps on its quarters, held at one end, with a flux through the other. With
// the conductivity on faces the solution on 4i + 2 cells is exact: x, 10x - 9L/4, x + 18L/4.
func TestV2FacesAndSolve(t *testing.T) {
	const n, L = 50, 1.0
	for _, target := range hostTargets(t) {
		f := solve(t, target, fmt.Sprintf(`
grid rod { x: 0 .. 1 in %d }
field k: f64 on rod.x = where(x > 0.25 and x < 0.75, 0.1, 1)
field T: f64 on rod = 0
bc T { x.lo: T = 0;  x.hi: k*dn(T) = 1 }
evolve i in 0 .. 1 {
  solve dx(k*dx(T')) = 0 for T' using cg(tol = 1e-12, max = 400)
}`, n), nil)
		for i := range n {
			x := (float64(i) + 0.5) / n
			want := x
			switch {
			case x > 0.75*L:
				want = x + 18*L/4
			case x > 0.25*L:
				want = 10*x - 9*L/4
			}
			if got := f.at("T", i); math.Abs(got-want) > 1e-8 {
				t.Errorf("%s: T(%g) = %.10f, want %.10f", target, x, got, want)
			}
		}
	}
}

// A rod that loses heat to the air at both ends, by conditions of the third kind: k*dn(T) + h*T = h*T0. Its steady state is exact.
func TestRobinRod(t *testing.T) {
	f := solve(t, fastest(t), `
grid rod { x: 0 .. 2 in 16 stretched tanh(1) }
field T: f64 on rod = 0
bc T { x.lo: 3*dn(T) = 5*(20 - T);  x.hi: 3*dn(T) + 2*T = 2*10 }
evolve t from 0 to 60 step auto { dt(T) = lap(T) }`, nil)
	// The slope s is the same everywhere: 3*s = 5*(T1 - 20) at the left, -3*s = 2*(T2 - 10) at the right, T2 = T1 + 2*s.
	s := -2 * 10.0 / (3 + 2*(0.6+2))
	X := func(v float64) float64 { return 1 + math.Tanh(2*v-1)/math.Tanh(1) }
	for i := range 16 {
		want := 20 + 0.6*s + s*X((float64(i)+0.5)/16)
		if got := f.at("T", i); math.Abs(got-want) > 1e-9 {
			t.Errorf("T[%d] = %.12f, want %.12f", i, got, want)
		}
	}
}

// The border of models/maxwell.wf: what it sends back from a pulse is small beside the same pulse in a box so large that nothing comes back.
func TestAbsorbingLayer(t *testing.T) {
	run := func(size, layer, n int) fields {
		return solve(t, fastest(t), fmt.Sprintf(`
const size = %d, layer = %d, n = %d
grid box { x: 0 - size .. size in n;  y: 0 - size .. size in n }
field ez: f64 on box.xy = 0
field hx: f64 on box.x = 0
field hy: f64 on box.y = 0
bc ez { all: ez = 0 }
const h = 2*size/n, tick = 0.6*h, sigma = 0.8*4/h, alpha = 0.1
let sx = sigma*(max(0, abs(x) - (size - layer))/layer)^3
let sy = sigma*(max(0, abs(y) - (size - layer))/layer)^3
let bx = exp(-(sx + alpha)*tick)
let by = exp(-(sy + alpha)*tick)
let ax = sx/(sx + alpha)*(bx - 1)
let ay = sy/(sy + alpha)*(by - 1)
field exy: f64 on box.x = 0
field eyx: f64 on box.y = 0
field hyx: f64 on box.xy where abs(x) > size - layer = 0
field hxy: f64 on box.xy where abs(y) > size - layer = 0
bc (hyx, hxy) { all: hyx = 0, hxy = 0 }
evolve t from 0 to 5 step tick {
  exy' = by*exy + ay*dy(ez)
  eyx' = bx*eyx + ax*dx(ez)
  hx' = hx - step*(dy(ez) + exy')
  hy' = hy + step*(dx(ez) + eyx')
  hyx' = bx*hyx + ax*dx(hy')
  hxy' = by*hxy + ay*dy(hx')
  ez' = ez + step*(dx(hy') + hyx' - dy(hx') - hxy' + where(t < 1, sin(pi*t)^2, 0)*exp(-20*(x^2 + y^2)))
}`, size, layer, n), nil)
	}
	const n = 80
	small, large := run(2, 1, n), run(4, 1, 2*n)
	worst, most := 0.0, 0.0
	for i := n / 4; i <= 3*n/4; i++ {
		for j := n / 4; j <= 3*n/4; j++ {
			want := large.at("ez", i+n/2, j+n/2)
			worst = max(worst, math.Abs(small.at("ez", i, j)-want))
			most = max(most, math.Abs(want))
		}
	}
	if t.Logf("%.2e beside %.2e", worst, most); worst > 2e-4*most || most == 0 {
		t.Errorf("the layer sends back %.2e where the field is %.2e", worst, most)
	}
}
