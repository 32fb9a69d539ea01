package tensor

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// expr gives an expression its value.
func (e *elab) expr(x syntax.Expr, sc *scope) *val {
	v := e.exprAt(x, sc)
	if v.at.IsZero() {
		v.at = x.Span()
	}
	return v
}

func (e *elab) exprAt(x syntax.Expr, sc *scope) *val {
	switch x := x.(type) {
	case *syntax.Number:
		if x.Unit != nil {
			e.fail("WF0386", x.At, "models have no units").Suggest("write %s", x.Text)
		}
		return num(x.Value)
	case *syntax.Paren:
		return e.expr(x.X, sc)
	case *syntax.Ref:
		return e.ref(x, sc)
	case *syntax.Extent:
		return e.extentOf(x, sc)
	case *syntax.Unary:
		v := e.expr(x.X, sc)
		if x.Op == syntax.OpNot {
			return node(ir.Not, ir.Bool, e.condition(v, x.X.Span()))
		}
		if v.isNum() {
			return num(-v.num)
		}
		if v.elem == ir.Bool {
			return e.needNumber(v, x.X.Span())
		}
		return node(ir.Neg, v.elem, v)
	case *syntax.Binary:
		return e.binary(x, sc)
	case *syntax.Call:
		return e.call(x, sc)
	case *syntax.Reduce:
		return e.reduction(x, sc)
	case *syntax.String:
		e.fail("WF0386", x.At, "a text has no value in an expression").Suggest("use a number")
	case *syntax.Tuple:
		e.fail("WF0386", x.At, "a list has no value here").Suggest("lists are arguments of functions, as in `betas = (0.9, 0.95)`")
	}
	return badVal(x.Span())
}

func (e *elab) needNumber(v *val, at diag.Span) *val {
	if v.elem == ir.Bool && !v.bad {
		e.fail("WF0386", at, "this is a condition, and a number is needed").Suggest("write `where(condition, 1, 0)`")
		return badVal(at)
	}
	return v
}

func (e *elab) condition(v *val, at diag.Span) *val {
	if v.elem != ir.Bool && !v.bad {
		e.fail("WF0386", at, "this is a number, and a condition is needed").Suggest("compare it with something, as in `t <= s`")
		return badVal(at)
	}
	return v
}

func (e *elab) extentOf(x *syntax.Extent, sc *scope) *val {
	if n, ok := sc.find("#" + x.Name.Name); ok { // the number of layers
		return n.(*val)
	}
	if ix, ok := e.indexOf(sc, x.Name); ok {
		return num(float64(ix.dim.n))
	}
	if v, ok := sc.find(x.Name.Name); ok {
		if n, ok := v.(*val); ok && n.isNum() {
			return num(n.num)
		}
		e.fail("WF0374", x.At, "%s is no index and no dim, so it has no extent", x.Name.Name).Suggest("`#` stands before an index or a dim")
		return badVal(x.At)
	}
	e.unknown(sc, x.Name, "index", func(x any) bool { _, ok := x.(*index); return ok })
	return badVal(x.At)
}

var codes = map[syntax.Op]ir.Code{syntax.OpAdd: ir.Add, syntax.OpSub: ir.Sub, syntax.OpMul: ir.Mul, syntax.OpDiv: ir.Div,
	syntax.OpPow: ir.Pow, syntax.OpLt: ir.Lt, syntax.OpLe: ir.Le, syntax.OpGt: ir.Lt, syntax.OpGe: ir.Le, syntax.OpEq: ir.Eq,
	syntax.OpNe: ir.Ne, syntax.OpAnd: ir.And, syntax.OpOr: ir.Or}

func (e *elab) binary(x *syntax.Binary, sc *scope) *val {
	a, b := e.expr(x.X, sc), e.expr(x.Y, sc)
	if a.bad || b.bad {
		return badVal(x.At)
	}
	switch x.Op {
	case syntax.OpAnd, syntax.OpOr:
		a, b = e.condition(a, x.X.Span()), e.condition(b, x.Y.Span())
		return node(codes[x.Op], ir.Bool, a, b)
	case syntax.OpGt, syntax.OpGe:
		a, b = b, a
	}
	if a = e.needNumber(a, x.X.Span()); a.bad {
		return a
	}
	if b = e.needNumber(b, x.Y.Span()); b.bad {
		return b
	}
	return e.arith(codes[x.Op], a, b)
}

