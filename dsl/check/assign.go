package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
)

// assign checks `T' = value`, `T'[x, y] = value` and, at top level, `y[i] = value`.
func (c *checker) assign(s *syntax.Assign, bs *blockState) {
	if c.assignCarried(s, bs) {
		return
	}
	r := s.Target
	f := c.target(r.Name, r.At, bs)
	if f == nil {
		return
	}
	if !r.Prime && !bs.once {
		c.errs.Errorf("WF0302", r.At, "inside `evolve` the next value is assigned: %s'", f.Name).
			Note("%s is the value before the step and does not change within it", f.Name).
			Replace(r.Name.At, f.Name+"'", "write %s' = ..", f.Name)
		bs.assigned[f] = &Assign{Field: f, At: s.At}
		return
	}
	if r.Prime && bs.once {
		c.errs.Errorf("WF0303", r.At, "%s' has a meaning inside `evolve` only", f.Name).Replace(r.At, f.Name, "remove the prime")
		return
	}
	a := &Assign{Kind: Plain, Field: f, At: s.At}
	sc := &scope{what: "this assignment", block: bs}
	switch {
	case r.Index != nil:
		ids := make([]*syntax.Ident, 0, len(r.Index))
		for _, x := range r.Index {
			ref, ok := syntax.Unparen(x.Value).(*syntax.Ref)
			if x.Name != nil || !ok || ref.Prime || ref.Index != nil {
				c.errs.Errorf("WF0252", x.At, "the left side has plain indices").
					Note("every point is computed from what the right side reads at offsets").Suggest("write %s'[%s] and shift the right side instead", f.Name, axisNames(f.Axes))
				bs.assigned[f] = a
				return
			}
			ids = append(ids, ref.Name)
		}
		vs, ok := c.leftIndices(ids, f.Axes, r.At, f.Name)
		if !ok {
			bs.assigned[f] = a
			return
		}
		a.Index, sc.index, sc.form = vs, vs, true
	case f.Grid != nil:
		a.Index, sc.grid, sc.on = fieldVars(f), f.Grid, f.Axes
	case len(f.Axes) == 0:
		sc.form = true
	default:
		c.errs.Errorf("WF0253", r.At, "%s needs its indices here", f.Name).With(f.At, "declared here").Suggest("write %s[%s] = ..", f.Name, axisNames(f.Axes))
		bs.assigned[f] = a
		return
	}
	if sc.form {
		sc.sums = c.productSums(s.Value, sc)
	}
	a.Value = c.num(s.Value, sc)
	bs.assigned[f] = a
	f.State = true
	if a.Value.invalid() {
		return
	}
	c.needUnit(a.Value, f.Unit, f.At, f.Name)
	bs.add(a)
}

// equation checks `dt(T) = rhs` and `dt(dt(u)) = rhs`.
func (c *checker) equation(s *syntax.Equation, bs *blockState) {
	id, order := timeDerivative(s.Left)
	if id == nil {
		c.errs.Errorf("WF0304", s.Left.Span(), "the left side of an equation is dt(T) or dt(dt(u)) of a field").
			Suggest("write `dt(T) = ..`, with all else on the right side, or `T' = ..`")
		return
	}
	f := c.target(id, s.Left.Span(), bs)
	if f == nil {
		return
	}
	a := &Assign{Kind: Euler, Field: f, At: s.At}
	bs.assigned[f] = a
	f.State = true
	if bs.block.Count {
		c.errs.Errorf("WF0304", s.Left.Span(), "dt(%s) needs a time, and `evolve %s in ..` counts steps", f.Name, bs.block.Var).
			With(bs.block.At, "steps are counted here").Suggest("write `evolve t from .. to .. step ..`, or `%s' = ..`", f.Name)
		return
	}
	sc := &scope{what: "this equation", block: bs, grid: f.Grid}
	switch {
	case f.Grid != nil:
		a.Index, sc.on = fieldVars(f), f.Axes
	case len(f.Axes) == 0:
		sc.form = true
	default:
		c.errs.Errorf("WF0304", s.Left.Span(), "dt(..) is for fields on grids; %s is over dims", f.Name).With(f.At, "declared here").
			Suggest("write %s'[%s] = %s[%s] + step*..", f.Name, axisNames(f.Axes), f.Name, axisNames(f.Axes))
		return
	}
	if !f.Elem.IsFloat() {
		c.errs.Errorf("WF0213", s.Left.Span(), "a time derivative needs a floating-point field; %s is %s", f.Name, f.Elem).With(f.At, "declared here").
			Suggest("declare it `%s: f32`", f.Name)
	}
	if order == 2 {
		a.Kind = Second
		f.Second = true
		c.secondUnit[f] = bs.block.Unit
		if c.secondIn[f] != nil {
			c.errs.Errorf("WF0301", s.Left.Span(), "%s has two equations of second order", f.Name).With(c.secondIn[f].At, "the other `evolve` is here").
				Suggest("use one `evolve` for it: the value one step back belongs to it")
			return
		}
		c.secondIn[f] = bs.block
	}
	a.Value = c.num(s.Right, sc)
	if a.Value.invalid() {
		return
	}
	c.needUnit(a.Value, f.Unit.mulPow(bs.block.Unit, mkRat(int64(-order), 1)), s.Left.Span(), s.Left.Span().Text())
	bs.add(a)
}

// timeDerivative recognises dt(T) and dt(dt(T)).
func timeDerivative(e syntax.Expr) (*syntax.Ident, int) {
	for order := 0; order <= 2; order++ {
		switch x := syntax.Unparen(e).(type) {
		case *syntax.Call:
			if x.Func.Name != "dt" || len(x.Args) != 1 || x.Args[0].Name != nil {
				return nil, 0
			}
			e = x.Args[0].Value
		case *syntax.Ref:
			if x.Prime || x.Index != nil || order == 0 {
				return nil, 0
			}
			return x.Name, order
		default:
			return nil, 0
		}
	}
	return nil, 0
}
