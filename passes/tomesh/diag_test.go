package tomesh_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/place"
)

// square is T' = body on a 6 x 6 grid, a vector field v along x beside it.
func square(body func(g *dag) int) *ir.Program {
	p := &ir.Program{Name: "square", Axes: []ir.Axis{{Name: "x", N: 6}, {Name: "y", N: 6}},
		Arrays: []ir.Array{{Name: "T", Axes: []string{"x", "y"}, Elem: ir.F32}, {Name: "v", Axes: []string{"x"}, Elem: ir.F32}}}
	g := &dag{}
	g.Results = []int{body(g)}
	op := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "new", Elem: ir.F32}}, Pos: ir.Pos{Start: 3, End: 7},
		Dom:    []ir.Range{{Index: "i", Axis: "x", Hi: 6}, {Index: "j", Axis: "y", Hi: 6}},
		Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: 6}, {Hi: 6}}, Body: g.Body}}}
	p.Funcs = []ir.Func{{Name: "step", Ops: []ir.Op{op}, Sets: []ir.Set{{Array: "T", Value: "%new"}}}}
	return p
}

// codes lists the codes of an error, or gives its text when it is not a list of diagnostics.
func codes(err error) string {
	var l diag.List
	if !errors.As(err, &l) {
		return err.Error()
	}
	s := ""
	for _, d := range l {
		if !strings.Contains(s, d.Code) {
			s += d.Code
		}
	}
	return s
}

