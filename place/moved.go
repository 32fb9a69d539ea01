package place

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Moves. Where an operation has two indices of one axis (the queries and keys of attention), all their dimensions cannot lie along one side of
// the mesh, and without more all of the axis would stay in memory. So a tensor may lie in one place and be read in another: a copy between
// them, whose points change places. Copies are written into the program where reductions read tensors and where their results are read, and taken
// out again where both sides lie alike. Two kinds are kept:
//
//   - those that would put two indices of an operation on one side of the mesh: the keys lie like the queries, and are gathered;
//   - those of arrays that change (weights, their gradients), which so lie over the whole mesh whatever the operations on them need. The map
//     that updates them works where they lie.
//
// A dimension moves from a side of the mesh into memory (every part gets all of it) or from memory to a side (every part gets its block);
// passes/tomesh/move.go does both with the same few operations in all PEs.

// Moved lays the strands of p onto m like Products, with tensors that lie in one place and are read in another. It returns nil when
// nothing is gained by that.
func Moved(p *ir.Program, m Machine) (*ir.Program, []mesh.Layout) {
	if !Contracts(p) {
		return nil, nil
	}
	q := p.Clone()
	q.Funcs = slices.DeleteFunc(q.Funcs, func(f ir.Func) bool { return f.Host })
	w := &moves{p: q, copies: map[string]bool{}, results: map[string]bool{}, free: map[string]bool{}}
	w.insert()
	tied := &strands{p: q, of: map[string]int{}, moves: &moves{p: q, copies: w.copies, results: w.results}}
	s := &strands{p: q, of: map[string]int{}, moves: w}
	if !tied.fill() || !s.fill() {
		return nil, nil
	}
	var c *climber
	least := 0.0
	wide, high := m.Extent()
	for _, most := range rectangles(p, wide, high) {
		first := &climber{s: tied, at: make([]mesh.Dim, len(tied.all))}
		first.limit[mesh.X], first.limit[mesh.Y] = most[0], most[1]
		if !first.search() {
			continue
		}
		then := &climber{s: s, at: make([]mesh.Dim, len(s.all)), limit: first.limit}
		for key, i := range s.of {
			then.at[i] = first.at[tied.of[key]]
		}
		then.climb()
		if b := then.held(); c == nil || b < least {
			c, least = then, b
		}
	}
	if c == nil {
		return nil, nil
	}
	r, ls := s.rename(c)
	if w.settle(r, ls) == 0 {
		return nil, nil
	}
	return r, ls
}

// moves are the copies of a program.
type moves struct {
	p       *ir.Program
	copies  map[string]bool // by function and result
	free    map[string]bool // those whose two sides may lie as they like
	results map[string]bool // those of results of reductions
	n       int
}

// has reports whether a result of a function is a copy.
func (w *moves) has(fn, result string) bool { return w != nil && w.copies[copyKey(fn, result)] }

func copyKey(fn, result string) string { return fn + "%" + result }

