package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// assign emits the assignments that were not computed in place. All take effect together: an array is overwritten after it has been
// copied elsewhere, and a cycle of arrays that exchange their contents goes through scratch.
func (e *pe) assign() {
	type job struct {
		dst, src *store
		from     mesh.Operand
		to       mesh.Operand
		elem     ir.Elem
	}
	var jobs []job
	for _, c := range e.fn.copies {
		a := e.l.p.Array(c.array)
		box := make([]ir.Interval, len(a.Axes))
		for i, n := range e.l.p.Shape(a) {
			box[i] = ir.Interval{Hi: n}
		}
		if !e.holds(c.v) || c.v.st == e.l.arrays[c.array] {
			continue
		}
		for _, s := range e.fn.f.Sets {
			if s.Array == c.array {
				e.pos = s.Pos
			}
		}
		for _, b := range e.block(c.v, box) {
			for d := range b {
				if c.v.dims[d] == mesh.Mem {
					b[d] = box[d]
				}
			}
			dst := e.l.arrays[c.array]
			jobs = append(jobs, job{dst, c.v.st, memory(c.v.st.slice(b)), memory(dst.slice(b)), c.v.elem})
		}
	}
	for len(jobs) > 0 {
		pick := -1
		for i := range jobs {
			free := true
			for j := range jobs {
				free = free && (i == j || jobs[j].src != jobs[i].dst)
			}
			if free {
				pick = i
				break
			}
		}
		if pick < 0 {
			j := &jobs[0]
			n := j.from.Slice.Len()
			t := mesh.Slice{Array: e.tempName(j.src.elem, e.takeTemp(j.src.elem, n))}
			if n > 1 {
				t.Dims = []mesh.Extent{{Len: n, Stride: 1}}
			}
			e.emit(mesh.Op{Code: ir.Read, Elem: j.elem, Dst: memory(t), Src: []mesh.Operand{j.from}})
			j.src, j.from = nil, memory(t)
			continue
		}
		j := jobs[pick]
		e.emit(mesh.Op{Code: ir.Read, Elem: j.elem, Dst: j.to, Src: []mesh.Operand{j.from}})
		jobs = append(jobs[:pick], jobs[pick+1:]...)
	}
}
