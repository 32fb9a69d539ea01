package verify

import (
	"fmt"
	"math"
	"testing"
)

// V7: a pulse carried by every scheme. At a Courant number of 1 upwind shifts it exactly. van Leer's scheme makes no new extrema, as FiPy's
// example demands keeps 0.77 of the height of a step of 8 cells for 20 steps, and does the same with and without walls far away.
const pulse = `
param n = 40, steps = 20, cfl = 0.5
grid line { x: 0 .. 20 in n%s }
field T: f64 on line = where(x > 4 and x < 8, 1, 0)
field c: f64 on line.x = 1
%sevolve t from 0 to steps*cfl*20/n step cfl*20/n { dt(T) = -adv(c, T, scheme = %s) }`

func TestV7Schemes(t *testing.T) {
	walls := "bc T { all: dn(T) = 0 }\n"
	run := func(scheme string, periodic bool, set map[string]string) fields {
		src := fmt.Sprintf(pulse, "", walls, scheme)
		if periodic {
			src = fmt.Sprintf(pulse, " periodic", "", scheme)
		}
		return solve(t, fastest(t), src, set)
	}
	shift := run("upwind", true, map[string]string{"cfl": "1", "steps": "13"})
	for i := range 40 {
		want := 0.0
		if k := ((i-13)%40 + 40) % 40; k >= 8 && k < 16 {
			want = 1
		}
		if got := shift.at("T", i); got != want {
			t.Errorf("upwind at a Courant number of 1: T[%d] = %v, want %v", i, got, want)
		}
	}
	ring, line := run("vanleer", true, nil), run("vanleer", false, nil)
	top, sum := 0.0, 0.0
	for i := range 40 {
		a, b := ring.at("T", i), line.at("T", i)
		if math.Abs(a-b) > 1e-6 {
			t.Errorf("T[%d] is %v on the ring and %v between walls", i, a, b)
		}
		if a < -1e-12 || a > 1+1e-12 {
			t.Errorf("T[%d] = %v is a new extremum", i, a)
		}
		top, sum = max(top, a), sum+a
	}
	if top <= 0.77 || math.Abs(sum-8) > 1e-12 {
		t.Errorf("van Leer: height %v, want over 0.77; content %v, want 8", top, sum)
	}
}

// V7: the smooth pulse of pyro2 (advection/problems/smooth.py) goes round the square once; orders of the schemes for face values.
func TestV7SchemeOrders(t *testing.T) {
	run := func(scheme, method string, n int, courant float64) float64 {
		f := solve(t, fastest(t), fmt.Sprintf(`
grid sq { x: 0 .. 1 in %d periodic;  y: 0 .. 1 in %d periodic }
field q: f64 on sq = 1 + exp(-60*((x - 0.5)^2 + (y - 0.5)^2))
evolve t from 0 to 1 step %g/%d by %s { dt(q) = -adv((1, 1), q, scheme = %s) }`, n, n, courant, n, method, scheme), nil)
		sum := 0.0
		for i := range n {
			for j := range n {
				x, y := (float64(i)+0.5)/float64(n)-0.5, (float64(j)+0.5)/float64(n)-0.5
				sum += math.Abs(f.at("q", i, j) - 1 - math.Exp(-60*(x*x+y*y)))
			}
		}
		return sum / float64(n*n)
	}
	order(t, "central", []float64{run("central", "rk4", 64, 0.4), run("central", "rk4", 128, 0.4)}, 2, 0.3)
	order(t, "van Leer", []float64{run("vanleer", "ssprk3", 64, 0.3), run("vanleer", "ssprk3", 128, 0.3), run("vanleer", "ssprk3", 256, 0.3)}, 2, 0.3)
	if e := run("weno5", "rk4", 64, 0.4); e > 2e-4 {
		t.Errorf("weno5 has a mean error of %.2e on 64 x 64 cells", e)
	}
}

// A notched disk (Zalesak 1979) is drawn out by a swirl and brought back (LeVeque, SIAM J. Numer. Anal. 33 (1996) 627-665). The velocity on
// faces is the curl of a stream function on edges, without divergence to rounding: the content is kept, 1 stays 1, and van Leer's scheme
// makes no new extrema to speak of.
func TestV7SwirlingDisk(t *testing.T) {
	const n = 64
	f := solve(t, fastest(t), fmt.Sprintf(`
grid sq { x: 0 .. 1 in %d;  y: 0 .. 1 in %d }
mask slot on sq = abs(x - 0.5) < 0.025 and y < 0.85
field q: f64 on sq = where((x - 0.5)^2 + (y - 0.75)^2 < 0.15^2 and not slot, 1, 0)
field one: f64 on sq = 1
field psi: f64 on sq.xy = sin(pi*x)^2*sin(pi*y)^2/pi
field u: f64 on sq.x = 0
field v: f64 on sq.y = 0
bc (q, one) { all: dn(q) = 0, dn(one) = 0 }
u = -dy(psi)
v = dx(psi)
evolve t from 0 to 1 step 0.25/%d by ssprk3 {
  let turn = cos(pi*t)
  dt(q) = -adv((turn*u, turn*v), q, scheme = vanleer)
  dt(one) = -adv((turn*u, turn*v), one, scheme = vanleer)
}`, n, n, n), nil)
	sum, start, diff := 0.0, 0.0, 0.0
	for i := range n {
		for j := range n {
			x, y, s := (float64(i)+0.5)/n, (float64(j)+0.5)/n, 0.0
			if math.Hypot(x-0.5, y-0.75) < 0.15 && !(math.Abs(x-0.5) < 0.025 && y < 0.85) {
				s = 1
			}
			q := f.at("q", i, j)
			if q < -0.01 || q > 1.01 {
				t.Errorf("q[%d,%d] = %v is a new extremum", i, j, q)
			}
			if d := math.Abs(f.at("one", i, j) - 1); d > 1e-11 {
				t.Fatalf("1 becomes %v", f.at("one", i, j))
			}
			sum, start, diff = sum+q, start+s, diff+math.Abs(q-s)
		}
	}
	if math.Abs(sum-start) > 1e-10*start {
		t.Errorf("the content goes from %v to %v", start, sum)
	}
	if diff/start > 0.7 {
		t.Errorf("after the swirl %.2f of the disk is elsewhere", diff/start)
	}
}
