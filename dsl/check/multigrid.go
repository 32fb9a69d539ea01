package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
)

// Geometric multigrid. The grid of the unknowns is halved, one axis after the other; on each level the same expression is the operator, with
// the spacing of that level, and coefficients are averaged (J. Wesseling, An introduction to multigrid methods, 1992, chapters 5 and 6;
// coarse_flux.go). A round halves the axes that can be halved and whose spacing is not more than twice the smallest: along the others
// smoothing would do nothing, and an axis that must stay fine need not stop the rest. Transfers between a grid and the one with a halved
// axis are one-dimensional (transfer.go). After each round sweeps over red and black points smooth (colors.go), or Chebyshev polynomials of the
// operator divided by its diagonal where it has no colors; those also solve on the coarsest level.

// levels makes the coarse operators of a solver; it reports why there are none.
func (c *checker) makeLevels(sv *solver, bs *blockState) bool {
	if len(sv.levels) > 0 {
		return true
	}
	sv.levels = []*solver{sv}
	if why := c.uncoarsenable(sv); why != "" {
		c.errs.Errorf("WF0339", sv.at, "multigrid cannot be used here: %s", why).
			Suggest("use cg, bicgstab or gmres, with pre = chebyshev(4)")
		return false
	}
	sv.smooths, sv.low = true, smoothed
	defer func() {
		for _, l := range sv.levels {
			l.colors = l.smooths && !sv.coefficients() && c.twoColors(l)
		}
	}()
	for {
		last := sv.levels[len(sv.levels)-1]
		axes := round(last.unknown[0].Grid, last.round == 0)
		if len(axes) == 0 || last.round+1 == sv.method.levels {
			return true
		}
		last.low = lowest(last.unknown[0].Grid, axes)
		for _, d := range axes {
			fine := sv.levels[len(sv.levels)-1]
			coarse := c.coarsen(fine, c.coarseGrid(fine.unknown[0].Grid, d), d, len(sv.levels), bs)
			if coarse == nil {
				return false
			}
			sv.levels = append(sv.levels, coarse)
		}
		next := sv.levels[len(sv.levels)-1]
		next.smooths, next.round, next.low = true, last.round+1, smoothed
	}
}

// uncoarsenable says why an operator has no coarse version, "" when it has.
func (c *checker) uncoarsenable(sv *solver) string {
	for _, f := range sv.unknown {
		if f.Grid != sv.unknown[0].Grid {
			return "the unknowns live on different grids"
		}
	}
	if len(round(sv.unknown[0].Grid, true)) == 0 {
		return "no axis of the grid can be halved; an axis has at least 4 cells, a periodic one an even number"
	}
	for k := range sv.jac {
		if c.diagonal(sv, k).invalid() {
			return "the operator has no diagonal"
		}
	}
	return ""
}

// round lists the axes that the next round halves. The coarsest grid has at least four points along an axis, unless the finest has less
// than eight: the smoother solves there as well as on two, and the wafer, where no grid has more parts than the coarsest has points, takes four
// times as many PEs and a level less of code.
func round(g *Grid, first bool) []int {
	least := math.Inf(1)
	for _, a := range g.Axes {
		if a.N > 1 {
			least = math.Min(least, a.H)
		}
	}
	list := func(may func(*Axis) bool) (out []int) {
		for d, a := range g.Axes {
			if may(a) && a.H <= 2*least*(1+1e-9) {
				out = append(out, d)
			}
		}
		return out
	}
	out := list(func(a *Axis) bool {
		return a.halves() && (a.N >= 8 || first && a.N >= 4) || a.N >= tooMany && !a.Periodic
	})
	if len(out) == 0 && first {
		return list(func(a *Axis) bool { return a.N >= 9 && !a.Periodic })
	}
	return out
}

// tooMany points along an axis are halved even where they do not halve. It costs a little, because the coarse wall is not in its place, and
// on the wafer the axis is not distributed; so few points are left to the smoother of the coarsest level.
const tooMany = 33

// halves says whether a coarse grid ends where the axis does: of cells pairs are one, of nodes every second, and both ends.
func (a *Axis) halves() bool {
	if a.Nodes && !a.Periodic {
		return a.N%2 == 1
	}
	return a.N%2 == 0
}

// halved is the number of coarse points. Where the axis does not halve, the last coarse cell has only one fine one, or the last coarse node
// lies one fine step beyond the end; there the conditions say what is read.
func (a *Axis) halved() int {
	if a.Nodes && !a.Periodic {
		return a.N/2 + 1
	}
	return (a.N + 1) / 2
}

// lowest is the part of the spectrum, from the top, that must be damped before the axes are halved: waves with at most four points along
// one of them, which have 2/h^2 of the sum of all 4/h^2.
func lowest(g *Grid, axes []int) float64 {
	least, sum := math.Inf(1), 0.0
	for _, a := range g.Axes {
		sum += 4 / (a.H * a.H)
	}
	for _, d := range axes {
		least = math.Min(least, 2/(g.Axes[d].H*g.Axes[d].H))
	}
	return math.Min(smoothed, 1.2*least/sum)
}

