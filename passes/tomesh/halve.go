package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// Folds in memory. An accumulator that every element goes through takes as long per element as an addition has latency; the additions of
// different elements do not wait for each other. So a long axis in memory is folded as a tree: neighbours are added in one vector operation,
// which leaves half as many, until few are left for a fold one after the other. In the order that is written down the axis is one more
// axis of the mesh, in as many parts as it has points.

const (
	halveFrom = 32 // points from which on the set-up of the operations is won back
	halveTo   = 12 // that are left for the fold
)

// halves returns which reduced dimension of o is folded as a tree, and the tree; -1 for none.
func (l *lowering) halves(o *op) (dim int, tree ir.ChainAxis) {
	if o.Kind != ir.Reduce || o.FMA || len(o.res) == 0 {
		return -1, tree
	}
	for _, r := range o.res {
		if r.elem != ir.F32 && r.elem != ir.F16 {
			return -1, tree
		}
	}
	dim = -1
	count := map[string]int{}
	for d := len(o.iter) - 1; d >= len(o.Dom); d-- {
		x := o.iter[d]
		count[x.Axis]++
		if o.dims[d] == mesh.Mem && x.Lo == 0 && x.Hi >= halveFrom && (dim < 0 || x.Hi > o.iter[dim].Hi) {
			dim = d
		}
	}
	for d, x := range o.iter[:len(o.Dom)] { // several results in a PE have vector operations of their own
		if o.dims[d] == mesh.Mem && x.Hi-x.Lo > 1 || o.dims[d] != mesh.Mem && place.Find(l.ls, x.Axis).MaxBlock() > 1 {
			return -1, tree
		}
	}
	if dim < 0 || count[o.iter[dim].Axis] != 1 {
		return -1, tree
	}
	x := place.Find(l.ls, o.iter[dim].Axis)
	tree = ir.ChainAxis{Axis: x.Origin(), Parts: x.N}
	left := x.N
	for left > halveTo {
		tree.Levels = append(tree.Levels, ir.Level{Size: 2})
		left = (left + 1) / 2
	}
	if left > 1 {
		tree.Levels = append(tree.Levels, ir.Level{Size: left, Star: true})
	}
	return dim, tree
}

// foldTree folds a term over box into acc, dimension dim along a tree.
func (e *pe) foldTree(o *op, acc, t *opnd, box []ir.Interval, dim int, tree ir.ChainAxis) {
	code, el := combCode[o.Comb], acc.elem
	line := append([]ir.Interval{}, box...) // along dim, at the first point of the others
	rest := append([]ir.Interval{}, box...)
	rest[dim].Hi = rest[dim].Lo + 1
	for d := range line {
		if d != dim {
			line[d].Hi = line[d].Lo + 1
		}
	}
	m := line[dim].Hi - line[dim].Lo
	var own *opnd // scratch of this fold
	if t.scalar.Kind == mesh.None && t.array == e.tempName(storageElem(el), t.temp) {
		own = t
	} else {
		if boxLen(rest) == 1 { // the first operation leaves half
			half := append([]ir.Interval{}, line...)
			half[dim].Hi = half[dim].Lo + (m+1)/2
			own = (&dag{e: e, b: half}).scratch(el, 1<<dim)
		} else {
			own = (&dag{e: e, b: line}).scratch(el, 1<<dim)
		}
	}
	to := e.vector(own, line, el).Slice
	from := e.vector(t, line, el)
	if boxLen(rest) > 1 {
		first := true
		each(rest, func(at []ir.Interval) {
			b := append([]ir.Interval{}, at...)
			b[dim] = box[dim]
			v := e.vector(t.moved(box, b), b, el)
			switch {
			case !first:
				e.emit(mesh.Op{Code: code, Elem: el, Dst: memory(to), Src: []mesh.Operand{memory(to), v}})
			case own != t:
				e.emit(mesh.Op{Code: ir.Read, Elem: el, Dst: memory(to), Src: []mesh.Operand{v}})
			}
			first = false
		})
		from = memory(to)
	}
	part := func(s mesh.Slice, at, step, n int) mesh.Operand {
		st := s.Dims[0].Stride
		return memory(mesh.Slice{Array: s.Array, Off: s.Off + at*st, Dims: []mesh.Extent{{Len: n, Stride: step * st}}})
	}
	to.Dims = []mesh.Extent{{Len: (m + 1) / 2, Stride: to.Dims[0].Stride}}
	for _, l := range tree.Levels {
		if l.Star || m < 2 {
			break
		}
		h := m / 2
		e.emit(mesh.Op{Code: code, Elem: el, Dst: part(to, 0, 1, h), Src: []mesh.Operand{part(from.Slice, 0, 2, h), part(from.Slice, 1, 2, h)}})
		if m%2 == 1 {
			e.emit(mesh.Op{Code: ir.Read, Elem: el, Dst: part(to, h, 1, 1), Src: []mesh.Operand{part(from.Slice, m-1, 1, 1)}})
		}
		m, from = (m+1)/2, memory(to)
	}
	dst := acc.operand(nil, 0)
	e.emit(mesh.Op{Code: ir.Read, Elem: el, Dst: dst, Src: []mesh.Operand{part(from.Slice, 0, 1, 1)}})
	if m > 1 {
		e.emit(mesh.Op{Kind: mesh.Fold, Code: code, Elem: el, Dst: dst, Src: []mesh.Operand{part(from.Slice, 1, 1, m-1)}})
	}
}
