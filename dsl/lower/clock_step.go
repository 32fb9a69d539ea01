package lower

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// The functions around a step: see clock.go.

// cfl writes the function that computes the step asked for.
func (l *lowerer) cfl(b *check.Block, name string) {
	f := l.newFunc(name, false)
	e := l.clockElem()
	f.setScalar(tag(b, "want"), b.Step.At, func(w *writer) int { return w.cvt(w.node(b.Want, e), e) })
	l.out.Funcs = append(l.out.Funcs, f.f)
}

// head writes the function that fixes the length of a step.
func (l *lowerer) head(b *check.Block, name string) {
	f := l.newFunc(name, false)
	e := l.clockElem()
	every := ""
	if b.Want != nil && b.Every == 1 {
		every = f.single(tag(b, "want"), e, b.Step.At, func(w *writer) int { return w.cvt(w.node(b.Want, e), e) })
		f.f.Sets = append(f.f.Sets, ir.Set{Array: tag(b, "want"), Value: "%" + every, Pos: pos(b.Step.At)})
	}
	want := func(w *writer) int {
		if every != "" {
			return w.add(ir.Node{Op: ir.Read, Elem: e, Name: "%" + every})
		}
		if b.Dynamic {
			return w.array0(tag(b, "want"), e)
		}
		return w.scalar(l.full(b), e)
	}
	// slack: a rest that is longer than the step by rounding alone is no step of its own.
	slack := 1 + roundoff
	if e == ir.F32 {
		slack = 1 + 0x1p-18
	}
	rest := func(w *writer) int {
		return w.op(ir.Sub, e, w.op(ir.Sub, e, w.scalar(tag(b, "t1"), e), w.array0(tag(b, "t"), e)), w.array0(tag(b, "tl"), e))
	}
	reaches := func(w *writer) int {
		return w.op(ir.Le, ir.Bool, rest(w), w.op(ir.Mul, e, w.constant(e, slack), want(w)))
	}
	length := func(w *writer) int {
		if b.Open {
			return want(w)
		}
		return w.op(ir.Select, e, reaches(w), rest(w), want(w))
	}
	f.setScalar(tag(b, "h"), b.At, length)
	if !b.Open {
		f.setScalar(tag(b, "end"), b.At, func(w *writer) int { return w.flag(reaches(w)) })
	}
	f.setScalar(tag(b, "bad"), b.At, func(w *writer) int {
		largest := math.MaxFloat32
		if e == ir.F64 {
			largest = math.MaxFloat64
		}
		h := length(w)
		good := w.op(ir.And, ir.Bool, w.op(ir.Lt, ir.Bool, w.constant(e, 0), h), w.op(ir.Le, ir.Bool, h, w.constant(e, largest)))
		none := w.op(ir.Not, ir.Bool, good)
		if b.Tol != nil { // what the step before found stays
			none = w.op(ir.Or, ir.Bool, none, w.isSet(tag(b, "bad")))
		}
		return w.flag(none)
	})
	if b.Want != nil && b.Every > 1 {
		wait := tag(b, "wait")
		last := func(w *writer) int { return w.op(ir.Le, ir.Bool, w.array0(wait, ir.I32), w.constant(ir.I32, 1)) }
		f.setScalar(tag(b, "due"), b.At, func(w *writer) int { return w.flag(last(w)) })
		f.setScalar(wait, b.At, func(w *writer) int {
			return w.op(ir.Select, ir.I32, last(w), w.constant(ir.I32, float64(b.Every)),
				w.op(ir.Sub, ir.I32, w.array0(wait, ir.I32), w.constant(ir.I32, 1)))
		})
	}
	l.out.Funcs = append(l.out.Funcs, f.f)
}

