package validate

import "fmt"

func kernelRows() []*Row {
	return []*Row{
		{ID: "gemm-1pe", Section: "kernels", Kind: Kernel, What: "dense GEMM f32 16 x 16 x 16, scalar loops on one PE", Machine: wse3Only,
			Source: "luozoupi/FABRICA kernels/GEMM-1PE/CSL/pe.csl, kernels/baselines_wse3.json", Published: 119197, Program: gemm1PE(16), Window: body,
			Note: "29.1 cycles per turn of the inner loop are published; the rule counts one load per f32, where the 16-bit core may need two, and " +
				"nothing for spilled registers"},
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

// spmv7: the seven-point library. Sends and receives of a block go round the four sides one after the other, each by a state machine
// of its own; when both are round, four FMAs with the received blocks; after the last block three FMAs along z. A DSD that is changed
// is a load, an operation and a store. Lengths are known when a program is written, so the short last block is a branch.
func spmv7(w, h, z, block int) string {
	t, routes := newText(wse3Only, w, h), &text{}
	rest := z % block
	sized := func(f func(n int) string) string {
		if rest == 0 {
			return f(block)
		}
		return fmt.Sprintf("if %%len == %d { %s } else { %s } ", block, f(block), f(rest))
	}
	blocks := (z + block - 1) / block
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			ex, ey := x%2, y%2
			// side: its send and its receive, colors by parity as in layout.csl.
			type side struct {
				to, from   string
				send, recv int
				out, in    bool
			}
			sides := []side{
				{"east", "west", 0 + ex, 1 - ex, x < w-1, x > 0},
				{"west", "east", 3 - ex, 2 + ex, x > 0, x < w-1},
				{"north", "south", 5 - ey, 4 + ey, y > 0, y < h-1},
				{"south", "north", 6 + ey, 7 - ey, y < h-1, y > 0},
			}
			t.f("class p%d.%d { at x %d..%d y %d..%d\narray x f32[%d] = affine 1 + 1*i + 10*px + 100*py\narray y f32[%d] export\narray c f32[7] = list [1, 2, 4, 8, 16, 32, 64]\narray g i32[1]\n",
				x, y, x, x+1, y, y+1, z, z)
			for i, s := range sides {
				t.f("array b%s f32[%d]\n", s.from, block)
				if s.out {
					t.f("queue o%s out %d color %d\n", s.to, 4+i, s.send)
					routes.route(s.send, x, y, "ramp", s.to)
				}
				if s.in {
					t.f("queue i%s in %d color %d\n", s.from, 4+i, s.recv)
					routes.route(s.recv, x, y, s.from, "ramp")
				}
			}
			dsd := func(n int) string { // n changes of DSDs
				out := ""
				for range n {
					out += load("g") + scalar(2)
				}
				return out
			}
			t.f("task main local 8 { %s set %%len = %d %s mov.f32 y[0 : %d] = 0 activate comm }\n", scalar(14+2), block, dsd(2+14+13), z)
			next := fmt.Sprintf("%s if %%n >= 2 { %s set %%at = %%at + %d %s activate comm } ", bump("n"), sized(func(n int) string {
				out := ""
				for i, s := range []string{"west", "east", "south", "north"} {
					out += fmt.Sprintf("fma.f32 y[0 + 1*%%at : %d] = y[0 + 1*%%at : %d], b%s[0 : %d], c[%d] ", n, n, s, n, i)
				}
				return out
			}), block, dsd(2))
			machine := func(name string, step func(s side) string) string {
				out := fmt.Sprintf("set %%%s = 0 %s", name, next)
				for i := 3; i >= 0; i-- {
					out = fmt.Sprintf("if %%%s == %d { %s set %%%s = %d } else { %s } ", name, i, step(sides[i]), name, i+1, out)
				}
				return load("g") + out
			}
			t.f("task send local 10 { %s }\n", machine("sent", func(s side) string {
				if !s.out {
					return "activate send "
				}
				return sized(func(n int) string {
					return fmt.Sprintf("mov.f32 fab(o%s, %d) = x[0 + 1*%%at : %d] async activate send ut 3 ", s.to, n, n)
				})
			}))
			t.f("task recv local 11 { %s }\n", machine("received", func(s side) string {
				if !s.in {
					return "activate recv "
				}
				return sized(func(n int) string {
					return fmt.Sprintf("mov.f32 b%s[0 : %d] = fab(i%s, %d) async activate recv ", s.from, n, s.from, n)
				})
			}))
			short := ""
			if rest > 0 {
				short = fmt.Sprintf("if %%at >= %d { set %%len = %d %s } ", (blocks-1)*block, rest, dsd(14))
			}
			t.f("task comm local 12 { %s if %%at < %d { %s set %%n = 0 activate send activate recv } else {\n", load("g")+scalar(2), z, load("g")+short)
			t.f("fma.f32 y[1 : %[1]d] = y[1 : %[1]d], x[0 : %[1]d], c[4] fma.f32 y[0 : %[1]d] = y[0 : %[1]d], x[1 : %[1]d], c[5] fma.f32 y[0 : %[2]d] = y[0 : %[2]d], x[0 : %[2]d], c[6] exit } }\nentry main }\n",
				z-1, z)
		}
	}
	return t.String() + routes.String()
}
