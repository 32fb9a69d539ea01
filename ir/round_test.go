package ir

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// bigFMA rounds the exact a*b+c once. Zero results are left out: big.Float has its own rule for their sign.
func bigFMA(a, b, c float64, prec uint) *big.Float {
	x := new(big.Float).SetPrec(4096).SetFloat64(a)
	y := new(big.Float).SetPrec(4096).SetFloat64(b)
	z := new(big.Float).SetPrec(4096).SetFloat64(c)
	return x.Add(x.Mul(x, y), z)
}

func TestFMA64(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := rapid.Float64Range(-1e30, 1e30).Draw(t, "a"), rapid.Float64Range(-1e30, 1e30).Draw(t, "b"), rapid.Float64Range(-1e60, 1e60).Draw(t, "c")
		if rapid.Bool().Draw(t, "cancel") {
			c = -(a * b)
		}
		v, err := Apply(&Node{Op: FMA, Elem: F64}, []Elem{F64, F64, F64}, []Val{{F: a}, {F: b}, {F: c}})
		if want, _ := bigFMA(a, b, c, 53).Float64(); err != nil || v.F != want {
			t.Fatalf("fma(%g, %g, %g) = %g, want %g (%v)", a, b, c, v.F, want, err)
		}
	})
}
