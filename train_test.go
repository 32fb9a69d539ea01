package wfc_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc"
)

// everything is a run with accumulation, a batch warmup, a phase switch and a loss scale.
const everything = `

model tiny(vocab = 8, ctx = 8, d = 12) {
  dim seq = ctx
  index s, t in seq
  index v in vocab
  input tokens[s], next[s] in vocab
  weight wte[v,d], head[v,d] ~ normal(0.3)
  weight wq[d], wk[d] ~ 1
  let x[s,d] = wte[tokens[s],d]
  let y[s,d] = attention over t, d where t <= s of (x[s,d]*wq[d], x[s=t,d]*wk[d], x[s=t,d])
  let logits[s,v] = (x[s,d] + y[s,d])*head[v,d]
  loss = mean over s of crossentropy(logits[s], next[s])
}
train tiny on chars {
  batch 2 to 6 over 20 steps
  steps 60
  phase 75% { ctx 8; batch 2; accumulate 3 }
  phase 25% { ctx 16; batch 2; accumulate 2 }
  optimizer adamw(lr = 0.05, decay = 0.1)
  schedule warmup 5 then linear to 0
  clip 1
  precision f16
  seed 3
}
`

func text(n int) string {
	rng := rand.New(rand.NewPCG(1, 2))
	words := []string{"the", "cat", "sat", "hat", "at", "a"}
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[rng.IntN(len(words))] + " ")
	}
	return b.String()
}

func sums(t *testing.T, run string) map[string]string {
	t.Helper()
	c, err := wfc.OpenCheckpoint(run, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.VerifyAll(); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{"step": fmt.Sprint(c.Run.Step, c.Run.Cursor)}
	for _, f := range c.Run.Files {
		out[f.Name] = f.SHA256
	}
	return out
}

// A program of the language, stopped at any step and continued, ends in the state of the run that was not stopped: in the middle of the
// batch warmup, at the phase switch, after it, several times.
func TestTrainingContinues(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "text")
	if err := os.WriteFile(data, []byte(text(3000)), 0o666); err != nil {
		t.Fatal(err)
	}
	src := wfc.Source{Name: "tiny.wf", Text: everything}
	run := func(out string, steps int64, resume bool) *wfc.TrainResult {
		t.Helper()
		res, err := wfc.Train(context.Background(), src, wfc.TrainOptions{Target: wfc.Interp, Data: []string{data}, Out: filepath.Join(dir, out), Steps: steps, Resume: resume})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	first := run("whole", 0, false)
	if first.Step != 60 || len(first.Notes) != 0 {
		t.Errorf("%+v", first)
	}
	want := sums(t, filepath.Join(dir, "whole"))
	for _, name := range []string{"weights", "m", "v", "grad", "scale", "counter"} {
		if want[name+".safetensors"] == "" {
			t.Errorf("no state %s among %v", name, want)
		}
	}
	for i, stops := range [][]int64{{1, 9, 44}, {19, 45, 46}} {
		out := fmt.Sprint("parts", i)
		for k, s := range stops {
			run(out, s, k > 0)
		}
		if res := run(out, 0, true); len(res.Notes) > 0 {
			t.Error(res.Notes)
		}
		if d := cmp.Diff(want, sums(t, filepath.Join(dir, out))); d != "" {
			t.Errorf("stopped at %v: %s", stops, d)
		}
	}
}
