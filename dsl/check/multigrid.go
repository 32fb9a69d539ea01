package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Geometric multigrid. The grid of the unknowns is halved while every axis is even, one axis after the other; on each level the same
// expression is the operator, with the spacing of that level, and coefficients are averaged (J. Wesseling, An introduction to multigrid
// methods, 1992, chapters 5 and 6; coarse_flux.go). Transfers between a grid and the one with a halved axis are one-dimensional: corrections
// are interpolated between the nearest coarse values, linearly or as the coefficients of the fluxes between them say, residuals are
// restricted by the transpose. Where all axes have been halved, Chebyshev polynomials of the operator divided by its diagonal smooth; they
// also solve on the coarsest level.

// levels makes the coarse operators of a solver; it reports why there are none.
func (c *checker) makeLevels(sv *solver, bs *blockState) bool {
	if len(sv.levels) > 0 {
		return true
	}
	sv.levels = []*solver{sv}
	if why := c.uncoarsenable(sv); why != "" {
		c.errs.Errorf("WF0339", sv.at, "multigrid cannot be used here: %s", why).
			Note("it halves the grid as long as all extents are even").Suggest("use cg, bicgstab or gmres, with pre = chebyshev(4)")
		return false
	}
	for {
		if !halvable(sv.levels[len(sv.levels)-1].unknown[0].Grid) {
			return true
		}
		for d := range sv.unknown[0].Axes {
			fine := sv.levels[len(sv.levels)-1]
			coarse := c.coarsen(fine, c.coarseGrid(fine.unknown[0].Grid, d), d, len(sv.levels), bs)
			if coarse == nil {
				return false
			}
			sv.levels = append(sv.levels, coarse)
		}
	}
}

// uncoarsenable says why an operator has no coarse version, "" when it has.
func (c *checker) uncoarsenable(sv *solver) string {
	for _, f := range sv.unknown {
		for _, a := range f.Axes {
			switch {
			case a.Of != nil:
				return "the unknown lives on faces"
			case a.Nodes:
				return "the grid is one of nodes"
			case a.Map != nil:
				return "the grid is stretched"
			}
		}
	}
	if !halvable(sv.unknown[0].Grid) {
		return "an extent is odd or too small"
	}
	for k := range sv.jac {
		if c.diagonal(sv, k).invalid() {
			return "the operator has no diagonal"
		}
	}
	return ""
}

// halvable says whether every axis of a grid can be halved.
func halvable(g *Grid) bool {
	for _, a := range g.Axes {
		if a.N%2 != 0 || a.N < 4 {
			return false
		}
	}
	return true
}

// coarseGrid is a grid with half the points along axis d. It is made once for every grid.
func (c *checker) coarseGrid(g *Grid, d int) *Grid {
	if g.coarse != nil {
		return g.coarse
	}
	out := &Grid{Name: g.Name + ".c", At: g.At, fine: g, Axes: append([]*Axis(nil), g.Axes...)}
	b := *g.Axes[d]
	b.Grid, b.N, b.H, b.IR, b.faces = out, b.N/2, 2*b.H, b.IR+".c", nil
	out.Axes[d] = &b
	g.coarse = out
	c.prog.Axes = append(c.prog.Axes, &b)
	return out
}

// coarsen makes the operator of the next level.
func (c *checker) coarsen(fine *solver, g *Grid, d, level int, bs *blockState) *solver {
	out := &solver{name: fine.name, method: fine.method, at: fine.at, mean: fine.mean, singular: fine.singular, tol: fine.tol, most: fine.most}
	m := &coarsener{c: c, g: g, d: d, before: fine.coarse, at: fine.at, level: level, bs: bs, dirs: fine.dir, memo: map[*Node]*Node{}, fields: map[*Field]*Field{}, name: fine.name}
	place := func(f *Field) *Field {
		n := *f
		n.Grid, n.Axes, n.index = g, g.Axes, nil
		n.BC = m.conditions(homogeneous(f.BC))
		return &n
	}
	for k := range fine.unknown {
		u, d := place(fine.unknown[k]), place(fine.dir[k])
		out.unknown, out.dir, out.targets = append(out.unknown, u), append(out.dir, d), append(out.targets, u)
		m.fields[fine.dir[k]] = d
		out.f = append(out.f, nil)
	}
	for k := range fine.jac {
		out.jac = append(out.jac, m.node(fine.jac[k]))
	}
	if m.why != "" {
		c.errs.Errorf("WF0339", fine.at, "multigrid cannot be used here: %s", m.why).Suggest("use cg, bicgstab or gmres, with pre = chebyshev(4)")
		return nil
	}
	out.coarse = m
	return out
}

