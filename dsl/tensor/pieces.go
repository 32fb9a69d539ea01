package tensor

import (
	"sort"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// interval is a stretch of one index.
type interval struct{ lo, hi int }

// maxSplit bounds the pieces of one operation.
const maxSplit = 256

// pieces writes a value over a box. When every read stays inside what it reads there is one piece. Else the box is cut where conditions
// that compare an index with a number change, the conditions are decided in each part, and what remains must stay inside: so
// `where(s > 0, x[s-1,d], 0)` is a definition by cases.
func (e *elab) pieces(v *val, list []*index, names map[*index]string, at diag.Span) []ir.Piece {
	box := map[*index]interval{}
	for _, ix := range list {
		box[ix] = interval{0, ix.dim.n}
	}
	write := func(v *val, box map[*index]interval) ir.Piece {
		w := &writer{names: names, memo: map[*val]int{}}
		r := w.val(v)
		p := ir.Piece{Box: []ir.Interval{}, Body: w.b.Body(r)}
		for _, ix := range list {
			p.Box = append(p.Box, ir.Interval{Lo: box[ix].lo, Hi: box[ix].hi})
		}
		return p
	}
	if e.outside(v, box) == nil {
		return []ir.Piece{write(v, box)}
	}
	cuts := map[*index][]int{}
	breaks(v, cuts, map[*val]bool{})
	parts := []map[*index]interval{{}}
	for _, ix := range list {
		bounds := []int{0, ix.dim.n}
		for _, c := range cuts[ix] {
			if c > 0 && c < ix.dim.n {
				bounds = append(bounds, c)
			}
		}
		sort.Ints(bounds)
		var next []map[*index]interval
		for _, p := range parts {
			for k := 1; k < len(bounds); k++ {
				if bounds[k] == bounds[k-1] {
					continue
				}
				q := map[*index]interval{ix: {bounds[k-1], bounds[k]}}
				for x, iv := range p {
					q[x] = iv
				}
				next = append(next, q)
			}
		}
		if parts = next; len(parts) > maxSplit {
			e.fail("WF0388", at, "conditions on indices cut this into more than %d cases", maxSplit).Suggest("give parts of it names with `let`")
			return nil
		}
	}
	var out []ir.Piece
	for _, part := range parts {
		w := decide(v, part, map[*val]*val{})
		if r := e.outside(w, part); r != nil {
			e.outsideError(r, part, at)
			return nil
		}
		out = append(out, write(w, part))
	}
	return out
}

// outside returns a read that leaves what it reads for some point of the box, or nil.
func (e *elab) outside(v *val, box map[*index]interval) *val {
	seen := map[*val]bool{}
	var walk func(v *val) *val
	walk = func(v *val) *val {
		if seen[v] {
			return nil
		}
		seen[v] = true
		if v.code == ir.Read {
			ext := e.extents(v.ref)
			for i, p := range v.pos {
				lo, hi := p.off, p.off+1
				if p.ix != nil {
					lo, hi = box[p.ix].lo+p.off, box[p.ix].hi+p.off
				}
				if i < len(ext) && (lo < 0 || hi > ext[i]) {
					return v
				}
			}
		}
		for _, a := range v.args {
			if r := walk(a); r != nil {
				return r
			}
		}
		return nil
	}
	return walk(v)
}

// extents are those of what a reference reads.
func (e *elab) extents(ref string) []int {
	if ref[0] == '@' {
		if a := e.p.Array(ref[1:]); a != nil {
			return e.p.Shape(a)
		}
		return nil
	}
	return e.fn.ext[ref[1:]]
}

func (e *elab) outsideError(r *val, box map[*index]interval, at diag.Span) {
	ext := e.extents(r.ref)
	for i, p := range r.pos {
		lo, hi := p.off, p.off
		name := "a constant"
		if p.ix != nil {
			lo, hi = box[p.ix].lo+p.off, box[p.ix].hi-1+p.off
			name = p.ix.name
		}
		if lo >= 0 && hi < ext[i] {
			continue
		}
		span := r.at
		if span.IsZero() {
			span = at
		}
		nth, what := i+1, "positions "+itoa(lo)+" to "+itoa(hi)
		if e.batch != nil && r.pos[0].ix == e.batch {
			nth--
		}
		if lo == hi {
			what = "position " + itoa(lo)
		}
		e.fail("WF0375", span, "this reads %s of place %d, which has %d", what, nth, ext[i]).
			Note("%s runs from %d to %d here", name, lo-p.off, hi-p.off).
			Suggest("guard the read by a condition on the index, as in `where(s > 0, x[s-1,d], 0)`")
		return
	}
}

// compared splits a comparison of one index with a number into index, offset and number.
func compared(v *val) (ix *index, bound float64, flipped, ok bool) {
	switch v.code {
	case ir.Lt, ir.Le, ir.Eq, ir.Ne:
	default:
		return nil, 0, false, false
	}
	a, b := v.args[0], v.args[1]
	if a.code == ir.Cvt {
		a = a.args[0]
	}
	if b.code == ir.Cvt {
		b = b.args[0]
	}
	switch {
	case a.code == ir.Index && b.code == ir.Const:
		return a.ix, b.num - float64(a.off), false, true
	case b.code == ir.Index && a.code == ir.Const:
		return b.ix, a.num - float64(b.off), true, true
	}
	return nil, 0, false, false
}

// breaks collects where comparisons change along each index.
func breaks(v *val, cuts map[*index][]int, seen map[*val]bool) {
	if seen[v] {
		return
	}
	seen[v] = true
	if ix, c, _, ok := compared(v); ok && c > -1e9 && c < 1e9 {
		k := int(c)
		cuts[ix] = append(cuts[ix], k, k+1)
	}
	for _, a := range v.args {
		breaks(a, cuts, seen)
	}
}

// decide carries out comparisons that have one outcome in a box, and what follows from them.
func decide(v *val, box map[*index]interval, memo map[*val]*val) *val {
	if len(v.args) == 0 {
		return v
	}
	if w, ok := memo[v]; ok {
		return w
	}
	w := decideNode(v, box, memo)
	memo[v] = w
	return w
}

func decideNode(v *val, box map[*index]interval, memo map[*val]*val) *val {
	truth := func(b bool) *val {
		if b {
			return typed(ir.Bool, 1)
		}
		return typed(ir.Bool, 0)
	}
	if ix, c, flipped, ok := compared(v); ok {
		lo, hi := float64(box[ix].lo), float64(box[ix].hi-1)
		test := func(i float64) bool {
			a, b := i, c
			if flipped {
				a, b = c, i
			}
			switch v.code {
			case ir.Lt:
				return a < b
			case ir.Le:
				return a <= b
			case ir.Eq:
				return a == b
			}
			return a != b
		}
		inside := c > lo && c < hi && (v.code == ir.Eq || v.code == ir.Ne)
		if test(lo) == test(hi) && !inside {
			return truth(test(lo))
		}
		return v
	}
	args := make([]*val, len(v.args))
	for i, a := range v.args {
		args[i] = decide(a, box, memo)
	}
	known := func(a *val) bool { return a.code == ir.Const && a.elem == ir.Bool }
	switch v.code {
	case ir.Select:
		if known(args[0]) {
			if args[0].num != 0 {
				return args[1]
			}
			return args[2]
		}
	case ir.And, ir.Or:
		for i := range 2 {
			if v.elem == ir.Bool && known(args[i]) {
				if (args[i].num != 0) == (v.code == ir.And) {
					return args[1-i]
				}
				return args[i]
			}
		}
	case ir.Not:
		if v.elem == ir.Bool && known(args[0]) {
			return truth(args[0].num == 0)
		}
	}
	w := node(v.code, v.elem, args...)
	w.at, w.bad, w.cut = v.at, v.bad, v.cut
	return w
}
