package ranks_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/ranks"
	"github.com/wfc-lang/wfc/tests/random"
)

// Several steps for one exchange have the bits of one process, on a line and on a grid of ranks, whether a rank waits or computes meanwhile, and
// the steps that are left over are done one by one.
func TestDeep(t *testing.T) {
	var written atomic.Int64
	open := func(p *ir.Program) (ranks.Engine, error) {
		for i := range p.Funcs {
			if strings.Contains(p.Funcs[i].Name, "*") {
				written.Add(1)
			}
		}
		return onInterp(p)
	}
	for _, c := range []struct {
		steps        int
		grid, inner  bool
		first, until uint64
	}{
		{steps: 2, until: 12},
		{steps: 3, inner: true, first: 12, until: 24},
		{steps: 2, grid: true, first: 24, until: 34},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			defer ranks.Deep(c.steps)()
			sizes := []int{2, 4}
			if c.grid {
				sizes = []int{4}
				defer ranks.Grid(2, 2)()
			}
			if c.inner {
				defer ranks.Overlap()()
			}
			for seed := c.first; seed < c.until; seed++ {
				same(t, build(t, fmt.Sprintf("random%d.wf", seed), random.New(seed).Source, nil), open, sizes...)
			}
			for _, m := range []struct {
				name string
				set  set
			}{
				{"heat", set{"steps": "7"}}, {"grayscott", set{"steps": "9"}}, {"maxwell", set{"n": "40"}},
			} {
				text, err := os.ReadFile(filepath.Join("..", "..", "models", m.name+".wf"))
				if err != nil {
					t.Fatal(err)
				}
				if !same(t, build(t, m.name+".wf", string(text), m.set), open, 4) {
					t.Errorf("%s: one rank had it all", m.name)
				}
			}
			if n := written.Swap(0); n < 8 {
				t.Errorf("%d functions of several steps", n)
			}
		})
	}
}
