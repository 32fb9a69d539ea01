package sim

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
)

// run launches a one-launch program and returns its cycles.
func run(t testing.TB, p *wse.Program, m wse.Machine) (*Sim, Stats) {
	t.Helper()
	s, err := New(p, m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	st, err := s.Launch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return s, st
}

// onePE is a program whose task runs the statements twice or once, on 1 PE.
func onePE(m wse.Machine, arrays []*wse.Array, body ...wse.Stmt) *wse.Program {
	return &wse.Program{Machine: m.Name, W: 1, H: 1, Classes: []*wse.Class{{
		Name: "a", Regions: []wse.Region{{X: wse.Span(0, 1), Y: wse.Span(0, 1)}}, Arrays: arrays, Entry: "main",
		Tasks: []*wse.Task{{Name: "main", ID: 8, Body: append(body, &wse.Exit{})}}}}}
}

func arr(name string, e wse.Elem, n, bank int) *wse.Array {
	return &wse.Array{Name: name, Elem: e, Len: n, Bank: bank, Addr: -1, Export: true}
}

// frame is what a launch costs around its statements: dispatch and exit.
func frame(m wse.Machine) int64 { return int64(m.LocalDispatch) + 1 }

// DSD operations in memory cost a + b*n with the machine's constants, and those
// reproduce the published microbenchmarks (wse-machine.md 3.1; a is the distance
// to the next dispatch, the published end-to-end a includes timestamps).
func TestDSDCostsAreAffine(t *testing.T) {
	for _, c := range []struct {
		machine string
		op      wse.Opcode
		e       wse.Elem
		slope   float64
	}{
		{"wse3", wse.OpMov, wse.F16, 1.0 / 8}, {"wse3", wse.OpMov, wse.F32, 1.0 / 4},
		{"wse3", wse.OpFma, wse.F16, 1.0 / 4}, {"wse3", wse.OpFma, wse.F32, 2},
		{"wse3", wse.OpSum, wse.F16, 2}, {"wse2", wse.OpMul, wse.F32, 1},
		{"wse2", wse.OpFma, wse.F32, 1}, {"wse2", wse.OpMov, wse.F32, 0.5},
	} {
		m := profile(t, c.machine)
		second := 2 // banks two words apart: the nominal rate on WSE-2
		if c.machine == "wse3" {
			second = 0 // as the published FMA has them, which conflict
		}
		cycles := func(n int) int64 {
			arrays := []*wse.Array{arr("u", c.e, n, 0), arr("v", c.e, n, second), arr("w", c.e, n, 1), arr("s", c.e, 1, -1)}
			o := &wse.Op{Code: c.op, Elem: c.e, Dst: wse.Vec("w", 0, n), UT: -1}
			info, _ := c.op.Info()
			switch {
			case info.Reduce:
				o.Dst, o.Src = wse.At("s", 0), []wse.Operand{wse.ImmBits(0), wse.Vec("u", 0, n)}
			case info.Src == 1:
				o.Src = []wse.Operand{wse.Vec("u", 0, n)}
			case info.Src == 2:
				o.Src = []wse.Operand{wse.Vec("u", 0, n), wse.Vec("v", 0, n)}
			default:
				o.Src = []wse.Operand{wse.Vec("u", 0, n), wse.Vec("v", 0, n), wse.At("s", 0)}
			}
			_, st := run(t, onePE(m, arrays, o), m)
			return st.Cycles - frame(m)
		}
		for _, n := range []int{1, 64, 1000, 2048} {
			want := int64(m.Rate(c.op, c.e).Setup) + int64(math.Ceil(float64(n)*c.slope))
			if info, _ := c.op.Info(); info.Src == 1 && !info.Reduce {
				want -= int64(m.DSRCycles) // one memory operand less
			}
			if got := cycles(n); got != want {
				t.Errorf("%s %v.%v of %d: %d cycles, want %d", c.machine, c.op, c.e, n, got, want)
			}
		}
	}
}

// The WSE-2 multiply of 5,124 elements: three alignments, published cycles.
func TestBankConflictsChangeCycles(t *testing.T) {
	m := profile(t, "wse2")
	for _, c := range []struct {
		bank int
		want float64
	}{{1, 2597}, {2, 5130}, {0, 10254}} {
		n := 5124
		m := m.Clone()
		m.MemBytes = 1 << 17 // three arrays: the benchmark itself re-used one buffer
		arrays := []*wse.Array{arr("u", wse.F32, n, 0), arr("v", wse.F32, n, c.bank), arr("w", wse.F32, n, 0)}
		_, st := run(t, onePE(m, arrays, &wse.Op{Code: wse.OpMul, Elem: wse.F32, UT: -1, Dst: wse.Vec("w", 0, n),
			Src: []wse.Operand{wse.Vec("u", 0, n), wse.Vec("v", 0, n)}}), m)
		if got := float64(st.Cycles - frame(m)); math.Abs(got-c.want) > 0.02*c.want {
			t.Errorf("second source in bank %d: %g cycles, published %g", c.bank, got, c.want)
		}
	}
}

// line is a program on P x 1 PEs: PE 0 sends n words, the PEs in take receive
// them (multicast where several), all others pass on.
func line(machine string, p, n int, take ...int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "machine %s\nmesh %d 1\n", machine, p)
	fmt.Fprintf(&b, `class src { at x 0..1 y 0..1
  array u f32[%d] export = affine 1 + 1*i
  queue q out 2 color 0
  task main local 8 { mov.f32 fab(q, %d) = u[0 : %d]  exit } entry main }
`, n, n, n)
	fmt.Fprintf(&b, "class dst { ")
	last := take[len(take)-1]
	tx := map[int]string{}
	for x := 1; x < last; x++ {
		tx[x] = "east"
	}
	for _, x := range take {
		fmt.Fprintf(&b, "at x %d..%d y 0..1\n", x, x+1)
		if tx[x] != "" {
			tx[x] += ", "
		}
		tx[x] += "ramp"
	}
	fmt.Fprintf(&b, `  array u f32[%d] export
  queue q in 2 color 0
  task main local 8 { mov.f32 u[0 : %d] = fab(q, %d)  exit } entry main }
route color 0 at x 0..1 y 0..1 rx ramp tx east
`, n, n, n)
	for x := 1; x <= last; x++ {
		fmt.Fprintf(&b, "route color 0 at x %d..%d y 0..1 rx west tx %s\n", x, x+1, tx[x])
	}
	return b.String()
}

