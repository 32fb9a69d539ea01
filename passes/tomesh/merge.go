package tomesh

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/place"
)

// classes lowers every function for every pair of distinct views and merges the views that make no difference.
func (l *lowering) classes() {
	gx, gy := l.groups(mesh.X), l.groups(mesh.Y)
	funcs := make([][][][]mesh.Op, len(gx))
	keys := make([][]string, len(gx))
	seen := map[string]string{}
	see := map[[2]int]map[string]*place.View{}
	for i := range gx {
		for j := range gy {
			m := map[string]*place.View{}
			for k, v := range gx[i].Views {
				m[l.along[mesh.X][k].Axis] = v
			}
			for k, v := range gy[j].Views {
				m[l.along[mesh.Y][k].Axis] = v
			}
			see[[2]int{i, j}] = m
		}
	}
	for i := range gx {
		for j := range gy {
			var fs [][]mesh.Op
			key := ""
			for _, fn := range l.funcs {
				e := &pe{l: l, fn: fn, temp: map[ir.Elem][]bool{}}
				e.view[mesh.X], e.view[mesh.Y] = gx[i].View, gy[j].View
				e.see = see[[2]int{i, j}]
				e.role[mesh.X], e.role[mesh.Y] = gx[i].role, gy[j].role
				e.part[mesh.X], e.part[mesh.Y] = gx[i].phase, gy[j].phase
				fs = append(fs, e.lower())
				if !l.diags.HasErrors() {
					key += fmt.Sprintf("%+v;", fs[len(fs)-1])
				}
			}
			if l.diags.HasErrors() { // the other classes have the same
				return
			}
			if seen[key] == "" {
				seen[key] = fmt.Sprint(len(seen))
			}
			funcs[i] = append(funcs[i], fs)
			keys[i] = append(keys[i], seen[key])
		}
	}
	mx := merge(gx, keys)

	w, h := place.Extent(l.ls)
	l.out = &mesh.Program{Name: l.p.Name, W: w, H: h, Layouts: append([]mesh.Layout{}, l.ls...)}
	for i, a := range mx {
		column := make([][]string, len(gy))
		for j := range gy {
			column[j] = []string{keys[a.first][j]}
		}
		for j, b := range merge(gy, column) {
			rx, ry := l.ranges(mesh.X, a.Parts), l.ranges(mesh.Y, b.Parts)
			for m, x := range rx {
				for n, y := range ry {
					name := fmt.Sprintf("x%d", i)
					if len(rx) > 1 {
						name += fmt.Sprintf("_%d", m)
					}
					name += fmt.Sprintf("y%d", j)
					if len(ry) > 1 {
						name += fmt.Sprintf("_%d", n)
					}
					l.out.Classes = append(l.out.Classes, mesh.Class{Name: name, X: x, Y: y, Funcs: funcs[a.first][b.first]})
				}
			}
		}
	}
	l.finish()
	l.checkSlices()
}

// merged is a set of parts whose views led to the same code; first is one of the groups.
type merged struct {
	first int
	Parts []int
}

func merge(groups []group, keys [][]string) []merged {
	var out []merged
	for i, g := range groups {
		k := slices.IndexFunc(out, func(m merged) bool { return slices.Equal(keys[m.first], keys[i]) })
		if k < 0 {
			k = len(out)
			out = append(out, merged{first: i})
		}
		out[k].Parts = append(out[k].Parts, g.Parts...)
	}
	return out
}

// reachAlong is how far beyond its block any part looks along d.
func (l *lowering) reachAlong(d mesh.Dim) int {
	r := 0
	for _, fn := range l.funcs {
		for _, v := range fn.order {
			r = max(r, v.need.lo[d], v.need.hi[d])
		}
		for _, o := range fn.ops {
			r = max(r, o.eval.lo[d], o.eval.hi[d])
		}
	}
	return r
}

// marks are, for every axis along d, the positions at which any domain or piece begins or ends.
func (l *lowering) marks(d mesh.Dim) [][]int {
	out := make([][]int, len(l.along[d]))
	add := func(axis string, at ...int) {
		for i, x := range l.along[d] {
			if x.Axis == axis {
				out[i] = append(out[i], at...)
			}
		}
	}
	for _, fn := range l.funcs {
		for _, o := range fn.ops {
			i := o.on[d]
			if i < 0 {
				continue
			}
			add(o.iter[i].Axis, o.iter[i].Lo, o.iter[i].Hi)
			for _, p := range o.pieces {
				add(o.iter[i].Axis, p.Box[i].Lo, p.Box[i].Hi)
			}
		}
		for _, v := range fn.order {
			if i := v.on[d]; i >= 0 {
				add(v.axes[i], v.box[i].Lo, v.box[i].Hi)
			}
		}
	}
	return out
}

// tempElems are the types of scratch vectors, in the order in which they are listed.
var tempElems = []ir.Elem{ir.I32, ir.F16, ir.F32}

