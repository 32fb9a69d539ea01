package mesh

import (
	"fmt"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/internal/lattice"
	"github.com/wfc-lang/wfc/ir"
)

// The invariants of the mesh IR. Verify reports the number.
//
//  1. Names of layouts (their axes), arrays, scalars, channels, classes and functions are not empty and unique within their kind.
//  2. W and H are 1 to 2^20. A layout has 1 <= Parts <= N; Parts is 1 in memory, at most W on x and H on y. An axis that lies with another
//     lies like it.
//  3. An array has element type f16, f32 or i32 and a length of 1 to 2^30.
//  4. A channel lies on x or y, along a layout of that dimension; a shift steps by +1 or -1, a hop by anything but 0 from
//     residues of its modulus; a gather has members at multiples of its step in groups of a multiple of that, on a layout that is not folded.
//  5. Classes are not empty, lie in the rectangle, and every PE is in exactly one.
//  6. A class has one process per function.
//  7. A vector operation has a destination in memory or on a channel, as many sources as its code takes (one for read, a move), and a code
//     that canonical IR allows. A fold combines into one element of memory by add, mul, min, max or fma.
//  8. Sources are as long as the destination (the folded vector), or one element.
//  9. A slice has at most four dimensions, all of positive length, and stays inside its array.
//  10. Element types fit: bool lives in i32 arrays; sources have the operation's type but for cvt, bitcast and the condition of a
//     select; comparisons yield i32.
//  11. A channel operand names a channel and has a positive length. Only PEs that have a receiver send: on a shift not the last part in
//     the direction of a layout that is not periodic, on a flood only part 0; only those with a sender receive.
//  12. A source that is a host scalar names one, with its type.
//  13. An asynchronous operation moves memory to a channel. Until an await names that channel it is not sent on again; an await names
//     channels with such a send; none is left at the end of a function. A send on a gather is not asynchronous, and marked where the
//     PEs of the class are the last of their groups.
//  14. A symbol names an array or an index, not both, and a local array that exists; the layouts it lies along exist, one per dimension; one
//      of its dimensions may be turned.
//  15. Statements of a procedure: a call names a function, a loop has a count, a while and an if have a condition, only an if has an else.
//  16. A count is a host scalar that is declared as one, of type i32; a condition is one i32 element that every PE holds.
//  17. A clock is of a procedure with an until, and its flags have places. A look is of a launch, calls functions and procedures, is due when its
//     flag says so, which is one of the launch's clock, and shows arrays that have a shadow of their type, no longer than what is left of the local array.

// Fault is one broken invariant.
type Fault struct {
	Rule  int
	Where string
	Msg   string
}

// Faults is the error that Verify returns.
type Faults []Fault

func (f Fault) String() string {
	return fmt.Sprintf("%s: %s [mesh invariant %d]", f.Where, f.Msg, f.Rule)
}

func (f Faults) Error() string {
	s := make([]string, len(f))
	for i, x := range f {
		s[i] = x.String()
	}
	return strings.Join(s, "\n")
}

// List turns the faults into diagnostics without a place.
func (f Faults) List() diag.List {
	var l diag.List
	for _, x := range f {
		l.Errorf(ir.FaultCode, diag.Span{}, "%s", x)
	}
	return l
}

// maxLen bounds the lengths of arrays and of the dimensions of slices.
const maxLen = 1 << 30

// maxFaults bounds what one verification reports.
const maxFaults = 20

// Verify checks the invariants and returns Faults or nil. It never panics, whatever the program.
func Verify(p *Program) error {
	v := &verifier{p: p, arrays: map[string]*Array{}, scalars: map[string]ir.Elem{}, counts: map[string]ir.Elem{}, channels: map[string]*Channel{}, layouts: map[string]*Layout{}}
	v.declarations()
	if len(v.faults) > 0 {
		return v.faults // what follows would stumble over them
	}
	v.control()
	v.looks()
	v.classes()
	for i := range p.Classes {
		c := &p.Classes[i]
		if len(c.Funcs) != len(p.Funcs) {
			v.fail(6, "class "+c.Name, "%d processes for %d functions", len(c.Funcs), len(p.Funcs))
			continue
		}
		for f, ops := range c.Funcs {
			v.process(c, fmt.Sprintf("class %s, func %s", c.Name, p.Funcs[f]), ops)
		}
	}
	if len(v.faults) > 0 {
		return v.faults
	}
	return nil
}

type verifier struct {
	p        *Program
	faults   Faults
	arrays   map[string]*Array
	scalars  map[string]ir.Elem
	counts   map[string]ir.Elem
	channels map[string]*Channel
	layouts  map[string]*Layout
}

func (v *verifier) fail(rule int, where, format string, args ...any) {
	if len(v.faults) < maxFaults {
		v.faults = append(v.faults, Fault{rule, where, fmt.Sprintf(format, args...)})
	}
}

