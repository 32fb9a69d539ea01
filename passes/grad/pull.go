package grad

import (
	"errors"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

var errBits = errors.New("the bits of a value that is differentiated are used; differentiate before the expand pass")

// term is one part of a cotangent: expr where all guards hold.
type term struct {
	guards []guard
	expr   int
}

// pull carries cotangents from nodes of a body back to its reads: reverse mode within one body. seeds maps nodes to their cotangents.
// It returns the cotangent of every active read that gets one, by node number; n is the number of nodes of the body itself, what comes
// after it in b are cotangents.
func (b *exprs) pull(n int, act []bool, seeds map[int][]term) (map[int]int, error) {
	terms := make([][]term, n)
	for i := range n {
		if act[i] {
			terms[i] = seeds[i]
		}
		if nd := &b.nodes[i]; nd.Op == ir.Bitcast && act[nd.Args[0]] {
			return nil, errBits
		}
	}
	out := map[int]int{}
	for i := n - 1; i >= 0; i-- {
		if len(terms[i]) == 0 {
			continue
		}
		if b.nodes[i].Op == ir.Read {
			out[i] = b.total(terms[i], b.none(b.elem(i)))
			continue
		}
		fs, err := b.partials(i, func(a int) bool { return act[a] })
		if err != nil {
			return nil, err
		}
		if len(terms[i]) > 1 {
			terms[i] = []term{{expr: b.total(terms[i], b.none(b.elem(i)))}}
		}
		t := terms[i][0]
		for k, f := range fs {
			if f.node < 0 {
				continue
			}
			a := b.nodes[i].Args[k]
			g := t.guards
			if f.mask >= 0 {
				g = append(slices.Clone(g), guard{f.mask, f.not})
			}
			x := b.mul(b.cvt(b.elem(f.node), t.expr), f.node)
			terms[a] = b.accumulate(terms[a], term{g, b.cvt(b.elem(a), x)})
		}
	}
	return out, nil
}

// accumulate adds t; terms under the same guards become one.
func (b *exprs) accumulate(ts []term, t term) []term {
	for k := range ts {
		if slices.Equal(ts[k].guards, t.guards) {
			ts[k].expr = b.sum(ts[k].expr, t.expr)
			return ts
		}
	}
	return append(ts, t)
}

// total is the sum of the terms; two branches of one condition become one select.
func (b *exprs) total(ts []term, none int) int {
	ts = slices.Clone(ts)
	for again := true; again; {
		again = false
		for i := 0; i < len(ts) && !again; i++ {
			for j := i + 1; j < len(ts) && !again; j++ {
				x, y := ts[i].guards, ts[j].guards
				l := len(x) - 1
				if l < 0 || len(y) != len(x) || !slices.Equal(x[:l], y[:l]) || x[l].cond != y[l].cond || x[l].not == y[l].not {
					continue
				}
				p, q := ts[i].expr, ts[j].expr
				if x[l].not {
					p, q = q, p
				}
				ts[i] = term{x[:l], b.op(ir.Select, b.elem(p), x[l].cond, p, q)}
				ts, again = slices.Delete(ts, j, j+1), true
			}
		}
	}
	out := b.under(ts[0].guards, ts[0].expr, none)
	for _, t := range ts[1:] {
		out = b.sum(out, b.under(t.guards, t.expr, none))
	}
	return out
}
