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
	n := m.ElemBytes(array)
	for d, r := range box {
		if d >= len(b.n) || r.Lo < 0 || r.Hi > b.n[d] || r.Lo > r.Hi {
			return fmt.Errorf("array %s has extents %v, the box is %v", array, b.n, box)
		}
		n *= r.Hi - r.Lo
	}
	if n != bytes || len(box) != len(b.n) {
		return fmt.Errorf("a box %v of array %s has %d bytes, not %d", box, array, n, bytes)
	}
	if n == 0 {
		return nil
	}
	mem := b.bytes()
	size, at := m.ElemBytes(array), 0
	var each func(d, off int)
	each = func(d, off int) {
		if d >= len(box)-1 {
			w := 1
			if d == len(box)-1 {
				off, w = off+box[d].Lo, box[d].Hi-box[d].Lo
			}
			f(at, mem[off*size:(off+w)*size])
			at += w * size
			return
		}
		for i := box[d].Lo; i < box[d].Hi; i++ {
			each(d+1, off+i*b.stride[d])
		}
	}
	each(0, 0)
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
