// Package engines shows that the two engines of the simulated wafer are one machine: compiled programs have the same cycles, statistics
// and values on both. Machine programs written at random are compared in target/wse/fast, event by event.
package engines

import (
	"context"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
	"github.com/wfc-lang/wfc/tests/random"
)

var (
	cases = flag.Int("cases", 150, "random programs to compare")
	first = flag.Uint64("first", 1, "seed of the first program")
)

// observed is a wafer whose launches are remembered.
type observed struct {
	fast.Wafer
	stats []sim.Stats
}

func (o *observed) Launch(ctx context.Context, args ...int32) (sim.Stats, error) {
	st, err := o.Wafer.Launch(ctx, args...)
	o.stats = append(o.stats, st)
	return st, err
}

// run runs p on a wafer and returns the processor time it took.
func run(t testing.TB, p *wfc.Program, w fast.Wafer) (*wfc.Result, []sim.Stats, time.Duration) {
	t.Helper()
	prep, err := runtime.Prepare(p.IR, runtime.Options{DataDir: p.Source.Dir})
	if err != nil {
		t.Fatal(err)
	}
	o := &observed{Wafer: w}
	e, err := host.On(p.IR, p.Mesh, o)
	if err != nil {
		t.Fatal(err)
	}
	begin := cpuTime()
	res, err := prep.Run(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return res, o.stats, cpuTime() - begin
}

func engines(t testing.TB, p *wfc.Program) (*fast.Sim, *sim.Sim) {
	t.Helper()
	m, err := wse.Profile(p.Machine)
	if err != nil {
		t.Fatal(err)
	}
	f, err := fast.New(p.Code, m, sim.Options{}, -1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(p.Code, m, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f, s
}

func compare(t *testing.T, p *wfc.Program) {
	t.Helper()
	f, s := engines(t, p)
	got, gotStats, _ := run(t, p, f)
	want, wantStats, _ := run(t, p, s)
	if why := f.Left(); why != "" {
		t.Errorf("left to the plain engine: %s", why)
	}
	if d := cmp.Diff(wantStats, gotStats, cmpopts.IgnoreUnexported(sim.Stats{})); d != "" {
		t.Errorf("statistics of plain (-) and fast (+): %s", d)
	}
	if f.Cycle() != s.Cycle() {
		t.Errorf("the plain engine ends in cycle %d, the fast one in %d", s.Cycle(), f.Cycle())
	}
	if d := cmp.Diff(want.Arrays, got.Arrays, cmpopts.EquateNaNs()); d != "" {
		t.Errorf("values of plain (-) and fast (+): %s", d)
	}
}

// repeating compares the plain engine by the rules with itself in laps, and returns how many laps there were.
func repeating(t *testing.T, p *wfc.Program) int64 {
	t.Helper()
	_, s := engines(t, p)
	_, r := engines(t, p)
	r.Repeat()
	want, wantStats, _ := run(t, p, s)
	got, gotStats, _ := run(t, p, r)
	if d := cmp.Diff(wantStats, gotStats, cmpopts.IgnoreUnexported(sim.Stats{})); d != "" {
		t.Errorf("statistics by the rules (-) and in laps (+): %s", d)
	}
	if r.Cycle() != s.Cycle() {
		t.Errorf("the plain engine ends in cycle %d, with laps in %d", s.Cycle(), r.Cycle())
	}
	if d := cmp.Diff(want.Arrays, got.Arrays, cmpopts.EquateNaNs()); d != "" {
		t.Errorf("values by the rules (-) and in laps (+): %s", d)
	}
	laps, _ := r.Repeated()
	return laps
}

// Solvers and time steps repeat themselves, and laps change nothing.
func TestLaps(t *testing.T) {
	for _, c := range []struct {
		name string
		set  map[string]string
	}{
		{"heat_implicit", map[string]string{"nx": "14", "ny": "10", "nz": "6", "end": "10"}},
		{"heat", map[string]string{"nx": "12", "ny": "7", "nz": "9", "steps": "40"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if repeating(t, model(t, c.name, c.set)) == 0 {
				t.Error("no laps")
			}
		})
	}
}

func TestRandomPrograms(t *testing.T) {
	n := *cases
	if testing.Short() {
		n = 30
	}
	for s := *first; s < *first+uint64(n); s++ {
		c := random.New(s)
		p, err := wfc.Build(wfc.Source{Name: "case.wf", Text: c.Source},
			wfc.BuildOptions{Machine: []string{"wse2", "wse3"}[s%2], MeshW: c.W, MeshH: c.H})
		if err != nil || p.Refusal != nil {
			continue // tests/random says why
		}
		compare(t, p)
		repeating(t, p)
		if t.Failed() {
			t.Fatalf("seed %d on %d x %d:\n%s", s, c.W, c.H, c.Source)
		}
	}
}

func model(t testing.TB, name string, set map[string]string) *wfc.Program {
	t.Helper()
	src, err := wfc.ReadSource("../../models/" + name + ".wf")
	if err != nil {
		t.Fatal(err)
	}
	p, err := wfc.Build(src, wfc.BuildOptions{Machine: "wse2", Set: set})
	if err != nil {
		t.Fatal(err)
	}
	if p.Refusal != nil {
		t.Fatal(p.Refusal)
	}
	return p
}

func TestModels(t *testing.T) {
	for _, c := range []struct {
		name string
		set  map[string]string
	}{
		{"heat", map[string]string{"nx": "20", "ny": "14", "nz": "9", "steps": "12"}},
		{"wave", nil},
		{"advection", nil},
		{"life", nil},
		{"matvec", nil},
	} {
		t.Run(c.name, func(t *testing.T) { compare(t, model(t, c.name, c.set)) })
	}
}

// BenchmarkEngines gives the processor time of a run on both engines, on all cores together, the ratio, and PE-cycles of the fast one.
//
//	go test ./tests/engines -run ^$ -bench . -benchtime 1x
func BenchmarkEngines(b *testing.B) {
	for _, c := range []struct {
		name, model string
		set         map[string]string
	}{
		{"heat-64-64-64", "heat", map[string]string{"nx": "64", "ny": "64", "nz": "64", "steps": "20"}},
		{"grayscott", "grayscott", nil},
		{"wave", "wave", nil},
		{"advection", "advection", nil},
		{"life", "life", nil},
		{"matvec", "matvec", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := model(b, c.model, c.set)
			m, err := wse.Profile(p.Machine)
			if err != nil {
				b.Fatal(err)
			}
			var fastTime, plainTime time.Duration
			var cycles int64
			for range b.N {
				f, why, err := fast.Open(p.Code, m, sim.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if why != "" {
					b.Log(why)
				}
				_, s := engines(b, p)
				_, _, d := run(b, p, f)
				fastTime += d
				cycles += f.Cycle() * int64(p.Code.W*p.Code.H)
				_, _, d = run(b, p, s)
				plainTime += d
				if f, ok := f.(*fast.Sim); ok && f.Left() != "" {
					b.Log(f.Left())
				}
			}
			b.ReportMetric(plainTime.Seconds()/float64(b.N), "plain-s")
			b.ReportMetric(fastTime.Seconds()/float64(b.N), "fast-s")
			b.ReportMetric(plainTime.Seconds()/fastTime.Seconds(), "plain/fast")
			b.ReportMetric(float64(cycles)/fastTime.Seconds()/1e6, "M-PE-cycles/s")
		})
	}
}

// BenchmarkHeat runs heat with 100 elements per PE on meshes for which the plain engine takes long. The whole wafer takes 6 GiB; it is
// run when WFC_WAFER is set.
func BenchmarkHeat(b *testing.B) {
	for _, c := range [][2]string{{"256", "256"}, {"750", "994"}} {
		b.Run(c[0]+"x"+c[1], func(b *testing.B) {
			if c[0] == "750" && os.Getenv("WFC_WAFER") == "" {
				b.Skip("set WFC_WAFER")
			}
			const steps = 2
			p := model(b, "heat", map[string]string{"nx": c[0], "ny": c[1], "nz": "100", "steps": "2"})
			m, err := wse.Profile(p.Machine)
			if err != nil {
				b.Fatal(err)
			}
			var launches, cpu time.Duration
			for range b.N {
				f, err := fast.New(p.Code, m, sim.Options{}, 0)
				if err != nil {
					b.Fatal(err)
				}
				w := &timed{Sim: f}
				run(b, p, w)
				launches += w.launches
				cpu += w.cpu
			}
			b.ReportMetric(launches.Seconds()/float64(b.N*steps), "s/step")
			b.ReportMetric(cpu.Seconds()/float64(b.N*steps), "cpu-s/step")
		})
	}
}

// timed counts the time of launches, without that of the host's transfers.
type timed struct {
	*fast.Sim
	launches, cpu time.Duration
}

func (w *timed) Launch(ctx context.Context, args ...int32) (sim.Stats, error) {
	begin, cpu := time.Now(), cpuTime()
	st, err := w.Sim.Launch(ctx, args...)
	w.launches += time.Since(begin)
	w.cpu += cpuTime() - cpu
	return st, err
}
