package ir

import (
	"fmt"
	"math"
	"strings"
)

// The invariants of the index IR. Every level satisfies 1 to 24 and 27 to 31, canonical IR 25 and 26 as well. The verifier reports the number.
//
// Declarations
//
//  1. Names of axes, parameters, host scalars, arrays and functions are not empty and unique within their kind; procedures count
//     as functions.
//  2. An axis has 1 to 2^31 points and finite Lo and H. Its At is empty or has an increasing finite coordinate for every half step.
//  3. An array's axes exist, its element type is bool, i32, f16, f32 or f64, and it has at most 2^31 elements.
//  4. A host scalar's body has one result and leaves const, param (declared) and scalar (defined earlier).
//  5. A boundary names an axis of its array that is not periodic, each side at most once per array.
//  6. Runs, binds, checks, outputs and probes name functions, host scalars and arrays that exist; an output has arrays; a probe has one
//     coordinate per axis of its array.
//
// Functions
//
//  7. A function assigns each SSA name once.
//  8. The operand of a read, an extend or a set is a declared array or an SSA value defined by an earlier operation.
//  9. The ranges of Dom and Over have distinct, non-empty index names, axes that exist, Lo < Hi, and at most 2^31 points each.
//  10. The pieces of a map partition Dom, those of a reduce Dom x Over, those of an extend Dom without the operand's box: inside,
//     disjoint, complete. There are at most 4096.
//  11. A result's element type is bool, i32, f16, f32 or f64, and there is at least one result.
//  12. An extend has one result, of its operand's element type and axes, and contains its operand's box.
//  13. A reduce has a non-empty Over; its results are of numeric type, or bool for max and min.
//  14. A reduce with FMA is a sum of floating-point results, and every result node is a mul.
//  15. A mesh order's chain names distinct axes of Over and cuts each into 1 to N parts.
//  16. A set names a declared array, each once, and a value that has its element type and fills exactly its box.
//  17. A const array is set by host functions only.
//
// Bodies
//
//  18. Arguments come before their node and are as many as the operation takes; results are nodes.
//  19. A body yields one result per result of its operation, of its element type; a boundary one of its array's element type, a mixed
//     one three.
//  20. Operand and result types fit: arithmetic is of one type, numeric; not, and, or, xor on bool and integers; shifts on integers;
//     div, sqrt, floor, ceil, fma, pow and transcendental functions on floats; comparisons yield bool; a select's condition is bool;
//     bitcast keeps the width (f32 and i32, f64 and i64).
//  21. A constant is representable in its type.
//  22. A read has one access per dimension of its operand, through indices in scope, and its operand's element type. Factors and
//     divisors of an index are positive (0 means 1), a constant has none.
//  23. Index (i32), coord (float) and deriv (float, order at least 1, accuracy even and at least 2) name an index in scope.
//  24. A scalar node names a host scalar and is numeric; param nodes occur in host scalars only.
//
// Canonical IR
//
//  25. Functions that are not host functions have no deriv, coord, pow or transcendental node.
//  26. A read stays inside its operand's box, or its axis is periodic and the box holds all of it.
//
// Staggering and control
//
//  27. An axis of faces names an axis of cells that is not one of faces; it has nodes, its N is one more (the same when periodic), and
//     it has that axis's Lo, H, At and topology.
//  28. A procedure calls functions that do not run on the host, and procedures; it does not call itself, not through others either.
//  29. A loop has a count, which is a host scalar; a while may have one. Conditions and untils are rank-0 arrays of type bool or i32. A
//     statement has no parts of another kind of statement. Statements are nested at most 64 deep.
//  30. The clock of a run names rank-0 float arrays and flags of type bool or i32; the run is of a procedure with an until and has
//     neither t0 nor dt. What outputs and probes want after an interval of time is due there, and only with something due there are a next
//     time and a flag on.
//  31. A failure names a rank-0 array of type bool or i32; its history, if it has one, is a float array of rank 1, its entries a
//     rank-0 array of type i32.

// maxPoints bounds one tensor.
const maxPoints = 1 << 31

const maxPieces = 4096

// Fault is one broken invariant. Op, Piece and Node are -1 where they do not apply.
type Fault struct {
	Rule            int    // number in the list at the head of verify.go
	Where           string // "func step", "array @T", ..
	Op, Piece, Node int
	What            string // the operation or node as text, may be empty
	Msg             string
}

