package cpu

import (
	"fmt"

	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
)

// mesh emits the order of a mesh: sequential folds of the parts, then the trees of the axes. It repeats what a wafer computes; it
// is not meant to be fast.
func (r *reduction) mesh(p *ir.Program, sym string) ([]launch, error) {
	op := r.op
	over, boxes := r.overDims()
	dimOf := make([]int, len(op.Order.Chain))
	for i, c := range op.Order.Chain {
		ax := p.Axis(c.Axis)
		if ax == nil || !c.Cut().Valid(ax.N) {
			return nil, fmt.Errorf("%s: mesh order: axis %s does not have %d parts", opName(op), c.Axis, c.Parts)
		}
		dimOf[i] = -1
		for d, rg := range op.Over {
			if rg.Axis == c.Axis && dimOf[i] < 0 {
				dimOf[i] = d
			}
		}
		if dimOf[i] < 0 {
			return nil, fmt.Errorf("%s: mesh order: axis %s is not reduced", opName(op), c.Axis)
		}
		if err := c.Check(); err != nil {
			return nil, fmt.Errorf("%s: mesh order: axis %s: %v", opName(op), c.Axis, err)
		}
	}
	local := launch{sym: sym, lo: 0, hi: 1, work: work(op, 1)}
	err := r.e.kernel(sym, r.slots, r.scalars, func(k *kernel) error {
		var failed error
		accs := r.accumulators(k)
		r.outer(k, &local, len(op.Dom), func(active []int) {
			dims := append([]emit.Dim(nil), over...)
			var part func(i int, n emit.Bound)
			part = func(i int, n emit.Bound) {
				if i == len(op.Order.Chain) {
					r.reset(k, accs)
					r.emptyParts(k, dims, accs)
					failed = firstError(failed, r.fold(k, dims, boxes, active, accs))
					r.finish(k, accs, func(j int) value.Value {
						if r.parts == nil {
							return r.result(k, j)
						}
						return r.partial(k, j, n)
					})
					return
				}
				c := op.Order.Chain[i]
				points := p.Axis(c.Axis).N
				k.Loop(emit.At(0), emit.At(c.Parts), 1, emit.Plain, func(q emit.Bound) {
					d := &dims[dimOf[i]]
					whole := over[dimOf[i]]
					d.Lo, d.Hi = partRange(k.Gen, q, points, c.Cut(), whole)
					part(i+1, k.Add(k.Scale(n, c.Parts), q))
					*d = whole
				})
			}
			part(0, emit.At(0))
		})
		return failed
	})
	if err != nil || r.parts == nil {
		return []launch{local}, err
	}
	chain, err := r.foldParts(sym+".fold", func(k *kernel, i int) {
		n := r.count
		for _, c := range op.Order.Chain {
			inner := n / c.Parts
			stride := inner
			left := c.Parts // members of the level
			for _, l := range c.Tree() {
				size := min(l.Size, left)
				full := left / size
				k.Loop(emit.At(0), emit.At(full), 1, emit.Plain, func(g emit.Bound) {
					r.combineGroup(k, i, k.Scale(g, size*stride), size, stride, inner, l.Star)
				})
				if rest := left % size; rest > 1 {
					r.combineGroup(k, i, emit.At(full*size*stride), rest, stride, inner, l.Star)
				}
				stride *= size
				left = (left + size - 1) / size
			}
			n = inner
		}
	})
	return []launch{local, chain}, err
}

// combineGroup combines the members of a group of a tree's level: partials lead, lead+stride, .., each inner long.
func (r *reduction) combineGroup(k *kernel, i int, lead emit.Bound, members, stride, inner int, star bool) {
	k.Loop(emit.At(1), emit.At(members), 1, emit.Plain, func(t emit.Bound) {
		to, from := lead, k.Add(lead, k.Scale(t, stride))
		if !star { // from the second highest member down to the lowest
			to = k.Add(lead, k.Scale(k.Add(k.Scale(t, -1), emit.At(members-1)), stride))
			from = k.Add(to, emit.At(stride))
		}
		k.Loop(emit.At(0), emit.At(inner), 1, emit.Plain, func(s emit.Bound) {
			dst := k.Add(to, s)
			r.combineParts(k, i, dst, dst, k.Add(from, s))
		})
	})
}

