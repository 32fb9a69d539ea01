package cpu

import (
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// withCaches has a test plan for a machine with other caches than this one.
func withCaches(t *testing.T, c native.Caches) {
	old := machineCaches
	machineCaches = func() native.Caches { return c }
	t.Cleanup(func() { machineCaches = old })
}

// Kernels made for other machines than this one, wherever the test runs, give the same bits: narrow vectors and wide ones, which LLVM
// emits in halves where the processor has none, and caches so small that what the programs hold lies outside.
func TestMachines(t *testing.T) {
	needsLLVM(t)
	smallGroups(t)
	defer func(v int) { forceVector = v }(forceVector)
	type program struct {
		name  string
		p     *ir.Program
		steps int
		funcs []string
	}
	long := product(ir.F32, "ij", "k", []string{"ki"}, []string{"kj"}, map[string]int{"i": 47, "j": 70, "k": 1100})
	programs := []program{
		{"heat", heatProgram(ir.F32, 20, 34, 70), 5, []string{"step"}},
		{"strips and a sum", text(fmt.Sprintf(stripsText, 21, 37, 32, 22)), 2, []string{"step"}},
		{"long sums", long, 1, []string{"f"}},
		{"attention", scores(t, 2, 2, 70, 33, 12, true), 1, []string{"step"}},
		{"rows", normalised(2, 37, 300, "f32"), 1, []string{"f"}},
		{"sums of what is made", text(fmt.Sprintf(madeText, 30, 80, "f64")), 3, []string{"step"}},
	}
	for seed := range uint64(2) {
		programs = append(programs, program{fmt.Sprint("random program ", seed), randomProgram(100 + seed), 2, []string{"f0", "f1", "f0", "p0", "p1"}},
			program{fmt.Sprint("random step ", seed), randomStep(100 + seed), 7, []string{"step"}})
	}
	for _, m := range []struct {
		vector int
		caches native.Caches
	}{
		{16, native.Caches{First: 2 << 10, Second: 24 << 10, Last: 24 << 10}},
		{32, native.Caches{First: 1 << 10, Second: 8 << 10, Last: 32 << 10}},
		{64, native.Caches{First: 32 << 10, Second: 256 << 10, Last: 4 << 20}},
	} {
		forceVector = m.vector
		withCaches(t, m.caches)
		for _, p := range programs {
			sameAsInterpreter(t, toolchains()[0], p.p, p.steps, nil, p.funcs...)
			if t.Failed() {
				t.Fatalf("%s, vectors of %d bytes, caches %+v:\n%s", p.name, m.vector, m.caches, ir.Print(p.p))
			}
		}
	}
}