func TestDiagnostics(t *testing.T) {
	i, j := ir.Affine{Index: "i"}, ir.Affine{Index: "j"}
	read := func(name string, at ...ir.Affine) func(*dag) int {
		return func(g *dag) int { return g.read(name, at...) }
	}
	same := func(*ir.Program, []mesh.Layout) {}
	for _, c := range []struct {
		name   string
		p      *ir.Program
		change func(*ir.Program, []mesh.Layout)
		code   string
		words  string
		place  string // text under the caret
	}{
		{"f64", square(read("@T", i, j)), func(p *ir.Program, _ []mesh.Layout) {
			p.Arrays[0].Elem, p.Arrays[0].Pos = ir.F64, ir.Pos{Start: 0, End: 2}
		}, "WF0402", "array T is f64", "ab"},
		{"bf16 products", square(read("@T", i, j)), func(p *ir.Program, _ []mesh.Layout) {
			var b ir.BodyBuilder
			x := b.Read(ir.F32, "@T", i, j)
			op := ir.Op{Kind: ir.Reduce, Comb: ir.Sum, FMA: true, Order: ir.Order{Kind: ir.Pairs}, Pos: ir.Pos{Start: 0, End: 2}, Results: []ir.Result{{Name: "s", Elem: ir.F32}},
				Over: p.Funcs[0].Ops[0].Dom, Pieces: []ir.Piece{{Box: p.Funcs[0].Ops[0].Pieces[0].Box, Body: b.Body(b.Mul(x, x))}}}
			p.Funcs[0].Ops = append(p.Funcs[0].Ops, op)
		}, "WF0402", "a sum of bf16 products", "ab"},
		{"transposition", square(read("@T", j, i)), same, "WF0403", "read along mesh axis x by index j", "defg"},
		{"fixed position", square(read("@T", ir.Affine{Off: 2}, j)), same, "WF0403", "fixed position 2 of axis x", "defg"},
		{"index elsewhere", square(read("@v", j)), same, "WF0403", "by index j", "defg"},
		{"two indices on one axis", square(read("@T", i, j)), func(p *ir.Program, _ []mesh.Layout) {
			p.Funcs[0].Ops[0].Dom[1].Axis = "x"
		}, "WF0403", "indices i and j", "defg"},
		{"memory axis by mesh index", square(read("@T", i, j)), func(p *ir.Program, ls []mesh.Layout) {
			p.Axes = append(p.Axes, ir.Axis{Name: "k", N: 6})
			p.Arrays[1].Axes = []string{"k"}
			var b ir.BodyBuilder
			x := b.Read(ir.F32, "@v", i) // alone it would be a copy, which moves
			p.Funcs[0].Ops[0].Pieces[0].Body = b.Body(b.Mul(x, x))
		}, "WF0403", "keeps axis k in memory", "defg"},
		{"empty reduction", square(read("@T", i, j)), func(p *ir.Program, _ []mesh.Layout) {
			o := &p.Funcs[0].Ops[0]
			o.Kind, o.Over, o.Dom = ir.Reduce, []ir.Range{{Index: "j", Axis: "y", Lo: 3, Hi: 3}}, o.Dom[:1]
		}, "WF0404", "index j runs from 3 to 2", "defg"},
		{"reduction over ghosts", square(read("@T", i, j)), func(p *ir.Program, _ []mesh.Layout) {
			o := &p.Funcs[0].Ops[0]
			o.Kind, o.Over, o.Dom = ir.Reduce, []ir.Range{{Index: "j", Axis: "y", Lo: -1, Hi: 3}}, o.Dom[:1]
		}, "WF0404", "ghost points of mesh axis y", "defg"},
		{"fma of no product", square(read("@T", i, j)), func(p *ir.Program, _ []mesh.Layout) {
			o := &p.Funcs[0].Ops[0]
			o.Kind, o.Over, o.Dom, o.FMA = ir.Reduce, o.Dom[1:], o.Dom[:1], true
		}, "WF0404", "needs a product", "defg"},
		{"far halo", square(read("@T", ir.Affine{Index: "i", Off: -33}, j)), func(p *ir.Program, ls []mesh.Layout) {
			p.Axes[0].Periodic, ls[0].Periodic = true, true
		}, "WF0407", "33 points away along mesh axis x, through 33 PEs", "defg"},
		{"many wraps", square(read("@v", ir.Affine{Index: "i", Off: 1000})), func(p *ir.Program, ls []mesh.Layout) {
			p.Axes[0].Periodic, ls[0].Periodic = true, true
			ls[0].Dim, ls[0].Parts = mesh.Mem, 1
		}, "WF0407", "1000 points away along axis x of 6 points", "defg"},
		{"ghosts without end", square(read("@T", i, j)), func(p *ir.Program, ls []mesh.Layout) {
			p.Funcs[0].Ops[0].Dom[0].Hi = 1 << 40
		}, "WF0404", "more than 1024 points beyond axis x", "defg"},
		{"no layout", square(read("@T", i, j)), func(_ *ir.Program, ls []mesh.Layout) { ls[1].Axis = "other" }, "WF0405", "axis y has no layout", ""},
		{"two axes on x", square(read("@T", i, j)), func(_ *ir.Program, ls []mesh.Layout) { ls[1].Dim = mesh.X }, "WF0405", "axes x and y both lie along x", ""},
		{"layout of another size", square(read("@T", i, j)), func(_ *ir.Program, ls []mesh.Layout) { ls[1].N = 7 }, "WF0405", "does not suit", ""},
		{"derivative left", square(read("@T", i, j)), func(p *ir.Program, _ []mesh.Layout) {
			b := &p.Funcs[0].Ops[0].Pieces[0].Body
			b.Nodes = append(b.Nodes, ir.Node{Op: ir.Deriv, Name: "i", N: 1, Elem: ir.F32, Args: []int{0}})
		}, "WF0406", "not canonical", "defg"},
		{"unknown value", square(read("%T", i, j)), same, "WF0406", `unknown value "%T"`, "defg"},
		{"rank", square(read("@T", i)), same, "WF0406", "read with 1", "defg"},
		{"assignment of another shape", square(read("@T", i, j)), func(p *ir.Program, _ []mesh.Layout) {
			p.Funcs[0].Sets[0] = ir.Set{Array: "v", Value: "%new", Pos: ir.Pos{Start: 1, End: 2}}
		}, "WF0406", "shape and type of array v", "b"},
	} {
		ls, err := place.Layouts(square(read("@T", i, j)), machine{6, 6, 0}, place.Options{}) // x on x, y on y, whatever the program does
		if err != nil {
			t.Fatal(err)
		}
		c.change(c.p, ls)
		for len(ls) < len(c.p.Axes) {
			a := c.p.Axes[len(ls)]
			ls = append(ls, mesh.Layout{Axis: a.Name, N: a.N, Parts: 1})
		}
		_, err = tomesh.Lower(c.p, ls, tomesh.Options{Source: diag.NewFile("a.wf", "abcdefghij")})
		var l diag.List
		if !errors.As(err, &l) || len(l) == 0 {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		found := false
		for _, d := range l {
			if d.Code == c.code && strings.Contains(d.Message, c.words) && d.Primary.Text() == c.place {
				found = true
			}
			if _, ok := diag.Lookup(d.Code); !ok {
				t.Errorf("%s: code %s is not in the catalogue", c.name, d.Code)
			}
		}
		if !found {
			t.Errorf("%s: got %v, want %s with %q at %q", c.name, l, c.code, c.words, c.place)
		}
	}
}

// Five memory axes unroll into more operations than a process may have.
func TestTooManyOperations(t *testing.T) {
	p := &ir.Program{Name: "five"}
	g := &dag{}
	var at []ir.Affine
	op := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "r", Elem: ir.F32}}}
	a := ir.Array{Name: "A", Elem: ir.F32}
	var box []ir.Interval
	for i := range 8 {
		n := fmt.Sprint("x", i)
		p.Axes = append(p.Axes, ir.Axis{Name: n, N: 14})
		a.Axes = append(a.Axes, n)
		op.Dom = append(op.Dom, ir.Range{Index: n, Axis: n, Hi: 14})
		box = append(box, ir.Interval{Hi: 14})
		at = append(at, ir.Affine{Index: n})
	}
	g.Results = []int{g.op(ir.Neg, g.read("@A", at...))}
	op.Pieces = []ir.Piece{{Box: box, Body: g.Body}}
	p.Arrays = []ir.Array{a}
	p.Funcs = []ir.Func{{Name: "f", Ops: []ir.Op{op}, Sets: []ir.Set{{Array: "A", Value: "%r"}}}}
	ls, err := place.Layouts(p, machine{1, 1, 0}, place.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = tomesh.Lower(p, ls, tomesh.Options{}); err == nil || !strings.Contains(err.Error(), "more than 32768 operations") {
		t.Error(err)
	}
}

