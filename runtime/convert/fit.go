package convert

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/runtime/hf"
	"github.com/wfc-lang/wfc/runtime/train"
)

// Misfit says in what a file and a program differ, so that the weights of one mean nothing in the other.
type Misfit struct {
	What     []string // "width 768, the program's 32"
	Settings []string // d=768: what of it parameters of the program settle
	Fold     bool     // some multipliers differ: a folded file has none
}

func (m *Misfit) Error() string {
	return "the file does not fit the program: " + strings.Join(m.What, "; ")
}

// Help says what to do.
func (m *Misfit) Help() string {
	var s []string
	for _, x := range m.Settings {
		s = append(s, "--set "+x)
	}
	help := strings.Join(s, " ")
	if m.Fold {
		if help != "" {
			help += "; "
		}
		help += "--fold multiplies the file's multipliers into its weights, for a program without any"
	}
	if help == "" {
		help = "take a model of the file's kind: --model"
	}
	return help
}

// fits compares what a file says of its model with the program that is to hold its weights.
func fits(file *hf.Config, p *train.Plan, ws []hf.Weight, forward map[string]float64) error {
	prog, err := Config(p, nil)
	if err != nil {
		return err
	}
	prog = multipliers(prog, ws, forward)
	if prog, err = hf.Shape(ws, prog); err != nil {
		return err
	}
	m := &Misfit{}
	set := func(name string, v float64) {
		if _, ok := p.Config[name]; ok && name != "" {
			m.Settings = append(m.Settings, name+"="+strconv.FormatFloat(v, 'g', 10, 64))
		}
	}
	text := func(what, f, q string) {
		if f != q {
			m.What = append(m.What, fmt.Sprintf("%s %s, the program's %s", what, f, q))
		}
	}
	text("positions", file.Positions, prog.Positions)
	text("activation", activation(file), activation(&prog))
	if len(m.What) > 0 {
		return m // another kind of model
	}
	first := func(names ...string) string { // the parameter that decides
		for _, n := range names {
			if _, ok := p.Config[n]; ok {
				return n
			}
		}
		return ""
	}
	number := func(what string, f, q float64, name string, tol float64) {
		if math.Abs(f-q) > tol*math.Abs(f) {
			m.What = append(m.What, fmt.Sprintf("%s %v, the program's %v", what, f, q))
			set(name, f)
		}
	}
	count := func(what string, f, q int, name string) { number(what, float64(f), float64(q), name, 0) }
	count("width", file.Width, prog.Width, first(hf.WidthName(ws), "d"))
	count("layers", file.Layers, prog.Layers, "layers")
	if rep := first("rep"); rep != "" && file.Heads%max(1, file.Groups) == 0 {
		count("heads of keys and values", file.Groups, prog.Groups, "groups")
		count("heads of queries for each", file.Heads/max(1, file.Groups), prog.Heads/max(1, prog.Groups), rep)
	} else {
		count("heads", file.Heads, prog.Heads, "heads")
		if file.Groups != file.Heads || prog.Groups != prog.Heads {
			count("heads of keys and values", file.Groups, prog.Groups, "groups")
		}
	}
	if slices.Equal([]int{file.Width, file.Heads}, []int{prog.Width, prog.Heads}) {
		count("size of a head", file.HeadDim, prog.HeadDim, "head_dim")
	}
	if name := first(hf.FFNName(ws)); name != "" || file.Width == prog.Width { // else it follows from the width
		count("width of the MLP", file.FFN, prog.FFN, name)
	}
	count("vocabulary", file.Vocab, prog.Vocab, p.VocabParam)
	if file.Positions == hf.Learned && prog.Positions == hf.Learned {
		name := first("positions", "ctx", "context")
		if file.Context < p.Context { // no context is longer
			name = first("ctx", "context")
		}
		count("positions", file.Context, prog.Context, name)
	}
	number("epsilon of the norms", file.Eps, prog.Eps, "eps", 1e-6)
	if file.Positions == hf.RoPE && prog.Positions == hf.RoPE {
		number("base of the rotary positions", file.Theta, prog.Theta, "theta", 1e-6)
	}
	if len(m.What) > 0 {
		return m // the multipliers of a rule table follow from the shape
	}
	for _, f := range []struct {
		what    string
		a, b    float64
		name    string
		besides float64 // what else is in the program's
	}{{"multiplier of embeddings", file.EmbedScale, prog.EmbedScale, "embed_scale", 1},
		{"multiplier of logits", file.LogitsScale, prog.LogitsScale, "alpha", prog.LogitsScale / one(p.Config["alpha"])},
		{"multiplier of attention's branch", file.MHAScale, prog.MHAScale, "mha_scale", one(p.Config["forward.residual"])},
		{"multiplier of the MLP's branch", file.MLPScale, prog.MLPScale, "mlp_scale", one(p.Config["forward.residual"])}} {
		if math.Abs(f.a-f.b) > 2e-3*math.Abs(f.b) { // published files have three digits
			m.What, m.Fold = append(m.What, fmt.Sprintf("%s %.6g, the program's %.6g", f.what, f.a, f.b)), true
			set(f.name, f.a/f.besides)
		}
	}
	if file.ScaleByD != prog.ScaleByD {
		by := map[bool]string{true: "the head's size", false: "its root"}
		m.What, m.Fold = append(m.What, fmt.Sprintf("scores divided by %s, the program's by %s", by[file.ScaleByD], by[prog.ScaleByD])), true
	}
	if len(m.What) == 0 {
		return nil
	}
	return m
}

// activation names a function in one way.
func activation(c *hf.Config) string {
	switch c.Activation {
	case "gelu_pytorch_tanh", "gelu_fast":
		return "gelu_new"
	case "swish":
		return "silu"
	case "relu2":
		return "squared_relu"
	}
	return c.Activation
}
