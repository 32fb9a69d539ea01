package tomesh

import "github.com/wfc-lang/wfc/ir"

// An index on a fine grid that reads a coarse one, at floor((i+off)/div), steps through the coarse points once in div points. So the box
// is done in phases, the points i, i+div, .. of each: within a phase every access has a constant stride. Blocks begin at multiples of
// their unit, so the phase of a point is that of its position in the block.

// strides says how a box stands for every step-th point of an iteration dimension: Lo is the first point and Hi-Lo the number of points.
// Nil is 1 everywhere.
type strides []int

func (s strides) of(d int) int {
	if s == nil {
		return 1
	}
	return s[d]
}

// phases calls f for the phases of box b.
func (p *piece) phases(b []ir.Interval, f func(b []ir.Interval, s strides)) {
	s := p.steps(len(b))
	if s == nil {
		f(b, nil)
		return
	}
	var walk func(d int, b []ir.Interval)
	walk = func(d int, b []ir.Interval) {
		if d == len(b) {
			f(b, s)
			return
		}
		for k := 0; k < s[d] && b[d].Lo+k < b[d].Hi; k++ {
			c := append([]ir.Interval{}, b...)
			c[d].Lo += k
			c[d].Hi = c[d].Lo + (b[d].Hi-c[d].Lo+s[d]-1)/s[d]
			walk(d+1, c)
		}
	}
	walk(0, b)
}

// steps is the number of phases per dimension, nil when all have one.
func (p *piece) steps(rank int) strides {
	var s strides
	for _, a := range p.acc {
		for e, d := range a.dim {
			if d < 0 || a.div[e] == 1 {
				continue
			}
			if s == nil {
				s = make(strides, rank)
				for i := range s {
					s[i] = 1
				}
			}
			s[d] = s[d] / gcd(s[d], a.div[e]) * a.div[e]
		}
	}
	return s
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// stepped addresses the points of a phase of o, which covers all points from the phase's first on.
func (o *opnd) stepped(s strides) *opnd {
	if s == nil || o.scalar.Kind != 0 {
		return o
	}
	m := *o
	m.stride = append([]int{}, o.stride...)
	for d := range m.stride {
		if d < len(s) {
			m.stride[d] *= s[d]
		}
	}
	return &m
}
