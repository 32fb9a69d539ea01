package sim

import "math/bits"

// Trains. While long streams run, the PEs that they connect repeat themselves: after a few cycles routers, queues and operations stand as they
// stood before, only with other values in the buffers and fewer elements to go. What repeats once repeats until an operation comes near its
// end or something arrives from outside, because nothing in the rules looks at the values or at how many elements are left. Such a region is
// put to sleep: its PEs are not visited. When it wakes, all whole periods that have passed are made up for at once (see carry): each stream
// moves as one slice of words, each operation does its elements in one loop, counters grow by their growth in a period times the number of
// periods. The cycles of the last, broken period are then simulated by the region alone. So sleep changes nothing that can be seen between
// two cycles, and there is no need to know beforehand how long it lasts.
//
// Regions. PEs belong together when a wavelet under way, or one that an operation in progress may still send, can pass from one to the other
// (survey). A region sleeps until an operation that moves is near its end, a CE that computes is done, the host takes an offer, or a
// wavelet enters a router next to it that sends into it (near). No other PE can touch its routers, queues or memory before.
//
// Finding periods. A survey looks for regions with enough ahead of them and remembers their states. In the following cycles one PE of each,
// its pilot, is compared with what it was (Brent's search: what is remembered is taken anew after twice as many cycles each time), and when it
// is the same, all of them. Looking is paid from a budget: a 64th of the visits made, and a share of those that were saved. So programs
// that never repeat themselves lose a percent or two.
type trains struct {
	regions []*region // asleep; nil = free place
	of      []int32   // per PE: place of the region it sleeps in, from 1; 0 = awake
	asleep  int
	until   int64 // first cycle in which one of them has to wake

	watched []*region
	inWatch []bool // per PE
	next    int64  // cycle of the next survey
	budget  int64  // in 1/64 of a visit
	rich    bool   // look whatever it costs: tests

	parent  []int32 // see survey
	fate    []int64
	mark    []bool // per router buffer
	buf     []int64
	threads []int32
	words   []uint32 // see carry
	stalls  [][2]int64
	carried int64 // wavelets that CEs took in trains, since New
}

const (
	patience = 512 // longest period looked for, in cycles
	longest  = 1 << 40
	atLeast  = 40 // elements an operation must have ahead of it, for a look at it
	worth    = 16 // least cycles of a sleep
	pause    = 32 // cycles between surveys
	share    = 64 // of the visits made, one may be spent on looking
	savings  = 4  // of the visits saved
)

// region is a set of PEs that influence each other and, for the time being, no others.
type region struct {
	pes     []int32
	edges   []int32 // links over its border, by PE and port: one out, one in
	horizon int64   // elements ahead of the operation that ends first

	ref    int64 // cycle of what follows
	window int64 // cycles until it is taken anew
	pilot  int   // place in pes
	sign   []int64
	signAt []int32 // by place in pes
	counts []int64
	passed uint64 // wavelets over edges

	place       int32
	from, until int64 // cycle in which it stands, and in which it wakes
	period      int64
	freight     freight
}

// newTrains prepares a simulation for trains.
func (s *Sim) newTrains() {
	if !s.opt.Trains || s.faults != nil || s.tr != nil {
		return
	}
	n := len(s.class)
	s.trains = &trains{of: make([]int32, n), inWatch: make([]bool, n), parent: make([]int32, n), fate: make([]int64, n),
		mark: make([]bool, len(s.slots)), stalls: make([][2]int64, n), until: never, budget: 2 * share * int64(n)}
}

// Carried is the number of wavelets that CEs have taken in trains since New. Stats.Delivered counts them with the others.
func (s *Sim) Carried() int64 {
	if s.trains == nil {
		return 0
	}
	return s.trains.carried
}

// depart begins a launch, or the part of one that begins in cycle t.
func (tr *trains) depart(t int64) { tr.next = t + pause }

// spend takes visits from the budget.
func (tr *trains) spend(visits int) { tr.budget -= share * int64(visits) }

// most bounds the budget: what was saved long ago is not a reason to look for ever.
func (tr *trains) most() int64 { return 64 * share * int64(len(tr.of)) }

// before is called before cycle t is simulated: regions wake, are watched and looked for.
func (s *Sim) before(t int64) {
	tr := s.trains
	if tr.until <= t {
		for _, r := range tr.regions {
			if r != nil && r.until <= t {
				s.wakeRegion(r, t)
				tr.next = min(tr.next, t+worth/2)
			}
		}
		tr.wakes()
	}
	if len(tr.watched) > 0 {
		s.watch(t)
	}
	if tr.budget = min(tr.budget+int64(s.crowd), tr.most()); t >= tr.next && (tr.budget > 0 || tr.rich) {
		s.survey(t)
		tr.next = t + pause
	}
}

