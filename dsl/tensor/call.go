package tensor

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// function is a function written in the language.
type function struct {
	name   *syntax.Ident
	params []*syntax.Arg
	over   []*syntax.Ident
	value  syntax.Expr
	body   *syntax.Block
	own    bool // of the file, not of the prelude
}

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

// maxNest bounds functions inside functions.
const maxNest = 64

// instantiate puts a function in at a place: its parameters become values, its indices those of the caller.
func (e *elab) instantiate(f *function, args []*syntax.Arg, over []*index, m *mask, sc *scope, at diag.Span) *val {
	for _, c := range e.calls {
		if c == f.name.Name || len(e.calls) > maxNest {
			e.fail("WF0387", at, "%s calls itself", f.name.Name).Note("functions are put in where they are called").Suggest("write the repetition with `for` over layers, or without it")
			return badVal(at)
		}
	}
	e.calls = append(e.calls, f.name.Name)
	site := e.site
	if at.File == e.file {
		e.site = at
	}
	defer func() { e.calls, e.site = e.calls[:len(e.calls)-1], site }()
	in := &scope{up: e.globals(f), names: map[string]any{}, at: map[string]diag.Span{}, inFn: true, over: over,
		bound: union(sc.bound, over), masks: sc.masks}
	if m != nil {
		in.masks = append(append([]*mask(nil), sc.masks...), m)
	}
	if !e.bindArgs(f, args, over, sc, in, at) {
		return badVal(at)
	}
	for i, o := range f.over {
		in.put(o.Name, over[i], o.At)
	}
	v := e.functionBody(f, in, at)
	if v.bad {
		return badVal(at)
	}
	for _, k := range in.masks {
		if anyOf(v.free, k.over) && anyOf(k.over, over) {
			v = node(ir.Select, v.elem, k.cond, v, typed(v.elem, 0))
			v.zero = k
		}
	}
	w := *v
	w.cut, w.at = true, at
	return &w
}

// bindArgs gives the parameters their values.
func (e *elab) bindArgs(f *function, args []*syntax.Arg, over []*index, sc, in *scope, at diag.Span) bool {
	values := make([]syntax.Expr, len(f.params))
	for i, a := range args {
		k := i
		if a.Name != nil {
			k = -1
			for j, p := range f.params {
				if p.Name.Name == a.Name.Name {
					k = j
				}
			}
		}
		if k < 0 || k >= len(values) || values[k] != nil {
			e.fail("WF0383", a.At, "%s has no such parameter, or it is given twice", f.name.Name).Suggest("its form is %s", signature(f))
			return false
		}
		values[k] = a.Value
	}
	for i, p := range f.params {
		var v *val
		switch {
		case values[i] != nil:
			v = e.argument(values[i], sc, union(sc.bound, over))
		case p.Value != nil:
			v = e.expr(p.Value, in)
		default:
			e.fail("WF0383", at, "%s needs a value for %s", f.name.Name, p.Name.Name).Suggest("its form is %s", signature(f))
			return false
		}
		if v.bad {
			return false
		}
		if len(f.over) > 0 && !cheap(v) {
			v = e.readBack(e.store(p.Name.Name, e.stored(v), without(e.ordered(v, v.free), e.batch), v.at), v)
		}
		in.put(p.Name.Name, v, p.At)
	}
	return true
}

// readBack reads a stored value where it was computed.
func (e *elab) readBack(a *array, v *val) *val {
	w := e.readAt(a, here(a.dims))
	w.at, w.zero = v.at, v.zero
	return w
}

// stored is a value as the forward pass keeps it: rounded when the precision asks for it.
func (e *elab) stored(v *val) *val {
	if e.round == nil || v.elem != ir.F32 {
		return v
	}
	w := e.round(v)
	w.zero = v.zero
	return w
}

func cheap(v *val) bool {
	switch v.code {
	case ir.Const, ir.Index, ir.Read:
		return true
	case ir.Cvt, ir.Neg:
		return cheap(v.args[0])
	}
	return false
}

func signature(f *function) string {
	s := f.name.Name
	if len(f.over) > 0 {
		s += " over "
		for i, o := range f.over {
			if i > 0 {
				s += ", "
			}
			s += o.Name
		}
		s += " "
	}
	s += "("
	for i, p := range f.params {
		if i > 0 {
			s += ", "
		}
		s += p.Name.Name
		if p.Value != nil {
			s += " = " + syntax.ExprString(p.Value)
		}
	}
	return s + ")"
}

