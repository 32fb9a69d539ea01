package passes

import (
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// dce removes operations, results and nodes that nothing reads, and host scalars that passes made and nothing uses any more. Arrays
// and the program's own scalars stay: outputs, checks and reports name them. What is left is in canonical order.
func dce(p *ir.Program, cfg *Config) error {
	for i := range p.Funcs {
		f := &p.Funcs[i]
		if err := arrange(f); err != nil {
			return err
		}
		used := map[string]bool{}
		for _, s := range f.Sets {
			used[s.Value] = true
		}
		for j := len(f.Ops) - 1; j >= 0; j-- {
			op := &f.Ops[j]
			var keep []int
			for k, r := range op.Results {
				if used["%"+r.Name] {
					keep = append(keep, k)
				}
			}
			keepResults(op, keep)
			for k := range op.Pieces {
				op.Pieces[k].Body = normal(&op.Pieces[k].Body)
			}
			for _, n := range operands(op) {
				used[n] = true
			}
		}
		if err := arrange(f); err != nil { // a dropped result may have brought its operands forward
			return err
		}
	}
	dropHost(p)
	return nil
}

func dropHost(p *ir.Program) {
	used := map[string]bool{}
	mark := func(b *ir.Body) {
		for i := range b.Nodes {
			if b.Nodes[i].Op == ir.Scalar {
				used[b.Nodes[i].Name] = true
			}
		}
	}
	for i := range p.Funcs {
		bodies(&p.Funcs[i], func(_ *ir.Op, b *ir.Body) { mark(b) })
	}
	for i := range p.Arrays {
		for k := range p.Arrays[i].BC {
			mark(&p.Arrays[i].BC[k].Body)
		}
	}
	for i := range p.Procs {
		ir.Walk(p.Procs[i].Body, func(s *ir.Stmt) { used[s.Count] = true })
	}
	for _, r := range p.Schedule {
		for _, n := range []string{r.Count, r.T0, r.DT} {
			used[n] = true
		}
		for _, b := range r.Bind {
			used[b.Name], used[b.To] = true, true
		}
	}
	for _, c := range p.Checks {
		used[c.Cond] = true
	}
	for _, o := range p.Outputs {
		used[o.Steps], used[o.Seconds] = true, true
	}
	for _, o := range p.Probes {
		used[o.Seconds], used[o.Drift] = true, true
		used[o.Steps] = true
	}
	for i := len(p.Host) - 1; i >= 0; i-- {
		if !strings.HasPrefix(p.Host[i].Name, generated) || used[p.Host[i].Name] {
			mark(&p.Host[i].Body)
			continue
		}
		p.Host = append(p.Host[:i:i], p.Host[i+1:]...)
	}
}
