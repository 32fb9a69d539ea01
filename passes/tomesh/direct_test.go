package tomesh_test

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// nodes is a rod whose end nodes are fixed: the ends come first, and the inside reads them before they are overwritten.
func nodes(n int) *ir.Program {
	p := &ir.Program{Name: "nodes", Axes: []ir.Axis{{Name: "z", N: n, Nodes: true}},
		Arrays: []ir.Array{{Name: "T", Axes: []string{"z"}, Elem: ir.F32}}}
	end, in := &dag{}, &dag{}
	end.Results = []int{end.num(0.25)}
	at := func(o int) ir.Affine { return ir.Affine{Index: "k", Off: o} }
	in.Results = []int{in.op(ir.Mul, in.num(0.5), in.op(ir.Add, in.read("@T", at(-1)), in.read("@T", at(1))))}
	piece := func(lo, hi int, b ir.Body) ir.Piece { return ir.Piece{Box: []ir.Interval{{Lo: lo, Hi: hi}}, Body: b} }
	p.Funcs = []ir.Func{{Name: "step", Sets: []ir.Set{{Array: "T", Value: "%new"}}, Ops: []ir.Op{{Kind: ir.Map, Results: []ir.Result{{Name: "new", Elem: ir.F32}},
		Dom:    []ir.Range{{Index: "k", Axis: "z", Hi: n}},
		Pieces: []ir.Piece{piece(0, 1, end.Body), piece(n-1, n, end.Body), piece(1, n-1, in.Body)}}}}}
	return p
}

func TestPiecesInAnOrderThatKeepsOldValues(t *testing.T) {
	for _, m := range []machine{{1, 1, 0}, {3, 1, 0}, {9, 1, 0}} {
		p := nodes(9)
		mp := lower(t, p, m, place.Options{})
		for _, a := range mp.Arrays {
			if a.Kind == mesh.Temp && a.Of != "" {
				t.Errorf("%v: array %s although T can be updated in place", m, a.Name)
			}
		}
		if err := agree(p, mp, rand.New(rand.NewSource(3)), nil, 2); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
}

// Two halves that read each other cannot be updated in place, whatever the order.
func TestPiecesThatReadEachOther(t *testing.T) {
	p := nodes(8)
	half := func(lo, off int) ir.Piece {
		g := &dag{}
		g.Results = []int{g.op(ir.Neg, g.read("@T", ir.Affine{Index: "k", Off: off}))}
		return ir.Piece{Box: []ir.Interval{{Lo: lo, Hi: lo + 4}}, Body: g.Body}
	}
	p.Funcs[0].Ops[0].Pieces = []ir.Piece{half(0, 4), half(4, -4)}
	if err := agree(p, lower(t, p, machine{1, 1, 0}, place.Options{}), rand.New(rand.NewSource(4)), nil, 2); err != nil {
		t.Error(err)
	}
}

// Arrays that exchange their contents in a cycle go through scratch.
func TestAssignmentsTakeEffectTogether(t *testing.T) {
	p := &ir.Program{Name: "cycle", Axes: []ir.Axis{{Name: "x", N: 5}, {Name: "y", N: 4}}}
	f := ir.Func{Name: "step"}
	for i := range 4 {
		p.Arrays = append(p.Arrays, ir.Array{Name: fmt.Sprint("a", i), Axes: []string{"x", "y"}, Elem: ir.F32})
		f.Sets = append(f.Sets, ir.Set{Array: fmt.Sprint("a", i), Value: fmt.Sprint("@a", []int{1, 2, 0, 0}[i])})
	}
	p.Funcs = []ir.Func{f}
	for _, m := range []machine{{1, 1, 0}, {2, 2, 0}, {5, 4, 0}} {
		if err := agree(p, lower(t, p, m, place.Options{}), rand.New(rand.NewSource(5)), nil, 3); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
}
