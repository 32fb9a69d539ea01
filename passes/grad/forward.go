package grad

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// Tangent is the array that holds the tangent of an array.
func Tangent(array string) string { return "d." + array }

// tangents adds the forward mode of a function to it.
type tangents struct {
	*writer
	active  map[string]bool
	tangent map[string]string // by operand
}

// Push appends to f the tangents of its values, given those of the arrays wrt in arrays d.NAME: forward mode. It returns the operands
// that hold the tangents of values, "" for one that does not depend on wrt. Like [Pull] it needs a prepared function.
func Push(p *ir.Program, f *ir.Func, wrt, values, stop []string) ([]string, error) {
	t := &tangents{writer: newWriter(p, f), tangent: map[string]string{}}
	n := len(f.Ops)
	var err error
	if t.active, err = activity(t.writer, n, wrt, stop); err != nil {
		return nil, err
	}
	for _, x := range wrt {
		if p.Array(Tangent(x)) == nil {
			return nil, fmt.Errorf("array %s, the tangent of %s, is not declared", Tangent(x), x)
		}
		t.tangent["@"+x] = "@" + Tangent(x)
	}
	for i := range n {
		if err := t.operation(i); err != nil {
			return nil, fmt.Errorf("function %s, %%%s: %w", f.Name, f.Ops[i].Results[0].Name, err)
		}
	}
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = t.tangent[v]
	}
	return out, nil
}

// Forward adds to the program a function that does what Func does and takes along tangents: for every array of Wrt, and every array
// of floats that Func sets, array d.NAME holds the tangent before and after. Arrays are declared when they do not exist. It returns the
// function's name.
func Forward(p *ir.Program, o Options) (string, error) {
	src := p.Func(o.Func)
	if src == nil {
		return "", fmt.Errorf("there is no function %q", o.Func)
	}
	f := src.Clone()
	if f.Name = o.Name; f.Name == "" {
		f.Name = o.Func + ".tangent"
	}
	if p.Func(f.Name) != nil {
		return "", fmt.Errorf("there is a function %q already", f.Name)
	}
	for _, x := range o.Wrt {
		if p.Array(x) == nil {
			return "", fmt.Errorf("there is no array %q", x)
		}
		declare(p, x, Tangent(x))
	}
	var values []string
	for _, s := range src.Sets {
		values = append(values, s.Value)
	}
	ds, err := Push(p, &f, o.Wrt, values, o.Stop)
	if err != nil {
		return "", err
	}
	if o.Pure {
		f.Sets = nil
	}
	w := newWriter(p, &f)
	for k, s := range src.Sets {
		if !p.Array(s.Array).Elem.IsFloat() {
			continue
		}
		declare(p, s.Array, Tangent(s.Array))
		if ds[k] == "" {
			if ds[k], err = w.zero("@" + s.Array); err != nil {
				return "", err
			}
		}
		f.Sets = append(f.Sets, ir.Set{Array: Tangent(s.Array), Value: ds[k]})
	}
	p.Funcs = append(p.Funcs, f)
	return f.Name, nil
}

// zero emits a tensor of zeros over an operand's box.
func (w *writer) zero(like string) (string, error) { return w.fill(like, 0) }

// fill emits a constant tensor over an operand's box.
func (w *writer) fill(like string, value float64) (string, error) {
	dom, e, err := w.box(like)
	if err != nil {
		return "", err
	}
	b := newExprs()
	return w.emit(ir.Op{Kind: ir.Map, Dom: dom, Results: []ir.Result{{Name: bare(like) + ".fill", Elem: e}},
		Pieces: []ir.Piece{{Box: intervals(dom), Body: b.body(b.num(e, value))}}}), nil
}

