package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// Copies of a tensor with an axis that lies along a side of the mesh in one of them and in memory in the other (place.Moved).
//
// Gathering: every part sends its block towards part 0, which then has all of them and multicasts the whole. Scattering: part 0 sends the blocks
// to the others, and each keeps its own. A part would have to know how many blocks come past it, and every part along the side would run
// another process. So all parts send and receive as many blocks as there are other parts: the last part repeats itself, and what comes late is not
// kept. A gathering part sends its own block first, so that part 0 receives them in ascending order; of what part 0 scatters, which begins with
// the block of the last part, a part keeps what comes last. The time is that of the words through part 0 either way, and the code a handful
// of operations whatever the mesh.

// moved is a copy whose points change places.
type moved struct {
	from, to *value
	d        mesh.Dim
	dim      int // of the result; the dimension that moves
	parts    int
	block    int // points of a block
}

// copies reports whether an operation only copies a tensor.
func copies(o *ir.Op) bool {
	return o.Kind == ir.Map && len(o.Pieces) == 1 && len(o.Results) == 1 && len(o.Pieces[0].Body.Nodes) == 1 && o.Pieces[0].Body.Nodes[0].Op == ir.Read
}

// moving describes o when it moves a dimension, else it is nil.
func (e *pe) moving(o *op) *moved {
	if !o.moves {
		return nil
	}
	a := o.pieces[0].acc[0]
	m := &moved{from: a.v, to: o.res[0]}
	for i, k := range a.dim {
		if k < 0 || a.v.dims[i] == m.to.dims[k] {
			continue
		}
		m.dim, m.d = k, max(a.v.dims[i], m.to.dims[k])
		axis := a.v.axes[i]
		if m.to.dims[k] != mesh.Mem {
			axis = m.to.axes[k]
		}
		lay := place.Find(e.l.ls, axis)
		m.parts, m.block = lay.Parts, lay.MaxBlock()
	}
	return m
}

// side is how one end of a copy is addressed: an offset and strides by dimension of the result.
type side struct {
	array  string
	off    int
	stride []int
}

func (e *pe) sides(o *op, m *moved) (from, to side, n []int) {
	a := o.pieces[0].acc[0]
	pos := make([]int, len(a.dim))
	for i := range pos {
		pos[i] = a.off[i]
	}
	c, off := m.from.st.at(pos)
	from = side{c.array, off, make([]int, len(m.to.dims))}
	for i, k := range a.dim {
		if k >= 0 {
			from.stride[k] = c.stride[i]
		}
	}
	c, off = m.to.st.at(make([]int, len(m.to.dims)))
	to = side{c.array, off, c.stride}
	for k, d := range m.to.dims {
		switch {
		case k == m.dim:
			n = append(n, m.block)
		case d == mesh.Mem:
			n = append(n, m.to.box[k].Hi)
		default:
			n = append(n, e.see[m.to.axes[k]].Size)
		}
	}
	return from, to, n
}

// blocks addresses count blocks of a side from block first on, each of n points per dimension, one after the other; step is 1 or -1, or 0
// for one block again and again.
func (s side) blocks(m *moved, n []int, first, step, count int) mesh.Slice {
	ns, st := []int{count}, []int{step * m.block * s.stride[m.dim]}
	return mesh.Slice{Array: s.array, Off: s.off + first*m.block*s.stride[m.dim], Dims: collapse(append(ns, n...), append(st, s.stride...))}
}

// move copies o's operand, whose points change places along one side of the mesh.
func (e *pe) move(o *op) {
	m := e.moving(o)
	from, to, n := e.sides(o, m)
	e.each(n, m, func(n []int, at []int) {
		f, t := from, to
		for k, x := range at {
			f.off, t.off = f.off+x*f.stride[k], t.off+x*t.stride[k]
		}
		if m.to.dims[m.dim] == mesh.Mem {
			e.gather(m, f, t, n)
		} else {
			e.scatter(m, f, t, n)
		}
	})
}

