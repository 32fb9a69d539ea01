package check

import (
	"path/filepath"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Masks and cell types. `mask solid on g = ..` says of every point whether it belongs to a body; its name is a truth value. `cells kind
// on g = fluid { .. }` gives every cell one of five types; `kind == wall` is a truth value. Both are data, from an expression, an array
// or an image.
//
// In a bc block they are sides of another kind: `solid: T = 1` and `kind.wall: noslip` fix a field inside the body, on faces where one of
// the two cells is inside. So a field that lives on a region of its grid, `field psi on g where x < 0.1`, is 0 elsewhere.

// cellTypes are the values of `cells` fields.
var cellTypes = map[string]float64{"fluid": 0, "wall": 1, "inlet": 2, "outlet": 3, "dead": 4}

const cellNames = "fluid, wall, inlet, outlet and dead"

// Hold fixes a field where a condition inside the domain holds; the first that holds counts. With a Slope the field keeps its value there
// (Value is nil), and its normal derivative at the faces around is given.
type Hold struct {
	Where, Value, Slope *Node
	At                  diag.Span
}

// maskKind makes a field a mask or cell types.
func (c *checker) maskKind(f *Field, it *syntax.FieldItem, kind string) {
	f.Mask, f.Cells = kind == "mask", kind == "cells"
	f.Elem, f.Unit = ir.I32, one()
	c.cells = c.cells || f.Cells
	if it.Ann != nil {
		c.errs.Errorf("WF0213", it.Ann.At, "a %s has no type and no unit of its own", kind).Suggest("remove `%s`", it.Ann.At.Text())
	}
	if it.On == nil {
		c.errs.Errorf("WF0240", it.At, "a %s lives on a grid", kind).Suggest("write `%s %s on g = ..`", kind, f.Name)
	}
}

// maskValue checks an initial value, or the value in a region, of a mask or of cell types.
func (c *checker) maskValue(e syntax.Expr, f *Field, sc *scope) *Node {
	n := c.expr(e, sc)
	switch {
	case n.invalid():
		return n
	case n.Bool && f.Mask:
		return compute(ir.Select, one(), n.At, n, number(1, one(), n.At), number(0, one(), n.At))
	case n.Bool || n.Op == Vec:
		c.errs.Errorf("WF0210", e.Span(), "the type of a cell is expected here").Note("types are " + cellNames).Suggest("write where(condition, wall, fluid)")
		return bad(e.Span())
	}
	c.needOne(n, "the value of "+f.Name)
	return n
}

// imageCall recognises image("x.png").
func imageCall(e syntax.Expr) (*syntax.Call, bool) {
	if e == nil {
		return nil, false
	}
	call, ok := syntax.Unparen(e).(*syntax.Call)
	return call, ok && call.Func.Name == "image"
}

// image is the file of a mask: dark pixels are inside.
func (c *checker) image(e *syntax.Call, f *Field) string {
	if len(e.Args) == 1 && e.Args[0].Name == nil && f.Mask && len(f.Axes) == 2 {
		if s, ok := syntax.Unparen(e.Args[0].Value).(*syntax.String); ok && strings.EqualFold(filepath.Ext(s.Value), ".png") {
			return s.Value
		}
	}
	c.errs.Errorf("WF0242", e.At, "image(\"name.png\") is the whole value of a mask on a grid with two axes").
		Note("pixels darker than half are inside; the first axis runs to the right, the second upwards; the image is stretched to the grid").
		Suggest("write `mask solid on g = image(\"body.png\")`")
	return "?"
}

// cellType is the value of a name like wall, where cell types are used.
func (c *checker) cellType(e *syntax.Ref) *Node {
	if v, ok := cellTypes[e.Name.Name]; ok && c.cells && !e.Prime && e.Index == nil && e.Part == nil {
		return number(v, one(), e.At)
	}
	return nil
}

// insideOf says whether a point of f is in a mask, or at a cell of a type; nil when a side names neither.
func (c *checker) insideOf(s *syntax.Side, f *Field) (*Node, bool) {
	sym := c.names[s.Axis.Name]
	if sym == nil || sym.field == nil || !sym.field.Mask && !sym.field.Cells {
		return nil, false
	}
	m := sym.field
	kind := -1.0
	switch {
	case m.Cells && s.End == nil:
		c.errs.Errorf("WF0269", s.At, "%s has several types of cells", m.Name).With(m.At, "declared here").Suggest("name one, as in `%s.wall`", m.Name)
		return bad(s.At), true
	case m.Cells:
		v, ok := cellTypes[s.End.Name]
		if !ok {
			c.errs.Errorf("WF0269", s.End.At, "there are no cells of type %s", s.End.Name).Note("types are "+cellNames).Suggest("write `%s.wall`", m.Name)
			return bad(s.At), true
		}
		kind = v
	case s.End != nil:
		c.errs.Errorf("WF0269", s.End.At, "%s is a mask and has no parts", m.Name).With(m.At, "declared here").Suggest("write `%s`", m.Name)
		return bad(s.At), true
	}
	if f.Grid != m.Grid {
		c.errs.Errorf("WF0269", s.At, "%s and %s live on different grids", m.Name, f.Name).With(m.At, "declared here").Suggest("declare a mask on %s", f.Grid.Name)
		return bad(s.At), true
	}
	return touching(m, kind, f, s.At), true
}

// touching says whether one of the cells around a point of f is inside.
func touching(m *Field, kind float64, f *Field, at diag.Span) *Node {
	reads := []*Node{{Op: Read, Field: m, Unit: one(), At: at}}
	for k, a := range f.Axes {
		v := IndexVar{a.Name, a}
		offs := []int{0}
		if a.Of != nil && m.Axes[k].Of == nil {
			offs = []int{-1, 0}
		}
		var next []*Node
		for _, r := range reads {
			for _, o := range offs {
				n := *r
				n.Sub = append(append([]Sub(nil), r.Sub...), Sub{Var: &v, Off: o})
				next = append(next, &n)
			}
		}
		reads = next
	}
	var out *Node
	for _, r := range reads {
		test := compute(ir.Ne, one(), at, r, number(0, one(), at))
		if kind >= 0 {
			test = compute(ir.Eq, one(), at, r, number(kind, one(), at))
		}
		if out != nil {
			test = compute(ir.Or, one(), at, out, test)
		}
		out = test
	}
	return out
}

// hold gives fields their values inside a body.
func (c *checker) hold(fields []*Field, b *syntax.BC, e *syntax.BCEntry, s *syntax.Side) {
	for _, cond := range e.Conds {
		r, named := syntax.Unparen(cond.Left).(*syntax.Ref)
		for _, f := range fields {
			sc := &scope{what: "a value inside a body", grid: f.Grid, on: f.Axes}
			v, sloped := c.slopeAt(cond, f, sc)
			switch {
			case sloped:
			case named && cond.Right == nil && r.Name.Name == "noslip":
				v = number(0, f.Unit, cond.At)
			case cond.Right != nil && fieldRef(cond.Left, f):
				if !c.boundaryTime(cond.Right, sc) {
					return
				}
				scale := f.Scale
				v = c.valueIn(cond.Right, f.Unit, &scale, f.At, "the value of "+f.Name, sc)
			case cond.Right != nil && named && isOneOf(fields, r):
				continue
			case cond.Right != nil && slopeOfOther(cond.Left, fields):
				continue
			default:
				c.errs.Errorf("WF0269", cond.At, "at a body a field has a value, `%s = value`, a slope, `dn(%s) = slope`, or noslip", f.Name, f.Name).
					Suggest("write `%s: %s = 0`", s.At.Text(), f.Name)
				return
			}
			in, _ := c.insideOf(s, f)
			if in.invalid() || v.invalid() {
				return
			}
			if e.Where != nil {
				w := c.truth(e.Where, sc)
				in = compute(ir.And, one(), e.At, in, w)
			}
			if !in.invalid() {
				h := &Hold{Where: in, Value: v, At: cond.At}
				if sloped {
					h.Value, h.Slope = nil, v
				}
				f.Holds = append(f.Holds, h)
				Visit(v, func(x *Node) { f.heldInTime = f.heldInTime || x.Op == Time })
			}
		}
	}
}

// slopeOfOther says whether a condition is the slope of one of the fields: of another than the one whose turn it is.
func slopeOfOther(e syntax.Expr, fields []*Field) bool {
	call, ok := syntax.Unparen(e).(*syntax.Call)
	if !ok || call.Func.Name != "dn" || len(call.Args) != 1 {
		return false
	}
	for _, f := range fields {
		if fieldRef(call.Args[0].Value, f) {
			return true
		}
	}
	return false
}

func isOneOf(fields []*Field, r *syntax.Ref) bool {
	for _, f := range fields {
		if fieldRef(r, f) {
			return true
		}
	}
	return false
}

// maskSide says whether a side names a mask or a type of cells.
func (c *checker) maskSide(s *syntax.Side) bool {
	sym := c.names[s.Axis.Name]
	return sym != nil && sym.field != nil && (sym.field.Mask || sym.field.Cells)
}

// maskWalls lets masks go on beyond the sides of their grids, so that faces there know the cells around them.
func (c *checker) maskWalls() {
	for _, f := range c.prog.Fields {
		if !f.Mask && !f.Cells {
			continue
		}
		for _, a := range f.Axes {
			for _, high := range []bool{false, true} {
				if !a.Periodic && f.Cond(a, high) == nil {
					f.BC = append(f.BC, &Condition{Axis: a, High: high, Kind: ir.Gradient, Value: number(0, one(), f.At), At: f.At})
				}
			}
		}
	}
}

// region restricts a field to a part of its grid: it is 0 elsewhere.
func (c *checker) restrict(f *Field, it *syntax.FieldItem, sc *scope) {
	if it.Part == nil {
		return
	}
	w := c.truth(it.Part, sc)
	if w.invalid() {
		return
	}
	f.Holds = append(f.Holds, &Hold{Where: compute(ir.Not, one(), it.Part.Span(), w), Value: number(0, f.Unit, it.At), At: it.At})
}

// homogeneousHolds are the holds of a difference of two values of the field.
func homogeneousHolds(hs []*Hold) []*Hold {
	var out []*Hold
	for _, h := range hs {
		zero := &Hold{Where: h.Where, Value: number(0, one(), h.At), At: h.At}
		if h.Slope != nil {
			zero.Slope = number(0, h.Slope.Unit, h.At)
		}
		out = append(out, zero)
	}
	return out
}

// HeldInTime reports whether a value inside a body depends on the time.
func (f *Field) HeldInTime() bool { return f.heldInTime }
