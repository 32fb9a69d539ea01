package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// assignBuffers gives every value of g a slot and returns the slots of partial results by operation. It is the one place that decides
// about storage.
//
// A result takes the storage of an operand that it reads for the last time, point by point, or a slot of its layout that is free from its
// definition to its last use. The slot of an array that the function sets is free like any other once its old value is not needed. Slots
// beyond the arrays are shared by all functions, since none of them carries data from one call to the next.
func (pl *plan) assignBuffers(g *fn) [][]int {
	last := g.lastUses()
	busy := make([]bool, len(pl.layouts))
	for i, a := range pl.arrays {
		busy[i] = last[a] >= 0
	}
	take := func(l *layout) int {
		for s := range busy {
			if !busy[s] && pl.layouts[s].same(l) {
				busy[s] = true
				return s
			}
		}
		pl.layouts = append(pl.layouts, l)
		busy = append(busy, true)
		return len(busy) - 1
	}
	parts := make([][]int, len(g.ops))
	held := slices.DeleteFunc(slices.Clone(pl.arrays), func(a *val) bool { return last[a] < 0 }) // roots that need their slot
	for k := range g.ops {
		op := &g.ops[k]
		for _, r := range op.Results {
			v := g.vals["%"+r.Name]
			if v.parent != nil {
				continue
			}
			l := v.class.layout(v.elem)
			i := slices.IndexFunc(held, func(h *val) bool { return last[h] == k && pl.layouts[h.slot].same(l) && g.pointwise(op, h) })
			if i >= 0 {
				v.slot = held[i].slot
				held = slices.Delete(held, i, i+1)
			} else {
				v.slot = take(l)
			}
			held = append(held, v)
		}
		if op.Kind == ir.Reduce {
			if n := partialCount(op); n > 0 {
				for _, d := range op.Dom {
					n *= d.Hi - d.Lo
				}
				for _, r := range op.Results {
					parts[k] = append(parts[k], take(newLayout(r.Elem, []ir.Interval{{Lo: 0, Hi: n}})))
				}
			}
		}
		for _, s := range parts[k] {
			busy[s] = false
		}
		held = slices.DeleteFunc(held, func(v *val) bool {
			if last[v] > k {
				return false
			}
			busy[v.slot] = false
			return true
		})
	}
	return parts
}

// lastUses gives the position of the last operation that needs the storage of each root; len(g.ops) if it must survive the function.
func (g *fn) lastUses() map[*val]int {
	last := map[*val]int{}
	use := func(name string, k int) {
		r := g.vals[name].root()
		last[r] = max(last[r], k)
	}
	for _, v := range g.vals {
		if v.array >= 0 {
			last[v] = len(g.ops) // an array that is not set stays
		}
	}
	for _, s := range g.sets {
		last[s.array] = -1
	}
	for k := range g.ops {
		op := &g.ops[k]
		for i := range op.Pieces {
			for j := range op.Pieces[i].Body.Nodes {
				if n := &op.Pieces[i].Body.Nodes[j]; n.Op == ir.Read {
					use(n.Name, k)
				}
			}
		}
		for _, r := range op.Results {
			use("%"+r.Name, k)
		}
	}
	for _, s := range g.sets {
		last[s.value.root()] = len(g.ops)
	}
	return last
}

// pointwise reports whether a map with one result reads storage r only at the point it computes, so that it may write there.
func (g *fn) pointwise(op *ir.Op, r *val) bool {
	if op.Kind != ir.Map || len(op.Results) != 1 {
		return false
	}
	for i := range op.Pieces {
		for j := range op.Pieces[i].Body.Nodes {
			n := &op.Pieces[i].Body.Nodes[j]
			if n.Op != ir.Read || g.vals[n.Name].root() != r {
				continue
			}
			if len(n.At) != len(op.Dom) {
				return false
			}
			for d, a := range n.At {
				if a.Index != op.Dom[d].Index || a.Off != 0 {
					return false
				}
			}
		}
	}
	return true
}
