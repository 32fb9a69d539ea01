package runtime

import (
	"fmt"
	"math"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// A program may keep its time itself (adaptive steps) and end a launch itself (until). The host then tells it when it wants to look,
// see [ir.Clock], and looks at the flags after every launch: each look costs a transfer of one number.

// flag tells whether a rank-0 array is nonzero.
func (r *runner) flag(name string) (bool, error) {
	t, err := r.get(name)
	if err != nil {
		return false, err
	}
	return t.At(0) != 0, nil
}

// readClock fetches the program's time.
func (r *runner) readClock(l *leg) error {
	t, err := now(r.e, l.clock)
	if err != nil {
		return err
	}
	r.before, r.time = r.time, t
	return nil
}

// now is the time of a program that keeps it itself.
func now(e Engine, c *ir.Clock) (float64, error) {
	sum := 0.0
	for i := len(c.Now) - 1; i >= 0; i-- { // the smallest first
		t, err := e.Get(c.Now[i]) // a clock that is no number is a failure the program explains
		if err != nil {
			return 0, err
		}
		sum += t.At(0)
	}
	return sum, nil
}

// slack is by how much a time may miss a multiple and still count as having reached it: the rounding of the program's type.
func (r *runner) slack(l *leg, t float64) float64 {
	eps := 0x1p-22
	switch r.p.Array(l.clock.Next).Elem {
	case ir.F16:
		eps = 0x1p-9
	case ir.F64:
		eps = 0x1p-50
	}
	return eps * math.Abs(t)
}

// multiples counts the multiples of T that time t has reached.
func (r *runner) multiples(l *leg, t, T float64) float64 { return math.Floor((t + r.slack(l, t)) / T) }

// passed says whether the last launch reached or passed a multiple of T.
func (r *runner) passed(l *leg, T float64) bool {
	return r.multiples(l, r.time, T) > r.multiples(l, r.before, T)
}

// setNext tells the program when the host wants to look: at the next multiple of an output's interval, never when there is none.
func (r *runner) setNext(l *leg) error {
	if l.clock == nil {
		return nil
	}
	next := math.Inf(1)
	for i, d := range append(append([]due(nil), r.out.due...), r.out.probe...) {
		if d.seconds > 0 && (r.opt.OutDir != "" || i >= len(r.out.due)) {
			next = min(next, (r.multiples(l, r.time, d.seconds)+1)*d.seconds)
		}
	}
	e := r.p.Array(l.clock.Next).Elem
	t := ir.NewTensor(e)
	if v := ir.RoundTo(e, next).F; e == ir.F64 {
		t.F64[0] = v
	} else {
		t.F32[0] = float32(v)
	}
	return r.e.Set(l.clock.Next, t)
}

// over says whether a leg has ended: the program says so, or its iterations are used up. early says that the last launch was ended by
// the program.
func (r *runner) over(l *leg, k int64, early bool) (bool, error) {
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
			d.Note("at %s, step %d", r.timeText(), r.step)
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
