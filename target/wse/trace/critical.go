package trace

import (
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// critical finds the critical path while the simulation runs, in memory that grows with what is under way and not with time: every CE,
// microthread and wavelet carries the account of the longest chain that led to it. Whoever waits for a wavelet takes over the wavelet's
// account when it arrives, and a task that starts after a microthread's end takes over the microthread's.
type critical struct {
	p       *Profile
	ce      []clock
	threads []clock // by PE, at base[PE] + thread
	base    []int
	done    []clock // the last microthread that ended, by PE
	waves   map[int64]*wave
	free    []*wave
	task    []*wave // wavelet that is about to start a task, by PE
	exit    clock
	ended   bool
	cut     bool // exit is that of an operation that never ended
	start   int64
}

// clock is an account: its cycles are exactly those from the launch to at.
type clock struct {
	c      cycles
	at     int64
	path   *step // what came before the current operation
	from   int64 // begin of its part on the path
	pe     int32
	pc     int32
	setup  int64 // cycles of set-up left
	waited bool  // for the next wavelet
}

// wave is a wavelet under way.
type wave struct {
	clock
	copies int
}

// step is one element of a path. pc is an instruction, or one of the values below.
type step struct {
	prev *step
	pe   int32
	pc   int32
	task int32
	from int64
	n    int64
	mark *step // the last end of an iteration before and including this step
	// before is the end of the iteration before, of a step that ends one.
	before *step
}

const (
	stepNetwork  = -1
	stepDispatch = -2
	stepIdle     = -3
)

func newCritical(p *Profile) *critical {
	k := &critical{p: p, ce: make([]clock, len(p.class)), done: make([]clock, len(p.class)), waves: map[int64]*wave{}, task: make([]*wave, len(p.class))}
	n := 0
	for _, c := range p.class {
		k.base = append(k.base, n)
		if c >= 0 {
			n += len(p.codes[c].Threads)
		}
	}
	k.threads = make([]clock, n)
	return k
}

// then adds a step to a path; steps without cycles are left out.
func then(prev *step, s step) *step {
	if s.n <= 0 {
		return prev
	}
	s.prev = prev
	s.mark = nil
	if prev != nil {
		s.mark = prev.mark
	}
	return &s
}

// thread is the clock of an operation in progress.
func (k *critical) thread(e *sim.Event) *clock {
	if int(e.Thread) == len(k.p.codes[k.p.class[e.PE]].Threads) {
		return &k.ce[e.PE]
	}
	return &k.threads[k.base[e.PE]+int(e.Thread)]
}

// pass has the clock of an operation go on to t without waiting.
func (k *critical) pass(c *clock, t int64) {
	n := t - c.at
	if n <= 0 {
		return
	}
	in := &k.p.codes[k.p.class[c.pe]].Ins[c.pc]
	s := min(n, c.setup)
	c.c[setup] += s
	c.setup -= s
	c.c[pace(in)] += n - s
	c.at = t
}

// close ends the current part of an operation on its path at t.
func (c *clock) close(t int64) *step {
	return then(c.path, step{pe: c.pe, pc: c.pc, from: c.from, n: t - c.from})
}

func (k *critical) event(e *sim.Event) {
	switch e.Kind {
	case sim.EvLaunch:
		for i := range k.ce {
			k.ce[i] = clock{at: e.Cycle, pe: int32(i)}
			k.done[i], k.task[i] = clock{at: e.Cycle - 1}, nil
		}
		clear(k.waves)
		k.ended, k.cut, k.start = false, false, e.Cycle
	case sim.EvDispatch:
		k.dispatch(e)
	case sim.EvIns:
		k.ins(e)
	case sim.EvOpBegin:
		ce, c := &k.ce[e.PE], k.thread(e)
		if c != ce {
			*c = *ce
		}
		c.pe, c.pc, c.from, c.waited = int32(e.PE), e.PC, c.at, false
		c.setup = int64(k.p.codes[k.p.class[e.PE]].Ins[e.PC].Setup) - (c.at - e.Cycle)
	case sim.EvStall:
		k.pass(k.thread(e), e.Cycle)
	case sim.EvGo:
		c := k.thread(e)
		c.c[stall(e.Why)] += e.N
		c.at = e.Cycle
		c.waited = e.Why == sim.WhyOperand && e.Queue >= 0
	case sim.EvSend:
		c := k.thread(e)
		k.pass(c, e.Cycle)
		w := k.wave()
		w.clock, w.copies = *c, 1
		w.path = c.close(e.Cycle)
		k.waves[e.Wavelet] = w
	case sim.EvHop:
		if w := k.waves[e.Wavelet]; w != nil {
			w.copies--
			for t := uint(e.Tx); t != 0; t &= t - 1 {
				w.copies++
			}
		}
	case sim.EvTake:
		k.take(e)
	case sim.EvOpEnd:
		c := k.thread(e)
		k.pass(c, e.Cycle+1)
		c.path = c.close(e.Cycle + 1)
		if c != &k.ce[e.PE] {
			k.done[e.PE] = *c
		}
	case sim.EvOpCut: // the first of them stands for what keeps the launch from ending
		if c := k.thread(e); !k.cut {
			k.pass(c, e.Cycle)
			k.exit, k.cut = *c, true
			k.exit.path = c.close(e.Cycle)
		}
	case sim.EvExit:
		k.exit = k.ce[e.PE]
		k.exit.c[control]++
		k.exit.path = then(k.exit.path, step{pe: int32(e.PE), pc: k.exit.pc, from: e.Cycle, n: 1})
		k.ended = true
	case sim.EvEnd:
		switch {
		case e.N == 0 && k.ended, k.cut:
			k.p.f.critical.add(&k.exit.c)
			k.p.f.steps = lastIteration(k.exit.path)
		default: // nothing is under way, and somebody has not exited
			k.p.f.critical[idle] += e.Cycle - k.start
			k.p.f.steps = nil
		}
	}
}

func (k *critical) wave() *wave {
	if n := len(k.free); n > 0 {
		w := k.free[n-1]
		k.free = k.free[:n-1]
		return w
	}
	return &wave{}
}

// take has an operation that waited, or a task, take over the account of a wavelet.
func (k *critical) take(e *sim.Event) {
	w := k.waves[e.Wavelet]
	if w == nil {
		return
	}
	if e.PC < 0 {
		t := *w
		k.task[e.PE] = &t
	} else if c := k.thread(e); c.waited {
		c.waited = false
		k.arrive(c, w, e.PE, e.Cycle)
		c.setup = 0
	}
	if w.copies--; w.copies == 0 {
		delete(k.waves, e.Wavelet)
		w.path = nil
		k.free = append(k.free, w)
	}
}

// arrive puts the account of a wavelet, with its way, in the place of c's.
func (k *critical) arrive(c *clock, w *wave, pe int, t int64) {
	n := t - w.at
	dx, dy := pe%k.p.w-int(w.pe)%k.p.w, pe/k.p.w-int(w.pe)/k.p.w
	m := &k.p.m
	least := min(n, int64(1+max(1, m.RampOutCycles)+max(1, m.RampInCycles)+(max(dx, -dx)+max(dy, -dy))*max(1, m.HopCycles)))
	c.c = w.c
	c.c[network] += least
	c.c[congestion] += n - least
	c.path = then(w.path, step{pe: w.pe, pc: stepNetwork, task: int32(pe), from: w.at, n: n})
	c.at, c.from = t, t
}

func (k *critical) dispatch(e *sim.Event) {
	c := &k.ce[e.PE]
	if w := k.task[e.PE]; w != nil {
		if e.Cycle > c.at {
			k.arrive(c, w, e.PE, e.Cycle)
		}
		k.task[e.PE] = nil
	}
	if d := &k.done[e.PE]; d.at > c.at && d.at <= e.Cycle {
		c.c, c.at, c.path = d.c, d.at, d.path
	}
	if n := e.Cycle - c.at; n > 0 {
		c.c[idle] += n
		c.path = then(c.path, step{pe: int32(e.PE), pc: stepIdle, from: c.at, n: n})
	}
	c.c[dispatch] += e.N
	c.path = then(c.path, step{pe: int32(e.PE), pc: stepDispatch, task: e.Task, from: e.Cycle, n: e.N})
	c.at = e.Cycle + e.N
}

func (k *critical) ins(e *sim.Event) {
	c := &k.ce[e.PE]
	code := &k.p.codes[k.p.class[e.PE]]
	in := &code.Ins[e.PC]
	d := split(in, e.N)
	c.c.add(&d)
	c.at, c.pc = e.Cycle+e.N, e.PC
	c.path = then(c.path, step{pe: int32(e.PE), pc: e.PC, from: e.Cycle, n: e.N})
	if len(code.Args) > 1 && in.Counts == code.Args[1] && c.path != nil {
		// An iteration ends. What was two iterations ago will not be asked for.
		s := *c.path
		s.before = s.mark
		if old := s.before; old != nil && old.before != nil {
			old.before.prev, old.before.before = nil, nil
		}
		c.path = &s
		s.mark = &s
	}
}

// lastIteration lists the steps of the last iteration on a path, in order of time.
func lastIteration(end *step) (out []*step) {
	s := end
	if s != nil && s.mark != nil {
		for s != s.mark {
			s = s.prev
		}
	}
	for first := s; s != nil; s = s.prev {
		if s != first && s.mark == s {
			break
		}
		out = append(out, s)
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
