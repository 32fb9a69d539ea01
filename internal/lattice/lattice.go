// Package lattice holds the geometry of the mesh that every level below the index IR shares: strided ranges, their products, and
// the ports of a router. Classes of PEs, queue colors and route tables are all overlays of such regions, so their number does not
// grow with the mesh.
package lattice

import (
	"fmt"
	"strings"
)

// Range is {Lo, Lo+Step, ..} below Hi. Step 0 reads as 1.
type Range struct{ Lo, Hi, Step int }

// Span is the contiguous range [lo, hi).
func Span(lo, hi int) Range { return Range{lo, hi, 1} }

// Stride is the step, 1 when it is not given.
func (r Range) Stride() int {
	if r.Step == 0 {
		return 1
	}
	return r.Step
}

// Contains reports membership.
func (r Range) Contains(i int) bool {
	return i >= r.Lo && i < r.Hi && (i-r.Lo)%r.Stride() == 0
}

// Len is the number of members.
func (r Range) Len() int {
	if r.Hi <= r.Lo {
		return 0
	}
	return (r.Hi - r.Lo + r.Stride() - 1) / r.Stride()
}

// Common finds a value that all ranges have.
func Common(rs ...Range) (int, bool) {
	lo, hi, k := rs[0].Lo, rs[0].Hi, 0
	for i, r := range rs {
		lo, hi = max(lo, r.Lo), min(hi, r.Hi)
		if r.Stride() > rs[k].Stride() {
			k = i
		}
	}
	// Walk the sparsest range; the pattern repeats after the product of the steps.
	step, period := rs[k].Stride(), 1
	for _, r := range rs {
		period *= min(r.Stride(), 1<<20)
		period = min(period, 1<<20)
	}
	if d := (lo - rs[k].Lo) % step; d != 0 {
		lo += step - d
	}
next:
	for v := lo; v < hi && v <= lo+period; v += step {
		for _, r := range rs {
			if !r.Contains(v) {
				continue next
			}
		}
		return v, true
	}
	return 0, false
}

// Region is a product of ranges of PE coordinates. x grows to the east, y to the south; (0, 0) is the north-west corner.
type Region struct{ X, Y Range }

// Contains reports whether PE (x, y) lies in the region.
func (r Region) Contains(x, y int) bool { return r.X.Contains(x) && r.Y.Contains(y) }

// Count is the number of PEs of the region.
func (r Region) Count() int { return r.X.Len() * r.Y.Len() }

// Meets finds a PE that r and all others have.
func (r Region) Meets(others ...Region) (x, y int, ok bool) {
	var bufX, bufY [4]Range // few regions: nothing to allocate
	xs, ys := append(bufX[:0], r.X), append(bufY[:0], r.Y)
	for _, o := range others {
		xs, ys = append(xs, o.X), append(ys, o.Y)
	}
	if x, ok = Common(xs...); ok {
		y, ok = Common(ys...)
	}
	return x, y, ok
}

// Dir is a port of a router. A wavelet that enters from West comes from the western neighbour, which sent it to its East. North
// decreases y.
type Dir uint8

// Router ports, in the order that breaks ties.
const (
	North Dir = iota
	East
	South
	West
	Ramp
)

// DirNames are the names of the ports, by number.
var DirNames = []string{"north", "east", "south", "west", "ramp"}

func (d Dir) String() string {
	if int(d) < len(DirNames) {
		return DirNames[d]
	}
	return "?"
}

// Opposite is the port at the other end of the link; Ramp is its own opposite.
func (d Dir) Opposite() Dir {
	if d == Ramp {
		return Ramp
	}
	return (d + 2) % 4
}

// Delta is the step in x and y to the neighbour behind port d.
func (d Dir) Delta() (dx, dy int) {
	switch d {
	case North:
		return 0, -1
	case East:
		return 1, 0
	case South:
		return 0, 1
	case West:
		return -1, 0
	}
	return 0, 0
}

// DirSet is a set of ports, bit 1<<d for Dir d.
type DirSet uint8

// Dirs builds a set.
func Dirs(ds ...Dir) DirSet {
	var s DirSet
	for _, d := range ds {
		s |= 1 << d
	}
	return s
}

// Has reports membership.
func (s DirSet) Has(d Dir) bool { return s&(1<<d) != 0 }

// With adds d.
func (s DirSet) With(d Dir) DirSet { return s | 1<<d }

func (s DirSet) String() string {
	var out []string
	for d := North; d <= Ramp; d++ {
		if s.Has(d) {
			out = append(out, d.String())
		}
	}
	return strings.Join(out, ",")
}

func (r Range) String() string {
	s := fmt.Sprintf("%d..%d", r.Lo, r.Hi)
	if r.Stride() != 1 {
		s += fmt.Sprintf(" step %d", r.Step)
	}
	return s
}

func (r Region) String() string { return "x " + r.X.String() + " y " + r.Y.String() }
