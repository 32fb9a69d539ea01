package cpu

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// rowsAtATime is how many sums of a row each are followed at the same time where they cannot be vectorised: each must wait for its last
// addition, so that several side by side cost no more than one.
const rowsAtATime = 8

// wholePiece says that one piece covers the whole domain.
func (r *reduction) wholePiece() bool {
	if len(r.op.Pieces) != 1 {
		return false
	}
	for d, rg := range append(append([]ir.Range(nil), r.op.Dom...), r.op.Over...) {
		if r.boxes[0][d] != (ir.Interval{Lo: rg.Lo, Hi: rg.Hi}) {
			return false
		}
	}
	return true
}

// rowsPay says that sums are followed several at a time.
func (r *reduction) rowsPay() bool {
	n := len(r.op.Dom)
	const longBody = 40
	return n > 0 && r.wholePiece() && r.op.Dom[n-1].Hi-r.op.Dom[n-1].Lo >= rowsAtATime && len(r.op.Pieces[0].Body.Nodes) <= longBody
}

// seqRows emits the ascending order for blocks of rows of the last output index: unit = (other output indices, block); the last block has
// the rows that are left, one by one.
func (r *reduction) seqRows(sym string) ([]launch, error) {
	op := r.op
	last := op.Dom[len(op.Dom)-1]
	width := last.Hi - last.Lo
	blocks := width / rowsAtATime
	units := (width + rowsAtATime - 1) / rowsAtATime
	l := launch{sym: sym, lo: 0, hi: units, work: work(op, 1)}
	var counts []int
	for _, d := range op.Dom[:len(op.Dom)-1] {
		counts = append(counts, d.Hi-d.Lo)
		l.hi *= d.Hi - d.Lo
	}
	counts = append(counts, units)
	over, boxes := r.overDims()
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		accs := make([][]llvm.Value, rowsAtATime)
		for u := range accs {
			accs[u] = r.accumulators(k)
		}
		// rows folds n rows from row on.
		rows := func(row bound, n int) {
			for u := range n {
				r.reset(k, accs[u])
			}
			k.nest(over, 0, len(over), boxes, r.all, plainLoop, func(in []int) {
				for u := range n {
					k.idx[last.Index] = k.add(row, at(u))
					ts, err := r.terms(k, in[len(in)-1])
					if err != nil {
						failed = firstError(failed, err)
						return
					}
					for i, res := range op.Results {
						acc := k.cur.NewLoad(regType(res.Elem), accs[u][i], lineBytes)
						k.cur.NewStore(r.accumulate(k.calc(), res.Elem, acc, ts[i]), accs[u][i], lineBytes)
					}
				}
			})
			for u := range n {
				k.idx[last.Index] = k.add(row, at(u))
				r.finish(k, accs[u], func(i int) llvm.Value { return r.result(k, i) })
			}
		}
		k.loop(bound{v: k.split[0]}, bound{v: k.split[1]}, 1, plainLoop, func(u bound) {
			d := k.digits(u, counts)
			for i, x := range op.Dom[:len(op.Dom)-1] {
				k.idx[x.Index] = k.add(d[i], at(x.Lo))
			}
			blk := d[len(d)-1]
			if units == blocks {
				rows(k.add(k.scale(blk, rowsAtATime), at(last.Lo)), rowsAtATime)
				return
			}
			yes, no, done := k.f.NewBlock("rows"), k.f.NewBlock("rest"), k.f.NewBlock("both")
			k.cur.NewCondBr(k.cur.NewICmp("slt", blk.value(), k.i64(blocks)), yes, no, nil)
			k.cur = yes
			rows(k.add(k.scale(blk, rowsAtATime), at(last.Lo)), rowsAtATime)
			k.cur.NewBr(done)
			k.cur = no
			k.loop(at(last.Lo+blocks*rowsAtATime), at(last.Hi), 1, plainLoop, func(row bound) { rows(row, 1) })
			k.cur.NewBr(done)
			k.cur = done
		})
		return failed
	})
	return []launch{l}, err
}
