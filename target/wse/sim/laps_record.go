package sim

import (
	"encoding/binary"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// lapRecord is a lap that is being written down.
type lapRecord struct {
	from    int64
	last    int64 // cycle in which the pilot was as in from
	misses  int   // times that the pilot was as it was and not all others
	key     []byte
	state   []byte
	ends    []uint32
	events  [][]uint32 // of each PE
	refused bool       // something happened that laps do not know

	links                      []uint32
	injected, copied, consumed int64
	classes                    []ClassStats
	opCycles                   [][]int64
}

// An event is a word: its kind in the lowest bits, then an instruction, an input queue or a thread. Operations with an index are followed by
// the places of their operands.
const (
	lapIns   = iota // instruction
	lapTaken        // a branch that jumps
	lapTake         // the argument of a data task: queue, and the register after it, or -1
	lapEnd          // of a thread's operation
	lapReach        // at the end of a lap: a thread has come as far as it was at the beginning
	lapKinds = 8
)

const manyEvents = 1 << 12 // of a PE in a lap

func (s *Sim) newRecord(key []byte) *lapRecord {
	s.settle(s.cycle)
	s.gather()
	r := &lapRecord{from: s.cycle, last: s.cycle, key: slices.Clone(key), events: s.laps.events,
		links: slices.Clone(s.links), injected: s.injected, copied: s.copied,
		consumed: s.consumed, classes: slices.Clone(s.perClass)}
	if r.events == nil {
		r.events = make([][]uint32, len(s.class))
		s.laps.events = r.events
	}
	for pe := range r.events {
		r.events[pe] = r.events[pe][:0]
	}
	r.state, r.ends = s.states()
	for _, list := range s.opCycles {
		r.opCycles = append(r.opCycles, slices.Clone(list))
	}
	return r
}

func (r *lapRecord) add(pe int, kind, what int) {
	if r.events[pe] = append(r.events[pe], uint32(kind+lapKinds*what)); len(r.events[pe]) > manyEvents {
		r.refused = true
	}
}

// ins is told that a PE has issued instruction pc.
func (r *lapRecord) ins(s *Sim, pe int, k *code, pc int32) {
	in := &k.ins[pc]
	switch in.kind {
	case iOp:
		d := in.dsd
		if d.fifos || d.onCtl || d.dst.control && !s.turnsBack(pe, d) || d.dst.advance {
			r.refused = true
		}
		r.add(pe, lapIns, int(pc))
		if d.indexed {
			if th, err := s.prepared(pe, pc, in); err == nil { // it has been issued: operands of an operation cannot move its own index
				for _, at := range th.base {
					r.events[pe] = append(r.events[pe], uint32(at))
				}
			}
		}
	case iSet, iLoad:
		r.add(pe, lapIns, int(pc))
	case iBranch, iLoop:
		if in.jumps(s, pe) {
			r.add(pe, lapTaken, int(pc))
		} else {
			r.add(pe, lapIns, int(pc))
		}
	case iCtl:
		r.refused = r.refused || in.ctlTsk >= 0 && in.ctl == wse.Offer
	case iExit, iReroute, iRebind, iStamp:
		r.refused = true
	}
}

// take is told that a data task, whose argument is register arg, takes a wavelet.
func (r *lapRecord) take(pe int, in, arg, ctl int32) {
	if ctl != 0 {
		r.refused = true
	}
	r.add(pe, lapTake, int(in))
	r.events[pe] = append(r.events[pe], uint32(arg))
}

func (r *lapRecord) end(pe int, thread int32) { r.add(pe, lapEnd, int(thread)) }

// jumps reports whether a branch or loop does, from the registers it reads.
func (in *ins) jumps(s *Sim, pe int) bool {
	holds := in.cmp.Holds(s.val(pe, in.a), s.val(pe, in.b))
	return holds == (in.kind == iLoop)
}

// lapProgram is what PEs of one class do in a lap: all of them that did the same.
type lapProgram struct {
	k     *code
	first []int32 // per thread: elements that the operation in progress at the beginning comes to; -1 = none
	steps []lapStep
	sends []uint32 // wavelets into each output queue
}

type lapStep struct {
	kind   uint8
	mem    bool // an operation in memory alone
	moves  bool // its operands may lie elsewhere in another lap
	pc     int32
	thread int32 // or input queue
	arg    int32 // register of a data task
	upTo   int32 // elements of an operation that begins
	base   *[4]int32
	rate   wse.Rate // with operands at base
}

// compileLap makes a lap of a record, or nil when it cannot be repeated.
func (s *Sim) compileLap(r *lapRecord) *lap {
	if s.laps.static == nil {
		s.laps.static = s.newStreams()
	}
	s.gather()
	k := &lap{key: r.key, state: r.state, ends: r.ends, length: s.cycle - r.from, of: make([]*lapProgram, len(s.class)), sent: make([]uint32, len(s.slots)),
		links: r.links, injected: s.injected - r.injected, copied: s.copied - r.copied, consumed: s.consumed - r.consumed}
	for i, n := range s.links {
		k.links[i] = n - k.links[i]
	}
	for c, st := range s.perClass {
		o := r.classes[c]
		k.classes = append(k.classes, ClassStats{Busy: st.Busy - o.Busy, WaitIn: st.WaitIn - o.WaitIn, WaitOut: st.WaitOut - o.WaitOut})
		k.opCycles = append(k.opCycles, slices.Clone(s.opCycles[c]))
		for i := range k.opCycles[c] {
			k.opCycles[c][i] -= r.opCycles[c][i]
		}
	}
	s.laps.events = nil // they may be large, and a lap is known now
	known := map[string]*lapProgram{}
	var text []byte
	for pe, c := range s.class {
		if c < 0 {
			continue
		}
		thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]] // as at the beginning
		text = binary.AppendVarint(text[:0], int64(c))
		for i := range thr {
			if thr[i].d != nil {
				for _, v := range []int32{int32(i), thr[i].line, thr[i].done} {
					text = binary.AppendVarint(text, int64(v))
				}
				for _, v := range thr[i].base {
					text = binary.AppendVarint(text, int64(v))
				}
			}
		}
		text = binary.AppendVarint(text, -1)
		for _, e := range r.events[pe] {
			text = binary.LittleEndian.AppendUint32(text, e)
		}
		p, ok := known[string(text)]
		if !ok {
			if p = s.lapProgram(s.codes[c], thr, r.events[pe]); p == nil {
				return nil
			}
			known[string(text)] = p
		}
		k.of[pe] = p
		for q, n := range p.sends {
			if n > 0 {
				k.sent[s.outSlot[int(s.outBind[pe])+q]] += n
			}
		}
	}
	if s.laps.turns != nil {
		if k.takes = s.inTurn(k); k.takes == nil {
			return nil
		}
	}
	return k
}

