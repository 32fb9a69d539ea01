package sim

import (
	"math/bits"
	"slices"
)

// signature appends all that decides what a PE does from cycle t on, but for values and for what only counts down: times are relative to t,
// and those that have passed count as now.
func (s *Sim) signature(pe int32, t int64, to []int64) []int64 {
	rel := func(at int64) int64 { return max(0, at-t) }
	wavelets := func(i int32) {
		f := &s.fifos[i]
		to = append(to, int64(f.n))
		for k, at := int32(0), f.head; k < f.n; k++ {
			w := &s.ring[f.off+at]
			to = append(to, rel(w.ready)<<32|int64(w.aux))
			if at++; at == f.cap {
				at = 0
			}
		}
	}
	to = append(to, int64(s.laden[pe]), int64(s.queued[pe]), int64(s.running[pe]))
	for m := s.laden[pe]; m != 0; m &= m - 1 {
		wavelets(s.slotOf[pe] + int32(bits.TrailingZeros64(m)))
	}
	for _, free := range s.linkFree[pe*numPorts : (pe+1)*numPorts] {
		to = append(to, max(0, free-t*ticks))
	}
	if s.class[pe] < 0 {
		return to
	}
	to = append(to, int64(s.pc[pe]), int64(s.curTask[pe]), int64(s.active[pe]), int64(s.blocked[pe]), int64(s.shut[pe]), s.mainReady[pe], s.debt[pe])
	for i := s.inOf[pe]; i < s.inOf[pe+1]; i++ {
		wavelets(i)
	}
	for m := s.queued[pe]; m != 0; m &= m - 1 {
		wavelets(s.outOf[pe] + int32(bits.TrailingZeros64(m)))
	}
	for _, i := range s.inProgress(pe) {
		th := &s.threads[i]
		odd := int64(th.done % 2) // two elements share a wavelet
		if th.tail {
			odd += 2
		}
		next := th.next - t*ticks
		if s.m.StealTicks == 0 { // else what has passed is added to
			next = max(0, next)
		}
		to = append(to, int64(i), int64(th.line), th.start, int64(th.wait)<<2|odd, next)
	}
	for _, f := range s.memFifos[s.fifoOf[pe]:s.fifoOf[pe+1]] {
		to = append(to, int64(f.n))
	}
	return to
}

// inProgress lists the operations in progress of a PE, as indices of threads.
func (s *Sim) inProgress(pe int32) []int32 {
	list := s.trains.threads[:0]
	if s.class[pe] >= 0 {
		for m := s.running[pe]; m != 0; m &= m - 1 {
			list = append(list, s.thrOf[pe]+int32(bits.TrailingZeros64(m)))
		}
		if i := s.thrOf[pe+1] - 1; s.threads[i].d != nil {
			list = append(list, i)
		}
	}
	s.trains.threads = list
	return list
}

// count appends what grows by the same amount in every period; since either stays or moves with the period.
func (s *Sim) count(pe int32, to []int64) []int64 {
	for _, n := range s.links[pe*numPorts : (pe+1)*numPorts] {
		to = append(to, int64(n))
	}
	to = append(to, s.trains.stalls[pe][0], s.trains.stalls[pe][1])
	for _, i := range s.inProgress(pe) {
		th := &s.threads[i]
		since := int64(0)
		if th.wait != waitNone {
			since = th.since
		}
		to = append(to, int64(th.done), since)
	}
	return to
}

// Places in what count gives.
const (
	countStalls  = numPorts
	countThreads = numPorts + 2
)

// remember keeps the state of a region in cycle t.
func (s *Sim) remember(r *region, t int64) {
	r.ref, r.sign, r.signAt, r.counts = t, r.sign[:0], r.signAt[:0], r.counts[:0]
	longest := 0
	for i, pe := range r.pes {
		r.signAt = append(r.signAt, int32(len(r.sign)))
		r.sign = s.signature(pe, t, r.sign)
		r.counts = s.count(pe, r.counts)
		if n := len(r.sign) - int(r.signAt[i]); n > longest {
			longest, r.pilot = n, i
		}
	}
	r.signAt = append(r.signAt, int32(len(r.sign)))
	r.passed = s.passedEdges(r)
	s.trains.spend(2 * len(r.pes))
}

func (s *Sim) passedEdges(r *region) (n uint64) {
	for _, e := range r.edges {
		n += uint64(s.links[e])
	}
	return n
}

// repeats reports whether a region stands in cycle t as it did in cycle ref, and nothing crossed its border in between. Then counts is what
// grows in a period.
func (s *Sim) repeats(r *region, t int64) bool {
	same := func(i int) bool {
		pe, ref := r.pes[i], r.sign[r.signAt[i]:r.signAt[i+1]]
		if int64(s.laden[pe]) != ref[0] || int64(s.queued[pe]) != ref[1] || int64(s.running[pe]) != ref[2] {
			return false
		}
		s.trains.buf = s.signature(pe, t, s.trains.buf[:0])
		return slices.Equal(s.trains.buf, ref)
	}
	if !same(r.pilot) {
		return false
	}
	for i := range r.pes {
		if !same(i) {
			return false
		}
	}
	if s.passedEdges(r) != r.passed {
		return false
	}
	now := s.trains.buf[:0]
	for _, pe := range r.pes {
		at := len(now)
		now = s.count(pe, now)
		for i := at + countThreads + 1; i < len(now); i += 2 {
			if d := now[i] - r.counts[i]; d != 0 && d != t-r.ref {
				return false
			}
		}
	}
	s.trains.buf = now
	for i := range now {
		r.counts[i] = now[i] - r.counts[i]
	}
	return true
}

// ahead is the number of whole periods for which nothing ends in a region: no operation comes to its last two elements, which may
// behave differently from the others, and no CE becomes free.
func (s *Sim) ahead(r *region) int64 {
	n := int64(longest)
	c := 0
	for _, pe := range r.pes {
		c += countThreads
		for _, i := range s.inProgress(pe) {
			if per := r.counts[c]; per > 0 {
				n = min(n, (int64(s.threads[i].d.n-2-s.threads[i].done))/per)
			}
			c += 2
		}
		if s.class[pe] >= 0 && s.mainReady[pe] >= r.from {
			n = min(n, (s.mainReady[pe]-r.from)/r.period)
		}
	}
	if n == longest {
		return 0 // nothing moves
	}
	return n
}
