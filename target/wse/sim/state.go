package sim

import (
	"fmt"
	"math"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/target/wse"
)

const never = math.MaxInt64

// wavelet is 32 bits under way; ready is the first cycle it can move on.
type wavelet struct {
	ready int64
	val   uint32
	aux   int32 // isControl, and in output queues the router buffer it goes to
}

const (
	isControl = int32(1) << 30
	isLast    = int32(1) << 29 // the switch of the first router it passes advances behind it
	auxSlot   = isLast - 1
)

// fifo is a ring in Sim.ring.
type fifo struct {
	off          int32
	head, n, cap int32
	popped       int64 // cycle in which a wavelet left last; kept for router buffers only
}

// thread is a DSD operation in progress with a fabric operand.
type thread struct {
	d     *dsd  // nil = free
	next  int64 // tick of the next element
	done  int32 // elements completed
	wait  waitKind
	why   Why      // of wait, when traced
	tail  bool     // only the advance after the data is left to send
	base  [4]int32 // byte offsets: dst, sources
	in    uint32   // wavelet being unpacked
	out   uint32   // wavelet being packed
	val   [3]uint32
	acc   uint32
	line  int32
	start int64
	since int64
}

type waitKind uint8

const (
	waitNone waitKind = iota
	waitIn
	waitOut
	waitPop  // a FIFO in memory is empty
	waitPush // or full
)

// Ports beyond the five of wse.Dir: the ramp from the CE up to the router.
const (
	portUp   = 5
	numPorts = 6
)

// Targets of a router buffer's port that cannot take a wavelet.
const (
	noTarget   = -1
	leavesMesh = -2
	notRouted  = -3
	noQueue    = -4
)

// slot is the router buffer of one color in one PE, with its route.
type slot struct {
	color  int16
	tx     uint8
	rx     wse.Dir
	no     uint8    // number in its PE, ascending by color
	target [5]int32 // neighbour's slot, or input fifo for the ramp
	pe     int32
	up     int32 // PE that fills the buffer
}

// Sim is a program on a machine, between or in launches. It is not safe for
// concurrent use.
type Sim struct {
	Threads int // cores that simulate; 0 = all. Results do not depend on it.

	prog  *wse.Program
	m     wse.Machine
	opt   Options
	codes []*code

	w, h  int
	class []int32 // per PE, -1 = not programmed
	cycle int64

	mem     []byte
	memBase []int
	regs    []uint32
	tick    func(cycle int64, args []int32) // see OnTick
	offers  offers
	regBase []int32

	ring    []wavelet
	fifos   []fifo // router buffers first, in the order of slots; then queues
	slots   []slot
	slotOf  []int32 // first slot of a PE, len PEs+1
	inOf    []int32 // first input fifo of a PE
	outOf   []int32 // first output fifo of a PE
	outSlot []int32 // per PE and output binding: the router buffer, or notRouted
	outBind []int32 // first entry of outSlot of a PE

	inPE     []int32 // fifo -> PE, for input fifos (index minus len(slots))
	linkFree []int64 // per PE and port, ticks
	links    []uint32

	ceNext    []int64
	mainReady []int64
	pc        []int32
	curTask   []int32
	active    []uint64 // bit per task of the class
	blocked   []uint64
	shut      []uint64 // bit per input queue of the class that is blocked
	running   []uint64 // bit per microthread in progress; like the next two it keeps what is idle out of the cache
	laden     []uint64 // bit per router buffer that holds wavelets
	queued    []uint64 // bit per output fifo that does
	threads   []thread
	thrOf     []int32
	exited    []bool
	rnext     []int64 // see decide

	moves   []int32 // router buffers that move this cycle
	ups     []int32 // output fifos that move up this cycle
	pending []pending
	nExited int
	nPEs    int

	injected, copied, consumed int64 // wavelets, for conservation
	hostWords                  int64
	faults                     map[int32][]int // router buffer -> options' faults
	faultSeen                  []int64
	stats                      Stats
	perClass                   []ClassStats
	opCycles                   [][]int64
	tr                         *tracer // nil: nobody is told

	// Of programs that change their routers, see switch.go.
	dyn      []*dynamic // per router buffer; nil = static program, nil entry = static buffer
	flushing []bool     // PE waits in a rebind
	inColor  []int32    // color of each input queue
	laters   []later

	memFifos []memFifo
	fifoOf   []int32    // first FIFO of a PE
	debt     []int64    // ticks microthreads took of a PE's CE and were not yet charged
	err      error      // of commit
	late     bool       // all moves at the end of a cycle: tests
	words    []uint32   // of the array that Restore reads
	lanes    []*lane    // see divide; nil = one
	crowd    int        // PEs that acted in the last cycle
	crowded  int        // see there
	trains   *trains    // nil: every cycle is simulated
	roused   []int32    // places of regions asleep that are touched from the next cycle on
	laps     *laps      // nil: all by the rules
	rec      *lapRecord // nil: nothing is written down
}

type pending struct {
	pe, task int32
	kind     wse.CompletionKind
}

