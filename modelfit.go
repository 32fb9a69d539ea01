package wfc

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/dsl/tensor"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/target/wse"
)

// Model is what a model and its training take, counted without writing its layers out.
type Model = tensor.Report

// measureModel counts what a source with a model takes and compares it with the memory of a machine. It refuses the program, and says
// so, when the state of training and one microbatch's activations are more than all memory of the machine: such a program is not
// lowered, because nothing of it could be placed. Sources without a model pass, and so do those with errors: the front end says them.
func (p *Program) measureModel(src Source, set map[string]string, m wse.Machine) (fits bool) {
	if src.ir() {
		return true
	}
	tree, list := syntax.ParseFile(diag.NewFile(src.Name, src.Text))
	if list.HasErrors() || !tensor.Is(tree) {
		return true
	}
	r, list := tensor.Measure(tree, tensor.Options{Set: set})
	if r == nil || list.HasErrors() {
		return true
	}
	pes := float64(m.Width) * float64(m.Height)
	per := float64(m.MemBytes - m.ReservedBytes - m.StackBytes)
	p.Model = r
	p.ReportData.Model = &report.Model{Name: r.Model, Params: r.Params, Tensors: r.Weights, Layers: r.Layers, Vocab: r.Vocab, Context: r.Context,
		Batch: r.Batch, Steps: r.Steps, Tokens: r.Tokens, TokensPerWeight: r.PerWeight, Flops: r.Flops, FlopsPerToken: r.FlopsPerToken,
		Products: r.Products, StateBytes: r.StateBytes, ActivationBytes: r.ActBytes, StatePerPE: r.StateBytes / pes,
		ActivationsPerPE: r.ActBytes / pes, MemoryPerPE: per}
	need := (r.StateBytes + r.ActBytes) / pes
	if need <= per {
		return true
	}
	d := diag.New("WF0526", diag.Span{}, "the model does not fit %s: %s per PE, and a PE has %s for data", m.Name, tensor.Bytes(need), tensor.Bytes(per)).
		Note("state of training: %s, %s on each of %d x %d PEs", tensor.Bytes(r.StateBytes), tensor.Bytes(r.StateBytes/pes), m.Width, m.Height).
		Note("activations of a microbatch of %d, all kept: %s, %s on each PE", r.Batch, tensor.Bytes(r.ActBytes), tensor.Bytes(r.ActBytes/pes))
	switch {
	case r.StateBytes/pes > per:
		d.Suggest("use a smaller preset: the weights with their gradients and optimizer state alone are too large to stay on the wafer")
	case (r.StateBytes+r.ActBytes/float64(max(1, r.Batch)))/pes <= per:
		d.Suggest("use smaller microbatches: %s", r.Smaller(int((per*pes-r.StateBytes)/(r.ActBytes/float64(r.Batch)))))
	default:
		d.Suggest("use a shorter context or a smaller preset: the activations of one sequence are too large")
	}
	p.refuse(diag.List{d})
	return false
}

// modelRows are the lines of a summary about a model.
func modelRows(m *report.Model) [][2]string {
	rows := [][2]string{
		{"model", fmt.Sprintf("%s: %d layers, vocabulary %d, context %d", m.Name, m.Layers, m.Vocab, m.Context)},
		{"weights", fmt.Sprintf("%d in %d tensors", m.Params, m.Tensors)},
	}
	if m.Tokens > 0 {
		rows = append(rows, [2]string{"tokens", fmt.Sprintf("%.4g, %.4g per weight, in %d steps", m.Tokens, m.TokensPerWeight, m.Steps)})
	}
	if m.Flops > 0 {
		rows = append(rows, [2]string{"training", fmt.Sprintf("%.3g FLOP (published formula), %.4g per token", m.Flops, m.FlopsPerToken)})
	}
	return append(rows,
		[2]string{"state", fmt.Sprintf("%s, %s per PE (weights, gradients, optimizer)", tensor.Bytes(m.StateBytes), tensor.Bytes(m.StatePerPE))},
		[2]string{"activations", fmt.Sprintf("%s, %s per PE (microbatch of %d, all kept)", tensor.Bytes(m.ActivationBytes), tensor.Bytes(m.ActivationsPerPE), m.Batch)})
}
