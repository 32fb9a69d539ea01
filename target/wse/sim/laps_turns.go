package sim

import (
	"math/bits"

	"github.com/wfc-lang/wfc/target/wse"
)

// Colors whose routers turn from one sender of a line to the next have laps too. A PE takes a message of each sender in turn there: the nearest
// one's first, up to the last word that turns its router, then those of the ones behind, up to the command of the farthest one that turns all
// routers back. A lap begins and ends where such colors carry nothing and all their routers stand as at first. So what a PE takes in a
// lap are whole rounds of messages, and their lengths follow from the operations that were written down.

// turning are the routers of a program that turn.
type turning struct {
	colors uint64
	slots  []int32 // all router buffers of those colors
	sinks  []sink
	roots  []int32 // their senders
}

// sink is an input queue that takes from several senders, the nearest first.
type sink struct {
	in      int32 // as in inPE
	senders []int32
}

// turnStep is a message that an input queue takes from a sender.
type turnStep struct {
	root  int32
	words uint32
}

// cursor is how far an input queue has come in its messages of a lap.
type cursor struct {
	step int
	left uint32
}

// turning describes the routers that change, or is nil when they do more than to let their PE's words pass, then those of one neighbour, and
// again.
func (s *Sim) turning() *turning {
	tr := &turning{}
	for _, k := range s.codes {
		if len(k.reroutes)+len(k.rebinds)+len(k.handlers) > 0 {
			return nil
		}
	}
	for i, d := range s.dyn {
		if d == nil {
			continue
		}
		if d.filter != nil || d.torn || len(d.pos) != 2 || d.start != 0 || !d.ring || d.pop != wse.PopNever || d.pos[0].Tx != d.pos[1].Tx ||
			d.pos[0].Rx != wse.Ramp || d.pos[1].Rx == wse.Ramp {
			return nil
		}
		tr.colors |= 1 << s.slots[i].color
	}
	for i := range s.slots {
		if !tr.has(s, int32(i)) {
			continue
		}
		tr.slots = append(tr.slots, int32(i))
		if s.everFrom(int32(i), wse.Ramp) {
			tr.roots = append(tr.roots, int32(i))
		}
		if to := s.slots[i].target[wse.Ramp]; s.slots[i].tx>>wse.Ramp&1 == 1 && to >= 0 {
			tr.sinks = append(tr.sinks, sink{to - s.inOf[0], s.sendersOf(int32(i))})
		}
	}
	return tr
}

// has reports whether a router buffer is of a color that turns.
func (tr *turning) has(s *Sim, slot int32) bool {
	return tr != nil && slot >= 0 && tr.colors>>s.slots[slot].color&1 == 1
}

// sendersOf lists the ramps from which wavelets reach a router buffer, the nearest first.
func (s *Sim) sendersOf(i int32) (out []int32) {
	for range s.class {
		from := s.slots[i].rx
		if d := s.dyn[i]; d != nil {
			from = d.pos[1].Rx
		}
		if s.everFrom(i, wse.Ramp) {
			out = append(out, i)
		}
		if from == wse.Ramp {
			break
		}
		dx, dy := from.Delta()
		pe := int(s.slots[i].pe)
		x, y := pe%s.w+dx, pe/s.w+dy
		if x < 0 || y < 0 || x >= s.w || y >= s.h {
			break
		}
		if i = s.findSlot(y*s.w+x, int32(s.slots[i].color)); i < 0 {
			break
		}
	}
	return out
}

// atRest reports whether nothing is under way on the colors that turn, and all their routers stand as at first.
func (tr *turning) atRest(s *Sim) bool {
	if tr == nil {
		return true
	}
	for _, i := range tr.slots {
		if s.fifos[i].n > 0 || s.dyn[i] != nil && s.dyn[i].at != 0 {
			return false
		}
	}
	for _, q := range tr.sinks {
		if s.fifos[s.inOf[0]+q.in].n > 0 {
			return false
		}
	}
	for _, i := range tr.roots {
		pe := s.slots[i].pe
		if s.class[pe] < 0 {
			continue
		}
		for m := s.queued[pe]; m != 0; m &= m - 1 {
			f := &s.fifos[s.outOf[pe]+int32(bits.TrailingZeros64(m))]
			for k := range f.n {
				if s.ring[f.off+(f.head+k)%f.cap].aux&auxSlot == i {
					return false
				}
			}
		}
		thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]]
		for t := range thr {
			if th := &thr[t]; th.d != nil && th.d.fabOut && th.done > 0 && s.outSlot[s.outBind[pe]+th.d.dst.queue] == i {
				return false
			}
		}
	}
	return true
}

