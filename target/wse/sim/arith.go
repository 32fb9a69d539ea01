package sim

import (
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/target/wse"
)

// fn computes one element from the bits of its sources; 16-bit values are in the
// low half. Unused sources are 0.
type fn func(a, b, c uint32) uint32

func f32(b uint32) float32    { return math.Float32frombits(b) }
func fbits(f float32) uint32  { return math.Float32bits(f) }
func half(b uint32) float32   { return ieee.HalfFromBits(uint16(b)) }
func toHalf(f float32) uint32 { return uint32(ieee.HalfFrom32(f)) }

func truth(v bool) uint32 {
	if v {
		return 1
	}
	return 0
}

// minimum and maximum are those of IEEE 754-2019.
func maximum(a, b float32) float32 {
	switch {
	case a != a:
		return a
	case b != b || b > a:
		return b
	case a == b && math.Signbit(float64(a)):
		return b
	}
	return a
}

func minimum(a, b float32) float32 {
	switch {
	case a != a:
		return a
	case b != b || b < a:
		return b
	case a == b && math.Signbit(float64(b)):
		return b
	}
	return a
}

// floatFn is the meaning of the arithmetic opcodes in f32; f16 wraps it.
func floatFn(c wse.Opcode) func(a, b, c float32) float32 {
	switch c {
	case wse.OpAdd, wse.OpSum:
		return func(a, b, _ float32) float32 { return a + b }
	case wse.OpSub:
		return func(a, b, _ float32) float32 { return a - b }
	case wse.OpMul, wse.OpRedMul:
		return func(a, b, _ float32) float32 { return a * b }
	case wse.OpMax, wse.OpRedMax:
		return func(a, b, _ float32) float32 { return maximum(a, b) }
	case wse.OpMin, wse.OpRedMin:
		return func(a, b, _ float32) float32 { return minimum(a, b) }
	case wse.OpFma, wse.OpFma3: // a + b*c
		return func(a, b, c float32) float32 { return ieee.FMA32(b, c, a) }
	case wse.OpDot: // acc + b*c
		return func(acc, b, c float32) float32 { return ieee.FMA32(b, c, acc) }
	case wse.OpDiv:
		return func(a, b, _ float32) float32 { return a / b }
	case wse.OpSqrt:
		return func(a, _, _ float32) float32 { return float32(math.Sqrt(float64(a))) }
	case wse.OpFloor:
		return func(a, _, _ float32) float32 { return float32(math.Floor(float64(a))) }
	case wse.OpCeil:
		return func(a, _, _ float32) float32 { return float32(math.Ceil(float64(a))) }
	}
	return nil
}

func compareFloat(c wse.Opcode) func(a, b float32) bool {
	switch c {
	case wse.OpLt:
		return func(a, b float32) bool { return a < b }
	case wse.OpLe:
		return func(a, b float32) bool { return a <= b }
	case wse.OpEq:
		return func(a, b float32) bool { return a == b }
	case wse.OpNe:
		return func(a, b float32) bool { return a != b }
	case wse.OpGt:
		return func(a, b float32) bool { return a > b }
	case wse.OpGe:
		return func(a, b float32) bool { return a >= b }
	}
	return nil
}

// meaning returns the function of an opcode on source type e, or nil.
func meaning(c wse.Opcode, e wse.Elem) fn {
	switch c {
	case wse.OpMov:
		return func(a, _, _ uint32) uint32 { return a }
	case wse.OpSelect:
		return func(a, b, c uint32) uint32 {
			if a != 0 {
				return b
			}
			return c
		}
	case wse.OpF2H:
		return func(a, _, _ uint32) uint32 { return toHalf(f32(a)) }
	case wse.OpH2F:
		return func(a, _, _ uint32) uint32 { return fbits(half(a)) }
	case wse.OpI2F:
		return func(a, _, _ uint32) uint32 { return fbits(float32(int32(a))) }
	case wse.OpU2F:
		return func(a, _, _ uint32) uint32 { return fbits(float32(a)) }
	case wse.OpF2I:
		return func(a, _, _ uint32) uint32 { return uint32(int32(saturate(f32(a), math.MinInt32, math.MaxInt32))) }
	case wse.OpF2U:
		return func(a, _, _ uint32) uint32 { return uint32(saturate(f32(a), 0, math.MaxUint32)) }
	}
	switch e {
	case wse.F32:
		return meaningF32(c)
	case wse.F16:
		return meaningF16(c)
	}
	return meaningInt(c, e)
}

// saturate truncates towards zero into [lo, hi]; NaN gives 0.
func saturate(f float32, lo, hi int64) int64 {
	switch v := float64(f); {
	case v != v:
		return 0
	case v <= float64(lo):
		return lo
	case v >= float64(hi):
		return hi
	default:
		return int64(v)
	}
}

