package tensor

import (
	"math"
	"strconv"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime/train"
)

// closest returns the candidate nearest to a name, or "".
func closest(name string, list []string) string {
	if s, ok := diag.Nearest(name, list); ok {
		return s
	}
	return ""
}

// count is the number of trained values.
func (m *model) count() (n int64) {
	for _, w := range m.weights {
		n += w.size()
	}
	return n
}

func (m *model) context() int {
	if len(m.inputs) > 0 && len(m.inputs[0].dims) > 0 {
		return m.inputs[0].dims[0].dim.n
	}
	return 1
}

// tokensPerWeight is what the run will see per trained value.
func (e *elab) tokensPerWeight(tr *trainer) float64 {
	if tr.perWeight > 0 {
		return tr.perWeight
	}
	return tr.run.tokens() / float64(max(1, e.params1()))
}

// params1 is the number of trained values: of the whole model, also when it is only measured.
func (e *elab) params1() int64 {
	if e.report != nil {
		return e.report.Params
	}
	return e.m.count()
}

// perStep is the number of tokens of a step.
func (e *elab) perStep(tr *trainer) int64 {
	return int64(tr.batch) * int64(max(1, tr.accumulate)) * int64(e.m.context())
}

// length settles how many steps the run and its phases have, and what they see.
func (e *elab) length(tr *trainer) (phases []train.Phase) {
	if tr.perWeight > 0 {
		tr.tokens = tr.perWeight * float64(e.params1())
	}
	if len(tr.phases) == 0 {
		e.plain(tr)
		return nil
	}
	if phases = e.opts.Phases; phases == nil {
		phases = e.phases(tr)
	}
	tr.steps = 0
	for _, ph := range phases {
		tr.steps += ph.Steps
		tr.run = append(tr.run, stretch{ph.Steps, int64(ph.Batch) * int64(max(1, ph.Accumulate)) * int64(ph.Context)})
	}
	return phases
}

// plain settles the length of a run without phases, whose batch may change once.
func (e *elab) plain(tr *trainer) {
	per, first := e.perStep(tr), stretch{}
	if b := tr.change; b != nil {
		first = stretch{b.after, int64(b.from) * int64(e.m.context())}
	}
	if tr.tokens > 0 {
		before := float64(first.steps) * float64(first.tokens)
		if first.steps > 0 && before >= tr.tokens {
			first.steps = train.StepsFor(tr.tokens, first.tokens)
			before = tr.tokens
		}
		tr.steps = first.steps + train.StepsFor(tr.tokens-before, per)
	}
	if first.steps = min(first.steps, tr.steps); first.steps > 0 {
		tr.run = append(tr.run, first)
	}
	tr.run = append(tr.run, stretch{tr.steps - first.steps, per})
}

// phases settles how many steps each phase has.
func (e *elab) phases(tr *trainer) (phases []train.Phase) {
	tokens := tr.tokens
	var total, sum float64
	for _, ph := range tr.phases {
		sum += ph.part
	}
	if math.Abs(sum-1) > 1e-9 {
		e.fail("WF0379", tr.decl.At, "the phases are %s%% of the run together", text(100*sum)).Suggest("their parts add up to 100%%")
		return nil
	}
	steps, done := tr.steps, int64(0)
	total = tokens
	for i, ph := range tr.phases {
		b, k, c := ph.batch, ph.accumulate, ph.ctx
		if b == 0 {
			b = tr.batch
		}
		if k == 0 {
			k = max(1, tr.accumulate)
		}
		if c == 0 {
			c = e.m.context()
		}
		n := int64(math.Round(float64(steps) * ph.part))
		if total > 0 {
			n = train.StepsFor(total*ph.part, int64(b)*int64(k)*int64(c))
		} else if i == len(tr.phases)-1 {
			n = steps - done
		}
		done += n
		set := map[string]string{"batch": strconv.Itoa(b), "accumulate": strconv.Itoa(k)}
		for name, v := range ph.set {
			set[name] = v
		}
		phases = append(phases, train.Phase{Steps: n, Set: set, Batch: b, Context: c, Accumulate: k})
	}
	return phases
}

// ramps are the stretches with fewer microbatches: those before the batch changes; of a batch warmup, 1, 2, .. microbatches per step, each for
// an equal number of steps.
func (tr *trainer) ramps() []train.Ramp {
	if tr.change != nil {
		return []train.Ramp{{Steps: tr.change.after, Accumulate: tr.change.from / tr.batch}}
	}
	if tr.rampTo == nil || tr.accumulate < 2 {
		return nil
	}
	steps := tr.rampTo.over.of(float64(tr.steps))
	var out []train.Ramp
	done := int64(0)
	for k := 1; k < tr.accumulate; k++ {
		end := int64(math.Round(steps * float64(k) / float64(tr.accumulate-1)))
		if end > done {
			out = append(out, train.Ramp{Steps: end - done, Accumulate: k})
			done = end
		}
	}
	return out
}

