//go:build unix

package train

import (
	"syscall"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/fast"
	"github.com/wfc-lang/wfc/target/wse/host"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

func processorTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkEngines is five training steps of one layer, as in TestWaferStep, on both engines of the simulated wafer: docs/engines.md.
func BenchmarkEngines(b *testing.B) {
	a := anchor{name: "cut", layers: 1, heads: 2, wide: 32}
	p, ws := meshStep(b, &a, 1, 2)
	m, err := wse.Profile("wse2")
	if err != nil {
		b.Fatal(err)
	}
	w, err := toWafer(p, layouts(p, "hd", "chan"), m)
	if err != nil {
		b.Fatal(err)
	}
	step := func(open func() (fast.Wafer, error)) (fast.Wafer, *host.Engine, float64) {
		begin := processorTime()
		s, err := open()
		if err != nil {
			b.Fatal(err)
		}
		spent := processorTime() - begin
		e, err := host.On(p, w.mesh, s)
		if err != nil {
			b.Fatal(err)
		}
		load(b, e, p, state(p, &a, ws))
		begin = processorTime()
		for range 5 {
			run(b, e, "step")
		}
		return s, e, (spent + processorTime() - begin).Seconds()
	}
	var plain, quick float64
	var cycles int64
	for b.Loop() {
		f, fe, tf := step(func() (fast.Wafer, error) {
			f, why, err := fast.Open(w.code, m, sim.Options{})
			if why != "" {
				b.Log(why)
			}
			return f, err
		})
		s, se, ts := step(func() (fast.Wafer, error) { return sim.New(w.code, m, sim.Options{}) })
		if f.Cycle() != s.Cycle() {
			b.Fatalf("plain %d cycles, fast %d", s.Cycle(), f.Cycle())
		}
		same(b, &ir.Program{Axes: p.Axes, Arrays: p.Arrays}, se, fe)
		cycles, plain, quick = s.Cycle(), plain+ts, quick+tf
		if f, ok := f.(*fast.Sim); ok {
			b.Logf("%d x %d PEs, %.1f %% shared, %d wavelets in trains, left: %q", w.code.W, w.code.H, 100*f.Work.Shared(), f.Carried(), f.Left())
		}
	}
	pes := float64(w.code.W * w.code.H * b.N)
	b.ReportMetric(float64(cycles), "cycles")
	b.ReportMetric(pes*float64(cycles)/plain/1e6, "plain-M-PE-cycles/s")
	b.ReportMetric(pes*float64(cycles)/quick/1e6, "fast-M-PE-cycles/s")
	b.ReportMetric(quick/plain, "fast/plain")
}
