package runtime

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Options steer a run. The zero value runs silently with default parameters and writes no files.
type Options struct {
	Settings Settings   // parameters
	DataDir  string     // where relative data files are
	OutDir   string     // where outputs go; made and tried before the run when there are any; "" writes none
	File     *diag.File // the source, for located errors; may be nil
	Progress Progress   // may be nil
	// EngineBytes is about what the engine takes besides copies of the fields: the memories of a simulated machine.
	EngineBytes int64
	// Late leaves data files and initial values to Start: they are as large as all arrays, and what makes the engine need not share the memory
	// with them.
	Late bool
	// Checkpoints, if not nil, writes checkpoints; Restart, if not "", is one to go on from, or the directory of a run.
	Checkpoints *Checkpoints
	Restart     string
	// Wall, if not 0, ends the run cleanly, with its outputs, when this much time has passed.
	Wall time.Duration
}

func (o *Options) span(p ir.Pos) diag.Span {
	if o.File == nil || p == (ir.Pos{}) || p.End > len(o.File.Text) {
		return diag.Span{}
	}
	return diag.Span{File: o.File, Start: p.Start, End: p.End}
}

// Prepared is a loaded program, ready for an engine.
type Prepared struct {
	state *state
	legs  []leg
}

// Prepare evaluates host scalars and checks, reads data files, computes the initial values and the schedule. Errors are diagnostics
// where the user's input is at fault.
func Prepare(p *ir.Program, opt Options) (*Prepared, error) {
	if err := checkMemory(p, &opt, freeMemory); err != nil {
		return nil, err
	}
	s, err := load(p, &opt)
	if err != nil {
		return nil, err
	}
	legs, err := s.plan()
	if err != nil {
		return nil, err
	}
	return &Prepared{s, legs}, nil
}

// Total is the number of iterations of device functions over the schedule.
func (p *Prepared) Total() (n int64) {
	for _, l := range p.legs {
		n += l.n
	}
	return n
}

// runner is one run.
type runner struct {
	*state
	ctx     context.Context
	e       Engine
	legs    []leg
	out     *outputs
	watch   watch
	res     *Result
	begun   time.Time
	total   int64 // iterations of all legs
	done    int64 // iterations so far
	step    int64
	time    float64
	now     *leg                  // the leg that runs or ran last
	reached []string              // with a clock: intervals of which the last step reached a multiple, by their host scalars
	fetched map[string]*ir.Tensor // arrays as of now
	saver   *saver                // nil without checkpoints
	leg0    int                   // index of the leg that runs
	here    int64                 // its iterations that are done
	over    bool                  // the leg has ended before its iterations were used up
	told    bool                  // the length of the run was announced
	torn    bool                  // the arrays are those of no step: the engine gave a launch up
	// view, if not nil, fetches arrays as they were at the moment that is looked at, while the engine goes on.
	view func(array string) (*ir.Tensor, error)
}

