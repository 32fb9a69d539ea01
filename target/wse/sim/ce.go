package sim

import (
	"math/bits"

	"github.com/wfc-lang/wfc/target/wse"
)

// stepCE lets the compute element of a PE act in cycle t: microthreads by
// ascending id, then the task that runs.
func (s *Sim) stepCE(pe int, t int64) error {
	k := s.codes[s.class[pe]]
	thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]]
	main := &thr[len(thr)-1]
	for m := s.running[pe]; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(m)
		n := thr[i].done
		if err := s.advance(pe, k, &thr[i], t); err != nil {
			return err
		}
		if s.m.StealTicks > 0 && (thr[i].d == nil || thr[i].done != n) {
			s.steal(pe, main, t)
		}
	}
	if main.d != nil {
		if err := s.advance(pe, k, main, t); err != nil {
			return err
		}
		if main.d == nil {
			s.mainReady[pe] = t + 1
		}
	}
	for main.d == nil && s.mainReady[pe] <= t {
		if s.pc[pe] < 0 {
			ok, err := s.pick(pe, k, t)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			continue
		}
		pc := s.pc[pe]
		if err := s.issue(pe, k, t); err != nil {
			return err
		}
		if s.rec != nil {
			s.rec.ins(s, pe, k, pc)
		}
	}
	s.ceNext[pe] = s.nextCE(pe, k, thr, t)
	return nil
}

// steal charges the CE for a microthread that moved data in cycle t while the CE worked.
func (s *Sim) steal(pe int, main *thread, t int64) {
	switch {
	case main.d != nil:
		main.next += int64(s.m.StealTicks)
	case s.mainReady[pe] > t && s.pc[pe] >= 0:
		s.debt[pe] += int64(s.m.StealTicks)
		n := s.debt[pe] / ticks
		s.debt[pe] -= n * ticks
		s.mainReady[pe] += n
		s.busy(pe, -1, n)
	}
}

// nextCE is the first cycle after t in which the CE can act by itself; what
// arrives from outside lowers it.
func (s *Sim) nextCE(pe int, k *code, thr []thread, t int64) int64 {
	next := int64(never)
	for m := s.running[pe]; m != 0; m &= m - 1 {
		next = min(next, s.nextOf(pe, k, &thr[bits.TrailingZeros64(m)], t))
	}
	if main := &thr[len(thr)-1]; main.d != nil {
		return min(next, s.nextOf(pe, k, main, t))
	}
	if s.dyn != nil && s.flushing[pe] {
		return next
	}
	if s.pc[pe] >= 0 || s.active[pe]&^s.blocked[pe] != 0 {
		return min(next, max(t+1, s.mainReady[pe]))
	}
	for i := range k.inputs {
		if s.wanted(pe, k, thr, int32(i)) {
			f := &s.fifos[s.inOf[pe]+int32(i)]
			next = min(next, max(t+1, s.mainReady[pe], s.head(f).ready))
		}
	}
	return next
}

// nextOf is nextCE of an operation in progress.
func (s *Sim) nextOf(pe int, k *code, th *thread, t int64) int64 {
	switch th.wait {
	case waitNone:
		return max(t+1, th.next/ticks)
	case waitPop, waitPush:
		if s.canResume(pe, k, th) {
			return t + 1
		}
	case waitIn:
		if f := &s.fifos[s.inOf[pe]+th.d.src[th.d.fabIn].queue]; f.n > 0 {
			if w := s.head(f); w.aux&isControl == 0 || th.d.onCtl {
				return max(t+1, w.ready)
			}
		}
	}
	return never
}

// wanted reports whether the head of an input queue can start a task, once it is
// ready.
func (s *Sim) wanted(pe int, k *code, thr []thread, in int32) bool {
	f := &s.fifos[s.inOf[pe]+in]
	if f.n == 0 || s.shut[pe]>>in&1 == 1 {
		return false
	}
	w := s.head(f)
	if w.aux&isControl != 0 {
		for i := range thr {
			if d := thr[i].d; d != nil && d.onCtl && d.src[d.fabIn].queue == in {
				return false // it is for the operation
			}
		}
		i := k.control(w.val)
		return i < 0 || s.blocked[pe]>>i&1 == 0
	}
	if i := k.dataTask(in); i < 0 || s.blocked[pe]>>i&1 == 1 {
		return false
	}
	return !receiving(thr, in)
}

