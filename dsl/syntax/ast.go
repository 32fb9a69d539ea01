// Package syntax reads and prints the text of .wf programs: tokens, the syntax
// tree with a byte range on every node, and the one canonical format.
//
// The parser accepts a superset of the language and package check rejects what
// has no meaning, because the checker knows names and units and can say why.
// Recovery is at statement boundaries: a broken statement becomes a Bad node
// and reading goes on, so that one run reports every syntax error of a file.
//
// Comments and blank lines live on the statements as Trivia, which makes the
// formatter a pure function of the tree: Print(Parse(s)) is the format of s, and
// a tree made by the Go builder prints the same way.
package syntax

import "github.com/wfc-lang/wfc/internal/diag"

// Node is anything with a byte range. Nodes made by the builder have the zero
// Span.
type Node interface {
	Span() diag.Span
}

// Loc is the byte range of a node; every node embeds it.
type Loc struct{ At diag.Span }

// Span returns the byte range of the node.
func (l Loc) Span() diag.Span { return l.At }

// Stmt is a statement: at top level, or in the body of an evolve.
type Stmt interface {
	Node
	trivia() *Trivia
}

// Expr is an expression.
type Expr interface {
	Node
	expr()
}

// Trivia is what stands around a statement or an entry of a block and has no
// meaning: blank lines and comments. Comments keep their "//".
type Trivia struct {
	Blank bool      // a blank line stands directly before the statement
	Lead  []Comment // comments on lines of their own, before the statement
	Trail string    // comment after the statement, on its last line
}

func (t *Trivia) trivia() *Trivia { return t }

// Comment is one "//" comment, on a line of its own.
type Comment struct {
	Text  string // with its "//", without trailing space
	Blank bool   // a blank line stands before it
}

// File is a whole program.
type File struct {
	Loc
	Stmts []Stmt
	Tail  []Comment // comments after the last statement
}

// Block is a braced list of statements.
type Block struct {
	Loc
	Stmts []Stmt
	Layout
}

// Layout is how a braced list was written; it has no meaning.
type Layout struct {
	Multi bool      // the author broke the line inside the braces
	Tail  []Comment // comments after the last entry
}

// Bad is a statement that could not be read. Names holds what it would have
// declared, so that the checker does not report their uses.
type Bad struct {
	Loc
	Trivia
	Names []*Ident
}

// BindKind says which of param, const and let a Bind is.
type BindKind uint8

const (
	Param BindKind = iota // a command-line value
	Const                 // a fixed value
	Let                   // a name for an expression
)

// String returns the keyword.
func (k BindKind) String() string { return [...]string{"param", "const", "let"}[k] }

// Bind is `param`, `const` or `let`: one or several names with values.
type Bind struct {
	Loc
	Trivia
	Kind  BindKind
	Items []*BindItem
}

// BindItem is `name = value`, `name: unit = value` or `name[x, y] = value`.
type BindItem struct {
	Loc
	Name  *Ident
	Index []*Ident    // index names of `let a[x] = ..`; nil for a plain name
	Ann   *Annotation // nil when absent
	Value Expr
	// Like names the field whose boundary conditions a `let` has, `let r = .. like T homogeneous`; nil when absent.
	Like        *Ident
	Homogeneous bool
}

// Annotation is what follows the colon of a declaration: a type, a unit or
// both, as in `: f64`, `: m/s`, `: f64 m/s`, `: 1`.
type Annotation struct {
	Loc
	Rank *Ident // vector or tensor; nil when absent
	Type *Ident // nil when absent
	Unit *Unit  // nil when absent; `1` has no factors
}

// Grid is `grid NAME [nodes] { x: 0 m .. 1 m in n [nodes] [periodic]; .. }`.
type Grid struct {
	Loc
	Trivia
	Name  *Ident
	Nodes bool // the unknowns are nodes along every axis
	Axes  []*Axis
	Layout
}

// Axis is one axis of a grid. `x: n` has neither Lo nor Hi: indices 0 .. n-1
// with unit spacing and no unit.
type Axis struct {
	Loc
	Trivia
	Name     *Ident
	Lo, Hi   Expr // both nil, or both set
	Count    Expr
	Nodes    bool
	Periodic bool
	Stretch  Expr // after `stretched`: uneven spacing; nil when absent
}

// Dim is `dim i = 64, j = n`: named index spaces.
type Dim struct {
	Loc
	Trivia
	Items []*DimItem
}

