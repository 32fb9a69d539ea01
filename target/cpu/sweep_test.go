package cpu

import (
	"fmt"
	"os"
	"testing"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
)

// tilings are cuts that meet all kinds of edges on small grids.
var tilings = []tiling{
	{steps: 1, tile: 64, chunks: 1, rows: 64},
	{steps: 1, tile: 64, chunks: 2, rows: 64, stream: true},
	{steps: 2, tile: 64, chunks: 1, rows: 64},
	{steps: 3, tile: 64, chunks: 3, rows: 64, stream: true},
	{steps: 4, tile: 7, chunks: 2, rows: 3},
	{steps: 5, tile: 1 << 20, chunks: 1, rows: 1 << 20},
}

// sweptAsInterpreted runs a function in passes of every kind and compares all arrays with the interpreter's. It returns false when the
// function cannot be computed in passes.
func sweptAsInterpreted(t *testing.T, tc *Toolchain, p *ir.Program, fn string, steps int) bool {
	t.Helper()
	check(t, ir.VerifyCanonical(p))
	pl, err := newPlan(p, false, 1)
	check(t, err)
	if pl.funcs[fn].sweep == nil {
		return false
	}
	ref, err := interp.New(p)
	check(t, err)
	defer ref.Close()
	start(t, ref, p, nil)
	proceed(t, ref, fn, steps)
	for i := range tilings {
		c := tilings[i]
		if len(p.Axes) == 2 {
			c.tile = (c.tile + 63) / 64 * 64
		}
		threads := 1 + i%2*2
		e, err := newEngine(p, tc, Options{Threads: threads, divide: 1 << 10, sweep: 1, tiling: &c})
		check(t, err)
		start(t, e, p, nil)
		proceed(t, e, fn, steps)
		for k := range p.Arrays {
			name := p.Arrays[k].Name
			want, err := ref.Get(name)
			check(t, err)
			got, err := e.Get(name)
			check(t, err)
			compare(t, fmt.Sprintf("%+v: %s", c, name), threads, got, want)
		}
		check(t, e.Close())
		if t.Failed() {
			t.Fatalf("\n%s", ir.Print(p))
		}
	}
	return true
}

func TestSweeps(t *testing.T) {
	eachToolchain(t, func(t *testing.T, tc *Toolchain) {
		for _, n := range [][]int{{70, 90}, {40, 33, 50}, {9, 150, 17}} {
			if !sweptAsInterpreted(t, tc, heatProgram(ir.F32, n...), "step", 7) {
				t.Error("heat is not computed in passes")
			}
		}
		for _, s := range sources[1:] {
			t.Run(s.name, func(t *testing.T) {
				if !sweptAsInterpreted(t, tc, compile(t, s.text, 70), "step", 7) {
					t.Errorf("%s is not computed in passes", s.name)
				}
			})
		}
	})
}

func TestRandomSweeps(t *testing.T) {
	if len(toolchains()) == 0 {
		t.Skip("no LLVM on this machine: the CPU target is not tested")
	}
	n := 5
	if s := os.Getenv("SWEEPS"); s != "" { // more of them, when something has changed
		fmt.Sscan(s, &n)
	}
	for seed, swept := uint64(0), 0; swept < n; seed++ {
		if seed > 20*uint64(n) {
			t.Fatalf("%d of %d functions are computed in passes", swept, seed)
		}
		p := randomStep(seed)
		if err := ir.VerifyCanonical(p); err != nil {
			t.Fatalf("seed %d: the test makes programs that are not canonical: %v", seed, err)
		}
		if sweptAsInterpreted(t, toolchains()[0], p, "step", 7) {
			swept++
		}
	}
}
