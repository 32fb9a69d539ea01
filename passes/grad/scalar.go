package grad

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// partials gives the derivative of node i with respect to each of its arguments as factors: what multiplies the tangent of the
// argument, or the cotangent of the node. A factor of -1 stands for no dependence. Where a function has a kink the derivative is a
// one-sided one: abs at 0 has 0, min and max of equal arguments follow the first.
func (b *exprs) partials(i int, active func(arg int) bool) ([]factor, error) {
	n := b.nodes[i]
	e := n.Elem
	out := make([]factor, len(n.Args))
	for k := range out {
		out[k] = factor{node: -1, mask: -1}
	}
	arg := func(k int) int { return n.Args[k] }
	set := func(k int, f func() int) {
		if active(arg(k)) {
			out[k].node = f()
		}
	}
	one := func() int { return b.num(e, 1) }
	switch n.Op {
	case ir.Floor, ir.Ceil, ir.Lt, ir.Le, ir.Eq, ir.Ne, ir.And, ir.Or, ir.Xor, ir.Shl, ir.Shr, ir.Not:
	case ir.Neg:
		set(0, func() int { return b.num(e, -1) })
	case ir.Abs:
		set(0, func() int { // sign(x), 0 at 0
			zero := b.num(e, 0)
			down := b.op(ir.Select, e, b.op(ir.Lt, ir.Bool, arg(0), zero), b.num(e, -1), zero)
			return b.op(ir.Select, e, b.op(ir.Lt, ir.Bool, zero, arg(0)), one(), down)
		})
	case ir.Sqrt:
		set(0, func() int { return b.op(ir.Div, e, b.num(e, 0.5), b.value(i)) })
	case ir.Add:
		set(0, one)
		set(1, one)
	case ir.Sub:
		set(0, one)
		set(1, func() int { return b.num(e, -1) })
	case ir.Mul:
		set(0, func() int { return arg(1) })
		set(1, func() int { return arg(0) })
	case ir.Div:
		inv := func() int { return b.op(ir.Div, e, one(), arg(1)) }
		set(0, inv)
		set(1, func() int { return b.neg(b.mul(b.value(i), inv())) })
	case ir.FMA:
		set(0, func() int { return arg(1) })
		set(1, func() int { return arg(0) })
		set(2, one)
	case ir.MinOp, ir.MaxOp:
		first := b.op(ir.Le, ir.Bool, arg(0), arg(1))
		if n.Op == ir.MaxOp {
			first = b.op(ir.Le, ir.Bool, arg(1), arg(0))
		}
		for k := range 2 {
			set(k, one)
			out[k].mask, out[k].not = first, k == 1
		}
	case ir.Select:
		for k := 1; k < 3; k++ {
			set(k, one)
			out[k].mask, out[k].not = arg(0), k == 2
		}
	case ir.Pow:
		set(0, func() int {
			less := b.op(ir.Sub, e, arg(1), one())
			if c := &b.nodes[arg(1)]; c.Op == ir.Const {
				if c.Imm == 0 {
					return b.num(e, 0)
				}
				less = b.num(e, c.Imm-1)
			}
			return b.mul(arg(1), b.op(ir.Pow, e, arg(0), less))
		})
		set(1, func() int { return b.mul(b.value(i), b.op(ir.Log, e, arg(0))) })
		if out[1].node >= 0 { // x^y does not depend on y at x = 0, y > 0
			out[1].mask = b.op(ir.Lt, ir.Bool, b.num(e, 0), arg(0))
		}
	case ir.Exp:
		set(0, func() int { return b.value(i) })
	case ir.Log:
		set(0, func() int { return b.op(ir.Div, e, one(), arg(0)) })
	case ir.Sin:
		set(0, func() int { return b.op(ir.Cos, e, arg(0)) })
	case ir.Cos:
		set(0, func() int { return b.neg(b.op(ir.Sin, e, arg(0))) })
	case ir.Tanh:
		set(0, func() int { return b.op(ir.Sub, e, one(), b.mul(b.value(i), b.value(i))) })
	case ir.Cvt:
		if e.IsFloat() && b.elem(arg(0)).IsFloat() {
			set(0, one)
		}
	case ir.Bitcast:
		if active(arg(0)) && b.elem(arg(0)).IsFloat() {
			return nil, errBits
		}
	default:
		return nil, fmt.Errorf("%s has no derivative rule", n.Op)
	}
	return out, nil
}

// factor is one partial derivative. Under a mask it holds where the condition does (or, with not, does not), and is zero elsewhere: the
// mask is applied last, so that an infinite factor where it does not count leaves no NaN.
type factor struct {
	node int // -1: no dependence
	mask int // Bool node, -1 for none
	not  bool
}

// guard is a condition under which something counts.
type guard struct {
	cond int
	not  bool
}

// under is x where all guards hold, else otherwise.
func (b *exprs) under(gs []guard, x, otherwise int) int {
	for k := len(gs) - 1; k >= 0; k-- {
		if gs[k].not {
			x = b.op(ir.Select, b.elem(x), gs[k].cond, otherwise, x)
		} else {
			x = b.op(ir.Select, b.elem(x), gs[k].cond, x, otherwise)
		}
	}
	return x
}

// activeNodes marks the float nodes that depend on reads of active operands.
func activeNodes(nodes []ir.Node, active func(name string) bool) []bool {
	out := make([]bool, len(nodes))
	for i := range nodes {
		n := &nodes[i]
		if !n.Elem.IsFloat() {
			continue
		}
		if n.Op == ir.Read {
			out[i] = active(n.Name)
			continue
		}
		for _, a := range n.Args {
			out[i] = out[i] || out[a]
		}
		if n.Op == ir.Floor || n.Op == ir.Ceil {
			out[i] = false
		}
	}
	return out
}
