package cpu

import (
	"math"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// tiling says how a pass is cut. Nothing of it changes a bit.
type tiling struct {
	steps  int  // steps of one pass
	tile   int  // extent of a tile along the tiled axis
	chunks int  // parts of the stream
	rows   int  // extent of the blocks in which the operations of a plane take turns, so that they find it in the first cache
	stream bool // next values of arrays go past the caches
}

// planes is what a tile needs of a value, and when each plane is there.
type planes struct {
	x, y  ir.Interval
	begun []int // by plane, from x.Lo: when it is written first; its ghosts may be later
	ready []int // when all of it is there
	last  []int // when it is read last
	skew  int   // how far rows lag behind the blocks
	delay int   // planes by which it follows the arrays
	user  int   // last node that reads or writes it
	free  int   // how far behind the blocks a node must be to write to its planes after that at the same time
	*ring
}

const never = math.MinInt / 2

// tileTable is the schedule of one tile, as the driver reads it.
type tileTable struct {
	words    []int64
	segments int
	ring     int // bytes of memory for rings
	moved    int // bytes that kernels read and write, per column
	work     int // nodes that they compute, per column, as points of 4 bytes
	calls    int
	rows     map[*tensorBuf]int // of a plane that are read
}

// entry is one operation on one plane, or on some that follow each other.
type entry struct{ time, node, plane, count int }

// vectorLine is by what the rows of a tile are rounded where the tiled axis is the contiguous one.
const vectorLine = lineBytes

// tile schedules the part of a pass that computes the next values in [x, y), coordinates of the stream and of the tiled axis.
func (s *sweep) tile(u *unrolled, x, y ir.Interval, t tiling) *tileTable {
	need := map[*tensorBuf]*planes{}
	for _, b := range u.bufs {
		need[b] = &planes{}
		if !b.given && b.memory >= 0 {
			box := s.arrays[b.slotArray(s)].box
			need[b].x, need[b].y = common(box[0], x), common(box[1], y)
		}
	}
	regions := make([][2]ir.Interval, len(u.nodes))
	for i := len(u.nodes) - 1; i >= 0; i-- {
		regions[i] = s.region(u, u.nodes[i], need)
	}
	entries, skews := s.schedule(u, need, regions)
	tab := &tileTable{rows: map[*tensorBuf]int{}}
	for _, b := range u.bufs {
		tab.rows[b] = need[b].y.Hi - need[b].y.Lo
	}
	bytes, period := s.rings(u, need, skews)
	tab.ring = bytes
	s.emitTable(tab, u, need, regions, entries, skews, t, period)
	return tab
}

// slotArray is the array whose next value a buffer is.
func (b *tensorBuf) slotArray(s *sweep) int { return slices.Index(s.spare, b.memory) }

func common(a, b ir.Interval) ir.Interval {
	c := ir.Interval{Lo: max(a.Lo, b.Lo), Hi: min(a.Hi, b.Hi)}
	if c.Lo >= c.Hi {
		return ir.Interval{}
	}
	return c
}

func empty(a ir.Interval) bool { return a.Lo >= a.Hi }

func hull(a, b ir.Interval) ir.Interval {
	switch {
	case empty(a):
		return b
	case empty(b):
		return a
	}
	return ir.Interval{Lo: min(a.Lo, b.Lo), Hi: max(a.Hi, b.Hi)}
}

// region is where a node must be computed, and adds what it reads there to the needs.
func (s *sweep) region(u *unrolled, nd *planeNode, need map[*tensorBuf]*planes) (r [2]ir.Interval) {
	for _, b := range nd.outs {
		r[0], r[1] = hull(r[0], need[b].x), hull(r[1], need[b].y)
	}
	dom := nd.st.op.Dom
	if !s.wraps {
		r[0] = common(r[0], ir.Interval{Lo: dom[0].Lo, Hi: dom[0].Hi})
	}
	if s.rank == 2 && !empty(r[1]) { // whole vectors
		line := vectorLine / storageBytes(nd.st.op.Results[0].Elem)
		r[1] = ir.Interval{Lo: roundDown(r[1].Lo, line), Hi: -roundDown(-r[1].Hi, line)}
	}
	if u.round == 0 {
		r[1] = common(r[1], ir.Interval{Lo: dom[1].Lo, Hi: dom[1].Hi})
	}
	if empty(r[0]) || empty(r[1]) {
		return [2]ir.Interval{}
	}
	for _, b := range nd.outs { // all results are written where one is needed
		if b.memory < 0 {
			need[b].x, need[b].y = hull(need[b].x, r[0]), hull(need[b].y, r[1])
		}
	}
	if nd.inArray() { // of what is there
		return r
	}
	for i := range nd.st.runs {
		run := &nd.st.runs[i]
		px := r[0]
		if !s.wraps {
			px = common(px, ir.Interval{Lo: run.lo, Hi: run.hi})
		}
		for _, rd := range run.reads {
			py := u.rows(r[1], nd.st, rd.piece)
			if empty(px) || empty(py) {
				continue
			}
			p := need[nd.in[rd.root]]
			p.x = hull(p.x, ir.Interval{Lo: px.Lo + rd.plane, Hi: px.Hi + rd.plane})
			p.y = hull(p.y, ir.Interval{Lo: py.Lo + rd.lo, Hi: py.Hi + rd.hi})
		}
	}
	return r
}

// rows are those of y on which a piece is computed: all, where tiles reach over the ends.
func (u *unrolled) rows(y ir.Interval, st *planeOp, piece int) ir.Interval {
	if u.round > 0 {
		return y
	}
	return common(y, st.op.Pieces[piece].Box[1])
}

// inArray says that a node makes ghosts in an array as the pass comes there.
func (nd *planeNode) inArray() bool { return nd.st.share && nd.outs[0].given }

// ghosts are the rows of those that a node in an array makes of rows y, in ascending order of their first.
func (u *unrolled) ghosts(nd *planeNode, run *planeRun, y ir.Interval) (all []turnedRows) {
	for _, part := range u.turns(nd, y) {
		var last *turnedRows
		for _, r := range emit.PieceRuns(part.rows.Lo, part.rows.Hi, nd.st.boxes(), 1, run.pieces) {
			switch {
			case len(r.Active) == 0:
			case last != nil && last.rows.Hi == r.Lo:
				last.rows.Hi = r.Hi
			default:
				all = append(all, turnedRows{ir.Interval{Lo: r.Lo, Hi: r.Hi}, part.shift})
				last = &all[len(all)-1]
			}
		}
	}
	return all
}

// turnedRows is a range of rows that lie so many rows before those of the tile they are computed for.
type turnedRows struct {
	rows  ir.Interval
	shift int
}

// turns cuts rows y of a node where a periodic axis ends. Ghosts in the arrays are made beyond the ends too.
func (u *unrolled) turns(nd *planeNode, y ir.Interval) (all []turnedRows) {
	if u.round == 0 {
		return []turnedRows{{rows: y}}
	}
	n := u.round
	own := ir.Interval{Lo: 0, Hi: n}
	if nd.outs[0].given {
		own = ir.Interval{Lo: nd.st.op.Dom[1].Lo, Hi: nd.st.op.Dom[1].Hi}
	}
	for shift := roundDown(y.Lo, n) - n; shift <= y.Hi; shift += n {
		if r := common(ir.Interval{Lo: y.Lo - shift, Hi: y.Hi - shift}, own); !empty(r) {
			all = append(all, turnedRows{r, shift})
		}
	}
	return all
}

// roundDown is the greatest multiple of m that is not above n.
func roundDown(n, m int) int { return n - mod(n, m) }

// run is the code of a node on a plane, or nil when there is nothing to compute.
func (s *sweep) run(st *planeOp, plane int) *planeRun {
	if s.wraps {
		plane = mod(plane, s.period)
	}
	for i := range st.runs {
		if r := &st.runs[i]; r.lo <= plane && plane < r.hi {
			return r
		}
	}
	return nil
}

// schedule gives every plane of every node its time: as soon as what it reads is there, so many planes at a time as kernels compute together.
// Nodes end their planes so that what one makes is what the next one waits for. It also finds by how much the rows of a node must lag behind
// those of the nodes it reads planes of at the same time.
func (s *sweep) schedule(u *unrolled, need map[*tensorBuf]*planes, regions [][2]ir.Interval) (entries []entry, skews []int) {
	for _, p := range need {
		n := p.x.Hi - p.x.Lo
		p.begun, p.ready, p.last = slices.Repeat([]int{never}, n), slices.Repeat([]int{never}, n), slices.Repeat([]int{never}, n)
	}
	skews = make([]int, len(u.nodes))
	for i, nd := range u.nodes {
		rx, ry := regions[i][0], regions[i][1]
		before, delay := never, s.delay(nd, need)
		line := 1
		if s.rank == 2 {
			line = vectorLine / storageBytes(nd.st.op.Results[0].Elem)
		}
		count := 1
		for p := rx.Lo; p < rx.Hi; p += count {
			count = 1
			run := s.run(nd.st, p)
			if run == nil {
				continue
			}
			if run.jam && s.together(run, p, rx.Hi) && mod(p+s.jam-1+delay, s.jam) == 0 {
				count = s.jam
			}
			var t int
			if nd.st.share {
				own := need[nd.outs[0]]
				switch i := p - own.x.Lo; {
				case nd.outs[0].given: // just before it is read
					t = roundDown(p-s.reach(), s.jam)
				case i < 0 || i >= len(own.ready):
					continue
				case own.ready[i] > never:
					t = own.ready[i]
				case i > 0 && own.ready[i-1] > never:
					t = own.ready[i-1] + s.jam
				default:
					t = never
				}
			} else {
				t = max(roundUp(p+count-1+delay, s.jam), before)
			}
			if nd.inArray() {
				if len(u.ghosts(nd, run, ry)) == 0 {
					continue
				}
			} else if nd.st.share && !slices.ContainsFunc(run.pieces, func(k int) bool { return !empty(u.rows(ry, nd.st, k)) }) {
				continue
			}
			for _, rd := range run.reads {
				if empty(u.rows(ry, nd.st, rd.piece)) {
					continue
				}
				b := need[nd.in[rd.root]]
				for k := range count {
					t = max(t, b.ready[p+k+rd.plane-b.x.Lo])
				}
			}
			if t == never {
				t = roundUp(p, s.jam)
			}
			for _, rd := range run.reads {
				if empty(u.rows(ry, nd.st, rd.piece)) {
					continue
				}
				src := need[nd.in[rd.root]]
				for k := p + rd.plane - src.x.Lo; k < p+rd.plane-src.x.Lo+count; k++ {
					src.last[k] = max(src.last[k], t)
					if src.ready[k] == t {
						lag := max(0, rd.hi)
						skews[i] = max(skews[i], src.skew+roundUp(lag, line))
					}
				}
			}
			for _, b := range nd.outs {
				q := need[b]
				for k := max(p, q.x.Lo) - q.x.Lo; k < min(p+count, q.x.Hi)-q.x.Lo; k++ {
					if q.begun[k] == never {
						q.begun[k] = t
					}
					q.ready[k], q.last[k] = t, max(q.last[k], t)
				}
			}
			before = t
			entries = append(entries, entry{t, i, p, count})
		}
		for _, b := range nd.outs {
			q := need[b]
			q.skew, q.delay = max(q.skew, skews[i]), max(q.delay, delay)
			q.user, q.free = i, max(q.free, skews[i])
		}
		for _, run := range nd.st.runs {
			for _, rd := range run.reads {
				q := need[nd.in[rd.root]]
				q.user, q.free = i, max(q.free, skews[i]+roundUp(max(0, -rd.lo), line))
			}
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return a.time - b.time })
	return entries, skews
}

// delay is by how many planes a node follows the arrays: what it reads ahead is there by then. Ghosts come with the planes they are around.
func (s *sweep) delay(nd *planeNode, need map[*tensorBuf]*planes) (n int) {
	if nd.st.share {
		return need[nd.outs[0]].delay
	}
	for i := range nd.st.runs {
		for _, rd := range nd.st.runs[i].reads {
			n = max(n, need[nd.in[rd.root]].delay+rd.plane)
		}
	}
	return n
}

// together says that the planes from p on can be computed by one call.
func (s *sweep) together(run *planeRun, p, end int) bool {
	last := p + s.jam - 1
	if last >= end {
		return false
	}
	if s.wraps {
		return mod(p, s.period)+s.jam <= s.period
	}
	return last < run.hi
}

// address is the place of row 0, column 0 of a plane, in rings of row shift: word of the thread's table and offset in bytes.
func (s *sweep) address(b *tensorBuf, p *planes, plane, shift int) int64 {
	l := (*s.layout)[b.slot]
	if b.memory >= 0 {
		if s.wraps {
			plane = mod(plane, s.period)
		}
		return word(b.memory, (l.base+plane*l.stride[0])*storageBytes(l.elem))
	}
	if p.ring == nil { // read by other rows only
		return word(ringWord, 0)
	}
	if s.rank == 3 {
		shift *= l.stride[1]
	}
	return word(ringWord, p.start+mod(plane, p.depth)*p.bytes+p.lead+shift*storageBytes(l.elem))
}

// Words of the thread's table beside those of the engine: its ring, and nothing, for numbers.
const (
	ringWord = -ownWords
	zeroWord = ringWord + 1
	ownWords = 2
)

// word packs the number of a word of the thread's table and an offset.
func word(table, offset int) int64 { return int64(offset)<<16 | int64(table+ownWords) }

// number is an argument that is no address.
func number(n int) int64 { return word(zeroWord, n) }

// emitTable writes the schedule: for every time its entries, in blocks of rows.
func (s *sweep) emitTable(tab *tileTable, u *unrolled, need map[*tensorBuf]*planes, regions [][2]ir.Interval, entries []entry, skews []int, t tiling, period int) {
	var groups []timeGroup
	var times []int
	seen := map[*tensorBuf]int{}
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].time == entries[0].time {
			n++
		}
		lo, hi := math.MaxInt, math.MinInt
		for _, e := range entries[:n] {
			y := regions[e.node][1]
			lo, hi = min(lo, y.Lo+skews[e.node]), max(hi, y.Hi+skews[e.node])
		}
		g := timeGroup{blocks: max(1, (hi-lo+t.rows/2)/t.rows), first: lo, rows: t.rows}
		next := n
		for next < len(entries) && entries[next].time == entries[n].time {
			next++
		}
		var ahead []planeFetch
		if s.fetches() {
			s.comes(u, need, entries[:n], seen)
			ahead = s.comes(u, need, entries[n:next], seen)
		}
		var fetching []int
		for _, e := range entries[:n] {
			nd, y := u.nodes[e.node], regions[e.node][1]
			parts := u.turns(nd, y)
			if nd.inArray() {
				parts = u.ghosts(nd, s.run(nd.st, e.plane), y)
			}
			for _, part := range parts {
				call, bytes := s.call(nd, need, e, part.shift, t)
				call.lo, call.hi, call.skew = int64(part.rows.Lo), int64(part.rows.Hi), int64(skews[e.node]+part.shift)
				if nd.st.op.Kind == ir.Map && (s.jam == 1 || e.count > 1) {
					fetching = append(fetching, len(g.calls))
				}
				g.calls = append(g.calls, call)
				rows := part.rows.Hi - part.rows.Lo
				tab.moved += rows * bytes
				tab.work += rows * e.count * s.run(nd.st, e.plane).work
				tab.calls += g.blocks
			}
		}
		for i, c := range fetching {
			if s.linewise() {
				g.calls[c].fetch = deal(ahead, i, len(fetching))
			} else {
				g.calls[c].fetch = s.share(ahead, i, len(fetching))
			}
		}
		for i := range g.calls {
			c := &g.calls[i]
			switch {
			case c.linewise:
				c.args = append(c.args, lineArgs(c.fetch, c.own)...)
			case s.fetches():
				c.args = append(c.args, fetchArgs(c.fetch)...)
			}
		}
		groups, times = append(groups, g), append(times, entries[0].time)
		entries = entries[n:]
	}
	// As many groups as there are in that time in the middle.
	middle := len(times) / 2
	n := 0
	for n+middle < len(times) && times[middle+n] < times[middle]+period {
		n++
	}
	tab.compress(groups, max(1, n))
}

