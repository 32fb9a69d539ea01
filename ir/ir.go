// Package ir is the index IR: programs over named index spaces.
//
// A [Program] declares axes (index spaces), arrays over axes, host scalars (f64 expressions of the parameters, evaluated when a
// program is loaded) and functions. A [Func] is straight-line SSA over whole tensors with three operations:
//
//	map     result[i..] = body, piecewise over boxes that partition the domain
//	reduce  result[i..] = combine over j.. of body, in a written order
//	extend  the operand inside its own box, body in the ghost boxes around it (shares the operand's storage)
//
// Bodies are scalar expression DAGs; operands are read through affine access functions ([Node.At]), from which later passes
// derive communication. The three operations are the whole set: physics and layers are programs, not operations.
//
// The canonical IR is what the last target-neutral pass leaves; its meaning in bits is what package interp computes.
package ir

import "fmt"

// Elem is the type of one element.
type Elem uint8

// Element types. I64 exists for bit manipulation in f64 polynomials (interpreter and CPU only, like F64).
const (
	NoElem Elem = iota
	Bool
	I32
	I64
	F16
	F32
	F64
)

var elemNames = [...]string{"none", "bool", "i32", "i64", "f16", "f32", "f64"}

func (e Elem) String() string {
	if int(e) < len(elemNames) {
		return elemNames[e]
	}
	return fmt.Sprintf("elem(%d)", e)
}

// IsFloat reports whether e is a floating-point type.
func (e Elem) IsFloat() bool { return e == F16 || e == F32 || e == F64 }

// ParseElem is the inverse of String.
func ParseElem(s string) (Elem, bool) {
	for i, n := range elemNames {
		if i > 0 && n == s {
			return Elem(i), true
		}
	}
	return NoElem, false
}

// Axis is a named index space 0..N-1. Coordinates (used by coord nodes and derivatives before discretisation, and by outputs):
// cell i is at Lo+(i+1/2)*H, node i at Lo+i*H. Where an uneven axis really is, At says.
type Axis struct {
	Name     string
	N        int
	Periodic bool
	Nodes    bool
	Lo, H    float64
	Unit     string
	// At says where an uneven axis is, and is empty for others: entry k is the true coordinate k half steps above Lo, from one end to the
	// other. Outputs and probes go by it; coord nodes and derivatives by the even axis.
	At []float64
	// Of names the cell axis whose faces this axis numbers: face i lies between cells i-1 and i. Nodes is true, H and Lo are those of
	// the cells, N is one more (the same when periodic). It is laid out like that axis; the part at the high end owns the last face.
	Of string
}

// Coord returns the coordinate of index i, which may be fractional or outside the axis.
func (a *Axis) Coord(i float64) float64 {
	if a.Nodes {
		return a.Lo + float64(i*a.H)
	}
	return a.Lo + float64((i+0.5)*a.H)
}

// Array is storage that lives across functions: a field, a coefficient or a counter (no axes).
type Array struct {
	Name  string
	Axes  []string // row-major, last fastest
	Elem  Elem
	Const bool   // written by host functions only: data, loaded once
	Local bool   // scratch of a solver or an integrator: state of the program, but no result
	File  string // ".npy" file whose contents initialise the array, "" if none
	Unit  string
	BC    []Boundary // consumed by the ghosts pass
	Pos   Pos
}

// BCKind says what a boundary condition fixes.
type BCKind uint8

// Boundary kinds: the value on the face (or in the end node), the outward normal derivative, or a combination a*T + b*dn(T) = c
// (Robin), whose body has the results a, b, c.
const (
	Value BCKind = iota
	Gradient
	Mixed
	// Wrap, on a periodic axis, is the factor a value takes when it is read round the end of the axis: -1 makes it anti-periodic. The
	// body is one constant, and High is true.
	Wrap
)

func (k BCKind) String() string { return [...]string{"value", "gradient", "mixed", "wrap"}[k] }

// Boundary is one side's condition on an array. Body has one result (three for Mixed) and may use scalars, coord and index nodes of the array's
// other axes, and reads of rank-0 or lower-rank arrays.
type Boundary struct {
	Axis string
	High bool
	Kind BCKind
	Body Body
	Pos  Pos
}

