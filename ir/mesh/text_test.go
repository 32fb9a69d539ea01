package mesh

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
	"pgregory.net/rapid"
)

var exact = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })}

func many[T any](t *rapid.T, label string, lo, hi int, f func() T) []T {
	var out []T
	for range rapid.IntRange(lo, hi).Draw(t, label) {
		out = append(out, f())
	}
	return out
}

func genProgram(t *rapid.T) *Program {
	name := func() string {
		return rapid.OneOf(rapid.SampledFrom([]string{"x", "T", "chan", "async", "last", "x+", ""}), rapid.String()).Draw(t, "name")
	}
	num := func() int { return rapid.IntRange(-1<<40, 1<<40).Draw(t, "int") }
	flip := func() bool { return rapid.Bool().Draw(t, "bool") }
	elem := func() ir.Elem { return ir.Elem(rapid.IntRange(0, 6).Draw(t, "elem")) }
	pos := func() ir.Pos {
		return ir.Pos{Start: rapid.IntRange(0, 9).Draw(t, "s"), End: rapid.IntRange(0, 9).Draw(t, "e")}
	}
	kind := func(n int) int { return rapid.IntRange(0, n).Draw(t, "kind") }
	operand := func() Operand {
		o := Operand{Kind: OperandKind(kind(4))}
		switch o.Kind {
		case Memory:
			o.Slice = Slice{name(), num(), many(t, "dims", 0, 4, func() Extent { return Extent{num(), num()} })}
		case Chan:
			o.Name, o.Len, o.Last = name(), num(), flip()
		case HostScalar:
			o.Name, o.Elem = name(), elem()
		case Imm:
			if o.Elem = elem(); o.Elem.IsFloat() {
				x := rapid.Float64().Draw(t, "imm")
				o.Imm = rapid.SampledFrom([]float64{x, ir.RoundTo(o.Elem, x).F, math.NaN(), math.Inf(-1)}).Draw(t, "which")
			} else {
				o.Int = rapid.Int64().Draw(t, "immi")
			}
		}
		return o
	}
	op := func() Op {
		o := Op{Kind: OpKind(kind(2)), Pos: pos()}
		if o.Kind == Await {
			o.Chans = many(t, "chans", 0, 3, name)
			return o
		}
		o.Code, o.Elem = ir.Code(rapid.IntRange(1, int(ir.Tanh)).Draw(t, "code")), elem()
		o.Dst, o.Src, o.Async = operand(), many(t, "src", 0, 3, operand), flip()
		return o
	}
	var stmts func(depth int) []ir.Stmt
	stmts = func(depth int) []ir.Stmt {
		return many(t, "stmts", 0, 2, func() ir.Stmt {
			s := ir.Stmt{Kind: ir.StmtKind(rapid.IntRange(0, 3).Draw(t, "stmt")), Pos: pos()}
			if s.Kind == ir.Call || depth > 3 {
				return ir.Stmt{Func: name(), Pos: s.Pos}
			}
			s.Cond, s.Count = name(), name()
			s.Body, s.Else = stmts(depth+1), stmts(depth+1)
			return s
		})
	}
	return &Program{
		Procs: many(t, "procs", 0, 2, func() ir.Proc { return ir.Proc{Name: name(), Until: name(), Pos: pos(), Body: stmts(0)} }),
		Name:  name(), W: num(), H: num(),
		Layouts: many(t, "layouts", 0, 2, func() Layout {
			return Layout{Axis: name(), Dim: Dim(kind(2)), N: num(), Parts: num(), Periodic: flip(), Folded: flip(), With: name(), Unit: num(), Extra: num(), Of: name()}
		}),
		Arrays:  many(t, "arrays", 0, 2, func() Array { return Array{name(), ArrayKind(kind(5)), elem(), num(), name()} }),
		Scalars: many(t, "scalars", 0, 2, func() Scalar { return Scalar{name(), elem(), flip()} }),
		Channels: many(t, "channels", 0, 2, func() Channel {
			c := Channel{Name: name(), Dim: Dim(kind(2)), Kind: ChanKind(kind(3)), Step: num(), Layout: name()}
			if c.Kind == Hop {
				c.From, c.Mod = Range{Lo: num(), Hi: num(), Step: num()}, num()
			}
			if c.Kind == Gather {
				c.Mod = num()
			}
			return c
		}),
		Funcs:  many(t, "funcs", 0, 2, name),
		Clocks: many(t, "clocks", 0, 2, func() Clock { return Clock{name(), name(), many(t, "due", 1, 2, name)} }),
		Looks: many(t, "looks", 0, 2, func() Look {
			return Look{Of: name(), Steps: name(), Seconds: name(), When: name(), Calls: many(t, "calls", 0, 2, name), Arrays: many(t, "shown", 0, 2, name)}
		}),
		Symbols: many(t, "symbols", 0, 2, func() Symbol {
			s := Symbol{Local: name(), Off: num(), Strides: many(t, "strides", 0, 3, num), Replicated: flip(), Turn: num(), Minus: flip(), Axes: many(t, "along", 0, 2, name)}
			if s.Index = name(); s.Index == "" {
				s.Array = name()
			}
			return s
		}),
		Orders: many(t, "orders", 0, 2, func() ReduceOrder {
			return ReduceOrder{name(), name(), ir.Order{Kind: ir.Mesh, Chain: many(t, "chain", 0, 2, func() ir.ChainAxis {
				return ir.ChainAxis{Axis: name(), Parts: num(), Levels: many(t, "levels", 0, 2, func() ir.Level { return ir.Level{Size: num(), Star: flip()} })}
			})}}
		}),
		Classes: many(t, "classes", 0, 2, func() Class {
			return Class{name(), Range{Lo: num(), Hi: num(), Step: num()}, Range{Lo: num(), Hi: num(), Step: num()}, many(t, "fs", 0, 2, func() []Op { return many(t, "ops", 0, 4, op) })}
		}),
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genProgram(t)
		src := Print(p)
		q, err := Parse("p.mesh", src)
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		if d := cmp.Diff(p, q, exact); d != "" {
			t.Fatalf("%s\n%s", d, src)
		}
		_ = Verify(p) // must not panic
	})
}

