package passes

import (
	"math"
	"math/big"

	"github.com/wfc-lang/wfc/ir"
)

// expand replaces exp, log, sin, cos, tanh and pow in device functions by multiplications, additions, fused multiply-adds, divisions,
// selects and bit operations. Error bounds in units in the last place, measured in tests over dense and random samples of the whole
// range (subnormals, infinities, NaN and signed zeros follow C, Annex F):
//
//	          f32    f64
//	exp       1.0    1.0
//	log       0.9    0.9
//	sin, cos  1.5    1.5    for |x| <= 1e5 (f32), 1e9 (f64); beyond, some number within [-1, 1]
//	tanh      1.6    1.6
//	pow       1.2    1.2    any exponent
//	pow       (|n|-1)/2, and 1/2 more for n < 0: constant whole exponents up to 16, as products; x^0.5 is sqrt(x)
//
// f16 goes through f32: the results are correctly rounded but for one in some thousands. So do conversions between f16 and integers,
// which no target need have: i32 -> f32 is exact where the result is finite in f16, and f16 -> f32 always.
//
// Series are truncated where their remainder is below a hundredth of an ulp; arguments are reduced with fused multiply-adds by
// constants held in two or three parts (W. Cody and W. Waite, "Software manual for the elementary functions", 1980; J.-M. Muller,
// "Elementary functions", 2016).
func expand(p *ir.Program, cfg *Config) error {
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if f.Host {
			continue
		}
		bodies(f, func(op *ir.Op, b *ir.Body) {
			if expands(b) {
				*b = normalise(rewrite(b, expandNode))
			}
		})
	}
	return nil
}

func expands(b *ir.Body) bool {
	for i := range b.Nodes {
		n := &b.Nodes[i]
		if transcendental(n.Op) && n.Elem.IsFloat() || throughF32(b.Nodes, n) {
			return true
		}
	}
	return false
}

// throughF32 reports a conversion between f16 and an integer type.
func throughF32(nodes []ir.Node, n *ir.Node) bool {
	if n.Op != ir.Cvt {
		return false
	}
	from := nodes[n.Args[0]].Elem
	return from == ir.F16 && !n.Elem.IsFloat() || n.Elem == ir.F16 && !from.IsFloat()
}

func expandNode(b *builder, n ir.Node) int {
	if throughF32(b.body.Nodes, &n) {
		mid := foldNode(b, ir.Node{Op: ir.Cvt, Elem: ir.F32, Args: n.Args})
		return foldNode(b, ir.Node{Op: ir.Cvt, Elem: n.Elem, Args: []int{mid}})
	}
	if !transcendental(n.Op) || !n.Elem.IsFloat() {
		return b.add(n)
	}
	m := math32
	if n.Elem == ir.F64 {
		m = math64
	}
	args := make([]int, len(n.Args))
	for i, a := range n.Args {
		if args[i] = a; b.elem(a) != m.e {
			args[i] = foldNode(b, ir.Node{Op: ir.Cvt, Elem: m.e, Args: []int{a}})
		}
	}
	x := &expr{b, m}
	var r int
	switch n.Op {
	case ir.Exp:
		r = x.exp(args[0], -1)
	case ir.Log:
		r = x.log(args[0])
	case ir.Sin:
		r = x.sincos(args[0], 0)
	case ir.Cos:
		r = x.sincos(args[0], 1)
	case ir.Tanh:
		r = x.tanh(args[0])
	default:
		r = x.pow(args[0], args[1])
	}
	if n.Elem != m.e {
		r = b.op(ir.Cvt, n.Elem, r)
	}
	return r
}

// format holds what the expansions need to know about a floating-point type.
type format struct {
	e, i       ir.Elem // the type and the integers of its width
	bits       int     // fraction bits
	bias       int64
	top        float64 // exp overflows at and above
	bottom     float64 // exp is 0 at and below
	tiny       float64 // below it, odd functions are their argument
	ln2, pio2  []float64
	expN, logN int // terms of the series
	sinN, cosN int
	tanhN      int
}

