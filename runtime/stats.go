package runtime

import (
	"fmt"
	"math"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Stats are statistics of an array over its interior: all cells, and of nodes those that are not at an end of an axis along which the
// array has boundary conditions (an axis of one or two nodes has no interior and counts whole, and so does a dim).
//
// They are computed in f64 in row-major order. Sum and the sum of squares are compensated (A. Neumaier, "Rundungsfehleranalyse
// einiger Verfahren zur Summation endlicher Summen", 1974), so that their error does not grow with the number of points.
type Stats struct {
	Min  Number `json:"min"`
	Max  Number `json:"max"`
	Mean Number `json:"mean"`
	Sum  Number `json:"sum"`
	L2   Number `json:"l2"` // square root of the sum of squares
}

// bounded returns the axes of an array with the nodes of those axes along which it has no boundary conditions taken as cells: no end
// of them is a boundary.
func bounded(axes []ir.Axis, a *ir.Array) []ir.Axis {
	out := slices.Clone(axes)
	for d := range out {
		out[d].Nodes = out[d].Nodes && slices.ContainsFunc(a.BC, func(b ir.Boundary) bool { return b.Axis == out[d].Name })
	}
	return out
}

// statistics computes Stats of an array. A NaN anywhere makes all of them NaN.
func statistics(axes []ir.Axis, t *ir.Tensor) Stats {
	mn, mx := math.Inf(1), math.Inf(-1)
	var sum, sq neumaier
	n := 0
	interior(axes, func(k int) {
		v := t.At(k)
		if math.IsNaN(v) {
			mn, mx = v, v
		}
		mn, mx = math.Min(mn, v), math.Max(mx, v)
		sum.add(v)
		sq.add(float64(v * v))
		n++
	})
	return Stats{Number(mn), Number(mx), Number(sum.value() / float64(n)), Number(sum.value()), Number(math.Sqrt(sq.value()))}
}

// interior calls f with the offset of every interior point in row-major order.
func interior(axes []ir.Axis, f func(k int)) {
	lo, hi, idx := make([]int, len(axes)), make([]int, len(axes)), make([]int, len(axes))
	for d, a := range axes {
		hi[d] = a.N
		if a.Nodes && !a.Periodic && a.N > 2 {
			lo[d], hi[d] = 1, a.N-1
		}
		idx[d] = lo[d]
		if a.N == 0 {
			return
		}
	}
	for {
		k := 0
		for d := range axes {
			k = k*axes[d].N + idx[d]
		}
		f(k)
		d := len(axes) - 1
		for ; d >= 0; d-- {
			if idx[d]++; idx[d] < hi[d] {
				break
			}
			idx[d] = lo[d]
		}
		if d < 0 {
			return
		}
	}
}

// neumaier is a compensated sum.
type neumaier struct{ s, c float64 }

func (n *neumaier) add(v float64) {
	t := n.s + v
	switch {
	case math.IsInf(t, 0) || math.IsNaN(t):
		n.c = 0 // the compensation would turn infinity into NaN
	case math.Abs(n.s) >= math.Abs(v):
		n.c += (n.s - t) + v
	default:
		n.c += (v - t) + n.s
	}
	n.s = t
}

func (n *neumaier) value() float64 { return n.s + n.c }

// finite says whether all elements of a float tensor are finite numbers.
func finite(t *ir.Tensor) bool {
	for _, v := range t.F32 {
		if v-v != 0 {
			return false
		}
	}
	for _, v := range t.F64 {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// first returns the index of the first element of a float tensor that is as asked.
func first(t *ir.Tensor, is func(float64) bool) (k int, found bool) {
	for k, v := range t.F32 {
		if is(float64(v)) {
			return k, true
		}
	}
	for k, v := range t.F64 {
		if is(v) {
			return k, true
		}
	}
	return 0, false
}

// indexText is "[i, j]" for an offset.
func indexText(dims []int, k int) string {
	s := ""
	for d := len(dims) - 1; d >= 0; d-- {
		if s != "" {
			s = ", " + s
		}
		s = fmt.Sprint(k%dims[d]) + s
		k /= dims[d]
	}
	return "[" + s + "]"
}

// between is a place on an axis: the points around it, and the weight of the second.
type between struct {
	i0, i1 int
	f      float64
}

// placed finds a place; a periodic axis wraps, beyond the outermost points of another axis the nearest one holds.
func placed(a *ir.Axis, at float64) between {
	x := a.Index(at)
	i := math.Floor(x)
	f := x - i
	if !a.Periodic {
		if x <= 0 {
			i, f = 0, 0
		} else if x >= float64(a.N-1) {
			i, f = float64(a.N-1), 0
		}
	}
	i0 := wrap(int(i), a.N)
	return between{i0, wrap(i0+1, a.N), f}
}

// places are those of a point, one on every axis.
func places(axes []ir.Axis, at []float64) []between {
	p := make([]between, len(axes))
	for d := range axes {
		if d < len(at) {
			p[d] = placed(&axes[d], at[d])
		}
	}
	return p
}

// boxAround is the smallest box with what a sample is made of.
func boxAround(p []between) []ir.Interval {
	box := make([]ir.Interval, len(p))
	for d, b := range p {
		box[d] = ir.Interval{Lo: b.i0, Hi: b.i0 + 1}
		if b.f != 0 {
			box[d] = ir.Interval{Lo: min(b.i0, b.i1), Hi: max(b.i0, b.i1) + 1}
		}
	}
	return box
}

// sample interpolates an array linearly between its points. t has the elements of the box.
func sample(p []between, box []ir.Interval, t *ir.Tensor) float64 {
	type weight struct {
		k int
		w float64
	}
	points := []weight{{0, 1}}
	for d, b := range p {
		n, lo := box[d].Hi-box[d].Lo, box[d].Lo
		var next []weight
		for _, p := range points {
			if b.f != 1 {
				next = append(next, weight{p.k*n + b.i0 - lo, p.w * (1 - b.f)})
			}
			if b.f != 0 {
				next = append(next, weight{p.k*n + b.i1 - lo, p.w * b.f})
			}
		}
		points = next
	}
	var s neumaier
	for _, p := range points {
		s.add(float64(p.w * t.At(p.k)))
	}
	return s.value()
}

func wrap(i, n int) int { return ((i % n) + n) % n }
