package cpu

import (
	"cmp"
	"math"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// What a core needs, for the choice of tilings only: what counts is their ratio. Measured with heat of second order and waves of order 4 and 8 on
// 256^3 points (BenchmarkHeat3, BenchmarkOrders), rows in the second cache, memory read and written by all cores.
const (
	memoryRate = 13.5   // bytes per nanosecond
	nodeTime   = 0.0135 // nanoseconds per point of 4 bytes, for a node of an operation: a load, a store or a calculation
	callTime   = 30     // nanoseconds of a call of a kernel
	lastRate   = 80.0   // bytes per nanosecond between the last cache and a second one of 1 MiB; where that is larger, the last is farther away
	hidden     = 0.75   // part of the shorter of the two, memory's time and the kernels', that goes by during the other where kernels ask for rows
	doubt      = 1.6    // times as long as the best a tiling may take by the model and be faster yet: other computers have other caches and memory
)

// candidates are the tilings for at most most steps at a time that may be the fastest, the likeliest first: the one with the least estimated time, those
// with the least of fewer and of more steps, unless they are far off, and that of a single one, to compare with.
func (s *sweep) candidates(most, threads int, c native.Caches) []tiling {
	if s.force != nil {
		t := *s.force
		for t.steps = min(t.steps, most); s.unroll(t.steps, false) == nil; {
			t.steps--
		}
		return []tiling{t}
	}
	arrays := 0
	for i, a := range s.arrays {
		if s.set(a.name) {
			arrays += 2 * (*s.layout)[i].bytes()
		}
	}
	finish := func(t tiling) tiling {
		t.rows = s.blockRows(c)
		if s.linewise() { // planes that are read together fill the first cache by themselves
			t.rows = s.width.Hi - s.width.Lo
		}
		// The pass after one of a single step comes soon enough to find in the last cache what it left there.
		t.stream = arrays > c.Last/4 && (t.steps > 1 || arrays > c.Last/4*3)
		return t
	}
	type candidate struct {
		tiling
		ns float64
	}
	var all []candidate // by number of steps
	for _, n := range passLengths(most) {
		if n > 1 && n*s.reach()*8 > s.depth.Hi-s.depth.Lo {
			break
		}
		u := s.unroll(n, false)
		if u == nil {
			break
		}
		last, best := estimate{ns: math.Inf(1)}, candidate{ns: math.Inf(1)}
		for tiles := 1; ; {
			t := s.cut(n, tiles, threads)
			if t.tile == 0 {
				break
			}
			if tiles > 1 && u.round != s.round {
				u = s.unroll(n, true)
			}
			t = finish(t)
			e := s.estimate(u, t, threads, c)
			// Narrower tiles compute more twice, most at the ends of the axis.
			worse := e.stay == nowhere || e.stay == last.stay && e.ns > last.ns*0.95
			if worse && e.stay == inSecond {
				break
			}
			next := tiles + 1 + tiles/4
			if worse { // the widest that fit
				next = max(tiles+1, int(float64(tiles)*e.over))
			} else {
				last = e
				if e.ns < best.ns {
					best = candidate{t, e.ns}
				}
			}
			tiles = next
		}
		if best.steps > 0 {
			all = append(all, best)
		}
	}
	if len(all) == 0 { // nothing fits a cache
		return []tiling{finish(s.cut(1, 1, threads))}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.ns, b.ns) })
	first := all[0]
	var out []tiling
	seen := map[int]bool{} // fewer steps, as many, more
	for _, x := range all {
		side := cmp.Compare(x.steps, first.steps)
		if x.steps == 1 || x.ns <= first.ns*doubt && !seen[side] {
			out = append(out, x.tiling)
			seen[side] = seen[side] || x.steps > 1
		}
	}
	return out
}

// passLengths are the numbers of steps that passes of at most most may have: few, and most itself, which leaves none over.
func passLengths(most int) []int {
	all := []int{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, mostSteps}
	k, found := slices.BinarySearch(all, most)
	if !found {
		return append(all[:k], most)
	}
	return all[:k+1]
}