// finish lists what the classes use: arrays, scalars, channels, functions, symbols and reduction orders.
func (l *lowering) finish() {
	out := l.out
	used := usedArrays(out)
	for i := range l.p.Arrays {
		a := &l.p.Arrays[i]
		s := l.arrays[a.Name]
		if s == nil {
			continue
		}
		for _, pos := range s.order {
			kind := s.kind
			if pos != [2]int{} {
				kind = mesh.Halo
			}
			c := s.cols[pos]
			if kind == mesh.Halo && !used[c.array] {
				continue // consumed from its channel in every class
			}
			if k := slices.IndexFunc(out.Arrays, func(x mesh.Array) bool { return x.Name == c.array }); k >= 0 { // shared, see lives.go
				out.Arrays[k].Len = max(out.Arrays[k].Len, c.len)
				continue
			}
			out.Arrays = append(out.Arrays, mesh.Array{Name: c.array, Kind: kind, Elem: s.elem, Len: c.len, Of: a.Name})
		}
		c := s.cols[[2]int{}]
		sym := mesh.Symbol{Array: a.Name, Local: c.array, Strides: append([]int{}, c.stride...)}
		for k, b := range c.box {
			sym.Off -= b.Lo * c.stride[k]
		}
		sym.Axes = l.placements(a.Axes)
		if t, ok := l.turned[a.Name]; ok {
			sym.Turn, sym.Minus = t.dim+1, t.minus
		}
		for _, d := range meshDims {
			sym.Replicated = sym.Replicated || s.on[d] < 0 && l.lay[d] != nil && !l.homes[a.Name][d]
		}
		out.Symbols = append(out.Symbols, sym)
	}
	for _, b := range l.pool.bufs {
		if !used[b.name] {
			continue
		}
		out.Arrays = append(out.Arrays, mesh.Array{Name: b.name, Kind: mesh.Temp, Elem: b.elem, Len: b.len, Of: b.of})
	}
	for _, s := range slices.SortedFunc(maps.Keys(l.temps), func(a, b scratch) int {
		return cmp.Or(cmp.Compare(slices.Index(tempElems, a.elem), slices.Index(tempElems, b.elem)), cmp.Compare(a.op, b.op))
	}) {
		for i, n := range l.temps[s] {
			out.Arrays = append(out.Arrays, mesh.Array{Name: s.name(i), Kind: mesh.Temp, Elem: s.elem, Len: n})
		}
	}
	for _, a := range l.p.Axes {
		if n, ok := l.index[a.Name]; ok {
			out.Arrays = append(out.Arrays, mesh.Array{Name: "index." + a.Name, Kind: mesh.Data, Elem: ir.I32, Len: n, Of: a.Name})
			out.Symbols = append(out.Symbols, mesh.Symbol{Index: place.Find(l.ls, a.Name).Origin(), Local: "index." + a.Name, Strides: []int{1}, Replicated: true,
				Axes: l.placements([]string{a.Name})})
		}
	}
	for s := range l.scalars {
		out.Scalars = append(out.Scalars, s)
	}
	sort.Slice(out.Scalars, func(i, j int) bool {
		a, b := out.Scalars[i], out.Scalars[j]
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Elem, b.Elem)) < 0 || a.Name == b.Name && a.Elem == b.Elem && b.Count
	})
	if n := len(out.Scalars); n > 0 {
		out.Arrays = append(out.Arrays, mesh.Array{Name: "scalars", Kind: mesh.Scalars, Elem: ir.F32, Len: n})
	}
	for _, name := range []string{"x+", "x-", "y+", "y-", "xflood", "yflood"} {
		if c, ok := l.chans[name]; ok {
			out.Channels = append(out.Channels, c)
		}
	}
	for _, d := range meshDims {
		if t := l.trees[d]; t != nil {
			for _, c := range collective.Channels(*t, d) {
				if c.Kind != mesh.Shift {
					out.Channels = append(out.Channels, c)
				}
			}
		}
	}
	out.Procs, out.Clocks = l.control, l.clocks
	for _, fn := range l.funcs {
		out.Funcs = append(out.Funcs, fn.f.Name)
		for _, o := range fn.ops {
			if o.Kind != ir.Reduce {
				continue
			}
			order := ir.Order{Kind: ir.Mesh}
			if d, tree := l.halves(o); d >= 0 {
				order.Chain = append(order.Chain, tree)
			}
			for _, d := range meshDims {
				if o.on[d] >= len(o.Dom) {
					x := place.Find(l.ls, o.iter[o.on[d]].Axis)
					c := ir.ChainAxis{Axis: x.Origin(), Parts: x.Parts, Unit: x.Unit, Extra: x.Extra}
					if t := l.trees[d]; t != nil {
						c.Levels = t.Levels
					}
					order.Chain = append(order.Chain, c)
				}
			}
			if o.turned {
				order = ir.Order{Kind: ir.Turned, Turn: l.turn(o)}
			}
			for _, r := range o.Results {
				out.Orders = append(out.Orders, mesh.ReduceOrder{Func: fn.f.Name, Value: r.Name, Order: order})
			}
		}
	}
}

// placements names the layouts of an array's dimensions where an axis has several, nil where axes and layouts are one.
func (l *lowering) placements(axes []string) []string {
	for _, a := range axes {
		if place.Find(l.ls, a).Of != "" {
			return append([]string{}, axes...)
		}
	}
	return nil
}

// usedArrays is the set of local arrays that any process touches.
func usedArrays(p *mesh.Program) map[string]bool {
	used := map[string]bool{}
	for _, c := range p.Classes {
		for _, ops := range c.Funcs {
			for _, op := range ops {
				used[op.Dst.Slice.Array] = true
				for _, s := range op.Src {
					used[s.Slice.Array] = true
				}
			}
		}
	}
	return used
}

// checkSlices refuses what a slice cannot address.
func (l *lowering) checkSlices() {
	for _, c := range l.out.Classes {
		for _, ops := range c.Funcs {
			for _, op := range ops {
				for _, x := range append([]mesh.Operand{op.Dst}, op.Src...) {
					if len(x.Slice.Dims) > maxDims {
						l.errorf("WF0404", op.Pos, "an operation steps through %s in %d dimensions", x.Slice.Array, len(x.Slice.Dims)).
							Note("the wafer's vector operations step through at most %d", maxDims).
							Suggest("use fewer axes, or spread them so that a PE holds one point of each mesh axis")
						return
					}
				}
			}
		}
	}
}
