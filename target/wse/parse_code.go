package wse

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

func (p *parser) task() *Task {
	t := &Task{Name: p.ident("the task's name")}
	t.Kind = TaskKind(p.oneOf("a task kind", taskKindNames[:]))
	if t.Kind == Data {
		t.Queue = p.ident("an input queue")
	} else {
		t.ID = p.int("a task id", 0, 255)
	}
	if p.accept("(") {
		p.expect("%")
		t.Arg = p.ident("a register")
		p.expect(")")
	}
	t.Blocked = p.accept("blocked")
	if p.accept("priority") {
		t.Priority = Priority(p.oneOf("a priority", priorityNames[:]))
	}
	t.Body = p.block()
	return t
}

func (p *parser) block() []Stmt {
	if p.depth++; p.depth > maxNesting {
		p.limit("blocks nest deeper than %d", maxNesting)
	}
	p.expect("{")
	var out []Stmt
	for !p.accept("}") {
		out = append(out, p.stmt())
	}
	p.depth--
	return out
}

// sourceLine reads `@ "file:line"`, else names the line of the text itself.
func (p *parser) sourceLine(start int) string {
	if p.accept("@") {
		return p.ident("a source line")
	}
	if !p.lines {
		return ""
	}
	n, _ := p.f.Position(start)
	return fmt.Sprintf("%s:%d", p.f.Name, n)
}

func (p *parser) stmt() Stmt {
	start := p.tok.start
	if p.tok.kind != tIdent || p.tok.quoted {
		p.errorf("expected a statement, found %s", p.tok)
	}
	switch {
	case p.accept("set"):
		s := &Set{Reg: p.reg()}
		p.expect("=")
		s.A = p.val()
		for i, sym := range []string{"+", "-", "*"} {
			if p.accept(sym) {
				s.Fn, s.B = SetFn(i+1), p.val()
				break
			}
		}
		s.Line = p.sourceLine(start)
		return s
	case p.accept("load"):
		s := &Load{Reg: p.reg()}
		p.expect("=")
		s.From = p.operand(U32)
		s.Line = p.sourceLine(start)
		return s
	case p.accept("if"):
		s := &If{Cond: p.cond()}
		s.Line = p.sourceLine(start)
		s.Then = p.block()
		if p.accept("else") {
			s.Else = p.block()
		}
		return s
	case p.accept("while"):
		s := &While{Cond: p.cond()}
		s.Line = p.sourceLine(start)
		s.Body = p.block()
		return s
	case p.accept("call"):
		return p.call(start)
	case p.accept("time"):
		s := &Stamp{To: p.operand(U32)}
		s.Line = p.sourceLine(start)
		return s
	case p.accept("exit"):
		return &Exit{Line: p.sourceLine(start)}
	}
	if p.accept("reroute") {
		s := p.reroute()
		s.Line = p.sourceLine(start)
		return s
	}
	if p.accept("rebind") {
		s := &Rebind{Queue: p.ident("a queue")}
		s.Colors = p.colorsAt()
		s.Line = p.sourceLine(start)
		return s
	}
	for fn, word := range ctlNames {
		if p.accept(word) {
			s := &TaskCtl{Fn: CtlFn(fn)}
			if p.accept("queue") {
				s.Queue = p.ident("a queue")
			} else {
				s.Task = p.ident("a task")
			}
			s.Line = p.sourceLine(start)
			return s
		}
	}
	return p.op(start)
}

func (p *parser) reg() string {
	p.expect("%")
	return p.ident("a register")
}

func (p *parser) val() Val {
	if p.is("%") {
		return RegVal(p.reg())
	}
	return IntVal(p.i32("a number or %register"))
}

func (p *parser) cond() Cond {
	c := Cond{A: p.val()}
	c.Cmp = Cmp(p.oneOf("a comparison", cmpNames[:]))
	c.B = p.val()
	return c
}

func (p *parser) op(start int) Stmt {
	o := &Op{UT: -1}
	o.Code, o.Elem = p.opcode()
	most := opTable[o.Code].Src
	if o.Code == OpApply {
		o.Func, most = strings.Split(p.tok.text, ".")[1], 3
	}
	p.advance()
	o.Dst = p.operand(o.Code.DstElem(o.Elem))
	p.expect("=")
	for {
		if len(o.Src) == most {
			p.errorf("%s takes %d sources", o.Code, len(o.Src))
		}
		o.Src = append(o.Src, p.operand(o.Code.SrcElem(o.Elem, len(o.Src))))
		if !p.accept(",") {
			break
		}
	}
	if len(o.Src) != most && o.Code != OpApply {
		p.errorf("%s takes %d sources, found %d", o.Code, opTable[o.Code].Src, len(o.Src))
	}
	o.Async = p.accept("async")
	if o.Async {
		switch {
		case p.accept("activate"):
			o.Done = Completion{DoneActivate, p.ident("a task")}
		case p.accept("unblock"):
			o.Done = Completion{DoneUnblock, p.ident("a task")}
		}
		if p.accept("ut") {
			o.UT = p.int("a microthread", 0, 255)
		}
		if p.accept("on") {
			p.expect("control")
			o.OnControl = &Completion{}
			switch {
			case p.accept("activate"):
				*o.OnControl = Completion{DoneActivate, p.ident("a task")}
			case p.accept("unblock"):
				*o.OnControl = Completion{DoneUnblock, p.ident("a task")}
			}
		}
	}
	o.Line = p.sourceLine(start)
	return o
}