// tail writes what ends a step, after all that belongs to the step.
func (f *fnWriter) tail(b *check.Block, failed string) {
	l := f.l
	e := l.clockElem()
	// accepted picks what holds after a step that counts; without error control every step does.
	accepted := func(w *writer, e ir.Elem, yes, no int) int {
		if b.Tol == nil {
			return yes
		}
		return w.op(ir.Select, e, w.isSet(tag(b, "ok")), yes, no)
	}
	over := func(w *writer) int { // the program is at its end
		x := -1
		put := func(c int) {
			if x < 0 {
				x = c
			} else {
				x = w.op(ir.Or, ir.Bool, x, c)
			}
		}
		if b.Until != nil {
			if v, ok := f.value[b.Ended]; ok { // set in this very function
				put(w.op(ir.Ne, ir.Bool, w.add(ir.Node{Op: ir.Read, Elem: ir.I32, Name: "%" + v}), w.constant(ir.I32, 0)))
			} else {
				put(w.isSet(b.Ended.Name))
			}
		}
		if b.Clock && !b.Open {
			put(w.isSet(tag(b, "end")))
		}
		if x < 0 {
			return w.op(ir.Ne, ir.Bool, w.constant(ir.I32, 0), w.constant(ir.I32, 0))
		}
		if b.Tol != nil {
			x = w.op(ir.And, ir.Bool, x, w.isSet(tag(b, "ok")))
		}
		return x
	}
	stop := over
	if b.Clock {
		t, tl := l.advance(f, b, e, accepted)
		f.setScalar(tag(b, "done"), b.At, func(w *writer) int { return w.flag(over(w)) })
		stop = func(w *writer) int {
			x := w.op(ir.Or, ir.Bool, over(w), w.isSet(tag(b, "bad")))
			if len(l.intervals()) == 0 {
				return x
			}
			now := w.op(ir.Add, e, w.add(ir.Node{Op: ir.Read, Elem: e, Name: "%" + t}), w.add(ir.Node{Op: ir.Read, Elem: e, Name: "%" + tl}))
			return w.op(ir.Or, ir.Bool, x, w.op(ir.Le, ir.Bool, w.array0(tag(b, "next"), e), now))
		}
		f.setScalar(tag(b, "before"), b.At, func(w *writer) int {
			return accepted(w, e, w.array0(tag(b, "h"), e), w.array0(tag(b, "before"), e))
		})
		if b.Tol != nil {
			l.control(f, b, e)
		}
	}
	f.setScalar(tag(b, "stop"), b.At, func(w *writer) int {
		c := stop(w)
		if failed != "" {
			c = w.op(ir.Or, ir.Bool, c, w.isSet(failed))
		}
		return w.flag(c)
	})
	if len(b.Steady) > 0 {
		left := tag(b, "left")
		last := func(w *writer) int {
			x := w.op(ir.Le, ir.Bool, w.array0(left, ir.I32), w.constant(ir.I32, 1))
			if b.Tol != nil {
				x = w.op(ir.And, ir.Bool, x, w.isSet(tag(b, "ok")))
			}
			return x
		}
		f.setScalar(tag(b, "look"), b.At, func(w *writer) int { return w.flag(last(w)) })
		f.setScalar(left, b.At, func(w *writer) int {
			one := accepted(w, ir.I32, w.constant(ir.I32, 1), w.constant(ir.I32, 0))
			return w.op(ir.Select, ir.I32, last(w), w.constant(ir.I32, float64(b.SteadyEvery)), w.op(ir.Sub, ir.I32, w.array0(left, ir.I32), one))
		})
	}
}

