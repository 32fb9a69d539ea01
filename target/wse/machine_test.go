package wse

import "testing"

func machines(t *testing.T) []Machine {
	t.Helper()
	var out []Machine
	for _, n := range Profiles() {
		m, err := Profile(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

func TestConstantsAreComplete(t *testing.T) {
	for _, m := range machines(t) {
		seen := map[string]bool{}
		for _, c := range m.Constants() {
			if seen[c.Key] {
				t.Errorf("%s: %s listed twice", m.Name, c.Key)
			}
			seen[c.Key] = true
			if c.Source == "" || c.Grade == "" || c.Unit == "" {
				t.Errorf("%s: %s lacks source, grade or unit: %+v", m.Name, c.Key, c)
			}
			if c.Value < c.Lo || c.Value > c.Hi {
				t.Errorf("%s: %s = %d outside its own range [%d, %d]", m.Name, c.Key, c.Value, c.Lo, c.Hi)
			}
			if c.Changed {
				t.Errorf("%s: %s is not what the profile says", m.Name, c.Key)
			}
		}
		for k := range plainFields(&m) {
			if !seen[k] {
				t.Errorf("%s: field %s has no row, so no source", m.Name, k)
			}
		}
		for _, op := range Opcodes() {
			for _, e := range allElems {
				if op.Takes(e) && m.Rate(op, e).Ticks == 0 {
					t.Errorf("%s: %v.%v costs nothing", m.Name, op, e)
				}
			}
		}
	}
}

func TestWithChangesOneConstant(t *testing.T) {
	for _, m := range machines(t) {
		n, err := m.With("queue.in.2", 1)
		if err != nil {
			t.Fatal(err)
		}
		if n.InQueues[2].Depth != 1 || m.InQueues[2].Depth == 1 {
			t.Errorf("%s: With must change the copy only: %d and %d", m.Name, n.InQueues[2].Depth, m.InQueues[2].Depth)
		}
		for _, c := range n.Constants() {
			if c.Changed != (c.Key == "queue.in.2") {
				t.Errorf("%s: %s Changed = %v", m.Name, c.Key, c.Changed)
			}
		}
		if _, err := m.With("queue.in.99", 1); err == nil {
			t.Error("an unknown key must be refused")
		}
		s := m.Smallest()
		if s.RouterDepth != m.HopCycles+1 || s.InQueues[2].Depth >= m.InQueues[2].Depth {
			t.Errorf("%s: Smallest kept depth %d and queue %d", m.Name, s.RouterDepth, s.InQueues[2].Depth)
		}
	}
}

func TestMeshLimits(t *testing.T) {
	for _, m := range machines(t) {
		if n, err := m.WithMesh(8, 9); err != nil || n.Width != 8 || n.Height != 9 {
			t.Errorf("%s: %v", m.Name, err)
		}
		if _, err := m.WithMesh(m.Width+1, 1); err == nil {
			t.Errorf("%s: a mesh one too wide must be refused", m.Name)
		}
		if _, err := m.WithMesh(0, 1); err == nil {
			t.Errorf("%s: an empty mesh must be refused", m.Name)
		}
	}
	if _, err := Profile("wse9"); err == nil {
		t.Error("unknown profile must be refused")
	}
}

// The three alignments of the published WSE-2 multiply benchmark.
func TestWSE2BanksGivePublishedCycles(t *testing.T) {
	m, _ := Profile("wse2")
	for _, c := range []struct {
		b    int
		want int64
	}{{4, 2597}, {8, 5130}, {16, 10254}} {
		got := m.BankedRate(OpMul, F32, 0, c.b).Cycles(5124)
		if d := float64(got-c.want) / float64(c.want); d > 0.02 || d < -0.02 {
			t.Errorf("second source at byte %d: %d cycles, published %d", c.b, got, c.want)
		}
	}
}
