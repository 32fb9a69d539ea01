package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// A condition is an equation that is affine in the value T at the wall and in its outward normal derivative dn(T): a*T + b*dn(T) = c.
// T alone makes a Value, dn(T) alone a Gradient, both a Mixed condition. The ghosts pass solves it for the value beyond the wall.
//
// Named conditions stand for equations: noslip is v = 0; symmetry is v = 0 for the component normal to the side and dn = 0 for all
// else; outflow is dn = 0. antiperiodic belongs to a periodic axis: values change their sign on going round.

// wallTerm is a*T + b*dn(T) + c; nil stands for 0.
type wallTerm struct{ a, b, c *Node }

// part is a condition on a part of a side.
type part struct {
	where *Node
	cond  *Condition
}

const conditionForms = "a condition is `T = value`, `dn(T) = slope`, an equation of both as in `k*dn(T) + h*T = h*T0`, or a name"

// condition gives one side of one field, or of all of them for a name, its condition.
func (c *checker) condition(fields []*Field, b *syntax.BC, e *syntax.BCEntry, k side, cond *syntax.Cond) {
	if cond.Right == nil {
		c.namedCondition(fields, b, e, k, cond)
		return
	}
	f := c.conditionField(fields, b, cond)
	if f == nil {
		return
	}
	own := f.axisOn(k.axis)
	sc := &scope{what: "a boundary value", grid: f.Grid, on: f.Axes, side: own, high: k.high}
	if !c.boundaryTime(cond.Left, sc) || !c.boundaryTime(cond.Right, sc) || e.Where != nil && !c.boundaryTime(e.Where, sc) {
		return
	}
	n := &Condition{Axis: own, High: k.high, At: cond.At}
	left := syntax.Unparen(cond.Left)
	if call, ok := left.(*syntax.Call); ok && call.Func.Name == "dn" && len(call.Args) == 1 && c.names["dn"] == nil {
		if fieldRef(call.Args[0].Value, f) && !mentionsWall(cond.Right, f) {
			scale := f.Scale / k.axis.Scale
			n.Kind = ir.Gradient
			n.Value = c.valueIn(cond.Right, f.Unit.div(k.axis.Unit), &scale, f.At, "dn("+f.Name+")", sc)
			c.give(f, n, e, k, sc)
			return
		}
	} else if fieldRef(left, f) && !mentionsWall(cond.Right, f) {
		scale := f.Scale
		n.Value = c.valueIn(cond.Right, f.Unit, &scale, f.At, "the value of "+f.Name, sc)
		c.give(f, n, e, k, sc)
		return
	}
	if c.robin(f, n, cond, sc) {
		c.give(f, n, e, k, sc)
	}
}

// robin resolves an equation of value and slope.
func (c *checker) robin(f *Field, n *Condition, cond *syntax.Cond, sc *scope) bool {
	l, ok1 := c.affineWall(cond.Left, f, sc)
	var r wallTerm
	ok2 := true
	if literal(cond.Right) != nil {
		u := one()
		for _, x := range []struct{ n, of *Node }{{l.a, nil}, {l.b, nil}, {l.c, nil}} {
			if x.n != nil {
				u = x.n.Unit
				if x.n == l.a {
					u = u.mul(f.Unit)
				} else if x.n == l.b {
					u = u.mul(f.Unit.div(n.Axis.Unit))
				}
				break
			}
		}
		r.c = c.valueIn(cond.Right, u, nil, cond.Left.Span(), "the left side", sc)
		ok2 = !r.c.invalid()
	} else {
		r, ok2 = c.affineWall(cond.Right, f, sc)
	}
	if !ok1 || !ok2 {
		return false
	}
	sub := func(x, y *Node) *Node {
		switch {
		case y == nil:
			return x
		case x == nil:
			return neg(y)
		}
		if !c.sameUnit(x, y, "cannot be added") {
			return bad(cond.At)
		}
		return compute(ir.Sub, x.Unit, cond.At, x, y)
	}
	a, b, rest := sub(l.a, r.a), sub(l.b, r.b), sub(r.c, l.c)
	if a == nil && b == nil {
		c.errs.Errorf("WF0263", cond.At, "this equation does not say anything about %s", f.Name).Note(conditionForms).
			Suggest("write `%s = 0` for a fixed value, `dn(%s) = 0` for no flux", f.Name, f.Name)
		return false
	}
	slope := f.Unit.div(n.Axis.Unit)
	var u Unit
	if a != nil {
		u = a.Unit.mul(f.Unit)
	} else {
		u = b.Unit.mul(slope)
	}
	if rest == nil {
		rest = number(0, u, cond.At)
	}
	if a != nil && b != nil {
		c.needUnit(&Node{Op: ScalarRef, Unit: b.Unit.mul(slope), At: cond.At}, u, cond.At, "the term of the value")
	}
	c.needUnit(rest, u, cond.At, "the terms of "+f.Name)
	switch {
	case a.invalid() && a != nil || b.invalid() && b != nil || rest.invalid():
		return false
	case b == nil:
		n.Value = div(rest, a)
	case a == nil:
		n.Kind, n.Value = ir.Gradient, div(rest, b)
	default:
		n.Kind, n.A, n.B, n.Value = ir.Mixed, a, b, rest
	}
	return true
}

