package place_test

import (
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// Axes with two indices in one operation, reads at fixed positions, or indices over other axes stay in memory; what is left is laid out so
// that the fullest PE holds least.
func TestAxesThatStay(t *testing.T) {
	p, err := ir.Parse("test", `wfir 1 program test
	axis seq 8 nodes lo 0 h 1 axis kind 3 nodes lo 0 h 1 axis head 4 nodes lo 0 h 1 axis chan 16 nodes lo 0 h 1 axis other 4 nodes lo 0 h 1
	array @x[seq, chan] f32 array @w[kind, head, chan] f32 array @y[seq, seq, head] f32 array @z[head] f32
	func f {
	  reduce %q f32 [s in seq 0..8, h in head 0..4] over [c in chan 0..16] sum fma order seq {
	    box [0..8, 0..4, 0..16] $0 = read f32 @x[s, c] $1 = read f32 @w[1, h, c] $2 = mul f32 $0, $1 yield $2 }
	  map %y f32 [s in seq 0..8, t in seq 0..8, h in head 0..4] { box [0..8, 0..8, 0..4] $0 = read f32 %q[s, h] $1 = read f32 %q[t, h] $2 = mul f32 $0, $1 yield $2 }
	  map %z f32 [h in head 0..4] { box [0..4] $0 = read f32 @z[h] yield $0 }
	  set @y = %y set @z = %z
	}`)
	if err != nil {
		t.Fatal(err)
	}
	ls, err := place.Layouts(p, machine{20, 20, 40000}, place.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]mesh.Dim{"seq": mesh.Mem, "kind": mesh.Mem, "head": mesh.X, "chan": mesh.Y, "other": mesh.Mem}
	for _, l := range ls {
		if l.Dim != want[l.Axis] {
			t.Errorf("axis %s lies in %v, want %v", l.Axis, l.Dim, want[l.Axis])
		}
	}
	// When nothing is free the order decides, and the lowering explains.
	q, err := ir.Parse("test", `wfir 1 program test axis a 8 nodes lo 0 h 1 axis b 8 nodes lo 0 h 1 array @x[a, b] f32 array @y[a, b] f32
	func f {
	  map %y f32 [i in a 0..8, j in b 0..8] { box [0..8, 0..8] $0 = read f32 @x[j, i] yield $0 }
	  set @y = %y
	}`)
	if err != nil {
		t.Fatal(err)
	}
	if ls, err = place.Layouts(q, machine{20, 20, 40000}, place.Options{}); err != nil {
		t.Fatal(err)
	}
	if ls[0].Dim != mesh.X || ls[1].Dim != mesh.Y {
		t.Errorf("layouts %+v", ls)
	}
}
