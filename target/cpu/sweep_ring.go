package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// A ring is memory of a thread for planes of values that are read no more when others of the same layout are written: plane p of the value two
// steps on takes the place of plane p, which the operation just before was the last to read, so the first cache still has it. Two rings thus
// serve any number of steps of a stencil, with as many planes as the last step lags behind the first (time skewing in two grids: Wonnacott,
// Achieving scalable locality with time skewing, IJPP 2002).
type ring struct {
	depth int // planes
	bytes int // of a plane
	start int // in the memory of the thread
	lead  int // bytes before row 0, column 0

	slot        int // layout of its rows
	x, y        ir.Interval
	begun, last []int // by plane, from x.Lo: when its first value is begun, when its last one is read last
	user, free  int   // as of [planes]
}

// rings gives every value that is not in an array a ring. It returns the bytes they take and after how many planes their places come again.
func (s *sweep) rings(u *unrolled, need map[*tensorBuf]*planes, skews []int) (bytes, period int) {
	writers := map[*tensorBuf]int{}
	for i, nd := range u.nodes {
		for _, b := range nd.outs {
			if _, ok := writers[b]; !ok {
				writers[b] = i
			}
		}
	}
	var all []*ring
	for _, b := range u.bufs {
		p := need[b]
		if b.memory >= 0 || empty(p.x) || empty(p.y) {
			continue
		}
		w := writers[b]
		k := slices.IndexFunc(all, func(r *ring) bool {
			return (*s.layout)[r.slot].same((*s.layout)[b.slot]) && r.done(p, w, skews[w])
		})
		if k < 0 {
			k = len(all)
			all = append(all, &ring{slot: b.slot})
		}
		all[k].take(p)
	}
	most := 0
	period = s.jam
	for _, r := range all {
		r.size()
		most = max(most, r.depth)
		if period <= mostPeriod {
			period *= r.depth / gcd(period, r.depth)
		}
	}
	if period > mostPeriod { // places that come again together
		period = roundUp(most, s.jam)
		for _, r := range all {
			for period%r.depth != 0 {
				r.depth++
			}
		}
	}
	for _, r := range all {
		s.place(r)
		r.start = bytes
		bytes += r.depth * r.bytes
	}
	return bytes, period
}

// done says that every plane in a ring is read no more when the same plane of a value is begun, by node w and so far behind the blocks.
func (r *ring) done(p *planes, w, skew int) bool {
	both := common(r.x, p.x)
	for k := both.Lo; k < both.Hi; k++ {
		t, last := p.begun[k-p.x.Lo], r.last[k-r.x.Lo]
		if t != never && last >= t && (last > t || r.user >= w || r.free > skew) {
			return false
		}
	}
	return true
}

// take lets planes of a value follow those in a ring.
func (r *ring) take(p *planes) {
	x := hull(r.x, p.x)
	begun, last := slices.Repeat([]int{never}, x.Hi-x.Lo), slices.Repeat([]int{never}, x.Hi-x.Lo)
	copy(begun[max(r.x.Lo-x.Lo, 0):], r.begun)
	copy(last[max(r.x.Lo-x.Lo, 0):], r.last)
	for k, t := range p.begun {
		if i := k + p.x.Lo - x.Lo; t != never {
			if begun[i] == never {
				begun[i] = t
			}
			last[i] = p.last[k]
		}
	}
	r.x, r.y, r.begun, r.last = x, hull(r.y, p.y), begun, last
	r.user, r.free = max(r.user, p.user), max(r.free, p.free)
	p.ring = r
}

// size finds how many planes there must be: a plane may take the place of one that is read no more.
func (r *ring) size() {
	for r.depth = 1; ; r.depth++ {
		ok := true
		for k := r.depth; k < len(r.begun) && ok; k++ {
			ok = r.begun[k] == never || r.last[k-r.depth] < r.begun[k]
		}
		if ok {
			return
		}
	}
}

// place lays out a plane of a ring.
func (s *sweep) place(r *ring) {
	l := (*s.layout)[r.slot]
	size := storageBytes(l.elem)
	line := lineBytes / size
	first, row := r.y.Lo, 1
	edge := 0
	if s.rank == 2 {
		first = roundDown(first, line)
	} else {
		row = l.stride[1]
		edge = roundUp(-l.box[2].Lo, line) // columns below 0
	}
	// Vectors may begin a line before the first column and end a line behind the last.
	r.lead = (edge-first*row)*size + 2*lineBytes
	r.bytes = roundUp(((r.y.Hi-first)*row+edge)*size, lineBytes) + 4*lineBytes
}