// cut is a tiling with so many tiles, or none when they would be too narrow.
func (s *sweep) cut(steps, tiles, threads int) (t tiling) {
	width, unit := s.width.Hi-s.width.Lo, 1
	if s.rank == 2 {
		unit = vectorLine
	}
	t.steps = steps
	t.tile = (width + tiles - 1) / tiles
	t.tile = (t.tile + unit - 1) / unit * unit
	if tiles > 1 && (s.single || t.tile < max(4*unit, 2*steps)) {
		return tiling{}
	}
	t.chunks = 1
	if n := (width + t.tile - 1) / t.tile; threads > 1 && n%threads != 0 && n < 8*threads {
		t.chunks = threads
	}
	return t
}

// blockRows is how many rows of a plane the operations compute in turn: few enough for the first cache.
func (s *sweep) blockRows(c native.Caches) int {
	row, size := 1, 1
	for i, a := range s.arrays {
		if s.set(a.name) {
			l := (*s.layout)[i]
			size = max(size, storageBytes(l.elem))
			if s.rank == 3 {
				row = max(row, l.stride[1])
			}
		}
	}
	n := c.First / 3 / (row * size)
	if s.rank == 2 {
		return max(n/vectorLine, 1) * vectorLine
	}
	return max(n, 4)
}

// reach is how many planes away a step reads at most.
func (s *sweep) reach() int {
	n := 1
	for _, st := range s.stages {
		for _, r := range st.runs {
			for _, rd := range r.reads {
				if rd.plane < s.depth.Hi-s.depth.Lo-1 {
					n = max(n, rd.plane, -rd.plane)
				}
			}
		}
	}
	return n
}

// span is how many planes lie between the first and the last of a value that a result is made of, both included, at most: of the value that is
// or lies in the storage of root; of any, if that is empty.
func (s *sweep) span(root string) int {
	n := 1
	for _, st := range s.stages {
		for _, r := range st.runs {
			for _, a := range r.reads {
				for _, b := range r.reads {
					d := b.plane - a.plane
					if a.piece == b.piece && a.root == b.root && d < s.depth.Hi-s.depth.Lo-1 && (root == "" || a.root == root) {
						n = max(n, d+1)
					}
				}
			}
		}
	}
	return n
}

// The cache in which planes stay that a pass reads again.
type home int

const (
	nowhere home = iota
	inSecond
	inLast
)

// estimate is what a tiling costs.
type estimate struct {
	ns   float64 // of one step per point of the arrays
	stay home
	over float64 // how many times what stays is larger than the next smaller cache
}

// estimate finds the cost of a tiling. Planes that are read again stay in the second cache if the rings fit it beside what passes through it (when
// they take much of it they lose lines), or in a core's share of the last, of which what passes through takes most.
func (s *sweep) estimate(u *unrolled, t tiling, threads int, c native.Caches) (e estimate) {
	const planes = 16
	x := ir.Interval{Lo: s.depth.Lo + (s.depth.Hi-s.depth.Lo)/2, Hi: s.depth.Lo + (s.depth.Hi-s.depth.Lo)/2 + planes}
	mid := s.width.Lo + (s.width.Hi-s.width.Lo)/t.tile/2*t.tile
	y := common(ir.Interval{Lo: mid, Hi: mid + t.tile}, s.width)
	tab := s.tile(u, x, y, t)
	// Planes of the arrays stay from when they are fetched until they are read last.
	arrays := 0
	for _, b := range u.bufs {
		if l := (*s.layout)[b.slot]; b.given && b.readers > 0 && len(l.stride) == s.rank {
			row := 1
			if s.rank == 3 {
				row = l.stride[1]
			}
			planes := s.span(s.arrays[b.memory].name) + 1
			if s.linewise() { // read together, and asked for together; the first is done with when the last is asked for
				planes += 2*s.jam - 3
			}
			arrays += planes * t.tile * row * storageBytes(l.elem)
		}
	}
	most := c.Second / 4
	if tab.ring == 0 && (s.linewise() || s.asksRows() && t.stream) { // nothing to lose
		most = c.Second / 2
	}
	near, far := c.Second*9/16, c.Last/threads/4
	size := tab.ring + arrays
	switch {
	case size <= near && arrays <= most:
		e.stay = inSecond
	case size <= far:
		e.stay, e.over = inLast, float64(size)/float64(near)
	default:
		e.over = float64(size) / float64(max(near, far))
		return e
	}
	own := float64((y.Hi - y.Lo) * planes)
	memory, moved, row := 0.0, 0.0, 1 // bytes per column, of the memory and between the last cache and the second
	again := float64(s.span("")-1) / float64(s.jam)
	for _, b := range u.bufs {
		l := (*s.layout)[b.slot]
		if len(l.stride) < s.rank {
			continue // small, and read by every row
		}
		if s.rank == 3 {
			row = l.stride[1]
		}
		switch size := float64(storageBytes(l.elem)); {
		case b.memory < 0: // fetched and written back; some planes are read another time
			moved += size * (2 + again)
		case b.given && b.readers > 0:
			memory += size * float64(tab.rows[b]) / float64(y.Hi-y.Lo)
			moved += size * again
		case !b.given:
			memory += size
			if !t.stream {
				memory += size
			}
		}
	}
	// Planes at the ends of the stream are computed by neighbours too; the table has them for a cut of planes.
	twice := s.reach() * (u.steps - 1)
	edge := float64(planes) / float64(planes+twice) * (1 + float64(twice*(t.chunks-1))/float64(s.depth.Hi-s.depth.Lo))
	kernels := float64(tab.work)*nodeTime + float64(tab.calls)*callTime/float64(row)
	memory, kernels = memory/memoryRate, kernels/own*edge
	e.ns = memory + kernels
	if s.asksRows() {
		e.ns -= hidden * min(memory, kernels)
	}
	if e.stay == inLast {
		e.ns += moved / lastRate * float64(c.Second) / (1 << 20)
	}
	e.ns /= float64(u.steps)
	return e
}

