package check

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// derive is the derivative of an expression in the direction given by one field per unknown: forward differentiation, node by node. What
// does not depend on an unknown gives nil, so that constants and the affine parts of conditions drop out, and of an expression that is
// linear in the unknowns its linear part is left exactly as written.
type derive struct {
	dir  map[*Field]*Field
	memo map[*Node]*Node
	fail func(at diag.Span, why string)
}

func (d *derive) of(n *Node) *Node {
	if n == nil || n.host {
		return nil
	}
	if v, ok := d.memo[n]; ok {
		return v
	}
	v := d.node(n)
	d.memo[n] = v
	return v
}

func (d *derive) node(n *Node) *Node {
	switch n.Op {
	case Read:
		to := d.dir[n.Field]
		if to == nil {
			return nil
		}
		m := *n
		m.Field, m.seen, m.trait = to, false, 0
		return &m
	case Deriv, Shift:
		x := d.of(n.Args[0])
		if x == nil {
			return nil
		}
		return withArgs(n, x)
	case Reduce:
		x := d.of(n.Args[0])
		if x == nil {
			return nil
		}
		if n.Comb != ir.Sum {
			d.fail(n.At, "it reduces the unknown by "+n.Comb.String())
			return nil
		}
		return withArgs(n, x)
	case Compute:
		return d.compute(n)
	}
	return nil
}

// withArgs is a node with other arguments.
func withArgs(n *Node, args ...*Node) *Node {
	m := *n
	m.Args, m.seen, m.trait, m.free = args, false, 0, nil
	return &m
}

// rewritten is an expression with parts of it replaced: each is what `one` makes of it or, where that is nil, itself with its own parts
// rewritten. Parts that occur several times are rewritten once, and what does not change stays the same node.
func rewritten(n *Node, one func(n *Node, walk func(*Node) *Node) *Node) *Node {
	memo := map[*Node]*Node{}
	var walk func(n *Node) *Node
	walk = func(n *Node) *Node {
		if n == nil || n.host {
			return n
		}
		if m, ok := memo[n]; ok {
			return m
		}
		out := one(n, walk)
		if out == nil {
			out = n
			args := make([]*Node, len(n.Args))
			changed := false
			for i, a := range n.Args {
				args[i] = walk(a)
				changed = changed || args[i] != a
			}
			if changed {
				out = withArgs(n, args...)
			}
		}
		memo[n] = out
		return out
	}
	return walk(n)
}

