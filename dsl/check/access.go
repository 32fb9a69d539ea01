package check

import (
	"fmt"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// accesses holds every access that may leave the domain against the boundary conditions: the ghosts pass needs a rule for it. An
// access is a read at an offset, or a derivative, which reads as far as its formula.
func (c *checker) accesses() {
	said := map[string]bool{}
	for _, b := range c.prog.Blocks {
		for _, s := range b.Stmts {
			c.reaches(s.Value, s, said)
		}
	}
	for _, f := range c.prog.Fields {
		init := &Assign{At: f.At}
		for _, n := range []*Node{f.Init, f.Rate} {
			c.reaches(n, init, said)
		}
		for _, r := range f.Regions {
			c.reaches(r.Value, init, said)
			c.reaches(r.Where, init, said)
		}
	}
}

// reach is how far along each axis the derivatives around a node read; at is the outermost of them.
type reach struct {
	by [3]int
	at *Node
}

// reaches walks an expression with the reach of the derivatives around each node.
func (c *checker) reaches(n *Node, s *Assign, said map[string]bool) {
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
			c.readReach(n, r, s, said)
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
func (c *checker) readReach(n *Node, r reach, s *Assign, said map[string]bool) {
	name, axes := "", []*Axis(nil)
	if n.Op == LetRead {
		name = n.Let.Name
		for _, v := range n.Let.Index {
			axes = append(axes, v.Axis)
		}
	} else {
		name, axes = n.Field.Name, n.Field.Axes
	}
	var missing []side
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
				missing = append(missing, side{a, end.high})
				continue
			}
			if most := a.N - nodeShift(a); end.depth > most {
				c.errs.Errorf("WF0233", accessPlace(n, r), "this reads %s %d points beyond %s, and the axis has %d", name, end.depth, side{a, end.high}, a.N).
					With(a.At, "declared here").Note("values outside come from the conditions by reflection, at most as deep as the axis is long").
					Suggest("use at least %d points along %s", end.depth+nodeShift(a), a.Name)
				return
			}
		}
	}
	c.missingConditions(n, r, name, missing, said)
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

func (c *checker) missingConditions(n *Node, r reach, name string, missing []side, said map[string]bool) {
	var sides []string
	for _, k := range missing {
		id := fmt.Sprintf("%s %s.%s", name, axisText(k.axis), k)
		if !said[id] {
			said[id] = true
			sides = append(sides, k.String())
		}
	}
	if len(sides) == 0 {
		return
	}
	at := accessPlace(n, r)
	text := n.At.Text()
	if r.at != nil {
		text = r.at.At.Text()
	}
	if text == "" {
		text = name
	}
	d := c.errs.Errorf("WF0265", at, "%s reads %s beyond %s, where nothing says what is there", text, name, join(sides))
	switch {
	case n.Op == LetRead:
		d.With(n.Let.At, "declared here").Note("a `let` has no boundary conditions").Suggest("make %s a field with conditions, or use a periodic axis", name)
	case n.Field.Grid == nil:
		d.With(n.Field.At, "declared here").Suggest("fields over dims end at their extent: keep the index inside with where(..), or use a grid with conditions")
	default:
		d.With(n.Field.At, "%s is declared here", name).Note("a boundary value or slope gives the values outside; a periodic axis has none")
		if len(sides) > 2 {
			d.Suggest("add `bc %s { others: dn(%s) = 0 }` for insulated sides, or give values", name, name)
		} else {
			d.Suggest("add `bc %s { %s: dn(%s) = 0 }`, or give a value there", name, listSides(missing), name)
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
