package train

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The published training costs of Celerity 300M and 3.9B at 234 tokens per weight: 1.47e20 and 2.89e22 (arXiv 2509.25087, table 10).
func TestFlops(t *testing.T) {
	for _, c := range []struct{ d, layers, tokens, want float64 }{{640, 13, 63.4e9, 1.466e20}, {2048, 40, 909.2e9, 2.894e22}} {
		v, s := 128256.0, 8192.0
		params := 2*v*c.d + c.layers*(4*c.d*c.d+16*c.d*c.d+4*c.d+9*c.d+4*c.d) + 2*c.d
		got := c.tokens * FlopsPerToken(params, v, c.d, c.layers, s)
		if math.Abs(got/c.want-1) > 2e-3 {
			t.Errorf("%v: %.4g FLOPs, published %.4g", c.d, got, c.want)
		}
	}
}

func TestPlanCounts(t *testing.T) {
	p := &Plan{Steps: 10, Batch: 2, Context: 8, Accumulate: 4, Ramp: []Ramp{{2, 1}, {3, 2}}, Weights: []Weight{{Shape: []int{3, 4}, Elem: "f32"}, {Elem: "f16"}},
		State: []State{{Elem: "f64", Shape: []int{2}}}}
	var micros []int
	sum := 0
	for n := range int64(10) {
		micros = append(micros, p.Micros(n, p.Accumulate))
		sum += micros[n]
	}
	if d := cmp.Diff([]int{1, 1, 2, 2, 2, 4, 4, 4, 4, 4}, micros); d != "" {
		t.Error(d)
	}
	if got := p.AllTokens(); got != float64(sum*16) {
		t.Errorf("%v tokens, want %d", got, sum*16)
	}
	p.Phases = []Phase{{Steps: 4, Batch: 2, Context: 8, Accumulate: 4}, {Steps: 6, Batch: 1, Context: 16, Accumulate: 4}}
	if got := p.AllTokens(); got != float64(sum*16) {
		t.Errorf("%v tokens in two phases, want %d", got, sum*16)
	}
	if p.Params() != 13 {
		t.Error(p.Params())
	}
	if w, all := p.StateBytes(); w != 50 || all != 66 {
		t.Error(w, all)
	}
	if got := StepsFor(1000, 64); got != 16 {
		t.Error(got)
	}
	for _, bad := range []float64{0, -1, math.NaN()} {
		if StepsFor(bad, 64) != 0 {
			t.Error(bad)
		}
	}
	text := p.Estimate(500, 1e12, 0)
	for _, want := range []string{"13 weights", "phase 2", "warmup", "seen 0.896 times", "(estimate)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	b, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	q, err := ParsePlan(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, q); d != "" {
		t.Error(d)
	}
}

// Every phase costs what its own context does.
func TestFlopsOfPhases(t *testing.T) {
	p := &Plan{Vocab: 100, Context: 64, FlopsPerToken: FlopsPerToken(0, 100, 8, 2, 64), Config: map[string]float64{"width": 8, "layers": 2}, Steps: 5,
		Phases: []Phase{{Steps: 3, Batch: 2, Context: 16}, {Steps: 2, Batch: 1, Context: 64}}}
	want := 3*2*16*FlopsPerToken(0, 100, 8, 2, 16) + 2*64*p.FlopsPerToken
	if got := p.FlopsOf(0, 5); got != want {
		t.Errorf("%g, want %g", got, want)
	}
}

func TestPick(t *testing.T) {
	l := []float64{0, math.Log(3), math.Log(4), math.Inf(-1)}
	for _, c := range []struct {
		temperature float64
		topK        int
		u           float64
		want        int32
	}{{0, 0, 0.99, 2}, {1, 0, 0, 2}, {1, 0, 0.49, 2}, {1, 0, 0.51, 1}, {1, 0, 0.87, 1}, {1, 0, 0.88, 0}, {1, 1, 0.99, 2}, {1, 2, 0.99, 1}, {1e-3, 0, 0.999, 2}, {1, 9, 1 - 1e-16, 0}} {
		if got, err := Pick(l, c.temperature, c.topK, c.u); err != nil || got != c.want {
			t.Errorf("%+v: %d, %v", c, got, err)
		}
	}
	if _, err := Pick([]float64{math.NaN()}, 1, 0, 0); err == nil {
		t.Error("NaN was picked")
	}
	if got, err := Pick([]float64{math.Inf(1), 0}, 1, 0, 0.5); err != nil || got != 0 {
		t.Error(got, err)
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte(`{"step":"s","weights":[{"name":"w","shape":[1]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ParsePlan(b); err == nil {
			p.Estimate(10, 1e9, 1)
		}
	})
}
