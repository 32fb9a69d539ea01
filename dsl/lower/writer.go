package lower

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// writer writes one body. Equal nodes are written once.
type writer struct {
	l    *lowerer
	fn   *fnWriter // nil in host scalars and boundary values
	b    ir.Body
	seen map[string]int
	memo map[memoKey]int
	host bool      // a host scalar: leaves are const, param and scalar
	wide bool      // compute in f64 whatever the fields are (host functions)
	elem ir.Elem   // element type of the result
	now  timeOfUse // what the variable of the evolve means

	whole  *check.Node // the let whose own value is being written
	byAxis bool        // a condition: indices are named like the axes

	// Of a flux: the index that runs over the other axis, and how far coordinates are shifted back for it.
	inFlux  bool
	rebased string
	rebase  int
	target  *check.Field // what the body assigns, nil where that is no field
}

type memoKey struct {
	n *check.Node
	e ir.Elem
}

// timeOfUse says which time an expression means.
type timeOfUse uint8

const (
	timeNow   timeOfUse = iota // the start of the step
	timeNext                   // its end: values stored in end nodes
	timeStart                  // the start of the evolve: initial values
	timeStage                  // timeStage + i: stage i of the method
)

func (l *lowerer) writer(fn *fnWriter, elem ir.Elem) *writer {
	return &writer{l: l, fn: fn, elem: elem, seen: map[string]int{}, memo: map[memoKey]int{}, wide: fn != nil && fn.f.Host}
}

// add appends a node, or returns the equal one that is there.
func (w *writer) add(n ir.Node) int {
	key := fmt.Sprint(n)
	if n.Op == ir.Const {
		key = fmt.Sprint("c", n.Elem, math.Float64bits(n.Imm), n.Int) // -0 and 0 differ
	}
	if i, ok := w.seen[key]; ok {
		return i
	}
	w.b.Nodes = append(w.b.Nodes, n)
	w.seen[key] = len(w.b.Nodes) - 1
	return len(w.b.Nodes) - 1
}

func (w *writer) op(code ir.Code, e ir.Elem, args ...int) int {
	return w.add(ir.Node{Op: code, Elem: e, Args: args})
}

// constant writes a number, rounded once to e. One that is not exact is written in f64 and converted, so that a coefficient collected
// from it is rounded only once.
func (w *writer) constant(e ir.Elem, v float64) int {
	r := ir.RoundTo(e, v)
	if e.IsFloat() && r.F != v && v == v {
		return w.op(ir.Cvt, e, w.add(ir.Node{Op: ir.Const, Elem: ir.F64, Imm: v}))
	}
	return w.add(ir.Node{Op: ir.Const, Elem: e, Imm: r.F, Int: r.I})
}

// scalar reads a host scalar.
func (w *writer) scalar(name string, e ir.Elem) int {
	return w.add(ir.Node{Op: ir.Scalar, Elem: e, Name: name})
}

// class is the element type an expression asks for, before its context is known.
type class uint8

const (
	anyNumber class = iota // whole literals: whatever the context has
	integer
	anyFloat // literals with a fraction, host scalars, coordinates
	half
	single
	double
)

var elemClass = map[ir.Elem]class{ir.I32: integer, ir.F16: half, ir.F32: single, ir.F64: double}

// classOf joins the classes of an expression's leaves. An integer beside a fraction makes the default float type.
func (w *writer) classOf(n *check.Node) class {
	if c, ok := w.l.classes[n]; ok {
		return c
	}
	c := anyNumber
	switch n.Op {
	case check.Num:
		if n.Val != math.Trunc(n.Val) || math.Abs(n.Val) > math.MaxInt32 {
			c = anyFloat
		}
	case check.Read:
		c = elemClass[n.Field.Elem]
	case check.LetRead:
		if w.fn.proc != nil && w.fn.lets[n.Let] == "" {
			w.fn.letMap(n.Let.Def)
		}
		c = elemClass[w.fn.letElem[n.Let]]
	case check.IndexVal:
		c = integer
	case check.ScalarRef, check.StepSize, check.Coord, check.Time, check.Random:
		c = anyFloat
	default:
		args := n.Args
		if n.Op == check.Compute && n.Code == ir.Select {
			args = args[1:]
		}
		for _, a := range args {
			c = w.join(c, w.classOf(a))
		}
		if n.Op == check.Deriv || n.Op == check.Compute && floatOnly[n.Code] {
			c = w.join(c, anyFloat)
		}
	}
	w.l.classes[n] = c
	return c
}

var floatOnly = map[ir.Code]bool{ir.Div: true, ir.Sqrt: true, ir.Floor: true, ir.Ceil: true, ir.Exp: true, ir.Log: true, ir.Sin: true,
	ir.Cos: true, ir.Tanh: true}

func (w *writer) join(a, b class) class {
	if a > b {
		a, b = b, a
	}
	if a == integer && b == anyFloat {
		return elemClass[w.l.p.Float]
	}
	return b
}

