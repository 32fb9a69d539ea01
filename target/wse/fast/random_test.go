package fast

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
	"pgregory.net/rapid"
)

var seeds = flag.Int("seeds", 0, "further random machine programs to compare, by seed")

// A random program is what compiled and hand-written kernels have in common, drawn with everything that can set PEs of one class
// apart: edges of the mesh, params, values that decide, other work in some columns, buffers of any depth. It may deadlock or break a
// rule; then the two engines must say the same.
type writer struct {
	strings.Builder
	t    *rapid.T
	w, h int
}

func (b *writer) add(format string, args ...any) { fmt.Fprintf(&b.Builder, format+"\n", args...) }
func (b *writer) one(of ...string) string        { return rapid.SampledFrom(of).Draw(b.t, "one") }
func (b *writer) upTo(n int) int                 { return rapid.IntRange(0, n).Draw(b.t, "n") }
func (b *writer) maybe(oneIn int) bool           { return b.upTo(oneIn-1) == 0 }

// channel is one color, or two by parity, on which PEs send to neighbours or a rim to all.
type channel struct {
	name, elem string
	n          int
	c0, c1     int // colors of even and odd senders
	dx, dy     int
	flood      bool // from the first PE of each line to all behind it
	gather     bool // from all PEs of each line to the last one, whose routers turn
	ring       bool // and turn back
	data       bool // received by a data task
	out, in    int  // queue ids
}

var ports = map[[2]int][2]string{{1, 0}: {"east", "west"}, {-1, 0}: {"west", "east"}, {0, 1}: {"south", "north"}, {0, -1}: {"north", "south"}}

func randomText(t *rapid.T) string { return randomLoop(t, 1, 4) }

// randomLoop has PEs do what they do from least to most times.
func randomLoop(t *rapid.T, least, most int) string {
	b := &writer{t: t}
	machine := b.one("wse2", "wse3")
	m, _ := wse.Profile(machine)
	b.w, b.h = 1+b.upTo(8), 1+b.upTo(5)
	if b.w*b.h == 1 {
		b.w = 2
	}
	b.add("machine %s\nmesh %d %d", machine, b.w, b.h)
	ins, outs := m.UsableIn(), m.UsableOut()
	var chans []channel
	color := 0
	dirs := rapid.Permutation([][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}}).Draw(t, "dirs")
	for _, d := range dirs[:1+b.upTo(3)] {
		if d[0] != 0 && b.w == 1 || d[1] != 0 && b.h == 1 || len(chans) == min(len(ins), len(outs)) {
			continue
		}
		c := channel{name: fmt.Sprint("c", len(chans)), elem: b.one("f32", "f32", "f16", "i32", "u16"), n: 1 + b.upTo(30), dx: d[0], dy: d[1],
			c0: color, flood: b.maybe(5), data: b.maybe(8), out: outs[len(chans)], in: ins[len(chans)]}
		if !c.flood && b.maybe(3) {
			c.gather, c.ring, c.elem = true, !b.maybe(8), b.one("f32", "i32")
		}
		c.c1 = c.c0
		if color++; !c.flood && !c.gather {
			c.c1 = color
			color++
		}
		chans = append(chans, c)
	}
	cuts := []int{0}
	for x := 1; x < b.w; x++ {
		if b.maybe(6) {
			cuts = append(cuts, x)
		}
	}
	cuts = append(cuts, b.w)
	cutsY := []int{0}
	for y := 1; y < b.h; y++ {
		if b.maybe(6) {
			cutsY = append(cutsY, y)
		}
	}
	cutsY = append(cutsY, b.h)
	// Classes are further cut where a channel has an edge.
	edge := func(n int, cuts []int, cut bool) []int {
		if cut && n > 1 {
			cuts = append(cuts, 1, n-1)
		}
		slices.Sort(cuts)
		return slices.Compact(cuts)
	}
	cuts = edge(b.w, cuts, slices.ContainsFunc(chans, func(c channel) bool { return c.dx != 0 }))
	cutsY = edge(b.h, cutsY, slices.ContainsFunc(chans, func(c channel) bool { return c.dy != 0 }))
	steps := least + b.upTo(most-least)
	for j := range len(cutsY) - 1 {
		for i := range len(cuts) - 1 {
			b.class(chans, cuts[i], cuts[i+1], cutsY[j], cutsY[j+1], steps)
		}
	}
	for _, c := range chans {
		b.routes(c)
	}
	return b.String()
}

