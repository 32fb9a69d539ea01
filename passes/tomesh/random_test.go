package tomesh_test

import (
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/collective"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/place"
	"github.com/wfc-lang/wfc/route"
)

// gen makes random canonical programs for a given layout.
type gen struct {
	*rand.Rand
	p      *ir.Program
	ls     []mesh.Layout
	f      *ir.Func
	vals   []val
	n      int
	feats  map[string]bool
	scalar bool
}

// val is something a body can read.
type val struct {
	name string
	axes []string
	box  []ir.Interval
	elem ir.Elem
}

func (g *gen) coin(percent int) bool { return g.Intn(100) < percent }

func (g *gen) mesh(axis string) bool { return place.Find(g.ls, axis).Dim != mesh.Mem }

func random(seed int64) (*gen, machine) {
	g := &gen{Rand: rand.New(rand.NewSource(seed)), p: &ir.Program{Name: "random", Host: []ir.HostDef{{Name: "c0",
		Body: ir.Body{Nodes: []ir.Node{{Op: ir.Const, Elem: ir.F64, Imm: 0.3}}, Results: []int{0}}}}}, feats: map[string]bool{}}
	rank := 1 + g.Intn(3)
	if g.coin(85) {
		rank = 2 + g.Intn(2)
	}
	if g.coin(5) {
		rank = 4
	}
	names := []string{"x", "y", "z", "w"}[:rank]
	for _, n := range names {
		a := ir.Axis{Name: n, N: min(1+g.Intn(12), 9), Periodic: g.coin(35)}
		if rank == 4 {
			a.N = 1 + g.Intn(4)
		}
		g.p.Axes = append(g.p.Axes, a)
		if a.Periodic {
			g.feats["periodic"] = true
		}
	}
	g.p.Arrays = []ir.Array{{Name: "a0", Axes: names, Elem: ir.F32}}
	for i := range 1 + g.Intn(4) {
		a := ir.Array{Name: fmt.Sprintf("a%d", i+1), Elem: ir.F32, Const: g.coin(30), Axes: names}
		if g.coin(50) {
			a.Axes = g.subset(names)
		}
		if g.coin(20) {
			a.Elem = []ir.Elem{ir.F16, ir.I32, ir.Bool}[g.Intn(3)]
		}
		g.p.Arrays = append(g.p.Arrays, a)
	}
	m := machine{1 + g.Intn(9), 1 + g.Intn(9), 0}
	if g.coin(50) {
		m = machine{9, 9, 0}
	}
	var o place.Options
	for _, a := range g.p.Axes {
		if a.Periodic && g.coin(40) {
			o.Wrapped = append(o.Wrapped, a.Name)
		}
	}
	ls, err := place.Layouts(g.p, m, o)
	if err != nil {
		panic(err)
	}
	g.ls = ls
	for _, l := range ls {
		if l.Dim != mesh.Mem && l.N%l.Parts != 0 {
			g.feats["uneven"] = true
		}
		if l.Dim != mesh.Mem && l.Periodic {
			g.feats["ring"] = true
		}
	}
	for i := range 1 + g.Intn(2) {
		g.function(fmt.Sprintf("f%d", i))
	}
	return g, m
}

func (g *gen) subset(names []string) []string {
	var out []string
	for _, n := range names {
		if g.coin(50) {
			out = append(out, n)
		}
	}
	return out
}

