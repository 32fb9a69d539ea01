package cpu

import (
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Sums along the contiguous index, several rows at a time, have the interpreter's bits: every combiner, rows that are left over, and few.
func TestSeqRows(t *testing.T) {
	needsLLVM(t)
	for i, n := range [][3]int{{2, 21, 40}, {1, 8, 9}, {3, 7, 5}, {1, 16, 1}} {
		for _, e := range [][]ir.Elem{{ir.F32, ir.F16, ir.I32}, {ir.F64}, {ir.F32}, {ir.F32}}[i] {
			for _, fma := range []bool{false, true} {
				if fma && e == ir.I32 {
					continue
				}
				p := &ir.Program{Name: "rows", Axes: []ir.Axis{{Name: "b", N: n[0], H: 1}, {Name: "s", N: n[1], H: 1}, {Name: "d", N: n[2], H: 1}}}
				p.Arrays = []ir.Array{{Name: "x", Axes: []string{"b", "s", "d"}, Elem: e}, {Name: "y", Axes: []string{"b", "s"}, Elem: e}, {Name: "z", Axes: []string{"s"}, Elem: e}}
				r := func(name string, n int) ir.Range { return ir.Range{Index: name, Axis: name, Hi: n} }
				b, s, d := r("b", n[0]), r("s", n[1]), r("d", n[2])
				op := func(name string, comb ir.Combiner, dom, over []ir.Range) ir.Op {
					var bb ir.BodyBuilder
					x := bb.Read(e, "@x", ir.At("b", 0), ir.At("s", 0), ir.At("d", 0))
					return ir.Op{Kind: ir.Reduce, Results: []ir.Result{{Name: name, Elem: e}}, Dom: dom, Over: over, Comb: comb, FMA: fma && comb == ir.Sum,
						Pieces: []ir.Piece{{Box: boxIntervals(append(append([]ir.Range(nil), dom...), over...)), Body: bb.Body(bb.Mul(x, x))}}}
				}
				p.Funcs = []ir.Func{{Name: "f", Ops: []ir.Op{op("y", ir.Sum, []ir.Range{b, s}, []ir.Range{d}), op("z", ir.Max, []ir.Range{s}, []ir.Range{b, d})},
					Sets: []ir.Set{{Array: "y", Value: "%y"}, {Array: "z", Value: "%z"}}}}
				t.Run(fmt.Sprint(n, e, fma), func(t *testing.T) { sameAsInterpreter(t, toolchains()[0], p, 1, nil, "f") })
			}
		}
	}
}
