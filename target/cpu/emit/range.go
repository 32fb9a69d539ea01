package emit

import (
	"math"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
)

// A conversion to an integer saturates, which takes two comparisons and two selections that a processor's own conversion does not need where the
// operand is known to be in range: the exponent of an exponential, whose argument was clamped.

// ApplyIn is apply for a node of a body, of whose operands it knows what they are.
func (c Calc) ApplyIn(b *ir.Body, n *ir.Node, a []value.Value) (value.Value, error) {
	from := b.Nodes[n.Args[0]].Elem
	if n.Op == ir.Cvt && from.IsFloat() && (n.Elem == ir.I32 || n.Elem == ir.I64) {
		const limit = 1 << 30 // far enough from the greatest integer that no rounding of the bounds matters
		if r := rangeOf(b, n.Args[0]); r.lo > -limit && r.hi < limit {
			return c.number(from, n.Elem, a[0]), nil
		}
	}
	return c.apply(n, from, a)
}

// number truncates a number that is in the integer's range; what is not a number gives 0.
func (c Calc) number(from, to ir.Elem, v value.Value) value.Value {
	t := RegType(to).(*types.IntType)
	return c.Block.NewSelect(c.Block.NewFCmp(enum.FPredUNO, v, v), c.Int(t, 0), c.Block.NewFPToSI(v, c.Typ(t)))
}

// interval is where a value lies if it is a number.
type interval struct{ lo, hi float64 }

var anywhere = interval{math.Inf(-1), math.Inf(1)}

// rangeOf bounds a node of a body by the operations that lead to it.
func rangeOf(b *ir.Body, i int) interval {
	list := make([]interval, i+1)
	for k := range list {
		list[k] = rangeFrom(&b.Nodes[k], list)
	}
	return list[i]
}

// rangeFrom bounds a node whose arguments are bounded. Bounds are those of exact arithmetic, widened by more than roundings move them.
func rangeFrom(n *ir.Node, list []interval) interval {
	if n.Elem != ir.F32 && n.Elem != ir.F64 {
		return anywhere
	}
	arg := func(k int) interval { return list[n.Args[k]] }
	var r interval
	switch n.Op {
	case ir.Const:
		return interval{n.Imm, n.Imm}
	case ir.MinOp:
		x, y := arg(0), arg(1)
		return interval{math.Min(x.lo, y.lo), math.Min(x.hi, y.hi)}
	case ir.MaxOp:
		x, y := arg(0), arg(1)
		return interval{math.Max(x.lo, y.lo), math.Max(x.hi, y.hi)}
	case ir.Select:
		x, y := arg(1), arg(2)
		return interval{math.Min(x.lo, y.lo), math.Max(x.hi, y.hi)}
	case ir.Neg:
		x := arg(0)
		return interval{-x.hi, -x.lo}
	case ir.Floor:
		x := arg(0)
		return interval{x.lo - 1, x.hi}
	case ir.Add:
		r = plus(arg(0), arg(1))
	case ir.Sub:
		y := arg(1)
		r = plus(arg(0), interval{-y.hi, -y.lo})
	case ir.Mul:
		r = times(arg(0), arg(1))
	case ir.FMA:
		r = plus(times(arg(0), arg(1)), arg(2))
	default:
		return anywhere
	}
	const wider, most = 1.0 / (1 << 20), 1e38 // beyond which a single may be infinite
	r = interval{r.lo - wider*(1+math.Abs(r.lo)), r.hi + wider*(1+math.Abs(r.hi))}
	if !(r.lo > -most) { // also infinity times 0
		r.lo = math.Inf(-1)
	}
	if !(r.hi < most) {
		r.hi = math.Inf(1)
	}
	return r
}

func plus(x, y interval) interval { return interval{x.lo + y.lo, x.hi + y.hi} }

func times(x, y interval) interval {
	p := [4]float64{x.lo * y.lo, x.lo * y.hi, x.hi * y.lo, x.hi * y.hi}
	r := interval{p[0], p[0]}
	for _, v := range p[1:] {
		r = interval{math.Min(r.lo, v), math.Max(r.hi, v)}
	}
	return r
}
