package ranks

import (
	"strconv"

	"github.com/wfc-lang/wfc/ir"
)

// A stage that needs something of other ranks computes in the meantime what does not. Its points are cut into the inner ones, whose values follow
// from the rank's own points alone, and the edges:
//
//	begin to exchange; NAME.in: inner points, into arrays beside those that are set; wait; NAME.out: edges, and everything that is no part of the
//	grid; put the edges around the inner points; NAME.swap: exchange the arrays
//
// Which points are inner is found with the analysis that finds the halos: a margin is tried until nothing reaches beyond the rank's own part.
// The values are the same wherever they are computed.

// split is how a stage is cut.
type split struct {
	in, out *reach
	margin  int // units of the cut axes that are edge, on each side
}

// overlapFrom is from how many points of a rank a stage is cut: the exchange of a small part takes no longer than the two calls more. maxEdge
// is the widest edge, in units of the cut.
// mostTwice is how much more points, relative to all, may be computed because of the cut: a stage of several steps makes values between inner points
// and edges for both, and an exchange for several steps is the smaller part.
var (
	overlapFrom = 1 << 15
	maxEdge     = 8
	mostTwice   = 0.05
)

// inner is the rank's own part without the edges.
func (a *analysis) inner(axes []string, margin int) box {
	b := a.own(axes, a.rank)
	for d, cut := range a.dims(axes) {
		x := a.axes[axes[d]]
		if cut && a.grid[x.dim] > 1 {
			m := margin * max(1, x.cut.Unit)
			b[d] = ir.Interval{Lo: b[d].Lo + m, Hi: max(b[d].Lo+m, b[d].Hi-m)}
		}
	}
	return b
}

// splitOf cuts a stage, or returns nil: when there is nothing to wait for, or too little to do meanwhile.
func (a *analysis) splitOf(s *stage, r, old *reach) *split {
	var oldIn, oldOut *reach
	if old != nil && old.split != nil {
		oldIn, oldOut = old.split.in, old.split.out
	}
	points, foreign := 0, false
	for name, list := range r.arrays {
		axes := a.st.p.Array(name).Axes
		own := a.own(axes, a.rank)
		for _, b := range list {
			foreign = foreign || a.shared(axes) && !own.contains(b)
		}
	}
	vals := a.st.operands(s)
	for _, t := range s.fn.Sets {
		if o := vals[t.Value]; o.op >= 0 && a.shared(o.axes) {
			points = max(points, a.own(o.axes, a.rank).volume())
		}
	}
	if !foreign || points == 0 || points < overlapFrom {
		return nil
	}
	for margin := 1; margin <= maxEdge; margin++ {
		inner := func(axes []string) []box {
			if b := a.inner(axes, margin); a.shared(axes) && b.volume() > 0 {
				return []box{b}
			}
			return nil
		}
		// Without growth: what is computed around the inner points to share storage is not used.
		grow := a.grow
		a.grow = false
		try := a.reachOf(s, nil, false, inner)
		a.grow = grow
		alone, some := true, false
		for name, list := range try.arrays {
			axes := a.st.p.Array(name).Axes
			own := a.own(axes, a.rank)
			for _, b := range list {
				alone = alone && (!a.shared(axes) || own.contains(b))
			}
		}
		for _, t := range s.fn.Sets {
			o := vals[t.Value]
			if o.op < 0 || !a.shared(o.axes) {
				continue
			}
			own := a.own(o.axes, a.rank)
			some = true
			if 2*a.inner(o.axes, margin).volume() < own.volume() {
				return nil
			}
		}
		if !alone || !some {
			continue
		}
		sp := &split{margin: margin, in: a.reachOf(s, oldIn, false, inner), out: a.reachOf(s, oldOut, true, func(axes []string) []box {
			own := a.own(axes, a.rank)
			if !a.shared(axes) {
				return []box{own}
			}
			return own.less(a.inner(axes, margin))
		})}
		if float64(sp.in.work(s)+sp.out.work(s)) > float64(r.work(s))*(1+mostTwice) {
			return nil
		}
		return sp
	}
	return nil
}

