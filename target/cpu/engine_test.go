package cpu

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

var toolchains = sync.OnceValue(native.All)

// eachToolchain runs f with every LLVM of this machine.
func eachToolchain(t *testing.T, f func(t *testing.T, tc *native.Toolchain)) {
	t.Helper()
	needsLLVM(t)
	for _, tc := range toolchains() {
		t.Run(label(tc), func(t *testing.T) { f(t, tc) })
	}
}

// label names a tool chain in the name of a test.
func label(tc *native.Toolchain) string {
	if tc.Clang != "" {
		return fmt.Sprintf("clang%d", tc.Version)
	}
	return fmt.Sprintf("opt%d", tc.Version)
}

// sample fills a tensor with values that make rounding visible; for integers with all kinds of bits.
func sample(e ir.Elem, dims []int, seed uint64) *ir.Tensor {
	r := rand.New(rand.NewPCG(seed, 7))
	t := ir.NewTensor(e, dims...)
	for i := range t.F32 {
		t.F32[i] = r.Float32()*4 - 2
		if e == ir.F16 {
			t.F32[i] = ieee.RoundHalf32(t.F32[i])
		}
	}
	for i := range t.F64 {
		t.F64[i] = r.Float64()*4 - 2
	}
	for i := range t.I32 {
		t.I32[i] = int32(r.Uint32())
		if e == ir.Bool {
			t.I32[i] &= 1
		}
	}
	return t
}

type machine interface {
	Set(string, *ir.Tensor) error
	Get(string) (*ir.Tensor, error)
	Scalars(map[string]float64) error
	Run(context.Context, string, int) (int, error)
	Close() error
}

// start gives a machine its inputs.
func start(t *testing.T, m machine, p *ir.Program, in map[string]*ir.Tensor) {
	t.Helper()
	env, err := ir.EvalHost(p, nil, nil)
	check(t, err)
	check(t, m.Scalars(env))
	for i := range p.Arrays {
		a := &p.Arrays[i]
		x := in[a.Name]
		if x == nil {
			x = sample(a.Elem, p.Shape(a), uint64(i)+1)
		}
		check(t, m.Set(a.Name, x))
	}
}

// proceed runs n iterations of a function.
func proceed(t *testing.T, m machine, fn string, n int) {
	t.Helper()
	if done, err := m.Run(context.Background(), fn, n); err != nil || done != n {
		t.Fatalf("%d of %d iterations of %s: %v", done, n, fn, err)
	}
}

// needsLLVM skips a test where there is none.
func needsLLVM(t testing.TB) {
	t.Helper()
	if len(toolchains()) == 0 {
		t.Skip("no LLVM on this machine: the CPU target is not tested")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open loads a program. Kernels are divided from a work of divide; 0 means as in production.
func open(t *testing.T, p *ir.Program, tc *native.Toolchain, threads, divide int) *Engine {
	t.Helper()
	check(t, ir.VerifyCanonical(p))
	e, err := newEngine(p, tc, Options{Threads: threads, divide: divide})
	check(t, err)
	t.Cleanup(func() { check(t, e.Close()) })
	return e
}

// sameAsInterpreter runs functions on the CPU with several numbers of threads and on the interpreter, and compares all arrays bit by bit.
func sameAsInterpreter(t *testing.T, tc *native.Toolchain, p *ir.Program, steps int, in map[string]*ir.Tensor, funcs ...string) {
	t.Helper()
	ref, err := interp.New(p)
	check(t, err)
	defer ref.Close()
	start(t, ref, p, in)
	for _, f := range funcs {
		proceed(t, ref, f, steps)
	}
	for _, threads := range []int{1, 3} {
		e := open(t, p, tc, threads, 1<<10)
		start(t, e, p, in)
		for _, f := range funcs {
			proceed(t, e, f, steps)
		}
		for i := range p.Arrays {
			name := p.Arrays[i].Name
			want, err := ref.Get(name)
			check(t, err)
			got, err := e.Get(name)
			check(t, err)
			compare(t, name, threads, got, want)
		}
	}
}

func compare(t *testing.T, name string, threads int, got, want *ir.Tensor) {
	t.Helper()
	wrong := 0
	for k := range want.Len() {
		g, w := got.At(k), want.At(k)
		if math.Float64bits(g) != math.Float64bits(w) && !(g != g && w != w) {
			if wrong++; wrong <= 3 {
				t.Errorf("%s, %d threads: element %d is %v (%x), want %v (%x)", name, threads, k, g, math.Float64bits(g), w, math.Float64bits(w))
			}
		}
	}
	if wrong > 3 {
		t.Errorf("%s, %d threads: %d elements of %d differ", name, threads, wrong, want.Len())
	}
}

func TestHeat(t *testing.T) {
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		for _, n := range [][]int{{1000}, {5}, {70, 90}, {40, 33, 150}} {
			for _, e := range []ir.Elem{ir.F32, ir.F64, ir.F16} {
				if tc != toolchains()[0] && e != ir.F32 && len(n) != 2 {
					continue
				}
				sameAsInterpreter(t, tc, heatProgram(e, n...), 3, nil, "step")
			}
		}
	})
}

func TestNoToolchain(t *testing.T) {
	_, err := New(heatProgram(ir.F32, 8), Options{Tool: "no-such-clang"})
	if !errors.Is(err, native.ErrNoToolchain) {
		t.Fatalf("got %v", err)
	}
}

// bench runs function f of p with every LLVM and reports points per second.
func bench(b *testing.B, p *ir.Program, f string, points int) {
	needsLLVM(b)
	for _, tc := range toolchains() {
		for _, threads := range []int{1, runtime.GOMAXPROCS(0)} {
			b.Run(fmt.Sprintf("%s/threads=%d", label(tc), threads), func(b *testing.B) {
				e, err := newEngine(p, tc, Options{Threads: threads})
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				env, err := ir.EvalHost(p, nil, nil)
				if err == nil {
					err = e.Scalars(env)
				}
				for i := range p.Arrays {
					a := &p.Arrays[i]
					err = errors.Join(err, e.Set(a.Name, sample(a.Elem, p.Shape(a), 1)))
				}
				_, rerr := e.Run(context.Background(), f, 2)
				if err = errors.Join(err, rerr); err != nil {
					b.Fatal(err)
				}
				b.ResetTimer()
				if _, err := e.Run(context.Background(), f, b.N); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N)*float64(points)/b.Elapsed().Seconds()/1e9, "Gpoint/s")
			})
		}
	}
}

func BenchmarkHeat256(b *testing.B) {
	bench(b, heatProgram(ir.F32, 256, 256, 256), "step", 256*256*256)
}
func BenchmarkHeat256Half(b *testing.B) {
	bench(b, heatProgram(ir.F16, 256, 256, 256), "step", 256*256*256)
}
func BenchmarkHeat8(b *testing.B) { bench(b, heatProgram(ir.F32, 8, 8, 8), "step", 8*8*8) }

// BenchmarkNorm sums 2^22 squares in canonical order.
func BenchmarkNorm(b *testing.B) {
	bench(b, text(`
axis x 2048 cells lo 0 h 1
array @u[x] f32
array @s[] f32
func norm {
  reduce %s f32 [] over [x in x 0..2048, y in x 0..2048] sum fma order canon {
    box [0..2048, 0..2048]
      $0 = read f32 @u[x]
      $1 = read f32 @u[y]
      $2 = mul f32 $0, $1
      yield $2
  }
  set @s = %s
}
`), "norm", 1<<22)
}
