package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/tokens"
)

// Program is a phase's program, compiled.
type Program struct {
	Plan     *Plan
	Prepared *runtime.Prepared // host scalars and initial values
	Hash     string            // SHA-256 of the canonical IR
	// Engine makes what computes; the trainer closes it.
	Engine func() (runtime.Engine, error)
}

// Options steer a run.
type Options struct {
	Data *tokens.Data
	Out  string // directory of the run; "" writes nothing
	// Resume continues from the checkpoint in this directory; Init begins a new run with its weights.
	Resume, Init string
	// Steps ends this session early, after so many steps of the whole run; 0 runs to the end of the plan. The run can be resumed.
	Steps       int64
	EvalEvery   int64    // steps; 0: the plan's, else only at the end
	EvalBatches int      // 0: the plan's, else 20
	SaveEvery   int64    // steps; 0: the plan's, else a tenth of the run, at least 100
	Keep        int      // checkpoints that stay, 0 all
	Run         ckpt.Run // what run.json says besides: source, settings, target, data
	Progress    Progress // may be nil
	FS          ckpt.FS  // nil: the computer's
	Now         func() time.Time
	// Ranks, if not nil, share the microbatches of every step. All ranks make the same calls with the same data; only rank 0 has Out and
	// Progress.
	Ranks mpi.Comm
}

// Result is what a session leaves.
type Result struct {
	Step, Steps int64
	Tokens      uint64
	Loss        runtime.Number // of the last step
	ValLoss     *runtime.Number
	Seconds     float64 // of this session
	Interrupted bool
	Checkpoint  string // the last one written, "" if none
	Notes       []string
}

// Trainer is a run.
type Trainer struct {
	open   func(phase int) (*Program, error)
	o      Options
	plan   *Plan // of the first phase: steps, ramp, phases
	phase  int
	prog   *Program
	eng    runtime.Engine
	team   *team // nil on one rank
	data   *tokens.Sampler
	x, y   *ir.Tensor
	step   int64
	run    ckpt.Run
	lock   io.Closer // of the directory
	save   *ckpt.Writer
	log    *metrics
	res    Result
	begun  time.Time
	prior  float64  // seconds of earlier sessions
	saved  int64    // step of the last checkpoint, -1 none
	cycles [2]int64 // of the engine, of computation and transfers, at the last step
}

// New opens a run: builds the phase it is in, loads the checkpoint it continues, prepares its directory. open builds the program of a
// phase (0 when there are none). Errors are diagnostics where the input is at fault.
func New(open func(phase int) (*Program, error), o Options) (*Trainer, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FS == nil {
		o.FS = ckpt.OS
	}
	if o.Progress == nil {
		o.Progress = silent{}
	}
	first, err := open(0)
	if err != nil {
		return nil, err
	}
	t := &Trainer{open: open, o: o, plan: first.Plan, run: o.Run, saved: -1}
	var from *ckpt.Checkpoint
	if dir := o.Resume + o.Init; dir != "" {
		if from, err = ckpt.Open(dir); err != nil {
			return nil, damaged(err)
		}
	}
	if o.Resume != "" {
		if err := t.continues(from); err != nil {
			return nil, err
		}
	}
	t.run.Model, t.run.Steps, t.run.Seed = t.plan.Model, t.plan.Steps, t.plan.Seed
	t.run.Order, t.run.Schedule, t.run.Optimizer, t.run.Precision = t.plan.Order, t.plan.Schedule, t.plan.Optimizer, t.plan.Precision
	if t.run.Plan, err = t.plan.JSON(); err != nil {
		return nil, err
	}
	t.phase = t.phaseOf(t.step)
	t.prog = first
	if t.phase != 0 {
		if t.prog, err = open(t.phase); err != nil {
			return nil, err
		}
	}
	t.run.Program = t.prog.Hash
	if err := t.enter(t.run.Cursor); err != nil {
		return nil, err
	}
	if from != nil {
		err = t.load(from, o.Resume != "")
	}
	if err == nil && o.Out != "" {
		err = t.prepareDir()
	}
	if err != nil {
		if cerr := t.Close(); cerr != nil {
			err = errors.Join(err, cerr)
		}
		return nil, err
	}
	r := ckpt.Restart{Step: t.step, Time: o.Now().UTC().Format(time.RFC3339), Program: t.run.Program, Target: t.run.Target}
	if dir := o.Resume + o.Init; dir != "" {
		r.From = filepath.Base(dir)
	}
	t.run.Restarts = append(t.run.Restarts, r)
	return t, nil
}

