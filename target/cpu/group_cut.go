package cpu

import (
	"math"
	"sort"

	"github.com/wfc-lang/wfc/ir"
)

// Columns that a tile need not compute. Where a select decides by the indices alone, large values are constant over the last columns of a
// tile of rows: behind the diagonal of a causal mask. What the operations of the group would do there is known: a maximum takes no notice of
// -inf, a sum of -0, and a sum of +0 only turns -0 into +0; a sum with weights ±0 changes nothing but -0, unless the other factor is not
// finite. So the tile ends before these columns, and the few bits that could differ are looked after ([tail], [lead]).

// known is what is known of a node over a region: an integer in [lo, hi], a truth value, or a number.
type known struct {
	kind   byte // 0 nothing, 'i', 'b', 'x'
	lo, hi int64
	truth  bool
	x      float64
}

// over evaluates a body over a region of the indices; large says what is known of reads.
func over(b *ir.Body, box map[string]ir.Interval, large func(n *ir.Node) known) []known {
	v := make([]known, len(b.Nodes))
	for i := range b.Nodes {
		n := &b.Nodes[i]
		arg := func(k int) known { return v[n.Args[k]] }
		ints := len(n.Args) == 2 && arg(0).kind == 'i' && arg(1).kind == 'i'
		bools := len(n.Args) == 2 && arg(0).kind == 'b' && arg(1).kind == 'b'
		truth := func(sure, never bool) {
			if sure || never {
				v[i] = known{kind: 'b', truth: sure}
			}
		}
		switch {
		case n.Op == ir.Const && n.Elem == ir.Bool:
			v[i] = known{kind: 'b', truth: n.Int != 0}
		case n.Op == ir.Const && n.Elem.IsFloat():
			v[i] = known{kind: 'x', x: n.Imm}
		case n.Op == ir.Const:
			v[i] = known{kind: 'i', lo: n.Int, hi: n.Int}
		case n.Op == ir.Index:
			if r, ok := box[n.Name]; ok && r.Lo < r.Hi {
				v[i] = known{kind: 'i', lo: int64(r.Lo), hi: int64(r.Hi - 1)}
			}
		case n.Op == ir.Read:
			v[i] = large(n)
		case n.Op == ir.Add && ints && small(arg(0), arg(1)):
			v[i] = known{kind: 'i', lo: arg(0).lo + arg(1).lo, hi: arg(0).hi + arg(1).hi}
		case n.Op == ir.Sub && ints && small(arg(0), arg(1)):
			v[i] = known{kind: 'i', lo: arg(0).lo - arg(1).hi, hi: arg(0).hi - arg(1).lo}
		case n.Op == ir.Le && ints:
			truth(arg(0).hi <= arg(1).lo, arg(0).lo > arg(1).hi)
		case n.Op == ir.Lt && ints:
			truth(arg(0).hi < arg(1).lo, arg(0).lo >= arg(1).hi)
		case n.Op == ir.Eq && ints:
			truth(arg(0).lo == arg(0).hi && arg(0) == arg(1), arg(0).hi < arg(1).lo || arg(1).hi < arg(0).lo)
		case n.Op == ir.Ne && ints:
			truth(arg(0).hi < arg(1).lo || arg(1).hi < arg(0).lo, arg(0).lo == arg(0).hi && arg(0) == arg(1))
		case n.Op == ir.And && n.Elem == ir.Bool:
			a, c := arg(0), arg(1)
			truth(bools && a.truth && c.truth, a.kind == 'b' && !a.truth || c.kind == 'b' && !c.truth)
		case n.Op == ir.Or && n.Elem == ir.Bool:
			a, c := arg(0), arg(1)
			truth(a.kind == 'b' && a.truth || c.kind == 'b' && c.truth, bools && !a.truth && !c.truth)
		case n.Op == ir.Not && n.Elem == ir.Bool && arg(0).kind == 'b':
			v[i] = known{kind: 'b', truth: !arg(0).truth}
		case n.Op == ir.Select && arg(0).kind == 'b' && arg(0).truth:
			v[i] = arg(1)
		case n.Op == ir.Select && arg(0).kind == 'b':
			v[i] = arg(2)
		}
	}
	return v
}

// small says that sums of two ranges are those of 32-bit arithmetic.
func small(a, b known) bool {
	const limit = 1 << 29
	return a.lo > -limit && a.hi < limit && b.lo > -limit && b.hi < limit
}

