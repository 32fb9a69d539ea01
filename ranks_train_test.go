package wfc

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/internal/mpi"
)

// A compiled model whose step is one batch is shared by ranks as its source is: the run is that of one process with the microbatches that the
// note names, and goes on on any number of ranks.
func TestRanksShareCompiledModel(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "text")
	if err := os.WriteFile(data, []byte(strings.Repeat("abcabcad", 40)), 0o666); err != nil {
		t.Fatal(err)
	}
	src := Source{Name: "m.wf", Text: `model m(vocab = 4, ctx = 4) {
  index s in ctx
  index u, v in vocab
  input tokens[s], next[s] in vocab
  weight w[u,v] ~ normal(0.1)
  let logits[s,v] = w[tokens[s],v]
  loss = mean over s of crossentropy(logits[s], next[s])
}
train m on chars { batch 6; steps 8; optimizer sgd(lr = 0.5); schedule constant; seed 1 }
`}
	built, err := Build(src, BuildOptions{IndexOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	train := func(n int, out string, compiled *Program, o TrainOptions) (notes string) {
		t.Helper()
		var wg sync.WaitGroup
		for r, comm := range mpi.World(n) {
			mine := o
			mine.Target, mine.Data, mine.Out, mine.Compiled = Interp, []string{data}, filepath.Join(dir, out), compiled
			s := src
			if compiled != nil {
				s = Source{}
			}
			if n > 1 {
				mine.Ranks = &Ranks{comm: comm, job: mpi.Job{Rank: r, Size: n}, equals: true}
			}
			wg.Go(func() {
				res, err := Train(context.Background(), s, mine)
				if err != nil {
					t.Error(err)
					comm.Lose()
				} else if r == 0 {
					notes = strings.Join(res.Notes, "\n")
				}
			})
		}
		wg.Wait()
		return notes
	}
	state := func(out string) map[string]string {
		t.Helper()
		c, err := OpenCheckpoint(filepath.Join(dir, out), -1)
		if err != nil {
			t.Fatal(err)
		}
		sums := map[string]string{"step": fmt.Sprint(c.Run.Step, c.Run.Cursor)}
		for _, f := range c.Run.Files {
			sums[f.Name] = f.SHA256
		}
		return sums
	}
	if notes := train(3, "ranks", built, TrainOptions{Steps: 5}); !strings.Contains(notes, "--set batch=2 --set accumulate=3") {
		t.Errorf("notes %q", notes)
	}
	if notes := train(1, "ranks", built, TrainOptions{Resume: true}); notes != "" {
		t.Errorf("notes %q", notes)
	}
	train(1, "one", nil, TrainOptions{Set: map[string]string{"batch": "2", "accumulate": "3"}})
	if d := cmp.Diff(state("one"), state("ranks")); d != "" {
		t.Error(d)
	}
}
