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
		WalkStmts(b.Stmts, func(s *Assign) {
			c.reaches(s.Value, s, u)
			if s.Ctl != nil {
				c.reaches(s.Ctl.Cond, s, u)
			}
		})
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

// where is how far around the point an expression is evaluated, in half steps along each axis of the grid: from lo to hi, every second
// one. deriv is the outermost derivative around it, acc the accuracy of interpolation, flux marks the axes along which the flux form
// evaluates it midway between points.
type where struct {
	lo, hi [3]int
	acc    int
	flux   [3]bool
	at     *Node
}

func (w where) moved(j, lo, hi int) where {
	w.lo[j] += lo
	w.hi[j] += hi
	return w
}

// walker follows pass discretise through an expression: which points every operand is read at.
type walker struct {
	c     *checker
	s     *Assign
	u     *unruled
	facts map[*Node]*facts
	seen  map[walkKey]bool
}

type walkKey struct {
	n *Node
	w where
	v IndexVar // of the derivative being taken, or none
	k int
}

// facts of a node, as sets of axes of its grid.
type facts struct{ needs, reads, within, odd, moves uint8 }

func (w *walker) of(n *Node) *facts {
	if f, ok := w.facts[n]; ok {
		return f
	}
	f := &facts{}
	w.facts[n] = f
	bit := func(v IndexVar) uint8 {
		if v.Axis == nil || v.Axis.Grid == nil {
			return 0
		}
		return 1 << axisIndex(v.Axis)
	}
	if n.Op == Reduce { // its value is a number here
		for _, v := range n.Free() {
			f.needs |= bit(v)
			f.reads |= bit(v)
		}
		return f
	}
	for _, a := range n.Args {
		g := w.of(a)
		f.needs, f.reads, f.within, f.odd, f.moves = f.needs|g.needs, f.reads|g.reads, f.within|g.within, f.odd|g.odd, f.moves|g.moves
	}
	switch n.Op {
	case Read, LetRead:
		for _, s := range n.Sub {
			if s.Var != nil {
				f.needs |= bit(*s.Var)
				f.reads |= bit(*s.Var)
			}
		}
	case Coord, IndexVal:
		f.needs |= bit(n.Var)
	case Shift:
		f.moves |= bit(n.Var)
	case Deriv:
		f.within |= bit(n.Var)
		if n.N%2 == 1 {
			f.odd |= bit(n.Var)
		}
	}
	return f
}

// native is 1 when an expression has its values midway between points along axis j; see passes/discretise.go.
func (w *walker) native(n *Node, j int) int {
	b := uint8(1) << j
	f := w.of(n)
	switch {
	case n.Op == Shift || n.Op == Deriv:
		k := w.native(n.Args[0], j)
		if axisIndex(n.Var.Axis) == j {
			k += n.N
		}
		return k & 1
	case len(n.Args) == 0 || n.Op == Reduce || f.moves&b == 0:
		if f.within&f.odd&b != 0 {
			return 1
		}
		return 0
	}
	var first *Node
	for _, a := range n.Args {
		if w.of(a).within&b != 0 {
			return w.native(a, j)
		}
		if first == nil && w.of(a).reads&b != 0 {
			first = a
		}
	}
	if first == nil {
		return 0
	}
	return w.native(first, j)
}

// reaches walks an expression.
func (c *checker) reaches(n *Node, s *Assign, u *unruled) {
	w := &walker{c: c, s: s, u: u, facts: map[*Node]*facts{}, seen: map[walkKey]bool{}}
	if n != nil {
		w.walk(n, where{acc: 2})
	}
}

func (w *walker) walk(n *Node, at where) {
	key := walkKey{n: n, w: at}
	if n == nil || w.seen[key] || len(w.seen) > sampleBudget {
		return
	}
	w.seen[key] = true
	switch n.Op {
	case Read, LetRead:
		w.c.readReach(n, at, w.s, w.u)
	case Shift:
		w.walk(n.Args[0], at.moved(axisIndex(n.Var.Axis), n.N, n.N))
	case Deriv:
		if at.at == nil {
			at.at = n
		}
		w.derivative(n.Args[0], n.Var, n.N, n.Acc, at)
	case Reduce:
		w.walk(n.Args[0], where{acc: 2})
	default:
		for _, a := range n.Args {
			w.walk(a, at)
		}
	}
}