// DimItem is one `name = extent`.
type DimItem struct {
	Loc
	Name  *Ident
	Value Expr
}

// IndexDecl is `index s, t in seq` or `index k in box.z`: further index names over a dim, or over an axis of a grid.
type IndexDecl struct {
	Loc
	Trivia
	Names []*Ident
	Space *Ident // the dim or the grid
	Axis  *Ident // of the grid; nil for a dim
}

// Field is `field T on g = .., U on g = ..`, or `mask` or `cells` with the same form.
type Field struct {
	Loc
	Trivia
	Kind  string // "" for a field, else mask or cells
	Items []*FieldItem
}

// FieldItem declares one field: `T: K on g = init { region ..: value }` over a
// grid, or `A[i, j] = init` over dims.
type FieldItem struct {
	Loc
	Name *Ident
	Dims []*Ident    // nil for a field on a grid
	Ann  *Annotation // nil when absent
	On   *Place      // nil for a field over dims
	Part Expr        // after `where`: the region the field lives on; nil when absent
	Init Expr        // nil when absent
	// Regions override Init; later ones win.
	Regions []*Region
	Layout
}

// Place is where a field lives: a grid, or its faces or edges (`box.x`, `box.xy`).
type Place struct {
	Loc
	Grid *Ident
	Part *Ident // nil for the grid's own cells or nodes
}

// Region is `region x in 0.2 .. 0.4, y in .. [where cond]: value`. Ranges are in
// coordinates (in indices for an axis without coordinates).
type Region struct {
	Loc
	Trivia
	Ranges []*Range
	Where  Expr // nil when absent
	Value  Expr
}

// Range is `x in lo .. hi`.
type Range struct {
	Loc
	Axis   *Ident
	Lo, Hi Expr
}

// BC is `bc T { .. }` or `bc (u, v) { .. }`.
type BC struct {
	Loc
	Trivia
	Fields  []*Ident
	Entries []*BCEntry
	Layout
}

// BCEntry is `x.lo, x.hi [where cond]: T = 1, dn(U) = 0`.
type BCEntry struct {
	Loc
	Trivia
	Sides []*Side
	Where Expr // the part of the sides it is for; nil when absent
	Conds []*Cond
}

// Side is `x.lo`, `x` (both sides), `all` or `others`. For the last two Axis
// holds the word and End is nil.
type Side struct {
	Loc
	Axis *Ident
	End  *Ident // nil, lo or hi
}

// Cond is an equation `left = right`, or a named condition (Right is nil).
type Cond struct {
	Loc
	Left, Right Expr
}

// Evolve is `evolve t from a [to b] [until c] step s [by rk4] [order k] { .. }` or
// `evolve n in a .. b { .. }`.
type Evolve struct {
	Loc
	Trivia
	Var   *Ident
	Count bool // `in From .. To`: Var counts steps
	From  Expr
	To    Expr  // nil when only Until ends it
	Until Expr  // a condition that ends the loop early; nil when absent
	Step  *Step // nil when absent
	By    Expr  // the integrator, a Ref or a Call; nil when absent
	Order Expr  // spatial order of accuracy; nil when absent
	Body  *Block
}

// Step is `step EXPR`, `step auto` or `step auto(safety)`.
type Step struct {
	Loc
	Auto   bool
	Safety Expr // argument of auto; nil when absent
	Value  Expr // nil when Auto
}

// Assign is `T' = ..`, `T'[x, y] = ..`, `y[i] = ..`.
type Assign struct {
	Loc
	Trivia
	Target *Ref
	Value  Expr
}

// Equation is `dt(T) = ..`: an equation whose left side is not a plain target.
type Equation struct {
	Loc
	Trivia
	Left, Right Expr
}

// Solve is `solve left = right for p', q' [with mean(p') = 0] [using cg(..)]`.
type Solve struct {
	Loc
	Trivia
	Left, Right Expr
	For         []*Ref
	With        []*Cond
	Using       Expr // a Ref or a Call; nil when absent
}

// Fn is `fn A(p, q) = expr`. A function with a body is a TensorFn.
type Fn struct {
	Loc
	Trivia
	Name   *Ident
	Params []*Ident
	Value  Expr
}

// Output is `output T, U [every ..|at end] [as vti, png(..)]`.
type Output struct {
	Loc
	Trivia
	Fields  []*Ident
	When    *Schedule // nil when absent
	Formats []*OutputFormat
}

// ScheduleKind says how a Schedule counts.
type ScheduleKind uint8

