package verdict

import (
	"fmt"
	"math/bits"
)

// stuck describes the state of an execution that does not go on.
func (s *state) stuck(v *Verdict) {
	v.Kind = Deadlocks
	var ends [][]int32 // events behind each wait
	note := func(w Wait, ev ...int32) {
		v.Waits, ends = append(v.Waits, w), append(ends, ev)
	}
	last := func(i int) int32 {
		if s.rec == nil {
			return -1
		}
		return s.rec.last[i]
	}
	if s.fault != nil {
		i := s.indexOf(s.fault.X, s.fault.Y)
		note(*s.fault, last(i))
	} else {
		for i, c := range s.m.class {
			if c >= 0 {
				s.waits(i, func(w Wait, ev int32) { note(w, ev, last(i)) })
			}
		}
		s.left(func(w Wait, ev int32) { note(w, ev) })
	}
	circle := findCircle(v.Waits)
	var from []int32
	switch {
	case len(circle) > 0:
		for _, i := range circle {
			v.Circle = append(v.Circle, v.Waits[i])
			from = append(from, ends[i]...)
		}
	case len(v.Waits) > 0:
		root := 0 // a wait for nobody is a cause; others follow from it
		for i, w := range v.Waits {
			if w.OnX < 0 {
				root = i
				break
			}
		}
		from = ends[root]
	}
	if s.rec != nil {
		v.Steps = s.rec.schedule(s, from)
	}
}

func (s *state) indexOf(x, y int) int {
	for i := range s.m.class {
		if s.m.x(i) == x && s.m.y(i) == y {
			return i
		}
	}
	return 0
}

// waits lists what keeps PE i from going on.
func (s *state) waits(i int, note func(Wait, int32)) {
	p, k := &s.pes[i], s.m.codes[s.m.class[i]]
	base := Wait{X: s.m.x(i), Y: s.m.y(i), Class: k.class.Name, Color: -1, OnX: -1, OnY: -1}
	n := 0
	add := func(w Wait, ev int32) { note(w, ev); n++ }
	for j := range p.thr {
		th := &p.thr[j]
		if th.op == nil {
			continue
		}
		o := th.op
		w := base
		w.Task, w.Line, w.Op = k.tasks[o.task].t.Name, o.line, o.src.String()
		switch {
		case p.fifoRoom(k, o) == 0:
			w.Reason = fmt.Sprintf("has done %d of %d elements: ", th.done, o.n)
			if o.pop >= 0 && p.fifos[o.pop] == 0 {
				w.Reason += "nothing pushes to FIFO " + k.class.Arrays[o.pop].Name
			} else {
				w.Reason += "nothing pops from FIFO " + k.class.Arrays[o.push].Name
			}
		case o.in >= 0 && s.q[s.m.in[i][o.in]].n == 0 || o.out < 0:
			in := s.m.in[i][o.in]
			w.Queue, w.Color = k.inputs[o.in].Name, k.inputs[o.in].Color(w.X, w.Y)
			w.Reason = fmt.Sprintf("has received %d of %d elements on queue %s (color %d)", th.done, o.n, w.Queue, w.Color)
			if q := &s.q[in]; q.n > 0 {
				w.Reason += ": a control wavelet is at the head of the queue"
			} else if src := s.writer(in); src >= 0 {
				w.OnX, w.OnY = s.m.x(src), s.m.y(src)
			} else {
				w.Reason += ": no PE sends this color here"
			}
		default:
			out := s.m.out[i][o.out]
			w.Queue, w.Color = k.outputs[o.out].Name, k.outputs[o.out].Color(w.X, w.Y)
			w.Reason = fmt.Sprintf("has sent %d of %d elements on queue %s (color %d), and all buffers on the way are full", th.done, o.n, w.Queue, w.Color)
			end, why := s.sink(out)
			if end >= 0 {
				w.OnX, w.OnY = s.m.x(int(end)), s.m.y(int(end))
			}
			w.Reason += why
		}
		add(w, th.ev)
	}
	for in := range k.inputs {
		q := &s.q[s.m.in[i][in]]
		if q.n == 0 || p.receiving(in) {
			continue
		}
		w := base
		w.Queue, w.Color = k.inputs[in].Name, k.inputs[in].Color(w.X, w.Y)
		w.Reason = fmt.Sprintf("has %d wavelets on the way to queue %s (color %d) that nothing takes", q.n, w.Queue, w.Color)
		for t := range k.tasks {
			if k.tasks[t].in == in && p.blocked>>t&1 == 1 {
				w.Task = k.tasks[t].t.Name
				w.Reason = fmt.Sprintf("stays blocked, with %d wavelets on the way to queue %s (color %d): an unblock is missing", q.n, w.Queue, w.Color)
			}
		}
		add(w, q.runs[0].ev)
	}
	for t := range k.tasks {
		if p.active&p.blocked>>t&1 == 1 && p.exits == 0 {
			w := base
			w.Task, w.Reason = k.tasks[t].t.Name, "is active but stays blocked: an unblock is missing"
			add(w, -1)
		}
	}
	if p.exits == 0 && n == 0 {
		w := base
		w.Reason = "has not exited and has no task to run: an activate, an unblock or an exit is missing"
		add(w, -1)
	}
}

