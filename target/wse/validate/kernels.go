package validate

import "fmt"

func kernelRows() []*Row {
	return []*Row{
		{ID: "gemm-1pe", Section: "kernels", Kind: Kernel, What: "dense GEMM f32 16 x 16 x 16, scalar loops on one PE", Machine: wse3Only,
			Source: "luozoupi/FABRICA kernels/GEMM-1PE/CSL/pe.csl, kernels/baselines_wse3.json", Published: 119197, Program: gemm1PE(16), Window: body,
			Note: "29.1 cycles per turn of the inner loop are published; the rule counts one load per f32, where the 16-bit core may need two, and " +
				"nothing for spilled registers"},
		{ID: "spmm-gemm", Section: "kernels", Kind: Kernel, What: "dense GEMM f32, 64 x 48 times 48 x 64 in each of 16 x 12 PEs, one that passes nothing on", Machine: "wse2",
			Source: "pr0f3ss/SpMM_Cerebras src/gemm/spmm_gemm_memcpy.csl, benchmarks: 473,316 to 477,507 cycles", Published: 473316, Program: spmmGEMM(64, 48, 64),
			Window: body, Slow: true,
			Note: "154 cycles for an FMA of 64 elements are published, two for each and 26. Rows are 48 and 64 words, so that an operand's elements all lie in one " +
				"bank, which would have to give one and take one in every cycle; no microbenchmark has such strides, and the machine does not slow down"},
		{ID: "laplacian2d-halo", Section: "kernels", Kind: Kernel, What: "2-D Laplacian with halos, 8 x 8 on 2 x 2 PEs, scalar loops", Machine: wse3Only,
			Source: "luozoupi/FABRICA kernels/Laplacian2D-Halo/CSL/pe.csl, kernels/baselines_wse3.json", Published: 1274, Program: laplacian2D(), Window: body,
			Note: "scalar code by the rule: what the compiler made of the index arithmetic and the four conditions is not public"},
		{ID: "spmv-7pt", Section: "kernels", Kind: Kernel, What: "7-point SpMV, 5 x 5 PEs, 5 levels in blocks of 2", Machine: wse3Only,
			Source:    "Cerebras/sdk-examples benchmarks/benchmark-libs/stencil_3d_7pts/wse3/pe.csl; cycles: luozoupi/FABRICA kernels/baselines_wse3.json",
			Published: 2129, Program: spmv7(5, 5, 5, 2), Window: body,
			Note: "the published window reaches over three launches by the host (run.py: f_tic, f_spmv, f_toc), and repeats of it range from " +
				"1,076 to 2,129; the program is the product alone"},
	}
}

// gemm1PE: three nested scalar loops; the inner turn is two index computations, two loads, a multiply and an add that wait for each
// other (2 cycles each) and the loop.
func gemm1PE(n int) string {
	return one(wse3Only, fmt.Sprintf("array a f32[%d]\narray b f32[%d]\narray c f32[%d]\n", n*n, n*n, n*n), fmt.Sprintf(`
set %%i = 0 while %%i < %[1]d { set %%ar = %%i * %[1]d set %%cr = %%i * %[1]d
  set %%j = 0 while %%j < %[1]d { set %%acc = 0 set %%k = 0
    while %%k < %[1]d {
      set %%p = %%ar + %%k %[2]s load %%v = a[0 + 1*%%p]
      set %%q = %%k * %[1]d set %%q = %%q + %%j %[2]s load %%w = b[0 + 1*%%q]
      %[3]s set %%k = %%k + 1 }
    set %%q = %%cr + %%j %[4]s set %%j = %%j + 1 }
  set %%i = %%i + 1 }`, n, scalar(1), scalar(4), scalar(2)))
}

// spmmGEMM: the product of a PE's tiles, a column of A times a number of B at a time; bases of the operands are set before each.
func spmmGEMM(n, k, m int) string {
	return one("wse2", fmt.Sprintf("array a f32[%d]\narray b f32[%d]\narray c f32[%d]\n", n*k, k*m, n*m), stamp+fmt.Sprintf(`
set %%k = 0 while %%k < %[2]d { %[4]s set %%r = %%k * %[3]d
  set %%j = 0 while %%j < %[3]d { %[4]s set %%q = %%r + %%j %[5]s load %%v = b[0 + 1*%%q]
    fma.f32 c[0 + 1*%%j : %[1]d*%[3]d] = c[0 + 1*%%j : %[1]d*%[3]d], a[0 + 1*%%k : %[1]d*%[2]d], %%v set %%j = %%j + 1 }
  set %%k = %%k + 1 }`, n, k, m, scalar(2), scalar(1)))
}

