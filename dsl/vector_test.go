package dsl_test

import (
	"math"
	"testing"
)

// A program of vectors and tensors is the one of their components, bit for bit.
func TestVectors(t *testing.T) {
	whole := run(t, `
grid g { x: 0 .. 1 in 8;  y: 0 .. 1 in 6 }
field v: vector on g.faces = (x, 0) { region x in 0 .. 0.3: (0.5, y) }
field w: vector on g = (x*y, 1)
field K: tensor on g = ((1, 0.2), (0.1*x, 2))
field T on g = exp(-5*(x - 0.4)^2)
field S: tensor on g = ((x, y), (y, x*y))
bc v { x.lo: v = (1, 0);  others: noslip }
bc (w, T, S) { x: dn(w) = 0, T = 0, dn(S) = 0;  y: w = (0, 1), dn(T) = 0, dn(S) = 0 }
bc K { all: outflow }
evolve t from 0 to 0.05 step 0.001 {
  let push = 2*w - grad(T)
  let half = v + step*lap(v)
  T' = T + step*(div(K*grad(T)) - adv(w, T) + div(half) + div(diag(w)*grad(T)))
  w' = w + step*(0.1*lap(w) + push - (1, 2)*T - adv(w, w) + div(S) + K*w/3 + diag(3, T)*w + where(T > 0.5, w, -w))
  v' = half - step*adv(v, v)
}`)
	parts := run(t, `
grid g { x: 0 .. 1 in 8;  y: 0 .. 1 in 6 }
field vx on g.x = x { region x in 0 .. 0.3: 0.5 }
field vy on g.y = 0 { region x in 0 .. 0.3: y }
field wx on g = x*y
field wy on g = 1
field Kxx on g = 1
field Kxy on g = 0.2
field Kyx on g = 0.1*x
field Kyy on g = 2
field T on g = exp(-5*(x - 0.4)^2)
field Sxx on g = x
field Sxy on g = y
field Syx on g = y
field Syy on g = x*y
bc (vx, vy) { x.lo: vx = 1, vy = 0;  others: noslip }
bc (wx, wy, T, Sxx, Sxy, Syx, Syy) {
  x: dn(wx) = 0, dn(wy) = 0, T = 0, dn(Sxx) = 0, dn(Sxy) = 0, dn(Syx) = 0, dn(Syy) = 0
  y: wx = 0, wy = 1, dn(T) = 0, dn(Sxx) = 0, dn(Sxy) = 0, dn(Syx) = 0, dn(Syy) = 0
}
bc (Kxx, Kxy, Kyx, Kyy) { all: outflow }
evolve t from 0 to 0.05 step 0.001 {
  let pushx = 2*wx - dx(T)
  let pushy = 2*wy - dy(T)
  let halfx = vx + step*lap(vx)
  let halfy = vy + step*lap(vy)
  T' = T + step*(div((Kxx*dx(T) + Kxy*dy(T), Kyx*dx(T) + Kyy*dy(T))) - adv((wx, wy), T) + div(halfx, halfy) + div(wx*dx(T), wy*dy(T)))
  wx' = wx + step*(0.1*lap(wx) + pushx - 1*T - adv((wx, wy), wx) + div(Sxx, Sxy) + (Kxx*wx + Kxy*wy)/3 + 3*wx + where(T > 0.5, wx, -wx))
  wy' = wy + step*(0.1*lap(wy) + pushy - 2*T - adv((wx, wy), wy) + div(Syx, Syy) + (Kyx*wx + Kyy*wy)/3 + T*wy + where(T > 0.5, wy, -wy))
  vx' = halfx - step*adv((vx, vy), vx)
  vy' = halfy - step*adv((vx, vy), vy)
}`)
	for _, names := range [][2]string{{"v.x", "vx"}, {"v.y", "vy"}, {"w.x", "wx"}, {"w.y", "wy"}, {"T", "T"}} {
		a, b := whole.arrays[names[0]], parts.arrays[names[1]]
		if a == nil || b == nil || a.Len() != b.Len() {
			t.Fatalf("%v: %v and %v", names, a, b)
		}
		for k := range a.Len() {
			near(t, names[0], a.At(k), b.At(k), 0)
		}
	}
}

// The grid of Yee: curls of vectors on edges live on faces and the other way round, and the divergence of a curl is 0 to rounding.
func TestCurl(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 12 periodic;  y: 0 .. 1 in 6;  z: 0 .. 1 in 5 }
field E: vector on g.edges = (y*z, 0, sin(2*pi*x))
field H: vector on g.faces = 0
field d on g = 0
bc E { y, z: E = 0 }
evolve t from 0 to 0.5 step 0.25/12 {
  H' = H - step*curl(E)
  E' = E + step*curl(H')
  d' = div(H')
}`)
	worst, most := 0.0, 0.0
	for k := range r.arrays["d"].Len() {
		worst = max(worst, math.Abs(r.arrays["d"].At(k)))
	}
	for k := range r.arrays["H.y"].Len() {
		most = max(most, math.Abs(r.arrays["H.y"].At(k)))
	}
	near(t, "the greatest divergence", worst, 0, 1e-12)
	if most < 0.1 {
		t.Errorf("H.y is at most %v: no wave", most)
	}
	flat := run(t, `
grid g { x: 0 .. 1 in 8;  y: 0 .. 1 in 8 }
field v: vector on g.edges = (3*y, 5*x)
field w on g = 0
evolve n in 0 .. 1 { w' = curl(v) }`)
	near(t, "curl of (3y, 5x)", flat.at("w", 4, 4), 2, 1e-13)
}

// A tensor written out in a product is the field with these components, in vector equations and in fluxes; on a side its own coordinate is the
// bound.
func TestTensorWrittenOut(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 6; y: 0 .. 3 in 5 }
field K: tensor on g = ((2, 0.5), (0.25, 1))
field v: vector on g = (x, y*y)
field w: vector on g = (x, y*y)
field T on g = x*y
field S on g = x*y
bc K { all: dn(K) = 0 }
bc (T, S) { all: T = x + 2*y, S = x + 2*y }
evolve n in 0 .. 1 {
  v' = K*v
  w' = ((2, 0.5), (0.25, 1))*w
  T' = div(K*grad(T))
  S' = div(((2, 0.5), (0.25, 1))*grad(S))
}
`)
	for i := range 6 {
		for j := range 5 {
			near(t, "w.x", r.at("w.x", i, j), r.at("v.x", i, j), 0)
			near(t, "w.y", r.at("w.y", i, j), r.at("v.y", i, j), 0)
			near(t, "S", r.at("S", i, j), r.at("T", i, j), 1e-12)
		}
	}
	// The ghost beyond x = 1 is 2*(1 + 2*y) - T.
	h := 1. / 6
	x, y := 5.5*h, 2.5*0.6
	dxx := (2*(1+2*y) - x*y - 2*x*y + (x-h)*y) / (h * h)
	p := run(t, `
grid g { x: 0 .. 1 in 6; y: 0 .. 3 in 5 }
field T on g = x*y
bc T { all: T = x + 2*y }
evolve n in 0 .. 1 { T' = dx(dx(T)) }
`)
	near(t, "dxx at a wall with a value of its coordinate", p.at("T", 5, 2), dxx, 1e-11)
}
