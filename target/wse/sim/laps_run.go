package sim

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// lapRun carries out laps without the rules: each PE goes through its program as far as the values it needs have been sent, in rounds over
// all PEs that have not come to the end of the lap. PEs of one part have one core; the order of PEs changes nothing.
type lapRun struct {
	s      *Sim
	k      *lap
	st     *streams
	pos    []int32 // next step of each PE
	wait   []int32 // input queue that it waits for, -1 = none
	upTo   []int32 // per thread: elements that the operation in progress comes to
	parts  [][]int32
	undone [][]int32
	failed atomic.Bool
	moved  []bool

	// Of input queues on colors that turn: their messages in a lap, and how far they have come; by router buffer, what was taken of a source.
	order [][]turnStep
	at    []cursor
	got   []uint32

	// What a lap that fails is taken back to.
	mem      []byte
	regs     []uint32
	ring     []uint32
	sent     []uint32
	taken    []uint32
	gotten   []uint32
	threads  []int32 // those in operation at the beginning of a lap
	standing []thread
}

// repeat carries out lap k as often as it goes, and returns how often that was.
func (s *Sim) repeat(ctx context.Context, k *lap, start int64) (done int64) {
	limit := int64(math.MaxInt64)
	if s.opt.MaxCycles > 0 {
		limit = (s.opt.MaxCycles - (s.cycle - start)) / k.length
	}
	if limit <= 0 {
		return 0
	}
	r := s.newLapRun(k)
	first := slices.Clone(r.standing)
	for done < limit {
		r.save()
		n := min(1+done/4, 64, limit-done)
		got := r.laps(n)
		if got < n {
			r.restore()
			r.laps(got)
		}
		if done += got; got < n {
			break
		}
		if s.tick != nil && s.class[0] >= 0 {
			s.tick(s.cycle+done*k.length, s.args(0))
		}
		if ctx.Err() != nil && !s.offers.asked { // a cancelled launch that was told where to end goes on
			break
		}
	}
	r.st.empty(s)
	for i, t := range r.threads {
		th, at := &s.threads[t], &first[i]
		th.next, th.start, th.since, th.wait, th.why, th.line = at.next, at.start, at.since, at.wait, at.why, at.line
	}
	s.laps.done += done
	s.laps.cycles += done * k.length
	s.advanceTime(done * k.length)
	s.addLaps(k, done)
	return done
}

func (s *Sim) newLapRun(k *lap) *lapRun {
	r := &lapRun{s: s, k: k, st: s.laps.static, pos: make([]int32, len(s.class)), wait: make([]int32, len(s.class)),
		upTo: make([]int32, len(s.threads))}
	r.st.fill(s, k.sent)
	r.order = make([][]turnStep, len(s.inPE))
	if k.takes != nil {
		r.at, r.got = make([]cursor, len(s.inPE)), make([]uint32, len(s.slots))
		for in, order := range k.takes {
			r.order[in] = order
		}
	}
	for i := range s.threads {
		if s.threads[i].d != nil {
			r.threads = append(r.threads, int32(i))
			r.standing = append(r.standing, s.threads[i])
		}
	}
	n := s.Threads
	if n == 0 {
		n = runtime.GOMAXPROCS(0)
	}
	if len(s.class) < crowded {
		n = 1
	}
	var all []int32
	for pe := range s.class {
		if s.class[pe] >= 0 {
			all = append(all, int32(pe))
		}
	}
	for i := range n {
		r.parts = append(r.parts, all[i*len(all)/n:(i+1)*len(all)/n])
	}
	r.undone, r.moved = make([][]int32, n), make([]bool, n)
	return r
}

func (r *lapRun) save() {
	r.mem = append(r.mem[:0], r.s.mem...)
	r.regs = append(r.regs[:0], r.s.regs...)
	r.ring = append(r.ring[:0], r.st.ring...)
	r.sent, r.taken = append(r.sent[:0], r.st.sent...), append(r.taken[:0], r.st.taken...)
	r.gotten = append(r.gotten[:0], r.got...)
	for i, t := range r.threads {
		r.standing[i] = r.s.threads[t]
	}
}