// affineWall splits an expression.
func (c *checker) affineWall(e syntax.Expr, f *Field, sc *scope) (wallTerm, bool) {
	if !mentionsWall(e, f) {
		v := c.num(e, sc)
		return wallTerm{c: v}, !v.invalid()
	}
	at := e.Span()
	each := func(t wallTerm, g func(*Node) *Node) wallTerm {
		out := t
		for _, p := range []**Node{&out.a, &out.b, &out.c} {
			if *p != nil {
				*p = g(*p)
			}
		}
		return out
	}
	switch x := e.(type) {
	case *syntax.Paren:
		return c.affineWall(x.X, f, sc)
	case *syntax.Ref:
		return wallTerm{a: number(1, one(), at)}, true
	case *syntax.Call:
		if x.Func.Name == "dn" && len(x.Args) == 1 && fieldRef(x.Args[0].Value, f) {
			return wallTerm{b: number(1, one(), at)}, true
		}
	case *syntax.Unary:
		t, ok := c.affineWall(x.X, f, sc)
		return each(t, neg), ok && x.Op == syntax.OpSub
	case *syntax.Binary:
		switch x.Op {
		case syntax.OpAdd, syntax.OpSub:
			l, ok1 := c.affineWall(x.X, f, sc)
			r, ok2 := c.affineWall(x.Y, f, sc)
			if !ok1 || !ok2 {
				return wallTerm{}, false
			}
			join := func(p, q *Node) *Node {
				switch {
				case q == nil:
					return p
				case p == nil && x.Op == syntax.OpSub:
					return neg(q)
				case p == nil:
					return q
				}
				if !c.sameUnit(p, q, "cannot be added") {
					return bad(at)
				}
				return compute(binaryCodes[x.Op], p.Unit, at, p, q)
			}
			return wallTerm{join(l.a, r.a), join(l.b, r.b), join(l.c, r.c)}, true
		case syntax.OpMul:
			p, q := x.X, x.Y
			if mentionsWall(p, f) {
				p, q = q, p
			}
			if !mentionsWall(p, f) {
				k := c.num(p, sc)
				t, ok := c.affineWall(q, f, sc)
				return each(t, func(n *Node) *Node { return mul(k, n) }), ok && !k.invalid()
			}
		case syntax.OpDiv:
			if !mentionsWall(x.Y, f) {
				k := c.num(x.Y, sc)
				t, ok := c.affineWall(x.X, f, sc)
				return each(t, func(n *Node) *Node { return div(n, k) }), ok && !k.invalid()
			}
		}
	}
	if _, ok := e.(*syntax.Call); ok {
		c.errs.Errorf("WF0263", at, "a condition is `T = value` or `dn(T) = slope`, or an equation of both").Note(conditionForms).
			Suggest("write `%s = 0` for a fixed value, `dn(%s) = 0` for no flux", f.Name, f.Name)
		return wallTerm{}, false
	}
	c.errs.Errorf("WF0267", at, "a condition must be linear in %s and dn(%s)", f.Name, f.Name).
		Note("the value beyond the wall is solved from a*%s + b*dn(%s) = c", f.Name, f.Name).
		Suggest("linearise it, with the value of the last step in a coefficient, as in a field over the other axes")
	return wallTerm{}, false
}

