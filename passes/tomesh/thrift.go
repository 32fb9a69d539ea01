package tomesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// Differentiation leaves the sums that make the gradients of weights to the end of a function, and until then keeps what they are sums of. Where
// memory is short (Options.Overlay), an operation that leaves less behind than it is the last to need comes as early as it can.

// thrift brings such operations forward.
func (l *lowering) thrift(f *ir.Func) *ir.Func {
	g := *f
	g.Ops = nil
	by := map[string]int{}            // the operation that makes a value
	uses := make([][]int, len(f.Ops)) // the operations that read its results
	needs := make([][]int, len(f.Ops))
	stays := make([]bool, len(f.Ops)) // a result is needed after the function, in an array that exists anyway
	for i := range f.Ops {
		o := &f.Ops[i]
		for _, name := range reads(o) {
			if j, ok := by[name]; ok && !slices.Contains(needs[i], j) {
				needs[i], uses[j] = append(needs[i], j), append(uses[j], i)
			}
		}
		for _, r := range o.Results {
			by["%"+r.Name] = i
		}
	}
	for _, s := range f.Sets {
		if j, ok := by[s.Value]; ok {
			stays[j] = true
		}
	}
	done := make([]bool, len(f.Ops))
	left := make([]int, len(f.Ops)) // readers that are still to come
	for i := range uses {
		left[i] = len(uses[i])
	}
	ready := func(i int) bool {
		return !done[i] && !slices.ContainsFunc(needs[i], func(j int) bool { return !done[j] })
	}
	// leaves is what is held for the results of i, or for what follows if that is all they are for.
	var leaves func(i int) int
	leaves = func(i int) int {
		if stays[i] {
			return 0
		}
		if len(uses[i]) == 1 && len(needs[uses[i][0]]) == 1 {
			return min(l.words(&f.Ops[i]), leaves(uses[i][0]))
		}
		return l.words(&f.Ops[i])
	}
	frees := func(i int) (n int) {
		for _, j := range needs[i] {
			if left[j] == 1 && !stays[j] {
				n += l.words(&f.Ops[j])
			}
		}
		return n
	}
	var emit func(i int)
	emit = func(i int) {
		g.Ops, done[i] = append(g.Ops, f.Ops[i]), true
		for _, j := range needs[i] {
			left[j]--
		}
	}
	for i := range f.Ops {
		if !done[i] {
			emit(i)
		}
		for again := true; again; {
			again = false
			for k := i + 1; k < len(f.Ops) && !again; k++ {
				if ready(k) && leaves(k) < frees(k) {
					emit(k)
					again = true
				}
			}
		}
	}
	return &g
}

// reads lists the values that an operation reads.
func reads(o *ir.Op) (out []string) {
	if o.From != "" {
		out = append(out, o.From)
	}
	for _, p := range o.Pieces {
		for _, n := range p.Body.Nodes {
			if n.Op == ir.Read {
				out = append(out, n.Name)
			}
		}
	}
	return out
}

// words is how many elements the results of an operation have in a PE.
func (l *lowering) words(o *ir.Op) int {
	n := len(o.Results)
	for _, r := range o.Dom {
		if lay := place.Find(l.ls, r.Axis); lay.Dim != mesh.Mem {
			n *= lay.MaxBlock()
		} else {
			n *= r.Hi - r.Lo
		}
	}
	return n
}
