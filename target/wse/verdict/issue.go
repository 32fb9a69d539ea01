package verdict

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/wse"
)

func (p *pe) get(o operand) value {
	if o.reg < 0 {
		return value{v: o.imm}
	}
	return p.regs[o.reg]
}

func worse(a, b Reason) Reason {
	if a == ReasonData || b == NoReason {
		return a
	}
	return b
}

// issue executes one statement of the running task.
func (s *state) issue(i int) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	in := &k.ins[p.pc]
	p.goOn = false
	if s.steps++; s.steps > max(maxSteps, maxStepsPE*len(s.pes)) {
		s.give(ReasonLoop, fmt.Sprintf("class %s, task %s%s is still running after %d statements of all PEs", k.class.Name, k.tasks[in.task].t.Name, at(in.line), s.steps-1))
		return
	}
	p.pc++
	switch in.kind {
	case iOp:
		s.issueOp(i, in)
	case iEnd:
		p.task = -1
	case iSet:
		a, b := p.get(in.a), value{}
		if in.fn != wse.SetMov {
			b = p.get(in.b)
		}
		switch in.fn {
		case wse.SetAdd:
			a.v += b.v
		case wse.SetSub:
			a.v -= b.v
		case wse.SetMul:
			a.v *= b.v
		}
		a.why = worse(a.why, b.why)
		p.regs[in.dst] = a
	case iLoad:
		s.inBounds(i, in, &in.from)
		p.regs[in.dst] = s.load(i, in.from)
		s.touch(i, []access{in.from}, nil, in)
	case iBranch:
		a, b := p.get(in.a), p.get(in.b)
		switch why := worse(a.why, b.why); {
		case why == NoReason:
			if !in.cmp.Holds(a.v, b.v) {
				p.pc = in.target
			}
		case in.end >= 0:
			s.skip(i, p.pc, in.end, why)
			p.pc = in.end
		default:
			what := "a value that was received, loaded or computed"
			if why == ReasonArgs {
				what = "a launch argument that is not given"
			}
			s.give(why, fmt.Sprintf("PE (%d,%d) class %s, task %s%s branches on %s", s.m.x(i), s.m.y(i), k.class.Name, k.tasks[in.task].t.Name, at(in.line), what))
		}
	case iJump:
		p.pc = in.target
	case iCtl:
		s.control(i, in)
	case iStamp:
		s.inBounds(i, in, &in.from)
		s.touch(i, []access{in.from}, nil, in)
	case iReroute:
		s.reroute(i, in)
	case iExit:
		if s.rec != nil {
			s.rec.add(i, in.task, in.line, nil, "exits")
		}
		if p.exits++; p.exits > 1 {
			s.break1(i, in, "", "executes exit a second time in one launch")
		}
	}
}

func at(line string) string {
	if line == "" {
		return ""
	}
	return ", " + line + ","
}

// skip goes over both arms of a branch that communicate nothing: what they write is unknown.
func (s *state) skip(i, from, to int, why Reason) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	for j := from; j < to; j++ {
		switch in := &k.ins[j]; in.kind {
		case iSet, iLoad:
			p.regs[in.dst] = value{why: why}
		}
	}
	for j := from; j < to; j++ {
		switch in := &k.ins[j]; in.kind {
		case iOp:
			s.touch(i, in.op.acc, nil, in)
		case iLoad, iStamp:
			s.touch(i, []access{in.from}, nil, in)
		}
	}
}

func (s *state) control(i int, in *ins) {
	p := &s.pes[i]
	if in.ctlTsk < 0 {
		if in.ctl == wse.Block {
			s.shuts(i, in.queue)
		}
		p.shut |= 1 << in.queue
		if in.ctl == wse.Unblock {
			p.shut &^= 1 << in.queue
		}
		if p.order != nil {
			p.order.open[in.queue] = len(p.order.runs) - 1
		}
		return
	}
	bit := uint64(1) << in.ctlTsk
	if s.rec != nil {
		s.rec.add(i, in.task, in.line, nil, in.ctl.String()+"s "+s.m.codes[s.m.class[i]].tasks[in.ctlTsk].t.Name)
	}
	switch in.ctl {
	case wse.Activate:
		s.activated(i, in.ctlTsk, nil)
		p.active |= bit
		p.sureActive |= bit
	case wse.Block:
		s.blocks(i, in.ctlTsk)
		p.blocked |= bit
	case wse.Unblock, wse.Offer: // the host takes what is offered at any time: why not at once
		s.unblocked(i, in.ctlTsk, nil)
		p.blocked &^= bit
		p.sureUnblock |= bit
	}
}

