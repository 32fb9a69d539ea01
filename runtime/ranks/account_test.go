package ranks_test

import (
	"context"
	"testing"

	"github.com/wfc-lang/wfc/runtime"
	"github.com/wfc-lang/wfc/runtime/ranks"
)

// The account of a rank has what it sends: a row to each neighbour in every step, or three rows for three steps. Partial results of reductions
// are no halos.
func TestAccounts(t *testing.T) {
	const diffusion = `grid g { x: 0 .. 1 in 30; y: 0 .. 1 in 16 }
field T on g = 0 { region x in 0.2 .. 0.5: 1 }
bc T { all: dn(T) = 0 }
evolve n in 0 .. 12 { T'[x,y] = T[x,y] + 0.2*(T[x+1,y] + T[x-1,y] + T[x,y+1] + T[x,y-1] - 4*T[x,y]) }
`
	const row = 16 * 4 // bytes
	for _, c := range []struct {
		name, text  string
		steps, ends int64 // steps for one exchange, messages of the first and the last rank
	}{
		{"each step", diffusion, 1, 12},
		{"three steps", diffusion, 3, 4},
		{"sum", "grid g { x: 0 .. 1 in 30; y: 0 .. 1 in 16 }\nfield T on g = 1\nfield s = 0\nevolve n in 0 .. 12 { s' = s + (sum over x, y of T[x,y]) }\n", 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer ranks.Wait()()
			defer ranks.Deep(int(c.steps))()
			p := build(t, "account.wf", c.text, nil)
			var before, got []ranks.Account
			parts := together(t, p, 3, onInterp, func(e runtime.Engine) (err error) {
				l := e.(*ranks.Leader)
				if _, err = execute(p, e); err == nil {
					before, err = l.Accounts(context.Background())
				}
				if err == nil {
					_, err = l.Run(context.Background(), "step", 12)
				}
				if err == nil {
					got, err = l.Accounts(context.Background())
				}
				return err
			})
			if parts != 3 || len(before) != 3 || len(got) != 3 {
				t.Fatalf("%d and %d accounts of %d ranks", len(before), len(got), parts)
			}
			for r, a := range got {
				a.Messages -= before[r].Messages
				a.Bytes -= before[r].Bytes
				want := c.ends
				if r == 1 {
					want *= 2 // both neighbours
				}
				if a.Messages != want || a.Bytes != want*c.steps*row {
					t.Errorf("rank %d sent %d messages of %d bytes in all, not %d of %d", r, a.Messages, a.Bytes, want, want*c.steps*row)
				}
				if a.Compute <= 0 || a.Pack <= 0 || want > 0 && a.Wait <= 0 || (a.Reduce > 0) != (want == 0) {
					t.Errorf("rank %d: %+v", r, a)
				}
			}
		})
	}
}
