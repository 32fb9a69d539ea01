package check

import (
	"fmt"

	"github.com/wfc-lang/wfc/dsl/solvers"
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Implicit equations. `solve left = right for T'` is an equation for the next value of T. The checker forms right - left as a function of
// the unknown, differentiates it (linearise.go), and writes a program of package solvers out for it: loops of the language over fields of
// their own. The unknown has the boundary conditions of T at the end of the step; directions have the homogeneous ones, so that the affine
// parts of the conditions and of the equation are in the residual alone.

// solver is a system of equations being solved, and what the names of a solver's program mean.
type solver struct {
	name          string // of its arrays
	method        *method
	at            diag.Span
	targets       []*Field // what gets the solution
	names         []string // of the targets
	unknown       []*Field // stand for the unknowns in f and jac
	dir           []*Field // stand for directions in jac
	f             []*Node  // right - left
	jac           []*Node  // derivative of left - right along dir
	mean          []bool   // unknowns whose mean is fixed to zero
	singular      bool     // some mean is
	inner         bool     // solves for the step of Newton's method: it may stop early
	tol           *Node
	most          *Node
	usual         bool       // no tolerance was given
	residualField *Field     // the last residual relative to the right side
	diag          []*Node    // see diagonal
	levels        []*solver  // of multigrid, the finest first
	coarse        *coarsener // made this level from the finer one
	smooths       bool       // a level that ends a round of halving
	colors        bool       // smoothing goes over red and black points
	round         int        // how many rounds came before
	low           float64    // smoothing damps what is above this part of the spectrum
}

// solving is the solver whose program a body belongs to, nil for what the user wrote.
func (b *blockState) solving() *solver {
	for ; b != nil; b = b.outer {
		if b.solve != nil {
			return b.solve
		}
	}
	return nil
}

// unknownOf is what stands for the next value of a field in an equation to be solved, nil where there is none.
func (b *blockState) unknownOf(f *Field) *Field {
	for ; b != nil; b = b.around() {
		if u := b.unknowns[f]; u != nil {
			return u
		}
	}
	return nil
}

// solve checks a solve.
func (c *checker) solve(s *syntax.Solve, bs *blockState) {
	if outer := bs.solving(); outer != nil {
		c.innerSolve(s, outer, bs)
		return
	}
	sv := &solver{at: s.At}
	before := c.errs.Len()
	if !c.unknowns(s, sv, bs) || !c.system(s, sv, bs) || !c.using(s, sv, bs) || !c.means(s, sv) || c.errs.Len() > before {
		c.unsolved(sv, bs)
		return
	}
	sv.name = c.uniqueLocal(sv.targets[0].Name + "." + sv.method.name)
	x := c.instantiate(sv, bs, &carried{name: "guess", fields: sv.targets})
	if x == nil {
		c.unsolved(sv, bs)
		return
	}
	for k, f := range sv.targets {
		a := &Assign{Kind: Plain, Field: f, Index: fieldVars(f), At: s.At,
			Value: &Node{Op: Read, Field: x.fields[k], Unit: f.Unit, At: s.At, Sub: fieldSubs(f)}}
		if sv.mean[k] {
			a.Value = c.centred(a.Value, f, s.At)
		}
		bs.assigned[f] = a
		bs.add(a)
	}
}

// unsolved stands for a solve that could not be written out, so that what reads its results is not blamed.
func (c *checker) unsolved(sv *solver, bs *blockState) {
	if bs.solved == nil {
		bs.solved = map[string]*solved{}
	}
	none := &Field{Elem: ir.F32, Unit: one(), Scale: 1}
	for k, f := range sv.targets {
		if bs.assigned[f] == nil {
			bs.assigned[f] = &Assign{Field: f, At: sv.at}
		}
		bs.solved[sv.names[k]] = &solved{f, none, none}
	}
}

// unknowns resolves the names after `for`.
func (c *checker) unknowns(s *syntax.Solve, sv *solver, bs *blockState) bool {
	top := bs.top().once && bs.outer == nil
	for _, r := range s.For {
		f := c.assignable(r.Name, bs)
		switch {
		case f == nil:
			if v, l, _ := bs.find(r.Name.Name); v == nil && l == nil {
				c.target(r.Name, r.At, bs)
			} else {
				c.errs.Errorf("WF0340", r.At, "%s cannot be solved for", r.Name.Name).Note("an unknown is a field, or a value a loop carries").Suggest("declare a field for it")
			}
			return false
		case r.Index != nil:
			c.errs.Errorf("WF0340", r.At, "an unknown is a whole field").Suggest("write `for %s'`", r.Name.Name)
			return false
		case !r.Prime && !top:
			c.errs.Errorf("WF0302", r.At, "inside `evolve` and loops the next value is solved for: %s'", r.Name.Name).
				Replace(r.At, r.Name.Name+"'", "write %s'", r.Name.Name)
			return false
		case r.Prime && top:
			c.errs.Errorf("WF0303", r.At, "%s' has a meaning inside `evolve` only", r.Name.Name).Replace(r.At, r.Name.Name, "remove the prime")
			return false
		case f.Grid == nil:
			c.errs.Errorf("WF0340", r.At, "%s is not on a grid", r.Name.Name).With(f.At, "declared here").
				Note("`solve` is for equations on grids").Suggest("write a `loop` for other unknowns")
			return false
		case !f.Elem.IsFloat() || f.Elem == ir.F16:
			c.errs.Errorf("WF0213", r.At, "an unknown needs f32 or f64; %s is %s", f.Name, f.Elem).With(f.At, "declared here").Suggest("declare it `%s: f32`", f.Name)
			return false
		case bs.assigned[f] != nil && !top:
			c.errs.Errorf("WF0301", r.At, "%s is assigned twice in one step", f.Name).With(bs.assigned[f].At, "first here").Suggest("keep one")
			return false
		}
		for _, t := range sv.targets {
			if t == f {
				c.errs.Errorf("WF0340", r.At, "%s stands twice after `for`", f.Name).Suggest("remove one")
				return false
			}
		}
		f.State = true
		sv.targets = append(sv.targets, f)
		sv.names = append(sv.names, r.Name.Name)
		u := *f
		u.Local, u.AtEnd, u.Name = true, !top, r.Name.Name+"'"
		d := u
		d.BC, d.Holds = homogeneous(f.BC), homogeneousHolds(f.Holds)
		sv.unknown, sv.dir = append(sv.unknown, &u), append(sv.dir, &d)
		sv.mean = append(sv.mean, false)
	}
	return true
}

// equationSides splits an equation into one pair of sides per unknown.
func (c *checker) equationSides(s *syntax.Solve, n int) (left, right []syntax.Expr) {
	split := func(e syntax.Expr) []syntax.Expr {
		if t, ok := syntax.Unparen(e).(*syntax.Tuple); ok {
			return t.Elems
		}
		return []syntax.Expr{e}
	}
	left, right = split(s.Left), split(s.Right)
	if len(left) != n || len(right) != n {
		c.errs.Errorf("WF0341", s.Left.Span().To(s.Right.Span()), "%d unknowns need %d equations", n, n).
			Labelled("%d on the left, %d on the right", len(left), len(right)).
			Suggest("write `solve (a, b) = (c, d) for u', v'`: one equation per unknown, in their order")
		return nil, nil
	}
	return left, right
}

// system forms right - left and its derivative.
func (c *checker) system(s *syntax.Solve, sv *solver, bs *blockState) bool {
	left, right := c.equationSides(s, len(sv.targets))
	if left == nil {
		return false
	}
	eq := c.nested(bs, nil)
	eq.once = bs.once
	eq.unknowns = map[*Field]*Field{}
	for k, f := range sv.targets {
		eq.unknowns[f] = sv.unknown[k]
	}
	ok := true
	dir := map[*Field]*Field{}
	for k := range sv.unknown {
		dir[sv.unknown[k]] = sv.dir[k]
	}
	d := &derive{dir: dir, memo: map[*Node]*Node{}, fail: func(at diag.Span, why string) {
		if ok {
			c.errs.Errorf("WF0342", at, "this cannot be linearised: %s", why).Note("a solver needs the derivative of the equation").Suggest("write it without, or step explicitly")
		}
		ok = false
	}}
	for k, f := range sv.targets {
		sc := &scope{what: "this equation", grid: f.Grid, on: f.Axes, block: eq, comp: k}
		l, r := c.num(left[k], sc), c.num(right[k], sc)
		if l.invalid() || r.invalid() || !c.sameUnit(l, r, "cannot be the two sides of an equation") {
			ok = false
			continue
		}
		sv.f = append(sv.f, compute(ir.Sub, l.Unit, l.At, r, l))
		j, jr := d.of(l), d.of(r)
		switch {
		case jr == nil:
		case j == nil:
			j = neg(jr)
		default:
			j = compute(ir.Sub, l.Unit, l.At, j, jr)
		}
		if j == nil && ok {
			c.errs.Errorf("WF0341", left[k].Span(), "the unknown does not occur in this equation").With(s.For[k].At, "solved for here").
				Note("without a prime, a field is its value before the step").Suggest("write %s' for the unknown", s.For[k].Name.Name)
			ok = false
		}
		sv.jac = append(sv.jac, j)
	}
	return ok
}

// instantiate writes the program of the method out and returns the solution.
func (c *checker) instantiate(sv *solver, bs *blockState, guess *carried) *carried {
	m := sv.method
	in := c.nested(bs, nil)
	in.into = bs.into
	if bs.into == nil {
		in.into = &bs.block.Stmts
	}
	in.solve = sv
	in.vars["unknown"] = &carried{name: "unknown", fields: sv.unknown}
	in.vars["guess"] = guess
	in.vars["scalar"] = &carried{name: "scalar", fields: []*Field{{Elem: sv.unknown[0].Elem, Unit: one(), Scale: 1}}}
	if !sv.inner {
		in.vars["tracing"] = &carried{name: "tracing", fields: []*Field{c.tracing(sv)}}
	}
	before := c.errs.Len()
	if m.name == "multigrid" || m.pre.name == "multigrid" {
		if !c.makeLevels(sv, in) {
			return nil
		}
		for l, lv := range sv.levels[1:] {
			in.vars[fmt.Sprintf("unknown%d", l+1)] = &carried{name: "unknown", fields: lv.unknown}
		}
	}
	text, err := solvers.Text(m.name, sv.data(), sv.precondition, sv.prepare)
	if err != nil {
		c.errs.Errorf("WF0343", sv.at, "the solver %s cannot be written out: %v", m.name, err)
		return nil
	}
	c.noUnits++
	defer func() { c.noUnits-- }()
	for _, s := range c.program(m.name, text, sv.at) {
		c.bodyStmt(s, in)
	}
	x, rr := in.vars["x"], in.vars["rr"]
	if c.errs.Len() > before || x == nil || len(x.fields) == 0 || rr == nil {
		return nil
	}
	if sv.inner {
		return x
	}
	c.incompatible(sv, in)
	c.solveFails(sv, in, bs)
	if bs.solved == nil {
		bs.solved = map[string]*solved{}
	}
	for i, f := range sv.targets {
		name := sv.names[i]
		bs.solved[name] = &solved{f, in.vars["k"].fields[0], sv.residualField}
	}
	return x
}

// innerSolve writes the linear solve of Newton's method out: the derivative at x applied to the step is the residual there.
func (c *checker) innerSolve(s *syntax.Solve, outer *solver, bs *blockState) {
	m := outer.method.inner
	x, _, _ := bs.find("x")
	zero, _, _ := bs.find("zero")
	if m == nil || x == nil || zero == nil || len(x.fields) == 0 || len(zero.fields) == 0 {
		return
	}
	sv := &solver{at: outer.at, method: m, targets: outer.targets, names: outer.names, mean: outer.mean, singular: outer.singular, inner: true,
		dir: outer.dir, name: c.uniqueLocal(outer.name + "." + m.name)}
	if !c.limits(m, sv, bs.top()) {
		return
	}
	at := map[*Field]*Node{}
	toUnknown := map[*Field]*Node{}
	for k, f := range outer.unknown {
		at[f] = &Node{Op: Read, Field: x.fields[k], Unit: f.Unit, At: sv.at, Sub: fieldSubs(x.fields[k])}
		u := *outer.dir[k]
		sv.unknown = append(sv.unknown, &u)
		toUnknown[outer.dir[k]] = &Node{Op: Read, Field: &u, Unit: f.Unit, At: sv.at, Sub: fieldSubs(f)}
	}
	for k := range outer.f {
		j := replaced(outer.jac[k], at)
		sv.jac = append(sv.jac, j)
		sv.f = append(sv.f, compute(ir.Sub, one(), sv.at, replaced(outer.f[k], at), replaced(j, toUnknown)))
	}
	d := c.instantiate(sv, bs, zero)
	if d != nil {
		bs.vars[s.For[0].Name.Name] = &carried{name: "change", at: sv.at, fields: d.fields}
	}
}

// incompatible says whether the right side of a singular equation has a mean: of b over its N points, |sum b|/N > slack*sqrt(sum b^2/N).
func (c *checker) incompatible(sv *solver, in *blockState) {
	none := in.vars["none"]
	if !sv.singular || none == nil || len(none.fields) == 0 {
		return
	}
	var at []*Node
	for k, f := range none.fields {
		at = append(at, &Node{Op: Read, Field: f, Next: true, Unit: one(), At: sv.at, Sub: fieldSubs(sv.unknown[k])})
	}
	slack := 1e-2
	if sv.targets[0].Elem == ir.F64 {
		slack = 1e-6
	}
	for k, f := range sv.targets {
		if !sv.mean[k] {
			continue
		}
		b := outside(f, sv.residual(k, at))
		if w := c.volumes(f, sv.at); w != nil {
			b = compute(ir.Mul, one(), sv.at, w, b)
		}
		sum, count := c.total(ir.Sum, b, f, sv.at)
		squares, _ := c.total(ir.Sum, compute(ir.Mul, one(), sv.at, b, b), f, sv.at)
		allowed := compute(ir.Mul, one(), sv.at, number(slack*slack*count, one(), sv.at), squares)
		bad := compute(ir.Lt, one(), sv.at, allowed, compute(ir.Mul, one(), sv.at, sum, sum))
		c.failWhen(bad, sv.name+".incompatible", &Failure{Code: "WF0634", At: sv.at, Message: "the right side of the equation for " + f.Name +
			" has a mean, and the equation determines " + f.Name + " only up to a constant: it has no solution\n" +
			"sources and what flows in through the sides must balance: check the signs of the slopes, or subtract the mean, as in `= f - mean(f)`"}, in)
	}
}

// program reads the text of a solver. Its places are that of the solve.
func (c *checker) program(name, text string, at diag.Span) []syntax.Stmt {
	f, errs := syntax.Parse("solver "+name, text)
	if errs.HasErrors() {
		c.errs.Errorf("WF0343", at, "the solver %s cannot be read: %v", name, errs.Err())
		return nil
	}
	syntax.SetPlace(f, at)
	return f.Stmts
}

// condition checks a condition in the words of a solver's program.
func (c *checker) solverTruth(text string, in *blockState, at diag.Span) *Node {
	e, errs := syntax.ParseExpr("solver", text)
	if errs.HasErrors() {
		return bad(at)
	}
	syntax.SetPlace(e, at)
	return c.truth(e, &scope{what: "a solver", form: true, block: in})
}

// solveFails ends the run where a solver did not reach its tolerance.
func (c *checker) solveFails(sv *solver, in, bs *blockState) {
	unknown := sv.targets[0].Name
	rel := c.local(sv.name+".residual", nil, nil, in.vars["rr"].fields[0].Elem, one(), sv.at)
	e, _ := syntax.ParseExpr("solver", "relative(rr, ref)")
	syntax.SetPlace(e, sv.at)
	sv.residualField = rel
	in.add(&Assign{Kind: Plain, Field: rel, At: sv.at, Value: c.num(e, &scope{what: "a solver", form: true, block: in})})
	entries := c.local(sv.name+".entries", nil, nil, ir.I32, one(), sv.at)
	count, _ := syntax.ParseExpr("solver", fmt.Sprintf("min(%d, floor((k - 1)/stride) + 1)", historyLength))
	syntax.SetPlace(count, sv.at)
	in.add(&Assign{Kind: Plain, Field: entries, At: sv.at, Value: c.num(count, &scope{what: "a solver", form: true, block: in})})
	k := in.vars["k"].fields[0].Name
	norm := "2-norm"
	if sv.method.maxNorm {
		norm = "maximum norm"
	}
	stagnated := "rr > limit and k < most"
	if sv.usual && c.hasDiagonal(sv) {
		stagnated += " and rr > reach(x)"
	}
	e32 := ""
	if sv.targets[0].Elem == ir.F32 {
		e32 = "; ask for a larger tol, or declare " + unknown + ": f64 for the CPU"
	}
	for _, x := range []struct{ cond, code, suffix, text string }{
		{"rr > limit and k >= most", "WF0631", "unconverged",
			fmt.Sprintf("solve for %s by %s did not converge: after {%s} iterations the residual is {%s} of the right side in the %s\n%s", unknown, sv.method.name, k, rel.Name, norm, sv.slow())},
		{stagnated, "WF0632", "stagnated",
			fmt.Sprintf("solve for %s by %s stagnated: after {%s} iterations the residual is {%s} of the right side in the %s and does not fall further%s", unknown, sv.method.name, k, rel.Name, norm, e32)},
		{"not (rr > limit) and not (rr <= limit)", "WF0633", "broke",
			fmt.Sprintf("solve for %s by %s broke down after {%s} iterations: the residual is not a number", unknown, sv.method.name, k)},
	} {
		c.failWhen(c.solverTruth(x.cond, in, sv.at), sv.name+"."+x.suffix, &Failure{Code: x.code, Message: x.text, At: sv.at,
			History: in.vars["trace"].fields[0], Entries: entries}, in)
	}
}

// slow says what helps a method that needs more iterations than it may take.
func (sv *solver) slow() string {
	switch sv.method.name {
	case "multigrid":
		return "a residual that hardly falls: sizes of the grid that can be halved more often, or `cg(pre = multigrid)`; one that falls: a larger max"
	case "newton":
		return "a first guess that is closer, as that of a smaller step, or a larger max"
	case "jacobi", "chebyshev":
		return "give it a larger max, or use cg or multigrid, which need fewer iterations"
	}
	return "give it a larger max, or a preconditioner, as in `" + sv.method.name + "(pre = multigrid)`"
}

// centred is a value without its mean over the unknowns of a field that obey their equation, which mean(..) computes.
func (c *checker) centred(n *Node, f *Field, at diag.Span) *Node {
	weight := number(1, one(), at)
	weighted := n
	if w := c.widths(f.Axes, at); w != nil {
		weight, weighted = w, compute(ir.Mul, n.Unit, at, w, n)
	}
	if free := outside(f, weight); !free.host { // those that obey it
		m, _ := c.total(ir.Sum, outside(f, weighted), f, at)
		all, _ := c.total(ir.Sum, free, f, at)
		return compute(ir.Sub, n.Unit, at, n, compute(ir.Div, m.Unit, at, m, all))
	}
	m, count := c.total(ir.Sum, weighted, f, at)
	mean := compute(ir.Div, m.Unit, at, m, number(count, one(), at))
	return compute(ir.Sub, n.Unit, at, n, mean)
}

// total reduces a value over the unknowns of a field and counts them, each by its width.
func (c *checker) total(comb ir.Combiner, n *Node, f *Field, at diag.Span) (*Node, float64) {
	t := c.reduceNode(comb, fieldVars(f), n, at)
	count := 1.0
	t.Rounded = true
	for k, a := range f.Axes {
		var trim [2]int
		if a.Nodes && !a.Periodic && a.N > 2 {
			for i, high := range []bool{false, true} {
				if q := f.Cond(a, high); q != nil && q.Kind == ir.Value {
					trim[i] = 1
				}
			}
		}
		t.Trim = append(t.Trim, trim)
		count *= f.Axes[k].evenWidths(trim)
	}
	return t, count
}
