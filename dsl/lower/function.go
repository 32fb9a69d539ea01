package lower

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// fnWriter writes one function.
type fnWriter struct {
	l       *lowerer
	f       ir.Func
	value   map[*check.Field]string // SSA names of next values (of initial values in init)
	lets    map[*check.Let]string
	letElem map[*check.Let]ir.Elem
	reduced map[*check.Node]string
	names   map[string]int
	kept    map[*check.Node]string  // lets that are values of the function
	often   map[*check.Node]bool    // lets that several operations read
	proc    *procWriter             // the procedure it is a segment of, or nil
	after   map[*check.Field]bool   // fields that stand for their next values
	stage   map[*check.Field]string // what fields stand for at a stage of a method, SSA names
	now     timeOfUse               // of lets
}

func (l *lowerer) newFunc(name string, host bool) *fnWriter {
	return &fnWriter{l: l, f: ir.Func{Name: name, Host: host}, value: map[*check.Field]string{}, lets: map[*check.Let]string{},
		letElem: map[*check.Let]ir.Elem{}, reduced: map[*check.Node]string{}, names: map[string]int{}}
}

// fresh makes an SSA name that is new in the function.
func (f *fnWriter) fresh(base string) string {
	f.names[base]++
	if k := f.names[base]; k > 1 {
		return fmt.Sprintf("%s.%d", base, k)
	}
	return base
}

func ranges(vs []check.IndexVar) []ir.Range {
	var out []ir.Range
	for _, v := range vs {
		out = append(out, ir.Range{Index: v.Name, Axis: v.Axis.IR, Lo: 0, Hi: v.Axis.N})
	}
	return out
}

func fullBox(rs []ir.Range) []ir.Interval {
	box := []ir.Interval{}
	for _, r := range rs {
		box = append(box, ir.Interval{Lo: r.Lo, Hi: r.Hi})
	}
	return box
}

// emit appends a map of one result and returns its name.
func (f *fnWriter) emit(name string, e ir.Elem, dom []ir.Range, pieces []ir.Piece, at diag.Span) string {
	name = f.fresh(name)
	f.f.Ops = append(f.f.Ops, ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: name, Elem: e}}, Dom: dom, Pieces: pieces, Pos: pos(at)})
	return name
}

// body writes one body by f.
func (f *fnWriter) body(e ir.Elem, now timeOfUse, write func(w *writer) int) ir.Body {
	w := f.l.writer(f, e)
	w.now = now
	r := write(w)
	w.b.Results = []int{r}
	return w.b
}

// pieces cuts the domain of a field for a value that write gives: fixed end nodes hold their boundary value, the rest the value. A
// corner takes the condition of the last axis that has one.
func (f *fnWriter) pieces(fd *check.Field, dom []ir.Range, fixed timeOfUse, write func(w *writer) int) []ir.Piece {
	write = f.held(fd, fixed, write)
	var faces []ir.Piece
	box := fullBox(dom)
	for k := len(fd.Axes) - 1; k >= 0; k-- {
		a := fd.Axes[k]
		for _, high := range []bool{false, true} {
			c := fd.Cond(a, high)
			if !a.Nodes || c == nil || c.Kind != ir.Value && c.Fixed == nil {
				continue
			}
			face := append([]ir.Interval(nil), box...)
			if high {
				face[k].Lo = box[k].Hi - 1
				box[k].Hi--
			} else {
				face[k].Hi = box[k].Lo + 1
				box[k].Lo++
			}
			var body ir.Body
			f.l.withTime(func() {
				body = f.body(fd.Elem, fixed, func(w *writer) int {
					if c.Fixed == nil {
						return w.cvt(w.node(c.Value, fd.Elem), fd.Elem)
					}
					where, v := w.node(c.Fixed, ir.Bool), w.cvt(w.node(c.FixedValue, fd.Elem), fd.Elem)
					w.now = timeNow
					return w.op(ir.Select, fd.Elem, where, v, w.renewed(func() int { return write(w) }))
				})
			})
			faces = append(faces, ir.Piece{Box: face, Body: body})
		}
	}
	for _, iv := range box {
		if iv.Lo >= iv.Hi {
			return faces
		}
	}
	inner := f.body(fd.Elem, timeNow, func(w *writer) int {
		w.target = fd
		return write(w)
	})
	return append([]ir.Piece{{Box: box, Body: inner}}, faces...)
}

