package sim

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"
)

// Laps. A solver's iteration takes the same cycles every time: when the whole mesh stands as it stood a number of cycles before, in all but
// the time, the values in memory, registers and wavelets, and the counters, then what follows is what followed then, as long as the values
// decide nothing otherwise. So one lap is carried out by the rules and written down: for every PE the tasks, instructions and ends of
// operations in their order (laps_record.go). Later laps compute the values only, in this order (laps_run.go), and the time, the counters
// and the statistics grow by what they grew in the written one. Every decision that depends on a value is looked at: which way a branch
// goes, where operands lie. When one differs, the lap is taken back and carried out by the rules, so a lap is never guessed.
//
// The order between PEs need not be written down: a wavelet that a PE takes is the next of the stream that its source sends, whenever that is.
// Within a PE an operation on the fabric is carried out in one go, its sends as early and its receives as late as they can be; that is the same
// if nothing else touches its operands while it is in progress, which is checked once.
//
// The pilot is a PE whose starts of tasks and loops are the moments at which a lap may end. Only when the pilot is as it was are the other
// PEs compared.
type laps struct {
	pilot    int
	due      bool             // it has begun a task or a loop in this cycle
	seen     map[string]int64 // what it was like at such moments, with the cycle of the last
	work     int64            // visits of PEs since the last record was begun
	looked   int64            // of them, before the last look at all PEs
	want     int64            // before the next record is begun
	window   int64            // cycles a record may get
	patience int              // times that a record may see the pilot as it was and not all others
	gap      int64            // between the last two such times
	key      []byte
	known    []*lap
	events   [][]uint32 // of the last record, for the next
	static   *streams
	turns    *turning // nil: no router changes
	done     int64    // laps carried out without the rules
	cycles   int64    // in them
}

// lap is one that was written down.
type lap struct {
	key    []byte   // the pilot's state at its beginning
	state  []byte   // all PEs' then
	ends   []uint32 // of each PE's part of state
	length int64    // cycles
	of     []*lapProgram
	sent   []uint32 // per router buffer: wavelets its source sends in a lap
	takes  map[int32][]turnStep

	links                      []uint32
	injected, copied, consumed int64
	classes                    []ClassStats
	opCycles                   [][]int64

	rest, pause int64 // after laps that failed at once: moments to let pass, and how many it were last
}

const (
	shortest   = 64 // cycles of a lap worth it
	writing    = 24 // visits of every PE before a record, which costs about two
	patient    = 4096
	looking    = 6 // and before it is compared, which costs up to one
	manyKeys   = 1 << 14
	manyLaps   = 4       // kept
	maxLapCopy = 4 << 30 // bytes of memory copied to take a lap back
)

// Repeat has laps that repeat themselves carried out without the rules of the machine, see laps. Nothing else changes. Programs
// that change their routers otherwise than to turn from sender to sender, use FIFOs in memory or other control wavelets, are traced or have
// faults are carried out as without it.
func (s *Sim) Repeat() {
	s.laps = nil
	var turns *turning
	if s.dyn != nil {
		if turns = s.turning(); turns == nil {
			return
		}
	}
	if s.tr != nil || s.faults != nil || len(s.memFifos) > 0 || len(s.mem) > maxLapCopy || s.m.StealTicks > 0 {
		return
	}
	for pe, c := range s.class {
		if c >= 0 {
			s.laps = &laps{pilot: pe, seen: map[string]int64{}, turns: turns}
			break
		}
	}
}

// Repeated is the number of laps that were carried out without the rules, and their cycles.
func (s *Sim) Repeated() (laps, cycles int64) {
	if s.laps == nil {
		return 0, 0
	}
	return s.laps.done, s.laps.cycles
}

// forget begins a launch. That earlier ones did not repeat themselves is remembered.
func (l *laps) forget() {
	clear(l.seen)
	l.work, l.looked, l.patience, l.due = 0, 0, 0, false
}

// lap is called between two cycles when the pilot was at a moment at which a lap may end. start is the cycle in which the launch began.
func (s *Sim) lap(ctx context.Context, start int64) {
	l := s.laps
	l.due = false
	if s.offers.PEs > 0 || s.offers.Opens != never {
		return
	}
	l.key = s.appendState(l.key[:0], l.pilot, s.cycle)
	for _, k := range l.known {
		if !bytes.Equal(k.key, l.key) || !s.same(k.state, k.ends) {
			continue
		}
		if k.rest > 0 {
			k.rest--
			break
		}
		s.record(nil)
		if s.repeat(ctx, k, start) > 0 {
			k.pause = 0
		} else {
			k.pause = 2*k.pause + 1
			k.rest = k.pause
		}
		return
	}
	if r := s.rec; r != nil {
		switch {
		case r.refused || s.cycle-r.from > l.window:
			s.record(nil)
			l.want = min(2*l.want, patient*int64(s.nPEs))
		case !bytes.Equal(r.key, l.key) || s.cycle-r.from < shortest:
		case s.same(r.state, r.ends):
			s.record(nil)
			if k := s.compileLap(r); k != nil {
				if l.known = append(l.known, k); len(l.known) > manyLaps {
					l.known = l.known[1:]
				}
				l.want, l.patience = 0, 0
				s.repeat(ctx, k, start)
			}
		default:
			// A pilot that comes back at regular times tells the length of a lap, and others will follow. One that does not may come back
			// several times in a lap.
			gap := s.cycle - r.last
			regular := gap == l.gap
			l.gap, r.last = gap, s.cycle
			if r.misses++; regular || r.misses > l.patience {
				s.record(nil)
				if !regular {
					l.patience = 2*l.patience + 1
				}
				s.attempt(s.cycle - r.from)
			}
		}
		return
	}
	last, ok := l.seen[string(l.key)]
	gap := s.cycle - last
	switch {
	case ok && gap < shortest: // a multiple of the lap will do
	case ok:
		l.seen[string(l.key)] = s.cycle
		s.attempt(gap)
	case len(l.seen) >= manyKeys:
		clear(l.seen)
		fallthrough
	default:
		l.seen[string(l.key)] = s.cycle
	}
}

