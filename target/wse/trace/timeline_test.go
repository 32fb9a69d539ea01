package trace

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse/sim"
)

func chain(t testing.TB) *sim.Sim {
	b, err := os.ReadFile("../examples/chain.wse")
	if err != nil {
		t.Fatal(err)
	}
	return simulator(t, "chain.wse", string(b))
}

type slice struct {
	Ph   string
	Name string
	Cat  string
	Pid  int
	Tid  int
	Ts   int64
	Dur  int64
	Args map[string]any
}

// The CE of a PE is drawn without gaps from the first cycle to the last, slices of a track nest, and every link carries what it did.
func TestTimeline(t *testing.T) {
	s := chain(t)
	var b bytes.Buffer
	line := NewTimeline(&b, s, Window{})
	s.SetSink(line)
	st, err := s.Launch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Close(); err != nil {
		t.Fatal(err)
	}
	var doc struct{ TraceEvents []slice }
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	tracks := map[[2]int][]slice{}
	var wavelets float64
	seen := map[string]bool{}
	for _, e := range doc.TraceEvents {
		if e.Ph != "X" {
			continue
		}
		seen[e.Cat] = true
		tracks[[2]int{e.Pid, e.Tid}] = append(tracks[[2]int{e.Pid, e.Tid}], e)
		if e.Cat == "link" && e.Tid < trackLinks+4 {
			wavelets += e.Args["wavelets"].(float64)
		}
	}
	if int64(wavelets) != st.Hops {
		t.Errorf("links carry %g wavelets, the engine counts %d hops", wavelets, st.Hops)
	}
	for _, cat := range []string{"task", "dispatch", "operation", "control", "stall", "link"} {
		if !seen[cat] {
			t.Errorf("nothing of category %s", cat)
		}
	}
	w, h := s.Size()
	for pe := range w * h {
		if got := covered(t, tracks[[2]int{pe, trackCE}]); got != st.Cycles {
			t.Errorf("the CE of PE %d is drawn for %d cycles of %d", pe, got, st.Cycles)
		}
	}
	for _, list := range tracks {
		covered(t, list)
	}
}

// covered is the cycles in the outermost slices of a track, which must nest.
func covered(t *testing.T, list []slice) (n int64) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		return a.Ts < b.Ts || a.Ts == b.Ts && a.Dur > b.Dur
	})
	var open []int64
	for _, e := range list {
		for len(open) > 0 && open[len(open)-1] <= e.Ts {
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			n += e.Dur
		} else if e.Ts+e.Dur > open[len(open)-1] {
			t.Errorf("%q at %d overlaps the slice before it", e.Name, e.Ts)
		}
		open = append(open, e.Ts+e.Dur)
	}
	return
}

func TestTimelineOfAWindow(t *testing.T) {
	s := chain(t)
	var b bytes.Buffer
	line := NewTimeline(&b, s, Window{X: 1, W: 1, H: 1})
	s.SetSink(line)
	if _, err := s.Launch(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := line.Close(); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "PE (1,0)") || strings.Contains(text, "PE (0,0)") {
		t.Errorf("a window of PE (1,0) shows %s", text)
	}
}

