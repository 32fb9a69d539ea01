//go:build linux

package main

import (
	"errors"
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/runtime"
)

var (
	stencils   = unit{name: "GStencil/s", scale: 1e-9}
	iterations = unit{name: "ns per cell and iteration", scale: 1e9, less: true}
	stepping   = unit{name: "ns per cell and step", scale: 1e9, less: true}
	solves     = unit{name: "s per solve", scale: 1, less: true}
	flops      = unit{name: "GFLOP/s", scale: 1e-9}
	tokens     = unit{name: "tokens/s", scale: 1}
)

var (
	gcc   = []string{"gcc"}
	clang = []string{"clang-19", "clang-18", "clang-17", "clang-16", "clang"}
)

// cases of the page, in its order. Small ones take seconds.
func cases(small bool) (list []kase) {
	size := func(n, few int) int {
		if small {
			return few
		}
		return n
	}
	list = append(list, heat(3, size(256, 64), 192), heat(3, size(512, 96), 48), heat(2, size(4096, 256), 240))
	list = append(list, warmed(size(64, 16)))
	list = append(list, sweeps(size(256, 48), size(2048, 192))...)
	n := size(1024, 128)
	list = append(list, product(n, n, n), product(n+1, n-1, n+3), product(1000, 1000, 1000), product(17, size(4096, 256), size(4096, 256)),
		product(127, 127, 127), product(129, 129, 129), product(1, size(4096, 256), size(4096, 256)), product(64, 64, 64))
	list = append(list, layers(size(8192, 64), size(1024, 256))...)
	for _, vocab := range []int{65, 50257} {
		if !small || vocab == 65 {
			list = append(list, gpt(vocab, size(6, 1)))
		}
	}
	list = append(list, cavity(size(256, 32)))
	list = append(list, poisson(size(128, 32))...)
	if !small {
		list = append(list, poisson(256)...)
	}
	return list
}

func heat(dim, n, steps int) kase {
	axes, initial, centre, times, rows := "x: 0 .. 1 in n;  y: 0 .. 1 in n", "x*sin(pi*x)*sin(pi*y)", []func(int) int{third, half}, 24, 0
	if dim == 3 {
		axes, initial, centre, times, rows = axes+";  z: 0 .. 1 in n", initial+"*sin(pi*z)", []func(int) int{third, half, quarter}, 8, 32
		if n > 256 {
			times = 4
		}
	}
	text := fmt.Sprintf(`param n = %d, steps = %d
const h = 1/(n - 1)
grid box nodes { %s }
field T on box = %s
bc T { all: T = 0 }
evolve t from 0 to steps*h*h/8 step h*h/8 { dt(T) = lap(T) }
output T at end
`, n, steps, axes, initial)
	cells := pow(n, dim) * float64(steps)
	ours := program{name: "wfc", text: text, work: fixed(cells), check: value("T", centre...)}
	k := kase{name: fmt.Sprintf("heat %d-D, %s, f32, %d steps", dim, cube(n, dim), steps), unit: stencils, tolerance: 1e-4,
		ours: []entry{ours.entry(), ours.plain().entry()}, limits: []entry{copying(8)}}
	for _, kind := range []string{"plain", "blocked", "stream", "tiled"} {
		if dim == 2 && kind == "blocked" {
			continue
		}
		k.peers = append(k.peers, inC("C, "+kind+", gcc", gcc, "heat.c", nil, dim, n, steps, kind, times, rows))
		if kind == "plain" || kind == "tiled" {
			k.peers = append(k.peers, inC("C, "+kind+", clang", clang, "heat.c", nil, dim, n, steps, kind, times, rows))
		}
	}
	fused := map[int]int{2: 16, 3: 6}[dim]
	k.peers = append(k.peers, inPython("Halide", "heat_halide.py", []string{"halide"}, dim, n, steps, 1),
		inPython(fmt.Sprintf("Halide, %d steps fused", fused), "heat_halide.py", []string{"halide"}, dim, n, steps, fused),
		inPython("Devito", "heat_devito.py", []string{"devito"}, dim, n, steps),
		inPython("numba, parallel loops", "heat_numba.py", []string{"numba"}, dim, n, steps))
	return k
}

