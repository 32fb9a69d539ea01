package hf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/runtime/safetensors"
)

// configs are small models of every layout.
func configs() map[string]Config {
	base := Config{Layers: 2, Width: 12, Heads: 3, Groups: 3, HeadDim: 4, FFN: 20, Context: 7, Vocab: 11, Eps: 1e-5, EmbedScale: 1, LogitsScale: 1, MHAScale: 1,
		MLPScale: 1, InitStd: 0.02, DType: "float32"}
	with := func(f func(*Config)) Config { c := base; f(&c); return c }
	return map[string]Config{
		"gpt2":        with(func(c *Config) { c.Family, c.Tied, c.Positions, c.Activation = GPT2, true, Learned, "gelu_new" }),
		"gpt2 untied": with(func(c *Config) { c.Family, c.Positions, c.Activation = GPT2, Learned, "gelu_new" }),
		"cerebras_gpt mup": with(func(c *Config) {
			c.Family, c.Tied, c.Positions, c.Activation, c.EmbedScale, c.LogitsScale, c.ScaleByD = BTLM, true, Learned, "gelu", 10, 0.5, true
		}),
		"btlm": with(func(c *Config) {
			c.Family, c.Tied, c.Positions, c.Activation, c.EmbedScale, c.LogitsScale, c.ScaleByD = BTLM, true, ALiBi, "swiglu", 14.6, 0.222, true
		}),
		"btlm old": with(func(c *Config) {
			c.Family, c.Tied, c.Positions, c.Activation, c.EmbedScale, c.LogitsScale, c.ScaleByD, c.OldMuP = BTLM, true, ALiBi, "swiglu", 14.6, 0.222, true, true
		}),
		"celerity": with(func(c *Config) {
			c.Family, c.Positions, c.Activation, c.LogitsScale, c.ScaleByD, c.MHAScale, c.MLPScale, c.OldMuP = Celerity, ALiBi, "squared_relu", 0.4, true, 0.05, 0.03, true
		}),
		"llama": with(func(c *Config) {
			c.Family, c.Heads, c.Groups, c.HeadDim, c.Positions, c.Activation, c.Theta = Llama, 4, 2, 6, RoPE, "silu", 10000
		}),
		"llama tied": with(func(c *Config) {
			c.Family, c.Tied, c.Positions, c.Activation, c.Theta = Llama, true, RoPE, "silu", 500000
		}),
	}
}

// generate fills a model with numbers that bf16 and f16 hold exactly.
func generate(c Config) *Model {
	m := &Model{Config: c, W: map[string]*Tensor{}}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, s := range c.slots() {
		if strings.HasSuffix(s, "?") {
			continue
		}
		shape := c.shape(s)
		n := 1
		for _, d := range shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.IntN(255)-127) / 128
		}
		m.W[s] = &Tensor{shape, v}
	}
	return m
}

// Every layout, in every type, whole and sharded, comes back as it was.
func TestDirectories(t *testing.T) {
	for name, c := range configs() {
		m := generate(c)
		for _, d := range []safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16} {
			for _, shard := range []int64{0, 700} {
				dir := t.TempDir()
				if err := Export(m, dir, ExportOptions{DType: d, Shard: shard}); err != nil {
					t.Fatal(name, err)
				}
				_, err := os.Stat(filepath.Join(dir, safetensors.IndexName))
				if (err == nil) != (shard > 0) {
					t.Errorf("%s: index: %v", name, err)
				}
				got, err := Import(dir)
				if err != nil {
					t.Fatal(name, d, err)
				}
				want := m.Config
				want.DType = map[safetensors.DType]string{safetensors.F32: "float32", safetensors.F16: "float16", safetensors.BF16: "bfloat16"}[d]
				if d := cmp.Diff(want, got.Config); d != "" {
					t.Errorf("%s: %s", name, d)
				}
				if d := cmp.Diff(m.W, got.W); d != "" {
					t.Errorf("%s: %s", name, d)
				}
			}
		}
	}
}