// lineKinds are the lines of the format, as its readers look for them.
var lineKinds = map[string]*regexp.Regexp{
	"dimensions": regexp.MustCompile(`^@\d+ dimX=\d+, dimY=\d+$`),
	"issue":      regexp.MustCompile(`^@\d+ P\d+\.\d+: \[IS OP\] \^ 0x[0-9a-f]{4}: T\d+ \S+ Dest:\S+( Src\d:\S+)*$`),
	"execute":    regexp.MustCompile(`^@\d+ P\d+\.\d+: \[EX OP\] (\^ 0x[0-9a-f]{4}: T\d+ [A-Z]\S*|IDLE)$`),
	"landing":    regexp.MustCompile(`^@\d+ P\d+\.\d+ \(hwtile\) landing C\d+ from link [WESNR], `),
	"wavelet":    regexp.MustCompile(`^@\d+ P\d+\.\d+ \(hwtile\) wavelet C\d+ ctrl=[01], idx=[0-9a-f]{4}, data=[0-9a-f]{4} \(u32\(\d+\)\), half=0, ident=[0-9a-f]{16} landing=[RENWS-] departing=/[E ][N ][W ][S ][R ]/(, to_ce_from_q)?$`),
	"starved":    regexp.MustCompile(`^@\d+ P\d+\.\d+: Not enough wavelets \(0/1\) for SRC0 with C\d+, IN_Q\[\d+\], SIMD-1$`),
	"stall":      regexp.MustCompile(`^@\d+ P\d+\.\d+: Pipe: \d, Msg: stall: .+$`),
	"writing":    regexp.MustCompile(`^@\d+ P\d+\.\d+: Writing wavelet C\d+ data=[0-9a-f]{8} to OUT_Q\[\d+\]$`),
	"sending":    regexp.MustCompile(`^@\d+ P\d+\.\d+: Sending wavelet C\d+ data ident:[0-9a-f]{16} on OUT_Q\[\d+\]$`),
	"pressure":   regexp.MustCompile(`^@\d+ P\d+\.\d+: Backpressure on C\d+ for OUT_Q\[\d+\]$`),
}

func TestViewerLines(t *testing.T) {
	count := map[string]int{}
	examples(t, func(t *testing.T, s *sim.Sim) {
		var b bytes.Buffer
		v := NewViewer(&b, s, Window{})
		s.SetSink(v)
		st, err := s.Launch(context.Background())
		if cerr := v.Close(); cerr != nil {
			t.Fatal(cerr)
		}
		taken, last := 0, 0
		for _, l := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
			kind := ""
			for k, r := range lineKinds {
				if r.MatchString(l) {
					kind = k
				}
			}
			if kind == "" {
				t.Fatalf("no line of the format: %q", l)
			}
			count[kind]++
			if strings.HasSuffix(l, "to_ce_from_q") {
				taken++
			}
			at := 0
			for _, c := range l[1:strings.IndexByte(l, ' ')] {
				at = 10*at + int(c-'0')
			}
			if at < last {
				t.Fatalf("%q comes after cycle %d", l, last)
			}
			last = at
		}
		if err == nil && int64(taken) != st.Delivered {
			t.Errorf("%d wavelets consumed, the engine counts %d", taken, st.Delivered)
		}
	})
	for k := range lineKinds {
		if count[k] == 0 {
			t.Errorf("no example shows a line of kind %s", k)
		}
	}
}

// The iterations of a launch's loop follow each other from the launch on, and operations say in which they end.
func TestTimelineIterations(t *testing.T) {
	s := simulator(t, "loop.wse", `machine wse3
mesh 1 1
class a { at x 0..1 y 0..1 args mode, n array u f32[8]
  task main local 8 { while %n > 0 { add.f32 u[0 : 8] = u[0 : 8], 1 set %n = %n - 1 } exit } entry main }
`)
	var b bytes.Buffer
	line := NewTimeline(&b, s, Window{})
	s.SetSink(line)
	for range 2 {
		if _, err := s.Launch(context.Background(), 0, 3); err != nil {
			t.Fatal(err)
		}
	}
	if err := line.Close(); err != nil {
		t.Fatal(err)
	}
	var doc struct{ TraceEvents []slice }
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	var names []string
	var ops []any
	end := int64(-1)
	for _, e := range doc.TraceEvents {
		switch e.Cat {
		case "loop":
			if e.Name != "iteration 0" && e.Ts != end {
				t.Errorf("%s begins in cycle %d, the one before ends in %d", e.Name, e.Ts, end)
			}
			names, end = append(names, e.Name), e.Ts+e.Dur
		case "operation":
			ops = append(ops, e.Args["iteration"])
		}
	}
	if got := strings.Join(names, ", "); got != "iteration 0, iteration 1, iteration 2, iteration 0, iteration 1, iteration 2" {
		t.Errorf("drawn: %s", got)
	}
	for i, n := range ops {
		if n != float64(i%3) {
			t.Errorf("operation %d is in iteration %v", i, n)
		}
	}
	if len(ops) != 6 {
		t.Errorf("%d operations", len(ops))
	}
}
