package ir

import (
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
)

// RoundTo gives the value of a host scalar in an element type: one rounding to nearest even. Integers saturate, NaN is 0; Bool is x != 0.
func RoundTo(e Elem, x float64) Val {
	switch e {
	case F64:
		return Val{F: x}
	case F32:
		return Val{F: float64(float32(x))}
	case F16:
		return Val{F: float64(ieee.RoundHalf(x))}
	case Bool:
		return boolVal(x != 0)
	}
	return Val{I: toInt(e, math.RoundToEven(x))}
}

// toInt truncates x to I32 or I64, saturating; NaN is 0.
func toInt(e Elem, x float64) int64 {
	lo, hi := int64(math.MinInt32), int64(math.MaxInt32)
	if e == I64 {
		lo, hi = math.MinInt64, math.MaxInt64
	}
	switch {
	case x != x:
		return 0
	case x <= float64(lo):
		return lo
	case x >= float64(hi): // float64(MaxInt64) is 2^63, which saturates too
		return hi
	}
	return int64(x)
}
