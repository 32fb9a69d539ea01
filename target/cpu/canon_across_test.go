package cpu

import (
	"fmt"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Sums over rows in the canonical order have the interpreter's bits: fewer terms than lanes, whole blocks, several blocks, several strips.
func TestCanonAcross(t *testing.T) {
	tc := toolchains()
	if len(tc) == 0 {
		t.Skip("no LLVM on this machine: the CPU target is not tested")
	}
	for i, n := range [][3]int{{1, 11, 3}, {2, 40, 130}, {1, 4096, 5}, {3, 2801, 70}} {
		for _, e := range [][]ir.Elem{{ir.F32}, {ir.F32, ir.I32}, {ir.F64}, {ir.F32, ir.F16}}[i] {
			for _, how := range []struct {
				comb ir.Combiner
				fma  bool
			}{{ir.Sum, false}, {ir.Sum, true}, {ir.Max, false}, {ir.Min, false}} {
				if how.fma && e == ir.I32 || e != ir.F32 && how.comb == ir.Min {
					continue
				}
				p := &ir.Program{Name: "rows", Axes: []ir.Axis{{Name: "b", N: n[0], H: 1}, {Name: "s", N: n[1], H: 1}, {Name: "d", N: n[2], H: 1}}}
				p.Arrays = []ir.Array{{Name: "x", Axes: []string{"b", "s", "d"}, Elem: e}, {Name: "y", Axes: []string{"d"}, Elem: e}, {Name: "z", Axes: []string{"b", "d"}, Elem: e}}
				r := func(name string, n int) ir.Range { return ir.Range{Index: name, Axis: name, Hi: n} }
				b, s, d := r("b", n[0]), r("s", n[1]), r("d", n[2])
				var bb ir.BodyBuilder
				x := bb.Read(e, "@x", ir.At("b", 0), ir.At("s", 0), ir.At("d", 0))
				body := bb.Body(bb.Mul(x, x))
				op := func(name string, dom, over []ir.Range) ir.Op {
					return ir.Op{Kind: ir.Reduce, Results: []ir.Result{{Name: name, Elem: e}}, Dom: dom, Over: over, Comb: how.comb, FMA: how.fma,
						Order: ir.Order{Kind: ir.Canon}, Pieces: []ir.Piece{{Box: boxIntervals(append(append([]ir.Range(nil), dom...), over...)), Body: body}}}
				}
				p.Funcs = []ir.Func{{Name: "f", Ops: []ir.Op{op("y", []ir.Range{d}, []ir.Range{b, s}), op("z", []ir.Range{b, d}, []ir.Range{s})},
					Sets: []ir.Set{{Array: "y", Value: "%y"}, {Array: "z", Value: "%z"}}}}
				t.Run(fmt.Sprint(n, e, how), func(t *testing.T) { sameAsInterpreter(t, tc[0], p, 1, nil, "f") })
			}
		}
	}
}
