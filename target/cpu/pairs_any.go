package cpu

import (
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// pairs emits the order for sums whose factors cannot be told apart by their indices: one number after the other.
func (r *reduction) pairs(sym string) ([]launch, error) {
	l := launch{sym: sym, lo: 0, hi: 1, work: work(r.op, 8)}
	n := overSize(r.op)
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		over, boxes := r.overDims()
		var cells [3]value.Value // the sum, the chain whose turn it is, the other
		for i := range cells {
			cells[i] = k.Func.NewAlloca(types.Float)
		}
		count := k.Func.NewAlloca(types.I64)
		get := func(i int) value.Value { return k.Cur.NewLoad(types.Float, cells[i], lineBytes) }
		put := func(i int, v value.Value) { k.Cur.NewStore(v, cells[i], lineBytes) }
		zero := llvm.NewFloat(types.Float, 0)
		finish := func() {
			both := k.Calc().AddFlush(get(1), get(2))
			put(0, k.Calc().AddFlush(get(0), both))
			put(1, zero)
			put(2, zero)
		}
		r.outer(k, &l, len(r.op.Dom), func(active []int) {
			for i := range cells {
				put(i, zero)
			}
			k.Cur.NewStore(elements(0), count, lineBytes)
			k.Nest(over, 0, len(over), boxes, active, emit.Plain, func(in []int) {
				ts, err := r.terms(k, in[len(in)-1])
				if err != nil {
					failed = firstError(failed, err)
					return
				}
				c := k.Calc()
				var f [2]value.Value
				for i := range f {
					f[i] = k.Cur.NewBitCast(k.Cur.NewAnd(c.RoundBrain(ts[0][i]), constant.NewInt(types.I32, -1<<16)), types.Float)
				}
				next := c.FmaFlush(f[0], f[1], get(1))
				put(1, get(2))
				put(2, next)
				done := k.Cur.NewAddNSW(k.Cur.NewLoad(types.I64, count, lineBytes), elements(1))
				k.Cur.NewStore(done, count, lineBytes)
				rest := k.Cur.NewSRem(done, elements(tileTerms))
				k.Loop(emit.Bound{V: rest}, emit.At(1), 1, emit.Plain, func(emit.Bound) { finish() }) // when none is left
			})
			if rest := n % tileTerms; rest != 0 { // a product of +0 makes +0 of -0
				for i := range min(2, tileTerms-rest) {
					put(1+i, k.Cur.NewFAdd(get(1+i), zero))
				}
				finish()
			}
			k.store(r.op.Results[0].Elem, get(0), r.result(k, 0))
		})
		return failed
	})
	return []launch{l}, err
}
