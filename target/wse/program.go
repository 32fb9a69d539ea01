package wse

import (
	"fmt"

	"github.com/wfc-lang/wfc/internal/lattice"
)

// Geometry, shared with the levels above: see package lattice.
type (
	Range  = lattice.Range
	Region = lattice.Region
	Dir    = lattice.Dir
	DirSet = lattice.DirSet
)

// Router ports.
const (
	North = lattice.North
	East  = lattice.East
	South = lattice.South
	West  = lattice.West
	Ramp  = lattice.Ramp
)

// Span is the contiguous range [lo, hi).
func Span(lo, hi int) Range { return lattice.Span(lo, hi) }

// Dirs builds a set of ports.
func Dirs(ds ...Dir) DirSet { return lattice.Dirs(ds...) }

// Elem is the type of an array element.
type Elem uint8

// Element types. 16-bit ones travel two per wavelet.
const (
	F32 Elem = iota
	F16
	I32
	U32
	U16
)

var elemNames = [...]string{"f32", "f16", "i32", "u32", "u16"}

func (e Elem) String() string {
	if int(e) < len(elemNames) {
		return elemNames[e]
	}
	return fmt.Sprintf("elem(%d)", uint8(e))
}

// Bytes is the size of one element.
func (e Elem) Bytes() int {
	if e == F16 || e == U16 {
		return 2
	}
	return 4
}

// PerWavelet is the number of elements in one 32-bit wavelet.
func (e Elem) PerWavelet() int { return 4 / e.Bytes() }

// Program is a machine program: classes of PEs with their code, and routes.
// Script is only used by hand-written kernels (`wfc sim FILE`).
type Program struct {
	Name    string
	Machine string // profile it was written for
	W, H    int    // mesh size in PEs
	Classes []*Class
	Routes  []Route
	Script  []Directive
}

// ClassAt returns the class of PE (x, y), or nil when the PE is not programmed.
func (p *Program) ClassAt(x, y int) *Class {
	for _, c := range p.Classes {
		for _, r := range c.Regions {
			if r.Contains(x, y) {
				return c
			}
		}
	}
	return nil
}

// Route is a router setting: in every PE of Region, wavelets of Color are
// accepted from Rx and copied to every port of Tx. At most one setting may exist
// per PE and color. The zero values of the last three make it static.
type Route struct {
	Color    int
	Region   Region
	Rx       Dir
	Tx       DirSet
	Switch   *Switch // further positions; nil = none
	Filter   *Filter // what of it reaches the CE; nil = all
	Teardown bool    // parked until a Reroute
}

// Class is one code and the PEs that run it. Names of arrays, queues, tasks,
// registers and params are unique within the class, each in its own name space.
type Class struct {
	Name    string
	Regions []Region
	// Args are the registers a launch sets, in the order of its arguments.
	Args   []string
	Params []Param
	Arrays []*Array
	Queues []Queue
	Tasks  []*Task
	Funcs  []*Func
	Maps   []*MapFunc
	Entry  string // local task activated by a launch
}

// Param is a named i32 of a PE, affine in its coordinates:
// Base + PX*px + PY*py.
type Param struct {
	Name         string
	Base, PX, PY int32
}

// Array is memory of a PE. Constants and coefficients are arrays the host
// writes before a launch.
type Array struct {
	Name   string
	Elem   Elem
	Len    int
	Align  int // bytes, power of two; 0 = element size (at least 4 for arrays used by 2-wide ops)
	Bank   int // wanted bank of element 0, -1 = any
	Addr   int // byte address, -1 = assigned by Layout
	Export bool
	Init   *Init // nil = zero
	Fifo   *Fifo // the array is a FIFO, only used by Queued operands; nil = it is not
}

// Fifo makes an array a FIFO of a PE's operations (CSL: @allocate_fifo): one pushes at its end, another pops at its head, and each
// waits for elements or room. In a cycle after something was pushed or popped the named local tasks are activated, when they are.
type Fifo struct{ Push, Pop string }

// Bytes is the size of the array.
func (a *Array) Bytes() int { return a.Len * a.Elem.Bytes() }

// InitKind says how initial values are written.
type InitKind uint8

// Kinds of initial values.
const (
	InitFill   InitKind = iota // every element is C
	InitList                   // Values, then zeros
	InitAffine                 // C + I*index + PX*px + PY*py, in f64, rounded once
)

