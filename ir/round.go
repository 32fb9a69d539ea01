package ir

import "math"

// RoundF16 rounds x to the nearest half-precision value (ties to even; overflow to infinity; subnormals kept) in one rounding.
func RoundF16(x float64) float32 {
	a := math.Abs(x)
	switch {
	case a != a || a == 0 || math.IsInf(x, 0):
		return float32(x)
	case a >= 65520: // halfway between the largest half 65504 and 2^16
		return float32(math.Copysign(math.Inf(1), x))
	}
	_, e := math.Frexp(a)    // 2^(e-1) <= a < 2^e
	ulp := max(e-11, -24)    // 11 significant bits, or the subnormal spacing 2^-24
	s := math.Ldexp(a, -ulp) // exact: a power of two
	r := math.RoundToEven(s) // exact below 2^12
	r = math.Ldexp(r, ulp)   // exact
	return float32(math.Copysign(r, x))
}

// RoundF16Of32 is RoundF16 for a float32, fast for the normal range: it works on the bits.
func RoundF16Of32(x float32) float32 {
	b := math.Float32bits(x)
	if e := b >> 23 & 0xff; e < 127-14 || e >= 127+15 {
		return RoundF16(float64(x)) // subnormal half, largest binade, infinity or NaN
	}
	b += 0xfff + (b >> 13 & 1) // round the low 13 bits to nearest even; a carry into the exponent is right
	return math.Float32frombits(b &^ 0x1fff)
}

// F16Bits returns the IEEE half encoding of x, which must be representable in half (see RoundF16).
func F16Bits(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b>>16) & 0x8000
	switch e := int(b>>23&0xff) - 127; {
	case e == 128 && b&0x7fffff != 0:
		return sign | 0x7e00
	case e > 15:
		return sign | 0x7c00
	case e >= -14:
		return sign | uint16(e+15)<<10 | uint16(b>>13&0x3ff)
	case e >= -25:
		return sign | uint16((b&0x7fffff|0x800000)>>uint(-1-e))
	}
	return sign
}

// F16FromBits is the inverse of F16Bits.
func F16FromBits(h uint16) float32 {
	sign, e, m := uint32(h&0x8000)<<16, int(h>>10&0x1f), uint32(h&0x3ff)
	switch {
	case e == 31:
		return math.Float32frombits(sign | 0x7f800000 | m<<13)
	case e == 0:
		f := float32(m) * (1.0 / (1 << 24)) // exact
		return math.Float32frombits(math.Float32bits(f) | sign)
	}
	return math.Float32frombits(sign | uint32(e-15+127)<<23 | m<<13)
}

// FMA32 returns a*b+c rounded once to float32. The product is exact in float64 (24+24 bits); the float64 sum is rounded to odd, which
// makes the second rounding, to 24 bits, correct (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
func FMA32(a, b, c float32) float32 {
	p := float64(float64(a) * float64(b))
	z := float64(c)
	s := float64(p + z)
	// Knuth's TwoSum: e is the exact error of s. Neither p nor z can overflow or lose bits in float64.
	t := s - p
	e := (p - (s - t)) + (z - t)
	if e != 0 && e == e {
		if bits := math.Float64bits(s); bits&1 == 0 {
			if (e > 0) == (s > 0) {
				bits++
			} else {
				bits--
			}
			s = math.Float64frombits(bits)
		}
	}
	return float32(s)
}

// Minimum is IEEE 754-2019 minimum: NaN if either is NaN, -0 below +0.
func Minimum(a, b float64) float64 {
	switch {
	case a != a || b != b:
		return math.NaN()
	case a == 0 && b == 0:
		if math.Signbit(a) {
			return a
		}
		return b
	case a < b:
		return a
	}
	return b
}

// Maximum is IEEE 754-2019 maximum: NaN if either is NaN, -0 below +0.
func Maximum(a, b float64) float64 {
	switch {
	case a != a || b != b:
		return math.NaN()
	case a == 0 && b == 0:
		if math.Signbit(a) {
			return b
		}
		return a
	case a > b:
		return a
	}
	return b
}

// RoundTo gives the value of a host scalar in an element type: one rounding to nearest even. Integers saturate, NaN is 0; Bool is x != 0.
func RoundTo(e Elem, x float64) Val {
	switch e {
	case F64:
		return Val{F: x}
	case F32:
		return Val{F: float64(float32(x))}
	case F16:
		return Val{F: float64(RoundF16(x))}
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
