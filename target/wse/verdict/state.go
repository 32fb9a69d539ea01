package verdict

// value of a register: known, or why it is not.
type value struct {
	v   int32
	why Reason // NoReason = known
}

// run is a stretch of equal wavelets in a pipe.
type run struct {
	n    int32
	port int16 // output of the class that sent it, while in a queue with several colors
	ctl  bool
	last bool // the own router of its sender, which comes next, advances behind it
	why  Reason
	val  int32
	ev   int32 // recorded event that sent it
}

type queue struct {
	n    int
	runs []run
}

func (q *queue) push(r run) {
	q.n += int(r.n)
	if k := len(q.runs); k > 0 {
		if l := &q.runs[k-1]; l.port == r.port && l.ctl == r.ctl && !l.last && !r.last && l.why == r.why && l.val == r.val && l.ev == r.ev {
			l.n += r.n
			return
		}
	}
	q.runs = append(q.runs, r)
}

// pop takes n wavelets of the first run, which has as many.
func (q *queue) pop(n int) run {
	r := q.runs[0]
	q.n -= n
	if q.runs[0].n -= int32(n); q.runs[0].n == 0 {
		q.runs = append(q.runs[:0], q.runs[1:]...)
	}
	r.n = int32(n)
	return r
}

// thread is a DSD operation under way.
type thread struct {
	op   *op // nil = free
	done int
	val  value // of what it sends
	inst *inst
	ev   int32
	tail bool // the control wavelet at its end is sent
	cut  bool // a control wavelet has ended it
	full bool // has waited for room since the event's dependencies were noted
}

// pe is the state of one PE.
type pe struct {
	regs    []value
	active  uint64
	blocked uint64
	shut    uint64 // blocked input queues
	// Bits set by a statement and not by a completion nobody waited for: certain in every schedule.
	sureActive  uint64
	sureUnblock uint64
	task, pc    int // task -1 = idle
	exits       int
	asked       int   // loads of shared arrays in this launch
	fifos       []int // elements in each array that is a FIFO
	halted      bool  // it broke a rule
	goOn        bool  // a statement that waited for a choice goes on
	thr         []thread
	order       *order // nil while schedules are enumerated
}

// state of an execution.
type state struct {
	m       *model
	pes     []pe
	q       []queue
	routers []routerState
	steps   int
	moves   int

	loaded []int32 // what loads of shared arrays give in this launch

	fault *Wait // a rule that was broken, which ends the execution

	why    Reason // Undecided
	detail string

	dirtyPE   []int32
	inPE      []bool
	dirtyPipe []int32
	inPipe    []bool

	rec     *recorder // nil = not recorded
	races   *races    // nil while schedules are enumerated
	hazards map[int]bool
	explore map[int]bool // PEs whose picks and contended completions are left to the caller
	hazard  string       // the first
	cand    []candidate  // see candidates
}

func newState(m *model) *state {
	s := &state{m: m, pes: make([]pe, len(m.class)), q: make([]queue, len(m.pipes)),
		inPE: make([]bool, len(m.class)), inPipe: make([]bool, len(m.pipes)), hazards: map[int]bool{}}
	for _, d := range m.routers {
		st := routerState{at: d.sets[0].start, torn: d.torn}
		if d.filter != nil {
			st.counter = d.filter.Init
		}
		s.routers = append(s.routers, st)
	}
	for i, c := range m.class {
		if c < 0 {
			continue
		}
		k, p := m.codes[c], &s.pes[i]
		p.regs = make([]value, len(k.regs))
		for j, q := range k.class.Params {
			p.regs[j].v = q.Base + q.PX*int32(m.x(i)) + q.PY*int32(m.y(i))
		}
		for j, t := range k.tasks {
			if t.t.Blocked {
				p.blocked |= 1 << j
			}
		}
		p.thr = make([]thread, len(k.uts)+1)
		p.fifos = make([]int, len(k.class.Arrays))
		p.task = -1
		p.sureUnblock = ^uint64(0)
	}
	return s
}

