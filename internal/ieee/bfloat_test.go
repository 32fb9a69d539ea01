package ieee

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// Rounding to bf16 is to the nearest of its values, the even one of two, with a carry into the exponent.
func TestRoundBrain(t *testing.T) {
	for h := uint32(0); h < 0x7f80; h++ {
		x := math.Float32frombits(h << 16)
		want := x
		if h < 0x80 {
			want = 0
		}
		if got := RoundBrain(x); got != want {
			t.Fatalf("%g rounds to %g", x, got)
		}
		if h < 0x80 {
			continue
		}
		even := (h + h&1) << 16
		for _, c := range [][2]uint32{{h<<16 | 0x7fff, h << 16}, {h<<16 | 0x8000, even}, {h<<16 | 0x8001, (h + 1) << 16}} {
			for _, sign := range []uint32{0, 1 << 31} {
				if got := math.Float32bits(RoundBrain(math.Float32frombits(c[0] | sign))); got != c[1]|sign {
					t.Fatalf("%#08x rounds to %#08x, not %#08x", c[0]|sign, got, c[1]|sign)
				}
			}
		}
	}
	if x := RoundBrain(float32(math.NaN())); x == x {
		t.Error("NaN rounds to a number")
	}
	if x := RoundBrain(math.Float32frombits(0xff800001)); x == x {
		t.Error("a NaN of small payload becomes infinite")
	}
}

// Flushed operations agree with exact arithmetic that is rounded with unlimited exponents and then compared with the least normal number.
func TestFlushedOperations(t *testing.T) {
	round := func(x *big.Float) float32 {
		r := new(big.Float).SetPrec(24).SetMode(big.ToNearestEven).Set(x)
		if r.Sign() != 0 && r.MantExp(nil) <= -126 { // |r| < 2^-126
			return float32(math.Copysign(0, float64(r.Sign())))
		}
		f, _ := r.Float32()
		return f
	}
	exact := func(x float32) *big.Float { return new(big.Float).SetPrec(2048).SetFloat64(float64(x)) }
	rapid.Check(t, func(rt *rapid.T) {
		number := func(name string, lo, hi int, bits uint32) float32 {
			e := uint32(rapid.IntRange(lo, hi).Draw(rt, name+" exponent"))
			m := rapid.Uint32Range(0, 1<<23-1).Draw(rt, name) &^ (1<<(24-bits) - 1)
			return math.Float32frombits(rapid.Uint32Range(0, 1).Draw(rt, name+" sign")<<31 | e<<23 | m)
		}
		a, b := number("a", 1, 120, 8), number("b", 1, 120, 8)
		c := number("c", 1, 4, 24)
		if rapid.Bool().Draw(rt, "near") { // a product that nearly cancels c, or is about half a unit of it
			e := int(math.Float32bits(c)>>23) - int(math.Float32bits(a)>>23) + 127 - rapid.SampledFrom([]int{0, 1, 24, 25, 26}).Draw(rt, "less")
			if e > 0 && e < 255 {
				b = math.Float32frombits(math.Float32bits(b)&0x807fffff | uint32(e)<<23)
			}
		}
		sum := exact(a)
		sum.Mul(sum, exact(b)).Add(sum, exact(c))
		if want, got := round(sum), FMAFlush(a, b, c); want != got || sum.Sign() != 0 && math.Signbit(float64(want)) != math.Signbit(float64(got)) {
			rt.Fatalf("%g*%g + %g = %g, not %g", a, b, c, got, want)
		}
		d := number("d", 1, 4, 24)
		if want, got := round(exact(c).Add(exact(c), exact(d))), AddFlush(c, d); want != got {
			rt.Fatalf("%g + %g = %g, not %g", c, d, got, want)
		}
	})
}

// A dot product is the written sum: two chains in a block, blocks in order.
func TestDotBrain(t *testing.T) {
	x, y := make([]float32, 70), make([]float32, 70)
	for i := range x {
		x[i], y[i] = float32(i%7)-3.25, 0.1*float32(i%5)-0.2
	}
	want := float32(0)
	for lo := 0; lo < 70; lo += 32 {
		even, odd := float32(0), float32(0)
		for k := lo; k < min(lo+32, 70); k += 2 {
			even = FMA32(RoundBrain(x[k]), RoundBrain(y[k]), even)
			odd = FMA32(RoundBrain(x[k+1]), RoundBrain(y[k+1]), odd)
		}
		want += even + odd
	}
	if got := DotBrain(x, y); got != want {
		t.Errorf("%g, not %g", got, want)
	}
	if got := DotBrain([]float32{0x1p-127}, []float32{0x1p100}); got != 0 {
		t.Errorf("a subnormal factor counts: %g", got)
	}
}
