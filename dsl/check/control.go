package check

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Control flow. A loop carries values from iteration to iteration: each is a local field of the program, on a grid or a single number,
// that its body gives a next value like the body of an evolve gives one to a field. A field of the program that a body assigns is carried
// as well, under its own name, and gets the last value after the loop. The branches of an `if` assign what the body around them owns.

// ControlKind says which statement a Control is.
type ControlKind uint8

const (
	WhileLoop ControlKind = iota
	CountLoop
	Choice
)

// Control is a statement of control flow in a block.
type Control struct {
	Kind ControlKind
	Name string    // unique in the program
	Init []*Assign // first values, in order; they read each other as next values
	// Counter counts from From in a CountLoop; nil when its value is not read.
	Counter *Field
	From    *Node
	Count   *Node // iterations of a CountLoop, the most there are of a WhileLoop (nil: no bound); a host value
	Cond    *Node // WhileLoop, Choice
	Body    []*Assign
	Else    []*Assign // Choice
	At      diag.Span
}

// Failure ends a run when the rank-0 field Flag is not zero after a launch.
type Failure struct {
	Flag    *Field
	Code    string
	Message string // may contain {name} of rank-0 fields
	History *Field // residuals, nil if there are none
	Entries *Field // how many of them
	At      diag.Span
}

// carried is a value a loop carries.
type carried struct {
	name  string
	at    diag.Span
	given bool // a let with conditions: it has the value of this step
	// fields has one entry, or one per unknown for the vectors of a solver of several equations.
	fields []*Field
	live   bool // in the body of its loop, where it has a next value
}

// nested makes the state of a body inside another one.
func (c *checker) nested(outer *blockState, into *[]*Assign) *blockState {
	c.nblocks++
	return &blockState{block: outer.block, assigned: map[*Field]*Assign{}, lets: map[string]*localLet{}, vars: map[string]*carried{},
		outer: outer, into: into, id: c.nblocks}
}

// add appends a checked statement to the body.
func (b *blockState) add(s *Assign) {
	if b.into != nil {
		*b.into = append(*b.into, s)
		return
	}
	b.block.Stmts = append(b.block.Stmts, s)
}

// hasAssigned says whether the next value of a field is known here.
func (b *blockState) hasAssigned(f *Field) bool {
	for ; b != nil; b = b.around() {
		if b.assigned[f] != nil {
			return true
		}
	}
	return false
}

// top is the body of the evolve, or the statements at top level.
func (b *blockState) top() *blockState {
	for b.around() != nil {
		b = b.around()
	}
	return b
}

// around is the body around this one; a function stands in the body that calls it.
func (b *blockState) around() *blockState {
	if b.pure {
		return b.caller
	}
	return b.outer
}

// find looks a name up in a body and those around it: a carried value, or a let.
func (b *blockState) find(name string) (*carried, *localLet, *blockState) {
	for ; b != nil; b = b.outer {
		if v := b.vars[name]; v != nil {
			return v, nil, b
		}
		if l, ok := b.lets[name]; ok {
			return nil, l, b
		}
	}
	return nil, nil, nil
}

// inner resolves names that have a meaning inside bodies and functions only; nil when the name has none.
func (c *checker) inner(e *syntax.Ref, sc *scope) *Node {
	if n := c.argument(e, sc); n != nil {
		return n
	}
	if sc.block == nil {
		return nil
	}
	if n := c.solverName(e, sc); n != nil {
		return n
	}
	v, l, b := sc.block.find(e.Name.Name)
	switch {
	case v != nil:
		if len(v.fields) == 0 {
			return bad(e.At)
		}
		return c.fieldRef(e, v.fields[min(sc.comp, len(v.fields)-1)], sc)
	case l != nil:
		in := *sc
		in.block = b
		return c.localLet(e, l, &in)
	}
	return nil
}

