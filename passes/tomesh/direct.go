package tomesh

import (
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// move is an assignment that copies a value into an array at the end of a function.
type move struct {
	array string
	v     *value
}

// direct decides which assigned values are computed straight into their array: those after whose definition the array's old value is
// not read, when the pieces of the defining operation can be ordered so that no piece overwrites what a later one reads. Within a
// piece the last operation is the only one that writes; body.go looks at its operands.
func (l *lowering) direct(fn *function) map[*value]string {
	into := map[*value]string{}
	for _, s := range fn.f.Sets {
		v, t := fn.vals[s.Value], fn.vals["@"+s.Array]
		if v == t {
			continue
		}
		if v.def != nil && into[v] == "" && l.mayWrite(fn, v, s.Array, t) {
			into[v] = s.Array
			if l.orderPieces(fn, v.def, into) {
				continue
			}
			delete(into, v)
			l.orderPieces(fn, v.def, into)
		}
		fn.copies = append(fn.copies, move{s.Array, v})
	}
	return into
}

func (l *lowering) mayWrite(fn *function, v *value, array string, t *value) bool {
	if v.def.Kind == ir.Extend {
		return false
	}
	a := l.p.Array(array)
	for i, n := range l.p.Shape(a) {
		if v.box[i] != (ir.Interval{Hi: n}) {
			return false
		}
	}
	if t == nil {
		return true
	}
	for _, g := range fn.order {
		if g.root() == t && g.last > v.def.at {
			return false
		}
	}
	if v.def.Kind == ir.Reduce || len(v.def.iter) > maxDims {
		reads := false
		v.def.operands(func(g *value) { reads = reads || g.root() == t })
		return !reads
	}
	return !v.def.phased(t)
}

// phased reports whether a piece of o that reads t elsewhere than where it writes is done in phases: one may write what a later one reads.
func (o *op) phased(t *value) bool {
	for i := range o.pieces {
		if o.pieces[i].steps(len(o.iter)) == nil {
			continue
		}
		for _, a := range o.pieces[i].acc {
			if a.v.root() != t {
				continue
			}
			for e, d := range a.dim {
				if d != e || a.off[e] != 0 || a.mul[e] != 1 || a.div[e] != 1 {
					return true
				}
			}
		}
	}
	return false
}

// orderPieces sorts the pieces of o so that none writes, into the arrays its results go to, what a later one reads. It reports
// whether that is possible.
func (l *lowering) orderPieces(fn *function, o *op, into map[*value]string) bool {
	var targets []*value
	for _, r := range o.res {
		if t := fn.vals["@"+into[r]]; into[r] != "" && t != nil {
			targets = append(targets, t)
		}
	}
	n := len(o.pieces)
	var order []piece
	done := make([]bool, n)
	for len(order) < n {
		picked := -1
		for i := 0; i < n && picked < 0; i++ {
			ok := !done[i]
			for j := 0; ok && j < n; j++ {
				ok = j == i || done[j] || !l.clobbers(&o.pieces[i], &o.pieces[j], targets)
			}
			if ok {
				picked = i
			}
		}
		if picked < 0 {
			return false
		}
		done[picked] = true
		order = append(order, o.pieces[picked])
	}
	o.pieces = order
	return true
}

// clobbers reports whether writing piece w changes what piece r reads of the targets.
func (l *lowering) clobbers(w, r *piece, targets []*value) bool {
	for _, t := range targets {
		columns := l.columns(t.name[1:])
		for n := range r.Body.Nodes {
			a := r.acc[n]
			if a == nil || a.v.root() != t {
				continue
			}
			meet := true
			for e, d := range a.dim {
				iv := ir.Interval{Lo: a.off[e], Hi: a.off[e] + 1}
				if d >= 0 {
					iv = a.span(e, r.Box[d])
				}
				if columns && a.v.dims[e] != mesh.Mem && a.off[e] != 0 { // a neighbour's column is a separate array
					meet = false
				}
				meet = meet && iv.Lo < w.Box[e].Hi && w.Box[e].Lo < iv.Hi // results and target have the same axes
			}
			if meet {
				return true
			}
		}
	}
	return false
}

// columns reports whether an array's halo will be separate columns: blocks of one point and no corner needed by anything that may
// live in the array.
func (l *lowering) columns(array string) bool {
	if !l.single {
		return false
	}
	for _, fn := range l.funcs {
		if t := fn.vals["@"+array]; t != nil && t.need.want[corners] {
			return false
		}
		for _, s := range fn.f.Sets {
			if s.Array == array && fn.vals[s.Value].need.want[corners] {
				return false
			}
		}
	}
	return true
}
