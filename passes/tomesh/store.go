package tomesh

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// maxDims is how many dimensions a slice has at most.
const maxDims = 4

// store is the local storage of an array or of SSA values, the same in every class. With blocks of one point and no corners the block
// and every halo position have a column of their own; else one array holds the largest block with margins on all sides.
type store struct {
	name    string
	kind    mesh.ArrayKind
	of      string
	elem    ir.Elem
	axes    []string
	dims    []mesh.Dim
	on      [3]int
	need    need
	columns bool
	cols    map[[2]int]*column // by halo position (dx, dy); only (0, 0) without columns
	order   [][2]int
}

// column is one local array and the box of the value it holds, relative to the block along mesh dimensions.
type column struct {
	array  string
	suffix string
	box    []ir.Interval
	stride []int
	len    int
}

func (l *lowering) newStore(name string, kind mesh.ArrayKind, of string, v *value) *store {
	s := &store{name: name, kind: kind, of: of, elem: v.elem, axes: v.axes, dims: v.dims, on: v.on}
	if s.elem == ir.Bool {
		s.elem = ir.I32
	}
	l.stores = append(l.stores, s)
	return s
}

// storage gives every value a place: arrays first, then the SSA values that are not computed into an array or shared.
func (l *lowering) storage() {
	for i := range l.p.Arrays {
		a := &l.p.Arrays[i]
		var v *value
		for _, fn := range l.funcs {
			if v == nil {
				v = fn.vals["@"+a.Name]
			}
		}
		kind := mesh.State
		if a.Const {
			kind = mesh.Data
			if v == nil && l.wanted[a.Name] == ([3]bool{}) {
				continue // host only
			}
		}
		if v == nil {
			var rs []ir.Range
			for _, ax := range a.Axes {
				rs = append(rs, ir.Range{Axis: ax, Hi: l.p.Axis(ax).N})
			}
			v = l.newValue("@"+a.Name, a.Elem, rs)
		}
		s := l.newStore(a.Name, kind, a.Name, v)
		s.need.add(own, v.box)
		l.arrays[a.Name] = s
	}
	for _, fn := range l.funcs {
		into := l.direct(fn)
		var locals []*value
		for _, v := range fn.order {
			switch {
			case v.shares != nil:
				v.st = v.root().st
			case v.def == nil:
				v.st = l.arrays[v.name[1:]]
			case into[v] != "":
				v.st = l.arrays[into[v]]
			default:
				v.st = l.newStore(v.name[1:], mesh.Temp, v.name, v)
				locals = append(locals, v)
			}
			if v.shares == nil {
				v.st.need.add(own, v.box)
			}
			v.st.need.union(&v.need)
		}
		for _, v := range locals {
			l.shape(v.st)
		}
		l.pool.assign(fn, locals, l.o.Overlay)
	}
	into := l.shareArrays()
	for i := range l.p.Arrays {
		if s := l.arrays[l.p.Arrays[i].Name]; s != nil {
			l.shape(s)
			name := s.name
			if other, ok := into[s.name]; ok {
				name = other
			}
			for _, c := range s.order {
				s.cols[c].array = name + s.cols[c].suffix
			}
		}
	}
}

// shape lays the store out.
func (l *lowering) shape(s *store) {
	s.columns = l.single && !s.need.want[corners]
	s.cols = map[[2]int]*column{}
	mem := append([]ir.Interval{}, s.need.hull[own]...)
	if !s.columns {
		for p := sideX; p <= corners; p++ {
			if s.need.want[p] {
				for i, h := range s.need.hull[p] {
					mem[i] = ir.Interval{Lo: min(mem[i].Lo, h.Lo), Hi: max(mem[i].Hi, h.Hi)}
				}
			}
		}
	}
	for i, d := range s.dims {
		if d != mesh.Mem {
			mem[i] = ir.Interval{Lo: 0, Hi: place.Find(l.ls, s.axes[i]).MaxBlock()}
			if t, ok := l.turned[s.of]; ok && t.dim == i && s.kind != mesh.Temp {
				mem[i].Hi = t.places
			}
			if !s.columns {
				mem[i] = ir.Interval{Lo: -s.need.lo[d], Hi: mem[i].Hi + s.need.hi[d]}
			}
		}
	}
	s.addColumn([2]int{}, "", mem)
	if !s.columns {
		return
	}
	for i, d := range meshDims {
		p := patch(1 << i)
		if !s.need.want[p] {
			continue
		}
		for k := 1; k <= max(s.need.lo[d], s.need.hi[d]); k++ {
			for _, at := range []int{-k, k} {
				if at < -s.need.lo[d] || at > s.need.hi[d] {
					continue
				}
				box := append([]ir.Interval{}, s.need.hull[p]...)
				for j, e := range s.dims {
					if e != mesh.Mem {
						box[j] = ir.Interval{Lo: 0, Hi: 1}
					}
				}
				var pos [2]int
				pos[i] = at
				box[s.on[d]] = ir.Interval{Lo: at, Hi: at + 1}
				s.addColumn(pos, fmt.Sprintf(".%s%+d", d, at), box)
			}
		}
	}
}

func (s *store) addColumn(pos [2]int, suffix string, box []ir.Interval) {
	c := &column{suffix: suffix, box: box, stride: make([]int, len(box)), len: 1}
	for i := len(box) - 1; i >= 0; i-- {
		c.stride[i] = c.len
		c.len *= box[i].Hi - box[i].Lo
	}
	s.cols[pos] = c
	s.order = append(s.order, pos)
}

// at finds the element at a position (relative to the block along the mesh, absolute in memory) of the store.
func (s *store) at(pos []int) (c *column, off int) {
	c = s.cols[[2]int{}]
	if s.columns {
		var key [2]int
		for i, d := range meshDims {
			if e := s.on[d]; e >= 0 {
				key[i] = pos[e]
			}
		}
		c = s.cols[key]
	}
	if c == nil {
		panic(fmt.Sprintf("tomesh: %s has no column for %v", s.name, pos))
	}
	for i, x := range pos {
		if x < c.box[i].Lo || x >= c.box[i].Hi {
			panic(fmt.Sprintf("tomesh: %s is not held at %v, only %v", s.name, pos, c.box))
		}
		off += (x - c.box[i].Lo) * c.stride[i]
	}
	return c, off
}

// slice addresses a box of the store.
func (s *store) slice(box []ir.Interval) mesh.Slice {
	pos := make([]int, len(box))
	n := make([]int, len(box))
	for i, b := range box {
		pos[i], n[i] = b.Lo, b.Hi-b.Lo
	}
	c, off := s.at(pos)
	return mesh.Slice{Array: c.array, Off: off, Dims: collapse(n, c.stride)}
}

// collapse drops dimensions of one element and joins dimensions that follow each other in memory.
func collapse(n, stride []int) []mesh.Extent {
	var out []mesh.Extent
	for i, k := range n {
		if k == 1 {
			continue
		}
		if j := len(out) - 1; j >= 0 && out[j].Stride == k*stride[i] {
			out[j] = mesh.Extent{Len: out[j].Len * k, Stride: stride[i]}
			continue
		}
		out = append(out, mesh.Extent{Len: k, Stride: stride[i]})
	}
	return out
}
