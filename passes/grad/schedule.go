package grad

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// Schedule adds to the program a procedure that does what the schedule's device runs do, one after the other, so that it can be
// differentiated. The clipped last step of a run, which has a step of its own, must be empty with the parameters' default values: choose
// an end that is a whole number of steps.
func Schedule(p *ir.Program, name string) error {
	if p.Func(name) != nil || p.Proc(name) != nil {
		return fmt.Errorf("there is a function %q already", name)
	}
	env, err := ir.EvalHost(p, nil, nil)
	if err != nil {
		return err
	}
	var body []ir.Stmt
	for _, run := range p.Schedule {
		f := p.Func(run.Func)
		switch {
		case f != nil && f.Host:
			continue
		case run.Clock != nil:
			return fmt.Errorf("%s keeps its own time; only runs of a known number of steps are differentiated", run.Func)
		case len(run.Bind) > 0 && env[run.Count] < 0.5:
			continue
		case len(run.Bind) > 0:
			return fmt.Errorf("the last step of %s is shorter than the others; choose an end that is a whole number of steps", run.Func)
		}
		body = append(body, ir.Stmt{Kind: ir.Loop, Count: run.Count, Body: []ir.Stmt{{Kind: ir.Call, Func: run.Func}}})
	}
	p.Procs = append(p.Procs, ir.Proc{Name: name, Body: body})
	return nil
}
