package passes

import (
	"math"
	"math/big"

	"github.com/wfc-lang/wfc/ir"
)

// maxProducts is the largest constant exponent that becomes products.
const maxProducts = 16

// pow is a^y as C has it. In general it is e^(y log|a|) with the logarithm and its product with y in two parts.
func (x *expr) pow(a, y int) int {
	if n := &x.b.body.Nodes[y]; n.Op == ir.Const {
		switch v := n.Imm; {
		case v == 0.5:
			return x.op(ir.Sqrt, a)
		case v == math.Trunc(v) && math.Abs(v) <= maxProducts:
			return x.products(a, int(v))
		}
	}
	inf, zero := x.num(math.Inf(1)), x.num(0)
	abs := x.op(ir.Abs, a)
	hi, lo := x.logParts(abs)
	ph := x.mul(y, hi)
	pl := x.fma(y, lo, x.fma(y, hi, x.neg(ph)))
	pl = x.pick(x.cmp(ir.Lt, x.op(ir.Abs, ph), x.num(-2*x.bottom)), pl, zero)
	r := x.exp(ph, pl)

	down := x.cmp(ir.Lt, y, zero)
	r = x.pick(x.cmp(ir.Eq, a, zero), x.pick(down, inf, zero), r)
	r = x.pick(x.cmp(ir.Eq, abs, inf), x.pick(down, zero, inf), r)
	h := x.mul(y, x.num(0.5))
	whole := x.cmp(ir.Eq, x.op(ir.Floor, y), y)
	odd := x.op(ir.And, whole, x.cmp(ir.Ne, x.op(ir.Floor, h), h))
	minus := x.cmp(ir.Lt, x.bitsOf(a), x.int(0))
	r = x.pick(x.op(ir.And, odd, minus), x.neg(r), r)
	bad := x.op(ir.And, x.cmp(ir.Lt, a, zero), x.op(ir.And, x.cmp(ir.Lt, abs, inf), x.op(ir.Xor, whole, x.b.int(ir.Bool, 1))))
	r = x.pick(bad, x.num(math.NaN()), r)
	r = x.pick(x.op(ir.Or, x.cmp(ir.Ne, a, a), x.cmp(ir.Ne, y, y)), x.add(a, y), r)
	unit := x.op(ir.And, x.cmp(ir.Eq, abs, x.num(1)), x.cmp(ir.Eq, x.op(ir.Abs, y), inf))
	unit = x.op(ir.Or, unit, x.op(ir.Or, x.cmp(ir.Eq, y, zero), x.cmp(ir.Eq, a, x.num(1))))
	return x.pick(unit, x.num(1), r)
}

// products is a^n by repeated squaring.
func (x *expr) products(a, n int) int {
	if n == 0 {
		return x.num(1)
	}
	acc := -1
	for sq, k := a, max(n, -n); ; sq = x.mul(sq, sq) {
		if k%2 == 1 {
			if acc < 0 {
				acc = sq
			} else {
				acc = x.mul(acc, sq)
			}
		}
		if k /= 2; k == 0 {
			break
		}
	}
	if n < 0 {
		acc = x.div(x.num(1), acc)
	}
	return acc
}

// logParts is the logarithm of a positive finite number as a sum of two, about twice as precise: with s = f/(2+f),
// log(1+f) = 2s + 2s s^2 (1/3 + s^2/5 + ..), everything but the terms from s^2/5 on in two parts.
func (x *expr) logParts(a int) (hi, lo int) {
	k, f := x.mantissa(a)
	d := x.add(x.num(2), f)
	dl := x.sub(f, x.sub(d, x.num(2)))
	s := x.div(f, d)
	ns := x.neg(s)
	sl := x.div(x.fma(ns, dl, x.fma(ns, d, f)), d)
	z := x.mul(s, s)
	zl := x.fma(x.add(s, s), sl, x.fma(s, s, x.neg(z)))
	var c []*big.Rat
	for j := int64(2); int(j) <= x.logN; j++ {
		c = append(c, big.NewRat(1, 2*j+1))
	}
	third := big.NewRat(1, 3)
	t := x.num(roundRat(x.e, third))
	rest := new(big.Rat).Sub(third, new(big.Rat).SetFloat64(roundRat(x.e, third)))
	ch, cl := x.sum(t, x.mul(z, x.horner(z, c)))
	cl = x.add(cl, x.num(roundRat(x.e, rest)))
	ph, pl := x.product(z, zl, ch, cl)
	qh, ql := x.product(s, sl, ph, pl)
	uh, ul := x.sum(s, qh)
	ul = x.add(ul, x.add(ql, sl))

	th := x.mul(k, x.num(x.ln2[0]))
	tl := x.fma(k, x.num(x.ln2[1]), x.fma(k, x.num(x.ln2[0]), x.neg(th)))
	vh, vl := x.sum(th, x.add(uh, uh))
	return x.sum(vh, x.add(vl, x.add(tl, x.add(ul, ul))))
}

// sum is a+b in two parts, |a| >= |b| or a = 0.
func (x *expr) sum(a, b int) (hi, lo int) {
	s := x.add(a, b)
	return s, x.sub(b, x.sub(s, a))
}

// product is (a+al)(b+bl) in two parts.
func (x *expr) product(a, al, b, bl int) (hi, lo int) {
	p := x.mul(a, b)
	return p, x.add(x.fma(a, b, x.neg(p)), x.fma(a, bl, x.mul(al, b)))
}
