package tomesh_test

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/ir/mesh/exec"
	"github.com/wfc-lang/wfc/passes/tomesh"
	"github.com/wfc-lang/wfc/place"
)

// machine is a rectangle with memory.
type machine struct{ w, h, bytes int }

func (m machine) Extent() (int, int) { return m.w, m.h }
func (m machine) MemoryBytes() int   { return m.bytes }

// dag builds bodies.
type dag struct{ ir.Body }

func (g *dag) add(n ir.Node) int {
	if n.Elem == ir.NoElem {
		n.Elem = ir.F32
	}
	g.Nodes = append(g.Nodes, n)
	return len(g.Nodes) - 1
}

func (g *dag) op(c ir.Code, args ...int) int { return g.add(ir.Node{Op: c, Args: args}) }

func (g *dag) read(name string, at ...ir.Affine) int {
	return g.add(ir.Node{Op: ir.Read, Name: name, At: at})
}

func (g *dag) num(x float64) int { return g.add(ir.Node{Op: ir.Const, Imm: x}) }

// heat is seven-point diffusion: a value on the x faces, no flux through the others.
func heat(nx, ny, nz int) *ir.Program {
	p := &ir.Program{Name: "heat", Axes: []ir.Axis{{Name: "x", N: nx}, {Name: "y", N: ny}, {Name: "z", N: nz}},
		Arrays: []ir.Array{{Name: "T", Axes: []string{"x", "y", "z"}, Elem: ir.F32}}}
	n := []int{nx, ny, nz}
	idx := []string{"x", "y", "z"}
	at := func(off ...int) []ir.Affine {
		var a []ir.Affine
		for i, o := range off {
			a = append(a, ir.Affine{Index: idx[i], Off: o})
		}
		return a
	}
	f := ir.Func{Name: "step"}
	dom := []ir.Range{{Index: "x", Axis: "x", Hi: nx}, {Index: "y", Axis: "y", Hi: ny}, {Index: "z", Axis: "z", Hi: nz}}
	from := "@T"
	for d := range 3 {
		ext := append([]ir.Range{}, dom...)
		ext[d].Lo, ext[d].Hi = -1, n[d]+1
		box := func(lo, hi int) []ir.Interval {
			var b []ir.Interval
			for i, r := range ext {
				b = append(b, ir.Interval{Lo: r.Lo, Hi: r.Hi})
				if i == d {
					b[i] = ir.Interval{Lo: lo, Hi: hi}
				}
			}
			return b
		}
		ghost := func(off int) ir.Body {
			g := &dag{}
			o := []int{0, 0, 0}
			o[d] = off
			r := g.read(from, at(o...)...)
			if d == 0 {
				r = g.op(ir.Sub, g.num(2), r)
			}
			g.Results = []int{r}
			return g.Body
		}
		name := fmt.Sprintf("g%d", d)
		f.Ops = append(f.Ops, ir.Op{Kind: ir.Extend, Results: []ir.Result{{Name: name, Elem: ir.F32}}, Dom: ext, From: from,
			Pieces: []ir.Piece{{Box: box(-1, 0), Body: ghost(1)}, {Box: box(n[d], n[d]+1), Body: ghost(-1)}}})
		from, dom = "%"+name, ext
	}
	g := &dag{}
	sum := g.op(ir.Mul, g.add(ir.Node{Op: ir.Scalar, Name: "c0"}), g.read(from, at(0, 0, 0)...))
	for d := range 3 {
		for _, s := range []int{-1, 1} {
			o := []int{0, 0, 0}
			o[d] = s
			sum = g.op(ir.Add, sum, g.op(ir.Mul, g.add(ir.Node{Op: ir.Scalar, Name: "c1"}), g.read(from, at(o...)...)))
		}
	}
	g.Results = []int{sum}
	inner := []ir.Range{{Index: "x", Axis: "x", Hi: nx}, {Index: "y", Axis: "y", Hi: ny}, {Index: "z", Axis: "z", Hi: nz}}
	f.Ops = append(f.Ops, ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "new", Elem: ir.F32}}, Dom: inner,
		Pieces: []ir.Piece{{Box: []ir.Interval{{Hi: nx}, {Hi: ny}, {Hi: nz}}, Body: g.Body}}})
	f.Sets = []ir.Set{{Array: "T", Value: "%new"}}
	p.Funcs = []ir.Func{f}
	return p
}

