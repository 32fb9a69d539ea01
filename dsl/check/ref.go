package check

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// ref resolves a name in an expression.
func (c *checker) ref(e *syntax.Ref, sc *scope) *Node {
	name := e.Name.Name
	if n := c.inner(e, sc); n != nil {
		return n
	}
	if sc.block != nil {
		if n := c.blockName(e, sc); n != nil {
			return n
		}
	}
	if v, ok := sc.lookupIndex(name); ok && c.plain(e) {
		return c.position(v, e.At)
	}
	if sc.grid != nil {
		for _, a := range sc.axes() {
			if a.Name != name {
				continue
			}
			if sc.sideAxis() == base(a) {
				if !c.plain(e) {
					return bad(e.At)
				}
				if sc.high {
					return number(a.Hi, a.Unit, e.At)
				}
				return number(a.Lo, a.Unit, e.At)
			}
			if c.plain(e) {
				return c.position(IndexVar{a.Name, a}, e.At)
			}
			return bad(e.At)
		}
	}
	if name == "pi" && c.plain(e) {
		return number(math.Pi, one(), e.At)
	}
	s := c.names[name]
	if s == nil {
		if n := c.cellType(e); n != nil {
			return n
		}
		c.unknownRef(e, sc)
		return bad(e.At)
	}
	switch {
	case s.scalar != nil:
		if !c.plain(e) {
			return bad(e.At)
		}
		return &Node{Op: ScalarRef, Sym: s.scalar, Unit: s.scalar.Unit, At: e.At, host: true}
	case s.field != nil:
		n := c.fieldRef(e, s.field, sc)
		if s.field.Mask && !n.invalid() {
			return compute(ir.Ne, one(), e.At, n, number(0, one(), e.At))
		}
		return n
	case s.let != nil:
		if !c.plain(e) {
			return bad(e.At)
		}
		return c.letValue(e, s.let, sc)
	case s.axis != nil && !sc.host && !sc.form && sc.grid == nil:
		return c.position(IndexVar{name, s.axis}, e.At)
	case s.axis != nil && sc.form:
		c.errs.Errorf("WF0254", e.At, "the index %s is not on the left side and in no product", name).Suggest("write `sum over %s of ..`, or put %s on the left", name, name)
		return bad(e.At)
	case s.axis != nil || s.grid != nil:
		c.errs.Errorf("WF0203", e.At, "%s is a %s and has no value in %s", name, s.what, sc.what).With(s.at, "declared here").
			Suggest("its extent is #axis")
		return bad(e.At)
	}
	if s.what == "function" {
		c.errs.Errorf("WF0203", e.At, "%s is a function and has no value without its arguments", name).With(s.at, "declared here").Suggest("write %s(..)", name)
	}
	return bad(e.At) // its declaration was in error
}

// plain reports a prime or indices on a name that is no field.
func (c *checker) plain(e *syntax.Ref) bool {
	switch {
	case e.Prime:
		c.errs.Errorf("WF0303", e.At, "%s is no field and has no next value", e.Name.Name).Suggest("remove the prime")
	case e.Index != nil:
		c.errs.Errorf("WF0250", e.At, "%s has no indices", e.Name.Name).Suggest("remove the brackets")
	default:
		return true
	}
	return false
}

// position is the coordinate of an index over a grid axis, or the value of an index over a dim.
func (c *checker) position(v IndexVar, at diag.Span) *Node {
	if base(v.Axis).Map != nil {
		return mappedAt(v, at)
	}
	if v.Axis.Grid == nil {
		return &Node{Op: IndexVal, Var: v, Unit: one(), At: at}
	}
	return &Node{Op: Coord, Var: v, Unit: v.Axis.Unit, At: at}
}