func (g *gen) function(name string) {
	g.f, g.vals = &ir.Func{Name: name}, nil
	for _, a := range g.p.Arrays {
		v := val{name: "@" + a.Name, axes: a.Axes, elem: a.Elem}
		for _, n := range g.p.Shape(&a) {
			v.box = append(v.box, ir.Interval{Hi: n})
		}
		g.vals = append(g.vals, v)
	}
	for range 1 + g.Intn(5) {
		switch k := g.Intn(10); {
		case k < 2:
			g.extend()
		case k < 4:
			g.reduce()
		default:
			g.mapOp()
		}
	}
	for _, a := range g.p.Arrays {
		if a.Const {
			continue
		}
		for try := 0; try < 6; try++ {
			v := g.vals[g.Intn(len(g.vals))]
			ok := v.elem == a.Elem && len(v.axes) == len(a.Axes) && v.name != "@"+a.Name
			for i := range v.axes {
				ok = ok && v.axes[i] == a.Axes[i] && v.box[i] == (ir.Interval{Hi: g.p.Axis(a.Axes[i]).N})
			}
			if ok {
				g.f.Sets = append(g.f.Sets, ir.Set{Array: a.Name, Value: v.name})
				break
			}
		}
	}
	g.p.Funcs = append(g.p.Funcs, *g.f)
}

func (g *gen) define(op ir.Op, elems ...ir.Elem) {
	for _, e := range elems {
		v := val{name: fmt.Sprintf("%%v%d", g.n), elem: e}
		for _, r := range op.Dom {
			v.axes, v.box = append(v.axes, r.Axis), append(v.box, ir.Interval{Lo: r.Lo, Hi: r.Hi})
		}
		op.Results = append(op.Results, ir.Result{Name: v.name[1:], Elem: e})
		g.vals = append(g.vals, v)
		g.n++
	}
	g.f.Ops = append(g.f.Ops, op)
}

// ranges are full or shortened ranges of axes.
func (g *gen) ranges(axes []string, shorten bool) []ir.Range {
	var out []ir.Range
	for _, a := range axes {
		r := ir.Range{Index: "i" + a, Axis: a, Hi: g.p.Axis(a).N}
		if shorten && r.Hi > 2 && g.coin(40) {
			r.Lo, r.Hi = 1, r.Hi-1
		}
		out = append(out, r)
	}
	return out
}

// pieces cuts a box at random.
func (g *gen) pieces(box []ir.Interval, body func(b []ir.Interval) ir.Body) []ir.Piece {
	boxes := [][]ir.Interval{box}
	for len(box) > 0 && g.coin(35) && len(boxes) < 5 {
		i, d := g.Intn(len(boxes)), g.Intn(len(box))
		b := boxes[i]
		if b[d].Hi-b[d].Lo < 2 {
			continue
		}
		cut := b[d].Lo + 1 + g.Intn(b[d].Hi-b[d].Lo-1)
		lo, hi := append([]ir.Interval{}, b...), append([]ir.Interval{}, b...)
		lo[d].Hi, hi[d].Lo = cut, cut
		boxes[i] = lo
		boxes = append(boxes, hi)
		g.feats["pieces"] = true
	}
	var out []ir.Piece
	for _, b := range boxes {
		out = append(out, ir.Piece{Box: b, Body: body(b)})
	}
	return out
}

func intervals(rs []ir.Range) []ir.Interval {
	var out []ir.Interval
	for _, r := range rs {
		out = append(out, ir.Interval{Lo: r.Lo, Hi: r.Hi})
	}
	return out
}

func (g *gen) mapOp() {
	axes := g.p.Arrays[g.Intn(len(g.p.Arrays))].Axes
	if g.coin(40) {
		axes = g.p.Arrays[0].Axes
	}
	dom := g.ranges(axes, g.coin(15))
	elems := []ir.Elem{ir.F32}
	if g.coin(25) {
		elems = append(elems, ir.F32)
	}
	if g.coin(15) {
		elems[0] = []ir.Elem{ir.F16, ir.I32, ir.Bool}[g.Intn(3)]
	}
	g.define(ir.Op{Kind: ir.Map, Dom: dom, Pieces: g.pieces(intervals(dom), func(b []ir.Interval) ir.Body { return g.body(dom, b, elems) })}, elems...)
}

