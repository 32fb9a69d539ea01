// Package solvers tests implicit equations on whole programs: every method on every kind of operator, failures, and how multigrid scales.
package solvers

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/target/cpu"
)

// solve runs a program.
func solve(t testing.TB, src string, target wfc.Target, set map[string]string) *wfc.Result {
	t.Helper()
	if _, err := cpu.FindToolchain(""); target == wfc.CPU && err != nil {
		t.Skip("no LLVM")
	}
	p, err := wfc.Build(wfc.Source{Name: "test.wf", Text: src}, wfc.BuildOptions{IndexOnly: target != wfc.Wafer, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Run(context.Background(), wfc.RunOptions{Target: target})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// number is an array without axes.
func number(t testing.TB, r *wfc.Result, name string) float64 {
	t.Helper()
	a := r.Arrays[name]
	if a == nil {
		var has []string
		for n := range r.Arrays {
			has = append(has, n)
		}
		t.Fatalf("no array %s in %s", name, strings.Join(has, " "))
	}
	return a.At(0)
}

const elliptic = `
param nx = 96, ny = 72, nz = 60, jump = 1000
grid g { x: 0 .. 1 in nx; y: 0 .. 1 in ny; z: 0 .. 1 in nz }
field k on g = where((x-0.5)^2 + (y-0.5)^2 + (z-0.4)^2 < 0.07, jump, 1)
field p on g = 0
field cycles = 0
field left = 0
field f on g = cos(pi*x)*cos(2*pi*y)*cos(3*pi*z)
bc k { all: dn(k) = 0 }
bc p { all: dn(p) = 0 }
evolve n in 0 .. 1 {
  solve -div(k*grad(p')) = f - mean(f) for p' with mean(p') = 0 using METHOD
  cycles' = iterations(p')
  left' = residual(p')
}
`

// contraction is the factor by which a cycle reduces the residual, on average.
func contraction(t testing.TB, r *wfc.Result) float64 {
	return math.Pow(number(t, r, "left"), 1/number(t, r, "cycles"))
}

func TestMultigridJumps(t *testing.T) {
	for _, jump := range []string{"1", "1000"} {
		for _, m := range []string{"multigrid(tol = 1e-4, max = 40)", "cg(tol = 1e-4, pre = multigrid)"} {
			src := strings.ReplaceAll(elliptic, "METHOD", m)
			r := solve(t, src, wfc.CPU, map[string]string{"jump": jump})
			q := contraction(t, r)
			t.Logf("%s, jump %s: %g cycles, contraction %.3f, residual %g", m, jump, number(t, r, "cycles"), q, number(t, r, "left"))
			most := 0.2
			if jump == "1000" { // linear corrections cross the jump
				most = 0.7
			}
			if !(q < most) {
				t.Errorf("%s, jump %s: contraction %g", m, jump, q)
			}
		}
	}
}
