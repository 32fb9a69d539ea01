package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/runtime/hf"
	"github.com/wfc-lang/wfc/runtime/tokens"
)

// parsed is a file as a reader of the format sees it, written from the format's description.
type parsed struct {
	keys    map[string]any
	tensors map[string]parsedTensor
}

type parsedTensor struct {
	dims   []uint64
	kind   uint32
	values []float32
}

type in struct {
	t *testing.T
	b []byte
	i int
}

func (r *in) take(n int) []byte {
	if r.i+n > len(r.b) {
		r.t.Fatalf("the file ends at %d, %d more are read", r.i, n)
	}
	r.i += n
	return r.b[r.i-n : r.i]
}

func (r *in) u32() uint32  { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *in) u64() uint64  { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *in) text() string { return string(r.take(int(r.u64()))) }

func (r *in) value(kind uint32) any {
	switch kind {
	case 4, 5:
		return r.u32()
	case 6:
		return math.Float32frombits(r.u32())
	case 7:
		return r.take(1)[0] == 1
	case 8:
		return r.text()
	case 9:
		k, n := r.u32(), r.u64()
		var out []any
		for range n {
			out = append(out, r.value(k))
		}
		return out
	}
	r.t.Fatalf("a value of type %d", kind)
	return nil
}

func parse(t *testing.T, b []byte) parsed {
	r := &in{t: t, b: b}
	if string(r.take(4)) != "GGUF" || r.u32() != 3 {
		t.Fatal("no GGUF 3")
	}
	n, k := r.u64(), r.u64()
	p := parsed{map[string]any{}, map[string]parsedTensor{}}
	for range k {
		name := r.text()
		p.keys[name] = r.value(r.u32())
	}
	type info struct {
		name string
		x    parsedTensor
		at   uint64
	}
	var infos []info
	for range n {
		i := info{name: r.text()}
		for range r.u32() {
			i.x.dims = append(i.x.dims, r.u64())
		}
		i.x.kind, i.at = r.u32(), r.u64()
		if i.at%32 != 0 {
			t.Errorf("%s at %d", i.name, i.at)
		}
		infos = append(infos, i)
	}
	data := (r.i + 31) / 32 * 32
	for _, i := range infos {
		r.i = data + int(i.at)
		n := uint64(1)
		for _, d := range i.x.dims {
			n *= d
		}
		for uint64(len(i.x.values)) < n {
			switch Type(i.x.kind) {
			case F32:
				i.x.values = append(i.x.values, math.Float32frombits(r.u32()))
			case F16:
				i.x.values = append(i.x.values, ieee.HalfFromBits(binary.LittleEndian.Uint16(r.take(2))))
			case Q8:
				d := ieee.HalfFromBits(binary.LittleEndian.Uint16(r.take(2)))
				for _, q := range r.take(32) {
					i.x.values = append(i.x.values, d*float32(int8(q)))
				}
			}
		}
		p.tensors[i.name] = i.x
	}
	if r.i > len(b) || len(b)%32 != 0 {
		t.Errorf("%d bytes, read to %d", len(b), r.i)
	}
	return p
}

// model makes weights that half precision holds exactly.
func model(c hf.Config) *hf.Model {
	m := &hf.Model{Config: c, W: map[string]*hf.Tensor{}}
	rng := rand.New(rand.NewPCG(1, 1))
	add := func(name string, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.IntN(255)-127) / 64
		}
		m.W[name] = &hf.Tensor{Shape: shape, V: v}
	}
	d, kv := c.Width, c.Groups*c.HeadDim
	add("wte", c.Vocab, d)
	if c.Positions == hf.Learned {
		add("wpe", c.Context, d)
	}
	vector := func(name string, n int) {
		if !c.RMSNorm() {
			add(name, n)
		}
	}
	for l := range c.Layers {
		s := fmt.Sprint(l, ".")
		add(s+"ln1.w", d)
		vector(s+"ln1.b", d)
		add(s+"ln2.w", d)
		vector(s+"ln2.b", d)
		add(s+"q", c.Heads*c.HeadDim, d)
		vector(s+"q.b", d)
		for _, n := range []string{"k", "v"} {
			add(s+n, kv, d)
			vector(s+n+".b", kv)
		}
		add(s+"o", d, c.Heads*c.HeadDim)
		vector(s+"o.b", d)
		add(s+"up", c.FFN, d)
		vector(s+"up.b", c.FFN)
		if c.Gated() {
			add(s+"gate", c.FFN, d)
			vector(s+"gate.b", c.FFN)
		}
		add(s+"down", d, c.FFN)
		vector(s+"down.b", d)
	}
	add("lnf.w", d)
	vector("lnf.b", d)
	if !c.Tied {
		add("head", c.Vocab, d)
	}
	return m
}

