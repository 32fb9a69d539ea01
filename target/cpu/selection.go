package cpu

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
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
	i := k.cur.NewConv("sext", vals[0], llvm.I64)
	in := k.cur.NewAnd(k.cur.NewICmp("sge", i, k.i64(v.Lo)), k.cur.NewICmp("slt", i, k.i64(v.Hi)))
	hit, miss, done := k.f.NewBlock("hit"), k.f.NewBlock("miss"), k.f.NewBlock("done")
	k.cur.NewCondBr(in, hit, miss, nil)
	k.cur = hit
	k.idx[s.Index] = bound{v: i}
	if err := yes(); err != nil {
		return err
	}
	k.cur.NewBr(done)
	k.cur = miss
	if no != nil {
		no()
	}
	k.cur.NewBr(done)
	k.cur = done
	return nil
}

// value stores the selected value, or what combine makes of it, in the result.
func (r *reduction) value(k *kernel, s *ir.Selection, combine func(old, v llvm.Value) llvm.Value) error {
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
	k.store(e, k.calc().neutral(ir.Sum, e), r.result(k, 0))
}

// dims are the output dimensions from..to, dimension split between the ends of the kernel.
func (r *reduction) dims(k *kernel, l *launch, list []int, split int) []dim {
	var out []dim
	for _, d := range list {
		rg := r.op.Dom[d]
		x := staticDim(rg.Index, rg.Lo, rg.Hi)
		if d == split {
			l.lo, l.hi = rg.Lo, rg.Hi
			x.lo, x.hi = bound{v: k.split[0]}, bound{v: k.split[1]}
		}
		out = append(out, x)
	}
	return out
}

// over emits loops over dims; the last is of the given kind.
func (k *kernel) over(dims []dim, kind loopKind, leaf func()) {
	if len(dims) == 0 {
		leaf()
		return
	}
	lk := plainLoop
	if len(dims) == 1 {
		lk = kind
	}
	k.loop(dims[0].lo, dims[0].hi, 1, lk, func(i bound) {
		k.idx[dims[0].index] = i
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
		k.over(outer, plainLoop, func() {
			failed = firstError(failed, r.where(k, s, func() (err error) {
				k.over(inner, vectorLoop, func() { err = firstError(err, r.value(k, s, nil)) })
				return err
			}, func() {
				k.over(inner, vectorLoop, func() { r.clear(k) })
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
		k.over(r.dims(k, &none, all, splitDim(r.boxes, len(all))), vectorLoop, func() { r.clear(k) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	l := launch{sym: sym, lo: 0, hi: 1, work: 4 * overSize(op) * width}
	err = r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		var over []dim
		for _, x := range op.Over {
			over = append(over, staticDim(x.Index, x.Lo, x.Hi))
		}
		inner := r.dims(k, &l, rest, split)
		k.over(over, plainLoop, func() {
			failed = firstError(failed, r.where(k, s, func() (err error) {
				k.over(inner, vectorLoop, func() {
					err = firstError(err, r.value(k, s, func(old, v llvm.Value) llvm.Value {
						return k.calc().combine(ir.Sum, op.Results[0].Elem, old, v)
					}))
				})
				return err
			}, nil))
		})
		return failed
	})
	return []launch{none, l}, err
}
