package verdict

import (
	"fmt"
	"sort"
)

// maxEvents bounds what is recorded of an execution that gets stuck.
const maxEvents = 1 << 21

// event is a statement that communicates or controls tasks.
type event struct {
	pe, task int
	line     string
	op       *op
	what     string
	done     int // elements
	deps     []int32
}

// recorder keeps the events of an execution with what each needed: the one before it in its PE, the senders of what it received,
// and who made room for what it sent.
type recorder struct {
	events []event
	last   []int32         // PE -> its last event
	pops   map[int32]int32 // pipe -> last event that took from it
}

func newRecorder(pes int) *recorder {
	r := &recorder{last: make([]int32, pes), pops: map[int32]int32{}}
	for i := range r.last {
		r.last[i] = -1
	}
	return r
}

func (r *recorder) add(pe, task int, line string, o *op, what string) int32 {
	if len(r.events) >= maxEvents {
		return -1
	}
	e := event{pe: pe, task: task, line: line, op: o, what: what}
	if r.last[pe] >= 0 {
		e.deps = append(e.deps, r.last[pe])
	}
	r.events = append(r.events, e)
	r.last[pe] = int32(len(r.events) - 1)
	return r.last[pe]
}

func (r *recorder) depends(e, on int32) {
	if e < 0 || on < 0 || e == on {
		return
	}
	d := r.events[e].deps
	if len(d) == 0 || d[len(d)-1] != on {
		r.events[e].deps = append(d, on)
	}
}

func (r *recorder) received(e, from, pipe int32) {
	r.depends(e, from)
	if e >= 0 {
		r.pops[pipe] = e
	}
}

// sent: an operation that had waited for room needed somebody to take something.
func (r *recorder) sent(th *thread, pipe int32) {
	if th.full {
		th.full = false
		if e, ok := r.pops[pipe]; ok {
			r.depends(th.ev, e)
		}
	}
}

func (r *recorder) progress(th *thread) {
	if th.ev >= 0 {
		r.events[th.ev].done = th.done
	}
}

// schedule lists the events that the given ones need, and themselves, in an order in which they happened. Repetitions of a
// statement of a PE are one step.
func (r *recorder) schedule(s *state, ends []int32) []Step {
	need := map[int32]bool{}
	left := append([]int32(nil), ends...)
	for len(left) > 0 {
		e := left[len(left)-1]
		left = left[:len(left)-1]
		if e < 0 || need[e] {
			continue
		}
		need[e] = true
		left = append(left, r.events[e].deps...)
	}
	list := make([]int32, 0, len(need))
	for e := range need {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool { return list[i] < list[j] })
	type site struct {
		pe, task int
		op       *op
		line     string
		what     string
	}
	var out []Step
	var times []int
	at := map[site]int{}
	for _, i := range list {
		e := &r.events[i]
		what := e.what
		if e.op != nil {
			what = e.op.doing(s.m.codes[s.m.class[e.pe]], e.done)
		}
		k := site{e.pe, e.task, e.op, e.line, what}
		if j, ok := at[k]; ok {
			times[j]++
			continue
		}
		if len(out) >= maxSchedule {
			break
		}
		at[k] = len(out)
		c := s.m.codes[s.m.class[e.pe]]
		st := Step{X: s.m.x(e.pe), Y: s.m.y(e.pe), Class: c.class.Name, Task: c.tasks[e.task].t.Name, Line: e.line, What: what}
		if e.op != nil {
			st.Op = e.op.src.String()
		}
		out, times = append(out, st), append(times, 1)
	}
	for i, n := range times {
		if n > 1 {
			out[i].What += fmt.Sprintf(" (%d times)", n)
		}
	}
	return out
}

// doing says how far an operation came.
func (o *op) doing(k *code, done int) string {
	verb, queues := "", ""
	if o.in >= 0 {
		verb, queues = "receives", "from "+k.inputs[o.in].Name
	}
	if o.out >= 0 {
		if verb != "" {
			verb, queues = verb+" and sends", queues+" to "+k.outputs[o.out].Name
		} else {
			verb, queues = "sends", "to "+k.outputs[o.out].Name
		}
	}
	if verb == "" {
		verb, queues = "moves", "in its FIFOs"
	}
	if done == o.n {
		return fmt.Sprintf("%s %d elements %s", verb, o.n, queues)
	}
	return fmt.Sprintf("%s %d of %d elements %s and waits", verb, done, o.n, queues)
}
