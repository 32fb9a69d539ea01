package dsl_test

import (
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/dsl"
)

func TestBuilderPlaces(t *testing.T) {
	p := dsl.New()
	x := dsl.Name("x")
	p.Grid("g").Axis("x", dsl.Num(0), dsl.Num(1), dsl.Num(8)).Stretched(dsl.Call("tanh", dsl.Num(2)))
	solid := p.Mask("solid").On("g").Init(x.Gt(dsl.Num(0.5)))
	p.Cells("kind").On("g").Init(dsl.Name("fluid"))
	T := p.Field("T").On("g").Init(dsl.Num(0))
	u := p.Field("u").On("g.x").Init(dsl.Num(1))
	p.Field("q").On("g").Where(x.Lt(dsl.Num(0.2))).Init(dsl.Num(0))
	p.BC(T).Side("x.lo", dsl.Holds("outflow")).Side("x.hi", dsl.Eq(dsl.Dn(T).Add(T), dsl.Num(1))).Side("solid", dsl.Eq(T, dsl.Num(1)))
	loop := p.Evolve("t").From(dsl.Num(0)).To(dsl.Num(1)).Step(dsl.Num(0.001))
	loop.Eq(dsl.Dt(T), dsl.Call("adv", u, T, dsl.Named("scheme", dsl.Name("weno5"))))
	loop.Set(u.Next(), dsl.Call("at", T, dsl.Place("g.x")))
	if _, err := p.File(); err != nil {
		t.Fatal(err)
	}
	_ = solid
	for _, want := range []string{
		"grid g { x: 0 .. 1 in 8 stretched tanh(2) }", "mask solid on g = x > 0.5", "cells kind on g = fluid", "field u on g.x = 1",
		"field q on g where x < 0.2 = 0", "bc T { x.lo: outflow; x.hi: dn(T) + T = 1; solid: T = 1 }", "dt(T) = adv(u, T, scheme = weno5)",
		"u' = at(T, g.x)",
	} {
		if !strings.Contains(p.Source(), want) {
			t.Errorf("the program lacks %q:\n%s", want, p.Source())
		}
	}
	q := dsl.New()
	q.Grid("g").Stretched(dsl.Num(1))
	q.Const("d", dsl.Place("g.1"))
	if _, err := q.File(); err == nil {
		t.Error("mistakes of the builder pass")
	}
}
