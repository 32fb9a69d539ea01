package check

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// Transfers of multigrid between a grid and the one whose axis d is halved. Corrections are interpolated linearly between the nearest
// coarse values, residuals are restricted by the transpose. Of cells a pair forms a coarse one, whose centre lies between theirs; there the
// weights follow the coefficients of the fluxes (weight). Of nodes and faces every second is a coarse one.

// vertex says whether some of the axes number nodes or faces.
func vertex(axes []*Axis) bool {
	for _, a := range axes {
		if a.Nodes {
			return true
		}
	}
	return false
}

// coefficients says whether interpolation follows coefficients that vary.
func (sv *solver) coefficients() bool {
	for _, l := range sv.levels[1:] {
		if l.coarse.transfer != nil {
			return true
		}
	}
	return false
}

// averaged is a coefficient of the finer grid at the points of its coarse version: the mean of a pair of cells, the value at a node or face,
// and at the first of a pair where the second may be missing.
func (m *coarsener) averaged(read *Node, coarse *Field) *Node {
	fine := read.Field
	if a := fine.Axes[m.d]; a.Nodes || !a.halves() && fine.Cond(a, true) == nil {
		return m.strided(read, coarse.Axes, 0)
	}
	lo, hi := m.strided(read, coarse.Axes, 0), m.strided(read, coarse.Axes, 1)
	if fine.Mask || fine.Cells { // a coarse cell is what both are, else free
		return compute(ir.Select, one(), read.At, compute(ir.Eq, one(), read.At, lo, hi), lo, number(0, one(), read.At))
	}
	sum := compute(ir.Add, read.Unit, read.At, lo, hi)
	return compute(ir.Mul, read.Unit, read.At, number(0.5, one(), read.At), sum)
}

// bodies are the points of a coarse unknown that lie in a body: those with a fine point in one. So the coarse domain is not larger than the
// fine one, and what is thinner than a coarse cell still separates what it separates.
func (m *coarsener) bodies(f, coarse *Field) []*Hold {
	num := func(v float64) *Node { return number(v, one(), m.at) }
	var in *Node
	var out []*Hold
	for _, h := range f.Holds {
		if h.Slope != nil { // the operator knows; no equation holds inside
			out = append(out, &Hold{Where: m.node(h.Where), Value: num(0), Slope: num(0), At: m.at})
			continue
		}
		if in == nil {
			in = h.Where
		} else {
			in = compute(ir.Or, one(), m.at, in, h.Where)
		}
	}
	if in == nil {
		return out
	}
	at := m.solid(f, compute(ir.Select, one(), m.at, in, num(1), num(0)))
	read := &Node{Op: Read, Field: at, Next: true, Unit: one(), At: m.at}
	some := m.strided(read, coarse.Axes, 0)
	if !coarse.Axes[m.d].Nodes {
		some = compute(ir.MaxOp, one(), m.at, some, m.strided(read, coarse.Axes, 1))
	}
	own := m.solid(coarse, some)
	here := &Node{Op: Read, Field: own, Next: true, Unit: one(), At: m.at, Sub: fieldSubs(own)}
	return append(out, &Hold{Where: compute(ir.Lt, one(), m.at, num(0.5), here), Value: num(0), At: m.at})
}

// solid is a field of ones and zeros where f lives, mirrored at walls.
func (m *coarsener) solid(f *Field, value *Node) *Field {
	return m.stored(m.name+".solid", f.Grid, f.Axes, ir.F32, value)
}

// strided reads a field of the finer grid at 2*i + off along the halved axis, at the same point along the others. The axes are those of
// the reader.
func (m *coarsener) strided(read *Node, axes []*Axis, off int) *Node {
	return m.readAt(read, axes, Sub{Mul: 2, Off: off})
}

// readAt reads a field at the point of a reader with the given axes: along the halved axis where `halved` says, at the same point along the
// others.
func (m *coarsener) readAt(read *Node, axes []*Axis, halved Sub) *Node {
	r := withArgs(read)
	r.Sub = nil
	for i, a := range axes {
		s := Sub{}
		if i == m.d {
			s = halved
		} else if f := r.Field.Axes[i]; f.Of != nil { // faces along another axis are numbered alike
			a = f
		}
		s.Var = &IndexVar{a.Name, a}
		r.Sub = append(r.Sub, s)
	}
	return r
}

// along reads a field of the finer grid that lives where the fine unknown does, moved along the halved axis.
func (m *coarsener) along(f *Field, off int) *Node {
	return m.readAt(&Node{Op: Read, Field: f, Next: true, Unit: one(), At: m.at}, m.g.fine.Axes, Sub{Off: off})
}

