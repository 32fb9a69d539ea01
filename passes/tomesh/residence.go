package tomesh

import "github.com/wfc-lang/wfc/ir/mesh"

// A reduction over a mesh dimension leaves its result at part 0. What is computed from it stays there too, unless something needs it in
// every part: an operation along that dimension, or a branch, which all PEs must take alike. Then the result of the reduction itself is
// copied to all parts, once, and every PE does the scalar arithmetic that follows: an all-reduce, after which no PE waits for a root.
// Arrays are kept at part 0 or everywhere for the whole program.

// residence finds which values are wanted everywhere, which live at part 0, and which are copied.
func (l *lowering) residence() {
	for again := true; again; {
		again = false
		for _, fn := range l.funcs {
			again = l.wants(fn) || again
		}
	}
	for again := true; again; {
		again = false
		for _, fn := range l.funcs {
			for _, v := range fn.order {
				if v.def == nil {
					v.home = l.homes[v.name[1:]]
				} else {
					v.home = v.def.home(v)
				}
				for _, d := range meshDims {
					v.flood[d] = v.home[d] && v.want[d]
				}
			}
			for _, s := range fn.f.Sets {
				h, v := l.homes[s.Array], fn.vals[s.Value]
				for _, d := range meshDims {
					h[d] = h[d] || v.home[d] && !v.flood[d]
				}
				if h != l.homes[s.Array] {
					l.homes[s.Array], again = h, true
				}
			}
		}
	}
}

// wants goes through a function backwards and marks what must be at hand in every part of a mesh dimension it lacks. It reports changes.
func (l *lowering) wants(fn *function) (changed bool) {
	want := func(v *value, d mesh.Dim) {
		if v.on[d] < 0 && !v.want[d] {
			v.want[d], changed = true, true
		}
	}
	for _, s := range fn.f.Sets {
		for _, d := range meshDims {
			if l.wanted[s.Array][d] {
				want(fn.vals[s.Value], d)
			}
		}
	}
	for i := len(fn.ops) - 1; i >= 0; i-- {
		o := fn.ops[i]
		for _, d := range meshDims {
			need := o.on[d] >= 0
			if o.moves && need && o.pieces[0].acc[0].v.on[d] < 0 {
				need = false // part 0 has it and hands it out
			}
			if !need && o.res[0].rank0() && len(o.Over) == 0 || o.ghosts || o.from != nil {
				// Scalars are computed everywhere from copies; so are ghost points, which are needed beside the block too.
				for _, r := range o.res {
					need = need || r.want[d]
				}
			}
			if need {
				o.operands(func(v *value) { want(v, d) })
			}
		}
	}
	for _, v := range fn.order {
		if v.def != nil {
			continue
		}
		w := l.wanted[v.name[1:]]
		for _, d := range meshDims {
			if w[d] {
				want(v, d)
			}
			w[d] = w[d] || v.want[d]
		}
		if w != l.wanted[v.name[1:]] {
			l.wanted[v.name[1:]], changed = w, true
		}
	}
	return changed
}

func (v *value) rank0() bool { return len(v.axes) == 0 }

// home says where the results of o live along the mesh dimensions they lack.
func (o *op) home(res *value) (h [3]bool) {
	for _, d := range meshDims {
		switch {
		case res.on[d] >= 0:
		case o.on[d] >= 0: // reduced away
			h[d] = true
		default:
			o.operands(func(v *value) { h[d] = h[d] || v.home[d] && !v.flood[d] })
		}
	}
	return h
}
