package fast

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Histories that differ for a while, because a wavelet came a cycle later, mostly end in the same state: the PE waits or computes,
// and what was late is forgotten. Groups in one state have one future, so from time to time those are united again.

// tidy merges, more often when that helps and less when it does not.
func (s *Sim) tidy() {
	const least, longest = 32, 4096
	before := len(s.groups)
	s.merge(s.cycle)
	if 8*len(s.groups) < 7*before {
		s.mergeGap = max(least, s.mergeGap/2)
	} else {
		s.mergeGap = min(longest, 2*max(least/2, s.mergeGap))
	}
	s.mergeAt = s.cycle + s.mergeGap
}

// merge unites the groups of a shape that are in equal states at the start of cycle t.
func (s *Sim) merge(t int64) {
	if len(s.groups) == len(s.all) {
		return
	}
	s.Work.Looks += int64(len(s.groups))
	first := make(map[string]*group, len(s.groups))
	parts := map[*group][]*group{}
	var merged []*group
	for _, g := range s.groups {
		g.into = nil
		s.keyBuf = g.state(s.keyBuf[:0], t)
		if h, ok := first[string(s.keyBuf)]; ok {
			if g.into = h; parts[h] == nil {
				merged = append(merged, h)
			}
			parts[h] = append(parts[h], g)
		} else {
			first[string(s.keyBuf)] = g
		}
	}
	if len(merged) == 0 {
		return
	}
	for _, h := range merged {
		lists := [][]int32{h.ms}
		for _, g := range parts[h] {
			s.settle(h, g)
			h.rnext, h.ceNext = min(h.rnext, g.rnext), min(h.ceNext, g.ceNext)
			for _, m := range g.ms {
				s.groupOf[g.pes[m]] = h
			}
			lists = append(lists, g.ms)
			for d := range h.nbr {
				h.nbr[d] = append(slices.Clip(h.nbr[d]), g.nbr[d]...)
			}
		}
		h.setMembers(union(lists))
	}
	for _, g := range s.groups {
		for d := range g.nbr {
			if g.into == nil {
				g.nbr[d] = current(g.nbr[d])
			}
		}
	}
	s.groups = slices.DeleteFunc(s.groups, func(g *group) bool {
		if g.into != nil {
			g.sh.free = append(g.sh.free, g)
		}
		return g.into != nil
	})
}

// current replaces merged groups and drops duplicates.
func current(list []*group) []*group {
	out := list[:0]
	for _, g := range list {
		if g.into != nil {
			g = g.into
		}
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// settle makes the statistics independent of when a synchronous operation of g began or began to wait, which may differ from h.
func (s *Sim) settle(h, g *group) {
	if g.k == nil {
		return
	}
	main := len(g.threads) - 1
	a, b := &h.threads[main], &g.threads[main]
	if a.d == nil {
		return
	}
	c := &s.perClass[g.class]
	c.Busy += (a.start - b.start) * g.n
	if n := (a.since - b.since) * g.n; a.wait == waitIn {
		c.WaitIn += n
		c.Busy -= n
	} else if a.wait == waitOut {
		c.WaitOut += n
		c.Busy -= n
	}
}

// union merges sorted lists, the shortest first.
func union(lists [][]int32) []int32 {
	for len(lists) > 1 {
		slices.SortFunc(lists, func(a, b []int32) int { return cmp.Compare(len(b), len(a)) })
		n := len(lists)
		a, b := lists[n-2], lists[n-1]
		out := make([]int32, 0, len(a)+len(b))
		for len(a) > 0 && len(b) > 0 {
			if a[0] < b[0] {
				out, a = append(out, a[0]), a[1:]
			} else {
				out, b = append(out, b[0]), b[1:]
			}
		}
		lists = append(lists[:n-2], append(append(out, a...), b...))
	}
	return lists[0]
}

// state is equal for groups of one shape with equal futures from cycle t on. Times that are past count alike.
func (g *group) state(b []byte, t int64) []byte {
	u64 := func(v uint64) { b = binary.LittleEndian.AppendUint64(b, v) }
	u32 := func(v uint32) { b = binary.LittleEndian.AppendUint32(b, v) }
	later := func(v, from int64) { u64(uint64(max(0, v-from))) }
	u32(uint32(g.id))
	for i := range g.fifos {
		f := &g.fifos[i]
		b = append(b, byte(f.n), byte(f.n>>8))
		for k, at := int32(0), f.head; k < f.n; k++ {
			w := &g.ring[f.off+at]
			later(w.ready, t)
			b = append(b, byte(w.slot))
			if g.turning {
				u64(uint64(uint32(w.slot))<<32 | uint64(uint32(w.mark)))
			}
			if at++; at == f.cap {
				at = 0
			}
		}
	}
	if g.turning {
		u64(g.at)
	}
	for _, v := range g.linkFree {
		later(v, t*ticks)
	}
	for _, v := range g.links {
		u32(v)
	}
	if g.k == nil {
		return b
	}
	later(g.mainReady, t)
	u32(uint32(g.pc))
	u32(uint32(g.cur))
	u64(g.active)
	u64(g.blocked)
	u32(uint32(g.offered))
	b = append(b, byte(len(g.threads)))
	if g.exited {
		b[len(b)-1] |= 128
	}
	for i := range g.threads {
		th := &g.threads[i]
		if th.d == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1+byte(th.wait))
		u32(uint32(th.line))
		u32(uint32(th.done))
		later(th.next, t*ticks)
		for _, v := range th.base {
			u32(uint32(v))
		}
		for _, v := range th.val {
			u32(v)
		}
	}
	for _, v := range g.regs {
		u32(v)
	}
	for _, v := range g.sent {
		u32(v)
	}
	for _, v := range g.taken {
		u32(v)
	}
	return b
}
