package lower

import (
	"github.com/wfc-lang/wfc/dsl/check"
	"github.com/wfc-lang/wfc/ir"
)

// held wraps what writes a value of a field: inside bodies the field has the value they give it, as of the end of the step, and beside a
// given slope the one it had.
func (f *fnWriter) held(fd *check.Field, at timeOfUse, write func(w *writer) int) func(w *writer) int {
	if len(fd.Holds) == 0 {
		return write
	}
	return func(w *writer) int {
		v := w.cvt(write(w), fd.Elem)
		for i := len(fd.Holds) - 1; i >= 0; i-- {
			h := fd.Holds[i]
			if h.Value == nil && (fd.Local || at == timeStart) {
				continue // it is what it is
			}
			now := w.now
			w.now = at
			f.l.withTime(func() {
				where := w.node(h.Where, ir.Bool)
				x := w.renewed(func() int {
					if h.Value == nil {
						old := ir.Node{Op: ir.Read, Elem: fd.Elem, Name: "@" + fd.Name}
						for k := range fd.Axes {
							old.At = append(old.At, ir.Affine{Index: fd.InitIndex(k).Name})
						}
						return w.add(old)
					}
					return w.cvt(w.node(h.Value, fd.Elem), fd.Elem)
				})
				v = w.op(ir.Select, fd.Elem, where, x, v)
			})
			w.now = now
		}
		return v
	}
}
