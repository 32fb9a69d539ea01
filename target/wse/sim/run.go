package sim

import (
	"context"
	"fmt"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/target/wse"
)

// Stats of one launch.
type Stats struct {
	Cycles     int64 // from the launch to the last exit
	HostCycles int64 // transfers since the previous launch, counted apart
	Sent       int64 // wavelets that left a CE
	Delivered  int64 // wavelets a CE consumed; more than Sent with multicast
	Hops       int64 // wavelets over links between routers
	MaxLink    LinkUse
	Classes    []ClassStats

	Offers      int   // how often the host took what the program offered
	OfferCycles int64 // of the edge ports for that, while the program went on
	HeldCycles  int64 // in which some PE waited until the host had taken the offer before
	lastExit    int64
}

// LinkUse is the busiest link: the port of a PE that sends.
type LinkUse struct {
	X, Y     int
	Port     wse.Dir
	Wavelets int64
}

// ClassStats are PE-cycles of a class in one launch, summed over its PEs.
type ClassStats struct {
	Name    string
	PEs     int64
	Busy    int64 // an instruction or operation held the CE
	WaitIn  int64 // a synchronous operation waited for a wavelet
	WaitOut int64 // a synchronous operation waited for room in a queue
	Idle    int64 // the rest: no task to run, or exited
}

// fail makes the error of a rule broken at a PE.
func (s *Sim) fail(pe int, line, format string, args ...any) error {
	where := fmt.Sprintf("cycle %d, PE (%d,%d)", s.cycle, pe%s.w, pe/s.w)
	if c := s.class[pe]; c >= 0 {
		k := s.codes[c]
		where += ", class " + k.class.Name
		if len(k.tasks) > 0 {
			where += ", task " + k.tasks[s.curTask[pe]].t.Name
		}
	}
	if line != "" {
		where += ", " + line
	}
	return diag.New("WF0510", diag.Span{}, "%s: %s", where, fmt.Sprintf(format, args...))
}

// lost is the error of a wavelet that cannot follow its route.
func (s *Sim) lost(i int32, d wse.Dir) error {
	sl := &s.slots[i]
	x, y := int(sl.pe)%s.w, int(sl.pe)/s.w
	dx, dy := d.Delta()
	why := map[int32]string{
		leavesMesh: "leaves the mesh to the " + d.String(),
		notRouted:  fmt.Sprintf("goes %s to PE (%d,%d), whose router does not accept this color from there", d, x+dx, y+dy),
		noQueue:    "is delivered to a PE that binds no input queue to this color",
	}[sl.target[d]]
	return diag.New("WF0510", diag.Span{}, "cycle %d, PE (%d,%d): a wavelet of color %d %s%s", s.cycle, x, y, sl.color, why, s.origin(i))
}

// origin names the PE, queue and lines that send into router buffer i.
func (s *Sim) origin(i int32) string {
	src := s.upstream(i)
	if src < 0 {
		return ""
	}
	pe := int(s.slots[src].pe)
	if s.class[pe] < 0 {
		return ""
	}
	k := s.codes[s.class[pe]]
	for q := range k.outputs {
		if s.outSlot[s.outBind[pe]+int32(q)] == src {
			for j := range k.ins {
				if d := k.ins[j].dsd; d != nil && d.fabOut && d.dst.queue == int32(q) {
					return fmt.Sprintf("; it was sent by PE (%d,%d), task %s, %s", pe%s.w, pe/s.w, k.tasks[k.ins[j].task].t.Name, lineOf(&k.ins[j]))
				}
			}
		}
	}
	return ""
}

func lineOf(in *ins) string {
	if in.line != "" {
		return in.line
	}
	if in.dsd != nil {
		return fmt.Sprintf("%q", in.dsd.op.String())
	}
	return "?"
}

// upstream follows a route backwards to the router buffer filled from a ramp.
func (s *Sim) upstream(i int32) int32 {
	for range len(s.slots) {
		sl := &s.slots[i]
		if sl.rx == wse.Ramp {
			return i
		}
		dx, dy := sl.rx.Delta()
		x, y := int(sl.pe)%s.w+dx, int(sl.pe)/s.w+dy
		if x < 0 || y < 0 || x >= s.w || y >= s.h {
			return -1
		}
		j := s.findSlot(y*s.w+x, int32(sl.color))
		if j < 0 || s.slots[j].target[sl.rx.Opposite()] != i {
			return -1
		}
		i = j
	}
	return -1
}

