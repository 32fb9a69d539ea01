package passes

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// poly is a coefficient that is the same for every cell: a sum of monomials in host scalars, with exact rational weights. Grid steps
// are kept apart from the weights, so that dt/h is exactly 1 when dt = h.
type poly []mono

// mono is w * product of scalars^power / product of steps^power.
type mono struct {
	w     *big.Rat
	s     []factor // by name; powers may be negative
	h     []step   // ascending
	order string   // key of s and h
}

type factor struct {
	name string
	pow  int
}

type step struct {
	h   float64
	pow int
}

func newMono(w *big.Rat, s []factor, h []step) mono {
	var b strings.Builder
	for _, f := range s {
		fmt.Fprintf(&b, "%s^%d ", f.name, f.pow)
	}
	for _, f := range h {
		fmt.Fprintf(&b, "%x^%d ", f.h, f.pow)
	}
	return mono{w, s, h, b.String()}
}

// constant is the polynomial r; zero is the empty polynomial.
func constant(r *big.Rat) poly {
	if r.Sign() == 0 {
		return nil
	}
	return poly{newMono(r, nil, nil)}
}

func scalar(name string) poly {
	return poly{newMono(big.NewRat(1, 1), []factor{{name, 1}}, nil)}
}

// stepPower is h^-n.
func stepPower(h float64, n int) poly {
	return poly{newMono(big.NewRat(1, 1), nil, []step{{h, n}})}
}

func (p poly) key() string {
	var b strings.Builder
	for _, m := range p {
		b.WriteString(m.w.RatString() + "*" + m.order + "+")
	}
	return b.String()
}

func (p poly) add(q poly) poly {
	all := append(append(poly(nil), p...), q...)
	sort.SliceStable(all, func(i, j int) bool { return all[i].order < all[j].order })
	var out poly
	for _, m := range all {
		if k := len(out) - 1; k >= 0 && out[k].order == m.order {
			out[k].w = new(big.Rat).Add(out[k].w, m.w)
			continue
		}
		if k := len(out) - 1; k >= 0 && out[k].w.Sign() == 0 {
			out = out[:k]
		}
		out = append(out, m)
	}
	if k := len(out) - 1; k >= 0 && out[k].w.Sign() == 0 {
		out = out[:k]
	}
	return out
}

func (p poly) scale(r *big.Rat) poly {
	if r.Sign() == 0 {
		return nil
	}
	out := make(poly, len(p))
	for i, m := range p {
		m.w = new(big.Rat).Mul(m.w, r)
		out[i] = m
	}
	return out
}

func (p poly) mul(q poly) poly {
	var out poly
	for _, a := range p {
		for _, b := range q {
			out = out.add(poly{newMono(new(big.Rat).Mul(a.w, b.w), mergeFactors(a.s, b.s), mergeSteps(a.h, b.h))})
		}
	}
	return out
}

// inverse is 1/p for a single monomial.
func (p poly) inverse() (poly, bool) {
	if len(p) != 1 {
		return nil, false
	}
	m := p[0]
	s := make([]factor, len(m.s))
	for i, f := range m.s {
		s[i] = factor{f.name, -f.pow}
	}
	h := make([]step, len(m.h))
	for i, f := range m.h {
		h[i] = step{f.h, -f.pow}
	}
	return poly{newMono(new(big.Rat).Inv(m.w), s, h)}, true
}

// ratio returns r with p = r*q for a rational r.
func (p poly) ratio(q poly) (*big.Rat, bool) {
	if len(p) != len(q) || len(p) == 0 {
		return nil, false
	}
	r := new(big.Rat).Quo(p[0].w, q[0].w)
	for i := range p {
		if p[i].order != q[i].order || new(big.Rat).Mul(r, q[i].w).Cmp(p[i].w) != 0 {
			return nil, false
		}
	}
	return r, true
}

func mergeFactors(a, b []factor) []factor {
	var out []factor
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case j == len(b) || i < len(a) && a[i].name < b[j].name:
			out = append(out, a[i])
			i++
		case i == len(a) || b[j].name < a[i].name:
			out = append(out, b[j])
			j++
		default:
			if n := a[i].pow + b[j].pow; n != 0 {
				out = append(out, factor{a[i].name, n})
			}
			i, j = i+1, j+1
		}
	}
	return out
}

func mergeSteps(a, b []step) []step {
	var out []step
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case j == len(b) || i < len(a) && a[i].h < b[j].h:
			out = append(out, a[i])
			i++
		case i == len(a) || b[j].h < a[i].h:
			out = append(out, b[j])
			j++
		default:
			if n := a[i].pow + b[j].pow; n != 0 {
				out = append(out, step{a[i].h, n})
			}
			i, j = i+1, j+1
		}
	}
	return out
}

