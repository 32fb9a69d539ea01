package syntax

import (
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
)

// keywords lists the words that begin statements, in the order in which
// messages list them.
var keywords = []string{"param", "const", "let", "grid", "dim", "index", "field", "mask", "cells", "bc", "evolve", "loop", "if", "solve", "fn", "output", "probe", "monitor",
	"model", "train", "preset", "optimizer", "parametrisation"}

// Keyword says whether statements begin with a word. It is a name all the same where nothing that makes it a statement follows.
func Keyword(word string) bool { return reader(word) != nil }

// reader returns what reads the statement that begins with a word, or nil.
func reader(word string) func(*parser, int) Stmt {
	switch word {
	case "param", "const", "let":
		return (*parser).bind
	case "grid":
		return (*parser).grid
	case "dim":
		return (*parser).dim
	case "index":
		return (*parser).indexDecl
	case "field", "mask", "cells":
		return (*parser).field
	case "bc":
		return (*parser).bc
	case "evolve":
		return (*parser).evolve
	case "loop":
		return (*parser).loop
	case "if":
		return (*parser).conditional
	case "solve":
		return (*parser).solve
	case "fn":
		return (*parser).anyFn
	case "output":
		return (*parser).output
	case "monitor":
		return (*parser).monitor
	case "probe":
		return (*parser).probe
	}
	return modelReader(word)
}

// stmt reads a statement without its separator.
func (p *parser) stmt() Stmt {
	t := p.peek()
	start := t.Pos.Offset
	if t.Type == tokIdent && p.keywordUse(t.Value) {
		if read := reader(t.Value); read != nil {
			return read(p, start)
		}
	}
	return p.equation(start)
}

// keywordUse says whether the word at the cursor begins a statement rather
// than naming a variable: `output T` against `output = 3`.
func (p *parser) keywordUse(word string) bool {
	t := p.peek2()
	switch {
	case t.Type != tokOp:
		return true
	case word == "solve", word == "if":
		return t.Value == "(" || t.Value == "-" || t.Value == "#"
	case word == "bc":
		return t.Value == "(" || t.Value == "{"
	}
	return t.Value == ":" || t.Value == "{" || t.Value == "," || t.Value == "*"
}

// equation reads `target = value` or `left = right`.
func (p *parser) equation(start int) Stmt {
	if t := p.peek(); t.Type == tokIdent {
		if t2 := p.peek2(); t2.Type == tokIdent && t2.Value != "over" && t2.Value != "and" && t2.Value != "or" {
			p.unknownStatement()
		}
	}
	p.lineBeginsWithOperator()
	p.form = "an equation is written `dt(T) = ...`, an assignment `T' = ...` or `y[i] = ...`"
	first := p.at(p.peek())
	left := p.expr()
	if b, ok := left.(*Binary); ok && b.Op == OpEq {
		p.fail(diag.New("WF0113", b.OpAt, "`==` compares two values; an equation is stated with `=`").
			Replace(b.OpAt, "=", "write `=`"))
	}
	if t := p.peek(); t.EOF() || isSep(t) || p.isOp("}") {
		if first.Text() == "-" || first.Text() == "+" {
			p.brokenLine(first)
		}
		p.fail(diag.New("WF0104", left.Span(), "this is a value, not a statement").
			Suggest("write an equation, as in `dt(T) = ...` or `T' = ...`, or name the value with `let a = ...`"))
	}
	if t := p.peek(); t.Type == tokOp && t.Value == ":" {
		p.fail(diag.New("WF0104", p.at(t), "an entry with `:` has no meaning here").
			Suggest("entries like `x.lo: T = 0` stand in the braces of `bc`, `grid` or `field`; a declaration begins with `param`, `const` or `field`"))
	}
	p.expect("=", "`=`")
	p.skipNewlines()
	right := p.expr()
	if ref, ok := left.(*Ref); ok {
		return &Assign{Loc: p.from(start), Target: ref, Value: right}
	}
	return &Equation{Loc: p.from(start), Left: left, Right: right}
}

// lineBeginsWithOperator explains a line that was meant to go on.
func (p *parser) lineBeginsWithOperator() {
	t := p.peek()
	if t2 := p.peek2(); p.isOp("/") && t2.Value == "*" && t2.Pos.Offset == p.start()+1 {
		p.fail(diag.New("WF0113", p.at(t), "`/*` does not begin a comment").
			Replace(p.at(t).To(p.at(&t2)), "//", "begin each line of a comment with `//`"))
	}
	if op := p.operator(); op != "" && op != OpSub || p.isOp("=") {
		p.brokenLine(p.at(t))
	}
}

