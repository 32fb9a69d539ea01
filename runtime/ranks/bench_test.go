package ranks_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ranks"
	"github.com/wfc-lang/wfc/target/cpu"
)

// BenchmarkWeakScaling is a step of heat with 64 planes of 256 x 256 points for each rank, native code with one thread each: alone, with
// two ranks that wait for the exchange, and with two that compute meanwhile. Two ranks share the memory's bandwidth, so compare the two
// also with each other. Messages are copies in memory; what a network adds is not in it.
func BenchmarkWeakScaling(b *testing.B) {
	text, err := os.ReadFile(filepath.Join("..", "..", "models", "heat.wf"))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		ranks   int
		overlap bool
	}{{"alone", 1, true}, {"waiting", 2, false}, {"overlapped", 2, true}} {
		b.Run(c.name, func(b *testing.B) {
			if !c.overlap {
				defer ranks.Wait()()
			}
			p := build(b, "heat.wf", string(text), set{"nx": fmt.Sprint(64 * c.ranks), "ny": "256", "nz": "256"})
			open := func(p *ir.Program) (ranks.Engine, error) { return cpu.New(p, cpu.Options{Threads: 1}) }
			if e, err := open(p); errors.Is(err, cpu.ErrNoToolchain) {
				b.Skip(err)
			} else if err == nil {
				e.Close()
			}
			together(b, p, c.ranks, open, func(e runtime.Engine) error {
				prep, err := runtime.Prepare(p, runtime.Options{})
				if err == nil {
					err = prep.Start(e, nil)
				}
				if err != nil {
					return err
				}
				b.ResetTimer()
				_, err = e.Run(context.Background(), "step", b.N)
				return err
			})
		})
	}
}
