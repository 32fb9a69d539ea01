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
- *Cannon*: the same on a square whose sides are folded rings; the host lays the blocks turned, and every panel passes every PE once. Sums
  begin at another block in every PE; interpreter and CPU replay that order (` + "`--order`" + `).
- *bound* is the multiplications of a PE at one per cycle, m*n*k over the PEs.
- *arrays* and *code* are bytes of the fullest PE. Host transfers are not in the cycles.

` + "`wfc build --products auto`" + ` takes the fewest estimated cycles of what fits; the line *products* of its summary has the estimates.

| PEs | m, n, k | distribution | cycles | of the bound | estimate | arrays | code |
|---|---|---|---:|---:|---:|---:|---:|
`

type size struct{ side, m, n, k int }

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
	for _, s := range []size{{4, 16, 16, 16}, {4, 32, 32, 32}, {8, 32, 32, 32}, {8, 64, 64, 64}, {8, 61, 67, 64}, {8, 64, 64, 61}, {16, 64, 64, 64},
		{16, 128, 128, 128}, {32, 128, 128, 128}} {
		for _, how := range []wfc.Products{wfc.ProductsWhole, wfc.ProductsSUMMA, wfc.ProductsCannon} {
			row, err := measure(src, s, how)
			if err != nil {
				return err
			}
			fmt.Print(row)
			page.WriteString(row)
		}
	}
	return os.WriteFile(out, page.Bytes(), 0o644)
}

func measure(src wfc.Source, s size, how wfc.Products) (string, error) {
	set := map[string]string{"m": fmt.Sprint(s.m), "n": fmt.Sprint(s.n), "k": fmt.Sprint(s.k)}
	p, err := wfc.Build(src, wfc.BuildOptions{Machine: "wse2", Set: set, MeshW: s.side, MeshH: s.side, Products: how})
	if err != nil {
		return "", err
	}
	name := map[wfc.Products]string{wfc.ProductsWhole: "whole axes", wfc.ProductsSUMMA: "SUMMA", wfc.ProductsCannon: "Cannon"}[how]
	line := fmt.Sprintf("| %d x %d | %d, %d, %d | %s ", s.side, s.side, s.m, s.n, s.k, name)
	if p.Refusal != nil {
		if p.Refusal[0].Code == "WF0527" {
			return line + "| - | - | - | - | - |\n", nil
		}
		return line + "| does not fit | - | - | - | - |\n", nil
	}
	res, err := p.Run(context.Background(), wfc.RunOptions{})
	if err != nil {
		return "", err
	}
	var estimate int64
	for _, c := range p.Report().Wafer.Cycles {
		estimate += c.Cycles
	}
	arrays, code := 0, 0
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
		arrays, code = max(arrays, data), max(code, text)
	}
	bound := float64(s.m*s.n*s.k) / float64(s.side*s.side)
	return line + fmt.Sprintf("| %d | %.2f | %d | %d | %d |\n", *res.Cycles, float64(*res.Cycles)/bound, estimate, arrays, code), nil
}
