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
				fmt.Fprintf(&b, "    mov.f32 fab(q, %d, advance%s) = u[0 : 1*0]\n", 1+r.IntN(3), pick("", " own"))
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
			fmt.Fprintf(&b, "    mov.f32 v[0 : %[1]d] = fab(p, %[1]d)%s\n", 1+r.IntN(3), pick("", "", " async on control", " async activate g on control"))
			sink = " task g local 13 { set %m = 1 }"
		}
		if r.IntN(3) > 0 {
			send()
		}
		handler := ""
		if r.IntN(3) == 0 {
			handler = fmt.Sprintf(" task h teardown 0 { activate z } task z local 12 { reroute color 0 rx %s tx %s }", pick("west", "ramp"), pick("east", "east pos rx ramp ring", "east pos rx west"))
		}
		b.WriteString("    exit\n  } task c control 3 { set %n = 1 }" + sink + handler + " entry main }\n")
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

// phases is a line of two PEs that send to each other in turns on one color: torn down by a control wavelet of the sender, after which the
// handlers' tasks give it the other direction. The placeholders are what the handlers do, and statements of task next.
const phases = `machine wse3
mesh 2 1
class a { at x 0..1 y 0..1
 array u f32[2] = fill 1 array v f32[2] array k u32[1] = fill 1237319680
 queue o out 2 color 0 queue i in 2 color 0
 task main local 8 { reroute color 0 rx ramp tx east block next mov.f32 fab(o, 2) = u[0 : 2] async activate end }
 task end local 9 { mov.u32 ctl(o, 1) = k[0 : 1] async unblock next }
 task next local 10 { %[2]s reroute color 0 rx east tx ramp mov.f32 v[0 : 2] = fab(i, 2) async activate done }
 task done local 11 { exit }
 task torn teardown 0 { %[1]s } entry main }
class b { at x 1..2 y 0..1
 array u f32[2] = fill 1 array v f32[2]
 queue o out 2 color 0 queue i in 2 color 0
 task main local 8 { reroute color 0 rx west tx ramp block next mov.f32 v[0 : 2] = fab(i, 2) async unblock next }
 task next local 10 { reroute color 0 rx ramp tx west mov.f32 fab(o, 2) = u[0 : 2] async activate done }
 task done local 11 { exit }
 task torn teardown 0 { activate next } entry main }
route color 0 at x 0..2 y 0..1 rx west tx ramp teardown
launch
`

// Teardown handlers: what the color's next phase waits for is its handler, however it is timed.
func TestTeardownHandlers(t *testing.T) {
	const word = 1237319680
	if w := wse.ControlWord(-1, 0, wse.CmdTeardown); w != word {
		t.Fatalf("a teardown is %d", w)
	}
	for _, c := range []struct {
		handler, next, want string
	}{
		{"activate next", "", "free of deadlock"},
		{"", "", "deadlock"}, // nobody starts the second phase
		{"set %n = 1 activate next", "", "construct"},
		{"activate next", "mov.f32 fab(o, 2) = u[0 : 2]", "deadlock"}, // into a router that is torn down
	} {
		src := fmt.Sprintf(phases, c.handler, c.next)
		p, err := wse.Parse("phases", src)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := wse.Profile("wse3")
		v, err := Judge(p, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(v.String(), c.want) || len(v.Races) > 0 {
			t.Errorf("handler {%s}, next {%s}: %v, want %s", c.handler, c.next, v, c.want)
		}
		for _, x := range timings(m)[:3] {
			s, err := sim.New(p, x, sim.Options{MaxCycles: 100_000})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Launch(context.Background())
			if free := c.want == "free of deadlock" || c.want == "construct"; free != (err == nil) {
				t.Errorf("handler {%s}, next {%s}: %v", c.handler, c.next, err)
			}
		}
	}
}
