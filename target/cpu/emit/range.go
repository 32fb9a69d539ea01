package emit

import (
	"math"
	"slices"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
)

// A conversion to an integer saturates, which takes two comparisons and two selections that a processor's own conversion does not need where the
// operand is known to be in range: the exponent of an exponential, whose argument was clamped. That exponent is a whole number, too, and whatever it
// is instead of what is not a number scales what is not one either: then an addition makes it an integer.

// ApplyIn is apply for a node of a body, of whose operands it knows what they are.
func (c Calc) ApplyIn(b *ir.Body, n *ir.Node, a []value.Value) (value.Value, error) {
	from := b.Nodes[n.Args[0]].Elem
	if n.Op == ir.Cvt && from.IsFloat() && (n.Elem == ir.I32 || n.Elem == ir.I64) {
		const limit = 1 << 30 // far enough from the greatest integer that no rounding of the bounds matters
		switch r := rangeOf(b, n.Args[0]); {
		case from != ir.F16 && r.within(1<<21) && whole(b, n.Args[0]) && !showsNaN(b, n):
			return c.wholeNumber(from, n.Elem, a[0]), nil
		case r.within(limit):
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

// wholeNumber converts a whole number below 2^22: the last bits of its sum with a number whose units are the last bit. What is not a number gives
// any integer.
func (c Calc) wholeNumber(from, to ir.Elem, v value.Value) value.Value {
	b, t, unit := c.Block, types.I32, math.Ldexp(1.5, 23)
	bits := int64(math.Float32bits(float32(unit)))
	if from == ir.F64 {
		t, unit = types.I64, math.Ldexp(1.5, 52)
		bits = int64(math.Float64bits(unit))
	}
	i := b.NewSub(b.NewBitCast(b.NewFAdd(v, c.Float(from, unit)), c.Typ(t)), c.Int(t, bits))
	switch w := regWidth(to) - regWidth(from); {
	case w > 0:
		return b.NewSExt(i, c.Typ(RegType(to)))
	case w < 0:
		return b.NewTrunc(i, c.Typ(RegType(to)))
	}
	return i
}

// whole says that a node is a whole number if it is a number, as long as it is exact.
func whole(b *ir.Body, i int) bool {
	n := &b.Nodes[i]
	switch n.Op {
	case ir.Floor, ir.Ceil:
		return true
	case ir.Const:
		return n.Imm == math.Floor(n.Imm)
	case ir.Neg:
		return whole(b, n.Args[0])
	case ir.MinOp, ir.MaxOp:
		return whole(b, n.Args[0]) && whole(b, n.Args[1])
	}
	return false
}

// showsNaN says that a result of a body depends on what conversion n makes of what is not a number: it does not where that only meets others that are
// none then, as they were computed from the same operand.
func showsNaN(b *ir.Body, n *ir.Node) bool {
	nan, free := make([]bool, len(b.Nodes)), make([]bool, len(b.Nodes)) // not a number; anything
	nan[n.Args[0]] = true
	for k := n.Args[0] + 1; k < len(b.Nodes); k++ {
		m := &b.Nodes[k]
		any := func(of []bool) bool { return slices.ContainsFunc(m.Args, func(a int) bool { return of[a] }) }
		switch m.Op {
		case ir.Neg, ir.Abs, ir.Floor, ir.Ceil, ir.Sqrt, ir.Add, ir.Sub, ir.Mul, ir.Div, ir.FMA, ir.MinOp, ir.MaxOp:
			nan[k] = m.Elem.IsFloat() && any(nan)
		}
		free[k] = m == n || !nan[k] && any(free)
	}
	return slices.ContainsFunc(b.Results, func(r int) bool { return free[r] })
}

// interval is where a value lies if it is a number.
type interval struct{ lo, hi float64 }

func (r interval) within(limit float64) bool { return r.lo > -limit && r.hi < limit }

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
