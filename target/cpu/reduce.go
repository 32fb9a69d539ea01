package cpu

import (
	"fmt"
	"slices"

	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// Geometry of the canonical order, see ir.Order.
const (
	canonLanes = 16
	canonBlock = 4096
)

// reduction emits one reduce operation. Accumulators start from the combiner's neutral value in bits (-0 for sums), which gives the same
// result as starting from the first element; with FMA they start from +0, as fma(a, b, +0) does.
type reduction struct {
	e       *emitter
	op      *ir.Op
	boxes   [][]ir.Interval // output dimensions, then reduced ones
	all     []int
	slots   []int
	scalars []scalarKey
	parts   []int // slots of the partial results, one per result; nil if none
	count   int   // partial results per output element

	before  *ir.Op                 // makes what is reduced, in the same kernel; nil: nothing does
	passing map[string]bool        // its results that are not stored
	made    map[string]value.Value // its results at the current point
	asks    []ir.Node              // reads of what is asked for before it is needed
}

// partialCount is how many partial results a reduce keeps per output element before it folds them; 0 when it needs no storage for them.
func partialCount(op *ir.Op) int {
	switch op.Order.Kind {
	case ir.Canon:
		if n := (overSize(op) + canonBlock - 1) / canonBlock; n > 1 {
			return n
		}
	case ir.Mesh:
		n := 1
		for _, c := range op.Order.Chain {
			n *= c.Parts
		}
		if n > 1 {
			return n
		}
	}
	return 0
}

func overSize(op *ir.Op) int {
	n := 1
	for _, r := range op.Over {
		n *= max(r.Hi-r.Lo, 0)
	}
	return n
}

// reduce emits the kernels of a reduce; parts are the slots for partial results.
func (e *emitter) reduce(p *ir.Program, sym string, op *ir.Op, parts []int) ([]launch, error) {
	return (&reduction{e: e, op: op, parts: parts}).emit(p, sym)
}

func (r *reduction) emit(p *ir.Program, sym string) ([]launch, error) {
	e, op, parts := r.e, r.op, r.parts
	r.count = max(partialCount(op), 1)
	var err error
	if r.slots, r.scalars, err = e.uses(op); err != nil {
		return nil, err
	}
	if r.boxes, r.all, err = pieceBoxes(op); err != nil {
		return nil, err
	}
	if overSize(op) == 0 || len(op.Over) == 0 {
		return nil, fmt.Errorf("%s: nothing to reduce over", opName(op))
	}
	for _, res := range op.Results {
		if op.FMA && (op.Comb != ir.Sum || !res.Elem.IsFloat()) {
			return nil, fmt.Errorf("%s: fma folds a floating-point sum of products", opName(op))
		}
	}
	if op.FMA {
		for i := range op.Pieces {
			b := &op.Pieces[i].Body
			for _, n := range b.Results {
				if n < 0 || n >= len(b.Nodes) || b.Nodes[n].Op != ir.Mul || len(b.Nodes[n].Args) != 2 {
					return nil, fmt.Errorf("%s: fma needs a product as result", opName(op))
				}
			}
		}
	}
	if c := newContraction(op); c != nil {
		c.shared = e.grouping != nil
		c.resume = e.grouping != nil && e.grouping.resume
		return e.contract(sym, c, parts)
	}
	if p := newPairs(op); p != nil {
		return e.pairProduct(sym, p, parts)
	}
	if s := ir.Selected(op); s != nil {
		return r.selection(sym, s)
	}
	r.slots = e.withAsks(r.slots)
	if r.before != nil {
		slots, scalars, err := e.uses(r.before)
		if err != nil {
			return nil, err
		}
		for _, s := range slots {
			if !slices.Contains(r.slots, s) {
				r.slots = append(r.slots, s)
			}
		}
		for _, s := range scalars {
			if !slices.Contains(r.scalars, s) {
				r.scalars = append(r.scalars, s)
			}
		}
	}
	r.slots = append(r.slots, parts...)
	switch op.Order.Kind {
	case ir.Canon:
		return r.canon(sym)
	case ir.Mesh:
		return r.mesh(p, sym)
	case ir.Turned:
		return r.turned(sym)
	case ir.Pairs:
		return r.pairs(sym)
	}
	return r.seq(sym)
}

// outer emits the loops over the output dimensions [0, to), the split one between the ends of the kernel, and returns the launch.
func (r *reduction) outer(k *kernel, l *launch, to int, leaf func(active []int)) {
	s := splitDim(r.boxes, to)
	var dims []emit.Dim
	for d, rg := range r.op.Dom[:to] {
		x := emit.Range(rg.Index, rg.Lo, rg.Hi)
		if d == s {
			l.lo, l.hi = rg.Lo, rg.Hi
			x.Lo, x.Hi = emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}
		}
		dims = append(dims, x)
	}
	k.Nest(dims, 0, to, r.boxes, r.all, emit.Plain, leaf)
}