func config(family, positions, activation string) hf.Config {
	return hf.Config{Family: family, Layers: 2, Width: 32, Heads: 4, Groups: 4, HeadDim: 8, FFN: 40, Context: 6, Vocab: 9, Eps: 1e-5, Theta: 1e4, Tied: family != hf.Llama,
		Positions: positions, Activation: activation, EmbedScale: 1, LogitsScale: 1, MHAScale: 1, MLPScale: 1}
}

func TestModels(t *testing.T) {
	llama := config(hf.Llama, hf.RoPE, "silu")
	llama.Groups = 2
	btlm := config(hf.BTLM, hf.ALiBi, "swiglu")
	btlm.EmbedScale, btlm.LogitsScale, btlm.ScaleByD = 2, 0.5, true
	for _, c := range []hf.Config{config(hf.GPT2, hf.Learned, "gelu_new"), llama, btlm} {
		m := model(c)
		for _, kind := range []Type{F32, F16, Q8} {
			var w bytes.Buffer
			if err := WriteModel(&w, m, "x", kind, tokens.Spec{}); err != nil {
				t.Fatal(err)
			}
			p := parse(t, w.Bytes())
			arch := Architecture(&c)
			if p.keys["general.architecture"] != arch || p.keys[arch+".attention.head_count_kv"] != uint32(c.Groups) || p.keys[arch+".block_count"] != uint32(2) {
				t.Errorf("%v", p.keys)
			}
			x := p.tensors["blk.1.ffn_down.weight"]
			if d := cmp.Diff([]uint64{40, 32}, x.dims); d != "" { // in first
				t.Error(d)
			}
			if want := map[Type]Type{F32: F32, F16: F16, Q8: F16}[kind]; Type(x.kind) != want { // 40 is no multiple of 32
				t.Errorf("type %d", x.kind)
			}
			if d := cmp.Diff(m.W["1.down"].V, x.values); d != "" {
				t.Error(d)
			}
			if x := p.tensors["blk.0.attn_norm.weight"]; Type(x.kind) != F32 || !cmp.Equal(x.values, m.W["0.ln1.w"].V) {
				t.Error("norm", x)
			}
			if x := p.tensors["blk.0.ffn_up.weight"]; Type(x.kind) != kind {
				t.Errorf("ffn_up is of type %d", x.kind)
			} else {
				near(t, m.W["0.up"].V, x.values, kind)
			}
			count := map[string]int{hf.GPT2: 2 + 2*12 + 2, hf.Llama: 1 + 2*9 + 2, hf.BTLM: 1 + 2*14 + 3}[c.Family]
			if len(p.tensors) != count {
				t.Errorf("%s: %d tensors, want %d", c.Family, len(p.tensors), count)
			}
		}
	}
}

// near: Q8_0 is within half a step of the block's scale and the rounding of the scale.
func near(t *testing.T, want, got []float32, kind Type) {
	t.Helper()
	for i := range want {
		tol := 0.0
		if kind == Q8 {
			tol = 2.0/127*0.5 + 2*0x1p-11
		}
		if math.Abs(float64(want[i]-got[i])) > tol {
			t.Fatalf("value %d is %v, was %v", i, got[i], want[i])
		}
	}
}

