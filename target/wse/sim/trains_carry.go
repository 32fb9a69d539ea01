package sim

import (
	"math/bits"

	"github.com/wfc-lang/wfc/target/wse"
)

// freight is what moves in a region that repeats itself: streams, which are the words between an operation that sends and those that receive
// them or the elements in a FIFO in memory, and hauls, the operations at both ends.
type freight struct {
	flows []flow
	hauls []haul // an operation after those that give it what it takes
}

// flow numbers its words: the next one to be sent is 0, those under way have negative numbers.
type flow struct {
	words int64 // per period
	low   int64 // the oldest word under way
	nodes []node
	from  int32 // haul that sends
	vals  []uint32
}

// node is a buffer on the way and the number of its oldest word; of a FIFO in memory it is the index in memFifos.
type node struct {
	buffer int32
	pe     int32
	mem    bool
	low    int64
}

// haul is an operation that moves: per elements in a period.
type haul struct {
	pe, thread   int32
	per          int64
	in, pop, out int32 // streams; -1 = none
	first        int64 // number of the next word it takes from in
	state        uint8
}

// span is memory that an operation touches; fifo is that of a FIFO, or -1.
type span struct {
	haul, fifo, lo, hi int32
	write              bool
}

// load finds the freight of a region, false when its order matters in a way that slices do not keep: operations of one PE that touch the
// same memory, or that feed each other in a circle.
func (s *Sim) load(r *region) bool {
	for i := 1; i < len(r.edges); i += 2 { // a wavelet that is about to enter from a neighbour
		if e := r.edges[i]; s.headsTo(e/numPorts, uint(e%numPorts)) {
			return false
		}
	}
	fr := &r.freight
	sinks, fifos := map[int32]node{}, map[int32]int32{} // input queue -> stream and number; FIFO -> stream
	sources := map[int32]bool{}
	c := 0
	for _, pe := range r.pes {
		k := (*code)(nil)
		if s.class[pe] >= 0 {
			k = s.codes[s.class[pe]]
		}
		c += countThreads
		for _, i := range s.inProgress(pe) {
			per := r.counts[c]
			c += 2
			if per == 0 {
				continue
			}
			d := s.threads[i].d
			h := haul{pe: pe, thread: i, per: per, in: -1, pop: -1, out: -1}
			switch {
			case d.fabOut:
				slot := s.outSlot[s.outBind[pe]+d.dst.queue]
				if slot < 0 || sources[slot] || per%int64(d.dst.perW) != 0 {
					return false
				}
				sources[slot] = true
				h.out = int32(len(fr.flows))
				st := flow{words: per / int64(d.dst.perW), from: int32(len(fr.hauls))}
				if !s.way(&st, h.out, s.outOf[pe]+k.outHW[d.dst.queue], slot, sinks) {
					return false
				}
				fr.flows = append(fr.flows, st)
			case d.dst.kind == wse.Queued:
				f := s.fifoOf[pe] + d.dst.queue
				h.out = int32(len(fr.flows))
				low := -int64(s.memFifos[f].n)
				fr.flows = append(fr.flows, flow{words: per, low: low, from: int32(len(fr.hauls)), nodes: []node{{f, pe, true, low}}})
				fifos[f] = h.out
			}
			fr.hauls = append(fr.hauls, h)
		}
	}
	for i := range fr.hauls {
		h := &fr.hauls[i]
		d := s.threads[h.thread].d
		if d.fabIn >= 0 {
			q := s.inOf[h.pe] + d.src[d.fabIn].queue
			x, ok := sinks[q]
			if !ok || fr.flows[x.buffer].words*int64(d.src[d.fabIn].perW) != h.per {
				return false
			}
			h.in, h.first = x.buffer, x.low
			delete(sinks, q)
		}
		if d.fifoIn >= 0 {
			f := s.fifoOf[h.pe] + d.src[d.fifoIn].queue
			x, ok := fifos[f]
			if !ok || fr.flows[x].words != h.per {
				return false
			}
			h.pop = x
			delete(fifos, f)
		}
	}
	return len(sinks) == 0 && len(fifos) == 0 && s.apart(fr) && fr.sort()
}

