package runtime

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/wfc-lang/wfc/ir"
)

// Estimate is what a run will take, measured on its first steps.
type Estimate struct {
	Bytes    int64         // of memory, about
	Steps    int64         // of the whole run; 0 when the program decides while it runs and there is no time at which it ends
	Rough    bool          // the program chooses its steps: their number is that of steps like the first ones, until the end in time
	Measured int64         // steps that were run to measure
	Step     time.Duration // of one step
	Total    time.Duration // of all steps, outputs apart; 0 when their number is not known
	Cycles   float64       // of the machine, for one step; 0 on other targets
}

// needs is about how many bytes a run holds at its peak.
func needs(p *ir.Program, engine int64) int64 {
	total := int64(0)
	for i := range p.Arrays {
		b := int64(4)
		if p.Arrays[i].Elem == ir.F64 {
			b = 8
		}
		for _, n := range p.Shape(&p.Arrays[i]) {
			b *= int64(n)
		}
		total += b
	}
	return copies*total + engine
}

// Estimate runs the first steps of the program on an engine, for about as long as budget allows, and leaves the engine there: it is of no
// use afterwards. Nothing is written.
func (p *Prepared) Estimate(ctx context.Context, e Engine, budget time.Duration) (*Estimate, error) {
	est := &Estimate{Bytes: needs(p.state.p, p.state.opt.EngineBytes)}
	p.state.ask(p.legs, func(string) bool { return false })
	if err := p.Start(e, nil); err != nil {
		return nil, err
	}
	for i := range p.legs {
		if p.legs[i].steps {
			est.Steps += p.legs[i].n
			if p.legs[i].until != "" {
				est.Steps = 0
				break
			}
		}
	}
	for i := range p.legs {
		l := &p.legs[i]
		if err := e.Scalars(l.env); err != nil {
			return nil, err
		}
		if !l.steps {
			if _, err := e.Run(ctx, l.run.Func, int(l.n)); err != nil {
				return nil, err
			}
			continue
		}
		from := 0.0
		if l.clock != nil {
			var err error
			if from, err = now(e.Get, l.clock); err != nil {
				return nil, err
			}
		}
		begun, cycles := time.Now(), int64(0)
		if c, ok := e.(Counter); ok {
			cycles, _ = c.Cycles()
		}
		for n := int64(1); est.Measured < l.n && time.Since(begun) < budget; n *= 2 {
			done, err := e.Run(ctx, l.run.Func, int(min(n, l.n-est.Measured)))
			if err != nil {
				return nil, err
			}
			est.Measured += int64(done)
			if int64(done) < n {
				break
			}
		}
		if est.Measured > 0 {
			est.Step = time.Since(begun) / time.Duration(est.Measured)
			if err := est.project(e, l, from); err != nil {
				return nil, err
			}
			est.Total = time.Duration(est.Steps) * est.Step
			if c, ok := e.(Counter); ok {
				now, _ := c.Cycles()
				est.Cycles = float64(now-cycles) / float64(est.Measured)
			}
		}
		break
	}
	return est, nil
}

// project estimates how many steps a program that chooses them takes to the end of its time, from how far the first ones went.
func (e *Estimate) project(on Engine, l *leg, from float64) error {
	if l.clock == nil || l.clock.End == "" {
		return nil
	}
	t, err := now(on.Get, l.clock)
	if err != nil {
		return err
	}
	if n := float64(e.Measured) * (l.env[l.clock.End] - from) / (t - from); n >= 1 && n < 1<<52 { // no number passes none of these
		e.Steps, e.Rough = int64(math.Ceil(n)), true
	}
	return nil
}

// String is the estimate on one line.
func (e *Estimate) String() string {
	s := "about " + bytesText(float64(e.Bytes)) + " of memory"
	switch {
	case e.Measured == 0:
		return s
	case e.Rough:
		s += fmt.Sprintf(", about %d steps in %s if they stay as long as the first", e.Steps, durationText(e.Total))
	case e.Steps > 0:
		s += fmt.Sprintf(", %d steps in %s", e.Steps, durationText(e.Total))
	default:
		s += ", as many steps as the program decides"
	}
	s += fmt.Sprintf(", %s each", durationText(e.Step))
	if e.Cycles > 0 {
		s += fmt.Sprintf(" (%.0f cycles of the machine)", e.Cycles)
	}
	return s
}

// durationText is a duration with about three digits.
func durationText(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(time.Second).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= 10*time.Microsecond:
		return d.Round(time.Microsecond).String()
	}
	return d.String()
}

// Noter is implemented by a Progress that can show a line beside it.
type Noter interface{ Note(line string) }

// longRun is from how much time ahead a run is announced, and after how much of it.
const (
	longRun      = 10 * time.Second
	announceFrom = time.Second
)

// announce shows once, when a run turns out to be long, what it will take.
func (r *runner) announce() {
	spent := time.Since(r.begun)
	n, ok := r.opt.Progress.(Noter)
	if r.told || !ok || r.total == 0 || r.done == 0 || spent < announceFrom {
		return
	}
	r.told = true
	step := spent / time.Duration(r.done)
	if left := time.Duration(r.total-r.done) * step; left >= longRun {
		e := Estimate{Bytes: needs(r.p, r.opt.EngineBytes), Steps: r.total, Measured: r.done, Step: step, Total: left + spent}
		n.Note(e.String())
	}
}
