package check

import "github.com/wfc-lang/wfc/ir"

// expand writes an expression as a sum of coefficient * derivative terms; parts without a derivative are left out. t carries the
// factors and derivatives around the expression. What cannot be written so is noted as unknown.
func (l *limiter) expand(n *Node, t linTerm) []linTerm {
	if !n.hasDeriv() || !l.afford(n) {
		return nil
	}
	sum := n.Op == Compute && (n.Code == ir.Add || n.Code == ir.Sub || n.Code == ir.Neg)
	if t.whole.IsZero() && (!sum || n.At == n.Args[0].At) { // the parts of lap(T) have the place of lap(T)
		t.whole = n.At
	}
	switch {
	case n.Op == Deriv && n.Carries != nil:
		t.at = n.At
		return l.carried(n.Carries, t)
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
		if a.hasDeriv() && b.hasDeriv() {
			l.cannot(n.At, "it is a product of derivatives")
			return nil
		}
		if a.hasDeriv() {
			a, b = b, a
		}
		return l.expand(b, t.times(a))
	case ir.Div:
		if n.Args[1].hasDeriv() {
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
	if !l.afford(n) {
		return nil
	}
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
	case !n.readsState():
		return nil
	case n.Carries != nil && t.orders[n.Carries.axis] == 1:
		t.orders[n.Carries.axis]--
		return l.carried(n.Carries, t)
	case n.Op == Shift && t.orders[axisIndex(n.Var.Axis)] == 1 && !t.half:
		t.half = true
		return l.inside(n.Args[0], t)
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
			if a.readsState() && b.readsState() && !(a.hasDeriv() != b.hasDeriv()) {
				break
			}
			if a.hasDeriv() || !b.hasDeriv() && a.readsState() {
				a, b = b, a
			}
			return l.inside(b, t.times(a))
		case ir.Select: // beside a body, a slope or the derivative
			if x, y := n.Args[1], n.Args[2]; !n.Args[0].readsState() && x.readsState() != y.readsState() {
				if y.readsState() {
					x = y
				}
				return l.inside(x, t)
			}
		case ir.Div:
			if !n.Args[1].readsState() {
				return l.inside(n.Args[0], t.times(div(number(1, one(), n.At), n.Args[1])))
			}
		}
	}
	if out := l.slopes(n, t); out != nil {
		return out
	}
	l.cannot(t.at, "it is the derivative of a nonlinear expression")
	return nil
}

// maxTerms bounds the expansion of sums of products of sums.
const maxTerms = 1 << 12

func (l *limiter) afford(n *Node) bool {
	if l.visits++; l.visits > 16*maxTerms {
		l.cannot(n.At, "the expression is too large to be expanded")
		return false
	}
	return true
}

// hasDeriv says whether an expression holds a derivative.
func (n *Node) hasDeriv() bool { return n.traits()&traitDeriv != 0 }

// readsState says whether an expression depends on a field that changes.
func (n *Node) readsState() bool { return n.traits()&traitState != 0 }

const (
	traitKnown = 1 << iota
	traitDeriv
	traitState
)

// traits are computed once, when all blocks are known.
func (n *Node) traits() uint8 {
	if n.trait == 0 {
		n.trait = traitKnown
		if n.Op == Deriv {
			n.trait |= traitDeriv
		}
		if n.Op == Read && n.Field.State || n.Op == LetRead {
			n.trait |= traitState
		}
		for _, a := range n.Args {
			n.trait |= a.traits()
		}
	}
	return n.trait
}
