// Package convert joins checkpoints with the files of others: weights of a run go out to Hugging Face directories and GGUF, and come in
// from Hugging Face directories. It reads the shape of a model from the plan that every checkpoint holds.
package convert

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/hf"
	"github.com/wfc-lang/wfc/runtime/train"
)

// Config is what a plan says of a model. These keys of Plan.Config are read: heads, groups, head_dim, eps, theta, the multipliers
// embed_scale, alpha (of the logits), mha_scale and mlp_scale, and those of the model's rule table: forward.output (of the logits of a tied
// head; a head of its own carries it as a weight), forward.residual (of both branches) and forward.attention, the power of the head's
// size that divides scores. more overrides them.
func Config(p *train.Plan, more map[string]float64) (hf.Config, error) {
	get := func(name string) float64 {
		if v, ok := more[name]; ok {
			return v
		}
		return p.Config[name]
	}
	var bad error
	whole := func(name string) int {
		v := get(name)
		if v != math.Trunc(v) || v < 0 || v > 1<<28 {
			bad = fmt.Errorf("%s = %v: a count is expected", name, v)
		}
		return int(v)
	}
	c := hf.Config{Family: p.Family, Heads: whole("heads"), Groups: whole("groups"), HeadDim: whole("head_dim"), Context: p.Context, Vocab: p.Vocab,
		Eps: get("eps"), Theta: get("theta"), EmbedScale: one(get("embed_scale")), LogitsScale: one(get("alpha")),
		MHAScale: one(get("mha_scale")) * one(get("forward.residual")), MLPScale: one(get("mlp_scale")) * one(get("forward.residual")),
		ScaleByD: get("forward.attention") == 1}
	if !hasHead(p) {
		w := one(get("forward.output"))
		c.LogitsScale *= w
		if w != 1 {
			c.WidthScale = w
		}
	}
	for _, ph := range p.Phases {
		c.Context = max(c.Context, ph.Context)
	}
	if c.Family == "" {
		return c, fmt.Errorf("the layout of model %s is not known; known are %v", p.Model, hf.Families())
	}
	return c, bad
}

// one is a multiplier, 1 when it is not given.
func one(v float64) float64 {
	if v == 0 {
		return 1
	}
	return v
}

func hasHead(p *train.Plan) bool {
	for _, w := range p.Weights {
		if hf.IsHead(w.Name) {
			return true
		}
	}
	return false
}

// FromCheckpoint makes a model of the weights of a checkpoint: of the copies in full precision where there are any. Multipliers that a
// rule table puts on the embedding and the head become the configuration's; others are multiplied in.
func FromCheckpoint(c *ckpt.Checkpoint, more map[string]float64) (*hf.Model, error) {
	p, err := Plan(c)
	if err != nil {
		return nil, err
	}
	cfg, err := Config(p, more)
	if err != nil {
		return nil, err
	}
	values := map[string]*ir.Tensor{}
	for _, g := range []string{ckpt.Weights, "master"} {
		if !c.Has(g) {
			continue
		}
		ts, err := c.Group(g)
		if err != nil {
			return nil, err
		}
		for _, t := range ts {
			values[t.Name] = t.T
		}
	}
	ws, forward := weights(p)
	return hf.FromWeights(ws, multipliers(cfg, ws, forward), func(i int) ([]float32, error) {
		t := values[ws[i].Name]
		if t == nil {
			return nil, fmt.Errorf("the checkpoint has no weight %s", ws[i].Name)
		}
		return scaled(t, forward[ws[i].Name]), nil
	})
}

// weights lists a plan's weights, and the multipliers of those that have one.
func weights(p *train.Plan) ([]hf.Weight, map[string]float64) {
	forward := map[string]float64{}
	ws := make([]hf.Weight, len(p.Weights))
	for i, w := range p.Weights {
		ws[i] = hf.Weight{Name: w.Name, Shape: w.Shape, Dims: w.Dims}
		if f := w.Forward; f != 0 && f != 1 {
			forward[w.Name] = f
		}
	}
	return ws, forward
}

