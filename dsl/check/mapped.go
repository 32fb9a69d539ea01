package check

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
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

// stretch reads what stands after `stretched`, with s the even coordinate scaled to 0 .. 1:
//
//	tanh(b)  lo + (hi-lo)*(1 + tanh(b*(2s-1))/tanh(b))/2     finer towards both ends
//	exp(b)   lo + (hi-lo)*(exp(b*s)-1)/(exp(b)-1)            finer towards lo for b > 0, towards hi for b < 0
//
// or the coordinate as an expression of the even one, which has the name of the axis.
func (c *checker) stretch(a *Axis, e syntax.Expr) {
	at := e.Span()
	a.mapVar = IndexVar{a.Name, a}
	s := &Node{Op: Coord, Var: a.mapVar, Unit: a.Unit, At: at}
	uses := false
	walkExpr(e, func(x syntax.Expr) {
		r, ok := x.(*syntax.Ref)
		uses = uses || ok && r.Name.Name == a.Name
	})
	var m *Node
	call, isCall := syntax.Unparen(e).(*syntax.Call)
	if isCall && !uses && len(call.Args) == 1 && (call.Func.Name == "tanh" || call.Func.Name == "exp") {
		b := c.valueIn(call.Args[0].Value, one(), nil, at, "the stretching", &scope{host: true, what: "the stretching"})
		if v, ok := c.eval(b); !ok || v == 0 { // even, the limit of both
			freeze(b)
			return
		}
		num := func(v float64) *Node { return number(v, one(), at) }
		op := func(code ir.Code, x ...*Node) *Node { return compute(code, one(), at, x...) }
		unit := op(ir.Div, compute(ir.Sub, a.Unit, at, s, number(a.Lo, a.Unit, at)), number(a.Hi-a.Lo, a.Unit, at))
		var f *Node
		if call.Func.Name == "tanh" {
			y := op(ir.Sub, op(ir.Mul, num(2), unit), num(1))
			f = op(ir.Mul, num(0.5), op(ir.Add, num(1), op(ir.Div, op(ir.Tanh, op(ir.Mul, b, y)), op(ir.Tanh, b))))
		} else {
			f = op(ir.Div, op(ir.Sub, op(ir.Exp, op(ir.Mul, b, unit)), num(1)), op(ir.Sub, op(ir.Exp, b), num(1)))
		}
		m = compute(ir.Add, a.Unit, at, number(a.Lo, a.Unit, at), compute(ir.Mul, a.Unit, at, number(a.Hi-a.Lo, a.Unit, at), f))
	} else {
		g := &Grid{Name: a.Name, Axes: []*Axis{a}, At: a.At}
		if m = c.valueIn(e, a.Unit, &a.Scale, a.At, "the axis "+a.Name, &scope{what: "the stretching", grid: g}); m.invalid() {
			return
		}
		if !uses {
			c.errs.Errorf("WF0234", at, "this does not depend on %s", a.Name).
				Note("after `stretched` stands tanh(b), exp(b), or the coordinate as an expression of the even one").
				Suggest("write for example `stretched tanh(2)`")
			return
		}
	}
	freeze(m)
	a.Map = m
	x := a.Places()
	first, last, ok := x[0], x[0], true
	for k := 1; k < len(x) && ok; k++ {
		last, ok = x[k], x[k] > x[k-1]
	}
	tiny := 1e-9 * (a.Hi - a.Lo)
	if !ok || math.IsNaN(first) || math.Abs(first-a.Lo) > tiny || math.Abs(last-a.Hi) > tiny {
		a.Map = nil
		c.errs.Errorf("WF0234", at, "the stretched axis does not run from %s up to %s", trimFloat(a.Lo), trimFloat(a.Hi)).
			Labelled("it goes from %s to %s", trimFloat(first), trimFloat(last)).
			Note("the map must grow everywhere and keep both ends").Suggest("write for example `stretched tanh(2)`")
	}
}

// place is the coordinate of the place on the axis whose even coordinate is s.
func (a *Axis) place(s float64) float64 {
	if a = base(a); a.Map == nil {
		return s
	}
	e := evaluator{budget: 1 << 20}
	x, ok := e.value(substitute(a.Map, a.mapVar, number(s, a.Unit, a.Map.At)))
	if !ok {
		return math.NaN()
	}
	return x
}

// Places are the coordinates of an uneven axis at every half step from one end to the other, for outputs; nil of an even one.
func (a *Axis) Places() []float64 {
	if base(a).Map == nil {
		return nil
	}
	n := a.N
	if a.Nodes && !a.Periodic {
		n--
	}
	at := make([]float64, 2*n+1)
	for k := range at {
		at[k] = a.place(a.Lo + float64(float64(k)/2*a.H))
	}
	return at
}

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
			p := compute(ir.Add, a.Unit, at, s, spacing(a, half, at))
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
		up, down = wrap(0.5, ir.Add), wrap(-0.5, ir.Sub)
	} else {
		up, down = shifted(x, v, 1), shifted(x, v, -1)
	}
	a.widths = compute(ir.Sub, a.Unit, at, up, down)
	return a.widths
}

// mappedDeriv is the n-th derivative along an uneven axis: n first ones, each compact about the other.
func (c *checker) mappedDeriv(x *Node, a *Axis, n int, sc *scope, at diag.Span) *Node {
	for ; n > 0; n-- {
		x = c.metric(&Node{Op: Deriv, Args: []*Node{x}, Var: IndexVar{a.Name, a}, N: 1, Acc: 2, Unit: x.Unit.div(a.Unit), At: at}, a, at)
	}
	return x
}

// metric makes a derivative by the even coordinate one by the coordinate.
func (c *checker) metric(d *Node, a *Axis, at diag.Span) *Node {
	return compute(ir.Mul, d.Unit, at, compute(ir.Div, one(), at, spacing(a, 1, at), c.width(a, at)), d)
}

// spacing is a multiple of the even spacing of an axis. It says whose, so that multigrid can double it.
func spacing(a *Axis, times float64, at diag.Span) *Node {
	h := number(times*a.H, a.Unit, at)
	h.Var = IndexVar{a.Name, a}
	return h
}

// substitute replaces the coordinate v in an expression.
func substitute(n *Node, v IndexVar, by *Node) *Node {
	return rewritten(n, func(n *Node, _ func(*Node) *Node) *Node {
		if n.Op == Coord && n.Var == v {
			return by
		}
		return nil
	})
}