// sends and takes say what a class at a place does on a channel.
func (c *channel) sends(w, h, x, y int) bool {
	nx, ny := x+c.dx, y+c.dy
	on := nx >= 0 && nx < w && ny >= 0 && ny < h
	if c.flood {
		return on && !c.takes(w, h, x, y)
	}
	return on
}

func (c *channel) takes(w, h, x, y int) bool {
	px, py := x-c.dx, y-c.dy
	if c.gather && c.sends(w, h, x, y) {
		return false
	}
	return px >= 0 && px < w && py >= 0 && py < h
}

// words is how many words a PE takes that receives.
func (c *channel) words(w, h int) int {
	if c.gather {
		return c.n * (w*c.dx*c.dx + h*c.dy*c.dy - 1)
	}
	return c.n
}

func (c *channel) color(sender int) int {
	if sender%2 == 0 {
		return c.c0
	}
	return c.c1
}

// colors writes the colors of a queue, shift steps away from the sender.
func (c *channel) colors(back int) string {
	if c.c0 == c.c1 {
		return fmt.Sprint(c.c0)
	}
	a, z := c.c0, c.c1
	if back == 1 {
		a, z = z, a
	}
	if c.dx != 0 {
		return fmt.Sprintf("%d at x 0..64 step 2 y 0..64, %d at x 1..64 step 2 y 0..64", a, z)
	}
	return fmt.Sprintf("%d at x 0..64 y 0..64 step 2, %d at x 0..64 y 1..64 step 2", a, z)
}

func (b *writer) routes(c channel) {
	p := ports[[2]int{c.dx, c.dy}]
	for y := range b.h {
		for x := range b.w {
			at := fmt.Sprintf("at x %d..%d y %d..%d", x, x+1, y, y+1)
			along := x*c.dx*c.dx + y*c.dy*c.dy
			s, r := c.sends(b.w, b.h, x, y), c.takes(b.w, b.h, x, y)
			px, py := x-c.dx, y-c.dy
			switch behind := px >= 0 && px < b.w && py >= 0 && py < b.h; {
			case c.gather && s && behind:
				ring := ""
				if c.ring {
					ring = " ring"
				}
				b.add("route color %d %s rx ramp tx %s pos rx %s%s", c.c0, at, p[0], p[1], ring)
			case c.gather && s:
				b.add("route color %d %s rx ramp tx %s", c.c0, at, p[0])
			case c.gather:
				if r {
					b.add("route color %d %s rx %s tx ramp", c.c0, at, p[1])
				}
			case c.flood && s:
				b.add("route color %d %s rx ramp tx %s", c.c0, at, p[0])
			case c.flood && r:
				more := ""
				if nx, ny := x+c.dx, y+c.dy; nx >= 0 && nx < b.w && ny >= 0 && ny < b.h {
					more = ", " + p[0]
				}
				b.add("route color %d %s rx %s tx ramp%s", c.c0, at, p[1], more)
			case !c.flood:
				if s {
					b.add("route color %d %s rx ramp tx %s", c.color(along), at, p[0])
				}
				if r {
					b.add("route color %d %s rx %s tx ramp", c.color(along+1), at, p[1])
				}
			}
		}
	}
}