// Run drives the engine through the schedule. When the context is cancelled it stops at the end of a segment, and the result, with
// Interrupted set, tells how far it came; outputs written so far stay.
func (p *Prepared) Run(ctx context.Context, e Engine) (*Result, error) {
	r := &runner{state: p.state, ctx: ctx, e: e, legs: p.legs, begun: time.Now(), total: p.Total(),
		res: &Result{Program: p.state.p.Name, Fields: map[string]Stats{}, Arrays: map[string]*ir.Tensor{}, Probes: map[string]Number{}, Scalars: p.state.env}}
	if r.opt.Progress == nil {
		r.opt.Progress = silent{}
	}
	r.out = newOutputs(r)
	r.watch = newWatch(e, r.p)
	var err error
	if r.arrays == nil {
		err = r.initial()
	}
	if err == nil {
		err = r.run()
	}
	if errors.Is(err, errWall) || errors.Is(err, errInterrupted) && !r.torn { // the arrays are those of the last step
		if serr := r.save(r.leg0, r.here); serr != nil {
			err = errors.Join(err, serr)
		}
	}
	r.opt.Progress.End()
	if last, serr := r.saver.finish(); serr != nil {
		err = errors.Join(err, serr)
	} else {
		r.res.Checkpoint = last
	}
	if errors.Is(err, errWall) {
		r.res.Stopped = err.Error()
		if err = r.stop(stopEnd); err == nil {
			err = r.statistics()
		}
	}
	if err != nil && r.opt.OutDir != "" && len(r.res.Samples) > 0 {
		if werr := r.out.writeProbes(); werr != nil { // those taken so far
			err = errors.Join(err, werr)
		}
	}
	if r.opt.OutDir != "" {
		if ferr := r.out.finish(); ferr != nil {
			err = errors.Join(err, ferr)
		}
	}
	r.res.Outputs = r.out.written
	r.res.Steps, r.res.Time, r.res.TimeUnit = r.step, Number(r.time), r.timeUnit()
	if c, ok := e.(Counter); ok {
		compute, host := c.Cycles()
		r.res.Cycles, r.res.HostCycles = &compute, &host
	}
	r.res.Pauses = r.out.pauses
	if s, ok := e.(Shower); ok {
		n, cycles, held := s.Shown()
		if n > 0 {
			r.res.Beside = &Beside{Looks: n, Cycles: cycles, Held: held}
		}
	}
	if errors.Is(err, errInterrupted) {
		r.res.Interrupted, err = true, nil
		if !r.torn { // the arrays are those of the last step
			err = r.statistics()
		}
	}
	r.res.Seconds = time.Since(r.begun).Seconds()
	return r.res, err
}

// errInterrupted and errWall end a run early: the user, or the limit of time.
var (
	errInterrupted = errors.New("interrupted")
	errWall        = errors.New("the limit of time is reached")
)

func (r *runner) run() error {
	if err := r.out.ready(); err != nil {
		return err
	}
	if c := r.opt.Checkpoints; c != nil {
		var err error
		if r.saver, err = newSaver(c, r.p); err != nil {
			return err
		}
	}
	first, from := 0, int64(0)
	if r.opt.Restart != "" {
		var err error
		if first, from, err = r.resume(r.opt.Restart); err != nil {
			return err
		}
	}
	if err := r.e.Scalars(r.env); err != nil {
		return err
	}
	r.ask(r.legs, r.wants)
	for i := range r.p.Arrays {
		if err := r.checkNaN(r.p.Arrays[i].Name, r.arrays[r.p.Arrays[i].Name]); err != nil {
			return err
		}
		if err := r.e.Set(r.p.Arrays[i].Name, r.arrays[r.p.Arrays[i].Name]); err != nil {
			return err
		}
	}
	r.arrays = nil // the engine holds them now
	for i := range r.legs {
		if l := &r.legs[i]; l.steps && r.opt.Restart == "" {
			r.time = l.time(0)
			break
		}
	}
	if slices.ContainsFunc(r.legs, func(l leg) bool { return l.clock != nil }) {
		r.total = 0 // nobody knows
	}
	r.opt.Progress.Begin(r.total)
	evolved := r.opt.Restart != "" && r.done > 0
	for i := first; i < len(r.legs); i++ {
		l := &r.legs[i]
		r.leg0, r.here = i, from
		if l.steps && !evolved {
			evolved = true
			if l.clock != nil {
				if err := r.readClock(l); err != nil {
					return err
				}
			}
			if err := r.stop(stopStart); err != nil {
				return err
			}
		}
		if err := r.leg(l, from); err != nil {
			return err
		}
		from = 0
	}
	if err := r.stop(stopEnd); err != nil {
		return err
	}
	if n := len(r.legs); n > 0 {
		if err := r.save(n-1, r.here); err != nil {
			return err
		}
	}
	return r.statistics()
}

