package cpu

import (
	"math"
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
		if s.wholePages((*s.layout)[r.slot]) {
			r.start += mod(s.besideArrays(u, need, r)-bytes-r.lead, smallPage)
		}
		bytes = r.start + r.depth*r.bytes
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
	if s.wholePages(l) {
		r.bytes = roundUp(r.bytes, smallPage)
	}
}

// wholePages says that all planes of a layout begin at the same place of a page, and that rings should be like it. Waves of order 4, whose stencils are
// wide, showed no clear gain.
func (s *sweep) wholePages(l *layout) bool {
	return s.linewise() && l.stride[0]*storageBytes(l.elem)%smallPage == 0
}

// besideArrays is the place in a page where row 0, column 0 of the planes of a ring is farthest from where kernels that read them store to
// arrays. A load waits for earlier stores to the same place of another page, and those that go to the memory take long to end: a kernel may be five
// times as slow.
func (s *sweep) besideArrays(u *unrolled, need map[*tensorBuf]*planes, r *ring) int {
	const before = 2 // lines behind what a kernel stores, the worst place for what it loads: between the last store and the first still under way
	l := (*s.layout)[r.slot]
	size := storageBytes(l.elem)
	var stores []int // less the rows that are loaded with them; buffers change places after passes
	for _, nd := range u.nodes {
		if !slices.ContainsFunc(nd.outs, func(b *tensorBuf) bool { return b.memory >= 0 }) {
			continue
		}
		for _, run := range nd.st.runs {
			for _, rd := range run.reads {
				if need[nd.in[rd.root]].ring != r {
					continue
				}
				for row := rd.lo; row <= rd.hi; row++ {
					for i := range s.arrays {
						if a := (*s.layout)[i]; s.set(s.arrays[i].name) && s.wholePages(a) {
							for _, slot := range []int{i, s.spare[i]} {
								stores = append(stores, (pageOffset(slot)+(a.base-row*l.stride[1])*size)/lineBytes)
							}
						}
					}
				}
			}
		}
	}
	best, least := 0, math.Inf(1)
	for at := range pageLines {
		cost := 0.0
		for _, x := range stores {
			d := mod(at-x+before+pageLines/2, pageLines) - pageLines/2
			cost += 1 / float64(1+d*d)
		}
		if cost < least {
			best, least = at, cost
		}
	}
	return best * lineBytes
}
