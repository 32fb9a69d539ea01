package tensor

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Build elaborates a file with a model, and its trainer when it has a train block. The program is nil when the list has errors.
func Build(file *syntax.File, opts Options) (*Program, diag.List) {
	p, list := build(file, opts)
	if !opts.Broken {
		return p, list
	}
	var kept diag.List
	for _, d := range list {
		switch d.Code {
		case "WF0201", "WF0205", "WF0211", "WF0376", "WF0377", "WF0379", "WF0382": // what lost statements may have declared
		default:
			kept = append(kept, d)
		}
	}
	return nil, kept
}

func build(file *syntax.File, opts Options) (*Program, diag.List) {
	e := newElab(file, opts)
	m, t := e.find(file)
	if m == nil || e.errs.HasErrors() {
		return nil, e.errs.Sorted()
	}
	e.params(file, m, t, e.global)
	tr := e.trainBlock(t)
	e.setPrecision(tr.precision)
	e.batch = e.newDim("batch", max(1, tr.batch), m.Name.At).self
	e.p.Name = m.Name.Name
	e.elaborate(m, e.global)
	if e.errs.HasErrors() {
		return nil, e.errs.Sorted()
	}
	e.round = nil
	e.finishLoss()
	out := &Program{IR: e.p, ends: e.m.ends}
	if t != nil && !e.errs.HasErrors() {
		out.Plan = e.trainer(tr)
	}
	if !e.errs.HasErrors() {
		e.initial(tr)
	}
	if e.errs.HasErrors() {
		return nil, e.errs.Sorted()
	}
	if tr.precision == "bf16dot" {
		pairs(e.p)
	}
	return out, e.errs.Sorted()
}

// Measure counts what a file's model takes, looking at the body of its layers once. The report is nil when the list has errors.
func Measure(file *syntax.File, opts Options) (*Report, diag.List) {
	e := newElab(file, opts)
	e.report = newReport()
	m, t := e.find(file)
	if m == nil || e.errs.HasErrors() {
		return nil, e.errs.Sorted()
	}
	e.params(file, m, t, e.global)
	tr := e.trainBlock(t)
	e.batch = e.newDim("batch", 1, m.Name.At).self
	e.elaborate(m, e.global)
	if e.errs.HasErrors() {
		return nil, e.errs.Sorted()
	}
	e.length(tr)
	if e.errs.HasErrors() {
		return nil, e.errs.Sorted()
	}
	return e.measured(tr), e.errs.Sorted()
}

// find returns the model and the train block of the file.
func (e *elab) find(file *syntax.File) (*syntax.Model, *syntax.Train) {
	var m *syntax.Model
	var t *syntax.Train
	for _, s := range file.Stmts {
		switch s := s.(type) {
		case *syntax.Model:
			if m != nil {
				e.fail("WF0376", s.Name.At, "a file has one model").With(m.Name.At, "the first is here").Suggest("move one to a file of its own")
			}
			m = s
		case *syntax.Train:
			if t != nil {
				e.fail("WF0379", s.At, "a file has one train block").With(t.Model.At, "the first is here").Suggest("join them, or use phases")
			}
			t = s
		case *syntax.Bind, *syntax.Fn, *syntax.TensorFn, *syntax.Optimizer, *syntax.Rules, *syntax.Preset, *syntax.Bad:
		default:
			e.fail("WF0385", s.Span(), "a file with a model has no fields, grids and time loops").Suggest("move them to a file of their own")
		}
	}
	if m == nil {
		if t != nil {
			e.fail("WF0379", t.Model.At, "there is no model %s", t.Model.Name).Suggest("declare `model %s(..) { .. }`", t.Model.Name)
		}
		return nil, nil
	}
	if t != nil && t.Model.Name != m.Name.Name {
		e.fail("WF0379", t.Model.At, "the model of this file is %s, not %s", m.Name.Name, t.Model.Name).
			With(m.Name.At, "declared here").Replace(t.Model.At, m.Name.Name, "write %s", m.Name.Name)
	}
	return m, t
}

// finishLoss makes the mean over the batch, and the functions of the forward pass.
func (e *elab) finishLoss() {
	loss := e.m.loss
	if has(loss.free, e.batch) {
		loss = e.fold("mean", as(loss, e.float), []*index{e.batch}, nil, e.global, loss.at)
	}
	a := e.store("loss", as(loss, e.float), nil, loss.at)
	e.array(ir.Array{Name: "loss", Elem: e.float})
	forward := e.fn
	forward.set("loss", a.ref)
	e.p.Funcs = append(e.p.Funcs, forward.f)
	if e.m.logits == nil {
		return
	}
	lg := e.m.logits
	axes := []string{e.batch.dim.name}
	for _, d := range lg.dims {
		axes = append(axes, d.dim.name)
	}
	if !lg.batched {
		axes = axes[1:]
	}
	e.array(ir.Array{Name: "logits", Axes: axes, Elem: lg.elem})
	f := ir.Func{Name: "logits", Ops: needed(forward.f.Ops, lg.ref[1:]), Sets: []ir.Set{{Array: "logits", Value: lg.ref}}}
	e.p.Funcs = append(e.p.Funcs, f)
}

// needed are the operations that a value depends on, in order.
func needed(ops []ir.Op, name string) []ir.Op {
	want := map[string]bool{name: true}
	keep := make([]bool, len(ops))
	for i := len(ops) - 1; i >= 0; i-- {
		for _, r := range ops[i].Results {
			keep[i] = keep[i] || want[r.Name]
		}
		if !keep[i] {
			continue
		}
		for _, p := range ops[i].Pieces {
			for _, n := range p.Body.Nodes {
				if n.Op == ir.Read && n.Name[0] == '%' {
					want[n.Name[1:]] = true
				}
			}
		}
	}
	var out []ir.Op
	for i, op := range ops {
		if keep[i] {
			c := op
			c.Pieces = append([]ir.Piece(nil), op.Pieces...)
			for k := range c.Pieces {
				c.Pieces[k].Body = op.Pieces[k].Body.Clone()
			}
			out = append(out, c)
		}
	}
	return out
}