func (r *lapRun) restore() {
	copy(r.s.mem, r.mem)
	copy(r.s.regs, r.regs)
	copy(r.st.ring, r.ring)
	copy(r.st.sent, r.sent)
	copy(r.st.taken, r.taken)
	copy(r.got, r.gotten)
	clear(r.s.threads)
	for i, t := range r.threads {
		r.s.threads[t] = r.standing[i]
	}
	r.failed.Store(false)
}

// laps carries out n laps and returns how many were, after which the state is in disorder when it were fewer.
func (r *lapRun) laps(n int64) int64 {
	for done := range n {
		r.begin()
		for idle := 0; ; {
			var wg sync.WaitGroup
			for i := range r.parts[1:] {
				wg.Add(1)
				go func() {
					defer wg.Done()
					r.round(i+1, idle > 0)
				}()
			}
			r.round(0, idle > 0)
			wg.Wait()
			left, moved := 0, false
			for i := range r.parts {
				left += len(r.undone[i])
				moved = moved || r.moved[i]
			}
			if left == 0 {
				break
			}
			if idle++; moved {
				idle = 0
			}
			if r.failed.Load() || idle > 1 { // a circle of operations that wait for each other's elements would need the rules
				return done
			}
		}
		if r.failed.Load() {
			return done
		}
	}
	return n
}

func (r *lapRun) begin() {
	for i, part := range r.parts {
		r.undone[i] = append(r.undone[i][:0], part...)
	}
	clear(r.pos)
	for pe := range r.wait {
		r.wait[pe] = -1
	}
	for in, order := range r.k.takes {
		if r.at[in] = (cursor{}); len(order) > 0 {
			r.at[in].left = order[0].words
		}
	}
	for _, t := range r.threads {
		r.upTo[t] = -1 // see visit
	}
}

// round visits the PEs of a part that have steps left; with all also those that wait for something that has not come.
func (r *lapRun) round(part int, all bool) {
	moved := false
	kept := r.undone[part][:0]
	for _, pe := range r.undone[part] {
		if in := r.wait[pe]; in >= 0 && !all && r.come(in) == 0 {
			kept = append(kept, pe)
			continue
		}
		before := r.pos[pe]
		end, went := r.visit(int(pe))
		moved = moved || went || r.pos[pe] != before
		if !end {
			kept = append(kept, pe)
		}
	}
	slices.Reverse(kept) // chains of PEs go in either direction
	r.undone[part], r.moved[part] = kept, moved
}

// come is the number of wavelets that an input queue could give.
func (r *lapRun) come(in int32) uint32 {
	_, _, n := r.segment(in)
	return n
}

// visit lets a PE go on; moved says that some element was computed.
func (r *lapRun) visit(pe int) (end, moved bool) {
	s, p := r.s, r.k.of[pe]
	k := p.k
	at := int(s.thrOf[pe])
	thr, upTo := s.threads[at:s.thrOf[pe+1]], r.upTo[at:s.thrOf[pe+1]]
	if r.pos[pe] == 0 && r.wait[pe] < 0 {
		for i := range thr {
			if thr[i].d != nil {
				upTo[i] = p.first[i]
				r.pump(pe, k, &thr[i], upTo[i])
			}
		}
	}
	r.wait[pe] = -1
	for int(r.pos[pe]) < len(p.steps) {
		st := &p.steps[r.pos[pe]]
		switch st.kind {
		case lapIns, lapTaken:
			if !r.issue(pe, k, st, thr, upTo) {
				r.failed.Store(true)
				return true, true
			}
		case lapTake:
			in := s.inOf[pe] - s.inOf[0] + st.thread
			if r.come(in) == 0 {
				r.wait[pe] = in
				return false, r.others(pe, k, thr, upTo) || moved
			}
			if st.arg >= 0 {
				root, taken, _ := r.segment(in)
				s.regs[s.regBase[pe]+st.arg] = *r.st.at(root, taken)
			}
			r.took(in, 1)
		case lapEnd, lapReach:
			th := &thr[st.thread]
			if th.done < upTo[st.thread] {
				n := th.done
				r.pump(pe, k, th, upTo[st.thread])
				moved = moved || th.done != n
			}
			if th.done < upTo[st.thread] {
				r.wait[pe] = s.inOf[pe] - s.inOf[0] + th.d.src[th.d.fabIn].queue
				return false, r.others(pe, k, thr, upTo) || moved
			}
			if st.kind == lapReach {
				break
			}
			if d := th.d; d.reduce {
				s.store(s.memBase[pe]+int(th.base[0]), int(d.dst.bytes), th.acc)
			}
			*th = thread{}
		}
		r.pos[pe]++
	}
	return true, true
}

