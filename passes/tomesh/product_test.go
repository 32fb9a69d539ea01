package tomesh_test

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/place"
)

// product is result[..] = sum over one index of a[..]*b[..]; indices are single letters, the summed one is over.
func product(p *ir.Program, f *ir.Func, result, dom, over, a, ai, b, bi string) {
	rng := func(letters string) (rs []ir.Range, box []ir.Interval) {
		for _, c := range letters {
			n := p.Axis(axisOf(string(c))).N
			rs, box = append(rs, ir.Range{Index: string(c), Axis: axisOf(string(c)), Hi: n}), append(box, ir.Interval{Hi: n})
		}
		return
	}
	at := func(letters string) (out []ir.Affine) {
		for _, c := range letters {
			out = append(out, ir.Affine{Index: string(c)})
		}
		return
	}
	g := &dag{}
	g.Results = []int{g.op(ir.Mul, g.read(a, at(ai)...), g.read(b, at(bi)...))}
	d, _ := rng(dom)
	o, _ := rng(over)
	_, box := rng(dom + over)
	f.Ops = append(f.Ops, ir.Op{Kind: ir.Reduce, FMA: true, Results: []ir.Result{{Name: result, Elem: ir.F32}}, Dom: d, Over: o,
		Pieces: []ir.Piece{{Box: box, Body: g.Body}}})
}

// axisOf is the axis of an index: i and p run over the axis m, j over n, k over k.
func axisOf(index string) string {
	return map[string]string{"i": "m", "p": "m", "j": "n", "k": "k"}[index]
}

func axes(m, n, k int) []ir.Axis {
	return []ir.Axis{{Name: "m", N: m}, {Name: "n", N: n}, {Name: "k", N: k}}
}

func array(name string, axes ...string) ir.Array {
	return ir.Array{Name: name, Axes: axes, Elem: ir.F32}
}

// gemm is C = A*B and D = C*E: the second sums over the columns of the first.
func gemm(m, n, k int) *ir.Program {
	p := &ir.Program{Name: "gemm", Axes: axes(m, n, k), Arrays: []ir.Array{array("A", "m", "k"), array("B", "k", "n"), array("C", "m", "n"),
		array("E", "n", "k"), array("D", "m", "k")}}
	f := ir.Func{Name: "step"}
	product(p, &f, "c", "ij", "k", "@A", "ik", "@B", "kj")
	product(p, &f, "d", "ik", "j", "%c", "ij", "@E", "jk")
	f.Sets = []ir.Set{{Array: "C", Value: "%c"}, {Array: "D", Value: "%d"}}
	p.Funcs = []ir.Func{f}
	return p
}

