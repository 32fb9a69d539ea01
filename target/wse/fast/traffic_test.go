package fast

import (
	"context"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/loads"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// trafficEngine is the plain engine, that with trains, or this one.
func trafficEngine(tb testing.TB, text string, plain, trains bool, threads int) machine {
	p, err := wse.Parse("traffic", text)
	if err != nil {
		tb.Fatal(err)
	}
	m, _ := wse.Profile("wse2")
	if plain {
		s, err := sim.New(p, m, sim.Options{Trains: trains})
		if err != nil {
			tb.Fatal(err)
		}
		s.Threads = threads
		return s
	}
	s, err := New(p, m, sim.Options{}, -1)
	if err != nil {
		tb.Fatal(err)
	}
	s.Threads = threads
	return s
}

// Words of saturated traffic arrive where the permutation says, on both engines in the same cycles.
func TestTraffic(t *testing.T) {
	for _, kinds := range []int{1, 2} {
		text := loads.Traffic(16, 8, 40, kinds, 4*kinds, int64(kinds))
		a, b := trafficEngine(t, text, true, false, 1), trafficEngine(t, text, false, false, 2)
		sa, err := a.Launch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		sb, err := b.Launch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if sa.Cycles != sb.Cycles || sa.Hops != sb.Hops || sa.Sent != 16*8*40 || sa.Delivered != sa.Sent {
			t.Errorf("%d kinds: plain %+v, fast %+v", kinds, sa, sb)
		}
	}
}

// BenchmarkTraffic reports simulated router-cycles per second (routers times cycles) and wavelet hops per second. In "same" all eights have
// one permutation, in "some" 16 kinds occur, in "all" no two have the same. The others are as "all" (in "sixteen" two rows are alike), with blocks of other sizes or with
// streams of 100 words.
func BenchmarkTraffic(b *testing.B) {
	const side = 64
	for _, load := range []struct {
		name   string
		bw, bh int
		n      int
		kx, ky int
	}{{"same", 8, 1, 1000, 1, 1}, {"some", 8, 1, 1000, 4, 4}, {"all", 8, 1, 1000, side / 8, side}, {"four", 4, 1, 1000, side / 4, side},
		{"sixteen", 16, 1, 1000, side / 16, side / 2}, {"squares", 4, 4, 1000, side / 4, side / 4}, {"short", 8, 1, 100, side / 8, side}} {
		text := loads.Blocks(side, side, load.bw, load.bh, load.n, load.kx, load.ky, 1)
		for _, e := range []struct {
			name          string
			plain, trains bool
			threads       int
		}{{"plain", true, false, 1}, {"trains1", true, true, 1}, {"trains2", true, true, 2}, {"fast1", false, false, 1}, {"fast2", false, false, 2}} {
			b.Run(load.name+"/"+e.name, func(b *testing.B) {
				var cycles, hops int64
				for b.Loop() {
					b.StopTimer()
					m := trafficEngine(b, text, e.plain, e.trains, e.threads)
					b.StartTimer()
					st, err := m.Launch(context.Background())
					if err != nil {
						b.Fatal(err)
					}
					cycles, hops = cycles+st.Cycles, hops+st.Hops
				}
				s := b.Elapsed().Seconds()
				b.ReportMetric(float64(cycles)*float64(side*side)/s, "router-cycles/s")
				b.ReportMetric(float64(hops)/s, "hops/s")
			})
		}
	}
}
