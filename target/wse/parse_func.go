package wse

import "slices"

// function reads `fn NAME { .. }`.
func (p *parser) function() *Func {
	f := &Func{Name: p.ident("the function's name")}
	f.Body = p.block()
	return f
}

// mapFunc reads `map NAME f32 (a, b) { t = mul.f32 a, b  return t }`.
func (p *parser) mapFunc() *MapFunc {
	f := &MapFunc{Name: p.plain("the function's name")}
	f.Elem = Elem(p.oneOf("an element type", elemNames[:]))
	p.expect("(")
	for {
		f.Args = append(f.Args, p.plain("an argument"))
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	p.expect("{")
	for !p.accept("return") {
		o := MapOp{Name: p.plain("a name")}
		p.expect("=")
		o.Code, o.Elem = p.opcode()
		if o.Code == OpApply {
			p.errorf("a mapped function consists of operations")
		}
		p.advance()
		for {
			var a MapArg
			if p.tok.kind == tIdent && !slices.Contains([]string{"nan", "inf"}, p.tok.text) {
				a.Name = p.plain("a name")
			} else {
				a.Bits = p.imm(o.Code.SrcElem(o.Elem, len(o.Src)))
			}
			o.Src = append(o.Src, a)
			if !p.accept(",") {
				break
			}
		}
		if len(f.Ops) == maxMapOps {
			p.limit("a mapped function has %d operations at most", maxMapOps)
		}
		f.Ops = append(f.Ops, o)
	}
	f.Ret = p.plain("a name")
	p.expect("}")
	return f
}

const maxMapOps = 64

// plain reads a name without quotes and dots.
func (p *parser) plain(what string) string {
	if p.tok.kind == tIdent && !plainName(p.tok.text) {
		p.errorf("%s must be letters, digits and _", what)
	}
	return p.ident(what)
}

func plainName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !identByte(s[i], i == 0) || s[i] == '.' {
			return false
		}
	}
	return s != "" && s != "nan" && s != "inf" && s != "return"
}
