package ir

import "github.com/wfc-lang/wfc/ir/internal/text"

// Parse reads the text form. file names the source in errors, which are *diag.Diagnostic with line and column. The program is
// well-formed text only: Verify says whether it means something.
func Parse(file, src string) (*Program, error) {
	r := reader{text.NewReader(file, src)}
	r.Expect("wfir")
	if v := r.Int(); v != 1 {
		r.Fail(r.Prev(), "text form of version %d; this reader knows version 1", v)
	}
	r.Expect("program")
	p := &Program{Name: r.Name()}
	for r.Peek().Kind != text.EOF {
		t := r.Peek()
		switch r.Word() {
		case "axis":
			p.Axes = append(p.Axes, r.axis())
		case "param":
			p.Params = append(p.Params, r.param())
		case "scalar":
			p.Host = append(p.Host, r.scalar())
		case "check":
			p.Checks = append(p.Checks, HostCheck{r.Name(), r.Name(), r.Str(), r.pos()})
		case "array":
			p.Arrays = append(p.Arrays, r.array())
		case "func":
			p.Funcs = append(p.Funcs, r.function())
		case "proc":
			p.Procs = append(p.Procs, r.proc())
		case "failure":
			p.Failures = append(p.Failures, r.failure())
		case "run":
			p.Schedule = append(p.Schedule, r.run())
		case "output":
			p.Outputs = append(p.Outputs, r.output())
		case "probe":
			p.Probes = append(p.Probes, r.probe())
		default:
			r.Fail(t, "expected axis, param, scalar, check, array, func, proc, run, failure, output or probe, found %s", t)
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

type reader struct{ *text.Reader }

func (r reader) pos() Pos {
	s, e := r.Reader.Pos()
	return Pos{s, e}
}

func (r reader) unit() string {
	if r.Accept("unit") {
		return r.Str()
	}
	return ""
}

func (r reader) elem() Elem {
	t := r.Peek()
	e, ok := ParseElem(r.Word())
	if !ok {
		r.Fail(t, "expected an element type (bool, i32, i64, f16, f32, f64), found %s", t)
	}
	return e
}

// choice reads one of two words and says whether it was the second.
func (r reader) choice(first, second string) bool {
	if r.Accept(second) {
		return true
	}
	r.Expect(first)
	return false
}

func (r reader) axis() Axis {
	a := Axis{Name: r.Name(), N: r.Int(), Nodes: r.choice("cells", "nodes"), Periodic: r.Accept("periodic")}
	r.Expect("lo")
	a.Lo = r.Float(64)
	r.Expect("h")
	a.H = r.Float(64)
	a.Unit = r.unit()
	if r.Accept("of") {
		a.Of = r.Name()
	}
	if r.Accept("at") {
		r.List("[", "]", func() { a.At = append(a.At, r.Float(64)) })
	}
	return a
}

func (r reader) param() Param {
	q := Param{Name: r.Name()}
	r.Expect("=")
	q.Value = r.Float(64)
	q.Unit = r.unit()
	q.Shape = r.Accept("shape")
	return q
}

func (r reader) scalar() HostDef {
	d := HostDef{Name: r.Name()}
	r.Expect("{")
	d.Body = r.body()
	r.Expect("}")
	return d
}

func (r reader) array() Array {
	r.Expect("@")
	a := Array{Name: r.Name()}
	r.List("[", "]", func() { a.Axes = append(a.Axes, r.Name()) })
	a.Elem = r.elem()
	a.Const = r.Accept("const")
	a.Local = r.Accept("local")
	if r.Accept("file") {
		a.File = r.Str()
	}
	a.Unit = r.unit()
	a.Pos = r.pos()
	if !r.Accept("{") {
		return a
	}
	for r.More("}") {
		r.Expect("bc")
		c := Boundary{Axis: r.Name(), High: r.choice("lo", "hi")}
		switch {
		case r.Accept("mixed"):
			c.Kind = Mixed
		case r.Accept("wrap"):
			c.Kind = Wrap
		case r.choice("value", "gradient"):
			c.Kind = Gradient
		}
		c.Pos = r.pos()
		r.Expect("{")
		c.Body = r.body()
		r.Expect("}")
		a.BC = append(a.BC, c)
	}
	return a
}

func (r reader) function() Func {
	fn := Func{Name: r.Name(), Host: r.Accept("host")}
	r.Expect("{")
	for r.More("}") {
		switch {
		case r.Accept("set"):
			r.Expect("@")
			s := Set{Array: r.Name()}
			r.Expect("=")
			s.Value = r.ref()
			s.Pos = r.pos()
			fn.Sets = append(fn.Sets, s)
		case r.At("map") || r.At("reduce") || r.At("extend"):
			if len(fn.Sets) > 0 {
				r.Fail(r.Peek(), "operations come before the sets of a function")
			}
			fn.Ops = append(fn.Ops, r.op())
		default:
			r.Fail(r.Peek(), "expected map, reduce, extend or set, found %s", r.Peek())
		}
	}
	return fn
}

// ref reads "%value" or "@array", or a quoted string for anything else.
func (r reader) ref() string {
	for _, s := range []string{"%", "@"} {
		if r.Accept(s) {
			return s + r.Name()
		}
	}
	return r.Str()
}

func (r reader) op() Op {
	var op Op
	switch r.Word() {
	case "reduce":
		op.Kind = Reduce
	case "extend":
		op.Kind = Extend
	}
	for r.Accept("%") {
		op.Results = append(op.Results, Result{r.Name(), r.elem()})
		if !r.Accept(",") {
			break
		}
	}
	op.Dom = r.ranges()
	if op.Kind == Extend {
		r.Expect("from")
		op.From = r.ref()
	}
	if op.Kind == Reduce {
		r.Expect("over")
		op.Over = r.ranges()
		op.Comb = r.combiner()
		op.FMA = r.Accept("fma")
		r.Expect("order")
		op.Order = ReadOrder(r.Reader)
	}
	op.Pos = r.pos()
	r.Expect("{")
	for r.More("}") {
		var p Piece
		r.Expect("box")
		r.List("[", "]", func() {
			lo, hi := r.interval()
			p.Box = append(p.Box, Interval{lo, hi})
		})
		p.Body = r.body()
		op.Pieces = append(op.Pieces, p)
	}
	return op
}

func (r reader) interval() (lo, hi int) {
	lo = r.Int()
	r.Expect("..")
	return lo, r.Int()
}

func (r reader) ranges() []Range {
	var rs []Range
	r.List("[", "]", func() {
		g := Range{Index: r.Name()}
		r.Expect("in")
		g.Axis = r.Name()
		g.Lo, g.Hi = r.interval()
		rs = append(rs, g)
	})
	return rs
}

func (r reader) combiner() Combiner {
	t := r.Peek()
	s := r.Word()
	for c := Sum; c <= Min; c++ {
		if c.String() == s {
			return c
		}
	}
	r.Fail(t, "expected sum, prod, max or min, found %s", t)
	return Sum
}

// readChainAxis reads one axis of a mesh order.
func readChainAxis(r *text.Reader) ChainAxis {
	c := ChainAxis{Axis: r.Name(), Parts: r.Int()}
	if r.Accept("unit") {
		c.Unit = r.Int()
	}
	if r.Accept("extra") {
		c.Extra = r.Int()
	}
	for {
		switch {
		case r.Accept("chain"):
			c.Levels = append(c.Levels, Level{Size: r.Int()})
		case r.Accept("star"):
			c.Levels = append(c.Levels, Level{Size: r.Int(), Star: true})
		default:
			return c
		}
	}
}

// ReadOrder reads the order of a reduction; the mesh IR's text has it too.
func ReadOrder(r *text.Reader) Order {
	t := r.Peek()
	switch r.Word() {
	case "seq":
		return Order{}
	case "canon":
		return Order{Kind: Canon}
	case "pairs":
		return Order{Kind: Pairs}
	case "mesh":
		o := Order{Kind: Mesh}
		r.List("(", ")", func() { o.Chain = append(o.Chain, readChainAxis(r)) })
		return o
	case "turned":
		o := Order{Kind: Turned}
		r.Expect("(")
		o.Turn.Parts[0] = r.Int()
		o.Turn.Parts[1] = o.Turn.Parts[0]
		if r.Accept(",") {
			o.Turn.Parts[1] = r.Int()
		}
		r.Expect("by")
		o.Turn.By[0] = r.Int()
		r.Expect(",")
		o.Turn.By[1] = r.Int()
		r.Expect(")")
		return o
	}
	r.Fail(t, "expected seq, canon, pairs, mesh or turned, found %s", t)
	return Order{}
}