// elemOf turns a class into the type to compute in, given the type the context wants.
func (w *writer) elemOf(c class, want ir.Elem) ir.Elem {
	if w.wide && c != integer && !(c == anyNumber && want == ir.I32) {
		return ir.F64
	}
	switch c {
	case anyNumber:
		if want == ir.Bool {
			return w.l.p.Float
		}
		return want
	case anyFloat:
		if want.IsFloat() {
			return want
		}
		return w.l.p.Float
	case integer:
		return ir.I32
	case half:
		return ir.F16
	case single:
		return ir.F32
	}
	return ir.F64
}

// cvt converts node i to e where it is of another type.
func (w *writer) cvt(i int, e ir.Elem) int {
	from := w.b.Nodes[i].Elem
	if from == e {
		return i
	}
	return w.op(ir.Cvt, e, i)
}

// node writes an expression as a value of type e; a truth value is Bool whatever e is.
func (w *writer) node(n *check.Node, e ir.Elem) int {
	key := memoKey{n, e}
	if i, ok := w.memo[key]; ok {
		return i
	}
	i := w.fresh(n, e)
	w.memo[key] = i
	return i
}

func (w *writer) fresh(n *check.Node, e ir.Elem) int {
	if n.Host() && !w.host {
		if n.Op == check.Num {
			if e == ir.I32 && n.Val != math.Trunc(n.Val) {
				return w.cvt(w.constant(w.l.p.Float, n.Val), e)
			}
			return w.constant(e, n.Val)
		}
		if v, ok := pureNumber(n); ok && !n.Bool && e != ir.I32 {
			return w.constant(e, v)
		}
		name := w.l.hostScalar(n)
		if n.Bool {
			return w.op(ir.Ne, ir.Bool, w.scalar(name, w.float()), w.constant(w.float(), 0))
		}
		if e == ir.I32 {
			return w.cvt(w.scalar(name, w.l.p.Float), e)
		}
		return w.scalar(name, e)
	}
	t := w.elemOf(w.classOf(n), e)
	if n.Named && !n.Bool && n != w.whole && w.fn != nil && w.fn.proc != nil && w.fn.keeps(n) {
		return w.cvt(w.keptLet(n, t), e)
	}
	switch n.Op {
	case check.Num:
		return w.constant(e, n.Val)
	case check.ScalarRef:
		return w.cvt(w.scalar(n.Sym.Name, ir.F64), e)
	case check.StepSize:
		if w.l.block.Clock {
			return w.length(w.l.block, e)
		}
		return w.cvt(w.scalar(w.l.dt(w.l.block), ir.F64), e)
	case check.Read, check.LetRead:
		return w.cvt(w.read(n), e)
	case check.Coord:
		x := w.add(ir.Node{Op: ir.Coord, Elem: t, Name: w.index(n.Var)})
		if w.inFlux && n.Var.Name == w.rebased {
			x = w.add(ir.Node{Op: ir.Shift, Elem: t, Args: []int{x}, Name: n.Var.Name, N: w.rebase})
		}
		return w.cvt(x, e)
	case check.IndexVal:
		return w.cvt(w.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: w.index(n.Var)}), e)
	case check.Time:
		return w.cvt(w.time(t), e)
	case check.Deriv:
		if i, ok := w.flux(n, t); ok {
			return w.cvt(i, e)
		}
		x := w.node(n.Args[0], t)
		return w.cvt(w.add(ir.Node{Op: ir.Deriv, Elem: t, Args: []int{x}, Name: w.index(n.Var), N: n.N, Acc: n.Acc}), e)
	case check.Shift:
		x := w.node(n.Args[0], t)
		return w.cvt(w.add(ir.Node{Op: ir.Shift, Elem: t, Args: []int{x}, Name: w.index(n.Var), N: n.N}), e)
	case check.Reduce:
		return w.cvt(w.reduction(n, t), e)
	case check.Random:
		return w.cvt(w.random(n, t), e)
	}
	i := w.compute(n, t, e)
	if n.Bool {
		return i
	}
	return w.cvt(i, e)
}

// pureNumber evaluates a host expression without scalars.
func pureNumber(n *check.Node) (float64, bool) {
	pure := true
	check.Visit(n, func(x *check.Node) { pure = pure && x.Op != check.ScalarRef && x.Op != check.StepSize })
	if !pure {
		return 0, false
	}
	return check.Eval(n)
}

// float is the type of numbers in truth values.
func (w *writer) float() ir.Elem {
	if w.wide || w.host {
		return ir.F64
	}
	return w.l.p.Float
}

