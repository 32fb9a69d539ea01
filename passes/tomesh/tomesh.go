// Package tomesh lowers canonical index IR to the mesh IR: it derives communication from access functions once every axis has a place.
//
//	same index                  nothing
//	index plus constant         halo exchange on shift channels, any width, relayed part by part
//	index times or divided      nothing, or a halo: the blocks of fine and coarse grids lie over each other
//	index missing               multicast along the axis from part 0 (flood), unless the operand is replicated
//	index summed away           local fold, then the parts combine into part 0, in a chain or along a tree
//	another index of a product  panels, multicast block by block (SUMMA) or round a ring (Cannon)
//	another index of a copy     gathered into memory, or scattered from part 0
//
// The lowering is written for one PE that sees itself only through a [place.View] per mesh axis. It is run once per pair of distinct
// views, and pairs that got the same process are merged, so the number of classes and the time depend on the program and not on the
// size of the mesh.
//
// A copy between a side of the mesh and memory gathers or scatters (move.go).
//
// Axes that lie over each other (faces, grids of other resolution) have a view each; strided reads are done in phases (strided.go).
//
// The stages: procedures and what decides their branches (control.go), values (values.go), which of them every part must have
// (residence.go), reductions that travel together (fused.go), what each consumer needs of a value beyond the own block (need.go), storage
// (direct.go, store.go, pool.go, lives.go), then per class exchanges (exchange.go), bodies as vector operations (body.go), reductions
// (reduce.go, tree.go), products whose factors come in panels (product.go, cannon.go), assignments (sets.go) and the waits for asynchronous sends (await.go); classes are merged at the end (merge.go).
package tomesh

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/place"
)

// Options of Lower.
type Options struct {
	Source *diag.File // for places in diagnostics; may be nil
	// StreamReceives lets a vector operation consume a received column straight from the channel where that is its only use.
	StreamReceives bool
	// LocalFirst computes what needs no other PE before the rest of a body, at the cost of scratch vectors that live longer.
	LocalFirst bool
	// Rows writes contractions as operations on vectors and single numbers, at the cost of more of them.
	Rows bool
	// WaitTogether waits at once for sends that were started together. That can deadlock where a neighbour takes one of them only after
	// what is sent later, on a ring for example; package route decides.
	WaitTogether bool
	// Tree chooses how the parts of a mesh axis combine in reductions, see collective.Auto; nil, or no levels: in one chain.
	Tree func(collective.Request) collective.Tree
	// Overlay lets what is needed only within a function, scratch and halos, share storage where it is not needed at the same time, also with
	// arrays of solvers, and these with each other when they have different axes. Functions are rewritten to need less at a time (apart.go,
	// thrift.go, again.go). It costs time where vectors then lie in one bank of memory.
	Overlay bool
	// Scratch is how many bytes the scratch vectors of an expression may take; what needs more is computed in parts. 0 means any number.
	Scratch int
}

// Lower translates the device functions of a canonical program. Layouts has one entry per axis of p, at most one on each of X and Y.
// The error is a diag.List of explained diagnostics.
func Lower(p *ir.Program, layouts []mesh.Layout, o Options) (*mesh.Program, error) {
	l := newLowering(p, layouts, o)
	for _, stage := range []func(){l.checkLayouts, l.procs, l.values, l.turns, l.residence, l.fuse, l.needs, l.storage, l.chooseTrees, l.classes, l.overlay} {
		stage()
		if err := l.diags.Err(); err != nil {
			return nil, err
		}
	}
	return l.out, nil
}

func newLowering(p *ir.Program, layouts []mesh.Layout, o Options) *lowering {
	l := &lowering{p: p, ls: layouts, o: o, arrays: map[string]*store{}, index: map[string]int{}, scalars: map[mesh.Scalar]bool{}, wanted: map[string][3]bool{},
		temps: map[scratch][]int{}, chans: map[string]mesh.Channel{}, homes: map[string][3]bool{}, turned: map[string]turned{}}
	l.lay[mesh.X], l.lay[mesh.Y] = place.On(layouts, mesh.X), place.On(layouts, mesh.Y)
	l.single = true
	for _, d := range meshDims {
		l.along[d] = place.Along(layouts, d)
		for _, x := range l.along[d] {
			if x.MaxBlock() > 1 {
				l.single = false
			}
		}
	}
	return l
}

