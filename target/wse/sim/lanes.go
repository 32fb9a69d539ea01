package sim

import (
	"runtime"
	"slices"
	"sync"

	"github.com/wfc-lang/wfc/target/wse"
)

// Lanes are bands of rows whose PEs have their turn in a cycle at the same time, on a core each. The turn of a PE touches its own state and
// that of its four neighbours and no order of turns changes what happens (see room), so bands that keep two rows apart touch nothing in common;
// these two rows have their turn afterwards. Each lane has lists and counts of its own, which are added up: results do not depend on the
// number of lanes, nor on the cycles that were divided.
type lane struct {
	lo, hi, seam int // PEs lo .. hi-1 go with the other lanes, hi .. seam-1 after them
	sim          Sim // the same tables, own lists and counts
	next         int64
	acted        bool
	err          error
}

// crowded is the number of PEs that acted in the last cycle from which on cores share the next one: some hundred microseconds of work.
const crowded = 1 << 10

// laneRows are the least rows of a lane: two belong to its seam.
const laneRows = 4

// divide makes the lanes. Programs that change their routers end a cycle for all PEs at once, offers count all PEs, and events are told
// from one place: these have one lane.
func (s *Sim) divide() {
	s.lanes = nil
	n := s.Threads
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if n = min(n, s.h/laneRows); n < 2 || !s.atOnce() || s.offering() {
		return
	}
	for i := range n {
		l := &lane{lo: i * s.h / n * s.w, hi: (i+1)*s.h/n*s.w - s.w, seam: (i+1)*s.h/n*s.w + s.w, sim: *s}
		if i > 0 {
			l.lo += s.w
		}
		if i == n-1 {
			l.hi = s.h * s.w
			l.seam = l.hi
		}
		l.sim.moves, l.sim.ups, l.sim.pending, l.sim.roused = nil, nil, nil, nil
		l.sim.injected, l.sim.copied, l.sim.consumed, l.sim.nExited = 0, 0, 0, 0
		l.sim.perClass = make([]ClassStats, len(s.perClass))
		l.sim.opCycles = make([][]int64, len(s.opCycles))
		for c := range s.opCycles {
			l.sim.opCycles[c] = make([]int64, len(s.opCycles[c]))
		}
		s.lanes = append(s.lanes, l)
	}
}

// atOnce reports whether moves can be carried out in the turn of their PE.
func (s *Sim) atOnce() bool { return s.dyn == nil && s.tr == nil && !s.late }

func (s *Sim) offering() bool {
	return slices.ContainsFunc(s.codes, func(k *code) bool {
		return slices.ContainsFunc(k.ins, func(in ins) bool { return in.kind == iCtl && in.ctlTsk >= 0 && in.ctl == wse.Offer })
	})
}

// together carries out cycle t in all lanes. Of several errors the one of the first PE counts, as in a single lane.
func (s *Sim) together(t int64) (next int64, acted bool, err error) {
	var wg sync.WaitGroup
	run := func(l *lane) {
		l.sim.cycle = t
		l.next, l.acted, l.err = l.sim.turns(l.lo, l.hi, t)
	}
	for _, l := range s.lanes[1:] {
		wg.Add(1)
		go func() {
			defer wg.Done()
			run(l)
		}()
	}
	run(s.lanes[0])
	wg.Wait()
	next = never
	crowd := 0
	for _, l := range s.lanes {
		if l.err != nil {
			return 0, false, l.err
		}
		n, a, err := s.turns(l.hi, l.seam, t)
		if err != nil {
			return 0, false, err
		}
		crowd += s.crowd + l.sim.crowd
		next, acted = min(next, n, l.next), acted || a || l.acted
		s.injected += l.sim.injected
		s.copied += l.sim.copied
		s.consumed += l.sim.consumed
		s.nExited += l.sim.nExited
		s.stats.lastExit = max(s.stats.lastExit, l.sim.stats.lastExit)
		l.sim.injected, l.sim.copied, l.sim.consumed, l.sim.nExited = 0, 0, 0, 0
		s.roused = append(s.roused, l.sim.roused...)
		l.sim.roused = l.sim.roused[:0]
	}
	s.crowd = crowd
	return next, acted, nil
}

// gather adds the counts by class of the lanes to those of the simulation.
func (s *Sim) gather() {
	for _, l := range s.lanes {
		for c := range l.sim.perClass {
			from, to := &l.sim.perClass[c], &s.perClass[c]
			to.Busy += from.Busy
			to.WaitIn += from.WaitIn
			to.WaitOut += from.WaitOut
			*from = ClassStats{}
			for i, n := range l.sim.opCycles[c] {
				s.opCycles[c][i] += n
			}
			clear(l.sim.opCycles[c])
		}
	}
}