func zero(k known) bool   { return k.kind == 'x' && k.x == 0 }
func minus0(k known) bool { return zero(k) && math.Signbit(k.x) }

// cut is how a tile ends: its columns, the constant of every large value behind them, and which sums have +0 left out.
type cut struct {
	cols   int
	behind map[string]known
	zeros  map[int]bool // operations
}

// cutFor finds the fewest columns that a tile must have, a multiple of a vector's lanes.
func (x *group) cutFor(g *fn, rows ir.Interval, least int) cut {
	const lanes = 16
	steps := (x.cols.Hi + lanes - 1) / lanes
	at := func(k int) int { return min(x.cols.Hi, k*lanes) }
	n := 1 + sort.Search(steps-1, func(k int) bool {
		_, ok := x.tryCut(g, rows, at(k+1))
		return ok
	})
	c, ok := x.tryCut(g, rows, max(at(n), least))
	if !ok { // what holds for a column holds for those behind it, or the tile is whole
		c, _ = x.tryCut(g, rows, x.cols.Hi)
	}
	return c
}

// tryCut says whether a tile may end at column n.
func (x *group) tryCut(g *fn, rows ir.Interval, n int) (cut, bool) {
	c := cut{cols: n, behind: map[string]known{}, zeros: map[int]bool{}}
	if n >= x.cols.Hi {
		return c, true
	}
	large := func(nd *ir.Node) known { return c.behind[nd.Name] }
	for i := x.lo; i < x.hi; i++ {
		op := &g.ops[i]
		col := x.col[i-x.lo]
		if op.Order.Kind == ir.Mesh { // its parts are those of the whole axis
			return c, false
		}
		isLarge := sameBox(op.Dom, append(append([]ir.Range{}, x.units...), x.rows, x.cols))
		for p := range op.Pieces {
			box := boxOf(op, &op.Pieces[p])
			r, cc := box[x.row[i-x.lo]], box[col]
			if len(op.Pieces) > 1 || r != (ir.Interval{Lo: x.rows.Lo, Hi: x.rows.Hi}) || cc != (ir.Interval{Lo: x.cols.Lo, Hi: x.cols.Hi}) {
				return c, false
			}
			box[x.row[i-x.lo]], box[col] = rows, ir.Interval{Lo: n, Hi: x.cols.Hi}
			v := over(&op.Pieces[p].Body, box, large)
			for k, res := range op.Results {
				is := v[op.Pieces[p].Body.Results[k]]
				switch {
				case isLarge && !x.local["%"+res.Name]:
					return c, false
				case isLarge:
					if op.Kind == ir.Map {
						c.behind["%"+res.Name] = is
					}
				case newContraction(op) != nil:
					if f := weight(op, c.behind); f < 0 || !zero(c.behind[op.Pieces[p].Body.Nodes[f].Name]) {
						return c, false
					}
				case op.FMA || is.kind != 'x':
					return c, false
				case op.Comb == ir.Max && is.x == math.Inf(-1), op.Comb == ir.Min && is.x == math.Inf(1), op.Comb == ir.Sum && minus0(is):
				case op.Comb == ir.Sum && zero(is):
					c.zeros[i] = true
				default:
					return c, false
				}
			}
		}
	}
	return c, true
}

// weight is the factor of a contraction that is a large value of known constant, -1 if there is none.
func weight(op *ir.Op, behind map[string]known) int {
	b := &op.Pieces[0].Body
	for _, f := range b.Nodes[b.Results[0]].Args {
		if _, ok := behind[b.Nodes[f].Name]; ok && b.Nodes[f].Op == ir.Read {
			return f
		}
	}
	return -1
}

// weighted is a contraction with the constant in place of its large factor; it returns the other factor, too.
func weighted(op *ir.Op, behind map[string]known) (ir.Op, int) {
	f := weight(op, behind)
	out := clonePieces(*op)
	b := &out.Pieces[0].Body
	args := b.Nodes[b.Results[0]].Args
	other := args[0]
	if other == f {
		other = args[1]
	}
	b.Nodes[f] = ir.Node{Op: ir.Const, Elem: b.Nodes[f].Elem, Imm: behind[b.Nodes[f].Name].x}
	return out, other
}
