package interp

import (
	"math"

	"github.com/wfc-lang/wfc/internal/ieee"
	"github.com/wfc-lang/wfc/ir"
)

// selection evaluates a gather or a scatter-add (ir.Selection) at the points that count, which gives the same bits as visiting all.
type selection struct {
	*ir.Selection
	op    *ir.Op
	index []ir.Range // output indices, then reduced ones
	v     int        // dimension of the selected index
	at    *kernel    // into where
	value *kernel    // into the result, or into row
	where *buffer    // values of At over the dimensions it depends on; other dimensions have stride 0
	keyed []bool     // dimensions on which At depends
	out   *buffer
	row   *buffer // scatter: one term over the output indices but v
}

func (b *builder) selection(op *ir.Op, sel *ir.Selection, out *buffer) error {
	s := &selection{Selection: sel, op: op, out: out, index: append(append([]ir.Range(nil), op.Dom...), op.Over...)}
	deps := op.Pieces[0].Body.DependsOn(sel.At)
	key := append([]ir.Range(nil), s.index...)
	rest := append([]ir.Range(nil), s.index...)
	for d, r := range s.index {
		s.keyed = append(s.keyed, deps[r.Index])
		if !deps[r.Index] {
			key[d].Hi = key[d].Lo + 1
		}
		if r.Index == sel.Index {
			s.v = d
		}
		if r.Index == sel.Index || d >= len(op.Dom) {
			rest[d].Hi = rest[d].Lo + 1
		}
	}
	var err error
	if s.where, err = b.m.newBuffer(ir.I32, key, nil); err != nil {
		return err
	}
	if s.at, err = b.kernel(op, &op.Pieces[0], s.index, []int{sel.At}); err != nil {
		return err
	}
	if s.value, err = b.kernel(op, &op.Pieces[0], s.index, []int{sel.Value}); err != nil {
		return err
	}
	s.at.outs = []*buffer{s.where}
	if sel.Scatter {
		if s.row, err = b.m.newBuffer(out.elem, rest, nil); err != nil {
			return err
		}
		for _, d := range append([]int{s.v}, s.over()...) {
			s.row.stride[d] = 0
		}
		s.value.outs = []*buffer{s.row}
		b.steps = append(b.steps, s.scatter)
		return nil
	}
	b.steps = append(b.steps, s.gather)
	return nil
}

func (s *selection) over() (dims []int) {
	for d := len(s.op.Dom); d < len(s.index); d++ {
		dims = append(dims, d)
	}
	return dims
}

// begin clears the result to the neutral value and evaluates At.
func (s *selection) begin() []ir.Interval {
	o := &s.out.vec
	for i := range o.f32 {
		o.f32[i] = float32(math.Copysign(0, -1))
	}
	for i := range o.f64 {
		o.f64[i] = math.Copysign(0, -1)
	}
	clear(o.i32)
	box := intervals(s.index)
	for d := range box {
		if !s.keyed[d] {
			box[d].Hi = box[d].Lo + 1
		}
	}
	s.at.run(box)
	return intervals(s.index)
}

// each visits the points of the given dimensions in row-major order and calls f where At lies in the range of v. box has these
// dimensions and v fixed.
func (s *selection) each(box []ir.Interval, dims []int, f func()) {
	r := s.index[s.v]
	var visit func(i, o int)
	visit = func(i, o int) {
		if i == len(dims) {
			if x := int(s.where.i32[o]); x >= r.Lo && x < r.Hi {
				box[s.v] = ir.Interval{Lo: x, Hi: x + 1}
				f()
			}
			return
		}
		d := dims[i]
		for x := s.index[d].Lo; x < s.index[d].Hi; x++ {
			box[d] = ir.Interval{Lo: x, Hi: x + 1}
			step := 0
			if s.keyed[d] {
				step = (x - s.where.lo[d]) * s.where.stride[d]
			}
			visit(i+1, o+step)
		}
	}
	visit(0, 0)
}

func (s *selection) gather() {
	box := s.begin()
	var dims []int
	for d := range s.op.Dom {
		if s.keyed[d] {
			dims = append(dims, d)
		}
	}
	// The result as the kernel sees it: with a dimension for v, which moves nothing.
	view := &buffer{vec: s.out.vec, lo: append(append([]int(nil), s.out.lo...), 0), stride: append(append([]int(nil), s.out.stride...), 0)}
	s.value.outs = []*buffer{view}
	s.each(box, dims, func() { s.value.run(box) })
}

func (s *selection) scatter() {
	box := s.begin()
	s.each(box, s.over(), func() {
		s.value.run(box)
		s.add(0, (box[s.v].Lo-s.out.lo[s.v])*s.out.stride[s.v], 0)
	})
}

// add adds the row to the result along the output dimensions from d on.
func (s *selection) add(d, out, row int) {
	if d == s.v {
		s.add(d+1, out, row)
		return
	}
	if d == len(s.op.Dom) {
		switch o, r := &s.out.vec, &s.row.vec; {
		case o.f64 != nil:
			o.f64[out] += r.f64[row]
		case o.elem == ir.F16:
			o.f32[out] = ieee.RoundHalf32(o.f32[out] + r.f32[row])
		case o.f32 != nil:
			o.f32[out] += r.f32[row]
		default:
			o.i32[out] += r.i32[row]
		}
		return
	}
	for i := range s.out.n[d] {
		s.add(d+1, out+i*s.out.stride[d], row+i*s.row.stride[d])
	}
}