// insert writes the copies.
func (w *moves) insert() {
	changes := map[string]bool{}
	state := map[string]bool{} // what a function makes anew from what it was
	var was []map[string]bool  // by function: what it reads
	for i := range w.p.Funcs {
		was = append(was, map[string]bool{})
		was := was[i]
		for j := range w.p.Funcs[i].Ops {
			for _, p := range w.p.Funcs[i].Ops[j].Pieces {
				for _, n := range p.Body.Nodes {
					was[n.Name] = was[n.Name] || n.Op == ir.Read
				}
			}
		}
		for _, s := range w.p.Funcs[i].Sets {
			changes["@"+s.Array] = true
			state["@"+s.Array] = state["@"+s.Array] || was["@"+s.Array]
		}
	}
	for i := range w.p.Funcs {
		fn := &w.p.Funcs[i]
		set := w.assigned(fn)
		sets := map[string]bool{}
		for _, s := range fn.Sets {
			sets["@"+s.Array] = true
		}
		var ops []ir.Op
		read := map[string]string{} // results that are read through a copy
		for j := range fn.Ops {
			o := fn.Ops[j]
			for k := range o.Pieces {
				b := &o.Pieces[k].Body
				for n := range b.Nodes {
					if to := read[b.Nodes[n].Name]; to != "" && b.Nodes[n].Op == ir.Read {
						b.Nodes[n].Name = to
					}
				}
			}
			if to := read[o.From]; to != "" {
				o.From = to
			}
			sum := o.Kind == ir.Reduce && factors(&o) > 1
			if len(o.Pieces) == 1 {
				b := &o.Pieces[0].Body
				for n := range b.Nodes {
					x := &b.Nodes[n]
					if x.Op == ir.Read && (sum && (x.Name[0] == '%' || changes[x.Name]) || state[x.Name] && !sets[x.Name]) {
						free := changes[x.Name]
						if c, ok := w.copyOf(fn, &o, x); ok {
							w.free[copyKey(fn.Name, c.Results[0].Name)] = free
							ops = append(ops, c)
						}
					}
				}
			}
			ops = append(ops, o)
			if o.Kind == ir.Reduce && len(o.Results) == 1 && len(o.Dom) > 0 && (sum || set["%"+o.Results[0].Name]) {
				r := o.Results[0]
				x := ir.Node{Op: ir.Read, Elem: r.Elem, Name: "%" + r.Name}
				for _, d := range o.Dom {
					x.At = append(x.At, ir.Affine{Index: d.Index})
				}
				if c, ok := w.copyOf(fn, &o, &x); ok {
					w.free[copyKey(fn.Name, c.Results[0].Name)] = set["%"+r.Name]
					ops = append(ops, c)
					w.results[copyKey(fn.Name, c.Results[0].Name)] = true
					read["%"+r.Name] = x.Name
				}
			}
		}
		for k := range fn.Sets {
			t := &fn.Sets[k]
			if to := read[t.Value]; to != "" {
				t.Value = to
			} else if c, ok := w.assign(fn, t, ops); ok && !was[i]["@"+t.Array] {
				ops = append(ops, c)
				t.Value = "%" + c.Results[0].Name
			}
		}
		fn.Ops = ops
	}
}

// assign makes a copy of a value on its way into an array.
func (w *moves) assign(fn *ir.Func, t *ir.Set, ops []ir.Op) (ir.Op, bool) {
	for i := range ops {
		o := &ops[i]
		for _, r := range o.Results {
			if "%"+r.Name != t.Value {
				continue
			}
			x := ir.Node{Op: ir.Read, Elem: r.Elem, Name: t.Value}
			for _, d := range o.Dom {
				x.At = append(x.At, ir.Affine{Index: d.Index})
			}
			c, ok := w.copyOf(fn, o, &x)
			if ok {
				w.free[copyKey(fn.Name, c.Results[0].Name)] = true
			}
			return c, ok
		}
	}
	return ir.Op{}, false
}

// factors counts the tensors that a reduction reads.
func factors(o *ir.Op) int {
	names := map[string]bool{}
	for _, p := range o.Pieces {
		for _, n := range p.Body.Nodes {
			if n.Op == ir.Read && len(n.At) > 0 {
				names[n.Name] = true
			}
		}
	}
	return len(names)
}

// assigned lists the values that arrays are set to, and those that only maps lie between.
func (w *moves) assigned(fn *ir.Func) map[string]bool {
	out := map[string]bool{}
	for _, s := range fn.Sets {
		out[s.Value] = true
	}
	for j := len(fn.Ops) - 1; j >= 0; j-- {
		o := &fn.Ops[j]
		hit := o.Kind == ir.Map && slices.ContainsFunc(o.Results, func(r ir.Result) bool { return out["%"+r.Name] })
		for _, p := range o.Pieces {
			for _, n := range p.Body.Nodes {
				if hit && n.Op == ir.Read && len(n.At) > 0 {
					out[n.Name] = true
				}
			}
		}
	}
	return out
}

// copyOf makes a copy of what node x of o reads and lets x read the copy: what is read at a fixed position is left out.
func (w *moves) copyOf(fn *ir.Func, o *ir.Op, x *ir.Node) (ir.Op, bool) {
	c := ir.Op{Kind: ir.Map, Pos: o.Pos}
	var box []ir.Interval
	var at []ir.Affine
	for _, a := range x.At {
		if a.Index == "" {
			continue
		}
		i := slices.IndexFunc(append(slices.Clone(o.Dom), o.Over...), func(r ir.Range) bool { return r.Index == a.Index })
		if i < 0 || a.Off != 0 || !a.Unit() || slices.ContainsFunc(at, func(b ir.Affine) bool { return b.Index == a.Index }) {
			return c, false
		}
		r := append(slices.Clone(o.Dom), o.Over...)[i]
		if r.Lo != 0 || r.Hi != w.p.Axis(r.Axis).N {
			return c, false
		}
		c.Dom, box, at = append(c.Dom, r), append(box, ir.Interval{Hi: r.Hi}), append(at, ir.Affine{Index: a.Index})
	}
	if len(at) == 0 {
		return c, false
	}
	name := w.name(fn, x.Name[1:])
	c.Results = []ir.Result{{Name: name, Elem: x.Elem}}
	c.Pieces = []ir.Piece{{Box: box, Body: ir.Body{Nodes: []ir.Node{{Op: ir.Read, Elem: x.Elem, Name: x.Name, At: x.At}}, Results: []int{0}}}}
	x.Name, x.At = "%"+name, at
	w.copies[copyKey(fn.Name, name)] = true
	return c, true
}

