package check

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

// Integrator is an explicit method for the system of all equations dt(u) = f(t, u) of an evolve. It is written as a sequence of stage
// values. With U[0] = u and K[j] = f(t + C[j]*dt, U[j]),
//
//	U[i] = sum over j < i of Rows[i-1].U[j]*U[j] + dt*sum over j < i of Rows[i-1].K[j]*K[j]
//
// and the last one is the value after the step: the form of C.-W. Shu and S. Osher (1988), in which a Runge-Kutta method has one U per row
// of its tableau. Every stage value has the boundary conditions of its field at its own time t + C[i]*dt, so that the order holds for
// conditions that change in time.
type Integrator struct {
	Name  string
	Order int
	C     []float64 // time of U[i]; C[0] = 0
	Rows  []Row
	// Extents of the region of stability: along the negative real axis, and along the imaginary axis (0 when only the origin lies in
	// it). The disk with the real extent as diameter lies inside, and so does the triangle between the extents; a test says so.
	Real, Imag float64
	// Err are weights of the K for the difference to an embedded method of order Order-1; nil when there is none. A K past the last
	// row is f at the new value.
	Err []float64
	// Back says that the method reads the rates of the step before: T' = T + dt*((1 + r/2)*K[0] - r/2*K[-1]), with r the ratio of this
	// step to the one before.
	Back bool
}

// Row gives one stage value; missing entries are 0.
type Row struct{ U, K []float64 }

// integrators are the methods of `by`, the default first.
//
//	euler   forward Euler
//	rk2     explicit midpoint (Runge)
//	ssprk3  three stages, order 3, strong stability preserving with coefficient 1 (Shu and Osher 1988; Gottlieb, Shu, Tadmor 2001)
//	rk4     the classical one (Kutta 1901)
//	rk23    P. Bogacki and L. Shampine, A 3(2) pair of Runge-Kutta formulas (1989); its error estimate steers `step adaptive`
//	ab2     Adams-Bashforth of order 2: one evaluation a step; begins with a step of Euler, whose error counts once
var integrators = []*Integrator{
	{Name: "euler", Order: 1, C: []float64{0, 1}, Rows: []Row{{[]float64{1}, []float64{1}}}, Real: 2},
	{Name: "rk2", Order: 2, C: []float64{0, 0.5, 1}, Rows: []Row{{[]float64{1}, []float64{0.5}}, {[]float64{1}, []float64{0, 1}}}, Real: 2},
	{Name: "ssprk3", Order: 3, C: []float64{0, 1, 0.5, 1}, Real: 2.512745326618, Imag: math.Sqrt(3), Rows: []Row{
		{[]float64{1}, []float64{1}},
		{[]float64{0.75, 0.25}, []float64{0, 0.25}},
		{[]float64{1.0 / 3, 0, 2.0 / 3}, []float64{0, 0, 2.0 / 3}}}},
	{Name: "rk4", Order: 4, C: []float64{0, 0.5, 0.5, 1, 1}, Real: 2.785293563405, Imag: 2 * math.Sqrt2, Rows: []Row{
		{[]float64{1}, []float64{0.5}},
		{[]float64{1}, []float64{0, 0.5}},
		{[]float64{1}, []float64{0, 0, 1}},
		{[]float64{1}, []float64{1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}}}},
	{Name: "rk23", Order: 3, C: []float64{0, 0.5, 0.75, 1}, Real: 2.512745326618, Imag: math.Sqrt(3), Rows: []Row{
		{[]float64{1}, []float64{0.5}},
		{[]float64{1}, []float64{0, 0.75}},
		{[]float64{1}, []float64{2.0 / 9, 1.0 / 3, 4.0 / 9}}},
		Err: []float64{2.0/9 - 7.0/24, 1.0/3 - 0.25, 4.0/9 - 1.0/3, -0.125}},
	{Name: "ab2", Order: 2, C: []float64{0, 1}, Rows: []Row{{[]float64{1}, []float64{1}}}, Real: 1, Back: true},
}

// Staged reports whether the method evaluates right-hand sides at other values than those before the step.
func (m *Integrator) Staged() bool { return len(m.Rows) > 1 }

// Reads reports whether K[j] is needed after U[j+1] is made.
func (m *Integrator) Reads(j int) bool {
	for i := j + 1; i < len(m.Rows); i++ {
		if len(m.Rows[i].K) > j && m.Rows[i].K[j] != 0 {
			return true
		}
	}
	return false
}

// Accumulates reports whether rates of earlier stages are read by the last row alone, which begins from the value before the step: then
// their sum is enough.
func (m *Integrator) Accumulates() bool {
	last, any := len(m.Rows)-1, false
	for i, r := range m.Rows {
		for j, c := range r.K {
			if j < i && c != 0 {
				if i < last {
					return false
				}
				any = true
			}
		}
	}
	u := m.Rows[last].U
	return any && len(u) == 1 && u[0] == 1
}

// Amplification is the factor by which one step multiplies the solution of u' = lambda*u, with z = lambda*dt; for a method that reads
// the step before, the larger of its two factors in modulus.
func (m *Integrator) Amplification(z complex128) complex128 {
	if m.Back { // w^2 - (1 + 3/2 z)*w + z/2 = 0
		b := 1 + 1.5*z
		d := sqrtComplex(b*b - 2*z)
		w1, w2 := (b+d)/2, (b-d)/2
		if abs2(w2) > abs2(w1) {
			return w2
		}
		return w1
	}
	u := []complex128{1}
	for _, r := range m.Rows {
		var x complex128
		for j, c := range r.U {
			x += complex(c, 0) * u[j]
		}
		for j, c := range r.K {
			x += complex(c, 0) * z * u[j]
		}
		u = append(u, x)
	}
	return u[len(u)-1]
}