// call is the kernel of a node for a plane with its arguments, and how many bytes it moves for every column. In rings its rows begin at row
// shift of the tile.
func (s *sweep) call(nd *planeNode, need map[*tensorBuf]*planes, e entry, shift int, t tiling) (c planeCall, bytes int) {
	plane, variant, kind := e.plane, 0, 0
	run := s.run(nd.st, plane)
	if e.count > 1 {
		variant, kind = jammed, 1
		c.linewise = s.linewise()
	}
	if t.stream && nd.st.final && nd.outs[len(nd.outs)-1].memory >= 0 {
		variant |= pastCaches
	}
	c.code, c.plane = int64(run.code[variant]), int64(plane)
	if s.wraps {
		c.plane = int64(mod(plane, s.period))
	}
	for _, a := range run.args[kind] {
		switch a.kind {
		case argResult:
			b := nd.outs[a.index]
			bytes += storageBytes((*s.layout)[b.slot].elem)
			c.args = append(c.args, s.address(b, need[b], plane+a.plane, shift))
		case argPlane:
			b := nd.in[a.name]
			l := (*s.layout)[b.slot]
			bytes += storageBytes(l.elem)
			c.args = append(c.args, s.address(b, need[b], plane+a.plane, shift))
			if c.linewise {
				c.own = planeFetch{plane: c.args[len(c.args)-1], row: int64(l.stride[1] * storageBytes(l.elem))}
			}
		case argArray:
			if s.board.has(a.name) {
				c.args = append(c.args, s.board.address(a.name, nd.step))
				continue
			}
			b := nd.in[a.name]
			c.args = append(c.args, word(b.memory, (*s.layout)[b.slot].base*storageBytes((*s.layout)[b.slot].elem)))
		case argWord:
			c.args = append(c.args, word(a.index, 0))
		}
	}
	if s.asksRows() {
		c.args = append(c.args, s.rowsArg(nd))
	}
	return c, bytes
}