// advance sets the time after the step, t + tl + h as a compensated pair (D. Knuth, The Art of Computer Programming 2, section 4.2.2: the
// error of a sum is a number of the type), and the end itself where the step reaches it. It returns the values of the pair.
func (l *lowerer) advance(f *fnWriter, b *check.Block, e ir.Elem, accepted func(w *writer, e ir.Elem, yes, no int) int) (t, tl string) {
	parts := func(w *writer) (old, sum, err int) {
		old = w.array0(tag(b, "t"), e)
		y := w.op(ir.Add, e, w.array0(tag(b, "h"), e), w.array0(tag(b, "tl"), e))
		sum = w.op(ir.Add, e, old, y)
		back := w.op(ir.Sub, e, sum, old)
		err = w.op(ir.Add, e, w.op(ir.Sub, e, old, w.op(ir.Sub, e, sum, back)), w.op(ir.Sub, e, y, back))
		return old, sum, err
	}
	t = f.single(tag(b, "t"), e, b.At, func(w *writer) int {
		old, sum, _ := parts(w)
		if !b.Open {
			sum = w.op(ir.Select, e, w.isSet(tag(b, "end")), w.scalar(tag(b, "t1"), e), sum)
		}
		return accepted(w, e, sum, old)
	})
	tl = f.single(tag(b, "tl"), e, b.At, func(w *writer) int {
		_, _, err := parts(w)
		if !b.Open {
			err = w.op(ir.Select, e, w.isSet(tag(b, "end")), w.constant(e, 0), err)
		}
		return accepted(w, e, err, w.array0(tag(b, "tl"), e))
	})
	f.f.Sets = append(f.f.Sets, ir.Set{Array: tag(b, "t"), Value: "%" + t, Pos: pos(b.At)}, ir.Set{Array: tag(b, "tl"), Value: "%" + tl, Pos: pos(b.At)})
	return t, tl
}

// control sets the next step of an error-controlled run.
func (l *lowerer) control(f *fnWriter, b *check.Block, e ir.Elem) {
	next := func(w *writer) int {
		h := w.op(ir.Mul, e, w.array0(tag(b, "h"), e), w.array0(tag(b, "factor"), e))
		if b.Most != nil {
			h = w.op(ir.MinOp, e, h, w.node(b.Most, e))
		}
		return h
	}
	f.setScalar(tag(b, "want"), b.At, next)
	f.setScalar(tag(b, "rejected"), b.At, func(w *writer) int {
		return w.op(ir.Add, ir.I32, w.array0(tag(b, "rejected"), ir.I32), w.flag(w.op(ir.Not, ir.Bool, w.isSet(tag(b, "ok")))))
	})
	// A rejected step that does not move the time any more will be rejected for ever.
	f.setScalar(tag(b, "bad"), b.At, func(w *writer) int {
		t := w.array0(tag(b, "t"), e)
		stuck := w.op(ir.Eq, ir.Bool, w.op(ir.Add, e, t, next(w)), t)
		if !b.Open {
			span := w.op(ir.Sub, e, w.scalar(tag(b, "t1"), e), w.scalar(l.from(b), e))
			small := w.op(ir.Le, ir.Bool, next(w), w.op(ir.Mul, e, w.constant(e, 1e-12), span))
			stuck = w.op(ir.Or, ir.Bool, stuck, small)
		}
		stuck = w.op(ir.And, ir.Bool, stuck, w.op(ir.Not, ir.Bool, w.isSet(tag(b, "ok"))))
		return w.flag(w.op(ir.Or, ir.Bool, stuck, w.isSet(tag(b, "bad"))))
	})
}

// noStep ends the run with a diagnostic when no step is possible.
func (l *lowerer) noStep(b *check.Block) {
	m := "the step of this `evolve` is {" + tag(b, "h") + "}: no time can be advanced by it"
	switch {
	case b.Want != nil:
		m += "\ncfl(..) divides by the fastest speed: it is zero and nothing bounds the step, or the fields hold infinities\n" +
			"give `max = ..` to cfl when the flow starts from rest"
	case b.Tol != nil:
		m = "the step has shrunk to {" + tag(b, "h") + "} and its error is still above the tolerance\n" +
			"the tolerance is below what the type of the fields can reach, or the solution becomes infinite here\nraise tol, or use f64"
	}
	l.out.Failures = append(l.out.Failures, ir.Failure{Array: tag(b, "bad"), Code: "WF0622", Message: m, Pos: pos(b.At)})
}

