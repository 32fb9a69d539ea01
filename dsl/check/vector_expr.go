package check

import "github.com/wfc-lang/wfc/dsl/syntax"

// Expressions of vectors: which are vectors, and what their components are.

// follows are the arguments of a call that make it a vector when they are one; -1 is the last.
func (u *unfolder) follows(name string, n int) []int {
	switch name {
	case "lap", "at", "harmonic", "below", "above", "dt", "dn":
		return []int{0}
	case "where":
		return []int{1, 2}
	case "adv", "upwind":
		return []int{n - 1}
	}
	if len(name) > 1 && name[0] == 'd' && u.axes[name[1:]] {
		return []int{0}
	}
	return nil
}

// vector returns the axes of an expression that is a vector, nil for a number.
func (u *unfolder) vector(e syntax.Expr) []string {
	switch x := e.(type) {
	case *syntax.Paren:
		return u.vector(x.X)
	case *syntax.Unary:
		return u.vector(x.X)
	case *syntax.Ref:
		if x.Part == nil && u.rank[x.Name.Name] == 1 {
			return u.on[x.Name.Name]
		}
	case *syntax.Tuple:
		for _, axes := range u.sorted() {
			if len(axes) == len(x.Elems) {
				return axes
			}
		}
	case *syntax.Binary:
		if x.Op == syntax.OpMul && u.tensor(x.X) != "" {
			return u.vector(x.Y)
		}
		if axes := u.vector(x.X); axes != nil {
			return axes
		}
		return u.vector(x.Y)
	case *syntax.Call:
		args := positional(x)
		switch {
		case x.Func.Name == "grad" && len(args) == 1:
			return u.gridOf(args[0])
		case x.Func.Name == "curl" && len(args) == 1 && len(u.vector(args[0])) == 3:
			return u.vector(args[0])
		case x.Func.Name == "div" && len(args) == 1 && u.tensor(args[0]) != "":
			return u.on[u.tensor(args[0])]
		}
		for _, k := range u.follows(x.Func.Name, len(args)) {
			if k >= 0 && k < len(args) {
				if axes := u.vector(args[k]); axes != nil {
					return axes
				}
			}
		}
	}
	return nil
}

// tensor is the name of a tensor, "" for other expressions.
func (u *unfolder) tensor(e syntax.Expr) string {
	if r, ok := syntax.Unparen(e).(*syntax.Ref); ok && r.Part == nil && u.rank[r.Name.Name] == 2 {
		return r.Name.Name
	}
	return ""
}

// sorted lists the axes of the grids that have vectors, the same whatever the order of maps.
func (u *unfolder) sorted() [][]string {
	var out [][]string
	for n := 1; n <= 3; n++ {
		best := ""
		for name, axes := range u.on {
			if len(axes) == n && (best == "" || name < best) {
				best = name
			}
		}
		if best != "" {
			out = append(out, u.on[best])
		}
	}
	return out
}

// gridOf finds the axes of the grid of an expression: of a vector with as many axes, as all grids with vectors of one program have in
// nearly every case one number of axes.
func (u *unfolder) gridOf(syntax.Expr) []string {
	if s := u.sorted(); len(s) > 0 {
		return s[len(s)-1]
	}
	return nil
}

func positional(c *syntax.Call) []syntax.Expr {
	var out []syntax.Expr
	for _, a := range c.Args {
		if a.Name == nil {
			out = append(out, a.Value)
		}
	}
	return out
}

// pick is the component of a vector expression along an axis; numbers stay.
func (u *unfolder) pick(e syntax.Expr, axis string, axes []string) syntax.Expr {
	k := 0
	for i, a := range axes {
		if a == axis {
			k = i
		}
	}
	return u.rewrite(e, k, axes)
}

// scalar is an expression in which vectors stand for tuples.
func (u *unfolder) scalar(e syntax.Expr) syntax.Expr { return u.rewrite(e, -1, nil) }

// rewrite takes component k of an expression, or with k < 0 leaves vectors as tuples.
func (u *unfolder) rewrite(e syntax.Expr, k int, axes []string) syntax.Expr {
	at := func() syntax.Loc { return syntax.Loc{At: e.Span()} }
	switch x := e.(type) {
	case nil:
		return nil
	case *syntax.Ref:
		if u.rank[x.Name.Name] == 0 {
			return u.indexed(x)
		}
		if x.Part != nil {
			return u.scalarRef(x)
		}
		if k >= 0 && u.rank[x.Name.Name] == 1 && k < len(u.on[x.Name.Name]) {
			return u.part(x, u.on[x.Name.Name][k])
		}
		t := &syntax.Tuple{Loc: at()}
		for _, p := range u.parts(x.Name.Name) {
			t.Elems = append(t.Elems, u.part(x, p))
		}
		return t
	case *syntax.Paren:
		return &syntax.Paren{Loc: x.Loc, X: u.rewrite(x.X, k, axes)}
	case *syntax.Unary:
		return &syntax.Unary{Loc: x.Loc, Op: x.Op, X: u.rewrite(x.X, k, axes)}
	case *syntax.Tuple:
		if k >= 0 && len(x.Elems) == len(axes) {
			return u.scalar(x.Elems[k])
		}
		t := &syntax.Tuple{Loc: x.Loc}
		for _, y := range x.Elems {
			t.Elems = append(t.Elems, u.scalar(y))
		}
		return t
	case *syntax.Binary:
		if name := u.tensor(x.X); name != "" && x.Op == syntax.OpMul {
			return u.product(name, x, k, axes)
		}
		if rows := matrix(x); rows != nil && k >= 0 && k < len(rows) {
			var sum syntax.Expr
			for j, y := range rows[k].Elems {
				t := syntax.Expr(&syntax.Binary{Loc: x.Loc, Op: syntax.OpMul, OpAt: x.OpAt, X: u.scalar(y), Y: u.rewrite(x.Y, j, axes)})
				if sum != nil {
					t = &syntax.Binary{Loc: x.Loc, Op: syntax.OpAdd, OpAt: x.OpAt, X: sum, Y: t}
				}
				sum = t
			}
			return &syntax.Paren{Loc: x.Loc, X: sum}
		}
		if call, ok := syntax.Unparen(x.X).(*syntax.Call); ok && call.Func.Name == "diag" && x.Op == syntax.OpMul && k >= 0 {
			return &syntax.Binary{Loc: x.Loc, Op: x.Op, OpAt: x.OpAt, X: u.factor(call, k, axes), Y: u.rewrite(x.Y, k, axes)}
		}
		return &syntax.Binary{Loc: x.Loc, Op: x.Op, OpAt: x.OpAt, X: u.rewrite(x.X, k, axes), Y: u.rewrite(x.Y, k, axes)}
	case *syntax.Reduce:
		c := *x
		c.Where, c.Body = u.scalar(x.Where), u.scalar(x.Body)
		return &c
	case *syntax.Call:
		return u.call(x, k, axes)
	}
	return e
}

