package trace

import (
	"github.com/wfc-lang/wfc/report"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// ports: the five of wse.Dir, then the ramp from the CE up.
const (
	up    = int(wse.Ramp) + 1
	ports = up + 1
)

// Profile accounts for every cycle of every compute element, by function, class and statement. The cycles between the work of a CE are
// idle; those in which it waits for microthreads are told apart. Use: New, sim.SetSink, Begin before each launch, Report at the end.
type Profile struct {
	m     wse.Machine
	codes []sim.Code
	class []int32
	w     int
	funcs []*function
	at    map[string]*function
	f     *function
	pes   []peState
	path  *critical
	start int64
}

// function is what is known of one device function.
type function struct {
	name       string
	launches   int64
	iterations int64
	cycles     int64
	ops        [][]opCount // by class and instruction
	dispatch   [][]opCount // by class and task
	idle       []cycles    // by class
	sent       []int64     // by class
	taken      []int64
	links      []uint32 // by PE and port
	colors     map[int32]*colorCount
	critical   cycles
	steps      []*step
}

type opCount struct {
	runs  int64
	c     cycles
	async int64
	waits report.Waits
}

type colorCount struct {
	names          map[string]bool
	wavelets, hops int64
}

// peState is the CE of one PE.
type peState struct {
	end      int64 // accounted for up to here
	last     *cycles
	lastKind kind
	waits    cycles // of the synchronous operation in progress
	running  int32  // microthreads
	ended    int64  // cycle after the last microthread's end
}

// NewProfile watches s.
func NewProfile(s *sim.Sim) *Profile {
	w, _ := s.Size()
	p := &Profile{m: s.Machine(), codes: s.Codes(), class: s.ClassOf(), w: w, at: map[string]*function{}}
	p.pes = make([]peState, len(p.class))
	p.path = newCritical(p)
	return p
}

// Begin names the function of the next launch and its iterations.
func (p *Profile) Begin(name string, iterations int64) {
	f := p.at[name]
	if f == nil {
		f = &function{name: name, colors: map[int32]*colorCount{}}
		for _, c := range p.codes {
			f.ops, f.dispatch = append(f.ops, make([]opCount, len(c.Ins))), append(f.dispatch, make([]opCount, len(c.Tasks)))
		}
		f.idle, f.sent, f.taken = make([]cycles, len(p.codes)), make([]int64, len(p.codes)), make([]int64, len(p.codes))
		f.links = make([]uint32, len(p.class)*ports)
		p.at[name] = f
		p.funcs = append(p.funcs, f)
	}
	f.launches++
	f.iterations += iterations
	p.f = f
}

// Undone takes back iterations that the last launch of a function did not do.
func (p *Profile) Undone(name string, iterations int64) {
	if f := p.at[name]; f != nil {
		f.iterations -= iterations
	}
}

// Event implements sim.Sink.
func (p *Profile) Event(e *sim.Event) {
	if p.f == nil {
		p.Begin("main", 1)
	}
	switch e.Kind {
	case sim.EvLaunch:
		p.start = e.Cycle
		for i := range p.pes {
			p.pes[i] = peState{end: e.Cycle, ended: e.Cycle}
		}
	case sim.EvEnd:
		p.finish(e.Cycle)
	case sim.EvHop:
		p.hop(e)
	case sim.EvUp:
		p.f.links[e.PE*ports+up]++
	default:
		p.compute(e)
	}
	p.path.event(e)
	if e.Kind == sim.EvEnd {
		p.f = nil
	}
}

func (p *Profile) compute(e *sim.Event) {
	c, st := p.class[e.PE], &p.pes[e.PE]
	code := &p.codes[c]
	sync := int(e.Thread) == len(code.Threads)
	switch e.Kind {
	case sim.EvDispatch:
		p.gap(e.PE, e.Cycle)
		o := &p.f.dispatch[c][e.Task]
		o.runs++
		o.c[dispatch] += e.N
		st.end, st.last, st.lastKind = e.Cycle+e.N, &o.c, dispatch
	case sim.EvIns:
		p.gap(e.PE, e.Cycle)
		o := &p.f.ops[c][e.PC]
		o.runs++
		d := split(&code.Ins[e.PC], e.N)
		p.charge(st, o, &d)
		st.end = e.Cycle + e.N
	case sim.EvOpBegin:
		if sync {
			p.gap(e.PE, e.Cycle)
			st.waits = cycles{}
		} else {
			st.running++
		}
	case sim.EvGo:
		if sync {
			st.waits[stall(e.Why)] += e.N
		} else {
			w := &p.f.ops[c][e.PC].waits
			switch e.Why {
			case sim.WhyOperand:
				w.Operand += e.N
			case sim.WhyQueue:
				w.Queue += e.N
			case sim.WhyLink:
				w.Link += e.N
			}
		}
	case sim.EvOpEnd, sim.EvOpCut:
		end := e.Cycle
		if e.Kind == sim.EvOpEnd {
			end++
		}
		o := &p.f.ops[c][e.PC]
		if !sync {
			o.async += e.N
			st.running--
			st.ended = end
			return
		}
		n := e.N
		for _, w := range st.waits {
			n -= w
		}
		d := split(&code.Ins[e.PC], n)
		d.add(&st.waits)
		o.runs++
		p.charge(st, o, &d)
		st.end = end
	case sim.EvSend:
		p.f.sent[c]++
		p.color(e.Color).wavelets++
		p.color(e.Color).names[code.Outputs[e.Queue].Name] = true
	case sim.EvTake:
		p.f.taken[c]++
	}
}

func (p *Profile) charge(st *peState, o *opCount, d *cycles) {
	o.c.add(d)
	for k, n := range d {
		if n > 0 {
			st.last, st.lastKind = &o.c, kind(k)
		}
	}
}

// gap accounts for the cycles before t in which the CE had nothing to run.
func (p *Profile) gap(pe int, t int64) {
	st := &p.pes[pe]
	if t <= st.end {
		return
	}
	until := min(t, max(st.end, st.ended))
	if st.running > 0 {
		until = t
	}
	d := &p.f.idle[p.class[pe]]
	d[sends] += until - st.end
	d[idle] += t - until
	st.end = t
}

// finish closes the accounts of all PEs at the end of the launch.
func (p *Profile) finish(end int64) {
	p.f.cycles += end - p.start
	for pe := range p.pes {
		if p.class[pe] < 0 {
			continue
		}
		st := &p.pes[pe]
		p.gap(pe, end)
		if st.end > end && st.last != nil { // the last instruction reaches beyond the exit
			st.last[st.lastKind] -= st.end - end
		}
	}
}

func (p *Profile) color(id int32) *colorCount {
	c := p.f.colors[id]
	if c == nil {
		c = &colorCount{names: map[string]bool{}}
		p.f.colors[id] = c
	}
	return c
}

func (p *Profile) hop(e *sim.Event) {
	c := p.color(e.Color)
	for d := wse.North; d <= wse.Ramp; d++ {
		if e.Tx.Has(d) {
			p.f.links[e.PE*ports+int(d)]++
			if d != wse.Ramp {
				c.hops++
			}
		}
	}
}
