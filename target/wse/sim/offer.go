package sim

// An offer is how a program gives the host data without stopping: it makes a copy that it leaves alone, says so in every PE (wse.Offer), and
// goes on. When the last PE has offered, the edge ports begin to take the copies; that lasts what a transfer of as many words lasts between
// launches (HostLatency, HostLinkTicks), and then the task that each PE named is unblocked in all of them at once. The words do not travel
// the simulated fabric, as those of other transfers do not. Nothing can change in what is offered before that, so the host here reads it
// when the transfer begins.
//
// What is taken after every PE has exited is a pause like any other and counted in Stats.HostCycles.

// Offers is the account of the one offer that can be open. Every engine keeps one; what waits in a PE is the engine's own.
type Offers struct {
	Offered
	take  func(k int)
	stop  func(each func(f func(args []int32)))
	asked bool // stop was called in this launch
}

// Offered is the state of offers in the middle of a launch.
type Offered struct {
	PEs          int   // that have offered
	Taken        int   // offers of this launch that were taken, or are being taken
	Opens        int64 // when the host has taken it; never while some PE has not offered
	Since        int64 // when the first PE began to wait for it, -1
	Cycles, Held int64 // as in Stats
}

// OnOffer has f called when all PEs have offered for the k-th time in a launch, the first is 0. f reads arrays, which is what the transfer
// costs, and may write what no PE reads before it has waited for the host. A launch that is carried out again for the sake of an error calls
// f again.
func (o *Offers) OnOffer(f func(k int)) { o.take = f }

// OnCancel has f called when the context of a launch is cancelled, once in a launch, which then goes on to its end: f sees and may
// change the launch registers of every PE that has not exited, and so decide how far it still runs. Without, a launch is given up.
func (o *Offers) OnCancel(f func(each func(f func(args []int32)))) { o.stop = f }

// Tell gives another engine's account, which goes on with the launch, what this one was told.
func (o *Offers) Tell(p *Sim) { p.offers.take, p.offers.stop = o.take, o.stop }

// Begin begins a launch.
func (o *Offers) Begin() { o.Offered, o.asked = Offered{Opens: never, Since: -1}, false }

// Curtail reports whether the launch goes on after its context was cancelled.
func (o *Offers) Curtail(each func(f func(args []int32))) bool {
	if o.stop == nil {
		return false
	}
	if !o.asked {
		o.asked = true
		o.stop(each)
	}
	return true
}

// Offer notes in cycle t that n PEs offer. The last of all starts the transfer, whose length words gives: the transfer cycles of what is read
// and written by what it calls.
func (o *Offers) Offer(n, all int, t int64, words func(take func()) int64) {
	if o.PEs += n; o.PEs < all {
		return
	}
	cycles := max(1, words(func() {
		if o.take != nil {
			o.take(o.Taken)
		}
	}))
	o.Taken++
	o.Opens = t + cycles
	o.Cycles += cycles
}

// Hold notes that a PE that has offered waits for the host.
func (o *Offers) Hold(t int64) {
	if o.PEs > 0 && o.Since < 0 {
		o.Since = t
	}
}

// Open ends the transfer in cycle t, and returns how many of its cycles came after the last exit if all PEs have exited: those are of a pause.
func (o *Offers) Open(t, lastExit int64, exited bool) (pause int64) {
	if o.Since >= 0 {
		o.Held += t - o.Since
	}
	if exited {
		pause = max(0, t-lastExit-1)
		o.Cycles -= pause
	}
	o.PEs, o.Opens, o.Since = 0, never, -1
	return pause
}

// Count fills the statistics of offers in.
func (o *Offers) Count(st *Stats) {
	st.Offers, st.OfferCycles, st.HeldCycles = o.Taken, o.Cycles, o.Held
}

// offers are the plain engine's.
type offers struct {
	Offers
	task []int32 // by PE: the task that waits for the host, -1 while the PE offers nothing
}

func grown(list []int32, n int) []int32 {
	for len(list) < n {
		list = append(list, -1)
	}
	return list
}

func (o *offers) begin(pes int) {
	o.task = grown(o.task, pes)
	for i := range o.task {
		o.task[i] = -1
	}
	o.Begin()
}

// OnOffer is [Offers.OnOffer].
func (s *Sim) OnOffer(f func(k int)) { s.offers.OnOffer(f) }

// OnCancel is [Offers.OnCancel].
func (s *Sim) OnCancel(f func(each func(f func(args []int32)))) { s.offers.OnCancel(f) }

func (s *Sim) eachArgs(f func(args []int32)) {
	for pe, c := range s.class {
		if c < 0 || s.exited[pe] {
			continue
		}
		args := s.args(pe)
		f(args)
		for i, r := range s.codes[c].args {
			s.regs[s.regBase[pe]+r] = uint32(args[i])
		}
	}
}

// offer notes the offer of a PE.
func (s *Sim) offer(pe int, in *ins, t int64) error {
	o := &s.offers
	if o.task[pe] >= 0 {
		return s.fail(pe, in.line, "the PE offers again before the host has taken what it offered before")
	}
	o.task[pe] = in.ctlTsk
	o.Offer(1, s.nPEs, t, s.transfer)
	return nil
}

// transfer gives the cycles of the transfers in f, which are not counted with those between launches.
func (s *Sim) transfer(f func()) int64 {
	words := s.hostWords
	s.hostWords = 0
	f()
	n := s.hostCycles()
	s.hostWords = words
	return n
}

// hold notes that a PE activates the task that waits for the host.
func (s *Sim) hold(pe int, task int32, t int64) {
	if s.offers.task[pe] == task {
		s.offers.Hold(t)
	}
}

// open lets every PE go on, in cycle t: the host has taken what they offered.
func (s *Sim) open(t int64) {
	for pe, task := range s.offers.task {
		if task >= 0 {
			s.blocked[pe] &^= 1 << task
			s.ceNext[pe] = min(s.ceNext[pe], t)
			s.offers.task[pe] = -1
		}
	}
	s.stats.HostCycles += s.offers.Open(t, s.stats.lastExit, s.nExited == s.nPEs)
}
