package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// side is one end of an axis.
type side struct {
	axis *Axis
	high bool
}

func (s side) String() string {
	if s.high {
		return s.axis.Name + ".hi"
	}
	return s.axis.Name + ".lo"
}

// boundaries checks a bc block. Entries give conditions to sides; `others` gives them to the sides no other entry names.
func (c *checker) boundaries(b *syntax.BC) {
	before := c.errs.Len()
	defer func() {
		if c.errs.Len() == before {
			return
		}
		for _, id := range b.Fields {
			if s := c.names[id.Name]; s != nil && s.field != nil {
				c.noRule[s.field] = true
			}
		}
	}()
	var fields []*Field
	for _, id := range b.Fields {
		s := c.names[id.Name]
		switch {
		case s == nil:
			c.unknown(id, "field", c.nameList(func(s *symbol) bool { return s.field != nil }))
		case s.field != nil && s.field.Grid == nil:
			c.errs.Errorf("WF0260", id.At, "%s is not on a grid and has no boundary", id.Name).With(s.at, "declared here").Suggest("remove it here")
		case s.field != nil:
			fields = append(fields, s.field)
		case s.what != "field" && s.what != "name":
			c.errs.Errorf("WF0203", id.At, "%s is a %s, not a field", id.Name, s.what).With(s.at, "declared here").Suggest("name fields after `bc`")
		}
	}
	if len(fields) == 0 {
		return
	}
	g := fields[0].Grid
	for _, f := range fields[1:] {
		if f.Grid != g {
			c.errs.Errorf("WF0260", b.At, "%s and %s live on different grids", fields[0].Name, f.Name).Suggest("write one bc block per grid")
			return
		}
	}
	named := map[side]bool{}
	for _, e := range b.Entries {
		for _, s := range e.Sides {
			if s.End != nil || s.Axis.Name != "others" {
				for _, k := range c.sides(g, s, nil, true) {
					named[k] = true
				}
			}
		}
	}
	for _, e := range b.Entries {
		var sides []side
		for _, s := range e.Sides {
			sides = append(sides, c.sides(g, s, named, false)...)
		}
		for _, k := range sides {
			for _, cond := range e.Conds {
				c.condition(fields, b, e, k, cond)
			}
		}
	}
}

// sides resolves x.lo, x, all and others. quiet leaves errors to the second walk.
func (c *checker) sides(g *Grid, s *syntax.Side, named map[side]bool, quiet bool) []side {
	var out []side
	name := s.Axis.Name
	if s.End == nil && (name == "all" || name == "others") && gridAxis(g, name) == nil {
		for _, a := range g.Axes {
			for _, high := range []bool{false, true} {
				if k := (side{a, high}); !a.Periodic && !(name == "others" && named[k]) {
					out = append(out, k)
				}
			}
		}
		return out
	}
	a := gridAxis(g, name)
	if a == nil {
		if !quiet {
			d := c.errs.Errorf("WF0260", s.At, "the grid %s has no axis %s", g.Name, name).With(g.At, "its axes are %s", axisNames(g.Axes))
			d.Suggest("a side is an axis, as in x.lo, x.hi or x for both, or `all` or `others`")
		}
		return nil
	}
	if a.Periodic {
		if !quiet {
			c.errs.Errorf("WF0261", s.At, "the axis %s is periodic and has no sides", name).With(a.At, "declared periodic here").
				Suggest("remove the condition, or `periodic`")
		}
		return nil
	}
	if s.End == nil {
		return []side{{a, false}, {a, true}}
	}
	switch s.End.Name {
	case "lo":
		return []side{{a, false}}
	case "hi":
		return []side{{a, true}}
	}
	if !quiet {
		c.errs.Errorf("WF0260", s.End.At, "the sides of %s are %s.lo and %s.hi", name, name, name).Suggest("write `lo` or `hi`")
	}
	return nil
}

