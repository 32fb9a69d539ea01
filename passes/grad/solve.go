package grad

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// Solve says of a while loop that it solves residual = 0 for an array. Its adjoint is then a solve with the transposed derivative of the
// residual at the solution, by conjugate gradients, whatever the loop does and however long it runs: by the implicit function theorem
//
//	R(x, p) = 0   gives   dJ/dp = -(dR/dp)' m,   (dR/dx)' m = dJ/dx
//
// (Griewank and Walther, "Evaluating Derivatives", 2nd ed., chapter 15). Where the loop starts from does not matter. Other arrays that the
// loop writes, counters and residuals, have no derivatives.
type Solve struct {
	Cond      string  // condition of the loop
	Func      string  // function that computes the residual
	Residual  string  // array that it sets, like Argument
	Argument  string  // array that it reads as the unknown
	Solution  string  // array that holds the solution after the loop; "" is Argument
	Symmetric bool    // the derivative is symmetric and definite; else the normal equations are solved (CGLS)
	Tol       float64 // of the residual of the transposed system, relative; 0 is 1e-6, or 1e-12 in f64
	Max       int     // iterations; 0 is 1000
}

// CodeTransposed is the diagnostic code of a transposed solve that did not converge.
const CodeTransposed = "WF0651"

// rule returns what is known of a loop.
func (r *reverser) rule(s *ir.Stmt) *Solve {
	for i := range r.o.Solves {
		if s.Kind == ir.While && r.o.Solves[i].Cond == s.Cond {
			return &r.o.Solves[i]
		}
	}
	return nil
}

// solver writes the transposed solve of one loop.
type solver struct {
	r    *reverser
	s    Solve
	e    ir.Elem
	base string
	res  string // the residual's value in Func
	err  error
}

// solve reverses a loop that solves.
func (r *reverser) solve(stmt ir.Stmt, s Solve) ([]ir.Stmt, error) {
	if s.Solution == "" {
		s.Solution = s.Argument
	}
	f := r.p.Func(s.Func)
	if f == nil {
		return nil, fmt.Errorf("there is no function %q for the residual of the loop while %s", s.Func, s.Cond)
	}
	z := &solver{r: r, s: s, base: r.fresh(r.name + ".transposed")}
	w := newWriter(r.p, &ir.Func{})
	like, e, err := w.box("@" + s.Argument)
	if err != nil {
		return nil, err
	}
	z.e = e
	for _, x := range []string{s.Residual, s.Solution} {
		dom, xe, err := w.box("@" + x)
		if err != nil {
			return nil, err
		}
		if xe != e || len(dom) != len(like) || !sameBox(intervals(dom), like) {
			return nil, fmt.Errorf("%s and %s differ in type or shape", x, s.Argument)
		}
	}
	for _, set := range f.Sets {
		if set.Array == s.Residual {
			z.res = set.Value
		}
	}
	if z.res == "" {
		return nil, fmt.Errorf("function %s does not set the residual %s", s.Func, s.Residual)
	}
	out := []ir.Stmt{stmt}
	return append(out, z.statements(stmt)...), z.err
}

func (z *solver) name(x string) string { return z.base + "." + x }

