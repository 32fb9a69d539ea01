package cpu

import (
	"slices"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// Kernels of wide stencils for several planes ask for the next row of the planes that they are the first to read, vector by vector: a core follows about as
// many streams of data by itself as such a kernel has, and begins anew with every page. A row takes about as long as the memory takes to answer. In two
// dimensions planes are rows, and the next ones are as many as the kernel computes.

// asksRows says that kernels ask for rows. Those of narrow stencils in three dimensions ask for whole planes before (sweep_fetch.go), those in two leave it to
// the core, which follows their few rows.
func (s *sweep) asksRows() bool {
	return s.jam > 1 && !s.linewise() && (s.rank == 3 || s.streams(s.jam) > mostStreams)
}

// leading are the values of which an operation reads planes at constant offsets, in the order of their first reads, and the last plane of each.
func (st *planeOp) leading() (roots []string, last []int) {
	for i := range st.op.Pieces {
		for j := range st.op.Pieces[i].Body.Nodes {
			n := &st.op.Pieces[i].Body.Nodes[j]
			if n.Op != ir.Read || !offsets(st.op, n.At) {
				continue
			}
			root := st.root[n.Name]
			k := slices.Index(roots, root)
			if k < 0 {
				k = len(roots)
				roots, last = append(roots, root), append(last, n.At[0].Off)
			}
			last[k] = max(last[k], n.At[0].Off)
		}
	}
	return roots, last
}

// rowsArg tells a kernel which of the values lie in arrays: a bit for each.
func (s *sweep) rowsArg(nd *planeNode) int64 {
	roots, _ := nd.st.leading()
	bits := 0
	for i, r := range roots {
		if b := nd.in[r]; i < 32 && b != nil && b.memory >= 0 && !nd.st.share {
			bits |= 1 << i
		}
	}
	return number(bits)
}

// rowsAhead reads what the kernel was told.
func (k *planeEmit) rowsAhead() {
	if k.s.asksRows() {
		k.rows = k.Cur.NewLoad(types.I64, k.fetches, 8)
	}
}

// askAhead asks for what the next row needs at column x. Of pieces only one is so long that it pays.
func (k *planeEmit) askAhead(x emit.Bound) {
	if k.rows == nil || k.lane == 0 || k.mask != nil || k.st.share {
		return
	}
	roots, last := k.st.leading()
	for i, root := range roots {
		v := k.s.fn.vals[root]
		if i >= 32 || v == nil {
			continue
		}
		k.When(k.Cur.NewICmp(enum.IPredNE, k.Cur.NewAnd(k.rows, k.I64(1<<i)), k.I64(0)), func() {
			for step := range k.planes() {
				p := k.params[planeArg{kind: argPlane, name: root, plane: last[i] + step}.key()]
				if p == nil {
					continue
				}
				row, col := k.row0(), x
				if k.s.rank == 3 {
					row = k.Add(row, emit.At(1))
				} else {
					col = k.Add(x, emit.At(k.planes()*(*k.s.layout)[v.slot].stride[0]))
				}
				k.Cur.NewPrefetch(k.Cur.NewAddress(emit.MemType(v.elem), p, k.element(v.slot, row, col)), 2)
			}
		})
	}
}
