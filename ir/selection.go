package ir

import "math"

// Selection is a sum whose terms count only where an index has a given value: the sum over v of select(v == At, Value, -0), or the same
// with v an output index. Adding -0 changes no bit, so the terms that do not count need not be visited:
//
//	gather       v is the one reduced index: the result is Value at v = At, -0 where At lies outside the range of v
//	scatter-add  v is an output index and At depends on reduced indices only: every term goes to the output where v = At, in
//	             ascending order of the reduced indices
//
// Looking up embeddings and target probabilities are gathers; their derivatives are scatter-adds.
type Selection struct {
	Index     string // v
	At, Value int    // nodes of the body; At has type I32 and does not depend on v
	Scatter   bool
}

// Selected recognises a selection, or returns nil.
func Selected(op *Op) *Selection {
	if op.Kind != Reduce || op.Comb != Sum || op.FMA || op.Order.Kind != Seq || len(op.Results) != 1 || len(op.Pieces) != 1 || op.Results[0].Elem == Bool {
		return nil
	}
	pc := &op.Pieces[0]
	if len(pc.Box) != len(op.Dom)+len(op.Over) || len(pc.Body.Results) != 1 {
		return nil
	}
	for d := range pc.Box {
		r := op.rangeAt(d)
		if pc.Box[d] != (Interval{r.Lo, r.Hi}) {
			return nil
		}
	}
	b := &pc.Body
	sel := b.node(b.Results[0])
	if sel == nil || sel.Op != Select || len(sel.Args) != 3 {
		return nil
	}
	eq, zero := b.node(sel.Args[0]), b.node(sel.Args[2])
	if eq == nil || eq.Op != Eq || len(eq.Args) != 2 || zero == nil || zero.Op != Const {
		return nil
	}
	if zero.Elem.IsFloat() && math.Float64bits(zero.Imm) != math.Float64bits(math.Copysign(0, -1)) || !zero.Elem.IsFloat() && zero.Int != 0 {
		return nil
	}
	for k := range 2 {
		v, at := b.node(eq.Args[k]), eq.Args[1-k]
		if v == nil || v.Op != Index || v.Elem != I32 || b.node(at) == nil || b.DependsOn(at)[v.Name] {
			continue
		}
		s := &Selection{Index: v.Name, At: at, Value: sel.Args[1]}
		if len(op.Over) == 1 && op.Over[0].Index == v.Name {
			return s
		}
		in, dom := false, false
		for _, r := range op.Dom {
			in = in || r.Index == v.Name
			dom = dom || b.DependsOn(at)[r.Index]
		}
		if in && !dom {
			s.Scatter = true
			return s
		}
	}
	return nil
}

func (op *Op) rangeAt(d int) Range {
	if d < len(op.Dom) {
		return op.Dom[d]
	}
	return op.Over[d-len(op.Dom)]
}

// node returns node i, or nil when there is none.
func (b *Body) node(i int) *Node {
	if i < 0 || i >= len(b.Nodes) {
		return nil
	}
	return &b.Nodes[i]
}

// DependsOn returns the indices on which node i depends, by way of reads, coordinates and index nodes.
func (b *Body) DependsOn(i int) map[string]bool {
	out := map[string]bool{}
	seen := make([]bool, len(b.Nodes))
	var visit func(i int)
	visit = func(i int) {
		if i < 0 || i >= len(b.Nodes) || seen[i] {
			return
		}
		seen[i] = true
		n := &b.Nodes[i]
		switch n.Op {
		case Index, Coord:
			out[n.Name] = true
		case Read:
			for _, a := range n.At {
				if a.Index != "" {
					out[a.Index] = true
				}
			}
		}
		for _, a := range n.Args {
			visit(a)
		}
	}
	visit(i)
	return out
}
