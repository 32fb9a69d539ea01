package tomesh

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Scratch vectors, values and halos are needed only within a function: what it reads of them it wrote or received before, and sends from
// them are complete when it ends. With Options.Overlay those that are not needed at the same time share storage, within a function and
// from one to the next, and they also lie in arrays of solvers that nobody needs while the function runs (lives.go): what sets a solver
// up has the longest expressions, and then its vectors hold nothing yet.

// span is where a local array is needed in the operations of a function, in one class: from the first that touches it to the last, or to
// the wait for what is sent from it.
type span struct{ first, last int }

// gap is a part of an array: a place of one local array, or one in which several take turns.
type gap struct {
	array    string
	elem     ir.Elem
	off, len int
	users    []string
}

// overlay gives the local arrays of every function their storage: where an array of a solver is free, else in one array per type.
func (l *lowering) overlay() {
	if !l.o.Overlay {
		return
	}
	own := map[string]mesh.Array{}
	for _, a := range l.out.Arrays {
		if a.Kind == mesh.Temp || a.Kind == mesh.Halo {
			own[a.Name] = a
		}
	}
	long := map[ir.Elem]int{}
	for i, fn := range l.funcs {
		need, spans := l.spans(i, own)
		names := slices.Sorted(maps.Keys(need))
		order := map[string][2]int{}
		for _, name := range names {
			order[name] = turn(spans[name])
		}
		slices.SortStableFunc(names, func(a, b string) int {
			x, y := order[a], order[b]
			return cmp.Or(scratchLast(a)-scratchLast(b), x[0]-y[0], need[b]-need[a], x[1]-y[1])
		})
		gaps := l.freeIn(fn.f.Name)
		into := map[string]gap{}
		packed := map[ir.Elem][]packedAt{}
		for _, name := range names {
			elem, n := own[name].Elem, need[name]
			best := -1
			for k, g := range gaps {
				if g.elem == elem && g.len >= n && (best < 0 || g.len < gaps[best].len) &&
					!slices.ContainsFunc(g.users, func(u string) bool { return meet(spans[name], spans[u]) }) {
					best = k
				}
			}
			if best < 0 {
				into[name] = pack(name, spans, packed[elem], gap{array: "local." + elem.String(), elem: elem, len: n})
				packed[elem] = append(packed[elem], packedAt{name, into[name]})
				long[elem] = max(long[elem], into[name].off+n)
				continue
			}
			g := gaps[best]
			if at := (n + 3) &^ 3; len(g.users) == 0 && g.len > at { // what is left begins in the same bank
				gaps = append(gaps, gap{array: g.array, elem: elem, off: g.off + at, len: g.len - at})
				g.len = at
			}
			g.users = append(g.users, name)
			gaps[best], into[name] = g, g
		}
		l.operands(i, func(_, _ int, o *mesh.Operand) {
			if to, ok := into[o.Slice.Array]; ok && o.Kind == mesh.Memory {
				o.Slice.Array, o.Slice.Off = to.array, o.Slice.Off+to.off
			}
		})
	}
	var shared []mesh.Array
	for _, elem := range tempElems {
		if long[elem] > 0 {
			shared = append(shared, mesh.Array{Name: "local." + elem.String(), Kind: mesh.Temp, Elem: elem, Len: long[elem]})
		}
	}
	l.out.Arrays = append(slices.DeleteFunc(l.out.Arrays, func(a mesh.Array) bool { return own[a.Name].Name != "" }), shared...)
}

// brief is how many operations a value may last to be placed among the first.
const brief = 256

// turn says when the place of an array is chosen: in how many doublings of brief it ends, and where it begins. What lasts longer comes later,
// and scratch first of all (scratchLast): so the places in parts of a program that are alike, layers for instance, are alike, and their code
// can be one function with few parameters.
func turn(s []span) (out [2]int) {
	n, first := 0, -1
	for _, x := range s {
		if x.first >= 0 {
			n = max(n, x.last-x.first)
			if first < 0 || x.first < first {
				first = x.first
			}
		}
	}
	for ; n > brief; n /= 2 {
		out[0]++
	}
	out[1] = first
	return out
}