func receiving(thr []thread, in int32) bool {
	for i := range thr {
		if d := thr[i].d; d != nil && d.fabIn >= 0 && d.src[d.fabIn].queue == in {
			return true
		}
	}
	return false
}

// control is the task of a control wavelet, bits 16 to 21 of its payload, or -1.
func (k *code) control(val uint32) int32 {
	for _, i := range k.controls {
		if k.tasks[i].t.ID == int(val>>16&63) {
			return i
		}
	}
	return -1
}

func (k *code) dataTask(in int32) int32 {
	for _, i := range k.data {
		if k.tasks[i].queue == in {
			return i
		}
	}
	return -1
}

// pick starts the next task: of the most urgent, local tasks by id, control wavelets, data tasks.
func (s *Sim) pick(pe int, k *code, t int64) (bool, error) {
	if !k.urgent {
		return s.pickOf(pe, k, t, -1)
	}
	for rank := 0; rank < 3; rank++ {
		if ok, err := s.pickOf(pe, k, t, rank); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// pickOf starts the next task of a rank, or of any for -1.
func (s *Sim) pickOf(pe int, k *code, t int64, rank int) (bool, error) {
	is := func(i int32) bool {
		return rank < 0 || i >= 0 && k.tasks[i].t.Priority.Rank() == rank || i < 0 && rank == 0
	}
	run := s.active[pe] &^ s.blocked[pe]
	if run != 0 {
		for _, i := range k.locals {
			if run>>i&1 == 1 && is(i) {
				s.active[pe] &^= 1 << i
				s.start(pe, k, i, t, s.m.LocalDispatch)
				return true, nil
			}
		}
	}
	for _, i := range k.handlers { // the system's task has the highest id
		if run>>i&1 == 1 && is(i) {
			s.active[pe] &^= 1 << i
			s.start(pe, k, i, t, s.m.TearDispatch)
			return true, nil
		}
	}
	thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]]
	for _, ctl := range []int32{isControl, 0} {
		for in := int32(0); in < int32(len(k.inputs)); in++ {
			if !s.wanted(pe, k, thr, in) {
				continue
			}
			f := &s.fifos[s.inOf[pe]+in]
			if w := s.head(f); w.ready > t || w.aux&isControl != ctl || ctl != 0 && !is(k.control(w.val)) || ctl == 0 && !is(k.dataTask(in)) {
				continue
			}
			i, cost := k.dataTask(in), s.m.DataDispatch
			if s.tr != nil {
				s.tr.take(pe, nil, in, t)
			}
			w := s.pop(f)
			s.rnext[pe] = min(s.rnext[pe], t+1) // room in the queue
			if ctl != 0 {
				if i, cost = k.control(w.val), s.m.CtlDispatch; i < 0 {
					return false, s.fail(pe, "", "a control wavelet on queue %s asks for control task %d, which the class does not have",
						k.inputs[in].Name, w.val>>16&63)
				}
				w.val &= 0xffff
			}
			s.consumed++
			if a := k.tasks[i].arg; a >= 0 {
				s.regs[s.regBase[pe]+a] = w.val
			}
			if s.rec != nil {
				s.rec.take(pe, in, k.tasks[i].arg, ctl)
			}
			s.start(pe, k, i, t, cost)
			return true, nil
		}
	}
	return false, nil
}

func (s *Sim) start(pe int, k *code, i int32, t int64, cost int) {
	if s.laps != nil && pe == s.laps.pilot {
		s.laps.due = true
	}
	s.pc[pe], s.curTask[pe] = k.tasks[i].entry, i
	s.mainReady[pe] = t + int64(cost)
	s.busy(pe, -1, int64(cost))
	if s.tr != nil {
		s.tr.task(EvDispatch, pe, t, int64(cost))
	}
}

// busy charges cycles to the class, and to the instruction when counted.
func (s *Sim) busy(pe int, pc int32, n int64) {
	c := s.class[pe]
	s.perClass[c].Busy += n
	if pc >= 0 {
		s.opCycles[c][pc] += n
	}
}