// statements are those after the loop: m is zero and grows by a*p, v is what is left of the right-hand side, s the gradient of the squared
// residual (v itself when symmetric), p the direction, q its image.
func (z *solver) statements(loop ir.Stmt) []ir.Stmt {
	p := z.r.p
	for _, x := range []string{"m", "p", "q"} {
		z.declare(z.name(x), p.Array(z.s.Argument).Axes, z.e)
	}
	v := Tangent(z.s.Argument) // where forward mode finds its direction
	declare(p, z.s.Argument, v)
	s := v
	if !z.s.Symmetric {
		s = z.name("s")
		z.declare(s, p.Array(z.s.Argument).Axes, z.e)
	}
	for _, x := range []string{"size", "limit"} {
		z.declare(z.name(x), nil, z.e)
	}
	for _, x := range []string{"k", "going", "failed"} {
		z.declare(z.name(x), nil, ir.I32)
	}
	tol, most := z.s.Tol, z.s.Max
	if tol == 0 {
		tol = 1e-6
		if z.e == ir.F64 {
			tol = 1e-12
		}
	}
	if most == 0 {
		most = 1000
	}
	going := func(w *writer, size, limit, k string) {
		w.f.Sets = append(w.f.Sets, ir.Set{Array: z.name("going"), Value: w.single("going", ir.I32, func(b *exprs) int {
			more := b.op(ir.And, ir.Bool, b.op(ir.Lt, ir.Bool, b.read(z.e, limit, nil), b.read(z.e, size, nil)),
				b.op(ir.Lt, ir.Bool, b.read(ir.I32, k, nil), b.num(ir.I32, float64(most))))
			return b.op(ir.Cvt, ir.I32, more)
		})})
	}
	prep := z.function("begin", func(w *writer) {
		set := func(array, value string) { w.f.Sets = append(w.f.Sets, ir.Set{Array: array, Value: value}) }
		if z.s.Argument != z.s.Solution {
			set(z.s.Argument, "@"+z.s.Solution)
		}
		set(v, "@"+Gradient(z.s.Solution))
		zero, err := w.fill("@"+z.s.Argument, 0)
		z.err = err
		set(z.name("m"), zero)
		set(z.name("k"), w.single("k", ir.I32, func(b *exprs) int { return b.num(ir.I32, 0) }))
	})
	start := z.function("start", func(w *writer) {
		set := func(array, value string) { w.f.Sets = append(w.f.Sets, ir.Set{Array: array, Value: value}) }
		size := w.inner("@"+s, "@"+s)
		limit := w.single("limit", z.e, func(b *exprs) int { return b.mul(b.num(z.e, tol*tol), b.read(z.e, size, nil)) })
		set(z.name("p"), "@"+s)
		set(z.name("size"), size)
		set(z.name("limit"), limit)
		going(w, size, limit, "@"+z.name("k"))
	})
	update := z.function("update", func(w *writer) {
		set := func(array, value string) { w.f.Sets = append(w.f.Sets, ir.Set{Array: array, Value: value}) }
		other := "@" + z.name("p")
		if !z.s.Symmetric {
			other = "@" + z.name("q")
		}
		den := w.inner(other, "@"+z.name("q"))
		a := w.single("a", z.e, func(b *exprs) int {
			return b.op(ir.Div, z.e, b.read(z.e, "@"+z.name("size"), nil), b.read(z.e, den, nil))
		})
		set(z.name("m"), w.axpy("@"+z.name("m"), a, "@"+z.name("p"), false))
		set(v, w.axpy("@"+v, a, "@"+z.name("q"), true))
		set(z.name("k"), w.single("k", ir.I32, func(b *exprs) int {
			return b.op(ir.Add, ir.I32, b.read(ir.I32, "@"+z.name("k"), nil), b.num(ir.I32, 1))
		}))
	})
	next := z.function("next", func(w *writer) {
		set := func(array, value string) { w.f.Sets = append(w.f.Sets, ir.Set{Array: array, Value: value}) }
		size := w.inner("@"+s, "@"+s)
		b := w.single("b", z.e, func(b *exprs) int {
			return b.op(ir.Div, z.e, b.read(z.e, size, nil), b.read(z.e, "@"+z.name("size"), nil))
		})
		set(z.name("p"), w.axpy("@"+s, b, "@"+z.name("p"), false))
		set(z.name("size"), size)
		going(w, size, "@"+z.name("limit"), "@"+z.name("k"))
	})
	back := z.transposed()
	loopBody := []ir.Stmt{call(back), call(update)}
	out := []ir.Stmt{call(prep)}
	if !z.s.Symmetric {
		ahead := z.forward(s)
		out = append(out, call(ahead))
		loopBody = append(loopBody, call(ahead))
	}
	out = append(out, call(start), ir.Stmt{Kind: ir.While, Cond: z.name("going"), Body: append(loopBody, call(next)), Pos: loop.Pos})
	p.Failures = append(p.Failures, ir.Failure{Array: z.name("failed"), Code: CodeTransposed, Pos: loop.Pos,
		Message: "the transposed solve of a gradient did not converge in {" + z.name("k") + "} iterations"})
	return append(out, call(z.finish(loop)))
}

func (z *solver) declare(name string, axes []string, e ir.Elem) {
	z.r.p.Arrays = append(z.r.p.Arrays, ir.Array{Name: name, Axes: append([]string(nil), axes...), Elem: e, Local: true})
}

func (z *solver) function(name string, f func(w *writer)) string {
	fn := &ir.Func{Name: z.name(name)}
	f(newWriter(z.r.p, fn))
	z.r.p.Funcs = append(z.r.p.Funcs, *fn)
	return fn.Name
}

// transposed makes the function q = (dR/dx)' p.
func (z *solver) transposed() string {
	f := z.r.p.Func(z.s.Func).Clone()
	f.Name = z.name("back")
	gs, err := Pull(z.r.p, &f, []Seed{{z.res, "@" + z.name("p")}}, []string{z.s.Argument}, nil)
	if err != nil {
		z.err = err
		return ""
	}
	f.Sets = []ir.Set{{Array: z.name("q"), Value: gs[0]}}
	z.r.p.Funcs = append(z.r.p.Funcs, f)
	return f.Name
}

