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
	// RunShowing is Engine.Run that calls seen at moments, which ascend and are less than n: k counts them, and get fetches an array as it
	// was then. An error of seen ends the run soon and is returned.
	RunShowing(ctx context.Context, fn string, n int, at []ir.Moment, seen func(k int, get func(array string) (*ir.Tensor, error)) error) (done int, err error)
	// Shown counts the moments so far that did not stop the machine, the cycles of the transfers beside its work, and those in which it was held
	// up because a transfer was not over when the next one was due.
	Shown() (moments int, cycles, held int64)
}

// plannedLook is a moment of a leg.
type plannedLook struct {
	at    int64 // iteration
	looks []int
}

// looks lists the moments of the leg after k, and before end, that the engine can show all that is due in. end is the first that it cannot,
// or at most to.
func (r *runner) looks(l *leg, k, to int64) (list []plannedLook, end int64) {
	var shows []ir.Look
	if s, ok := r.e.(Shower); ok && l.clock == nil {
		shows = s.Shows()
	}
	for n := r.out.next(l, k); n > k && n < to; n = r.out.next(l, k) {
		looks, ok := r.shown(l, n, shows)
		if !ok {
			return list, n
		}
		list, k = append(list, plannedLook{n, looks}), n
	}
	return list, to
}

// shown finds the looks that show all that is due after iteration k.
func (r *runner) shown(l *leg, k int64, shows []ir.Look) (looks []int, ok bool) {
	o := r.out
	find := func(steps, seconds string) bool {
		for i := range shows {
			if shows[i].Of == l.run.Func && shows[i].Steps == steps && shows[i].Seconds == seconds {
				if !slices.Contains(looks, i) {
					looks = append(looks, i)
				}
				return true
			}
		}
		return false
	}
	for i := range r.p.Outputs {
		if x := &r.p.Outputs[i]; r.opt.OutDir != "" && o.due[i].next(l, k-1) == k && !find(x.Steps, x.Seconds) {
			return nil, false
		}
	}
	for i := range r.p.Probes {
		if x := &r.p.Probes[i]; o.probe[i].next(l, k-1) == k && !find(x.Steps, x.Seconds) {
			return nil, false
		}
	}
	slices.Sort(looks)
	return looks, true
}

// see takes what is due at a moment of a leg while the engine computes on.
func (r *runner) see(l *leg, x plannedLook, get func(array string) (*ir.Tensor, error)) error {
	r.seen++
	r.view, r.fetched = get, nil
	r.step, r.time = l.first+x.at, l.time(x.at)
	defer func() { r.view, r.fetched = nil, nil }()
	return r.stop(stopDue)
}
