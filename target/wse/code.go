package wse

// Stmt is one of *Op, *Set, *Load, *If, *While, *TaskCtl, *Exit.
type Stmt interface{ stmt() }

// Op is a DSD operation over vectors. All vector operands have the same extent.
type Op struct {
	Code  Opcode
	Elem  Elem // type of the sources; see OpInfo for the type of the destination
	Dst   Operand
	Src   []Operand
	Async bool
	Done  Completion // only with Async
	// OnControl is what happens, in place of Done, when a control wavelet reaches an asynchronous receive: that ends it and is consumed.
	OnControl *Completion
	Func      string // OpApply: the mapped function
	UT        int    // microthread; -1 = the id of the fabric queue
	Line      string // source line, for messages
}

// Completion is what the end of an asynchronous operation does.
type Completion struct {
	Kind CompletionKind
	Task string
}

// CompletionKind of an asynchronous operation.
type CompletionKind uint8

// Completions.
const (
	DoneNothing CompletionKind = iota
	DoneActivate
	DoneUnblock
)

// OperandKind discriminates Operand.
type OperandKind uint8

// Operand kinds.
const (
	Mem    OperandKind = iota // vector in memory (a DSD)
	Fabric                    // vector from an input or to an output queue
	Scalar                    // one memory element, broadcast as a source
	Imm                       // constant bits, broadcast
	Reg                       // a register's 32 bits, broadcast
	Queued                    // elements popped from or pushed to a FIFO in memory
	Formal                    // a parameter of the function: Param
)

// Operand of a DSD operation.
type Operand struct {
	Kind OperandKind

	Array string // Mem, Scalar, Queued
	// Offset in elements of the first element; IndexReg, when not empty, adds
	// IndexScale times that register or param (CSL: @increment_dsd_offset).
	Offset     int
	IndexReg   string
	IndexScale int
	Dims       []Dim // Mem: 1 to 4, outermost first; the last varies fastest

	Queue   string // Fabric
	Extent  int    // Fabric, Queued: elements
	Control bool   // Fabric destination: send control wavelets
	Advance bool   // Fabric destination: end with a control wavelet that advances the switches on the way
	// AdvanceOwn: Fabric destination, the switch of this PE's own router advances when the last wavelet has passed it (CSL: .advance_switch).
	AdvanceOwn bool

	Bits uint32 // Imm: f16 and u16 in the low half
	Reg  string // Reg: register or param name

	Param string // Formal: its name; in what a call runs, the parameter that the operand stands for
}

// Dim is one dimension of a memory DSD, in elements.
type Dim struct{ Len, Stride int }

// Count is the number of elements of a vector operand, 1 for broadcast kinds.
func (o Operand) Count() int {
	switch o.Kind {
	case Mem:
		n := 1
		for _, d := range o.Dims {
			n *= d.Len
		}
		return n
	case Fabric, Queued:
		return o.Extent
	}
	return 1
}

// IsVector reports whether the operand is a DSD (memory vector, fabric or FIFO).
func (o Operand) IsVector() bool { return o.Kind == Mem || o.Kind == Fabric || o.Kind == Queued }

// Vec is a contiguous memory vector A[off : off+n].
func Vec(array string, off, n int) Operand {
	return Operand{Kind: Mem, Array: array, Offset: off, Dims: []Dim{{n, 1}}}
}

// Strided is a one-dimensional memory vector with a stride in elements.
func Strided(array string, off, n, stride int) Operand {
	return Operand{Kind: Mem, Array: array, Offset: off, Dims: []Dim{{n, stride}}}
}

// Box is a memory vector of up to four dimensions, outermost first.
func Box(array string, off int, dims ...Dim) Operand {
	return Operand{Kind: Mem, Array: array, Offset: off, Dims: dims}
}

// At is one memory element.
func At(array string, off int) Operand { return Operand{Kind: Scalar, Array: array, Offset: off} }

// Fab is n elements received from or sent to a queue of the class.
func Fab(queue string, n int) Operand { return Operand{Kind: Fabric, Queue: queue, Extent: n} }

// ImmBits is a constant given by its bits.
func ImmBits(b uint32) Operand { return Operand{Kind: Imm, Bits: b} }

// RegOf is a register or param as a broadcast scalar.
func RegOf(name string) Operand { return Operand{Kind: Reg, Reg: name} }

// Val is an i32: an immediate, a register or a param.
type Val struct {
	Name string // register or param; empty = Imm
	Imm  int32
}

// IntVal is an immediate.
func IntVal(v int32) Val { return Val{Imm: v} }

// RegVal is a register or param.
func RegVal(name string) Val { return Val{Name: name} }

// SetFn is the arithmetic of a Set.
type SetFn uint8

// Register arithmetic, modulo 2^32.
const (
	SetMov SetFn = iota // dst = A
	SetAdd              // dst = A + B
	SetSub              // dst = A - B
	SetMul              // dst = A * B
)

// Set writes a register.
type Set struct {
	Reg  string
	Fn   SetFn
	A, B Val
	Line string
}

// Load copies one 32-bit memory element (or a zero-extended 16-bit one) into a register.
type Load struct {
	Reg  string
	From Operand // Scalar
	Line string
}

// Cmp compares i32 values.
type Cmp uint8

// Comparisons.
const (
	Eq Cmp = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

var cmpNames = [...]string{"==", "!=", "<", "<=", ">", ">="}

func (c Cmp) String() string { return cmpNames[c] }

// Holds evaluates the comparison.
func (c Cmp) Holds(a, b int32) bool {
	switch c {
	case Eq:
		return a == b
	case Ne:
		return a != b
	case Lt:
		return a < b
	case Le:
		return a <= b
	case Gt:
		return a > b
	}
	return a >= b
}

// Cond is `A Cmp B`.
type Cond struct {
	A, B Val
	Cmp  Cmp
}

// If runs Then when Cond holds, else Else.
type If struct {
	Cond       Cond
	Then, Else []Stmt
	Line       string
}

// While runs Body as long as Cond holds.
type While struct {
	Cond Cond
	Body []Stmt
	Line string
}

// CtlFn is what TaskCtl does.
type CtlFn uint8

// Task control. Activations do not count: activating an active task changes nothing. Offer tells the host that what the program keeps for
// it is ready in this PE; when it is in all PEs, the edge ports take it, and the host unblocks the task in every PE. The program goes on
// meanwhile and leaves alone what it has offered.
const (
	Activate CtlFn = iota
	Block
	Unblock
	Offer
)

var ctlNames = [...]string{"activate", "block", "unblock", "offer"}

func (f CtlFn) String() string { return ctlNames[f] }

// TaskCtl activates, blocks, unblocks or offers with a task of the class, or blocks or unblocks an input queue: a blocked queue starts no task,
// data or control, but operations receive from it.
type TaskCtl struct {
	Fn    CtlFn
	Task  string
	Queue string // in place of Task
	Line  string
}

// Exit ends this PE's part of the launch (CSL: unblock_cmd_stream). Each PE of
// the program executes it exactly once per launch.
type Exit struct{ Line string }

func (*Op) stmt()      {}
func (*Set) stmt()     {}
func (*Load) stmt()    {}
func (*If) stmt()      {}
func (*While) stmt()   {}
func (*TaskCtl) stmt() {}
func (*Exit) stmt()    {}

// Walk calls f for every statement of the list, outer before inner.
func Walk(list []Stmt, f func(Stmt)) {
	for _, s := range list {
		f(s)
		switch s := s.(type) {
		case *If:
			Walk(s.Then, f)
			Walk(s.Else, f)
		case *While:
			Walk(s.Body, f)
		}
	}
}
