package tensor

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

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
