package wse

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/internal/ieee"
)

// Print writes the text form. Parse of it gives the same program, and Print of
// that the same text.
func Print(p *Program) string {
	w := &printer{}
	if p.Name != "" {
		w.line("program %s", quoteName(p.Name))
	}
	w.line("machine %s", quoteName(p.Machine))
	w.line("mesh %d %d", p.W, p.H)
	for _, c := range p.Classes {
		w.b.WriteByte('\n')
		w.class(c)
	}
	if len(p.Routes) > 0 {
		w.b.WriteByte('\n')
	}
	for _, r := range p.Routes {
		w.line("route color %d at %s rx %s tx %s%s", r.Color, r.Region, r.Rx, ports(r.Tx), r.extras())
	}
	if len(p.Script) > 0 {
		w.b.WriteByte('\n')
	}
	for _, d := range p.Script {
		w.directive(d)
	}
	return w.b.String()
}

type printer struct {
	b      strings.Builder
	indent int
}

func (w *printer) line(format string, args ...any) {
	w.b.WriteString(strings.Repeat("  ", w.indent))
	fmt.Fprintf(&w.b, format, args...)
	w.b.WriteByte('\n')
}

func (w *printer) class(c *Class) {
	w.line("class %s {", quoteName(c.Name))
	w.indent++
	for _, r := range c.Regions {
		w.line("at %s", r)
	}
	if len(c.Args) > 0 {
		names := make([]string, len(c.Args))
		for i, a := range c.Args {
			names[i] = quoteName(a)
		}
		w.line("args %s", strings.Join(names, ", "))
	}
	for _, p := range c.Params {
		w.line("param %s = %d + %d*px + %d*py", quoteName(p.Name), p.Base, p.PX, p.PY)
	}
	for _, a := range c.Arrays {
		s := fmt.Sprintf("array %s %s[%d]", quoteName(a.Name), a.Elem, a.Len)
		if a.Fifo != nil {
			s = strings.Replace(s, "array", "fifo", 1)
		}
		if a.Align != 0 {
			s += fmt.Sprintf(" align %d", a.Align)
		}
		if a.Bank >= 0 {
			s += fmt.Sprintf(" bank %d", a.Bank)
		}
		if a.Addr >= 0 {
			s += fmt.Sprintf(" addr %d", a.Addr)
		}
		if a.Export {
			s += " export"
		}
		if a.Init != nil {
			s += " = " + a.Init.String()
		}
		if f := a.Fifo; f != nil {
			if f.Push != "" {
				s += " push " + quoteName(f.Push)
			}
			if f.Pop != "" {
				s += " pop " + quoteName(f.Pop)
			}
		}
		w.line("%s", s)
	}
	for _, q := range c.Queues {
		w.queue(q)
	}
	for _, f := range c.Maps {
		w.mapFunc(f)
	}
	for _, f := range c.Funcs {
		w.block("fn "+quoteName(f.Name)+paramsText(f.Params), f.Body)
		w.line("}")
	}
	for _, t := range c.Tasks {
		w.task(t)
	}
	if c.Entry != "" {
		w.line("entry %s", quoteName(c.Entry))
	}
	w.indent--
	w.line("}")
}

func (w *printer) queue(q Queue) {
	dir := "in"
	if q.Out {
		dir = "out"
	}
	w.line("queue %s %s %d color %s", quoteName(q.Name), dir, q.ID, colorsAt(q.Colors))
}

func colorsAt(list []ColorAt) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = strconv.Itoa(c.Color)
		if c.Region != Everywhere {
			parts[i] += " at " + c.Region.String()
		}
	}
	return strings.Join(parts, ", ")
}

func ports(s DirSet) string { return strings.ReplaceAll(s.String(), ",", ", ") }

