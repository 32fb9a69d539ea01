package ranks

import (
	"github.com/wfc-lang/wfc/ir"
)

// tensorBytes is the size of an element in messages between ranks, which are the memory of tensors: ranks of a job have one byte order.
func tensorBytes(e ir.Elem) int {
	if e == ir.F64 {
		return 8
	}
	return 4
}

// tensorOf is the tensor of a message; the extents must fit.
func tensorOf(e ir.Elem, b []byte, dims ...int) *ir.Tensor {
	t := ir.NewTensor(e, dims...)
	copy(t.Bytes(), b)
	return t
}

// element is element k as a single number.
func element(t *ir.Tensor, k int) *ir.Tensor {
	out := ir.NewTensor(t.Elem)
	copyElems(out, 0, t, k, 1)
	return out
}

func copyElems(dst *ir.Tensor, to int, src *ir.Tensor, from, n int) {
	switch {
	case src.F64 != nil:
		copy(dst.F64[to:to+n], src.F64[from:from+n])
	case src.F32 != nil:
		copy(dst.F32[to:to+n], src.F32[from:from+n])
	default:
		copy(dst.I32[to:to+n], src.I32[from:from+n])
	}
}

// copyBox copies the points of box a of src to box b of dst, which has the same extents.
func copyBox(dst *ir.Tensor, b box, src *ir.Tensor, a box) {
	n := 1
	if last := len(a) - 1; last >= 0 {
		n = a[last].Hi - a[last].Lo
	}
	var each func(d, to, from int)
	each = func(d, to, from int) {
		switch {
		case d == len(a):
			copyElems(dst, to, src, from, 1)
		case d == len(a)-1:
			copyElems(dst, to*dst.Dims[d]+b[d].Lo, src, from*src.Dims[d]+a[d].Lo, n)
		default:
			for i := range a[d].Hi - a[d].Lo {
				each(d+1, to*dst.Dims[d]+b[d].Lo+i, from*src.Dims[d]+a[d].Lo+i)
			}
		}
	}
	if a.volume() > 0 {
		each(0, 0, 0)
	}
}

// sub is a box of a tensor as a tensor.
func sub(t *ir.Tensor, b box) *ir.Tensor {
	out := ir.NewTensor(t.Elem, ir.Extents(b)...)
	copyBox(out, ir.WholeBox(out.Dims), t, b)
	return out
}
