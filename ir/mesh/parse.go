package mesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/internal/text"
)

// Parse reads the text form described at Print. file names the source in errors, which are *diag.Diagnostic with line and column. The
// program is well-formed text only: Verify says whether it means something.
func Parse(file, src string) (*Program, error) {
	r := reader{text.NewReader(file, src)}
	r.Expect("wfmesh")
	if v := r.Int(); v != 1 {
		r.Fail(r.Prev(), "text form of version %d; this reader knows version 1", v)
	}
	r.Expect("program")
	p := &Program{Name: r.Name(), W: r.Int()}
	r.Expect("x")
	p.H = r.Int()
	for r.Peek().Kind != text.EOF {
		t := r.Peek()
		switch r.Word() {
		case "layout":
			p.Layouts = append(p.Layouts, r.layout())
		case "array":
			a := Array{Name: r.Name(), Kind: choice(r, State, Shadow), Elem: r.elem(), Len: r.Int()}
			if r.Accept("of") {
				a.Of = r.Name()
			}
			p.Arrays = append(p.Arrays, a)
		case "scalar":
			p.Scalars = append(p.Scalars, Scalar{r.Name(), r.elem(), r.Accept("count")})
		case "channel":
			p.Channels = append(p.Channels, r.channel())
		case "funcs":
			p.Funcs = append(p.Funcs, r.names()...)
		case "symbol":
			p.Symbols = append(p.Symbols, r.symbol())
		case "order":
			o := ReduceOrder{Func: r.Name()}
			r.Expect("%")
			o.Value, o.Order = r.Name(), ir.ReadOrder(r.Reader)
			p.Orders = append(p.Orders, o)
		case "proc":
			p.Procs = append(p.Procs, r.proc())
		case "clock":
			p.Clocks = append(p.Clocks, r.clock())
		case "look":
			p.Looks = append(p.Looks, r.look())
		case "class":
			p.Classes = append(p.Classes, r.class())
		default:
			r.Fail(t, "expected layout, array, scalar, channel, funcs, symbol, order, proc, clock, look or class, found %s", t)
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

type reader struct{ *text.Reader }

// choice reads one of the words that the values of a kind between lo and hi print as.
func choice[T interface {
	~uint8
	String() string
}](r reader, lo, hi T) T {
	t := r.Peek()
	w := r.Word()
	for k := lo; k <= hi; k++ {
		if k.String() == w {
			return k
		}
	}
	r.Fail(t, "expected a word from %s to %s, found %s", lo, hi, t)
	return lo
}

// names reads a comma-separated list of at least one name.
func (r reader) names() []string {
	out := []string{r.Name()}
	for r.Accept(",") {
		out = append(out, r.Name())
	}
	return out
}

// elem reads an element type; "none" is the missing one.
func (r reader) elem() ir.Elem {
	t := r.Peek()
	w := r.Word()
	e, ok := ir.ParseElem(w)
	if !ok && w != ir.NoElem.String() {
		r.Fail(t, "expected an element type, found %s", t)
	}
	return e
}

func (r reader) layout() Layout {
	l := Layout{Axis: r.Name()}
	r.Expect("dim")
	l.Dim, l.N = choice(r, Mem, Y), r.Int()
	r.Expect("parts")
	l.Parts, l.Periodic, l.Folded = r.Int(), r.Accept("periodic"), r.Accept("folded")
	if r.Accept("with") {
		l.With = r.Name()
	}
	if r.Accept("unit") {
		l.Unit = r.Int()
	}
	if r.Accept("extra") {
		l.Extra = r.Int()
	}
	if r.Accept("of") {
		l.Of = r.Name()
	}
	return l
}

func (r reader) channel() Channel {
	c := Channel{Name: r.Name()}
	r.Expect("dim")
	c.Dim, c.Kind = choice(r, Mem, Y), choice(r, Shift, Gather)
	if !r.At("layout") {
		c.Step = r.Int()
	}
	if c.Kind == Hop {
		r.Expect("from")
		c.From = r.span()
	}
	if c.Kind == Hop || c.Kind == Gather {
		r.Expect("mod")
		c.Mod = r.Int()
	}
	r.Expect("layout")
	c.Layout = r.Name()
	return c
}

func (r reader) symbol() Symbol {
	var s Symbol
	if r.Accept("@") {
		s.Array = r.Name()
	} else {
		r.Expect("index")
		s.Index = r.Name()
	}
	r.Expect("local")
	s.Local = r.Name()
	r.Expect("off")
	s.Off = r.Int()
	r.Expect("strides")
	r.List("(", ")", func() { s.Strides = append(s.Strides, r.Int()) })
	s.Replicated = r.Accept("replicated")
	if r.Accept("turn") {
		s.Turn = r.Int()
	}
	s.Minus = r.Accept("minus")
	if r.Accept("along") {
		r.List("(", ")", func() { s.Axes = append(s.Axes, r.Name()) })
	}
	return s
}

func (r reader) span() Range {
	g := Range{Lo: r.Int()}
	r.Expect("..")
	g.Hi = r.Int()
	r.Expect("by")
	g.Step = r.Int()
	return g
}

func (r reader) class() Class {
	c := Class{Name: r.Name()}
	r.Expect("x")
	c.X = r.span()
	r.Expect("y")
	c.Y = r.span()
	r.Expect("{")
	for r.More("}") {
		r.Expect("func")
		r.Expect("{")
		var ops []Op
		for r.More("}") {
			ops = append(ops, r.op())
		}
		c.Funcs = append(c.Funcs, ops)
	}
	return c
}

func (r reader) op() Op {
	var o Op
	if r.Accept("await") {
		o.Kind = Await
		r.List("(", ")", func() { o.Chans = append(o.Chans, r.Name()) })
	} else {
		o.Async = r.Accept("async")
		if r.Accept("fold") {
			o.Kind = Fold
		}
		o.Dst = r.operand()
		r.Expect("=")
		t := r.Peek()
		var ok bool
		if o.Code, ok = ir.ParseCode(r.Word()); !ok {
			r.Fail(t, "unknown operation %s", t)
		}
		o.Elem = r.elem()
		if !r.Accept("nothing") {
			o.Src = []Operand{r.operand()}
			for r.Accept(",") {
				o.Src = append(o.Src, r.operand())
			}
		}
	}
	o.Pos.Start, o.Pos.End = r.Pos()
	return o
}

func (r reader) operand() Operand {
	switch {
	case r.Accept("@"):
		return Operand{Kind: Memory, Slice: r.slice()}
	case r.Accept("chan"):
		return Operand{Kind: Chan, Name: r.Name(), Len: r.Int(), Last: r.Accept("last")}
	case r.Accept("scalar"):
		return Operand{Kind: HostScalar, Elem: r.elem(), Name: r.Name()}
	case r.Accept("imm"):
		o := Operand{Kind: Imm, Elem: r.elem()}
		if o.Elem.IsFloat() {
			o.Imm = r.Float(bits(o.Elem))
		} else {
			o.Int = r.Int64()
		}
		return o
	case r.Accept("none"):
		return Operand{}
	}
	r.Fail(r.Peek(), "expected an operand (@array[..], chan, scalar, imm), found %s", r.Peek())
	return Operand{}
}

func (r reader) slice() Slice {
	s := Slice{Array: r.Name()}
	r.Expect("[")
	s.Off = r.Int()
	if r.Accept(":") {
		for more := true; more; more = r.Accept(",") {
			e := Extent{Len: r.Int()}
			r.Expect("*")
			e.Stride = r.Int()
			s.Dims = append(s.Dims, e)
		}
	}
	r.Expect("]")
	return s
}
