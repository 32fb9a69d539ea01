package lower

import (
	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// Error control (E. Hairer, S. Norsett, G. Wanner, Solving Ordinary Differential Equations I, section II.4). The difference to the
// embedded method, h*sum Err[j]*K[j], is compared for each field with tol times its largest value, both in the maximum norm. With err
// the largest of these ratios a step with err <= 1 is accepted, and the next one is longer by 0.9*err^(-1/p), kept in 0.2 .. 5, with p
// the order of the method. A rejected step leaves all fields as they were. An error that is no number rejects.
const (
	safety   = 0.9
	shortest = 0.2
	longest  = 5
)

// accept replaces the candidate values by those that the step has.
func (f *fnWriter) accept(b *check.Block, eqs []*check.Assign, u []map[*check.Field]string, k []map[*check.Field]string) {
	m, last := b.By, len(b.By.Rows)
	if len(m.Err) > last { // the rate at the new value
		f.at(b, last, u[last], func() {
			k = append(k, map[*check.Field]string{})
			for _, s := range eqs {
				k[last][s.Field] = f.rate(s, last)
			}
		})
	}
	var errs, sizes []string
	for _, s := range eqs {
		errs = append(errs, f.largest(s, "error", func(w *writer) int {
			e := s.Field.Elem
			sum := -1
			for j, c := range m.Err {
				x := w.op(ir.Mul, e, w.constant(e, c), w.value(s, "%"+k[j][s.Field]))
				if sum < 0 {
					sum = x
				} else {
					sum = w.op(ir.Add, e, sum, x)
				}
			}
			return w.op(ir.Mul, e, w.length(b, e), sum)
		}))
		sizes = append(sizes, f.largest(s, "size", func(w *writer) int { return w.value(s, "%"+u[last][s.Field]) }))
	}
	e := f.l.clockElem()
	worst := f.single("err", e, b.At, func(w *writer) int {
		x := -1
		for i, s := range eqs {
			read := func(name string) int {
				return w.cvt(w.add(ir.Node{Op: ir.Read, Elem: s.Field.Elem, Name: "%" + name}), e)
			}
			r := w.op(ir.Div, e, read(errs[i]), w.op(ir.Mul, e, w.node(b.Tol, e), read(sizes[i])))
			none := w.op(ir.Eq, ir.Bool, read(errs[i]), w.constant(e, 0))
			r = w.op(ir.Select, e, none, w.constant(e, 0), r)
			if x < 0 {
				x = r
			} else {
				x = w.op(ir.MaxOp, e, x, r)
			}
		}
		return x
	})
	err := func(w *writer) int { return w.add(ir.Node{Op: ir.Read, Elem: e, Name: "%" + worst}) }
	good := func(w *writer) int { return w.op(ir.Le, ir.Bool, err(w), w.constant(e, 1)) }
	f.setScalar(tag(b, "ok"), b.At, func(w *writer) int { return w.flag(good(w)) })
	f.setScalar(tag(b, "factor"), b.At, func(w *writer) int {
		// between 1e-4 and 1e4 the factor is beyond its bounds at both ends
		x := w.op(ir.MinOp, e, w.op(ir.MaxOp, e, err(w), w.constant(e, 1e-4)), w.constant(e, 1e4))
		p := w.op(ir.Pow, e, x, w.constant(e, -1/float64(m.Order)))
		c := w.op(ir.Mul, e, w.constant(e, safety), p)
		c = w.op(ir.MinOp, e, w.op(ir.MaxOp, e, c, w.constant(e, shortest)), w.constant(e, longest))
		number := w.op(ir.Eq, ir.Bool, err(w), err(w))
		return w.op(ir.Select, e, number, c, w.constant(e, shortest))
	})
	for _, s := range eqs {
		name := u[last][s.Field]
		dom := ranges(s.Index)
		body := f.body(s.Field.Elem, timeNow, func(w *writer) int {
			return w.op(ir.Select, s.Field.Elem, good(w), w.value(s, "%"+name), w.self(s, s.Field.Name))
		})
		u[last][s.Field] = f.emit(s.Field.Name, s.Field.Elem, dom, []ir.Piece{{Box: fullBox(dom), Body: body}}, s.At)
	}
}

// largest reduces the modulus of a value to its maximum over all points of a field.
func (f *fnWriter) largest(s *check.Assign, base string, write func(w *writer) int) string {
	over := ranges(s.Index)
	e := s.Field.Elem
	body := f.body(e, timeNow, func(w *writer) int { return w.op(ir.Abs, e, write(w)) })
	if len(over) == 0 {
		return f.emit(base, e, nil, []ir.Piece{{Box: []ir.Interval{}, Body: body}}, s.At)
	}
	v := f.fresh(base)
	op := ir.Op{Kind: ir.Reduce, Over: over, Comb: ir.Max, Pos: pos(s.At), Results: []ir.Result{{Name: v, Elem: e}},
		Pieces: []ir.Piece{{Box: fullBox(over), Body: body}}}
	op.Order.Kind = ir.Canon
	f.f.Ops = append(f.f.Ops, op)
	return v
}
