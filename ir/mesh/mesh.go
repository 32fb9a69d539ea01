// Package mesh is the mesh IR: for every class of PEs a process of vector operations over local arrays and channels.
//
// A process is straight-line: it computes on slices of local memory, sends slices on channels and receives from them. All counts
// are known, so the program is a Kahn process network with bounded channels; package route assigns colors to the channels and
// package target/wse/codegen turns a process into tasks and DSD operations one for one. Procedures call functions in loops and branches
// that all PEs take alike (control.go).
//
// Nothing here is per PE: classes are products of per-axis sets of positions, arrays have one shape for all classes, channels
// are described once per mesh axis.
package mesh

import (
	"fmt"

	"github.com/wfc-lang/wfc/internal/lattice"
	"github.com/wfc-lang/wfc/ir"
)

// Dim is where an axis of the index IR lives.
type Dim uint8

// Places of an axis: PE memory, the mesh's x (west to east) or its y (north to south).
const (
	Mem Dim = iota
	X
	Y
)

func (d Dim) String() string { return [...]string{"mem", "x", "y"}[d] }

// Layout maps one axis of N points. On the mesh it is cut into Parts blocks, see [ir.Cut]. Part k sits at
// position k, or, when Folded, at 2k for the lower half and 2(Parts-1-k)+1 for the upper half, so that neighbours on a ring are at
// distance 2 or less. A periodic axis that is not folded is Wrapped: one long route joins its ends. An axis that is not periodic may be
// folded for what goes round the parts all the same, as the panels of matrices do.
type Layout struct {
	Axis     string
	Dim      Dim
	N, Parts int
	Periodic bool
	Folded   bool
	// Several axes may lie along one dimension of the mesh, in the same number of parts: those whose blocks lie over each other. With is
	// the axis they follow, "" for that one itself; Unit and Extra are those of the cut, see ir.Cut.
	With        string
	Unit, Extra int
	// Of is the axis of the index IR that this is one placement of, when arrays hold the points of the axis in different places; "" when
	// there is one placement, called like the axis.
	Of string
}

// Origin is the axis of the index IR.
func (l *Layout) Origin() string {
	if l.Of != "" {
		return l.Of
	}
	return l.Axis
}

// Cut is how the layout cuts the axis.
func (l *Layout) Cut() ir.Cut { return ir.Cut{Parts: l.Parts, Unit: l.Unit, Extra: l.Extra} }

// Block returns the half-open range of points that part k owns.
func (l *Layout) Block(k int) (lo, hi int) { return l.Cut().Block(l.N, k) }

// MaxBlock is the size of the largest block.
func (l *Layout) MaxBlock() int { return l.Cut().Most(l.N) }

// MinBlock is the size of the smallest block.
func (l *Layout) MinBlock() int { return l.Cut().Least(l.N) }

// Pos returns the mesh position of part k.
func (l *Layout) Pos(k int) int {
	if !l.Folded {
		return k
	}
	if k < (l.Parts+1)/2 {
		return 2 * k
	}
	return 2*(l.Parts-1-k) + 1
}

// Part is the inverse of Pos.
func (l *Layout) Part(pos int) int {
	if !l.Folded {
		return pos
	}
	if pos%2 == 0 {
		return pos / 2
	}
	return l.Parts - 1 - pos/2
}

// Owner returns the part that owns point i, where ghost points belong to the nearest part.
func (l *Layout) Owner(i int) int { return l.Cut().Owner(l.N, i) }

// Program is a placed-by-axis, not yet routed program for a W x H rectangle of PEs.
type Program struct {
	Name     string
	W, H     int
	Layouts  []Layout // one per axis of the index IR
	Arrays   []Array  // the same in every class
	Scalars  []Scalar // host scalars the device reads, in the order they lie in the array "scalars"
	Channels []Channel
	Classes  []Class
	Funcs    []string  // names of the device functions, in order; Class.Funcs is parallel
	Procs    []ir.Proc // procedures over them, see Launches
	Clocks   []Clock   // of launches that keep their own time
	Looks    []Look    // what the host sees without stopping the program
	Symbols  []Symbol
	Orders   []ReduceOrder
}

// ArrayKind says what a local array is for (reports and the host use it).
type ArrayKind uint8