// wakes finds the cycle of the next waking.
func (tr *trains) wakes() {
	tr.until = never
	for _, r := range tr.regions {
		if r != nil {
			tr.until = min(tr.until, r.until)
		}
	}
}

// settle wakes all regions at the start of cycle t.
func (s *Sim) settle(t int64) {
	tr := s.trains
	if tr == nil {
		return
	}
	s.moves, s.ups, s.pending = s.moves[:0], s.ups[:0], s.pending[:0] // of a cycle that was broken off by an error
	for _, r := range tr.regions {
		if r != nil {
			s.wakeRegion(r, t)
		}
	}
	tr.until = never
	s.unwatch(func(*region) bool { return false })
}

// near is called when a wavelet has entered router buffer i: regions that it can reach with its next move wake.
func (s *Sim) near(i int32) {
	sl, of := &s.slots[i], s.trains.of
	for m := uint(sl.tx) &^ (1 << rampPort); m != 0; m &= m - 1 {
		if to := sl.target[bits.TrailingZeros(m)]; to >= 0 {
			if r := of[s.slots[to].pe]; r != 0 && r != of[sl.pe] {
				s.roused = append(s.roused, r)
			}
		}
	}
}

// rouse wakes the regions that are touched from cycle t on.
func (s *Sim) rouse(t int64) {
	for _, place := range s.roused {
		if r := s.trains.regions[place-1]; r != nil {
			s.wakeRegion(r, t)
			s.trains.spend(4 * len(r.pes))
		}
	}
	s.roused = s.roused[:0]
	s.trains.wakes()
}

// watch compares the regions that are watched with what they were.
func (s *Sim) watch(t int64) {
	tr := s.trains
	s.unwatch(func(r *region) bool {
		if s.repeats(r, t) {
			tr.spend(4 * len(r.pes))
			s.sleepRegion(r, t)
			return false
		}
		if t < r.ref+r.window {
			return true
		}
		if r.window *= 2; r.window > patience || 4*r.window > r.horizon {
			return false
		}
		s.remember(r, t)
		return true
	})
	tr.budget -= share * int64(len(tr.watched)) / 4
}

// unwatch keeps the watched regions for which f is true.
func (s *Sim) unwatch(f func(r *region) bool) {
	tr := s.trains
	n := 0
	for _, r := range tr.watched {
		if f(r) {
			tr.watched[n] = r
			n++
			continue
		}
		for _, pe := range r.pes {
			tr.inWatch[pe] = false
		}
	}
	clear(tr.watched[n:])
	tr.watched = tr.watched[:n]
}

// sleepRegion puts a region to sleep that stands in cycle t as it stood in cycle ref.
func (s *Sim) sleepRegion(r *region, t int64) {
	tr := s.trains
	r.from, r.period = t, t-r.ref
	periods := s.ahead(r)
	if periods*r.period < worth || !s.load(r) {
		return
	}
	r.until = t + periods*r.period
	r.place = 0
	for i, x := range tr.regions {
		if x == nil {
			r.place = int32(i + 1)
			break
		}
	}
	if r.place == 0 {
		tr.regions = append(tr.regions, nil)
		r.place = int32(len(tr.regions))
	}
	tr.regions[r.place-1] = r
	tr.asleep++
	tr.until = min(tr.until, r.until)
	s.visit(r, r.until, r.place)
}

// visit has the PEs of a region visited in cycle t and not before.
func (s *Sim) visit(r *region, t int64, of int32) {
	for _, pe := range r.pes {
		s.trains.of[pe] = of
		s.rnext[pe] = t
		if s.class[pe] >= 0 {
			s.ceNext[pe] = t
		}
	}
}

// wakeRegion brings a region to the start of cycle t and has its PEs visited from then on.
func (s *Sim) wakeRegion(r *region, t int64) {
	tr := s.trains
	periods := (t - r.from) / r.period
	s.carry(r, periods)
	tr.budget = min(tr.budget+share/savings*int64(len(r.pes))*periods*r.period, tr.most())
	tr.regions[r.place-1] = nil
	tr.asleep--
	s.visit(r, r.from, 0)
	crowd := s.crowd
	for now := r.from; now < t; now++ {
		for _, pe := range r.pes {
			s.turns(int(pe), int(pe)+1, now) // no rule can be broken: it repeats what it has done
		}
		if !s.atOnce() {
			s.commit(now)
		}
	}
	s.crowd = crowd
	s.visit(r, t, 0)
}
