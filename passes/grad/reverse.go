package grad

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/ir"
)

// adjoint adds the reverse mode of a function to it.
type adjoint struct {
	*writer
	active map[string]bool   // operands that depend on the arrays asked for
	parts  map[string][]part // by operand: its cotangent so far
	// recompute says that values of the forward pass that are not stored are computed again, however long that takes.
	recompute bool
}

// Seed is a cotangent that a differentiation starts from: of Value, the "%value" or "@array" operand From, or 1 when From is "".
type Seed struct{ Value, From string }

// Pull appends to f the cotangents of the arrays wrt, given those of the seeds: reverse mode. f must be free of derivatives and of reads
// beyond walls (see [Prepare]). Values named in stop ("%value") count as constants. It returns for every array of wrt the operand that
// holds its cotangent, a tensor over the array's box. Nothing is set: that is the caller's.
func Pull(p *ir.Program, f *ir.Func, seeds []Seed, wrt, stop []string) ([]string, error) {
	return pullAll(p, f, seeds, wrt, stop, false)
}

func pullAll(p *ir.Program, f *ir.Func, seeds []Seed, wrt, stop []string, recompute bool) ([]string, error) {
	a, err := pull(p, f, seeds, wrt, stop, recompute)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(wrt))
	for i, x := range wrt {
		if out[i], err = a.gather("@"+x, true); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pull leaves the parts of the arrays' cotangents in the result.
func pull(p *ir.Program, f *ir.Func, seeds []Seed, wrt, stop []string, recompute bool) (*adjoint, error) {
	a := &adjoint{writer: newWriter(p, f), parts: map[string][]part{}, recompute: recompute}
	n := len(f.Ops)
	var err error
	outputs := make([]string, len(seeds))
	for i, s := range seeds {
		outputs[i] = s.Value
	}
	stop = append(slices.Clone(stop), shifts(a.writer, n, outputs)...)
	if a.active, err = activity(a.writer, n, wrt, stop); err != nil {
		return nil, err
	}
	for _, s := range seeds {
		if err := a.seed(s); err != nil {
			return nil, err
		}
	}
	for i := n - 1; i >= 0; i-- {
		if err := a.operation(i); err != nil {
			return nil, fmt.Errorf("function %s, %%%s: %w", f.Name, f.Ops[i].Results[0].Name, err)
		}
	}
	return a, nil
}

// activity finds the operands that depend differentiably on the arrays wrt.
func activity(w *writer, n int, wrt, stop []string) (map[string]bool, error) {
	active := map[string]bool{}
	for _, x := range wrt {
		arr := w.p.Array(x)
		if arr == nil || !arr.Elem.IsFloat() {
			return nil, fmt.Errorf("there is no array %s of floating-point numbers to differentiate by", x)
		}
		active["@"+x] = true
	}
	for _, s := range stop {
		if _, ok := w.defs[s]; !ok {
			return nil, fmt.Errorf("function %s has no value %s", w.f.Name, s)
		}
	}
	stopped := map[string]bool{}
	for _, s := range stop {
		stopped[s] = true
	}
	for i := range n {
		op := &w.f.Ops[i]
		on := make([]bool, len(op.Results))
		for k := range on {
			on[k] = op.Kind == ir.Extend && active[op.From]
		}
		for j := range op.Pieces {
			b := &op.Pieces[j].Body
			for _, nd := range b.Nodes {
				if nd.Op == ir.Deriv {
					return nil, fmt.Errorf("function %s has derivatives: run the discretise pass first", w.f.Name)
				}
			}
			act := activeNodes(b.Nodes, func(name string) bool { return active[name] })
			for k, r := range b.Results {
				on[k] = on[k] || act[r]
			}
		}
		for k, r := range op.Results {
			if on[k] && !stopped["%"+r.Name] {
				active["%"+r.Name] = true
			}
		}
	}
	return active, nil
}

// seed starts a cotangent.
func (a *adjoint) seed(s Seed) error {
	dom, e, err := a.box(s.Value)
	if err != nil {
		return err
	}
	if !e.IsFloat() {
		return fmt.Errorf("%s is %s; only floating-point values have derivatives", s.Value, e)
	}
	b := newExprs()
	x := b.num(e, 1)
	if s.From != "" {
		from, fe, err := a.box(s.From)
		if err != nil {
			return err
		}
		if fe != e || len(from) != len(dom) || !sameBox(intervals(from), dom) {
			return fmt.Errorf("%s is no cotangent of %s: type or shape differs", s.From, s.Value)
		}
		x = b.read(e, s.From, identity(dom))
	}
	if a.active[s.Value] {
		a.parts[s.Value] = append(a.parts[s.Value], part{intervals(dom), b.body(x)})
	}
	return nil
}

// operation carries the cotangents of an operation's results to its operands.
func (a *adjoint) operation(i int) error {
	op := a.f.Ops[i].Clone()
	cot := make([]string, len(op.Results))
	any := false
	for k, r := range op.Results {
		if len(a.parts["%"+r.Name]) == 0 {
			continue
		}
		var err error
		if cot[k], err = a.gather("%"+r.Name, false); err != nil {
			return err
		}
		any = true
	}
	if !any {
		return nil
	}
	if op.Kind == ir.Extend && a.active[op.From] {
		dom, e, err := a.box(op.From)
		if err != nil {
			return err
		}
		inner := make([]ir.Range, len(dom)) // the operand's box, by the operation's indices
		for d, r := range op.Dom {
			inner[d] = ir.Range{Index: r.Index, Axis: r.Axis, Lo: dom[d].Lo, Hi: dom[d].Hi}
		}
		if err := a.scatter(op.From, identity(inner), inner, readBody(e, cot[0], inner)); err != nil {
			return err
		}
	}
	for k := range op.Pieces {
		if err := a.piece(&op, i, k, cot); err != nil {
			return err
		}
	}
	return nil
}

// bar is the cotangent of one read of a piece, a node of the piece's body.
type bar struct {
	read ir.Node
	node int
}

// piece carries the cotangents through piece k of operation i, of which op is a copy.
func (a *adjoint) piece(op *ir.Op, i, k int, cot []string) error {
	pc := &op.Pieces[k]
	scope := append(append([]ir.Range(nil), op.Dom...), op.Over...)
	for d := range scope {
		scope[d].Lo, scope[d].Hi = pc.Box[d].Lo, pc.Box[d].Hi
	}
	b := newExprs()
	to := b.pasteAll(&pc.Body, nil)
	n := len(b.nodes)
	act := activeNodes(b.nodes, func(name string) bool { return a.active[name] })
	if op.Kind == ir.Map {
		b.known = a.kept(op, i, k, b, to)
	}
	seeds := map[int][]term{}
	for k, r0 := range pc.Body.Results {
		r := to[r0]
		if cot[k] == "" || !act[r] {
			continue
		}
		e := op.Results[k].Elem
		t := term{expr: b.read(e, cot[k], identity(op.Dom))}
		if op.Kind == ir.Reduce && op.Comb != ir.Sum {
			f := a.element(op, k, b, r)
			t = term{f.guards, b.mul(t.expr, f.expr)}
		}
		seeds[r] = b.accumulate(seeds[r], t)
	}
	pulled, err := b.pull(n, act, seeds)
	if err != nil {
		return err
	}
	var bars []bar
	for i := range n {
		if x, ok := pulled[i]; ok {
			bars = append(bars, bar{b.nodes[i], x})
		}
	}
	return a.distribute(op, b, scope, bars)
}

// distribute adds the cotangents of a piece's reads to their operands. One that takes long to compute is stored when others need parts
// of it as well and the piece is no larger than an operand; else each is computed where it is used.
func (a *adjoint) distribute(op *ir.Op, b *exprs, scope []ir.Range, bars []bar) error {
	store := op.Kind != ir.Reduce
	for _, x := range bars {
		store = store || len(missing(&x.read, scope)) == 0
	}
	stored := map[int]string{}
	if store && len(bars) > 1 {
		var out ir.Op
		var nodes []int
		for _, x := range bars {
			c := b.core(x.node)
			if body := b.body(c); stored[c] != "" || cheap(&body) {
				continue
			}
			stored[c] = "?"
			nodes = append(nodes, c)
			out.Results = append(out.Results, ir.Result{Name: "g." + bare(x.read.Name) + ".bar", Elem: b.elem(c)})
		}
		if len(nodes) > 0 {
			out.Kind, out.Dom = ir.Map, scope
			out.Pieces = []ir.Piece{{Box: intervals(scope), Body: b.body(nodes...)}}
			a.emit(out)
			last := &a.f.Ops[len(a.f.Ops)-1]
			for k, c := range nodes {
				stored[c] = "%" + last.Results[k].Name
			}
		}
	}
	for _, x := range bars {
		node := x.node
		if name := stored[b.core(node)]; name != "" {
			node = b.wrap(node, b.read(b.elem(node), name, identity(scope)))
		}
		if err := a.contribute(op, b, scope, x.read, node); err != nil {
			return err
		}
	}
	return nil
}

// core strips signs from a cotangent.
func (b *exprs) core(i int) int {
	for b.nodes[i].Op == ir.Neg {
		i = b.nodes[i].Args[0]
	}
	return i
}

// wrap puts the sign of node i back on x.
func (b *exprs) wrap(i, x int) int {
	for ; b.nodes[i].Op == ir.Neg; i = b.nodes[i].Args[0] {
		x = b.neg(x)
	}
	return x
}

// cheap says that a body is at most a few additions, multiplications and selects.
func cheap(b *ir.Body) bool {
	live := b.Live()
	cost := 0
	for i := range b.Nodes {
		if !live[i] {
			continue
		}
		switch n := &b.Nodes[i]; n.Op {
		case ir.Const, ir.Scalar, ir.Read, ir.Index, ir.Coord:
		case ir.Div, ir.Sqrt, ir.Pow, ir.Exp, ir.Log, ir.Sin, ir.Cos, ir.Tanh:
			return false
		default:
			cost++
		}
	}
	return cost <= 3
}

// missing returns the indices of more than one point that a read does not use.
func missing(read *ir.Node, scope []ir.Range) []ir.Range {
	var out []ir.Range
	for _, r := range scope {
		used := r.Hi == r.Lo+1
		for _, x := range read.At {
			used = used || x.Index == r.Index
		}
		if !used {
			out = append(out, r)
		}
	}
	return out
}

// contribute adds node, over scope, to the cotangent of what read reads: sums over the indices that it lacks come first.
func (a *adjoint) contribute(op *ir.Op, b *exprs, scope []ir.Range, read ir.Node, node int) error {
	over := missing(&read, scope)
	if len(over) == 0 {
		return a.scatter(read.Name, read.At, scope, b.body(node))
	}
	// The result runs over the indices of the read in its order, so that most often it is the cotangent as it stands.
	var dom []ir.Range
	take := func(index string) {
		for _, r := range scope {
			if r.Index == index && !has(dom, index) {
				dom = append(dom, r)
			}
		}
	}
	for _, x := range read.At {
		take(x.Index)
	}
	fixed := map[string]int{}
	for _, r := range scope {
		if !has(dom, r.Index) && !has(over, r.Index) {
			fixed[r.Index] = r.Lo
		}
	}
	sign := b.core(node) != node && b.wrap(node, b.core(node)) != b.core(node)
	if sign {
		node = b.core(node)
	}
	c := newExprs()
	body := b.body(node)
	x := c.paste(&body, func(n *ir.Node) int { return a.fix(c, n, scope, fixed) })[0]
	e := c.elem(x)
	box := append(intervals(dom), intervals(over)...)
	red := ir.Op{Kind: ir.Reduce, Dom: dom, Over: over, Comb: ir.Sum, Pos: op.Pos,
		Results: []ir.Result{{Name: "g." + bare(read.Name) + ".sum", Elem: e}},
		Pieces:  []ir.Piece{{Box: box, Body: c.body(x)}}}
	switch c.nodes[x].Op {
	case ir.Mul:
		red.FMA, red.Order.Kind = true, ir.Seq
	case ir.Select:
		red.Order.Kind = ir.Seq // scatter-add in ascending order
	default:
		red.Order.Kind = ir.Canon
	}
	name := a.emit(red)
	out := newExprs()
	r := out.read(e, name, identity(dom))
	if sign {
		r = out.neg(r)
	}
	return a.scatter(read.Name, read.At, dom, out.body(r))
}

func has(rs []ir.Range, index string) bool {
	for _, r := range rs {
		if r.Index == index {
			return true
		}
	}
	return false
}

// fix replaces indices of one point by that point.
func (a *adjoint) fix(b *exprs, n *ir.Node, scope []ir.Range, fixed map[string]int) int {
	to := map[string]ir.Affine{}
	for _, r := range scope {
		to[r.Index] = ir.At(r.Index, 0)
	}
	for k, v := range fixed {
		to[k] = ir.At("", v)
	}
	return a.substitute(b, n, scope, to)
}
