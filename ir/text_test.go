package ir

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/wfc-lang/wfc/internal/diag"
	"pgregory.net/rapid"
)

var exact = cmp.Options{cmpopts.EquateEmpty(), cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })}

func genName(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.SampledFrom([]string{"x", "y", "T", "step.n", "in", "box", "inf", "u'", "set"}),
		rapid.String()).Draw(t, label)
}

func genInt(t *rapid.T, label string) int { return rapid.IntRange(-1<<40, 1<<40).Draw(t, label) }

func genPos(t *rapid.T) Pos {
	if rapid.Bool().Draw(t, "nopos") {
		return Pos{}
	}
	return Pos{rapid.IntRange(0, 1000).Draw(t, "start"), rapid.IntRange(0, 1000).Draw(t, "end")}
}

func genFloat(t *rapid.T, label string) float64 {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), math.NaN(),
		math.Float64frombits(0xfff8000000000123), math.Copysign(0, -1), 5e-324, math.MaxFloat64, 0.1})).Draw(t, label)
}

func many[T any](t *rapid.T, label string, max int, f func() T) []T {
	var out []T
	for range rapid.IntRange(0, max).Draw(t, label) {
		out = append(out, f())
	}
	return out
}

func genBody(t *rapid.T) Body {
	var b Body
	for i := range rapid.IntRange(0, 8).Draw(t, "nodes") {
		b.Nodes = append(b.Nodes, genNode(t, i))
	}
	if n := len(b.Nodes); n > 0 {
		b.Results = many(t, "results", 2, func() int { return rapid.IntRange(0, n-1).Draw(t, "result") })
	}
	return b
}

// genNode makes a node that fits text, not types.
func genNode(t *rapid.T, before int) Node {
	codes := []Code{Const, Param_, Scalar, Read, Index, Coord}
	if before > 0 {
		for c := Deriv; c <= Tanh; c++ {
			codes = append(codes, c)
		}
	}
	n := Node{Op: rapid.SampledFrom(codes).Draw(t, "op"), Elem: Elem(rapid.IntRange(int(Bool), int(F64)).Draw(t, "elem"))}
	switch n.Op {
	case Const:
		if !n.Elem.IsFloat() {
			n.Int = rapid.Int64().Draw(t, "int")
			break
		}
		n.Imm = genFloat(t, "imm")
		if n.Elem != F64 && rapid.Bool().Draw(t, "exact") && n.Imm == n.Imm {
			n.Imm = RoundTo(n.Elem, n.Imm).F
		}
	case Read:
		n.Name = rapid.SampledFrom([]string{"@", "%", ""}).Draw(t, "sigil") + genName(t, "read")
		n.At = many(t, "at", 3, func() Affine {
			index := rapid.OneOf(rapid.Just(""), rapid.Custom(func(t *rapid.T) string { return genName(t, "idx") })).Draw(t, "i")
			a := At(index, genInt(t, "off"))
			if index != "" {
				a.Mul = rapid.SampledFrom([]int{0, 0, 2, 3, 1 << 20}).Draw(t, "mul")
			}
			a.Div = rapid.SampledFrom([]int{0, 0, 2, 3, 1 << 20}).Draw(t, "div")
			return a
		})
	case Param_, Scalar, Index, Coord:
		n.Name = genName(t, "name")
	default:
		if n.Op == Deriv {
			n.Name, n.N, n.Acc = genName(t, "along"), genInt(t, "n"), genInt(t, "acc")
		}
		for range Arity(n.Op) {
			n.Args = append(n.Args, rapid.IntRange(0, before-1).Draw(t, "arg"))
		}
	}
	return n
}

func genRanges(t *rapid.T) []Range {
	return many(t, "ranges", 3, func() Range { return Range{genName(t, "index"), genName(t, "axis"), genInt(t, "lo"), genInt(t, "hi")} })
}

func genOp(t *rapid.T) Op {
	op := Op{Kind: OpKind(rapid.IntRange(0, 2).Draw(t, "kind")), Dom: genRanges(t), Pos: genPos(t)}
	op.Results = many(t, "res", 2, func() Result { return Result{genName(t, "res"), Elem(rapid.IntRange(1, 6).Draw(t, "elem"))} })
	switch op.Kind {
	case Extend:
		op.From = "%" + genName(t, "from")
	case Reduce:
		op.Over, op.Comb, op.FMA = genRanges(t), Combiner(rapid.IntRange(0, 3).Draw(t, "comb")), rapid.Bool().Draw(t, "fma")
		op.Order.Kind = OrderKind(rapid.IntRange(0, int(Pairs)).Draw(t, "order"))
		if op.Order.Kind == Turned {
			op.Order.Turn = Turn{[2]int{rapid.IntRange(0, 9).Draw(t, "parts"), rapid.IntRange(0, 9).Draw(t, "parts")}, [2]int{rapid.IntRange(0, 3).Draw(t, "by"), rapid.IntRange(0, 3).Draw(t, "by")}}
		}
		if op.Order.Kind == Mesh {
			op.Order.Chain = many(t, "chain", 2, func() ChainAxis {
				return ChainAxis{genName(t, "ax"), genInt(t, "parts"), many(t, "levels", 3, func() Level { return Level{genInt(t, "size"), rapid.Bool().Draw(t, "star")} }), genInt(t, "unit"), genInt(t, "extra")}
			})
		}
	}
	op.Pieces = many(t, "pieces", 2, func() Piece {
		return Piece{many(t, "box", 3, func() Interval { return Interval{genInt(t, "lo"), genInt(t, "hi")} }), genBody(t)}
	})
	return op
}

