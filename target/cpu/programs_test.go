package cpu

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// heatProgram is explicit diffusion on n[0] x n[1] x .. nodes with fixed end nodes: an update inside, faces that stay.
func heatProgram(e ir.Elem, n ...int) *ir.Program {
	names := []string{"x", "y", "z"}[:len(n)]
	p := &ir.Program{Name: "heat"}
	c := ir.BodyBuilder{}
	p.Host = []ir.HostDef{{Name: "c", Body: c.Body(c.Const(ir.F64, 0.1))}}
	a := ir.Array{Name: "T", Axes: names, Elem: e}
	op := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "u", Elem: e}}}
	var inner []ir.Interval
	for i, name := range names {
		p.Axes = append(p.Axes, ir.Axis{Name: name, N: n[i], Nodes: true, H: 1})
		op.Dom = append(op.Dom, ir.Range{Index: name, Axis: name, Hi: n[i]})
		inner = append(inner, ir.Interval{Lo: 1, Hi: n[i] - 1})
	}
	p.Arrays = []ir.Array{a}
	var b ir.BodyBuilder
	read := func(d, off int) int {
		var at []ir.Affine
		for i, name := range names {
			at = append(at, ir.At(name, map[bool]int{true: off}[i == d]))
		}
		return b.Read(e, "@T", at...)
	}
	sum := -1
	for d := range names {
		for _, off := range []int{-1, 1} {
			if r := read(d, off); sum < 0 {
				sum = r
			} else {
				sum = b.Add(sum, r)
			}
		}
	}
	k := b.Scalar(e, "c")
	centre := b.Mul(b.Sub(b.Const(e, 1), b.Mul(b.Const(e, float64(2*len(n))), k)), read(-1, 0))
	op.Pieces = []ir.Piece{{Box: inner, Body: b.Body(b.Add(centre, b.Mul(k, sum)))}}
	var keep ir.BodyBuilder
	var at []ir.Affine
	for _, name := range names {
		at = append(at, ir.At(name, 0))
	}
	stay := keep.Body(keep.Read(e, "@T", at...))
	for d := range names {
		for _, side := range []ir.Interval{{Lo: 0, Hi: 1}, {Lo: n[d] - 1, Hi: n[d]}} {
			var box []ir.Interval
			for i := range names {
				switch {
				case i < d:
					box = append(box, inner[i])
				case i == d:
					box = append(box, side)
				default:
					box = append(box, ir.Interval{Hi: n[i]})
				}
			}
			op.Pieces = append(op.Pieces, ir.Piece{Box: box, Body: stay})
		}
	}
	p.Funcs = []ir.Func{{Name: "step", Ops: []ir.Op{op}, Sets: []ir.Set{{Array: "T", Value: "%u"}}}}
	return p
}

// text parses a program written in the text form without its two first lines.
func text(src string) *ir.Program {
	p, err := ir.Parse("test.wfir", "wfir 1\nprogram test\n"+src)
	if err != nil {
		panic(fmt.Sprintf("%v\n%s", err, src))
	}
	return p
}
