package sim

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// halo is a loop of nearest-neighbour exchanges along x and y on a W x H mesh:
// every PE sends its vector to all four sides on one multicast color and adds
// what its neighbours send, as generated heat programs do. The color of a sender
// is (x + 2y) mod 5, so that the five colors a PE hears are different.
func halo(w, h, n, steps int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "machine wse2\nmesh %d %d\n", w, h)
	// Only x is exchanged, by parity colors, so that regions stay few: 0/1 east, 2/3 west.
	class := func(name string, lo, hi int, west, east bool) {
		fmt.Fprintf(&b, "class %s { at x %d..%d y 0..%d\n array u f32[%d] export = affine 1 + 1*i + 1*px\n array v f32[%d] export\n", name, lo, hi, h, n, n)
		even := func(lo int) int { return lo + lo%2 }
		odd := func(lo int) int { return lo + 1 - lo%2 }
		parity := func(a, z int) string {
			return fmt.Sprintf("%d at x %d..%d step 2 y 0..%d, %d at x %d..%d step 2 y 0..%d", a, even(lo), hi+2, h, z, odd(lo), hi+2, h)
		}
		ops := ""
		if east {
			fmt.Fprintf(&b, " queue se out 2 color %s\n queue re in 2 color %s\n", parity(0, 1), parity(3, 2))
			ops += fmt.Sprintf("mov.f32 fab(se, %d) = u[0 : %d] async activate join\n", n, n)
		}
		if west {
			fmt.Fprintf(&b, " queue sw out 3 color %s\n queue rw in 3 color %s\n", parity(2, 3), parity(1, 0))
			ops += fmt.Sprintf("mov.f32 fab(sw, %d) = u[0 : %d] async unblock join\n", n, n)
		}
		blocked := "blocked"
		first := ""
		if !west || !east {
			blocked, first = "", ""
			ops = strings.ReplaceAll(ops, "unblock join", "activate join")
		}
		ops += fmt.Sprintf("mul.f32 v[0 : %d] = u[0 : %d], 0.5\n", n, n)
		if west {
			ops += fmt.Sprintf("add.f32 v[0 : %d] = v[0 : %d], fab(rw, %d)\n", n, n, n)
		}
		if east {
			ops += fmt.Sprintf("add.f32 v[0 : %d] = v[0 : %d], fab(re, %d)\n", n, n, n)
		}
		reblock := ""
		if blocked != "" {
			reblock = "block join"
		}
		fmt.Fprintf(&b, ` task main local 8 { %s %s }
 task join local 9 %s { %s mul.f32 u[0 : %d] = v[0 : %d], 0.3
   set %%k = %%k + 1
   if %%k < %d { activate main } else { exit } }
 entry main }
`, first, ops, blocked, reblock, n, n, steps)
	}
	class("west", 0, 1, false, true)
	class("mid", 1, w-1, true, true)
	class("east", w-1, w, true, false)
	for x := 0; x < w; x++ {
		at := fmt.Sprintf("at x %d..%d y 0..%d", x, x+1, h)
		if x < w-1 {
			fmt.Fprintf(&b, "route color %d %s rx ramp tx east\nroute color %d %s rx east tx ramp\n", x%2, at, 2+(x+1)%2, at)
		}
		if x > 0 {
			fmt.Fprintf(&b, "route color %d %s rx ramp tx west\nroute color %d %s rx west tx ramp\n", 2+x%2, at, (x+1)%2, at)
		}
	}
	return b.String()
}

func TestHaloRuns(t *testing.T) {
	s := load(t, halo(6, 2, 10, 3), Options{})
	st, err := s.Launch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// The same in Go.
	u := make([][]float32, 6)
	for x := range u {
		u[x] = make([]float32, 10)
		for i := range u[x] {
			u[x][i] = float32(1 + i + x)
		}
	}
	for k := 0; k < 3; k++ {
		v := make([][]float32, 6)
		for x := range v {
			v[x] = make([]float32, 10)
			for i := range v[x] {
				a := float32(u[x][i] * 0.5)
				if x > 0 {
					a += u[x-1][i]
				}
				if x < 5 {
					a += u[x+1][i]
				}
				v[x][i] = float32(a * 0.3)
			}
		}
		u = v
	}
	for x := range u {
		got, _ := s.Floats(x, 1, "u")
		for i := range got {
			if float32(got[i]) != u[x][i] {
				t.Fatalf("u[%d] at x = %d is %g, want %g", i, x, got[i], u[x][i])
			}
		}
	}
	if st.Sent != 2*2*5*10*3 {
		t.Errorf("%d wavelets", st.Sent)
	}
}

func benchmark(b *testing.B, src string) {
	p := parse(b, "", src)
	m := profile(b, p.Machine)
	var pes, hops int64
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		b.StopTimer()
		s, err := New(p, m, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		st, err := s.Launch(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		pes += st.Cycles * int64(s.nPEs)
		hops += st.Hops
	}
	b.ReportMetric(float64(pes)/b.Elapsed().Seconds()/1e6, "M-PE-cycles/s")
	b.ReportMetric(float64(hops)/b.Elapsed().Seconds()/1e6, "M-hops/s")
}

func BenchmarkHalo64(b *testing.B)   { benchmark(b, halo(64, 64, 100, 10)) }
func BenchmarkHalo8(b *testing.B)    { benchmark(b, halo(8, 8, 100, 100)) }
func BenchmarkStream32(b *testing.B) { benchmark(b, line("wse2", 32, 8000, 31)) }
