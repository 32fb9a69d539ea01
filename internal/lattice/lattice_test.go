package lattice

import "testing"

func TestMeetOfStridedRanges(t *testing.T) {
	for _, c := range []struct {
		rs []Range
		v  int
		ok bool
	}{
		{[]Range{{0, 10, 2}, {1, 10, 2}}, 0, false},
		{[]Range{{0, 100, 3}, {1, 100, 5}}, 6, true},
		{[]Range{{0, 6, 3}, {1, 6, 5}}, 0, false},
		{[]Range{{4, 5, 1}, {0, 1 << 30, 1}}, 4, true},
		{[]Range{{0, 200, 2}, {0, 200, 3}, {5, 200, 5}}, 30, true},
		{[]Range{{0, 200, 6}, {1, 200, 4}, {0, 200, 1}}, 0, false},
		{[]Range{{5, 5, 1}, {0, 9, 1}}, 0, false},
	} {
		if v, ok := Common(c.rs...); ok != c.ok || ok && v != c.v {
			t.Errorf("%v: %d %v, want %d %v", c.rs, v, ok, c.v, c.ok)
		}
	}
}
