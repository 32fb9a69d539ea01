package tensor

import (
	"context"
	"math"
	"math/rand"
	"testing"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
)

// A model in f64 on the interpreter, with random weights and tokens.
type running struct {
	t *testing.T
	p *Program
	m *interp.Machine
	w map[string][]float64
	x []int32 // tokens [batch, ctx]
	y []int32
}

func start(t *testing.T, name, text string, set map[string]string) *running {
	t.Helper()
	f, errs := syntax.Parse(name, text)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	p, list := Build(f, Options{Set: set, Float: ir.F64})
	if p == nil {
		t.Fatal(list)
	}
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
	r := &running{t: t, p: p, m: m, w: map[string][]float64{}}
	for i := range p.IR.Funcs { // tables that passes have made of indices alone
		if p.IR.Funcs[i].Host {
			r.run(p.IR.Funcs[i].Name)
		}
	}
	rng := rand.New(rand.NewSource(7))
	for _, w := range p.Plan.Weights {
		x := ir.NewTensor(ir.F64, w.Shape...)
		for i := range x.F64 {
			x.F64[i] = 0.3 * rng.NormFloat64()
		}
		r.w[w.Name] = x.F64
		r.set(w.Array, x)
	}
	tokens := func(name string) []int32 {
		x := ir.NewTensor(ir.I32, p.Plan.Batch, p.Plan.Context)
		for i := range x.I32 {
			x.I32[i] = int32(rng.Intn(p.Plan.Vocab))
		}
		r.set(name, x)
		return x.I32
	}
	r.x = tokens(p.Plan.Tokens)
	r.y = tokens(p.Plan.Targets)
	return r
}

func (r *running) set(name string, x *ir.Tensor) {
	r.t.Helper()
	if err := r.m.Set(name, x); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) run(fn string) {
	r.t.Helper()
	if _, err := r.m.Run(context.Background(), fn, 1); err != nil {
		r.t.Fatal(err)
	}
}

func (r *running) loss() float64 {
	r.run("loss")
	x, err := r.m.Get("loss")
	if err != nil {
		r.t.Fatal(err)
	}
	return x.At(0)
}

// mat is y[i] = sum over j of w[i,j]*x[j].
func mat(w []float64, x []float64) []float64 {
	y := make([]float64, len(w)/len(x))
	for i := range y {
		for j := range x {
			y[i] += w[i*len(x)+j] * x[j]
		}
	}
	return y
}

func plus(a ...[]float64) []float64 {
	y := make([]float64, len(a[0]))
	for _, x := range a {
		for i := range y {
			y[i] += x[i]
		}
	}
	return y
}

func times(c float64, x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		y[i] = c * x[i]
	}
	return y
}

func normed(x, gain, bias []float64, center bool) []float64 {
	mean, sq := 0.0, 0.0
	n := float64(len(x))
	if center {
		for _, v := range x {
			mean += v / n
		}
	}
	for _, v := range x {
		sq += (v - mean) * (v - mean) / n
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v - mean) / math.Sqrt(sq+1e-5) * gain[i]
		if bias != nil {
			y[i] += bias[i]
		}
	}
	return y
}

func crossEntropy(logits []float64, target int32) float64 {
	m := math.Inf(-1)
	for _, v := range logits {
		m = math.Max(m, v)
	}
	s := 0.0
	for _, v := range logits {
		s += math.Exp(v - m)
	}
	return m + math.Log(s) - logits[target]
}

// attend is causal attention of one head: q, k, v [seq][e]; bias by position.
func attend(q, k, v [][]float64, scale float64, bias func(s, t int) float64) [][]float64 {
	out := make([][]float64, len(q))
	for s := range q {
		w := make([]float64, s+1)
		m := math.Inf(-1)
		for t := range w {
			for e := range q[s] {
				w[t] += q[s][e] * k[t][e] * scale
			}
			w[t] += bias(s, t)
			m = math.Max(m, w[t])
		}
		sum := 0.0
		for t := range w {
			w[t] = math.Exp(w[t] - m)
			sum += w[t]
		}
		out[s] = make([]float64, len(v[0]))
		for t := range w {
			for e := range out[s] {
				out[s][e] += w[t] / sum * v[t][e]
			}
		}
	}
	return out
}

func silu64(x float64) float64 { return x / (1 + math.Exp(-x)) }

// heads cuts a vector of each position into the part of a head.
func heads(x [][]float64, h, e int) [][]float64 {
	out := make([][]float64, len(x))
	for s := range x {
		out[s] = x[s][h*e : (h+1)*e]
	}
	return out
}

