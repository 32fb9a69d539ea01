package fast

import "github.com/wfc-lang/wfc/target/wse/sim"

// offers is that of the plain engine, see sim/offer.go; which task waits in a PE is in its group.
type offers struct {
	n, k         int
	opens, since int64
	take         func(k int)
	stop         func(each func(f func(args []int32)))
	asked        bool
}

// OnOffer is that of the plain engine.
func (s *Sim) OnOffer(f func(k int)) {
	s.offers.take = f
	if s.plain != nil {
		s.plain.OnOffer(f)
	}
}

// OnCancel is that of the plain engine.
func (s *Sim) OnCancel(f func(each func(f func(args []int32)))) {
	s.offers.stop = f
	if s.plain != nil {
		s.plain.OnCancel(f)
	}
}

// tell gives the plain engine, which goes on, what this one was told.
func (s *Sim) tell(p *sim.Sim) {
	p.OnTick(s.tick)
	p.OnOffer(s.offers.take)
	p.OnCancel(s.offers.stop)
}

// curtail reports whether the launch goes on after its context was cancelled.
func (s *Sim) curtail() bool {
	if s.offers.stop == nil {
		return false
	}
	if !s.offers.asked {
		s.offers.asked = true
		s.offers.stop(func(f func(args []int32)) {
			for _, g := range s.groups {
				if g.k == nil || g.exited {
					continue
				}
				args := make([]int32, len(g.k.args))
				for i, r := range g.k.args {
					args[i] = int32(g.regs[r])
				}
				f(args)
				for i, r := range g.k.args {
					g.regs[r] = uint32(args[i])
				}
			}
		})
	}
	return true
}

// offer notes the offer of a group. The last one starts the transfer.
func (s *Sim) offer(g *group, task int32, t int64) error {
	o := &s.offers
	if g.offered != 0 {
		return errBroken
	}
	g.offered = task + 1
	if o.n += int(g.n); o.n < s.nPEs {
		return nil
	}
	words := s.hostWords
	s.hostWords = 0
	if o.take != nil {
		s.flush()
		o.take(o.k)
	}
	n := max(1, s.HostCycles())
	s.hostWords = words
	o.k++
	o.opens = t + n
	s.stats.Offers++
	s.stats.OfferCycles += n
	return nil
}

// hold notes that a group activates the task that waits for the host.
func (s *Sim) hold(g *group, task int32, t int64) {
	if g.offered == task+1 && s.offers.since < 0 {
		s.offers.since = t
	}
}

// open lets every PE go on: the host has taken what they offered.
func (s *Sim) open(t int64) {
	for _, g := range s.groups {
		if g.offered != 0 {
			g.blocked &^= 1 << (g.offered - 1)
			g.ceNext = min(g.ceNext, t)
			g.offered = 0
		}
	}
	o := &s.offers
	if o.since >= 0 {
		s.stats.HeldCycles += t - o.since
	}
	if s.nExited == s.nPEs {
		n := max(0, t-s.lastExit-1)
		s.stats.OfferCycles -= n
		s.stats.HostCycles += n
	}
	o.n, o.opens, o.since = 0, never, -1
}
