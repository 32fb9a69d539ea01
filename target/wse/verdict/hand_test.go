package verdict

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

var (
	hands     = flag.Int("hands", 250, "random machine programs to judge")
	firstHand = flag.Uint64("first-hand", 1, "seed of the first")
)

// hand writes a machine program for a line of PEs at random: messages that mostly match, in tasks that mostly follow each other.
type hand struct {
	*rand.Rand
	b strings.Builder
}

func (h *hand) chance(p float64) bool { return h.Float64() < p }

func (h *hand) program(w int) string {
	machine := []string{"wse2", "wse3"}[h.IntN(2)]
	fmt.Fprintf(&h.b, "program hand\nmachine %s\nmesh %d 1\n", machine, w)
	type channel struct {
		from, to, color, queue int
		list                   []int
	}
	var channels []*channel
	for x := 0; x+1 < w; x++ {
		for _, east := range []bool{true, false} {
			for k := range 1 + h.IntN(2) {
				c := &channel{from: x, to: x + 1, color: 4*(x%2) + k, queue: 2 + k + 2*(x%2)}
				if !east {
					c.from, c.to, c.color = x+1, x, 8+4*(x%2)+k
				}
				for range h.IntN(4) {
					c.list = append(c.list, 1+h.IntN(14))
				}
				channels = append(channels, c)
			}
		}
	}
	for x := range w {
		fmt.Fprintf(&h.b, "class c%d {\n  at x %d..%d y 0..1\n", x, x, x+1)
		for _, a := range []string{"a", "b", "c"} {
			fmt.Fprintf(&h.b, "  array %s f32[20] export = affine %d + 1*i\n", a, 100*x+20*int(a[0]))
		}
		var streams [][]string // statements of each channel end, in order, as formats with the memory side open
		var data []*channel
		for i, c := range channels {
			if len(c.list) == 0 {
				continue
			}
			var l []string
			if c.from == x {
				fmt.Fprintf(&h.b, "  queue q%d out %d color %d\n", i, c.queue, c.color)
				for _, n := range c.list {
					l = append(l, fmt.Sprintf("mov.f32 fab(q%d, %d) = %s", i, n, h.vec(n)))
				}
			}
			if c.to == x {
				fmt.Fprintf(&h.b, "  queue q%d in %d color %d\n", i, c.queue, c.color)
				if h.chance(0.2) {
					data = append(data, c)
					continue
				}
				list := c.list
				if h.chance(0.04) {
					list = list[1:]
				}
				for _, n := range list {
					l = append(l, fmt.Sprintf("mov.f32 %s = fab(q%d, %d)", h.vec(n), i, n))
				}
			}
			if len(l) > 0 {
				streams = append(streams, l)
			}
		}
		var all []string
		for len(streams) > 0 {
			i := h.IntN(len(streams))
			all = append(all, streams[i][0])
			if streams[i] = streams[i][1:]; len(streams[i]) == 0 {
				streams = slices.Delete(streams, i, i+1)
			}
		}
		tasks := 1 + h.IntN(4)
		parts := make([][]string, tasks)
		for i, s := range all {
			t := min(i*tasks/max(1, len(all)), tasks-1)
			parts[t] = append(parts[t], s)
		}
		var blocked [8]bool
		var bodies []string
		for t := range parts {
			var b strings.Builder
			next := fmt.Sprintf("t%d", t+1)
			last := t == tasks-1
			started, waits := false, false
			for i, s := range parts[t] {
				queue := s[strings.Index(s, "fab("):strings.LastIndex(s, ", ")]
				again := slices.ContainsFunc(parts[t][i+1:], func(x string) bool { return strings.Contains(x, queue) })
				if h.chance(0.25) {
					n := 1 + h.IntN(5)
					fmt.Fprintf(&b, "    mov.f32 %s = %s\n", h.vec(n), h.vec(n))
				}
				if h.chance(0.6) && (!again || h.chance(0.05)) {
					s += " async"
					switch {
					case last || h.chance(0.05):
					case h.chance(0.5) && (!started || h.chance(0.1)):
						s += " activate " + next
						started = true
					case !waits || h.chance(0.1):
						s += " unblock " + next
						blocked[t+1], waits = true, true
					}
				}
				fmt.Fprintf(&b, "    %s\n", s)
			}
			switch {
			case !last && !started && !h.chance(0.03):
				fmt.Fprintf(&b, "    activate %s\n", next)
			case last && len(data) == 0:
				b.WriteString("    exit\n")
			case last:
				b.WriteString("    activate join\n")
			}
			if t > 0 && h.chance(0.05) {
				fmt.Fprintf(&b, "    block t%d\n", t)
			}
			bodies = append(bodies, b.String())
		}
		id := 14
		for t, b := range bodies {
			state := ""
			if blocked[t] {
				state = " blocked"
			}
			fmt.Fprintf(&h.b, "  task t%d local %d%s {\n%s  }\n", t, id, state, b)
			id++
		}
		if len(data) > 0 {
			for k, c := range data {
				total := 0
				for _, n := range c.list {
					total += n
				}
				i := slices.Index(channels, c)
				fmt.Fprintf(&h.b, "  task d%d data q%d (%%w%d) {\n    set %%n%d = %%n%d + 1\n    if %%n%d == %d { activate join } else { }\n  }\n", k, i, k, k, k, k, total)
			}
			// join runs once for each event, unless two become one.
			fmt.Fprintf(&h.b, "  task join local %d {\n    set %%j = %%j + 1\n    if %%j == %d { exit } else { }\n  }\n", id, len(data)+1)
		}
		h.b.WriteString("  entry t0\n}\n")
	}
	for _, c := range channels {
		if len(c.list) == 0 {
			continue
		}
		out, in := "east", "west"
		if c.from > c.to {
			out, in = in, out
		}
		fmt.Fprintf(&h.b, "route color %d at x %d..%d y 0..1 rx ramp tx %s\n", c.color, c.from, c.from+1, out)
		fmt.Fprintf(&h.b, "route color %d at x %d..%d y 0..1 rx %s tx ramp\n", c.color, c.to, c.to+1, in)
	}
	h.b.WriteString("launch\n")
	return h.b.String()
}

