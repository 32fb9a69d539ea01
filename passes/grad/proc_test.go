package grad

import (
	"fmt"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
)

// procSource has a state u that functions a and b change without being linear, a counter n, a condition c, and a measure J.
const procSource = `
	axis i 6 cells lo 0 h 1 param steps = %d
	scalar steps { $0 = param f64 steps yield $0 } scalar two { $0 = const f64 2 yield $0 } scalar none { $0 = const f64 0 yield $0 }
	scalar most { $0 = const f64 30 yield $0 }
	array @u[i] f64 array @k[] f64 array @J[] f64 array @n[] i32 array @c[] bool
	func a {
	  extend %%g f64 [i in i -1..7] from @u { box [-1..0] $0 = read f64 @u[0] yield $0 box [6..7] $0 = read f64 @u[5] $1 = neg f64 $0 yield $1 }
	  map %%u f64 [i in i 0..6] { box [0..6] $0 = read f64 %%g[i-1] $1 = read f64 %%g[i+1] $2 = add f64 $0, $1 $3 = read f64 %%g[i] $4 = add f64 $3, $3
	    $5 = sub f64 $2, $4 $6 = read f64 @k[] $7 = mul f64 $6, $5 $8 = mul f64 $3, $3 $9 = const f64 0.05 $10 = mul f64 $9, $8 $11 = sub f64 $7, $10
	    $12 = add f64 $3, $11 yield $12 }
	  set @u = %%u
	}
	func b {
	  map %%u f64 [i in i 0..6] { box [0..6] $0 = read f64 @u[i] $1 = sin f64 $0 $2 = read f64 @k[] $3 = mul f64 $1, $2 $4 = add f64 $3, $0 yield $4 }
	  map %%n i32 [] { box [] $0 = read i32 @n[] $1 = const i32 1 $2 = add i32 $0, $1 yield $2 }
	  set @u = %%u set @n = %%n
	}
	func look {
	  reduce %%s f64 [] over [i in i 0..6] sum order seq { box [0..6] $0 = read f64 @u[i] $1 = mul f64 $0, $0 yield $1 }
	  map %%c bool [] { box [] $0 = const f64 1.2 $1 = read f64 %%s[] $2 = lt bool $0, $1 yield $2 }
	  set @c = %%c
	}
	func measure {
	  reduce %%J f64 [] over [i in i 0..6] sum order seq { box [0..6] $0 = read f64 @u[i] $1 = index i32 i $2 = cvt f64 $1 $3 = sub f64 $0, $2 $4 = mul f64 $3, $3 yield $4 }
	  map %%old f64 [] { box [] $0 = read f64 %%J[] $1 = read f64 @k[] $2 = mul f64 $0, $1 yield $2 }
	  set @J = %%old
	}`

func stmt(kind ir.StmtKind, s string, body ...ir.Stmt) ir.Stmt {
	switch kind {
	case ir.Call:
		return ir.Stmt{Kind: kind, Func: s}
	case ir.Loop:
		return ir.Stmt{Kind: kind, Count: s, Body: body}
	case ir.While:
		return ir.Stmt{Kind: kind, Cond: s, Count: "most", Body: body}
	}
	return ir.Stmt{Kind: kind, Cond: s, Body: body[:1], Else: body[1:]}
}

func TestProcedures(t *testing.T) {
	a, b, look, measure := call("a"), call("b"), call("look"), call("measure")
	procs := map[string][]ir.Stmt{
		"sequence":    {a, b, a, measure},
		"loop":        {stmt(ir.Loop, "steps", a), measure},
		"nested":      {stmt(ir.Loop, "steps", a, stmt(ir.Loop, "two", b, a)), measure},
		"empty":       {stmt(ir.Loop, "none", a), b, measure},
		"while":       {b, look, stmt(ir.While, "c", a, look), measure},
		"if":          {look, stmt(ir.Loop, "steps", a, look, stmt(ir.If, "c", a, b)), measure},
		"accumulated": {measure, stmt(ir.Loop, "two", b, measure)},
	}
	for name, body := range procs {
		for _, steps := range []int{1, 7, 11} {
			for _, checkpoints := range []int{0, 2, 20} {
				t.Run(fmt.Sprintf("%s/%d/%d", name, steps, checkpoints), func(t *testing.T) {
					p := parse(t, fmt.Sprintf(procSource, steps))
					p.Procs = []ir.Proc{{Name: "f", Body: body}}
					checkProc(t, p, checkpoints)
				})
			}
		}
	}
}

