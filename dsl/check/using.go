package check

import (
	"fmt"
	"math"
	"strings"

	"github.com/wfc-lang/wfc/dsl/solvers"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

// method is what `using` asks for.
type method struct {
	name    string
	at      syntax.Expr
	maxNorm bool
	pre     precond
	restart int     // gmres: vectors before it starts again
	inner   *method // newton
	omega   float64 // jacobi: damping
	smooth  int     // multigrid: sweeps before and after; 0 chooses
	levels  int     // multigrid, also as a preconditioner: grids, the unknown's included; 0 is as many as there are
	tol     syntax.Expr
	most    syntax.Expr
}

// precond is a preconditioner: z = M(r).
type precond struct {
	name   string // none, diagonal, chebyshev, multigrid
	degree int
}

// precondition writes z = M(r) as statements.
func (sv *solver) precondition(from, to string) string {
	m := sv.method
	p := m.pre
	if m.name == "multigrid" {
		p.name = "multigrid"
	}
	switch p.name {
	case "diagonal":
		return fmt.Sprintf("let %s = inv*%s like unknown homogeneous", to, from)
	case "multigrid":
		sweeps := m.smooth
		if sweeps == 0 {
			switch {
			case sv.colors:
				sweeps = 1
			case sv.coefficients():
				sweeps = 6
			default:
				sweeps = 3
			}
		}
		return sv.cycle(0, sweeps, from, to)
	case "chebyshev":
		// The polynomial damps the part of the spectrum above top/(2*degree)^2.
		low := fmt.Sprintf("max(lowest(), top/%d)", 4*p.degree*p.degree)
		var b strings.Builder
		fmt.Fprintf(&b, "let %s_m = (top + %s)/2\nlet %s_h = (top - %s)/2\n", to, low, to, low)
		fmt.Fprintf(&b, "let %s_d = inv*%s/%s_m like unknown homogeneous\n", to, from, to)
		fmt.Fprintf(&b, "loop %s = %s_d like unknown homogeneous, %s_q = %s_d like unknown homogeneous, %s_s = %s - A(%s_d) like unknown homogeneous, %s_f = %s_h/%s_m for %s_j in 1 .. %d {\n",
			to, to, to, to, to, from, to, to, to, to, to, p.degree)
		fmt.Fprintf(&b, "let %s_g = 1/(2*%s_m/%s_h - %s_f)\n", to, to, to, to)
		fmt.Fprintf(&b, "%s_q' = %s_g*%s_f*%s_q + (2*%s_g/%s_h)*(inv*%s_s)\n", to, to, to, to, to, to, to)
		fmt.Fprintf(&b, "%s' = %s + %s_q'\n%s_s' = %s_s - A(%s_q')\n%s_f' = %s_g\n}", to, to, to, to, to, to, to, to)
		return b.String()
	}
	return fmt.Sprintf("let %s = %s", to, from)
}

// prepare writes what the preconditioner needs before.
func (sv *solver) prepare() string {
	switch name := sv.method.pre.name; {
	case name == "multigrid" || sv.method.name == "multigrid":
		return sv.setup()
	case name == "diagonal":
		return "let inv = 1/diagonal() like unknown homogeneous"
	case name == "chebyshev":
		return "let inv = 1/diagonal() like unknown homogeneous\nlet top = highest() like scalar"
	}
	return ""
}

// data are the fields of a solver's template.
func (sv *solver) data() any {
	m := sv.method
	first := "guess"
	for _, f := range sv.targets {
		for _, k := range f.BC {
			if k.Timed { // the first value has the conditions of the start of the step
				first = "x"
			}
		}
	}
	correction, direction, centered := "w", "q", "center(s - a*q')"
	if sv.selfAdjoint() { // what A makes has no mean then where it is singular
		correction, direction, centered = "z", "p", "s - a*q'"
	}
	return map[string]any{"Correction": correction, "Direction": direction, "Centered": centered, "Trace": !sv.inner, "First": first, "Restart": m.restart, "Omega": fmt.Sprint(m.omega), "Every": sweepsPerCheck, "Flexible": m.pre.name == "multigrid", "Plain": m.pre.name == "none"}
}

// options lists what a method may be given, besides tol, max and norm.
var solverOptions = map[string][]string{"cg": {"pre"}, "bicgstab": {"pre"}, "gmres": {"restart", "pre"}, "jacobi": {"damping"},
	"chebyshev": {}, "multigrid": {"sweeps", "levels"}, "newton": {"inner"}}

// using checks `using method(tol = .., max = .., ..)`.
func (c *checker) using(s *syntax.Solve, sv *solver, bs *blockState) bool {
	linear := true
	for _, j := range sv.jac {
		linear = linear && !readsField(j, sv.unknown)
	}
	m := c.solverMethod(s.Using, s, linear)
	if m == nil {
		return false
	}
	if m.name == "newton" {
		if m.inner == nil {
			m.inner = &method{name: "bicgstab", at: m.at, restart: 10, omega: 2.0 / 3, smooth: 0, pre: precond{name: "none"}}
		}
		if m.inner.name == "newton" {
			c.errs.Errorf("WF0345", m.at.Span(), "the inner solver of newton solves linear equations").Suggest("write `inner = bicgstab(tol = 1e-3)`")
			return false
		}
	}
	if !linear && m.name != "newton" {
		c.errs.Errorf("WF0344", m.at.Span(), "this equation is not linear in %s, and %s solves linear equations", sv.targets[0].Name, m.name).
			With(s.Left.Span(), "the equation").Suggest("write `using newton(tol = 1e-6, inner = %s(tol = 1e-3))`", m.name)
		return false
	}
	sv.method = m
	if (m.name == "cg" || m.name == "chebyshev") && c.unsymmetric(sv) {
		c.errs.Errorf("WF0337", m.at.Span(), "%s needs a symmetric operator, and this one is not", m.name).With(s.Left.Span(), "first derivatives of the unknown make it so").
			Suggest("use bicgstab or gmres")
		return false
	}
	return c.limits(m, sv, bs)
}

// limits evaluates tolerance and bound.
func (c *checker) limits(m *method, sv *solver, bs *blockState) bool {
	e := sv.targets[0].Elem
	host := &scope{host: true, what: "an option of a solver", block: bs}
	sv.tol = number(map[bool]float64{true: 1e-5, false: 1e-10}[e == ir.F32], one(), sv.at)
	if sv.inner {
		sv.tol = number(1e-3, one(), sv.at)
	}
	if sv.usual = m.tol == nil; !sv.usual {
		sv.tol = c.valueIn(m.tol, one(), nil, m.tol.Span(), "a tolerance", host)
	}
	sv.most = number(1000, one(), sv.at)
	if m.most != nil {
		sv.most = c.valueIn(m.most, one(), nil, m.most.Span(), "a number of iterations", host)
		if v, ok := c.eval(sv.most); ok && (v < 1 || v != math.Trunc(v)) {
			c.errs.Errorf("WF0345", m.most.Span(), "the largest number of iterations must be a positive whole number").Labelled("this is %s", trimFloat(v)).Suggest("write for example `max = 200`")
			return false
		}
	}
	v, ok := c.eval(sv.tol)
	if !ok {
		return !sv.tol.invalid() && !sv.most.invalid()
	}
	least := map[ir.Elem]float64{ir.F32: 4.8e-7, ir.F64: 1e-15}[e]
	switch {
	case !(v > 0 && v < 1):
		c.errs.Errorf("WF0345", sv.tol.At, "a tolerance lies between 0 and 1").Labelled("this is %s", trimFloat(v)).
			Note("it is relative to the right side").Suggest("write for example `tol = 1e-5`")
		return false
	case v < least:
		d := c.errs.Errorf("WF0346", sv.tol.At, "a residual of %s of the right side is below what %s can reach", trimFloat(v), e).
			With(sv.targets[0].At, "%s is %s", sv.targets[0].Name, e).Note("rounding leaves residuals of about %s", trimFloat(least))
		if e == ir.F32 {
			d.Suggest("write `tol = 1e-6`, or declare %s: f64 for the interpreter or the CPU", sv.targets[0].Name)
		} else {
			d.Suggest("write `tol = 1e-12`")
		}
		return false
	}
	return true
}

// solverMethod reads the name and the options of a method; without `using` a method is chosen.
func (c *checker) solverMethod(e syntax.Expr, s *syntax.Solve, linear bool) *method {
	m := &method{at: e, restart: 10, omega: 2.0 / 3, smooth: 0, pre: precond{name: "none"}}
	if e == nil {
		m.at = s.Left
		m.name = "bicgstab"
		if !linear {
			m.name = "newton"
		}
		return m
	}
	var args []*syntax.Arg
	switch e := syntax.Unparen(e).(type) {
	case *syntax.Ref:
		m.name = e.Name.Name
	case *syntax.Call:
		m.name, args = e.Func.Name, e.Args
	}
	if !solvers.Has(m.name) {
		d := c.errs.Errorf("WF0343", e.Span(), "there is no solver called %s", m.name)
		if k := closest(m.name, solvers.Names()); k != "" {
			d.Suggest("did you mean %s?", k)
		} else {
			d.Suggest("there are %s", join(solvers.Names()))
		}
		return nil
	}
	for _, a := range args {
		if !c.option(m, a, s, linear) {
			return nil
		}
	}
	return m
}

// option sets one option.
func (c *checker) option(m *method, a *syntax.Arg, s *syntax.Solve, linear bool) bool {
	name := ""
	if a.Name != nil {
		name = a.Name.Name
	} else if m.name == "gmres" {
		name = "restart"
	}
	word, number := "", a.Value
	switch v := syntax.Unparen(a.Value).(type) {
	case *syntax.Ref:
		word = v.Name.Name
	case *syntax.Call:
		word = v.Func.Name
		if len(v.Args) == 1 {
			number = v.Args[0].Value
		}
	}
	known := name == "tol" || name == "max" || name == "norm"
	for _, o := range solverOptions[m.name] {
		known = known || o == name
	}
	if !known {
		options := append([]string{"tol", "max", "norm"}, solverOptions[m.name]...)
		d := c.errs.Errorf("WF0345", a.At, "%s has no such option", m.name)
		if k := closest(name, options); k != "" {
			d.Suggest("did you mean %s? The options of %s are %s", k, m.name, join(options))
		} else {
			d.Suggest("its options are %s", join(options))
		}
		return false
	}
	switch name {
	case "tol":
		m.tol = a.Value
	case "max":
		m.most = a.Value
	case "norm":
		if n := literal(a.Value); word == "max" || n != nil && n.Value == 2 {
			m.maxNorm = word == "max"
			return true
		}
		c.errs.Errorf("WF0345", a.At, "a norm is 2 or max").Suggest("write `norm = 2` (the default) or `norm = max`")
		return false
	case "pre":
		m.pre.name = word
		switch word {
		case "none", "diagonal":
			return true
		case "multigrid":
			if number != a.Value {
				n, ok := c.count(number, "the number of grids", 2, 64)
				m.levels = n
				return ok
			}
			return true
		case "chebyshev":
			m.pre.degree = 4
			if number != a.Value {
				n, ok := c.count(number, "the degree of a polynomial", 1, 64)
				m.pre.degree = n
				return ok
			}
			return true
		}
		c.errs.Errorf("WF0345", a.At, "there is no preconditioner %s", strings.TrimSpace(a.Value.Span().Text())).
			Suggest("there are none, diagonal, chebyshev(4) and multigrid or multigrid(2), the number of grids")
		return false
	case "restart":
		n, ok := c.count(a.Value, "the number of vectors of gmres", 2, 60)
		m.restart = n
		return ok
	case "sweeps":
		n, ok := c.count(a.Value, "the number of sweeps", 1, 8)
		m.smooth = n
		return ok
	case "levels":
		n, ok := c.count(a.Value, "the number of grids", 2, 64)
		m.levels = n
		return ok
	case "damping":
		v, ok := c.frozen(c.valueIn(a.Value, one(), nil, a.At, "the damping", &scope{host: true, what: "the damping"}))
		if ok && !(v > 0 && v <= 2) {
			c.errs.Errorf("WF0345", a.At, "the damping of jacobi lies between 0 and 2").Suggest("write `damping = 0.7`")
			return false
		}
		m.omega = v
		return ok
	case "inner":
		m.inner = c.solverMethod(a.Value, s, linear)
		return m.inner != nil
	}
	return true
}

// count evaluates a whole number that fixes the shape of the program.
func (c *checker) count(e syntax.Expr, what string, lo, hi int) (int, bool) {
	v, ok := c.frozen(c.valueIn(e, one(), nil, e.Span(), what, &scope{host: true, what: what}))
	if !ok {
		return lo, false
	}
	if v != math.Trunc(v) || v < float64(lo) || v > float64(hi) {
		c.errs.Errorf("WF0345", e.Span(), "%s must be a whole number from %d to %d", what, lo, hi).Labelled("this is %s", trimFloat(v)).Suggest("write a number in this range")
		return lo, false
	}
	return int(v), true
}

// means checks `with mean(p') = 0`, and demands it where the operator is singular.
func (c *checker) means(s *syntax.Solve, sv *solver) bool {
	for _, w := range s.With {
		call, ok := syntax.Unparen(w.Left).(*syntax.Call)
		k := -1
		if ok && call.Func.Name == "mean" && len(call.Args) == 1 && w.Right != nil {
			if r, ok := syntax.Unparen(call.Args[0].Value).(*syntax.Ref); ok {
				for i, u := range s.For {
					if u.Name.Name == r.Name.Name && r.Prime == u.Prime {
						k = i
					}
				}
			}
		}
		zero := false
		if w.Right != nil {
			n := literal(w.Right)
			zero = n != nil && n.Value == 0
		}
		if k < 0 || !zero {
			c.errs.Errorf("WF0347", w.At, "a side condition fixes the mean of an unknown to 0").Suggest("write `with mean(%s') = 0`", sv.targets[0].Name)
			return false
		}
		sv.mean[k], sv.singular = true, true
	}
	for k, f := range sv.targets {
		free := c.constantsVanish(sv, k)
		switch {
		case free && !sv.mean[k]:
			c.errs.Errorf("WF0348", s.Left.Span(), "this equation determines %s only up to a constant", f.Name).
				With(f.At, "its conditions fix slopes only").Note("derivatives do not change when a constant is added, and no condition gives a value").
				Suggest("add `with mean(%s') = 0`, or a condition with a value on one side", f.Name)
			return false
		case !free && sv.mean[k]:
			c.errs.Errorf("WF0347", s.With[0].At, "this equation and the conditions of %s determine its mean already", f.Name).Suggest("remove `with mean(..) = 0`")
			return false
		}
	}
	return true
}

// constantsVanish says whether the operator maps every constant in unknown k to zero: all its occurrences are differentiated, and its
// conditions fix slopes only.
func (c *checker) constantsVanish(sv *solver, k int) bool {
	for _, h := range sv.targets[k].Holds {
		if h.Slope == nil {
			return false
		}
	}
	for _, b := range sv.targets[k].BC {
		if b.Kind != ir.Gradient && b.Kind != ir.Wrap {
			return false
		}
	}
	bare := false
	type key struct {
		n   *Node
		der bool
	}
	seen := map[key]bool{}
	var walk func(n *Node, der bool)
	walk = func(n *Node, der bool) {
		if n == nil || seen[key{n, der}] {
			return
		}
		seen[key{n, der}] = true
		switch {
		case n.Op == Read && n.Field == sv.dir[k]:
			bare = bare || !der
		case n.Op == Deriv:
			// A derivative of the unknown alone vanishes; that of a product with it does not, unless the unknown is differentiated inside.
			der = der || !spoiled(n.Args[0], sv.dir[k])
		}
		for _, a := range n.Args {
			walk(a, der)
		}
	}
	for _, j := range sv.jac {
		walk(j, false)
	}
	return !bare
}

// spoiled says whether an expression multiplies a field by something that varies.
func spoiled(n *Node, f *Field) bool {
	found := false
	Visit(n, func(x *Node) {
		if x.Op == Compute && (x.Code == ir.Mul || x.Code == ir.Div || x.Code == ir.Select) {
			reads, varies := false, false
			for _, a := range x.Args {
				if readsField(a, []*Field{f}) {
					reads = true
				} else if !a.host {
					varies = true
				}
			}
			found = found || reads && varies
		}
	})
	return found
}