// name is a new one.
func (w *moves) name(fn *ir.Func, of string) string {
	for {
		w.n++
		s := fmt.Sprintf("%s.to%d", of, w.n)
		if !slices.ContainsFunc(fn.Ops, func(o ir.Op) bool {
			return slices.ContainsFunc(o.Results, func(r ir.Result) bool { return r.Name == s })
		}) {
			return s
		}
	}
}

// join ties the two sides of every copy, dimension by dimension, unless they may lie as they like or that puts two indices of something into
// one strand. The largest tensor comes first, then what touches the strands that have grown so far, again the largest first: so copies that are
// left are of small tensors, and a strand that follows the data through the program meets itself late.
func (s *strands) join() {
	type seam struct{ from, to, size int }
	var seams []seam
	for i := range s.p.Funcs {
		fn := &s.p.Funcs[i]
		for j := range fn.Ops {
			o := &fn.Ops[j]
			if len(o.Results) != 1 || !s.moves.has(fn.Name, o.Results[0].Name) || s.moves.free[copyKey(fn.Name, o.Results[0].Name)] {
				continue
			}
			size := 1
			for _, r := range o.Dom {
				size *= r.Hi - r.Lo
			}
			x := &o.Pieces[0].Body.Nodes[0]
			k := 0
			for d, a := range x.At {
				if a.Index == "" {
					continue
				}
				if from, to := s.of[readKey(fn.Name, x.Name, d)], s.of[indexKey(fn.Name, j, k)]; s.alike(s.axis[from], s.axis[to]) {
					seams = append(seams, seam{from, to, size})
				}
				k++
			}
		}
	}
	slices.SortStableFunc(seams, func(a, b seam) int { return b.size - a.size })
	grown := map[int]bool{} // a dimension of each strand that has grown
	for len(seams) > 0 {
		roots := map[int]bool{}
		for n := range grown {
			roots[s.find(n)] = true
		}
		k := max(0, slices.IndexFunc(seams, func(x seam) bool { return roots[s.find(x.from)] || roots[s.find(x.to)] }))
		x := seams[k]
		seams = slices.Delete(seams, k, k+1)
		root, stay := slices.Clone(s.root), slices.Clone(s.stay)
		if s.tie(x.from, x.to); s.clash() {
			s.root, s.stay = root, stay
			continue
		}
		grown[x.from] = true
	}
}

// clash reports whether an operation or an array has two dimensions in one strand.
func (s *strands) clash() bool {
	two := func(keys func(i int) string, n int) bool {
		for i := range n {
			for k := range i {
				if s.find(s.of[keys(i)]) == s.find(s.of[keys(k)]) {
					return true
				}
			}
		}
		return false
	}
	for i := range s.p.Arrays {
		a := &s.p.Arrays[i]
		if two(func(d int) string { return arrayKey(a.Name, d) }, len(a.Axes)) {
			return true
		}
	}
	for i := range s.p.Funcs {
		fn := &s.p.Funcs[i]
		for j := range fn.Ops {
			if two(func(k int) string { return indexKey(fn.Name, j, k) }, len(fn.Ops[j].Dom)+len(fn.Ops[j].Over)) {
				return true
			}
		}
	}
	return false
}