// overDims are the reduced dimensions, boxes cut to them.
func (r *reduction) overDims() ([]emit.Dim, [][]ir.Interval) {
	var dims []emit.Dim
	for _, rg := range r.op.Over {
		dims = append(dims, emit.Range(rg.Index, rg.Lo, rg.Hi))
	}
	boxes := make([][]ir.Interval, len(r.boxes))
	for i := range boxes {
		boxes[i] = r.boxes[i][len(r.op.Dom):]
	}
	return dims, boxes
}

// start is the first value of an accumulator.
func (r *reduction) start(c emit.Calc, e ir.Elem) value.Value {
	if r.op.FMA {
		return c.Float(e, 0)
	}
	return c.Neutral(r.op.Comb, e)
}

// terms evaluates what piece pc adds at the current indices: per result one value, or the two factors with FMA.
func (r *reduction) terms(k *kernel, pc int) ([][]value.Value, error) {
	b := &r.op.Pieces[pc].Body
	return r.termsOf(b, func(want []int) ([]value.Value, error) { return k.eval(b, want) })
}

// termsOf evaluates the terms of a body in a given way.
func (r *reduction) termsOf(b *ir.Body, eval func(want []int) ([]value.Value, error)) ([][]value.Value, error) {
	want := b.Results
	if r.op.FMA {
		want = nil
		for _, n := range b.Results {
			want = append(want, b.Nodes[n].Args...)
		}
	}
	vals, err := eval(want)
	if err != nil {
		return nil, err
	}
	out := make([][]value.Value, len(r.op.Results))
	per := len(want) / len(out)
	for i := range out {
		out[i] = vals[i*per : (i+1)*per]
	}
	return out, nil
}

// accumulate folds the terms of one result into acc.
func (r *reduction) accumulate(c emit.Calc, e ir.Elem, acc value.Value, t []value.Value) value.Value {
	if r.op.FMA {
		return c.Fma(e, t[0], t[1], acc)
	}
	return c.Combine(r.op.Comb, e, acc, t[0])
}

// accumulators reserves a register per result (memory that LLVM promotes) and gives it its first value.
func (r *reduction) accumulators(k *kernel) []value.Value {
	var accs []value.Value
	for _, res := range r.op.Results {
		accs = append(accs, k.Func.NewAlloca(emit.RegType(res.Elem)))
	}
	return accs
}

func (r *reduction) reset(k *kernel, accs []value.Value) {
	for i, res := range r.op.Results {
		k.Cur.NewStore(r.start(k.Calc(), res.Elem), accs[i], lineBytes)
	}
}

// fold emits the sequential reduction of dims into accs.
func (r *reduction) fold(k *kernel, dims []emit.Dim, boxes [][]ir.Interval, active []int, accs []value.Value) error {
	var failed error
	k.Nest(dims, 0, len(dims), boxes, active, emit.Plain, func(in []int) {
		ts, err := r.terms(k, in[len(in)-1])
		if err != nil {
			failed = err
			return
		}
		for i, res := range r.op.Results {
			acc := k.Cur.NewLoad(emit.RegType(res.Elem), accs[i], lineBytes)
			k.Cur.NewStore(r.accumulate(k.Calc(), res.Elem, acc, ts[i]), accs[i], lineBytes)
		}
	})
	return failed
}