// Cycle is the number of cycles since New.
func (s *Sim) Cycle() int64 { return s.cycle }

// Launch activates the entry task of every PE, with args in the registers the
// classes name, and runs until every PE has executed exit and the fabric is
// empty. Its errors are a *diag.Diagnostic (a broken rule), a *Deadlock, or that
// of ctx; after an error the simulation cannot go on.
func (s *Sim) Launch(ctx context.Context, args ...int32) (Stats, error) {
	for _, k := range s.codes {
		if len(k.args) > len(args) {
			return Stats{}, fmt.Errorf("class %s takes %d launch arguments, got %d", k.class.Name, len(k.args), len(args))
		}
	}
	s.begin(args)
	return s.run(ctx, s.cycle)
}

// run carries out a launch that began in cycle start to its end.
func (s *Sim) run(ctx context.Context, start int64) (Stats, error) {
	if s.trains != nil {
		s.trains.depart(s.cycle)
	}
	s.divide()
	if s.laps != nil {
		s.laps.forget()
		defer s.record(nil)
	}
	for n := 0; ; n++ {
		if n&1023 == 0 {
			if err := ctx.Err(); err != nil && !s.offers.Curtail(s.eachArgs) {
				return s.finishStats(start), err
			}
			if s.opt.MaxCycles > 0 && s.cycle-start > s.opt.MaxCycles {
				return s.finishStats(start), fmt.Errorf("the launch exceeds %d cycles", s.opt.MaxCycles)
			}
			if s.tick != nil && s.class[0] >= 0 {
				s.tick(s.cycle, s.args(0))
			}
		}
		next, acted, err := s.step()
		if err != nil {
			return s.finishStats(start), err
		}
		switch {
		case acted:
			s.cycle++
		case next != never:
			s.cycle = next
		case s.nExited == s.nPEs && s.quiet():
			return s.finishStats(start), Conserved(s.injected, s.copied, s.consumed)
		default:
			return s.finishStats(start), s.deadlock()
		}
		if l := s.laps; l != nil {
			if l.work += int64(s.crowd); l.due {
				s.lap(ctx, start)
			}
		}
	}
}

// OnTick has f called now and then during launches with the cycle and the launch registers of PE (0,0) as they are: progress, and nothing that
// the simulation depends on. f must not call the Sim.
func (s *Sim) OnTick(f func(cycle int64, args []int32)) { s.tick = f }

// args are the launch registers of a PE.
func (s *Sim) args(pe int) []int32 {
	k := s.codes[s.class[pe]]
	out := make([]int32, len(k.args))
	for i, r := range k.args {
		out[i] = int32(s.regs[s.regBase[pe]+r])
	}
	return out
}

func (s *Sim) begin(args []int32) {
	s.nExited = 0
	s.offers.begin(len(s.class))
	s.stats = Stats{HostCycles: s.hostCycles(), lastExit: s.cycle}
	s.hostWords = 0
	s.injected, s.copied, s.consumed = 0, 0, 0
	for i := range s.perClass {
		s.perClass[i] = ClassStats{Name: s.codes[i].class.Name}
		clear(s.opCycles[i])
	}
	clear(s.links)
	if s.tr != nil {
		s.tr.emit(Event{Kind: EvLaunch, Cycle: s.cycle, PE: -1})
	}
	for pe, c := range s.class {
		if c < 0 {
			s.ceNext[pe] = never
			continue
		}
		k := s.codes[c]
		s.perClass[c].PEs++
		s.exited[pe] = false
		for i, r := range k.args {
			s.regs[s.regBase[pe]+r] = uint32(args[i])
		}
		s.active[pe] |= 1 << k.entry
		s.ceNext[pe] = s.cycle
	}
}

// step runs one cycle. acted is false when nothing happened in it; next is then
// the first cycle in which something can.
func (s *Sim) step() (next int64, acted bool, err error) {
	t := s.cycle
	if s.trains != nil {
		s.before(t)
	}
	if s.offers.Opens <= t {
		s.settle(t)
		s.open(t)
	}
	if s.lanes != nil && s.crowd >= s.crowded {
		next, acted, err = s.together(t)
	} else {
		next, acted, err = s.turns(0, len(s.rnext), t)
	}
	if err != nil {
		return 0, false, err
	}
	if !s.atOnce() {
		acted = acted || len(s.moves)+len(s.ups) > 0
		s.commit(t)
	}
	if len(s.roused) > 0 {
		s.rouse(t + 1)
	}
	return min(next, s.offers.Opens), acted, s.err // opens also when a PE has started the transfer in this cycle
}