// verified is a chain of three PEs along x that shift a halo, fold and flood.
const verified = `wfmesh 1
program p 3 x 1
layout x dim x 7 parts 3
layout z dim mem 10 parts 1
array T state f32 30 of T
array t temp f32 30
array b temp i32 10
array s temp f32 1
scalar c f32
channel "x+" dim x shift 1 layout x
channel fl dim x flood layout x
funcs step
symbol @T local T off 0 strides (10, 1)
symbol index x local b off 0 strides (1)
order step %s mesh(x 3)
class lo x 0..1 by 1 y 0..1 by 1 {
  func {
    async chan "x+" 10 = read f32 @T[20 : 10*1]
    @t[0 : 3*10, 10*1] = fma f32 @T[0 : 3*10, 10*1], scalar f32 c, imm f32 0.5
    fold @s[0] = fma f32 @t[0 : 30*1], @T[29 : 30*-1]
    await ("x+")
    chan fl 1 = read f32 @s[0]
  }
}
class rest x 1..3 by 1 y 0..1 by 1 {
  func {
    @b[0 : 10*1] = lt f32 @T[0 : 10*1], @s[0]
    @t[0 : 10*1] = select f32 @b[0 : 10*1], @T[0 : 10*1], imm f32 0
    @b[0 : 10*1] = cvt i32 @t[0 : 10*1]
    @s[0] = read f32 chan fl 1
  }
}
`

func TestParse(t *testing.T) {
	p, err := Parse("v.mesh", verified)
	if err != nil {
		t.Fatal(err)
	}
	if err := Verify(p); err != nil {
		t.Fatal(err)
	}
	if p.Orders[0].Order.Chain[0].Parts != 3 || p.Classes[0].Funcs[0][0].Async != true {
		t.Errorf("%+v", p.Orders)
	}
}

// The example in the comment at Print is a program.
func TestDocExample(t *testing.T) {
	src, err := os.ReadFile("print.go")
	if err != nil {
		t.Fatal(err)
	}
	_, s, ok := strings.Cut(string(src), "\twfmesh 1")
	s, _, end := strings.Cut(s, "\nA slice is")
	if !ok || !end {
		t.Fatal("no example in print.go")
	}
	if p, err := Parse("print.go", "wfmesh 1"+s); err != nil || len(p.Classes[0].Funcs[0]) != 5 {
		t.Errorf("%v", err)
	}
}

