package sim

import (
	"math/bits"

	"github.com/wfc-lang/wfc/target/wse"
)

const ticks = int64(wse.TicksPerCycle)

func (s *Sim) head(f *fifo) *wavelet { return &s.ring[f.off+f.head] }

func (s *Sim) pop(f *fifo) wavelet {
	w := s.ring[f.off+f.head]
	if f.head++; f.head == f.cap {
		f.head = 0
	}
	f.n--
	return w
}

// popAt pops in cycle t and wakes the router of PE reader when another wavelet
// follows, and that of PE writer when it may have waited for the room.
func (s *Sim) popAt(f *fifo, reader, writer int32, t int64) wavelet {
	if f.n == f.cap {
		s.rnext[writer] = min(s.rnext[writer], t+1)
	}
	w := s.pop(f)
	f.popped = t
	if f.n > 0 {
		s.rnext[reader] = min(s.rnext[reader], max(t+1, s.head(f).ready))
	}
	return w
}

// room is t when the buffer had room at the start of cycle t, t+1 when it has since its oldest wavelet left in t, else never. The PE that
// fills it may ask before or after that PE has had its turn in t.
func (f *fifo) room(t int64) int64 {
	switch {
	case f.n == f.cap:
		return never
	case f.n == f.cap-1 && f.popped == t:
		return t + 1
	}
	return t
}

func (s *Sim) push(f *fifo, w wavelet) {
	i := f.head + f.n
	if i >= f.cap {
		i -= f.cap
	}
	s.ring[f.off+i] = w
	f.n++
}

// enter puts a wavelet into router buffer i in cycle t.
func (s *Sim) enter(i int32, w wavelet, t int64) {
	s.push(&s.fifos[i], w)
	sl := &s.slots[i]
	s.laden[sl.pe] |= 1 << sl.no
	if s.dyn != nil && w.command() != wse.CmdNop {
		s.around(sl.pe, t) // what is accepted behind it may be others' turn
	}
	if s.trains != nil && s.trains.asleep > 0 {
		s.near(i)
	}
}

// leave takes the oldest wavelet from router buffer i in cycle t.
func (s *Sim) leave(i int32, t int64) wavelet {
	sl, f := &s.slots[i], &s.fifos[i]
	w := s.popAt(f, sl.pe, sl.up, t)
	if f.n == 0 {
		s.laden[sl.pe] &^= 1 << sl.no
	}
	return w
}

// router lists the buffers of one PE's router and the output queue that move in cycle t, reading only the state at the start of the cycle,
// and claims their links. next is the earliest later cycle at which time alone may free another one.
//
// A router in which nothing can move is left alone until rnext: the cycle its
// next wavelet is ready or a link is free. Whatever else could set it going
// lowers rnext: a wavelet that arrives, room that appears behind it.
func (s *Sim) router(pe int, t, end int64) (next int64, err error) {
	next = never
	for m := s.laden[pe]; m != 0; m &= m - 1 {
		i := s.slotOf[pe] + int32(bits.TrailingZeros64(m))
		n := s.head(&s.fifos[i]).ready
		if n <= t {
			if n, err = s.forward(i, t, end); err != nil {
				return 0, err
			}
		}
		next = min(next, n)
	}
	if s.queued[pe] == 0 {
		return next, nil
	}
	return min(next, s.rampUp(pe, t, end)), nil
}

// forward decides whether buffer i's oldest wavelet moves.
func (s *Sim) forward(i int32, t, end int64) (next int64, err error) {
	if s.dyn != nil {
		return s.forwardDynamic(i, t, end)
	}
	sl := &s.slots[i]
	free := s.linkFree[int(sl.pe)*numPorts : int(sl.pe)*numPorts+numPorts]
	if sl.tx&(sl.tx-1) == 0 && sl.tx != 0 { // one port: nearly all
		d := bits.TrailingZeros8(sl.tx)
		to := sl.target[d]
		if to < 0 {
			return 0, s.lost(i, wse.Dir(d))
		}
		if free[d] >= end {
			return free[d] / ticks, nil
		}
		if at := s.fifos[to].room(t); at > t {
			return at, nil
		}
		s.claim(free, int(sl.pe), d, t)
		s.moves = append(s.moves, i)
		return never, nil
	}
	for m := uint(sl.tx); m != 0; m &= m - 1 {
		d := bits.TrailingZeros(m)
		if sl.target[d] < 0 {
			return 0, s.lost(i, wse.Dir(d))
		}
		if free[d] >= end {
			return free[d] / ticks, nil
		}
		if at := s.fifos[sl.target[d]].room(t); at > t {
			return at, nil
		}
	}
	for m := uint(sl.tx); m != 0; m &= m - 1 {
		s.claim(free, int(sl.pe), bits.TrailingZeros(m), t)
	}
	s.moves = append(s.moves, i)
	return never, nil
}