// nextCarried resolves the prime of a read of a carried value.
func (c *checker) nextCarried(e *syntax.Ref, sc *scope, n *Node) bool {
	if sc.block == nil {
		return true
	}
	v, _, b := sc.block.find(e.Name.Name)
	if v == nil {
		return true
	}
	switch {
	case b.first || v.given:
		if e.Prime {
			c.errs.Errorf("WF0303", e.At, "%s has no next value here", e.Name.Name).Suggest("remove the prime")
			return false
		}
		n.Next = true
	case !e.Prime:
	case !v.live:
		c.errs.Errorf("WF0303", e.At, "the loop is over: %s is its last value", e.Name.Name).Suggest("remove the prime")
		return false
	case !sc.block.hasAssigned(n.Field):
		c.errs.Errorf("WF0303", e.At, "%s' is read before it is assigned", e.Name.Name).
			Note("statements take effect in the order written; without a prime the value before the iteration is read").
			Suggest("assign %s' above, or read %s", e.Name.Name, e.Name.Name)
		return false
	default:
		n.Next = true
	}
	return true
}

// local makes a field that belongs to a loop or a solver.
func (c *checker) local(name string, g *Grid, axes []*Axis, e ir.Elem, u Unit, at diag.Span) *Field {
	f := &Field{Name: c.uniqueLocal(name), Grid: g, Axes: axes, Elem: e, Unit: u, Scale: 1, Local: true, State: true, At: at}
	f.Init = number(0, u, at)
	c.prog.Fields = append(c.prog.Fields, f)
	return f
}

// uniqueLocal makes a name that no field has: local names contain a dot.
func (c *checker) uniqueLocal(name string) string {
	if c.locals == nil {
		c.locals = map[string]int{}
	}
	c.locals[name]++
	if k := c.locals[name]; k > 1 {
		return fmt.Sprintf("%s.%d", name, k)
	}
	return name
}

// controlName numbers the statements of a kind: loop, loop2, loop3.
func (c *checker) controlName(kind string) string {
	if c.controls == nil {
		c.controls = map[string]int{}
	}
	c.controls[kind]++
	if k := c.controls[kind]; k > 1 {
		return fmt.Sprintf("%s%d", kind, k)
	}
	return kind
}

// control checks a statement of control flow; false when s is none.
func (c *checker) control(s syntax.Stmt, bs *blockState) bool {
	switch s := s.(type) {
	case *syntax.Loop:
		c.loop(s, bs)
	case *syntax.If:
		c.choice(s, bs)
	case *syntax.Solve:
		c.solve(s, bs)
	default:
		return false
	}
	return true
}

// loop checks a loop.
func (c *checker) loop(s *syntax.Loop, bs *blockState) {
	kind := "loop"
	if sv := bs.solving(); sv != nil {
		kind = sv.name
	}
	ctl := &Control{Name: c.controlName(kind), At: s.At}
	before := c.errs.Len()
	first := c.nested(bs, &ctl.Init)
	first.first = true
	in := c.nested(bs, &ctl.Body)
	in.loop = true
	if s.Index != nil {
		ctl.Kind = CountLoop
		c.counter(s, bs, in, ctl)
	}
	for _, v := range s.Vars {
		c.loopVar(v, bs, first, in, ctl)
	}
	back := c.implicit(s, bs, first, in, ctl)
	if s.While != nil {
		ctl.Cond = c.truth(s.While, &scope{what: "the condition of this loop", form: true, block: in})
	}
	if s.Max != nil {
		ctl.Count = c.valueIn(s.Max, one(), nil, s.Max.Span(), "the largest number of iterations", &scope{host: true, what: "the largest number of iterations"})
	}
	for _, b := range s.Body.Stmts {
		c.bodyStmt(b, in)
	}
	if len(ctl.Body) == 0 && c.errs.Len() == before {
		c.errs.Errorf("WF0313", s.At, "this loop changes nothing").Suggest("give what it carries a next value, as in `x' = ..`")
	}
	at := &Assign{Kind: Controlled, Ctl: ctl, At: s.At}
	bs.add(at)
	for _, v := range s.Vars {
		if w := in.vars[v.Name.Name]; w != nil && len(w.fields) > 0 {
			bs.vars[v.Name.Name] = &carried{name: w.name, at: w.at, fields: w.fields}
		}
	}
	if s.Fail {
		c.loopFails(s, bs, in, ctl)
	}
	for _, f := range back {
		f()
	}
}

