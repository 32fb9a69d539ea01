package wse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// ClassLayout is the memory of a PE of one class, bytes. From address 0:
// reserved (host interface, system), code, stack, data.
type ClassLayout struct {
	Class                                   string
	Addr                                    []int // of Class.Arrays, in their order
	Reserved, Code, Stack, Data, Pad, Limit int
	DataStart, End                          int // data lies in [DataStart, End)
}

// Used is the number of bytes taken, padding included.
func (l ClassLayout) Used() int { return l.End }

// Free is what remains of the limit; negative when the class does not fit.
func (l ClassLayout) Free() int { return l.Limit - l.End }

// Overflow is the error of a class whose memory does not fit.
type Overflow struct {
	Layout ClassLayout
	Array  string // the largest array
	Bytes  int    // its size
}

func (o *Overflow) Error() string {
	l := o.Layout
	s := fmt.Sprintf("class %s needs %d bytes per PE and %d exist: %d too many (reserved %d, code %d, stack %d, data %d, padding %d)",
		l.Class, l.End, l.Limit, -l.Free(), l.Reserved, l.Code, l.Stack, l.Data, l.Pad)
	if o.Array != "" {
		s += fmt.Sprintf("; the largest array is %s with %d bytes", o.Array, o.Bytes)
	}
	return s
}

// CodeSize estimates the code of a class in bytes from the machine's table. The descriptors that calls give to functions are in memory
// once, whatever the number of calls: their tables refer to them.
func CodeSize(c *Class, m Machine) int {
	n := 0
	for _, f := range c.Maps {
		n += m.CodeBytes["task"] + len(f.Ops)*m.CodeBytes["scalar"]
	}
	given := map[string]bool{}
	add := func(body []Stmt) {
		n += m.CodeBytes["task"] + ListSize(body, m)
		Walk(body, func(s Stmt) {
			if s, ok := s.(*Call); ok {
				for _, a := range s.Args {
					if size := m.DescriptorSize(a); size > 0 && !given[a.text(U32)] {
						given[a.text(U32)] = true
						n += size
					}
				}
			}
		})
	}
	for _, t := range c.Tasks {
		add(t.Body)
	}
	for _, f := range c.Funcs {
		add(f.Body)
	}
	return n
}

// DescriptorSize is what an operand that a call gives takes in memory, beside the reference in the call's table: nothing for an element,
// whose address the reference is, and for a parameter of the caller.
func (m Machine) DescriptorSize(o Operand) int {
	if o.Kind == Formal || o.Kind == Scalar {
		return 0
	}
	return m.CodeBytes["operand"]
}

// ListSize estimates statements in bytes. An operand whose address has an index takes a register instruction more, one that is a
// parameter as much as another: its descriptor is found by a place in the table instead of a fixed one. A call is a jump, for one with
// arguments a register instruction that says where their table lies, the references in the table, and what copies those that are
// parameters of the caller. A call within the caller's table has none of these but two register instructions.
func ListSize(list []Stmt, m Machine) int {
	n := 0
	index := func(o Operand) {
		if o.IndexReg != "" {
			n += m.CodeBytes["scalar"]
		}
	}
	Walk(list, func(s Stmt) {
		switch s := s.(type) {
		case *Op:
			n += m.CodeBytes["op"] + (1+len(s.Src))*m.CodeBytes["operand"]
			if RateClass(s.Code) == "map" {
				n += m.CodeBytes["map"]
			}
			index(s.Dst)
			for _, o := range s.Src {
				index(o)
			}
		case *Call:
			n += m.CodeBytes["branch"]
			if s.Within {
				n += 2 * m.CodeBytes["scalar"]
				return
			}
			n += len(s.Args) * m.CodeBytes["ref"]
			if len(s.Args) > 0 {
				n += m.CodeBytes["scalar"]
			}
			for _, a := range s.Args {
				if a.Kind == Formal {
					n += 2 * m.CodeBytes["scalar"] // load and store
				}
			}
		case *If, *While:
			n += m.CodeBytes["branch"]
		case *TaskCtl, *Exit, *Reroute, *Rebind:
			n += m.CodeBytes["taskctl"]
		default:
			n += m.CodeBytes["scalar"]
		}
	})
	return n
}