// fieldRef says whether an expression is the plain name of a field.
func fieldRef(e syntax.Expr, f *Field) bool {
	r, ok := syntax.Unparen(e).(*syntax.Ref)
	return ok && r.Name.Name == f.Name && !r.Prime && r.Index == nil && r.Part == nil
}

// mentionsWall says whether an expression has the unknown of the condition in it, or a normal derivative.
func mentionsWall(e syntax.Expr, f *Field) bool {
	found := false
	walkExpr(e, func(e syntax.Expr) {
		if call, ok := e.(*syntax.Call); ok && call.Func.Name == "dn" {
			found = true
		}
		found = found || fieldRef(e, f)
	})
	return found
}

// conditionField is the field a condition is for: the one of the block that it mentions.
func (c *checker) conditionField(fields []*Field, b *syntax.BC, cond *syntax.Cond) *Field {
	var f *Field
	var other *syntax.Ident
	plain := true
	for _, side := range []syntax.Expr{cond.Left, cond.Right} {
		walkExpr(side, func(e syntax.Expr) {
			r, ok := e.(*syntax.Ref)
			if !ok || f != nil {
				return
			}
			for _, x := range fields {
				if fieldRef(r, x) {
					f = x
				}
			}
			if s := c.names[r.Name.Name]; f == nil && other == nil && (s == nil || s.field != nil || s.what == "field" || s.what == "name") && side == cond.Left {
				other = r.Name
			}
		})
		if f != nil {
			break
		}
	}
	left := syntax.Unparen(cond.Left)
	if call, ok := left.(*syntax.Call); ok && call.Func.Name == "dn" && len(call.Args) == 1 {
		left = syntax.Unparen(call.Args[0].Value)
	}
	r, single := left.(*syntax.Ref)
	if single && (r.Prime || r.Index != nil) {
		plain = false
	}
	switch {
	case !plain:
	case f != nil:
		return f
	case single:
		if s := c.names[r.Name.Name]; s != nil && s.field == nil && (s.what == "field" || s.what == "name") {
			return nil
		}
		c.errs.Errorf("WF0263", r.At, "this block gives conditions for %s, not for %s", identNames(b.Fields), r.Name.Name).
			Suggest("write `bc %s { .. }` for it, or `bc (%s, %s) { .. }`", r.Name.Name, identNames(b.Fields), r.Name.Name)
		return nil
	}
	c.errs.Errorf("WF0263", cond.At, "a condition is `T = value` or `dn(T) = slope`, or an equation of both").Note(conditionForms).
		Suggest("write `%s = 0` for a fixed value, `dn(%s) = 0` for no flux", fields[0].Name, fields[0].Name)
	return nil
}

// axisOn is the axis of a field along an axis of its grid.
func (f *Field) axisOn(a *Axis) *Axis {
	for _, b := range f.Axes {
		if base(b) == base(a) {
			return b
		}
	}
	return a
}

var conditionNames = map[string]bool{"noslip": true, "symmetry": true, "outflow": true, "antiperiodic": true}

// antiperiodic says whether an entry has that name in it.
func antiperiodic(e *syntax.BCEntry) bool {
	for _, k := range e.Conds {
		if r, ok := syntax.Unparen(k.Left).(*syntax.Ref); ok && k.Right == nil && r.Name.Name == "antiperiodic" {
			return true
		}
	}
	return false
}

