package syntax

import (
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
)

// Binding strength of operators, weakest first. Comparisons do not chain;
// powers associate to the right and bind tighter than a sign before them.
const (
	precOr = iota + 1
	precAnd
	precNot
	precCompare
	precSum
	precProduct
	precSign
	precPower
	precAtom
)

var precedence = map[Op]int{
	OpOr: precOr, OpAnd: precAnd,
	OpEq: precCompare, OpNe: precCompare, OpLt: precCompare, OpLe: precCompare, OpGt: precCompare, OpGe: precCompare,
	OpAdd: precSum, OpSub: precSum,
	OpMul: precProduct, OpDiv: precProduct,
	OpPow: precPower,
}

// expr reads an expression.
func (p *parser) expr() Expr { return p.binary(precOr) }

// operator returns the binary operator at the cursor, or "".
func (p *parser) operator() Op {
	t := p.peek()
	if t.Type != tokOp && (t.Type != tokIdent || t.Value != "and" && t.Value != "or") {
		return ""
	}
	if _, ok := precedence[Op(t.Value)]; !ok {
		return ""
	}
	return Op(t.Value)
}

// countOp limits how large one statement may grow; left-associative chains make
// trees as deep as they are long.
func (p *parser) countOp(at diag.Span) {
	if p.ops++; p.ops > MaxOperators {
		p.fail(diag.New("WF0109", at, "more than %d operators in one statement", MaxOperators).
			Suggest("give parts names with `let`"))
	}
}

// binary reads operators that bind at least as tightly as prec.
func (p *parser) binary(prec int) Expr {
	start := p.start()
	x := p.prefix(prec)
	for {
		op := p.operator()
		pr := precedence[op]
		if op == "" || pr < prec {
			return x
		}
		opAt := p.at(p.peek())
		p.countOp(opAt)
		p.next()
		p.skipNewlines()
		right := pr + 1
		if op == OpPow {
			right = precSign // right-associative, and the exponent may have a sign
			p.enter(opAt)
		}
		y := p.binary(right)
		if op == OpPow {
			p.depth--
		}
		x = &Binary{p.from(start), op, opAt, x, y}
		if next := p.operator(); pr == precCompare && precedence[next] == precCompare {
			p.chained(x.(*Binary), next)
		}
	}
}

// chained explains a < b < c.
func (p *parser) chained(x *Binary, next Op) {
	mid := x.Y.Span().Text()
	p.fail(diag.New("WF0112", p.at(p.peek()), "comparisons do not chain").
		With(x.OpAt, "the first comparison").
		Suggest("write `%s and %s %s ...`", x.Span().Text(), mid, next))
}

// prefix reads signs and `not`, or an atom.
func (p *parser) prefix(prec int) Expr {
	t := p.peek()
	start := t.Pos.Offset
	switch {
	case p.isOp("-"):
		at := p.at(t)
		p.next()
		p.countOp(at)
		p.enter(at)
		x := p.binary(precSign)
		p.depth--
		return &Unary{p.from(start), OpSub, x}
	case p.isOp("+"):
		p.fail(diag.New("WF0113", p.at(t), "`+` as a sign has no effect").Replace(p.at(t), "", "remove it"))
	case p.isWord("not"):
		at := p.at(t)
		if prec > precNot {
			p.fail(diag.New("WF0101", at, "`not` cannot stand inside a comparison or a sum").
				Suggest("put `not ...` in parentheses"))
		}
		p.next()
		p.countOp(at)
		p.enter(at)
		x := p.binary(precNot)
		p.depth--
		return &Unary{p.from(start), OpNot, x}
	}
	return p.atom()
}

// atom reads a literal, a name with what follows it, or brackets.
func (p *parser) atom() Expr {
	t := p.peek()
	start := t.Pos.Offset
	switch {
	case t.Type == tokNumber:
		return p.number()
	case t.Type == tokString:
		return p.text()
	case t.Type == tokIdent && (t.Value == "and" || t.Value == "or" || t.Value == "not"):
		p.unexpected(t, "a value before `"+t.Value+"`")
	case t.Type == tokIdent && p.paren > 0 && len(p.brackets) > 0 && p.beginsStatement(t):
		opened := p.brackets[len(p.brackets)-1]
		bracket := map[string]string{"(": ")", "[": "]", "{": "}"}[opened.Text()]
		p.unclosed(diag.Span{File: p.file, Start: p.prevEnd, End: p.prevEnd}, bracket, "the end of the line", opened)
	case t.Type == tokIdent:
		return p.name()
	case p.isOp("("):
		return p.parens()
	case p.isOp("#") && p.extentFollows():
		p.next()
		return &Extent{Name: p.ident("the name of an index"), Loc: p.from(start)}
	case p.isOp("."):
		if t2 := p.peek2(); t2.Type == tokNumber && t2.Pos.Offset == start+1 {
			p.fail(diag.New("WF0107", p.at(t), "a digit must stand before the decimal point").
				Replace(p.at(t), "0.", "write `0.%s`", t2.Value))
		}
	}
	p.unexpected(t, "a value")
	return nil
}

// extentFollows says whether a name follows `#` without a space.
func (p *parser) extentFollows() bool {
	t := p.peek2()
	return t.Type == tokIdent && t.Pos.Offset == p.start()+1
}

