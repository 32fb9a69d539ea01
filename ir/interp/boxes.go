package interp

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// ElemBytes is the size of an element of an array in ReadBox and WriteBox; 0 when there is no such array.
func (m *Machine) ElemBytes(array string) int {
	b := m.arrays[array]
	switch {
	case b == nil:
		return 0
	case b.f64 != nil || b.i64 != nil:
		return 8
	}
	return 4
}

// GetBox returns a copy of a box of an array.
func (m *Machine) GetBox(array string, box []ir.Interval) (*ir.Tensor, error) {
	b, err := m.array(array)
	if err != nil {
		return nil, err
	}
	if err := ir.CheckBox(array, box, b.n); err != nil {
		return nil, err
	}
	t := ir.NewTensor(b.elem, ir.Extents(box)...)
	dst := vec{elem: t.Elem, f32: t.F32, f64: t.F64, i32: t.I32}
	ir.EachRow(box, 0, b.stride, func(off, at, n int) { copyVec(&dst, at, &b.vec, off, n) })
	return t, nil
}

// ReadBox copies a box of an array as bytes, rows one after the other, last index fastest.
func (m *Machine) ReadBox(array string, box []ir.Interval, to []byte) error {
	return m.rows(array, box, len(to), func(at int, row []byte) { copy(to[at:], row) })
}

// WriteBox is the inverse of ReadBox.
func (m *Machine) WriteBox(array string, box []ir.Interval, from []byte) error {
	return m.rows(array, box, len(from), func(at int, row []byte) { copy(row, from[at:]) })
}

// rows calls f for every row of a box: where it is among the bytes of all, and its memory.
func (m *Machine) rows(array string, box []ir.Interval, bytes int, f func(at int, row []byte)) error {
	b, err := m.array(array)
	if err != nil {
		return err
	}
	if err := ir.CheckBox(array, box, b.n); err != nil {
		return err
	}
	size := m.ElemBytes(array)
	if n := ir.Volume(box) * size; n != bytes {
		return fmt.Errorf("a box %v of array %s has %d bytes, not %d", box, array, n, bytes)
	}
	mem := b.bytes()
	ir.EachRow(box, 0, b.stride, func(off, at, w int) { f(at*size, mem[off*size:(off+w)*size]) })
	return nil
}

// bytes is the memory of a vector.
func (v *vec) bytes() []byte {
	switch {
	case v.f32 != nil:
		return ir.Memory(v.f32)
	case v.f64 != nil:
		return ir.Memory(v.f64)
	case v.i32 != nil:
		return ir.Memory(v.i32)
	}
	return ir.Memory(v.i64)
}