// warmed is heat in a cube of cells to a time, each contestant by the method that suits it, as exact as the others: time to solution.
// The error in space is that of second order, for both; explicit Euler's own is about as large and of other sign, and Crank-Nicolson's
// steps, of which the first is implicit Euler in OpenFOAM, are the largest with which it is as exact.
func warmed(n int) kase {
	const end, rate = 0.05, 3 * math.Pi * math.Pi
	text := fmt.Sprintf(`param n = %d
const h = 1/n
grid box { x: 0 .. 1 in n;  y: 0 .. 1 in n;  z: 0 .. 1 in n }
field T on box = sin(pi*x)*sin(pi*y)*sin(pi*z)
bc T { all: T = 0 }
evolve t from 0 to %g step h*h/8 { dt(T) = lap(T) }
output T at end
`, n, end)
	centre := math.Pow(math.Sin(math.Pi*(0.5+0.5/float64(n))), 3)
	ours := program{name: "wfc, explicit Euler, f32", text: text, check: value("T", half, half, half)}
	return kase{name: fmt.Sprintf("heat 3-D to the same accuracy, %s", cube(n, 3)), unit: solves, exact: centre * math.Exp(-rate*end),
		tolerance: 2 / pow(n, 2), ours: []entry{ours.entry()}, peers: []entry{laplacianFoam(n, 9*n/8, end)},
		why: "Explicit and implicit steps of the methods named, until their values differ from the exact solution by less than 2/n^2."}
}

// sweeps are explicit updates whose bound is the memory: so many bytes a cell and step must be read and written.
func sweeps(n3, n2 int) (list []kase) {
	add := func(name, text string, cells float64, bytes int) {
		p := program{name: "wfc", text: text, work: fixed(cells)}
		list = append(list, kase{name: name, unit: stencils, ours: []entry{p.entry(), p.plain().entry()}, limits: []entry{copying(bytes)}})
	}
	const steps = 60
	for _, order := range []int{4, 6, 8} {
		add(fmt.Sprintf("wave 3-D of order %d in space, %s", order, cube(n3, 3)), fmt.Sprintf(`param n = %d
grid box { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic;  z: 0 .. 1 in n periodic }
field u on box = exp(-50*((x - 0.5)^2 + (y - 0.5)^2 + (z - 0.5)^2))
const h = 0.3/n
evolve t from 0 to %d*h step h order %d { dt(dt(u)) = lap(u) }
output u at end
`, n3, steps, order), pow(n3, 3)*steps, 12)
		add(fmt.Sprintf("heat 2-D of order %d in space, %s", order, cube(n2, 2)), fmt.Sprintf(`param n = %d
grid box { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic }
field u on box = exp(-50*((x - 0.5)^2 + (y - 0.5)^2))
const h = 0.1/n^2
evolve t from 0 to %d*h step h order %d { dt(u) = lap(u) }
output u at end
`, n2, steps, order), pow(n2, 2)*steps, 8)
	}
	for _, order := range []int{4, 6} {
		add(fmt.Sprintf("heat 3-D of order %d in space, %s", order, cube(n3, 3)), fmt.Sprintf(`param n = %d
grid box { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic;  z: 0 .. 1 in n periodic }
field u on box = exp(-50*((x - 0.5)^2 + (y - 0.5)^2 + (z - 0.5)^2))
const h = 0.05/n^2
evolve t from 0 to %d*h step h order %d { dt(u) = lap(u) }
output u at end
`, n3, steps, order), pow(n3, 3)*steps, 8)
	}
	add(fmt.Sprintf("Gray-Scott, two fields, %s", cube(n2, 2)), fmt.Sprintf(`param n = %d
grid g { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic }
field u on g = 1 - 0.5*exp(-50*((x - 0.5)^2 + (y - 0.5)^2))
field v on g = 0.25*exp(-50*((x - 0.5)^2 + (y - 0.5)^2))
const h = 0.1/n^2
evolve t from 0 to %d*h step h {
  dt(u) = lap(u) - u*v^2 + 0.04*(1 - u)
  dt(v) = 0.5*lap(v) + u*v^2 - 0.1*v
}
output u, v at end
`, n2, steps), pow(n2, 2)*steps, 16)
	add(fmt.Sprintf("acoustics, staggered, %s", cube(n2, 2)), fmt.Sprintf(`param n = %d
grid g { x: 0 .. 1 in n periodic;  y: 0 .. 1 in n periodic }
field p on g = exp(-50*((x - 0.5)^2 + (y - 0.5)^2))
field u on g.x = 0
field v on g.y = 0
const h = 0.4/n
evolve t from 0 to %d*h step h {
  u' = u - h*dx(p)
  v' = v - h*dy(p)
  p' = p - h*(dx(u') + dy(v'))
}
output p at end
`, n2, steps), pow(n2, 2)*steps, 24)
	return list
}

