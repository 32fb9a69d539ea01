package wfc

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/cpu"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// cpuEngine compiles the program for this computer.
func (p *Program) cpuEngine(prog *ir.Program) (runtime.Engine, error) {
	return cpu.New(prog, cpu.Options{})
}

// waferEngine loads the machine program into a simulated wafer that is watched as w says.
func (p *Program) waferEngine(w Watch) (e runtime.Engine, done func() (*report.Profile, error), err error) {
	m, err := p.waferOf()
	if err != nil {
		return nil, nil, err
	}
	s, err := sim.New(p.Code, m, sim.Options{})
	if err != nil {
		return nil, nil, err
	}
	v := &watched{Sim: s, funcs: p.Mesh.Funcs}
	done = v.start(w)
	e, err = host.On(p.IR, p.Mesh, v)
	return e, done, err
}
