package sim

import (
	"encoding/binary"

	"github.com/wfc-lang/wfc/target/wse"
)

// resolve gives the byte offset of an operand's first element in the PE's data.
func (s *Sim) resolve(pe int, x *operand, line string) (int32, error) {
	if x.indexReg < 0 {
		return x.base, nil
	}
	at := int64(x.base) + int64(int32(s.regs[s.regBase[pe]+x.indexReg]))*int64(x.scale)
	if at+int64(x.minOff) < int64(x.lo) || at+int64(x.maxOff)+int64(x.bytes) > int64(x.hi) {
		return 0, s.fail(pe, line, "elements %d to %d of %s are used, which has %d",
			(at+int64(x.minOff)-int64(x.lo))/int64(x.bytes), (at+int64(x.maxOff)-int64(x.lo))/int64(x.bytes), x.name, (x.hi-x.lo)/x.bytes)
	}
	return int32(at), nil
}

// prepared is an operation with what is read when it is issued: where its operands begin, and its scalars.
func (s *Sim) prepared(pe int, pc int32, in *ins) (th thread, err error) {
	d := in.dsd
	th.d, th.line = d, pc
	if d.dst.kind == wse.Mem || d.dst.kind == wse.Scalar {
		if th.base[0], err = s.resolve(pe, &d.dst, in.line); err != nil {
			return th, err
		}
	}
	for i := 0; i < d.nsrc; i++ {
		x := &d.src[i]
		switch x.kind {
		case wse.Mem, wse.Scalar:
			if th.base[i+1], err = s.resolve(pe, x, in.line); err != nil {
				return th, err
			}
			if x.kind == wse.Scalar {
				th.val[i] = s.loadMem(s.memBase[pe]+int(th.base[i+1]), int(x.bytes))
			}
		case wse.Imm:
			th.val[i] = x.bits
		case wse.Reg:
			th.val[i] = s.regs[s.regBase[pe]+x.reg]
			if x.perW == 2 {
				th.val[i] &= 0xffff
			}
		}
	}
	if d.reduce {
		th.acc = th.val[0]
	}
	return th, nil
}

// issueOp starts a DSD operation: at once without fabric, else as a thread.
func (s *Sim) issueOp(pe int, k *code, pc int32, in *ins, t int64) error {
	d := in.dsd
	th, err := s.prepared(pe, pc, in)
	if err != nil {
		return err
	}
	th.start, th.next = t, (t+int64(s.m.FabricSetup))*ticks
	if d.fabIn < 0 && !d.fabOut && !d.fifos {
		s.runInMemory(pe, &th)
		n := max(1, th.rate().Cycles(int(d.n)))
		s.mainReady[pe] = t + n
		s.busy(pe, pc, n)
		if s.tr != nil {
			s.tr.ins(pe, pc, t, n)
		}
		return nil
	}
	thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]]
	if o := thr[d.thread].d; o != nil {
		return s.fail(pe, in.line, "microthread %d still runs %q from %s", k.threads[d.thread], o.op.String(), o.op.Line)
	}
	if o := clash(k, thr, d); o != nil {
		return s.fail(pe, in.line, "queue is still used by %q from %s", o.op.String(), o.op.Line)
	}
	thr[d.thread] = th
	if d.op.Async {
		s.running[pe] |= 1 << d.thread
		n := int64(max(1, s.m.AsyncIssue))
		s.mainReady[pe] = t + n
		s.busy(pe, pc, n)
		if s.tr != nil {
			s.tr.ins(pe, pc, t, n)
		}
	}
	if s.tr != nil {
		s.tr.op(EvOpBegin, pe, &th, t, 0)
	}
	return nil
}

// rate is that of the operation with its memory sources where they are.
func (th *thread) rate() wse.Rate {
	p := &th.d.place
	if p.Pair[0] < 0 {
		return th.d.rate
	}
	return p.At(int(th.base[p.Pair[0]+1])+th.d.origin, int(th.base[p.Pair[1]+1])+th.d.origin)
}

// clash finds an operation in progress on one of d's queues.
func clash(k *code, thr []thread, d *dsd) *dsd {
	for i := range thr {
		o := thr[i].d
		if o == nil {
			continue
		}
		if d.fabIn >= 0 && o.fabIn >= 0 && d.src[d.fabIn].queue == o.src[o.fabIn].queue {
			return o
		}
		if d.fifoIn >= 0 && o.fifoIn >= 0 && d.src[d.fifoIn].queue == o.src[o.fifoIn].queue ||
			d.dst.kind == wse.Queued && o.dst.kind == wse.Queued && d.dst.queue == o.dst.queue {
			return o
		}
		if d.fabOut && o.fabOut && k.outHW[d.dst.queue] == k.outHW[o.dst.queue] {
			return o
		}
	}
	return nil
}