// GPT-2's matrices are [in, out] in files, with queries, keys and values side by side; Llama's are [out, in].
func TestOrientation(t *testing.T) {
	m := generate(configs()["gpt2"])
	dir := t.TempDir()
	if err := Export(m, dir, ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(filepath.Join(dir, safetensors.SingleName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := f.Floats("transformer.h.1.attn.c_attn.weight")
	if err != nil {
		t.Fatal(err)
	}
	for part, name := range []string{"q", "k", "v"} {
		for i := range 12 {
			for o := range 12 {
				if v[i*36+part*12+o] != m.W[slot(1, name)].V[o*12+i] {
					t.Fatalf("%s[%d, %d]", name, o, i)
				}
			}
		}
	}
	if s := f.Entry("transformer.h.0.mlp.c_fc.weight").Shape; s[0] != 12 || s[1] != 20 {
		t.Error(s)
	}
	if f.Entry("lm_head.weight") != nil {
		t.Error("a tied head was written")
	}
}

// Weights of this project's models, in either orientation, packed or not, with named dims, come back as they were.
func TestWeights(t *testing.T) {
	for name, c := range configs() {
		m := generate(c)
		ws := m.Weights()
		back(t, name, m, ws, c)
		if c.Family != GPT2 {
			continue
		}
		// llm.c's shapes, as models/gpt2.wf has them.
		for i := range ws {
			switch ws[i].Name[strings.IndexByte(ws[i].Name, '.')+1:] {
			case "wte":
				ws[i].Dims = []string{"vocab", "d"}
			case "wpe":
				ws[i].Dims = []string{"seq", "d"}
			case "head":
				ws[i].Dims = []string{"vocab", "d"}
			case "qkvw":
				ws[i].Shape, ws[i].Dims = []int{3, 3, 4, 12}, []string{"qkv", "heads", "e", "d"}
			case "qkvb":
				ws[i].Shape, ws[i].Dims = []int{3, 3, 4}, []string{"qkv", "heads", "e"}
			case "attprojw":
				ws[i].Shape, ws[i].Dims = []int{12, 3, 4}, []string{"d", "heads", "e"}
			case "fcw":
				ws[i].Dims = []string{"f", "d"}
			case "fcprojw":
				ws[i].Dims = []string{"d", "f"}
			case "lnfw":
				ws[i].Dims = []string{"d"}
			}
		}
		plain := c
		plain.Heads, plain.Groups, plain.HeadDim = 0, 0, 0 // told by the dims
		back(t, name+" llm.c", m, ws, plain)
	}
	// The shapes of the design page: inputs first, groups, queries apart from keys.
	m := generate(configs()["llama"])
	ws := []Weight{{"wte", []int{11, 12}, []string{"vocab", "d"}}, {"lnfw", []int{12}, []string{"d"}}, {"head", []int{12, 11}, []string{"d", "vocab"}}}
	for l := range 2 {
		p := fmt.Sprintf("l%d.", l)
		ws = append(ws, Weight{p + "ln1", []int{12}, []string{"d"}}, Weight{p + "ln2", []int{12}, []string{"d"}},
			Weight{p + "wq", []int{12, 2, 2, 6}, []string{"d", "groups", "rep", "e"}}, Weight{p + "wk", []int{12, 2, 6}, []string{"d", "groups", "e"}},
			Weight{p + "wv", []int{12, 2, 6}, []string{"d", "groups", "e"}}, Weight{p + "wo", []int{2, 2, 6, 12}, []string{"groups", "rep", "e", "d"}},
			Weight{p + "w1", []int{12, 20}, []string{"d", "f"}}, Weight{p + "w3", []int{12, 20}, []string{"d", "f"}}, Weight{p + "w2", []int{20, 12}, []string{"f", "d"}})
	}
	c := m.Config
	c.Heads, c.Groups, c.HeadDim = 0, 0, 0
	back(t, "grouped", m, ws, c)
	v, err := m.ToWeights(ws)
	if err != nil {
		t.Fatal(err)
	}
	// wq[d, g, r, e] is row (g*2+r)*6+e of the queries.
	if v[5][((3*2+1)*2+1)*6+4] != m.W["0.q"].V[((1*2+1)*6+4)*12+3] {
		t.Error("queries are not in the order of groups and their heads")
	}
}

func back(t *testing.T, name string, m *Model, ws []Weight, c Config) {
	t.Helper()
	v, err := m.ToWeights(ws)
	if err != nil {
		t.Fatal(name, err)
	}
	got, err := FromWeights(ws, c, func(i int) ([]float32, error) { return v[i], nil })
	if err != nil {
		t.Fatal(name, err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Errorf("%s: %s", name, d)
	}
}

// forward is a decoder in f64, written for this test: logits of every token.
func forward(m *Model, toks []int) [][]float64 {
	c := &m.Config
	n, d := len(toks), c.Width
	at := func(name string, i int) float64 {
		if t := m.W[name]; t != nil {
			return float64(t.V[i])
		}
		return 0
	}
	lin := func(x []float64, w string) []float64 {
		t := m.W[w]
		y := make([]float64, t.Shape[0])
		for o := range y {
			y[o] = at(w+".b", o)
			for i, v := range x {
				y[o] += v * float64(t.V[o*len(x)+i])
			}
		}
		return y
	}
	norm := func(x []float64, w, b string) []float64 {
		mean, sq := 0.0, 0.0
		for _, v := range x {
			mean += v / float64(d)
		}
		for _, v := range x {
			sq += (v - mean) * (v - mean) / float64(d)
		}
		y := make([]float64, d)
		for i, v := range x {
			y[i] = (v-mean)/math.Sqrt(sq+c.Eps)*at(w, i) + at(b, i)
		}
		return y
	}
	x := make([][]float64, n)
	for s, t := range toks {
		x[s] = make([]float64, d)
		for i := range d {
			x[s][i] = (at("wte", t*d+i) + at("wpe", s*d+i)*boolTo(c.Positions == Learned)) * c.EmbedScale
		}
	}
	for l := range c.Layers {
		q, k, v := make([][]float64, n), make([][]float64, n), make([][]float64, n)
		for s := range n {
			a := norm(x[s], slot(l, "ln1.w"), slot(l, "ln1.b"))
			q[s], k[s], v[s] = lin(a, slot(l, "q")), lin(a, slot(l, "k")), lin(a, slot(l, "v"))
		}
		scale := 1 / math.Sqrt(float64(c.HeadDim))
		if c.ScaleByD {
			scale = 1 / float64(c.HeadDim)
		}
		for s := range n {
			y := make([]float64, d)
			for h := range c.Heads {
				p, sum := make([]float64, s+1), 0.0
				for t := range s + 1 {
					for e := range c.HeadDim {
						p[t] += q[s][h*c.HeadDim+e] * k[t][h*c.HeadDim+e]
					}
					p[t] = math.Exp(p[t] * scale)
					sum += p[t]
				}
				for t := range s + 1 {
					for e := range c.HeadDim {
						y[h*c.HeadDim+e] += p[t] / sum * v[t][h*c.HeadDim+e]
					}
				}
			}
			for i, v := range lin(y, slot(l, "o")) {
				x[s][i] += v * c.MHAScale
			}
			b := norm(x[s], slot(l, "ln2.w"), slot(l, "ln2.b"))
			u := lin(b, slot(l, "up"))
			for i := range u {
				u[i] = math.Tanh(u[i])
			}
			for i, v := range lin(u, slot(l, "down")) {
				x[s][i] += v * c.MLPScale
			}
		}
	}
	out := make([][]float64, n)
	for s := range x {
		z := norm(x[s], "lnf.w", "lnf.b")
		head := "head"
		if c.Tied {
			head = "wte"
		}
		out[s] = make([]float64, c.Vocab)
		for v := range out[s] {
			for i := range d {
				out[s][v] += z[i] * at(head, v*d+i) * c.LogitsScale
			}
		}
	}
	return out
}

func boolTo(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// A folded model has no multipliers and computes the same.
func TestFold(t *testing.T) {
	for name, c := range configs() {
		if c.RMSNorm() {
			continue
		}
		m := generate(c)
		want := forward(m, []int{3, 1, 4, 1, 5})
		dir := t.TempDir()
		if err := Export(m, dir, ExportOptions{Fold: true}); err != nil {
			t.Fatal(err)
		}
		f, err := Import(dir)
		if err != nil {
			t.Fatal(err)
		}
		if f.Config.MuP() || c.MuP() && (c.EmbedScale != 1 || c.LogitsScale != 1) && f.Config.Tied {
			t.Errorf("%s: not folded: %+v", name, f.Config)
		}
		got := forward(f, []int{3, 1, 4, 1, 5})
		for s := range want {
			for v := range want[s] {
				if math.Abs(got[s][v]-want[s][v]) > 2e-5*(1+math.Abs(want[s][v])) {
					t.Fatalf("%s: logit [%d, %d] is %v folded, %v before", name, s, v, got[s][v], want[s][v])
				}
			}
		}
		if c.MuP() && m.Config.MuP() == false {
			t.Error("the model itself was changed")
		}
	}
}

// The configurations that were published: BTLM in both generations of fields.
func TestConfigs(t *testing.T) {
	btlm := `{"model_type":"btlm","activation_function":"swiglu","n_embd":2560,"n_head":32,"n_inner":6826,"n_layer":32,"n_positions":8192,
		"position_embedding_type":"alibi","vocab_size":50257,"layer_norm_epsilon":1e-5,"initializer_range":0.073,"torch_dtype":"bfloat16",`
	for _, muP := range []string{`"mup_embeddings_scale":14.6,"mup_output_alpha":2.22,"mup_scale_qk_dot_by_d":true,"mup_width_scale":0.1}`,
		`"embeddings_scale":14.6,"output_logits_scale":0.222,"scale_qk_dot_by_d":true,"width_scale":0.1}`} {
		c, err := ParseConfig([]byte(btlm + muP))
		if err != nil {
			t.Fatal(err)
		}
		if c.EmbedScale != 14.6 || math.Abs(c.LogitsScale-0.222) > 1e-9 || !c.ScaleByD || c.FFN != 6826 || c.HeadDim != 80 || !c.Tied || c.Positions != ALiBi {
			t.Errorf("%+v", c)
		}
	}
	if c, err := ParseConfig([]byte(`{"model_type":"gpt2","n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,"vocab_size":50257,"n_inner":null}`)); err != nil || c.FFN != 3072 || !c.Tied {
		t.Errorf("%+v %v", c, err)
	}
	llama := `{"model_type":"llama","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":1,"intermediate_size":8,"vocab_size":8,` +
		`"rope_scaling":{"rope_type":"default"},"rope_parameters":{"rope_type":"default","rope_theta":5e5}}`
	if c, err := ParseConfig([]byte(llama)); err != nil || c.Theta != 5e5 {
		t.Errorf("%+v %v", c, err)
	}
	for _, bad := range []string{``, `{}`, `[]`, `{"model_type":"bert"}`, `{"model_type":"gpt2","n_embd":-1}`, `{"model_type":"gpt2","n_embd":10,"n_head":3,"n_layer":1,"n_positions":1,"vocab_size":1}`,
		`{"model_type":"llama","hidden_size":1e300}`,
		`{"model_type":"gpt2","n_embd":8,"n_head":1,"n_layer":1,"n_positions":1,"vocab_size":1,"scale_attn_weights":false}`,
		`{"model_type":"gpt2","n_embd":8,"n_head":1,"n_layer":1,"n_positions":1,"vocab_size":1,"scale_attn_by_inverse_layer_idx":true}`,
		`{"model_type":"btlm","n_embd":8,"n_head":1,"n_layer":1,"n_positions":1,"vocab_size":1,"alibi_scaling":{"type":"linear","factor":2}}`,
		`{"model_type":"llama","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":1,"intermediate_size":8,"vocab_size":8,"rope_scaling":{"rope_type":"llama3","factor":8}}`} {
		if _, err := ParseConfig([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// Files that do not fit say what does not.
func TestRefused(t *testing.T) {
	m := generate(configs()["gpt2"])
	change := func(f func(dir string)) error {
		dir := t.TempDir()
		if err := Export(m, dir, ExportOptions{}); err != nil {
			t.Fatal(err)
		}
		f(dir)
		_, err := Import(dir)
		return err
	}
	edit := func(old, new string) func(string) {
		return func(dir string) {
			p := filepath.Join(dir, ConfigFile)
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(b), old) {
				t.Fatalf("no %s in %s", old, b)
			}
			if err := os.WriteFile(p, []byte(strings.Replace(string(b), old, new, 1)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		f    func(string)
		want string
	}{
		{edit(`"n_layer": 2`, `"n_layer": 3`), "transformer.h.2.ln_1.weight is missing"},
		{edit(`"n_layer": 2`, `"n_layer": 1`), "transformer.h.1."},
		{edit(`"n_inner": 20`, `"n_inner": 21`), "shape [12 20], the configuration says [12 21]"},
		{edit(`"tie_word_embeddings": true`, `"tie_word_embeddings": false`), "lm_head.weight is missing"},
		{func(dir string) { os.Truncate(filepath.Join(dir, safetensors.SingleName), 5000) }, "cut"},
		{func(dir string) { os.Remove(filepath.Join(dir, ConfigFile)) }, ConfigFile},
	} {
		if err := change(c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	for _, w := range []Weight{{Name: "wx", Shape: []int{2}}, {Name: "x.wq", Shape: []int{2, 2}}, {Name: "wq", Shape: []int{12, 12}}, {Name: "l0.wte", Shape: []int{11, 12}}} {
		ws := append(m.Weights(), w)
		if _, err := m.ToWeights(ws); err == nil {
			t.Errorf("%v was made", w)
		}
	}
	if err := Export(m, t.TempDir(), ExportOptions{DType: safetensors.I32}); err == nil {
		t.Error("weights as integers")
	}
}

// GPT-2's own file has no "transformer." before the names, holds buffers, and may hold the tied head; BTLM's holds slopes.
func TestOldNames(t *testing.T) {
	m := generate(configs()["gpt2"])
	var all []safetensors.Tensor
	for _, s := range m.Config.layout() {
		shape, _, _ := m.Config.storedShape(&s)
		b, err := safetensors.FromFloats(safetensors.F32, m.pack(&s))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, safetensors.Tensor{Name: strings.TrimPrefix(s.name, "transformer."), DType: safetensors.F32, Shape: shape, Data: b})
	}
	head := all[0]
	head.Name = "lm_head.weight"
	all = append(all, safetensors.Tensor{Name: "h.0.attn.bias", DType: safetensors.U8, Shape: []int{1, 1, 2, 2}, Data: make([]byte, 4)},
		safetensors.Tensor{Name: "h.0.attn.masked_bias", DType: safetensors.F32, Data: make([]byte, 4)},
		safetensors.Tensor{Name: "transformer.relative_pe.slopes", DType: safetensors.F32, Shape: []int{3}, Data: make([]byte, 12)}, head)
	load := func() (*Model, error) {
		var w bytes.Buffer
		if err := safetensors.Write(&w, all, nil); err != nil {
			t.Fatal(err)
		}
		f, err := safetensors.Decode("x", w.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		set, err := safetensors.SetOf(f)
		if err != nil {
			t.Fatal(err)
		}
		return read(&m.Config, set)
	}
	got, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Error(d)
	}
	// A head that is not the embedding is one of its own, whatever the configuration says.
	other := append([]byte(nil), head.Data...)
	other[3] ^= 0x80
	all[len(all)-1].Data = other
	if got, err = load(); err != nil || got.Config.Tied || got.W["head"] == nil {
		t.Errorf("%v", err)
	}
}

// llmc writes a model file of llm.c.
func llmc(m *Model, padded int) []byte {
	c := &m.Config
	var b bytes.Buffer
	head := make([]int32, llmcHeader)
	copy(head, []int32{llmcMagic, llmcVersion, int32(c.Context), int32(c.Vocab), int32(c.Layers), int32(c.Heads), int32(c.Width), int32(padded)})
	write := func(v any) {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	write(head)
	write(m.W["wte"].V)
	write(make([]float32, (padded-c.Vocab)*c.Width))
	write(m.W["wpe"].V)
	for _, group := range []string{"ln1.w", "ln1.b", "q k v", "q.b k.b v.b", "o", "o.b", "ln2.w", "ln2.b", "up", "up.b", "down", "down.b"} {
		for l := range c.Layers {
			for _, s := range strings.Fields(group) {
				write(m.W[slot(l, s)].V)
			}
		}
	}
	write(m.W["lnf.w"].V)
	write(m.W["lnf.b"].V)
	return b.Bytes()
}

func TestLLMC(t *testing.T) {
	c := configs()["gpt2"]
	c.FFN = 4 * c.Width
	m := generate(c)
	b := llmc(m, 16)
	path := filepath.Join(t.TempDir(), "model.bin")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := ImportLLMC(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, got); d != "" {
		t.Error(d)
	}
	if !IsLLMC(path) || IsLLMC(path+"x") {
		t.Error("the file is not known")
	}
	for n := 0; n < len(b); n += 101 {
		if _, err := readLLMC(bytes.NewReader(b[:n]), int64(n)); err == nil {
			t.Fatalf("cut to %d bytes: read", n)
		}
	}
}

func FuzzLLMC(f *testing.F) {
	c := configs()["gpt2"]
	c.FFN = 4 * c.Width
	f.Add(llmc(generate(c), 16))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := readLLMC(bytes.NewReader(b), int64(len(b))); err == nil {
			if err := m.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Configuration and tensors of any bytes: a model that is read is whole, and can be written again.
func FuzzImport(f *testing.F) {
	for _, c := range configs() {
		dir := f.TempDir()
		if err := Export(generate(c), dir, ExportOptions{}); err != nil {
			f.Fatal(err)
		}
		a, err := os.ReadFile(filepath.Join(dir, ConfigFile))
		if err != nil {
			f.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, safetensors.SingleName))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a, b)
	}
	f.Fuzz(func(t *testing.T, config, data []byte) {
		c, err := ParseConfig(config)
		if err != nil || c.Layers > 1000 {
			return
		}
		file, err := safetensors.Decode("x", data)
		if err != nil {
			return
		}
		set, err := safetensors.SetOf(file)
		if err != nil {
			return
		}
		m, err := read(c, set)
		if err != nil {
			return
		}
		m.Fold()
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		for _, s := range m.Config.layout() {
			if m.W[strings.TrimSuffix(s.slots[0], "?")] != nil {
				m.pack(&s)
			}
		}
	})
}

func FuzzConfig(f *testing.F) {
	for _, c := range configs() {
		b, err := c.JSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseConfig(b)
		if err != nil || c.Layers > 100 {
			return
		}
		for _, s := range c.layout() {
			c.storedShape(&s)
		}
		if _, err := c.JSON(); err != nil {
			t.Fatal(err)
		}
	})
}
