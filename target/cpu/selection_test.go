package cpu

import (
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Gathers and scatter-adds have the interpreter's bits, with places outside the range and with several threads.
func TestSelections(t *testing.T) {
	const head = "wfir 1 program p axis b 3 cells lo 0 h 1 axis s 5 cells lo 0 h 1 axis v 7 cells lo 0 h 1 axis d 70 cells lo 0 h 1 array @tok[b, s] i32 " +
		"array @W[v, d] E array @g[b, s, d] E array @x[b, s, d] E array @G[v, d] E array @p[b, s] E array @n[d, v] E array @one[v] E "
	const full = "b in b 0..3, s in s 0..5"
	sel := func(read string) string {
		return "$0 = index i32 v $1 = read i32 @tok[b, s] $2 = eq bool $0, $1 $3 = read E " + read + " $4 = const E -0 $5 = select E $2, $3, $4 yield $5"
	}
	src := head + "func f { reduce %r E [" + full + ", d in d 0..70] over [v in v 0..7] sum order seq { box [0..3, 0..5, 0..70, 0..7] " + sel("@W[v, d]") + " } " +
		"reduce %p E [" + full + "] over [v in v 0..7] sum order seq { box [0..3, 0..5, 0..7] " + sel("@W[v, 2]") + " } " +
		"reduce %G E [v in v 0..7, d in d 0..70] over [" + full + "] sum order seq { box [0..7, 0..70, 0..3, 0..5] " + sel("@g[b, s, d]") + " } " +
		"reduce %n E [d in d 0..70, v in v 0..7] over [" + full + "] sum order seq { box [0..70, 0..7, 0..3, 0..5] " + sel("%r[b, s, d]") + " } " +
		"reduce %one E [v in v 0..7] over [" + full + "] sum order seq { box [0..7, 0..3, 0..5] " + sel("@g[b, s, 1]") + " } " +
		"set @x = %r set @p = %p set @G = %G set @n = %n set @one = %one }"
	tok := &ir.Tensor{Elem: ir.I32, Dims: []int{3, 5}, I32: []int32{0, 6, 3, 3, -1, 7, 2, 3, 1 << 30, -1 << 30, 4, 3, 3, 0, 6}}
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		for _, e := range []string{"f32", "f64", "f16", "i32"} {
			text := src
			if e == "i32" {
				text = strings.ReplaceAll(text, "-0", "0")
			}
			p, err := ir.Parse("p.wfir", strings.ReplaceAll(text, " E", " "+e))
			check(t, err)
			for i := range p.Funcs[0].Ops {
				if s := ir.Selected(&p.Funcs[0].Ops[i]); s == nil || s.Scatter != (i > 1) {
					t.Fatalf("operation %d is seen as %+v", i, s)
				}
			}
			sameAsInterpreter(t, tc, p, 2, map[string]*ir.Tensor{"tok": tok}, "f")
		}
	})
}