// phaseOf is the phase of step n.
func (t *Trainer) phaseOf(n int64) int {
	for i, p := range t.plan.Phases {
		if n < p.Steps || i == len(t.plan.Phases)-1 {
			return i
		}
		n -= p.Steps
	}
	return 0
}

// enter makes the engine of the present phase, with its initial values, and its place in the data.
func (t *Trainer) enter(at tokens.Cursor) error {
	p := t.prog.Plan
	d := t.o.Data
	if d.Vocab > p.Vocab {
		large := diag.New("WF0642", diag.Span{}, "the data have tokens up to %d, the model a vocabulary of %d", d.Vocab-1, p.Vocab)
		if d.Largest != "" {
			large.Note("%s", d.Largest)
		}
		return diag.List{large.Suggest("give the model a vocabulary of %d", d.Vocab)}
	}
	var err error
	if t.data, err = tokens.NewSampler(d.Train, p.Order, p.Seed, p.Context, at); err != nil {
		return diag.List{diag.New("WF0642", diag.Span{}, "%v", err).Suggest("take more data, or a shorter context")}
	}
	if t.eng, err = t.prog.Engine(); err != nil {
		return err
	}
	if t.team, err = newTeam(t.o.Ranks, p, t.prog.Prepared.Program()); err != nil {
		t.eng.Close()
		return err
	}
	t.cycles = [2]int64{}
	debug.FreeOSMemory() // what the compiler took
	if err = t.prog.Prepared.Start(t.eng, nil); err != nil {
		t.eng.Close()
		return err
	}
	t.prog.Prepared.Release() // the engine holds them now
	debug.FreeOSMemory()      // they are as large as the weights and the optimizer's state
	t.x, t.y = ir.NewTensor(ir.I32, p.Batch, p.Context), ir.NewTensor(ir.I32, p.Batch, p.Context)
	return nil
}

// Close releases the engine and the directory.
func (t *Trainer) Close() error {
	err := t.eng.Close()
	if t.lock != nil {
		err = errors.Join(err, t.lock.Close())
		t.lock = nil
	}
	return err
}

// Run trains until the end of the plan, or of Options.Steps, or until the context is cancelled; then it saves. The result is not nil.
func (t *Trainer) Run(ctx context.Context) (*Result, error) {
	t.begun = t.o.Now()
	t.res.Steps = t.plan.Steps
	end := t.plan.Steps
	if t.o.Steps > 0 {
		end = min(end, t.o.Steps)
	}
	t.o.Progress.Begin(t.plan, t.step, end)
	err := t.steps(ctx, end)
	if errors.Is(err, errEnded) {
		return &t.res, nil
	}
	if err == nil && t.saved != t.step {
		err = t.checkpoint(true)
	}
	t.o.Progress.End()
	if t.save != nil {
		last, werr := t.save.Last()
		t.res.Checkpoint = last
		if err == nil {
			err = werr
		}
	}
	if t.log != nil {
		if lerr := t.log.close(); err == nil {
			err = lerr
		}
	}
	t.res.Step, t.res.Tokens = t.step, t.data.Cursor().Tokens
	t.res.Seconds = t.o.Now().Sub(t.begun).Seconds()
	return &t.res, err
}

