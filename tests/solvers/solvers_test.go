// Package solvers tests implicit equations on whole programs: every method on every kind of operator, failures, and how multigrid scales.
package solvers

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// solve runs a program.
func solve(t testing.TB, src string, target wfc.Target, set map[string]string) *wfc.Result {
	t.Helper()
	if _, err := native.Find(""); target == wfc.CPU && err != nil {
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
field k: f64 on g = where((x-0.5)^2 + (y-0.5)^2 + (z-0.4)^2 < 0.07, jump, 1)
field p: f64 on g = 0
field cycles = 0
field left = 0
field f: f64 on g = cos(pi*x)*cos(2*pi*y)*cos(3*pi*z)
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
	torus := strings.ReplaceAll(strings.Replace(elliptic, "bc p { all: dn(p) = 0 }\n", "", 1), "bc k { all: dn(k) = 0 }\n", "")
	for _, n := range []string{"nx", "ny", "nz"} {
		torus = strings.Replace(torus, "in "+n, "in "+n+" periodic", 1)
	}
	for _, c := range []struct{ name, src, method, jump string }{
		{"walls", elliptic, "multigrid(tol = 1e-7, max = 40)", "1"},
		{"walls", elliptic, "multigrid(tol = 1e-7, max = 40)", "1000"},
		{"torus", torus, "multigrid(tol = 1e-7, max = 40)", "1000"},
		{"walls", elliptic, "cg(tol = 1e-7, pre = multigrid)", "1000"},
	} {
		r := solve(t, strings.ReplaceAll(c.src, "METHOD", c.method), wfc.CPU, map[string]string{"jump": c.jump})
		q := contraction(t, r)
		t.Logf("%s, %s, jump %s: %g cycles, contraction %.3f, residual %g", c.name, c.method, c.jump, number(t, r, "cycles"), q, number(t, r, "left"))
		if !(q < 0.2) {
			t.Errorf("%s, %s, jump %s: contraction %g", c.name, c.method, c.jump, q)
		}
	}
}

// The factor does not depend on the size of the grid. WFC_LARGE=1 goes on to 128^3 and 256^3.
func TestMultigridFlat(t *testing.T) {
	sizes := []string{"32", "64"}
	if os.Getenv("WFC_LARGE") != "" {
		sizes = append(sizes, "128", "256")
	}
	for _, c := range []struct{ name, periodic, bc, with string }{
		{"neumann", "", "bc p { all: dn(p) = 0 }", "with mean(p') = 0"},
		{"periodic", " periodic", "", "with mean(p') = 0"},
		{"dirichlet", "", "bc p { all: p = 0 }", ""},
	} {
		var first float64
		for _, n := range sizes {
			src := "param n = " + n + "\ngrid g { x: 0 .. 1 in nP; y: 0 .. 1 in nP; z: 0 .. 1 in nP }\nfield p: f64 on g = 0\nfield cycles = 0\nfield left = 0\n" +
				"field f: f64 on g = cos(2*pi*x)*cos(4*pi*y)*cos(6*pi*z) + sin(2*pi*y)\n" + c.bc + "\nevolve k in 0 .. 1 {\n  solve -lap(p') = f - mean(f) for p' " + c.with +
				" using multigrid(tol = 1e-7)\n  cycles' = iterations(p')\n  left' = residual(p')\n}\n"
			r := solve(t, strings.ReplaceAll(src, "nP", "n"+c.periodic), wfc.CPU, nil)
			q := contraction(t, r)
			t.Logf("%s %s^3: %g cycles, contraction %.3f", c.name, n, number(t, r, "cycles"), q)
			if first == 0 {
				first = q
			}
			if !(q < 0.2) || !(q < first+0.07) {
				t.Errorf("%s %s^3: contraction %g, at 32^3 %g", c.name, n, q, first)
			}
		}
	}
}
