package fast

import (
	"context"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// A launch whose PEs have come to have too little in common goes on in the plain engine from the cycle it has reached: what was simulated
// is not lost, so that a program which is alike for long and then is not costs what its parts do. Wavelets under way get their values
// back: the buffers of a route hold consecutive wavelets of its stream, the oldest nearest to the sinks.

// Whether leaving pays is kept as an account in visits of a PE by the plain engine. A visit of a group costs about worth of them and saves
// as many as the group has members; a cycle saves the look at every PE for whether it has something to do, which takes the time of one
// visit for so many PEs. The program leaves when the account is empty. So it has never cost more than what it began with, and a launch whose
// PEs part for a while and meet again stays; the ceiling bounds what is lost when they part for good.
//
// A group that splits off is copied and linked to its neighbours, and a look for equal groups writes out the state of each: both take the
// time of many visits, and where PEs part and meet again all the time they are most of what is done.
const (
	worth   = 3
	parting = 16 // a group that splits off
	meeting = 4  // a look at a group for equals
	looks   = 256
	opening = 1  // visits of every PE
	ceiling = 64 // the same
)

// apart keeps the account of a cycle that was carried out and reports whether it is empty.
func (s *Sim) apart() bool {
	n := int64(s.nPEs)
	s.account += looks*(s.Work.Of-s.seen.Of-worth*(s.Work.Visits-s.seen.Visits)-parting*(s.Work.Splits-s.seen.Splits)-
		meeting*(s.Work.Looks-s.seen.Looks)) + n - int64(len(s.groups))
	s.seen = s.Work
	s.account = min(s.account, looks*ceiling*n)
	return s.account < 0
}

// leave puts the state in the middle of the launch that began in cycle start into the plain engine.
func (s *Sim) leave(start int64) (sim.Running, error) {
	p, err := sim.New(s.prog, s.m, s.opt)
	if err != nil {
		return sim.Running{}, err
	}
	s.flush()
	oldest := s.oldest()
	for _, g := range s.groups {
		st := g.between()
		at := sim.Moment{PC: g.pc, Exited: g.exited, Used: g.links, Offered: g.offered - 1, Threads: make([]sim.Thread, len(g.threads))}
		for _, m := range g.ms {
			pe := int(g.pes[m])
			word := func(row int32) uint32 { return g.mem[int(row)*len(g.pes)+int(m)] }
			p.Restore(pe, s.cycle, st, func(array int, dst []uint32) {
				for j := range dst {
					dst[j] = word(g.k.row[array] + int32(j))
				}
			})
			for i := range g.threads {
				at.Threads[i] = g.threads[i].resumed(word)
			}
			at.Buffers = func(i int) []sim.Wavelet { return s.under(g, m, i, oldest[pe]) }
			p.Enter(pe, &at)
		}
	}
	r := sim.Running{Start: start, LastExit: s.lastExit, Exited: s.nExited, Injected: s.injected, Copied: s.copied, Consumed: s.consumed,
		HostCycles: s.stats.HostCycles, Classes: s.perClass, Offers: s.offers.Offered}
	s.tell(p)
	s.plain = p
	return r, nil
}

// resumed is a thread as the plain engine has it; word gives the PE's rows of memory.
func (th *thread) resumed(word func(row int32) uint32) sim.Thread {
	d := th.d
	if d == nil {
		return sim.Thread{Line: -1}
	}
	x := sim.Thread{Line: th.line, Done: th.done, Next: th.next, Start: th.start, Val: th.val, Wait: int(th.wait), Since: th.since}
	if d.dst.kind == wse.Mem || d.dst.kind == wse.Scalar {
		x.At[0] = th.base[0] - d.dst.lo
	}
	for j := range d.nsrc {
		switch d.src[j].kind {
		case wse.Scalar:
			x.Val[j] = word(d.rows.val[j])
			fallthrough
		case wse.Mem:
			x.At[j+1] = th.base[j+1] - d.src[j].lo
		}
	}
	for _, k := range []struct {
		row int32
		to  *uint32
	}{{d.rows.acc, &x.Acc}, {d.rows.in, &x.In}, {d.rows.out, &x.Out}} {
		if k.row >= 0 {
			*k.to = word(k.row)
		}
	}
	return x
}

// place is where the wavelets of a router buffer are in their stream.
type place struct {
	class  int8 // -1 = nothing is sent here
	stream int32
	first  uint32 // number of the oldest one
}

// oldest finds the places of all router buffers, by PE and slot, but for those whose wavelets say themselves where they come from.
func (s *Sim) oldest() [][]place {
	all := make([][]place, len(s.groupOf))
	total := 0
	for _, g := range s.groupOf {
		if g != nil {
			total += len(g.slots)
		}
	}
	flat := slices.Repeat([]place{{class: -1}}, total)
	for pe, g := range s.groupOf {
		if g != nil {
			all[pe], flat = flat[:len(g.slots):len(g.slots)], flat[len(g.slots):]
		}
	}
	type step struct {
		pe, slot int
	}
	var open []step
	for pe, g := range s.groupOf {
		if g == nil {
			continue
		}
		for i := range g.slots {
			r := g.slots[i].ring
			if r.class < 0 || g.slots[i].many {
				continue
			}
			n := uint32(g.fifos[i].n)
			for q := g.out; int(q) < len(g.fifos); q++ {
				if g.fifos[q].n == 0 {
					continue
				}
				for _, w := range g.list(q) {
					if w.slot == int32(i) {
						n++
					}
				}
			}
			all[pe][i] = place{r.class, r.first + s.at[pe], g.sent[i] - n}
			open = append(open, step{pe, i})
			for len(open) > 0 { // down the tree of the route
				x := open[len(open)-1]
				open = open[:len(open)-1]
				from, sl := all[x.pe][x.slot], &s.groupOf[x.pe].slots[x.slot]
				for d := wse.North; d < wse.Ramp; d++ {
					if j := sl.target[d]; sl.tx>>d&1 == 1 && j >= 0 {
						q := x.pe + s.delta(d)
						all[q][j] = place{from.class, from.stream, from.first - uint32(s.groupOf[q].fifos[j].n)}
						open = append(open, step{q, int(j)})
					}
				}
			}
		}
	}
	return all
}

// list is what a buffer holds, the oldest first.
func (g *group) list(i int32) []wavelet {
	f := &g.fifos[i]
	var out []wavelet
	for k, at := int32(0), f.head; k < f.n; k++ {
		out = append(out, g.ring[f.off+at])
		if at++; at == f.cap {
			at = 0
		}
	}
	return out
}

// under lists the wavelets in buffer i of a member with their values.
func (s *Sim) under(g *group, m int32, i int, oldest []place) []sim.Wavelet {
	if g.fifos[i].n == 0 {
		return nil
	}
	var out []sim.Wavelet
	value := func(p place, k uint32) uint32 {
		if p.class < 0 {
			return 0
		}
		return s.rings[p.class].row(p.class, k)[p.stream]
	}
	var p place
	here := -1                // the buffer of wavelets that say where they come from
	var next map[int32]uint32 // of output queues, by router buffer: the number of the next wavelet
	switch n := int32(i); {
	case n < g.in:
		p = oldest[i]
		if g.slots[i].many {
			here = i
		}
	case n < g.out:
		q := n - g.in
		if g.by[q] != nil {
			here = slices.IndexFunc(g.slots, func(sl slot) bool { return sl.tx>>wse.Ramp&1 == 1 && sl.target[wse.Ramp] == q })
			break
		}
		if p = (place{class: g.ins[q], first: g.taken[q]}); p.class >= 0 {
			p.stream = g.src[q][m]
		}
	default:
		next = map[int32]uint32{}
	}
	for k, w := range g.list(int32(i)) {
		x := sim.Wavelet{Ready: w.ready, Slot: w.slot, Control: w.mark&isControl != 0, Last: w.mark&isLast != 0}
		pe := int(g.pes[m])
		switch {
		case x.Control:
			x.Value = advance
		case next == nil && here >= 0:
			x.Value = value(s.stream(pe, here, int(w.mark&passed)), uint32(w.slot))
		case next == nil:
			x.Value = value(p, p.first+uint32(k))
		case g.slots[w.slot].many:
			x.Value = value(s.stream(pe, int(w.slot), 0), uint32(g.number(w.slot))+next[w.slot])
			next[w.slot]++
		default:
			at := oldest[w.slot]
			x.Value = value(at, at.first+uint32(g.fifos[w.slot].n)+next[w.slot])
			next[w.slot]++
		}
		out = append(out, x)
	}
	return out
}

// goOn finishes the launch in the plain engine. When it ends in an error it is repeated there as a whole, for what the error says of
// earlier cycles.
func (s *Sim) goOn(ctx context.Context, start int64, args []int32) (sim.Stats, error) {
	r, err := s.leave(start)
	if err != nil {
		return sim.Stats{}, err
	}
	before := s.before
	s.drop()
	st, err := s.plain.Resume(ctx, r)
	if err == nil || ctx.Err() != nil || before == nil {
		return st, err
	}
	s.before = before
	if err := s.handOver(); err != nil {
		return sim.Stats{}, err
	}
	return s.plain.Launch(ctx, args...)
}