func (h *hand) vec(n int) string {
	return fmt.Sprintf("%s[%d : %d]", []string{"a", "b", "c"}[h.IntN(3)], h.IntN(20-n+1), n)
}

// timings are machines that differ in durations only, with the smallest depths.
func timings(m wse.Machine) (out []wse.Machine) {
	for _, f := range []func(*wse.Machine){
		func(*wse.Machine) {},
		func(m *wse.Machine) { m.HopCycles, m.RampOutCycles = 9, 5 },
		func(m *wse.Machine) { m.LocalDispatch, m.AsyncIssue = 60, 1 },
		func(m *wse.Machine) { m.AsyncIssue, m.FabricSetup = 90, 1 },
		func(m *wse.Machine) { m.FabricSetup = 70 },
		func(m *wse.Machine) { m.DataDispatch, m.LocalDispatch, m.TaskCtlCycles = 1, 1, 50 },
		func(m *wse.Machine) { m.LinkTicks = 20_000 },
	} {
		x := m.Smallest()
		f(&x)
		out = append(out, x)
	}
	return
}

// Verdicts on random programs hold in simulations with all kinds of durations: free never hangs, deadlocks never ends. What has no race
// leaves the same memory whatever the durations.
func TestHands(t *testing.T) {
	count := map[string]int{}
	for seed := *firstHand; seed < *firstHand+uint64(*hands); seed++ {
		h := &hand{Rand: rand.New(rand.NewPCG(seed, 5))}
		src := h.program(2 + h.IntN(2))
		p, err := wse.Parse("hand", src)
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		m, err := wse.Profile(p.Machine)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Judge(p, m, Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		ended, stuck := 0, 0
		var first [][]float64
		for _, x := range timings(m) {
			s, err := sim.New(p, x, sim.Options{MaxCycles: 200_000})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Launch(context.Background())
			var dead *sim.Deadlock
			switch {
			case err == nil:
				ended++
			case errors.As(err, &dead):
				stuck++
			case !strings.Contains(err.Error(), "still") && v.Kind == Free:
				t.Errorf("seed %d: %v\n%s", seed, err, src)
			case v.Kind == Free && len(v.Races) == 0:
				t.Errorf("seed %d is free of races: %v\n%s", seed, err, src)
			}
			if err != nil || v.Kind != Free || len(v.Races) > 0 {
				continue
			}
			var mem [][]float64
			for pe := range p.W {
				for _, a := range []string{"a", "b", "c"} {
					f, err := s.Floats(pe, 0, a)
					if err != nil {
						t.Fatal(err)
					}
					mem = append(mem, f)
				}
			}
			if first == nil {
				first = mem
			}
			for i := range mem {
				if !slices.Equal(mem[i], first[i]) {
					t.Errorf("seed %d is judged free of races, and memory depends on durations:\n%v\n%v\n%s", seed, mem[i], first[i], src)
					break
				}
			}
		}
		switch {
		case v.Kind == Free && stuck > 0:
			t.Errorf("seed %d is judged free and hangs\n%s", seed, src)
		case v.Kind == Deadlocks && ended > 0:
			t.Errorf("seed %d ends, and is judged so: %v\n%s", seed, v, src)
		}
		key := v.Kind.String() + " " + v.Reason.String()
		if len(v.Races) > 0 {
			key += ", races"
		}
		if ended > 0 && stuck > 0 {
			key += ", the simulator does both"
		}
		count[key]++
	}
	var keys []string
	for k := range count {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		t.Logf("%-50s %d", k, count[k])
	}
	if *hands >= 200 && (count["free "]*10 < *hands || count["deadlocks "]*10 < *hands) {
		t.Error("the programs are too one-sided")
	}
}
