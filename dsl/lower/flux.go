package lower

import (
	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// Fluxes. The difference of a costly expression at two faces, as dx(f) of a reconstructed flux, would compute it twice per cell, once for
// each face. It becomes a value of the function on the faces (between cells; on the cells between faces), computed once, of which the
// difference is taken.

// costly is the number of operations from which an expression is worth a value of its own.
var costly = 12

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
		if v.Axis.Of != nil && !v.Axis.Periodic && w.target == nil {
			return 0, false // where its ends are fixed is not known
		}
	}
	if n.Var.Axis.Of != nil && !n.Var.Axis.Periodic {
		for _, high := range []bool{false, true} {
			if !fixedEnd(w.target, n.Var.Axis, high) {
				return 0, false // it would reach beyond the cells
			}
		}
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
		name = f.emit("flux", t, dom, f.fluxPieces(w.target, at, j, dom, body, t), n.At)
		f.reduced[n] = name
	}
	r := ir.Node{Op: ir.Read, Name: "%" + name, Elem: t}
	for _, v := range at {
		r.At = append(r.At, ir.Affine{Index: v.Name})
	}
	x := w.add(ir.Node{Op: ir.Shift, Elem: t, Args: []int{w.add(r)}, Name: n.Var.Name, N: -half})
	return w.add(ir.Node{Op: ir.Deriv, Elem: t, Args: []int{x}, Name: n.Var.Name, N: 1, Acc: 2}), true
}

// fluxPieces leaves out the ends of other axes that conditions fix: nothing reads a flux there, and it may not be known.
func (f *fnWriter) fluxPieces(target *check.Field, at []check.IndexVar, j int, dom []ir.Range, body ir.Body, e ir.Elem) []ir.Piece {
	box := fullBox(dom)
	var ends []ir.Piece
	for k, v := range at {
		if k == j || v.Axis.Of == nil || v.Axis.Periodic || v.Axis.N <= 2 {
			continue
		}
		for _, high := range []bool{false, true} {
			if !fixedEnd(target, v.Axis, high) {
				continue
			}
			end := append([]ir.Interval(nil), box...)
			if high {
				end[k].Lo = box[k].Hi - 1
				box[k].Hi--
			} else {
				end[k].Hi = box[k].Lo + 1
				box[k].Lo++
			}
			ends = append(ends, ir.Piece{Box: end, Body: f.body(e, timeNow, func(w *writer) int { return w.constant(e, 0) })})
		}
	}
	return append([]ir.Piece{{Box: box, Body: body}}, ends...)
}

// fixedEnd says whether a condition fixes a field on a whole end of an axis of faces.
func fixedEnd(f *check.Field, a *check.Axis, high bool) bool {
	k := f.Cond(a, high)
	return k != nil && k.Kind == ir.Value && k.Fixed == nil
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
