package verdict

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// switched is a line of four PEs on one color with a switch in the middle two, at random: what the first PE sends with which commands, how
// the switches go, who sends and receives how much.
func switched(r *rand.Rand) string {
	var b strings.Builder
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	send := func() {
		for range 1 + r.IntN(4) {
			switch r.IntN(5) {
			case 0:
				fmt.Fprintf(&b, "    mov.u32 ctl(q, 1) = cmd(%s)\n", pick("advance", "reset", "nop, advance", "advance, advance", "advance, nop", "advance task 3", "nop, advance, advance", "teardown"))
			case 1:
				fmt.Fprintf(&b, "    mov.f32 fab(q, %d, advance) = u[0 : 1*0]\n", 1+r.IntN(3))
			default:
				fmt.Fprintf(&b, "    mov.f32 fab(q, %d) = u[0 : 1*0]\n", 1+r.IntN(3))
			}
		}
	}
	fix := func(s string) string { // a memory operand as long as its message
		lines := strings.Split(s, "\n")
		for i, l := range lines {
			var n int
			if j := strings.Index(l, "fab(q, "); j >= 0 && strings.Contains(l, "1*0") {
				fmt.Sscanf(l[j+7:], "%d", &n)
				lines[i] = strings.Replace(l, "1*0", fmt.Sprint(n), 1)
			}
		}
		return strings.Join(lines, "\n")
	}
	b.WriteString("machine wse3\nmesh 4 1\nclass a { at x 0..1 y 0..1 array u f32[8] queue q out 2 color 0\n  task main local 8 {\n")
	send()
	b.WriteString("    exit\n  } entry main }\n")
	for x := 1; x < 3; x++ {
		fmt.Fprintf(&b, "class b%d { at x %d..%d y 0..1 array u f32[8] array v f32[8] queue q out 2 color 0 queue p in 2 color 0\n  task main local 8 {\n", x, x, x+1)
		sink := " task d data p (%w) { set %n = 1 }" // takes whatever comes
		if r.IntN(4) == 0 {
			sink = ""
			fmt.Fprintf(&b, "    mov.f32 v[0 : %[1]d] = fab(p, %[1]d)\n", 1+r.IntN(3))
		}
		if r.IntN(3) > 0 {
			send()
		}
		b.WriteString("    exit\n  } task c control 3 { set %n = 1 }" + sink + " entry main }\n")
	}
	b.WriteString("class c { at x 3..4 y 0..1 queue p in 2 color 0\n  task main local 8 { exit } task d data p (%w) { set %n = 1 }\n  task c control 3 { set %n = 1 } entry main }\n")
	b.WriteString("route color 0 at x 0..1 y 0..1 rx ramp tx east\n")
	for x := 1; x < 3; x++ {
		fmt.Fprintf(&b, "route color 0 at x %d..%d y 0..1 rx west tx %s %s %s %s\n", x, x+1, pick("east", "east", "ramp", "ramp, east"),
			pick("pos rx ramp tx east", "pos tx east", "pos rx west tx ramp", "pos tx east pos rx ramp", "pos rx ramp tx east pos rx west tx ramp"),
			pick("", "", "ring"), pick("", "pop always", "pop advance"))
	}
	b.WriteString("route color 0 at x 3..4 y 0..1 rx west tx ramp\nlaunch\n")
	return fix(b.String())
}

// Random switches: verdicts hold in the simulator, whatever the durations.
func TestSwitched(t *testing.T) {
	count := map[string]int{}
	for seed := uint64(1); seed <= uint64(*hands)*4; seed++ {
		src := switched(rand.New(rand.NewPCG(seed, 9)))
		p, err := wse.Parse("switched", src)
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		m, err := wse.Profile(p.Machine)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Judge(p, m, Options{})
		if err != nil {
			count["illegal"]++
			continue
		}
		count[v.Kind.String()+" "+v.Reason.String()]++
		for _, x := range timings(m)[:3] {
			s, err := sim.New(p, x, sim.Options{MaxCycles: 100_000})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Launch(context.Background())
			var dead *sim.Deadlock
			switch {
			case v.Kind == Free && err != nil:
				t.Errorf("seed %d is judged free: %v (%v)\n%s", seed, err, errors.As(err, &dead), src)
			case v.Kind == Deadlocks && err == nil:
				t.Errorf("seed %d ends, and is judged so: %v\n%s", seed, v, src)
			}
		}
	}
	t.Log(count)
	if count["free "]*100 < *hands || count["deadlocks "]*10 < *hands {
		t.Error("too one-sided")
	}
}
