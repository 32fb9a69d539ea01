package lower

import (
	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// Time scalars of an evolve, all computed at load so that value parameters act on them:
//
//	step.t0     start                       step.t1      end
//	step.limit  largest stable step         step.count   whole steps
//	step.full   length of a whole step      step.dt      length of this step: step.full, but in the clipped last one
//	step.rest   length of the clipped step  step.clip    1 when there is one, else 0
//
// With `auto` the interval is divided evenly into ceil(interval/(safety*limit)) steps and nothing is clipped. A rest below a
// billionth of a step is rounding and makes no step of its own.
func tag(b *check.Block, name string) string { return numbered("step", b.Index) + "." + name }

func (l *lowerer) dt(b *check.Block) string   { return tag(b, "dt") }
func (l *lowerer) full(b *check.Block) string { return tag(b, "full") }
func (l *lowerer) from(b *check.Block) string { return tag(b, "t0") }

const roundoff = 1e-9

// derived returns the host scalar step.name, defining it by f at first use.
func (l *lowerer) derived(b *check.Block, name string, f func(*writer) int) string {
	full := tag(b, name)
	for i := range l.out.Host {
		if l.out.Host[i].Name == full {
			return full
		}
	}
	return l.define(full, f)
}

func (l *lowerer) timeScalars(b *check.Block) {
	l.define(l.from(b), func(w *writer) int { return w.node(b.From, ir.F64) })
	if b.Open || b.Clock {
		l.openScalars(b)
		return
	}
	l.define(tag(b, "t1"), func(w *writer) int { return w.node(b.To, ir.F64) })
	span := func(w *writer) int { return w.op(ir.Sub, ir.F64, w.s(tag(b, "t1")), w.s(l.from(b))) }
	if b.Count {
		l.define(tag(b, "count"), func(w *writer) int { return w.op(ir.MaxOp, ir.F64, w.constant(ir.F64, 0), span(w)) })
		return
	}
	if b.Limit != nil {
		l.define(tag(b, "limit"), func(w *writer) int { return w.node(b.Limit, ir.F64) })
	}
	if b.Auto {
		l.define(tag(b, "count"), func(w *writer) int {
			dt := w.op(ir.Mul, ir.F64, w.node(b.Step, ir.F64), w.s(tag(b, "limit")))
			n := w.op(ir.Sub, ir.F64, w.op(ir.Div, ir.F64, span(w), dt), w.constant(ir.F64, roundoff))
			return w.op(ir.MaxOp, ir.F64, w.constant(ir.F64, 1), w.op(ir.Ceil, ir.F64, n))
		})
		l.define(l.full(b), func(w *writer) int { return w.op(ir.Div, ir.F64, span(w), w.s(tag(b, "count"))) })
		l.define(l.dt(b), func(w *writer) int { return w.s(l.full(b)) })
		return
	}
	l.define(l.full(b), func(w *writer) int { return w.node(b.Step, ir.F64) })
	l.define(l.dt(b), func(w *writer) int { return w.s(l.full(b)) })
	l.define(tag(b, "count"), func(w *writer) int {
		n := w.op(ir.Add, ir.F64, w.op(ir.Div, ir.F64, span(w), w.s(l.full(b))), w.constant(ir.F64, roundoff))
		return w.op(ir.Floor, ir.F64, n)
	})
	l.define(tag(b, "t2"), func(w *writer) int {
		return w.op(ir.Add, ir.F64, w.s(l.from(b)), w.op(ir.Mul, ir.F64, w.s(tag(b, "count")), w.s(l.full(b))))
	})
	l.define(tag(b, "rest"), func(w *writer) int { return w.op(ir.Sub, ir.F64, w.s(tag(b, "t1")), w.s(tag(b, "t2"))) })
	l.define(tag(b, "clip"), func(w *writer) int {
		small := w.op(ir.Mul, ir.F64, w.constant(ir.F64, roundoff), w.s(l.full(b)))
		some := w.op(ir.Lt, ir.Bool, small, w.s(tag(b, "rest")))
		return w.op(ir.Select, ir.F64, some, w.constant(ir.F64, 1), w.constant(ir.F64, 0))
	})
	l.holdLimit(b)
}

// openScalars are those of an evolve whose count of steps is not known: there is no end, or the program keeps the time.
func (l *lowerer) openScalars(b *check.Block) {
	if !b.Open {
		l.define(tag(b, "t1"), func(w *writer) int { return w.node(b.To, ir.F64) })
	}
	l.define(tag(b, "count"), func(w *writer) int { return w.constant(ir.F64, most) })
	if b.Count || b.Dynamic {
		return
	}
	if b.Limit != nil {
		l.define(tag(b, "limit"), func(w *writer) int { return w.node(b.Limit, ir.F64) })
	}
	l.define(l.full(b), func(w *writer) int {
		if b.Auto {
			return w.op(ir.Mul, ir.F64, w.node(b.Step, ir.F64), w.s(tag(b, "limit")))
		}
		return w.node(b.Step, ir.F64)
	})
	l.define(l.dt(b), func(w *writer) int { return w.s(l.full(b)) })
	if !b.Auto {
		l.holdLimit(b)
	}
}

// holdLimit refuses a given step beyond the stability limit.
func (l *lowerer) holdLimit(b *check.Block) {
	if b.Limit != nil {
		l.define(tag(b, "ok"), func(w *writer) int {
			most := w.op(ir.Mul, ir.F64, w.s(tag(b, "limit")), w.constant(ir.F64, 1+roundoff))
			ok := w.op(ir.Le, ir.Bool, w.s(l.full(b)), most)
			return w.op(ir.Select, ir.F64, ok, w.constant(ir.F64, 1), w.constant(ir.F64, 0))
		})
		l.out.Checks = append(l.out.Checks, ir.HostCheck{Cond: tag(b, "ok"), Code: "WF0307", Pos: pos(b.Step.At),
			Message: "the step {" + l.full(b) + "} is beyond the stability limit {" + tag(b, "limit") + "}, which " + b.Terms + " set"})
	}
}

// s reads a host scalar in f64.
func (w *writer) s(name string) int { return w.scalar(name, ir.F64) }

// timeUnit is the unit of the time of an evolve, "" when it has none.
func timeUnit(b *check.Block) string {
	if b.SI == "1" {
		return ""
	}
	return b.SI
}

// schedule runs the whole steps, then the clipped one.
func (l *lowerer) schedule(b *check.Block, fn string) {
	run := ir.Run{Func: fn, Count: tag(b, "count")}
	if !b.Count {
		run.T0, run.DT, run.Unit = l.from(b), l.full(b), timeUnit(b)
	}
	if b.Clock {
		run.T0, run.DT = "", ""
		run.Unit = timeUnit(b)
		run.Clock = l.clock(b)
		if b.To != nil {
			run.Clock.End = tag(b, "t1")
		}
	}
	l.out.Schedule = append(l.out.Schedule, run)
	if b.Count || b.Auto || b.Open || b.Clock {
		return
	}
	l.out.Schedule = append(l.out.Schedule, ir.Run{Func: fn, Count: tag(b, "clip"), T0: tag(b, "t2"), DT: tag(b, "rest"), Unit: timeUnit(b),
		Bind: []ir.Bind{{Name: l.dt(b), To: tag(b, "rest")}}})
}
