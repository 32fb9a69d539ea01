package tomesh

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
	"github.com/wfc-lang/wfc/place"
)

// The values in the middle of an expression lie in scratch vectors as long as the box it is computed over, and a long expression has many
// at a time. Where a PE has no room for that (Options.Scratch), the box is computed chunk by chunk: the scratch is as long as a chunk.
// This takes more operations, which differ by constant steps and so become a loop (target/wse/compact).

// chunks emits a body over a phase of a box, in parts whose scratch vectors together take no more than Options.Scratch bytes as far as
// that can be had.
func (e *pe) chunks(o *op, p *piece, b []ir.Interval, s strides, want []int, dst []*opnd) {
	if d, n := e.chunk(o, p, b, s, want, dst); n > 0 {
		for at := 0; at < b[d].Hi-b[d].Lo; at += n {
			part, to := slices.Clone(b), slices.Clone(dst)
			part[d].Lo += at * s.of(d)
			part[d].Hi = part[d].Lo + min(n, b[d].Hi-b[d].Lo-at)
			for i, t := range dst {
				moved := *t
				if t.scalar.Kind == mesh.None {
					moved.off += at * t.stride[d]
				}
				to[i] = &moved
			}
			e.chunks(o, p, part, s, want, to)
		}
		return
	}
	e.body(o, p, b, s, want, dst)
}

// chunk is the dimension along which a box is cut and how many points each part gets, 0 when it stays whole: its scratch is small enough,
// or a part would write what a later one reads.
func (e *pe) chunk(o *op, p *piece, b []ir.Interval, s strides, want []int, dst []*opnd) (d, n int) {
	if e.l.o.Scratch <= 0 || e.full {
		return 0, 0
	}
	d = slices.IndexFunc(b, func(iv ir.Interval) bool { return iv.Hi-iv.Lo > 1 })
	if d < 0 {
		return 0, 0
	}
	// What it takes and reads is seen by doing it.
	out, marks, temps := e.out, e.copy, e.l.temps
	e.out, e.copy, e.l.temps = nil, nil, map[scratch][]int{}
	e.body(o, p, b, s, want, dst)
	ops, used := e.out, e.l.temps
	e.out, e.copy, e.l.temps = out, marks, temps
	bytes := 0
	for s, lens := range used {
		for _, n := range lens {
			bytes += n * place.Bytes(s.elem)
		}
	}
	if bytes <= e.l.o.Scratch {
		return 0, 0
	}
	full := ^uint64(0)
	for _, t := range dst {
		to := t.operand(b, full)
		for _, op := range ops {
			for _, src := range op.Src {
				if src.Overlaps(to) && !same(src, to) {
					return 0, 0
				}
			}
		}
	}
	long := b[d].Hi - b[d].Lo
	return d, max(1, long*e.l.o.Scratch/bytes)
}
