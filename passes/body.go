package passes

import (
	"encoding/binary"
	"math"

	"github.com/wfc-lang/wfc/ir"
)

// builder makes a body in which equal nodes are one node.
type builder struct {
	body ir.Body
	seen map[nodeKey]int
}

type nodeKey struct {
	op     ir.Code
	elem   ir.Elem
	imm    uint64
	i      int64
	name   string
	args   string
	at     string
	n, acc int
}

func keyOf(n *ir.Node) nodeKey {
	k := nodeKey{op: n.Op, elem: n.Elem, imm: math.Float64bits(n.Imm), i: n.Int, name: n.Name, n: n.N, acc: n.Acc}
	if len(n.Args) > 0 {
		var b []byte
		for _, a := range n.Args {
			b = binary.AppendVarint(b, int64(a))
		}
		k.args = string(b)
	}
	if len(n.At) > 0 {
		var b []byte
		for _, a := range n.At {
			b = append(append(b, a.Index...), 0)
			b = binary.AppendVarint(b, int64(a.Off))
			b = binary.AppendVarint(b, int64(max(1, a.Mul)))
			b = binary.AppendVarint(b, int64(max(1, a.Div)))
		}
		k.at = string(b)
	}
	return k
}

func newBuilder() *builder { return &builder{seen: map[nodeKey]int{}} }

// add returns the index of a node equal to n.
func (b *builder) add(n ir.Node) int {
	k := keyOf(&n)
	if i, ok := b.seen[k]; ok {
		return i
	}
	i := len(b.body.Nodes)
	b.body.Nodes = append(b.body.Nodes, n)
	b.seen[k] = i
	return i
}

func (b *builder) op(c ir.Code, e ir.Elem, args ...int) int {
	return b.add(ir.Node{Op: c, Elem: e, Args: args})
}

// num is a floating-point constant, rounded once to e.
func (b *builder) num(e ir.Elem, x float64) int {
	return b.add(ir.Node{Op: ir.Const, Elem: e, Imm: ir.RoundTo(e, x).F})
}

func (b *builder) int(e ir.Elem, x int64) int {
	return b.add(ir.Node{Op: ir.Const, Elem: e, Int: x})
}

func (b *builder) elem(i int) ir.Elem { return b.body.Nodes[i].Elem }

// done returns the body with the given results and no dead nodes, in canonical order.
func (b *builder) done(results ...int) ir.Body {
	b.body.Results = results
	return normal(&b.body)
}

// bodies calls f for every piece body of every operation of a function.
func bodies(f *ir.Func, g func(op *ir.Op, b *ir.Body)) {
	for i := range f.Ops {
		for j := range f.Ops[i].Pieces {
			g(&f.Ops[i], &f.Ops[i].Pieces[j].Body)
		}
	}
}

// axisOf returns the axis an index of the operation runs over, "" if it has none.
func axisOf(op *ir.Op, index string) string {
	for _, r := range op.Dom {
		if r.Index == index {
			return r.Axis
		}
	}
	for _, r := range op.Over {
		if r.Index == index {
			return r.Axis
		}
	}
	return ""
}