// each cuts a block into parts that one operation can address together with the blocks beside it.
func (e *pe) each(n []int, m *moved, f func(n, at []int)) {
	at := make([]int, len(n))
	var cut func(n []int, k int)
	cut = func(n []int, k int) {
		long := 0
		for _, x := range n {
			if x > 1 {
				long++
			}
		}
		if long < maxDims {
			f(n, at)
			return
		}
		for ; k == m.dim || n[k] < 2; k++ {
		}
		one := append([]int{}, n...)
		one[k] = 1
		for i := range n[k] {
			at[k] = i
			cut(one, k+1)
		}
		at[k] = 0
	}
	cut(n, 0)
}

func total(n []int) int {
	t := 1
	for _, x := range n {
		t *= x
	}
	return t
}

func (e *pe) mov(el ir.Elem, dst, src mesh.Operand) {
	e.emit(mesh.Op{Code: ir.Read, Elem: el, Dst: dst, Src: []mesh.Operand{src}})
}

func (e *pe) gather(m *moved, from, to side, n []int) {
	v, words, el := e.view[m.d], total(n), m.from.elem
	own, all := from.blocks(m, n, 0, 1, 1), to.blocks(m, n, 0, 1, m.parts)
	down := func(blocks int) mesh.Operand { return e.channel(m.d, mesh.Shift, -1, blocks*words) }
	flood := e.channel(m.d, mesh.Flood, 0, m.parts*words)
	switch {
	case v.First:
		e.mov(el, memory(to.blocks(m, n, 0, 1, 1)), memory(own))
		e.mov(el, memory(to.blocks(m, n, 1, 1, m.parts-1)), down(m.parts-1))
		e.mov(el, flood, memory(all)) // a wait for it would take code
		return
	case v.Last:
		e.mov(el, down(m.parts-1), memory(from.blocks(m, n, 0, 0, m.parts-1)))
	default:
		e.mov(el, down(1), memory(own))
		if m.parts > 2 {
			e.mov(el, down(m.parts-2), down(m.parts-2))
		}
		e.mov(el, memory(to.blocks(m, n, 0, 1, 1)), down(1)) // which the multicast overwrites
	}
	e.mov(el, memory(all), flood)
}

func (e *pe) scatter(m *moved, from, to side, n []int) {
	v, words, el := e.view[m.d], total(n), m.from.elem
	own := to.blocks(m, n, 0, 1, 1)
	up := func(blocks int) mesh.Operand { return e.channel(m.d, mesh.Shift, 1, blocks*words) }
	switch {
	case v.First:
		e.mov(el, up(m.parts-1), memory(from.blocks(m, n, m.parts-1, -1, m.parts-1)))
		e.mov(el, memory(own), memory(from.blocks(m, n, 0, 1, 1)))
	case v.Last:
		e.mov(el, memory(to.blocks(m, n, 0, 0, m.parts-1)), up(m.parts-1))
	default:
		e.mov(el, up(1), memory(own)) // anything: the next part does not keep it
		if m.parts > 2 {
			e.mov(el, up(m.parts-2), up(m.parts-2))
		}
		e.mov(el, memory(own), up(1))
	}
}

// moves reports whether o, which reads v with node n, only copies it, and from another place: index k of o and dimension i of v have as many
// points and lie in memory and along a side, cut into equal blocks, and no other dimension moves.
func (l *lowering) moves(o *op, n *ir.Node, i, k int, v *value) bool {
	if !copies(o.Op) || l.p.Axis(o.iter[k].Axis).N != l.p.Axis(v.axes[i]).N || n.At[i].Off != 0 || !n.At[i].Unit() {
		return false
	}
	for j, f := range n.At {
		if j == i || f.Index == "" {
			continue
		}
		if x := o.index(f.Index); x < 0 || o.dims[x] != v.dims[j] {
			return false
		}
	}
	for j := range o.iter {
		if o.iter[j].Lo != 0 || o.iter[j].Hi != l.p.Axis(o.iter[j].Axis).N || o.Pieces[0].Box[j] != (ir.Interval{Hi: o.iter[j].Hi}) {
			return false
		}
	}
	lay := place.Find(l.ls, v.axes[i])
	if lay.Dim == mesh.Mem {
		lay = place.Find(l.ls, o.iter[k].Axis)
	}
	return lay.Dim != mesh.Mem && lay.MinBlock() == lay.MaxBlock()
}
