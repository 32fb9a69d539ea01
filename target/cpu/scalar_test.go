package cpu

import (
	"fmt"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// specials are values at which operations go wrong: signed zeros, NaN, infinities, subnormals, ties, limits of the integer types.
var specials = []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -2.5, 3.75, math.NaN(), math.Inf(1), math.Inf(-1), 1e-45, -6e-8, 5.9e-8,
	6.1e-5, -6.0975e-5, 65504, 65519.99, 65520, -70000, 2147483520, 2147483647, 2147483648, -2147483648, -2147483904, 9.3e18, -9.3e18, 1e38,
	1 + 1.0/2048, 1 + 3.0/2048, 2049, 2051, 0.1, 1e300, 4e-320, 1.0 + 1.0/2048 + 1e-12, 3e-8, 2.9802322387695312e-08}

var intSpecials = []int32{0, 1, -1, 2, 31, 32, 33, 63, 64, -5, math.MaxInt32, math.MinInt32, 1 << 24, 1<<24 + 1, 65519, 65520, 0x3f800000, 12345678}

// pairs fills two tensors with all pairs of special values.
func pairs(e ir.Elem) (x, y *ir.Tensor) {
	n := len(specials)
	if !e.IsFloat() {
		n = len(intSpecials)
	}
	x, y = ir.NewTensor(e, 1400), ir.NewTensor(e, 1400)
	put := func(t *ir.Tensor, k, i int) {
		switch e {
		case ir.F64:
			t.F64[k] = specials[i]
		case ir.F32, ir.F16:
			t.F32[k] = float32(ir.RoundTo(e, specials[i]).F)
		default:
			t.I32[k] = intSpecials[i]
			if e == ir.Bool {
				t.I32[k] &= 1
			}
		}
	}
	for k := range 1400 {
		put(x, k, k/n%n)
		put(y, k, k%n)
	}
	return x, y
}

// opsProgram computes every scalar operation of every type on inputs a.<type> and b.<type>, each to an array of its own.
func opsProgram() *ir.Program {
	p := &ir.Program{Name: "ops", Axes: []ir.Axis{{Name: "x", N: 1400, H: 1}}}
	p.Host = []ir.HostDef{{Name: "third", Body: third()}}
	x := ir.At("x", 0)
	dom := []ir.Range{{Index: "x", Axis: "x", Hi: 1400}}
	f := ir.Func{Name: "ops"}
	for _, e := range []ir.Elem{ir.Bool, ir.I32, ir.F16, ir.F32, ir.F64} {
		for _, s := range []string{"a.", "b."} {
			p.Arrays = append(p.Arrays, ir.Array{Name: s + e.String(), Axes: []string{"x"}, Elem: e})
		}
	}
	add := func(name string, build func(b *ir.BodyBuilder) int) {
		var b ir.BodyBuilder
		r := build(&b)
		name = fmt.Sprintf("o%d.%s", len(f.Ops), name)
		f.Ops = append(f.Ops, ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: name, Elem: b.Elem(r)}}, Dom: dom,
			Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: 1400}}, Body: b.Body(r)}}})
		f.Sets = append(f.Sets, ir.Set{Array: name, Value: "%" + name})
		p.Arrays = append(p.Arrays, ir.Array{Name: name, Axes: []string{"x"}, Elem: b.Elem(r)})
	}
	in := func(b *ir.BodyBuilder, s string, e ir.Elem) int {
		if e == ir.I64 {
			w := b.Cvt(ir.I64, b.Read(ir.I32, "@"+s+"i32", x))
			return b.Op(ir.Mul, w, b.Op(ir.Add, w, b.Int(ir.I64, 1<<31)))
		}
		return b.Read(e, "@"+s+e.String(), x)
	}
	out := func(b *ir.BodyBuilder, r int) int { // 64-bit integers leave as bits of f64
		if b.Elem(r) == ir.I64 {
			return b.Bitcast(ir.F64, b.Op(ir.And, r, b.Int(ir.I64, math.MaxInt64>>2))) // no NaN
		}
		return r
	}
	floats := []ir.Elem{ir.F16, ir.F32, ir.F64}
	ints := []ir.Elem{ir.I32, ir.I64}
	bits := []ir.Elem{ir.Bool, ir.I32, ir.I64}
	all := []ir.Elem{ir.I32, ir.I64, ir.F16, ir.F32, ir.F64}
	try := func(op ir.Code, elems ...ir.Elem) {
		for _, e := range elems {
			add(op.String()+"."+e.String(), func(b *ir.BodyBuilder) int {
				args := []int{in(b, "a.", e), in(b, "b.", e), 0}[:min(ir.Arity(op), 2)]
				if ir.Arity(op) == 3 {
					args = append(args, b.Op(ir.Neg, b.Op(ir.Mul, args[0], args[1])))
				}
				return out(b, b.Op(op, args...))
			})
		}
	}
	for _, op := range []ir.Code{ir.Sqrt, ir.Floor, ir.Ceil, ir.Div, ir.FMA} {
		try(op, floats...)
	}
	for _, op := range []ir.Code{ir.Neg, ir.Abs, ir.Add, ir.Sub, ir.Mul, ir.MinOp, ir.MaxOp, ir.Lt, ir.Le, ir.Eq, ir.Ne} {
		try(op, all...)
	}
	for _, op := range []ir.Code{ir.Not, ir.And, ir.Or, ir.Xor} {
		try(op, bits...)
	}
	for _, op := range []ir.Code{ir.Shl, ir.Shr} {
		try(op, ints...)
	}
	for _, from := range append(all, ir.Bool) {
		for _, to := range append(all, ir.Bool) {
			if from != to {
				add("cvt."+from.String()+"."+to.String(), func(b *ir.BodyBuilder) int { return out(b, b.Cvt(to, in(b, "a.", from))) })
			}
		}
	}
	for _, op := range []ir.Code{ir.MinOp, ir.MaxOp} { // with constants, which have shorter code
		for _, e := range floats {
			for i, c := range []float64{-104, 0.5, 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN()} {
				add(op.String()+".const."+e.String(), func(b *ir.BodyBuilder) int {
					args := []int{in(b, "a.", e), b.Const(e, c)}
					return b.Op(op, args[i%2], args[1-i%2])
				})
			}
		}
	}
	for _, e := range []ir.Elem{ir.F32, ir.F64} { // as exponentials are scaled: what is not a number scales itself
		word, bias, fraction := ir.I32, int64(127), int64(23)
		if e == ir.F64 {
			word, bias, fraction = ir.I64, 1023, 52
		}
		for _, to := range []ir.Elem{ir.I32, ir.I64} {
			add("power."+e.String()+"."+to.String(), func(b *ir.BodyBuilder) int {
				x := b.Op(ir.Floor, b.Op(ir.MinOp, b.Op(ir.MaxOp, in(b, "a.", e), b.Const(e, -100)), b.Const(e, 100)))
				n := b.Cvt(to, x)
				if to != word {
					n = b.Cvt(word, n)
				}
				return b.Mul(b.Mul(x, b.Const(e, 0.1)), b.Bitcast(e, b.Op(ir.Shl, b.Add(n, b.Int(word, bias)), b.Int(word, fraction))))
			})
		}
	}
	add("bits", func(b *ir.BodyBuilder) int { return b.Bitcast(ir.I32, in(b, "a.", ir.F32)) })
	add("number", func(b *ir.BodyBuilder) int { return b.Bitcast(ir.F32, in(b, "a.", ir.I32)) })
	add("select", func(b *ir.BodyBuilder) int {
		return b.Select(in(b, "a.", ir.Bool), in(b, "b.", ir.F16), b.Const(ir.F16, 0.3))
	})
	add("index", func(b *ir.BodyBuilder) int { return b.Mul(b.Index("x"), in(b, "a.", ir.I32)) })
	for _, e := range all {
		add("scalar."+e.String(), func(b *ir.BodyBuilder) int { return out(b, b.Add(b.Scalar(e, "third"), in(b, "a.", e))) })
	}
	p.Funcs = []ir.Func{f}
	return p
}

