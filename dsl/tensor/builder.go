package tensor

import (
	"fmt"
	"math"
	"strconv"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

func itoa(n int) string { return strconv.Itoa(n) }

// text prints a number for a message.
func text(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// builder writes one function.
type builder struct {
	f     ir.Func
	names map[string]int
	ext   map[string][]int // extents of every value
}

func newBuilder(name string, host bool) *builder {
	return &builder{f: ir.Func{Name: name, Host: host}, names: map[string]int{}, ext: map[string][]int{}}
}

// fresh makes an SSA name that is new in the function.
func (b *builder) fresh(base string) string {
	b.names[base]++
	if k := b.names[base]; k > 1 {
		return fmt.Sprintf("%s.%d", base, k)
	}
	return base
}

// set assigns a value to an array at the end of the function.
func (b *builder) set(array, ref string) {
	b.f.Sets = append(b.f.Sets, ir.Set{Array: array, Value: ref})
}

func position(s diag.Span) ir.Pos { return ir.Pos{Start: s.Start, End: s.End} }

// ordered gives the indices of an intermediate value an order: the batch first, then that of the left side if it has them all, else
// the order in which the value reads them. Contractions then read and write along their last places.
func (e *elab) ordered(v *val, free []*index) []*index {
	var out []*index
	put := func(ix *index) {
		if ix != nil && has(free, ix) && !has(out, ix) {
			out = append(out, ix)
		}
	}
	put(e.batch)
	if len(e.calls) == 0 && len(without(without(free, e.batch), e.left...)) == 0 {
		for _, ix := range e.left {
			put(ix)
		}
		return out
	}
	var values []*index // of bare indices: after those of reads
	seen := map[*val]bool{}
	var walk func(v *val)
	walk = func(v *val) {
		if seen[v] {
			return
		}
		seen[v] = true
		for _, p := range v.pos {
			put(p.ix)
		}
		if v.ix != nil {
			values = append(values, v.ix)
		}
		for _, a := range v.args {
			walk(a)
		}
	}
	walk(v)
	for _, ix := range values {
		put(ix)
	}
	return out
}

// store makes a map of v over the given indices, and returns what reads it.
func (e *elab) store(name string, v *val, dims []*index, at diag.Span) *array {
	a := &array{elem: v.elem, dims: dims, batched: e.batch != nil && has(v.free, e.batch), forward: 1, at: at, what: "let"}
	if v.isNum() || v.bad {
		v = as(v, e.float)
		a.elem = v.elem
	}
	dom := dims
	if a.batched {
		dom = append([]*index{e.batch}, dims...)
	}
	name = e.fn.fresh(name)
	a.ref = "%" + name
	if v.bad {
		return a
	}
	e.op(ir.Op{Kind: ir.Map, Results: []ir.Result{{Name: name, Elem: v.elem}}}, dom, nil, v, at)
	return a
}

// op completes an operation with its domain and its pieces and appends it.
func (e *elab) op(op ir.Op, dom, over []*index, v *val, at diag.Span) {
	if at.File != e.file { // in a function of the prelude: the place is where it is called
		at = e.site
	}
	op.Pos = position(at)
	if e.work++; e.work > maxWork {
		if e.work == maxWork+1 {
			e.fail("WF0388", at, "the model unrolls to more than %d operations", maxWork).
				Suggest("use fewer layers; `wfc build` reports what large presets take without unrolling them")
		}
		return
	}
	if e.report != nil {
		points, terms := 1.0, 1.0
		for _, ix := range dom {
			points *= float64(ix.dim.n)
		}
		for _, ix := range over {
			terms *= float64(ix.dim.n)
		}
		e.report.op(points, terms, op.FMA)
	}
	names := rangeNames(append(append([]*index(nil), dom...), over...))
	rng := func(list []*index) []ir.Range {
		out := []ir.Range{}
		for _, ix := range list {
			out = append(out, ir.Range{Index: names[ix], Axis: ix.dim.name, Lo: 0, Hi: ix.dim.n})
		}
		return out
	}
	op.Dom = rng(dom)
	if over != nil {
		op.Over = rng(over)
	}
	op.Pieces = e.pieces(v, append(append([]*index(nil), dom...), over...), names, at)
	e.fn.f.Ops = append(e.fn.f.Ops, op)
	ext := []int{}
	for _, r := range op.Dom {
		ext = append(ext, r.Hi)
	}
	e.fn.ext[op.Results[0].Name] = ext
}

// rangeNames gives each index of an operation its own name.
func rangeNames(list []*index) map[*index]string {
	names, taken := map[*index]string{}, map[string]bool{}
	for _, ix := range list {
		n := ix.name
		for k := 2; taken[n]; k++ {
			n = ix.name + "." + itoa(k)
		}
		taken[n], names[ix] = true, n
	}
	return names
}

// reduce makes a reduce of v over indices and returns a read of its result.
func (e *elab) reduce(comb ir.Combiner, v *val, over []*index, seq bool, at diag.Span) *val {
	if v.bad {
		return badVal(at)
	}
	dom := e.ordered(v, without(v.free, over...))
	name := e.fn.fresh(comb.String())
	op := ir.Op{Kind: ir.Reduce, Results: []ir.Result{{Name: name, Elem: v.elem}}, Comb: comb}
	op.Order.Kind = ir.Canon
	switch {
	case comb == ir.Sum && v.elem.IsFloat() && v.code == ir.Mul:
		op.FMA, op.Order.Kind = true, ir.Seq
	case seq:
		op.Order.Kind = ir.Seq
	}
	e.op(op, dom, over, v, at)
	return read("%"+name, v.elem, here(dom))
}

// here are the places of a read at the very indices.
func here(list []*index) []place {
	out := make([]place, len(list))
	for i, ix := range list {
		out[i] = place{ix: ix}
	}
	return out
}

// writer writes a value as the body of one piece.
type writer struct {
	b     ir.BodyBuilder
	names map[*index]string
	memo  map[*val]int
}

func (w *writer) val(v *val) int {
	if n, ok := w.memo[v]; ok {
		return n
	}
	n := w.make(v)
	w.memo[v] = n
	return n
}

func (w *writer) make(v *val) int {
	switch v.code {
	case ir.Const:
		if v.elem.IsFloat() {
			return w.b.Const(v.elem, v.num)
		}
		return w.b.Int(v.elem, int64(v.num))
	case ir.Index:
		n := w.b.Index(w.names[v.ix])
		if v.off != 0 {
			n = w.b.Add(n, w.b.Int(ir.I32, int64(v.off)))
		}
		return n
	case ir.Scalar:
		return w.b.Scalar(v.elem, v.ref)
	case ir.Read:
		at := make([]ir.Affine, len(v.pos))
		for i, p := range v.pos {
			at[i] = ir.Affine{Off: p.off}
			if p.ix != nil {
				at[i].Index = w.names[p.ix]
			}
		}
		return w.b.Read(v.elem, v.ref, at...)
	}
	args := make([]int, len(v.args))
	for i, a := range v.args {
		args[i] = w.val(a)
	}
	return w.b.Node(ir.Node{Op: v.code, Elem: v.elem, Args: args})
}

// minusZero is what a sum holds where nothing takes part.
func minusZero(e ir.Elem) *val { return typed(e, math.Copysign(0, -1)) }
