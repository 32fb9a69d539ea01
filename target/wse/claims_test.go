package wse

import (
	"math/rand/v2"
	"testing"
)

// Regions are in each other's way or not, whether they are compared or marked.
func TestClaims(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	side := func() Range {
		lo := r.IntN(1000)
		return Range{Lo: lo, Hi: lo + 1 + r.IntN(8), Step: r.IntN(4)}
	}
	clashes, marked := 0, 0
	for range 50 {
		c := &claims{w: 1024, h: 1024}
		var all []Region
		var owners []int
		for i := range 20 * fewRegions {
			n := Region{X: side(), Y: side()}
			owner := i / 2
			x, y, other := c.add(n, owner)
			met := false
			for k, o := range all {
				if _, _, ok := n.Meets(o); ok && owners[k] != owner {
					met = true
				}
			}
			if met != (other >= 0) {
				t.Fatalf("region %v of %d after %v: met %v, other %d", n, owner, all, met, other)
			}
			if other >= 0 {
				clashes++
				if !n.Contains(x, y) {
					t.Fatalf("PE (%d,%d) is not in %v", x, y, n)
				}
				break
			}
			all, owners = append(all, n), append(owners, owner)
		}
		if c.pes != nil {
			marked++
		}
	}
	if clashes < 10 || marked < 10 {
		t.Fatalf("%d clashes, %d times marked", clashes, marked)
	}
}
