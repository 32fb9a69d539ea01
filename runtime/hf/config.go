package hf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// Positions.
const (
	Learned = "learned"
	ALiBi   = "alibi"
	RoPE    = "rope"
)

// Config is the shape of a model and its forward multipliers.
type Config struct {
	Family                       string
	Layers, Width, Heads         int
	Groups                       int // heads of keys and values; Heads unless grouped
	HeadDim, FFN, Context, Vocab int
	Eps, Theta                   float64 // of norms; of RoPE
	Tied                         bool    // head is the embedding
	Positions                    string
	Activation                   string // gelu_new, swiglu, squared_relu, silu, ..
	EmbedScale, LogitsScale      float64
	WidthScale                   float64 // the part of LogitsScale that comes from the width; 0: none
	MHAScale, MLPScale           float64 // of the residual branches (CompleteP)
	ScaleByD                     bool    // scores are divided by the head's size, not its root
	InitStd                      float64
	OldMuP                       bool // the first generation of names of the muP fields
	DType                        string
}

// RMSNorm says which norm: no biases, no means.
func (c *Config) RMSNorm() bool { return c.Family == Llama }

// Gated says whether the MLP has a gate.
func (c *Config) Gated() bool { return c.Family == Llama || c.Activation == "swiglu" }

// Limits against nonsense: beyond any model, and products of two stay below 2^63.
const most = 1 << 28

func (c *Config) check() error {
	known := false
	for _, f := range Families() {
		known = known || f == c.Family
	}
	if !known {
		return fmt.Errorf("unknown family %q; there are %v", c.Family, Families())
	}
	for _, f := range []struct {
		name string
		v    int
	}{{"layers", c.Layers}, {"width", c.Width}, {"heads", c.Heads}, {"groups", c.Groups}, {"head size", c.HeadDim}, {"ffn", c.FFN}, {"context", c.Context}, {"vocabulary", c.Vocab}} {
		if f.v < 1 || f.v > most {
			return fmt.Errorf("%s: %d", f.name, f.v)
		}
	}
	if c.Layers > 1<<16 || c.Heads > 1<<16 || c.HeadDim > 1<<16 {
		return fmt.Errorf("%d layers of %d heads of %d", c.Layers, c.Heads, c.HeadDim)
	}
	if c.Heads%c.Groups != 0 {
		return fmt.Errorf("%d heads in %d groups", c.Heads, c.Groups)
	}
	if c.Family != Llama && (c.Groups != c.Heads || c.Heads*c.HeadDim != c.Width) {
		return fmt.Errorf("a %s model has heads x head size = width: %d x %d and %d", c.Family, c.Heads, c.HeadDim, c.Width)
	}
	for _, f := range []float64{c.EmbedScale, c.LogitsScale, c.MHAScale, c.MLPScale, c.Eps} {
		if !(math.Abs(f) < 1e30) {
			return fmt.Errorf("a multiplier of %v", f)
		}
	}
	switch c.Positions {
	case Learned, ALiBi, RoPE:
		return nil
	}
	return fmt.Errorf("positions %q", c.Positions)
}

// fields reads config.json leniently: numbers, booleans and texts by name, null as absent.
type fields map[string]any

func (f fields) num(def float64, names ...string) float64 {
	for _, n := range names {
		if v, ok := f[n].(float64); ok {
			return v
		}
	}
	return def
}

func (f fields) int(def int, names ...string) int {
	v := f.num(math.NaN(), names...)
	if v != math.Trunc(v) || math.Abs(v) > 1<<40 { // also NaN
		return def
	}
	return int(v)
}

func (f fields) text(def string, names ...string) string {
	for _, n := range names {
		if v, ok := f[n].(string); ok {
			return v
		}
	}
	return def
}

func (f fields) flag(def bool, names ...string) bool {
	for _, n := range names {
		if v, ok := f[n].(bool); ok {
			return v
		}
	}
	return def
}

func (f fields) has(names ...string) bool {
	for _, n := range names {
		if f[n] != nil {
			return true
		}
	}
	return false
}

