package hf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/runtime/safetensors"
)

func indexJSON(ix *safetensors.Index) ([]byte, error) {
	b, err := json.MarshalIndent(ix, "", "  ")
	return append(b, '\n'), err
}

// Weight describes a weight of a model of this project.
type Weight struct {
	Name  string // logical: wte, l3.wq
	Shape []int
	Dims  []string // names of its dimensions; nil when they are not known
}

// aliases are the logical names of the slots, without the layer; the first is what is made when there is no model to follow. A slot
// with "+" is a packed one: its weight holds the slots one after another along [out].
var aliases = []struct {
	slots []string
	names []string
}{
	{[]string{"wte"}, []string{"wte", "embed"}},
	{[]string{"wpe"}, []string{"wpe"}},
	{[]string{"lnf.w"}, []string{"lnfw", "lnf", "normf"}},
	{[]string{"lnf.b"}, []string{"lnfb"}},
	{[]string{"head"}, []string{"head", "lmhead", "wlm", "unembed"}},
	{[]string{"ln1.w"}, []string{"ln1w", "ln1", "norm1", "n1"}},
	{[]string{"ln1.b"}, []string{"ln1b"}},
	{[]string{"ln2.w"}, []string{"ln2w", "ln2", "norm2", "n2"}},
	{[]string{"ln2.b"}, []string{"ln2b"}},
	{[]string{"q", "k", "v"}, []string{"qkvw", "wqkv"}},
	{[]string{"q.b", "k.b", "v.b"}, []string{"qkvb", "bqkv"}},
	{[]string{"q"}, []string{"wq", "qw"}},
	{[]string{"k"}, []string{"wk", "kw"}},
	{[]string{"v"}, []string{"wv", "vw"}},
	{[]string{"q.b"}, []string{"bq", "qb"}},
	{[]string{"k.b"}, []string{"bk", "kb"}},
	{[]string{"v.b"}, []string{"bv", "vb"}},
	{[]string{"o"}, []string{"attprojw", "wo", "ow"}},
	{[]string{"o.b"}, []string{"attprojb", "bo", "ob"}},
	{[]string{"up"}, []string{"fcw", "w1", "wup"}},
	{[]string{"up.b"}, []string{"fcb", "b1", "bup"}},
	{[]string{"gate"}, []string{"gatew", "fc2w", "w3", "wgate"}},
	{[]string{"gate.b"}, []string{"gateb", "fc2b", "b3", "bgate"}},
	{[]string{"down"}, []string{"fcprojw", "w2", "wdown"}},
	{[]string{"down.b"}, []string{"fcprojb", "b2", "bdown"}},
}

// slotsOf finds what a logical name stands for.
func slotsOf(name string) (slots []string, layer int, err error) {
	layer = -1
	base := name
	if l, rest, ok := strings.Cut(name, "."); ok {
		digits := strings.TrimLeft(l, "abcdefghijklmnopqrstuvwxyz")
		if layer, err = strconv.Atoi(digits); err != nil || layer < 0 || layer > 1<<16 {
			return nil, 0, fmt.Errorf("weight %s: %q is no layer", name, l)
		}
		base = rest
	}
	for _, a := range aliases {
		if !slices.Contains(a.names, base) {
			continue
		}
		inLayer := !slices.Contains([]string{"wte", "wpe", "lnf.w", "lnf.b", "head"}, a.slots[0])
		if inLayer != (layer >= 0) {
			continue
		}
		for _, s := range a.slots {
			if inLayer {
				s = slot(layer, s)
			}
			slots = append(slots, s)
		}
		return slots, layer, nil
	}
	return nil, 0, fmt.Errorf("weight %s is none that %v models have", name, Families())
}

// orient says how the dimensions of a weight make a matrix: out and in sizes, and whether it is stored [in, out]. width is the name of
// the dimension of the residual stream, size its extent.
func orient(w *Weight, slots []string, width string, size int) (rows, cols int, conv bool, err error) {
	n := 1
	for _, d := range w.Shape {
		n *= d
	}
	kind := slots[0][strings.IndexByte(slots[0], '.')+1:]
	switch {
	case strings.HasSuffix(kind, ".b"), strings.HasPrefix(kind, "ln"), strings.HasSuffix(kind, ".w"), strings.HasPrefix(slots[0], "lnf"), kind == "w", kind == "b":
		return n, 1, false, nil
	}
	first, last := w.Shape[0], w.Shape[len(w.Shape)-1]
	if len(w.Shape) < 2 {
		return 0, 0, false, fmt.Errorf("weight %s has shape %v", w.Name, w.Shape)
	}
	outIsWidth := kind == "o" || kind == "down"
	// Which end is the width?
	atFirst := outIsWidth
	if len(w.Dims) == len(w.Shape) && width != "" {
		f, l := w.Dims[0] == width, w.Dims[len(w.Dims)-1] == width
		if f == l {
			return 0, 0, false, fmt.Errorf("weight %s%v: one of its ends must be the width %s", w.Name, w.Dims, width)
		}
		atFirst = f
	} else if (atFirst && first != size || !atFirst && last != size) && (first == size || last == size) {
		atFirst = first == size
	}
	end := last
	if atFirst {
		end = first
	}
	if end != size || size == 0 {
		return 0, 0, false, fmt.Errorf("weight %s has shape %v; one of its ends must be the width %d", w.Name, w.Shape, size)
	}
	rows, cols = n/size, size // [out, in] with in the width
	if outIsWidth {
		rows, cols = size, n/size
	}
	// [width first] is [out, in] where out is the width, [in, out] otherwise.
	return rows, cols, atFirst != outIsWidth, nil
}