// result is the address of result i at the current output indices.
func (r *reduction) result(k *kernel, i int) value.Value {
	return k.address(r.e.vals["%"+r.op.Results[i].Name].slot, k.domCoords(r.op))
}

// partial is the address of partial result number n of result i at the current output indices.
func (r *reduction) partial(k *kernel, i int, n emit.Bound) value.Value {
	sum := emit.At(0)
	for _, d := range r.op.Dom {
		c := k.Add(k.Index[d.Index], emit.At(-d.Lo))
		sum = k.Add(k.Scale(sum, d.Hi-d.Lo), c)
	}
	return k.address(r.parts[i], []emit.Bound{k.Add(k.Scale(sum, r.count), n)})
}

func (r *reduction) finish(k *kernel, accs []value.Value, addr func(i int) value.Value) {
	for i, res := range r.op.Results {
		v := k.Cur.NewLoad(emit.RegType(res.Elem), accs[i], lineBytes)
		k.store(res.Elem, v, addr(i))
	}
}

// seq emits the ascending order. When the terms are contiguous in the last output index, that index becomes the innermost loop, over
// running sums in the result's own storage: every element still sees its terms in ascending order, and the loop vectorises.
func (r *reduction) seq(sym string) ([]launch, error) {
	l := launch{sym: sym, lo: 0, hi: 1}
	across := contiguous(r.op) && r.lastIndexRead()
	if !across && r.rowsPay() {
		return r.seqRows(sym)
	}
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		over, boxes := r.overDims()
		n := len(r.op.Dom)
		if !across {
			accs := r.accumulators(k)
			r.outer(k, &l, n, func(active []int) {
				r.reset(k, accs)
				failed = firstError(failed, r.fold(k, over, boxes, active, accs))
				r.finish(k, accs, func(i int) value.Value { return r.result(k, i) })
			})
			return failed
		}
		last := r.op.Dom[n-1]
		row := emit.Range(last.Index, last.Lo, last.Hi)
		dims := append(slices.Clone(over), row)
		rowBoxes := make([][]ir.Interval, len(boxes))
		for i := range boxes {
			rowBoxes[i] = append(slices.Clone(boxes[i]), r.boxes[i][n-1])
		}
		if n == 1 { // the row itself is what the threads divide
			l.lo, l.hi = last.Lo, last.Hi
			row.Lo, row.Hi = emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}
			dims[len(dims)-1] = row
		}
		r.outer(k, &l, n-1, func(active []int) {
			k.Loop(row.Lo, row.Hi, 1, emit.Vector, func(i emit.Bound) {
				k.Index[last.Index] = i
				for j, res := range r.op.Results {
					k.store(res.Elem, r.start(k.Calc(), res.Elem), r.result(k, j))
				}
			})
			k.Nest(dims, 0, len(dims), rowBoxes, active, emit.Vector, func(in []int) {
				ts, err := r.terms(k, in[len(in)-1])
				if err != nil {
					failed = firstError(failed, err)
					return
				}
				for j, res := range r.op.Results {
					a := r.result(k, j)
					k.store(res.Elem, r.accumulate(k.Calc(), res.Elem, k.load(res.Elem, a), ts[j]), a)
				}
			})
		})
		return failed
	})
	l.work = work(r.op, 1)
	return []launch{l}, err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// lastIndexRead reports whether some read moves with the last output index.
func (r *reduction) lastIndexRead() bool {
	if len(r.op.Dom) == 0 {
		return false
	}
	last := r.op.Dom[len(r.op.Dom)-1].Index
	for i := range r.op.Pieces {
		for j := range r.op.Pieces[i].Body.Nodes {
			for _, a := range r.op.Pieces[i].Body.Nodes[j].At {
				if a.Index == last {
					return true
				}
			}
		}
	}
	return false
}
