// Package ieee holds the floating-point operations that Go lacks or leaves to the platform, and that every level must compute in the
// same bits: half precision, fused multiply-add in single precision, and the minimum and maximum of IEEE 754-2019.
package ieee

import "math"

// RoundHalf rounds x to the nearest half-precision value (ties to even; overflow to infinity; subnormals kept) in one rounding.
func RoundHalf(x float64) float32 {
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

// RoundHalf32 is RoundHalf for a float32, fast for the normal range: it works on the bits.
func RoundHalf32(x float32) float32 {
	b := math.Float32bits(x)
	if e := b >> 23 & 0xff; e < 127-14 || e >= 127+15 {
		return RoundHalf(float64(x)) // subnormal half, largest binade, infinity or NaN
	}
	b += 0xfff + (b >> 13 & 1) // round the low 13 bits to nearest even; a carry into the exponent is right
	return math.Float32frombits(b &^ 0x1fff)
}

// HalfBits returns the IEEE half encoding of x, which must be representable in half (see RoundHalf).
func HalfBits(x float32) uint16 {
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

// HalfFromBits is the inverse of HalfBits.
func HalfFromBits(h uint16) float32 {
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

// HalfFrom32 and HalfFrom64 round to half and encode; HalfTo64 decodes.
func HalfFrom32(x float32) uint16 { return HalfBits(RoundHalf32(x)) }
func HalfFrom64(x float64) uint16 { return HalfBits(RoundHalf(x)) }
func HalfTo64(h uint16) float64   { return float64(HalfFromBits(h)) }

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
