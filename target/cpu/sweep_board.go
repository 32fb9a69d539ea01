package cpu

import (
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/team"
)

// Single numbers that a function computes and its fields are computed with (the coefficients of a Chebyshev iteration) do not keep it from
// being a pass of several steps: one thread computes those of all the steps beforehand and writes them on a board, and the operations of a step
// read that step's.
type board struct {
	names    []string // of values and arrays without axes, in the order of a step's row
	ops      []*ir.Op
	sets     []ir.Set
	slot     int
	launches []launch // of ops
	code     []uintptr
	copies   uintptr // code that copies a number
}

// boardEntry is the room of a number: threads read one while no other is written, so all of a line is not needed.
const boardEntry = 8

// number says whether an operation makes single numbers of single numbers, which the board takes.
func (s *sweep) number(op *ir.Op) bool {
	if op.Kind != ir.Map || len(op.Dom) > 0 {
		return false
	}
	for i := range op.Pieces {
		for _, n := range op.Pieces[i].Body.Nodes {
			if n.Op == ir.Read && len(n.At) > 0 {
				return false
			}
		}
	}
	s.board.ops = append(s.board.ops, op)
	for _, r := range op.Results {
		s.board.add("%" + r.Name)
		s.roots["%"+r.Name] = "%" + r.Name
	}
	return true
}

func (b *board) add(name string) {
	if !slices.Contains(b.names, name) {
		b.names = append(b.names, name)
	}
}

func (b *board) has(name string) bool { return slices.Contains(b.names, name) }

// address is where the number of a step stands.
func (b *board) address(name string, step int) int64 {
	return word(b.slot, (step*len(b.names)+slices.Index(b.names, name))*boardEntry)
}

// settle makes room for the board and says where it is.
func (b *board) settle(layouts *[]*layout) {
	if len(b.names) > 0 {
		b.slot = len(*layouts)
		*layouts = append(*layouts, newLayout(ir.F64, []ir.Interval{{Lo: 0, Hi: mostSteps * len(b.names)}}))
	}
}

// fillBoard are the steps of a batch that fill the board for so many steps and leave the arrays as they are after the last.
func (s *sweep) fillBoard(steps, threads int) (out []team.Step) {
	b := s.board
	// A number is copied as a word: a buffer has room for one.
	type place struct{ slot, offset int }
	entry := func(k int, name string) place {
		return place{b.slot, (k*len(b.names) + slices.Index(b.names, name)) * boardEntry}
	}
	value := func(name string) place {
		v := s.fn.vals[name]
		return place{v.slot, (*s.layout)[v.slot].base * storageBytes(v.elem)}
	}
	move := func(to, from place) {
		out = append(out, team.NewStepOf(b.copies, [][2]int{{to.offset, team.CopyFrom(from.offset)}}, threads, []int{to.slot, from.slot}))
	}
	for k := range steps {
		for _, name := range b.names {
			if name[0] == '@' {
				move(entry(k, name), value(name))
			}
		}
		for i := range b.launches {
			out = append(out, team.NewStep(b.code[i], 0, 1, 1, threads, b.launches[i].args))
			for _, r := range b.ops[i].Results {
				move(entry(k, "%"+r.Name), value("%"+r.Name))
			}
		}
		for _, x := range b.sets {
			move(value("@"+x.Array), entry(k, x.Value))
		}
	}
	return out
}
