package hf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wfc-lang/wfc/runtime/safetensors"
)

// stored is a tensor of a file: slots packed along [out], stored [in, out] when conv.
type stored struct {
	name  string
	slots []string
	conv  bool
}

// layout lists the tensors of the family's files, in the order in which they are written. Optional slots end in "?".
func (c *Config) layout() []stored {
	var out []stored
	add := func(name string, conv bool, slots ...string) { out = append(out, stored{name, slots, conv}) }
	if c.Family == Llama {
		add("model.embed_tokens.weight", false, "wte")
		for l := range c.Layers {
			p := fmt.Sprintf("model.layers.%d.", l)
			for _, x := range [][2]string{{"input_layernorm", "ln1.w"}, {"self_attn.q_proj", "q"}, {"self_attn.k_proj", "k"}, {"self_attn.v_proj", "v"},
				{"self_attn.o_proj", "o"}, {"post_attention_layernorm", "ln2.w"}, {"mlp.gate_proj", "gate"}, {"mlp.up_proj", "up"}, {"mlp.down_proj", "down"}} {
				add(p+x[0]+".weight", false, slot(l, x[1]))
				if !strings.HasPrefix(x[1], "ln") {
					add(p+x[0]+".bias", false, slot(l, x[1])+".b?")
				}
			}
		}
		add("model.norm.weight", false, "lnf.w")
	} else {
		add("transformer.wte.weight", false, "wte")
		if c.Positions == Learned {
			add("transformer.wpe.weight", false, "wpe")
		}
		for l := range c.Layers {
			p := fmt.Sprintf("transformer.h.%d.", l)
			pair := func(name string, conv bool, slots ...string) {
				var w, b []string
				for _, s := range slots {
					if strings.HasPrefix(s, "ln") {
						w, b = append(w, slot(l, s+".w")), append(b, slot(l, s+".b"))
					} else {
						w, b = append(w, slot(l, s)), append(b, slot(l, s+".b"))
					}
				}
				add(p+name+".weight", conv, w...)
				add(p+name+".bias", false, b...)
			}
			pair("ln_1", false, "ln1")
			pair("attn.c_attn", true, "q", "k", "v")
			pair("attn.c_proj", true, "o")
			pair("ln_2", false, "ln2")
			pair("mlp.c_fc", true, "up")
			if c.Gated() {
				pair("mlp.c_fc2", true, "gate")
			}
			pair("mlp.c_proj", true, "down")
		}
		add("transformer.ln_f.weight", false, "lnf.w")
		add("transformer.ln_f.bias", false, "lnf.b")
	}
	if !c.Tied {
		add("lm_head.weight", false, "head")
	}
	return out
}