// headsTo reports whether a wavelet in the router of a PE is about to leave by port d.
func (s *Sim) headsTo(pe int32, d uint) bool {
	for m := s.laden[pe]; m != 0; m &= m - 1 {
		if s.slots[s.slotOf[pe]+int32(bits.TrailingZeros64(m))].tx>>d&1 == 1 {
			return true
		}
	}
	return false
}

// way follows a stream from an output queue through the routers to the input queues it ends in.
func (s *Sim) way(st *flow, no, queue, slot int32, sinks map[int32]node) bool {
	f := &s.fifos[queue]
	for k := range f.n {
		if aux := s.ring[f.off+(f.head+k)%f.cap].aux; aux&auxSlot != slot || s.dyn != nil && aux != slot {
			return false
		}
	}
	st.nodes = append(st.nodes, node{buffer: queue, low: -int64(f.n)})
	type step struct {
		slot int32
		low  int64
	}
	open := []step{{slot, -int64(f.n)}}
	for len(open) > 0 {
		x := open[len(open)-1]
		open = open[:len(open)-1]
		x.low -= int64(s.fifos[x.slot].n)
		st.nodes = append(st.nodes, node{buffer: x.slot, low: x.low})
		st.low = min(st.low, x.low)
		if s.dyn != nil && s.unsteady(x.slot) {
			return false
		}
		sl := &s.slots[x.slot]
		for m := uint(sl.tx); m != 0; m &= m - 1 {
			d := bits.TrailingZeros(m)
			to := sl.target[d]
			switch {
			case to < 0:
				return false
			case d != rampPort:
				open = append(open, step{to, x.low})
			default:
				low := x.low - int64(s.fifos[to].n)
				st.nodes = append(st.nodes, node{buffer: to, low: low})
				st.low = min(st.low, low)
				sinks[to] = node{buffer: no, low: low}
			}
		}
	}
	return true
}

// apart reports whether no two operations of a PE touch the same memory, one of them writing.
func (s *Sim) apart(fr *freight) bool {
	var spans []span
	for i, j := 0, 0; i < len(fr.hauls); i = j {
		spans = spans[:0]
		for j = i; j < len(fr.hauls) && fr.hauls[j].pe == fr.hauls[i].pe; j++ {
			th := &s.threads[fr.hauls[j].thread]
			d := th.d
			add := func(x *operand, base int32, write bool) {
				switch x.kind {
				case wse.Mem:
					spans = append(spans, span{int32(j), -1, base + x.minOff, base + x.maxOff + x.bytes, write})
				case wse.Scalar:
					if write && !d.reduce {
						spans = append(spans, span{int32(j), -1, base, base + x.bytes, true})
					}
				case wse.Queued:
					f := &s.codes[s.class[fr.hauls[j].pe]].fifos[x.queue]
					spans = append(spans, span{int32(j), x.queue, f.base, f.base + f.len*x.bytes, true})
				}
			}
			add(&d.dst, th.base[0], true)
			for k := range d.nsrc {
				add(&d.src[k], th.base[k+1], false)
			}
		}
		for a := range spans {
			for b := range a {
				x, y := &spans[a], &spans[b]
				if x.haul != y.haul && (x.write || y.write) && x.lo < y.hi && y.lo < x.hi && (x.fifo < 0 || x.fifo != y.fifo) {
					return false
				}
			}
		}
	}
	return true
}

// sort puts operations after those that send them what they take; false when they go in a circle.
func (fr *freight) sort() bool {
	sorted := make([]haul, 0, len(fr.hauls))
	const open, done = 1, 2
	var visit func(i int32) bool
	visit = func(i int32) bool {
		h := &fr.hauls[i]
		switch h.state {
		case open:
			return false
		case done:
			return true
		}
		h.state = open
		for _, in := range []int32{h.in, h.pop} {
			if in >= 0 && !visit(fr.flows[in].from) {
				return false
			}
		}
		h.state = done
		sorted = append(sorted, *h)
		return true
	}
	for i := range fr.hauls {
		if !visit(int32(i)) {
			return false
		}
	}
	fr.hauls = sorted
	return true
}