// text reads a string literal. The escapes are \" \\ \n and \t.
func (p *parser) text() Expr {
	t := *p.next()
	s, bad := unquote(t.Value)
	if bad != "" {
		p.fail(diag.New("WF0106", p.at(&t), "`%s` has no meaning in a text", bad).
			Suggest("a text knows \\\" \\\\ \\n \\t; write `\\\\` for a backslash"))
	}
	return &String{p.from(t.Pos.Offset), s}
}

// unquote decodes a string token and returns the first escape it does not know.
func unquote(tok string) (s, bad string) {
	var b strings.Builder
	body := tok[1 : len(tok)-1]
	for i := 0; i < len(body); i++ {
		c := body[i]
		if c == '\\' {
			i++
			switch body[i] {
			case '"', '\\':
				c = body[i]
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			default:
				return "", body[i-1 : i+1]
			}
		}
		b.WriteByte(c)
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD"), ""
}

// quote is the inverse of unquote.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// number reads a literal and the unit after it.
func (p *parser) number() *Number {
	t := *p.next()
	at := p.at(&t)
	v, err := strconv.ParseFloat(t.Value, 64)
	if err != nil {
		p.fail(diag.New("WF0107", at, "the number `%s` is beyond the range of f64", t.Value).
			Suggest("rescale the quantity, for example with another unit"))
	}
	n := &Number{Text: t.Value, Value: v, Unit: p.unitAfterNumber()}
	n.Loc = p.from(t.Pos.Offset)
	return n
}

// parens reads `(x)` or `(x, y)`.
func (p *parser) parens() Expr {
	start := p.start()
	opened := p.open("(", "`(`")
	elems := []Expr{p.expr()}
	for p.acceptOp(",") {
		if p.isOp(")") {
			break
		}
		elems = append(elems, p.expr())
	}
	p.close(")", opened)
	if len(elems) == 1 {
		return &Paren{p.from(start), elems[0]}
	}
	return &Tuple{p.from(start), elems}
}

// name reads a name and what belongs to it: a call, a prime, indices, or the
// `over` of a reduction.
func (p *parser) name() Expr {
	start := p.start()
	id := p.ident("a name")
	switch {
	case p.isOp("("):
		return &Call{Func: id, Args: p.args("(", ")"), Loc: p.from(start)}
	case p.isWord("over"):
		return p.reduce(start, id)
	}
	return p.refAfter(start, id)
}

// refAfter reads the prime and the indices of a reference.
func (p *parser) refAfter(start int, id *Ident) *Ref {
	r := &Ref{Name: id}
	if p.isOp(".") {
		p.next()
		r.Part = p.ident("a part after `" + id.Name + ".`: an axis, as in `" + id.Name + ".x`")
	}
	if p.acceptOp("'") {
		r.Prime = true
		if p.isOp("'") {
			p.fail(diag.New("WF0101", p.at(p.peek()), "only one prime: `%s'` is the next value, and there is none after it", id.Name).
				Suggest("for a second time derivative write `dt(dt(%s))`", id.Name))
		}
	}
	if p.isOp("[") {
		r.Index = p.args("[", "]")
	}
	r.Loc = p.from(start)
	return r
}

// args reads bracketed arguments, positional and named.
func (p *parser) args(left, right string) []*Arg {
	opened := p.open(left, "`"+left+"`")
	out := []*Arg{}
	for !p.isOp(right) {
		out = append(out, p.arg())
		if !p.acceptOp(",") {
			break
		}
	}
	if left == "[" && len(out) == 0 {
		p.fail(diag.New("WF0101", p.at(p.peek()), "brackets without an index").
			Suggest("write an index, as in `T[x, y]`, or leave the brackets away"))
	}
	p.close(right, opened)
	return out
}

func (p *parser) arg() *Arg {
	a := &Arg{}
	start := p.start()
	if t2 := p.peek2(); p.peek().Type == tokIdent && t2.Type == tokOp && t2.Value == "=" {
		a.Name = p.ident("a name")
		p.next()
	}
	a.Value = p.expr()
	a.Loc = p.from(start)
	return a
}

// reduce reads `over y, z [where c] of product`, `over y (expr)` or
// `over y of product where c`.
func (p *parser) reduce(start int, op *Ident) Expr {
	p.countOp(op.At)
	p.enter(op.At)
	p.next()
	r := &Reduce{Op: op, Over: p.idents("an index to reduce over")}
	if p.isWord("where") {
		p.next()
		r.Where = p.expr()
	}
	switch {
	case p.isWord("of"):
		p.next()
		p.skipNewlines()
		if p.namedInParens() {
			p.reduceArgs(r)
			break
		}
		r.Body = p.binary(precProduct)
		if p.isWord("where") && r.Where == nil {
			p.next()
			r.Where = p.expr()
		}
	case p.isOp("(") && r.Where == nil:
		opened := p.open("(", "`(`")
		r.Body = p.expr()
		for p.acceptOp(",") && !p.isOp(")") {
			r.Args = append(r.Args, p.arg())
		}
		p.close(")", opened)
		r.Tight = true
	default:
		p.form = "a reduction is written `sum over y, z of T[x,y,z]`, or `sum over y where y < 4 of T[x,y]`"
		p.unexpected(p.peek(), "`of` and what to reduce")
	}
	p.depth--
	r.Loc = p.from(start)
	return r
}
