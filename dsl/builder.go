// Package dsl is the front end of wfc: the language of field equations.
//
// A program is text in a .wf file or is made in Go with the builder of this
// package. Both give the same syntax tree: the builder prints its program in the
// canonical format and reads it back, so what Go made can be saved as a .wf file,
// and every later message points into that text.
//
//	p := dsl.New()
//	alpha := p.Const("alpha", dsl.Q(9.7e-5, "m^2/s"))
//	p.Grid("rod").Axis("x", dsl.Q(0, "m"), dsl.Q(1, "m"), dsl.Num(64))
//	T := p.Field("T").On("rod").Init(dsl.Q(300, "K"))
//	p.BC(T).Side("x", dsl.Eq(dsl.Dn(T), dsl.Num(0)))
//	loop := p.Evolve("t").From(dsl.Q(0, "s")).To(dsl.Q(60, "s")).StepAuto()
//	loop.Eq(dsl.Dt(T), alpha.Mul(dsl.Lap(T)))
//	file, err := p.File()
package dsl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// Program collects statements in order. Its methods never fail; mistakes (a name
// that is none, a unit that cannot be read) are kept and returned by File.
type Program struct {
	Body
	file *syntax.File
}

// New returns an empty program.
func New() *Program {
	f := &syntax.File{}
	return &Program{Body{&block{stmts: &f.Stmts, tail: &f.Tail, errs: &[]error{}}}, f}
}

// Body is a list of statements: a whole program, or the body of a loop.
type Body struct{ b *block }

// block writes into a list of the tree. Comments wait in the list's tail until a
// statement takes them.
type block struct {
	stmts *[]syntax.Stmt
	tail  *[]syntax.Comment
	blank bool
	errs  *[]error // shared by the whole program
}

// add appends a statement with the comments that wait for it.
func (b *block) add(s syntax.Stmt, tr *syntax.Trivia) {
	tr.Lead, tr.Blank = *b.tail, b.blank
	*b.tail, b.blank = nil, false
	*b.stmts = append(*b.stmts, s)
}

func (b *block) fail(err error) {
	if err != nil {
		*b.errs = append(*b.errs, err)
	}
}

// name checks a name that is declared.
func (b *block) name(s string) *syntax.Ident {
	b.fail(checkName(s))
	return &syntax.Ident{Name: s}
}

func (b *block) names(list []string) []*syntax.Ident {
	var out []*syntax.Ident
	for _, s := range list {
		out = append(out, b.name(s))
	}
	return out
}

// take unwraps a value and keeps its mistake.
func (b *block) take(v Value) syntax.Expr {
	if v == nil {
		b.fail(errors.New("a value is missing"))
		return &syntax.Number{Text: "0"}
	}
	e := v.value()
	b.fail(e.err)
	return e.e
}

func checkName(s string) error {
	if syntax.IsName(s) {
		return nil
	}
	return fmt.Errorf("%q is not a name: letters, digits and _ only, not beginning with a digit", s)
}

// Source returns the program as text in the canonical format.
func (p *Program) Source() string {
	return string(syntax.Print(p.file))
}

// File returns the syntax tree of the program, read back from Source so that
// its nodes have places. The error joins every mistake made while building.
func (p *Program) File() (*syntax.File, error) {
	if err := errors.Join(*p.b.errs...); err != nil {
		return nil, err
	}
	src := p.Source()
	f, errs := syntax.ParseFile(diag.NewFile("<builder>", src))
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if !syntax.Equal(p.file, f) {
		return nil, fmt.Errorf("the program does not survive printing:\n%s", src)
	}
	return f, nil
}

// Comment puts a line comment before the next statement; the text may have
// several lines.
func (p Body) Comment(text string) {
	for i, line := range strings.Split(text, "\n") {
		*p.b.tail = append(*p.b.tail, syntax.Comment{Text: strings.TrimRight("// "+line, " \r"), Blank: i == 0 && p.b.blank})
	}
	p.b.blank = false
}

// Blank puts an empty line before the next statement.
func (p Body) Blank() { p.b.blank = true }

func (p Body) bind(kind syntax.BindKind, name string, v Value) Expr {
	s := &syntax.Bind{Kind: kind, Items: []*syntax.BindItem{{Name: p.b.name(name), Value: p.b.take(v)}}}
	p.b.add(s, &s.Trivia)
	return Name(name)
}

// Param declares a value that the command line can set, with its default.
func (p Body) Param(name string, v Value) Expr { return p.bind(syntax.Param, name, v) }

// Const declares a fixed value.
func (p Body) Const(name string, v Value) Expr { return p.bind(syntax.Const, name, v) }

// Let names an expression.
func (p Body) Let(name string, v Value) Expr { return p.bind(syntax.Let, name, v) }

// Fn declares a function of the named parameters.
func (p Body) Fn(name string, params []string, v Value) {
	s := &syntax.Fn{Name: p.b.name(name), Params: p.b.names(params), Value: p.b.take(v)}
	p.b.add(s, &s.Trivia)
}

// Eq states an equation, as in Eq(Dt(T), alpha.Mul(Lap(T))).
func (p Body) Eq(left, right Value) {
	l, r := p.b.take(left), p.b.take(right)
	if ref, ok := l.(*syntax.Ref); ok {
		s := &syntax.Assign{Target: ref, Value: r}
		p.b.add(s, &s.Trivia)
		return
	}
	s := &syntax.Equation{Left: l, Right: r}
	p.b.add(s, &s.Trivia)
}

// Set assigns: Set(T.Next(), v) is `T' = v`, Set(y.At(i), v) is `y[i] = v`.
func (p Body) Set(target, v Value) {
	t := p.b.take(target)
	ref, ok := t.(*syntax.Ref)
	if !ok {
		p.b.fail(fmt.Errorf("Set needs a name as its target, not %s; state equations with Eq", syntax.ExprString(t)))
		return
	}
	s := &syntax.Assign{Target: ref, Value: p.b.take(v)}
	p.b.add(s, &s.Trivia)
}
