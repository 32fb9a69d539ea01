package gguf

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/runtime/hf"
	"github.com/wfc-lang/wfc/runtime/tokens"
)

// Architecture is the name under which llama.cpp knows a model: gpt2 and llama; jais, which is BTLM's shape (ALiBi, SwiGLU, scores over
// the head's size). Celerity's squared ReLU with ALiBi has none yet: the file says celerity.
func Architecture(c *hf.Config) string {
	switch {
	case c.Family == hf.Llama, c.Family == hf.Celerity:
		return c.Family
	case c.Positions == hf.ALiBi:
		return "jais"
	}
	return "gpt2"
}

// names of the slots of a layer.
var names = map[string]string{"ln1": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "ln2": "ffn_norm", "up": "ffn_up",
	"gate": "ffn_gate", "down": "ffn_down"}

// WriteModel writes a model. Multipliers of muP are folded into the weights, but for the scale of the scores where the architecture has
// its own. Vocabulary is added for the GPT-2 tokenizer; other tokenizers have no form in the format.
func WriteModel(w io.Writer, m *hf.Model, name string, t Type, tokenizer tokens.Spec) error {
	if err := m.Check(); err != nil {
		return err
	}
	c := &hf.Model{Config: m.Config, W: map[string]*hf.Tensor{}}
	for k, v := range m.W {
		c.W[k] = v
	}
	arch := Architecture(&c.Config)
	byD := arch == "jais"
	if byD && !c.Config.ScaleByD {
		for l := range c.Config.Layers {
			scale(c, fmt.Sprintf("%d.k", l), math.Sqrt(float64(c.Config.HeadDim)))
			scale(c, fmt.Sprintf("%d.k.b", l), math.Sqrt(float64(c.Config.HeadDim)))
		}
	}
	if byD {
		c.Config.ScaleByD = false // it stays as it is
	}
	c.Fold()
	keys := header(&c.Config, arch, name, t)
	if tokenizer.Kind == tokens.GPT2 {
		keys = append(keys, vocabulary()...)
	}
	return Write(w, keys, tensors(c, t))
}

func scale(m *hf.Model, name string, by float64) {
	x := m.W[name]
	if x == nil {
		return
	}
	v := make([]float32, len(x.V))
	for i := range v {
		v[i] = float32(float64(x.V[i]) * by)
	}
	m.W[name] = &hf.Tensor{Shape: x.Shape, V: v}
}

func header(c *hf.Config, arch, name string, t Type) []Key {
	u := func(v int) uint32 { return uint32(v) }
	k := []Key{{"general.architecture", arch}, {"general.name", name}, {"general.alignment", uint32(alignment)}, {"general.file_type", t.fileType()},
		{arch + ".context_length", u(c.Context)}, {arch + ".embedding_length", u(c.Width)}, {arch + ".block_count", u(c.Layers)},
		{arch + ".feed_forward_length", u(c.FFN)}, {arch + ".attention.head_count", u(c.Heads)}, {arch + ".attention.head_count_kv", u(c.Groups)},
		{arch + ".vocab_size", u(c.Vocab)}}
	if c.RMSNorm() {
		return append(k, Key{arch + ".attention.layer_norm_rms_epsilon", float32(c.Eps)}, Key{arch + ".rope.dimension_count", u(c.HeadDim)},
			Key{arch + ".rope.freq_base", float32(c.Theta)}, Key{arch + ".attention.key_length", u(c.HeadDim)}, Key{arch + ".attention.value_length", u(c.HeadDim)})
	}
	k = append(k, Key{arch + ".attention.layer_norm_epsilon", float32(c.Eps)})
	if c.Positions == hf.ALiBi {
		k = append(k, Key{arch + ".attention.max_alibi_bias", float32(8)})
	}
	return k
}