func (t *Trainer) steps(ctx context.Context, end int64) error {
	evalEvery, saveEvery := t.evalEvery(), t.saveEvery()
	for t.step < end {
		stop, err := ctx.Err() != nil, error(nil)
		if t.team != nil {
			stop, err = t.team.stops(ctx)
		}
		if stop || err != nil {
			t.res.Interrupted = stop
			return err
		}
		if ph := t.phaseOf(t.step); ph != t.phase {
			if err := t.switchPhase(ph); err != nil {
				return err
			}
		}
		if err := t.one(); err != nil {
			return err
		}
		last := t.step == t.plan.Steps
		if t.prog.Plan.Eval != "" && (last || evalEvery > 0 && t.step%evalEvery == 0) {
			if err := t.evaluate(last); err != nil {
				return err
			}
		}
		if last || saveEvery > 0 && t.step%saveEvery == 0 {
			if err := t.checkpoint(t.step == end); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Trainer) evalEvery() int64 {
	if t.o.EvalEvery != 0 {
		return t.o.EvalEvery
	}
	return t.plan.EvalEvery
}

func (t *Trainer) saveEvery() int64 {
	switch {
	case t.o.SaveEvery != 0:
		return t.o.SaveEvery
	case t.plan.SaveEvery != 0:
		return t.plan.SaveEvery
	}
	return max(100, t.plan.Steps/10)
}

// one does an optimizer step. A step that has begun is finished, whatever becomes of the context: there is no half of one.
func (t *Trainer) one() error {
	begun := t.o.Now()
	p := t.prog.Plan
	k := p.Accumulate
	if len(t.plan.Phases) > 0 {
		k = t.plan.Phases[t.phase].Accumulate
	}
	k = t.plan.Micros(t.step, k)
	sum, err := t.micros(k)
	if err != nil {
		return err
	}
	if p.Micro != "" {
		if err := t.exec(p.Step); err != nil {
			return err
		}
	}
	t.step++
	ev := Event{Step: t.step, Phase: t.phase, Tokens: t.data.Cursor().Tokens, Epoch: t.data.Cursor().Epoch, Loss: sum / float64(k),
		StepTokens: int64(k) * int64(p.Batch) * int64(p.Context)}
	if c, ok := t.eng.(runtime.Counter); ok {
		compute, host := c.Cycles()
		ev.Metrics = append(ev.Metrics, Value{"cycles", runtime.Number(compute - t.cycles[0])}, Value{"host_cycles", runtime.Number(host - t.cycles[1])})
		t.cycles = [2]int64{compute, host}
	}
	for _, m := range p.Metrics {
		v, err := t.scalar(m.Array)
		if err != nil {
			return err
		}
		ev.Metrics = append(ev.Metrics, Value{m.Name, runtime.Number(v)})
	}
	ev.Seconds = t.o.Now().Sub(begun).Seconds()
	t.res.Loss = runtime.Number(ev.Loss)
	t.o.Progress.Step(&ev)
	if t.log != nil {
		if err := t.log.step(&ev); err != nil {
			return err
		}
	}
	if math.IsNaN(ev.Loss) || math.IsInf(ev.Loss, 0) {
		if t.team != nil && t.team.c.Rank() > 0 {
			return errEnded
		}
		return diag.List{diag.New("WF0643", diag.Span{}, "the loss of step %d is %v", t.step, ev.Loss).
			Note("nothing of this step was saved").Suggest("a smaller learning rate, a longer warmup, or clipping of gradients")}
	}
	return nil
}

// micros feeds the batches of a step and launches what each needs; it returns the sum of their losses.
func (t *Trainer) micros(k int) (sum float64, err error) {
	if t.team != nil {
		return t.team.micros(t, k)
	}
	for range k {
		t.data.Next(t.x.I32, t.y.I32)
		loss, err := t.launch(t.prog.Plan.Micro, t.prog.Plan.Step)
		if err != nil {
			return 0, err
		}
		sum += loss
	}
	return sum, nil
}

// launch feeds a batch and runs the first of the functions that is named. It returns the loss.
func (t *Trainer) launch(fns ...string) (float64, error) {
	p := t.prog.Plan
	if err := t.eng.Set(p.Tokens, t.x); err != nil {
		return 0, err
	}
	if err := t.eng.Set(p.Targets, t.y); err != nil {
		return 0, err
	}
	for _, f := range fns {
		if f != "" {
			if err := t.exec(f); err != nil {
				return 0, err
			}
			break
		}
	}
	return t.scalar(p.Loss)
}

func (t *Trainer) exec(fn string) error {
	_, err := t.eng.Run(context.Background(), fn, 1)
	return err
}

func (t *Trainer) scalar(array string) (float64, error) {
	v, err := t.eng.Get(array)
	if err != nil {
		return 0, err
	}
	return v.At(0), nil
}

// switchPhase builds the program of a phase and gives it the state.
func (t *Trainer) switchPhase(phase int) error {
	snap, err := t.snapshot(true)
	if err != nil {
		return err
	}
	if err := t.eng.Close(); err != nil {
		return err
	}
	t.eng = closed{}
	if t.prog, err = t.open(phase); err != nil {
		return err
	}
	t.phase, t.run.Program = phase, t.prog.Hash
	if err := t.enter(t.data.Cursor()); err != nil {
		t.eng = closed{}
		return err
	}
	return t.restore(snap.Groups, true)
}

// closed stands where there is no engine.
type closed struct{ runtime.Engine }

func (closed) Close() error { return nil }

// damaged makes diagnostics of an error of a checkpoint.
func damaged(err error) error {
	if list := diagnose(err); list != nil {
		return list
	}
	return err
}

func fits(format string, args ...any) *diag.Diagnostic {
	return diag.New("WF0641", diag.Span{}, "%s", fmt.Sprintf(format, args...))
}