func (b *writer) class(chans []channel, x0, x1, y0, y1, steps int) {
	b.add("class k%d_%d { at x %d..%d y %d..%d", x0, y0, x0, x1, y0, y1)
	b.add(" param p = %d + %d*px + %d*py", b.upTo(3), b.upTo(1)*b.upTo(1), b.upTo(1)*b.upTo(1))
	b.add(" array w f32[12] = affine 1 + 0.5*i + 0.25*px")
	b.add(" array d i32[8] export = affine 1 + 1*i + %d*px + %d*py", b.upTo(1), b.upTo(1))
	b.add(" array seen i32[4] export")
	body, joins := []string{"set %sum = %sum + 1"}, []string(nil)
	ctl := func(list *[]string, format string, args ...any) { *list = append(*list, fmt.Sprintf(format, args...)) }
	var tasks []string
	for _, c := range chans {
		s, r := c.sends(b.w, b.h, x0, y0), c.takes(b.w, b.h, x0, y0)
		if s {
			b.add(" array s%s %s[%d] = affine 1 + 1*i + 2*px + 3*py", c.name, c.elem, c.n)
			b.add(" queue o%s out %d color %s", c.name, c.out, c.colors(0))
			src := fmt.Sprintf("s%s[0 : %d]", c.name, c.n)
			if ctl(&body, "mov.%s fab(o%s, %d) = %s", c.elem, c.name, c.n, src); c.elem == "f32" && b.maybe(6) {
				body[len(body)-1] = fmt.Sprintf("add.f32 fab(o%s, %d) = %s, w[%d]", c.name, c.n, src, b.upTo(3))
			} else if !b.maybe(6) {
				body[len(body)-1] += " async unblock j" + c.name
				joins = append(joins, "j"+c.name)
			}
			px, py := x0-c.dx, y0-c.dy
			switch behind := px >= 0 && px < b.w && py >= 0 && py < b.h; {
			case c.gather && behind && !b.maybe(20):
				body[len(body)-1] = strings.Replace(body[len(body)-1], fmt.Sprintf(", %d) =", c.n), fmt.Sprintf(", %d, advance own) =", c.n), 1)
			case c.gather && !behind && !b.maybe(20):
				if cut, ok := strings.CutSuffix(body[len(body)-1], " async unblock j"+c.name); ok {
					body[len(body)-1], joins = cut, joins[:len(joins)-1]
				}
				ctl(&body, "mov.u32 ctl(o%s, 1) = cmd(advance)", c.name)
			}
		}
		if r {
			c.n = c.words(b.w, b.h)
			b.add(" array r%s %s[%d] export", c.name, c.elem, c.n)
			b.add(" queue i%s in %d color %s", c.name, c.in, c.colors(1))
			dst := fmt.Sprintf("r%s[0 : %d]", c.name, c.n)
			words := c.n
			if c.elem == "f16" || c.elem == "u16" {
				words = (c.n + 1) / 2
			}
			float := c.elem[0] == 'f'
			switch k := b.upTo(5); {
			case c.data:
				tasks = append(tasks, fmt.Sprintf("task t%s data i%s (%%a) { set %%c%s = %%c%s + 1 set %%sum = %%sum + %%a if %%c%s == %d { set %%c%s = 0 unblock j%s } }",
					c.name, c.name, c.name, c.name, c.name, words, c.name, "in"+c.name))
				joins = append(joins, "jin"+c.name)
			case k == 0 && float:
				ctl(&body, "add.%s %s = %s, fab(i%s, %d)", c.elem, dst, dst, c.name, c.n)
			case k == 1 && c.elem == "f32":
				b.add(" array q%s f32[1] export", c.name)
				ctl(&body, "sum.f32 q%s[0] = w[1], fab(i%s, %d)", c.name, c.name, c.n)
			case k == 2 && c.elem == "f32":
				ctl(&body, "fma.f32 %s = %s, fab(i%s, %d), w[%d]", dst, dst, c.name, c.n, b.upTo(3))
			case k == 3:
				ctl(&body, "mov.%s %s = fab(i%s, %d) async unblock ja%s", c.elem, dst, c.name, c.n, c.name)
				joins = append(joins, "ja"+c.name)
			default:
				ctl(&body, "mov.%s %s = fab(i%s, %d)", c.elem, dst, c.name, c.n)
			}
		}
	}
	for range b.upTo(4) {
		var work string
		switch b.upTo(7) {
		case 0:
			n := 1 + b.upTo(8)
			work = fmt.Sprintf("map.div.f32 w[0 : %d] = w[0 : %d], 3.0", n, n)
		case 1:
			work = "add.f32 w[0 : 4] = w[1 : 4], w[4 : 4]"
		case 2:
			work = fmt.Sprintf("load %%v = d[%d] if %%v > %d { map.div.f32 w[0 : 3] = w[0 : 3], 2.0 }", b.upTo(7), b.upTo(9))
		case 3:
			work = fmt.Sprintf("if %%p >= %d { mul.f32 w[0 : 6] = w[0 : 6], 0.5 } else { sum.f32 w[0] = w[1], w[2 : 5] }", b.upTo(5))
		case 4:
			work = "mov.f32 w[0 : 3*3] = w[2 : 3*-1]"
		case 5:
			work = "map.add.i32 d[0 : 2*4, 4] = d[0 : 2*4, 4], d[0]"
		case 6:
			work = "set %i = 3 while %i > 0 { set %i = %i - 1 map.add.i32 d[1 + 1*%i : 2] = d[1 + 1*%i : 2], %i }"
		case 7:
			work = fmt.Sprintf("mov.u32 seen[%d : 1] = %%sum", b.upTo(3))
		}
		at := b.upTo(len(body))
		body = slices.Insert(body, at, work)
	}
	if b.maybe(4) {
		body = rapid.Permutation(body).Draw(b.t, "order")
	}
	end := fmt.Sprintf("set %%k = %%k + 1 if %%k < %d { activate main } else { set %%k = 0 exit }", steps)
	id := 0
	local := []int{8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}
	next := func(i int) string {
		if i < len(joins) {
			return "activate " + joins[i]
		}
		return end
	}
	b.add(" task main local %d {\n  %s\n  %s }", local[id], strings.Join(body, "\n  "), next(0))
	for i, j := range joins {
		id++
		b.add(" task %s local %d blocked { block %s %s }", j, local[id], j, next(i+1))
	}
	for _, t := range tasks {
		b.add(" %s", t)
	}
	b.add(" entry main }")
}