func poisson(n int) []kase {
	text := func(method string) string {
		return fmt.Sprintf(`param n = %d
grid box { x: 0 .. 1 in n;  y: 0 .. 1 in n;  z: 0 .. 1 in n }
field f: f64 on box = sin(pi*x)*sin(2*pi*y)*z + where(x > 0.5, 1, 0)
field u: f64 on box = 0
field turns = 0
bc u { all: u = 0 }
evolve k in 0 .. 1 {
  solve -lap(u') = f for u' using %s
  turns' = iterations(u')
}
output u, turns at end
`, n, method)
	}
	at := value("u", func(n int) int { return n/4 - 1 }, func(n int) int { return n/3 - 1 }, func(n int) int { return n/2 - 1 })
	cg := program{name: "wfc", text: text("cg(tol = 1e-6, max = 5000)"), check: at,
		work: func(e runtime.Engine) (float64, error) {
			turns, err := value("turns")(e)
			return turns * pow(n, 3), err
		}}
	mg := program{name: "wfc", text: text("multigrid(tol = 1e-6)"), check: at}
	inMultigrid := []entry{inC("C, gcc", gcc, "poisson.c", nil, n, "multigrid")}
	if n <= 128 { // beyond that GAMG takes minutes
		inMultigrid = append(inMultigrid, inPETSc(n, "-ksp_type", "cg", "-pc_type", "gamg"))
	}
	return []kase{
		{name: fmt.Sprintf("Poisson by CG, %s, f64", cube(n, 3)), unit: iterations, tolerance: 1e-4, ours: []entry{cg.entry()},
			peers: []entry{inC("C, gcc", gcc, "poisson.c", nil, n, "cg"), inPETSc(n, "-ksp_type", "cg", "-pc_type", "none", "-ksp_max_it", "60")}},
		{name: fmt.Sprintf("Poisson to 1e-6 by multigrid, %s, f64", cube(n, 3)), unit: solves, tolerance: 1e-4, ours: []entry{mg.entry()},
			peers: inMultigrid},
	}
}

