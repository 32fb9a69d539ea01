package sim

// An offer is how a program gives the host data without stopping: it makes a copy that it leaves alone, says so in every PE (wse.Offer), and
// goes on. When the last PE has offered, the edge ports begin to take the copies; that lasts what a transfer of as many words lasts between
// launches (HostLatency, HostLinkTicks), and then the task that each PE named is unblocked in all of them at once. The words do not travel
// the simulated fabric, as those of other transfers do not. Nothing can change in what is offered before that, so the host here reads it
// when the transfer begins.
//
// What is taken after every PE has exited is a pause like any other and counted in Stats.HostCycles.

// offers is the state of the one offer that can be open.
type offers struct {
	task  []int32 // by PE: the task that waits for the host, -1 while the PE offers nothing
	n     int     // PEs that have offered
	k     int     // offers of this launch that were taken, or are being taken
	opens int64   // when the host has taken it; never while some PE has not offered
	since int64   // when the first PE began to wait for it, -1
	take  func(k int)
	stop  func(each func(f func(args []int32)))
	asked bool // stop was called in this launch
}

// Offered is the state of offers in the middle of a launch.
type Offered struct {
	PEs, Taken   int
	Opens, Since int64
	Cycles, Held int64 // so far, as in Stats
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
	o.n, o.k, o.opens, o.since, o.asked = 0, 0, never, -1, false
}

// OnOffer has f called when all PEs have offered for the k-th time in a launch, the first is 0. f reads arrays, which is what the transfer
// costs. A launch that is carried out again for the sake of an error calls f again.
func (s *Sim) OnOffer(f func(k int)) { s.offers.take = f }

// OnCancel has f called when the context of a launch is cancelled, once in a launch, which then goes on to its end: f sees and may
// change the launch registers of every PE that has not exited, and so decide how far it still runs. Without, a launch is given up.
func (s *Sim) OnCancel(f func(each func(f func(args []int32)))) { s.offers.stop = f }

// curtail reports whether the launch goes on after its context was cancelled.
func (o *offers) curtail(each func(f func(args []int32))) bool {
	if o.stop == nil {
		return false
	}
	if !o.asked {
		o.asked = true
		o.stop(each)
	}
	return true
}

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

// offer notes the offer of a PE. The last one starts the transfer.
func (s *Sim) offer(pe int, in *ins, t int64) error {
	o := &s.offers
	if o.task[pe] >= 0 {
		return s.fail(pe, in.line, "the PE offers again before the host has taken what it offered before")
	}
	o.task[pe] = in.ctlTsk
	if o.n++; o.n < s.nPEs {
		return nil
	}
	words := s.hostWords
	s.hostWords = 0
	if o.take != nil {
		o.take(o.k)
	}
	n := max(1, s.hostCycles())
	s.hostWords = words
	o.k++
	o.opens = t + n
	s.stats.Offers++
	s.stats.OfferCycles += n
	return nil
}

// hold notes that a PE activates the task that waits for the host.
func (s *Sim) hold(pe int, task int32, t int64) {
	if o := &s.offers; o.n > 0 && o.task[pe] == task && o.since < 0 {
		o.since = t
	}
}

// open lets every PE go on, in cycle t: the host has taken what they offered.
func (s *Sim) open(t int64) {
	o := &s.offers
	for pe, task := range o.task {
		if task >= 0 {
			s.blocked[pe] &^= 1 << task
			s.ceNext[pe] = min(s.ceNext[pe], t)
			o.task[pe] = -1
		}
	}
	if o.since >= 0 {
		s.stats.HeldCycles += t - o.since
	}
	if s.nExited == s.nPEs {
		n := max(0, t-s.stats.lastExit-1)
		s.stats.OfferCycles -= n
		s.stats.HostCycles += n
	}
	o.n, o.opens, o.since = 0, never, -1
}
