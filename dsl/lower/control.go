package lower

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Blocks with control flow become procedures. A run of assignments without control between them is one function, a segment; what goes
// from segment to segment are arrays. Within an iteration of a body the old value of a field must last until its last reader: where a
// later segment than the assigning one reads it, the next value waits in an array of its own (T.next) until the body ends.

// procWriter writes the procedure of a block.
type procWriter struct {
	l       *lowerer
	b       *check.Block
	name    string
	n       int       // segments so far
	f       *fnWriter // the segment being written, nil when there is none
	out     []ir.Stmt
	store   map[*check.Field]string // arrays with the next values earlier segments assigned
	shadow  map[*check.Field]bool   // fields whose next values wait
	inv     map[*check.Node]string  // reductions that a loop does not change: array
	written map[string]bool         // arrays declared here
}

// controlled says whether a block needs a procedure.
func controlled(b *check.Block) bool {
	for _, s := range b.Stmts {
		if s.Kind == check.Controlled {
			return true
		}
	}
	return false
}

// procedure writes the procedure of a block.
func (l *lowerer) procedure(b *check.Block, name string) {
	l.block = b
	defer func() { l.block = nil }()
	p := &procWriter{l: l, b: b, name: name, store: map[*check.Field]string{}, shadow: map[*check.Field]bool{}, inv: map[*check.Node]string{},
		written: map[string]bool{}}
	body := p.body(b.Stmts, func() {
		if staged(b) {
			p.seg().stages(b)
		}
	}, func() {
		if l.timed(b) {
			p.seg().count(b)
		}
	})
	until := p.until(&body)
	l.out.Procs = append(l.out.Procs, ir.Proc{Name: name, Body: body, Until: until, Pos: pos(b.At)})
	if b.Once {
		l.out.Schedule = append(l.out.Schedule, ir.Run{Func: name, Count: once})
	}
}

// until names the array that ends a launch early: some loop has failed.
func (p *procWriter) until(body *[]ir.Stmt) string {
	switch len(p.b.Stops) {
	case 0:
		return ""
	case 1:
		return p.b.Stops[0].Name
	}
	stop := p.array(p.name+".stop", ir.I32, nil, nil)
	p.out = *body
	f := p.seg()
	f.setScalar(stop, p.b.At, func(w *writer) int {
		x := -1
		for _, fd := range p.b.Stops {
			r := w.add(ir.Node{Op: ir.Read, Elem: ir.I32, Name: "@" + fd.Name})
			if x < 0 {
				x = r
			} else {
				x = w.op(ir.MaxOp, ir.I32, x, r)
			}
		}
		return x
	})
	p.close()
	*body, p.out = p.out, nil
	return stop
}

// seg is the segment being written.
func (p *procWriter) seg() *fnWriter {
	if p.f == nil {
		p.n++
		p.f = p.l.newFunc(fmt.Sprintf("%s.%d", p.name, p.n), false)
		p.f.proc = p
	}
	return p.f
}

// close ends the segment: the procedure calls it.
func (p *procWriter) close() {
	if p.f == nil {
		return
	}
	f := p.f
	p.f = nil
	if len(f.f.Sets) == 0 {
		return
	}
	p.l.out.Funcs = append(p.l.out.Funcs, f.f)
	p.out = append(p.out, ir.Stmt{Kind: ir.Call, Func: f.f.Name, Pos: pos(p.b.At)})
}

// array declares a local array once.
func (p *procWriter) array(name string, e ir.Elem, axes []string, bc []ir.Boundary) string {
	if !p.written[name] {
		p.written[name] = true
		p.l.out.Arrays = append(p.l.out.Arrays, ir.Array{Name: name, Elem: e, Axes: axes, Local: true, BC: bc, Pos: pos(p.b.At)})
	}
	return name
}

// body writes the statements of a body; before and after add to its first and last segment.
func (p *procWriter) body(list []*check.Assign, before, after func()) []ir.Stmt {
	saved := p.out
	p.out = nil
	own := owned(list)
	p.plan(list, own)
	if before != nil {
		before()
	}
	p.stmts(list)
	for _, f := range own {
		if p.shadow[f] {
			p.seg().f.Sets = append(p.seg().f.Sets, ir.Set{Array: f.Name, Value: "@" + p.store[f], Pos: pos(f.At)})
		}
	}
	if after != nil {
		after()
	}
	p.close()
	out := p.out
	p.out = saved
	for _, f := range own {
		delete(p.store, f)
		delete(p.shadow, f)
	}
	return out
}

