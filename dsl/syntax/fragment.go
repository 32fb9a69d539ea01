package syntax

import (
	"regexp"

	"github.com/wfc-lang/wfc/internal/diag"
)

var nameForm = regexp.MustCompile(`^[\pL_][\pL\pN_]*$`)

// IsName says whether s can be a name.
func IsName(s string) bool {
	return nameForm.MatchString(s) && s != "and" && s != "or" && s != "not"
}

// ParseExpr reads one expression, as for `--set name=EXPR`.
func ParseExpr(name, src string) (Expr, diag.List) {
	p, errs := fragment(name, src)
	if errs != nil {
		return nil, errs
	}
	var e Expr
	p.try(func() {
		p.paren++ // newlines have no meaning
		e = p.expr()
		if t := p.peek(); !t.EOF() {
			p.unexpected(t, "the end of the expression")
		}
	})
	if p.errs.HasErrors() {
		return nil, p.errs
	}
	return e, nil
}

// ParseUnit reads one unit, such as "m^2/s" or "1".
func ParseUnit(name, src string) (*Unit, diag.List) {
	p, errs := fragment(name, src)
	if errs != nil {
		return nil, errs
	}
	var u *Unit
	p.try(func() {
		u = p.unit()
		if t := p.peek(); !t.EOF() {
			p.fail(diag.New("WF0108", p.at(t), "%s does not belong to a unit", describe(t)).
				Suggest("a unit is names with integer powers joined by * and /, without spaces, as in `W/(m*K)`"))
		}
	})
	if p.errs.HasErrors() {
		return nil, p.errs
	}
	return u, nil
}

// fragment prepares a parser for a part of a program.
func fragment(name, src string) (*parser, diag.List) {
	p := &parser{file: diag.NewFile(name, src)}
	var err error
	if len(src) > MaxFileBytes {
		p.errs.Errorf("WF0110", diag.Span{File: p.file}, "the text has %d bytes; the limit is %d", len(src), MaxFileBytes)
		return nil, p.errs
	}
	if p.lex, p.comments, err = scan(p.file); err != nil {
		p.errs.Errorf("WF0105", diag.Span{File: p.file}, "the text cannot be split into tokens: %v", err)
		return nil, p.errs
	}
	return p, nil
}
