package grad

import (
	"math"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// A softmax subtracts the largest of its arguments, and adds it again or divides it away: it guards against overflow and changes nothing.
// shifts finds such values m, results of reductions by max or min, by an abstract interpretation over the operations after them. Every value
// is classed by how it depends on m alone, with E = exp(m) at the same indices:
//
//	free      not at all
//	power c   E^c times something free
//	shift c   something free plus c*m
//	unknown
//
// exp turns shifts into powers, log the other way, sums keep powers, quotients subtract them. When what is differentiated is free of m, the
// derivative by m is zero, and m counts as a constant.

type kind uint8

const (
	free kind = iota
	power
	shift
	unknown
)

// class is how a value depends on m. Free constants are told apart: 0 is any power, an infinity any shift.
type class struct {
	kind kind
	c    float64
	at   []string // power, shift: indices of m's dimensions, in scope; for values the indices of their domain
	num  bool     // free: the constant c
}

func (x class) zero() bool { return x.num && x.c == 0 }
func (x class) inf() bool  { return x.num && math.IsInf(x.c, 0) }

// shifts lists the results of reductions by max or min that none of the outputs depends on beyond what they reduce.
func shifts(w *writer, n int, outputs []string) (out []string) {
	for i := range n {
		op := &w.f.Ops[i]
		if op.Kind != ir.Reduce || op.Comb != ir.Max && op.Comb != ir.Min || !op.Results[0].Elem.IsFloat() || len(op.Results) != 1 {
			continue
		}
		m := "%" + op.Results[0].Name
		known := map[string]class{m: {kind: shift, c: 1, at: indices(op.Dom)}}
		for j := i + 1; j < n; j++ {
			spread(&w.f.Ops[j], known, w)
		}
		good := true
		for _, v := range outputs {
			good = good && known[v].kind == free
		}
		if good {
			out = append(out, m)
		}
	}
	return out
}

func indices(rs []ir.Range) (out []string) {
	for _, r := range rs {
		out = append(out, r.Index)
	}
	return out
}

// spread classes the results of an operation.
func spread(op *ir.Op, known map[string]class, w *writer) {
	touched := known[op.From].kind != free
	for i := range op.Pieces {
		for _, n := range op.Pieces[i].Body.Nodes {
			touched = touched || n.Op == ir.Read && known[n.Name].kind != free
		}
	}
	if !touched {
		return
	}
	for k, r := range op.Results {
		var all class
		for i := range op.Pieces {
			x := classify(&op.Pieces[i].Body, op.Pieces[i].Body.Results[k], known, w)
			if i == 0 {
				all = x
			} else {
				all = either(all, x)
			}
		}
		switch {
		case op.Kind == ir.Extend:
			all = class{kind: unknown}
		case op.Kind == ir.Reduce && all.kind != free:
			for _, o := range op.Over {
				if slices.Contains(all.at, o.Index) {
					all = class{kind: unknown}
				}
			}
			if op.Comb == ir.Prod || op.Comb == ir.Sum && all.kind == shift {
				all = class{kind: unknown}
			}
		}
		if all.kind != free {
			known["%"+r.Name] = all
		}
	}
}

// classify gives the class of a node of a body.
func classify(b *ir.Body, node int, known map[string]class, w *writer) class {
	cs := make([]class, node+1)
	for i := range cs {
		n := &b.Nodes[i]
		a := func(k int) class { return cs[n.Args[k]] }
		switch n.Op {
		case ir.Const:
			cs[i] = class{c: n.Imm, num: true}
			if !n.Elem.IsFloat() {
				cs[i].c = float64(n.Int)
			}
		case ir.Read:
			cs[i] = reading(n, known, w)
		case ir.Neg:
			if cs[i] = a(0); cs[i].kind == shift || cs[i].num {
				cs[i].c = -cs[i].c
			}
		case ir.Abs:
			if cs[i] = a(0); cs[i].kind == shift {
				cs[i] = class{kind: unknown}
			}
			cs[i].num = false
		case ir.Add:
			cs[i] = plus(a(0), a(1), 1)
		case ir.Sub:
			cs[i] = plus(a(0), a(1), -1)
		case ir.Mul:
			cs[i] = times(a(0), a(1), 1)
		case ir.Div:
			cs[i] = times(a(0), a(1), -1)
		case ir.FMA:
			cs[i] = plus(times(a(0), a(1), 1), a(2), 1)
		case ir.MinOp, ir.MaxOp:
			cs[i] = either(a(0), a(1))
		case ir.Select:
			if cs[i] = either(a(1), a(2)); a(0).kind != free {
				cs[i] = class{kind: unknown}
			}
		case ir.Lt, ir.Le, ir.Eq, ir.Ne:
			if either(a(0), a(1)).kind == unknown {
				cs[i] = class{kind: unknown}
			}
		case ir.Sqrt:
			if cs[i] = a(0); cs[i].kind == power {
				cs[i].c /= 2
			} else if cs[i].num = false; cs[i].kind == shift {
				cs[i] = class{kind: unknown}
			}
		case ir.Exp:
			switch x := a(0); {
			case x.inf() && x.c < 0:
				cs[i] = class{num: true}
			case x.kind == shift:
				cs[i] = class{kind: power, c: x.c, at: x.at}
			case x.kind != free:
				cs[i] = class{kind: unknown}
			}
		case ir.Log:
			switch x := a(0); {
			case x.kind == power:
				cs[i] = class{kind: shift, c: x.c, at: x.at}
			case x.kind != free:
				cs[i] = class{kind: unknown}
			}
		case ir.Cvt:
			if cs[i] = a(0); cs[i].kind != free && !(n.Elem.IsFloat() && b.Nodes[n.Args[0]].Elem.IsFloat()) {
				cs[i] = class{kind: unknown}
			}
		default:
			for k := range n.Args {
				if a(k).kind != free {
					cs[i] = class{kind: unknown}
				}
			}
		}
	}
	return cs[node]
}

// reading is the class of a read: that of what is read, at the indices of the access.
func reading(n *ir.Node, known map[string]class, w *writer) class {
	x, ok := known[n.Name]
	if !ok || x.kind == free || x.kind == unknown {
		return class{kind: x.kind}
	}
	dom, _, err := w.box(n.Name)
	if err != nil || len(dom) != len(n.At) {
		return class{kind: unknown}
	}
	at := make([]string, len(x.at))
	for k, index := range x.at {
		d := slices.Index(indices(dom), index)
		if d < 0 || n.At[d].Index == "" || n.At[d].Off != 0 || !n.At[d].Unit() {
			return class{kind: unknown}
		}
		at[k] = n.At[d].Index
	}
	return class{kind: x.kind, c: x.c, at: at}
}

// either is the class of one of two values, or of the smaller or larger.
func either(x, y class) class {
	switch {
	case x.kind == unknown || y.kind == unknown:
		return class{kind: unknown}
	case x.kind == free && y.kind == free:
		if x.num && y.num && x.c == y.c {
			return x
		}
		return class{}
	case x.kind == y.kind && x.c == y.c && slices.Equal(x.at, y.at):
		return x
	case x.kind == power && y.zero(), x.kind == shift && y.inf():
		return x
	case y.kind == power && x.zero(), y.kind == shift && x.inf():
		return y
	}
	return class{kind: unknown}
}

// plus is the class of x + sign*y.
func plus(x, y class, sign float64) class {
	switch {
	case x.kind == unknown || y.kind == unknown:
		return class{kind: unknown}
	case x.kind == free && y.kind == free:
		if x.num && y.num {
			return class{num: true, c: x.c + float64(sign*y.c)}
		}
		return class{}
	case x.kind == power || y.kind == power:
		return either(x, y) // equal powers, or one is zero
	case y.kind == free:
		return x
	case x.kind == free:
		y.c *= sign
		return y
	}
	return alike(x, y, sign)
}

// times is the class of x * y^sign.
func times(x, y class, sign float64) class {
	switch {
	case x.zero() && y.kind != unknown:
		return x
	case x.kind == unknown || y.kind == unknown:
		return class{kind: unknown}
	case sign > 0 && y.zero():
		return y
	case x.kind == free && y.kind == free:
		return class{}
	case x.kind == shift && y.num:
		if x.c *= y.c; sign < 0 {
			x.c /= y.c * y.c
		}
		return x
	case y.kind == shift && x.num && sign > 0:
		y.c *= x.c
		return y
	case x.kind == shift || y.kind == shift:
		return class{kind: unknown}
	case y.kind == free:
		return x
	case x.kind == free:
		y.c *= sign
		return y
	}
	return alike(x, y, sign)
}

// alike is the class of two that follow the same value: their multiples add, and what remains of none is free.
func alike(x, y class, sign float64) class {
	if !slices.Equal(x.at, y.at) {
		return class{kind: unknown}
	}
	if x.c += float64(sign * y.c); x.c == 0 {
		return class{}
	}
	return x
}
