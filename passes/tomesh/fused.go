package tomesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Reductions to scalars that do not depend on each other travel together: their partials lie next to each other, combine element by
// element as one vector and are copied to all parts as one. Solvers wait for the fabric once where they would two or three times.
// What each element goes through is the same, and so are its bits.

// collective reports whether an operation combines along the mesh.
func (l *lowering) collective(o *ir.Op) bool {
	return o.Kind == ir.Reduce && slices.ContainsFunc(o.Over, func(r ir.Range) bool { return l.dim(r.Axis) != mesh.Mem })
}

// schedule brings together the reductions along the mesh that can be made at the same time, when there are any: operations go by the
// number of such reductions that must come before them, and the reductions come last of those with the same number.
func (l *lowering) schedule(f *ir.Func) *ir.Func {
	level := make([]int, len(f.Ops))
	defs := map[string]int{}
	count := map[int]int{}
	for i := range f.Ops {
		o := &f.Ops[i]
		use := func(name string) {
			if j, ok := defs[name]; ok {
				k := level[j]
				if l.collective(&f.Ops[j]) {
					k++
				}
				level[i] = max(level[i], k)
			}
		}
		use(o.From)
		for _, p := range o.Pieces {
			for _, n := range p.Body.Nodes {
				if n.Op == ir.Read {
					use(n.Name)
				}
			}
		}
		for _, r := range o.Results {
			defs["%"+r.Name] = i
		}
		if l.collective(o) && len(o.Dom) == 0 {
			count[level[i]]++
		}
	}
	together := false
	for _, n := range count {
		together = together || n > 1
	}
	if !together {
		return f
	}
	at := make([]int, len(f.Ops))
	for i := range at {
		at[i] = i
	}
	key := func(i int) int {
		k := 2 * level[i]
		if l.collective(&f.Ops[i]) {
			k++
		}
		return k
	}
	slices.SortStableFunc(at, func(a, b int) int { return key(a) - key(b) })
	g := *f
	g.Ops = make([]ir.Op, len(at))
	for i, k := range at {
		g.Ops[i] = f.Ops[k]
	}
	return &g
}

// fuse groups neighbouring reductions that combine alike.
func (l *lowering) fuse() {
	for _, fn := range l.funcs {
		for i := 0; i < len(fn.ops); {
			j := i + 1
			for j < len(fn.ops) && l.alike(fn.ops[i], fn.ops[j]) && !fn.ops[j].readsAny(fn.ops[i:j]) {
				j++
			}
			if j > i+1 {
				fn.ops[i].with = fn.ops[i:j]
				for _, o := range fn.ops[i+1 : j] {
					o.done = true
				}
			}
			i = j
		}
	}
}

// alike reports whether two reductions to scalars take part in the same collective: from the same parts, to the same parts.
func (l *lowering) alike(a, b *op) bool {
	if !l.collective(a.Op) || !l.collective(b.Op) || len(a.Dom)+len(b.Dom) > 0 || a.Comb != b.Comb || a.res[0].elem != b.res[0].elem {
		return false
	}
	for _, d := range meshDims {
		if a.on[d] < 0 != (b.on[d] < 0) || a.res[0].home[d] != b.res[0].home[d] {
			return false
		}
		if i, j := a.on[d], b.on[d]; i >= 0 && (a.iter[i].Axis != b.iter[j].Axis || a.iter[i].Lo != b.iter[j].Lo || a.iter[i].Hi != b.iter[j].Hi) {
			return false
		}
	}
	elem, flood := a.res[0].elem, a.res[0].flood
	for _, r := range append(append([]*value{}, a.res...), b.res...) {
		if r.elem != elem || r.flood != flood {
			return false
		}
	}
	return true
}

func (o *op) readsAny(ops []*op) bool {
	found := false
	o.operands(func(v *value) { found = found || slices.Contains(ops, v.def) })
	return found
}

// reduceTogether makes the reductions of a group and copies their results to where they are needed.
func (e *pe) reduceTogether(group []*op) {
	before := map[ir.Elem][]bool{}
	for el, used := range e.temp {
		before[el] = append([]bool{}, used...)
	}
	first := group[0]
	el, computes := first.res[0].elem, e.computes(first)
	var to []mesh.Operand
	for _, o := range group {
		e.pos = o.Pos
		for r, v := range o.res {
			if computes {
				e.foldLocal(o, r)
			}
			to = append(to, e.place(v.st, nil).operand(nil, 0))
		}
	}
	n := len(to)
	t := e.tempName(storageElem(el), e.takeTemp(storageElem(el), n))
	all := mesh.Slice{Array: t, Dims: []mesh.Extent{{Len: n, Stride: 1}}}
	move := func(dst, src mesh.Operand) {
		e.emit(mesh.Op{Code: ir.Read, Elem: el, Dst: dst, Src: []mesh.Operand{src}})
	}
	if computes {
		for i := range to {
			move(memory(mesh.Slice{Array: t, Off: i}), to[i])
		}
		e.chains(first, el, memory(all), n)
	}
	e.floodFrom(first.res[0], all, n)
	if e.holds(first.res[0]) {
		for i := range to {
			move(to[i], memory(mesh.Slice{Array: t, Off: i}))
		}
	}
	e.temp = before
}
