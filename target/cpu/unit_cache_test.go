package cpu

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Kernels that differ in names alone are one, in one program and across programs, and are compiled once.
func TestKernelsAreShared(t *testing.T) {
	needsLLVM(t)
	dir := t.TempDir()
	t.Setenv("WFC_CACHE", dir)
	layers := func(names ...string) *ir.Program {
		p := &ir.Program{Name: "layers", Axes: []ir.Axis{{Name: "x", N: 50, H: 1}}, Funcs: []ir.Func{{Name: "f"}}}
		for _, n := range names {
			p.Arrays = append(p.Arrays, ir.Array{Name: n, Axes: []string{"x"}, Elem: ir.F32})
			var b ir.BodyBuilder
			r := b.Read(ir.F32, "@"+n, ir.At("x", 0))
			p.Funcs[0].Ops = append(p.Funcs[0].Ops, ir.Op{Results: []ir.Result{{Name: "v." + n, Elem: ir.F32}}, Dom: []ir.Range{{Index: "x", Axis: "x", Hi: 50}},
				Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: 50}}, Body: b.Body(b.Mul(r, r))}}})
			p.Funcs[0].Sets = append(p.Funcs[0].Sets, ir.Set{Array: n, Value: "%v." + n})
		}
		return p
	}
	count := func(ext string) int {
		list, err := filepath.Glob(filepath.Join(dir, "*"+ext))
		check(t, err)
		return len(list)
	}
	for _, names := range [][]string{{"a", "b", "c"}, {"d", "e"}} {
		p := layers(names...)
		pl, err := newPlan(p, false, -1)
		check(t, err)
		if len(pl.units.List) != 1 || len(pl.funcs["f"].launches) != len(names) {
			t.Errorf("%d kernels for %d launches", len(pl.units.List), len(pl.funcs["f"].launches))
		}
		sameAsInterpreter(t, toolchains()[0], p, 3, nil, "f")
		const own = 2 // what all programs have: batches, copies of numbers
		if count(".so") > 1+own || count(".k") != 1+own {
			t.Errorf("the cache holds %d shared objects and %d links", count(".so"), count(".k"))
		}
	}
	// A link without its object is made again.
	list, err := filepath.Glob(filepath.Join(dir, "*.so"))
	check(t, err)
	check(t, os.Remove(list[0]))
	sameAsInterpreter(t, toolchains()[0], layers("a"), 1, nil, "f")
	// So is one that is broken: cut, empty, with a byte that is another, or without its checksum.
	list, err = filepath.Glob(filepath.Join(dir, "*.so"))
	check(t, err)
	good, err := os.ReadFile(list[0])
	check(t, err)
	flipped := append([]byte{}, good...)
	flipped[len(flipped)/2] ^= 1
	for _, bad := range [][]byte{good[:len(good)/2], {}, flipped, nil} {
		check(t, os.Remove(list[0])) // those loaded before keep theirs
		if bad == nil {
			bad = good
			check(t, os.Remove(list[0]+".sum"))
		}
		check(t, os.WriteFile(list[0], bad, 0o644))
		sameAsInterpreter(t, toolchains()[0], layers("a"), 1, nil, "f")
		if made, err := os.ReadFile(list[0]); err != nil || !bytes.Equal(made, good) {
			t.Errorf("a shared object of %d bytes of %d was not made again", len(bad), len(good))
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "link-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}
