package wfc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// looked is a program with outputs during its run; 16 x 16 PEs are as many as the fast engine takes.
const looked = `param nz = %d, steps = 24
grid g { x: 0 .. 1 in 16; y: 0 .. 1 in 16 periodic; z: 0 .. 1 in nz }
field T on g = 1 + x*y + z
field u on g = 0
bc T { x: T = 1; z: dn(T) = 0 }
evolve k in 0 .. steps {
  T' = T + 0.1*lap(T)/256
  u' = u + 0.5*T
}
%s
`

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = string(b)
	}
	return out
}

func runIn(t *testing.T, p *Program, o RunOptions) *Result {
	t.Helper()
	res, err := p.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Outputs that do not stop the wafer write what the interpreter writes, on both engines in the same cycles, and cost the steps their copies.
func TestOutputsBesideSteps(t *testing.T) {
	for _, c := range []struct {
		name, outputs string
		nz, looks     int
		held          bool
	}{
		{"one", "output T every 8 steps as npy\nprobe a = T at (x = 0.5, y = 0.5, z = 0.5)", 16, 2, false},
		{"several", "output T every 5 steps as npy\noutput u every 3 steps as npy\nprobe a = u at (x = 0.5, y = 0.5, z = 0.5) every 4 steps", 8, 13, true},
		{"monitor", "output T every 8 steps as npy\nmonitor m = sum(u) every 8 steps", 8, 2, false},
		{"many", "probe a = T at (x = 0.5, y = 0.5, z = 0.5) every 1 steps", 8, 49, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := BuildOptions{Set: map[string]string{"steps": "24"}}
			if c.looks > 24 {
				opt.Set["steps"] = fmt.Sprint(c.looks + 1)
			}
			p := mustBuild(t, "looked.wf", fmt.Sprintf(looked, c.nz, c.outputs), opt)
			want := t.TempDir()
			runIn(t, p, RunOptions{Target: Interp, Order: p, OutDir: want})
			var cycles int64
			for _, engine := range []string{FastEngine, PlainEngine} {
				dir := t.TempDir()
				res := runIn(t, p, RunOptions{Engine: engine, OutDir: dir})
				if got, want := files(t, dir), files(t, want); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s: the files differ from the interpreter's", engine)
				}
				if res.Beside == nil || res.Beside.Looks != c.looks || res.Pauses > 0 || res.Beside.Held > 0 != c.held || res.Beside.Cycles == 0 {
					t.Fatalf("%s: %+v, %d pauses, want %d looks, held %v", engine, res.Beside, res.Pauses, c.looks, c.held)
				}
				if cycles != 0 && cycles != *res.Cycles {
					t.Errorf("%d cycles on one engine, %d on the other", cycles, *res.Cycles)
				}
				cycles = *res.Cycles
			}
			without := mustBuild(t, "looked.wf", fmt.Sprintf(looked, c.nz, ""), opt)
			base := *runIn(t, without, RunOptions{}).Cycles
			if per := (cycles - base) / int64(c.looks); !c.held && c.name != "monitor" && (per < int64(c.nz/2) || per > 400) {
				t.Errorf("a look costs the steps %d cycles", per)
			}
		})
	}
}

// A copy that does not fit is given up, and the report says so.
func TestOutputsThatPause(t *testing.T) {
	p := mustBuild(t, "looked.wf", fmt.Sprintf(looked, 1200, "output T every 8 steps as npy"), BuildOptions{})
	if w := p.ReportData.Wafer; p.Code == nil || len(w.Outputs) != 1 || w.Outputs[0].Beside || w.Outputs[0].Why == "" {
		t.Fatalf("status %s, outputs %+v", p.ReportData.Status, w.Outputs)
	}
}

// stopper cancels a run when it has come so far.
type stopper struct {
	at   int64
	stop func()
}

func (s stopper) Begin(int64) {}
func (s stopper) End()        {}
func (s stopper) At(done int64, _ float64) {
	if done >= s.at {
		s.stop()
	}
}

// A launch that is interrupted ends after an iteration, the same in all PEs, and its fields are those of that step.
func TestInterruptedLaunch(t *testing.T) {
	for _, outputs := range []string{"", "output T every 4 steps as npy"} {
		for _, engine := range []string{FastEngine, PlainEngine} {
			p := mustBuild(t, "looked.wf", fmt.Sprintf(looked, 64, outputs), BuildOptions{Set: map[string]string{"steps": "100000"}})
			ctx, stop := context.WithCancel(context.Background())
			watch := Watch{Profile: engine == PlainEngine}
			res, err := p.Run(ctx, RunOptions{Engine: engine, OutDir: t.TempDir(), Progress: stopper{7, stop}, Watch: watch})
			stop()
			if err != nil || !res.Interrupted || res.Steps < 7 || res.Steps > 100 {
				t.Fatalf("%s: %v, %+v", engine, err, res)
			}
			if watch.Profile && res.Profile.Functions[0].Iterations != res.Steps {
				t.Errorf("the profile has %d iterations of %d steps", res.Profile.Functions[0].Iterations, res.Steps)
			}
			q := mustBuild(t, "looked.wf", fmt.Sprintf(looked, 64, outputs), BuildOptions{Set: map[string]string{"steps": fmt.Sprint(res.Steps)}, IndexOnly: true})
			want := runIn(t, q, RunOptions{Target: Interp})
			for _, f := range []string{"T", "u"} {
				if !slices.Equal(want.Arrays[f].F32, res.Arrays[f].F32) {
					t.Errorf("%s: %s is not what %d steps give", engine, f, res.Steps)
				}
			}
		}
	}
}
