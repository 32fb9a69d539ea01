package ranks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/wfc-lang/wfc/internal/mpi"
)

// Account says where the time of one rank went while functions ran, and what it sent for them.
type Account struct {
	Compute  time.Duration // in its engine
	Pack     time.Duration // messages put together and taken apart
	Wait     time.Duration // for what others send, computing nothing
	Reduce   time.Duration // partial results of reductions exchanged and combined, waiting for others included
	Messages int64         // halos sent
	Bytes    int64         // of them
}

// clock adds the time since it was read last to one of an account's.
type clock struct{ last time.Time }

func newClock() clock { return clock{time.Now()} }

func (c *clock) add(to *time.Duration) {
	now := time.Now()
	*to += now.Sub(c.last)
	c.last = now
}

// Accounts are those of all ranks that have a part of the grid, of all runs so far.
func (l *Leader) Accounts(ctx context.Context) ([]Account, error) {
	if err := tell(ctx, l.c, command{Kind: "account"}); err != nil {
		return nil, err
	}
	all, err := l.w.sendAccount(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Account, len(all))
	for r, b := range all {
		if err := json.Unmarshal(b, &out[r]); err != nil {
			return nil, fmt.Errorf("the account of rank %d: %w", r, err)
		}
	}
	return out, nil
}

// sendAccount gathers accounts in rank 0, which alone gets them.
func (w *worker) sendAccount(ctx context.Context) ([][]byte, error) {
	b, err := json.Marshal(w.spent)
	if err != nil {
		return nil, err
	}
	return mpi.Gather(ctx, w.c, b)
}
