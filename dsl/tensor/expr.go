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

// readArray reads an array at the indices written.
func (e *elab) readArray(x *syntax.Ref, a *array, sc *scope) *val {
	if x.Index == nil && sc.inFn && a.what == "let" {
		v := e.readAt(a, here(a.dims))
		v.zero = a.zero
		return v
	}
	args, ok := e.arrange(x, a, sc)
	if !ok {
		return badVal(x.At)
	}
	pos := make([]place, len(a.dims))
	var guards []*val
	var over []*index
	for i, arg := range args {
		p, ok, computed := e.subscript(arg, a.dims[i], x, sc)
		if !ok {
			return badVal(x.At)
		}
		if computed != nil { // a gather: summed over the place's index, guarded
			ix := e.newIndex(a.dims[i].name, a.dims[i].dim, x.At)
			guards = append(guards, node(ir.Eq, ir.Bool, indexVal(ix), computed))
			over = append(over, ix)
			p = place{ix: ix}
		}
		pos[i] = p
	}
	v := e.readAt(a, pos)
	v.at = x.At
	if over == nil {
		return v
	}
	return e.guarded(v, guards, over, x.At)
}

// guarded reads a value where conditions single out one point: the sum of what is there and nothing elsewhere.
func (e *elab) guarded(v *val, guards []*val, over []*index, at diag.Span) *val {
	g := guards[0]
	for _, h := range guards[1:] {
		g = node(ir.And, ir.Bool, g, h)
	}
	zero := typed(v.elem, 0)
	if v.elem.IsFloat() {
		zero = minusZero(v.elem)
	}
	r := e.reduce(ir.Sum, node(ir.Select, v.elem, g, v, zero), over, true, at)
	r.at = at
	return r
}

// readAt reads an array at places; a weight is multiplied by its forward multiplier.
func (e *elab) readAt(a *array, pos []place) *val {
	if a.batched {
		pos = append([]place{{ix: e.batch}}, pos...)
	}
	v := read(a.ref, a.elem, pos)
	if a.elem == ir.I32 || a.forward == 1 {
		return v
	}
	return node(ir.Mul, v.elem, v, typed(v.elem, a.forward))
}

// arrange brings arguments like `[s = t, d]` into the order of the places.
func (e *elab) arrange(x *syntax.Ref, a *array, sc *scope) ([]*syntax.Arg, bool) {
	if len(x.Index) != len(a.dims) {
		e.fail("WF0371", x.At, "%s has %s, %s given", x.Name.Name, count(len(a.dims), "index", "indices"), countGiven(len(x.Index))).
			With(a.at, "%s is declared here", x.Name.Name).Suggest("write %s%s", x.Name.Name, indexList(a.dims))
		return nil, false
	}
	out := make([]*syntax.Arg, len(a.dims))
	for i, arg := range x.Index {
		k := i
		if arg.Name != nil {
			k = -1
			for j, d := range a.dims {
				if d.name == arg.Name.Name {
					k = j
				}
			}
		}
		if k < 0 || out[k] != nil {
			e.fail("WF0371", arg.At, "%s has no place %s, or it is given twice", x.Name.Name, arg.At.Text()).
				With(a.at, "%s is declared here", x.Name.Name).Suggest("its places are %s", indexList(a.dims))
			return nil, false
		}
		out[k] = arg
	}
	return out, true
}

