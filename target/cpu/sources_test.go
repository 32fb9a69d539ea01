package cpu

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/dsl"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/passes"
	"github.com/wfc-lang/wfc/target/cpu/team"
)

// Programs as users write them; %d is the extent of every axis.
var sources = []struct{ name, text string }{
	{"heat1", `
grid g { x: 0 .. 1 in %d }
field T on g = x
bc T { x.lo: T = 0;  x.hi: dn(T) = 0 }
evolve t from 0 to 10 step auto { dt(T) = lap(T) }`},
	{"heat2", `
param n = %d
grid g { x: 0 .. 1 in n;  y: 0 .. 1 in n }
field T on g = x*y
bc T { x.lo: T = 0;  x.hi: dn(T) = 0;  y: dn(T) = 0 }
evolve t from 0 to 10 step auto { dt(T) = lap(T) }`},
	{"order4", `
param n = %d
grid g { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic }
field T on g = x*y
evolve t from 0 to 10 step auto order 4 { dt(T) = lap(T) }`},
	{"grayscott", `
param n = %d
grid g { x: n periodic;  y: n periodic }
field U on g = 1 { region x in 2 .. 4: 0.5 }
field V on g = 0 { region x in 2 .. 4: 0.25 }
evolve t from 0 to 10 step 1 {
  let r = U*V^2
  dt(U) = 0.16*lap(U) - r + 0.04*(1 - U)
  dt(V) = 0.08*lap(V) + r - 0.1*V
}`},
}

// compile makes canonical IR of a source.
func compile(t testing.TB, text string, n int) *ir.Program {
	t.Helper()
	p, errs := dsl.Compile("test.wf", fmt.Sprintf(text, n), dsl.Options{Float: ir.F32})
	if errs.HasErrors() {
		t.Fatal(errs)
	}
	c, err := passes.Canonical(p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every size with one thread and with all: small grids must not pay for the threads.
func BenchmarkSources(b *testing.B) {
	for _, s := range sources {
		for _, n := range []int{32, 128, 512, 2048} {
			p := compile(b, s.text, n)
			points := 1
			for _, a := range p.Axes {
				points *= a.N
			}
			b.Run(fmt.Sprintf("%s/n=%d", s.name, n), func(b *testing.B) { bench(b, p, "step", points) })
		}
	}
}

// Grids too small for threads are computed by one, which does not wake the others; large ones are divided.
func TestSmallGridsStayOnOneThread(t *testing.T) {
	needsLLVM(t)
	for _, s := range sources {
		for n, alone := range map[int]bool{32: true, 1 << 10: s.name == "heat1"} {
			e, err := newEngine(compile(t, s.text, n), toolchains()[0], Options{Threads: 4, sweep: -1})
			check(t, err)
			if b := e.batch("step", e.plan.funcs["step"]); b.Alone != alone {
				t.Errorf("%s with %d points per axis: one thread %v, want %v", s.name, n, b.Alone, alone)
			}
			check(t, e.Close())
		}
	}
}

// BenchmarkMeeting is what it costs two threads to wait for each other: this is lost in every kernel that is divided.
func BenchmarkMeeting(b *testing.B) {
	needsLLVM(b)
	m, err := NewMeter(2)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	s := team.NewStepOf(0, [][2]int{{0, 0}, {0, 0}}, 2, nil) // parts without work
	s.Meets = true
	x := &team.Batch{Times: b.N, Steps: []team.Step{s}, Tables: [][]uintptr{nil, nil}}
	b.ResetTimer()
	m.pool.Do(x)
}

// The first run of little work is left to one thread; when there are more they are divided if that pays. The bits are the same.
func TestShortRuns(t *testing.T) {
	needsLLVM(t)
	p := product(ir.F32, "ij", "k", []string{"ik"}, []string{"kj"}, map[string]int{"i": 131, "j": 129, "k": 127})
	var got [3][]float32
	for i, n := range []int{1, 40, 1} {
		e, err := newEngine(p, toolchains()[0], Options{Threads: []int{3, 3, 1}[i]})
		check(t, err)
		for a, name := range []string{"x0", "y0"} {
			x, err := e.Get(name)
			check(t, err)
			for j := range x.F32 {
				x.F32[j] = float32(j%(13+a)) - 6.3
			}
			check(t, e.Set(name, x))
		}
		for e.Threads() > 1 && e.pool.Awake() {
			time.Sleep(team.Patience)
		}
		_, err = e.Run(context.Background(), "f", n)
		check(t, err)
		if b := e.batch("f", e.plan.funcs["f"]); b.Alone != (i == 2) || i == 0 && !b.Short {
			t.Errorf("%d runs on %d threads: one thread %v, short %v", n, e.Threads(), b.Alone, b.Short)
		}
		out, err := e.Get("out")
		check(t, err)
		got[i] = out.F32
		check(t, e.Close())
	}
	if !slices.Equal(got[0], got[1]) || !slices.Equal(got[0], got[2]) {
		t.Error("short runs, long ones and those of one thread differ")
	}
}
