package validate

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/target/wse"
)

const (
	fabrica  = "luozoupi/FABRICA docs/PERFORMANCE_MODEL.md "
	spmm     = "pr0f3ss/SpMM_Cerebras src/fmacs_test/COO_benchmark.csv"
	csr      = "siddharthbc/CSR-graph-coloring spikes/experiments/"
	wse3Only = "wse3"
)

// arrays of one operation: sources two words apart in their banks, the nominal rate on WSE-2.
func arrays(elem string, n int) string {
	return fmt.Sprintf("array u %s[%d] bank 0\narray v %s[%d] bank 2\narray w %s[%d] bank 1\narray s %s[1]\n", elem, n, elem, n, elem, n, elem)
}

func perElement(id, what, section, formula string, slope float64, elem, op string) *Row {
	lo, hi := 512, 4096
	src := func(n int) string { return one(wse3Only, arrays(elem, n), fmt.Sprintf(op, n)) }
	return &Row{ID: id, Section: "dsd", What: what + ", 512 to 4,096 elements", Source: section, Machine: wse3Only,
		Formula: formula, Published: slope * float64(hi-lo), Program: src(hi), Base: src(lo), Window: whole, With: big,
		Note: "a slope: the difference of two lengths, free of what surrounds the operation"}
}

// equal puts both sources of a row's operation into the same bank, as arrays of one alignment that follow each other lie.
func equal(r *Row) *Row {
	r.Program = strings.ReplaceAll(r.Program, "bank 2", "bank 0")
	r.Base = strings.ReplaceAll(r.Base, "bank 2", "bank 0")
	return r
}

// big has room for three long f32 vectors: the sources re-used one buffer or ran one operand at a time. Nothing but fitting
// depends on it.
func big(m wse.Machine) wse.Machine {
	m = m.Clone()
	m.MemBytes = 1 << 17
	return m
}