// blockName resolves the variable of the evolve and `step`.
func (c *checker) blockName(e *syntax.Ref, sc *scope) *Node {
	b := sc.block.block
	switch {
	case sc.block.once, b.Once:
	case e.Name.Name == b.Var:
		if !c.plain(e) {
			return bad(e.At)
		}
		b.Timed = true
		now := &Node{Op: Time, Unit: b.Unit, At: e.At}
		if sc.atEnd {
			length := number(1, one(), e.At)
			if !b.Count {
				length = &Node{Op: StepSize, Unit: b.Unit, At: e.At, host: !b.Clock}
			}
			return compute(ir.Add, b.Unit, e.At, now, length)
		}
		return now
	case e.Name.Name == "step":
		if !c.plain(e) {
			return bad(e.At)
		}
		if b.Count {
			c.errs.Errorf("WF0306", e.At, "`evolve %s in ..` counts steps and has no step length", b.Var).
				Suggest("write `evolve t from .. to .. step ..`, or use a `param` for the length")
			return bad(e.At)
		}
		return &Node{Op: StepSize, Unit: b.Unit, At: e.At, host: !b.Clock}
	}
	return nil
}

func (c *checker) unknownRef(e *syntax.Ref, sc *scope) {
	cands := c.nameList(func(s *symbol) bool { return s.grid == nil })
	if sc.block != nil {
		cands = append(cands, slices.Sorted(maps.Keys(sc.block.lets))...)
		if sc.block.block.Var != "" {
			cands = append(cands, sc.block.block.Var)
		}
	}
	for _, v := range sc.index {
		cands = append(cands, v.Name)
	}
	if sc.grid != nil {
		for _, a := range sc.grid.Axes {
			cands = append(cands, a.Name)
		}
	} else if c.isAxisName(e.Name.Name) {
		c.errs.Errorf("WF0203", e.At, "%s is an axis and has no value in %s", e.Name.Name, sc.what).
			Suggest("coordinates have values in initial values, boundary values and equations of fields on their grid")
		return
	}
	if e.Name.Name == "step" {
		c.errs.Errorf("WF0203", e.At, "`step` has a value inside `evolve` only").Suggest("give the step a name: `const h = 0.1 s`, and `step h`")
		return
	}
	if e.Prime {
		c.unknown(e.Name, "field", c.nameList(func(s *symbol) bool { return s.field != nil }))
		return
	}
	c.unknown(e.Name, "name", cands)
}

// localLet reads a let of the block.
func (c *checker) localLet(e *syntax.Ref, l *localLet, sc *scope) *Node {
	if l.let == nil {
		if l.item == nil || !c.plain(e) {
			return bad(e.At)
		}
		return c.letValue(e, l.item, sc)
	}
	if e.Prime {
		c.errs.Errorf("WF0303", e.At, "%s is a `let` and has no next value", e.Name.Name).With(l.let.At, "declared here").Suggest("remove the prime")
		return bad(e.At)
	}
	axes := make([]*Axis, len(l.let.Index))
	for i, v := range l.let.Index {
		axes[i] = v.Axis
	}
	subs, ok := c.subscripts(e, axes, e.Name.Name, sc)
	if !ok {
		return bad(e.At)
	}
	return &Node{Op: LetRead, Let: l.let, Sub: subs, Unit: l.let.Unit, At: e.At}
}

// letValue checks the expression of a let where it is used; one context checks it once.
func (c *checker) letValue(e *syntax.Ref, it *syntax.BindItem, sc *scope) *Node {
	key := letKey{item: it, grid: sc.grid, side: sc.side, high: sc.high}
	if sc.grid != nil {
		key.place = placeText(sc.grid, sc.axes())
	}
	if sc.block != nil {
		key.block = sc.block.id
		if sc.block.top().once { // a field means its next value from its assignment on; in steps a prime says so
			key.at = len(sc.block.assigned)
		}
	}
	for _, v := range sc.index {
		key.index += v.Name + ":" + v.Axis.IR + ","
	}
	key.form, key.host, key.comp = sc.form, sc.host, sc.comp
	if n, ok := c.lets[key]; ok {
		if n == nil {
			c.errs.Errorf("WF0208", e.At, "the value of %s depends on itself", it.Name.Name).With(it.At, "declared here").
				Suggest("a `let` names an expression of other names; state that changes is a field")
			return bad(e.At)
		}
		return n
	}
	c.lets[key] = nil
	inner := *sc
	inner.sums = nil
	inner.outer = len(sc.index)
	n := c.num(it.Value, &inner)
	if it.Ann != nil && it.Ann.Unit != nil && !n.invalid() {
		u, _ := c.unit(it.Ann.Unit)
		c.needUnit(n, u, it.Ann.At, it.Name.Name)
	}
	c.lets[key] = n
	n.Named = true
	return n
}