func genProgram(t *rapid.T) *Program {
	name := func() string { return genName(t, "name") }
	p := &Program{Name: name()}
	p.Axes = many(t, "axes", 2, func() Axis {
		return Axis{Name: name(), N: genInt(t, "n"), Periodic: rapid.Bool().Draw(t, "p"), Nodes: rapid.Bool().Draw(t, "n"), Lo: genFloat(t, "lo"),
			H: genFloat(t, "h"), Unit: name(), Of: name(),
			At: many(t, "at", 3, func() float64 { return genFloat(t, "at") })}
	})
	p.Params = many(t, "params", 2, func() Param { return Param{name(), genFloat(t, "v"), name(), rapid.Bool().Draw(t, "shape")} })
	p.Host = many(t, "host", 2, func() HostDef { return HostDef{name(), genBody(t)} })
	p.Checks = many(t, "checks", 2, func() HostCheck { return HostCheck{name(), name(), rapid.String().Draw(t, "msg"), genPos(t)} })
	p.Arrays = many(t, "arrays", 2, func() Array {
		a := Array{Name: name(), Axes: many(t, "axes", 3, name), Elem: F32, Const: rapid.Bool().Draw(t, "c"), Local: rapid.Bool().Draw(t, "l"), File: name(), Pos: genPos(t)}
		a.BC = many(t, "bc", 2, func() Boundary {
			return Boundary{name(), rapid.Bool().Draw(t, "hi"), BCKind(rapid.IntRange(0, 2).Draw(t, "k")), genBody(t), genPos(t)}
		})
		return a
	})
	p.Funcs = many(t, "funcs", 2, func() Func {
		return Func{name(), rapid.Bool().Draw(t, "host"), many(t, "ops", 2, func() Op { return genOp(t) }),
			many(t, "sets", 2, func() Set { return Set{name(), "%" + name(), genPos(t)} })}
	})
	p.Procs = many(t, "procs", 2, func() Proc {
		return Proc{Name: name(), Until: name(), Pos: genPos(t), Body: genStmts(t, 0)}
	})
	p.Failures = many(t, "failures", 2, func() Failure {
		return Failure{name(), name(), rapid.String().Draw(t, "msg"), name(), name(), genPos(t)}
	})
	p.Schedule = many(t, "runs", 2, func() Run {
		r := Run{Func: name(), Count: name(), T0: name(), DT: name(), Unit: name(), Bind: many(t, "bind", 2, func() Bind { return Bind{name(), name()} })}
		if rapid.Bool().Draw(t, "clock") {
			r.Clock = &Clock{Now: many(t, "now", 2, name), Done: name(), End: rapid.SampledFrom([]string{"", "end"}).Draw(t, "end")}
			if rapid.Bool().Draw(t, "next") {
				r.Clock.Next, r.Clock.On = "n"+name(), name()
				r.Clock.Due = many(t, "due", 2, func() Due { return Due{name(), name(), name()} })
			}
		}
		return r
	})
	p.Outputs = many(t, "outs", 2, func() Output {
		return Output{many(t, "a", 2, name), name(), name(), many(t, "f", 2, func() Format { return Format{name(), name(), genFloat(t, "at")} }), genPos(t)}
	})
	p.Probes = many(t, "probes", 2, func() Probe {
		return Probe{name(), name(), many(t, "at", 2, func() float64 { return genFloat(t, "at") }), name(), name(), name(), name(), genPos(t)}
	})
	return p
}

func genStmts(t *rapid.T, depth int) []Stmt {
	return many(t, "stmts", 3, func() Stmt {
		s := Stmt{Kind: StmtKind(rapid.IntRange(0, 3).Draw(t, "kind")), Pos: genPos(t)}
		if depth > 3 {
			s.Kind = Call
		}
		name := genName(t, "name")
		switch s.Kind {
		case Call:
			s.Func = name
			return s
		case Loop:
			s.Count = name
		case While:
			s.Cond = name
			if rapid.Bool().Draw(t, "max") {
				s.Count = genName(t, "max") + "n"
			}
		case If:
			s.Cond, s.Else = name, genStmts(t, depth+1)
		}
		s.Body = genStmts(t, depth+1)
		return s
	})
}

