package sim

import (
	"math/bits"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// EventKind says what happened.
type EventKind uint8

// Events. Cycle is when; the other fields an event sets are named here, all others are zero.
const (
	EvLaunch   EventKind = iota // a launch begins
	EvDispatch                  // a CE takes a task, which costs N cycles: PE, Task, N
	EvIns                       // an instruction holds the CE for N cycles: PE, Task, PC, N
	EvTaskEnd                   // the running task ends: PE, Task
	EvExit                      // the PE executes exit: PE
	EvOpBegin                   // an operation on the fabric is issued: PE, PC, Thread
	EvStall                     // an operation begins to wait for the fabric: PE, PC, Thread, Queue, Why
	EvGo                        // it goes on after N cycles: PE, PC, Thread, Queue, Why, N
	EvOpEnd                     // it is complete, N cycles after issue, this one included: PE, PC, Thread, N
	EvOpCut                     // it is still under way when a launch that does not end is over: the fields of EvOpEnd, after EvGo if it waits
	EvSend                      // a wavelet enters an output queue: PE, PC, Thread, Queue, Color, Wavelet, Value, Control
	EvUp                        // it leaves the queue for the router, ready there N cycles later: PE, Queue (hardware queues by id), Color, Wavelet, Value, Control, N
	EvHop                       // it leaves a router for the ports Tx, having entered by Rx: PE, Color, Wavelet, Value, Rx, Tx, Control
	EvTake                      // a CE takes it from an input queue: PE, PC (-1: a task is started by it), Thread, Queue, Color, Wavelet
	EvEnd                       // the launch is over; Cycle is the one after the last exit, or of the end without; N PEs have not exited
)

// Why an operation waits.
type Why uint8

// Reasons to wait.
const (
	WhyOperand Why = iota // no wavelet in its input queue
	WhyQueue              // its output queue is full because a receiver, or the way to it, does not take more
	WhyLink               // its output queue is full because other streams have the ramp or a link on the way
)

// Event is something that happened in a simulation. PE is y*W + x, PC the index of an instruction in Code.Ins, Thread that of a
// microthread in Code.Threads or len(Threads) for the CE itself, Queue an index into Code.Inputs or Code.Outputs, or -1: a FIFO in memory. Wavelet numbers a
// wavelet and all its multicast copies, from 1.
type Event struct {
	Kind     EventKind
	Why      Why
	Control  bool
	Rx       wse.Dir
	Tx       wse.DirSet
	Cycle, N int64
	PE       int
	Task, PC int32
	Thread   int32
	Queue    int32
	Color    int32
	Value    uint32
	Wavelet  int64
}

// A Sink is told what happens in a simulation, cycle by cycle, PEs in no stated order within a cycle but those of one PE in theirs.
// It must not keep the Event or change the simulation. Without a sink the engine makes no events.
type Sink interface{ Event(e *Event) }

// Tee is a sink that tells several.
type Tee []Sink

// Event implements Sink.
func (t Tee) Event(e *Event) {
	for _, s := range t {
		s.Event(e)
	}
}

// SetSink has all that happens from now on told to k; nil ends it. To be called between launches.
func (s *Sim) SetSink(k Sink) {
	s.tr = nil
	if k != nil {
		s.trains = nil
		s.tr = &tracer{s: s, sink: k, ids: make([]int64, len(s.ring))}
	}
}

// tracer makes events. Wavelets carry no number of their own, which would cost where nobody looks; queues keep order, so numbers that
// lie at the places of their wavelets in the rings follow them.
type tracer struct {
	s    *Sim
	sink Sink
	ids  []int64 // by place in Sim.ring
	last int64
	e    Event
}

func (r *tracer) emit(e Event) {
	r.e = e
	r.sink.Event(&r.e)
}

func (r *tracer) head(f *fifo) int { return int(f.off + f.head) }

// tail is the place of the next wavelet; that one leaves first in the meantime does not change it.
func (r *tracer) tail(f *fifo) int { return int(f.off + (f.head+f.n)%f.cap) }

func (r *tracer) ins(pe int, pc int32, t, n int64) {
	r.emit(Event{Kind: EvIns, Cycle: t, N: n, PE: pe, PC: pc, Task: r.s.curTask[pe]})
}

func (r *tracer) task(k EventKind, pe int, t, n int64) {
	r.emit(Event{Kind: k, Cycle: t, N: n, PE: pe, PC: -1, Task: r.s.curTask[pe]})
}

func (r *tracer) op(k EventKind, pe int, th *thread, t, n int64) {
	r.emit(Event{Kind: k, Cycle: t, N: n, PE: pe, PC: th.line, Thread: th.d.thread, Task: r.s.codes[r.s.class[pe]].ins[th.line].task})
}

// sleep is called before thread th begins to wait.
func (r *tracer) sleep(pe int, th *thread, k waitKind, t int64) {
	if th.wait == k {
		return
	}
	th.why = WhyOperand
	if k == waitPush {
		th.why = WhyQueue
	}
	if k == waitOut {
		th.why = r.full(pe, &r.s.fifos[r.s.outOf[pe]+r.s.codes[r.s.class[pe]].outHW[th.d.dst.queue]], t)
	}
	r.wait(EvStall, pe, th, k, t, 0)
}

// wake is called before thread th goes on.
func (r *tracer) wake(pe int, th *thread, t int64) {
	if th.wait != waitNone {
		r.wait(EvGo, pe, th, th.wait, t, t-th.since)
	}
}

func (r *tracer) wait(e EventKind, pe int, th *thread, k waitKind, t, n int64) {
	q := int32(-1)
	switch k {
	case waitIn:
		q = th.d.src[th.d.fabIn].queue
	case waitOut:
		q = th.d.dst.queue
	}
	r.emit(Event{Kind: e, Cycle: t, N: n, PE: pe, PC: th.line, Thread: th.d.thread, Queue: q, Color: -1, Why: th.why})
}

// end is called when a launch is over in cycle t; operations are under way only if it failed.
func (r *tracer) end(t int64) {
	s := r.s
	for pe := range s.thrOf[:len(s.thrOf)-1] {
		for i := s.thrOf[pe]; i < s.thrOf[pe+1]; i++ {
			if th := &s.threads[i]; th.d != nil {
				r.wake(pe, th, t)
				r.op(EvOpCut, pe, th, t, t-th.start)
			}
		}
	}
	r.emit(Event{Kind: EvEnd, Cycle: t, PE: -1, N: int64(s.nPEs - s.nExited)})
}

// full says what keeps output queue f of a PE full: it follows the full buffers to the first that is not.
func (r *tracer) full(pe int, f *fifo, t int64) Why {
	s, end := r.s, (t+1)*ticks
	i := s.head(f).aux & auxSlot
	if s.fifos[i].n < s.fifos[i].cap {
		return WhyLink // the ramp is shared
	}
	for range s.slots {
		sl, next := &s.slots[i], int32(-1)
		free := s.linkFree[int(sl.pe)*numPorts:]
		for m := uint(sl.tx); m != 0; m &= m - 1 {
			d := bits.TrailingZeros(m)
			to := sl.target[d]
			switch {
			case to < 0:
				return WhyQueue
			case s.fifos[to].n < s.fifos[to].cap:
				if free[d] >= end && !slices.Contains(s.moves, i) {
					return WhyLink
				}
				continue
			case d == int(wse.Ramp):
				return WhyQueue
			}
			next = to
		}
		if next < 0 {
			return WhyQueue // the way is as full as its rate makes it
		}
		i = next
	}
	return WhyQueue
}

// send is called when the wavelet of thread th has been pushed into its output queue.
func (r *tracer) send(pe int, th *thread, out *fifo, t int64) {
	r.last++
	r.ids[r.tail(&fifo{off: out.off, head: out.head, n: out.n - 1, cap: out.cap})] = r.last
	slot := r.s.slots[r.s.outSlot[r.s.outBind[pe]+th.d.dst.queue]]
	r.emit(Event{Kind: EvSend, Cycle: t, PE: pe, PC: th.line, Thread: th.d.thread, Queue: th.d.dst.queue, Color: int32(slot.color),
		Wavelet: r.last, Value: th.out, Control: th.d.dst.control || th.tail})
}

// take is called before the head of input queue in is popped by thread th, or by a task when th is nil.
func (r *tracer) take(pe int, th *thread, in int32, t int64) {
	f := &r.s.fifos[r.s.inOf[pe]+in]
	e := Event{Kind: EvTake, Cycle: t, PE: pe, PC: -1, Thread: -1, Queue: in, Wavelet: r.ids[r.head(f)], Value: r.s.head(f).val,
		Color: int32(r.s.colorOf(pe, in))}
	if th != nil {
		e.PC, e.Thread = th.line, th.d.thread
	}
	r.emit(e)
}

// hop is called before router buffer i sends its oldest wavelet.
func (r *tracer) hop(i int32, t int64) {
	s, sl := r.s, &r.s.slots[i]
	f := &s.fifos[i]
	id, w := r.ids[r.head(f)], s.head(f)
	for m := uint(sl.tx); m != 0; m &= m - 1 {
		if to := sl.target[bits.TrailingZeros(m)]; to >= 0 {
			r.ids[r.tail(&s.fifos[to])] = id
		}
	}
	r.emit(Event{Kind: EvHop, Cycle: t, PE: int(sl.pe), PC: -1, Color: int32(sl.color), Wavelet: id, Value: w.val, Rx: sl.rx, Tx: wse.DirSet(sl.tx),
		Control: w.aux&isControl != 0})
}

// up is called before output queue u gives its oldest wavelet to the router.
func (r *tracer) up(u int32, t int64) {
	f := &r.s.fifos[u]
	w := r.s.head(f)
	id, to := r.ids[r.head(f)], w.aux&auxSlot
	r.ids[r.tail(&r.s.fifos[to])] = id
	sl := &r.s.slots[to]
	r.emit(Event{Kind: EvUp, Cycle: t, N: int64(max(1, r.s.m.RampOutCycles)), PE: int(sl.pe), PC: -1, Queue: u - r.s.outOf[sl.pe],
		Color: int32(sl.color), Wavelet: id, Value: w.val, Control: w.aux&isControl != 0})
}

// Code describes a class as compiled, for those who read events.
type Code struct {
	Class   string
	Args    []string
	Ins     []Ins
	Tasks   []*wse.Task
	Threads []int       // ids of the microthreads in use
	Inputs  []wse.Queue // by id
	Outputs []wse.Queue // by id; those of one hardware queue have one id
}

// Ins is one instruction.
type Ins struct {
	Task  int    // index in Code.Tasks
	Line  string // of the source
	Text  string
	Op    *wse.Op // nil for scalar code
	N     int     // elements of the operation
	In    bool    // it takes wavelets
	Out   bool    // it sends wavelets
	Async bool
	Setup int // cycles before its first element
	Ticks int // per element
	Plain int // Ticks without bank conflicts or pairing of banks
	Addr  int // byte address of the first element of its first source in memory
	// Counts names the register that the instruction changes by a constant, for loop counters.
	Counts string
}

// Codes describes the classes in the order of the program.
func (s *Sim) Codes() []Code {
	var out []Code
	for _, k := range s.codes {
		names := make([]string, len(k.regs))
		for n, r := range k.regs {
			names[r] = n
		}
		c := Code{Class: k.class.Name, Args: k.class.Args, Tasks: k.class.Tasks, Threads: k.threads, Inputs: k.inputs, Outputs: k.outputs}
		for i := range k.ins {
			c.Ins = append(c.Ins, s.describe(k, &k.ins[i], names))
		}
		out = append(out, c)
	}
	return out
}

func (s *Sim) describe(k *code, in *ins, names []string) Ins {
	x := Ins{Task: int(in.task), Line: in.line}
	switch d := in.dsd; in.kind {
	case iOp:
		x.Op, x.N, x.In, x.Out, x.Async, x.Text = d.op, int(d.n), d.fabIn >= 0, d.fabOut, d.op.Async, d.op.String()
		x.Setup, x.Ticks, x.Plain = d.rate.Setup, d.rate.Ticks, s.m.Rate(d.op.Code, d.op.Elem).Ticks
		if x.In || x.Out {
			x.Setup = s.m.FabricSetup
		}
		for i := d.nsrc - 1; i >= 0; i-- {
			if d.src[i].kind == wse.Mem {
				x.Addr = int(d.src[i].base) + k.layout.DataStart
			}
		}
	case iSet:
		x.Text = "set %" + names[in.dst]
		if (in.fn == wse.SetAdd || in.fn == wse.SetSub) && in.a.reg == in.dst && in.b.reg < 0 {
			x.Counts = names[in.dst]
		}
	case iLoad:
		x.Text = "load %" + names[in.dst]
	case iBranch, iLoop, iJump:
		x.Text = "branch"
	case iReroute:
		x.Text = "reroute"
	case iRebind:
		x.Text = "rebind " + in.rebind.x.Queue
	case iCall:
		x.Text = "call"
	case iFetch:
		x.Text = "fetch"
	case iStamp:
		x.Text = "time"
	case iCtl:
		x.Text = in.ctl.String() + " task"
	case iExit:
		x.Text = "exit"
	case iEnd:
		x.Text = "end"
	}
	return x
}

// ClassOf is the index of the class of every PE in Codes, -1 for those without program.
func (s *Sim) ClassOf() []int32 { return s.class }

// Size is the mesh in PEs.
func (s *Sim) Size() (w, h int) { return s.w, s.h }

// Machine is the machine simulated.
func (s *Sim) Machine() wse.Machine { return s.m }
