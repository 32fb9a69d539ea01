package grad

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// implicit is three steps of an implicit scheme: each solves x - k*(x[i-1] - 2x + x[i+1]) = u by Richardson's iteration, for the next u.
const implicit = `
	axis i 6 cells lo 0 h 1 scalar three { $0 = const f64 3 yield $0 } scalar most { $0 = const f64 4000 yield $0 }
	array @u[i] f64 array @k[] f64 array @J[] f64 array @x[i] f64 array @res[i] f64 array @going[] bool
	func guess { map %%c bool [] { box [] $0 = const bool 1 yield $0 } set @x = @u set @going = %%c }
	func residual {
	  extend %%g f64 [i in i -1..7] from @x { box [-1..0] $0 = read f64 @x[0] yield $0 box [6..7] $0 = read f64 @x[5] $1 = neg f64 $0 yield $1 }
	  map %%r f64 [i in i 0..6] { box [0..6] $0 = read f64 %%g[i-1] $1 = read f64 %%g[i+1] $2 = add f64 $0, $1 $3 = read f64 %%g[i] $4 = add f64 $3, $3
	    $5 = sub f64 $2, $4 $6 = read f64 @k[] $7 = mul f64 $6, $5 $8 = sub f64 $3, $7 $9 = read f64 @u[i] $10 = sub f64 $8, $9 %s yield $%d }
	  set @res = %%r
	}
	func improve {
	  map %%x f64 [i in i 0..6] { box [0..6] $0 = read f64 @x[i] $1 = const f64 0.5 $2 = read f64 @res[i] $3 = mul f64 $1, $2 $4 = sub f64 $0, $3 yield $4 }
	  reduce %%s f64 [] over [i in i 0..6] sum order seq { box [0..6] $0 = read f64 @res[i] $1 = mul f64 $0, $0 yield $1 }
	  map %%c bool [] { box [] $0 = const f64 1e-28 $1 = read f64 %%s[] $2 = lt bool $0, $1 yield $2 }
	  set @x = %%x set @going = %%c
	}
	func take { set @u = @x }
	func measure {
	  reduce %%J f64 [] over [i in i 0..6] sum order seq { box [0..6] $0 = read f64 @u[i] $1 = index i32 i $2 = cvt f64 $1 $3 = sub f64 $0, $2 $4 = mul f64 $3, $3 yield $4 }
	  set @J = %%J
	}`

// The gradient through implicit steps, by transposed solves, is that of differences: for a symmetric, an unsymmetric and a nonlinear operator.
func TestSolve(t *testing.T) {
	for name, c := range map[string]struct {
		more      string
		result    int
		symmetric bool
	}{
		"symmetric":   {"", 10, true},
		"normal":      {"", 10, false},
		"unsymmetric": {"$11 = sub f64 $0, $1 $12 = const f64 0.15 $13 = mul f64 $12, $11 $14 = add f64 $10, $13", 14, false},
		"nonlinear":   {"$11 = mul f64 $3, $3 $12 = mul f64 $11, $3 $13 = const f64 0.1 $14 = mul f64 $12, $13 $15 = add f64 $10, $14", 15, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, fmt.Sprintf(implicit, c.more, c.result))
			loop := ir.Stmt{Kind: ir.While, Cond: "going", Count: "most", Body: []ir.Stmt{call("residual"), call("improve")}}
			p.Procs = []ir.Proc{{Name: "f", Body: []ir.Stmt{{Kind: ir.Loop, Count: "three", Body: []ir.Stmt{call("guess"), loop, call("take")}}, call("measure")}}}
			s := draw(p, 4, 0.1, 0.9)
			s["k"].F64[0] = 0.3
			rule := Solve{Cond: "going", Func: "residual", Residual: "res", Argument: "x", Symmetric: c.symmetric}
			name, err := ReverseProc(p, ProcOptions{Proc: "f", Wrt: []string{"u", "k"}, Of: "J", Solves: []Solve{rule}})
			if err != nil {
				t.Fatal(err)
			}
			if err := passes.Run(p, &passes.Config{Verify: true}); err != nil {
				t.Fatalf("%v\n%s", err, ir.Print(p))
			}
			got := run(t, p, s, name)
			for _, f := range p.Failures {
				if got[f.Array].At(0) != 0 {
					t.Errorf("%s", f.Message)
				}
			}
			for _, x := range []string{"u", "k"} {
				for i := range s[x].Len() {
					const h = 1e-4
					at := func(by float64) float64 {
						old := s[x].F64[i]
						s[x].F64[i] = old + by
						defer func() { s[x].F64[i] = old }()
						return run(t, p, s, "f")["J"].At(0)
					}
					want := (at(h) - at(-h)) / (2 * h)
					if g := got[Gradient(x)].At(i); !(math.Abs(g-want) <= 1e-7*(1+math.Abs(want))) {
						t.Errorf("dJ/d%s[%d] = %g, differences give %g", x, i, g, want)
					}
				}
			}
		})
	}
}

// A transposed solve that may not go on long enough says so.
func TestSolveFails(t *testing.T) {
	p := parse(t, fmt.Sprintf(implicit, "", 10))
	loop := ir.Stmt{Kind: ir.While, Cond: "going", Count: "most", Body: []ir.Stmt{call("residual"), call("improve")}}
	p.Procs = []ir.Proc{{Name: "f", Body: []ir.Stmt{call("guess"), loop, call("take"), call("measure")}}}
	for what, rule := range map[string]Solve{
		"function": {Cond: "going", Func: "nothing", Residual: "res", Argument: "x"},
		"residual": {Cond: "going", Func: "residual", Residual: "u", Argument: "x"},
		"shape":    {Cond: "going", Func: "residual", Residual: "res", Argument: "k"},
		"argument": {Cond: "going", Func: "residual", Residual: "res", Argument: "y"},
	} {
		if _, err := ReverseProc(p.Clone(), ProcOptions{Proc: "f", Wrt: []string{"u"}, Of: "J", Solves: []Solve{rule}}); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	name, err := ReverseProc(p, ProcOptions{Proc: "f", Wrt: []string{"u"}, Of: "J",
		Solves: []Solve{{Cond: "going", Func: "residual", Residual: "res", Argument: "x", Max: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	s := draw(p, 4, 0.1, 0.9)
	s["k"].F64[0] = 0.3
	got := run(t, p, s, name)
	if len(p.Failures) != 1 || p.Failures[0].Code != CodeTransposed || got[p.Failures[0].Array].At(0) == 0 ||
		!strings.Contains(p.Failures[0].Message, "did not converge") {
		t.Errorf("after 2 iterations: %+v", p.Failures)
	}
}
