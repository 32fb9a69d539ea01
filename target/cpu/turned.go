package cpu

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// turned emits the order of Cannon's products, see ir.Turn: the elements from where the output point starts, then those before. Like mesh it
// repeats what a wafer computes and is not meant to be fast.
func (r *reduction) turned(sym string) ([]launch, error) {
	op := r.op
	if err := op.Order.Turn.Check(op); err != nil {
		return nil, fmt.Errorf("%s: %w", opName(op), err)
	}
	l := launch{sym: sym, lo: 0, hi: 1, work: work(op, 1)}
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		over, boxes := r.overDims()
		accs := r.accumulators(k)
		r.outer(k, &l, len(op.Dom), func(active []int) {
			from := r.turnStart(k)
			r.reset(k, accs)
			for _, ends := range [2][2]bound{{from, over[0].hi}, {over[0].lo, from}} {
				d := over[0]
				d.lo, d.hi = ends[0], ends[1]
				failed = firstError(failed, r.fold(k, []dim{d}, boxes, active, accs))
			}
			r.finish(k, accs, func(i int) llvm.Value { return r.result(k, i) })
		})
		return failed
	})
	return []launch{l}, err
}

// turnStart is the value of the reduced index with which the current output point starts.
func (r *reduction) turnStart(k *kernel) bound {
	op, t := r.op, r.op.Order.Turn
	n := t.Blocks()
	sum := at(0)
	for i, d := range t.By {
		x := op.Dom[d]
		sum = k.add(sum, k.scale(k.owner(k.add(k.idx[x.Index], at(-x.Lo)), x.Hi-x.Lo, t.Parts[i]), n/t.Parts[i]))
	}
	part := bound{v: k.cur.NewSRem(sum.value(), k.i64(n))}
	o := op.Over[0]
	size, longer := (o.Hi-o.Lo)/n, (o.Hi-o.Lo)%n
	return k.add(k.add(k.scale(part, size), k.minimum(part, at(longer))), at(o.Lo))
}

// owner is the block of n points cut into parts that has point i, see ir.Cut.
func (k *kernel) owner(i bound, n, parts int) bound {
	size, longer := n/parts, n%parts
	quot := func(x bound, by int) bound { return bound{v: k.cur.NewSDiv(x.value(), k.i64(by))} }
	low := quot(i, size+1)
	high := k.add(quot(k.add(i, at(-longer*(size+1))), size), at(longer))
	return bound{v: k.cur.NewSelect(k.cur.NewICmp("slt", i.value(), k.i64(longer*(size+1))), low.value(), high.value())}
}