func (g *gen) reduce() {
	all := g.p.Arrays[g.Intn(len(g.p.Arrays))].Axes
	var dom, over []string
	for _, a := range all {
		if g.coin(60) {
			over = append(over, a)
		} else {
			dom = append(dom, a)
		}
	}
	if len(over) == 0 {
		return
	}
	g.Shuffle(len(over), func(i, j int) { over[i], over[j] = over[j], over[i] })
	op := ir.Op{Kind: ir.Reduce, Dom: g.ranges(dom, g.coin(10)), Over: g.ranges(over, g.coin(30)), Comb: ir.Combiner(g.Intn(4)), FMA: g.coin(40)}
	el := ir.F32
	switch {
	case op.FMA:
		op.Comb = ir.Sum
	case g.coin(20):
		el = []ir.Elem{ir.F16, ir.I32, ir.Bool}[g.Intn(3)]
		if el == ir.Bool { // all, any
			op.Comb = ir.Max + ir.Combiner(g.Intn(2))
		}
	}
	for _, a := range over {
		if g.mesh(a) {
			g.feats["chain"] = true
		}
	}
	iter := append(append([]ir.Range{}, op.Dom...), op.Over...)
	op.Pieces = g.pieces(intervals(iter), func(b []ir.Interval) ir.Body {
		d := g.body(iter, b, []ir.Elem{el})
		if op.FMA {
			x := &dag{d}
			r := x.Results[0]
			other := r
			for i, n := range x.Nodes {
				if n.Elem == ir.F32 && g.coin(30) {
					other = i
				}
			}
			x.Results = []int{x.op(ir.Mul, r, other)}
			d = x.Body
		}
		return d
	})
	g.define(op, el)
}

// extend adds ghosts on one axis that is not periodic.
func (g *gen) extend() {
	v := g.vals[g.Intn(len(g.vals))]
	if g.coin(50) {
		v = g.vals[len(g.vals)-1]
	}
	var ds []int
	for d, a := range v.axes {
		if !g.p.Axis(a).Periodic {
			ds = append(ds, d)
		}
	}
	if len(ds) == 0 || v.elem != ir.F32 {
		return
	}
	if g.coin(60) { // on all axes, as the ghosts pass does
		for _, d := range ds {
			g.extendAxis(v, d)
			v = g.vals[len(g.vals)-1]
		}
		return
	}
	g.extendAxis(v, ds[g.Intn(len(ds))])
}

func (g *gen) extendAxis(v val, d int) {
	width := 1 + g.Intn(min(4, v.box[d].Hi-v.box[d].Lo))
	var dom []ir.Range
	for i, a := range v.axes {
		dom = append(dom, ir.Range{Index: "i" + a, Axis: a, Lo: v.box[i].Lo, Hi: v.box[i].Hi})
	}
	dom[d].Lo, dom[d].Hi = dom[d].Lo-width, dom[d].Hi+width
	var ps []ir.Piece
	for k := 1; k <= width; k++ {
		for _, s := range []int{-1, 1} {
			box := intervals(dom)
			box[d] = ir.Interval{Lo: v.box[d].Lo - k, Hi: v.box[d].Lo - k + 1}
			off := 2*k - 1
			if s > 0 {
				box[d] = ir.Interval{Lo: v.box[d].Hi + k - 1, Hi: v.box[d].Hi + k}
				off = 1 - 2*k
			}
			b := &dag{}
			var at []ir.Affine
			for i, r := range dom {
				a := ir.Affine{Index: r.Index}
				if i == d {
					a.Off = off
					if g.coin(30) {
						a = ir.Affine{Off: box[d].Lo + off}
					}
				}
				at = append(at, a)
			}
			r := b.read(v.name, at...)
			if g.coin(50) {
				r = b.op(ir.Sub, b.num(2), r)
			}
			if w := g.vals[g.Intn(len(g.vals))]; g.coin(40) {
				if x := g.leaf(b, dom, box, w); x >= 0 {
					r = b.op(ir.Add, r, x)
				}
			}
			b.Results = []int{r}
			ps = append(ps, ir.Piece{Box: box, Body: b.Body})
		}
	}
	g.feats["extend"] = true
	g.define(ir.Op{Kind: ir.Extend, From: v.name, Dom: dom, Pieces: ps}, ir.F32)
}

