package convert_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/ckpt"
	"github.com/wfc-lang/wfc/runtime/convert"
	"github.com/wfc-lang/wfc/runtime/gguf"
	"github.com/wfc-lang/wfc/runtime/hf"
	"github.com/wfc-lang/wfc/runtime/safetensors"
	"github.com/wfc-lang/wfc/runtime/tokens"
	"github.com/wfc-lang/wfc/runtime/train"
)

// plan builds a model of the repository, at a small size.
func plan(t *testing.T, name string, set map[string]string) *train.Plan {
	t.Helper()
	src, err := wfc.ReadSource(filepath.Join("../../models", name+".wf"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := wfc.Build(src, wfc.BuildOptions{Set: set, IndexOnly: true})
	if err != nil {
		t.Fatal(name, err)
	}
	if p.Plan == nil || p.Plan.Family != name {
		t.Fatalf("%s has no plan of its family", name)
	}
	return p.Plan
}

// checkpoint writes weights that half precision holds exactly.
func checkpoint(t *testing.T, p *train.Plan) *ckpt.Checkpoint {
	t.Helper()
	text, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	s := &ckpt.Snapshot{Run: ckpt.Run{Model: p.Model, Plan: text}, Groups: []ckpt.Group{{Name: ckpt.Weights}}}
	rng := rand.New(rand.NewPCG(8, 9))
	for _, w := range p.Weights {
		v := ir.NewTensor(ir.F32, w.Shape...)
		for i := range v.F32 {
			v.F32[i] = float32(rng.IntN(255)-127) / 128
		}
		s.Groups[0].Tensors = append(s.Groups[0].Tensors, ckpt.Named{Name: w.Name, T: v})
	}
	dir := filepath.Join(t.TempDir(), "c")
	if err := ckpt.WriteDir(ckpt.OS, dir, s); err != nil {
		t.Fatal(err)
	}
	c, err := ckpt.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var small = map[string]map[string]string{
	"gpt2":         {"ctx": "6", "d": "8", "layers": "2", "vocab": "11"},
	"cerebras_gpt": {"ctx": "6", "d": "16", "layers": "2", "vocab": "11", "parametrisation": "mup", "embed_scale": "10"},
	"btlm":         {"d": "16", "layers": "2", "vocab": "11", "ffn": "20", "total": "1e4", "base": "256"},
	"celerity":     {"ctx": "6", "d": "16", "layers": "2", "vocab": "11", "total": "1e4", "base": "256"},
	"llama":        {"ctx": "6", "d": "16", "layers": "2", "vocab": "11", "ffn": "20"},
}

// The weights of every model of the repository go out and come back as they were, in every type, whole and sharded.
func TestModels(t *testing.T) {
	for _, name := range hf.Families() {
		p := plan(t, name, small[name])
		c := checkpoint(t, p)
		want, err := c.Group(ckpt.Weights)
		if err != nil {
			t.Fatal(err)
		}
		m, err := convert.FromCheckpoint(c, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		if e := m.Config.Eps; e != 0 && e != 1e-5 { // the optimizer has one of its own
			t.Errorf("%s: norms with epsilon %g", name, e)
		}
		for _, o := range []hf.ExportOptions{{}, {DType: safetensors.F16, Shard: 900}, {DType: safetensors.BF16}} {
			dir := t.TempDir()
			if err := hf.Export(m, dir, o); err != nil {
				t.Fatal(name, err)
			}
			got, err := hf.Import(dir)
			if err != nil {
				t.Fatal(name, err)
			}
			if d := cmp.Diff(m.W, got.W); d != "" {
				t.Errorf("%s: %s", name, d)
			}
			s, err := convert.ToCheckpoint(got, p)
			if err != nil {
				t.Fatal(name, err)
			}
			if d := cmp.Diff(want, s.Groups[0].Tensors); d != "" {
				t.Errorf("%s: %s", name, d)
			}
			config(t, name, &got.Config)
		}
		for _, k := range []gguf.Type{gguf.F32, gguf.F16, gguf.Q8} {
			var w bytes.Buffer
			if err := gguf.WriteModel(&w, m, name, k, tokens.Spec{}); err != nil || !strings.HasPrefix(w.String(), "GGUF") {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Without a plan the names are the usual ones; out again it is the same model.
		s, err := convert.ToCheckpoint(m, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		dir := filepath.Join(t.TempDir(), "c")
		if err := ckpt.WriteDir(ckpt.OS, dir, s); err != nil {
			t.Fatal(err)
		}
		g, err := ckpt.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		again, err := convert.FromCheckpoint(g, nil)
		if err != nil {
			t.Fatal(name, err)
		}
		if d := cmp.Diff(m, again); d != "" {
			t.Errorf("%s without a plan: %s", name, d)
		}
	}
}

// config checks the multipliers, which follow from the published constants and the width: 16/256 of that they were tuned at.
func config(t *testing.T, name string, c *hf.Config) {
	t.Helper()
	near := func(what string, got, want float64) {
		if math.Abs(got/want-1) > 1e-12 {
			t.Errorf("%s: %s is %v, want %v", name, what, got, want)
		}
	}
	embed, logits, mha, mlp, byD := 1.0, 1.0, 1.0, 1.0, false
	switch name {
	case "cerebras_gpt":
		embed, logits, byD = 10, 16, true
	case "btlm":
		embed, logits, byD = 14.6, 2.22*16, true
	case "celerity":
		logits, mha, mlp, byD = 16, 0.86445/2, 0.5055/2, true
	}
	near("embed", c.EmbedScale, embed)
	near("logits", c.LogitsScale, logits)
	near("mha", c.MHAScale, mha)
	near("mlp", c.MLPScale, mlp)
	if c.ScaleByD != byD {
		t.Errorf("%s: scale by d is %v", name, c.ScaleByD)
	}
}

// What is not known is said.
func TestRefused(t *testing.T) {
	p := plan(t, "gpt2", small["gpt2"])
	p.Family = ""
	if _, err := convert.FromCheckpoint(checkpoint(t, p), nil); err == nil || !strings.Contains(err.Error(), "not known") {
		t.Error(err)
	}
	p = plan(t, "celerity", small["celerity"])
	m, err := convert.FromCheckpoint(checkpoint(t, p), nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Config.MHAScale *= 1.01
	if _, err := convert.ToCheckpoint(m, p); err == nil || !strings.Contains(err.Error(), "attention's branch") {
		t.Error(err)
	}
	m.Config.MHAScale /= 1.01
	m.Config.ScaleByD = false
	if _, err := convert.ToCheckpoint(m, p); err == nil || !strings.Contains(err.Error(), "divided by its root, the program's by the head's size") {
		t.Error(err)
	}
	if _, err := convert.Config(p, map[string]float64{"heads": 1.5}); err == nil {
		t.Error("one and a half heads")
	}
}

// Where a file and a program differ, the settings that make the program fit are said, and do.
func TestSettingsThatFit(t *testing.T) {
	other := map[string]map[string]string{
		"gpt2":  {"ctx": "7", "d": "16", "layers": "3", "heads": "4", "vocab": "13"},
		"btlm":  {"d": "16", "heads": "2", "layers": "3", "vocab": "13", "ffn": "22", "base": "256", "embed_scale": "3", "alpha": "0.5"},
		"llama": {"ctx": "6", "d": "16", "groups": "2", "rep": "4", "layers": "3", "vocab": "13", "ffn": "22", "theta": "50000", "eps": "1e-6"},
	}
	for _, name := range []string{"gpt2", "btlm", "llama"} {
		m, err := convert.FromCheckpoint(checkpoint(t, plan(t, name, other[name])), map[string]float64{})
		if err != nil {
			t.Fatal(name, err)
		}
		set := map[string]string{} // base is nothing a file says
		if base, ok := other[name]["base"]; ok {
			set["base"] = base
		}
		var fit *convert.Misfit
		for range 3 { // first the shape, then the multipliers
			if _, err = convert.ToCheckpoint(m, plan(t, name, set)); err == nil {
				break
			}
			if !errors.As(err, &fit) || len(fit.Settings) == 0 {
				t.Fatal(name, err)
			}
			for _, s := range fit.Settings {
				k, v, _ := strings.Cut(s, "=")
				set[k] = v
			}
		}
		if fit == nil || err != nil {
			t.Errorf("%s with %v: %v", name, set, err)
		}
	}
	// A model of another kind fits with no settings.
	m, err := convert.FromCheckpoint(checkpoint(t, plan(t, "llama", small["llama"])), nil)
	if err != nil {
		t.Fatal(err)
	}
	var fit *convert.Misfit
	if _, err := convert.ToCheckpoint(m, plan(t, "gpt2", small["gpt2"])); !errors.As(err, &fit) || !strings.Contains(err.Error(), "positions rope, the program's learned") {
		t.Error(err)
	}
}
