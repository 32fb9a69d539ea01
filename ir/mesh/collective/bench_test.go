package collective_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

// A launch takes this many cycles more than an empty one and the estimate, at most: the set-up of the first operation.
const launchExtra = 5

// Every reduction takes what Time says, and the tree that is chosen is never slower than any of the published shapes that the
// machine's queues and colors allow. Run with -v for the table: cycles of the simulator less those of an empty launch, and the
// published model's (it knows neither queues nor the issue of operations, so star and tree lie below what a part can do).
func TestReductionsAgainstModel(t *testing.T) {
	bounds := collective.NewBounds(512)
	far := 0 // rows above 1.4 times the bound, which is what the published generated trees reach
	for _, name := range []string{"wse2", "wse3"} {
		m := profile(t, name)
		lim, k, start := limits(m), cost.Collective(m, false), empty(t, m)
		var table strings.Builder
		row := func(tree collective.Tree, b int) int {
			c, _, _ := simulate(t, collective.ReduceProgram(tree, ir.F32, ir.Add, b, false), m)
			took, est := int(c-start), collective.Time(tree, k, b)
			if took > est+launchExtra || took < est {
				t.Errorf("%s P=%d B=%d %s: %d cycles, estimate %d", name, tree.Parts, b, collective.Shape(tree), took, est)
			}
			return took
		}
		for _, parts := range []int{8, 16, 32, 64, 128, 512} {
			for _, b := range []int{1, 4, 16, 64, 256} {
				fmt.Fprintf(&table, "P %3d B %3d", parts, b)
				best, fixed := 0, trees(parts, lim)
				for _, n := range []string{"star", "chain", "tree", "two-phase"} {
					tree, ok := fixed[n]
					if !ok {
						fmt.Fprintf(&table, "  %s -", n)
						continue
					}
					c := row(tree, b)
					fmt.Fprintf(&table, "  %s %d/%.0f", n, c, collective.MetricsOf(tree, b).Published(k))
					if best == 0 || c < best {
						best = c
					}
				}
				tree := collective.Choose("x", parts, []int{b}, k, lim)
				c := row(tree, b)
				bound := bounds.Reduce(k, parts, b)
				fmt.Fprintf(&table, "  bound %.0f  chosen %d = %.2f bound (%s)\n", bound, c, float64(c)/bound, collective.Shape(tree))
				if least := collective.Arrives(k, parts, b); c-launchExtra < least {
					t.Errorf("%s P=%d B=%d: %d cycles, but the last word of part %d is there after %d", name, parts, b, c, parts-1, least)
				}
				if float64(c-launchExtra) > 1.4*bound {
					far++
				}
				if c > best {
					t.Errorf("%s P=%d B=%d: %s takes %d cycles, the best fixed shape %d", name, parts, b, collective.Shape(tree), c, best)
				}
			}
		}
		t.Logf("%s\n%s", name, table.String())
	}
	if far > 0 {
		t.Errorf("%d rows are above 1.4 times the lower bound", far)
	}
}

// empty is what a launch of a program takes that does nothing.
func empty(t testing.TB, m wse.Machine) int64 {
	c, _, _ := simulate(t, collective.Program("empty", 2, 1, ir.F32, 1, false, collective.Process{Ops: func(x, y int) []mesh.Op { return nil }}), m)
	return c
}

// The published model's values for 512 PEs with a ramp of 2 cycles.
func TestPublishedModel(t *testing.T) {
	k := collective.Machine{RampOut: 2, RampIn: 2, Hop: 1, PerWavelet: 1000}
	for _, x := range []struct{ b, chain, tree, flood int }{{1, 3067, 561, 517}, {4, 3070, 574, 520}, {16, 3082, 628, 532},
		{64, 3130, 845, 580}, {256, 3322, 2349, 772}, {1024, 4090, 9261, 1540}} {
		for shape, want := range map[string]int{"chain": x.chain, "tree": x.tree} {
			tree := collective.Chain("x", 512)
			if shape == "tree" {
				tree = collective.Binary("x", 512)
			}
			if got := collective.MetricsOf(tree, x.b).Published(k); math.Abs(got-float64(want)) > 1 {
				t.Errorf("%s of %d: %.1f, published %d", shape, x.b, got, want)
			}
		}
		if got := collective.Broadcast(k, 512, x.b); got != x.flood {
			t.Errorf("broadcast of %d: %d, published %d", x.b, got, x.flood)
		}
	}
}

// With more queues and colors a tree is never slower, and what is chosen keeps to its limits.
func TestChoiceKeepsToItsLimits(t *testing.T) {
	k := cost.Collective(profile(t, "wse2"), false)
	for parts := 2; parts < 600; parts += 37 {
		for _, b := range []int{1, 16, 300} {
			before := 1 << 40
			for q := 1; q < 9; q++ {
				lim := collective.Limits{Queues: q, Colors: 2 * q}
				tree := collective.Choose("x", parts, []int{b}, k, lim)
				if err := tree.Check(); err != nil {
					t.Fatal(err)
				}
				if uq, uc := collective.Uses(tree, false); uq > lim.Queues || uc > lim.Colors {
					t.Errorf("P=%d B=%d: %s takes %d queues of %d and %d colors of %d", parts, b, collective.Shape(tree), uq, lim.Queues, uc, lim.Colors)
				}
				now := collective.Time(tree, k, b)
				if now > before+before*3/100 {
					t.Errorf("P=%d B=%d: %d queues take %d cycles, one less %d", parts, b, q, now, before)
				}
				before = now
			}
		}
	}
}
