package ir

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// verified is canonical and touches every part of the IR.
const verified = `wfir 1
program p
axis x 8 cells lo 0 h 1
axis y 4 cells periodic lo 0 h 1
param n = 3
scalar c { $0 = param f64 n yield $0 }
scalar d { $0 = scalar f64 c $1 = const f64 0.5 $2 = mul f64 $0, $1 yield $2 }
check c WF0301 "no {c}"
array @T[x, y] f32 { bc x lo value { $0 = coord f32 y yield $0 } bc x hi gradient { $0 = const f32 0 yield $0 } }
array @K[x, y] f32 const
array @s[] f32
array @h[x] f16
func init host {
  map %k f32 [x in x 0..8, y in y 0..4] {
    box [0..8, 0..4] $0 = coord f64 x $1 = exp f64 $0 $2 = cvt f32 $1 yield $2
  }
  set @K = %k
}
func step {
  extend %g f32 [i in x -1..9, y in y 0..4] from @T {
    box [-1..0, 0..4] $0 = read f32 @T[0, y] yield $0
    box [8..9, 0..4] $0 = read f32 @T[7, y] yield $0
  }
  map %a f32, %b bool [x in x 0..8, y in y 0..4] {
    box [0..4, 0..4]
      $0 = read f32 %g[x-1, y+1]
      $1 = scalar f32 c
      $2 = lt bool $0, $1
      $3 = select f32 $2, $0, $1
      $4 = bitcast i32 $3
      $5 = index i32 x
      $6 = shl i32 $4, $5
      $7 = and bool $2, $2
      yield $3, $7
    box [4..8, 0..4] $0 = read f32 @K[x, y] $1 = const bool 1 $2 = sqrt f32 $0 yield $2, $1
  }
  reduce %r f32 [] over [x in x 0..8, y in y 0..4] sum fma order mesh(x 3, y 2) {
    box [0..8, 0..4] $0 = read f32 %a[x, y] $1 = mul f32 $0, $0 yield $1
  }
  set @T = %a
  set @s = %r
}
run init count c
run step count c t0 c dt d bind c = d
output (@T) steps c as png(y 0.5)
probe q @T at (0.5, 1)`

func TestVerify(t *testing.T) {
	p, err := Parse("v.wfir", verified)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyCanonical(p); err != nil {
		t.Fatal(err)
	}
	// Every change breaks the invariant of that number.
	for _, tc := range []struct {
		rule     int
		old, new string
	}{
		{1, "axis y 4", "axis x 4"},
		{1, "scalar d {", "scalar c {"},
		{1, "array @K", `array @""`},
		{1, "func step", "func init"},
		{2, "axis x 8", "axis x 0"},
		{2, "axis x 8 cells lo 0", "axis x 8 cells lo inf"},
		{3, "@K[x, y]", "@K[x, z]"},
		{3, "array @s[] f32", "array @s[] i64"},
		{3, "axis x 8", "axis x 2147483648"},
		{4, "$0 = param f64 n yield", "$0 = param f64 m yield"},
		{4, "$0 = scalar f64 c", "$0 = scalar f64 d"},
		{4, "$0 = param f64 n yield $0", "$0 = param f64 n yield"},
		{4, "$0 = param f64 n yield $0", "$0 = read f64 @s[] yield $0"},
		{5, "bc x lo", "bc z lo"},
		{5, "bc x lo", "bc y lo"},
		{5, "bc x hi", "bc x lo"},
		{6, "run init", "run begin"},
		{6, "bind c = d", "bind c = e"},
		{6, "check c", "check e"},
		{6, "output (@T) steps c", "output (@U) steps c"},
		{6, "output (@T)", "output ()"},
		{6, "at (0.5, 1)", "at (0.5)"},
		{7, "map %a f32, %b", "map %g f32, %b"},
		{7, "map %a f32, %b", "map %a f32, %a"},
		{8, "%g[x-1, y+1]", "%h[x-1, y+1]"},
		{8, "%g[x-1, y+1]", "%r[x-1, y+1]"},
		{8, "from @T", "from %T"},
		{8, "set @T = %a", "set @T = %c"},
		{9, "[i in x -1..9, y in y 0..4]", "[y in x -1..9, y in y 0..4]"},
		{9, "[i in x -1..9, y in y 0..4]", "[i in z -1..9, y in y 0..4]"},
		{9, "over [x in x 0..8,", "over [x in x 8..8,"},
		{9, "over [x in x 0..8,", "over [x in x 0..4294967297,"},
		{10, "box [4..8, 0..4] $0 = read", "box [5..8, 0..4] $0 = read"},
		{10, "box [4..8, 0..4] $0 = read", "box [3..8, 0..4] $0 = read"},
		{10, "box [4..8, 0..4] $0 = read", "box [4..9, 0..4] $0 = read"},
		{10, "box [4..8, 0..4] $0 = read", "box [4..8] $0 = read"},
		{10, "box [8..9, 0..4]", "box [7..9, 0..4]"},
		{11, "%b bool", "%b i64"},
		{11, "map %a f32, %b bool [", "map ["},
		{12, "extend %g f32", "extend %g f16"},
		{12, "[i in x -1..9, y in y 0..4] from", "[i in x -1..9, y in x 0..4] from"},
		{12, "[i in x -1..9, y in y 0..4] from", "[i in x 1..9, y in y 0..4] from"},
		{13, "over [x in x 0..8, y in y 0..4]", "over []"},
		{13, "reduce %r f32", "reduce %r bool"},
		{14, "sum fma", "max fma"},
		{14, "$1 = mul f32 $0, $0 yield", "$1 = add f32 $0, $0 yield"},
		{15, "mesh(x 3, y 2)", "mesh(x 3, x 2)"},
		{15, "mesh(x 3, y 2)", "mesh(x 3, y 5)"},
		{15, "mesh(x 3, y 2)", "mesh(z 1)"},
		{16, "set @T = %a", "set @s = %r"},
		{16, "set @T = %a", "set @T = %b"},
		{16, "set @T = %a", "set @T = %g"},
		{16, "set @T = %a", "set @U = %a"},
		{17, "set @T = %a", "set @K = %a"},
		{19, "yield $3, $7", "yield $3"},
		{19, "yield $3, $7", "yield $0, $1"},
		{19, "{ $0 = coord f32 y yield $0 }", "{ $0 = coord f64 y yield $0 }"},
		{20, "$6 = shl i32 $4, $5", "$6 = shl i32 $4, $3"},
		{20, "$7 = and bool $2, $2", "$7 = add bool $2, $2"},
		{20, "$7 = and bool $2, $2", "$7 = neg bool $2"},
		{20, "$3 = select f32 $2, $0, $1", "$3 = select f32 $0, $0, $1"},
		{20, "$4 = bitcast i32 $3", "$4 = bitcast i64 $3"},
		{20, "$1 = exp f64 $0", "$1 = exp f32 $0"},
		{20, "$2 = sqrt f32 $0 yield $2, $1", "$2 = sqrt bool $1 yield $0, $1"},
		{21, "$0 = const f32 0 ", "$0 = const f32 0x1.0000001p0 "},
		{21, "$1 = const bool 1", "$1 = const bool 2"},
		{22, "read f32 @K[x, y]", "read f32 @K[x]"},
		{22, "read f32 @K[x, y]", "read f32 @K[x, z]"},
		{22, "read f32 @K[x, y]", "read f32 @h[x]"},
		{23, "$5 = index i32 x", "$5 = index i32 z"},
		{23, "$0 = coord f64 x", "$0 = coord f64 z"},
		{23, "$1 = exp f64 $0", "$1 = deriv f64 $0 along x order 1 acc 3"},
		{24, "$1 = scalar f32 c", "$1 = scalar f32 e"},
		{24, "$1 = scalar f32 c", "$1 = param f32 n"},
		{25, "$2 = sqrt f32 $0 yield", "$2 = exp f32 $0 yield"},
		{26, "%g[x-1, y+1]", "%g[x-2, y+1]"},
		{26, "%g[x-1, y+1]", "%g[9, y+1]"},
	} {
		if !strings.Contains(verified, tc.old) {
			t.Errorf("%q is not in the program", tc.old)
			continue
		}
		src := strings.Replace(verified, tc.old, tc.new, 1)
		p, err := Parse("v.wfir", src)
		if err != nil {
			t.Errorf("%s -> %s: %v", tc.old, tc.new, err)
			continue
		}
		expectRule(t, VerifyCanonical(p), tc.rule, tc.old+" -> "+tc.new)
		if err := Verify(p); tc.rule >= 25 && err != nil {
			t.Errorf("%s -> %s breaks canonical IR only, but: %v", tc.old, tc.new, err)
		}
	}
}

