package ieee

import "math"

// The arithmetic of bf16 dot products as processors with tiles do it (Intel AMX, TDPBF16PS; AVX-512 BF16's conversions): round to nearest,
// ties to even; subnormal numbers count as zero, whether they go in or come out; nothing else differs from IEEE 754.

// smallest is the least normal float32.
const smallest = 0x1p-126

// RoundBrain rounds x to the nearest bf16 value, 8 bits of significand and the exponents of float32, ties to even. Subnormal x becomes a zero
// of its sign.
func RoundBrain(x float32) float32 {
	b := math.Float32bits(x)
	switch b & 0x7f800000 {
	case 0:
		return math.Float32frombits(b & 0x80000000)
	case 0x7f800000:
		if b&0x7fffff != 0 {
			b |= 0x400000
		}
	default:
		b += 0x7fff + b>>16&1 // a carry into the exponent is right, to infinity too
	}
	return math.Float32frombits(b &^ 0xffff)
}

// FMAFlush is a*b + c rounded once, and a zero of its sign if that, with unlimited exponents, is below the least normal number. No argument
// is subnormal, and a and b are bf16 values.
func FMAFlush(a, b, c float32) float32 {
	r := FMA32(a, b, c)
	if r > smallest || r < -smallest {
		return r
	}
	// The product has 16 bits. A sum of it and c that is this small is exact in double precision, or far from where rounding decides.
	wide := float64(float64(a)*float64(b)) + float64(c)
	if math.Abs(wide) < smallest*(1-0x1p-25) { // half a unit below the least normal number, which is even
		return float32(math.Copysign(0, wide))
	}
	return r
}

// AddFlush is a + b, and a zero of its sign if that is subnormal; no argument is.
func AddFlush(a, b float32) float32 {
	s := a + b
	if s < smallest && s > -smallest && s != 0 {
		return float32(math.Copysign(0, float64(s)))
	}
	return s
}

// DotBlock is the number of products that a bf16 dot product sums before it adds them to what it has.
const DotBlock = 32

// DotBrain is the sum of x[k]*y[k] in bf16 products: blocks of 32; in a block the products of even k and those of odd k are summed by fma,
// each ascending from +0; the two are added, and that to the sum of the blocks before, from +0. The last block is filled up with products of +0.
func DotBrain(x, y []float32) float32 {
	sum := float32(0)
	for lo := 0; lo < len(x); lo += DotBlock {
		var part [2]float32
		for k := lo; k < lo+DotBlock; k++ {
			a, b := float32(0), float32(0)
			if k < len(x) {
				a, b = RoundBrain(x[k]), RoundBrain(y[k])
			}
			part[k&1] = FMAFlush(a, b, part[k&1])
		}
		sum = AddFlush(sum, AddFlush(part[0], part[1]))
	}
	return sum
}
