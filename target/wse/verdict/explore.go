package verdict

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// choice is a step that schedules may take or not: a task starts, a completion happens, or a statement does not wait for one.
type choice struct {
	pe     int
	kind   choiceKind
	thread int
	cand   candidate
}

type choiceKind uint8

const (
	pickTask choiceKind = iota
	completeOp
	goOn
)

// choices lists what may happen next in a settled state.
func (s *state) choices() (out []choice) {
	for i, c := range s.m.class {
		if c < 0 {
			continue
		}
		p, k := &s.pes[i], s.m.codes[c]
		for j := range p.thr[:len(p.thr)-1] {
			if o := p.thr[j].op; o != nil && p.thr[j].ended() && contended(k, o) {
				out = append(out, choice{pe: i, kind: completeOp, thread: j})
			}
		}
		switch {
		case p.thr[len(p.thr)-1].op != nil:
		case p.task >= 0:
			if s.holds(i) {
				out = append(out, choice{pe: i, kind: goOn})
			}
		default:
			for _, x := range slices.Clone(s.candidates(i)) {
				out = append(out, choice{pe: i, kind: pickTask, cand: x})
				if x.sure {
					break
				}
			}
		}
	}
	return out
}

func (s *state) take(c choice) {
	switch c.kind {
	case pickTask:
		s.start(c.pe, c.cand)
	case completeOp:
		s.complete(c.pe, c.thread)
	case goOn:
		s.pes[c.pe].goOn = true
	}
	s.wakePE(int32(c.pe))
	s.settle()
}

// node of the breadth-first search: how a state was reached.
type node struct {
	parent int
	by     choice
	launch int
	depth  int
}

// enumerate looks at all schedules, and returns the verdict with the shortest stuck one.
func enumerate(m *model, launches [][]int32) (v Verdict) {
	v.PEs = len(m.class)
	begin := func() *state {
		s := newState(m)
		s.explore = map[int]bool{}
		s.launch(launches, 0)
		s.settle()
		return s
	}
	limit := min(maxStates, maxCopies/len(m.class))
	work := 0
	seen := map[[32]byte]bool{}
	nodes := []node{{parent: -1}}
	states := []*state{begin()}
	ends, stuckAt := 0, -1
	for at := 0; at < len(nodes); at++ {
		s, n := states[at], nodes[at]
		states[at] = nil
		if s.why != NoReason {
			v.Kind, v.Reason, v.Detail, v.Launch = Undecided, s.why, s.detail, n.launch
			return v
		}
		var list []choice
		if s.fault == nil {
			list = s.choices()
			for s.why == NoReason && s.fault == nil && len(list) == 0 && s.ended() {
				if n.launch++; n.launch == len(launches) {
					break
				}
				nodes[at].launch = n.launch
				s.launch(launches, n.launch)
				s.settle()
				list = s.choices()
			}
		}
		switch {
		case s.why != NoReason:
			v.Kind, v.Reason, v.Detail, v.Launch = Undecided, s.why, s.detail, n.launch
			return v
		case s.fault != nil || len(list) == 0 && n.launch < len(launches):
			if stuckAt < 0 {
				stuckAt = at
			}
		case len(list) == 0:
			ends++
		}
		if ends > 0 && stuckAt >= 0 {
			break
		}
		if s.fault != nil {
			continue
		}
		for j, c := range list {
			t := s
			if j+1 < len(list) {
				t = s.clone()
			}
			before := t.steps + t.moves
			t.take(c)
			if work += t.steps + t.moves - before; work > maxWork {
				v.Kind, v.Reason, v.Launch = Undecided, ReasonState, n.launch
				return v
			}
			key := t.key(n.launch)
			if seen[key] {
				continue
			}
			seen[key] = true
			nodes, states = append(nodes, node{at, c, n.launch, n.depth + 1}), append(states, t)
			if len(nodes) > limit {
				v.Kind, v.Reason, v.Launch = Undecided, ReasonState, n.launch
				return v
			}
		}
	}
	if stuckAt < 0 {
		v.Kind = Free
		return v
	}
	s := replay(m, launches, nodes, stuckAt)
	s.stuck(&v)
	v.Launch = nodes[stuckAt].launch
	if ends > 0 {
		v.Kind, v.Reason = Undecided, ReasonTime
	}
	return v
}

// replay takes the choices that lead to a node again, recording.
func replay(m *model, launches [][]int32, nodes []node, at int) *state {
	var path []choice
	for i := at; nodes[i].parent >= 0; i = nodes[i].parent {
		path = append(path, nodes[i].by)
	}
	s := newState(m)
	s.explore, s.rec = map[int]bool{}, newRecorder(len(m.class))
	launch := 0
	s.launch(launches, 0)
	s.settle()
	next := func() {
		for launch+1 < len(launches) && s.fault == nil && s.ended() && len(s.choices()) == 0 {
			launch++
			s.launch(launches, launch)
			s.settle()
		}
	}
	for i := len(path) - 1; i >= 0; i-- {
		next()
		s.take(path[i])
	}
	next()
	return s
}

// clone copies a settled state.
func (s *state) clone() *state {
	t := *s
	t.pes = append([]pe(nil), s.pes...)
	for i := range t.pes {
		t.pes[i].regs = append([]value(nil), s.pes[i].regs...)
		t.pes[i].fifos = append([]int(nil), s.pes[i].fifos...)
		t.pes[i].thr = append([]thread(nil), s.pes[i].thr...)
	}
	t.routers = append([]routerState(nil), s.routers...)
	t.q = append([]queue(nil), s.q...)
	for i := range t.q {
		t.q[i].runs = append([]run(nil), s.q[i].runs...)
	}
	t.dirtyPE, t.dirtyPipe = nil, nil
	t.inPE, t.inPipe = make([]bool, len(s.inPE)), make([]bool, len(s.inPipe))
	return &t
}

// key identifies a settled state.
func (s *state) key(launch int) [32]byte {
	b := make([]byte, 0, 1024)
	num := func(v int64) { b = binary.AppendVarint(b, v) }
	flag := func(x bool) {
		if x {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	num(int64(launch))
	if s.fault != nil {
		b = append(b, s.fault.String()...)
	}
	b = append(b, byte(s.why))
	for i := range s.pes {
		if s.m.class[i] < 0 {
			continue
		}
		p := &s.pes[i]
		for _, r := range p.regs {
			if r.why == NoReason {
				num(int64(r.v))
			}
			b = append(b, byte(r.why))
			b = append(b, 0)
		}
		for _, x := range []uint64{p.active, p.blocked, p.sureActive, p.sureUnblock, p.shut} {
			b = binary.AppendUvarint(b, x)
		}
		num(int64(p.task))
		num(int64(p.pc))
		num(int64(p.exits))
		num(int64(p.asked))
		flag(p.goOn)
		for _, n := range p.fifos {
			num(int64(n))
		}
		for j := range p.thr {
			if o := p.thr[j].op; o != nil {
				num(int64(o.id))
				num(int64(p.thr[j].done))
				flag(p.thr[j].cut)
				num(int64(p.thr[j].val.v))
				flag(p.thr[j].tail)
			} else {
				num(-1)
			}
		}
	}
	for _, r := range s.routers {
		num(int64(r.at))
		num(int64(r.counter))
		flag(r.torn)
		num(int64(r.set))
	}
	for i := range s.q {
		for _, r := range s.q[i].runs {
			num(int64(r.n))
			num(int64(r.port))
			flag(r.ctl)
			flag(r.last)
			num(int64(r.val))
			b = append(b, byte(r.why))
		}
		num(-1)
	}
	return sha256.Sum256(b)
}
