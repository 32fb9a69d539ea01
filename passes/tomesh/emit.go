package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/place"
)

// pe lowers one function for the PEs that have a pair of views.
type pe struct {
	l    *lowering
	view [3]*place.View         // by mesh.Dim: of the axis that the others there follow
	see  map[string]*place.View // by axis on the mesh
	role [3]collective.Role     // by mesh.Dim, in the tree along it
	part [3]int                 // by mesh.Dim: a part that does in Cannon's products what this one does
	fn   *function
	out  []mesh.Op
	copy []bool // parallel to out: a receive into memory that nothing reads after the function
	pos  ir.Pos
	temp map[ir.Elem][]bool // scratch vectors in use
	full bool               // gave up: too many operations
	at   int                // the operation whose scratch vectors are taken, see scratch
}

func (e *pe) emit(o mesh.Op) {
	o.Pos = e.pos
	if len(e.out) >= maxOps {
		if !e.full {
			e.full = true
			e.l.errorf("WF0404", e.pos, "function %s takes more than %d operations per PE", e.fn.f.Name, maxOps).
				Note("a box of more than %d dimensions, or of blocks that are reduced, takes one operation per row", maxDims).
				Suggest("use fewer axes or smaller blocks")
		}
		return
	}
	e.out, e.copy = append(e.out, o), append(e.copy, false)
}

// lower emits a whole function. The order of all communication is that of the IR, the same in every class.
func (e *pe) lower() []mesh.Op {
	ready := map[*value]bool{}
	for _, o := range e.fn.ops {
		if e.full { // the program is refused
			return nil
		}
		if o.done {
			continue
		}
		e.pos = o.Pos
		if e.l.o.Overlay {
			e.at = o.at + 1
		}
		for _, x := range append([]*op{o}, o.with...) {
			x.operands(func(v *value) {
				if v.def == nil && !ready[v] {
					ready[v] = true
					e.publish(v)
				}
			})
		}
		if o.with != nil {
			e.reduceTogether(o.with)
			continue
		}
		if e.computes(o) {
			if o.moves {
				e.move(o)
			} else if o.turned {
				e.cannon(o)
			} else if o.panels {
				e.product(o)
			} else if o.Kind == ir.Reduce {
				e.reduce(o)
			} else {
				e.compute(o)
			}
		}
		for _, r := range o.res {
			e.publish(r)
		}
	}
	e.assign()
	ops, copies := awaits(e.out, e.copy, e.l.o.WaitTogether)
	if e.l.o.StreamReceives {
		ops = stream(ops, copies)
	}
	return ops
}

// computes reports whether this PE takes part in o: parts other than 0 do not when all that o reads is at part 0.
func (e *pe) computes(o *op) bool {
	for _, d := range meshDims {
		if o.on[d] < 0 && o.res[0].home[d] && !e.view[d].First {
			return false
		}
	}
	return true
}

// holds reports whether this PE has v once it is published.
func (e *pe) holds(v *value) bool {
	for _, d := range meshDims {
		if v.on[d] < 0 && v.home[d] && !v.flood[d] && !e.view[d].First {
			return false
		}
	}
	return true
}

// publish makes v available to its readers: copies to the parts that lack it, halos, wraps in memory.
func (e *pe) publish(v *value) {
	e.flood(v)
	if !e.holds(v) {
		return
	}
	if v.shares == nil {
		e.exchange(v)
	}
	e.wrap(v)
}

// windows returns the relative windows of a patch along a mesh dimension for a value's margins.
func (e *pe) windows(d mesh.Dim, size int, side bool, n *need) []ir.Interval {
	if !side {
		return []ir.Interval{{Lo: 0, Hi: size}}
	}
	return []ir.Interval{{Lo: -n.lo[d], Hi: 0}, {Lo: size, Hi: size + n.hi[d]}}
}

// boxes lists the local boxes of o's piece on a patch.
func (e *pe) boxes(o *op, p *piece, at patch) [][]ir.Interval {
	box, ok := o.evalBox(p, at)
	if !ok {
		return nil
	}
	out := [][]ir.Interval{box}
	for _, d := range meshDims {
		i := o.on[d]
		if i < 0 {
			if at.has(d) {
				return nil
			}
			continue
		}
		v := e.see[o.iter[i].Axis]
		ws := []ir.Interval{{Lo: 0, Hi: v.Size}}
		if at.has(d) {
			n := 0
			zero := 0
			if !v.Periodic {
				zero, n = v.Rel(0), v.Rel(v.N)
			}
			ws = e.windows(d, v.Size, true, &o.eval)
			if o.Kind != ir.Extend { // halo points are received
				if v.Periodic {
					return nil
				}
				ws[0].Hi, ws[1].Lo = min(ws[0].Hi, zero), max(ws[1].Lo, n)
			}
		}
		var next [][]ir.Interval
		for _, b := range out {
			for _, w := range ws {
				for _, iv := range v.Clip(p.Box[i], w) {
					c := append([]ir.Interval{}, b...)
					c[i] = iv
					next = append(next, c)
				}
			}
		}
		out = next
	}
	return out
}

