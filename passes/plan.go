package passes

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/ir"
)

// Plan says where every array and value of the device functions is stored; [Reuse] makes it. It is what makes "every value is new" cheap: state is
// double-buffered only where a function reads old values after writing new ones, and levels of time rotate by exchanging buffers.
//
// Storage is a list of slots, each a box of one element type. When a function starts, array number i of the program is in slot i; the
// slots after the arrays are scratch. When it ends, its copies are made, then the buffers of the slots are permuted, so that array i is
// in slot i again. A back end keeps one buffer pointer per slot.
type Plan struct {
	Slots []Slot
	Funcs []FuncPlan
}

// Slot is storage for the points of Dom, ghosts included, row-major. Scratch memory has one range without an axis.
type Slot struct {
	Name string // the array, or "scratch.0", ..
	Elem ir.Elem
	Dom  []ir.Range
}

// FuncPlan is the storage of one device function.
type FuncPlan struct {
	Func    string
	Values  []Placed // results of all operations, in order
	Scratch [][]int  // slots of what Storage.Scratch asked for, by operation
	Copies  []Copy   // at the end, before Perm
	Perm    []int    // at the end: slot i gets the buffer of slot Perm[i]
}

// Placed is the slot of a value. InPlace names the operand whose storage it takes over point by point, as its last reader, and Shares
// the operand of an extend that it has around it: only the ghosts are written. An extend that does not share copies its operand.
type Placed struct {
	Value   string // "%name"
	Slot    int
	InPlace string
	Shares  string
}

// Copy copies the contents of a slot to one of the same box.
type Copy struct{ From, To int }

// Storage is what a back end asks of a plan beyond the values of the program; the zero value asks nothing. A back end that keeps
// margins around its arrays says so by extends: one that shares its operand's storage makes the slot as large as its own box.
type Storage struct {
	// Scratch lists the memory an operation needs while it runs, apart from its results.
	Scratch func(op *ir.Op) []Need
	// Groups lists what of a function runs interleaved.
	Groups func(fn string) []Group
}

// Group is operations Lo to Hi-1 of a function that run interleaved, a part of each at a time, every point once: what one of them reads stays
// until all are done, but for a result in the place of what its operation alone reads, at the same points. The back end has storage of its own for Local values and for scratch.
type Group struct {
	Lo, Hi int
	Local  map[string]bool // "%name"
}

// Need is N elements of scratch memory.
type Need struct {
	Elem ir.Elem
	N    int
}

// Points is the number of elements of a slot.
func (s *Slot) Points() int {
	n := 1
	for _, r := range s.Dom {
		n *= r.Hi - r.Lo
	}
	return n
}

// Slot returns the slot of "@array" (at the function's start) or "%value".
func (pl *Plan) Slot(fn, value string) (int, bool) {
	if strings.HasPrefix(value, "@") {
		for i := range pl.Slots {
			if pl.Slots[i].Name == value[1:] {
				return i, true
			}
		}
		return 0, false
	}
	for i := range pl.Funcs {
		if pl.Funcs[i].Func == fn {
			for _, v := range pl.Funcs[i].Values {
				if v.Value == value {
					return v.Slot, true
				}
			}
		}
	}
	return 0, false
}

// String prints a plan, one line per slot and value.
func (pl *Plan) String() string {
	var b strings.Builder
	for i, s := range pl.Slots {
		fmt.Fprintf(&b, "slot %d %s %s[", i, s.Name, s.Elem)
		for k, r := range s.Dom {
			if k > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%s %d..%d", r.Axis, r.Lo, r.Hi)
		}
		b.WriteString("]\n")
	}
	for _, f := range pl.Funcs {
		fmt.Fprintf(&b, "func %s\n", f.Func)
		for _, v := range f.Values {
			fmt.Fprintf(&b, "  %s in %d", v.Value, v.Slot)
			if v.InPlace != "" {
				fmt.Fprintf(&b, " in place of %s", v.InPlace)
			}
			if v.Shares != "" {
				fmt.Fprintf(&b, " around %s", v.Shares)
			}
			b.WriteString("\n")
		}
		for k, s := range f.Scratch {
			if len(s) > 0 {
				fmt.Fprintf(&b, "  operation %d uses %v\n", k, s)
			}
		}
		for _, c := range f.Copies {
			fmt.Fprintf(&b, "  copy %d to %d\n", c.From, c.To)
		}
		for i, q := range f.Perm {
			if i != q {
				fmt.Fprintf(&b, "  slot %d gets the buffer of %d\n", i, q)
			}
		}
	}
	return b.String()
}