func lower(t testing.TB, p *ir.Program, m machine, o place.Options) *mesh.Program {
	t.Helper()
	ls, err := place.Layouts(p, m, o)
	if err != nil {
		t.Fatal(err)
	}
	mp, err := tomesh.Lower(p, ls, tomesh.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return mp
}

// replay gives the reductions of p the orders that the mesh lowering chose.
func replay(p *ir.Program, mp *mesh.Program) {
	for _, o := range mp.Orders {
		f := p.Func(o.Func)
		for i := range f.Ops {
			for _, r := range f.Ops[i].Results {
				if r.Name == o.Value {
					f.Ops[i].Order = o.Order
				}
			}
		}
	}
}

// compared counts the elements that agree looked at, nans those that say little.
var compared, nans int

// agree runs p on the interpreter and the lowered program on the executor and compares every array bit by bit.
func agree(p *ir.Program, mp *mesh.Program, rnd *rand.Rand, env map[string]float64, steps int) error {
	replay(p, mp)
	a, err := interp.New(p)
	if err != nil {
		return err
	}
	b, err := exec.New(mp, p)
	if err != nil {
		return err
	}
	for i := range p.Arrays {
		t := ir.NewTensor(p.Arrays[i].Elem, p.Shape(&p.Arrays[i])...)
		for k := range t.F32 {
			t.F32[k] = ieee.RoundHalf(rnd.NormFloat64())
		}
		for k := range t.I32 {
			t.I32[k] = int32(rnd.Intn(2))
		}
		if err := a.Set(p.Arrays[i].Name, t); err != nil {
			return err
		}
		if err := b.Set(p.Arrays[i].Name, t); err != nil {
			return err
		}
	}
	ctx := context.Background()
	a.Scalars(env)
	b.Scalars(env)
	for range steps {
		for _, f := range p.Funcs {
			if f.Host {
				continue
			}
			if _, err := a.Run(ctx, f.Name, 1); err != nil {
				return fmt.Errorf("interpreter: %w", err)
			}
			if _, err := b.Run(ctx, f.Name, 1); err != nil {
				return fmt.Errorf("mesh: %w", err)
			}
		}
		for i := range p.Arrays {
			x := &p.Arrays[i]
			if x.Const {
				continue
			}
			want, err := a.Get(x.Name)
			if err != nil {
				return err
			}
			got, err := b.Get(x.Name)
			if err != nil {
				return err
			}
			for k := range want.Len() {
				u, v := want.At(k), got.At(k)
				compared++
				if u != u {
					nans++
				}
				if math.Float64bits(u) != math.Float64bits(v) && !(u != u && v != v) {
					return fmt.Errorf("@%s element %d of shape %v: interpreter %v, mesh %v", x.Name, k, want.Dims, u, v)
				}
			}
		}
	}
	return nil
}

func TestHeat(t *testing.T) {
	env := map[string]float64{"c0": 0.4, "c1": 0.1}
	for _, m := range []machine{{8, 8, 0}, {3, 2, 0}, {5, 1, 0}, {1, 1, 0}, {2, 8, 0}} {
		p := heat(5, 6, 7)
		if err := agree(p, lower(t, p, m, place.Options{}), rand.New(rand.NewSource(1)), env, 3); err != nil {
			t.Errorf("%v: %v", m, err)
		}
	}
}

// Patterns with folds, diagonals, wide halos and reductions: the classes of a small and of a full mesh are equally many.
func TestClassesDoNotGrow(t *testing.T) {
	patterns := map[string]func(nx, ny int) *ir.Program{
		"heat": func(nx, ny int) *ir.Program { return heat(nx, ny, 100) },
		"wide": func(nx, ny int) *ir.Program { return wide(nx, ny, false) },
		"ring": func(nx, ny int) *ir.Program { return wide(nx, ny, true) },
	}
	for name, pattern := range patterns {
		start := time.Now()
		large := lower(t, pattern(750, 994), machine{750, 994, 0}, place.Options{})
		if d := time.Since(start); d > time.Second {
			t.Errorf("%s: lowering took %v", name, d)
		}
		small := lower(t, pattern(24, 24), machine{750, 994, 0}, place.Options{})
		if len(large.Classes) != len(small.Classes) {
			t.Errorf("%s: %d classes for 750 x 994, %d for 24 x 24", name, len(large.Classes), len(small.Classes))
		}
		if name == "heat" && len(large.Classes) != 9 || len(large.Classes) > 100 {
			t.Errorf("%s: %d classes", name, len(large.Classes))
		}
		// blocks of several points, uneven along both axes
		large = lower(t, pattern(2*750+100, 3*994+7), machine{750, 994, 0}, place.Options{})
		small = lower(t, pattern(2*24+8, 3*24+7), machine{24, 24, 0}, place.Options{})
		if len(large.Classes) > len(small.Classes) {
			t.Errorf("%s: %d classes for 750 x 994 uneven blocks, %d for 24 x 24", name, len(large.Classes), len(small.Classes))
		}
	}
}

// wide reads at (3, -2) and (-4, 0), sums the result over both axes and subtracts the sum; without wraps on an inner region only.
func wide(nx, ny int, periodic bool) *ir.Program {
	p := &ir.Program{Name: "wide", Axes: []ir.Axis{{Name: "x", N: nx, Periodic: periodic}, {Name: "y", N: ny, Periodic: periodic}},
		Arrays: []ir.Array{{Name: "T", Axes: []string{"x", "y"}, Elem: ir.F32}}}
	dom := []ir.Range{{Index: "i", Axis: "x", Hi: nx}, {Index: "j", Axis: "y", Hi: ny}}
	at := func(di, dj int) []ir.Affine { return []ir.Affine{{Index: "i", Off: di}, {Index: "j", Off: dj}} }
	body := func(f func(g *dag) int) ir.Body {
		g := &dag{}
		g.Results = []int{f(g)}
		return g.Body
	}
	box := func(x0, x1, y0, y1 int) []ir.Interval { return []ir.Interval{{Lo: x0, Hi: x1}, {Lo: y0, Hi: y1}} }
	far := body(func(g *dag) int { return g.op(ir.Sub, g.read("@T", at(3, -2)...), g.read("@T", at(-4, 0)...)) })
	m := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "m", Elem: ir.F32}}, Dom: dom, Pieces: []ir.Piece{{Box: box(0, nx, 0, ny), Body: far}}}
	if !periodic {
		keep := body(func(g *dag) int { return g.read("@T", at(0, 0)...) })
		m.Pieces = []ir.Piece{{Box: box(4, nx-3, 2, ny), Body: far}, {Box: box(0, 4, 0, ny), Body: keep},
			{Box: box(nx-3, nx, 0, ny), Body: keep}, {Box: box(4, nx-3, 0, 2), Body: keep}}
	}
	sum := ir.Op{Kind: ir.Reduce, Results: []ir.Result{{Name: "s", Elem: ir.F32}}, Over: dom,
		Pieces: []ir.Piece{{Box: box(0, nx, 0, ny), Body: body(func(g *dag) int { return g.read("%m", at(0, 0)...) })}}}
	diff := ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: "d", Elem: ir.F32}}, Dom: dom, Pieces: []ir.Piece{{Box: box(0, nx, 0, ny),
		Body: body(func(g *dag) int { return g.op(ir.Sub, g.read("%m", at(0, 0)...), g.read("%s")) })}}}
	p.Funcs = []ir.Func{{Name: "step", Ops: []ir.Op{m, sum, diff}, Sets: []ir.Set{{Array: "T", Value: "%d"}}}}
	return p
}