// event is what must happen in the same cycle.
type event struct {
	cycle int64
	pe    int
	kind  sim.EventKind
	what  int32
}

type recorder []event

// Event keeps what the fast engine can be asked for.
func (r *recorder) Event(e *sim.Event) {
	x := event{cycle: e.Cycle, pe: e.PE, kind: e.Kind}
	switch e.Kind {
	case sim.EvDispatch:
		x.what = e.Task
	case sim.EvOpEnd:
		x.what = e.PC // when it began is forgotten where groups merge; its cycles are in the statistics
	case sim.EvTake:
		x.what = e.Queue
	case sim.EvExit, sim.EvHop, sim.EvUp:
	default:
		return
	}
	*r = append(*r, x)
}

func (r recorder) sorted() recorder {
	slices.SortFunc(r, func(a, b event) int {
		return slices.Compare([]int64{a.cycle, int64(a.pe), int64(a.kind), int64(a.what)}, []int64{b.cycle, int64(b.pe), int64(b.kind), int64(b.what)})
	})
	return r
}

// record has the events of all members of the groups kept.
func (r *recorder) record(s *Sim) {
	s.watch = func(k sim.EventKind, g *group, what int32, t int64) {
		for _, m := range g.ms {
			e := event{cycle: t, pe: int(g.pes[m]), kind: k}
			switch k {
			case sim.EvDispatch, sim.EvTake, sim.EvOpEnd:
				e.what = what
			}
			*r = append(*r, e)
		}
	}
}

// outcome is all that can be seen of a run.
type outcome struct {
	stats  []sim.Stats
	errs   []string
	cycle  int64
	events recorder
	arrays map[string][]uint32
}

type machine interface {
	Cycle() int64
	WriteArray(x, y int, name string, off int, src []uint32) error
	ReadArray(x, y int, name string, off int, dst []uint32) error
	Launch(ctx context.Context, args ...int32) (sim.Stats, error)
}

