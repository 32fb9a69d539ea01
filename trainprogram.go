package wfc

import (
	"maps"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/train"
)

// settings are those of the run, and more.
func (t *training) settings(more map[string]string) map[string]string {
	set := map[string]string{}
	maps.Copy(set, t.set)
	maps.Copy(set, more)
	return set
}

// planned is the plan with the settings of the run, and more.
func (t *training) planned(more map[string]string) (*train.Plan, error) {
	if p := t.asBuilt(more); p != nil {
		return t.checked(p.Plan, p.IR, p.Name)
	}
	prog, plan, _, list := frontendPlan(t.src, t.settings(more), nil)
	if err := list.Err(); err != nil {
		return nil, err
	}
	return t.checked(plan, prog, prog.Name)
}

// checked holds a plan against its program, and gives it the order of the data that the user asked for.
func (t *training) checked(plan *train.Plan, prog *ir.Program, name string) (*train.Plan, error) {
	if plan == nil {
		return nil, diag.List{diag.New("WF0645", diag.Span{}, "%s has no train block", t.src.Name).
			Suggest("say how to train: `train %s on text { batch 16; tokens 20 per weight; .. }`", name)}
	}
	own := *plan
	if t.opt.Order != "" {
		own.Order = t.opt.Order
	}
	if err := own.Check(prog); err != nil {
		return nil, diag.List{diag.New("WF0645", diag.Span{}, "%v", err)}
	}
	return &own, nil
}

// build compiles the program with the settings of the run, and more.
func (t *training) build(more map[string]string) (*Program, error) {
	p := t.asBuilt(more)
	if p == nil {
		built, err := Build(t.src, BuildOptions{Set: t.settings(more), Machine: t.opt.Machine, MeshW: t.opt.MeshW, MeshH: t.opt.MeshH, Products: t.opt.Products,
			IndexOnly: t.opt.Target != Wafer, phases: t.phases()})
		if err != nil {
			return nil, err
		}
		p = built
	}
	if t.opt.Target == Wafer {
		if err := p.onWafer(); err != nil {
			return nil, err
		}
	}
	own := *p
	var err error
	own.Plan, err = t.checked(p.Plan, p.IR, p.Name)
	return &own, err
}

// phases are those of the run, once they are known.
func (t *training) phases() []train.Phase {
	if t.plan == nil {
		return nil
	}
	return t.plan.Phases
}

// program is the program of a phase, loaded.
func (t *training) program(phase int) (*train.Program, error) {
	p := t.progs[phase]
	if p == nil {
		var more map[string]string
		if len(t.plan.Phases) > 0 {
			more = t.plan.Phases[phase].Set
		}
		var err error
		if p, err = t.build(more); err != nil {
			return nil, err
		}
		if phase == 0 {
			p.Plan.Phases, p.Plan.Steps = t.plan.Phases, t.plan.Steps
		}
		t.progs[phase] = p
	}
	o := RunOptions{Engine: t.opt.Engine, OnEngine: t.opt.OnEngine, Native: t.opt.Native, Watch: Watch{Profile: t.opt.Profile}}
	return trainable(p, t.opt.Target, o, func(done func() (*Profile, error)) { t.profiled = done })
}

// trainable loads a program for the loop. made is told what ends the watching of every engine.
func trainable(p *Program, target Target, o RunOptions, made func(done func() (*Profile, error))) (*train.Program, error) {
	prep, err := runtime.Prepare(p.IR, runtime.Options{Late: true, DataDir: p.Source.Dir, File: p.file, EngineBytes: p.engineBytes(target)})
	if err != nil {
		return nil, err
	}
	return &train.Program{Plan: p.Plan, Prepared: prep, Hash: Hash(p.IR), Engine: func() (runtime.Engine, error) {
		e, done, err := p.engine(p.IR, target, o)
		if err == nil && made != nil {
			made(done)
		}
		return e, err
	}}, nil
}
