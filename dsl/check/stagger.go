package check

import (
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Positions on a grid of cells. A field on g lives at the centres, on g.x at the faces normal to x, on g.xy at the edges where faces
// normal to x and to y meet. Along an axis of faces there is one value more than cells (as many when it is periodic), and the values at
// the ends lie on the walls: there a condition T = v is stored, as in the end nodes of a grid of nodes. Along its other axes a field has
// its values midway between walls, as at centres.
//
// An equation is evaluated where its left side lives. A field that lives elsewhere is read half a step away (Op Shift), and only what
// makes sense there is allowed: differences of it, which then are compact, and interpolations that are written, at(e, g.x). The rules
// are those of pass discretise; access.go applies them.

// base is the axis of cells an axis of faces numbers, else the axis itself.
func base(a *Axis) *Axis {
	if a.Of != nil {
		return a.Of
	}
	return a
}

// facesOf is the axis of the faces normal to a.
func (c *checker) facesOf(a *Axis) *Axis {
	if a.faces != nil {
		return a.faces
	}
	f := *a
	f.Of, f.Nodes = a, true
	if !a.Periodic {
		f.N++
	}
	f.IR = strings.TrimSuffix(a.IR, a.Name) + "face." + a.Name
	for taken := true; taken; {
		taken = false
		for _, o := range c.prog.Axes {
			if o.IR == f.IR {
				f.IR, taken = "g."+f.IR, true
			}
		}
	}
	a.faces = &f
	c.prog.Axes = append(c.prog.Axes, &f)
	return &f
}

// part resolves the x of g.x or the xy of g.xy to the axes of a place; nil after an error.
func (c *checker) part(g *Grid, part *syntax.Ident) []*Axis {
	axes := append([]*Axis(nil), g.Axes...)
	if part == nil {
		return axes
	}
	rest := part.Name
	for k, a := range g.Axes {
		if !strings.HasPrefix(rest, a.Name) {
			continue
		}
		if a.Nodes {
			c.errs.Errorf("WF0244", part.At, "the points along %s are nodes and have no faces", a.Name).With(a.At, "declared here").
				Note("faces lie between the cells of a grid").Suggest("remove `nodes`, or place the field on %s itself", g.Name)
			return nil
		}
		rest = rest[len(a.Name):]
		axes[k] = c.facesOf(a)
	}
	if rest != "" || part.Name == "" {
		c.errs.Errorf("WF0244", part.At, "%s has no faces called %s", g.Name, part.Name).With(g.At, "its axes are %s", axisNames(g.Axes)).
			Note("%s.%s are the faces normal to %s; two axes, in their order, name edges", g.Name, g.Axes[0].Name, g.Axes[0].Name).
			Suggest("write for example %s.%s", g.Name, g.Axes[0].Name)
		return nil
	}
	return axes
}

// placeText is how a place is written: g, g.x, g.xy.
func placeText(g *Grid, axes []*Axis) string {
	out := ""
	for _, a := range axes {
		if a.Of != nil {
			out += a.Name
		}
	}
	if out == "" {
		return g.Name
	}
	return g.Name + "." + out
}

// axes are those of the place where an expression is evaluated.
func (s *scope) axes() []*Axis {
	if s.on != nil {
		return s.on
	}
	return s.grid.Axes
}

func axisVars(axes []*Axis) []IndexVar {
	var vs []IndexVar
	for _, a := range axes {
		vs = append(vs, IndexVar{a.Name, a})
	}
	return vs
}

// subsAt reads something with the given axes at the point of the scope: the subscripts, and the shifts that bring the point to it.
func (c *checker) subsAt(n *Node, axes []*Axis, sc *scope) *Node {
	here := sc.axes()
	out := n
	for _, a := range axes {
		for _, h := range here {
			if base(h) != base(a) {
				continue
			}
			v := IndexVar{h.Name, h}
			n.Sub = append(n.Sub, Sub{Var: &v})
			switch {
			case h == a:
			case h.Of != nil: // the cell of the same number lies half a step above the face
				out = shifted(out, v, -1)
			default:
				out = shifted(out, v, 1)
			}
		}
	}
	return out
}

// shifted is the value of n at the point half steps away along v.
func shifted(n *Node, v IndexVar, half int) *Node {
	if n.invalid() {
		return n
	}
	return &Node{Op: Shift, Args: []*Node{n}, Var: v, N: half, Unit: n.Unit, At: n.At}
}

// midway is the mean of order acc of n over the points around one midway along v.
func midway(n *Node, v IndexVar, acc int, at diag.Span) *Node {
	if n.invalid() || n.host {
		return n
	}
	var sum *Node
	for k, w := range midwayWeights(acc) {
		lo, hi := shifted(n, v, -2*k-1), shifted(n, v, 2*k+1)
		lo.Explicit, hi.Explicit = true, true
		pair := compute(ir.Add, n.Unit, at, lo, hi)
		pair = compute(ir.Mul, n.Unit, at, number(w, one(), at), pair)
		if sum == nil {
			sum = pair
		} else {
			sum = compute(ir.Add, n.Unit, at, sum, pair)
		}
	}
	return sum
}

// midwayWeights are those of interpolation halfway between points, for the pairs of points from the nearest: Lagrange's formula.
func midwayWeights(acc int) []float64 {
	m := acc / 2
	out := make([]float64, m)
	for k := range out {
		num, den := 1.0, 1.0
		x := float64(2*k + 1)
		for j := -m; j < m; j++ {
			if y := float64(2*j + 1); y != x {
				num *= -y
				den *= x - y
			}
		}
		out[k] = num / den
	}
	return out
}

// natural says along which axes of the grid an expression has its values at faces, as a bit set, and whether it has a place at all
// (numbers and coordinates are everywhere).
func natural(n *Node) (faces uint8, fixed bool) {
	memo := map[*Node][2]uint8{}
	var walk func(n *Node) (uint8, bool)
	walk = func(n *Node) (uint8, bool) {
		if m, ok := memo[n]; ok {
			return m[0], m[1] != 0
		}
		var f uint8
		ok := false
		switch n.Op {
		case Read, LetRead:
			axes := n.axes()
			for k, s := range n.Sub {
				if s.Var != nil && k < len(axes) && axes[k].Grid != nil {
					ok = true
					if axes[k].Of != nil {
						f |= 1 << axisIndex(axes[k])
					}
				}
			}
		case Shift: // of a read it only says where the reader stands
			if f, ok = walk(n.Args[0]); n.Explicit && n.N%2 != 0 {
				f ^= 1 << axisIndex(n.Var.Axis)
			}
		case Deriv:
			f, ok = walk(n.Args[0])
			if n.N%2 == 1 {
				f ^= 1 << axisIndex(n.Var.Axis)
			}
		case Reduce:
		default:
			for _, a := range n.Args { // an argument with a derivative decides
				if g, has := walk(a); has && (!ok || a.hasDeriv()) {
					f, ok = g, true
					if a.hasDeriv() {
						break
					}
				}
			}
		}
		var b uint8
		if ok {
			b = 1
		}
		memo[n] = [2]uint8{f, b}
		return f, ok
	}
	return walk(n)
}

// axes are those of what a node reads.
func (n *Node) axes() []*Axis {
	if n.Op == LetRead {
		var out []*Axis
		for _, v := range n.Let.Index {
			out = append(out, v.Axis)
		}
		return out
	}
	if n.Op == Read {
		return n.Field.Axes
	}
	return nil
}

// placeArg reads g or g.x as an argument.
func (c *checker) placeArg(e syntax.Expr, sc *scope) ([]*Axis, bool) {
	p, ok := syntax.Unparen(e).(*syntax.Ref)
	if ok && p.Index == nil && !p.Prime {
		name := p.Name
		if s := c.names[name.Name]; s != nil && s.grid != nil {
			if s.grid != sc.grid {
				c.errs.Errorf("WF0240", p.At, "%s is not the grid of %s", name.Name, sc.what).Suggest("name a place on %s", sc.grid.Name)
				return nil, false
			}
			axes := c.part(s.grid, p.Part)
			return axes, axes != nil
		}
	}
	c.errs.Errorf("WF0244", e.Span(), "a place is expected here").Note("places are a grid (its centres), its faces or its edges").
		Suggest("write for example %s or %s.%s", sc.grid.Name, sc.grid.Name, sc.grid.Axes[0].Name)
	return nil, false
}

// interpolate checks at(e, place) and harmonic(k, place): the mean of e over the nearest of its points around each point of the place,
// of the order of the evolve, and the harmonic mean of two.
func (c *checker) interpolate(e *syntax.Call, sc *scope) *Node {
	name := e.Func.Name
	if name == "harmonic" && len(e.Args) == 1 {
		return c.harmonicVector(e, sc)
	}
	if len(e.Args) != 2 {
		return c.arity(e, name+"(k, "+sc.grid.Name+"."+sc.grid.Axes[0].Name+")")
	}
	x := c.num(e.Args[0].Value, sc)
	axes, ok := c.placeArg(e.Args[1].Value, sc)
	if !ok || x.invalid() {
		return bad(e.At)
	}
	have, fixed := natural(x)
	if !fixed {
		return x
	}
	for j, a := range axes {
		if want := a.Of != nil; want == (have>>j&1 != 0) {
			continue
		}
		v := IndexVar{sc.axes()[j].Name, sc.axes()[j]}
		if name == "harmonic" {
			x = c.harmonic(x, v, e.At)
		} else {
			x = midway(x, v, c.accuracy(sc), e.At)
		}
	}
	return x
}

// harmonic is the harmonic mean of k midway along v: 1 over the mean of 1/k.
func (c *checker) harmonic(k *Node, v IndexVar, at diag.Span) *Node {
	r := compute(ir.Div, one().div(k.Unit), at, number(1, one(), at), k)
	lo, hi := shifted(r, v, -1), shifted(r, v, 1)
	if lo.invalid() || hi.invalid() {
		return bad(at)
	}
	lo.Explicit, hi.Explicit = true, true
	return compute(ir.Div, k.Unit, at, number(2, one(), at), compute(ir.Add, r.Unit, at, lo, hi))
}

// harmonicVector is harmonic(k): its means at the faces of every axis, for the flux harmonic(k)*grad(T).
func (c *checker) harmonicVector(e *syntax.Call, sc *scope) *Node {
	k := c.num(e.Args[0].Value, sc)
	if k.invalid() {
		return bad(e.At)
	}
	out := &Node{Op: Vec, At: e.At, Unit: one(), Diagonal: true}
	for _, v := range axisVars(sc.axes()) {
		out.Args = append(out.Args, c.harmonic(k, v, e.At))
	}
	return out
}

// steppedField is the field on faces that a `let` takes a step of: `let us = u + step*(..)`. Such a let is stored like the field: at its
// place and with its conditions, which a projection needs, where it is differentiated and corrected at its own place. Nil for others.
func (c *checker) steppedField(it *syntax.BindItem, bs *blockState) *syntax.Ident {
	if it.Like != nil || len(it.Index) > 0 || bs.once || bs.block.Count {
		return nil
	}
	stepped := false
	walkExpr(it.Value, func(e syntax.Expr) {
		r, ok := e.(*syntax.Ref)
		stepped = stepped || ok && r.Name.Name == "step"
	})
	if !stepped {
		return nil
	}
	var found *syntax.Ident
	var terms func(e syntax.Expr)
	terms = func(e syntax.Expr) { // of a sum
		switch x := e.(type) {
		case *syntax.Paren:
			terms(x.X)
		case *syntax.Binary:
			if x.Op == syntax.OpAdd || x.Op == syntax.OpSub {
				terms(x.X)
				terms(x.Y)
			}
		case *syntax.Ref:
			if s := c.names[x.Name.Name]; found == nil && s != nil && s.field != nil && x.Index == nil && x.Part == nil && s.field.Grid != nil {
				for _, a := range s.field.Axes {
					if a.Of != nil {
						found = x.Name
					}
				}
			}
		}
	}
	terms(it.Value)
	return found
}

// Place is the position of an axis of the grid, or of its faces, among the axes of the grid.
func (g *Grid) Place(a *Axis) int {
	for i, b := range g.Axes {
		if b == base(a) {
			return i
		}
	}
	return 0
}

// Faces is the axis of the faces normal to a, nil where none was made.
func (p *Program) Faces(a *Axis) *Axis { return a.faces }

// Midway says whether an expression has its values midway between points along v, by the rule of pass discretise.
func Midway(n *Node, v IndexVar) bool {
	w := &walker{facts: map[*Node]*facts{}, seen: map[walkKey]bool{}}
	return w.native(n, axisIndex(v.Axis)) == 1
}
