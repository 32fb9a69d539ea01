package random

import "testing"

// The generator must exercise what it claims to.
func TestCoverageFloors(t *testing.T) {
	const n = 1000
	count := map[string]int{}
	for s := uint64(0); s < n; s++ {
		for tag := range New(s).Tags {
			count[tag]++
		}
	}
	for _, f := range Floors {
		share := float64(count[f.Tag]) / n
		t.Logf("%-42s %5.1f %% (floor %.0f %%)", f.Tag, 100*share, 100*f.Share)
		if share < f.Share {
			t.Errorf("%s: %.1f %% of the cases, below %.0f %%", f.Tag, 100*share, 100*f.Share)
		}
	}
	if New(7).Source != New(7).Source {
		t.Error("a seed does not determine its case")
	}
}
