package tensor

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

var unary = map[string]ir.Code{"exp": ir.Exp, "log": ir.Log, "sin": ir.Sin, "cos": ir.Cos, "tanh": ir.Tanh, "sqrt": ir.Sqrt,
	"abs": ir.Abs, "floor": ir.Floor, "ceil": ir.Ceil}

// call gives `f(a, b)` its value.
func (e *elab) call(x *syntax.Call, sc *scope) *val {
	name := x.Func.Name
	if name == "forward" {
		return e.forwardOf(x, sc)
	}
	if code, ok := unary[name]; ok {
		a, ok := e.arguments(x, sc, 1, 1)
		if !ok {
			return badVal(x.At)
		}
		return e.apply(code, a[0])
	}
	switch name {
	case "pow":
		if a, ok := e.arguments(x, sc, 2, 2); ok {
			return e.arith(ir.Pow, a[0], a[1])
		}
		return badVal(x.At)
	case "min", "max":
		a, ok := e.arguments(x, sc, 2, 64)
		if !ok {
			return badVal(x.At)
		}
		code := ir.MinOp
		if name == "max" {
			code = ir.MaxOp
		}
		v := a[0]
		for _, b := range a[1:] {
			v = e.arith(code, v, b)
		}
		return v
	case "where":
		return e.where(x, sc)
	}
	f := e.fns[name]
	if f == nil {
		e.unknownFunction(x.Func)
		return badVal(x.At)
	}
	var over []*index
	if len(f.over) > 0 { // crossentropy(logits[s], next[s]): the index left away is the function's
		if e.lost(x, sc) {
			return badVal(x.At)
		}
		ix, arg := e.lastPlace(x, sc)
		if ix == nil || len(f.over) != 1 {
			e.fail("WF0383", x.At, "%s works along %s", name, count(len(f.over), "index", "indices")).
				Suggest("say which: `%s over .. of ..`", name)
			return badVal(x.At)
		}
		over = []*index{ix}
		args := append([]*syntax.Arg{arg}, x.Args[1:]...)
		return e.instantiate(f, args, over, nil, sc, x.At)
	}
	return e.instantiate(f, x.Args, nil, nil, sc, x.At)
}

// lost says whether the first argument of a call reads something that is in error.
func (e *elab) lost(x *syntax.Call, sc *scope) bool {
	if len(x.Args) == 0 {
		return false
	}
	if r, ok := syntax.Unparen(x.Args[0].Value).(*syntax.Ref); ok {
		found, _ := sc.find(r.Name.Name)
		v, ok := found.(*val)
		return ok && v.bad
	}
	return false
}

// lastPlace completes the first argument of a call, a read with one index too few, by the index of its last place.
func (e *elab) lastPlace(x *syntax.Call, sc *scope) (*index, *syntax.Arg) {
	if len(x.Args) == 0 {
		return nil, nil
	}
	r, ok := syntax.Unparen(x.Args[0].Value).(*syntax.Ref)
	if !ok {
		return nil, nil
	}
	found, _ := sc.find(r.Name.Name)
	a, ok := found.(*array)
	if !ok || len(r.Index) != len(a.dims)-1 {
		return nil, nil
	}
	last := a.dims[len(a.dims)-1]
	full := *r
	full.Index = append(append([]*syntax.Arg(nil), r.Index...), &syntax.Arg{Loc: r.Loc, Name: &syntax.Ident{Loc: r.Loc, Name: last.name},
		Value: &syntax.Ref{Loc: r.Loc, Name: &syntax.Ident{Loc: r.Loc, Name: last.name}}})
	if ix, ok := e.indexOf(sc, &syntax.Ident{Name: last.name}); !ok || ix != last {
		return nil, nil
	}
	return last, &syntax.Arg{Loc: x.Args[0].Loc, Value: &full}
}

func (e *elab) unknownFunction(id *syntax.Ident) {
	if e.said[id.Name] {
		return
	}
	e.said[id.Name] = true
	names := []string{"exp", "log", "sin", "cos", "tanh", "sqrt", "abs", "floor", "ceil", "pow", "min", "max", "where", "sum", "mean", "prod"}
	names = append(names, sorted(e.fns)...)
	d := e.fail("WF0211", id.At, "unknown function %s", id.Name)
	if best, ok := diag.Nearest(id.Name, names); ok {
		d.Replace(id.At, best, "did you mean %s?", best)
		return
	}
	d.Suggest("define it: `fn %s(x) = ..`", id.Name)
}

// arguments evaluates positional arguments; products in them are summed by themselves.
func (e *elab) arguments(x *syntax.Call, sc *scope, least, most int) ([]*val, bool) {
	if len(x.Args) < least || len(x.Args) > most {
		e.fail("WF0383", x.At, "%s takes %s", x.Func.Name, count(least, "argument", "arguments")).Suggest("write %s(..) with %d values", x.Func.Name, least)
		return nil, false
	}
	var out []*val
	for _, a := range x.Args {
		if a.Name != nil {
			e.fail("WF0383", a.At, "%s has no parameter %s", x.Func.Name, a.Name.Name).Suggest("give the value without a name")
			return nil, false
		}
		v := e.argument(a.Value, sc, sc.bound)
		if v = e.needNumber(v, a.At); v.bad {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

func (e *elab) argument(x syntax.Expr, sc *scope, bound []*index) *val {
	v := e.expr(x, sc)
	if v.bad || sc.inFn {
		return v
	}
	return e.closeArg(v, bound, x.Span())
}

// apply is a function of one number.
func (e *elab) apply(code ir.Code, a *val) *val {
	if a.isNum() {
		n := ir.Node{Op: code, Elem: ir.F64}
		if r, err := ir.Apply(&n, []ir.Elem{ir.F64}, []ir.Val{{F: a.num}}); err == nil {
			return num(r.F)
		}
		return badVal(a.at)
	}
	if code == ir.Abs {
		return node(code, a.elem, a)
	}
	a = as(a, e.floatOf(a))
	return node(code, a.elem, a)
}

// where is a choice; both values are computed, or the domain is cut (pieces.go).
func (e *elab) where(x *syntax.Call, sc *scope) *val {
	if len(x.Args) != 3 {
		e.fail("WF0383", x.At, "where takes a condition and two values").Suggest("write where(condition, value, otherwise)")
		return badVal(x.At)
	}
	c := e.condition(e.expr(x.Args[0].Value, sc), x.Args[0].At)
	a := e.argument(x.Args[1].Value, sc, sc.bound)
	b := e.argument(x.Args[2].Value, sc, sc.bound)
	if c.bad || a.bad || b.bad {
		return badVal(x.At)
	}
	if c.code == ir.Const {
		if c.num != 0 {
			return a
		}
		return b
	}
	if a.elem != ir.Bool || b.elem != ir.Bool {
		a, b, _ = meet(e.needNumber(a, x.Args[1].At), e.needNumber(b, x.Args[2].At), e.floatOf(a, b))
	}
	return node(ir.Select, a.elem, c, a, b)
}
