// Package place decides where a program lives on a rectangle of PEs: which axis runs along which side of the mesh and how it is cut
// ([Layouts]), which positions of an axis look alike to a program ([Views]), and whether what a PE must hold fits ([CheckMemory]).
//
// It knows a machine only through [Machine]. Everything here is per axis: PE classes are products of per-axis sets of positions, so
// no cost depends on the number of PEs beyond one pass over the parts of each axis.
package place

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Machine is what placement needs to know of a target.
type Machine interface {
	// Extent is the usable rectangle, in PEs.
	Extent() (width, height int)
	// MemoryBytes is the memory of one PE that arrays may take: all of it less code and stack.
	MemoryBytes() int
}

// Options of Layouts.
type Options struct {
	// Wrapped lists periodic axes to lay out in natural order, their ends joined by one long route. Periodic mesh axes are folded
	// otherwise, so that neighbours are at most two hops apart.
	Wrapped []string
}

// Layouts maps the axes of p onto m, in the order of p.Axes: the first axis that is used goes to X, the second to Y, the rest stay in
// PE memory, as do those of scratch alone (see aside); axes whose points would have to change places between PEs stay in memory too (see onMesh). Programs that declare grids list the grid's axes first; for others the order is that of the widest array. An axis that
// would be cut into a single part stays in memory, where wraps and ghosts need no messages. Faces and grids of other resolution go where
// their axis goes, each part over the same part (see families).
func Layouts(p *ir.Program, m Machine, o Options) ([]mesh.Layout, error) {
	w, h := m.Extent()
	if w < 1 || h < 1 {
		return nil, fmt.Errorf("a mesh of %d x %d PEs has no room for a program", w, h)
	}
	for _, name := range o.Wrapped {
		if a := p.Axis(name); a == nil || !a.Periodic {
			return nil, diag.New("WF0405", diag.Span{}, "axis %s cannot be wrapped: it is not a periodic axis of this program", name).
				Suggest("name a periodic axis, or leave the option out")
		}
	}
	of := map[string]*family{}
	fams := families(p)
	for _, f := range fams {
		for _, a := range f.axes {
			of[a] = f
		}
	}
	limit := map[mesh.Dim]int{mesh.X: w, mesh.Y: h}
	dims := map[*family]mesh.Dim{}
	var order []*family
	for _, name := range meshOrder(p) {
		if f := of[name]; !slices.Contains(order, f) && !aside(p, f.axes) {
			order, dims[f] = append(order, f), mesh.Mem
		}
	}
	for i, f := range onMesh(p, fams, order, limit) {
		dims[f] = mesh.X + mesh.Dim(i) // also when it has a single part, which stays in memory
	}
	laid := map[string]mesh.Layout{}
	for _, f := range fams {
		for _, l := range f.layouts(p, dims[f], limit[dims[f]], o.Wrapped) {
			laid[l.Axis] = l
		}
	}
	var out []mesh.Layout
	for i := range p.Axes {
		out = append(out, laid[p.Axes[i].Name])
	}
	return out, nil
}

// meshOrder lists the axes in the order in which they take mesh axes: declaration order, except that the axes of the array with the
// most points come first when they are declared in another order.
func meshOrder(p *ir.Program) []string {
	var widest *ir.Array
	best := -1.0
	for i := range p.Arrays {
		a := &p.Arrays[i]
		if len(a.Axes) == 0 {
			continue
		}
		points := 1.0
		for _, n := range p.Shape(a) {
			points *= float64(n)
		}
		if widest == nil || len(a.Axes) > len(widest.Axes) || len(a.Axes) == len(widest.Axes) && points > best {
			widest, best = a, points
		}
	}
	var out []string
	if widest != nil {
		for _, n := range widest.Axes {
			if !contains(out, n) {
				out = append(out, n)
			}
		}
	}
	for i := range p.Axes {
		if !contains(out, p.Axes[i].Name) {
			out = append(out, p.Axes[i].Name)
		}
	}
	return out
}

// aside says whether axes are those of scratch vectors alone, as of the history of a solver: another side of the mesh would multiply the PEs
// that all else has no use for.
func aside(p *ir.Program, axes []string) bool {
	scratch := false
	for i := range p.Arrays {
		a := &p.Arrays[i]
		if slices.ContainsFunc(a.Axes, func(x string) bool { return contains(axes, x) }) {
			if !a.Local || len(a.Axes) > 1 {
				return false
			}
			scratch = true
		}
	}
	return scratch
}

func contains(s []string, x string) bool {
	for _, y := range s {
		if x == y {
			return true
		}
	}
	return false
}

// Find returns the layout of an axis, or nil.
func Find(ls []mesh.Layout, axis string) *mesh.Layout {
	for i := range ls {
		if ls[i].Axis == axis {
			return &ls[i]
		}
	}
	return nil
}

// On returns the layout that lies along a mesh dimension, the one that others follow, or nil.
func On(ls []mesh.Layout, d mesh.Dim) *mesh.Layout {
	for i := range ls {
		if ls[i].Dim == d && ls[i].With == "" {
			return &ls[i]
		}
	}
	return nil
}

// Extent is the rectangle that layouts occupy.
func Extent(ls []mesh.Layout) (w, h int) {
	w, h = 1, 1
	for _, l := range ls {
		switch l.Dim {
		case mesh.X:
			w = max(w, l.Parts)
		case mesh.Y:
			h = max(h, l.Parts)
		}
	}
	return w, h
}
