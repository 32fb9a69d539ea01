package wfc

import (
	"context"
	"io"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Simulate runs the script of a machine program written as text (docs/machine-text.md) on the cycle-level simulator and writes what
// the script prints. machine is a profile name; when empty, the program's own.
func Simulate(ctx context.Context, src Source, machineName string, w io.Writer) error {
	_, err := SimulateWatched(ctx, src, machineName, w, Watch{}, Snapshots{})
	return err
}

// Snapshots says from what state a simulation begins and where its last state goes. Nil is the state after a reset, and nowhere. A
// simulation that begins with the last state of another of the same program, whatever its script, goes on as if it had never ended.
type Snapshots struct {
	From io.Reader
	To   io.Writer
}

// SimulateWatched is Simulate and records what watch asks for. The profile, when asked for, counts every launch as one iteration of
// function main.
func SimulateWatched(ctx context.Context, src Source, machineName string, w io.Writer, watch Watch, snap Snapshots) (*report.Profile, error) {
	p, err := wse.Parse(src.Name, src.Text)
	if err != nil {
		return nil, err
	}
	if machineName == "" {
		machineName = p.Machine
	}
	m, err := machine(machineName, 0, 0)
	if err != nil {
		return nil, err
	}
	if err := watch.check(p); err != nil {
		return nil, err
	}
	s, err := sim.New(p, m, sim.Options{})
	if err != nil {
		return nil, err
	}
	if snap.From != nil {
		if err := sim.Load(snap.From, p, m, s); err != nil {
			return nil, diag.List{diag.New("WF0625", diag.Span{}, "the simulation cannot go on: %v", err).
				Suggest("give a file that wfc sim --save wrote for this program and machine")}
		}
	}
	v := &watched{Sim: s}
	done := v.start(watch)
	err = s.RunScript(ctx, w)
	prof, werr := done()
	if err == nil {
		err = werr
	}
	if err == nil && snap.To != nil {
		err = sim.Save(snap.To, p, m, s)
	}
	return prof, err
}

// MachineConstant is a figure of a machine with its uncertainty and source.
type MachineConstant = wse.Constant

// MachineConstants lists the figures of a machine profile in a fixed order.
func MachineConstants(name string) ([]MachineConstant, error) {
	m, err := machine(name, 0, 0)
	if err != nil {
		return nil, err
	}
	return m.Constants(), nil
}

// Machines lists the names of the machine profiles.
func Machines() []string { return wse.Profiles() }

// waferOf returns the program's machine.
func (p *Program) waferOf() (wse.Machine, error) {
	m, err := wse.Profile(p.Machine)
	if err != nil {
		return m, diag.List{diag.New("WF0606", diag.Span{}, "%s was built for %v", p.Name, err).Suggest("build it again for one of them")}
	}
	return m, nil
}
