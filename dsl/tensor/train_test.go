package tensor

import (
	"context"
	"math"
	"math/rand"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/runtime/train"
)

// small is a model of four weights whose training is cheap.
const small = `
model small(vocab = 2, ctx = 3) {
  index s in ctx
  index v in vocab
  input tokens[s], next[s] in vocab
  weight table[vocab,v] ~ normal(0.5)
  let logits[s,v] = table[tokens[s],v]
  loss = mean over s of crossentropy(logits[s], next[s])
}
train small on bytes {
`

func launched(t *testing.T, p *Program) *interp.Machine {
	t.Helper()
	if err := passes.Run(p.IR, &passes.Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	m, err := interp.New(p.IR)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Scalars(map[string]float64{"run.once": 1}); err != nil {
		t.Fatal(err)
	}
	for i := range p.IR.Funcs {
		if p.IR.Funcs[i].Host {
			step(t, m, p.IR.Funcs[i].Name)
		}
	}
	return m
}

func step(t *testing.T, m *interp.Machine, fn string) {
	t.Helper()
	if _, err := m.Run(context.Background(), fn, 1); err != nil {
		t.Fatal(err)
	}
}

// The rate of every step of every schedule, against the formulas of the language page.
func TestSchedules(t *testing.T) {
	const peak, steps = 0.5, 20
	for _, c := range []struct {
		text string
		want func(n float64) float64
	}{
		{"schedule constant", func(n float64) float64 { return peak }},
		{"schedule warmup 4 then constant", func(n float64) float64 { return peak * math.Min(1, (n+1)/4) }},
		{"schedule linear to 0", func(n float64) float64 { return peak * (1 - n/steps) }},
		{"schedule warmup 20% then linear to 10%", func(n float64) float64 {
			if n < 4 {
				return peak * (n + 1) / 4
			}
			return peak + (0.1*peak-peak)*(n-4)/16
		}},
		{"schedule warmup 2 steps then cosine to 0.05", func(n float64) float64 {
			if n < 2 {
				return peak * (n + 1) / 2
			}
			return 0.05 + (peak-0.05)*(1+math.Cos(math.Pi*(n-2)/18))/2
		}},
		{"schedule warmup 2 then constant then linear to 0 over 25%", func(n float64) float64 {
			switch {
			case n < 2:
				return peak * (n + 1) / 2
			case n < 15:
				return peak
			}
			return peak * (1 - (n-15)/5)
		}},
	} {
		p := buildText(t, "s.wf", small+"steps 20; optimizer sgd(lr = 0.5)\n"+c.text+"\n}", nil)
		if "schedule "+p.Plan.Schedule != strings.Replace(c.text, "2 steps", "2", 1) {
			t.Errorf("%q is called %q", c.text, p.Plan.Schedule)
		}
		m := launched(t, p)
		for n := range steps {
			step(t, m, p.Plan.Step)
			if got, want := scalar(t, m, rateArray), c.want(float64(n)); math.Abs(got-want) > 2e-7 {
				t.Errorf("%s: step %d has rate %.8f, expected %.8f", c.text, n, got, want)
			}
		}
	}
}

// Lengths, phases, batch warmup and weight decay from a timescale, as the plan and the program have them.
func TestPlans(t *testing.T) {
	p := buildText(t, "s.wf", small+"batch 2; accumulate 3; tokens 100 per weight; optimizer adamw(lr = 0.01)\n}", nil)
	if p.Plan.Steps != train.StepsFor(400, 2*3*3) || p.Plan.TokensTotal != 400 || p.Plan.Micro == "" {
		t.Errorf("%+v", p.Plan)
	}
	p = buildText(t, "s.wf", small+"batch 2 to 8 over 50%; steps 60; optimizer sgd(lr = 0.1)\n}", nil)
	if len(p.Plan.Ramp) != 3 || p.Plan.Ramp[0] != (train.Ramp{Steps: 10, Accumulate: 1}) || p.Plan.Ramp[2].Accumulate != 3 || p.Plan.Accumulate != 4 {
		t.Errorf("ramp %+v of %d", p.Plan.Ramp, p.Plan.Accumulate)
	}
	p = buildText(t, "s.wf", small+"batch 4; tokens 2400; phase 75% { ctx 2; batch 6 }\nphase 25% { ctx 3; batch 4 }\noptimizer sgd(lr = 0.1)\n}", nil)
	if len(p.Plan.Phases) != 2 || p.Plan.Phases[0].Steps != 150 || p.Plan.Phases[1].Steps != 50 || p.Plan.Steps != 200 ||
		p.Plan.Phases[0].Set["ctx"] != "2" || p.Plan.Phases[0].Batch != 6 {
		t.Errorf("%+v", p.Plan.Phases)
	}
	g := buildText(t, "gpt2.wf", modelText(t, "gpt2"), nil) // 6N - 2Vd + 3L(4Sd + 3S + 2d^2 + d) of the micro anchor
	if want := 6*29600.0 - 2*65*32 + 3*2*(4*64*32+3*64+2*32*32+32); g.Plan.FlopsPerToken != want {
		t.Errorf("%g FLOP per token, expected %g", g.Plan.FlopsPerToken, want)
	}
	c := buildText(t, "s.wf", small+"context 5; steps 3; optimizer sgd(lr = 0.1)\n}", nil)
	if c.Plan.Context != 5 {
		t.Errorf("context %d", c.Plan.Context)
	}
	// A phase's own build has the shapes of the phase and the length of the whole run.
	q := buildText(t, "s.wf", small+"batch 4; tokens 2400; phase 75% { ctx 2; batch 6 }\nphase 25% { ctx 3; batch 4 }\noptimizer sgd(lr = 0.1)\n}",
		p.Plan.Phases[0].Set)
	if q.Plan.Context != 2 || q.Plan.Batch != 6 || q.Plan.Steps != 200 {
		t.Errorf("%+v", q.Plan)
	}
	// timescale: decay = 1/(lr*tau*steps), and 1.084*(tokens per weight)^-0.527 for auto.
	for _, c := range []struct {
		tau  string
		want float64
	}{{"0.25", 1 / (0.01 * 0.25 * 50)}, {"auto", 1 / (0.01 * 1.084 * math.Pow(50*3/4.0, -0.527) * 50)}} {
		p = buildText(t, "s.wf", small+"steps 50; optimizer adamw(lr = 0.01, timescale = "+c.tau+")\n}", nil)
		found := false
		for _, op := range p.IR.Func(updateFunc).Ops {
			for _, pc := range op.Pieces {
				for _, n := range pc.Body.Nodes {
					found = found || n.Op == ir.Const && math.Abs(n.Imm-c.want) < 1e-6*c.want
				}
			}
		}
		if !found {
			t.Errorf("timescale %s: no weight decay of %g in the update", c.tau, c.want)
		}
	}
}

// Per-weight multipliers act: a weight with rate 0 stands still, one without decay does not shrink.
func TestMultipliers(t *testing.T) {
	text := strings.Replace(small, "weight table[vocab,v] ~ normal(0.5)", "weight table[vocab,v] ~ normal(0.5) with lr = 0\n  weight bias[v] ~ 1 with decay = 0\n  weight gain[v] ~ 1", 1)
	text = strings.Replace(text, "= table[tokens[s],v]", "= table[tokens[s],v] + 0*bias[v]*gain[v]", 1)
	p := buildText(t, "s.wf", text+"steps 5; optimizer sgd(lr = 0.1, decay = 0.5)\n}", nil)
	m := launched(t, p)
	before, _ := m.Get("table")
	step(t, m, p.Plan.Step)
	after, _ := m.Get("table")
	for i := range before.F32 {
		if before.F32[i] != after.F32[i] {
			t.Error("a weight with lr = 0 moved")
		}
	}
	if b, g := scalar(t, m, "bias"), scalar(t, m, "gain"); b != 1 || math.Abs(g-0.95) > 1e-6 {
		t.Errorf("bias %g, gain %g", b, g)
	}
}

// In f16 a gradient that is not finite skips the step and halves the scale.
func TestLossScale(t *testing.T) {
	p := buildText(t, "s.wf", small+"steps 5; optimizer sgd(lr = 0.1); precision f16\n}", nil)
	m := launched(t, p)
	if got := scalar(t, m, scaleArray); got != initialScale {
		t.Fatalf("the scale begins at %g", got)
	}
	step(t, m, p.Plan.Step)
	moved, _ := m.Get("table")
	bad := ir.NewTensor(ir.F32, moved.Dims...)
	copy(bad.F32, moved.F32)
	bad.F32[0] = 1e30 // infinite in f16
	if err := m.Set("table", bad); err != nil {
		t.Fatal(err)
	}
	scale := scalar(t, m, scaleArray)
	step(t, m, p.Plan.Step)
	still, _ := m.Get("table")
	for i := range bad.F32 {
		if still.F32[i] != bad.F32[i] {
			t.Error("a step with an infinite gradient was taken")
		}
	}
	if got := scalar(t, m, scaleArray); got != scale/2 {
		t.Errorf("the scale goes from %g to %g", scale, got)
	}
	if got := scalar(t, m, stepArray); got != 2 {
		t.Errorf("%g steps counted", got)
	}
}

// Rounding to bf16 by arithmetic is rounding to nearest even of the upper 16 bits.
func TestRoundBF16(t *testing.T) {
	f, _ := syntax.Parse("r.wf", "")
	e := newElab(f, Options{})
	const n = 4096
	d := e.newDim("i", n, diag.Span{})
	e.array(ir.Array{Name: "x", Axes: []string{"i"}, Elem: ir.F32})
	e.array(ir.Array{Name: "y", Axes: []string{"i"}, Elem: ir.F32})
	a := e.store("r", e.roundBF16(read("@x", ir.F32, here([]*index{d.self}))), []*index{d.self}, diag.Span{})
	e.fn.set("y", a.ref)
	e.p.Funcs = append(e.p.Funcs, e.fn.f)
	if err := passes.Run(e.p, &passes.Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	m, err := interp.New(e.p)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewSource(3))
	x := ir.NewTensor(ir.F32, n)
	for i := range x.F32 {
		x.F32[i] = float32(rng.NormFloat64() * math.Pow(10, float64(rng.Intn(40)-20)))
		if i%5 == 0 { // ties
			x.F32[i] = math.Float32frombits(math.Float32bits(x.F32[i])&^0xffff | 0x8000)
		}
	}
	if m.Scalars(map[string]float64{}) != nil || m.Set("x", x) != nil {
		t.Fatal("set")
	}
	step(t, m, "loss")
	y, _ := m.Get("y")
	for i, v := range x.F32 {
		b := math.Float32bits(v)
		b += 0x7fff + b>>16&1
		if want := math.Float32frombits(b &^ 0xffff); y.F32[i] != want {
			t.Fatalf("%x rounds to %x, expected %x", math.Float32bits(v), math.Float32bits(y.F32[i]), math.Float32bits(want))
		}
	}
}

// Initial values depend on seed, name and place alone: normal ones have mean 0 and their deviation, cut ones stay inside.
func TestInitialValues(t *testing.T) {
	text := strings.Replace(small, "weight table[vocab,v] ~ normal(0.5)",
		"dim n = 5000\n  weight table[vocab,v] ~ normal(0.5)\n  weight a[n] ~ normal(0.2)\n  weight b[n] ~ uniform(0.3)\n  weight c[n] ~ truncated(0.1)\n  weight d[v,n] ~ v + 2*n", 1)
	p := buildText(t, "s.wf", text+"steps 5; optimizer sgd(lr = 0.1); seed 5\n}", nil)
	m := launched(t, p)
	stats := func(name string) (mean, dev, most float64) {
		x, err := m.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.Len() {
			mean += x.At(i) / float64(x.Len())
			most = math.Max(most, math.Abs(x.At(i)))
		}
		for i := range x.Len() {
			dev += (x.At(i) - mean) * (x.At(i) - mean) / float64(x.Len())
		}
		return mean, math.Sqrt(dev), most
	}
	for _, c := range []struct {
		name      string
		dev, most float64
	}{{"a", 0.2, 0.2 * 5}, {"b", 0.3 / math.Sqrt(3), 0.3}, {"c", 0.1 * 0.8796, 0.2}} { // 0.8796: a normal cut at two deviations
		mean, dev, most := stats(c.name)
		if math.Abs(mean) > 4*c.dev/math.Sqrt(5000) || math.Abs(dev/c.dev-1) > 0.05 || most > c.most {
			t.Errorf("%s: mean %g, deviation %g (expected %g), largest %g", c.name, mean, dev, c.dev, most)
		}
	}
	if d, _ := m.Get("d"); d.F32[5000+7] != 15 {
		t.Errorf("d[1,7] = %g", d.F32[5007])
	}
	// Another order of declarations and another size: the same first values.
	other := launched(t, buildText(t, "s.wf", strings.Replace(strings.Replace(text, "n = 5000", "n = 50", 1), "  weight b[n] ~ uniform(0.3)\n", "", 1)+
		"steps 5; optimizer sgd(lr = 0.1); seed 5\n}", nil))
	x, _ := m.Get("a")
	y, _ := other.Get("a")
	if x.F32[0] != y.F32[0] || x.F32[49] != y.F32[49] || x.F32[0] == 0 {
		t.Error("initial values depend on other declarations")
	}
}

// Threefry-2x32-20 against the known answers of Random123.
func TestThreefry(t *testing.T) {
	for _, c := range [][6]uint32{
		{0, 0, 0, 0, 0x6b200159, 0x99ba4efe},
		{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7},
		{0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0},
	} {
		word := func(x uint32) *val { return typed(ir.I32, float64(int32(x))) }
		a, b := threefry(c[0], c[1], word(c[2]), word(c[3]))
		w := &writer{memo: map[*val]int{}}
		body := w.b.Body(w.val(a), w.val(b))
		vals := make([]ir.Val, len(body.Nodes))
		for i := range body.Nodes {
			n := &body.Nodes[i]
			if n.Op == ir.Const {
				vals[i] = ir.Val{I: n.Int}
				continue
			}
			args, elems := []ir.Val{}, []ir.Elem{}
			for _, k := range n.Args {
				args, elems = append(args, vals[k]), append(elems, body.Nodes[k].Elem)
			}
			v, err := ir.Apply(n, elems, args)
			if err != nil {
				t.Fatal(err)
			}
			vals[i] = v
		}
		if x, y := uint32(vals[body.Results[0]].I), uint32(vals[body.Results[1]].I); x != c[4] || y != c[5] {
			t.Errorf("key %x %x, counter %x %x: %x %x, known %x %x", c[0], c[1], c[2], c[3], x, y, c[4], c[5])
		}
	}
}
