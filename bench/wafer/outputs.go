package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/wfc-lang/wfc"
)

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
	per := "-" // the wait of the last PE is not known apart
	if b.Held == 0 {
		per = fmt.Sprintf("%.0f", float64(cycles[1]-cycles[0])/float64(b.Looks))
	}
	fmt.Fprintf(w, "| %d | %d | %d | %d | %d | %s | %d | %d |\n", nz, every, b.Looks, cycles[0], cycles[1], per, b.Cycles, b.Held)
	return nil
}

// outputTable writes what outputs cost.
func outputTable(w *strings.Builder) error {
	w.WriteString(`
## Outputs during a run

60 steps of a 7-point operator on 16 x 16 PEs, one launch, with outputs of the whole field and without: each costs the steps the copy of a
column (half a cycle per cell) and the start of two tasks. *transfers* go on beside the steps; where they take longer than the steps between
two outputs, PEs wait (*held*: cycles in which some PE does).

| nz | every | outputs | cycles without | with | per output | transfers | held |
|---:|---:|---:|---:|---:|---:|---:|---:|
`)
	for _, c := range [][2]int{{64, 20}, {64, 10}, {64, 5}, {256, 10}} {
		if err := outputs(w, c[0], c[1]); err != nil {
			return err
		}
	}
	return nil
}
