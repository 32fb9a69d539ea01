package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Slopes at bodies. `solid: dn(T) = q` gives the derivative of T along the normal that points into the body, on the faces where a point
// outside meets one inside: the staircase that the body is on the grid. Inside, T keeps the value it has. The condition acts where
// derivatives of T are taken: on every face dx(T) is a choice between the difference and the given slope, and lap(T) is the divergence of
// those, so fluxes k*grad(T) carry it to where they are used and nothing passes that the condition does not let pass.

// slopeAt checks the condition of a body that gives a slope; handled is false for another condition.
func (c *checker) slopeAt(cond *syntax.Cond, f *Field, sc *scope) (slope *Node, handled bool) {
	zero := func() *Node { return number(0, f.Unit.div(f.Grid.Axes[0].Unit), cond.At) }
	if r, ok := syntax.Unparen(cond.Left).(*syntax.Ref); ok && cond.Right == nil {
		if r.Name.Name == "outflow" || r.Name.Name == "symmetry" {
			return c.slopePlace(zero(), f, cond), true
		}
		return nil, false
	}
	call, ok := syntax.Unparen(cond.Left).(*syntax.Call)
	if !ok || cond.Right == nil || call.Func.Name != "dn" || len(call.Args) != 1 || !fieldRef(call.Args[0].Value, f) {
		return nil, false
	}
	if !c.boundaryTime(cond.Right, sc) {
		return bad(cond.At), true
	}
	return c.slopePlace(c.valueIn(cond.Right, zero().Unit, nil, f.At, "the slope of "+f.Name, sc), f, cond), true
}

// slopePlace refuses slopes of fields on faces.
func (c *checker) slopePlace(v *Node, f *Field, cond *syntax.Cond) *Node {
	for _, a := range f.Axes {
		if a.Of != nil {
			c.errs.Errorf("WF0269", cond.At, "%s lives on faces; at a body it has a value", f.Name).With(f.At, "declared here").
				Note("slopes at bodies are those of fields at centres or nodes").Suggest("write noslip, or `%s = value`", f.Name)
			return bad(cond.At)
		}
	}
	return v
}

// slopedHolds are the conditions of bodies that give slopes.
func (f *Field) slopedHolds() (out []*Hold) {
	for _, h := range f.Holds {
		if h.Slope != nil {
			out = append(out, h)
		}
	}
	return out
}

// bareSloped finds a field with slopes at bodies whose values, not derivatives, an expression has.
func bareSloped(n *Node) *Field {
	switch {
	case n == nil || n.Op == Deriv || n.Carries != nil:
		return nil
	case n.Op == Read && len(n.Field.Holds) > 0 && len(n.Field.slopedHolds()) > 0:
		return n.Field
	}
	for _, a := range n.Args {
		if f := bareSloped(a); f != nil {
			return f
		}
	}
	return nil
}

// besideBodies is the derivative of a field with slopes at bodies; nil for an expression that has none, or whose derivatives are fluxes.
func (c *checker) besideBodies(x *Node, a *Axis, n int, sc *scope, at diag.Span) *Node {
	f := bareSloped(x)
	if f == nil {
		return nil
	}
	if x.Op != Read {
		for y := x; y != nil; y = y.Args[0] { // a value at faces: the flux of what flows there
			if y.Op == Shift && y.Explicit {
				return nil
			}
			if len(y.Args) == 0 {
				break
			}
		}
		c.errs.Errorf("WF0269", at, "the slope of %s at a body says nothing of the derivative of this expression", f.Name).With(f.slopedHolds()[0].At, "given here").
			Suggest("differentiate %s itself, as in k*dx(%s)", f.Name, f.Name)
		return bad(at)
	}
	v := IndexVar{a.Name, a}
	d := &Node{Op: Deriv, Args: []*Node{x}, Var: v, N: 1, Acc: 2, Unit: x.Unit.div(a.Unit), At: at}
	if base(a).Map != nil {
		d = c.metric(d, a, at)
	}
	for _, h := range f.slopedHolds() {
		inside := func(half int) *Node {
			n := shifted(compute(ir.Select, one(), at, placedAt(h.Where, at), number(1, one(), at), number(0, one(), at)), v, half)
			n.Explicit = true
			return compute(ir.Lt, one(), at, number(0.5, one(), at), n)
		}
		lo, hi := inside(-1), inside(1)
		out := compute(ir.Select, d.Unit, at, lo, compute(ir.Neg, d.Unit, at, h.Slope), d)
		in := compute(ir.Select, d.Unit, at, lo, number(0, d.Unit, at), h.Slope)
		d = compute(ir.Select, d.Unit, at, hi, in, out)
	}
	for ; n > 1; n-- {
		d = c.deriv(d, a, 1, sc, at)
		if d.Op == Deriv {
			d.Acc = 2
		}
	}
	return d
}

// placedAt is an expression that stands at a place of the source.
func placedAt(n *Node, at diag.Span) *Node {
	m := withArgs(n)
	m.At = at
	for _, a := range n.Args {
		m.Args = append(m.Args, placedAt(a, at))
	}
	return m
}
