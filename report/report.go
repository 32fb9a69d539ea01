// Package report is what a build has to say about itself: a versioned JSON document and a single HTML page made from it.
//
// A [Report] exists whatever became of the build: a program that does not fit a machine still lists its classes, memory and
// colors as far as they were decided, the limits that broke, and what to change. Everything is per class, color or operation,
// never per PE, so a report of 750 x 994 PEs is as long as one of 8 x 8.
//
// The schema is versioned by [Schema]. Fields are only ever added within a version; a removal or a change of meaning raises it.
// Units are in the field names or comments: bytes, cycles (of the machine's clock), PEs. Lists are ordered and deterministic.
package report

import "encoding/json"

// Schema is the version of the JSON document.
const Schema = 1

// Report is the whole document.
type Report struct {
	Schema      int          `json:"schema"`
	Program     string       `json:"program"`          // name of the program
	Source      string       `json:"source,omitempty"` // base name of the source file
	Status      string       `json:"status"`           // "fits", "refused" (does not fit the machine), "failed" (no canonical IR)
	Params      []Param      `json:"params"`
	Axes        []Axis       `json:"axes"`
	Arrays      []Array      `json:"arrays"`
	Schedule    []Run        `json:"schedule"`
	Passes      []Pass       `json:"passes,omitempty"`
	Model       *Model       `json:"model,omitempty"`   // nil when the program is none
	Wafer       *Wafer       `json:"wafer,omitempty"`   // nil when the build did not get to the machine
	Suggestions []string     `json:"suggestions"`       // what to change, cheapest first
	Diagnostics []Diagnostic `json:"diagnostics"`       // refusals are the errors among them
	Profile     *Profile     `json:"profile,omitempty"` // of a run, when it was asked for
}

// Param is a parameter with the value of this build.
type Param struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	Shape bool    `json:"shape"` // frozen at build
}

// Axis is an index space and where it lives.
type Axis struct {
	Name     string `json:"name"`
	N        int    `json:"n"`
	Periodic bool   `json:"periodic,omitempty"`
	Nodes    bool   `json:"nodes,omitempty"`
	Dim      string `json:"dim,omitempty"`    // "mem", "x", "y": memory or mesh axis
	Parts    int    `json:"parts,omitempty"`  // blocks along the mesh axis
	Folded   bool   `json:"folded,omitempty"` // a ring with neighbours at distance 2
}

// Array is a field or coefficient of the program.
type Array struct {
	Name  string   `json:"name"`
	Axes  []string `json:"axes"`
	Elem  string   `json:"elem"`
	Unit  string   `json:"unit,omitempty"`
	Const bool     `json:"const,omitempty"`
}

// Run is one entry of the schedule with default parameters.
type Run struct {
	Func  string `json:"func"`
	Count int64  `json:"count"` // iterations
}

// Pass is one pass over the index IR.
type Pass struct {
	Name string `json:"name"`
	Ops  int    `json:"ops"` // tensor operations after the pass
}

// Wafer is the program on the machine.
type Wafer struct {
	Machine  string      `json:"machine"`
	W        int         `json:"width"`  // PEs used along x
	H        int         `json:"height"` // PEs used along y
	Classes  []Class     `json:"classes"`
	Channels []Channel   `json:"channels"`
	Colors   []Color     `json:"colors"`
	Budgets  []Budget    `json:"budgets"`
	Ops      []Operation `json:"operations"`
	Worst    []int       `json:"worst"`             // indices into operations, most cycles first, at most five
	Cycles   []Cycles    `json:"cycles,omitempty"`  // per device function
	Verdict  *Verdict    `json:"verdict,omitempty"` // nil when the build did not get to a mesh program
	// Reductions are the trees along which the parts of a mesh axis combine; none when nothing is reduced over one.
	Reductions []Reduction `json:"reductions,omitempty"`
	// Products are the distributions that were considered for a program with matrix products, the one that was taken first.
	Products []Product `json:"products,omitempty"`
	// Outputs are those taken again and again during a run.
	Outputs []Shown `json:"outputs,omitempty"`
}

// Shown is what outputs and probes of one interval show of a function's run. With Beside the wafer copies the arrays and goes on while the host
// takes the copies; else it stands still, and Why says why.
type Shown struct {
	Func   string   `json:"func"`
	Arrays []string `json:"arrays,omitempty"`
	Beside bool     `json:"beside"`
	Whole  bool     `json:"whole,omitempty"` // all that changes, for checkpoints
	Why    string   `json:"why,omitempty"`
}

// Product is a way to distribute the matrices of a program, with what it would take.
type Product struct {
	Name   string `json:"name"`             // "whole axes", "SUMMA", "Cannon"
	Cycles int64  `json:"cycles,omitempty"` // estimate: of one iteration of every device function; 0 when it was not lowered so far
	Bytes  int    `json:"bytes,omitempty"`  // of the fullest PE
	Why    string `json:"why,omitempty"`    // it cannot be taken because
}

// Reduction is how the parts of an axis combine, from neighbours up to part 0.
type Reduction struct {
	Axis  string `json:"axis"`
	Parts int    `json:"parts"`
	Tree  string `json:"tree"`  // levels of groups, e.g. "chain 8, star 4"
	Depth int    `json:"depth"` // longest sequence of messages
}

// Range is {Lo, Lo+Step, ..} below Hi.
type Range struct {
	Lo   int `json:"lo"`
	Hi   int `json:"hi"`
	Step int `json:"step"`
}

// Contains reports membership.
func (r Range) Contains(i int) bool {
	return i >= r.Lo && i < r.Hi && (i-r.Lo)%max(1, r.Step) == 0
}

