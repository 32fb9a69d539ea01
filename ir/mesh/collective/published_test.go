package collective_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

var update = flag.Bool("update", false, "write docs/collectives.md")

// published is the time of an algorithm of Luczynski et al. as their programs run on the machine, counted as Time does. The trees with one
// color per stream are estimated by Time, which the simulator confirms; with turning routers (star, tree) all streams of a part come by one
// deep queue: the rows "star reduce" and "tree reduce" of docs/validation.md.
type published struct {
	name  string
	turns bool // routers change their routes under way
	time  int
}

func algorithms(k collective.Machine, parts, wavelets int) []published {
	deep := k
	deep.Queues = nil
	out := []published{
		{"chain", false, collective.Time(collective.Chain("x", parts), k, wavelets)},
		{"star", true, collective.Time(collective.Gathered(collective.Star("x", parts)), deep, wavelets)},
		{"tree", true, collective.Time(collective.Binary("x", parts), deep, wavelets)},
	}
	if s := int(math.Round(math.Sqrt(float64(parts)))); parts > 3 {
		two := collective.New("x", parts, ir.Level{Size: s}, ir.Level{Size: (parts + s - 1) / s})
		out = append(out, published{"two-phase", false, collective.Time(two, k, wavelets)})
	}
	return out
}

func best(all []published, turns bool) (b published) {
	for _, p := range all {
		if (turns || !p.turns) && (b.name == "" || p.time < b.time) {
			b = p
		}
	}
	return b
}

// What is chosen is never slower than a published algorithm, with fixed routes or with routers that turn, for all parts up to 64 and many beyond,
// and vectors of up to 4,096 wavelets.
func TestNeverSlowerThanPublished(t *testing.T) {
	parts := []int{96, 100, 128, 256, 300, 512, 750, 994}
	for p := 64; p >= 2; p-- {
		parts = append([]int{p}, parts...)
	}
	lengths := []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096}
	shownParts, shownLengths := []int{4, 8, 16, 32, 64, 100, 256, 512, 750}, []int{1, 2, 4, 16, 64, 256, 1024, 4096}
	bounds := collective.NewBounds(1 << 9)
	var page strings.Builder
	page.WriteString(collectivesHead)
	for _, name := range []string{"wse2", "wse3"} {
		m := profile(t, name)
		k, lim := cost.Collective(m, false), limits(m)
		type row struct {
			tree collective.Tree
			time int
			all  []published
		}
		at := map[[2]int]row{}
		faster := 0
		for _, p := range parts {
			for _, b := range lengths {
				tree := collective.Choose("x", p, []int{b}, k, lim)
				r := row{tree, collective.Time(tree, k, b), algorithms(k, p, b)}
				at[[2]int{p, b}] = r
				if f := best(r.all, true); r.time > f.time {
					t.Errorf("%s P=%d B=%d: %s takes %d cycles, the published %s %d", name, p, b, collective.Shape(tree), r.time, f.name, f.time)
				}
			}
		}
		for _, r := range at {
			if r.time < best(r.all, true).time {
				faster++
			}
		}
		fmt.Fprintf(&page, "\n## %s\n\n%d pairs of parts and wavelets. None of the published algorithms is faster than what is chosen in any of them; all are slower in %d.\n\n",
			name, len(at), faster)
		page.WriteString("| P | B | chosen | cycles | published, fixed routes | ratio | published, turning routers | ratio | arrives | chosen / arrives | bound | chosen / bound |\n|---:|---:|---|---:|---|---:|---|---:|---:|---:|---:|---:|\n")
		for _, p := range shownParts {
			for _, b := range shownLengths {
				r := at[[2]int{p, b}]
				fixed, any := best(r.all, false), best(r.all, true)
				fmt.Fprintf(&page, "| %d | %d | %s | %d | %s %d | %.3f | %s %d | %.3f |", p, b, collective.Shape(r.tree), r.time, fixed.name, fixed.time,
					float64(r.time)/float64(fixed.time), any.name, any.time, float64(r.time)/float64(any.time))
				least := collective.Arrives(k, p, b)
				fmt.Fprintf(&page, " %d | %.2f |", least, float64(r.time)/float64(least))
				if p > 1<<9 {
					page.WriteString(" | |\n")
					continue
				}
				bound := bounds.Reduce(k, p, b)
				fmt.Fprintf(&page, " %.0f | %.2f |\n", bound, float64(r.time)/bound)
			}
		}
	}
	file := filepath.Join("..", "..", "..", "docs", "collectives.md")
	if *update {
		if err := os.WriteFile(file, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != page.String() {
		t.Errorf("docs/collectives.md is stale: go test ./ir/mesh/collective -run Published -update (%v)", err)
	}
}

const collectivesHead = `# Reductions

What the compiler chooses for a reduction of B wavelets along P parts, against the algorithms of Luczynski et al. (arXiv 2404.15888) as their
programs run on the same machine. Written by ` + "`go test ./ir/mesh/collective -run Published -update`" + `; a test fails when it is stale.

- *chosen* is the list of levels from the leaves to the root; *cycles* are those of the cost model, from the first word sent to the last combined. A test runs
  a selection on the simulator, which agrees but for the 4 or 5 cycles of the first set-up.
- *fixed routes*: chain and two-phase (groups of √P). *turning routers*: also star and binary tree, whose routers change under way, so that all streams come by one
  color and one queue (the rows of docs/validation.md). So do compiled stars, called *gather* here: they are a star when they are the only level. A star with fixed
  routes, one color per member, is chosen on folded axes only, which this page has none of. An all-reduce adds the same flood to all columns.
- *bound* is the published lower bound, min over D of B E*(P, D)/(P - 1) + (P - 1) hops + D (2 T_R + 1). It adds the time of bandwidth, a mean over the links, to that of
  distance. The published star overlaps the two and lies below it for short vectors, and so does what is chosen. *arrives* is when the last word of the farthest
  part can have been combined, which no program is faster than.
`
