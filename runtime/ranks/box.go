package ranks

import "github.com/wfc-lang/wfc/ir"

// box is a range of points per dimension. On cut axes its coordinates are those of the axis without wrapping: the points left of the first
// one of a periodic axis have numbers below 0 and are the last ones.
type box []ir.Interval

func (b box) volume() int { return ir.Volume(b) }

func (b box) clone() box { return append(box(nil), b...) }

func (b box) contains(c box) bool {
	for d := range b {
		if c[d].Lo < b[d].Lo || c[d].Hi > b[d].Hi {
			return false
		}
	}
	return true
}

func (b box) meet(c box) box {
	out := make(box, len(b))
	for d := range b {
		out[d] = meet(b[d], c[d])
	}
	return out
}

func (b box) hull(c box) box {
	out := make(box, len(b))
	for d := range b {
		out[d] = hull(b[d], c[d])
	}
	return out
}

// less is b without c, as boxes.
func (b box) less(c box) []box {
	if b.meet(c).volume() == 0 {
		if b.volume() == 0 {
			return nil
		}
		return []box{b}
	}
	var out []box
	rest := b.clone()
	for d := range b {
		for _, side := range []ir.Interval{{Lo: rest[d].Lo, Hi: c[d].Lo}, {Lo: c[d].Hi, Hi: rest[d].Hi}} {
			if side.Lo < side.Hi {
				p := rest.clone()
				p[d] = side
				out = append(out, p)
			}
		}
		rest[d] = meet(rest[d], c[d])
	}
	return out
}

func (b box) from(origin []int) box {
	out := make(box, len(b))
	for d := range b {
		out[d] = shift(b[d], -origin[d])
	}
	return out
}

// lows is where a box begins.
func (b box) lows() []int {
	at := make([]int, len(b))
	for d, r := range b {
		at[d] = r.Lo
	}
	return at
}

func meet(a, b ir.Interval) ir.Interval {
	return ir.Interval{Lo: max(a.Lo, b.Lo), Hi: min(a.Hi, b.Hi)}
}

// hull is the smallest interval around both; an empty one counts for nothing.
func hull(a, b ir.Interval) ir.Interval {
	switch {
	case a.Lo >= a.Hi:
		return b
	case b.Lo >= b.Hi:
		return a
	}
	return ir.Interval{Lo: min(a.Lo, b.Lo), Hi: max(a.Hi, b.Hi)}
}

func shift(a ir.Interval, by int) ir.Interval { return ir.Interval{Lo: a.Lo + by, Hi: a.Hi + by} }

// add puts a box into a list of windows: into one that has it, or that is not much larger with it than both are, else as its own.
func add(list []box, b box) []box {
	for i, w := range list {
		if w.contains(b) {
			return list
		}
		if h := w.hull(b); h.volume() <= 2*(w.volume()+b.volume()) {
			list = append(list[:i:i], list[i+1:]...)
			return add(list, h) // it may have come near to another
		}
	}
	return append(list, b)
}

// holds returns the first window that contains b, or -1.
func holds(list []box, b box) int {
	for i, w := range list {
		if w.contains(b) {
			return i
		}
	}
	return -1
}