// Terms are chosen so that the first one left out is below 2^-31 (f32) or 2^-60 (f64) of the result at the end of the interval:
// exp and sin, cos on |r| <= ln2/2 and pi/4, log in ((m-1)/(m+1))^2 <= 0.0295, tanh on |x| <= 0.55.
var (
	math32 = &format{e: ir.F32, i: ir.I32, bits: 23, bias: 127, top: 89, bottom: -104, tiny: 1.0 / (1 << 13),
		ln2: split(ir.F32, ln2Value, 2), pio2: split(ir.F32, halfPi, 3), expN: 8, logN: 6, sinN: 5, cosN: 5, tanhN: 10}
	math64 = &format{e: ir.F64, i: ir.I64, bits: 52, bias: 1023, top: 710, bottom: -746, tiny: 1.0 / (1 << 28),
		ln2: split(ir.F64, ln2Value, 2), pio2: split(ir.F64, halfPi, 3), expN: 15, logN: 12, sinN: 9, cosN: 9, tanhN: 20}
)

const (
	ln2Value = "0.69314718055994530941723212145817656807550013436025525412068000949339362196969471560586332699641868754200148102057"
	halfPi   = "1.57079632679489661923132169163975144209858469968755291048747229615390820314310449931401741267105853399107404325664"
)

// split returns a number as a sum of n values of type e, each the rounded rest.
func split(e ir.Elem, digits string, n int) []float64 {
	x, _, err := big.ParseFloat(digits, 10, 360, big.ToNearestEven)
	if err != nil {
		panic(err) // a constant of this file
	}
	var out []float64
	for range n {
		r, _ := x.Rat(nil)
		v := roundRat(e, r)
		out = append(out, v)
		x.Sub(x, new(big.Float).SetPrec(360).SetFloat64(v))
	}
	return out
}

// expr builds expressions of one format; constant arguments are folded on the way.
type expr struct {
	b *builder
	*format
}

func (x *expr) op(c ir.Code, args ...int) int {
	return foldNode(x.b, ir.Node{Op: c, Elem: x.b.elem(args[len(args)-1]), Args: args})
}

func (x *expr) cmp(c ir.Code, a, b int) int {
	return foldNode(x.b, ir.Node{Op: c, Elem: ir.Bool, Args: []int{a, b}})
}

func (x *expr) add(a, b int) int     { return x.op(ir.Add, a, b) }
func (x *expr) sub(a, b int) int     { return x.op(ir.Sub, a, b) }
func (x *expr) mul(a, b int) int     { return x.op(ir.Mul, a, b) }
func (x *expr) div(a, b int) int     { return x.op(ir.Div, a, b) }
func (x *expr) fma(a, b, c int) int  { return x.op(ir.FMA, a, b, c) }
func (x *expr) neg(a int) int        { return x.op(ir.Neg, a) }
func (x *expr) pick(c, a, b int) int { return x.op(ir.Select, c, a, b) }
func (x *expr) num(v float64) int    { return x.b.num(x.e, v) }
func (x *expr) int(v int64) int      { return x.b.int(x.i, v) }
func (x *expr) rat(n, d int64) int   { return x.b.num(x.e, roundRat(x.e, big.NewRat(n, d))) }
func (x *expr) bitsOf(a int) int     { return x.to(ir.Bitcast, x.i, a) }
func (x *expr) fromBits(a int) int   { return x.to(ir.Bitcast, x.e, a) }
func (x *expr) toInt(a int) int      { return x.to(ir.Cvt, x.i, a) }
func (x *expr) toFloat(a int) int    { return x.to(ir.Cvt, x.e, a) }
func (x *expr) to(c ir.Code, e ir.Elem, a int) int {
	return foldNode(x.b, ir.Node{Op: c, Elem: e, Args: []int{a}})
}