func spread(t testing.TB, p *ir.Program, m machine, ring bool) *mesh.Program {
	t.Helper()
	q, ls := place.Products(p, m, ring)
	if q == nil {
		t.Fatalf("%v: no strand of %s leaves memory", m, p.Name)
	}
	mp, err := tomesh.Lower(q, ls, tomesh.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := mesh.Verify(mp); err != nil {
		t.Fatal(err)
	}
	return mp
}

// Both factors of both products are cut along both sides, on any rectangle and for any shape, with the bits of the canonical order.
func TestProductsBothSides(t *testing.T) {
	for _, c := range []struct {
		m       machine
		a, b, k int
	}{{machine{4, 4, 0}, 8, 8, 8}, {machine{4, 4, 0}, 9, 7, 10}, {machine{3, 5, 0}, 11, 8, 13}, {machine{5, 2, 0}, 5, 9, 17}, {machine{8, 8, 0}, 3, 4, 5},
		{machine{1, 4, 0}, 6, 6, 6}, {machine{3, 3, 0}, 20, 4, 3}} {
		p := gemm(c.a, c.b, c.k)
		mp := spread(t, p, c.m, false)
		if err := agree(p, mp, rand.New(rand.NewSource(3)), nil, 2); err != nil {
			t.Errorf("%v: %v", c, err)
		}
		if c.m.w == 1 {
			continue
		}
		var names []string
		for _, ch := range mp.Channels {
			names = append(names, ch.Name)
		}
		if got := strings.Join(names, " "); got != "x- y- xflood yflood" {
			t.Errorf("%v: channels %s", c, got)
		}
		for _, s := range mp.Symbols {
			ls, err := mp.Lay(&s, p.Array(s.Array).Axes)
			if err != nil {
				t.Fatal(err)
			}
			if ls[0].Dim == mesh.Mem || ls[1].Dim == mesh.Mem || ls[0].Dim == ls[1].Dim {
				t.Errorf("%v: %s lies along %s and %s", c, s.Array, ls[0].Dim, ls[1].Dim)
			}
		}
	}
}

// Vector products alternate: what one reduces along x lies along y for the next, so that nothing is transposed, also when all indices run
// over one axis.
func TestVectorProductsAlternate(t *testing.T) {
	p := &ir.Program{Name: "vectors", Axes: axes(9, 7, 12), Arrays: []ir.Array{array("A", "m", "m"), array("B", "n", "m"), array("x", "m"), array("y", "m"),
		array("z", "n")}}
	f := ir.Func{Name: "step"}
	product(p, &f, "y", "i", "p", "@A", "ip", "@x", "p")
	product(p, &f, "z", "j", "i", "@B", "ji", "%y", "i")
	f.Sets = []ir.Set{{Array: "y", Value: "%y"}, {Array: "z", Value: "%z"}}
	p.Funcs = []ir.Func{f}
	mp := spread(t, p, machine{4, 3, 0}, false)
	where := func(array string) (out string) {
		ls, err := mp.Lay(mp.Symbol(array), p.Array(array).Axes)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range ls {
			out += l.Dim.String()
		}
		return out
	}
	got := fmt.Sprint(where("A"), " ", where("x"), " ", where("y"), " ", where("B"), " ", where("z"))
	if got != "xy y x yx y" && got != "yx x y xy x" {
		t.Errorf("A, x, y, B, z lie along %s", got)
	}
	if err := agree(p, mp, rand.New(rand.NewSource(4)), nil, 2); err != nil {
		t.Error(err)
	}
}

// Three processes per side, whatever the mesh and the matrices.
func TestProductClassesDoNotGrow(t *testing.T) {
	for _, c := range []struct{ w, h, n int }{{4, 4, 16}, {16, 12, 48}, {60, 60, 60}} {
		if mp := spread(t, gemm(c.n, c.n, c.n), machine{c.w, c.h, 0}, false); len(mp.Classes) != 9 {
			t.Errorf("%v: %d classes", c, len(mp.Classes))
		}
	}
}

// Cannon: the first product turns its factors, the second, whose factor is the result of the first, goes by SUMMA on the same rings; a
// matrix that is also read otherwise is not turned.
func TestProductsOnRings(t *testing.T) {
	for _, c := range []struct {
		m       machine
		a, b, k int
		turned  string
	}{{machine{4, 4, 0}, 8, 8, 8, "A B"}, {machine{5, 9, 0}, 9, 7, 10, "A B"}, {machine{3, 3, 0}, 4, 5, 7, "A B"}, {machine{2, 2, 0}, 5, 5, 6, "A B"}} {
		p := gemm(c.a, c.b, c.k)
		mp := spread(t, p, c.m, true)
		if err := agree(p, mp, rand.New(rand.NewSource(5)), nil, 2); err != nil {
			t.Errorf("%v: %v", c, err)
		}
		var turned []string
		for _, s := range mp.Symbols {
			if s.Turn > 0 {
				turned = append(turned, s.Array)
			}
		}
		if got := strings.Join(turned, " "); got != c.turned {
			t.Errorf("%v: %q are turned", c, got)
		}
	}
	p := gemm(8, 8, 8)
	p.Funcs[0].Sets = append(p.Funcs[0].Sets, ir.Set{Array: "A", Value: "%d"})
	if q, ls := place.Products(p, machine{4, 4, 0}, true); tomesh.Turns(q, ls) {
		t.Error("an array that the device sets is turned")
	}
	alone := gemm(16, 16, 16)
	alone.Funcs[0].Ops, alone.Funcs[0].Sets = alone.Funcs[0].Ops[:1], alone.Funcs[0].Sets[:1]
	if mp := spread(t, alone, machine{8, 8, 0}, true); len(mp.Classes) != 1 || len(mp.Channels) != 2 {
		t.Errorf("%d classes and %d channels", len(mp.Classes), len(mp.Channels))
	}
}

// Cannon on rectangles: any shape on any mesh, with as many processes as the sides have phases, and the bits of the order that is recorded.
func TestProductsOnRectangles(t *testing.T) {
	r := rand.New(rand.NewSource(11))
	oblong, padded, phases, turns := 0, 0, 0, 0
	for range 90 {
		m := machine{2 + r.Intn(8), 2 + r.Intn(8), 0}
		a, b, k := 2+r.Intn(20), 2+r.Intn(20), 2+r.Intn(40)
		p := gemm(a, b, k)
		if r.Intn(2) == 0 {
			p.Funcs[0].Ops, p.Funcs[0].Sets = p.Funcs[0].Ops[:1], p.Funcs[0].Sets[:1]
		}
		mp := spread(t, p, m, true)
		if err := agree(p, mp, r, nil, 2); err != nil {
			t.Errorf("%v %d %d %d: %v", m, a, b, k, err)
		}
		turned := false
		for _, s := range mp.Symbols {
			turned = turned || s.Turn > 0
			if s.Minus {
				padded++
			}
		}
		if !turned {
			continue // another product's matrices leave less in a PE otherwise
		}
		if turns++; mp.W != mp.H {
			oblong++
			if mp.W%mp.H != 0 && mp.H%mp.W != 0 {
				phases++
			}
		}
	}
	if turns < 40 || oblong < 20 || padded < 20 || phases < 3 {
		t.Errorf("%d turned, %d on rectangles, %d of them with sides that do not divide each other, %d with padding", turns, oblong, phases, padded)
	}
	// Processes are those of the phases, in every half of a folded side, and not of the PEs.
	for _, c := range []struct{ w, h, classes int }{{8, 4, 4}, {48, 24, 4}, {24, 36, 20}, {48, 72, 20}} {
		alone := gemm(144, 144, 144)
		alone.Funcs[0].Ops, alone.Funcs[0].Sets = alone.Funcs[0].Ops[:1], alone.Funcs[0].Sets[:1]
		mp := spread(t, alone, machine{c.w, c.h, 0}, true)
		if mp.W != c.w || mp.H != c.h || len(mp.Classes) != c.classes {
			t.Errorf("%v: %d x %d PEs in %d classes", c, mp.W, mp.H, len(mp.Classes))
		}
	}
}