// functionBody evaluates the statements of a function.
func (e *elab) functionBody(f *function, in *scope, at diag.Span) *val {
	if f.body == nil {
		return e.expr(f.value, in)
	}
	for _, s := range f.body.Stmts {
		switch s := s.(type) {
		case *syntax.Bind:
			for _, it := range s.Items {
				if s.Kind != syntax.Let || it.Index != nil {
					e.fail("WF0383", it.At, "a function has plain `let`s: they keep the indices of their values").Suggest("write `let %s = ..`", it.Name.Name)
					return badVal(at)
				}
				v := e.expr(it.Value, in)
				if v.bad {
					return v
				}
				if cheap(v) || len(v.free) == 0 || len(f.over) == 0 {
					in.put(it.Name.Name, v, it.At)
					continue
				}
				a := e.store(it.Name.Name, e.stored(v), without(e.ordered(v, v.free), e.batch), it.At)
				a.zero = v.zero
				in.put(it.Name.Name, a, it.At)
			}
		case *syntax.Assign:
			if s.Target.Name.Name == f.name.Name && !s.Target.Prime && s.Target.Index == nil {
				return e.expr(s.Value, in)
			}
			e.fail("WF0383", s.At, "a function assigns its own name, and that is its value").Suggest("write `%s = ..`", f.name.Name)
			return badVal(at)
		case *syntax.Bad:
			return badVal(at)
		default:
			e.fail("WF0383", s.Span(), "the body of a function has `let`s and the assignment of its value").Suggest("write `%s = ..`", f.name.Name)
			return badVal(at)
		}
	}
	e.fail("WF0383", f.name.At, "%s assigns no value", f.name.Name).Suggest("end its body with `%s = ..`", f.name.Name)
	return badVal(at)
}

// paramAt reads a parameter of a function at other indices than the caller's: shifted, fixed, or computed.
func (e *elab) paramAt(x *syntax.Ref, v *val, sc *scope) *val {
	if !sc.inFn || len(x.Index) != len(sc.over) || v.isNum() {
		e.fail("WF0371", x.At, "%s has no indices", x.Name.Name).Suggest("write %s", x.Name.Name)
		return badVal(x.At)
	}
	for i, arg := range x.Index {
		ix, off, form := e.affine(arg.Value, sc)
		switch form {
		case formIndex:
			v = subst(v, sc.over[i], ix, off)
		case formNumber:
			v = subst(v, sc.over[i], nil, off)
		case formBad:
			return badVal(x.At)
		default:
			k := e.expr(arg.Value, sc)
			if k.bad || k.elem != ir.I32 {
				if !k.bad {
					e.fail("WF0386", arg.At, "an index is a whole number, and this is none").Suggest("use an input or indices")
				}
				return badVal(x.At)
			}
			ix := e.newIndex(sc.over[i].name, sc.over[i].dim, x.At)
			v = e.guarded(subst(v, sc.over[i], ix, 0), []*val{node(ir.Eq, ir.Bool, indexVal(ix), k)}, []*index{ix}, x.At)
		}
	}
	return v
}

