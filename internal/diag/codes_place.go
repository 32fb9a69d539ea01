package diag

import "sort"

// ascending joins lists of codes into one in ascending order.
func ascending(lists ...[]Entry) []Entry {
	var out []Entry
	for _, l := range lists {
		out = append(out, l...)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Code < out[j].Code })
	return out
}

// placeCodes: where fields live on a grid, and what happens between positions and at walls.
var placeCodes = []Entry{
	{
		Code:  "WF0234",
		Title: "an uneven axis must grow from its start to its end",
		Text: `After stretched stands tanh(b), exp(b), or the coordinate as an expression of the
even one, which is called like the axis. The result must begin and end at the bounds of the
axis and grow between them.`,
		Example: `
grid g { x: 0 .. 1 in 32 stretched 2*x }               // wrong: it ends at 2
grid g { x: 0 .. 1 in 32 stretched x + 0.1*sin(2*pi*x) } // right
grid g { x: 0 .. 1 in 32 stretched tanh(2) }           // finer at both ends`,
	},
	{
		Code:  "WF0244",
		Title: "no such place on the grid",
		Text: `Fields live at the centres of cells (g), on the faces normal to an axis (g.x) or on
the edges where two kinds of faces meet (g.xy). The letters are axes of the grid, in its
order. A grid of nodes has no faces.`,
		Example: `
grid g { x: 0 .. 1 in 8;  y: 0 .. 1 in 8 }
field u on g.z = 0             // wrong: g has no axis z
field u on g.x = 0             // right`,
	},
	{
		Code:  "WF0245",
		Title: "a value is needed where it does not live",
		Text: `On a staggered grid an equation is evaluated where its left side lives. Differences
of fields that live half a step away are fine (dx of a field at centres lives on faces, and
the other way round); their values are not known there. at(e, place) interpolates: the mean
of the neighbours.`,
		Example: `
field T on g = 0
field u on g.x = 0
evolve t from 0 to 1 step 0.1 {
  T' = T - step*u              // wrong: u lives on faces
  T' = T - step*at(u, g)       // right`,
	},
	{
		Code:  "WF0246",
		Title: "vectors and numbers",
		Text: `A vector field has one component per axis of its grid, a tensor field one per pair
of axes. An equation of a vector is one per component, so both sides are vectors; values
are tuples, and 0 stands for all components. v.x is a component.`,
		Example: `
field v: vector on g = 1       // wrong on a grid with two axes
field v: vector on g = (1, 0)  // right
dt(v) = lap(T)                 // wrong: a number
dt(v) = grad(T)                // right`,
	},
	{
		Code:  "WF0267",
		Title: "a condition must be linear",
		Text: `A boundary condition is an equation a*T + b*dn(T) = c of the value at the wall and of
the outward normal derivative; a, b and c are expressions of the other coordinates, of the
time, and of fields over the other axes. It is solved for the value beyond the wall, which
takes that it is linear in both.`,
		Example: `
bc T { x.lo: dn(T) = 1 - T^4 }         // wrong
bc T { x.lo: dn(T) + 4*T = 5 }         // right: linearised about 1`,
	},
	{
		Code:  "WF0268",
		Title: "a part of a side has no condition",
		Text: `Conditions with where hold on a part of a side; the first whose part a point is
in counts. The condition of the same side without where is for the rest, and there
must be one.`,
		Example: `
bc T { x.lo where y > 0.5: T = 1 }                  // wrong: below 0.5 nothing is said
bc T { x.lo where y > 0.5: T = 1;  x.lo: dn(T) = 0 } // right`,
	},
	{
		Code:  "WF0269",
		Title: "what holds inside a body",
		Text: `A mask, or a type of cells such as kind.wall, may stand in a bc block like a side:
inside the body the field has the given value. noslip is the value 0. Slopes hold at the
sides of the grid only. An insulated body is one without conductivity.`,
		Example: `
mask solid on g = x > 0.5
bc T { solid: dn(T) = 0 }      // wrong
bc T { solid: T = 1 }          // right
dt(T) = div(harmonic(where(solid, 0, k))*grad(T))  // insulated`,
	},
	{
		Code:  "WF0331",
		Title: "no such scheme",
		Text: `Values at faces are reconstructed by the schemes central (order 2), upwind (1),
vanleer (2, without new extrema) and weno5 (5).`,
		Example: `
dt(T) = -adv((u, v), T, scheme = quick)    // wrong
dt(T) = -adv((u, v), T, scheme = vanleer)  // right`,
	},
	{
		Code:  "WF0332",
		Title: "a one-sided value needs faces along one axis",
		Text: `below(T, g.x) and above(T, g.x) are the values of T at faces, seen from the points at
lower and at higher x. The place must lie half a step from T along one axis.`,
		Example: `
field T on g = 0
dt(T) = -dx(below(T, g))       // wrong: T lives there
dt(T) = -dx(below(T, g.x))     // right`,
	},
}
