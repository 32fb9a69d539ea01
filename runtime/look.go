package runtime

import (
	"context"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Shower is implemented by engines that show arrays between two iterations of a run and go on computing, so that an output does not stop the
// machine.
type Shower interface {
	// Shows lists the looks that the engine can show; ir.Moment numbers them. Arrays that are constant can be seen at any time.
	Shows() []ir.Look
	// RunShowing is Engine.Run that calls seen at moments: those of at before the n-th iteration, and in a program that keeps its own time those
	// at which something is due that the engine can show. get fetches an array as it was then. An error of seen ends the run soon and is
	// returned. Neither at nor seen may be nil.
	RunShowing(ctx context.Context, fn string, n int, at Moments, seen Seen) (done int, err error)
	// Shown counts the moments so far that did not stop the machine, the cycles of the transfers beside its work, and those in which it was held
	// up because a transfer was not over when the next one was due.
	Shown() (moments int, cycles, held int64)
}

// Seen is what takes the arrays of a moment.
type Seen func(m ir.Moment, get func(array string) (*ir.Tensor, error)) error

// Moments gives the first moment after so many iterations, or false when there is none.
type Moments func(after int) (ir.Moment, bool)

// wanted is something that is due now and then.
type wanted struct {
	due
	look int // that shows it, -1 when the engine has none
}

// wanted lists what is wanted during a leg.
func (r *runner) wanted(l *leg) (list []wanted) {
	var shows []ir.Look
	if s, ok := r.e.(Shower); ok {
		shows = s.Shows()
	}
	add := func(d due, steps, seconds string) {
		list = append(list, wanted{d, slices.IndexFunc(shows, func(x ir.Look) bool { return x.Of == l.run.Func && x.Steps == steps && x.Seconds == seconds })})
	}
	for i, x := range r.p.Outputs {
		if r.opt.OutDir != "" {
			add(r.out.due[i], x.Steps, x.Seconds)
		}
	}
	for i, x := range r.p.Probes {
		add(r.out.probe[i], x.Steps, x.Seconds)
	}
	if r.saver != nil {
		add(due{every: r.saver.c.Steps}, "", "")
	}
	return list
}

// looks gives the moments of a leg after iteration from, and counted from there, that the engine can show. They are good up to end, the first
// iteration at which something is due that it cannot show, or at most to. Moments that only the program knows are not among them.
func (r *runner) looks(l *leg, from, to int64) (at Moments, end int64) {
	list := r.wanted(l)
	for _, w := range list {
		if n := w.next(l, from); w.look < 0 && n > 0 {
			to = min(to, n)
		}
	}
	return func(after int) (m ir.Moment, ok bool) {
		k, best := from+int64(after), int64(-1)
		for _, w := range list {
			if n := w.next(l, k); n > 0 && (best < 0 || n < best) {
				best = n
			}
		}
		for _, w := range list {
			if best > 0 && w.next(l, k) == best && !slices.Contains(m.Looks, w.look) {
				m.Looks = append(m.Looks, w.look)
			}
		}
		slices.Sort(m.Looks)
		m.At = int(best - from)
		return m, best > 0
	}, to
}

// see takes what is due at a moment of a leg, counted from the iterations that are done, while the engine computes on. whole says that
// all that changes is shown.
func (r *runner) see(l *leg, m ir.Moment, whole bool, get func(array string) (*ir.Tensor, error)) error {
	step, time, done, here := r.step, r.time, r.done, r.here
	r.view, r.fetched = get, nil
	defer func() {
		r.view, r.fetched = nil, nil
		r.step, r.time, r.done, r.here = step, time, done, here
	}()
	at := int64(m.At)
	r.done, r.here = done+at, here+at
	r.step = l.first + r.here
	if l.clock == nil {
		r.time = l.time(r.here)
	} else if err := r.readClock(l); err != nil {
		return err
	}
	err := r.stop(stopDue)
	if err == nil && whole && r.saver.due(r.step) {
		err = r.save(r.leg0, r.here)
	}
	return err
}
