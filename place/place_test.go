package place_test

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

type machine struct{ w, h, bytes int }

func (m machine) Extent() (int, int) { return m.w, m.h }
func (m machine) MemoryBytes() int   { return m.bytes }

func program(axes ...ir.Axis) *ir.Program {
	p := &ir.Program{Axes: axes}
	var names []string
	for _, a := range axes {
		names = append(names, a.Name)
	}
	p.Arrays = []ir.Array{{Name: "n", Elem: ir.I32}, {Name: "T", Axes: names, Elem: ir.F32}}
	return p
}

func TestLayouts(t *testing.T) {
	p := program(ir.Axis{Name: "x", N: 100, Periodic: true}, ir.Axis{Name: "y", N: 5}, ir.Axis{Name: "z", N: 7, Periodic: true})
	ls, err := place.Layouts(p, machine{30, 40, 0}, place.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []mesh.Layout{
		{Axis: "x", Dim: mesh.X, N: 100, Parts: 30, Periodic: true, Folded: true},
		{Axis: "y", Dim: mesh.Y, N: 5, Parts: 5},
		{Axis: "z", Dim: mesh.Mem, N: 7, Parts: 1, Periodic: true}}
	for i := range want {
		if ls[i] != want[i] {
			t.Errorf("got %+v, want %+v", ls[i], want[i])
		}
	}
	if ls, _ = place.Layouts(p, machine{30, 40, 0}, place.Options{Wrapped: []string{"x"}}); ls[0].Folded {
		t.Error("a wrapped axis was folded")
	}
	if ls, _ = place.Layouts(p, machine{2, 1, 0}, place.Options{}); ls[0].Folded || ls[1].Dim != mesh.Mem {
		t.Errorf("two parts need no fold and one part no mesh axis: %+v", ls)
	}
	_, err = place.Layouts(p, machine{30, 40, 0}, place.Options{Wrapped: []string{"y"}})
	if d, ok := err.(*diag.Diagnostic); !ok || d.Code != "WF0405" {
		t.Errorf("wrapping an axis that is not periodic: %v", err)
	}
	// scratch alone takes no side of the mesh
	p.Axes = append(p.Axes[:1:1], ir.Axis{Name: "history", N: 32})
	p.Arrays = []ir.Array{{Name: "T", Axes: []string{"x"}, Elem: ir.F32}, {Name: "trace", Axes: []string{"history"}, Elem: ir.F32, Local: true}}
	if ls, _ = place.Layouts(p, machine{30, 40, 0}, place.Options{}); ls[0].Dim != mesh.X || ls[1].Dim != mesh.Mem {
		t.Errorf("the history of a solver is not in memory: %+v", ls)
	}
	p = program(ir.Axis{Name: "x", N: 100, Periodic: true}, ir.Axis{Name: "y", N: 5}, ir.Axis{Name: "z", N: 7, Periodic: true})
	// dims are declared in any order; the widest array decides
	p.Axes[0], p.Axes[2] = p.Axes[2], p.Axes[0]
	if ls, _ = place.Layouts(p, machine{30, 40, 0}, place.Options{}); place.On(ls, mesh.X).Axis != "x" {
		t.Errorf("x is not along the mesh: %+v", ls)
	}
}

// Every part is in one group, every position in one range, and a view tells the truth about each of its parts.
func TestViewsCoverTheAxis(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 300 {
		l := &mesh.Layout{Axis: "x", Dim: mesh.X, N: 2 + r.Intn(60), Periodic: r.Intn(2) == 0}
		l.Parts = 2 + r.Intn(l.N-1)
		l.Folded = l.Periodic && r.Intn(2) == 0
		reach := r.Intn(6)
		marks := []int{r.Intn(l.N), r.Intn(l.N)}
		seen := map[int]bool{}
		for _, g := range place.Views([]*mesh.Layout{l}, reach, [][]int{marks}) {
			for _, k := range g.Parts {
				lo, hi := l.Block(k)
				if g.View.Size != hi-lo || g.View.First != (k == 0) || g.View.Last != (k == l.Parts-1) {
					t.Fatalf("part %d of %+v has view %+v", k, l, g.View)
				}
				for _, m := range marks {
					if d := g.View.Rel(m); d != max(-reach-1, min(m-lo, hi-lo+reach+1)) {
						t.Fatalf("mark %d is at %d from part %d of %+v", m, d, k, l)
					}
				}
			}
			n := 0
			for _, x := range place.Ranges(l, g.Parts) {
				for i := x.Lo; i < x.Hi; i += x.Step {
					if seen[i] {
						t.Fatalf("position %d twice", i)
					}
					seen[i] = true
					n++
				}
			}
			if n != len(g.Parts) {
				t.Fatalf("%d positions for %d parts", n, len(g.Parts))
			}
		}
		if len(seen) != l.Parts {
			t.Fatalf("%d of %d positions", len(seen), l.Parts)
		}
	}
}

func TestViewsDoNotGrow(t *testing.T) {
	for _, periodic := range []bool{false, true} {
		count := func(n, parts int) (views, ranges int) {
			l := &mesh.Layout{Axis: "x", Dim: mesh.X, N: n, Parts: parts, Periodic: periodic, Folded: periodic}
			for _, g := range place.Views([]*mesh.Layout{l}, 2, [][]int{[]int{1, n - 1}}) {
				views++
				ranges += len(place.Ranges(l, g.Parts))
			}
			return
		}
		v, r := count(20, 20)
		if bv, br := count(994, 994); bv != v || br > r+1 { // at 20 parts two folded runs may happen to join
			t.Errorf("periodic %v: %d views in %d ranges for 20 parts, %d in %d for 994", periodic, v, r, bv, br)
		}
	}
}

func TestMemory(t *testing.T) {
	text := "field T on block"
	p := program(ir.Axis{Name: "x", N: 800}, ir.Axis{Name: "y", N: 1000}, ir.Axis{Name: "z", N: 2000})
	p.Arrays[1].Pos = ir.Pos{Start: 6, End: 7}
	ls, _ := place.Layouts(p, machine{750, 994, 0}, place.Options{})
	mp := &mesh.Program{Layouts: ls, Arrays: []mesh.Array{
		{Name: "T", Kind: mesh.State, Elem: ir.F32, Len: 8000, Of: "T"},
		{Name: "T.x+1", Kind: mesh.Halo, Elem: ir.F32, Len: 2000, Of: "T"},
		{Name: "tmp", Kind: mesh.Temp, Elem: ir.F16, Len: 2001}}}
	uses, total := place.MemoryUse(mp)
	if total != 32000+8000+4004 || uses[0] != (place.Use{Of: "T", Kind: mesh.State, Arrays: 1, Bytes: 32000}) {
		t.Errorf("uses %+v, total %d", uses, total)
	}
	if d := place.CheckMemory(mp, p, machine{750, 994, total}, nil); d != nil {
		t.Errorf("%v although it just fits", d)
	}
	d := place.CheckMemory(mp, p, machine{750, 994, total - 1}, diag.NewFile("a.wf", text))
	if d == nil || d.Code != "WF0401" || d.Primary.Text() != "T" || !strings.Contains(d.Message, "1 too many") ||
		!strings.Contains(d.Notes[0], "state of T: 32000 bytes") || d.Suggestion == nil || !strings.Contains(d.Suggestion.Text, "axis z") {
		t.Errorf("%+v", d)
	}
	if d := place.CheckMemory(mp, p, machine{900, 994, 100}, nil); d == nil || !strings.Contains(d.Suggestion.Text, "axis x into more than 750 parts") {
		t.Errorf("%+v", d)
	}
}