// runInMemory executes a whole operation without fabric operands.
func (s *Sim) runInMemory(pe int, th *thread) {
	d := th.d
	mem := s.mem[s.memBase[pe]:s.memBase[pe+1]]
	get := func(j int, i int32) uint32 {
		x := &d.src[j]
		if x.kind != wse.Mem {
			return th.val[j]
		}
		at := int(th.base[j+1] + x.at(i))
		if x.bytes == 2 {
			return uint32(binary.LittleEndian.Uint16(mem[at:]))
		}
		return binary.LittleEndian.Uint32(mem[at:])
	}
	if d.reduce {
		acc := th.acc
		for i := int32(0); i < d.n; i++ {
			b, c := get(1, i), uint32(0)
			if d.nsrc > 2 {
				c = get(2, i)
			}
			acc = d.fn(acc, b, c)
		}
		s.store(s.memBase[pe]+int(th.base[0]), int(d.dst.bytes), acc)
		return
	}
	for i := int32(0); i < d.n; i++ {
		a, b, c := get(0, i), uint32(0), uint32(0)
		if d.nsrc > 1 {
			b = get(1, i)
		}
		if d.nsrc > 2 {
			c = get(2, i)
		}
		v := d.fn(a, b, c)
		at := int(th.base[0])
		if d.dst.kind == wse.Mem {
			at += int(d.dst.at(i))
		}
		if d.dst.bytes == 2 {
			binary.LittleEndian.PutUint16(mem[at:], uint16(v))
		} else {
			binary.LittleEndian.PutUint32(mem[at:], v)
		}
	}
}

// advance moves a thread in cycle t: at most one wavelet in and one out.
func (s *Sim) advance(pe int, k *code, th *thread, t int64) error {
	d := th.d
	end := (t + 1) * ticks
	var in, out *fifo
	if d.fabIn >= 0 {
		in = &s.fifos[s.inOf[pe]+d.src[d.fabIn].queue]
	}
	if d.fabOut {
		out = &s.fifos[s.outOf[pe]+k.outHW[d.dst.queue]]
	}
	popped, pushed := false, false
	for th.done < d.n {
		if th.next >= end {
			s.wake(pe, th, t)
			return nil
		}
		take := in != nil && th.done%d.src[d.fabIn].perW == 0
		give := out != nil && (th.done%d.dst.perW == d.dst.perW-1 || th.done == d.n-1)
		if take && popped || give && pushed {
			th.next = max(th.next, end) // one wavelet per cycle and direction
			s.wake(pe, th, t)
			return nil
		}
		if take && d.onCtl && in.n > 0 && s.head(in).ready <= t && s.head(in).aux&isControl != 0 {
			s.wake(pe, th, t)
			if s.tr != nil {
				s.tr.take(pe, th, d.src[d.fabIn].queue, t)
			}
			s.pop(in)
			s.rnext[pe] = min(s.rnext[pe], t+1)
			s.consumed++
			s.finishWith(pe, th, t, d.ctlDone, d.ctlTsk)
			return nil
		}
		if take && (in.n == 0 || s.head(in).ready > t || s.head(in).aux&isControl != 0) {
			s.sleep(pe, th, waitIn, t)
			return nil
		}
		if give && out.n == out.cap {
			s.sleep(pe, th, waitOut, t)
			return nil
		}
		if d.fifos {
			if w := s.starved(pe, k, th, t); w != waitNone {
				s.sleep(pe, th, w, t)
				return nil
			}
		}
		s.wake(pe, th, t)
		if take {
			if in.n == in.cap {
				s.rnext[pe] = min(s.rnext[pe], t+1) // the router may have waited for room
			}
			if s.tr != nil {
				s.tr.take(pe, th, d.src[d.fabIn].queue, t)
			}
			th.in, popped = s.pop(in).val, true
			s.consumed++
		}
		v := s.element(pe, k, th, t)
		if out != nil {
			th.out = packed(th.out, v, th.done, d.dst.perW)
			if give {
				if err := s.send(pe, k, th, out, t); err != nil {
					return err
				}
				pushed = true
			}
		}
		th.done++
		th.next = max(th.next, t*ticks) + int64(th.rate().Ticks)
	}
	if d.dst.advance {
		if pushed {
			th.next = max(th.next, end)
			s.wake(pe, th, t)
			return nil
		}
		if out.n == out.cap {
			s.sleep(pe, th, waitOut, t)
			return nil
		}
		s.wake(pe, th, t)
		th.tail, th.out = true, wse.ControlWord(-1, 0, wse.CmdAdvance)
		if err := s.send(pe, k, th, out, t); err != nil {
			return err
		}
	}
	s.finishWith(pe, th, t, d.done, d.doneTsk)
	return nil
}

