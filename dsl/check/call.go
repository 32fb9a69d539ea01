package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// unaryFuncs are the functions of one number whose argument and value have no unit.
var unaryFuncs = map[string]ir.Code{"exp": ir.Exp, "log": ir.Log, "sin": ir.Sin, "cos": ir.Cos, "tanh": ir.Tanh, "floor": ir.Floor, "ceil": ir.Ceil}

// functionNames is what a call may name, for suggestions.
var functionNames = []string{"abs", "adv", "ceil", "cos", "div", "dot", "exp", "floor", "grad", "lap", "log", "max", "mean", "min", "norm", "pow", "sin", "sqrt",
	"sum", "tanh", "upwind", "where"}

// call checks a function application.
func (c *checker) call(e *syntax.Call, sc *scope) *Node {
	name := e.Func.Name
	for _, a := range e.Args {
		if a.Name != nil {
			c.errs.Errorf("WF0211", a.At, "%s has no argument called %s", name, a.Name.Name).Suggest("arguments stand in order, without names")
			return bad(e.At)
		}
	}
	if code, ok := unaryFuncs[name]; ok {
		x := c.args(e, sc, 1, name+"(x)")
		if x == nil {
			return bad(e.At)
		}
		c.needOne(x[0], "the argument of "+name)
		return compute(code, one(), e.At, x[0])
	}
	if n := c.whole(e, sc); n != nil {
		return n
	}
	switch name {
	case "where":
		if len(e.Args) != 3 {
			return c.arity(e, "where(condition, value, otherwise)")
		}
		cond := c.truth(e.Args[0].Value, sc)
		a, b := c.num(e.Args[1].Value, sc), c.num(e.Args[2].Value, sc)
		return c.selectNode(cond, a, b, e.At)
	case "abs", "sqrt":
		x := c.args(e, sc, 1, name+"(x)")
		if x == nil {
			return bad(e.At)
		}
		if name == "abs" {
			return compute(ir.Abs, x[0].Unit, e.At, x[0])
		}
		return compute(ir.Sqrt, x[0].Unit.pow(mkRat(1, 2)), e.At, x[0])
	case "pow":
		x := c.args(e, sc, 2, "pow(x, y)")
		if x == nil {
			return bad(e.At)
		}
		return c.powerNode(x[0], x[1], e.At)
	case "min", "max":
		return c.minMax(e, sc)
	case "dt":
		c.errs.Errorf("WF0304", e.At, "dt(..) stands on the left side of an equation only").
			Suggest("write `dt(T) = ..` or `dt(dt(u)) = ..`; a first derivative in time of a second-order field needs a field of its own")
		return bad(e.At)
	case "load":
		c.errs.Errorf("WF0242", e.At, "load(..) is the whole initial value of a field").Suggest("write `field T on g = load(\"start.npy\")`")
		return bad(e.At)
	}
	if n := c.differential(e, sc); n != nil {
		return n
	}
	if s := c.names[name]; s != nil {
		d := c.errs.Errorf("WF0212", e.At, "%s is a %s, not a function", name, s.what).With(s.at, "declared here")
		if s.field != nil {
			d.Suggest("indices stand in square brackets: %s[..]", name)
		} else {
			d.Suggest("write `%s*(..)` for a product", name)
		}
		return bad(e.At)
	}
	if c.said[name] {
		return bad(e.At)
	}
	c.said[name] = true
	d := c.errs.Errorf("WF0212", e.Func.At, "unknown function %s", name)
	cands := append([]string{"dx", "dy", "dz"}, functionNames...)
	if s := closest(name, cands); s != "" {
		d.Replace(e.Func.At, s, "did you mean %s?", s)
	} else {
		d.Suggest("there are %s, and dx, dy, dz for the axes of a grid", join(functionNames))
	}
	return bad(e.At)
}

// args checks a fixed number of number arguments; nil when there was an error.
func (c *checker) args(e *syntax.Call, sc *scope, n int, form string) []*Node {
	if len(e.Args) != n {
		c.arity(e, form)
		return nil
	}
	var out []*Node
	ok := true
	for _, a := range e.Args {
		x := c.num(a.Value, sc)
		out, ok = append(out, x), ok && !x.invalid()
	}
	if !ok {
		return nil
	}
	return out
}

func (c *checker) arity(e *syntax.Call, form string) *Node {
	c.errs.Errorf("WF0211", e.At, "%s does not take %d arguments", e.Func.Name, len(e.Args)).Suggest("write %s", form)
	return bad(e.At)
}

