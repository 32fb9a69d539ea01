package passes

import (
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Differences between positions are compact; means are of two; values go round an anti-periodic axis with their sign changed.
func TestShift(t *testing.T) {
	p := &ir.Program{Name: "t", Axes: []ir.Axis{
		{Name: "x", N: 6, H: 0.5, Periodic: true},
		{Name: "f", N: 6, H: 0.5, Periodic: true, Nodes: true, Of: "x"},
	}}
	wrap := ir.Body{Nodes: []ir.Node{{Op: ir.Const, Elem: ir.F32, Imm: -1}}, Results: []int{0}}
	p.Arrays = []ir.Array{
		{Name: "T", Axes: []string{"x"}, Elem: ir.F32, BC: []ir.Boundary{{Axis: "x", High: true, Kind: ir.Wrap, Body: wrap}}},
		{Name: "u", Axes: []string{"f"}, Elem: ir.F32},
	}
	b := &ir.Body{Nodes: []ir.Node{
		{Op: ir.Read, Elem: ir.F32, Name: "@T", At: []ir.Affine{{Index: "x"}}},
		{Op: ir.Shift, Elem: ir.F32, Args: []int{0}, Name: "x", N: -1}, // T at the face
		{Op: ir.Deriv, Elem: ir.F32, Args: []int{1}, Name: "x", N: 1, Acc: 2},
	}, Results: []int{2}}
	p.Funcs = []ir.Func{{Name: "step", Ops: []ir.Op{{Kind: ir.Map, Results: []ir.Result{{Name: "v", Elem: ir.F32}},
		Dom: []ir.Range{{Index: "x", Axis: "f", Lo: 0, Hi: 6}}, Pieces: []ir.Piece{{Box: []ir.Interval{{Lo: 0, Hi: 6}}, Body: *b}}}},
		Sets: []ir.Set{{Array: "u", Value: "%v"}}}}
	if err := ir.Verify(p); err != nil {
		t.Fatal(err)
	}
	text := ir.Print(p)
	back, err := ir.Parse("t.wfir", text)
	if err != nil || ir.Print(back) != text {
		t.Fatalf("the text form is not read back: %v\n%s", err, text)
	}
	if err := discretise(p, &Config{}); err != nil {
		t.Fatal(err)
	}
	out := ir.Print(p)
	if strings.Contains(out, "shift") || strings.Contains(out, "deriv") {
		t.Errorf("something is left:\n%s", out)
	}
	var offs []int
	selects := 0
	for _, n := range p.Funcs[0].Ops[0].Pieces[0].Body.Nodes {
		if n.Op == ir.Read {
			offs = append(offs, n.At[0].Off)
		}
		if n.Op == ir.Select {
			selects++
		}
	}
	if len(offs) != 2 || offs[0]+offs[1] != -1 || offs[0]*offs[1] != 0 {
		t.Errorf("reads at %v, want -1 and 0\n%s", offs, out)
	}
	if selects != 1 {
		t.Errorf("%d signs are chosen, want 1: only the read below wraps\n%s", selects, out)
	}
}
