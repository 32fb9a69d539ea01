package tensor

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
)

// The anchors: checkpoints generated as llm.c's tests do, and what llm.c computes from them on the CPU.
const (
	anchorText = "First Citizen:\nBefore we proceed any further, hear me speak.\n\nAll:\nSpeak, speak.\n\nFirst Citizen:\nYou are all resolved rather to die than to famish?\n\nAll:\nResolved. resolved.\n\nFirst Citizen:\nFirst, you know Caius Marcius is chief enemy to the people.\n\nAll:\nW"
	alphabet   = "\n !$&',-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// anchorWeights generates the weights of the model in llm.c's order: per tensor, all layers.
func anchorWeights(p *ir.Program, layers int) map[string]*ir.Tensor {
	state := uint64(1337)
	next := func() float64 {
		state ^= state >> 12
		state ^= state << 25
		state ^= state >> 27
		return float64(uint32((state*0x2545F4914F6CDD1D)>>32)>>8) / (1 << 24)
	}
	out := map[string]*ir.Tensor{}
	fill := func(array, base string) {
		std := map[string]float64{"wte": 0.02, "wpe": 0.01, "qkvw": 0.02, "fcw": 0.02, "attprojw": 0.02 / math.Sqrt(2*float64(layers)),
			"fcprojw": 0.02 / math.Sqrt(2*float64(layers))}[base]
		t := ir.NewTensor(ir.F32, p.Shape(p.Array(array))...)
		for i := range t.F32 {
			switch {
			case std > 0:
				t.F32[i] = float32(float64(float64(2*next()-1)*std) * math.Sqrt(3))
			case strings.HasPrefix(base, "ln") && strings.HasSuffix(base, "w"):
				t.F32[i] = 1
			}
		}
		out[array] = t
	}
	fill("wte", "wte")
	fill("wpe", "wpe")
	for _, base := range []string{"ln1w", "ln1b", "qkvw", "qkvb", "attprojw", "attprojb", "ln2w", "ln2b", "fcw", "fcb", "fcprojw", "fcprojb"} {
		for l := range layers {
			fill("l"+itoa(l)+"."+base, base)
		}
	}
	fill("lnfw", "lnfw")
	fill("lnfb", "lnfb")
	return out
}

func anchorTokens() (x, y *ir.Tensor) {
	x, y = ir.NewTensor(ir.I32, 4, 64), ir.NewTensor(ir.I32, 4, 64)
	for i := range 256 {
		x.I32[i] = int32(strings.IndexByte(alphabet, anchorText[i]))
		y.I32[i] = int32(strings.IndexByte(alphabet, anchorText[i+1]))
	}
	return x, y
}

// engine makes an interpreter of a canonical program with the anchor's weights and tokens.
func anchorEngine(t *testing.T, p *ir.Program, layers int) *interp.Machine {
	t.Helper()
	m, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Scalars(map[string]float64{}); err != nil {
		t.Fatal(err)
	}
	for name, w := range anchorWeights(p, layers) {
		if err := m.Set(name, w); err != nil {
			t.Fatal(err)
		}
	}
	x, y := anchorTokens()
	if m.Set("tokens", x) != nil || m.Set("next", y) != nil {
		t.Fatal("tokens")
	}
	return m
}

func scalar(t *testing.T, m *interp.Machine, name string) float64 {
	t.Helper()
	v, err := m.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return v.At(0)
}

func TestForwardAnchors(t *testing.T) {
	for _, c := range []struct {
		preset string
		layers int
		loss   float64
		logits [4]float64
	}{
		{"micro", 2, 4.1834292, [4]float64{0.1217970, -0.1983923, 0.1990971, 0.0356299}},
		{"tiny", 4, 4.1878915, [4]float64{0.1892217, -0.0004841, -0.4050079, -0.0527555}},
	} {
		p := buildText(t, "gpt2.wf", modelText(t, "gpt2"), map[string]string{"preset": c.preset})
		if err := passes.Run(p.IR, &passes.Config{Verify: true}); err != nil {
			t.Fatal(err)
		}
		m := anchorEngine(t, p.IR, c.layers)
		for _, fn := range []string{"loss", "logits"} {
			if _, err := m.Run(context.Background(), fn, 1); err != nil {
				t.Fatal(err)
			}
		}
		if got := scalar(t, m, "loss"); math.Abs(got-c.loss) > 1e-6 {
			t.Errorf("%s: loss %.7f, llm.c %.7f", c.preset, got, c.loss)
		}
		lg, _ := m.Get("logits")
		for k, want := range c.logits {
			if math.Abs(lg.At(k)-want) > 1e-6 {
				t.Errorf("%s: logit %d is %.7f, llm.c %.7f", c.preset, k, lg.At(k), want)
			}
		}
	}
}

// Ten steps of training on the same batch, with llm.c's losses and gradient norms.
func TestTrainingAnchors(t *testing.T) {
	for _, c := range []struct {
		preset string
		layers int
		losses []float64
		norms  []float64
	}{
		{"micro", 2, []float64{4.1834292, 4.0994048, 4.0315485, 3.9816916, 3.9424832, 3.9052229, 3.8677380, 3.8320110, 3.7987154, 3.7666836},
			[]float64{1.658002, 1.438878, 1.068129, 0.977441, 1.061541, 1.096949, 1.045591, 0.998078, 0.999029, 0.999696}},
		{"tiny", 4, []float64{4.1878915, 3.8754787}, []float64{4.370070}},
	} {
		p := buildText(t, "gpt2.wf", modelText(t, "gpt2"), map[string]string{"preset": c.preset})
		if p.Plan == nil {
			t.Fatal("no plan")
		}
		if err := p.Plan.Check(p.IR); err != nil {
			t.Fatal(err)
		}
		if err := passes.Run(p.IR, &passes.Config{Verify: true}); err != nil {
			t.Fatal(err)
		}
		m := anchorEngine(t, p.IR, c.layers)
		for i, want := range c.losses {
			if _, err := m.Run(context.Background(), p.Plan.Step, 1); err != nil {
				t.Fatal(err)
			}
			if got := scalar(t, m, "loss"); math.Abs(got-want) > 1e-5 {
				t.Errorf("%s: loss of step %d is %.7f, llm.c %.7f", c.preset, i, got, want)
			}
			if i < len(c.norms) {
				if got := scalar(t, m, normArray); math.Abs(got-c.norms[i]) > 2e-5*c.norms[i] {
					t.Errorf("%s: gradient norm of step %d is %.6f, llm.c %.6f", c.preset, i, got, c.norms[i])
				}
			}
		}
		if got := scalar(t, m, stepArray); got != float64(len(c.losses)) {
			t.Errorf("%v steps counted", got)
		}
	}
}
