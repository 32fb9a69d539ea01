package fast

import (
	"math"
	"math/bits"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

const (
	never = math.MaxInt64
	ticks = int64(wse.TicksPerCycle)
	up    = int(wse.Ramp) + 1 // the port from the CE to the router
)

// step runs one cycle: routers decide on the state the last cycle left, CEs act, moves are carried out. The rules are those of the
// plain engine (see the comment of package sim), carried out per group. acted is false when nothing happened; next is then the first
// cycle in which something can.
func (s *Sim) step() (next int64, acted bool, err error) {
	t := s.cycle
	next = never
	s.movers, s.waiters = s.movers[:0], s.waiters[:0]
	if s.offers.Opens <= t {
		s.open(t)
	}
	end := (t + 1) * ticks
	for i := 0; i < len(s.groups); i++ { // groups that split off are appended and decide too
		g := s.groups[i]
		if g.rnext <= t {
			s.visit(g)
			if g.rnext, err = s.router(g, t, end); err != nil {
				return 0, false, err
			}
		}
		next = min(next, g.rnext)
	}
	acted = len(s.movers) > 0
	for i, n := 0, len(s.groups); i < n; i++ {
		g := s.groups[i]
		if g.ceNext > t {
			next = min(next, g.ceNext)
			continue
		}
		acted = true
		s.visit(g)
		before := len(s.groups)
		if err := s.stepCE(g, t, false); err != nil {
			return 0, false, err
		}
		for j := before; j < len(s.groups); j++ { // split off while g acted: they go on where g was
			if err := s.stepCE(s.groups[j], t, true); err != nil {
				return 0, false, err
			}
		}
	}
	next = min(next, s.offers.Opens) // also when a PE has started the transfer in this cycle
	s.commit(t)
	return next, acted, nil
}

func (s *Sim) visit(g *group) {
	s.Work.Visits++
	s.Work.Of += g.n
}

// router decides the moves of a group's routers and ramps.
func (s *Sim) router(g *group, t, end int64) (next int64, err error) {
	free, links := g.linkFree, g.links
again:
	next = never
	g.moves, g.ups = 0, 0
	for i := range g.slots {
		f := &g.fifos[i]
		if f.n == 0 {
			continue
		}
		n := g.head(f).ready
		if n <= t {
			var differ wse.Dir
			if n, differ, err = s.forward(g, i, t, end); err != nil {
				return 0, err
			}
			if differ < wse.Ramp {
				// Some neighbours have room and some have not: decide again for both parts.
				g.linkFree, g.links, g.moves = free, links, 0
				off, j := s.delta(differ), g.slots[i].target[differ]
				s.split(g, func(m int32) uint32 {
					if s.groupOf[int(g.pes[m])+off].full(j, differ.Opposite()) {
						return 1
					}
					return 0
				})
				goto again
			}
		}
		next = min(next, n)
	}
	next = min(next, s.rampUp(g, t, end))
	if g.moves|g.ups != 0 {
		s.movers = append(s.movers, g)
	}
	return next, nil
}

// forward decides whether slot i's oldest wavelet moves. differ is the direction in which the members' neighbours disagree on
// having room, else wse.Ramp.
func (s *Sim) forward(g *group, i int, t, end int64) (next int64, differ wse.Dir, err error) {
	sl := &g.slots[i]
	tx := uint(sl.leaves(g.head(&g.fifos[i])))
	for m := tx; m != 0; m &= m - 1 {
		d := wse.Dir(bits.TrailingZeros(m))
		to := sl.target[d]
		if to < 0 {
			return 0, wse.Ramp, errBroken
		}
		if g.linkFree[d] >= end {
			return g.linkFree[d] / ticks, wse.Ramp, nil
		}
		if d == wse.Ramp {
			if f := &g.fifos[g.in+to]; f.n == f.cap {
				return never, wse.Ramp, nil
			}
			continue
		}
		nb := g.nbr[d]
		full := nb[0].full(to, d.Opposite())
		for _, h := range nb[1:] {
			if h.full(to, d.Opposite()) != full {
				return 0, d, nil
			}
		}
		if full {
			return never, wse.Ramp, nil
		}
	}
	for m := tx; m != 0; m &= m - 1 {
		d := bits.TrailingZeros(m)
		rate := s.m.LinkTicks
		if d == int(wse.Ramp) {
			rate = s.m.RampTicks
		}
		g.linkFree[d] = max(g.linkFree[d], t*ticks) + int64(rate)
		g.links[d]++
	}
	g.moves |= 1 << i
	return never, wse.Ramp, nil
}

// full reports whether slot i takes nothing from a port.
func (g *group) full(i int32, from wse.Dir) bool {
	f := &g.fifos[i]
	return f.n == f.cap || !g.accepts(i, from)
}

// rampUp decides which output queues give a wavelet to the router.
func (s *Sim) rampUp(g *group, t, end int64) (next int64) {
	next = never
	free := &g.linkFree[up]
	for i := range g.fifos[g.out:] {
		f := &g.fifos[int(g.out)+i]
		if f.n == 0 {
			continue
		}
		w := g.head(f)
		if w.ready > t {
			next = min(next, w.ready)
			continue
		}
		if *free >= end {
			return min(next, *free/ticks)
		}
		if g.full(w.slot, wse.Ramp) {
			continue
		}
		*free = max(*free, t*ticks) + int64(s.m.RampTicks)
		g.links[up]++
		g.ups |= 1 << i
	}
	return next
}

// commit carries out the decided moves at the end of cycle t.
func (s *Sim) commit(t int64) {
	s.receivers()
	hop, in, out := int64(max(1, s.m.HopCycles)), int64(max(1, s.m.RampInCycles)), int64(max(1, s.m.RampOutCycles))
	for _, h := range s.marked {
		h.marked = false
		for j := range h.slots {
			sl := &h.slots[j]
			if sl.up < 0 || h.nbr[sl.from][0].moves>>sl.up&1 == 0 {
				continue
			}
			x := wavelet{ready: t + hop}
			if sl.many {
				from := h.nbr[sl.from][0]
				w := from.head(&from.fifos[sl.up])
				x.slot, x.mark = w.slot, w.mark&^isLast+1
			}
			h.push(&h.fifos[j], x)
			h.rnext = min(h.rnext, t+hop)
			if x.command() {
				s.around(h, t)
			}
		}
	}
	for _, g := range s.movers {
		for m := g.moves; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			sl, f := &g.slots[i], &g.fifos[i]
			if f.n == f.cap { // who fills the buffer may have waited for room
				if sl.up < 0 || sl.turn.turns {
					g.rnext = min(g.rnext, t+1)
				}
				if sl.up >= 0 {
					for _, h := range g.nbr[sl.from] {
						h.rnext = min(h.rnext, t+1)
					}
				}
			}
			w := g.pop(f)
			if f.n > 0 {
				g.rnext = min(g.rnext, max(t+1, g.head(f).ready))
			}
			if s.watch != nil {
				s.watch(sim.EvHop, g, int32(i), t)
			}
			tx := sl.leaves(&w)
			s.copied += (int64(bits.OnesCount8(tx)) - 1) * g.n
			if tx>>wse.Ramp&1 == 1 {
				g.push(&g.fifos[g.in+sl.target[wse.Ramp]], wavelet{ready: t + in, slot: w.slot, mark: w.mark &^ isLast})
				g.ceNext = min(g.ceNext, t+in)
			}
			if w.command() {
				s.obey(g, i, t)
			}
		}
		for m := g.ups; m != 0; m &= m - 1 {
			q := bits.TrailingZeros64(m)
			f := &g.fifos[int(g.out)+q]
			if f.n == f.cap {
				g.ceNext = min(g.ceNext, t+1) // an operation may wait for room
				g.rnext = min(g.rnext, t+1)
			}
			w := g.pop(f)
			if f.n > 0 {
				g.rnext = min(g.rnext, max(t+1, g.head(f).ready))
			}
			if s.watch != nil {
				s.watch(sim.EvUp, g, int32(q), t)
			}
			x := wavelet{ready: t + out}
			if g.slots[w.slot].many {
				x.mark = w.mark
				if w.mark&isControl == 0 {
					x.slot = g.number(w.slot) - 1 // it is no longer in its queue
				}
			}
			g.push(&g.fifos[w.slot], x)
			g.rnext = min(g.rnext, t+out)
			if x.command() {
				s.around(g, t)
			}
		}
		g.moves, g.ups = 0, 0
	}
	for _, g := range s.waiters {
		for _, p := range g.pending {
			switch p.kind {
			case wse.DoneActivate:
				g.active |= 1 << p.task
			case wse.DoneUnblock:
				g.blocked &^= 1 << p.task
			}
			g.ceNext = min(g.ceNext, t+1)
		}
		g.pending = g.pending[:0]
	}
}

