package cpu

import (
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// account is what one call of a kernel must do, whatever the code: floating-point operations, and bytes that have to cross the memory
// when nothing is in cache (every element that is read or written, once).
type account struct{ flops, bytes int64 }

// accountOf counts an operation. A fused multiply and add is two; conversions, comparisons and selections are none. A lookup or its
// derivative counts what it selects.
func accountOf(op *ir.Op, vals map[string]*val) account {
	var a account
	regions := map[string][]ir.Interval{}
	selected := op.Kind == ir.Reduce && ir.Selected(op) != nil && newContraction(op) == nil
	for i := range op.Pieces {
		pc := &op.Pieces[i]
		points := int64(1)
		for d, iv := range pc.Box {
			if selected && d >= len(op.Dom) {
				break
			}
			points *= int64(max(iv.Hi-iv.Lo, 0))
		}
		per := int64(0)
		box := boxOf(op, pc)
		for j := range pc.Body.Nodes {
			n := &pc.Body.Nodes[j]
			per += flopsOf(n)
			if n.Op != ir.Read || vals[n.Name] == nil || points == 0 {
				continue
			}
			r := regions[n.Name]
			for d, at := range n.At {
				s := span(at, box)
				if d < len(r) {
					s.Lo, s.Hi = min(s.Lo, r[d].Lo), max(s.Hi, r[d].Hi)
					r[d] = s
				} else {
					r = append(r, s)
				}
			}
			regions[n.Name] = r
		}
		if op.Kind == ir.Reduce {
			per += int64(len(op.Results))
		}
		a.flops += points * per
	}
	out := int64(1)
	for _, r := range op.Dom {
		out *= int64(r.Hi - r.Lo)
	}
	for _, r := range op.Results {
		a.bytes += out * int64(storageBytes(r.Elem))
	}
	for name, r := range regions { // a sum: the order does not matter
		n := int64(1)
		for _, iv := range r {
			n *= int64(iv.Hi - iv.Lo)
		}
		if selected {
			n = min(n, out)
		}
		a.bytes += n * int64(storageBytes(vals[name].elem))
	}
	return a
}

// with adds a reduction that reads what operation before makes, in the same kernel: what either of them has is not fetched again.
func (a account) with(sum, before *ir.Op, vals map[string]*val) account {
	here := map[string]bool{}
	for _, r := range before.Results {
		here["%"+r.Name] = true
	}
	for _, n := range before.Pieces[0].Body.Nodes {
		here[n.Name] = here[n.Name] || n.Op == ir.Read
	}
	rest := *sum
	rest.Pieces = slices.Clone(sum.Pieces)
	for i := range rest.Pieces {
		b := &rest.Pieces[i].Body
		b.Nodes = slices.Clone(b.Nodes)
		for j := range b.Nodes {
			if n := &b.Nodes[j]; n.Op == ir.Read && here[n.Name] {
				n.Op, n.At = ir.Const, nil
			}
		}
	}
	b := accountOf(&rest, vals)
	return account{a.flops + b.flops, a.bytes + b.bytes}
}

func flopsOf(n *ir.Node) int64 {
	if !n.Elem.IsFloat() {
		return 0
	}
	switch n.Op {
	case ir.Add, ir.Sub, ir.Mul, ir.Div, ir.Sqrt, ir.MinOp, ir.MaxOp, ir.Neg, ir.Abs, ir.Floor:
		return 1
	case ir.FMA:
		return 2
	}
	return 0
}

// kindOf names the code an operation becomes.
func kindOf(op *ir.Op, sym string) string {
	kind := op.Kind.String()
	switch {
	case newContraction(op) != nil:
		kind = "contraction"
	case newPairs(op) != nil:
		kind = "bf16 contraction"
	case op.Kind == ir.Reduce && ir.Selected(op) != nil:
		kind = "lookup"
	}
	switch {
	case strings.HasSuffix(sym, ".a"), strings.HasSuffix(sym, ".b"):
		return kind + ", packing"
	case strings.HasSuffix(sym, ".fold"):
		return kind + ", partial results"
	}
	return kind
}
