package check

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Reductions of whole fields: sum(e), mean(e), max(e), min(e), norm(e), dot(a, b) and integral(e) are single numbers, taken over the unknowns at the
// place on the grid where the fields of e live, each once. End nodes that a condition fixes are no unknowns. norm is the square root of the sum of squares; a vector has
// the squares of all its components in it, and dot(a, b) of two vectors is the sum over components.
//
// They are combined in the order that is independent of threads (ir.Canon) and products are rounded before they are added, also in dot:
// unlike a contraction over a dim these sums have as many terms as the grid has points, and pairwise orders keep the error small.

// whole checks a call that reduces a whole field, nil when the call is none.
func (c *checker) whole(e *syntax.Call, sc *scope) *Node {
	name := e.Func.Name
	switch name {
	case "sum", "mean", "norm", "integral":
		if len(e.Args) != 1 {
			return c.arity(e, name+"(T), or `"+oneAxis(name)+" over x of ..` for one axis")
		}
	case "max", "min":
		if len(e.Args) != 1 {
			return nil
		}
	case "dot":
		if len(e.Args) != 2 {
			return c.arity(e, "dot(a, b)")
		}
	default:
		return nil
	}
	if sc.host || sc.side != nil {
		c.errs.Errorf("WF0204", e.At, "%s cannot be a reduction over fields", sc.what).Suggest("compute it inside `evolve`")
		return bad(e.At)
	}
	if sc.inDer {
		sc = sc.with(nil)
		sc.inDer = false
	}
	g, on := c.wholePlace(e, sc)
	if g == nil {
		c.errs.Errorf("WF0256", e.At, "%s(..) reduces a field over its grid, and there is no field on a grid in it", name).
			Suggest("write the index to reduce over: `%s over i of ..`", oneAxis(name))
		return bad(e.At)
	}
	inner := *sc
	inner.grid, inner.on, inner.form, inner.index, inner.outer, inner.sums = g, on, false, nil, 0, nil
	var args [][]*Node
	for _, a := range e.Args {
		if t, ok := syntax.Unparen(a.Value).(*syntax.Tuple); ok && (name == "norm" || name == "dot") {
			// Each component is taken where it lives.
			var parts []*Node
			for _, y := range t.Elems {
				own := inner
				if h, at := c.wholePlace(y, sc); h == g {
					own.on = at
				}
				x := c.num(y, &own)
				if x.invalid() {
					return bad(e.At)
				}
				parts = append(parts, x)
			}
			args = append(args, parts)
			continue
		}
		x := c.expr(a.Value, &inner)
		if x.invalid() {
			return bad(e.At)
		}
		if x.Op == Vec && (name == "norm" || name == "dot") {
			args = append(args, x.Args)
			continue
		}
		if x = c.asNum(x, a.At); x.invalid() {
			return bad(e.At)
		}
		args = append(args, []*Node{x})
	}
	switch name {
	case "norm":
		n := c.wholeDot(e.At, on, args[0], args[0])
		return compute(ir.Sqrt, n.Unit.pow(mkRat(1, 2)), e.At, n)
	case "dot":
		if len(args[0]) != len(args[1]) {
			return c.arity(e, "dot(a, b) with two numbers, or two vectors of as many components")
		}
		return c.wholeDot(e.At, on, args[0], args[1])
	}
	x := args[0][0]
	switch name {
	case "integral":
		return c.integral(on, x, e.At)
	case "mean":
		return c.wholeMean(on, x, e.At)
	}
	n, _ := c.wholeReduce(combiners[name], on, x, e.At)
	return n
}

// wholeMean is the mean over the unknowns; on uneven axes each weighs as much as it is wide.
func (c *checker) wholeMean(on []*Axis, x *Node, at diag.Span) *Node {
	if w := c.widths(on, at); w != nil {
		x = compute(ir.Mul, x.Unit, at, w, x)
	}
	n, count := c.wholeReduce(ir.Sum, on, x, at)
	return compute(ir.Div, n.Unit, at, n, number(count, one(), at))
}

// oneAxis is the reduction over single axes that is closest to one of whole fields.
func oneAxis(name string) string {
	if _, ok := combiners[name]; ok {
		return name
	}
	return "sum"
}

// wholeDot is the sum over the grid of the products of components. Components that live at one place and are fixed at the same ends are
// summed at each point; others have a sum of their own.
func (c *checker) wholeDot(at diag.Span, on []*Axis, a, b []*Node) *Node {
	type group struct {
		on   []*Axis
		trim string
		sum  *Node
	}
	var groups []*group
	for i := range a {
		p := compute(ir.Mul, a[i].Unit.mul(b[i].Unit), at, a[i], b[i])
		if p.invalid() {
			return p
		}
		own := placeOfNode(p, on)
		trim := ""
		for _, x := range own {
			trim += fmt.Sprint(x.IR, fixedEnds(x, p))
		}
		var g *group
		for _, h := range groups {
			if h.trim == trim {
				g = h
			}
		}
		if g == nil {
			g = &group{on: own, trim: trim}
			groups = append(groups, g)
		}
		if first := groups[0].sum; first != nil && !c.sameUnit(first, p, "cannot be added") {
			return bad(at)
		}
		if g.sum != nil {
			p = compute(ir.Add, g.sum.Unit, at, g.sum, p)
		}
		g.sum = p
	}
	var total *Node
	for _, g := range groups {
		n, _ := c.wholeReduce(ir.Sum, g.on, g.sum, at)
		if total != nil && !n.invalid() {
			n = compute(ir.Add, total.Unit, at, total, n)
		}
		total = n
	}
	return total
}