func gridAxis(g *Grid, name string) *Axis {
	for _, a := range g.Axes {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// condition gives one side of one field its condition.
func (c *checker) condition(fields []*Field, b *syntax.BC, e *syntax.BCEntry, k side, cond *syntax.Cond) {
	kind := ir.Value
	left := syntax.Unparen(cond.Left)
	if call, ok := left.(*syntax.Call); ok && call.Func.Name == "dn" && len(call.Args) == 1 {
		kind, left = ir.Gradient, syntax.Unparen(call.Args[0].Value)
	}
	r, ok := left.(*syntax.Ref)
	if !ok || cond.Right == nil || r.Prime || r.Index != nil {
		d := c.errs.Errorf("WF0263", cond.At, "a condition is `T = value` or `dn(T) = slope`")
		if ok && cond.Right == nil {
			d.Note("the named condition `%s` is not part of this version", r.Name.Name)
		}
		d.Suggest("write `%s = 0` for a fixed value, `dn(%s) = 0` for no flux", fields[0].Name, fields[0].Name)
		return
	}
	var f *Field
	for _, x := range fields {
		if x.Name == r.Name.Name {
			f = x
		}
	}
	if f == nil {
		if s := c.names[r.Name.Name]; s != nil && s.field == nil && (s.what == "field" || s.what == "name") {
			return
		}
		c.errs.Errorf("WF0263", r.At, "this block gives conditions for %s, not for %s", identNames(b.Fields), r.Name.Name).
			Suggest("write `bc %s { .. }` for it, or `bc (%s, %s) { .. }`", r.Name.Name, identNames(b.Fields), r.Name.Name)
		return
	}
	if old := f.Cond(k.axis, k.high); old != nil {
		if old.At != cond.At {
			c.errs.Errorf("WF0262", cond.At, "the side %s of %s has two conditions", k, f.Name).With(old.At, "the first is here").
				Suggest("remove one, or use `others` for the remaining sides")
		}
		return
	}
	u, scale := f.Unit, f.Scale
	what := "the value of " + f.Name
	if kind == ir.Gradient {
		u, scale = f.Unit.div(k.axis.Unit), f.Scale/k.axis.Scale
		what = "dn(" + f.Name + ")"
	}
	sc := &scope{what: "a boundary value", grid: f.Grid, side: k.axis}
	if !c.boundaryTime(cond.Right, sc) {
		return
	}
	v := c.valueIn(cond.Right, u, &scale, f.At, what, sc)
	if v.invalid() {
		return
	}
	n := &Condition{Axis: k.axis, High: k.high, Kind: kind, Value: v, At: cond.At}
	Visit(v, func(x *Node) { n.Timed = n.Timed || x.Op == Time })
	f.BC = append(f.BC, n)
}

// boundaryTime lets a boundary value use the time of the only evolve.
func (c *checker) boundaryTime(e syntax.Expr, sc *scope) bool {
	if len(c.evolves) == 1 {
		sc.block = &blockState{block: c.evolves[0], assigned: map[*Field]*Assign{}, lets: map[string]*localLet{}}
		return true
	}
	var used diag.Span
	walkExpr(e, func(e syntax.Expr) {
		if r, ok := e.(*syntax.Ref); ok && c.names[r.Name.Name] == nil {
			for _, b := range c.evolves {
				if b.Var == r.Name.Name {
					used = r.At
				}
			}
		}
	})
	if used.IsZero() {
		return true
	}
	c.errs.Errorf("WF0266", used, "with several `evolve`s a boundary value cannot depend on the time").
		With(c.evolves[0].At, "one is here").With(c.evolves[1].At, "another is here").
		Suggest("use one `evolve`, with where(t < .., .., ..) for the phases")
	return false
}

func identNames(ids []*syntax.Ident) string {
	out := ""
	for i, id := range ids {
		if i > 0 {
			out += ", "
		}
		out += id.Name
	}
	return out
}
