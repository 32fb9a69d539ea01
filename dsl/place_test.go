package dsl_test

import (
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
)

// Inside a body a field has the value it is given, on faces where one of the two cells is inside; a field that lives on a region is 0
// elsewhere; the first body that holds counts.
func TestBodies(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 10;  y: 0 .. 1 in 10 }
mask solid on g = x > 0.4 and x < 0.6 and y > 0.3 and y < 0.5
cells kind on g = fluid { region x in 0 .. 0.2: inlet;  region y in 0.8 .. 1: wall }
field T on g = 7
field u on g.x = 1
field q on g where y < 0.5 = 3
field n on g = where(solid, 10, 0) + where(kind == wall, 1, 0) + kind
bc T { solid: T = 2 + t;  kind.inlet where y > 0.5: T = x;  kind.inlet: T = 5;  all: dn(T) = 0 }
bc u { solid, kind.wall: noslip;  all: dn(u) = 0 }
evolve t from 0 to 1 step 0.25 {
  T' = T + 1
  u' = u + 1
  q' = q + 1
}`)
	for i := range 10 {
		for j := range 10 {
			solid := (i == 4 || i == 5) && (j == 3 || j == 4)
			x := (float64(i) + 0.5) / 10
			want := 11.0
			switch {
			case solid:
				want = 3
			case i < 2 && j >= 5 && j < 8:
				want = x
			case i < 2 && j < 5:
				want = 5
			}
			near(t, "T", r.at("T", i, j), want, 1e-15)
			q := 0.0
			if j < 5 {
				q = 7
			}
			near(t, "q", r.at("q", i, j), q, 0)
			kind := 0.0
			switch {
			case j >= 8:
				kind = 2 // a wall, and its number
			case i < 2:
				kind = 2
			}
			if solid {
				kind += 10
			}
			near(t, "n", r.at("n", i, j), kind, 0)
		}
	}
	for i := range 11 {
		for j := range 10 {
			want := 5.0
			if i >= 4 && i <= 6 && (j == 3 || j == 4) || j >= 8 {
				want = 0
			}
			near(t, "u", r.at("u", i, j), want, 0)
		}
	}
}

// A field that changes its sign from one turn to the next is half of one that is periodic over two turns, bit for bit, also through
// products, interpolations and values of the step.
func TestAntiPeriodic(t *testing.T) {
	half := run(t, `
grid g { x: 0 .. 1 in 12 periodic }
field T on g = sin(pi*x) + 0.3*cos(3*pi*x)
field c on g.x = 1 + 0.5*sin(2*pi*x)
bc T { x: antiperiodic }
evolve t from 0 to 0.1 step 0.002 by rk2 order 4 { dt(T) = 0.1*lap(T) - dx(c*at(T, g.x)) }`)
	whole := run(t, `
grid g { x: 0 .. 2 in 24 periodic }
field T on g = sin(pi*x) + 0.3*cos(3*pi*x)
field c on g.x = 1 + 0.5*sin(2*pi*x)
evolve t from 0 to 0.1 step 0.002 by rk2 order 4 { dt(T) = 0.1*lap(T) - dx(c*at(T, g.x)) }`)
	for i := range 12 {
		near(t, "T", half.at("T", i), whole.at("T", i), 1e-14)
		near(t, "T one turn on", -half.at("T", i), whole.at("T", i+12), 1e-14)
	}
}

// Conservative forms conserve, with uneven spacing and varying coefficients too: what a wall lets through is all that is lost.
func TestConservation(t *testing.T) {
	for _, rhs := range []string{"div(k*grad(T))", "div(harmonic(k)*grad(T))", "0 - adv((u, v), T, scheme = vanleer)", "0 - adv((u, v), T, scheme = weno5)",
		"0 - adv((u, v), T)", "lap(T)"} {
		r := run(t, `
