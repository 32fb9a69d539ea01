package wse

import (
	"fmt"
	"slices"
)

// TicksPerCycle is the fixed denominator of all rates: a tick is 1/1000 cycle,
// so a link of 9/8 cycle per wavelet is 1125 ticks.
const TicksPerCycle = 1000

// QueueSpec is one hardware queue of a PE.
type QueueSpec struct {
	Depth    int  // wavelets
	Reserved bool // taken by the host interface
}

// Rate is the cost of an operation over n elements:
// Setup cycles + ceil(n*Ticks/TicksPerCycle) cycles.
type Rate struct {
	Setup int // cycles from issue to the first element
	Ticks int // ticks per element
}

// Cycles is the duration of the operation over n elements.
func (r Rate) Cycles(n int) int64 {
	return int64(r.Setup) + (int64(n)*int64(r.Ticks)+TicksPerCycle-1)/TicksPerCycle
}

// RateKey selects a Rate. Kind is the rate class of the opcode, see RateClass.
type RateKey struct {
	Kind string
	Half bool // 16-bit elements
}

// BankModel says how the addresses of two memory sources change the rate of an
// operation.
type BankModel uint8

// Bank models.
const (
	// BanksFlat: placement has no effect.
	BanksFlat BankModel = iota
	// BanksMod4: 32-bit words interleave over 8 banks. For an operation with two
	// memory sources that run in step at unit stride, sources whose first words are equal modulo 4 (in
	// words) conflict and take ConflictTicks/TicksPerCycle times as long; an odd
	// distance lets f32 arithmetic run two lanes wide; a distance of 2 modulo 4 is
	// the nominal rate.
	BanksMod4
	// BanksSlow: one of four alignments is slow, the others are alike, and only for
	// multiplications and FMAs of 32 bits: no other operation was seen to slow down
	// (WSE-3, simulator and silicon).
	BanksSlow
)

// Machine is a target. The zero value is not useful: start from Profile and
// change fields. All durations are cycles unless named Ticks.
type Machine struct {
	Name string

	FabricW, FabricH int // PEs of the whole fabric
	Width, Height    int // PEs a program may use

	// Fabric.
	HopCycles     int  // router to router
	RampOutCycles int  // head of an output queue to its router
	RampInCycles  int  // router to input queue
	LinkTicks     int  // ticks per wavelet on one link
	RampTicks     int  // ticks per wavelet on the ramp, each way
	RouterDepth   int  // wavelets buffered per router and color; unknown, see Constants
	Colors        int  // routable colors
	SwitchColors  int  // bit set of colors that routers can switch
	Positions     int  // switch positions per router and color
	SwitchBoth    bool // a position may change both rx and tx
	PopCommands   bool // routers take commands off control wavelets as their pop mode says, else only the first command ever counts
	Filters       int  // wavelet filters a program may use per PE
	RerouteCycles int  // a reroute statement
	RebindCycles  int  // a rebind statement, after the queue is empty
	UsableColors  int  // colors 0 .. UsableColors-1 are free with the host interface

	InQueues, OutQueues []QueueSpec // by id
	OneColorPerQueue    bool        // an output queue is bound to one color
	DataTaskIDIsQueue   bool        // a data task's id is its queue, else its color
	ExplicitMicrothread bool        // an operation may name its microthread
	Microthreads        int

	LocalTaskLo, LocalTaskHi int   // inclusive
	ReservedTasks            []int // ids taken by the system
	ControlTasks             int   // ids 0 .. ControlTasks-1

	// Memory of a PE, bytes.
	MemBytes, BankCount, BankBytes int
	ReservedBytes                  int // host interface and system code
	StackBytes                     int
	Banks                          BankModel
	ConflictTicks                  int // factor of a bank conflict, in 1/TicksPerCycle
	SpanWords                      int // neighbouring 16-bit words an operation reads per cycle; 0 = strides do not matter

	// Compute element.
	Rates         map[RateKey]Rate
	MapCall       int            // cycles per element of any mapped function: call, load, store
	MapNative     int            // cycles of a native operation inside a mapped function
	MapFn         map[string]int // cycles per element of the function itself, by opcode name
	DSRCycles     int            // what Setup of copy, add, mul and fma is shorter by for each of three memory operands that is missing
	FabricSetup   int            // cycles from issue to the first element when an operand is fabric
	AsyncIssue    int            // issue slots an asynchronous operation takes
	ScalarCycles  int            // one register instruction
	LoadCycles    int            // memory element to register
	BranchFall    int            // condition holds: fall into the block
	BranchTaken   int            // condition fails: jump
	LoopBack      int            // back edge of a loop
	TaskCtlCycles int            // activate, block, unblock
	CallCycles    int            // call of a function and return
	StampCycles   int            // a time stamp
	StealTicks    int            // what the CE loses for each cycle in which a microthread moves data while it works
	LocalDispatch int            // cycles from runnable to the first instruction
	DataDispatch  int            // the same for a data task, per wavelet
	CtlDispatch   int            // the same for a control task
	TearDispatch  int            // the same for a teardown handler

	CodeBytes map[string]int // bytes of code by statement kind, see CodeSize

	// Host.
	HostChannels  int
	HostLinkTicks int // ticks per 32-bit word, all channels together
	HostLatency   int // cycles per pause with transfers
	HostLaunch    int // cycles that launches before and after a function add to a window they open and close
	ClockMHz      int // only for reports: nobody's cycles are converted silently

	rows []row // where the values come from
}

