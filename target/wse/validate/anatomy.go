package validate

import "fmt"

// anatomyRows are single instructions and short operations read off the vendor's trace, and rates of other access patterns.
func anatomyRows() []*Row {
	short := func(id, what, sec string, pub float64, elem, stmts, note string) *Row {
		return &Row{ID: id, Section: "dsd", What: what, Source: fabrica + sec, Machine: wse3Only, Published: pub,
			Program: one(wse3Only, arrays(elem, 128), stmts), Window: body, Note: note}
	}
	const gap = "one cycle of these is a last group of lanes that the next store does not wait for; rows to the next dispatch have it"
	rows := []*Row{}
	for _, n := range []struct{ n, pub int }{{8, 8}, {16, 10}, {64, 22}} {
		rows = append(rows, short(fmt.Sprintf("add-f16-%d", n.n), fmt.Sprintf("add f16, N = %d, DSR loads to the next dispatch", n.n), "10i", float64(n.pub), "f16",
			fmt.Sprintf("add.f16 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d]", n.n), ""))
	}
	rows = append(rows,
		short("fill-8", "fill f16, N = 8, to the next store", "10j", 5, "f16", "mov.f16 w[0 : 8] = 3", gap),
		short("copy-8", "copy f16, N = 8, to the next store", "10j", 6, "f16", "mov.f16 w[0 : 8] = u[0 : 8]", gap),
		short("mul-8", "multiply f16, N = 8, to the next store", "10j", 7, "f16", "mul.f16 w[0 : 8] = u[0 : 8], v[0 : 8]", gap),
		short("fma-8", "FMA f16, N = 8, to the next store", "10j", 7, "f16", "fma.f16 w[0 : 8] = u[0 : 8], v[0 : 8], 3", gap),
		short("add-f32-8", "add f32, N = 8, to the next store", "10j", 9, "f32", "add.f32 w[0 : 8] = u[0 : 8], v[0 : 8]",
			"two cycles more than f16 for 8 elements are published, from which `rate.add.f32.ticks` = 500 is derived; the rest as for f16"),
		short("sum-8", "reduce f16, N = 8, to the next store", "10j", 24, "f16", "sum.f16 s[0] = 0, u[0 : 8]", ""),
		short("scalar-add", "scalar i16 addition: two loads, operation, store", "10i", 4, "f16", "load %a = u[0] load %b = u[1] "+scalar(2), ""),
	)
	for _, st := range []int{2, 4} {
		op := func(n int) string {
			return one(wse3Only, fmt.Sprintf("array u f16[%d]\narray w f16[4096]\n", 4096*st), fmt.Sprintf("mov.f16 w[0 : %d] = u[0 : %d*%d]", n, n, st))
		}
		rows = append(rows, &Row{ID: fmt.Sprintf("stride-%d", st), Section: "dsd", What: fmt.Sprintf("copy f16 from stride %d, per element, 512 to 4,096 elements", st),
			Source: fabrica + "10d", Machine: wse3Only, Formula: fmt.Sprintf("%d N/8", st), Published: float64(st*3584) / 8, Program: op(4096), Base: op(512),
			Window: whole, With: big, Note: "a slope"})
	}
	fill := func(n int) string { return one(wse3Only, arrays("f16", n), fmt.Sprintf("mov.f16 w[0 : %d] = 3", n)) }
	rows = append(rows, &Row{ID: "fill-f16", Section: "dsd", What: "fill f16, per element, 512 to 4,096 elements", Source: fabrica + "10d", Machine: wse3Only,
		Formula: "N/7.93", Published: 3584 / 7.93, Program: fill(4096), Base: fill(512), Window: whole, With: big})
	add := func(n int, more string) string {
		return one(wse3Only, arrays("f16", 2048), fmt.Sprintf("add.f16 w[0 : %d] = u[0 : %d], v[0 : %d] %s", n, n, n, more))
	}
	return append(rows, &Row{ID: "overlap", Section: "dsd", What: "add i16 of 2,048, then an independent scalar chain of 512 cycles", Source: fabrica + "10k",
		Machine: wse3Only, Published: 1027, Program: add(2048, scalar(512)), Window: body, Note: "no overlap, as published"})
}
