// Package route gives the channels of a mesh program their colors and route tables, checks the tables by walking them, and
// decides whether the process network can deadlock.
//
// Channels run along one mesh axis, and every row (or column) is alike, so routing is a one-dimensional problem per axis: each
// stream occupies an interval of routers, two streams whose intervals meet need different colors, and an interval graph is
// colored optimally by taking intervals from low to high and giving each the lowest free color. On a regular lattice the
// colors repeat with a short period, and the tables are written as strided ranges: their size does not grow with the mesh.
//
// The streams of a group of a gather share one color, on the interval from the leader to the last member. The router of a member first lets
// its own stream pass, then turns to what comes from the members behind it. The last member ends its message with a command that turns all
// routers back as it passes them.
package route

import (
	"fmt"
	"slices"
	"sort"

	"github.com/wfc-lang/wfc/internal/lattice"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Geometry, shared with the levels around: see package lattice.
type (
	Region = lattice.Region
	Dir    = lattice.Dir
	DirSet = lattice.DirSet
)

// Router ports.
const (
	North = lattice.North
	East  = lattice.East
	South = lattice.South
	West  = lattice.West
	Ramp  = lattice.Ramp
)

// Entry configures one color in the routers of a region: wavelets that arrive from Rx leave by every port of Tx. With Turns the router has
// a second position, in which it accepts from Then; each command to advance takes it to the other one.
type Entry struct {
	Color  int
	Region Region
	Rx     Dir
	Tx     DirSet
	Turns  bool
	Then   Dir
}

// Port binds a channel's end to a color in the PEs of a region.
type Port struct {
	Channel string
	Send    bool
	Color   int
	Region  Region
}

// Table is the routing of a program.
type Table struct {
	Entries []Entry
	Ports   []Port
	Owner   map[int]string // color -> channels that use it, for reports
}

// Fabric is what routing needs to know of a machine.
type Fabric interface {
	// RouteColors lists the color ids a program may use, in the order to use them.
	RouteColors() []int
	// TurnColors lists those of which routers can turn.
	TurnColors() []int
}

// BudgetError says that the channels need more colors than the machine has.
type BudgetError struct {
	Need, Have int
	Channels   []string // in routing order
	Turning    bool     // it is those that turn of which the machine has too few
}

func (e *BudgetError) Error() string {
	if e.Turning {
		return fmt.Sprintf("the program's gathers need %d colors whose routers can turn, the machine has %d: %v", e.Need, e.Have, e.Channels)
	}
	return fmt.Sprintf("the program's %d channels need %d colors, the machine has %d: %v", len(e.Channels), e.Need, e.Have, e.Channels)
}

// stream is one sender to receivers on a line of routers, or with turns the senders of a group, src the last of them and the others ascending
// from the leader.
type stream struct {
	channel  string
	src      int
	turns    []int
	lo, hi   int
	receives []int // positions, ascending
	color    int
}

// streams lists a channel's streams along its axis (P positions).
func streams(p *mesh.Program, ch *mesh.Channel) []stream {
	l := layout(p, ch.Layout)
	if l == nil || l.Parts < 2 {
		return nil
	}
	if ch.Kind == mesh.Flood {
		s := stream{channel: ch.Name, src: l.Pos(0), lo: 0, hi: l.Parts - 1}
		for i := 0; i < l.Parts; i++ {
			if i != s.src {
				s.receives = append(s.receives, i)
			}
		}
		return []stream{s}
	}
	if ch.Kind == mesh.Gather {
		var out []stream
		for k := 0; k < l.Parts; k += ch.Mod {
			ss := ch.Senders(l, k)
			if len(ss) == 0 {
				continue
			}
			s := stream{channel: ch.Name, src: l.Pos(ss[len(ss)-1]), lo: l.Pos(k), hi: l.Pos(ss[len(ss)-1]), receives: []int{l.Pos(k)}}
			for _, m := range ss[:len(ss)-1] {
				s.turns = append(s.turns, l.Pos(m))
			}
			out = append(out, s)
		}
		return out
	}
	out, ends := make([]stream, 0, l.Parts), make([]int, l.Parts)
	for k := 0; k < l.Parts; k++ {
		d, ok := ch.Next(l, k)
		if !ok {
			continue
		}
		a, b := l.Pos(k), l.Pos(d)
		ends[k] = b
		out = append(out, stream{channel: ch.Name, src: a, lo: min(a, b), hi: max(a, b), receives: ends[k : k+1 : k+1]})
	}
	return out
}

func layout(p *mesh.Program, axis string) *mesh.Layout {
	for i := range p.Layouts {
		if p.Layouts[i].Axis == axis {
			return &p.Layouts[i]
		}
	}
	return nil
}

// Assign colors all channels of p and writes their route tables. A *BudgetError reports too few colors.
func Assign(p *mesh.Program, f Fabric) (*Table, error) {
	t := &Table{Owner: map[int]string{}}
	free, turning := f.RouteColors(), f.TurnColors()
	e := &BudgetError{Have: len(free)}
	// take gives the streams of a group, colored from 0, the first colors that are left of those.
	take := func(g []stream, of []int) bool {
		n := colorIntervals(g)
		if e.Need += n; n > len(of) {
			return false
		}
		mine := slices.Clone(of[:n])
		for i := range g {
			g[i].color = mine[g[i].color]
		}
		used := func(c int) bool { return slices.Contains(mine, c) }
		free, turning = slices.DeleteFunc(free, used), slices.DeleteFunc(turning, used)
		return true
	}
	var all [mesh.Y + 1][][]stream
	fits := true
	for _, dim := range []mesh.Dim{mesh.X, mesh.Y} { // what turns takes its choice first
		all[dim] = groups(p, dim)
		for _, g := range all[dim] {
			if len(g) > 0 && kindOf(p, g[0].channel) == mesh.Gather {
				fits = take(g, turning) && fits
			}
		}
	}
	if !fits {
		e.Have, e.Turning = len(f.TurnColors()), true
		for _, c := range p.Channels {
			if c.Kind == mesh.Gather {
				e.Channels = append(e.Channels, c.Name)
			}
		}
		return nil, e
	}
	for _, dim := range []mesh.Dim{mesh.X, mesh.Y} { // colors of the y axis follow those of the x axis: a PE takes part in both
		var ss []stream
		for _, g := range all[dim] {
			if len(g) > 0 && kindOf(p, g[0].channel) != mesh.Gather {
				fits = take(g, free) && fits
			}
			ss = append(ss, g...)
		}
		if fits {
			t.add(p, dim, ss)
		}
	}
	if !fits {
		for _, c := range p.Channels {
			e.Channels = append(e.Channels, c.Name)
		}
		return nil, e
	}
	return t, nil
}

func kindOf(p *mesh.Program, channel string) mesh.ChanKind {
	for i := range p.Channels {
		if p.Channels[i].Name == channel {
			return p.Channels[i].Kind
		}
	}
	return mesh.Shift
}

// groups are the streams along one axis that are colored together: those of all shift and flood channels, then those of each hop or gather
// channel. The streams of a tree's levels enclose each other, so sharing would save next to nothing; apart, every level's colors
// repeat with the level's own period, and the tables stay short.
func groups(p *mesh.Program, dim mesh.Dim) [][]stream {
	out := make([][]stream, 1)
	for i := range p.Channels {
		c := &p.Channels[i]
		switch {
		case c.Dim != dim:
		case c.Kind == mesh.Hop, c.Kind == mesh.Gather:
			out = append(out, streams(p, c))
		default:
			out[0] = append(out[0], streams(p, c)...)
		}
	}
	return out
}

// colorIntervals colors the intervals [lo, hi] so that any two that share a router differ, with the fewest colors, and returns
// their number. Among free colors the lowest is taken: on a lattice the result is periodic.
func colorIntervals(ss []stream) int {
	sortByStart(ss)
	var free []int // ascending
	type used struct{ hi, color int }
	var busy []used
	n := 0
	for i := range ss {
		keep := busy[:0]
		for _, b := range busy {
			if b.hi < ss[i].lo {
				free = append(free, b.color)
			} else {
				keep = append(keep, b)
			}
		}
		busy = keep
		sort.Ints(free)
		if len(free) == 0 {
			free = append(free, n)
			n++
		}
		ss[i].color = free[0]
		free = free[1:]
		busy = append(busy, used{ss[i].hi, ss[i].color})
	}
	return n
}

// sortByStart sorts streams by their first position, stably. Positions are few and dense: counting beats comparing.
func sortByStart(ss []stream) {
	last := 0
	for i := range ss {
		last = max(last, ss[i].lo)
	}
	next := make([]int, last+2)
	for i := range ss {
		next[ss[i].lo+1]++
	}
	for x := range last {
		next[x+1] += next[x]
	}
	for _, s := range slices.Clone(ss) {
		ss[next[s.lo]] = s
		next[s.lo]++
	}
}

// hop is what one router does for one color.
type hop struct {
	color int
	rx    Dir
	tx    DirSet
	turns bool
}

// add turns the colored streams of one axis into entries and ports compressed over positions.
func (t *Table) add(p *mesh.Program, dim mesh.Dim, ss []stream) {
	up, down := East, West // towards higher and lower positions
	if dim == mesh.Y {
		up, down = South, North
	}
	type end struct {
		channel string
		color   int
		send    bool
	}
	hops := map[hop][]int{}
	ports := map[end][]int{}
	for _, s := range ss {
		k := end{s.channel, s.color, false}
		ports[k] = append(ports[k], s.receives...)
		k.send = true
		ports[k] = append(append(ports[k], s.turns...), s.src)
		for x := s.lo; x <= s.hi; x++ {
			h := hop{color: s.color}
			switch {
			case x == s.src:
				h.rx = Ramp
			case x > s.src:
				h.rx = down
			default:
				h.rx = up
			}
			if x >= s.src && x < s.hi {
				h.tx = h.tx.With(up)
			}
			if x <= s.src && x > s.lo {
				h.tx = h.tx.With(down)
			}
			if _, ok := slices.BinarySearch(s.receives, x); ok {
				h.tx = h.tx.With(Ramp)
			}
			if _, h.turns = slices.BinarySearch(s.turns, x); h.turns {
				h.rx = Ramp
			}
			hops[h] = append(hops[h], x)
		}
		if o := t.Owner[s.color]; o == "" {
			t.Owner[s.color] = s.channel
		} else if !hasWord(o, s.channel) {
			t.Owner[s.color] = o + " " + s.channel
		}
	}
	region := func(r mesh.Range) Region {
		if dim == mesh.X {
			return Region{X: r, Y: mesh.Range{Lo: 0, Hi: p.H, Step: 1}}
		}
		return Region{X: mesh.Range{Lo: 0, Hi: p.W, Step: 1}, Y: r}
	}
	for h, at := range hops {
		for _, r := range Ranges(at) {
			e := Entry{Color: h.color, Region: region(r), Rx: h.rx, Tx: h.tx, Turns: h.turns}
			if h.turns {
				e.Then = up // members behind are those of higher parts
			}
			t.Entries = append(t.Entries, e)
		}
	}
	for k, at := range ports {
		for _, r := range Ranges(at) {
			t.Ports = append(t.Ports, Port{Channel: k.channel, Send: k.send, Color: k.color, Region: region(r)})
		}
	}
	t.sort()
}

func hasWord(s, w string) bool {
	for len(s) > 0 {
		i := 0
		for i < len(s) && s[i] != ' ' {
			i++
		}
		if s[:i] == w {
			return true
		}
		if i == len(s) {
			break
		}
		s = s[i+1:]
	}
	return false
}

func (t *Table) sort() {
	less := func(a, b Region) int {
		for _, d := range [...]int{a.X.Lo - b.X.Lo, a.Y.Lo - b.Y.Lo, a.X.Step - b.X.Step, a.Y.Step - b.Y.Step} {
			if d != 0 {
				return d
			}
		}
		return 0
	}
	sort.Slice(t.Entries, func(i, j int) bool {
		a, b := t.Entries[i], t.Entries[j]
		if a.Color != b.Color {
			return a.Color < b.Color
		}
		return less(a.Region, b.Region) < 0
	})
	sort.Slice(t.Ports, func(i, j int) bool {
		a, b := t.Ports[i], t.Ports[j]
		if a.Channel != b.Channel {
			return a.Channel < b.Channel
		}
		if a.Send != b.Send {
			return a.Send
		}
		if a.Color != b.Color {
			return a.Color < b.Color
		}
		return less(a.Region, b.Region) < 0
	})
}

// Ranges writes a set of positions as few disjoint strided ranges, see lattice.Cover.
func Ranges(at []int) []mesh.Range { return lattice.Cover(at) }
