package sim

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"pgregory.net/rapid"
)

// A sender in the middle of a cross turns its switch at random times; two PEs in each direction take what filters leave them. Each
// gets exactly the words that the order of the positions and the arithmetic of the filters give it, whatever the depths of buffers.
func TestRandomSwitches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		machine := rapid.SampledFrom(wse.Profiles()).Draw(t, "machine")
		m, _ := wse.Profile(machine)
		dirs := rapid.Permutation([]wse.Dir{wse.North, wse.East, wse.South, wse.West}).Draw(t, "dirs")[:rapid.IntRange(1, 4).Draw(t, "positions")]
		ring, start := rapid.Bool().Draw(t, "ring"), rapid.IntRange(0, len(dirs)-1).Draw(t, "start")
		var src strings.Builder
		fmt.Fprintf(&src, "machine %s\nmesh 5 5\n", machine)
		// What goes where.
		at, sent := start, 0
		got := map[wse.Dir][]uint32{}
		var body strings.Builder
		for k := rapid.IntRange(1, 6).Draw(t, "sends"); k > 0; k-- {
			n := rapid.IntRange(1, 9).Draw(t, "n")
			fmt.Fprintf(&body, "mov.u32 fab(q, %d", n)
			for i := 0; i < n; i++ {
				got[dirs[at]] = append(got[dirs[at]], uint32((sent+i)%7<<16|(sent+i)))
			}
			advance := rapid.Bool().Draw(t, "advance")
			if advance {
				body.WriteString(rapid.SampledFrom([]string{", advance", ", advance own"}).Draw(t, "how"))
			}
			fmt.Fprintf(&body, ") = u[%d : %d] ", sent, n)
			sent += n
			if rapid.IntRange(0, 4).Draw(t, "reset") == 0 {
				body.WriteString("mov.u32 ctl(q, 1) = cmd(reset) ")
				at = start
			} else if advance && (ring || at+1 < len(dirs)) {
				at = (at + 1) % len(dirs)
			}
		}
		var values []string
		for i := 0; i < sent; i++ {
			values = append(values, fmt.Sprint(i%7<<16|i))
		}
		fmt.Fprintf(&src, "class mid { at x 2..3 y 2..3 array u u32[%d] = list [%s] queue q out 2 color 3\n task main local 8 { %s exit } entry main }\n",
			sent, strings.Join(values, ", "), body.String())
		fmt.Fprintf(&src, "route color 3 at x 2..3 y 2..3 rx ramp tx %s", dirs[0])
		for _, d := range dirs[1:] {
			fmt.Fprintf(&src, " pos tx %s", d)
		}
		if len(dirs) > 1 {
			fmt.Fprintf(&src, " start %d", start)
			if ring {
				src.WriteString(" ring")
			}
		}
		src.WriteByte('\n')
		type sink struct {
			x, y int
			want []uint32
		}
		var sinks []sink
		for _, d := range dirs {
			dx, dy := d.Delta()
			for hop := 1; hop <= 2; hop++ {
				x, y := 2+hop*dx, 2+hop*dy
				tx := "ramp"
				if hop == 1 {
					tx += ", " + d.String()
				}
				f := &wse.Filter{Kind: wse.FilterCounter, Limit: rapid.IntRange(0, 6).Draw(t, "limit"), Max: rapid.IntRange(0, 6).Draw(t, "max")}
				f.Init = rapid.IntRange(0, f.Limit).Draw(t, "init")
				text := fmt.Sprintf("counter init %d max %d limit %d", f.Init, f.Max, f.Limit)
				if rapid.Bool().Draw(t, "range") {
					f = &wse.Filter{Lo: rapid.IntRange(0, 4).Draw(t, "lo"), Hi: rapid.IntRange(4, 7).Draw(t, "hi")}
					text = fmt.Sprintf("range %d %d", f.Lo, f.Hi)
				}
				s := sink{x: x, y: y}
				c := f.Init
				for _, v := range got[d] {
					var ok bool
					if ok, c = f.Passes(v, c); ok {
						s.want = append(s.want, v)
					}
				}
				fmt.Fprintf(&src, "route color 3 at x %d..%d y %d..%d rx %s tx %s filter %s\n", x, x+1, y, y+1, d.Opposite(), tx, text)
				n := len(s.want)
				recv := ""
				if n > 0 {
					recv = fmt.Sprintf("mov.u32 v[0 : %d] = fab(q, %d)", n, n)
				}
				fmt.Fprintf(&src, "class s%d%d { at x %d..%d y %d..%d array v u32[64] export queue q in 2 color 3\n task main local 8 { %s exit } entry main }\n",
					x, y, x, x+1, y, y+1, recv)
				sinks = append(sinks, s)
			}
		}
		p, err := wse.Parse("", src.String())
		if err != nil {
			t.Fatal(err, src.String())
		}
		var mem []byte
		for i := 0; i < 3; i++ {
			s, err := New(p, m, Options{})
			if err != nil {
				t.Fatal(err, src.String())
			}
			if _, err := s.Launch(context.Background()); err != nil {
				t.Fatal(err, src.String())
			}
			for _, k := range sinks {
				raw := make([]uint32, len(k.want))
				if err := s.ReadArray(k.x, k.y, "v", 0, raw); err != nil {
					t.Fatal(err)
				}
				for j, v := range raw {
					if v != k.want[j] {
						t.Fatalf("PE (%d,%d) got %v, want %v\n%s", k.x, k.y, raw, k.want, src.String())
					}
				}
			}
			if mem == nil {
				mem = s.mem
			}
			if !bytes.Equal(mem, s.mem) {
				t.Fatalf("buffer depths changed a value\n%s", src.String())
			}
			m = m.Clone()
			m.RouterDepth = rapid.IntRange(1, 3).Draw(t, "depth")
			m.InQueues[2].Depth, m.OutQueues[2].Depth = rapid.IntRange(1, 3).Draw(t, "in"), rapid.IntRange(1, 3).Draw(t, "out")
		}
	})
}