// exact returns the value when no scalar occurs.
func (p poly) exact() (*big.Rat, bool) {
	sum := new(big.Rat)
	for _, m := range p {
		if len(m.s) > 0 {
			return nil, false
		}
		v := new(big.Rat).Set(m.w)
		for _, f := range m.h {
			h := new(big.Rat)
			if h.SetFloat64(f.h) == nil || h.Sign() == 0 {
				return nil, false
			}
			for k := 0; k < f.pow; k++ {
				v.Quo(v, h)
			}
			for k := 0; k > f.pow; k-- {
				v.Mul(v, h)
			}
		}
		sum.Add(sum, v)
	}
	return sum, true
}

// roundRat rounds r once to e; overflow gives an infinity.
func roundRat(e ir.Elem, r *big.Rat) float64 {
	if e == ir.F32 {
		f, _ := r.Float32()
		return float64(f)
	}
	f, _ := r.Float64()
	return ir.RoundTo(e, f).F
}

// hostDefs adds host scalars to a program, one per distinct expression.
type hostDefs struct {
	p     *ir.Program
	byKey map[string]string
	used  map[string]bool
}

// generated marks host scalars that a pass made: dce may remove them.
const generated = "k."

func newHostDefs(p *ir.Program) *hostDefs {
	h := &hostDefs{p: p, byKey: map[string]string{}, used: map[string]bool{}}
	for _, d := range p.Host {
		h.used[d.Name] = true
	}
	return h
}

// define returns the name of a host scalar with this body; key identifies the body.
func (h *hostDefs) define(key string, body ir.Body) string {
	if n, ok := h.byKey[key]; ok {
		return n
	}
	name := generated + strconv.Itoa(len(h.byKey))
	for k := len(h.byKey); h.used[name]; k++ {
		name = generated + strconv.Itoa(k)
	}
	h.used[name] = true
	h.byKey[key] = name
	h.p.Host = append(h.p.Host, ir.HostDef{Name: name, Body: body})
	return name
}

// host defines the scalar for p, which holds at least one scalar:
//
//	sum of w*(product of numerators / product of denominators), w = a/b applied as (a*x)/b where f64 does not hold it
//
// A sum of several monomials that is smaller than its own rounding error is 0: coefficients that cancel in exact arithmetic vanish.
func (h *hostDefs) host(p poly) string {
	return h.summed(p, float64(4*len(p))*math.Ldexp(1, -53), p.key())
}

// distinct defines a scalar that is 0 when the terms of p cancel but for a part of their size.
func (h *hostDefs) distinct(p poly, part float64) string {
	return h.summed(p, part, "distinct "+p.key())
}

// summed defines the sum of the monomials of p, 0 where it is smaller than a part of the sum of their sizes.
func (h *hostDefs) summed(p poly, part float64, key string) string {
	if n, ok := h.byKey[key]; ok {
		return n
	}
	b := newBuilder()
	sum, size := -1, -1
	for _, m := range p {
		v := monoBody(b, m)
		if sum < 0 {
			sum, size = v, b.op(ir.Abs, ir.F64, v)
			continue
		}
		sum = b.op(ir.Add, ir.F64, sum, v)
		size = b.op(ir.Add, ir.F64, size, b.op(ir.Abs, ir.F64, v))
	}
	if len(p) > 1 {
		tiny := b.op(ir.Mul, ir.F64, size, b.num(ir.F64, part))
		sum = b.op(ir.Select, ir.F64, b.op(ir.Le, ir.Bool, b.op(ir.Abs, ir.F64, sum), tiny), b.num(ir.F64, 0), sum)
	}
	return h.define(key, b.done(sum))
}

func monoBody(b *builder, m mono) int {
	num, den := -1, -1
	times := func(acc, x, n int) int {
		for ; n > 0; n-- {
			if acc < 0 {
				acc = x
			} else {
				acc = b.op(ir.Mul, ir.F64, acc, x)
			}
		}
		return acc
	}
	for _, f := range m.s {
		x := b.add(ir.Node{Op: ir.Scalar, Elem: ir.F64, Name: f.name})
		num = times(num, x, f.pow)
		den = times(den, x, -f.pow)
	}
	for _, f := range m.h {
		x := b.num(ir.F64, f.h)
		den = times(den, x, f.pow)
		num = times(num, x, -f.pow)
	}
	if num < 0 {
		num = b.num(ir.F64, 1)
	}
	if den >= 0 {
		num = b.op(ir.Div, ir.F64, num, den)
	}
	small := func(x *big.Int) (float64, bool) {
		f, acc := new(big.Float).SetInt(x).Float64()
		return f, acc == big.Exact && !math.IsInf(f, 0)
	}
	a, okA := small(m.w.Num())
	d, okD := small(m.w.Denom())
	if w, exact := m.w.Float64(); exact || !okA || !okD { // a constant of the program, or a product of some: as a whole
		a, d = w, 1
	}
	if a != 1 {
		num = b.op(ir.Mul, ir.F64, num, b.num(ir.F64, a))
	}
	if d != 1 {
		num = b.op(ir.Div, ir.F64, num, b.num(ir.F64, d))
	}
	return num
}
