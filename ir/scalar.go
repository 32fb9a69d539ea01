package ir

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
)

// Val is one scalar value: F for float types (exactly representable in the type), I for Bool (0 or 1), I32 and I64.
type Val struct {
	F float64
	I int64
}

func boolVal(b bool) Val {
	if b {
		return Val{I: 1}
	}
	return Val{}
}

// Apply evaluates one scalar operation on values: the definition of the bits that constant folding, host scalars and the interpreter
// share. argElem is the element type of the arguments' nodes. Leaves, Deriv and ill-typed nodes give an error.
//
// NaN results are some quiet NaN; payloads are not defined. Integer arithmetic wraps. Shift amounts count modulo the width.
func Apply(n *Node, argElem []Elem, a []Val) (Val, error) {
	if len(argElem) != len(a) || len(a) != Arity(n.Op) || len(a) == 0 {
		return Val{}, fmt.Errorf("%s takes %d arguments, has %d", n.Op, max(Arity(n.Op), 0), len(a))
	}
	in := argElem[0]
	switch n.Op {
	case Lt, Le, Eq, Ne:
		return boolVal(compare(n.Op, in, a[0], a[1])), nil
	case Select:
		if a[0].I != 0 {
			return a[1], nil
		}
		return a[2], nil
	case Cvt:
		return Convert(in, n.Elem, a[0]), nil
	case Bitcast:
		return bitcast(in, n.Elem, a[0])
	}
	switch n.Elem {
	case F64:
		return applyF64(n.Op, a)
	case F32, F16:
		v, err := applyF32(n.Op, a)
		if n.Elem == F16 {
			v.F = float64(ieee.RoundHalf32(float32(v.F)))
		}
		return v, err
	case Bool, I32, I64:
		return applyInt(n.Op, n.Elem, a)
	}
	return Val{}, fmt.Errorf("%s has no element type", n.Op)
}

// Arity returns the number of arguments of an operation, 0 for leaves and -1 for an unknown code.
func Arity(c Code) int {
	switch {
	case c >= Const && c <= Coord:
		return 0
	case c == Deriv, c == Shift, c >= Neg && c <= Not, c == Cvt, c == Bitcast, c >= Exp && c <= Tanh:
		return 1
	case c >= Add && c <= Pow, c >= Lt && c <= Shr:
		return 2
	case c == FMA, c == Select:
		return 3
	}
	return -1
}

func applyF64(op Code, a []Val) (Val, error) {
	x := a[0].F
	var y, r float64
	if len(a) > 1 {
		y = a[1].F
	}
	switch op {
	case Neg:
		r = -x
	case Abs:
		r = math.Abs(x)
	case Sqrt:
		r = math.Sqrt(x)
	case Floor:
		r = math.Floor(x)
	case Ceil:
		r = math.Ceil(x)
	case Add:
		r = x + y
	case Sub:
		r = x - y
	case Mul:
		r = x * y
	case Div:
		r = x / y
	case MinOp:
		r = ieee.Minimum(x, y)
	case MaxOp:
		r = ieee.Maximum(x, y)
	case FMA:
		r = math.FMA(x, y, a[2].F)
	case Pow, Exp, Log, Sin, Cos, Tanh:
		r = transcendental(op, x, y)
	default:
		return Val{}, fmt.Errorf("%s is not defined for floating point", op)
	}
	return Val{F: r}, nil
}

func applyF32(op Code, a []Val) (Val, error) {
	x := float32(a[0].F)
	var y, r float32
	if len(a) > 1 {
		y = float32(a[1].F)
	}
	switch op {
	case Add:
		r = x + y
	case Sub:
		r = x - y
	case Mul:
		r = x * y
	case Div:
		r = x / y
	case FMA:
		r = ieee.FMA32(x, y, float32(a[2].F))
	default: // exact, or correctly rounded because float64 has more than 2*24+2 bits (Sqrt); transcendental: rounded twice
		v, err := applyF64(op, a)
		return Val{F: float64(float32(v.F))}, err
	}
	return Val{F: float64(r)}, nil
}

func applyInt(op Code, e Elem, a []Val) (Val, error) {
	x := a[0].I
	var y, r int64
	if len(a) > 1 {
		y = a[1].I
	}
	switch op {
	case Neg:
		r = -x
	case Abs:
		r = max(x, -x)
	case Not:
		if r = ^x; e == Bool {
			r = 1 - x
		}
	case Add:
		r = x + y
	case Sub:
		r = x - y
	case Mul:
		r = x * y
	case MinOp:
		r = min(x, y)
	case MaxOp:
		r = max(x, y)
	case And:
		r = x & y
	case Or:
		r = x | y
	case Xor:
		r = x ^ y
	case Shl:
		r = x << (uint64(y) & shiftMask(e))
	case Shr:
		if e == I64 {
			r = int64(uint64(x) >> (uint64(y) & 63))
		} else {
			r = int64(uint32(x) >> (uint64(y) & 31))
		}
	default:
		return Val{}, fmt.Errorf("%s is not defined for %s", op, e)
	}
	return Val{I: wrap(e, r)}, nil
}

func shiftMask(e Elem) uint64 {
	if e == I64 {
		return 63
	}
	return 31
}

func wrap(e Elem, x int64) int64 {
	switch e {
	case I64:
		return x
	case Bool:
		return x & 1
	}
	return int64(int32(x))
}

func compare(op Code, e Elem, a, b Val) bool {
	if e.IsFloat() {
		switch op {
		case Lt:
			return a.F < b.F
		case Le:
			return a.F <= b.F
		case Eq:
			return a.F == b.F
		}
		return a.F != b.F
	}
	switch op {
	case Lt:
		return a.I < b.I
	case Le:
		return a.I <= b.I
	case Eq:
		return a.I == b.I
	}
	return a.I != b.I
}

// Convert is the Cvt operation: float to integer truncates toward zero (saturating, NaN to 0), anything to Bool is x != 0, integer to a
// narrower integer wraps, everything else rounds once to nearest even.
func Convert(from, to Elem, v Val) Val {
	switch {
	case to == Bool && from.IsFloat():
		return boolVal(v.F != 0)
	case to == Bool:
		return boolVal(v.I != 0)
	case to.IsFloat() && from.IsFloat():
		return RoundTo(to, v.F)
	case to.IsFloat():
		if to == F32 {
			return Val{F: float64(float32(v.I))} // one rounding even from I64
		}
		return RoundTo(to, float64(v.I)) // F16: what float64 rounds is far beyond the range of half
	case from.IsFloat():
		return Val{I: toInt(to, v.F)}
	}
	return Val{I: wrap(to, v.I)}
}

func bitcast(from, to Elem, v Val) (Val, error) {
	switch {
	case from == to:
		return v, nil
	case from == F32 && to == I32:
		return Val{I: int64(int32(math.Float32bits(float32(v.F))))}, nil
	case from == I32 && to == F32:
		return Val{F: float64(math.Float32frombits(uint32(v.I)))}, nil
	case from == F64 && to == I64:
		return Val{I: int64(math.Float64bits(v.F))}, nil
	case from == I64 && to == F64:
		return Val{F: math.Float64frombits(uint64(v.I))}, nil
	}
	return Val{}, fmt.Errorf("bitcast from %s to %s changes the width", from, to)
}
