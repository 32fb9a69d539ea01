package validate

import "fmt"

// residual is |b - A x| of the vendor's examples on 2 x 2 PEs, each with a tile of 3 x 2: x goes down, a product by columns in each PE, partial sums
// east, and the larger of the two norms north. DSDs made of arguments are a base and a length each, set where they are used.
func residual() string {
	const m, n = 3, 2
	t, routes := newText(wse3Only, 2, 2), &text{}
	for y := range 2 {
		for x := range 2 {
			t.f("class p%d%d { at x %d..%d y %d..%d\narray a f32[%d]\narray x f32[%d]\narray y f32[%d]\narray ax f32[%d]\narray ws f32[%d]\narray nrm f32[1]\narray g i32[1]\n",
				x, y, x, x+1, y, y+1, m*n, n, m, m, m)
			begin, sums, last := "mov.u32 fab(ox, 2) = x[0 : 2] async activate comp", "activate reduce", "mov.f32 fab(oy, 3) = y[0 : 3] async activate leave"
			if y == 0 {
				t.f("queue ox out 2 color 0\n")
				routes.route(0, x, y, "ramp", "south")
			} else {
				t.f("queue ix in 5 color 0\n")
				routes.route(0, x, y, "north", "ramp")
				begin = "mov.u32 x[0 : 2] = fab(ix, 2) async activate comp"
			}
			if x == 0 {
				t.f("queue oy out 3 color 1\n")
				routes.route(1, x, y, "ramp", "east")
			} else {
				t.f("queue iy in 6 color 1\n")
				routes.route(1, x, y, "west", "ramp")
				sums = "mov.u32 y[0 : 3] = fab(iy, 3) async activate reduce"
				last = times("i", m, scaled+element+select2+select2) + scalar(1)
				if y == 0 {
					t.f("queue in in 7 color 2\n")
					routes.route(2, x, y, "south", "ramp")
					last += branch("mov.u32 nrm[0 : 1] = fab(in, 1) async activate done")
				} else {
					t.f("queue on out 4 color 2\n")
					routes.route(2, x, y, "ramp", "north")
					last += branch("mov.f32 fab(on, 1) = %v activate leave")
				}
			}
			t.f("task main local 8 { %s %s }\n", scalar(2*2), branch(begin))
			columns := ""
			for j := range n {
				columns += load("x") + dsd(2) + fmt.Sprintf("fma.f32 ws[0 : %[1]d] = ws[0 : %[1]d], a[%[2]d : %[1]d], %%v ", m, m*j)
			}
			t.f("task comp local 12 { %s mov.f32 ws[0 : %[2]d] = 0 %s fma.f32 ax[0 : %[2]d] = ax[0 : %[2]d], ws[0 : %[2]d], 1 %[4]s }\n", dsd(3), m, columns, load("g")+branch(sums))
			t.f("task reduce local 13 { %s fma.f32 y[0 : %[2]d] = y[0 : %[2]d], ax[0 : %[2]d], -1 %[3]s }\n", dsd(3), m, load("g")+branch(last))
			t.f("task done local 14 { %s activate leave }\ntask leave local 17 { exit }\nentry main }\n", load("nrm")+load("g")+select2+scalar(1))
		}
	}
	return t.String() + routes.String()
}

// branch is a condition that holds: compared, fallen through.
func branch(code string) string { return "if %t == 0 { " + code + " } " }
