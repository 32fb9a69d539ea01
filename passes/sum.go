package passes

import (
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// The canonical order of a linear combination. Terms whose coefficients are equal up to their sign form a group, which is summed
// first and multiplied once:
//
//	a*T[x-1,y] + b*T[x,y] + a*T[x+1,y] + a*T[x,y-1] + a*T[x,y+1] = b*T[x,y] + a*((T[x-1,y] + T[x+1,y]) + (T[x,y-1] + T[x,y+1]))
//
// Groups are added in the order of their first terms (lin.sorted), the constant last. Within a group the sum is a tree that the
// reflections of the grid and the exchange of two axes map to itself, but for the order of two operands: a scheme that is symmetric on
// paper is symmetric in its bits. From the leaves up,
//
//  1. opposite terms, offsets p and -p, are added;
//  2. mirror images, with the same absolute offsets, in a balanced tree;
//  3. the same on other axes, in order of the axes; then farther ones;
//  4. terms of other operands.
//
// Terms that are no reads, such as the fluxes of div(k*grad(T)), take part with the offsets of all they read.

// signed is a node or its negative.
type signed struct {
	node int
	neg  bool
}

// plus adds without a negation: -x-y is -(x+y).
func (b *builder) plus(e ir.Elem, x, y signed) signed {
	switch {
	case x.neg == y.neg:
		return signed{b.op(ir.Add, e, x.node, y.node), x.neg}
	case y.neg:
		return signed{b.op(ir.Sub, e, x.node, y.node), false}
	}
	return signed{b.op(ir.Sub, e, y.node, x.node), false}
}

// total adds from left to right.
func (b *builder) total(e ir.Elem, s []signed) signed {
	acc := s[0]
	for _, x := range s[1:] {
		acc = b.plus(e, acc, x)
	}
	return acc
}

// balanced adds the sums of two halves.
func (b *builder) balanced(e ir.Elem, s []signed) signed {
	if len(s) == 1 {
		return s[0]
	}
	k := (len(s) + 1) / 2
	return b.plus(e, b.balanced(e, s[:k]), b.balanced(e, s[k:]))
}

// group is the terms of one coefficient; the first has the sign of c.
type group struct {
	c  poly
	of []signed
}

// groups collects sorted terms.
func (l lin) groups() []group {
	var out []group
	at := map[string]int{}
	for _, t := range l {
		key, neg := t.c.absKey()
		if t.node == one {
			key = "one"
		}
		k, ok := at[key]
		if !ok {
			k = len(out)
			at[key] = k
			out = append(out, group{c: t.c})
		}
		_, first := out[k].c.absKey()
		out[k].of = append(out[k].of, signed{t.node, neg != first})
	}
	return out
}

// absKey identifies p up to its sign: the value if no scalar occurs, else the monomials.
func (p poly) absKey() (key string, neg bool) {
	if r, ok := p.exact(); ok {
		return new(big.Rat).Abs(r).RatString(), r.Sign() < 0
	}
	if p[0].w.Sign() < 0 {
		return p.scale(big.NewRat(-1, 1)).key(), true
	}
	return p.key(), false
}

// emit makes the node of a linear combination, in canonical order; every sum and product is rounded.
func (b *builder) emit(h *hostDefs, e ir.Elem, l lin) int {
	var parts []signed
	coord := false
	for _, g := range l.sorted(b).groups() {
		if g.of[0].node == one {
			c := b.coefficient(h, e, g.c)
			if n := &b.body.Nodes[c]; coord && n.Op == ir.Const {
				c = b.shiftOfCoord(h, e, g.c, c)
			}
			parts = append(parts, signed{node: c})
			continue
		}
		for _, x := range g.of {
			coord = coord || b.body.Nodes[x.node].Op == ir.Coord
		}
		if r, ok := g.c.exact(); ok && r.Num().IsInt64() && r.IsInt() && (r.Num().Int64() == 1 || r.Num().Int64() == -1) {
			for i := range g.of {
				g.of[i].neg = g.of[i].neg != (r.Sign() < 0)
			}
			parts = append(parts, b.symmetric(e, g.of))
			continue
		}
		x := b.symmetric(e, g.of) // not negative: its first term is not
		x.node = b.op(ir.Mul, e, b.coefficient(h, e, g.c), x.node)
		parts = append(parts, x)
	}
	if len(parts) == 0 {
		return b.num(e, 0)
	}
	acc := b.total(e, parts)
	if acc.neg {
		return b.op(ir.Neg, e, acc.node)
	}
	return acc.node
}

// symmetric adds the terms of a group by the rules above.
func (b *builder) symmetric(e ir.Elem, of []signed) signed {
	if len(of) < 3 {
		return b.total(e, of)
	}
	prints := make([]footprint, len(of))
	all := make([]int, len(of))
	for i, x := range of {
		prints[i], all[i] = b.footprint(x.node), i
	}
	var operands []signed
	for _, same := range partition(all, func(i int) string { return prints[i].operands }) {
		var distances []signed
		for _, shell := range partition(same, func(i int) string { return prints[i].distances }) {
			var axes []signed
			for _, images := range partition(shell, func(i int) string { return prints[i].images }) {
				axes = append(axes, b.balanced(e, b.pairs(e, of, images, prints)))
			}
			distances = append(distances, b.total(e, axes))
		}
		operands = append(operands, b.total(e, distances))
	}
	return b.total(e, operands)
}

// pairs adds opposite terms.
func (b *builder) pairs(e ir.Elem, of []signed, among []int, prints []footprint) []signed {
	var out []signed
	done := map[int]bool{}
	for k, i := range among {
		if done[i] {
			continue
		}
		x := of[i]
		for _, j := range among[k+1:] {
			if !done[j] && prints[j].exact == prints[i].opposite {
				x, done[j] = b.plus(e, x, of[j]), true
				break
			}
		}
		out = append(out, x)
	}
	return out
}

// partition splits a list by a key, in order of first appearance.
func partition(list []int, key func(int) string) [][]int {
	var out [][]int
	at := map[string]int{}
	for _, i := range list {
		k, ok := at[key(i)]
		if !ok {
			k = len(out)
			at[key(i)] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], i)
	}
	return out
}

