package check

import (
	"strconv"
	"strings"

	"github.com/wfc-lang/wfc/dsl/syntax"
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// solverCall checks the functions of a solver's program; nil when a call is none of them.
func (c *checker) solverCall(e *syntax.Call, sc *scope) *Node {
	if sc.block == nil {
		return nil
	}
	sv := sc.block.solving()
	if sv == nil {
		return nil
	}
	k := min(sc.comp, len(sv.targets)-1)
	name := strings.TrimRight(e.Func.Name, "0123456789")
	if l, err := strconv.Atoi(e.Func.Name[len(name):]); err == nil && l < len(sv.levels) {
		sv = sv.levels[l]
	}
	switch name {
	case "A":
		return sv.apply(k, c.components(e.Args[0].Value, sv, sc))
	case "residual":
		return sv.residual(k, c.components(e.Args[0].Value, sv, sc))
	case "diagonal":
		return c.diagonal(sv, k)
	case "red_of", "black_of":
		return c.colored(sv, map[string]float64{"black_of": 1}[name])
	case "highest", "lowest":
		return c.spectrum(sv, name == "highest", e.At)
	case "restrict":
		if r := c.num(e.Args[0].Value, sc.at(sv.unknown[k].Grid.fine, sv.coarse.finer(sv.unknown[k].Axes))); r.Op == Read {
			return sv.coarse.restricted(r, sv.unknown[k].Axes)
		}
		return bad(e.At)
	case "prolong":
		if r := c.num(e.Args[0].Value, sc.at(sv.unknown[k].Grid, sv.unknown[k].Axes)); r.Op == Read {
			return sv.coarse.prolonged(r, sv.unknown[k].Axes)
		}
		return bad(e.At)
	case "inner":
		return c.inner2(c.components(e.Args[0].Value, sv, sc), c.components(e.Args[1].Value, sv, sc), sv, e.At)
	case "size":
		return c.size(c.components(e.Args[0].Value, sv, sc), sv, e.At)
	case "bound":
		s := c.num(e.Args[0].Value, sc)
		if sv.method.maxNorm {
			return compute(ir.Mul, one(), e.At, sv.tol, s)
		}
		return compute(ir.Mul, one(), e.At, compute(ir.Mul, one(), e.At, sv.tol, sv.tol), s)
	case "reach":
		return c.reach(c.components(e.Args[0].Value, sv, sc), sv, e.At)
	case "relative":
		a, b := c.num(e.Args[0].Value, sc), c.num(e.Args[1].Value, sc)
		q := compute(ir.Div, one(), e.At, a, b)
		if sv.method.maxNorm {
			return q
		}
		return compute(ir.Sqrt, one(), e.At, q)
	case "note":
		return c.note(e, sv, sc)
	case "center":
		n := c.num(e.Args[0].Value, sc)
		if n.invalid() || !sv.singular || !sv.mean[k] {
			return n
		}
		return c.balanced(n, sv.targets[k], e.At)
	}
	return nil
}

// solverName checks the values a solver's program names; nil when e is none.
func (c *checker) solverName(e *syntax.Ref, sc *scope) *Node {
	if sc.block == nil {
		return nil
	}
	sv := sc.block.solving()
	if sv == nil {
		return nil
	}
	switch e.Name.Name {
	case "tol":
		return sv.tol
	case "most":
		return sv.most
	case "stride":
		return sv.stride(e.At)
	}
	return nil
}

// components checks a vector, one value per unknown where that lives. Units of vectors are those of their equations; inside a solver's
// program nothing mixes them up, and they are not checked.
func (c *checker) components(e syntax.Expr, sv *solver, sc *scope) []*Node {
	var out []*Node
	for j, f := range sv.unknown {
		in := *sc
		in.comp, in.grid, in.on, in.form, in.index, in.sums = j, f.Grid, f.Axes, false, nil, nil
		out = append(out, c.num(e, &in))
	}
	return out
}

// apply is component k of the operator applied to a vector.
func (sv *solver) apply(k int, p []*Node) *Node {
	by := map[*Field]*Node{}
	for j := range p {
		by[sv.dir[j]] = p[j]
	}
	return replaced(sv.jac[k], by)
}

// residual is component k of right - left at x.
func (sv *solver) residual(k int, x []*Node) *Node {
	by := map[*Field]*Node{}
	for j := range x {
		by[sv.unknown[j]] = x[j]
	}
	return replaced(sv.f[k], by)
}

// inner2 is the sum over all unknowns of the products of two vectors.
func (c *checker) inner2(a, b []*Node, sv *solver, at diag.Span) *Node {
	var sum *Node
	for j := range a {
		p := compute(ir.Mul, one(), at, a[j], b[j])
		if w := c.volumes(sv.targets[j], at); w != nil {
			p = compute(ir.Mul, one(), at, w, p)
		}
		t, _ := c.total(ir.Sum, p, sv.targets[j], at)
		if sum == nil {
			sum = t
		} else {
			sum = compute(ir.Add, one(), at, sum, t)
		}
	}
	return sum
}

// outside is a value of a residual where the unknown obeys its equation, 0 in bodies, which fix it.
func outside(f *Field, n *Node) *Node {
	for _, h := range f.Holds {
		n = compute(ir.Select, n.Unit, n.At, h.Where, number(0, n.Unit, n.At), n)
	}
	return n
}

// size is the measure of a residual: the sum of squares, or the largest modulus.
func (c *checker) size(x []*Node, sv *solver, at diag.Span) *Node {
	for j := range x {
		x[j] = outside(sv.unknown[j], x[j])
	}
	if !sv.method.maxNorm {
		return c.inner2(x, x, sv, at)
	}
	var most *Node
	for j, n := range x {
		m, _ := c.total(ir.Max, compute(ir.Abs, one(), at, n), sv.targets[j], at)
		m.Unit = one()
		if most != nil {
			m = compute(ir.MaxOp, one(), at, most, m)
		}
		most = m
	}
	return most
}

// reach is the measure of the residual that rounding may leave at a solution x: 2*eps*|D*x| with D the diagonal, and for the largest modulus
// of many four times as much. Storing x rounded changes
// A*x by about as much, so that no arithmetic on the way can do better.
func (c *checker) reach(x []*Node, sv *solver, at diag.Span) *Node {
	for j := range x {
		x[j] = compute(ir.Mul, one(), at, c.diagonal(sv, j), x[j])
	}
	eps := map[bool]float64{true: 0x1p-23, false: 0x1p-52}[sv.targets[0].Elem == ir.F32]
	slack := 8 * eps
	if !sv.method.maxNorm {
		slack = 4 * eps * eps
	}
	return compute(ir.Mul, one(), at, number(slack, one(), at), c.size(x, sv, at))
}

// hasDiagonal says whether the diagonal of a linear operator can be derived.
func (c *checker) hasDiagonal(sv *solver) bool {
	for k := range sv.jac {
		if es, ok := c.stencilOf(sv, k); !ok || readsField(sv.jac[k], sv.unknown) || !hasCentre(es, k) {
			return false
		}
	}
	return true
}

// asUnknown is what a reference to an unknown of the equation being read stands for, nil for another.
func (c *checker) asUnknown(e *syntax.Ref, f *Field, sc *scope) *Field {
	if sc.block == nil || !e.Prime && !sc.block.top().once {
		return nil
	}
	return sc.block.unknownOf(f)
}

// at is the scope at points of a grid.
func (s *scope) at(g *Grid, axes []*Axis) *scope {
	t := *s
	t.grid, t.on, t.form = g, axes, false
	return &t
}

// solved is what a solve reports: how many iterations it took and its last residual, relative to the right side.
type solved struct {
	of, iterations, residual *Field
}

// reported checks iterations(T') and residual(T') after a solve for T'; nil when the call is none of them.
func (c *checker) reported(e *syntax.Call, sc *scope) *Node {
	name := e.Func.Name
	if name != "iterations" && name != "residual" || c.names[name] != nil {
		return nil
	}
	if len(e.Args) != 1 {
		return c.arity(e, name+"(T')")
	}
	r, ok := syntax.Unparen(e.Args[0].Value).(*syntax.Ref)
	if ok && r.Index == nil && sc.block != nil {
		for b := sc.block; b != nil; b = b.around() {
			x := b.solved[r.Name.Name]
			if x == nil || r.Prime == b.top().once && b.outer == nil {
				continue
			}
			f := x.iterations
			if name == "residual" {
				f = x.residual
			}
			return &Node{Op: Read, Field: f, Next: name == "residual", Unit: one(), At: e.At}
		}
	}
	c.errs.Errorf("WF0338", e.At, "%s(..) tells of a `solve` that came before in the same body", name).
		Suggest("solve for a field first, and name it as after `for`: %s(T')", name)
	return bad(e.At)
}

// balanced is a right side without what a singular operator cannot make: its mean by volume.
func (c *checker) balanced(n *Node, f *Field, at diag.Span) *Node {
	w := c.volumes(f, at)
	if w == nil {
		return c.centred(n, f, at)
	}
	sum, _ := c.total(ir.Sum, compute(ir.Mul, one(), at, w, n), f, at)
	all, _ := c.total(ir.Sum, w, f, at)
	return compute(ir.Sub, n.Unit, at, n, compute(ir.Div, one(), at, sum, all))
}
