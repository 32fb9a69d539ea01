package interp

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
	"pgregory.net/rapid"
)

func parse(t testing.TB, src string) *ir.Program {
	t.Helper()
	p, err := ir.Parse("test.wfir", "wfir 1 program test "+src)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// exec verifies p, sets the arrays, runs function "f" n times and returns all arrays.
func exec(t testing.TB, p *ir.Program, n int, in map[string]*ir.Tensor) map[string]*ir.Tensor {
	t.Helper()
	if err := ir.VerifyCanonical(p); err != nil {
		t.Fatal(err)
	}
	m, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	env, err := ir.EvalHost(p, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Scalars(env)
	for _, a := range p.Arrays {
		if in[a.Name] != nil {
			if err := m.Set(a.Name, in[a.Name]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if done, err := m.Run(context.Background(), "f", n); err != nil || done != n {
		t.Fatal(err)
	}
	out := map[string]*ir.Tensor{}
	for _, a := range p.Arrays {
		if out[a.Name], err = m.Get(a.Name); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func tensor(e ir.Elem, dims []int, f func(i int) float64) *ir.Tensor {
	t := ir.NewTensor(e, dims...)
	v := vec{elem: e, f32: t.F32, f64: t.F64, i32: t.I32}
	for i := range t.Len() {
		x := ir.RoundTo(e, f(i))
		v.set(i, x)
	}
	return t
}

// An asymmetric 3-D shift: every axis, wrap, ghost and box in its place.
func TestShift3D(t *testing.T) {
	p := parse(t, `axis x 5 cells lo 0 h 1 axis y 7 cells periodic lo 0 h 1 axis z 300 cells periodic lo 0 h 1
	array @T[x, y, z] f32
	func f {
	  extend %g f32 [x in x -2..5, y in y 0..7, z in z 0..300] from @T {
	    box [-2..0, 0..7, 0..300] $0 = index i32 x $1 = cvt f32 $0 yield $1
	  }
	  map %n f32 [x in x 0..5, y in y 0..7, z in z 0..300] {
	    box [0..5, 0..3, 0..300] $0 = read f32 %g[x-2, y-3, z+299] yield $0
	    box [0..5, 3..7, 0..300] $0 = read f32 %g[x, y+9, z-301] yield $0
	  }
	  set @T = %n
	}`)
	at := func(x, y, z int) float64 {
		if x < 0 {
			return float64(x)
		}
		return float64(10000*x + 1000*((y%7+7)%7) + (z%300+300)%300)
	}
	in := tensor(ir.F32, []int{5, 7, 300}, func(i int) float64 { return at(i/2100, i/300%7, i%300) })
	got := exec(t, p, 1, map[string]*ir.Tensor{"T": in})["T"]
	for i := range got.Len() {
		x, y, z := i/2100, i/300%7, i%300
		want := at(x, y+9, z-301)
		if y < 3 {
			want = at(x-2, y-3, z+299)
		}
		if got.At(i) != want {
			t.Fatalf("[%d,%d,%d] = %g, want %g", x, y, z, got.At(i), want)
		}
	}
}

// Sets take effect together: a swap needs both old values; reading @T after the function's start sees the old one.
func TestSetsTogether(t *testing.T) {
	p := parse(t, `axis x 3 cells lo 0 h 1 array @a[x] f32 array @b[x] f32 array @c[x] f32 array @n[] i32
	func f {
	  map %m i32 [] { box [] $0 = read i32 @n[] $1 = const i32 1 $2 = add i32 $0, $1 yield $2 }
	  map %d f32 [i in x 0..3] { box [0..3] $0 = read f32 @a[2] $1 = read i32 %m[] $2 = cvt f32 $1 $3 = mul f32 $0, $2 yield $3 }
	  set @a = @b set @b = @a set @c = %d set @n = %m
	}`)
	in := map[string]*ir.Tensor{"a": tensor(ir.F32, []int{3}, func(i int) float64 { return float64(i) }),
		"b": tensor(ir.F32, []int{3}, func(i int) float64 { return 10 + float64(i) })}
	out := exec(t, p, 3, in)
	for i := range 3 {
		// n is 1, 2, 3 and a[2] is 2, 12, 2.
		if out["a"].At(i) != 10+float64(i) || out["b"].At(i) != float64(i) || out["c"].At(i) != 6 || out["n"].At(0) != 3 {
			t.Fatalf("a %v b %v c %v n %v", out["a"].F32, out["b"].F32, out["c"].F32, out["n"].I32)
		}
	}
	if in["a"].F32[1] != 1 {
		t.Error("the input tensor was changed")
	}
}

// Values whose storage is reused, together with one that a set takes and reads of the array it replaces.
func TestStorageReuse(t *testing.T) {
	m := func(name, body string) string {
		return "map %" + name + " f32 [x in x 0..4] { box [0..4] " + body + " }\n"
	}
	p := parse(t, `axis x 4 cells lo 0 h 1 array @T[x] f32 array @U[x] f32 func f {`+
		m("a", "$0 = read f32 @T[x] $1 = const f32 1 $2 = add f32 $0, $1 yield $2")+
		m("u", "$0 = read f32 %a[x] $1 = read f32 %a[0] $2 = mul f32 $0, $1 yield $2")+ // a dies here, u is set
		m("b", "$0 = read f32 %u[x] $1 = read f32 @T[x] $2 = add f32 $0, $1 yield $2")+ // takes a's storage
		m("dead", "$0 = read f32 %b[x] yield $0")+
		m("c", "$0 = read f32 %b[3] $1 = read f32 %b[x] $2 = sub f32 $0, $1 yield $2")+
		m("d", "$0 = read f32 %c[x] $1 = read f32 @T[3] $2 = mul f32 $0, $1 yield $2")+
		"set @U = %u set @T = %d }")
	T, U := []float32{1, 2, 3, 5}, make([]float32, 4)
	out := exec(t, p, 3, map[string]*ir.Tensor{"T": tensor(ir.F32, []int{4}, func(i int) float64 { return float64(T[i]) })})
	for range 3 {
		var b, d [4]float32
		for i := range T {
			U[i] = (T[i] + 1) * (T[0] + 1)
			b[i] = U[i] + T[i]
		}
		for i := range T {
			d[i] = (b[3] - b[i]) * T[3]
		}
		copy(T, d[:])
	}
	for i := range T {
		if out["T"].F32[i] != T[i] || out["U"].F32[i] != U[i] {
			t.Fatalf("T %v U %v, want %v and %v", out["T"].F32, out["U"].F32, T, U)
		}
	}
}

// Every operation on every type agrees with ir.Apply: the vector forms are the scalar definition.
func TestVectorOpsAreApply(t *testing.T) {
	special := []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 65504, 1e-7, 1e-41, 3e38, math.Inf(1), math.Inf(-1), math.NaN(), 2.5, -3.7}
	rapid.Check(t, func(t *rapid.T) {
		code := ir.Code(rapid.IntRange(int(ir.Neg), int(ir.Tanh)).Draw(t, "op"))
		elems := []ir.Elem{ir.Bool, ir.I32, ir.I64, ir.F16, ir.F32, ir.F64}
		e := rapid.SampledFrom(elems).Draw(t, "elem")
		n := ir.Node{Op: code, Elem: e}
		in := make([]ir.Elem, ir.Arity(code))
		for k := range in {
			in[k] = e
		}
		switch code {
		case ir.Lt, ir.Le, ir.Eq, ir.Ne:
			n.Elem = ir.Bool
		case ir.Select:
			in[0] = ir.Bool
		case ir.Cvt, ir.Bitcast:
			in[0] = rapid.SampledFrom(elems).Draw(t, "from")
		}
		args := make([]vec, len(in))
		vals := make([]ir.Val, len(in))
		const m = 40
		want := make([]ir.Val, m)
		for k := range in {
			args[k] = newVec(in[k], chunk)
		}
		for i := range m {
			for k := range in {
				x := rapid.OneOf(rapid.SampledFrom(special), rapid.Float64()).Draw(t, "x")
				if in[k] == ir.I64 || in[k] == ir.I32 {
					args[k].set(i, ir.Val{I: rapid.Int64().Draw(t, "i")})
				} else {
					args[k].set(i, ir.RoundTo(in[k], x))
				}
				vals[k] = args[k].get(i)
			}
			v, err := ir.Apply(&n, in, vals)
			if err != nil {
				d := newVec(n.Elem, chunk)
				if _, err2 := instruction(&n, d, args); err2 == nil && i == 0 {
					t.Fatalf("%s %s has a vector form but no meaning: %v", code, e, err)
				}
				return
			}
			want[i] = v
		}
		c := &oneOp{}
		d := c.eval(t, &n, args)
		for i := range m {
			got := d.get(i)
			if math.Float64bits(got.F) != math.Float64bits(want[i].F) && !(got.F != got.F && want[i].F != want[i].F) || got.I != want[i].I {
				t.Fatalf("%s %s: point %d: %v, want %v", code, n.Elem, i, got, want[i])
			}
		}
	})
}

type oneOp struct{ code }

// eval runs one node as compile would.
func (c *oneOp) eval(t *rapid.T, n *ir.Node, args []vec) vec {
	s := &scope{}
	d := newVec(n.Elem, chunk)
	if err := s.node(&c.code, n, d, args); err != nil {
		t.Fatal(err)
	}
	for _, op := range c.ops {
		op(40)
	}
	return d
}

func TestErrors(t *testing.T) {
	head := `axis x 4 cells lo 0 h 1 array @T[x] f32 `
	for _, tc := range []struct{ src, want string }{
		{`func f { map %a f32 [x in x 0..4] { box [0..4] $0 = read f32 @T[x+1] yield $0 } }`, "reads 1..5 of axis x, which holds 0..4"},
		{`func f { map %a f32 [x in x 0..4] { box [0..4] $0 = read f32 @T[x] $1 = deriv f32 $0 along x order 1 acc 2 yield $1 } }`, "discretise"},
		{`func f { map %a f32 [x in x 0..4] { box [0..4] $0 = scalar f32 q yield $0 } }`, `"q" has no value`},
		{`func f { map %a f32 [x in x 0..4] { box [0..5] $0 = read f32 @T[0] yield $0 } }`, "outside the domain"},
		{`func f { map %a f32 [x in x 0..4] { box [0..4] $0 = read f32 @T[0] $1 = exp f64 $0 yield $1 } }`, "argument is f32"},
		{`func f { map %a f32 [x in x 0..4] { box [0..4] $0 = read f32 %b[0] yield $0 } }`, "not defined"},
		{`func f { map %a f32 [x in x 0..4] { box [0..4] $0 = const i32 1 yield $0 } }`, "yields i32"},
		{`func f { map %a f32 [x in x 0..3] { box [0..3] $0 = const f32 1 yield $0 } set @T = %a }`, "shape differs"},
		{`func f { map %a f32 [x in x 0..1099511627776] { box [0..3] $0 = const f32 1 yield $0 } set @T = %a }`, "more than"},
		{`func f { reduce %a f32 [] over [] sum order seq { box [] $0 = const f32 1 yield $0 } }`, "nothing to reduce"},
		{`func f { reduce %a f32 [] over [x in x 0..4] sum fma order seq { box [0..4] $0 = const f32 1 yield $0 } }`, "needs a product"},
		{`func f { reduce %a f32 [] over [x in x 0..4] sum order mesh(y 2) { box [0..4] $0 = const f32 1 yield $0 } }`, "no axis"},
		{`func g { }`, "no function"},
		{`func f { map %a f32 [] { box [] $0 = const f32 1 yield $0 } map %a f32 [] { box [] $0 = const f32 1 yield $0 } }`, "assigned twice"},
	} {
		m, err := New(parse(t, head+tc.src))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = m.Run(context.Background(), "f", 1); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want .. %s", tc.src, err, tc.want)
		}
	}
	if _, err := New(parse(t, `axis x 2147483648 cells lo 0 h 1 array @a[x] f32 array @b[x] f32 array @c[x] f32`)); err == nil ||
		!strings.Contains(err.Error(), "GiB") {
		t.Errorf("24 GiB of arrays: %v", err)
	}
	m, _ := New(parse(t, head))
	for _, err := range []error{m.Set("U", ir.NewTensor(ir.F32, 4)), m.Set("T", ir.NewTensor(ir.F64, 4)), m.Set("T", ir.NewTensor(ir.F32, 5)),
		m.Set("T", &ir.Tensor{Elem: ir.F32, Dims: []int{4}})} {
		if err == nil {
			t.Error("a wrong tensor is accepted")
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m, _ = New(parse(t, head+"func f { set @T = @T }"))
	if _, err := m.Run(ctx, "f", 1); err != context.Canceled {
		t.Errorf("cancelled run: %v", err)
	}
}

func TestRunHost(t *testing.T) {
	p := parse(t, `axis x 3 nodes lo 1 h 0.5 array @K[x] f16 const file "k.npy" array @T[x] f32
	func init host {
	  map %t f32 [i in x 0..3] {
	    box [0..3] $0 = coord f64 i $1 = read f16 @K[i] $2 = cvt f64 $1 $3 = mul f64 $0, $2 $4 = cvt f32 $3 yield $4
	  }
	  set @T = %t
	}`)
	if _, err := RunHost(p, nil, nil); err == nil || !strings.Contains(err.Error(), "k.npy") {
		t.Errorf("missing file: %v", err)
	}
	out, err := RunHost(p, nil, map[string]*ir.Tensor{"K": tensor(ir.F64, []int{3}, func(i int) float64 { return float64(i) + 1.0/3 })})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		k := float64(ieee.RoundHalf(float64(i) + 1.0/3))
		if out["K"].At(i) != k || out["T"].At(i) != float64(float32((1+0.5*float64(i))*k)) {
			t.Fatalf("K %v T %v", out["K"].F32, out["T"].F32)
		}
	}
}

// Results do not depend on how many workers there are.
func TestWorkersAgree(t *testing.T) {
	p := ringHeat(1<<16, ir.F32)
	k := fmt.Sprint(workers())
	m, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	m.Scalars(map[string]float64{"c": 0.2})
	in := tensor(ir.F32, []int{1 << 16}, func(i int) float64 { return math.Sin(float64(i * i)) })
	m.Set("T", in)
	m.Run(context.Background(), "step", 1)
	got, _ := m.Get("T")
	for i := range in.F32 {
		n := len(in.F32)
		w, e, x := in.F32[(i+n-1)%n], in.F32[(i+1)%n], in.F32[i]
		lap := float32(w-float32(2*x)) + e
		if want := x + float32(float32(0.2)*lap); got.F32[i] != want {
			t.Fatalf("%s workers: T[%d] = %g, want %g", k, i, got.F32[i], want)
		}
	}
}
