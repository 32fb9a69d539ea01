package place

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// What may lie along a side of the mesh: axes along which no operation needs points to change places between PEs. An operation with two
// indices over one axis, a read at a fixed position, or one by an index over another axis, does. Grids rarely have such axes first; models
// have them (the positions of a sequence that attend to each other), and among the others those are taken that leave the fullest PE least.

// maxReach is how many points away an axis with one point per PE may be read.
const maxReach = 32

// onMesh returns the families that go along X and Y: those of the given order, unless one of the first two cannot.
func onMesh(p *ir.Program, fams, order []*family, limit map[mesh.Dim]int) []*family {
	if len(order) > 2 {
		order = order[:2]
	}
	stays := staying(p, fams)
	good := true
	for _, f := range order {
		good = good && (!stays[f] || f.units < 2)
	}
	if good {
		return order
	}
	var free []*family
	for _, f := range fams {
		if !stays[f] && f.units > 1 {
			free = append(free, f)
		}
	}
	if len(free) == 0 {
		return order
	}
	w := newWeigher(p, fams)
	var best []*family
	least := 0.0
	for i, x := range free {
		for j, y := range free {
			pair := []*family{x, y}
			if i == j {
				if len(free) > 1 {
					continue
				}
				pair = pair[:1]
			}
			if b := w.bytes(pair, limit); best == nil || b < least {
				best, least = pair, b
			}
		}
	}
	return best
}

// staying marks the families that must stay in memory.
func staying(p *ir.Program, fams []*family) map[*family]bool {
	of := familyOf(fams)
	out := map[*family]bool{}
	for i := range p.Funcs {
		fn := &p.Funcs[i]
		if fn.Host {
			continue
		}
		axes := operands(p)
		for j := range fn.Ops {
			o := &fn.Ops[j]
			at := map[*family]int{} // the index along a family
			index := map[string]*family{}
			for k, r := range append(append([]ir.Range(nil), o.Dom...), o.Over...) {
				f := of[r.Axis]
				if _, twice := at[f]; twice {
					out[f] = true
				}
				at[f], index[r.Index] = k, f
			}
			for _, pc := range o.Pieces {
				for _, n := range pc.Body.Nodes {
					if n.Op != ir.Read || len(axes[n.Name]) != len(n.At) {
						continue
					}
					for d, x := range n.At {
						own := of[axes[n.Name][d]]
						switch by := index[x.Index]; {
						case x.Index == "":
							k, has := at[own]
							out[own] = out[own] || !has || pc.Box[k].Hi-pc.Box[k].Lo > 1
						case by != own:
							out[own], out[by] = true, true
						case x.Off > maxReach || x.Off < -maxReach:
							out[own] = true
						}
					}
				}
			}
			var dom []string
			for _, r := range o.Dom {
				dom = append(dom, r.Axis)
			}
			for _, r := range o.Results {
				axes["%"+r.Name] = dom
			}
		}
	}
	return out
}

func familyOf(fams []*family) map[string]*family {
	of := map[string]*family{}
	for _, f := range fams {
		for _, a := range f.axes {
			of[a] = f
		}
	}
	return of
}

// operands are the axes of the arrays, by the names bodies read them by.
func operands(p *ir.Program) map[string][]string {
	axes := map[string][]string{}
	for i := range p.Arrays {
		axes["@"+p.Arrays[i].Name] = p.Arrays[i].Axes
	}
	return axes
}

// weigher knows the tensors of a program: how many points of which families, and how often.
type weigher struct {
	of      map[string]*family
	tensors [][]string
	sizes   map[string]int
}

func newWeigher(p *ir.Program, fams []*family) *weigher {
	w := &weigher{of: familyOf(fams), sizes: map[string]int{}}
	for i := range p.Axes {
		w.sizes[p.Axes[i].Name] = p.Axes[i].N
	}
	for i := range p.Arrays {
		w.tensors = append(w.tensors, p.Arrays[i].Axes)
	}
	for i := range p.Funcs {
		if p.Funcs[i].Host {
			continue
		}
		for j := range p.Funcs[i].Ops {
			var dom []string
			for _, r := range p.Funcs[i].Ops[j].Dom {
				dom = append(dom, r.Axis)
			}
			w.tensors = append(w.tensors, dom)
		}
	}
	return w
}

// bytes is about what the PE at part 0 of both sides holds when every tensor is kept.
func (w *weigher) bytes(pair []*family, limit map[mesh.Dim]int) float64 {
	sum := 0.0
	for _, axes := range w.tensors {
		n := 4.0
		for _, a := range axes {
			parts := 1
			for d, f := range pair {
				if w.of[a] == f {
					parts = min(f.units, limit[mesh.X+mesh.Dim(d)])
				}
			}
			n *= float64((w.sizes[a] + parts - 1) / parts)
		}
		sum += n
	}
	return sum
}
