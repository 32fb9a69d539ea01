package sim

import (
	"encoding/binary"
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/target/wse"
)

func (s *Sim) loadMem(at, bytes int) uint32 {
	if bytes == 2 {
		return uint32(binary.LittleEndian.Uint16(s.mem[at:]))
	}
	return binary.LittleEndian.Uint32(s.mem[at:])
}

func (s *Sim) store(at, bytes int, v uint32) {
	if bytes == 2 {
		binary.LittleEndian.PutUint16(s.mem[at:], uint16(v))
		return
	}
	binary.LittleEndian.PutUint32(s.mem[at:], v)
}

// Encode gives the bits of v as an element: floats are rounded to nearest even,
// integers truncated and wrapped.
func Encode(e wse.Elem, v float64) uint32 {
	switch e {
	case wse.F32:
		return math.Float32bits(float32(v))
	case wse.F16:
		return uint32(ieee.HalfFrom32(float32(v)))
	case wse.U16:
		return uint32(uint16(int64(v)))
	}
	return uint32(int64(v))
}

// Decode is the value of an element's bits.
func Decode(e wse.Elem, b uint32) float64 {
	switch e {
	case wse.F32:
		return float64(math.Float32frombits(b))
	case wse.F16:
		return float64(ieee.HalfFromBits(uint16(b)))
	case wse.I32:
		return float64(int32(b))
	}
	return float64(b)
}
