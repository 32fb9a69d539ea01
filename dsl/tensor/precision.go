package tensor

import "github.com/wfc-lang/wfc/ir"

// Precision bf16 and f16 are of what the forward pass stores: weights, as they are read, and every named tensor. Sums accumulate in f32, master
// weights and optimizer state are f32. There is no bf16 among the element types: its values are f32 values with 8 bits of significand,
// and rounding to nearest even is arithmetic, so it has a derivative (1) like any other expression.

// veltkamp splits 24 bits into 8 and 16: with c = x*(2^16+1), c - (c - x) is x rounded to 8 bits (Dekker 1971, after Veltkamp).
const veltkamp = 1<<16 + 1

// splitLimit keeps x*(2^16+1) finite; beyond it values stay as they are.
const splitLimit = 1e33

// roundBF16 rounds to bf16.
func (e *elab) roundBF16(v *val) *val {
	c := node(ir.Mul, v.elem, v, typed(v.elem, veltkamp))
	r := node(ir.Sub, v.elem, c, node(ir.Sub, v.elem, c, v))
	return node(ir.Select, v.elem, node(ir.Lt, ir.Bool, node(ir.Abs, v.elem, v), typed(v.elem, splitLimit)), r, v)
}

// roundF16 rounds to f16; what is too large becomes infinite, and the loss scale goes down.
func (e *elab) roundF16(v *val) *val {
	return node(ir.Cvt, v.elem, node(ir.Cvt, ir.F16, v))
}

// precisions are the names of policies.
var precisions = map[string]bool{"f32": true, "bf16": true, "f16": true, "bf16dot": true}

// pairs is precision bf16dot: f32 is what everything is stored in, forward and backward, and matrix products are sums of bf16 products
// ([ir.Pairs]). Those are the products in which every index of the result belongs to one factor. Others are products of many small matrices,
// as in attention, where f32 costs little.
func pairs(p *ir.Program) {
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if f.Host {
			continue
		}
		for j := range f.Ops {
			if op := &f.Ops[j]; matrixProduct(op) {
				op.Order.Kind = ir.Pairs
			}
		}
	}
}

func matrixProduct(op *ir.Op) bool {
	if op.Kind != ir.Reduce || !op.FMA || op.Order.Kind != ir.Seq || len(op.Pieces) != 1 || len(op.Results) != 1 || op.Results[0].Elem != ir.F32 {
		return false
	}
	b := &op.Pieces[0].Body
	product := &b.Nodes[b.Results[0]] // with FMA it is a product
	in := [2]map[string]bool{}
	for i := range in {
		in[i] = b.DependsOn(product.Args[i])
	}
	sides := [2]bool{}
	for _, r := range op.Dom {
		if in[0][r.Index] == in[1][r.Index] {
			return false
		}
		for i := range sides {
			sides[i] = sides[i] || in[i][r.Index]
		}
	}
	return sides[0] && sides[1]
}

// setPrecision chooses the rounding of the forward pass.
func (e *elab) setPrecision(name string) {
	switch name {
	case "bf16":
		e.round = e.roundBF16
	case "f16":
		e.round = e.roundF16
	}
}

// lowered is a weight as the forward pass reads it.
func (e *elab) lowered(a *array, name string) {
	if e.round == nil {
		return
	}
	low := e.store(name+".low", e.round(read(a.ref, a.elem, here(a.dims))), a.dims, a.at)
	a.ref = low.ref
}
