package check

import (
	"math"

	"github.com/wfc-lang/wfc/ir"
)

var negInf = math.Inf(-1)

// eval computes a host node in f64 with the current params. It fails for nodes that are not host values, and for `step` before it is
// known.
func (c *checker) eval(n *Node) (float64, bool) {
	if n.invalid() || !n.host {
		return 0, false
	}
	e := evaluator{budget: 1 << 20, memo: map[*Node]float64{}}
	return e.value(n)
}

// Eval computes a host node in f64 with the params the program was checked with.
func Eval(n *Node) (float64, bool) {
	e := evaluator{budget: 1 << 20, memo: map[*Node]float64{}}
	return e.value(n)
}

// evaluator computes nodes at a point: at gives index values. Fields stand for their initial values.
type evaluator struct {
	at     map[IndexVar]int
	half   map[IndexVar]int // half steps the point is moved by
	budget int              // nodes left; a hostile program ends here
	memo   map[*Node]float64
	state  bool // a field that changes was read
	timed  bool
}

func (e *evaluator) value(n *Node) (float64, bool) {
	if e.budget--; e.budget < 0 || n.invalid() {
		return 0, false
	}
	if e.memo != nil {
		if v, ok := e.memo[n]; ok {
			return v, true
		}
	}
	v, ok := e.compute(n)
	if ok && e.memo != nil {
		e.memo[n] = v
	}
	return v, ok
}

func (e *evaluator) compute(n *Node) (float64, bool) {
	switch n.Op {
	case Num:
		return n.Val, true
	case ScalarRef:
		return n.Sym.Value, true
	case Coord, IndexVal:
		i, ok := e.at[n.Var]
		if n.Op == IndexVal {
			return float64(i), ok
		}
		x := n.Var.Axis.Coord(i)
		if h := e.half[n.Var]; h != 0 {
			x += float64(float64(h) * n.Var.Axis.H / 2)
		}
		return x, ok
	case Shift:
		return e.shifted(n)
	case Read:
		return e.read(n)
	case Compute:
	default:
		return 0, false
	}
	var a [3]float64
	for i, x := range n.Args {
		v, ok := e.value(x)
		if !ok {
			return 0, false
		}
		a[i] = v
	}
	return apply(n.Code, a[0], a[1], a[2])
}

// shifted evaluates an expression half steps away.
func (e *evaluator) shifted(n *Node) (float64, bool) {
	memo, half := e.memo, e.half
	e.memo, e.half = nil, map[IndexVar]int{}
	for k, v := range half {
		e.half[k] = v
	}
	e.half[n.Var] += n.N
	v, ok := e.value(n.Args[0])
	e.memo, e.half = memo, half
	return v, ok
}

// Coord is the coordinate of index i.
func (a *Axis) Coord(i int) float64 {
	if a.Nodes {
		return a.Lo + float64(float64(i)*a.H)
	}
	return a.Lo + float64((float64(i)+0.5)*a.H)
}

// read gives the initial value of a field at a point; files are not known here.
func (e *evaluator) read(n *Node) (float64, bool) {
	f := n.Field
	if n.Next || f.File != "" {
		return 0, false
	}
	e.state = e.state || f.State
	e.budget -= 16 // a map and an evaluator
	at := map[IndexVar]int{}
	for k, s := range n.Sub {
		i := s.Off
		if s.Var != nil {
			j, ok := e.at[*s.Var]
			if !ok {
				return 0, false
			}
			i += j + e.half[*s.Var]>>1 // midway, the point below stands for both
		}
		a := f.Axes[k]
		if a.Periodic {
			i = ((i % a.N) + a.N) % a.N
		}
		at[f.InitIndex(k)] = max(0, min(i, a.N-1))
	}
	inner := evaluator{at: at, budget: e.budget}
	v, ok := inner.initial(f)
	e.budget, e.state = inner.budget, e.state || inner.state
	return v, ok
}

// initial evaluates the initial value of a field at e.at: the last region that holds the point, else the expression.
func (e *evaluator) initial(f *Field) (float64, bool) {
	for i := len(f.Regions) - 1; i >= 0; i-- {
		in, ok := e.value(f.Regions[i].Where)
		if !ok {
			return 0, false
		}
		if in != 0 {
			return e.value(f.Regions[i].Value)
		}
	}
	return e.value(f.Init)
}

func truthValue(b bool) (float64, bool) {
	if b {
		return 1, true
	}
	return 0, true
}

// apply is ir.Apply on f64, with truth values as 0 and 1.
func apply(code ir.Code, a, b, s float64) (float64, bool) {
	switch code {
	case ir.Lt:
		return truthValue(a < b)
	case ir.Le:
		return truthValue(a <= b)
	case ir.Eq:
		return truthValue(a == b)
	case ir.Ne:
		return truthValue(a != b)
	case ir.And:
		return truthValue(a != 0 && b != 0)
	case ir.Or:
		return truthValue(a != 0 || b != 0)
	case ir.Not:
		return truthValue(a == 0)
	case ir.Select:
		if a != 0 {
			return b, true
		}
		return s, true
	}
	n := ir.Node{Op: code, Elem: ir.F64}
	arity := ir.Arity(code)
	if arity < 1 {
		return 0, false
	}
	args := []ir.Val{{F: a}, {F: b}, {F: s}}[:arity]
	v, err := ir.Apply(&n, []ir.Elem{ir.F64, ir.F64, ir.F64}[:arity], args)
	return v.F, err == nil
}
