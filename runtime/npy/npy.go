// Package npy reads and writes NumPy's .npy and .npz files (format versions 1, 2 and 3; numpy/lib/format.py describes them).
//
// A .npy file is a magic string, a version, a Python dictionary literal with the keys descr, fortran_order and shape, and the
// elements. Reading accepts the numeric types of one to eight bytes in either byte order and either array order; writing makes
// little-endian C order, version 1 when the header fits. The shape is held against the number of bytes that are really there before
// anything is allocated, so a small file cannot claim much memory.
package npy

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/wfc-lang/wfc/internal/ieee"
)

// Type is the type of an element.
type Type struct {
	Kind byte // 'b' bool, 'i' signed, 'u' unsigned, 'f' float
	Size int  // bytes: 1, 2, 4, 8
}

func (t Type) String() string {
	if t.Size == 1 {
		return fmt.Sprintf("|%c%d", t.Kind, t.Size)
	}
	return fmt.Sprintf("<%c%d", t.Kind, t.Size)
}

func (t Type) valid() bool {
	switch t.Kind {
	case 'b':
		return t.Size == 1
	case 'i', 'u':
		return t.Size == 1 || t.Size == 2 || t.Size == 4 || t.Size == 8
	case 'f':
		return t.Size == 2 || t.Size == 4 || t.Size == 8
	}
	return false
}

// Array is the contents of a .npy file: Data holds the elements little-endian in C order (last index fastest).
type Array struct {
	Type Type
	Dims []int
	Data []byte
}

// Len is the number of elements; an array without dimensions has one.
func (a *Array) Len() int { return len(a.Data) / a.Type.Size }

// bits returns element k as the little-endian integer of its bytes.
func (a *Array) bits(k int) uint64 {
	b := a.Data[k*a.Type.Size:]
	switch a.Type.Size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// Float returns element k; 64-bit integers beyond 2^53 are rounded to nearest.
func (a *Array) Float(k int) float64 {
	v := a.bits(k)
	switch a.Type.Kind {
	case 'f':
		switch a.Type.Size {
		case 2:
			return ieee.HalfTo64(uint16(v))
		case 4:
			return float64(math.Float32frombits(uint32(v)))
		}
		return math.Float64frombits(v)
	case 'i':
		return float64(signed(v, a.Type.Size))
	case 'b':
		if v != 0 {
			return 1
		}
		return 0
	}
	return float64(v)
}

// Int returns element k of an integer or bool array; ok is false when it is not representable (or the array is of floats).
func (a *Array) Int(k int) (v int64, ok bool) {
	u := a.bits(k)
	switch a.Type.Kind {
	case 'i':
		return signed(u, a.Type.Size), true
	case 'u':
		return int64(u), u <= math.MaxInt64
	case 'b':
		if u != 0 {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func signed(v uint64, size int) int64 {
	s := 64 - 8*size
	return int64(v<<s) >> s
}

// volume is the product of dims times size; ok is false on a negative extent or overflow of an int.
func volume(dims []int, size int) (n int, ok bool) {
	// A zero extent anywhere makes the array empty, whatever the others are.
	for _, d := range dims {
		if d < 0 {
			return 0, false
		}
		if d == 0 {
			size = 0
		}
	}
	n = size
	for _, d := range dims {
		hi, lo := bits.Mul64(uint64(n), uint64(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, false
		}
		n = int(lo)
	}
	return n, true
}
