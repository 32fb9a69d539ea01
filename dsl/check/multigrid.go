package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Geometric multigrid. The grid of the unknowns is halved while every axis is even; on each level the same expression is the operator, with
// the spacing of that level, and coefficient fields are averaged over the cells that form a coarse one (J. Wesseling, An introduction to
// multigrid methods, 1992, chapters 5 and 6). Residuals are restricted by averages. Corrections are prolonged by the mean of the nearest
// coarse values along each axis, weights 1/4 and 3/4, which is exact for linear functions and reads no corners. Chebyshev polynomials of
// the operator divided by its diagonal smooth, and solve on the coarsest level.

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
		fine := sv.levels[len(sv.levels)-1]
		g := c.coarseGrid(fine.unknown[0].Grid)
		if g == nil {
			return true
		}
		coarse := c.coarsen(fine, g, len(sv.levels), bs)
		if coarse == nil {
			return false
		}
		sv.levels = append(sv.levels, coarse)
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
	if c.coarseGrid(sv.unknown[0].Grid) == nil {
		return "an extent is odd or too small"
	}
	for k := range sv.jac {
		if c.diagonal(sv, k).invalid() {
			return "the operator has no diagonal"
		}
	}
	return ""
}

// coarseGrid is a grid of half the resolution, nil when an extent is odd or small. It is made once for every grid.
func (c *checker) coarseGrid(g *Grid) *Grid {
	if g.coarse != nil {
		return g.coarse
	}
	for _, a := range g.Axes {
		if a.N%2 != 0 || a.N < 4 {
			return nil
		}
	}
	out := &Grid{Name: g.Name + ".c", At: g.At, fine: g}
	for _, a := range g.Axes {
		b := *a
		b.Grid, b.N, b.H, b.IR, b.faces = out, a.N/2, 2*a.H, a.IR+".c", nil
		out.Axes = append(out.Axes, &b)
	}
	g.coarse = out
	c.prog.Axes = append(c.prog.Axes, out.Axes...)
	return out
}

// coarsen makes the operator of the next level.
func (c *checker) coarsen(fine *solver, g *Grid, level int, bs *blockState) *solver {
	out := &solver{name: fine.name, method: fine.method, at: fine.at, mean: fine.mean, singular: fine.singular, tol: fine.tol, most: fine.most}
	m := &coarsener{c: c, g: g, at: fine.at, level: level, bs: bs, dirs: fine.dir, memo: map[*Node]*Node{}, fields: map[*Field]*Field{}, name: fine.name}
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
	return out
}

// coarsener carries an expression over to a coarse grid.
type coarsener struct {
	c      *checker
	g      *Grid // coarse
	at     diag.Span
	level  int
	name   string
	bs     *blockState
	memo   map[*Node]*Node
	fields map[*Field]*Field
	next   map[*Field]bool
	dirs   []*Field          // of the finer level
	faces  map[string]*Field // coefficients of fluxes
	why    string
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
	a := &Assign{Kind: Plain, Field: g, Index: fieldVars(g), Value: restricted(read, m.g), At: m.at}
	m.bs.assigned[g] = a
	m.bs.add(a)
	return g, true
}

// restricted is the average of a field over the cells that form a coarse one.
func restricted(read *Node, g *Grid) *Node {
	var sum *Node
	n := 1 << len(g.Axes)
	for corner := range n {
		r := *read
		r.Sub, r.seen, r.free, r.trait = nil, false, nil, 0
		for i, a := range g.Axes {
			v := IndexVar{a.Name, a}
			r.Sub = append(r.Sub, Sub{Var: &v, Off: corner >> (len(g.Axes) - 1 - i) & 1, Mul: 2})
		}
		if sum == nil {
			sum = &r
		} else {
			sum = compute(ir.Add, read.Unit, read.At, sum, &r)
		}
	}
	return compute(ir.Mul, read.Unit, read.At, number(1/float64(n), one(), read.At), sum)
}

// prolonged interpolates a field of the coarse grid to its fine one: e*(1 - d/2) + the sum over axes of a quarter of the two coarse values
// at floor((x - 1)/2) and floor((x + 1)/2), of which one is e itself.
func prolonged(read *Node, g *Grid) *Node {
	at := func(axis, off int) *Node {
		r := *read
		r.Sub, r.seen, r.free, r.trait = nil, false, nil, 0
		for i, a := range g.fine.Axes {
			v := IndexVar{a.Name, a}
			s := Sub{Var: &v, Div: 2}
			if i == axis {
				s.Off = off
			}
			r.Sub = append(r.Sub, s)
		}
		return &r
	}
	u, pos := read.Unit, read.At
	var sum *Node
	for i := range g.Axes {
		pair := compute(ir.Add, u, pos, at(i, -1), at(i, 1))
		if sum == nil {
			sum = pair
		} else {
			sum = compute(ir.Add, u, pos, sum, pair)
		}
	}
	mid := 1 - float64(len(g.Axes))/2
	out := compute(ir.Mul, u, pos, number(0.25, one(), pos), sum)
	if mid != 0 {
		out = compute(ir.Add, u, pos, compute(ir.Mul, u, pos, number(mid, one(), pos), at(-1, 0)), out)
	}
	return out
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
	low := fmt.Sprintf("top%s*%g", suffix, smoothed)
	smooth(to+"_d", to+"_r", "0", sweeps, low)
	fmt.Fprintf(&b, "let %s_c = restrict%d(%s_r) like unknown%d homogeneous\n", to, l+1, to, l+1)
	b.WriteString(sv.cycle(l+1, sweeps, to+"_c", to+"_e"))
	fmt.Fprintf(&b, "let %s_p = %s_d + prolong%d(%s_e) %s\n", to, to, l+1, to, like)
	smooth(to, to+"_t", to+"_p", sweeps, low)
	return b.String()
}

// smoothed is the part of the spectrum, from the top, that smoothing damps: what the coarse grid cannot represent.
const smoothed = 0.12

// setup writes what the preconditioner of a method needs before its first use.
func (sv *solver) setup() string {
	var b strings.Builder
	for l := range sv.levels {
		suffix := ""
		if l > 0 {
			suffix = fmt.Sprint(l)
		}
		fmt.Fprintf(&b, "let inv%s = 1/diagonal%s() like unknown%s homogeneous\nlet top%s = highest%s() like scalar\n", suffix, suffix, suffix, suffix, suffix)
	}
	return b.String()
}