// Pos is a byte range in the source file; the zero value means unknown.
type Pos struct{ Start, End int }

// Param is a command-line value. Shape parameters are frozen at build; value parameters may be set when a program is loaded.
type Param struct {
	Name  string
	Value float64
	Unit  string
	Shape bool
}

// HostDef is a named f64 scalar computed on the host at load: its body's leaves are const, param and scalar (earlier defs).
type HostDef struct {
	Name string
	Body Body
}

// HostCheck fails the load (or the build, with default parameters) when host scalar Cond is 0.
type HostCheck struct {
	Cond    string // host scalar name
	Code    string // diagnostic code
	Message string // may contain {name} of host scalars, replaced by their values
	Pos     Pos
}

// Program is a whole program of the index IR.
type Program struct {
	Name     string
	Axes     []Axis
	Params   []Param
	Host     []HostDef
	Checks   []HostCheck
	Arrays   []Array
	Funcs    []Func
	Procs    []Proc
	Schedule []Run
	Failures []Failure
	Outputs  []Output
	Probes   []Probe
}

// Run executes Func, a function or a procedure, Count times. Bind overrides host scalars for this run (the clipped last step has its
// own dt). With a Clock, Count is the most there may be.
type Run struct {
	Func  string
	Count string // host scalar, rounded to an integer
	T0    string // host scalar: time before the first step, "" when the loop counts steps only
	DT    string // host scalar: time per step
	Unit  string // of t0 and dt, for display; "" when they have none or the loop counts steps
	Bind  []Bind
	Clock *Clock // the program keeps the time; T0 and DT are "" then
}

// Bind gives host scalar Name the value of host scalar To.
type Bind struct{ Name, To string }

// Output writes arrays during or after the schedule.
type Output struct {
	Arrays  []string
	Steps   string // host scalar: every so many steps, "" if not
	Seconds string // host scalar: every so many units of time, "" if not; neither means at the end
	Formats []Format
	Pos     Pos
}

// Format is a file format: "npy", "npz", "vti", "xdmf", "png", "gif". SliceAxis and SliceAt (a true coordinate) choose the plane of a picture of a 3-D array.
type Format struct {
	Name      string
	SliceAxis string
	SliceAt   float64
}

// Probe samples an array at a point by linear interpolation between points (true coordinates, in axis units).
type Probe struct {
	Name  string
	Array string
	At    []float64 // one per axis of the array
	Steps string    // host scalar: every so many steps
	// Seconds is a host scalar, every so many units of time. With neither it is taken at the outputs and the end.
	Seconds string
	Func    string // device function to run before, which computes Array; "" for none
	Drift   string // host scalar: the run ends when the value moved by more than this part of its first one; "" for no such bound
	Pos     Pos
}

// Func is straight-line SSA over tensors. Arrays are read as of the entry of the function; Sets take effect together at its end,
// and arrays that are not set carry over.
type Func struct {
	Name string
	Host bool // runs once on the host (initial values); may use F64 whatever the target
	Ops  []Op
	Sets []Set
}

// Set assigns SSA value Value (a "%name" or another array "@name") to array Array at the end of the function.
type Set struct {
	Array string
	Value string
	Pos   Pos
}

// OpKind is one of the three operations.
type OpKind uint8

// The operations.
const (
	Map OpKind = iota
	Reduce
	Extend
)

func (k OpKind) String() string { return [...]string{"map", "reduce", "extend"}[k] }

// Op is a tensor operation. All results share the domain Dom; a result read elsewhere is named "%name".
type Op struct {
	Kind    OpKind
	Results []Result
	Dom     []Range // output domain; empty for a rank-0 result
	Over    []Range // reduce: the summed domain
	Comb    Combiner
	FMA     bool   // reduce sum of a product, accumulated by fma(a, b, acc)
	Order   Order  // reduce
	From    string // extend: the operand, "%name" or "@name"
	Pieces  []Piece
	Pos     Pos
}

