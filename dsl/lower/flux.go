package lower

import (
	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// Fluxes. The difference of a costly expression at two faces, as dx(f) of a reconstructed flux, would compute it twice per cell, once for
// each face. It becomes a value of the function on the faces (between cells; on the cells between faces), computed once, of which the
// difference is taken.

// costly is the number of operations from which an expression is worth a value of its own.
const costly = 24

// flux writes the derivative n of a costly expression that has its values midway between the points along its axis; ok is false when it
// is none.
func (w *writer) flux(n *check.Node, t ir.Elem) (int, bool) {
	f := w.fn
	if f == nil || f.f.Host || w.byAxis || w.inFlux || n.N != 1 || n.Acc != 2 || !w.worth(n) {
		return 0, false
	}
	free := n.Args[0].Free()
	g := n.Var.Axis.Grid
	if g == nil || len(free) != len(g.Axes) {
		return 0, false
	}
	// Where it lives: the place of the point, half a step away along the axis.
	at := make([]check.IndexVar, len(g.Axes))
	for _, v := range free {
		if v.Axis.Grid != g || v.Name != v.Axis.Name {
			return 0, false
		}
		at[g.Place(v.Axis)] = v
	}
	j := g.Place(n.Var.Axis)
	other := n.Var.Axis.Of
	half := 1 // from an element of the other axis to that of the same number here
	if other == nil {
		other, half = w.l.p.Faces(n.Var.Axis), -1
	}
	if other == nil {
		return 0, false
	}
	for _, v := range at {
		if v.Axis == nil {
			return 0, false
		}
		if v.Axis != n.Var.Axis && v.Axis.Of != nil && !v.Axis.Periodic {
			return 0, false // ends of other axes may be fixed, and beyond them nothing is known
		}
	}
	if n.Var.Axis.Of != nil && !n.Var.Axis.Periodic {
		return 0, false // at an end that is not fixed it would reach beyond the cells
	}
	at[j] = check.IndexVar{Name: other.Name, Axis: other}
	name, ok := f.reduced[n]
	if !ok {
		dom := ranges(at)
		body := f.body(t, w.now, func(w *writer) int {
			w.inFlux, w.rebased, w.rebase = true, n.Var.Name, -half
			x := w.node(n.Args[0], t)
			return w.add(ir.Node{Op: ir.Shift, Elem: t, Args: []int{x}, Name: n.Var.Name, N: half})
		})
		name = f.emit("flux", t, dom, []ir.Piece{{Box: fullBox(dom), Body: body}}, n.At)
		f.reduced[n] = name
	}
	r := ir.Node{Op: ir.Read, Name: "%" + name, Elem: t}
	for _, v := range at {
		r.At = append(r.At, ir.Affine{Index: v.Name})
	}
	x := w.add(ir.Node{Op: ir.Shift, Elem: t, Args: []int{w.add(r)}, Name: n.Var.Name, N: -half})
	return w.add(ir.Node{Op: ir.Deriv, Elem: t, Args: []int{x}, Name: n.Var.Name, N: 1, Acc: 2}), true
}

// worth says whether the argument of a derivative is costly and lives midway between points along its axis, whatever else it reads. What
// depends on coordinates alone costs nothing. Beyond the end of an anti-periodic axis a flux would have another sign, so there it is not.
func (w *writer) worth(n *check.Node) bool {
	count, midway, turns := 0, false, false
	reads := map[*check.Node]bool{}
	check.Visit(n.Args[0], func(x *check.Node) {
		some := x.Op == check.Read || x.Op == check.LetRead
		for _, a := range x.Args {
			some = some || reads[a]
		}
		reads[x] = some
		switch {
		case x.Op == check.Read:
			k := x.Field.Cond(n.Var.Axis, true)
			turns = turns || k != nil && k.Kind == ir.Wrap
		case x.Op == check.Compute && some:
			count++
		case x.Op == check.Shift && x.Var == n.Var && x.N%2 != 0:
			midway = true
		}
	})
	return midway && !turns && count >= costly && check.Midway(n.Args[0], n.Var)
}
