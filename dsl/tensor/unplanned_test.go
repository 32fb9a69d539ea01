package tensor

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
)

// Models that the language was not made for train: sliding-window attention, attention and MLP side by side, a linear mixer over the
// sequence. The data are a period of five tokens, which a position can tell from the ones before it.
func TestUnplannedModelsTrain(t *testing.T) {
	for _, name := range []string{"window", "parallel", "mixer"} {
		b, err := os.ReadFile("testdata/" + name + ".wf")
		if err != nil {
			t.Fatal(err)
		}
		p := buildText(t, name+".wf", string(b), map[string]string{"ctx": "12", "d": "16", "vocab": "8", "batch_size": "2", "iterations": "30"})
		if err := p.Plan.Check(p.IR); err != nil {
			t.Fatal(err)
		}
		first, last := trained(t, p, 30)
		if !(last < 0.6*first) || !(first > 1.5) {
			t.Errorf("%s: the loss goes from %.4f to %.4f", name, first, last)
		}
	}
}

// ready is an interpreter of a canonical program with its initial weights, and how to run its functions.
func ready(t *testing.T, p *Program) (m *interp.Machine, run func(fn string)) {
	t.Helper()
	m, err := interp.New(p.IR)
	if err != nil {
		t.Fatal(err)
	}
	run = func(fn string) {
		if _, err := m.Run(context.Background(), fn, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Scalars(map[string]float64{"run.once": 1}); err != nil {
		t.Fatal(err)
	}
	for i := range p.IR.Funcs {
		if p.IR.Funcs[i].Host {
			run(p.IR.Funcs[i].Name)
		}
	}
	return m, run
}

// trained runs steps on the same periodic batch and returns the first and the last loss.
func trained(t *testing.T, p *Program, steps int) (first, last float64) {
	t.Helper()
	if err := passes.Run(p.IR, &passes.Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	m, run := ready(t, p)
	x, y := ir.NewTensor(ir.I32, p.Plan.Batch, p.Plan.Context), ir.NewTensor(ir.I32, p.Plan.Batch, p.Plan.Context)
	pattern := []int32{1, 3, 0, 3, 2}
	for i := range x.I32 {
		x.I32[i], y.I32[i] = pattern[i%5], pattern[(i+1)%5]
	}
	if m.Set(p.Plan.Tokens, x) != nil || m.Set(p.Plan.Targets, y) != nil {
		t.Fatal("tokens")
	}
	for k := range steps {
		for range max(0, p.Plan.Accumulate) {
			run(p.Plan.Micro)
		}
		run(p.Plan.Step)
		v, err := m.Get(p.Plan.Loss)
		if err != nil {
			t.Fatal(err)
		}
		if last = v.At(0); k == 0 {
			first = last
		}
	}
	return first, last
}

// Precisions and accumulated microbatches: rounding changes the loss a little, accumulation does not.
func TestPrecisionsAndAccumulation(t *testing.T) {
	set := func(more ...string) map[string]string {
		s := map[string]string{"ctx": "10", "d": "16", "vocab": "8", "layers": "1", "iterations": "30", "lr": "1e-2"}
		for i := 0; i < len(more); i += 2 {
			s[more[i]] = more[i+1]
		}
		return s
	}
	text := modelText(t, "gpt2")
	_, want := trained(t, buildText(t, "gpt2.wf", text, set("batch_size", "4")), 30)
	for _, precision := range []string{"bf16", "f16"} {
		first, got := trained(t, buildText(t, "gpt2.wf", text, set("batch_size", "4", "precision", precision)), 30)
		if got == want || !(got < 0.8*first) || got > want+0.1 {
			t.Errorf("%s: the loss goes from %.4f to %.4f; in f32 to %.4f", precision, first, got, want)
		}
	}
	// Layers computed again give the same gradients, also with microbatches.
	parts := strings.Replace(text, "  clip clip_at\n", "  clip clip_at\n  recompute layers\n", 1)
	for _, more := range [][]string{{"layers", "2"}, {"layers", "2", "accumulate", "2"}} {
		p, q := buildText(t, "gpt2.wf", parts, set(append(more, "batch_size", "2")...)), buildText(t, "gpt2.wf", text, set(append(more, "batch_size", "2")...))
		if p.IR.Proc(partsProc) == nil || len(p.IR.Proc(partsProc).Body) != 3 || q.IR.Proc(partsProc) != nil {
			t.Error("two layers and the rest make three parts")
		}
		_, again := trained(t, p, 10)
		if _, kept := trained(t, q, 10); math.Abs(again-kept) > 1e-5 {
			t.Errorf("%v: recomputed %.7f, kept %.7f", more, again, kept)
		}
	}
	// Twice the same microbatch of two is the same mean as the two sequences at once.
	_, once := trained(t, buildText(t, "gpt2.wf", text, set("batch_size", "2")), 10)
	p := buildText(t, "gpt2.wf", text, set("batch_size", "2", "accumulate", "2"))
	if p.Plan.Micro == "" || p.Plan.Accumulate != 2 || p.Plan.Batch != 2 {
		t.Errorf("plan %+v", p.Plan)
	}
	if _, twice := trained(t, p, 10); math.Abs(twice-once) > 1e-5 {
		t.Errorf("accumulated: %.7f, at once %.7f", twice, once)
	}
}
