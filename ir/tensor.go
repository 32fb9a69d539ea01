package ir

import "unsafe"

// Tensor is a dense row-major array on the host. Exactly one slice is non-nil: F64 for F64; F32 for F32 and F16 (values exactly
// representable in half); I32 for I32 and Bool (0 or 1). Len(slice) is the product of Dims; no Dims means one element.
type Tensor struct {
	Elem Elem
	Dims []int
	F32  []float32
	F64  []float64
	I32  []int32
}

// Memory is the memory of numbers as bytes, in this computer's byte order.
func Memory[T float32 | float64 | int32 | int64](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
}

// Bytes is the memory of the tensor's values.
func (t *Tensor) Bytes() []byte {
	switch {
	case t.F64 != nil:
		return Memory(t.F64)
	case t.F32 != nil:
		return Memory(t.F32)
	}
	return Memory(t.I32)
}

// NewTensor returns a zero tensor.
func NewTensor(e Elem, dims ...int) *Tensor {
	t := &Tensor{Elem: e, Dims: append([]int(nil), dims...)}
	n := t.Len()
	switch e {
	case F64:
		t.F64 = make([]float64, n)
	case F16, F32:
		t.F32 = make([]float32, n)
	default:
		t.I32 = make([]int32, n)
	}
	return t
}

// Len is the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// At returns element k as float64.
func (t *Tensor) At(k int) float64 {
	switch {
	case t.F64 != nil:
		return t.F64[k]
	case t.F32 != nil:
		return float64(t.F32[k])
	default:
		return float64(t.I32[k])
	}
}
