package check

import (
	"math"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
)

// subscripts resolves the indices of a read: one per axis, each an index over that axis plus a whole number, or a whole number.
func (c *checker) subscripts(e *syntax.Ref, axes []*Axis, name string, sc *scope) ([]Sub, bool) {
	if e.Index == nil {
		if len(axes) == 0 {
			return nil, true
		}
		c.errs.Errorf("WF0253", e.At, "%s needs its indices here", name).
			Replace(e.At, e.At.Text()+"["+axisNames(axes)+"]", "write %s[%s]", e.At.Text(), axisNames(axes))
		return nil, false
	}
	if len(e.Index) != len(axes) {
		d := c.errs.Errorf("WF0250", e.At, "%s has %d indices, %d are given", name, len(axes), len(e.Index))
		if len(axes) > 0 {
			d.Suggest("write %s[%s]", name, axisNames(axes))
		} else {
			d.Suggest("remove the brackets")
		}
		return nil, false
	}
	var out []Sub
	ok := true
	for i, a := range e.Index {
		if a.Name != nil {
			c.errs.Errorf("WF0252", a.At, "renaming an index inside brackets has no meaning for fields").
				Suggest("declare a second index over the same dim: `index %s2 in %s`", axes[i].Name, axes[i].Name)
			ok = false
			continue
		}
		s, good := c.subscript(a.Value, axes[i], name, sc)
		out, ok = append(out, s), ok && good
	}
	return out, ok
}

func (c *checker) subscript(e syntax.Expr, want *Axis, name string, sc *scope) (Sub, bool) {
	id, off, ok := c.affine(e, sc)
	if !ok {
		return Sub{}, false
	}
	if id == nil {
		if off < 0 || off >= want.N && !want.guess {
			c.errs.Errorf("WF0252", e.Span(), "the index %d is outside %s, which runs from 0 to %d", off, want.Name, want.N-1).Suggest("use an index inside")
			return Sub{}, false
		}
		return Sub{Off: off}, true
	}
	v, found := sc.indexVar(id.Name)
	if !found {
		c.unboundIndex(id, want, sc)
		return Sub{}, false
	}
	if v.Axis != want && !(sc.form && base(v.Axis) == base(want)) {
		c.errs.Errorf("WF0251", e.Span(), "%s is an index along %s, but here %s runs along %s", id.Name, axisText(v.Axis), name, axisText(want)).
			With(v.Axis.At, "%s is declared here", v.Axis.Name).With(want.At, "%s is declared here", want.Name).
			Suggest("use an index over %s: `index i in %s`", want.Name, want.Name)
		return Sub{}, false
	}
	return Sub{Var: &v, Off: off}, true
}

func axisText(a *Axis) string {
	if a.Of != nil {
		return "the faces of " + a.Grid.Name + "." + a.Name
	}
	if a.Grid != nil {
		return a.Grid.Name + "." + a.Name
	}
	return a.Name
}

func (c *checker) unboundIndex(id *syntax.Ident, want *Axis, sc *scope) {
	s := c.names[id.Name]
	if s != nil && s.axis != nil || c.isAxisName(id.Name) {
		c.errs.Errorf("WF0254", id.At, "the index %s is not on the left side and in no product", id.Name).
			Note("an index that is absent from the left side is summed at the smallest product that contains it").
			Suggest("write `sum over %s of ..`, or put %s on the left side", id.Name, id.Name)
		return
	}
	if s != nil && s.what == "name" {
		return
	}
	c.unknown(id, "index", append(c.indexNames(sc), want.Name))
}

