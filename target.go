package wfc

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/cpu"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// cpuEngine compiles the program for this computer.
func (p *Program) cpuEngine(prog *ir.Program) (runtime.Engine, error) {
	return cpu.New(prog, cpu.Options{})
}

// waferEngine loads the machine program into a simulated wafer.
func (p *Program) waferEngine() (runtime.Engine, error) {
	m, err := p.waferOf()
	if err != nil {
		return nil, err
	}
	return host.New(p.IR, p.Mesh, p.Code, m, sim.Options{})
}
