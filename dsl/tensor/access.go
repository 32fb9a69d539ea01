package tensor

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

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
	if v.elem != ir.I32 && isWhole(v) {
		v = node(ir.Cvt, ir.I32, v)
	}
	if v.elem != ir.I32 {
		e.fail("WF0386", arg.At, "an index is a whole number, and this is none").
			Suggest("read it from an input, as in `wte[tokens[s], d]`, or from indices: `w[s - t]`, `x[floor(s/2)]`")
		return p, false, nil
	}
	return p, true, v
}

// isWhole says whether a value is a whole number by its form: made of indices, whole numbers and what floor and ceil give.
func isWhole(v *val) bool {
	switch v.code {
	case ir.Floor, ir.Ceil:
		return true
	case ir.Const:
		return whole(v.num)
	case ir.Add, ir.Sub, ir.Mul, ir.Neg, ir.Abs, ir.MinOp, ir.MaxOp, ir.Cvt:
	case ir.Select:
		return isWhole(v.args[1]) && isWhole(v.args[2])
	default:
		return v.elem == ir.I32
	}
	for _, a := range v.args {
		if !isWhole(a) {
			return false
		}
	}
	return true
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
