package sim

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/loads"
	"pgregory.net/rapid"
)

// longStreams draws a program of long streams that compete for links: of different lengths and types, to one PE or many, taken by copies,
// sums, data tasks, FIFOs in memory or operations that send them on, behind filters, in PEs that now and then do something else.
func longStreams(t *rapid.T) string {
	n := func(lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, "n") }
	maybe := func(oneIn int) bool { return n(1, oneIn) == 1 }
	machine := rapid.SampledFrom([]string{"wse2", "wse3"}).Draw(t, "machine")
	m, _ := wse.Profile(machine)
	w, h := n(1, 12), n(1, 3)
	if w*h == 1 {
		w = 2
	}
	pes := w * h
	decls, bodies, tasks := make([]strings.Builder, pes), make([][]string, pes), make([]strings.Builder, pes)
	filters := make([]int, pes)
	ids := make([][]int, pes) // that neither queues nor microthreads of the PE have
	for pe := range ids {
		for _, id := range m.UsableIn() {
			if slices.Contains(m.UsableOut(), id) && id > 0 {
				ids[pe] = append(ids[pe], id)
			}
		}
	}
	take := func(pe int) int {
		id := ids[pe][0]
		ids[pe] = ids[pe][1:]
		return id
	}
	async := func() string {
		if maybe(4) {
			return ""
		}
		return " async"
	}
	add := func(pe int, op string) {
		if maybe(5) {
			op = strings.ReplaceAll("map.div.f32 w[0 : N] = w[0 : N], 3.0 ", "N", fmt.Sprint(n(1, 8))) + op
		}
		if maybe(4) {
			op = fmt.Sprintf("set %%d = %d while %%d > 0 { set %%d = %%d - 1 } ", n(1, 60)) + op
		}
		bodies[pe] = append(bodies[pe], op)
	}
	type end struct {
		pe, in, n int
		elem      string
	}
	var ends []end // of streams that nothing takes yet
	var routes strings.Builder
	receive := func(e end, id int) {
		v := fmt.Sprint("v", id)
		fmt.Fprintf(&decls[e.pe], " queue %s in %d color %d\n", v+"q", e.in, id)
		dst, fab := fmt.Sprintf("%s[0 : %d]", v, e.n), fmt.Sprintf("fab(%sq, %d)", v, e.n)
		array := func(len int, elem string) { fmt.Fprintf(&decls[e.pe], " array %s %s[%d] export\n", v, elem, len) }
		switch k := n(0, 7); {
		case k == 0 && e.elem == "f32":
			array(e.n, e.elem)
			add(e.pe, fmt.Sprintf("add.f32 %s = %s, %s", dst, dst, fab)+async())
		case k == 1 && e.elem[0] == 'f':
			array(1, e.elem)
			add(e.pe, fmt.Sprintf("sum.%s %s[0] = 1.0, %s", e.elem, v, fab)+async())
		case k == 2:
			array(e.n, e.elem)
			fmt.Fprintf(&decls[e.pe], " fifo %sf %s[%d]\n", v, e.elem, n(2, 40))
			pop := fmt.Sprintf("mov.%s %s = fifo(%sf, %d)", e.elem, dst, v, e.n)
			if e.elem[0] == 'f' {
				pop = fmt.Sprintf("mul.%s %s = fifo(%sf, %d), 0.5", e.elem, dst, v, e.n)
			}
			add(e.pe, fmt.Sprintf("mov.%s fifo(%sf, %d) = %s async %s", e.elem, v, e.n, fab, pop))
		case k == 5 && e.elem == "f32":
			add(e.pe, fmt.Sprintf("mov.f32 z[%d : %d] = %s", n(0, 700-e.n), e.n, fab)+async())
		case k == 3 && e.elem == "u32":
			fmt.Fprintf(&tasks[e.pe], " task t%s data %sq (%%a) { set %%s%s = %%s%s + %%a set %%c%s = %%c%s + 1 if %%c%s == %d { mov.u32 %s[0 : 1] = %%s%s } }\n",
				v, v, v, v, v, v, v, e.n, v, v)
			array(1, e.elem)
		case k == 4 && e.elem == "f32":
			array(e.n, e.elem)
			add(e.pe, fmt.Sprintf("mov.f32 %s[%d : %d*-1] = %s", v, e.n-1, e.n, fab)+async())
		default:
			array(e.n, e.elem)
			add(e.pe, fmt.Sprintf("mov.%s %s = %s", e.elem, dst, fab)+async())
		}
	}
	var of []int
	for id := range n(1, 9) {
		src, length, elem := n(0, pes-1), n(3, 50)*n(1, 14), rapid.SampledFrom([]string{"f32", "f32", "f16", "u32", "u16"}).Draw(t, "elem")
		var relay *end
		var relayed int
		for i, e := range ends {
			if e.elem == "f32" && maybe(3) && len(ids[e.pe]) > 0 {
				relay, relayed, src, length, elem = &ends[i], of[i], e.pe, e.n, e.elem
			}
		}
		if len(ids[src]) == 0 {
			continue
		}
		tx, rx := map[int]wse.DirSet{}, map[int]wse.Dir{src: wse.Ramp}
		var sinks []int
		for _, pe := range rapid.Permutation(seq(pes)).Draw(t, "sinks") {
			if pe == src || len(ids[pe]) == 0 || len(sinks) > 0 && !maybe(4) {
				continue
			}
			sinks = append(sinks, pe)
			path(w, src, pe, tx, rx)
		}
		if len(sinks) == 0 {
			continue
		}
		out := take(src)
		fmt.Fprintf(&decls[src], " array u%d %s[%d] = affine 1 + 1*i + 0*px\n queue u%dq out %d color %d\n", id, elem, length, id, out, id)
		advance, turn := "", ""
		if maybe(15) && tx[src]&(tx[src]-1) == 0 { // a switch whose positions are the same
			advance, turn = ", advance", fmt.Sprint(" pos tx ", tx[src])
		}
		fab, from := fmt.Sprintf("fab(u%dq, %d%s)", id, length, advance), fmt.Sprintf("u%d[0 : %d]", id, length)
		switch {
		case relay != nil:
			fmt.Fprintf(&decls[src], " queue v%dq in %d color %d\n", relayed, relay.in, relayed)
			add(src, fmt.Sprintf("add.f32 %s = fab(v%dq, %d), %s", fab, relayed, length, from)+async())
			i := slices.Index(of, relayed)
			for ends[i].pe != src {
				i++
			}
			ends, of = slices.Delete(ends, i, i+1), slices.Delete(of, i, i+1)
		case elem == "f32" && maybe(3):
			add(src, fmt.Sprintf("mul.f32 %s = z[%d : %d], 1.5", fab, n(0, 700-length), length)+async())
		case elem == "f32" && maybe(3):
			add(src, fmt.Sprintf("mul.f32 %s = %s, 1.5", fab, from)+async())
		default:
			add(src, fmt.Sprintf("mov.%s %s = %s", elem, fab, from)+async())
		}
		for _, pe := range sinks {
			ends, of = append(ends, end{pe, take(pe), length, elem}), append(of, id)
		}
		for pe := range pes {
			if tx[pe] == 0 {
				continue
			}
			var to []string
			for d := wse.North; d <= wse.Ramp; d++ {
				if tx[pe]&wse.Dirs(d) != 0 {
					to = append(to, d.String())
				}
			}
			more := ""
			switch {
			case pe == src:
				more = turn
			case filters[pe] < 3 && slices.Contains(sinks, pe) && maybe(30): // it lets all pass
				more = fmt.Sprintf(" filter counter init %d max 5 limit 5", n(0, 5))
				filters[pe]++
			}
			fmt.Fprintf(&routes, "route color %d at x %d..%d y %d..%d rx %s tx %s%s\n", id, pe%w, pe%w+1, pe/w, pe/w+1, rx[pe], strings.Join(to, ", "), more)
		}
	}
	for i, e := range ends {
		receive(e, of[i])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "machine %s\nmesh %d %d\n", machine, w, h)
	for pe := range pes {
		if len(bodies[pe]) == 0 && tasks[pe].Len() == 0 && maybe(2) {
			continue // only its router is used
		}
		fmt.Fprintf(&b, "class p%d { at x %d..%d y %d..%d\n array w f32[8] = affine 1 + 1*i + 0*px\n array z f32[720] = affine 9 + 1*i + 0*px\n%s task main local 8 { %s exit }\n%s entry main }\n",
			pe, pe%w, pe%w+1, pe/w, pe/w+1, &decls[pe], strings.Join(rapid.Permutation(bodies[pe]).Draw(t, "order"), "\n  "), &tasks[pe])
	}
	return b.String() + routes.String()
}