// multipliers moves those of embedding and head into the configuration, and out of forward.
func multipliers(c hf.Config, ws []hf.Weight, forward map[string]float64) hf.Config {
	head := ""
	for _, w := range ws {
		if hf.IsHead(w.Name) {
			head = w.Name
		}
	}
	for _, w := range ws {
		f, ok := forward[w.Name]
		if !ok {
			continue
		}
		switch {
		case w.Name == head:
			c.LogitsScale *= f
		case hf.IsEmbedding(w.Name) && c.EmbedScale == 1 && forward["wpe"] == f || hf.IsEmbedding(w.Name) && !hasPositions(ws):
			c.EmbedScale *= f
			if head == "" { // tied: the head reads it with the multiplier, too
				c.LogitsScale *= f
			}
			delete(forward, "wpe")
		default:
			continue
		}
		delete(forward, w.Name)
	}
	return c
}

func hasPositions(ws []hf.Weight) bool {
	for _, w := range ws {
		if w.Name == "wpe" {
			return true
		}
	}
	return false
}

func scaled(t *ir.Tensor, f float64) []float32 {
	out := make([]float32, t.Len())
	for i := range out {
		v := t.At(i)
		if f != 0 {
			v *= f
		}
		out[i] = float32(v)
	}
	return out
}

// Plan is the plan a checkpoint was trained by.
func Plan(c *ckpt.Checkpoint) (*train.Plan, error) {
	if len(c.Run.Plan) == 0 || string(c.Run.Plan) == "null" {
		return nil, fmt.Errorf("%s does not say what model it is of", c.Dir)
	}
	return train.ParsePlan(c.Run.Plan)
}

// ToCheckpoint makes a checkpoint of weights for a model of this project. Without a plan the weights have the first names and shapes
// that package hf knows; such a checkpoint can be looked at and exported, and a run of a model with the same names begins with it.
func ToCheckpoint(m *hf.Model, p *train.Plan) (*ckpt.Snapshot, error) {
	if p == nil {
		p = generic(m)
	}
	ws, forward := weights(p)
	if err := fits(&m.Config, p, ws, forward); err != nil {
		return nil, err
	}
	if len(forward) > 0 {
		for _, w := range ws {
			if f, ok := forward[w.Name]; ok {
				return nil, fmt.Errorf("weight %s is read with the multiplier %v, which no field of a configuration says", w.Name, f)
			}
		}
	}
	values, err := m.ToWeights(ws)
	if err != nil {
		return nil, err
	}
	plan, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	s := &ckpt.Snapshot{Run: ckpt.Run{Model: p.Model, Note: "weights from a Hugging Face directory", Plan: plan}, Groups: []ckpt.Group{{Name: ckpt.Weights}}}
	for i, w := range p.Weights {
		e, ok := ir.ParseElem(w.Elem)
		if !ok || e != ir.F32 && e != ir.F16 {
			return nil, fmt.Errorf("weight %s is of %s", w.Name, w.Elem)
		}
		t := ir.NewTensor(e, w.Shape...)
		for k, v := range values[i] {
			t.F32[k] = float32(ir.RoundTo(e, float64(v)).F)
		}
		s.Groups[0].Tensors = append(s.Groups[0].Tensors, ckpt.Named{Name: w.Name, T: t})
	}
	return s, nil
}

// generic is a plan that only names weights.
func generic(m *hf.Model) *train.Plan {
	c := &m.Config
	p := &train.Plan{Model: c.Family, Family: c.Family, Batch: 1, Context: c.Context, Vocab: c.Vocab, Tokenizer: "gpt2",
		Config: map[string]float64{"heads": float64(c.Heads), "groups": float64(c.Groups), "head_dim": float64(c.HeadDim), "layers": float64(c.Layers),
			"width": float64(c.Width), "ffn": float64(c.FFN), "eps": c.Eps, "theta": c.Theta, "embed_scale": c.EmbedScale, "alpha": c.LogitsScale,
			"mha_scale": c.MHAScale, "mlp_scale": c.MLPScale}}
	if c.ScaleByD {
		p.Config["forward.attention"] = 1
	}
	if c.WidthScale != 0 {
		p.Config["alpha"], p.Config["forward.output"] = c.LogitsScale/c.WidthScale, c.WidthScale
	}
	for _, w := range m.Weights() {
		p.Weights = append(p.Weights, train.Weight{Name: w.Name, Array: w.Name, Shape: w.Shape, Elem: "f32"})
	}
	return p
}