// mostJammed is the size of an operation, in nodes, above which kernels compute single planes: it is bound by its arithmetic, and takes long
// to compile.
const mostJammed = 256

// mostStreams is how many planes an operation that also reads rows beside a row may follow at once for kernels of four planes to pay.
const mostStreams = 12

// choosePlanes chooses how many planes kernels compute together, and which ones do. Neighbouring planes are then read once for several
// results, at the cost of some more planes in the rings. This pays where a result is made of three planes of a value (of the staggered
// flows' two it does not). In three dimensions, where rows beside a row are read too, four planes are more streams of data than a core follows, unless
// there are few, as in heat; and numbers are short (BenchmarkHeat2, BenchmarkHeat3, BenchmarkOrders).
func (s *sweep) choosePlanes() {
	s.jam = 1
	size := 0
	for _, a := range s.arrays {
		if s.set(a.name) {
			size = max(size, storageBytes(a.elem))
		}
	}
	switch {
	case s.span("") < 3:
		return
	case s.rank == 2: // as many as their results leave registers for
		s.jam = max(1, min(4, vectorRegisters()/4/s.results()))
	case s.reach() >= 3 && size <= 4 && vectorRegisters() >= 32: // rows beside those of four fill the first cache
		s.jam = 3
	case s.reach() >= 2:
		s.jam = 2
	case size <= 4 && s.streams(4) <= mostStreams:
		s.jam = min(vectorRegisters()/8, 4) // what planes have in common stays in registers
	default:
		return
	}
	for _, st := range s.stages {
		for i := range st.runs {
			r := &st.runs[i]
			nodes := 0
			for _, k := range r.pieces {
				nodes = max(nodes, len(st.op.Pieces[k].Body.Nodes))
			}
			r.jam = st.op.Kind == ir.Map && r.hi-r.lo >= s.jam && nodes <= mostJammed && st.operands(r.pieces, s.jam) <= mostArgs
		}
	}
}

// results is how many values an operation computes at most.
func (s *sweep) results() (most int) {
	for _, st := range s.stages {
		most = max(most, len(st.slots))
	}
	return max(most, 1)
}

// streams is how many planes an operation reads and writes at most when it computes so many.
func (s *sweep) streams(planes int) (most int) {
	for _, st := range s.stages {
		for _, r := range st.runs {
			seen := map[planeArg]bool{}
			for _, rd := range r.reads {
				for k := range planes {
					seen[planeArg{name: rd.root, plane: rd.plane + k}] = true
				}
			}
			if st.op.Kind == ir.Map {
				most = max(most, len(seen)+planes*len(st.slots))
			}
		}
	}
	return most
}