func TestWide(t *testing.T) {
	for _, periodic := range []bool{false, true} {
		for _, m := range []machine{{24, 24, 0}, {5, 3, 0}, {13, 7, 0}} {
			p := wide(13, 11, periodic)
			if err := agree(p, lower(t, p, m, place.Options{}), rand.New(rand.NewSource(2)), nil, 2); err != nil {
				t.Errorf("%v, periodic %v: %v", m, periodic, err)
			}
		}
	}
}

// A ring needs no halo columns when receives stream into their only reader; walls need theirs for the ghosts.
func TestStreamedColumnsNeedNoMemory(t *testing.T) {
	halos := func(p *ir.Program, streams bool) (n int) {
		ls, err := place.Layouts(p, machine{8, 8, 0}, place.Options{})
		if err != nil {
			t.Fatal(err)
		}
		mp, err := tomesh.Lower(p, ls, tomesh.Options{StreamReceives: streams})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range mp.Arrays {
			if a.Kind == mesh.Halo {
				n++
			}
		}
		return n
	}
	ring := heat(6, 6, 5)
	ring.Axes[0].Periodic, ring.Axes[1].Periodic, ring.Axes[2].Periodic = true, true, true
	f := &ring.Funcs[0]
	f.Ops = f.Ops[3:]
	for i := range f.Ops[0].Pieces[0].Body.Nodes {
		if n := &f.Ops[0].Pieces[0].Body.Nodes[i]; n.Op == ir.Read {
			n.Name = "@T"
		}
	}
	for _, c := range []struct {
		p       *ir.Program
		streams bool
		want    int
	}{{ring, false, 4}, {ring, true, 0}, {heat(6, 6, 5), true, 4}} {
		if got := halos(c.p, c.streams); got != c.want {
			t.Errorf("%d halo columns, want %d (streams %v)", got, c.want, c.streams)
		}
	}
}
