// Command wafer runs the programs of models/ on the simulated wafer, small, and writes docs/programs.md: cycles per cell and step, the part of
// the bound that is, and the share of reductions. It also measures an iteration of the solvers by itself, and what outputs during a run cost.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc"
	"github.com/wfc-lang/wfc/bench/internal/args"
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
	{"wfa/diffusion_explicit.wf", "n=10", "n"},
	{"wfa/diffusion_implicit.wf", "n=10", "n"},
	{"wave.wf", "n=16", ""},
	{"advection.wf", "n=16", ""},
	{"grayscott.wf", "n=40 steps=10", ""},
	{"life.wf", "n=16 steps=20", ""},
	{"burgers.wf", "n=24 end=0.1", ""},
	{"acoustics.wf", "n=16", ""},
	{"maxwell.wf", "n=16", ""},
	{"shallow_water.wf", "n=12", ""},
	{"cahn_hilliard.wf", "end=0.2", ""},
	{"ising.wf", "sweeps=5", ""},
	{"poisson.wf", "n=24", ""},
	{"channel.wf", "n=8 length=2 end=0.2", ""},
	{"cavity.wf", "n=12 end=0.1", ""},
	{"cylinder.wf", "n=2 end=0.5", ""},
	{"convection.wf", "n=12 end=0.01", ""},
	{"rayleigh_benard.wf", "n=8 end=0.02", ""},
	{"rayleigh_benard_stokes.wf", "n=8 end=0.002", ""},
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
	p, res, err := measure(src, args.Settings(c.set))
	if err != nil {
		return err
	}
	cells := 1.0
	for _, l := range p.Mesh.Layouts { // the largest block of every axis of the largest field
		cells *= float64(l.MaxBlock())
	}
	if v, ok := args.Settings(c.set)[c.cells]; ok {
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

// programTables writes what the programs of models/ take.
func programTables(w *strings.Builder) error {
	var parts strings.Builder
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
		if err := row(w, &parts, c); err != nil {
			fmt.Fprintf(w, "| `%s` | %s | %s |\n", c.file, c.set, strings.ReplaceAll(strings.SplitN(err.Error(), "\n", 2)[0], "|", "/"))
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
	return nil
}

// sections of the page, in order.
var sections = []struct {
	name  string
	write func(*strings.Builder) error
}{{"programs", programTables}, {"solvers", solverTable}, {"outputs", outputTable}}

func run() error {
	only := flag.String("only", "", "print one section, programs, solvers or outputs, and write nothing")
	flag.Parse()
	var w strings.Builder
	known := *only == ""
	for _, s := range sections {
		if *only == "" || *only == s.name {
			known = true
			if err := s.write(&w); err != nil {
				return err
			}
		}
	}
	switch {
	case !known:
		return fmt.Errorf("no section %q", *only)
	case *only != "":
		_, err := fmt.Print(w.String())
		return err
	}
	return os.WriteFile("docs/programs.md", []byte(w.String()), 0o644)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