func meaningF32(c wse.Opcode) fn {
	switch c {
	case wse.OpNeg:
		return func(a, _, _ uint32) uint32 { return a ^ 1<<31 }
	case wse.OpAbs:
		return func(a, _, _ uint32) uint32 { return a &^ (1 << 31) }
	case wse.OpAdd, wse.OpSum:
		return func(a, b, _ uint32) uint32 { return fbits(f32(a) + f32(b)) }
	case wse.OpSub:
		return func(a, b, _ uint32) uint32 { return fbits(f32(a) - f32(b)) }
	case wse.OpMul:
		return func(a, b, _ uint32) uint32 { return fbits(f32(a) * f32(b)) }
	}
	if g := floatFn(c); g != nil {
		return func(a, b, c uint32) uint32 { return fbits(g(f32(a), f32(b), f32(c))) }
	}
	if g := compareFloat(c); g != nil {
		return func(a, b, _ uint32) uint32 { return truth(g(f32(a), f32(b))) }
	}
	return nil
}

// meaningF16: operations of f16 are those of f32 with the result rounded to
// half; fma and dot round twice, as the canonical IR defines them.
func meaningF16(c wse.Opcode) fn {
	switch c {
	case wse.OpNeg:
		return func(a, _, _ uint32) uint32 { return a ^ 1<<15 }
	case wse.OpAbs:
		return func(a, _, _ uint32) uint32 { return a &^ (1 << 15) }
	}
	if g := floatFn(c); g != nil {
		return func(a, b, c uint32) uint32 { return toHalf(g(half(a), half(b), half(c))) }
	}
	if g := compareFloat(c); g != nil {
		return func(a, b, _ uint32) uint32 { return truth(g(half(a), half(b))) }
	}
	return nil
}

func meaningInt(c wse.Opcode, e wse.Elem) fn {
	mask, width := ^uint32(0), uint32(32)
	if e == wse.U16 {
		mask, width = 0xffff, 16
	}
	less := func(a, b uint32) bool { return a < b }
	if e == wse.I32 {
		less = func(a, b uint32) bool { return int32(a) < int32(b) }
	}
	switch c {
	case wse.OpMapAdd, wse.OpSum:
		return func(a, b, _ uint32) uint32 { return (a + b) & mask }
	case wse.OpMapSub:
		return func(a, b, _ uint32) uint32 { return (a - b) & mask }
	case wse.OpMapMul, wse.OpRedMul:
		return func(a, b, _ uint32) uint32 { return (a * b) & mask }
	case wse.OpDiv:
		return func(a, b, _ uint32) uint32 { return divide(a, b, e == wse.I32) }
	case wse.OpMin, wse.OpRedMin:
		return func(a, b, _ uint32) uint32 {
			if less(b, a) {
				return b
			}
			return a
		}
	case wse.OpMapMax, wse.OpRedMax:
		return func(a, b, _ uint32) uint32 {
			if less(a, b) {
				return b
			}
			return a
		}
	case wse.OpLt:
		return func(a, b, _ uint32) uint32 { return truth(less(a, b)) }
	case wse.OpLe:
		return func(a, b, _ uint32) uint32 { return truth(!less(b, a)) }
	case wse.OpEq:
		return func(a, b, _ uint32) uint32 { return truth(a == b) }
	case wse.OpNe:
		return func(a, b, _ uint32) uint32 { return truth(a != b) }
	case wse.OpGt:
		return func(a, b, _ uint32) uint32 { return truth(less(b, a)) }
	case wse.OpGe:
		return func(a, b, _ uint32) uint32 { return truth(!less(a, b)) }
	case wse.OpAnd:
		return func(a, b, _ uint32) uint32 { return a & b }
	case wse.OpOr:
		return func(a, b, _ uint32) uint32 { return a | b }
	case wse.OpXor:
		return func(a, b, _ uint32) uint32 { return a ^ b }
	case wse.OpNot:
		return func(a, _, _ uint32) uint32 { return ^a & mask }
	case wse.OpShl:
		return func(a, b, _ uint32) uint32 {
			if b >= width {
				return 0
			}
			return a << b & mask
		}
	case wse.OpShr:
		return func(a, b, _ uint32) uint32 {
			if b >= width {
				return 0
			}
			return a >> b
		}
	}
	return nil
}

func divide(a, b uint32, signed bool) uint32 {
	switch {
	case b == 0:
		return 0
	case !signed:
		return a / b
	case b == math.MaxUint32: // -1: the smallest integer divides to itself
		return -a
	}
	return uint32(int32(a) / int32(b))
}
