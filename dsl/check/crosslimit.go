package check

import (
	"math"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Cross derivatives of second order, as div(K*grad(T)) of a tensor K has them. With M the symmetric matrix of an equation's coefficients of
// second order, s_j the symbol of the first difference along axis j over its spacing, and d_j >= s_j^2 that of minus the second one,
//
//	damping = sum over j of M_jj*(d_j - s_j^2)  +  sum over j, k of M_jk*s_j*s_k
//
// Both parts are positive where M is positive semidefinite, and the second is at most n*(sum of M_jj*s_j^2), n axes being tied by cross
// derivatives (its matrix scaled to a unit diagonal has no eigenvalue above n). So the largest damping is at most the sum over j of
// M_jj * max(d_j + (n-1)*s_j^2): of order 2 and with two axes exactly that without the cross terms. Where M is not positive, some waves grow
// at every step. Beside first derivatives the damping along j is at least M_jj - sum over k of |M_jk|, which has to hold them.
type crossTerms struct {
	terms [3][]linTerm // of axes 0 and 1, 0 and 2, 1 and 2
	axes  [3]bool
}

// pairOf numbers the pairs of axes, and pairs are their axes.
func pairOf(j, k int) int { return j + k - 1 }

var pairs = [3][2]int{{0, 1}, {0, 2}, {1, 2}}

// put takes a term, if it is a cross derivative of second order.
func (x *crossTerms) put(t linTerm) bool {
	var on []int
	for j, k := range t.orders {
		if k > 1 {
			return false
		}
		if k == 1 {
			on = append(on, j)
		}
	}
	if len(on) != 2 {
		return false
	}
	p := pairOf(on[0], on[1])
	x.terms[p] = append(x.terms[p], t)
	x.axes[on[0]], x.axes[on[1]] = true, true
	return true
}

func (x *crossTerms) any() bool { return x.axes != [3]bool{} }

func (x *crossTerms) at() diag.Span {
	for _, ts := range x.terms {
		for _, t := range ts {
			return t.at
		}
	}
	return diag.Span{}
}

// entry is M_jk, half the coefficient of the cross derivative; nil where there is none.
func (x *crossTerms) entry(j, k int) *Node {
	ts := x.terms[pairOf(j, k)]
	if len(ts) == 0 {
		return nil
	}
	return mul(number(0.5, one(), ts[0].at), summed(ts))
}

// summed is the sum of the coefficients of terms, nil of none.
func summed(ts []linTerm) *Node {
	var out *Node
	for _, t := range ts {
		if out == nil {
			out = t.signed()
		} else {
			out = compute(ir.Add, one(), t.at, out, t.signed())
		}
	}
	return out
}

// crossed adds what cross derivatives add to the damping of an equation. It says nothing and returns nil where M is not positive.
func (l *limiter) crossed(s *Assign, x *crossTerms, diffusion [3][]linTerm) *Node {
	at := x.at()
	op := func(code ir.Code, a, b *Node) *Node { return compute(code, one(), at, a, b) }
	num := func(v float64) *Node { return number(v, one(), at) }
	var m [3]*Node
	for j := range m {
		var second []linTerm
		for _, t := range diffusion[j] {
			if t.orders[j] == 2 {
				second = append(second, t)
			}
		}
		if m[j] = summed(second); m[j] == nil {
			m[j] = num(0)
		}
	}
	square := func(n *Node) *Node { return op(ir.Mul, n, n) }
	const slack = 1 + 1e-6
	for p, jk := range pairs {
		e := x.entry(jk[0], jk[1])
		if e == nil {
			continue
		}
		over := op(ir.Sub, square(e), op(ir.Mul, num(slack), op(ir.Mul, m[jk[0]], m[jk[1]])))
		if !l.notAbove(over, x.terms[p][0].at) {
			return nil
		}
	}
	count := 0
	for _, on := range x.axes {
		if on {
			count++
		}
	}
	if count == 3 { // the determinant
		e := [3]*Node{}
		for p, jk := range pairs {
			if e[p] = x.entry(jk[0], jk[1]); e[p] == nil {
				e[p] = num(0)
			}
		}
		all := op(ir.Mul, m[0], op(ir.Mul, m[1], m[2]))
		minus := op(ir.Mul, m[2], square(e[0]))
		minus = op(ir.Add, minus, op(ir.Mul, m[1], square(e[1])))
		minus = op(ir.Add, minus, op(ir.Mul, m[0], square(e[2])))
		plus := op(ir.Add, op(ir.Mul, num(slack), all), op(ir.Mul, num(2), op(ir.Mul, e[0], op(ir.Mul, e[1], e[2]))))
		if !l.notAbove(op(ir.Sub, minus, plus), at) {
			return nil
		}
	}
	sum := num(0)
	for j, ts := range diffusion {
		if !x.axes[j] {
			continue
		}
		for _, t := range ts {
			if t.orders[j] != 2 {
				continue
			}
			h := s.Field.Grid.Axes[j].H
			w := num((crossMax(t.acc, count) - symbolMax(2, t.acc)) / (h * h))
			n := l.largest(op(ir.Mul, w, op(ir.MaxOp, num(0), t.signed())), t.at)
			if n == nil {
				return nil
			}
			sum = op(ir.Add, sum, n)
		}
	}
	return sum
}

// notAbove says whether a value is nowhere above zero, and reports a cross derivative of which it is.
func (l *limiter) notAbove(n *Node, at diag.Span) bool {
	freezeData(n) // a condition of the build
	v, _, why := l.c.largest(n)
	switch {
	case why != "":
		l.cannot(at, why)
		return false
	case v > 0:
		l.cannot(at, "it is a cross derivative that outweighs the diffusion along its axes, so that some waves grow")
		return false
	}
	return true
}

// weakened is what is left of the damping along axis j beside first derivatives.
func (x *crossTerms) weakened(d *Node, j int, h float64) *Node {
	for k := range x.axes {
		if k == j {
			continue
		}
		if e := x.entry(j, k); e != nil {
			part := mul(number(1/(h*h), one(), e.At), compute(ir.Abs, one(), e.At, e))
			d = compute(ir.Sub, one(), e.At, d, part)
		}
	}
	return d
}

// crossMax is the largest value of d + (n-1)*s^2 for second differences d and first differences s.
func crossMax(acc, n int) float64 {
	w1, w2 := stencilWeights(1, acc), stencilWeights(2, acc)
	top := 0.0
	for i := 1; i <= thetaSamples; i++ {
		th := math.Pi * float64(i) / thetaSamples
		s := symbolAt(1, w1, th)
		top = max(top, math.Abs(symbolAt(2, w2, th))+float64(n-1)*s*s)
	}
	return roundUp(top)
}