// alignment is an array's effective alignment: at least a word, so that a word
// never straddles and 16-bit pairs start together.
func alignment(a *Array) int { return max(4, a.Align) }

// Layout assigns addresses to the arrays of every class: arrays with an address
// keep it, the others take the first gap that satisfies alignment and bank, in
// their order; where the machine has bank conflicts, residues are chosen to avoid
// them as long as the padding fits (see chooseBanks). The error is an *Overflow of the first class that does not fit;
// the layouts are complete all the same, so that a report can show them.
func Layout(p *Program, m Machine) ([]ClassLayout, error) {
	out := make([]ClassLayout, len(p.Classes))
	var first error
	for i, c := range p.Classes {
		if out[i] = layoutClass(c, m, chooseBanks(c, m)); out[i].Free() < 0 {
			out[i] = layoutClass(c, m, nil) // better slow than too large
		}
		if out[i].Free() < 0 && first == nil {
			o := &Overflow{Layout: out[i]}
			for _, a := range c.Arrays {
				if a.Bytes() > o.Bytes {
					o.Array, o.Bytes = a.Name, a.Bytes()
				}
			}
			first = o
		}
	}
	return out, first
}

func layoutClass(c *Class, m Machine, residue []int) ClassLayout {
	l := ClassLayout{Class: c.Name, Addr: make([]int, len(c.Arrays)), Reserved: m.ReservedBytes, Code: (CodeSize(c, m) + 3) &^ 3,
		Stack: m.StackBytes, Limit: m.MemBytes}
	l.DataStart = (l.Reserved + l.Code + l.Stack + 3) &^ 3
	type span struct{ lo, hi int }
	var taken []span // sorted by lo
	put := func(s span) {
		i, _ := slices.BinarySearchFunc(taken, s, func(a, b span) int { return cmp.Compare(a.lo, b.lo) })
		taken = slices.Insert(taken, i, s)
	}
	for i, a := range c.Arrays {
		l.Data += a.Bytes()
		if a.Addr >= 0 {
			l.Addr[i] = a.Addr
			put(span{a.Addr, a.Addr + a.Bytes()})
		}
	}
	for i, a := range c.Arrays {
		if a.Addr >= 0 {
			continue
		}
		r := -1
		if residue != nil {
			r = residue[i]
		}
		at := place(l.DataStart, a, m, r)
		for _, t := range taken {
			if at+a.Bytes() <= t.lo {
				break
			}
			if t.hi > at {
				at = place(t.hi, a, m, r)
			}
		}
		l.Addr[i] = at
		put(span{at, at + a.Bytes()})
	}
	l.End = l.DataStart
	for _, t := range taken {
		l.End = max(l.End, t.hi)
	}
	l.End = (l.End + 3) &^ 3
	l.Pad = l.End - l.DataStart - l.Data
	return l
}

// place is the first address at or after at that suits the array: its alignment,
// its bank, or else a residue modulo 4 words (-1 = any).
func place(at int, a *Array, m Machine, residue int) int {
	al := alignment(a)
	at = (at + al - 1) / al * al
	mod := 4
	if a.Bank >= 0 {
		mod, residue = max(1, m.BankCount), a.Bank
	}
	for k := 0; residue >= 0 && k < 4*mod && at/4%mod != residue; k++ {
		at += al
	}
	return at
}

// String is the memory map as a table.
func (l ClassLayout) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "class %s: %d of %d bytes: reserved %d, code %d, stack %d, data %d, padding %d", l.Class, l.End, l.Limit,
		l.Reserved, l.Code, l.Stack, l.Data, l.Pad)
	return b.String()
}
