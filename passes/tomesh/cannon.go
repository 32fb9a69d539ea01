package tomesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// Cannon's algorithm (L. E. Cannon 1969) multiplies matrices on a square of PEs whose sides are rings. PE (p, q) begins with the blocks
// A[p, (p+q) mod P] and B[(p+q) mod P, q]; in every step it adds their product to its block of C, sends both to the parts below it on the
// two rings and gets the next. The rings are folded ("interleaved", He et al. 2025, WaferLLM), so that neighbours are two PEs apart at most and
// no route goes across the mesh. A panel passes every PE once, where SUMMA shifts and multicasts it, and all PEs run one process.
//
// The blocks that a PE begins with are turned against their place in the matrix. The host lays them so: an array is held turned when the
// device only ever reads it as a factor of such products. Others go by SUMMA, and so does a summed axis that the sides do not divide.
//
// A PE sums the blocks of k cyclically from the one that it begins with. That order is recorded (ir.Turned).

// turns finds the products and the arrays.
func (l *lowering) turns() {
	x, y := l.lay[mesh.X], l.lay[mesh.Y]
	if x == nil || y == nil || !x.Folded || !y.Folded || x.Parts != y.Parts {
		return
	}
	var ops []*op
	bad := map[string]bool{} // arrays that are used otherwise
	for _, fn := range l.funcs {
		for _, s := range fn.f.Sets {
			bad["@"+s.Array], bad[s.Value] = true, true
		}
		for _, o := range fn.ops {
			if l.mayTurn(o) {
				ops = append(ops, o)
				continue
			}
			o.operands(func(v *value) { bad[v.name] = true })
		}
	}
	at := map[string]int{}
	for again := true; again; {
		again = false
		clear(at)
		for _, o := range ops {
			accs := o.panelReads()
			if bad[accs[0].v.name] && bad[accs[1].v.name] {
				continue
			}
			for _, a := range accs {
				if k := at[a.v.name]; k != 0 && k != a.panel+1 && !bad[a.v.name] {
					bad[a.v.name], again = true, true
				}
				at[a.v.name] = a.panel + 1
			}
			if bad[accs[0].v.name] || bad[accs[1].v.name] {
				bad[accs[0].v.name], bad[accs[1].v.name], again = true, true, true
			}
		}
	}
	for _, o := range ops {
		if accs := o.panelReads(); !bad[accs[0].v.name] {
			o.turned = true
			for _, a := range accs {
				l.turned[a.v.name[1:]] = a.panel + 1
			}
		}
	}
}

// Turns reports whether some product of a program with these layouts goes by Cannon's algorithm.
func Turns(p *ir.Program, layouts []mesh.Layout) bool {
	l := newLowering(p, layouts, Options{})
	for _, stage := range []func(){l.checkLayouts, l.procs, l.values, l.turns} {
		if stage(); l.diags.HasErrors() {
			return false
		}
	}
	return len(l.turned) > 0
}

// mayTurn reports whether an operation by itself can go by Cannon's algorithm.
func (l *lowering) mayTurn(o *op) bool {
	ds := o.panelDims()
	if len(ds) != 2 || ds[0] == ds[1] {
		return false
	}
	for _, a := range o.panelReads() {
		if k := place.Find(l.ls, a.v.axes[a.panel]); a.v.def != nil || k.N%k.Parts != 0 {
			return false
		}
	}
	return slices.Min(o.on[mesh.X:]) >= 0
}

// panelReads are the reads of the factors.
func (o *op) panelReads() (out []*access) {
	for _, node := range o.factors() {
		out = append(out, o.pieces[0].acc[node])
	}
	return out
}

// turn is the order in which a product by Cannon's algorithm sums.
func (l *lowering) turn(o *op) ir.Turn {
	return ir.Turn{Parts: l.lay[mesh.X].Parts, By: [2]int{o.on[mesh.X], o.on[mesh.Y]}}
}

// cannon multiplies what passes.
func (e *pe) cannon(o *op) {
	defer e.keepTemps()()
	k := len(o.Dom)
	box := e.ownBox(o)
	acc := e.place(o.res[0].st, box[:k])
	var sides []*panels
	for _, a := range o.panelReads() {
		s := e.panels(a, box, k)
		s.ring = s.buffers(2)
		sides = append(sides, s)
	}
	steps := sides[0].lay.Parts
	at := append(append([]ir.Interval{}, box[:k]...), ir.Interval{Hi: sides[0].lay.MaxBlock()})
	for step := range steps {
		var terms []*opnd
		for _, s := range sides {
			terms = append(terms, s.passing(step).moved(box, at))
		}
		receive := func(early bool) {
			for _, s := range sides {
				if step+1 < steps && early == (s.n >= overlapFrom) {
					e.receive(e.channel(s.d, mesh.Shift, -1, s.n), s.elem, s.slice(s.passing(step+1)))
				}
			}
		}
		if step+1 < steps {
			for _, s := range sides {
				e.send(e.channel(s.d, mesh.Shift, -1, s.n), s.elem, s.slice(s.passing(step)))
			}
		}
		receive(true)
		e.fold(o, acc, terms, at, step == 0)
		receive(false)
	}
}

// passing is the block that is here in a step of Cannon's algorithm.
func (s *panels) passing(step int) *opnd {
	if step == 0 {
		return s.own
	}
	return s.ring[step%2]
}