// coarsener carries an expression over to a coarse grid.
type coarsener struct {
	c      *checker
	g      *Grid      // coarse
	d      int        // the axis that is halved
	before *coarsener // of the finer grid, nil for the first
	at     diag.Span
	level  int
	name   string
	bs     *blockState
	memo   map[*Node]*Node
	fields map[*Field]*Field
	next   map[*Field]bool
	dirs   []*Field          // of the finer level
	faces  map[string]*Field // coefficients of fluxes on the coarse grid, by the axis they flow along
	// transfer has the coefficients of the fluxes along the halved axis, on the finer grid; nil when they are equal.
	transfer *Field
	why      string
}

func (m *coarsener) axis(a *Axis) *Axis {
	for i, b := range m.g.fine.Axes {
		if a == b {
			return m.g.Axes[i]
		}
	}
	return a
}

func (m *coarsener) conditions(bcs []*Condition) []*Condition {
	var out []*Condition
	for _, k := range bcs {
		b := *k
		b.Axis = m.axis(k.Axis)
		b.Value, b.A, b.B = m.node(k.Value), m.node(k.A), m.node(k.B)
		if k.Fixed != nil {
			m.why = "a condition holds on a part of a side"
		}
		out = append(out, &b)
	}
	return out
}

func (m *coarsener) node(n *Node) *Node {
	if n == nil || n.host && !hasSpacing(n) {
		return n
	}
	if v, ok := m.memo[n]; ok {
		return v
	}
	out := withArgs(n)
	for _, a := range n.Args {
		if n.Op == Deriv && n.N%2 == 1 {
			out.Args = append(out.Args, m.flux(a, n.Var.Axis))
			continue
		}
		out.Args = append(out.Args, m.node(a))
	}
	if n.Var.Axis != nil {
		out.Var = IndexVar{n.Var.Name, m.axis(n.Var.Axis)}
	}
	switch n.Op {
	case Num:
		if n.Var.Axis != nil {
			out.Val *= 2
		}
	case Read:
		if m.g.fine == n.Field.Grid {
			out.Field, out.Next = m.field(n)
		}
		out.Sub = append([]Sub(nil), n.Sub...)
		for i, s := range out.Sub {
			if s.Var != nil {
				v := IndexVar{s.Var.Name, m.axis(s.Var.Axis)}
				if out.Sub[i].Var = &v; s.Off != 0 && v.Axis != s.Var.Axis {
					m.why = "the equation reads at offsets; derivatives are needed, which know the spacing"
				}
			}
		}
	case LetRead:
		m.why = "the equation reads a `let` with indices"
	case IndexVal:
		m.why = "the equation depends on an index"
	case Reduce:
		m.why = "the equation holds a reduction"
	}
	m.memo[n] = out
	return out
}

// hasSpacing says whether a number known on the host is a multiple of a spacing.
func hasSpacing(n *Node) bool {
	found := false
	Visit(n, func(x *Node) { found = found || x.Op == Num && x.Var.Axis != nil })
	return found
}

// field is the coarse version of a coefficient: its average over the cells that form a coarse one, computed where the solver starts.
func (m *coarsener) field(n *Node) (*Field, bool) {
	f := n.Field
	if g, ok := m.fields[f]; ok {
		return g, m.next[f]
	}
	if len(f.Axes) != len(m.g.Axes) || !f.Elem.IsFloat() {
		m.why = "the coefficient " + f.Name + " has no average"
		return f, n.Next
	}
	g := m.c.local(fmt.Sprintf("%s.%s.%d", m.name, strings.ReplaceAll(f.Name, m.name+".", ""), m.level), m.g, m.g.Axes, f.Elem, f.Unit, m.at)
	g.BC = m.conditions(f.BC)
	m.fields[f] = g
	if m.next == nil {
		m.next = map[*Field]bool{}
	}
	m.next[f] = true
	read := &Node{Op: Read, Field: f, Next: n.Next, Unit: f.Unit, At: m.at, Sub: fieldSubs(f)}
	a := &Assign{Kind: Plain, Field: g, Index: fieldVars(g), Value: averaged(read, m.g, m.d), At: m.at}
	m.bs.assigned[g] = a
	m.bs.add(a)
	return g, true
}

