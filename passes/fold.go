package passes

import (
	"math"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// fold carries out operations whose arguments are constants, with the interpreter's own arithmetic ([ir.Apply]), and removes those that
// do nothing to any value: x*1, x/1, x+(-0), x-0, double negation, a select with a constant or useless condition, conversions to the
// same type. Identities that change a signed zero, an infinity or a NaN (x*0, x-x, x+0) are kept. fma with a factor 1 becomes an
// addition, which rounds the same exact sum.
func fold(p *ir.Program, cfg *Config) error {
	for i := range p.Funcs {
		f := &p.Funcs[i]
		bodies(f, func(op *ir.Op, b *ir.Body) {
			product := op.Kind == ir.Reduce && op.FMA
			*b = foldBody(b, product)
		})
	}
	return nil
}

// foldBody folds a body. With product the results must stay multiplications: a reduction accumulates them by fma.
func foldBody(src *ir.Body, product bool) ir.Body {
	b := newBuilder()
	c := b.copier(src)
	c.made = func(i int, n ir.Node) int {
		if product && slices.Contains(src.Results, i) {
			return b.add(n)
		}
		return foldNode(b, n)
	}
	return b.done(c.results()...)
}

func normalise(b ir.Body) ir.Body { return normal(&b) }

func foldNode(b *builder, n ir.Node) int {
	if len(n.Args) == 0 || n.Op == ir.Deriv || n.Op == ir.Shift {
		return b.add(n)
	}
	elems := make([]ir.Elem, len(n.Args))
	vals := make([]ir.Val, len(n.Args))
	known := true
	for k, a := range n.Args {
		m := &b.body.Nodes[a]
		elems[k] = m.Elem
		if m.Op != ir.Const {
			known = false
			continue
		}
		vals[k] = m.ConstVal()
	}
	if known {
		if v, err := ir.Apply(&n, elems, vals); err == nil {
			if n.Elem.IsFloat() {
				return b.add(ir.Node{Op: ir.Const, Elem: n.Elem, Imm: v.F})
			}
			return b.add(ir.Node{Op: ir.Const, Elem: n.Elem, Int: v.I})
		}
	}
	is := func(k int, x float64) bool { // the constant x, sign of zero included
		m := &b.body.Nodes[n.Args[k]]
		return m.Op == ir.Const && m.Elem.IsFloat() && math.Float64bits(m.Imm) == math.Float64bits(x)
	}
	isInt := func(k int, x int64) bool {
		m := &b.body.Nodes[n.Args[k]]
		return m.Op == ir.Const && !m.Elem.IsFloat() && m.Int == x
	}
	negZero := math.Copysign(0, -1)
	switch n.Op {
	case ir.Mul:
		switch {
		case is(0, 1) || isInt(0, 1):
			return n.Args[1]
		case is(1, 1) || isInt(1, 1):
			return n.Args[0]
		case isInt(0, 0) || isInt(1, 0):
			return b.int(n.Elem, 0)
		}
	case ir.Div:
		if is(1, 1) {
			return n.Args[0]
		}
	case ir.Add:
		switch {
		case is(0, negZero) || isInt(0, 0):
			return n.Args[1]
		case is(1, negZero) || isInt(1, 0):
			return n.Args[0]
		}
	case ir.Sub:
		if is(1, 0) || isInt(1, 0) {
			return n.Args[0]
		}
	case ir.FMA:
		switch {
		case is(0, 1):
			return foldNode(b, ir.Node{Op: ir.Add, Elem: n.Elem, Args: []int{n.Args[1], n.Args[2]}})
		case is(1, 1):
			return foldNode(b, ir.Node{Op: ir.Add, Elem: n.Elem, Args: []int{n.Args[0], n.Args[2]}})
		}
	case ir.Neg, ir.Not:
		if m := &b.body.Nodes[n.Args[0]]; m.Op == n.Op {
			return m.Args[0]
		}
	case ir.Abs, ir.Floor, ir.Ceil:
		if m := &b.body.Nodes[n.Args[0]]; m.Op == n.Op {
			return n.Args[0]
		}
	case ir.Select:
		switch {
		case n.Args[1] == n.Args[2]:
			return n.Args[1]
		case isInt(0, 0):
			return n.Args[2]
		case b.body.Nodes[n.Args[0]].Op == ir.Const:
			return n.Args[1]
		}
	case ir.Cvt, ir.Bitcast:
		if elems[0] == n.Elem {
			return n.Args[0]
		}
	case ir.And:
		switch {
		case isInt(0, 0) || isInt(1, 0):
			return b.int(n.Elem, 0)
		case n.Elem == ir.Bool && isInt(0, 1):
			return n.Args[1]
		case n.Elem == ir.Bool && isInt(1, 1):
			return n.Args[0]
		}
	case ir.Or:
		switch {
		case isInt(0, 0):
			return n.Args[1]
		case isInt(1, 0):
			return n.Args[0]
		case n.Elem == ir.Bool && (isInt(0, 1) || isInt(1, 1)):
			return b.int(n.Elem, 1)
		}
	case ir.Shl, ir.Shr:
		if isInt(1, 0) {
			return n.Args[0]
		}
	}
	return b.add(n)
}