func (v *verifier) declarations() {
	p := v.p
	seen := map[string]bool{}
	unique := func(kind, name string) string {
		where := kind + " " + name
		if name == "" || seen[where] {
			v.fail(1, where, "no name, or declared twice")
		}
		seen[where] = true
		return where
	}
	if p.W < 1 || p.H < 1 || p.W > 1<<20 || p.H > 1<<20 {
		v.fail(2, "program "+p.Name, "%d x %d PEs", p.W, p.H)
	}
	for i := range p.Layouts {
		l := &p.Layouts[i]
		where := unique("layout", l.Axis)
		limit := 1
		switch l.Dim {
		case X:
			limit = p.W
		case Y:
			limit = p.H
		}
		if l.Dim > Y || l.N < 1 || l.N > maxLen || l.Unit > maxLen || !l.Cut().Valid(l.N) || l.Parts > limit {
			v.fail(2, where, "%d points in %d parts where %d fit, unit %d, extra %d, folded %t", l.N, l.Parts, limit, l.Unit, l.Extra, l.Folded)
		}

		v.layouts[l.Axis] = l
	}
	for i := range p.Layouts {
		l := &p.Layouts[i]
		if o := v.layouts[l.With]; l.With != "" && (o == nil || o.Dim != l.Dim || o.Parts != l.Parts || o.Folded != l.Folded) {
			v.fail(2, "layout "+l.Axis, "does not lie like axis %q", l.With)
		}
	}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		where := unique("array", a.Name)
		if a.Elem != ir.F16 && a.Elem != ir.F32 && a.Elem != ir.I32 || a.Len < 1 || a.Len > maxLen {
			v.fail(3, where, "%d elements of %s", a.Len, a.Elem)
		}
		v.arrays[a.Name] = a
	}
	for _, s := range p.Scalars {
		if s.Count {
			unique("count", s.Name)
			v.counts[s.Name] = s.Elem
			continue
		}
		unique("scalar", s.Name+" "+s.Elem.String())
		v.scalars[s.Name+" "+s.Elem.String()] = s.Elem
	}
	for i := range p.Channels {
		c := &p.Channels[i]
		where := unique("channel", c.Name)
		l := v.layouts[c.Layout]
		if l == nil || l.Dim != c.Dim || c.Dim != X && c.Dim != Y || c.Kind > Gather || c.Kind == Shift && c.Step != 1 && c.Step != -1 ||
			c.Kind == Hop && (c.Step == 0 || c.Step > maxLen || c.Step < -maxLen || c.Mod < 1 || c.From.Lo < 0 || c.From.Hi > c.Mod || c.From.Step < 1 || c.From.Len() == 0) ||
			c.Kind == Gather && (c.Step < 1 || c.Mod > maxLen || c.Mod <= c.Step || c.Mod%c.Step != 0 || l.Folded) {
			v.fail(4, where, "%s by %d on %s along %q", c.Kind, c.Step, c.Dim, c.Layout)
		}
		v.channels[c.Name] = c
	}
	for i := range p.Classes {
		unique("class", p.Classes[i].Name)
	}
	for _, f := range p.Funcs {
		unique("func", f)
	}
	for _, s := range p.Symbols {
		if (s.Array == "") == (s.Index == "") || v.arrays[s.Local] == nil {
			v.fail(14, "symbol "+s.Array+s.Index, "names array %q, index %q, local %q", s.Array, s.Index, s.Local)
		}
		if s.Turn < 0 || s.Turn > len(s.Strides) || s.Minus && s.Turn == 0 || s.Turn > 0 && (p.W < 2 || p.H < 2) {
			v.fail(14, "symbol "+s.Array+s.Index, "turns dimension %d of %d on %d x %d PEs", s.Turn-1, len(s.Strides), p.W, p.H)
		}
		for _, a := range s.Axes {
			if v.layouts[a] == nil || len(s.Axes) != len(s.Strides) {
				v.fail(14, "symbol "+s.Array+s.Index, "lies along %q, which is no layout, or not one per dimension", a)
			}
		}
	}
}

// classes checks invariant 5 on the ranges: their number is bounded, that of the PEs is not.
func (v *verifier) classes() {
	p := v.p
	total := 0
	for i := range p.Classes {
		c := &p.Classes[i]
		where := "class " + c.Name
		ok := true
		for _, d := range []struct {
			r     Range
			limit int
		}{{c.X, p.W}, {c.Y, p.H}} {
			if d.r.Step < 1 || d.r.Lo < 0 || d.r.Hi > d.limit || d.r.Lo >= d.r.Hi {
				v.fail(5, where, "positions %d..%d by %d of %d", d.r.Lo, d.r.Hi, d.r.Step, d.limit)
				ok = false
			}
		}
		if !ok {
			return
		}
		total += c.X.Len() * c.Y.Len()
		for k := range p.Classes[:i] {
			if q := &p.Classes[k]; meets(c, q) {
				v.fail(5, where, "shares PEs with class %s", q.Name)
			}
		}
	}
	if total != p.W*p.H {
		v.fail(5, "program "+p.Name, "the classes hold %d of %d PEs", total, p.W*p.H)
	}
}

// meets says whether two classes share a PE.
func meets(a, b *Class) bool {
	_, _, ok := lattice.Region{X: a.X, Y: a.Y}.Meets(lattice.Region{X: b.X, Y: b.Y})
	return ok
}
