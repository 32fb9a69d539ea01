package cpu

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
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
	emit := func(k *kernel) error {
		direct := r.direct()
		var st *stage
		if !direct {
			st = r.newStage(k)
		}
		var failed error
		r.outer(k, &local, len(op.Dom), func(active []int) {
			put := func(i int, blk bound, v llvm.Value) {
				if r.parts == nil {
					k.store(op.Results[i].Elem, v, r.result(k, i))
				} else {
					k.store(op.Results[i].Elem, v, r.partial(k, i, blk))
				}
			}
			w := r.walk(direct)
			// Block blk, and those at the same place of the planes after it.
			block := func(blk bound, planes int) {
				first := k.scale(blk, canonBlock)
				n := k.minimum(k.add(k.scale(first, -1), at(total)), at(canonBlock))
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
						put(i, k.add(blk, at(p*w.plane)), r.foldLanes(k, res.Elem, lanes[p][i]))
					}
				}
			}
			if w.plane > 0 {
				local.lo, local.hi = 0, w.units()
				w.emit(k, block)
				return
			}
			lo, hi := at(0), at(blocks)
			if len(op.Dom) == 0 && blocks > 1 {
				local.lo, local.hi = 0, blocks
				lo, hi = bound{v: k.split[0]}, bound{v: k.split[1]}
			}
			k.loop(lo, hi, 1, plainLoop, func(blk bound) { block(blk, 1) })
		})
		return failed
	}
	var err error
	if r.across() {
		local, err = r.canonAcross(sym, blocks)
	} else if r.abreast() {
		local, err = r.canonAbreast(sym)
	} else {
		err = r.e.kernel(sym, r.slots, r.scalars, emit)
	}
	if err != nil || r.parts == nil {
		return []launch{local}, err
	}
	tree, err := r.foldParts(sym+".fold", func(k *kernel, i int) {
		for n := blocks; n > 1; n = (n + 1) / 2 {
			k.loop(at(0), at(n/2), 1, plainLoop, func(j bound) {
				x := k.scale(j, 2)
				r.combineParts(k, i, j, x, k.add(x, at(1)))
			})
			if e := op.Results[i].Elem; n%2 == 1 {
				k.store(e, k.load(e, r.partial(k, i, at(n-1))), r.partial(k, i, at(n/2)))
			}
		}
	})
	return []launch{local, tree}, err
}

// stage holds the terms of one block: per result one row, or two with FMA.
type stage struct {
	r    *reduction
	k    *kernel
	rows [][]llvm.Value
	elem []ir.Elem
}

// stageType is the type of a staged term: a half stays a float.
func stageType(e ir.Elem) llvm.Type {
	if e == ir.F16 {
		return llvm.Float
	}
	return memType(e)
}

func (r *reduction) newStage(k *kernel) *stage {
	st := &stage{r: r, k: k}
	for _, res := range r.op.Results {
		row := make([]llvm.Value, 1)
		if r.op.FMA {
			row = make([]llvm.Value, 2)
		}
		for j := range row {
			row[j] = k.f.Blocks[0].NewAllocaFirst(llvm.NewArray(canonBlock, stageType(res.Elem)))
		}
		st.rows, st.elem = append(st.rows, row), append(st.elem, res.Elem)
	}
	return st
}

func (st *stage) addr(i, j int, x bound) llvm.Value {
	t := llvm.NewArray(canonBlock, stageType(st.elem[i]))
	return st.k.cur.NewGetElementPtr(t, st.rows[i][j], llvm.NewInt(llvm.I64, 0), x.value())
}

func (st *stage) put(i, j int, x bound, v llvm.Value) {
	if st.elem[i] == ir.Bool {
		v = st.k.cur.NewConv("zext", v, llvm.I8)
	}
	st.k.cur.NewStore(v, st.addr(i, j, x), storageBytes(st.elem[i]))
}