// counter declares the counter of a counted loop: a whole number of its own.
func (c *checker) counter(s *syntax.Loop, bs, in *blockState, ctl *Control) {
	host := &scope{host: true, what: "the range of a loop"}
	ctl.From = c.valueIn(s.From, one(), nil, s.From.Span(), "the start of the range", host)
	to := c.valueIn(s.To, one(), nil, s.To.Span(), "the end of the range", host)
	if lo, ok := c.eval(ctl.From); ok && lo != math.Trunc(lo) {
		c.errs.Errorf("WF0309", s.From.Span(), "a loop counts in whole numbers").Labelled("this is %s", trimFloat(lo)).Suggest("write a whole number")
	}
	if hi, ok := c.eval(to); ok && hi != math.Trunc(hi) {
		c.errs.Errorf("WF0309", s.To.Span(), "a loop counts in whole numbers").Labelled("this is %s", trimFloat(hi)).Suggest("write a whole number, or floor(..)")
	}
	ctl.Count = compute(ir.MaxOp, one(), s.At, number(0, one(), s.At), compute(ir.Sub, one(), s.At, to, ctl.From))
	v := &carried{name: s.Index.Name, at: s.Index.At}
	if c.loopName(s.Index, bs, in) {
		ctl.Counter = c.local(ctl.Name+"."+s.Index.Name, nil, nil, ir.I32, one(), s.Index.At)
		v.fields = []*Field{ctl.Counter}
	}
	in.vars[v.name] = v
}

// loopName refuses names that mean something in the whole program.
func (c *checker) loopName(id *syntax.Ident, bs, in *blockState) bool {
	s := c.names[id.Name]
	if bs.solving() != nil && in.vars[id.Name] == nil {
		return true
	}
	if s == nil && !reserved[id.Name] && id.Name != bs.block.Var && in.vars[id.Name] == nil {
		return true
	}
	d := c.errs.Errorf("WF0202", id.At, "the name %s has a meaning already", id.Name)
	switch {
	case s != nil:
		d.With(s.at, "declared here as a %s", s.what)
	case in.vars[id.Name] != nil:
		d.With(in.vars[id.Name].at, "declared here")
	}
	d.Suggest("choose another name for what the loop carries")
	return false
}

// loopVar declares one carried value and checks its first value.
func (c *checker) loopVar(v *syntax.LoopVar, bs, first, in *blockState, ctl *Control) {
	w := &carried{name: v.Name.Name, at: v.Name.At, live: true}
	defer func() { in.vars[w.name], first.vars[w.name] = w, w }()
	if !c.loopName(v.Name, bs, in) {
		return
	}
	for k, like := range c.likes(v, bs) {
		sc := &scope{what: "the first value of " + w.name, block: first, comp: k}
		if like != nil {
			sc.grid, sc.on = like.Grid, like.Axes
		} else if sc.grid = c.placeOf(v.Value, first); sc.grid == nil {
			sc.form = true
		}
		n := c.num(v.Value, sc)
		if n.invalid() {
			w.fields = nil
			return
		}
		f := c.local(ctl.Name+"."+w.name, sc.grid, nil, c.elemOf(n, like, sc.grid), n.Unit, v.Name.At)
		if len(w.fields) > 0 { // further components of one vector
			f.Name = c.uniqueLocal(fmt.Sprintf("%s.%s.%d", ctl.Name, w.name, k))
		}
		c.placeLike(f, like, sc.grid)
		switch {
		case like != nil && v.Homogeneous:
			f.BC, f.Holds = homogeneous(like.BC), homogeneousHolds(like.Holds)
		case like != nil:
			f.BC, f.Holds = like.BC, like.Holds
		case n.Op == Read && n.Field.Grid == f.Grid && plainRead(n):
			f.BC = n.Field.BC
		}
		w.fields = append(w.fields, f)
		a := &Assign{Kind: Plain, Field: f, Index: fieldVars(f), Value: n, At: v.At}
		first.assigned[f] = a
		first.add(a)
	}
}

// likes are the fields a carried value is like, one per component; a nil entry when it says none.
func (c *checker) likes(v *syntax.LoopVar, bs *blockState) []*Field {
	if v.Like == nil {
		return []*Field{nil}
	}
	if w, _, _ := bs.find(v.Like.Name); w != nil {
		return w.fields
	}
	s := c.names[v.Like.Name]
	switch {
	case s == nil:
		c.unknown(v.Like, "field", c.nameList(func(s *symbol) bool { return s.field != nil }))
	case s.field != nil:
		return []*Field{s.field}
	case s.what != "field" && s.what != "name":
		c.errs.Errorf("WF0203", v.Like.At, "%s is a %s; a value can be like a field", v.Like.Name, s.what).With(s.at, "declared here").Suggest("name a field after `like`")
	}
	return nil
}