func seq(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// standing is all that a simulation holds at the start of a cycle and that a rule or a host can see.
func standing(s *Sim) map[string]any {
	t := s.cycle
	if s.trains == nil { // signature and count use its scratch
		s.trains = &trains{stalls: make([][2]int64, len(s.class))}
		defer func() { s.trains = nil }()
	}
	signs, counts, vals := make([][]int64, len(s.class)), make([][]int64, len(s.class)), make([][]uint32, len(s.fifos))
	for pe := range s.class {
		signs[pe] = s.signature(int32(pe), t, nil)
		counts[pe] = s.count(int32(pe), nil)
		counts[pe][countStalls], counts[pe][countStalls+1] = 0, 0
		for _, i := range s.inProgress(int32(pe)) {
			th := &s.threads[i]
			counts[pe] = append(counts[pe], int64(th.acc), int64(th.d.thread))
		}
		for _, f := range s.memFifos[s.fifoOf[pe]:s.fifoOf[pe+1]] {
			counts[pe] = append(counts[pe], int64(f.head))
		}
	}
	for i := range s.fifos {
		vals[i] = make([]uint32, s.fifos[i].n)
		s.lift(node{buffer: int32(i)}, vals[i])
	}
	return map[string]any{"cycle": t, "state": signs, "counts": counts, "values": vals, "memory": string(s.mem), "registers": s.regs, "links": s.linkFree,
		"sums": []int64{s.injected, s.copied, s.consumed, int64(s.nExited), s.stats.lastExit}, "classes": s.perClass}
}

// abreast runs a program with and without trains and compares them at the cycles that look gives, and at the end. It returns the part of the
// wavelets that went in trains.
func abreast(t rapid.TB, text string, m wse.Machine, adapt func(s *Sim), launches int, look func() int64) (carried, all int64) {
	p, err := wse.Parse("streams.wse", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var two [2]*Sim
	for i := range two {
		if two[i], err = New(p, m, Options{Trains: i == 1}); err != nil {
			t.Skip(err)
		}
		adapt(two[i])
	}
	a, b := two[0], two[1]
	for range launches {
		for _, s := range two {
			s.begin(nil)
			if s.divide(); s.trains != nil {
				s.trains.depart(s.cycle)
			}
		}
		at := func(s *Sim, until int64) error { // runs to the start of cycle until, at least
			for s.cycle < until {
				next, acted, err := s.step()
				switch {
				case err != nil:
					return err
				case acted:
					s.cycle++
				case next != never:
					s.cycle = min(next, until)
				default:
					return errOver
				}
			}
			return nil
		}
		for over := false; !over; {
			until := a.cycle + look()
			ea, eb := at(a, until), at(b, until)
			if over = ea != nil; over {
				if eb == nil || ea.Error() != eb.Error() {
					t.Fatalf("without trains %v, with %v\n%s", ea, eb, text)
				}
				if ea != errOver {
					return
				}
			}
			b.settle(b.cycle)
			b.gather()
			a.gather()
			if sa, sb := standing(a), standing(b); !reflect.DeepEqual(sa, sb) {
				t.Fatalf("without (-) and with (+) trains in cycle %d: %s\n%s", a.cycle, cmp.Diff(sa, sb), text)
			}
		}
		if !a.quiet() || a.nExited < a.nPEs {
			da, db := a.deadlock(), b.deadlock()
			if d := cmp.Diff(da.Error(), db.Error()); d != "" {
				t.Fatalf("deadlocks differ: %s\n%s", d, text)
			}
			break
		}
	}
	return b.trains.carried, b.consumed
}

var errOver = fmt.Errorf("nothing can happen any more")

// With trains a program stands in every cycle as it does without, whatever the buffers and rates, also when regions are woken in any cycle, on
// several cores, and when moves are carried out at the end of a cycle.
func TestTrains(t *testing.T) {
	var carried, all int64
	rapid.Check(t, func(t *rapid.T) {
		text := longStreams(t)
		p, err := wse.Parse("", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		m, _ := wse.Profile(p.Machine)
		m = m.Clone()
		if rapid.Bool().Draw(t, "buffers") {
			m.RouterDepth = rapid.IntRange(1, 5).Draw(t, "depth")
			for i := range m.InQueues {
				m.InQueues[i].Depth = rapid.IntRange(1, 4).Draw(t, "in")
			}
			for i := range m.OutQueues {
				m.OutQueues[i].Depth = rapid.IntRange(1, 4).Draw(t, "out")
			}
			m.HopCycles = rapid.IntRange(1, 3).Draw(t, "hop")
			m.RampInCycles, m.RampOutCycles = rapid.IntRange(0, 3).Draw(t, "rampin"), rapid.IntRange(0, 3).Draw(t, "rampout")
			m.LinkTicks = rapid.SampledFrom([]int{1000, 1000, 1125, 1500, 2000}).Draw(t, "link")
			m.RampTicks = rapid.SampledFrom([]int{1000, 1000, 700, 2000}).Draw(t, "ramp")
			m.StealTicks = rapid.SampledFrom([]int{0, 0, 500}).Draw(t, "steal")
		}
		how := rapid.IntRange(0, 3).Draw(t, "how")
		seed := rapid.Int64().Draw(t, "seed")
		adapt := func(s *Sim) {
			switch how {
			case 1:
				s.late = true
			case 2:
				s.Threads, s.crowded = 2, 0
			case 3:
				r := rand.New(rand.NewSource(seed))
				s.dyn, s.flushing = make([]*dynamic, len(s.slots)), make([]bool, s.w*s.h)
				for i := range s.dyn {
					if r.Intn(2) == 0 {
						s.dynOf(int32(i))
					}
				}
			}
			if s.trains != nil {
				s.trains.rich = true
			}
		}
		gap := rapid.SampledFrom([]int{100, 500, 3000}).Draw(t, "gap")
		c, n := abreast(t, text, m, adapt, rapid.IntRange(1, 2).Draw(t, "launches"), func() int64 { return int64(rapid.IntRange(1, gap).Draw(t, "look")) })
		carried, all = carried+c, all+n
	})
	t.Logf("%d of %d wavelets in trains", carried, all)
	if carried*10 < all {
		t.Error("the programs say little")
	}
}

// The share of the wavelets that move in trains where no two PEs are alike.
func TestTrainsTraffic(t *testing.T) {
	m, _ := wse.Profile("wse2")
	for seed := range int64(5) {
		c, n := abreast(t, loads.Traffic(16, 2, 400, 2, 2, seed), m, func(s *Sim) {}, 1, func() int64 { return 1 << 20 })
		if 2*c < n {
			t.Errorf("%d of %d wavelets in trains", c, n)
		}
	}
}

// Written programs, and those of switches and filters, end in the same cycle with the same memory.
func TestTrainsExamples(t *testing.T) {
	files, _ := filepath.Glob("../examples/*.wse")
	if len(files) == 0 {
		t.Fatal("no examples")
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := wse.Parse(f, string(text))
		if err != nil {
			t.Fatal(err)
		}
		m, err := wse.Profile(p.Machine)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Classes) == 0 || len(p.Classes[0].Args) > 0 {
			continue
		}
		var two [2]*Sim
		var st [2]Stats
		var errs [2]error
		for i := range two {
			if two[i], err = New(p, m, Options{Trains: i == 1}); err != nil {
				t.Fatal(err)
			}
			st[i], errs[i] = two[i].Launch(context.Background())
		}
		if fmt.Sprint(errs[0]) != fmt.Sprint(errs[1]) {
			t.Errorf("%s: %v, with trains %v", f, errs[0], errs[1])
		}
		if d := cmp.Diff(st[0], st[1], cmp.AllowUnexported(Stats{})); d != "" {
			t.Errorf("%s: %s", f, d)
		}
		if string(two[0].mem) != string(two[1].mem) {
			t.Errorf("%s: memory differs", f)
		}
	}
}

// Offers are taken in the same cycles while streams go on in trains.
func TestTrainsOffers(t *testing.T) {
	const text = `machine wse2
mesh 8 2
class s { at x 0..8 step 2 y 0..2
 array u f32[900] export = affine 1 + 1*i + 2*px
 queue q out 2 color 0
 task main local 8 { mov.f32 fab(q, 900) = u[0 : 900] async offer host activate host }
 task host local 9 blocked { block host set %n = %n + 1 if %n < 4 { offer host activate host } else { exit } }
 entry main }
class r { at x 1..8 step 2 y 0..2
 array u f32[900] export
 queue q in 3 color 0
 task main local 8 { mov.f32 u[0 : 900] = fab(q, 900) async offer host activate host }
 task host local 9 blocked { block host set %n = %n + 1 if %n < 4 { offer host activate host } else { exit } }
 entry main }
route color 0 at x 0..8 step 2 y 0..2 rx ramp tx east
route color 0 at x 1..8 step 2 y 0..2 rx west tx ramp
`
	p, err := wse.Parse("offers.wse", text)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := wse.Profile("wse2")
	var st [2]Stats
	var mem [2]string
	for i := range st {
		s, err := New(p, m, Options{Trains: i == 1})
		if err != nil {
			t.Fatal(err)
		}
		s.OnOffer(func(int) {
			if err := s.ReadArray(0, 0, "u", 0, make([]uint32, 400)); err != nil {
				t.Error(err)
			}
		})
		if st[i], err = s.Launch(context.Background()); err != nil {
			t.Fatal(err)
		}
		mem[i] = string(s.mem)
		if c := s.Carried(); (c > 0) != (i == 1) || st[i].Offers != 4 {
			t.Errorf("%d offers, %d of %d wavelets in trains", st[i].Offers, c, st[i].Delivered)
		}
	}
	if d := cmp.Diff(st[0], st[1], cmp.AllowUnexported(Stats{})); d != "" || mem[0] != mem[1] {
		t.Errorf("trains change offers: %s", d)
	}
}