// init writes the host function that gives every array its first value, in f64, rounded once.
func (l *lowerer) init() {
	f := l.newFunc("init", true)
	for _, fd := range l.initOrder() {
		var dom []ir.Range
		for k := range fd.Axes {
			v := fd.InitIndex(k)
			dom = append(dom, ir.Range{Index: v.Name, Axis: v.Axis.IR, Lo: 0, Hi: v.Axis.N})
		}
		if fd.File != "" && len(fd.Regions) == 0 && !fixedNodes(fd) {
			continue
		}
		ps := f.pieces(fd, dom, timeStart, func(w *writer) int { return w.cvt(w.initial(fd), fd.Elem) })
		name := f.emit(fd.Name, fd.Elem, dom, ps, fd.At)
		f.value[fd] = name
		f.f.Sets = append(f.f.Sets, ir.Set{Array: fd.Name, Value: "%" + name, Pos: pos(fd.At)})
		if fd.Second {
			f.f.Sets = append(f.f.Sets, ir.Set{Array: previous(fd), Value: "%" + name, Pos: pos(fd.At)})
		}
	}
	for _, b := range l.p.Blocks {
		if !l.timed(b) {
			continue
		}
		zero := f.body(ir.I32, timeNow, func(w *writer) int { return w.constant(ir.I32, 0) })
		name := f.emit(counter(b), ir.I32, nil, []ir.Piece{{Box: []ir.Interval{}, Body: zero}}, b.At)
		f.f.Sets = append(f.f.Sets, ir.Set{Array: counter(b), Value: "%" + name, Pos: pos(b.At)})
	}
	for _, b := range l.p.Blocks {
		l.block = b
		f.initClock(b)
	}
	l.block = nil
	l.out.Funcs = append(l.out.Funcs, f.f)
	l.out.Schedule = append(l.out.Schedule, ir.Run{Func: "init", Count: once})
}

// initOrder is the order of declaration, but fields that boundary values read come first: end nodes hold these values from the start.
func (l *lowerer) initOrder() []*check.Field {
	var out []*check.Field
	done := map[*check.Field]bool{}
	var put func(f *check.Field) // after the fields its initial value reads, which were declared before it
	put = func(f *check.Field) {
		if done[f] {
			return
		}
		done[f] = true
		deps := func(n *check.Node) {
			if n.Op == check.Read {
				put(n.Field)
			}
		}
		check.Visit(f.Init, deps)
		for _, r := range f.Regions {
			check.Visit(r.Where, deps)
			check.Visit(r.Value, deps)
		}
		out = append(out, f)
	}
	for _, f := range l.p.Fields {
		for _, h := range f.Holds {
			for _, n := range []*check.Node{h.Where, h.Value} {
				check.Visit(n, func(n *check.Node) {
					if n.Op == check.Read && n.Field != f {
						put(n.Field)
					}
				})
			}
		}
		for _, c := range f.BC {
			check.Visit(c.Value, func(n *check.Node) {
				if n.Op == check.Read && len(n.Field.BC) == 0 {
					put(n.Field)
				}
			})
		}
	}
	for _, f := range l.p.Fields {
		put(f)
	}
	return out
}

func fixedNodes(f *check.Field) bool {
	for _, c := range f.BC {
		if c.Axis.Nodes && c.Kind == ir.Value {
			return true
		}
	}
	return false
}

