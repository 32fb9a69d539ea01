package tomesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// A value that waits for a reader far behind the others, the weights of attention for the backward pass, is cheaper to compute again when what it
// is made of waits as well. Where memory is short (Options.Overlay) it is, if it takes few operations.

// Bounds of what is computed again.
const (
	mostAgain  = 8  // operations per element
	leastAgain = 32 // elements in a PE
	farReader  = 64 // operations of the function between two readers
)

// again computes such values a second time, right before their late readers.
func (l *lowering) again(f *ir.Func) *ir.Func {
	touched := map[string][]int{} // where a value is made and read
	for i := range f.Ops {
		for _, name := range reads(&f.Ops[i]) {
			if t := touched[name]; len(t) == 0 || t[len(t)-1] != i {
				touched[name] = append(t, i)
			}
		}
		for _, r := range f.Ops[i].Results {
			touched["%"+r.Name] = append(touched["%"+r.Name], i)
		}
	}
	for _, s := range f.Sets {
		delete(touched, s.Value) // it is needed at the end
	}
	late := map[int][]int{}   // by operation: what is computed again before it
	since := map[string]int{} // by value: as of which operation the second name is read
	for i := range f.Ops {
		o := &f.Ops[i]
		if o.Kind != ir.Map || len(o.Results) != 1 || copies(o) || l.words(o) < leastAgain || work(o) > mostAgain {
			continue
		}
		name := "%" + o.Results[0].Name
		t := touched[name]
		k := 0 // the widest gap is after touch k
		for j := range max(0, len(t)-1) {
			if t[j+1]-t[j] > t[k+1]-t[k] {
				k = j
			}
		}
		if k == 0 || len(t) < 2 || t[k+1]-t[k] < farReader {
			continue
		}
		at := t[k+1]
		if slices.ContainsFunc(reads(o), func(x string) bool {
			u := touched[x]
			return x[0] == '%' && (len(u) == 0 || u[len(u)-1] < at)
		}) {
			continue
		}
		late[at] = append(late[at], i)
		since[name] = at
	}
	if len(late) == 0 {
		return f
	}
	g := *f
	g.Ops = nil
	for i := range f.Ops {
		for _, j := range late[i] {
			c := f.Ops[j]
			c.Results = []ir.Result{{Name: c.Results[0].Name + ".again", Elem: c.Results[0].Elem}}
			g.Ops = append(g.Ops, c)
		}
		g.Ops = append(g.Ops, renamed(f.Ops[i], func(name string) string {
			if at, ok := since[name]; ok && i >= at {
				return name + ".again"
			}
			return name
		}))
	}
	return &g
}

// work counts the operations of a map.
func work(o *ir.Op) (n int) {
	for _, p := range o.Pieces {
		for _, x := range p.Body.Nodes {
			if len(x.Args) > 0 {
				n++
			}
		}
	}
	return n
}

// renamed is an operation that reads values by other names.
func renamed(o ir.Op, name func(string) string) ir.Op {
	o.From = name(o.From)
	o.Pieces = slices.Clone(o.Pieces)
	for i := range o.Pieces {
		b := &o.Pieces[i].Body
		b.Nodes = slices.Clone(b.Nodes)
		for n := range b.Nodes {
			if b.Nodes[n].Op == ir.Read {
				b.Nodes[n].Name = name(b.Nodes[n].Name)
			}
		}
	}
	return o
}
