package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

// Floats turns bytes of a floating-point or integer type into float32 values. f64 and wide integers are rounded once; the others are exact.
func Floats(d DType, b []byte) ([]float32, error) {
	le := binary.LittleEndian
	n := 0
	if s := d.Bits() / 8; s > 0 {
		n = len(b) / s
	}
	out := make([]float32, n)
	switch d {
	case F32:
		for i := range out {
			out[i] = math.Float32frombits(le.Uint32(b[4*i:]))
		}
	case F16:
		for i := range out {
			out[i] = ieee.HalfFromBits(le.Uint16(b[2*i:]))
		}
	case BF16:
		for i := range out {
			out[i] = math.Float32frombits(uint32(le.Uint16(b[2*i:])) << 16)
		}
	case F64:
		for i := range out {
			out[i] = float32(math.Float64frombits(le.Uint64(b[8*i:])))
		}
	case I32:
		for i := range out {
			out[i] = float32(int32(le.Uint32(b[4*i:])))
		}
	case I64:
		for i := range out {
			out[i] = float32(int64(le.Uint64(b[8*i:])))
		}
	default:
		return nil, fmt.Errorf("type %s is not read as numbers", d)
	}
	return out, nil
}

// BF16Bits rounds to bfloat16, ties to even; NaN stays a NaN.
func BF16Bits(v float32) uint16 {
	u := math.Float32bits(v)
	if v != v {
		return uint16(u>>16) | 0x40
	}
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// FromFloats turns float32 values into bytes of type F32, F16 or BF16, rounded once, ties to even.
func FromFloats(d DType, v []float32) ([]byte, error) {
	le := binary.LittleEndian
	switch d {
	case F32:
		b := make([]byte, 4*len(v))
		for i, x := range v {
			le.PutUint32(b[4*i:], math.Float32bits(x))
		}
		return b, nil
	case F16:
		b := make([]byte, 2*len(v))
		for i, x := range v {
			le.PutUint16(b[2*i:], ieee.HalfFrom32(x))
		}
		return b, nil
	case BF16:
		b := make([]byte, 2*len(v))
		for i, x := range v {
			le.PutUint16(b[2*i:], BF16Bits(x))
		}
		return b, nil
	}
	return nil, fmt.Errorf("weights are not written as %s; the types are F32, F16 and BF16", d)
}

// Head describes the exact image of a tensor, without its data.
func Head(name string, t *ir.Tensor) (Tensor, error) {
	d, ok := map[ir.Elem]DType{ir.F32: F32, ir.F16: F16, ir.F64: F64, ir.Bool: Bool, ir.I32: I32}[t.Elem]
	if !ok {
		return Tensor{}, fmt.Errorf("tensor %q: element type %v is not stored", name, t.Elem)
	}
	return Tensor{Name: name, DType: d, Shape: t.Dims}, nil
}

// FromTensor is the exact image of a tensor. Bool takes a byte per element.
func FromTensor(name string, t *ir.Tensor) (Tensor, error) {
	out, err := Head(name, t)
	if err != nil {
		return out, err
	}
	le := binary.LittleEndian
	switch t.Elem {
	case ir.F32, ir.F16:
		out.Data, err = FromFloats(out.DType, t.F32)
	case ir.F64:
		out.Data = make([]byte, 8*len(t.F64))
		for i, x := range t.F64 {
			le.PutUint64(out.Data[8*i:], math.Float64bits(x))
		}
	case ir.Bool:
		out.Data = make([]byte, len(t.I32))
		for i, x := range t.I32 {
			out.Data[i] = byte(x & 1)
		}
	case ir.I32:
		out.Data = make([]byte, 4*len(t.I32))
		for i, x := range t.I32 {
			le.PutUint32(out.Data[4*i:], uint32(x))
		}
	}
	return out, err
}

// ToTensor is the inverse of FromTensor: type and shape must be those of the file.
func ToTensor(e *Entry, b []byte) (*ir.Tensor, error) {
	if n, err := byteSize(e.DType, e.Shape); err != nil || int64(len(b)) != n {
		return nil, fmt.Errorf("tensor %q: %d bytes for %v of %s", e.Name, len(b), e.Shape, e.DType)
	}
	le := binary.LittleEndian
	t := &ir.Tensor{Dims: append([]int(nil), e.Shape...)}
	switch e.DType {
	case F32, F16, BF16:
		t.Elem = ir.F32
		if e.DType == F16 {
			t.Elem = ir.F16
		}
		var err error
		t.F32, err = Floats(e.DType, b)
		return t, err
	case F64:
		t.Elem, t.F64 = ir.F64, make([]float64, len(b)/8)
		for i := range t.F64 {
			t.F64[i] = math.Float64frombits(le.Uint64(b[8*i:]))
		}
	case Bool:
		t.Elem, t.I32 = ir.Bool, make([]int32, len(b))
		for i := range t.I32 {
			t.I32[i] = int32(b[i] & 1)
		}
	case I32:
		t.Elem, t.I32 = ir.I32, make([]int32, len(b)/4)
		for i := range t.I32 {
			t.I32[i] = int32(le.Uint32(b[4*i:]))
		}
	default:
		return nil, fmt.Errorf("tensor %q: type %s is not one of a program", e.Name, e.DType)
	}
	return t, nil
}

// Tensor reads a tensor in its own type.
func (f *File) Tensor(name string) (*ir.Tensor, error) {
	b, err := f.Read(name)
	if err != nil {
		return nil, err
	}
	return ToTensor(f.Entry(name), b)
}

// Floats reads a tensor as float32 values.
func (f *File) Floats(name string) ([]float32, error) {
	b, err := f.Read(name)
	if err != nil {
		return nil, err
	}
	v, err := Floats(f.Entry(name).DType, b)
	if err != nil {
		return nil, fmt.Errorf("%s: tensor %q: %w", f.Path, name, err)
	}
	return v, nil
}
