package tensor

import (
	"math"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// coordinate trains a few steps and returns how much the logits have moved, as the mean of |change|.
func coordinate(t *testing.T, name string, set map[string]string, steps int) float64 {
	t.Helper()
	p := buildText(t, name+".wf", modelText(t, name), set)
	if err := passes.Run(p.IR, &passes.Config{}); err != nil {
		t.Fatal(err)
	}
	m, run := ready(t, p)
	x, y := ir.NewTensor(ir.I32, p.Plan.Batch, p.Plan.Context), ir.NewTensor(ir.I32, p.Plan.Batch, p.Plan.Context)
	for i := range x.I32 {
		x.I32[i], y.I32[i] = int32(i*i%7), int32((i+1)*(i+1)%7)
	}
	if m.Set(p.Plan.Tokens, x) != nil || m.Set(p.Plan.Targets, y) != nil {
		t.Fatal("tokens")
	}
	logits := func() *ir.Tensor {
		run(p.Plan.Logits)
		l, err := m.Get(p.Plan.LogitsOut)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	before := logits()
	for range steps {
		run(p.Plan.Step)
	}
	after, sum := logits(), 0.0
	for i := range after.F32 {
		sum += math.Abs(float64(after.F32[i] - before.F32[i]))
	}
	return sum / float64(after.Len())
}

// The coordinate check: after a few steps the logits have moved as far in a wide model as in a narrow one under muP, and farther under
// the standard parametrisation (Yang et al. 2022; the recipe of EleutherAI/nanoGPT-mup).
func TestCoordinateCheck(t *testing.T) {
	move := func(rules string, d string) float64 {
		return coordinate(t, "cerebras_gpt", map[string]string{"parametrisation": rules, "d": d, "heads": "2", "layers": "1", "ctx": "8", "vocab": "8",
			"batch_size": "1", "steps": "100", "lr": "1e-3", "lr_end": "1e-3", "warm": "0", "std": "0.05"}, 4)
	}
	for _, c := range []struct {
		rules    string
		low, top float64
	}{{"sp", 2.5, 100}, {"mup", 0.5, 1.7}} {
		narrow, wide := move(c.rules, "16"), move(c.rules, "128")
		t.Logf("%s: %.5f at width 16, %.5f at width 128", c.rules, narrow, wide)
		if r := wide / narrow; r < c.low || r > c.top {
			t.Errorf("%s: the logits move %.3f times as far at eight times the width, expected %g to %g", c.rules, r, c.low, c.top)
		}
	}
}

// The same over depth: CompleteP's branches and rates keep the movement of a deep model near that of a shallow one (Dey et al. 2025).
func TestCoordinateCheckOfDepth(t *testing.T) {
	move := func(rules, layers string) float64 {
		return coordinate(t, "celerity", map[string]string{"parametrisation": rules, "d": "16", "heads": "2", "layers": layers, "ctx": "8",
			"vocab": "8", "batch_size": "1", "total": "800", "base": "16", "lr": "4e-3"}, 4)
	}
	for _, c := range []struct {
		rules    string
		low, top float64
	}{{"mup", 1.5, 1e6}, {"completep", 0.4, 1.45}} {
		shallow, deep := move(c.rules, "2"), move(c.rules, "10")
		t.Logf("%s: %.5f with 2 layers, %.5f with 10", c.rules, shallow, deep)
		if r := deep / shallow; r < c.low || r > c.top {
			t.Errorf("%s: the logits move %.3f times as far at five times the depth, expected %g to %g", c.rules, r, c.low, c.top)
		}
	}
}