// widthOf is the name and size of the residual stream's dimension: that of the last norm.
func widthOf(ws []Weight) (string, int) {
	for _, w := range ws {
		if s, _, err := slotsOf(w.Name); err == nil && s[0] == "lnf.w" && len(w.Shape) == 1 {
			name := ""
			if len(w.Dims) == 1 {
				name = w.Dims[0]
			}
			return name, w.Shape[0]
		}
	}
	return "", 0
}

// WidthName is the name of the width's dimension, "" when it has none.
func WidthName(ws []Weight) string {
	name, _ := widthOf(ws)
	return name
}

// FFNName is the name of the dimension inside the MLP, "" when it has none.
func FFNName(ws []Weight) string {
	width, _ := widthOf(ws)
	for _, w := range ws {
		if s, layer, err := slotsOf(w.Name); err == nil && layer == 0 && s[0] == slot(0, "up") && len(w.Dims) == 2 {
			if w.Dims[0] == width {
				return w.Dims[1]
			}
			return w.Dims[0]
		}
	}
	return ""
}

// Shape completes a configuration by what the weights of a model of this project tell: its fields that are 0 are found from them; heads
// must be given, or be a dimension named heads.
func Shape(ws []Weight, c Config) (Config, error) {
	width, size := widthOf(ws)
	if size == 0 {
		return c, fmt.Errorf("there is no last norm (lnfw), which would tell the width")
	}
	c.Width, c.Layers, c.Tied = size, 0, true
	for i := range ws {
		slots, layer, err := slotsOf(ws[i].Name)
		if err != nil {
			return c, err
		}
		rows, _, _, err := orient(&ws[i], slots, width, size)
		if err != nil {
			return c, err
		}
		c.Layers = max(c.Layers, layer+1)
		c.Tied = c.Tied && slots[0] != "head"
		c.learn(&ws[i], slots, rows)
	}
	c.finish()
	return c, nil
}

// FromWeights makes a model of the weights of a model of this project; see Shape for the configuration.
func FromWeights(ws []Weight, c Config, get func(i int) ([]float32, error)) (*Model, error) {
	c, err := Shape(ws, c)
	if err != nil {
		return nil, err
	}
	m := &Model{Config: c, W: map[string]*Tensor{}}
	width, size := widthOf(ws)
	for i := range ws {
		w := &ws[i]
		slots, _, err := slotsOf(w.Name)
		if err != nil {
			return nil, err
		}
		rows, cols, conv, err := orient(w, slots, width, size)
		if err != nil {
			return nil, err
		}
		v, err := get(i)
		if err != nil {
			return nil, err
		}
		if len(v) != rows*cols || rows%len(slots) != 0 && len(slots) > 1 {
			return nil, fmt.Errorf("weight %s has %d values for %v", w.Name, len(v), w.Shape)
		}
		if conv {
			v = transpose(v, cols, rows)
		}
		part := rows / len(slots) * cols
		for k, s := range slots {
			shape := []int{rows / len(slots), cols}
			if cols == 1 {
				shape = shape[:1]
			}
			if m.W[s] != nil {
				return nil, fmt.Errorf("two weights are %s", s)
			}
			m.W[s] = &Tensor{shape, v[k*part : (k+1)*part : (k+1)*part]}
		}
	}
	return m, m.Check()
}

// learn takes what a weight tells of the shape.
func (c *Config) learn(w *Weight, slots []string, rows int) {
	kind := slots[0][strings.IndexByte(slots[0], '.')+1:]
	switch kind {
	case "wte":
		c.Vocab = w.Shape[0]
	case "wpe":
		c.Context, c.Positions = w.Shape[0], Learned
	case "up":
		c.FFN = rows
	}
	for i, d := range w.Dims {
		switch d {
		case "heads":
			c.Heads = w.Shape[i]
		case "groups":
			c.Groups = w.Shape[i]
		}
	}
	if i, j := slices.Index(w.Dims, "groups"), slices.Index(w.Dims, "rep"); i >= 0 && j >= 0 && kind == "q" {
		c.Heads = w.Shape[i] * w.Shape[j]
	}
	if kind == "q" && len(slots) == 1 && c.Heads > 0 && c.HeadDim == 0 {
		c.HeadDim = rows / c.Heads
	}
}

