package grad

import (
	"math"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// A function cut into parts has the same value and, but for rounding, the same gradient: a maximum that is only a shift is seen as such
// within a part.
func TestCut(t *testing.T) {
	p := parse(t, mlpSource("f32", 3, 4, 5, 4))
	wrt := []string{"w1", "b1", "w2", "b2"}
	whole, err := Reverse(p, Options{Func: "f", Name: "whole", Wrt: wrt, Seeds: []Seed{{Value: "%l"}}})
	if err != nil {
		t.Fatal(err)
	}
	s := draw(p, 8, -1, 1)
	want := run(t, p, s, whole)
	for _, at := range [][]string{{"%h"}, {"%xw", "%z"}, {"%h", "%z", "%l"}, {"%xw", "%h", "%hw", "%z", "%m", "%n", "%p"}} {
		q := p.Clone()
		for _, x := range wrt { // results of the first only
			delete(s, Gradient(x))
		}
		if err := Cut(q, "f", "parts", at); err != nil {
			t.Fatal(err)
		}
		name, err := ReverseProc(q, ProcOptions{Proc: "parts", Wrt: wrt, Of: "loss"})
		if err != nil {
			t.Fatal(err)
		}
		if err := ir.Verify(q); err != nil {
			t.Fatalf("%v\n%s", err, ir.Print(q))
		}
		got := run(t, q, s, name)
		for _, x := range wrt {
			for k := range want[Gradient(x)].Len() {
				if a, b := want[Gradient(x)].At(k), got[Gradient(x)].At(k); math.Abs(a-b) > 1e-6*(1+math.Abs(a)) {
					t.Fatalf("cut at %v: gradient of %s[%d] is %g, uncut %g", at, x, k, b, a)
				}
			}
		}
		if a, b := want["loss"].At(0), got[Value("loss")].At(0); a != b {
			t.Errorf("cut at %v: loss %g, uncut %g", at, b, a)
		}
		if err := passes.Run(q, &passes.Config{Verify: true}); err != nil {
			t.Fatal(err)
		}
	}
	for what, at := range map[string][]string{"no value": {"%nothing"}, "order": {"%z", "%h"}} {
		if err := Cut(p.Clone(), "f", "parts", at); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if err := Cut(p.Clone(), "nothing", "parts", nil); err == nil {
		t.Error("no error for a function that does not exist")
	}
}
