package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/wfc-lang/wfc"
)

const solverText = `param nz = %d, tol = %s
grid box { x: 8;  y: 8;  z: nz }
field T on box = where(x > 3, 1, 0) + where(z > 20, 1, 0)
field count = 0
bc T { x: T = 0;  y: dn(T) = 0;  z: T = 0 }
evolve n in 0 .. 1 {
  solve T' - 0.5*lap(T') = T for T' using %s
  count' = iterations(T')
}
output count at end
`

// iteration is the cycles per cell and iteration of a solver, from runs of different tolerance.
func iteration(using string, nz int) (cycles, bound float64, its [2]float64, err error) {
	var total, least [2]float64
	for i, tol := range []string{"1e-1", "1e-5"} {
		p, err := wfc.Build(wfc.Source{Name: "solver.wf", Text: fmt.Sprintf(solverText, nz, tol, using)}, wfc.BuildOptions{Machine: "wse2"})
		if err != nil {
			return 0, 0, its, err
		}
		if p.Refusal != nil {
			return 0, 0, its, p.Refusal
		}
		res, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Wafer, Watch: wfc.Watch{Profile: true}})
		if err != nil {
			return 0, 0, its, err
		}
		for _, f := range res.Profile.Functions {
			least[i] += f.Bound.Arithmetic * float64(f.Iterations)
		}
		total[i], its[i] = float64(*res.Cycles), res.Arrays["count"].At(0)
	}
	if its[0] == its[1] {
		return 0, 0, its, fmt.Errorf("%s takes %g iterations for either tolerance", using, its[0])
	}
	per := (its[1] - its[0]) * float64(nz)
	return (total[1] - total[0]) / per, (least[1] - least[0]) / per, its, nil
}

// solverTable writes what an iteration of a solver takes.
func solverTable(w *strings.Builder) error {
	w.WriteString(`
## An iteration of a solver

A symmetric 7-point operator (implicit heat) in f32 on 8 x 8 PEs, from the difference of runs with different tolerance, so without set-up and
the true residual at the end. *arithmetic* is what the operations of an iteration take of a PE at the rates of docs/machine.md, without
waits, set-up and control. NETL's WFA publishes 15.6 cycles per cell and iteration for its BiCGStab.

| solver | nz | iterations | cycles per cell and iteration | arithmetic |
|---|---:|---|---:|---:|
`)
	for _, c := range []struct {
		using string
		nz    int
	}{{"cg(tol = tol, max = 200)", 64}, {"cg(tol = tol, max = 200)", 192}, {"cg(tol = tol, max = 200)", 512}, {"bicgstab(tol = tol, max = 200)", 64}, {"bicgstab(tol = tol, max = 200)", 192}} {
		fmt.Fprintln(os.Stderr, c.using, c.nz)
		cycles, bound, its, err := iteration(c.using, c.nz)
		if err != nil {
			fmt.Fprintf(w, "| `%s` | %d | %s | | |\n", c.using, c.nz, strings.SplitN(err.Error(), "\n", 2)[0])
			continue
		}
		fmt.Fprintf(w, "| `%s` | %d | %.0f, %.0f | %.1f | %.1f |\n", c.using, c.nz, its[0], its[1], cycles, bound)
	}
	return nil
}
