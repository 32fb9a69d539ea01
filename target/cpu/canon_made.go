package cpu

import (
	"slices"

	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// A sum of what the operation before it makes (the dot products of an iterative solver) takes its terms as they are made: one kernel makes
// the values of a block, stores them and folds the terms. It reads nothing again, and the order is the canonical one, whatever is
// computed beside it.

// takesTerms says that the kernel of map before can give reduce sum its terms: both go over the same points in whole vectors, and the sum reads
// what the map makes, at its own point only.
func takesTerms(sum, before *ir.Op) bool {
	if sum.Kind != ir.Reduce || before.Kind != ir.Map || len(sum.Dom) > 0 || len(before.Dom) == 0 || sum.Order.Kind != ir.Canon ||
		len(sum.Over) != len(before.Dom) || len(before.Pieces) != 1 || newContraction(sum) != nil || ir.Selected(sum) != nil {
		return false
	}
	for d, r := range before.Dom {
		o := sum.Over[d]
		if r.Lo != o.Lo || r.Hi != o.Hi || before.Pieces[0].Box[d] != (ir.Interval{Lo: r.Lo, Hi: r.Hi}) {
			return false
		}
	}
	s := &reduction{op: sum}
	for i := range sum.Pieces {
		s.boxes = append(s.boxes, sum.Pieces[i].Box)
	}
	if !s.direct() || s.rest() > 0 || !inLanes(&before.Pieces[0].Body, before.Dom[len(before.Dom)-1].Index) {
		return false
	}
	any := false
	for _, r := range before.Results {
		if !plainElem(r.Elem) {
			return false
		}
		for _, n := range reads(sum) {
			if n.Name != "%"+r.Name {
				continue
			}
			if !atPoint(sum.Over, n.At) {
				return false
			}
			any = true
		}
	}
	return any
}

// takes says that reduce sum is computed by the kernel of map before it: it can be, and reads nothing of what the map writes over.
func (e *emitter) takes(sum, before *ir.Op) bool {
	if !takesTerms(sum, before) {
		return false
	}
	return !slices.ContainsFunc(reads(sum), func(n *ir.Node) bool {
		return slices.ContainsFunc(before.Results, func(r ir.Result) bool {
			return n.Name != "%"+r.Name && e.vals[n.Name].slot == e.vals["%"+r.Name].slot
		})
	})
}

// make computes the values that the terms of as many points as there are lanes are made of, and stores those that are wanted later.
func (r *reduction) make(k *kernel, lanes int) error {
	op := r.before
	for d, x := range op.Dom {
		k.Index[x.Index] = k.Index[r.op.Over[d].Index]
	}
	b := &op.Pieces[0].Body
	vals, err := k.evalLanes(b, b.Results, op.Dom[len(op.Dom)-1].Index, lanes, nil)
	if err != nil {
		return err
	}
	r.made = map[string]value.Value{}
	for i, res := range op.Results {
		name := "%" + res.Name
		r.made[name] = vals[i]
		if r.passing[name] {
			continue
		}
		t := llvm.NewVector(lanes, emit.MemType(res.Elem))
		p := k.address(r.e.vals[name].slot, k.domCoords(op))
		k.Cur.NewStore(vals[i], k.Cur.NewBitCast(p, types.NewPointer(t)), storageBytes(res.Elem))
	}
	return nil
}

// passing are the results of operation k that nothing but the next operation reads.
func (g *fn) passing(k int) map[string]bool {
	out := map[string]bool{}
	for _, r := range g.ops[k].Results {
		name := "%" + r.Name
		read := g.set[name]
		for i := k + 2; i < len(g.ops) && !read; i++ {
			op := &g.ops[i]
			read = op.From == name
			for p := range op.Pieces {
				read = read || slices.ContainsFunc(op.Pieces[p].Body.Nodes, func(n ir.Node) bool { return n.Op == ir.Read && n.Name == name })
			}
		}
		out[name] = !read
	}
	return out
}
