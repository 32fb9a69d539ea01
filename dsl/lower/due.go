package lower

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// What outputs and probes want every so much time T is due at the first step at or after each multiple of T. A program that keeps its own time
// finds these steps by itself, so that it need not wait for the host. It holds, for the k-th interval,
//
//	step.every<k>   P, a little less than T, see ir.Clock.Interval; infinity when nobody looks
//	step.seen<k>    the multiples of P that the time has reached
//	step.due<k>     whether one was reached since
//
// and step.next, the first multiple that is not reached. Each step compares the time with that and sets step.stop; step.outputs, called then, sets
// these, and step.on, which says that nothing else stops the launch.

// intervals lists the host scalars of the intervals of time at which something is wanted.
func (l *lowerer) intervals() []string {
	if l.wanted != nil {
		return l.wanted
	}
	l.wanted = []string{}
	add := func(n *check.Node) {
		if n == nil {
			return
		}
		name := l.hostScalar(n)
		for _, x := range l.wanted {
			if x == name {
				return
			}
		}
		l.wanted = append(l.wanted, name)
	}
	for _, o := range l.p.Outputs {
		add(o.Seconds)
	}
	for _, p := range l.p.Probes {
		add(p.Seconds)
	}
	return l.wanted
}

// nth names the array of the k-th interval.
func nth(b *check.Block, name string, k int) string { return tag(b, fmt.Sprint(name, k+1)) }

// clock describes the time of a block to the host.
func (l *lowerer) clock(b *check.Block) *ir.Clock {
	c := &ir.Clock{Now: []string{tag(b, "t"), tag(b, "tl")}, Done: tag(b, "done")}
	for k, s := range l.intervals() {
		c.Next, c.On = tag(b, "next"), tag(b, "on")
		c.Due = append(c.Due, ir.Due{Seconds: s, Flag: nth(b, "due", k), Every: nth(b, "every", k)})
	}
	return c
}

// dueArrays lists the arrays with their values at the start.
func (l *lowerer) dueArrays(b *check.Block) (list []hidden) {
	e := l.clockElem()
	all := l.intervals()
	if len(all) == 0 {
		return nil
	}
	// In the function of initial values, in f64 but for what must be compared in the type of times.
	every := func(s string) func(w *writer) int {
		return func(w *writer) int {
			T := w.s(s)
			return w.cvt(w.op(ir.Sub, ir.F64, T, w.op(ir.Mul, ir.F64, w.constant(ir.F64, slackOf(e)), T)), e)
		}
	}
	seen := func(s string) func(w *writer) int {
		return func(w *writer) int {
			return w.op(ir.Floor, e, w.op(ir.Div, e, w.cvt(w.s(l.from(b)), e), every(s)(w)))
		}
	}
	for k, s := range all {
		list = append(list, hidden{nth(b, "every", k), e, every(s)}, hidden{nth(b, "seen", k), e, seen(s)},
			hidden{nth(b, "due", k), ir.I32, func(w *writer) int { return w.constant(ir.I32, 0) }})
	}
	next := func(w *writer) int {
		return earliest(w, e, len(all), func(k int) int {
			return w.op(ir.Mul, e, w.op(ir.Add, e, seen(all[k])(w), w.constant(e, 1)), every(all[k])(w))
		})
	}
	return append(list, hidden{tag(b, "next"), e, next}, hidden{tag(b, "on"), ir.I32, func(w *writer) int { return w.constant(ir.I32, 0) }})
}

// slackOf is the part of an interval by which ir.Clock.Interval is less than it.
func slackOf(e ir.Elem) float64 { return 1 - (&ir.Clock{}).Interval(e, 1) }

// earliest is the least of n times.
func earliest(w *writer, e ir.Elem, n int, at func(k int) int) int {
	x := at(0)
	for k := 1; k < n; k++ {
		x = w.op(ir.MinOp, e, x, at(k))
	}
	return x
}

// due writes the function that says what is due. failed names the flag of what failed within the step, "" for none.
func (l *lowerer) due(b *check.Block, name, failed string) {
	f := l.newFunc(name, false)
	e := l.clockElem()
	all := l.intervals()
	reached := make([]string, len(all))
	for k := range all {
		reached[k] = f.single(nth(b, "seen", k), e, b.At, func(w *writer) int {
			now := w.op(ir.Add, e, w.array0(tag(b, "t"), e), w.array0(tag(b, "tl"), e))
			return w.op(ir.Floor, e, w.op(ir.Div, e, now, w.array0(nth(b, "every", k), e)))
		})
		f.setScalar(nth(b, "due", k), b.At, func(w *writer) int {
			return w.flag(w.op(ir.Lt, ir.Bool, w.array0(nth(b, "seen", k), e), w.add(ir.Node{Op: ir.Read, Elem: e, Name: "%" + reached[k]})))
		})
	}
	f.setScalar(tag(b, "next"), b.At, func(w *writer) int {
		return earliest(w, e, len(all), func(k int) int {
			m := w.op(ir.Add, e, w.add(ir.Node{Op: ir.Read, Elem: e, Name: "%" + reached[k]}), w.constant(e, 1))
			return w.op(ir.Mul, e, m, w.array0(nth(b, "every", k), e))
		})
	})
	for k := range all {
		f.f.Sets = append(f.f.Sets, ir.Set{Array: nth(b, "seen", k), Value: "%" + reached[k], Pos: pos(b.At)})
	}
	f.setScalar(tag(b, "on"), b.At, func(w *writer) int {
		x := w.op(ir.Or, ir.Bool, w.isSet(tag(b, "done")), w.isSet(tag(b, "bad")))
		if failed != "" {
			x = w.op(ir.Or, ir.Bool, x, w.isSet(failed))
		}
		return w.flag(w.op(ir.Not, ir.Bool, x))
	})
	l.out.Funcs = append(l.out.Funcs, f.f)
}
