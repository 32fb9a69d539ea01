package dsl

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// ModelBuilder describes a model. As a Body it takes dims, indices and lets.
type ModelBuilder struct {
	LayerBuilder
	m *syntax.Model
}

// LayerBuilder is the body of a model or of its layers.
type LayerBuilder struct{ Body }

// WeightBuilder describes a weight.
type WeightBuilder struct {
	b *block
	w *syntax.Weight
}

// TrainBuilder describes how a model is trained.
type TrainBuilder struct {
	b *block
	t *syntax.Train
}

func newLayer(body *syntax.Block, errs *[]error) LayerBuilder {
	body.Layout = syntax.Layout{Multi: true}
	return LayerBuilder{Body{&block{stmts: &body.Stmts, tail: &body.Tail, errs: errs}}}
}

// Model begins a model.
func (p Body) Model(name string) *ModelBuilder {
	m := &syntax.Model{Name: p.b.name(name), Body: &syntax.Block{}}
	p.b.add(m, &m.Trivia)
	return &ModelBuilder{newLayer(m.Body, p.b.errs), m}
}

// Arg declares a param of the model, in its parentheses.
func (m *ModelBuilder) Arg(name string, v Value) Expr {
	m.m.Params = append(m.m.Params, &syntax.Arg{Name: m.b.name(name), Value: m.b.take(v)})
	return Name(name)
}

// Input declares data over the named places, whole numbers below the extent of space.
func (l LayerBuilder) Input(space string, dims []string, names ...string) {
	s := &syntax.Input{Space: l.b.name(space)}
	for _, n := range names {
		s.Items = append(s.Items, &syntax.WeightItem{Name: l.b.name(n), Dims: l.b.names(dims)})
	}
	l.b.add(s, &s.Trivia)
}

// Weight declares a trained tensor over the named places.
func (l LayerBuilder) Weight(name string, dims ...string) *WeightBuilder {
	w := &syntax.Weight{Items: []*syntax.WeightItem{{Name: l.b.name(name), Dims: l.b.names(dims)}}}
	l.b.add(w, &w.Trivia)
	return &WeightBuilder{l.b, w}
}

// Role sets the row of the rule table: embedding, hidden, bias, norm, output.
func (w *WeightBuilder) Role(role string) *WeightBuilder {
	w.w.Role = w.b.name(role)
	return w
}

// Init sets the initial values, as in Call("normal", Num(0.02)).
func (w *WeightBuilder) Init(v Value) *WeightBuilder {
	w.w.Init = w.b.take(v)
	return w
}

// With sets a multiplier: lr, decay, eps or forward.
func (w *WeightBuilder) With(what string, v Value) *WeightBuilder {
	w.w.With = append(w.w.With, &syntax.Arg{Name: w.b.name(what), Value: w.b.take(v)})
	return w
}

// Tensor names a tensor over indices: `let name[i, j] = v`.
func (l LayerBuilder) Tensor(name string, indices []string, v Value) Expr {
	s := &syntax.Bind{Kind: syntax.Let, Items: []*syntax.BindItem{{Name: l.b.name(name), Index: l.b.names(indices), Value: l.b.take(v)}}}
	l.b.add(s, &s.Trivia)
	return Name(name)
}

// For begins layers: index runs over space, and the carried names go from layer to layer.
func (l LayerBuilder) For(index, space string, carry ...string) LayerBuilder {
	s := &syntax.For{Var: l.b.name(index), Space: l.b.name(space), Carry: l.b.names(carry), Body: &syntax.Block{}}
	l.b.add(s, &s.Trivia)
	return newLayer(s.Body, l.b.errs)
}

// Using chooses the rule table, as in Call("mup", Arg("width", ..)).
func (l LayerBuilder) Using(rules Value) {
	s := &syntax.Use{Rules: l.b.take(rules)}
	l.b.add(s, &s.Trivia)
}

// Loss says what is minimised.
func (l LayerBuilder) Loss(v Value) { l.Set(Name("loss"), v) }

// Along returns `f over index.. of (v, args..)`: a function of the language along indices.
func Along(f string, index []string, v Value, args ...Value) Expr {
	e := Reduce(f, v, index...)
	if r, ok := e.e.(*syntax.Reduce); ok {
		for _, a := range args {
			x := operand(a)
			e.err = first(e.err, x.err)
			r.Args = append(r.Args, &syntax.Arg{Value: x.e})
		}
	}
	return e
}

// Train begins the description of a training run; data is bytes, chars, gpt2, or a param that holds one of them.
func (p Body) Train(model, data string) *TrainBuilder {
	t := &syntax.Train{Model: p.b.name(model), Body: &syntax.Block{Layout: syntax.Layout{Multi: true}}}
	if data != "" {
		t.Data = p.b.name(data)
	}
	p.b.add(t, &t.Trivia)
	return &TrainBuilder{p.b, t}
}

// Entry adds an entry in the words of the language, such as "schedule warmup 10% then linear to 0".
func (t *TrainBuilder) Entry(text string) *TrainBuilder {
	f, errs := syntax.Parse("entry", "train m {\n"+text+"\n}")
	if len(errs) > 0 || len(f.Stmts) != 1 {
		t.b.fail(fmt.Errorf("the entry %q of a train block: %v", text, errs.Err()))
		return t
	}
	if tr, ok := f.Stmts[0].(*syntax.Train); ok {
		t.t.Body.Stmts = append(t.t.Body.Stmts, tr.Body.Stmts...)
	}
	return t
}

// Text adds statements in the words of the language: functions, optimizers, rule tables, presets.
func (p Body) Text(text string) {
	f, errs := syntax.Parse("text", strings.TrimSpace(text)+"\n")
	if len(errs) > 0 {
		p.b.fail(fmt.Errorf("statements given as text: %w", errs.Err()))
		return
	}
	*p.b.stmts = append(*p.b.stmts, f.Stmts...)
}
