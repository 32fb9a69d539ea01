package train

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
)

// The gradients of every model of models/, compiled as training compiles them, are what differences of its loss give along a random
// direction per weight: attention with every kind of position, grouped heads, gated and squared activations, all norms.
func TestModelGradients(t *testing.T) {
	for model, set := range map[string]map[string]string{
		"gpt2.wf":         {"ctx": "6", "batch_size": "2"},
		"cerebras_gpt.wf": {"ctx": "6", "batch_size": "2", "d": "16", "heads": "4"},
		"llama.wf":        {"ctx": "6", "batch_size": "2", "d": "16", "ffn": "24"},
		"btlm.wf":         {"ctx": "6", "micro": "2", "d": "16", "ffn": "24"},
		"celerity.wf":     {"ctx": "6", "batch_size": "2", "d": "16"},
		"mlp.wf":          {"ctx": "6", "batch_size": "2"},
	} {
		t.Run(model, func(t *testing.T) {
			src, err := wfc.ReadSource(filepath.Join("..", "..", "models", model))
			if err != nil {
				t.Fatal(err)
			}
			built, err := wfc.Build(src, wfc.BuildOptions{Set: set})
			if err != nil {
				t.Fatal(err)
			}
			p := built.IR
			fn := "train.grad"
			if p.Func(fn) == nil {
				fn = built.Plan.Micro // adds to gradients that are zero
			}
			env, err := ir.EvalHost(p, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			data, err := interp.RunHost(p, env, nil)
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			for _, x := range []string{built.Plan.Tokens, built.Plan.Targets} {
				for k := range data[x].I32 {
					data[x].I32[k] = r.Int32N(int32(built.Plan.Vocab))
				}
			}
			for _, w := range built.Plan.Weights { // away from the initial state, where some gradients vanish
				for k := range data[w.Array].F32 {
					data[w.Array].F32[k] += float32(0.2 * r.NormFloat64())
				}
			}
			m, err := interp.New(p)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if err := m.Scalars(env); err != nil {
				t.Fatal(err)
			}
			for _, a := range p.Arrays {
				if err := m.Set(a.Name, data[a.Name]); err != nil {
					t.Fatal(err)
				}
			}
			run(t, m, fn)
			most := 0.0
			for _, w := range built.Plan.Weights {
				g := get(t, m, "g."+w.Array)
				v := make([]float64, g.Len())
				size := 0.0
				for k := range v {
					v[k] = r.NormFloat64()
					size += v[k] * v[k]
				}
				want := 0.0
				for k := range v {
					v[k] /= math.Sqrt(size)
					want += g.At(k) * v[k]
				}
				loss := func(by float64) float64 {
					x := ir.NewTensor(ir.F32, data[w.Array].Dims...)
					for k := range x.F32 {
						x.F32[k] = data[w.Array].F32[k] + float32(by*v[k])
					}
					if err := m.Set(w.Array, x); err != nil {
						t.Fatal(err)
					}
					run(t, m, built.Plan.Eval)
					return get(t, m, built.Plan.Loss).At(0)
				}
				most = max(most, math.Abs(want))
				const h = 0.02
				got := (8*(loss(h)-loss(-h)) - (loss(2*h) - loss(-2*h))) / (12 * h)
				loss(0)
				if math.Abs(got-want) > 3e-4+2e-3*math.Abs(want) {
					t.Errorf("%s: the gradient along a direction is %g, differences give %g", w.Name, want, got)
				}
			}
			if most < 0.05 {
				t.Errorf("no derivative is larger than %g", most)
			}
		})
	}
}
