package verdict

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// candidate is a task that may start: a local one, or one that takes the head of an input queue.
type candidate struct {
	task, in int
	sure     bool // certain in every schedule: what has lower priority comes later
}

// stepPE lets a PE act until it waits.
func (s *state) stepPE(i int) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	main := &p.thr[len(p.thr)-1]
	for !p.halted && s.why == NoReason {
		progress := false
		for j := range p.thr[:len(p.thr)-1] {
			th := &p.thr[j]
			if th.op == nil {
				continue
			}
			progress = s.advance(i, th) || progress
			if th.ended() && !(s.explore != nil && contended(k, th.op)) {
				s.complete(i, j)
				progress = true
			}
		}
		switch {
		case main.op != nil:
			progress = s.advance(i, main) || progress
			if main.ended() {
				s.finish(i, main)
				progress = true
			}
		case p.task >= 0:
			if s.explore != nil && s.holds(i) {
				break
			}
			s.issue(i)
			progress = true
		default:
			c := s.candidates(i)
			if p.halted || len(c) == 0 || s.explore != nil && !s.only(i, c) {
				break
			}
			s.start(i, c[0])
			progress = true
		}
		if !progress {
			return
		}
	}
}

// contended reports that the completion of o competes with other statements for a bit.
func contended(k *code, o *op) bool {
	return slices.ContainsFunc(o.ends, func(e end) bool {
		switch e.kind {
		case wse.DoneActivate:
			return k.tasks[e.task].activators > 1
		case wse.DoneUnblock:
			return k.tasks[e.task].unblockers > 1 || k.tasks[e.task].blockedElsewhere
		}
		return false
	})
}

// advance moves an operation as far as wavelets and room allow.
func (s *state) advance(i int, th *thread) (moved bool) {
	o := th.op
	var in, out *queue
	var inP, outP int32 = -1, -1
	room := 0
	if o.in >= 0 {
		inP = s.m.in[i][o.in]
		in = &s.q[inP]
	}
	if o.out >= 0 {
		outP = s.m.out[i][o.out]
		out = &s.q[outP]
		room = s.m.pipes[outP].cap
	}
	for th.done < o.n && !th.cut {
		n := 1
		if o.inPer == 1 && o.outPer == 1 {
			n = o.n - th.done
		}
		if n = min(n, s.pes[i].fifoRoom(s.m.codes[s.m.class[i]], o)); n == 0 {
			break
		}
		take := in != nil && th.done%o.inPer == 0
		give := out != nil && (th.done%o.outPer == o.outPer-1 || th.done == o.n-1)
		if take && in.n > 0 && in.runs[0].ctl && len(o.ends) > 1 {
			r := in.pop(1)
			s.room(inP)
			if s.rec != nil {
				s.rec.received(th.ev, r.ev, inP)
			}
			th.cut, moved = true, true
			break
		}
		if take {
			if in.n == 0 || in.runs[0].ctl {
				break
			}
			n = min(n, int(in.runs[0].n))
		}
		if give {
			if out.n >= room {
				th.full = true
				break
			}
			n = min(n, room-out.n)
		}
		if take {
			r := in.pop(n)
			s.room(inP)
			if s.rec != nil {
				s.rec.received(th.ev, r.ev, inP)
			}
		}
		if give {
			if s.rec != nil {
				s.rec.sent(th, outP)
			}
			r := run{n: int32(n), port: s.port(outP, o), ctl: o.control, why: th.val.why, val: th.val.v, ev: th.ev}
			if r.last = o.own && th.done+n == o.n && s.turns(i, outP, r.port); r.last && n > 1 {
				first := r
				first.n, first.last, r.n = r.n-1, false, 1
				out.push(first)
			}
			out.push(r)
			s.wakePipe(outP)
			s.wakePE(s.m.pipes[outP].reader)
		}
		if o.pop >= 0 {
			s.pes[i].fifos[o.pop] -= n
		}
		if o.push >= 0 {
			s.pes[i].fifos[o.push] += n
		}
		th.done += n
		s.moves += n
		moved = true
	}
	if o.advance && th.done == o.n && !th.tail {
		if out.n < room {
			out.push(run{n: 1, port: s.port(outP, o), ctl: true, val: int32(advanceWord), ev: th.ev})
			s.wakePipe(outP)
			s.wakePE(s.m.pipes[outP].reader)
			th.tail, moved = true, true
		} else {
			th.full = true
		}
	}
	if s.rec != nil {
		s.rec.progress(th)
	}
	return moved
}

// turns reports whether the pipe of an output queue leads into a router of its own PE that may switch.
func (s *state) turns(i int, pipe int32, port int16) bool {
	next := s.m.pipes[pipe].next
	if ports := s.m.pipes[pipe].ports; ports != nil {
		next = ports[port]
	}
	return len(next) == 1 && next[0] >= 0 && s.m.pipes[next[0]].router != nil && s.m.pipes[next[0]].router.pe == i
}

// advanceWord is the control wavelet that ends an operation with `advance`.
var advanceWord = wse.ControlWord(-1, 0, wse.CmdAdvance)

func (th *thread) ended() bool { return th.cut || th.done == th.op.n && (!th.op.advance || th.tail) }

// fifoRoom is how many elements an operation may pop and push now.
func (p *pe) fifoRoom(k *code, o *op) int {
	n := o.n
	if o.pop >= 0 {
		n = min(n, p.fifos[o.pop])
	}
	if o.push >= 0 {
		n = min(n, k.class.Arrays[o.push].Len-p.fifos[o.push])
	}
	return n
}