// derivative walks what is differentiated: linear combinations term by term, anything else at the points of its formula.
func (w *walker) derivative(n *Node, v IndexVar, order, acc int, at where) {
	key := walkKey{n, at, v, order<<8 | acc}
	if w.seen[key] || len(w.seen) > sampleBudget {
		return
	}
	w.seen[key] = true
	j := axisIndex(v.Axis)
	b := uint8(1) << j
	f := w.of(n)
	if f.needs&b == 0 {
		return
	}
	switch {
	case n.Op == Deriv && n.Var == v:
		w.derivative(n.Args[0], v, order+n.N, max(acc, n.Acc), at)
		return
	case n.Op == Shift:
		w.derivative(n.Args[0], v, order, acc, at.moved(axisIndex(n.Var.Axis), n.N, n.N))
		return
	case n.Op != Compute:
	case n.Code == ir.Add || n.Code == ir.Sub || n.Code == ir.Neg:
		for _, a := range n.Args {
			w.derivative(a, v, order, acc, at)
		}
		return
	case n.Code == ir.Mul && w.of(n.Args[0]).needs&b == 0:
		w.walk(n.Args[0], at)
		w.derivative(n.Args[1], v, order, acc, at)
		return
	case (n.Code == ir.Mul || n.Code == ir.Div) && w.of(n.Args[1]).needs&b == 0:
		w.walk(n.Args[1], at)
		w.derivative(n.Args[0], v, order, acc, at)
		return
	}
	odd := at.lo[j] & 1
	half := odd == 1
	switch {
	case f.moves&b != 0:
		half = (odd+w.native(n, j))&1 == 1
	case f.within&b != 0:
		half = order%2 == 1 && f.odd&b != 0
	}
	r := 2 * ((order+1)/2 - 1 + acc/2)
	if half {
		r = 2*((order-order%2)/2+acc/2) - 1
	}
	at = at.moved(j, -r, r)
	at.acc = max(at.acc, acc)
	at.flux[j] = at.flux[j] || f.odd&b != 0
	w.walk(n, at)
}

// axisIndex is the place of an axis in its grid.
func axisIndex(a *Axis) int {
	if a.Grid != nil {
		for i, b := range a.Grid.Axes {
			if base(a) == b {
				return i
			}
		}
	}
	return 0
}

// readReach checks one read.
func (c *checker) readReach(n *Node, w where, s *Assign, u *unruled) {
	name, axes := "", n.axes()
	if n.Op == LetRead {
		name = n.Let.Name
	} else {
		name = n.Field.Name
	}
	for k, sub := range n.Sub {
		a := axes[k]
		if sub.Var == nil {
			continue
		}
		var from, to int
		if a.Grid != nil {
			j := axisIndex(a)
			from, to = w.lo[j], w.hi[j]
			if from&1 != 0 {
				if !w.flux[j] {
					c.displaced(n, name, a, w, s)
					return
				}
				from, to = from-w.acc+1, to+w.acc-1
			}
		}
		if a.Periodic {
			continue
		}
		d := sub.Var.Axis
		lo, hi := 0, d.N-1
		if s.Field != nil && k < len(s.Index) && indexed(s.Index, *sub.Var) {
			lo, hi = updated(s.Field, d)
		}
		below, above := -(lo + sub.Off + from>>1), hi+sub.Off+(to+1)>>1-(a.N-1)
		if sub.Mul > 1 || sub.Div > 1 {
			at := ir.Affine{Index: "i", Off: sub.Off, Mul: sub.Mul, Div: sub.Div}
			below, above = -at.Of(lo), at.Of(hi)-(a.N-1)
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
			f := n.Field
			if n.Op == LetRead {
				f = n.Let.Like
			}
			if f == nil || f.Cond(a, end.high) == nil {
				u.add(n, name, accessPlace(n, w), side{a, end.high})
				continue
			}
			if most := a.N - nodeShift(a); end.depth > most && !a.guess {
				c.errs.Errorf("WF0233", accessPlace(n, w), "this reads %s %d points beyond %s, and the axis has %d", name, end.depth, side{a, end.high}, a.N).
					With(a.At, "declared here").Note("values outside come from the conditions by reflection, at most as deep as the axis is long").
					Suggest("use at least %d points along %s", end.depth+nodeShift(a), a.Name)
				return
			}
		}
	}
}

func indexed(vs []IndexVar, v IndexVar) bool {
	for _, x := range vs {
		if x == v {
			return true
		}
	}
	return false
}

// displaced reports a value that is not known where it is needed.
func (c *checker) displaced(n *Node, name string, a *Axis, w where, s *Assign) {
	id := name + " " + n.At.Text() + a.Name
	if c.said[id] {
		return
	}
	c.said[id] = true
	lives, _ := natural(n)
	g := a.Grid
	where := func(faces uint8) string {
		out := ""
		for j, b := range g.Axes {
			if faces>>j&1 != 0 {
				out += b.Name
			}
		}
		if out == "" {
			return g.Name
		}
		return g.Name + "." + out
	}
	want := lives ^ 1<<axisIndex(a)
	if n.Op == Read && (n.Field.Mask || n.Field.Cells) {
		c.errs.Errorf("WF0245", n.At, "beside %s this derivative is known on the faces, and here it is needed between them", name).With(n.Field.At, "declared here").
			Note("a body with a slope divides its cells from those around it").Suggest("write at(%s, %s) for the mean of the slopes on both sides", n.At.Text(), where(lives))
		return
	}
	d := c.errs.Errorf("WF0245", n.At, "%s lives on %s, and here its value half a step away along %s is needed", name, where(lives), a.Name)
	if n.Op == Read {
		d.With(n.Field.At, "declared here")
	}
	d.Note("values at centres, faces and edges are different unknowns; nothing is interpolated unless it is written").
		Suggest("write at(%s, %s) for the mean of its neighbours", n.At.Text(), where(want))
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

func accessPlace(n *Node, r where) diag.Span {
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
