package route

import (
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir/mesh"
	"pgregory.net/rapid"
)

type fabric int

func (f fabric) TurnColors() []int { return f.RouteColors() }

func (f fabric) RouteColors() []int {
	out := make([]int, f)
	for i := range out {
		out[i] = i
	}
	return out
}

// halo is a program with all channels of a w x h mesh.
func halo(w, h int, px, py, fx, fy bool) *mesh.Program {
	p := &mesh.Program{W: w, H: h, Layouts: []mesh.Layout{
		{Axis: "i", Dim: mesh.X, N: w, Parts: w, Periodic: px, Folded: px && fx},
		{Axis: "j", Dim: mesh.Y, N: h, Parts: h, Periodic: py, Folded: py && fy}}}
	for _, c := range []mesh.Channel{
		{Name: "x+", Dim: mesh.X, Step: 1, Layout: "i"}, {Name: "x-", Dim: mesh.X, Step: -1, Layout: "i"},
		{Name: "y+", Dim: mesh.Y, Step: 1, Layout: "j"}, {Name: "y-", Dim: mesh.Y, Step: -1, Layout: "j"},
		{Name: "xflood", Dim: mesh.X, Kind: mesh.Flood, Layout: "i"}, {Name: "yflood", Dim: mesh.Y, Kind: mesh.Flood, Layout: "j"}} {
		p.Channels = append(p.Channels, c)
	}
	return p
}

func TestEveryLatticeRoutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := func(n string) bool { return rapid.Bool().Draw(t, n) }
		p := halo(rapid.IntRange(1, 30).Draw(t, "w"), rapid.IntRange(1, 30).Draw(t, "h"), b("px"), b("py"), b("fx"), b("fy"))
		tab, err := Assign(p, fabric(21))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range Check(p, tab) {
			t.Error(e)
		}
	})
}

func TestTablesDoNotGrowWithTheMesh(t *testing.T) {
	for _, periodic := range []bool{false, true} {
		small, err := Assign(halo(32, 32, periodic, periodic, true, true), fabric(21))
		if err != nil {
			t.Fatal(err)
		}
		p := halo(750, 994, periodic, periodic, true, true)
		large, err := Assign(p, fabric(21))
		if err != nil {
			t.Fatal(err)
		}
		if errs := Check(p, large); len(errs) > 0 {
			t.Fatal(errs[0])
		}
		if n, m := len(small.Entries), len(large.Entries); m > n+12 {
			t.Errorf("periodic %v: %d entries on 32x32, %d on 750x994", periodic, n, m)
		}
		t.Logf("periodic %v: %d colors, %d entries, %d ports", periodic, len(large.colors()), len(large.Entries), len(large.Ports))
	}
}

func TestHaloUsesTheFewestColors(t *testing.T) {
	p := halo(40, 40, false, false, false, false)
	p.Channels = p.Channels[:4]
	tab, err := Assign(p, fabric(21))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tab.colors()); n != 8 {
		t.Errorf("a four-way halo takes %d colors, want 8 (two parities in each direction)", n)
	}
}

func TestTooFewColorsIsRefused(t *testing.T) {
	_, err := Assign(halo(8, 8, true, true, true, true), fabric(9))
	be, ok := err.(*BudgetError)
	if !ok || be.Have != 9 || be.Need <= 9 || !strings.Contains(be.Error(), "x+") {
		t.Fatalf("got %v", err)
	}
}

// Each damage to correct tables is noticed.
func TestCheckFindsDamage(t *testing.T) {
	p := halo(9, 7, true, false, true, false)
	fresh := func() *Table {
		tab, err := Assign(p, fabric(21))
		if err != nil {
			t.Fatal(err)
		}
		return tab
	}
	if errs := Check(p, fresh()); len(errs) > 0 {
		t.Fatal(errs)
	}
	damage := map[string]func(*Table){
		"swapped colors": func(t *Table) {
			a, b := t.Entries[0].Color, t.Entries[len(t.Entries)-1].Color
			for i := range t.Entries {
				switch t.Entries[i].Color {
				case a:
					t.Entries[i].Color = b
				case b:
					t.Entries[i].Color = a
				}
			}
		},
		"entry lost":     func(t *Table) { t.Entries = t.Entries[1:] },
		"entry twice":    func(t *Table) { t.Entries = append(t.Entries, t.Entries[0]) },
		"turned around":  func(t *Table) { t.Entries[0].Rx = t.Entries[0].Rx.Opposite() ^ 1 },
		"extra branch":   func(t *Table) { t.Entries[0].Tx |= 1 << South },
		"listener lost":  func(t *Table) { t.Ports = t.Ports[:len(t.Ports)-1] },
		"wrong channel":  func(t *Table) { t.Ports[0].Channel = "y-" },
		"wrong color":    func(t *Table) { t.Ports[0].Color++ },
		"shifted region": func(t *Table) { t.Entries[2].Region.X.Lo++; t.Entries[2].Region.X.Hi++ },
	}
	for name, f := range damage {
		tab := fresh()
		f(tab)
		if len(Check(p, tab)) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 30).Draw(t, "at")
		want := map[int]bool{}
		for _, v := range at {
			want[v] = true
		}
		n := 0
		for _, r := range Ranges(at) {
			for v := r.Lo; v < r.Hi; v += r.Step {
				if !want[v] {
					t.Fatalf("%v: %d is not in the set", r, v)
				}
				n++
			}
		}
		if n != len(want) {
			t.Fatalf("%d of %d positions covered", n, len(want))
		}
	})
}
