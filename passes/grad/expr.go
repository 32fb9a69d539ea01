package grad

import (
	"encoding/binary"
	"math"

	"github.com/wfc-lang/wfc/ir"
)

// exprs grows a body in which equal nodes are one node and multiplications by one, additions of zero and double negations do not occur.
type exprs struct {
	nodes []ir.Node
	seen  map[string]int
	// known, if not nil, may give a node that reads the value of node i from where it is stored, or -1.
	known func(i int) int
}

func newExprs() *exprs { return &exprs{seen: map[string]int{}} }

func (b *exprs) add(n ir.Node) int {
	k := keyOf(&n)
	if i, ok := b.seen[k]; ok {
		return i
	}
	b.nodes = append(b.nodes, n)
	b.seen[k] = len(b.nodes) - 1
	return len(b.nodes) - 1
}

// keyOf is equal for nodes that compute the same.
func keyOf(n *ir.Node) string {
	b := []byte{byte(n.Op), byte(n.Elem)}
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(n.Imm))
	for _, x := range []int{int(n.Int), n.N, n.Acc, len(n.Args)} {
		b = binary.AppendVarint(b, int64(x))
	}
	for _, a := range n.Args {
		b = binary.AppendVarint(b, int64(a))
	}
	b = append(append(b, n.Name...), 0)
	for _, a := range n.At {
		b = append(append(b, a.Index...), 0)
		for _, x := range []int{a.Off, max(1, a.Mul), max(1, a.Div)} {
			b = binary.AppendVarint(b, int64(x))
		}
	}
	return string(b)
}

// value is node i, read from where it is stored if it is.
func (b *exprs) value(i int) int {
	if b.known != nil {
		if k := b.known(i); k >= 0 {
			return k
		}
	}
	return i
}

func (b *exprs) elem(i int) ir.Elem { return b.nodes[i].Elem }

func (b *exprs) op(c ir.Code, e ir.Elem, args ...int) int {
	return b.add(ir.Node{Op: c, Elem: e, Args: args})
}

// num is a constant of type e: rounded for floats, truncated for integers.
func (b *exprs) num(e ir.Elem, x float64) int {
	if !e.IsFloat() {
		return b.add(ir.Node{Op: ir.Const, Elem: e, Int: int64(x)})
	}
	return b.add(ir.Node{Op: ir.Const, Elem: e, Imm: ir.RoundTo(e, x).F})
}

// none is the neutral element of addition, -0, which is what guarded sums hold where the guard fails.
func (b *exprs) none(e ir.Elem) int { return b.num(e, math.Copysign(0, -1)) }

func (b *exprs) isNum(i int, x float64) bool {
	n := &b.nodes[i]
	return n.Op == ir.Const && n.Elem.IsFloat() && n.Imm == x
}

func (b *exprs) mul(x, y int) int {
	switch {
	case b.isNum(x, 1):
		return y
	case b.isNum(y, 1):
		return x
	case b.isNum(x, -1):
		return b.neg(y)
	case b.isNum(y, -1):
		return b.neg(x)
	}
	return b.op(ir.Mul, b.elem(x), x, y)
}

func (b *exprs) sum(x, y int) int {
	switch {
	case b.isNum(x, 0):
		return y
	case b.isNum(y, 0):
		return x
	case b.nodes[y].Op == ir.Neg:
		return b.op(ir.Sub, b.elem(x), x, b.nodes[y].Args[0])
	case b.nodes[x].Op == ir.Neg:
		return b.op(ir.Sub, b.elem(x), y, b.nodes[x].Args[0])
	}
	return b.op(ir.Add, b.elem(x), x, y)
}

func (b *exprs) neg(x int) int {
	switch n := &b.nodes[x]; n.Op {
	case ir.Neg:
		return n.Args[0]
	case ir.Const:
		return b.num(n.Elem, -n.Imm)
	}
	return b.op(ir.Neg, b.elem(x), x)
}

func (b *exprs) cvt(e ir.Elem, x int) int {
	if b.elem(x) == e {
		return x
	}
	return b.op(ir.Cvt, e, x)
}

func (b *exprs) read(e ir.Elem, name string, at []ir.Affine) int {
	return b.add(ir.Node{Op: ir.Read, Elem: e, Name: name, At: at})
}

// body returns what the given results need, arguments first.
func (b *exprs) body(results ...int) ir.Body {
	src := ir.Body{Nodes: b.nodes, Results: results}
	out := newExprs()
	res := out.paste(&src, nil)
	return ir.Body{Nodes: out.nodes, Results: res}
}

// paste copies what the results of src need and returns their numbers; f may change a leaf in place, or return the number of the node
// that replaces it, else -1.
func (b *exprs) paste(src *ir.Body, f func(n *ir.Node) int) []int {
	to := b.pasteAll(src, f)
	res := make([]int, len(src.Results))
	for i, r := range src.Results {
		res[i] = to[r]
	}
	return res
}

// pasteAll is paste that returns the number of every node, -1 for those the results do not need.
func (b *exprs) pasteAll(src *ir.Body, f func(n *ir.Node) int) []int {
	live := src.Live()
	to := make([]int, len(src.Nodes))
	for i := range src.Nodes {
		to[i] = -1
		if !live[i] {
			continue
		}
		n := src.Nodes[i]
		args := make([]int, len(n.Args))
		for k, a := range n.Args {
			args[k] = to[a]
		}
		n.Args = args
		n.At = append([]ir.Affine(nil), n.At...)
		if f != nil && len(args) == 0 {
			if r := f(&n); r >= 0 {
				to[i] = r
				continue
			}
		}
		to[i] = b.add(n)
	}
	return to
}