// ParseConfig reads config.json of any family.
func ParseConfig(b []byte) (*Config, error) {
	f := fields{}
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	c := &Config{EmbedScale: 1, LogitsScale: 1, MHAScale: 1, MLPScale: 1, DType: f.text("float32", "torch_dtype", "dtype"), InitStd: f.num(0.02, "initializer_range")}
	switch t := f.text("", "model_type"); t {
	case "gpt2", "btlm", "celerity", "cerebras_gpt":
		c.Family = t
		switch {
		case f.has("mhsa_residual_scale", "mlp_residual_scale"):
			c.Family = Celerity // also where it is kept under another name
		case t == "gpt2" && f.has("embeddings_scale", "mup_embeddings_scale"):
			c.Family = BTLM
		}
		c.gpt(f)
	case "llama":
		c.Family = Llama
		c.llama(f)
	case "":
		return nil, fmt.Errorf("no model_type")
	default:
		return nil, fmt.Errorf("model_type %q; there are gpt2, btlm, celerity and llama", t)
	}
	if err := f.unknown(); err != nil {
		return nil, err
	}
	return c, c.check()
}

// unknown refuses what changes what a model computes and is not computed here; values that change nothing are taken.
func (f fields) unknown() error {
	for _, x := range []struct {
		name string
		ok   func(v any) bool
		what string
	}{
		{"rope_scaling", plainRope, "scaled rotary positions"},
		{"rope_parameters", plainRope, "scaled rotary positions"},
		{"alibi_scaling", isNil, "scaled ALiBi"},
		{"scale_attn_weights", isBool(true), "scores that are not divided"},
		{"scale_attn_by_inverse_layer_idx", isBool(false), "scores divided by the number of the layer"},
		{"quantization_config", isNil, "quantised weights"},
		{"sliding_window", isNil, "a window of attention"},
		{"add_cross_attention", isBool(false), "cross attention"},
	} {
		if v, there := f[x.name]; there && v != nil && !x.ok(v) {
			return fmt.Errorf("%s asks for %s, which is not supported", x.name, x.what)
		}
	}
	return nil
}

func isNil(v any) bool                { return v == nil }
func isBool(want bool) func(any) bool { return func(v any) bool { return v == want } }

// plainRope takes rotary positions without scaling.
func plainRope(v any) bool {
	m, ok := v.(map[string]any)
	kind := fields(m).text("default", "rope_type", "type")
	return ok && kind == "default"
}

// gpt reads the fields of the GPT-2 kind.
func (c *Config) gpt(f fields) {
	c.Layers, c.Width, c.Heads = f.int(0, "n_layer"), f.int(0, "n_embd"), f.int(0, "n_head")
	c.Groups, c.Context, c.Vocab = c.Heads, f.int(0, "n_positions", "n_ctx"), f.int(0, "vocab_size")
	if c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
	ffn := 4
	if c.Family == Celerity {
		ffn = 8
	}
	c.FFN = f.int(ffn*min(max(c.Width, 0), most), "n_inner")
	c.Eps = f.num(1e-5, "layer_norm_epsilon")
	c.Tied = f.flag(c.Family != Celerity, "tie_word_embeddings")
	act, pos := "gelu_new", Learned
	if c.Family == BTLM {
		pos = ALiBi
	}
	if c.Family == Celerity {
		act, pos = "squared_relu", ALiBi
	}
	c.Activation, c.Positions = f.text(act, "activation_function"), f.text(pos, "position_embedding_type")
	// Two generations: mup_* with alpha and width apart, and plain names with their product.
	c.OldMuP = f.has("embeddings_scale", "output_logits_scale", "scale_qk_dot_by_d")
	c.EmbedScale = f.num(1, "mup_embeddings_scale", "embeddings_scale")
	c.LogitsScale = f.num(1, "output_logits_scale")
	if f.has("mup_output_alpha", "mup_width_scale") {
		w := f.num(1, "mup_width_scale")
		c.LogitsScale = f.num(1, "mup_output_alpha") * w
		if w != 1 {
			c.WidthScale = w
		}
	}
	c.ScaleByD = f.flag(false, "mup_scale_qk_dot_by_d", "scale_qk_dot_by_d")
	c.MHAScale, c.MLPScale = f.num(1, "mhsa_residual_scale"), f.num(1, "mlp_residual_scale")
}

