package passes

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
)

// prog builds test programs: axes with nodes or cells, arrays over all axes, one device function "step".
type prog struct {
	*ir.Program
	elem ir.Elem
	sum  string // a value over y that random expressions may read
}

func newProg(e ir.Elem, axes ...ir.Axis) *prog {
	p := &prog{Program: &ir.Program{Name: "test", Axes: axes}, elem: e}
	p.Funcs = []ir.Func{{Name: "init", Host: true}, {Name: "step"}}
	return p
}

func cells(name string, n int, lo, hi float64) ir.Axis {
	return ir.Axis{Name: name, N: n, Lo: lo, H: (hi - lo) / float64(n)}
}

func nodes(name string, n int, lo, hi float64) ir.Axis {
	return ir.Axis{Name: name, N: n, Lo: lo, H: (hi - lo) / float64(n-1), Nodes: true}
}

func ring(name string, n int, lo, hi float64) ir.Axis {
	a := cells(name, n, lo, hi)
	a.Periodic = true
	return a
}

func (p *prog) names() []string {
	var out []string
	for _, a := range p.Axes {
		out = append(out, a.Name)
	}
	return out
}

func (p *prog) dom() ([]ir.Range, []ir.Interval) {
	var d []ir.Range
	var b []ir.Interval
	for _, a := range p.Axes {
		d = append(d, ir.Range{Index: a.Name, Axis: a.Name, Hi: a.N})
		b = append(b, ir.Interval{Hi: a.N})
	}
	return d, b
}

func (p *prog) at(off ...int) []ir.Affine {
	var out []ir.Affine
	for k, a := range p.Axes {
		o := 0
		if k < len(off) {
			o = off[k]
		}
		out = append(out, ir.At(a.Name, o))
	}
	return out
}

func (p *prog) array(name string) {
	p.Arrays = append(p.Arrays, ir.Array{Name: name, Axes: p.names(), Elem: p.elem})
}

// bc adds a condition with a constant.
func (p *prog) bc(array, axis string, high bool, k ir.BCKind, v float64) {
	var b ir.BodyBuilder
	a := p.Array(array)
	a.BC = append(a.BC, ir.Boundary{Axis: axis, High: high, Kind: k, Body: b.Body(b.Const(p.elem, v))})
}

func (p *prog) host(name string, v float64) {
	p.Params = append(p.Params, ir.Param{Name: name, Value: v})
	var b ir.BodyBuilder
	p.Host = append(p.Host, ir.HostDef{Name: name, Body: b.Body(b.Param(name))})
}

// op appends a map over the whole box to step; f builds its result.
func (p *prog) op(name string, f func(b *ir.BodyBuilder) int) {
	var b ir.BodyBuilder
	r := f(&b)
	d, box := p.dom()
	s := p.Func("step")
	s.Ops = append(s.Ops, ir.Op{Results: []ir.Result{{Name: name, Elem: b.Elem(r)}}, Dom: d, Pieces: []ir.Piece{{Box: box, Body: b.Body(r)}}})
}

func (p *prog) set(array, value string) {
	s := p.Func("step")
	s.Sets = append(s.Sets, ir.Set{Array: array, Value: value})
}

func (p *prog) read(b *ir.BodyBuilder, name string, off ...int) int {
	return b.Read(p.elem, name, p.at(off...)...)
}

// canonical runs the table with the verifier on.
func canonical(t testing.TB, p *ir.Program) *ir.Program {
	t.Helper()
	c, err := Canonical(p)
	if err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	return c
}

// shuffled runs the table, shuffling the operations of every function before every pass.
func shuffled(t testing.TB, p *ir.Program, seed uint64) *ir.Program {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	c := p.Clone()
	err := Run(c, &Config{Verify: true, Before: func(_ string, p *ir.Program) {
		for i := range p.Funcs {
			shuffle(&p.Funcs[i], rng)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// shuffle puts operations into a random order in which definitions still come before uses.
func shuffle(f *ir.Func, rng *rand.Rand) {
	g := newFuser(f).dependences()
	left := make([]int, len(f.Ops))
	for i := range left {
		left[i] = len(g[i])
	}
	var out []ir.Op
	done := make([]bool, len(f.Ops))
	for len(out) < len(f.Ops) {
		var ready []int
		for i := range f.Ops {
			if !done[i] && left[i] == 0 {
				ready = append(ready, i)
			}
		}
		k := ready[rng.IntN(len(ready))]
		done[k] = true
		out = append(out, f.Ops[k])
		for i := range g {
			for _, d := range g[i] {
				if d == k {
					left[i]--
				}
			}
		}
	}
	f.Ops = out
}

// run sets the arrays, executes step n times and returns all arrays.
func run(t testing.TB, p *ir.Program, init map[string]*ir.Tensor, params map[string]float64, n int) map[string]*ir.Tensor {
	t.Helper()
	env, err := ir.EvalHost(p, params, nil)
	if err != nil {
		t.Fatal(err)
	}
	host := runHost(t, p, env)
	m, err := interp.New(p)
	if err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	defer m.Close()
	if err := m.Scalars(env); err != nil {
		t.Fatal(err)
	}
	for i := range p.Arrays {
		name := p.Arrays[i].Name
		v := init[name]
		if v == nil {
			v = host[name]
		}
		if v == nil {
			t.Fatalf("array %s has no value", name)
		}
		if err := m.Set(name, v); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Run(context.Background(), "step", n); err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	out := map[string]*ir.Tensor{}
	for i := range p.Arrays {
		v, err := m.Get(p.Arrays[i].Name)
		if err != nil {
			t.Fatal(err)
		}
		out[p.Arrays[i].Name] = v
	}
	return out
}

// fill makes the tensor of an array by calling f with indices.
func fill(p *ir.Program, name string, f func(at []int) float64) *ir.Tensor {
	a := p.Array(name)
	t := ir.NewTensor(a.Elem, p.Shape(a)...)
	at := make([]int, len(t.Dims))
	for k := range t.Len() {
		r := k
		for d := len(at) - 1; d >= 0; d-- {
			at[d] = r % t.Dims[d]
			r /= t.Dims[d]
		}
		v := ir.RoundTo(a.Elem, f(at))
		switch {
		case t.F64 != nil:
			t.F64[k] = v.F
		case t.F32 != nil:
			t.F32[k] = float32(v.F)
		default:
			t.I32[k] = int32(v.I)
		}
	}
	return t
}

func runHost(t testing.TB, p *ir.Program, env map[string]float64) map[string]*ir.Tensor {
	t.Helper()
	host, err := interp.RunHost(p, env, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	return host
}