func dsdRows() []*Row {
	rows := []*Row{
		perElement("copy-f16", "copy f16, per element", fabrica+"3", "N/8", 1.0/8, "f16", "mov.f16 w[0 : %[1]d] = u[0 : %[1]d]"),
		perElement("copy-f32", "copy f32, per element", fabrica+"3", "N/4", 1.0/4, "f32", "mov.f32 w[0 : %[1]d] = u[0 : %[1]d]"),
		perElement("fma-f16", "FMA f16, per element", fabrica+"3", "N/4", 1.0/4, "f16", "fma.f16 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d], 3"),
		equal(perElement("fma-f32", "FMA f32, sources equally aligned, per element", fabrica+"3", "2 N", 2, "f32", "fma.f32 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d], 3")),
		perElement("add-f16", "add f16, per element", fabrica+"10d", "N/3.96", 1/3.96, "f16", "add.f16 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d]"),
		perElement("mul-f16", "multiply f16, per element", fabrica+"10d", "N/3.96", 1/3.96, "f16", "mul.f16 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d]"),
		perElement("sum-f16", "reduce f16 to a scalar, per element", fabrica+"10d", "2.00 N", 2, "f16", "sum.f16 s[0] = 0, u[0 : %[1]d]"),
		perElement("dot-f16", "dot f16, per element", fabrica+"10d", "2.25 N", 2.25, "f16", "map.dot.f16 s[0] = 0, u[0 : %[1]d], v[0 : %[1]d]"),
	}
	before := stamp // from the first word of one time stamp to that of the next
	whole3 := func(id, what, src, formula string, n int, pub float64, elem, op, note string) *Row {
		return &Row{ID: id, Section: "dsd", What: fmt.Sprintf("%s, N = %d", what, n), Source: src, Machine: wse3Only, Formula: formula,
			Published: pub, Program: one(wse3Only, arrays(elem, n), before+fmt.Sprintf(op, n)), Window: body, With: big, Note: note}
	}
	const intercept = "the published intercept holds two readings of the time stamp counter, of which the program has the six instructions between " +
		"their first words and no call, and one setup of an operation for each type, where the source has 8 to 13 without time stamps"
	rows = append(rows,
		whole3("copy-f16-4096", "copy f16, timed", fabrica+"3", "15 + N/8", 4096, 15+512, "f16", "mov.f16 w[0 : %[1]d] = u[0 : %[1]d]", intercept),
		whole3("copy-f32-4096", "copy f32, timed", fabrica+"3", "15 + N/4", 4096, 15+1024, "f32", "mov.f32 w[0 : %[1]d] = u[0 : %[1]d]", intercept),
		whole3("fma-f16-4096", "FMA f16, timed: the loop shape «one DSD»", fabrica+"10", "16 + N/4", 4096, 1040, "f16",
			"fma.f16 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d], 3", intercept),
		equal(whole3("fma-f32-2048", "FMA f32, sources equally aligned, timed", fabrica+"3", "17 + 2 N", 2048, 17+4096, "f32",
			"fma.f32 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d], 3", intercept)),
		whole3("copy-f16-64", "copy f16, timed", fabrica+"3", "15 + N/8", 64, 15+8, "f16", "mov.f16 w[0 : %[1]d] = u[0 : %[1]d]", intercept),
		whole3("fma-f16-64", "FMA f16, timed", fabrica+"3", "16 + N/4", 64, 16+16, "f16", "fma.f16 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d], 3", intercept),
	)
	before = "" // rows of a suite that leaves its time stamps out
	rows = append(rows,
		whole3("sum-f16-256", "reduce f16 to a scalar, tight", fabrica+"10d", "8 + 2.00 N", 256, 8+512, "f16", "sum.f16 s[0] = 0, u[0 : %[1]d]", ""),
		whole3("dot-f16-256", "dot f16, tight", fabrica+"10d", "20 + 2.25 N", 256, 20+576, "f16", "map.dot.f16 s[0] = 0, u[0 : %[1]d], v[0 : %[1]d]", ""),
		&Row{ID: "fma-f16-while", Section: "dsd", What: "FMA f16, 4,096 elements: the loop shape «while of 16»", Source: fabrica + "10",
			Machine: wse3Only, Published: 4617, Window: body, With: big, Program: one(wse3Only, arrays("f16", 4096),
				"while %i < 4096 { fma.f16 w[0 + 1*%i : 16] = u[0 + 1*%i : 16], v[0 + 1*%i : 16], 3 set %i = %i + 16 }"),
			Note: "the published turn is 18.0 cycles: a 16-element FMA (10 to the next dispatch) and a back edge of 8; ours is 10, the increment " +
				"as an instruction of its own and a back edge of 9, although the source counts the increment in its 9 to 10 (3 control " +
				"instructions and 6 for the jump)"},
	)
	for _, c := range []struct {
		n, bank int
		pub     float64
		what    string
	}{{5124, 1, 2597, "the best alignment"}, {5124, 2, 5130, "one per cycle"}, {5124, 0, 10254, "conflict"},
		{1028, 2, 1034, "one per cycle"}, {1028, 0, 2062, "conflict"}} {
		rows = append(rows, &Row{ID: fmt.Sprintf("fmuls-%d-%d", c.n, c.bank), Section: "dsd",
			What: fmt.Sprintf("multiply f32, N = %d, %s", c.n, c.what), Source: spmm, Machine: "wse2", Published: c.pub, Window: body, With: big,
			Program: one("wse2", fmt.Sprintf("array u f32[%d] bank 0\narray v f32[%d] bank %d\narray w f32[%d] bank 0\n", c.n, c.n, c.bank, c.n),
				fmt.Sprintf("mul.f32 w[0 : %[1]d] = u[0 : %[1]d], v[0 : %[1]d]", c.n)),
			Note: fmt.Sprintf("second source %d words from the first, modulo 4", c.bank)})
	}
	return rows
}
