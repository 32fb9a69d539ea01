package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// simulator loads a machine program.
func simulator(t testing.TB, name, src string) *sim.Sim {
	t.Helper()
	s, err := bounded(name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bounded is a simulator that gives up after a number of cycles, if that is not 0.
func bounded(name, src string, most int64) (*sim.Sim, error) {
	p, err := wse.Parse(name, src)
	if err != nil {
		return nil, err
	}
	m, err := wse.Profile(p.Machine)
	if err != nil {
		return nil, err
	}
	return sim.New(p, m, sim.Options{MaxCycles: most})
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

// So it is when a launch never ends or breaks a rule: what hangs is not idle.
func TestHangsAreAccountedFor(t *testing.T) {
	files, err := filepath.Glob("../verdict/testdata/*.wse")
	if len(files) == 0 {
		t.Fatal("no programs", err)
	}
	hung, waits := 0, int64(0)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := bounded(name, string(b), 3000)
		if err != nil {
			continue // refused before it runs
		}
		p := NewProfile(s)
		var out bytes.Buffer
		line := NewTimeline(&out, s, Window{W: 8, H: 8})
		s.SetSink(sim.Tee{p, line, NewViewer(io.Discard, s, Window{})})
		args := 0
		for _, c := range s.Codes() {
			args = max(args, len(c.Args))
		}
		if _, err := s.Launch(context.Background(), make([]int32, args)...); err == nil {
			continue
		}
		hung++
		if err := line.Close(); err != nil || !json.Valid(out.Bytes()) {
			t.Errorf("%s: the timeline is no JSON (%v)", name, err)
		}
		for _, f := range p.Report().Functions {
			if n := f.Critical.Cycles.Total(); n != f.Cycles {
				t.Errorf("%s: the critical path is %d cycles long, the launch %d", name, n, f.Cycles)
			}
			for _, c := range f.Classes {
				if n := c.Cycles.Total(); n != c.PEs*f.Cycles {
					t.Errorf("%s, class %s: %d cycles accounted for of %d PEs x %d", name, c.Class, n, c.PEs, f.Cycles)
				}
				waits += c.Cycles.Operand + c.Cycles.Queue
			}
		}
	}
	if hung < 10 || waits == 0 {
		t.Errorf("%d programs hang, and wait for %d cycles", hung, waits)
	}
}

// Operations on FIFOs in memory wait like those on the fabric.
func TestWaitsForFIFOs(t *testing.T) {
	s := simulator(t, "fifo", `machine wse3
mesh 2 1
class a { at x 0..1 y 0..1 array u f32[8] queue o out 2 color 0 task main local 8 { set %i = 0 while %i < 20 { set %i = %i + 1 } mov.f32 fab(o, 8) = u[0 : 8] exit } entry main }
class b { at x 1..2 y 0..1 array u f32[8] fifo f f32[4] queue i in 2 color 0
 task main local 8 { mov.f32 fifo(f, 8) = fab(i, 8) async mov.f32 u[0 : 8] = fifo(f, 8) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
`)
	p := NewProfile(s)
	s.SetSink(p)
	st, err := s.Launch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c := p.Report().Functions[0].Classes[1]
	if c.Cycles.Operand < 150 || c.Cycles.Operand != st.Classes[1].WaitIn || c.Cycles.Total() != st.Cycles {
		t.Errorf("%+v of %d cycles; the engine says %d", c.Cycles, st.Cycles, st.Classes[1].WaitIn)
	}
}
