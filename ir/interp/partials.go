package interp

import (
	"fmt"
	"sync"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

// Blocks folds n elements of t, beginning with element from, which begins a block, to one partial per block of the canonical order. b, when not nil, are the
// second factors of products that are folded by fma. For a reduction whose elements are shared among machines.
func Blocks(comb ir.Combiner, t, b *ir.Tensor, from, n int) *ir.Tensor {
	out := ir.NewTensor(t.Elem, (n+laneBlock-1)/laneBlock)
	o := &order{comb: comb, kind: ir.Canon}
	dst, src := tensorVec(out), tensorVec(t)
	parallel(out.Dims[0], func(k int) {
		w := *o
		w.len = min(laneBlock, n-k*laneBlock)
		if b == nil {
			w.fold(&dst, k, &src, from+k*laneBlock)
			return
		}
		second := tensorVec(b)
		w.foldFMA(&dst, k, &src, &second, from+k*laneBlock)
	})
	return out
}

// Combine is a op b of two single numbers of a tensor's type.
func Combine(comb ir.Combiner, a, b *ir.Tensor) (*ir.Tensor, error) {
	out := ir.NewTensor(a.Elem)
	switch {
	case a.Elem != b.Elem || a.Len() != 1 || b.Len() != 1:
		return nil, fmt.Errorf("combines %s%v with %s%v", a.Elem, a.Dims, b.Elem, b.Dims)
	case a.F64 != nil:
		out.F64[0] = floatComb[float64](comb)(a.F64[0], b.F64[0])
	case a.F32 != nil:
		out.F32[0] = floatComb[float32](comb)(a.F32[0], b.F32[0])
		if a.Elem == ir.F16 {
			out.F32[0] = ieee.RoundHalf32(out.F32[0])
		}
	default:
		out.I32[0] = intComb(comb)(a.I32[0], b.I32[0])
		if a.Elem == ir.Bool {
			out.I32[0] &= 1
		}
	}
	return out, nil
}

func tensorVec(t *ir.Tensor) vec { return vec{elem: t.Elem, f32: t.F32, f64: t.F64, i32: t.I32} }

// parallel calls f for 0 to n-1 on all processors.
func parallel(n int, f func(k int)) {
	nw := min(workers(), n)
	var wg sync.WaitGroup
	for w := range nw {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := w * n / nw; k < (w+1)*n/nw; k++ {
				f(k)
			}
		}()
	}
	wg.Wait()
}
