package tomesh

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// opnd is the value of a node over a box: scalar (host scalar, immediate) or memory with one stride per iteration dimension, 0 where
// the value does not vary.
type opnd struct {
	scalar mesh.Operand // Kind None: memory
	array  string
	off    int
	stride []int
	temp   int // scratch vector that holds it, -1 if none
	elem   ir.Elem
}

// place addresses the box of a store whose dimensions are the iteration dimensions (the first ones, for reductions).
func (e *pe) place(s *store, b []ir.Interval) *opnd {
	pos := make([]int, len(s.dims))
	for i := range pos {
		pos[i] = b[i].Lo
	}
	c, off := s.at(pos)
	return &opnd{array: c.array, off: off, stride: append(append([]int{}, c.stride...), make([]int, len(b)-len(pos))...), temp: -1, elem: s.elem}
}

// operand addresses o over the dimensions of box b that are in mask.
func (o *opnd) operand(b []ir.Interval, mask uint64) mesh.Operand {
	if o.scalar.Kind != mesh.None {
		return o.scalar
	}
	var n, st []int
	varies := false
	for d, iv := range b {
		if mask>>d&1 == 1 && iv.Hi-iv.Lo > 1 {
			n, st = append(n, iv.Hi-iv.Lo), append(st, o.stride[d])
			varies = varies || o.stride[d] != 0
		}
	}
	if !varies {
		n = nil
	}
	return memory(mesh.Slice{Array: o.array, Off: o.off, Dims: collapse(n, st)})
}

// dag evaluates one body over one box.
type dag struct {
	e    *pe
	o    *op
	p    *piece
	b    []ir.Interval
	step strides
	mask []uint64 // per node: the dimensions longer than 1 along which it varies
	uses []int    // readers left
	far  []bool   // per node: it depends on points of other PEs
	val  []*opnd
}

// body emits the nodes in want (results, or factors of a contraction) over a phase of a box, see [strides], into dst. Operations go argument by argument, depth
// first, which keeps few scratch vectors alive; the order changes no bits. The last operation of every wanted node waits until all
// arguments are there and then writes straight to its destination, unless that would overwrite what is still to be read.
func (e *pe) body(o *op, p *piece, b []ir.Interval, s strides, want []int, dst []*opnd) {
	before := map[ir.Elem][]bool{}
	for el, used := range e.temp {
		before[el] = append([]bool{}, used...)
	}
	p, want = e.decided(o, p, b, s, want)
	g := &dag{e: e, o: o, p: p, b: b, step: s}
	g.prepare(want)
	var full uint64
	for d, iv := range b {
		if iv.Hi-iv.Lo > 1 {
			full |= 1 << d
		}
	}
	type final struct {
		node int
		args []*opnd
		dst  mesh.Operand
	}
	var finals []final
	sole := make([]bool, len(want)) // nothing else reads the node: eval counts readers down
	wanted := map[int]int{}
	for _, w := range want {
		wanted[w]++
	}
	for k, w := range want {
		sole[k] = g.uses[w] == wanted[w]
	}
	first := map[int]mesh.Operand{} // where a node that is wanted in several places is made
	var again []mesh.Op             // copies of those
	for k, w := range want {
		if from, ok := first[w]; ok {
			again = append(again, mesh.Op{Code: ir.Read, Elem: p.Body.Nodes[w].Elem, Dst: dst[k].operand(b, full), Src: []mesh.Operand{from}})
			continue
		}
		if sole[k] && wanted[w] > 1 && len(p.Body.Nodes[w].Args) > 0 {
			first[w] = dst[k].operand(b, full)
		}
		f := final{node: w, dst: dst[k].operand(b, full)}
		if n := &p.Body.Nodes[w]; sole[k] && len(n.Args) > 0 {
			g.evalAll(n.Args)
			for _, a := range n.Args {
				f.args = append(f.args, g.val[a])
			}
		} else {
			g.eval(w)
		}
		finals = append(finals, f)
	}
	var late []mesh.Op
	for k, f := range finals {
		n := &p.Body.Nodes[f.node]
		op := mesh.Op{Code: ir.Read, Elem: n.Elem, Dst: f.dst}
		if f.args != nil {
			op.Code, op.Elem = n.Op, g.opElem(n)
			for _, a := range f.args {
				op.Src = append(op.Src, a.operand(b, full))
			}
		} else {
			op.Src = []mesh.Operand{g.val[f.node].operand(b, full)}
			if same(op.Dst, op.Src[0]) {
				continue // the element keeps its value
			}
		}
		clash := false
		for _, s := range op.Src {
			clash = clash || s.Overlaps(f.dst) && !same(s, f.dst)
		}
		for _, later := range finals[k+1:] {
			srcs := later.args
			if srcs == nil {
				srcs = []*opnd{g.val[later.node]}
			}
			for _, s := range srcs {
				clash = clash || s.operand(b, full).Overlaps(f.dst)
			}
		}
		if clash {
			t := g.scratch(n.Elem, full)
			last := mesh.Op{Code: ir.Read, Elem: n.Elem, Dst: op.Dst, Src: []mesh.Operand{t.operand(b, full)}}
			op.Dst = last.Src[0]
			late = append(late, last)
		}
		e.emit(op)
	}
	for _, op := range append(late, again...) {
		e.emit(op)
	}
	e.temp = before
}

