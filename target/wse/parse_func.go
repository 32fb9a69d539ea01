package wse

import "slices"

// function reads `fn NAME (a mem, b imm) { .. }`.
func (p *parser) function() *Func {
	f := &Func{Name: p.ident("the function's name")}
	if p.accept("(") {
		for {
			q := FuncParam{Name: p.ident("a parameter")}
			q.Type = ParamType(p.oneOf("a type of operand", paramTypeNames[:]))
			if f.Params = append(f.Params, q); len(f.Params) > maxNames {
				p.limit("a function has %d parameters at most", maxNames)
			}
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
	}
	f.Body = p.block()
	return f
}

// call reads `NAME(u[0 : 8], 0x3f800000) lines 3 "a.wf:1", 2 "a.wf:2"`; `NAME within ($a, $b)` is one within the caller's table.
func (p *parser) call(start int) *Call {
	s := &Call{Func: p.ident("a function")}
	s.Within = p.accept("within")
	if p.accept("(") {
		for {
			if s.Args = append(s.Args, p.operand(U32)); len(s.Args) > maxNames {
				p.limit("a call has %d arguments at most", maxNames)
			}
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
	}
	if p.accept("lines") {
		for {
			s.Lines = append(s.Lines, LineRun{p.int("a number of operations", 1, maxExpanded), p.ident("a source line")})
			if !p.accept(",") {
				break
			}
		}
	}
	s.Line = p.sourceLine(start)
	return s
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