func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.Where)
	if f.Op >= 0 {
		fmt.Fprintf(&b, ", op %d", f.Op)
	}
	if f.Piece >= 0 {
		fmt.Fprintf(&b, ", piece %d", f.Piece)
	}
	if f.Node >= 0 {
		fmt.Fprintf(&b, ", node %d", f.Node)
	}
	if f.What != "" {
		fmt.Fprintf(&b, " (%s)", f.What)
	}
	fmt.Fprintf(&b, ": %s [invariant %d]", f.Msg, f.Rule)
	return b.String()
}

// Faults is the error that Verify returns.
type Faults []Fault

func (f Faults) Error() string {
	s := make([]string, len(f))
	for i := range f {
		s[i] = f[i].String()
	}
	return strings.Join(s, "\n")
}

// maxFaults bounds what one verification reports.
const maxFaults = 20

// Verify checks all invariants but 25 and 26 and returns Faults or nil. It never panics, whatever the program.
func Verify(p *Program) error { return verify(p, false) }

// VerifyCanonical checks all invariants.
func VerifyCanonical(p *Program) error { return verify(p, true) }

func verify(p *Program, canonical bool) error {
	v := &verifier{p: p, canonical: canonical, at: Fault{Op: -1, Piece: -1, Node: -1}}
	v.declarations()
	if len(v.faults) > 0 {
		return v.faults // what follows would stumble over them
	}
	v.faces()
	v.boundaries()
	v.schedule()
	v.procs()
	v.failures()
	for i := range p.Funcs {
		v.function(&p.Funcs[i])
	}
	if len(v.faults) > 0 {
		return v.faults
	}
	return nil
}

type verifier struct {
	p         *Program
	canonical bool
	faults    Faults
	at        Fault // where we are
	node      *Node // the node at v.at.Node, or nil
	scalars   map[string]bool
	params    map[string]bool
	axes      map[string]*Axis
	arrays    map[string]*Array
}

func (v *verifier) fail(rule int, format string, args ...any) {
	if len(v.faults) < maxFaults {
		f := v.at
		f.Rule, f.Msg = rule, fmt.Sprintf(format, args...)
		if v.node != nil {
			f.What = v.node.String()
		}
		v.faults = append(v.faults, f)
	}
}

