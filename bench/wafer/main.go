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
func row(w, parts *strings.Builder, c program) error {
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
		if f.Bound.Cycles > 0 {
			bound = fmt.Sprintf("%.2f (%s)", per/f.Bound.Cycles, f.Bound.HeldBy)
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %d x %d | %d | %.0f | %s | %s | %.0f %% |\n", c.file, c.set, f.Func, p.Mesh.W, p.Mesh.H, f.Iterations, per,
			perCell, bound, 100*shared/per)
		for i, x := range f.Parts {
			if i == mostParts {
				break
			}
			ratio := "-"
			if x.Bound > 0 {
				ratio = fmt.Sprintf("%.2f", x.Cycles/x.Bound)
			}
			fmt.Fprintf(parts, "| `%s` | %s | %s | %.1f | %.0f | %s | %.0f %% | %.0f %% |\n", c.file, f.Func, x.Func, x.Calls, x.Cycles/max(x.Calls, 1e-9), ratio,
				100*x.Waits/max(1, x.Cycles), 100*x.Collective/max(1, x.Cycles))
		}
	}
	return nil
}

// mostParts is how many functions of a program with loops are listed.
const mostParts = 3

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

const outputText = `param nz = %d, every = %d
grid box { x: 16;  y: 16;  z: nz }
field T on box = where(x > 3, 1, 0) + where(z > 20, 1, 0)
bc T { x: T = 0;  y: dn(T) = 0;  z: T = 0 }
evolve n in 0 .. 60 { T' = T + 0.1*lap(T) }
output T every every steps as npy
`

// outputs writes a line on what outputs during a run cost the steps. The same program without a directory for outputs takes none.
func outputs(w *strings.Builder, nz, every int) error {
	p, err := wfc.Build(wfc.Source{Name: "outputs.wf", Text: fmt.Sprintf(outputText, nz, every)}, wfc.BuildOptions{Machine: "wse2"})
	if err != nil {
		return err
	}
	if p.Refusal != nil {
		return p.Refusal
	}
	dir, err := os.MkdirTemp("", "wfc-outputs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var cycles [2]int64
	var res *wfc.Result
	for i, out := range []string{"", dir} {
		if res, err = p.Run(context.Background(), wfc.RunOptions{Target: wfc.Wafer, OutDir: out}); err != nil {
			return err
		}
		cycles[i] = *res.Cycles
	}
	b := res.Beside
	if b == nil {
		return fmt.Errorf("outputs every %d steps stop the wafer", every)
	}
	fmt.Fprintf(w, "| %d | %d | %d | %d | %d | %.0f | %d | %d |\n", nz, every, b.Looks, cycles[0], cycles[1],
		float64(cycles[1]-cycles[0]-b.Held)/float64(b.Looks), b.Cycles, b.Held)
	return nil
}

func run() error {
	var w, parts strings.Builder
	w.WriteString(`# Programs on the wafer

Written by ` + "`make programs`" + ` (bench/wafer): the programs of models/ on the simulated wse2, one column of cells per PE where nothing else is said,
small so that they simulate in seconds.

- *cycles* are those of one iteration of the function: a step of the evolve.
- *per cell* divides them by the cells of a PE. In two dimensions a PE has one cell, and set-up and latency are all there is.
- *of the bound* is the ratio to what no overlap can hide, with the operations that were carried out, also in the loops of a step: see
  docs/profile.md. The second table has it for the functions of programs with loops.
- *reductions* is the share of reductions along the mesh, with the copying of their results.

| program | settings | function | PEs | steps | cycles | per cell | of the bound | reductions |
|---|---|---|---|---:|---:|---:|---|---:|
`)
	for _, c := range programs {
		fmt.Fprintln(os.Stderr, c.file)
		if err := row(&w, &parts, c); err != nil {
			fmt.Fprintf(&w, "| `%s` | %s | %s |\n", c.file, c.set, strings.ReplaceAll(strings.SplitN(err.Error(), "\n", 2)[0], "|", "/"))
		}
	}
	w.WriteString(`
## Functions of programs with loops

The functions that take most of a step; *cycles* are those of a call in a PE, mean over all, *of the bound* their ratio to the most that the
PEs of any class must compute, or send and receive, in them. *waits* are for wavelets, room or links.

| program | step | function | calls in a step | cycles | of the bound | waits | reductions |
|---|---|---|---:|---:|---:|---:|---:|
`)
	w.WriteString(parts.String())
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
	}{{"cg(tol = tol, max = 200)", 64}, {"cg(tol = tol, max = 200)", 192}, {"bicgstab(tol = tol, max = 200)", 64}, {"bicgstab(tol = tol, max = 200)", 192}} {
		fmt.Fprintln(os.Stderr, c.using, c.nz)
		cycles, bound, its, err := iteration(c.using, c.nz)
		if err != nil {
			fmt.Fprintf(&w, "| `%s` | %d | %s | | |\n", c.using, c.nz, strings.SplitN(err.Error(), "\n", 2)[0])
			continue
		}
		fmt.Fprintf(&w, "| `%s` | %d | %.0f, %.0f | %.1f | %.1f |\n", c.using, c.nz, its[0], its[1], cycles, bound)
	}
	w.WriteString(`
## Outputs during a run

60 steps of a 7-point operator on 16 x 16 PEs, one launch, with outputs of the whole field and without: each costs the steps the copy of a
column (half a cycle per cell) and the start of two tasks. *transfers* go on beside the steps; where they take longer than the steps between
two outputs, the PEs wait (*held*).

| nz | every | outputs | cycles without | with | per output, not held | transfers | held |
|---:|---:|---:|---:|---:|---:|---:|---:|
`)
	for _, c := range [][2]int{{64, 20}, {64, 10}, {64, 5}, {256, 10}} {
		if err := outputs(&w, c[0], c[1]); err != nil {
			return err
		}
	}
	return os.WriteFile("docs/programs.md", []byte(w.String()), 0o644)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
