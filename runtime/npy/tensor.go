package npy

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

// FromTensor converts a tensor: f16 to f2, f32 to f4, f64 to f8, i32 to i4, bool to b1. Values are exact.
func FromTensor(t *ir.Tensor) *Array {
	a := &Array{Dims: slices.Clone(t.Dims)}
	le := binary.LittleEndian
	switch {
	case t.Elem == ir.F64:
		a.Type, a.Data = Type{'f', 8}, make([]byte, 0, 8*len(t.F64))
		for _, v := range t.F64 {
			a.Data = le.AppendUint64(a.Data, math.Float64bits(v))
		}
	case t.Elem == ir.F16:
		a.Type, a.Data = Type{'f', 2}, make([]byte, 0, 2*len(t.F32))
		for _, v := range t.F32 {
			a.Data = le.AppendUint16(a.Data, ieee.HalfFrom64(float64(v)))
		}
	case t.Elem == ir.F32:
		a.Type, a.Data = Type{'f', 4}, make([]byte, 0, 4*len(t.F32))
		for _, v := range t.F32 {
			a.Data = le.AppendUint32(a.Data, math.Float32bits(v))
		}
	case t.Elem == ir.Bool:
		a.Type, a.Data = Type{'b', 1}, make([]byte, 0, len(t.I32))
		for _, v := range t.I32 {
			a.Data = append(a.Data, byte(v&1))
		}
	default:
		a.Type, a.Data = Type{'i', 4}, make([]byte, 0, 4*len(t.I32))
		for _, v := range t.I32 {
			a.Data = le.AppendUint32(a.Data, uint32(v))
		}
	}
	return a
}

// Tensor converts the array to elements of type e, rounding once to nearest even where e is narrower. Integers (and bools) must be
// exact: floats that are not whole, or values outside the range, are an error that names the first such element.
func (a *Array) Tensor(e ir.Elem) (*ir.Tensor, error) {
	t := ir.NewTensor(e, a.Dims...)
	for k := range a.Len() {
		switch e {
		case ir.F64:
			t.F64[k] = a.Float(k)
		case ir.F32:
			t.F32[k] = a.float32(k)
		case ir.F16:
			t.F32[k] = float32(ieee.HalfTo64(ieee.HalfFrom64(a.Float(k))))
		default:
			lo, hi := float64(math.MinInt32), float64(math.MaxInt32)
			if e == ir.Bool {
				lo, hi = 0, 1
			}
			v := a.Float(k)
			if !(v >= lo && v <= hi) || v != math.Trunc(v) {
				return nil, fmt.Errorf("element %s is %v, which is not of type %s", indexText(a.Dims, k), v, e)
			}
			t.I32[k] = int32(v)
		}
	}
	return t, nil
}

// float32 rounds once: a 64-bit integer does not go through float64.
func (a *Array) float32(k int) float32 {
	if a.Type.Size == 8 {
		switch a.Type.Kind {
		case 'i':
			return float32(signed(a.bits(k), 8))
		case 'u':
			return float32(a.bits(k))
		}
	}
	return float32(a.Float(k))
}

func indexText(dims []int, k int) string {
	idx := make([]int, len(dims))
	for d := len(dims) - 1; d >= 0; d-- {
		idx[d], k = k%dims[d], k/dims[d]
	}
	return fmt.Sprint(idx)
}
