package validate

import (
	"context"
	"testing"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// launch runs a program of a row once.
func launch(t *testing.T, text string) *sim.Sim {
	t.Helper()
	p, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wse.Profile(p.Machine)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sim.New(p, m, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Launch(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// The transcribed product is one with the seven-point matrix, whole and short last blocks alike.
func TestSpMVComputes(t *testing.T) {
	for _, c := range []struct{ w, h, z, block int }{{5, 5, 5, 2}, {3, 4, 6, 3}, {2, 2, 7, 4}} {
		s := launch(t, spmv7(c.w, c.h, c.z, c.block))
		at := func(x, y, k int) float64 {
			if x < 0 || y < 0 || k < 0 || x >= c.w || y >= c.h || k >= c.z {
				return 0
			}
			return float64(1 + k + 10*x + 100*y)
		}
		for y := range c.h {
			for x := range c.w {
				got, err := s.Floats(x, y, "y")
				if err != nil {
					t.Fatal(err)
				}
				for k := range c.z {
					want := at(x-1, y, k) + 2*at(x+1, y, k) + 4*at(x, y+1, k) + 8*at(x, y-1, k) + 16*at(x, y, k-1) + 32*at(x, y, k+1) + 64*at(x, y, k)
					if got[k] != want {
						t.Fatalf("%+v: PE (%d,%d), level %d: %g, want %g", c, x, y, k, got[k], want)
					}
				}
			}
		}
	}
}
