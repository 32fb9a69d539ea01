package fast

import (
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// stepCE lets the compute elements of a group act in cycle t: microthreads by ascending id, then the task that runs. With resume the
// group split off another that had begun to act, after its threads.
func (s *Sim) stepCE(g *group, t int64, resume bool) error {
	main := &g.threads[len(g.threads)-1]
	if !resume {
		for i := range g.threads[:len(g.threads)-1] {
			if g.threads[i].d != nil {
				if err := s.advance(g, &g.threads[i], t); err != nil {
					return err
				}
			}
		}
		if main.d != nil {
			if err := s.advance(g, main, t); err != nil {
				return err
			}
			if main.d == nil {
				g.mainReady = t + 1
			}
		}
	}
	for main.d == nil && g.mainReady <= t {
		if g.pc < 0 {
			if !s.pick(g, t) {
				break
			}
			continue
		}
		if err := s.issue(g, t); err != nil {
			return err
		}
	}
	g.ceNext = s.nextCE(g, t)
	return nil
}

// nextCE is the first cycle after t in which the CE can act by itself.
func (s *Sim) nextCE(g *group, t int64) int64 {
	next := int64(never)
	for i := range g.threads {
		th := &g.threads[i]
		if th.d == nil {
			continue
		}
		switch th.wait {
		case waitNone:
			next = min(next, max(t+1, th.next/ticks))
		case waitIn:
			if f := &g.fifos[g.in+th.d.src[th.d.fabIn].queue]; f.n > 0 {
				next = min(next, max(t+1, g.head(f).ready))
			}
		}
	}
	if g.threads[len(g.threads)-1].d != nil {
		return next
	}
	if g.pc >= 0 || g.active&^g.blocked != 0 {
		return min(next, max(t+1, g.mainReady))
	}
	for _, i := range g.k.data {
		if s.wanted(g, i) {
			next = min(next, max(t+1, g.mainReady, g.head(&g.fifos[g.in+g.k.tasks[i].queue]).ready))
		}
	}
	return next
}

// wanted reports whether the head of an input queue can start data task i.
func (s *Sim) wanted(g *group, i int32) bool {
	q := g.k.tasks[i].queue
	if g.fifos[g.in+q].n == 0 || g.blocked>>i&1 == 1 {
		return false
	}
	for j := range g.threads {
		if d := g.threads[j].d; d != nil && d.fabIn >= 0 && d.src[d.fabIn].queue == q {
			return false
		}
	}
	return true
}

// pick starts the next task: local tasks by id, then data tasks.
func (s *Sim) pick(g *group, t int64) bool {
	k := g.k
	if run := g.active &^ g.blocked; run != 0 {
		for _, i := range k.locals {
			if run>>i&1 == 1 {
				g.active &^= 1 << i
				s.start(g, i, t, s.m.LocalDispatch)
				return true
			}
		}
	}
	for _, i := range k.data {
		if !s.wanted(g, i) {
			continue
		}
		q := k.tasks[i].queue
		f := &g.fifos[g.in+q]
		if g.head(f).ready > t {
			continue
		}
		if s.watch != nil {
			s.watch(sim.EvTake, g, q, t)
		}
		id, at := g.source(q, g.pop(f), g.taken[q])
		g.rnext = min(g.rnext, t+1)
		g.taken[q]++
		s.consumed += g.n
		begin := func(g *group) {
			s.start(g, i, t, s.m.DataDispatch)
		}
		a := k.tasks[i].arg
		if a < 0 {
			begin(g)
			return true
		}
		r := &s.rings[g.ins[id]]
		row := r.row(g.ins[id], at)
		for _, c := range s.byValue(g, func(m int32) uint32 { return row[g.src[id][m]] }) {
			c.regs[a] = row[c.src[id][c.ms[0]]]
			begin(c)
		}
		return true
	}
	return false
}

// byValue splits g by a value that enters its registers and returns all parts.
func (s *Sim) byValue(g *group, v func(m int32) uint32) []*group {
	s.flush()
	return append([]*group{g}, s.split(g, v)...)
}

func (s *Sim) start(g *group, i int32, t int64, cost int) {
	g.pc, g.cur = g.k.tasks[i].entry, i
	g.mainReady = t + int64(cost)
	s.busy(g, int64(cost))
	if s.watch != nil {
		s.watch(sim.EvDispatch, g, i, t)
	}
}

// busy charges cycles to the class.
func (s *Sim) busy(g *group, n int64) { s.perClass[g.class].Busy += n * g.n }

func (g *group) val(v value) int32 {
	if v.reg < 0 {
		return v.imm
	}
	return int32(g.regs[v.reg])
}

// issue executes the next instruction of the running task.
func (s *Sim) issue(g *group, t int64) error {
	pc := g.pc
	in := &g.k.ins[pc]
	g.pc++
	cost := in.cost[0]
	hold := func(g *group) {
		n := int64(max(1, cost))
		g.mainReady = t + n
		s.busy(g, n)
	}
	switch in.kind {
	case iOp:
		return s.issueOp(g, pc, in.dsd, t)
	case iEnd:
		g.pc = -1
		return nil
	case iSet:
		a, b := g.val(in.a), g.val(in.b)
		switch in.fn {
		case wse.SetAdd:
			a += b
		case wse.SetSub:
			a -= b
		case wse.SetMul:
			a *= b
		}
		g.regs[in.dst] = uint32(a)
	case iLoad:
		row, ok := g.resolve(&in.from)
		if !ok {
			return errBroken
		}
		mem := g.mem[int(row)*len(g.pes):][:len(g.pes)]
		for _, c := range s.byValue(g, func(m int32) uint32 { return mem[m] }) {
			c.regs[in.dst] = mem[c.ms[0]]
			hold(c)
		}
		return nil
	case iBranch:
		if !in.cmp.Holds(g.val(in.a), g.val(in.b)) {
			g.pc, cost = in.target, in.cost[1]
		}
	case iLoop:
		if in.cmp.Holds(g.val(in.a), g.val(in.b)) {
			g.pc, cost = in.target, in.cost[1]
		}
	case iJump:
		g.pc = in.target
	case iCtl:
		bit := uint64(1) << in.ctlTask
		switch in.ctl {
		case wse.Activate:
			g.active |= bit
			s.hold(g, in.ctlTask, t)
		case wse.Block:
			g.blocked |= bit
		case wse.Unblock:
			g.blocked &^= bit
		case wse.Offer:
			if err := s.offer(g, in.ctlTask, t); err != nil {
				return err
			}
		}
	case iExit:
		if g.exited {
			return errBroken
		}
		g.exited = true
		s.nExited += int(g.n)
		s.lastExit = t
		if s.watch != nil {
			s.watch(sim.EvExit, g, 0, t)
		}
	}
	hold(g)
	return nil
}

// resolve gives the row of an operand's first element; false when elements outside the array would be used.
func (g *group) resolve(x *operand) (int32, bool) {
	if x.indexReg < 0 {
		return x.base, true
	}
	at := int64(x.base) + int64(int32(g.regs[x.indexReg]))*int64(x.scale)
	return int32(at), at+int64(x.minOff) >= int64(x.lo) && at+int64(x.maxOff) < int64(x.hi)
}

// issueOp starts a DSD operation: at once without fabric, else as a thread.
func (s *Sim) issueOp(g *group, pc int32, d *dsd, t int64) error {
	th := thread{d: d, line: pc, start: t, next: (t + int64(s.m.FabricSetup)) * ticks}
	ok := true
	if d.dst.kind == wse.Mem || d.dst.kind == wse.Scalar {
		if th.base[0], ok = g.resolve(&d.dst); !ok {
			return errBroken
		}
	}
	scalars := d.reduce
	for i := range d.nsrc {
		x := &d.src[i]
		switch x.kind {
		case wse.Mem, wse.Scalar:
			if th.base[i+1], ok = g.resolve(x); !ok {
				return errBroken
			}
			scalars = scalars || x.kind == wse.Scalar
		case wse.Imm:
			th.val[i] = x.bits
		case wse.Reg:
			th.val[i] = g.regs[x.reg]
			if x.perW == 2 {
				th.val[i] &= 0xffff
			}
		}
	}
	if d.fabIn < 0 && !d.fabOut {
		s.whole(g, &th)
		n := max(1, th.rate().Cycles(int(d.n)))
		g.mainReady = t + n
		s.busy(g, n)
		return nil
	}
	if g.threads[d.thread].d != nil || g.clash(d) {
		return errBroken
	}
	g.threads[d.thread] = th
	if scalars {
		s.capture(g, &th)
	}
	if d.op.Async {
		n := int64(max(1, s.m.AsyncIssue))
		g.mainReady = t + n
		s.busy(g, n)
	}
	return nil
}

// rate is that of the operation with its memory sources where they are.
func (th *thread) rate() wse.Rate {
	p := &th.d.place
	if p.Pair[0] < 0 {
		return p.At(0, 0)
	}
	i, j := p.Pair[0], p.Pair[1]
	return p.At(th.d.src[i].bytes(th.base[i+1]), th.d.src[j].bytes(th.base[j+1]))
}

// clash reports an operation in progress on one of d's queues.
func (g *group) clash(d *dsd) bool {
	for i := range g.threads {
		o := g.threads[i].d
		if o == nil {
			continue
		}
		if d.fabIn >= 0 && o.fabIn >= 0 && d.src[d.fabIn].queue == o.src[o.fabIn].queue ||
			d.fabOut && o.fabOut && g.k.outHW[d.dst.queue] == g.k.outHW[o.dst.queue] {
			return true
		}
	}
	return false
}

// advance moves a thread in cycle t: at most one wavelet in and one out.
func (s *Sim) advance(g *group, th *thread, t int64) error {
	d := th.d
	end := (t + 1) * ticks
	var in, out *fifo
	var inW, outW int32 = 1, 1
	if d.fabIn >= 0 {
		in, inW = &g.fifos[g.in+d.src[d.fabIn].queue], d.src[d.fabIn].perW
	}
	if d.fabOut {
		out, outW = &g.fifos[g.out+g.k.outHW[d.dst.queue]], d.dst.perW
	}
	popped, pushed := false, false
	for th.done < d.n {
		if th.next >= end {
			s.wake(g, th, t)
			return nil
		}
		take := in != nil && th.done%inW == 0
		give := out != nil && (th.done%outW == outW-1 || th.done == d.n-1)
		if take && popped || give && pushed {
			th.next = max(th.next, end)
			s.wake(g, th, t)
			return nil
		}
		if take && (in.n == 0 || g.head(in).ready > t) {
			th.sleep(waitIn, t)
			return nil
		}
		if give && out.n == out.cap {
			th.sleep(waitOut, t)
			return nil
		}
		s.wake(g, th, t)
		var at uint32
		var id int32
		if take {
			if in.n == in.cap {
				g.rnext = min(g.rnext, t+1)
			}
			q := d.src[d.fabIn].queue
			if s.watch != nil {
				s.watch(sim.EvTake, g, q, t)
			}
			id, at = g.source(q, g.pop(in), g.taken[q])
			popped = true
			g.taken[q]++
			s.consumed += g.n
		}
		if give {
			to := g.outs[d.dst.queue]
			if to < 0 {
				return errBroken
			}
			w := wavelet{ready: t + 1, slot: to}
			if d.control {
				w.mark = isControl
			} else if d.own && th.done == d.n-1 {
				w.mark = isLast
			}
			g.push(out, w)
			g.rnext = min(g.rnext, t+1)
			s.injected += g.n
			pushed = true
		}
		if !d.control {
			s.element(g, th, t, take, give, id, at)
		}
		th.done++
		th.next = max(th.next, t*ticks) + int64(th.rate().Ticks)
	}
	s.finish(g, th, t)
	return nil
}

func (th *thread) sleep(k waitKind, t int64) {
	if th.wait != k {
		th.wait, th.since = k, t
	}
}

// wake ends a stall and charges it.
func (s *Sim) wake(g *group, th *thread, t int64) {
	if th.wait == waitNone {
		return
	}
	if !th.d.op.Async {
		c, n := &s.perClass[g.class], (t-th.since)*g.n
		if th.wait == waitIn {
			c.WaitIn += n
		} else {
			c.WaitOut += n
		}
		c.Busy -= n // finish charges the operation as a whole
	}
	th.wait = waitNone
}

func (s *Sim) finish(g *group, th *thread, t int64) {
	d := th.d
	if d.reduce {
		s.reduced(g, th)
	}
	if s.watch != nil {
		s.watch(sim.EvOpEnd, g, th.line, t)
	}
	if !d.op.Async {
		s.busy(g, t+1-th.start)
	}
	if d.done != wse.DoneNothing {
		if len(g.pending) == 0 {
			s.waiters = append(s.waiters, g)
		}
		g.pending = append(g.pending, pending{d.doneTask, d.done})
	}
	*th = thread{}
}
