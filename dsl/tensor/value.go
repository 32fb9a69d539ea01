package tensor

import (
	"math"
	"sort"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// val is a value without a home yet: a node of a graph of scalar operations over indices. Exactly one of the leaf forms holds when
// code is Const (a number), Read or Index; else args are the operands.
type val struct {
	code ir.Code
	elem ir.Elem // NoElem for a number that takes the type of its context
	args []*val
	num  float64 // Const
	ref  string  // Read: "%x" or "@x"
	pos  []place // Read
	ix   *index  // Index
	off  int     // Index: offset
	free []*index
	bad  bool  // in error: nothing more is said about it
	zero *mask // it is 0 where this mask does not hold
	cut  bool  // the value of a function: sums by missing index are not placed inside
	at   diag.Span
}

// place is one dimension of a read: an index plus an offset, or a constant.
type place struct {
	ix  *index
	off int
}

func num(x float64) *val { return &val{code: ir.Const, num: x} }

func badVal(at diag.Span) *val { return &val{code: ir.Const, bad: true, at: at} }

func (v *val) isNum() bool { return v.code == ir.Const && v.elem == ir.NoElem }

// typed is a number of a given type.
func typed(e ir.Elem, x float64) *val { return &val{code: ir.Const, elem: e, num: x} }

func whole(x float64) bool { return x == math.Trunc(x) && math.Abs(x) < 1<<31 }

// union merges sorted sets of indices.
func union(sets ...[]*index) []*index {
	var out []*index
	for _, s := range sets {
		out = append(out, s...)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].id < out[j].id })
	k := 0
	for i, x := range out {
		if i == 0 || x != out[k-1] {
			out[k] = x
			k++
		}
	}
	return out[:k:k]
}

func has(set []*index, x *index) bool {
	for _, y := range set {
		if x == y {
			return true
		}
	}
	return false
}

func without(set []*index, drop ...*index) []*index {
	var out []*index
	for _, x := range set {
		if !has(drop, x) {
			out = append(out, x)
		}
	}
	return out
}

// node makes an operation on values that have their types already.
func node(code ir.Code, e ir.Elem, args ...*val) *val {
	v := &val{code: code, elem: e, args: args}
	for _, a := range args {
		v.bad = v.bad || a.bad
		v.free = union(v.free, a.free)
	}
	return v
}

func indexVal(ix *index) *val {
	return &val{code: ir.Index, elem: ir.I32, ix: ix, free: []*index{ix}}
}

// read makes a read; the places' indices become free.
func read(ref string, e ir.Elem, at []place) *val {
	v := &val{code: ir.Read, elem: e, ref: ref, pos: at}
	for _, p := range at {
		if p.ix != nil {
			v.free = union(v.free, []*index{p.ix})
		}
	}
	return v
}

// as converts a value to a type; numbers are rounded once when they are written.
func as(v *val, e ir.Elem) *val {
	switch {
	case v.elem == e || v.bad:
		return v
	case v.isNum():
		return typed(e, v.num)
	case v.code == ir.Const && e.IsFloat():
		return typed(e, v.num)
	}
	return node(ir.Cvt, e, v)
}

// meet gives two operands one type: that of the one that is no number, float before integer.
func meet(a, b *val, float ir.Elem) (*val, *val, ir.Elem) {
	pick := func(v *val) ir.Elem {
		if v.isNum() && whole(v.num) {
			return ir.NoElem
		}
		if v.isNum() {
			return float
		}
		return v.elem
	}
	x, y := pick(a), pick(b)
	e := x
	switch {
	case x.IsFloat() || y.IsFloat():
		e = float
		if x.IsFloat() && x > e {
			e = x
		}
		if y.IsFloat() && y > e {
			e = y
		}
	case x == ir.NoElem:
		e = y
	}
	if e == ir.NoElem {
		e = float
	}
	return as(a, e), as(b, e), e
}

// subst replaces an index by another plus an offset; to nil stands for the constant off.
func subst(v *val, ix, to *index, off int) *val {
	memo := map[*val]*val{}
	var walk func(v *val) *val
	walk = func(v *val) *val {
		if !has(v.free, ix) {
			return v
		}
		if w, ok := memo[v]; ok {
			return w
		}
		var w *val
		switch v.code {
		case ir.Index:
			if to == nil {
				w = typed(ir.I32, float64(off+v.off))
			} else {
				w = &val{code: ir.Index, elem: ir.I32, ix: to, off: v.off + off, free: []*index{to}}
			}
		case ir.Read:
			ps := append([]place(nil), v.pos...)
			for i, p := range ps {
				if p.ix == ix {
					ps[i] = place{to, p.off + off}
				}
			}
			w = read(v.ref, v.elem, ps)
		default:
			args := make([]*val, len(v.args))
			for i, a := range v.args {
				args[i] = walk(a)
			}
			w = node(v.code, v.elem, args...)
			w.cut = v.cut
		}
		w.at, w.bad = v.at, v.bad
		memo[v] = w
		return w
	}
	return walk(v)
}
