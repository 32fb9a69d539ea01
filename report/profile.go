package report

import "sort"

// Profile says where the cycles of a run went. All of it is simulated. Cycles of a class are those of the compute elements (CEs) of all
// its PEs: they add up to PEs times cycles.
type Profile struct {
	Machine   string        `json:"machine"`
	Cycles    int64         `json:"cycles"` // of all launches
	Functions []FuncProfile `json:"functions"`
	// Native is of a run on this computer, which has seconds instead of cycles; nil for the wafer.
	Native *NativeProfile `json:"native,omitempty"`
}

// FuncProfile is one device function over all its launches.
type FuncProfile struct {
	Func       string         `json:"func"`
	Launches   int64          `json:"launches"`
	Iterations int64          `json:"iterations"`
	Cycles     int64          `json:"cycles"`
	Bound      Bound          `json:"bound"`
	Classes    []ClassProfile `json:"classes"`
	Ops        []OpProfile    `json:"operations"`      // in program order by class
	Parts      []PartProfile  `json:"parts,omitempty"` // of a procedure: the functions it calls, the costliest first
	Links      []LinkProfile  `json:"links"`
	Colors     []ColorProfile `json:"colors"`
	Critical   Critical       `json:"critical_path"`
	// Beyond accounts for every cycle of an iteration beyond the bound, largest first; they add up to PerIteration - Bound.Cycles. A
	// negative one: the critical path runs through PEs that have less of what bounds than the class of the bound.
	Beyond []Share `json:"beyond_bound"`
}

// Share is cycles of an iteration by what they were spent on.
type Share struct {
	Name   string  `json:"name"`
	Cycles float64 `json:"cycles"`
}

// PerIteration is the cycles of an iteration.
func (f FuncProfile) PerIteration() float64 { return over(f.Cycles, f.Iterations) }

// Breakdown is cycles by what a CE did or waited for.
type Breakdown struct {
	Arithmetic int64 `json:"arithmetic"`           // elements of operations that compute, and copies in memory, at their rate
	Ramp       int64 `json:"ramp"`                 // elements that move over the ramp, at the pace of one wavelet
	Setup      int64 `json:"setup"`                // from the issue of an operation to its first element
	Issue      int64 `json:"issue"`                // issue slots of asynchronous operations
	Control    int64 `json:"control"`              // scalar code, branches, task control
	Dispatch   int64 `json:"dispatch"`             // starts of tasks
	Bank       int64 `json:"bank_conflict"`        // extra cycles of elements whose sources lie in one bank
	Operand    int64 `json:"operand_wait"`         // a synchronous operation has no wavelet to take
	Queue      int64 `json:"queue_full"`           // it cannot send: the receiver or the way to it takes no more
	Link       int64 `json:"link_busy"`            // it cannot send: others have the ramp or a link
	Sends      int64 `json:"microthreads"`         // nothing to run until microthreads are done
	Idle       int64 `json:"idle"`                 // nothing to run
	Network    int64 `json:"network,omitempty"`    // critical path only: wavelets under way, at the least latency of their distance
	Congestion int64 `json:"congestion,omitempty"` // critical path only: what they took longer
}

// Total adds all up.
func (b Breakdown) Total() int64 {
	t := int64(0)
	for _, x := range b.Items() {
		t += x.Cycles
	}
	return t
}

// Item is one part of a breakdown.
type Item struct {
	Name    string
	Cycles  int64
	Stall   bool // the CE waits
	Latency bool // does not grow with the length of vectors
}

// Items lists the parts in a fixed order.
func (b Breakdown) Items() []Item {
	return []Item{{"arithmetic", b.Arithmetic, false, false}, {"ramp", b.Ramp, false, false}, {"setup", b.Setup, false, true},
		{"issue", b.Issue, false, true}, {"control", b.Control, false, true}, {"dispatch", b.Dispatch, false, true},
		{"bank conflict", b.Bank, true, false}, {"operand wait", b.Operand, true, false}, {"queue full", b.Queue, true, false},
		{"link busy", b.Link, true, false}, {"microthreads", b.Sends, true, false}, {"idle", b.Idle, true, false},
		{"network", b.Network, true, true}, {"congestion", b.Congestion, true, false}}
}

// Latency is the part that does not grow with the length of vectors.
func (b Breakdown) Latency() int64 {
	t := int64(0)
	for _, x := range b.Items() {
		if x.Latency {
			t += x.Cycles
		}
	}
	return t
}

// ClassProfile is where the cycles of a class's CEs went.
type ClassProfile struct {
	Class  string    `json:"class"`
	PEs    int64     `json:"pes"`
	Cycles Breakdown `json:"cycles"` // of all PEs
	Sent   int64     `json:"wavelets_sent"`
	Taken  int64     `json:"wavelets_taken"`
}

// PartProfile is one function that a procedure calls: what its operations took of the CEs, per PE.
type PartProfile struct {
	Func       string  `json:"func"`
	Calls      float64 `json:"calls"`      // per iteration of the procedure
	Cycles     float64 `json:"cycles"`     // per iteration of the procedure
	Waits      float64 `json:"waits"`      // of them, for wavelets, room or links
	Collective float64 `json:"collective"` // of them, in reductions along the mesh and the copying of their results
	Bound      float64 `json:"bound"`      // the most that the CE of any class must compute in these calls, or its ramp carry
}

