package check

import (
	"fmt"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// accesses holds every access that may leave the domain against the boundary conditions: the ghosts pass needs a rule for it. An
// access is a read at an offset, or a derivative, which reads as far as its formula.
func (c *checker) accesses() {
	u := &unruled{said: map[string]bool{}}
	for _, b := range c.prog.Blocks {
		for _, s := range b.Stmts {
			c.reaches(s.Value, s, u)
		}
	}
	for _, f := range c.prog.Fields {
		init := &Assign{At: f.At}
		for _, n := range []*Node{f.Init, f.Rate} {
			c.reaches(n, init, u)
		}
		for _, r := range f.Regions {
			c.reaches(r.Value, init, u)
			c.reaches(r.Where, init, u)
		}
	}
	for _, m := range u.list {
		c.missingConditions(m)
	}
}

// unruled collects accesses outside without a rule: one per access and field, with all its sides, each side once per field.
type unruled struct {
	said map[string]bool
	list []*missing
}

type missing struct {
	n     *Node
	name  string
	at    diag.Span
	sides []side
}

func (u *unruled) add(n *Node, name string, at diag.Span, k side) {
	id := fmt.Sprintf("%s %s.%s", name, axisText(k.axis), k)
	if u.said[id] {
		return
	}
	u.said[id] = true
	for _, m := range u.list {
		if m.name == name && m.at == at {
			m.sides = append(m.sides, k)
			return
		}
	}
	u.list = append(u.list, &missing{n, name, at, []side{k}})
}

// reach is how far along each axis the derivatives around a node read; at is the outermost of them.
type reach struct {
	by [3]int
	at *Node
}

// reaches walks an expression with the reach of the derivatives around each node.
func (c *checker) reaches(n *Node, s *Assign, u *unruled) {
	type key struct {
		n  *Node
		by [3]int
	}
	seen := map[key]bool{}
	var walk func(n *Node, r reach)
	walk = func(n *Node, r reach) {
		if n == nil || seen[key{n, r.by}] {
			return
		}
		seen[key{n, r.by}] = true
		switch n.Op {
		case Read, LetRead:
			c.readReach(n, r, s, u)
		case Deriv:
			if r.at == nil {
				r.at = n
			}
			r.by[axisIndex(n.Var.Axis)] += n.Acc/2 + (n.N-1)/2
		}
		for _, a := range n.Args {
			walk(a, r)
		}
	}
	walk(n, reach{})
}

// axisIndex is the place of an axis in its grid.
func axisIndex(a *Axis) int {
	if a.Grid != nil {
		for i, b := range a.Grid.Axes {
			if a == b {
				return i
			}
		}
	}
	return 0
}

// readReach checks one read.
func (c *checker) readReach(n *Node, r reach, s *Assign, u *unruled) {
	name, axes := "", []*Axis(nil)
	if n.Op == LetRead {
		name = n.Let.Name
		for _, v := range n.Let.Index {
			axes = append(axes, v.Axis)
		}
	} else {
		name, axes = n.Field.Name, n.Field.Axes
	}
	for k, sub := range n.Sub {
		a := axes[k]
		if sub.Var == nil || a.Periodic {
			continue
		}
		lo, hi := 0, a.N-1
		if r.at == nil && s.Field != nil && k < len(s.Index) && s.Index[k] == *sub.Var {
			lo, hi = updated(s.Field, a)
		}
		below, above := -(lo + sub.Off), hi+sub.Off-(a.N-1)
		if r.at != nil && a.Grid != nil {
			below, above = r.by[axisIndex(a)]-sub.Off, r.by[axisIndex(a)]+sub.Off
			if below == 0 && above == 0 {
				continue
			}
		}
		for _, end := range []struct {
			high  bool
			depth int
		}{{false, below}, {true, above}} {
			if end.depth <= 0 {
				continue
			}
			if n.Op == Read && c.noRule[n.Field] || c.lost {
				continue
			}
			if n.Op == LetRead || n.Field.Cond(a, end.high) == nil {
				u.add(n, name, accessPlace(n, r), side{a, end.high})
				continue
			}
			if most := a.N - nodeShift(a); end.depth > most && !a.guess {
				c.errs.Errorf("WF0233", accessPlace(n, r), "this reads %s %d points beyond %s, and the axis has %d", name, end.depth, side{a, end.high}, a.N).
					With(a.At, "declared here").Note("values outside come from the conditions by reflection, at most as deep as the axis is long").
					Suggest("use at least %d points along %s", end.depth+nodeShift(a), a.Name)
				return
			}
		}
	}
}

func nodeShift(a *Axis) int {
	if a.Nodes {
		return 1
	}
	return 0
}

// updated is the range of points an assignment computes; fixed end nodes are not among them.
func updated(f *Field, a *Axis) (int, int) {
	lo, hi := 0, a.N-1
	if k := f.Cond(a, false); a.Nodes && k != nil && k.Kind == ir.Value {
		lo++
	}
	if k := f.Cond(a, true); a.Nodes && k != nil && k.Kind == ir.Value {
		hi--
	}
	return lo, hi
}

func accessPlace(n *Node, r reach) diag.Span {
	if r.at != nil {
		return r.at.At
	}
	return n.At
}

func (c *checker) missingConditions(m *missing) {
	n, name := m.n, m.name
	var sides []string
	for _, k := range m.sides {
		sides = append(sides, k.String())
	}
	text := m.at.Text()
	if text == "" {
		text = name
	}
	d := c.errs.Errorf("WF0265", m.at, "%s reads %s beyond %s, where nothing says what is there", text, name, join(sides))
	switch {
	case n.Op == LetRead:
		d.With(n.Let.At, "declared here").Note("a `let` has no boundary conditions").Suggest("make %s a field with conditions, or use a periodic axis", name)
	case n.Field.Grid == nil:
		d.With(n.Field.At, "declared here").Suggest("fields over dims end at their extent: keep the index inside with where(..), or use a grid with conditions")
	default:
		d.With(n.Field.At, "%s is declared here", name).Note("a boundary value or slope gives the values outside; a periodic axis has none")
		switch {
		case len(n.Field.BC) == 0:
			d.Suggest("add `bc %s { all: dn(%s) = 0 }` for insulated sides, or give values", name, name)
		case len(sides) > 2:
			d.With(n.Field.BC[0].At, "its conditions are here").Suggest("add `others: dn(%s) = 0` to them for insulated sides, or give values", name)
		default:
			d.Suggest("add `bc %s { %s: dn(%s) = 0 }`, or give a value there", name, listSides(m.sides), name)
		}
	}
}

func listSides(ks []side) string {
	out := ""
	for i, k := range ks {
		if i > 0 {
			out += ", "
		}
		out += k.String()
	}
	return out
}
