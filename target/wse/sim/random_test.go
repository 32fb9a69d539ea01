package sim

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/wfc-lang/wfc/target/wse"
	"pgregory.net/rapid"
)

// stream is one color of a random program: a source, a multicast tree of routes,
// and sinks.
type stream struct {
	src   int
	sinks []int
	n     int
	elem  wse.Elem
}

// randomProgram draws a program of streams on a small mesh. Every PE performs its
// sends and receives in the order of the streams, so it cannot deadlock whatever
// the buffers; waits and asynchronous sends are thrown in.
func randomProgram(t *rapid.T) (*wse.Program, []stream) {
	machine := rapid.SampledFrom(wse.Profiles()).Draw(t, "machine")
	m, _ := wse.Profile(machine)
	w, h := rapid.IntRange(1, 4).Draw(t, "w"), rapid.SampledFrom([]int{1, 2, 3, 12}).Draw(t, "h")
	if w*h == 1 {
		w = 2
	}
	one := func(pe int) wse.Region {
		return wse.Region{X: wse.Span(pe%w, pe%w+1), Y: wse.Span(pe/w, pe/w+1)}
	}
	p := &wse.Program{Machine: machine, W: w, H: h}
	for pe := 0; pe < w*h; pe++ {
		p.Classes = append(p.Classes, &wse.Class{Name: fmt.Sprint("pe", pe), Regions: []wse.Region{one(pe)}, Entry: "main",
			Tasks: []*wse.Task{{Name: "main", ID: 8}}, Arrays: []*wse.Array{{Name: "work", Elem: wse.F32, Len: 4, Bank: -1, Addr: -1}}})
	}
	ins, outs := make([]int, w*h), make([]int, w*h)
	add := func(pe int, s wse.Stmt) {
		tk := p.Classes[pe].Tasks[0]
		if rapid.IntRange(0, 3).Draw(t, "delay") == 0 {
			tk.Body = append(tk.Body, &wse.Op{Code: wse.OpDiv, Elem: wse.F32, UT: -1, Dst: wse.Vec("work", 0, 4),
				Src: []wse.Operand{wse.Vec("work", 0, 4), wse.ImmBits(0x40400000)}})
		}
		tk.Body = append(tk.Body, s)
	}
	var streams []stream
	for k := rapid.IntRange(1, 6).Draw(t, "streams"); len(streams) < k; {
		id := len(streams)
		st := stream{src: rapid.IntRange(0, w*h-1).Draw(t, "src"), n: rapid.IntRange(1, 40).Draw(t, "n"),
			elem: rapid.SampledFrom([]wse.Elem{wse.F32, wse.F16, wse.U32, wse.U16}).Draw(t, "elem")}
		in := m.UsableIn()
		// Route first along x, then along y; merge into a tree per color.
		tx := map[int]wse.DirSet{}
		rx := map[int]wse.Dir{st.src: wse.Ramp}
		for pe := 0; pe < w*h; pe++ {
			if pe == st.src || ins[pe] >= len(in) || rapid.Bool().Draw(t, "skip") && len(st.sinks) > 0 {
				continue
			}
			st.sinks = append(st.sinks, pe)
			path(w, st.src, pe, tx, rx)
		}
		out := m.UsableOut()
		if len(st.sinks) == 0 || outs[st.src] >= len(out) {
			break
		}
		for pe := 0; pe < w*h; pe++ {
			if s := tx[pe]; s != 0 {
				p.Routes = append(p.Routes, wse.Route{Color: id, Region: one(pe), Rx: rx[pe], Tx: s})
			}
		}
		a := fmt.Sprint("a", id)
		c := p.Classes[st.src]
		c.Arrays = append(c.Arrays, &wse.Array{Name: a, Elem: st.elem, Len: st.n, Bank: -1, Addr: -1, Export: true,
			Init: &wse.Init{Kind: wse.InitAffine, C: float64(100 * id), I: 1}})
		c.Queues = append(c.Queues, wse.Queue{Name: a, Out: true, ID: out[outs[st.src]], Colors: wse.OneColor(id)})
		outs[st.src]++
		add(st.src, &wse.Op{Code: wse.OpMov, Elem: st.elem, UT: -1, Dst: wse.Fab(a, st.n), Src: []wse.Operand{wse.Vec(a, 0, st.n)},
			Async: rapid.Bool().Draw(t, "async")})
		for _, pe := range st.sinks {
			c := p.Classes[pe]
			c.Arrays = append(c.Arrays, &wse.Array{Name: a, Elem: st.elem, Len: st.n, Bank: -1, Addr: -1, Export: true})
			c.Queues = append(c.Queues, wse.Queue{Name: a, ID: in[ins[pe]], Colors: wse.OneColor(id)})
			ins[pe]++
			add(pe, &wse.Op{Code: wse.OpMov, Elem: st.elem, UT: -1, Dst: wse.Vec(a, 0, st.n), Src: []wse.Operand{wse.Fab(a, st.n)}})
		}
		streams = append(streams, st)
	}
	for _, c := range p.Classes {
		c.Tasks[0].Body = append(c.Tasks[0].Body, &wse.Exit{})
	}
	return p, streams
}