const (
	EveryTime  ScheduleKind = iota // every EXPR (simulated time)
	EverySteps                     // every EXPR steps
	AtEnd                          // at end
)

// Schedule is when an output or a probe is taken.
type Schedule struct {
	Loc
	Kind  ScheduleKind
	Value Expr // nil for AtEnd
}

// OutputFormat is a file format with its arguments: `png(slice z = 0.25 m, map = "gray")`.
type OutputFormat struct {
	Loc
	Name   *Ident
	Slices []*Arg // `slice z = value`: named
	Args   []*Arg
}

// Probe is `probe name = T [at (x = 0.5, y = 0.25 m)] [every 10 steps]`.
type Probe struct {
	Loc
	Trivia
	Name  *Ident
	Value Expr
	Point []*Arg    // named; nil when absent
	When  *Schedule // nil when absent
	// Monitor says that it was written `monitor name = sum(T) [every ..] [drift 1e-6]`.
	Monitor bool
	Drift   Expr // nil when absent
}

// Ident is a name where a name is declared or meant as such; a name inside an
// expression is a Ref.
type Ident struct {
	Loc
	Name string
}

// Number is a literal with an optional unit.
type Number struct {
	Loc
	Text  string // digits as written
	Value float64
	Unit  *Unit // nil when absent
}

// Unit is a product of powers of named units, as in `m^2/s`.
type Unit struct {
	Loc
	Text    string // as written; "1" for dimensionless
	Factors []UnitFactor
}

// UnitFactor is Name^Power; division has negated Power.
type UnitFactor struct {
	Name  string
	Power int
}

// String is a text literal.
type String struct {
	Loc
	Value string
}

// Ref is a use of a name: `T`, `T'`, `T[x+1, y]`, `T'[x]`, `a[s = t, d]`.
type Ref struct {
	Loc
	Name  *Ident
	Part  *Ident // of `g.x` (faces of a grid) and `v.x` (component of a vector); nil otherwise
	Prime bool
	Index []*Arg // nil when there are no brackets; Arg.Name only for `s = t`
}

// Extent is `#k`: the extent of an index or axis.
type Extent struct {
	Loc
	Name *Ident
}

// Op is a unary or binary operator as it is spelled.
type Op string

const (
	OpOr  Op = "or"
	OpAnd Op = "and"
	OpNot Op = "not"
	OpEq  Op = "=="
	OpNe  Op = "!="
	OpLt  Op = "<"
	OpLe  Op = "<="
	OpGt  Op = ">"
	OpGe  Op = ">="
	OpAdd Op = "+"
	OpSub Op = "-"
	OpMul Op = "*"
	OpDiv Op = "/"
	OpPow Op = "^"
)

// Unary is `-x` or `not x`.
type Unary struct {
	Loc
	Op Op
	X  Expr
}

// Binary is `x op y`.
type Binary struct {
	Loc
	Op   Op
	OpAt diag.Span
	X, Y Expr
}

// Paren is `(x)`. It is kept because grouping is what the author meant the
// reader (and the order of evaluation) to see; Unparen looks through it.
type Paren struct {
	Loc
	X Expr
}

// Tuple is `(u, v)`: two or more elements.
type Tuple struct {
	Loc
	Elems []Expr
}

// Call is `f(a, key = b)`.
type Call struct {
	Loc
	Func *Ident
	Args []*Arg
}

// Arg is an argument, positional when Name is nil.
type Arg struct {
	Loc
	Name  *Ident
	Value Expr
}

// Reduce is `sum over y, z [where cond] of body`, whose body is a product, or
// `sum over y (body)`. Op is any name; the checker knows sum, max, min, mean.
type Reduce struct {
	Loc
	Op    *Ident
	Over  []*Ident
	Where Expr // nil when absent
	Body  Expr
	Tight bool   // the body was in parentheses without `of`: binds like a call
	Args  []*Arg // further arguments after the body, as in `layernorm over d (x[s,d], eps = 1e-6)`
}

func (*Number) expr() {}
func (*String) expr() {}
func (*Ref) expr()    {}
func (*Extent) expr() {}
func (*Unary) expr()  {}
func (*Binary) expr() {}
func (*Paren) expr()  {}
func (*Tuple) expr()  {}
func (*Call) expr()   {}
func (*Reduce) expr() {}

// Unparen strips parentheses.
func Unparen(e Expr) Expr {
	for {
		p, ok := e.(*Paren)
		if !ok {
			return e
		}
		e = p.X
	}
}
