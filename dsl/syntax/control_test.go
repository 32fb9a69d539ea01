package syntax

import (
	"strings"
	"testing"
)

// Every form of control flow is printed in the one format and read back as the same tree.
func TestControlIsPrinted(t *testing.T) {
	for _, src := range []string{
		"loop x = T, r = b - A(x), p = r like T homogeneous, rr = dot(r, r) while rr > tol max 9 else fail {\n  let q = A(p)\n  x' = x + q\n}\n",
		"loop k in 0 .. n { T' = T + k }\n",
		"loop x = 1, y = 2*x for k in 0 .. 3 { x' = y }\n",
		"loop while T > 3 { T' = T/2 }\n",
		"if a > b { c' = 1 }\n",
		"if a > b {\n  c' = 1\n} else if a < 0 {\n  c' = 2 // why\n} else {\n  c' = 3\n}\n",
		"if (a > b) { c' = 1 } else { c' = 2 }\n",
		"fn A(p) = p - step*lap(p)\n",
		"fn f(u, v) {\n  let s = u*v\n  f = (s, -s)\n}\n",
		"evolve t from 0 to 1 step 0.1 {\n  loop k in 0 .. 3 {\n    loop j in 0 .. k {\n      if k > j { T' = T }\n    }\n  }\n}\n",
	} {
		tree, errs := Parse("a.wf", src)
		if len(errs) > 0 {
			t.Errorf("%s: %v", src, errs)
			continue
		}
		if got := string(Print(tree)); got != src {
			t.Errorf("printed\n%s\nfor\n%s", got, src)
		}
	}
}

// The words of loops stay names where nothing makes them statements.
func TestControlWordsAreNames(t *testing.T) {
	src := "field loop = 1\nfield if = 2\nloop = 3\nif = loop\noutput loop, if at end\n"
	if _, errs := Parse("a.wf", src); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestBrokenControl(t *testing.T) {
	for src, want := range map[string]string{
		"loop x = 1 { x' = 2 }":                    "while",
		"loop x = 1 while { x' = 2 }":              "value",
		"loop x' = 1 while x > 0 { x' = 2 }":       "first values",
		"loop k in 0 { x' = 2 }":                   "..",
		"loop k in 0 .. 3 max 3 { x' = 2 }":        "counts already",
		"loop x = 1 while x > 0 else fail { }":     "max N",
		"loop x = 1 while x > 0 max 3 else stop {": "fail",
		"if not { x' = 1 }":                        "value",
		"if x > y\nx' = 1":                         "{",
		"fn f(a) { let b = a":                      "ends inside",
	} {
		_, errs := Parse("a.wf", src)
		if len(errs) == 0 || !strings.Contains(errs[0].Message, want) {
			t.Errorf("%q: %v", src, errs)
		}
	}
}