// owned lists the fields a body assigns, its branches included, in order.
func owned(list []*check.Assign) []*check.Field {
	var out []*check.Field
	seen := map[*check.Field]bool{}
	var walk func(list []*check.Assign)
	walk = func(list []*check.Assign) {
		for _, s := range list {
			if s.Field != nil && !seen[s.Field] {
				seen[s.Field] = true
				out = append(out, s.Field)
			}
			if s.Ctl != nil && s.Ctl.Kind == check.Choice {
				walk(s.Ctl.Body)
				walk(s.Ctl.Else)
			}
		}
	}
	walk(list)
	return out
}

// plan finds the fields whose old value is read in a later segment than the first that assigns them.
func (p *procWriter) plan(list []*check.Assign, own []*check.Field) {
	first := map[*check.Field]int{}
	lastRead := map[*check.Field]int{}
	seg := 0
	read := func(n *check.Node) {
		visitThroughLets(n, func(x *check.Node) {
			if x.Op == check.Read && !x.Next {
				lastRead[x.Field] = seg
				for _, c := range x.Field.BC { // its conditions read fields too
					check.Visit(c.Value, func(y *check.Node) {
						if y.Op == check.Read {
							lastRead[y.Field] = seg
						}
					})
				}
			}
		})
	}
	var walk func(list []*check.Assign)
	walk = func(list []*check.Assign) {
		for _, s := range list {
			if s.Ctl == nil {
				read(s.Value)
				if s.Field != nil {
					if s.Kind == check.Euler || s.Kind == check.Second {
						lastRead[s.Field] = seg
					}
					if _, ok := first[s.Field]; !ok {
						first[s.Field] = seg
					}
				}
				continue
			}
			walk(s.Ctl.Init)
			read(s.Ctl.Cond)
			seg++
			walk(s.Ctl.Body)
			read(s.Ctl.Cond)
			seg++
			walk(s.Ctl.Else)
			seg++
		}
	}
	walk(list)
	for _, f := range own {
		if last, ok := lastRead[f]; ok && last > first[f] {
			p.shadow[f] = true
		}
	}
}

// visitThroughLets visits an expression and the lets with indices it reads.
func visitThroughLets(n *check.Node, f func(*check.Node)) {
	check.Visit(n, func(x *check.Node) {
		f(x)
		if x.Op == check.LetRead && x.Let.Def != nil {
			visitThroughLets(x.Let.Def.Value, f)
		}
	})
}

// next names the array that gets the next value of a field.
func (p *procWriter) next(f *check.Field) string {
	if !p.shadow[f] {
		return f.Name
	}
	a := p.l.out.Array(f.Name)
	return p.array(f.Name+".next", a.Elem, a.Axes, a.BC)
}

func (p *procWriter) stmts(list []*check.Assign) {
	for i, s := range list {
		if s.Ctl == nil && (i == 0 || list[i-1].Ctl != nil) {
			p.seg().countLets(list[i:])
		}
		switch {
		case s.Ctl == nil:
			p.assign(s)
		case s.Ctl.Kind == check.Choice:
			p.choice(s.Ctl)
		default:
			p.loop(s.Ctl)
		}
	}
}

// assign writes one assignment into the segment.
func (p *procWriter) assign(s *check.Assign) {
	if s.Kind == check.LetMap || s.Kind == check.Euler && staged(p.b) {
		return // a let is written where it is read
	}
	f := p.seg()
	f.assign(s)
	if to := p.next(s.Field); to != s.Field.Name {
		for i := range f.f.Sets {
			if f.f.Sets[i].Array == s.Field.Name {
				f.f.Sets[i].Array = to
			}
		}
	}
	p.store[s.Field] = p.next(s.Field)
}

// choice writes an `if`.
func (p *procWriter) choice(c *check.Control) {
	cond := p.array(c.Name+".cond", ir.I32, nil, nil)
	f := p.seg()
	f.condition(cond, c.Cond, c.At)
	for _, fd := range owned([]*check.Assign{{Ctl: c}}) {
		if _, ok := p.store[fd]; p.shadow[fd] && !ok { // a branch that does not assign it carries it over
			f.f.Sets = append(f.f.Sets, ir.Set{Array: p.next(fd), Value: "@" + fd.Name, Pos: pos(c.At)})
		}
	}
	p.close()
	st := ir.Stmt{Kind: ir.If, Cond: cond, Pos: pos(c.At)}
	before := copyStore(p.store)
	st.Body = p.branch(c.Body)
	after := p.store
	p.store = copyStore(before)
	st.Else = p.branch(c.Else)
	for fd, a := range after {
		p.store[fd] = a
	}
	p.out = append(p.out, st)
}