// turnsBack reports whether a control wavelet of an operation of a PE does nothing but to turn routers.
func (s *Sim) turnsBack(pe int, d *dsd) bool {
	src := &d.src[0]
	return d.op.Code == wse.OpMov && src.kind == wse.Imm && src.bits == wse.ControlWord(-1, 0, wse.CmdAdvance) && s.laps.turns.has(s, s.outSlot[s.outBind[pe]+d.dst.queue])
}

// messages lists the words of each message that PEs of a program send on output queue q in a lap; turns says that their routers turn behind
// them, else a control wavelet ends a message. ok is false when that is not so, or the lap ends within one.
func (p *lapProgram) messages(q int32, thr []thread, turns bool) (out []uint32, ok bool) {
	n, ok := uint32(0), true
	add := func(d *dsd, words uint32, all bool) {
		if !d.fabOut || d.dst.queue != q {
			return
		}
		if d.dst.control {
			ok, words = ok && !turns, 0
		}
		n += words
		if all && (d.dst.control || turns && d.dst.own) {
			out, n = append(out, n), 0
		}
	}
	for i := range thr {
		if d := thr[i].d; d != nil {
			add(d, d.words(p.first[i])-d.words(thr[i].done), p.first[i] == d.n)
		}
	}
	for _, st := range p.steps {
		if in := &p.k.ins[st.pc]; st.kind == lapIns && in.kind == iOp && !st.mem {
			add(in.dsd, in.dsd.words(st.upTo), st.upTo == in.dsd.n)
		}
	}
	return out, ok && n == 0
}

// inTurn lists the messages that the input queues of a lap take, or is nil when the senders of one have not sent equally many.
func (s *Sim) inTurn(k *lap) map[int32][]turnStep {
	all := map[int32][]turnStep{}
	for _, q := range s.laps.turns.sinks {
		var of [][]uint32
		for _, root := range q.senders {
			pe := s.slots[root].pe
			var list []uint32
			if p := k.of[pe]; p != nil {
				thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]]
				for i := range p.k.outputs {
					if s.outSlot[int(s.outBind[pe])+i] == root {
						m, ok := p.messages(int32(i), thr, s.dyn[root] != nil)
						if !ok {
							return nil
						}
						list = append(list, m...)
					}
				}
			}
			of = append(of, list)
		}
		var order []turnStep
		for r := range of[0] {
			for i, list := range of {
				if len(list) != len(of[0]) {
					return nil
				}
				if list[r] > 0 {
					order = append(order, turnStep{q.senders[i], list[r]})
				}
			}
		}
		for _, list := range of {
			if len(list) != len(of[0]) {
				return nil
			}
		}
		all[q.in] = order
	}
	return all
}

// segment is where the next words of an input queue lie: the ring of their sender, the number of the first and how many have come.
func (r *lapRun) segment(in int32) (root int32, taken, come uint32) {
	if order := r.order[in]; order != nil {
		c := &r.at[in]
		if c.step == len(order) {
			return -1, 0, 0
		}
		root = order[c.step].root
		taken = r.got[root]
		return root, taken, min(c.left, r.st.seen(root)-taken)
	}
	if root = r.st.of[in]; root < 0 {
		return -1, 0, 0
	}
	taken = r.st.taken[in]
	return root, taken, r.st.seen(root) - taken
}

// took goes on by n words of a segment.
func (r *lapRun) took(in int32, n uint32) {
	order := r.order[in]
	if order == nil {
		r.st.taken[in] += n
		return
	}
	c := &r.at[in]
	r.got[order[c.step].root] += n
	if c.left -= n; c.left == 0 {
		if c.step++; c.step < len(order) {
			c.left = order[c.step].words
		}
	}
}