// reduction is `sum over t where c of x`, or a function along indices.
func (e *elab) reduction(x *syntax.Reduce, sc *scope) *val {
	var over []*index
	for _, id := range x.Over {
		ix, ok := e.indexOf(sc, id)
		if !ok {
			if v, is := sc.find(id.Name); is {
				if n, is := v.(*val); is && n.isNum() {
					if d := e.dimOf(sc, id); d != nil {
						over = append(over, d.self)
						continue
					}
					return badVal(x.At)
				}
			}
			e.unknown(sc, id, "index", func(x any) bool { _, ok := x.(*index); return ok })
			return badVal(x.At)
		}
		if has(over, ix) {
			e.fail("WF0255", id.At, "%s is reduced twice", id.Name).Suggest("name it once")
			return badVal(x.At)
		}
		over = append(over, ix)
	}
	in := sc.binding(over...)
	var cond *val
	if x.Where != nil {
		if cond = e.condition(e.expr(x.Where, in), x.Where.Span()); cond.bad {
			return cond
		}
	}
	switch x.Op.Name {
	case "sum", "mean", "max", "min", "prod":
		if len(x.Args) > 0 {
			e.fail("WF0383", x.At, "%s over .. takes one value", x.Op.Name).Suggest("remove the others")
			return badVal(x.At)
		}
		v := e.expr(x.Body, in)
		if v = e.needNumber(v, x.Body.Span()); v.bad {
			return v
		}
		if !sc.inFn {
			v = e.closeInside(v, in, x)
		}
		return e.fold(x.Op.Name, v, over, cond, sc, x.At)
	}
	f := e.fns[x.Op.Name]
	if f == nil {
		e.unknownFunction(x.Op)
		return badVal(x.At)
	}
	if len(f.over) != len(over) {
		e.fail("WF0383", x.At, "%s works along %s, not %d", f.name.Name, count(len(f.over), "index", "indices"), len(over)).Suggest("its form is %s", signature(f))
		return badVal(x.At)
	}
	var m *mask
	if cond != nil {
		m = &mask{cond: cond}
		for _, ix := range over {
			if has(cond.free, ix) {
				m.over = append(m.over, ix)
			}
		}
	}
	args := []*syntax.Arg{{Loc: syntax.Loc{At: x.Body.Span()}, Value: x.Body}}
	if t, ok := syntax.Unparen(x.Body).(*syntax.Tuple); ok {
		args = nil
		for _, y := range t.Elems {
			args = append(args, &syntax.Arg{Loc: syntax.Loc{At: y.Span()}, Value: y})
		}
	}
	args = append(args, x.Args...)
	return e.instantiate(f, args, over, m, in, x.At)
}

// fold reduces with one of the combiners, over the points where the condition and the masks in scope hold.
func (e *elab) fold(op string, v *val, over []*index, cond *val, sc *scope, at diag.Span) *val {
	for _, m := range sc.masks {
		if !anyOf(m.over, over) || op == "sum" && vanishes(v, m) {
			continue
		}
		if cond == nil {
			cond = m.cond
		} else {
			cond = node(ir.And, ir.Bool, cond, m.cond)
		}
	}
	if v.isNum() || op == "mean" {
		v = as(v, e.floatOf(v))
	}
	scatter := cond != nil && cond.code == ir.Eq
	masked := func(v *val, other *val) *val {
		if cond == nil {
			return v
		}
		return node(ir.Select, v.elem, cond, v, other)
	}
	total := func(v *val) *val {
		zero := typed(v.elem, 0)
		if v.elem.IsFloat() {
			zero = minusZero(v.elem)
		}
		if cond == nil {
			return e.sum(v, over, at)
		}
		return e.reduceOver(ir.Sum, masked(v, zero), over, scatter, at)
	}
	limit := func(x float64) *val {
		if v.elem.IsFloat() {
			return typed(v.elem, x)
		}
		return typed(v.elem, math.Copysign(1<<31-1, x))
	}
	switch op {
	case "sum":
		return total(v)
	case "mean":
		if cond != nil {
			return e.arith(ir.Div, total(v), total(typed(v.elem, 1)))
		}
		n := 1.0
		for _, ix := range over {
			n *= float64(ix.dim.n)
		}
		return e.arith(ir.Div, total(v), num(n))
	case "max":
		return e.reduceOver(ir.Max, masked(v, limit(math.Inf(-1))), over, false, at)
	case "min":
		return e.reduceOver(ir.Min, masked(v, limit(math.Inf(1))), over, false, at)
	}
	return e.reduceOver(ir.Prod, masked(v, typed(v.elem, 1)), over, false, at)
}

// vanishes says whether a product is 0 where a mask does not hold, so that a sum of it needs no condition.
func vanishes(v *val, m *mask) bool {
	return v.zero == m || v.code == ir.Mul && (vanishes(v.args[0], m) || vanishes(v.args[1], m))
}

// reduceOver reduces over indices of which some may not occur in the value.
func (e *elab) reduceOver(comb ir.Combiner, v *val, over []*index, seq bool, at diag.Span) *val {
	var lone []*index
	for _, ix := range over {
		if !has(v.free, ix) {
			lone = append(lone, ix)
		}
	}
	r := v
	if in := without(over, lone...); len(in) > 0 {
		r = e.reduce(comb, v, in, seq, at)
	}
	n := 1
	for _, ix := range lone {
		n *= ix.dim.n
	}
	switch {
	case n == 1 || comb == ir.Max || comb == ir.Min:
		return r
	case comb == ir.Sum:
		return e.arith(ir.Mul, r, num(float64(n)))
	}
	return e.arith(ir.Pow, r, num(float64(n)))
}