// placeOfNode is where a checked expression lives, by the indices it depends on; elsewhere than there are axes it does not depend on.
func placeOfNode(n *Node, on []*Axis) []*Axis {
	out := append([]*Axis(nil), on...)
	for _, v := range n.Free() {
		for k, a := range out {
			if base(a) == base(v.Axis) {
				out[k] = v.Axis
			}
		}
	}
	return out
}

// wholeReduce reduces a body over the unknowns of a grid and counts them, each by its width.
func (c *checker) wholeReduce(comb ir.Combiner, on []*Axis, body *Node, at diag.Span) (*Node, float64) {
	n := c.reduceNode(comb, axisVars(on), body, at)
	if n.invalid() {
		return n, 1
	}
	n.Rounded = true
	n.Trim = make([][2]int, len(n.Over))
	count := 1.0
	for i, v := range n.Over {
		n.Trim[i] = fixedEnds(v.Axis, body)
		count *= v.Axis.evenWidths(n.Trim[i])
	}
	return n, count
}

// fixedEnds counts the nodes at the low and at the high end of an axis that conditions fix, in any of the fields that are read there.
func fixedEnds(a *Axis, body *Node) (trim [2]int) {
	if !a.Nodes || a.Periodic || a.N <= 2 {
		return trim
	}
	Visit(body, func(n *Node) {
		if n.Op != Read {
			return
		}
		for k, high := range []bool{false, true} {
			if k2 := n.Field.Cond(a, high); k2 != nil && k2.Kind == ir.Value {
				trim[k] = 1
			}
		}
	})
	return trim
}

// wholePlace finds where an expression lives: at the place an interpolation in it names, at the centres for a divergence, else where the
// first of its fields lives, all also through the lets it names. Without any it is the place around the expression, or the centres of the
// only grid.
func (c *checker) wholePlace(e syntax.Expr, sc *scope) (*Grid, []*Axis) {
	var grid *Grid
	var axes []*Axis
	found := func(f *Field) { grid, axes = f.Grid, f.Axes }
	seen := map[*syntax.BindItem]bool{}
	var look func(e syntax.Expr)
	look = func(e syntax.Expr) {
		walkExpr(e, func(e syntax.Expr) {
			if grid != nil {
				return
			}
			if call, ok := e.(*syntax.Call); ok {
				switch name := call.Func.Name; {
				case (name == "at" || name == "harmonic") && len(call.Args) == 2:
					if p, ok := syntax.Unparen(call.Args[1].Value).(*syntax.Ref); ok {
						if s := c.names[p.Name.Name]; s != nil && s.grid != nil {
							grid, axes = s.grid, c.part(s.grid, p.Part)
						}
					}
				case name == "div":
					for _, a := range call.Args {
						look(a.Value)
					}
					if grid != nil {
						axes = grid.Axes
					}
				}
				return
			}
			r, ok := e.(*syntax.Ref)
			if !ok {
				return
			}
			if a := sc.args[r.Name.Name]; len(a) > 0 {
				if f := fieldIn(a[0]); f != nil {
					found(f)
				}
				return
			}
			var item *syntax.BindItem
			if sc.block != nil {
				v, l, _ := sc.block.find(r.Name.Name)
				if v != nil && len(v.fields) > 0 && len(v.fields[0].Axes) > 0 {
					found(v.fields[0])
				}
				if v != nil {
					return
				}
				if l != nil {
					item = l.item
				}
			}
			if s := c.names[r.Name.Name]; s != nil && item == nil {
				if s.field != nil && s.field.Grid != nil && len(s.field.Axes) > 0 && r.Index == nil {
					found(s.field)
					return
				}
				item = s.let
			}
			if item != nil && !seen[item] {
				seen[item] = true
				look(item.Value)
			}
		})
	}
	look(e)
	switch {
	case grid != nil && axes != nil:
		return grid, axes
	case sc.grid != nil:
		return sc.grid, sc.axes()
	case len(c.prog.Grids) == 1:
		return c.prog.Grids[0], c.prog.Grids[0].Axes
	}
	return nil, nil
}

// fieldIn is a field on a grid that a checked expression reads, nil when there is none.
func fieldIn(n *Node) *Field {
	var f *Field
	Visit(n, func(x *Node) {
		if f == nil && x.Op == Read && len(x.Field.Axes) > 0 && x.Field.Grid != nil {
			f = x.Field
		}
	})
	return f
}