// coarseGrid is a grid with half the points along axis d. It is made once for every grid.
func (c *checker) coarseGrid(g *Grid, d int) *Grid {
	if g.coarse != nil {
		return g.coarse
	}
	out := &Grid{Name: g.Name + ".c", At: g.At, fine: g, Axes: append([]*Axis(nil), g.Axes...)}
	b := *g.Axes[d]
	b.Grid, b.N, b.H, b.IR, b.faces, b.widths = out, b.halved(), 2*b.H, b.IR+".c", nil, nil
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
		n.Grid, n.Axes, n.index = g, m.axes(f.Axes), nil
		n.BC = m.conditions(homogeneous(f.BC))
		n.Holds = m.bodies(f, &n)
		return &n
	}
	for k := range fine.unknown {
		u, d := place(fine.unknown[k]), place(fine.dir[k])
		out.unknown, out.dir, out.targets = append(out.unknown, u), append(out.dir, d), append(out.targets, u)
		m.fields[fine.dir[k]] = d
		m.vertices = m.vertices || vertex(fine.dir[k].Axes)
		out.f = append(out.f, nil)
	}
	for k := range fine.jac {
		out.jac = append(out.jac, m.node(fine.jac[k]))
	}
	if m.why != "" {
		c.errs.Errorf("WF0339", fine.at, "multigrid cannot be used here: %s", m.why).Suggest("use cg, bicgstab or gmres, with pre = chebyshev(4)")
		return nil
	}
	m.shares()
	out.coarse = m
	return out
}

// coarsener carries an expression over to a coarse grid.
type coarsener struct {
	c        *checker
	g        *Grid      // coarse
	d        int        // the axis that is halved
	before   *coarsener // of the finer grid, nil for the first
	at       diag.Span
	level    int
	name     string
	bs       *blockState
	memo     map[*Node]*Node
	fields   map[*Field]*Field
	next     map[*Field]bool
	dirs     []*Field          // of the finer level
	vertices bool              // an unknown lives at faces or nodes
	faces    map[string]*Field // coefficients of fluxes on the coarse grid, by the axis they flow along
	// transfer has the coefficients of the fluxes along the halved axis, on the finer grid; nil when they are equal.
	transfer *Field
	share    *Field // see shares
	why      string
}

// axis is the coarse version of an axis of the finer grid or of its faces.
func (m *coarsener) axis(a *Axis) *Axis {
	for i, b := range m.g.fine.Axes {
		switch {
		case a == b:
			return m.g.Axes[i]
		case a != nil && a.Of == b && m.g.Axes[i] != b:
			return m.c.facesOf(m.g.Axes[i])
		}
	}
	return a
}

