package passes

import (
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// A boundary value sin(t) under a wide stencil is expanded once, not in every ghost layer, and keeps its bits.
func TestUniformComputesOnce(t *testing.T) {
	build := func() *prog {
		p := newProg(ir.F32, cells("x", 12, 0, 1), cells("y", 9, 0, 1))
		p.array("T")
		p.Arrays = append(p.Arrays, ir.Array{Name: "n", Elem: ir.I32})
		for _, side := range []bool{false, true} {
			for _, axis := range []string{"x", "y"} {
				p.bc("T", axis, side, ir.Value, 0)
			}
		}
		for i := range p.Array("T").BC {
			var b ir.BodyBuilder
			p.Array("T").BC[i].Body = b.Body(b.Op(ir.Sin, b.Mul(b.Const(ir.F32, 0.5), b.Cvt(ir.F32, b.Read(ir.I32, "@n")))))
		}
		p.op("next", func(b *ir.BodyBuilder) int {
			return b.Add(p.read(b, "@T"), b.Mul(b.Const(ir.F32, 0.01), b.Deriv(p.read(b, "@T"), "x", 2, 8)))
		})
		p.op("count", func(b *ir.BodyBuilder) int { return b.Add(b.Read(ir.I32, "@n"), b.Int(ir.I32, 1)) })
		f := p.Func("step")
		count := &f.Ops[len(f.Ops)-1]
		count.Dom, count.Results[0].Elem = nil, ir.I32
		count.Pieces[0].Box = nil
		p.set("T", "%next")
		p.set("n", "%count")
		return p
	}
	with, without := build().Program, build().Program
	table := Table
	if err := Run(with, &Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	Table = nil
	for _, p := range table {
		if p.Name != "uniform" {
			Table = append(Table, p)
		}
	}
	err := Run(without, &Config{Verify: true})
	Table = table
	if err != nil {
		t.Fatal(err)
	}
	divisions := func(p *ir.Program) (n int) { // bodies that hold an expansion: sin alone brings floor
		bodies(p.Func("step"), func(_ *ir.Op, b *ir.Body) {
			for i := range b.Nodes {
				if b.Nodes[i].Op == ir.Floor {
					n++
					return
				}
			}
		})
		return n
	}
	if a, b := divisions(with), divisions(without); a != 1 || b < 8 {
		t.Errorf("%d bodies hold the expansion of sin, %d without the pass", a, b)
	}
	init := map[string]*ir.Tensor{"T": fill(with, "T", bump)}
	x, y := run(t, with, init, nil, 5)["T"], run(t, without, init, nil, 5)["T"]
	for k := range x.F32 {
		if x.F32[k] != y.F32[k] {
			t.Fatalf("element %d: %v with the pass, %v without", k, x.F32[k], y.F32[k])
		}
	}
}
