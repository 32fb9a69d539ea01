package place

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// family is a set of axes whose blocks must lie over each other: an axis, its faces, and grids of other resolution that are read through
// strided accesses. Its axes are cut in the same number of units; a unit of axis i has unit[i] points.
type family struct {
	axes  []string // in order of declaration
	base  string   // the first that numbers no faces
	unit  map[string]int
	extra map[string]int
	units int // 0: the axes cannot be cut alike, and stay in memory
}

// ratio is num/den points of an axis per point of the family's first.
type ratio struct{ num, den int }

func (r ratio) times(num, den int) ratio {
	r.num, r.den = r.num*num, r.den*den
	g := gcd(r.num, r.den)
	return ratio{r.num / g, r.den / g}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}

// maxUnit bounds the points of a unit.
const maxUnit = 1 << 16

// families groups the axes of p, in order of their first axis.
func families(p *ir.Program) []*family {
	type edge struct {
		from, to string
		num, den int // points of to per point of from
	}
	var edges []edge
	for i := range p.Axes {
		if a := &p.Axes[i]; a.Of != "" && p.Axis(a.Of) != nil {
			edges = append(edges, edge{a.Of, a.Name, 1, 1})
		}
	}
	for i := range p.Funcs {
		if p.Funcs[i].Host {
			continue
		}
		reads(p, &p.Funcs[i], func(index, operand string, at ir.Affine) {
			if mul, div := max(at.Mul, 1), max(at.Div, 1); mul != div && index != operand {
				edges = append(edges, edge{index, operand, mul, div})
			}
		})
	}
	var out []*family
	in := map[string]*family{}
	for i := range p.Axes {
		first := p.Axes[i].Name
		if in[first] != nil {
			continue
		}
		f := &family{unit: map[string]int{}, extra: map[string]int{}}
		size := map[string]ratio{first: {1, 1}}
		open, fits := []string{first}, true
		for len(open) > 0 {
			a := open[0]
			open = open[1:]
			in[a] = f
			for _, e := range edges {
				num, den, b := e.num, e.den, e.to
				if e.to == a {
					num, den, b = e.den, e.num, e.from
				} else if e.from != a {
					continue
				}
				r := size[a].times(num, den)
				if old, ok := size[b]; ok {
					fits = fits && old == r
					continue
				}
				fits = fits && r.num < maxUnit && r.den < maxUnit
				if fits {
					size[b] = r
					open = append(open, b)
				}
			}
		}
		scale := 1
		for j := range p.Axes {
			if r, ok := size[p.Axes[j].Name]; ok {
				f.axes = append(f.axes, p.Axes[j].Name)
				scale = scale / gcd(scale, r.den) * r.den
				fits = fits && scale < maxUnit
			}
		}
		common := 0
		for _, a := range f.axes {
			f.unit[a] = size[a].num * scale / size[a].den
			common = gcdAll(common, f.unit[a])
		}
		for _, name := range f.axes {
			a := p.Axis(name)
			f.unit[name] /= max(common, 1)
			if a.Of != "" && !a.Periodic {
				f.extra[name] = 1
			}
			if f.base == "" && a.Of == "" {
				f.base = name
			}
			n := a.N - f.extra[name]
			fits = fits && n%f.unit[name] == 0 && (f.units == 0 || f.units == n/f.unit[name]) && a.Periodic == p.Axis(f.axes[0]).Periodic
			f.units = n / f.unit[name]
		}
		if f.base == "" {
			f.base = f.axes[0]
		}
		if !fits {
			f.units = 0
		}
		out = append(out, f)
	}
	return out
}

// Cuts cuts an axis, and all that must lie over it, into at most the given number of parts: for machines whose memory is divided along one axis.
// Axes whose resolutions do not fit each other are cut evenly, each for itself. It returns the number of parts.
func Cuts(p *ir.Program, axis string, most int) (map[string]ir.Cut, int) {
	for _, f := range families(p) {
		if !slices.Contains(f.axes, axis) {
			continue
		}
		parts := min(most, f.units)
		if f.units == 0 {
			parts = most
			for _, a := range f.axes {
				parts = min(parts, p.Axis(a).N)
			}
		}
		cuts := map[string]ir.Cut{}
		for _, a := range f.axes {
			cuts[a] = ir.Cut{Parts: parts}
			if f.units > 0 {
				cuts[a] = ir.Cut{Parts: parts, Unit: f.unit[a], Extra: f.extra[a]}
			}
		}
		return cuts, parts
	}
	return nil, 0
}

func gcdAll(a, b int) int {
	if a == 0 {
		return b
	}
	return gcd(a, b)
}

// reads calls f for every dimension of every read in a function that is indexed: the axis of the index and that of the operand.
func reads(p *ir.Program, fn *ir.Func, f func(index, operand string, at ir.Affine)) {
	axes := map[string][]string{}
	for i := range p.Arrays {
		axes["@"+p.Arrays[i].Name] = p.Arrays[i].Axes
	}
	for i := range fn.Ops {
		o := &fn.Ops[i]
		var dom []string
		of := map[string]string{}
		for _, r := range o.Dom {
			dom = append(dom, r.Axis)
			of[r.Index] = r.Axis
		}
		for _, r := range o.Over {
			of[r.Index] = r.Axis
		}
		for j := range o.Pieces {
			for k := range o.Pieces[j].Body.Nodes {
				n := &o.Pieces[j].Body.Nodes[k]
				if n.Op != ir.Read || len(axes[n.Name]) != len(n.At) {
					continue
				}
				for d, at := range n.At {
					if at.Index != "" {
						f(of[at.Index], axes[n.Name][d], at)
					}
				}
			}
		}
		for _, r := range o.Results {
			axes["%"+r.Name] = dom
		}
	}
}

// layouts lays the axes of a family along a dimension of at most limit PEs.
func (f *family) layouts(p *ir.Program, d mesh.Dim, limit int, wrapped []string) []mesh.Layout {
	var out []mesh.Layout
	parts := min(f.units, limit)
	if parts < 2 {
		d, parts = mesh.Mem, 1
	}
	fold := true
	for _, name := range f.axes {
		fold = fold && !contains(wrapped, name)
	}
	for _, name := range f.axes {
		a := p.Axis(name)
		l := mesh.Layout{Axis: name, Dim: d, N: a.N, Parts: parts, Periodic: a.Periodic}
		l.Folded = a.Periodic && parts > 2 && fold
		if d != mesh.Mem {
			if l.Extra = f.extra[name]; f.unit[name] > 1 {
				l.Unit = f.unit[name]
			}
			if name != f.base {
				l.With = f.base
			}
		}
		out = append(out, l)
	}
	return out
}
