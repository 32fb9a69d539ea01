package tomesh

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/internal/lattice"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/place"
)

// chooseTrees decides per mesh dimension along which tree all its reductions combine. One tree serves all, so that they share
// channels; a chooser gets their lengths and what is left of queues and colors.
func (l *lowering) chooseTrees() {
	if l.o.Tree == nil {
		return
	}
	var lengths [3][]int
	axes := 0
	for _, d := range meshDims {
		lengths[d] = l.reductions(d)
		if len(lengths[d]) > 0 {
			axes++
		}
	}
	queues, colors := l.taken()
	for _, d := range meshDims {
		lay := l.lay[d]
		if len(lengths[d]) == 0 {
			continue
		}
		r := collective.Request{Axis: lay.Axis, Parts: lay.Parts, Wavelets: lengths[d], Spread: spread(lay), Queues: queues, Colors: colors, Shares: axes}
		if x := l.lay[mesh.X]; d == mesh.Y && x != nil && !x.Periodic && l.reachAlong(mesh.X) > 0 && l.onColumn() {
			r.Queues-- // column 0 has no halo from the west
		}
		if t := l.o.Tree(r); len(t.Levels) > 0 {
			l.trees[d] = &t
			q, c := collective.Uses(t, true)
			queues, colors = queues+q, colors+c*spread(lay)
		}
		axes--
	}
}

// onColumn reports whether every reduction along y follows one along x, and so runs in column 0 only.
func (l *lowering) onColumn() bool {
	for _, fn := range l.funcs {
		for _, o := range fn.ops {
			if o.Kind == ir.Reduce && o.on[mesh.Y] >= len(o.Dom) && o.on[mesh.X] < len(o.Dom) {
				return false
			}
		}
	}
	return true
}

// spread is how many routers lie between neighbouring parts.
func spread(l *mesh.Layout) int {
	if l.Folded {
		return 2
	}
	return 1
}

// reductions lists the lengths, in wavelets, of what the parts along d combine.
func (l *lowering) reductions(d mesh.Dim) []int {
	var out []int
	for _, fn := range l.funcs {
		for _, o := range fn.ops {
			if o.Kind != ir.Reduce || l.lay[d] == nil || o.on[d] < len(o.Dom) {
				continue
			}
			n := 1
			for i, r := range o.Dom {
				size := r.Hi - r.Lo
				if where := o.dims[i]; where != mesh.Mem {
					size = min(size, place.Find(l.ls, r.Axis).MaxBlock())
				}
				n *= size
			}
			if o.done {
				continue // counted with the first of its group
			}
			for _, x := range o.with {
				n += len(x.res)
			}
			if o.with != nil {
				n--
			}
			for _, v := range o.res {
				if v.elem == ir.F16 {
					out = append(out, (n+1)/2)
				} else {
					out = append(out, n)
				}
			}
		}
	}
	return out
}

// taken bounds the input queues that a PE needs beside those of trees, and the colors: halos, the chains of neighbours, multicasts.
func (l *lowering) taken() (queues, colors int) {
	var flood [3]bool
	once := true // a PE receives one multicast at most: along x only in row 0, which sends those along y
	for _, fn := range l.funcs {
		for _, v := range fn.order {
			for _, d := range meshDims {
				flood[d] = flood[d] || v.flood[d]
			}
			once = once && (!v.flood[mesh.X] || v.on[mesh.Y] < 0 && v.home[mesh.Y])
		}
	}
	var panels [3]bool
	for _, fn := range l.funcs {
		for _, o := range fn.ops {
			for _, d := range o.panelDims() {
				panels[d], flood[d] = true, flood[d] || !o.turned
				once = false
			}
		}
	}
	if once && flood[mesh.X] && flood[mesh.Y] {
		queues = -1
	}
	for _, d := range meshDims {
		if l.lay[d] == nil {
			continue
		}
		shifts := 0
		if len(l.reductions(d)) > 0 || panels[d] {
			shifts = 1
		}
		if l.reachAlong(d) > 0 {
			shifts = 2
		}
		queues, colors = queues+shifts, colors+2*shifts*spread(l.lay[d])
		if flood[d] {
			queues, colors = queues+1, colors+1
		}
	}
	return queues, colors
}

// neutral is the element that changes nothing, bit for bit, when it is combined.
func neutral(c ir.Combiner, e ir.Elem) mesh.Operand {
	o := mesh.Operand{Kind: mesh.Imm, Elem: e}
	lowest, highest := int64(math.MinInt32), int64(math.MaxInt32)
	if e == ir.Bool {
		lowest, highest = 0, 1
	}
	switch c {
	case ir.Sum:
		o.Imm = math.Copysign(0, -1)
	case ir.Prod:
		o.Imm, o.Int = 1, 1
	case ir.Max:
		o.Imm, o.Int = math.Inf(-1), lowest
	case ir.Min:
		o.Imm, o.Int = math.Inf(1), highest
	}
	if !e.IsFloat() {
		o.Imm = 0
	} else {
		o.Int = 0
	}
	return o
}

// group is a set of parts that see the same and have the same role in the tree along their dimension, and in products by Cannon's algorithm:
// there a part does what part phase does.
type group struct {
	place.Group
	role  collective.Role
	phase int
}

// groups are the parts along d that a lowering cannot tell apart.
func (l *lowering) groups(d mesh.Dim) []group {
	var out []group
	t, phases := l.trees[d], l.turnPhases(d)
	for _, g := range place.Views(l.along[d], l.reachAlong(d), l.marks(d)) {
		at := map[string]int{}
		for _, k := range g.Parts {
			x := group{Group: place.Group{View: g.View, Views: g.Views}, phase: k % phases}
			key := ""
			if t != nil {
				x.role = collective.RoleOf(*t, k)
				key = x.role.Key()
			}
			key = fmt.Sprint(key, " ", x.phase)
			i, ok := at[key]
			if !ok {
				i = len(out)
				at[key] = i
				out = append(out, x)
			}
			out[i].Parts = append(out[i].Parts, k)
		}
	}
	return out
}

// ranges writes the positions of parts along d as strided ranges.
func (l *lowering) ranges(d mesh.Dim, parts []int) []mesh.Range {
	if l.trees[d] == nil && l.turnPhases(d) == 1 {
		return place.Ranges(l.lay[d], parts)
	}
	at := make([]int, len(parts))
	for i, k := range parts {
		at[i] = l.lay[d].Pos(k)
	}
	return lattice.Cover(at)
}
