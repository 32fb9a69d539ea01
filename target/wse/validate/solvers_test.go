package validate

import (
	"math"
	"testing"
)

// The transcribed solvers are conjugate gradients: after a few iterations every PE holds what double precision gives.
func TestSolversCompute(t *testing.T) {
	const w, h, z, iterations = 4, 3, 5, 3
	at := func(x, y, k int) int { return (y*w+x)*z + k }
	apply := func(v []float64) []float64 {
		out := make([]float64, len(v))
		for y := range h {
			for x := range w {
				for k := range z {
					s := 8 * v[at(x, y, k)]
					for _, d := range [][3]int{{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}} {
						if i, j, l := x+d[0], y+d[1], k+d[2]; i >= 0 && j >= 0 && l >= 0 && i < w && j < h && l < z {
							s -= v[at(i, j, l)]
						}
					}
					out[at(x, y, k)] = s
				}
			}
		}
		return out
	}
	dot := func(a, b []float64) (s float64) {
		for i := range a {
			s += a[i] * b[i]
		}
		return s
	}
	// With a constant diagonal the preconditioner changes the numbers under way and not the result.
	b := make([]float64, w*h*z)
	for y := range h {
		for x := range w {
			for k := range z {
				b[at(x, y, k)] = float64(1 + k + 2*x + 3*y)
			}
		}
	}
	x, r, p := make([]float64, len(b)), append([]float64(nil), b...), append([]float64(nil), b...)
	rho := dot(r, r)
	for range iterations {
		q := apply(p)
		alpha := rho / dot(q, p)
		for i := range x {
			x[i] += alpha * p[i]
			r[i] -= alpha * q[i]
		}
		next := dot(r, r)
		for i := range p {
			p[i] = r[i] + next/rho*p[i]
		}
		rho = next
	}
	for _, diagonal := range []bool{false, true} {
		s := launch(t, cg(w, h, z, 2, iterations, diagonal))
		for j := range h {
			for i := range w {
				got, err := s.Floats(i, j, "x")
				if err != nil {
					t.Fatal(err)
				}
				for k := range z {
					if want := x[at(i, j, k)]; math.Abs(got[k]-want) > 1e-4*math.Abs(want)+1e-4 {
						t.Fatalf("preconditioned %v: PE (%d,%d), level %d: %g, want %g", diagonal, i, j, k, got[k], want)
					}
				}
			}
		}
	}
}
