package dsl_test

import "testing"

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
  T' = T + step*(div(K*grad(T)) - adv(w, T) + div(half))
  w' = w + step*(0.1*lap(w) + push - (1, 2)*T - adv(w, w) + div(S) + K*w/3 + where(T > 0.5, w, -w))
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
  T' = T + step*(div((Kxx*dx(T) + Kxy*dy(T), Kyx*dx(T) + Kyy*dy(T))) - adv((wx, wy), T) + div(halfx, halfy))
  wx' = wx + step*(0.1*lap(wx) + pushx - 1*T - adv((wx, wy), wx) + div(Sxx, Sxy) + (Kxx*wx + Kxy*wy)/3 + where(T > 0.5, wx, -wx))
  wy' = wy + step*(0.1*lap(wy) + pushy - 2*T - adv((wx, wy), wy) + div(Syx, Syy) + (Kyx*wx + Kyy*wy)/3 + where(T > 0.5, wy, -wy))
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