// initial writes the initial value: the last region that holds the point, else the expression or the file.
func (w *writer) initial(f *check.Field) int {
	e := ir.F64
	if f.Elem == ir.I32 {
		e = ir.I32
	}
	var v int
	if f.File != "" {
		r := ir.Node{Op: ir.Read, Elem: f.Elem, Name: "@" + f.Name}
		for k := range f.Axes {
			r.At = append(r.At, ir.Affine{Index: f.InitIndex(k).Name})
		}
		v = w.cvt(w.add(r), e)
	} else {
		v = w.node(f.Init, e)
	}
	for _, r := range f.Regions {
		v = w.op(ir.Select, e, w.node(r.Where, ir.Bool), w.node(r.Value, e), v)
	}
	return v
}

// function writes the device function of a block.
func (l *lowerer) function(b *check.Block, name string) {
	if controlled(b) {
		l.procedure(b, name)
		return
	}
	l.block = b
	defer func() { l.block = nil }()
	f := l.newFunc(name, false)
	if staged(b) {
		f.stages(b)
	}
	for _, s := range b.Stmts {
		if s.Kind == check.LetMap {
			f.letMap(s)
			continue
		}
		if s.Kind == check.Euler && staged(b) {
			continue
		}
		f.assign(s)
	}
	if l.timed(b) {
		f.count(b)
	}
	f.tailInside(b)
	l.out.Funcs = append(l.out.Funcs, f.f)
	if b.Once {
		l.out.Schedule = append(l.out.Schedule, ir.Run{Func: name, Count: once})
	}
}

// assign writes an assignment, or an equation of an evolve without stages.
func (f *fnWriter) assign(s *check.Assign) {
	dom := ranges(s.Index)
	ps := f.pieces(s.Field, dom, timeNext, func(w *writer) int { return w.update(s) })
	v := f.emit(s.Field.Name, s.Field.Elem, dom, ps, s.At)
	f.value[s.Field] = v
	f.f.Sets = append(f.f.Sets, ir.Set{Array: s.Field.Name, Value: "%" + v, Pos: pos(s.At)})
	if s.Kind == check.Second {
		f.f.Sets = append(f.f.Sets, ir.Set{Array: previous(s.Field), Value: "@" + s.Field.Name, Pos: pos(s.At)})
	}
}

// count counts a step.
func (f *fnWriter) count(b *check.Block) {
	next := f.body(ir.I32, timeNow, func(w *writer) int {
		n := w.add(ir.Node{Op: ir.Read, Elem: ir.I32, Name: "@" + counter(b)})
		return w.op(ir.Add, ir.I32, n, w.constant(ir.I32, 1))
	})
	v := f.emit(counter(b), ir.I32, nil, []ir.Piece{{Box: []ir.Interval{}, Body: next}}, b.At)
	f.f.Sets = append(f.f.Sets, ir.Set{Array: counter(b), Value: "%" + v, Pos: pos(b.At)})
}

func (f *fnWriter) letMap(s *check.Assign) {
	w := f.l.writer(f, f.l.p.Float)
	e := w.elemOf(w.classOf(s.Value), f.l.p.Float)
	dom := ranges(s.Index)
	body := f.body(e, f.now, func(w *writer) int { return w.node(s.Value, e) })
	f.lets[s.Let] = f.emit(s.Let.Name, e, dom, []ir.Piece{{Box: fullBox(dom), Body: body}}, s.At)
	f.letElem[s.Let] = e
}