func (d *derive) compute(n *Node) *Node {
	var da, db *Node
	a := n.Args[0]
	if n.Code != ir.Select {
		da = d.of(a)
	}
	if len(n.Args) > 1 {
		db = d.of(n.Args[1])
	}
	u, at := n.Unit, n.At
	op := func(code ir.Code, args ...*Node) *Node { return compute(code, u, at, args...) }
	mulBy := func(x, f *Node) *Node { return compute(ir.Mul, u, at, f, x) }
	num := func(v float64) *Node { return number(v, one(), at) }
	if n.Code != ir.Select && da == nil && db == nil {
		return nil
	}
	switch n.Code {
	case ir.Add, ir.Sub:
		switch {
		case db == nil:
			return da
		case da != nil:
			return op(n.Code, da, db)
		case n.Code == ir.Sub:
			return op(ir.Neg, db)
		}
		return db
	case ir.Neg:
		return op(ir.Neg, da)
	case ir.Mul:
		switch {
		case db == nil:
			return op(ir.Mul, da, n.Args[1])
		case da == nil:
			return op(ir.Mul, a, db)
		}
		return op(ir.Add, op(ir.Mul, da, n.Args[1]), op(ir.Mul, a, db))
	case ir.Div:
		if db == nil {
			return op(ir.Div, da, n.Args[1])
		}
		q := op(ir.Div, op(ir.Mul, n, db), n.Args[1])
		if da == nil {
			return op(ir.Neg, q)
		}
		return op(ir.Sub, op(ir.Div, da, n.Args[1]), q)
	case ir.Select:
		x, y := d.of(n.Args[1]), d.of(n.Args[2])
		if x == nil && y == nil {
			return nil
		}
		zero := number(0, u, at)
		if x == nil {
			x = zero
		}
		if y == nil {
			y = zero
		}
		return op(ir.Select, n.Args[0], x, y)
	case ir.MinOp, ir.MaxOp:
		zero := number(0, u, at)
		if da == nil {
			da = zero
		}
		if db == nil {
			db = zero
		}
		first := compute(ir.Le, one(), at, n.Args[0], n.Args[1])
		if n.Code == ir.MaxOp {
			first = compute(ir.Le, one(), at, n.Args[1], n.Args[0])
		}
		return op(ir.Select, first, da, db)
	case ir.Abs:
		return op(ir.Select, compute(ir.Lt, one(), at, a, number(0, a.Unit, at)), op(ir.Neg, da), da)
	case ir.Sqrt:
		return op(ir.Div, da, op(ir.Mul, num(2), n))
	case ir.Exp:
		return mulBy(da, n)
	case ir.Log:
		return op(ir.Div, da, a)
	case ir.Sin:
		return mulBy(da, op(ir.Cos, a))
	case ir.Cos:
		return op(ir.Neg, mulBy(da, op(ir.Sin, a)))
	case ir.Tanh:
		return mulBy(da, op(ir.Sub, num(1), op(ir.Mul, n, n)))
	case ir.Pow:
		if db != nil {
			d.fail(at, "the unknown stands in an exponent")
			return nil
		}
		k := n.Args[1]
		less := compute(ir.Sub, one(), at, k, num(1))
		if v, ok := constant(k); ok {
			if v == 2 {
				return mulBy(da, op(ir.Mul, num(2), a))
			}
			less = number(v-1, one(), at)
		}
		return mulBy(da, op(ir.Mul, k, op(ir.Pow, a, less)))
	case ir.Floor, ir.Ceil:
		return nil
	}
	d.fail(at, "it has no derivative")
	return nil
}

// replaced is an expression with reads of fields replaced by other values at the same point.
func replaced(n *Node, by map[*Field]*Node) *Node {
	return rewritten(n, func(n *Node, _ func(*Node) *Node) *Node {
		r := by[n.Field]
		switch {
		case n.Op != Read || r == nil:
			return nil
		case plainRead(n):
			return r
		}
		return movedBy(r, n)
	})
}

// movedBy is a value at the point where a read of the field it stands for is: its indices become those of the read, with their offsets.
func movedBy(n, read *Node) *Node {
	type target struct {
		v   IndexVar
		off int
	}
	to := map[IndexVar]target{}
	for k, s := range read.Sub {
		if s.Var != nil {
			a := read.Field.Axes[k]
			to[IndexVar{a.Name, a}] = target{*s.Var, s.Off}
		}
	}
	return rewritten(n, func(n *Node, walk func(*Node) *Node) *Node {
		t, moves := to[n.Var]
		if !moves && n.Op != Read && n.Op != LetRead {
			return nil
		}
		m := withArgs(n)
		for _, a := range n.Args {
			m.Args = append(m.Args, walk(a))
		}
		if moves {
			m.Var = t.v
		}
		switch n.Op {
		case Read, LetRead:
			m.Sub = append([]Sub(nil), n.Sub...)
			for i, s := range m.Sub {
				if s.Var == nil {
					continue
				}
				if t, ok := to[*s.Var]; ok {
					m.Sub[i].Var = &t.v
					m.Sub[i].Off += t.off
				}
			}
		case Coord:
			if moves && t.off != 0 {
				m = compute(ir.Add, n.Unit, n.At, m, number(float64(t.off)*n.Var.Axis.H, n.Unit, n.At))
			}
		case IndexVal:
			if moves && t.off != 0 {
				m = compute(ir.Add, n.Unit, n.At, m, number(float64(t.off), n.Unit, n.At))
			}
		}
		return m
	})
}

// readsField says whether an expression reads one of the fields.
func readsField(n *Node, fields []*Field) bool {
	found := false
	Visit(n, func(x *Node) {
		for _, f := range fields {
			found = found || x.Op == Read && x.Field == f
		}
	})
	return found
}
