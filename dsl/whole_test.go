package dsl_test

import (
	"math"
	"testing"
)

// Reductions of whole fields against plain loops: over all cells, over the nodes that no condition fixes, of vectors, in equations.
func TestWholeReductions(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 7; y: 0 .. 2 in 5 }
grid h nodes { s: 0 .. 1 in 6 }
field u on g = x + 2*y^2
field v on g = x*y - 1
field w on h = 1 + s^2
field a = 0
field b = 0
field c = 0
field d = 0
field e = 0
field z on g = 0
bc w { s.lo: w = 5; s.hi: dn(w) = 0 }
let q = u*v
evolve n in 0 .. 1 {
  a' = sum(q) + max(u)
  b' = norm((u, v))
  c' = dot((u, v), (v, u)) - min(v)
  d' = mean(w)
  z' = u - mean(u)
  w' = w
  e' = sum(z')
}
`)
	sq, s, mx, mn, dot, mean := 0.0, 0.0, math.Inf(-1), math.Inf(1), 0.0, 0.0
	for i := range 7 {
		for j := range 5 {
			x, y := (float64(i)+0.5)/7, (float64(j)+0.5)*2/5
			u, v := x+2*y*y, x*y-1
			s, sq, mx, mn, dot, mean = s+u*v, sq+u*u+v*v, max(mx, u), min(mn, v), dot+2*u*v, mean+u/35
		}
	}
	near(t, "sum + max", r.at("a"), s+mx, 1e-12)
	near(t, "norm", r.at("b"), math.Sqrt(sq), 1e-12)
	near(t, "dot - min", r.at("c"), dot-mn, 1e-12)
	want := 0.0
	for k := 1; k < 6; k++ { // the node at s = 0 is fixed
		want += (1 + float64(k*k)/25) / 5
	}
	near(t, "mean of unknown nodes", r.at("d"), want, 1e-14)
	near(t, "z", r.at("z", 0, 0), 1.0/14+2*0.04-mean, 1e-14)
	near(t, "sum without its mean", r.at("e"), 0, 1e-13)
}

// On faces every unknown counts once: those on walls that a condition fixes do not.
func TestWholeOnFaces(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 4; y: 0 .. 1 in 3 periodic }
field u on g.x = 1 + x
field v on g.y = 1
field p on g = 1
field a = 0
field b = 0
field c = 0
bc u { x.lo: u = 1; x.hi: dn(u) = 0 }
evolve n in 0 .. 1 {
  u' = u
  a' = sum(u)
  b' = sum(v)
  c' = dot(u, u) + sum(p)
}
`)
	s, sq := 0.0, 0.0
	for i := 1; i <= 4; i++ {
		u := 1 + float64(i)/4
		s, sq = s+3*u, sq+3*u*u
	}
	near(t, "sum(u)", r.at("a"), s, 1e-13)
	near(t, "sum(v)", r.at("b"), 12, 0)
	near(t, "dot(u, u) + sum(p)", r.at("c"), sq+12, 1e-13)
}

// Components of a vector are summed where each lives, without the walls that its own conditions fix.
func TestWholeVectors(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 4; y: 0 .. 1 in 3 periodic }
field u on g.x = 1 + x
field v on g.y = 2
field n = 0
bc u { x.lo: u = 1; x.hi: dn(u) = 0 }
evolve k in 0 .. 1 { u' = u;  n' = norm((u, v))^2 + dot((u, v), (u, v)) }
`)
	s := 4.0 * 12
	for i := 1; i <= 4; i++ {
		s += 3 * math.Pow(1+float64(i)/4, 2)
	}
	near(t, "norms", r.at("n"), 2*s, 1e-12)
}

// Integrals weigh points by their size, also at walls and on uneven axes; there means do too, so that what div makes has none.
func TestIntegrals(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 24 stretched exp(2); y: 0 .. 2 in 8 }
grid h { s: 0 .. 1 in 17 nodes stretched tanh(1) }
field a on g = x
field u on g.x = x*(1 - x)*exp(x)
field v on g.y = 0
field w on h = s
field q on h = s
bc u { x: u = 0 }
bc q { s.lo: q = 0; s.hi: dn(q) = 0 }
field b = 0
field c = 0
field d = 0
field e = 0
field f = 0
b = integral(a)
c = mean(a)
d = integral(w)
e = mean(q)
f = mean(div(u, v) + 1)
`)
	near(t, "integral over cells", r.at("b"), 1, 2e-3)
	near(t, "mean over cells", r.at("c"), 0.5, 1e-3)
	near(t, "integral over nodes", r.at("d"), 0.5, 1e-6)
	near(t, "mean of a divergence", r.at("f"), 1, 1e-6)
	// Of the nodes beyond the fixed one: each with the distance of the midpoints around it, the last with both halves of its own.
	x := func(s float64) float64 { return (1 + math.Tanh(2*s-1)/math.Tanh(1)) / 2 }
	sum, all := 0.0, 0.0
	for k := 1; k <= 16; k++ {
		w := x(float64(k)/16+1./32) - x(float64(k)/16-1./32)
		if k == 16 {
			w = 2 * (1 - x(1-1./32))
		}
		sum, all = sum+w*x(float64(k)/16), all+w
	}
	near(t, "mean over nodes", r.at("e"), sum/all, 1e-6)
}