// turns lets PEs lo .. hi-1 act in cycle t: the router decides, the CE acts, and then the moves are carried out, or at the end of the cycle
// where they must be. crowd is set to the number of PEs that had something to do.
func (s *Sim) turns(lo, hi int, t int64) (next int64, acted bool, err error) {
	next = never
	end := (t + 1) * ticks
	now := s.atOnce()
	s.crowd = 0
	for pe := lo; pe < hi; pe++ {
		c, d := s.rnext[pe], s.ceNext[pe]
		if c > t && d > t {
			next = min(next, c, d)
			continue
		}
		s.crowd++
		if c <= t {
			if c, err = s.router(pe, t, end); err != nil {
				return 0, false, err
			}
			s.rnext[pe] = c
		}
		// The CE of this PE can act at once: no router reads what it changes, except its own, which has decided.
		if d <= t {
			acted = true
			if err := s.stepCE(pe, t); err != nil {
				return 0, false, err
			}
		} else {
			next = min(next, c, d)
		}
		if now && len(s.moves)+len(s.ups)+len(s.pending) > 0 {
			acted = true
			s.commit(t)
		}
	}
	return next, acted, nil
}

// quiet reports that no operation is in progress and no wavelet under way.
func (s *Sim) quiet() bool {
	for i := range s.threads {
		if s.threads[i].d != nil {
			return false
		}
	}
	for i := range s.fifos {
		if s.fifos[i].n != 0 {
			return false
		}
	}
	return true
}

// Conserved checks that wavelets were neither lost nor made.
func Conserved(injected, copied, consumed int64) error {
	if injected+copied != consumed {
		return diag.New("WF0510", diag.Span{}, "the simulator lost wavelets: %d sent, %d copied by multicast, %d consumed", injected, copied, consumed)
	}
	return nil
}

func (s *Sim) finishStats(start int64) Stats {
	s.settle(s.cycle)
	s.gather()
	st := s.stats
	s.offers.Count(&st)
	st.Cycles = max(0, st.lastExit-start+1)
	if s.nExited < s.nPEs {
		st.Cycles = s.cycle - start
	}
	st.Sent, st.Delivered = s.injected, s.consumed
	if s.tr != nil {
		s.tr.end(start + st.Cycles)
	}
	for i, n := range s.links {
		pe, d := i/numPorts, i%numPorts
		if d < int(wse.Ramp) {
			st.Hops += int64(n)
			if int64(n) > st.MaxLink.Wavelets {
				st.MaxLink = LinkUse{pe % s.w, pe / s.w, wse.Dir(d), int64(n)}
			}
		}
	}
	for _, c := range s.perClass {
		c.Idle = max(0, c.PEs*st.Cycles-c.Busy-c.WaitIn-c.WaitOut)
		st.Classes = append(st.Classes, c)
	}
	return st
}

func (s *Sim) hostCycles() int64 {
	if s.hostWords == 0 {
		return 0
	}
	return int64(s.m.HostLatency) + (s.hostWords*int64(s.m.HostLinkTicks)+ticks-1)/ticks
}

// OpCount is where the cycles of a class went: one entry per statement.
type OpCount struct {
	Class, Task, Line, Text string
	Cycles                  int64
}

// OpCycles lists the cycles of the last launch per statement, in program order,
// summed over the PEs of the class. Asynchronous operations count their whole
// duration when Options.OpCycles is set.
func (s *Sim) OpCycles() []OpCount {
	var out []OpCount
	for c, k := range s.codes {
		for i := range k.ins {
			in := &k.ins[i]
			if n := s.opCycles[c][i]; n > 0 {
				o := OpCount{Class: k.class.Name, Task: k.tasks[in.task].t.Name, Line: in.line, Cycles: n}
				if in.dsd != nil {
					o.Text = in.dsd.op.String()
				}
				out = append(out, o)
			}
		}
	}
	return out
}
