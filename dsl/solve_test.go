package dsl_test

import (
	"math"
	"strings"
	"testing"
)

const implicitHeatText = `
param n = 12
const alpha = 1
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n periodic }
field T on g = 1 + x*sin(2*pi*y)
bc T { x.lo: T = 0; x.hi: dn(T) = 0 }
evolve t from 0 to 0.05 step 0.01 {
  solve T' - step*alpha*lap(T') = T for T' using METHOD
}
`

// worst is the largest difference from the same problem solved by Gauss and Seidel.
func worst(r *result) float64 {
	want := implicitHeat(12, 5, 0.01)
	w := 0.0
	for i := range 12 {
		for j := range 12 {
			w = math.Max(w, math.Abs(r.at("T", i, j)-want[i][j]))
		}
	}
	return w
}

func TestSolveHeat(t *testing.T) {
	for _, m := range []string{"cg(tol = 1e-12)", "cg(tol = 1e-12, norm = max)", "cg(tol = 1e-12, pre = diagonal)", "bicgstab(tol = 1e-12)",
		"bicgstab(tol = 1e-12, pre = diagonal)", "gmres(8, tol = 1e-12)", "gmres(restart = 5, tol = 1e-12, pre = diagonal)",
		"jacobi(tol = 1e-12, max = 2000)", "chebyshev(tol = 1e-12)"} {
		r := run(t, withMethod(implicitHeatText, m))
		if w := worst(r); !(w < 1e-10) {
			t.Errorf("%s: differs by %g", m, w)
		}
	}
}

func withMethod(src, m string) string { return strings.ReplaceAll(src, "METHOD", m) }

// byHand is the library's method of conjugate gradients in the words of the language.
const byHand = `
param n = 12
const alpha = 1
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n periodic }
field T: f32 on g = 1 + x*sin(2*pi*y)
field its: f32 = 0
bc T { x.lo: T = 3; x.hi: dn(T) = 1 }
fn A(p) = p - 0.01*alpha*lap(p)
evolve k in 0 .. 5 {
  let none = 0 like T
  let r0 = T - A(T) like T homogeneous
  let b = T - A(none) like T homogeneous
  loop x = T, r = r0 like T homogeneous, rr = dot(r0, r0), ref = dot(b, b), limit = 1e-5*1e-5*ref, before = 8*rr, i = 0
      while rr > limit and i < 200 and rr < 0.5*before {
    loop y = x, s = r like T homogeneous, p = r like T homogeneous, ss = rr, j = i while ss > limit and j < 200 {
      let q = A(p)
      let a = ss/dot(p, q)
      y' = y + a*p
      s' = s - a*q
      ss' = dot(s', s')
      p' = s' + (ss'/ss)*p
      j' = j + 1
    }
    x' = y
    let e = T - A(y) like T homogeneous
    r' = e
    rr' = dot(e, e)
    before' = rr
    i' = j
  }
  T' = x
  its' = its + i
}
`

const byLibrary = `
param n = 12
const alpha = 1
grid g { x: 0 .. 1 in n; y: 0 .. 1 in n periodic }
field T: f32 on g = 1 + x*sin(2*pi*y)
field its: f32 = 0
bc T { x.lo: T = 3; x.hi: dn(T) = 1 }
evolve k in 0 .. 5 {
  solve T' - 0.01*alpha*lap(T') = T for T' using cg(tol = 1e-5, max = 200)
  its' = its + iterations(T')
}
`

// The method written by hand gives the iterates of the library, bit for bit.
func TestByHandIsTheLibrary(t *testing.T) {
	a, b := run(t, byHand), run(t, byLibrary)
	if a.at("its") != b.at("its") || a.at("its") < 20 {
		t.Errorf("%g and %g iterations", a.at("its"), b.at("its"))
	}
	for k := range 144 {
		if x, y := a.arrays["T"].F32[k], b.arrays["T"].F32[k]; x != y {
			t.Fatalf("T[%d] = %v by hand, %v by the library", k, x, y)
		}
	}
}