func (w *writer) compute(n *check.Node, t, e ir.Elem) int {
	switch n.Code {
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		c := w.join(w.classOf(n.Args[0]), w.classOf(n.Args[1]))
		if c == anyNumber {
			c = anyFloat
		}
		t := w.elemOf(c, w.float())
		return w.op(n.Code, ir.Bool, w.node(n.Args[0], t), w.node(n.Args[1], t))
	case ir.And, ir.Or, ir.Not:
		args := make([]int, len(n.Args))
		for i, a := range n.Args {
			args[i] = w.node(a, ir.Bool)
		}
		return w.op(n.Code, ir.Bool, args...)
	case ir.Select:
		return w.op(ir.Select, t, w.node(n.Args[0], ir.Bool), w.node(n.Args[1], t), w.node(n.Args[2], t))
	case ir.Pow:
		return w.power(n, t)
	}
	args := make([]int, len(n.Args))
	for i, a := range n.Args {
		args[i] = w.node(a, t)
	}
	return w.op(n.Code, t, args...)
}

// power writes x^k for small whole k as products, from the left, and x^(1/2) as a square root; both are what is meant and exact where
// a general power is not.
func (w *writer) power(n *check.Node, t ir.Elem) int {
	if !t.IsFloat() {
		t = w.float()
	}
	x := w.node(n.Args[0], t)
	if v := n.Args[1]; v.Op == check.Num || v.Op == check.Compute && v.Code == ir.Neg && v.Args[0].Op == check.Num {
		k, _ := check.Eval(v)
		switch {
		case k == 0:
			return w.constant(t, 1)
		case k == 0.5:
			return w.op(ir.Sqrt, t, x)
		case k == math.Trunc(k) && math.Abs(k) <= 16:
			p := x
			for i := 1; i < int(math.Abs(k)); i++ {
				p = w.op(ir.Mul, t, p, x)
			}
			if k < 0 {
				p = w.op(ir.Div, t, w.constant(t, 1), p)
			}
			return p
		}
	}
	return w.op(ir.Pow, t, x, w.node(n.Args[1], t))
}

// read writes an access to a field, to its next value, or to an indexed let.
func (w *writer) read(n *check.Node) int {
	r := ir.Node{Op: ir.Read}
	switch {
	case n.Op == check.LetRead:
		if w.fn.proc != nil && w.fn.lets[n.Let] == "" {
			w.fn.letMap(n.Let.Def) // this segment needs it too
		}
		r.Name, r.Elem = "%"+w.fn.lets[n.Let], w.fn.letElem[n.Let]
	default:
		r.Elem = n.Field.Elem
		r.Name = w.operand(n.Field, n.Next)
	}
	for _, s := range n.Sub {
		a := ir.Affine{Off: s.Off, Mul: s.Mul, Div: s.Div}
		if s.Var != nil {
			a.Index = w.index(*s.Var)
		}
		r.At = append(r.At, a)
	}
	return w.add(r)
}

// operand names the value of a field: in init the initial value made above, after an assignment the next value.
func (w *writer) operand(f *check.Field, next bool) string {
	if w.fn != nil && !next {
		if v, ok := w.fn.stage[f]; ok {
			return "%" + v
		}
	}
	if w.fn != nil && (next || w.fn.f.Host || w.fn.after[f]) {
		if v, ok := w.fn.value[f]; ok {
			return "%" + v
		}
		if w.fn.proc != nil && w.fn.proc.store[f] != "" {
			return "@" + w.fn.proc.store[f]
		}
	}
	return "@" + f.Name
}

// time writes the value of the evolve's variable: t0 + n*dt, with n the steps done. The end of a step adds the length of this very
// step, which the last one may have clipped.
func (w *writer) time(e ir.Elem) int {
	b := w.l.block
	from := w.scalar(w.l.from(b), e)
	if w.now == timeStart {
		return from
	}
	if b.Clock {
		return w.clockTime(b, e)
	}
	n := w.op(ir.Cvt, e, w.add(ir.Node{Op: ir.Read, Elem: ir.I32, Name: "@" + counter(b)}))
	if b.Count {
		t := w.op(ir.Add, e, from, n)
		if w.now == timeNext {
			t = w.op(ir.Add, e, t, w.constant(e, 1))
		}
		return t
	}
	t := w.op(ir.Add, e, from, w.op(ir.Mul, e, n, w.scalar(w.l.full(b), e)))
	if w.now == timeNext {
		t = w.op(ir.Add, e, t, w.scalar(w.l.dt(b), e))
	}
	if w.now >= timeStage {
		if c := b.By.C[w.now-timeStage]; c != 0 {
			t = w.op(ir.Add, e, t, w.part(b, c, e))
		}
	}
	return t
}

// index names an index variable: by its axis in conditions, by its own name elsewhere.
func (w *writer) index(v check.IndexVar) string {
	if w.byAxis {
		return v.Axis.IR
	}
	return v.Name
}

// renewed writes with what was written so far forgotten: the same expression means another time.
func (w *writer) renewed(write func() int) int {
	old := w.memo
	w.memo = map[memoKey]int{}
	defer func() { w.memo = old }()
	return write()
}
