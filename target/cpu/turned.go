package cpu

import (
	"fmt"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/target/cpu/emit"
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
			for _, ends := range [2][2]emit.Bound{{from, over[0].Hi}, {over[0].Lo, from}} {
				d := over[0]
				d.Lo, d.Hi = ends[0], ends[1]
				failed = firstError(failed, r.fold(k, []emit.Dim{d}, boxes, active, accs))
			}
			r.finish(k, accs, func(i int) value.Value { return r.result(k, i) })
		})
		return failed
	})
	return []launch{l}, err
}

// turnStart is the value of the reduced index with which the current output point starts.
func (r *reduction) turnStart(k *kernel) emit.Bound {
	op, t := r.op, r.op.Order.Turn
	n := t.Blocks()
	sum := emit.At(0)
	for i, d := range t.By {
		x := op.Dom[d]
		sum = k.Add(sum, k.Scale(k.owner(k.Add(k.Index[x.Index], emit.At(-x.Lo)), x.Hi-x.Lo, t.Parts[i]), n/t.Parts[i]))
	}
	part := emit.Bound{V: k.Cur.NewSRem(sum.Value(), k.I64(n))}
	o := op.Over[0]
	size, longer := (o.Hi-o.Lo)/n, (o.Hi-o.Lo)%n
	return k.Add(k.Add(k.Scale(part, size), k.Minimum(part, emit.At(longer))), emit.At(o.Lo))
}

// owner is the block of n points cut into parts that has point i, see ir.Cut.
func (k *kernel) owner(i emit.Bound, n, parts int) emit.Bound {
	size, longer := n/parts, n%parts
	quot := func(x emit.Bound, by int) emit.Bound { return emit.Bound{V: k.Cur.NewSDiv(x.Value(), k.I64(by))} }
	low := quot(i, size+1)
	high := k.Add(quot(k.Add(i, emit.At(-longer*(size+1))), size), emit.At(longer))
	return emit.Bound{V: k.Cur.NewSelect(k.Cur.NewICmp(enum.IPredSLT, i.Value(), k.I64(longer*(size+1))), low.Value(), high.Value())}
}
