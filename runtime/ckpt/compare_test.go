package ckpt

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wfc-lang/wfc/ir"
)

func written(t *testing.T, s *Snapshot) *Checkpoint {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "c")
	if err := WriteDir(OS, dir, s); err != nil {
		t.Fatal(err)
	}
	if err := WriteDir(OS, dir, s); err == nil {
		t.Error("a directory was written over")
	}
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDiff(t *testing.T) {
	a, b := sample(1), sample(1)
	same, err := Diff(written(t, a), written(t, b))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range same {
		if c.Differ != 0 || c.What != "" || c.Max != 0 {
			t.Errorf("%+v", c)
		}
	}
	b.Groups[0].Tensors[0].T.F32[4] += 3
	b.Groups[0].Tensors[0].T.F32[5] = float32(math.NaN())
	b.Groups[1].Tensors[0].T = ir.NewTensor(ir.F32, 3, 5)
	b.Groups[2].Tensors[0].Name = "other"
	got, err := Diff(written(t, a), written(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if c := got[0]; c.Name != "weights/wte" || c.Differ != 2 || c.Max == c.Max {
		t.Errorf("%+v", c)
	}
	var names, what []string
	for _, c := range got[2:] {
		names, what = append(names, c.Name), append(what, c.What)
	}
	if d := cmp.Diff([]string{"m/wte", "counter/n", "counter/other"}, names); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"f32 [5 3] in the first, f32 [3 5] in the second", "only in the first", "only in the second"}, what); d != "" {
		t.Error(d)
	}
	// Equal infinities do not differ; zeros of two signs differ in bits.
	x, y := ir.NewTensor(ir.F32, 2), ir.NewTensor(ir.F32, 2)
	x.F32[0], y.F32[0] = float32(math.Inf(1)), float32(math.Inf(1))
	y.F32[1] = float32(math.Copysign(0, -1))
	if c := diffTensor("x", x, y); c.Differ != 1 || c.Max != 0 || c.Rel != 0 {
		t.Errorf("%+v", c)
	}
}

func TestAverage(t *testing.T) {
	a, b := written(t, sample(1)), written(t, sample(5))
	s, err := Average([]*Checkpoint{a, b}, []float64{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	c := written(t, s)
	if c.Has("m") || c.Run.Note == "" || c.Run.Step != 5 {
		t.Errorf("%+v", c.Run)
	}
	got, err := c.Group(Weights)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got[0].T.F32 {
		if want := 20 + 60 + float32(i); v != want { // (1*20 + 3*100)/4 + i
			t.Fatalf("value %d is %v, want %v", i, v, want)
		}
	}
	if got[1].T.Elem != ir.F16 {
		t.Error(got[1].T.Elem)
	}
	// A mean of equal things is the thing.
	if s, err = Average([]*Checkpoint{a, a, a}, nil); err != nil {
		t.Fatal(err)
	}
	if d, err := Diff(a, written(t, s)); err != nil || d[0].Differ != 0 {
		t.Error(d, err)
	}
	other := sample(1)
	other.Groups[0].Tensors[0].Name = "x"
	for _, bad := range []struct {
		list  []*Checkpoint
		parts []float64
	}{{nil, nil}, {[]*Checkpoint{a}, []float64{1, 2}}, {[]*Checkpoint{a, b}, []float64{1, -1}}, {[]*Checkpoint{a}, []float64{math.NaN()}}, {[]*Checkpoint{a, written(t, other)}, nil}} {
		if _, err := Average(bad.list, bad.parts); err == nil {
			t.Errorf("%v %v was averaged", bad.list, bad.parts)
		}
	}
}
