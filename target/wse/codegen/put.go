package codegen

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse"
)

// One element of a vector in memory is changed by a select over the whole of it,
//
//	a'[e] = where(e == k, v, a[e])
//
// which is three mapped functions per element: the index as a number, the comparison, the select. A PE can address the element: when the
// vector is changed in place and nothing else reads the mask, the store of v at k takes their place, under the test that k is a whole
// number of the range. The same elements get the same bits.

// putKind is an operation of this package only: element number Src[0] of Dst becomes Src[1], if there is one.
const putKind = mesh.OpKind(255)

// Names of what a put needs.
const (
	regPut   = "put"
	putIndex = "put.index"
	putValue = "put.value"
	putSame  = "put.same"
)

// puts replaces selects that change one element.
func (g *gen) puts(ops []mesh.Op) []mesh.Op {
	gone := map[int]bool{}
	var out []mesh.Op
	for k := range ops {
		if s, dead, ok := g.put1(ops, k); ok {
			out = slices.Clone(ops)
			out[k] = mesh.Op{Kind: putKind, Code: ir.Read, Elem: ops[k].Elem, Dst: ops[k].Dst, Src: []mesh.Operand{s, ops[k].Src[1]}, Pos: ops[k].Pos}
			for _, i := range dead {
				gone[i] = true
			}
			ops = out
		}
	}
	if len(gone) == 0 {
		return ops
	}
	out = nil
	for i := range ops {
		if !gone[i] {
			out = append(out, ops[i])
		}
	}
	return out
}

// put1 matches the select at k: s is the number of the element, dead are the operations that only made the mask.
func (g *gen) put1(ops []mesh.Op, k int) (s mesh.Operand, dead []int, ok bool) {
	o := &ops[k]
	if o.Kind != mesh.Vector || o.Code != ir.Select || o.Elem != ir.F32 && o.Elem != ir.I32 || len(o.Src) != 3 || o.Dst.Kind != mesh.Memory || len(o.Dst.Slice.Dims) != 1 ||
		!sameSlice(o.Dst, o.Src[2]) || one(o.Src[0]) || !one(o.Src[1]) || o.Src[1].Kind == mesh.Chan || o.Dst.Slice.Dims[0].Stride > 127 {
		return s, nil, false
	}
	j := g.maker(ops, k, o.Src[0])
	if j < 0 || ops[j].Code != ir.Eq || ops[j].Elem != ir.F32 && ops[j].Elem != ir.I32 {
		return s, nil, false
	}
	index, s := ops[j].Src[0], ops[j].Src[1]
	if one(index) {
		index, s = s, index
	}
	if one(index) || !one(s) || s.Kind != mesh.Memory || g.elemOf(s.Slice.Array) != ops[j].Elem || slices.ContainsFunc(ops[j+1:k], func(x mesh.Op) bool { return x.Dst.Overlaps(s) }) {
		return s, nil, false
	}
	dead = []int{j}
	if ops[j].Elem == ir.F32 {
		i := g.maker(ops, j, index)
		if i < 0 || ops[i].Code != ir.Cvt {
			return s, nil, false
		}
		dead, index = append(dead, i), ops[i].Src[0]
	}
	return s, dead, g.counts(index)
}

// one reports whether an operand is a scalar.
func one(o mesh.Operand) bool {
	return o.Kind == mesh.HostScalar || o.Kind == mesh.Imm || o.Kind == mesh.Memory && o.Slice.Len() == 1
}

func sameSlice(a, b mesh.Operand) bool {
	return a.Kind == mesh.Memory && b.Kind == mesh.Memory && a.Slice.Array == b.Slice.Array && a.Slice.Off == b.Slice.Off && slices.Equal(a.Slice.Dims, b.Slice.Dims)
}

// counts reports whether an operand is 0, 1, 2, ..: the index values of an axis in memory.
func (g *gen) counts(o mesh.Operand) bool {
	if o.Kind != mesh.Memory || len(o.Slice.Dims) != 1 || o.Slice.Dims[0].Stride != 1 {
		return false
	}
	for i := range g.p.Symbols {
		s := &g.p.Symbols[i]
		if s.Index == "" || s.Local != o.Slice.Array || s.Off != o.Slice.Off {
			continue
		}
		return slices.ContainsFunc(g.p.Layouts, func(l mesh.Layout) bool { return l.Axis == s.Index && l.Dim == mesh.Mem })
	}
	return false
}

