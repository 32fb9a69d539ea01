package passes

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wfc-lang/wfc/ir"
)

// randomProgram makes a program of several coupled fields with chains of intermediate values, shared and dead operations, wide,
// diagonal, wrapped and reflected reads, coordinates and functions.
func randomProgram(rng *rand.Rand) *prog {
	e := []ir.Elem{ir.F16, ir.F32, ir.F64}[rng.IntN(3)]
	y := ring("y", 4+rng.IntN(3), 0, 1)
	x := cells("x", 5+rng.IntN(4), -1, 1)
	if rng.IntN(3) == 0 {
		x = nodes("x", 5+rng.IntN(4), -1, 1)
	}
	p := newProg(e, x, y)
	p.host("a", 0.3)
	p.host("c", rng.Float64())
	nf := 1 + rng.IntN(3)
	for i := range nf {
		name := string(rune('A' + i))
		p.array(name)
		p.bc(name, "x", false, ir.BCKind(rng.IntN(2)), float64(rng.IntN(3)))
		p.bc(name, "x", true, ir.BCKind(rng.IntN(2)), rng.Float64())
	}
	var values []string
	split := rng.IntN(2) == 0 // fixed end nodes: boundary boxes of their own
	for i := range nf + rng.IntN(5) {
		if i == 1 && rng.IntN(2) == 0 {
			p.reduce(rng, func(b *ir.BodyBuilder) int { return randomExpr(rng, p, b, values, nf, 2) })
		}
		name := "v" + string(rune('0'+i))
		p.op(name, func(b *ir.BodyBuilder) int { return randomExpr(rng, p, b, values, nf, 4) })
		if split {
			s := p.Func("step")
			op := &s.Ops[len(s.Ops)-1]
			inner := op.Pieces[0]
			op.Pieces = nil
			for _, r := range []ir.Interval{{Lo: 0, Hi: 1}, {Lo: 1, Hi: p.Axes[0].N - 1}, {Lo: p.Axes[0].N - 1, Hi: p.Axes[0].N}} {
				pc := ir.Piece{Box: slices.Clone(inner.Box), Body: inner.Body.Clone()}
				if pc.Box[0] = r; r.Lo != 1 {
					var b ir.BodyBuilder
					pc.Body = b.Body(b.Mul(b.Const(e, 0.5), p.read(&b, "@A")))
				}
				op.Pieces = append(op.Pieces, pc)
			}
		}
		values = append(values, "%"+name)
	}
	for i := range nf {
		if rng.IntN(4) > 0 || i == 0 {
			v := values[rng.IntN(len(values))]
			if rng.IntN(5) == 0 {
				v = "@" + string(rune('A'+rng.IntN(nf)))
			}
			p.set(string(rune('A'+i)), v)
		}
	}
	return p
}

// reduce adds a sum over x to step, by fma or not; later expressions read it.
func (p *prog) reduce(rng *rand.Rand, f func(b *ir.BodyBuilder) int) {
	var b ir.BodyBuilder
	r := b.Mul(f(&b), p.read(&b, "@A"))
	d, box := p.dom()
	op := ir.Op{Kind: ir.Reduce, Results: []ir.Result{{Name: "sum", Elem: p.elem}}, Dom: d[1:], Over: d[:1], FMA: rng.IntN(2) == 0,
		Pieces: []ir.Piece{{Box: []ir.Interval{box[1], box[0]}, Body: b.Body(r)}}}
	s := p.Func("step")
	s.Ops = append(s.Ops, op)
	p.sum = "%sum"
}