// OpProfile is one statement of a class. A synchronous operation's cycles are the CE's; an asynchronous one has its issue there and its
// own time, from issue to its last element, in Async.
type OpProfile struct {
	Class    string    `json:"class"`
	Task     string    `json:"task"`
	Text     string    `json:"text"`
	Line     string    `json:"line,omitempty"`
	Elements int       `json:"elements,omitempty"`
	Runs     int64     `json:"runs"` // on all PEs
	Cycles   Breakdown `json:"cycles"`
	Async    int64     `json:"async_cycles,omitempty"`
	Waits    *Waits    `json:"async_waits,omitempty"` // of Async, cycles in which it could not go on
}

// Waits is why an asynchronous operation could not go on.
type Waits struct {
	Operand int64 `json:"operand_wait"`
	Queue   int64 `json:"queue_full"`
	Link    int64 `json:"link_busy"`
}

// LinkProfile is the use of one port of a class's PEs: N, E, S, W to the neighbours, "in" from router to CE, "out" from CE to router.
type LinkProfile struct {
	Class    string  `json:"class"` // "" are PEs without program
	Port     string  `json:"port"`
	PEs      int64   `json:"pes"`
	Wavelets int64   `json:"wavelets"`
	Mean     float64 `json:"mean"` // of the rate of the link, 0 to 1
	Busiest  float64 `json:"busiest"`
}

// ColorProfile is what a color carried.
type ColorProfile struct {
	Color    int    `json:"color"`
	Name     string `json:"name"` // queues that send on it
	Wavelets int64  `json:"wavelets"`
	Hops     int64  `json:"hops"` // over links between routers
}

// Critical is the chain of work and waits, each begun by the end of the one before, that ends with the last exit: its cycles add up to
// those of the function. Back pressure stays with the sender, as "queue full".
type Critical struct {
	Cycles Breakdown `json:"cycles"`
	Steps  []Step    `json:"steps"` // of the last iteration, in order of time
	More   int       `json:"more,omitempty"`
}

// Step is one link of the chain.
type Step struct {
	X      int    `json:"x"`
	Y      int    `json:"y"`
	Class  string `json:"class,omitempty"`
	What   string `json:"what"`
	Line   string `json:"line,omitempty"`
	Cycles int64  `json:"cycles"`
}

// Bound is the least an iteration can take, with the operations as generated.
type Bound struct {
	HeldBy     string  `json:"held_by"` // "arithmetic", "ramp", "link" or "latency", the largest of the four
	Cycles     float64 `json:"cycles"`  // the largest of arithmetic, ramp and link: what no overlap can hide
	Arithmetic float64 `json:"arithmetic"`
	Ramp       float64 `json:"ramp"`
	Link       float64 `json:"link"`
	Latency    float64 `json:"latency"` // of the critical path: what does not grow with the length of vectors
	Class      string  `json:"class"`   // whose bound it is
}

func over(n, d int64) float64 {
	if d == 0 {
		return 0
	}
	return float64(n) / float64(d)
}

// Account lists where an iteration's cycles went along the critical path, leaving out what took none.
func (f FuncProfile) Account() (out []Share) {
	for _, x := range f.Critical.Cycles.Items() {
		if x.Cycles != 0 {
			out = append(out, Share{x.Name, over(x.Cycles, f.Iterations)})
		}
	}
	return
}

// Close derives Beyond from the bound and the critical path.
func (f *FuncProfile) Close() {
	of := "arithmetic"
	if f.Bound.Cycles != f.Bound.Arithmetic {
		of = "ramp"
	}
	f.Beyond = []Share{}
	found := false
	for _, x := range f.Account() {
		if x.Name == of {
			x.Cycles -= f.Bound.Cycles
			found = true
		}
		if x.Cycles != 0 {
			f.Beyond = append(f.Beyond, x)
		}
	}
	if !found && f.Bound.Cycles != 0 {
		f.Beyond = append(f.Beyond, Share{of, -f.Bound.Cycles})
	}
	sort.SliceStable(f.Beyond, func(i, j int) bool { return f.Beyond[i].Cycles > f.Beyond[j].Cycles })
}

// Row is a line of a table of cycles of one iteration in one PE.
type Row struct {
	Name, Line string
	Cells      []float64
	Total      float64
}

// Columns are the parts of a breakdown that some class or statement has, and Table their cycles in an iteration of one PE: a row per
// class when class is "", else one per statement of it.
func (f FuncProfile) Columns() (names []string) {
	for i, x := range (Breakdown{}).Items() {
		for _, c := range f.Classes {
			if c.Cycles.Items()[i].Cycles != 0 {
				names = append(names, x.Name)
				break
			}
		}
	}
	return
}

// Table is described at Columns.
func (f FuncProfile) Table(class string) (rows []Row) {
	names := f.Columns()
	row := func(name, line string, b Breakdown, pes int64) {
		r := Row{Name: name, Line: line, Total: over(b.Total(), pes*f.Iterations)}
		for _, n := range names {
			for _, x := range b.Items() {
				if x.Name == n {
					r.Cells = append(r.Cells, over(x.Cycles, pes*f.Iterations))
				}
			}
		}
		rows = append(rows, r)
	}
	for _, c := range f.Classes {
		if class == "" {
			row(c.Class, "", c.Cycles, c.PEs)
			continue
		}
		if c.Class != class {
			continue
		}
		for _, o := range f.Ops {
			if o.Class == class {
				row(o.Text, o.Line, o.Cycles, c.PEs)
			}
		}
	}
	return
}
