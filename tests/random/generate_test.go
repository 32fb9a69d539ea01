package random

import "testing"

// The generators must exercise what they claim to.
func TestCoverageFloors(t *testing.T) {
	const n = 1000
	for _, kind := range []struct {
		name   string
		draw   func(uint64) Case
		floors []Floor
	}{{"for meshes", New, Floors}, {"for native code", Large, LargeFloors}} {
		count := map[string]int{}
		for s := uint64(0); s < n; s++ {
			for tag := range kind.draw(s).Tags {
				count[tag]++
			}
		}
		for _, f := range kind.floors {
			share := float64(count[f.Tag]) / n
			t.Logf("%s: %-42s %5.1f %% (floor %.0f %%)", kind.name, f.Tag, 100*share, 100*f.Share)
			if share < f.Share {
				t.Errorf("%s: %s: %.1f %% of the cases, below %.0f %%", kind.name, f.Tag, 100*share, 100*f.Share)
			}
		}
		if kind.draw(7).Source != kind.draw(7).Source {
			t.Errorf("%s: a seed does not determine its case", kind.name)
		}
	}
}
