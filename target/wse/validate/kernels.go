package validate

import "fmt"

const descriptorNote = "descriptors are changed at run time, each counted as a load, an operation and a store; they are of several words, and how many of " +
	"them the compiler reads, masks and writes is not published"

func kernelRows() []*Row {
	return []*Row{
		launched(&Row{ID: "residual", Section: "kernels", Kind: Kernel, What: "residual norm of 6 x 4 on 2 x 2 PEs", Machine: wse3Only,
			Source:    "Cerebras/sdk-examples benchmarks/residual/{residual,gemv,axpy,nrminf}.csl; cycles: luozoupi/FABRICA kernels/baselines_wse3.json",
			Published: 674, Program: residual(), Window: body, Note: descriptorNote}),
		{ID: "spmm-gemm", Section: "kernels", Kind: Kernel, What: "dense GEMM f32, 64 x 48 times 48 x 64 in each of 16 x 12 PEs, one that passes nothing on", Machine: "wse2",
			Source: "pr0f3ss/SpMM_Cerebras src/gemm/spmm_gemm_memcpy.csl, benchmarks: 473,316 to 477,507 cycles", Published: 473316, Program: spmmGEMM(64, 48, 64),
			Window: body, Slow: true,
			Note: "154 cycles for an FMA of 64 elements are published, two for each and 26. Rows are 48 and 64 words, so that an operand's elements all lie in one " +
				"bank, which would have to give one and take one in every cycle; no microbenchmark has such strides, and the machine does not slow down"},
		launched(&Row{ID: "spmv-7pt", Section: "kernels", Kind: Kernel, What: "7-point SpMV, 5 x 5 PEs, 5 levels in blocks of 2", Machine: wse3Only,
			Source:    "Cerebras/sdk-examples benchmarks/benchmark-libs/stencil_3d_7pts/wse3/pe.csl; cycles: luozoupi/FABRICA kernels/baselines_wse3.json",
			Published: 2129, Program: spmv7(5, 5, 5, 2), Window: body,
			Note: "repeats of the published measurement on silicon range from 1,076 to 2,129; " + descriptorNote}),
	}
}

// spmmGEMM: the product of a PE's tiles, a column of A times a number of B at a time; bases of the operands are set before each.
func spmmGEMM(n, k, m int) string {
	return one("wse2", fmt.Sprintf("array a f32[%d]\narray b f32[%d]\narray c f32[%d]\n", n*k, k*m, n*m), stamp+fmt.Sprintf(`
set %%k = 0 while %%k < %[2]d { %[4]s set %%r = %%k * %[3]d
  set %%j = 0 while %%j < %[3]d { %[4]s set %%q = %%r + %%j %[5]s load %%v = b[0 + 1*%%q]
    fma.f32 c[0 + 1*%%j : %[1]d*%[3]d] = c[0 + 1*%%j : %[1]d*%[3]d], a[0 + 1*%%k : %[1]d*%[2]d], %%v set %%j = %%j + 1 }
  set %%k = %%k + 1 }`, n, k, m, scalar(2), scalar(1)))
}
