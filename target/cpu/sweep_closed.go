package cpu

import (
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// Rows of a periodic contiguous axis are closed where that is possible: the first and the last vector of a row are computed by code of their own, which
// puts what lies beyond an end together of both ends. No ghosts are needed then. To make them takes a kernel that waits for the memory
// at both ends of every row, and dirties a line of each.

// mostTurn is how far beyond the ends of a closed row kernels read at most: as far as the shortest line of vectors reaches.
const mostTurn = lineBytes / 8

// closeRows finds out whether rows can be closed: their ends must be ends of vectors, and ghosts nothing but copies of the other end, which
// only maps read beside their own column.
func (s *sweep) closeRows() {
	if s.rank != 3 {
		return
	}
	n, whole := s.periodic(2)
	if !whole || n < 2*lineBytes/4 || n%(lineBytes/4) != 0 {
		return
	}
	for i := range s.fn.ops {
		op := &s.fn.ops[i]
		if len(op.Dom) != 3 {
			continue
		}
		if wrapsAlong(op, 2, n) {
			if s.fn.vals[op.From].slot != s.fn.vals["%"+op.Results[0].Name].slot {
				return
			}
			continue
		}
		for k := range op.Pieces {
			for _, r := range op.Pieces[k].Body.Nodes {
				if r.Op == ir.Read && !staysClosed(op, r.At) {
					return
				}
			}
		}
	}
	s.closed = n
}

// staysClosed says that an operation may read so if rows have no ghosts.
func staysClosed(op *ir.Op, at []ir.Affine) bool {
	most := 0
	if op.Kind == ir.Map && offsets(op, at) {
		most = mostTurn
	}
	for _, a := range at {
		if a.Index == op.Dom[2].Index && (a.Off > most || a.Off < -most) {
			return false
		}
	}
	return true
}

// roundEnds says that columns [from, to) are a closed row of which a body reads other columns than its own.
func (k *planeEmit) roundEnds(b *ir.Body, from, to int) bool {
	if k.s.closed == 0 || k.st.op.Kind != ir.Map || from != 0 || to != k.s.closed {
		return false
	}
	for _, n := range b.Nodes {
		if n.Op == ir.Read && offsets(k.st.op, n.At) && n.At[2].Off != 0 {
			return true
		}
	}
	return false
}

// crosses says that a vector from a column on lies partly beyond an end of a closed row.
func (k *planeEmit) crosses(col emit.Bound) bool {
	return k.s.closed > 0 && k.st.op.Kind == ir.Map && col.V == nil && (col.C < 0 || col.C+k.lane > k.s.closed)
}

// getRound loads such a vector: from the other end of the row, or the last one of the row and the first, put together.
func (k *planeEmit) getRound(e ir.Elem, col int, place func(col emit.Bound) value.Value) value.Value {
	if col = mod(col, k.s.closed); col+k.lane <= k.s.closed {
		return k.get(e, place(emit.At(col)))
	}
	last, first := k.packed(e, place(emit.At(k.s.closed-k.lane))), k.packed(e, place(emit.At(0)))
	each := make([]int, k.lane)
	for i := range each {
		each[i] = mod(col, k.lane) + i
	}
	return k.unpack(e, k.Cur.NewShuffleVector(last, first, llvm.NewMask(each...)))
}
