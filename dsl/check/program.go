package check

import (
	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/ir"
)

// Program is a checked program: every name resolved, every unit known, every rule of the language satisfied. Lower turns it into the
// index IR without further errors of its own.
type Program struct {
	Name    string
	Float   ir.Elem   // element type of fields that do not say one
	Scalars []*Scalar // params, consts and host lets in definition order
	Grids   []*Grid
	Axes    []*Axis // axes of all grids, then dims
	Fields  []*Field
	Blocks  []*Block
	Outputs []*Output
	Probes  []*Probe

	Failures []*Failure
}

// Scalar is a named number known when the program is loaded: a param, const or let, or a value derived by the checker such as a step
// limit (whose Name contains a dot).
type Scalar struct {
	Name  string
	Param bool
	Shape bool    // params only: frozen at build
	Value float64 // with the current parameters, in SI
	Scale float64 // size of the unit bare numbers of this scalar are in
	Unit  Unit
	SI    string // the unit as text
	Def   *Node  // nil for a param
	At    diag.Span

	varies bool // its value uses params
}

// Grid is a grid of one to three axes.
type Grid struct {
	Name string
	Axes []*Axis
	At   diag.Span

	fine, coarse *Grid // of a multigrid hierarchy
}

// Axis is an axis of a grid, or a dim (Grid is nil).
type Axis struct {
	Name     string // as in the source
	IR       string // unique in the program
	Grid     *Grid
	N        int
	Periodic bool
	Nodes    bool
	Coords   bool // has physical bounds; otherwise the coordinate is the index
	Lo, Hi   float64
	H        float64
	Scale    float64
	Unit     Unit
	SI       string
	At       diag.Span
	// Of is the axis of cells whose faces this axis numbers, nil for others. Map, of an axis with uneven spacing, is the coordinate as
	// an expression of the even one.
	Of  *Axis
	Map *Node

	mapVar IndexVar
	faces  *Axis // made when a field lives there
	widths *Node
	guess  bool // its declaration was in error: what follows from its extent and bounds is not reported
}

// Field is state (assigned somewhere) or data.
type Field struct {
	Name    string
	Grid    *Grid   // nil for a field over dims
	Axes    []*Axis // empty for a single value
	Elem    ir.Elem
	Unit    Unit
	SI      string
	Scale   float64
	File    string // initial values from a .npy file
	Init    *Node  // nil when File is set
	Regions []*Region
	Rate    *Node // initial dt(field) of a field of second order in time; nil means zero
	Second  bool  // advanced by dt(dt(field)) = ..
	State   bool  // assigned by some block
	Mask    bool  // 0 or 1, a truth value in expressions
	Cells   bool  // types of cells
	Holds   []*Hold
	Local   bool // carried by a loop or scratch of a solver
	AtEnd   bool // its conditions are those of the end of the step: an unknown of an implicit equation
	BC      []*Condition
	At      diag.Span

	heldInTime bool       // a hold depends on the time
	parts      []part     // conditions of parts of sides, until they are joined
	index      []IndexVar // names of the dims in the declaration; nil on a grid
}

// Cond returns the condition of one side, or nil.
func (f *Field) Cond(a *Axis, high bool) *Condition {
	for _, c := range f.BC {
		if base(c.Axis) == base(a) && c.High == high {
			return c
		}
	}
	return nil
}

// Region overrides the initial value where Where holds.
type Region struct {
	Where *Node
	Value *Node
}

// Condition is a boundary condition of one side.
type Condition struct {
	Axis  *Axis
	High  bool
	Kind  ir.BCKind
	Value *Node
	// A and B of a Mixed condition A*T + B*dn(T) = Value; nil for others.
	A, B *Node
	// Fixed, when not nil, says where on the side an end node holds FixedValue; elsewhere it follows its equation.
	Fixed, FixedValue *Node
	Timed             bool // depends on the time
	At                diag.Span
}

// Block is one evolve, or a run of assignments at top level (Once).
type Block struct {
	Once      bool
	Index     int // which evolve, from 0
	Count     bool
	Var       string
	From      *Node
	To        *Node
	Unit      Unit
	SI        string // Unit as text
	Auto      bool
	Step      *Node // the given step, or the chosen safety times the limit; nil for count form and Once
	Acc       int
	By        *Integrator // how equations dt(T) = .. are advanced; nil for Once
	ByAt      diag.Span   // where it is given, zero for the default
	*Stepping             // nil for Once
	Stmts     []*Assign
	Stops     []*Field // flags that end the run
	Timed     bool     // the variable is read
	// Limit is the largest stable step, nil when none could be derived. Terms names what sets it.
	Limit *Node
	Terms string
	At    diag.Span

	broken bool // it has an error
}

// AssignKind says which law an assignment follows.
type AssignKind uint8

const (
	Plain      AssignKind = iota // next value = Value
	Euler                        // dt(F) = Value
	Second                       // dt(dt(F)) = Value
	LetMap                       // let a[i, j] = Value
	Controlled                   // a loop, or a choice
)

// Assign is one statement of a block. Index names the left side's index variables, one per axis of the field.
type Assign struct {
	Kind  AssignKind
	Field *Field
	Let   *Let
	Index []IndexVar
	Value *Node
	Ctl   *Control // Controlled
	At    diag.Span
}

// IndexVar is an index name over an axis.
type IndexVar struct {
	Name string
	Axis *Axis
}

// Let is a `let a[i] = ..` of a block.
type Let struct {
	Name  string
	Index []IndexVar
	Unit  Unit
	Def   *Assign
	Like  *Field // its boundary conditions hold for the let; nil for none
	At    diag.Span
}

// Output and Probe are as in the IR, with checked schedules.
type Output struct {
	Fields  []*Field
	Steps   *Node
	Seconds *Node
	Formats []ir.Format
	At      diag.Span
}

// Probe samples a field at a point.
type Probe struct {
	Name  string
	Field *Field
	Point []float64
	// Value is a single number to compute from the fields as they are; nil samples Field at Point.
	Value   *Node
	Steps   *Node
	Seconds *Node
	Drift   *Node // tolerated relative change since the first sample; nil for no bound
	At      diag.Span
}
