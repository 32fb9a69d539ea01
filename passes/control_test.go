package passes

import (
	"context"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
)

// What procedures need survives the table: counts that only a loop names, arrays that are conditions, functions that only they call.
func TestProceduresSurvive(t *testing.T) {
	p := newProg(ir.F32, cells("x", 6, 0, 1))
	p.array("T")
	p.bc("T", "x", false, ir.Value, 1)
	p.bc("T", "x", true, ir.Gradient, 0)
	p.Arrays = append(p.Arrays, ir.Array{Name: "n", Elem: ir.I32}, ir.Array{Name: "on", Elem: ir.Bool})
	for i, name := range []string{"k.often", "k.most"} { // as a pass would name them
		var b ir.BodyBuilder
		p.Host = append(p.Host, ir.HostDef{Name: name, Body: b.Body(b.Const(ir.F64, float64(3+i)))})
	}
	p.op("r", func(b *ir.BodyBuilder) int {
		return b.Mul(b.Const(ir.F32, 0.5), b.Add(p.read(b, "@T", -1), p.read(b, "@T", 1)))
	})
	p.set("T", "%r")
	var b ir.BodyBuilder
	n := b.Add(b.Read(ir.I32, "@n"), b.Int(ir.I32, 1))
	p.Funcs = append(p.Funcs, ir.Func{Name: "count", Ops: []ir.Op{{Results: []ir.Result{{Name: "n", Elem: ir.I32}, {Name: "on", Elem: ir.Bool}},
		Pieces: []ir.Piece{{Body: b.Body(n, b.Op(ir.Lt, n, b.Int(ir.I32, 9)))}}}}, Sets: []ir.Set{{Array: "n", Value: "%n"}, {Array: "on", Value: "%on"}}})
	p.Procs = []ir.Proc{{Name: "go", Body: []ir.Stmt{
		{Kind: ir.Loop, Count: "k.often", Body: []ir.Stmt{{Func: "step"}, {Func: "count"}}},
		{Kind: ir.While, Cond: "on", Count: "k.most", Body: []ir.Stmt{{Func: "count"}, {Kind: ir.If, Cond: "on", Body: []ir.Stmt{{Func: "step"}}}}},
	}}}
	c := canonical(t, p.Program)
	if len(c.Procs) != 1 || len(c.Funcs) < 3 {
		t.Fatalf("left is\n%s", ir.Print(c))
	}
	m, err := interp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	env, err := ir.EvalHost(c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Scalars(env)
	if done, err := m.Run(context.Background(), "go", 1); done != 1 || err != nil {
		t.Fatal(done, err)
	}
	// Three counts in the loop, then four in the while, each with a step: T has been averaged seven times from 0.
	count, err := m.Get("n")
	if err != nil || count.I32[0] != 7 {
		t.Errorf("counted to %v, %v", count, err)
	}
	T, err := m.Get("T")
	want := make([]float32, 6)
	for range 7 {
		next := make([]float32, 6)
		for i := range next {
			lo, hi := 2-want[0], want[5]
			if i > 0 {
				lo = want[i-1]
			}
			if i < 5 {
				hi = want[i+1]
			}
			next[i] = 0.5 * (lo + hi)
		}
		want = next
	}
	for i := range want {
		if err != nil || T.F32[i] != want[i] {
			t.Errorf("T[%d] = %v, want %v (%v)", i, T.F32[i], want[i], err)
		}
	}
}
