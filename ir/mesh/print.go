package mesh

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/internal/text"
)

/*
Text form of the mesh IR, in the style of .wfir (see package ir):

	wfmesh 1
	program heat 8 x 4                                  // W x H PEs
	layout x dim x 64 parts 8 periodic folded           // or: layout x.f dim x 65 parts 8 with x unit 2 extra 1; of x
	array T state f32 120 of T
	scalar c f32                                        // count: how often a loop runs
	channel "x+" dim x shift 1 layout x                 // or: flood; hop -8 from 8..64 by 8 mod 64; gather 8 mod 64
	funcs step
	symbol @T local T off 12 strides (10, 1) replicated // or: symbol index x local ix off 0 strides (1); along (k.x, n) names the layouts
	order step %r mesh(x 8)
	proc solve until @done {                            // statements: call f; loop times n {..}; while @c times n {..}; if @c {..} else {..}
	  while @go times max {
	    call step !10:14
	  }
	}
	clock of step on @step.on due step.due1
	look of step steps every calls energy shows @T, @e  // or: time every when step.due1
	class c0 x 0..8 by 2 y 0..4 by 1 {
	  func {                                            // one per name after funcs, in order
	    async chan "x+" 10 = read f32 @T[12 : 10*1]
	    @T[0 : 10*1] = read f32 chan "x-" 10 !3:9
	    @t[0 : 10*1] = fma f32 @T[12 : 10*1], scalar f32 c, imm f32 0.5
	    fold @s[0] = add f32 @t[0 : 10*1]
	    await ("x+")
	  }
	}

A slice is @array[offset : length*stride, ..], without dimensions one element. Source positions "!start:end" follow an operation.
*/

// Print writes a program; Parse reads it back exactly. Two programs print alike exactly when they are equal.
func Print(p *Program) string {
	w := &text.Printer{}
	w.Line(0, "wfmesh 1")
	w.Line(0, "program %s %d x %d", text.Name(p.Name), p.W, p.H)
	for _, l := range p.Layouts {
		w.Line(0, "layout %s dim %s %d parts %d%s%s%s", text.Name(l.Axis), l.Dim, l.N, l.Parts, flag(l.Periodic, " periodic"), flag(l.Folded, " folded"), layoutTail(&l))
	}
	for _, a := range p.Arrays {
		of := ""
		if a.Of != "" {
			of = " of " + text.Name(a.Of)
		}
		w.Line(0, "array %s %s %s %d%s", text.Name(a.Name), a.Kind, a.Elem, a.Len, of)
	}
	for _, s := range p.Scalars {
		w.Line(0, "scalar %s %s%s", text.Name(s.Name), s.Elem, flag(s.Count, " count"))
	}
	for _, c := range p.Channels {
		step := ""
		if c.Kind != Flood || c.Step != 0 {
			step = fmt.Sprintf(" %d", c.Step)
		}
		if c.Kind == Hop {
			step += fmt.Sprintf(" from %d..%d by %d", c.From.Lo, c.From.Hi, c.From.Step)
		}
		if c.Kind == Hop || c.Kind == Gather {
			step += fmt.Sprintf(" mod %d", c.Mod)
		}
		w.Line(0, "channel %s dim %s %s%s layout %s", text.Name(c.Name), c.Dim, c.Kind, step, text.Name(c.Layout))
	}
	if len(p.Funcs) > 0 {
		w.Line(0, "funcs %s", list(p.Funcs, text.Name))
	}
	for _, s := range p.Symbols {
		what := "@" + text.Name(s.Array)
		if s.Index != "" {
			what = "index " + text.Name(s.Index)
		}
		w.Line(0, "symbol %s local %s off %d strides (%s)%s%s", what, text.Name(s.Local), s.Off, list(s.Strides, strconv.Itoa), flag(s.Replicated, " replicated")+flag(s.Turn != 0, fmt.Sprintf(" turn %d", s.Turn))+flag(s.Minus, " minus"),
			flag(len(s.Axes) > 0, " along ("+list(s.Axes, text.Name)+")"))
	}
	for _, o := range p.Orders {
		w.Line(0, "order %s %%%s %s", text.Name(o.Func), text.Name(o.Value), o.Order)
	}
	for i := range p.Procs {
		printProc(w, &p.Procs[i])
	}
	for i := range p.Clocks {
		printClock(w, &p.Clocks[i])
	}
	for i := range p.Looks {
		printLook(w, &p.Looks[i])
	}
	for i := range p.Classes {
		c := &p.Classes[i]
		w.Gap()
		w.Line(0, "class %s x %d..%d by %d y %d..%d by %d {", text.Name(c.Name), c.X.Lo, c.X.Hi, c.X.Step, c.Y.Lo, c.Y.Hi, c.Y.Step)
		for _, ops := range c.Funcs {
			w.Line(1, "func {")
			for k := range ops {
				w.Line(2, "%s", &ops[k])
			}
			w.Line(1, "}")
		}
		w.Line(0, "}")
	}
	return w.String()
}

// layoutTail is what a layout that is not simply cut into points has more.
func layoutTail(l *Layout) string {
	s := ""
	if l.With != "" {
		s += " with " + text.Name(l.With)
	}
	if l.Unit != 0 {
		s += fmt.Sprintf(" unit %d", l.Unit)
	}
	if l.Extra != 0 {
		s += fmt.Sprintf(" extra %d", l.Extra)
	}
	if l.Of != "" {
		s += " of " + text.Name(l.Of)
	}
	return s
}

// Equal says whether two programs are the same, source positions included.
func Equal(a, b *Program) bool { return Print(a) == Print(b) }

func flag(b bool, s string) string {
	if b {
		return s
	}
	return ""
}

func list[T any](xs []T, f func(T) string) string {
	q := make([]string, len(xs))
	for i, x := range xs {
		q[i] = f(x)
	}
	return strings.Join(q, ", ")
}

// String writes an operation as in the text form.
func (o *Op) String() string {
	pos := text.Pos(o.Pos.Start, o.Pos.End)
	if o.Kind == Await {
		return "await (" + list(o.Chans, text.Name) + ")" + pos
	}
	head := flag(o.Async, "async ") + flag(o.Kind == Fold, "fold ")
	return head + o.Dst.String() + " = " + o.Code.String() + " " + o.Elem.String() + " " + flag(len(o.Src) == 0, "nothing") +
		list(o.Src, Operand.String) + pos
}

// String writes an operand as in the text form.
func (o Operand) String() string {
	switch o.Kind {
	case Memory:
		return o.Slice.String()
	case Chan:
		return fmt.Sprintf("chan %s %d", text.Name(o.Name), o.Len) + flag(o.Last, " last")
	case HostScalar:
		return "scalar " + o.Elem.String() + " " + text.Name(o.Name)
	case Imm:
		if o.Elem.IsFloat() {
			return "imm " + o.Elem.String() + " " + text.Float(o.Imm, bits(o.Elem))
		}
		return "imm " + o.Elem.String() + " " + strconv.FormatInt(o.Int, 10)
	}
	return "none"
}

func bits(e ir.Elem) int {
	if e == ir.F64 {
		return 64
	}
	return 32
}

// String writes a slice as in the text form.
func (s Slice) String() string {
	dims := list(s.Dims, func(e Extent) string { return fmt.Sprintf("%d*%d", e.Len, e.Stride) })
	return fmt.Sprintf("@%s[%d%s%s]", text.Name(s.Array), s.Off, flag(len(s.Dims) > 0, " : "), dims)
}
