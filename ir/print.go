package ir

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/ir/internal/text"
)

// Print writes a program in its text form, described in doc.go. Two programs print alike exactly when they
// are equal, and Parse reads back what Print writes.
func Print(p *Program) string {
	w := &text.Printer{}
	w.Line(0, "wfir 1")
	w.Line(0, "program %s", text.Name(p.Name))
	if len(p.Axes)+len(p.Params) > 0 {
		w.Gap()
	}
	for i := range p.Axes {
		a := &p.Axes[i]
		w.Line(0, "axis %s %d %s%s lo %s h %s%s%s%s", text.Name(a.Name), a.N, word(a.Nodes, "nodes", "cells"), word(a.Periodic, " periodic", ""),
			text.Float(a.Lo, 64), text.Float(a.H, 64), text.Unit(a.Unit), optional(" of ", a.Of), places(a.At))
	}
	for _, q := range p.Params {
		w.Line(0, "param %s = %s%s%s", text.Name(q.Name), text.Float(q.Value, 64), text.Unit(q.Unit), word(q.Shape, " shape", ""))
	}
	for i := range p.Host {
		w.Gap()
		w.Line(0, "scalar %s {", text.Name(p.Host[i].Name))
		printBody(w, 1, &p.Host[i].Body)
		w.Line(0, "}")
	}
	if len(p.Checks) > 0 {
		w.Gap()
	}
	for _, c := range p.Checks {
		w.Line(0, "check %s %s %s%s", text.Name(c.Cond), text.Name(c.Code), strconv.Quote(c.Message), pos(c.Pos))
	}
	for i := range p.Arrays {
		printArray(w, &p.Arrays[i])
	}
	for i := range p.Funcs {
		printFunc(w, &p.Funcs[i])
	}
	for i := range p.Procs {
		printProc(w, &p.Procs[i])
	}
	printTail(w, p)
	return w.String()
}

// PrintFunc writes one function as Print does.
func PrintFunc(fn *Func) string {
	w := &text.Printer{}
	printFunc(w, fn)
	return strings.TrimPrefix(w.String(), "\n")
}