// scratchLast is 0 for scratch vectors and 1 for others.
func scratchLast(name string) int {
	if strings.HasPrefix(name, scratchPrefix) {
		return 0
	}
	return 1
}

// packedAt is where a local array lies.
type packedAt struct {
	name string
	at   gap
}

// pack finds the lowest place for an array among those that are needed at the same time. Places begin in the same bank.
func pack(name string, spans map[string][]span, others []packedAt, g gap) gap {
	var busy []gap
	for _, o := range others {
		if meet(spans[name], spans[o.name]) {
			busy = append(busy, o.at)
		}
	}
	slices.SortFunc(busy, func(a, b gap) int { return a.off - b.off })
	for _, b := range busy {
		if b.off >= g.off+g.len {
			break
		}
		g.off = max(g.off, (b.off+b.len+3)&^3)
	}
	return g
}

// spans finds how many elements of the local arrays a function uses, and where, class by class.
func (l *lowering) spans(fn int, own map[string]mesh.Array) (need map[string]int, spans map[string][]span) {
	need, spans = map[string]int{}, map[string][]span{}
	l.operands(fn, func(class, at int, o *mesh.Operand) {
		name := o.Slice.Array
		if o.Kind != mesh.Memory || own[name].Name == "" {
			return
		}
		size := o.Slice.Off + 1
		for _, d := range o.Slice.Dims {
			size += max(0, (d.Len-1)*d.Stride)
		}
		need[name] = max(need[name], size)
		for len(spans[name]) < len(l.out.Classes) {
			spans[name] = append(spans[name], span{first: -1})
		}
		s := &spans[name][class]
		if s.first < 0 {
			s.first = at
		}
		s.last = max(s.last, complete(l.out.Classes[class].Funcs[fn], at))
	})
	return need, spans
}

// complete is the operation at which one is certainly done: of an asynchronous send the wait for it.
func complete(ops []mesh.Op, at int) int {
	o := &ops[at]
	if !o.Async || o.Dst.Kind != mesh.Chan {
		return at
	}
	for k := at + 1; k < len(ops); k++ {
		if ops[k].Kind == mesh.Await && slices.Contains(ops[k].Chans, o.Dst.Name) {
			return k
		}
	}
	return len(ops)
}

// meet reports whether two arrays are needed at the same time in some class.
func meet(a, b []span) bool {
	for c := range a {
		if a[c].first >= 0 && b[c].first >= 0 && a[c].first <= b[c].last && b[c].first <= a[c].last {
			return true
		}
	}
	return false
}

// operands calls f for the operands of a function in all classes, with the class and the operation. Classes may share operations, so they
// are copied first.
func (l *lowering) operands(fn int, f func(class, op int, o *mesh.Operand)) {
	for c := range l.out.Classes {
		k := &l.out.Classes[c]
		k.Funcs = slices.Clone(k.Funcs)
		k.Funcs[fn] = slices.Clone(k.Funcs[fn])
		for i := range k.Funcs[fn] {
			o := &k.Funcs[fn][i]
			o.Src = slices.Clone(o.Src)
			f(c, i, &o.Dst)
			for j := range o.Src {
				f(c, i, &o.Src[j])
			}
		}
	}
}

// freeIn lists the arrays that hold nothing while a function runs.
func (l *lowering) freeIn(fn string) []gap {
	busy := set{}
	for name, s := range l.arrays {
		a := l.p.Array(name)
		if a.Local && !a.Const && len(a.Axes) > 0 && !l.lives.keep[name] && !l.lives.use[fn][name] {
			continue
		}
		for _, c := range s.cols {
			busy[c.array] = true
		}
	}
	var out []gap
	for _, a := range l.out.Arrays {
		if a.Kind == mesh.State && !busy[a.Name] {
			out = append(out, gap{array: a.Name, elem: a.Elem, len: a.Len})
		}
	}
	return out
}