// prepare counts readers and finds along which dimensions every node varies.
func (g *dag) prepare(want []int) {
	nodes := g.p.Body.Nodes
	g.mask, g.uses, g.val = make([]uint64, len(nodes)), make([]int, len(nodes)), make([]*opnd, len(nodes))
	live := make([]bool, len(nodes))
	g.far = make([]bool, len(nodes))
	for _, w := range want {
		live[w] = true
		g.uses[w]++
	}
	for i := len(nodes) - 1; i >= 0; i-- {
		if live[i] {
			for _, a := range nodes[i].Args {
				live[a] = true
				g.uses[a]++
			}
		}
	}
	for i := range nodes {
		n := &nodes[i]
		if !live[i] {
			continue
		}
		switch n.Op {
		case ir.Read:
			acc := g.p.acc[i]
			for k, d := range acc.dim {
				if d >= 0 {
					g.mask[i] |= g.bit(d)
				}
				g.far[i] = g.far[i] || acc.v.dims[k] != mesh.Mem && acc.shifts(k)
			}
		case ir.Index:
			g.mask[i] = g.bit(g.o.index(n.Name))
		default:
			for _, a := range n.Args {
				g.mask[i] |= g.mask[a]
				g.far[i] = g.far[i] || g.far[a]
			}
		}
	}
}

func (g *dag) bit(d int) uint64 {
	if g.b[d].Hi-g.b[d].Lo > 1 {
		return 1 << d
	}
	return 0
}

// opElem is the type of a mesh operation: of the operands for comparisons, of the result otherwise.
func (g *dag) opElem(n *ir.Node) ir.Elem {
	if n.Op >= ir.Lt && n.Op <= ir.Ne {
		return g.p.Body.Nodes[n.Args[0]].Elem
	}
	return n.Elem
}

// eval returns the value of node i, computing it into a scratch vector when it is not a leaf.
func (g *dag) eval(i int) *opnd {
	if g.val[i] != nil {
		return g.val[i]
	}
	n := &g.p.Body.Nodes[i]
	var v *opnd
	switch n.Op {
	case ir.Const:
		v = &opnd{temp: -1, elem: n.Elem, scalar: mesh.Operand{Kind: mesh.Imm, Imm: n.Imm, Int: n.Int, Elem: n.Elem}}
	case ir.Scalar:
		g.e.l.scalars[mesh.Scalar{Name: n.Name, Elem: n.Elem}] = true
		v = &opnd{temp: -1, elem: n.Elem, scalar: mesh.Operand{Kind: mesh.HostScalar, Name: n.Name, Elem: n.Elem}}
	case ir.Read:
		v = g.read(g.p.acc[i])
	case ir.Index:
		v = g.index(g.o.index(n.Name))
	default:
		v = g.apply(n, g.mask[i])
	}
	g.val[i] = v
	return v
}

// evalAll evaluates arguments in order, or first those that need no other PE: they are computed while the halo is on its way.
func (g *dag) evalAll(args []int) {
	if g.e.l.o.LocalFirst {
		for _, a := range args {
			if !g.far[a] {
				g.eval(a)
			}
		}
	}
	for _, a := range args {
		g.eval(a)
	}
}

func (g *dag) apply(n *ir.Node, mask uint64) *opnd {
	op := mesh.Op{Code: n.Op, Elem: g.opElem(n)}
	g.evalAll(n.Args)
	for _, a := range n.Args {
		op.Src = append(op.Src, g.val[a].operand(g.b, mask))
	}
	for _, a := range n.Args { // an argument of the same shape may be overwritten in place
		if g.uses[a]--; g.uses[a] == 0 && g.mask[a] == mask && g.val[a].elem == storageElem(n.Elem) {
			g.free(g.val[a])
		}
	}
	v := g.scratch(n.Elem, mask)
	op.Dst = v.operand(g.b, mask)
	for _, a := range n.Args {
		if g.uses[a] == 0 {
			g.free(g.val[a])
		}
	}
	if v.temp >= 0 {
		g.e.temp[v.elem][v.temp] = true // it may have been an argument's
	}
	g.e.emit(op)
	return v
}

