// Package gguf writes GGUF files, version 3 (ggml docs/gguf.md): a little-endian header, key-value pairs, a table of tensors, and the
// tensors aligned to 32 bytes, the fastest dimension first. Matrices are F32, F16 or Q8_0; vectors and positions stay F32, as the
// converters of llama.cpp leave them.
package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
)

// Type is the type of a tensor's elements.
type Type uint32

// The types written, by ggml's numbers.
const (
	F32 Type = 0
	F16 Type = 1
	Q8  Type = 8 // Q8_0: blocks of 32 with an f16 scale
)

// ParseType reads f32, f16 or q8_0.
func ParseType(s string) (Type, bool) {
	for t, n := range map[Type]string{F32: "f32", F16: "f16", Q8: "q8_0"} {
		if n == s {
			return t, true
		}
	}
	return 0, false
}

// fileType is general.file_type.
func (t Type) fileType() uint32 {
	switch t {
	case F16:
		return 1
	case Q8:
		return 7
	}
	return 0
}

const (
	version   = 3
	alignment = 32
	block     = 32 // elements of a Q8_0 block
	blockSize = 34
)

// Key is a key-value pair: uint32, float32, bool, string, []string, []int32.
type Key struct {
	Name  string
	Value any
}

// Tensor is a tensor to write: rows of Shape's last dimension, row-major.
type Tensor struct {
	Name  string
	Shape []int
	Type  Type
	V     []float32
}

// size is the number of bytes.
func (t *Tensor) size() (int64, error) {
	n := int64(1)
	for _, d := range t.Shape {
		n *= int64(d)
	}
	if n != int64(len(t.V)) || len(t.Shape) == 0 || len(t.Shape) > 4 || len(t.Name) > 64 {
		return 0, fmt.Errorf("tensor %q: %d values for %v (1 to 4 dimensions, names of at most 64 bytes)", t.Name, len(t.V), t.Shape)
	}
	switch t.Type {
	case F32:
		return 4 * n, nil
	case F16:
		return 2 * n, nil
	case Q8:
		if t.Shape[len(t.Shape)-1]%block == 0 {
			return n / block * blockSize, nil
		}
	}
	return 0, fmt.Errorf("tensor %q of %v cannot be of type %d", t.Name, t.Shape, t.Type)
}

// out writes little-endian values and remembers the first error.
type out struct {
	w   io.Writer
	n   int64
	err error
}

func (o *out) bytes(b []byte) {
	if o.err == nil {
		var n int
		n, o.err = o.w.Write(b)
		o.n += int64(n)
	}
}

func (o *out) u32(v uint32) { o.bytes(binary.LittleEndian.AppendUint32(nil, v)) }
func (o *out) u64(v uint64) { o.bytes(binary.LittleEndian.AppendUint64(nil, v)) }

func (o *out) text(s string) {
	o.u64(uint64(len(s)))
	o.bytes([]byte(s))
}

func (o *out) pad() {
	if r := o.n % alignment; r != 0 {
		o.bytes(make([]byte, alignment-r))
	}
}

// Numbers of the types of values.
const (
	typeU32    = 4
	typeI32    = 5
	typeF32    = 6
	typeBool   = 7
	typeString = 8
	typeArray  = 9
)

func (o *out) key(k Key) {
	o.text(k.Name)
	switch v := k.Value.(type) {
	case uint32:
		o.u32(typeU32)
		o.u32(v)
	case float32:
		o.u32(typeF32)
		o.u32(math.Float32bits(v))
	case bool:
		o.u32(typeBool)
		if v {
			o.bytes([]byte{1})
		} else {
			o.bytes([]byte{0})
		}
	case string:
		o.u32(typeString)
		o.text(v)
	case []string:
		o.u32(typeArray)
		o.u32(typeString)
		o.u64(uint64(len(v)))
		for _, s := range v {
			o.text(s)
		}
	case []int32:
		o.u32(typeArray)
		o.u32(typeI32)
		o.u64(uint64(len(v)))
		for _, x := range v {
			o.u32(uint32(x))
		}
	default:
		o.err = fmt.Errorf("key %s: a value of type %T", k.Name, v)
	}
}

// Write writes a file. The bytes depend on the arguments only.
func Write(w io.Writer, keys []Key, tensors []Tensor) error {
	o := &out{w: w}
	o.bytes([]byte("GGUF"))
	o.u32(version)
	o.u64(uint64(len(tensors)))
	o.u64(uint64(len(keys)))
	for _, k := range keys {
		o.key(k)
	}
	at := int64(0)
	for i := range tensors {
		t := &tensors[i]
		n, err := t.size()
		if err != nil {
			return err
		}
		o.text(t.Name)
		o.u32(uint32(len(t.Shape)))
		for d := len(t.Shape) - 1; d >= 0; d-- {
			o.u64(uint64(t.Shape[d]))
		}
		o.u32(uint32(t.Type))
		o.u64(uint64(at))
		at += (n + alignment - 1) / alignment * alignment
	}
	o.pad()
	for i := range tensors {
		o.tensor(&tensors[i])
		o.pad()
	}
	return o.err
}

func (o *out) tensor(t *Tensor) {
	const chunk = 1 << 14 // elements, whole blocks
	for v := t.V; len(v) > 0 && o.err == nil; {
		n := min(chunk, len(v))
		o.bytes(encode(t.Type, v[:n]))
		v = v[n:]
	}
}

// encode turns values into bytes of a type.
func encode(t Type, v []float32) []byte {
	le := binary.LittleEndian
	var b []byte
	switch t {
	case F32:
		for _, x := range v {
			b = le.AppendUint32(b, math.Float32bits(x))
		}
	case F16:
		for _, x := range v {
			b = le.AppendUint16(b, ieee.HalfFrom32(x))
		}
	case Q8:
		for ; len(v) > 0; v = v[block:] {
			b = appendQ8(b, v[:block])
		}
	}
	return b
}

// appendQ8 is ggml's quantize_row_q8_0: the scale is the largest magnitude over 127, in half precision; values are divided by the
// scale before it is rounded, and rounded half away from zero.
func appendQ8(b []byte, v []float32) []byte {
	top := float32(0)
	for _, x := range v {
		top = max(top, float32(math.Abs(float64(x))))
	}
	d := top / 127
	id := float32(0)
	if d != 0 {
		id = 1 / d
	}
	b = binary.LittleEndian.AppendUint16(b, ieee.HalfFrom32(d))
	for _, x := range v {
		q := math.Round(float64(float32(x * id)))
		b = append(b, byte(int8(max(-127, min(127, q)))))
	}
	return b
}
