package interp

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// vec is a typed slice: f32 for F16 and F32, f64 for F64, i32 for Bool and I32, i64 for I64.
type vec struct {
	elem ir.Elem
	f32  []float32
	f64  []float64
	i32  []int32
	i64  []int64
}

func newVec(e ir.Elem, n int) vec {
	v := vec{elem: e}
	switch e {
	case ir.F16, ir.F32:
		v.f32 = make([]float32, n)
	case ir.F64:
		v.f64 = make([]float64, n)
	case ir.I64:
		v.i64 = make([]int64, n)
	default:
		v.i32 = make([]int32, n)
	}
	return v
}

func (v *vec) len() int { return len(v.f32) + len(v.f64) + len(v.i32) + len(v.i64) }

func (v *vec) get(i int) ir.Val {
	switch {
	case v.f32 != nil:
		return ir.Val{F: float64(v.f32[i])}
	case v.f64 != nil:
		return ir.Val{F: v.f64[i]}
	case v.i64 != nil:
		return ir.Val{I: v.i64[i]}
	}
	return ir.Val{I: int64(v.i32[i])}
}

func (v *vec) set(i int, x ir.Val) {
	switch {
	case v.f32 != nil:
		v.f32[i] = float32(x.F)
	case v.f64 != nil:
		v.f64[i] = x.F
	case v.i64 != nil:
		v.i64[i] = x.I
	default:
		v.i32[i] = int32(x.I)
	}
}

// copyVec copies n elements; both have one element type.
func copyVec(dst *vec, d int, src *vec, s, n int) {
	switch {
	case dst.f32 != nil:
		copy(dst.f32[d:d+n], src.f32[s:s+n])
	case dst.f64 != nil:
		copy(dst.f64[d:d+n], src.f64[s:s+n])
	case dst.i64 != nil:
		copy(dst.i64[d:d+n], src.i64[s:s+n])
	default:
		copy(dst.i32[d:d+n], src.i32[s:s+n])
	}
}

// gatherVec copies n elements of src at stride (0 repeats one element).
func gatherVec(dst *vec, d int, src *vec, s, stride, n int) {
	switch {
	case stride == 1:
		copyVec(dst, d, src, s, n)
	case dst.f32 != nil:
		gather(dst.f32[d:d+n], src.f32, s, stride)
	case dst.f64 != nil:
		gather(dst.f64[d:d+n], src.f64, s, stride)
	case dst.i64 != nil:
		gather(dst.i64[d:d+n], src.i64, s, stride)
	default:
		gather(dst.i32[d:d+n], src.i32, s, stride)
	}
}

func gather[T any](dst, src []T, s, stride int) {
	if stride == 0 {
		x := src[s]
		for i := range dst {
			dst[i] = x
		}
		return
	}
	for i := range dst {
		dst[i] = src[s]
		s += stride
	}
}

// buffer is a tensor over a box of points. The box may reach beyond its axes (ghosts). period is N where the axis is periodic, else 0.
type buffer struct {
	vec
	lo, n, stride, period []int
	axes                  []string
}

// maxElems bounds one tensor, so that a hostile program is refused rather than killed.
const maxElems = 1 << 31

func boxLen(box []ir.Interval) (int, error) {
	n := 1
	for _, b := range box {
		if b.Hi < b.Lo {
			return 0, fmt.Errorf("empty range %d..%d", b.Lo, b.Hi)
		}
		d := b.Hi - b.Lo
		if d > maxElems || n*d > maxElems {
			return 0, fmt.Errorf("a tensor of more than %d elements", maxElems)
		}
		n *= d
	}
	return n, nil
}

// maxBytes bounds the storage of one machine: what is too big for a host is refused, not swapped to death.
const maxBytes = 16 << 30

// account books the storage of a tensor over dom, or refuses it.
func (m *Machine) account(e ir.Elem, dom []ir.Range) error {
	n, err := boxLen(intervals(dom))
	if err != nil {
		return err
	}
	size := 4
	if e == ir.F64 || e == ir.I64 {
		size = 8
	}
	if m.bytes += n * size; m.bytes > maxBytes {
		return fmt.Errorf("the interpreter would need more than %d GiB; make the grid smaller", maxBytes>>30)
	}
	return nil
}

// newBuffer allocates a tensor over dom, or takes its storage from free.
func (m *Machine) newBuffer(e ir.Elem, dom []ir.Range, free map[storage][]vec) (*buffer, error) {
	n, err := boxLen(intervals(dom))
	if err != nil {
		return nil, err
	}
	b := &buffer{}
	at := storage{e, n}
	if f := free[at]; len(f) > 0 {
		b.vec, free[at] = f[len(f)-1], f[:len(f)-1]
	} else {
		if err := m.account(e, dom); err != nil {
			return nil, err
		}
		b.vec = newVec(e, n)
	}
	for _, r := range dom {
		ax := m.p.Axis(r.Axis)
		if ax == nil {
			return nil, fmt.Errorf("no axis %q", r.Axis)
		}
		period := 0
		if ax.Periodic {
			period = ax.N
		}
		b.lo, b.n, b.period, b.axes = append(b.lo, r.Lo), append(b.n, r.Hi-r.Lo), append(b.period, period), append(b.axes, r.Axis)
	}
	b.setStrides()
	return b, nil
}

func (b *buffer) setStrides() {
	b.stride = make([]int, len(b.n))
	s := 1
	for d := len(b.n) - 1; d >= 0; d-- {
		b.stride[d] = s
		s *= b.n[d]
	}
}

// tensor is the buffer of an array as a tensor. They share memory: what is all zero and was never written takes none.
func (b *buffer) tensor() *ir.Tensor {
	return &ir.Tensor{Elem: b.elem, Dims: b.n, F32: b.f32, F64: b.f64, I32: b.i32}
}

func intervals(rs []ir.Range) []ir.Interval {
	box := make([]ir.Interval, len(rs))
	for i, r := range rs {
		box[i] = ir.Interval{Lo: r.Lo, Hi: r.Hi}
	}
	return box
}

// arrayRanges is the box of an array as ranges.
func arrayRanges(p *ir.Program, a *ir.Array) ([]ir.Range, error) {
	var rs []ir.Range
	for _, n := range a.Axes {
		ax := p.Axis(n)
		if ax == nil {
			return nil, fmt.Errorf("no axis %q", n)
		}
		rs = append(rs, ir.Range{Index: n, Axis: n, Hi: ax.N})
	}
	return rs, nil
}
