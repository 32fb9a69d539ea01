package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cancelling calls stop when something is written that holds a text.
type cancelling struct {
	bytes.Buffer
	at   string
	stop func()
}

func (c *cancelling) Write(b []byte) (int, error) {
	if strings.Contains(string(b), c.at) {
		c.stop()
	}
	return c.Buffer.Write(b)
}

// Ctrl-C in training finishes the step, saves, says so and ends with exit code 130; the run can be continued.
func TestTrainInterrupted(t *testing.T) {
	dir := t.TempDir()
	model, data, out := filepath.Join(dir, "m.wf"), filepath.Join(dir, "text"), filepath.Join(dir, "out")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(model, `model m(vocab = 4, ctx = 4) {
  index s in ctx
  index u, v in vocab
  input tokens[s], next[s] in vocab
  weight w[u,v] ~ normal(0.1)
  let logits[s,v] = w[tokens[s],v]
  loss = mean over s of crossentropy(logits[s], next[s])
}
train m on chars { batch 2; steps 50; optimizer sgd(lr = 0.1); schedule constant; seed 1 }
`)
	write(data, strings.Repeat("abcabcad", 40))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	args := []string{"wfc", "train", model, "--data", data, "--out", out, "--target", "interp"}
	errs := &cancelling{at: "step 1/50", stop: cancel}
	var stdout bytes.Buffer
	if code := run(ctx, args, &stdout, errs); code != exitInterrupted {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), errs.String())
	}
	if !strings.Contains(stdout.String(), "step 1 of 50") || !strings.Contains(stdout.String(), "interrupted") {
		t.Error(stdout.String())
	}
	stdout.Reset()
	if code := run(context.Background(), append(args, "--resume"), &stdout, errs); code != exitOK || !strings.Contains(stdout.String(), "step 50 of 50") {
		t.Errorf("exit code %d\n%s%s", code, stdout.String(), errs.String())
	}
}
