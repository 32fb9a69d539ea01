package check

import (
	"math"
	"sort"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// maxPoints bounds the extent of an axis: beyond it index arithmetic of the targets would overflow.
const maxPoints = 1 << 30

// bind declares a param, const or let. A let whose value depends on a place stays an expression.
func (c *checker) bind(kind syntax.BindKind, it *syntax.BindItem) {
	if len(it.Index) > 0 {
		c.errs.Errorf("WF0203", it.At, "a `let` with indices stands inside `evolve`").
			Suggest("move it into the `evolve`, or make it a field: `field %s[..] = ..`", it.Name.Name)
		c.define(it.Name, &symbol{what: "let"})
		return
	}
	if kind == syntax.Let && c.placeDependent(it.Value) {
		c.define(it.Name, &symbol{let: it, what: "let"})
		return
	}
	s := &Scalar{Name: it.Name.Name, Param: kind == syntax.Param, Scale: 1, At: it.Name.At}
	s.Unit = c.annotated(it.Ann, it.Name, &s.Scale)
	sc := &scope{host: true, what: "the value of a " + kind.String()}
	var def *Node
	if set, ok := c.opts.Set[s.Name]; ok && s.Param {
		c.setUsed[s.Name] = true
		def = c.setValue(s, it, set, sc)
	} else {
		def = c.valueIn(it.Value, s.Unit, &s.Scale, it.Name.At, it.Name.Name, sc)
	}
	sym := &symbol{what: kind.String()}
	if !def.invalid() {
		v, _ := c.eval(def)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			c.errs.Errorf("WF0204", def.At, "%s has no finite value", s.Name).Labelled("this is %v", v).Suggest("correct the expression")
		} else {
			s.Value, s.Def, sym.scalar = v, def, s
			Visit(def, func(n *Node) { s.varies = s.varies || n.Op == ScalarRef && n.Sym.settable() })
			if s.Param {
				s.Def = nil
			}
		}
	}
	if c.define(it.Name, sym) && sym.scalar != nil {
		c.prog.Scalars = append(c.prog.Scalars, s)
	}
}

// annotated returns the declared unit, or a fresh variable.
func (c *checker) annotated(a *syntax.Annotation, name *syntax.Ident, scale *float64) Unit {
	if a != nil && a.Rank != nil {
		c.errs.Errorf("WF0213", a.Rank.At, "fields on grids are vectors and tensors, nothing else").Suggest("declare one number per component")
	}
	if a == nil || a.Unit == nil {
		return c.freshUnit(name.Name, name.At)
	}
	u, s := c.unit(a.Unit)
	*scale = s
	return u
}

