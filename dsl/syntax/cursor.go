package syntax

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/wfc-lang/wfc/internal/diag"
)

// peek returns the next token. Inside brackets newlines have no meaning.
func (p *parser) peek() *lexer.Token {
	t := p.lex.Peek()
	for p.paren > 0 && t.Type == tokNewline {
		p.lex.Next()
		t = p.lex.Peek()
	}
	return t
}

// next takes the next token.
func (p *parser) next() *lexer.Token {
	p.peek()
	t := p.lex.Next()
	if !t.EOF() && t.Type != tokNewline {
		p.prevEnd = t.Pos.Offset + len(t.Value)
	}
	return t
}

// peek2 returns the token after the next one.
func (p *parser) peek2() lexer.Token {
	p.peek()
	c := p.lex.MakeCheckpoint()
	p.lex.Next()
	t := *p.peek()
	p.lex.LoadCheckpoint(c)
	return t
}

// at is the place of a token. At the end of the file and at a line's end it is
// the place after the last token, where the missing part belongs.
func (p *parser) at(t *lexer.Token) diag.Span {
	if t.EOF() || t.Type == tokNewline {
		return diag.Span{File: p.file, Start: p.prevEnd, End: p.prevEnd}
	}
	return diag.Span{File: p.file, Start: t.Pos.Offset, End: t.Pos.Offset + len(t.Value)}
}

// from is the range from an offset to the end of the last token taken.
func (p *parser) from(start int) Loc {
	return Loc{diag.Span{File: p.file, Start: start, End: max(start, p.prevEnd)}}
}

// start is the offset of the next token.
func (p *parser) start() int { return p.peek().Pos.Offset }

func isSep(t *lexer.Token) bool {
	return t.Type == tokNewline || t.Type == tokOp && t.Value == ";"
}

// isOp says whether the next token is the operator or bracket op.
func (p *parser) isOp(op string) bool {
	t := p.peek()
	return t.Type == tokOp && t.Value == op
}

// isWord says whether the next token is the word w.
func (p *parser) isWord(w string) bool {
	t := p.peek()
	return t.Type == tokIdent && t.Value == w
}

// acceptOp takes op if it is next.
func (p *parser) acceptOp(op string) bool {
	if p.isOp(op) {
		p.next()
		return true
	}
	return false
}

// acceptWord takes a clause word if it is next. A clause may begin a new line,
// unless the word there is the target of an assignment.
func (p *parser) acceptWord(w string) bool {
	if p.isWord(w) {
		p.next()
		return true
	}
	if p.peek().Type != tokNewline {
		return false
	}
	c, prevEnd := p.lex.MakeCheckpoint(), p.prevEnd
	p.skipNewlines()
	if p.isWord(w) {
		p.next()
		if t := p.peek(); t.Type != tokOp || !strings.Contains("='[:.", t.Value) {
			return true
		}
	}
	p.lex.LoadCheckpoint(c)
	p.prevEnd = prevEnd
	return false
}

// skipNewlines continues a statement on the next line, unless that line begins
// a statement of its own: then this one is incomplete.
func (p *parser) skipNewlines() {
	if p.peek().Type != tokNewline {
		return
	}
	c := p.lex.MakeCheckpoint()
	for p.peek().Type == tokNewline {
		p.next()
	}
	if p.beginsStatement(p.peek()) {
		p.lex.LoadCheckpoint(c)
	}
}

// beginsStatement says whether the next token t begins a line and a statement: a keyword with a name after it.
func (p *parser) beginsStatement(t *lexer.Token) bool {
	if t.Type != tokIdent || reader(t.Value) == nil || !p.firstOnLine(t) {
		return false
	}
	t2 := p.peek2()
	return t2.Type == tokIdent
}

// skipNewlinesBefore skips newlines if op follows them.
func (p *parser) skipNewlinesBefore(op string) {
	c := p.lex.MakeCheckpoint()
	p.skipNewlines()
	if !p.isOp(op) {
		p.lex.LoadCheckpoint(c)
	}
}

// expect takes op or fails; what says what was expected, in words.
func (p *parser) expect(op, what string) diag.Span {
	t := p.peek()
	if t.Type != tokOp || t.Value != op {
		p.unexpected(t, what)
	}
	at := p.at(t)
	p.next()
	return at
}

// expectWord takes the word w or fails.
func (p *parser) expectWord(w, what string) {
	if !p.acceptWord(w) {
		p.unexpected(p.peek(), what)
	}
}

// open takes a bracket and makes newlines meaningless up to close.
func (p *parser) open(bracket, what string) diag.Span {
	at := p.expect(bracket, what)
	p.enter(at)
	p.paren++
	p.brackets = append(p.brackets, at)
	return at
}

// close takes the bracket that matches the one opened at a place.
func (p *parser) close(bracket string, opened diag.Span) {
	t := p.peek()
	if t.Type != tokOp || t.Value != bracket {
		if t.Type == tokOp && (t.Value == "," || t.Value == "..") || !t.EOF() && t.Type != tokOp && !p.firstOnLine(t) {
			p.unexpected(t, "`"+bracket+"` or an operator")
		}
		at, found := p.at(t), describe(t)
		if p.firstOnLine(t) && !t.EOF() {
			at, found = diag.Span{File: p.file, Start: p.prevEnd, End: p.prevEnd}, "the end of the line"
		}
		p.unclosed(at, bracket, found, opened)
	}
	p.paren--
	p.depth--
	p.brackets = p.brackets[:len(p.brackets)-1]
	p.next()
}

// unclosed fails because a bracket is still open.
func (p *parser) unclosed(at diag.Span, bracket, found string, opened diag.Span) {
	p.fail(diag.New("WF0102", at, "expected `%s`, found %s", bracket, found).
		With(opened, "`%s` opened here", opened.Text()).
		Suggest("close the bracket with `%s`", bracket))
}

// firstOnLine says whether only space stands before t on its line.
func (p *parser) firstOnLine(t *lexer.Token) bool {
	for i := t.Pos.Offset - 1; i >= 0; i-- {
		switch p.file.Text[i] {
		case '\n':
			return true
		case ' ', '\t', '\r':
		default:
			return false
		}
	}
	return true
}

// ident takes a name that is declared or meant as such.
func (p *parser) ident(what string) *Ident {
	t := p.peek()
	if t.Type != tokIdent {
		p.unexpected(t, what)
	}
	start := t.Pos.Offset
	name := t.Value
	if !IsName(name) {
		p.fail(diag.New("WF0101", p.at(t), "expected %s, found the operator `%s`", what, name).
			Suggest("`and`, `or` and `not` are operators; choose another name"))
	}
	p.next()
	return &Ident{p.from(start), name}
}

// idents takes one or several names with commas.
func (p *parser) idents(what string) []*Ident {
	out := []*Ident{p.ident(what)}
	for p.comma() {
		out = append(out, p.ident(what))
	}
	return out
}

// comma takes a comma and continues on the next line.
func (p *parser) comma() bool {
	if !p.acceptOp(",") {
		return false
	}
	p.skipNewlines()
	return true
}

// declare remembers a name for the Bad node of a broken statement.
func (p *parser) declare(id *Ident) *Ident {
	p.names = append(p.names, id)
	return id
}