// latency is the cycle distance between sending and computing one wavelet over
// h hops: queue, ramp up, hops, ramp down.
func latency(m wse.Machine, h int) int64 {
	return int64(1 + m.RampOutCycles + h*m.HopCycles + m.RampInCycles)
}

func TestPointToPoint(t *testing.T) {
	for _, name := range []string{"wse2", "wse3"} {
		m := profile(t, name)
		for _, h := range []int{1, 2, 7, 31} {
			for _, n := range []int{1, 8, 500} {
				s, st := run(t, parse(t, "", line(name, h+1, n, h)), m)
				// Dispatch, first element, flight, the other n-1 at one per cycle, exit.
				want := int64(m.LocalDispatch+m.FabricSetup) + latency(m, h) + int64(n-1) + 1 + 1
				if st.Cycles != want {
					t.Errorf("%s: %d words over %d hops take %d cycles, want %d", name, n, h, st.Cycles, want)
				}
				got, err := s.Floats(h, 0, "u")
				if err != nil || got[n-1] != float64(n) {
					t.Errorf("%s: received %v, %v", name, got, err)
				}
				if st.Hops != int64(n*h) || st.MaxLink.Wavelets != int64(n) {
					t.Errorf("%s: %d hops, busiest link %+v", name, st.Hops, st.MaxLink)
				}
			}
		}
	}
}

