package cpu

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
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
			dims := append([]dim(nil), over...)
			var part func(i int, n bound)
			part = func(i int, n bound) {
				if i == len(op.Order.Chain) {
					r.reset(k, accs)
					r.emptyParts(k, dims, accs)
					failed = firstError(failed, r.fold(k, dims, boxes, active, accs))
					r.finish(k, accs, func(j int) llvm.Value {
						if r.parts == nil {
							return r.result(k, j)
						}
						return r.partial(k, j, n)
					})
					return
				}
				c := op.Order.Chain[i]
				points := p.Axis(c.Axis).N
				k.loop(at(0), at(c.Parts), 1, plainLoop, func(q bound) {
					d := &dims[dimOf[i]]
					whole := over[dimOf[i]]
					d.lo, d.hi = partRange(k.gen, q, points, c.Cut(), whole)
					part(i+1, k.add(k.scale(n, c.Parts), q))
					*d = whole
				})
			}
			part(0, at(0))
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
				k.loop(at(0), at(full), 1, plainLoop, func(g bound) {
					r.combineGroup(k, i, k.scale(g, size*stride), size, stride, inner, l.Star)
				})
				if rest := left % size; rest > 1 {
					r.combineGroup(k, i, at(full*size*stride), rest, stride, inner, l.Star)
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
func (r *reduction) combineGroup(k *kernel, i int, lead bound, members, stride, inner int, star bool) {
	k.loop(at(1), at(members), 1, plainLoop, func(t bound) {
		to, from := lead, k.add(lead, k.scale(t, stride))
		if !star { // from the second highest member down to the lowest
			to = k.add(lead, k.scale(k.add(k.scale(t, -1), at(members-1)), stride))
			from = k.add(to, at(stride))
		}
		k.loop(at(0), at(inner), 1, plainLoop, func(s bound) {
			dst := k.add(to, s)
			r.combineParts(k, i, dst, dst, k.add(from, s))
		})
	})
}

// partRange is the range of part q of n points, within the range of d; what lies outside the axis belongs to its end parts.
func partRange(g *gen, q bound, n int, cut ir.Cut, d dim) (lo, hi bound) {
	parts, unit := cut.Parts, max(1, cut.Unit)
	units := (n - cut.Extra) / unit
	size, longer := units/parts, units%parts
	begin := func(q bound) bound { return g.scale(g.add(g.scale(q, size), g.minimum(q, at(longer))), unit) }
	lo, hi = begin(q), begin(g.add(q, at(1)))
	if q.v != nil {
		lo = bound{v: g.cur.NewSelect(g.cur.NewICmp("eq", q.v, g.i64(0)), g.i64(d.min), lo.value())}
		hi = bound{v: g.cur.NewSelect(g.cur.NewICmp("eq", q.v, g.i64(parts-1)), g.i64(d.max), hi.value())}
	} else {
		if q.c == 0 {
			lo = at(d.min)
		}
		if q.c == parts-1 {
			hi = at(d.max)
		}
	}
	return g.minimum(g.maximum(lo, at(d.min)), at(d.max)), g.maximum(g.minimum(hi, at(d.max)), at(d.min))
}

// emptyParts corrects the start of FMA accumulators: a part without elements does not take part, so it is -0 and not +0.
func (r *reduction) emptyParts(k *kernel, dims []dim, accs []llvm.Value) {
	if !r.op.FMA {
		return
	}
	for _, d := range dims {
		if d.lo.v == nil && d.hi.v == nil {
			continue
		}
		some := k.cur.NewICmp("slt", d.lo.value(), d.hi.value())
		for i, res := range r.op.Results {
			t := regType(res.Elem)
			v := k.cur.NewSelect(some, k.cur.NewLoad(t, accs[i], lineBytes), k.calc().neutral(ir.Sum, res.Elem))
			k.cur.NewStore(v, accs[i], lineBytes)
		}
	}
}

// combineParts does partial[dst] = partial[x] op partial[y] of result i.
func (r *reduction) combineParts(k *kernel, i int, dst, x, y bound) {
	e := r.op.Results[i].Elem
	a, b := k.load(e, r.partial(k, i, x)), k.load(e, r.partial(k, i, y))
	k.store(e, k.calc().combine(r.op.Comb, e, a, b), r.partial(k, i, dst))
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
				k.store(res.Elem, k.load(res.Elem, r.partial(k, i, at(0))), r.result(k, i))
			}
		})
		return nil
	})
	return l, err
}
