package check

import (
	"fmt"
	"sort"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// The stencil of a linear operator: which values of which direction it reads at a point, and with what coefficients. The formulas are those
// of pass discretise, followed on the checked expression, so that the diagonal of an operator is an expression like any other. Coefficients
// halfway between points are means of two; the bits of the discretised operator are not needed here, because the diagonal only steers.

// place is a point relative to the one where the operator is evaluated, in half steps. What lives on faces along an axis has its values
// there when the operator does too and the number is even, or when one of both does and it is odd.
type place [3]int

// entry is one coefficient of a stencil.
type entry struct {
	dir  int // which unknown
	at   place
	coef *Node
}

// stencilOf collects the stencil of component k of the operator; false where an expression is not understood.
func (c *checker) stencilOf(sv *solver, k int) ([]entry, bool) {
	s := &stenciler{dirs: sv.dir, at: sv.at, home: facesAmong(sv.dir[k].Axes), ok: true, memo: map[string]map[string]*entry{}}
	m := s.lin(sv.jac[k], place{})
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var out []entry
	for _, key := range keys {
		out = append(out, *m[key])
	}
	return out, s.ok && len(out) > 0
}

type stenciler struct {
	dirs []*Field
	at   diag.Span
	home uint8 // the axes along which the operator is evaluated on faces
	ok   bool
	memo map[string]map[string]*entry
	size int
}

func (s *stenciler) num(v float64) *Node { return number(v, one(), s.at) }

func (s *stenciler) op(code ir.Code, a ...*Node) *Node { return compute(code, one(), s.at, a...) }

func (s *stenciler) times(a, b *Node) *Node {
	for _, p := range [][2]*Node{{a, b}, {b, a}} {
		if v, ok := constant(p[0]); ok && v == 1 {
			return p[1]
		}
	}
	return s.op(ir.Mul, a, b)
}

// scaled multiplies all coefficients.
func (s *stenciler) scaled(m map[string]*entry, f func(*Node) *Node) map[string]*entry {
	out := map[string]*entry{}
	for k, e := range m {
		out[k] = &entry{e.dir, e.at, f(e.coef)}
	}
	return out
}

// sum adds stencils.
func (s *stenciler) sum(a, b map[string]*entry) map[string]*entry {
	out := map[string]*entry{}
	for k, e := range a {
		out[k] = e
	}
	for k, e := range b {
		if old := out[k]; old != nil {
			out[k] = &entry{e.dir, e.at, s.op(ir.Add, old.coef, e.coef)}
		} else {
			out[k] = e
		}
	}
	return out
}

const maxStencil = 1 << 14

// lin is the stencil of an expression at a place.
func (s *stenciler) lin(n *Node, q place) map[string]*entry {
	if n == nil || n.host || !readsField(n, s.dirs) {
		return nil
	}
	key := fmt.Sprintf("%p %v", n, q)
	if m, ok := s.memo[key]; ok {
		return m
	}
	if s.size++; s.size > maxStencil {
		s.ok = false
		return nil
	}
	m := s.node(n, q)
	s.memo[key] = m
	return m
}

func (s *stenciler) node(n *Node, q place) map[string]*entry {
	switch n.Op {
	case Read:
		return s.read(n, q)
	case Shift:
		q[axisIndex(n.Var.Axis)] += n.N
		return s.lin(n.Args[0], q)
	case Deriv:
		return s.deriv(n, q)
	case Compute:
	default:
		s.ok = false
		return nil
	}
	a := n.Args
	switch n.Code {
	case ir.Add:
		return s.sum(s.lin(a[0], q), s.lin(a[1], q))
	case ir.Sub:
		return s.sum(s.lin(a[0], q), s.scaled(s.lin(a[1], q), s.minus))
	case ir.Neg:
		return s.scaled(s.lin(a[0], q), s.minus)
	case ir.Mul:
		x, y := a[0], a[1]
		if !readsField(y, s.dirs) {
			x, y = y, x
		}
		f := s.moved(x, q)
		return s.scaled(s.lin(y, q), func(e *Node) *Node { return s.times(f, e) })
	case ir.Div:
		f := s.moved(a[1], q)
		return s.scaled(s.lin(a[0], q), func(e *Node) *Node { return s.op(ir.Div, e, f) })
	case ir.Select:
		cond := s.moved(a[0], q)
		yes := s.scaled(s.lin(a[1], q), func(e *Node) *Node { return s.op(ir.Select, cond, e, s.num(0)) })
		no := s.scaled(s.lin(a[2], q), func(e *Node) *Node { return s.op(ir.Select, cond, s.num(0), e) })
		return s.sum(yes, no)
	}
	s.ok = false
	return nil
}

func (s *stenciler) minus(e *Node) *Node {
	if v, ok := constant(e); ok {
		return s.num(-v)
	}
	return s.op(ir.Neg, e)
}

// read is a read of a direction: one coefficient, or means where the place lies midway.
func (s *stenciler) read(n *Node, q place) map[string]*entry {
	for j, f := range s.dirs {
		if f != n.Field {
			continue
		}
		for k, sub := range n.Sub {
			if sub.Var != nil && f.Axes[k].Grid != nil {
				q[axisIndex(sub.Var.Axis)] += 2 * sub.Off
			}
		}
		faces := facesAmong(f.Axes)
		for d := range q {
			if !s.between(q, d, faces) {
				continue
			}
			lo, hi := q, q
			lo[d]--
			hi[d]++
			plain := *n
			plain.Sub = fieldSubs(f)
			half := func(e *Node) *Node { return s.times(s.num(0.5), e) }
			return s.sum(s.scaled(s.read(&plain, lo), half), s.scaled(s.read(&plain, hi), half))
		}
		return map[string]*entry{fmt.Sprintf("%d %v", j, q): {j, q, s.num(1)}}
	}
	return nil
}

// deriv is a derivative: the sum of its formula.
func (s *stenciler) deriv(n *Node, q place) map[string]*entry {
	x, order, acc, d := n.Args[0], n.N, n.Acc, axisIndex(n.Var.Axis)
	for x.Op == Deriv && axisIndex(x.Var.Axis) == d {
		order, acc, x = order+x.N, max(acc, x.Acc), x.Args[0]
	}
	for x.Op == Shift {
		q[axisIndex(x.Var.Axis)] += x.N
		x = x.Args[0]
		for x.Op == Deriv && axisIndex(x.Var.Axis) == d {
			order, acc, x = order+x.N, max(acc, x.Acc), x.Args[0]
		}
	}
	half := q[d]%2 != 0
	moves, odd, within := false, false, false
	Visit(x, func(y *Node) {
		moves = moves || y.Op == Shift && axisIndex(y.Var.Axis) == d
		if y.Op == Deriv && axisIndex(y.Var.Axis) == d {
			within, odd = true, odd || y.N%2 == 1
		}
	})
	switch {
	case moves || len(s.dirs) > 0 && staggeredAlong(x, d):
		faces, _ := natural(x)
		half = s.between(q, d, faces)
	case within:
		half = order%2 == 1 && odd
	}
	h := n.Var.Axis.H
	scale := 1.0
	for range order {
		scale /= h
	}
	out := map[string]*entry{}
	pts, w := halfStencil(order, acc, half)
	for i, p := range pts {
		if w[i] == 0 {
			continue
		}
		r := q
		r[d] += p
		f := s.num(w[i] * scale)
		out = s.sum(out, s.scaled(s.lin(x, r), func(e *Node) *Node { return s.times(f, e) }))
	}
	return out
}

// staggeredAlong says whether an expression reads fields on faces along axis d of their grid.
func staggeredAlong(n *Node, d int) bool {
	found := false
	Visit(n, func(x *Node) {
		if x.Op == Read {
			for _, a := range x.Field.Axes {
				found = found || a.Of != nil && axisIndex(a) == d
			}
		}
	})
	return found
}

// halfStencil returns the points, in half steps, and weights of the central formula for the n-th derivative at spacing 1.
func halfStencil(n, acc int, half bool) ([]int, []float64) {
	var pts []int
	if !half {
		w := stencilWeights(n, acc)
		r := len(w) - 1
		var out []float64
		for k := -r; k <= r; k++ {
			v := w[max(k, -k)]
			if k < 0 && n%2 == 1 {
				v = -v
			}
			pts, out = append(pts, 2*k), append(out, v)
		}
		return pts, out
	}
	m := (n-n%2)/2 + acc/2
	for k := -m; k < m; k++ {
		pts = append(pts, 2*k+1)
	}
	return pts, fornberg(pts, n)
}

// fornberg is the recurrence of stencilWeights for points given in half steps.
func fornberg(points []int, n int) []float64 {
	x := make([]float64, len(points))
	for i, p := range points {
		x[i] = float64(p) / 2
	}
	c := make([][]float64, n+1)
	for k := range c {
		c[k] = make([]float64, len(points))
	}
	c[0][0] = 1
	c1 := 1.0
	for i := 1; i < len(x); i++ {
		c2 := 1.0
		for j := 0; j < i; j++ {
			c3 := x[i] - x[j]
			c2 *= c3
			if j == i-1 {
				for k := min(i, n); k >= 0; k-- {
					v := -float64(x[i-1] * c[k][i-1])
					if k > 0 {
						v += float64(k) * c[k-1][i-1]
					}
					c[k][i] = c1 * v / c2
				}
			}
			for k := min(i, n); k >= 0; k-- {
				v := float64(x[i] * c[k][j])
				if k > 0 {
					v -= float64(k) * c[k-1][j]
				}
				c[k][j] = v / c3
			}
		}
		c1 = c2
	}
	return c[n]
}

// facesAmong has a bit for every axis of faces.
func facesAmong(axes []*Axis) (faces uint8) {
	for _, a := range axes {
		if a.Of != nil {
			faces |= 1 << axisIndex(a)
		}
	}
	return faces
}

// between says whether a place lies, along axis d, midway between the points of what lives on the given faces.
func (s *stenciler) between(q place, d int, faces uint8) bool {
	return (q[d]+int(faces>>d&1)+int(s.home>>d&1))%2 != 0
}

// moved is a coefficient at a place, the mean of its two neighbours where it lives at points and the place is midway.
func (s *stenciler) moved(n *Node, q place) *Node {
	if n.host {
		return n
	}
	if n.Bool { // as 1 or 0; midway true where one neighbour is
		return s.op(ir.Lt, s.num(0.25), s.moved(s.op(ir.Select, n, s.num(1), s.num(0)), q))
	}
	faces, fixed := natural(n)
	for d := range q {
		if !fixed || !s.between(q, d, faces) {
			continue
		}
		lo, hi := q, q
		lo[d]--
		hi[d]++
		return s.op(ir.Mul, s.num(0.5), s.op(ir.Add, s.moved(n, lo), s.moved(n, hi)))
	}
	var half [3]bool
	for d := range q {
		if half[d] = q[d]%2 != 0; half[d] {
			q[d]--
		}
	}
	m := n
	if q != (place{}) {
		m = movedPoints(n, q)
	}
	for _, v := range n.Free() {
		if v.Axis.Grid != nil && half[axisIndex(v.Axis)] {
			m = shifted(m, v, 1)
		}
	}
	return m
}

// movedPoints is an expression at a place a whole number of points away.
func movedPoints(n *Node, q place) *Node {
	memo := map[*Node]*Node{}
	var walk func(n *Node) *Node
	walk = func(n *Node) *Node {
		if n == nil || n.host || n.Op == Reduce {
			return n
		}
		if m, ok := memo[n]; ok {
			return m
		}
		m := withArgs(n)
		for _, a := range n.Args {
			m.Args = append(m.Args, walk(a))
		}
		switch n.Op {
		case Read, LetRead:
			m.Sub = append([]Sub(nil), n.Sub...)
			for i, sub := range m.Sub {
				if sub.Var != nil && sub.Var.Axis.Grid != nil {
					m.Sub[i].Off += q[axisIndex(sub.Var.Axis)] / 2
				}
			}
		case Coord:
			if k := q[axisIndex(n.Var.Axis)] / 2; k != 0 {
				m = compute(ir.Add, n.Unit, n.At, m, number(float64(k)*n.Var.Axis.H, n.Unit, n.At))
			}
		}
		memo[n] = m
		return m
	}
	return walk(n)
}

// hasCentre says whether a stencil has a coefficient for unknown k at the point itself.
func hasCentre(es []entry, k int) bool {
	for _, e := range es {
		if e.dir == k && e.at == (place{}) {
			return true
		}
	}
	return false
}

// diagonal is the diagonal of the operator for unknown k: its central coefficient, and at walls what the reflection of a neighbour beyond
// the wall adds to it.
func (c *checker) diagonal(sv *solver, k int) *Node {
	for len(sv.diag) < len(sv.jac) {
		sv.diag = append(sv.diag, nil)
	}
	if sv.diag[k] != nil {
		return sv.diag[k]
	}
	es, ok := c.stencilOf(sv, k)
	s := &stenciler{at: sv.at}
	var sum *Node
	for _, e := range es {
		if e.dir == k && e.at == (place{}) {
			sum = e.coef
		}
	}
	if !ok || sum == nil {
		c.errs.Errorf("WF0342", sv.at, "the diagonal of this operator cannot be derived").Note("jacobi, chebyshev, multigrid and the preconditioners need it").
			Suggest("use cg, bicgstab or gmres with pre = none")
		sv.diag[k] = bad(sv.at)
		return sv.diag[k]
	}
	f := sv.targets[k]
	for _, e := range es {
		d, off, axes := 0, 0, 0
		for i, o := range e.at {
			if o != 0 {
				d, off, axes = i, o/2, axes+1
			}
		}
		if e.dir != k || axes != 1 {
			continue
		}
		for i, a := range f.Axes {
			if axisIndex(a) != d || a.Periodic {
				continue
			}
			if w := wall(s, f, a, off); w != nil {
				at := number(float64(-off/2), one(), sv.at)
				if a.Nodes == (off%2 != 0) {
					continue
				}
				if off > 0 {
					at = number(float64(a.N-1-off/2), one(), sv.at)
				}
				v := f.InitIndex(i)
				here := compute(ir.Eq, one(), sv.at, &Node{Op: IndexVal, Var: v, Unit: one(), At: sv.at}, at)
				sum = s.op(ir.Add, sum, s.op(ir.Select, here, s.times(w, e.coef), s.num(0)))
			}
		}
	}
	sv.diag[k] = s.divisor(sum, f)
	return sv.diag[k]
}

// wall is the factor by which the value beyond a wall depends on the point it mirrors, nil without a condition. For cells the point -off-1
// beyond is mirrored at (−off−1)/2 from the wall, for nodes -off at -off/2.
func wall(s *stenciler, f *Field, a *Axis, off int) *Node {
	k := f.Cond(a, off > 0)
	if k == nil {
		return nil
	}
	depth := float64(max(off, -off)) // distance of the point and its mirror image, in steps
	switch k.Kind {
	case ir.Value:
		if a.Nodes {
			return nil
		}
		return s.num(-1)
	case ir.Gradient:
		return s.num(1)
	case ir.Mixed:
		if a.Nodes {
			return nil
		}
		// A*(g + T)/2 + B*(g - T)/(depth*h) = 0
		b := s.op(ir.Div, k.B, s.num(depth*a.H))
		h := s.op(ir.Mul, s.num(0.5), k.A)
		return s.op(ir.Div, s.op(ir.Sub, b, h), s.op(ir.Add, b, h))
	}
	return nil
}

// gershgorin bounds the eigenvalues of the operator divided by its diagonal, by Gershgorin's circles: 1 + the sum of the moduli beside the
// diagonal, divided by it, as an expression at every point of unknown k.
func (c *checker) gershgorin(sv *solver, k int) *Node {
	es, ok := c.stencilOf(sv, k)
	s := &stenciler{at: sv.at}
	var mid, sum *Node
	for _, e := range es {
		if e.dir == k && e.at == (place{}) {
			mid = e.coef
			continue
		}
		a := s.op(ir.Abs, e.coef)
		if v, ok := constant(e.coef); ok {
			a = s.num(max(v, -v))
		}
		if sum == nil {
			sum = a
		} else {
			sum = s.op(ir.Add, sum, a)
		}
	}
	if !ok || mid == nil {
		c.diagonal(sv, k) // says so
		return bad(sv.at)
	}
	if sum == nil {
		return s.num(1)
	}
	return s.op(ir.Add, s.num(1), s.op(ir.Div, sum, s.op(ir.Abs, s.divisor(mid, sv.targets[k]))))
}

// divisor is a diagonal that may be divided by: beside slopes at bodies it is 0 where no flux passes, as inside them.
func (s *stenciler) divisor(d *Node, f *Field) *Node {
	if len(f.slopedHolds()) == 0 {
		return d
	}
	return s.op(ir.Select, s.op(ir.Eq, d, s.num(0)), s.num(1), d)
}

// spectrum bounds the eigenvalues of the operator divided by its diagonal from above or below. Where Gershgorin's circles reach zero, a
// thousandth of the upper bound is taken for the lower one.
func (c *checker) spectrum(sv *solver, high bool, at diag.Span) *Node {
	var top *Node
	for k := range sv.jac {
		g := c.gershgorin(sv, k)
		if g.invalid() {
			return g
		}
		if !g.host {
			g, _ = c.total(ir.Max, g, sv.targets[k], at)
		}
		if top == nil {
			top = g
		} else {
			top = compute(ir.MaxOp, one(), at, top, g)
		}
	}
	if high {
		return top
	}
	low := compute(ir.Sub, one(), at, number(2, one(), at), top)
	return compute(ir.MaxOp, one(), at, low, compute(ir.Mul, one(), at, number(1e-3, one(), at), top))
}