func each(x [][]float64, f func(s int, v []float64) []float64) [][]float64 {
	out := make([][]float64, len(x))
	for s := range x {
		out[s] = f(s, x[s])
	}
	return out
}

// embedded are the rows of a table.
func embedded(table []float64, d int, tok []int32, scale float64) [][]float64 {
	out := make([][]float64, len(tok))
	for s, k := range tok {
		out[s] = times(scale, table[int(k)*d:(int(k)+1)*d])
	}
	return out
}

func rotated(x []float64, pos int, theta float64) []float64 {
	h := len(x) / 2
	y := make([]float64, len(x))
	for i := range h {
		a := float64(pos) * math.Pow(theta, -float64(i)/float64(h))
		y[i] = x[i]*math.Cos(a) - x[i+h]*math.Sin(a)
		y[i+h] = x[i+h]*math.Cos(a) + x[i]*math.Sin(a)
	}
	return y
}

func llamaLoss(r *running, d, groups, rep, layers int) float64 {
	w, e := r.w, d/(groups*rep)
	ctx, total := r.p.Plan.Context, 0.0
	for b := range r.p.Plan.Batch {
		x := embedded(w["wte"], d, r.x[b*ctx:(b+1)*ctx], 1)
		for l := range layers {
			p := "l" + itoa(l) + "."
			a := each(x, func(_ int, v []float64) []float64 { return normed(v, w[p+"norm1"], nil, false) })
			q := each(a, func(_ int, v []float64) []float64 { return mat(w[p+"wq"], v) })
			k := each(a, func(_ int, v []float64) []float64 { return mat(w[p+"wk"], v) })
			u := each(a, func(_ int, v []float64) []float64 { return mat(w[p+"wv"], v) })
			y := each(x, func(int, []float64) []float64 { return nil })
			for g := range groups {
				kg := each(heads(k, g, e), func(s int, v []float64) []float64 { return rotated(v, s, 10000) })
				for j := range rep {
					qg := each(heads(q, g*rep+j, e), func(s int, v []float64) []float64 { return rotated(v, s, 10000) })
					o := attend(qg, kg, heads(u, g, e), 1/math.Sqrt(float64(e)), func(s, t int) float64 { return 0 })
					for s := range y {
						y[s] = append(y[s], o[s]...)
					}
				}
			}
			x = each(x, func(s int, v []float64) []float64 { return plus(v, mat(w[p+"wo"], y[s])) })
			x = each(x, func(_ int, v []float64) []float64 {
				n := normed(v, w[p+"norm2"], nil, false)
				gate, up := mat(w[p+"w3"], n), mat(w[p+"w1"], n)
				for i := range gate {
					gate[i] = silu64(gate[i]) * up[i]
				}
				return plus(v, mat(w[p+"w2"], gate))
			})
		}
		for s := range x {
			total += crossEntropy(mat(w["head"], normed(x[s], w["normf"], nil, false)), r.y[b*ctx+s])
		}
	}
	return total / float64(ctx*r.p.Plan.Batch)
}

// biased is the family of BTLM and Celerity: ALiBi, biases, layer norms.
func biasedLoss(r *running, d, nh, layers int, embed, logits, mha, mlp float64, gated bool) float64 {
	w, e := r.w, d/nh
	ctx, total := r.p.Plan.Context, 0.0
	head := w["head"]
	if head == nil {
		head = w["wte"]
	}
	for b := range r.p.Plan.Batch {
		x := embedded(w["wte"], d, r.x[b*ctx:(b+1)*ctx], embed)
		for l := range layers {
			p := "l" + itoa(l) + "."
			a := each(x, func(_ int, v []float64) []float64 { return normed(v, w[p+"ln1w"], w[p+"ln1b"], true) })
			q := each(a, func(_ int, v []float64) []float64 { return plus(mat(w[p+"wq"], v), w[p+"bq"]) })
			k := each(a, func(_ int, v []float64) []float64 { return plus(mat(w[p+"wk"], v), w[p+"bk"]) })
			u := each(a, func(_ int, v []float64) []float64 { return plus(mat(w[p+"wv"], v), w[p+"bv"]) })
			y := each(x, func(int, []float64) []float64 { return nil })
			for h := range nh {
				slope := math.Pow(2, -8*float64(h+1)/float64(nh))
				o := attend(heads(q, h, e), heads(k, h, e), heads(u, h, e), 1/float64(e), func(s, t int) float64 { return -slope * float64(s-t) })
				for s := range y {
					y[s] = append(y[s], o[s]...)
				}
			}
			x = each(x, func(s int, v []float64) []float64 {
				return plus(v, times(mha, plus(mat(w[p+"attprojw"], y[s]), w[p+"attprojb"])))
			})
			x = each(x, func(_ int, v []float64) []float64 {
				n := normed(v, w[p+"ln2w"], w[p+"ln2b"], true)
				up := plus(mat(w[p+"fcw"], n), w[p+"fcb"])
				var gate []float64
				if gated {
					gate = plus(mat(w[p+"gatew"], n), w[p+"gateb"])
				}
				for i := range up {
					if gated {
						up[i] *= silu64(gate[i])
					} else {
						up[i] = math.Max(up[i], 0) * math.Max(up[i], 0)
					}
				}
				return plus(v, times(mlp, plus(mat(w[p+"fcprojw"], up), w[p+"fcprojb"])))
			})
		}
		for s := range x {
			total += crossEntropy(times(logits, mat(head, normed(x[s], w["lnfw"], w["lnfb"], true))), r.y[b*ctx+s])
		}
	}
	return total / float64(ctx*r.p.Plan.Batch)
}