// checkProc compares the gradient of a procedure with differences, before and after all passes.
func checkProc(t *testing.T, p *ir.Program, checkpoints int) {
	s := draw(p, 4, 0.1, 0.9)
	s["k"].F64[0] = 0.2
	s["n"].I32[0] = 0
	s["c"].I32[0] = 0
	name, err := ReverseProc(p, ProcOptions{Proc: "f", Wrt: []string{"u", "k"}, Of: "J", Checkpoints: checkpoints})
	if err != nil {
		t.Fatal(err)
	}
	if err := ir.Verify(p); err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	canon := p.Clone()
	if err := passes.Run(canon, &passes.Config{Verify: true}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []*ir.Program{p, canon} {
		got := run(t, q, s, name)
		for _, x := range []string{"u", "k"} {
			for i := range s[x].Len() {
				if got[x].At(i) != s[x].At(i) {
					t.Errorf("%s[%d] was %g, is %g after the gradient", x, i, s[x].At(i), got[x].At(i))
				}
			}
		}
		if of := run(t, q, s, "f")["J"].At(0); got[Value("J")].At(0) != of {
			t.Errorf("J is %g, of.J %g", of, got[Value("J")].At(0))
		}
		for _, x := range []string{"u", "k"} {
			for i := range s[x].Len() {
				const h = 1e-5
				at := func(by float64) float64 {
					old := s[x].F64[i]
					s[x].F64[i] = old + by
					defer func() { s[x].F64[i] = old }()
					return run(t, q, s, "f")["J"].At(0)
				}
				want := (at(h) - at(-h)) / (2 * h)
				if g := got[Gradient(x)].At(i); !(math.Abs(g-want) <= 1e-7*(1+math.Abs(want))) {
					t.Errorf("dJ/d%s[%d] = %g, differences give %g", x, i, g, want)
				}
			}
		}
	}
}

// What a loop stores is sized when the program is built; a longer loop is refused when it is loaded.
func TestLongerLoop(t *testing.T) {
	p := parse(t, fmt.Sprintf(procSource, 9))
	p.Procs = []ir.Proc{{Name: "f", Body: []ir.Stmt{stmt(ir.Loop, "steps", call("a")), call("measure")}}}
	if _, err := ReverseProc(p, ProcOptions{Proc: "f", Wrt: []string{"u"}, Of: "J"}); err != nil {
		t.Fatal(err)
	}
	for steps, fails := range map[float64]int{4: 0, 9: 0, 10: 1} {
		env, err := ir.EvalHost(p, map[string]float64{"steps": steps}, nil)
		if err != nil {
			t.Fatal(err)
		}
		bad := ir.EvalChecks(p, env)
		if len(bad) > 0 != (fails > 0) || len(bad) > 0 && bad[0].Code != CodeLonger {
			t.Errorf("%g steps: %v", steps, bad)
		}
	}
}

func TestProcedureErrors(t *testing.T) {
	for what, o := range map[string]ProcOptions{
		"no procedure": {Proc: "nothing", Wrt: []string{"u"}, Of: "J"},
		"no number":    {Proc: "f", Wrt: []string{"u"}, Of: "u"},
		"no array":     {Proc: "f", Wrt: []string{"v"}, Of: "J"},
		"independent":  {Proc: "g", Wrt: []string{"u"}, Of: "J"},
		"unbounded":    {Proc: "h", Wrt: []string{"u"}, Of: "J"},
		"taken":        {Proc: "f", Name: "a", Wrt: []string{"u"}, Of: "J"},
	} {
		p := parse(t, fmt.Sprintf(procSource, 3))
		p.Procs = []ir.Proc{{Name: "f", Body: []ir.Stmt{call("a"), call("measure")}}, {Name: "g", Body: []ir.Stmt{call("a")}},
			{Name: "h", Body: []ir.Stmt{{Kind: ir.While, Cond: "c", Body: []ir.Stmt{call("a"), call("look")}}, call("measure")}}}
		if _, err := ReverseProc(p, o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
