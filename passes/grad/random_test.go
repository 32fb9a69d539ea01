package grad

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/wfc-lang/wfc/ir"
)

// gen draws random functions over three axes, one of them periodic. With kinks they may use abs, min, max, select, floor and reductions
// by max, min and product, which differences do not like.
type gen struct {
	t     *rapid.T
	p     *ir.Program
	f     *ir.Func
	vals  map[string][]ir.Range
	order []string
	kinks bool
}

func randomProgram(t *rapid.T, kinks bool) *ir.Program {
	p := &ir.Program{Name: "random", Axes: []ir.Axis{{Name: "i", N: 5, H: 1}, {Name: "k", N: 3, H: 1}, {Name: "r", N: 4, H: 1, Periodic: true}},
		Funcs: []ir.Func{{Name: "f"}}}
	for n, axes := range [][]string{{"i"}, {"i", "k"}, {"k", "r"}, {"r"}, {}} {
		p.Arrays = append(p.Arrays, ir.Array{Name: fmt.Sprintf("a%d", n), Axes: axes, Elem: ir.F64})
	}
	p.Arrays = append(p.Arrays, ir.Array{Name: "y", Elem: ir.F64})
	g := &gen{t: t, p: p, f: &p.Funcs[0], vals: map[string][]ir.Range{}, kinks: kinks}
	w := newWriter(p, g.f)
	for n := range 5 {
		name := fmt.Sprintf("@a%d", n)
		dom, _, _ := w.box(name)
		g.vals[name], g.order = dom, append(g.order, name)
	}
	ops := rapid.IntRange(1, 7).Draw(t, "ops")
	for k := range ops {
		g.op(fmt.Sprintf("v%d", k))
	}
	g.total(w)
	return p
}

func (g *gen) coin(p int, what string) bool { return rapid.IntRange(0, 99).Draw(g.t, what) < p }

// op appends a random map, reduce or extend.
func (g *gen) op(name string) {
	if g.coin(12, "extend") && g.extend(name) {
		return
	}
	var scope []ir.Range
	for _, a := range g.p.Axes {
		for n := range 2 {
			if !g.coin([]int{55, 12}[n], "index") {
				break
			}
			r := ir.Range{Index: fmt.Sprintf("%s%d", a.Name, n), Axis: a.Name, Hi: a.N}
			if g.coin(30, "part") {
				r.Lo = rapid.IntRange(0, a.N-1).Draw(g.t, "lo")
				r.Hi = rapid.IntRange(r.Lo+1, a.N).Draw(g.t, "hi")
			}
			scope = append(scope, r)
		}
	}
	op := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: name, Elem: ir.F64}}}
	var over []ir.Range
	for _, r := range rapid.Permutation(scope).Draw(g.t, "order") {
		if g.coin(35, "over") {
			over = append(over, r)
		} else {
			op.Dom = append(op.Dom, r)
		}
	}
	if len(over) > 0 {
		op.Kind, op.Over = ir.Reduce, over
		op.Order.Kind = ir.OrderKind(rapid.IntRange(0, 1).Draw(g.t, "how"))
		if g.kinks {
			op.Comb = ir.Combiner(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 3}).Draw(g.t, "combiner"))
		}
	}
	all := append(append([]ir.Range(nil), op.Dom...), op.Over...)
	boxes := [][]ir.Interval{intervals(all)}
	if len(all) > 0 && g.coin(40, "cut") {
		d := rapid.IntRange(0, len(all)-1).Draw(g.t, "dimension")
		if all[d].Hi-all[d].Lo > 1 {
			at := rapid.IntRange(all[d].Lo+1, all[d].Hi-1).Draw(g.t, "at")
			a, b := intervals(all), intervals(all)
			a[d].Hi, b[d].Lo = at, at
			boxes = [][]ir.Interval{a, b}
		}
	}
	op.FMA = op.Kind == ir.Reduce && op.Comb == ir.Sum && g.coin(60, "fma")
	for _, box := range boxes {
		in := append([]ir.Range(nil), all...)
		for d := range in {
			in[d].Lo, in[d].Hi = box[d].Lo, box[d].Hi
		}
		b := newExprs()
		x := g.expr(b, in, 3)
		if op.FMA {
			x = b.op(ir.Mul, ir.F64, x, g.expr(b, in, 1))
		}
		if op.Kind == ir.Reduce && op.Comb == ir.Prod { // hundreds of factors of a few units overflow
			x = b.op(ir.Sin, ir.F64, x)
		}
		op.Pieces = append(op.Pieces, ir.Piece{Box: box, Body: b.body(x)})
	}
	g.f.Ops = append(g.f.Ops, op)
	g.vals["%"+name], g.order = op.Dom, append(g.order, "%"+name)
}

