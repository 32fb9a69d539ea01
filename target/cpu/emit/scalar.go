package emit

import (
	"fmt"
	"math"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// Calc emits scalar operations of the IR at the end of a block, on single values or on vectors of lanes: the LLVM spelling of ir.Apply.
//
// In registers Bool is i1, F16 is a float that holds a half value, the others are themselves.
type Calc struct {
	Block *llvm.Block
	lane  int  // vector length, 0 for single values
	half  bool // the processor converts half precision
}

// RegType is the LLVM type of an element in a register.
func RegType(e ir.Elem) types.Type {
	switch e {
	case ir.Bool:
		return types.I1
	case ir.I32:
		return types.I32
	case ir.I64:
		return types.I64
	case ir.F64:
		return types.Double
	}
	return types.Float
}

// MemType is the LLVM type of an element in memory.
func MemType(e ir.Elem) types.Type {
	switch e {
	case ir.Bool:
		return types.I8
	case ir.F16:
		return types.I16
	}
	return RegType(e)
}

func (c Calc) splat(v constant.Constant) value.Value {
	if c.lane > 0 {
		return llvm.NewSplat(c.lane, v)
	}
	return v
}

// Typ is the type of values whose elements have type t.
func (c Calc) Typ(t types.Type) types.Type {
	if c.lane > 0 {
		return llvm.NewVector(c.lane, t)
	}
	return t
}

// Float is a constant of a floating-point element type.
func (c Calc) Float(e ir.Elem, x float64) value.Value {
	return c.splat(llvm.NewFloat(RegType(e).(*types.FloatType), x))
}

// Int is a constant of an integer type.
func (c Calc) Int(t *types.IntType, x int64) value.Value {
	if t.BitSize == 1 {
		x &= 1
	}
	return c.splat(constant.NewInt(t, x))
}

// Constant is the value of a Const node.
func (c Calc) Constant(n *ir.Node) value.Value {
	if n.Elem.IsFloat() {
		return c.Float(n.Elem, n.Imm)
	}
	return c.Int(RegType(n.Elem).(*types.IntType), n.Int)
}

// apply emits one operation with arguments. in is the element type of the first argument.
func (c Calc) apply(n *ir.Node, in ir.Elem, a []value.Value) (value.Value, error) {
	switch n.Op {
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		return c.compare(n.Op, in, a[0], a[1]), nil
	case ir.Select:
		return c.Block.NewSelect(a[0], a[1], a[2]), nil
	case ir.Cvt:
		return c.convert(in, n.Elem, a[0]), nil
	case ir.Bitcast:
		if regWidth(in) != regWidth(n.Elem) || (in == ir.F16) != (n.Elem == ir.F16) {
			return nil, fmt.Errorf("bitcast from %s to %s changes the width", in, n.Elem)
		}
		if in == n.Elem {
			return a[0], nil
		}
		return c.Block.NewBitCast(a[0], c.Typ(RegType(n.Elem))), nil
	}
	var v value.Value
	if n.Elem.IsFloat() {
		v = c.floatOp(n.Op, n.Elem, a)
		if v != nil && n.Elem == ir.F16 && n.Op != ir.Neg && n.Op != ir.Abs && n.Op != ir.MinOp && n.Op != ir.MaxOp {
			v = c.roundHalf(v)
		}
	} else {
		v = c.intOp(n.Op, n.Elem, a)
	}
	if v == nil {
		return nil, fmt.Errorf("%s of %s cannot be compiled for the CPU: it is not part of canonical IR", n.Op, n.Elem)
	}
	return v, nil
}

func regWidth(e ir.Elem) int {
	switch e {
	case ir.Bool:
		return 1
	case ir.I64, ir.F64:
		return 64
	}
	return 32
}

func (c Calc) floatOp(op ir.Code, e ir.Elem, a []value.Value) value.Value {
	b := c.Block
	switch op {
	case ir.Neg:
		return b.NewFNeg(a[0])
	case ir.Abs:
		return b.NewIntrinsic("fabs", a[0])
	case ir.Sqrt:
		return b.NewIntrinsic("sqrt", a[0])
	case ir.Floor:
		return b.NewIntrinsic("floor", a[0])
	case ir.Ceil:
		return b.NewIntrinsic("ceil", a[0])
	case ir.Add:
		return b.NewFAdd(a[0], a[1])
	case ir.Sub:
		return b.NewFSub(a[0], a[1])
	case ir.Mul:
		return b.NewFMul(a[0], a[1])
	case ir.Div:
		return b.NewFDiv(a[0], a[1])
	case ir.FMA:
		return b.NewIntrinsic("fma", a...)
	case ir.MinOp, ir.MaxOp:
		return c.floatMinMax(op, e, a[0], a[1])
	}
	return nil
}

// floatMinMax writes minimum and maximum out: LLVM's own intrinsics for them are not selectable everywhere, and minnum ignores NaN.
func (c Calc) floatMinMax(op ir.Code, e ir.Elem, x, y value.Value) value.Value {
	b := c.Block
	if _, ok := llvm.FloatOf(x); ok {
		x, y = y, x
	}
	if k, ok := llvm.FloatOf(y); ok && k != 0 && k == k { // no zeros to tell apart, and NaN stays: one instruction
		pred := map[bool]enum.FPred{true: enum.FPredOGT, false: enum.FPredOLT}[op == ir.MinOp]
		return b.NewSelect(b.NewFCmp(pred, x, y), y, x)
	}
	it := types.I32
	if e == ir.F64 {
		it = types.I64
	}
	ix, iy := b.NewBitCast(x, c.Typ(it)), b.NewBitCast(y, c.Typ(it))
	// Equal numbers have equal bits, except -0 and +0: or gives -0, and gives +0.
	var tie, first value.Value
	if op == ir.MinOp {
		tie, first = b.NewOr(ix, iy), b.NewFCmp(enum.FPredOLT, x, y)
	} else {
		tie, first = b.NewAnd(ix, iy), b.NewFCmp(enum.FPredOGT, x, y)
	}
	r := b.NewSelect(first, x, y)
	r = b.NewSelect(b.NewFCmp(enum.FPredOEQ, x, y), b.NewBitCast(tie, x.Type()), r)
	return b.NewSelect(b.NewFCmp(enum.FPredUNO, x, y), b.NewFAdd(x, y), r)
}

func (c Calc) intOp(op ir.Code, e ir.Elem, a []value.Value) value.Value {
	b, t := c.Block, RegType(e).(*types.IntType)
	isBool := e == ir.Bool
	switch op {
	case ir.Neg:
		return b.NewSub(c.Int(t, 0), a[0])
	case ir.Abs:
		if isBool {
			return a[0]
		}
		return b.NewSelect(b.NewICmp(enum.IPredSLT, a[0], c.Int(t, 0)), b.NewSub(c.Int(t, 0), a[0]), a[0])
	case ir.Not:
		return b.NewXor(a[0], c.Int(t, -1))
	case ir.Add:
		return b.NewAdd(a[0], a[1])
	case ir.Sub:
		return b.NewSub(a[0], a[1])
	case ir.Mul:
		return b.NewMul(a[0], a[1])
	case ir.And:
		return b.NewAnd(a[0], a[1])
	case ir.Or:
		return b.NewOr(a[0], a[1])
	case ir.Xor:
		return b.NewXor(a[0], a[1])
	case ir.MinOp:
		return b.NewSelect(c.compare(ir.Lt, e, a[0], a[1]), a[0], a[1])
	case ir.MaxOp:
		return b.NewSelect(c.compare(ir.Lt, e, a[1], a[0]), a[0], a[1])
	case ir.Shl, ir.Shr:
		if isBool { // a shift by one leaves nothing of one bit
			return b.NewAnd(a[0], b.NewXor(a[1], c.Int(t, 1)))
		}
		n := b.NewAnd(a[1], c.Int(t, int64(t.BitSize-1))) // LLVM leaves larger amounts undefined
		if op == ir.Shl {
			return b.NewShl(a[0], n)
		}
		return b.NewLShr(a[0], n)
	}
	return nil
}

func (c Calc) compare(op ir.Code, e ir.Elem, x, y value.Value) value.Value {
	if e.IsFloat() {
		pred := map[ir.Code]enum.FPred{ir.Lt: enum.FPredOLT, ir.Le: enum.FPredOLE, ir.Eq: enum.FPredOEQ, ir.Ne: enum.FPredUNE}[op]
		return c.Block.NewFCmp(pred, x, y)
	}
	pred := map[ir.Code]enum.IPred{ir.Lt: enum.IPredSLT, ir.Le: enum.IPredSLE, ir.Eq: enum.IPredEQ, ir.Ne: enum.IPredNE}[op]
	if e == ir.Bool {
		pred = map[ir.Code]enum.IPred{ir.Lt: enum.IPredULT, ir.Le: enum.IPredULE, ir.Eq: enum.IPredEQ, ir.Ne: enum.IPredNE}[op]
	}
	return c.Block.NewICmp(pred, x, y)
}

// convert is ir.Convert.
func (c Calc) convert(from, to ir.Elem, v value.Value) value.Value {
	b := c.Block
	t := c.Typ(RegType(to))
	switch {
	case from == to:
		return v
	case to == ir.Bool && from.IsFloat():
		return b.NewFCmp(enum.FPredUNE, v, c.Float(from, 0))
	case to == ir.Bool:
		return b.NewICmp(enum.IPredNE, v, c.Int(RegType(from).(*types.IntType), 0))
	case to == ir.F16:
		switch from {
		case ir.F32:
			return c.roundHalf(v)
		case ir.F64:
			return c.roundHalf(c.oddFloat(v))
		case ir.Bool:
			return b.NewUIToFP(v, t)
		}
		return c.roundHalf(c.oddFloat(b.NewSIToFP(v, c.Typ(types.Double))))
	case to.IsFloat() && from.IsFloat():
		switch w := regWidth(to) - regWidth(from); {
		case w > 0:
			return b.NewFPExt(v, t)
		case w < 0:
			return b.NewFPTrunc(v, t)
		}
		return v // a half is a float already
	case to.IsFloat():
		if from == ir.Bool {
			return b.NewUIToFP(v, t)
		}
		return b.NewSIToFP(v, t)
	case from.IsFloat():
		return c.saturate(from, to, v)
	case from == ir.Bool:
		return b.NewZExt(v, t)
	case regWidth(to) < regWidth(from):
		return b.NewTrunc(v, t)
	}
	return b.NewSExt(v, t)
}

// saturate truncates to an integer; fptosi outside the range is poison, which the selects do not choose.
func (c Calc) saturate(from, to ir.Elem, v value.Value) value.Value {
	b, t := c.Block, RegType(to).(*types.IntType)
	lo, hi := int64(math.MinInt32), int64(math.MaxInt32)
	if to == ir.I64 {
		lo, hi = math.MinInt64, math.MaxInt64
	}
	var r value.Value = b.NewFPToSI(v, c.Typ(t))
	limit := -float64(lo) // 2^31 or 2^63, exact in float and double
	r = b.NewSelect(b.NewFCmp(enum.FPredOGE, v, c.Float(from, limit)), c.Int(t, hi), r)
	r = b.NewSelect(b.NewFCmp(enum.FPredOLE, v, c.Float(from, -limit)), c.Int(t, lo), r)
	return b.NewSelect(b.NewFCmp(enum.FPredUNO, v, v), c.Int(t, 0), r)
}

// Neutral is the value that combining leaves unchanged, bit for bit: -0 for a floating-point sum.
func (c Calc) Neutral(comb ir.Combiner, e ir.Elem) value.Value {
	if e.IsFloat() {
		return c.Float(e, map[ir.Combiner]float64{ir.Sum: math.Copysign(0, -1), ir.Prod: 1, ir.Max: math.Inf(-1), ir.Min: math.Inf(1)}[comb])
	}
	t := RegType(e).(*types.IntType)
	lo, hi := int64(-1)<<(t.BitSize-1), ^(int64(-1) << (t.BitSize - 1))
	if e == ir.Bool {
		lo, hi = 0, 1
	}
	return c.Int(t, map[ir.Combiner]int64{ir.Sum: 0, ir.Prod: 1, ir.Max: lo, ir.Min: hi}[comb])
}

var combCode = map[ir.Combiner]ir.Code{ir.Sum: ir.Add, ir.Prod: ir.Mul, ir.Max: ir.MaxOp, ir.Min: ir.MinOp}

// Combine folds y into x.
func (c Calc) Combine(comb ir.Combiner, e ir.Elem, x, y value.Value) value.Value {
	v, err := c.apply(&ir.Node{Op: combCode[comb], Elem: e}, e, []value.Value{x, y})
	if err != nil {
		panic(err) // every combiner is defined for every element type
	}
	return v
}

// Fma folds the product x*y into acc with one rounding (for F16 one to float, one to half, as ir.Apply has it).
func (c Calc) Fma(e ir.Elem, x, y, acc value.Value) value.Value {
	v := c.Block.NewIntrinsic("fma", x, y, acc)
	if e == ir.F16 {
		v = c.roundHalf(v)
	}
	return v
}
