package interp

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// stageElems is about how many points of a reduction are evaluated before they are folded.
const stageElems = 1 << 16

// reduce evaluates the body into a stage [group of output points][Over...] and folds each output point's elements in the written
// order. A group is a range of the last output index.
func (b *builder) reduce(op *ir.Op, outs []*buffer) error {
	over, err := boxLen(intervals(op.Over))
	if err != nil {
		return err
	}
	if over == 0 || len(op.Over) == 0 {
		return fmt.Errorf("nothing to reduce over")
	}
	index := append(append([]ir.Range(nil), op.Dom...), op.Over...)
	order, err := newOrder(b.m.p, op)
	if err != nil {
		return err
	}
	group := 1
	var last ir.Interval
	if n := len(op.Dom); n > 0 {
		last = ir.Interval{Lo: op.Dom[n-1].Lo, Hi: op.Dom[n-1].Hi}
		group = max(1, min(last.Hi-last.Lo, stageElems/over))
	}
	stageDom := append([]ir.Range(nil), index...)
	for d := range op.Dom {
		stageDom[d].Hi = stageDom[d].Lo + 1
		if d == len(op.Dom)-1 {
			stageDom[d].Hi = stageDom[d].Lo + group
		}
	}
	terms := 1 // staged values per result: 2 when fma folds the factors
	if op.FMA {
		terms = 2
	}
	var stages []*buffer
	for r, out := range outs {
		if op.FMA && (op.Comb != ir.Sum || !out.elem.IsFloat()) {
			return fmt.Errorf("%%%s: fma folds a floating-point sum of products", op.Results[r].Name)
		}
		for range terms {
			s, err := b.m.newBuffer(out.elem, stageDom, nil)
			if err != nil {
				return err
			}
			stages = append(stages, s)
		}
	}
	var kernels []*kernel
	for i := range op.Pieces {
		p := &op.Pieces[i]
		want, err := reduceWant(op, &p.Body)
		if err != nil {
			return fmt.Errorf("piece %d: %w", i, err)
		}
		k, err := b.kernel(op, p, index, want)
		if err != nil {
			return fmt.Errorf("piece %d: %w", i, err)
		}
		if err := inside(k.box, intervals(index)); err != nil {
			return fmt.Errorf("piece %d: %w", i, err)
		}
		for j, v := range k.codes[0].res {
			if v.elem != stages[j].elem {
				return fmt.Errorf("piece %d yields %s for %%%s, which is %s", i, v.elem, op.Results[j/terms].Name, stages[j].elem)
			}
		}
		k.outs = stages
		kernels = append(kernels, k)
	}
	b.steps = append(b.steps, func() {
		box := intervals(stageDom)
		eachGroup(op.Dom, group, func(at []int, n, out int) {
			for d, x := range at {
				box[d] = ir.Interval{Lo: x, Hi: x + 1}
				if d == len(at)-1 {
					box[d].Hi = x + n
				}
				for _, s := range stages {
					s.lo[d] = x
				}
			}
			for _, k := range kernels {
				k.run(box)
			}
			for r, o := range outs {
				for g := range n {
					if op.FMA {
						order.foldFMA(&o.vec, out+g, &stages[2*r].vec, &stages[2*r+1].vec, g*over)
					} else {
						order.fold(&o.vec, out+g, &stages[r].vec, g*over)
					}
				}
			}
		})
	})
	return nil
}

// reduceWant lists the nodes to stage: the results, or the factors of each result's product.
func reduceWant(op *ir.Op, b *ir.Body) ([]int, error) {
	if len(b.Results) != len(op.Results) {
		return nil, fmt.Errorf("yields %d values for %d results", len(b.Results), len(op.Results))
	}
	if !op.FMA {
		return b.Results, nil
	}
	var want []int
	for _, r := range b.Results {
		if r < 0 || r >= len(b.Nodes) || b.Nodes[r].Op != ir.Mul || len(b.Nodes[r].Args) != 2 {
			return nil, fmt.Errorf("fma needs a product as result")
		}
		want = append(want, b.Nodes[r].Args...)
	}
	return want, nil
}

// eachGroup visits the output domain in row-major order, up to group points of the last index at a time: f(first point, how many, their
// linear index).
func eachGroup(dom []ir.Range, group int, f func(at []int, n, out int)) {
	at := make([]int, len(dom))
	for d, r := range dom {
		if r.Hi <= r.Lo {
			return
		}
		at[d] = r.Lo
	}
	for out := 0; ; {
		n := 1
		last := len(dom) - 1
		if last >= 0 {
			n = min(group, dom[last].Hi-at[last])
		}
		f(at, n, out)
		out += n
		d := last
		for ; d >= 0; d-- {
			if d == last {
				at[d] += n
			} else {
				at[d]++
			}
			if at[d] < dom[d].Hi {
				break
			}
			at[d] = dom[d].Lo
		}
		if d < 0 {
			return
		}
	}
}