// The published architectures against references written here, independently of the language, in f64.
func TestAgainstReferences(t *testing.T) {
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-8*math.Abs(want) {
			t.Errorf("%s: loss %.12f, reference %.12f", what, got, want)
		}
	}
	small := func(more ...string) map[string]string {
		set := map[string]string{"ctx": "7", "d": "16", "layers": "2", "vocab": "11", "batch": "2", "accumulate": "1", "steps": "10"}
		for i := 0; i < len(more); i += 2 {
			set[more[i]] = more[i+1]
		}
		return set
	}
	r := start(t, "llama.wf", modelText(t, "llama"), small("groups", "2", "rep", "2", "ffn", "12"))
	near("llama", r.loss(), llamaLoss(r, 16, 2, 2, 2))
	r = start(t, "btlm.wf", modelText(t, "btlm"), small("heads", "4", "ffn", "10", "context_1", "7", "context_2", "7", "total", "1000", "base", "256"))
	near("btlm", r.loss(), biasedLoss(r, 16, 4, 2, 14.6, 2.22*256/16, 1, 1, true))
	r = start(t, "celerity.wf", modelText(t, "celerity"), small("heads", "2", "base", "256"))
	near("celerity", r.loss(), biasedLoss(r, 16, 2, 2, 1, 256.0/16, 0.86445/2, 0.5055/2, false))
}

// The gradient of every model along a random direction against a central difference of its loss.
func TestGradientsOfModels(t *testing.T) {
	for _, c := range []struct{ name, set string }{{"llama", ""}, {"btlm", ""}, {"celerity", ""}, {"cerebras_gpt", ""}, {"mlp", ""}} {
		set := map[string]string{"ctx": "6", "d": "8", "vocab": "7", "batch": "2", "steps": "10"}
		switch c.name {
		case "llama":
			set["ffn"] = "6"
		case "btlm":
			set["ffn"], set["accumulate"], set["context_1"], set["context_2"] = "6", "1", "6", "6"
		case "mlp":
			set["f"] = "6"
			set["width"] = "3"
		}
		r := start(t, c.name+".wf", modelText(t, c.name), set)
		fn := gradFunc
		if r.p.Plan.Micro != "" {
			fn = r.p.Plan.Micro
		}
		r.run(fn)
		rng := rand.New(rand.NewSource(11))
		slope, along := 0.0, map[string][]float64{}
		for _, w := range r.p.Plan.Weights {
			g, err := r.m.Get("g." + w.Name)
			if err != nil {
				t.Fatal(err)
			}
			v := make([]float64, len(g.F64))
			for i := range v {
				v[i] = rng.NormFloat64()
				slope += v[i] * g.F64[i]
			}
			along[w.Name] = v
		}
		at := func(eps float64) float64 {
			for _, w := range r.p.Plan.Weights {
				x := ir.NewTensor(ir.F64, w.Shape...)
				for i := range x.F64 {
					x.F64[i] = r.w[w.Name][i] + eps*along[w.Name][i]
				}
				r.set(w.Array, x)
			}
			return r.loss()
		}
		const eps = 1e-5
		diff := (at(eps) - at(-eps)) / (2 * eps)
		if math.Abs(diff-slope) > 2e-6*(1+math.Abs(slope)) {
			t.Errorf("%s: derivative %.9f, difference %.9f", c.name, slope, diff)
		}
	}
}
