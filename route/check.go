package route

import (
	"fmt"
	"slices"
	"sort"

	"github.com/wfc-lang/wfc/ir/mesh"
)

// Check proves the final tables right without looking at how they were made: from every sending port it walks forward, router by
// router, and compares what is delivered with what the channels promise. It reports every color at which
//
//   - two entries configure one router, or a wavelet runs into a router that does not accept it, leaves the mesh or runs in a circle;
//   - a stream reaches a PE that does not listen, misses one that does, or reaches one twice;
//   - a listening PE belongs to another sender than its channel says;
//   - the streams of a gather arrive in another order than that of their turns;
//   - an entry is never reached.
//
// Static routes of one color keep the order of wavelets, so delivery is in order when it is exact. A router that turns accepts what its PE sends
// first, then what comes from one neighbour, and nothing from both at a time; so on the way back from a receiver the senders stand in the
// order in which their streams arrive, and a command of the last one passes all routers that turn, once.
//
// Rows (or columns) whose entries and ports are the same are walked once: the cost is one line per distinct line.
func Check(p *mesh.Program, t *Table) []error {
	c := checker{p: p, t: t}
	for _, color := range t.colors() {
		c.color(color)
	}
	return c.errs
}

type checker struct {
	p    *mesh.Program
	t    *Table
	errs []error
}

func (c *checker) fail(format string, a ...any) {
	if len(c.errs) < 100 {
		c.errs = append(c.errs, fmt.Errorf(format, a...))
	}
}