func (c *checker) minMax(e *syntax.Call, sc *scope) *Node {
	if len(e.Args) < 2 {
		return c.arity(e, e.Func.Name+"(a, b), or `"+e.Func.Name+" over x of ..` for the whole axis")
	}
	code := ir.MinOp
	if e.Func.Name == "max" {
		code = ir.MaxOp
	}
	out := c.num(e.Args[0].Value, sc)
	for _, a := range e.Args[1:] {
		b := c.num(a.Value, sc)
		if out.invalid() || b.invalid() {
			return bad(e.At)
		}
		c.sameUnit(out, b, "cannot be compared")
		out = compute(code, out.Unit, e.At, out, b)
	}
	return out
}

// differential checks lap, grad, div, adv, upwind and the derivatives dx, dy, ..; nil when the call is none of them.
func (c *checker) differential(e *syntax.Call, sc *scope) *Node {
	name := e.Func.Name
	axis := -1
	isOp := name == "lap" || name == "grad" || name == "div" || name == "adv" || name == "upwind"
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
		for _, a := range sc.grid.Axes {
			out.Args = append(out.Args, c.deriv(x[0], a, 1, sc, e.At))
		}
		return out
	case "div":
		return c.divergence(e, sc)
	case "adv", "upwind":
		return c.advection(e, sc)
	}
	x := c.args(e, sc, 1, name+"(T)")
	if x == nil {
		return bad(e.At)
	}
	return c.deriv(x[0], sc.grid.Axes[axis], 1, sc, e.At)
}

// deriv is the n-th derivative of x along an axis. A derivative of a derivative along the same axis is compact: one of higher order.
func (c *checker) deriv(x *Node, a *Axis, n int, sc *scope, at diag.Span) *Node {
	if x.invalid() {
		return x
	}
	u := x.Unit.mulPow(a.Unit, mkRat(int64(-n), 1))
	if x.Op == Deriv && x.Var.Axis == a {
		x, n = x.Args[0], n+x.N
	}
	return &Node{Op: Deriv, Args: []*Node{x}, Var: IndexVar{a.Name, a}, N: n, Acc: c.accuracy(sc), Unit: u, At: at}
}

func (c *checker) accuracy(sc *scope) int {
	if sc.block != nil && sc.block.block.Acc > 0 {
		return sc.block.block.Acc
	}
	return 2
}

func (c *checker) lap(e *syntax.Call, x *Node, sc *scope) *Node {
	var sum *Node
	for _, a := range sc.grid.Axes {
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
	for i, a := range sc.grid.Axes {
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

// advection is v . grad(T). adv uses central differences of the order of the evolve; upwind is first order: the central difference plus
// the diffusion |c|*h/2 that makes it one-sided, which is the same sum of reads (c*dx(T) - |c|*h/2*dx(dx(T)) at order 2).
func (c *checker) advection(e *syntax.Call, sc *scope) *Node {
	form := e.Func.Name + "(c, T) with one component of c per axis, as in " + e.Func.Name + "((u, v), T)"
	if len(e.Args) < 2 {
		return c.arity(e, form)
	}
	v := c.vector(e, e.Args[:len(e.Args)-1], len(sc.grid.Axes), form, sc)
	x := c.num(e.Args[len(e.Args)-1].Value, sc)
	if v == nil || x.invalid() {
		return bad(e.At)
	}
	var sum *Node
	put := func(n *Node) {
		if sum != nil {
			c.sameUnit(sum, n, "cannot be added in "+e.Func.Name)
			n = compute(ir.Add, sum.Unit, e.At, sum, n)
		}
		sum = n
	}
	for i, a := range sc.grid.Axes {
		d := c.deriv(x, a, 1, sc, e.At)
		if e.Func.Name == "upwind" && d.Op == Deriv {
			d.Acc = 2
		}
		put(compute(ir.Mul, v[i].Unit.mul(d.Unit), e.At, v[i], d))
		if e.Func.Name == "upwind" {
			d2 := c.deriv(x, a, 2, sc, e.At)
			d2.Acc = 2
			h := number(-a.H/2, a.Unit, e.At)
			speed := c.modulus(v[i])
			k := compute(ir.Mul, speed.Unit.mul(h.Unit), e.At, speed, h)
			put(compute(ir.Mul, k.Unit.mul(d2.Unit), e.At, k, d2))
		}
	}
	return sum
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