// operation emits the tangents of an operation's results. Those of a contraction are one contraction per factor, added afterwards.
func (t *tangents) operation(i int) error {
	op := t.f.Ops[i].Clone()
	var on []int
	for k, r := range op.Results {
		if t.active["%"+r.Name] {
			on = append(on, k)
		}
	}
	if len(on) == 0 {
		return nil
	}
	out := ir.Op{Kind: op.Kind, Dom: op.Dom, Over: op.Over, Comb: ir.Sum, Order: op.Order, Pos: op.Pos}
	for _, k := range on {
		out.Results = append(out.Results, ir.Result{Name: "d." + op.Results[k].Name, Elem: op.Results[k].Elem})
	}
	if op.Kind == ir.Extend {
		if out.From = t.tangent[op.From]; out.From == "" { // the ghosts depend on wrt, the operand does not
			var err error
			if out.From, err = t.zero(op.From); err != nil {
				return err
			}
		}
	}
	bodies := make([]*exprs, len(op.Pieces))
	sums := make([][][]int, len(op.Pieces)) // per piece and result: summands
	for j := range op.Pieces {
		b := newExprs()
		res := b.paste(&op.Pieces[j].Body, nil)
		n := len(b.nodes)
		act := activeNodes(b.nodes, func(name string) bool { return t.tangent[name] != "" })
		ts, err := b.push(n, act, func(nd *ir.Node) int { return b.read(nd.Elem, t.tangent[nd.Name], nd.At) })
		if err != nil {
			return err
		}
		bodies[j], sums[j] = b, make([][]int, len(on))
		for q, k := range on {
			r := res[k]
			if ts[r] < 0 {
				sums[j][q] = []int{b.num(b.elem(r), 0)}
				continue
			}
			x := ts[r]
			if op.Kind == ir.Reduce && op.Comb != ir.Sum {
				f := t.element(&op, k, b, r)
				x = b.under(f.guards, b.mul(x, f.expr), b.none(b.elem(x)))
				out.Order.Kind = ir.Seq
			}
			sums[j][q] = []int{x}
			if n := &b.nodes[x]; op.FMA && n.Op == ir.Add {
				sums[j][q] = n.Args
			}
		}
	}
	if op.FMA {
		return t.contraction(&op, out, on, bodies, sums)
	}
	for j := range op.Pieces {
		var rs []int
		for q := range on {
			rs = append(rs, sums[j][q][0])
		}
		out.Pieces = append(out.Pieces, ir.Piece{Box: op.Pieces[j].Box, Body: bodies[j].body(rs...)})
	}
	t.emit(out)
	t.record(&op, on)
	return nil
}

// record notes the results of the last operation as tangents.
func (t *tangents) record(op *ir.Op, on []int) {
	last := &t.f.Ops[len(t.f.Ops)-1]
	for q, k := range on {
		t.tangent["%"+op.Results[k].Name] = "%" + last.Results[q].Name
	}
}

// contraction emits one reduce per summand of the tangent, each by fused multiply-add where all its bodies are products, and their sum.
func (t *tangents) contraction(op *ir.Op, like ir.Op, on []int, bodies []*exprs, sums [][][]int) error {
	for q, k := range on {
		most := 0
		for j := range sums {
			most = max(most, len(sums[j][q]))
		}
		var names []string
		for s := range most {
			red := like.Clone()
			red.Results = like.Results[q : q+1]
			red.FMA = true
			for j := range sums {
				b := bodies[j]
				x := b.none(like.Results[q].Elem)
				if s < len(sums[j][q]) {
					x = sums[j][q][s]
				}
				red.FMA = red.FMA && b.nodes[x].Op == ir.Mul
				red.Pieces = append(red.Pieces, ir.Piece{Box: op.Pieces[j].Box, Body: b.body(x)})
			}
			red.Results = append([]ir.Result(nil), red.Results...)
			names = append(names, t.emit(red))
		}
		sum := names[0]
		for _, x := range names[1:] {
			var err error
			if sum, err = t.plus(sum, x); err != nil {
				return err
			}
		}
		t.tangent["%"+op.Results[k].Name] = sum
	}
	return nil
}

// push carries tangents from the reads of a body to all its nodes: forward mode within one body. read gives the tangent of an active
// read. The tangent of a node that has none is -1.
func (b *exprs) push(n int, act []bool, read func(nd *ir.Node) int) ([]int, error) {
	out := make([]int, n)
	for i := range n {
		out[i] = -1
		if nd := b.nodes[i]; nd.Op == ir.Bitcast && act[nd.Args[0]] {
			return nil, errBits
		}
		if !act[i] {
			continue
		}
		if nd := b.nodes[i]; nd.Op == ir.Read {
			out[i] = read(&nd)
			continue
		}
		fs, err := b.partials(i, func(a int) bool { return out[a] >= 0 })
		if err != nil {
			return nil, err
		}
		var ts []term
		for k, f := range fs {
			if f.node < 0 {
				continue
			}
			x := b.cvt(b.elem(i), out[b.nodes[i].Args[k]])
			x = b.mul(x, f.node)
			var g []guard
			if f.mask >= 0 {
				g = []guard{{f.mask, f.not}}
			}
			ts = b.accumulate(ts, term{g, x})
		}
		if len(ts) > 0 {
			out[i] = b.total(ts, b.none(b.elem(i)))
		}
	}
	return out, nil
}