// horner is c[0] + z*(c[1] + z*(..)) by fused multiply-adds.
func (x *expr) horner(z int, c []*big.Rat) int {
	acc := x.b.num(x.e, roundRat(x.e, c[len(c)-1]))
	for k := len(c) - 2; k >= 0; k-- {
		acc = x.fma(z, acc, x.b.num(x.e, roundRat(x.e, c[k])))
	}
	return acc
}

// exponent is the power of two with an exponent, the bias included, of a normal number.
func (x *expr) exponent(e int) int { return x.fromBits(x.op(ir.Shl, e, x.int(int64(x.bits)))) }

// exp is e^(a+lo); lo, a small correction, may be -1. With n the nearest integer to a/ln 2 and r = a - n ln 2, it is
// 2^n (1 + r + r^2 (1/2! + r/3! + ..)), scaled in two steps so that a subnormal result rounds once more only.
func (x *expr) exp(a, lo int) int {
	a = x.op(ir.MinOp, x.op(ir.MaxOp, a, x.num(x.bottom)), x.num(x.top))
	n := x.op(ir.Floor, x.fma(a, x.num(math.Log2E), x.num(0.5)))
	m := x.neg(n)
	r := x.fma(m, x.num(x.ln2[1]), x.fma(m, x.num(x.ln2[0]), a))
	if lo >= 0 {
		r = x.add(r, lo)
	}
	var c []*big.Rat
	f := int64(1)
	for k := int64(2); int(k) < x.expN; k++ {
		f *= k
		c = append(c, big.NewRat(1, f))
	}
	p := x.add(x.num(1), x.fma(x.mul(r, r), x.horner(r, c), r))
	sum := x.add(x.toInt(n), x.int(2*x.bias)) // of the exponents of two powers whose product is 2^n
	half := x.op(ir.Shr, sum, x.int(1))
	return x.mul(x.mul(p, x.exponent(half)), x.exponent(x.sub(sum, half)))
}

// mantissa splits a positive finite number: a = 2^k m with m in [sqrt(1/2), sqrt 2); k is returned as a float, m as f = m-1, exactly.
func (x *expr) mantissa(a int) (k, f int) {
	sub := x.cmp(ir.Lt, a, x.num(math.Ldexp(1, int(1-x.bias))))
	a = x.pick(sub, x.mul(a, x.num(math.Ldexp(1, x.bits+1))), a)
	one, root := x.pattern(1), x.pattern(math.Sqrt(0.5))
	i := x.add(x.bitsOf(a), x.int(one-root))
	k = x.sub(x.op(ir.Shr, i, x.int(int64(x.bits))), x.pick(sub, x.int(x.bias+int64(x.bits)+1), x.int(x.bias)))
	m := x.fromBits(x.add(x.op(ir.And, i, x.int(1<<x.bits-1)), x.int(root)))
	return x.toFloat(k), x.sub(m, x.num(1))
}

func (x *expr) pattern(v float64) int64 {
	if x.e == ir.F64 {
		return int64(math.Float64bits(v))
	}
	return int64(math.Float32bits(float32(v)))
}

// log uses log(1+f) = f - f^2/2 + s (f^2/2 + R), s = f/(2+f), R = 2 s^2/3 + 2 s^4/5 + ..: the large terms are nearly exact.
func (x *expr) log(a int) int {
	k, f := x.mantissa(a)
	s := x.div(f, x.add(x.num(2), f))
	z := x.mul(s, s)
	var c []*big.Rat
	for j := int64(1); int(j) <= x.logN; j++ {
		c = append(c, big.NewRat(2, 2*j+1))
	}
	h := x.mul(x.mul(x.num(0.5), f), f)
	t := x.mul(s, x.add(h, x.mul(z, x.horner(z, c))))
	y := x.sub(f, x.sub(h, x.fma(k, x.num(x.ln2[1]), t)))
	r := x.fma(k, x.num(x.ln2[0]), y)
	inf := x.num(math.Inf(1))
	r = x.pick(x.cmp(ir.Lt, a, inf), r, a) // +inf and NaN
	r = x.pick(x.cmp(ir.Eq, a, x.num(0)), x.num(math.Inf(-1)), r)
	return x.pick(x.cmp(ir.Lt, a, x.num(0)), x.num(math.NaN()), r)
}

