package cpu

import (
	"math"
	"runtime"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Half precision is written out in integer operations unless the tool chain and the processor can be trusted with it ([nativeHalf]): before
// LLVM 15, x86 keeps excess precision between half operations, and without conversions in the processor they are library calls. The
// sequences vectorise everywhere, at some ten operations per rounding.

var halfType = &llvm.FloatType{Kind: "half"}

// nativeHalf reports whether LLVM's half type may be used.
func nativeHalf(t *native.Toolchain) bool {
	if t.Version < 16 {
		return false
	}
	return runtime.GOARCH == "arm64" || runtime.GOARCH == "amd64" && native.HasFeature("f16c")
}

// roundHalf rounds a float to the nearest half value, ties to even, and leaves it a float.
func (c calc) roundHalf(x llvm.Value) llvm.Value {
	if c.half {
		return c.b.NewConv("fpext", c.b.NewConv("fptrunc", x, c.typ(halfType)), x.Type())
	}
	b, i32 := c.b, llvm.I32
	u := b.NewBitCast(x, c.typ(i32))
	sign := b.NewAnd(u, c.int(i32, math.MinInt32))
	a := b.NewAnd(u, c.int(i32, math.MaxInt32))
	// Normal halves: round the low 13 bits; from 2^16 on the result is infinity.
	odd := b.NewAnd(b.NewLShr(a, c.int(i32, 13)), c.int(i32, 1))
	n := b.NewAnd(b.NewAdd(b.NewAdd(a, c.int(i32, 0xfff)), odd), c.int(i32, ^0x1fff))
	n = b.NewSelect(b.NewICmp("ult", n, c.int(i32, 0x47800000)), n, c.int(i32, 0x7f800000))
	// Subnormal halves are multiples of 2^-24, the spacing of floats in [1/2, 1).
	half := c.float(ir.F32, 0.5)
	s := b.NewBitCast(b.NewFSub(b.NewFAdd(b.NewBitCast(a, x.Type()), half), half), c.typ(i32))
	r := b.NewSelect(b.NewICmp("ult", a, c.int(i32, 0x38800000)), s, n)
	v := b.NewBitCast(b.NewOr(r, sign), x.Type())
	return b.NewSelect(b.NewFCmp("uno", x, x), x, v)
}

// oddFloat rounds a double to float, to odd when inexact, so that a further rounding to half is right.
func (c calc) oddFloat(x llvm.Value) llvm.Value {
	b, i32 := c.b, llvm.I32
	f := b.NewConv("fptrunc", x, c.typ(llvm.Float))
	back := b.NewConv("fpext", f, c.typ(llvm.Double))
	u := b.NewBitCast(f, c.typ(i32))
	over := b.NewFCmp("ogt", b.NewIntrinsic("fabs", back), b.NewIntrinsic("fabs", x))
	down := b.NewSelect(over, b.NewSub(u, c.int(i32, 1)), u)
	odd := b.NewBitCast(b.NewOr(down, c.int(i32, 1)), c.typ(llvm.Float))
	return b.NewSelect(b.NewFCmp("one", back, x), odd, f)
}

// packHalf encodes a float that is a half value.
func (c calc) packHalf(x llvm.Value) llvm.Value {
	if c.half {
		return c.b.NewBitCast(c.b.NewConv("fptrunc", x, c.typ(halfType)), c.typ(llvm.I16))
	}
	b, i32 := c.b, llvm.I32
	u := b.NewBitCast(x, c.typ(i32))
	sign := b.NewAnd(b.NewLShr(u, c.int(i32, 16)), c.int(i32, 0x8000))
	a := b.NewAnd(u, c.int(i32, math.MaxInt32))
	n := b.NewLShr(b.NewSub(a, c.int(i32, 0x38000000)), c.int(i32, 13))
	// A subnormal k*2^-24 plus 1/2 is 1/2 + k units in the last place.
	s := b.NewSub(b.NewBitCast(b.NewFAdd(b.NewBitCast(a, x.Type()), c.float(ir.F32, 0.5)), c.typ(i32)), c.int(i32, 0x3f000000))
	r := b.NewSelect(b.NewICmp("ult", a, c.int(i32, 0x38800000)), s, n)
	special := b.NewSelect(b.NewICmp("ugt", a, c.int(i32, 0x7f800000)), c.int(i32, 0x7e00), c.int(i32, 0x7c00))
	r = b.NewSelect(b.NewICmp("uge", a, c.int(i32, 0x7f800000)), special, r)
	return b.NewConv("trunc", b.NewOr(r, sign), c.typ(llvm.I16))
}

// unpackHalf is the float of a half encoding.
func (c calc) unpackHalf(h llvm.Value) llvm.Value {
	if c.half {
		return c.b.NewConv("fpext", c.b.NewBitCast(h, c.typ(halfType)), c.typ(llvm.Float))
	}
	b, i32 := c.b, llvm.I32
	u := b.NewConv("zext", h, c.typ(i32))
	sign := b.NewShl(b.NewAnd(u, c.int(i32, 0x8000)), c.int(i32, 16))
	m := b.NewShl(b.NewAnd(u, c.int(i32, 0x7fff)), c.int(i32, 13))
	n := b.NewAdd(m, c.int(i32, 0x38000000)) // exponent 15 becomes 127
	// Subnormal: 2^-14 + m*2^-24, minus 2^-14.
	low := c.float(ir.F32, math.Ldexp(1, -14))
	s := b.NewFSub(b.NewBitCast(b.NewAdd(m, c.int(i32, 0x38800000)), c.typ(llvm.Float)), low)
	r := b.NewSelect(b.NewICmp("ult", m, c.int(i32, 0x00800000)), b.NewBitCast(s, c.typ(i32)), n)
	r = b.NewSelect(b.NewICmp("uge", m, c.int(i32, 0x0f800000)), b.NewOr(m, c.int(i32, 0x7f800000)), r)
	return b.NewBitCast(b.NewOr(r, sign), c.typ(llvm.Float))
}
