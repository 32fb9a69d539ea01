package emit

import (
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
)

// Arithmetic of bf16 products: results that would be subnormal become zeros of their sign, as tile instructions have it.

// FmaFlush is [ieee.FMAFlush]: the sum in double precision tells whether the result, with unlimited exponents, would be subnormal.
func (c Calc) FmaFlush(x, y, z value.Value) value.Value {
	b := c.Block
	r := b.NewIntrinsic("fma", x, y, z)
	wide := func(v value.Value) value.Value { return b.NewFPExt(v, c.Typ(types.Double)) }
	sum := b.NewFAdd(b.NewFMul(wide(x), wide(y)), wide(z))
	tiny := b.NewFCmp(enum.FPredOLT, b.NewIntrinsic("fabs", sum), c.Float(ir.F64, 0x1p-126*(1-0x1p-25)))
	return b.NewSelect(tiny, c.zeroOf(r), r)
}

// AddFlush is [ieee.AddFlush].
func (c Calc) AddFlush(x, y value.Value) value.Value {
	b := c.Block
	s := b.NewFAdd(x, y)
	return b.NewSelect(b.NewFCmp(enum.FPredOLT, b.NewIntrinsic("fabs", s), c.Float(ir.F32, 0x1p-126)), c.zeroOf(s), s)
}

// zeroOf is the zero of a number's sign.
func (c Calc) zeroOf(x value.Value) value.Value {
	sign := c.Block.NewAnd(c.Block.NewBitCast(x, c.Typ(types.I32)), c.Int(types.I32, -1<<31))
	return c.Block.NewBitCast(sign, x.Type())
}

// RoundBrain gives the bits of a float rounded to bf16 in the upper half of a word; what is in the lower half does not matter.
func (c Calc) RoundBrain(x value.Value) value.Value {
	b, i32 := c.Block, types.I32
	u := b.NewBitCast(x, c.Typ(i32))
	magnitude := b.NewAnd(u, c.Int(i32, 0x7fffffff))
	odd := b.NewAnd(b.NewLShr(u, c.Int(i32, 16)), c.Int(i32, 1))
	var r value.Value = b.NewAdd(b.NewAdd(u, c.Int(i32, 0x7fff)), odd)
	r = b.NewSelect(b.NewICmp(enum.IPredUGT, magnitude, c.Int(i32, 0x7f800000)), b.NewOr(u, c.Int(i32, 0x400000)), r)
	return b.NewSelect(b.NewICmp(enum.IPredULT, magnitude, c.Int(i32, 0x00800000)), b.NewAnd(u, c.Int(i32, -1<<31)), r)
}