// brokenLine explains an operator at the beginning of a line.
func (p *parser) brokenLine(at diag.Span) {
	p.fail(diag.New("WF0117", at, "a line cannot begin with `%s`", at.Text()).
		Note("a new line ends the statement before it, unless that line ends in an operator or stands in brackets").
		Suggest("move `%s` to the end of the line before", at.Text()))
}

// unknownStatement explains two words in a row that begin no statement.
func (p *parser) unknownStatement() {
	t := p.peek()
	d := diag.New("WF0104", p.at(t), "no statement begins with `%s`", t.Value)
	if best, ok := diag.Nearest(t.Value, keywords); ok {
		p.fail(d.Replace(p.at(t), best, "did you mean `%s`?", best))
	}
	switch t.Value {
	case "for", "while", "return", "def", "var", "function", "import", "print":
		d.Note("a program is a list of declarations and equations; its control flow is `evolve`, `loop` and `if`")
	}
	p.fail(d.Suggest("statements are equations or begin with %s", strings.Join(keywords, ", ")))
}

// bind reads param, const and let.
func (p *parser) bind(start int) Stmt {
	b := &Bind{}
	p.form = "a declaration is written `" + p.peek().Value + " name = value`, or `name: unit = value`, several with commas"
	switch p.next().Value {
	case "const":
		b.Kind = Const
	case "let":
		b.Kind = Let
	}
	for {
		b.Items = append(b.Items, p.bindItem(b.Kind))
		if !p.comma() {
			break
		}
	}
	b.Loc = p.from(start)
	return b
}

func (p *parser) bindItem(kind BindKind) *BindItem {
	start := p.start()
	it := &BindItem{Name: p.declare(p.ident("a name after `" + kind.String() + "`"))}
	if kind == Let && p.isOp("'") {
		p.fail(diag.New("WF0101", p.at(p.peek()), "a `let` has no next value").
			Suggest("write `%s' = ...` without `let`, or drop the prime", it.Name.Name))
	}
	if p.isOp("[") {
		it.Index = p.indexNames()
	}
	it.Ann = p.annotation()
	p.expect("=", "`=` and the value of `"+it.Name.Name+"`")
	p.skipNewlines()
	it.Value = p.expr()
	if kind == Let && it.Index == nil && p.acceptWord("like") {
		it.Like = p.ident("the field whose boundary conditions it has")
		it.Homogeneous = p.acceptWord("homogeneous")
	}
	it.Loc = p.from(start)
	return it
}

// indexNames reads `[i, j]`.
func (p *parser) indexNames() []*Ident {
	opened := p.open("[", "`[`")
	out := p.idents("the name of an index")
	p.close("]", opened)
	return out
}

func (p *parser) dim(start int) Stmt {
	p.next()
	d := &Dim{}
	p.form = "a dim is written `dim i = 64, j = n`"
	for {
		at := p.start()
		it := &DimItem{Name: p.declare(p.ident("a name after `dim`"))}
		p.expect("=", "`=` and the extent of `"+it.Name.Name+"`")
		it.Value = p.expr()
		it.Loc = p.from(at)
		d.Items = append(d.Items, it)
		if !p.comma() {
			break
		}
	}
	d.Loc = p.from(start)
	return d
}

func (p *parser) indexDecl(start int) Stmt {
	p.next()
	n := &IndexDecl{}
	p.form = "further indices are written `index s, t in i`, or `index k in box.z`; `dim i = 3` makes a dim"
	for {
		n.Names = append(n.Names, p.declare(p.ident("the name of an index")))
		if !p.comma() {
			break
		}
	}
	p.expectWord("in", "`in` and the dim these indices range over")
	n.Space = p.ident("the name of a dim")
	if p.isOp(".") {
		p.next()
		n.Axis = p.ident("the name of an axis")
	}
	n.Loc = p.from(start)
	return n
}

func (p *parser) fn(start int) Stmt {
	p.next()
	p.form = "a function is written `fn f(a, b) = value` or `fn f(a, b) { let c = ..; f = value }`"
	f := &Fn{Name: p.declare(p.ident("a name after `fn`"))}
	opened := p.open("(", "`(` and the parameters of `"+f.Name.Name+"`")
	f.Params = []*Ident{}
	for !p.isOp(")") {
		f.Params = append(f.Params, p.ident("the name of a parameter"))
		if !p.acceptOp(",") {
			break
		}
	}
	p.close(")", opened)
	p.expect("=", "`=` and the value of `"+f.Name.Name+"`")
	p.skipNewlines()
	f.Value = p.expr()
	f.Loc = p.from(start)
	return f
}
