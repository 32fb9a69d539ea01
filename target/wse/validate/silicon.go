package validate

import "fmt"

const silicon = "wse3-si"

// siliconRows are measurements on a CS-3, on the profile with its derates.
func siliconRows() []*Row {
	slope := func(id, what, formula string, per float64, elem, op string) *Row {
		r := perElement(id, what, fabrica+"3, silicon", formula, per, elem, op)
		r.Section, r.Machine = "silicon", silicon
		return r
	}
	rows := []*Row{
		slope("si-copy-f16", "copy f16, per element", "N/4.82", 1/4.82, "f16", "mov.f16 w[0 : %[1]d] = u[0 : %[1]d]"),
		slope("si-copy-f32", "copy f32, per element", "N/2.44", 1/2.44, "f32", "mov.f32 w[0 : %[1]d] = u[0 : %[1]d]"),
		slope("si-fma-f16", "FMA f16, per element", "N/2.92", 1/2.92, "f16", "fma.f16 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d], 3"),
		equal(slope("si-fma-f32", "FMA f32, sources equally aligned, per element", "N/0.50", 2, "f32", "fma.f32 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d], 3")),
		{ID: "si-hops", Section: "silicon", What: "64 words, 32 hops more", Source: fabrica + "4, 10g", Machine: silicon, Formula: "2.000 h", Published: 64,
			Program: line(silicon, 34, 64, 33), Base: line(silicon, 2, 64, 1), Window: whole, Note: "a slope"},
		{ID: "si-words", Section: "silicon", What: "4 hops, 4,096 words more", Source: fabrica + "4, 10g", Machine: silicon, Formula: "1.125 w", Published: 4608,
			Program: line(silicon, 5, 4160, 4), Base: line(silicon, 5, 64, 4), Window: whole, Note: "a slope"},
		{ID: "si-link", Section: "silicon", What: "a stream over one link, 8,192 words more", Source: "happyandslow/agent-memory, single fabric link", Machine: silicon,
			Formula: "w / 0.889", Published: 8192 / 0.889, Program: line(silicon, 2, 8256, 1), Base: line(silicon, 2, 64, 1), Window: whole, Note: "a slope"},
	}
	for _, c := range []struct{ h, w int }{{1, 64}, {8, 512}, {32, 4096}} {
		rows = append(rows, &Row{ID: fmt.Sprintf("si-p2p-%d-%d", c.h, c.w), Section: "silicon", What: fmt.Sprintf("point to point, %d hops, %d words", c.h, c.w),
			Source: "luozoupi/FABRICA noc_model.py", Machine: silicon, Formula: "33 + 2.000 h + 1.125 w", Published: 33 + 2*float64(c.h) + 1.125*float64(c.w),
			Program: line(silicon, c.h+1, c.w, c.h), Window: body, Note: "the intercept of the published fit holds time stamps on both PEs"})
	}
	return rows
}