// indexed rewrites the indices of a reference.
func (u *unfolder) indexed(r *syntax.Ref) syntax.Expr {
	if r.Index == nil {
		return r
	}
	c := *r
	c.Index = nil
	for _, a := range r.Index {
		c.Index = append(c.Index, &syntax.Arg{Loc: a.Loc, Name: a.Name, Value: u.scalar(a.Value)})
	}
	return &c
}

// factor is the k-th factor of diag(a, b) or diag(v).
func (u *unfolder) factor(call *syntax.Call, k int, axes []string) syntax.Expr {
	if args := positional(call); len(args) == len(axes) && len(axes) > 1 {
		return u.scalar(args[k])
	} else if len(args) == 1 {
		return u.rewrite(args[0], k, axes)
	}
	return call
}

// product is a tensor times a vector: its component k, or the tuple of all.
func (u *unfolder) product(name string, x *syntax.Binary, k int, axes []string) syntax.Expr {
	own := u.on[name]
	r, _ := syntax.Unparen(x.X).(*syntax.Ref)
	row := func(i int) syntax.Expr {
		var sum syntax.Expr
		for j, b := range own {
			t := syntax.Expr(&syntax.Binary{Loc: x.Loc, Op: syntax.OpMul, OpAt: x.OpAt, X: u.part(r, own[i]+b), Y: u.rewrite(x.Y, j, own)})
			if sum != nil {
				t = &syntax.Binary{Loc: x.Loc, Op: syntax.OpAdd, OpAt: x.OpAt, X: sum, Y: t}
			}
			sum = t
		}
		return &syntax.Paren{Loc: x.Loc, X: sum}
	}
	if k >= 0 && k < len(own) {
		return row(k)
	}
	t := &syntax.Tuple{Loc: x.Loc}
	for i := range own {
		t.Elems = append(t.Elems, row(i))
	}
	return t
}

// call takes component k of a call, or rewrites its arguments.
func (u *unfolder) call(x *syntax.Call, k int, axes []string) syntax.Expr {
	args := positional(x)
	derivative := func(axis string, y syntax.Expr) syntax.Expr {
		return &syntax.Call{Loc: x.Loc, Func: &syntax.Ident{Loc: x.Func.Loc, Name: "d" + axis}, Args: []*syntax.Arg{{Loc: x.Loc, Value: y}}}
	}
	if k >= 0 && len(args) == 1 {
		switch {
		case x.Func.Name == "grad":
			return derivative(axes[k], u.scalar(args[0]))
		case x.Func.Name == "curl" && len(axes) == 3 && u.vector(args[0]) != nil:
			i, j := (k+1)%3, (k+2)%3
			return &syntax.Paren{Loc: x.Loc, X: &syntax.Binary{Loc: x.Loc, Op: syntax.OpSub, OpAt: x.At,
				X: derivative(axes[i], u.rewrite(args[0], j, axes)), Y: derivative(axes[j], u.rewrite(args[0], i, axes))}}
		case x.Func.Name == "div" && u.tensor(args[0]) != "":
			r, _ := syntax.Unparen(args[0]).(*syntax.Ref)
			row := &syntax.Tuple{Loc: x.Loc}
			for _, b := range u.on[r.Name.Name] {
				row.Elems = append(row.Elems, u.part(r, axes[k]+b))
			}
			c := *x
			c.Args = []*syntax.Arg{{Loc: x.Loc, Value: row}}
			return &c
		}
	}
	c := *x
	c.Args = nil
	follow := map[int]bool{}
	for _, i := range u.follows(x.Func.Name, len(args)) {
		follow[i] = true
	}
	n := 0
	for _, a := range x.Args {
		b := *a
		switch {
		case a.Name == nil && k >= 0 && follow[n]:
			b.Value = u.rewrite(a.Value, k, axes)
		default:
			b.Value = u.scalar(a.Value)
		}
		if a.Name == nil {
			n++
		}
		if t, ok := b.Value.(*syntax.Tuple); ok && x.Func.Name == "steady" && u.vector(a.Value) != nil { // takes fields one by one
			for _, y := range t.Elems {
				c.Args = append(c.Args, &syntax.Arg{Loc: a.Loc, Value: y})
			}
			continue
		}
		c.Args = append(c.Args, &b)
	}
	return &c
}