func (m *coarsener) axes(as []*Axis) []*Axis {
	var out []*Axis
	for _, a := range as {
		out = append(out, m.axis(a))
	}
	return out
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
		if n.Var.Axis != nil && axisIndex(n.Var.Axis) == m.d {
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
	if len(f.Axes) != len(m.g.Axes) || !f.Elem.IsFloat() && !f.Mask && !f.Cells {
		m.why = "the coefficient " + f.Name + " has no average"
		return f, n.Next
	}
	g := m.c.local(fmt.Sprintf("%s.%s.%d", m.name, strings.ReplaceAll(f.Name, m.name+".", ""), m.level), m.g, m.axes(f.Axes), f.Elem, f.Unit, m.at)
	g.BC, g.Mask, g.Cells = m.conditions(f.BC), f.Mask, f.Cells
	m.fields[f] = g
	if m.next == nil {
		m.next = map[*Field]bool{}
	}
	m.next[f] = true
	read := &Node{Op: Read, Field: f, Next: n.Next, Unit: f.Unit, At: m.at, Sub: fieldSubs(f)}
	a := &Assign{Kind: Plain, Field: g, Index: fieldVars(g), Value: m.averaged(read, g), At: m.at}
	m.bs.assigned[g] = a
	m.bs.add(a)
	return g, true
}

// cycle writes one V-cycle to = M(from) on level l as statements.
func (sv *solver) cycle(l, sweeps int, from, to string) string {
	var b strings.Builder
	lv := sv.levels[l]
	sm := smoother{&b, lv, suffix(l), from}
	if l == len(sv.levels)-1 {
		most := 0
		for _, a := range lv.unknown[0].Axes {
			most = max(most, a.N)
		}
		sm.chebyshev(to, to+"_s", "0", max(4, int(math.Ceil(2*float64(most)))), math.Min(0.4, 0.8/float64(most*most)))
		return b.String()
	}
	if !lv.smooths { // halved along some axes only: pass on
		fmt.Fprintf(&b, "let %s_c = restrict%d(%s) like unknown%d homogeneous\n", to, l+1, from, l+1)
		b.WriteString(sv.cycle(l+1, sweeps, to+"_c", to+"_e"))
		fmt.Fprintf(&b, "let %s = prolong%d(%s_e) %s\n", to, l+1, to, sm.like())
		return b.String()
	}
	more := sweeps * (1 + lv.round)
	if lv.colors {
		more = sweeps * min(2, 1+lv.round) // more gains nothing
		sm.gaussSeidel(to+"_d", "0", more)
		fmt.Fprintf(&b, "let %s_r = %s - A%s(%s_d) %s\n", to, from, sm.suffix, to, sm.like())
	} else {
		sm.chebyshev(to+"_d", to+"_r", "0", more, lv.low)
	}
	fmt.Fprintf(&b, "let %s_c = restrict%d(%s_r) like unknown%d homogeneous\n", to, l+1, to, l+1)
	b.WriteString(sv.cycle(l+1, sweeps, to+"_c", to+"_e"))
	fmt.Fprintf(&b, "let %s_p = %s_d + prolong%d(%s_e) %s\n", to, to, l+1, to, sm.like())
	if lv.colors {
		sm.gaussSeidel(to, to+"_p", more)
	} else {
		sm.chebyshev(to, to+"_t", to+"_p", more, lv.low)
	}
	return b.String()
}

// suffix is that of the names of a level.
func suffix(l int) string {
	if l == 0 {
		return ""
	}
	return fmt.Sprint(l)
}

// smoother writes the smoothing of A(x) = from on a level.
type smoother struct {
	b            *strings.Builder
	lv           *solver
	suffix, from string
}

func (s *smoother) like() string { return "like unknown" + s.suffix + " homogeneous" }

// residual is that of a value, which may be zero.
func (s *smoother) residual(x string) string {
	if x == "0" {
		return s.from
	}
	return fmt.Sprintf("%s - A%s(%s)", s.from, s.suffix, x)
}

// chebyshev writes n steps from a start to x with residual r, which damp what is above the part low of the spectrum.
func (s *smoother) chebyshev(x, r, start string, n int, low float64) {
	q, f := x+"_q", x+"_f"
	lo := fmt.Sprintf("top%s*%g", s.suffix, low)
	fmt.Fprintf(s.b, "let %s_a = (top%s + %s)/2\nlet %s_b = (top%s - %s)/2\n", x, s.suffix, lo, x, s.suffix, lo)
	fmt.Fprintf(s.b, "loop %s = %s %s, %s = %s %s, %s = 0 %s, %s = 0 for %s_j in 0 .. %d {\n", x, start, s.like(), r, s.residual(start), s.like(), q, s.like(), f, x, n)
	fmt.Fprintf(s.b, "let %s_g = where(%s == 0, %s_b/%s_a, 1/(2*%s_a/%s_b - %s))\n", x, f, x, x, x, x, f)
	fmt.Fprintf(s.b, "let %s_h = where(%s == 0, 1/%s_a, 2*%s_g/%s_b)\n", x, f, x, x, x)
	fmt.Fprintf(s.b, "%s' = (%s_g*%s)*%s + %s_h*(inv%s*%s)\n", q, x, f, q, x, s.suffix, r)
	fmt.Fprintf(s.b, "%s' = %s + %s'\n%s' = %s - A%s(%s')\n%s' = %s_g\n}\n", x, x, q, r, r, s.suffix, q, f, x)
}

// gaussSeidel writes n sweeps over both colors from a start to x, red first. After a correction too, although the cycle would be symmetric
// the other way round: contraction is that of twice as many sweeps.
func (s *smoother) gaussSeidel(x, start string, n int) {
	for i := range n {
		for _, color := range []string{"red", "black"} {
			next := fmt.Sprintf("%s_%s%d", x, color, i)
			if i == n-1 && color == "black" {
				next = x
			}
			if start == "0" {
				fmt.Fprintf(s.b, "let %s = %s%s*%s %s\n", next, color, s.suffix, s.from, s.like())
			} else {
				fmt.Fprintf(s.b, "let %s = %s + %s%s*(%s) %s\n", next, start, color, s.suffix, s.residual(start), s.like())
			}
			start = next
		}
	}
}

// smoothed is the part of the spectrum, from the top, that smoothing damps: what the coarse grid cannot represent.
const smoothed = 0.12

// setup writes what the preconditioner of a method needs before its first use.
func (sv *solver) setup() string {
	var b strings.Builder
	for l, lv := range sv.levels {
		if !lv.smooths {
			continue
		}
		x := suffix(l)
		if lv.colors && l < len(sv.levels)-1 {
			fmt.Fprintf(&b, "let red%s = red_of%s() like unknown%s homogeneous\nlet black%s = black_of%s() like unknown%s homogeneous\n", x, x, x, x, x, x)
			continue
		}
		fmt.Fprintf(&b, "let inv%s = 1/diagonal%s() like unknown%s homogeneous\nlet top%s = highest%s() like scalar\n", x, x, x, x, x)
	}
	return b.String()
}