// Options of a simulation.
type Options struct {
	Checked   bool // the program has passed wse.Check for the machine: not again
	Faults    []Fault
	OpCycles  bool  // count cycles per instruction
	MaxCycles int64 // 0 = no limit; a launch beyond it is an error
	Sink      Sink  // nil = none; see SetSink
	Trains    bool  // move what streams in slices where nothing can tell, see trains; not with a Sink or Faults
}

// Fault flips bit Bit of the Nth wavelet (from 0) of Color that leaves the
// router of PE (X, Y).
type Fault struct {
	X, Y, Color int
	N           int64
	Bit         int
}

// New verifies the program, lays out its memory and resets all PEs.
func New(p *wse.Program, m wse.Machine, opt Options) (*Sim, error) {
	if !opt.Checked {
		if err := wse.Check(p, m); err != nil {
			return nil, err
		}
	}
	lays, err := wse.Layout(p, m)
	if err != nil {
		return nil, diag.New("WF0509", diag.Span{}, "%v", err)
	}
	s := &Sim{prog: p, m: m, opt: opt, w: p.W, h: p.H, crowded: crowded}
	for i, c := range p.Classes {
		k, err := compile(c, lays[i], m)
		if err != nil {
			return nil, diag.New("WF0508", diag.Span{}, "%v", err)
		}
		s.codes = append(s.codes, k)
		s.opCycles = append(s.opCycles, make([]int64, len(k.ins)))
	}
	s.place()
	s.fabric()
	for pe := range s.class {
		if s.class[pe] >= 0 {
			s.resetPE(pe)
		}
	}
	s.perClass = make([]ClassStats, len(s.codes))
	for i, f := range opt.Faults {
		sl := int32(-1)
		if f.X >= 0 && f.Y >= 0 && f.X < s.w && f.Y < s.h {
			sl = s.findSlot(f.Y*s.w+f.X, int32(f.Color))
		}
		if sl < 0 || f.Bit < 0 || f.Bit > 31 {
			return nil, fmt.Errorf("fault %d: PE (%d,%d) routes no color %d, or bit %d is not in a wavelet", i, f.X, f.Y, f.Color, f.Bit)
		}
		if s.faults == nil {
			s.faults = map[int32][]int{}
		}
		s.faults[sl] = append(s.faults[sl], i)
	}
	s.faultSeen = make([]int64, len(s.slots))
	s.SetSink(opt.Sink)
	s.newTrains()
	return s, nil
}

// each calls f for every PE of a region inside the mesh.
func (s *Sim) each(r wse.Region, f func(pe int)) {
	step := func(r wse.Range) int { return max(1, r.Step) }
	for y := r.Y.Lo; y < min(r.Y.Hi, s.h); y += step(r.Y) {
		for x := r.X.Lo; x < min(r.X.Hi, s.w); x += step(r.X) {
			f(y*s.w + x)
		}
	}
}

// place gives every PE its class, memory, registers and threads.
func (s *Sim) place() {
	n := s.w * s.h
	s.class = classes(s.prog)
	s.memBase, s.regBase, s.thrOf = make([]int, n+1), make([]int32, n+1), make([]int32, n+1)
	var mem int
	var regs, thr int32
	for pe := 0; pe <= n; pe++ {
		s.memBase[pe], s.regBase[pe], s.thrOf[pe] = mem, regs, thr
		if pe < n && s.class[pe] >= 0 {
			k := s.codes[s.class[pe]]
			mem += k.layout.End - k.layout.DataStart
			regs += int32(len(k.regs))
			thr += int32(len(k.threads) + 1)
			s.nPEs++
		}
	}
	s.fifoOf, s.debt = make([]int32, n+1), make([]int64, n)
	for pe, c := range s.class {
		s.fifoOf[pe+1] = s.fifoOf[pe]
		if c >= 0 {
			s.fifoOf[pe+1] += int32(len(s.codes[c].fifos))
		}
	}
	s.memFifos = make([]memFifo, s.fifoOf[n])
	for i := range s.memFifos {
		s.memFifos[i].pushT, s.memFifos[i].popT = -1, -1
	}
	s.mem, s.regs, s.threads = huge(make([]byte, mem)), make([]uint32, regs), huge(make([]thread, thr))
	s.ceNext, s.mainReady = make([]int64, n), make([]int64, n)
	s.pc, s.curTask = make([]int32, n), make([]int32, n)
	s.active, s.blocked, s.shut = make([]uint64, n), make([]uint64, n), make([]uint64, n)
	s.running, s.laden, s.queued = make([]uint64, n), make([]uint64, n), make([]uint64, n)
	s.exited = make([]bool, n)
	s.rnext = make([]int64, n)
	s.linkFree, s.links = make([]int64, n*numPorts), make([]uint32, n*numPorts)
}

