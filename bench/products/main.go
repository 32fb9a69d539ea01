// Command products multiplies the matrices of models/gemm.wf on the simulated wafer in every distribution, and writes docs/products.md.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wfc-lang/wfc"
)

const head = `# Products of matrices

Written by ` + "`make products`" + ` (bench/products): models/gemm.wf on the simulated wse2, C[m,n] = A[m,k]*B[k,n] in f32.

- *whole axes*: every axis lies in one place, m along x and k along y: A is cut along both sides, B is in every column of PEs, and C is reduced
  to one row of them.
- *SUMMA*: all three matrices are cut along both sides. For every block of k a panel of A goes to all PEs of a column and one of B to all of a
  row, by multicast from part 0, past which the panels are shifted. Sums are in ascending order of k: the bits of the canonical IR.
- *Cannon*: the same with both sides folded to rings; the host lays the blocks turned, and every panel passes every PE once. Sums begin at
  another block in every PE; interpreter and CPU replay that order (` + "`--order`" + `). On P x Q PEs k is cut into lcm(P, Q) blocks, and a panel is
  several of them; shorter blocks are padded with zeros whose products are -0, which change no bit of a sum. A mesh whose sides suit each
  other badly is not used to its edges: PEs that take part count more as k is padded less.
- *bound* is the multiplications of a PE at one per cycle, m*n*k over the PEs.
- *arrays* and *code* are bytes of the fullest PE. Host transfers are not in the cycles.

` + "`wfc build --products auto`" + ` takes the fewest estimated cycles of what fits; the line *products* of its summary has the estimates. It is marked
in the table, with its cycles over those of the fastest. An estimate is the sum over the operations of a PE in their order (with the banks of
their operands), what a wait costs (joins, dispatches, and the branches with which main finds its state), and latency where no work hides it.

| PEs | m, n, k | distribution | cycles | of the bound | estimate | auto | arrays | code |
|---|---|---|---:|---:|---:|---|---:|---:|
`

type size struct{ w, h, m, n, k int }

// row is a line of the table.
type row struct {
	s             size
	name, why     string // why there are no figures
	cycles, guess int64
	arrays, code  int
	taken         bool
	w, h          int
}

func main() {
	out := flag.String("o", "docs/products.md", "file to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out string) error {
	src, err := wfc.ReadSource(filepath.Join("models", "gemm.wf"))
	if err != nil {
		return err
	}
	var page bytes.Buffer
	page.WriteString(head)
	worst := 1.0
	for _, s := range []size{{4, 4, 16, 16, 16}, {4, 4, 32, 32, 32}, {8, 8, 32, 32, 32}, {8, 8, 64, 64, 64}, {8, 8, 61, 67, 64}, {8, 8, 64, 64, 61}, {8, 4, 32, 32, 32},
		{4, 8, 64, 16, 48}, {6, 9, 54, 54, 54}, {12, 8, 48, 48, 24}, {16, 4, 64, 16, 64}, {5, 7, 40, 40, 40}, {8, 8, 16, 16, 128}, {8, 8, 64, 64, 8}, {16, 16, 64, 64, 64},
		{16, 16, 128, 128, 128}, {24, 16, 96, 96, 96}, {32, 32, 128, 128, 128}} {
		ratio, err := table(&page, src, s)
		if err != nil {
			return err
		}
		worst = max(worst, ratio)
	}
	fmt.Fprintf(&page, "\nThe choice takes at most %.2f times the cycles of the fastest.\n", worst)
	return os.WriteFile(out, page.Bytes(), 0o644)
}

// table writes the lines of a size, and returns the cycles of the choice over the fewest.
func table(page *bytes.Buffer, src wfc.Source, s size) (ratio float64, err error) {
	auto, err := build(src, s, wfc.ProductsAuto)
	if err != nil {
		return 0, err
	}
	taken := "whole axes"
	if ways := auto.Report().Wafer.Products; len(ways) > 0 {
		taken = ways[0].Name
	}
	var rows []*row
	var least, got int64
	for _, how := range []wfc.Products{wfc.ProductsWhole, wfc.ProductsSUMMA, wfc.ProductsCannon} {
		r, err := measure(src, s, how)
		if err != nil {
			return 0, err
		}
		rows = append(rows, r)
		if r.why != "" {
			continue
		}
		if r.name == taken {
			r.taken, got = true, r.cycles
		}
		if least == 0 || r.cycles < least {
			least = r.cycles
		}
	}
	ratio = float64(got) / float64(least)
	for _, r := range rows {
		line := r.text(ratio)
		fmt.Print(line)
		page.WriteString(line)
	}
	return ratio, nil
}

func (r *row) text(ratio float64) string {
	line := fmt.Sprintf("| %d x %d | %d, %d, %d | %s ", r.s.w, r.s.h, r.s.m, r.s.n, r.s.k, r.name)
	if r.why != "" {
		return line + fmt.Sprintf("| %s | - | - | | - | - |\n", r.why)
	}
	if r.w != r.s.w || r.h != r.s.h {
		line += fmt.Sprintf("on %d x %d ", r.w, r.h)
	}
	mark := ""
	if r.taken {
		mark = fmt.Sprintf("%.2f", ratio)
	}
	bound := float64(r.s.m*r.s.n*r.s.k) / float64(r.s.w*r.s.h)
	return line + fmt.Sprintf("| %d | %.2f | %d | %s | %d | %d |\n", r.cycles, float64(r.cycles)/bound, r.guess, mark, r.arrays, r.code)
}

func build(src wfc.Source, s size, how wfc.Products) (*wfc.Program, error) {
	set := map[string]string{"m": fmt.Sprint(s.m), "n": fmt.Sprint(s.n), "k": fmt.Sprint(s.k)}
	return wfc.Build(src, wfc.BuildOptions{Machine: "wse2", Set: set, MeshW: s.w, MeshH: s.h, Products: how})
}

func measure(src wfc.Source, s size, how wfc.Products) (*row, error) {
	p, err := build(src, s, how)
	if err != nil {
		return nil, err
	}
	name := map[wfc.Products]string{wfc.ProductsWhole: "whole axes", wfc.ProductsSUMMA: "SUMMA", wfc.ProductsCannon: "Cannon"}[how]
	r := &row{s: s, name: name}
	if p.Refusal != nil {
		if r.why = "does not fit"; p.Refusal[0].Code == "WF0527" {
			r.why = "-"
		}
		return r, nil
	}
	res, err := p.Run(context.Background(), wfc.RunOptions{})
	if err != nil {
		return nil, err
	}
	r.cycles, r.w, r.h = *res.Cycles, p.Mesh.W, p.Mesh.H
	for _, c := range p.Report().Wafer.Cycles {
		r.guess += c.Cycles
	}
	for _, c := range p.Report().Wafer.Classes {
		data, text := 0, 0
		for _, x := range c.Memory {
			switch {
			case x.Kind == "code":
				text += x.Bytes
			case x.Elem != "":
				data += x.Bytes
			}
		}
		r.arrays, r.code = max(r.arrays, data), max(r.code, text)
	}
	return r, nil
}
