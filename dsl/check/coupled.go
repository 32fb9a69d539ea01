package check

import (
	"math"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// Systems that couple their unknowns by first derivatives: waves as two equations, acoustics, Maxwell's equations. With B the matrix of
// the sums of |coefficient|*max|symbol|/h of the terms that couple equation i with unknown j, the eigenvalues of that part have a modulus
// of at most the spectral radius of B, and so of at most
//
//	S = sqrt(max over i of sum over j of (B*B)[i,j])
//
// (the maximum norm of B*B; for u' = a*dx(v), v' = b*dx(u) it is sqrt(a*b)/h, which is exact). Where each pair of couplings has
// coefficients of equal sign along every axis the system is hyperbolic and these eigenvalues are imaginary. With A the damping of the
// other terms and R, I the extents of the method, dt*(A/R + S/I) <= 1 keeps the spectrum in the triangle of stability.

// coupledTerm is a term of one equation with a first derivative of the unknown of another.
type coupledTerm struct {
	in   *Field
	term linTerm
	axis int
}

// couples keeps a term that couples two unknowns; false when it has no bound here.
func (l *limiter) couples(s *Assign, t linTerm) bool {
	axis, total := -1, 0
	for j, k := range t.orders {
		if total += k; k > 0 {
			axis = j
		}
	}
	advanced := false
	for _, o := range l.b.Stmts {
		advanced = advanced || o.Kind == Euler && o.Field == t.field
	}
	if s.Kind != Euler || t.next || total != 1 || !advanced || t.field == s.Field || s.Field.Grid != t.field.Grid {
		return false
	}
	if t.half && t.acc != 2 {
		return false
	}
	l.coupled = append(l.coupled, coupledTerm{s.Field, t, axis})
	return true
}

// system adds the limit of the terms that couple equations.
func (l *limiter) system() {
	if len(l.coupled) == 0 || len(l.unknown) > 0 {
		return
	}
	at := l.coupled[0].term.at
	if l.b.By.Imag == 0 {
		l.cannot(at, "it couples two unknowns by a derivative, and "+l.b.By.Name+" is not stable for waves")
		return
	}
	if !l.hyperbolic() {
		return
	}
	var fields []*Field
	index := map[*Field]int{}
	for _, s := range l.b.Stmts {
		if s.Kind == Euler {
			index[s.Field] = len(fields)
			fields = append(fields, s.Field)
		}
	}
	n := len(fields)
	b := make([][]*Node, n)
	for i := range b {
		b[i] = make([]*Node, n)
	}
	plus := func(p **Node, x *Node) {
		if *p == nil {
			*p = x
		} else {
			*p = compute(ir.Add, one(), at, *p, x)
		}
	}
	for _, c := range l.coupled {
		w := symbolMax(1, c.term.acc)
		if c.term.half {
			w = 2
		}
		w /= c.in.Grid.Axes[c.axis].H
		x := l.largest(compute(ir.Mul, one(), at, number(w, one(), at), compute(ir.Abs, one(), at, c.term.signed())), c.term.at)
		if x == nil {
			return
		}
		plus(&b[index[c.in]][index[c.term.field]], x)
		if text := c.term.whole.Text(); text != "" && !slices.Contains(l.terms, text) {
			l.terms = append(l.terms, text)
		}
	}
	var most *Node
	for i := range n {
		var row *Node
		for j := range n {
			for k := range n {
				if b[i][k] != nil && b[k][j] != nil {
					plus(&row, compute(ir.Mul, one(), at, b[i][k], b[k][j]))
				}
			}
		}
		if row != nil && most == nil {
			most = row
		} else if row != nil {
			most = compute(ir.MaxOp, one(), at, most, row)
		}
	}
	if most == nil { // one way only: no waves
		return
	}
	// The other limits are those of each equation alone; their reciprocals add to that of the waves.
	rate := compute(ir.Div, one(), at, compute(ir.Sqrt, one(), at, most), number(l.b.By.Imag, one(), at))
	if len(l.limits) > 0 {
		var worst *Node
		for _, x := range l.limits {
			inverse := compute(ir.Div, one(), at, number(1, one(), at), x)
			if worst == nil {
				worst = inverse
			} else {
				worst = compute(ir.MaxOp, one(), at, worst, inverse)
			}
		}
		rate = compute(ir.Add, one(), at, rate, worst)
	}
	l.limits = []*Node{compute(ir.Div, one(), at, number(1, one(), at), rate)}
}

// hyperbolic says whether couplings along an axis that go both ways have coefficients of equal sign.
func (l *limiter) hyperbolic() bool {
	type key struct {
		in, of *Field
		axis   int
	}
	sign := map[key]float64{}
	for _, c := range l.coupled {
		v, ok := l.c.eval(c.term.signed())
		if !ok {
			hi, _, why := l.c.largest(c.term.signed())
			lo, _, why2 := l.c.largest(compute(ir.Neg, one(), c.term.at, c.term.signed()))
			if why != "" || why2 != "" || hi*-lo < 0 {
				l.cannot(c.term.at, "the sign of its coefficient is not known")
				return false
			}
			v = hi
			freezeData(c.term.signed())
		}
		k := key{c.in, c.term.field, c.axis}
		if math.Signbit(sign[k]*v) && sign[k] != 0 {
			l.cannot(c.term.at, "it couples two unknowns with both signs")
			return false
		}
		sign[k] = v
	}
	for _, c := range l.coupled {
		if sign[key{c.in, c.term.field, c.axis}]*sign[key{c.term.field, c.in, c.axis}] < 0 {
			l.cannot(c.term.at, "the two unknowns do not form waves: their couplings have opposite signs")
			return false
		}
	}
	return true
}
