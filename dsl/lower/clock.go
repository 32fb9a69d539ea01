package lower

import (
	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// An evolve that decides while it runs how long its steps are, or when it ends, is a procedure around the function (or procedure) of one
// step, which is called step.body then:
//
//	if step.due { call step.cfl }         the step that cfl(..) asks for, every so many steps; each step head computes it
//	call step.head                        the length of this step, clipped at the end
//	call step.body
//	call step.tail                        the time after it, whether to stop; part of body where it can be
//	if step.look { call step.steady }     how far the fields moved since the last look
//	if step.stop { call step.outputs }    what outputs and probes want every so much time, and when next; see due.go
//
// Its state is in single numbers that every PE holds:
//
//	step.t step.tl   time as a compensated pair          step.h        length of this step
//	step.want        step asked for                      step.before   length of the step before
//	step.end         this step reaches the end           step.next     when something is wanted
//	step.done        the run is over                     step.stop     the launch is over
//	step.bad         no step is possible                 step.ok, step.factor, step.rejected   of error control
//
// head, tail and, for steps whose length is known, step.h belong to programs that keep the time themselves (check.Stepping.Clock); the
// others have the time the host computes, t0 + n*dt.

// wrapped says whether a block has a procedure around its steps.
func wrapped(b *check.Block) bool {
	return !b.Once && (b.Clock || b.Until != nil || len(b.Steady) > 0)
}

// most bounds the steps of an evolve without a known count.
const most = 1 << 30

// hidden is an array of a single number with its first value.
type hidden struct {
	name string
	elem ir.Elem
	init func(w *writer) int // in f64 for floats
}

// clockElem is the type of times on the device.
func (l *lowerer) clockElem() ir.Elem {
	if l.p.Float == ir.F64 {
		return ir.F64
	}
	return ir.F32
}

// clockArrays lists the single numbers of a block.
func (l *lowerer) clockArrays(b *check.Block) []hidden {
	if !wrapped(b) {
		return nil
	}
	e := l.clockElem()
	number := func(v float64) func(w *writer) int {
		return func(w *writer) int { return w.constant(ir.F64, v) }
	}
	whole := func(v int) func(w *writer) int {
		return func(w *writer) int { return w.constant(ir.I32, float64(v)) }
	}
	from := func(w *writer) int { return w.s(l.from(b)) }
	list := []hidden{{tag(b, "stop"), ir.I32, whole(0)}}
	if b.Clock {
		low := func(w *writer) int {
			return w.op(ir.Sub, ir.F64, from(w), w.op(ir.Cvt, ir.F64, w.op(ir.Cvt, e, from(w))))
		}
		first := number(0)
		switch {
		case b.First != nil:
			first = func(w *writer) int { return w.node(b.First, ir.F64) }
		case b.Tol != nil && !b.Open:
			first = func(w *writer) int {
				return w.op(ir.Mul, ir.F64, w.constant(ir.F64, 1e-3), w.op(ir.Sub, ir.F64, w.s(tag(b, "t1")), from(w)))
			}
		case b.Tol != nil:
			first = number(1e-3)
		}
		list = append(list, hidden{tag(b, "t"), e, from}, hidden{tag(b, "tl"), e, low}, hidden{tag(b, "h"), e, first}, hidden{tag(b, "want"), e, first},
			hidden{tag(b, "before"), e, number(1)}, hidden{tag(b, "end"), ir.I32, whole(0)},
			hidden{tag(b, "done"), ir.I32, whole(0)}, hidden{tag(b, "bad"), ir.I32, whole(0)})
		list = append(list, l.dueArrays(b)...)
		if b.Want != nil && b.Every > 1 {
			list = append(list, hidden{tag(b, "due"), ir.I32, whole(1)}, hidden{tag(b, "wait"), ir.I32, whole(b.Every)})
		}
		if b.Tol != nil {
			list = append(list, hidden{tag(b, "ok"), ir.I32, whole(1)}, hidden{tag(b, "factor"), e, number(1)}, hidden{tag(b, "rejected"), ir.I32, whole(0)})
		}
	}
	if len(b.Steady) > 0 {
		list = append(list, hidden{tag(b, "look"), ir.I32, whole(0)}, hidden{tag(b, "left"), ir.I32, whole(b.SteadyEvery)})
		if b.Clock {
			list = append(list, hidden{tag(b, "looked"), e, from})
		}
	}
	return list
}

// steadyOld names the array with the values of a field at the last look.
func steadyOld(f *check.Field) string { return f.Name + ".steady" }

// declareClock adds the arrays of a block to the program.
func (l *lowerer) declareClock(b *check.Block) {
	for _, h := range l.clockArrays(b) {
		l.out.Arrays = append(l.out.Arrays, ir.Array{Name: h.name, Elem: h.elem, Local: true, Pos: pos(b.At)})
	}
	if b.Once {
		return
	}
	for _, f := range b.Steady {
		a := ir.Array{Name: steadyOld(f), Elem: f.Elem, Local: true, Pos: pos(b.At)}
		for _, x := range f.Axes {
			a.Axes = append(a.Axes, x.IR)
		}
		l.out.Arrays = append(l.out.Arrays, a)
	}
}

// initClock gives them their first values.
func (f *fnWriter) initClock(b *check.Block) {
	for _, h := range f.l.clockArrays(b) {
		f.setScalar(h.name, b.At, func(w *writer) int { return w.cvt(h.init(w), h.elem) })
	}
	if b.Once {
		return
	}
	for _, fd := range b.Steady {
		v := "@" + fd.Name
		if x, ok := f.value[fd]; ok {
			v = "%" + x
		}
		f.f.Sets = append(f.f.Sets, ir.Set{Array: steadyOld(fd), Value: v, Pos: pos(b.At)})
	}
}

// single makes a value without axes.
func (f *fnWriter) single(name string, e ir.Elem, at diag.Span, write func(w *writer) int) string {
	return f.emit(name, e, nil, []ir.Piece{{Box: []ir.Interval{}, Body: f.body(e, timeNow, write)}}, at)
}

// array0 reads a single number.
func (w *writer) array0(name string, e ir.Elem) int {
	return w.add(ir.Node{Op: ir.Read, Elem: e, Name: "@" + name})
}

// flag is a whole number 1 or 0.
func (w *writer) flag(cond int) int {
	return w.op(ir.Select, ir.I32, cond, w.constant(ir.I32, 1), w.constant(ir.I32, 0))
}

// isSet reads a whole number as a truth value.
func (w *writer) isSet(name string) int {
	return w.op(ir.Ne, ir.Bool, w.array0(name, ir.I32), w.constant(ir.I32, 0))
}

// length is the length of this step in type t.
func (w *writer) length(b *check.Block, t ir.Elem) int {
	if b.Clock {
		return w.cvt(w.array0(tag(b, "h"), w.l.clockElem()), t)
	}
	return w.scalar(w.l.dt(b), t)
}

// clockTime is the time of use on the program's own clock.
func (w *writer) clockTime(b *check.Block, e ir.Elem) int {
	t := w.cvt(w.array0(tag(b, "t"), w.l.clockElem()), e)
	switch {
	case w.now == timeNext:
		t = w.op(ir.Add, e, t, w.length(b, e))
	case w.now >= timeStage && b.By.C[w.now-timeStage] != 0:
		t = w.op(ir.Add, e, t, w.part(b, b.By.C[w.now-timeStage], e))
	}
	return t
}

// wrap writes the procedure around the steps of a block, whose function is body.
func (l *lowerer) wrap(b *check.Block, name, body string) {
	l.block = b
	defer func() { l.block = nil }()
	at := pos(b.At)
	call := func(f string) ir.Stmt { return ir.Stmt{Kind: ir.Call, Func: f, Pos: at} }
	var out []ir.Stmt
	failed := ""
	if q := l.out.Proc(body); q != nil {
		failed, q.Until = q.Until, ""
	}
	if b.Want != nil && b.Every > 1 {
		l.cfl(b, tag(b, "cfl"))
		out = append(out, ir.Stmt{Kind: ir.If, Cond: tag(b, "due"), Body: []ir.Stmt{call(tag(b, "cfl"))}, Pos: at})
	}
	if b.Clock {
		l.head(b, tag(b, "head"))
		out = append(out, call(tag(b, "head")))
	}
	out = append(out, call(body))
	if l.out.Proc(body) != nil || b.Tol != nil {
		f := l.newFunc(tag(b, "tail"), false)
		f.tail(b, failed)
		l.out.Funcs = append(l.out.Funcs, f.f)
		out = append(out, call(tag(b, "tail")))
	}
	if len(b.Steady) > 0 {
		l.steady(b, tag(b, "steady"))
		out = append(out, ir.Stmt{Kind: ir.If, Cond: tag(b, "look"), Body: []ir.Stmt{call(tag(b, "steady"))}, Pos: at})
	}
	if b.Clock && len(l.intervals()) > 0 {
		l.due(b, tag(b, "outputs"), failed)
		out = append(out, ir.Stmt{Kind: ir.If, Cond: tag(b, "stop"), Body: []ir.Stmt{call(tag(b, "outputs"))}, Pos: at})
	}
	until := tag(b, "stop")
	if endsItself(b) && l.out.Proc(body) == nil {
		until = b.Ended.Name
	}
	l.out.Procs = append(l.out.Procs, ir.Proc{Name: name, Body: out, Until: until, Pos: at})
	if b.Clock {
		l.noStep(b)
	}
}

// endsItself says that the condition of `until` alone ends a launch.
func endsItself(b *check.Block) bool { return b.Until != nil && !b.Clock && len(b.Steady) == 0 }

// tailInside writes the end of a step into the function of the step, where there is one and nothing hinders it: a call costs time.
func (f *fnWriter) tailInside(b *check.Block) {
	if wrapped(b) && b.Tol == nil && !endsItself(b) {
		f.tail(b, "")
	}
}