// BTLM's multipliers: the embedding and the head are folded, the scores' scale is the architecture's own.
func TestFolded(t *testing.T) {
	c := config(hf.BTLM, hf.ALiBi, "swiglu")
	c.EmbedScale, c.LogitsScale, c.ScaleByD = 2, 0.5, true
	m := model(c)
	var w bytes.Buffer
	if err := WriteModel(&w, m, "x", F32, tokens.Spec{}); err != nil {
		t.Fatal(err)
	}
	p := parse(t, w.Bytes())
	for i, v := range m.W["wte"].V {
		if p.tensors["token_embd.weight"].values[i] != 2*v || p.tensors["output.weight"].values[i] != v/2 {
			t.Fatal("embedding and head are not folded")
		}
	}
	if q := p.tensors["blk.0.attn_qkv.weight"].values; q[32*32] != m.W["0.k"].V[0] {
		t.Error("keys were changed")
	}
	m.Config.ScaleByD = false
	w.Reset()
	if err := WriteModel(&w, m, "x", F32, tokens.Spec{}); err != nil {
		t.Fatal(err)
	}
	if q := parse(t, w.Bytes()).tensors["blk.0.attn_qkv.weight"].values; q[32*32] != float32(float64(m.W["0.k"].V[0])*math.Sqrt(8)) {
		t.Error("keys are not scaled")
	}
}

// Rotating pairs of the reordered rows is rotating halves of the original ones.
func TestInterleave(t *testing.T) {
	x := &hf.Tensor{Shape: []int{8, 1}, V: []float32{0, 1, 2, 3, 4, 5, 6, 7}}
	if d := cmp.Diff([]float32{0, 2, 1, 3, 4, 6, 5, 7}, interleave(x, 4).V); d != "" {
		t.Error(d)
	}
}

// Known blocks of Q8_0.
func TestQ8(t *testing.T) {
	v := make([]float32, 32)
	v[0], v[1], v[2], v[3] = 127, -63.5, 0.49, -0.5
	b := appendQ8(nil, v)
	want := append([]byte{0x00, 0x3c, 127, 0xc0, 0, 0xff}, make([]byte, 28)...)
	if d := cmp.Diff(want, b); d != "" {
		t.Error(d)
	}
	if b := appendQ8(nil, make([]float32, 32)); !bytes.Equal(b, make([]byte, 34)) {
		t.Errorf("zeros are %v", b)
	}
}

func TestVocabulary(t *testing.T) {
	var w bytes.Buffer
	c := config(hf.GPT2, hf.Learned, "gelu_new")
	if err := WriteModel(&w, model(c), "x", F32, tokens.Spec{Kind: tokens.GPT2}); err != nil {
		t.Fatal(err)
	}
	p := parse(t, w.Bytes())
	toks, merges := p.keys["tokenizer.ggml.tokens"].([]any), p.keys["tokenizer.ggml.merges"].([]any)
	// GPT-2's files have 50,257 tokens and 50,000 merges, of which the first is "Ġ t", then "Ġ a", "h e".
	if len(toks) != 50257 || len(merges) != 50000 || merges[0] != "Ġ t" || merges[1] != "Ġ a" || merges[2] != "h e" || toks[995] != "Ġworld" || toks[198] != "Ċ" {
		t.Errorf("%d tokens, %d merges: %v %v %v", len(toks), len(merges), merges[:3], toks[995], toks[198])
	}
}

func TestRefused(t *testing.T) {
	for _, x := range []Tensor{{"a", []int{2}, F32, []float32{1}}, {"a", []int{33}, Q8, make([]float32, 33)}, {"a", nil, F32, []float32{1}}} {
		if err := Write(&bytes.Buffer{}, nil, []Tensor{x}); err == nil {
			t.Errorf("%v was written", x)
		}
	}
	if err := Write(&bytes.Buffer{}, []Key{{"a", 1.5}}, nil); err == nil {
		t.Error("a key of an unknown type was written")
	}
}
