package emit

import (
	"math"
	"runtime"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Half precision is written out in integer operations unless the tool chain and the processor can be trusted with it ([NativeHalf]): before
// LLVM 15, x86 keeps excess precision between half operations, and without conversions in the processor they are library calls. The
// sequences vectorise everywhere, at some ten operations per rounding.

// NativeHalf reports whether LLVM's half type may be used.
func NativeHalf(t *native.Toolchain) bool {
	if t.Version < 16 {
		return false
	}
	return runtime.GOARCH == "arm64" || runtime.GOARCH == "amd64" && native.HasFeature("f16c")
}

// roundHalf rounds a float to the nearest half value, ties to even, and leaves it a float.
func (c Calc) roundHalf(x value.Value) value.Value {
	if c.half {
		return c.Block.NewFPExt(c.Block.NewFPTrunc(x, c.Typ(types.Half)), x.Type())
	}
	b, i32 := c.Block, types.I32
	u := b.NewBitCast(x, c.Typ(i32))
	sign := b.NewAnd(u, c.Int(i32, math.MinInt32))
	a := b.NewAnd(u, c.Int(i32, math.MaxInt32))
	// Normal halves: round the low 13 bits; from 2^16 on the result is infinity.
	odd := b.NewAnd(b.NewLShr(a, c.Int(i32, 13)), c.Int(i32, 1))
	var n value.Value = b.NewAnd(b.NewAdd(b.NewAdd(a, c.Int(i32, 0xfff)), odd), c.Int(i32, ^0x1fff))
	n = b.NewSelect(b.NewICmp(enum.IPredULT, n, c.Int(i32, 0x47800000)), n, c.Int(i32, 0x7f800000))
	// Subnormal halves are multiples of 2^-24, the spacing of floats in [1/2, 1).
	half := c.Float(ir.F32, 0.5)
	s := b.NewBitCast(b.NewFSub(b.NewFAdd(b.NewBitCast(a, x.Type()), half), half), c.Typ(i32))
	r := b.NewSelect(b.NewICmp(enum.IPredULT, a, c.Int(i32, 0x38800000)), s, n)
	v := b.NewBitCast(b.NewOr(r, sign), x.Type())
	return b.NewSelect(b.NewFCmp(enum.FPredUNO, x, x), x, v)
}

// oddFloat rounds a double to float, to odd when inexact, so that a further rounding to half is right.
func (c Calc) oddFloat(x value.Value) value.Value {
	b, i32 := c.Block, types.I32
	f := b.NewFPTrunc(x, c.Typ(types.Float))
	back := b.NewFPExt(f, c.Typ(types.Double))
	u := b.NewBitCast(f, c.Typ(i32))
	over := b.NewFCmp(enum.FPredOGT, b.NewIntrinsic("fabs", back), b.NewIntrinsic("fabs", x))
	down := b.NewSelect(over, b.NewSub(u, c.Int(i32, 1)), u)
	odd := b.NewBitCast(b.NewOr(down, c.Int(i32, 1)), c.Typ(types.Float))
	return b.NewSelect(b.NewFCmp(enum.FPredONE, back, x), odd, f)
}

// PackHalf encodes a float that is a half value.
func (c Calc) PackHalf(x value.Value) value.Value {
	if c.half {
		return c.Block.NewBitCast(c.Block.NewFPTrunc(x, c.Typ(types.Half)), c.Typ(types.I16))
	}
	b, i32 := c.Block, types.I32
	u := b.NewBitCast(x, c.Typ(i32))
	sign := b.NewAnd(b.NewLShr(u, c.Int(i32, 16)), c.Int(i32, 0x8000))
	a := b.NewAnd(u, c.Int(i32, math.MaxInt32))
	n := b.NewLShr(b.NewSub(a, c.Int(i32, 0x38000000)), c.Int(i32, 13))
	// A subnormal k*2^-24 plus 1/2 is 1/2 + k units in the last place.
	s := b.NewSub(b.NewBitCast(b.NewFAdd(b.NewBitCast(a, x.Type()), c.Float(ir.F32, 0.5)), c.Typ(i32)), c.Int(i32, 0x3f000000))
	r := b.NewSelect(b.NewICmp(enum.IPredULT, a, c.Int(i32, 0x38800000)), s, n)
	special := b.NewSelect(b.NewICmp(enum.IPredUGT, a, c.Int(i32, 0x7f800000)), c.Int(i32, 0x7e00), c.Int(i32, 0x7c00))
	r = b.NewSelect(b.NewICmp(enum.IPredUGE, a, c.Int(i32, 0x7f800000)), special, r)
	return b.NewTrunc(b.NewOr(r, sign), c.Typ(types.I16))
}

// UnpackHalf is the float of a half encoding.
func (c Calc) UnpackHalf(h value.Value) value.Value {
	if c.half {
		return c.Block.NewFPExt(c.Block.NewBitCast(h, c.Typ(types.Half)), c.Typ(types.Float))
	}
	b, i32 := c.Block, types.I32
	u := b.NewZExt(h, c.Typ(i32))
	sign := b.NewShl(b.NewAnd(u, c.Int(i32, 0x8000)), c.Int(i32, 16))
	m := b.NewShl(b.NewAnd(u, c.Int(i32, 0x7fff)), c.Int(i32, 13))
	n := b.NewAdd(m, c.Int(i32, 0x38000000)) // exponent 15 becomes 127
	// Subnormal: 2^-14 + m*2^-24, minus 2^-14.
	low := c.Float(ir.F32, math.Ldexp(1, -14))
	s := b.NewFSub(b.NewBitCast(b.NewAdd(m, c.Int(i32, 0x38800000)), c.Typ(types.Float)), low)
	r := b.NewSelect(b.NewICmp(enum.IPredULT, m, c.Int(i32, 0x00800000)), b.NewBitCast(s, c.Typ(i32)), n)
	r = b.NewSelect(b.NewICmp(enum.IPredUGE, m, c.Int(i32, 0x0f800000)), b.NewOr(m, c.Int(i32, 0x7f800000)), r)
	return b.NewBitCast(b.NewOr(r, sign), c.Typ(types.Float))
}
