package grad

import (
	"math"

	"github.com/wfc-lang/wfc/ir"
)

// element is how one element x of a reduction by max, min or product moves its result y: by factor under guards.
//
//	max, min   1 for the first element, in row-major order of the summed box, that equals y, else nothing
//	prod       the product of the other elements, from the product of those that are not zero and the number of zeros
//
// b holds the body of a piece, x is the node of the element.
func (w *writer) element(op *ir.Op, k int, b *exprs, x int) term {
	e := op.Results[k].Elem
	at := identity(op.Dom)
	if op.Comb == ir.Prod {
		zeros, rest := w.zeros(op, k, func(b *exprs, x, zero int) int {
			return b.op(ir.Select, e, zero, b.num(e, 1), b.num(e, 0))
		}, ir.Sum, ".zeros"), w.zeros(op, k, func(b *exprs, x, zero int) int {
			return b.op(ir.Select, e, zero, b.num(e, 1), x)
		}, ir.Prod, ".rest")
		z, p := b.read(e, zeros, at), b.read(e, rest, at)
		here := b.op(ir.Eq, ir.Bool, x, b.num(e, 0))
		only := b.op(ir.Select, e, b.op(ir.Eq, ir.Bool, z, b.num(e, 1)), p, b.num(e, 0))
		others := b.op(ir.Select, e, b.op(ir.Eq, ir.Bool, z, b.num(e, 0)), b.op(ir.Div, e, p, x), b.num(e, 0))
		return term{expr: b.op(ir.Select, e, here, only, others)}
	}
	first := w.derived(op, k, ir.Min, ir.I32, ".first", func(b *exprs, x int) int {
		y := b.read(e, "%"+op.Results[k].Name, at)
		return b.op(ir.Select, ir.I32, b.op(ir.Eq, ir.Bool, x, y), linear(b, op.Over), b.num(ir.I32, math.MaxInt32))
	})
	c := b.op(ir.Eq, ir.Bool, linear(b, op.Over), b.read(ir.I32, first, at))
	return term{guards: []guard{{cond: c}}, expr: b.num(e, 1)}
}

// zeros reduces what f makes of each element and of whether it is zero.
func (w *writer) zeros(op *ir.Op, k int, f func(b *exprs, x, zero int) int, comb ir.Combiner, suffix string) string {
	return w.derived(op, k, comb, op.Results[k].Elem, suffix, func(b *exprs, x int) int {
		return f(b, x, b.op(ir.Eq, ir.Bool, x, b.num(b.elem(x), 0)))
	})
}

// derived emits, once, a reduction over the same box of what f makes of each element of op's result k.
func (w *writer) derived(op *ir.Op, k int, comb ir.Combiner, e ir.Elem, suffix string, f func(b *exprs, x int) int) string {
	name := op.Results[k].Name + suffix
	if d, ok := w.made[name]; ok {
		return d
	}
	out := ir.Op{Kind: ir.Reduce, Dom: op.Dom, Over: op.Over, Comb: comb, Order: ir.Order{Kind: ir.Canon}, Pos: op.Pos,
		Results: []ir.Result{{Name: name, Elem: e}}}
	for _, pc := range op.Pieces {
		b := newExprs()
		x := f(b, b.paste(&pc.Body, nil)[k])
		out.Pieces = append(out.Pieces, ir.Piece{Box: pc.Box, Body: b.body(x)})
	}
	w.made[name] = w.emit(out)
	return w.made[name]
}

// linear is the row-major number of an element of the box over.
func linear(b *exprs, over []ir.Range) int {
	sum, stride := -1, 1
	for d := len(over) - 1; d >= 0; d-- {
		x := b.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: over[d].Index})
		if over[d].Lo != 0 {
			x = b.op(ir.Sub, ir.I32, x, b.num(ir.I32, float64(over[d].Lo)))
		}
		if stride > 1 {
			x = b.op(ir.Mul, ir.I32, x, b.num(ir.I32, float64(stride)))
		}
		if sum >= 0 {
			x = b.op(ir.Add, ir.I32, x, sum)
		}
		sum, stride = x, stride*(over[d].Hi-over[d].Lo)
	}
	return sum
}