// placeNames collects the names whose value depends on the place: axes, dims, indices, fields, and the lets that use them. It looks at
// the text only, so that a let may stand before the grid it speaks of.
func (c *checker) placeNames(file *syntax.File) {
	c.places, c.declared = map[string]bool{}, map[string]diag.Span{}
	note := func(id *syntax.Ident) {
		if _, ok := c.declared[id.Name]; !ok {
			c.declared[id.Name] = id.At
		}
	}
	var lets []*syntax.BindItem
	for _, s := range file.Stmts {
		switch s := s.(type) {
		case *syntax.Grid:
			note(s.Name)
			for _, a := range s.Axes {
				c.places[a.Name.Name] = true
			}
		case *syntax.Dim:
			for _, it := range s.Items {
				note(it.Name)
				c.places[it.Name.Name] = true
			}
		case *syntax.IndexDecl:
			for _, n := range s.Names {
				note(n)
				c.places[n.Name] = true
			}
		case *syntax.Field:
			for _, it := range s.Items {
				note(it.Name)
				c.places[it.Name.Name] = true
			}
		case *syntax.Bind:
			for _, it := range s.Items {
				note(it.Name)
			}
			if s.Kind == syntax.Let {
				lets = append(lets, s.Items...)
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, it := range lets {
			if !c.places[it.Name.Name] && c.placeDependent(it.Value) {
				c.places[it.Name.Name], changed = true, true
			}
		}
	}
}

func (c *checker) placeDependent(e syntax.Expr) bool {
	found := false
	walkExpr(e, func(e syntax.Expr) {
		switch e := e.(type) {
		case *syntax.Ref:
			found = found || c.places[e.Name.Name]
		case *syntax.Reduce:
			found = true
		}
	})
	return found
}

func (c *checker) isAxisName(name string) bool {
	for _, g := range c.prog.Grids {
		for _, a := range g.Axes {
			if a.Name == name {
				return true
			}
		}
	}
	return false
}

// setValue reads the text of --set name=text: a number with an optional unit. A bare number has the unit the source's own number has.
func (c *checker) setValue(s *Scalar, it *syntax.BindItem, text string, sc *scope) *Node {
	c.valueIn(it.Value, s.Unit, &s.Scale, it.Name.At, it.Name.Name, sc) // fixes the unit; its errors are errors of the file
	f, errs := syntax.Parse("--set "+s.Name, "const v = "+text+"\n")
	if len(errs) == 0 && len(f.Stmts) == 1 {
		if b, ok := f.Stmts[0].(*syntax.Bind); ok && len(b.Items) == 1 && literal(b.Items[0].Value) != nil {
			n := literal(b.Items[0].Value)
			v, u, scale := n.Value, s.Unit, s.Scale
			if n.Unit != nil {
				u, scale = c.unit(n.Unit)
			}
			if negated(b.Items[0].Value) {
				v = -v
			}
			node := number(v*scale, u, it.Name.At)
			if n.Unit != nil {
				c.needUnit(node, s.Unit, it.At, s.Name)
			}
			return node
		}
	}
	c.errs.Errorf("WF0206", it.Name.At, "--set %s=%s is not a number", s.Name, text).
		Suggest("write a number with an optional unit, as in `--set %s=1.5` or `--set %s='2 km'`", s.Name, s.Name)
	return bad(it.At)
}

// checkSet reports --set of names that are no params.
func (c *checker) checkSet(file *syntax.File) {
	var names []string
	for n := range c.opts.Set {
		if !c.setUsed[n] {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	for _, n := range names {
		s := c.names[n]
		d := diag.New("WF0205", diag.Span{}, "--set %s: the program has no param %s", n, n)
		switch {
		case s != nil && s.what == "param":
			continue // its declaration was in error
		case s != nil:
			d.Primary = s.at
			d.Labelled("%s is a %s", n, s.what).Suggest("declare it with `param` to make it settable")
		default:
			params := c.nameList(func(s *symbol) bool { return s.what == "param" })
			if k := closest(n, params); k != "" {
				d.Suggest("did you mean %s?", k)
			} else if sort.Strings(params); len(params) > 0 {
				d.Suggest("it has %s", join(params))
			} else {
				d.Suggest("declare it: `param %s = %s`", n, c.opts.Set[n])
			}
		}
		c.errs.Add(d)
	}
}

// grid declares a grid and its axes.
func (c *checker) grid(s *syntax.Grid) {
	g := &Grid{Name: s.Name.Name, At: s.Name.At}
	if len(s.Axes) == 0 && len(s.Tail) == 0 || len(s.Axes) > 3 {
		c.errs.Errorf("WF0230", s.At, "a grid has one to three axes; %s has %d", g.Name, len(s.Axes)).
			Suggest("write for example `grid %s { x: 0 .. 1 in 64 }`", g.Name)
	}
	seen := map[string]*syntax.Ident{}
	for i, a := range s.Axes {
		if i == 3 {
			break
		}
		if old := seen[a.Name.Name]; old != nil {
			c.errs.Errorf("WF0202", a.Name.At, "the axis %s is declared twice", a.Name.Name).With(old.At, "declared here").Suggest("rename one of them")
			continue
		}
		seen[a.Name.Name] = a.Name
		if old, ok := c.names[a.Name.Name]; ok && old.axis == nil && !reserved[a.Name.Name] {
			c.errs.Errorf("WF0202", a.Name.At, "the name %s is declared twice", a.Name.Name).With(old.at, "declared here as a %s", old.what).
				Note("the name of an axis is its coordinate in expressions").Suggest("rename one of them")
		}
		g.Axes = append(g.Axes, c.axis(g, s, a))
	}
	sym := &symbol{what: "grid"}
	if len(g.Axes) > 0 && len(g.Axes) == len(s.Axes) {
		sym.grid = g
	}
	if c.define(s.Name, sym) && sym.grid != nil {
		c.prog.Grids = append(c.prog.Grids, g)
		c.prog.Axes = append(c.prog.Axes, g.Axes...)
	}
}

// axis declares an axis. One in error is kept with a guessed extent or bounds, so that what uses it is checked all the same.
func (c *checker) axis(g *Grid, s *syntax.Grid, a *syntax.Axis) *Axis {
	ax := &Axis{Name: a.Name.Name, Grid: g, Periodic: a.Periodic, Nodes: s.Nodes || a.Nodes, Scale: 1, At: a.Name.At}
	ax.IR = c.axisName(ax)
	if reserved[ax.Name] {
		c.errs.Errorf("WF0207", a.Name.At, "`%s` is a word of the language and cannot be an axis", ax.Name).Suggest("choose another name")
	}
	var ok bool
	if ax.N, ok = c.extent(a.Count, "the number of points along "+ax.Name); !ok {
		ax.guess = true
	} else if ax.Nodes && !ax.Periodic && ax.N < 2 {
		c.errs.Errorf("WF0231", a.Count.Span(), "an axis of nodes needs at least 2, %s has %d", ax.Name, ax.N).Suggest("use 2 or more, or cells")
		ax.N, ax.guess = guessedExtent, true
	}
	if a.Lo == nil { // indices: the coordinate of a point is its index
		if a.Stretch != nil {
			c.errs.Errorf("WF0234", a.Stretch.Span(), "an axis without bounds has no spacing to stretch").Suggest("write `%s: 0 .. 1 in %s stretched ..`", ax.Name, a.Count.Span().Text())
		}
		ax.Lo, ax.H, ax.Unit = -0.5, 1, one()
		if ax.Nodes {
			ax.Lo = 0
		}
		ax.Hi = ax.Lo + float64(ax.N)
		if ax.Nodes && !ax.Periodic {
			ax.Hi--
		}
		return ax
	}
	ax.Coords = true
	ax.Unit = c.freshUnit(ax.Name, a.Name.At)
	sc := &scope{host: true, what: "a bound of the grid"}
	ax.Scale = firstScale(c, a.Lo, a.Hi)
	lo := c.valueIn(a.Lo, ax.Unit, &ax.Scale, a.Name.At, "the axis "+ax.Name, sc)
	hi := c.valueIn(a.Hi, ax.Unit, &ax.Scale, a.Lo.Span(), "the axis "+ax.Name, sc)
	l, ok1 := c.frozen(lo)
	h, ok2 := c.frozen(hi)
	if !ok1 || !ok2 {
		l, h, ax.guess = 0, 1, true
	} else if !(l < h) || math.IsInf(h-l, 0) {
		c.errs.Errorf("WF0232", a.Lo.Span().To(a.Hi.Span()), "the axis %s ends at or before its start", ax.Name).
			Labelled("from %s to %s", trimFloat(l), trimFloat(h)).Suggest("write the lower bound first")
		l, h, ax.guess = 0, 1, true
	}
	cells := ax.N
	if ax.Nodes && !ax.Periodic {
		cells--
	}
	ax.Lo, ax.Hi, ax.H = l, h, (h-l)/float64(cells)
	if a.Stretch != nil && !ax.guess {
		c.stretch(ax, a.Stretch)
	}
	return ax
}

// axisName makes the axis name unique in the program.
func (c *checker) axisName(a *Axis) string {
	for _, o := range c.prog.Axes {
		if o.Name == a.Name && o.Of == nil {
			return a.Grid.Name + "." + a.Name
		}
	}
	if s := c.names[a.Name]; s != nil {
		return a.Grid.Name + "." + a.Name
	}
	return a.Name
}

// firstScale is the scale of the first of several literals that has a unit: bare numbers beside it are in the same unit.
func firstScale(c *checker, es ...syntax.Expr) float64 {
	for _, e := range es {
		if n := literal(e); n != nil && n.Unit != nil {
			if ok := knownUnit(n.Unit); ok {
				_, s := c.unit(n.Unit)
				return s
			}
		}
	}
	return 1
}

func knownUnit(u *syntax.Unit) bool {
	for _, f := range u.Factors {
		if _, ok := lookupUnit(f.Name); !ok {
			return false
		}
	}
	return true
}

// guessedExtent stands for an extent that is in error.
const guessedExtent = 64

// extent evaluates a number of points and freezes its params. When it is in error it returns guessedExtent and false.
func (c *checker) extent(e syntax.Expr, what string) (int, bool) {
	n := c.valueIn(e, one(), nil, e.Span(), what, &scope{host: true, what: what})
	v, ok := c.frozen(n)
	if !ok {
		return guessedExtent, false
	}
	if v != math.Floor(v) || v < 1 || v > maxPoints {
		d := c.errs.Errorf("WF0231", n.At, "%s must be a whole number from 1 to %d", what, maxPoints).Labelled("this is %s", trimFloat(v))
		if v > 1 && v < maxPoints {
			d.Suggest("write %d, or floor(..)", int(v))
		} else {
			d.Suggest("use a positive whole number")
		}
		return guessedExtent, false
	}
	return int(v), true
}

func (c *checker) dim(it *syntax.DimItem) {
	a := &Axis{Name: it.Name.Name, IR: it.Name.Name, Nodes: true, H: 1, Scale: 1, Unit: one(), At: it.Name.At}
	if c.isAxisName(a.Name) {
		c.errs.Errorf("WF0202", it.Name.At, "the name %s is declared twice: it is an axis of a grid", a.Name).Suggest("rename one of them")
	}
	var ok bool
	a.N, ok = c.extent(it.Value, "the extent of "+a.Name)
	a.Hi = float64(a.N - 1)
	a.guess = !ok
	if c.define(it.Name, &symbol{what: "dim", axis: a}) {
		c.prog.Axes = append(c.prog.Axes, a)
	}
}

func (c *checker) indexDecl(s *syntax.IndexDecl) {
	space := c.names[s.Space.Name]
	var a *Axis
	switch {
	case space == nil:
		c.unknown(s.Space, "dim", c.nameList(func(s *symbol) bool { return s.axis != nil }))
	case space.grid != nil && s.Axis != nil:
		if a = gridAxis(space.grid, s.Axis.Name); a == nil {
			c.errs.Errorf("WF0201", s.Axis.At, "the grid %s has no axis %s", s.Space.Name, s.Axis.Name).With(space.at, "declared here").
				Suggest("its axes are %s", axisNames(space.grid.Axes))
		}
	case space.grid != nil:
		c.errs.Errorf("WF0203", s.Space.At, "%s is a grid, not a dim", s.Space.Name).With(space.at, "declared here").
			Suggest("name one of its axes, as in `in %s.%s`", s.Space.Name, space.grid.Axes[0].Name)
	case space.axis != nil && s.Axis != nil:
		c.errs.Errorf("WF0203", s.Axis.At, "%s is a dim and has no axes", s.Space.Name).With(space.at, "declared here").Suggest("remove `.%s`", s.Axis.Name)
	case space.axis != nil:
		a = space.axis
	case space.what != "dim" && space.what != "name":
		c.errs.Errorf("WF0203", s.Space.At, "%s is a %s, not a dim", s.Space.Name, space.what).With(space.at, "declared here").
			Suggest("declare `dim %s = ..`", s.Space.Name)
	}
	for _, n := range s.Names {
		c.define(n, &symbol{axis: a, what: "index"})
	}
}

// frozen evaluates a node that fixes the shape of the program; the params in it become shape parameters.
func (c *checker) frozen(n *Node) (float64, bool) {
	if n.invalid() {
		return 0, false
	}
	v, ok := c.eval(n)
	if !ok {
		return 0, false
	}
	freeze(n)
	return v, true
}

func freeze(n *Node) {
	Visit(n, func(n *Node) {
		if n.Op == ScalarRef && n.Sym != nil && !n.Sym.Shape {
			n.Sym.Shape = true
			if n.Sym.Def != nil {
				freeze(n.Sym.Def)
			}
		}
	})
}

func join(ss []string) string {
	out := ""
	for i, s := range ss {
		switch {
		case i == 0:
		case i == len(ss)-1:
			out += " and "
		default:
			out += ", "
		}
		out += s
	}
	return out
}
