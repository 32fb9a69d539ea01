package tomesh

import (
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// Products whose factors are distributed over both sides of the mesh: C[m,n] = sum over k of A[m,k]*B[k,n] with m along x, n along y, A's k
// along y and B's along x. Every matrix is cut in both directions and no PE holds more than its share of any.
//
// The schedule is SUMMA (van de Geijn and Watts 1997): block by block of k, the panel A[m, block] goes to all PEs of a column and
// B[block, n] to all of a row, and every PE adds the product of the two panels to its block of C. Blocks come in ascending order, so the sums
// are those of the canonical IR, bit for bit.
//
// A panel is sent to a whole line by router multicast, whose root is fixed: were the root the panel's owner, every PE along the line would
// run another process, and need another route. Instead the panels pass by part 0, which sends them on: while block b is multicast, all parts
// shift the panel they hold to their lower neighbour. The last part sends the same panel again and again; it reaches part 0 after
// the last block that is used. All inner parts do the same, so there are three processes per side, whatever the mesh and k.
//
// Where the sides have different numbers of parts, k is cut at the borders of both.

// panels brings one factor of a product, along d.
type panels struct {
	e       *pe
	d       mesh.Dim
	lay     *mesh.Layout
	elem    ir.Elem
	own     *opnd   // the part's own panel, by iteration dimension; the first position of its block of k is at its offset
	pans    []*opnd // received by multicast, in turns
	ring    []*opnd // received by shift, in turns
	slice   func(*opnd) mesh.Slice
	buffers func(n int) []*opnd // makes some
	n       int                 // elements of a panel
	k       int                 // iteration dimension of the summed index
}

// product multiplies panel by panel.
func (e *pe) product(o *op) {
	defer e.keepTemps()()
	p := &o.pieces[0]
	k := len(o.Dom)
	box := e.ownBox(o)
	acc := e.place(o.res[0].st, box[:k])
	var sides [2]*panels
	var local [2]*opnd
	cuts := map[int]bool{}
	for i, node := range o.factors() {
		a := p.acc[node]
		if a.panel < 0 {
			g := &dag{e: e, o: o, p: p, b: box}
			g.prepare([]int{node})
			local[i] = g.eval(node)
			continue
		}
		sides[i] = e.panels(a, box, k)
		sides[i].ring, sides[i].pans = sides[i].buffers(3), sides[i].buffers(2)
		for b := range sides[i].lay.Parts {
			lo, _ := sides[i].lay.Block(b)
			cuts[lo] = true
		}
	}
	n := o.iter[k].Hi
	e.bring(sides[:], 0)
	for lo := 0; lo < n; {
		hi := lo + 1
		for hi < n && !cuts[hi] {
			hi++
		}
		at := append(append([]ir.Interval{}, box[:k]...), ir.Interval{Lo: lo, Hi: hi})
		var terms []*opnd
		for i, t := range local {
			if sides[i] != nil {
				t = sides[i].at(lo)
			}
			terms = append(terms, t.moved(box, at))
		}
		late := func() {}
		if hi < n {
			late = e.bring(sides[:], hi)
		}
		e.fold(o, acc, terms, at, lo == 0)
		late()
		lo = hi
	}
}

// overlapFrom is from how many elements on a panel is received in the background while the one before it is multiplied. Smaller ones wait
// in the fabric meanwhile.
const overlapFrom = 64

// keepTemps returns what gives back the scratch vectors that are taken from now on.
func (e *pe) keepTemps() func() {
	before := map[ir.Elem][]bool{}
	for el, used := range e.temp {
		before[el] = append([]bool{}, used...)
	}
	return func() { e.temp = before }
}

// factors are the nodes of a product's two factors.
func (o *op) factors() []int {
	b := &o.pieces[0].Body
	return b.Nodes[b.Results[0]].Args
}

// panelDims are the sides of the mesh along which factors come in panels.
func (o *op) panelDims() (out []mesh.Dim) {
	if !o.panels {
		return nil
	}
	for _, node := range o.factors() {
		if a := o.pieces[0].acc[node]; a.panel >= 0 {
			out = append(out, a.v.dims[a.panel])
		}
	}
	return out
}

// ownBox is the part of a product's box that this PE computes: its block of the output, all of the summed index.
func (e *pe) ownBox(o *op) []ir.Interval {
	box := make([]ir.Interval, len(o.iter))
	for i, x := range o.iter {
		box[i] = ir.Interval{Hi: x.Hi}
		if o.dims[i] != mesh.Mem {
			box[i].Hi = e.see[x.Axis].Size
		}
	}
	return box
}

// panels prepares the factor that is read by a.
func (e *pe) panels(a *access, box []ir.Interval, k int) *panels {
	v := a.v
	d := v.dims[a.panel]
	s := &panels{e: e, d: d, lay: place.Find(e.l.ls, v.axes[a.panel]), elem: v.elem, k: k, n: 1}
	own := append([]ir.Interval{}, v.box...)
	var size []int
	for i := range own {
		switch {
		case i == a.panel:
			own[i] = ir.Interval{Hi: s.lay.MaxBlock()}
			if t, ok := e.l.turned[strings.TrimPrefix(v.name, "@")]; ok && v.def == nil {
				own[i].Hi = t.places
			}
		case v.dims[i] != mesh.Mem:
			own[i] = ir.Interval{Hi: e.see[v.axes[i]].Size}
		}
		size = append(size, own[i].Hi-own[i].Lo)
		s.n *= size[i]
	}
	c, off := v.st.at(lows(own))
	s.own = &opnd{array: c.array, off: off, stride: make([]int, len(box)), temp: -1, elem: v.st.elem}
	packed := make([]int, len(own))
	for i, n := len(own)-1, 1; i >= 0; i-- {
		packed[i] = n
		n *= size[i]
	}
	buffer := func() *opnd {
		b := &opnd{array: e.tempName(s.own.elem, e.takeTemp(s.own.elem, s.n)), stride: make([]int, len(box)), temp: -1, elem: s.own.elem}
		for i, j := range a.dim {
			b.stride[j] = packed[i]
		}
		return b
	}
	for i, j := range a.dim {
		s.own.stride[j] = c.stride[i]
	}
	s.buffers = func(n int) (out []*opnd) {
		for range n {
			out = append(out, buffer())
		}
		return out
	}
	s.slice = func(x *opnd) mesh.Slice {
		if x == s.own {
			return v.st.slice(own)
		}
		return mesh.Slice{Array: x.array, Dims: collapse([]int{s.n}, []int{1})}
	}
	return s
}

func lows(b []ir.Interval) []int {
	out := make([]int, len(b))
	for i := range b {
		out[i] = b[i].Lo
	}
	return out
}

// at is the factor as of position k0, which has been brought: what is addressed by the box that begins at 0.
func (s *panels) at(k0 int) *opnd {
	b := s.lay.Owner(k0)
	t := *s.pans[b%2]
	if s.e.view[s.d].First {
		t = *s.held(b)
	}
	lo, _ := s.lay.Block(b)
	t.off -= lo * t.stride[s.k]
	return &t
}

// held is the panel that this part passes on while block b is multicast.
func (s *panels) held(b int) *opnd {
	if b == 0 || s.e.view[s.d].Last {
		return s.own
	}
	return s.ring[b%len(s.ring)]
}

// bring multicasts the blocks that begin at position k0 of the summed index and shifts what the parts hold. All sends start before the first
// receive; what the caller calls after it has multiplied receives small panels.
func (e *pe) bring(sides []*panels, k0 int) (late func()) {
	var now, then []func()
	for _, s := range sides {
		if s == nil {
			continue
		}
		b := s.lay.Owner(k0)
		if lo, _ := s.lay.Block(b); lo != k0 {
			continue
		}
		v, more := e.view[s.d], b+1 < s.lay.Parts
		down, flood := func() mesh.Operand { return e.channel(s.d, mesh.Shift, -1, s.n) }, func() mesh.Operand { return e.channel(s.d, mesh.Flood, 0, s.n) }
		receive := func() {
			if !v.First {
				e.receive(flood(), s.elem, s.slice(s.pans[b%2]))
			}
			if more && !v.Last {
				e.receive(down(), s.elem, s.slice(s.ring[(b+1)%len(s.ring)]))
			}
		}
		if more && !v.First {
			e.send(down(), s.elem, s.slice(s.held(b)))
		}
		if v.First {
			e.send(flood(), s.elem, s.slice(s.held(b)))
		}
		if s.n >= overlapFrom || k0 == 0 {
			now = append(now, receive)
		} else {
			then = append(then, receive)
		}
	}
	for _, f := range now {
		f()
	}
	return func() {
		for _, f := range then {
			f()
		}
	}
}
