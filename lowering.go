package wfc

import (
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/route"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/codegen"
	"github.com/wfc-lang/wfc/target/wse/cost"
)

// lowerToMesh lowers as the cost model prefers: what needs no other PE first, while halos are on their way, and reductions along trees.
// Both take more of a PE than they must (scratch vectors; colors, queues, tasks, code): the first of four ways that fits is taken, and
// the leanest when none does.
func (p *Program) lowerToMesh(layouts []mesh.Layout, m wse.Machine) (*mesh.Program, error) {
	trees := collective.Auto(cost.Collective(m, false), m.UsableColors)
	var mp *mesh.Program
	var err error
	for _, o := range []tomesh.Options{{LocalFirst: true, Tree: trees}, {Tree: trees}, {LocalFirst: true}, {}} {
		o.Source, o.StreamReceives = p.file, true
		if mp, err = tomesh.Lower(p.IR, layouts, o); err != nil || fits(mp, m) {
			break
		}
	}
	return mp, err
}

// fits reports whether the machine has what a mesh program takes.
func fits(mp *mesh.Program, m wse.Machine) bool {
	table, err := route.Assign(mp, codegen.Fabric{Machine: m})
	if err != nil {
		return false
	}
	out, err := codegen.Generate(mp, table, m, codegen.Options{})
	if err != nil {
		return false
	}
	_, err = wse.Layout(out.Program, m)
	return err == nil
}