// FABRICA 10j: 8 words over one hop on WSE-3 take 19 cycles from dispatch to the
// last element.
func TestPublishedEightWordsOneHop(t *testing.T) {
	m := profile(t, "wse3")
	_, st := run(t, parse(t, "", line("wse3", 2, 8, 1)), m)
	got := st.Cycles - int64(m.LocalDispatch) - 2 // without dispatch of the task, last cycle and exit
	if got != 19 {
		t.Errorf("%d cycles, published 19", got)
	}
}

// A flood costs the farthest receiver nothing extra: B + hops, as broadcast.
func TestMulticast(t *testing.T) {
	for _, name := range []string{"wse2", "wse3"} {
		m := profile(t, name)
		const p, n = 9, 40
		_, one := run(t, parse(t, "", line(name, p, n, p-1)), m)
		s, all := run(t, parse(t, "", line(name, p, n, 1, 2, 3, 4, 5, 6, 7, 8)), m)
		if all.Cycles != one.Cycles {
			t.Errorf("%s: multicast to 8 takes %d cycles, to the last alone %d", name, all.Cycles, one.Cycles)
		}
		if all.Sent != n || all.Delivered != n*8 {
			t.Errorf("%s: %d sent, %d delivered", name, all.Sent, all.Delivered)
		}
		for x := 1; x < p; x++ {
			if u, _ := s.Floats(x, 0, "u"); u[n-1] != n {
				t.Errorf("%s: PE %d received %v", name, x, u)
			}
		}
	}
}

// A receiver that starts late stops the sender once all buffers are full; the
// sender's wait is the receiver's delay less what the buffers absorb.
func TestBackPressure(t *testing.T) {
	for _, name := range []string{"wse2", "wse3"} {
		m := profile(t, name)
		src := line(name, 3, 200, 2)
		_, free := run(t, parse(t, "", src), m)
		late := strings.Replace(src, "task main local 8 { mov.f32 u[0 : 200] =", "task main local 8 { map.div.f32 u[0 : 20] = u[0 : 20], 3  mov.f32 u[0 : 200] =", 1)
		s, st := run(t, parse(t, "", late), m)
		if st.Cycles < free.Cycles+1000 || st.Cycles > free.Cycles+1200 {
			t.Errorf("%s: %d cycles late, %d free", name, st.Cycles, free.Cycles)
		}
		var wait int64
		for _, c := range st.Classes {
			if c.Name == "src" {
				wait = c.WaitOut
			}
		}
		if wait < 900 {
			t.Errorf("%s: the sender waited %d cycles", name, wait)
		}
		if u, _ := s.Floats(2, 0, "u"); u[0] != 1 || u[199] != 200 {
			t.Errorf("%s: back-pressure changed the values: %v", name, u)
		}
		// Half of every buffer: other cycles for the sender, no other value.
		small := m.Smallest()
		s2, st2 := run(t, parse(t, "", late), small)
		if st2.Classes[0].WaitOut <= wait {
			t.Errorf("%s: smaller buffers must stop the sender earlier: %d, %d", name, st2.Classes[0].WaitOut, wait)
		}
		a, _ := s.Floats(2, 0, "u")
		b, _ := s2.Floats(2, 0, "u")
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("%s: buffer sizes changed a value", name)
			}
		}
	}
}

// Chain reduce: Luczynski et al., B + (2 T_R + 2)(P - 1) on WSE-2.
func TestChainReduceAgainstModel(t *testing.T) {
	m := profile(t, "wse2")
	for _, p := range []int{2, 8, 32} {
		for _, b := range []int{1, 16, 256} {
			_, st := run(t, parse(t, "", chain("wse2", p, b)), m)
			model := int64(b + 6*(p-1))
			overhead := int64(m.LocalDispatch+m.FabricSetup) + 1
			if got := st.Cycles - overhead; got < model-1 || got > model+1 {
				t.Errorf("P=%d B=%d: %d cycles, model %d", p, b, got, model)
			}
		}
	}
}

