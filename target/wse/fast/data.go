package fast

import (
	"math"
	"runtime"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/target/wse"
)

// values are the rings of all streams of one capacity, 1<<class wavelets: entry k of all streams side by side.
type values struct {
	count int32
	val   []uint32
}

// row is where wavelet k of every stream of the class lies.
func (v *values) row(class int8, k uint32) []uint32 {
	return v.val[int(k&(1<<class-1))*int(v.count):][:v.count]
}

type itemKind uint8

const (
	anElement itemKind = iota // one element of an operation on the fabric
	aWhole                    // an operation in memory
	aCapture                  // the scalars of an operation on the fabric, at its issue
	aResult                   // the result of a reduction, at its end
)

// item is something to compute for the members of a group.
type item struct {
	kind       itemKind
	take, give bool
	d          *dsd
	i          int32 // element
	base       [4]int32
	val        [3]uint32
	runs       []run
	fed        []fedRun // instead of runs, of operations that receive
	id         int32    // source read
	from, to   uint32   // wavelets read and written
	out        ring
}

// A batch is what is still to be computed. Within it the items of a PE keep their order; those of different PEs have none, so that
// pieces of a shape can be worked on one after the other or at the same time. That is right because a value sent in the batch is not
// read in it: who would read it lookahead cycles after the first send flushes the batch first. And it is not overwritten in it either:
// what was under way when the batch began is all that is read, so at most twice that has been written by its end, and rings are that
// long.
type batch struct {
	shapes    []*shape // with items
	items     int
	cost      int64 // elements of PEs
	firstSend int64
}

const (
	maxItems = 1 << 13
	most     = 512     // members of a shape whose rows stay in cache: a piece
	parallel = 1 << 14 // elements of a batch from which on other cores help
)

func (s *Sim) add(g *group, it item, n int32) {
	if s.batch.items >= maxItems {
		s.flush()
	}
	if len(g.sh.items) == 0 {
		s.batch.shapes = append(s.batch.shapes, g.sh)
	}
	it.runs = g.runs
	g.sh.items = append(g.sh.items, it)
	s.batch.items++
	s.batch.cost += g.n * int64(n)
	s.Work.Elements += g.n * int64(n)
	if g.n == 1 {
		s.Work.Alone += int64(n)
	}
}

func (s *Sim) whole(g *group, th *thread) {
	s.add(g, item{kind: aWhole, d: th.d, base: th.base, val: th.val}, th.d.n)
}

func (s *Sim) capture(g *group, th *thread) {
	s.add(g, item{kind: aCapture, d: th.d, base: th.base, val: th.val}, 1)
}

func (s *Sim) reduced(g *group, th *thread) {
	s.add(g, item{kind: aResult, d: th.d, base: th.base}, 1)
}

// element has element th.done of an operation on the fabric computed. With take it reads wavelet from of source id, with give
// it completes one.
func (s *Sim) element(g *group, th *thread, t int64, take, give bool, id int32, from uint32) {
	d := th.d
	it := item{kind: anElement, d: d, i: th.done, base: th.base, val: th.val, take: take, give: give, id: id, from: from}
	if take && t >= s.batch.firstSend+s.lookahead {
		s.flush()
	}
	if give {
		to := g.outs[d.dst.queue]
		it.to, it.out = g.sent[to], g.slots[to].ring
		g.sent[to]++
		if s.batch.items >= maxItems {
			s.flush()
		}
		s.batch.firstSend = min(s.batch.firstSend, t)
	}
	if take {
		it.fed = g.feed(id)
	}
	s.add(g, it, 1)
}