// Bounds that keep processes and the time to make them small.
const (
	maxHops   = 32      // PEs that a halo passes through
	maxGhosts = 1024    // ghost points on a side
	maxOps    = 1 << 15 // operations of a process
)

// meshDims are the dimensions of the mesh in the order in which halos and chains go.
var meshDims = [...]mesh.Dim{mesh.X, mesh.Y}

type lowering struct {
	p      *ir.Program
	ls     []mesh.Layout
	lay    [3]*mesh.Layout     // by mesh.Dim: the axis that the others there follow; nil when none lies there
	along  [3][]*mesh.Layout   // by mesh.Dim: all that lie there
	trees  [3]*collective.Tree // by mesh.Dim; nil for one chain
	single bool                // every block is one point
	o      Options
	diags  diag.List

	funcs   []*function
	arrays  map[string]*store  // by array name
	homes   map[string][3]bool // arrays that live at part 0 of a mesh dimension they lack
	turned  map[string]turned  // arrays whose blocks are turned, see cannon.go
	lives   *lives
	wanted  map[string][3]bool // arrays that every part of a mesh dimension they lack must hold
	control []ir.Proc
	clocks  []mesh.Clock
	index   map[string]int // lengths of the index data, by axis
	stores  []*store       // in order of creation
	pool    pool

	scalars map[mesh.Scalar]bool
	temps   map[scratch][]int // lengths of the scratch vectors
	chans   map[string]mesh.Channel
	orders  []mesh.ReduceOrder
	out     *mesh.Program
}

func (l *lowering) span(p ir.Pos) diag.Span {
	if l.o.Source == nil || p == (ir.Pos{}) {
		return diag.Span{}
	}
	return diag.Span{File: l.o.Source, Start: p.Start, End: p.End}
}

func (l *lowering) errorf(code string, at ir.Pos, format string, args ...any) *diag.Diagnostic {
	return l.diags.Errorf(code, l.span(at), format, args...)
}

// dim returns where an axis lies.
func (l *lowering) dim(axis string) mesh.Dim {
	if x := place.Find(l.ls, axis); x != nil {
		return x.Dim
	}
	return mesh.Mem
}

func (l *lowering) checkLayouts() {
	on := map[mesh.Dim]string{}
	for i := range l.p.Axes {
		a := &l.p.Axes[i]
		x := place.Find(l.ls, a.Name)
		switch {
		case x == nil:
			l.errorf("WF0405", ir.Pos{}, "axis %s has no layout", a.Name)
		case x.N != a.N || x.Periodic != a.Periodic || !x.Cut().Valid(a.N) || x.Dim != mesh.Mem && x.Parts < 2 || x.With != "" && !l.follows(x):
			l.errorf("WF0405", ir.Pos{}, "the layout of axis %s does not suit it: %d points in %d parts", a.Name, a.N, x.Parts)
		case x.With != "":
		case x.Dim != mesh.Mem && on[x.Dim] != "":
			l.errorf("WF0405", ir.Pos{}, "axes %s and %s both lie along %s of the mesh", on[x.Dim], a.Name, x.Dim)
		case x.Dim != mesh.Mem:
			on[x.Dim] = a.Name
		}
	}
	for _, a := range l.p.Arrays {
		l.checkElem(a.Elem, a.Pos, "array "+a.Name)
	}
}

// follows reports whether a layout lies like the one it names.
func (l *lowering) follows(x *mesh.Layout) bool {
	o := place.Find(l.ls, x.With)
	return o != nil && o.With == "" && o.Dim == x.Dim && x.Dim != mesh.Mem && o.Parts == x.Parts && o.Folded == x.Folded
}

// checkOrder refuses what the machine's arithmetic cannot do.
func (l *lowering) checkOrder(op *ir.Op) {
	if op.Kind == ir.Reduce && op.Order.Kind == ir.Pairs {
		l.errorf("WF0402", op.Pos, "a sum of bf16 products, which the wafer cannot compute with").
			Note("a PE multiplies f32 and f16").
			Suggest("use precision bf16 or f32, or run on the interpreter or the CPU")
	}
}

func (l *lowering) checkElem(e ir.Elem, at ir.Pos, what string) {
	if e == ir.F64 || e == ir.I64 {
		l.errorf("WF0402", at, "%s is %s, which the wafer cannot compute with", what, e).
			Note("a PE has 16-bit and 32-bit arithmetic only").
			Suggest("use f32, or run on the interpreter or the CPU")
	}
}
