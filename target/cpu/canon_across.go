package cpu

import (
	"github.com/wfc-lang/wfc/ir"
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
		var tables []llvm.Value
		for _, res := range op.Results {
			tables = append(tables, k.f.Blocks[0].NewAllocaFirst(llvm.NewArray(canonLanes*acrossWidth, regType(res.Elem))))
		}
		cell := func(i int, lane, x bound) llvm.Value {
			t := llvm.NewArray(canonLanes*acrossWidth, regType(op.Results[i].Elem))
			return k.cur.NewGetElementPtr(t, tables[i], llvm.NewInt(llvm.I64, 0), k.add(k.scale(lane, acrossWidth), x).value())
		}
		get := func(i int, lane, x bound) llvm.Value {
			e := op.Results[i].Elem
			return k.cur.NewLoad(regType(e), cell(i, lane, x), storageOfRegister(e))
		}
		put := func(i int, lane, x bound, v llvm.Value) {
			k.cur.NewStore(v, cell(i, lane, x), storageOfRegister(op.Results[i].Elem))
		}
		// one folds a strip of wide elements from x0 on.
		one := func(x0 bound, wide int) {
			strip := func(leaf func(x bound)) {
				k.loop(at(0), at(wide), 1, vectorLoop, func(x bound) {
					k.idx[last.Index] = k.add(k.add(x0, x), at(last.Lo))
					leaf(x)
				})
			}
			k.loop(at(0), at(blocks), 1, plainLoop, func(blk bound) {
				first := k.scale(blk, canonBlock)
				n := k.minimum(k.add(k.scale(first, -1), at(total)), at(canonBlock))
				lanes := min(canonLanes, total) // further ones never take part
				k.loop(at(0), at(lanes), 1, plainLoop, func(lane bound) {
					strip(func(x bound) {
						for i, res := range op.Results {
							v := r.start(k.calc(), res.Elem)
							if op.FMA { // absent lanes start from -0: they do not take part
								here := k.cur.NewICmp("slt", lane.value(), n.value())
								v = k.cur.NewSelect(here, v, k.calc().neutral(ir.Sum, res.Elem))
							}
							put(i, lane, x, v)
						}
					})
				})
				k.loop(at(0), n, 1, plainLoop, func(e bound) {
					for i, x := range k.digits(k.add(first, e), over) {
						k.idx[op.Over[i].Index] = k.add(x, at(op.Over[i].Lo))
					}
					lane := bound{v: k.cur.NewAnd(e.value(), k.i64(canonLanes-1))}
					strip(func(x bound) {
						ts, err := r.terms(k, 0)
						if err != nil {
							failed = firstError(failed, err)
							return
						}
						for i, res := range op.Results {
							put(i, lane, x, r.accumulate(k.calc(), res.Elem, get(i, lane, x), ts[i]))
						}
					})
				})
				for h := canonLanes / 2; h > 0; h /= 2 {
					k.loop(at(0), at(min(h, lanes-h)), 1, plainLoop, func(lane bound) {
						strip(func(x bound) {
							for i, res := range op.Results {
								put(i, lane, x, k.calc().combine(op.Comb, res.Elem, get(i, lane, x), get(i, k.add(lane, at(h)), x)))
							}
						})
					})
					lanes = min(lanes, h)
				}
				strip(func(x bound) {
					for i, res := range op.Results {
						if r.parts == nil {
							k.store(res.Elem, get(i, at(0), x), r.result(k, i))
						} else {
							k.store(res.Elem, get(i, at(0), x), r.partial(k, i, blk))
						}
					}
				})
			})
		}
		k.loop(bound{v: k.split[0]}, bound{v: k.split[1]}, 1, plainLoop, func(u bound) {
			d := k.digits(u, counts)
			for i, x := range op.Dom[:len(op.Dom)-1] {
				k.idx[x.Index] = k.add(d[i], at(x.Lo))
			}
			x0 := k.scale(d[len(d)-1], acrossWidth)
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