func abs2(z complex128) float64 { return real(z)*real(z) + imag(z)*imag(z) }

func sqrtComplex(z complex128) complex128 {
	r := math.Sqrt(math.Hypot(real(z), imag(z)))
	s, c := math.Sincos(math.Atan2(imag(z), real(z)) / 2)
	return complex(r*c, r*s)
}

// method resolves `by NAME`.
func (c *checker) method(e *syntax.Evolve, b *Block) {
	b.By = integrators[0]
	if e.By == nil {
		return
	}
	b.ByAt = e.By.Span()
	if m, _ := implicitOf(e); m != nil && !b.Count {
		return
	}
	ref, ok := e.By.(*syntax.Ref)
	if ok && !ref.Prime && ref.Index == nil {
		for _, m := range integrators {
			if m.Name == ref.Name.Name {
				if b.Count {
					c.errs.Errorf("WF0306", b.ByAt, "`evolve %s in ..` counts steps: there is no time to integrate over", b.Var).
						Suggest("write `evolve t from .. to .. step .. by %s`", m.Name)
					return
				}
				b.By = m
				return
			}
		}
	}
	var names []string
	for _, m := range integrators {
		names = append(names, m.Name)
	}
	for _, m := range implicitMethods {
		names = append(names, m.name)
	}
	d := c.errs.Errorf("WF0315", b.ByAt, "there is no integrator %s", e.By.Span().Text())
	if ok {
		if s := closest(ref.Name.Name, names); s != "" {
			d.Replace(b.ByAt, s, "did you mean %s?", s)
			return
		}
	}
	d.Suggest("there are %s", join(names))
}

// staging holds the statements of an evolve against its method: what a method with stages evaluates at stage values must be known
// there, and a field of second order has a method of its own.
func (c *checker) staging(b *Block) {
	for _, s := range b.Stmts {
		if s.Kind == Second && b.Tol != nil {
			c.errs.Errorf("WF0316", s.At, "dt(dt(%s)) is advanced by leapfrog, which has no estimate of its error", s.Field.Name).
				With(b.Step.At, "here the error of a step decides how long the next one is").
				Suggest("write `step cfl(..)`, or two equations, dt(%s) = v and dt(v) = .., which rk23 advances", s.Field.Name)
			return
		}
	}
	if b.By == nil || b.By.Name == "euler" {
		return
	}
	found := false
	lets := map[*Let]*Assign{}
	for _, s := range b.Stmts {
		switch s.Kind {
		case LetMap:
			lets[s.Let] = s
		case Euler:
			found = true
			visitThrough(s.Value, lets, func(n *Node) {
				if n.Op == Read && n.Next {
					c.errs.Errorf("WF0316", n.At, "an equation that is integrated by %s cannot read %s'", b.By.Name, n.Field.Name).
						With(b.ByAt, "%s evaluates the right side at stage values, where no next value is known", b.By.Name).
						Suggest("read %s, or name what it is computed from with `let`", n.Field.Name)
				}
			})
		case Second:
			found = true
			c.errs.Errorf("WF0316", s.At, "dt(dt(%s)) is advanced by leapfrog, not by %s", s.Field.Name, b.By.Name).
				With(b.ByAt, "given here").Suggest("remove `by %s`, or write two equations: dt(%s) = v and dt(v) = ..", b.By.Name, s.Field.Name)
		}
	}
	if !found && !b.broken {
		c.errs.Errorf("WF0316", b.ByAt, "%s has no equation to integrate here", b.By.Name).
			Note("assignments `T' = ..` are evaluated as written, once a step").Suggest("write `dt(T) = ..`, or remove `by %s`", b.By.Name)
	}
}

// visitThrough visits an expression and the indexed lets it reads.
func visitThrough(n *Node, lets map[*Let]*Assign, f func(*Node)) {
	seen := map[*Let]bool{}
	var visit func(n *Node)
	visit = func(n *Node) {
		Visit(n, func(n *Node) {
			f(n)
			if s := lets[n.Let]; n.Op == LetRead && s != nil && !seen[n.Let] {
				seen[n.Let] = true
				visit(s.Value)
			}
		})
	}
	visit(n)
}

// diskBound and wedgeBound are the steps for which a spectrum with damping up to a, advection up to bound and Q (see stability) stays in
// the disk, or in the triangle, that lies inside the region of stability.
func (l *limiter) diskBound(m *Integrator, most *Node, s *Assign) *Node {
	return div(number(m.Real, one(), s.At), most)
}

func (l *limiter) wedgeBound(m *Integrator, damp, speed *Node, s *Assign) *Node {
	sum := add(mul(number(1/m.Real, one(), s.At), damp), mul(number(1/m.Imag, one(), s.At), speed))
	return div(number(1, one(), s.At), sum)
}

// spread is the sum over axes of the largest |symbol| of the terms of odd order: the extent of the spectrum along the imaginary axis.
func (l *limiter) spread(s *Assign, odd [3][]linTerm) *Node {
	sum := number(0, one(), s.At)
	for j := range odd {
		for _, t := range odd[j] {
			w := symbolMax(t.orders[j], t.acc) / math.Pow(s.Field.Grid.Axes[j].H, float64(t.orders[j]))
			n := l.largest(mul(number(w, one(), t.at), compute(ir.Abs, one(), t.at, t.signed())), t.at)
			if n == nil {
				return nil
			}
			sum = add(sum, n)
		}
	}
	return sum
}
