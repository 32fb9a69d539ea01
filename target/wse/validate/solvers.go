package validate

import "fmt"

const baselines = "; cycles: luozoupi/FABRICA kernels/baselines_wse3.json"

// solver is one of the vendor's solvers on w x h PEs with z levels: a state machine in every PE that calls the seven-point product and the
// all-reduce, whose callbacks move it on. Vectors lie side by side in x, room words apart, and so do the products in y.
type solver struct {
	w, h, z, block int
	vectors        int // in x
	decls          string
	start          string   // the entry
	coeff          string   // of the product: west, east, south, north, below, above, center
	states         []string // what the states do, in the order in which the source compares; empty = the source has none of this number
	init           func(x, y int) string
}

// on calls the callback, which takes the next state.
const on = "call next "

// then is the start of a state: what comes after it is stored.
func then(state int) string { return scalar(1) + fmt.Sprintf("set %%ns = %d ", state) }

func (s solver) room() int { return (s.z + 7) / 8 * 8 }

// product and sum are the calls of the two libraries.
func (s solver) stencil() stencil7 {
	return stencil7{w: s.w, h: s.h, z: s.z, block: s.block, vectors: s.vectors, room: s.room(), coeff: s.coeff, task: 10, after: on}
}

func (s solver) reducer() reducer {
	return reducer{w: s.w, h: s.h, color: 8, task: 13, array: "q", after: on}
}

// dot is blas.csl's: lengths and bases of two DSDs, then a function mapped over both that adds to a number in memory.
func (s solver) dot(a, b string, at int) string {
	return dsd(4) + scalar(2) + fmt.Sprintf("mov.f32 t[0 : 1] = 0 apply.mad.f32 t[0 : %[1]d*0] = t[0 : %[1]d*0], %[2]s, %[3]s load %%v = t[0] mov.f32 q[%[4]d : 1] = %%v ",
		s.z, a, b, at)
}

func (s solver) text() string {
	t, routes := newText(wse3Only, s.w, s.h), &text{}
	chain := scalar(6) // no such state
	for i := len(s.states) - 1; i >= 0; i-- {
		if s.states[i] == "" {
			continue
		}
		chain = fmt.Sprintf("if %%cs == %d { %s } else { %s } ", i, s.states[i], chain)
	}
	for y := 0; y < s.h; y++ {
		for x := 0; x < s.w; x++ {
			decls, tasks, r := s.stencil().parts(x, y)
			routes.f("%s", r)
			t.f("class p%d.%d { at x %d..%d y %d..%d\narray x f32[%d] export%s\narray g i32[1]\narray q f32[4] export\narray t f32[1]\n%s%s",
				x, y, x, x+1, y, y+1, s.vectors*s.room(), s.init(x, y), decls, s.decls)
			t.f("map mad f32 (s, a, b) { p = mul.f32 a, b v = add.f32 s, p return v }\nqueue ro out 2 color 8\nqueue ri in 2 color 8\n")
			t.f("fn next { %s set %%cs = %%ns activate drive }\n", load("g"))
			t.f("task main local 8 { %s activate drive }\ntask drive local 9 { %s %s }\n%s%s entry main }\n", s.start, load("g"), chain, tasks, s.reducer().tasks(x, y))
		}
	}
	t.f("%sroute color 8 at x 0..%d y 0..%d rx west tx east pos rx ramp ring pop advance teardown\n", routes.String(), s.w, s.h)
	return t.String()
}

// vec is vector i of array a.
func (s solver) vec(a string, i int) string { return fmt.Sprintf("%s[%d : %d]", a, i*s.room(), s.z) }

// cg is conjugate gradients, with the inverse of the diagonal as preconditioner or without: x and p are vectors 0 and 1 of the array x, w
// their products in y. q holds rho, eta, the sum of the clock's synchronisation, and with the preconditioner the square of the residual.
func cg(w, h, z, block, iterations int, diagonal bool) string {
	s := solver{w: w, h: h, z: z, block: block, vectors: 2, coeff: "-1, -1, -1, -1, -1, -1, 8"}
	s.init = func(x, y int) string { return "" }
	s.decls = fmt.Sprintf("array b f32[%[1]d] = affine 1 + 1*i + 2*px + 3*py\narray r f32[%[1]d]\narray m f32[%[1]d]\narray al f32[1]\n", z)
	x, p, b, r, m := s.vec("x", 0), s.vec("x", 1), fmt.Sprintf("b[0 : %d]", z), fmt.Sprintf("r[0 : %d]", z), fmt.Sprintf("m[0 : %d]", z)
	wx, wp := s.vec("y", 0), s.vec("y", 1)
	sum := s.reducer()
	size, direction, work := 0, r, 6 // the number that tells the residual's size, what p is made of, the state after the check
	setup := dsd(5)
	if diagonal {
		size, direction, work = 3, m, 5
		setup = "map.div.f32 al[0 : 1] = 1, c[6] load %inv = al[0] " + dsd(6)
	}
	s.start = scalar(3*2+1) + "set %cs = 1 set %k = 0 " + scalar(1)
	s.states = []string{
		then(10) + sum.call(0, 2),     // sync
		then(2) + setup + on,          // init
		then(3) + s.stencil().call(0), // A x
		then(4) + fmt.Sprintf("sub.f32 %s = %s, %s ", r, b, wx) + s.dot(r, r, size) + sum.call(0, size), // residual
		load("g") + load("g") + scalar(1+2) + load("g") + load("g") + fmt.Sprintf("if %%k < %d { %s } else { %s } ", iterations, then(work), then(10)) + on,
		"", // update of z
		then(7) + load("g") + "set %k = %k + 1 " + scalar(1) +
			fmt.Sprintf("if %%k == 1 { mov.f32 %[1]s = %[2]s } else { map.div.f32 al[0 : 1] = q[0 : 1], %%ro load %%be = al[0] fma.f32 %[1]s = %[2]s, %[1]s, %%be } ", p, direction) + on,
		then(8) + s.stencil().call(1), // A p
		then(9) + s.dot(wp, p, 1) + sum.call(0, 1),
		then(4) + fmt.Sprintf("map.div.f32 al[0 : 1] = q[0 : 1], q[1 : 1] load %%al = al[0] set %%am = %%al + -2147483648 "+
			"fma.f32 %[1]s = %[1]s, %[2]s, %%al fma.f32 %[3]s = %[3]s, %[4]s, %%am load %%ro = q[0] ", x, p, r, wp) + scalar(1) + s.dot(r, r, size) + sum.call(0, size),
		"exit ",
	}
	if diagonal {
		s.states[5] = then(6) + fmt.Sprintf("mul.f32 %s = %s, %%inv ", m, r) + s.dot(r, m, 0) + sum.call(0, 0)
	}
	return s.text()
}

