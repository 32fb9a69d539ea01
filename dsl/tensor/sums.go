package tensor

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Sums by missing index. An index of an expression that is neither on the left side nor bound by a reduction is summed at the smallest
// product that contains all its uses; the terms of a sum have their own. A function's argument is looked at first and by itself: a
// product in it is summed there, so that silu(b[s,d]*w[d,f])*(b[s,d]*u[d,f]) has two sums over d. Numbers and factors without the
// index are taken out of the sum.

// missing are the free indices that nothing binds.
func (e *elab) missing(v *val, bound []*index) []*index {
	return without(without(v.free, bound...), e.batch)
}

// close places the sums of v over what is missing, where products allow; the rest stays free.
func (e *elab) close(v *val, bound []*index, at diag.Span) *val {
	var can []*index
	for _, ix := range e.missing(v, bound) {
		if placeable(v, ix) {
			can = append(can, ix)
		}
	}
	if len(can) == 0 || v.bad {
		return v
	}
	return e.place(v, can, at)
}

// closeArg is close for an argument of a function: only products of two factors or more that have the index are summed.
func (e *elab) closeArg(v *val, bound []*index, at diag.Span) *val {
	var can []*index
	for _, ix := range e.missing(v, bound) {
		if contracted(v, ix) {
			can = append(can, ix)
		}
	}
	if len(can) == 0 || v.bad {
		return v
	}
	return e.place(v, can, at)
}

// closeInside places the sums of a reduction's body over the indices that the statement uses nowhere else; an index that it also uses
// outside is summed there, at the product that contains both.
func (e *elab) closeInside(v *val, sc *scope, x *syntax.Reduce) *val {
	if v.bad {
		return v
	}
	var can []*index
	for _, ix := range e.missing(v, sc.bound) {
		if placeable(v, ix) && !e.usedOutside(ix, sc, x) {
			can = append(can, ix)
		}
	}
	if len(can) == 0 {
		return v
	}
	return e.place(v, can, x.Body.Span())
}

// usedOutside says whether the statement being elaborated uses an index outside of one of its reductions.
func (e *elab) usedOutside(ix *index, sc *scope, x *syntax.Reduce) bool {
	found := false
	syntax.Walk(e.stmt, func(n syntax.Node) bool {
		if n == syntax.Node(x) || found {
			return false
		}
		if r, ok := n.(*syntax.Ref); ok && r.Index == nil && !r.Prime {
			if y, ok := e.indexOf(sc, r.Name); ok && y == ix {
				found = true
			}
		}
		return true
	})
	return found
}

func linear(v *val) bool {
	return !v.cut && (v.code == ir.Add || v.code == ir.Sub || v.code == ir.Neg || v.code == ir.Cvt && v.elem.IsFloat())
}

// placeable says whether there is a product for a sum over ix.
func placeable(v *val, ix *index) bool {
	switch {
	case v.cut:
		return false
	case v.code == ir.Mul && v.elem.IsFloat():
		return true
	case v.code == ir.Div:
		return has(v.args[1].free, ix) || placeable(v.args[0], ix)
	case linear(v):
		for _, a := range v.args {
			if has(a.free, ix) && !placeable(a, ix) {
				return false
			}
		}
		return true
	}
	return false
}

// contracted says whether every term with ix is a product with ix in two factors.
func contracted(v *val, ix *index) bool {
	switch {
	case v.cut:
		return false
	case v.code == ir.Mul && v.elem.IsFloat():
		a, b := has(v.args[0].free, ix), has(v.args[1].free, ix)
		return a && b || a && contracted(v.args[0], ix) || b && contracted(v.args[1], ix)
	case v.code == ir.Div:
		return !has(v.args[1].free, ix) && contracted(v.args[0], ix)
	case linear(v):
		for _, a := range v.args {
			if has(a.free, ix) && !contracted(a, ix) {
				return false
			}
		}
		return true
	}
	return false
}

