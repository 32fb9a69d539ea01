package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// scope is what an expression may mention where it stands.
type scope struct {
	what  string  // for messages: "the value of a const"
	host  bool    // only what is known before the run
	grid  *Grid   // pointwise form: fields of this grid and its coordinates stand for their value at the point
	on    []*Axis // the axes of the place on the grid, when they are not those of its points
	index []IndexVar
	outer int  // how many of index belong to the use of a let: a reduction inside the let may bind them again
	form  bool // index form: fields need indices
	block *blockState
	init  bool  // initial value: fields declared before may be read
	side  *Axis // boundary value: this axis has no coordinate here
	high  bool  // and this is its high end
	sums  map[syntax.Expr][]IndexVar
	inDer bool               // inside a derivative
	atEnd bool               // the time means the end of the step
	args  map[string][]*Node // parameters of the function being written out
	fn    *function          // that function
	comp  int                // which component of a vector of unknowns is meant
}

// blockState is what the statements of an evolve (or of a run of assignments) have defined so far.
type blockState struct {
	block    *Block
	assigned map[*Field]*Assign
	lets     map[string]*localLet
	once     bool
	id       int

	vars     map[string]*carried // what a loop carries, and the results of loops that are over
	outer    *blockState         // the body around this one
	into     *[]*Assign          // where statements go; nil for those of the block
	first    bool                // first values of a loop: names mean the first values before them
	loop     bool                // the body of a loop
	pure     bool                // the body of a function
	caller   *blockState         // where that is called
	solve    *solver             // names of a solver's program
	unknowns map[*Field]*Field   // what stands for next values in an equation to be solved
	solved   map[string]*solved  // what solves before this statement report
}

// localLet is a let of a block: an expression checked where it is used, or a map.
type localLet struct {
	item *syntax.BindItem
	let  *Let
}

// letKey identifies the checked value of a let in one context. State matters because X' may have been assigned in between.
type letKey struct {
	item       *syntax.BindItem
	grid       *Grid
	place      string
	side       *Axis
	high       bool
	block      int
	at         int // statements assigned so far
	index      string
	form, host bool
	comp       int
}

func (s *scope) lookupIndex(name string) (IndexVar, bool) {
	for i := len(s.index) - 1; i >= 0; i-- {
		if s.index[i].Name == name {
			return s.index[i], true
		}
	}
	return IndexVar{}, false
}

// bound reports whether a reduction cannot bind name: it has a value in the expression the reduction stands in.
func (s *scope) bound(name string) bool {
	for _, v := range s.index[s.outer:] {
		if v.Name == name {
			return true
		}
	}
	return false
}

// with returns a copy of the scope with more indices.
func (s *scope) with(vs []IndexVar) *scope {
	t := *s
	t.index = append(append([]IndexVar(nil), s.index...), vs...)
	return &t
}

// indexVar is the index a name means in brackets: one of the scope or, in an equation, an axis of its grid.
func (s *scope) indexVar(name string) (IndexVar, bool) {
	if v, ok := s.lookupIndex(name); ok || s.grid == nil || s.form {
		return v, ok
	}
	for _, a := range s.axes() {
		if a.Name == name && base(a) != s.sideAxis() {
			return IndexVar{a.Name, a}, true
		}
	}
	return IndexVar{}, false
}

func gridVars(g *Grid) []IndexVar { return axisVars(g.Axes) }

// sideAxis is the axis across the side of a boundary value, nil elsewhere.
func (s *scope) sideAxis() *Axis {
	if s.side == nil {
		return nil
	}
	return base(s.side)
}

// literal returns the number of an expression that is a bare or signed literal, or nil.
func literal(e syntax.Expr) *syntax.Number {
	switch e := syntax.Unparen(e).(type) {
	case *syntax.Number:
		return e
	case *syntax.Unary:
		if e.Op == syntax.OpSub {
			return literal(e.X)
		}
	}
	return nil
}

func negated(e syntax.Expr) bool {
	neg := false
	for {
		u, ok := syntax.Unparen(e).(*syntax.Unary)
		if !ok {
			return neg
		}
		neg, e = !neg, u.X
	}
}

// valueIn checks an expression that gives a declared thing its value: an initial value, a boundary value, a bound. A literal without a
// unit, also as a branch of where(..), has the unit of its place; scale is the size of the unit such numbers are written in.
func (c *checker) valueIn(e syntax.Expr, u Unit, scale *float64, from diag.Span, what string, sc *scope) *Node {
	n := c.contextual(e, u, scale, from, what, sc)
	if !n.invalid() && n.Bool {
		c.errs.Errorf("WF0210", e.Span(), "%s must be a number, this is true or false", what).Suggest("write where(condition, 1, 0)")
		return bad(e.Span())
	}
	return n
}

func (c *checker) contextual(e syntax.Expr, u Unit, scale *float64, from diag.Span, what string, sc *scope) *Node {
	if lit := literal(e); lit != nil {
		v := lit.Value
		if negated(e) {
			v = -v
		}
		if lit.Unit != nil {
			lu, s := c.unit(lit.Unit)
			n := number(v*s, lu, e.Span())
			c.needUnit(n, u, from, what)
			if scale != nil && *scale == 1 {
				*scale = s // later bare numbers for the same thing are in this unit
			}
			return n
		}
		if scale != nil {
			v *= *scale
		}
		return number(v, u, e.Span())
	}
	if call, ok := syntax.Unparen(e).(*syntax.Call); ok && call.Func.Name == "where" && len(call.Args) == 3 {
		cond := c.truth(call.Args[0].Value, sc)
		a := c.contextual(call.Args[1].Value, u, scale, from, what, sc)
		b := c.contextual(call.Args[2].Value, u, scale, from, what, sc)
		return c.selectNode(cond, a, b, e.Span())
	}
	n := c.expr(e, sc)
	if !n.invalid() && n.Op == Vec {
		c.errs.Errorf("WF0214", e.Span(), "%s must be one number, this is a vector", what).Suggest("take div(..) of it, or one component")
		return bad(e.Span())
	}
	c.needUnit(n, u, from, what)
	return n
}

// walkExpr calls f for every expression of a tree, outside first.
func walkExpr(e syntax.Expr, f func(syntax.Expr)) {
	if e == nil {
		return
	}
	f(e)
	switch e := e.(type) {
	case *syntax.Ref:
		for _, a := range e.Index {
			walkExpr(a.Value, f)
		}
	case *syntax.Unary:
		walkExpr(e.X, f)
	case *syntax.Binary:
		walkExpr(e.X, f)
		walkExpr(e.Y, f)
	case *syntax.Paren:
		walkExpr(e.X, f)
	case *syntax.Tuple:
		for _, x := range e.Elems {
			walkExpr(x, f)
		}
	case *syntax.Call:
		for _, a := range e.Args {
			walkExpr(a.Value, f)
		}
	case *syntax.Reduce:
		walkExpr(e.Where, f)
		walkExpr(e.Body, f)
	}
}
