package check

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Op is the operation of a Node.
type Op uint8

// Operations of checked expressions. Compute covers the elementwise ones, whose ir.Code is in Code.
const (
	Invalid   Op = iota // an error was reported here; nothing follows from it
	Num                 // a number, in SI
	ScalarRef           // a host scalar
	Read                // a field (or its next value) at indices
	LetRead             // an indexed let at indices
	Coord               // the coordinate of an index
	IndexVal            // the value of an index over a dim
	Time                // the variable of the evolve
	StepSize            // the length of the step
	Compute             // Code(Args..)
	Deriv               // derivative of Args[0] along Index
	Reduce              // Comb over Over of Args[0]
	Random              // a number of its own for every point and step: Args are seed, stream and the indices
	Vec                 // a vector: one component per axis of a grid
	Shift               // Args[0] at the point N half steps up along Var
)

// Node is a checked expression. Nodes are shared: an expression is a DAG.
type Node struct {
	Op    Op
	Code  ir.Code // Compute
	Args  []*Node
	Bool  bool // a truth value rather than a number
	Unit  Unit
	At    diag.Span
	Val   float64 // Num
	Sym   *Scalar // ScalarRef
	Field *Field  // Read
	Next  bool    // Read: the value assigned in this step
	Let   *Let    // LetRead
	Sub   []Sub   // Read, LetRead
	Var   IndexVar
	N     int // Deriv: order
	Acc   int // Deriv: accuracy
	Comb  ir.Combiner
	Over  []IndexVar
	// Trim counts the points at the low and the high end of each of Over that a Reduce leaves out; nil leaves out none. Rounded keeps
	// products apart from sums in it.
	Trim    [][2]int
	Rounded bool
	// Explicit shifts interpolate, others say where a read stands. Diagonal vectors multiply others component by component.
	Explicit, Diagonal bool
	// OneSided values at faces are such that the difference of two faces has their order: it is no derivative of a higher one.
	OneSided bool

	// Carries says what the difference of fluxes under a derivative, or a one-sided value, is made of: for the limit of the step.
	Carries *advected

	Named bool // the value of a let: where it is used several times it may be kept

	host  bool // made of numbers and scalars only
	bare  bool // Num: written without a unit
	free  []IndexVar
	seen  bool  // free is computed
	trait uint8 // see traits
}

// Sub is one subscript: Index + Off, or the constant Off when Index is nil.
type Sub struct {
	Var *IndexVar
	Off int
	// Mul and Div relate grids of different resolution: the place is floor((Var*Mul + Off)/Div); 0 means 1.
	Mul, Div int
}

func (n *Node) invalid() bool { return n == nil || n.Op == Invalid }

// Host reports whether the value is known when the program is loaded.
func (n *Node) Host() bool { return n.host }

func bad(at diag.Span) *Node { return &Node{Op: Invalid, At: at, Unit: one()} }

func number(v float64, u Unit, at diag.Span) *Node {
	return &Node{Op: Num, Val: v, Unit: u, At: at, host: true}
}

// compute makes an elementwise node; any invalid argument makes it invalid.
func compute(code ir.Code, u Unit, at diag.Span, args ...*Node) *Node {
	n := &Node{Op: Compute, Code: code, Args: args, Unit: u, At: at, host: true}
	for _, a := range args {
		if a.invalid() {
			return bad(at)
		}
		n.host = n.host && a.host
	}
	switch code {
	case ir.Lt, ir.Le, ir.Eq, ir.Ne, ir.And, ir.Or, ir.Not:
		n.Bool = true
	}
	return n
}

func add(a, b *Node) *Node { return compute(ir.Add, a.Unit, a.At, a, b) }
func mul(a, b *Node) *Node { return compute(ir.Mul, a.Unit.mul(b.Unit), a.At, a, b) }
func div(a, b *Node) *Node { return compute(ir.Div, a.Unit.div(b.Unit), a.At, a, b) }
func neg(a *Node) *Node    { return compute(ir.Neg, a.Unit, a.At, a) }

// Free lists the index variables an expression depends on, in order of first use, without those its reductions bind.
func (n *Node) Free() []IndexVar {
	if n.seen {
		return n.free
	}
	n.seen = true
	has := map[IndexVar]bool{}
	put := func(v IndexVar) {
		if !has[v] {
			has[v] = true
			n.free = append(n.free, v)
		}
	}
	switch n.Op {
	case Read, LetRead:
		for _, s := range n.Sub {
			if s.Var != nil {
				put(*s.Var)
			}
		}
	case Coord, IndexVal, Deriv, Shift:
		put(n.Var)
	}
	for _, a := range n.Args {
		for _, v := range a.Free() {
			if n.Op == Reduce && bound(n.Over, v) {
				continue
			}
			put(v)
		}
	}
	return n.free
}

func bound(vs []IndexVar, v IndexVar) bool {
	for _, w := range vs {
		if w == v {
			return true
		}
	}
	return false
}

// Visit calls f once for every node of a DAG, arguments first.
func Visit(n *Node, f func(*Node)) {
	seen := map[*Node]bool{}
	var walk func(*Node)
	walk = func(n *Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, a := range n.Args {
			walk(a)
		}
		f(n)
	}
	walk(n)
}
