package collective

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// span is a level of the binary tree in which scatter and gather move blocks: part k, a multiple of 2*stride, and part k+stride, which
// stands for all parts up to the next multiple, size of them.
type span struct{ stride, size int }

// spans lists the levels that part k takes part in, from stride 1 up: those in which it stands for itself and others, and, unless it
// is part 0, the one in which another stands for it.
func spans(parts, k int) (lower []span, upper *span) {
	for s := 1; s < parts; s *= 2 {
		if k%(2*s) != 0 {
			return lower, &span{s, min(s, parts-k)}
		}
		if k+s < parts {
			lower = append(lower, span{s, min(s, parts-k-s)})
		}
	}
	return lower, nil
}

func spansKey(parts int) func(k int) string {
	return func(k int) string {
		lower, upper := spans(parts, k)
		if upper == nil {
			return fmt.Sprint(lower)
		}
		return fmt.Sprint(lower, *upper)
	}
}

func spanChannels(parts, sign int) []mesh.Channel {
	var out []mesh.Channel
	for s := 1; s < parts; s *= 2 {
		c := mesh.Channel{Name: spanChannel(s, sign), Dim: mesh.X, Kind: mesh.Hop, Step: sign * s, From: mesh.Range{Lo: 0, Hi: 1, Step: 1}, Mod: 2 * s, Layout: "x"}
		if sign < 0 {
			c.From = mesh.Range{Lo: s, Hi: s + 1, Step: 1}
		}
		out = append(out, c)
	}
	return out
}

func spanChannel(stride, sign int) string { return fmt.Sprintf("x%+d", sign*stride) }

func stream(stride, sign, n int) mesh.Operand {
	return mesh.Operand{Kind: mesh.Chan, Name: spanChannel(stride, sign), Len: n}
}

func move(elem ir.Elem, dst, src mesh.Operand) mesh.Op {
	return mesh.Op{Code: ir.Read, Elem: elem, Dst: dst, Src: []mesh.Operand{src}}
}

// GatherProgram collects blocks of n elements, the first of each part's vector, in part 0, in the order of the parts: along a binary
// tree, in which every part passes on the blocks it stands for. The link into part 0 carries each block once.
func GatherProgram(parts, n int, elem ir.Elem) *mesh.Program {
	p := Program("gather", parts, 1, elem, parts*n, false, Process{KeyX: spansKey(parts), Ops: func(k, _ int) []mesh.Op {
		lower, upper := spans(parts, k)
		var ops []mesh.Op
		own := 1
		for _, s := range lower {
			ops = append(ops, move(elem, slice(s.stride*n, s.size*n), stream(s.stride, -1, s.size*n)))
			own += s.size
		}
		if upper != nil {
			ops = append(ops, move(elem, stream(upper.stride, -1, own*n), slice(0, own*n)))
		}
		return ops
	}})
	p.Channels = spanChannels(parts, -1)
	return p
}

// ScatterProgram is the reverse of a gather: block k of part 0's vector ends up as the first block of part k's.
func ScatterProgram(parts, n int, elem ir.Elem) *mesh.Program {
	p := Program("scatter", parts, 1, elem, parts*n, false, Process{KeyX: spansKey(parts), Ops: func(k, _ int) []mesh.Op {
		lower, upper := spans(parts, k)
		var ops []mesh.Op
		if upper != nil {
			own := upper.size
			ops = append(ops, move(elem, slice(0, own*n), stream(upper.stride, 1, own*n)))
		}
		for i := len(lower) - 1; i >= 0; i-- {
			s := lower[i]
			ops = append(ops, move(elem, stream(s.stride, 1, s.size*n), slice(s.stride*n, s.size*n)))
		}
		return ops
	}})
	p.Channels = spanChannels(parts, 1)
	return p
}

// TransposeProgram exchanges a block of n elements between any two parts, around a folded ring: block j of part k's vector, for part
// k+j modulo parts, becomes block j of that part's. Every part passes on what is not for it, so all run the same process.
func TransposeProgram(parts, n int, elem ir.Elem) *mesh.Program {
	const other = "w"
	blocks := func(array string, first, count int) mesh.Operand {
		o := slice(first*n, count*n)
		o.Slice.Array = array
		return o
	}
	p := Program("transpose", parts, 1, elem, parts*n, true, Process{Ops: func(_, _ int) []mesh.Op {
		var ops []mesh.Op
		from, to := Vector, other
		for t := 1; t < parts; t++ {
			ch := mesh.Operand{Kind: mesh.Chan, Name: "x+", Len: (parts - t) * n}
			send := move(elem, ch, blocks(from, t, parts-t))
			send.Async = true
			ops = append(ops, send, move(elem, blocks(to, t, parts-t), ch))
			from, to = to, from
		}
		for t := 1; t < parts; t += 2 { // these arrived in the other array
			ops = append(ops, move(elem, blocks(Vector, t, 1), blocks(other, t, 1)))
		}
		return ops
	}})
	p.Arrays = append(p.Arrays, mesh.Array{Name: other, Kind: mesh.Temp, Elem: elem, Len: parts * n})
	p.Channels = []mesh.Channel{{Name: "x+", Dim: mesh.X, Kind: mesh.Shift, Step: 1, Layout: "x"}}
	return p
}
