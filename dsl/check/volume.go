package check

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// How much of space a point stands for. A cell has its width along each axis, a node the distance of the midpoints around it, half of that at
// a wall. Sums with these weights are integrals: div(..) telescopes in them, and with them lap(..) and the other conservative forms are
// symmetric, on uneven axes and at walls through end nodes.

// widths are the sizes of points over those of an even grid, as far as axes are uneven; nil where none is.
func (c *checker) widths(axes []*Axis, at diag.Span) *Node {
	var w *Node
	for _, a := range axes {
		if base(a).Map != nil {
			w = times(w, compute(ir.Div, one(), at, c.width(a, at), spacing(a, 1, at)))
		}
	}
	return w
}

// times is a product of which the first factor may be missing.
func times(w, x *Node) *Node {
	if w == nil {
		return x
	}
	return compute(ir.Mul, w.Unit.mul(x.Unit), x.At, w, x)
}

// walled says whether the ends of an axis lie in walls, where a point has half a width.
func (a *Axis) walled() bool { return a.Nodes && !a.Periodic && a.N > 2 && a.Grid != nil }

// halfAt is 1/2 at an end of an axis, 1 elsewhere.
func halfAt(v IndexVar, high bool, at diag.Span) *Node {
	end := 0.0
	if high {
		end = float64(v.Axis.N - 1)
	}
	here := compute(ir.Eq, one(), at, &Node{Op: IndexVal, Var: v, Unit: one(), At: at}, number(end, one(), at))
	return compute(ir.Select, one(), at, here, number(0.5, one(), at), number(1, one(), at))
}

// volumes are the sizes of the points of a field that obey its equation, in multiples of an even grid's. nil when all weigh the same.
func (c *checker) volumes(f *Field, at diag.Span) *Node {
	w := c.widths(f.Axes, at)
	for k, a := range f.Axes {
		if !a.walled() {
			continue
		}
		for _, high := range []bool{false, true} {
			if q := f.Cond(a, high); q != nil && q.Kind != ir.Value {
				w = times(w, halfAt(f.InitIndex(k), high, at))
			}
		}
	}
	return w
}

// integral is the integral of a value over the grid.
func (c *checker) integral(on []*Axis, n *Node, at diag.Span) *Node {
	for _, a := range on {
		n = compute(ir.Mul, n.Unit.mul(a.Unit), at, c.width(a, at), n)
		if a.walled() {
			for _, high := range []bool{false, true} {
				n = times(halfAt(IndexVar{a.Name, a}, high, at), n)
			}
		}
	}
	out := c.reduceNode(ir.Sum, axisVars(on), n, at)
	out.Rounded = true
	return out
}

// evenWidths is the sum of widths along an axis over the even one, without so many points at its ends: their number on an even axis.
func (a *Axis) evenWidths(trim [2]int) float64 {
	n := a.N - trim[0] - trim[1]
	x := a.Places()
	switch {
	case n < 1:
		return 1
	case x == nil || a.Periodic || !a.Nodes: // widths of cells add up to the axis
		return float64(n)
	}
	last := len(x) - 1
	edge := func(k int) float64 { // of the points below k
		switch i := 2*k - 1; {
		case i < 0:
			return 2*x[0] - x[1]
		case i > last:
			return 2*x[last] - x[last-1]
		default:
			return x[i]
		}
	}
	return (edge(a.N-trim[1]) - edge(trim[0])) / a.H
}