// leaf reads v at a random offset that stays inside it, or returns -1.
func (g *gen) leaf(b *dag, iter []ir.Range, box []ir.Interval, v val) int {
	reach := 1
	if g.coin(35) {
		reach = 1 + g.Intn(4)
	}
	single := g.coin(15) // at most one offset: no diagonal
	moved := 0
	meshMoved := 0
	var at []ir.Affine
	for e, a := range v.axes {
		d := -1
		for i, r := range iter {
			if r.Axis == a {
				d = i
			}
		}
		if d < 0 {
			if g.mesh(a) {
				return -1
			}
			at = append(at, ir.Affine{Off: v.box[e].Lo + g.Intn(v.box[e].Hi-v.box[e].Lo)})
			continue
		}
		off := 0
		if g.coin(75) && !(single && moved > 0) {
			off = g.Intn(2*reach+1) - reach
		}
		if !g.p.Axis(a).Periodic {
			lo, hi := v.box[e].Lo-box[d].Lo, v.box[e].Hi-box[d].Hi
			if lo > hi {
				return -1
			}
			off = max(lo, min(off, hi))
		} else if v.box[e] != (ir.Interval{Hi: g.p.Axis(a).N}) {
			lo, hi := v.box[e].Lo-box[d].Lo, v.box[e].Hi-box[d].Hi
			if lo > hi {
				return -1
			}
			off = max(lo, min(off, hi))
		}
		if off != 0 {
			moved++
			if off > 1 || off < -1 {
				g.feats["radius2"] = true
			}
			if g.mesh(a) {
				meshMoved++
			}
		}
		at = append(at, ir.Affine{Index: iter[d].Index, Off: off})
	}
	for _, r := range iter {
		has := false
		for _, a := range v.axes {
			has = has || a == r.Axis
		}
		if !has && g.mesh(r.Axis) && v.name[0] == '%' {
			g.feats["multicast"] = true
		}
	}
	if meshMoved > 1 {
		g.feats["diagonal"] = true
	}
	r := b.add(ir.Node{Op: ir.Read, Name: v.name, At: at, Elem: v.elem})
	if v.elem != ir.F32 {
		r = b.op(ir.Cvt, r)
	}
	return r
}

func (g *gen) body(iter []ir.Range, box []ir.Interval, elems []ir.Elem) ir.Body {
	b := &dag{}
	var nodes []int
	leaves := 1 + g.Intn(6)
	for i := 0; i < leaves; i++ {
		switch k := g.Intn(12); {
		case k == 0:
			nodes = append(nodes, b.num(float64(g.Intn(9)-4)/4))
		case k == 1:
			nodes = append(nodes, b.add(ir.Node{Op: ir.Scalar, Name: "c0"}))
		case k == 2 && len(iter) > 0:
			i := b.add(ir.Node{Op: ir.Index, Name: iter[g.Intn(len(iter))].Index, Elem: ir.I32})
			nodes = append(nodes, b.op(ir.Cvt, i))
			g.feats["index"] = true
		default:
			v := g.vals[g.Intn(len(g.vals))]
			if g.coin(30) {
				v = g.vals[len(g.vals)-1]
			}
			if r := g.leaf(b, iter, box, v); r >= 0 {
				nodes = append(nodes, r)
			}
		}
	}
	if len(nodes) == 0 {
		nodes = append(nodes, b.num(0.5))
	}
	pick := func() int { return nodes[g.Intn(len(nodes))] }
	for i := g.Intn(7); i > 0; i-- {
		switch g.Intn(8) {
		case 0, 1:
			nodes = append(nodes, b.op(ir.Add, pick(), pick()))
		case 2:
			nodes = append(nodes, b.op(ir.Sub, pick(), pick()))
		case 3:
			nodes = append(nodes, b.op(ir.Mul, pick(), b.num(0.25)))
		case 4:
			nodes = append(nodes, b.op(ir.MinOp, pick(), pick()))
		case 5:
			nodes = append(nodes, b.op(ir.FMA, pick(), b.num(0.5), pick()))
		case 6:
			c := b.add(ir.Node{Op: ir.Lt, Elem: ir.Bool, Args: []int{pick(), pick()}})
			nodes = append(nodes, b.op(ir.Select, c, pick(), pick()))
		case 7:
			nodes = append(nodes, b.op(ir.Mul, pick(), pick()))
		}
	}
	for _, e := range elems {
		r := nodes[len(nodes)-1-g.Intn(min(2, len(nodes)))]
		if g.coin(50) {
			r = b.op(ir.MaxOp, b.op(ir.MinOp, r, b.num(4)), b.num(-4))
		}
		if e != ir.F32 {
			r = b.add(ir.Node{Op: ir.Cvt, Elem: e, Args: []int{r}})
		}
		b.Results = append(b.Results, r)
	}
	return b.Body
}

