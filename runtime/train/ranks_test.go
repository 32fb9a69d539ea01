package train_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/internal/mpi"
	"github.com/wfc-lang/wfc/runtime/train"
	"github.com/wfc-lang/wfc/runtime/train/bigram"
)

// onRanks trains on n ranks of one process; rank 0 writes. It returns what rank 0 has.
func onRanks(t *testing.T, n int, c bigram.Config, o train.Options) (*train.Result, error) {
	t.Helper()
	results, errs := make([]*train.Result, n), make([]error, n)
	var wg sync.WaitGroup
	for r, comm := range mpi.World(n) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			mine := o
			if mine.Ranks = comm; r > 0 {
				mine.Out = ""
			}
			tr, err := train.New(opener(c, onInterp), mine)
			if err == nil {
				results[r], err = tr.Run(context.Background())
				tr.Close()
			}
			if errs[r] = err; err != nil {
				comm.Lose()
			}
		}()
	}
	wg.Wait()
	return results[0], errors.Join(errs...)
}

// Ranks share the microbatches of a step, also when there are more of the one or of the other, through warmup and phases; state, losses and
// validation are those of one process, bit for bit, and a run goes on on another number of ranks.
func TestRanks(t *testing.T) {
	data := chain(3000, 7)
	whole := t.TempDir()
	run(t, phased(), train.Options{Data: data, Out: whole, EvalEvery: 10}, onInterp)
	want := hashes(t, whole)
	for _, n := range []int{2, 3, 4} {
		dir := t.TempDir()
		if _, err := onRanks(t, n, phased(), train.Options{Data: data, Out: dir, Steps: 17, EvalEvery: 10}); err != nil {
			t.Fatal(err)
		}
		if _, err := onRanks(t, 5-n/2, phased(), train.Options{Data: data, Out: dir, EvalEvery: 10, Resume: filepath.Join(dir, "checkpoints", "step-0000000017")}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, hashes(t, dir)); d != "" {
			t.Errorf("%d ranks: %s", n, d)
		}
		compareMetrics(t, whole, dir)
	}
}

// A step of one batch cannot be shared.
func TestRanksNeedMicrobatches(t *testing.T) {
	_, err := onRanks(t, 2, bigram.Config{Vocab: 7, Batch: 4, Context: 5, Steps: 3, LR: 1}, train.Options{Data: chain(3000, 7)})
	var list diag.List
	if !errors.As(err, &list) || list[0].Code != "WF0628" {
		t.Errorf("%v", err)
	}
}

// A loss that is no number ends the session on all ranks.
func TestRanksDiverge(t *testing.T) {
	c := bigram.Config{Vocab: 7, Batch: 4, Context: 5, Steps: 30, LR: 3e38, Accumulate: 2}
	_, err := onRanks(t, 2, c, train.Options{Data: chain(3000, 7)})
	var list diag.List
	if !errors.As(err, &list) || list[0].Code != "WF0643" {
		t.Errorf("%v", err)
	}
}