// Result is an SSA value defined by an operation.
type Result struct {
	Name string // without the %
	Elem Elem
}

// Range is an index Index running over Axis from Lo to Hi-1. Ghost ranges reach below 0 or above the axis.
type Range struct {
	Index, Axis string
	Lo, Hi      int
}

// Interval is [Lo, Hi).
type Interval struct{ Lo, Hi int }

// Piece is a body for one box of the domain (for reduce: Box covers Dom then Over). Body yields one result per Op result.
type Piece struct {
	Box  []Interval
	Body Body
}

// Combiner is what a reduce folds with.
type Combiner uint8

// Combiners. Their identities are 0, 1, -inf and +inf.
const (
	Sum Combiner = iota
	Prod
	Max
	Min
)

func (c Combiner) String() string { return [...]string{"sum", "prod", "max", "min"}[c] }

// OrderKind names the order in which a reduction combines.
type OrderKind uint8

// Reduction orders (DESIGN section 4.3). Seq: ascending, last index fastest. Canon: 16 interleaved lanes per block of 4096 in
// ascending order, lanes and then blocks folded by fixed binary trees. Mesh and Turned: what the mesh lowering does; Pairs: bf16 products, see [Order].
const (
	Seq OrderKind = iota
	Canon
	Mesh
	Turned
	Pairs
)

// Order is a reduction order. Elements are numbered in row-major order of the box Over, the last index fastest. Every sequence starts from
// its first element (with FMA: from fma(a, b, +0)), never from an identity; what has no elements does not take part.
//
//   - Seq: acc = acc op element, ascending.
//   - Canon: blocks of 4096 elements; lane l of a block folds elements l, l+16, .. of it ascending; then lanes fold by halves
//     (l = l op l+8 for l < 8, then +4, +2, +1); then blocks fold pairwise (0 op 1, 2 op 3, .., a last odd one passes through)
//     until one is left.
//   - Mesh: every axis of Chain is cut into blocks as a layout cuts it (Parts parts of the N points of the axis, the first N mod Parts
//     one longer); within a part Seq over the local box; then along the axes of Chain in order the parts combine, into part 0: in one
//     chain, where part P-1 starts and acc(p) = local(p) op acc(p+1), or along a tree, see [Level]. An axis that lies in the memory of a
//     PE can be among them, in parts of one point: its elements combine along a tree.
//   - Turned: ascending and cyclic, from an element that depends on the output point, see [Turn].
//   - Pairs: the sum of f32 products as processors with tiles of bf16 do it. The factors are rounded to bf16; blocks of 32 elements; in a block
//     the products of even and of odd elements are each summed by fma, ascending from +0; the two sums are added, and that to the sum of the
//     blocks before, from +0; missing elements of the last block are products of +0. Subnormal factors and results count as zero.
//
// Equivalently a missing element is the neutral one: -0 for a sum (x + -0 is x, bit for bit), 1, -inf, +inf.
type Order struct {
	Kind  OrderKind
	Chain []ChainAxis // Mesh
	Turn  Turn        // Turned
}

// Affine is one dimension of an access function: floor((Index*Mul + Off)/Div), or the constant Off when Index is "". Mul and Div of 0
// mean 1. Strides other than 1 relate grids of different resolution.
type Affine struct {
	Index    string
	Off      int
	Mul, Div int
}

// Unit reports whether the access is Index+Off or a constant.
func (a Affine) Unit() bool { return a.Mul <= 1 && a.Mul >= 0 && a.Div <= 1 }

// Span returns the least position that is read while the index runs from lo to hi-1, and one more than the greatest. A constant ignores
// the ends.
func (a Affine) Span(lo, hi int) (int, int) {
	if a.Index == "" {
		c := a.Of(0)
		return c, c + 1
	}
	return a.Of(lo), a.Of(hi-1) + 1
}

// Of returns the position read when the index has value i.
func (a Affine) Of(i int) int {
	v := a.Off
	if a.Index != "" {
		v += i * max(1, a.Mul)
	}
	if a.Div > 1 {
		if v < 0 {
			return -((-v + a.Div - 1) / a.Div)
		}
		return v / a.Div
	}
	return v
}