func observe(p *wse.Program, s machine, launches int) *outcome {
	o := &outcome{arrays: map[string][]uint32{}}
	for range launches {
		st, err := s.Launch(context.Background())
		o.stats = append(o.stats, st)
		if err != nil {
			o.errs = append(o.errs, err.Error())
			break
		}
		for _, c := range p.Classes {
			for _, a := range c.Arrays {
				for _, r := range c.Regions {
					each(p.W, p.H, r, func(pe int) {
						if a.Export {
							raw := make([]uint32, a.Len)
							if err := s.ReadArray(pe%p.W, pe/p.W, a.Name, 0, raw); err != nil {
								o.errs = append(o.errs, err.Error())
							}
							o.arrays[fmt.Sprint(a.Name, pe, len(o.stats))] = raw
						}
					})
				}
			}
		}
	}
	o.cycle = s.Cycle()
	return o
}

// differ compares the engines on a program.
func differ(p *wse.Program, m wse.Machine, launches, threads int) (diff string, kind string, err error) {
	opt := sim.Options{MaxCycles: 200_000}
	f, err := New(p, m, opt, -1)
	if err != nil {
		return "", "", err
	}
	if f.Threads = threads; threads > 1 {
		f.piece, f.parallel = 3, 0 // many small pieces, all shared out
	}
	var fe, pe recorder
	fe.record(f)
	got := observe(p, f, launches)
	opt.Sink = &pe
	s, err := sim.New(p, m, opt)
	if err != nil {
		return "", "", err
	}
	want := observe(p, s, launches)
	opt.Sink, opt.Trains = nil, true
	r, err := sim.New(p, m, opt)
	if err != nil {
		return "", "", err
	}
	if r.Threads = threads; threads > 1 {
		r.Repeat() // as Open has it
	}
	trains := observe(p, r, launches)
	if n := len(want.stats); len(want.errs) > 0 && len(trains.stats) == n {
		trains.stats[n-1] = want.stats[n-1] // a region asleep has not had its turn in the cycle that breaks a rule
	}
	diff = cmp.Diff(want, trains, cmp.AllowUnexported(outcome{}, event{}), cmpopts.IgnoreUnexported(sim.Stats{}))
	if diff != "" {
		return "with trains: " + diff, "", nil
	}
	want.events = pe.sorted()
	if got.events = fe.sorted(); len(want.errs) > 0 {
		got.events, want.events = nil, nil // the fast engine has repeated the launch elsewhere
		kind = "ends in an error"
	} else if f.Work.Splits > 0 {
		kind = "groups split"
	}
	return cmp.Diff(want, got, cmp.AllowUnexported(outcome{}, event{}), cmpopts.IgnoreUnexported(sim.Stats{})), kind, nil
}

// Random machine programs have the same cycle for every task start, operation end, hop and delivery, the same statistics, memory and
// errors on both engines, whatever the buffers.
func TestRandomPrograms(t *testing.T) {
	kinds := map[string]int{}
	check := func(t *rapid.T) {
		text := randomText(t)
		p, err := wse.Parse("random.wse", text)
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
			m.LinkTicks = rapid.SampledFrom([]int{1000, 1000, 1500, 2000}).Draw(t, "link")
			m.RampTicks = rapid.SampledFrom([]int{1000, 1000, 700, 2000}).Draw(t, "ramp")
		}
		diff, kind, err := differ(p, m, rapid.IntRange(1, 2).Draw(t, "launches"), rapid.IntRange(1, 3).Draw(t, "threads"))
		var no *Unsupported
		switch {
		case errors.As(err, &no):
			t.Fatalf("%v\n%s", err, text)
		case err != nil:
			kinds["refused"]++
			return
		case diff != "":
			t.Fatalf("plain (-) and fast (+) differ: %s\n%s", diff, text)
		}
		kinds[kind]++
		kinds["compared"]++
	}
	rapid.Check(t, check)
	for i := range *seeds {
		rapid.Custom(func(t *rapid.T) int { check(t); return 0 }).Example(i)
	}
	t.Logf("%v", kinds)
	if n := kinds["compared"]; 10*kinds["groups split"] < n || 2*kinds["ends in an error"] > n {
		t.Errorf("the programs say little: %v", kinds)
	}
}

