package verdict

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/target/wse"
)

// order is happens-before within one PE during one launch.
type order struct {
	runs    []taskRun
	active  []setter // who set the bit of a task, by task
	unblock []setter
	last    []int       // by task: its last run, -1
	recv    map[int]int // by input queue: the run that last received from it
	open    map[int]int // by input queue: the run that last blocked or unblocked it
	route   map[int]int // by color: the run that last rerouted it
	live    []*inst     // asynchronous operations nobody has waited for
}

type taskRun struct {
	task int
	sure bool
}

// setter is the cause of a bit: a statement of a task run, or the completion of an operation issued in it.
type setter struct {
	run  int
	inst *inst
}

// inst is an asynchronous operation that was issued.
type inst struct {
	op       *op
	run      int
	at       []int // first elements of its memory operands; unknownAt = anywhere
	finished bool
	with     []*inst // of a teardown: operations of the PE that sent it and what went before
}

func newOrder(tasks int) *order {
	o := &order{active: make([]setter, tasks), unblock: make([]setter, tasks), last: make([]int, tasks), recv: map[int]int{}, open: map[int]int{}, route: map[int]int{}}
	for i := range o.last {
		o.last[i], o.active[i].run, o.unblock[i].run = -1, -1, -1
	}
	return o
}

// unordered notes that schedules of PE i may differ.
func (s *state) unordered(i int, what string) {
	if s.hazard == "" {
		k := s.m.codes[s.m.class[i]]
		s.hazard = fmt.Sprintf("PE (%d,%d) class %s: %s", s.m.x(i), s.m.y(i), k.class.Name, what)
	}
	s.hazards[i] = true
}

func (s *state) name(i, task int) string { return s.m.codes[s.m.class[i]].tasks[task].t.Name }

// activated: two activations without a run between them are one, so a completion may not compete with another activation.
func (s *state) activated(i, task int, by *inst) {
	p := &s.pes[i]
	o := p.order
	if o == nil {
		return
	}
	now := setter{len(o.runs) - 1, by}
	if by != nil {
		now.run = by.run
	}
	if p.active>>task&1 == 1 {
		if by != nil || o.active[task].inst != nil {
			s.unordered(i, "task "+s.name(i, task)+" is activated twice, and the activations may become one")
		}
		return
	}
	o.active[task] = now
}

// tornDown activates what the handler of a color says. The teardown came after the route was set, and at no time in particular. When it came
// from the PE itself, the operation that sent it is over, and so are those that sent to the color before.
func (s *state) tornDown(i, color int, own bool) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	by := &inst{run: -1}
	if o := p.order; o != nil {
		if r, ok := o.route[color]; ok {
			by.run = r
		}
		for _, x := range o.live {
			if !own || x.op.out < 0 || k.outputs[x.op.out].Color(s.m.x(i), s.m.y(i)) != color || s.q[s.m.out[i][x.op.out]].n > 0 {
				continue // or something is behind the teardown, which its sender may still be busy with
			}
			if th := &p.thr[x.op.thread]; x.finished || th.inst == x && th.ended() {
				by.with = append(by.with, x)
			}
		}
	}
	for _, task := range k.handlers[color] {
		s.activated(i, task, by)
		bit := uint64(1) << task
		if p.active&bit == 0 {
			p.sureActive &^= bit
		}
		p.active |= bit
	}
	s.wakePE(int32(i))
}

func (s *state) unblocked(i, task int, by *inst) {
	p := &s.pes[i]
	o := p.order
	if o == nil || p.blocked>>task&1 == 0 {
		return
	}
	o.unblock[task] = setter{len(o.runs) - 1, by}
	if by != nil {
		o.unblock[task].run = by.run
	}
}

// blocks: neither a completion that unblocks the task nor a start of it may compete with a statement that blocks it.
func (s *state) blocks(i, task int) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	o := p.order
	if o == nil {
		return
	}
	c := candidate{task: task, in: k.tasks[task].in}
	startable := p.active>>task&1 == 1
	switch k.tasks[task].t.Kind {
	case wse.Control:
		s.unordered(i, "control task "+s.name(i, task)+" is blocked by a statement")
		return
	case wse.Data:
		startable = true
	}
	if k.tasks[task].torn && s.mayTear(i, task) {
		s.unordered(i, "task "+s.name(i, task)+" is blocked while a teardown may activate it")
	}
	for _, x := range o.live {
		startable = startable || x.op.may(wse.DoneActivate, task)
		if x.op.may(wse.DoneUnblock, task) {
			s.unordered(i, "task "+s.name(i, task)+" is blocked while a completion may unblock it")
		}
	}
	if startable && p.blocked>>task&1 == 0 {
		if before := s.competes(i, c); before >= 0 {
			s.unordered(i, "task "+s.name(i, task)+" is blocked in "+s.name(i, before)+", and may run before")
		}
	}
}

