package tomesh

import "github.com/wfc-lang/wfc/ir"

// A map that sets several tensors in one sweep is fast on a CPU and long on a PE: the updates of all weights of one shape are computed side by
// side, with the middle of every expression in scratch, and no two of them look alike. Where memory is short (Options.Overlay), maps come apart
// into those that share no computation: each then needs scratch for itself only, and they are one function of their operands.

// apart takes the maps of a function apart.
func apart(f *ir.Func) *ir.Func {
	g := *f
	g.Ops = nil
	for i := range f.Ops {
		o := &f.Ops[i]
		groups := shares(o)
		if len(groups) < 2 {
			g.Ops = append(g.Ops, *o)
			continue
		}
		for _, rs := range groups {
			c := *o
			c.Results, c.Pieces = nil, nil
			for _, r := range rs {
				c.Results = append(c.Results, o.Results[r])
			}
			for _, p := range o.Pieces {
				var of []int
				for _, r := range rs {
					of = append(of, p.Body.Results[r])
				}
				c.Pieces = append(c.Pieces, ir.Piece{Box: p.Box, Body: p.Body.Only(of)})
			}
			g.Ops = append(g.Ops, c)
		}
	}
	return &g
}

// shares groups the results of a map by common computation, in order.
func shares(o *ir.Op) (groups [][]int) {
	if o.Kind != ir.Map || len(o.Results) < 2 {
		return nil
	}
	of := make([]int, len(o.Results)) // the first result of its group
	for r := range of {
		of[r] = r
	}
	for k := range o.Pieces {
		b := &o.Pieces[k].Body
		by := make([]int, len(b.Nodes)) // a result that needs the node, from 1
		for r, n := range b.Results {
			var visit func(n int)
			visit = func(n int) {
				if len(b.Nodes[n].Args) == 0 {
					return
				}
				if by[n] > 0 {
					if x, y := of[by[n]-1], of[r]; x != y {
						for i := range of {
							if of[i] == max(x, y) {
								of[i] = min(x, y)
							}
						}
					}
					return
				}
				by[n] = r + 1
				for _, a := range b.Nodes[n].Args {
					visit(a)
				}
			}
			visit(n)
		}
	}
	for r := range of {
		if of[r] == r {
			var g []int
			for i := range of {
				if of[i] == r {
					g = append(g, i)
				}
			}
			groups = append(groups, g)
		}
	}
	return groups
}
