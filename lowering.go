package wfc

import (
	"errors"

	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/place"
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

// placed is a mesh program taken as far towards machine code as the machine's limits let it.
type placed struct {
	mesh   *mesh.Program
	table  *route.Table      // nil when colors ran out
	code   *codegen.Output   // nil when queues or tasks ran out
	layout []wse.ClassLayout // memory, also when it does not fit
	err    error             // the limit that broke
	// outputs says which outputs do not stop the wafer.
	outputs []report.Shown
}

// lowerToMesh lowers as the cost model prefers: what needs no other PE first, while halos are on their way, and reductions along trees.
// Both take more of a PE than they must (scratch vectors; colors, queues, tasks, code), and so do contractions row by row (code): the first
// combination that fits is taken, and the leanest when none does. together is tomesh.Options.WaitTogether.
func (p *Program) lowerToMesh(w *way, m wse.Machine, together bool) (pl placed, err error) {
	if w.lean {
		return p.lowerLean(w, m, together)
	}
	trees := collective.Auto(cost.Collective(m, false), m.UsableColors)
	ladder := []tomesh.Options{{LocalFirst: true, Tree: trees}, {Tree: trees}, {LocalFirst: true}, {}}
	if place.Contracts(w.ir) {
		ladder = append([]tomesh.Options{{LocalFirst: true, Tree: trees, Rows: true}}, ladder...)
	}
	for _, o := range ladder {
		o.Source, o.StreamReceives, o.WaitTogether = p.file, true, together
		mp, err := tomesh.Lower(w.ir, w.layouts, o)
		if err != nil {
			return pl, err
		}
		if pl = p.place(mp, m); pl.err == nil {
			return pl, nil
		}
	}
	scratch := scratchBytes(pl.mesh)
	for _, part := range []int{1, 2, 4, 8} { // PEs too full: local arrays share storage, and long boxes are computed in parts
		var full *wse.Overflow
		o := tomesh.Options{Source: p.file, StreamReceives: true, WaitTogether: together, Tree: trees, Overlay: true}
		if part > 1 {
			o.Scratch = scratch / part
		}
		if !errors.As(pl.err, &full) || part > 1 && scratch/part < leastScratch {
			break
		}
		mp, err := tomesh.Lower(w.ir, w.layouts, o)
		if err != nil {
			return pl, err
		}
		if less := p.place(mp, m); part == 1 || less.err == nil {
			pl = less
		}
	}
	return pl, nil
}

// lowerLean lowers for memory: in chains, which take the fewest classes and the shortest code, with all local arrays in each other's place, and
// with long boxes in parts where that is what makes it fit.
func (p *Program) lowerLean(w *way, m wse.Machine, together bool) (pl placed, err error) {
	for _, bytes := range []int{0, 2048, 1024} {
		o := tomesh.Options{Source: p.file, StreamReceives: true, WaitTogether: together, Overlay: true, Scratch: bytes}
		mp, err := tomesh.Lower(w.ir, w.layouts, o)
		if err != nil {
			return pl, err
		}
		less := p.place(mp, m)
		if bytes == 0 || less.err == nil {
			pl = less
		}
		if full := (*wse.Overflow)(nil); !errors.As(less.err, &full) {
			break
		}
	}
	return pl, nil
}

// leastScratch is how many bytes of scratch a PE has at least: with less, the operations on parts cost more code than the scratch takes.
const leastScratch = 256

// place routes a mesh program, generates its code and lays out its memory.
func (p *Program) place(mp *mesh.Program, m wse.Machine) (pl placed) {
	pl.mesh = mp
	if pl.table, pl.err = route.Assign(mp, codegen.Fabric{Machine: m}); pl.err != nil {
		return pl
	}
	return p.generate(mp, pl.table, m)
}

// scratchBytes is what the scratch vectors of a PE take, those for values in the middle of an expression.
func scratchBytes(mp *mesh.Program) int {
	n := 0
	for i := range mp.Arrays {
		if a := &mp.Arrays[i]; a.Kind == mesh.Temp && a.Of == "" {
			n += a.Len * place.Bytes(a.Elem)
		}
	}
	return n
}
