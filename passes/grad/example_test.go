package grad_test

import (
	"context"
	"fmt"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/passes/grad"
)

// How the sum of the squares of a temperature at the end depends on the temperature at the start: a program of the language,
// differentiated through its time steps.
func Example() {
	p, errs := dsl.Compile("rod.wf", `
grid rod { x: 0 .. 1 in 4 periodic }
field T on rod = 0 { region x in 0 .. 0.25: 1 }
evolve n in 0 .. 10 { T'[x] = 0.5*T[x] + 0.25*(T[x-1] + T[x+1]) }
field J = 0
J = dot(T, T)
`, dsl.Options{})
	check(errs.Err())
	check(grad.Prepare(p, nil))
	check(grad.Schedule(p, "forward"))
	name, err := grad.ReverseProc(p, grad.ProcOptions{Proc: "forward", Wrt: []string{"T"}, Of: "J"})
	check(err)
	check(passes.Run(p, nil))

	m, err := interp.New(p)
	check(err)
	env, err := ir.EvalHost(p, nil, nil)
	check(err)
	check(m.Scalars(env))
	start, err := interp.RunHost(p, env, nil)
	check(err)
	check(m.Set("T", start["T"]))
	_, err = m.Run(context.Background(), name, 1)
	check(err)
	of, err := m.Get(grad.Value("J"))
	check(err)
	g, err := m.Get(grad.Gradient("T"))
	check(err)
	fmt.Printf("J = %.4f\ndJ/dT = %.4f\n", of.At(0), g.F32)
	// Output:
	// J = 0.2500
	// dJ/dT = [0.5000 0.5000 0.5000 0.5000]
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
