package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wfc-lang/wfc/target/wse"
)

// both runs a program with a script, prints it back and runs that, and runs it once more visiting everything in every cycle.
func both(t *testing.T, src string) Stats {
	t.Helper()
	p := parse(t, "", src)
	m := profile(t, p.Machine)
	q := parse(t, "", wse.Print(p))
	if d := cmp.Diff(p, q); d != "" {
		t.Fatalf("printing changes the program: %s", d)
	}
	var st [2]Stats
	var last *Sim
	for i, p := range []*wse.Program{p, q} {
		s, err := New(p, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if st[i], err = s.Launch(context.Background()); err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		for _, d := range p.Script {
			if d.Kind != wse.DoExpect {
				continue
			}
			s.each(d.Region, func(pe int) {
				got, err := s.Floats(pe%s.w, pe/s.w, d.Array)
				if err != nil {
					t.Error(err)
				}
				for j, g := range got {
					if want := d.Init.At(j, pe%s.w, pe/s.w); g != want {
						t.Errorf("PE %d: %s = %v, want %g at %d\n%s", pe, d.Array, got, want, j, src)
						break
					}
				}
			})
		}
		last = s
	}
	s, _ := New(p, m, Options{})
	s.begin(nil)
	for s.cycle < last.cycle {
		for pe := range s.ceNext {
			if s.class[pe] >= 0 {
				s.ceNext[pe] = s.cycle
			}
			s.rnext[pe] = s.cycle
		}
		if _, _, err := s.step(); err != nil {
			t.Fatal(err)
		}
		s.cycle++
	}
	if d := cmp.Diff(st[0], s.finishStats(0), cmp.AllowUnexported(Stats{})); d != "" || !bytes.Equal(s.mem, last.mem) {
		t.Errorf("skipping idle PEs changed the run: %s\n%s", d, src)
	}
	return st[0]
}

// One color, one sender, four receivers in turn: the sender's own switch goes round (tutorial topic-06).
func TestSwitchRotates(t *testing.T) {
	for _, machine := range []string{"wse2", "wse3"} {
		both(t, "machine "+machine+`
mesh 3 3
class mid { at x 1..2 y 1..2
  array u f32[8] = affine 0 + 1*i
  queue q out 2 color 4
  task main local 8 {
    mov.f32 fab(q, 2, advance) = u[0 : 2]  mov.f32 fab(q, 2, advance) = u[2 : 2]
    mov.f32 fab(q, 2, advance) = u[4 : 2]  mov.f32 fab(q, 2, advance) = u[6 : 2]
    mov.f32 fab(q, 2) = u[0 : 2]  exit } entry main }
class west { at x 0..1 y 1..2 array v f32[4] export queue q in 2 color 4
  task main local 8 { mov.f32 v[0 : 4] = fab(q, 4) exit } entry main }
class other { at x 1..2 y 0..3 step 2 at x 2..3 y 1..2 array v f32[2] export queue q in 2 color 4
  task main local 8 { mov.f32 v[0 : 2] = fab(q, 2) exit } entry main }
route color 4 at x 1..2 y 1..2 rx ramp tx west pos tx north pos tx east pos tx south ring
route color 4 at x 0..1 y 1..2 rx east tx ramp
route color 4 at x 1..2 y 0..1 rx south tx ramp
route color 4 at x 2..3 y 1..2 rx west tx ramp
route color 4 at x 1..2 y 2..3 rx north tx ramp
expect v at x 0..1 y 1..2 = list [0, 1, 0, 1]
expect v at x 1..2 y 0..1 = list [2, 3]
expect v at x 2..3 y 1..2 = list [4, 5]
expect v at x 1..2 y 2..3 = list [6, 7]
`)
	}
}

// Overlapping shifts on one color: sources inject, then relay; the nearest goes first by back-pressure alone; destinations pick their
// words with counter filters (spada's shift bundles).
const bundle = `machine wse3
mesh 6 1
class src { at x 0..3 y 0..1
  array u f32[2] = affine 0 + 1*i + 10*px
  queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 2, advance) = u[0 : 2] exit } entry main }
class dst { at x 3..6 y 0..1
  array v f32[2] export
  queue q in 2 color 0
  task main local 8 { mov.f32 v[0 : 2] = fab(q, 2) exit } entry main }
route color 0 at x 0..3 y 0..1 rx ramp tx east pos rx west
route color 0 at x 3..4 y 0..1 rx west tx ramp, east filter counter init 2 max 1 limit 5
route color 0 at x 4..5 y 0..1 rx west tx ramp, east filter counter init 4 max 1 limit 5
route color 0 at x 5..6 y 0..1 rx west tx ramp filter counter init 0 max 1 limit 5
expect v at x 3..6 y 0..1 = affine -30 + 1*i + 10*px
`

func TestShiftBundle(t *testing.T) {
	// PE 2 sends first and PE 5, whose window comes first, gets its words; PE 3 gets those of PE 0.
	st := both(t, bundle)
	if st.Sent != 9 || st.Delivered != 6 {
		t.Errorf("%d sent, %d delivered: 6 words and 3 advances are sent, 6 words arrive", st.Sent, st.Delivered)
	}
}

// A star over one color, twice: each router lets its own words pass and then those behind them, and the control wavelet of the farthest
// PE turns all of them back. The words of all PEs arrive one per cycle (Luczynski et al.: B (P - 1) + 2 T_R + 1).
func TestStarPassesOneWordPerCycle(t *testing.T) {
	const star = `machine wse2
mesh 9 1
class root { at x 0..1 y 0..1
  array v f32[16] export
  queue q in 2 color 0
  task main local 8 { ROOT exit } entry main }
class leaf { at x 1..8 y 0..1
  array u f32[2] = affine 0 + 1*i + 10*px
  queue q out 2 color 0
  task main local 8 { LEAF exit } entry main }
class far { at x 8..9 y 0..1
  array u f32[2] = affine 0 + 1*i + 10*px
  queue q out 2 color 0
  task main local 8 { FAR exit } entry main }
route color 0 at x 0..1 y 0..1 rx east tx ramp
route color 0 at x 1..8 y 0..1 rx ramp tx west pos rx east ring
route color 0 at x 8..9 y 0..1 rx ramp tx west
expect v at x 0..1 y 0..1 = list [10, 20, 30, 40, 50, 60, 70, 80, 11, 21, 31, 41, 51, 61, 71, 81]
`
	run := func(times int) int64 {
		root, leaf, far := "", "", ""
		for i := range times {
			root += fmt.Sprintf("mov.f32 v[%d : 8] = fab(q, 8) ", 8*i)
			leaf += fmt.Sprintf("mov.f32 fab(q, 1, advance own) = u[%d] ", i)
			far += fmt.Sprintf("mov.f32 fab(q, 1, advance) = u[%d] ", i)
		}
		src := strings.NewReplacer("ROOT", root, "LEAF", leaf, "FAR", far).Replace(star)
		if times < 2 {
			src = strings.Replace(src, "11, 21, 31, 41, 51, 61, 71, 81]", "0, 0, 0, 0, 0, 0, 0, 0]", 1)
		}
		return both(t, src).Cycles
	}
	m, err := wse.Profile("wse2")
	if err != nil {
		t.Fatal(err)
	}
	start, ramp := m.LocalDispatch+1+m.FabricSetup, m.RampOutCycles+m.RampInCycles+1
	if c, want := run(1), int64(start+8+ramp+m.HopCycles); c != want {
		t.Errorf("8 words take %d cycles, want %d", c, want)
	}
	if c := run(2) - run(1); c > int64(8+1+m.FabricSetup) {
		t.Errorf("a second time takes %d cycles more", c)
	}
}

// Tables that pick by the upper half of a word (tutorial topic-08).
func TestRangeFilter(t *testing.T) {
	both(t, `machine wse2
mesh 3 1
class src { at x 0..1 y 0..1
  array u u32[4] = list [65537, 131074, 196611, 65540]
  queue q out 2 color 0
  task main local 8 { mov.u32 fab(q, 4) = u[0 : 4] exit } entry main }
class one { at x 1..2 y 0..1 array v u32[2] export queue q in 2 color 0
  task main local 8 { mov.u32 v[0 : 2] = fab(q, 2) exit } entry main }
class two { at x 2..3 y 0..1 array v u32[2] export queue q in 2 color 0
  task main local 8 { mov.u32 v[0 : 2] = fab(q, 2) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp, east filter range 1 1
route color 0 at x 2..3 y 0..1 rx west tx ramp filter range 2 3
expect v at x 1..2 y 0..1 = list [65537, 65540]
expect v at x 2..3 y 0..1 = list [131074, 196611]
`)
}

// turn is a line of three: PE 0 sends through PE 1 to PE 2, then PE 1 sends. How many advances PE 1's router needs differs.
func turn(machine, positions, control string) string {
	return "machine " + machine + `
mesh 3 1
class a { at x 0..1 y 0..1 array u f32[1] = fill 5 queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 1) = u[0 : 1] ` + control + ` exit } entry main }
class b { at x 1..2 y 0..1 array u f32[1] = fill 7 queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 1) = u[0 : 1] exit } entry main }
class c { at x 2..3 y 0..1 array v f32[2] export queue q in 2 color 0
  task main local 8 { mov.f32 v[0 : 2] = fab(q, 2) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx east ` + positions + `
route color 0 at x 2..3 y 0..1 rx west tx ramp
expect v at x 2..3 y 0..1 = list [5, 7]
`
}

func TestCommands(t *testing.T) {
	adv := "mov.u32 ctl(q, 1) = cmd(advance)"
	both(t, turn("wse2", "pos rx ramp", adv))
	both(t, turn("wse2", "pos rx ramp pos rx south pos rx west", adv))
	both(t, turn("wse2", "pos rx west pos rx ramp start 1", adv))
	src := turn("wse2", "pos rx west start 0", "mov.u32 ctl(q, 1) = cmd(reset)")
	if err := launch(t, src); err == nil || !strings.Contains(err.Error(), "does not accept from the ramp") {
		t.Errorf("a queue whose color never comes from the ramp: %v", err)
	}
	// An advance past the last position changes nothing without ring, and goes round with it.
	var dead *Deadlock
	if err := launch(t, turn("wse3", "pos rx ramp ring", "")); !errors.As(err, &dead) ||
		!strings.Contains(dead.Error(), "does not take: its switch is in position 0, rx west, tx east") {
		t.Errorf("a switch nobody advances: %v", err)
	}
	// A second advance finds the way closed: the router accepts from its ramp now, and keeps the stream of PE 0 out for ever.
	if err := launch(t, turn("wse3", "pos rx ramp", adv+" mov.f32 fab(q, 1) = u[0 : 1]")); !errors.As(err, &dead) {
		t.Errorf("a switch advanced under a stream: %v", err)
	}
}

// Without pops every router on the way obeys the first command; with them each takes its own; on a machine that pops nothing only
// the first counts.
func TestPopModes(t *testing.T) {
	const src = `machine %s
mesh 4 1
class a { at x 0..1 y 0..1 queue q out 2 color 0 array go f32[1] queue g in 2 color 1
  task main local 8 { mov.u32 ctl(q, 1) = cmd(nop, advance, nop) exit } entry main }
class b { at x 1..3 y 0..1 array u f32[1] = affine 0 + 1*px queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 1) = u[0 : 1] exit } entry main }
class c { at x 3..4 y 0..1 array v f32[1] export queue q in 2 color 0
  task main local 8 { mov.f32 v[0 : 1] = fab(q, 1) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..3 y 0..1 rx west tx east pos rx ramp pop %s
route color 0 at x 3..4 y 0..1 rx west tx ramp
launch
`
	waits := func(machine, pop string) (xs []int) {
		err := launch(t, fmt.Sprintf(src, machine, pop))
		var dead *Deadlock
		if !errors.As(err, &dead) {
			t.Fatalf("%s, pop %s: %v", machine, pop, err)
		}
		for _, w := range dead.Waits {
			if strings.Contains(w.Reason, "position 0") {
				xs = append(xs, w.X)
			}
		}
		return xs
	}
	// Always: PE 1 obeys nop, PE 2 advance. The others obey nop everywhere. PE 1's word waits in every case.
	if got := waits("wse3", "always"); !cmp.Equal(got, []int{1}) {
		t.Errorf("pop always: PEs %v stay in position 0", got)
	}
	for _, c := range [][2]string{{"wse3", "never"}, {"wse3", "advance"}, {`"wse3+switch.pop=0"`, "always"}} {
		if got := waits(c[0], c[1]); !cmp.Equal(got, []int{1, 2}) {
			t.Errorf("%s, pop %s: PEs %v stay in position 0", c[0], c[1], got)
		}
	}
}

// A route parked by teardown waits for a reroute, at the cost of one.
func TestTeardownAndReroute(t *testing.T) {
	src := `machine wse2
mesh 2 1
class a { at x 0..1 y 0..1 array u f32[2] = fill 3 queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 1) = u[0 : 1] mov.u32 ctl(q, 1) = cmd(teardown task 3) mov.f32 fab(q, 1) = u[0 : 1] exit }
  entry main }
class b { at x 1..2 y 0..1 array v f32[2] export queue q in 2 color 0
  task main local 8 { mov.f32 v[0 : 1] = fab(q, 1) }
  task c control 3 { reroute color 0 rx west tx ramp mov.f32 v[1 : 1] = fab(q, 1) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
expect v at x 1..2 y 0..1 = fill 3
`
	// The command tears down the sender's router, too; it sets up its own route again.
	err := launch(t, src)
	var dead *Deadlock
	if !errors.As(err, &dead) || !strings.Contains(dead.Error(), "it is torn down") {
		t.Fatalf("got %v", err)
	}
	st := both(t, strings.Replace(src, "task 3) mov", "task 3) set %i = 1 while %i < 9 { set %i = %i + 1 } reroute color 0 rx ramp tx east mov", 1))
	m := profile(t, "wse2")
	if st.Cycles < int64(m.CtlDispatch+m.RerouteCycles) {
		t.Errorf("%d cycles do not pay for the reroute", st.Cycles)
	}
	// A route can begin torn down.
	both(t, `machine wse2
mesh 2 1
class a { at x 0..1 y 0..1 array u f32[9] = affine 0 + 1*i queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 9) = u[0 : 9] exit } entry main }
class b { at x 1..2 y 0..1 array v f32[9] export queue q in 2 color 0
  task main local 8 { reroute color 0 rx west tx ramp mov.f32 v[0 : 9] = fab(q, 9) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx north tx ramp teardown
expect v at x 1..2 y 0..1 = affine 0 + 1*i
`)
}

// A teardown starts the handlers of the PEs it passes, and a reroute gives a color switches of its own: two PEs send in turn to the third, each
// with a command for its own router and one for the next, and the first PE's teardown comes behind all of it.
func TestTeardownHandler(t *testing.T) {
	const send = "mov.f32 fab(o, 1) = u[0 : 1] mov.u32 ctl(o, 1) = cmd(advance, advance)"
	st := both(t, `machine wse3
mesh 3 1
class a { at x 0..1 y 0..1 array u f32[1] = fill 1 queue o out 2 color 0
  task main local 8 { reroute color 0 rx ramp tx east pos rx ramp ring pop advance `+send+` mov.u32 ctl(o, 1) = cmd(teardown) }
  task h teardown 0 { exit } entry main }
class b { at x 1..2 y 0..1 array u f32[1] = fill 2 queue o out 2 color 0
  task main local 8 { reroute color 0 rx west tx east pos rx ramp ring pop advance `+send+` }
  task h teardown 0 { exit } entry main }
class c { at x 2..3 y 0..1 array v f32[2] export queue i in 2 color 0
  task main local 8 { reroute color 0 rx west tx ramp mov.f32 v[0 : 2] = fab(i, 2) }
  task h teardown 0 { exit } entry main }
route color 0 at x 0..3 y 0..1 rx west tx east pos rx ramp teardown
expect v at x 2..3 y 0..1 = list [1, 2]
`)
	m := profile(t, "wse3")
	if least := int64(m.LocalDispatch + m.TearDispatch + m.RerouteCycles); st.Cycles < least {
		t.Errorf("%d cycles, want %d at least: a dispatch, a handler, a reroute", st.Cycles, least)
	}
}

// A receiver becomes a sender, by one advance where a position may change both directions and by two where it may not; and a reset
// puts it back.
func TestTurnaround(t *testing.T) {
	src := func(machine, positions, control, back string) string {
		return "machine " + machine + `
mesh 3 1
class a { at x 0..1 y 0..1 array u f32[2] = affine 5 + 1*i queue q out 2 color 0 array v f32[1] export
  task main local 8 { mov.f32 fab(q, 1) = u[0 : 1] ` + control + ` exit } entry main }
class b { at x 1..2 y 0..1 array v f32[1] export array u f32[1] = fill 7 queue q out 2 color 0 queue p in 2 color 0
  task main local 8 { mov.f32 v[0 : 1] = fab(p, 1) mov.f32 fab(q, 1) = u[0 : 1] ` + back + ` exit } entry main }
class c { at x 2..3 y 0..1 array v f32[1] export queue q in 2 color 0
  task main local 8 { mov.f32 v[0 : 1] = fab(q, 1) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp ` + positions + `
route color 0 at x 2..3 y 0..1 rx west tx ramp
expect v at x 1..2 y 0..1 = list [5]
expect v at x 2..3 y 0..1 = list [7]
`
	}
	const adv = " mov.u32 ctl(q, 1) = cmd(advance)"
	both(t, src("wse3", "pos rx ramp tx east", adv, ""))
	both(t, src("wse2", "pos tx east pos rx ramp", adv+adv, ""))
	again := strings.NewReplacer("export array u f32[1] = fill 7", "export array w f32[1] export array u f32[1] = fill 7",
		"expect v at x 1..2", "expect w at x 1..2 y 0..1 = list [6]\nexpect v at x 1..2").
		Replace(src("wse3", "pos rx ramp tx east", adv+" mov.f32 fab(q, 1) = u[1 : 1]", "mov.u32 ctl(q, 1) = cmd(reset) mov.f32 w[0 : 1] = fab(p, 1)"))
	both(t, again)
	p := parse(t, "", strings.Replace(src("wse3", "pos rx ramp tx east", adv, ""), "machine wse3", "machine wse2", 1))
	if _, err := New(p, profile(t, "wse2"), Options{}); err == nil || !strings.Contains(err.Error(), "changes both rx and tx") {
		t.Errorf("got %v", err)
	}
}

// One pair of queues serves two colors in turn.
func TestRebind(t *testing.T) {
	for _, machine := range []string{"wse2", "wse3"} {
		src := "machine " + machine + `
mesh 3 1
class a { at x 0..1 y 0..1 array u f32[8] = affine 0 + 1*i queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, 4) = u[0 : 4] rebind q color 1 mov.f32 fab(q, 4) = u[4 : 4] exit } entry main }
class b { at x 1..2 y 0..1 array v f32[4] export queue q in 2 color 0
  task main local 8 { mov.f32 v[0 : 4] = fab(q, 4) exit } entry main }
class c { at x 2..3 y 0..1 array v f32[4] export queue q in 2 color 2
  task main local 8 { rebind q color 1 mov.f32 v[0 : 4] = fab(q, 4) exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
route color 1 at x 0..1 y 0..1 rx ramp tx east
route color 1 at x 1..2 y 0..1 rx west tx east
route color 1 at x 2..3 y 0..1 rx west tx ramp
expect v at x 1..2 y 0..1 = affine 0 + 1*i
expect v at x 2..3 y 0..1 = affine 4 + 1*i
`
		st := both(t, src)
		m := profile(t, machine)
		m.RebindCycles += 500
		if _, more := run(t, parse(t, "", src), m); more.Cycles != st.Cycles+500 {
			t.Errorf("%s: 500 cycles more for a rebind take %d, before %d", machine, more.Cycles, st.Cycles)
		}
		late := strings.Replace(src, "color 2\n  task main local 8 {", "color 2\n task main local 8 { map.div.f32 v[0 : 4] = v[0 : 4], 3 map.div.f32 v[0 : 4] = v[0 : 4], 3", 1)
		both(t, late) // the wavelets wait in the router for their queue
		full := strings.Replace(src, "v[0 : 4] = fab(q, 4) exit } entry main }\nclass c", "v[0 : 2] = fab(q, 2) map.div.f32 v[0 : 4] = v[0 : 4], 3 rebind q color 5 exit } entry main }\nclass c", 1)
		if err := launch(t, full); err == nil || !strings.Contains(err.Error(), "holds wavelets") {
			t.Errorf("rebinding a queue with wavelets: %v", err)
		}
		two := strings.Replace(src, "array v f32[4] export queue q in 2 color 2", "array v f32[4] export queue q in 2 color 2 queue r in 3 color 1", 1)
		if err := launch(t, two); err == nil || !strings.Contains(err.Error(), "already delivered") {
			t.Errorf("two queues of one color: %v", err)
		}
	}
}

// A blocked queue starts no task until it is unblocked.
func TestBlockedQueue(t *testing.T) {
	src := `machine wse3
mesh 2 1
class a { at x 0..1 y 0..1 queue q out 2 color 0
  task main local 8 { mov.u32 ctl(q, 1) = cmd(task 5 data 9) exit } entry main }
class b { at x 1..2 y 0..1 array v u32[2] export queue q in 2 color 0
  task main local 8 { block queue q map.div.u32 v[0 : 1] = v[0 : 1], 3 mov.u32 v[1 : 1] = 1 activate go }
  task go local 9 { mov.u32 v[1 : 1] = 2 unblock queue q }
  task c control 5 (%w) { mov.u32 v[0] = %w map.mul.u32 v[1 : 1] = v[1 : 1], 10 exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
route color 0 at x 1..2 y 0..1 rx west tx ramp
expect v at x 1..2 y 0..1 = list [9, 20]
`
	both(t, src)
	var dead *Deadlock
	if err := launch(t, strings.Replace(src, "unblock queue q", "", 1)); !errors.As(err, &dead) {
		t.Errorf("a queue that stays blocked: %v", err)
	}
}