// opcode looks at an operation with its type, "mul.f32", or a function of the class with its, "apply.NAME.f32".
func (p *parser) opcode() (Opcode, Elem) {
	word := p.tok.text
	i := strings.LastIndexByte(word, '.')
	if i < 0 || p.tok.kind != tIdent || p.tok.quoted {
		p.errorf("%q is no statement", word)
	}
	code, ok := OpcodeByName(word[:i])
	if name, isApply := strings.CutPrefix(word[:i], "apply."); isApply && plainName(name) {
		code, ok = OpApply, true
	} else if code == OpApply || !ok {
		p.errorf("there is no operation %q", word[:i])
	}
	for e, n := range elemNames {
		if n == word[i+1:] && code.Takes(Elem(e)) {
			return code, Elem(e)
		}
	}
	p.errorf("%s does not take the type %q", word[:i], word[i+1:])
	return 0, 0
}

// operand reads fab(q, n), ctl(q, n), %reg, $parameter, a number, or array[...].
func (p *parser) operand(e Elem) Operand {
	switch {
	case p.is("%"):
		return RegOf(p.reg())
	case p.accept("$"):
		o := Given(p.ident("a parameter"))
		if p.accept("[") {
			o.IndexScale = p.int("a scale", -1<<24, 1<<24)
			p.expect("*")
			o.IndexReg = p.reg()
			p.expect("]")
		}
		return o
	case p.tok.kind == tNumber || p.is("-") || p.is("inf") || p.is("nan"):
		return ImmBits(p.imm(e))
	}
	bare := !p.tok.quoted
	name := p.ident("an operand")
	if bare && (name == "fab" || name == "ctl") && p.accept("(") {
		o := Operand{Kind: Fabric, Control: name == "ctl", Queue: p.ident("a queue")}
		p.expect(",")
		o.Extent = p.int("an extent", 1, 1<<24)
		if p.accept(",") {
			p.expect("advance")
			o.AdvanceOwn = p.accept("own")
			o.Advance = !o.AdvanceOwn
		}
		p.expect(")")
		return o
	}
	if bare && name == "fifo" && p.accept("(") {
		o := Operand{Kind: Queued, Array: p.ident("a FIFO")}
		p.expect(",")
		o.Extent = p.int("an extent", 1, 1<<24)
		p.expect(")")
		return o
	}
	if bare && name == "cmd" && p.accept("(") {
		return ImmBits(p.command())
	}
	o := Operand{Kind: Scalar, Array: name}
	p.expect("[")
	o.Offset = p.int("an offset", -1<<24, 1<<24)
	if p.accept("+") {
		o.IndexScale = 1
		if !p.is("%") {
			o.IndexScale = p.int("a scale", -1<<24, 1<<24)
			p.expect("*")
		}
		o.IndexReg = p.reg()
	}
	if p.accept(":") {
		o.Kind = Mem
		for {
			d := Dim{Len: p.int("an extent", 1, 1<<24), Stride: 1}
			if p.accept("*") {
				d.Stride = p.int("a stride", -1<<24, 1<<24)
			}
			o.Dims = append(o.Dims, d)
			if len(o.Dims) > 4 {
				p.errorf("a memory operand has at most 4 dimensions")
			}
			if !p.accept(",") || p.tok.kind != tNumber {
				break
			}
		}
	}
	p.expect("]")
	return o
}

// imm reads a constant of type e; 0x.. gives the bits themselves.
func (p *parser) imm(e Elem) uint32 {
	start, sign := p.tok.start, ""
	if p.accept("-") {
		sign = "-"
	}
	text := p.tok.text
	if p.tok.kind == tNumber && strings.HasPrefix(text, "0x") && sign == "" {
		v, err := strconv.ParseUint(text, 0, 32)
		if err != nil {
			p.errorf("a constant has 32 bits")
		}
		p.advance()
		return uint32(v)
	}
	if p.tok.kind != tNumber && !p.is("inf") && !p.is("nan") {
		p.errorf("expected a constant, found %s", p.tok)
	}
	v, ok := immBits(sign+text, e)
	if !ok {
		p.fail(start, p.tok.end, "%s%s is no constant of type %v", sign, text, e)
	}
	p.advance()
	if e == F32 && math.IsNaN(float64(math.Float32frombits(v))) {
		return 0x7fc00000
	}
	return v
}