// extras prints what a route can do besides.
func (r Route) extras() string {
	s := ""
	if w := r.Switch; w != nil {
		for i, p := range w.Pos {
			was := r.At(i)
			s += " pos"
			if p.Rx != was.Rx || p.Tx == was.Tx {
				s += " rx " + p.Rx.String()
			}
			if p.Tx != was.Tx {
				s += " tx " + ports(p.Tx)
			}
		}
		if w.Start != 0 {
			s += " start " + strconv.Itoa(w.Start)
		}
		if w.Ring {
			s += " ring"
		}
		if w.Pop != PopNever || len(w.Pos) == 0 && w.Start == 0 && !w.Ring {
			s += " pop " + w.Pop.String()
		}
	}
	if r.Teardown {
		s += " teardown"
	}
	switch f := r.Filter; {
	case f == nil:
	case f.Kind == FilterRange:
		s += fmt.Sprintf(" filter range %d %d", f.Lo, f.Hi)
	default:
		s += fmt.Sprintf(" filter counter init %d max %d limit %d", f.Init, f.Max, f.Limit)
	}
	return s
}

func (w *printer) task(t *Task) {
	s := fmt.Sprintf("task %s %s ", quoteName(t.Name), t.Kind)
	if t.Kind == Data {
		s += quoteName(t.Queue)
	} else {
		s += strconv.Itoa(t.ID)
	}
	if t.Arg != "" {
		s += " (%" + quoteName(t.Arg) + ")"
	}
	if t.Blocked {
		s += " blocked"
	}
	if t.Priority != MediumPriority {
		s += " priority " + t.Priority.String()
	}
	w.block(s, t.Body)
	w.line("}")
}

// block prints "head {", the statements, and leaves the brace open.
func (w *printer) block(head string, body []Stmt) {
	w.line("%s {", head)
	w.indent++
	for _, s := range body {
		w.stmt(s)
	}
	w.indent--
}

func at(line string) string {
	if line == "" {
		return ""
	}
	return " @ " + strconv.Quote(line)
}

func (w *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *Op:
		w.line("%s", s.String()+at(s.Line))
	case *Set:
		sym := [...]string{"", " + ", " - ", " * "}
		rhs := s.A.String()
		if s.Fn != SetMov {
			rhs += sym[s.Fn] + s.B.String()
		}
		w.line("set %%%s = %s%s", quoteName(s.Reg), rhs, at(s.Line))
	case *Load:
		w.line("load %%%s = %s%s", quoteName(s.Reg), s.From.text(U32), at(s.Line))
	case *If:
		w.block("if "+s.Cond.String()+at(s.Line), s.Then)
		if len(s.Else) > 0 {
			w.block("} else", s.Else)
		}
		w.line("}")
	case *While:
		w.block("while "+s.Cond.String()+at(s.Line), s.Body)
		w.line("}")
	case *TaskCtl:
		what := quoteName(s.Task)
		if s.Queue != "" {
			what = "queue " + quoteName(s.Queue)
		}
		w.line("%s %s%s", s.Fn, what, at(s.Line))
	case *Call:
		within := ""
		if s.Within {
			within = " within "
		}
		w.line("call %s%s%s%s%s", quoteName(s.Func), within, argsText(s.Args), linesText(s.Lines), at(s.Line))
	case *Stamp:
		w.line("time %s%s", s.To.text(U32), at(s.Line))
	case *Reroute:
		w.line("reroute color %d rx %s tx %s%s%s", s.Color, s.Rx, ports(s.Tx), s.Route().extras(), at(s.Line))
	case *Rebind:
		w.line("rebind %s color %s%s", quoteName(s.Queue), colorsAt(s.Colors), at(s.Line))
	case *Exit:
		w.line("exit%s", at(s.Line))
	}
}

