package ir

import (
	"fmt"
	"math"
	"strings"
)

// BodyBuilder grows a Body. Every method appends a node, or finds an equal earlier one, and returns its number; the arguments' types
// decide the node's. Misuse (an argument that does not exist) is a bug of the caller and panics in the verifier's stead later on.
//
//	var b ir.BodyBuilder
//	x := b.Read(ir.F32, "@T", ir.At("x", 1))
//	body := b.Body(b.Mul(b.Scalar(ir.F32, "c"), x))
type BodyBuilder struct {
	nodes []Node
	seen  map[string]int
}

// At is one dimension of an access function: index+off, or the constant off when index is "".
func At(index string, off int) Affine { return Affine{Index: index, Off: off} }

// Body returns the nodes built so far with the given results. The builder may go on.
func (b *BodyBuilder) Body(results ...int) Body {
	c := Body{Nodes: b.nodes, Results: results}
	return c.Clone()
}

// Len is the number of nodes.
func (b *BodyBuilder) Len() int { return len(b.nodes) }

// Elem returns the type of a node.
func (b *BodyBuilder) Elem(i int) Elem { return b.nodes[i].Elem }

// Node appends any node; equal nodes are shared.
func (b *BodyBuilder) Node(n Node) int {
	k := nodeKey(&n)
	if i, ok := b.seen[k]; ok {
		return i
	}
	if b.seen == nil {
		b.seen = map[string]int{}
	}
	n.Args = append([]int(nil), n.Args...)
	n.At = append([]Affine(nil), n.At...)
	b.nodes = append(b.nodes, n)
	b.seen[k] = len(b.nodes) - 1
	return len(b.nodes) - 1
}

// nodeKey is equal for nodes that compute the same.
func nodeKey(n *Node) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d %d %v %x %d %q %d %d", n.Op, n.Elem, n.Args, math.Float64bits(n.Imm), n.Int, n.Name, n.N, n.Acc)
	for _, a := range n.At {
		fmt.Fprintf(&s, " %q%+d", a.Index, a.Off)
		if !a.Unit() {
			fmt.Fprintf(&s, "*%d/%d", max(1, a.Mul), max(1, a.Div))
		}
	}
	return s.String()
}

// Const is a constant of a float type, rounded to it once.
func (b *BodyBuilder) Const(e Elem, x float64) int {
	return b.Node(Node{Op: Const, Elem: e, Imm: RoundTo(e, x).F})
}

// Int is a constant of Bool, I32 or I64.
func (b *BodyBuilder) Int(e Elem, x int64) int { return b.Node(Node{Op: Const, Elem: e, Int: x}) }

// Scalar is a host scalar, rounded once to e.
func (b *BodyBuilder) Scalar(e Elem, name string) int {
	return b.Node(Node{Op: Scalar, Elem: e, Name: name})
}

// Param is a command-line parameter (host scalars only).
func (b *BodyBuilder) Param(name string) int {
	return b.Node(Node{Op: Param_, Elem: F64, Name: name})
}

// Read reads "%value" or "@array", of element type e, at one Affine per dimension.
func (b *BodyBuilder) Read(e Elem, name string, at ...Affine) int {
	return b.Node(Node{Op: Read, Elem: e, Name: name, At: at})
}

// Index is the value of an index, I32.
func (b *BodyBuilder) Index(name string) int { return b.Node(Node{Op: Index, Elem: I32, Name: name}) }

// Coord is the coordinate of an index.
func (b *BodyBuilder) Coord(e Elem, name string) int {
	return b.Node(Node{Op: Coord, Elem: e, Name: name})
}

// Deriv is the n-th derivative of x along an index to accuracy acc.
func (b *BodyBuilder) Deriv(x int, index string, n, acc int) int {
	return b.Node(Node{Op: Deriv, Elem: b.Elem(x), Args: []int{x}, Name: index, N: n, Acc: acc})
}

// Op is any operation whose result has the type of its last argument, or Bool for a comparison: not Cvt and Bitcast.
func (b *BodyBuilder) Op(c Code, args ...int) int {
	e := b.Elem(args[len(args)-1])
	if c == Lt || c == Le || c == Eq || c == Ne {
		e = Bool
	}
	return b.Node(Node{Op: c, Elem: e, Args: args})
}

// Add is x + y.
func (b *BodyBuilder) Add(x, y int) int { return b.Op(Add, x, y) }

// Sub is x - y.
func (b *BodyBuilder) Sub(x, y int) int { return b.Op(Sub, x, y) }

// Mul is x * y.
func (b *BodyBuilder) Mul(x, y int) int { return b.Op(Mul, x, y) }

// Div is x / y.
func (b *BodyBuilder) Div(x, y int) int { return b.Op(Div, x, y) }

// FMA is x*y + z with one rounding.
func (b *BodyBuilder) FMA(x, y, z int) int { return b.Op(FMA, x, y, z) }

// Select is x where c holds, else y.
func (b *BodyBuilder) Select(c, x, y int) int { return b.Op(Select, c, x, y) }

// Cvt converts x to e.
func (b *BodyBuilder) Cvt(e Elem, x int) int {
	if b.Elem(x) == e {
		return x
	}
	return b.Node(Node{Op: Cvt, Elem: e, Args: []int{x}})
}

// Bitcast reinterprets x as e of the same width.
func (b *BodyBuilder) Bitcast(e Elem, x int) int {
	return b.Node(Node{Op: Bitcast, Elem: e, Args: []int{x}})
}

// Import copies what the results of src need into b and returns their new numbers. f, when not nil, may replace a node: it gets the
// node with its arguments already renumbered and returns its number in b, or -1 to copy it.
func (b *BodyBuilder) Import(src *Body, f func(n Node) int) []int {
	live := src.Live()
	to := make([]int, len(src.Nodes))
	for i, n := range src.Nodes {
		if !live[i] {
			continue
		}
		args := make([]int, len(n.Args))
		for k, a := range n.Args {
			args[k] = to[a]
		}
		n.Args = args
		to[i] = -1
		if f != nil {
			to[i] = f(n)
		}
		if to[i] < 0 {
			to[i] = b.Node(n)
		}
	}
	out := make([]int, len(src.Results))
	for i, r := range src.Results {
		out[i] = to[r]
	}
	return out
}
