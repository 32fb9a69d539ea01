package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/wfc-lang/wfc"
)

const outputText = `grid box { x: 16;  y: 16;  z: %d }
field T on box = where(x > 3, 1, 0) + where(z > 20, 1, 0)
bc T { x: T = 0;  y: dn(T) = 0;  z: T = 0 }
`

// outputCase is 60 steps of a program with outputs.
type outputCase struct {
	nz                  int
	what, evolve, every string
}

const (
	equalSteps  = "evolve n in 0 .. 60 { T' = T + 0.1*lap(T) }\n"
	chosenSteps = "evolve t from 0 to 6 step cfl(0.6, speed = (T/20, 0, 0), diffusion = 1) { dt(T) = lap(T) }\n"
)

var outputCases = []outputCase{
	{64, "equal", equalSteps, "20 steps"}, {64, "equal", equalSteps, "10 steps"}, {64, "equal", equalSteps, "5 steps"}, {256, "equal", equalSteps, "10 steps"},
	{64, "cfl", chosenSteps, "2"}, {64, "cfl", chosenSteps, "1"}, {64, "cfl", chosenSteps, "10 steps"},
}

// outputs writes a line on what outputs during a run cost the steps. The same program without a directory for outputs takes none.
func outputs(w *strings.Builder, c *outputCase) error {
	text := fmt.Sprintf(outputText, c.nz) + c.evolve + "output T every " + c.every + " as npy\n"
	p, err := wfc.Build(wfc.Source{Name: "outputs.wf", Text: text}, wfc.BuildOptions{Machine: "wse2"})
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
		return fmt.Errorf("outputs every %s stop the wafer", c.every)
	}
	per := "-" // the wait of the last PE is not known apart
	if b.Held == 0 {
		per = fmt.Sprintf("%.0f", float64(cycles[1]-cycles[0])/float64(b.Looks))
	}
	fmt.Fprintf(w, "| %d | %s | %d | %s | %d | %d | %d | %s | %d | %d |\n", c.nz, c.what, res.Steps, c.every, b.Looks, cycles[0], cycles[1], per, b.Cycles, b.Held)
	return nil
}

// outputTable writes what outputs cost.
func outputTable(w *strings.Builder) error {
	w.WriteString(`
## Outputs during a run

Steps of a 7-point operator on 16 x 16 PEs, one launch, with outputs of the whole field and without: each costs the steps the copy of a
column (half a cycle per cell) and the start of two tasks. *transfers* go on beside the steps; where they take longer than the steps between
two outputs, PEs wait (*held*: cycles in which some PE does). With *cfl* the program chooses its steps and finds out itself when a time has come.

| nz | steps | | every | outputs | cycles without | with | per output | transfers | held |
|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|
`)
	for i := range outputCases {
		if err := outputs(w, &outputCases[i]); err != nil {
			return err
		}
	}
	return nil
}