// footprint is what a node reads, as texts that are equal when the reads are: as they are, reflected in the point, up to reflections
// in single axes, up to the order of the axes too, and the names of the operands alone.
type footprint struct{ exact, opposite, images, distances, operands string }

// maxFootprint bounds the nodes that are searched for reads; symmetry among larger terms is not looked for.
const maxFootprint = 128

func (b *builder) footprint(node int) footprint {
	reads := []int{}
	seen := map[int]bool{node: true}
	for queue := []int{node}; len(queue) > 0; queue = queue[1:] {
		n := &b.body.Nodes[queue[0]]
		if n.Op == ir.Read {
			reads = append(reads, queue[0])
		}
		for _, a := range n.Args {
			if !seen[a] {
				seen[a] = true
				queue = append(queue, a)
			}
		}
		if len(seen) > maxFootprint {
			return footprint{operands: "large"}
		}
	}
	var t [5][]string
	for _, r := range reads {
		n := &b.body.Nodes[r]
		var s [3]strings.Builder
		var far []string
		for _, a := range n.At {
			if !a.Unit() { // along a stride neither
				far = append(far, a.String())
				for k := range s {
					fmt.Fprintf(&s[k], "%v,", a)
				}
				continue
			}
			d := max(a.Off, -a.Off)
			if a.Index == "" { // a fixed place has no mirror image
				far = append(far, fmt.Sprint("=", a.Off))
				for k := range s {
					fmt.Fprintf(&s[k], "=%d,", a.Off)
				}
				continue
			}
			far = append(far, fmt.Sprint(d))
			for k, off := range [3]int{a.Off, -a.Off, d} {
				fmt.Fprintf(&s[k], "%s%d,", a.Index, off)
			}
		}
		sort.Strings(far)
		for k := range s {
			t[k] = append(t[k], n.Name+" "+s[k].String())
		}
		t[3] = append(t[3], n.Name+" "+strings.Join(far, ","))
		t[4] = append(t[4], n.Name)
	}
	var key [5]string
	for k := range t {
		sort.Strings(t[k])
		if k == 4 {
			t[k] = slices.Compact(t[k])
		}
		key[k] = strings.Join(t[k], ";")
	}
	return footprint{key[0], key[1], key[2], key[3], key[4]}
}