// affine splits x, x + 2, x - n or 3 into an index and an offset; params in offsets become shape.
func (c *checker) affine(e syntax.Expr, sc *scope) (*syntax.Ident, int, bool) {
	switch x := syntax.Unparen(e).(type) {
	case *syntax.Ref:
		if c.isIndex(x, sc) {
			return x.Name, 0, true
		}
	case *syntax.Binary:
		if x.Op != syntax.OpAdd && x.Op != syntax.OpSub {
			break
		}
		sign := 1
		if x.Op == syntax.OpSub {
			sign = -1
		}
		if l, ok := syntax.Unparen(x.X).(*syntax.Ref); ok && c.isIndex(l, sc) {
			k, ok := c.wholeNumber(x.Y, sc)
			return l.Name, sign * k, ok
		}
		if r, ok := syntax.Unparen(x.Y).(*syntax.Ref); ok && c.isIndex(r, sc) && sign > 0 {
			k, ok := c.wholeNumber(x.X, sc)
			return r.Name, k, ok
		}
	}
	k, ok := c.wholeNumber(e, sc)
	return nil, k, ok
}

// isIndex says whether a name in brackets is meant as an index: anything that is no known number.
func (c *checker) isIndex(r *syntax.Ref, sc *scope) bool {
	if r.Prime || r.Index != nil {
		return false
	}
	if _, ok := sc.indexVar(r.Name.Name); ok {
		return true
	}
	s := c.names[r.Name.Name]
	return s == nil || s.axis != nil || s.what == "name"
}

func (c *checker) wholeNumber(e syntax.Expr, sc *scope) (int, bool) {
	indexed := false
	walkExpr(e, func(x syntax.Expr) {
		if r, ok := x.(*syntax.Ref); ok {
			_, bound := sc.indexVar(r.Name.Name)
			indexed = indexed || bound
		}
	})
	n := bad(e.Span())
	if !indexed {
		if n = c.expr(e, &scope{host: true, what: "an offset of an index"}); n.invalid() {
			return 0, false
		}
	}
	if !indexed && n.Op != Vec && !n.Bool && n.host {
		if v, ok := c.frozen(n); ok && v == math.Trunc(v) && math.Abs(v) <= maxPoints {
			c.needOne(n, "an index")
			return int(v), true
		}
	}
	c.errs.Errorf("WF0252", e.Span(), "an index is a name plus or minus a whole number known at build").
		Note("communication is derived from the form of the index").Suggest("write for example T[x+1, y]")
	return 0, false
}

// productSums finds where indices absent from the left side are summed: at the smallest product that contains all their uses. It
// returns the products by expression; an index outside products is reported when it is resolved.
func (c *checker) productSums(e syntax.Expr, sc *scope) map[syntax.Expr][]IndexVar {
	out := map[syntax.Expr][]IndexVar{}
	for _, v := range c.missing(e, sc) {
		c.placeSum(e, v, sc, out)
	}
	return out
}

// missing lists the indices used in e that neither the scope nor a reduction inside e binds, in order of use.
func (c *checker) missing(e syntax.Expr, sc *scope) []IndexVar {
	var out []IndexVar
	seen := map[string]bool{}
	var walk func(e syntax.Expr, boundHere map[string]bool)
	put := func(r *syntax.Ref, axes []*Axis, bnd map[string]bool) {
		for i, a := range r.Index {
			id := affineName(a.Value)
			if id == nil || i >= len(axes) || bnd[id.Name] || seen[id.Name] {
				continue
			}
			if _, ok := sc.lookupIndex(id.Name); ok {
				continue
			}
			if v, ok := c.indexOver(id.Name, axes[i]); ok {
				seen[id.Name] = true
				out = append(out, v)
			}
		}
	}
	walk = func(e syntax.Expr, bnd map[string]bool) {
		switch e := e.(type) {
		case *syntax.Ref:
			put(e, c.refAxes(e, sc), bnd)
		case *syntax.Reduce:
			inner := map[string]bool{}
			for k := range bnd {
				inner[k] = true
			}
			for _, o := range e.Over {
				inner[o.Name] = true
			}
			if e.Where != nil {
				walk(e.Where, inner)
			}
			walk(e.Body, inner)
		case *syntax.Unary:
			walk(e.X, bnd)
		case *syntax.Binary:
			walk(e.X, bnd)
			walk(e.Y, bnd)
		case *syntax.Paren:
			walk(e.X, bnd)
		case *syntax.Tuple:
			for _, x := range e.Elems {
				walk(x, bnd)
			}
		case *syntax.Call:
			for _, a := range e.Args {
				walk(a.Value, bnd)
			}
		}
	}
	walk(e, nil)
	return out
}

