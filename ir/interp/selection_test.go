package interp

import (
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Gathers and scatter-adds have the bits of the sums they stand for: the same function with an order that is not recognised (a mesh of
// one part is the same sequence).
func TestSelections(t *testing.T) {
	const head = "axis b 3 cells lo 0 h 1 axis s 5 cells lo 0 h 1 axis v 7 cells lo 0 h 1 axis d 4 cells lo 0 h 1 array @tok[b, s] i32 array @W[v, d] E " +
		"array @g[b, s, d] E array @x[b, s, d] E array @G[v, d] E array @p[b, s] E array @n[d, v] E array @one[v] E "
	const full = "b in b 0..3, s in s 0..5"
	sel := func(read string) string {
		return "$0 = index i32 v $1 = read i32 @tok[b, s] $2 = eq bool $0, $1 $3 = read E " + read + " $4 = const E -0 $5 = select E $2, $3, $4 yield $5"
	}
	for _, tc := range []struct{ name, src, out string }{
		{"gather", "func f { reduce %r E [" + full + ", d in d 0..4] over [v in v 0..7] sum order seq { box [0..3, 0..5, 0..4, 0..7] " + sel("@W[v, d]") + " } set @x = %r }", "x"},
		{"middle", "func f { reduce %r E [" + full + "] over [v in v 0..7] sum order seq { box [0..3, 0..5, 0..7] " + sel("@W[v, 2]") + " } set @p = %r }", "p"},
		{"scatter", "func f { reduce %r E [v in v 0..7, d in d 0..4] over [" + full + "] sum order seq { box [0..7, 0..4, 0..3, 0..5] " + sel("@g[b, s, d]") + " } set @G = %r }", "G"},
		{"behind", "func f { reduce %r E [d in d 0..4, v in v 0..7] over [" + full + "] sum order seq { box [0..4, 0..7, 0..3, 0..5] " + sel("@g[b, s, d]") + " } set @n = %r }", "n"},
		{"counts", "func f { reduce %r E [v in v 0..7] over [" + full + "] sum order seq { box [0..7, 0..3, 0..5] " + sel("@g[b, s, 1]") + " } set @one = %r }", "one"},
	} {
		for _, e := range []ir.Elem{ir.F32, ir.F64, ir.F16} {
			src := strings.ReplaceAll(head+tc.src, " E", " "+e.String())
			src = strings.ReplaceAll(src, "] E", "] "+e.String())
			p := parse(t, src)
			q := parse(t, src)
			if s := ir.Selected(&p.Funcs[0].Ops[0]); s == nil || s.Scatter != (tc.name == "scatter" || tc.name == "behind" || tc.name == "counts") {
				t.Fatalf("%s is seen as %+v", tc.name, s)
			}
			over := q.Funcs[0].Ops[0].Over[0].Axis
			q.Funcs[0].Ops[0].Order = ir.Order{Kind: ir.Mesh, Chain: []ir.ChainAxis{{Axis: over, Parts: 1}}}
			in := map[string]*ir.Tensor{"tok": tensor(ir.I32, []int{3, 5}, func(i int) float64 { return float64(i*i%11 - 1) })} // some outside
			for _, a := range p.Arrays {
				if a.Elem != ir.I32 {
					in[a.Name] = tensor(e, p.Shape(&a), func(i int) float64 { return math.Round(64*math.Sin(float64(i*i))) / 64 })
				}
			}
			got, want := exec(t, p, 2, in)[tc.out], exec(t, q, 2, in)[tc.out]
			for i := range got.Len() {
				if math.Float64bits(got.At(i)) != math.Float64bits(want.At(i)) {
					t.Errorf("%s %s: element %d is %v, want %v", tc.name, e, i, got.At(i), want.At(i))
				}
			}
		}
	}
}

// What looks like a selection and is none.
func TestNoSelections(t *testing.T) {
	const head = "axis v 7 cells lo 0 h 1 axis d 4 cells lo 0 h 1 array @t[v] i32 array @W[v, d] f32 array @x[d] f32 "
	for _, src := range []string{
		"over [v in v 0..7] sum order seq { box [0..4, 0..7] $0 = index i32 v $1 = read i32 @t[v] $2 = eq bool $0, $1", // depends on v
		"over [v in v 0..7] sum order canon { box [0..4, 0..7] $0 = index i32 v $1 = read i32 @t[2] $2 = eq bool $0, $1",
		"over [v in v 0..7] max order seq { box [0..4, 0..7] $0 = index i32 v $1 = read i32 @t[2] $2 = eq bool $0, $1",
		"over [v in v 0..7] sum order seq { box [0..4, 0..7] $0 = index i32 v $1 = read i32 @t[2] $2 = le bool $0, $1",
	} {
		p := parse(t, head+"func f { reduce %r f32 [d in d 0..4] "+src+" $3 = read f32 @W[v, d] $4 = const f32 -0 $5 = select f32 $2, $3, $4 yield $5 } set @x = %r }")
		if s := ir.Selected(&p.Funcs[0].Ops[0]); s != nil {
			t.Errorf("%s is seen as %+v", src, s)
		}
	}
}
