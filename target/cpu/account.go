package cpu

import (
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
	regions := map[int][]ir.Interval{} // by slot: values around others are those
	size := map[int]int{}
	selected := op.Kind == ir.Reduce && ir.Selected(op) != nil && newContraction(op) == nil
	out := int64(0) // points of the results
	if op.Kind != ir.Extend {
		out = 1
		for _, r := range op.Dom {
			out *= int64(r.Hi - r.Lo)
		}
	}
	fetch := func() {
		for slot, r := range regions { // a sum: the order does not matter
			n := int64(1)
			for _, iv := range r {
				n *= int64(iv.Hi - iv.Lo)
			}
			if selected {
				n = min(n, out)
			}
			a.bytes += n * int64(size[slot])
		}
		clear(regions)
	}
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
			slot := vals[n.Name].slot
			r := regions[slot]
			for d, at := range n.At {
				s := span(at, box)
				if d < len(r) {
					s.Lo, s.Hi = min(s.Lo, r[d].Lo), max(s.Hi, r[d].Hi)
					r[d] = s
				} else {
					r = append(r, s)
				}
			}
			regions[slot], size[slot] = r, storageBytes(n.Elem)
		}
		if op.Kind == ir.Reduce {
			per += int64(len(op.Results))
		}
		a.flops += points * per
		if op.Kind == ir.Extend { // its pieces are ends, with the operand between them
			out += points
			fetch()
		}
	}
	fetch()
	for _, r := range op.Results {
		a.bytes += out * int64(storageBytes(r.Elem))
	}
	return a
}

// with adds a reduction that reads what operation before makes, in the same kernel: what either of them has is not fetched again, and results that
// are passing are not stored.
func (a account) with(sum, before *ir.Op, passing map[string]bool, vals map[string]*val) account {
	here := map[int]bool{}
	out := int64(1)
	for _, r := range before.Dom {
		out *= int64(r.Hi - r.Lo)
	}
	for _, r := range before.Results {
		if here[vals["%"+r.Name].slot] = true; passing["%"+r.Name] {
			a.bytes -= out * int64(storageBytes(r.Elem))
		}
	}
	for _, n := range reads(before) {
		here[vals[n.Name].slot] = true
	}
	rest := clonePieces(*sum)
	for _, n := range reads(&rest) {
		if here[vals[n.Name].slot] {
			n.Op, n.At = ir.Const, nil
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