// extend appends ghosts around a value with one or more dimensions.
func (g *gen) extend(name string) bool {
	from := rapid.SampledFrom(g.order).Draw(g.t, "from")
	dom := append([]ir.Range(nil), g.vals[from]...)
	if len(dom) == 0 {
		return false
	}
	d := rapid.IntRange(0, len(dom)-1).Draw(g.t, "along")
	if g.p.Axis(dom[d].Axis).Periodic { // beyond the ends of a periodic axis are its own values
		return false
	}
	box := intervals(dom)
	box[d] = ir.Interval{Lo: dom[d].Lo - 1, Hi: dom[d].Lo}
	in := append([]ir.Range(nil), dom...)
	in[d].Lo, in[d].Hi = box[d].Lo, box[d].Hi
	b := newExprs()
	x := g.expr(b, in, 2)
	dom[d].Lo--
	op := ir.Op{Kind: ir.Extend, From: from, Dom: dom, Results: []ir.Result{{Name: name, Elem: ir.F64}},
		Pieces: []ir.Piece{{Box: box, Body: b.body(x)}}}
	g.f.Ops = append(g.f.Ops, op)
	g.vals["%"+name], g.order = dom, append(g.order, "%"+name)
	return true
}

// expr draws an expression that stays within a few units.
func (g *gen) expr(b *exprs, scope []ir.Range, depth int) int {
	if depth == 0 || g.coin(25, "leaf") {
		if g.coin(10, "number") {
			return b.num(ir.F64, rapid.Float64Range(-1, 1).Draw(g.t, "value"))
		}
		return g.read(b, scope)
	}
	x := g.expr(b, scope, depth-1)
	one := func(c ir.Code) int { return b.op(c, ir.F64, x) }
	two := func(c ir.Code) int { return b.op(c, ir.F64, x, g.expr(b, scope, depth-1)) }
	kinds := 8
	if g.kinks {
		kinds = 14
	}
	switch rapid.IntRange(0, kinds-1).Draw(g.t, "op") {
	case 0:
		return two(ir.Add)
	case 1:
		return two(ir.Sub)
	case 2:
		return b.op(ir.Tanh, ir.F64, two(ir.Mul))
	case 3:
		return one(ir.Sin)
	case 4:
		return b.op(ir.Exp, ir.F64, one(ir.Cos))
	case 5:
		return b.op(ir.Sqrt, ir.F64, b.op(ir.Add, ir.F64, one(ir.Sin), b.num(ir.F64, 1.5)))
	case 6:
		return b.op(ir.Div, ir.F64, x, b.op(ir.Exp, ir.F64, b.op(ir.Sin, ir.F64, g.expr(b, scope, depth-1))))
	case 7:
		y, z := b.op(ir.Sin, ir.F64, g.expr(b, scope, depth-1)), g.expr(b, scope, depth-1)
		return b.op(ir.FMA, ir.F64, one(ir.Tanh), y, z)
	case 8:
		return one(ir.Abs)
	case 9:
		return two(ir.MinOp)
	case 10:
		return two(ir.MaxOp)
	case 11:
		return b.op(ir.Add, ir.F64, one(ir.Floor), x)
	case 12:
		c := b.op(ir.Lt, ir.Bool, x, g.expr(b, scope, depth-1))
		return b.op(ir.Select, ir.F64, c, g.expr(b, scope, depth-1), b.op(ir.Neg, ir.F64, x))
	}
	if len(scope) == 0 {
		return x
	}
	r := rapid.SampledFrom(scope).Draw(g.t, "position")
	i := b.add(ir.Node{Op: ir.Index, Elem: ir.I32, Name: r.Index})
	c := b.op(ir.Le, ir.Bool, i, b.num(ir.I32, float64(rapid.IntRange(r.Lo, r.Hi).Draw(g.t, "bound"))))
	return b.op(ir.Select, ir.F64, c, x, g.expr(b, scope, depth-1))
}

