package trace

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// simulator loads a machine program.
func simulator(t testing.TB, name, src string) *sim.Sim {
	t.Helper()
	p, err := wse.Parse(name, src)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wse.Profile(p.Machine)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(p, m, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// examples are the hand-written machine programs.
func examples(t *testing.T, f func(t *testing.T, s *sim.Sim)) {
	files, err := filepath.Glob("../examples/*.wse")
	if len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(name), func(t *testing.T) { f(t, simulator(t, name, string(b))) })
	}
}

// Every cycle of every CE is accounted for once, and the critical path is as long as the run.
func TestEveryCycleIsAccountedFor(t *testing.T) {
	examples(t, func(t *testing.T, s *sim.Sim) {
		p := NewProfile(s)
		s.SetSink(p)
		args := 0
		for _, c := range s.Codes() {
			args = max(args, len(c.Args))
		}
		list := make([]int32, args)
		for i := range list {
			list[i] = 3
		}
		st, err := s.Launch(context.Background(), list...)
		if err != nil {
			t.Skip(err)
		}
		f := p.Report().Functions[0]
		if f.Cycles != st.Cycles {
			t.Errorf("%d cycles, the launch took %d", f.Cycles, st.Cycles)
		}
		if n := f.Critical.Cycles.Total(); n != st.Cycles {
			t.Errorf("the critical path is %d cycles long, the launch %d: %+v", n, st.Cycles, f.Critical.Cycles)
		}
		for i, c := range f.Classes {
			if n := c.Cycles.Total(); n != c.PEs*st.Cycles {
				t.Errorf("class %s: %d cycles accounted for of %d PEs x %d", c.Class, n, c.PEs, st.Cycles)
			}
			e := st.Classes[i]
			if c.Cycles.Operand != e.WaitIn || c.Cycles.Queue+c.Cycles.Link != e.WaitOut {
				t.Errorf("class %s waits %d and %d, the engine says %d and %d", c.Class, c.Cycles.Operand, c.Cycles.Queue+c.Cycles.Link, e.WaitIn, e.WaitOut)
			}
		}
	})
}
