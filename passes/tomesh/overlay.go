package tomesh

import (
	"cmp"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Scratch of a function lies, with Options.Overlay, in arrays of solvers that nobody needs while the function runs (lives.go): what sets a
// solver up has the longest expressions, and then its vectors hold nothing yet. Scratch is never needed between functions, and sends
// from it are complete when a function ends.

// overlay renames the scratch arrays of every function to arrays that are free there, the largest first, and drops what nobody uses then.
func (l *lowering) overlay() {
	if !l.o.Overlay {
		return
	}
	for i, fn := range l.funcs {
		free := l.freeIn(fn.f.Name)
		need := map[string]int{} // scratch -> elements that the function uses
		l.operands(i, func(o *mesh.Operand) {
			if o.Kind == mesh.Memory {
				last := 0
				o.Slice.Each(func(k int) { last = max(last, k) })
				need[o.Slice.Array] = max(need[o.Slice.Array], last+1)
			}
		})
		var scratch []mesh.Array
		for _, a := range l.out.Arrays {
			if a.Kind == mesh.Temp && need[a.Name] > 1 {
				scratch = append(scratch, a)
			}
		}
		slices.SortStableFunc(scratch, func(a, b mesh.Array) int { return cmp.Compare(need[b.Name], need[a.Name]) })
		into := map[string]gap{}
		for _, a := range scratch {
			best := -1
			for k, f := range free {
				if f.elem == a.Elem && f.len >= need[a.Name] && (best < 0 || f.len < free[best].len) {
					best = k
				}
			}
			if best >= 0 {
				into[a.Name] = free[best]
				n := min((need[a.Name]+3)&^3, free[best].len) // what follows begins in the same bank
				free[best].off, free[best].len = free[best].off+n, free[best].len-n
			}
		}
		l.operands(i, func(o *mesh.Operand) {
			if to, ok := into[o.Slice.Array]; ok && o.Kind == mesh.Memory {
				o.Slice.Array, o.Slice.Off = to.array, o.Slice.Off+to.off
			}
		})
	}
	lens := map[string]int{}
	for i := range l.funcs {
		l.operands(i, func(o *mesh.Operand) {
			if o.Kind == mesh.Memory {
				o.Slice.Each(func(k int) { lens[o.Slice.Array] = max(lens[o.Slice.Array], k+1) })
			}
		})
	}
	l.out.Arrays = slices.DeleteFunc(l.out.Arrays, func(a mesh.Array) bool { return a.Kind == mesh.Temp && lens[a.Name] == 0 })
	for i := range l.out.Arrays {
		if a := &l.out.Arrays[i]; a.Kind == mesh.Temp {
			a.Len = lens[a.Name]
		}
	}
}

// operands calls f for the operands of a function in all classes. Classes may share operations, so they are copied first.
func (l *lowering) operands(fn int, f func(*mesh.Operand)) {
	for c := range l.out.Classes {
		k := &l.out.Classes[c]
		k.Funcs = slices.Clone(k.Funcs)
		k.Funcs[fn] = slices.Clone(k.Funcs[fn])
		for i := range k.Funcs[fn] {
			o := &k.Funcs[fn][i]
			o.Src = slices.Clone(o.Src)
			f(&o.Dst)
			for j := range o.Src {
				f(&o.Src[j])
			}
		}
	}
}

// gap is a part of an array that holds nothing while a function runs.
type gap struct {
	array    string
	elem     ir.Elem
	off, len int
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
