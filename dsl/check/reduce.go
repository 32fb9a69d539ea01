package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

var combiners = map[string]ir.Combiner{"sum": ir.Sum, "mean": ir.Sum, "max": ir.Max, "min": ir.Min}

// reduce checks `sum over x, y [where cond] of body`.
func (c *checker) reduce(e *syntax.Reduce, sc *scope) *Node {
	comb, ok := combiners[e.Op.Name]
	if !ok {
		d := c.errs.Errorf("WF0255", e.Op.At, "%s is no reduction", e.Op.Name)
		if s := closest(e.Op.Name, []string{"sum", "mean", "max", "min"}); s != "" {
			d.Replace(e.Op.At, s, "did you mean %s?", s)
		} else {
			d.Suggest("there are sum, mean, max and min")
		}
		return bad(e.At)
	}
	if sc.host || sc.side != nil {
		c.errs.Errorf("WF0204", e.At, "%s cannot be a reduction over fields", sc.what).Suggest("compute it inside `evolve`")
		return bad(e.At)
	}
	var over []IndexVar
	for _, id := range e.Over {
		v, ok := c.overIndex(id, e, sc)
		if !ok {
			return bad(e.At)
		}
		over = append(over, v)
	}
	inner := sc
	if sc.form || sc.grid == nil {
		inner = sc.with(over)
		inner.form = true
	}
	var cond *Node
	if e.Where != nil {
		if cond = c.truth(e.Where, inner); cond.invalid() {
			return bad(e.At)
		}
	}
	body := c.num(e.Body, inner)
	if body.invalid() {
		return bad(e.At)
	}
	count := 1.0
	for _, v := range over {
		count *= float64(v.Axis.N)
	}
	if cond != nil {
		if e.Op.Name == "mean" {
			c.errs.Errorf("WF0255", e.At, "a mean with `where` has no fixed number of elements").
				Suggest("divide two sums: (sum over x where c of T)/(sum over x where c of 1)")
			return bad(e.At)
		}
		body = compute(ir.Select, body.Unit, e.At, cond, body, number(identity(comb), body.Unit, e.At))
	}
	n := c.reduceNode(comb, over, body, e.At)
	if e.Op.Name == "mean" {
		return compute(ir.Div, n.Unit, e.At, n, number(count, one(), e.At))
	}
	return n
}

func identity(c ir.Combiner) float64 {
	switch c {
	case ir.Max:
		return negInf
	case ir.Min:
		return -negInf
	}
	return 0
}

func (c *checker) reduceNode(comb ir.Combiner, over []IndexVar, body *Node, at diag.Span) *Node {
	if body.invalid() {
		return bad(at)
	}
	return &Node{Op: Reduce, Comb: comb, Over: over, Args: []*Node{body}, Unit: body.Unit, At: at}
}

// overIndex resolves an index to reduce over: an axis of the grid of the equation, a dim, a declared index, or the only axis of that
// name in the program.
func (c *checker) overIndex(id *syntax.Ident, e *syntax.Reduce, sc *scope) (IndexVar, bool) {
	if sc.bound(id.Name) {
		c.errs.Errorf("WF0255", id.At, "the index %s already has a value here", id.Name).
			Suggest("declare a second index over the same axis: `index %s2 in %s`, and reduce over that", id.Name, id.Name)
		return IndexVar{}, false
	}
	for _, o := range e.Over {
		if o == id {
			break
		}
		if o.Name == id.Name {
			c.errs.Errorf("WF0255", id.At, "%s stands twice after `over`", id.Name).With(o.At, "here").Suggest("remove one")
			return IndexVar{}, false
		}
	}
	if sc.grid != nil {
		for _, a := range sc.axes() {
			if a.Name == id.Name {
				return IndexVar{a.Name, a}, true
			}
		}
	}
	if s := c.names[id.Name]; s != nil {
		if s.axis != nil {
			return IndexVar{id.Name, s.axis}, true
		}
		if s.what == "name" || s.what == "dim" || s.what == "index" {
			return IndexVar{}, false
		}
	}
	if a := c.soleAxis(id.Name); a != nil {
		return IndexVar{a.Name, a}, true
	}
	if a := c.axisOfRead(e.Body, id.Name, sc); a != nil {
		return IndexVar{a.Name, a}, true
	}
	c.unknown(id, "index", c.indexNames(sc))
	return IndexVar{}, false
}

// axisOfRead finds the axis an index name means from a field that is read with it.
func (c *checker) axisOfRead(e syntax.Expr, name string, sc *scope) *Axis {
	var found *Axis
	walkExpr(e, func(e syntax.Expr) {
		r, ok := e.(*syntax.Ref)
		if !ok || found != nil {
			return
		}
		for i, a := range c.refAxes(r, sc) {
			if i < len(r.Index) && a.Name == name {
				if id := affineName(r.Index[i].Value); id != nil && id.Name == name {
					found = a
				}
			}
		}
	})
	return found
}
