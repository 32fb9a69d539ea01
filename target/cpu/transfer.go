package cpu

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

// wordOf encodes a scalar as a word of the argument table.
func wordOf(e ir.Elem, v ir.Val) uintptr {
	switch e {
	case ir.F64:
		return uintptr(math.Float64bits(v.F))
	case ir.F32, ir.F16: // kernels take a half as a float
		return uintptr(math.Float32bits(float32(v.F)))
	case ir.I64:
		return uintptr(v.I)
	}
	return uintptr(uint32(v.I))
}

// array finds an array and its buffer.
func (e *Engine) array(name string) (*ir.Array, *layout, unsafe.Pointer, error) {
	if e.base == nil {
		return nil, nil, nil, errClosed
	}
	for i := range e.plan.prog.Arrays {
		if a := &e.plan.prog.Arrays[i]; a.Name == name {
			l := e.plan.layouts[i]
			return a, l, e.pointer(e.base[i]), nil
		}
	}
	return nil, nil, nil, fmt.Errorf("no array %q", name)
}

// pointer is the address of a buffer as a pointer into the memory that holds it.
func (e *Engine) pointer(addr uintptr) unsafe.Pointer {
	for _, m := range e.mem {
		p := unsafe.Pointer(&m[0])
		if d := addr - uintptr(p); addr >= uintptr(p) && d < uintptr(len(m)) {
			return unsafe.Pointer(&m[d])
		}
	}
	panic("cpu: buffer outside its memory")
}

// Set copies a tensor into an array. It must have the array's extents and element type.
func (e *Engine) Set(array string, t *ir.Tensor) error {
	a, l, p, err := e.array(array)
	if err != nil {
		return err
	}
	shape := e.plan.prog.Shape(a)
	if t.Elem != a.Elem || !slices.Equal(t.Dims, shape) {
		return fmt.Errorf("array %s is %s%v, not %s%v", array, a.Elem, shape, t.Elem, t.Dims)
	}
	ir.EachRow(ir.WholeBox(shape), l.base, l.stride, func(buf, k, n int) {
		switch a.Elem {
		case ir.F64:
			put(row[float64](p, buf, n), t.F64[k:])
		case ir.F32:
			put(row[float32](p, buf, n), t.F32[k:])
		case ir.I32:
			put(row[int32](p, buf, n), t.I32[k:])
		case ir.F16:
			for i, r := 0, row[uint16](p, buf, n); i < n; i++ {
				r[i] = ieee.HalfBits(ieee.RoundHalf32(t.F32[k+i]))
			}
		case ir.I64:
			for i, r := 0, row[int64](p, buf, n); i < n; i++ {
				r[i] = int64(t.I32[k+i])
			}
		case ir.Bool:
			for i, r := 0, row[uint8](p, buf, n); i < n; i++ {
				r[i] = uint8(t.I32[k+i] & 1)
			}
		}
	})
	return nil
}

// put copies src, but for stretches that are equal already: memory that was never written is zero and takes no place, and so it stays with
// arrays that no function of a run uses.
func put[T float32 | float64 | int32](dst, src []T) {
	const stretch = 512
	for len(dst) > 0 {
		n := min(stretch, len(dst))
		if !bytes.Equal(ir.Memory(dst[:n]), ir.Memory(src[:n])) {
			copy(dst, src[:n])
		}
		dst, src = dst[n:], src[n:]
	}
}

// Get copies an array out.
func (e *Engine) Get(array string) (*ir.Tensor, error) {
	a, _, _, err := e.array(array)
	if err != nil {
		return nil, err
	}
	return e.GetBox(array, ir.WholeBox(e.plan.prog.Shape(a)))
}

// GetBox copies a box of an array out.
func (e *Engine) GetBox(array string, box []ir.Interval) (*ir.Tensor, error) {
	a, l, p, err := e.array(array)
	if err != nil {
		return nil, err
	}
	if err := ir.CheckBox(array, box, e.plan.prog.Shape(a)); err != nil {
		return nil, err
	}
	t := ir.NewTensor(a.Elem, ir.Extents(box)...)
	ir.EachRow(box, l.base, l.stride, func(buf, k, n int) {
		switch a.Elem {
		case ir.F64:
			copy(t.F64[k:], row[float64](p, buf, n))
		case ir.F32:
			copy(t.F32[k:], row[float32](p, buf, n))
		case ir.I32:
			copy(t.I32[k:], row[int32](p, buf, n))
		case ir.F16:
			for i, h := range row[uint16](p, buf, n) {
				t.F32[k+i] = ieee.HalfFromBits(h)
			}
		case ir.I64:
			for i, x := range row[int64](p, buf, n) {
				t.I32[k+i] = int32(x)
			}
		case ir.Bool:
			for i, x := range row[uint8](p, buf, n) {
				t.I32[k+i] = int32(x)
			}
		}
	})
	return t, nil
}

func row[T any](p unsafe.Pointer, off, n int) []T {
	var x T
	return unsafe.Slice((*T)(unsafe.Add(p, off*int(unsafe.Sizeof(x)))), n)
}