func copyStore(m map[*check.Field]string) map[*check.Field]string {
	out := make(map[*check.Field]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func (p *procWriter) branch(list []*check.Assign) []ir.Stmt {
	saved := p.out
	p.out = nil
	p.stmts(list)
	p.close()
	out := p.out
	p.out = saved
	return out
}

// loop writes a loop.
func (p *procWriter) loop(c *check.Control) {
	for _, s := range c.Init {
		p.seg().assign(s)
	}
	st := ir.Stmt{Kind: ir.While, Pos: pos(c.At)}
	if c.Kind == check.CountLoop {
		st.Kind = ir.Loop
	}
	if c.Count != nil {
		st.Count = p.l.hostScalar(c.Count)
	}
	own := owned(c.Body)
	if c.Cond != nil {
		st.Cond = p.array(c.Name+".cond", ir.I32, nil, nil)
		p.invariants(c, own)
		p.conditionAfter(st.Cond, c, own)
	}
	counts := c.Counter != nil && reads(c.Body, c.Counter)
	if counts {
		p.seg().setScalar(c.Counter.Name, c.At, func(w *writer) int { return w.cvt(w.node(c.From, ir.I32), ir.I32) })
	}
	p.close()
	st.Body = p.body(c.Body, nil, func() {
		if counts {
			p.seg().setScalar(c.Counter.Name, c.At, func(w *writer) int {
				k := w.add(ir.Node{Op: ir.Read, Elem: ir.I32, Name: "@" + c.Counter.Name})
				return w.op(ir.Add, ir.I32, k, w.constant(ir.I32, 1))
			})
		}
		if c.Cond != nil {
			p.conditionAfter(st.Cond, c, own)
		}
	})
	p.out = append(p.out, st)
}

// conditionAfter writes the condition of a loop with what it carries as it is after the first values, or after the body.
func (p *procWriter) conditionAfter(array string, c *check.Control, own []*check.Field) {
	f := p.seg()
	f.after = map[*check.Field]bool{}
	for _, fd := range own {
		f.after[fd] = true
	}
	for _, s := range c.Init {
		f.after[s.Field] = true
	}
	f.condition(array, c.Cond, c.At)
	f.after = nil
}

// reads says whether a body reads a field.
func reads(list []*check.Assign, f *check.Field) bool {
	found := false
	look := func(n *check.Node) {
		visitThroughLets(n, func(x *check.Node) { found = found || x.Op == check.Read && x.Field == f })
	}
	check.WalkStmts(list, func(s *check.Assign) {
		look(s.Value)
		if s.Ctl != nil {
			look(s.Ctl.Cond)
		}
	})
	return found
}

// invariants computes the reductions of a loop's condition that the loop does not change, once before it.
func (p *procWriter) invariants(c *check.Control, own []*check.Field) {
	changes := map[*check.Field]bool{}
	for _, f := range own {
		changes[f] = true
	}
	k := 0
	check.Visit(c.Cond, func(n *check.Node) {
		if n.Op != check.Reduce || len(n.Free()) > 0 || p.inv[n] != "" {
			return
		}
		still := true
		visitThroughLets(n, func(x *check.Node) {
			still = still && !(x.Op == check.Read && changes[x.Field]) && x.Op != check.LetRead
		})
		if !still {
			return
		}
		k++
		f := p.seg()
		f.after = map[*check.Field]bool{} // first values of what the loop carries and does not change
		for _, s := range c.Init {
			f.after[s.Field] = true
		}
		w := p.l.writer(f, p.l.p.Float)
		e := w.elemOf(w.classOf(n), p.l.p.Float)
		name := p.array(fmt.Sprintf("%s.inv%d", c.Name, k), e, nil, nil)
		f.setScalar(name, n.At, func(w *writer) int { return w.node(n, e) })
		f.after = nil
		p.inv[n] = name
	})
}

// setScalar sets an array without axes.
func (f *fnWriter) setScalar(array string, at diag.Span, write func(*writer) int) {
	e := f.l.out.Array(array).Elem
	body := f.body(e, timeNow, write)
	v := f.emit(array, e, nil, []ir.Piece{{Box: []ir.Interval{}, Body: body}}, at)
	f.f.Sets = append(f.f.Sets, ir.Set{Array: array, Value: "%" + v, Pos: pos(at)})
}

// condition sets an array to 1 where a condition holds, else to 0.
func (f *fnWriter) condition(array string, n *check.Node, at diag.Span) {
	f.setScalar(array, at, func(w *writer) int {
		return w.op(ir.Select, ir.I32, w.node(n, ir.Bool), w.constant(ir.I32, 1), w.constant(ir.I32, 0))
	})
}

// failures hands the failures of the program on.
func (l *lowerer) failures() {
	for _, x := range l.p.Failures {
		f := ir.Failure{Array: x.Flag.Name, Code: x.Code, Message: x.Message, Pos: pos(x.At)}
		if x.History != nil {
			f.History = x.History.Name
		}
		if x.Entries != nil {
			f.Entries = x.Entries.Name
		}
		l.out.Failures = append(l.out.Failures, f)
	}
}