// launch activates the entries for launch n. Arguments that are not given are unknown.
func (s *state) launch(launches [][]int32, n int) {
	args := launches[n]
	s.loaded = nil
	if n < len(s.m.loaded) {
		s.loaded = s.m.loaded[n]
	}
	for i, c := range s.m.class {
		if c < 0 {
			continue
		}
		k, p := s.m.codes[c], &s.pes[i]
		for j, r := range k.args {
			p.regs[r] = value{why: ReasonArgs}
			if j < len(args) {
				p.regs[r] = value{v: args[j]}
			}
		}
		p.exits, p.asked = 0, 0
		p.active |= 1 << k.entry
		p.sureActive |= 1 << k.entry
		p.sureUnblock = ^uint64(0)
		if s.races != nil {
			p.order = newOrder(len(k.tasks))
		}
		s.wakePE(int32(i))
	}
}

func (s *state) wakePE(i int32) {
	if i >= 0 && !s.inPE[i] {
		s.inPE[i] = true
		s.dirtyPE = append(s.dirtyPE, i)
	}
}

func (s *state) wakePipe(i int32) {
	if !s.inPipe[i] {
		s.inPipe[i] = true
		s.dirtyPipe = append(s.dirtyPipe, i)
	}
}

// settle executes until nothing more can happen, or until only choices are left.
func (s *state) settle() {
	for s.why == NoReason {
		switch {
		case len(s.dirtyPipe) > 0:
			i := s.dirtyPipe[len(s.dirtyPipe)-1]
			s.dirtyPipe = s.dirtyPipe[:len(s.dirtyPipe)-1]
			s.inPipe[i] = false
			s.flow(i)
		case len(s.dirtyPE) > 0:
			i := s.dirtyPE[0]
			s.dirtyPE = s.dirtyPE[1:]
			s.inPE[i] = false
			s.stepPE(int(i))
		default:
			return
		}
	}
}

// flow moves what a pipe holds to its followers.
func (s *state) flow(i int32) {
	b, q := &s.m.pipes[i], &s.q[i]
	if b.router != nil {
		s.flowRouter(i)
		return
	}
	moved := false
	for q.n > 0 {
		next := b.next
		if b.ports != nil {
			next = b.ports[q.runs[0].port]
		}
		if len(next) == 0 {
			break
		}
		k := int(q.runs[0].n)
		for _, j := range next {
			if j < 0 || !s.accepts(j, i) {
				k = 0
				break
			}
			k = min(k, s.m.pipes[j].cap-s.q[j].n)
			if (q.runs[0].ctl || q.runs[0].last) && s.m.pipes[j].router != nil {
				k = min(k, 1)
			}
		}
		if k <= 0 {
			break
		}
		moved = true
		r := q.pop(k)
		r.port = 0
		s.moves += k
		for _, j := range next {
			s.q[j].push(r)
			s.wakePipe(j)
			s.wakePE(s.m.pipes[j].reader)
		}
	}
	if moved {
		s.room(i)
	}
	if s.moves > maxMoves {
		s.give(ReasonLoop, "too many wavelets move in one launch")
	}
}

// room tells who fills pipe i that there is room.
func (s *state) room(i int32) {
	b := &s.m.pipes[i]
	if b.router != nil {
		for _, j := range b.router.from {
			s.wakePipe(j)
		}
	} else if b.up >= 0 {
		s.wakePipe(b.up)
	}
	s.wakePE(b.writer)
}

// give ends the execution without a verdict.
func (s *state) give(r Reason, detail string) {
	if s.why == NoReason {
		s.why, s.detail = r, detail
	}
}

// ended reports that every PE has exited and nothing is under way.
func (s *state) ended() bool {
	for i := range s.pes {
		if s.m.class[i] < 0 {
			continue
		}
		if s.pes[i].exits == 0 || s.pes[i].task >= 0 {
			return false
		}
		for j := range s.pes[i].thr {
			if s.pes[i].thr[j].op != nil {
				return false
			}
		}
	}
	for i := range s.q {
		if s.q[i].n > 0 {
			return false
		}
	}
	return true
}
