package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// spaceOperators are the operators of space beside dx, dy, ..
var spaceOperators = map[string]bool{"lap": true, "grad": true, "div": true, "curl": true, "adv": true, "upwind": true, "at": true,
	"harmonic": true, "below": true, "above": true, "diag": true}

// takesNames are the operators that have named arguments.
var takesNames = map[string]bool{"adv": true, "upwind": true, "below": true, "above": true}

// differential checks the operators of space and the derivatives dx, dy, ..; nil when the call is none of them.
func (c *checker) differential(e *syntax.Call, sc *scope) *Node {
	name := e.Func.Name
	axis := -1
	isOp := spaceOperators[name]
	if !isOp {
		if len(name) < 2 || name[0] != 'd' || c.names[name] != nil {
			return nil
		}
		if sc.grid != nil {
			for i, a := range sc.grid.Axes {
				if a.Name == name[1:] {
					axis = i
				}
			}
		}
		if axis < 0 && !c.isAxisName(name[1:]) {
			return nil
		}
	}
	switch {
	case sc.grid == nil || sc.form || len(sc.index) > 0 || sc.side != nil:
		c.errs.Errorf("WF0330", e.At, "%s has no meaning in %s", name, sc.what).
			Note("derivatives stand in equations whose left side has no indices, as in `dt(T) = lap(T)`").
			Suggest("write the equation without indices, or the difference with offsets: (T[x+1] - T[x-1])/(2*h)")
		return bad(e.At)
	case !isOp && axis < 0:
		c.errs.Errorf("WF0330", e.At, "the grid %s has no axis %s", sc.grid.Name, name[1:]).With(sc.grid.At, "its axes are %s", axisNames(sc.grid.Axes)).
			Suggest("differentiate along one of its axes")
		return bad(e.At)
	}
	switch name {
	case "lap", "grad":
		x := c.args(e, sc, 1, name+"(T)")
		if x == nil {
			return bad(e.At)
		}
		if name == "lap" {
			return c.lap(e, x[0], sc)
		}
		out := &Node{Op: Vec, At: e.At, Unit: one()}
		for _, a := range sc.axes() {
			out.Args = append(out.Args, c.deriv(x[0], a, 1, sc, e.At))
		}
		return out
	case "div":
		return c.divergence(e, sc)
	case "curl":
		return c.curl(e, sc)
	case "adv", "upwind":
		return c.advection(e, sc)
	case "at", "harmonic":
		return c.interpolate(e, sc)
	case "diag":
		return c.diagonalTensor(e, sc)
	case "below", "above":
		return c.oneSided(e, sc)
	}
	x := c.args(e, sc, 1, name+"(T)")
	if x == nil {
		return bad(e.At)
	}
	return c.deriv(x[0], sc.axes()[axis], 1, sc, e.At)
}

// deriv is the n-th derivative of x along an axis. A derivative of a derivative along the same axis is compact: one of higher order.
func (c *checker) deriv(x *Node, a *Axis, n int, sc *scope, at diag.Span) *Node {
	if x.invalid() {
		return x
	}
	if d := c.besideBodies(x, a, n, sc, at); d != nil {
		return d
	}
	if base(a).Map != nil {
		return c.mappedDeriv(x, a, n, sc, at)
	}
	u := x.Unit.mulPow(a.Unit, mkRat(int64(-n), 1))
	if x.Op == Deriv && x.Var.Axis == a {
		x, n = x.Args[0], n+x.N
	}
	acc := c.accuracy(sc)
	if acc > 2 {
		Visit(x, func(m *Node) {
			if m.OneSided {
				acc = 2
			}
		})
	}
	return &Node{Op: Deriv, Args: []*Node{x}, Var: IndexVar{a.Name, a}, N: n, Acc: acc, Unit: u, At: at}
}

func (c *checker) accuracy(sc *scope) int {
	if sc.block != nil && sc.block.block.Acc > 0 {
		return sc.block.block.Acc
	}
	return 2
}