func expectRule(t *testing.T, err error, rule int, what string) {
	t.Helper()
	var f Faults
	if !errors.As(err, &f) {
		t.Errorf("%s: invariant %d should break, got %v", what, rule, err)
		return
	}
	if l := f.List(); len(l) != len(f) || l[0].Code != "WF0702" {
		t.Errorf("diagnostics %v", l)
	}
	for _, x := range f {
		if x.Rule == rule {
			return
		}
	}
	t.Errorf("%s: invariant %d should break, got %v", what, rule, err)
}

// What the parser cannot write, built by hand.
func TestVerifyMalformed(t *testing.T) {
	bad := map[string]Body{
		"forward":  {Nodes: []Node{{Op: Neg, Elem: F64, Args: []int{0}}}, Results: []int{0}},
		"negative": {Nodes: []Node{{Op: Neg, Elem: F64, Args: []int{-1}}}, Results: []int{0}},
		"arity":    {Nodes: []Node{{Op: Add, Elem: F64}}, Results: []int{0}},
		"code":     {Nodes: []Node{{Op: 200, Elem: F64}}, Results: []int{0}},
		"elem":     {Nodes: []Node{{Op: Const, Elem: 9}}, Results: []int{0}},
		"result":   {Results: []int{3}},
	}
	for name, b := range bad {
		expectRule(t, Verify(&Program{Host: []HostDef{{"s", b}}}), 18, name)
		p := &Program{Funcs: []Func{{Name: "f", Ops: []Op{{Results: []Result{{"a", F64}}, Pieces: []Piece{{Body: b}}}}}}}
		expectRule(t, Verify(p), 18, name)
	}
	expectRule(t, Verify(&Program{Funcs: []Func{{Name: "f", Ops: []Op{{Kind: 7}}}}}), 10, "kind")
	if s := Verify(&Program{Funcs: []Func{{Name: "f", Ops: []Op{{Kind: 7}}}}}).Error(); !strings.Contains(s, "func f, op 0") {
		t.Errorf("no place in %q", s)
	}
}

// Random programs are refused, not crashed on.
func TestVerifyNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genProgram(t)
		if VerifyCanonical(p) == nil && Verify(p) != nil {
			t.Fatal("canonical IR is valid IR")
		}
	})
}