// in sets the place for the faults that follow.
func (v *verifier) in(format string, args ...any) {
	v.at, v.node = Fault{Where: fmt.Sprintf(format, args...), Op: -1, Piece: -1, Node: -1}, nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// storable says whether tensors may have the element type.
func storable(e Elem) bool { return e == Bool || e == I32 || e.IsFloat() }

func (v *verifier) declarations() {
	p := v.p
	v.axes, v.arrays = map[string]*Axis{}, map[string]*Array{}
	v.scalars, v.params = map[string]bool{}, map[string]bool{}
	seen := map[string]bool{}
	unique := func(kind, name string) {
		v.in("%s %s", kind, name)
		if name == "" {
			v.fail(1, "%s without a name", kind)
		} else if seen[kind+" "+name] {
			v.fail(1, "%s %s is declared twice", kind, name)
		}
		seen[kind+" "+name] = true
	}
	for i := range p.Axes {
		a := &p.Axes[i]
		unique("axis", a.Name)
		if a.N < 1 || a.N > maxPoints || !finite(a.Lo) || !finite(a.H) {
			v.fail(2, "%d points, lo %g, h %g", a.N, a.Lo, a.H)
		}
		if !a.spaced() {
			v.fail(2, "the coordinates of %d points do not increase over %d half steps", a.N, 2*a.Steps())
		}
		v.axes[a.Name] = a
	}
	for _, q := range p.Params {
		unique("param", q.Name)
		v.params[q.Name] = true
	}
	for i := range p.Host {
		d := &p.Host[i]
		unique("scalar", d.Name)
		v.hostBody(&d.Body)
		v.scalars[d.Name] = true
	}
	for i := range p.Arrays {
		a := &p.Arrays[i]
		unique("array", a.Name)
		if !storable(a.Elem) {
			v.fail(3, "element type %s", a.Elem)
		}
		n := 1
		for _, x := range a.Axes {
			ax := v.axes[x]
			if ax == nil {
				v.fail(3, "no axis %q", x)
				continue
			}
			if n *= ax.N; n > maxPoints || n < 1 {
				v.fail(3, "more than 2^31 elements")
				break
			}
		}
		v.arrays[a.Name] = a
	}
	for i := range p.Funcs {
		unique("func", p.Funcs[i].Name)
	}
	for i := range p.Procs {
		unique("func", p.Procs[i].Name)
	}
}

func (v *verifier) hostBody(b *Body) {
	if !v.wellFormed(b) {
		return
	}
	if len(b.Results) != 1 {
		v.fail(4, "%d results", len(b.Results))
	}
	for i := range b.Nodes {
		n := &b.Nodes[i]
		v.at.Node, v.node = i, n
		switch {
		case n.Op == Const || n.Op == Scalar && v.scalars[n.Name] || n.Op == Param_ && v.params[n.Name]:
		case n.Op == Scalar || n.Op == Param_:
			v.fail(4, "%s %q is not defined before its use", n.Op, n.Name)
		case Arity(n.Op) == 0 || n.Op == Deriv || n.Op == Shift:
			v.fail(4, "%s in a host scalar", n.Op)
		}
		v.types(b, n)
	}
	v.at.Node, v.node = -1, nil
}

func (v *verifier) boundaries() {
	for i := range v.p.Arrays {
		a := &v.p.Arrays[i]
		seen := map[string]bool{}
		for k := range a.BC {
			c := &a.BC[k]
			side := c.Axis + word(c.High, " hi", " lo")
			v.in("array @%s, bc %s", a.Name, side)
			ax := v.axes[c.Axis]
			has := false
			var scope []Range
			for _, x := range a.Axes {
				has = has || x == c.Axis
				scope = append(scope, Range{Index: x, Axis: x, Hi: v.axes[x].N})
			}
			if ax == nil || !has {
				v.fail(5, "the array has no axis %q", c.Axis)
				continue
			}
			if ax.Periodic != (c.Kind == Wrap) {
				v.fail(5, "axis %s has no ends if it is periodic, and does not wrap if not", c.Axis)
			}
			if seen[side] {
				v.fail(5, "a second condition")
			}
			seen[side] = true
			elems := []Elem{a.Elem}
			switch {
			case c.Kind > Wrap:
				v.fail(5, "unknown kind of condition")
				continue
			case c.Kind == Mixed:
				elems = []Elem{a.Elem, a.Elem, a.Elem}
			}
			v.body(&c.Body, scope, nil, elems, true)
		}
	}
}

func (v *verifier) schedule() {
	p := v.p
	scalar := func(what, name string, optional bool) {
		if !v.scalars[name] && (name != "" || !optional) {
			v.fail(6, "%s: no host scalar %q", what, name)
		}
	}
	for i, c := range p.Checks {
		v.in("check %d", i)
		scalar("condition", c.Cond, false)
	}
	for i, r := range p.Schedule {
		v.in("run %d", i)
		if r.Clock != nil {
			scalar("end", r.Clock.End, true)
		}
		v.clock(&p.Schedule[i])
		if p.Func(r.Func) == nil && p.Proc(r.Func) == nil {
			v.fail(6, "no function %q", r.Func)
		}
		scalar("count", r.Count, false)
		scalar("t0", r.T0, true)
		scalar("dt", r.DT, true)
		for _, b := range r.Bind {
			scalar("bind", b.Name, false)
			scalar("bind", b.To, false)
		}
	}
	for i, o := range p.Outputs {
		v.in("output %d", i)
		scalar("steps", o.Steps, true)
		scalar("seconds", o.Seconds, true)
		if len(o.Arrays) == 0 {
			v.fail(6, "no arrays")
		}
		for _, a := range o.Arrays {
			if v.arrays[a] == nil {
				v.fail(6, "no array %q", a)
			}
		}
	}
	for _, q := range p.Probes {
		v.in("probe %s", q.Name)
		scalar("steps", q.Steps, true)
		scalar("seconds", q.Seconds, true)
		scalar("drift", q.Drift, true)
		if f := p.Func(q.Func); q.Func != "" && (f == nil || f.Host) {
			v.fail(6, "no device function %q", q.Func)
		}
		a := v.arrays[q.Array]
		switch {
		case a == nil:
			v.fail(6, "no array %q", q.Array)
		case len(a.Axes) != len(q.At):
			v.fail(6, "%d coordinates for %d axes of @%s", len(q.At), len(a.Axes), q.Array)
		}
	}
}