// fabric builds router buffers, queues and the tables between them.
func (s *Sim) fabric() {
	n := s.w * s.h
	routes := append([]wse.Route(nil), s.prog.Routes...)
	perPE := make([]int32, n+1)
	for _, r := range routes {
		s.each(r.Region, func(pe int) { perPE[pe]++ })
	}
	s.slotOf = make([]int32, n+1)
	total := int32(0)
	for pe := 0; pe <= n; pe++ {
		s.slotOf[pe] = total
		total += perPE[pe]
	}
	s.slots = make([]slot, total)
	fill := append([]int32(nil), s.slotOf[:n]...)
	for color := 0; color < s.m.UsableColors; color++ { // ascending color within a PE: the tie rule
		for _, r := range routes {
			if r.Color == color {
				s.each(r.Region, func(pe int) {
					s.slots[fill[pe]] = slot{color: int16(color), tx: uint8(r.Tx), rx: r.Rx, no: uint8(fill[pe] - s.slotOf[pe]), pe: int32(pe)}
					fill[pe]++
				})
			}
		}
	}
	s.makeDynamic(routes)
	s.fifos = make([]fifo, 0, s.countFifos())
	for range s.slots {
		s.addFifo(s.m.RouterDepth)
	}
	s.inOf, s.outOf, s.outBind = make([]int32, n+1), make([]int32, n+1), make([]int32, n+1)
	for pe := 0; pe <= n; pe++ {
		s.inOf[pe] = int32(len(s.fifos))
		if pe < n && s.class[pe] >= 0 {
			for _, q := range s.codes[s.class[pe]].inputs {
				s.addFifo(s.m.InQueues[q.ID].Depth)
				s.inPE = append(s.inPE, int32(pe))
				s.inColor = append(s.inColor, int32(q.Color(pe%s.w, pe/s.w)))
			}
		}
	}
	for pe := 0; pe <= n; pe++ {
		s.outOf[pe], s.outBind[pe] = int32(len(s.fifos)), int32(len(s.outSlot))
		if pe == n || s.class[pe] < 0 {
			continue
		}
		k := s.codes[s.class[pe]]
		for _, id := range k.outIDs {
			s.addFifo(s.m.OutQueues[id].Depth)
		}
		for _, q := range k.outputs {
			s.outSlot = append(s.outSlot, s.fromRamp(pe, int32(q.Color(pe%s.w, pe/s.w))))
		}
	}
	s.ring = huge(make([]wavelet, s.ringSize()))
	for i := range s.slots {
		s.link(int32(i))
	}
}

func (s *Sim) countFifos() int {
	n := len(s.slots)
	for _, c := range s.class {
		if c >= 0 {
			n += len(s.codes[c].inputs) + len(s.codes[c].outIDs)
		}
	}
	return n
}

func (s *Sim) addFifo(depth int) {
	s.fifos = append(s.fifos, fifo{off: int32(s.ringSize()), cap: int32(max(1, depth)), popped: -1})
}

func (s *Sim) ringSize() int {
	if n := len(s.fifos); n > 0 {
		return int(s.fifos[n-1].off + s.fifos[n-1].cap)
	}
	return 0
}

func (s *Sim) findSlot(pe int, color int32) int32 {
	for i := s.slotOf[pe]; i < s.slotOf[pe+1]; i++ {
		if int32(s.slots[i].color) == color {
			return i
		}
	}
	return notRouted
}

// link resolves where each port of a route leads.
func (s *Sim) link(i int32) {
	sl := &s.slots[i]
	pe := int(sl.pe)
	x, y := pe%s.w, pe/s.w
	sl.up = sl.pe
	if dx, dy := sl.rx.Delta(); x+dx >= 0 && y+dy >= 0 && x+dx < s.w && y+dy < s.h {
		sl.up = int32((y+dy)*s.w + x + dx)
	}
	for d := wse.North; d <= wse.Ramp; d++ {
		sl.target[d] = noTarget
		if sl.tx&(1<<d) == 0 {
			continue
		}
		if d == wse.Ramp {
			sl.target[d] = s.toQueue(pe, int32(sl.color))
			continue
		}
		dx, dy := d.Delta()
		nx, ny := x+dx, y+dy
		if nx < 0 || ny < 0 || nx >= s.w || ny >= s.h {
			sl.target[d] = leavesMesh
			continue
		}
		if t := s.findSlot(ny*s.w+nx, int32(sl.color)); t >= 0 && s.everFrom(t, d.Opposite()) {
			sl.target[d] = t
		} else {
			sl.target[d] = notRouted
		}
	}
}

func (s *Sim) resetPE(pe int) {
	k := s.codes[s.class[pe]]
	x, y := pe%s.w, pe/s.w
	s.pc[pe], s.ceNext[pe] = -1, never
	for i, t := range k.tasks {
		if t.t.Blocked {
			s.blocked[pe] |= 1 << i
		}
	}
	for i, p := range k.class.Params {
		s.regs[int(s.regBase[pe])+i] = uint32(p.Base + p.PX*int32(x) + p.PY*int32(y))
	}
	for i, a := range k.class.Arrays {
		if a.Init == nil {
			continue
		}
		at := s.memBase[pe] + k.layout.Addr[i] - k.layout.DataStart
		for j := 0; j < a.Len; j++ {
			s.store(at+j*a.Elem.Bytes(), a.Elem.Bytes(), Encode(a.Elem, a.Init.At(j, x, y)))
		}
	}
}
