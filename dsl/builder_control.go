package dsl

import (
	"errors"
	"fmt"

	"github.com/wfc-lang/wfc/dsl/syntax"
)

// LoopBuilder describes a loop. As a Body it takes the statements of one iteration.
type LoopBuilder struct {
	Body
	outer *block
	l     *syntax.Loop
}

// Loop begins a loop: give it the values it carries (Var, VarLike) and While or Count.
func (p Body) Loop() *LoopBuilder {
	body := &syntax.Block{Layout: syntax.Layout{Multi: true}}
	// Until its condition is given the loop is `while 1 < 0`.
	l := &syntax.Loop{Body: body, While: &syntax.Binary{Op: syntax.OpLt, X: &syntax.Number{Text: "1", Value: 1}, Y: &syntax.Number{Text: "0"}}}
	p.b.add(l, &l.Trivia)
	return &LoopBuilder{Body{&block{stmts: &body.Stmts, tail: &body.Tail, errs: p.b.errs}}, p.b, l}
}

// Var carries a value from iteration to iteration; first is its value before the first one. The result reads it.
func (v *LoopBuilder) Var(name string, first Value) Expr {
	v.l.Vars = append(v.l.Vars, &syntax.LoopVar{Name: v.outer.name(name), Value: v.outer.take(first)})
	return Name(name)
}

// VarLike is Var for a value with the grid and the boundary conditions of a field, or the homogeneous ones.
func (v *LoopBuilder) VarLike(name string, first, field Value, homogeneous bool) Expr {
	v.l.Vars = append(v.l.Vars, &syntax.LoopVar{Name: v.outer.name(name), Value: v.outer.take(first), Like: v.outer.fieldName(field), Homogeneous: homogeneous})
	return Name(name)
}

// While goes on as long as cond holds, at most most times (nil: no bound).
func (v *LoopBuilder) While(cond, most Value) *LoopBuilder {
	v.l.While, v.l.Index, v.l.From, v.l.To, v.l.Max = v.outer.take(cond), nil, nil, nil, nil
	if most != nil {
		v.l.Max = v.outer.take(most)
	}
	return v
}

// ElseFail makes reaching the bound of While the end of the run.
func (v *LoopBuilder) ElseFail() *LoopBuilder {
	if v.l.Max == nil {
		v.outer.fail(errors.New("ElseFail needs a loop with a bound: While(cond, most)"))
		return v
	}
	v.l.Fail = true
	return v
}

// Count runs for name = lo, lo+1, .. hi-1. The result reads the counter.
func (v *LoopBuilder) Count(name string, lo, hi Value) Expr {
	v.l.While, v.l.Max, v.l.Fail = nil, nil, false
	v.l.Index, v.l.From, v.l.To = v.outer.name(name), v.outer.take(lo), v.outer.take(hi)
	return Name(name)
}

// IfBuilder describes a choice. As a Body it takes the statements for when the condition holds.
type IfBuilder struct {
	Body
	s *syntax.If
}

// If begins a choice.
func (p Body) If(cond Value) *IfBuilder {
	then := &syntax.Block{Layout: syntax.Layout{Multi: true}}
	s := &syntax.If{Cond: p.b.take(cond), Then: then}
	p.b.add(s, &s.Trivia)
	return &IfBuilder{Body{&block{stmts: &then.Stmts, tail: &then.Tail, errs: p.b.errs}}, s}
}

// Else takes the statements for when the condition does not hold.
func (v *IfBuilder) Else() Body {
	b := &syntax.Block{Layout: syntax.Layout{Multi: true}}
	v.s.Else = b
	return Body{&block{stmts: &b.Stmts, tail: &b.Tail, errs: v.b.errs}}
}

// LetLike names an expression that has the boundary conditions of a field, or the homogeneous ones.
func (p Body) LetLike(name string, v, field Value, homogeneous bool) Expr {
	it := &syntax.BindItem{Name: p.b.name(name), Value: p.b.take(v), Like: p.b.fieldName(field), Homogeneous: homogeneous}
	s := &syntax.Bind{Kind: syntax.Let, Items: []*syntax.BindItem{it}}
	p.b.add(s, &s.Trivia)
	return Name(name)
}

// fieldName is the name of a value that is one.
func (b *block) fieldName(v Value) *syntax.Ident {
	e := b.take(v)
	if r, ok := e.(*syntax.Ref); ok && !r.Prime && r.Index == nil {
		return r.Name
	}
	b.fail(fmt.Errorf("a field is needed, not %s", syntax.ExprString(e)))
	return &syntax.Ident{Name: "field"}
}

// FnBuilder describes a function with a body: Let its parts, and Value what it is.
type FnBuilder struct {
	Body
	f *syntax.TensorFn
}

// FnBody declares a function of the named parameters whose value is given by lets and Value.
func (p Body) FnBody(name string, params []string) *FnBuilder {
	body := &syntax.Block{Layout: syntax.Layout{Multi: true}}
	f := &syntax.TensorFn{Name: p.b.name(name), Body: body, Params: []*syntax.Arg{}}
	for _, s := range params {
		f.Params = append(f.Params, &syntax.Arg{Name: p.b.name(s)})
	}
	p.b.add(f, &f.Trivia)
	return &FnBuilder{Body{&block{stmts: &body.Stmts, tail: &body.Tail, errs: p.b.errs}}, f}
}

// Value is the value of the function; several form a vector.
func (v *FnBuilder) Value(values ...Value) {
	var e syntax.Expr
	switch len(values) {
	case 0:
		v.b.fail(errors.New("a function needs a value"))
		return
	case 1:
		e = v.b.take(values[0])
	default:
		t := &syntax.Tuple{}
		for _, x := range values {
			t.Elems = append(t.Elems, v.b.take(x))
		}
		e = t
	}
	s := &syntax.Assign{Target: &syntax.Ref{Name: v.f.Name}, Value: e}
	v.b.add(s, &s.Trivia)
}
