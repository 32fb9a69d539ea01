package wfc_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/runtime/train"
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

// written is a file in dir with a text to train on.
func written(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, "text")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
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
	data := written(t, dir, text(3000))
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

// The micro anchor through the whole command: a model file of llm.c, generated and known by its hash, becomes weights of models/gpt2.wf,
// and ten steps on the same batch have the losses and gradient norms that llm.c computes (f32, one thread), within 1e-5. So have other
// batches, shapes and constants those of an independent implementation (torch in f64; weights of 64 positions, of which a context reads the
// first).
func TestAnchor(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "micro.bin")
	if err := os.WriteFile(model, microModel(), 0o666); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(microModel()); hex.EncodeToString(sum[:]) != "ccf1a8166e92fa621da723cb5af019c8a94e8ce67d337623d74a5d17f8724e07" {
		t.Fatalf("the generated model is another: %x", sum)
	}
	// 257 characters of the text, and the rest of its alphabet, which gives them their numbers.
	text := "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\nFirst Citizen:\nYou are all resolved rather to die than to famish?\n\nAll:\n" +
		"Resolved. resolved.\n\nFirst Citizen:\nFirst, you know Caius Marcius is chief enemy to the people.\n\nAll:\nW" +
		"\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	data := written(t, dir, text)
	src, err := wfc.ReadSource("models/gpt2.wf")
	if err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(dir, "weights")
	if err := wfc.Convert(model, weights, wfc.ConvertOptions{Model: &src}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, order   string
		set           map[string]string
		losses, norms []float64
	}{
		{"same batch", "same", nil,
			[]float64{4.1834292, 4.0994048, 4.0315485, 3.9816916, 3.9424832, 3.9052229, 3.8677380, 3.8320110, 3.7987154, 3.7666836},
			[]float64{1.658002, 1.438878, 1.068129, 0.977441, 1.061541, 1.096949, 1.045591, 0.998078, 0.999029, 0.999696}},
		{"other constants, shorter context, streaming", "stream", map[string]string{"ctx": "17", "positions": "64", "batch_size": "3", "lr": "3e-3", "lr_end": "3e-3",
			"beta1": "0.8", "beta2": "0.99", "adam_eps": "1e-6", "decay": "0.02", "clip_at": "0.7", "iterations": "5"},
			[]float64{4.179608662, 4.084684405, 4.011394496, 3.982602067, 3.881068057}, []float64{2.274784890, 1.877058700, 1.831605354, 1.280892656, 1.282329613}},
		{"microbatches, no decay of vectors", "stream", map[string]string{"ctx": "8", "positions": "64", "batch_size": "2", "micros": "3", "vector_decay": "0", "decay": "0.3", "iterations": "5"},
			[]float64{4.183547264, 4.153636082, 4.092518285, 4.070637547, 4.076684398}, []float64{2.325208220, 2.304312823, 2.522809043, 1.752986254, 1.884733296}},
	} {
		watch := &steps{}
		if _, err := wfc.Train(context.Background(), src, wfc.TrainOptions{Target: wfc.Interp, Data: []string{data}, Order: c.order, Init: weights, Set: c.set,
			EvalBatches: 1, Progress: watch}); err != nil {
			t.Fatal(err)
		}
		if len(watch.loss) != len(c.losses) {
			t.Fatalf("%s: %d steps", c.name, len(watch.loss))
		}
		for i := range c.losses {
			if math.Abs(watch.loss[i]-c.losses[i]) > 1e-5 || math.Abs(watch.norm[i]-c.norms[i]) > 1e-5 {
				t.Errorf("%s, step %d: loss %.7f, expected %.7f; norm %.6f, expected %.6f", c.name, i, watch.loss[i], c.losses[i], watch.norm[i], c.norms[i])
			}
		}
	}
}

// steps remembers losses and gradient norms.
type steps struct{ loss, norm []float64 }

func (s *steps) Begin(*train.Plan, int64, int64) {}
func (s *steps) Eval(int64, float64, int)        {}
func (s *steps) End()                            {}
func (s *steps) Step(e *train.Event) {
	s.loss = append(s.loss, e.Loss)
	for _, m := range e.Metrics {
		if m.Name == "grad_norm" {
			s.norm = append(s.norm, float64(m.Value))
		}
	}
}