// trainer writes the functions of training and its plan.
func (e *elab) trainer(tr *trainer) *train.Plan {
	phases := e.length(tr)
	if e.errs.HasErrors() {
		return nil
	}
	many := tr.accumulate > 1 || tr.rampTo != nil || tr.change != nil
	for _, ph := range phases {
		many = many || ph.Accumulate > 1
	}
	e.array(ir.Array{Name: stepArray, Elem: ir.I32})
	e.array(ir.Array{Name: rateArray, Elem: e.float})
	e.array(ir.Array{Name: normArray, Elem: e.float})
	if tr.precision == "f16" {
		e.array(ir.Array{Name: scaleArray, Elem: e.float})
		e.array(ir.Array{Name: goodArray, Elem: ir.I32})
	}
	if many {
		e.array(ir.Array{Name: countArray, Elem: ir.I32})
		e.array(ir.Array{Name: sumArray, Elem: e.float})
	}
	parts := tr.recompute && len(e.m.ends) > 0
	e.gathered = many && parts
	for _, w := range e.m.weights {
		a := e.p.Array(w.name)
		e.array(ir.Array{Name: e.gradient(w), Axes: a.Axes, Elem: e.float, Pos: a.Pos})
	}
	if parts {
		e.recomputed(tr, many)
	} else {
		e.gradients(tr, many)
	}
	if e.errs.HasErrors() {
		return nil
	}
	e.update(tr, many)
	if e.errs.HasErrors() {
		return nil
	}
	body := []ir.Stmt{{Kind: ir.Call, Func: gradFunc}, {Kind: ir.Call, Func: updateFunc}}
	if many {
		body = body[1:]
	}
	e.p.Procs = append(e.p.Procs, ir.Proc{Name: stepProc, Body: body})
	return e.plan(tr, phases, many)
}

func (e *elab) plan(tr *trainer, phases []train.Phase, many bool) *train.Plan {
	p := &train.Plan{Model: e.m.decl.Name.Name, Tokenizer: "byte", Step: stepProc, Eval: "loss", Loss: "loss", Batch: tr.batch,
		Context: e.m.context(), Vocab: e.m.vocab, Steps: tr.steps, TokensTotal: int64(tr.tokens), TokensPerWeight: tr.perWeight,
		Seed: tr.dataSeed, Order: tr.order, EvalEvery: tr.eval, EvalBatches: tr.evalFor, SaveEvery: tr.save, Phases: phases,
		Schedule: tr.schedule.text(), Optimizer: syntax.ExprString(tr.optimizer.Value), Precision: tr.precision}
	if many {
		p.Micro, p.Accumulate, p.Ramp = microFunc, max(1, tr.accumulate), tr.ramps()
	}
	if tr.decl != nil && tr.decl.Data != nil {
		name := tr.decl.Data.Name
		if t, ok := e.global.find(name); ok {
			if text, is := t.(string); is {
				name = text
			}
		}
		switch name {
		case "bytes", "byte", "text":
		case "chars", "char":
			p.Tokenizer = "char"
		case "gpt2":
			p.Tokenizer = "gpt2"
		default:
			e.fail("WF0379", tr.decl.Data.At, "there is no tokenizer %s", name).Suggest("use bytes, chars or gpt2")
		}
	}
	p.VocabParam = e.m.vocabParam
	for _, s := range families {
		if s == p.Model {
			p.Family = s
		}
	}
	p.Tokens = e.m.inputs[0].ref[1:]
	p.Targets = p.Tokens
	if len(e.m.inputs) > 1 {
		p.Targets = e.m.inputs[1].ref[1:]
	}
	if e.m.logits != nil {
		p.Logits, p.LogitsOut = "logits", "logits"
	}
	for _, w := range e.m.weights {
		p.Weights = append(p.Weights, train.Weight{Name: w.name, Array: w.name, Shape: w.shape(), Dims: w.dimNames(), Elem: e.float.String(),
			Init: w.initS, LR: w.lr, Decay: w.decay, Eps: w.eps, NoDecay: w.decay == 0, Forward: w.arr.forward})
	}
	state := func(group, name, array string, shape []int) {
		p.State = append(p.State, train.State{Name: name, Group: group, Array: array, Shape: shape, Elem: e.p.Array(array).Elem.String()})
	}
	for _, s := range e.states {
		for _, w := range e.m.weights {
			state(s, w.name, s+"."+w.name, w.shape())
		}
	}
	if many {
		for _, w := range e.m.weights {
			state("grad", w.name, e.gradient(w), w.shape())
		}
		state("counter", "count", countArray, nil)
		state("counter", "loss", sumArray, nil)
	}
	state("counter", "step", stepArray, nil)
	if tr.precision == "f16" {
		state("scale", "loss", scaleArray, nil)
		state("scale", "good", goodArray, nil)
		p.Metrics = append(p.Metrics, train.Metric{Name: "loss_scale", Array: scaleArray})
	}
	p.Metrics = append(p.Metrics, train.Metric{Name: "lr", Array: rateArray}, train.Metric{Name: "grad_norm", Array: normArray})
	p.Config = map[string]float64{}
	for _, s := range e.settings {
		p.Config[s.name] = s.value
	}
	if r := e.m.rules; r != nil { // export folds the multipliers of the table
		for _, role := range []string{"attention", "output", "residual"} {
			p.Config["forward."+role] = r.get(role, "forward")
		}
	}
	for own, key := range map[string]string{"d": "width", "ctx": "context", "f": "ffn"} {
		if d := e.m.dims[own]; d != nil {
			p.Config[key] = float64(d.n)
		} else if v, ok := p.Config[own]; ok {
			p.Config[key] = v
		}
	}
	if d, l := p.Config["d"], p.Config["layers"]; d > 0 && l > 0 {
		p.FlopsPerToken = PublishedFlops(float64(e.m.count()), float64(p.Vocab), d, l, float64(p.Context), 1)
	}
	return p
}

// families are the models whose weights have a layout that is known for import and export.
var families = []string{"gpt2", "cerebras_gpt", "btlm", "celerity", "llama"}

func (w *weight) dimNames() []string {
	out := []string{}
	for _, d := range w.arr.dims {
		out = append(out, d.dim.name)
	}
	return out
}