// power: x is the vector, y its product, q holds the norm. The numbers are not those of the power method, whose exponents the text cannot take
// apart: nothing it does depends on them.
func power(w, h, z, block, iterations int) string {
	s := solver{w: w, h: h, z: z, block: block, vectors: 1, coeff: "-1, -1, -1, -1, -1, -1, 6"}
	s.init = func(x, y int) string { return " = affine 1 + 1*i + 2*px + 3*py" }
	s.decls = "map big f32 (m, a) { b = abs.f32 a v = max.f32 m, b return v }\nmap sq f32 (s, a, i) { b = mul.f32 a, i c = mul.f32 b, b v = add.f32 s, c return v }\narray il f32[1]\n"
	y := s.vec("y", 0)
	s.start = scalar(2*2+2) + "set %cs = 1 set %k = 0 "
	n := fmt.Sprintf("t[0 : %d*0]", z)
	s.states = []string{
		then(5) + s.reducer().call(0, 2),
		load("g") + load("g") + fmt.Sprintf("if %%k < %d { %s } else { %s } ", iterations, then(2), then(5)) + on,
		then(3) + s.stencil().call(0),
		// The largest of the column, its exponent and that one's inverse (as in the library), the scaled sum of squares, the root.
		then(4) + scalar(2) + dsd(2) + fmt.Sprintf("mov.f32 t[0 : 1] = 0 apply.big.f32 %[1]s = %[1]s, %[2]s ", n, y) + scalar(11+5+2) +
			fmt.Sprintf("apply.sq.f32 %[1]s = %[1]s, %[2]s, 1 map.sqrt.f32 q[0 : 1] = t[0 : 1] ", n, y) + scalar(2) + s.reducer().norm(0),
		then(1) + fmt.Sprintf("load %%v = q[0] map.div.f32 il[0 : 1] = 1, %%v set %%row = 0 while %%row < %d { %s load %%v = y[0 + 1*%%row] %s set %%row = %%row + 1 } ",
			z, scalar(1), load("g")+scalar(2+1)) + load("g") + "set %k = %k + 1 " + scalar(1) + on,
		"exit ",
	}
	return s.text()
}

func solverRows() []*Row {
	const bench = "Cerebras/sdk-examples benchmarks/"
	return []*Row{
		launched(&Row{ID: "cg", Section: "kernels", Kind: Kernel, Machine: wse3Only, What: "conjugate gradients, 5 x 5 x 5, 2 iterations",
			Source:    bench + "conjugate-gradient src/{kernel_cg,blas}.csl and benchmark-libs" + baselines,
			Published: 11635, Program: cg(5, 5, 5, 2, 2, false), Window: body, Note: solverNote}),
		launched(&Row{ID: "pcg", Section: "kernels", Kind: Kernel, Machine: wse3Only, What: "preconditioned conjugate gradients, 5 x 5 x 5, 2 iterations",
			Source:    bench + "preconditioned-conjugate-gradient src/{kernel_pcg,blas}.csl and benchmark-libs" + baselines,
			Published: 13826, Program: cg(5, 5, 5, 2, 2, true), Window: body, Slow: true, Note: solverNote}),
		launched(&Row{ID: "power", Section: "kernels", Kind: Kernel, Machine: wse3Only, What: "power method, 5 x 5 x 5, 10 iterations", Source: bench + "power-method src/{kernel_power,blas}.csl and benchmark-libs" + baselines,
			Published: 43436, Program: power(5, 5, 5, 2, 10), Window: body, Slow: true, Note: solverNote}),
	}
}

const solverNote = "products and all-reduces one after the other, and these rows are low by as much"