// busy is an operation in progress while a lap is compiled.
type lapBusy struct {
	d    *dsd
	base [4]int32
}

func (s *Sim) lapProgram(k *code, thr []thread, events []uint32) *lapProgram {
	p := &lapProgram{k: k, first: make([]int32, len(thr)), sends: make([]uint32, len(k.outputs))}
	open := make([]lapBusy, len(thr))
	begun := make([]int, len(thr)) // step that began what is in progress; -1 = it was before
	for i := range thr {
		p.first[i], begun[i] = -1, -1
		if d := thr[i].d; d != nil {
			p.first[i], open[i] = d.n, lapBusy{d, thr[i].base}
		}
	}
	for len(events) > 0 {
		e := events[0]
		events = events[1:]
		st := lapStep{kind: uint8(e % lapKinds)}
		what := int32(e / lapKinds)
		switch st.kind {
		case lapIns, lapTaken:
			in := &k.ins[what]
			st.pc = what
			if in.kind == iLoad {
				at := in.from.base
				st.moves = in.from.indexReg >= 0
				for _, o := range open {
					if o.d != nil && (st.moves || o.writes(at, at+in.from.bytes)) {
						return nil
					}
				}
			}
			if in.kind != iOp {
				break
			}
			d := in.dsd
			st.base = &[4]int32{}
			if st.moves = d.indexed; st.moves {
				for i := range st.base {
					st.base[i] = int32(events[i])
				}
				events = events[4:]
			} else {
				st.base[0] = d.dst.base
				for i := range d.nsrc {
					st.base[i+1] = d.src[i].base
				}
			}
			x := lapBusy{d, *st.base}
			for _, o := range open {
				if o.d != nil && (o.clashes(&x) || x.clashes(&o)) {
					return nil
				}
				st.moves = st.moves && o.d == nil
			}
			th := thread{d: d, base: *st.base}
			st.rate = th.rate()
			if st.mem = d.fabIn < 0 && !d.fabOut; st.mem {
				break
			}
			st.moves = false
			st.thread, st.upTo = d.thread, d.n
			open[d.thread], begun[d.thread] = x, len(p.steps)
		case lapTake:
			st.thread, st.arg = what, int32(events[0])
			events = events[1:]
		case lapEnd:
			st.thread = what
			open[what].d = nil
		}
		p.steps = append(p.steps, st)
	}
	for i := range thr {
		switch {
		case open[i].d == nil:
		case begun[i] >= 0:
			p.steps[begun[i]].upTo = thr[i].done
			p.steps = append(p.steps, lapStep{kind: lapReach, thread: int32(i)})
		default:
			p.first[i] = thr[i].done // no end, no beginning: it stands
		}
		if d := thr[i].d; d != nil {
			p.send(d, d.words(p.first[i])-d.words(thr[i].done))
		}
	}
	for _, st := range p.steps {
		if in := &k.ins[st.pc]; st.kind == lapIns && in.kind == iOp && !st.mem {
			p.send(in.dsd, in.dsd.words(st.upTo))
		}
	}
	return p
}

func (p *lapProgram) send(d *dsd, n uint32) {
	if d.fabOut && !d.dst.control {
		p.sends[d.dst.queue] += n
	}
}

// words is how many wavelets the first n elements of an operation fill.
func (d *dsd) words(n int32) uint32 {
	switch {
	case !d.fabOut:
		return 0
	case n == d.n:
		n += d.dst.perW - 1
	}
	return uint32(n / d.dst.perW)
}

// writes reports whether an operation in progress changes bytes from .. to-1 of its PE.
func (o *lapBusy) writes(from, to int32) bool {
	x := &o.d.dst
	if x.kind != wse.Mem && x.kind != wse.Scalar {
		return false
	}
	return o.base[0]+x.minOff < to && from < o.base[0]+x.maxOff+x.bytes
}

// clashes reports whether an operation in progress changes what another reads or writes.
func (o *lapBusy) clashes(x *lapBusy) bool {
	for i, y := range append([]operand{x.d.dst}, x.d.src[:x.d.nsrc]...) {
		if (y.kind == wse.Mem || y.kind == wse.Scalar) && o.writes(x.base[i]+y.minOff, x.base[i]+y.maxOff+y.bytes) {
			return true
		}
	}
	return false
}