// place puts the sums over the given indices, all of which are placeable.
func (e *elab) place(v *val, list []*index, at diag.Span) *val {
	if len(list) == 0 {
		return v
	}
	split := func(k int, need func(*val, *index) bool) (mine, rest []*index) {
		for _, ix := range list {
			other := false
			for j, a := range v.args {
				other = other || j != k && has(a.free, ix)
			}
			if has(v.args[k].free, ix) && !other && need(v.args[k], ix) {
				mine = append(mine, ix)
			} else {
				rest = append(rest, ix)
			}
		}
		return mine, rest
	}
	if linear(v) {
		args := make([]*val, len(v.args))
		for k, a := range v.args {
			var mine []*index
			for _, ix := range list {
				if has(a.free, ix) {
					mine = append(mine, ix)
				}
			}
			args[k] = e.place(a, mine, at)
		}
		return e.rebuild(v, args)
	}
	args := append([]*val(nil), v.args...)
	for k := range args {
		if v.code == ir.Div && k == 1 {
			break
		}
		mine, rest := split(k, placeable)
		args[k] = e.place(args[k], mine, at)
		list = rest
	}
	w := e.rebuild(v, args)
	if len(list) == 0 {
		return w
	}
	return e.sum(w, list, at)
}

func (e *elab) rebuild(v *val, args []*val) *val {
	w := node(v.code, v.elem, args...)
	w.at = v.at
	return w
}

// sum reduces a product over indices, after taking out of it the factors that do not depend on them.
func (e *elab) sum(v *val, over []*index, at diag.Span) *val {
	var in, out []*val
	var split func(v *val)
	split = func(v *val) {
		depends := false
		for _, ix := range over {
			depends = depends || has(v.free, ix)
		}
		switch {
		case !depends:
			out = append(out, v)
		case v.code == ir.Mul && v.elem.IsFloat():
			split(v.args[0])
			split(v.args[1])
		case v.code == ir.Div && !anyOf(v.args[1].free, over):
			split(v.args[0])
			out = append(out, node(ir.Div, v.elem, typed(v.elem, 1), v.args[1]))
		default:
			in = append(in, v)
		}
	}
	if v.code == ir.Mul || v.code == ir.Div {
		split(v)
	} else {
		in = []*val{v}
	}
	if len(in) == 0 { // nothing depends on what is summed over: as many terms as there are points
		n := 1.0
		for _, ix := range over {
			n *= float64(ix.dim.n)
		}
		return e.arith(ir.Mul, v, num(n))
	}
	body := in[0]
	for _, f := range in[1:] {
		body = node(ir.Mul, body.elem, body, f)
	}
	var lone []*index // of these nothing depends either
	for _, ix := range over {
		if !has(body.free, ix) {
			lone = append(lone, ix)
		}
	}
	r := e.reduce(ir.Sum, body, e.appearance(body, without(over, lone...)), false, at)
	for _, ix := range lone {
		r = e.arith(ir.Mul, r, num(float64(ix.dim.n)))
	}
	for _, f := range out {
		if f.code == ir.Div && f.args[0].code == ir.Const && f.args[0].num == 1 && !f.cut {
			r = e.arith(ir.Div, r, f.args[1])
			continue
		}
		r = e.arith(ir.Mul, r, f)
	}
	return r
}

// appearance orders indices as a value reads them.
func (e *elab) appearance(v *val, list []*index) []*index {
	left := e.left
	e.left = nil
	defer func() { e.left = left }()
	return e.ordered(v, list)
}

func anyOf(set, list []*index) bool {
	for _, ix := range list {
		if has(set, ix) {
			return true
		}
	}
	return false
}

// settle places all sums of a statement's value and reports indices that find no product.
func (e *elab) settle(v *val, bound []*index, at diag.Span) *val {
	v = e.close(v, bound, at)
	for _, ix := range e.missing(v, bound) {
		if !v.bad {
			d := e.fail("WF0372", at, "the index %s (%d) is not on the left side, and no product contains its uses", ix.name, ix.dim.n).
				With(ix.at, "%s is declared here", ix.name).
				Note("an index that is absent from the left side is summed at the smallest product that contains all its uses")
			if ix.name == ix.dim.name {
				d.Note("%s is also a dim: its extent is #%s", ix.name, ix.name)
			}
			d.Suggest("put %s on the left side, or write `sum over %s of ..`", ix.name, ix.name)
			return badVal(at)
		}
	}
	return v
}