// ignored are buffers that files may hold and models compute.
func ignored(name string) bool {
	for _, s := range []string{".attn.bias", ".attn.masked_bias", "relative_pe.slopes", "rotary_emb.inv_freq"} {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}

// ConfigFile is the name of the configuration in a directory.
const ConfigFile = "config.json"

const maxConfig = 16 << 20

// Import reads a model from a directory: config.json and safetensors, in one file or sharded, f32, f16 or bf16.
func Import(dir string) (*Model, error) {
	path := filepath.Join(dir, ConfigFile)
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxConfig {
		return nil, fmt.Errorf("%s has %d bytes", path, st.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	set, err := safetensors.OpenSet(dir)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	m, err := read(c, set)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return m, nil
}

// read takes the tensors of a set.
func read(c *Config, set *safetensors.Set) (*Model, error) {
	m := &Model{Config: *c, W: map[string]*Tensor{}}
	used := map[string]bool{}
	// GPT-2's own files have no "transformer." before the names.
	find := func(name string) string {
		if set.Entry(name) == nil {
			return strings.TrimPrefix(name, "transformer.")
		}
		return name
	}
	if m.Config.Tied && set.Entry("lm_head.weight") != nil {
		if same, err := sameTensor(set, "lm_head.weight", find(m.Config.layout()[0].name)); err != nil {
			return nil, err
		} else if !same {
			m.Config.Tied = false // a file that was folded may still say so
		}
		used["lm_head.weight"] = true
	}
	for _, s := range m.Config.layout() {
		name := find(s.name)
		e := set.Entry(name)
		if e == nil {
			if strings.HasSuffix(s.slots[0], "?") {
				continue
			}
			return nil, fmt.Errorf("the tensor %s is missing", s.name)
		}
		used[name] = true
		if err := m.unpack(&s, e, set, name); err != nil {
			return nil, fmt.Errorf("tensor %s: %w", name, err)
		}
	}
	for _, n := range set.Names() {
		if !used[n] && !ignored(n) {
			return nil, fmt.Errorf("the tensor %s is not one of a %s model with %d layers", n, c.Family, c.Layers)
		}
	}
	return m, m.Check()
}

func sameTensor(set *safetensors.Set, a, b string) (bool, error) {
	x, err := set.Floats(a)
	if err != nil {
		return false, err
	}
	if set.Entry(b) == nil {
		return false, nil
	}
	y, err := set.Floats(b)
	if err != nil || len(x) != len(y) {
		return false, err
	}
	for i := range x {
		if x[i] != y[i] {
			return false, nil
		}
	}
	return true, nil
}

// unpack takes one stored tensor apart.
func (m *Model) unpack(s *stored, e *safetensors.Entry, set *safetensors.Set, name string) error {
	want, rows, cols := m.Config.storedShape(s)
	if fmt.Sprint(e.Shape) != fmt.Sprint(want) {
		return fmt.Errorf("shape %v, the configuration says %v", e.Shape, want)
	}
	v, err := set.Floats(name)
	if err != nil {
		return err
	}
	if s.conv {
		v = transpose(v, cols, rows)
	}
	for _, sl := range s.slots {
		sl = strings.TrimSuffix(sl, "?")
		shape := m.Config.shape(sl)
		n := 1
		for _, d := range shape {
			n *= d
		}
		m.W[sl] = &Tensor{shape, v[:n:n]}
		v = v[n:]
	}
	return nil
}

// storedShape is the shape in the file, and rows and columns as [out, in].
func (c *Config) storedShape(s *stored) (shape []int, rows, cols int) {
	cols = 1
	for _, sl := range s.slots {
		d := c.shape(strings.TrimSuffix(sl, "?"))
		rows += d[0]
		if len(d) > 1 {
			cols = d[1]
		}
		shape = d
	}
	if len(shape) == 1 {
		return []int{rows}, rows, 1
	}
	if s.conv {
		return []int{cols, rows}, rows, cols
	}
	return []int{rows, cols}, rows, cols
}

// ExportOptions say how a model is written.
type ExportOptions struct {
	DType safetensors.DType // F32, F16, BF16
	Shard int64             // bytes of a file at most; 0 one file
	Fold  bool              // multiply muP's multipliers in
}

// Export writes a directory: config.json and safetensors. The model is not changed.
func Export(m *Model, dir string, o ExportOptions) error {
	if err := m.Check(); err != nil {
		return err
	}
	c := &Model{Config: m.Config, W: map[string]*Tensor{}}
	for k, v := range m.W {
		c.W[k] = v
	}
	if o.Fold {
		c.Fold()
	}
	switch o.DType {
	case "", safetensors.F32:
		o.DType, c.Config.DType = safetensors.F32, "float32"
	case safetensors.F16:
		c.Config.DType = "float16"
	case safetensors.BF16:
		c.Config.DType = "bfloat16"
	default:
		return fmt.Errorf("weights are not written as %s; the types are F32, F16 and BF16", o.DType)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	text, err := c.Config.JSON()
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, ConfigFile), func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return err
	}
	return c.write(dir, o)
}

func (m *Model) write(dir string, o ExportOptions) error {
	var heads []safetensors.Tensor
	of := map[string]stored{}
	for _, s := range m.Config.layout() {
		if m.W[strings.TrimSuffix(s.slots[0], "?")] == nil {
			continue
		}
		shape, _, _ := m.Config.storedShape(&s)
		heads = append(heads, safetensors.Tensor{Name: s.name, DType: o.DType, Shape: shape})
		of[s.name] = s
	}
	files, names, index, err := safetensors.Shards(heads, o.Shard)
	if err != nil {
		return err
	}
	for i, f := range files {
		err := writeFile(filepath.Join(dir, names[i]), func(w io.Writer) error {
			return safetensors.WriteStream(w, f, map[string]string{"format": "pt"}, func(k int, w io.Writer) error {
				s := of[f[k].Name]
				b, err := safetensors.FromFloats(o.DType, m.pack(&s))
				if err == nil {
					_, err = w.Write(b)
				}
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	if index == nil {
		return nil
	}
	text, err := indexJSON(index)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, safetensors.IndexName), func(w io.Writer) error { _, err := w.Write(text); return err })
}

// pack puts the slots of a stored tensor together.
func (m *Model) pack(s *stored) []float32 {
	_, rows, cols := m.Config.storedShape(s)
	v := make([]float32, 0, rows*cols)
	for _, sl := range s.slots {
		v = append(v, m.W[strings.TrimSuffix(sl, "?")].V...)
	}
	if s.conv {
		v = transpose(v, rows, cols)
	}
	return v
}

// writeFile writes a file whole: under another name first.
func writeFile(path string, f func(io.Writer) error) error {
	w, err := os.Create(path + ".tmp")
	if err != nil {
		return err
	}
	if err = f(w); err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".tmp"))
	}
	return os.Rename(path+".tmp", path)
}
