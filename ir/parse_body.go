package ir

import "github.com/wfc-lang/wfc/ir/internal/text"

// body reads nodes, numbered from 0 without gaps, up to and with the yield.
func (r reader) body() Body {
	var b Body
	for r.Accept("$") {
		if n := r.Int(); n != len(b.Nodes) {
			r.Fail(r.Prev(), "node %d here is number %d: nodes are numbered from 0 without gaps", n, len(b.Nodes))
		}
		r.Expect("=")
		b.Nodes = append(b.Nodes, r.node(len(b.Nodes)))
	}
	r.Expect("yield")
	b.Results = r.args(len(b.Nodes))
	return b
}

// args reads a comma-separated list of nodes numbered below limit.
func (r reader) args(limit int) []int {
	var a []int
	for r.Accept("$") {
		n := r.Int()
		if n < 0 || n >= limit {
			r.Fail(r.Prev(), "$%d is not defined before this line", n)
		}
		a = append(a, n)
		if !r.Accept(",") {
			break
		}
		if !r.At("$") {
			r.Fail(r.Peek(), "expected a node after ',', found %s", r.Peek())
		}
		// a "$" after a comma continues the list; without one it starts the next node
	}
	return a
}

func (r reader) node(limit int) Node {
	t := r.Peek()
	var n Node
	var ok bool
	if n.Op, ok = ParseCode(r.Word()); !ok {
		r.Fail(t, "unknown operation %s", t)
		return n
	}
	n.Elem = r.elem()
	switch n.Op {
	case Const:
		if n.Elem.IsFloat() {
			n.Imm = r.Float(bits(n.Elem))
		} else {
			n.Int = r.Int64()
		}
	case Param_, Scalar, Index, Coord:
		n.Name = r.Name()
	case Read:
		n.Name = r.ref()
		r.List("[", "]", func() { n.At = append(n.At, r.affine()) })
	case Shift:
		n.Args = r.args(limit)
		r.Expect("along")
		n.Name = r.Name()
		r.Expect("by")
		n.N = r.Int()
	case Deriv:
		n.Args = r.args(limit)
		r.Expect("along")
		n.Name = r.Name()
		r.Expect("order")
		n.N = r.Int()
		r.Expect("acc")
		n.Acc = r.Int()
	default:
		n.Args = r.nodeArgs(limit)
	}
	return n
}

// nodeArgs reads the arguments of an operation. Every operation here has at least one, so the first "$" belongs to it.
func (r reader) nodeArgs(limit int) []int {
	if !r.At("$") {
		r.Fail(r.Peek(), "expected an argument, found %s", r.Peek())
	}
	return r.args(limit)
}

func (r reader) affine() Affine {
	if r.Accept("(") {
		a := r.offset()
		r.Expect(")")
		r.Expect("/")
		a.Div = r.factor()
		return a
	}
	a := r.offset()
	if a.Index != "" && a.Off == 0 && r.Accept("/") {
		a.Div = r.factor()
	}
	return a
}

// offset reads a number, or an index with an optional factor and an optional offset.
func (r reader) offset() Affine {
	var a Affine
	if r.Peek().Kind == text.Number || r.At("-") {
		a.Off = r.Int()
		if !r.Accept("*") {
			return a
		}
		if a.Mul, a.Off = a.Off, 0; a.Mul < 1 {
			r.Fail(r.Prev(), "the factor of an index is %d; it must be at least 1", a.Mul)
		}
	}
	a.Index = r.Name()
	switch {
	case r.Accept("+"):
		a.Off = r.Int()
	case r.At("-"):
		a.Off = r.Int()
	}
	return a
}

// factor reads a divisor.
func (r reader) factor() int {
	n := r.Int()
	if n < 1 {
		r.Fail(r.Prev(), "the divisor of an index is %d; it must be at least 1", n)
	}
	return n
}

func (r reader) run() Run {
	u := Run{Func: r.Name()}
	r.Expect("count")
	u.Count = r.Name()
	if r.Accept("t0") {
		u.T0 = r.Name()
	}
	if r.Accept("dt") {
		u.DT = r.Name()
	}
	u.Unit = r.unit()
	if r.Accept("bind") {
		for ok := true; ok; ok = r.Accept(",") {
			b := Bind{Name: r.Name()}
			r.Expect("=")
			b.To = r.Name()
			u.Bind = append(u.Bind, b)
		}
	}
	if r.Accept("clock") {
		u.Clock = &Clock{}
		r.List("(", ")", func() { u.Clock.Now = append(u.Clock.Now, r.array0()) })
		r.Expect("done")
		u.Clock.Done = r.array0()
		if r.Accept("end") {
			u.Clock.End = r.Name()
		}
		if r.Accept("next") {
			u.Clock.Next = r.array0()
			r.Expect("on")
			u.Clock.On = r.array0()
			for ok := r.Accept("due"); ok; ok = r.Accept(",") {
				d := Due{Flag: r.array0()}
				r.Expect("every")
				d.Every = r.array0()
				r.Expect("of")
				d.Seconds = r.Name()
				u.Clock.Due = append(u.Clock.Due, d)
			}
		}
	}
	return u
}

func (r reader) output() Output {
	var o Output
	r.List("(", ")", func() {
		r.Expect("@")
		o.Arrays = append(o.Arrays, r.Name())
	})
	if r.Accept("steps") {
		o.Steps = r.Name()
	}
	if r.Accept("seconds") {
		o.Seconds = r.Name()
	}
	if r.Accept("as") {
		for ok := true; ok; ok = r.Accept(",") {
			f := Format{Name: r.Name()}
			if r.Accept("(") {
				f.SliceAxis, f.SliceAt = r.Name(), r.Float(64)
				r.Expect(")")
			}
			o.Formats = append(o.Formats, f)
		}
	}
	o.Pos = r.pos()
	return o
}

func (r reader) probe() Probe {
	q := Probe{Name: r.Name()}
	r.Expect("@")
	q.Array = r.Name()
	r.Expect("at")
	r.List("(", ")", func() { q.At = append(q.At, r.Float(64)) })
	for _, x := range []struct {
		word string
		name *string
	}{{"steps", &q.Steps}, {"seconds", &q.Seconds}, {"by", &q.Func}, {"drift", &q.Drift}} {
		if r.Accept(x.word) {
			*x.name = r.Name()
		}
	}
	q.Pos = r.pos()
	return q
}
