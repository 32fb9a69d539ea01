package place_test

import (
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// related is a program on axis x with its faces, in which a field on each axis reads one on the next coarser axis.
func related(sizes ...int) *ir.Program {
	p := &ir.Program{}
	names := []string{"x", "x2", "x4", "x8"}
	for i, n := range sizes {
		p.Axes = append(p.Axes, ir.Axis{Name: names[i], N: n})
		p.Arrays = append(p.Arrays, ir.Array{Name: "a" + names[i], Axes: []string{names[i]}, Elem: ir.F32})
		if i == 0 {
			continue
		}
		body := ir.Body{Nodes: []ir.Node{{Op: ir.Read, Elem: ir.F32, Name: "@a" + names[i], At: []ir.Affine{{Index: "i", Div: 2}}}}, Results: []int{0}}
		p.Funcs = append(p.Funcs, ir.Func{Name: "f" + names[i], Ops: []ir.Op{{Kind: ir.Map, Results: []ir.Result{{Name: "v", Elem: ir.F32}},
			Dom: []ir.Range{{Index: "i", Axis: names[i-1], Hi: sizes[i-1]}}, Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: sizes[i-1]}}, Body: body}}}}})
	}
	p.Axes = append(p.Axes, ir.Axis{Name: "x.f", N: sizes[0] + 1, Nodes: true, Of: "x"})
	return p
}

func TestRelatedAxes(t *testing.T) {
	ls, err := place.Layouts(related(48, 24, 12), machine{100, 1, 0}, place.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []mesh.Layout{
		{Axis: "x", Dim: mesh.X, N: 48, Parts: 12, Unit: 4},
		{Axis: "x2", Dim: mesh.X, N: 24, Parts: 12, With: "x", Unit: 2},
		{Axis: "x4", Dim: mesh.X, N: 12, Parts: 12, With: "x"},
		{Axis: "x.f", Dim: mesh.X, N: 49, Parts: 12, With: "x", Unit: 4, Extra: 1}}
	for i := range want {
		if ls[i] != want[i] {
			t.Errorf("got %+v, want %+v", ls[i], want[i])
		}
	}
	for k := range 12 { // every part holds the same stretch of all of them
		lo, hi := ls[0].Block(k)
		for i, l := range ls[1:] {
			a, b := l.Block(k)
			if r := []int{2, 4, 1}[i]; a*r != lo || b*r != hi && k < 11 {
				t.Errorf("part %d holds %d..%d of x and %d..%d of %s", k, lo, hi, a, b, l.Axis)
			}
		}
	}
	// 50 points do not halve twice: nothing can lie over each other, so all stay in memory.
	ls, err = place.Layouts(related(50, 25, 12), machine{100, 1, 0}, place.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range ls {
		if l.Dim != mesh.Mem || l.Unit != 0 || l.With != "" {
			t.Errorf("%+v", l)
		}
	}
}
