package cpu

import (
	"fmt"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// canon emits the canonical order: 16 lanes per block of 4096 elements in ascending order, lanes folded by halves, blocks pairwise. A
// block is evaluated into a stage that stays in cache, then the lanes are one vector. The blocks of a scalar are divided among threads; what
// each computes does not depend on who does it.
func (r *reduction) canon(sym string) ([]launch, error) {
	op := r.op
	total := overSize(op)
	blocks := (total + canonBlock - 1) / canonBlock
	local := launch{sym: sym, lo: 0, hi: 1, work: work(op, 1)}
	if r.before != nil {
		local.work += work(r.before, len(r.before.Results))
	}
	write := func(k *kernel) error {
		direct := r.direct()
		var st *stage
		if !direct {
			st = r.newStage(k)
		}
		var failed error
		r.outer(k, &local, len(op.Dom), func(active []int) {
			put := func(i int, blk emit.Bound, v value.Value) {
				if r.parts == nil {
					k.store(op.Results[i].Elem, v, r.result(k, i))
				} else {
					k.store(op.Results[i].Elem, v, r.partial(k, i, blk))
				}
			}
			w := r.walk(direct)
			r.asks = r.soon(w)
			// Block blk, and those at the same place of the planes after it.
			block := func(blk emit.Bound, planes int) {
				first := k.Scale(blk, canonBlock)
				n := k.Minimum(k.Add(k.Scale(first, -1), emit.At(total)), emit.At(canonBlock))
				if !direct {
					if failed = firstError(failed, st.fill(active, first, n)); failed == nil {
						for i := range op.Results {
							put(i, blk, st.fold(i, n))
						}
					}
					return
				}
				lanes, err := r.foldDirect(k, first, n, planes)
				if failed = firstError(failed, err); failed != nil {
					return
				}
				for p := range lanes {
					for i, res := range op.Results {
						put(i, k.Add(blk, emit.At(p*w.plane)), r.foldLanes(k, res.Elem, lanes[p][i]))
					}
				}
			}
			if w.plane > 0 {
				local.lo, local.hi = 0, w.units()
				w.emit(k, block)
				return
			}
			lo, hi := emit.At(0), emit.At(blocks)
			if len(op.Dom) == 0 && blocks > 1 {
				local.lo, local.hi = 0, blocks
				lo, hi = emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}
			}
			k.Loop(lo, hi, 1, emit.Plain, func(blk emit.Bound) { block(blk, 1) })
		})
		return failed
	}
	var err error
	if r.across() {
		local, err = r.canonAcross(sym, blocks)
	} else if r.abreast() {
		local, err = r.canonAbreast(sym)
	} else {
		err = r.e.kernel(sym, r.slots, r.scalars, write)
	}
	if err != nil || r.parts == nil {
		return []launch{local}, err
	}
	tree, err := r.foldParts(sym+".fold", func(k *kernel, i int) {
		for n := blocks; n > 1; n = (n + 1) / 2 {
			k.Loop(emit.At(0), emit.At(n/2), 1, emit.Plain, func(j emit.Bound) {
				x := k.Scale(j, 2)
				r.combineParts(k, i, j, x, k.Add(x, emit.At(1)))
			})
			if e := op.Results[i].Elem; n%2 == 1 {
				k.store(e, k.load(e, r.partial(k, i, emit.At(n-1))), r.partial(k, i, emit.At(n/2)))
			}
		}
	})
	return []launch{local, tree}, err
}

// stage holds the terms of one block: per result one row, or two with FMA.
type stage struct {
	r    *reduction
	k    *kernel
	rows [][]value.Value
	elem []ir.Elem
}

// stageType is the type of a staged term: a half stays a float.
func stageType(e ir.Elem) types.Type {
	if e == ir.F16 {
		return types.Float
	}
	return emit.MemType(e)
}

func (r *reduction) newStage(k *kernel) *stage {
	st := &stage{r: r, k: k}
	for _, res := range r.op.Results {
		row := make([]value.Value, 1)
		if r.op.FMA {
			row = make([]value.Value, 2)
		}
		for j := range row {
			row[j] = k.Func.NewAlloca(llvm.NewArray(canonBlock, stageType(res.Elem)))
		}
		st.rows, st.elem = append(st.rows, row), append(st.elem, res.Elem)
	}
	return st
}

func (st *stage) addr(i, j int, x emit.Bound) value.Value {
	t := llvm.NewArray(canonBlock, stageType(st.elem[i]))
	return st.k.Cur.NewGetElementPtr(t, st.rows[i][j], constant.NewInt(types.I64, 0), x.Value())
}

func (st *stage) put(i, j int, x emit.Bound, v value.Value) {
	if st.elem[i] == ir.Bool {
		v = st.k.Cur.NewZExt(v, types.I8)
	}
	st.k.Cur.NewStore(v, st.addr(i, j, x), storageBytes(st.elem[i]))
}

