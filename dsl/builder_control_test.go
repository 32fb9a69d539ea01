package dsl_test

import (
	"testing"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/dsl/syntax"
)

const builtText = `grid g { x: 0 .. 1 in 16 }
field T on g = 0
field n = 0
bc T { x: T = 1 }
fn A(p) = p - 0.01*lap(p)
fn f(a, b) {
  let s = a + b
  f = s^2
}
evolve k in 0 .. 3 {
  let r0 = T - A(T) like T homogeneous
  loop x = T, r = r0 like T homogeneous, rr = dot(r0, r0) while rr > 1e-6 max 200 else fail {
    x' = x + 0.5*r
    r' = r - 0.5*A(r)
    rr' = dot(r', r')
  }
  loop j in 0 .. 2 {
    n' = n + f(j, 1)
  }
  if n > 3 {
    T' = x
  } else {
    T' = T
  }
}
`

// A program with loops, choices and functions made in Go is the tree of its text.
func TestBuilderControl(t *testing.T) {
	p := dsl.New()
	num := dsl.Num
	p.Grid("g").Axis("x", num(0), num(1), num(16))
	T := p.Field("T").On("g").Init(num(0))
	n := p.Field("n").Init(num(0))
	p.BC(T).Side("x", dsl.Eq(T, num(1)))
	arg := dsl.Name("p")
	p.Fn("A", []string{"p"}, arg.Sub(num(0.01).Mul(dsl.Lap(arg))))
	fn := p.FnBody("f", []string{"a", "b"})
	s := fn.Let("s", dsl.Name("a").Add(dsl.Name("b")))
	fn.Value(s.Pow(num(2)))
	step := p.Evolve("k").Steps(num(0), num(3))
	r0 := step.LetLike("r0", T.Sub(dsl.Call("A", T)), T, true)
	loop := step.Loop()
	x := loop.Var("x", T)
	r := loop.VarLike("r", r0, T, true)
	rr := loop.Var("rr", dsl.Call("dot", r0, r0))
	loop.While(rr.Gt(num(1e-6)), num(200)).ElseFail()
	loop.Set(x.Next(), x.Add(num(0.5).Mul(r)))
	loop.Set(r.Next(), r.Sub(num(0.5).Mul(dsl.Call("A", r))))
	loop.Set(rr.Next(), dsl.Call("dot", r.Next(), r.Next()))
	count := step.Loop()
	j := count.Count("j", num(0), num(2))
	count.Set(n.Next(), n.Add(dsl.Call("f", j, num(1))))
	choice := step.If(n.Gt(num(3)))
	choice.Set(T.Next(), x)
	choice.Else().Set(T.Next(), T)
	file, err := p.File()
	if err != nil {
		t.Fatal(err)
	}
	want, errs := syntax.Parse("want.wf", builtText)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if !syntax.Equal(file, want) {
		t.Errorf("built\n%s\nwant\n%s", p.Source(), builtText)
	}
	run(t, p.Source())
}

func TestBuilderControlMistakes(t *testing.T) {
	for name, build := range map[string]func(p *dsl.Program){
		"no bound":     func(p *dsl.Program) { p.Loop().ElseFail() },
		"no field":     func(p *dsl.Program) { p.Loop().VarLike("x", dsl.Num(1), dsl.Num(2), false) },
		"no value":     func(p *dsl.Program) { p.FnBody("f", nil).Value() },
		"bad name":     func(p *dsl.Program) { p.Loop().Count("2k", dsl.Num(0), dsl.Num(1)) },
		"no condition": func(p *dsl.Program) { p.If(nil) },
	} {
		p := dsl.New()
		build(p)
		if _, err := p.File(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