func randomExpr(rng *rand.Rand, p *prog, b *ir.BodyBuilder, values []string, nf, depth int) int {
	e := p.elem
	sub := func() int { return randomExpr(rng, p, b, values, nf, depth-1) }
	kind := rng.IntN(16)
	if depth == 0 {
		kind = rng.IntN(6)
	}
	switch kind {
	case 0, 1:
		return p.read(b, "@"+string(rune('A'+rng.IntN(nf))), rng.IntN(5)-2, rng.IntN(5)-2)
	case 2:
		if len(values) > 0 {
			return p.read(b, values[rng.IntN(len(values))], 0, rng.IntN(2)*(rng.IntN(3)-1))
		}
		return p.read(b, "@A")
	case 3:
		return b.Scalar(e, []string{"a", "c"}[rng.IntN(2)])
	case 4:
		if p.sum != "" && rng.IntN(2) == 0 {
			return b.Read(e, p.sum, ir.At("y", 0))
		}
		return b.Const(e, float64(rng.IntN(5))/2-1)
	case 5:
		return b.Coord(e, []string{"x", "y"}[rng.IntN(2)])
	case 6, 7:
		return b.Op([]ir.Code{ir.Exp, ir.Sin, ir.Cos, ir.Tanh, ir.Log}[rng.IntN(5)], sub())
	case 8:
		return b.Op(ir.Select, b.Op(ir.Lt, sub(), sub()), sub(), sub())
	case 9:
		return b.Op([]ir.Code{ir.MinOp, ir.MaxOp, ir.Div, ir.Pow}[rng.IntN(4)], sub(), sub())
	case 10:
		return b.Deriv(p.read(b, "@A"), []string{"x", "y"}[rng.IntN(2)], 1+rng.IntN(2), 2)
	case 11:
		return b.Op(ir.FMA, sub(), sub(), sub())
	default:
		return b.Op([]ir.Code{ir.Add, ir.Sub, ir.Mul}[rng.IntN(3)], sub(), sub())
	}
}

func sameBits(t testing.TB, what string, p *ir.Program, got, want map[string]*ir.Tensor) {
	t.Helper()
	for i := range p.Arrays {
		g, w := got[p.Arrays[i].Name], want[p.Arrays[i].Name]
		for k := range w.Len() {
			x, y := g.At(k), w.At(k)
			if math.Float64bits(x) != math.Float64bits(y) && !(math.IsNaN(x) && math.IsNaN(y)) {
				t.Fatalf("%s: %s[%d] = %g, want %g", what, p.Arrays[i].Name, k, x, y)
			}
		}
	}
}

// Passes that promise bits keep them, in whatever order operations stand; the text of the result does not depend on that order; and
// the storage plan of every program survives execution point by point in random order.
func TestRandomProgramsKeepTheirBits(t *testing.T) {
	n := 120
	if testing.Short() {
		n = 40
	}
	fused, inPlace, removed, sums := 0, 0, 0, 0
	for seed := range uint64(n) {
		rng := rand.New(rand.NewPCG(seed, 99))
		p := randomProgram(rng)
		if err := ir.Verify(p.Program); err != nil {
			t.Fatalf("seed %d: the generator is wrong: %v", seed, err)
		}
		init := map[string]*ir.Tensor{}
		for i := range p.Arrays {
			init[p.Arrays[i].Name] = fill(p.Program, p.Arrays[i].Name, func(at []int) float64 { return bump(at) + float64(i) })
		}
		// The program before each pass.
		before := map[string]*ir.Program{}
		c := p.Clone()
		if err := Run(c, &Config{Verify: true, Before: func(pass string, q *ir.Program) { before[pass] = q.Clone() }}); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, ir.Print(p.Program))
		}
		want := run(t, c, init, nil, 2)
		for i := range Table {
			last := i == len(Table)-1
			if Table[i].Keeps != Bits || Table[i].Name == "ghosts" {
				continue
			}
			after := c
			if !last {
				after = before[Table[i+1].Name]
			}
			sameBits(t, Table[i].Name, after, run(t, after, init, nil, 2), run(t, before[Table[i].Name], init, nil, 2))
		}
		text := ir.Print(c)
		for s := range uint64(3) {
			q := shuffled(t, p.Program, seed*10+s)
			if got := ir.Print(q); got != text {
				t.Fatalf("seed %d: another order of operations gives\n%s\ninstead of\n%s", seed, got, text)
			}
		}
		sameBits(t, "again", c, run(t, canonical(t, c), init, nil, 2), want)
		pl := checkPlan(t, c, init, 3)
		for _, v := range pl.Funcs[0].Values {
			if v.InPlace != "" {
				inPlace++
			}
		}
		for _, op := range c.Func("step").Ops {
			if len(op.Results) > 1 {
				fused++
			}
			if op.Kind == ir.Reduce {
				sums++
			}
		}
		if len(c.Func("step").Ops) < len(p.Func("step").Ops) {
			removed++
		}
	}
	t.Logf("%d programs: %d maps with several results, %d sums, %d values in place, %d programs with fewer operations", n, fused, sums, inPlace, removed)
	if sums < n/10 || fused < n/10 || inPlace < n/10 || removed < n/10 {
		t.Error("the generator no longer exercises fusion and reuse")
	}
}