// paramsText prints the parameters of a function: " (a mem, b imm)".
func paramsText(params []FuncParam) string {
	if len(params) == 0 {
		return ""
	}
	var out []string
	for _, p := range params {
		out = append(out, quoteName(p.Name)+" "+p.Type.String())
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// argsText prints the arguments of a call; constants are bits, because the type they are used with is the function's.
func argsText(args []Operand) string {
	if len(args) == 0 {
		return ""
	}
	var out []string
	for _, a := range args {
		if a.Kind == Imm {
			out = append(out, fmt.Sprintf("0x%08x", a.Bits))
		} else {
			out = append(out, a.text(U32))
		}
	}
	return "(" + strings.Join(out, ", ") + ")"
}

// linesText prints the source lines of what a call runs: " lines 3 "a.wf:1", 2 "a.wf:2"".
func linesText(lines []LineRun) string {
	s := ""
	for i, l := range lines {
		s += [...]string{" lines ", ", "}[min(i, 1)] + strconv.Itoa(l.N) + " " + strconv.Quote(l.Line)
	}
	return s
}

func (w *printer) mapFunc(f *MapFunc) {
	w.line("map %s %s (%s) {", f.Name, f.Elem, strings.Join(f.Args, ", "))
	w.indent++
	for _, o := range f.Ops {
		args := make([]string, len(o.Src))
		for i, a := range o.Src {
			if args[i] = a.Name; a.Name == "" {
				args[i] = immText(a.Bits, o.Code.SrcElem(o.Elem, i))
			}
		}
		w.line("%s = %s.%s %s", o.Name, o.Code, o.Elem, strings.Join(args, ", "))
	}
	w.line("return %s", f.Ret)
	w.indent--
	w.line("}")
}

// String is the operation without its source line.
func (o *Op) String() string {
	var b strings.Builder
	name := o.Code.String()
	if o.Code == OpApply {
		name = "apply." + o.Func
	}
	fmt.Fprintf(&b, "%s.%s %s =", name, o.Elem, o.Dst.text(o.Code.DstElem(o.Elem)))
	for i, s := range o.Src {
		if i > 0 {
			b.WriteByte(',')
		}
		text := s.text(o.Code.SrcElem(o.Elem, i))
		if s.Kind == Imm && o.Dst.Control && o.Code == OpMov && s.Bits>>cmdShift != 0 {
			text = controlText(s.Bits)
		}
		b.WriteString(" " + text)
	}
	if o.Async {
		b.WriteString(" async")
	}
	b.WriteString(o.Done.String())
	if o.UT >= 0 {
		fmt.Fprintf(&b, " ut %d", o.UT)
	}
	if o.OnControl != nil {
		b.WriteString(" on control" + o.OnControl.String())
	}
	return b.String()
}

// String prints a completion with a space before it.
func (c Completion) String() string {
	switch c.Kind {
	case DoneActivate:
		return " activate " + quoteName(c.Task)
	case DoneUnblock:
		return " unblock " + quoteName(c.Task)
	}
	return ""
}

func (v Val) String() string {
	if v.Name != "" {
		return "%" + quoteName(v.Name)
	}
	return strconv.Itoa(int(v.Imm))
}

func (c Cond) String() string { return c.A.String() + " " + c.Cmp.String() + " " + c.B.String() }

// text prints an operand that holds elements of type e.
func (o Operand) text(e Elem) string {
	switch o.Kind {
	case Fabric:
		f := "fab"
		if o.Control {
			f = "ctl"
		}
		end := ""
		switch {
		case o.Advance:
			end = ", advance"
		case o.AdvanceOwn:
			end = ", advance own"
		}
		return fmt.Sprintf("%s(%s, %d%s)", f, quoteName(o.Queue), o.Extent, end)
	case Queued:
		return fmt.Sprintf("fifo(%s, %d)", quoteName(o.Array), o.Extent)
	case Imm:
		return immText(o.Bits, e)
	case Reg:
		return "%" + quoteName(o.Reg)
	case Formal:
		if o.IndexReg != "" {
			return fmt.Sprintf("$%s[%d*%%%s]", quoteName(o.Param), o.IndexScale, quoteName(o.IndexReg))
		}
		return "$" + quoteName(o.Param)
	}
	s := quoteName(o.Array) + "[" + strconv.Itoa(o.Offset)
	if o.IndexReg != "" {
		s += fmt.Sprintf(" + %d*%%%s", o.IndexScale, quoteName(o.IndexReg))
	}
	if o.Kind == Mem {
		for i, d := range o.Dims {
			s += [...]string{" : ", ", "}[min(i, 1)] + strconv.Itoa(d.Len)
			if d.Stride != 1 {
				s += "*" + strconv.Itoa(d.Stride)
			}
		}
	}
	return s + "]"
}

// immText prints bits as a number when that reads back exactly, else in hex.
func immText(bits uint32, e Elem) string {
	switch e {
	case F32, F16:
		f := math.Float32frombits(bits)
		if e == F16 {
			f = ieee.HalfFromBits(uint16(bits))
		}
		if f == f && !math.IsInf(float64(f), 0) {
			s := strconv.FormatFloat(float64(f), 'g', -1, 32)
			if b, ok := immBits(s, e); ok && b == bits {
				return s
			}
		}
	case I32:
		return strconv.Itoa(int(int32(bits)))
	case U32:
		return strconv.FormatUint(uint64(bits), 10)
	case U16:
		if bits < 1<<16 {
			return strconv.FormatUint(uint64(bits), 10)
		}
	}
	return fmt.Sprintf("0x%08x", bits)
}

// immBits reads a decimal number as a constant of type e.
func immBits(s string, e Elem) (uint32, bool) {
	switch e {
	case F32, F16:
		f, err := strconv.ParseFloat(s, 32)
		if err != nil {
			return 0, false
		}
		if e == F16 {
			return uint32(ieee.HalfFrom32(float32(f))), true
		}
		return math.Float32bits(float32(f)), true
	case I32:
		v, err := strconv.ParseInt(s, 10, 32)
		return uint32(int32(v)), err == nil
	case U32:
		v, err := strconv.ParseUint(s, 10, 32)
		return uint32(v), err == nil
	}
	v, err := strconv.ParseUint(s, 10, 16)
	return uint32(v), err == nil
}

func num(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// String prints initial values: "fill 1", "list [1, 2]", "affine 0 + 1*i + 2*px + 3*py".
func (in *Init) String() string {
	switch in.Kind {
	case InitFill:
		return "fill " + num(in.C)
	case InitAffine:
		return fmt.Sprintf("affine %s + %s*i + %s*px + %s*py", num(in.C), num(in.I), num(in.PX), num(in.PY))
	}
	var b strings.Builder
	b.WriteString("list [")
	for i, v := range in.Values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(num(v))
	}
	return b.String() + "]"
}

func (w *printer) directive(d Directive) {
	switch d.Kind {
	case DoLaunch:
		s := "launch"
		for _, a := range d.Args {
			s += " " + strconv.Itoa(int(a))
		}
		w.line("%s", s)
	case DoPrint:
		w.line("print %s at %s", quoteName(d.Array), d.Region)
	case DoInit:
		w.line("init %s at %s = %s", quoteName(d.Array), d.Region, d.Init.String())
	case DoExpect:
		s := fmt.Sprintf("expect %s at %s = %s", quoteName(d.Array), d.Region, d.Init.String())
		if d.Tol != 0 {
			s += " tol " + num(d.Tol)
		}
		w.line("%s", s)
	}
}

// quoteName prints a name bare when the lexer reads it back as one identifier.
func quoteName(s string) string {
	if s == "" {
		return `""`
	}
	for i := 0; i < len(s); i++ {
		if !identByte(s[i], i == 0) {
			return strconv.Quote(s)
		}
	}
	if s == "nan" || s == "inf" || s == "queue" {
		return strconv.Quote(s)
	}
	return s
}

func identByte(c byte, first bool) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || !first && (c >= '0' && c <= '9' || c == '.')
}
