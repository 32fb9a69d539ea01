package cpu

import (
	"fmt"
	"unsafe"

	"github.com/wfc-lang/wfc/ir"
)

// ElemBytes is the size of an element of an array in ReadBox and WriteBox; 0 when there is no such array.
func (e *Engine) ElemBytes(array string) int {
	a, _, _, err := e.array(array)
	if err != nil {
		return 0
	}
	return storageBytes(a.Elem)
}

// ReadBox copies a box of an array as bytes, as they lie in memory, rows one after the other, last index fastest. It is how parts of an
// array are exchanged with other engines of this package.
func (e *Engine) ReadBox(array string, box []ir.Interval, to []byte) error {
	return e.rows(array, box, len(to), func(at int, row []byte) { copy(to[at:], row) })
}

// WriteBox is the inverse of ReadBox.
func (e *Engine) WriteBox(array string, box []ir.Interval, from []byte) error {
	return e.rows(array, box, len(from), func(at int, row []byte) { copy(row, from[at:]) })
}

// rows calls f for every row of a box: where it is among the bytes of all, and its memory.
func (e *Engine) rows(array string, box []ir.Interval, bytes int, f func(at int, row []byte)) error {
	a, l, p, err := e.array(array)
	if err != nil {
		return err
	}
	size := storageBytes(a.Elem)
	shape, n := e.plan.prog.Shape(a), size
	for d, r := range box {
		if d >= len(shape) || r.Lo < 0 || r.Hi > shape[d] || r.Lo > r.Hi {
			return fmt.Errorf("array %s has extents %v, the box is %v", array, shape, box)
		}
		n *= r.Hi - r.Lo
	}
	if n != bytes || len(box) != len(shape) {
		return fmt.Errorf("a box %v of array %s has %d bytes, not %d", box, array, n, bytes)
	}
	if n == 0 {
		return nil
	}
	at := 0
	var each func(d, off int)
	each = func(d, off int) {
		if d >= len(box)-1 {
			w := 1
			if d == len(box)-1 {
				off, w = off+box[d].Lo*l.stride[d], box[d].Hi-box[d].Lo
			}
			f(at, unsafe.Slice((*byte)(unsafe.Add(p, off*size)), w*size))
			at += w * size
			return
		}
		for i := box[d].Lo; i < box[d].Hi; i++ {
			each(d+1, off+i*l.stride[d])
		}
	}
	each(0, l.base)
	return nil
}