func (g *dag) read(a *access) *opnd {
	pos := make([]int, len(a.dim))
	for i, d := range a.dim {
		pos[i] = a.off[i]
		if d >= 0 {
			pos[i] = a.at(i, g.b[d].Lo)
		}
	}
	c, off := a.v.st.at(pos)
	v := &opnd{array: c.array, off: off, stride: make([]int, len(g.b)), temp: -1, elem: a.v.st.elem}
	for i, d := range a.dim {
		if d >= 0 {
			v.stride[d] += c.stride[i] * a.mul[i] * g.step.of(d) / a.div[i]
		}
	}
	return v
}

// index gives the value of an iteration index: loaded data on the block, computed from its first point beside it.
func (g *dag) index(d int) *opnd {
	iv := g.b[d]
	n := place.Find(g.e.l.ls, g.o.iter[d].Axis)
	imm := mesh.Operand{Kind: mesh.Imm, Int: int64(iv.Lo), Elem: ir.I32}
	if n.Dim == mesh.Mem && iv.Hi-iv.Lo == 1 {
		return &opnd{scalar: imm, temp: -1, elem: ir.I32}
	}
	name := g.e.l.indexData(n.Axis)
	size := n.N
	if n.Dim != mesh.Mem {
		size = g.e.see[n.Axis].Size
	}
	if step := g.step.of(d); iv.Lo >= 0 && iv.Lo+(iv.Hi-iv.Lo-1)*step < size {
		v := &opnd{array: name, off: iv.Lo, stride: make([]int, len(g.b)), temp: -1, elem: ir.I32}
		v.stride[d] = step
		return v
	}
	v := g.scratch(ir.I32, 0)
	g.e.emit(mesh.Op{Code: ir.Add, Elem: ir.I32, Dst: v.operand(g.b, 0), Src: []mesh.Operand{memory(mesh.Slice{Array: name}), imm}})
	return v
}

// indexData names the local array that holds the index values of an axis; the host loads it once.
func (l *lowering) indexData(axis string) string {
	n := place.Find(l.ls, axis).MaxBlock()
	if l.dim(axis) == mesh.Mem {
		n = place.Find(l.ls, axis).N
	}
	l.index[axis] = n
	return "index." + axis
}

func storageElem(e ir.Elem) ir.Elem {
	if e == ir.Bool {
		return ir.I32
	}
	return e
}

// scratch takes the lowest free scratch vector of a type.
func (g *dag) scratch(el ir.Elem, mask uint64) *opnd {
	el = storageElem(el)
	v := &opnd{stride: make([]int, len(g.b)), elem: el}
	n := 1
	for d := len(g.b) - 1; d >= 0; d-- {
		if mask>>d&1 == 1 {
			v.stride[d] = n
			n *= g.b[d].Hi - g.b[d].Lo
		}
	}
	v.temp = g.e.takeTemp(el, n)
	v.array = g.e.tempName(el, v.temp)
	return v
}

// scratch names a group of scratch vectors: those of a type, and with Options.Overlay of one operation (counted from 1), so that each is
// needed only as long as that operation is computed.
type scratch struct {
	elem ir.Elem
	op   int
}

// scratchPrefix begins the names of scratch vectors; those of values begin otherwise (pool.go).
const scratchPrefix = "tmp"

func (s scratch) name(i int) string {
	if s.op > 0 {
		return fmt.Sprintf("%s%d.%s.%d", scratchPrefix, s.op, s.elem, i)
	}
	return fmt.Sprintf("%s.%s.%d", scratchPrefix, s.elem, i)
}

func (e *pe) tempName(el ir.Elem, i int) string { return scratch{el, e.at}.name(i) }

func (e *pe) takeTemp(el ir.Elem, n int) int {
	used := e.temp[el]
	i := 0
	for i < len(used) && used[i] {
		i++
	}
	if i == len(used) {
		used = append(used, false)
	}
	used[i] = true
	e.temp[el] = used
	key := scratch{el, e.at}
	lens := e.l.temps[key]
	for len(lens) <= i {
		lens = append(lens, 0)
	}
	lens[i] = max(lens[i], n)
	e.l.temps[key] = lens
	return i
}

func (g *dag) free(v *opnd) {
	if v.temp >= 0 {
		g.e.temp[v.elem][v.temp] = false
	}
}

func same(a, b mesh.Operand) bool {
	if a.Kind != mesh.Memory || b.Kind != mesh.Memory || a.Slice.Array != b.Slice.Array || a.Slice.Off != b.Slice.Off ||
		len(a.Slice.Dims) != len(b.Slice.Dims) {
		return false
	}
	for i := range a.Slice.Dims {
		if a.Slice.Dims[i] != b.Slice.Dims[i] {
			return false
		}
	}
	return true
}