// packed puts element i into the wavelet under construction.
func packed(w, v uint32, i, perW int32) uint32 {
	switch {
	case perW == 1:
		return v
	case i%2 == 0:
		return v & 0xffff
	}
	return w | v<<16
}

// element computes element th.done, stores it unless it goes to the fabric, and
// returns it.
func (s *Sim) element(pe int, k *code, th *thread, t int64) uint32 {
	d, i := th.d, th.done
	var v [3]uint32
	for j := 0; j < d.nsrc; j++ {
		x := &d.src[j]
		switch x.kind {
		case wse.Mem:
			v[j] = s.loadMem(s.memBase[pe]+int(th.base[j+1]+x.at(i)), int(x.bytes))
		case wse.Queued:
			v[j] = s.loadMem(s.memBase[pe]+int(s.popMem(pe, k, x.queue, x.bytes, t)), int(x.bytes))
		case wse.Fabric:
			v[j] = th.in
			if x.perW == 2 {
				v[j] = th.in >> (16 * uint(i%2)) & 0xffff
			}
		default:
			v[j] = th.val[j]
		}
	}
	if d.reduce {
		th.acc = d.fn(th.acc, v[1], v[2])
		return th.acc
	}
	r := d.fn(v[0], v[1], v[2])
	switch d.dst.kind {
	case wse.Mem:
		s.store(s.memBase[pe]+int(th.base[0]+d.dst.at(i)), int(d.dst.bytes), r)
	case wse.Queued:
		s.store(s.memBase[pe]+int(s.pushMem(pe, k, d.dst.queue, d.dst.bytes, t)), int(d.dst.bytes), r)
	case wse.Scalar:
		s.store(s.memBase[pe]+int(th.base[0]), int(d.dst.bytes), r)
	}
	return r
}

func (s *Sim) send(pe int, k *code, th *thread, out *fifo, t int64) error {
	q := th.d.dst.queue
	to := s.outSlot[s.outBind[pe]+q]
	if to < 0 {
		return s.fail(pe, th.d.op.Line, "queue %s sends color %d, which this router does not accept from the ramp",
			k.outputs[q].Name, k.outputs[q].Color(pe%s.w, pe/s.w))
	}
	w := wavelet{ready: t + 1, val: th.out, aux: to}
	if th.d.dst.control || th.tail {
		w.aux |= isControl
	}
	if th.d.dst.own && th.done == th.d.n-1 {
		w.aux |= isLast
	}
	s.push(out, w)
	s.queued[pe] |= 1 << k.outHW[q]
	if s.tr != nil {
		s.tr.send(pe, th, out, t)
	}
	s.rnext[pe] = min(s.rnext[pe], t+1)
	s.injected++
	return nil
}

func (s *Sim) sleep(pe int, th *thread, k waitKind, t int64) {
	if th.wait != k {
		if s.tr != nil {
			s.tr.sleep(pe, th, k, t)
		}
		th.wait, th.since = k, t
	}
}

// wake ends a stall and charges it.
func (s *Sim) wake(pe int, th *thread, t int64) {
	if th.wait != waitNone {
		s.woken(pe, th, t)
	}
}

func (s *Sim) woken(pe int, th *thread, t int64) {
	if s.tr != nil {
		s.tr.wake(pe, th, t)
	}
	if !th.d.op.Async {
		if th.wait == waitIn || th.wait == waitPop {
			s.stall(pe, t-th.since, 0)
		} else {
			s.stall(pe, 0, t-th.since)
		}
	}
	th.wait = waitNone
}

// stall charges cycles in which a synchronous operation waited for wavelets or for room.
func (s *Sim) stall(pe int, in, out int64) {
	c := &s.perClass[s.class[pe]]
	c.WaitIn += in
	c.WaitOut += out
	c.Busy -= in + out // finishWith charges the operation as a whole
	if s.trains != nil {
		s.trains.stalls[pe][0] += in
		s.trains.stalls[pe][1] += out
	}
}

// finishWith ends the operation of a thread in cycle t with a completion.
func (s *Sim) finishWith(pe int, th *thread, t int64, done wse.CompletionKind, task int32) {
	d := th.d
	if s.tr != nil {
		s.tr.op(EvOpEnd, pe, th, t, t+1-th.start)
	}
	if s.rec != nil {
		s.rec.end(pe, d.thread)
	}
	if d.reduce {
		s.store(s.memBase[pe]+int(th.base[0]), int(d.dst.bytes), th.acc)
	}
	if !d.op.Async {
		s.busy(pe, th.line, t+1-th.start)
	} else {
		s.running[pe] &^= 1 << d.thread
		if s.opt.OpCycles {
			s.opCycles[s.class[pe]][th.line] += t + 1 - th.start
		}
	}
	if done != wse.DoneNothing {
		s.pending = append(s.pending, pending{int32(pe), task, done})
	}
	*th = thread{}
}