// subscript resolves one index of a read: an index plus a number, a number, or an expression computed from data.
func (e *elab) subscript(arg *syntax.Arg, want *index, x *syntax.Ref, sc *scope) (p place, ok bool, computed *val) {
	ix, off, form := e.affine(arg.Value, sc)
	switch form {
	case formIndex:
		if ix.dim != want.dim && off == 0 && arg.Name == nil {
			e.dimError(arg.Value.Span(), ix, want, x.Name.Name)
			return p, false, nil
		}
		return place{ix, off}, true, nil
	case formNumber:
		if off < 0 || off >= want.dim.n {
			e.fail("WF0375", arg.At, "position %d is outside %s, which has %d", off, want.name, want.dim.n).Suggest("use a position from 0 to %d", want.dim.n-1)
			return p, false, nil
		}
		return place{off: off}, true, nil
	case formBad:
		return p, false, nil
	}
	v := e.expr(arg.Value, sc)
	if v.bad {
		return p, false, nil
	}
	if v.code == ir.Floor || v.code == ir.Ceil {
		v = node(ir.Cvt, ir.I32, v)
	}
	if v.elem != ir.I32 {
		e.fail("WF0386", arg.At, "an index is a whole number, and this is none").
			Suggest("read it from an input, as in `wte[tokens[s], d]`, or from indices: `w[s - t]`, `x[floor(s/2)]`")
		return p, false, nil
	}
	return p, true, v
}

// dimError says that an index of one dim stands in the place of another.
func (e *elab) dimError(at diag.Span, ix, want *index, name string) {
	e.fail("WF0370", at, "%s ranges over %s (%d), but this place of %s is %s (%d)", ix.name, ix.dim.name, ix.dim.n, name, want.dim.name, want.dim.n).
		With(ix.at, "%s is declared here", ix.name).With(want.at, "%s is declared here", want.name).
		Suggest("use an index over %s; to read another extent on purpose name the place: `%s = %s`", want.dim.name, want.name, ix.name)
}

type form uint8

const (
	formOther form = iota
	formIndex
	formNumber
	formBad
)

// affine splits `s`, `s + 1`, `i - #h`, `3`.
func (e *elab) affine(x syntax.Expr, sc *scope) (*index, int, form) {
	switch x := syntax.Unparen(x).(type) {
	case *syntax.Ref:
		if x.Prime || x.Index != nil {
			return nil, 0, formOther
		}
		if found, ok := sc.find(x.Name.Name); ok {
			switch f := found.(type) {
			case *index:
				return f, 0, formIndex
			case *val:
				if d, is := e.m.dims[x.Name.Name]; is && f.isNum() {
					return d.self, 0, formIndex
				}
				if f.isNum() && whole(f.num) {
					if _, layer := sc.find("#" + x.Name.Name); layer {
						return nil, int(f.num), formNumber
					}
					if d := e.dimOf(sc, x.Name); d != nil { // a param in index position is the index over it
						return d.self, 0, formIndex
					}
					return nil, 0, formBad
				}
				if f.code == ir.Index {
					return f.ix, f.off, formIndex
				}
			}
			return nil, 0, formOther
		}
		if d, is := e.m.dims[x.Name.Name]; is {
			return d.self, 0, formIndex
		}
		e.unknown(sc, x.Name, "index", func(x any) bool { _, ok := x.(*index); return ok })
		return nil, 0, formBad
	case *syntax.Binary:
		if x.Op != syntax.OpAdd && x.Op != syntax.OpSub {
			break
		}
		a, oa, fa := e.affine(x.X, sc)
		b, ob, fb := e.affine(x.Y, sc)
		if x.Op == syntax.OpSub {
			ob = -ob
		}
		switch {
		case fa == formBad || fb == formBad:
			return nil, 0, formBad
		case fa == formIndex && fb == formNumber:
			return a, oa + ob, formIndex
		case fa == formNumber && fb == formIndex && x.Op == syntax.OpAdd:
			return b, oa + ob, formIndex
		case fa == formNumber && fb == formNumber:
			return nil, oa + ob, formNumber
		}
		return nil, 0, formOther
	case *syntax.Number, *syntax.Extent, *syntax.Unary:
		if v := e.expr(x, sc); v.isNum() && whole(v.num) {
			return nil, int(v.num), formNumber
		}
	}
	return nil, 0, formOther
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return itoa(n) + " " + many
}

func countGiven(n int) string {
	if n == 1 {
		return "1 is"
	}
	return itoa(n) + " are"
}

// indexList is "[s,d]".
func indexList(list []*index) string {
	if len(list) == 0 {
		return ""
	}
	s := "["
	for i, ix := range list {
		if i > 0 {
			s += ","
		}
		s += ix.name
	}
	return s + "]"
}
