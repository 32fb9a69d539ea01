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

// newLayout cuts the grid of p for at most size ranks. Reductions in the canonical order number the points with the first axis slowest; cut along it,
// every rank has successive blocks of the order and sends one number for them. So that is how it is cut.
func newLayout(p *ir.Program, size int) *layout {
	l := &layout{p: p, axes: map[string]cutAxis{}}
	first, points := "", 0
	for i := range p.Arrays {
		a := &p.Arrays[i]
		n := 1
		for _, d := range p.Shape(a) {
			n *= d
		}
		if len(a.Axes) > 0 && n > points {
			first, points = a.Axes[0], n
		}
	}
	if first == "" || size < 2 {
		l.grid = []int{1}
		return l
	}
	cuts, parts := place.Cuts(p, first, size)
	if parts < 2 {
		l.grid = []int{1}
		return l
	}
	l.grid = []int{parts}
	for i := range p.Axes {
		ax := &p.Axes[i]
		if c, ok := cuts[ax.Name]; ok {
			x := cutAxis{cut: c, n: ax.N}
			if ax.Periodic {
				x.turn = ax.N
			}
			l.axes[ax.Name] = x
		}
	}
	return l
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
