package cpu

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/interp"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// tilings are cuts that meet all kinds of edges on small grids.
var tilings = []tiling{
	{steps: 1, tile: 64, chunks: 1, rows: 64},
	{steps: 1, tile: 64, chunks: 2, rows: 64, stream: true},
	{steps: 2, tile: 64, chunks: 1, rows: 64},
	{steps: 3, tile: 64, chunks: 3, rows: 64, stream: true},
	{steps: 4, tile: 7, chunks: 2, rows: 3},
	{steps: 5, tile: 1 << 20, chunks: 1, rows: 1 << 20},
	{steps: 7, tile: 64, chunks: 1, rows: 5},
}

// sweptAsInterpreted runs a function in passes of every kind and compares all arrays with the interpreter's. It returns false when the
// function cannot be computed in passes.
func sweptAsInterpreted(t *testing.T, tc *native.Toolchain, p *ir.Program, fn string, steps int) bool {
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
	eachToolchain(t, func(t *testing.T, tc *native.Toolchain) {
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

// A tile at an end of a periodic axis needs a few rows from the other end, not all in between: no tile has more work than one in the middle,
// and tiles that go round give the same bits, also where they are shorter than what they need of others.
func TestTilesGoRound(t *testing.T) {
	needsLLVM(t)
	for _, n := range []int{16, 64} {
		p := compile(t, wave3, n)
		s := sweptPlan(t, p).funcs["step"].sweep
		c := tiling{steps: 3, tile: n / 4, chunks: 1, rows: 7}
		u := s.unroll(c.steps, true)
		all := ir.Interval{Lo: 0, Hi: n}
		first, middle := s.tile(u, all, ir.Interval{Lo: 0, Hi: c.tile}, c), s.tile(u, all, ir.Interval{Lo: n / 2, Hi: n/2 + c.tile}, c)
		if first.moved > middle.moved*11/10 { // a few ghosts more
			t.Errorf("%d points: a tile at an end moves %d bytes per column, one in the middle %d", n, first.moved, middle.moved)
		}
	}
	if !sweptAsInterpreted(t, toolchains()[0], compile(t, wave3, 16), "step", 7) || !sweptAsInterpreted(t, toolchains()[0], compile(t, sources[2].text, 128), "step", 7) {
		t.Error("not computed in passes")
	}
}

// Ghosts of an array that stays as it is are made by the first of several steps.
func TestCoefficientsInPasses(t *testing.T) {
	needsLLVM(t)
	p := compile(t, `
param n = %d
grid g { x: 0 .. 1 in n;  y: 0 .. 1 in n;  z: 0 .. 1 in n }
field T on g = x*y
field k on g = 1 + 0.5*x*y*z
bc T { all: T = 0 }
bc k { all: dn(k) = 0 }
evolve t from 0 to 10 step 0.1/n^2 { dt(T) = div(k*grad(T)) }`, 18)
	if sweptPlan(t, p).funcs["step"].sweep.unroll(3, true) == nil {
		t.Error("steps are not taken together")
	}
	if !sweptAsInterpreted(t, toolchains()[0], p, "step", 7) {
		t.Error("not computed in passes")
	}
}

const wave3 = `
param n = %d
grid g { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic;  z: 0 .. 1 in n periodic }
field u on g = x*y
evolve t from 0 to 10 step 0.1/n order 4 { dt(dt(u)) = lap(u) + 0.1*dx(dy(dz(u))) }`

// Passes have as many steps as are asked for at most.
func TestPassSteps(t *testing.T) {
	needsLLVM(t)
	p := heatProgram(ir.F32, 40, 70)
	for _, most := range []int{0, 1, 3} {
		e, err := newEngine(p, toolchains()[0], Options{Threads: 1, sweep: 1, PassSteps: most})
		check(t, err)
		start(t, e, p, nil)
		proceed(t, e, "step", 5)
		if most == 0 {
			most = 5
		}
		taken := 0
		for k := range e.swept {
			taken = max(taken, k.t.steps)
		}
		if taken < 1 || taken > most || most > 1 && taken == 1 {
			t.Errorf("passes of %d steps, where %d may be", taken, most)
		}
		check(t, e.Close())
	}
}

// The width of vectors, and whether there are masks, is the processor's; the bits are the same.
func TestOtherProcessors(t *testing.T) {
	if len(toolchains()) == 0 || runtime.GOARCH != "amd64" {
		t.Skip("no LLVM on this machine, or not one for amd64")
	}
	processors := []string{"x86-64"}
	if flags := strings.Fields(native.Processor()); slices.Contains(flags, "avx2") {
		processors = append(processors, "haswell")
	}
	for _, cpu := range processors {
		tc := *toolchains()[0]
		tc.Processor = cpu
		if cpu == "haswell" {
			if text := assembly(t, &tc, sweptPlan(t, heatProgram(ir.F32, 64, 64))); strings.Contains(text, "zmm") || !strings.Contains(text, "ymm") {
				t.Error("code for haswell is not made of its vectors")
			}
		}
		sweptAsInterpreted(t, &tc, heatProgram(ir.F32, 40, 70), "step", 7)
		sweptAsInterpreted(t, &tc, compile(t, sources[3].text, 70), "step", 7)
	}
}

func sweptPlan(t *testing.T, p *ir.Program) *plan {
	t.Helper()
	pl, err := newPlan(p, false, 1)
	check(t, err)
	return pl
}

// Where an array is changed in a way that steps cannot be strung together, and where a function is none of maps, it is computed as before.
func TestNoSweep(t *testing.T) {
	p := text(`
axis x 64 cells lo 0 h 1
axis y 64 cells lo 0 h 1
array @u[x, y] f32
array @s[] f32
func sum {
  reduce %s f32 [] over [x in x 0..64, y in y 0..64] sum order canon {
    box [0..64, 0..64]
      $0 = read f32 @u[x, y]
      yield $0
  }
  set @s = %s
}
func turn {
  map %t f32 [x in x 0..64, y in y 0..64] {
    box [0..64, 0..64]
      $0 = read f32 @u[y, x]
      yield $0
  }
  set @u = %t
}
`)
	pl := sweptPlan(t, p)
	for _, f := range []string{"sum", "turn"} {
		if pl.funcs[f].sweep != nil {
			t.Errorf("%s is computed in passes", f)
		}
	}
}

// Rings of a chosen tiling fit the second cache, whatever its size, where the last is no larger, and more steps are taken together where there is
// room for them.
func TestChooseTiling(t *testing.T) {
	s := sweptPlan(t, compile(t, heat3, 256)).funcs["step"].sweep
	last := 0
	for _, second := range []int{256 << 10, 1 << 20, 4 << 20} {
		c := native.Caches{First: 32 << 10, Second: second, Last: second}
		got := s.candidates(mostSteps, 2, c)[0]
		if n := s.ringOf(got); n > second {
			t.Errorf("a ring of %d bytes for a cache of %d (%+v)", n, second, got)
		}
		if got.steps < last || got.steps < 2 {
			t.Errorf("%d steps with a cache of %d bytes, %d with a smaller one", got.steps, second, last)
		}
		last = got.steps
		if one := s.candidates(1, 2, c)[0]; one.steps != 1 {
			t.Errorf("%d steps when one is asked for", one.steps)
		}
	}
}

// The tiling of the fastest pass goes on; a pass never has more steps than are left.
func TestTrial(t *testing.T) {
	r := &trial{candidates: []tiling{{steps: 6}, {steps: 1}, {steps: 3}}}
	took := map[int][]float64{6: {9, 5}, 1: {4, 7}, 3: {6, 5}}
	if c, n := r.next(4); n != 0 {
		t.Errorf("%d passes of %d steps for 4", n, c.steps)
	}
	for i, want := range []int{6, 1, 3, 3, 1, 6} {
		c, n := r.next(100)
		if n != 1 || c.steps != want {
			t.Fatalf("trial %d: %d passes of %d steps, not one of %d", i, n, c.steps, want)
		}
		r.note(took[c.steps][i/3])
	}
	for range 2 {
		if c, n := r.next(100); n != 100 || c.steps != 1 {
			t.Errorf("%d passes of %d steps after the trial, not 100 of one", n, c.steps)
		}
		r.note(100) // too late to count
	}
}

// A function that tries tilings has the interpreter's bits at every moment.
func TestTrialBits(t *testing.T) {
	needsLLVM(t)
	p := compile(t, heat3, 24)
	e, err := newEngine(p, toolchains()[0], Options{Threads: 2, divide: 1, sweep: 1})
	check(t, err)
	defer e.Close()
	ref, err := interp.New(p)
	check(t, err)
	defer ref.Close()
	start(t, ref, p, nil)
	start(t, e, p, nil)
	s := e.plan.funcs["step"].sweep
	s.tilings[3] = &trial{candidates: []tiling{{steps: 3, tile: 24, chunks: 1, rows: 24}, {steps: 1, tile: 7, chunks: 2, rows: 4}, {steps: 2, tile: 12, chunks: 1, rows: 24}}}
	for range 7 {
		proceed(t, ref, "step", 3)
		proceed(t, e, "step", 3)
		want, err := ref.Get("T")
		check(t, err)
		got, err := e.Get("T")
		check(t, err)
		compare(t, "T", 2, got, want)
	}
	if s.tilings[3].open() {
		t.Error("the trial did not end")
	}
}

// Where the second cache is small, rings lie in a core's share of the last, which lets more steps be taken together; where it is large they stay in it.
func TestRingsInLastCache(t *testing.T) {
	s := sweptPlan(t, compile(t, heat3, 256)).funcs["step"].sweep
	small := native.Caches{First: 32 << 10, Second: 512 << 10, Last: 32 << 20}
	got := s.candidates(mostSteps, 2, small)[0]
	if n := s.ringOf(got); n < small.Second || n > small.Last/2 {
		t.Errorf("a ring of %d bytes with a second cache of %d and a last of %d (%+v)", n, small.Second, small.Last, got)
	}
	none := small
	none.Last = none.Second
	if near := s.candidates(mostSteps, 2, none)[0]; near.steps >= got.steps {
		t.Errorf("%d steps with rings in the last cache, %d in the second", got.steps, near.steps)
	}
	large := native.Caches{First: 48 << 10, Second: 2 << 20, Last: 256 << 20}
	if got := s.candidates(mostSteps, 2, large)[0]; s.ringOf(got) > large.Second || got.steps < 4 {
		t.Errorf("a ring of %d bytes with a second cache of %d (%+v)", s.ringOf(got), large.Second, got)
	}
}

// ringOf is what the rings of a tile in the middle take.
func (s *sweep) ringOf(t tiling) int {
	lo := s.width.Hi / 2 / t.tile * t.tile
	return s.tile(s.unroll(t.steps, true), ir.Interval{Lo: 64, Hi: 128}, common(ir.Interval{Lo: lo, Hi: lo + t.tile}, s.width), t).ring
}

// Planes that come next are asked for once each: in parts by kernels of single planes, whole by those of several, as long as there are as many.
func TestFetches(t *testing.T) {
	s := sweptPlan(t, compile(t, heat3, 128)).funcs["step"].sweep
	if s.jam != vectorRegisters()/8 || !s.linewise() {
		t.Fatalf("heat computes %d planes together, asking for lines: %v", s.jam, s.linewise())
	}
	var list []planeFetch
	for i := range 4 {
		list = append(list, planeFetch{plane: int64(i)})
	}
	for n := 1; n < 9; n++ {
		var got []int64
		parts := map[int64]int64{}
		for i := range n {
			for _, f := range deal(list, i, n) {
				got = append(got, f.plane)
			}
			for _, f := range s.share(list, i, n) {
				parts[f.plane] += f.to - f.from
			}
		}
		if want := []int64{0, 1, 2, 3}[:min(n, 4)]; !slices.Equal(got, want) {
			t.Errorf("%d calls ask for planes %v, not %v", n, got, want)
		}
		for _, f := range list {
			if parts[f.plane] != fetchParts {
				t.Errorf("%d calls ask for %d parts of plane %d, not %d", n, parts[f.plane], f.plane, fetchParts)
			}
		}
	}
}

// Two rings serve any number of steps: a plane takes the place of the same plane two steps before.
func TestTwoRings(t *testing.T) {
	for _, text := range []string{heat2, heat3} {
		s := sweptPlan(t, compile(t, text, 128)).funcs["step"].sweep
		all, c := ir.Interval{Lo: 0, Hi: 128}, tiling{steps: 12, tile: 128, chunks: 1, rows: 128}
		points := 192 // of a row with room for ghosts
		if s.rank == 3 {
			points *= 128
		}
		planes := s.tile(s.unroll(c.steps, false), all, all, c).ring / (points * 4)
		if most := 2 * (c.steps + 2*s.jam); planes < c.steps || planes > most {
			t.Errorf("%d axes: %d planes for %d steps, not up to %d", s.rank, planes, c.steps, most)
		}
	}
}

// What a kernel loads from rings does not lie, in any page, just behind what it stores to arrays, whichever of two buffers that is and whatever the tile.
func TestRingsBesideArrays(t *testing.T) {
	nodes := strings.Replace(heat3, "grid g {", "grid g nodes {", 1) // without ghosts planes are whole pages
	for _, n := range []int{128, 256, 512} {
		s := sweptPlan(t, compile(t, nodes, n)).funcs["step"].sweep
		l := (*s.layout)[s.arrays[0].slot]
		for _, steps := range []int{2, 3, 6} {
			u, need := s.unroll(steps, true), map[*tensorBuf]*planes{}
			for _, b := range u.bufs {
				need[b] = &planes{}
			}
			last := u.nodes[slices.IndexFunc(u.nodes, func(nd *planeNode) bool { return !nd.st.share && nd.outs[0].memory >= 0 })]
			out, in := last.outs[0], last.in[s.roots["@T"]]
			x, y := ir.Interval{Lo: 3, Hi: n / 2}, ir.Interval{Lo: 0, Hi: n/2 + steps}
			need[out].x, need[out].y = x, y
			regions := make([][2]ir.Interval, len(u.nodes))
			for i := len(u.nodes) - 1; i >= 0; i-- {
				regions[i] = s.region(u, u.nodes[i], need)
			}
			_, skews := s.schedule(u, need, regions)
			s.rings(u, need, skews)
			for plane := x.Lo + 1; plane < x.Hi-1; plane++ {
				for _, slot := range []int{out.slotArray(s), out.memory} {
					store := pageOffset(slot)/lineBytes + int(s.address(out, need[out], plane, 0)>>16)/lineBytes
					for row := -1; row <= 1; row++ {
						load := int(s.address(in, need[in], plane, row)>>16) / lineBytes
						if d := mod(store-load, pageLines); d <= 4 {
							t.Fatalf("%d^3, %d steps, plane %d: row %d is read %d lines behind a row that is stored (%d bytes a row)", n, steps, plane, row, d, 4*l.stride[1])
						}
					}
				}
			}
		}
	}
}

const heat2 = `
param n = %d
grid g { x: 0 .. 1 in n;  y: 0 .. 1 in n }
field T on g = x
bc T { all: T = 0 }
evolve t from 0 to 10 step auto { dt(T) = lap(T) }`

const heat3 = `
param n = %d
grid g { x: 0 .. 1 in n;  y: 0 .. 1 in n;  z: 0 .. 1 in n }
field T on g = x
bc T { all: T = 0 }
evolve t from 0 to 10 step auto { dt(T) = lap(T) }`

// benchSweep reports steps of a program, one at a time and in passes as they are chosen, as a rate and beside the rate at which one thread
// copies the points in between.
func benchSweep(b *testing.B, text string, n int) {
	needsLLVM(b)
	p := compile(b, text, n)
	points := 1
	for _, a := range p.Axes {
		points *= a.N
	}
	for _, threads := range []int{1, runtime.GOMAXPROCS(0)} {
		for _, most := range []int{1, mostSteps} {
			b.Run(fmt.Sprintf("threads=%d/steps<=%d", threads, most), func(b *testing.B) {
				e, err := newEngine(p, toolchains()[0], Options{Threads: threads})
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				s := e.plan.funcs["step"].sweep
				c := s.candidates(most, threads, machineCaches())[0]
				s.force = &c
				env, err := ir.EvalHost(p, nil, nil)
				if err = errors.Join(err, e.Scalars(env)); err != nil {
					b.Fatal(err)
				}
				var from, to []float32
				for i := range p.Arrays {
					a := &p.Arrays[i]
					x := sample(a.Elem, p.Shape(a), 1)
					if len(a.Axes) > 1 {
						from, to = x.F32, make([]float32, len(x.F32))
					}
					if err := e.Set(a.Name, x); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := e.Run(context.Background(), "step", mostSteps); err != nil {
					b.Fatal(err)
				}
				var copying, sweeping time.Duration
				b.ResetTimer()
				for range b.N {
					t := time.Now()
					copy(to, from)
					copying += time.Since(t)
					t = time.Now()
					if _, err := e.Run(context.Background(), "step", mostSteps); err != nil {
						b.Fatal(err)
					}
					sweeping += time.Since(t)
				}
				rate := float64(b.N) * mostSteps * float64(points) / float64(sweeping)
				b.ReportMetric(rate, "GStencil/s")
				b.ReportMetric(rate/(float64(b.N)*float64(points)/float64(copying)), "x-copy-1-thread")
				b.ReportMetric(float64(c.steps), "steps/pass")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func BenchmarkHeat3(b *testing.B)    { benchSweep(b, heat3, 256) }
func BenchmarkHeat3Big(b *testing.B) { benchSweep(b, heat3, 512) }
func BenchmarkHeat2(b *testing.B)    { benchSweep(b, heat2, 4096) }

// Stencils of a wide reach, in passes as they are chosen.
func BenchmarkOrders(b *testing.B) {
	for _, order := range []int{4, 8} {
		wave := strings.ReplaceAll(strings.ReplaceAll(wave3, "order 4", fmt.Sprint("order ", order)), " + 0.1*dx(dy(dz(u)))", "")
		b.Run(fmt.Sprintf("wave3/order=%d", order), func(b *testing.B) { benchSweep(b, wave, 256) })
		heat := strings.ReplaceAll(sources[2].text, "order 4", fmt.Sprint("order ", order))
		b.Run(fmt.Sprintf("heat2/order=%d", order), func(b *testing.B) { benchSweep(b, heat, 2048) })
	}
}

func TestRandomSweeps(t *testing.T) {
	needsLLVM(t)
	n := max(*cases, 5)
	for seed, swept := *first, 0; swept < n; seed++ {
		if seed > *first+20*uint64(n) {
			t.Fatalf("%d of %d functions are computed in passes", swept, seed)
		}
		p := randomStep(seed)
		if err := ir.VerifyCanonical(p); err != nil {
			t.Fatalf("seed %d: the test makes programs that are not canonical: %v", seed, err)
		}
		t.Logf("seed %d", seed)
		if sweptAsInterpreted(t, toolchains()[0], p, "step", 7) {
			swept++
			for _, threads := range []int{1, 2} {
				if c := sweptPlan(t, p).funcs["step"].sweep.candidates(7, threads, machineCaches())[0]; c.steps < 1 || c.tile < 1 || c.rows < 1 {
					t.Errorf("seed %d: a tiling of %+v", seed, c)
				}
			}
		}
	}
}

// What is computed together and is the next value of several arrays goes there, not by way of rings. Next values that others read in rings are
// stored in their arrays by what computes them, not copied.
func TestNextValues(t *testing.T) {
	needsLLVM(t)
	together, read := compile(t, sources[3].text, 64), compile(t, `
param n = %d
grid g { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic }
field p on g = x*y
field u on g.x = 0
field v on g.y = 0
const h = 0.4/n
evolve t from 0 to 10*h step h {
  u' = u - h*dx(p)
  v' = v - h*dy(p)
  p' = p - h*(dx(u') + dy(v'))
}`, 64)
	for _, steps := range []int{1, 3} {
		for _, c := range []struct {
			p           *ir.Program
			outs, rings int
		}{{together, 2, 0}, {read, 5, 2}} {
			u := sweptPlan(t, c.p).funcs["step"].sweep.unroll(steps, false)
			outs, rings := 0, 0
			for _, nd := range u.nodes {
				if nd.step < steps-1 || nd.st.op.Kind != ir.Map {
					continue
				}
				outs += len(nd.outs)
				for _, b := range nd.outs {
					if b.memory < 0 {
						rings++
					}
				}
			}
			if outs != c.outs || rings != c.rings || len(u.copied) > 0 {
				t.Errorf("%d steps: the last stores %d results, %d of them in rings, and copies %v; want %d, %d and none", steps, outs, rings, u.copied, c.outs, c.rings)
			}
		}
	}
	if !sweptAsInterpreted(t, toolchains()[0], read, "step", 7) {
		t.Error("not computed in passes")
	}
}

// What depends on coordinates lies in memory like the fields beside it, on faces too, so that passes read it along their rows.
func TestSweepFaceData(t *testing.T) {
	needsLLVM(t)
	p := compile(t, `
param n = %d
grid g { x: 0 .. 1 in n;  y: 0 .. 1 in n }
field p on g = x*y
field u on g.x = 0
bc u { x: u = 0; others: dn(u) = 0 }
let loss = x^2 + y^2
evolve k in 0 .. 20 {
  u' = (u - 0.1*h*dx(p))/(1 + loss)
  p' = (p - 0.1*h*dx(u'))/(1 + loss)
}
const h = 1/n`, 40)
	if !sweptAsInterpreted(t, toolchains()[0], p, "step", 7) {
		t.Error("not computed in passes")
	}
}

// Of two results of an operation a step may have one read on, while another array keeps the other of the step before: each goes where it belongs.
func TestNextValuesApart(t *testing.T) {
	needsLLVM(t)
	p := text(`
axis x 96 cells lo 0 h 1
axis y 96 cells lo 0 h 1
array @a[x, y] f32
array @b[x, y] f32
array @w[x, y] f32
array @p[x, y] f32
func step {
  map %a f32, %b f32 [i in x 0..96, j in y 0..96] {
    box [0..96, 0..96]
      $0 = read f32 @a[i, j]
      $1 = read f32 @b[i, j]
      $2 = read f32 @w[i, j]
      $3 = const f32 0.25
      $4 = mul f32 $3, $1
      $5 = sub f32 $0, $4
      $6 = mul f32 $3, $2
      $7 = add f32 $1, $6
      yield $5, $7
  }
  extend %e f32 [i in x -1..97, j in y 0..96] from %b {
    box [-1..0, 0..96]
      $0 = read f32 %b[i + 1, j]
      yield $0
    box [96..97, 0..96]
      $0 = read f32 %b[i - 1, j]
      yield $0
  }
  map %p f32 [i in x 0..96, j in y 0..96] {
    box [0..96, 0..96]
      $0 = read f32 @p[i, j]
      $1 = read f32 %e[i + 1, j]
      $2 = read f32 %e[i - 1, j]
      $3 = sub f32 $1, $2
      $4 = const f32 0.125
      $5 = mul f32 $4, $3
      $6 = add f32 $0, $5
      yield $6
  }
  set @w = @a
  set @a = %a
  set @b = %b
  set @p = %p
}
`)
	if kept := sweptPlan(t, p).funcs["step"].sweep.stages[0].kept; len(kept) != 2 {
		t.Errorf("%d ways to keep results, not 2", len(kept))
	}
	if !sweptAsInterpreted(t, toolchains()[0], p, "step", 7) {
		t.Error("not computed in passes")
	}
}
