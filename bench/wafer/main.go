// Command wafer runs the programs of models/ on the simulated wafer, small, and writes docs/programs.md: cycles per cell and step, the part of
// the bound that is, and the share of reductions. It also measures an iteration of the solvers by itself.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc"
)

// program is a model at a size that simulates in seconds; cells are the cells of a PE, whose number the time of a step grows with.
type program struct {
	file  string
	set   string
	cells string
}

var programs = []program{
	{"heat.wf", "nx=16 ny=16 nz=128 steps=4", "nz"},
	{"heat_implicit.wf", "nx=12 ny=12 nz=64 end=5", "nz"},
	{"wave.wf", "n=16", ""},
	{"advection.wf", "n=16", ""},
	{"grayscott.wf", "n=40 steps=10", ""},
	{"life.wf", "n=16 steps=20", ""},
	{"burgers.wf", "n=24 end=0.1", ""},
	{"acoustics.wf", "n=16", ""},
	{"maxwell.wf", "n=16", ""},
	{"shallow_water.wf", "n=12", ""},
	{"cahn_hilliard.wf", "", ""},
	{"ising.wf", "", ""},
	{"poisson.wf", "", ""},
	{"channel.wf", "n=8 length=2 end=0.2", ""},
	{"cavity.wf", "n=12 end=0.1", ""},
	{"cylinder.wf", "n=2 end=0.5", ""},
	{"convection.wf", "n=12 end=0.01", ""},
	{"rayleigh_benard.wf", "n=8 end=0.02", ""},
	{"rayleigh_benard_stokes.wf", "n=8 end=0.002", ""},
}

func settings(text string) map[string]string {
	set := map[string]string{}
	for _, s := range strings.Fields(text) {
		k, v, _ := strings.Cut(s, "=")
		set[k] = v
	}
	return set
}

// largest caps the meshes of programs without settings.
const largest = 24

func measure(src wfc.Source, set map[string]string) (*wfc.Program, *wfc.Result, error) {
	p, err := wfc.Build(src, wfc.BuildOptions{Machine: "wse2", Set: set, MeshW: largest, MeshH: largest})
	if err != nil {
		return nil, nil, err
	}
	if p.Refusal != nil {
		return nil, nil, p.Refusal
	}
	res, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Wafer, Watch: wfc.Watch{Profile: true}})
	return p, res, err
}

// row measures a program and writes its line.
func row(w *strings.Builder, c program) error {
	src, err := wfc.ReadSource(filepath.Join("models", c.file))
	if err != nil {
		return err
	}
	p, res, err := measure(src, settings(c.set))
	if err != nil {
		return err
	}
	cells := 1.0
	for _, l := range p.Mesh.Layouts { // the largest block of every axis of the largest field
		cells *= float64(l.MaxBlock())
	}
	if v, ok := settings(c.set)[c.cells]; ok {
		cells, _ = strconv.ParseFloat(v, 64)
	} else if len(p.Mesh.Layouts) > 3 {
		cells = 0 // several grids: no number of cells stands for them
	}
	for _, f := range res.Profile.Functions {
		if f.Iterations == 0 {
			continue
		}
		per, shared := f.PerIteration(), 0.0
		for _, part := range f.Parts {
			shared += part.Collective
		}
		perCell := "-"
		if cells > 0 {
			perCell = fmt.Sprintf("%.1f", per/cells)
		}
		bound := "-"
		if f.Bound.Cycles > 0 && len(f.Parts) == 0 {
			bound = fmt.Sprintf("%.2f (%s)", per/f.Bound.Cycles, f.Bound.HeldBy)
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %d x %d | %d | %.0f | %s | %s | %.0f %% |\n", c.file, c.set, f.Func, p.Mesh.W, p.Mesh.H, f.Iterations, per,
			perCell, bound, 100*shared/per)
	}
	return nil
}

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
func iteration(using string, nz int) (cycles float64, its [2]float64, err error) {
	var total [2]float64
	for i, tol := range []string{"1e-1", "1e-5"} {
		p, err := wfc.Build(wfc.Source{Name: "solver.wf", Text: fmt.Sprintf(solverText, nz, tol, using)}, wfc.BuildOptions{Machine: "wse2"})
		if err != nil {
			return 0, its, err
		}
		if p.Refusal != nil {
			return 0, its, p.Refusal
		}
		res, err := p.Run(context.Background(), wfc.RunOptions{Target: wfc.Wafer})
		if err != nil {
			return 0, its, err
		}
		total[i], its[i] = float64(*res.Cycles), res.Arrays["count"].At(0)
	}
	if its[0] == its[1] {
		return 0, its, fmt.Errorf("%s takes %g iterations for either tolerance", using, its[0])
	}
	return (total[1] - total[0]) / (its[1] - its[0]) / float64(nz), its, nil
}

func run() error {
	var w strings.Builder
	w.WriteString(`# Programs on the wafer

Written by ` + "`make programs`" + ` (bench/wafer): the programs of models/ on the simulated wse2, one column of cells per PE where nothing else is said,
small so that they simulate in seconds.

- *cycles* are those of one iteration of the function: a step of the evolve.
- *per cell* divides them by the cells of a PE. In two dimensions a PE has one cell, and set-up and latency are all there is.
- *of the bound* is the ratio to what no overlap can hide, see docs/profile.md; programs with loops inside a step have no such number.
- *reductions* is the share of reductions along the mesh, with the copying of their results.

| program | settings | function | PEs | steps | cycles | per cell | of the bound | reductions |
|---|---|---|---|---:|---:|---:|---|---:|
`)
	for _, c := range programs {
		fmt.Fprintln(os.Stderr, c.file)
		if err := row(&w, c); err != nil {
			fmt.Fprintf(&w, "| `%s` | %s | %s |\n", c.file, c.set, strings.ReplaceAll(strings.SplitN(err.Error(), "\n", 2)[0], "|", "/"))
		}
	}
	w.WriteString(`
## An iteration of a solver

A symmetric 7-point operator (implicit heat) in f32 on 8 x 8 PEs, from the difference of runs with different tolerance, so without set-up and
the true residual at the end. NETL's WFA publishes 15.6 cycles per cell and iteration for its BiCGStab.

| solver | nz | iterations | cycles per cell and iteration |
|---|---:|---|---:|
`)
	for _, c := range []struct {
		using string
		nz    int
	}{{"cg(tol = tol, max = 200)", 64}, {"cg(tol = tol, max = 200)", 192}, {"bicgstab(tol = tol, max = 200)", 64}, {"bicgstab(tol = tol, max = 200)", 192}} {
		fmt.Fprintln(os.Stderr, c.using, c.nz)
		cycles, its, err := iteration(c.using, c.nz)
		if err != nil {
			fmt.Fprintf(&w, "| `%s` | %d | %s | |\n", c.using, c.nz, strings.SplitN(err.Error(), "\n", 2)[0])
			continue
		}
		fmt.Fprintf(&w, "| `%s` | %d | %.0f, %.0f | %.1f |\n", c.using, c.nz, its[0], its[1], cycles)
	}
	return os.WriteFile("docs/programs.md", []byte(w.String()), 0o644)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
