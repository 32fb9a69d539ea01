package check

import (
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// Vector and tensor fields. `field v: vector on g` is one field per axis, v.x and v.y; `field K: tensor on g` one per pair of axes, K.xx,
// K.xy and so on. On `g.faces` every component of a vector lives on the faces normal to its axis, on `g.edges` on the
// edges along its axis, where the faces normal to the other axes meet: the curl of the one lives on the other.
//
// They are taken apart before anything else is checked: an equation of a vector becomes one equation per component. In it, a vector
// stands for its component, grad(p) for a derivative, K*v for a product of matrix and vector; where a number is meant, as in
// div(v) or adv(v, T), a vector stands for the tuple of its components.

// unfolder takes vectors apart.
type unfolder struct {
	errs  *diag.List
	grids map[string][]string // axes by grid
	on    map[string][]string // axes of a vector or tensor field or vector let, by name
	rank  map[string]int      // 1 or 2
	axes  map[string]bool     // names of axes
}

// unfoldVectors returns the file with one field per component; the file itself when there are no vectors.
func unfoldVectors(file *syntax.File, errs *diag.List) *syntax.File {
	u := &unfolder{errs: errs, grids: map[string][]string{}, on: map[string][]string{}, rank: map[string]int{}, axes: map[string]bool{}}
	any := false
	for _, s := range file.Stmts {
		switch s := s.(type) {
		case *syntax.Grid:
			for _, a := range s.Axes {
				u.grids[s.Name.Name] = append(u.grids[s.Name.Name], a.Name.Name)
				u.axes[a.Name.Name] = true
			}
		case *syntax.Field:
			for _, it := range s.Items {
				if it.Ann == nil || it.Ann.Rank == nil {
					continue
				}
				any = true
				if it.On == nil || len(u.grids[it.On.Grid.Name]) == 0 {
					u.errs.Errorf("WF0246", it.At, "a %s has one component per axis of its grid, and %s is on none", it.Ann.Rank.Name, it.Name.Name).
						Suggest("write `field %s: %s on g`, with a grid declared above", it.Name.Name, it.Ann.Rank.Name)
					continue
				}
				u.on[it.Name.Name], u.rank[it.Name.Name] = u.grids[it.On.Grid.Name], 1
				if it.Ann.Rank.Name == "tensor" {
					u.rank[it.Name.Name] = 2
				}
			}
		}
	}
	if !any {
		return file
	}
	out := *file
	out.Stmts = u.stmts(file.Stmts)
	return &out
}

func (u *unfolder) stmts(list []syntax.Stmt) []syntax.Stmt {
	var out []syntax.Stmt
	for _, s := range list {
		out = append(out, u.stmt(s)...)
	}
	return out
}

func (u *unfolder) block(b *syntax.Block) *syntax.Block {
	if b == nil {
		return nil
	}
	c := *b
	c.Stmts = u.stmts(b.Stmts)
	return &c
}

// component is the name of a part of a vector or tensor: v.x, K.xy.
func component(name, part string) string { return name + "." + part }

// parts are the components of a name: x, y or xx, xy, yx, yy.
func (u *unfolder) parts(name string) []string {
	axes := u.on[name]
	if u.rank[name] < 2 {
		return axes
	}
	var out []string
	for _, a := range axes {
		for _, b := range axes {
			out = append(out, a+b)
		}
	}
	return out
}

// stmt takes one statement apart.
func (u *unfolder) stmt(s syntax.Stmt) []syntax.Stmt {
	switch s := s.(type) {
	case *syntax.Field:
		return u.field(s)
	case *syntax.BC:
		return []syntax.Stmt{u.bc(s)}
	case *syntax.Bind:
		c := *s
		c.Items = nil
		for _, it := range s.Items {
			c.Items = append(c.Items, u.bind(it, s.Kind)...)
		}
		return []syntax.Stmt{&c}
	case *syntax.Assign:
		if axes := u.vector(s.Target); axes != nil {
			return u.each(axes, s.Value, func(a string, v syntax.Expr) syntax.Stmt {
				c := *s
				c.Target, c.Value = u.part(s.Target, a), v
				return &c
			})
		}
		c := *s
		c.Target, c.Value = u.scalarRef(s.Target), u.scalar(s.Value)
		return []syntax.Stmt{&c}
	case *syntax.Equation:
		if axes := u.vector(s.Left); axes != nil {
			return u.each(axes, s.Right, func(a string, v syntax.Expr) syntax.Stmt {
				c := *s
				c.Left, c.Right = u.pick(s.Left, a, axes), v
				return &c
			})
		}
		c := *s
		c.Left, c.Right = u.scalar(s.Left), u.scalar(s.Right)
		return []syntax.Stmt{&c}
	case *syntax.Solve:
		return []syntax.Stmt{u.solve(s)}
	case *syntax.Evolve:
		c := *s
		c.Until = u.scalar(s.Until)
		if s.Step != nil {
			st := *s.Step
			st.Value, st.Safety = u.scalar(st.Value), u.scalar(st.Safety)
			c.Step = &st
		}
		c.Body = u.block(s.Body)
		return []syntax.Stmt{&c}
	case *syntax.Loop:
		c := *s
		c.While, c.Max = u.scalar(s.While), u.scalar(s.Max)
		c.Body = u.block(s.Body)
		return []syntax.Stmt{&c}
	case *syntax.If:
		c := *s
		c.Cond, c.Then, c.Else = u.scalar(s.Cond), u.block(s.Then), u.block(s.Else)
		return []syntax.Stmt{&c}
	case *syntax.Output:
		c := *s
		c.Fields = u.names(s.Fields)
		return []syntax.Stmt{&c}
	case *syntax.Probe:
		c := *s
		c.Value = u.scalar(s.Value)
		return []syntax.Stmt{&c}
	}
	return []syntax.Stmt{s}
}

// each makes one statement per component.
func (u *unfolder) each(axes []string, value syntax.Expr, f func(axis string, v syntax.Expr) syntax.Stmt) []syntax.Stmt {
	if u.vector(value) == nil && !zero(value) {
		u.errs.Errorf("WF0246", value.Span(), "a vector is expected, this is a number").
			Suggest("write its components, as in (%s)", strings.TrimSuffix(strings.Repeat("0, ", len(axes)), ", "))
		return []syntax.Stmt{&syntax.Bad{Loc: syntax.Loc{At: value.Span()}}}
	}
	var out []syntax.Stmt
	for _, a := range axes {
		out = append(out, f(a, u.pick(value, a, axes)))
	}
	return out
}

func zero(e syntax.Expr) bool {
	n := literal(e)
	return n != nil && n.Value == 0
}

// names replaces names of vectors by those of their components.
func (u *unfolder) names(ids []*syntax.Ident) []*syntax.Ident {
	var out []*syntax.Ident
	for _, id := range ids {
		if u.rank[id.Name] == 0 {
			out = append(out, id)
			continue
		}
		for _, p := range u.parts(id.Name) {
			out = append(out, &syntax.Ident{Loc: id.Loc, Name: component(id.Name, p)})
		}
	}
	return out
}

// field declares the components.
func (u *unfolder) field(s *syntax.Field) []syntax.Stmt {
	c := *s
	c.Items = nil
	for _, it := range s.Items {
		if u.rank[it.Name.Name] == 0 || it.Ann == nil || it.Ann.Rank == nil {
			k := *it
			k.Init = u.scalar(it.Init)
			if it.Ann != nil && it.Ann.Rank != nil { // an error, reported above
				ann := *it.Ann
				ann.Rank = nil
				k.Ann = &ann
			}
			c.Items = append(c.Items, &k)
			continue
		}
		ann := *it.Ann
		if ann.Rank = nil; ann.Type == nil && ann.Unit == nil {
			it = dropNote(it)
		} else {
			k := *it
			k.Ann = &ann
			it = &k
		}
		for n, p := range u.parts(it.Name.Name) {
			k := *it
			k.Name = &syntax.Ident{Loc: it.Name.Loc, Name: component(it.Name.Name, p)}
			if it.On.Part != nil && (it.On.Part.Name == "faces" || it.On.Part.Name == "edges") {
				place := *it.On
				if u.rank[it.Name.Name] == 2 {
					u.errs.Errorf("WF0246", it.On.At, "a tensor lives in one place").Suggest("place it on %s", it.On.Grid.Name)
				}
				at := ""
				for _, a := range u.on[it.Name.Name] {
					if (a == p) == (it.On.Part.Name == "faces") {
						at += a
					}
				}
				if place.Part = nil; u.rank[it.Name.Name] == 1 && at != "" {
					place.Part = &syntax.Ident{Loc: it.On.Part.Loc, Name: at}
				}
				k.On = &place
			}
			k.Init = u.initial(it.Init, it.Name.Name, n)
			k.Regions = nil
			for _, r := range it.Regions {
				g := *r
				g.Value = u.initial(r.Value, it.Name.Name, n)
				k.Regions = append(k.Regions, &g)
			}
			c.Items = append(c.Items, &k)
		}
	}
	return []syntax.Stmt{&c}
}

func dropNote(it *syntax.FieldItem) *syntax.FieldItem {
	k := *it
	k.Ann = nil
	return &k
}

// initial is the value of the n-th component: of a tuple, of a vector, or 0.
func (u *unfolder) initial(e syntax.Expr, name string, n int) syntax.Expr {
	if e == nil || zero(e) {
		return e
	}
	t, ok := syntax.Unparen(e).(*syntax.Tuple)
	if u.rank[name] == 2 { // rows of a matrix
		d := len(u.on[name])
		if !ok || len(t.Elems) != d {
			u.badInit(e, name)
			return nil
		}
		row, ok := syntax.Unparen(t.Elems[n/d]).(*syntax.Tuple)
		if !ok || len(row.Elems) != d {
			u.badInit(e, name)
			return nil
		}
		return u.scalar(row.Elems[n%d])
	}
	if axes := u.vector(e); axes != nil && len(axes) == len(u.on[name]) {
		return u.pick(e, u.on[name][n], u.on[name])
	}
	u.badInit(e, name)
	return nil
}

func (u *unfolder) badInit(e syntax.Expr, name string) {
	for _, d := range *u.errs {
		if d.Code == "WF0246" && d.Primary == e.Span() {
			return
		}
	}
	form := "one value per axis, as in (1, 0)"
	if u.rank[name] == 2 {
		form = "a row per axis, as in ((1, 0), (0, 2))"
	}
	u.errs.Errorf("WF0246", e.Span(), "the value of %s needs its components", name).Suggest("write %s", form)
}

// bc gives conditions to components.
func (u *unfolder) bc(s *syntax.BC) *syntax.BC {
	c := *s
	c.Fields = u.names(s.Fields)
	c.Entries = nil
	for _, e := range s.Entries {
		k := *e
		k.Where, k.Conds = u.scalar(e.Where), nil
		for _, cond := range e.Conds {
			if name := u.wallTensor(cond.Left); name != "" && cond.Right != nil {
				for n, p := range u.parts(name) {
					d := *cond
					d.Left, d.Right = u.tensorPart(cond.Left, p), u.initial(cond.Right, name, n)
					if d.Right != nil {
						k.Conds = append(k.Conds, &d)
					}
				}
				continue
			}
			axes := u.vector(cond.Left)
			if axes == nil || cond.Right == nil {
				d := *cond
				d.Left, d.Right = u.scalar(cond.Left), u.scalar(cond.Right)
				k.Conds = append(k.Conds, &d)
				continue
			}
			if u.vector(cond.Right) == nil && !zero(cond.Right) {
				u.errs.Errorf("WF0246", cond.Right.Span(), "a vector is expected, this is a number").Suggest("write its components, as in (1, 0)")
				continue
			}
			for _, a := range axes {
				d := *cond
				d.Left, d.Right = u.pick(cond.Left, a, axes), u.pick(cond.Right, a, axes)
				k.Conds = append(k.Conds, &d)
			}
		}
		c.Entries = append(c.Entries, &k)
	}
	return &c
}

// wallTensor is the tensor of a condition K = .. or dn(K) = .., "" for others.
func (u *unfolder) wallTensor(e syntax.Expr) string {
	if call, ok := syntax.Unparen(e).(*syntax.Call); ok && call.Func.Name == "dn" && len(call.Args) == 1 {
		e = call.Args[0].Value
	}
	return u.tensor(e)
}

// tensorPart is the left side of a condition for one component.
func (u *unfolder) tensorPart(e syntax.Expr, part string) syntax.Expr {
	switch x := syntax.Unparen(e).(type) {
	case *syntax.Ref:
		return u.part(x, part)
	case *syntax.Call:
		c := *x
		a := *x.Args[0]
		a.Value = u.tensorPart(a.Value, part)
		c.Args = []*syntax.Arg{&a}
		return &c
	}
	return e
}

// bind takes a let of a vector apart.
func (u *unfolder) bind(it *syntax.BindItem, kind syntax.BindKind) []*syntax.BindItem {
	axes := u.vector(it.Value)
	if _, tuple := syntax.Unparen(it.Value).(*syntax.Tuple); kind != syntax.Let || axes == nil || len(it.Index) > 0 || tuple && axes == nil {
		k := *it
		k.Value = u.scalar(it.Value)
		return []*syntax.BindItem{&k}
	}
	u.on[it.Name.Name], u.rank[it.Name.Name] = axes, 1
	var out []*syntax.BindItem
	for _, a := range axes {
		k := *it
		k.Name = &syntax.Ident{Loc: it.Name.Loc, Name: component(it.Name.Name, a)}
		k.Value = u.pick(it.Value, a, axes)
		if it.Like != nil && u.rank[it.Like.Name] == 1 {
			k.Like = &syntax.Ident{Loc: it.Like.Loc, Name: component(it.Like.Name, a)}
		}
		out = append(out, &k)
	}
	return out
}

// solve makes tuples of the sides of a vector equation.
func (u *unfolder) solve(s *syntax.Solve) *syntax.Solve {
	c := *s
	c.For = nil
	for _, r := range s.For {
		if axes := u.vector(r); axes != nil {
			for _, a := range axes {
				c.For = append(c.For, u.part(r, a))
			}
			continue
		}
		c.For = append(c.For, u.scalarRef(r))
	}
	c.Left, c.Right = u.scalar(s.Left), u.scalar(s.Right)
	if axes := u.vector(s.Left); axes != nil {
		c.Left = u.tuple(s.Left, axes)
		c.Right = u.tuple(s.Right, axes)
	}
	c.With = nil
	for _, w := range s.With {
		d := *w
		d.Left, d.Right = u.scalar(w.Left), u.scalar(w.Right)
		c.With = append(c.With, &d)
	}
	return &c
}

func (u *unfolder) tuple(e syntax.Expr, axes []string) syntax.Expr {
	t := &syntax.Tuple{Loc: syntax.Loc{At: e.Span()}}
	for _, a := range axes {
		t.Elems = append(t.Elems, u.pick(e, a, axes))
	}
	return t
}

// part is the component of a reference.
func (u *unfolder) part(r *syntax.Ref, part string) *syntax.Ref {
	k := *r
	k.Part = nil
	k.Name = &syntax.Ident{Loc: r.Name.Loc, Name: component(r.Name.Name, part)}
	return &k
}

// scalarRef resolves v.x; other references stay.
func (u *unfolder) scalarRef(r *syntax.Ref) *syntax.Ref {
	if r.Part == nil || u.rank[r.Name.Name] == 0 {
		return r
	}
	for _, p := range u.parts(r.Name.Name) {
		if p == r.Part.Name {
			return u.part(r, p)
		}
	}
	u.errs.Errorf("WF0246", r.Part.At, "%s has no component %s", r.Name.Name, r.Part.Name).
		Suggest("its components are %s", strings.Join(u.parts(r.Name.Name), ", "))
	return u.part(r, u.parts(r.Name.Name)[0])
}

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
