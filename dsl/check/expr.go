package check

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// expr checks an expression in a scope.
func (c *checker) expr(e syntax.Expr, sc *scope) *Node {
	if vs := sc.sums[e]; len(vs) > 0 {
		inner := sc.with(vs)
		inner.sums = without(sc.sums, e)
		body := c.expr(e, inner)
		return c.reduceNode(ir.Sum, vs, body, e.Span())
	}
	switch e := e.(type) {
	case *syntax.Number:
		return c.number(e)
	case *syntax.String:
		c.errs.Errorf("WF0214", e.At, "a text is no number").Suggest("texts name files: `field T on g = load(\"start.npy\")`")
		return bad(e.At)
	case *syntax.Paren:
		return c.expr(e.X, sc)
	case *syntax.Ref:
		return c.ref(e, sc)
	case *syntax.Extent:
		return c.extentOf(e, sc)
	case *syntax.Unary:
		return c.unary(e, sc)
	case *syntax.Binary:
		return c.binary(e, sc)
	case *syntax.Tuple:
		return c.tuple(e, sc)
	case *syntax.Call:
		return c.call(e, sc)
	case *syntax.Reduce:
		return c.reduce(e, sc)
	}
	return bad(diag.Span{})
}

func without(m map[syntax.Expr][]IndexVar, e syntax.Expr) map[syntax.Expr][]IndexVar {
	out := map[syntax.Expr][]IndexVar{}
	for k, v := range m {
		if k != e {
			out[k] = v
		}
	}
	return out
}

// number is a literal in an expression. Zero has every unit.
func (c *checker) number(e *syntax.Number) *Node {
	if e.Unit != nil {
		u, s := c.unit(e.Unit)
		return number(e.Value*s, u, e.At)
	}
	if e.Value == 0 {
		return number(0, c.freshUnit("0", e.At), e.At)
	}
	n := number(e.Value, one(), e.At)
	n.bare = true
	return n
}

// num checks an expression that must be one number.
func (c *checker) num(e syntax.Expr, sc *scope) *Node {
	return c.asNum(c.expr(e, sc), e.Span())
}

func (c *checker) asNum(n *Node, at diag.Span) *Node {
	switch {
	case n.invalid():
	case n.Op == Vec:
		c.errs.Errorf("WF0214", at, "one number is expected, this is a vector").Suggest("take div(..) of it, or one component")
		return bad(at)
	case n.Bool:
		c.errs.Errorf("WF0210", at, "a number is expected, this is true or false").Suggest("write where(condition, 1, 0)")
		return bad(at)
	}
	return n
}

// truth checks an expression that must be true or false.
func (c *checker) truth(e syntax.Expr, sc *scope) *Node {
	n := c.expr(e, sc)
	if n.invalid() || n.Bool {
		return n
	}
	c.errs.Errorf("WF0210", e.Span(), "a condition is expected, this is a number").Suggest("compare it with something, as in `... > 0`")
	return bad(e.Span())
}

func (c *checker) unary(e *syntax.Unary, sc *scope) *Node {
	if e.Op == syntax.OpNot {
		return compute(ir.Not, one(), e.At, c.truth(e.X, sc))
	}
	x := c.expr(e.X, sc)
	if !x.invalid() && x.Op == Vec {
		return c.mapVec(x, e.At, func(n *Node) *Node { return compute(ir.Neg, n.Unit, e.At, n) })
	}
	x = c.asNum(x, e.X.Span())
	if x.Op == Num {
		n := number(-x.Val, x.Unit, e.At)
		n.bare = x.bare
		return n
	}
	return compute(ir.Neg, x.Unit, e.At, x)
}

func (c *checker) mapVec(v *Node, at diag.Span, f func(*Node) *Node) *Node {
	out := &Node{Op: Vec, At: at, Unit: one(), Diagonal: v.Diagonal}
	for _, a := range v.Args {
		n := f(a)
		if n.invalid() {
			return bad(at)
		}
		out.Args = append(out.Args, n)
	}
	return out
}

var binaryCodes = map[syntax.Op]ir.Code{syntax.OpAdd: ir.Add, syntax.OpSub: ir.Sub, syntax.OpMul: ir.Mul, syntax.OpDiv: ir.Div,
	syntax.OpEq: ir.Eq, syntax.OpNe: ir.Ne, syntax.OpLt: ir.Lt, syntax.OpLe: ir.Le, syntax.OpGt: ir.Lt, syntax.OpGe: ir.Le,
	syntax.OpAnd: ir.And, syntax.OpOr: ir.Or}

