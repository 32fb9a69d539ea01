package cpu

import "github.com/wfc-lang/wfc/ir"

// layout is how a box of elements lies in memory: row-major, last dimension contiguous, with room for ghost values. The element with
// coordinates c is at base + sum c[d]*stride[d]. Coordinates are those of the axes, so ghosts have coordinates below 0 or above N-1.
type layout struct {
	elem   ir.Elem
	box    []ir.Interval
	stride []int
	base   int
	size   int // elements
}

// storageBytes is the size of an element in memory: Bool takes a byte, F16 two.
func storageBytes(e ir.Elem) int {
	switch e {
	case ir.Bool:
		return 1
	case ir.F16:
		return 2
	case ir.I64, ir.F64:
		return 8
	}
	return 4
}

// newLayout lays out box. Long rows are padded so that coordinate 0 of each starts a cache line; what lies left of it shares the padding
// of the row before. Rows of whole pages get a line more: all lines of a column would share one set of the first cache.
func newLayout(e ir.Elem, box []ir.Interval) *layout { return layoutOf(e, box, false) }

// layoutOf is newLayout; with apart, long rows are an odd number of cache lines apart, so that a column does not meet itself in one set of a cache.
func layoutOf(e ir.Elem, box []ir.Interval, apart bool) *layout {
	l := &layout{elem: e, box: box, stride: make([]int, len(box))}
	if len(box) == 0 {
		l.size = 1
		return l
	}
	line := lineBytes / storageBytes(e)
	last := len(box) - 1
	n := box[last].Hi - box[last].Lo
	pad := n >= 8*line
	for d := last; d >= 0; d-- {
		if d == last {
			l.stride[d] = 1
			if pad {
				n = roundUp(n, line)
				if len(box) > 1 && (n*storageBytes(e)%smallPage == 0 || apart && n/line%2 == 0) {
					n += line
				}
			}
			continue
		}
		l.stride[d] = n
		n *= box[d].Hi - box[d].Lo
	}
	l.base = roundUp(-box[last].Lo, line)
	for d := 0; d < last; d++ {
		l.base -= box[d].Lo * l.stride[d]
	}
	l.size = l.base + 1
	for d := range box {
		l.size += (box[d].Hi - 1) * l.stride[d]
	}
	return l
}

// roundUp returns the smallest multiple of m that is not below n; n may be negative.
func roundUp(n, m int) int {
	if n > 0 {
		n += m - 1
	}
	return n / m * m
}

// bytes is the memory a buffer of this layout takes.
func (l *layout) bytes() int { return max(l.size, 1) * storageBytes(l.elem) }

// same reports whether a buffer of l can hold a value of m.
func (l *layout) same(m *layout) bool {
	if l.elem != m.elem || len(l.box) != len(m.box) {
		return false
	}
	for d := range l.box {
		if l.box[d] != m.box[d] {
			return false
		}
	}
	return true
}

// boxesMeet reports whether two boxes have a common point.
func boxesMeet(a, b []ir.Interval) bool {
	for d := range a {
		if max(a[d].Lo, b[d].Lo) >= min(a[d].Hi, b[d].Hi) {
			return false
		}
	}
	return true
}