// chain is examples/chain.wse for p PEs and b words.
func chain(machine string, p, b int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "machine %s\nmesh %d 1\n", machine, p)
	class := func(name string, lo, hi int, queues, op string) {
		if lo < hi {
			fmt.Fprintf(&s, "class %s { at x %d..%d y 0..1\n array u f32[%d] export = affine 0 + 1*i + 1*px\n %s task main local 8 { %s exit } entry main }\n",
				name, lo, hi, b, queues, op)
		}
	}
	in := fmt.Sprintf("queue w in 2 color 0 at x 1..%d step 2 y 0..1, 1 at x 2..%d step 2 y 0..1\n", p+1, p+2)
	out := fmt.Sprintf("queue e out 2 color 0 at x 0..%d step 2 y 0..1, 1 at x 1..%d step 2 y 0..1\n", p+1, p+1)
	class("first", 0, 1, out, fmt.Sprintf("mov.f32 fab(e, %d) = u[0 : %d]", b, b))
	class("middle", 1, p-1, in+out, fmt.Sprintf("add.f32 fab(e, %d) = fab(w, %d), u[0 : %d]", b, b, b))
	class("last", p-1, p, in, fmt.Sprintf("add.f32 u[0 : %d] = fab(w, %d), u[0 : %d]", b, b, b))
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

// An asynchronous send costs its issue slot only: work goes on under it.
func TestAsyncOverlaps(t *testing.T) {
	for _, name := range []string{"wse2", "wse3"} {
		m := profile(t, name)
		body := func(async, work string) string {
			src := line(name, 2, 400, 1)
			op := "mov.f32 fab(q, 400) = u[0 : 400]"
			return strings.Replace(src, op, op+async+work, 1)
		}
		srcBusy := func(src string) int64 {
			_, st := run(t, parse(t, "", src), m)
			return st.Classes[0].Busy + st.Classes[0].WaitOut
		}
		work := " map.div.f32 u[0 : 5] = u[0 : 5], 3 "
		plain, sync, async := srcBusy(body("", "")), srcBusy(body("", work)), srcBusy(body(" async", work))
		d := int64(m.Rate(wse.OpDiv, wse.F32).Cycles(5))
		if sync != plain+d {
			t.Errorf("%s: a synchronous send of %d and work of %d take %d", name, plain, d, sync)
		}
		if want := int64(m.LocalDispatch+m.AsyncIssue+m.TaskCtlCycles) + d; async != want {
			t.Errorf("%s: an asynchronous send under work holds the CE %d cycles, want %d", name, async, want)
		}
	}
}

// Two f16 travel in one wavelet, odd lengths included.
func TestHalvesSharePairs(t *testing.T) {
	m := profile(t, "wse3")
	for _, n := range []int{1, 2, 7, 64} {
		src := strings.ReplaceAll(line("wse3", 2, n, 1), "f32", "f16")
		s, st := run(t, parse(t, "", src), m)
		if want := int64((n + 1) / 2); st.Sent != want {
			t.Errorf("%d halves: %d wavelets, want %d", n, st.Sent, want)
		}
		if u, _ := s.Floats(1, 0, "u"); u[n-1] != float64(n) || u[0] != 1 {
			t.Errorf("%d halves arrive as %v", n, u)
		}
	}
}

// A wavelet at a data task costs a dispatch and the body, and no two of them overlap.
func TestDataTaskSlope(t *testing.T) {
	m := profile(t, "wse3").Clone()
	at := func(n int) int64 {
		src := line("wse3", 2, n, 1)
		i := strings.Index(src, "class dst")
		src = src[:i] + strings.Replace(src[i:], fmt.Sprintf("task main local 8 { mov.f32 u[0 : %d] = fab(q, %d)  exit }", n, n),
			fmt.Sprintf("task main local 8 { } task take data q (%%w) { set %%k = %%k + 1 if %%k == %d { exit } }", n), 1)
		_, st := run(t, parse(t, "", src), m)
		return st.Cycles
	}
	m.DataDispatch = 5
	few := at(14) - at(2)
	m.DataDispatch = 25
	if many := at(14) - at(2); many != few+12*20 {
		t.Errorf("12 wavelets more cost %d cycles at a dispatch of 5 and %d at 25", few, many)
	}
}