func word(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func places(at []float64) string {
	if len(at) == 0 {
		return ""
	}
	q := make([]string, len(at))
	for i, x := range at {
		q[i] = text.Float(x, 64)
	}
	return " at [" + strings.Join(q, ", ") + "]"
}

func pos(p Pos) string { return text.Pos(p.Start, p.End) }

func names(s []string) string {
	q := make([]string, len(s))
	for i := range s {
		q[i] = text.Name(s[i])
	}
	return strings.Join(q, ", ")
}

// ref writes "%value" or "@array" with the name quoted if need be.
func ref(s string) string {
	if s == "" {
		return `""`
	}
	if s[0] != '%' && s[0] != '@' {
		return strconv.Quote(s)
	}
	return s[:1] + text.Name(s[1:])
}

func printArray(w *text.Printer, a *Array) {
	s := fmt.Sprintf("array @%s[%s] %s%s", text.Name(a.Name), names(a.Axes), a.Elem, word(a.Const, " const", "")+word(a.Local, " local", ""))
	if a.File != "" {
		s += " file " + strconv.Quote(a.File)
	}
	s += text.Unit(a.Unit) + pos(a.Pos)
	w.Gap()
	if len(a.BC) == 0 {
		w.Line(0, "%s", s)
		return
	}
	w.Line(0, "%s {", s)
	for i := range a.BC {
		c := &a.BC[i]
		w.Line(1, "bc %s %s %s%s {", text.Name(c.Axis), word(c.High, "hi", "lo"), c.Kind, pos(c.Pos))
		printBody(w, 2, &c.Body)
		w.Line(1, "}")
	}
	w.Line(0, "}")
}

func printFunc(w *text.Printer, fn *Func) {
	w.Gap()
	w.Line(0, "func %s%s {", text.Name(fn.Name), word(fn.Host, " host", ""))
	for i := range fn.Ops {
		printOp(w, &fn.Ops[i])
	}
	for _, s := range fn.Sets {
		w.Line(1, "set @%s = %s%s", text.Name(s.Array), ref(s.Value), pos(s.Pos))
	}
	w.Line(0, "}")
}

func ranges(rs []Range) string {
	q := make([]string, len(rs))
	for i, r := range rs {
		q[i] = fmt.Sprintf("%s in %s %d..%d", text.Name(r.Index), text.Name(r.Axis), r.Lo, r.Hi)
	}
	return "[" + strings.Join(q, ", ") + "]"
}

func printOp(w *text.Printer, op *Op) {
	var b strings.Builder
	b.WriteString(op.Kind.String())
	for i, r := range op.Results {
		fmt.Fprintf(&b, "%s%%%s %s", word(i > 0, ", ", " "), text.Name(r.Name), r.Elem)
	}
	b.WriteString(" " + ranges(op.Dom))
	if op.Kind == Extend {
		b.WriteString(" from " + ref(op.From))
	}
	if op.Kind == Reduce {
		fmt.Fprintf(&b, " over %s %s%s order %s", ranges(op.Over), op.Comb, word(op.FMA, " fma", ""), op.Order)
	}
	w.Line(1, "%s%s {", b.String(), pos(op.Pos))
	for i := range op.Pieces {
		q := make([]string, len(op.Pieces[i].Box))
		for d, v := range op.Pieces[i].Box {
			q[d] = fmt.Sprintf("%d..%d", v.Lo, v.Hi)
		}
		w.Line(2, "box [%s]", strings.Join(q, ", "))
		printBody(w, 3, &op.Pieces[i].Body)
	}
	w.Line(1, "}")
}

// String writes an order as in the text form: "seq", "canon" or "mesh(x 4, y 32 unit 2 extra 1 chain 8 star 4)": parts, the
// cut when it is not in points alone, and the levels of a tree.
func (o Order) String() string {
	switch o.Kind {
	case Seq:
		return "seq"
	case Canon:
		return "canon"
	case Pairs:
		return "pairs"
	case Turned:
		parts := fmt.Sprint(o.Turn.Parts[0])
		if o.Turn.Parts[1] != o.Turn.Parts[0] {
			parts += fmt.Sprintf(", %d", o.Turn.Parts[1])
		}
		return fmt.Sprintf("turned(%s by %d, %d)", parts, o.Turn.By[0], o.Turn.By[1])
	}
	q := make([]string, len(o.Chain))
	for i, c := range o.Chain {
		q[i] = fmt.Sprintf("%s %d", text.Name(c.Axis), c.Parts)
		if c.Unit != 0 {
			q[i] += fmt.Sprintf(" unit %d", c.Unit)
		}
		if c.Extra != 0 {
			q[i] += fmt.Sprintf(" extra %d", c.Extra)
		}
		for _, l := range c.Levels {
			q[i] += fmt.Sprintf(" %s %d", word(l.Star, "star", "chain"), l.Size)
		}
	}
	return "mesh(" + strings.Join(q, ", ") + ")"
}

func printBody(w *text.Printer, level int, b *Body) {
	for i := range b.Nodes {
		w.Line(level, "$%d = %s", i, &b.Nodes[i])
	}
	q := make([]string, len(b.Results))
	for i, r := range b.Results {
		q[i] = fmt.Sprintf("$%d", r)
	}
	w.Line(level, "yield%s%s", word(len(q) > 0, " ", ""), strings.Join(q, ", "))
}

// String writes a node as in the text form, e.g. "read f32 @T[x+1, y]" or "mul f32 $0, $1".
func (n *Node) String() string {
	head := n.Op.String() + " " + n.Elem.String()
	args := make([]string, len(n.Args))
	for i, a := range n.Args {
		args[i] = fmt.Sprintf("$%d", a)
	}
	switch n.Op {
	case Const:
		if n.Elem.IsFloat() {
			return head + " " + text.Float(n.Imm, bits(n.Elem))
		}
		return head + " " + strconv.FormatInt(n.Int, 10)
	case Param_, Scalar, Index, Coord:
		return head + " " + text.Name(n.Name)
	case Read:
		at := make([]string, len(n.At))
		for i, a := range n.At {
			at[i] = a.String()
		}
		return head + " " + ref(n.Name) + "[" + strings.Join(at, ", ") + "]"
	case Shift:
		return fmt.Sprintf("%s %s along %s by %d", head, strings.Join(args, ", "), text.Name(n.Name), n.N)
	case Deriv:
		return fmt.Sprintf("%s %s along %s order %d acc %d", head, strings.Join(args, ", "), text.Name(n.Name), n.N, n.Acc)
	}
	return head + word(len(args) > 0, " ", "") + strings.Join(args, ", ")
}

// String writes one dimension of an access as in the text form: "x+1", "3", "2*x-1", "x/2", "(x+1)/2".
func (a Affine) String() string {
	s := ""
	switch {
	case a.Index == "":
		s = strconv.Itoa(a.Off)
	case a.Mul != 0 && a.Mul != 1:
		s = fmt.Sprintf("%d*%s", a.Mul, text.Name(a.Index))
	default:
		s = text.Name(a.Index)
	}
	if a.Index != "" && a.Off != 0 {
		s += fmt.Sprintf("%+d", a.Off)
	}
	switch {
	case a.Div == 0 || a.Div == 1:
		return s
	case a.Index != "" && a.Off == 0:
		return fmt.Sprintf("%s/%d", s, a.Div)
	}
	return fmt.Sprintf("(%s)/%d", s, a.Div)
}

func bits(e Elem) int {
	if e == F64 {
		return 64
	}
	return 32
}

func printTail(w *text.Printer, p *Program) {
	if len(p.Schedule)+len(p.Failures)+len(p.Outputs)+len(p.Probes) > 0 {
		w.Gap()
	}
	for _, r := range p.Schedule {
		s := fmt.Sprintf("run %s count %s", text.Name(r.Func), text.Name(r.Count))
		if r.T0 != "" {
			s += " t0 " + text.Name(r.T0)
		}
		if r.DT != "" {
			s += " dt " + text.Name(r.DT)
		}
		s += text.Unit(r.Unit)
		for i, b := range r.Bind {
			s += word(i > 0, ", ", " bind ") + text.Name(b.Name) + " = " + text.Name(b.To)
		}
		if c := r.Clock; c != nil {
			s += " clock ("
			for i, a := range c.Now {
				s += word(i > 0, ", ", "") + "@" + text.Name(a)
			}
			s += ") done @" + text.Name(c.Done)
			if c.End != "" {
				s += " end " + text.Name(c.End)
			}
			if c.Next != "" {
				s += " next @" + text.Name(c.Next) + " on @" + text.Name(c.On)
			}
			for i, d := range c.Due {
				s += word(i > 0, ",", " due") + " @" + text.Name(d.Flag) + " every @" + text.Name(d.Every) + " of " + text.Name(d.Seconds)
			}
		}
		w.Line(0, "%s", s)
	}
	for i := range p.Failures {
		f := &p.Failures[i]
		w.Line(0, "failure @%s %s %s%s%s%s", text.Name(f.Array), text.Name(f.Code), strconv.Quote(f.Message),
			optional(" history @", f.History), optional(" entries @", f.Entries), pos(f.Pos))
	}
	for _, o := range p.Outputs {
		q := make([]string, len(o.Arrays))
		for i, a := range o.Arrays {
			q[i] = "@" + text.Name(a)
		}
		s := "output (" + strings.Join(q, ", ") + ")"
		if o.Steps != "" {
			s += " steps " + text.Name(o.Steps)
		}
		if o.Seconds != "" {
			s += " seconds " + text.Name(o.Seconds)
		}
		for i, f := range o.Formats {
			s += word(i > 0, ", ", " as ") + text.Name(f.Name)
			if f.SliceAxis != "" || math.Float64bits(f.SliceAt) != 0 {
				s += "(" + text.Name(f.SliceAxis) + " " + text.Float(f.SliceAt, 64) + ")"
			}
		}
		w.Line(0, "%s%s", s, pos(o.Pos))
	}
	for _, q := range p.Probes {
		at := make([]string, len(q.At))
		for i, x := range q.At {
			at[i] = text.Float(x, 64)
		}
		s := fmt.Sprintf("probe %s @%s at (%s)", text.Name(q.Name), text.Name(q.Array), strings.Join(at, ", "))
		for _, x := range []struct{ word, name string }{{"steps", q.Steps}, {"seconds", q.Seconds}, {"by", q.Func}, {"drift", q.Drift}} {
			if x.name != "" {
				s += " " + x.word + " " + text.Name(x.name)
			}
		}
		w.Line(0, "%s%s", s, pos(q.Pos))
	}
}
