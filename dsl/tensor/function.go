package tensor

import (
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
			v = masked(v, in)
			v = e.readBack(e.store(p.Name.Name, e.stored(v), without(e.ordered(v, v.free), e.batch), v.at), v)
		}
		in.put(p.Name.Name, v, p.At)
	}
	return true
}

// masked is a value that a function stores, 0 where the conditions in scope do not hold: there it may be infinite, like the exponential
// of a score that is not below the largest allowed one, and 0 times that in the gradient would be no number.
func masked(v *val, in *scope) *val {
	for _, m := range in.masks {
		if anyOf(v.free, m.over) && len(without(m.cond.free, v.free...)) == 0 && v.elem.IsFloat() && v.zero != m {
			at := v.at
			v = node(ir.Select, v.elem, m.cond, v, typed(v.elem, 0))
			v.zero, v.at = m, at
		}
	}
	return v
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
				v = masked(v, in)
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
