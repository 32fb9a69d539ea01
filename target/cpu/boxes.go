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
	if err := ir.CheckBox(array, box, e.plan.prog.Shape(a)); err != nil {
		return err
	}
	size := storageBytes(a.Elem)
	if n := ir.Volume(box) * size; n != bytes {
		return fmt.Errorf("a box %v of array %s has %d bytes, not %d", box, array, n, bytes)
	}
	ir.EachRow(box, l.base, l.stride, func(off, at, w int) {
		f(at*size, unsafe.Slice((*byte)(unsafe.Add(p, off*size)), w*size))
	})
	return nil
}