// pace shows how many cycles of the machine are simulated in a second.
func (r *runner) pace() {
	c, counts := r.e.(Counter)
	w, shows := r.opt.Progress.(Watcher)
	if !counts || !shows {
		return
	}
	if cycles, _ := c.Cycles(); cycles > 0 {
		w.Watch("cycles/s", float64(cycles)/time.Since(r.begun).Seconds())
	}
}

// leg runs one entry of the schedule in segments, after the iterations that are done.
func (r *runner) leg(l *leg, from int64) error {
	l.first, r.now, r.over = r.step, l, false // an earlier leg may have ended early
	if l.steps {
		l.first -= from
	}
	if err := r.e.Scalars(l.env); err != nil {
		return err
	}
	stepper, whole := r.e.(Stepper)
	base := r.done - from
	if whole {
		stepper.OnStep(func(done int) {
			k := r.done - base + int64(done) // r.done does not change while the engine runs
			t := math.NaN()                  // only the program knows
			if l.clock == nil {
				t = l.time(k)
			}
			r.pace()
			r.opt.Progress.At(base+k, t)
		})
	}
	chunk := int64(1)
	if l.clock != nil {
		if err := r.readClock(l); err != nil {
			return err
		}
	}
	over := false
	if ended := l.until; ended != "" && from > 0 { // the checkpoint may be of the end
		if l.clock != nil {
			ended = l.clock.Done
		}
		var err error
		if over, err = r.flag(ended); err != nil {
			return err
		}
	}
	for k := from; k < l.n && !over; {
		if r.ctx.Err() != nil {
			return errInterrupted
		}
		if r.opt.Wall > 0 && time.Since(r.begun) >= r.opt.Wall {
			return errWall
		}
		at, to := r.looks(l, k, l.n)
		// A few segments a second keep the bar alive and Ctrl-C quick, without cutting what costs machine cycles to cut.
		// A limit of time cuts every engine.
		if (!whole || r.opt.Wall > 0 || r.saver != nil && r.saver.c.Wall > 0) && to-k > chunk {
			to = k + chunk
		}
		if n := r.watch.next(l, k); n > k && n < to {
			to = n
		}
		begun := time.Now()
		done, err := r.segment(l, to-k, at, whole)
		if err != nil {
			return err
		}
		cut := whole && r.ctx.Err() != nil && done < to-k
		if d := time.Since(begun); to-k == chunk && d < 100*time.Millisecond {
			chunk *= 2
		} else if d > 400*time.Millisecond {
			chunk = max(1, chunk/2)
		}
		early := done < to-k && !cut
		if done == 0 && early {
			return fmt.Errorf("the engine carried out no iteration of %s", l.run.Func)
		}
		k += done
		r.done, r.here = base+k, k
		r.fetched = nil
		if l.steps {
			r.step = l.first + k
			if l.clock == nil {
				r.time = l.time(k)
			} else if err := r.readClock(l); err != nil {
				return err
			}
		}
		if err := r.failures(); err != nil {
			return err
		}
		if over, err = r.ended(l, k, early); err != nil {
			return err
		}
		r.over = over
		if cut {
			return errInterrupted
		}
		stop := early || l.clock != nil || r.out.next(l, k-1) == k
		r.opt.Progress.At(r.done, r.time)
		r.announce()
		if r.watch.next(l, k-1) == k {
			if err := r.checkAll(); err != nil {
				return err
			}
		}
		if stop {
			if err := r.stop(stopDue); err != nil {
				return err
			}
		}
		if l.steps && r.saver.due(r.step) {
			if err := r.save(r.leg0, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// segment runs up to n further iterations, with those looks that come before the last. An engine that can be cut everywhere finishes its
// segment; the other ends it early, after an iteration, when the run is interrupted.
func (r *runner) segment(l *leg, n int64, at Moments, whole bool) (int64, error) {
	ctx := r.ctx
	if !whole {
		ctx = context.WithoutCancel(ctx)
	}
	var done int
	var err, seen error
	if s, ok := r.e.(Shower); ok {
		shows := s.Shows()
		done, err = s.RunShowing(ctx, l.run.Func, int(n), at, func(m ir.Moment, get func(string) (*ir.Tensor, error)) error {
			seen = r.see(l, m, slices.ContainsFunc(m.Looks, func(i int) bool { return shows[i].Whole() }), get)
			return seen
		})
	} else {
		done, err = r.e.Run(ctx, l.run.Func, int(n))
	}
	switch {
	case seen != nil:
		r.torn = true
		return int64(done), seen
	case err != nil && r.ctx.Err() != nil:
		r.torn = true
		return int64(done), errInterrupted
	}
	return int64(done), err
}

// raw fetches an array as it is now, or at the moment that is looked at.
func (r *runner) raw(name string) (*ir.Tensor, error) {
	if r.view != nil {
		return r.view(name)
	}
	return r.e.Get(name)
}

// get fetches an array, once between two segments. NaN in it ends the run.
func (r *runner) get(name string) (*ir.Tensor, error) {
	if t := r.fetched[name]; t != nil {
		return t, nil
	}
	t, err := r.raw(name)
	if err != nil {
		return nil, err
	}
	if r.fetched == nil {
		r.fetched = map[string]*ir.Tensor{}
	}
	r.fetched[name] = t
	return t, r.checkNaN(name, t)
}

// sample is the value of an array at a place. Only what it is made of is fetched, where the engine can, unless it is not finite.
func (r *runner) sample(array string, at []float64) (float64, error) {
	p := places(r.axes(r.p.Array(array)), at)
	if g, ok := r.e.(BoxGetter); ok && r.view == nil && r.fetched[array] == nil {
		box := boxAround(p)
		t, err := g.GetBox(array, box)
		if err != nil {
			return 0, err
		}
		if finite(t) {
			return sample(p, box, t), nil
		}
	}
	t, err := r.get(array)
	if err != nil {
		return 0, err
	}
	return sample(p, ir.WholeBox(t.Dims), t), nil
}

// axes of an array.
func (r *runner) axes(a *ir.Array) []ir.Axis {
	out := make([]ir.Axis, len(a.Axes))
	for i, n := range a.Axes {
		out[i] = *r.p.Axis(n)
	}
	return out
}

// statistics fills Fields: every field of the program that is not constant and no scratch. Names with a dot are the compiler's own.
func (r *runner) statistics() error {
	for _, a := range r.fields() {
		t, err := r.get(a.Name)
		if err != nil {
			return err
		}
		r.res.Fields[a.Name] = statistics(bounded(r.axes(a), a), t)
		r.res.Arrays[a.Name] = t
	}
	return nil
}

func (r *runner) fields() (out []*ir.Array) {
	for i := range r.p.Arrays {
		if a := &r.p.Arrays[i]; !a.Const && !a.Local && !hidden(a.Name) {
			out = append(out, a)
		}
	}
	return out
}

func hidden(name string) bool {
	for _, c := range name {
		if c == '.' {
			return true
		}
	}
	return false
}

// timeUnit is the unit of the time of the last evolve that has a time.
func (r *runner) timeUnit() (unit string) {
	for i := range r.legs {
		if l := &r.legs[i]; l.timed {
			unit = l.run.Unit
		}
	}
	return unit
}

// timeText is "t = 0.5" or "step 12".
func (r *runner) timeText() string {
	for i := range r.legs {
		if r.legs[i].timed {
			return strings.TrimRight(fmt.Sprintf("t = %.6g %s", r.time, r.timeUnit()), " ")
		}
	}
	return fmt.Sprintf("step %d", r.step)
}

// momentText is the time, if there is one, and the step.
func (r *runner) momentText() string {
	step := fmt.Sprintf("step %d", r.step)
	if t := r.timeText(); t != step {
		return t + ", " + step
	}
	return step
}
