package emit

import (
	"slices"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// Bound is an end of a loop: a constant, or a value of the kernel.
type Bound struct {
	C int
	V value.Value // nil: C
}

// At is a constant bound.
func At(c int) Bound { return Bound{C: c} }

// Value is the bound as a 64-bit integer.
func (b Bound) Value() value.Value {
	if b.V != nil {
		return b.V
	}
	return constant.NewInt(types.I64, int64(b.C))
}

// Dim is one loop of a nest: an index over [lo, hi), which lies in the static range [min, max).
type Dim struct {
	Index    string
	Min, Max int
	Lo, Hi   Bound
}

// Range is a loop with constant ends.
func Range(index string, lo, hi int) Dim { return Dim{index, lo, hi, At(lo), At(hi)} }

// Gen emits into one function: loops, and arithmetic on their bounds at the end of the current block.
type Gen struct {
	Module *llvm.Module
	Func   *llvm.Func
	Cur    *llvm.Block
	Index  map[string]Bound // current value of every index
	Half   bool             // see [Calc]
}

// Calc emits operations on single values, Lanes on vectors of n.
func (g *Gen) Calc() Calc       { return Calc{Block: g.Cur, half: g.Half} }
func (g *Gen) Lanes(n int) Calc { return Calc{Block: g.Cur, lane: n, half: g.Half} }

// I64 is a constant.
func (g *Gen) I64(c int) value.Value { return constant.NewInt(types.I64, int64(c)) }

// Add, Minimum and Maximum fold constants.
func (g *Gen) Add(x, y Bound) Bound {
	if x.V == nil && y.V == nil {
		return At(x.C + y.C)
	}
	return Bound{V: g.Cur.NewAddNSW(x.Value(), y.Value())}
}
func (g *Gen) Minimum(x, y Bound) Bound { return g.choose(enum.IPredSLT, x, y, min(x.C, y.C)) }
func (g *Gen) Maximum(x, y Bound) Bound { return g.choose(enum.IPredSGT, x, y, max(x.C, y.C)) }

// choose is c of two constants, else x or y, x if the comparison holds.
func (g *Gen) choose(pred enum.IPred, x, y Bound, c int) Bound {
	if x.V == nil && y.V == nil {
		return At(c)
	}
	return Bound{V: g.Cur.NewSelect(g.Cur.NewICmp(pred, x.Value(), y.Value()), x.Value(), y.Value())}
}

// Scale is x*c.
func (g *Gen) Scale(x Bound, c int) Bound {
	if x.V == nil {
		return At(x.C * c)
	}
	return Bound{V: g.Cur.NewMulNSW(x.V, g.I64(c))}
}

// LoopKind says what the vectoriser is asked.
type LoopKind uint8

const (
	Plain  LoopKind = iota // nothing
	Vector                 // vectorise: the iterations are independent and memory is contiguous
	Pair                   // the same, two vectors side by side: what a long body waits for in one is done for the other
)

// Loop emits for (i = lo; i < hi; i += step) body(i). Constant ends need no test, one iteration no loop.
func (g *Gen) Loop(lo, hi Bound, step int, kind LoopKind, body func(i Bound)) {
	if lo.V == nil && hi.V == nil {
		if lo.C >= hi.C {
			return
		}
		if lo.C+step >= hi.C {
			body(lo)
			return
		}
	}
	pre := g.Cur
	head, exit := g.Func.NewBlock("loop"), g.Func.NewBlock("done")
	if lo.V == nil && hi.V == nil {
		pre.NewBr(head)
	} else {
		pre.NewCondBr(pre.NewICmp(enum.IPredSLT, lo.Value(), hi.Value()), head, exit)
	}
	i := head.NewPhi(types.I64)
	i.AddIncoming(lo.Value(), pre)
	g.Cur = head
	body(Bound{V: i})
	next := g.Cur.NewAddNSW(i, g.I64(step))
	i.AddIncoming(next, g.Cur)
	back := g.Cur.NewCondBr(g.Cur.NewICmp(enum.IPredSLT, next, hi.Value()), head, exit)
	if kind != Plain {
		g.Module.Vectorize(back, kind == Pair)
	}
	g.Cur = exit
}

// Nest emits the loops dims[from:to] over the union of the active boxes, in ascending order of the indices, cutting every loop where a box
// begins or ends so that leaf gets the boxes that cover the whole of where it is. boxes[k][d] is box k along dims[d]. The last loop is of
// the given kind.
func (g *Gen) Nest(dims []Dim, from, to int, boxes [][]ir.Interval, active []int, kind LoopKind, leaf func(active []int)) {
	if len(active) == 0 {
		return
	}
	if from == to {
		leaf(active)
		return
	}
	d := dims[from]
	lk := Plain
	if from == to-1 {
		lk = kind
	}
	for _, r := range PieceRuns(d.Min, d.Max, boxes, from, active) {
		if len(r.Active) == 0 {
			continue
		}
		lo, hi := g.Maximum(d.Lo, At(r.Lo)), g.Minimum(d.Hi, At(r.Hi))
		if r.Lo == d.Min {
			lo = d.Lo
		}
		if r.Hi == d.Max {
			hi = d.Hi
		}
		g.Loop(lo, hi, 1, lk, func(i Bound) {
			g.Index[d.Index] = i
			g.Nest(dims, from+1, to, boxes, r.Active, kind, leaf)
		})
	}
}

// pieceRange is a range of one index and the pieces that cover it.
type pieceRange struct {
	Lo, Hi int
	Active []int
}

// PieceRuns cuts [lo, hi) of dimension d where a box begins or ends.
func PieceRuns(lo, hi int, boxes [][]ir.Interval, d int, active []int) (runs []pieceRange) {
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
		if n := len(runs); n > 0 && runs[n-1].Hi == c && slices.Equal(runs[n-1].Active, in) {
			runs[n-1].Hi = end
		} else {
			runs = append(runs, pieceRange{c, end, in})
		}
		c = end
	}
	return runs
}

// When emits body under a condition.
func (g *Gen) When(cond value.Value, body func()) {
	yes, done := g.Func.NewBlock("then"), g.Func.NewBlock("endif")
	g.Cur.NewCondBr(cond, yes, done)
	g.Cur = yes
	body()
	g.Cur.NewBr(done)
	g.Cur = done
}