// sincos is sin(a + quarter*pi/2). n is the nearest integer to 2a/pi; r = a - n pi/2 is carried in two parts until it is known to
// last bits, then one of two series is chosen by n mod 4.
func (x *expr) sincos(a int, quarter int64) int {
	n := x.op(ir.Floor, x.fma(a, x.num(2/math.Pi), x.num(0.5)))
	m := x.neg(n)
	r0 := x.fma(m, x.num(x.pio2[0]), a) // exact
	th := x.mul(m, x.num(x.pio2[1]))
	tl := x.fma(m, x.num(x.pio2[1]), x.neg(th))
	hi := x.add(r0, th) // either may be the larger: the error by Knuth's sum
	u := x.sub(hi, r0)
	lo := x.add(x.sub(r0, x.sub(hi, u)), x.sub(th, u))
	lo = x.add(lo, x.fma(m, x.num(x.pio2[2]), tl))
	r := x.add(hi, lo)
	r = x.op(ir.MinOp, x.op(ir.MaxOp, r, x.num(-0.8)), x.num(0.8)) // outside the range of validity
	z := x.mul(r, r)
	var s, c []*big.Rat
	fact := big.NewInt(1)
	for k := int64(2); int(k) <= 2*max(x.sinN, x.cosN)+1; k++ {
		fact.Mul(fact, big.NewInt(k))
		t := new(big.Rat).SetFrac(big.NewInt(1), fact)
		if k/2%2 == 1 {
			t.Neg(t)
		}
		if k%2 == 1 && len(s) < x.sinN {
			s = append(s, t)
		}
		if k%2 == 0 && k > 2 && len(c) < x.cosN {
			c = append(c, t)
		}
	}
	sin := x.fma(x.mul(r, z), x.horner(z, s), r)
	h := x.mul(z, x.num(0.5))
	w := x.sub(x.num(1), h)
	cos := x.add(w, x.fma(x.mul(z, z), x.horner(z, c), x.sub(x.sub(x.num(1), w), h)))
	q := x.op(ir.And, x.add(x.toInt(n), x.int(quarter)), x.int(3))
	v := x.pick(x.cmp(ir.Eq, x.op(ir.And, q, x.int(1)), x.int(0)), sin, cos)
	v = x.pick(x.cmp(ir.Lt, q, x.int(2)), v, x.neg(v))
	if quarter == 0 {
		v = x.pick(x.cmp(ir.Lt, x.op(ir.Abs, a), x.num(x.tiny)), a, v)
	}
	return v
}

// tanh is its series near 0 and 1 - 2/(e^(2|a|) + 1) elsewhere.
func (x *expr) tanh(a int) int {
	z := x.mul(a, a)
	near := x.fma(x.mul(a, z), x.horner(z, tanhSeries(x.tanhN)), a)
	abs := x.op(ir.Abs, a)
	near = x.pick(x.cmp(ir.Lt, abs, x.num(x.tiny)), a, near)
	far := x.sub(x.num(1), x.div(x.num(2), x.add(x.exp(x.mul(x.num(2), abs), -1), x.num(1))))
	far = x.pick(x.cmp(ir.Lt, a, x.num(0)), x.neg(far), far)
	return x.pick(x.cmp(ir.Lt, abs, x.num(0.55)), near, far)
}

// tanhSeries returns the coefficients of x^3, x^5, .. of tanh: the quotient of the series of sinh and cosh.
func tanhSeries(n int) []*big.Rat {
	var t []*big.Rat // of x, x^3, ..
	inv := func(k int64) *big.Rat {
		return new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).MulRange(1, k))
	}
	for k := 0; k <= n; k++ {
		v := inv(int64(2*k + 1))
		for j := 0; j < k; j++ {
			v.Sub(v, new(big.Rat).Mul(t[j], inv(int64(2*(k-j)))))
		}
		t = append(t, v)
	}
	return t[1:]
}
