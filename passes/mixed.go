package passes

import (
	"math"
	"math/big"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// A mixed condition a*T + b*dn(T) = c is solved for the ghost value. With D the distance between a ghost and its mirror image T:
//
//	cells  the value at the wall is the mean of ghost and image:  (2D*c - (a*D - 2b)*T) / (a*D + 2b),  D = (2k-1)*h
//	nodes  the value at the wall is that of the end node T0:      T + D/b * (c - a*T0),                D = 2k*h
//
// which are the formulas for values and derivatives when b or a is 0. With a = 0 and with b = 0 (cells) they are used exactly. On
// nodes b = 0 gives the value 2c/a - T, the end node being fixed by the program.

// cancelled is the part of its terms below which a denominator counts as zero: spacings and coefficients are rounded, so that terms
// which cancel on paper leave some of their digits, and a ghost that is larger than the value it mirrors by 1/cancelled has none left.
const cancelled = 1e-7

// mixed makes the ghost of a mixed condition. inward is the access to the end node; t reads the mirror image.
func (g *ghoster) mixed(bc *ir.Boundary, b *builder, e ir.Elem, t int, at []ir.Affine, from string, ax *ir.Axis, dist int, d int, src, end int,
	inner []ir.Range, box []ir.Interval) int {
	df := &differ{p: g.p, h: g.h, src: &bc.Body, cfg: g.cfg}
	df.analyse()
	known := func(r int) (poly, bool) {
		n := bc.Body.Results[r]
		if !df.host[n] || !bc.Body.Nodes[n].Elem.IsFloat() || !e.IsFloat() {
			return nil, false
		}
		return df.coefficient(n), true
	}
	wall := func() int { // the end node
		m := append([]ir.Affine(nil), at...)
		m[d].Off += end - src
		return b.add(ir.Node{Op: ir.Read, Elem: e, Name: from, At: m})
	}
	D := stepPower(ax.H, -1).scale(big.NewRat(int64(dist), 1))
	two := big.NewRat(2, 1)
	pa, oka := known(0)
	pb, okb := known(1)
	pc, okc := known(2)
	if !oka || !okb {
		return g.mixedPointwise(bc, b, e, t, wall, ax, float64(dist)*ax.H, inner, box)
	}
	// ghost = q*T + r*c - s*T0
	var q, r, s poly
	one := constant(big.NewRat(1, 1))
	switch {
	case len(pa) == 0 && len(pb) == 0:
		g.fail(bc, ax, "its coefficients are 0")
		return t
	case len(pb) == 0:
		q, r = one.scale(big.NewRat(-1, 1)), df.invert(pa).scale(two)
		g.nonzero(bc, ax, pa)
	case len(pa) == 0:
		q, r = one, D.mul(df.invert(pb))
		g.nonzero(bc, ax, pb)
	case ax.Nodes:
		inv := df.invert(pb)
		q, r, s = one, D.mul(inv), D.mul(inv).mul(pa)
		g.nonzero(bc, ax, pb)
	default:
		den := pa.mul(D).add(pb.scale(two))
		if len(den) == 0 {
			g.fail(bc, ax, "its coefficients cancel")
			return t
		}
		g.nonzero(bc, ax, den)
		inv := df.invert(den)
		q = pa.mul(D).scale(big.NewRat(-1, 1)).add(pb.scale(two)).mul(inv)
		r = D.scale(two).mul(inv)
	}
	sum := g.scaled(b, e, q, t)
	if len(s) > 0 {
		sum = b.op(ir.Sub, e, sum, g.scaled(b, e, s, wall()))
	}
	if okc {
		if k := r.mul(pc); len(k) > 0 {
			sum = b.op(ir.Add, e, sum, b.coefficient(g.h, e, k))
		}
		return sum
	}
	return b.op(ir.Add, e, sum, g.scaled(b, e, r, g.boundaryValues(b, &bc.Body, e, inner, box)[2]))
}

// scaled is c*x; factors 1 and -1 cost nothing.
func (g *ghoster) scaled(b *builder, e ir.Elem, c poly, x int) int {
	if v, ok := c.exact(); ok {
		switch {
		case v.Cmp(big.NewRat(1, 1)) == 0:
			return x
		case v.Cmp(big.NewRat(-1, 1)) == 0:
			return b.op(ir.Neg, e, x)
		}
	}
	return b.op(ir.Mul, e, b.coefficient(g.h, e, c), x)
}

// mixedPointwise solves a condition whose coefficients vary from point to point, as written above.
func (g *ghoster) mixedPointwise(bc *ir.Boundary, b *builder, e ir.Elem, t int, wall func() int, ax *ir.Axis, D float64, inner []ir.Range, box []ir.Interval) int {
	v := g.boundaryValues(b, &bc.Body, e, inner, box)
	if ax.Nodes {
		rest := b.op(ir.Sub, e, v[2], b.op(ir.Mul, e, v[0], wall()))
		return b.op(ir.Add, e, t, b.op(ir.Mul, e, b.op(ir.Div, e, b.num(e, D), v[1]), rest))
	}
	aD, b2 := b.op(ir.Mul, e, v[0], b.num(e, D)), b.op(ir.Mul, e, b.num(e, 2), v[1])
	den := b.op(ir.Add, e, aD, b2)
	q := b.op(ir.Div, e, b.op(ir.Sub, e, b2, aD), den)
	r := b.op(ir.Div, e, b.num(e, 2*D), den)
	return b.op(ir.Add, e, b.op(ir.Mul, e, q, t), b.op(ir.Mul, e, r, v[2]))
}

// boundaryValues copies all results of a condition, converted to e.
func (g *ghoster) boundaryValues(b *builder, body *ir.Body, e ir.Elem, inner []ir.Range, box []ir.Interval) []int {
	out := g.boundary(b, body, inner, box).results()
	for k, v := range out {
		if b.elem(v) != e {
			out[k] = b.op(ir.Cvt, e, v)
		}
	}
	return out
}

// nonzero has the host refuse parameters for which the terms of a denominator cancel.
func (g *ghoster) nonzero(bc *ir.Boundary, ax *ir.Axis, den poly) {
	if v, ok := den.exact(); ok {
		sum, _ := v.Float64()
		size := 0.0
		for _, m := range den {
			w, _ := poly{m}.exact()
			x, _ := w.Float64()
			size += math.Abs(x)
		}
		if math.Abs(sum) <= cancelled*size {
			g.fail(bc, ax, "its coefficients cancel")
		}
		return
	}
	cond := g.h.distinct(den, cancelled)
	for _, c := range g.p.Checks {
		if c.Cond == cond && c.Pos == bc.Pos {
			return
		}
	}
	g.p.Checks = append(g.p.Checks, ir.HostCheck{Cond: cond, Code: codeSingular, Pos: bc.Pos,
		Message: "the condition at " + sideOf(bc) + " does not decide the value beyond the wall: its coefficients cancel\n" + singularWhy})
}

const singularWhy = "the ghost value solves a*T + b*dn(T) = c, where T at the wall is the mean of both sides and dn(T) their difference over the distance"

func (g *ghoster) fail(bc *ir.Boundary, ax *ir.Axis, why string) {
	if g.err == nil {
		var d *diag.Diagnostic = g.cfg.blame(codeSingular, bc.Pos, "the condition at %s does not decide the value beyond the wall: %s", sideOf(bc), why)
		g.err = d.Note(singularWhy).Suggest("check the signs: dn is the outward derivative; heat loss is k*dn(T) + h*T = h*T0")
	}
}

// sideOf is "x.lo".
func sideOf(bc *ir.Boundary) string {
	if bc.High {
		return bc.Axis + ".hi"
	}
	return bc.Axis + ".lo"
}
