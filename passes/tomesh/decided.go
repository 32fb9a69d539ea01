package tomesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// A body that reads a coarse grid often asks whether its point is an even one: interpolation takes other neighbours there. Within a phase
// (strided.go) the answer is the same for all points, so the select is its one arm, and the other arm is never computed. The value of a
// select is a copy of an arm's, so no bit changes. What is asked may be anything made of one index and constants: it is tried for every
// point of the phase.

// mostTried bounds the points for which a condition is tried.
const mostTried = 1 << 16

// decided returns piece p as it is over a phase of box b, and the nodes that stand for want in it.
func (e *pe) decided(o *op, p *piece, b []ir.Interval, s strides, want []int) (*piece, []int) {
	if s == nil || !slices.ContainsFunc(p.Body.Nodes, func(n ir.Node) bool { return n.Op == ir.Select }) {
		return p, want
	}
	t := &tried{o: o, p: p, b: b, s: s}
	var nodes []ir.Node
	stands := make([]int, len(p.Body.Nodes)) // node -> the one with its value
	for i, n := range p.Body.Nodes {
		stands[i] = i
		if n.Op == ir.Select {
			if yes, known := t.truth(n.Args[0]); known && yes {
				stands[i] = stands[n.Args[1]]
			} else if known {
				stands[i] = stands[n.Args[2]]
			}
		}
		n.Args = slices.Clone(n.Args)
		for k, a := range n.Args {
			n.Args[k] = stands[a]
		}
		nodes = append(nodes, n)
	}
	q := *p
	piece := *p.Piece
	piece.Body.Nodes = nodes
	q.Piece = &piece
	want = slices.Clone(want)
	for k, w := range want {
		want[k] = stands[w]
	}
	return &q, want
}

// tried finds what conditions are over a phase.
type tried struct {
	o *op
	p *piece
	b []ir.Interval
	s strides
}

// truth is the value of a condition that is the same for all points of the phase.
func (t *tried) truth(i int) (yes, known bool) {
	n := &t.p.Body.Nodes[i]
	if n.Op == ir.And || n.Op == ir.Or {
		x, knowX := t.truth(n.Args[0])
		y, knowY := t.truth(n.Args[1])
		decides := n.Op == ir.Or // the value of one side that decides by itself
		switch {
		case knowX && x == decides || knowY && y == decides:
			return decides, true
		case knowX && knowY:
			return !decides, true
		}
		return false, false
	}
	d := t.index(i)
	if d < 0 || t.s.of(d) == 1 {
		return false, false
	}
	step, box := t.s.of(d), t.p.Box[d]
	first := box.Lo + ((t.b[d].Lo-box.Lo)%step+step)%step
	if (box.Hi-first)/step > mostTried {
		return false, false
	}
	for v := first; v < box.Hi; v += step {
		x, ok := t.eval(i, int64(v))
		if !ok || v > first && (x.I != 0) != yes {
			return false, false
		}
		yes, known = x.I != 0, true
	}
	return yes, known
}

// index is the one iteration dimension that a node is computed from, with constants; -1 where it is not that simple.
func (t *tried) index(i int) int {
	n := &t.p.Body.Nodes[i]
	switch n.Op {
	case ir.Const:
		return none
	case ir.Index:
		return t.o.index(n.Name)
	}
	d := none
	for _, a := range n.Args {
		switch k := t.index(a); {
		case k == none:
		case k < 0 || d != none && d != k:
			return -1
		default:
			d = k
		}
	}
	if len(n.Args) == 0 || d == none {
		return -1
	}
	return d
}

// none: a node is computed from constants alone.
const none = -2

// eval is the value of a node where its index is v.
func (t *tried) eval(i int, v int64) (ir.Val, bool) {
	n := &t.p.Body.Nodes[i]
	switch n.Op {
	case ir.Const:
		return ir.Val{F: n.Imm, I: n.Int}, true
	case ir.Index:
		return ir.Val{I: v}, true
	}
	var elems []ir.Elem
	var args []ir.Val
	for _, a := range n.Args {
		x, ok := t.eval(a, v)
		if !ok {
			return x, false
		}
		elems, args = append(elems, t.p.Body.Nodes[a].Elem), append(args, x)
	}
	x, err := ir.Apply(n, elems, args)
	return x, err == nil
}
