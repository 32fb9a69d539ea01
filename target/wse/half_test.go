package wse

import (
	"math"
	"testing"
)

// Every half value survives the round trip; midpoints go to even.
func TestHalfRoundTripAndTies(t *testing.T) {
	for i := 0; i < 1<<16; i++ {
		h := uint16(i)
		f := HalfToFloat(h)
		got := HalfFromFloat(f)
		if f != f {
			if got&0x7e00 != 0x7e00 || got&0x8000 != h&0x8000 {
				t.Fatalf("NaN %#x became %#x", h, got)
			}
			continue
		}
		if got != h {
			t.Fatalf("%#x -> %g -> %#x", h, f, got)
		}
		if h&0x7fff >= 0x7bff {
			continue
		}
		up := HalfToFloat(h + 1)
		mid := float32((float64(f) + float64(up)) / 2) // exact: one more bit
		want := h + h&1
		if got := HalfFromFloat(mid); got != want {
			t.Fatalf("midpoint of %#x and the next gives %#x, want %#x", h, got, want)
		}
		above := math.Nextafter32(mid, up)
		if got := HalfFromFloat(above); got != h+1 {
			t.Fatalf("just above the midpoint of %#x gives %#x", h, got)
		}
	}
	if HalfFromFloat(65519.99) != 0x7bff || HalfFromFloat(65520) != 0x7c00 {
		t.Fatal("the overflow threshold is 65520")
	}
}