// compute emits a map, or the ghost boxes of an extend.
func (e *pe) compute(o *op) {
	if o.Kind == ir.Extend && o.res[0].shares == nil && o.res[0].need.want[own] {
		e.copyBlock(o)
		e.exchange(o.res[0])
	}
	for i := range o.pieces {
		p := &o.pieces[i]
		for at := own; at <= corners; at++ {
			for _, b := range e.boxes(o, p, at) {
				e.split(o, p, b, func(b []ir.Interval) {
					p.phases(b, func(b []ir.Interval, s strides) {
						dst := make([]*opnd, len(o.res))
						for r, v := range o.res {
							dst[r] = e.place(v.st, b).stepped(s)
						}
						e.chunks(o, p, b, s, p.Body.Results, dst)
					})
				})
			}
		}
	}
}

// copyBlock gives an extend that cannot share its operand's storage a copy of the block.
func (e *pe) copyBlock(o *op) {
	v, f := o.res[0], o.from
	box, ok := clipHull(v, v.need.hull[own], f.box)
	if !ok {
		return
	}
	for _, b := range e.block(v, box) {
		e.emit(mesh.Op{Code: ir.Read, Elem: v.elem, Dst: memory(v.st.slice(b)), Src: []mesh.Operand{memory(f.st.slice(b))}})
	}
}

// block restricts a box of v to what this PE owns of it, at most one box.
func (e *pe) block(v *value, box []ir.Interval) [][]ir.Interval {
	out := append([]ir.Interval{}, box...)
	for _, d := range meshDims {
		if i := v.on[d]; i >= 0 {
			x := e.see[v.axes[i]]
			ivs := x.Clip(v.box[i], ir.Interval{Lo: 0, Hi: x.Size})
			if len(ivs) == 0 {
				return nil
			}
			out[i] = ivs[0]
		}
	}
	return [][]ir.Interval{out}
}

// split cuts a box until one vector operation can cover it: at most four dimensions, one column where columns are separate arrays,
// single positions beside the block where an index is used as a value.
func (e *pe) split(o *op, p *piece, b []ir.Interval, f func([]ir.Interval)) {
	long := 0
	cut := -1
	for i, iv := range b {
		if iv.Hi-iv.Lo < 2 {
			continue
		}
		long++
		if e.l.single && o.dims[i] != mesh.Mem || e.ghostIndex(o, p, i, iv) {
			cut = i
		}
	}
	if cut < 0 && long > maxDims {
		for i := len(b) - 1; i >= 0; i-- {
			if b[i].Hi-b[i].Lo > 1 {
				cut = i
			}
		}
	}
	if cut < 0 {
		f(b)
		return
	}
	for x := b[cut].Lo; x < b[cut].Hi; x++ {
		c := append([]ir.Interval{}, b...)
		c[cut] = ir.Interval{Lo: x, Hi: x + 1}
		e.split(o, p, c, f)
	}
}

// ghostIndex reports whether a body uses iteration index i as a value beyond the points for which index data is loaded.
func (e *pe) ghostIndex(o *op, p *piece, i int, iv ir.Interval) bool {
	n := place.Find(e.l.ls, o.iter[i].Axis).N
	if o.dims[i] != mesh.Mem {
		n = e.see[o.iter[i].Axis].Size
	}
	if iv.Lo >= 0 && iv.Hi <= n {
		return false
	}
	for k := range p.Body.Nodes {
		if p.Body.Nodes[k].Op == ir.Index && o.index(p.Body.Nodes[k].Name) == i {
			return true
		}
	}
	return false
}

func memory(s mesh.Slice) mesh.Operand { return mesh.Operand{Kind: mesh.Memory, Slice: s} }

func (e *pe) channel(d mesh.Dim, kind mesh.ChanKind, step, n int) mesh.Operand {
	name := d.String() + map[int]string{1: "+", -1: "-", 0: "flood"}[step]
	e.l.chans[name] = mesh.Channel{Name: name, Dim: d, Kind: kind, Step: step, Layout: e.l.lay[d].Axis}
	return mesh.Operand{Kind: mesh.Chan, Name: name, Len: n}
}

func (e *pe) send(ch mesh.Operand, elem ir.Elem, s mesh.Slice) {
	e.emit(mesh.Op{Code: ir.Read, Elem: elem, Dst: ch, Src: []mesh.Operand{memory(s)}, Async: true})
}

func (e *pe) receive(ch mesh.Operand, elem ir.Elem, s mesh.Slice) {
	e.emit(mesh.Op{Code: ir.Read, Elem: elem, Dst: memory(s), Src: []mesh.Operand{ch}})
	e.copy[len(e.copy)-1] = !e.full
}
