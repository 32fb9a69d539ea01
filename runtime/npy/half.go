package npy

import "math"

// halfToFloat is exact: every half is a double.
func halfToFloat(h uint16) float64 {
	sign, exp, frac := float64(1), int(h>>10)&31, float64(h&1023)
	if h>>15 != 0 {
		sign = -1
	}
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}

// floatToHalf rounds once to nearest, ties to even; subnormal halves are kept and overflow gives infinity.
func floatToHalf(f float64) uint16 {
	var sign uint16
	if math.Signbit(f) {
		sign = 0x8000
	}
	f = math.Abs(f)
	switch {
	case math.IsNaN(f):
		return 0x7e00
	case f >= 65520: // halfway to 2^16 rounds up to infinity
		return sign | 0x7c00
	case f < 0x1p-14:
		// Multiples of 2^-24; a result of 1024 is the smallest normal number, with the right bits.
		return sign | uint16(math.RoundToEven(math.Ldexp(f, 24)))
	}
	_, e := math.Frexp(f)                              // f = m * 2^e, 1/2 <= m < 1
	m := uint16(math.RoundToEven(math.Ldexp(f, 11-e))) // 1024..2048
	return sign | (uint16(e+13)<<10 + m)               // exponent e+14 with the implied bit of m: a carry raises it
}
