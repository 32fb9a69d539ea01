package passes

import (
	"math/big"
	"strings"
	"testing"
)

func ratStrings(w []*big.Rat) string {
	var s []string
	for _, r := range w {
		s = append(s, r.RatString())
	}
	return strings.Join(s, " ")
}

// Tables of B. Fornberg, Math. Comp. 51 (1988), tables 1 and 2 (central, and staggered).
func TestWeightsTables(t *testing.T) {
	for _, tc := range []struct {
		n, acc int
		half   bool
		want   string
	}{
		{1, 2, false, "-1/2 0 1/2"},
		{1, 4, false, "1/12 -2/3 0 2/3 -1/12"},
		{1, 6, false, "-1/60 3/20 -3/4 0 3/4 -3/20 1/60"},
		{1, 8, false, "1/280 -4/105 1/5 -4/5 0 4/5 -1/5 4/105 -1/280"},
		{2, 2, false, "1 -2 1"},
		{2, 4, false, "-1/12 4/3 -5/2 4/3 -1/12"},
		{2, 6, false, "1/90 -3/20 3/2 -49/18 3/2 -3/20 1/90"},
		{2, 8, false, "-1/560 8/315 -1/5 8/5 -205/72 8/5 -1/5 8/315 -1/560"},
		{3, 2, false, "-1/2 1 0 -1 1/2"},
		{3, 4, false, "1/8 -1 13/8 0 -13/8 1 -1/8"},
		{4, 2, false, "1 -4 6 -4 1"},
		{4, 4, false, "-1/6 2 -13/2 28/3 -13/2 2 -1/6"},
		{0, 2, true, "1/2 1/2"},
		{0, 4, true, "-1/16 9/16 9/16 -1/16"},
		{1, 2, true, "-1 1"},
		{1, 4, true, "1/24 -9/8 9/8 -1/24"},
		{1, 6, true, "-3/640 25/384 -75/64 75/64 -25/384 3/640"},
		{3, 2, true, "-1 3 -3 1"},
	} {
		if _, w := stencil(tc.n, tc.acc, tc.half); ratStrings(w) != tc.want {
			t.Errorf("derivative %d, accuracy %d, half %v: %s, want %s", tc.n, tc.acc, tc.half, ratStrings(w), tc.want)
		}
	}
}

// Weights of order n and accuracy acc differentiate polynomials up to degree n+acc-1 exactly, and not the next that symmetry leaves.
func TestWeightsExactOnPolynomials(t *testing.T) {
	for n := 0; n <= 6; n++ {
		for acc := 2; acc <= 12; acc += 2 {
			for _, half := range []bool{false, true} {
				if n == 0 && !half {
					continue
				}
				pts, w := stencil(n, acc, half)
				for deg := 0; deg <= n+acc; deg++ {
					got := new(big.Rat)
					for j, q := range pts {
						v := big.NewRat(1, 1)
						for k := 0; k < deg; k++ {
							v.Mul(v, big.NewRat(int64(q), 2))
						}
						got.Add(got, v.Mul(v, w[j]))
					}
					want := new(big.Rat)
					if deg == n {
						want.SetInt(new(big.Int).MulRange(1, int64(n)))
					}
					if equal := got.Cmp(want) == 0; equal != (deg < n+acc) {
						t.Fatalf("n=%d acc=%d half=%v degree %d: %s, want %s", n, acc, half, deg, got.RatString(), want.RatString())
					}
				}
			}
		}
	}
}
