package grad

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/passes"
)

func parse(t testing.TB, src string) *ir.Program {
	t.Helper()
	if !strings.HasPrefix(src, "wfir") {
		src = "wfir 1 program test " + src
	}
	p, err := ir.Parse("test", src)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type state map[string]*ir.Tensor

// draw fills every array that is not written by the function with values from draw; integers with small ones.
func draw(p *ir.Program, seed uint64, lo, hi float64) state {
	r := rand.New(rand.NewPCG(seed, 7))
	s := state{}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		t := ir.NewTensor(a.Elem, p.Shape(a)...)
		for k := range t.Len() {
			put(t, k, lo+(hi-lo)*r.Float64())
			if !a.Elem.IsFloat() {
				t.I32[k] = int32(r.IntN(4))
			}
		}
		s[a.Name] = t
	}
	return s
}

func put(t *ir.Tensor, k int, x float64) {
	switch {
	case t.F64 != nil:
		t.F64[k] = x
	case t.F32 != nil:
		t.F32[k] = float32(ir.RoundTo(t.Elem, x).F)
	}
}

// run executes functions on a state and returns the new one.
func run(t testing.TB, p *ir.Program, s state, fns ...string) state {
	t.Helper()
	m, err := interp.New(p)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	env, err := ir.EvalHost(p, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Scalars(env); err != nil {
		t.Fatal(err)
	}
	for i := range p.Arrays {
		if x := s[p.Arrays[i].Name]; x != nil {
			if err := m.Set(p.Arrays[i].Name, x); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, fn := range fns {
		if _, err := m.Run(context.Background(), fn, 1); err != nil {
			t.Fatalf("%v\n%s", err, ir.Print(p))
		}
	}
	out := state{}
	for i := range p.Arrays {
		if out[p.Arrays[i].Name], err = m.Get(p.Arrays[i].Name); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func dot(a, b *ir.Tensor) float64 {
	sum := 0.0
	for i := range a.Len() {
		sum += a.At(i) * b.At(i)
	}
	return sum
}

// outputs returns the arrays that a function sets and that hold floats.
func outputs(p *ir.Program, fn string) []string {
	var out []string
	for _, s := range p.Func(fn).Sets {
		if p.Array(s.Array).Elem.IsFloat() {
			out = append(out, s.Array)
		}
	}
	return out
}

// inputs returns the float arrays that a function does not set.
func inputs(p *ir.Program, fn string) []string {
	set := map[string]bool{}
	for _, s := range p.Func(fn).Sets {
		set[s.Array] = true
	}
	var out []string
	for i := range p.Arrays {
		if a := &p.Arrays[i]; a.Elem.IsFloat() && !set[a.Name] {
			out = append(out, a.Name)
		}
	}
	return out
}

// checkGradients compares reverse mode of function f with central differences, for every element of every float array that f reads, of
// J = sum of w*y over all arrays y that f sets, w random.
func checkGradients(t testing.TB, p *ir.Program, s state) {
	t.Helper()
	p = p.Clone()
	if err := Prepare(p, nil); err != nil {
		t.Fatal(err)
	}
	f := p.Func("f")
	outs, wrt := outputs(p, "f"), inputs(p, "f")
	var seeds []Seed
	for _, y := range outs {
		declare(p, y, "w."+y)
		for _, st := range f.Sets {
			if st.Array == y {
				seeds = append(seeds, Seed{st.Value, "@w." + y})
			}
		}
	}
	name, err := Reverse(p, Options{Func: "f", Wrt: wrt, Seeds: seeds})
	if err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	if err := ir.Verify(p); err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	w := draw(p, 99, -1, 1)
	for k, v := range s {
		w[k] = v
	}
	canon := p.Clone()
	if err := passes.Run(canon, &passes.Config{Verify: true}); err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	got := run(t, p, w, name)
	expanded := run(t, canon, run(t, canon, w, hosts(canon)...), name)
	value := func() float64 {
		sum := 0.0
		out := run(t, p, w, "f")
		for _, y := range outs {
			sum += dot(out[y], w["w."+y])
		}
		return sum
	}
	for _, x := range wrt {
		in, g := w[x], got[Gradient(x)]
		for k := range in.Len() {
			h := 1e-5
			if in.Elem != ir.F64 {
				h = 1e-2
			}
			old := in.At(k)
			put(in, k, old+h)
			up := in.At(k)
			hi := value()
			put(in, k, old-h)
			down := in.At(k)
			lo := value()
			put(in, k, old)
			want := (hi - lo) / (up - down)
			tol := 2e-7
			if in.Elem != ir.F64 {
				tol = 2e-2
			}
			if d := math.Abs(g.At(k) - want); !(d <= tol*(1+math.Abs(want))) {
				t.Errorf("d/d%s[%d] = %g, differences give %g\n%s", x, k, g.At(k), want, ir.Print(p))
				return
			}
			if e := expanded[Gradient(x)].At(k); !(math.Abs(e-want) <= tol*(1+math.Abs(want))) {
				t.Errorf("canonical: d/d%s[%d] = %g, differences give %g\n%s", x, k, e, want, ir.Print(canon))
				return
			}
		}
	}
}

// checkDot tests <J v, w> = <v, J^T w> for random v and w: forward mode against its transpose.
func checkDot(t testing.TB, p *ir.Program, s state, tol float64) {
	t.Helper()
	p = p.Clone()
	if err := Prepare(p, nil); err != nil {
		t.Fatal(err)
	}
	f := p.Func("f")
	outs, wrt := outputs(p, "f"), inputs(p, "f")
	var seeds []Seed
	for _, y := range outs {
		declare(p, y, "w."+y)
		for _, st := range f.Sets {
			if st.Array == y {
				seeds = append(seeds, Seed{st.Value, "@w." + y})
			}
		}
	}
	rev, err := Reverse(p, Options{Func: "f", Wrt: wrt, Seeds: seeds, Pure: true})
	if err != nil {
		t.Fatal(err)
	}
	fwd, err := Forward(p, Options{Func: "f", Wrt: wrt, Pure: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := ir.Verify(p); err != nil {
		t.Fatalf("%v\n%s", err, ir.Print(p))
	}
	w := draw(p, 5, -1, 1)
	for k, v := range s {
		w[k] = v
	}
	out := run(t, p, w, rev, fwd)
	left, right, size := 0.0, 0.0, 0.0
	for _, y := range outs {
		left += dot(out[Tangent(y)], w["w."+y])
		size += math.Sqrt(dot(out[Tangent(y)], out[Tangent(y)]) * dot(w["w."+y], w["w."+y]))
	}
	for _, x := range wrt {
		right += dot(w[Tangent(x)], out[Gradient(x)])
	}
	if !(math.Abs(left-right) <= tol*(1+size)) {
		t.Errorf("<Jv, w> = %g, <v, J'w> = %g\n%s", left, right, ir.Print(p))
	}
}

func hosts(p *ir.Program) []string {
	var out []string
	for i := range p.Funcs {
		if p.Funcs[i].Host {
			out = append(out, p.Funcs[i].Name)
		}
	}
	return out
}
