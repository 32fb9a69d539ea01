package train

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress shows how a run goes.
type Progress interface {
	Begin(p *Plan, step, end int64) // from step to end
	Step(e *Event)
	Eval(step int64, loss float64, batches int)
	End()
}

type silent struct{}

func (silent) Begin(*Plan, int64, int64) {}
func (silent) Step(*Event)               {}
func (silent) Eval(int64, float64, int)  {}
func (silent) End()                      {}

// NewProgress prints a line every so often, and at the first step, the last and every evaluation: step, loss, tokens per second, MFU
// (model FLOPs utilisation: the FLOPs of the formula over those of the computer's peak, in FLOP/s; 0 leaves it out) and the time left.
// On a terminal a line replaces the one before.
func NewProgress(w io.Writer, every time.Duration, terminal bool, peak float64, now func() time.Time) Progress {
	return &lines{w: w, every: every, terminal: terminal, peak: peak, now: now}
}

type lines struct {
	w        io.Writer
	every    time.Duration
	terminal bool
	peak     float64
	now      func() time.Time
	plan     *Plan
	end      int64
	last     time.Time
	open     bool    // a line that the next replaces
	rate     float64 // tokens per second, smoothed
	perStep  float64 // seconds per step, smoothed
	seen     int64
}

func (l *lines) Begin(p *Plan, step, end int64) {
	l.plan, l.end, l.last = p, end, l.now()
	if step > 0 {
		l.print(fmt.Sprintf("from step %d", step), false)
	}
}

func (l *lines) Step(e *Event) {
	l.seen++
	if e.Seconds > 0 {
		// The first step warms caches; afterwards a mean over about the last 20.
		k := 1 / float64(min(l.seen, 20))
		l.rate += k * (float64(e.StepTokens)/e.Seconds - l.rate)
		l.perStep += k * (e.Seconds - l.perStep)
	}
	now := l.now()
	if l.seen > 1 && e.Step != l.end && now.Sub(l.last) < l.every {
		return
	}
	l.last = now
	var b strings.Builder
	fmt.Fprintf(&b, "step %d/%d  loss %.4f", e.Step, l.end, e.Loss)
	for _, m := range e.Metrics {
		fmt.Fprintf(&b, "  %s %.4g", m.Name, float64(m.Value))
	}
	if l.rate > 0 {
		fmt.Fprintf(&b, "  %s tokens/s", short(l.rate))
		if l.peak > 0 {
			fmt.Fprintf(&b, "  MFU %.1f %%", 100*l.rate*l.plan.Flops(l.context(e.Phase))/l.peak)
		}
		left := time.Duration(l.perStep * float64(l.end-e.Step) * float64(time.Second))
		fmt.Fprintf(&b, "  ETA %s", left.Round(time.Second))
	}
	l.print(b.String(), e.Step != l.end)
}

func (l *lines) context(phase int) int {
	if phase < len(l.plan.Phases) {
		return l.plan.Phases[phase].Context
	}
	return l.plan.Context
}

func (l *lines) Eval(step int64, loss float64, batches int) {
	l.print(fmt.Sprintf("step %d  validation loss %.4f (%d batches)", step, loss, batches), false)
}

func (l *lines) End() {
	if l.open {
		fmt.Fprintln(l.w)
		l.open = false
	}
}

// print writes a line; one that is passing is replaced by the next on a terminal.
func (l *lines) print(s string, passing bool) {
	if l.open {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
	l.open = passing && l.terminal
	if l.open {
		fmt.Fprint(l.w, s)
	} else {
		fmt.Fprintln(l.w, s)
	}
}

// short is a number with a suffix for thousands.
func short(v float64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e18, "E"}, {1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= u.of {
			return fmt.Sprintf("%.3g%s", v/u.of, u.name)
		}
	}
	return fmt.Sprintf("%.3g", v)
}
