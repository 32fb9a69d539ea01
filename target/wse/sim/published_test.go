package sim

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// Broadcast 1-D by flooding: Luczynski et al., B + P + 2 T_R on WSE-2.
func TestBroadcastAgainstModel(t *testing.T) {
	m := profile(t, "wse2")
	for _, p := range []int{4, 16, 64} {
		for _, b := range []int{1, 64, 512} {
			take := make([]int, p-1)
			for i := range take {
				take[i] = i + 1
			}
			_, st := run(t, parse(t, "", line("wse2", p, b, take...)), m)
			got := st.Cycles - int64(m.LocalDispatch+m.FabricSetup) - 1
			if model := int64(b + p + 4); got < model-1 || got > model+1 {
				t.Errorf("P=%d B=%d: %d cycles, model %d", p, b, got, model)
			}
		}
	}
}

// relay is a line of PEs that each receive b words completely before they send
// them on.
func relay(p, b int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "machine wse3\nmesh %d 1\n", p)
	send := fmt.Sprintf("mov.f32 fab(e, %d) = u[0 : %d] async activate done", b, b)
	recv := fmt.Sprintf("mov.f32 u[0 : %d] = fab(w, %d) async activate ", b, b)
	class := func(name string, lo, hi int, tasks string) {
		queues := ""
		if lo > 0 {
			queues += fmt.Sprintf("queue w in 2 color 0 at x 1..%d step 2 y 0..1, 1 at x 2..%d step 2 y 0..1\n", p+1, p+2)
		}
		if hi < p {
			queues += fmt.Sprintf("queue e out 3 color 0 at x 0..%d step 2 y 0..1, 1 at x 1..%d step 2 y 0..1\n", p+1, p+1)
		}
		if lo < hi {
			fmt.Fprintf(&s, "class %s { at x %d..%d y 0..1\n array u f32[%d] export = affine 0 + 1*i\n %s %s\n task done local 10 { exit } entry main }\n",
				name, lo, hi, b, queues, tasks)
		}
	}
	class("first", 0, 1, "task main local 8 { "+send+" }")
	class("mid", 1, p-1, "task main local 8 { "+recv+"pass } task pass local 9 { "+send+" }")
	class("last", p-1, p, "task main local 8 { "+recv+"done }")
	for x := 0; x < p; x++ {
		if x < p-1 {
			fmt.Fprintf(&s, "route color %d at x %d..%d y 0..1 rx ramp tx east\n", x%2, x, x+1)
		}
		if x > 0 {
			fmt.Fprintf(&s, "route color %d at x %d..%d y 0..1 rx west tx ramp\n", (x+1)%2, x, x+1)
		}
	}
	return s.String()
}

// FABRICA 10g, WSE-3 simulator: N stages of B words take 1.001 N B + 16.1 N +
// 16.5 cycles, published as good to 4 %.
func TestRelayChainAgainstPublishedFit(t *testing.T) {
	m := profile(t, "wse3")
	cycles := func(n, b int) float64 {
		_, st := run(t, parse(t, "", relay(n+1, b)), m)
		return float64(st.Cycles)
	}
	for _, b := range []int{64, 512} {
		for _, n := range []int{2, 4, 8} {
			want := (1.001*float64(b) + 16.1) * float64(n-1)
			got := cycles(n, b) - cycles(1, b) // the intercept is timestamps and launch
			if math.Abs(got-want) > 0.02*want {
				t.Errorf("%d more stages of %d words take %.0f cycles, published %.1f", n-1, b, got, want)
			}
		}
	}
}

// A link of 9/8 cycle per wavelet carries 8 in 9 cycles.
func TestFractionalLinkRate(t *testing.T) {
	m, err := profile(t, "wse3").With("link.ticks", 1125)
	if err != nil {
		t.Fatal(err)
	}
	cycles := func(n int) int64 {
		_, st := run(t, parse(t, "", line("wse3", 4, n, 3)), m)
		return st.Cycles
	}
	if d := cycles(880) - cycles(80); d != 900 {
		t.Errorf("800 wavelets more take %d cycles more, want 900", d)
	}
}

// Silicon: a fit of point-to-point messages on CS-3, 33 + 2.000 h + 1.125 w (FABRICA noc_model.py), and one link at 0.889 wavelets per
// cycle (agent-memory).
func TestSiliconLinkRate(t *testing.T) {
	m := profile(t, "wse3-si")
	at := func(h, w int) float64 {
		_, st := run(t, parse(t, "", line("wse3-si", h+1, w, h)), m)
		return float64(st.Cycles)
	}
	if slope := (at(4, 2000) - at(4, 1000)) / 1000; slope < 1.124 || slope > 1.126 {
		t.Errorf("%g cycles per wavelet", slope)
	}
	if slope := (at(30, 500) - at(2, 500)) / 28; slope != 2 {
		t.Errorf("%g cycles per hop", slope)
	}
	// The constant of the fit includes what the host program does around the message.
	if c := at(8, 64) - 2*8 - 1.125*64; c < 10 || c > 33 {
		t.Errorf("%g cycles besides hops and wavelets", c)
	}
}