// settle takes out the copies between places that are one, makes those of several dimensions copies of one dimension each, gathers before
// the others, and returns how many are left.
func (w *moves) settle(p *ir.Program, ls []mesh.Layout) (left int) {
	for i := range p.Funcs {
		fn := &p.Funcs[i]
		vals := map[string][]string{} // axes by name
		for k := range p.Arrays {
			vals["@"+p.Arrays[k].Name] = p.Arrays[k].Axes
		}
		alias := map[string]ir.Node{} // copies that were taken out, and what they read
		var ops []ir.Op
		for j := range fn.Ops {
			o := fn.Ops[j]
			for k := range o.Pieces {
				b := &o.Pieces[k].Body
				for n := range b.Nodes {
					if from, ok := alias[b.Nodes[n].Name]; ok && b.Nodes[n].Op == ir.Read {
						b.Nodes[n] = through(b.Nodes[n], from)
					}
				}
			}
			if from, ok := alias[o.From]; ok {
				o.From = from.Name
			}
			var axes []string
			for _, r := range o.Dom {
				axes = append(axes, r.Axis)
			}
			for _, r := range o.Results {
				vals["%"+r.Name] = axes
			}
			if len(o.Results) != 1 || !w.has(fn.Name, o.Results[0].Name) {
				ops = append(ops, o)
				continue
			}
			x := o.Pieces[0].Body.Nodes[0]
			steps := w.steps(fn, o, vals[x.Name], ls)
			left += len(steps)
			if ops = append(ops, steps...); len(steps) == 0 {
				alias["%"+o.Results[0].Name] = x
			}
		}
		fn.Ops = ops
		for k := range fn.Sets {
			if from, ok := alias[fn.Sets[k].Value]; ok {
				fn.Sets[k].Value = from.Name
			}
		}
	}
	return left
}

// through is what node x, which reads a copy, reads of the original.
func through(x, from ir.Node) ir.Node {
	x.Name = from.Name
	at := slices.Clone(from.At)
	k := 0
	for d := range at {
		if at[d].Index != "" {
			at[d] = x.At[k]
			k++
		}
	}
	x.At = at
	return x
}

// steps are copies of one dimension each that make up copy o of a tensor with the axes given.
func (w *moves) steps(fn *ir.Func, o ir.Op, from []string, ls []mesh.Layout) (out []ir.Op) {
	x := o.Pieces[0].Body.Nodes[0]
	final := o.Dom
	o.Dom = slices.Clone(o.Dom)
	var dims []int
	k := 0
	for d, a := range x.At {
		if a.Index == "" {
			continue
		}
		if Find(ls, from[d]).Dim != Find(ls, final[k].Axis).Dim {
			o.Dom[k].Axis = from[d]
			dims = append(dims, k)
		}
		k++
	}
	slices.SortStableFunc(dims, func(a, b int) int {
		return int(min(1, Find(ls, final[a].Axis).Dim)) - int(min(1, Find(ls, final[b].Axis).Dim))
	})
	for n, k := range dims {
		o.Dom = slices.Clone(o.Dom)
		o.Dom[k].Axis = final[k].Axis
		o.Results = slices.Clone(o.Results)
		last := o.Results[0].Name
		if n+1 < len(dims) {
			o.Results[0].Name = w.name(fn, x.Name[1:])
		}
		out = append(out, o)
		next := ir.Node{Op: ir.Read, Elem: x.Elem, Name: "%" + o.Results[0].Name}
		for _, r := range o.Dom {
			next.At = append(next.At, ir.Affine{Index: r.Index})
		}
		o.Pieces = []ir.Piece{{Box: o.Pieces[0].Box, Body: ir.Body{Nodes: []ir.Node{next}, Results: []int{0}}}}
		o.Results = []ir.Result{{Name: last, Elem: x.Elem}}
	}
	return out
}

// rectangles are the meshes that are tried: their sides are numbers of points of axes, so that blocks come out even.
func rectangles(p *ir.Program, w, h int) (out [][2]int) {
	var sides []int
	for _, a := range p.Axes {
		if a.N >= leastSide && a.N <= max(w, h) && !slices.Contains(sides, a.N) {
			sides = append(sides, a.N)
		}
	}
	slices.Sort(sides)
	sides = sides[max(0, len(sides)-mostSides):]
	for i, n := range sides {
		for _, k := range sides[i:] {
			if n <= w && k <= h {
				out = append(out, [2]int{n, k})
			} else if k <= w && n <= h {
				out = append(out, [2]int{k, n})
			}
		}
	}
	return append(out, [2]int{w, h})
}

// Sides of the rectangles that are tried: axes shorter than leastSide stay in memory or leave most of a side empty, and of longer ones the
// mostSides longest count.
const (
	leastSide = 8
	mostSides = 5
)

// held estimates what the fullest PE holds at a time: its arrays, and of the results of operations those that wait for their readers.
func (c *climber) held() float64 {
	n := len(c.s.p.Arrays)
	arrays, all := 0.0, c.bytes()
	tuples := c.s.tuples
	c.s.tuples = tuples[:n]
	arrays = c.bytes()
	c.s.tuples = tuples
	return arrays + (all-arrays)/waiting
}

// waiting is the ratio of all results of operations to those that wait for readers at a time, in the backward pass of a transformer of
// two layers.
const waiting = 10
