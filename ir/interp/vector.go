package interp

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

type number interface {
	float32 | float64 | int32 | int64
}

type float interface{ float32 | float64 }

type integer interface{ int32 | int64 }

// checkTypes refuses operations whose registers would not fit together.
func checkTypes(n *ir.Node, args []vec) error {
	if want := ir.Arity(n.Op); want != len(args) {
		return fmt.Errorf("takes %d arguments, has %d", want, len(args))
	}
	first := 0
	switch n.Op {
	case ir.Cvt, ir.Bitcast:
		return nil
	case ir.Select:
		if args[0].elem != ir.Bool {
			return fmt.Errorf("condition is %s, not bool", args[0].elem)
		}
		first = 1
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		if n.Elem != ir.Bool {
			return fmt.Errorf("comparison yields bool, not %s", n.Elem)
		}
		if args[0].elem != args[1].elem {
			return fmt.Errorf("compares %s with %s", args[0].elem, args[1].elem)
		}
		return nil
	}
	for _, a := range args[first:] {
		if a.elem != n.Elem {
			return fmt.Errorf("argument is %s, not %s", a.elem, n.Elem)
		}
	}
	return nil
}

// instruction returns the vector form of an operation; what has no fast form runs ir.Apply point by point.
func instruction(n *ir.Node, d vec, a []vec) (func(int), error) {
	var f func(int)
	in := n.Elem
	if len(a) > 0 {
		in = a[len(a)-1].elem
	}
	switch in {
	case ir.F16, ir.F32:
		f = floatOp(n, d, d.f32, regs(a, func(v vec) []float32 { return v.f32 }), a, sqrt32, ieee.FMA32)
	case ir.F64:
		f = floatOp(n, d, d.f64, regs(a, func(v vec) []float64 { return v.f64 }), a, math.Sqrt, math.FMA)
	case ir.I64:
		f = intOp(n, d, d.i64, regs(a, func(v vec) []int64 { return v.i64 }), a)
	case ir.I32, ir.Bool:
		f = intOp(n, d, d.i32, regs(a, func(v vec) []int32 { return v.i32 }), a)
	}
	if f == nil && len(a) == 1 {
		f = bits(n, d, a[0])
	}
	if f != nil {
		return f, nil
	}
	elems := make([]ir.Elem, len(a))
	zero := make([]ir.Val, len(a))
	for k := range a {
		elems[k] = a[k].elem
	}
	if _, err := ir.Apply(n, elems, zero); err != nil { // errors depend on types only
		return nil, err
	}
	vals := make([]ir.Val, len(a))
	return func(m int) {
		for i := range m {
			for k := range a {
				vals[k] = a[k].get(i)
			}
			x, _ := ir.Apply(n, elems, vals)
			d.set(i, x)
		}
	}, nil
}

