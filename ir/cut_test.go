package ir

import "testing"

// The parts of a cut cover the axis in order, each point has its owner, and sizes are within bounds.
func TestCut(t *testing.T) {
	for n := 1; n < 40; n++ {
		for _, c := range []Cut{{Parts: 3}, {Parts: 4, Unit: 2}, {Parts: 5, Extra: 1}, {Parts: 2, Unit: 4, Extra: 1}, {Parts: 1, Unit: 3}, {Parts: 7, Unit: 1, Extra: 2}} {
			if !c.Valid(n) {
				continue
			}
			next, least, most := 0, n, 0
			for k := range c.Parts {
				lo, hi := c.Block(n, k)
				if lo != next || hi <= lo || k+1 < c.Parts && (hi-lo)%max(1, c.Unit) != 0 {
					t.Fatalf("%+v of %d points: part %d is %d..%d", c, n, k, lo, hi)
				}
				for i := lo; i < hi; i++ {
					if o := c.Owner(n, i); o != k {
						t.Fatalf("%+v of %d points: point %d of part %d belongs to %d", c, n, i, k, o)
					}
				}
				next = hi
				least, most = min(least, hi-lo), max(most, hi-lo)
			}
			if next != n || most != c.Most(n) || least < c.Least(n) {
				t.Fatalf("%+v of %d points: covers %d, sizes %d to %d, bounds %d and %d", c, n, next, least, most, c.Least(n), c.Most(n))
			}
			if c.Owner(n, -3) != 0 || c.Owner(n, n+3) != c.Parts-1 {
				t.Fatalf("%+v: points outside belong to the ends", c)
			}
		}
	}
	for _, c := range []Cut{{}, {Parts: 3, Unit: 2}, {Parts: 2, Extra: 5}, {Parts: 6}, {Parts: 1, Unit: -1}} {
		if c.Valid(5) {
			t.Errorf("%+v of 5 points is valid", c)
		}
	}
}
