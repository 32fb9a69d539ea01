package codegen

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/target/wse"
)

// Operations on floats and on words.
var floatOps = map[ir.Code]wse.Opcode{ir.Read: wse.OpMov, ir.Add: wse.OpAdd, ir.Sub: wse.OpSub, ir.Mul: wse.OpMul, ir.Div: wse.OpDiv,
	ir.Neg: wse.OpNeg, ir.Abs: wse.OpAbs, ir.MaxOp: wse.OpMax, ir.MinOp: wse.OpMin, ir.Sqrt: wse.OpSqrt, ir.Floor: wse.OpFloor,
	ir.Ceil: wse.OpCeil, ir.Lt: wse.OpLt, ir.Le: wse.OpLe, ir.Eq: wse.OpEq, ir.Ne: wse.OpNe, ir.Select: wse.OpSelect, ir.Bitcast: wse.OpMov}

var wordOps = map[ir.Code]wse.Opcode{ir.Read: wse.OpMov, ir.Add: wse.OpMapAdd, ir.Sub: wse.OpMapSub, ir.Mul: wse.OpMapMul,
	ir.Div: wse.OpDiv, ir.MaxOp: wse.OpMapMax, ir.MinOp: wse.OpMin, ir.Lt: wse.OpLt, ir.Le: wse.OpLe, ir.Eq: wse.OpEq, ir.Ne: wse.OpNe,
	ir.And: wse.OpAnd, ir.Or: wse.OpOr, ir.Xor: wse.OpXor, ir.Not: wse.OpNot, ir.Shl: wse.OpShl, ir.Shr: wse.OpShr,
	ir.Select: wse.OpSelect, ir.Bitcast: wse.OpMov}

var foldOps = map[ir.Code]wse.Opcode{ir.Add: wse.OpSum, ir.Mul: wse.OpRedMul, ir.MaxOp: wse.OpRedMax, ir.MinOp: wse.OpRedMin, ir.FMA: wse.OpDot}

// op translates one mesh operation.
func (g *gen) op(o *mesh.Op) ([]wse.Stmt, error) {
	if o.Kind == putKind {
		return g.putCode(o)
	}
	out, err := g.vector(o)
	if err != nil {
		return nil, err
	}
	return append(out, g.gather(o, out[len(out)-1].(*wse.Op))...), nil
}

func (g *gen) vector(o *mesh.Op) ([]wse.Stmt, error) {
	e, err := Elem(o.Elem)
	if err != nil {
		return nil, err
	}
	w := &wse.Op{Elem: e, UT: -1, Line: g.o.Line(o.Pos)}
	if o.Async {
		w.Async = true
		w.Done = wse.Completion{Kind: wse.DoneUnblock}
		if o.Dst.Kind == mesh.Chan {
			w.Done.Task = joinTask(o.Dst.Name, true)
		} else {
			w.Done.Task = joinTask(o.Src[0].Name, false)
		}
	}
	if w.Dst, err = g.operand(o, &o.Dst, e); err != nil {
		return nil, err
	}
	for i := range o.Src {
		s, err := g.operand(o, &o.Src[i], e)
		if err != nil {
			return nil, err
		}
		w.Src = append(w.Src, s)
	}
	table := wordOps
	if o.Elem.IsFloat() {
		table = floatOps
	}
	if o.Kind == mesh.Fold {
		c, ok := foldOps[o.Code]
		if !ok {
			return nil, g.cannot(o)
		}
		w.Code = c
		w.Dst = wse.At(w.Dst.Array, w.Dst.Offset)
		w.Src = append([]wse.Operand{w.Dst}, w.Src...)
		return []wse.Stmt{w}, nil
	}
	switch o.Code {
	case ir.Not:
		if o.Elem == ir.Bool {
			w.Code, w.Src = wse.OpXor, append(w.Src, wse.ImmBits(1))
			return []wse.Stmt{w}, nil
		}
	case ir.Neg:
		if !o.Elem.IsFloat() {
			w.Code, w.Src = wse.OpMapSub, []wse.Operand{wse.ImmBits(0), w.Src[0]}
			return []wse.Stmt{w}, nil
		}
	case ir.FMA: // fma(a, b, c) = a*b + c; the machine's own takes c, vector, scalar
		a, b, c := w.Src[0], w.Src[1], w.Src[2]
		if b.IsVector() && !a.IsVector() {
			a, b = b, a
		}
		if c.IsVector() && a.IsVector() && !b.IsVector() {
			w.Code, w.Src = wse.OpFma, []wse.Operand{c, a, b}
		} else {
			w.Code, w.Src = wse.OpFma3, []wse.Operand{c, a, b}
		}
		return []wse.Stmt{w}, nil
	case ir.Cvt:
		return g.convert(o, w)
	}
	c, ok := table[o.Code]
	if !ok {
		return nil, g.cannot(o)
	}
	w.Code = c
	return g.apart(w), nil
}

