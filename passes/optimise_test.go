package passes

import (
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

func ops(p *ir.Program) []ir.Op { return p.Func("step").Ops }

func TestCSEOfOperations(t *testing.T) {
	p := newProg(ir.F32, ring("x", 5, 0, 1))
	p.array("A")
	p.array("B")
	f := func(b *ir.BodyBuilder) int { return b.Mul(p.read(b, "@A", 1), p.read(b, "@B")) }
	p.op("p", f)
	p.op("q", f)
	op := &ops(p.Program)[1] // the same under another index name
	op.Dom[0].Index = "j"
	var b ir.BodyBuilder
	op.Pieces[0].Body = b.Body(b.Mul(b.Read(ir.F32, "@A", ir.At("j", 1)), b.Read(ir.F32, "@B", ir.At("j", 0))))
	p.op("r", func(b *ir.BodyBuilder) int { return b.Sub(p.read(b, "%p", 1), p.read(b, "%q", -1)) })
	p.set("A", "%r")
	if err := cse(p.Program, &Config{}); err != nil {
		t.Fatal(err)
	}
	if err := ir.Verify(p.Program); err != nil {
		t.Fatal(err)
	}
	if n := len(ops(p.Program)); n != 2 {
		t.Errorf("%d operations, want 2\n%s", n, ir.Print(p.Program))
	}
}

// Two fields updated over the same boxes become one map; the pointwise value both use moves into it; a value read at an offset stays.
func TestFuseJoinsAndMoves(t *testing.T) {
	p := newProg(ir.F32, ring("x", 8, 0, 1), ring("y", 8, 0, 1))
	p.array("U")
	p.array("V")
	p.op("uvv", func(b *ir.BodyBuilder) int {
		v := p.read(b, "@V")
		return b.Mul(b.Mul(p.read(b, "@U"), v), v)
	})
	p.op("U.next", func(b *ir.BodyBuilder) int { return b.Sub(p.read(b, "@U", 1), p.read(b, "%uvv")) })
	p.op("V.next", func(b *ir.BodyBuilder) int { return b.Add(p.read(b, "@V", 0, -1), p.read(b, "%uvv")) })
	p.set("U", "%U.next")
	p.set("V", "%V.next")
	c := canonical(t, p.Program)
	if o := ops(c); len(o) != 1 || len(o[0].Results) != 2 {
		t.Errorf("not one map with two results:\n%s", ir.Print(c))
	}
	p.op("W", func(b *ir.BodyBuilder) int { return p.read(b, "%uvv", 1) })
	p.array("W")
	p.set("W", "%W")
	c = canonical(t, p.Program)
	if o := ops(c); len(o) != 2 || len(o[0].Results)+len(o[1].Results) != 4 {
		t.Errorf("a value read at an offset:\n%s", ir.Print(c))
	}
}

// A value over one axis that is read by a map over two stays: moving it would compute it again for every point of the other axis.
func TestFuseLeavesBroadcasts(t *testing.T) {
	p := newProg(ir.F32, ring("x", 8, 0, 1), ring("y", 8, 0, 1))
	p.array("U")
	p.op("row", func(b *ir.BodyBuilder) int { return b.Op(ir.Sqrt, b.Scalar(ir.F32, "a")) })
	p.host("a", 2)
	op := &ops(p.Program)[0]
	op.Dom, op.Pieces[0].Box = op.Dom[:1], op.Pieces[0].Box[:1]
	var b ir.BodyBuilder
	p.Arrays = append(p.Arrays, ir.Array{Name: "w", Axes: []string{"x"}, Elem: ir.F32})
	op.Pieces[0].Body = b.Body(b.Op(ir.Sqrt, b.Read(ir.F32, "@w", ir.At("x", 0))))
	p.op("next", func(b *ir.BodyBuilder) int { return b.Mul(p.read(b, "@U"), b.Read(ir.F32, "%row", ir.At("x", 0))) })
	p.set("U", "%next")
	if c := canonical(t, p.Program); len(ops(c)) != 2 {
		t.Errorf("moved:\n%s", ir.Print(c))
	}
}

// A cycle of dependences must not be joined: p, then a value at an offset from p, then q that needs it.
func TestFuseRespectsDependences(t *testing.T) {
	p := newProg(ir.F32, ring("x", 8, 0, 1))
	p.array("A")
	p.array("B")
	p.op("p", func(b *ir.BodyBuilder) int { return b.Mul(p.read(b, "@A"), p.read(b, "@A")) })
	p.op("s", func(b *ir.BodyBuilder) int { return p.read(b, "%p", 1) })
	p.op("q", func(b *ir.BodyBuilder) int { return b.Add(p.read(b, "%s", 1), p.read(b, "%p")) })
	p.set("A", "%p")
	p.set("B", "%q")
	if c := canonical(t, p.Program); len(ops(c)) != 3 {
		t.Errorf("%d operations, want 3:\n%s", len(ops(c)), ir.Print(c))
	}
}

func TestDCE(t *testing.T) {
	p := newProg(ir.F32, ring("x", 8, 0, 1))
	p.array("A")
	p.host("a", 1)
	p.op("dead", func(b *ir.BodyBuilder) int { return b.Deriv(b.Mul(b.Scalar(ir.F32, "a"), p.read(b, "@A")), "x", 1, 2) })
	p.op("next", func(b *ir.BodyBuilder) int { return b.Deriv(p.read(b, "@A"), "x", 2, 2) })
	p.set("A", "%next")
	s := p.Func("step") // a second result that nothing reads, with a host scalar of its own
	op := &s.Ops[1]
	op.Results = append(op.Results, ir.Result{Name: "extra", Elem: ir.F32})
	var b ir.BodyBuilder
	u := p.read(&b, "@A")
	op.Pieces[0].Body = b.Body(b.Deriv(u, "x", 2, 2), b.Deriv(b.Mul(b.Mul(b.Scalar(ir.F32, "a"), b.Scalar(ir.F32, "a")), u), "x", 1, 2))
	c := canonical(t, p.Program)
	if o := ops(c); len(o) != 1 || len(o[0].Results) != 1 {
		t.Errorf("dead results:\n%s", ir.Print(c))
	}
	if len(c.Host) != 1 || c.Host[0].Name != "a" {
		t.Errorf("host scalars %d:\n%s", len(c.Host), ir.Print(c))
	}
}

// Dropping a result may change which operand comes first: the order of what is left is canonical all the same.
func TestDCEOrder(t *testing.T) {
	build := func(dead bool) *ir.Program {
		p := newProg(ir.F32, ring("x", 8, 0, 1))
		p.array("A")
		p.array("B")
		p.op("p", func(b *ir.BodyBuilder) int { return b.Op(ir.Sqrt, p.read(b, "@A", 1)) })
		p.op("q", func(b *ir.BodyBuilder) int { return b.Op(ir.Abs, p.read(b, "@B", 1)) })
		var b ir.BodyBuilder
		next := b.Add(p.read(&b, "%q", 1), p.read(&b, "%p", 1))
		res, body := []ir.Result{{Name: "next", Elem: ir.F32}}, b.Body(next)
		if dead {
			res = append([]ir.Result{{Name: "dead", Elem: ir.F32}}, res...)
			var b ir.BodyBuilder
			d := b.Sub(p.read(&b, "%p", 1), p.read(&b, "%q", 1))
			body = b.Body(d, b.Add(p.read(&b, "%q", 1), p.read(&b, "%p", 1)))
		}
		d, box := p.dom()
		s := p.Func("step")
		s.Ops = append(s.Ops, ir.Op{Results: res, Dom: d, Pieces: []ir.Piece{{Box: box, Body: body}}})
		p.set("A", "%next")
		if err := dce(p.Program, &Config{}); err != nil {
			t.Fatal(err)
		}
		return p.Program
	}
	if a, b := ir.Print(build(true)), ir.Print(build(false)); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}
