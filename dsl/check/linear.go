package check

import "github.com/wfc-lang/wfc/ir"

// expand writes an expression as a sum of coefficient * derivative terms; parts without a derivative are left out. t carries the
// factors and derivatives around the expression. What cannot be written so is noted as unknown.
func (l *limiter) expand(n *Node, t linTerm) []linTerm {
	if !hasDeriv(n) {
		return nil
	}
	switch {
	case n.Op == Deriv:
		t.orders[axisIndex(n.Var.Axis)] += n.N
		t.acc = n.Acc
		t.at = n.At
		return l.inside(n.Args[0], t)
	case n.Op != Compute:
		l.cannot(n.At, "it reduces a derivative")
		return nil
	}
	switch n.Code {
	case ir.Add, ir.Sub:
		u := t
		if n.Code == ir.Sub {
			u.sign = -u.sign
		}
		return append(l.expand(n.Args[0], t), l.expand(n.Args[1], u)...)
	case ir.Neg:
		t.sign = -t.sign
		return l.expand(n.Args[0], t)
	case ir.Mul:
		a, b := n.Args[0], n.Args[1]
		if hasDeriv(a) && hasDeriv(b) {
			l.cannot(n.At, "it is a product of derivatives")
			return nil
		}
		if hasDeriv(a) {
			a, b = b, a
		}
		return l.expand(b, t.times(a))
	case ir.Div:
		if hasDeriv(n.Args[1]) {
			l.cannot(n.At, "it divides by a derivative")
			return nil
		}
		return l.expand(n.Args[0], t.times(div(number(1, one(), n.At), n.Args[1])))
	}
	l.cannot(n.At, "it is not linear in the derivative")
	return nil
}

func (t linTerm) times(a *Node) linTerm {
	if t.coef == nil {
		t.coef = a
	} else {
		t.coef = mul(t.coef, a)
	}
	return t
}

// inside expands the argument of a derivative: factors move out of it, which keeps the terms of highest order.
func (l *limiter) inside(n *Node, t linTerm) []linTerm {
	switch {
	case n.Op == Read:
		t.field, t.next = n.Field, n.Next
		if n.Field.State {
			return []linTerm{t}
		}
		return nil // data: a source
	case n.Op == Deriv:
		t.orders[axisIndex(n.Var.Axis)] += n.N
		t.acc = max(t.acc, n.Acc)
		return l.inside(n.Args[0], t)
	case !readsState(n):
		return nil
	case n.Op == Compute:
		switch n.Code {
		case ir.Add, ir.Sub:
			u := t
			if n.Code == ir.Sub {
				u.sign = -u.sign
			}
			return append(l.inside(n.Args[0], t), l.inside(n.Args[1], u)...)
		case ir.Neg:
			t.sign = -t.sign
			return l.inside(n.Args[0], t)
		case ir.Mul:
			a, b := n.Args[0], n.Args[1]
			if readsState(a) && readsState(b) && !(hasDeriv(a) != hasDeriv(b)) {
				break
			}
			if hasDeriv(a) || !hasDeriv(b) && readsState(a) {
				a, b = b, a
			}
			return l.inside(b, t.times(a))
		case ir.Div:
			if !readsState(n.Args[1]) {
				return l.inside(n.Args[0], t.times(div(number(1, one(), n.At), n.Args[1])))
			}
		}
	}
	l.cannot(t.at, "it is the derivative of a nonlinear expression")
	return nil
}

func hasDeriv(n *Node) bool {
	found := false
	Visit(n, func(x *Node) { found = found || x.Op == Deriv })
	return found
}

// readsState says whether an expression depends on a field that changes.
func readsState(n *Node) bool {
	found := false
	Visit(n, func(x *Node) { found = found || x.Op == Read && x.Field.State || x.Op == LetRead })
	return found
}
