package runtime

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// A program may keep its time itself (adaptive steps) and end a launch itself (until). It then says when something is due, see [ir.Clock],
// and the host looks at the flags after every launch: each costs a transfer of one number.

// flag tells whether a rank-0 array is nonzero.
func (r *runner) flag(name string) (bool, error) {
	t, err := r.get(name)
	if err != nil {
		return false, err
	}
	return t.At(0) != 0, nil
}

// readClock fetches the program's time, and what is due, as they are now or at the moment that is looked at.
func (r *runner) readClock(l *leg) error {
	t, err := now(r.raw, l.clock)
	if err != nil {
		return err
	}
	r.time, r.reached = t, nil
	if len(l.clock.Due) == 0 {
		return nil
	}
	if stopped, err := r.flag(l.until); err != nil || !stopped {
		return err
	}
	for _, d := range l.clock.Due {
		due, err := r.flag(d.Flag)
		if err != nil {
			return err
		}
		if due {
			r.reached = append(r.reached, d.Seconds)
		}
	}
	return nil
}

// now is the time of a program that keeps it itself.
func now(get func(array string) (*ir.Tensor, error), c *ir.Clock) (float64, error) {
	sum := 0.0
	for i := len(c.Now) - 1; i >= 0; i-- { // the smallest first
		t, err := get(c.Now[i]) // a clock that is no number is a failure the program explains
		if err != nil {
			return 0, err
		}
		sum += t.At(0)
	}
	return sum, nil
}

// ask tells the programs that keep their time what is wanted, before the engine has the arrays: an interval of time at which nobody looks, here
// or in the run that a checkpoint is of, is infinite. Where that changes, the program looks after its next step when the next moment is.
func (s *state) ask(legs []leg, wants func(seconds string) bool) {
	for i := range legs {
		c := legs[i].clock
		if c == nil {
			continue
		}
		changed, never := false, true
		for _, d := range c.Due {
			e := s.p.Array(d.Every).Elem
			every := math.Inf(1)
			if wants(d.Seconds) {
				every, never = c.Interval(e, s.env[d.Seconds]), false
			}
			if s.arrays[d.Every].At(0) != every {
				changed = true
				s.arrays[d.Every] = number(e, every)
			}
		}
		if !changed {
			continue
		}
		next := -ir.Never
		if never {
			next = ir.Never
		}
		s.arrays[c.Next] = number(s.p.Array(c.Next).Elem, next)
	}
}

// wants says whether this run takes anything at an interval of time.
func (r *runner) wants(seconds string) bool {
	return r.opt.OutDir != "" && slices.ContainsFunc(r.p.Outputs, func(o ir.Output) bool { return o.Seconds == seconds }) ||
		slices.ContainsFunc(r.p.Probes, func(q ir.Probe) bool { return q.Seconds == seconds })
}

// number is a tensor without axes.
func number(e ir.Elem, v float64) *ir.Tensor {
	t := ir.NewTensor(e)
	if e == ir.F64 {
		t.F64[0] = v
	} else {
		t.F32[0] = float32(v)
	}
	return t
}

// ended says whether a leg has ended: the program says so, or its iterations are used up. early says that the last launch was ended by
// the program.
func (r *runner) ended(l *leg, k int64, early bool) (bool, error) {
	switch {
	case l.until == "":
		return false, nil
	case l.clock == nil && early:
		return true, nil
	case l.clock == nil:
		return r.flag(l.until) // it may have been the last iteration asked for that ended it
	}
	over, err := r.flag(l.clock.Done)
	if err == nil && !over && k >= l.n {
		err = diag.List{diag.New("WF0620", diag.Span{}, "the run has taken %d steps and is not at its end: %s", k, r.timeText()).
			Note("%s is the most steps it may take", l.run.Count).
			Suggest("allow more steps, or look why the steps have become so small")}
	}
	return over, err
}

// maxHistory bounds how many entries of a history a message shows.
const maxHistory = 8

// failures ends the run when the program says that it failed.
func (r *runner) failures() error {
	for i := range r.p.Failures {
		f := &r.p.Failures[i]
		if failed, err := r.flag(f.Array); err != nil || !failed {
			if err != nil {
				return err
			}
			continue
		}
		env := map[string]float64{}
		for k, v := range r.env {
			env[k] = v
		}
		for i := range r.p.Arrays {
			a := &r.p.Arrays[i]
			if len(a.Axes) > 0 || !strings.Contains(f.Message, "{"+a.Name+"}") {
				continue
			}
			t, err := r.e.Get(a.Name)
			if err != nil {
				return err
			}
			env[a.Name] = t.At(0)
		}
		lines := strings.Split(ir.Interpolate(f.Message, env), "\n")
		d := diag.New(f.Code, r.opt.span(f.Pos), "%s", lines[0])
		d.Notes = append(d.Notes, lines[1:]...)
		if r.step > 0 {
			d.Note("at %s", r.momentText())
		}
		if err := r.history(f, d); err != nil {
			return err
		}
		return diag.List{d}
	}
	return nil
}

// history adds the residuals that led to a failure.
func (r *runner) history(f *ir.Failure, d *diag.Diagnostic) error {
	if f.History == "" {
		return nil
	}
	t, err := r.e.Get(f.History) // it may hold NaN: that is what failed
	if err != nil {
		return err
	}
	n := t.Len()
	if f.Entries != "" {
		c, err := r.e.Get(f.Entries)
		if err != nil {
			return err
		}
		n = max(0, min(n, int(c.At(0))))
	}
	if n == 0 {
		return nil
	}
	var s []string
	for k := range n {
		switch {
		case n <= maxHistory || k < maxHistory/2 || k >= n-maxHistory/2:
			s = append(s, fmt.Sprintf("%.3g", t.At(k)))
		case k == maxHistory/2:
			s = append(s, "..")
		}
	}
	d.Note("the residuals of %d iterations: %s", n, strings.Join(s, ", "))
	return nil
}