// arith is a binary operation or a comparison of numbers: of known numbers at once, in f64.
func (e *elab) arith(code ir.Code, a, b *val) *val {
	if a.bad || b.bad {
		return badVal(a.at)
	}
	compare := code == ir.Lt || code == ir.Le || code == ir.Eq || code == ir.Ne
	if a.isNum() && b.isNum() {
		n := ir.Node{Op: code, Elem: ir.F64}
		r, err := ir.Apply(&n, []ir.Elem{ir.F64, ir.F64}, []ir.Val{{F: a.num}, {F: b.num}})
		switch {
		case err != nil:
			return badVal(a.at)
		case compare:
			return typed(ir.Bool, float64(r.I))
		}
		return num(r.F)
	}
	switch {
	case code == ir.Add && a.isNum() && a.num == 0:
		return b
	case (code == ir.Add || code == ir.Sub) && b.isNum() && b.num == 0:
		return a
	case code == ir.Pow:
		return e.power(as(a, e.floatOf(a)), b)
	case code == ir.Div: // of whole numbers too: 1/2 is a half
		a, b = as(a, e.floatOf(a, b)), as(b, e.floatOf(a, b))
	}
	a, b, elem := meet(a, b, e.floatOf(a, b))
	if compare {
		elem = ir.Bool
	}
	switch {
	case code == ir.Mul && a.code == ir.Const && a.num == 1:
		return b
	case code == ir.Mul && b.code == ir.Const && b.num == 1, code == ir.Div && b.code == ir.Const && b.num == 1:
		return a
	}
	return node(code, elem, a, b)
}

// floatOf is the float type of operands: f64 among host values, else the one of the program.
func (e *elab) floatOf(list ...*val) ir.Elem {
	f := e.float
	for _, v := range list {
		if v.elem == ir.F64 {
			f = ir.F64
		}
	}
	return f
}

// power expands small whole exponents into products and halves into roots.
func (e *elab) power(a, b *val) *val {
	if b.isNum() && whole(b.num) && b.num >= 0 && b.num <= 8 {
		if b.num == 0 {
			return num(1)
		}
		r := a
		for k := 1; k < int(b.num); k++ {
			r = node(ir.Mul, a.elem, r, a)
		}
		return r
	}
	if b.isNum() && b.num == 0.5 {
		return node(ir.Sqrt, a.elem, a)
	}
	if b.isNum() && b.num == -0.5 {
		return node(ir.Div, a.elem, typed(a.elem, 1), node(ir.Sqrt, a.elem, a))
	}
	return node(ir.Pow, a.elem, a, as(b, a.elem))
}

// ref gives a name, perhaps with indices, its value.
func (e *elab) ref(x *syntax.Ref, sc *scope) *val {
	if x.Prime {
		return e.primed(x, sc)
	}
	found, ok := sc.find(x.Name.Name)
	if !ok {
		if x.Index == nil && x.Name.Name == "pi" {
			return num(math.Pi)
		}
		if d, is := e.m.dims[x.Name.Name]; is && x.Index == nil {
			return indexVal(d.self)
		}
		e.unknown(sc, x.Name, "name", anything)
		return badVal(x.At)
	}
	switch f := found.(type) {
	case *val:
		if f.bad {
			return badVal(x.At)
		}
		if x.Index != nil {
			return e.paramAt(x, f, sc)
		}
		if d, is := e.m.dims[x.Name.Name]; is && f.isNum() && has(sc.bound, d.self) {
			e.fail("WF0384", x.At, "%s is a number and, in this statement, an index", x.Name.Name).
				With(sc.where(x.Name.Name), "declared here").
				Suggest("write #%s for the extent; for the value of the index declare one: `index %s2 in %s`", x.Name.Name, x.Name.Name, x.Name.Name)
			return badVal(x.At)
		}
		return f
	case *index:
		if x.Index != nil {
			e.fail("WF0371", x.At, "%s is an index and has no indices", x.Name.Name).Suggest("write %s", x.Name.Name)
			return badVal(x.At)
		}
		return indexVal(f)
	case *array:
		return e.readArray(x, f, sc)
	case string:
		e.fail("WF0386", x.At, "%s is a text and has no value here", x.Name.Name).Suggest("use a param that is a number")
	default:
		e.fail("WF0203", x.At, "%s has no value", x.Name.Name).Suggest("use a number, a weight, a let or an index")
	}
	return badVal(x.At)
}

// primed is the next value of a carried name, after its assignment.
func (e *elab) primed(x *syntax.Ref, sc *scope) *val {
	if found, ok := sc.find(x.Name.Name + "'"); ok {
		if a, ok := found.(*array); ok {
			return e.readArray(x, a, sc)
		}
		if v, ok := found.(*val); ok {
			return v
		}
	}
	e.fail("WF0377", x.At, "%s' has no value here", x.Name.Name).Suggest("assign %s' before reading it", x.Name.Name)
	return badVal(x.At)
}
