package check

import (
	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// The history of residuals: a short array with one entry per iteration, or per so many that the largest number of iterations fits.

const historyLength = 32

// sweepsPerCheck is how many iterations of chebyshev pass between looks at the residual.
const sweepsPerCheck = 10

// tracing is what histories are like: an array over an index space of its own, one for the program.
func (c *checker) tracing(sv *solver) *Field {
	if c.entries == nil {
		c.entries = &Axis{Name: "entry", IR: "solve.entry", N: historyLength, Nodes: true, H: 1, Hi: historyLength - 1, Scale: 1, Unit: one(), At: sv.at}
		c.prog.Axes = append(c.prog.Axes, c.entries)
	}
	return &Field{Axes: []*Axis{c.entries}, Elem: ir.F32, Unit: one(), Scale: 1}
}

// stride is how many iterations one entry stands for.
func (sv *solver) stride(at diag.Span) *Node {
	block := map[string]int{"gmres": sv.method.restart, "chebyshev": sweepsPerCheck}[sv.method.name]
	n := compute(ir.Ceil, one(), at, compute(ir.Div, one(), at, sv.most, number(historyLength, one(), at)))
	return compute(ir.MaxOp, one(), at, n, number(float64(max(1, block)), one(), at))
}

// note is the history with the residual after iteration i in its place.
func (c *checker) note(e *syntax.Call, sv *solver, sc *scope) *Node {
	v, _, _ := sc.block.find("trace")
	if v == nil || len(v.fields) == 0 {
		return bad(e.At)
	}
	f := v.fields[0]
	plain := *sc
	plain.index, plain.form, plain.grid, plain.sums = nil, true, nil, nil
	s, i := c.num(e.Args[0].Value, &plain), c.num(e.Args[1].Value, &plain)
	ref := c.num(&syntax.Ref{Loc: e.Loc, Name: &syntax.Ident{Loc: e.Loc, Name: "ref"}}, &plain)
	if s.invalid() || i.invalid() || ref.invalid() {
		return bad(e.At)
	}
	r := compute(ir.Div, one(), e.At, s, ref)
	if !sv.method.maxNorm {
		r = compute(ir.Sqrt, one(), e.At, r)
	}
	x := f.InitIndex(0)
	place := compute(ir.Floor, one(), e.At, compute(ir.Div, one(), e.At, i, sv.stride(e.At)))
	here := compute(ir.Eq, one(), e.At, &Node{Op: IndexVal, Var: x, Unit: one(), At: e.At}, place)
	return compute(ir.Select, one(), e.At, here, r, &Node{Op: Read, Field: f, Unit: one(), At: e.At, Sub: fieldSubs(f)})
}
