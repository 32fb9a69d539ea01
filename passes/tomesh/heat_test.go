package tomesh_test

import (
	"context"
	"fmt"
	"math"
	"math/rand"
	"testing"
	"time"

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
			t.F32[k] = ir.RoundF16(rnd.NormFloat64())
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
			if err := a.Run(ctx, f.Name, 1); err != nil {
				return fmt.Errorf("interpreter: %w", err)
			}
			if err := b.Run(ctx, f.Name, 1); err != nil {
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

func TestClassesDoNotGrow(t *testing.T) {
	p := heat(750, 994, 100)
	start := time.Now()
	large := lower(t, p, machine{750, 994, 0}, place.Options{})
	if d := time.Since(start); d > time.Second {
		t.Errorf("lowering took %v", d)
	}
	small := lower(t, heat(8, 8, 100), machine{750, 994, 0}, place.Options{})
	if len(large.Classes) != len(small.Classes) || len(large.Classes) != 9 {
		t.Errorf("%d classes for 750 x 994, %d for 8 x 8, expected 9", len(large.Classes), len(small.Classes))
	}
}