// Len is the number of members.
func (r Range) Len() int {
	s := max(1, r.Step)
	return max(0, (r.Hi-r.Lo+s-1)/s)
}

// Class is a set of PEs that run the same program: the product of X and Y.
type Class struct {
	Name   string       `json:"name"`
	X      Range        `json:"x"`
	Y      Range        `json:"y"`
	PEs    int          `json:"pes"`
	Limit  int          `json:"memory_limit"` // bytes
	Used   int          `json:"memory_used"`  // bytes, code and stack included
	Memory []MemoryItem `json:"memory"`       // by address
	Queues []Queue      `json:"queues"`
	Tasks  []Task       `json:"tasks"`
}

// MemoryItem is a piece of a PE's memory.
type MemoryItem struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`           // state, data, halo, temp, scalars, code, stack, system
	Of      string `json:"of,omitempty"`   // array or value of the source it serves
	Elem    string `json:"elem,omitempty"` // "" for code and stack
	Len     int    `json:"len,omitempty"`  // elements
	Bytes   int    `json:"bytes"`
	Address int    `json:"address"` // bytes from the start of memory, -1 when not placed
	Bank    int    `json:"bank"`    // bank of its first byte, -1 when not placed
}

// Queue is a binding of a hardware queue to a color.
type Queue struct {
	ID      int    `json:"id"`
	Dir     string `json:"dir"`    // "in", "out"
	Colors  []int  `json:"colors"` // one, or several by position: neighbours of a class may use different ones
	Channel string `json:"channel,omitempty"`
	Depth   int    `json:"depth,omitempty"` // wavelets
}

// Task is a task of a class.
type Task struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"` // "data", "local", "control"
}

// Channel is a family of streams and the colors it got.
type Channel struct {
	Name   string `json:"name"`
	Dim    string `json:"dim"`  // "x", "y"
	Kind   string `json:"kind"` // "shift", "flood", "hop"
	Colors []int  `json:"colors"`
}

// Color is a color and its routes. Where two routes of a color cover a PE the later one holds.
type Color struct {
	ID      int     `json:"id"`
	Name    string  `json:"name"`              // what it carries
	Channel string  `json:"channel,omitempty"` // the channel it serves
	Routes  []Route `json:"routes"`
}

// Route is the route of a color in the PEs of X x Y: from the ports In to the ports Out, among "W", "E", "N", "S" and "R"
// (the ramp to the PE). North is y-1.
type Route struct {
	X   Range    `json:"x"`
	Y   Range    `json:"y"`
	In  []string `json:"in"`
	Out []string `json:"out"`
}

// Budget is one limit of the machine and its worst use.
type Budget struct {
	Name  string `json:"name"`            // e.g. "memory", "colors", "input queues"
	Used  int    `json:"used"`            // in Unit
	Limit int    `json:"limit"`           // in Unit
	Unit  string `json:"unit,omitempty"`  // e.g. "B"; "" for counts
	Where string `json:"where,omitempty"` // the class, array, color or queue that uses most
}

// Operation is one operation of a class's program.
type Operation struct {
	Class    string `json:"class"`
	Func     string `json:"func"`
	Text     string `json:"text"`           // the operation in the machine program's spelling
	Line     int    `json:"line,omitempty"` // of the source, from 1
	Elements int    `json:"elements"`
	Cycles   int64  `json:"cycles"`   // per execution
	Runs     int64  `json:"runs"`     // executions over the schedule
	Estimate bool   `json:"estimate"` // from the cost model; otherwise simulated
}

// Total is the cycles of an operation over the schedule.
func (o Operation) Total() int64 { return o.Cycles * o.Runs }

// Cycles is the time of one iteration of a device function.
type Cycles struct {
	Func     string `json:"func"`
	Cycles   int64  `json:"cycles"`
	Estimate bool   `json:"estimate"`
}

// Diagnostic is a finding of the build.
type Diagnostic struct {
	Code       string   `json:"code"`
	Severity   string   `json:"severity"`
	Message    string   `json:"message"`
	Line       int      `json:"line,omitempty"`
	Col        int      `json:"col,omitempty"`
	Start      int      `json:"start,omitempty"` // bytes of the source, [start, end)
	End        int      `json:"end,omitempty"`
	Notes      []string `json:"notes,omitempty"`
	Suggestion string   `json:"suggestion,omitempty"`
}

// JSON is the document as indented JSON with a final newline.
func (r *Report) JSON() ([]byte, error) {
	r.fill()
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// fill sets the schema and turns nil lists into empty ones, so that readers of the JSON need not tell null from [].
func (r *Report) fill() {
	r.Schema = Schema
	r.Params, r.Axes, r.Arrays, r.Schedule = list(r.Params), list(r.Axes), list(r.Arrays), list(r.Schedule)
	r.Suggestions, r.Diagnostics = list(r.Suggestions), list(r.Diagnostics)
	w := r.Wafer
	if w == nil {
		return
	}
	w.Classes, w.Channels, w.Colors, w.Budgets = list(w.Classes), list(w.Channels), list(w.Colors), list(w.Budgets)
	w.Ops, w.Worst = list(w.Ops), list(w.Worst)
	for i := range w.Classes {
		c := &w.Classes[i]
		c.Memory, c.Queues, c.Tasks = list(c.Memory), list(c.Queues), list(c.Tasks)
		for j := range c.Queues {
			c.Queues[j].Colors = list(c.Queues[j].Colors)
		}
	}
	for i := range w.Colors {
		w.Colors[i].Routes = list(w.Colors[i].Routes)
	}
}

func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
