package check

import (
	"math"

	"github.com/wfc-lang/wfc/ir"
)

// unsymmetric finds an operator that is certainly not symmetric: of two points, both on the same unknown, each depends on the other with
// another coefficient. Coefficients that vary over the grid are not compared.
func (c *checker) unsymmetric(sv *solver) bool {
	if len(sv.jac) != 1 {
		return false
	}
	es, ok := c.stencilOf(sv, 0)
	if !ok {
		return false
	}
	at := map[place]float64{}
	size := 0.0
	for _, e := range es {
		v, known := c.eval(e.coef)
		if !known || !e.coef.host {
			return false
		}
		at[e.at] = v
		size = math.Max(size, math.Abs(v))
	}
	for p, v := range at {
		if math.Abs(v-at[place{-p[0], -p[1], -p[2]}]) > 1e-9*size {
			return true
		}
	}
	return false
}

// selfAdjoint says whether an operator is symmetric as it is written: a sum of derivatives of even order of the unknown with constant
// coefficients, of fluxes coefficient*dx(unknown) differentiated along the same axis, and of multiples of the unknown. False where that
// cannot be seen, as with metrics of uneven axes.
func (sv *solver) selfAdjoint() bool {
	if len(sv.jac) != 1 {
		return false
	}
	dir := sv.dir[0]
	unknown := func(n *Node) bool { return n.Op == Read && n.Field == dir && plainRead(n) }
	var flux func(n *Node, d *Node) bool // of the derivative d
	flux = func(n, d *Node) bool {
		switch {
		case !readsField(n, sv.dir):
			return false
		case n.Op == Deriv:
			return n.N == d.N && n.Var.Axis == d.Var.Axis && unknown(n.Args[0])
		case n.Op != Compute:
			return false
		}
		switch n.Code {
		case ir.Neg:
			return flux(n.Args[0], d)
		case ir.Add, ir.Sub:
			return flux(n.Args[0], d) && flux(n.Args[1], d)
		case ir.Mul:
			return !readsField(n.Args[0], sv.dir) && flux(n.Args[1], d) || !readsField(n.Args[1], sv.dir) && flux(n.Args[0], d)
		case ir.Div:
			return !readsField(n.Args[1], sv.dir) && flux(n.Args[0], d)
		}
		return false
	}
	var term func(n *Node) bool
	term = func(n *Node) bool {
		switch {
		case unknown(n):
			return true
		case n.Op == Deriv && n.N%2 == 0:
			return unknown(n.Args[0])
		case n.Op == Deriv:
			return flux(n.Args[0], n)
		case n.Op != Compute:
			return false
		}
		// A factor of a derivative must be constant, of the unknown itself it may vary.
		factor := func(k, x *Node) bool {
			return !readsField(k, sv.dir) && term(x) && (k.host || !x.hasDeriv())
		}
		switch n.Code {
		case ir.Neg:
			return term(n.Args[0])
		case ir.Add, ir.Sub:
			return term(n.Args[0]) && term(n.Args[1])
		case ir.Mul:
			return factor(n.Args[0], n.Args[1]) || factor(n.Args[1], n.Args[0])
		case ir.Div:
			return factor(n.Args[1], n.Args[0])
		}
		return false
	}
	return term(sv.jac[0])
}
