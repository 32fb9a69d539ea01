package syntax

import "github.com/wfc-lang/wfc/internal/diag"

// The blocks of control flow, as messages name them.
const (
	loopBody = "the body of `loop`"
	ifBody   = "the body of `if`"
	elseBody = "the body of `else`"
)

// loop reads a loop. When its head is broken the body is read all the same.
func (p *parser) loop(start int) Stmt {
	p.next()
	l := &Loop{}
	p.form = "a loop is written `loop x = a, r = b while r > c max 100 { x' = ..; r' = .. }` or `loop k in 0 .. n { .. }`"
	ok := p.head(func() { p.loopHead(l) })
	l.Body = p.block(loopBody)
	l.Loc = p.from(start)
	if !ok {
		return &Bad{Loc: l.Loc}
	}
	return l
}

// head reads what stands before a block; when it is broken it skips to the block and returns false.
func (p *parser) head(read func()) bool {
	if p.try(read) {
		return true
	}
	for t := p.peek(); !p.isOp("{"); t = p.peek() {
		if t.EOF() || isSep(t) || p.isOp("}") {
			panic(bailout{})
		}
		p.next()
	}
	return false
}

func (p *parser) loopHead(l *Loop) {
	if t2 := p.peek2(); t2.Type == tokIdent && t2.Value == "in" {
		p.loopRange(l)
	} else {
		for !p.isWord("while") && !p.isWord("for") {
			l.Vars = append(l.Vars, p.loopVar())
			if !p.comma() {
				break
			}
		}
		switch {
		case p.acceptWord("while"):
			l.While = p.expr()
		case p.acceptWord("for"):
			p.loopRange(l)
		default:
			p.unexpected(p.peek(), "`while` and a condition, or `for k in 0 .. n`")
		}
	}
	if p.acceptWord("max") {
		at := p.at(p.peek())
		if l.While == nil {
			p.fail(diag.New("WF0101", at, "`max` bounds a `while`; this loop counts already").Suggest("remove `max`"))
		}
		l.Max = p.expr()
	}
	if p.acceptWord("else") {
		if l.Max == nil {
			p.fail(diag.New("WF0101", p.at(p.peek()), "`else fail` says what happens at the end of `max N`, which this loop does not have").
				Suggest("write `while condition max 100 else fail`"))
		}
		p.expectWord("fail", "`fail` after `else`")
		l.Fail = true
	}
	p.skipNewlinesBefore("{")
	if !p.isOp("{") {
		p.unexpected(p.peek(), "`{` and the body of the loop")
	}
}

// loopRange reads `k in lo .. hi`.
func (p *parser) loopRange(l *Loop) {
	l.Index = p.ident("the counter of the loop")
	p.expectWord("in", "`in` and a range, as in `loop k in 0 .. 10`")
	l.From = p.expr()
	p.expect("..", "`..` and the end of the range")
	l.To = p.expr()
}

// loopVar reads `p = r like T homogeneous`.
func (p *parser) loopVar() *LoopVar {
	start := p.start()
	v := &LoopVar{Name: p.declare(p.ident("the name of a value the loop carries"))}
	if p.isOp("'") {
		p.fail(diag.New("WF0101", p.at(p.peek()), "the head of a loop gives first values").
			Suggest("write `%s = ..` here and `%s' = ..` in the body", v.Name.Name, v.Name.Name))
	}
	p.expect("=", "`=` and the first value of `"+v.Name.Name+"`")
	p.skipNewlines()
	v.Value = p.expr()
	if p.acceptWord("like") {
		v.Like = p.ident("the field whose grid and boundary conditions it has")
		v.Homogeneous = p.acceptWord("homogeneous")
	}
	v.Loc = p.from(start)
	return v
}

// conditional reads `if cond { .. } [else if .. | else { .. }]`.
func (p *parser) conditional(start int) Stmt {
	p.next()
	s := &If{}
	p.form = "a choice is written `if condition { .. } else { .. }`"
	ok := p.head(func() {
		s.Cond = p.expr()
		p.skipNewlinesBefore("{")
		if !p.isOp("{") {
			p.unexpected(p.peek(), "`{` and what to do")
		}
	})
	s.Then = p.block(ifBody)
	if p.acceptElse() {
		if p.isWord("if") {
			at := p.start()
			p.enter(p.at(p.peek()))
			inner := p.conditional(at)
			p.depth--
			s.Else = &Block{Loc: p.from(at), Stmts: []Stmt{inner}}
		} else {
			s.Else = p.block(elseBody)
		}
	}
	s.Loc = p.from(start)
	if !ok {
		return &Bad{Loc: s.Loc}
	}
	return s
}

// acceptElse takes `else` on this line or at the beginning of the next.
func (p *parser) acceptElse() bool {
	if p.isWord("else") {
		p.next()
		return true
	}
	if p.peek().Type != tokNewline {
		return false
	}
	c, prevEnd := p.lex.MakeCheckpoint(), p.prevEnd
	for p.peek().Type == tokNewline {
		p.next()
	}
	if p.isWord("else") {
		if t := p.peek2(); t.Value == "{" || t.Value == "if" {
			p.next()
			return true
		}
	}
	p.lex.LoadCheckpoint(c)
	p.prevEnd = prevEnd
	return false
}

// controlBody says whether a block holds the statements of a step, and controlWord which keywords begin those.
func controlBody(block string) bool {
	return block == evolveBody || block == loopBody || block == ifBody || block == elseBody
}

func controlWord(word string) bool {
	return word == "let" || word == "loop" || word == "if" || word == "solve"
}