// Kinds of local arrays.
const (
	State   ArrayKind = iota // fields that carry over; with their ghost margins
	Data                     // constant coefficients loaded by the host
	Halo                     // received from neighbours
	Temp                     // scratch
	Scalars                  // host scalars
	Shadow                   // copy for the host, see Look
)

func (k ArrayKind) String() string {
	return [...]string{"state", "data", "halo", "temp", "scalars", "shadow"}[k]
}

// Array is local storage of Len elements in every PE.
type Array struct {
	Name string
	Kind ArrayKind
	Elem ir.Elem // f16, f32, i32 (Bool is stored as i32 0 or 1)
	Len  int
	Of   string // the array or value of the index IR it serves, for reports
}

// Scalar is one host scalar in device memory.
type Scalar struct {
	Name  string
	Elem  ir.Elem
	Count bool // how often a loop runs: i32, rounded by ir.CountOf
}

// ChanKind is the shape of a channel's streams.
type ChanKind uint8

// Channel kinds. Shift: part k sends to part k+Step (around the ring when the layout is periodic or folded). Flood: part 0 sends to all
// other parts of its row or column by router multicast. Hop: part k sends to part k+Step, both inside the axis, when k modulo Mod is
// in From; one level of a tree, or one arm of a star, is such a channel. Gather: part k, a multiple of Step but not of Mod, sends to the next
// multiple of Mod below it, the leader of its group. The members of a group take turns: the leader receives one message of each, the lowest
// part's first, then the next one of each; a message is what one operation sends. Their streams share one color, whose routers turn from one
// sender to the next.
const (
	Shift ChanKind = iota
	Flood
	Hop
	Gather
)

func (k ChanKind) String() string { return [...]string{"shift", "flood", "hop", "gather"}[k] }

// Channel is a family of parallel streams along one mesh axis, one family member per row or column. A PE has at most one
// outgoing and one incoming stream of a channel; streams are first-in first-out. What comes in by a gather is one stream, made of those of the
// members in turn.
type Channel struct {
	Name   string // e.g. "x+", "x-", "xflood"
	Dim    Dim
	Kind   ChanKind
	Step   int    // Shift: +1 or -1, in parts; Hop: any distance but 0; Gather: between the members of a group
	Layout string // axis name of the layout that positions the parts
	From   Range  // Hop
	Mod    int    // Hop; Gather: parts of a group
}

// Next returns the part that part k of l sends to on a channel that is no flood, if any.
func (c *Channel) Next(l *Layout, k int) (to int, ok bool) {
	to = k + c.Step
	switch {
	case c.Kind == Hop:
		return to, c.Mod > 0 && c.From.Contains(k%c.Mod) && to >= 0 && to < l.Parts
	case c.Kind == Gather:
		return k - k%c.Mod, k >= 0 && k < l.Parts && k%c.Step == 0 && k%c.Mod != 0
	}
	if to < 0 || to >= l.Parts {
		return (to + l.Parts) % l.Parts, l.Periodic || l.Folded
	}
	return to, true
}

// Last says whether part k, a sender of a gather, is the last of its group to have its turn.
func (c *Channel) Last(l *Layout, k int) bool {
	return (k+c.Step)%c.Mod == 0 || k+c.Step >= l.Parts
}

// Senders lists the parts whose streams part k of l receives on a channel that is no flood, in the order of their turns.
func (c *Channel) Senders(l *Layout, k int) []int {
	var out []int
	switch {
	case c.Kind == Gather:
		for s := k + c.Step; k%c.Mod == 0 && s < min(k+c.Mod, l.Parts); s += c.Step {
			out = append(out, s)
		}
	default:
		from := k - c.Step
		if c.Kind == Shift && (l.Periodic || l.Folded) {
			from = (from + l.Parts) % l.Parts
		}
		if to, ok := c.Next(l, from); ok && from >= 0 && from < l.Parts && to == k {
			out = append(out, from)
		}
	}
	return out
}

// Range is {Lo, Lo+Step, ..} below Hi.
type Range = lattice.Range

// Class is a set of PEs, by physical position, that run the same process.
type Class struct {
	Name  string
	X, Y  Range
	Funcs [][]Op // parallel to Program.Funcs
}

// OpKind is what an Op does.
type OpKind uint8