// A local fold of a long vector over a long axis cannot be unrolled.
func TestHugeLocalReduction(t *testing.T) {
	p := &ir.Program{Name: "r", Axes: []ir.Axis{{Name: "x", N: 5000}, {Name: "y", N: 5000}},
		Arrays: []ir.Array{{Name: "A", Axes: []string{"x", "y"}, Elem: ir.F32, Const: true}, {Name: "s", Axes: []string{"x"}, Elem: ir.F32}}}
	g := &dag{}
	g.Results = []int{g.read("@A", ir.Affine{Index: "i"}, ir.Affine{Index: "j"})}
	p.Funcs = []ir.Func{{Name: "once", Sets: []ir.Set{{Array: "s", Value: "%r"}}, Ops: []ir.Op{{Kind: ir.Reduce, Results: []ir.Result{{Name: "r", Elem: ir.F32}},
		Dom: []ir.Range{{Index: "i", Axis: "x", Hi: 5000}}, Over: []ir.Range{{Index: "j", Axis: "y", Hi: 5000}},
		Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: 5000}, {Hi: 5000}}, Body: g.Body}}}}}}
	ls, err := place.Layouts(p, machine{1, 1, 0}, place.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = tomesh.Lower(p, ls, tomesh.Options{}); err == nil || !strings.Contains(err.Error(), "WF0404") || !strings.Contains(err.Error(), "5000 elements to each of 5000") {
		t.Error(err)
	}
}
