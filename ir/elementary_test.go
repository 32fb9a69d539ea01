package ir

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// ulps is the distance of a and b in units in the last place.
func ulps(a, b float64) float64 {
	if a == b || a != a && b != b {
		return 0
	}
	x, y := int64(math.Float64bits(a)), int64(math.Float64bits(b))
	if a != a || b != b || (x < 0) != (y < 0) {
		return math.Inf(1)
	}
	return math.Abs(float64(x - y))
}

// quarterPower is x^(n/4) by 300-bit arithmetic.
func quarterPower(x float64, n int) float64 {
	p := new(big.Float).SetPrec(300).SetInt64(1)
	b := new(big.Float).SetPrec(300).SetFloat64(x)
	for range max(n, -n) {
		p.Mul(p, b)
	}
	p.Sqrt(p.Sqrt(p))
	if n < 0 {
		p.Quo(big.NewFloat(1).SetPrec(300), p)
	}
	r, _ := p.Float64()
	return r
}

// Go's functions are within one unit themselves; they are the reference here, not the definition.
func TestElementary(t *testing.T) {
	worst := map[Code]float64{}
	check := func(t interface{ Fatalf(string, ...any) }, op Code, want, x, y, tol float64) {
		got := transcendental(op, x, y)
		if d := ulps(got, want); d > tol {
			t.Fatalf("%s(%g, %g) = %g, Go has %g: %g units apart", op, x, y, got, want, d)
		} else {
			worst[op] = math.Max(worst[op], d)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 50 {
			u := rapid.Uint64().Draw(t, "u")
			x := math.Ldexp(float64(u>>12)*0x1p-51-1, int(u&31)-20) // |x| below 2^11, all magnitudes
			check(t, Exp, math.Exp(x), x, 0, 2)
			check(t, Tanh, math.Tanh(x), x, 0, 4)
			check(t, Sin, math.Sin(x), x, 0, 2)
			check(t, Cos, math.Cos(x), x, 0, 2)
			check(t, Log, math.Log(math.Abs(x)), math.Abs(x), 0, 2)
			n := rapid.IntRange(-400, 400).Draw(t, "n")
			if a := math.Abs(x) + 0x1p-40; math.Abs(math.Log(a)*float64(n)/4) < 700 {
				check(t, Pow, quarterPower(a, n), a, float64(n)/4, 8)
			}
		}
	})
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		op      Code
		x, y, r float64
	}{
		{Exp, 0, 0, 1}, {Exp, inf, 0, inf}, {Exp, -inf, 0, 0}, {Exp, 710, 0, inf}, {Exp, -746, 0, 0}, {Exp, nan, 0, nan},
		{Exp, -745, 0, 5e-324}, {Log, 0, 0, -inf}, {Log, 1, 0, 0}, {Log, -1, 0, nan}, {Log, inf, 0, inf}, {Log, 5e-324, 0, -744.4400719213812},
		{Sin, 0, 0, 0}, {Sin, inf, 0, nan}, {Cos, 0, 0, 1}, {Cos, -inf, 0, nan}, {Tanh, inf, 0, 1}, {Tanh, -inf, 0, -1}, {Tanh, nan, 0, nan},
		{Pow, 2, 10, 1024}, {Pow, 2, -2, 0.25}, {Pow, -2, 3, -8}, {Pow, -2, 21, -2097152}, {Pow, -2, 0.5, nan}, {Pow, 0, -1, inf}, {Pow, nan, 0, 1},
		{Pow, 9, 0.5, 3}, {Pow, 1e300, 2, inf}, {Pow, 1e-300, -2, inf}, {Pow, 1e300, -2, 0}, {Pow, 10, 300, 1e300},
	} {
		if got := transcendental(c.op, c.x, c.y); ulps(got, c.r) > 12 || c.op != Pow && ulps(got, c.r) > 1 {
			t.Errorf("%s(%g, %g) = %g, want %g", c.op, c.x, c.y, got, c.r)
		}
	}
	if !math.Signbit(transcendental(Sin, math.Copysign(0, -1), 0)) {
		t.Error("sin(-0)")
	}
	if s := transcendental(Sin, 1e300, 0); !(math.Abs(s) <= 1) {
		t.Errorf("sin(1e300) = %g", s)
	}
	t.Log(worst)
}
