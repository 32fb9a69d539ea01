package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

// implicit carries what the body of a loop assigns and its head does not name: fields of the program, and values of loops around it. It
// returns what assigns their last values after the loop.
func (c *checker) implicit(s *syntax.Loop, bs, first, in *blockState, ctl *Control) []func() {
	var back []func()
	for _, id := range assignedNames(s) {
		if in.vars[id.Name] != nil {
			continue
		}
		outer := c.assignable(id, bs)
		if outer == nil {
			continue
		}
		if old := bs.assigned[outer]; old != nil {
			c.errs.Errorf("WF0301", id.At, "%s is assigned twice in one step", id.Name).With(old.At, "first here").
				Note("a loop gives what it assigns one value, the last").Suggest("keep one assignment, or let the loop carry a value of its own")
			continue
		}
		f := c.local(ctl.Name+"."+id.Name, outer.Grid, outer.Axes, outer.Elem, outer.Unit, id.At)
		f.index, f.BC = outer.index, outer.BC
		w := &carried{name: id.Name, at: id.At, fields: []*Field{f}, live: true}
		n := &Node{Op: Read, Field: outer, Unit: outer.Unit, At: id.At, Next: bs.top().once && bs.hasAssigned(outer), Sub: fieldSubs(outer)}
		a := &Assign{Kind: Plain, Field: f, Index: fieldVars(f), Value: n, At: id.At}
		first.assigned[f] = a
		first.add(a)
		first.vars[id.Name], in.vars[id.Name] = w, w
		outer.State = true
		back = append(back, func() {
			last := &Node{Op: Read, Field: f, Unit: f.Unit, At: id.At, Sub: fieldSubs(f)}
			a := &Assign{Kind: Plain, Field: outer, Index: fieldVars(outer), Value: last, At: id.At}
			bs.assigned[outer] = a
			bs.add(a)
		})
	}
	return back
}

// fieldSubs read a field at the point.
func fieldSubs(f *Field) []Sub {
	var out []Sub
	for k := range f.Axes {
		v := f.InitIndex(k)
		out = append(out, Sub{Var: &v})
	}
	return out
}

// assignable is the field or carried value a name stands for where it may be assigned, nil otherwise.
func (c *checker) assignable(id *syntax.Ident, bs *blockState) *Field {
	if v, l, _ := bs.find(id.Name); v != nil || l != nil {
		if v != nil && v.live && len(v.fields) == 1 {
			return v.fields[0]
		}
		return nil
	}
	if s := c.names[id.Name]; s != nil {
		return s.field
	}
	return nil
}

// assignedNames lists what the body of a loop assigns outside of loops inside it that carry it themselves, in order.
func assignedNames(s *syntax.Loop) []*syntax.Ident {
	var out []*syntax.Ident
	seen := map[string]bool{}
	var stmts func(list []syntax.Stmt, bound map[string]bool)
	put := func(id *syntax.Ident, bound map[string]bool) {
		if !seen[id.Name] && !bound[id.Name] {
			seen[id.Name] = true
			out = append(out, id)
		}
	}
	stmts = func(list []syntax.Stmt, bound map[string]bool) {
		for _, s := range list {
			switch s := s.(type) {
			case *syntax.Assign:
				if s.Target.Prime {
					put(s.Target.Name, bound)
				}
			case *syntax.Solve:
				for _, r := range s.For {
					put(r.Name, bound)
				}
			case *syntax.If:
				stmts(s.Then.Stmts, bound)
				if s.Else != nil {
					stmts(s.Else.Stmts, bound)
				}
			case *syntax.Loop:
				inner := map[string]bool{}
				for k := range bound {
					inner[k] = true
				}
				for _, v := range s.Vars {
					inner[v.Name.Name] = true
				}
				stmts(s.Body.Stmts, inner)
			}
		}
	}
	stmts(s.Body.Stmts, map[string]bool{})
	return out
}

// assignCarried checks `x' = value` where a loop carries x; false when none does.
func (c *checker) assignCarried(s *syntax.Assign, bs *blockState) bool {
	r := s.Target
	v, _, owner := bs.find(r.Name.Name)
	if v == nil {
		return false
	}
	switch {
	case len(v.fields) == 0:
		return true
	case !v.live || owner.first:
		c.errs.Errorf("WF0302", r.At, "%s cannot be assigned here", v.name).With(v.at, "a loop declares it here").
			Note("only the body of its loop gives a carried value its next value").Suggest("carry a value of another name")
		return true
	case !r.Prime:
		c.errs.Errorf("WF0302", r.At, "inside a loop the next value is assigned: %s'", v.name).
			Note("%s is the value before the iteration and does not change within it", v.name).
			Replace(r.Name.At, v.name+"'", "write %s' = ..", v.name)
		return true
	}
	for k, f := range v.fields {
		if old := bs.assigned[f]; old != nil && k == 0 {
			c.errs.Errorf("WF0301", r.At, "%s is assigned twice in one iteration", v.name).With(old.At, "first here").
				Suggest("keep one assignment, or name the intermediate value with `let`")
			return true
		}
		a := &Assign{Kind: Plain, Field: f, Index: fieldVars(f), At: s.At}
		sc := &scope{what: "this assignment", block: bs, comp: k, grid: f.Grid, on: f.Axes}
		switch {
		case r.Index != nil:
			if a.Index = c.indexedTarget(r, f); a.Index == nil {
				bs.assigned[f] = a
				return true
			}
			sc.index, sc.form, sc.grid = a.Index, true, nil
		case f.Grid == nil && len(f.Axes) > 0 && bs.solving() != nil:
			sc.index, sc.form, sc.grid = a.Index, true, nil
		case f.Grid == nil && len(f.Axes) > 0:
			c.errs.Errorf("WF0253", r.At, "%s needs its indices here", v.name).With(f.At, "declared here").Suggest("write %s'[%s] = ..", v.name, axisNames(f.Axes))
			bs.assigned[f] = a
			return true
		case f.Grid == nil:
			sc.form = true
		}
		if sc.form {
			sc.sums = c.productSums(s.Value, sc)
		}
		a.Value = c.num(s.Value, sc)
		if !a.Value.invalid() {
			c.needUnit(a.Value, f.Unit, v.at, v.name)
			bs.add(a)
		}
		bs.assigned[f] = a
	}
	return true
}

