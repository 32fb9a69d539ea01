package sim

import (
	"math/bits"
	"sync/atomic"

	"github.com/wfc-lang/wfc/target/wse"
)

// streams are the values under way while laps are carried out without the rules. The wavelets of a color come from one ramp and keep their
// order on the way to all its sinks, so a ring per source, read by each sink at its own place, takes the place of buffers and queues. On colors
// that turn, sources have rings too, and none is under way when a lap begins.
type streams struct {
	roots []int32 // router buffers that are filled from a ramp
	turns []int32 // those of colors that turn
	of    []int32 // per input queue: the root it is fed from, or -1

	// By router buffer, used for roots.
	ring []uint32
	base []int
	mask []uint32
	sent []uint32 // numbers of the next wavelets

	taken []uint32 // per input queue: the number of the next
}

func (s *Sim) newStreams() *streams {
	st := &streams{of: make([]int32, len(s.inPE)), base: make([]int, len(s.slots)), mask: make([]uint32, len(s.slots)),
		sent: make([]uint32, len(s.slots)), taken: make([]uint32, len(s.inPE))}
	for i := range st.of {
		st.of[i] = -1
	}
	if s.laps.turns != nil {
		st.turns = s.laps.turns.roots
	}
	for i := range s.slots {
		if s.slots[i].rx == wse.Ramp && !s.laps.turns.has(s, int32(i)) {
			st.roots = append(st.roots, int32(i))
			s.down(int32(i), 0, func(*fifo, uint32) {}, func(in int32, _ uint32) { st.of[in] = int32(i) })
		}
	}
	return st
}

// down follows the route from a root to its sinks. buffer is called for each router buffer and input queue with the number of the
// first wavelet in it, sink for each input queue too.
func (s *Sim) down(root int32, sent uint32, buffer func(f *fifo, first uint32), sink func(in int32, first uint32)) {
	type step struct {
		slot int32
		next uint32 // number of the wavelet behind the last in the buffer
	}
	for open := []step{{root, sent}}; len(open) > 0; {
		x := open[len(open)-1]
		open = open[:len(open)-1]
		f := &s.fifos[x.slot]
		first := x.next - uint32(f.n)
		buffer(f, first)
		sl := &s.slots[x.slot]
		for m := sl.tx; m != 0; m &= m - 1 {
			d := bits.TrailingZeros8(m)
			to := sl.target[d]
			switch {
			case to < 0:
			case d == int(wse.Ramp):
				q := &s.fifos[to]
				buffer(q, first-uint32(q.n))
				sink(to-s.inOf[0], first-uint32(q.n))
			default:
				open = append(open, step{to, first})
			}
		}
	}
}

// flight calls f for all wavelets of a root that are under way, with their numbers when sent is that of the next.
func (s *Sim) flight(root int32, sent uint32, f func(w *wavelet, number uint32), sink func(in int32, first uint32)) {
	pe := s.slots[root].pe
	queued := func(f func(w *wavelet, k uint32)) (n uint32) {
		if s.class[pe] < 0 {
			return 0
		}
		for i := s.outOf[pe]; i < s.outOf[pe+1]; i++ {
			q := &s.fifos[i]
			for j, at := int32(0), q.head; j < q.n; j++ {
				if w := &s.ring[q.off+at]; w.aux&auxSlot == root {
					f(w, n)
					n++
				}
				if at++; at == q.cap {
					at = 0
				}
			}
		}
		return n
	}
	n := queued(func(*wavelet, uint32) {})
	queued(func(w *wavelet, k uint32) { f(w, sent-n+k) })
	s.down(root, sent-n, func(b *fifo, first uint32) {
		for j, at := int32(0), b.head; j < b.n; j++ {
			f(&s.ring[b.off+at], first+uint32(j))
			if at++; at == b.cap {
				at = 0
			}
		}
	}, sink)
}

// fill puts what is under way into the rings, which hold what a lap sends besides; perLap is by router buffer.
func (st *streams) fill(s *Sim, perLap []uint32) {
	total := 0
	for _, i := range st.roots {
		st.sent[i] = 0
		most := uint32(0)
		s.flight(i, 0, func(_ *wavelet, k uint32) { most = max(most, -k) }, func(in int32, first uint32) { st.taken[in] = first })
		n := uint32(1) << bits.Len32(most+perLap[i])
		st.base[i], st.mask[i] = total, n-1
		total += int(n)
	}
	for _, i := range st.turns {
		st.sent[i] = 0
		n := uint32(1) << bits.Len32(perLap[i])
		st.base[i], st.mask[i] = total, n-1
		total += int(n)
	}
	if cap(st.ring) < total {
		st.ring = make([]uint32, total)
	}
	st.ring = st.ring[:total]
	for _, i := range st.roots {
		s.flight(i, 0, func(w *wavelet, k uint32) { *st.at(i, k) = w.val }, func(int32, uint32) {})
	}
}

// empty gives the wavelets under way their values, after laps at whose end they stand where they stood.
func (st *streams) empty(s *Sim) {
	for _, i := range st.roots {
		s.flight(i, st.sent[i], func(w *wavelet, k uint32) { w.val = *st.at(i, k) }, func(int32, uint32) {})
	}
}

// seen is how many wavelets a root has sent.
func (st *streams) seen(root int32) uint32 { return atomic.LoadUint32(&st.sent[root]) }

// at is the place of wavelet k of a root.
func (st *streams) at(root int32, k uint32) *uint32 {
	return &st.ring[st.base[root]+int(k&st.mask[root])]
}