// microModel is the model file of the anchor: 2 layers, 2 heads, width 32; xorshift64* with seed 1337, uniform with the standard
// deviations 0.02, 0.01 for positions, 0.02/sqrt(2 layers) for the outputs of branches.
func microModel() []byte {
	const vocab, padded, ctx, layers, heads, d = 65, 128, 64, 2, 2, 32
	state := uint64(1337)
	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	head := make([]int32, 256)
	copy(head, []int32{20240326, 3, ctx, vocab, layers, heads, d, padded})
	put(head)
	random := func(n int, std float64) {
		for range n {
			state ^= state >> 12
			state ^= state << 25
			state ^= state >> 27
			f := float64(uint32((state*0x2545F4914F6CDD1D)>>32)>>8) / (1 << 24)
			put(float32(float64(float64(2*f-1)*std) * math.Sqrt(3)))
		}
	}
	fill := func(n int, v float32) {
		for range n {
			put(v)
		}
	}
	random(vocab*d, 0.02)
	fill((padded-vocab)*d, 0)
	random(ctx*d, 0.01)
	out := 0.02 / math.Sqrt(2*layers)
	fill(layers*d, 1) // norm 1
	fill(layers*d, 0)
	random(layers*3*d*d, 0.02)
	fill(layers*3*d, 0)
	random(layers*d*d, out)
	fill(layers*d, 0)
	fill(layers*d, 1) // norm 2
	fill(layers*d, 0)
	random(layers*4*d*d, 0.02)
	fill(layers*4*d, 0)
	random(layers*4*d*d, out)
	fill(layers*d, 0)
	fill(d, 1)
	fill(d, 0)
	return b.Bytes()
}

// A run goes on with another precision or number of microbatches, and says that it is another run then; what would change the model or
// the meaning of tokens is refused.
func TestContinuesWithOtherSettings(t *testing.T) {
	const model = `
param prec = "f32", acc = 1, d = 4
model tiny(vocab = 8, ctx = 4) {
  index s in ctx
  index v in vocab
  input tokens[s], next[s] in vocab
  weight a[v,d], b[v,d] ~ normal(0.3)
  let logits[s,v] = a[tokens[s],d]*b[v,d]
  loss = mean over s of crossentropy(logits[s], next[s])
}
train tiny on chars { batch 2; accumulate acc; steps 4; optimizer sgd(lr = 0.1); precision prec; seed 3 }
`
	dir := t.TempDir()
	data := written(t, dir, text(200))
	src := wfc.Source{Name: "tiny.wf", Text: model}
	for _, c := range []struct {
		first, then map[string]string
		tokenizer   string
		want        string // in a note or the error
	}{
		{nil, map[string]string{"prec": "f16"}, "", "prec = f16"},
		{map[string]string{"prec": "f16", "acc": "2"}, map[string]string{"prec": "bf16", "acc": "1"}, "", "acc = 1 instead of 2, prec = bf16 instead of f16"},
		{nil, map[string]string{"acc": "3"}, "char", "acc = 3"},
		{nil, nil, "byte", "the tokens of this run are those of --tokenizer char"},
		{nil, map[string]string{"d": "5"}, "", "weights/a is f32 [7 4] in the checkpoint, the program has f32 [7 5]"},
	} {
		o := wfc.TrainOptions{Target: wfc.Interp, Data: []string{data}, Out: filepath.Join(t.TempDir(), "run"), Set: c.first, Steps: 2, EvalEvery: -1}
		if _, err := wfc.Train(context.Background(), src, o); err != nil {
			t.Fatal(err)
		}
		o.Resume, o.Steps, o.Set, o.Tokenizer = true, 3, c.then, c.tokenizer
		res, err := wfc.Train(context.Background(), src, o)
		said := fmt.Sprint(err)
		if err == nil {
			said = strings.Join(res.Notes, "\n")
		}
		if !strings.Contains(said, c.want) {
			t.Errorf("%v, then %v: %s", c.first, c.then, said)
		}
	}
}

// A run without any settings can be sampled, and one whose run.json is gone is damaged.
func TestSampleWithoutSettings(t *testing.T) {
	dir := t.TempDir()
	data, out := written(t, dir, strings.Repeat("abcd", 40)), filepath.Join(dir, "run")
	src := wfc.Source{Name: "b.wf", Text: `
model b(vocab = 4, ctx = 4) {
  index s in ctx
  index v in vocab
  input tokens[s], next[s] in vocab
  weight a[vocab,v] ~ normal(0.3)
  let logits[s,v] = a[tokens[s],v]
  loss = mean over s of crossentropy(logits[s], next[s])
}
train b on chars { batch 2; steps 1; optimizer sgd(lr = 0.1) }
`}
	if _, err := wfc.Train(context.Background(), src, wfc.TrainOptions{Target: wfc.Interp, Data: []string{data}, Out: out}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := wfc.Sample(context.Background(), out, wfc.SampleOptions{Target: wfc.Interp, Prompt: "ab", Tokens: 3, Temperature: 1}, &b); err != nil || b.Len() < 5 {
		t.Errorf("%q %v", b.String(), err)
	}
	if err := os.Remove(filepath.Join(out, "checkpoints/step-0000000001/run.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := wfc.OpenCheckpoint(out, -1); err == nil || !strings.Contains(err.Error(), "WF0640") || !strings.Contains(err.Error(), "run.json: the file is missing") {
		t.Error(err)
	}
}
