package check

import (
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
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
			if (s.End != nil || s.Axis.Name != "others") && !c.maskSide(s) {
				for _, k := range c.sides(g, s, nil, true, antiperiodic(e)) {
					named[k] = true
				}
			}
		}
	}
	for _, e := range b.Entries {
		var sides []side
		for _, s := range e.Sides {
			if c.maskSide(s) {
				c.hold(fields, b, e, s)
				continue
			}
			sides = append(sides, c.sides(g, s, named, false, antiperiodic(e))...)
		}
		for _, k := range sides {
			for _, cond := range e.Conds {
				c.condition(fields, b, e, k, cond)
			}
		}
	}
	for _, f := range fields {
		c.joinParts(f)
	}
}

// sides resolves x.lo, x, all and others. quiet leaves errors to the second walk; anti lets a periodic axis through.
func (c *checker) sides(g *Grid, s *syntax.Side, named map[side]bool, quiet, anti bool) []side {
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
			if k := closest(name, axisWords(g.Axes)); strings.Contains(k, ".") {
				d.Replace(s.At, k, "did you mean %s?", k)
			} else {
				d.Suggest("a side is an axis, as in x.lo, x.hi or x for both, or `all` or `others`")
			}
		}
		return nil
	}
	if a.Periodic && s.End == nil && anti {
		return []side{{a, true}}
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
