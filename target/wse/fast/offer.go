package fast

import "github.com/wfc-lang/wfc/target/wse/sim"

// The account of offers is the plain engine's, see sim/offer.go; which task waits in a PE is in its group.

// OnOffer is that of the plain engine.
func (s *Sim) OnOffer(f func(k int)) {
	s.offers.OnOffer(f)
	if s.plain != nil {
		s.plain.OnOffer(f)
	}
}

// OnCancel is that of the plain engine.
func (s *Sim) OnCancel(f func(each func(f func(args []int32)))) {
	s.offers.OnCancel(f)
	if s.plain != nil {
		s.plain.OnCancel(f)
	}
}

// tell gives the plain engine, which goes on, what this one was told.
func (s *Sim) tell(p *sim.Sim) {
	p.Threads = s.Threads
	p.Repeat()
	p.OnTick(s.tick)
	s.offers.Tell(p)
}

// eachArgs has the launch registers of every group that has not exited seen and changed.
func (s *Sim) eachArgs(f func(args []int32)) {
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
}

// offer notes the offer of a group.
func (s *Sim) offer(g *group, task int32, t int64) error {
	if g.offered != 0 {
		return errBroken
	}
	g.offered = task + 1
	s.offers.Offer(int(g.n), s.nPEs, t, s.transfer)
	return nil
}

// transfer gives the cycles of the transfers in f, which are not counted with those between launches.
func (s *Sim) transfer(f func()) int64 {
	words := s.hostWords
	s.hostWords = 0
	s.flush()
	f()
	n := s.HostCycles()
	s.hostWords = words
	return n
}

// hold notes that a group activates the task that waits for the host.
func (s *Sim) hold(g *group, task int32, t int64) {
	if g.offered == task+1 {
		s.offers.Hold(t)
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
	s.stats.HostCycles += s.offers.Open(t, s.lastExit, s.nExited == s.nPEs)
}
