package passes

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// Random bodies over special values have the same bits before and after folding, whatever the leaves are; NaN is NaN.
func TestFoldKeepsBits(t *testing.T) {
	special := []float64{0, math.Copysign(0, -1), 1, -1, 2, 0.5, math.Inf(1), math.Inf(-1), math.NaN(), 1e-42, 65504, 3.25, -7}
	floats := []ir.Elem{ir.F16, ir.F32, ir.F64}
	folded := 0
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 5))
		e := floats[rng.IntN(3)]
		i := ir.I32
		var b ir.BodyBuilder
		var fl, in, bo []int
		pick := func(s []int) int { return s[rng.IntN(len(s))] }
		fl = append(fl, b.Scalar(e, "x"), b.Scalar(e, "y"))
		in = append(in, b.Scalar(i, "m"), b.Int(i, 0), b.Int(i, 1), b.Int(i, int64(rng.IntN(9))-4))
		bo = append(bo, b.Int(ir.Bool, 0), b.Int(ir.Bool, 1), b.Op(ir.Lt, fl[0], fl[1]))
		for range 6 {
			fl = append(fl, b.Const(e, special[rng.IntN(len(special))]))
		}
		for range 25 {
			switch rng.IntN(9) {
			case 0, 1, 2:
				fl = append(fl, b.Op([]ir.Code{ir.Add, ir.Sub, ir.Mul, ir.Div, ir.MinOp, ir.MaxOp}[rng.IntN(6)], pick(fl), pick(fl)))
			case 3:
				fl = append(fl, b.Op([]ir.Code{ir.Neg, ir.Abs, ir.Sqrt, ir.Floor, ir.Ceil}[rng.IntN(5)], pick(fl)))
			case 4:
				fl = append(fl, b.FMA(pick(fl), pick(fl), pick(fl)))
			case 5:
				fl = append(fl, b.Select(pick(bo), pick(fl), pick(fl)))
				in = append(in, b.Select(pick(bo), pick(in), pick(in)))
			case 6:
				bo = append(bo, b.Op([]ir.Code{ir.Lt, ir.Le, ir.Eq, ir.Ne}[rng.IntN(4)], pick(fl), pick(fl)))
				bo = append(bo, b.Op([]ir.Code{ir.And, ir.Or, ir.Xor}[rng.IntN(3)], pick(bo), pick(bo)), b.Op(ir.Not, pick(bo)))
			case 7:
				in = append(in, b.Op([]ir.Code{ir.Add, ir.Sub, ir.Mul, ir.And, ir.Or, ir.Xor, ir.Shl, ir.Shr}[rng.IntN(8)], pick(in), pick(in)))
			case 8:
				in = append(in, b.Cvt(i, pick(fl)))
				fl = append(fl, b.Cvt(e, pick(in)))
			}
		}
		src := b.Body(fl[len(fl)-1], in[len(in)-1], bo[len(bo)-1], pick(fl), pick(in))
		out := foldBody(&src, false)
		folded += len(normalise(src.Clone()).Nodes) - len(out.Nodes)
		for range 6 {
			env := map[string]float64{"x": special[rng.IntN(len(special))], "y": special[rng.IntN(len(special))], "m": float64(rng.IntN(70) - 35)}
			leaf := func(n *ir.Node) (ir.Val, error) { return ir.RoundTo(n.Elem, env[n.Name]), nil }
			for k := range src.Results {
				u, err := ir.EvalBody(&ir.Body{Nodes: src.Nodes, Results: src.Results[k:]}, leaf)
				if err != nil {
					t.Fatal(err)
				}
				v, err := ir.EvalBody(&ir.Body{Nodes: out.Nodes, Results: out.Results[k:]}, leaf)
				if err != nil {
					t.Fatal(err)
				}
				if u.I != v.I || math.Float64bits(u.F) != math.Float64bits(v.F) && !(math.IsNaN(u.F) && math.IsNaN(v.F)) {
					t.Fatalf("seed %d, result %d, %v: %v became %v\n%+v\n%+v", seed, k, env, u, v, src, out)
				}
			}
		}
	}
	if folded < 3000 {
		t.Errorf("only %d nodes were folded", folded)
	}
}

func TestFoldIdentities(t *testing.T) {
	type build func(b *ir.BodyBuilder, x int) int
	num := func(b *ir.BodyBuilder, v float64) int { return b.Const(ir.F32, v) }
	for name, tc := range map[string]struct {
		f    build
		gone bool
	}{
		"x*1":       {func(b *ir.BodyBuilder, x int) int { return b.Mul(x, num(b, 1)) }, true},
		"1*x":       {func(b *ir.BodyBuilder, x int) int { return b.Mul(num(b, 1), x) }, true},
		"x/1":       {func(b *ir.BodyBuilder, x int) int { return b.Div(x, num(b, 1)) }, true},
		"x+(-0)":    {func(b *ir.BodyBuilder, x int) int { return b.Add(x, num(b, math.Copysign(0, -1))) }, true},
		"x-0":       {func(b *ir.BodyBuilder, x int) int { return b.Sub(x, num(b, 0)) }, true},
		"-(-x)":     {func(b *ir.BodyBuilder, x int) int { return b.Op(ir.Neg, b.Op(ir.Neg, x)) }, true},
		"x+0":       {func(b *ir.BodyBuilder, x int) int { return b.Add(x, num(b, 0)) }, false}, // -0 + 0 is 0
		"x-(-0)":    {func(b *ir.BodyBuilder, x int) int { return b.Sub(x, num(b, math.Copysign(0, -1))) }, false},
		"x*0":       {func(b *ir.BodyBuilder, x int) int { return b.Mul(x, num(b, 0)) }, false}, // inf*0 is NaN
		"x-x":       {func(b *ir.BodyBuilder, x int) int { return b.Sub(x, x) }, false},
		"x+(2-2)*1": {func(b *ir.BodyBuilder, x int) int { return b.Add(x, b.Sub(num(b, 2), num(b, 2))) }, false},
	} {
		var b ir.BodyBuilder
		x := b.Scalar(ir.F32, "x")
		src := b.Body(tc.f(&b, x))
		out := foldBody(&src, false)
		if gone := len(out.Nodes) == 1 && out.Nodes[0].Op == ir.Scalar; gone != tc.gone {
			t.Errorf("%s: %+v", name, out)
		}
	}
}