// fieldRef reads a field.
func (c *checker) fieldRef(e *syntax.Ref, f *Field, sc *scope) *Node {
	if sc.host {
		c.errs.Errorf("WF0204", e.At, "%s must be known before the run; the field %s is not", sc.what, f.Name).With(f.At, "declared here").
			Suggest("use a `param` or a `const`")
		return bad(e.At)
	}
	if c.fieldOrder(e, f, sc) {
		return bad(e.At)
	}
	n := &Node{Op: Read, Field: f, Unit: f.Unit, At: e.At}
	if u := c.asUnknown(e, f, sc); u != nil {
		f, n.Field = u, u
	} else if !c.nextValue(e, f, sc, n) {
		return bad(e.At)
	}
	if sc.side != nil && e.Index == nil && f.Grid != nil && f.Grid == sc.grid {
		return c.atWall(n, f, sc)
	}
	if sc.side != nil && len(f.Axes) > 0 && (e.Index == nil || onAxis(f, sc.side)) {
		c.errs.Errorf("WF0264", e.At, "a boundary value cannot read the field %s", f.Name).With(f.At, "declared here").
			Note("a boundary value is a function of the other coordinates, of the time, and of fields over other axes with their indices").
			Suggest("write it as an expression, or read a field over the other axes")
		return bad(e.At)
	}
	switch {
	case e.Index != nil:
		subs, ok := c.subscripts(e, f.Axes, f.Name, sc)
		if !ok {
			return bad(e.At)
		}
		n.Sub = subs
	case len(f.Axes) == 0:
	case sc.grid != nil && f.Grid == sc.grid && !sc.form:
		return c.subsAt(n, f.Axes, sc)
	case sc.form:
		c.errs.Errorf("WF0253", e.At, "%s needs its indices here", f.Name).With(f.At, "declared here").
			Note("an assignment whose left side has indices is in index form: every field says where it is read").
			Replace(e.At, e.At.Text()+"["+axisNames(f.Axes)+"]", "write %s[%s]", e.At.Text(), axisNames(f.Axes))
		return bad(e.At)
	default:
		c.errs.Errorf("WF0240", e.At, "the field %s does not live on this grid", f.Name).With(f.At, "declared here").
			Suggest("use fields of one grid in an equation, or index form: `%s[..]`", f.Name)
		return bad(e.At)
	}
	return n
}

// fieldOrder reports an initial value that uses a field declared later.
func (c *checker) fieldOrder(e *syntax.Ref, f *Field, sc *scope) bool {
	if !sc.init || f.Init != nil || f.File != "" || len(f.Regions) > 0 {
		return false
	}
	c.errs.Errorf("WF0208", e.At, "the initial value of %s is not known yet here", f.Name).With(f.At, "declared here").
		Suggest("declare %s before the field that uses it", f.Name)
	return true
}

// nextValue resolves the prime of a read.
func (c *checker) nextValue(e *syntax.Ref, f *Field, sc *scope, n *Node) bool {
	if f.Local {
		return c.nextCarried(e, sc, n)
	}
	if sc.block != nil && sc.block.pure && e.Prime {
		c.errs.Errorf("WF0303", e.At, "a function has no next values").Suggest("pass %s' as an argument", f.Name)
		return false
	}
	if !e.Prime {
		n.Next = sc.block != nil && sc.block.top().once && sc.block.hasAssigned(f)
		return true
	}
	switch {
	case sc.block == nil || sc.block.top().once:
		c.errs.Errorf("WF0303", e.At, "%s' has a value inside `evolve` only", f.Name).Suggest("remove the prime")
		return false
	case !sc.block.hasAssigned(f):
		c.errs.Errorf("WF0303", e.At, "%s' is read before it is assigned", f.Name).
			Note("statements of `evolve` take effect in the order written; without a prime the value before the step is read").
			Suggest("assign %s' above, or read %s", f.Name, f.Name)
		return false
	}
	n.Next = true
	return true
}

func onAxis(f *Field, a *Axis) bool {
	for _, b := range f.Axes {
		if base(a) == base(b) {
			return true
		}
	}
	return false
}

func axisNames(as []*Axis) string { return strings.Join(axisWords(as), ", ") }

func axisWords(as []*Axis) []string {
	var out []string
	for _, a := range as {
		out = append(out, a.Name)
	}
	return out
}