// restricted is the transpose of the interpolation, halved, at the points of a coarse unknown with the given axes: of cells from the points
// 2*i - 1 .. 2*i + 2 of the finer grid, of nodes from 2*i - 1 .. 2*i + 1.
func (m *coarsener) restricted(read *Node, axes []*Axis) *Node {
	op := func(code ir.Code, a, b *Node) *Node { return compute(code, one(), m.at, a, b) }
	num := func(v float64) *Node { return number(v, one(), m.at) }
	at := func(off int) *Node { return m.strided(read, axes, off) }
	if axes[m.d].Nodes {
		return op(ir.Add, op(ir.Mul, num(0.5), at(0)), op(ir.Mul, num(0.25), op(ir.Add, at(-1), at(1))))
	}
	if m.share == nil {
		inner := op(ir.Mul, num(0.375), op(ir.Add, at(0), at(1)))
		return op(ir.Add, inner, op(ir.Mul, num(0.125), op(ir.Add, at(-1), at(2))))
	}
	w := func(off int) *Node {
		return m.strided(&Node{Op: Read, Field: m.share, Next: true, Unit: one(), At: m.at}, axes, off)
	}
	lo := op(ir.Add, op(ir.Mul, w(-1), at(-1)), op(ir.Mul, op(ir.Sub, num(1), w(0)), at(0)))
	hi := op(ir.Add, op(ir.Mul, op(ir.Sub, num(1), w(1)), at(1)), op(ir.Mul, w(2), at(2)))
	return op(ir.Mul, num(0.5), op(ir.Add, lo, hi))
}

// shares makes the field of the weights with which points take the coarse value that is not their own: at an even place that of the
// coarse cell below, at an odd one above. They follow from the coefficients alone, so they are computed where the solver starts. Mirrored
// at a wall they are what the mirrored coefficients give there.
func (m *coarsener) shares() {
	if f := m.transfer; f != nil {
		k := func(off int) *Node { return m.along(f, off) }
		m.share = m.assigned(fmt.Sprintf("%s.share%d", m.name, m.level), m.g.fine, m.g.fine.Axes,
			compute(ir.Select, one(), m.at, m.even(m.g.fine.Axes[m.d]), m.weight(k(0), k(1), k(-1)), m.weight(k(1), k(0), k(2))))
	}
}

// even says whether the index along an axis is.
func (m *coarsener) even(a *Axis) *Node {
	op := func(code ir.Code, x, y *Node) *Node { return compute(code, one(), m.at, x, y) }
	x := &Node{Op: IndexVal, Var: IndexVar{a.Name, a}, Unit: one(), At: m.at}
	half := compute(ir.Floor, one(), m.at, op(ir.Mul, number(0.5, one(), m.at), x))
	return op(ir.Eq, x, op(ir.Mul, number(2, one(), m.at), half))
}

// weight is that of the coarse value beyond the face out of a point, when its own coarse value lies behind the face in: the resistances to
// the two are 1/out + 1/(2*beyond) and 1/(2*in). It is 1/4 for equal coefficients.
func (m *coarsener) weight(out, in, beyond *Node) *Node {
	op := func(code ir.Code, a, b *Node) *Node { return compute(code, one(), m.at, a, b) }
	num := func(v float64) *Node { return number(v, one(), m.at) }
	sum := op(ir.Add, op(ir.Div, op(ir.Mul, num(2), in), out), op(ir.Div, in, beyond))
	open := compute(ir.And, one(), m.at, compute(ir.Lt, one(), m.at, num(0), out), compute(ir.Lt, one(), m.at, num(0), beyond))
	return compute(ir.Select, one(), m.at, open, op(ir.Div, num(1), op(ir.Add, num(1), sum)), num(0))
}

// prolonged interpolates a field of the coarse grid, whose axes are given, at the points of the finer one: a cell at an even place lies
// between its coarse cell and the one below, at an odd place between it and the one above; a node lies on a coarse one or between two.
func (m *coarsener) prolonged(read *Node, axes []*Axis) *Node {
	op := func(code ir.Code, a, b *Node) *Node { return compute(code, one(), m.at, a, b) }
	num := func(v float64) *Node { return number(v, one(), m.at) }
	fine := m.finer(axes)
	at := func(off int) *Node { return m.readAt(read, fine, Sub{Div: 2, Off: off}) }
	if axes[m.d].Nodes {
		return op(ir.Mul, num(0.5), op(ir.Add, at(0), at(1)))
	}
	if m.share == nil { // of the values below and above one is the point's own
		return op(ir.Add, op(ir.Mul, num(0.5), at(0)), op(ir.Mul, num(0.25), op(ir.Add, at(-1), at(1))))
	}
	w := m.along(m.share, 0)
	mix := func(other *Node) *Node {
		return op(ir.Add, op(ir.Mul, w, other), op(ir.Mul, op(ir.Sub, num(1), w), at(0)))
	}
	return compute(ir.Select, one(), m.at, m.even(fine[m.d]), mix(at(-1)), mix(at(1)))
}

// finer are the axes of the finer grid that the given ones of the coarse grid come from.
func (m *coarsener) finer(axes []*Axis) []*Axis {
	var out []*Axis
	for i, a := range axes {
		f := m.g.fine.Axes[i]
		if a.Of != nil {
			f = m.c.facesOf(f)
		}
		out = append(out, f)
	}
	return out
}