// averaged is the mean of the two points of the finer grid that form one of g, whose axis d is halved.
func averaged(read *Node, g *Grid, d int) *Node {
	sum := compute(ir.Add, read.Unit, read.At, strided(read, g, d, 0), strided(read, g, d, 1))
	return compute(ir.Mul, read.Unit, read.At, number(0.5, one(), read.At), sum)
}

// strided reads a field of the finer grid at 2*i + off along axis d, at the same point along the others.
func strided(read *Node, g *Grid, d, off int) *Node {
	r := *read
	r.Sub, r.seen, r.free, r.trait = nil, false, nil, 0
	for i, a := range g.Axes {
		if v := (IndexVar{a.Name, a}); i == d {
			r.Sub = append(r.Sub, Sub{Var: &v, Off: off, Mul: 2})
		} else if f := r.Field.Axes[i]; f.Of != nil { // faces along another axis are numbered alike
			w := IndexVar{f.Name, f}
			r.Sub = append(r.Sub, Sub{Var: &w})
		} else {
			r.Sub = append(r.Sub, Sub{Var: &v})
		}
	}
	return &r
}

// restricted is the transpose of the interpolation, halved: from the points 2*i - 1 .. 2*i + 2 of the finer grid.
func (m *coarsener) restricted(read *Node) *Node {
	op := func(code ir.Code, a, b *Node) *Node { return compute(code, one(), m.at, a, b) }
	num := func(v float64) *Node { return number(v, one(), m.at) }
	at := func(off int) *Node { return strided(read, m.g, m.d, off) }
	f := m.transfer
	if f == nil {
		inner := op(ir.Mul, num(0.375), op(ir.Add, at(0), at(1)))
		return op(ir.Add, inner, op(ir.Mul, num(0.125), op(ir.Add, at(-1), at(2))))
	}
	k := func(off int) *Node {
		return strided(&Node{Op: Read, Field: f, Next: true, Unit: one(), At: m.at}, m.g, m.d, off)
	}
	w := func(out, in, beyond int) *Node { return m.weight(k(out), k(in), k(beyond)) }
	lo := op(ir.Add, op(ir.Mul, w(0, -1, 1), at(-1)), op(ir.Mul, op(ir.Sub, num(1), w(0, 1, -1)), at(0)))
	hi := op(ir.Add, op(ir.Mul, op(ir.Sub, num(1), w(2, 1, 3)), at(1)), op(ir.Mul, w(2, 3, 1), at(2)))
	return op(ir.Mul, num(0.5), op(ir.Add, lo, hi))
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

// prolonged interpolates a field of the coarse grid at the points of the finer one: at an even point between it and the coarse value below,
// at an odd one between it and that above.
func (m *coarsener) prolonged(read *Node) *Node {
	op := func(code ir.Code, a, b *Node) *Node { return compute(code, one(), m.at, a, b) }
	num := func(v float64) *Node { return number(v, one(), m.at) }
	fine := m.g.fine
	at := func(off int) *Node {
		r := *read
		r.Sub, r.seen, r.free, r.trait = nil, false, nil, 0
		for i, a := range fine.Axes {
			v := IndexVar{a.Name, a}
			s := Sub{Var: &v}
			if i == m.d {
				s.Div, s.Off = 2, off
			}
			r.Sub = append(r.Sub, s)
		}
		return &r
	}
	f := m.transfer
	if f == nil { // of the values below and above one is the point's own
		return op(ir.Add, op(ir.Mul, num(0.5), at(0)), op(ir.Mul, num(0.25), op(ir.Add, at(-1), at(1))))
	}
	k := func(off int) *Node {
		r := &Node{Op: Read, Field: f, Next: true, Unit: one(), At: m.at}
		for i, a := range fine.Axes {
			v := IndexVar{a.Name, a}
			s := Sub{Var: &v}
			if i == m.d {
				s.Off = off
			}
			r.Sub = append(r.Sub, s)
		}
		return r
	}
	mix := func(w, other *Node) *Node {
		return op(ir.Add, op(ir.Mul, w, other), op(ir.Mul, op(ir.Sub, num(1), w), at(0)))
	}
	x := &Node{Op: IndexVal, Var: IndexVar{fine.Axes[m.d].Name, fine.Axes[m.d]}, Unit: one(), At: m.at}
	half := compute(ir.Floor, one(), m.at, op(ir.Mul, num(0.5), x))
	even := compute(ir.Eq, one(), m.at, x, op(ir.Mul, num(2), half))
	return compute(ir.Select, one(), m.at, even, mix(m.weight(k(0), k(1), k(-1)), at(-1)), mix(m.weight(k(1), k(0), k(2)), at(1)))
}

// cycle writes one V-cycle to = M(from) on level l as statements.
func (sv *solver) cycle(l, sweeps int, from, to string) string {
	var b strings.Builder
	suffix := ""
	if l > 0 {
		suffix = fmt.Sprint(l)
	}
	like := "like unknown" + suffix + " homogeneous"
	smooth := func(x, s, start string, n int, low string) {
		q, f := x+"_q", x+"_f"
		res := from
		if start != "0" {
			res = fmt.Sprintf("%s - A%s(%s)", from, suffix, start)
		}
		fmt.Fprintf(&b, "let %s_a = (top%s + %s)/2\nlet %s_b = (top%s - %s)/2\n", x, suffix, low, x, suffix, low)
		fmt.Fprintf(&b, "loop %s = %s %s, %s = %s %s, %s = 0 %s, %s = 0 for %s_j in 0 .. %d {\n", x, start, like, s, res, like, q, like, f, x, n)
		fmt.Fprintf(&b, "let %s_g = where(%s == 0, %s_b/%s_a, 1/(2*%s_a/%s_b - %s))\n", x, f, x, x, x, x, f)
		fmt.Fprintf(&b, "%s' = where(%s == 0, inv%s*%s/%s_a, %s_g*%s*%s + (2*%s_g/%s_b)*(inv%s*%s))\n", q, f, suffix, s, x, x, f, q, x, x, suffix, s)
		fmt.Fprintf(&b, "%s' = %s + %s'\n%s' = %s - A%s(%s')\n%s' = %s_g\n}\n", x, x, q, s, s, suffix, q, f, x)
	}
	if l == len(sv.levels)-1 {
		most := 0
		for _, a := range sv.levels[l].unknown[0].Axes {
			most = max(most, a.N)
		}
		smooth(to, to+"_s", "0", max(4, int(math.Ceil(2*float64(most)))), fmt.Sprintf("top%s*%g", suffix, math.Min(0.4, 0.8/float64(most*most))))
		return b.String()
	}
	if l%len(sv.unknown[0].Axes) != 0 { // halved along some axes only: pass on
		fmt.Fprintf(&b, "let %s_c = restrict%d(%s) like unknown%d homogeneous\n", to, l+1, from, l+1)
		b.WriteString(sv.cycle(l+1, sweeps, to+"_c", to+"_e"))
		fmt.Fprintf(&b, "let %s = prolong%d(%s_e) %s\n", to, l+1, to, like)
		return b.String()
	}
	low := fmt.Sprintf("top%s*%g", suffix, smoothed)
	more := sweeps * (1 + l/len(sv.unknown[0].Axes))
	smooth(to+"_d", to+"_r", "0", more, low)
	fmt.Fprintf(&b, "let %s_c = restrict%d(%s_r) like unknown%d homogeneous\n", to, l+1, to, l+1)
	b.WriteString(sv.cycle(l+1, sweeps, to+"_c", to+"_e"))
	fmt.Fprintf(&b, "let %s_p = %s_d + prolong%d(%s_e) %s\n", to, to, l+1, to, like)
	smooth(to, to+"_t", to+"_p", more, low)
	return b.String()
}

// smoothed is the part of the spectrum, from the top, that smoothing damps: what the coarse grid cannot represent.
const smoothed = 0.12

// setup writes what the preconditioner of a method needs before its first use.
func (sv *solver) setup() string {
	var b strings.Builder
	for l := 0; l < len(sv.levels); l += len(sv.unknown[0].Axes) {
		suffix := ""
		if l > 0 {
			suffix = fmt.Sprint(l)
		}
		fmt.Fprintf(&b, "let inv%s = 1/diagonal%s() like unknown%s homogeneous\nlet top%s = highest%s() like scalar\n", suffix, suffix, suffix, suffix, suffix)
	}
	return b.String()
}