// fill evaluates elements first..first+n of the reduced box in row-major order: rows of the innermost index, each cut where a piece ends.
func (st *stage) fill(active []int, first, n emit.Bound) error {
	k, op := st.k, st.r.op
	last := op.Over[len(op.Over)-1]
	width := last.Hi - last.Lo
	var failed error
	// The loop advances by segments: pos is the number of elements done.
	pre := k.Cur
	head, exit := k.Func.NewBlock("segment"), k.Func.NewBlock("filled")
	pre.NewBr(head)
	pos := head.NewPhi(types.I64)
	pos.AddIncoming(k.I64(0), pre)
	k.Cur = head
	e := k.Add(first, emit.Bound{V: pos})
	row := k.Cur.NewSDiv(e.Value(), k.I64(width))
	x0 := emit.Bound{V: k.Cur.NewSRem(e.Value(), k.I64(width))}
	left := k.Add(n, k.Scale(emit.Bound{V: pos}, -1))
	seg := k.Minimum(k.Add(k.Scale(x0, -1), emit.At(width)), left)
	x1 := k.Add(x0, seg)
	at0 := make([]value.Value, len(op.Over)-1)
	for d := len(op.Over) - 2; d >= 0; d-- {
		w := op.Over[d].Hi - op.Over[d].Lo
		at0[d] = k.Cur.NewSRem(row, k.I64(w))
		row = k.Cur.NewSDiv(row, k.I64(w))
		k.Index[op.Over[d].Index] = k.Add(emit.Bound{V: at0[d]}, emit.At(op.Over[d].Lo))
	}
	shift := k.Add(emit.Bound{V: pos}, k.Scale(x0, -1)) // stage index minus x
	for _, pc := range active {
		box := op.Pieces[pc].Box[len(op.Dom):]
		lo, hi := k.Maximum(x0, emit.At(box[len(box)-1].Lo-last.Lo)), k.Minimum(x1, emit.At(box[len(box)-1].Hi-last.Lo))
		for d := range at0 {
			rg := op.Over[d]
			if box[d].Lo > rg.Lo {
				in := k.Cur.NewICmp(enum.IPredSGE, at0[d], k.I64(box[d].Lo-rg.Lo))
				hi = emit.Bound{V: k.Cur.NewSelect(in, hi.Value(), lo.Value())}
			}
			if box[d].Hi < rg.Hi {
				in := k.Cur.NewICmp(enum.IPredSLT, at0[d], k.I64(box[d].Hi-rg.Lo))
				hi = emit.Bound{V: k.Cur.NewSelect(in, hi.Value(), lo.Value())}
			}
		}
		k.Loop(lo, hi, 1, emit.Plain, func(x emit.Bound) {
			k.Index[last.Index] = k.Add(x, emit.At(last.Lo))
			ts, err := st.r.terms(k, pc)
			if err != nil {
				failed = firstError(failed, err)
				return
			}
			for i := range ts {
				for j, v := range ts[i] {
					st.put(i, j, k.Add(x, shift), v)
				}
			}
		})
	}
	next := k.Add(emit.Bound{V: pos}, seg)
	pos.AddIncoming(next.Value(), k.Cur)
	k.Cur.NewCondBr(k.Cur.NewICmp(enum.IPredSLT, next.Value(), n.Value()), head, exit)
	k.Cur = exit
	if len(active) == 0 {
		return fmt.Errorf("%s: no piece covers the reduced domain", opName(op))
	}
	return failed
}

// fold combines the n staged terms of result i.
func (st *stage) fold(i int, n emit.Bound) value.Value {
	k, r, e := st.k, st.r, st.elem[i]
	// Terms that change nothing fill the last row of lanes.
	full := emit.Bound{V: k.Cur.NewAnd(k.Add(n, emit.At(canonLanes-1)).Value(), k.I64(-canonLanes))}
	k.Loop(n, full, 1, emit.Plain, func(x emit.Bound) {
		if r.op.FMA { // fma(-0, 1, acc) = acc
			st.put(i, 0, x, k.Calc().Neutral(ir.Sum, e))
			st.put(i, 1, x, k.Calc().Float(e, 1))
		} else {
			st.put(i, 0, x, k.Calc().Neutral(r.op.Comb, e))
		}
	})
	vec := llvm.NewVector(canonLanes, emit.RegType(e))
	start := r.begin(k, e, canonLanes, n)
	pre := k.Cur
	head, exit := k.Func.NewBlock("lanes"), k.Func.NewBlock("folded")
	pre.NewBr(head)
	x, acc := head.NewPhi(types.I64), head.NewPhi(vec)
	x.AddIncoming(k.I64(0), pre)
	acc.AddIncoming(start, pre)
	k.Cur = head
	c := k.Lanes(canonLanes)
	var ts []value.Value
	for j := range st.rows[i] {
		mem := llvm.NewVector(canonLanes, stageType(e))
		p := k.Cur.NewBitCast(st.addr(i, j, emit.Bound{V: x}), types.NewPointer(mem))
		v := k.Cur.NewLoad(mem, p, storageBytes(e))
		if e == ir.Bool {
			v = k.Cur.NewTrunc(v, vec)
		}
		ts = append(ts, v)
	}
	sum := r.accumulate(c, e, acc, ts)
	next := k.Cur.NewAddNSW(x, k.I64(canonLanes))
	x.AddIncoming(next, k.Cur)
	acc.AddIncoming(sum, k.Cur)
	k.Cur.NewCondBr(k.Cur.NewICmp(enum.IPredSLT, next, n.Value()), head, exit)
	k.Cur = exit
	return r.foldLanes(k, e, sum)
}

// foldLanes folds the lanes of a vector by halves.
func (r *reduction) foldLanes(k *kernel, e ir.Elem, sum value.Value) value.Value {
	for h := canonLanes / 2; h > 0; h /= 2 {
		lo, hi := make([]int, h), make([]int, h)
		for l := range h {
			lo[l], hi[l] = l, l+h
		}
		und := constant.NewUndef(sum.Type())
		sum = k.Lanes(h).Combine(r.op.Comb, e, k.Cur.NewShuffleVector(sum, und, llvm.NewMask(lo...)), k.Cur.NewShuffleVector(sum, und, llvm.NewMask(hi...)))
	}
	return k.Cur.NewExtractElement(sum, 0)
}
