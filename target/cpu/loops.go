package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// bound is an end of a loop: a constant, or a value of the kernel.
type bound struct {
	c int
	v llvm.Value // nil: c
}

func at(c int) bound { return bound{c: c} }

func (b bound) value() llvm.Value {
	if b.v != nil {
		return b.v
	}
	return llvm.NewInt(llvm.I64, int64(b.c))
}

// dim is one loop of a nest: an index over [lo, hi), which lies in the static range [min, max).
type dim struct {
	index    string
	min, max int
	lo, hi   bound
}

func staticDim(index string, lo, hi int) dim { return dim{index, lo, hi, at(lo), at(hi)} }

// gen emits into the body function of one kernel.
type gen struct {
	m    *llvm.Module
	f    *llvm.Func
	cur  *llvm.Block
	idx  map[string]bound // current value of every index
	half bool             // see calc
}

func (g *gen) calc() calc           { return calc{b: g.cur, half: g.half} }
func (g *gen) lanes(n int) calc     { return calc{b: g.cur, lane: n, half: g.half} }
func (g *gen) i64(c int) llvm.Value { return llvm.NewInt(llvm.I64, int64(c)) }
func (g *gen) add(x, y bound) bound { return g.arith(x, y, func(a, b int) int { return a + b }, "add") }
func (g *gen) minimum(x, y bound) bound {
	return g.arith(x, y, func(a, b int) int { return min(a, b) }, "slt")
}
func (g *gen) maximum(x, y bound) bound {
	return g.arith(x, y, func(a, b int) int { return max(a, b) }, "sgt")
}

// arith folds constants and emits the rest; op is add or the comparison that selects x.
func (g *gen) arith(x, y bound, fold func(a, b int) int, op string) bound {
	switch {
	case x.v == nil && y.v == nil:
		return at(fold(x.c, y.c))
	case op == "add":
		return bound{v: g.cur.NewAddNSW(x.value(), y.value())}
	}
	return bound{v: g.cur.NewSelect(g.cur.NewICmp(op, x.value(), y.value()), x.value(), y.value())}
}

// scale is x*c.
func (g *gen) scale(x bound, c int) bound {
	if x.v == nil {
		return at(x.c * c)
	}
	return bound{v: g.cur.NewMulNSW(x.v, g.i64(c))}
}

// loopKind says what the vectoriser is asked.
type loopKind uint8

const (
	plainLoop  loopKind = iota // nothing
	vectorLoop                 // vectorise: the iterations are independent and memory is contiguous
	pairLoop                   // the same, two vectors side by side: what a long body waits for in one is done for the other
)

// loop emits for (i = lo; i < hi; i += step) body(i). Constant ends need no test, one iteration no loop.
func (g *gen) loop(lo, hi bound, step int, kind loopKind, body func(i bound)) {
	if lo.v == nil && hi.v == nil {
		if lo.c >= hi.c {
			return
		}
		if lo.c+step >= hi.c {
			body(lo)
			return
		}
	}
	pre := g.cur
	head, exit := g.f.NewBlock("loop"), g.f.NewBlock("done")
	if lo.v == nil && hi.v == nil {
		pre.NewBr(head)
	} else {
		pre.NewCondBr(pre.NewICmp("slt", lo.value(), hi.value()), head, exit, nil)
	}
	i := head.NewPhi(llvm.I64)
	i.AddIncoming(lo.value(), pre)
	g.cur = head
	body(bound{v: i})
	next := g.cur.NewAddNSW(i, g.i64(step))
	i.AddIncoming(next, g.cur)
	var md *llvm.LoopMetadata
	if kind != plainLoop {
		md = g.m.NewLoopMetadata(true, kind == pairLoop)
	}
	g.cur.NewCondBr(g.cur.NewICmp("slt", next, hi.value()), head, exit, md)
	g.cur = exit
}

// nest emits the loops dims[from:to] over the union of the active boxes, in ascending order of the indices, cutting every loop where a box
// begins or ends so that leaf gets the boxes that cover the whole of where it is. boxes[k][d] is box k along dims[d]. The last loop is of
// the given kind.
func (g *gen) nest(dims []dim, from, to int, boxes [][]ir.Interval, active []int, kind loopKind, leaf func(active []int)) {
	if len(active) == 0 {
		return
	}
	if from == to {
		leaf(active)
		return
	}
	d := dims[from]
	lk := plainLoop
	if from == to-1 {
		lk = kind
	}
	for _, r := range pieceRuns(d.min, d.max, boxes, from, active) {
		if len(r.active) == 0 {
			continue
		}
		lo, hi := g.maximum(d.lo, at(r.lo)), g.minimum(d.hi, at(r.hi))
		if r.lo == d.min {
			lo = d.lo
		}
		if r.hi == d.max {
			hi = d.hi
		}
		g.loop(lo, hi, 1, lk, func(i bound) {
			g.idx[d.index] = i
			g.nest(dims, from+1, to, boxes, r.active, kind, leaf)
		})
	}
}

// pieceRange is a range of one index and the pieces that cover it.
type pieceRange struct {
	lo, hi int
	active []int
}

// pieceRuns cuts [lo, hi) of dimension d where a box begins or ends.
func pieceRuns(lo, hi int, boxes [][]ir.Interval, d int, active []int) (runs []pieceRange) {
	for c := lo; c < hi; {
		end := hi
		var in []int
		for _, k := range active {
			iv := boxes[k][d]
			if iv.Lo <= c && c < iv.Hi {
				in = append(in, k)
				end = min(end, iv.Hi)
			} else if iv.Lo > c {
				end = min(end, iv.Lo)
			}
		}
		if n := len(runs); n > 0 && runs[n-1].hi == c && slices.Equal(runs[n-1].active, in) {
			runs[n-1].hi = end
		} else {
			runs = append(runs, pieceRange{c, end, in})
		}
		c = end
	}
	return runs
}

// when emits body under a condition.
func (g *gen) when(cond llvm.Value, body func()) {
	yes, done := g.f.NewBlock("then"), g.f.NewBlock("endif")
	g.cur.NewCondBr(cond, yes, done, nil)
	g.cur = yes
	body()
	g.cur.NewBr(done)
	g.cur = done
}