func TestAffine(t *testing.T) {
	for _, a := range []Affine{{Index: "x", Off: -3}, {Index: "x", Mul: 2, Off: 1}, {Index: "x", Div: 2}, {Index: "x", Mul: 3, Off: -5, Div: 2}, {Off: 7}} {
		for lo := -6; lo < 6; lo++ {
			for hi := lo + 1; hi < 8; hi++ {
				mn, mx := math.MaxInt, math.MinInt
				for i := lo; i < hi; i++ {
					want := a.Off
					if a.Index != "" {
						want = int(math.Floor(float64(i*max(1, a.Mul)+a.Off) / float64(max(1, a.Div))))
					}
					if got := a.Of(i); got != want {
						t.Fatalf("%v of %d is %d, want %d", a, i, got, want)
					}
					mn, mx = min(mn, want), max(mx, want)
				}
				if l, h := a.Span(lo, hi); l != mn || h != mx+1 {
					t.Fatalf("%v over %d..%d spans %d..%d, want %d..%d", a, lo, hi, l, h, mn, mx+1)
				}
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genProgram(t)
		src := Print(p)
		q, err := Parse("p.wfir", src)
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		if d := cmp.Diff(p, q, exact); d != "" {
			t.Fatalf("%s\n%s", d, src)
		}
		if d := cmp.Diff(p, p.Clone(), exact); d != "" {
			t.Fatalf("clone: %s", d)
		}
	})
}

func TestParseErrors(t *testing.T) {
	for _, tc := range []struct{ src, at, msg string }{
		{"", "1:1", "expected 'wfir'"},
		{"wfir 2 program p", "1:6", "version 2"},
		{"wfir 1\nprogram p\nfield x", "3:1", "expected axis"},
		{"wfir 1\nprogram p\naxis x 9999999999999 cells", "3:8", "out of range"},
		{"wfir 1\nprogram p\nscalar s { $1 = ", "3:13", "numbered from 0"},
		{"wfir 1\nprogram p\nscalar s { $0 = neg f64 $0 yield $0 }", "3:26", "not defined before"},
		{"wfir 1\nprogram p\nscalar s { $0 = nop f64", "3:17", "unknown operation 'nop'"},
		{"wfir 1\nprogram p\nscalar s { $0 = const f65 1", "3:23", "element type"},
		{"wfir 1\nprogram p\nscalar s { $0 = const f64 1e999", "3:27", "not a number of 64 bits"},
		{"wfir 1\nprogram p\nfunc f { set @a = @b map [] {} }", "3:22", "come before the sets"},
		{"wfir 1\nprogram p\nfunc f {", "3:9", "end of the file"},
		{"wfir 1\nprogram \"p", "2:9", "string without end"},
		{"wfir 1\nprogram p ~", "2:11", "unexpected character"},
		{"wfir 1\nprogram p\nfunc f { reduce [] over [] mean", "3:28", "expected sum, prod"},
		{"wfir 1\nprogram p\nparam a = nan(1)", "3:15", "bits of a NaN"},
		{"wfir 1\nprogram p\nproc p { run f }", "3:10", "expected call, loop, while or if"},
		{"wfir 1\nprogram p\nproc p " + strings.Repeat("{ loop n", 100), "3:528", "nested more than 64"},
		{"wfir 1\nprogram p\nscalar s { $0 = read f32 @a[0*x]", "3:30", "must be at least 1"},
		{"wfir 1\nprogram p\nscalar s { $0 = read f32 @a[x/-2]", "3:32", "must be at least 1"},
	} {
		_, err := Parse("f.wfir", tc.src)
		var d *diag.Diagnostic
		if !errors.As(err, &d) {
			t.Errorf("%q: no diagnostic: %v", tc.src, err)
			continue
		}
		if want := "f.wfir:" + tc.at; d.Primary.String() != want || !strings.Contains(d.Message, tc.msg) || d.Code != "WF0701" {
			t.Errorf("%q: got %s, want %s ..%s", tc.src, d, want, tc.msg)
		}
	}
}

// docExample is the program in the package documentation.
func docExample(t testing.TB) string {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, s, ok := strings.Cut(string(doc), "\twfir 1")
	s, _, end := strings.Cut(s, "\nNames that")
	if !ok || !end {
		t.Fatal("no example in doc.go")
	}
	return "wfir 1" + s
}

func TestDocExample(t *testing.T) {
	p, err := Parse("doc.go", docExample(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Procs) != 1 || len(p.Failures) != 1 || len(p.Funcs) != 1 || len(p.Funcs[0].Ops) != 3 || len(p.Probes) != 1 {
		t.Errorf("read as\n%s", Print(p))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(docExample(f))
	f.Add(verified)
	f.Add("wfir 1 program \"\\xff\" output () seconds a as png(z nan(0x7ff8000000000001))")
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Parse("fuzz", src)
		if err != nil {
			return
		}
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
