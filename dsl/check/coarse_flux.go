package check

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// Coefficients of fluxes on coarse grids. In d(k*d(p)) the coefficient acts on faces. Where the axis of the flux is halved, between two
// coarse centres lie three fine faces in series, the outer two by half: the coarse coefficient is their harmonic mean with weights 1/4, 1/2,
// 1/4. Where another axis is halved, two fluxes in parallel become one, with the mean of their coefficients. Interpolation follows the same
// resistances, so that corrections do not cross jumps of coefficients (R. E. Alcouffe, A. Brandt, J. E. Dendy, J. W. Painter, The multi-grid
// method for the diffusion equation with strongly discontinuous coefficients, 1981).

// flux carries the argument of a derivative of odd order along axis a over to the coarse grid.
func (m *coarsener) flux(n *Node, a *Axis) *Node {
	if n.Op == Compute && !m.vertices {
		switch n.Code {
		case ir.Add, ir.Sub, ir.Neg:
			out := withArgs(n)
			for _, x := range n.Args {
				out.Args = append(out.Args, m.flux(x, a))
			}
			return out
		case ir.Mul, ir.Div:
			if k, rest := m.factors(n, a); k != nil {
				return compute(ir.Mul, n.Unit, n.At, m.face(k, a), m.flux(rest, a))
			}
		}
	}
	return m.node(n)
}

// factors takes the coefficients off a flux along an axis: k*rest, with k nil where there is none.
func (m *coarsener) factors(n *Node, a *Axis) (k, rest *Node) {
	if n.Op != Compute || n.Code != ir.Mul && n.Code != ir.Div {
		return nil, n
	}
	x, f := n.Args[0], n.Args[1]
	if n.Code == ir.Mul && m.slope(f, a) {
		x, f = f, x
	}
	if !m.coefficient(f) || !m.slope(x, a) {
		return nil, n
	}
	if n.Code == ir.Div {
		f = compute(ir.Div, one(), n.At, number(1, one(), n.At), f)
	}
	if k, rest = m.factors(x, a); k != nil {
		f = compute(ir.Mul, one(), n.At, f, k)
	}
	return f, rest
}

// coefficient says whether an expression varies over the grid and holds no unknown.
func (m *coarsener) coefficient(n *Node) bool {
	varies := false
	Visit(n, func(x *Node) {
		varies = varies || x.Op == Read && len(x.Field.Axes) > 0 || x.Op == Coord
	})
	return varies && !readsField(n, m.dirs)
}

// slope says whether an expression holds a derivative of an unknown along an axis.
func (m *coarsener) slope(n *Node, a *Axis) bool {
	found := false
	Visit(n, func(x *Node) {
		found = found || x.Op == Deriv && axisIndex(x.Var.Axis) == axisIndex(a) && readsField(x, m.dirs)
	})
	return found
}

// face is the coarse version of a coefficient on the faces normal to a, read from the centres.
func (m *coarsener) face(k *Node, a *Axis) *Node {
	key := fmt.Sprintf("%p %d", k, axisIndex(a))
	f := m.faces[key]
	if f == nil {
		fine := m.fineFace(k, a)
		if axisIndex(a) == m.d && m.transfer == nil {
			m.transfer = fine
		}
		f = m.coarseFace(fine, axisIndex(a))
		if m.faces == nil {
			m.faces = map[string]*Field{}
		}
		m.faces[key] = f
	}
	n := &Node{Op: Read, Field: f, Next: true, Unit: one(), At: m.at}
	return m.c.subsAt(n, f.Axes, &scope{grid: m.g, on: m.g.Axes})
}

// fineFace is the coefficient on the faces of the finer grid: what a level before left, or computed from the expression.
func (m *coarsener) fineFace(k *Node, a *Axis) *Field {
	d := axisIndex(a)
	if x := k; x.Op == Shift && x.Args[0].Op == Read && x.Args[0].Field.Local && x.Args[0].Field.Axes[d].Of != nil {
		return x.Args[0].Field
	}
	g := m.g.fine
	axes := append([]*Axis(nil), g.Axes...)
	axes[d] = m.c.facesOf(g.Axes[d])
	v := IndexVar{axes[d].Name, axes[d]}
	var value *Node
	if faces, _ := natural(k); faces>>d&1 == 1 {
		value = shifted(k, v, -1)
	} else {
		value = compute(ir.Mul, one(), m.at, number(0.5, one(), m.at), compute(ir.Add, one(), m.at, shifted(k, v, -2), k))
	}
	return m.assigned(fmt.Sprintf("%s.face%d", m.name, d+1), g, axes, value)
}

// coarseFace is the coefficient on the faces of the coarse grid normal to axis e.
func (m *coarsener) coarseFace(fine *Field, e int) *Field {
	axes := append([]*Axis(nil), m.g.Axes...)
	axes[e] = m.c.facesOf(m.g.Axes[e])
	op := func(code ir.Code, a, b *Node) *Node { return compute(code, one(), m.at, a, b) }
	num := func(v float64) *Node { return number(v, one(), m.at) }
	read := func(off int) *Node {
		return m.strided(&Node{Op: Read, Field: fine, Next: true, Unit: one(), At: m.at}, axes, off)
	}
	value := op(ir.Mul, num(0.5), op(ir.Add, read(0), read(1)))
	if e == m.d {
		outer := op(ir.Add, op(ir.Div, num(0.25), read(-1)), op(ir.Div, num(0.25), read(1)))
		value = op(ir.Div, num(1), op(ir.Add, op(ir.Div, num(0.5), read(0)), outer))
	}
	return m.assigned(fmt.Sprintf("%s.face%d_%d", m.name, e+1, m.level), m.g, axes, value)
}

// assigned makes a field on faces with a value.
func (m *coarsener) assigned(name string, g *Grid, axes []*Axis, value *Node) *Field {
	return m.stored(name, g, axes, m.c.elemOf(value, nil, g), value)
}

// stored makes a field with a value, mirrored at walls.
func (m *coarsener) stored(name string, g *Grid, axes []*Axis, elem ir.Elem, value *Node) *Field {
	f := m.c.local(m.c.uniqueLocal(name), g, axes, elem, one(), m.at)
	for _, a := range axes {
		if a.Periodic {
			continue
		}
		for _, high := range []bool{false, true} {
			f.BC = append(f.BC, &Condition{Axis: a, High: high, Kind: ir.Gradient, Value: number(0, one(), m.at), At: m.at})
		}
	}
	s := &Assign{Kind: Plain, Field: f, Index: fieldVars(f), Value: value, At: m.at}
	m.bs.assigned[f] = s
	m.bs.add(s)
	return f
}