// tensors are the model's under the format's names.
func tensors(m *hf.Model, t Type) []Tensor {
	c := &m.Config
	var out []Tensor
	add := func(name string, slots ...string) {
		var v []float32
		rows, cols := 0, 0
		for _, s := range slots {
			x := m.W[s]
			if x == nil {
				return
			}
			v = append(v, x.V...)
			rows += x.Shape[0]
			if len(x.Shape) > 1 {
				cols = x.Shape[1]
			}
		}
		if cols == 0 {
			out = append(out, Tensor{name, []int{rows}, F32, v})
			return
		}
		kind := t
		if name == "position_embd.weight" {
			kind = F32
		} else if kind == Q8 && cols%block != 0 {
			kind = F16 // rows are no whole blocks
		}
		out = append(out, Tensor{name, []int{rows, cols}, kind, v})
	}
	add("token_embd.weight", "wte")
	add("position_embd.weight", "wpe")
	for l := range c.Layers {
		p, s := fmt.Sprintf("blk.%d.", l), strconv.Itoa(l)+"."
		norm := func(n string) {
			add(p+names[n]+".weight", s+n+".w")
			add(p+names[n]+".bias", s+n+".b")
		}
		both := func(n string) {
			add(p+names[n]+".weight", s+n)
			add(p+names[n]+".bias", s+n+".b")
		}
		norm("ln1")
		if c.Family == hf.Llama {
			for _, n := range []string{"q", "k"} {
				for _, part := range []string{"", ".b"} {
					if x := m.W[s+n+part]; x != nil {
						m.W[s+n+part] = interleave(x, c.HeadDim)
					}
				}
				both(n)
			}
			both("v")
		} else {
			add(p+"attn_qkv.weight", s+"q", s+"k", s+"v")
			add(p+"attn_qkv.bias", s+"q.b", s+"k.b", s+"v.b")
		}
		both("o")
		norm("ln2")
		both("gate")
		both("up")
		both("down")
	}
	add("output_norm.weight", "lnf.w")
	add("output_norm.bias", "lnf.b")
	add("output.weight", "head")
	return out
}

// interleave reorders the rows of every head from halves (i and i + e/2 turn together) to pairs (2i and 2i + 1), which the llama
// architecture expects.
func interleave(t *hf.Tensor, e int) *hf.Tensor {
	cols := 1
	if len(t.Shape) > 1 {
		cols = t.Shape[1]
	}
	v := make([]float32, 0, len(t.V))
	for h := 0; h < t.Shape[0]; h += e {
		for i := range e {
			from := h + i/2 + i%2*(e/2)
			v = append(v, t.V[from*cols:(from+1)*cols]...)
		}
	}
	return &hf.Tensor{Shape: t.Shape, V: v}
}

// vocabulary is GPT-2's: tokens in its printable alphabet of bytes, and the merges, found from the order of the tokens.
func vocabulary() []Key {
	pieces, merges := tokens.GPT2Vocabulary()
	kinds := make([]int32, len(pieces))
	texts := make([]string, len(pieces))
	for i, p := range pieces {
		kinds[i], texts[i] = 1, printable(p) // normal
	}
	kinds[tokens.EndOfText], texts[tokens.EndOfText] = 3, pieces[tokens.EndOfText] // control
	lines := make([]string, len(merges))
	for i, m := range merges {
		lines[i] = printable(m[0]) + " " + printable(m[1])
	}
	return []Key{{"tokenizer.ggml.model", "gpt2"}, {"tokenizer.ggml.pre", "gpt-2"}, {"tokenizer.ggml.tokens", texts}, {"tokenizer.ggml.token_type", kinds},
		{"tokenizer.ggml.merges", lines}, {"tokenizer.ggml.bos_token_id", uint32(tokens.EndOfText)}, {"tokenizer.ggml.eos_token_id", uint32(tokens.EndOfText)}}
}

// printable writes bytes in GPT-2's alphabet: a printable character for each (Radford et al. 2019, bytes_to_unicode).
func printable(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(alphabet[s[i]])
	}
	return b.String()
}

var alphabet = func() (a [256]rune) {
	next := rune(256)
	for i := range a {
		if c := rune(i); c >= '!' && c <= '~' || c >= 0xa1 && c <= 0xac || c >= 0xae {
			a[i] = c
		} else {
			a[i] = next
			next++
		}
	}
	return a
}()