// What the engine does not model is left to the plain one, with a reason.
func TestUnsupported(t *testing.T) {
	for name, body := range map[string]string{
		"control": "ctl(q, 1) = 0x00400000",
		"advance": "fab(q, 2, advance) = u[0 : 2]",
	} {
		p, err := wse.Parse("", `machine wse3
mesh 2 1
class a { at x 0..1 y 0..1
 array u f32[2]
 queue q out 2 color 1
 task main local 8 { mov.`+map[string]string{"control": "u32", "advance": "f32"}[name]+" "+body+` exit }
 entry main }
class b { at x 1..2 y 0..1
 array v f32[2]
 queue r in 2 color 1
 task main local 8 { mov.f32 v[0 : 2] = fab(r, 2) exit }
 entry main }
route color 1 at x 0..1 y 0..1 rx ramp tx east
route color 1 at x 1..2 y 0..1 rx west tx ramp
`)
		if err != nil {
			t.Fatal(err)
		}
		m, _ := wse.Profile("wse3")
		if err := wse.Check(p, m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err = New(p, m, sim.Options{}, -1)
		if no := (*Unsupported)(nil); !errors.As(err, &no) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		w, why, err := Open(p, m, sim.Options{})
		if _, ok := w.(*sim.Sim); !ok || why == "" || err != nil {
			t.Errorf("%s: Open gives %T because %q, %v", name, w, why, err)
		}
	}
}

// A program that falls apart into too many groups goes on in the plain engine as if it had begun there.
func TestHandOver(t *testing.T) {
	p, err := wse.Parse("", `machine wse2
mesh 8 4
class a { at x 0..8 y 0..4
 array d i32[4] export = affine 1 + 1*px + 8*py
 task main local 8 { load %v = d[0] while %v > 0 { set %v = %v - 1 map.add.i32 d[1 : 3] = d[1 : 3], %v } exit }
 entry main }
`)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := wse.Profile("wse2")
	f, err := New(p, m, sim.Options{}, 4)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(p, m, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, want := observe(p, f, 2), observe(p, s, 2)
	if d := cmp.Diff(want, got, cmp.AllowUnexported(outcome{}, event{}), cmpopts.IgnoreUnexported(sim.Stats{})); d != "" {
		t.Errorf("plain (-) and handed over (+): %s", d)
	}
	if f.Left() == "" {
		t.Error("the program stayed")
	}
}

// A random program that leaves in the middle of a launch, whatever is under way then, ends as if it had run in the plain engine alone.
func TestLeaveAnywhere(t *testing.T) {
	left, all := 0, 0
	check := func(t *rapid.T) {
		text := randomText(t)
		p, err := wse.Parse("random.wse", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		m, _ := wse.Profile(p.Machine)
		opt := sim.Options{MaxCycles: 200_000}
		f, err := New(p, m, opt, -1)
		if err != nil {
			return
		}
		f.leaveAt = int64(rapid.IntRange(1, 400).Draw(t, "cycle"))
		s, err := sim.New(p, m, opt)
		if err != nil {
			t.Fatal(err)
		}
		got, want := observe(p, f, 2), observe(p, s, 2)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(outcome{}, event{}), cmpopts.IgnoreUnexported(sim.Stats{})); d != "" {
			t.Fatalf("plain (-) and left in cycle %d (+): %s\n%s", f.LeftAt.Cycle, d, text)
		}
		if all++; f.Left() != "" && len(want.errs) == 0 {
			left++
		}
	}
	rapid.Check(t, check)
	for i := range *seeds {
		rapid.Custom(func(t *rapid.T) int { check(t); return 0 }).Example(i)
	}
	if 4*left < all {
		t.Errorf("only %d of %d programs left", left, all)
	}
}
