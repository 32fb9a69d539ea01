package cpu

import (
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// A row that is one block of the canonical order is one running vector, and every addition or comparison waits for the one before. So several
// rows go abreast: their chains are independent.

// rowsAbreast is how many: a maximum, which must look after zeros and what is not a number, is a chain of four instructions.
const rowsAbreast = 4

// abreast says that the rows of an output index may go abreast.
func (r *reduction) abreast() bool {
	n := len(r.op.Dom)
	return n > 0 && len(r.op.Over) == 1 && r.before == nil && r.parts == nil && r.op.Dom[n-1].Hi-r.op.Dom[n-1].Lo >= rowsAbreast && r.direct()
}

// canonAbreast folds rowsAbreast rows at a time: unit = (other output indices, block of rows); the last block has the rows that are left.
func (r *reduction) canonAbreast(sym string) (launch, error) {
	op := r.op
	last, over := op.Dom[len(op.Dom)-1], op.Over[0]
	width := last.Hi - last.Lo
	units := (width + rowsAbreast - 1) / rowsAbreast
	l := launch{sym: sym, hi: units, work: work(op, 1)}
	var counts []int
	for _, d := range op.Dom[:len(op.Dom)-1] {
		counts = append(counts, d.Hi-d.Lo)
		l.hi *= d.Hi - d.Lo
	}
	counts = append(counts, units)
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		b := &op.Pieces[0].Body
		accs := make([][]value.Value, rowsAbreast)
		for u := range accs {
			for _, res := range op.Results {
				accs[u] = append(accs[u], k.Func.NewAlloca(llvm.NewVector(canonLanes, emit.RegType(res.Elem))))
			}
		}
		each := func(first emit.Bound, rows int, do func(u, i int)) {
			for u := range rows {
				k.Index[last.Index] = k.Add(first, emit.At(u))
				for i := range op.Results {
					do(u, i)
				}
			}
		}
		fold := func(first emit.Bound, rows int) {
			each(first, rows, func(u, i int) {
				k.Cur.NewStore(r.begin(k, op.Results[i].Elem, canonLanes, emit.At(over.Hi-over.Lo)), accs[u][i], lineBytes)
			})
			add := func(have int) {
				var ts [][]value.Value
				each(first, rows, func(u, i int) {
					if i == 0 {
						if g := r.e.grouping; g != nil && rows == rowsAbreast {
							k.ahead(g.asks, op, over.Index, u%askRows)
						}
						var err error
						ts, err = r.termsOf(b, func(want []int) ([]value.Value, error) { return k.evalLanes(b, want, over.Index, canonLanes, nil) })
						failed = firstError(failed, err)
					}
					if failed == nil {
						r.include(k, op.Results[i].Elem, canonLanes, accs[u][i], ts[i], have)
					}
				})
			}
			whole := over.Hi - r.rest()
			k.Loop(emit.At(over.Lo), emit.At(whole), canonLanes, emit.Plain, func(x emit.Bound) {
				k.Index[over.Index] = x
				add(canonLanes)
			})
			if k.Index[over.Index] = emit.At(whole); whole < over.Hi {
				add(over.Hi - whole)
			}
			each(first, rows, func(u, i int) {
				e := op.Results[i].Elem
				acc := k.Cur.NewLoad(llvm.NewVector(canonLanes, emit.RegType(e)), accs[u][i], lineBytes)
				k.store(e, r.foldLanes(k, e, acc), r.result(k, i))
			})
		}
		k.Loop(emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}, 1, emit.Plain, func(u emit.Bound) {
			d := k.digits(u, counts)
			for i, x := range op.Dom[:len(op.Dom)-1] {
				k.Index[x.Index] = k.Add(d[i], emit.At(x.Lo))
			}
			block := d[len(d)-1]
			k.either(block, width/rowsAbreast, units, func() { fold(k.Add(k.Scale(block, rowsAbreast), emit.At(last.Lo)), rowsAbreast) }, func() {
				k.Loop(emit.At(last.Lo+width/rowsAbreast*rowsAbreast), emit.At(last.Hi), 1, emit.Plain, func(row emit.Bound) { fold(row, 1) })
			})
		})
		return failed
	})
	return l, err
}