// homogeneous are the conditions of differences of solutions: the same kinds, with zero on the right.
func homogeneous(bcs []*Condition) []*Condition {
	var out []*Condition
	for _, k := range bcs {
		h := *k
		h.Value = number(0, k.Value.Unit, k.At)
		if k.Kind == ir.Wrap {
			h.Value = k.Value
		}
		if k.FixedValue != nil {
			h.FixedValue = number(0, k.FixedValue.Unit, k.At)
		}
		h.Timed = false
		out = append(out, &h)
	}
	return out
}

// plainRead says whether a node is a field itself, at the point.
func plainRead(n *Node) bool {
	for k, s := range n.Sub {
		if s.Var == nil || s.Off != 0 || s.Mul > 1 || s.Div > 1 || s.Var.Axis != n.Field.Axes[k] {
			return false
		}
	}
	return len(n.Field.Axes) > 0
}

// elemOf is the element type of a carried value: that of the field it is like, else the widest of what its first value reads. Single
// numbers are at least f32, because sums of a grid do not fit in less.
func (c *checker) elemOf(n *Node, like *Field, g *Grid) ir.Elem {
	if like != nil {
		return like.Elem
	}
	e := ir.NoElem
	Visit(n, func(x *Node) {
		if x.Op == Read && x.Field.Elem.IsFloat() && x.Field.Elem > e {
			e = x.Field.Elem
		}
	})
	if e == ir.NoElem {
		e = c.opts.Float
	}
	if g == nil && e == ir.F16 {
		e = ir.F32
	}
	return e
}

// placeLike puts a field where another one lives, or on a grid.
func (c *checker) placeLike(f, like *Field, g *Grid) {
	switch {
	case like != nil:
		f.Grid, f.Axes, f.index, f.AtEnd = like.Grid, like.Axes, like.index, like.AtEnd
	case g != nil:
		f.Axes = g.Axes
	}
}

// fieldVars are the indices of a field's points.
func fieldVars(f *Field) []IndexVar {
	var vs []IndexVar
	for k := range f.Axes {
		vs = append(vs, f.InitIndex(k))
	}
	return vs
}

// choice checks `if`.
func (c *checker) choice(s *syntax.If, bs *blockState) {
	ctl := &Control{Kind: Choice, Name: c.controlName("if"), At: s.At}
	ctl.Cond = c.truth(s.Cond, &scope{what: "the condition of `if`", form: true, block: bs})
	before := c.errs.Len()
	branch := func(b *syntax.Block, into *[]*Assign) map[*Field]*Assign {
		in := c.nested(bs, into)
		in.once = bs.once
		for f, a := range bs.assigned {
			in.assigned[f] = a
		}
		if b != nil {
			for _, s := range b.Stmts {
				c.bodyStmt(s, in)
			}
		}
		return in.assigned
	}
	then := branch(s.Then, &ctl.Body)
	other := branch(s.Else, &ctl.Else)
	for _, m := range []map[*Field]*Assign{then, other} {
		for f, a := range m {
			if bs.assigned[f] == nil {
				bs.assigned[f] = a
			}
		}
	}
	if len(ctl.Body)+len(ctl.Else) == 0 && c.errs.Len() == before {
		c.errs.Errorf("WF0313", s.At, "this `if` changes nothing").Suggest("assign something in it, as in `T' = ..`")
	}
	bs.add(&Assign{Kind: Controlled, Ctl: ctl, At: s.At})
}

// WalkStmts calls f for every statement of a body and of the bodies inside it, in order; first values of loops come before the loop.
func WalkStmts(list []*Assign, f func(*Assign)) {
	for _, s := range list {
		if s.Ctl != nil {
			WalkStmts(s.Ctl.Init, f)
		}
		f(s)
		if s.Ctl != nil {
			WalkStmts(s.Ctl.Body, f)
			WalkStmts(s.Ctl.Else, f)
		}
	}
}
