package wse

import "math"

// HalfToFloat widens an IEEE binary16 value exactly.
func HalfToFloat(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exp, frac := uint32(h>>10)&31, uint32(h)&0x3ff
	switch exp {
	case 0: // zero and subnormals: frac * 2^-24 is exact in binary32
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*(1.0/(1<<24))))
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// HalfFromFloat rounds to IEEE binary16, to nearest even, with subnormals. A NaN
// stays a quiet NaN with the top bits of its payload.
func HalfFromFloat(f float32) uint16 {
	b := math.Float32bits(f)
	sign, b := uint16(b>>16)&0x8000, b&0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00 | uint16(b>>13)&0x3ff
	case b >= 0x477ff000: // rounds to 2^16 or more
		return sign | 0x7c00
	case b >= 0x38800000: // normal: add half an ulp, ties to even
		return sign | uint16((b-112<<23+0xfff+(b>>13)&1)>>13)
	case b < 0x33000000: // below half of the smallest subnormal
		return sign
	}
	m, shift := b&0x7fffff|0x800000, 126-b>>23
	half := uint32(1) << (shift - 1)
	r := m >> shift
	if rest := m & (1<<shift - 1); rest > half || rest == half && r&1 == 1 {
		r++
	}
	return sign | uint16(r)
}