// attempt begins a record when enough has been done since the last one. The pilot's state came back after gap cycles.
func (s *Sim) attempt(gap int64) {
	l := s.laps
	if l.want = max(l.want, writing*int64(s.nPEs)); l.work >= l.want && l.turns.atRest(s) {
		l.work, l.looked, l.window = 0, 0, 4*gap+1024
		s.record(s.newRecord(l.key))
	}
}

// record has what happens written down in r, or ends that.
func (s *Sim) record(r *lapRecord) {
	s.rec = r
	for _, l := range s.lanes {
		l.sim.rec = r
	}
}

// same reports whether all PEs are in the states that were written down, unless too little has been done since the last look to ask.
func (s *Sim) same(state []byte, ends []uint32) bool {
	l := s.laps
	if l.work-l.looked < looking*int64(s.nPEs) {
		return false // a multiple of the lap will do
	}
	l.looked = l.work
	s.settle(s.cycle)
	from := uint32(0)
	var b []byte
	for pe, to := range ends {
		if b = s.appendState(b[:0], pe, s.cycle); !bytes.Equal(b, state[from:to]) {
			return false
		}
		from = to
	}
	return true
}

// states writes down those of all PEs.
func (s *Sim) states() (state []byte, ends []uint32) {
	for pe := range s.class {
		state = s.appendState(state, pe, s.cycle)
		ends = append(ends, uint32(len(state)))
	}
	return state, ends
}

// appendState writes down what decides how a PE goes on before cycle now: everything but values, with times from now on. Two times that
// have passed are the same.
func (s *Sim) appendState(b []byte, pe int, now int64) []byte {
	num := func(v int64) { b = binary.AppendVarint(b, v) }
	later := func(t int64) { num(max(0, t-now)) }
	buffer := func(f *fifo, base int32) {
		num(int64(f.n))
		for i, at := int32(0), f.head; i < f.n; i++ {
			w := &s.ring[f.off+at]
			later(w.ready)
			num(int64(w.aux & (isControl | isLast)))
			if base >= 0 {
				num(int64(w.aux&auxSlot - base))
			}
			if at++; at == f.cap {
				at = 0
			}
		}
	}
	if s.dyn != nil {
		for i := s.slotOf[pe]; i < s.slotOf[pe+1]; i++ {
			if d := s.dyn[i]; d != nil {
				num(int64(d.at))
			}
		}
	}
	num(int64(s.laden[pe]))
	for m := s.laden[pe]; m != 0; m &= m - 1 {
		buffer(&s.fifos[s.slotOf[pe]+int32(bits.TrailingZeros64(m))], -1)
	}
	for _, t := range s.linkFree[pe*numPorts : (pe+1)*numPorts] {
		num(max(0, t-now*ticks))
	}
	if s.class[pe] < 0 {
		return b
	}
	for i := s.inOf[pe]; i < s.inOf[pe+1]; i++ {
		buffer(&s.fifos[i], -1)
	}
	num(int64(s.queued[pe]))
	for m := s.queued[pe]; m != 0; m &= m - 1 {
		buffer(&s.fifos[s.outOf[pe]+int32(bits.TrailingZeros64(m))], s.slotOf[pe])
	}
	num(int64(s.pc[pe]))
	num(int64(s.curTask[pe]))
	later(s.mainReady[pe])
	num(int64(s.active[pe]))
	num(int64(s.blocked[pe]))
	num(int64(s.shut[pe]))
	if s.exited[pe] {
		num(1)
	} else {
		num(0)
	}
	thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]]
	for i := range thr {
		th := &thr[i]
		if th.d == nil {
			continue
		}
		num(int64(i))
		num(int64(th.line))
		num(int64(th.done))
		num(max(0, th.next-now*ticks))
		num(th.start - now)
		num(int64(th.wait))
		if th.wait != waitNone {
			num(th.since - now)
		}
		for _, at := range th.base {
			num(int64(at))
		}
	}
	return b
}

// advanceTime puts what the mesh holds n cycles later.
func (s *Sim) advanceTime(n int64) {
	s.cycle += n
	for pe := range s.class {
		for _, t := range []*int64{&s.ceNext[pe], &s.rnext[pe]} {
			if *t != never {
				*t += n
			}
		}
		s.mainReady[pe] += n
	}
	for i := range s.linkFree {
		s.linkFree[i] += n * ticks
	}
	for i := range s.fifos {
		s.fifos[i].popped += n
	}
	for i := range s.ring {
		s.ring[i].ready += n
	}
	for i := range s.threads {
		if th := &s.threads[i]; th.d != nil {
			th.next += n * ticks
			th.start += n
			th.since += n
		}
	}
}

// addLaps adds n times what a lap added to the counters.
func (s *Sim) addLaps(k *lap, n int64) {
	s.injected += n * k.injected
	s.copied += n * k.copied
	s.consumed += n * k.consumed
	for i, v := range k.links {
		s.links[i] += uint32(n) * v
	}
	for c, v := range k.classes {
		to := &s.perClass[c]
		to.Busy += n * v.Busy
		to.WaitIn += n * v.WaitIn
		to.WaitOut += n * v.WaitOut
	}
	for c, list := range k.opCycles {
		for i, v := range list {
			s.opCycles[c][i] += n * v
		}
	}
}
