package check

import (
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

// unaryFuncs are the functions of one number whose argument and value have no unit.
var unaryFuncs = map[string]ir.Code{"exp": ir.Exp, "log": ir.Log, "sin": ir.Sin, "cos": ir.Cos, "tanh": ir.Tanh, "floor": ir.Floor, "ceil": ir.Ceil}

// functionNames is what a call may name, for suggestions.
var functionNames = []string{"abs", "adv", "ceil", "cos", "div", "dot", "exp", "floor", "grad", "integral", "lap", "log", "max", "mean", "min", "norm", "pow", "random", "sin", "sqrt",
	"sum", "tanh", "upwind", "where"}

// call checks a function application.
func (c *checker) call(e *syntax.Call, sc *scope) *Node {
	name := e.Func.Name
	if takesNames[name] {
		return c.differential(e, sc)
	}
	for _, a := range e.Args {
		if a.Name != nil {
			c.errs.Errorf("WF0211", a.At, "%s has no argument called %s", name, a.Name.Name).Suggest("arguments stand in order, without names")
			return bad(e.At)
		}
	}
	if n := c.apply(e, sc); n != nil {
		return n
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
	case "random":
		return c.random(e, sc)
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
	switch s := closest(name, cands); {
	case strings.Contains(s, "("):
		d.Suggest("did you mean %s?", s)
	case s != "":
		d.Replace(e.Func.At, s, "did you mean %s?", s)
	default:
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
