package passes

import (
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Only local arrays that nothing names go, with what sets them.
func TestScratch(t *testing.T) {
	zero := ir.Body{Nodes: []ir.Node{{Op: ir.Const, Elem: ir.F32}}, Results: []int{0}}
	read := func(name string) ir.Body {
		return ir.Body{Nodes: []ir.Node{{Op: ir.Read, Elem: ir.F32, Name: "@" + name}}, Results: []int{0}}
	}
	op := func(name string, b ir.Body) ir.Op {
		return ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: name, Elem: ir.F32}}, Pieces: []ir.Piece{{Box: []ir.Interval{}, Body: b}}}
	}
	p := &ir.Program{Name: "p"}
	for _, n := range []string{"state", "unread", "used", "copied", "now", "cond", "message"} {
		p.Arrays = append(p.Arrays, ir.Array{Name: n, Elem: ir.F32, Local: n != "state"})
	}
	f := ir.Func{Name: "f", Ops: []ir.Op{op("a", zero), op("b", read("used"))}}
	for _, a := range p.Arrays {
		f.Sets = append(f.Sets, ir.Set{Array: a.Name, Value: "%a"})
	}
	f.Sets[0].Value = "%b"
	f.Sets[5].Value = "@copied"
	p.Funcs = []ir.Func{f}
	p.Procs = []ir.Proc{{Name: "q", Body: []ir.Stmt{{Kind: ir.If, Cond: "cond", Body: []ir.Stmt{{Kind: ir.Call, Func: "f"}}}}}}
	p.Schedule = []ir.Run{{Func: "q", Count: "n", Clock: &ir.Clock{Now: []string{"now"}}}}
	p.Failures = []ir.Failure{{Array: "message"}}
	if err := scratch(p, nil); err != nil {
		t.Fatal(err)
	}
	if len(p.Arrays) != 6 || p.Array("unread") != nil || len(p.Funcs[0].Sets) != 6 {
		t.Errorf("%d arrays, %d sets are left", len(p.Arrays), len(p.Funcs[0].Sets))
	}
}