// laplacian2D: sends and receives of four words per side, then scalar loops over the 4 x 4 tile.
func laplacian2D() string {
	const n = 4
	t := newText(wse3Only, 2, 2)
	for y := 0; y < 2; y++ {
		for x := 0; x < 2; x++ {
			type side struct {
				name, src         string
				queue, send, recv int
			}
			var sides []side
			if y == 0 {
				sides = append(sides, side{"s", "tile[12 : 4]", 3, 6, 5})
				t.route(6, x, y, "ramp", "south")
				t.route(5, x, y, "south", "ramp")
			} else {
				sides = append(sides, side{"n", "tile[0 : 4]", 2, 5, 6})
				t.route(5, x, y, "ramp", "north")
				t.route(6, x, y, "north", "ramp")
			}
			if x == 0 {
				sides = append(sides, side{"e", "ce[0 : 4]", 4, 0, 3})
				t.route(0, x, y, "ramp", "east")
				t.route(3, x, y, "east", "ramp")
			} else {
				sides = append(sides, side{"w", "cw[0 : 4]", 5, 3, 0})
				t.route(3, x, y, "ramp", "west")
				t.route(0, x, y, "west", "ramp")
			}
			t.f("class p%d%d { at x %d..%d y %d..%d\narray tile f32[16]\narray ce f32[4]\narray cw f32[4]\narray hn f32[4]\narray hs f32[4]\narray he f32[4]\narray hw f32[4]\narray g i32[1]\n",
				x, y, x, x+1, y, y+1)
			var send, recv string
			for _, s := range sides {
				t.f("queue o%s out %d color %d\nqueue i%s in %d color %d\n", s.name, s.queue, s.send, s.name, s.queue, s.recv)
				send += fmt.Sprintf("mov.f32 fab(o%s, 4) = %s async ut %d ", s.name, s.src, (s.queue+4)%8)
				recv += fmt.Sprintf("mov.f32 h%s[0 : 4] = fab(i%s, 4) async activate got ut %d ", s.name, s.name, s.queue)
			}
			// A word of the tile: index, scaling and load; its copy: index, scaling and store.
			t.f("task main local 8 { %s set %%it = 0 activate send }\n", scalar(6)) // the rest of the time stamp, the flag, the iterations
			t.f("task send local 12 { set %%got = 0 set %%i = 0 while %%i < %d { set %%p = %%i * 4 %s load %%v = tile[0 + 1*%%p] %s set %%q = %%p + 3 %s load %%v = tile[0 + 1*%%q] %s set %%i = %%i + 1 } %s %s }\n",
				n, scalar(1), scalar(2), scalar(1), scalar(2), send, recv)
			t.f("task got local 13 { %s if %%got == 2 { activate compute } }\n", bump("got"))
			pick := func(cond, halo, at string) string {
				return fmt.Sprintf("if %s { %s load %%v = %s } else { %s load %%v = tile[%s] } ", cond, scalar(1), halo, scalar(2), at)
			}
			t.f("task compute local 14 { set %%i = 0 while %%i < 4 { set %%j = 0 while %%j < 4 { set %%p = %%i * 4 set %%p = %%p + %%j\n%s%s%s%s%s set %%j = %%j + 1 } set %%i = %%i + 1 }\n",
				pick("%i == 0", "hn[0 + 1*%j]", "-4 + 1*%p"), pick("%i == 3", "hs[0 + 1*%j]", "4 + 1*%p"),
				pick("%j == 0", "hw[0 + 1*%i]", "-1 + 1*%p"), pick("%j == 3", "he[0 + 1*%i]", "1 + 1*%p"), scalar(8+3))
			t.f("set %%i = 0 while %%i < 16 { %s load %%v = tile[0 + 1*%%i] %s set %%i = %%i + 1 } %s if %%it > 0 { activate send } else { activate done } }\n",
				scalar(1), scalar(1), load("g")+scalar(2))
			t.f("task done local 15 { exit }\nentry main }\n")
		}
	}
	return t.String()
}