// load gives the value of an array nobody writes, or that is shared.
func (s *state) load(i int, a access) value {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	if a.index >= 0 && p.regs[a.index].why != NoReason {
		return value{why: p.regs[a.index].why}
	}
	if k.shared[a.array] && p.asked < len(s.loaded) {
		p.asked++
		return value{v: s.loaded[p.asked-1]}
	}
	return s.word(i, a)
}

// word is the value of an element that nobody writes; a known register chooses it.
func (s *state) word(i int, a access) value {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	arr := k.class.Arrays[a.array]
	n := a.off
	if a.index >= 0 {
		if p.regs[a.index].why != NoReason {
			return value{why: p.regs[a.index].why}
		}
		n += a.scale * int(p.regs[a.index].v)
	}
	if !k.fixed[a.array] || n < 0 || n >= arr.Len || arr.Elem == wse.F16 || arr.Elem == wse.F32 {
		return value{why: ReasonData}
	}
	if arr.Init == nil {
		return value{}
	}
	f := arr.Init.At(n, s.m.x(i), s.m.y(i))
	if arr.Elem == wse.U32 && f == float64(uint32(f)) {
		return value{v: int32(uint32(f))}
	}
	if f != float64(int32(f)) || arr.Elem == wse.U16 && (f < 0 || f > 65535) {
		return value{why: ReasonData}
	}
	return value{v: int32(f)}
}

// inBounds: an index that is known must stay in its array. Verify has checked patterns without one.
func (s *state) inBounds(i int, in *ins, a *access) {
	if a.index < 0 || s.pes[i].regs[a.index].why != NoReason {
		return
	}
	arr := s.m.codes[s.m.class[i]].class.Arrays[a.array]
	lo, hi := bounds(a.dims)
	x := a.off + a.scale*int(s.pes[i].regs[a.index].v)
	if x+lo < 0 || x+hi >= arr.Len {
		s.break1(i, in, "", fmt.Sprintf("uses elements %d to %d of array %s, which has %d", x+lo, x+hi, arr.Name, arr.Len))
	}
}

// issueOp starts a DSD operation.
func (s *state) issueOp(i int, in *ins) {
	p, k, o := &s.pes[i], s.m.codes[s.m.class[i]], in.op
	var it *inst
	if o.async && s.races != nil {
		it = &inst{op: o}
	}
	for j := range o.acc {
		s.inBounds(i, in, &o.acc[j])
	}
	s.touch(i, o.acc, it, in)
	if o.in < 0 && o.out < 0 && o.pop < 0 && o.push < 0 {
		return
	}
	for j := range p.thr {
		x := p.thr[j].op
		if x == nil || !meets(k, x, o) {
			continue
		}
		if p.thr[j].ended() {
			s.complete(i, j) // a completion somebody competes with: at the latest now
			continue
		}
		s.clash(i, x, o)
		return
	}
	s.unfinished(i, o)
	if s.why != NoReason {
		return
	}
	th := &p.thr[o.thread]
	*th = thread{op: o, inst: it, val: value{why: ReasonData}, ev: -1}
	switch {
	case o.known:
		th.val = p.get(o.sends)
	case o.copies != nil:
		th.val = s.word(i, *o.copies)
	}
	if s.rec != nil {
		th.ev = s.rec.add(i, in.task, in.line, o, "")
	}
}

// meets reports that two operations use the same queue or thread.
func meets(k *code, a, b *op) bool {
	return a.thread == b.thread || a.in >= 0 && a.in == b.in || a.pop >= 0 && a.pop == b.pop || a.push >= 0 && a.push == b.push || a.out >= 0 && b.out >= 0 && k.outHW[a.out] == k.outHW[b.out]
}

// break1 ends the execution at a broken rule.
func (s *state) break1(i int, in *ins, queue, reason string) {
	s.pes[i].halted = true
	if s.fault != nil {
		return
	}
	k := s.m.codes[s.m.class[i]]
	w := Wait{X: s.m.x(i), Y: s.m.y(i), Class: k.class.Name, Queue: queue, Color: -1, OnX: -1, OnY: -1, Reason: reason}
	if in != nil {
		w.Task, w.Line = k.tasks[in.task].t.Name, in.line
	}
	s.fault = &w
}
