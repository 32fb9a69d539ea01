package grad

import "github.com/wfc-lang/wfc/ir"

// kept says where values of a map's body are stored: a result of the map is read, not computed again, and so is what a select returns,
// by the branch that nothing else uses, because the cotangent of a branch counts only where the select took it. Exponentials, hyperbolic
// tangents and powers that are no results become results, unless everything is to be computed again: they cost more than a value to
// store. to numbers the body's nodes in b.
func (a *adjoint) kept(op *ir.Op, i, k int, b *exprs, to []int) func(int) int {
	body := &op.Pieces[k].Body
	uses := (&ir.Body{Nodes: b.nodes, Results: results(body, to)}).Uses()
	where := map[int]string{}
	from := map[int]int{} // node of the body, by node of b
	for x, y := range to {
		if y >= 0 {
			from[y] = x
		}
	}
	for r, x := range body.Results {
		n := &body.Nodes[x]
		if !n.Elem.IsFloat() || len(n.Args) == 0 {
			continue
		}
		name := "%" + op.Results[r].Name
		where[to[x]] = name
		if n.Op == ir.Select {
			for _, y := range n.Args[1:] {
				if uses[to[y]] == 1 && len(body.Nodes[y].Args) > 0 {
					where[to[y]] = name
				}
			}
		}
	}
	return func(x int) int {
		name, ok := where[x]
		if !ok {
			y, own := from[x]
			if c := b.nodes[x].Op; a.recompute || !own || c != ir.Exp && c != ir.Tanh && c != ir.Pow {
				return -1
			}
			name = a.keep(i, k, y)
			where[x] = name
		}
		return b.read(b.elem(x), name, identity(op.Dom))
	}
}

func results(b *ir.Body, to []int) []int {
	out := make([]int, len(b.Results))
	for i, r := range b.Results {
		out[i] = to[r]
	}
	return out
}

// keep makes node y of piece k of map i a result, which is zero in other pieces.
func (a *adjoint) keep(i, k, y int) string {
	op := &a.f.Ops[i]
	e := op.Pieces[k].Body.Nodes[y].Elem
	name := a.fresh(op.Results[0].Name + ".kept")
	op.Results = append(op.Results, ir.Result{Name: name, Elem: e})
	for j := range op.Pieces {
		b := &op.Pieces[j].Body
		if j == k {
			b.Results = append(b.Results, y)
			continue
		}
		b.Nodes = append(b.Nodes, ir.Node{Op: ir.Const, Elem: e})
		b.Results = append(b.Results, len(b.Nodes)-1)
	}
	a.define(i)
	return "%" + name
}