// partRange is the range of part q of n points, within the range of d; what lies outside the axis belongs to its end parts.
func partRange(g *emit.Gen, q emit.Bound, n int, cut ir.Cut, d emit.Dim) (lo, hi emit.Bound) {
	parts, unit := cut.Parts, max(1, cut.Unit)
	units := (n - cut.Extra) / unit
	size, longer := units/parts, units%parts
	begin := func(q emit.Bound) emit.Bound {
		return g.Scale(g.Add(g.Scale(q, size), g.Minimum(q, emit.At(longer))), unit)
	}
	lo, hi = begin(q), begin(g.Add(q, emit.At(1)))
	if q.V != nil {
		lo = emit.Bound{V: g.Cur.NewSelect(g.Cur.NewICmp(enum.IPredEQ, q.V, g.I64(0)), g.I64(d.Min), lo.Value())}
		hi = emit.Bound{V: g.Cur.NewSelect(g.Cur.NewICmp(enum.IPredEQ, q.V, g.I64(parts-1)), g.I64(d.Max), hi.Value())}
	} else {
		if q.C == 0 {
			lo = emit.At(d.Min)
		}
		if q.C == parts-1 {
			hi = emit.At(d.Max)
		}
	}
	return g.Minimum(g.Maximum(lo, emit.At(d.Min)), emit.At(d.Max)), g.Maximum(g.Minimum(hi, emit.At(d.Max)), emit.At(d.Min))
}

// emptyParts corrects the start of FMA accumulators: a part without elements does not take part, so it is -0 and not +0.
func (r *reduction) emptyParts(k *kernel, dims []emit.Dim, accs []value.Value) {
	if !r.op.FMA {
		return
	}
	for _, d := range dims {
		if d.Lo.V == nil && d.Hi.V == nil {
			continue
		}
		some := k.Cur.NewICmp(enum.IPredSLT, d.Lo.Value(), d.Hi.Value())
		for i, res := range r.op.Results {
			t := emit.RegType(res.Elem)
			v := k.Cur.NewSelect(some, k.Cur.NewLoad(t, accs[i], lineBytes), k.Calc().Neutral(ir.Sum, res.Elem))
			k.Cur.NewStore(v, accs[i], lineBytes)
		}
	}
}

// combineParts does partial[dst] = partial[x] op partial[y] of result i.
func (r *reduction) combineParts(k *kernel, i int, dst, x, y emit.Bound) {
	e := r.op.Results[i].Elem
	a, b := k.load(e, r.partial(k, i, x)), k.load(e, r.partial(k, i, y))
	k.store(e, k.Calc().Combine(r.op.Comb, e, a, b), r.partial(k, i, dst))
}

// foldParts emits a kernel that folds the partial results of every output element to number 0 and stores that.
func (r *reduction) foldParts(sym string, fold func(k *kernel, i int)) (launch, error) {
	l := launch{sym: sym, lo: 0, hi: 1}
	slots := append([]int(nil), r.parts...)
	for _, res := range r.op.Results {
		slots = append(slots, r.e.vals["%"+res.Name].slot)
	}
	err := r.e.kernel(sym, slots, nil, func(k *kernel) error {
		r.outer(k, &l, len(r.op.Dom), func([]int) {
			for i, res := range r.op.Results {
				fold(k, i)
				k.store(res.Elem, k.load(res.Elem, r.partial(k, i, emit.At(0))), r.result(k, i))
			}
		})
		return nil
	})
	return l, err
}
