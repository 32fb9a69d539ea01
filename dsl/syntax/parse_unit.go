package syntax

import (
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
)

// A unit is one space-free token after a number: `300 K`, `9.7e-5 m^2/s`,
// `50 W/(m*K)`, `4 1/s`. So `2 m/dt` has the unit m/dt, and `2 m / dt` divides
// two metres by dt. A call is never part of a unit: `2 m*sin(x)` is two metres
// times sin(x). The words below may follow a number and are never units.
var notUnits = map[string]bool{
	"and": true, "as": true, "at": true, "by": true, "drift": true, "else": true, "every": true, "for": true, "from": true,
	"in": true, "homogeneous": true, "like": true, "max": true, "not": true, "nodes": true, "of": true, "on": true, "or": true, "order": true,
	"over": true, "after": true, "per": true, "periodic": true, "step": true, "steps": true, "stretched": true, "then": true, "to": true,
	"until": true, "batches": true, "sequences": true, "tokens": true, "weight": true, "using": true, "where": true, "while": true, "with": true,
}

// typeNames are the element types an annotation may name.
var typeNames = map[string]bool{
	"f16": true, "bf16": true, "f32": true, "f64": true, "i32": true, "u32": true, "u16": true, "bool": true,
}

// unitAfterNumber reads the unit of the number just taken, or returns nil.
func (p *parser) unitAfterNumber() *Unit {
	t := p.lex.Peek() // a newline inside brackets also ends the number
	switch {
	case t.Type == tokIdent && !notUnits[t.Value]:
		return p.unit()
	case t.Type == tokNumber && t.Value == "1" && p.peek2IsDivision():
		return p.unit()
	}
	return nil
}

func (p *parser) peek2IsDivision() bool {
	t, t2 := *p.peek(), p.peek2()
	return t2.Type == tokOp && t2.Value == "/" && t2.Pos.Offset == t.Pos.Offset+1
}

// unit reads a unit: names with integer powers, products and quotients, all
// without spaces.
func (p *parser) unit() *Unit {
	start := p.start()
	u := &Unit{}
	if t := p.peek(); t.Type == tokNumber {
		if t.Value != "1" {
			p.fail(diag.New("WF0108", p.at(t), "`%s` is not a unit", t.Value).
				Suggest("write `1` for a quantity without dimension, or a unit such as `m/s`"))
		}
		p.next()
	} else if f, ok := p.unitFactor(1, false); ok {
		u.Factors = append(u.Factors, f)
	} else {
		p.unexpected(t, "a unit")
	}
	for {
		fs, ok := p.unitTail()
		if !ok {
			break
		}
		u.Factors = append(u.Factors, fs...)
	}
	u.Loc = p.from(start)
	u.Text = u.At.Text()
	return u
}

// unitTail reads `*x`, `/x`, `*(x/y)` or `/(x*y)` if it follows without a space
// and has the form of a unit; otherwise it takes nothing.
func (p *parser) unitTail() ([]UnitFactor, bool) {
	c, prevEnd := p.lex.MakeCheckpoint(), p.prevEnd
	fs, ok := p.tryUnitTail()
	if !ok {
		p.lex.LoadCheckpoint(c)
		p.prevEnd = prevEnd
	}
	return fs, ok
}

func (p *parser) tryUnitTail() ([]UnitFactor, bool) {
	sign, ok := p.unitSign()
	if !ok {
		return nil, false
	}
	if !p.adjacent("(") {
		f, ok := p.unitFactor(sign, true)
		return []UnitFactor{f}, ok
	}
	p.next()
	f, ok := p.unitFactor(sign, true)
	if !ok {
		return nil, false
	}
	fs := []UnitFactor{f}
	for {
		if p.adjacent(")") {
			p.next()
			return fs, true
		}
		inner, ok := p.unitSign()
		if !ok {
			return nil, false
		}
		f, ok := p.unitFactor(sign*inner, true)
		if !ok {
			return nil, false
		}
		fs = append(fs, f)
	}
}

// unitSign takes an adjacent `*` or `/` and returns 1 or -1.
func (p *parser) unitSign() (int, bool) {
	switch {
	case p.adjacent("*"):
		p.next()
		return 1, true
	case p.adjacent("/"):
		p.next()
		return -1, true
	}
	return 0, false
}

// adjacent says whether op is the next token, without space before it.
func (p *parser) adjacent(op string) bool {
	t := p.lex.Peek()
	return t.Type == tokOp && t.Value == op && t.Pos.Offset == p.prevEnd
}

// unitFactor takes `name` or `name^power`. The first one of a unit may follow
// a space; a glued one may not.
func (p *parser) unitFactor(sign int, glued bool) (UnitFactor, bool) {
	t := p.lex.Peek()
	if t.Type != tokIdent || glued && (t.Pos.Offset != p.prevEnd || p.callFollows()) {
		return UnitFactor{}, false
	}
	f := UnitFactor{Name: t.Value, Power: sign}
	p.next()
	if !p.adjacent("^") {
		return f, true
	}
	p.next()
	if p.adjacent("-") {
		p.next()
		f.Power = -f.Power
	}
	e := *p.lex.Peek()
	n, err := strconv.Atoi(e.Value)
	if e.Type != tokNumber || e.Pos.Offset != p.prevEnd || err != nil || n > 99 {
		p.fail(diag.New("WF0108", p.at(&e), "the power of a unit is an integer from -99 to 99").
			Suggest("write for example `m^2` or `s^-1`, without spaces"))
	}
	p.next()
	f.Power *= n
	return f, true
}

// callFollows says whether the name at the cursor is that of a call.
func (p *parser) callFollows() bool {
	t, t2 := *p.lex.Peek(), p.peek2()
	return t2.Type == tokOp && t2.Value == "(" && t2.Pos.Offset == t.Pos.Offset+len(t.Value)
}

// annotation reads what follows the colon of a declaration, if there is one.
func (p *parser) annotation() *Annotation {
	if !p.acceptOp(":") {
		return nil
	}
	a := &Annotation{}
	start := p.start()
	if t := p.peek(); p.isWord("vector") || p.isWord("tensor") {
		a.Rank = p.ident("a rank")
		if t = p.peek(); t.Type != tokNumber && (t.Type != tokIdent || notUnits[t.Value]) {
			a.Loc = p.from(start)
			return a
		}
	}
	if t := p.peek(); t.Type == tokIdent && typeNames[t.Value] {
		a.Type = p.ident("a type")
		if t := p.peek(); t.Type == tokNumber || t.Type == tokIdent && !notUnits[t.Value] {
			a.Unit = p.unit()
		}
	} else {
		a.Unit = p.unit()
	}
	a.Loc = p.from(start)
	return a
}
