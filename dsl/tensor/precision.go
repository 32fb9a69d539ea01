package tensor

import "github.com/wfc-lang/wfc/ir"

// Precision is of what the forward pass stores: weights, as they are read, and every named tensor. Sums accumulate in f32, master
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