// read draws a read of any value at indices in scope, constants, offsets and strides that stay inside, or wrap.
func (g *gen) read(b *exprs, scope []ir.Range) int {
	name := rapid.SampledFrom(g.order).Draw(g.t, "operand")
	var at []ir.Affine
	for _, own := range g.vals[name] {
		wraps := g.p.Axis(own.Axis).Periodic && own.Lo <= 0 && own.Hi >= g.p.Axis(own.Axis).N
		var ok []ir.Affine
		for _, r := range scope {
			for off := -3; off <= 3; off++ {
				for _, s := range [][2]int{{1, 1}, {1, 1}, {2, 1}, {1, 2}, {3, 2}} {
					x := ir.Affine{Index: r.Index, Off: off, Mul: s[0], Div: s[1]}
					if lo, hi := x.Of(r.Lo), x.Of(r.Hi-1); lo >= own.Lo && hi < own.Hi || wraps && r.Axis == own.Axis {
						ok = append(ok, x)
						if r.Axis == own.Axis && x.Unit() {
							ok = append(ok, x, x, x)
						}
					}
				}
			}
		}
		ok = append(ok, ir.Affine{Off: rapid.IntRange(own.Lo, own.Hi-1).Draw(g.t, "fixed")})
		at = append(at, rapid.SampledFrom(ok).Draw(g.t, "access"))
	}
	return b.read(ir.F64, name, at)
}

// total sets y to a weighted sum of everything.
func (g *gen) total(w *writer) {
	w = newWriter(g.p, g.f)
	b := newExprs()
	sum := b.num(ir.F64, 0)
	for k, name := range g.order {
		dom := g.vals[name]
		c := newExprs()
		x := c.op(ir.Sin, ir.F64, c.mul(c.num(ir.F64, 1+0.1*float64(k)), c.read(ir.F64, name, identity(dom))))
		if len(dom) == 0 {
			name = w.emit(ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "t", Elem: ir.F64}}, Pieces: []ir.Piece{{Box: []ir.Interval{}, Body: c.body(x)}}})
		} else {
			name = w.emit(ir.Op{Kind: ir.Reduce, Over: dom, Results: []ir.Result{{Name: "t", Elem: ir.F64}}, Pieces: []ir.Piece{{Box: intervals(dom), Body: c.body(x)}}})
		}
		sum = b.sum(sum, b.read(ir.F64, name, []ir.Affine{}))
	}
	y := w.emit(ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "y", Elem: ir.F64}}, Pieces: []ir.Piece{{Box: []ir.Interval{}, Body: b.body(sum)}}})
	g.f.Sets = []ir.Set{{Array: "y", Value: y}}
}

// Reverse mode is the transpose of forward mode.
func TestRandomTranspose(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := randomProgram(r, true)
		if err := ir.Verify(p); err != nil {
			t.Fatalf("%v\n%s", err, ir.Print(p))
		}
		checkDot(t, p, draw(p, rapid.Uint64().Draw(r, "seed"), -1, 1), 1e-9)
		if t.Failed() {
			r.Fatalf("above")
		}
	})
}

// Forward mode of smooth programs is what differences give along a random direction.
func TestRandomDifferences(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := randomProgram(r, false)
		wrt := inputs(p, "f")
		s := draw(p, rapid.Uint64().Draw(r, "seed"), -1, 1)
		fwd, err := Forward(p, Options{Func: "f", Wrt: wrt, Pure: true})
		if err != nil {
			t.Fatal(err)
		}
		v := draw(p, rapid.Uint64().Draw(r, "direction"), -1, 1)
		for k, x := range s {
			v[k] = x
		}
		tangent := run(t, p, v, fwd)[Tangent("y")].At(0)
		move := func(by float64) float64 {
			c := state{}
			for _, x := range wrt {
				c[x] = ir.NewTensor(ir.F64, s[x].Dims...)
				for k := range c[x].F64 {
					c[x].F64[k] = s[x].F64[k] + by*v[Tangent(x)].F64[k]
				}
			}
			return run(t, p, c, "f")["y"].At(0)
		}
		slope := func(h float64) float64 { return (8*(move(h)-move(-h)) - (move(2*h) - move(-2*h))) / (12 * h) }
		want := slope(1e-5)
		if math.Abs(want) > 1e4 { // the sines that y consists of turn within a step
			return
		}
		doubt := math.Abs(want - slope(3e-5)) // functions that turn quickly have no good differences
		if !(math.Abs(tangent-want) <= 1e-5*(1+math.Abs(want))+10*doubt) {
			r.Fatalf("tangent %g, differences %g\n%s", tangent, want, ir.Print(p))
		}
	})
}
