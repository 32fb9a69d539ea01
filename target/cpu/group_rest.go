package cpu

import (
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// plusZero adds +0 to the sums of an operation in place: all that terms of +0 would have done.
func (t *tile) plusZero(op *ir.Op) error {
	for _, r := range op.Results {
		var b ir.BodyBuilder
		var at []ir.Affine
		for _, d := range op.Dom {
			at = append(at, ir.At(d.Index, 0))
		}
		sum := b.Op(ir.Add, b.Read(r.Elem, "%"+r.Name, at...), b.Const(r.Elem, 0))
		add := ir.Op{Kind: ir.Map, Dom: op.Dom, Results: []ir.Result{r}, Pieces: []ir.Piece{{Box: boxIntervals(op.Dom), Body: b.Body(sum)}}}
		if err := t.kernels(&add, false); err != nil {
			return err
		}
	}
	return nil
}

func boxIntervals(rs []ir.Range) []ir.Interval {
	var out []ir.Interval
	for _, r := range rs {
		out = append(out, ir.Interval{Lo: r.Lo, Hi: r.Hi})
	}
	return out
}

// lead begins the sums over rows of columns that earlier tiles left out: weights of 0 for the rows before. They are the same for all of
// these columns (0, or not a number where the other factor is not finite), so one is computed and copied.
func (t *tile) lead(full *ir.Op, row, col string, rows, cols ir.Interval) error {
	op, _ := weighted(full, t.behind0(full))
	first := restricted(&op, t.x.units, map[string]ir.Interval{row: rows, col: {Lo: cols.Lo, Hi: cols.Lo + 1}})
	if err := t.kernels(&first, false); err != nil || cols.Hi == cols.Lo+1 {
		return err
	}
	others := restricted(&op, t.x.units, map[string]ir.Interval{row: rows, col: {Lo: cols.Lo + 1, Hi: cols.Hi}})
	var b ir.BodyBuilder
	var at []ir.Affine
	for _, d := range others.Dom {
		if d.Index == col {
			at = append(at, ir.Affine{Off: cols.Lo})
			continue
		}
		at = append(at, ir.At(d.Index, 0))
	}
	r := others.Results[0]
	copied := ir.Op{Kind: ir.Map, Dom: others.Dom, Results: others.Results, Pieces: []ir.Piece{{Box: boxIntervals(others.Dom), Body: b.Body(b.Read(r.Elem, "%"+r.Name, at...))}}}
	return t.kernels(&copied, false)
}

// tail goes on with sums over a row whose remaining weights are ±0, if that can change them: where a sum is -0, or a factor is not finite.
func (t *tile) tail(rest *ir.Op) error {
	op, other := weighted(rest, t.behind)
	slots, scalars, err := t.e.uses(&op)
	if err != nil {
		return err
	}
	elem := op.Results[0].Elem
	last := op.Dom[len(op.Dom)-1]
	sym := t.e.grouping.next()
	err = t.e.kernel(sym, slots, scalars, func(k *kernel) error {
		b := &op.Pieces[0].Body
		odd := k.Func.NewAlloca(types.I32)
		k.Cur.NewStore(constant.NewInt(types.I32, 0), odd, 4)
		var failed error
		out := t.vals["%"+op.Results[0].Name].slot
		note := func(cond value.Value) {
			old := k.Cur.NewLoad(types.I32, odd, 4)
			k.Cur.NewStore(k.Cur.NewOr(old, k.Cur.NewZExt(cond, types.I32)), odd, 4)
		}
		loops := func(dims []ir.Range, leaf func()) {
			var visit func(d int)
			visit = func(d int) {
				if d == len(dims) {
					leaf()
					return
				}
				kind := emit.Plain
				if d == len(dims)-1 {
					kind = emit.Vector
				}
				k.Loop(emit.At(dims[d].Lo), emit.At(dims[d].Hi), 1, kind, func(i emit.Bound) {
					k.Index[dims[d].Index] = i
					visit(d + 1)
				})
			}
			visit(0)
		}
		// The other factor over all its indices, then the sums. An integer comparison tells both: the exponent of what is not finite is all
		// ones, and -0 is the sign alone.
		bits, exponent, sign := types.I32, int64(0x7f800000), int64(-1)<<31
		if elem == ir.F64 {
			bits, exponent, sign = types.I64, 0x7ff<<52, -1<<63
		}
		f := newFactor(b, other)
		var has []ir.Range
		for _, r := range append(append([]ir.Range{}, op.Over...), op.Dom...) {
			if f.has[r.Index] {
				has = append(has, r)
			}
		}
		loops(has, func() {
			v, err := k.eval(b, []int{other})
			if err != nil {
				failed = err
				return
			}
			e := k.Cur.NewAnd(k.Cur.NewBitCast(v[0], bits), constant.NewInt(bits, exponent))
			note(k.Cur.NewICmp(enum.IPredEQ, e, constant.NewInt(bits, exponent)))
		})
		loops(op.Dom, func() {
			v := k.load(elem, k.address(out, k.domCoords(&op)))
			note(k.Cur.NewICmp(enum.IPredEQ, k.Cur.NewBitCast(v, bits), constant.NewInt(bits, sign)))
		})
		go1, done := k.Func.NewBlock("odd"), k.Func.NewBlock("even")
		k.Cur.NewCondBr(k.Cur.NewICmp(enum.IPredNE, k.Cur.NewLoad(types.I32, odd, 4), constant.NewInt(types.I32, 0)), go1, done)
		k.Cur = go1
		dims := append(append([]ir.Range{}, op.Dom[:len(op.Dom)-1]...), op.Over...)
		loops(append(dims, last), func() {
			prod := &b.Nodes[b.Results[0]]
			v, err := k.eval(b, prod.Args)
			if err != nil {
				failed = err
				return
			}
			a := k.address(out, k.domCoords(&op))
			k.store(elem, k.Calc().Fma(elem, v[0], v[1], k.load(elem, a)), a)
		})
		k.Cur.NewBr(done)
		k.Cur = done
		return failed
	})
	if err != nil {
		return err
	}
	t.call(launch{sym: sym, lo: 0, hi: 1}, &op)
	return nil
}

// behind0 is what is known of the weights that lead leaves out: of the tile before, for these rows, or of this one.
func (t *tile) behind0(op *ir.Op) map[string]known {
	if weight(op, t.behind) >= 0 {
		return t.behind
	}
	return t.before
}