// tree draws the levels along which parts combine, or none.
func (g *gen) tree(r collective.Request) collective.Tree {
	var out []ir.Level
	for s := 1; s < r.Parts && (s > 1 || g.coin(70)); {
		l := ir.Level{Size: 2 + g.Intn(3), Star: g.coin(40)}
		out, s = append(out, l), s*l.Size
		g.feats["tree"] = true
	}
	t := collective.New(r.Axis, r.Parts, out...)
	t.Turns = r.Spread == 1 && g.coin(60)
	return t
}

func try(seed int64) (g *gen, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	g, _ = random(seed)
	if err := ir.VerifyCanonical(g.p); err != nil {
		return g, err
	}
	mp, err := tomesh.Lower(g.p, g.ls, tomesh.Options{StreamReceives: seed%2 == 0, Tree: g.tree, Overlay: seed%3 == 1, Scratch: []int{0, 60}[seed/2%2]})
	if err != nil {
		return g, err
	}
	if v := route.Deadlock(mp, 1); v.Kind != route.Free {
		return g, fmt.Errorf("%v", v)
	}
	if err := mesh.Verify(mp); err != nil {
		return g, err
	}
	for _, c := range mp.Classes {
		for _, ops := range c.Funcs {
			for _, o := range ops {
				for _, s := range o.Src {
					if s.Kind == mesh.Chan && o.Dst.Kind == mesh.Memory && o.Code != ir.Read {
						g.feats["streamed"] = true
					}
				}
			}
		}
	}
	return g, agree(g.p, mp, g.Rand, map[string]float64{"c0": 0.3}, 2)
}

func TestRandomPrograms(t *testing.T) {
	var programs = 400
	if s, err := strconv.Atoi(os.Getenv("PROGRAMS")); err == nil {
		programs = s
	}
	count := map[string]int{}
	failed := 0
	for seed := range int64(programs) {
		g, err := try(seed)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			if failed++; failed == 10 {
				return
			}
			continue
		}
		for f := range g.feats {
			count[f]++
		}
	}
	for f, least := range map[string]int{"radius2": 30, "diagonal": 15, "uneven": 20, "periodic": 20, "ring": 20, "chain": 15,
		"multicast": 10, "tree": 15, "extend": 20, "pieces": 30, "index": 20} {
		if got := 100 * count[f] / programs; got < least {
			t.Errorf("only %d %% of the programs have %s", got, f)
		}
	}
	t.Log(count, compared, nans)
	if nans > compared/20 {
		t.Errorf("%d of %d elements are NaN", nans, compared)
	}
}
