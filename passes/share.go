package passes

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// share decides which extends live around their operand: those whose ghosts cover nothing that a value of the same storage, still to be
// read, shows there. Two extends that fill a periodic margin alike do not disturb each other.
func (q *planner) share() {
	last := map[string]int{} // of every value by itself
	for i := range q.f.Ops {
		for _, n := range operands(&q.f.Ops[i]) {
			last[n] = i
		}
	}
	for _, s := range q.f.Sets {
		last[s.Value] = len(q.f.Ops)
	}
	for i := len(q.f.Ops) - 1; i >= 0; i-- { // an extend shows all of its operand
		if op := &q.f.Ops[i]; op.Kind == ir.Extend {
			last[op.From] = max(last[op.From], last["%"+op.Results[0].Name])
		}
	}
	around := map[string][]*ir.Op{} // a root to the extends that share its storage
	for i := range q.f.Ops {
		op := &q.f.Ops[i]
		if op.Kind != ir.Extend {
			continue
		}
		r := q.rootOf(op.From)
		if slices.ContainsFunc(around[r], func(w *ir.Op) bool {
			return last["%"+w.Results[0].Name] >= i && "%"+w.Results[0].Name != op.From && q.disturbs(op, w)
		}) {
			continue
		}
		around[r] = append(around[r], op)
		q.root["%"+op.Results[0].Name] = r
	}
}

// disturbs says that the ghosts of e change what extend w of the same storage shows.
func (q *planner) disturbs(e, w *ir.Op) bool {
	for i := range e.Pieces {
		common, ok := meet(e.Pieces[i].Box, w.Dom)
		if ok && !q.fills(w, common, e, &e.Pieces[i]) {
			return true
		}
	}
	return false
}

// fills says that extend w, or one it is around, copies to all of a box from the same places as a piece of e does.
func (q *planner) fills(w *ir.Op, box []ir.Interval, e *ir.Op, pc *ir.Piece) bool {
	shift, ok := copies(e, &pc.Body)
	for ok && w != nil && w.Kind == ir.Extend && len(w.Dom) == len(box) {
		for i := range w.Pieces {
			s, plain := copies(w, &w.Pieces[i].Body)
			if plain && slices.Equal(s, shift) && holdsBox(w.Pieces[i].Box, box) {
				return true
			}
		}
		if w, _ = producer(q.f, w.From); w != nil && q.root["%"+w.Results[0].Name] == "" {
			return false
		}
	}
	return false
}

// copies returns the offsets of a body that copies its extend's operand, index by index.
func copies(op *ir.Op, b *ir.Body) ([]int, bool) {
	if len(b.Results) != 1 || b.Nodes[b.Results[0]].Op != ir.Read {
		return nil, false
	}
	n := &b.Nodes[b.Results[0]]
	if n.Name != op.From || len(n.At) != len(op.Dom) {
		return nil, false
	}
	var shift []int
	for d, a := range n.At {
		if a.Index != op.Dom[d].Index || !a.Unit() {
			return nil, false
		}
		shift = append(shift, a.Off)
	}
	return shift, true
}

// meet returns the common part of a box and a domain.
func meet(box []ir.Interval, dom []ir.Range) ([]ir.Interval, bool) {
	out := make([]ir.Interval, len(box))
	for d := range box {
		out[d] = ir.Interval{Lo: max(box[d].Lo, dom[d].Lo), Hi: min(box[d].Hi, dom[d].Hi)}
		if out[d].Lo >= out[d].Hi {
			return nil, false
		}
	}
	return out, true
}

func holdsBox(outer, inner []ir.Interval) bool {
	for d := range outer {
		if inner[d].Lo < outer[d].Lo || inner[d].Hi > outer[d].Hi {
			return false
		}
	}
	return true
}
