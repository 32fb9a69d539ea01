package collective

import (
	"fmt"

	"github.com/wfc-lang/wfc/internal/lattice"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/ir/mesh"
)

// Names in the programs of this package: every part's vector, and the function.
const (
	Vector   = "v"
	Function = "run"
)

// Process is what the part at (x, y) does; parts with equal keys along an axis do the same.
type Process struct {
	KeyX, KeyY func(k int) string
	Ops        func(x, y int) []mesh.Op
}

// Program builds a whole program of w x h parts that each hold a vector of n elements. Its classes are found from the keys: per
// set of equal columns, the sets of rows that do the same. Waits for asynchronous sends are put at the end of a process and before a
// channel is used again.
func Program(name string, w, h int, elem ir.Elem, n int, periodic bool, p Process) *mesh.Program {
	out := &mesh.Program{Name: name, W: w, H: h, Funcs: []string{Function}, Arrays: []mesh.Array{{Name: Vector, Kind: mesh.State, Elem: elem, Len: n}}}
	fold := func(parts int) bool { return periodic && parts > 2 }
	out.Layouts = append(out.Layouts, mesh.Layout{Axis: "x", Dim: mesh.X, N: w, Parts: w, Periodic: periodic, Folded: fold(w)})
	if h > 1 {
		out.Layouts = append(out.Layouts, mesh.Layout{Axis: "y", Dim: mesh.Y, N: h, Parts: h, Periodic: periodic, Folded: fold(h)})
	}
	xs, ys := alike(w, p.KeyX), alike(h, p.KeyY)
	for i, gx := range xs {
		type rows struct {
			ops []mesh.Op
			at  []int
		}
		var sets []*rows
		byCode := map[string]*rows{}
		for _, gy := range ys {
			ops := waits(p.Ops(gx[0], gy[0]))
			key := fmt.Sprint(ops)
			r := byCode[key]
			if r == nil {
				r = &rows{ops: ops}
				byCode[key] = r
				sets = append(sets, r)
			}
			r.at = append(r.at, gy...)
		}
		for j, r := range sets {
			for a, rx := range lattice.Cover(place(out, "x", gx)) {
				for b, ry := range lattice.Cover(place(out, "y", r.at)) {
					out.Classes = append(out.Classes, mesh.Class{Name: fmt.Sprintf("c%d_%d_%d_%d", i, j, a, b), X: rx, Y: ry, Funcs: [][]mesh.Op{r.ops}})
				}
			}
		}
	}
	return out
}

func place(p *mesh.Program, axis string, parts []int) []int {
	out := append([]int{}, parts...)
	for i := range p.Layouts {
		if l := &p.Layouts[i]; l.Axis == axis {
			for k := range out {
				out[k] = l.Pos(out[k])
			}
		}
	}
	return out
}

// alike groups 0..n-1 by key, in order of their first members. A nil key makes all alike.
func alike(n int, key func(int) string) [][]int {
	var out [][]int
	at := map[string]int{}
	for k := range n {
		s := ""
		if key != nil {
			s = key(k)
		}
		i, ok := at[s]
		if !ok {
			i = len(out)
			at[s] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], k)
	}
	return out
}

// waits inserts the waits for asynchronous sends.
func waits(ops []mesh.Op) []mesh.Op {
	var out []mesh.Op
	var open []string
	for _, o := range ops {
		if o.Dst.Kind == mesh.Chan {
			for i, c := range open {
				if c == o.Dst.Name {
					out = append(out, mesh.Op{Kind: mesh.Await, Chans: []string{c}})
					open = append(open[:i:i], open[i+1:]...)
					break
				}
			}
			if o.Async {
				open = append(open, o.Dst.Name)
			}
		}
		out = append(out, o)
	}
	if len(open) > 0 {
		out = append(out, mesh.Op{Kind: mesh.Await, Chans: open})
	}
	return out
}

