package lower_test

import (
	"context"
	"math"
	"testing"

	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/dsl/lower"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
)

// Fluxes that are values of the function give what fluxes written out at both faces give, up to rounding: for fields at centres, on faces
// with walls, outlets and periodic axes, on uneven axes, beside coordinates, and in the stages of a method.
func TestFluxesGiveTheSame(t *testing.T) {
	for _, src := range []string{`
grid g { x: 0 .. 1 in 9;  y: 0 .. 1 in 8 }
field u on g.x = sin(pi*x)*y
field v on g.y = 0.5 - x*sin(pi*y)
bc (u, v) { x.hi: outflow;  y: noslip;  x.lo: u = 1, v = 0 }
evolve t from 0 to 0.02 step 0.002 {
  u' = u + step*(0.01*lap(u) - adv((u, v), u, scheme = vanleer))
  v' = v + step*(0.01*lap(v) - adv((u, v), v, scheme = weno5))
}`, `
grid g { x: 0 .. 1 in 9 stretched tanh(1);  y: 0 .. 1 in 8 periodic }
field u on g.x = 1 + 0.1*x*sin(2*pi*y)
field v on g.y = 0.3*x
field T on g = exp(-9*(x - 0.5)^2 + sin(2*pi*y))
bc u { x: u = 1 }
bc v { x: dn(v) = 0 }
bc T { x.lo: T = 1;  x.hi: dn(T) + T = 0 }
evolve t from 0 to 0.02 step 0.002 by rk4 {
  dt(u) = 0.01*lap(u) - adv((u, v), u, scheme = vanleer)
  dt(v) = 0.01*lap(v) - adv((u, v), v, scheme = vanleer)
  dt(T) = 0 - adv((u*(1 + x*t), v), T, scheme = weno5)
}`} {
		var all []map[string]*ir.Tensor
		counts := []int{}
		for _, costly := range []int{1 << 30, 12} {
			old := lower.SetCostly(costly)
			got, n := execute(t, src)
			lower.SetCostly(old)
			all, counts = append(all, got), append(counts, n)
		}
		if counts[0] != 0 || counts[1] == 0 {
			t.Errorf("%v fluxes are values", counts)
		}
		for _, name := range []string{"u", "v", "T"} {
			a := all[0][name]
			if a == nil {
				continue
			}
			for k := range a.Len() {
				if x, y := a.At(k), all[1][name].At(k); !(math.Abs(x-y) <= 1e-13) {
					t.Fatalf("%s[%d] is %v without and %v with values on faces\n%s", name, k, x, y, src)
				}
			}
		}
	}
}

// execute runs a program in f64 and counts its fluxes.
func execute(t *testing.T, src string) (map[string]*ir.Tensor, int) {
	t.Helper()
	file, errs := syntax.Parse("t.wf", src)
	p, more := check.Check(file, check.Options{Float: ir.F64})
	errs.Append(more)
	if p == nil || errs.HasErrors() {
		t.Fatal(errs)
	}
	low := lower.Program(p)
	fluxes := 0
	for _, op := range low.Func("step").Ops {
		if n := op.Results[0].Name; len(n) >= 4 && n[:4] == "flux" {
			fluxes++
		}
	}
	can, err := passes.Canonical(low)
	if err != nil {
		t.Fatal(err)
	}
	env, err := ir.EvalHost(can, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	arrays, err := interp.RunHost(can, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := interp.New(can)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range can.Arrays {
		if err := m.Set(a.Name, arrays[a.Name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Scalars(env); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Run(context.Background(), "step", 10); err != nil {
		t.Fatal(err)
	}
	out := map[string]*ir.Tensor{}
	for _, a := range can.Arrays {
		if out[a.Name], err = m.Get(a.Name); err != nil {
			t.Fatal(err)
		}
	}
	return out, fluxes
}
