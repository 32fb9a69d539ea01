package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// flood copies a value that lives at part 0 of a mesh dimension to the other parts, into the same storage.
func (e *pe) flood(v *value) {
	e.floods(v, func(d mesh.Dim) {
		for _, b := range e.block(v, v.box) {
			e.copies(d, v.elem, v.st.slice(b), boxLen(b))
		}
	})
}

// floodFrom copies n elements as v would be, from and to a slice.
func (e *pe) floodFrom(v *value, s mesh.Slice, n int) {
	e.floods(v, func(d mesh.Dim) { e.copies(d, v.elem, s, n) })
}

// copies sends a slice from part 0 of a mesh dimension, or receives it there.
func (e *pe) copies(d mesh.Dim, el ir.Elem, s mesh.Slice, n int) {
	if ch := e.channel(d, mesh.Flood, 0, n); e.view[d].First && e.l.o.Overlay {
		e.mov(el, ch, memory(s)) // a wait for it would take code
	} else if e.view[d].First {
		e.send(ch, el, s)
	} else {
		e.receive(ch, el, s)
	}
}

// floods calls copy for the mesh dimensions along which this PE takes part in copying v.
func (e *pe) floods(v *value, copy func(d mesh.Dim)) {
	for i, d := range meshDims {
		if !v.flood[d] {
			continue
		}
		here := true
		for j, other := range meshDims {
			if other != d && v.on[other] < 0 && v.home[other] && !(v.flood[other] && j < i) && !e.view[other].First {
				here = false
			}
		}
		if here {
			copy(d)
		}
	}
}

func boxLen(b []ir.Interval) int {
	n := 1
	for _, iv := range b {
		n *= iv.Hi - iv.Lo
	}
	return n
}

// exchange fills the halo of v: with corners along x first and then along y including the columns received, otherwise along both at
// once. All sends of a round start before its first receive.
func (e *pe) exchange(v *value) {
	n := &v.need
	both := []mesh.Dim{mesh.X, mesh.Y}
	if n.want[corners] {
		e.rounds(v, both[:1])
		e.rounds(v, both[1:])
		return
	}
	e.rounds(v, both)
}

// strip is what one round moves along one dimension in one direction, as intervals of that dimension.
type strip struct {
	d          mesh.Dim
	step       int
	send, recv ir.Interval
}

func (e *pe) rounds(v *value, dims []mesh.Dim) {
	n := &v.need
	for j := 1; ; j++ {
		var strips []strip
		more := false
		for _, d := range dims {
			if v.on[d] < 0 || !n.want[1<<(d-mesh.X)] && !n.want[corners] {
				continue
			}
			s := stripsOf(e.see[v.axes[v.on[d]]], d, n.lo[d], n.hi[d], j)
			strips = append(strips, s...)
			more = more || (j-1)*place.Find(e.l.ls, v.axes[v.on[d]]).MinBlock() < max(n.lo[d], n.hi[d])
		}
		if !more {
			return
		}
		for _, s := range strips {
			if b, ok := e.stripBox(v, s.d, s.send); ok {
				e.send(e.channel(s.d, mesh.Shift, s.step, boxLen(b)), v.elem, v.st.slice(b))
			}
		}
		for _, s := range strips {
			if b, ok := e.stripBox(v, s.d, s.recv); ok {
				e.receive(e.channel(s.d, mesh.Shift, s.step, boxLen(b)), v.elem, v.st.slice(b))
			}
		}
	}
}

// stripsOf computes round j along d. Towards higher parts a PE sends the points of the j-1st part below it that lie within lo of the
// receiver's block, and receives those of the jth part below it within lo of its own; mirrored towards lower parts.
func stripsOf(v *place.View, d mesh.Dim, lo, hi, j int) []strip {
	up := strip{d: d, step: 1}
	down := strip{d: d, step: -1}
	if len(v.Right) > 0 {
		if iv, ok := away(v.Left, v.Size, j-1); ok {
			up.send = ir.Interval{Lo: max(iv.Lo, v.Size-lo), Hi: iv.Hi}
		}
	}
	if iv, ok := away(v.Left, v.Size, j); ok {
		up.recv = ir.Interval{Lo: max(iv.Lo, -lo), Hi: iv.Hi}
	}
	if len(v.Left) > 0 {
		if iv, ok := away(v.Right, v.Size, j-1); ok {
			down.send = mirror(ir.Interval{Lo: max(iv.Lo, v.Size-hi), Hi: iv.Hi}, v.Size)
		}
	}
	if iv, ok := away(v.Right, v.Size, j); ok {
		down.recv = mirror(ir.Interval{Lo: max(iv.Lo, -hi), Hi: iv.Hi}, v.Size)
	}
	return []strip{up, down}
}

// away is the interval of the jth neighbour below (j = 0: the block itself).
func away(sizes []int, size, j int) (ir.Interval, bool) {
	if j == 0 {
		return ir.Interval{Hi: size}, true
	}
	if j > len(sizes) {
		return ir.Interval{}, false
	}
	hi := 0
	for _, n := range sizes[:j-1] {
		hi -= n
	}
	return ir.Interval{Lo: hi - sizes[j-1], Hi: hi}, true
}

