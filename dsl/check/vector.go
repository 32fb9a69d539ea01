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