func third() ir.Body {
	var b ir.BodyBuilder
	return b.Body(b.Div(b.Const(ir.F64, 7), b.Const(ir.F64, 3)))
}

func TestScalarOperations(t *testing.T) {
	p := opsProgram()
	in := map[string]*ir.Tensor{}
	for _, e := range []ir.Elem{ir.Bool, ir.I32, ir.F16, ir.F32, ir.F64} {
		in["a."+e.String()], in["b."+e.String()] = pairs(e)
	}
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) { sameAsInterpreter(t, tc, p, 1, in, "ops") })
}

// Conversions of what was clamped have the interpreter's bits, also of what is not a number, infinite or on the edge; so do those that saturate.
func TestConvertClamped(t *testing.T) {
	needsLLVM(t)
	for _, limit := range []float64{100, 1 << 29, 1 << 31} {
		p := &ir.Program{Name: "clamped", Axes: []ir.Axis{{Name: "i", N: 83, H: 1}}}
		p.Arrays = []ir.Array{{Name: "x", Axes: []string{"i"}, Elem: ir.F32}, {Name: "n", Axes: []string{"i"}, Elem: ir.I32}}
		var b ir.BodyBuilder
		x := b.Div(b.Read(ir.F32, "@x", ir.At("i", 0)), b.Const(ir.F32, 0x1p-20))
		odd := b.Div(x, b.Op(ir.Floor, b.Op(ir.Abs, b.Read(ir.F32, "@x", ir.At("i", 0))))) // some by zero
		n := b.Op(ir.Floor, b.Op(ir.MinOp, b.Op(ir.MaxOp, odd, b.Const(ir.F32, -limit)), b.Const(ir.F32, limit)))
		body := b.Body(n)
		body.Nodes = append(body.Nodes, ir.Node{Op: ir.Cvt, Elem: ir.I32, Args: []int{n}})
		body.Results = []int{len(body.Nodes) - 1}
		dom := []ir.Range{{Index: "i", Axis: "i", Hi: 83}}
		p.Funcs = []ir.Func{{Name: "f", Ops: []ir.Op{{Kind: ir.Map, Results: []ir.Result{{Name: "n", Elem: ir.I32}}, Dom: dom,
			Pieces: []ir.Piece{{Box: boxIntervals(dom), Body: body}}}}, Sets: []ir.Set{{Array: "n", Value: "%n"}}}}
		sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f")
	}
}
