package wfc

import (
	"context"
	"io"
	"time"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime"
)

// Target says what computes.
type Target string

// Targets. All give the same bits; reductions along a mesh axis combine in the wafer's order, which RunOptions.Order replays elsewhere.
const (
	Wafer  Target = "wse"    // the cycle-level simulator of the machine
	CPU    Target = "cpu"    // native code of this computer, by LLVM
	Interp Target = "interp" // the reference interpreter
)

// Targets lists them.
func Targets() []Target { return []Target{Wafer, CPU, Interp} }

// RunOptions steer a run. The zero value runs on the wafer and writes no files.
type RunOptions struct {
	Target Target
	// Set gives value parameters other values than the build's, like BuildOptions.Set. Shape parameters are frozen.
	Set    map[string]string
	OutDir string // where outputs go; "" writes none
	// Order replays the reductions of a program built for a wafer on interpreter and CPU.
	Order    *Program
	Progress runtime.Progress // nil is silent
	Watch    Watch            // what to record of a run on the wafer, and whether to measure the kernels of one on the CPU
	Native   Native           // how native code is made
	// Engine simulates the wafer: FastEngine or PlainEngine; "" is the fast one. OnEngine, when not nil, is told the engine that took
	// over a run that the fast one leaves, and why.
	Engine   string
	OnEngine func(name, why string)
	// Checkpoints, if not nil, writes checkpoints; Restart, if not "", is a checkpoint, or the directory of a run, to go on from; Wall, if
	// not 0, ends the run cleanly when so much time has passed.
	Checkpoints *runtime.Checkpoints
	Restart     string
	Wall        time.Duration
	// Ranks, if not nil, divide the run among the processes of an MPI job (see Join). On ranks other than 0, Run and Estimate return no result.
	Ranks *Ranks
}

// Native says how native code is made.
type Native struct {
	Level     string    // of LLVM's optimisation, "0" to "3"; "" is the highest
	PrintLLVM io.Writer // gets the LLVM IR, if not nil
	Threads   int       // 0: as many as there are processors
	PassSteps int       // steps that a pass over large fields takes together at most; 0: as many as pay, 1: no temporal blocking
}

// Result is what a run leaves: steps, time, cycles, statistics, probes, files.
type Result = runtime.Result

// Estimate says what a run will take, from its first steps, which it runs for about the time of budget. It writes nothing.
func (p *Program) Estimate(ctx context.Context, opt RunOptions, budget time.Duration) (*runtime.Estimate, error) {
	if !opt.Ranks.Leads() {
		return nil, opt.Ranks.follow(ctx, p, opt)
	}
	defer opt.Ranks.dismiss()
	prep, e, _, err := p.prepare(&opt)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return prep.Estimate(ctx, e, budget)
}

// Run runs the program. When the context is cancelled it stops early: the result then has Interrupted set, and outputs written so far
// stay. The result is not nil whenever the run began.
func (p *Program) Run(ctx context.Context, opt RunOptions) (*Result, error) {
	if !opt.Ranks.Leads() {
		return nil, opt.Ranks.follow(ctx, p, opt)
	}
	defer opt.Ranks.dismiss() // its failure is that of the run, which has told
	prep, e, done, err := p.prepare(&opt)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	res, err := prep.Run(ctx, e)
	err = lostRank(FileErrors(err))
	var prof *report.Profile
	if !isLost(err) { // a lost rank gives no account of itself
		var werr error
		if prof, werr = done(); err == nil {
			err = werr
		}
	}
	if res != nil {
		res.Profile, p.ReportData.Profile = prof, prof
		res.Target = string(opt.Target)
		if opt.Target == Wafer {
			res.Machine, res.Mesh = p.Machine, &[2]int{p.Code.W, p.Code.H}
			if w := p.ReportData.Wafer; w != nil && res.Pauses > 0 {
				res.Notes = append(res.Notes, outputNotes(w.Outputs)...)
			}
		}
	}
	return res, err
}