func (c *checker) binary(e *syntax.Binary, sc *scope) *Node {
	code := binaryCodes[e.Op]
	switch e.Op {
	case syntax.OpAnd, syntax.OpOr:
		a, b := c.truth(e.X, sc), c.truth(e.Y, sc)
		return compute(code, one(), e.At, a, b)
	case syntax.OpPow:
		return c.power(e, c.num(e.X, sc), sc)
	}
	if rows := matrix(e); rows != nil {
		return c.matrixTimes(e, rows, sc)
	}
	a, b := c.expr(e.X, sc), c.expr(e.Y, sc)
	if a.invalid() || b.invalid() {
		return bad(e.At)
	}
	if a.Op == Vec || b.Op == Vec {
		return c.binaryVec(e, a, b)
	}
	return c.arith(code, e, c.asNum(a, e.X.Span()), c.asNum(b, e.Y.Span()))
}

// matrix is the rows of a tensor written out as the first factor of a product, ((a, b), (c, d))*v; nil of anything else.
func matrix(e *syntax.Binary) []*syntax.Tuple {
	t, ok := syntax.Unparen(e.X).(*syntax.Tuple)
	if !ok || e.Op != syntax.OpMul {
		return nil
	}
	var rows []*syntax.Tuple
	for _, x := range t.Elems {
		r, ok := syntax.Unparen(x).(*syntax.Tuple)
		if !ok || len(r.Elems) != len(t.Elems) {
			return nil
		}
		rows = append(rows, r)
	}
	return rows
}

// matrixTimes is a tensor written out times a vector.
func (c *checker) matrixTimes(e *syntax.Binary, rows []*syntax.Tuple, sc *scope) *Node {
	v := c.expr(e.Y, sc)
	if v.invalid() {
		return bad(e.At)
	}
	if v.Op != Vec || len(v.Args) != len(rows) {
		c.errs.Errorf("WF0214", e.At, "a tensor of %d rows is multiplied by a vector of as many components", len(rows)).
			Suggest("write for example `((2, 0.5), (0.5, 1))*grad(T)`")
		return bad(e.At)
	}
	out := &Node{Op: Vec, At: e.At, Unit: one()}
	for _, r := range rows {
		var sum *Node
		for j, x := range r.Elems {
			k := c.num(x, sc)
			t := compute(ir.Mul, k.Unit.mul(v.Args[j].Unit), e.At, k, v.Args[j])
			if k.invalid() || sum != nil && !c.sameUnit(sum, t, "cannot be added") {
				return bad(e.At)
			}
			if sum != nil {
				t = compute(ir.Add, sum.Unit, e.At, sum, t)
			}
			sum = t
		}
		out.Args = append(out.Args, sum)
	}
	return out
}

func (c *checker) arith(code ir.Code, e *syntax.Binary, a, b *Node) *Node {
	if a.invalid() || b.invalid() {
		return bad(e.At)
	}
	switch e.Op {
	case syntax.OpMul:
		return compute(ir.Mul, a.Unit.mul(b.Unit), e.At, a, b)
	case syntax.OpDiv:
		return compute(ir.Div, a.Unit.div(b.Unit), e.At, a, b)
	case syntax.OpAdd, syntax.OpSub:
		if !c.sameUnit(a, b, "cannot be added") {
			return bad(e.At)
		}
		return compute(code, a.Unit, e.At, a, b)
	}
	if !c.sameUnit(a, b, "cannot be compared") {
		return bad(e.At)
	}
	if e.Op == syntax.OpGt || e.Op == syntax.OpGe {
		a, b = b, a
	}
	return compute(code, one(), e.At, a, b)
}

// binaryVec multiplies vectors by numbers and adds vectors.
func (c *checker) binaryVec(e *syntax.Binary, a, b *Node) *Node {
	switch {
	case e.Op == syntax.OpMul && a.Op == Vec && b.Op == Vec && (a.Diagonal || b.Diagonal) && len(a.Args) == len(b.Args):
		out := &Node{Op: Vec, At: e.At, Unit: one(), Diagonal: a.Diagonal && b.Diagonal}
		for i := range a.Args {
			out.Args = append(out.Args, c.arith(ir.Mul, e, a.Args[i], b.Args[i]))
		}
		return out
	case (e.Op == syntax.OpAdd || e.Op == syntax.OpSub) && a.Op == Vec && b.Op == Vec && len(a.Args) == len(b.Args):
		out := &Node{Op: Vec, At: e.At, Unit: one()}
		for i := range a.Args {
			out.Args = append(out.Args, c.arith(binaryCodes[e.Op], e, a.Args[i], b.Args[i]))
		}
		return out
	case e.Op == syntax.OpMul && a.Op != Vec && !a.Bool:
		return c.mapVec(b, e.At, func(n *Node) *Node { return c.arith(ir.Mul, e, a, n) })
	case (e.Op == syntax.OpMul || e.Op == syntax.OpDiv) && b.Op != Vec && !b.Bool:
		return c.mapVec(a, e.At, func(n *Node) *Node { return c.arith(binaryCodes[e.Op], e, n, b) })
	}
	if (a.Op == Vec) != (b.Op == Vec) && (e.Op == syntax.OpAdd || e.Op == syntax.OpSub) {
		what := map[bool]string{true: "a vector and a number", false: "a number and a vector"}[a.Op == Vec]
		c.errs.Errorf("WF0214", e.At, "`%s` joins %s", e.Op, what).
			Suggest("take one component of the vector, as dx(p) of grad(p), or write the equation for a vector field")
		return bad(e.At)
	}
	c.errs.Errorf("WF0214", e.At, "`%s` has no meaning for these vectors", e.Op).
		Suggest("a vector can be multiplied or divided by a number, and added to a vector of as many components")
	return bad(e.At)
}