// claim takes a port of a PE's router for a wavelet that leaves in cycle t; free are the times of the PE's ports.
func (s *Sim) claim(free []int64, pe, d int, t int64) {
	rate := s.m.LinkTicks
	if d == int(wse.Ramp) {
		rate = s.m.RampTicks
	}
	free[d] = max(free[d], t*ticks) + int64(rate)
	s.links[pe*numPorts+d]++
}

// rampUp decides which output queue of a PE gives a wavelet to the router.
func (s *Sim) rampUp(pe int, t, end int64) (next int64) {
	next = never
	up := &s.linkFree[pe*numPorts+portUp]
	for m := s.queued[pe]; m != 0; m &= m - 1 {
		i := s.outOf[pe] + int32(bits.TrailingZeros64(m))
		w := s.head(&s.fifos[i])
		if w.ready > t {
			next = min(next, w.ready)
			continue
		}
		if *up >= end {
			return min(next, *up/ticks)
		}
		if r := &s.fifos[w.aux&auxSlot]; r.n == r.cap || s.dyn != nil && !s.takes(w.aux&auxSlot, wse.Ramp) {
			continue
		}
		*up = max(*up, t*ticks) + int64(s.m.RampTicks)
		s.links[pe*numPorts+portUp]++
		s.ups = append(s.ups, i) // the other queues wait for the ramp
	}
	return next
}

// commit carries out the decided moves of cycle t: those of one PE when it has had its turn, or of all at the end of the cycle.
func (s *Sim) commit(t int64) {
	for _, i := range s.moves {
		if s.dyn != nil {
			s.commitDynamic(i, t)
			continue
		}
		sl := &s.slots[i]
		if s.tr != nil {
			s.tr.hop(i, t)
		}
		w := s.leave(i, t)
		if s.faults != nil {
			w.val = s.flip(i, w.val)
		}
		if sl.tx&(sl.tx-1) != 0 {
			s.copied += int64(bits.OnesCount8(sl.tx)) - 1
		}
		s.deliver(sl, sl.tx, w, t)
	}
	for _, u := range s.ups {
		f := &s.fifos[u]
		pe := s.slots[s.head(f).aux&auxSlot].pe
		if f.n == f.cap || s.dyn != nil && s.flushing[pe] {
			s.ceNext[pe] = min(s.ceNext[pe], t+1) // an operation may wait for room
		}
		if s.tr != nil {
			s.tr.up(u, t)
		}
		w := s.popAt(f, pe, pe, t)
		if f.n == 0 {
			s.queued[pe] &^= 1 << (u - s.outOf[pe])
		}
		to := w.aux & auxSlot
		w.aux &= isControl | isLast
		w.ready = t + int64(max(1, s.m.RampOutCycles))
		s.enter(to, w, t)
		s.rnext[pe] = min(s.rnext[pe], w.ready)
	}
	if len(s.laters) > 0 {
		s.change(t)
	}
	for _, p := range s.pending {
		switch p.kind {
		case wse.DoneActivate:
			s.active[p.pe] |= 1 << p.task
		case wse.DoneUnblock:
			s.blocked[p.pe] &^= 1 << p.task
		}
		s.ceNext[p.pe] = min(s.ceNext[p.pe], t+1)
	}
	s.moves, s.ups, s.pending = s.moves[:0], s.ups[:0], s.pending[:0]
}

// deliver puts a wavelet that leaves in cycle t behind the ports tx.
func (s *Sim) deliver(sl *slot, tx uint8, w wavelet, t int64) {
	for m := uint(tx); m != 0; m &= m - 1 {
		d := bits.TrailingZeros(m)
		to := sl.target[d]
		if d == int(wse.Ramp) {
			w.ready = t + int64(max(1, s.m.RampInCycles))
			s.push(&s.fifos[to], w)
			s.ceNext[sl.pe] = min(s.ceNext[sl.pe], w.ready)
			continue
		}
		w.ready = t + int64(max(1, s.m.HopCycles))
		s.enter(to, w, t)
		n := s.slots[to].pe
		s.rnext[n] = min(s.rnext[n], w.ready)
	}
}

// flip applies the injected faults of a router buffer to the wavelet it sends.
func (s *Sim) flip(i int32, v uint32) uint32 {
	for _, k := range s.faults[i] {
		if s.opt.Faults[k].N == s.faultSeen[i] {
			v ^= 1 << s.opt.Faults[k].Bit
		}
	}
	s.faultSeen[i]++
	return v
}