// Shift bundles of any size on one color, with delays anywhere: back-pressure keeps the order (see TestShiftBundle).
func TestRandomShiftBundles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		machine := rapid.SampledFrom(wse.Profiles()).Draw(t, "machine")
		m, _ := wse.Profile(machine)
		n, words := rapid.IntRange(1, 5).Draw(t, "sources"), rapid.IntRange(1, 5).Draw(t, "words")
		shift := rapid.IntRange(n, 7).Draw(t, "shift")
		var src strings.Builder
		fmt.Fprintf(&src, "machine %s\nmesh %d 1\n", machine, n+shift)
		delay := func() string {
			return strings.Repeat("map.div.f32 w[0 : 1] = w[0 : 1], 3 ", rapid.IntRange(0, 2).Draw(t, "delay"))
		}
		for j := 0; j < n; j++ {
			fmt.Fprintf(&src, "class s%d { at x %d..%d y 0..1 array u f32[%d] = affine %d + 1*i array w f32[1] queue q out 2 color 0\n", j, j, j+1, words, 100*j)
			fmt.Fprintf(&src, " task main local 8 { %smov.f32 fab(q, %d, advance) = u[0 : %d] exit } entry main }\n", delay(), words, words)
			d := j + shift
			fmt.Fprintf(&src, "class d%d { at x %d..%d y 0..1 array v f32[%d] export array w f32[1] queue q in 2 color 0\n", j, d, d+1, words)
			fmt.Fprintf(&src, " task main local 8 { %smov.f32 v[0 : %d] = fab(q, %d) exit } entry main }\n", delay(), words, words)
			tx := "ramp"
			if j < n-1 {
				tx = "ramp, east"
			}
			fmt.Fprintf(&src, "route color 0 at x %d..%d y 0..1 rx west tx %s filter counter init %d max %d limit %d\n", d, d+1, tx,
				(j+1)*words%(n*words), words-1, n*words-1)
		}
		fmt.Fprintf(&src, "route color 0 at x 0..%d y 0..1 rx ramp tx east pos rx west\n", n)
		if shift > n {
			fmt.Fprintf(&src, "route color 0 at x %d..%d y 0..1 rx west tx east\n", n, shift)
		}
		p, err := wse.Parse("", src.String())
		if err != nil {
			t.Fatal(err, src.String())
		}
		m = m.Clone()
		m.RouterDepth = rapid.IntRange(1, 4).Draw(t, "depth")
		s, err := New(p, m, Options{})
		if err != nil {
			t.Fatal(err, src.String())
		}
		st, err := s.Launch(context.Background())
		if err != nil {
			t.Fatal(err, src.String())
		}
		for j := 0; j < n; j++ {
			v, err := s.Floats(j+shift, 0, "v")
			if err != nil {
				t.Fatal(err)
			}
			for i, x := range v {
				if x != float64(100*j+i) {
					t.Fatalf("destination %d got %v\n%s", j, v, src.String())
				}
			}
		}
		stepped(t, p, m, s, st)
	})
}