func (c *checker) lap(e *syntax.Call, x *Node, sc *scope) *Node {
	var sum *Node
	for _, a := range sc.axes() {
		d := c.deriv(x, a, 2, sc, e.At)
		if sum == nil {
			sum = d
			continue
		}
		if !c.unify(sum.Unit, d.Unit, e.At) {
			c.errs.Errorf("WF0220", e.At, "lap adds second derivatives along axes in different units: %s in %s, %s in %s",
				sc.grid.Axes[0].Name, c.resolve(sc.grid.Axes[0].Unit), a.Name, c.resolve(a.Unit)).
				With(sc.grid.Axes[0].At, "in %s", c.resolve(sc.grid.Axes[0].Unit)).With(a.At, "in %s", c.resolve(a.Unit)).
				Suggest("give all axes the same unit, or write the terms with dx, dy and factors")
			return bad(e.At)
		}
		sum = compute(ir.Add, sum.Unit, e.At, sum, d)
	}
	return sum
}

// divergence is div(v) of a vector, or div(u, v) of its components.
func (c *checker) divergence(e *syntax.Call, sc *scope) *Node {
	v := c.vector(e, e.Args, len(sc.grid.Axes), "div(grad(T)) or div(u, v)", sc)
	if v == nil {
		return bad(e.At)
	}
	var sum *Node
	for i, a := range sc.axes() {
		d := c.deriv(v[i], a, 1, sc, e.At)
		if sum != nil {
			c.sameUnit(sum, d, "cannot be added in div")
			d = compute(ir.Add, sum.Unit, e.At, sum, d)
		}
		sum = d
	}
	return sum
}

// vector reads n components given as one vector or as n arguments.
func (c *checker) vector(e *syntax.Call, args []*syntax.Arg, n int, form string, sc *scope) []*Node {
	var out []*Node
	for _, a := range args {
		x := c.expr(a.Value, sc)
		if x.invalid() {
			return nil
		}
		if x.Op == Vec {
			out = append(out, x.Args...)
			continue
		}
		if x = c.asNum(x, a.At); x.invalid() {
			return nil
		}
		out = append(out, x)
	}
	if len(out) != n {
		c.errs.Errorf("WF0211", e.At, "%s needs %d components on this grid, %d are given", e.Func.Name, n, len(out)).
			With(sc.grid.At, "its axes are %s", axisNames(sc.grid.Axes)).Suggest("write %s", form)
		return nil
	}
	return out
}

// diagonalTensor is diag(a, b): the tensor that multiplies every component by its own factor, as in div(diag(kx, ky)*grad(T)).
func (c *checker) diagonalTensor(e *syntax.Call, sc *scope) *Node {
	v := c.vector(e, e.Args, len(sc.axes()), "diag(a, b), one factor per axis", sc)
	if v == nil {
		return bad(e.At)
	}
	return &Node{Op: Vec, At: e.At, Unit: one(), Args: v, Diagonal: true}
}

// curl is curl(v): three components of a vector with three, or the one along the missing axis, dx(v) - dy(u), of two on a grid with two axes.
func (c *checker) curl(e *syntax.Call, sc *scope) *Node {
	axes := sc.axes()
	v := c.vector(e, e.Args, len(axes), "curl((u, v))", sc)
	if v == nil {
		return bad(e.At)
	}
	if len(axes) == 1 {
		c.errs.Errorf("WF0330", e.At, "a curl needs two or three axes, %s has one", sc.grid.Name).With(sc.grid.At, "declared here").Suggest("use dx")
		return bad(e.At)
	}
	part := func(i, j int) *Node { // d_i v_j - d_j v_i
		a, b := c.deriv(v[j], axes[i], 1, sc, e.At), c.deriv(v[i], axes[j], 1, sc, e.At)
		if !c.sameUnit(a, b, "cannot be subtracted in curl") {
			return bad(e.At)
		}
		return compute(ir.Sub, a.Unit, e.At, a, b)
	}
	if len(axes) == 2 {
		return part(0, 1)
	}
	out := &Node{Op: Vec, At: e.At, Unit: one(), Args: []*Node{part(1, 2), part(2, 0), part(0, 1)}}
	for _, n := range out.Args {
		if n.invalid() {
			return bad(e.At)
		}
	}
	return out
}

// modulus is |v|. A constant speed has a known sign, and then the difference is one-sided exactly: the terms cancel as polynomials.
func (c *checker) modulus(v *Node) *Node {
	settable := false
	Visit(v, func(n *Node) { settable = settable || n.Op == StepSize || n.Op == ScalarRef && n.Sym.settable() })
	if x, ok := c.eval(v); ok && !settable {
		if x < 0 {
			return neg(v)
		}
		return v
	}
	return compute(ir.Abs, v.Unit, v.At, v)
}

// settable says whether a param can change the scalar at run. It is known when the scalar is defined.
func (s *Scalar) settable() bool { return s.Param || s.varies }