// Init gives initial or expected values of an array.
type Init struct {
	Kind         InitKind
	Values       []float64
	C, I, PX, PY float64
}

// At evaluates the value of element i in PE (px, py).
func (in *Init) At(i, px, py int) float64 {
	switch in.Kind {
	case InitFill:
		return in.C
	case InitAffine:
		v := in.C + float64(in.I*float64(i))
		v += float64(in.PX * float64(px))
		return v + float64(in.PY*float64(py))
	}
	if i < len(in.Values) {
		return in.Values[i]
	}
	return 0
}

// Queue binds a hardware queue to a color. An input queue has one color; an
// output queue may carry several colors on machines without OneColorPerQueue,
// each by a Queue of its own name.
//
// Neighbouring PEs of one class use different colors (parity, lattice residues),
// as CSL gives a PE its colors by params: so the color is an overlay of regions
// of its own, not a reason to split the class. Regions are disjoint; a PE of the
// class that no region holds has no binding and must not use the queue.
type Queue struct {
	Name   string
	Out    bool
	ID     int
	Colors []ColorAt
}

// ColorAt is the color of a queue in the PEs of a region.
type ColorAt struct {
	Color  int
	Region Region
}

// Everywhere is the region of all PEs.
var Everywhere = Region{X: Range{Lo: 0, Hi: 1 << 30, Step: 1}, Y: Range{Lo: 0, Hi: 1 << 30, Step: 1}}

// OneColor binds a queue to the same color in every PE of its class.
func OneColor(c int) []ColorAt { return []ColorAt{{c, Everywhere}} }

// Color is the queue's color in PE (x, y), or -1.
func (q Queue) Color(x, y int) int {
	for _, c := range q.Colors {
		if c.Region.Contains(x, y) {
			return c.Color
		}
	}
	return -1
}

// TaskKind is what makes a task runnable.
type TaskKind uint8

// Task kinds.
const (
	Local   TaskKind = iota // activated by name
	Data                    // fires once per wavelet of an input queue
	Control                 // fires on a control wavelet that carries its id
	Handler                 // fires when a control wavelet has torn down a color of this PE's router (CSL: @set_teardown_handler)
)

var taskKindNames = [...]string{"local", "data", "control", "teardown"}

func (k TaskKind) String() string { return taskKindNames[k] }

// Priority of a task.
type Priority uint8

// Priorities; the zero value is the middle one.
const (
	MediumPriority Priority = iota
	HighPriority
	LowPriority
)

var priorityNames = [...]string{"medium", "high", "low"}

func (p Priority) String() string { return priorityNames[p] }

// Rank orders priorities, the most urgent first.
func (p Priority) Rank() int { return [...]int{1, 0, 2}[p] }

// Task runs to completion when active and not blocked.
type Task struct {
	Name    string
	Kind    TaskKind
	ID      int    // local and control ids, a handler's color; for data tasks derived by TaskID
	Queue   string // data tasks: the input queue
	Arg     string // data, control: register that receives the payload; may be empty
	Blocked bool   // initially
	// Priority decides first when several tasks are runnable.
	Priority Priority
	Body     []Stmt
}

// DirectiveKind of a script line.
type DirectiveKind uint8

// Script lines.
const (
	DoInit   DirectiveKind = iota // the host writes Array in Region
	DoLaunch                      // launch with Args and run until every PE has exited
	DoExpect                      // compare Array in Region with Init
	DoPrint                       // print Array in Region
)

// Directive is one step of the script of a hand-written kernel.
type Directive struct {
	Kind   DirectiveKind
	Array  string
	Region Region
	Init   Init
	Tol    float64 // DoExpect: allowed absolute difference; 0 = bit for bit
	Args   []int32 // DoLaunch
}

// Class lookups; a nil result or ok = false means no such name.

// Array finds an array by name.
func (c *Class) Array(name string) *Array {
	for _, a := range c.Arrays {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Queue finds a queue binding by name.
func (c *Class) Queue(name string) (Queue, bool) {
	for _, q := range c.Queues {
		if q.Name == name {
			return q, true
		}
	}
	return Queue{}, false
}

// Task finds a task by name.
func (c *Class) Task(name string) *Task {
	for _, t := range c.Tasks {
		if t.Name == name {
			return t
		}
	}
	return nil
}