// fill evaluates elements first..first+n of the reduced box in row-major order: rows of the innermost index, each cut where a piece ends.
func (st *stage) fill(active []int, first, n bound) error {
	k, op := st.k, st.r.op
	last := op.Over[len(op.Over)-1]
	width := last.Hi - last.Lo
	var failed error
	// The loop advances by segments: pos is the number of elements done.
	pre := k.cur
	head, exit := k.f.NewBlock("segment"), k.f.NewBlock("filled")
	pre.NewBr(head)
	pos := head.NewPhi(llvm.I64)
	pos.AddIncoming(k.i64(0), pre)
	k.cur = head
	e := k.add(first, bound{v: pos})
	row := k.cur.NewSDiv(e.value(), k.i64(width))
	x0 := bound{v: k.cur.NewSRem(e.value(), k.i64(width))}
	left := k.add(n, k.scale(bound{v: pos}, -1))
	seg := k.minimum(k.add(k.scale(x0, -1), at(width)), left)
	x1 := k.add(x0, seg)
	at0 := make([]llvm.Value, len(op.Over)-1)
	for d := len(op.Over) - 2; d >= 0; d-- {
		w := op.Over[d].Hi - op.Over[d].Lo
		at0[d] = k.cur.NewSRem(row, k.i64(w))
		row = k.cur.NewSDiv(row, k.i64(w))
		k.idx[op.Over[d].Index] = k.add(bound{v: at0[d]}, at(op.Over[d].Lo))
	}
	shift := k.add(bound{v: pos}, k.scale(x0, -1)) // stage index minus x
	for _, pc := range active {
		box := op.Pieces[pc].Box[len(op.Dom):]
		lo, hi := k.maximum(x0, at(box[len(box)-1].Lo-last.Lo)), k.minimum(x1, at(box[len(box)-1].Hi-last.Lo))
		for d := range at0 {
			rg := op.Over[d]
			if box[d].Lo > rg.Lo {
				in := k.cur.NewICmp("sge", at0[d], k.i64(box[d].Lo-rg.Lo))
				hi = bound{v: k.cur.NewSelect(in, hi.value(), lo.value())}
			}
			if box[d].Hi < rg.Hi {
				in := k.cur.NewICmp("slt", at0[d], k.i64(box[d].Hi-rg.Lo))
				hi = bound{v: k.cur.NewSelect(in, hi.value(), lo.value())}
			}
		}
		k.loop(lo, hi, 1, plainLoop, func(x bound) {
			k.idx[last.Index] = k.add(x, at(last.Lo))
			ts, err := st.r.terms(k, pc)
			if err != nil {
				failed = firstError(failed, err)
				return
			}
			for i := range ts {
				for j, v := range ts[i] {
					st.put(i, j, k.add(x, shift), v)
				}
			}
		})
	}
	next := k.add(bound{v: pos}, seg)
	pos.AddIncoming(next.value(), k.cur)
	k.cur.NewCondBr(k.cur.NewICmp("slt", next.value(), n.value()), head, exit, nil)
	k.cur = exit
	if len(active) == 0 {
		return fmt.Errorf("%s: no piece covers the reduced domain", opName(op))
	}
	return failed
}

// fold combines the n staged terms of result i.
func (st *stage) fold(i int, n bound) llvm.Value {
	k, r, e := st.k, st.r, st.elem[i]
	// Terms that change nothing fill the last row of lanes.
	full := bound{v: k.cur.NewAnd(k.add(n, at(canonLanes-1)).value(), k.i64(-canonLanes))}
	k.loop(n, full, 1, plainLoop, func(x bound) {
		if r.op.FMA { // fma(-0, 1, acc) = acc
			st.put(i, 0, x, k.calc().neutral(ir.Sum, e))
			st.put(i, 1, x, k.calc().float(e, 1))
		} else {
			st.put(i, 0, x, k.calc().neutral(r.op.Comb, e))
		}
	})
	vec := llvm.NewVector(canonLanes, regType(e))
	start := r.start(k.lanes(canonLanes), e)
	if r.op.FMA { // absent lanes start from -0, they do not take part
		var each []llvm.Value
		for l := range canonLanes {
			each = append(each, llvm.NewInt(llvm.I64, int64(l)))
		}
		nv := k.cur.NewInsertElement(llvm.NewUndef(llvm.NewVector(canonLanes, llvm.I64)), n.value(), 0)
		nv = k.cur.NewShuffle(nv, llvm.NewUndef(nv.Type()), llvm.NewMask(make([]int, canonLanes)...))
		here := k.cur.NewICmp("slt", llvm.NewVectorConstant(each...), nv)
		start = k.cur.NewSelect(here, start, k.lanes(canonLanes).neutral(ir.Sum, e))
	}
	pre := k.cur
	head, exit := k.f.NewBlock("lanes"), k.f.NewBlock("folded")
	pre.NewBr(head)
	x, acc := head.NewPhi(llvm.I64), head.NewPhi(vec)
	x.AddIncoming(k.i64(0), pre)
	acc.AddIncoming(start, pre)
	k.cur = head
	c := k.lanes(canonLanes)
	var ts []llvm.Value
	for j := range st.rows[i] {
		mem := llvm.NewVector(canonLanes, stageType(e))
		p := k.cur.NewBitCast(st.addr(i, j, bound{v: x}), llvm.NewPointer(mem))
		v := k.cur.NewLoad(mem, p, storageBytes(e))
		if e == ir.Bool {
			v = k.cur.NewConv("trunc", v, vec)
		}
		ts = append(ts, v)
	}
	sum := r.accumulate(c, e, acc, ts)
	next := k.cur.NewAddNSW(x, k.i64(canonLanes))
	x.AddIncoming(next, k.cur)
	acc.AddIncoming(sum, k.cur)
	k.cur.NewCondBr(k.cur.NewICmp("slt", next, n.value()), head, exit, nil)
	k.cur = exit
	return r.foldLanes(k, e, sum)
}

// foldLanes folds the lanes of a vector by halves.
func (r *reduction) foldLanes(k *kernel, e ir.Elem, sum llvm.Value) llvm.Value {
	for h := canonLanes / 2; h > 0; h /= 2 {
		lo, hi := make([]int, h), make([]int, h)
		for l := range h {
			lo[l], hi[l] = l, l+h
		}
		und := llvm.NewUndef(sum.Type())
		sum = k.lanes(h).combine(r.op.Comb, e, k.cur.NewShuffle(sum, und, llvm.NewMask(lo...)), k.cur.NewShuffle(sum, und, llvm.NewMask(hi...)))
	}
	return k.cur.NewExtractElement(sum, 0)
}