func (s *Sim) val(pe int, v value) int32 {
	if v.reg < 0 {
		return v.imm
	}
	return int32(s.regs[s.regBase[pe]+v.reg])
}

// setReg and loadReg put a value into a register.
func (s *Sim) setReg(pe int, in *ins) {
	a, b := s.val(pe, in.a), s.val(pe, in.b)
	switch in.fn {
	case wse.SetAdd:
		a += b
	case wse.SetSub:
		a -= b
	case wse.SetMul:
		a *= b
	}
	s.regs[s.regBase[pe]+in.dst] = uint32(a)
}

func (s *Sim) loadReg(pe int, in *ins) error {
	at, err := s.resolve(pe, in.from, in.line)
	if err != nil {
		return err
	}
	s.regs[s.regBase[pe]+in.dst] = s.loadMem(s.memBase[pe]+int(at), int(in.from.bytes))
	return nil
}

// issue executes one instruction of the running task.
func (s *Sim) issue(pe int, k *code, t int64) error {
	pc := s.pc[pe]
	in := &k.ins[pc]
	s.pc[pe]++
	cost := in.cost[0]
	switch in.kind {
	case iOp:
		return s.issueOp(pe, k, pc, in, t)
	case iEnd:
		s.pc[pe] = -1
		if s.tr != nil {
			s.tr.task(EvTaskEnd, pe, t, 0)
		}
		return nil
	case iSet:
		s.setReg(pe, in)
	case iLoad:
		if err := s.loadReg(pe, in); err != nil {
			return err
		}
	case iBranch:
		if !in.cmp.Holds(s.val(pe, in.a), s.val(pe, in.b)) {
			s.pc[pe], cost = in.target, in.cost[1]
		}
	case iLoop:
		if s.laps != nil && pe == s.laps.pilot {
			s.laps.due = true
		}
		if in.cmp.Holds(s.val(pe, in.a), s.val(pe, in.b)) {
			s.pc[pe], cost = in.target, in.cost[1]
		}
	case iJump:
		s.pc[pe] = in.target
	case iCtl:
		if in.ctlTsk < 0 {
			q := uint64(1) << in.queue
			if s.shut[pe] |= q; in.ctl == wse.Unblock {
				s.shut[pe] &^= q
			}
			break
		}
		bit := uint64(1) << in.ctlTsk
		switch in.ctl {
		case wse.Activate:
			s.active[pe] |= bit
			s.hold(pe, in.ctlTsk, t)
		case wse.Block:
			s.blocked[pe] |= bit
		case wse.Unblock:
			s.blocked[pe] &^= bit
		case wse.Offer:
			if err := s.offer(pe, in, t); err != nil {
				return err
			}
		}
	case iStamp:
		at, err := s.resolve(pe, in.from, in.line)
		if err != nil {
			return err
		}
		b := int(in.from.bytes)
		for i, v := 0, uint64(t); i < in.from.dims[0].Len; i, v = i+1, v>>(8*b) {
			s.store(s.memBase[pe]+int(at)+i*b, b, uint32(v))
		}
	case iReroute:
		if s.findSlot(pe, int32(in.route.Color)) < 0 {
			return s.fail(pe, in.line, "this router has no route of color %d to change", in.route.Color)
		}
		s.laters = append(s.laters, later{pe: int32(pe), line: in.line, reroute: in.route})
	case iRebind:
		ok, err := s.rebind(pe, k, in)
		if err != nil {
			return err
		}
		if !ok {
			s.pc[pe], s.mainReady[pe] = pc, t+1
			return nil
		}
	case iExit:
		if s.exited[pe] {
			return s.fail(pe, in.line, "exit is executed a second time in this launch")
		}
		s.exited[pe] = true
		s.nExited++
		s.stats.lastExit = t
		if s.tr != nil {
			s.tr.task(EvExit, pe, t, 0)
		}
	}
	n := int64(max(1, cost))
	s.mainReady[pe] = t + n
	s.busy(pe, pc, n)
	if s.tr != nil {
		s.tr.ins(pe, pc, t, n)
	}
	return nil
}
