package check

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// What fluxes of advection contribute to the limit of the step. The difference of two of them is a first derivative with the speed of
// the flux, and the damping that the scheme has beside it:
//
//	central  none
//	upwind   |c|*h/2, as for upwind(c, T)
//	vanleer  that of upwind at twice the speed: T' = T - C*(1 + (phi(r)/r - phi(s))/2)*(T - T[-1]) has coefficients between 0 and 1 for
//	         C <= 1/2, because the limiter phi and phi(r)/r lie between 0 and 2 (A. Harten, High resolution schemes for hyperbolic
//	         conservation laws, 1983); so its worst slope is 2. That is what auto takes; a given step is an error only beyond the limit of
//	         upwind, because methods of higher order keep larger steps stable
//	weno5    that of upwind, for methods that are stable for waves: where T is smooth the scheme is the upstream one of order 5, whose
//	         damping of long waves goes with the sixth power of their number, and every step of the others amplifies them (R. Wang,
//	         R. J. Spiteri, Linear instability of the fifth-order WENO method, 2007)
//
// A function of the field in a flux or under a derivative counts with its slope at the initial values.

// advected is what a flux carries along an axis of the grid.
type advected struct {
	scheme string
	side   int // the favoured side: 1 below, -1 above, 0 where the flow comes from
	axis   int
	acc    int // of central values
	x      *Node
	speed  *Node // nil stands for 1
}

// carried are the terms of the difference of two fluxes.
func (l *limiter) carried(f *advected, t linTerm) []linTerm {
	if f.scheme == "weno5" && l.b.By.Imag == 0 {
		l.cannot(t.at, "weno5 needs a method that is stable for waves, as ssprk3; "+l.b.By.Name+" amplifies them slowly at every step")
		return nil
	}
	t.orders[f.axis]++
	t.acc = 2
	if f.scheme == "central" {
		t.acc = f.acc
	}
	x := ownPlace(f.x)
	factor := t.signed() // of the difference of the fluxes
	flux := t
	flux.sign, flux.coef = 1, nil
	if f.speed != nil {
		flux = flux.times(speedOf(ownPlace(f.speed), x))
	}
	if f.scheme == "vanleer" && l.b.Auto {
		flux = flux.times(number(2, one(), t.at))
	}
	var out []linTerm
	for _, d := range l.inside(x, flux) {
		e := d
		e.sign, e.coef = 1, mul(factor, d.signed())
		out = append(out, e)
		if f.scheme == "central" || d.field.Grid == nil || d.half {
			continue
		}
		h := number(d.field.Grid.Axes[f.axis].H/2, one(), t.at)
		switch f.side {
		case 0: // against the flow, if the sign of the factor is that of an outflow
			d.sign, d.coef = -1, mul(factor, mul(h, compute(ir.Abs, one(), t.at, d.signed())))
		default:
			d.sign, d.coef = float64(-f.side), mul(h, e.coef)
		}
		d.orders[f.axis]++
		d.acc = 2
		if most, _, why := l.c.largest(d.signed()); why == "" && most < 0 {
			l.cannot(t.at, "its fluxes are taken from downstream, which amplifies waves at every step")
			return nil
		}
		out = append(out, d)
	}
	return out
}

// speedOf is the speed of waves in a flux speed*x: where the speed depends on what it carries, that adds to it, as in u*u.
func speedOf(speed, x *Node) *Node {
	if x.Op != Read || !readsField(speed, []*Field{x.Field}) {
		return speed
	}
	dir := *x.Field
	ok := true
	d := &derive{dir: map[*Field]*Field{x.Field: &dir}, memo: map[*Node]*Node{}, fail: func(diag.Span, string) { ok = false }}
	j := d.of(speed)
	if j == nil || !ok {
		return speed
	}
	return compute(ir.Add, speed.Unit, speed.At, speed, mul(replaced(j, map[*Field]*Node{&dir: number(1, one(), x.At)}), x))
}

// ownPlace is an expression with every field read at its own points: what it is at points around, which is enough for extrema.
func ownPlace(n *Node) *Node {
	return rewritten(n, func(n *Node, walk func(*Node) *Node) *Node {
		switch {
		case n.Op == Shift:
			return walk(n.Args[0])
		case n.Op == Read && n.Field.Grid != nil:
			m := withArgs(n)
			m.Sub = fieldSubs(n.Field)
			return m
		}
		return nil
	})
}

// slopes are the terms of a derivative of a nonlinear function of fields at a point: each counts with the partial derivative. nil where the
// function is not one of that sort.
func (l *limiter) slopes(n *Node, t linTerm) []linTerm {
	var fields []*Field
	plain := true
	Visit(n, func(x *Node) {
		switch {
		case x.Op == Read && x.Field.State:
			plain = plain && !x.Next && x.Field.Grid != nil && plainRead(x)
			for _, f := range fields {
				if f == x.Field {
					return
				}
			}
			fields = append(fields, x.Field)
		case x.Op == Shift || x.Op == Deriv || x.Op == Reduce:
			plain = false
		}
	})
	if !plain {
		return nil
	}
	var out []linTerm
	for _, f := range fields {
		dir := *f
		d := &derive{dir: map[*Field]*Field{f: &dir}, memo: map[*Node]*Node{}, fail: func(diag.Span, string) { plain = false }}
		j := d.of(n)
		if !plain {
			return nil
		}
		if j == nil {
			continue
		}
		u := t.times(replaced(j, map[*Field]*Node{&dir: number(1, one(), n.At)}))
		u.field = f
		out = append(out, u)
	}
	return out
}