grid g { x: 0 .. 1 in 12 stretched tanh(1.2);  y: 0 .. 2 in 10 stretched y + 0.1*sin(pi*y) }
field k on g = 1 + x*y
field T on g = exp(-8*(x - 0.4)^2 - 4*(y - 1)^2)
field u on g.x = sin(pi*x)*y
field v on g.y = sin(pi*y/2)*x
bc (k, T) { all: dn(k) = 0, dn(T) = 0 }
bc (u, v) { all: dn(u) = 0, dn(v) = 0 }
evolve t from 0 to 0.01 step 0.0002 by ssprk3 { dt(T) = `+rhs+` }`)
		X := func(s float64) float64 { return 0.5 * (1 + math.Tanh(1.2*(2*s-1))/math.Tanh(1.2)) }
		Y := func(s float64) float64 { return 2*s + 0.1*math.Sin(2*math.Pi*s) }
		weights := func(i, j int) float64 {
			lo, hi := func(i, n int) float64 { return float64(i) / float64(n) }, func(i, n int) float64 { return float64(i+1) / float64(n) }
			return (X(hi(i, 12)) - X(lo(i, 12))) * (Y(hi(j, 10)) - Y(lo(j, 10)))
		}
		mid := func(f func(float64) float64, i, n int) float64 { return f((float64(i) + 0.5) / float64(n)) }
		was, is, moved := 0.0, 0.0, 0.0
		for i := range 12 {
			for j := range 10 {
				x, y := mid(X, i, 12), mid(Y, j, 10)
				start := math.Exp(-8*(x-0.4)*(x-0.4) - 4*(y-1)*(y-1))
				was += weights(i, j) * start
				is += weights(i, j) * r.at("T", i, j)
				moved += weights(i, j) * math.Abs(r.at("T", i, j)-start)
			}
		}
		near(t, rhs+": the content", is, was, 1e-13)
		if moved < 1e-4 {
			t.Errorf("%s: nothing moved", rhs)
		}
	}
}

// A costly flux is a value on the faces, and the difference of two of them is the divergence.
func TestFluxesAreValues(t *testing.T) {
	p, errs := dsl.Compile("test.wf", `
grid g { x: 0 .. 1 in 8;  y: 0 .. 1 in 8 periodic }
field T on g = x
field u on g.x = 1
field v on g.y = 1
bc T { all: dn(T) = 0 }
bc u { all: dn(u) = 0 }
evolve t from 0 to 0.1 step 0.01 { dt(T) = -adv((u, v), T, scheme = weno5) }`, dsl.Options{})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	f := p.Func("step")
	var places []string
	for _, op := range f.Ops {
		if strings.HasPrefix(op.Results[0].Name, "flux") {
			for _, d := range op.Dom {
				if p.Axis(d.Axis).Of != "" {
					places = append(places, p.Axis(d.Axis).Of)
				}
			}
		}
	}
	if strings.Join(places, " ") != "x y" {
		t.Errorf("fluxes at faces normal to %v, want x and y", places)
	}
}

// Conditions on parts of a side, of different kinds, at cells and in end nodes.
func TestPartsOfSides(t *testing.T) {
	r := run(t, `
grid g { x: 0 .. 1 in 4;  y: 0 .. 1 in 8 }
field T on g = 1 + x
field G on g = 0
field u on g.x = 2
bc T { x.lo where y < 0.3: T = 5;  x.lo where y < 0.6: T + dn(T) = 3;  x.lo: dn(T) = 2;  others: dn(T) = 0 }
bc u { x.lo where y < 0.5: u = 9;  x.lo: outflow;  x.hi: u = y;  y: noslip }
evolve n in 0 .. 1 {
  G'[x,y] = T[x-1,y]
  u' = u + 1
}`)
	for j := range 8 {
		y := (float64(j) + 0.5) / 8
		first := 1.125 // T beside the wall, h = 0.25
		want := first + 0.25*2
		switch {
		case y < 0.3:
			want = 2*5 - first
		case y < 0.6: // (g + T)/2 + (g - T)/h = 3
			want = (3 - first/2 + first/0.25) / (0.5 + 1/0.25)
		}
		near(t, "the ghost", r.at("G", 0, j), want, 1e-14)
		u := 3.0
		if y < 0.5 {
			u = 9
		}
		near(t, "u at the inlet", r.at("u", 0, j), u, 0)
		near(t, "u at the outlet", r.at("u", 4, j), y, 1e-15)
	}
}

// Edges, faces and centres have the extents and places they should.
func TestPlaces(t *testing.T) {
	p, errs := dsl.Compile("test.wf", `
grid g { x: 0 .. 1 in 4;  y: 2 .. 4 in 5 periodic }
field a on g.xy = x + 10*y
field b on g.y = x + 10*y
output a, b at end`, dsl.Options{Float: ir.F64})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	r := execute(t, p)
	near(t, "a", r.at("a", 4, 3), 1+10*(2+3*0.4), 1e-13)
	near(t, "b", r.at("b", 3, 4), 0.875+10*(2+4*0.4), 1e-13)
	if d := r.arrays["a"].Dims; d[0] != 5 || d[1] != 5 {
		t.Errorf("edges: %v", d)
	}
}
