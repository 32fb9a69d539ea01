package verdict

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// The programs of testdata say in their first lines what is expected: `want KIND [REASON]`, `illegal CODE`, and texts that the
// verdict (`say`) or a race (`race`, or `race none`) contains.
func TestPrograms(t *testing.T) {
	files, err := filepath.Glob("testdata/*.wse")
	if err != nil || len(files) < 15 {
		t.Fatal(len(files), err)
	}
	more, err := filepath.Glob("../examples/*.wse")
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[Reason]bool{}
	for _, f := range append(files, more...) {
		t.Run(filepath.Base(f), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			p, err := wse.Parse(filepath.Base(f), string(text))
			if err != nil {
				t.Fatal(err)
			}
			m, err := wse.Profile(p.Machine)
			if err != nil {
				t.Fatal(err)
			}
			v, err := Judge(p, m, Options{})
			races := false
			for _, line := range strings.Split(string(text), "\n") {
				key, arg, _ := strings.Cut(strings.TrimPrefix(line, "// "), " ")
				switch key {
				case "want":
					kind, reason, _ := strings.Cut(arg, " ")
					if err != nil || v.Kind.String() != kind || v.Reason.String() != reason {
						t.Errorf("want %s: %v\n%v", arg, err, v)
					}
				case "illegal":
					if err == nil || !strings.Contains(err.Error(), arg) {
						t.Errorf("want %s, got %v", arg, err)
					}
					return
				case "say":
					if !strings.Contains(v.String(), arg) {
						t.Errorf("%q is not said:\n%v", arg, v)
					}
				case "race":
					if races = arg != "none"; races && !strings.Contains(v.String(), arg) {
						t.Errorf("no race %q:\n%v", arg, v)
					}
				}
			}
			if (len(v.Races) > 0) != races {
				t.Errorf("races: %v", v.Races)
			}
			if v.Kind == Deadlocks && (len(v.Steps) == 0 || len(v.Waits) == 0) && v.Launch == 0 && !strings.Contains(string(text), "unblock_missing") {
				t.Errorf("no schedule:\n%v", v)
			}
			reasons[v.Reason] = true
			agrees(t, v, p, m)
			if testing.Verbose() {
				t.Log(v)
			}
		})
	}
}

// agrees compares a verdict with a simulation: free never hangs, deadlocks never ends. It reports whether the run ended.
func agrees(t *testing.T, v Verdict, p *wse.Program, m wse.Machine) (ended bool) {
	t.Helper()
	err := simulate(p, m.Smallest())
	var stuck *sim.Deadlock
	hangs := errors.As(err, &stuck)
	switch {
	case v.Kind == Free && err != nil:
		t.Errorf("judged free, and the simulator: %v", err)
	case v.Kind == Deadlocks && err == nil:
		t.Errorf("judged to deadlock, and it ends:\n%v", v)
	}
	return err == nil && !hangs
}

// simulate runs the launches of a script, or one without arguments.
func simulate(p *wse.Program, m wse.Machine) error {
	s, err := sim.New(p, m, sim.Options{MaxCycles: 1_000_000})
	if err != nil {
		return err
	}
	if len(p.Script) == 0 {
		_, err = s.Launch(context.Background(), 0, 0)
		return err
	}
	return s.RunScript(context.Background(), io.Discard)
}

// docs/machine-text.md lists the reasons as they are.
func TestReasonsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/machine-text.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Reasons() {
		if row := "| `" + r[0] + "` | " + r[1] + " |\n"; !strings.Contains(string(doc), row) {
			t.Errorf("docs/machine-text.md has no row %s", row)
		}
	}
}
