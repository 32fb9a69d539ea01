package lower

import (
	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// Lets in procedures. A let is an expression, written out where it is used; in a solver that would compute A(p) once for a product and
// again for the residual. In a segment of a procedure a let becomes a value of the function when it is a single number, or when several
// operations read it at the point itself. A derivative of a let stays the derivative of its expression.

// countLets finds the lets that several operations of a run of assignments read.
func (f *fnWriter) countLets(list []*check.Assign) {
	f.often = map[*check.Node]bool{}
	type key struct {
		n, op any
	}
	seen := map[key]bool{}
	count := map[*check.Node]int{}
	var walk func(n *check.Node, op any)
	walk = func(n *check.Node, op any) {
		if n == nil || n.Host() || seen[key{n, op}] {
			return
		}
		seen[key{n, op}] = true
		if n.Named {
			if count[n]++; count[n] > 1 {
				f.often[n] = true
			}
		}
		switch n.Op {
		case check.Deriv, check.Shift:
			return
		case check.Reduce:
			for _, a := range n.Args {
				walk(a, n)
			}
			return
		}
		for _, a := range n.Args {
			walk(a, op)
		}
	}
	for _, s := range list {
		if s.Ctl != nil {
			break
		}
		walk(s.Value, s)
	}
}

// keeps says whether a let becomes a value here.
func (f *fnWriter) keeps(n *check.Node) bool {
	if _, ok := f.kept[n]; ok {
		return true
	}
	switch n.Op {
	case check.Read, check.Reduce, check.LetRead, check.Num, check.ScalarRef:
		return false // is a value already
	}
	if f.after != nil || f.stage != nil {
		return false
	}
	return len(n.Free()) == 0 || f.often[n] && pointwise(n)
}

// pointwise says whether a value has one index along each axis of one grid.
func pointwise(n *check.Node) bool {
	vs := n.Free()
	for i, v := range vs {
		if v.Axis.Grid == nil || len(v.Axis.Grid.Axes) != len(vs) || v.Name != v.Axis.Name {
			return false
		}
		for _, o := range vs[:i] {
			if o.Name == v.Name {
				return false
			}
		}
	}
	return true
}

// keptLet reads a let that is a value of the function, which is written before the operation being written.
func (w *writer) keptLet(n *check.Node, t ir.Elem) int {
	f := w.fn
	vs := n.Free()
	name, ok := f.kept[n]
	if !ok {
		if f.kept == nil {
			f.kept = map[*check.Node]string{}
		}
		dom := ranges(vs)
		box := fullBox(dom)
		var fixed []ir.Piece
		for d, v := range vs {
			lo, hi := fixedEnds(v.Axis, n)
			zero := func(at ir.Interval) {
				b := append([]ir.Interval(nil), box...)
				b[d] = at
				fixed = append(fixed, ir.Piece{Box: b, Body: f.body(t, w.now, func(w *writer) int { return w.constant(t, 0) })})
			}
			if lo {
				zero(ir.Interval{Lo: box[d].Lo, Hi: box[d].Lo + 1})
				box[d].Lo++
			}
			if hi {
				zero(ir.Interval{Lo: box[d].Hi - 1, Hi: box[d].Hi})
				box[d].Hi--
			}
		}
		body := f.body(t, w.now, func(w *writer) int {
			w.whole = n
			return w.cvt(w.node(n, t), t)
		})
		name = f.emit("let", t, dom, append([]ir.Piece{{Box: box, Body: body}}, fixed...), n.At)
		f.kept[n] = name
	}
	r := ir.Node{Op: ir.Read, Elem: f.elemOf(name, t), Name: "%" + name}
	for _, v := range vs {
		r.At = append(r.At, ir.Affine{Index: w.index(v)})
	}
	return w.add(r)
}

// elemOf is the type of a value of the function.
func (f *fnWriter) elemOf(name string, otherwise ir.Elem) ir.Elem {
	for i := len(f.f.Ops) - 1; i >= 0; i-- {
		if r := f.f.Ops[i].Results; r[0].Name == name {
			return r[0].Elem
		}
	}
	return otherwise
}

// fixedEnds says at which ends of an axis of nodes a condition fixes the values an expression reads: it is not needed there.
func fixedEnds(a *check.Axis, n *check.Node) (lo, hi bool) {
	if !a.Nodes || a.Periodic || a.N <= 2 {
		return false, false
	}
	check.Visit(n, func(x *check.Node) {
		if x.Op != check.Read {
			return
		}
		if k := x.Field.Cond(a, false); k != nil && k.Kind == ir.Value {
			lo = true
		}
		if k := x.Field.Cond(a, true); k != nil && k.Kind == ir.Value {
			hi = true
		}
	})
	return lo, hi
}
