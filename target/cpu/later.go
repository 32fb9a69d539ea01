package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// What a map before a sum makes and nothing needs until after it (the step of the solution in conjugate gradients, beside that of the residual)
// is made by a later map over the same points, if that reads more of the same fields: fewer are read twice.

// makeLater moves such results.
func (g *fn) makeLater() {
	for i := range g.ops {
		from := &g.ops[i]
		for k := 0; k < len(from.Results) && len(from.Results) > 1; k++ {
			if j := g.better(i, k); j > 0 {
				moveResult(from, &g.ops[j], k)
				k--
			}
		}
	}
}

// better is the operation that should make result k of operation i, 0 if that is i itself.
func (g *fn) better(i, k int) int {
	from := &g.ops[i]
	if from.Kind != ir.Map || len(from.Dom) == 0 || len(from.Pieces) != 1 {
		return 0
	}
	name := "%" + from.Results[k].Name
	others := slices.Delete(slices.Clone(from.Pieces[0].Body.Results), k, k+1)
	mine := fields(&from.Pieces[0].Body, from.Pieces[0].Body.Results[k:k+1])
	alone := without(mine, fields(&from.Pieces[0].Body, others))
	summed := false
	for j := i + 1; j < len(g.ops); j++ {
		op := &g.ops[j]
		if readsValue(op, name) {
			return 0
		}
		summed = summed || op.Kind == ir.Reduce
		if !summed || op.Kind != ir.Map || !slices.Equal(op.Dom, from.Dom) || len(op.Pieces) != 1 || !slices.Equal(op.Pieces[0].Box, from.Pieces[0].Box) {
			continue
		}
		more := without(mine, fields(&op.Pieces[0].Body, op.Pieces[0].Body.Results))
		// No value lasts longer for it.
		last := slices.ContainsFunc(more, func(n string) bool { return n[0] == '%' })
		if len(more) < len(alone) && !last {
			return j
		}
	}
	return 0
}

// fields are the tensors that nodes of a body need.
func fields(b *ir.Body, nodes []int) (list []string) {
	for _, n := range b.Only(nodes).Nodes {
		if n.Op == ir.Read && len(n.At) > 0 && !slices.Contains(list, n.Name) {
			list = append(list, n.Name)
		}
	}
	return list
}

func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return slices.Contains(other, n) })
}

// readsValue says that an operation reads a value, or is around it.
func readsValue(op *ir.Op, name string) bool {
	if op.Kind == ir.Extend && op.From == name {
		return true
	}
	return slices.ContainsFunc(reads(op), func(n *ir.Node) bool { return n.Name == name })
}

// moveResult has another map make result k of a map.
func moveResult(from, to *ir.Op, k int) {
	a, b := &from.Pieces[0], &to.Pieces[0]
	b.Body = both(b.Body, a.Body.Only(a.Body.Results[k:k+1]))
	to.Results = append(slices.Clone(to.Results), from.Results[k])
	a.Body = a.Body.Only(slices.Delete(slices.Clone(a.Body.Results), k, k+1))
	from.Results = slices.Delete(slices.Clone(from.Results), k, k+1)
}

// both computes what two bodies compute.
func both(a, b ir.Body) ir.Body {
	out := ir.Body{Nodes: slices.Clone(a.Nodes), Results: slices.Clone(a.Results)}
	for _, n := range b.Nodes {
		n.Args = slices.Clone(n.Args)
		for i := range n.Args {
			n.Args[i] += len(a.Nodes)
		}
		out.Nodes = append(out.Nodes, n)
	}
	for _, r := range b.Results {
		out.Results = append(out.Results, r+len(a.Nodes))
	}
	return out
}
