package validate

import "fmt"

// onePERows are kernels of FABRICA on one PE, scalar loops all through, by the rule of scalar code.
func onePERows() []*Row {
	row := func(id, name, what string, pub float64, code, note string) *Row {
		return &Row{ID: id, Section: "kernels", Kind: Kernel, What: what + ", scalar loops on one PE", Source: onePE(name), Machine: wse3Only,
			Published: pub, Program: loop(code), Window: body, Note: note}
	}
	rows := []*Row{
		row("gemm-1pe", "GEMM", "dense GEMM f32 16 x 16 x 16", 119197, gemm1PE(16),
			"28 cycles per turn of the inner loop are published and 24 counted: three loops need more registers than there are, and the rule knows of no spills"),
		row("histogram-1pe", "Histogram", "histogram of 256 u32 in 16 buckets", 6191, histogram(256, 16), ""),
		row("stencil-1pe", "Stencil7pt", "7-point stencil on 8 x 8 x 8", 40497, stencil1PE(8), ""),
		row("spmv-csr", "SpMV-CSR", "sparse product, 32 rows with 235 elements", 6927, spmvCSR(32, 235), ""),
	}
	rows[3].Source = "luozoupi/FABRICA kernels/SpMV-CSR {CSL/pe.csl, spec.yaml: seed 7}"
	return rows
}

// gemm1PE: three nested loops, the index of both factors in the innermost.
func gemm1PE(n int) string {
	inner := scalar(1) + scaled + element + // a[row + k]
		scalar(2) + scaled + element + // b[k n + j]
		scalar(1) + chained
	row := scalar(2+1) + times("k", n, inner) + scalar(1) + scaled + written
	return times("i", n, scalar(2)+times("j", n, row))
}

// histogram: the buckets are cleared; of an element the low half is shifted and masked, and the count, of 32 bits, raised.
func histogram(n, buckets int) string {
	return times("b", buckets, scaled+written) +
		times("i", n, scaled+element+scalar(2)+scaled+element+scalar(2+1))
}

// stencil1PE: six terms, each if the neighbour is there: comparison and branch; the element beside, subtracted.
func stencil1PE(n int) string {
	term := func(cond string) string {
		return fmt.Sprintf("if %s { %s } ", cond, scalar(1)+scaled+element+chained)
	}
	cell := scalar(1) + scaled + element + scalar(1)
	for _, axis := range []string{"x", "y", "z"} {
		cell += term("%"+axis+" > 0") + term(fmt.Sprintf("%%%s < %d", axis, n-1))
	}
	return times("z", n, scalar(1)+times("y", n, scalar(2)+times("x", n, cell+written)))
}

// spmvCSR: the rows' bounds are of 32 bits, and so are the counter and the columns; elements are spread over the rows as evenly as they go.
func spmvCSR(rows, elements int) string {
	inner := scaled + element + // the column
		element + // the value at the same index
		scaled + element + // x of the column
		scalar(1) + chained + scalar(2) // and the upper halves of increment and comparison
	row := func(n int) string {
		return scaled + element + element + scalar(2) + times("j", n, inner) + scaled + written
	}
	more := elements % rows
	return times("r", more, row(elements/rows+1)) + times("r", rows-more, row(elements/rows))
}