// apart makes an operation that reads one vector twice read a copy in its second place, where both would come from one bank of memory and
// that takes longer than the copy. The copy is the destination, which the layout puts into another bank.
func (g *gen) apart(w *wse.Op) []wse.Stmt {
	if len(w.Src) != 2 || w.Async || w.Dst.Kind != wse.Mem || w.Dst.Array == w.Src[0].Array {
		return []wse.Stmt{w}
	}
	for _, s := range w.Src {
		if s.Kind != wse.Mem || len(s.Dims) != 1 || s.Dims[0].Stride != 1 || s.Array != w.Src[0].Array || s.Offset != w.Src[0].Offset || s.IndexReg != "" {
			return []wse.Stmt{w}
		}
	}
	if len(w.Dst.Dims) != 1 || w.Dst.Dims[0].Stride != 1 || w.Dst.IndexReg != "" {
		return []wse.Stmt{w}
	}
	n := w.Dst.Count()
	if g.m.BankedRate(w.Code, w.Elem, 0, 0).Cycles(n) <= g.m.Rate(w.Code, w.Elem).Cycles(n)+g.m.Rate(wse.OpMov, w.Elem).Cycles(n) {
		return []wse.Stmt{w}
	}
	mov := &wse.Op{Code: wse.OpMov, Elem: w.Elem, UT: -1, Line: w.Line, Dst: w.Dst, Src: w.Src[:1:1]}
	w.Src = []wse.Operand{w.Dst, w.Src[1]}
	return []wse.Stmt{mov, w}
}

func (g *gen) cannot(o *mesh.Op) error {
	return fmt.Errorf("class %s: the wafer has no operation for %v on %v", g.in.Name, o.Code, o.Elem)
}

// convert spells a value conversion; the source's type is that of its array.
func (g *gen) convert(o *mesh.Op, w *wse.Op) ([]wse.Stmt, error) {
	from := o.Elem
	switch s := &o.Src[0]; s.Kind {
	case mesh.Memory:
		from = g.elemOf(s.Slice.Array)
	case mesh.HostScalar:
		from = s.Elem
	case mesh.Imm:
		v, err := ir.Apply(&ir.Node{Op: ir.Cvt, Elem: o.Elem}, []ir.Elem{s.Elem}, []ir.Val{{F: s.Imm, I: s.Int}})
		if err != nil {
			return nil, err
		}
		w.Code, w.Src = wse.OpMov, []wse.Operand{wse.ImmBits(immBits(&mesh.Operand{Imm: v.F, Int: v.I}, w.Elem))}
		return []wse.Stmt{w}, nil
	}
	type pair struct{ from, to ir.Elem }
	codes := map[pair]struct {
		code wse.Opcode
		elem wse.Elem
	}{{ir.I32, ir.F32}: {wse.OpI2F, wse.I32}, {ir.Bool, ir.F32}: {wse.OpU2F, wse.U32}, {ir.F32, ir.I32}: {wse.OpF2I, wse.F32},
		{ir.F32, ir.F16}: {wse.OpF2H, wse.F32}, {ir.F16, ir.F32}: {wse.OpH2F, wse.F16}, {ir.Bool, ir.I32}: {wse.OpMov, wse.I32}}
	if from == o.Elem {
		w.Code = wse.OpMov
		return []wse.Stmt{w}, nil
	}
	c, ok := codes[pair{from, o.Elem}]
	if !ok {
		return nil, fmt.Errorf("class %s: the wafer has no conversion from %v to %v; convert by way of f32", g.in.Name, from, o.Elem)
	}
	w.Code, w.Elem = c.code, c.elem
	return []wse.Stmt{w}, nil
}

func (g *gen) elemOf(array string) ir.Elem {
	for i := range g.p.Arrays {
		if g.p.Arrays[i].Name == array {
			return g.p.Arrays[i].Elem
		}
	}
	return ir.NoElem
}

// operand translates an operand of an operation of type e. A one-element memory source of a longer operation is a scalar.
func (g *gen) operand(o *mesh.Op, in *mesh.Operand, e wse.Elem) (wse.Operand, error) {
	switch in.Kind {
	case mesh.Memory:
		s := in.Slice
		if in != &o.Dst && s.Len() == 1 && !o.Async {
			return wse.At(s.Array, s.Off), nil
		}
		if len(s.Dims) == 0 {
			return wse.Vec(s.Array, s.Off, 1), nil
		}
		w := wse.Operand{Kind: wse.Mem, Array: s.Array, Offset: s.Off}
		if len(s.Dims) == 1 && (s.Dims[0].Stride > 127 || s.Dims[0].Stride < -128) {
			w.Dims = append(w.Dims, wse.Dim{Len: 1}) // a one-dimensional DSD has 8 bits for its stride
		}
		for _, d := range s.Dims {
			w.Dims = append(w.Dims, wse.Dim{Len: d.Len, Stride: d.Stride})
		}
		if st := s.Dims[0].Stride; len(s.Dims) == 1 && (st > math.MaxInt8 || st < math.MinInt8) {
			// The stride of a one-dimensional DSD is an i8; those of more dimensions have registers.
			w.Dims = append([]wse.Dim{{Len: 1}}, w.Dims...)
		}
		return w, nil
	case mesh.Chan:
		return wse.Fab(queueName(in.Name, in == &o.Dst), in.Len), nil
	case mesh.HostScalar:
		array, k, ok := ScalarSlot(g.p, mesh.Scalar{Name: in.Name, Elem: in.Elem})
		if !ok {
			return wse.Operand{}, fmt.Errorf("host scalar %s of type %v is not among the program's scalars", in.Name, o.Elem)
		}
		return wse.At(array, k), nil
	case mesh.Imm:
		return wse.ImmBits(immBits(in, e)), nil
	}
	return wse.Operand{}, fmt.Errorf("operation %v has an operand of no kind", o.Code)
}

// immBits are the bits of an immediate in type e.
func immBits(in *mesh.Operand, e wse.Elem) uint32 {
	switch e {
	case wse.F32:
		return math.Float32bits(float32(in.Imm))
	case wse.F16:
		return uint32(ieee.HalfBits(ieee.RoundHalf(in.Imm)))
	}
	return uint32(int32(in.Int))
}
