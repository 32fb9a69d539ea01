package ir

import "math"

// wellFormed checks invariant 18; only then may the rest index into the body.
func (v *verifier) wellFormed(b *Body) bool {
	ok := true
	for i := range b.Nodes {
		n := &b.Nodes[i]
		good := n.Op > BadCode && n.Op <= Shift && n.Elem > NoElem && n.Elem <= F64 && len(n.Args) == Arity(n.Op)
		for _, a := range n.Args {
			good = good && a >= 0 && a < i
		}
		if !good {
			v.at.Node, v.node = i, n
			v.fail(18, "arguments do not come before it, or their number or its type is wrong")
			ok = false
		}
	}
	v.at.Node, v.node = -1, nil
	for _, r := range b.Results {
		if r < 0 || r >= len(b.Nodes) {
			v.fail(18, "result $%d is not a node", r)
			ok = false
		}
	}
	return ok
}

// body checks a body whose indices run over scope's ranges. results are the element types it must yield.
func (v *verifier) body(b *Body, scope []Range, values map[string]*value, results []Elem, host bool) {
	at := v.at
	defer func() { v.at, v.node = at, nil }()
	if !v.wellFormed(b) {
		return
	}
	if len(b.Results) != len(results) {
		v.fail(19, "yields %d values for %d results", len(b.Results), len(results))
		return
	}
	for i, r := range b.Results {
		if e := b.Nodes[r].Elem; e != results[i] {
			v.fail(19, "yields %s for result %d of type %s", e, i, results[i])
		}
	}
	for i := range b.Nodes {
		n := &b.Nodes[i]
		v.at.Node, v.node = i, n
		switch n.Op {
		case Scalar:
			if !v.scalars[n.Name] || n.Elem == Bool {
				v.fail(24, "no host scalar %q of numeric type", n.Name)
			}
		case Param_:
			v.fail(24, "param outside host scalars")
		case Read:
			v.read(n, scope, values, host)
		case Index, Coord, Deriv, Shift:
			if find(scope, n.Name) == nil {
				v.fail(23, "no index %q in scope", n.Name)
			}
			if n.Op == Index && n.Elem != I32 || n.Op != Index && !n.Elem.IsFloat() ||
				n.Op == Deriv && (n.N < 1 || n.Acc < 2 || n.Acc%2 != 0) || n.Op == Shift && (n.N > 64 || n.N < -64) {
				v.fail(23, "type, order or accuracy")
			}
		}
		if v.canonical && !host && !CanonicalOp(n.Op) {
			v.fail(25, "%s in canonical IR", n.Op)
		}
		v.types(b, n)
	}
}

// CanonicalOp says whether an operation may occur in the device functions of canonical IR.
func CanonicalOp(c Code) bool {
	switch c {
	case Deriv, Shift, Coord, Pow, Exp, Log, Sin, Cos, Tanh, Param_:
		return false
	}
	return true
}

func find(scope []Range, index string) *Range {
	for i := range scope {
		if scope[i].Index == index {
			return &scope[i]
		}
	}
	return nil
}

func (v *verifier) read(n *Node, scope []Range, values map[string]*value, host bool) {
	src := v.operand(n.Name, values)
	if src == nil {
		v.fail(8, "%s is not defined", n.Name)
		return
	}
	if len(n.At) != len(src.dom) || n.Elem != src.elem {
		v.fail(22, "%s is %s of rank %d", n.Name, src.elem, len(src.dom))
		return
	}
	for d, a := range n.At {
		if a.Off > maxPoints || a.Off < -maxPoints {
			v.fail(22, "offset %d", a.Off)
			return
		}
		if a.Mul < 0 || a.Div < 0 || a.Mul > maxPoints || a.Div > maxPoints || a.Index == "" && !a.Unit() {
			v.fail(22, "index %q times %d, divided by %d", a.Index, a.Mul, a.Div)
			return
		}
		lo, hi := a.Off, a.Off+1
		if a.Index != "" {
			r := find(scope, a.Index)
			if r == nil {
				v.fail(22, "no index %q in scope", a.Index)
				return
			}
			lo, hi = a.Span(r.Lo, r.Hi)
		}
		if !v.canonical {
			continue
		}
		own := src.dom[d]
		ax := v.axes[own.Axis]
		if ax == nil {
			continue // reported where the operand is defined
		}
		if (lo < own.Lo || hi > own.Hi) && !(ax.Periodic && own.Lo <= 0 && own.Hi >= ax.N) {
			v.fail(26, "reads %d..%d of axis %s, which holds %d..%d", lo, hi, own.Axis, own.Lo, own.Hi)
		}
	}
}

// types checks invariants 20 and 21.
func (v *verifier) types(b *Body, n *Node) {
	arg := func(i int) Elem { return b.Nodes[n.Args[i]].Elem }
	same := func(from int) {
		for i := from; i < len(n.Args); i++ {
			if arg(i) != n.Elem {
				v.fail(20, "argument %d is %s", i, arg(i))
			}
		}
	}
	need := func(ok bool) {
		if !ok {
			v.fail(20, "not defined for %s", n.Elem)
		}
	}
	switch n.Op {
	case Const:
		v.constant(n)
	case Deriv, Shift:
		same(0)
	case Neg, Abs, Add, Sub, Mul, MinOp, MaxOp:
		same(0)
		need(n.Elem != Bool)
	case Not, And, Or, Xor:
		same(0)
		need(!n.Elem.IsFloat())
	case Shl, Shr:
		same(0)
		need(n.Elem == I32 || n.Elem == I64)
	case Sqrt, Floor, Ceil, Div, FMA, Pow, Exp, Log, Sin, Cos, Tanh:
		same(0)
		need(n.Elem.IsFloat())
	case Lt, Le, Eq, Ne:
		if n.Elem != Bool || arg(0) != arg(1) {
			v.fail(20, "compares %s with %s to %s", arg(0), arg(1), n.Elem)
		}
	case Select:
		if arg(0) != Bool {
			v.fail(20, "the condition is %s", arg(0))
		}
		same(1)
	case Bitcast:
		a, e := arg(0), n.Elem
		if !(a == F32 && e == I32 || a == I32 && e == F32 || a == F64 && e == I64 || a == I64 && e == F64 || a == e && e != F16) {
			v.fail(20, "from %s", a)
		}
	}
}

func (v *verifier) constant(n *Node) {
	ok := true
	switch n.Elem {
	case Bool:
		ok = n.Int == 0 || n.Int == 1
	case I32:
		ok = n.Int == int64(int32(n.Int))
	case F16, F32:
		ok = math.IsNaN(n.Imm) || RoundTo(n.Elem, n.Imm).F == n.Imm
	}
	if !ok {
		v.fail(21, "not representable")
	}
}
