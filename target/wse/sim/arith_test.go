package sim

import (
	"math"
	"testing"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/target/wse"
)

func TestEveryOpcodeHasAMeaning(t *testing.T) {
	for _, c := range wse.Opcodes() {
		for _, e := range []wse.Elem{wse.F32, wse.F16, wse.I32, wse.U32, wse.U16} {
			if c.Takes(e) != (meaning(c, e) != nil) && c.Takes(e) {
				t.Errorf("%v.%v is legal and means nothing", c, e)
			}
		}
	}
}

func TestMeanings(t *testing.T) {
	nan := float32(math.NaN())
	negZero := float32(math.Copysign(0, -1))
	F := func(f float32) uint32 { return math.Float32bits(f) }
	H := func(f float32) uint32 { return uint32(ieee.HalfFrom32(f)) }
	neg := func(i int32) uint32 { return uint32(i) }
	for _, c := range []struct {
		op            wse.Opcode
		e             wse.Elem
		a, b, c, want uint32
	}{
		{wse.OpFma, wse.F32, F(1), F(2), F(3), F(7)},
		{wse.OpFma3, wse.F32, F(1), F(2), F(3), F(7)},
		{wse.OpMax, wse.F32, F(negZero), F(0), 0, F(0)},
		{wse.OpMax, wse.F32, F(0), F(negZero), 0, F(0)},
		{wse.OpMin, wse.F32, F(0), F(negZero), 0, F(negZero)},
		{wse.OpMax, wse.F32, F(1), F(nan), 0, F(nan)},
		{wse.OpMin, wse.F32, F(nan), F(1), 0, F(nan)},
		{wse.OpAdd, wse.F32, 1, 1, 0, 2}, // subnormals are kept
		{wse.OpAdd, wse.F16, H(2048), H(1), 0, H(2048)},
		{wse.OpAdd, wse.F16, H(2048), H(3), 0, H(2052)},
		{wse.OpMul, wse.F16, H(300), H(300), 0, H(float32(math.Inf(1)))},
		{wse.OpNeg, wse.F32, F(0), 0, 0, F(negZero)},
		{wse.OpF2I, wse.F32, F(-2.9), 0, 0, neg(-2)},
		{wse.OpF2I, wse.F32, F(3e9), 0, 0, math.MaxInt32},
		{wse.OpF2I, wse.F32, F(nan), 0, 0, 0},
		{wse.OpF2U, wse.F32, F(-1), 0, 0, 0},
		{wse.OpF2U, wse.F32, F(5e9), 0, 0, math.MaxUint32},
		{wse.OpI2F, wse.I32, neg(-16777217), 0, 0, F(-16777216)},
		{wse.OpLt, wse.I32, neg(-1), 1, 0, 1},
		{wse.OpLt, wse.U32, neg(-1), 1, 0, 0},
		{wse.OpShr, wse.I32, neg(-1), 31, 0, 1},
		{wse.OpShl, wse.U32, 1, 32, 0, 0},
		{wse.OpShl, wse.U16, 0x8001, 1, 0, 2},
		{wse.OpNot, wse.U16, 1, 0, 0, 0xfffe},
		{wse.OpDiv, wse.I32, neg(-7), 2, 0, neg(-3)},
		{wse.OpDiv, wse.I32, 1 << 31, neg(-1), 0, 1 << 31},
		{wse.OpDiv, wse.U32, 7, 0, 0, 0},
		{wse.OpSelect, wse.F32, 1, F(2), F(3), F(2)},
		{wse.OpSelect, wse.F32, 0, F(2), F(3), F(3)},
		{wse.OpFloor, wse.F32, F(-0.5), 0, 0, F(-1)},
		{wse.OpSqrt, wse.F32, F(2), 0, 0, F(1.4142135)},
		{wse.OpH2F, wse.F16, 1, 0, 0, F(0x1p-24)},
	} {
		if got := meaning(c.op, c.e)(c.a, c.b, c.c); got != c.want {
			t.Errorf("%v.%v(%#x, %#x, %#x) = %#x, want %#x", c.op, c.e, c.a, c.b, c.c, got, c.want)
		}
	}
}
