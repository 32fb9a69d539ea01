package check

import (
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// Implicit integrators are spellings of `solve`. With all equations dt(u) = f(u) of an evolve taken together,
//
//	backward_euler   u' - h*f(u') = u                                                    order 1, L-stable
//	crank_nicolson   u' - h/2*f(u') = u + h/2*f(u)                                       order 2, A-stable
//	bdf2             u' - h*(1+w)/(1+2w)*f(u') = (1+w)^2/(1+2w)*u - w^2/(1+2w)*u(n-1)    order 2, L-stable
//	imex             u' - h*g(u') = u + h*e(u)                                           order 1
//	cnab2            u' - h/2*g(u') = u + h/2*g(u) + h*((1+w/2)*e(u) - w/2*e(n-1))       order 2
//
// where f' is taken at the end of the step, also in its use of the time, and w is the length of the step over that of the one before. Methods
// that look one step back begin with a step that does not: of backward Euler, and of forward Euler for e, whose errors count once (E. Hairer,
// G. Wanner, Solving Ordinary Differential Equations II, sections III.1 and V.1; U. Ascher, S. Ruuth, B. Wetton, Implicit-explicit methods,
// 1995). For the last two f = g + e, with g the terms written implicit(..). How the equations are solved may be said in parentheses, as in
// `by crank_nicolson(cg(tol = 1e-8))`; without it `solve` chooses.
type implicitMethod struct {
	name        string
	left, right string // the sides of the equation, in the names below
	split       bool   // g and e are told apart
	back        string // what is kept of the step before, "" for nothing
}

// In the templates U is the field, NEXT its next value, F, G and E the right side and its parts at the start of the step, FNEXT and GNEXT
// at its end, BACK what is kept of the step before, W the ratio of step lengths, and FIRST whether this is the first step.
var implicitMethods = []implicitMethod{
	{name: "backward_euler", left: "NEXT - step*FNEXT", right: "U"},
	{name: "crank_nicolson", left: "NEXT - 0.5*step*FNEXT", right: "U + 0.5*step*F"},
	{name: "bdf2", left: "NEXT - where(FIRST, 1, (1 + W)/(1 + 2*W))*step*FNEXT", right: "where(FIRST, U, (1 + W)^2/(1 + 2*W)*U - W^2/(1 + 2*W)*BACK)", back: "U"},
	{name: "imex", left: "NEXT - step*GNEXT", right: "U + step*E", split: true},
	{name: "cnab2", left: "NEXT - 0.5*step*GNEXT", right: "U + 0.5*step*G + step*where(FIRST, E, (1 + 0.5*W)*E - 0.5*W*BACK)", split: true, back: "E"},
}

// implicitOf is the implicit method of an evolve and the solver given to it, nil when its method is none.
func implicitOf(e *syntax.Evolve) (*implicitMethod, syntax.Expr) {
	name, solver := "", syntax.Expr(nil)
	switch by := e.By.(type) {
	case *syntax.Ref:
		name = by.Name.Name
	case *syntax.Call:
		if len(by.Args) == 1 && by.Args[0].Name == nil {
			name, solver = by.Func.Name, by.Args[0].Value
		}
	}
	for i := range implicitMethods {
		if implicitMethods[i].name == name {
			return &implicitMethods[i], solver
		}
	}
	return nil, nil
}

// implicitly rewrites the equations of an evolve for its implicit method; nil after an error.
func (c *checker) implicitly(e *syntax.Evolve, m *implicitMethod, solver syntax.Expr, bs *blockState) []syntax.Stmt {
	r := &implicitWriter{c: c, e: e, m: m, lets: map[string]*syntax.BindItem{}, fields: map[string]bool{}}
	b := bs.block
	var eqs []*syntax.Equation
	for _, s := range e.Body.Stmts {
		switch s := s.(type) {
		case *syntax.Equation:
			id, order := timeDerivative(s.Left)
			if id == nil {
				c.equation(s, bs) // reports it
				return nil
			}
			if order == 2 {
				c.errs.Errorf("WF0316", s.At, "dt(dt(%s)) is advanced by leapfrog, not by %s", id.Name, m.name).With(b.ByAt, "given here").
					Suggest("write two equations: dt(%s) = v and dt(v) = ..", id.Name)
				return nil
			}
			eqs = append(eqs, s)
			r.fields[id.Name] = true
		case *syntax.Bind:
			for _, it := range s.Items {
				r.lets[it.Name.Name] = it
			}
		}
	}
	if len(eqs) == 0 {
		c.errs.Errorf("WF0316", b.ByAt, "%s has no equation to integrate here", m.name).
			Note("assignments `T' = ..` are evaluated as written, once a step").Suggest("write `dt(T) = ..`, or remove `by %s`", m.name)
		return nil
	}
	if m.back != "" && b.Dynamic {
		c.errs.Errorf("WF0316", b.ByAt, "%s looks one step back, and here steps have many lengths", m.name).With(e.Step.At, "chosen while the program runs").
			Suggest("use crank_nicolson or imex, or give a fixed step")
		return nil
	}
	var left, right []syntax.Expr
	var kept []syntax.Stmt
	sv := &syntax.Solve{Loc: eqs[0].Loc, Using: solver}
	for _, s := range eqs {
		id, _ := timeDerivative(s.Left)
		p, ok := r.parts(s, id)
		if !ok {
			return nil
		}
		if m.back != "" {
			sym := c.names[id.Name]
			if sym == nil || sym.field == nil {
				c.target(id, s.Left.Span(), bs) // reports it
				return nil
			}
			f := sym.field
			u := f.Unit
			if m.back == "E" {
				u = u.div(b.Unit)
			}
			back := c.local(f.Name+"."+map[string]string{"U": "before", "E": "rate"}[m.back], f.Grid, f.Axes, f.Elem, u, s.At)
			c.names[back.Name] = &symbol{at: s.At, field: back, what: "field"}
			name := &syntax.Ident{Loc: s.Loc, Name: back.Name}
			p["BACK"] = &syntax.Ref{Loc: s.Loc, Name: name}
			kept = append(kept, &syntax.Assign{Loc: s.Loc, Target: &syntax.Ref{Loc: s.Loc, Name: name, Prime: true}, Value: p[m.back]})
		}
		left, right = append(left, r.template(m.left, p, s.At)), append(right, r.template(m.right, p, s.At))
		sv.For = append(sv.For, &syntax.Ref{Loc: syntax.Loc{At: s.Left.Span()}, Name: id, Prime: true})
	}
	sv.Left, sv.Right = left[0], right[0]
	if len(eqs) > 1 {
		sv.Left, sv.Right = &syntax.Tuple{Loc: sv.Loc, Elems: left}, &syntax.Tuple{Loc: sv.Loc, Elems: right}
	}
	// The solve stands where the last equation does: what comes after it may read its result.
	var out []syntax.Stmt
	for _, s := range e.Body.Stmts {
		q, ok := s.(*syntax.Equation)
		if !ok {
			out = append(out, s)
		} else if q == eqs[len(eqs)-1] {
			out = append(append(out, kept...), sv)
		}
	}
	return out
}

// implicitWriter writes equations of implicit methods.
type implicitWriter struct {
	c      *checker
	e      *syntax.Evolve
	m      *implicitMethod
	lets   map[string]*syntax.BindItem // of the body
	fields map[string]bool             // advanced here
	bad    bool
}

// parts gives the names of the templates their meaning for one equation.
func (r *implicitWriter) parts(s *syntax.Equation, id *syntax.Ident) (map[string]syntax.Expr, bool) {
	loc := syntax.Loc{At: s.Right.Span()}
	p := map[string]syntax.Expr{
		"U":    &syntax.Ref{Loc: syntax.Loc{At: s.Left.Span()}, Name: id},
		"NEXT": &syntax.Ref{Loc: syntax.Loc{At: s.Left.Span()}, Name: id, Prime: true},
	}
	if !r.m.split {
		p["F"] = s.Right
		p["FNEXT"] = r.next(s.Right, 0)
		return p, !r.bad
	}
	var g, e syntax.Expr
	r.terms(s.Right, syntax.OpAdd, func(x syntax.Expr, op syntax.Op) {
		into := &e
		if call, ok := syntax.Unparen(x).(*syntax.Call); ok && call.Func.Name == "implicit" && len(call.Args) == 1 {
			x, into = call.Args[0].Value, &g
		}
		x = &syntax.Paren{Loc: syntax.Loc{At: x.Span()}, X: x}
		switch {
		case *into != nil:
			*into = &syntax.Binary{Loc: loc, Op: op, OpAt: loc.At, X: *into, Y: x}
		case op == syntax.OpSub:
			*into = &syntax.Unary{Loc: loc, Op: op, X: x}
		default:
			*into = x
		}
	})
	if g == nil {
		r.c.errs.Errorf("WF0316", s.Right.Span(), "%s needs to know which terms of this equation are implicit", r.m.name).
			Suggest("write them as implicit(..), for example dt(u) = implicit(nu*lap(u)) - adv(c, u)")
		return nil, false
	}
	if e == nil {
		e = &syntax.Number{Loc: loc, Text: "0"}
	}
	p["G"], p["GNEXT"], p["E"] = g, r.next(g, 0), e
	return p, !r.bad
}

// terms splits a sum.
func (r *implicitWriter) terms(e syntax.Expr, op syntax.Op, put func(syntax.Expr, syntax.Op)) {
	flip := map[syntax.Op]syntax.Op{syntax.OpAdd: syntax.OpSub, syntax.OpSub: syntax.OpAdd}
	switch x := syntax.Unparen(e).(type) {
	case *syntax.Binary:
		if x.Op == syntax.OpAdd || x.Op == syntax.OpSub {
			r.terms(x.X, op, put)
			if x.Op == syntax.OpSub {
				op = flip[op]
			}
			r.terms(x.Y, op, put)
			return
		}
	case *syntax.Unary:
		if x.Op == syntax.OpSub {
			r.terms(x.X, flip[op], put)
			return
		}
	}
	put(e, op)
}

// template reads an expression in the names of the templates.
func (r *implicitWriter) template(text string, p map[string]syntax.Expr, at diag.Span) syntax.Expr {
	e, _ := syntax.ParseExpr(r.m.name, text)
	syntax.SetPlace(e, at)
	return rewriteExpr(e, func(x syntax.Expr) syntax.Expr {
		ref, ok := x.(*syntax.Ref)
		if !ok || strings.ToUpper(ref.Name.Name) != ref.Name.Name {
			return nil
		}
		switch ref.Name.Name {
		case "W":
			if r.e.Step == nil || r.e.Step.Value == nil {
				return &syntax.Number{Loc: ref.Loc, Text: "1", Value: 1}
			}
			step := &syntax.Ref{Loc: ref.Loc, Name: &syntax.Ident{Loc: ref.Loc, Name: "step"}}
			return &syntax.Paren{Loc: ref.Loc, X: &syntax.Binary{Loc: ref.Loc, Op: syntax.OpDiv, OpAt: ref.At, X: step, Y: &syntax.Paren{Loc: ref.Loc, X: r.e.Step.Value}}}
		case "FIRST":
			first, _ := syntax.ParseExpr(r.m.name, "t < FROM + 0.5*step")
			syntax.SetPlace(first, at)
			return rewriteExpr(first, func(x syntax.Expr) syntax.Expr {
				if ref, ok := x.(*syntax.Ref); ok {
					switch ref.Name.Name {
					case "t":
						return &syntax.Ref{Loc: ref.Loc, Name: r.e.Var}
					case "FROM":
						return &syntax.Paren{Loc: ref.Loc, X: r.e.From}
					}
				}
				return nil
			})
		}
		return &syntax.Paren{Loc: syntax.Loc{At: at}, X: p[ref.Name.Name]}
	})
}

// next rewrites an expression for the end of the step: fields that are advanced have their next values, the time is that of the end. Lets
// are written out where they depend on these.
func (r *implicitWriter) next(e syntax.Expr, depth int) syntax.Expr {
	return rewriteExpr(e, func(x syntax.Expr) syntax.Expr {
		ref, ok := x.(*syntax.Ref)
		if !ok || ref.Prime {
			return nil
		}
		name := ref.Name.Name
		switch {
		case r.fields[name]:
			q := *ref
			q.Prime = true
			return &q
		case name == r.e.Var.Name:
			step := &syntax.Ref{Loc: ref.Loc, Name: &syntax.Ident{Loc: ref.Loc, Name: "step"}}
			return &syntax.Paren{Loc: ref.Loc, X: &syntax.Binary{Loc: ref.Loc, Op: syntax.OpAdd, OpAt: ref.At, X: ref, Y: step}}
		}
		it := r.lets[name]
		if it == nil {
			if s := r.c.names[name]; s != nil {
				it = s.let
			}
		}
		if it == nil || !r.depends(it, 0) {
			return nil
		}
		if len(it.Index) > 0 || depth > 64 {
			if !r.bad {
				r.c.errs.Errorf("WF0316", ref.At, "%s is evaluated at the end of the step, where the `let` %s with indices is not known", r.m.name, name).
					With(it.At, "declared here").Suggest("write it without indices, or integrate by an explicit method")
			}
			r.bad = true
			return ref
		}
		return &syntax.Paren{Loc: ref.Loc, X: r.next(it.Value, depth+1)}
	})
}

// depends says whether a let changes with the fields that are advanced, or with the time.
func (r *implicitWriter) depends(it *syntax.BindItem, depth int) bool {
	found := false
	walkExpr(it.Value, func(e syntax.Expr) {
		ref, ok := e.(*syntax.Ref)
		if !ok || found || depth > 64 {
			return
		}
		inner := r.lets[ref.Name.Name]
		if s := r.c.names[ref.Name.Name]; inner == nil && s != nil {
			inner = s.let
		}
		found = r.fields[ref.Name.Name] || ref.Name.Name == r.e.Var.Name || inner != nil && r.depends(inner, depth+1)
	})
	return found
}

// rewriteExpr copies an expression; where f gives one, it stands instead.
func rewriteExpr(e syntax.Expr, f func(syntax.Expr) syntax.Expr) syntax.Expr {
	if e == nil {
		return nil
	}
	if x := f(e); x != nil {
		return x
	}
	args := func(list []*syntax.Arg) []*syntax.Arg {
		if list == nil {
			return nil
		}
		out := make([]*syntax.Arg, len(list))
		for i, a := range list {
			out[i] = &syntax.Arg{Loc: a.Loc, Name: a.Name, Value: rewriteExpr(a.Value, f)}
		}
		return out
	}
	switch e := e.(type) {
	case *syntax.Ref:
		x := *e
		x.Index = args(e.Index)
		return &x
	case *syntax.Unary:
		x := *e
		x.X = rewriteExpr(e.X, f)
		return &x
	case *syntax.Binary:
		x := *e
		x.X, x.Y = rewriteExpr(e.X, f), rewriteExpr(e.Y, f)
		return &x
	case *syntax.Paren:
		x := *e
		x.X = rewriteExpr(e.X, f)
		return &x
	case *syntax.Tuple:
		x := *e
		x.Elems = nil
		for _, y := range e.Elems {
			x.Elems = append(x.Elems, rewriteExpr(y, f))
		}
		return &x
	case *syntax.Call:
		x := *e
		x.Args = args(e.Args)
		return &x
	case *syntax.Reduce:
		x := *e
		x.Where, x.Body = rewriteExpr(e.Where, f), rewriteExpr(e.Body, f)
		return &x
	}
	return e
}
