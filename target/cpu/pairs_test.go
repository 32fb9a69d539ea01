package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// rough are numbers of all magnitudes, so that products and sums are subnormal, cancel and overflow.
func rough(p *ir.Program, seed uint64) map[string]*ir.Tensor {
	r := rand.New(rand.NewPCG(seed, 1))
	in := map[string]*ir.Tensor{}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		var dims []int
		for _, x := range a.Axes {
			dims = append(dims, p.Axis(x).N)
		}
		t := ir.NewTensor(ir.F32, dims...)
		for k := range t.F32 {
			switch r.IntN(16) {
			case 0:
				t.F32[k] = math.Float32frombits(r.Uint32N(1<<24) | r.Uint32()&(1<<31)) // subnormal, or just above
			case 1:
				t.F32[k] = math.Float32frombits(r.Uint32() &^ (1 << 30)) // below 2
			case 2:
				t.F32[k] = 0
			default: // around 2^-63: products are about the least normal number
				t.F32[k] = float32(math.Ldexp(r.Float64()-0.5, -62+r.IntN(3)))
			}
		}
		if seed%2 == 1 {
			for k := range t.F32 {
				t.F32[k] = float32(r.NormFloat64())
			}
			t.F32[r.IntN(len(t.F32))] = float32(math.Inf(1))
		}
		in[a.Name] = t
	}
	return in
}

// Sums of bf16 products have the interpreter's bits, however the processor does them: in tiles, in vectors that flush subnormal numbers, and in
// vectors that do not; for factors that lie along the sum and across it, are expressions, and fill tiles or not.
func TestPairs(t *testing.T) {
	needsLLVM(t)
	defer func() { forceDots = nil }()
	type m = map[string]int
	best := dots()
	for i, tc := range []struct {
		out, over string
		x, y      []string
		n         m
	}{
		{"ij", "k", []string{"ik"}, []string{"kj"}, m{"i": 37, "j": 70, "k": 64}},
		{"ij", "k", []string{"ik"}, []string{"jk"}, m{"i": 64, "j": 33, "k": 95}},
		{"ij", "k", []string{"ki"}, []string{"kj"}, m{"i": 16, "j": 31, "k": 50}},
		{"ij", "k", []string{"ki"}, []string{"jk"}, m{"i": 12, "j": 96, "k": 31}},
		{"ji", "k", []string{"ik", "i"}, []string{"?kj"}, m{"i": 5, "j": 40, "k": 20}},
		{"ij", "k", []string{"ik"}, []string{"jk"}, m{"i": 1, "j": 9, "k": 100}},
		{"bsd", "he", []string{"bshe"}, []string{"dhe"}, m{"b": 2, "s": 13, "d": 40, "h": 3, "e": 32}},
		{"bhse", "d", []string{"bsd"}, []string{"hed"}, m{"b": 2, "h": 2, "s": 14, "e": 24, "d": 30}},
		{"hed", "bt", []string{"bhte"}, []string{"btd"}, m{"b": 3, "h": 2, "t": 15, "e": 8, "d": 36}},
		{"ij", "k", []string{"ik", "k"}, []string{"kj", "j"}, m{"i": 20, "j": 40, "k": 63}},
		{"ij", "k", []string{"ik"}, []string{"jk"}, m{"i": 33, "j": 17, "k": 32*longBlocks + 70}}, // in stretches of the sum
		{"i", "k", []string{"ik"}, []string{"ik"}, m{"i": 20, "k": 64}},                           // no product of two factors
		{"i", "k", []string{"ik"}, []string{"ik"}, m{"i": 20, "k": 47}},
	} {
		p := product(ir.F32, tc.out, tc.over, tc.x, tc.y, tc.n)
		p.Funcs[0].Ops[0].Order.Kind = ir.Pairs
		if none := i >= 11; none != (newPairs(&p.Funcs[0].Ops[0]) == nil) {
			t.Errorf("case %d: in tiles %v", i, none)
		}
		for kind := best; kind <= dotSelect; kind++ {
			if kind != best && i%3 != int(kind)-1 && i < 11 { // what kinds have in common is packing
				continue
			}
			t.Run(fmt.Sprint(i, kind), func(t *testing.T) {
				forceDots = &kind
				for seed := range uint64(2) {
					sameAsInterpreter(t, toolchains()[0], p, 1, rough(p, seed), "f")
				}
			})
		}
	}
}

// Every LLVM makes tile instructions of these sums, also where no tile registers are.
func TestTileInstructions(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("not a processor of this kind")
	}
	defer func(v int) { forceDots, forceVector = nil, v }(forceVector)
	tiles := dotTiles
	forceDots, forceVector = &tiles, 64
	p := product(ir.F32, "ij", "k", []string{"ik"}, []string{"kj"}, map[string]int{"i": 37, "j": 70, "k": 64})
	p.Funcs[0].Ops[0].Order.Kind = ir.Pairs
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		other := *tc
		other.Processor = "sapphirerapids"
		pl, err := newPlan(p, true, 1)
		check(t, err)
		if text := assembly(t, &other, pl); !strings.Contains(text, "tdpbf16ps") {
			t.Error("no tile instruction")
		}
	})
}

// The tile registers do what [ieee.DotBrain] says, for many random sums; skipped where there are none.
func TestTileRegisters(t *testing.T) {
	if len(toolchains()) == 0 || dots() != dotTiles {
		t.Skip("no LLVM, or a processor without tiles of bf16")
	}
	p := product(ir.F32, "ij", "k", []string{"ik"}, []string{"jk"}, map[string]int{"i": 160, "j": 160, "k": 96})
	p.Funcs[0].Ops[0].Order.Kind = ir.Pairs
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
		e := open(t, p, tc, 2, 1)
		for seed := range uint64(4) {
			in := rough(p, seed)
			start(t, e, p, in)
			proceed(t, e, "f", 1)
			got, err := e.Get("out")
			check(t, err)
			want := ir.NewTensor(ir.F32, 160, 160)
			for i := range 160 {
				for j := range 160 {
					want.F32[i*160+j] = ieee.DotBrain(in["x0"].F32[i*96:][:96], in["y0"].F32[j*96:][:96])
				}
			}
			compare(t, "out", 2, got, want)
		}
	})
}
