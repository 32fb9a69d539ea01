package cpu

import (
	"math"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// What a core needs, for the choice of tilings only: what counts is their ratio. Measured with heat of second order and waves of order 4 and 8 on
// 256^3 points (BenchmarkHeat3, BenchmarkOrders), rows in the second cache, memory read and written by all cores.
const (
	memoryRate = 13.5   // bytes per nanosecond
	nodeTime   = 0.0135 // nanoseconds per point of 4 bytes, for a node of an operation: a load, a store or a calculation
	callTime   = 30     // nanoseconds of a call of a kernel
	hidden     = 0.75   // part of the shorter of the two, memory's time and the kernels', that goes by during the other where kernels ask for rows
	gain       = 0.75   // of the time of one step, at which several pay there: their planes come from the second cache, the next rows of which nobody asks for
)

// choose returns the tiling with the least estimated time for at most most steps at a time.
func (s *sweep) choose(most, threads int, c native.Caches) tiling {
	if s.force != nil {
		t := *s.force
		for t.steps = min(t.steps, most); s.unroll(t.steps, false) == nil; {
			t.steps--
		}
		return t
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
	best, cost := tiling{}, 0.0
	for _, n := range []int{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32} {
		if n > most || n > 1 && n*s.reach()*8 > s.depth.Hi-s.depth.Lo {
			break
		}
		u := s.unroll(n, false)
		if u == nil {
			break
		}
		for tiles, last := 1, math.Inf(1); ; tiles += 1 + tiles/4 {
			t := s.cut(n, tiles, threads)
			if t.tile == 0 {
				break
			}
			if tiles == 2 {
				u = s.unroll(n, true)
			}
			t = finish(t)
			if e, ok := s.estimate(u, t, c); ok {
				if e > last*0.95 { // narrower ones compute more twice, most at the ends of the axis
					break
				}
				last = e
				if s.asksRows() && best.steps == 1 && n > 1 {
					e /= gain
				}
				if best.steps == 0 || e < cost {
					best, cost = t, last
				}
			}
		}
	}
	if best.steps == 0 { // nothing fits a cache
		best = finish(s.cut(1, 1, threads))
	}
	return best
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
					if a.piece == b.piece && a.name == b.name && d < s.depth.Hi-s.depth.Lo-1 && (root == "" || st.root[a.name] == root) {
						n = max(n, d+1)
					}
				}
			}
		}
	}
	return n
}

// estimate is the time of one step per point of the arrays, in nanoseconds. It is not ok when the rings do not fit
// the second cache beside what passes through it: when they take much of it they lose lines.
func (s *sweep) estimate(u *unrolled, t tiling, c native.Caches) (ns float64, ok bool) {
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
	if arrays > most || tab.ring+arrays > c.Second*9/16 {
		return 0, false
	}
	own := float64((y.Hi - y.Lo) * planes)
	memory, row := 0.0, 1
	for _, b := range u.bufs {
		l := (*s.layout)[b.slot]
		if len(l.stride) < s.rank {
			continue // small, and read by every row
		}
		if s.rank == 3 {
			row = l.stride[1]
		}
		if size := float64(storageBytes(l.elem)); b.given && b.readers > 0 {
			memory += size * float64(tab.rows[b]) / float64(y.Hi-y.Lo)
		} else if b.memory >= 0 && !b.given {
			memory += size
			if !t.stream {
				memory += size
			}
		}
	}
	// Planes at the ends of the stream are computed by neighbours too; the table has them for a cut of planes.
	edge := float64(planes) / float64(planes+s.reach()*(u.steps-1))
	kernels := float64(tab.work)*nodeTime + float64(tab.calls)*callTime/float64(row)
	memory, kernels = memory/memoryRate, kernels/own*edge
	ns = memory + kernels
	if s.asksRows() {
		ns -= hidden * min(memory, kernels)
	}
	return ns / float64(u.steps), true
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
	case s.rank == 2:
		s.jam = 4
	case s.reach() >= 3 && size <= 4: // rows beside those of four fill the first cache
		s.jam = 3
	case s.reach() >= 2:
		s.jam = 2
	case size <= 4 && s.streams(4) <= mostStreams:
		s.jam = 4
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
			r.jam = st.op.Kind == ir.Map && r.hi-r.lo >= s.jam && nodes <= mostJammed && operandsOf(st.op, r.pieces, s.jam) <= mostArgs
		}
	}
}

// streams is how many planes an operation reads and writes at most when it computes so many.
func (s *sweep) streams(planes int) (most int) {
	for _, st := range s.stages {
		for _, r := range st.runs {
			seen := map[planeArg]bool{}
			for _, rd := range r.reads {
				for k := range planes {
					seen[planeArg{name: rd.name, plane: rd.plane + k}] = true
				}
			}
			if st.op.Kind == ir.Map {
				most = max(most, len(seen)+planes*len(st.slots))
			}
		}
	}
	return most
}
