package interp

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

// Canon's fixed geometry, see ir.Order.
const (
	lanes     = 16
	laneBlock = 4096
)

// order folds the len elements of one output point, staged in row-major order of the Over box.
type order struct {
	comb ir.Combiner
	kind ir.OrderKind
	len  int
	// Mesh: the elements of every part in ascending order, parts in row-major order of chain; an empty part has no elements.
	parts [][]int
	chain []ir.ChainAxis
	// Turned: the first element of an output point.
	start func(out int) int
}

func newOrder(p *ir.Program, op *ir.Op) (*order, error) {
	n, err := boxLen(intervals(op.Over))
	if err != nil {
		return nil, err
	}
	o := &order{comb: op.Comb, kind: op.Order.Kind, len: n}
	if o.kind == ir.Turned {
		if err := op.Order.Turn.Check(op); err != nil {
			return nil, err
		}
		at := make([]int, len(op.Dom))
		o.start = func(out int) int {
			for d := len(at) - 1; d >= 0; d-- {
				n := op.Dom[d].Hi - op.Dom[d].Lo
				at[d] = out % n
				out /= n
			}
			return op.Order.Turn.Start(op, at)
		}
	}
	if o.kind != ir.Mesh {
		return o, nil
	}
	total := 1
	dims := make([]int, len(op.Order.Chain)) // which Over range each chain axis is
	for i, c := range op.Order.Chain {
		ax := p.Axis(c.Axis)
		if ax == nil {
			return nil, fmt.Errorf("mesh order: no axis %q", c.Axis)
		}
		if !c.Cut().Valid(ax.N) {
			return nil, fmt.Errorf("mesh order: %d parts in units of %d and %d extra points of %d points of axis %s", c.Parts, c.Unit, c.Extra, ax.N, c.Axis)
		}
		dims[i] = -1
		for d, r := range op.Over {
			if r.Axis == c.Axis && dims[i] < 0 {
				dims[i] = d
			}
		}
		if dims[i] < 0 {
			return nil, fmt.Errorf("mesh order: axis %s is not reduced", c.Axis)
		}
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("mesh order: axis %s: %v", c.Axis, err)
		}
		o.chain = append(o.chain, c)
		total *= c.Parts
	}
	o.parts = make([][]int, total)
	at := make([]int, len(op.Over))
	for k := range n {
		for x, d := k, len(op.Over)-1; d >= 0; d-- {
			w := op.Over[d].Hi - op.Over[d].Lo
			at[d] = op.Over[d].Lo + x%w
			x /= w
		}
		part := 0
		for i, c := range op.Order.Chain {
			part = part*c.Parts + c.Cut().Owner(p.Axis(c.Axis).N, at[dims[i]])
		}
		o.parts[part] = append(o.parts[part], k)
	}
	return o, nil
}

// turned gives the number of the k-th element that output point out takes.
func (o *order) turned(out int) func(k int) int {
	if o.start == nil {
		return func(k int) int { return k }
	}
	s := o.start(out)
	return func(k int) int {
		if k += s; k >= o.len {
			k -= o.len
		}
		return k
	}
}

// fold combines src[at..at+len) into dst[out].
func (o *order) fold(dst *vec, out int, src *vec, at int) {
	turn := o.turned(out)
	switch {
	case dst.f64 != nil:
		s := src.f64[at : at+o.len]
		dst.f64[out] = run(o, func(k int) float64 { return s[turn(k)] }, nil, floatComb[float64](o.comb))
	case dst.f32 != nil:
		s := src.f32[at : at+o.len]
		f := floatComb[float32](o.comb)
		if dst.elem == ir.F16 {
			g := f
			f = func(a, b float32) float32 { return ieee.RoundHalf32(g(a, b)) }
		}
		dst.f32[out] = run(o, func(k int) float32 { return s[turn(k)] }, nil, f)
	default:
		s := src.i32[at : at+o.len]
		f := intComb(o.comb)
		if dst.elem == ir.Bool {
			g := f
			f = func(a, b int32) int32 { return g(a, b) & 1 }
		}
		dst.i32[out] = run(o, func(k int) int32 { return s[turn(k)] }, nil, f)
	}
}

