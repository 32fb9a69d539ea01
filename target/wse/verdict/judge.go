package verdict

import (
	"fmt"

	"github.com/wfc-lang/wfc/target/wse"
)

// Options of Judge.
type Options struct {
	// Launches are the arguments of the launches, one after the other. Nil takes those of the program's script; without a script,
	// one launch with arguments that are not known.
	Launches [][]int32
	// Shared names arrays of which all PEs hold the same values whenever they load them into registers, as its maker warrants: what
	// decides the branches that all PEs take alike. Loaded is what those loads give, one after the other in every PE, per launch.
	Shared []string
	Loaded [][]int32
}

// Judge decides a program on a machine, with the smallest depths of queues and routers in the machine's range. The error is that of
// wse.Check: an illegal program has no verdict.
func Judge(p *wse.Program, m wse.Machine, opt Options) (Verdict, error) {
	if err := wse.Check(p, m); err != nil {
		return Verdict{}, err
	}
	launches := opt.Launches
	if launches == nil {
		for _, d := range p.Script {
			if d.Kind == wse.DoLaunch {
				launches = append(launches, d.Args)
			}
		}
	}
	if launches == nil {
		launches = [][]int32{nil}
	}
	least := m.Smallest()
	model := func(m wse.Machine, cut bool) *model {
		x := newModel(p, m, cut)
		x.share(opt.Shared, opt.Loaded)
		return x
	}
	v := decide(model(least, true), launches)
	if v.Kind == Deadlocks && v.PEs < p.W*p.H && p.W*p.H <= maxPEs {
		v = decide(model(least, false), launches)
	}
	if v.Kind == Deadlocks {
		v.Deeper = decide(model(m, true), launches).Kind == Free
	}
	return v, nil
}

// decide executes one schedule, and all when its tasks are not ordered.
func decide(m *model, launches [][]int32) Verdict {
	if n := len(m.xs) * len(m.ys); n > maxPEs {
		return Verdict{Kind: Undecided, Reason: ReasonSize, Detail: fmt.Sprintf("%d x %d positions are different", len(m.xs), len(m.ys))}
	}
	if m.bad != "" {
		return Verdict{Kind: Undecided, Reason: ReasonKind, Detail: m.bad, PEs: len(m.class)}
	}
	s, launch := execute(m, launches, false)
	v := Verdict{Launch: launch, PEs: len(m.class), Races: s.races.list()}
	switch {
	case s.why != NoReason:
		v.Kind, v.Reason, v.Detail = Undecided, s.why, s.detail
	case len(s.hazards) > 0:
		w := enumerate(m, launches)
		w.Races = v.Races
		if w.Kind == Undecided && w.Detail == "" {
			w.Detail = s.hazard
		}
		v = w
	case launch < len(launches):
		t, _ := execute(m, launches, true)
		t.stuck(&v)
	}
	if v.Kind == Free && len(s.races.queues) > 0 {
		v.Kind, v.Reason, v.Detail = Undecided, ReasonTime, s.races.queues[0]
	}
	if v.Kind == Free {
		v.Launch = 0
	}
	return v
}

// execute runs the launches in one schedule. launch is the first that does not end.
func execute(m *model, launches [][]int32, record bool) (s *state, launch int) {
	s = newState(m)
	s.races = newRaces()
	if record {
		s.rec = newRecorder(len(m.class))
	}
	for launch = range launches {
		s.steps, s.moves = 0, 0
		s.launch(launches, launch)
		s.settle()
		if s.fault != nil || s.why != NoReason || !s.ended() {
			s.pending()
			return s, launch
		}
	}
	return s, len(launches)
}

// share notes what loads of shared arrays give.
func (m *model) share(arrays []string, loaded [][]int32) {
	m.loaded = loaded
	for _, k := range m.codes {
		k.shared = map[int]bool{}
		for _, a := range arrays {
			if i, ok := k.arrays[a]; ok {
				k.shared[i] = true
			}
		}
	}
}
