package route

import (
	"testing"

	"github.com/wfc-lang/wfc/ir/mesh"
	"pgregory.net/rapid"
)

// levels adds the channels of a tree along x with the given group sizes to a halo program: chains, and a star at the last level.
func levels(p *mesh.Program, sizes ...int) {
	s := 1
	for i, g := range sizes {
		if i == len(sizes)-1 {
			for j := 1; j < min(g, 4); j++ {
				p.Channels = append(p.Channels, mesh.Channel{Name: string(rune('a'+j)) + "arm", Dim: mesh.X, Kind: mesh.Hop, Layout: "i",
					Step: -j * s, From: mesh.Range{Lo: j * s, Hi: j*s + 1, Step: 1}, Mod: s * g})
			}
			return
		}
		p.Channels = append(p.Channels, mesh.Channel{Name: string(rune('A'+i)) + "level", Dim: mesh.X, Kind: mesh.Hop, Layout: "i", Step: -s,
			From: mesh.Range{Lo: s, Hi: s * g, Step: s}, Mod: s * g})
		s *= g
	}
}

func TestTreesRoute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := func(n string) bool { return rapid.Bool().Draw(t, n) }
		p := halo(rapid.IntRange(2, 90).Draw(t, "w"), rapid.IntRange(1, 5).Draw(t, "h"), b("px"), false, b("fx"), false)
		size := rapid.IntRange(2, 8)
		levels(p, size.Draw(t, "a"), size.Draw(t, "b"), size.Draw(t, "c"))
		tab, err := Assign(p, fabric(99))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range Check(p, tab) {
			t.Error(e)
		}
	})
}

// With groups of powers of two a level's tables grow with the logarithm of its stride.
func TestTreeTablesDoNotGrowWithTheMesh(t *testing.T) {
	entries := func(w int, sizes ...int) int {
		p := halo(w, 3, false, false, false, false)
		before, err := Assign(p, fabric(99))
		if err != nil {
			t.Fatal(err)
		}
		levels(p, sizes...)
		tab, err := Assign(p, fabric(99))
		if err != nil {
			t.Fatal(err)
		}
		if errs := Check(p, tab); len(errs) > 0 {
			t.Fatal(errs[0])
		}
		return len(tab.Entries) - len(before.Entries)
	}
	small, large := entries(64, 8, 8, 2), entries(1024, 32, 32, 2)
	t.Log(small, large)
	if large > 3*small {
		t.Errorf("%d entries on 64 parts, %d on 1024", small, large)
	}
}
