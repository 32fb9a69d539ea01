package tensor

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// Report is what a model and its training take, counted without writing the layers out.
type Report struct {
	Model   string `json:"model"`
	Params  int64  `json:"params"`  // trained values
	Weights int64  `json:"weights"` // tensors
	Layers  int    `json:"layers"`
	Vocab   int    `json:"vocab"`
	Context int    `json:"context"`
	Batch   int    `json:"batch"`      // sequences per microbatch
	Micros  int    `json:"accumulate"` // microbatches per step
	Steps   int64  `json:"steps"`
	// Tokens is what the run sees, PerWeight the same per trained value.
	Tokens    float64 `json:"tokens"`
	PerWeight float64 `json:"tokens_per_weight"`
	// Flops is the cost of the run by the formula of Celerity (arXiv 2509.25087, appendix), 0 when the model has no params d and layers:
	// 6*N*tokens - 2*V*d*tokens + 3*L*C per sequence of S tokens, with C = 2*S^2*d + 3*S^2 + 2*S^2*d + 2*S*d^2 + S*d.
	Flops         float64 `json:"flops"`
	FlopsPerToken float64 `json:"flops_per_token"`
	// Products counts the multiply-adds of contractions in the forward pass of one sequence, by this program and not by a formula.
	Products   float64 `json:"products"`
	StateBytes float64 `json:"state_bytes"` // weights, gradients and optimizer state, in f32
	ActBytes   float64 `json:"activation_bytes"`

	changes bool // the batch, in the middle of the run
	stored  float64
	mult    float64
}

// Smaller is the settings for the largest microbatches of at most so many sequences whose steps see what they see now.
func (r *Report) Smaller(most int) string {
	b := max(1, min(most, r.Batch))
	for r.Batch%b != 0 {
		b--
	}
	if r.changes { // the number of microbatches follows
		return fmt.Sprintf("--set batch=%d", b)
	}
	return fmt.Sprintf("--set batch=%d with --set accumulate=%d", b, r.Batch/b*r.Micros)
}

func newReport() *Report { return &Report{mult: 1} }

func (r *Report) enter(n int) { r.mult *= float64(n) }
func (r *Report) leave(n int) { r.mult /= float64(n) }

func (r *Report) weight(w *weight) {
	r.Params += w.size() * int64(r.mult)
	r.Weights += int64(r.mult)
}

// op counts an operation: points of its domain and of what it reduces, for one sequence.
func (r *Report) op(points, terms float64, fma bool) {
	r.stored += points * r.mult
	if fma {
		r.Products += points * terms * r.mult
	}
}

// PublishedFlops is the formula named at Flops, for a run over so many tokens.
func PublishedFlops(params, vocab, d, layers, context, tokens float64) float64 {
	s := context
	c := float64(4*s*s*d) + float64(3*s*s) + float64(2*s*d*d) + float64(s*d)
	return float64(6*params*tokens) - float64(2*vocab*d*tokens) + float64(3*layers*c*tokens/s)
}

// measured completes the report.
func (e *elab) measured(tr *trainer) *Report {
	r := e.report
	r.Model, r.Layers, r.Vocab, r.Context, r.Batch = e.m.decl.Name.Name, e.m.layers, e.m.vocab, e.m.context(), tr.batch
	r.Micros, r.changes = max(1, tr.accumulate), tr.change != nil
	r.Steps, r.Tokens = tr.steps, tr.tokens
	if r.Tokens == 0 {
		r.Tokens = tr.run.tokens()
	}
	r.PerWeight = r.Tokens / float64(max(1, r.Params))
	setting := map[string]float64{}
	for _, s := range e.settings {
		setting[s.name] = s.value
	}
	if d, l := setting["d"], setting["layers"]; d > 0 && l > 0 {
		flops := func(context int, tokens float64) float64 {
			return PublishedFlops(float64(r.Params), float64(r.Vocab), d, l, float64(context), tokens)
		}
		r.Flops = flops(r.Context, r.Tokens)
		if len(tr.phases) > 0 {
			r.Flops = 0
			for _, ph := range tr.phases {
				c := ph.ctx
				if c == 0 {
					c = r.Context
				}
				r.Flops += flops(c, r.Tokens*ph.part)
			}
		}
		r.FlopsPerToken = r.Flops / max(1, r.Tokens)
	}
	tensors := 1.0 // of the size of the weights: themselves, their gradients, the optimizer's state
	if tr.decl != nil {
		tensors += 1 + float64(e.stateCount(tr))
	}
	r.StateBytes = 4 * tensors * float64(r.Params)
	r.ActBytes = 4 * r.stored * float64(tr.batch)
	return r
}

// stateCount is the number of tensors the optimizer keeps per weight.
func (e *elab) stateCount(tr *trainer) (n int) {
	if tr.optimizer == nil {
		return 0
	}
	name := ""
	switch x := syntax.Unparen(tr.optimizer.Value).(type) {
	case *syntax.Call:
		name = x.Func.Name
	case *syntax.Ref:
		name = x.Name.Name
	}
	if o := e.optimizers[name]; o != nil {
		for _, s := range o.Body.Stmts {
			if d, ok := s.(*syntax.StateDecl); ok {
				n += len(d.Names)
			}
		}
	}
	return n
}

// Text is the report as a short table.
func (r *Report) Text() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("model", "%s: %d layers, vocabulary %d, context %d", r.Model, r.Layers, r.Vocab, r.Context)
	row("weights", "%d values in %d tensors", r.Params, r.Weights)
	if r.Tokens > 0 {
		row("tokens", "%.4g, %.4g per weight, in %d steps", r.Tokens, r.PerWeight, r.Steps)
	}
	if r.Flops > 0 {
		row("training", "%.3g FLOP (published formula), %.4g per token", r.Flops, r.FlopsPerToken)
	}
	row("forward", "%.4g multiply-adds per sequence in contractions", r.Products)
	row("state", "%s: weights, gradients and optimizer state in f32", Bytes(r.StateBytes))
	row("activations", "%s for a microbatch of %d, all kept", Bytes(r.ActBytes), r.Batch)
	return b.String()
}

// Bytes prints an amount of memory.
func Bytes(n float64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB"}
	k := 0
	for ; n >= 1000 && k < len(units)-1; k++ {
		n /= 1000
	}
	return fmt.Sprintf("%.3g %s", n, units[k])
}
