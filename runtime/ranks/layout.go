package ranks

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/place"
)

// layout says which points of which axes belong to which rank. The ranks form a grid; a family of axes (an axis, its faces, its grids of
// other resolution) is cut along each dimension of the grid. An array is cut along the first of its dimensions whose axis is in the
// family; arrays without one are whole in every rank.
type layout struct {
	p    *ir.Program
	grid []int // ranks per dimension; the last one varies fastest
	axes map[string]cutAxis
}

type cutAxis struct {
	dim int // of the grid
	cut ir.Cut
	n   int
	// turn is the period, 0 if not periodic
	turn int
}

// forced is a grid for tests.
var forced []int

// newLayout cuts the grid of p for at most size ranks, along the first axis or the first two of the largest array.
//
// Reductions in the canonical order number the points with the first axis slowest: cut along it alone, every rank has successive blocks of the
// order and sends a few numbers for them. Programs with such reductions are cut so. Others are cut so that as many ranks as possible have a
// part and the parts have little surface.
func newLayout(p *ir.Program, size int) *layout {
	l := &layout{p: p, axes: map[string]cutAxis{}, grid: []int{1}}
	var axes []string
	points := 0
	for i := range p.Arrays {
		a := &p.Arrays[i]
		n := 1
		for _, d := range p.Shape(a) {
			n *= d
		}
		if len(a.Axes) > 0 && n > points {
			axes, points = a.Axes, n
		}
	}
	if len(axes) == 0 || size < 2 {
		return l
	}
	second := ""
	if forced != nil && len(axes) > 1 && size >= forced[0]*forced[1] {
		second = axes[1]
	} else if first, _ := place.Cuts(p, axes[0], size); len(axes) > 1 && !reduces(p, first) {
		if _, same := first[axes[1]]; !same {
			second = axes[1]
		}
	}
	var weight float64 // of a cut of the second axis: rows are cut when it is the last
	if weight = 1; len(axes) == 2 {
		weight = 4
	}
	l.grid = gridOf(p, axes[0], second, size, weight)
	if forced != nil && second != "" {
		_, a := place.Cuts(p, axes[0], forced[0])
		_, b := place.Cuts(p, axes[1], forced[1])
		l.grid = []int{max(a, 1), max(b, 1)}
	}
	for dim, parts := range l.grid {
		cuts, _ := place.Cuts(p, axes[dim], parts)
		for name, c := range cuts {
			ax := p.Axis(name)
			x := cutAxis{dim: dim, cut: c, n: ax.N}
			if ax.Periodic {
				x.turn = ax.N
			}
			if l.size() > 1 {
				l.axes[name] = x
			}
		}
	}
	return l
}

// reduces says whether a device function reduces to a single number, in the canonical order, over an axis of the cuts.
func reduces(p *ir.Program, cuts map[string]ir.Cut) bool {
	for i := range p.Funcs {
		for k := range p.Funcs[i].Ops {
			op := &p.Funcs[i].Ops[k]
			if p.Funcs[i].Host || op.Kind != ir.Reduce || op.Order.Kind != ir.Canon || len(op.Dom) > 0 {
				continue
			}
			for _, r := range op.Over {
				if _, ok := cuts[r.Axis]; ok {
					return true
				}
			}
		}
	}
	return false
}

// gridOf is the grid of at most size ranks over one or two axes.
func gridOf(p *ir.Program, first, second string, size int, weight float64) []int {
	_, most := place.Cuts(p, first, size)
	best, surface := []int{max(1, most)}, float64(most)/float64(p.Axis(first).N)
	if second == "" {
		return best
	}
	for q := 2; q <= size; q++ {
		_, parts2 := place.Cuts(p, second, q)
		_, parts1 := place.Cuts(p, first, size/q)
		if parts2 < q || parts1 < 1 {
			continue
		}
		s := weight * float64(q) / float64(p.Axis(second).N)
		if parts1 > 1 {
			s += float64(parts1) / float64(p.Axis(first).N)
		}
		have := 1
		for _, g := range best {
			have *= g
		}
		if n := parts1 * q; n > have || n == have && s < surface {
			best, surface = []int{parts1, q}, s
		}
	}
	return best
}

// size is the number of ranks that have a part.
func (l *layout) size() int {
	n := 1
	for _, g := range l.grid {
		n *= g
	}
	return n
}

// coords are the places of a rank in the grid.
func (l *layout) coords(rank int) []int {
	at := make([]int, len(l.grid))
	for d := len(l.grid) - 1; d >= 0; d-- {
		at[d] = rank % l.grid[d]
		rank /= l.grid[d]
	}
	return at
}

func (l *layout) rank(at []int) int {
	r := 0
	for d, x := range at {
		r = r*l.grid[d] + x
	}
	return r
}

// dims tells for every dimension whether it is cut: its axis is, and no earlier one in the same direction of the grid.
func (l *layout) dims(axes []string) []bool {
	out := make([]bool, len(axes))
	used := make([]bool, len(l.grid))
	for d, name := range axes {
		if x, ok := l.axes[name]; ok && !used[x.dim] {
			out[d], used[x.dim] = true, true
		}
	}
	return out
}

// own is the part of a tensor over whole axes that belongs to a rank.
func (l *layout) own(axes []string, rank int) box {
	at := l.coords(rank)
	b := make(box, len(axes))
	for d, cut := range l.dims(axes) {
		b[d] = ir.Interval{Hi: l.p.Axis(axes[d]).N}
		if x := l.axes[axes[d]]; cut {
			b[d].Lo, b[d].Hi = x.cut.Block(x.n, at[x.dim])
		}
	}
	return b
}

// shared says whether some dimension is cut.
func (l *layout) shared(axes []string) bool {
	for _, cut := range l.dims(axes) {
		if cut {
			return true
		}
	}
	return false
}

// unwrapped says whether coordinates on an axis go beyond its ends: it is cut, here or elsewhere.
func (l *layout) unwrapped(axis string) bool { _, ok := l.axes[axis]; return ok }