// hold is the number of words that carry keeps at a time.
const hold = 1 << 20

// carry brings a sleeping region a number of periods further.
func (s *Sim) carry(r *region, periods int64) {
	for periods > 0 {
		size, per := int64(0), int64(1)
		for i := range r.freight.flows {
			size -= r.freight.flows[i].low
			per += r.freight.flows[i].words
		}
		n := min(periods, max(1, (hold-size)/per))
		s.haulAll(r, n, int(size+n*per))
		periods -= n
	}
}

func (s *Sim) haulAll(r *region, n int64, size int) {
	tr, fr := s.trains, &r.freight
	if cap(tr.words) < size {
		tr.words = make([]uint32, size)
	}
	words := tr.words[:cap(tr.words)]
	for i := range fr.flows {
		st := &fr.flows[i]
		k := n*st.words - st.low
		st.vals, words = words[:k:k], words[k:]
		for _, b := range st.nodes {
			s.lift(b, st.vals[b.low-st.low:])
		}
	}
	var sent, taken int64
	for i := range fr.hauls {
		h := &fr.hauls[i]
		var in, pop, out []uint32
		if h.in >= 0 {
			st := &fr.flows[h.in]
			in = st.vals[h.first-st.low:][:n*st.words]
			taken += n * st.words
		}
		if h.pop >= 0 {
			in := &fr.flows[h.pop]
			pop = in.vals[:n*in.words]
		}
		if h.out >= 0 {
			st := &fr.flows[h.out]
			out = st.vals[-st.low:]
			if s.threads[h.thread].d.fabOut {
				sent += n * st.words
			}
		}
		s.haul(h, n*h.per, in, pop, out)
	}
	shift := n * r.period
	for i := range fr.flows {
		st := &fr.flows[i]
		for _, b := range st.nodes {
			s.lay(b, st.vals[b.low-st.low+n*st.words:], n*st.words, r.from, shift)
		}
	}
	s.injected += sent
	s.consumed += taken
	s.copied += taken - sent
	tr.carried += taken
	s.grow(r, n)
	r.from += shift
}

// lift copies what a buffer holds.
func (s *Sim) lift(b node, to []uint32) {
	if b.mem {
		f := &s.memFifos[b.buffer]
		x := &s.codes[s.class[b.pe]].fifos[b.buffer-s.fifoOf[b.pe]]
		bytes := s.codes[s.class[b.pe]].class.Arrays[x.array].Elem.Bytes()
		for k := range f.n {
			to[k] = s.loadMem(s.memBase[b.pe]+int(x.base)+int((f.head+k)%x.len)*bytes, bytes)
		}
		return
	}
	f := &s.fifos[b.buffer]
	for k, at := int32(0), f.head; k < f.n; k++ {
		to[k] = s.ring[f.off+at].val
		if at++; at == f.cap {
			at = 0
		}
	}
}

// lay puts into a buffer what it holds after so many words have passed; those that were not ready yet in cycle now come later by shift.
func (s *Sim) lay(b node, from []uint32, words, now, shift int64) {
	if b.mem {
		f := &s.memFifos[b.buffer]
		f.head = int32((int64(f.head) + words) % int64(s.codes[s.class[b.pe]].fifos[b.buffer-s.fifoOf[b.pe]].len))
		return
	}
	f := &s.fifos[b.buffer]
	for k, at := int32(0), f.head; k < f.n; k++ {
		w := &s.ring[f.off+at]
		if w.val = from[k]; w.ready > now {
			w.ready += shift
		}
		if at++; at == f.cap {
			at = 0
		}
	}
}

