// Package hf moves weights between the models of this project and Hugging Face directories (config.json and safetensors), for GPT-2,
// Cerebras-GPT, BTLM, Celerity and Llama.
//
// In between stands a [Model]: the tensors of a decoder in one canonical form, every matrix [out, in], queries, keys and values apart.
// layout.go says how each family names and stores them (GPT-2's Conv1D is [in, out], with the three packed), weights.go how the
// models of this project do: their dims have names, so orientation and packing are read off, not assumed.
//
// Sources: the modelling code and configurations of the families in transformers, BTLM's and Celerity's own; which of the two
// generations of muP fields a file has is found out (config.go).
package hf

import (
	"fmt"
	"math"
	"sort"
	"strings"
)

// Families.
const (
	GPT2        = "gpt2"
	CerebrasGPT = "cerebras_gpt" // GPT-2's class and layout; its muP models have BTLM's class with learned positions
	BTLM        = "btlm"
	Celerity    = "celerity"
	Llama       = "llama"
)

// Families lists them.
func Families() []string { return []string{GPT2, CerebrasGPT, BTLM, Celerity, Llama} }

// Tensor is a vector or a matrix [out, in], row-major.
type Tensor struct {
	Shape []int
	V     []float32
}

// Model is the weights of a decoder. Keys are slots: "wte", "wpe", "lnf.w", "lnf.b", "head", and per layer "3.ln1.w", "3.q", "3.q.b",
// "3.k", "3.v", "3.o", "3.ln2.w", "3.up", "3.gate", "3.down" with their biases.
type Model struct {
	Config Config
	W      map[string]*Tensor
}

// slot names the tensor of a layer.
func slot(layer int, name string) string { return fmt.Sprintf("%d.%s", layer, name) }

// Slots lists the tensors the configuration calls for, in a fixed order; optional ones (biases) end in "?".
func (c *Config) slots() []string {
	out := []string{"wte"}
	if c.Positions == Learned {
		out = append(out, "wpe")
	}
	b := func(name string) string {
		if c.Family == Llama {
			return name + "?"
		}
		return name
	}
	for l := range c.Layers {
		names := []string{"ln1.w"}
		if !c.RMSNorm() {
			names = append(names, "ln1.b")
		}
		names = append(names, "q", "k", "v", b("q.b"), b("k.b"), b("v.b"), "o", b("o.b"), "ln2.w")
		if !c.RMSNorm() {
			names = append(names, "ln2.b")
		}
		names = append(names, "up", b("up.b"))
		if c.Gated() {
			names = append(names, "gate", b("gate.b"))
		}
		names = append(names, "down", b("down.b"))
		for _, n := range names {
			out = append(out, slot(l, n))
		}
	}
	out = append(out, "lnf.w")
	if !c.RMSNorm() {
		out = append(out, "lnf.b")
	}
	if !c.Tied {
		out = append(out, "head")
	}
	return out
}

// shape is what the configuration says of a slot.
func (c *Config) shape(s string) []int {
	kind := s[strings.IndexByte(s, '.')+1:]
	switch s {
	case "wte", "head":
		return []int{c.Vocab, c.Width}
	case "wpe":
		return []int{c.Context, c.Width}
	}
	kv := c.Groups * c.HeadDim
	switch kind {
	case "q":
		return []int{c.Heads * c.HeadDim, c.Width}
	case "k", "v":
		return []int{kv, c.Width}
	case "q.b":
		return []int{c.Heads * c.HeadDim}
	case "k.b", "v.b":
		return []int{kv}
	case "o":
		return []int{c.Width, c.Heads * c.HeadDim}
	case "up", "gate":
		return []int{c.FFN, c.Width}
	case "up.b", "gate.b":
		return []int{c.FFN}
	case "down":
		return []int{c.Width, c.FFN}
	}
	return []int{c.Width} // norms, biases of outputs
}

// Check compares the tensors with the configuration.
func (m *Model) Check() error {
	if err := m.Config.check(); err != nil {
		return err
	}
	want := map[string]bool{}
	for _, s := range m.Config.slots() {
		name, optional := strings.CutSuffix(s, "?")
		want[name] = true
		t := m.W[name]
		if t == nil {
			if optional {
				continue
			}
			return fmt.Errorf("the tensor %s is missing", name)
		}
		shape := m.Config.shape(name)
		n := 1
		for _, d := range shape {
			n *= d
		}
		if fmt.Sprint(t.Shape) != fmt.Sprint(shape) || len(t.V) != n {
			return fmt.Errorf("tensor %s has shape %v, the configuration says %v", name, t.Shape, shape)
		}
	}
	for _, name := range m.names() {
		if !want[name] {
			return fmt.Errorf("tensor %s is not one of a %s model with %d layers", name, m.Config.Family, m.Config.Layers)
		}
	}
	return nil
}

func (m *Model) names() []string {
	out := make([]string, 0, len(m.W))
	for n := range m.W {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// transpose swaps the two dimensions of a matrix of r rows and c columns.
func transpose(v []float32, r, c int) []float32 {
	out := make([]float32, len(v))
	for i := range r {
		for j := range c {
			out[j*r+i] = v[i*c+j]
		}
	}
	return out
}

// scale multiplies a tensor, if it is there, in f64, rounded once.
func (m *Model) scale(name string, by float64) {
	t := m.W[name]
	if t == nil || by == 1 {
		return
	}
	v := make([]float32, len(t.V))
	for i, x := range t.V {
		v[i] = float32(float64(x) * by)
	}
	m.W[name] = &Tensor{t.Shape, v}
}

// Fold multiplies the forward multipliers of muP and CompleteP into the weights, so that the model computes the same without them:
//
//	embeddings  x embed scale, both word and position
//	head        x logits scale; it is no longer tied to the embedding
//	keys        x 1/sqrt(head) where scores are divided by the head's size instead of its root
//	outputs     of attention and MLP x the scale of their branch
func (m *Model) Fold() {
	c := &m.Config
	if c.Tied && (c.EmbedScale != 1 || c.LogitsScale != 1) {
		t := m.W["wte"]
		m.W["head"] = &Tensor{t.Shape, t.V}
		c.Tied = false
	}
	m.scale("wte", c.EmbedScale)
	m.scale("wpe", c.EmbedScale)
	if !c.Tied {
		m.scale("head", c.LogitsScale)
	}
	for l := range c.Layers {
		if c.ScaleByD {
			f := 1 / math.Sqrt(float64(c.HeadDim))
			m.scale(slot(l, "k"), f)
			m.scale(slot(l, "k.b"), f)
		}
		for _, b := range []struct {
			name string
			by   float64
		}{{"o", c.MHAScale}, {"down", c.MLPScale}} {
			m.scale(slot(l, b.name), b.by)
			m.scale(slot(l, b.name+".b"), b.by)
		}
	}
	c.EmbedScale, c.LogitsScale, c.MHAScale, c.MLPScale, c.ScaleByD, c.WidthScale = 1, 1, 1, 1, false, 0
}

// MuP says whether the model has forward multipliers.
func (c *Config) MuP() bool {
	return c.EmbedScale != 1 || c.LogitsScale != 1 || c.MHAScale != 1 || c.MLPScale != 1 || c.ScaleByD
}
