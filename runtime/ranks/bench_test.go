package ranks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ranks"
	"github.com/wfc-lang/wfc/target/cpu"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// BenchmarkWeakScaling is a step of heat with 64 planes of 256 x 256 points for each rank, native code with one thread each: one rank alone,
// as many steps a pass as pay and one, as ranks do; two that have nothing to do with each other at once, which share the memory's bandwidth;
// two of one grid that exchange after every step and wait, or compute meanwhile; and two that exchange after as many steps as pay. What these
// take more than the two at once is the cost of having neighbours. Messages are copies in memory; what a network adds is not in it.
func BenchmarkWeakScaling(b *testing.B) {
	text, err := os.ReadFile(filepath.Join("..", "..", "models", "heat.wf"))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		jobs, ranks int
		steps       int // a pass, 0 for what pays
		wait        bool
		deep        int // steps for an exchange, 0 for what pays
	}{
		{name: "alone, several steps a pass", jobs: 1, ranks: 1},
		{name: "alone", jobs: 1, ranks: 1, steps: 1},
		{name: "two at once", jobs: 2, ranks: 1, steps: 1},
		{name: "waiting", jobs: 1, ranks: 2, steps: 1, wait: true, deep: 1},
		{name: "overlapped", jobs: 1, ranks: 2, steps: 1, deep: 1},
		{name: "several steps an exchange", jobs: 1, ranks: 2},
	} {
		b.Run(c.name, func(b *testing.B) {
			if c.wait {
				defer ranks.Wait()()
			}
			defer ranks.Deep(c.deep)()
			p := build(b, "heat.wf", string(text), set{"nx": fmt.Sprint(64 * c.ranks), "ny": "256", "nz": "256"})
			open := func(p *ir.Program) (ranks.Engine, error) {
				return cpu.New(p, cpu.Options{Threads: 1, PassSteps: c.steps})
			}
			if e, err := open(p); errors.Is(err, native.ErrNoToolchain) {
				b.Skip(err)
			} else if err == nil {
				e.Close()
			}
			var ready, done sync.WaitGroup
			ready.Add(c.jobs)
			for range c.jobs {
				done.Go(func() {
					begin := sync.OnceFunc(ready.Done)
					defer begin()
					together(b, p, c.ranks, open, func(e runtime.Engine) error {
						prep, err := runtime.Prepare(p, runtime.Options{})
						if err == nil {
							err = prep.Start(e, nil)
						}
						if err != nil {
							return err
						}
						begin()
						ready.Wait()
						_, err = e.Run(context.Background(), "step", b.N)
						return err
					})
				})
			}
			ready.Wait()
			b.ResetTimer()
			done.Wait()
		})
	}
}