// Body is a scalar expression DAG. Node arguments come before the node.
type Body struct {
	Nodes   []Node
	Results []int
}

// Node is one scalar operation.
type Node struct {
	Op   Code
	Elem Elem
	Args []int
	Imm  float64  // Const of a float type (exactly representable in Elem)
	Int  int64    // Const of Bool, I32, I64
	Name string   // Read: "%value" or "@array"; Scalar: host scalar; Param: parameter; Index, Coord: index; Deriv, Shift: index
	At   []Affine // Read: one per dimension of the operand
	N    int      // Deriv: order of the derivative; Shift: half steps
	Acc  int      // Deriv: order of accuracy (even)
}

// Code is a scalar operation code.
type Code uint8

// Scalar operations. Comparison results are Bool. Coord, Deriv, Pow and the transcendental functions do not occur in canonical
// IR outside host functions: they are discretised, hoisted into data or expanded into polynomials.
const (
	BadCode Code = iota
	Const
	Param_ // host only: a command-line parameter
	Scalar // a host scalar, rounded once to Elem
	Read
	Index // the index value, I32
	Coord // the coordinate of an index
	Deriv // derivative of Args[0] along Name

	Neg
	Abs
	Sqrt
	Floor
	Ceil
	Not

	Add
	Sub
	Mul
	Div
	MinOp // IEEE 754-2019 minimum: NaN if either is NaN, -0 < +0
	MaxOp
	Pow
	FMA // fma(a, b, c), one rounding

	Lt
	Le
	Eq
	Ne
	And // Bool or integer bits
	Or
	Xor
	Shl
	Shr // logical
	Select
	Cvt     // value conversion to Elem: float->int truncates toward zero (saturating, NaN to 0), else rounds to nearest even
	Bitcast // same-width reinterpretation

	Exp
	Log
	Sin
	Cos
	Tanh

	Shift // Args[0] at the point N half steps up along Name: how values at cells and at faces meet. Gone after discretisation
)

var codeNames = map[Code]string{Const: "const", Param_: "param", Scalar: "scalar", Read: "read", Index: "index", Coord: "coord",
	Deriv: "deriv", Neg: "neg", Abs: "abs", Sqrt: "sqrt", Floor: "floor", Ceil: "ceil", Not: "not", Add: "add", Sub: "sub",
	Mul: "mul", Div: "div", MinOp: "min", MaxOp: "max", Pow: "pow", FMA: "fma", Lt: "lt", Le: "le", Eq: "eq", Ne: "ne",
	And: "and", Or: "or", Xor: "xor", Shl: "shl", Shr: "shr", Select: "select", Cvt: "cvt", Bitcast: "bitcast", Exp: "exp",
	Log: "log", Sin: "sin", Cos: "cos", Tanh: "tanh", Shift: "shift"}

func (c Code) String() string {
	if s, ok := codeNames[c]; ok {
		return s
	}
	return fmt.Sprintf("code(%d)", c)
}

// ParseCode is the inverse of String.
func ParseCode(s string) (Code, bool) {
	for c, n := range codeNames {
		if n == s {
			return c, true
		}
	}
	return BadCode, false
}

// Axis returns the axis of that name, or nil.
func (p *Program) Axis(name string) *Axis {
	for i := range p.Axes {
		if p.Axes[i].Name == name {
			return &p.Axes[i]
		}
	}
	return nil
}

// Array returns the array of that name, or nil.
func (p *Program) Array(name string) *Array {
	for i := range p.Arrays {
		if p.Arrays[i].Name == name {
			return &p.Arrays[i]
		}
	}
	return nil
}

// Func returns the function of that name, or nil.
func (p *Program) Func(name string) *Func {
	for i := range p.Funcs {
		if p.Funcs[i].Name == name {
			return &p.Funcs[i]
		}
	}
	return nil
}

// Shape returns the extents of an array.
func (p *Program) Shape(a *Array) []int {
	s := make([]int, len(a.Axes))
	for i, n := range a.Axes {
		s[i] = p.Axis(n).N
	}
	return s
}