// forward makes the function s = (dR/dx) v.
func (z *solver) forward(s string) string {
	f := z.r.p.Func(z.s.Func).Clone()
	f.Name = z.name("ahead")
	ds, err := Push(z.r.p, &f, []string{z.s.Argument}, []string{z.res}, nil)
	if err == nil && ds[0] == "" {
		err = fmt.Errorf("the residual %s does not depend on %s", z.s.Residual, z.s.Argument)
	}
	if err != nil {
		z.err = err
		return ""
	}
	f.Sets = []ir.Set{{Array: s, Value: ds[0]}}
	z.r.p.Funcs = append(z.r.p.Funcs, f)
	return f.Name
}

// finish makes the function that adds -(dR/dp)' m to the cotangents of what the residual depends on, and clears those of what the loop
// writes.
func (z *solver) finish(loop ir.Stmt) string {
	r := z.r
	f := r.p.Func(z.s.Func).Clone()
	f.Name = z.name("end")
	w := newWriter(r.p, &f)
	minus := w.scaled("@"+z.name("m"), -1)
	written := map[string]bool{z.s.Argument: true}
	ir.Walk(loop.Body, func(s *ir.Stmt) {
		if s.Kind == ir.Call {
			for _, set := range r.p.Func(s.Func).Sets {
				written[set.Array] = true
			}
		}
	})
	var wrt []string
	for _, x := range r.grads {
		if !written[x] {
			wrt = append(wrt, x)
		}
	}
	a, err := pull(r.p, &f, []Seed{{z.res, minus}}, wrt, nil, false)
	if err != nil {
		z.err = err
		return ""
	}
	f.Sets = nil
	for _, x := range r.grads {
		var g string
		switch {
		case written[x]:
			g, err = a.fill("@"+x, 0)
		case len(a.parts["@"+x]) == 0:
			continue
		default:
			if g, err = a.gather("@"+x, true); err == nil {
				g, err = a.plus("@"+Gradient(x), g)
			}
		}
		if err != nil {
			z.err = err
			return ""
		}
		f.Sets = append(f.Sets, ir.Set{Array: Gradient(x), Value: g})
	}
	f.Sets = append(f.Sets, ir.Set{Array: z.name("failed"), Value: a.single("failed", ir.I32, func(b *exprs) int {
		good := b.op(ir.Le, ir.Bool, b.read(z.e, "@"+z.name("size"), nil), b.read(z.e, "@"+z.name("limit"), nil))
		return b.op(ir.Cvt, ir.I32, b.op(ir.Not, ir.Bool, good))
	})})
	r.p.Funcs = append(r.p.Funcs, f)
	return f.Name
}

// single emits a value without indices.
func (w *writer) single(name string, e ir.Elem, f func(b *exprs) int) string {
	b := newExprs()
	return w.emit(ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: name, Elem: e}},
		Pieces: []ir.Piece{{Box: []ir.Interval{}, Body: b.body(f(b))}}})
}

// inner emits the inner product of two tensors of one shape.
func (w *writer) inner(x, y string) string {
	dom, e, _ := w.box(x)
	b := newExprs()
	p := b.op(ir.Mul, e, b.read(e, x, identity(dom)), b.read(e, y, identity(dom)))
	if len(dom) == 0 {
		return w.single("inner", e, func(c *exprs) int { return c.op(ir.Mul, e, c.read(e, x, nil), c.read(e, y, nil)) })
	}
	return w.emit(ir.Op{Kind: ir.Reduce, Over: dom, Order: ir.Order{Kind: ir.Canon}, Results: []ir.Result{{Name: "inner", Elem: e}},
		Pieces: []ir.Piece{{Box: intervals(dom), Body: b.body(p)}}})
}

// axpy emits x + a*y, or x - a*y.
func (w *writer) axpy(x, a, y string, minus bool) string {
	dom, e, _ := w.box(x)
	b := newExprs()
	p := b.op(ir.Mul, e, b.read(e, a, nil), b.read(e, y, identity(dom)))
	c := ir.Add
	if minus {
		c = ir.Sub
	}
	s := b.op(c, e, b.read(e, x, identity(dom)), p)
	return w.emit(ir.Op{Kind: ir.Map, Dom: dom, Results: []ir.Result{{Name: "next", Elem: e}},
		Pieces: []ir.Piece{{Box: intervals(dom), Body: b.body(s)}}})
}

// scaled emits c*x.
func (w *writer) scaled(x string, c float64) string {
	dom, e, _ := w.box(x)
	b := newExprs()
	return w.emit(ir.Op{Kind: ir.Map, Dom: dom, Results: []ir.Result{{Name: "scaled", Elem: e}},
		Pieces: []ir.Piece{{Box: intervals(dom), Body: b.body(b.mul(b.num(e, c), b.read(e, x, identity(dom))))}}})
}
