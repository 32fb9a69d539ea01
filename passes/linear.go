package passes

import (
	"math/big"
	"sort"

	"github.com/wfc-lang/wfc/ir"
)

// lin is a linear combination of nodes of the body being built, in order of appearance. Node -1 stands for 1.
type lin []term

type term struct {
	c    poly
	node int
}

const one = -1

func (l lin) add(m lin) lin {
	out := append(make(lin, 0, len(l)+len(m)), l...)
	at := make(map[int]int, len(out))
	for i := range out {
		at[out[i].node] = i
	}
	for _, t := range m {
		if i, ok := at[t.node]; ok {
			out[i].c = out[i].c.add(t.c)
			continue
		}
		at[t.node] = len(out)
		out = append(out, t)
	}
	return out
}

func (l lin) scale(p poly) lin {
	out := make(lin, 0, len(l))
	for _, t := range l {
		out = append(out, term{t.c.mul(p), t.node})
	}
	return out
}

// drop removes terms whose coefficient is the constant 0.
func (l lin) drop() lin {
	var out lin
	for _, t := range l {
		if r, ok := t.c.exact(); !ok || r.Sign() != 0 {
			out = append(out, t)
		}
	}
	return out
}

// constant returns l's value when it is the same for every cell.
func (l lin) constant() (poly, bool) {
	l = l.drop()
	switch {
	case len(l) == 0:
		return nil, true
	case len(l) == 1 && l[0].node == one:
		return l[0].c, true
	}
	return nil, false
}

// factor takes a common coefficient out of l, so that what is left has rational coefficients and begins with 1.
func (l lin) factor() (poly, lin) {
	l = l.drop()
	if len(l) == 0 {
		return nil, nil
	}
	c := l[0].c
	out := make(lin, len(l))
	for i, t := range l {
		r, ok := t.c.ratio(c)
		if !ok {
			return constant(big.NewRat(1, 1)), l
		}
		out[i] = term{constant(r), t.node}
	}
	return c, out
}

// sorted puts terms into the order of evaluation: reads first, operands in order of first appearance, each operand's reads from the
// centre outwards (by sum of absolute offsets, then x before y before z, low before high), then other terms in order of appearance,
// the constant last.
func (l lin) sorted(b *builder) lin {
	l = l.drop()
	rank := map[string]int{}
	class := func(t term) int {
		if t.node == one {
			return 2
		}
		if n := &b.body.Nodes[t.node]; n.Op == ir.Read {
			if _, ok := rank[n.Name]; !ok {
				rank[n.Name] = len(rank)
			}
			return 0
		}
		return 1
	}
	cl := make([]int, len(l))
	idx := make([]int, len(l))
	for i, t := range l {
		cl[i], idx[i] = class(t), i
	}
	sort.SliceStable(idx, func(a, c int) bool {
		i, j := idx[a], idx[c]
		if cl[i] != cl[j] || cl[i] != 0 {
			return cl[i] < cl[j]
		}
		m, n := &b.body.Nodes[l[i].node], &b.body.Nodes[l[j].node]
		if m.Name != n.Name {
			return rank[m.Name] < rank[n.Name]
		}
		return nearer(m.At, n.At)
	})
	out := make(lin, len(l))
	for k, i := range idx {
		out[k] = l[i]
	}
	return out
}

func nearer(a, b []ir.Affine) bool {
	if da, db := distance(a), distance(b); da != db {
		return da < db
	}
	for i := range a {
		if a[i].Off != b[i].Off {
			if x, y := max(a[i].Off, -a[i].Off), max(b[i].Off, -b[i].Off); x != y {
				return x > y
			}
			return a[i].Off < b[i].Off
		}
		if x, y := a[i], b[i]; max(1, x.Mul) != max(1, y.Mul) || max(1, x.Div) != max(1, y.Div) {
			return max(1, x.Mul) < max(1, y.Mul) || max(1, x.Mul) == max(1, y.Mul) && x.Div < y.Div
		}
	}
	return false
}

func distance(at []ir.Affine) int {
	d := 0
	for _, a := range at {
		if a.Index != "" {
			d += max(a.Off, -a.Off)
		}
	}
	return d
}

// coefficient makes the node of a coefficient: a constant, or a host scalar rounded once.
func (b *builder) coefficient(h *hostDefs, e ir.Elem, c poly) int {
	if r, ok := c.exact(); ok {
		return b.num(e, roundRat(e, r))
	}
	if len(c) == 1 && len(c[0].h) == 0 && len(c[0].s) == 1 && c[0].s[0].pow == 1 && c[0].w.Cmp(big.NewRat(1, 1)) == 0 {
		return b.add(ir.Node{Op: ir.Scalar, Elem: e, Name: c[0].s[0].name})
	}
	return b.add(ir.Node{Op: ir.Scalar, Elem: e, Name: h.host(c)})
}

// shiftOfCoord makes the node of a constant beside a coordinate. One that e cannot hold exactly becomes a host scalar: hoist computes
// with it in f64, so that a coordinate midway between points is as good as one at a point.
func (b *builder) shiftOfCoord(h *hostDefs, e ir.Elem, c poly, rounded int) int {
	r, ok := c.exact()
	if !ok {
		return rounded
	}
	v := roundRat(ir.F64, r)
	if v == b.body.Nodes[rounded].Imm {
		return rounded
	}
	hb := newBuilder()
	return b.add(ir.Node{Op: ir.Scalar, Elem: e, Name: h.define(c.key(), hb.done(hb.num(ir.F64, v)))})
}
