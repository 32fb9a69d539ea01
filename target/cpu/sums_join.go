package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Sums over the same points that follow each other (the inner products of an iteration of a solver) are one operation with several results: it
// reads once what they have in common, and its results are folded by one kernel.

// joinSums joins them.
func (g *fn) joinSums() {
	var ops []ir.Op
	for _, op := range g.ops {
		if n := len(ops); n > 0 && joins(&ops[n-1], &op) {
			ops[n-1] = joined(&ops[n-1], &op)
			continue
		}
		ops = append(ops, op)
	}
	g.ops = ops
}

// joins says that two operations are sums to one number each, over the same points in the same order, and the second does not read the first.
func joins(a, b *ir.Op) bool {
	for _, op := range []*ir.Op{a, b} {
		if op.Kind != ir.Reduce || len(op.Dom) > 0 || op.Order.Kind != ir.Canon || len(op.Pieces) != 1 || newContraction(op) != nil || ir.Selected(op) != nil {
			return false
		}
	}
	if a.Comb != b.Comb || a.FMA != b.FMA || !slices.Equal(a.Over, b.Over) || !slices.Equal(a.Pieces[0].Box, b.Pieces[0].Box) {
		return false
	}
	return !slices.ContainsFunc(b.Pieces[0].Body.Nodes, func(n ir.Node) bool {
		return n.Op == ir.Read && slices.ContainsFunc(a.Results, func(r ir.Result) bool { return n.Name == "%"+r.Name })
	})
}

func joined(a, b *ir.Op) ir.Op {
	op := *a
	op.Results = slices.Concat(a.Results, b.Results)
	op.Pieces = []ir.Piece{{Box: a.Pieces[0].Box, Body: both(a.Pieces[0].Body, b.Pieces[0].Body)}}
	return op
}
