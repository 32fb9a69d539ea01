package check

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Axes with uneven spacing. Such an axis is an even axis of a computational coordinate s over the same interval and a map X(s) with
// X(lo) = lo and X(hi) = hi, increasing. Points are X of the even points, faces X of the even faces. With H the even spacing
//
//	dx(f) = H/(X(s + H/2) - X(s - H/2)) * ds(f)
//
// wherever it is taken: at a cell the divisor is its width, at a face the distance of the two centres. Sums of widths telescope, so
// div and adv conserve. Beyond the walls X goes on by reflection, as values do. The metric is an expression of the coordinate: pass hoist
// makes data of it, computed on the host in f64.

// mappedAt is the coordinate of a point of an uneven axis.
func mappedAt(v IndexVar, at diag.Span) *Node {
	a := base(v.Axis)
	s := &Node{Op: Coord, Var: v, Unit: a.Unit, At: at}
	in := func(s *Node) *Node { return substitute(a.Map, a.mapVar, s) }
	if a.Periodic {
		return in(s)
	}
	lo, hi := number(a.Lo, a.Unit, at), number(a.Hi, a.Unit, at)
	lo2, hi2 := number(2*a.Lo, a.Unit, at), number(2*a.Hi, a.Unit, at)
	sub := func(a, b *Node) *Node { return compute(ir.Sub, a.Unit, at, a, b) }
	below := compute(ir.Lt, one(), at, s, lo)
	above := compute(ir.Lt, one(), at, hi, s)
	// The argument is folded into the interval before the map is applied: a map may have no value outside.
	folded := compute(ir.Select, a.Unit, at, below, sub(lo2, s), compute(ir.Select, a.Unit, at, above, sub(hi2, s), s))
	x := in(folded)
	return compute(ir.Select, a.Unit, at, below, sub(lo2, x), compute(ir.Select, a.Unit, at, above, sub(hi2, x), x))
}

// width is the distance of the points half a step below and above the point along an axis.
func (c *checker) width(a *Axis, at diag.Span) *Node {
	if base(a).Map == nil {
		return number(a.H, a.Unit, at)
	}
	if w := a.widths; w != nil {
		return w
	}
	v := IndexVar{a.Name, a}
	x := mappedAt(v, at)
	up, down := x, x
	if a.Periodic { // the map of the next turn
		period := number(a.Hi-a.Lo, a.Unit, at)
		s := &Node{Op: Coord, Var: v, Unit: a.Unit, At: at}
		wrap := func(half float64, turn ir.Code) *Node {
			p := compute(ir.Add, a.Unit, at, s, number(half, a.Unit, at))
			out := compute(ir.Lt, one(), at, number(base(a).Hi, a.Unit, at), p)
			back := ir.Sub
			if turn == ir.Sub {
				out = compute(ir.Lt, one(), at, p, number(base(a).Lo, a.Unit, at))
				back = ir.Add
			}
			in := compute(ir.Select, a.Unit, at, out, compute(back, a.Unit, at, p, period), p)
			m := substitute(base(a).Map, base(a).mapVar, in)
			return compute(ir.Select, a.Unit, at, out, compute(turn, a.Unit, at, m, period), m)
		}
		up, down = wrap(a.H/2, ir.Add), wrap(-a.H/2, ir.Sub)
	} else {
		up, down = shifted(x, v, 1), shifted(x, v, -1)
	}
	a.widths = compute(ir.Sub, a.Unit, at, up, down)
	return a.widths
}

// mappedDeriv is the n-th derivative along an uneven axis: n first ones, each compact about the other.
func (c *checker) mappedDeriv(x *Node, a *Axis, n int, sc *scope, at diag.Span) *Node {
	for ; n > 0; n-- {
		metric := compute(ir.Div, one(), at, number(a.H, a.Unit, at), c.width(a, at))
		d := &Node{Op: Deriv, Args: []*Node{x}, Var: IndexVar{a.Name, a}, N: 1, Acc: c.accuracy(sc), Unit: x.Unit.div(a.Unit), At: at}
		x = compute(ir.Mul, d.Unit, at, metric, d)
	}
	return x
}

// substitute replaces the coordinate v in an expression.
func substitute(n *Node, v IndexVar, by *Node) *Node {
	memo := map[*Node]*Node{}
	var walk func(n *Node) *Node
	walk = func(n *Node) *Node {
		if m, ok := memo[n]; ok {
			return m
		}
		m := n
		switch {
		case n.Op == Coord && n.Var == v:
			m = by
		case len(n.Args) > 0:
			k := *n
			k.Args = make([]*Node, len(n.Args))
			for i, a := range n.Args {
				k.Args[i] = walk(a)
			}
			k.seen, k.free, k.trait = false, nil, 0
			m = &k
		}
		memo[n] = m
		return m
	}
	return walk(n)
}