// maker finds the operation that made a scratch vector which operation k is the only one to read, or -1.
func (g *gen) maker(ops []mesh.Op, k int, v mesh.Operand) int {
	if v.Kind != mesh.Memory || !slices.ContainsFunc(g.p.Arrays, func(a mesh.Array) bool { return a.Name == v.Slice.Array && a.Kind == mesh.Temp }) {
		return -1
	}
	j := k - 1
	for j >= 0 && !ops[j].Dst.Overlaps(v) {
		j--
	}
	if j < 0 || ops[j].Kind != mesh.Vector || !sameSlice(ops[j].Dst, v) {
		return -1
	}
	live := map[int]bool{} // elements that still are what j made
	v.Slice.Each(func(e int) { live[e] = true })
	reads := func(o mesh.Operand) (found bool) {
		if o.Overlaps(v) {
			o.Slice.Each(func(e int) { found = found || live[e] })
		}
		return found
	}
	for i := j + 1; i < len(ops) && len(live) > 0; i++ {
		if i != k && (slices.ContainsFunc(ops[i].Src, reads) || ops[i].Kind == mesh.Fold && reads(ops[i].Dst)) {
			return -1
		}
		if ops[i].Dst.Overlaps(v) {
			if i < k {
				return -1
			}
			ops[i].Dst.Slice.Each(func(e int) { delete(live, e) })
		}
	}
	return j
}

// putCode is the code of a put.
func (g *gen) putCode(o *mesh.Op) ([]wse.Stmt, error) {
	line := g.o.Line(o.Pos)
	e, err := Elem(o.Elem)
	if err != nil {
		return nil, err
	}
	v, err := g.operand(o, &o.Src[1], e)
	if err != nil {
		return nil, err
	}
	need := func(name string, e wse.Elem) wse.Operand {
		if g.out.Array(name) == nil {
			g.out.Arrays = append(g.out.Arrays, &wse.Array{Name: name, Elem: e, Len: 1, Bank: -1, Addr: -1})
		}
		return wse.At(name, 0)
	}
	op := func(c wse.Opcode, e wse.Elem, dst string, src ...wse.Operand) wse.Stmt {
		return &wse.Op{Code: c, Elem: e, UT: -1, Line: line, Dst: wse.Vec(dst, 0, 1), Src: src}
	}
	load := func(from wse.Operand) wse.Stmt { return &wse.Load{Reg: regPut, From: from, Line: line} }
	when := func(c wse.Cmp, n int, then ...wse.Stmt) wse.Stmt {
		return &wse.If{Cond: reg(regPut, c, int32(n)), Then: then, Line: line}
	}
	d := o.Dst.Slice
	to := wse.Operand{Kind: wse.Mem, Array: d.Array, Offset: d.Off, IndexReg: regPut, IndexScale: d.Dims[0].Stride, Dims: []wse.Dim{{Len: 1, Stride: 1}}}
	store := when(wse.Ge, 0, when(wse.Lt, d.Dims[0].Len, &wse.Op{Code: wse.OpMov, Elem: e, UT: -1, Line: line, Dst: to, Src: []wse.Operand{v}}))
	from := wse.At(o.Src[0].Slice.Array, o.Src[0].Slice.Off)
	if g.elemOf(o.Src[0].Slice.Array) == ir.I32 {
		return []wse.Stmt{load(from), store}, nil
	}
	k, f, same := need(putIndex, wse.I32), need(putValue, wse.F32), need(putSame, wse.U32)
	return []wse.Stmt{op(wse.OpF2I, wse.F32, putIndex, from), op(wse.OpI2F, wse.I32, putValue, k), op(wse.OpEq, wse.F32, putSame, f, from),
		load(same), when(wse.Ne, 0, load(k), store)}, nil
}