// update writes the next value of a field.
func (w *writer) update(s *check.Assign) int {
	e := s.Field.Elem
	if s.Kind == check.Plain {
		return w.cvt(w.node(s.Value, e), e)
	}
	t := w.elemOf(w.join(elemClass[e], w.classOf(s.Value)), e)
	u := w.cvt(w.self(s, s.Field.Name), t)
	rhs := w.node(s.Value, t)
	if s.Kind == check.Euler { // T + dt*rhs
		return w.cvt(w.op(ir.Add, t, u, w.op(ir.Mul, t, w.length(w.l.block, t), rhs)), e)
	}
	// Leapfrog with steps d0 then d1 = r*d0: u' = (1 + r)*u - r*prev + d1*(d0 + d1)/2*rhs. Its error in one step is that of
	// d1*(d0 + d1)*(d1 - d0)/6 times the third derivative: second order where steps change little by little, by O(d0^2). r = 1 but in a clipped
	// last step and with cfl(..).
	prev := w.cvt(w.self(s, previous(s.Field)), t)
	dt := w.l.dt(w.l.block)
	if w.l.block.Auto {
		two := w.op(ir.Mul, t, w.constant(t, 2), u)
		sq := w.l.derived(w.l.block, "dt.sq", func(h *writer) int { return h.op(ir.Mul, ir.F64, h.scalar(dt, ir.F64), h.scalar(dt, ir.F64)) })
		return w.cvt(w.op(ir.Add, t, w.op(ir.Sub, t, two, prev), w.op(ir.Mul, t, w.scalar(sq, t), rhs)), e)
	}
	if w.l.block.Clock {
		return w.cvt(w.leapfrogOnDevice(u, prev, rhs, t), e)
	}
	full := w.l.full(w.l.block)
	r := w.l.derived(w.l.block, "dt.ratio", func(h *writer) int { return h.op(ir.Div, ir.F64, h.scalar(dt, ir.F64), h.scalar(full, ir.F64)) })
	r1 := w.l.derived(w.l.block, "dt.ratio1", func(h *writer) int { return h.op(ir.Add, ir.F64, h.constant(ir.F64, 1), h.scalar(r, ir.F64)) })
	sq := w.l.derived(w.l.block, "dt.sq", func(h *writer) int {
		sum := h.op(ir.Add, ir.F64, h.scalar(dt, ir.F64), h.scalar(full, ir.F64))
		return h.op(ir.Mul, ir.F64, h.op(ir.Mul, ir.F64, h.constant(ir.F64, 0.5), h.scalar(dt, ir.F64)), sum)
	})
	old := w.op(ir.Sub, t, w.op(ir.Mul, t, w.scalar(r1, t), u), w.op(ir.Mul, t, w.scalar(r, t), prev))
	return w.cvt(w.op(ir.Add, t, old, w.op(ir.Mul, t, w.scalar(sq, t), rhs)), e)
}

// self reads an array at the point that is assigned.
func (w *writer) self(s *check.Assign, array string) int {
	n := ir.Node{Op: ir.Read, Elem: s.Field.Elem, Name: "@" + array}
	for _, v := range s.Index {
		n.At = append(n.At, ir.Affine{Index: v.Name})
	}
	return w.add(n)
}