// namedCondition gives a side of all fields of the block what a name stands for.
func (c *checker) namedCondition(fields []*Field, b *syntax.BC, e *syntax.BCEntry, k side, cond *syntax.Cond) {
	r, ok := syntax.Unparen(cond.Left).(*syntax.Ref)
	if !ok || !conditionNames[r.Name.Name] || r.Prime || r.Index != nil {
		d := c.errs.Errorf("WF0263", cond.At, "a condition is `T = value` or `dn(T) = slope`, or an equation of both").
			Note("names of conditions are noslip, symmetry, outflow and antiperiodic")
		d.Suggest("write `%s = 0` for a fixed value, `dn(%s) = 0` for no flux", fields[0].Name, fields[0].Name)
		return
	}
	name := r.Name.Name
	sc := &scope{what: "a boundary value", grid: fields[0].Grid, side: k.axis, high: k.high}
	if e.Where != nil && !c.boundaryTime(e.Where, sc) {
		return
	}
	if k.axis.Periodic != (name == "antiperiodic") {
		c.errs.Errorf("WF0261", cond.At, "`antiperiodic` belongs to a periodic axis, and %s is none", k.axis.Name).With(k.axis.At, "declared here").
			Suggest("add `periodic` to the axis: then values go round, with their sign changed")
		return
	}
	for i, f := range fields {
		sc.on = f.Axes
		own := f.axisOn(k.axis)
		n := &Condition{Axis: own, High: k.high, Kind: ir.Gradient, Value: number(0, f.Unit.div(k.axis.Unit), cond.At), At: cond.At}
		// A component of a vector is normal to the side if it lives on its faces, or by its place among the names.
		normal := own.Of != nil
		if len(fields) == len(f.Grid.Axes) && len(fields) > 1 && !staggered(fields) {
			normal = f.Grid.Axes[i] == k.axis
		}
		if name == "noslip" || name == "symmetry" && normal {
			n.Kind, n.Value = ir.Value, number(0, f.Unit, cond.At)
		}
		if name == "antiperiodic" {
			n.Kind, n.Value = ir.Wrap, number(-1, one(), cond.At)
		}
		c.give(f, n, e, k, sc)
	}
}

func staggered(fields []*Field) bool {
	for _, f := range fields {
		for _, a := range f.Axes {
			if a.Of != nil {
				return true
			}
		}
	}
	return false
}

// wallStep is the distance from the point beside a wall to its mirror image over the even spacing: what a normal derivative is divided
// by on an uneven axis. It is 1 on an even one.
func (c *Condition) wallStep(at diag.Span) *Node {
	a := base(c.Axis)
	if a.Map == nil {
		return nil
	}
	end, in := a.Lo, 1.0
	if c.High {
		end, in = a.Hi, -1
	}
	d := a.H / 2
	if c.Axis.Nodes {
		d = a.H
	}
	point := func(s float64) *Node { return substitute(a.Map, a.mapVar, number(s, a.Unit, at)) }
	dist := compute(ir.Sub, a.Unit, at, point(end+in*d), point(end))
	return compute(ir.Div, one(), at, dist, number(in*d, a.Unit, at))
}

// Terms are the results of a condition's body: the value, the slope, or a, b and c, with normal derivatives along the even coordinate.
func (c *Condition) Terms() []*Node {
	j := c.wallStep(c.At)
	switch c.Kind {
	case ir.Gradient:
		if j != nil {
			return []*Node{mul(c.Value, j)}
		}
	case ir.Mixed:
		if j != nil {
			return []*Node{c.A, div(c.B, j), c.Value}
		}
		return []*Node{c.A, c.B, c.Value}
	}
	return []*Node{c.Value}
}

// atWall reads a field of the grid on a side: its value in the end node or on the end face, or the line through the two cells next to the
// wall, which is of order 2.
func (c *checker) atWall(n *Node, f *Field, sc *scope) *Node {
	side := -1
	for k, a := range f.Axes {
		here := sc.axes()[k]
		if base(a) == sc.sideAxis() {
			side = k
			n.Sub = append(n.Sub, Sub{})
			continue
		}
		if here != a {
			c.errs.Errorf("WF0245", n.At, "%s lives half a step away from the points of this side", f.Name).With(f.At, "declared here").
				Note("values at centres, faces and edges are different unknowns").Suggest("name a field that lives on %s", placeText(f.Grid, sc.axes()))
			return bad(n.At)
		}
		n.Sub = append(n.Sub, Sub{Var: &IndexVar{a.Name, a}})
	}
	at := func(off int) *Node {
		m := *n
		m.Sub = append([]Sub(nil), n.Sub...)
		if a := f.Axes[side]; sc.high {
			off = a.N - 1 - off
		}
		m.Sub[side].Off = off
		return &m
	}
	if a := f.Axes[side]; a.Nodes || a.N < 2 {
		return at(0)
	}
	first := compute(ir.Mul, f.Unit, n.At, number(1.5, one(), n.At), at(0))
	second := compute(ir.Mul, f.Unit, n.At, number(0.5, one(), n.At), at(1))
	return compute(ir.Sub, f.Unit, n.At, first, second)
}
