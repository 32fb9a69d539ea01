package emit

import (
	"math"
	"runtime"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Half precision is written out in integer operations unless the tool chain and the processor can be trusted with it ([NativeHalf]): before
// LLVM 15, x86 keeps excess precision between half operations, and without conversions in the processor they are library calls. The
// sequences vectorise everywhere, at some ten operations per rounding.

var halfType = &llvm.FloatType{Kind: "half"}

// NativeHalf reports whether LLVM's half type may be used.
func NativeHalf(t *native.Toolchain) bool {
	if t.Version < 16 {
		return false
	}
	return runtime.GOARCH == "arm64" || runtime.GOARCH == "amd64" && native.HasFeature("f16c")
}

// roundHalf rounds a float to the nearest half value, ties to even, and leaves it a float.
func (c Calc) roundHalf(x llvm.Value) llvm.Value {
	if c.half {
		return c.Block.NewConv("fpext", c.Block.NewConv("fptrunc", x, c.Typ(halfType)), x.Type())
	}
	b, i32 := c.Block, llvm.I32
	u := b.NewBitCast(x, c.Typ(i32))
	sign := b.NewAnd(u, c.Int(i32, math.MinInt32))
	a := b.NewAnd(u, c.Int(i32, math.MaxInt32))
	// Normal halves: round the low 13 bits; from 2^16 on the result is infinity.
	odd := b.NewAnd(b.NewLShr(a, c.Int(i32, 13)), c.Int(i32, 1))
	n := b.NewAnd(b.NewAdd(b.NewAdd(a, c.Int(i32, 0xfff)), odd), c.Int(i32, ^0x1fff))
	n = b.NewSelect(b.NewICmp("ult", n, c.Int(i32, 0x47800000)), n, c.Int(i32, 0x7f800000))
	// Subnormal halves are multiples of 2^-24, the spacing of floats in [1/2, 1).
	half := c.Float(ir.F32, 0.5)
	s := b.NewBitCast(b.NewFSub(b.NewFAdd(b.NewBitCast(a, x.Type()), half), half), c.Typ(i32))
	r := b.NewSelect(b.NewICmp("ult", a, c.Int(i32, 0x38800000)), s, n)
	v := b.NewBitCast(b.NewOr(r, sign), x.Type())
	return b.NewSelect(b.NewFCmp("uno", x, x), x, v)
}

// oddFloat rounds a double to float, to odd when inexact, so that a further rounding to half is right.
func (c Calc) oddFloat(x llvm.Value) llvm.Value {
	b, i32 := c.Block, llvm.I32
	f := b.NewConv("fptrunc", x, c.Typ(llvm.Float))
	back := b.NewConv("fpext", f, c.Typ(llvm.Double))
	u := b.NewBitCast(f, c.Typ(i32))
	over := b.NewFCmp("ogt", b.NewIntrinsic("fabs", back), b.NewIntrinsic("fabs", x))
	down := b.NewSelect(over, b.NewSub(u, c.Int(i32, 1)), u)
	odd := b.NewBitCast(b.NewOr(down, c.Int(i32, 1)), c.Typ(llvm.Float))
	return b.NewSelect(b.NewFCmp("one", back, x), odd, f)
}

// PackHalf encodes a float that is a half value.
func (c Calc) PackHalf(x llvm.Value) llvm.Value {
	if c.half {
		return c.Block.NewBitCast(c.Block.NewConv("fptrunc", x, c.Typ(halfType)), c.Typ(llvm.I16))
	}
	b, i32 := c.Block, llvm.I32
	u := b.NewBitCast(x, c.Typ(i32))
	sign := b.NewAnd(b.NewLShr(u, c.Int(i32, 16)), c.Int(i32, 0x8000))
	a := b.NewAnd(u, c.Int(i32, math.MaxInt32))
	n := b.NewLShr(b.NewSub(a, c.Int(i32, 0x38000000)), c.Int(i32, 13))
	// A subnormal k*2^-24 plus 1/2 is 1/2 + k units in the last place.
	s := b.NewSub(b.NewBitCast(b.NewFAdd(b.NewBitCast(a, x.Type()), c.Float(ir.F32, 0.5)), c.Typ(i32)), c.Int(i32, 0x3f000000))
	r := b.NewSelect(b.NewICmp("ult", a, c.Int(i32, 0x38800000)), s, n)
	special := b.NewSelect(b.NewICmp("ugt", a, c.Int(i32, 0x7f800000)), c.Int(i32, 0x7e00), c.Int(i32, 0x7c00))
	r = b.NewSelect(b.NewICmp("uge", a, c.Int(i32, 0x7f800000)), special, r)
	return b.NewConv("trunc", b.NewOr(r, sign), c.Typ(llvm.I16))
}

// UnpackHalf is the float of a half encoding.
func (c Calc) UnpackHalf(h llvm.Value) llvm.Value {
	if c.half {
		return c.Block.NewConv("fpext", c.Block.NewBitCast(h, c.Typ(halfType)), c.Typ(llvm.Float))
	}
	b, i32 := c.Block, llvm.I32
	u := b.NewConv("zext", h, c.Typ(i32))
	sign := b.NewShl(b.NewAnd(u, c.Int(i32, 0x8000)), c.Int(i32, 16))
	m := b.NewShl(b.NewAnd(u, c.Int(i32, 0x7fff)), c.Int(i32, 13))
	n := b.NewAdd(m, c.Int(i32, 0x38000000)) // exponent 15 becomes 127
	// Subnormal: 2^-14 + m*2^-24, minus 2^-14.
	low := c.Float(ir.F32, math.Ldexp(1, -14))
	s := b.NewFSub(b.NewBitCast(b.NewAdd(m, c.Int(i32, 0x38800000)), c.Typ(llvm.Float)), low)
	r := b.NewSelect(b.NewICmp("ult", m, c.Int(i32, 0x00800000)), b.NewBitCast(s, c.Typ(i32)), n)
	r = b.NewSelect(b.NewICmp("uge", m, c.Int(i32, 0x0f800000)), b.NewOr(m, c.Int(i32, 0x7f800000)), r)
	return b.NewBitCast(b.NewOr(r, sign), c.Typ(llvm.Float))
}