func TestVerify(t *testing.T) {
	for _, tc := range []struct {
		rule     int
		old, new string
	}{
		{1, "array t ", "array T "},
		{1, "class rest", "class lo"},
		{2, "3 x 1", "0 x 1"},
		{2, "7 parts 3", "7 parts 4"},
		{2, "10 parts 1", "10 parts 2"},
		{3, "i32 10", "f64 10"},
		{3, "i32 10", "i32 0"},
		{4, "shift 1", "shift 2"},
		{4, "flood layout x", "flood layout z"},
		{4, "shift 1", "hop 0 from 0..1 by 1 mod 2"},
		{4, "shift 1", "hop 1 from 0..3 by 1 mod 2"},
		{11, "shift 1", "hop 1 from 1..2 by 1 mod 2"},
		{11, "shift 1", "hop 3 from 0..1 by 1 mod 1"},
		{5, "x 1..3 by 1", "x 0..3 by 1"},
		{5, "x 1..3 by 1", "x 1..3 by 2"},
		{5, "x 1..3 by 1", "x 1..4 by 1"},
		{6, "funcs step", "funcs step, more"},
		{7, "= lt f32 @T[0 : 10*1], @s[0]", "= lt f32 @T[0 : 10*1]"},
		{7, "= cvt i32", "= exp f32"},
		{7, "fold @s[0] = fma", "fold @t[0 : 2*1] = fma"},
		{7, "fold @s[0] = fma", "fold @s[0] = sub"},
		{7, "@s[0] = read f32 chan", "none = read f32 chan"},
		{8, "@T[0 : 10*1], imm", "@T[0 : 9*1], imm"},
		{9, "@T[29 : 30*-1]", "@T[28 : 30*-1]"},
		{9, "@T[20 : 10*1]", "@T[21 : 10*1]"},
		{9, "@T[20 : 10*1]", "@U[20 : 10*1]"},
		{9, "@T[20 : 10*1]", "@T[20 : 1*1, 1*1, 1*1, 1*1, 10*1]"},
		{10, "@b[0 : 10*1] = lt", "@t[0 : 10*1] = lt"},
		{10, "select f32 @b[", "select f32 @t["},
		{10, "imm f32 0\n", "imm i32 0\n"},
		{11, "chan fl 1 = read f32 @s[0]", `chan "x+" 0 = read f32 @s[0]`},
		{11, "@s[0] = read f32 chan fl 1", `chan "x+" 1 = read f32 @s[0]`}, // class rest holds the last part
		{11, "@s[0] = read f32 chan fl 1", "chan fl 1 = read f32 @s[0]"},
		{11, "chan fl 1 = read f32 @s[0]", "@s[0] = read f32 chan fl 1"},
		{12, "scalar f32 c,", "scalar f32 d,"},
		{12, "scalar f32 c,", "scalar f16 c,"},
		{13, `    await ("x+")` + "\n", ""},
		{13, `await ("x+")`, `await ("x+", "x+")`},
		{13, `await ("x+")`, `chan "x+" 1 = read f32 @s[0]`},
		{13, `async chan "x+" 10 = read f32 @T[20 : 10*1]`, `async chan "x+" 10 = neg f32 @T[20 : 10*1]`},
		{14, "local b", "local q"},
		{14, "symbol @T", `symbol @""`},
		{14, "strides (10, 1)", "strides (10, 1) along (x, q)"},
		{14, "strides (10, 1)", "strides (10, 1) along (x)"},
		{14, "strides (10, 1)", "strides (10, 1) turn 3"},
		{17, "class lo", "look of start\nclass lo"},
		{17, "class lo", "look of step calls more\nclass lo"},
		{17, "class lo", "look of step shows @T\nclass lo"},
		{17, "class lo", "array shadow.T shadow f32 1000 of T\nlook of step shows @T\nclass lo"},
	} {
		if !strings.Contains(verified, tc.old) {
			t.Errorf("%q is not in the program", tc.old)
			continue
		}
		p, err := Parse("v.mesh", strings.Replace(verified, tc.old, tc.new, 1))
		if err != nil {
			t.Errorf("%s -> %s: %v", tc.old, tc.new, err)
			continue
		}
		var f Faults
		err = Verify(p)
		found := false
		if errors.As(err, &f) {
			for _, x := range f {
				found = found || x.Rule == tc.rule
			}
			if l := f.List(); len(l) != len(f) || l[0].Code != "WF0702" {
				t.Errorf("diagnostics %v", l)
			}
		}
		if !found {
			t.Errorf("%s -> %s: invariant %d should break, got %v", tc.old, tc.new, tc.rule, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct{ src, at, msg string }{
		{"wfir 1", "1:1", "expected 'wfmesh'"},
		{"wfmesh 1 program p 1 x 1\nblob", "2:1", "expected layout"},
		{strings.Replace(verified, "%s", "s", 1), "15:12", "expected '%'"},
		{"wfmesh 1 program p 1 x 1\nclass c x 0..1 by 1 y 0..1 by 1 { func { @a[0] = nop f32", "2:50", "unknown operation 'nop'"},
		{"wfmesh 1 program p 1 x 1\nclass c x 0..1 by 1 y 0..1 by 1 { func { @a[0] = neg f32 b", "2:58", "expected an operand"},
		{"wfmesh 1 program p 1 x 1\narray a heap", "2:9", "expected a word from state to shadow"},
	} {
		_, err := Parse("f", tc.src)
		var d *diag.Diagnostic
		if !errors.As(err, &d) || d.Primary.String() != "f:"+tc.at || !strings.Contains(d.Message, tc.msg) {
			t.Errorf("%q: got %v, want f:%s .. %s", tc.src, err, tc.at, tc.msg)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(verified)
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Parse("fuzz", src)
		if err != nil {
			return
		}
		_ = Verify(p)
		text := Print(p)
		q, err := Parse("again", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if Print(q) != text {
			t.Fatalf("not a fixed point:\n%s\n%s", text, Print(q))
		}
	})
}
