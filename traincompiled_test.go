package wfc_test

import (
	"bytes"
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc"
)

// compiled builds a program, writes it to a file and reads it back.
func compiled(t *testing.T, src wfc.Source, o wfc.BuildOptions) *wfc.Program {
	t.Helper()
	p, err := wfc.Build(src, o)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := p.Write(&file); err != nil {
		t.Fatal(err)
	}
	if p, err = wfc.Decode("m.wfx", file.Bytes()); err != nil {
		t.Fatal(err)
	}
	return p
}

// A compiled model trains as its source does: over accumulation, batch warmup, a phase of other shapes and a loss scale, and a run begun with the
// one is continued with the other.
func TestCompiledTrains(t *testing.T) {
	dir := t.TempDir()
	data := written(t, dir, text(3000))
	src := wfc.Source{Name: "tiny.wf", Text: strings.Replace(everything, "steps 60", "steps 24", 1)}
	set := map[string]string{"vocab": "7"}
	p := compiled(t, src, wfc.BuildOptions{Set: set, IndexOnly: true})
	run := func(out string, c *wfc.Program, steps int64) {
		t.Helper()
		o := wfc.TrainOptions{Target: wfc.Interp, Data: []string{data}, Out: filepath.Join(dir, out), Steps: steps, Resume: steps == 0 && out != "source"}
		s := src
		if o.Compiled = c; c != nil {
			s = wfc.Source{}
		} else if !o.Resume {
			o.Set = set
		}
		res, err := wfc.Train(context.Background(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Notes) > 0 {
			t.Error(res.Notes)
		}
	}
	run("source", nil, 0)
	run("first", p, 9)
	run("first", nil, 0)
	run("then", nil, 9)
	run("then", p, 0)
	want := sums(t, filepath.Join(dir, "source"))
	for _, out := range []string{"first", "then"} {
		if d := cmp.Diff(want, sums(t, filepath.Join(dir, out))); d != "" {
			t.Errorf("%s: %s", out, d)
		}
	}
}

// What a compiled model was built with stays.
func TestCompiledTrainingRefused(t *testing.T) {
	dir := t.TempDir()
	data := written(t, dir, "abcabcad"+text(300))
	src := wfc.Source{Name: "m.wf", Text: `param rate = 0.1
model m(vocab = 40, ctx = 4) {
  index s in ctx
  index u, v in vocab
  input tokens[s], next[s] in vocab
  weight w[u,v] ~ normal(0.1)
  let logits[s,v] = w[tokens[s],v]
  loss = mean over s of crossentropy(logits[s], next[s])
}
train m on chars { batch 2; steps 4; optimizer sgd(lr = rate); schedule constant; seed 1 }
`}
	p := compiled(t, src, wfc.BuildOptions{IndexOnly: true})
	out := filepath.Join(dir, "out")
	o := wfc.TrainOptions{Target: wfc.Interp, Data: []string{data}, Out: out, Compiled: p}
	fails := func(code string) {
		t.Helper()
		if _, err := wfc.Train(context.Background(), wfc.Source{}, o); err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("%v, want %s", err, code)
		}
	}
	o.Set = map[string]string{"rate": "0.2"}
	fails("WF0602")
	o.Set = nil
	res, err := wfc.Train(context.Background(), wfc.Source{}, o)
	if err != nil || len(res.Notes) != 1 || !strings.Contains(res.Notes[0], "vocab=40") {
		t.Errorf("%v %+v", err, res)
	}
	o.Resume, o.Compiled = true, compiled(t, src, wfc.BuildOptions{Set: map[string]string{"rate": "0.3"}, IndexOnly: true})
	fails("WF0641")
	o.Resume, o.Compiled = false, compiled(t, src, wfc.BuildOptions{Set: map[string]string{"vocab": "3"}, IndexOnly: true})
	fails("WF0642")
}

// models/mlp.wf fits the wafer as it is, and its file trains there as the interpreter does.
func TestCompiledTrainsOnWafer(t *testing.T) {
	data := written(t, t.TempDir(), text(2000))
	src, err := wfc.ReadSource("models/mlp.wf")
	if err != nil {
		t.Fatal(err)
	}
	p := compiled(t, src, wfc.BuildOptions{})
	if p.Refusal != nil {
		t.Fatal(p.Refusal)
	}
	var loss [2][]float64
	for i, target := range []wfc.Target{wfc.Wafer, wfc.Interp} {
		watch := &steps{}
		if _, err := wfc.Train(context.Background(), wfc.Source{}, wfc.TrainOptions{Target: target, Data: []string{data}, Compiled: p, Steps: 2, EvalEvery: -1, Progress: watch}); err != nil {
			t.Fatal(err)
		}
		loss[i] = watch.loss
	}
	for k, x := range loss[0] {
		if math.Abs(x-loss[1][k]) > 1e-5 {
			t.Errorf("step %d: loss %v, on the interpreter %v", k, x, loss[1][k])
		}
	}
	if len(loss[0]) != 2 {
		t.Errorf("%d steps", len(loss[0]))
	}
}

// A profile of training on the wafer has the cycles of its steps.
func TestTrainingProfileOnWafer(t *testing.T) {
	data := written(t, t.TempDir(), text(2000))
	src, err := wfc.ReadSource("models/mlp.wf")
	if err != nil {
		t.Fatal(err)
	}
	p := compiled(t, src, wfc.BuildOptions{Set: map[string]string{"d": "4", "f": "8", "ctx": "4", "batch_size": "2"}})
	if p.Refusal != nil {
		t.Fatal(p.Refusal)
	}
	opt := wfc.TrainOptions{Target: wfc.Wafer, Data: []string{data}, Compiled: p, Steps: 1, EvalEvery: -1, Profile: true}
	res, err := wfc.Train(context.Background(), wfc.Source{}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if res.Profile == nil || len(res.Profile.Functions) == 0 || res.Profile.Functions[0].Iterations != 1 || res.Profile.Functions[0].Cycles != res.Profile.Cycles {
		t.Error("the profile does not have the step")
	}
}
