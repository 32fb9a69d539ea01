package check

import (
	"github.com/wfc-lang/wfc/ir"
)

// Red and black points. Where an equation couples each point with points of the other color only, as the five and seven points of second
// derivatives do, a sweep over the red points and one over the black ones are Gauss-Seidel's: each solves its equations for the values at
// their own points (D. M. Young, Iterative solution of large linear systems, 1971). Before and after a correction one such sweep does what three
// steps of Chebyshev's polynomials do, and needs no bounds of the spectrum and no vectors beside the solution. The cycle is not symmetric
// then, though, and where coefficients jump so that cycles would diverge that costs more than it gains.

// twoColors says whether an operator has one unknown and couples points of different colors only. Colors are sums of indices, even or odd,
// so along a periodic axis the number of points is even.
func (c *checker) twoColors(sv *solver) bool {
	if len(sv.jac) != 1 {
		return false
	}
	for _, a := range sv.unknown[0].Axes {
		if a.Periodic && a.N%2 != 0 {
			return false
		}
	}
	es, ok := c.stencilOf(sv, 0)
	for _, e := range es {
		n := 0
		for _, half := range e.at {
			ok = ok && half%2 == 0
			n += half / 2
		}
		ok = ok && (e.at == place{} || n%2 != 0)
	}
	return ok
}

// colored is the reciprocal of the diagonal at the points of a color, 0 red and 1 black, and zero at the others.
func (c *checker) colored(sv *solver, color float64) *Node {
	d := c.diagonal(sv, 0)
	if d.invalid() {
		return d
	}
	op := func(code ir.Code, a ...*Node) *Node { return compute(code, one(), sv.at, a...) }
	num := func(v float64) *Node { return number(v, one(), sv.at) }
	var sum *Node
	for i := range sv.unknown[0].Axes {
		x := &Node{Op: IndexVal, Var: sv.unknown[0].InitIndex(i), Unit: one(), At: sv.at}
		if sum == nil {
			sum = x
		} else {
			sum = op(ir.Add, sum, x)
		}
	}
	even := op(ir.Mul, num(2), op(ir.Floor, op(ir.Mul, num(0.5), sum)))
	return op(ir.Select, op(ir.Eq, op(ir.Sub, sum, even), num(color)), op(ir.Div, num(1), d), num(0))
}