// indexedTarget resolves the plain indices of a left side; nil when there was an error.
func (c *checker) indexedTarget(r *syntax.Ref, f *Field) []IndexVar {
	ids := make([]*syntax.Ident, 0, len(r.Index))
	for _, x := range r.Index {
		ref, ok := syntax.Unparen(x.Value).(*syntax.Ref)
		if x.Name != nil || !ok || ref.Prime || ref.Index != nil {
			c.errs.Errorf("WF0252", x.At, "the left side has plain indices").
				Note("every point is computed from what the right side reads at offsets").Suggest("write %s'[%s] and shift the right side instead", r.Name.Name, axisNames(f.Axes))
			return nil
		}
		ids = append(ids, ref.Name)
	}
	vs, ok := c.leftIndices(ids, f.Axes, r.At, r.Name.Name)
	if !ok {
		return nil
	}
	return vs
}

// placeOf is the grid a first value lives on: that of the fields in it outside of reductions over whole fields, nil when there are none.
func (c *checker) placeOf(e syntax.Expr, bs *blockState) *Grid {
	var found *Grid
	seen := map[*syntax.BindItem]bool{}
	var look func(e syntax.Expr)
	look = func(e syntax.Expr) {
		if found != nil || e == nil {
			return
		}
		switch e := e.(type) {
		case *syntax.Ref:
			if e.Index != nil {
				return
			}
			v, l, _ := bs.find(e.Name.Name)
			if v != nil {
				if len(v.fields) > 0 {
					found = v.fields[0].Grid
				}
				return
			}
			var it *syntax.BindItem
			if l != nil {
				it = l.item
			} else if s := c.names[e.Name.Name]; s != nil {
				if s.field != nil {
					found = s.field.Grid
					return
				}
				it = s.let
			}
			if it != nil && !seen[it] {
				seen[it] = true
				look(it.Value)
			}
		case *syntax.Call:
			if wholeCall(e) || bs.solving() != nil && (e.Func.Name == "size" || e.Func.Name == "inner") {
				return
			}
			for _, a := range e.Args {
				look(a.Value)
			}
		case *syntax.Reduce:
		case *syntax.Unary:
			look(e.X)
		case *syntax.Binary:
			look(e.X)
			look(e.Y)
		case *syntax.Paren:
			look(e.X)
		case *syntax.Tuple:
			for _, x := range e.Elems {
				look(x)
			}
		}
	}
	look(e)
	return found
}

// wholeCall says whether a call reduces a whole field to a number.
func wholeCall(e *syntax.Call) bool {
	switch e.Func.Name {
	case "sum", "mean", "norm", "dot", "integral":
		return true
	case "max", "min":
		return len(e.Args) == 1
	}
	return false
}

// loopFails makes the run end with a diagnostic when a loop reaches its bound while its condition still holds.
func (c *checker) loopFails(s *syntax.Loop, bs, in *blockState, ctl *Control) {
	c.failWhen(ctl.Cond, ctl.Name+".failed", &Failure{Code: "WF0630", At: s.While.Span(),
		Message: "the loop reached its bound of iterations and `" + s.While.Span().Text() + "` still holds"}, bs)
}

// failWhen ends the run with a failure when a condition holds here.
func (c *checker) failWhen(cond *Node, name string, x *Failure, bs *blockState) {
	if cond.invalid() {
		return
	}
	f := c.local(name, nil, nil, ir.I32, one(), x.At)
	old := &Node{Op: Read, Field: f, Unit: one(), At: x.At}
	bs.add(&Assign{Kind: Plain, Field: f, At: x.At, Value: compute(ir.Select, one(), x.At, cond, number(1, one(), x.At), old)})
	x.Flag = f
	c.prog.Failures = append(c.prog.Failures, x)
	bs.block.Stops = append(bs.block.Stops, f)
}

// likeLet checks `let r = value like T [homogeneous]`: a value of this step with boundary conditions, so that derivatives of it exist.
func (c *checker) likeLet(it *syntax.BindItem, bs *blockState) {
	w := &carried{name: it.Name.Name, at: it.Name.At, given: true}
	defer func() { bs.vars[w.name] = w }()
	for k, like := range c.likes(&syntax.LoopVar{Name: it.Name, Like: it.Like}, bs) {
		sc := &scope{what: "the value of " + w.name, block: bs, comp: k, grid: like.Grid, on: like.Axes, form: like.Grid == nil}
		n := c.num(it.Value, sc)
		if n.invalid() {
			w.fields = nil
			return
		}
		name := it.Name.Name
		if sv := bs.solving(); sv != nil {
			name = sv.name + "." + name
		} else {
			name = "let." + name
		}
		f := c.local(name, like.Grid, nil, like.Elem, n.Unit, it.At)
		c.placeLike(f, like, like.Grid)
		if f.BC, f.Holds = like.BC, like.Holds; it.Homogeneous {
			f.BC, f.Holds = homogeneous(like.BC), homogeneousHolds(like.Holds)
		}
		w.fields = append(w.fields, f)
		a := &Assign{Kind: Plain, Field: f, Index: fieldVars(f), Value: n, At: it.At}
		bs.assigned[f] = a
		bs.add(a)
	}
}
