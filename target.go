package wfc

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/cpu"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// cpuEngine compiles the program for this computer. done ends the profile, if one was asked for.
func (p *Program) cpuEngine(prog *ir.Program, o RunOptions) (runtime.Engine, func() (*report.Profile, error), error) {
	done := func() (*report.Profile, error) { return nil, nil }
	e, err := openCPU(prog, o)
	if err != nil {
		return nil, done, err
	}
	if o.Watch.Profile {
		done = func() (*report.Profile, error) { return p.nativeProfile(e) }
	}
	return e, done, nil
}

// openCPU makes an engine of native code, which measures its kernels if they are to be profiled.
func openCPU(prog *ir.Program, o RunOptions) (*cpu.Engine, error) {
	e, err := cpu.New(prog, cpu.Options{Threads: o.Native.Threads, Level: o.Native.Level, PrintLLVM: o.Native.PrintLLVM, PassSteps: o.Native.PassSteps})
	if err == nil && o.Watch.Profile {
		e.Profile()
	}
	return e, err
}

// nativeProfile is what the kernels of an engine took, and what the computer could do.
func (p *Program) nativeProfile(e *cpu.Engine) (*report.Profile, error) {
	l, err := e.Limits()
	if err != nil {
		return nil, err
	}
	n := &report.NativeProfile{Threads: l.Threads, Flops: l.Flops, Copy: l.Copy, Memory: e.Bytes()}
	for _, k := range e.Kernels() {
		line := 0
		if p.file != nil && k.Pos != (ir.Pos{}) {
			line, _ = p.file.Position(k.Pos.Start)
		}
		n.Kernels = append(n.Kernels, report.Kernel{Func: k.Func, Name: k.Name, Code: k.Kind, Shape: k.Shape, Line: line, Calls: k.Calls,
			Seconds: k.Time.Seconds(), CPU: k.CPU.Seconds(), Flops: float64(k.Flops) * float64(k.Calls), Bytes: float64(k.Bytes) * float64(k.Calls)})
	}
	n.Gather()
	return &report.Profile{Native: n}, nil
}

// Engines that simulate the wafer. They give the same in every cycle.
const (
	FastEngine  = "fast"  // carries out the rules once for all PEs in one state; leaves to the plain one what it does not model
	PlainEngine = "plain" // carries them out PE by PE: the definition
)

// waferEngine loads the machine program into a simulated wafer that is watched as w says.
func (p *Program) waferEngine(w Watch, o RunOptions) (e runtime.Engine, done func() (*report.Profile, error), err error) {
	m, err := p.waferOf()
	if err != nil {
		return nil, nil, err
	}
	switch o.Engine {
	case "", FastEngine, PlainEngine:
	default:
		return nil, nil, diag.List{diag.New("WF0606", diag.Span{}, "unknown engine %q", o.Engine).Note("the engines are fast and plain")}
	}
	if o.Engine != PlainEngine && !w.on() {
		f, why, err := fast.Open(p.Code, m, sim.Options{})
		if err != nil {
			return nil, nil, err
		}
		if o.OnEngine != nil && why != "" {
			o.OnEngine(PlainEngine, why)
		}
		done = func() (*report.Profile, error) { return nil, nil }
		if f, ok := f.(*fast.Sim); ok && o.OnEngine != nil {
			done = func() (*report.Profile, error) {
				if why := f.Left(); why != "" {
					o.OnEngine(PlainEngine, why)
				}
				return nil, nil
			}
		}
		e, err = host.On(p.IR, p.Mesh, f)
		return e, done, err
	}
	if o.OnEngine != nil && o.Engine != PlainEngine {
		o.OnEngine(PlainEngine, "the run is watched")
	}
	if err := w.check(p.Code); err != nil {
		return nil, nil, err
	}
	s, err := sim.New(p.Code, m, sim.Options{})
	if err != nil {
		return nil, nil, err
	}
	v := &watched{Sim: s, funcs: p.Mesh.Launches(), early: codegen.EndsEarly(p.Mesh)}
	done = v.start(w)
	e, err = host.On(p.IR, p.Mesh, v)
	return e, done, err
}
