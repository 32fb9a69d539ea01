package fast

import (
	"context"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// traffic is saturated traffic: every PE of a W x H mesh sends n words without a pause to the PE that a random permutation of its eight in
// a row gives, so that words go up to seven hops and links carry several streams. Sender i of eight has color i. Every kx-th eight of every
// ky-th row have the same permutation: few kinds, and PEs far apart have the same routes; as many as there are, and none have.
func traffic(w, h, n, kx, ky int, seed int64) string {
	const block = 8
	r := rand.New(rand.NewSource(seed))
	var b strings.Builder
	fmt.Fprintf(&b, "machine wse2\nmesh %d %d\n", w, h)
	for k := range kx * ky {
		p := r.Perm(block)
		for fixed(p) {
			p = r.Perm(block)
		}
		from := make([]int, block)
		for i, to := range p {
			from[to] = i
		}
		at := func(x int) string {
			return fmt.Sprintf("at x %d..%d step %d y %d..%d step %d", k%kx*block+x, w, kx*block, k/kx, h, ky)
		}
		fmt.Fprintf(&b, "class k%d {", k)
		var out, in []string
		for i := range block {
			fmt.Fprintf(&b, " %s\n", at(i))
			out, in = append(out, fmt.Sprint(i, " ", at(i))), append(in, fmt.Sprint(from[i], " ", at(i)))
		}
		fmt.Fprintf(&b, " array u f32[%d] = affine 1 + 1*i + 1*px\n array v f32[%d] export\n", n, n)
		fmt.Fprintf(&b, " queue s out 2 color %s\n queue r in 3 color %s\n", strings.Join(out, ", "), strings.Join(in, ", "))
		fmt.Fprintf(&b, " task main local 8 { mov.f32 fab(s, %d) = u[0 : %d] async activate join mov.f32 v[0 : %d] = fab(r, %d) async unblock join }\n", n, n, n, n)
		fmt.Fprintf(&b, " task join local 9 blocked { block join exit }\n entry main }\n")
		for i, to := range p {
			step, ahead, back := 1, "east", "west"
			if to < i {
				step, ahead, back = -1, "west", "east"
			}
			fmt.Fprintf(&b, "route color %d %s rx ramp tx %s\n", i, at(i), ahead)
			for x := i + step; x != to; x += step {
				fmt.Fprintf(&b, "route color %d %s rx %s tx %s\n", i, at(x), back, ahead)
			}
			fmt.Fprintf(&b, "route color %d %s rx %s tx ramp\n", i, at(to), back)
		}
	}
	return b.String()
}

// fixed reports whether a permutation leaves something in its place, which a route cannot do.
func fixed(p []int) bool {
	for i, to := range p {
		if i == to {
			return true
		}
	}
	return false
}

func trafficEngine(tb testing.TB, text string, plain bool, threads int) machine {
	p, err := wse.Parse("traffic", text)
	if err != nil {
		tb.Fatal(err)
	}
	m, _ := wse.Profile("wse2")
	if plain {
		s, err := sim.New(p, m, sim.Options{})
		if err != nil {
			tb.Fatal(err)
		}
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
		text := traffic(16, 8, 40, kinds, 4*kinds, int64(kinds))
		a, b := trafficEngine(t, text, true, 1), trafficEngine(t, text, false, 2)
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
// one permutation, in "some" 16 kinds occur, in "all" no two have the same.
func BenchmarkTraffic(b *testing.B) {
	const side = 64
	for _, kinds := range []struct {
		name   string
		kx, ky int
	}{{"same", 1, 1}, {"some", 4, 4}, {"all", side / 8, side}} {
		text := traffic(side, side, 1000, kinds.kx, kinds.ky, 1)
		for _, e := range []struct {
			name    string
			plain   bool
			threads int
		}{{"plain", true, 1}, {"fast1", false, 1}, {"fast2", false, 2}} {
			b.Run(kinds.name+"/"+e.name, func(b *testing.B) {
				var cycles, hops int64
				for b.Loop() {
					b.StopTimer()
					m := trafficEngine(b, text, e.plain, e.threads)
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