// flush computes the batch.
func (s *Sim) flush() {
	b := &s.batch
	if b.items > 0 {
		type work struct {
			sh     *shape
			lo, hi int32
		}
		var list []work
		for _, sh := range b.shapes {
			for lo := int32(0); lo < int32(len(sh.pes)); lo += s.piece {
				list = append(list, work{sh, lo, min(lo+s.piece, int32(len(sh.pes)))})
			}
		}
		var next atomic.Int64
		run := func(w *worker) {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) {
					return
				}
				x := list[i]
				for j := range x.sh.items {
					s.compute(w, x.sh, &x.sh.items[j], x.lo, x.hi)
				}
			}
		}
		helpers := 0
		if b.cost >= s.parallel {
			helpers = min(s.threads(), len(list)) - 1
		}
		for len(s.workers) <= helpers {
			s.workers = append(s.workers, &worker{})
		}
		var wg sync.WaitGroup
		for i := range helpers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				run(s.workers[i+1])
			}()
		}
		run(s.workers[0])
		wg.Wait()
		for _, sh := range b.shapes {
			sh.items = sh.items[:0]
		}
	}
	b.shapes = b.shapes[:0]
	b.items, b.cost, b.firstSend = 0, 0, math.MaxInt64/2
}

func (s *Sim) threads() int {
	if s.Threads > 0 {
		return s.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// worker has space for the operands of one piece.
type worker struct {
	buf [4][most]uint32
}

// compute carries out an item for the members lo .. hi-1 of a shape that belong to its group.
func (s *Sim) compute(w *worker, sh *shape, it *item, lo, hi int32) {
	if it.fed != nil {
		i := sort.Search(len(it.fed), func(i int) bool { return it.fed[i].b > lo })
		for ; i < len(it.fed) && it.fed[i].a < hi; i++ {
			r := it.fed[i]
			a := max(r.a, lo)
			s.computeRun(w, sh, it, a, min(r.b, hi), r.src+a-r.a)
		}
		return
	}
	i := sort.Search(len(it.runs), func(i int) bool { return it.runs[i].b > lo })
	for ; i < len(it.runs) && it.runs[i].a < hi; i++ {
		s.computeRun(w, sh, it, max(it.runs[i].a, lo), min(it.runs[i].b, hi), 0)
	}
}

func (s *Sim) computeRun(w *worker, sh *shape, it *item, a, b, src int32) {
	d := it.d
	n := len(sh.pes)
	row := func(r int32) []uint32 { return sh.mem[int(r)*n+int(a) : int(r)*n+int(b)] }
	switch it.kind {
	case anElement:
		s.computeElement(w, sh, it, a, b, src)
	case aResult:
		out := row(it.base[0])
		copy(out, row(d.rows.acc))
		mask(&d.dst, out)
	case aCapture:
		for j := range d.nsrc {
			if d.src[j].kind == wse.Scalar {
				copy(row(d.rows.val[j]), row(it.base[j+1]))
			}
		}
		if d.reduce {
			if acc := row(d.rows.acc); d.src[0].kind == wse.Scalar {
				copy(acc, row(it.base[1]))
			} else {
				fill(acc, it.val[0])
			}
		}
	case aWhole:
		var v [3][]uint32
		for j := range d.nsrc {
			if x := &d.src[j]; x.kind != wse.Mem {
				v[j] = w.buf[j][:b-a]
				if x.kind == wse.Scalar {
					copy(v[j], row(it.base[j+1]))
				} else {
					fill(v[j], it.val[j])
				}
			}
		}
		for i := int32(0); i < d.n; i++ {
			for j := range d.nsrc {
				if x := &d.src[j]; x.kind == wse.Mem {
					v[j] = row(it.base[j+1] + x.at(i))
				}
			}
			if d.reduce {
				apply(d, v[0], v[0], v[1], v[2])
				continue
			}
			r := it.base[0]
			if d.dst.kind == wse.Mem {
				r += d.dst.at(i)
			}
			out := row(r)
			apply(d, out, v[0], v[1], v[2])
			mask(&d.dst, out)
		}
		if d.reduce {
			out := row(it.base[0])
			copy(out, v[0])
			mask(&d.dst, out)
		}
	}
}

func (s *Sim) computeElement(w *worker, sh *shape, it *item, a, b, src int32) {
	d, i := it.d, it.i
	n := len(sh.pes)
	row := func(r int32) []uint32 { return sh.mem[int(r)*n+int(a) : int(r)*n+int(b)] }
	var v [3][]uint32
	for j := range d.nsrc {
		x := &d.src[j]
		switch x.kind {
		case wse.Mem:
			v[j] = row(it.base[j+1] + x.at(i))
		case wse.Scalar:
			v[j] = row(d.rows.val[j])
		case wse.Fabric:
			var in []uint32
			if it.take {
				class := sh.ins[it.id]
				in = s.rings[class].row(class, it.from)[src : src+b-a]
			}
			if x.perW == 1 {
				v[j] = in
				continue
			}
			keep := row(d.rows.in)
			if it.take {
				copy(keep, in)
			}
			v[j] = w.buf[j][:b-a]
			for m, word := range keep {
				v[j][m] = word >> (16 * uint(i%2)) & 0xffff
			}
		default:
			v[j] = w.buf[j][:b-a]
			fill(v[j], it.val[j])
		}
	}
	if d.reduce {
		acc := row(d.rows.acc)
		apply(d, acc, acc, v[1], v[2])
		return
	}
	switch d.dst.kind {
	case wse.Mem, wse.Scalar:
		r := it.base[0]
		if d.dst.kind == wse.Mem {
			r += d.dst.at(i)
		}
		out := row(r)
		apply(d, out, v[0], v[1], v[2])
		mask(&d.dst, out)
	case wse.Fabric:
		var to []uint32
		if it.give {
			to = s.rings[it.out.class].row(it.out.class, it.to)[it.out.first+a : it.out.first+b]
		}
		if d.dst.perW == 1 {
			apply(d, to, v[0], v[1], v[2])
			return
		}
		out, keep := w.buf[3][:b-a], row(d.rows.out)
		apply(d, out, v[0], v[1], v[2])
		for m, x := range out {
			if i%2 == 0 {
				keep[m] = x & 0xffff
			} else {
				keep[m] |= x << 16
			}
		}
		copy(to, keep)
	}
}

func fill(x []uint32, v uint32) {
	for i := range x {
		x[i] = v
	}
}

// mask keeps what an array of 2-byte elements stores.
func mask(dst *operand, x []uint32) {
	if dst.half {
		for i := range x {
			x[i] &= 0xffff
		}
	}
}

// apply computes one element of an operation for a run of PEs.
func apply(d *dsd, out, a, b, c []uint32) {
	n := len(out)
	if d.f32 {
		switch d.code {
		case wse.OpAdd, wse.OpSum:
			a, b = a[:n], b[:n]
			for i := range out {
				out[i] = math.Float32bits(math.Float32frombits(a[i]) + math.Float32frombits(b[i]))
			}
			return
		case wse.OpSub:
			a, b = a[:n], b[:n]
			for i := range out {
				out[i] = math.Float32bits(math.Float32frombits(a[i]) - math.Float32frombits(b[i]))
			}
			return
		case wse.OpMul:
			a, b = a[:n], b[:n]
			for i := range out {
				out[i] = math.Float32bits(math.Float32frombits(a[i]) * math.Float32frombits(b[i]))
			}
			return
		case wse.OpFma, wse.OpFma3:
			a, b, c = a[:n], b[:n], c[:n]
			for i := range out {
				out[i] = math.Float32bits(ieee.FMA32(math.Float32frombits(b[i]), math.Float32frombits(c[i]), math.Float32frombits(a[i])))
			}
			return
		}
	}
	switch {
	case d.code == wse.OpMov:
		copy(out, a)
	case d.nsrc == 1:
		for i := range out {
			out[i] = d.fn(a[i], 0, 0)
		}
	case d.nsrc == 2:
		for i := range out {
			out[i] = d.fn(a[i], b[i], 0)
		}
	default:
		for i := range out {
			out[i] = d.fn(a[i], b[i], c[i])
		}
	}
}