func (c *Config) llama(f fields) {
	c.Layers, c.Width, c.Heads = f.int(0, "num_hidden_layers"), f.int(0, "hidden_size"), f.int(0, "num_attention_heads")
	c.Groups, c.FFN = f.int(c.Heads, "num_key_value_heads"), f.int(0, "intermediate_size")
	if c.Heads > 0 {
		c.HeadDim = f.int(c.Width/c.Heads, "head_dim")
	}
	c.Context, c.Vocab = f.int(2048, "max_position_embeddings"), f.int(0, "vocab_size")
	c.Eps, c.Theta = f.num(1e-6, "rms_norm_eps"), f.num(10000, "rope_theta")
	if p, ok := f["rope_parameters"].(map[string]any); ok { // where newer files have it
		c.Theta = fields(p).num(c.Theta, "rope_theta")
	}
	c.Tied, c.Activation, c.Positions = f.flag(false, "tie_word_embeddings"), f.text("silu", "hidden_act"), RoPE
}

// entry is a field of config.json: written in order.
type entry struct {
	key string
	val any
}

// JSON is config.json.
func (c *Config) JSON() ([]byte, error) {
	var e []entry
	add := func(key string, val any) { e = append(e, entry{key, val}) }
	if c.Family == Llama {
		add("architectures", []string{"LlamaForCausalLM"})
		add("attention_bias", false)
		add("head_dim", c.HeadDim)
		add("hidden_act", c.Activation)
		add("hidden_size", c.Width)
		add("initializer_range", c.InitStd)
		add("intermediate_size", c.FFN)
		add("max_position_embeddings", c.Context)
		add("mlp_bias", false)
		add("model_type", "llama")
		add("num_attention_heads", c.Heads)
		add("num_hidden_layers", c.Layers)
		add("num_key_value_heads", c.Groups)
		add("rms_norm_eps", c.Eps)
		add("rope_theta", c.Theta)
	} else {
		c.gptEntries(add)
	}
	add("tie_word_embeddings", c.Tied)
	add("torch_dtype", c.DType)
	add("vocab_size", c.Vocab)
	return object(e)
}

// endOfText is the token between texts of GPT-2's tokenizer.
const endOfText = 50256

func (c *Config) gptEntries(add func(string, any)) {
	kind, arch := c.Family, "GPT2LMHeadModel"
	switch {
	case c.Family == CerebrasGPT && c.MuP():
		kind, arch = BTLM, "BTLMLMHeadModel" // its muP models have BTLM's class
	case c.Family == CerebrasGPT:
		kind = GPT2
	case c.Family == BTLM:
		arch = "BTLMLMHeadModel"
	case c.Family == Celerity:
		arch = "CelerityLMHeadModel"
	}
	add("activation_function", c.Activation)
	add("architectures", []string{arch})
	if c.Vocab > endOfText {
		add("bos_token_id", endOfText)
		add("eos_token_id", endOfText)
	}
	add("initializer_range", c.InitStd)
	add("layer_norm_epsilon", c.Eps)
	add("model_type", kind)
	add("n_embd", c.Width)
	add("n_head", c.Heads)
	add("n_inner", c.FFN)
	add("n_layer", c.Layers)
	add("n_positions", c.Context)
	if kind != GPT2 {
		add("position_embedding_type", c.Positions)
		if c.Family == Celerity || c.OldMuP {
			add("embeddings_scale", c.EmbedScale)
			add("output_logits_scale", c.LogitsScale)
			add("scale_qk_dot_by_d", c.ScaleByD)
		} else {
			add("mup_embeddings_scale", c.EmbedScale)
			width := c.WidthScale
			if width == 0 {
				width = 1
			}
			add("mup_output_alpha", c.LogitsScale/width)
			add("mup_width_scale", width)
			add("mup_scale_qk_dot_by_d", c.ScaleByD)
		}
	}
	if c.Family == Celerity {
		add("mhsa_residual_scale", c.MHAScale)
		add("mlp_residual_scale", c.MLPScale)
	}
	add("scale_attn_weights", true)
}

// object writes a JSON object in the order of its entries.
func object(e []entry) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("{\n")
	for i, x := range e {
		v, err := json.Marshal(x.val)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "  %q: %s", x.key, v)
		if i < len(e)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}
