package ieee

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// Every half value rounds to itself, and its neighbours' midpoints go to the even one: all 65536 encodings.
func TestF16AllValues(t *testing.T) {
	for h := 0; h < 1<<16; h++ {
		x := HalfFromBits(uint16(h))
		if x != x {
			if h&0x7c00 != 0x7c00 || h&0x3ff == 0 {
				t.Fatalf("%#04x decodes to NaN", h)
			}
			continue
		}
		if got := HalfBits(x); got != uint16(h) {
			t.Fatalf("%#04x -> %g -> %#04x", h, x, got)
		}
		if RoundHalf(float64(x)) != x || RoundHalf32(x) != x {
			t.Fatalf("%g is half but rounds to %g, %g", x, RoundHalf(float64(x)), RoundHalf32(x))
		}
		if h&0x7fff >= 0x7bff {
			continue
		}
		up := HalfFromBits(uint16(h + 1)) // away from zero
		mid := (float64(x) + float64(up)) / 2
		even := x
		if h&1 == 1 {
			even = up
		}
		for _, c := range []struct {
			x    float64
			want float32
		}{{mid, even}, {math.Nextafter(mid, float64(x)), x}, {math.Nextafter(mid, float64(up)), up}} {
			if got := RoundHalf(c.x); got != c.want {
				t.Fatalf("RoundHalf(%g) = %g, want %g", c.x, got, c.want)
			}
		}
		m := float32(mid) // exact
		for _, c := range []struct{ x, want float32 }{{m, even}, {math.Nextafter32(m, x), x}, {math.Nextafter32(m, up), up}} {
			if got := RoundHalf32(c.x); got != c.want {
				t.Fatalf("RoundHalf32(%g) = %g, want %g", c.x, got, c.want)
			}
		}
	}
	for _, x := range []float64{65520, 1e9, math.Inf(1)} {
		if !math.IsInf(float64(RoundHalf(x)), 1) || !math.IsInf(float64(RoundHalf32(-float32(x))), -1) {
			t.Errorf("%g does not overflow", x)
		}
	}
	if RoundHalf(65519.999) != 65504 || !math.Signbit(float64(RoundHalf(-1e-30))) {
		t.Error("edges")
	}
}

// bigFMA rounds the exact a*b+c once. Zero results are left out: big.Float has its own rule for their sign.
func bigFMA(a, b, c float64, prec uint) *big.Float {
	x := new(big.Float).SetPrec(4096).SetFloat64(a)
	y := new(big.Float).SetPrec(4096).SetFloat64(b)
	z := new(big.Float).SetPrec(4096).SetFloat64(c)
	return x.Add(x.Mul(x, y), z)
}

func TestFMA32(t *testing.T) {
	f := func(t *rapid.T, label string) float32 {
		if rapid.Bool().Draw(t, "bits") {
			return math.Float32frombits(rapid.Uint32().Draw(t, label))
		}
		// Few bits and near exponents: halfway cases of the second rounding.
		m := float64(rapid.SampledFrom([]int{1, 3, 1<<23 + 1, 1<<24 - 1, 1<<12 + 1, 1 << 23}).Draw(t, label))
		return float32(math.Ldexp(m, rapid.IntRange(-100, 100).Draw(t, "exp")))
	}
	check := func(t interface{ Fatalf(string, ...any) }, a, b, c float32) {
		if s := float64(a) + float64(b) + float64(c); s-s != 0 {
			return
		}
		want, _ := bigFMA(float64(a), float64(b), float64(c), 24).Float32()
		got := FMA32(a, b, c)
		if got != want {
			t.Fatalf("fma(%g, %g, %g) = %g, want %g", a, b, c, got, want)
		}
		if want != 0 && math.FMA(float64(a), float64(b), float64(c)) == 0 {
			t.Fatalf("math.FMA")
		}
	}
	rapid.Check(t, func(t *rapid.T) { check(t, f(t, "a"), f(t, "b"), f(t, "c")) })
	// (1+2^-23)(1-2^-23)2^-24 is just below half a unit of c, which is odd; float64 rounds the sum onto the midpoint, and a second
	// rounding goes the wrong way.
	a, b, c := float32(1+0x1p-23), float32((1-0x1p-23)*0x1p-24), float32(1+0x1p-23)
	if naive := float32(float64(a)*float64(b) + float64(c)); naive == FMA32(a, b, c) || FMA32(a, b, c) != c {
		t.Errorf("fma = %g, naively %g, want %g", FMA32(a, b, c), naive, c)
	}
	check(t, a, b, c)
	check(t, -a, b, -c)
	check(t, 0x1p-100, 0x1.fffffep-40, 0x1p-149) // subnormal result
	if x := FMA32(0x1p-100, -0x1p-100, 0); x != 0 || !math.Signbit(float64(x)) {
		t.Errorf("a product that underflows keeps its sign: %g", x)
	}
	inf := float32(math.Inf(1))
	if x := FMA32(inf, 0, 1); x == x {
		t.Errorf("inf*0+1 = %g", x)
	}
	if x := FMA32(3e38, 3e38, -inf); x != -inf {
		t.Errorf("big - inf = %g", x)
	}
}
