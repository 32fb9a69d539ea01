package tomesh

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// pool holds the local arrays that SSA values take turns in.
type pool struct{ bufs []*buffer }

type buffer struct {
	name string
	elem ir.Elem
	len  int
	free int    // first position of the current function at which the buffer is free
	of   string // first value that used it
}

// assign places the columns of a function's local values, in order of definition, each into the free buffer that fits best. A value
// occupies its buffers from its definition to its last reader, both included: a reader may write its result elsewhere only. With own each has
// buffers of its own: then overlay.go lets them take turns, which knows better how long they are needed.
func (p *pool) assign(fn *function, locals []*value, own bool) {
	for _, b := range p.bufs {
		b.free = 0
	}
	for _, v := range locals {
		last := v.first
		for _, g := range fn.order {
			if g.root() == v {
				last = max(last, g.last, g.first)
			}
		}
		for _, c := range v.st.order {
			col := v.st.cols[c]
			var b *buffer
			if !own {
				b = p.pick(v.st.elem, col.len, v.first)
			}
			if b == nil {
				b = &buffer{name: fmt.Sprintf("buf%d", len(p.bufs)), elem: v.st.elem, of: v.name}
				p.bufs = append(p.bufs, b)
			}
			b.len, b.free = max(b.len, col.len), last+1
			col.array = b.name
		}
	}
}

// pick returns the free buffer that wastes least, preferring those that need not grow.
func (p *pool) pick(e ir.Elem, n, at int) *buffer {
	var best *buffer
	cost := func(b *buffer) int {
		if b.len >= n {
			return b.len - n
		}
		return 1<<40 + n - b.len
	}
	for _, b := range p.bufs {
		if b.elem == e && b.free <= at && (best == nil || cost(b) < cost(best)) {
			best = b
		}
	}
	return best
}
