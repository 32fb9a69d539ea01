package collective

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// SnakeProgram reduces the vectors of a w x h rectangle along one chain through all parts: row 0 from west to east is the end of it,
// row 1 runs back, and so on; part (0, 0) gets the result. It moves every vector once and costs w*h-1 messages of depth, so it is for
// vectors much longer than the rectangle has parts.
func SnakeProgram(w, h int, elem ir.Elem, code ir.Code, n int) *mesh.Program {
	p := Program("snake", w, h, elem, n, false, Process{
		KeyX: ends(w), KeyY: func(y int) string { return fmt.Sprint(y%2, y == 0, y == h-1) },
		Ops: func(x, y int) []mesh.Op {
			// Towards the root: even rows run west, odd rows east, row ends north.
			first, last, along := 0, w-1, "x-" // where the row leaves to the north, where it is entered from the south
			if y%2 == 1 {
				first, last, along = w-1, 0, "x+"
			}
			chain := func(name string) mesh.Operand { return mesh.Operand{Kind: mesh.Chan, Name: name, Len: n} }
			from, to := chain(along), chain(along)
			receives := true
			if x == last {
				from, receives = chain("y-"), y < h-1
			}
			if x == first {
				to = chain("y-")
			}
			v := slice(0, n)
			switch {
			case x == first && y == 0:
				to = v
			case !receives:
				return []mesh.Op{{Code: ir.Read, Elem: elem, Dst: to, Src: []mesh.Operand{v}, Async: true}}
			}
			if !receives {
				return nil // a rectangle of one part
			}
			return []mesh.Op{{Code: code, Elem: elem, Dst: to, Src: []mesh.Operand{v, from}}}
		}})
	for _, c := range []struct {
		name string
		d    mesh.Dim
		step int
		used bool
	}{{"x+", mesh.X, 1, w > 1 && h > 1}, {"x-", mesh.X, -1, w > 1}, {"y-", mesh.Y, -1, h > 1}} {
		if c.used {
			p.Channels = append(p.Channels, mesh.Channel{Name: c.name, Dim: c.d, Kind: mesh.Shift, Step: c.step, Layout: c.d.String()})
		}
	}
	return p
}

// ends tells the two ends of an axis from what lies between.
func ends(n int) func(int) string {
	return func(k int) string { return fmt.Sprint(k == 0, k == n-1) }
}

// RingProgram is an all-reduce of vectors of parts*chunk elements along a folded ring: in parts-1 steps every part adds what it receives
// to the next chunk, then the finished chunks go round once more. It keeps all links busy, for vectors much longer than the ring; every step waits for its
// own send, and a wait costs the dispatches of tasks, so on the wafer reduce and flood win up to long vectors.
//
// Part k holds element i of the whole vector at (i - k*chunk) mod length: so turned, all parts run the same process. Chunk c is
// combined from part c on around the ring, another order for every chunk; see [RingOrder].
func RingProgram(parts, chunk int, elem ir.Elem, code ir.Code) *mesh.Program {
	p := Program("ring", parts, 1, elem, parts*chunk, true, Process{Ops: func(x, y int) []mesh.Op {
		ch := mesh.Operand{Kind: mesh.Chan, Name: "x+", Len: chunk}
		at := func(slot int) mesh.Operand { return slice((slot%parts+parts)%parts*chunk, chunk) }
		var ops []mesh.Op
		for t := range 2 * (parts - 1) {
			send, recv := at(-t), at(-t-1)
			op := mesh.Op{Code: code, Elem: elem, Dst: recv, Src: []mesh.Operand{recv, ch}}
			if t >= parts-1 {
				op = mesh.Op{Code: ir.Read, Elem: elem, Dst: recv, Src: []mesh.Operand{ch}}
			}
			ops = append(ops, mesh.Op{Code: ir.Read, Elem: elem, Dst: ch, Src: []mesh.Operand{send}, Async: true}, op)
		}
		return ops
	}})
	p.Channels = []mesh.Channel{{Name: "x+", Dim: mesh.X, Kind: mesh.Shift, Step: 1, Layout: "x"}}
	return p
}

// RingOrder lists the parts in the order in which a ring combines chunk c: the first starts, each later one combines local op received.
func RingOrder(parts, c int) []int {
	out := make([]int, parts)
	for i := range out {
		out[i] = (c + i) % parts
	}
	return out
}