// refAxes are the axes of what a reference with indices reads.
func (c *checker) refAxes(e *syntax.Ref, sc *scope) []*Axis {
	if sc.block != nil {
		if l, ok := sc.block.lets[e.Name.Name]; ok {
			if l.let == nil {
				return nil
			}
			var out []*Axis
			for _, v := range l.let.Index {
				out = append(out, v.Axis)
			}
			return out
		}
	}
	if s := c.names[e.Name.Name]; s != nil && s.field != nil {
		return s.field.Axes
	}
	return nil
}

// indexOver returns the index of that name over an axis: the axis itself or a declared index.
func (c *checker) indexOver(name string, a *Axis) (IndexVar, bool) {
	if a.Name == name && a.Grid != nil {
		return IndexVar{name, a}, true
	}
	if s := c.names[name]; s != nil && s.axis == a {
		return IndexVar{name, a}, true
	}
	return IndexVar{}, false
}

func affineName(e syntax.Expr) *syntax.Ident {
	switch x := syntax.Unparen(e).(type) {
	case *syntax.Ref:
		return x.Name
	case *syntax.Binary:
		if l, ok := syntax.Unparen(x.X).(*syntax.Ref); ok {
			return l.Name
		}
		if r, ok := syntax.Unparen(x.Y).(*syntax.Ref); ok {
			return r.Name
		}
	}
	return nil
}

// placeSum puts the sum over v at the smallest product in e; it reports whether there is one.
func (c *checker) placeSum(e syntax.Expr, v IndexVar, sc *scope, out map[syntax.Expr][]IndexVar) bool {
	uses := func(e syntax.Expr) bool {
		for _, m := range c.missing(e, sc) {
			if m.Name == v.Name {
				return true
			}
		}
		return false
	}
	switch x := e.(type) {
	case *syntax.Paren:
		return c.placeSum(x.X, v, sc, out)
	case *syntax.Unary:
		return c.placeSum(x.X, v, sc, out)
	case *syntax.Binary:
		inX, inY := uses(x.X), uses(x.Y)
		switch x.Op {
		case syntax.OpAdd, syntax.OpSub:
			ok := true
			if inX {
				ok = c.placeSum(x.X, v, sc, out)
			}
			if inY {
				ok = c.placeSum(x.Y, v, sc, out) && ok
			}
			return ok
		case syntax.OpMul, syntax.OpDiv:
			if inX && !inY && c.placeSum(x.X, v, sc, out) || inY && !inX && x.Op == syntax.OpMul && c.placeSum(x.Y, v, sc, out) {
				return true
			}
			if x.Op == syntax.OpMul {
				out[e] = append(out[e], v)
				return true
			}
		}
	}
	return false
}

// leftIndices resolves the index names of a left side over known axes.
func (c *checker) leftIndices(ids []*syntax.Ident, axes []*Axis, at diag.Span, name string) ([]IndexVar, bool) {
	if len(ids) != len(axes) {
		c.errs.Errorf("WF0250", at, "%s has %d indices, %d are given", name, len(axes), len(ids)).Suggest("write %s[%s]", name, axisNames(axes))
		return nil, false
	}
	var out []IndexVar
	ok := true
	for i, id := range ids {
		v, found := c.indexOver(id.Name, axes[i])
		if !found {
			d := c.errs.Errorf("WF0251", id.At, "%s is no index along %s", id.Name, axisText(axes[i])).With(axes[i].At, "%s is declared here", axes[i].Name)
			d.Replace(id.At, axes[i].Name, "write %s", axes[i].Name)
			ok = false
			continue
		}
		for _, o := range out {
			if o.Name == v.Name {
				c.errs.Errorf("WF0251", id.At, "the index %s stands twice on the left side", id.Name).
					Suggest("every place of the left side has its own index: `index %s2 in %s`", id.Name, axes[i].Name)
				ok = false
			}
		}
		out = append(out, v)
	}
	return out, ok
}