// Operation kinds. Vector: Dst = Code(Src...), elementwise in ascending order. Fold: a scalar (one-element slice) Dst combines
// Dst with the elements of Src in ascending order by Code (add, mul, min, max; fma folds Src[0]*Src[1]). Await: wait until the
// asynchronous sends on Chans have left memory.
const (
	Vector OpKind = iota
	Fold
	Await
)

func (k OpKind) String() string { return [...]string{"vector", "fold", "await"}[k] }

// Op is one operation of a process. A vector Op with Code ir.Read is a move (also to and from channels).
type Op struct {
	Kind  OpKind
	Code  ir.Code
	Elem  ir.Elem // type of the operation: of the operands for comparisons, of the result otherwise
	Dst   Operand
	Src   []Operand
	Async bool     // a send that proceeds while the process goes on: Dst is a channel, Src memory
	Chans []string // Await
	Pos   ir.Pos
}

// OperandKind tells where an operand lives.
type OperandKind uint8

// Operand kinds: a slice of local memory, a stream of a channel, a host scalar, an immediate.
const (
	None OperandKind = iota
	Memory
	Chan
	HostScalar
	Imm
)

// Operand is a source or destination. A memory operand of one element used with longer ones is a scalar (broadcast).
type Operand struct {
	Kind  OperandKind
	Slice Slice
	Name  string // channel or host scalar
	Len   int    // Chan: elements
	Last  bool   // Chan: a message on a gather from the last member of its group, which ends a round
	Imm   float64
	Int   int64
	Elem  ir.Elem // HostScalar, Imm: the type (it differs from the operation's for cvt, bitcast and the condition of select)
}

// Slice addresses Off + sum(i_d*Dims[d].Stride) of a local array, at most four dimensions, last fastest, in elements.
// With a stride of 0 elements repeat along that dimension: of a source they are read again, of a destination written again, so that an
// operation on itself accumulates.
type Slice struct {
	Array string
	Off   int
	Dims  []Extent
}

// Extent is one dimension of a slice.
type Extent struct{ Len, Stride int }

// Len is the number of elements of a slice.
func (s Slice) Len() int {
	n := 1
	for _, d := range s.Dims {
		n *= d.Len
	}
	return n
}

// Symbol says where the elements of an array of the index IR lie, so that the host can load and fetch it. PE (part kx, ky) owns the
// points of its blocks; point (i, j, ..) of the block, counted from the block's low corner, is element Off+i*Strides[0]+.. of Local.
// An array that lacks a mesh axis is held by every part of it (Replicated) or by part 0 only.
//
// A symbol with Index is no array of the program: the host fills it once, like a replicated I32 array over that one axis, with the
// index values 0, 1, .. of the axis.
//
// With Turn, the blocks of dimension Turn-1 are turned, and Minus is the sign of its padding: see [Program.Pieces].
//
// Axes are the layouts that the dimensions go by where they are not called like the axes of the array: see [Layout].Of.
type Symbol struct {
	Array      string
	Index      string // axis name; Array is "" then
	Local      string
	Off        int
	Strides    []int
	Replicated bool
	Turn       int
	Minus      bool
	Axes       []string
}

// Lay finds the layouts of the dimensions of a symbol; axes are those of its array.
func (p *Program) Lay(s *Symbol, axes []string) ([]*Layout, error) {
	if s.Axes != nil {
		axes = s.Axes
	}
	out := make([]*Layout, len(axes))
	for d, name := range axes {
		for i := range p.Layouts {
			if p.Layouts[i].Axis == name {
				out[d] = &p.Layouts[i]
			}
		}
		if out[d] == nil {
			return nil, fmt.Errorf("axis %s of %s has no layout", name, s.Array+s.Index)
		}
	}
	if s.Turn > 0 {
		if s.Turn > len(out) || !p.turns(out[s.Turn-1]) {
			return nil, fmt.Errorf("dimension %d of %s cannot be turned on %d x %d PEs", s.Turn-1, s.Array+s.Index, p.W, p.H)
		}
	}
	return out, nil
}

// ReduceOrder records the order the lowering gave to a reduction, for replay by the interpreter.
type ReduceOrder struct {
	Func, Value string
	Order       ir.Order
}
