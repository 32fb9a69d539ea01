package cpu

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// A stencil in three dimensions reads every plane once for each plane that it is a neighbour of. Where planes are so large that those do not stay
// in the second cache, its kernel goes through the field in strips of rows: all planes of a strip, then the next strip. No point is
// computed twice, and what is computed of a point does not depend on when.

// stripBytes is the size of a strip's part of a plane. Several planes of some operands fit the second cache; what strips read of each other,
// some rows, is little of it. A core asks for memory anew with every plane of a strip, which takes longer than what is saved if the strip is
// short: conjugate gradients on 128^3 points took 1.4 times as long in strips of half of leastStrip. Tests change it.
var stripBytes = func() int { return max(secondCache(1, 16), leastStrip) }

// leastStrip is the least size, of which three planes fit every second cache.
const leastStrip = 64 << 10

// stripRows is how many rows of a plane the kernel of some points does at a time, 0 for all. dims are the indices of the points and body what is
// computed for each; rows come in multiples of by.
func stripRows(dims []ir.Range, pieces []ir.Piece, by int) int {
	if len(dims) != 3 {
		return 0
	}
	reach, size := planesRead(dims, pieces)
	row := (dims[2].Hi - dims[2].Lo) * size
	rows := dims[1].Hi - dims[1].Lo
	if reach < 2 || row <= 0 || rows*row <= 3*stripBytes() {
		return 0
	}
	strip := max(stripBytes()/row, 1)
	if strip = (strip + by - 1) / by * by; strip >= rows {
		return 0
	}
	return strip
}

// strips emits body for the strips lo to hi-1 of the planes from first on, planes of them, strip after strip: what gets the plane and the strip.
func (k *kernel) strips(planes, strips, first int, body func(plane, strip emit.Bound)) {
	k.Loop(emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}, 1, emit.Plain, func(t emit.Bound) {
		d := k.digits(t, []int{strips, planes})
		body(k.Add(d[1], emit.At(first)), d[0])
	})
}