// work is the number of points that maps compute.
func (r *reach) work(s *stage) (n int) {
	for i := range s.fn.Ops {
		for _, w := range r.windows[i] {
			if s.fn.Ops[i].Kind == ir.Map {
				n += w.volume()
			}
		}
	}
	return n
}

// edges are the boxes of a tensor that are computed apart.
func (a *analysis) edges(axes []string, margin int) []box {
	return a.own(axes, a.rank).less(a.inner(axes, margin))
}

func innerName(fn string) string              { return fn + ".in" }
func outerName(fn string) string              { return fn + ".out" }
func swapName(fn string) string               { return fn + ".swap" }
func nextName(array string) string            { return array + "~next" }
func edgeName(fn, array string, k int) string { return array + "~" + fn + ".edge" + strconv.Itoa(k) }

// splitStage writes the functions of a stage that is cut.
func (l *local) splitStage(s *stage, sp *split) {
	l.begin(s, innerName(s.fn.Name), sp.in)
	l.ops()
	source := map[string]int{}
	for _, t := range s.fn.Sets {
		source[t.Value]++
		if !l.cutSet(t) {
			continue
		}
		axes := l.vals[t.Value].axes
		if l.p.Array(nextName(t.Array)) == nil {
			l.p.Arrays = append(l.p.Arrays, ir.Array{Name: nextName(t.Array), Axes: l.frameAxes(axes), Elem: l.vals[t.Value].elem, Local: true})
		}
		l.fn.Sets = append(l.fn.Sets, ir.Set{Array: nextName(t.Array), Value: l.value(t, l.inner(axes, sp.margin)), Pos: t.Pos})
	}
	l.begin(s, outerName(s.fn.Name), sp.out)
	l.ops()
	l.partials()
	for _, t := range s.fn.Sets {
		o := l.vals[t.Value]
		switch {
		case l.cutSet(t):
			for k, e := range l.edges(o.axes, sp.margin) {
				l.edge(t, o, e, edgeName(s.fn.Name, t.Array, k))
			}
		case o.op >= 0:
			l.fn.Sets = append(l.fn.Sets, ir.Set{Array: t.Array, Value: l.value(t, l.own(o.axes, l.rank)), Pos: t.Pos})
		}
	}
	l.begin(s, swapName(s.fn.Name), sp.out)
	for _, t := range s.fn.Sets {
		switch {
		case l.cutSet(t):
			l.fn.Sets = append(l.fn.Sets, ir.Set{Array: t.Array, Value: "@" + nextName(t.Array), Pos: t.Pos})
			if source["@"+t.Array] == 0 {
				l.fn.Sets = append(l.fn.Sets, ir.Set{Array: nextName(t.Array), Value: "@" + t.Array, Pos: t.Pos})
			}
		case l.vals[t.Value].op < 0:
			l.fn.Sets = append(l.fn.Sets, t)
		}
	}
}

// cutSet says whether a set is of a value whose inner points and edges are computed apart.
func (l *local) cutSet(t ir.Set) bool {
	o := l.vals[t.Value]
	return o.op >= 0 && l.shared(o.axes)
}

// edge copies one edge of a value to an array of its own.
func (l *local) edge(t ir.Set, o *operand, e box, array string) {
	l.window(array, o.elem, e)
	axes := l.p.Arrays[len(l.p.Arrays)-1].Axes
	name, from, _ := l.name(t.Value, e)
	op := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: array, Elem: o.elem}}, Pos: t.Pos}
	read := ir.Node{Op: ir.Read, Elem: o.elem, Name: name}
	piece := make(box, len(e))
	for d := range e {
		index := "i" + strconv.Itoa(d)
		piece[d] = ir.Interval{Hi: e[d].Hi - e[d].Lo}
		op.Dom = append(op.Dom, ir.Range{Index: index, Axis: axes[d], Hi: piece[d].Hi})
		read.At = append(read.At, ir.Affine{Index: index, Off: e[d].Lo - from[d]})
	}
	op.Pieces = []ir.Piece{{Box: piece, Body: ir.Body{Nodes: []ir.Node{read}, Results: []int{0}}}}
	l.fn.Ops = append(l.fn.Ops, op)
	l.fn.Sets = append(l.fn.Sets, ir.Set{Array: array, Value: "%" + array, Pos: t.Pos})
}
