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
axis x.f 9 nodes lo 0 h 1 of x
axis y.f 4 nodes periodic lo 0 h 1 of y
axis c 4 cells lo 0 h 2
param n = 3
scalar c { $0 = param f64 n yield $0 }
scalar d { $0 = scalar f64 c $1 = const f64 0.5 $2 = mul f64 $0, $1 yield $2 }
check c WF0301 "no {c}"
array @T[x, y] f32 { bc x lo value { $0 = coord f32 y yield $0 } bc x hi gradient { $0 = const f32 0 yield $0 } }
array @K[x, y] f32 const
array @s[] f32
array @h[x] f16
array @U[x.f, y] f32 { bc x.f lo mixed { $0 = const f32 1 $1 = const f32 2 yield $0, $1, $0 } }
array @more[] bool
array @n[] i32
array @t[] f32 local
array @norms[y] f32
array @C[c] f32
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
func coarse {
  map %c f32 [i in c 0..4] { box [0..4] $0 = read f32 @h32[2*i+1] yield $0 }
  set @C = %c
}
func fine {
  map %f f32 [x in x 0..8] { box [0..8] $0 = read f32 @C[x/2] $1 = read f32 @p[(x+7)/2, 3] yield $0 }
  set @h32 = %f
}
array @h32[x] f32
array @p[y, y] f32
proc inner { call coarse call fine }
proc outer until @n {
  loop d { call inner }
  while @more max c { if @n { call step } else { call inner } }
}
failure @n WF0630 "no" history @norms entries @n
run outer count c clock (@t, @s) done @more next @t on @more due @more every @t of c
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
		{2, "axis x 8 cells lo 0 h 1", "axis x 8 cells lo 0 h 1 at [0, 4, 8]"},
		{2, "axis y 4 cells periodic lo 0 h 1", "axis y 4 cells periodic lo 0 h 1 at [0, 1, 2, 3, 4, 5, 7, 6, 8]"},
		{2, "axis y 4 cells periodic lo 0 h 1", "axis y 4 cells periodic lo 0 h 1 at [0, 1, 2, 3, 4, 5, 6, 7, inf]"},
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
		{6, "output (@T) steps c", "output (@Z) steps c"},
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
		{26, "@h32[2*i+1]", "@h32[2*i+2]"},
		{26, "@h32[2*i+1]", "@h32[3*i]"},
		{26, "@C[x/2]", "@C[(x+1)/2]"},
		{22, "@C[x/2]", "@C[(1)/2]"},
		{1, "proc inner", "proc step"},
		{19, "lo mixed", "lo value"},
		{19, "yield $0, $1, $0", "yield $0, $1"},
		{27, "of x", "of z"},
		{27, "of x", "of y"},
		{27, "of x", "of y.f"},
		{27, "axis x.f 9 nodes", "axis x.f 9 cells"},
		{27, "axis y.f 4 nodes periodic", "axis y.f 5 nodes"},
		{27, "h 1 of x\n", "h 1 of x at [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]\n"},
		{27, "axis x.f 9 nodes lo 0 h 1", "axis x.f 9 nodes lo 0 h 2"},
		{28, "call coarse", "call rough"},
		{28, "call coarse", "call init"},
		{28, "call coarse", "call inner"},
		{28, "call coarse", "call outer"},
		{29, "until @n", "until @C"},
		{29, "until @n", "until @z"},
		{29, "while @more", "while @t"},
		{29, "loop d", "loop n"},
		{29, "max c", "max n"},
		{6, "run outer", "run other"},
		{30, "clock (@t, @s)", "clock ()"},
		{30, "clock (@t, @s)", "clock (@t, @n)"},
		{30, "next @t on", "next @T on"},
		{30, "on @more due", "on @t due"},
		{30, "due @more", "due @t"},
		{30, "every @t", "every @n"},
		{30, "of c\n", "of z\n"},
		{30, " next @t on @more due @more every @t of c", " next @t on @more"},
		{30, "output (@T) steps c", "output (@T) seconds d"},
		{30, "done @more", "done @t"},
		{30, "run outer count c", "run outer count c t0 c"},
		{30, "run outer count", "run inner count"},
		{31, "failure @n", "failure @t"},
		{31, "history @norms", "history @T"},
		{31, "entries @n", "entries @t"},
		{31, "history @norms", ""},
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
		if err := Verify(p); (tc.rule == 25 || tc.rule == 26) && err != nil {
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
	expectRule(t, Verify(&Program{Procs: []Proc{{Name: "p", Body: []Stmt{{Kind: 9}}}}}), 29, "statement")
	expectRule(t, Verify(&Program{Funcs: []Func{{Name: "f"}}, Procs: []Proc{{Name: "p", Body: []Stmt{{Func: "f", Cond: "x"}}}}}), 29, "call with a condition")
	var deep []Stmt
	for range 100 {
		deep = []Stmt{{Kind: If, Body: deep}}
	}
	expectRule(t, Verify(&Program{Procs: []Proc{{Name: "p", Body: deep}}}), 29, "nesting")
	bc := Array{Name: "a", Axes: []string{"x"}, Elem: F32, BC: []Boundary{{Axis: "x", Kind: 7}}}
	expectRule(t, Verify(&Program{Axes: []Axis{{Name: "x", N: 2, H: 1}}, Arrays: []Array{bc}}), 5, "boundary")
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