// others lets all operations in progress go on as far as they can: another PE may wait for what they send.
func (r *lapRun) others(pe int, k *code, thr []thread, upTo []int32) (moved bool) {
	for i := range thr {
		if th := &thr[i]; th.d != nil && th.done < upTo[i] {
			n := th.done
			r.pump(pe, k, th, upTo[i])
			moved = moved || th.done != n
		}
	}
	return moved
}

// issue carries out an instruction and reports whether it did what it did in the lap that was written down.
func (r *lapRun) issue(pe int, k *code, st *lapStep, thr []thread, upTo []int32) bool {
	s, in := r.s, &k.ins[st.pc]
	switch in.kind {
	case iSet:
		s.setReg(pe, in)
	case iLoad:
		return s.loadReg(pe, in) == nil
	case iBranch, iLoop:
		return in.jumps(s, pe) == (st.kind == lapTaken)
	case iOp:
		th, err := s.prepared(pe, st.pc, in)
		if err != nil || th.base != *st.base && (!st.moves || th.rate() != st.rate) {
			return false
		}
		if st.mem {
			s.runInMemory(pe, &th)
			break
		}
		thr[st.thread], upTo[st.thread] = th, st.upTo
		r.pump(pe, k, &thr[st.thread], st.upTo)
	}
	return true
}

// pump lets an operation go on up to an element, as far as its wavelets have come.
func (r *lapRun) pump(pe int, k *code, th *thread, upTo int32) {
	for r.stretch(pe, k, th, upTo) {
	}
}

// stretch is pump up to the end of a message of a sender; more says that another one's may follow.
func (r *lapRun) stretch(pe int, k *code, th *thread, upTo int32) (more bool) {
	s, d := r.s, th.d
	if d.dst.control {
		th.done = upTo
		return false
	}
	var in int32
	var come, taken, first uint32
	var from []uint32
	if d.fabIn >= 0 {
		in = s.inOf[pe] - s.inOf[0] + d.src[d.fabIn].queue
		var root int32
		if root, first, come = r.segment(in); come > 0 {
			from, taken = r.st.ring[r.st.base[root]:r.st.base[root]+int(r.st.mask[root])+1], first
		}
	}
	root := int32(-1)
	var sent uint32
	if d.fabOut {
		root = s.outSlot[s.outBind[pe]+d.dst.queue]
		sent = r.st.sent[root]
	}
	for th.done < upTo {
		if d.fabIn >= 0 && th.done%d.src[d.fabIn].perW == 0 {
			if come == 0 {
				break
			}
			come--
			th.in = from[taken&uint32(len(from)-1)]
			taken++
		}
		v := s.element(pe, k, th, 0)
		if root >= 0 {
			th.out = packed(th.out, v, th.done, d.dst.perW)
			if th.done%d.dst.perW == d.dst.perW-1 || th.done == d.n-1 {
				*r.st.at(root, sent) = th.out
				sent++
			}
		}
		th.done++
	}
	if from != nil {
		r.took(in, taken-first)
		more = th.done < upTo && r.order[in] != nil
	}
	if root >= 0 {
		atomic.StoreUint32(&r.st.sent[root], sent)
	}
	return more
}
