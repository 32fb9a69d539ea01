package tomesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// Cannon's algorithm (L. E. Cannon 1969) multiplies matrices on PEs whose sides are rings. On a square PE (p, q) begins with the blocks
// A[p, (p+q) mod P] and B[(p+q) mod P, q]; in every step it adds their product to its block of C, sends both to the parts below it on the
// two rings and gets the next. The rings are folded ("interleaved", He et al. 2025, WaferLLM), so that neighbours are two PEs apart at most and
// no route goes across the mesh. A panel passes every PE once, where SUMMA shifts and multicasts it, and all PEs run one process.
//
// On a rectangle of P x Q parts k is cut into as many blocks as the least common multiple of P and Q. A part has several of them side by side
// in its panels of A (as many as P has factors that Q lacks) and of B. PE (p, q) begins with block First(p, q) of ir.Turn and walks through its
// two panels in step; each panel goes on to the part below when it is begun, and the next one is there when it has been used up. Where First lies
// inside a panel, that panel's beginning is used at the end: it is still in the PE's own array. How far inside depends on p for A and on q
// for B, so there is a process for every such pair (l.turnPhases), and none for single PEs.
//
// Blocks of k that are shorter than the largest are padded (mesh.Program.Pieces) such that all PEs multiply panels of one length.
//
// What a PE begins with is turned against its place in the matrix. The host lays it so: an array is held turned when the device only ever
// reads it as a factor of such products. Other products go by SUMMA.
//
// A PE sums the blocks of k cyclically from the one that it begins with. That order is recorded (ir.Turned).

// turns finds the products and the arrays.
func (l *lowering) turns() {
	x, y := l.lay[mesh.X], l.lay[mesh.Y]
	if x == nil || y == nil || !x.Folded || !y.Folded {
		return
	}
	turn := l.sides()
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
			for i, a := range accs {
				is := 2 * (a.panel + 1)
				if k := place.Find(l.ls, a.v.axes[a.panel]); k.N%turn.Blocks() != 0 {
					is += i // padding has a sign
				}
				if k := at[a.v.name]; k != 0 && k != is && !bad[a.v.name] {
					bad[a.v.name], again = true, true
				}
				at[a.v.name] = is
			}
			if bad[accs[0].v.name] || bad[accs[1].v.name] {
				bad[accs[0].v.name], bad[accs[1].v.name], again = true, true, true
			}
		}
	}
	for _, o := range ops {
		if accs := o.panelReads(); !bad[accs[0].v.name] {
			o.turned = true
			for i, a := range accs {
				k := place.Find(l.ls, a.v.axes[a.panel])
				t := turned{dim: a.panel, minus: i == 0 && k.N%turn.Blocks() != 0, places: turn.Blocks() / k.Parts * l.unit(k)}
				l.turned[a.v.name[1:]] = t
				l.single = l.single && t.places == 1
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

// turned is how an array is held turned: the dimension, its places in a PE, and whether their padding is -0.
type turned struct {
	dim, places int
	minus       bool
}

// sides are the parts of the two sides of the mesh.
func (l *lowering) sides() ir.Turn {
	return ir.Turn{Parts: [2]int{l.lay[mesh.X].Parts, l.lay[mesh.Y].Parts}}
}

// unit is the length of a block of an axis in turned panels.
func (l *lowering) unit(k *mesh.Layout) int { return ir.Cut{Parts: l.sides().Blocks()}.Most(k.N) }

// mayTurn reports whether an operation by itself can go by Cannon's algorithm.
func (l *lowering) mayTurn(o *op) bool {
	ds := o.panelDims()
	if len(ds) != 2 || ds[0] == ds[1] {
		return false
	}
	for _, a := range o.panelReads() {
		if k := place.Find(l.ls, a.v.axes[a.panel]); a.v.def != nil || !(ir.Cut{Parts: l.sides().Blocks()}).Valid(k.N) {
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
	t := l.sides()
	t.By = [2]int{o.on[mesh.X], o.on[mesh.Y]}
	return t
}

// turnPhases is how many roles the parts along d have in Cannon's products: part k begins its panels along the other side with their block
// k*n mod turnPhases(d), for some n.
func (l *lowering) turnPhases(d mesh.Dim) int {
	if len(l.turned) == 0 {
		return 1
	}
	t := l.sides()
	return t.Blocks() / t.Parts[mesh.Y-d]
}

// cannon multiplies what passes.
func (e *pe) cannon(o *op) {
	defer e.keepTemps()()
	k := len(o.Dom)
	box := e.ownBox(o)
	acc := e.place(o.res[0].st, box[:k])
	t := e.l.turn(o)
	var sides []*passing
	for _, a := range o.panelReads() {
		s := &passing{panels: e.panels(a, box, k)}
		s.ring = s.buffers(2)
		s.blocks = t.Blocks() / s.lay.Parts
		s.at = t.First(e.part[mesh.X], e.part[mesh.Y]) % s.blocks
		sides = append(sides, s)
	}
	unit := e.l.unit(sides[0].lay)
	for done := 0; done < t.Blocks(); {
		run := t.Blocks() - done
		for _, s := range sides {
			run = min(run, s.blocks-s.at)
		}
		at := append(append([]ir.Interval{}, box[:k]...), ir.Interval{Hi: run * unit})
		var terms []*opnd
		for _, s := range sides {
			p := *s.panel(s.step)
			p.off += s.at * unit * p.stride[k]
			terms = append(terms, p.moved(box, at))
		}
		var fresh []*passing
		for _, s := range sides {
			if !s.begun && s.step+1 < s.lay.Parts {
				e.send(e.channel(s.d, mesh.Shift, -1, s.n), s.elem, s.slice(s.panel(s.step)))
				fresh = append(fresh, s)
			}
			s.begun = true
		}
		for _, s := range fresh {
			if s.n >= overlapFrom {
				e.next(s)
			}
		}
		e.fold(o, acc, terms, at, done == 0)
		done += run
		for _, s := range sides {
			if s.at += run; s.at < s.blocks {
				continue
			}
			if s.step+1 < s.lay.Parts && s.n < overlapFrom {
				e.next(s)
			}
			s.step, s.at, s.begun = s.step+1, 0, false
		}
	}
}

// passing is the panels of a factor that pass in Cannon's algorithm: the step-th of them is used from its block at on.
type passing struct {
	*panels
	blocks   int // of a panel
	step, at int
	begun    bool // the panel has been sent on
}

// panel is the one that is here in a step; after the last one of the ring the own one is used again.
func (s *passing) panel(step int) *opnd {
	if step%s.lay.Parts == 0 {
		return s.own
	}
	return s.ring[step%2]
}

// next receives the panel after the one in use.
func (e *pe) next(s *passing) {
	e.receive(e.channel(s.d, mesh.Shift, -1, s.n), s.elem, s.slice(s.panel(s.step+1)))
}