func regs[T any](a []vec, f func(vec) []T) [][]T {
	out := make([][]T, len(a))
	for i := range a {
		out[i] = f(a[i])
	}
	return out
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// floatOp covers the operations whose last argument is a float register.
func floatOp[T float](n *ir.Node, d vec, r []T, s [][]T, a []vec, sqrt func(T) T, fma func(a, b, c T) T) func(int) {
	switch n.Op {
	case ir.Add, ir.Sub, ir.Mul:
		return arith(n.Op, r, s[0], s[1])
	case ir.Div:
		x, y := s[0], s[1]
		return func(n int) {
			x, y := x[:n], y[:n]
			for i := range r[:n] {
				r[i] = T(x[i] / y[i])
			}
		}
	case ir.Neg:
		return unary(r, s[0], func(x T) T { return -x })
	case ir.Abs:
		return unary(r, s[0], func(x T) T { return T(math.Abs(float64(x))) })
	case ir.Floor:
		return unary(r, s[0], func(x T) T { return T(math.Floor(float64(x))) })
	case ir.Sqrt:
		return unary(r, s[0], sqrt)
	case ir.FMA:
		x, y, z := s[0], s[1], s[2]
		return func(n int) {
			for i := range r[:n] {
				r[i] = fma(x[i], y[i], z[i])
			}
		}
	case ir.MinOp:
		return binary(r, s[0], s[1], func(x, y T) T { return T(ieee.Minimum(float64(x), float64(y))) })
	case ir.MaxOp:
		return binary(r, s[0], s[1], func(x, y T) T { return T(ieee.Maximum(float64(x), float64(y))) })
	case ir.Select:
		return choose(r, a[0].i32, s[1], s[2])
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		return compare(n.Op, d.i32, s[0], s[1])
	case ir.Cvt:
		switch n.Elem {
		case ir.F32:
			return convert(d.f32, s[0])
		case ir.F64:
			return convert(d.f64, s[0])
		}
	}
	return nil
}

// intOp covers the operations whose last argument is an integer register.
func intOp[T integer](n *ir.Node, d vec, r []T, s [][]T, a []vec) func(int) {
	if n.Elem == ir.Bool && (n.Op == ir.Add || n.Op == ir.Sub || n.Op == ir.Mul || n.Op == ir.Shl) {
		return nil
	}
	switch n.Op {
	case ir.Add, ir.Sub, ir.Mul:
		return arith(n.Op, r, s[0], s[1])
	case ir.And:
		return binary(r, s[0], s[1], func(x, y T) T { return x & y })
	case ir.Or:
		return binary(r, s[0], s[1], func(x, y T) T { return x | y })
	case ir.Xor:
		return binary(r, s[0], s[1], func(x, y T) T { return x ^ y })
	case ir.Shl:
		mask := T(31)
		if n.Elem == ir.I64 {
			mask = 63
		}
		return binary(r, s[0], s[1], func(x, y T) T { return x << (y & mask) })
	case ir.Shr:
		switch n.Elem {
		case ir.I64:
			return binary(r, s[0], s[1], func(x, y T) T { return T(uint64(x) >> (uint64(y) & 63)) })
		case ir.I32:
			return binary(r, s[0], s[1], func(x, y T) T { return T(int32(uint32(x) >> (uint32(y) & 31))) })
		}
	case ir.Select:
		return choose(r, a[0].i32, s[1], s[2])
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
		return compare(n.Op, d.i32, s[0], s[1])
	case ir.Cvt:
		switch n.Elem {
		case ir.F32:
			return convert(d.f32, s[0])
		case ir.F64:
			return convert(d.f64, s[0])
		}
	}
	return nil
}

// bits covers bitcasts between floats and integers.
func bits(n *ir.Node, d, a vec) func(int) {
	if n.Op != ir.Bitcast {
		return nil
	}
	switch {
	case a.elem == ir.F32 && n.Elem == ir.I32:
		return func(m int) {
			for i, x := range a.f32[:m] {
				d.i32[i] = int32(math.Float32bits(x))
			}
		}
	case a.elem == ir.I32 && n.Elem == ir.F32:
		return func(m int) {
			for i, x := range a.i32[:m] {
				d.f32[i] = math.Float32frombits(uint32(x))
			}
		}
	case a.elem == ir.F64 && n.Elem == ir.I64:
		return func(m int) {
			for i, x := range a.f64[:m] {
				d.i64[i] = int64(math.Float64bits(x))
			}
		}
	case a.elem == ir.I64 && n.Elem == ir.F64:
		return func(m int) {
			for i, x := range a.i64[:m] {
				d.f64[i] = math.Float64frombits(uint64(x))
			}
		}
	}
	return nil
}

// arith is the hot path. The conversion rounds each result: nothing is fused.
func arith[T number](op ir.Code, r, x, y []T) func(int) {
	switch op {
	case ir.Add:
		return func(n int) {
			r, x, y := r[:n], x[:n], y[:n]
			for i := range r {
				r[i] = T(x[i] + y[i])
			}
		}
	case ir.Sub:
		return func(n int) {
			r, x, y := r[:n], x[:n], y[:n]
			for i := range r {
				r[i] = T(x[i] - y[i])
			}
		}
	}
	return func(n int) {
		r, x, y := r[:n], x[:n], y[:n]
		for i := range r {
			r[i] = T(x[i] * y[i])
		}
	}
}

func unary[T any](r, x []T, f func(T) T) func(int) {
	return func(n int) {
		for i, v := range x[:n] {
			r[i] = f(v)
		}
	}
}

func binary[T any](r, x, y []T, f func(x, y T) T) func(int) {
	return func(n int) {
		for i := range r[:n] {
			r[i] = f(x[i], y[i])
		}
	}
}

func choose[T any](r []T, c []int32, x, y []T) func(int) {
	return func(n int) {
		for i, b := range c[:n] {
			if b != 0 {
				r[i] = x[i]
			} else {
				r[i] = y[i]
			}
		}
	}
}

func compare[T number](op ir.Code, r []int32, x, y []T) func(int) {
	f := func(x, y T) bool { return x != y }
	switch op {
	case ir.Lt:
		f = func(x, y T) bool { return x < y }
	case ir.Le:
		f = func(x, y T) bool { return x <= y }
	case ir.Eq:
		f = func(x, y T) bool { return x == y }
	}
	return func(n int) {
		for i := range r[:n] {
			r[i] = 0
			if f(x[i], y[i]) {
				r[i] = 1
			}
		}
	}
}

func convert[D, S number](r []D, x []S) func(int) {
	return func(n int) {
		for i, v := range x[:n] {
			r[i] = D(v)
		}
	}
}