func (s *state) port(pipe int32, o *op) int16 {
	if s.m.pipes[pipe].ports == nil {
		return 0
	}
	return int16(o.out)
}

// finish frees a synchronous operation's thread.
func (s *state) finish(i int, th *thread) { *th = thread{} }

// complete ends an asynchronous operation and does what its completion says.
func (s *state) complete(i, j int) {
	p := &s.pes[i]
	th := p.thr[j]
	p.thr[j] = thread{}
	e, bit := th.op.ends[0], uint64(0)
	if th.cut {
		e = th.op.ends[1]
	}
	if e.task >= 0 {
		bit = 1 << e.task
	}
	switch e.kind {
	case wse.DoneActivate:
		s.activated(i, e.task, th.inst)
		if p.active&bit == 0 {
			p.sureActive &^= bit
		}
		p.active |= bit
	case wse.DoneUnblock:
		s.unblocked(i, e.task, th.inst)
		if p.blocked&bit != 0 {
			p.sureUnblock &^= bit
		}
		p.blocked &^= bit
	}
	if th.inst != nil {
		th.inst.finished = true
	}
}

// receiving reports that an operation takes from an input queue.
func (p *pe) receiving(in int) bool {
	for j := range p.thr {
		if o := p.thr[j].op; o != nil && o.in == in && !p.thr[j].ended() {
			return true
		}
	}
	return false
}

// cuttable reports that a control wavelet on an input queue is for an operation that it ends.
func (p *pe) cuttable(in int) bool {
	for j := range p.thr {
		if o := p.thr[j].op; o != nil && o.in == in && len(o.ends) > 1 && !p.thr[j].ended() {
			return true
		}
	}
	return false
}

// candidates lists the tasks that may start, by priority. The list is good until the next call.
func (s *state) candidates(i int) (out []candidate) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	out = s.cand[:0]
	defer func() { s.cand = out[:0] }()
	for _, t := range k.order {
		bit := uint64(1) << t
		if k.tasks[t].t.Kind == wse.Local && p.active&bit != 0 && p.blocked&bit == 0 {
			out = append(out, candidate{t, -1, p.sureActive&p.sureUnblock&bit != 0})
		}
	}
	for _, ctl := range []bool{true, false} {
		for in := range k.inputs {
			q := &s.q[s.m.in[i][in]]
			if q.n == 0 || q.runs[0].ctl != ctl || p.shut>>in&1 == 1 || ctl && p.cuttable(in) {
				continue
			}
			t := -1
			for j := range k.tasks {
				x := k.tasks[j].t
				switch {
				case ctl && x.Kind == wse.Control && q.runs[0].why == NoReason && x.ID == int(uint32(q.runs[0].val)>>16&63),
					!ctl && x.Kind == wse.Data && k.tasks[j].in == in:
					t = j
				}
			}
			if ctl && q.runs[0].why != NoReason {
				s.give(ReasonKind, fmt.Sprintf("a control wavelet of unknown value arrives in class %s on queue %s", k.class.Name, k.inputs[in].Name))
				return nil
			}
			if ctl && t < 0 {
				s.break1(i, nil, "", fmt.Sprintf("receives a control wavelet on queue %s for a control task that the class does not have", k.inputs[in].Name))
				return nil
			}
			if t >= 0 && p.blocked>>t&1 == 0 && (ctl || !p.receiving(in)) {
				out = append(out, candidate{t, in, false})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int {
		return cmp.Compare(k.tasks[a.task].t.Priority.Rank(), k.tasks[b.task].t.Priority.Rank())
	})
	return out
}

// start begins a task.
func (s *state) start(i int, c candidate) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	s.picked(i, c)
	bit := uint64(1) << c.task
	if c.in < 0 {
		p.active &^= bit
		p.sureActive &^= bit
	} else {
		in := s.m.in[i][c.in]
		r := s.q[in].pop(1)
		s.room(in)
		if a := k.tasks[c.task].arg; a >= 0 {
			p.regs[a] = value{r.val, r.why}
			if r.ctl && r.why == NoReason {
				p.regs[a].v &= 0xffff
			}
		}
		if s.rec != nil {
			e := s.rec.add(i, c.task, "", nil, "fires")
			s.rec.received(e, r.ev, in)
		}
	}
	p.sureUnblock |= bit // whoever unblocked it came before
	p.task, p.pc = c.task, k.tasks[c.task].entry
}

// only reports that a PE whose schedules are enumerated has no choice: the first candidate is certain and nothing under way can
// put another before it.
func (s *state) only(i int, c []candidate) bool {
	if !c[0].sure {
		return false
	}
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	for j := range p.thr {
		if o := p.thr[j].op; o != nil && (contended(k, o) || slices.ContainsFunc(o.ends, func(e end) bool { return e.task >= 0 && k.prio[e.task] < k.prio[c[0].task] })) {
			return false
		}
	}
	for t := range k.tasks {
		if x := &k.tasks[t]; (x.t.Kind == wse.Data || x.t.Kind == wse.Control || x.torn) && k.prio[t] < k.prio[c[0].task] {
			return false // a wavelet may come before
		}
	}
	return true
}

// holds reports that the next statement blocks a task that a completion under way may unblock before: a choice.
func (s *state) holds(i int) bool {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	in := &k.ins[p.pc]
	if in.kind != iCtl || in.ctl != wse.Block || in.ctlTsk < 0 || p.goOn {
		return false
	}
	for j := range p.thr {
		if o := p.thr[j].op; o != nil && o.may(wse.DoneUnblock, in.ctlTsk) {
			return true
		}
	}
	return false
}
