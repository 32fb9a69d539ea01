package cpu

import (
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// acrossWidth is how many output elements are folded side by side: their 16 lanes stay in the first cache.
const acrossWidth = 96

// across says that the canonical order is best computed for many output elements at a time: they lie side by side, the terms of one
// do not (sums over rows, such as the gradient of a bias).
func (r *reduction) across() bool {
	op := r.op
	if len(op.Dom) == 0 || !r.wholePiece() || !contiguous(op) || !r.lastIndexRead() {
		return false
	}
	for _, res := range op.Results {
		if res.Elem == ir.Bool {
			return false
		}
	}
	last := op.Dom[len(op.Dom)-1]
	return last.Hi-last.Lo > 1
}

// canonAcross folds strips of the last output index. Each strip has its own 16 lanes per element, in a table on the stack; element e of a
// block goes to lane e mod 16, and the inner loop runs over the strip.
func (r *reduction) canonAcross(sym string, blocks int) (launch, error) {
	op := r.op
	total := overSize(op)
	last := op.Dom[len(op.Dom)-1]
	width := last.Hi - last.Lo
	strips := (width + acrossWidth - 1) / acrossWidth
	var counts, over []int
	units := strips
	for _, d := range op.Dom[:len(op.Dom)-1] {
		counts = append(counts, d.Hi-d.Lo)
		units *= d.Hi - d.Lo
	}
	counts = append(counts, strips)
	for _, d := range op.Over {
		over = append(over, d.Hi-d.Lo)
	}
	l := launch{sym: sym, lo: 0, hi: units, work: work(op, 1)}
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		var tables []value.Value
		for _, res := range op.Results {
			tables = append(tables, k.Func.NewAlloca(llvm.NewArray(canonLanes*acrossWidth, emit.RegType(res.Elem))))
		}
		cell := func(i int, lane, x emit.Bound) value.Value {
			t := llvm.NewArray(canonLanes*acrossWidth, emit.RegType(op.Results[i].Elem))
			return k.Cur.NewGetElementPtr(t, tables[i], constant.NewInt(types.I64, 0), k.Add(k.Scale(lane, acrossWidth), x).Value())
		}
		get := func(i int, lane, x emit.Bound) value.Value {
			e := op.Results[i].Elem
			return k.Cur.NewLoad(emit.RegType(e), cell(i, lane, x), storageOfRegister(e))
		}
		put := func(i int, lane, x emit.Bound, v value.Value) {
			k.Cur.NewStore(v, cell(i, lane, x), storageOfRegister(op.Results[i].Elem))
		}
		// one folds a strip of wide elements from x0 on.
		one := func(x0 emit.Bound, wide int) {
			strip := func(leaf func(x emit.Bound)) {
				k.Loop(emit.At(0), emit.At(wide), 1, emit.Vector, func(x emit.Bound) {
					k.Index[last.Index] = k.Add(k.Add(x0, x), emit.At(last.Lo))
					leaf(x)
				})
			}
			k.Loop(emit.At(0), emit.At(blocks), 1, emit.Plain, func(blk emit.Bound) {
				first := k.Scale(blk, canonBlock)
				n := k.Minimum(k.Add(k.Scale(first, -1), emit.At(total)), emit.At(canonBlock))
				lanes := min(canonLanes, total) // further ones never take part
				k.Loop(emit.At(0), emit.At(lanes), 1, emit.Plain, func(lane emit.Bound) {
					strip(func(x emit.Bound) {
						for i, res := range op.Results {
							v := r.start(k.Calc(), res.Elem)
							if op.FMA { // absent lanes start from -0: they do not take part
								here := k.Cur.NewICmp(enum.IPredSLT, lane.Value(), n.Value())
								v = k.Cur.NewSelect(here, v, k.Calc().Neutral(ir.Sum, res.Elem))
							}
							put(i, lane, x, v)
						}
					})
				})
				k.Loop(emit.At(0), n, 1, emit.Plain, func(e emit.Bound) {
					for i, x := range k.digits(k.Add(first, e), over) {
						k.Index[op.Over[i].Index] = k.Add(x, emit.At(op.Over[i].Lo))
					}
					lane := emit.Bound{V: k.Cur.NewAnd(e.Value(), k.I64(canonLanes-1))}
					strip(func(x emit.Bound) {
						ts, err := r.terms(k, 0)
						if err != nil {
							failed = firstError(failed, err)
							return
						}
						for i, res := range op.Results {
							put(i, lane, x, r.accumulate(k.Calc(), res.Elem, get(i, lane, x), ts[i]))
						}
					})
				})
				for h := canonLanes / 2; h > 0; h /= 2 {
					k.Loop(emit.At(0), emit.At(min(h, lanes-h)), 1, emit.Plain, func(lane emit.Bound) {
						strip(func(x emit.Bound) {
							for i, res := range op.Results {
								put(i, lane, x, k.Calc().Combine(op.Comb, res.Elem, get(i, lane, x), get(i, k.Add(lane, emit.At(h)), x)))
							}
						})
					})
					lanes = min(lanes, h)
				}
				strip(func(x emit.Bound) {
					for i, res := range op.Results {
						if r.parts == nil {
							k.store(res.Elem, get(i, emit.At(0), x), r.result(k, i))
						} else {
							k.store(res.Elem, get(i, emit.At(0), x), r.partial(k, i, blk))
						}
					}
				})
			})
		}
		k.Loop(emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}, 1, emit.Plain, func(u emit.Bound) {
			d := k.digits(u, counts)
			for i, x := range op.Dom[:len(op.Dom)-1] {
				k.Index[x.Index] = k.Add(d[i], emit.At(x.Lo))
			}
			x0 := k.Scale(d[len(d)-1], acrossWidth)
			// Whole strips, and the one that is left: their widths are constants, so that no loop asks for the end of short rows.
			k.either(d[len(d)-1], width/acrossWidth, strips, func() { one(x0, acrossWidth) }, func() { one(x0, width%acrossWidth) })
		})
		return failed
	})
	return l, err
}

// storageOfRegister is the size of a register's type in memory: a half is kept as a float.
func storageOfRegister(e ir.Elem) int {
	if e == ir.F16 {
		return 4
	}
	return storageBytes(e)
}