// receivers marks the groups that get wavelets and splits those of which only some members do.
func (s *Sim) receivers() {
	s.marked = s.marked[:0]
	for _, g := range s.movers {
		for m := g.moves; m != 0; m &= m - 1 {
			sl := &g.slots[bits.TrailingZeros64(m)]
			for tx := uint(sl.tx &^ (1 << wse.Ramp)); tx != 0; tx &= tx - 1 {
				for _, h := range g.nbr[bits.TrailingZeros(tx)] {
					if !h.marked {
						h.marked = true
						s.marked = append(s.marked, h)
					}
				}
			}
		}
	}
	for i := 0; i < len(s.marked); i++ {
		h := s.marked[i]
	again:
		for j := range h.slots {
			sl := &h.slots[j]
			if sl.up < 0 {
				continue
			}
			nb := h.nbr[sl.from]
			first := nb[0].arrival(sl.up, sl.many)
			for _, g := range nb[1:] {
				if g.arrival(sl.up, sl.many) == first {
					continue
				}
				off := s.delta(sl.from)
				var kinds []arrival
				for _, c := range s.split(h, func(m int32) uint32 {
					a := s.groupOf[int(h.pes[m])+off].arrival(sl.up, sl.many)
					k := slices.Index(kinds, a)
					if k < 0 {
						k, kinds = len(kinds), append(kinds, a)
					}
					return uint32(k)
				}) {
					c.marked = true
					s.marked = append(s.marked, c)
				}
				goto again
			}
		}
	}
}
