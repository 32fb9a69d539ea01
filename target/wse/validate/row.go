package validate

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Kind of a row: what the aim is.
type Kind uint8

// Kinds of rows.
const (
	Micro  Kind = iota // a microbenchmark of the vendor's simulator
	Model              // a closed form that its authors measured to be good to 4 %
	Kernel             // a whole kernel with public source
)

// Aim is the largest |ratio - 1| that needs no explanation.
func (k Kind) Aim() float64 {
	if k == Kernel {
		return 0.10
	}
	return 0.02
}

// Row is one published number.
type Row struct {
	ID        string // stable, unique
	Section   string // key of Sections
	What      string
	Source    string
	Machine   string // profile
	Kind      Kind
	Formula   string  // where the number is a formula's, the formula
	Published float64 // cycles
	// Program is the machine text; With, when set, alters the profile before anything runs (and the row says so in Note).
	Program string
	With    func(wse.Machine) wse.Machine
	// Window is the part of a launch that the source timed. Base, when set, is a second program whose window is subtracted:
	// the source gives a slope.
	Window Window
	Base   string
	// Launched: the source's window is opened and closed by launches of the host before and after the function.
	Launched bool
	// Init prepares the arrays of a simulation; nil = as declared.
	Init func(*sim.Sim) error
	// Slow rows are not rerun by the test.
	Slow bool
	// Note says what the program stands for, and why a row misses its aim.
	Note string
}

// Window takes the timed part out of the cycles of a launch.
type Window func(m wse.Machine, cycles int64) float64

// whole is the launch as the engine counts it: from the activation of the entry task to the last exit.
func whole(_ wse.Machine, c int64) float64 { return float64(c) }

// body is what lies between the first instruction of the entry task and the exit: what two timestamps around it would measure.
func body(m wse.Machine, c int64) float64 { return float64(c - int64(m.LocalDispatch) - 1) }

// stream is body without the setup of the first fabric operation, which the models of collectives leave out.
func stream(m wse.Machine, c int64) float64 { return body(m, c) - float64(m.FabricSetup) }

// parsed keeps programs: an interval runs each of them many times, and parsing a wide mesh takes longer than its cycles.
var parsed sync.Map

func parse(text string) (*wse.Program, error) {
	if p, ok := parsed.Load(text); ok {
		return p.(*wse.Program), nil
	}
	p, err := wse.Parse("", text)
	if err != nil {
		return nil, err
	}
	parsed.Store(text, p)
	return p, nil
}

// Cycles runs the row on a machine derived from its profile.
func (r *Row) Cycles(m wse.Machine) (float64, error) {
	c, err := r.run(r.Program, m)
	if err != nil || r.Base == "" {
		return c, err
	}
	b, err := r.run(r.Base, m)
	return c - b, err
}

func (r *Row) run(text string, m wse.Machine) (float64, error) {
	p, err := parse(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", r.ID, err)
	}
	s, err := sim.New(p, m, sim.Options{MaxCycles: 1 << 22})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", r.ID, err)
	}
	if r.Init != nil {
		if err := r.Init(s); err != nil {
			return 0, fmt.Errorf("%s: %w", r.ID, err)
		}
	}
	st, err := s.Launch(context.Background())
	if err != nil {
		return 0, fmt.Errorf("%s: %w", r.ID, err)
	}
	if err := expectations(s, p); err != nil {
		return 0, fmt.Errorf("%s: %w", r.ID, err)
	}
	c := r.Window(m, st.Cycles)
	if r.Launched {
		c += float64(m.HostLaunch)
	}
	return c, nil
}

// expectations checks the values a program computes: a kernel that is fast and wrong validates nothing.
func expectations(s *sim.Sim, p *wse.Program) error {
	if len(p.Script) == 0 {
		return nil
	}
	return s.RunScript(context.Background(), &strings.Builder{})
}

// machine is the row's profile, altered by With.
func (r *Row) machine() (wse.Machine, error) {
	m, err := wse.Profile(r.Machine)
	if err == nil && r.With != nil {
		m = r.With(m)
	}
	return m, err
}
