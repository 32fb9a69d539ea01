package fast

import (
	"context"
	"errors"
	"fmt"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Sim is a program on a machine, between or in launches. It is not safe for concurrent use.
type Sim struct {
	Threads int // cores that compute; 0 = all. Results do not depend on it.
	Work    Work
	LeftAt  struct {
		Launch int   // the first is 1
		Cycle  int64 // of the simulation
	} // when the program was handed over

	prog      *wse.Program
	m         wse.Machine
	opt       sim.Options
	w, h      int
	limit     int // groups; 0 = see apart
	kinds     int // shapes
	nPEs      int
	lookahead int64 // least cycles from a send to the take of what was sent
	codes     []*code
	all       []*shape
	shapeOf   []int32 // of each PE, -1 = neither code nor routes
	at        []int32 // number of the PE in its shape
	groupOf   []*group
	groups    []*group
	rings     [32]values // by class
	batch     batch
	workers   []*worker
	piece     int32 // see batch
	parallel  int64

	cycle, lastExit            int64
	nExited                    int
	injected, copied, consumed int64
	hostWords                  int64
	launches                   int
	seen                       Work  // at the last look of apart
	account                    int64 // see apart
	stats                      sim.Stats
	perClass                   []sim.ClassStats
	movers, marked, waiters    []*group
	mergeAt, mergeGap          int64
	keyBuf                     []byte

	tick    func(cycle int64, args []int32)
	offers  sim.Offers
	watch   func(k sim.EventKind, g *group, what int32, t int64) // tests
	leaveAt int64                                                // cycle from which the plain engine goes on: tests
	before  *state
	plain   *sim.Sim // continues after an error or when there are too many groups
	why     string
}

// Work counts what the engine has done since New, of launches that were handed over too.
type Work struct {
	Elements int64 // element operations of PEs
	Alone    int64 // of them, carried out by rules for one PE only
	Visits   int64 // of a group by the rules of routers or of CEs
	Of       int64 // the same for PEs: what PE by PE would have been
	Splits   int64 // groups that split off
	Looks    int64 // at a group, for others in the same state
}

// Shared is the part of the element operations for which the rules were carried out once for more than one PE.
func (w *Work) Shared() float64 { return 1 - float64(w.Alone)/float64(max(1, w.Elements)) }

var (
	errBroken = errors.New("a rule of the machine is broken")
	errMany   = errors.New("too many groups")
)

// state is what a launch began with.
type state struct {
	cycle, words int64
	groups       []*group
	mem          [][]uint32 // by shape
}

// maxCopy bounds the memory copied at a launch, in words. Above it errors are told without their place.
const maxCopy = 1 << 29

// Cycle is the number of cycles since New.
func (s *Sim) Cycle() int64 {
	if s.plain != nil {
		return s.plain.Cycle()
	}
	return s.cycle
}

// Groups is how many different PEs there are at present.
func (s *Sim) Groups() int { return len(s.groups) }

// Left says why the program was handed over to the plain engine, empty while it was not.
func (s *Sim) Left() string { return s.why }

// OnTick is that of the plain engine.
func (s *Sim) OnTick(f func(cycle int64, args []int32)) {
	s.tick = f
	if s.plain != nil {
		s.plain.OnTick(f)
	}
}

// Carried is that of the plain engine: 0 while the program was not handed over.
func (s *Sim) Carried() int64 {
	if s.plain == nil {
		return 0
	}
	return s.plain.Carried()
}

// Launch is that of the plain engine.
func (s *Sim) Launch(ctx context.Context, args ...int32) (sim.Stats, error) {
	if s.plain != nil {
		return s.plain.Launch(ctx, args...)
	}
	for _, k := range s.codes {
		if len(k.args) > len(args) {
			return sim.Stats{}, fmt.Errorf("class %s takes %d launch arguments, got %d", k.class.Name, len(k.args), len(args))
		}
	}
	s.launches++
	s.begin(args)
	start := s.cycle
	err := s.run(ctx, start)
	s.flush()
	if !errors.Is(err, errBroken) && !errors.Is(err, errMany) {
		return s.statistics(start), err
	}
	s.LeftAt.Launch, s.LeftAt.Cycle = s.launches, s.cycle
	if errors.Is(err, errMany) {
		s.why = fmt.Sprintf("its PEs have too little in common (%d groups of %d PEs in cycle %d of launch %d)", len(s.groups), s.nPEs,
			s.cycle-start, s.launches)
		return s.goOn(ctx, start, args)
	}
	if s.before == nil {
		return s.statistics(start), diag.New("WF0510", diag.Span{}, "cycle %d: %v or the launch is stuck; %d of %d PEs have exited", s.cycle, err,
			s.nExited, s.nPEs).Suggest("run it with --engine plain, which says where")
	}
	s.why = err.Error()
	if err := s.handOver(); err != nil {
		return sim.Stats{}, err
	}
	return s.plain.Launch(ctx, args...)
}

func (s *Sim) run(ctx context.Context, start int64) error {
	for n := 0; ; n++ {
		if n&1023 == 0 {
			if err := ctx.Err(); err != nil && !s.offers.Curtail(s.eachArgs) {
				return err
			}
			if s.opt.MaxCycles > 0 && s.cycle-start > s.opt.MaxCycles {
				return fmt.Errorf("the launch exceeds %d cycles", s.opt.MaxCycles)
			}
			if g := s.groupOf[0]; s.tick != nil && g != nil && g.k != nil {
				regs := make([]int32, len(g.k.args))
				for i, r := range g.k.args {
					regs[i] = int32(g.regs[r])
				}
				s.tick(s.cycle, regs)
			}
		}
		next, acted, err := s.step()
		if err != nil {
			return err
		}
		switch {
		case acted:
			s.cycle++
		case next != never:
			s.cycle = next
		case s.over():
			return sim.Conserved(s.injected, s.copied, s.consumed)
		default:
			return errBroken // stuck
		}
		if s.cycle >= s.mergeAt {
			s.tidy()
			if s.limit > 0 && len(s.groups) > s.limit {
				return errMany
			}
		}
		leave := s.limit == 0 && s.apart() || s.leaveAt > 0 && s.cycle >= s.leaveAt
		if leave && !s.over() { // nothing is left to go on with, and what is entered anew takes a cycle to find that out
			return errMany
		}
	}
}

// over reports that every PE has exited and nothing is under way.
func (s *Sim) over() bool { return s.nExited == s.nPEs && s.quiet() }

func (s *Sim) begin(args []int32) {
	s.merge(s.cycle)
	s.keep()
	s.nExited, s.lastExit = 0, s.cycle
	s.offers.Begin()
	s.mergeAt, s.mergeGap = s.cycle, 0
	s.stats = sim.Stats{HostCycles: s.HostCycles()}
	s.hostWords = 0
	s.injected, s.copied, s.consumed = 0, 0, 0
	for i := range s.perClass {
		s.perClass[i] = sim.ClassStats{Name: s.codes[i].class.Name}
	}
	s.flush()
	for _, g := range s.groups {
		clear(g.links[:])
		clear(g.sent)
		clear(g.taken)
		g.rnext = never
		if g.k == nil {
			continue
		}
		s.perClass[g.class].PEs += g.n
		g.exited, g.offered = false, 0
		for i, r := range g.k.args {
			g.regs[r] = uint32(args[i])
		}
		g.active |= 1 << g.k.entry
		g.ceNext = s.cycle
	}
}

// keep copies the state a launch begins with.
func (s *Sim) keep() {
	words := 0
	for _, sh := range s.all {
		words += len(sh.mem)
	}
	if words > maxCopy {
		s.before = nil
		return
	}
	old := s.before
	s.before = &state{cycle: s.cycle, words: s.hostWords}
	for i, sh := range s.all {
		var b []uint32
		if old != nil {
			b = old.mem[i][:0]
		}
		s.before.mem = append(s.before.mem, append(b, sh.mem...))
	}
	for _, g := range s.groups {
		c := g.copy()
		s.before.groups = append(s.before.groups, c)
	}
}

// handOver puts the state before the launch into the plain engine.
func (s *Sim) handOver() error {
	p, err := sim.New(s.prog, s.m, s.opt)
	if err != nil {
		return err
	}
	b := s.before
	for _, g := range b.groups {
		st := g.between()
		mem, n := b.mem[g.id], len(g.pes)
		for _, m := range g.ms {
			p.Restore(int(g.pes[m]), b.cycle, st, func(array int, dst []uint32) {
				first := int(g.k.row[array])
				for j := range dst {
					dst[j] = mem[(first+j)*n+int(m)]
				}
			})
		}
	}
	p.Owe(b.words)
	s.tell(p)
	s.plain = p
	s.drop()
	return nil
}

// drop lets go of everything that the plain engine has now.
func (s *Sim) drop() {
	for _, sh := range s.all {
		sh.mem, sh.src, sh.free = nil, nil, nil
	}
	s.before = nil
	s.all, s.groups, s.groupOf, s.rings, s.workers = nil, nil, nil, [32]values{}, nil
}

func (s *Sim) quiet() bool {
	for _, g := range s.groups {
		for i := range g.threads {
			if g.threads[i].d != nil {
				return false
			}
		}
		for i := range g.fifos {
			if g.fifos[i].n != 0 {
				return false
			}
		}
	}
	return true
}

// statistics makes those of the launch.
func (s *Sim) statistics(start int64) sim.Stats {
	st := s.stats
	s.offers.Count(&st)
	st.Cycles = max(0, s.lastExit-start+1)
	if s.nExited < s.nPEs {
		st.Cycles = s.cycle - start
	}
	st.Sent, st.Delivered = s.injected, s.consumed
	first := int64(never)
	for _, g := range s.groups {
		for d := wse.North; d < wse.Ramp; d++ {
			n := int64(g.links[d])
			st.Hops += n * g.n
			pe := int(g.pes[g.ms[0]])
			if at := int64(pe*numPorts + int(d)); n > st.MaxLink.Wavelets || n > 0 && n == st.MaxLink.Wavelets && at < first {
				st.MaxLink, first = sim.LinkUse{X: pe % s.w, Y: pe / s.w, Port: d, Wavelets: n}, at
			}
		}
	}
	for _, c := range s.perClass {
		c.Idle = max(0, c.PEs*st.Cycles-c.Busy-c.WaitIn-c.WaitOut)
		st.Classes = append(st.Classes, c)
	}
	return st
}

// HostCycles is that of the plain engine.
func (s *Sim) HostCycles() int64 {
	if s.plain != nil {
		return s.plain.HostCycles()
	}
	if s.hostWords == 0 {
		return 0
	}
	return int64(s.m.HostLatency) + (s.hostWords*int64(s.m.HostLinkTicks)+ticks-1)/ticks
}