// grow adds n periods to everything that counts.
func (s *Sim) grow(r *region, n int64) {
	shift := n * r.period
	c := r.counts
	for _, pe := range r.pes {
		for d, more := range c[:numPorts] {
			if at := int(pe)*numPorts + d; more > 0 {
				s.links[at] += uint32(n * more)
				s.linkFree[at] += shift * ticks
			}
		}
		if in, out := c[countStalls]*n, c[countStalls+1]*n; in|out != 0 {
			s.stall(int(pe), in, out)
		}
		c = c[countThreads:]
		for _, i := range s.inProgress(pe) {
			th := &s.threads[i]
			if th.wait != waitNone && th.since >= r.from-r.period {
				th.since += shift
			}
			if th.next > r.from*ticks || s.m.StealTicks > 0 {
				th.next += shift * ticks
			}
			c = c[2:]
		}
	}
}

// haul has an operation do n elements: it takes words from in and elements from pop and puts what it sends into out.
func (s *Sim) haul(h *haul, n int64, in, pop, out []uint32) {
	th := &s.threads[h.thread]
	d := th.d
	mem := s.memBase[h.pe]
	base := th.done
	th.done += int32(n)
	if s.slice(th, mem, base, n, in, pop, out) {
		return
	}
	k := s.codes[s.class[h.pe]]
	var v [3]uint32
	for j := range d.nsrc {
		v[j] = th.val[j]
	}
	for i := base; i < base+int32(n); i++ {
		if d.fabIn >= 0 && i%d.src[d.fabIn].perW == 0 {
			th.in, in = in[0], in[1:]
		}
		for j := range d.nsrc {
			switch x := &d.src[j]; x.kind {
			case wse.Mem:
				v[j] = s.loadMem(mem+int(th.base[j+1]+x.at(i)), int(x.bytes))
			case wse.Queued:
				v[j], pop = pop[0], pop[1:]
			case wse.Fabric:
				v[j] = th.in
				if x.perW == 2 {
					v[j] = th.in >> (16 * uint(i%2)) & 0xffff
				}
			}
		}
		if d.reduce {
			v[0] = th.acc
		}
		e := d.fn(v[0], v[1], v[2])
		switch {
		case d.reduce:
			th.acc = e
		case d.dst.kind == wse.Mem:
			s.store(mem+int(th.base[0]+d.dst.at(i)), int(d.dst.bytes), e)
		case d.dst.kind == wse.Scalar:
			s.store(mem+int(th.base[0]), int(d.dst.bytes), e)
		case d.dst.kind == wse.Queued:
			f := &k.fifos[d.dst.queue]
			at := s.memFifos[s.fifoOf[h.pe]+d.dst.queue]
			s.store(mem+int(f.base+(at.head+at.n+i-base)%f.len*d.dst.bytes), int(d.dst.bytes), e)
			if d.dst.bytes == 2 {
				e &= 0xffff
			}
			out[i-base] = e
		}
		if d.fabOut {
			th.out = packed(th.out, e, i, d.dst.perW)
			if i%d.dst.perW == d.dst.perW-1 {
				out[0], out = th.out, out[1:]
			}
		}
	}
}

// slice is haul for what only copies words between memory, in a row, and the fabric.
func (s *Sim) slice(th *thread, mem int, first int32, n int64, in, pop, out []uint32) bool {
	d := th.d
	if d.op.Code != wse.OpMov || pop != nil || d.dst.kind == wse.Queued {
		return false
	}
	word := func(x *operand) bool { return x.kind == wse.Mem && x.bytes == 4 && len(x.dims) == 1 && x.stride == 4 }
	x := &d.src[0]
	switch {
	case d.fabIn == 0 && x.perW == 1 && word(&d.dst):
		at := mem + int(th.base[0]+4*first)
		for _, v := range in {
			s.store(at, 4, v)
			at += 4
		}
		th.in = in[n-1]
		return true
	case d.fabOut && d.dst.perW == 1 && word(x):
		at := mem + int(th.base[1]+4*first)
		for i := range n {
			out[i] = s.loadMem(at, 4)
			at += 4
		}
		th.out = out[n-1]
		return true
	}
	return false
}