// Usable queue ids, ascending.
func usable(q []QueueSpec) []int {
	var out []int
	for i, s := range q {
		if !s.Reserved {
			out = append(out, i)
		}
	}
	return out
}

// UsableIn lists the input queue ids a program may bind.
func (m Machine) UsableIn() []int { return usable(m.InQueues) }

// UsableOut lists the output queue ids a program may bind.
func (m Machine) UsableOut() []int { return usable(m.OutQueues) }

// UsableLocalTasks lists the local task ids a program may use, without those
// that data tasks of the given colors or queues take.
func (m Machine) UsableLocalTasks(dataIDs ...int) []int {
	var out []int
	for id := m.LocalTaskLo; id <= m.LocalTaskHi; id++ {
		if !slices.Contains(m.ReservedTasks, id) && !slices.Contains(dataIDs, id) {
			out = append(out, id)
		}
	}
	return out
}

// TaskID is the hardware id that task t of class c has in PE (x, y) (data tasks
// derive theirs from the queue or its color), or -1 when its queue does not exist.
func (m Machine) TaskID(c *Class, t *Task, x, y int) int {
	if t.Kind != Data {
		return t.ID
	}
	q, ok := c.Queue(t.Queue)
	if !ok || q.Out {
		return -1
	}
	if m.DataTaskIDIsQueue {
		return q.ID
	}
	return q.Color(x, y)
}

// WithMesh returns the machine with a usable rectangle of w by h PEs.
// It fails when the rectangle is empty or larger than the profile's.
func (m Machine) WithMesh(w, h int) (Machine, error) {
	if w < 1 || h < 1 {
		return m, fmt.Errorf("mesh %d x %d: both sides must be at least 1", w, h)
	}
	if w > m.Width || h > m.Height {
		return m, fmt.Errorf("mesh %d x %d does not fit %s: its usable rectangle is %d x %d PEs (%d x %d too large)",
			w, h, m.Name, m.Width, m.Height, max(0, w-m.Width), max(0, h-m.Height))
	}
	m.Width, m.Height = w, h
	return m, nil
}

// RateClass is the key under which Rates lists an opcode's cost.
func RateClass(c Opcode) string {
	switch c {
	case OpMov:
		return "copy"
	case OpAdd, OpSub, OpMax, OpNeg, OpAbs, OpF2H, OpH2F:
		return "add"
	case OpMul:
		return "mul"
	case OpFma:
		return "fma"
	case OpSum, OpRedMax, OpRedMin, OpRedMul:
		return "reduce"
	case OpDot:
		return "dot"
	}
	return "map"
}

// Rate is the cost of an opcode on source type e with no bank effects.
func (m Machine) Rate(c Opcode, e Elem) Rate {
	k := RateClass(c)
	if k == "map" {
		info, _ := c.Info()
		return Rate{Setup: m.Rates[RateKey{"copy", false}].Setup, Ticks: (m.MapCall + m.MapFn[info.Name]) * TicksPerCycle}
	}
	return m.Rates[RateKey{k, e.Bytes() == 2}]
}

// BankedRate is Rate corrected for the byte addresses of the first elements of
// two unit-stride memory sources, by the machine's BankModel.
func (m Machine) BankedRate(c Opcode, e Elem, addr0, addr1 int) Rate {
	r := m.Rate(c, e)
	if m.Banks == BanksFlat || RateClass(c) == "map" {
		return r
	}
	k := RateClass(c)
	switch d := ((addr0>>2 - addr1>>2) % 4) & 3; {
	case m.Banks == BanksSlow && (e.Bytes() != 4 || k != "mul" && k != "fma"):
	case d == 0:
		r.Ticks = r.Ticks * m.ConflictTicks / TicksPerCycle
	case m.Banks == BanksMod4 && d%2 == 1 && e.Bytes() == 4 && (k == "add" || k == "mul"):
		r.Ticks = (r.Ticks + 1) / 2
	}
	return r
}