// cavity is the flow behind a lid that begins to move. Euler's method, central differences and a step of pressure correction (J. van Kan, A
// second-order accurate pressure-correction scheme for viscous incompressible flow, 1986) come as close to the exact flow as icoFoam with its two
// corrections: against a grid of twice as many points and steps of a sixteenth, the velocities of cells differ by 1.3e-3 in the mean square at
// 256^2 after 20 steps, those of icoFoam by 1.6e-3. Equations solved to 1e-5 of their right sides instead of 1e-4 change that by less than 1e-6.
func cavity(n int) kase {
	const steps = 20
	text := fmt.Sprintf(`param n = %d
const h = 0.5/n
grid box { x: 0 .. 1 in n;  y: 0 .. 1 in n }
field u: f64 on box.x = 0
field v: f64 on box.y = 0
field us: f64 on box.x = 0
field vs: f64 on box.y = 0
field p: f64 on box = 0
field q: f64 on box = 0
bc (u, v) { y.hi: u = 1, v = 0; others: noslip }
bc (us, vs) { y.hi: us = 1, vs = 0; others: noslip }
bc (p, q) { all: dn(p) = 0, dn(q) = 0 }
evolve t from 0 to %d*h step h {
  solve us' - h*0.01*lap(us') = u - h*(adv((u, v), u) + dx(p)) for us' using cg(tol = 1e-4)
  solve vs' - h*0.01*lap(vs') = v - h*(adv((u, v), v) + dy(p)) for vs' using cg(tol = 1e-4)
  solve lap(q') = div(us', vs')/h for q' with mean(q') = 0 using multigrid(tol = 1e-4)
  u' = us' - h*dx(q')
  v' = vs' - h*dy(q')
  p' = p + q'
}
output u, v at end
`, n, steps)
	below := func(n int) int { return n - n/32 } // in the layer that the lid moves
	p := program{name: "wfc, multigrid", text: text, work: fixed(steps * pow(n, 2)), check: func(e runtime.Engine) (float64, error) {
		lo, err1 := value("u", func(int) int { return n / 2 }, below)(e)
		hi, err2 := value("u", func(int) int { return n/2 + 1 }, below)(e)
		return (lo + hi) / 2, errors.Join(err1, err2)
	}}
	return kase{name: fmt.Sprintf("lid-driven cavity, Re = 100, %s", cube(n, 2)), unit: stepping, tolerance: 0.02, ours: []entry{p.entry()},
		peers: []entry{icoFoam(n, steps, (float64(n/2)+0.5)/float64(n), (float64(below(n))+0.5)/float64(n))}}
}

func product(m, n, k int) kase {
	work := 2 * float64(m) * float64(n) * float64(k)
	times := int(1e11/work) + 1 // a sample must outlast what a computer takes to wake up
	p := program{name: "wfc", file: "gemm.wf", set: fmt.Sprintf("m=%d n=%d k=%d", m, n, k), times: times, work: fixed(work),
		check: value("C", half, third)}
	return kase{name: fmt.Sprintf("product of matrices, %d x %d x %d, f32", m, n, k), unit: flops, tolerance: 1e-3, ours: []entry{p.entry()},
		limits: []entry{fma()}, peers: []entry{inC("OpenBLAS, or what BLAS is installed", gcc, "gemm.c", []string{"-lopenblas"}, m, n, k)}}
}

func gpt(vocab, layers int) kase {
	set := fmt.Sprintf("preset=char vocab=%d ctx=256 d=384 layers=%d heads=6 batch_size=4 iterations=1000000", vocab, layers)
	// FLOP of a token's products forward and backward: matrices of weights three times, pairs that the mask leaves as in attention alone.
	const d, context = 384, 256
	products := float64(6*d*(12*d*layers+vocab) + 7*d*(context+1)*layers)
	return kase{name: fmt.Sprintf("GPT training step, %d layers, d 384, 6 heads, B = 4, T = 256, %d words", layers, vocab), unit: tokens,
		limits: []entry{fmaFor("its products at the rate of independent multiply-adds", products)},
		ours:   []entry{trained("wfc", "gpt2.wf", set), trained("wfc, bf16 products", "gpt2.wf", set+" precision=bf16dot")},
		peers: []entry{inPython("PyTorch", "gpt_torch.py", []string{"torch"}, layers, 6, 384, 256, vocab, 4),
			inPythonWith("PyTorch, OpenBLAS with OpenMP, tcmalloc", tuned, "gpt_torch.py", []string{"torch"}, layers, 6, 384, 256, vocab, 4),
			inLLMC(layers, 6, 384, 256, vocab, 4)}}
}

func half(n int) int    { return n / 2 }
func third(n int) int   { return n / 3 }
func quarter(n int) int { return n / 4 }

func pow(n, k int) float64 {
	p := 1.0
	for range k {
		p *= float64(n)
	}
	return p
}

func cube(n, dim int) string {
	return fmt.Sprintf("%d^%d", n, dim)
}