// steady writes the function that looks how far the fields moved.
func (l *lowerer) steady(b *check.Block, name string) {
	f := l.newFunc(name, false)
	e := l.clockElem()
	// largest is the maximum over all points of the modulus of what write gives.
	largest := func(fd *check.Field, base string, write func(w *writer, now, old int) int) string {
		over := []ir.Range{}
		at := []ir.Affine{}
		for _, x := range fd.Axes {
			over = append(over, ir.Range{Index: x.IR, Axis: x.IR, Lo: 0, Hi: x.N})
			at = append(at, ir.Affine{Index: x.IR})
		}
		body := f.body(fd.Elem, timeNow, func(w *writer) int {
			now := w.add(ir.Node{Op: ir.Read, Elem: fd.Elem, Name: "@" + fd.Name, At: at})
			old := w.add(ir.Node{Op: ir.Read, Elem: fd.Elem, Name: "@" + steadyOld(fd), At: at})
			return w.op(ir.Abs, fd.Elem, write(w, now, old))
		})
		if len(over) == 0 {
			return f.emit(base, fd.Elem, nil, []ir.Piece{{Box: []ir.Interval{}, Body: body}}, fd.At)
		}
		v := f.fresh(base)
		op := ir.Op{Kind: ir.Reduce, Over: over, Comb: ir.Max, Pos: pos(b.At), Results: []ir.Result{{Name: v, Elem: fd.Elem}},
			Pieces: []ir.Piece{{Box: fullBox(over), Body: body}}}
		op.Order.Kind = ir.Canon
		f.f.Ops = append(f.f.Ops, op)
		return v
	}
	var moved, size []string
	for _, fd := range b.Steady {
		moved = append(moved, largest(fd, "moved", func(w *writer, now, old int) int { return w.op(ir.Sub, fd.Elem, now, old) }))
		size = append(size, largest(fd, "size", func(w *writer, now, _ int) int { return now }))
		f.f.Sets = append(f.f.Sets, ir.Set{Array: steadyOld(fd), Value: "@" + fd.Name, Pos: pos(b.At)})
	}
	still := func(w *writer) int {
		var elapsed int
		switch {
		case b.Clock:
			elapsed = w.op(ir.Sub, e, w.array0(tag(b, "t"), e), w.array0(tag(b, "looked"), e))
		case b.Count:
			elapsed = w.constant(e, float64(b.SteadyEvery))
		default:
			elapsed = w.op(ir.Mul, e, w.constant(e, float64(b.SteadyEvery)), w.scalar(l.full(b), e))
		}
		allowed := w.op(ir.Mul, e, w.node(b.SteadyTol, e), elapsed)
		x := -1
		for i, fd := range b.Steady {
			m := w.cvt(w.add(ir.Node{Op: ir.Read, Elem: fd.Elem, Name: "%" + moved[i]}), e)
			s := w.cvt(w.add(ir.Node{Op: ir.Read, Elem: fd.Elem, Name: "%" + size[i]}), e)
			c := w.op(ir.Le, ir.Bool, m, w.op(ir.Mul, e, allowed, s))
			if x < 0 {
				x = c
			} else {
				x = w.op(ir.And, ir.Bool, x, c)
			}
		}
		return x
	}
	for _, n := range []string{"stop", "done"} {
		if n == "done" && !b.Clock {
			continue
		}
		f.setScalar(tag(b, n), b.At, func(w *writer) int { return w.flag(w.op(ir.Or, ir.Bool, still(w), w.isSet(tag(b, n)))) })
	}
	if b.Clock {
		f.f.Sets = append(f.f.Sets, ir.Set{Array: tag(b, "looked"), Value: "@" + tag(b, "t"), Pos: pos(b.At)})
	}
	l.out.Funcs = append(l.out.Funcs, f.f)
}
