package cpu

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/ir"
)

// A box of an array is that part of the whole, in every type.
func TestGetBox(t *testing.T) {
	needsLLVM(t)
	p := text(`
axis x 6 cells lo 0 h 1
axis y 7 cells lo 0 h 1
array @a[x, y] f64
array @b[x, y] f16
array @c[x, y] bool
func step {
}
`)
	e := open(t, p, toolchains()[0], 1, 0)
	start(t, e, p, nil)
	box := []ir.Interval{{Lo: 2, Hi: 5}, {Lo: 1, Hi: 7}}
	for _, name := range []string{"a", "b", "c"} {
		all, err := e.Get(name)
		check(t, err)
		got, err := e.GetBox(name, box)
		check(t, err)
		if d := cmp.Diff([]int{3, 6}, got.Dims); d != "" {
			t.Fatal(d)
		}
		for k := range 18 {
			if want := all.At((2+k/6)*7 + 1 + k%6); got.At(k) != want {
				t.Errorf("%s: element %d is %v, not %v", name, k, got.At(k), want)
			}
		}
	}
	if _, err := e.GetBox("a", []ir.Interval{{Lo: 0, Hi: 6}}); err == nil {
		t.Error("a box of another rank was read")
	}
}