// prepare loads the program and makes the engine of its target. done ends what watches the engine.
func (p *Program) prepare(opt *RunOptions) (prep *runtime.Prepared, e runtime.Engine, done func() (*report.Profile, error), err error) {
	if opt.Target == "" {
		opt.Target = Wafer
	}
	if p.IR == nil {
		return nil, nil, nil, p.Refusal
	}
	set, err := p.settings(opt.Set)
	if err != nil {
		return nil, nil, nil, err
	}
	prog, err := p.ordered(*opt)
	if err != nil {
		return nil, nil, nil, err
	}
	if opt.Target == Wafer {
		if err := p.onWafer(); err != nil { // before memory is taken for its fields
			return nil, nil, nil, err
		}
	}
	prep, err = runtime.Prepare(prog, runtime.Options{Settings: set, DataDir: p.Source.Dir, OutDir: opt.OutDir, File: p.file, Progress: opt.Progress,
		EngineBytes: p.engineBytes(opt.Target), Checkpoints: opt.Checkpoints, Restart: opt.Restart, Wall: opt.Wall})
	if err != nil {
		return nil, nil, nil, err
	}
	if opt.Target == CPU && (opt.Watch.Timeline != nil || opt.Watch.Trace != nil) || opt.Target == Interp && opt.Watch.on() {
		return nil, nil, nil, diag.List{diag.New("WF0606", diag.Span{}, "timelines and traces are of the simulated wafer, profiles of it and of native code; the target is %s", opt.Target).
			Suggest("leave out --target, or use --profile with --target cpu")}
	}
	e, done, err = p.engine(prog, opt.Target, *opt)
	if err != nil {
		return nil, nil, nil, err
	}
	return prep, e, done, nil
}

// ordered is the canonical program with the orders of reductions that are asked for.
func (p *Program) ordered(opt RunOptions) (*ir.Program, error) {
	if opt.Order == nil {
		return p.IR, nil
	}
	if opt.Order.Mesh == nil {
		return nil, diag.List{diag.New("WF0606", diag.Span{}, "%s holds no mesh program, so no orders of reductions", opt.Order.Name).
			Suggest("build it for a machine it fits")}
	}
	prog := p.IR.Clone()
	if err := ReplayOrders(prog, opt.Order.Mesh); err != nil {
		return nil, diag.List{diag.New("WF0606", diag.Span{}, "%v", err).Suggest("build the .wfx file from this source with the same settings")}
	}
	return prog, nil
}

// onWafer says why a program cannot run on the wafer.
func (p *Program) onWafer() error {
	switch {
	case p.Code != nil:
		return nil
	case p.Refusal != nil:
		return p.Refusal
	}
	return diag.List{diag.New("WF0606", diag.Span{}, "%s was not built for a machine", p.Name).Suggest("run it with --target interp")}
}

// engine makes what computes. done ends what watches it.
func (p *Program) engine(prog *ir.Program, t Target, o RunOptions) (e runtime.Engine, done func() (*report.Profile, error), err error) {
	done = func() (*report.Profile, error) { return nil, nil }
	if o.Ranks != nil {
		return o.Ranks.lead(p, prog, t, o)
	}
	switch t {
	case Interp:
		e, err = interp.New(prog)
		return e, done, err
	case CPU:
		return p.cpuEngine(prog, o)
	case Wafer:
		return p.waferEngine(o.Watch, o)
	}
	d := diag.New("WF0606", diag.Span{}, "unknown target %q", t).Note("the targets are wse, cpu and interp")
	if n, ok := diag.Nearest(string(t), []string{"wse", "cpu", "interp"}); ok {
		d.Suggest("did you mean %s?", n)
	}
	return nil, nil, diag.List{d}
}

// settings turns values with units into numbers. The source is read again with them, because it knows the units and the rules that
// depend on values.
func (p *Program) settings(set map[string]string) (runtime.Settings, error) {
	if len(set) == 0 {
		return nil, nil
	}
	all := map[string]string{}
	for _, q := range p.IR.Params {
		if q.Shape {
			all[q.Name] = formatNumber(q.Value)
			if u := unit(q.Unit); u != "" {
				all[q.Name] += " " + u // a bare number would be in the unit of the declaration
			}
		}
	}
	given := map[string]string{}
	for k, v := range set {
		all[k], given[k] = v, v
	}
	prog, file, list := frontend(Source{Name: p.Source.Name, Text: p.Source.Text, Dir: p.Source.Dir}, all)
	if err := list.Err(); err != nil {
		return nil, err
	}
	s := runtime.Settings{}
	for _, q := range prog.Params {
		if _, ok := given[q.Name]; ok {
			s[q.Name] = q.Value
		}
	}
	at := func(name string) diag.Span { return paramSpan(file, p.Source, name) }
	if err := runtime.CheckFrozen(p.IR, s, at); err != nil {
		return nil, err
	}
	return s, nil
}