// power is x^y. A quantity with a unit needs an exponent that is a plain number, because its unit depends on it.
func (c *checker) power(e *syntax.Binary, x *Node, sc *scope) *Node {
	y := c.num(e.Y, sc)
	if x.invalid() || y.invalid() {
		return bad(e.At)
	}
	return c.powerNode(x, y, e.At)
}

func (c *checker) powerNode(x, y *Node, at diag.Span) *Node {
	if !c.needOne(y, "an exponent") {
		return bad(at)
	}
	u := one()
	if v, ok := constant(y); ok {
		for _, d := range []int64{1, 2, 3, 4} {
			if p := v * float64(d); p == math.Trunc(p) && math.Abs(p) < 1000 {
				return compute(ir.Pow, x.Unit.pow(mkRat(int64(p), d)), at, x, y)
			}
		}
	}
	c.needOne(x, "the base of a power whose exponent is not a plain number")
	return compute(ir.Pow, u, at, x, y)
}

// constant evaluates a node made of numbers only.
func constant(n *Node) (float64, bool) {
	switch {
	case n.Op == Num:
		return n.Val, true
	case n.Op == Compute && n.Code == ir.Neg, n.Op == Compute && n.Code == ir.Div:
		a, ok := constant(n.Args[0])
		if !ok {
			return 0, false
		}
		if n.Code == ir.Neg {
			return -a, true
		}
		b, ok := constant(n.Args[1])
		return a / b, ok && b != 0
	}
	return 0, false
}

func (c *checker) tuple(e *syntax.Tuple, sc *scope) *Node {
	out := &Node{Op: Vec, At: e.At, Unit: one()}
	for _, x := range e.Elems {
		n := c.num(x, sc)
		if n.invalid() {
			return bad(e.At)
		}
		out.Args = append(out.Args, n)
	}
	return out
}

func (c *checker) extentOf(e *syntax.Extent, sc *scope) *Node {
	if v, ok := sc.lookupIndex(e.Name.Name); ok {
		return number(float64(v.Axis.N), one(), e.At)
	}
	if s := c.names[e.Name.Name]; s != nil && s.axis != nil {
		return number(float64(s.axis.N), one(), e.At)
	}
	if sc.grid != nil {
		for _, a := range sc.axes() {
			if a.Name == e.Name.Name {
				return number(float64(a.N), one(), e.At)
			}
		}
	}
	if a := c.soleAxis(e.Name.Name); a != nil {
		return number(float64(a.N), one(), e.At)
	}
	c.unknown(e.Name, "index", c.indexNames(sc))
	return bad(e.At)
}

// soleAxis is the grid axis of that name when there is exactly one.
func (c *checker) soleAxis(name string) *Axis {
	var found *Axis
	for _, a := range c.prog.Axes {
		if a.Grid != nil && a.Of == nil && a.Name == name {
			if found != nil {
				return nil
			}
			found = a
		}
	}
	return found
}

func (c *checker) indexNames(sc *scope) []string {
	out := c.nameList(func(s *symbol) bool { return s.axis != nil })
	for _, v := range sc.index {
		out = append(out, v.Name)
	}
	if sc.grid != nil {
		for _, a := range sc.grid.Axes {
			out = append(out, a.Name)
		}
	}
	return out
}

func (c *checker) selectNode(cond, a, b *Node, at diag.Span) *Node {
	if cond.invalid() || a.invalid() || b.invalid() {
		return bad(at)
	}
	if !c.sameUnit(a, b, "cannot be the two values of where") {
		return bad(at)
	}
	return compute(ir.Select, a.Unit, at, cond, a, b)
}