// finish fills what is left with the family's habits.
func (c *Config) finish() {
	def := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	for _, p := range []*float64{&c.EmbedScale, &c.LogitsScale, &c.MHAScale, &c.MLPScale} {
		def(p, 1)
	}
	def(&c.Eps, 1e-5)
	if c.Positions == RoPE || c.Family == Llama {
		def(&c.Theta, 10000)
	}
	def(&c.InitStd, 0.02)
	if c.Groups == 0 {
		c.Groups = c.Heads
	}
	if c.HeadDim == 0 && c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
	if c.DType == "" {
		c.DType = "float32"
	}
	if c.Positions == "" {
		c.Positions = map[string]string{BTLM: ALiBi, Celerity: ALiBi, Llama: RoPE}[c.Family]
		if c.Positions == "" {
			c.Positions = Learned
		}
	}
	if c.Activation == "" {
		c.Activation = map[string]string{BTLM: "swiglu", Celerity: "squared_relu", Llama: "silu", CerebrasGPT: "gelu"}[c.Family]
		if c.Activation == "" {
			c.Activation = "gelu_new"
		}
	}
}

// ToWeights gives the values of the weights of a model of this project.
func (m *Model) ToWeights(ws []Weight) ([][]float32, error) {
	width, size := widthOf(ws)
	if size != m.Config.Width {
		return nil, fmt.Errorf("the file has width %d, the program %d", m.Config.Width, size)
	}
	used := map[string]bool{}
	out := make([][]float32, len(ws))
	for i := range ws {
		slots, _, err := slotsOf(ws[i].Name)
		if err != nil {
			return nil, err
		}
		rows, cols, conv, err := orient(&ws[i], slots, width, size)
		if err != nil {
			return nil, err
		}
		var v []float32
		for _, s := range slots {
			t := m.W[s]
			if t == nil && strings.HasPrefix(s, "head") {
				t = m.W["wte"]
			}
			if t == nil {
				return nil, fmt.Errorf("weight %s: the file has no tensor for %s", ws[i].Name, s)
			}
			used[s] = true
			v = append(v, t.V...)
		}
		if len(v) != rows*cols {
			return nil, fmt.Errorf("weight %s has shape %v, the file holds %d values for it", ws[i].Name, ws[i].Shape, len(v))
		}
		if conv {
			v = transpose(v, rows, cols)
		}
		out[i] = v
	}
	for _, n := range m.names() {
		if !used[n] && n == "head" {
			return nil, fmt.Errorf("the file's head is not its embedding (folding parts them), the program's is: take a model with a head of its own")
		}
		if !used[n] {
			return nil, fmt.Errorf("the file has the tensor %s, the program does not", n)
		}
	}
	return out, nil
}

// Weights lists the weights as a model would have them that follows the first names, with shapes of matrices [out, in].
func (m *Model) Weights() []Weight {
	var out []Weight
	add := func(layer int, slots ...string) {
		for _, a := range aliases {
			if !slices.Equal(a.slots, slots) {
				continue
			}
			rows, cols := 0, 1
			name := a.names[0]
			for _, s := range slots {
				if layer >= 0 {
					s = slot(layer, s)
				}
				t := m.W[s]
				if t == nil {
					return
				}
				rows += t.Shape[0]
				if len(t.Shape) > 1 {
					cols = t.Shape[1]
				}
			}
			if layer >= 0 {
				name = fmt.Sprintf("l%d.%s", layer, name)
			}
			shape := []int{rows, cols}
			if cols == 1 {
				shape = shape[:1]
			}
			out = append(out, Weight{Name: name, Shape: shape})
			return
		}
	}
	add(-1, "wte")
	add(-1, "wpe")
	for l := range m.Config.Layers {
		add(l, "ln1.w")
		add(l, "ln1.b")
		if m.Config.Family == Llama {
			for _, s := range []string{"q", "k", "v", "q.b", "k.b", "v.b"} {
				add(l, s)
			}
		} else {
			add(l, "q", "k", "v")
			add(l, "q.b", "k.b", "v.b")
		}
		for _, s := range []string{"o", "o.b", "ln2.w", "ln2.b", "up", "up.b", "gate", "gate.b", "down", "down.b"} {
			add(l, s)
		}
	}
	add(-1, "lnf.w")
	add(-1, "lnf.b")
	add(-1, "head")
	return out
}

// IsHead says whether a logical name is that of the head.
func IsHead(name string) bool { return stands(name, "head") }

// IsEmbedding says whether a logical name is that of the word embedding.
func IsEmbedding(name string) bool { return stands(name, "wte") }

func stands(name, slot string) bool {
	s, _, err := slotsOf(name)
	return err == nil && s[0] == slot
}