// start writes the function that gives second-order fields the value one step before the first, to second order:
// prev = u - dt*v + dt^2/2*rhs, with v the initial rate.
func (l *lowerer) start(b *check.Block) {
	l.block = b
	defer func() { l.block = nil }()
	name := "start"
	if b.Index > 0 {
		name = fmt.Sprintf("start%d", b.Index+1)
	}
	f := l.newFunc(name, false)
	second := false
	for _, s := range b.Stmts {
		second = second || s.Kind == check.Second
	}
	rates := l.startRates(b, f)
	if !second && !rates {
		return
	}
	first := ""
	if second && b.Dynamic { // the step before the first is as long as cfl(..) asks for at the start
		e := l.clockElem()
		first = f.single(tag(b, "before"), e, b.Step.At, func(w *writer) int { return w.cvt(w.node(b.Want, e), e) })
		f.f.Sets = append(f.f.Sets, ir.Set{Array: tag(b, "before"), Value: "%" + first, Pos: pos(b.Step.At)})
	}
	for _, s := range b.Stmts {
		if s.Kind == check.LetMap {
			f.letMap(s)
			continue
		}
		if s.Kind != check.Second {
			continue
		}
		dt := func(w *writer, t ir.Elem) int { return w.scalar(l.dt(b), t) }
		half := func(w *writer, t ir.Elem) int {
			return w.scalar(l.derived(b, "dt.half_sq", func(h *writer) int {
				x := h.scalar(l.dt(b), ir.F64)
				return h.op(ir.Mul, ir.F64, h.op(ir.Mul, ir.F64, h.constant(ir.F64, 0.5), x), x)
			}), t)
		}
		if b.Dynamic {
			dt = func(w *writer, t ir.Elem) int {
				return w.cvt(w.add(ir.Node{Op: ir.Read, Elem: l.clockElem(), Name: "%" + first}), t)
			}
			half = func(w *writer, t ir.Elem) int {
				return w.op(ir.Mul, t, w.op(ir.Mul, t, w.constant(t, 0.5), dt(w, t)), dt(w, t))
			}
		}
		dom := ranges(s.Index)
		ps := f.pieces(s.Field, dom, timeStart, func(w *writer) int {
			e := s.Field.Elem
			t := w.elemOf(w.join(elemClass[e], w.classOf(s.Value)), e)
			v := w.cvt(w.self(s, s.Field.Name), t)
			if s.Field.Rate != nil {
				v = w.op(ir.Sub, t, v, w.op(ir.Mul, t, dt(w, t), w.node(s.Field.Rate, t)))
			}
			return w.cvt(w.op(ir.Add, t, v, w.op(ir.Mul, t, half(w, t), w.node(s.Value, t))), e)
		})
		v := f.emit(previous(s.Field), s.Field.Elem, dom, ps, s.At)
		f.f.Sets = append(f.f.Sets, ir.Set{Array: previous(s.Field), Value: "%" + v, Pos: pos(s.At)})
	}
	l.out.Funcs = append(l.out.Funcs, f.f)
	l.out.Schedule = append(l.out.Schedule, ir.Run{Func: name, Count: once})
}

// reduction writes a reduce before the operation being written and reads its result.
func (w *writer) reduction(n *check.Node, t ir.Elem) int {
	if w.fn.proc != nil && w.fn.proc.inv[n] != "" {
		a := w.l.out.Array(w.fn.proc.inv[n])
		return w.cvt(w.add(ir.Node{Op: ir.Read, Name: "@" + a.Name, Elem: a.Elem}), t)
	}
	name, ok := w.fn.reduced[n]
	if !ok {
		dom, over := ranges(n.Free()), ranges(n.Over)
		for i, t := range n.Trim {
			over[i].Lo, over[i].Hi = over[i].Lo+t[0], over[i].Hi-t[1]
		}
		body := w.fn.body(t, w.now, func(w *writer) int { return w.node(n.Args[0], t) })
		op := ir.Op{Kind: ir.Reduce, Dom: dom, Over: over, Comb: n.Comb, Pos: pos(n.At),
			Pieces: []ir.Piece{{Box: append(fullBox(dom), fullBox(over)...), Body: body}}}
		// A contraction is fma in ascending index order; other reductions take the order that is independent of threads.
		op.Order.Kind = ir.Canon
		if n.Comb == ir.Sum && !n.Rounded && t.IsFloat() && body.Nodes[body.Results[0]].Op == ir.Mul {
			op.FMA, op.Order.Kind = true, ir.Seq
		}
		name = w.fn.fresh(n.Comb.String())
		op.Results = []ir.Result{{Name: name, Elem: t}}
		w.fn.f.Ops = append(w.fn.f.Ops, op)
		w.fn.reduced[n] = name
	}
	r := ir.Node{Op: ir.Read, Name: "%" + name, Elem: t}
	for _, v := range n.Free() {
		r.At = append(r.At, ir.Affine{Index: v.Name})
	}
	return w.add(r)
}
