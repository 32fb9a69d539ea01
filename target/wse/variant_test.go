package wse

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
)

var update = flag.Bool("update", false, "rewrite generated pages")

// docs/machine.md is what the tables say.
func TestMachinePage(t *testing.T) {
	var b strings.Builder
	if err := WritePage(&b); err != nil {
		t.Fatal(err)
	}
	const file = "../../docs/machine.md"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != b.String() {
		t.Fatalf("docs/machine.md is not what the tables say (%v): go generate ./target/wse", err)
	}
	for _, m := range machines(t) {
		for _, c := range m.Constants() {
			if c.Effect == "" {
				t.Errorf("%s has no effect", c.Key)
			}
			if !strings.Contains(b.String(), "| "+c.Key+" |") {
				t.Errorf("the page lacks %s", c.Key)
			}
		}
	}
}

func TestProfilesDifferWhereTheyShould(t *testing.T) {
	sim, err := Profile("wse3-sim")
	if err != nil || sim.Name != "wse3" {
		t.Fatalf("wse3-sim is %q, %v", sim.Name, err)
	}
	si, _ := Profile("wse3-si")
	one, _ := Profile("wse1")
	if si.LinkTicks != 1125 || sim.LinkTicks != 1000 || si.DataDispatch <= sim.DataDispatch || one.Width != 600 || one.HopCycles != 1 {
		t.Errorf("wse3-si links %d, dispatch %d; wse1 width %d", si.LinkTicks, si.DataDispatch, one.Width)
	}
	for _, op := range []Opcode{OpMov, OpFma, OpAdd, OpMul} {
		if a, b := sim.Rate(op, F16).Ticks, si.Rate(op, F16).Ticks; b*100 < a*137-100 || b*100 > a*167 {
			t.Errorf("%v.f16: %d ticks in the simulator, %d on silicon: the derate is 1.37 to 1.66", op, a, b)
		}
	}
	// One of four alignments is slow on silicon, none is fast.
	var got []int
	for d := 0; d < 4; d++ {
		got = append(got, si.BankedRate(OpMul, F32, 4*d, 0).Ticks)
	}
	if got[0] != 2000 || got[1] != 1000 || got[2] != 1000 || got[3] != 1000 {
		t.Errorf("ticks by alignment %v", got)
	}
}

func TestVariants(t *testing.T) {
	src := "# mine\nbase = wse3-sim  // as the simulator\n\nrouter.depth = 8\n  link.ticks = 1_125\nhop.cycles = 2\n"
	m, err := ParseVariant("x.machine", src)
	if err != nil {
		t.Fatal(err)
	}
	if m.RouterDepth != 8 || m.LinkTicks != 1125 || m.Name != "wse3+link.ticks=1125+router.depth=8" {
		t.Errorf("%q depth %d link %d", m.Name, m.RouterDepth, m.LinkTicks)
	}
	again, err := Profile(m.Name)
	if err != nil || again.Name != m.Name || again.RouterDepth != 8 {
		t.Errorf("%q, %v", again.Name, err)
	}
	file := filepath.Join(t.TempDir(), "x.machine")
	if err := os.WriteFile(file, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	if found, err := Find(file); err != nil || found.Name != m.Name {
		t.Errorf("%q, %v", found.Name, err)
	}
	if p, err := Parse("", Print(&Program{Machine: m.Name, W: 1, H: 1})); err != nil || p.Machine != m.Name {
		t.Errorf("a variant's name in a text: %v", err)
	}
	if p, err := Parse("", "machine wse3-si mesh 1 1"); err != nil || p.Machine != "wse3-si" {
		t.Errorf("a profile's name with a dash: %v", err)
	}
	for _, c := range []struct{ src, at, says string }{
		{"", "x.machine:1:1", "begins with"},
		{"hop.cycles = 1", "x.machine:1:1", "begins with"},
		{"base wse4", "x.machine:1:1", "unknown machine"},
		{"base wse2\nhop.cycle = 1", "x.machine:2:1", "no constant"},
		{"base wse2\n hop.cycles = 1.5", "x.machine:2:2", "no whole number"},
		{"base wse2\nhop.cycles 3", "x.machine:2:1", "expected `KEY"},
		{"base wse2\nhop.cycles = 0", "x.machine:2:1", "not in 1 to"},
		{"base wse2\nlink.ticks = 10", "x.machine:2:1", "not in 1000"},
		{"base wse2\nhop.cycles=1\nhop.cycles=2", "x.machine:3:1", "twice"},
		{"base wse2\nbase wse3", "x.machine:2:1", "twice"},
		{"base wse2\nmesh.width = 4000", "x.machine:2:18", "exceed the fabric"},
	} {
		_, err := ParseVariant("x.machine", c.src)
		var l diag.List
		if !errors.As(err, &l) || len(l) == 0 || !strings.Contains(l[0].Message, c.says) || l[0].Primary.String() != c.at {
			t.Errorf("%q: %v", c.src, err)
		}
	}
	for _, name := range []string{"wse2+", "wse2+hop.cycles", "wse2+hop.cycles=x", "wse2+a=1", "wse2+memory.bytes=2000", "wse9+a=1"} {
		if _, err := Profile(name); err == nil {
			t.Errorf("%q must be refused", name)
		}
	}
	if _, err := Find("nowhere.machine"); err == nil {
		t.Error("a missing file must be refused")
	}
}

// Every value a variant may have gives a machine that programs can be checked against.
func FuzzVariant(f *testing.F) {
	f.Add("base wse2\nrouter.depth = 8\n")
	f.Add("base wse3-si\nqueue.in.2 = 1\nrate.fma.f16.ticks=9\n# x\nmemory.model = 1")
	p, err := Parse("", legal)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string) {
		m, err := ParseVariant("x.machine", src)
		if err != nil {
			return
		}
		if n, err := Profile(m.Name); err != nil || n.Name != m.Name {
			t.Fatalf("%q: %v", m.Name, err)
		}
		Verify(p, m)
	})
}
