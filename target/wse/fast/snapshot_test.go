package fast

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
	"pgregory.net/rapid"
)

type engine interface {
	machine
	sim.Frozen
	sim.Thawed
}

func open(t testing.TB, p *wse.Program, m wse.Machine, plain bool) engine {
	opt := sim.Options{MaxCycles: 200_000}
	if plain {
		s, err := sim.New(p, m, opt)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s, err := New(p, m, opt, -1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// goesOn saves first after a launch, loads that into second and compares what both do next.
func goesOn(t *rapid.T, p *wse.Program, m wse.Machine, first, second engine) []byte {
	before := observe(p, first, 1)
	if len(before.errs) > 0 {
		return nil // ended by a rule of the machine
	}
	var file bytes.Buffer
	if err := sim.Save(&file, p, m, first); err != nil {
		t.Fatal(err)
	}
	if err := sim.Load(bytes.NewReader(file.Bytes()), p, m, second); err != nil {
		t.Fatal(err)
	}
	want, got := observe(p, first, 2), observe(p, second, 2)
	if d := cmp.Diff(want, got, cmp.AllowUnexported(outcome{}), cmpopts.IgnoreUnexported(sim.Stats{})); d != "" {
		t.Fatalf("going on differs from never having stopped:\n%s", d)
	}
	return file.Bytes()
}

// A simulation that goes on from a snapshot, on either engine, has the cycles, statistics and memory of one that was never stopped.
func TestSnapshot(t *testing.T) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		p, err := wse.Parse("random", randomText(rt))
		if err != nil {
			rt.Fatal(err)
		}
		m, _ := wse.Profile(p.Machine)
		from, to := rapid.Bool().Draw(rt, "from plain"), rapid.Bool().Draw(rt, "to plain")
		if goesOn(rt, p, m, open(t, p, m, from), open(t, p, m, to)) != nil {
			n++
		}
	})
	if n == 0 {
		t.Error("no program ran to the end of a launch")
	}
}

// The same for written programs, with switches, FIFOs and filters, on the plain engine.
func TestSnapshotExamples(t *testing.T) {
	files, _ := filepath.Glob("../examples/*.wse")
	if len(files) == 0 {
		t.Fatal("no examples")
	}
	ran := 0
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := wse.Parse(f, string(text))
		if err != nil {
			t.Fatal(err)
		}
		m, err := wse.Profile(p.Machine)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Classes) == 0 || len(p.Classes[0].Args) > 0 {
			continue
		}
		ran++
		rapid.Check(t, func(rt *rapid.T) { goesOn(rt, p, m, open(t, p, m, true), open(t, p, m, true)) })
	}
	if ran == 0 {
		t.Error("no example could be launched")
	}
}

// A snapshot that was cut or altered is refused, and so is that of another program.
func TestSnapshotDamaged(t *testing.T) {
	const text = "machine wse2\nmesh 4 3\nclass a { at x 0..4 y 0..3\n array v f32[3] export = affine 1 + 1*i + 1*px\n" +
		" task main local 8 { set %k = %k + 1 mul.f32 v[0 : 3] = v[0 : 3], 0.5 exit }\n entry main }"
	p, err := wse.Parse("p", text)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := wse.Profile("wse2")
	s := open(t, p, m, false)
	if _, err := s.Launch(context.Background()); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := sim.Save(&file, p, m, s); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	for _, plain := range []bool{false, true} {
		for cut := 0; cut < len(whole); cut += 7 {
			if err := sim.Load(bytes.NewReader(whole[:cut]), p, m, open(t, p, m, plain)); err == nil {
				t.Errorf("cut at %d of %d: accepted", cut, len(whole))
			}
			bad := bytes.Clone(whole)
			bad[cut] ^= 0x10
			if err := sim.Load(bytes.NewReader(bad), p, m, open(t, p, m, plain)); err == nil {
				t.Errorf("altered at %d: accepted", cut)
			}
		}
	}
	other, err := wse.Parse("p", strings.Replace(text, "0.5", "0.25", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Load(bytes.NewReader(whole), other, m, open(t, other, m, true)); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("the snapshot of another program: %v", err)
	}
}
