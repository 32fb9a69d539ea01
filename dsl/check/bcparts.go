package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/ir"
)

// Conditions on parts of sides are joined into one per side, whose terms are selects.

// give stores a condition, or the part of one.
func (c *checker) give(f *Field, n *Condition, e *syntax.BCEntry, k side, sc *scope) {
	for _, x := range []*Node{n.Value, n.A, n.B} {
		if x != nil && x.invalid() {
			return
		}
	}
	var where *Node
	if e.Where != nil {
		if where = c.truth(e.Where, sc); where.invalid() {
			return
		}
	}
	for _, p := range f.parts {
		if p.cond.Axis != n.Axis || p.cond.High != n.High || p.where != nil {
			continue
		}
		if p.cond.At != n.At && where == nil {
			c.errs.Errorf("WF0262", n.At, "the side %s of %s has two conditions", k, f.Name).With(p.cond.At, "the first is here").
				Suggest("remove one, say where each holds (`%s where y > 0.5: ..`), or use `others` for the remaining sides", k)
			return
		}
		if p.cond.At == n.At {
			return
		}
	}
	f.parts = append(f.parts, part{where, n})
}

// joinParts makes one condition of what is said about the parts of each side: the first that holds at a point, else the one without
// `where`.
func (c *checker) joinParts(f *Field) {
	parts := f.parts
	f.parts = nil
	done := map[side]bool{}
	for _, p := range parts {
		k := side{base(p.cond.Axis), p.cond.High}
		if done[k] {
			continue
		}
		done[k] = true
		if old := f.Cond(k.axis, k.high); old != nil {
			c.errs.Errorf("WF0262", p.cond.At, "the side %s of %s has two conditions", k, f.Name).With(old.At, "the first is here").
				Suggest("remove one, or use `others` for the remaining sides")
			continue
		}
		var some []part
		var rest *Condition
		for _, q := range parts {
			if q.cond.Axis == p.cond.Axis && q.cond.High == p.cond.High {
				if q.where == nil {
					rest = q.cond
				} else {
					some = append(some, q)
				}
			}
		}
		if rest == nil {
			c.errs.Errorf("WF0268", p.cond.At, "nothing says what holds on the rest of the side %s of %s", k, f.Name).
				Note("a condition with `where` is for a part of a side").Suggest("add `%s: dn(%s) = 0` for an insulated rest, or give a value", k, f.Name)
			continue
		}
		n := rest
		for i := len(some) - 1; i >= 0; i-- {
			n = c.choose(some[i].where, some[i].cond, n)
		}
		n.Timed = false
		for _, x := range []*Node{n.Value, n.A, n.B, n.Fixed, n.FixedValue} {
			Visit(x, func(x *Node) { n.Timed = n.Timed || x.Op == Time })
		}
		f.BC = append(f.BC, n)
	}
}

// choose joins two conditions: p where cond holds, else q.
func (c *checker) choose(where *Node, p, q *Condition) *Condition {
	out := &Condition{Axis: q.Axis, High: q.High, Kind: q.Kind, At: p.At}
	pick := func(a, b *Node) *Node { return compute(ir.Select, a.Unit, p.At, where, a, b) }
	if p.Kind == q.Kind && p.Kind != ir.Mixed && q.Fixed == nil {
		out.Value = pick(p.Value, q.Value)
		return out
	}
	nodes := p.Axis.Nodes
	if nodes && (p.Kind == ir.Value || q.Kind == ir.Value || q.Fixed != nil) {
		// An end node that is fixed on a part of the side: beyond it nothing is read there.
		fixed := func(k *Condition, here *Node) (*Node, *Node) { // where on the part `here`, and at what value
			switch {
			case k.Kind == ir.Value:
				return here, k.Value
			case k.Fixed != nil:
				return compute(ir.And, one(), p.At, here, k.Fixed), k.FixedValue
			}
			return nil, nil
		}
		pf, pv := fixed(p, where)
		qf, qv := fixed(q, compute(ir.Not, one(), p.At, where))
		out.Fixed = either(pf, qf, func(a, b *Node) *Node { return compute(ir.Or, one(), p.At, a, b) })
		out.FixedValue = either(pv, qv, pick)
	}
	pa, pb, pc := p.terms(nodes)
	qa, qb, qc := q.terms(nodes)
	out.Kind, out.A, out.B, out.Value = ir.Mixed, pick(pa, qa), pick(pb, qb), pick(pc, qc)
	return out
}

// either is the one of two values that there is, or both joined.
func either(a, b *Node, join func(a, b *Node) *Node) *Node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return join(a, b)
}

// terms are a, b and c of a condition a*T + b*dn(T) = c. With nodes a fixed value is stored and the ghost beyond it is not used; an
// even reflection stands there.
func (k *Condition) terms(nodes bool) (a, b, v *Node) {
	zero, unit := number(0, one(), k.At), number(1, one(), k.At)
	switch {
	case k.Kind == ir.Mixed:
		return k.A, k.B, k.Value
	case k.Kind == ir.Gradient || nodes:
		if k.Kind != ir.Gradient {
			return zero, unit, zero
		}
		return zero, unit, k.Value
	}
	return unit, zero, k.Value
}
