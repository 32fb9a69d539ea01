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

// lowerToMesh lowers with the reduction trees that the cost model prefers. Where what they need beyond chains (colors, queues, tasks, code)
// turns out not to be there, parts combine in chains.
func (p *Program) lowerToMesh(layouts []mesh.Layout, m wse.Machine) (*mesh.Program, error) {
	o := tomesh.Options{Source: p.file, StreamReceives: true, Tree: collective.Auto(cost.Collective(m, false), m.UsableColors)}
	mp, err := tomesh.Lower(p.IR, layouts, o)
	if err != nil {
		return nil, err
	}
	trees := false
	for _, c := range mp.Channels {
		trees = trees || c.Kind == mesh.Hop
	}
	if !trees || fits(mp, m) {
		return mp, nil
	}
	o.Tree = nil
	return tomesh.Lower(p.IR, layouts, o)
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