// left lists wavelets in pipes that no PE takes from.
func (s *state) left(note func(Wait, int32)) {
	for i := range s.q {
		b := &s.m.pipes[i]
		if s.q[i].n == 0 || b.reader >= 0 {
			continue
		}
		if b.router != nil {
			s.leftRouter(i, note)
			continue
		}
		next := b.next
		if b.ports != nil {
			next = b.ports[s.q[i].runs[0].port]
		}
		why := ""
		for _, j := range next {
			if why != "" {
				break
			}
			if why = lost(j); j >= 0 && !s.accepts(j, int32(i)) {
				n := &s.m.pipes[j]
				why = fmt.Sprintf("the router of PE (%d,%d) does not take them: %s", s.m.xs[n.x], s.m.ys[n.y], s.stands(n.router))
			}
		}
		if why == "" {
			continue // it waits behind something that is listed
		}
		pe := b.y*len(s.m.xs) + b.x
		w := Wait{X: s.m.xs[b.x], Y: s.m.ys[b.y], Color: b.color, OnX: -1, OnY: -1}
		if c := s.m.class[pe]; c >= 0 {
			w.Class = s.m.codes[c].class.Name
		}
		w.Reason = fmt.Sprintf("is the start of %d wavelets of color %d that cannot go on: %s", s.q[i].n, b.color, why)
		note(w, s.q[i].runs[0].ev)
	}
}

// leftRouter notes wavelets that a router keeps.
func (s *state) leftRouter(i int, note func(Wait, int32)) {
	b := &s.m.pipes[i]
	w := Wait{X: s.m.xs[b.x], Y: s.m.ys[b.y], Color: b.color, OnX: -1, OnY: -1}
	if c := s.m.class[b.y*len(s.m.xs)+b.x]; c >= 0 {
		w.Class = s.m.codes[c].class.Name
	}
	why := ""
	if !s.routers[b.router.index].torn {
		for p := uint(s.setting(b.router).Tx); p != 0 && why == ""; p &= p - 1 {
			j := b.router.target[bits.TrailingZeros(p)]
			if why = lost(j); j >= 0 && !s.accepts(j, int32(i)) {
				n := &s.m.pipes[j]
				why = fmt.Sprintf("the router of PE (%d,%d) does not take them: %s", s.m.xs[n.x], s.m.ys[n.y], s.stands(n.router))
			}
		}
		if why == "" {
			return // it waits behind something that is listed
		}
		why = "; " + why
	}
	w.Reason = fmt.Sprintf("keeps %d wavelets of color %d in its router: %s%s", s.q[i].n, b.color, s.stands(b.router), why)
	note(w, s.q[i].runs[0].ev)
}

func lost(end int32) string {
	switch end {
	case endOffMesh:
		return "the route leaves the mesh"
	case endNoRoute:
		return "the next router does not accept the color from there"
	case endNoQueue:
		return "the color goes down a ramp where no input queue is bound to it"
	}
	return ""
}

// writer is the PE that fills a pipe, directly or through others, or -1.
func (s *state) writer(i int32) int {
	for n := 0; i >= 0 && n <= len(s.m.pipes); n++ {
		b := &s.m.pipes[i]
		if b.writer >= 0 {
			return int(b.writer)
		}
		i = b.up
		if b.router != nil {
			for _, j := range b.router.from {
				if b.router.entry[j] == s.setting(b.router).Rx {
					i = j
				}
			}
		}
	}
	return -1
}

// sink follows full pipes to the PE that takes nothing, or says where they end.
func (s *state) sink(i int32) (reader int32, why string) {
	for n := 0; n <= len(s.m.pipes); n++ {
		b := &s.m.pipes[i]
		if b.reader >= 0 {
			return b.reader, ""
		}
		if b.router != nil {
			return -1, fmt.Sprintf(": at PE (%d,%d) %s", s.m.xs[b.x], s.m.ys[b.y], s.stands(b.router))
		}
		next := b.next
		if b.ports != nil && s.q[i].n > 0 {
			next = b.ports[s.q[i].runs[0].port]
		}
		full := int32(-1)
		for _, j := range next {
			if j < 0 {
				return -1, ": " + lost(j)
			}
			if s.q[j].n >= s.m.pipes[j].cap || !s.accepts(j, i) {
				full = j
			}
		}
		if full < 0 {
			return -1, ""
		}
		i = full
	}
	return -1, ""
}

// findCircle finds waits that form a circle of PEs, as indices.
func findCircle(waits []Wait) []int {
	type pos struct{ x, y int }
	next := map[pos][]int{}
	for i, w := range waits {
		if w.OnX >= 0 {
			next[pos{w.X, w.Y}] = append(next[pos{w.X, w.Y}], i)
		}
	}
	const (
		onPath = 1 + iota
		searched
	)
	state := map[pos]int{}
	for _, start := range waits {
		// Depth-first with an explicit path: meshes make long chains.
		type frame struct {
			p pos
			k int
		}
		from := pos{start.X, start.Y}
		if state[from] != 0 {
			continue
		}
		path := []frame{{from, 0}}
		state[from] = onPath
		for len(path) > 0 {
			f := &path[len(path)-1]
			if f.k == len(next[f.p]) {
				state[f.p] = searched
				path = path[:len(path)-1]
				continue
			}
			w := waits[next[f.p][f.k]]
			f.k++
			switch to := (pos{w.OnX, w.OnY}); state[to] {
			case onPath:
				var out []int
				found := false
				for _, g := range path {
					if found = found || g.p == to; found {
						out = append(out, next[g.p][g.k-1])
					}
				}
				return out
			case 0:
				state[to] = onPath
				path = append(path, frame{to, 0})
			}
		}
	}
	return nil
}