// slice is n elements of the vector from off on.
func slice(off, n int) mesh.Operand {
	s := mesh.Slice{Array: Vector, Off: off}
	if n > 1 {
		s.Dims = []mesh.Extent{{Len: n, Stride: 1}}
	}
	return mesh.Operand{Kind: mesh.Memory, Slice: s}
}

func combine(code ir.Code, elem ir.Elem, n int) Combine {
	return Combine{Code: code, Elem: elem, Acc: slice(0, n), Len: n}
}

// ReduceProgram reduces the vectors of a line of parts into part 0's; with all, part 0 then floods the result to the others.
func ReduceProgram(t Tree, elem ir.Elem, code ir.Code, n int, all bool) *mesh.Program {
	t.Axis = "x"
	p := Program("reduce", t.Parts, 1, elem, n, false, Process{
		KeyX: func(k int) string { return RoleOf(t, k).Key() },
		Ops: func(x, _ int) []mesh.Op {
			ops := RoleOf(t, x).Reduce(t, mesh.X, combine(code, elem, n))
			if all {
				ops = append(ops, Flood("x", mesh.X, x, elem, slice(0, n), n)...)
			}
			return ops
		}})
	p.Channels = unique(Channels(t, mesh.X))
	if all {
		p.Channels = append(p.Channels, FloodChannel("x", mesh.X))
	}
	return p
}

// XYProgram reduces the vectors of a rectangle along x in every row and then along y in column 0; with all, the result is flooded
// along row 0 and then along every column.
func XYProgram(tx, ty Tree, elem ir.Elem, code ir.Code, n int, all bool) *mesh.Program {
	tx.Axis, ty.Axis = "x", "y"
	p := Program("reduce2d", tx.Parts, ty.Parts, elem, n, false, Process{
		KeyX: func(k int) string { return RoleOf(tx, k).Key() },
		KeyY: func(k int) string { return RoleOf(ty, k).Key() },
		Ops: func(x, y int) []mesh.Op {
			ops := RoleOf(tx, x).Reduce(tx, mesh.X, combine(code, elem, n))
			if x == 0 {
				ops = append(ops, RoleOf(ty, y).Reduce(ty, mesh.Y, combine(code, elem, n))...)
			}
			if all && y == 0 {
				ops = append(ops, Flood("x", mesh.X, x, elem, slice(0, n), n)...)
			}
			if all {
				ops = append(ops, Flood("y", mesh.Y, y, elem, slice(0, n), n)...)
			}
			return ops
		}})
	p.Channels = unique(append(Channels(tx, mesh.X), Channels(ty, mesh.Y)...))
	if all {
		p.Channels = append(p.Channels, FloodChannel("x", mesh.X), FloodChannel("y", mesh.Y))
	}
	return p
}

func unique(cs []mesh.Channel) []mesh.Channel {
	var out []mesh.Channel
	seen := map[string]bool{}
	for _, c := range cs {
		if !seen[c.Name] {
			seen[c.Name] = true
			out = append(out, c)
		}
	}
	return out
}

// FloodChannel is the multicast along an axis.
func FloodChannel(axis string, d mesh.Dim) mesh.Channel {
	return mesh.Channel{Name: d.String() + "flood", Dim: d, Kind: mesh.Flood, Layout: axis}
}

// Flood is the broadcast of part 0's vector along an axis, as part k does it. Routers multiply the stream: no tree is faster.
func Flood(axis string, d mesh.Dim, k int, elem ir.Elem, v mesh.Operand, n int) []mesh.Op {
	ch := mesh.Operand{Kind: mesh.Chan, Name: FloodChannel(axis, d).Name, Len: n}
	if k == 0 {
		return []mesh.Op{{Code: ir.Read, Elem: elem, Dst: ch, Src: []mesh.Operand{v}, Async: true}}
	}
	return []mesh.Op{{Code: ir.Read, Elem: elem, Dst: v, Src: []mesh.Operand{ch}}}
}