func mirror(iv ir.Interval, size int) ir.Interval {
	return ir.Interval{Lo: size - iv.Hi, Hi: size - iv.Lo}
}

// stripBox is the box of a strip: all of the block across, with the x halo in a y strip when corners are needed, and in memory what
// consumers need beside the block.
func (e *pe) stripBox(v *value, d mesh.Dim, iv ir.Interval) ([]ir.Interval, bool) {
	if iv.Lo >= iv.Hi {
		return nil, false
	}
	n := &v.need
	box := append([]ir.Interval{}, v.box...)
	for i, where := range v.dims {
		if where != mesh.Mem {
			continue
		}
		h := ir.Interval{Lo: 1, Hi: 0}
		for p := sideX; p <= corners; p++ {
			if n.want[p] && p.has(d) {
				if h.Lo > h.Hi {
					h = n.hull[p][i]
				}
				h.Lo, h.Hi = min(h.Lo, n.hull[p][i].Lo), max(h.Hi, n.hull[p][i].Hi)
			}
		}
		box[i] = ir.Interval{Lo: max(box[i].Lo, h.Lo), Hi: min(box[i].Hi, h.Hi)}
		if box[i].Lo >= box[i].Hi {
			return nil, false
		}
	}
	for _, x := range meshDims {
		i := v.on[x]
		switch {
		case i < 0:
		case x == d:
			box[i] = iv
		case x == mesh.X && n.want[corners]:
			box[i] = halo(e.see[v.axes[i]], x, n)
		default:
			box[i] = ir.Interval{Hi: e.see[v.axes[i]].Size}
		}
	}
	return box, true
}

// halo is the block with its received margins.
func halo(v *place.View, d mesh.Dim, n *need) ir.Interval {
	iv := ir.Interval{Lo: -n.lo[d], Hi: v.Size + n.hi[d]}
	if !v.Periodic {
		iv.Lo, iv.Hi = max(iv.Lo, v.Rel(0)), min(iv.Hi, v.Rel(v.N))
	}
	return iv
}

// wrap copies the ends of periodic memory axes into the margins, on every patch that is read there.
func (e *pe) wrap(v *value) {
	for i, d := range v.dims {
		lay := place.Find(e.l.ls, v.axes[i])
		if d != mesh.Mem || !lay.Periodic {
			continue
		}
		for at := own; at <= corners; at++ {
			n := &v.need
			if !n.want[at] || n.hull[at][i].Lo >= 0 && n.hull[at][i].Hi <= lay.N {
				continue
			}
			for _, b := range e.held(v, at, i) {
				for lo := n.hull[at][i].Lo; lo < 0; { // one period at a time
					m := floorDiv(lo, lay.N)
					e.copyRange(v, b, i, ir.Interval{Lo: lo, Hi: (m + 1) * lay.N}, m*lay.N)
					lo = (m + 1) * lay.N
				}
				for lo := lay.N; lo < n.hull[at][i].Hi; lo += lay.N {
					e.copyRange(v, b, i, ir.Interval{Lo: lo, Hi: min(lo+lay.N, n.hull[at][i].Hi)}, lo)
				}
			}
		}
	}
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// copyRange fills interval iv of memory dimension i from the points shift lower.
func (e *pe) copyRange(v *value, b []ir.Interval, i int, iv ir.Interval, shift int) {
	dst, src := append([]ir.Interval{}, b...), append([]ir.Interval{}, b...)
	dst[i], src[i] = iv, ir.Interval{Lo: iv.Lo - shift, Hi: iv.Hi - shift}
	e.emit(mesh.Op{Code: ir.Read, Elem: v.elem, Dst: memory(v.st.slice(dst)), Src: []mesh.Operand{memory(v.st.slice(src))}})
}

// held lists the boxes of v on a patch as far as v has points there; memory dimensions below i include their wrapped margins.
func (e *pe) held(v *value, at patch, i int) [][]ir.Interval {
	box := append([]ir.Interval{}, v.need.hull[at]...)
	for k := range box {
		lay := place.Find(e.l.ls, v.axes[k])
		if v.dims[k] == mesh.Mem && (k > i || !lay.Periodic) {
			box[k] = ir.Interval{Lo: max(box[k].Lo, v.box[k].Lo), Hi: min(box[k].Hi, v.box[k].Hi)}
			if box[k].Lo >= box[k].Hi {
				return nil
			}
		}
	}
	out := [][]ir.Interval{box}
	for _, d := range meshDims {
		k := v.on[d]
		if k < 0 {
			continue
		}
		var next [][]ir.Interval
		for _, b := range out {
			x := e.see[v.axes[k]]
			for _, w := range e.windows(d, x.Size, at.has(d), &v.need) {
				for _, iv := range x.Clip(v.box[k], w) {
					for lo := iv.Lo; lo < iv.Hi; lo++ {
						c := append([]ir.Interval{}, b...)
						c[k] = ir.Interval{Lo: lo, Hi: lo + 1}
						if !v.st.columns {
							c[k].Hi = iv.Hi
							lo = iv.Hi
						}
						next = append(next, c)
					}
				}
			}
		}
		out = next
	}
	return out
}