func (t *Table) colors() []int {
	seen := map[int]bool{}
	var out []int
	add := func(k int) {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	for _, e := range t.Entries {
		add(e.Color)
	}
	for _, q := range t.Ports {
		add(q.Color)
	}
	sort.Ints(out)
	return out
}

// color checks one color on one representative of each kind of line.
func (c *checker) color(color int) {
	var es []Entry
	var ps []Port
	alongX, alongY := false, false
	for _, e := range c.t.Entries {
		if e.Color == color {
			es = append(es, e)
			for d := North; d < Ramp; d++ {
				if e.Rx == d || e.Tx.Has(d) {
					alongX = alongX || d == East || d == West
					alongY = alongY || d == North || d == South
				}
			}
		}
	}
	for _, q := range c.t.Ports {
		if q.Color == color {
			ps = append(ps, q)
		}
	}
	switch {
	case alongX && alongY:
		g := newGrid(c, color, es, ps, mesh.Range{Lo: 0, Hi: c.p.W, Step: 1}, mesh.Range{Lo: 0, Hi: c.p.H, Step: 1})
		g.check()
	case alongY:
		for _, x := range c.representatives(c.p.W, es, ps, func(r Region) mesh.Range { return r.X }) {
			g := newGrid(c, color, es, ps, mesh.Range{Lo: x, Hi: x + 1, Step: 1}, mesh.Range{Lo: 0, Hi: c.p.H, Step: 1})
			g.check()
		}
	default:
		for _, y := range c.representatives(c.p.H, es, ps, func(r Region) mesh.Range { return r.Y }) {
			g := newGrid(c, color, es, ps, mesh.Range{Lo: 0, Hi: c.p.W, Step: 1}, mesh.Range{Lo: y, Hi: y + 1, Step: 1})
			g.check()
		}
	}
}

// representatives returns one line of each set of lines crossed by the same entries and ports.
func (c *checker) representatives(n int, es []Entry, ps []Port, across func(Region) mesh.Range) []int {
	seen := map[string]bool{}
	var out []int
	all := true // lines are alike when everything crosses all of them
	for _, e := range es {
		r := across(e.Region)
		all = all && r.Lo <= 0 && r.Hi >= n && r.Stride() == 1
	}
	for _, q := range ps {
		r := across(q.Region)
		all = all && r.Lo <= 0 && r.Hi >= n && r.Stride() == 1
	}
	if all {
		return []int{0}
	}
	key := make([]byte, 0, len(es)+len(ps))
	for i := 0; i < n; i++ {
		key = key[:0]
		for _, e := range es {
			key = append(key, bit(across(e.Region).Contains(i)))
		}
		for _, q := range ps {
			key = append(key, bit(across(q.Region).Contains(i)))
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			out = append(out, i)
		}
	}
	return out
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// grid is the routers of some lines for one color.
type grid struct {
	c        *checker
	color    int
	xs, ys   mesh.Range
	w        int
	conf     []*Entry // per router
	reached  []bool
	send     [][]string // channels that send, listen here
	listen   [][]string
	receives []int // how many streams of this color end here
	turning  bool

	got     map[[2]int]int // of walk: deliveries, steps taken, steps to take
	seen    map[step]bool
	pending []step
}

// step is a wavelet that enters a router.
type step struct {
	x, y int
	in   Dir
}

func newGrid(c *checker, color int, es []Entry, ps []Port, xs, ys mesh.Range) *grid {
	g := &grid{c: c, color: color, xs: xs, ys: ys, w: xs.Hi - xs.Lo, got: map[[2]int]int{}, seen: map[step]bool{}}
	n := g.w * (ys.Hi - ys.Lo)
	g.conf, g.reached = make([]*Entry, n), make([]bool, n)
	g.send, g.listen, g.receives = make([][]string, n), make([][]string, n), make([]int, n)
	for i := range es {
		e := &es[i]
		g.each(e.Region, func(x, y, k int) {
			if g.conf[k] != nil {
				c.fail("color %d: PE (%d,%d) is configured twice (%v->%v and %v->%v)", color, x, y, g.conf[k].Rx, g.conf[k].Tx, e.Rx, e.Tx)
			}
			g.conf[k] = e
			g.turning = g.turning || e.Turns
		})
	}
	for _, q := range ps {
		g.each(q.Region, func(x, y, k int) {
			if q.Send {
				g.send[k] = append(g.send[k], q.Channel)
			} else {
				g.listen[k] = append(g.listen[k], q.Channel)
			}
		})
	}
	return g
}

func (g *grid) each(r Region, f func(x, y, k int)) {
	for y := from(r.Y, g.ys.Lo); y < min(r.Y.Hi, g.ys.Hi); y += r.Y.Stride() {
		for x := from(r.X, g.xs.Lo); x < min(r.X.Hi, g.xs.Hi); x += r.X.Stride() {
			f(x, y, g.at(x, y))
		}
	}
}

// from is the first member of r that is not below lo.
func from(r mesh.Range, lo int) int {
	if r.Lo >= lo {
		return r.Lo
	}
	return r.Lo + (lo-r.Lo+r.Stride()-1)/r.Stride()*r.Stride()
}

func (g *grid) at(x, y int) int { return (y-g.ys.Lo)*g.w + x - g.xs.Lo }

func (g *grid) inside(x, y int) bool {
	return x >= g.xs.Lo && x < g.xs.Hi && y >= g.ys.Lo && y < g.ys.Hi
}

func (g *grid) check() {
	for y := g.ys.Lo; y < g.ys.Hi; y++ {
		for x := g.xs.Lo; x < g.xs.Hi; x++ {
			k := g.at(x, y)
			if len(g.send[k]) > 1 || len(g.listen[k]) > 1 {
				g.c.fail("color %d: PE (%d,%d) serves several channels: sends %v, receives %v", g.color, x, y, g.send[k], g.listen[k])
			}
			for _, ch := range g.send[k] {
				g.walk(ch, x, y)
			}
		}
	}
	for y := g.ys.Lo; y < g.ys.Hi; y++ {
		for x := g.xs.Lo; x < g.xs.Hi; x++ {
			k := g.at(x, y)
			if g.conf[k] != nil && !g.reached[k] {
				g.c.fail("color %d: the entry %v->%v of PE (%d,%d) carries no stream", g.color, g.conf[k].Rx, g.conf[k].Tx, x, y)
			}
			want := 1
			if g.turning && len(g.listen[k]) > 0 {
				want = g.turns(g.listen[k][0], x, y)
			}
			if len(g.listen[k]) > 0 && g.receives[k] != want {
				g.c.fail("color %d: PE (%d,%d) listens to %s and is reached by %d streams, not %d", g.color, x, y, g.listen[k][0], g.receives[k], want)
			}
		}
	}
}

// turns walks back from the receiver of a gather at (x, y), compares the senders on the way with the order of their turns, and returns their
// number.
func (g *grid) turns(ch string, x, y int) int {
	want, n := Senders(g.c.p, ch, x, y), 0
	at, last := [2]int{x, y}, false
	for range len(g.conf) {
		if !g.inside(at[0], at[1]) {
			break
		}
		k := g.at(at[0], at[1])
		e := g.conf[k]
		if e == nil || e.Turns && e.Rx != Ramp {
			break
		}
		if e.Rx == Ramp {
			if n >= len(want) || want[n] != at || len(g.send[k]) != 1 {
				break
			}
			n++
		}
		from := e.Rx
		if e.Turns {
			from = e.Then
		}
		if last = from == Ramp; last {
			break
		}
		dx, dy := from.Delta()
		at[0], at[1] = at[0]+dx, at[1]+dy
	}
	if !last || n != len(want) {
		g.c.fail("color %d: behind PE (%d,%d), which listens to %s, %d of %d senders stand in the order of their turns, up to (%d,%d)",
			g.color, x, y, ch, n, len(want), at[0], at[1])
	}
	return len(want)
}

// walk follows the stream that channel ch sends from (x, y) and compares its deliveries with the channel's meaning.
func (g *grid) walk(ch string, x, y int) {
	clear(g.got)
	clear(g.seen)
	got, seen, pending := g.got, g.seen, append(g.pending[:0], step{x, y, Ramp})
	for len(pending) > 0 {
		s := pending[0]
		pending = pending[1:]
		if !g.inside(s.x, s.y) {
			g.c.fail("color %d: the stream of %s from PE (%d,%d) leaves the mesh at (%d,%d)", g.color, ch, x, y, s.x, s.y)
			return
		}
		if seen[s] {
			g.c.fail("color %d: the stream of %s from PE (%d,%d) runs in a circle through (%d,%d)", g.color, ch, x, y, s.x, s.y)
			return
		}
		seen[s] = true
		k := g.at(s.x, s.y)
		e := g.conf[k]
		if e == nil {
			g.c.fail("color %d: the stream of %s from PE (%d,%d) meets router (%d,%d), which has no route for it", g.color, ch, x, y, s.x, s.y)
			return
		}
		if e.Rx != s.in && (!e.Turns || e.Then != s.in) {
			g.c.fail("color %d: the stream of %s from PE (%d,%d) enters router (%d,%d) from %v, which accepts %v", g.color, ch, x, y, s.x, s.y, s.in, e.Rx)
			return
		}
		g.reached[k] = true
		for d := North; d <= Ramp; d++ {
			if !e.Tx.Has(d) {
				continue
			}
			if d == Ramp {
				got[[2]int{s.x, s.y}]++
				g.receives[k]++
				continue
			}
			dx, dy := d.Delta()
			pending = append(pending, step{s.x + dx, s.y + dy, d.Opposite()})
		}
	}
	want := Receivers(g.c.p, ch, x, y)
	for _, at := range want {
		if got[at] != 1 {
			g.c.fail("color %d: the stream of %s from PE (%d,%d) reaches its receiver (%d,%d) %d times", g.color, ch, x, y, at[0], at[1], got[at])
		}
		delete(got, at)
		if !g.inside(at[0], at[1]) {
			continue
		}
		if k := g.at(at[0], at[1]); len(g.listen[k]) != 1 || g.listen[k][0] != ch {
			g.c.fail("color %d: PE (%d,%d) should listen to %s and listens to %v", g.color, at[0], at[1], ch, g.listen[k])
		}
	}
	var more [][2]int
	for at := range got {
		more = append(more, at)
	}
	slices.SortFunc(more, func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	for _, at := range more {
		g.c.fail("color %d: the stream of %s from PE (%d,%d) also reaches (%d,%d)", g.color, ch, x, y, at[0], at[1])
	}
}

// Senders returns the PEs whose streams the PE (x, y) receives on a channel that is no flood, in the order of their turns.
func Senders(p *mesh.Program, ch string, x, y int) (out [][2]int) {
	for i := range p.Channels {
		c := &p.Channels[i]
		if c.Name != ch || c.Kind == mesh.Flood {
			continue
		}
		l := layout(p, c.Layout)
		if c.Dim == mesh.X {
			for _, k := range c.Senders(l, l.Part(x)) {
				out = append(out, [2]int{l.Pos(k), y})
			}
			continue
		}
		for _, k := range c.Senders(l, l.Part(y)) {
			out = append(out, [2]int{x, l.Pos(k)})
		}
	}
	return out
}

// Receivers returns the PEs that channel ch delivers to from sender (x, y), by the channel's definition.
func Receivers(p *mesh.Program, ch string, x, y int) [][2]int {
	for i := range p.Channels {
		c := &p.Channels[i]
		if c.Name != ch {
			continue
		}
		l := layout(p, c.Layout)
		at := x
		if c.Dim == mesh.Y {
			at = y
		}
		place := func(pos int) [2]int {
			if c.Dim == mesh.X {
				return [2]int{pos, y}
			}
			return [2]int{x, pos}
		}
		part := l.Part(at)
		if c.Kind == mesh.Flood {
			if part != 0 {
				return nil
			}
			var out [][2]int
			for k := 1; k < l.Parts; k++ {
				out = append(out, place(l.Pos(k)))
			}
			return out
		}
		to, ok := c.Next(l, part)
		if !ok {
			return nil
		}
		return [][2]int{place(l.Pos(to))}
	}
	return nil
}