// mayTear reports whether a teardown that activates the task may come, or may have come before the run under way.
func (s *state) mayTear(i, task int) bool {
	o := s.pes[i].order
	for color, tasks := range s.m.codes[s.m.class[i]].handlers {
		r, ok := o.route[color]
		if slices.Contains(tasks, task) && !s.isTorn(i, color) && (!ok || r < len(o.runs)-1) {
			return true
		}
	}
	return false
}

// shuts: a blocked queue is like blocked tasks.
func (s *state) shuts(i, in int) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	if p.order == nil || p.shut>>in&1 == 1 {
		return
	}
	for t := range k.tasks {
		if x := &k.tasks[t]; x.t.Kind == wse.Control || x.in == in && p.blocked>>t&1 == 0 {
			if before := s.competes(i, candidate{task: t, in: in}); before >= 0 {
				s.unordered(i, "queue "+k.inputs[in].Name+" is blocked in "+s.name(i, before)+", and its task "+s.name(i, t)+" may run before")
			}
		}
	}
}

// picked checks that in every schedule the task runs after all runs before it, and forgets operations whose completions led here.
func (s *state) picked(i int, c candidate) {
	o := s.pes[i].order
	if o == nil {
		return
	}
	local := c.in < 0
	if local {
		s.joined(i, o.active[c.task].inst)
	}
	s.joined(i, o.unblock[c.task].inst)
	if before := s.competes(i, c); before >= 0 {
		s.unordered(i, "tasks "+s.name(i, before)+" and "+s.name(i, c.task)+" may run in either order")
	}
	for _, x := range o.live {
		if local && x.op.may(wse.DoneActivate, c.task) {
			s.unordered(i, "task "+s.name(i, c.task)+" runs while another completion may activate it")
		}
	}
	o.active[c.task] = setter{run: -1}
	o.unblock[c.task].inst = nil
	o.last[c.task] = len(o.runs)
	o.runs = append(o.runs, taskRun{c.task, c.sure})
}

// competes returns the task of a run so far that a start of c, now, need not come after; -1 if there is none.
func (s *state) competes(i int, c candidate) (task int) {
	k, o := s.m.codes[s.m.class[i]], s.pes[i].order
	cause := o.unblock[c.task].run
	if c.in < 0 {
		cause = max(cause, o.active[c.task].run)
	} else {
		cause = max(cause, o.last[c.task])
		if r, ok := o.recv[c.in]; ok {
			cause = max(cause, r)
		}
		if r, ok := o.open[c.in]; ok {
			cause = max(cause, r)
		}
	}
	for j := len(o.runs) - 1; j > cause; j-- {
		if b := o.runs[j]; !b.sure || k.prio[b.task] > k.prio[c.task] {
			return b.task
		}
	}
	return -1
}

// pending looks, where an execution is stuck, at tasks that can run and have not: had they come before the ones that did, the end might
// be another.
func (s *state) pending() {
	for i, c := range s.m.class {
		if c < 0 || s.pes[i].order == nil || s.why != NoReason {
			continue
		}
		for _, x := range slices.Clone(s.candidates(i)) {
			if before := s.competes(i, x); before >= 0 {
				s.unordered(i, "task "+s.name(i, x.task)+" can run, and before "+s.name(i, before))
			}
		}
	}
}

// joined: the completion of x has been waited for.
func (s *state) joined(i int, x *inst) {
	if x == nil {
		return
	}
	o := s.pes[i].order
	o.live = slices.DeleteFunc(o.live, func(y *inst) bool { return x == y || slices.Contains(x.with, y) })
}

// unfinished looks for operations that may still use a queue or thread of o although they have ended in this schedule.
func (s *state) unfinished(i int, o *op) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	if p.order == nil {
		return
	}
	if o.in >= 0 {
		p.order.recv[o.in] = len(p.order.runs) - 1
	}
	for _, x := range p.order.live {
		if x.op != o && meets(k, x.op, o) || x.op == o && x.finished {
			s.races.queue(s, i, x.op, o)
		}
	}
}

// clash is an operation that meets another under way on its queue or thread.
func (s *state) clash(i int, x, o *op) {
	if s.races != nil {
		s.races.queue(s, i, x, o)
	}
	k := s.m.codes[s.m.class[i]]
	s.give(ReasonTime, fmt.Sprintf("PE (%d,%d) class %s: %s is issued while %s may still use its queue or microthread",
		s.m.x(i), s.m.y(i), k.class.Name, title(o.line, o.src.String()), title(x.line, x.src.String())))
}

func title(line, op string) string {
	if line == "" {
		return "`" + op + "`"
	}
	return line + " `" + op + "`"
}