// Random programs end, conserve wavelets, deliver every stream to every sink,
// repeat exactly, print and parse back to the same run, keep their values with
// other buffer depths, take the same cycles when routers could change and do not, and give the same with every PE stepped in every cycle.
func TestRandomPrograms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, streams := randomProgram(t)
		m, _ := wse.Profile(p.Machine)
		runOn := func(p *wse.Program, m wse.Machine) (*Sim, Stats) {
			s, err := New(p, m, Options{})
			if err != nil {
				t.Fatalf("%v\n%s", err, wse.Print(p))
			}
			st, err := s.Launch(context.Background())
			if err != nil {
				t.Fatalf("%v\n%s", err, wse.Print(p))
			}
			return s, st
		}
		s, st := runOn(p, m)
		var sent, delivered int64
		for id, k := range streams {
			words := int64((k.n + k.elem.PerWavelet() - 1) / k.elem.PerWavelet())
			sent += words
			delivered += words * int64(len(k.sinks))
			for _, pe := range k.sinks {
				got, err := s.Floats(pe%p.W, pe/p.W, fmt.Sprint("a", id))
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range got {
					if v != float64(100*id+i) {
						t.Fatalf("stream %d at PE %d: element %d is %g\n%s", id, pe, i, v, wse.Print(p))
					}
				}
			}
		}
		if st.Sent != sent || st.Delivered != delivered {
			t.Fatalf("%d sent and %d delivered, want %d and %d", st.Sent, st.Delivered, sent, delivered)
		}
		q, err := wse.Parse("", wse.Print(p))
		if err != nil {
			t.Fatal(err)
		}
		s2, st2 := runOn(q, m)
		if d := cmp.Diff(st, st2, cmp.AllowUnexported(Stats{})); d != "" || !bytes.Equal(s.mem, s2.mem) {
			t.Fatalf("two runs differ: %s", d)
		}
		small := m.Clone()
		small.RouterDepth = rapid.IntRange(1, 3).Draw(t, "depth")
		for i := range small.InQueues {
			small.InQueues[i].Depth = rapid.IntRange(1, 3).Draw(t, "in")
		}
		for i := range small.OutQueues {
			small.OutQueues[i].Depth = rapid.IntRange(1, 3).Draw(t, "out")
		}
		s3, st3 := runOn(p, small)
		if !bytes.Equal(s.mem, s3.mem) {
			t.Fatalf("buffer depths changed a value\n%s", wse.Print(p))
		}
		if st3.Cycles < st.Cycles && small.RouterDepth <= m.RouterDepth && len(streams) == 1 {
			t.Fatalf("one stream got faster with smaller buffers: %d, %d", st3.Cycles, st.Cycles)
		}
		stepped(t, p, m, s, st)
		for _, how := range []func(s *Sim){
			func(s *Sim) { s.late = true },
			func(s *Sim) { s.Threads, s.crowded = 2, 0 },
			func(s *Sim) { s.Threads, s.crowded = 3, 2 },
		} {
			o, err := New(p, small, Options{})
			if err != nil {
				t.Fatal(err)
			}
			how(o)
			got, err := o.Launch(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(st3, got, cmp.AllowUnexported(Stats{})); d != "" || !bytes.Equal(s3.mem, o.mem) {
				t.Fatalf("moves at the end of a cycle, or lanes, changed the run: %s\n%s", d, wse.Print(p))
			}
		}
		dyn, err := New(p, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		dyn.dyn, dyn.flushing = make([]*dynamic, len(dyn.slots)), make([]bool, p.W*p.H)
		for i := range dyn.dyn {
			if rapid.Bool().Draw(t, "dynamic") {
				dyn.dynOf(int32(i)) // with the one position it has
			}
		}
		std, err := dyn.Launch(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(st, std, cmp.AllowUnexported(Stats{})); d != "" || !bytes.Equal(s.mem, dyn.mem) {
			t.Fatalf("routers that could change and do not: %s\n%s", d, wse.Print(p))
		}
	})
}

// stepped runs p visiting every PE and router in every cycle and compares with the run that
// skipped what is idle.
func stepped(t *rapid.T, p *wse.Program, m wse.Machine, want *Sim, st Stats) {
	s, err := New(p, m, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.begin(nil)
	for s.cycle < want.cycle {
		for pe := range s.ceNext {
			if s.rnext[pe] = s.cycle; s.class[pe] >= 0 {
				s.ceNext[pe] = s.cycle
			}
		}
		if _, _, err := s.step(); err != nil {
			t.Fatal(err)
		}
		s.cycle++
	}
	if d := cmp.Diff(st, s.finishStats(0), cmp.AllowUnexported(Stats{})); d != "" || !bytes.Equal(s.mem, want.mem) {
		t.Fatalf("skipping idle PEs changed the run: %s\n%s", d, wse.Print(p))
	}
}

// path adds the way from one PE to another, first along x, to what a color's routers send and accept, on a mesh w PEs wide.
func path(w, from, to int, tx map[int]wse.DirSet, rx map[int]wse.Dir) {
	x, y := from%w, from/w
	for x != to%w || y != to/w {
		d := wse.South
		switch {
		case x < to%w:
			d = wse.East
		case x > to%w:
			d = wse.West
		case y > to/w:
			d = wse.North
		}
		tx[y*w+x] |= wse.Dirs(d)
		dx, dy := d.Delta()
		x, y = x+dx, y+dy
		rx[y*w+x] = d.Opposite()
	}
	tx[to] |= wse.Dirs(wse.Ramp)
}
