package cpu

import (
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// selection emits a gather or a scatter-add (ir.Selection). Both are loops over the dimensions on which the place depends, a test that it
// lies in range, and loops over the rest.
func (r *reduction) selection(sym string, s *ir.Selection) ([]launch, error) {
	if s.Scatter {
		return r.scatter(sym, s)
	}
	return r.gather(sym, s)
}

// where evaluates the place at the current indices, sets v to it where it lies in range, and emits yes there and no elsewhere.
func (r *reduction) where(k *kernel, s *ir.Selection, yes func() error, no func()) error {
	var v ir.Range
	for _, x := range append(append([]ir.Range(nil), r.op.Dom...), r.op.Over...) {
		if x.Index == s.Index {
			v = x
		}
	}
	vals, err := k.eval(&r.op.Pieces[0].Body, []int{s.At})
	if err != nil {
		return err
	}
	i := k.Cur.NewSExt(vals[0], types.I64)
	in := k.Cur.NewAnd(k.Cur.NewICmp(enum.IPredSGE, i, k.I64(v.Lo)), k.Cur.NewICmp(enum.IPredSLT, i, k.I64(v.Hi)))
	hit, miss, done := k.Func.NewBlock("hit"), k.Func.NewBlock("miss"), k.Func.NewBlock("done")
	k.Cur.NewCondBr(in, hit, miss)
	k.Cur = hit
	k.Index[s.Index] = emit.Bound{V: i}
	if err := yes(); err != nil {
		return err
	}
	k.Cur.NewBr(done)
	k.Cur = miss
	if no != nil {
		no()
	}
	k.Cur.NewBr(done)
	k.Cur = done
	return nil
}

// value stores the selected value, or what combine makes of it, in the result.
func (r *reduction) value(k *kernel, s *ir.Selection, combine func(old, v value.Value) value.Value) error {
	vals, err := k.eval(&r.op.Pieces[0].Body, []int{s.Value})
	if err != nil {
		return err
	}
	e := r.op.Results[0].Elem
	v, a := vals[0], r.result(k, 0)
	if combine != nil {
		v = combine(k.load(e, a), v)
	}
	k.store(e, v, a)
	return nil
}

func (r *reduction) clear(k *kernel) {
	e := r.op.Results[0].Elem
	k.store(e, k.Calc().Neutral(ir.Sum, e), r.result(k, 0))
}

// dims are the output dimensions from..to, dimension split between the ends of the kernel.
func (r *reduction) dims(k *kernel, l *launch, list []int, split int) []emit.Dim {
	var out []emit.Dim
	for _, d := range list {
		rg := r.op.Dom[d]
		x := emit.Range(rg.Index, rg.Lo, rg.Hi)
		if d == split {
			l.lo, l.hi = rg.Lo, rg.Hi
			x.Lo, x.Hi = emit.Bound{V: k.split[0]}, emit.Bound{V: k.split[1]}
		}
		out = append(out, x)
	}
	return out
}

// over emits loops over dims; the last is of the given kind.
func (k *kernel) over(dims []emit.Dim, kind emit.LoopKind, leaf func()) {
	if len(dims) == 0 {
		leaf()
		return
	}
	lk := emit.Plain
	if len(dims) == 1 {
		lk = kind
	}
	k.Loop(dims[0].Lo, dims[0].Hi, 1, lk, func(i emit.Bound) {
		k.Index[dims[0].Index] = i
		k.over(dims[1:], kind, leaf)
	})
}

func (r *reduction) gather(sym string, s *ir.Selection) ([]launch, error) {
	deps := r.op.Pieces[0].Body.DependsOn(s.At)
	var keyed, rest []int
	points := 1
	for d, x := range r.op.Dom {
		points *= x.Hi - x.Lo
		if deps[x.Index] {
			keyed = append(keyed, d)
		} else {
			rest = append(rest, d)
		}
	}
	l := launch{sym: sym, lo: 0, hi: 1, work: 4 * points}
	split := -1
	for d, x := range r.op.Dom {
		if split < 0 || x.Hi-x.Lo > r.op.Dom[split].Hi-r.op.Dom[split].Lo {
			split = d
		}
	}
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		outer, inner := r.dims(k, &l, keyed, split), r.dims(k, &l, rest, split)
		k.over(outer, emit.Plain, func() {
			failed = firstError(failed, r.where(k, s, func() (err error) {
				k.over(inner, emit.Vector, func() { err = firstError(err, r.value(k, s, nil)) })
				return err
			}, func() {
				k.over(inner, emit.Vector, func() { r.clear(k) })
			}))
		})
		return failed
	})
	return []launch{l}, err
}

// scatter clears the output, as it lies in memory, and then divides the work along an output dimension other than v: all threads look at all
// places, in order.
func (r *reduction) scatter(sym string, s *ir.Selection) ([]launch, error) {
	op := r.op
	var all, rest []int
	split, points, width := -1, 1, 1
	for d, x := range op.Dom {
		all = append(all, d)
		points *= x.Hi - x.Lo
		if x.Index == s.Index {
			continue
		}
		rest = append(rest, d)
		width *= x.Hi - x.Lo
		if split < 0 || x.Hi-x.Lo >= op.Dom[split].Hi-op.Dom[split].Lo {
			split = d
		}
	}
	none := launch{sym: sym + ".clear", lo: 0, hi: 1, work: points}
	err := r.e.kernel(none.sym, r.slots, r.scalars, func(k *kernel) error {
		k.over(r.dims(k, &none, all, splitDim(r.boxes, len(all))), emit.Vector, func() { r.clear(k) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	l := launch{sym: sym, lo: 0, hi: 1, work: 4 * overSize(op) * width}
	err = r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		var over []emit.Dim
		for _, x := range op.Over {
			over = append(over, emit.Range(x.Index, x.Lo, x.Hi))
		}
		inner := r.dims(k, &l, rest, split)
		k.over(over, emit.Plain, func() {
			failed = firstError(failed, r.where(k, s, func() (err error) {
				k.over(inner, emit.Vector, func() {
					err = firstError(err, r.value(k, s, func(old, v value.Value) value.Value {
						return k.Calc().Combine(ir.Sum, op.Results[0].Elem, old, v)
					}))
				})
				return err
			}, nil))
		})
		return failed
	})
	return []launch{none, l}, err
}
