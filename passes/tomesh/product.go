package tomesh

import (
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
	e      *pe
	d      mesh.Dim
	lay    *mesh.Layout
	elem   ir.Elem
	own    *opnd // the part's own panel, by iteration dimension; position lo(block) of k is at its offset
	pan    *opnd // a received panel
	ring   [2]*opnd
	slice  func(*opnd) mesh.Slice
	buffer func() *opnd // makes another
	n      int          // elements of a panel
	k      int          // iteration dimension of the summed index
	block  int          // current block
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
		sides[i].pan = sides[i].buffer()
		for b := range sides[i].lay.Parts {
			lo, _ := sides[i].lay.Block(b)
			cuts[lo] = true
		}
	}
	n := o.iter[k].Hi
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
		e.fold(o, acc, terms, at, lo == 0)
		lo = hi
	}
}

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
	s := &panels{e: e, d: d, lay: place.Find(e.l.ls, v.axes[a.panel]), elem: v.elem, k: k, block: -1, n: 1}
	own := append([]ir.Interval{}, v.box...)
	var size []int
	for i := range own {
		switch {
		case i == a.panel:
			own[i] = ir.Interval{Hi: s.lay.MaxBlock()}
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
	s.buffer = func() *opnd {
		b := &opnd{array: tempName(s.own.elem, e.takeTemp(s.own.elem, s.n)), stride: make([]int, len(box)), temp: -1, elem: s.own.elem}
		for i, j := range a.dim {
			b.stride[j] = packed[i]
		}
		return b
	}
	for i, j := range a.dim {
		s.own.stride[j] = c.stride[i]
	}
	s.ring[0], s.ring[1] = s.buffer(), s.buffer()
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

// at is the factor as of position k0, which it brings when a block begins there: what is addressed by the box that begins at 0.
func (s *panels) at(k0 int) *opnd {
	b := s.lay.Owner(k0)
	if b != s.block {
		s.block = b
		s.bring(b)
	}
	t := *s.from(b)
	lo, _ := s.lay.Block(b)
	t.off -= lo * t.stride[s.k]
	return &t
}

// held is the panel that this part passes on while block b is multicast.
func (s *panels) held(b int) *opnd {
	if b == 0 || s.e.view[s.d].Last {
		return s.own
	}
	return s.ring[b%2]
}

// from is where this part has block b when it is used.
func (s *panels) from(b int) *opnd {
	if s.e.view[s.d].First {
		return s.held(b)
	}
	return s.pan
}

// bring multicasts block b and shifts what the parts hold.
func (s *panels) bring(b int) {
	e, v, more := s.e, s.e.view[s.d], b+1 < s.lay.Parts
	down := func() mesh.Operand { return e.channel(s.d, mesh.Shift, -1, s.n) }
	if more && !v.First {
		e.send(down(), s.elem, s.slice(s.held(b)))
	}
	if v.First {
		e.send(e.channel(s.d, mesh.Flood, 0, s.n), s.elem, s.slice(s.held(b)))
	} else {
		e.receive(e.channel(s.d, mesh.Flood, 0, s.n), s.elem, s.slice(s.pan))
	}
	if more && !v.Last {
		e.receive(down(), s.elem, s.slice(s.ring[(b+1)%2]))
	}
}