// foldFMA accumulates a[k]*b[k] by fma.
func (o *order) foldFMA(dst *vec, out int, a, b *vec, at int) {
	turn := o.turned(out)
	if dst.f64 != nil {
		x, y := a.f64[at:at+o.len], b.f64[at:at+o.len]
		step := func(k int, acc float64) float64 {
			k = turn(k)
			return math.FMA(x[k], y[k], acc)
		}
		dst.f64[out] = run(o, func(k int) float64 { return step(k, 0) }, step, floatComb[float64](ir.Sum))
		return
	}
	x, y := a.f32[at:at+o.len], b.f32[at:at+o.len]
	if o.kind == ir.Pairs {
		dst.f32[out] = ieee.DotBrain(x, y)
		return
	}
	step := func(k int, acc float32) float32 {
		k = turn(k)
		return ieee.FMA32(x[k], y[k], acc)
	}
	add := floatComb[float32](ir.Sum)
	if dst.elem == ir.F16 {
		step = func(k int, acc float32) float32 {
			k = turn(k)
			return ieee.RoundHalf32(ieee.FMA32(x[k], y[k], acc))
		}
		add = func(a, b float32) float32 { return ieee.RoundHalf32(a + b) }
	}
	dst.f32[out] = run(o, func(k int) float32 { return step(k, 0) }, step, add)
}

// run folds elements 0..o.len-1. first gives an element (with fma: from zero), step adds element k to an accumulator (nil: by comb).
func run[T any](o *order, first func(k int) T, step func(k int, acc T) T, comb func(a, b T) T) T {
	if step == nil {
		step = func(k int, acc T) T { return comb(acc, first(k)) }
	}
	switch o.kind {
	case ir.Canon:
		return canon(o.len, first, step, comb)
	case ir.Mesh:
		return chains(o, first, step, comb)
	}
	acc := first(0)
	for k := 1; k < o.len; k++ {
		acc = step(k, acc)
	}
	return acc
}

// canon: lane l of a block takes elements l, l+16, ..; lanes fold by halves (l with l+8, then +4, +2, +1), blocks pairwise (0 with 1,
// 2 with 3, .., a last odd one passes through) until one is left. Absent lanes do not take part.
func canon[T any](n int, first func(int) T, step func(int, T) T, comb func(a, b T) T) T {
	var blocks []T
	for lo := 0; lo < n; lo += laneBlock {
		hi := min(n, lo+laneBlock)
		var acc [lanes]T
		m := min(lanes, hi-lo)
		for k := lo; k < hi; k++ {
			if l := (k - lo) % lanes; k-lo < lanes {
				acc[l] = first(k)
			} else {
				acc[l] = step(k, acc[l])
			}
		}
		for h := lanes / 2; h > 0; h /= 2 {
			for l := 0; l < h && l+h < m; l++ {
				acc[l] = comb(acc[l], acc[l+h])
			}
			m = min(m, h)
		}
		blocks = append(blocks, acc[0])
	}
	for len(blocks) > 1 {
		half := blocks[:0]
		for i := 0; i+1 < len(blocks); i += 2 {
			half = append(half, comb(blocks[i], blocks[i+1]))
		}
		if len(blocks)%2 == 1 {
			half = append(half, blocks[len(blocks)-1])
		}
		blocks = half
	}
	return blocks[0]
}

// chains: local folds, then the trees of the axes in order.
func chains[T any](o *order, first func(int) T, step func(int, T) T, comb func(a, b T) T) T {
	acc := make([]T, len(o.parts))
	has := make([]bool, len(o.parts))
	for i, p := range o.parts {
		for j, k := range p {
			if j == 0 {
				acc[i], has[i] = first(k), true
			} else {
				acc[i] = step(k, acc[i])
			}
		}
	}
	for _, c := range o.chain { // folds the leading axis: index = part*inner + rest
		inner := len(acc) / c.Parts
		c.Each(func(into, from int) {
			for r := range inner {
				lo, hi := into*inner+r, from*inner+r
				switch {
				case has[lo] && has[hi]:
					acc[lo] = comb(acc[lo], acc[hi])
				case has[hi]:
					acc[lo], has[lo] = acc[hi], true
				}
			}
		})
		acc, has = acc[:inner], has[:inner]
	}
	return acc[0]
}

func floatComb[T float](c ir.Combiner) func(a, b T) T {
	switch c {
	case ir.Sum:
		return func(a, b T) T { return T(a + b) }
	case ir.Prod:
		return func(a, b T) T { return T(a * b) }
	case ir.Max:
		return func(a, b T) T { return T(ieee.Maximum(float64(a), float64(b))) }
	}
	return func(a, b T) T { return T(ieee.Minimum(float64(a), float64(b))) }
}

func intComb(c ir.Combiner) func(a, b int32) int32 {
	switch c {
	case ir.Sum:
		return func(a, b int32) int32 { return a + b }
	case ir.Prod:
		return func(a, b int32) int32 { return a * b }
	case ir.Max:
		return func(a, b int32) int32 { return max(a, b) }
	}
	return func(a, b int32) int32 { return min(a, b) }
}
