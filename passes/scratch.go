package passes

import (
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// scratch removes local arrays that nothing reads, with their Sets. Stage values of an integrator are set to arrays only to have
// boundary conditions; once these are written out as ghosts the values are enough.
func scratch(p *ir.Program, _ *Config) error {
	read := map[string]bool{}
	mark := func(b *ir.Body) {
		for i := range b.Nodes {
			if n := &b.Nodes[i]; n.Op == ir.Read && len(n.Name) > 0 && n.Name[0] == '@' {
				read[n.Name[1:]] = true
			}
		}
	}
	for i := range p.Funcs {
		f := &p.Funcs[i]
		for j := range f.Ops {
			op := &f.Ops[j]
			if op.Kind == ir.Extend && op.From[0] == '@' {
				read[op.From[1:]] = true
			}
			for k := range op.Pieces {
				mark(&op.Pieces[k].Body)
			}
		}
		for _, s := range f.Sets {
			if s.Value[0] == '@' {
				read[s.Value[1:]] = true
			}
		}
	}
	for i := range p.Arrays {
		if a := &p.Arrays[i]; !a.Local {
			for k := range a.BC {
				mark(&a.BC[k].Body)
			}
		}
	}
	for i := range p.Procs {
		read[p.Procs[i].Until] = true
		ir.Walk(p.Procs[i].Body, func(s *ir.Stmt) { read[s.Cond] = true })
	}
	for i := range p.Schedule {
		for _, n := range p.Schedule[i].Clock.Arrays() {
			read[n] = true
		}
	}
	for i := range p.Failures {
		read[p.Failures[i].Array], read[p.Failures[i].History], read[p.Failures[i].Entries] = true, true, true
	}
	for _, o := range p.Outputs {
		for _, n := range o.Arrays {
			read[n] = true
		}
	}
	for _, o := range p.Probes {
		read[o.Array] = true
	}
	gone := func(name string) bool {
		a := p.Array(name)
		if a == nil || !a.Local || read[name] {
			return false
		}
		for i := range p.Failures {
			if strings.Contains(p.Failures[i].Message, "{"+name+"}") {
				return false
			}
		}
		return true
	}
	for i := range p.Funcs {
		f := &p.Funcs[i]
		var keep []ir.Set
		for _, s := range f.Sets {
			if !gone(s.Array) {
				keep = append(keep, s)
			}
		}
		f.Sets = keep
	}
	var arrays []ir.Array
	for i := range p.Arrays {
		if !gone(p.Arrays[i].Name) {
			arrays = append(arrays, p.Arrays[i])
		}
	}
	p.Arrays = arrays
	return nil
}
