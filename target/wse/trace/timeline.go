package trace

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

// Window is the rectangle of PEs that is drawn; the zero value is all.
type Window struct{ X, Y, W, H int }

// Contains reports whether PE (x, y) is drawn.
func (w Window) Contains(x, y int) bool {
	return w == Window{} || x >= w.X && y >= w.Y && x < w.X+w.W && y < w.Y+w.H
}

// Timeline writes the Trace Event format, which https://ui.perfetto.dev and chrome://tracing show: a process per PE, in it a track of
// the iterations of the launch's loop, one of tasks, one of the CE with its stalls nested in its operations, one per microthread, and one per link that carries something. One
// cycle is drawn as one microsecond.
type Timeline struct {
	w     *bufio.Writer
	codes []sim.Code
	class []int32
	width int
	win   Window
	pes   map[int]*lanes
	comma bool
	err   error
}

// Tracks of a PE.
const (
	trackLoop = iota // iterations of the launch's loop
	trackTasks
	trackCE
	trackThreads        // and one more for each
	trackLinks   = 1000 // and one more for each port
)

// lanes is what is open in the tracks of one PE.
type lanes struct {
	task    int64 // begin
	running bool
	end     int64 // the CE is drawn up to here
	threads int
	last    int64 // end of the last microthread
	links   [ports]stretch
	named   map[int]bool
	round   int64 // iterations done since the launch
	since   int64 // begin of the present one
}

// stretch is consecutive use of a link by one color.
type stretch struct {
	color         int32
	from, to, num int64
}

// NewTimeline writes what happens in s to w.
func NewTimeline(w io.Writer, s *sim.Sim, win Window) *Timeline {
	width, _ := s.Size()
	t := &Timeline{w: bufio.NewWriter(w), codes: s.Codes(), class: s.ClassOf(), width: width, win: win, pes: map[int]*lanes{}}
	t.raw(`{"displayTimeUnit":"ns","otherData":{"unit":"1 us is 1 cycle","machine":` + quote(s.Machine().Name) + `},"traceEvents":[`)
	for pe := range t.class {
		if t.win.Contains(pe%width, pe/width) && t.class[pe] >= 0 {
			t.pes[pe] = &lanes{named: map[int]bool{}}
			t.meta("process_name", pe, 0, fmt.Sprintf(`"name":%s`, quote(fmt.Sprintf("PE (%d,%d) %s", pe%width, pe/width, t.codes[t.class[pe]].Class))))
			t.meta("process_sort_index", pe, 0, fmt.Sprintf(`"sort_index":%d`, pe))
		}
	}
	return t
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

func (t *Timeline) raw(s string) {
	if _, err := t.w.WriteString(s); err != nil && t.err == nil {
		t.err = err
	}
}

func (t *Timeline) object(s string) {
	if t.comma {
		t.raw(",")
	}
	t.comma = true
	t.raw("\n" + s)
}

func (t *Timeline) meta(name string, pe, tid int, args string) {
	t.object(fmt.Sprintf(`{"ph":"M","name":%q,"pid":%d,"tid":%d,"args":{%s}}`, name, pe, tid, args))
}

// slice draws n cycles from from on; args is the inside of a JSON object.
func (t *Timeline) slice(pe, tid int, name, cat string, from, n int64, args string) {
	if n <= 0 {
		return
	}
	l := t.pes[pe]
	if !l.named[tid] {
		l.named[tid] = true
		t.meta("thread_name", pe, tid, `"name":`+quote(t.track(pe, tid)))
		t.meta("thread_sort_index", pe, tid, fmt.Sprintf(`"sort_index":%d`, tid))
	}
	t.object(fmt.Sprintf(`{"ph":"X","name":%s,"cat":%s,"pid":%d,"tid":%d,"ts":%d,"dur":%d,"args":{%s}}`, quote(name), quote(cat), pe, tid, from, n, args))
}

func (t *Timeline) track(pe, tid int) string {
	switch {
	case tid == trackLoop:
		return "iterations"
	case tid == trackTasks:
		return "tasks"
	case tid == trackCE:
		return "CE"
	case tid >= trackLinks:
		return "link " + portNames[tid-trackLinks]
	}
	return fmt.Sprintf("microthread %d", t.codes[t.class[pe]].Threads[tid-trackThreads])
}

// Event implements sim.Sink.
func (t *Timeline) Event(e *sim.Event) {
	switch e.Kind {
	case sim.EvLaunch:
		for _, l := range t.pes {
			l.end, l.last, l.threads, l.running = e.Cycle, e.Cycle, 0, false
			l.round, l.since = 0, e.Cycle
		}
		return
	case sim.EvEnd:
		for pe := range t.class { // in order, for the same bytes every time
			if l := t.pes[pe]; l != nil {
				t.gap(pe, l, e.Cycle)
				t.flush(pe, l)
			}
		}
		return
	}
	l := t.pes[e.PE]
	if l == nil {
		return
	}
	code := &t.codes[t.class[e.PE]]
	sync, tid := int(e.Thread) == len(code.Threads), trackThreads+int(e.Thread)
	if sync {
		tid = trackCE
	}
	switch e.Kind {
	case sim.EvDispatch:
		t.gap(e.PE, l, e.Cycle)
		t.slice(e.PE, trackCE, "start "+code.Tasks[e.Task].Name, "dispatch", e.Cycle, e.N, "")
		l.task, l.running, l.end = e.Cycle, true, e.Cycle+e.N
	case sim.EvTaskEnd:
		t.slice(e.PE, trackTasks, code.Tasks[e.Task].Name, "task", l.task, max(1, e.Cycle-l.task), "")
		l.running = false
	case sim.EvIns:
		t.gap(e.PE, l, e.Cycle)
		in := &code.Ins[e.PC]
		if b := conflict(in); b > 0 && !in.Async {
			t.slice(e.PE, trackCE, "bank conflict", "stall", e.Cycle+e.N-b, b, `"note":"spread over the operation"`)
		}
		cat := "control"
		if in.Op != nil {
			cat = "operation"
		}
		if in.Async {
			t.slice(e.PE, trackCE, "issue "+in.Text, "issue", e.Cycle, e.N, "")
		} else {
			t.slice(e.PE, trackCE, in.Text, cat, e.Cycle, e.N, l.details(code, in))
		}
		l.end = e.Cycle + e.N
		if loops(code) && in.Counts == code.Args[1] {
			t.slice(e.PE, trackLoop, fmt.Sprintf("iteration %d", l.round), "loop", l.since, l.end-l.since, "")
			l.round, l.since = l.round+1, l.end
		}
	case sim.EvOpBegin:
		if sync {
			t.gap(e.PE, l, e.Cycle)
		} else {
			l.threads++
		}
	case sim.EvGo:
		t.slice(e.PE, tid, stallName(e.Why), "stall", e.Cycle-e.N, e.N, t.queue(code, e))
	case sim.EvOpEnd:
		in := &code.Ins[e.PC]
		t.slice(e.PE, tid, in.Text, "operation", e.Cycle+1-e.N, e.N, l.details(code, in))
		if sync {
			l.end = e.Cycle + 1
		} else {
			l.threads--
			l.last = e.Cycle + 1
		}
	case sim.EvOpCut:
		in := &code.Ins[e.PC]
		t.slice(e.PE, tid, in.Text, "operation", e.Cycle-e.N, e.N, l.details(code, in)+`,"note":"never ends"`)
		if sync {
			l.end = e.Cycle
		} else {
			l.threads--
			l.last = e.Cycle
		}
	case sim.EvUp:
		t.use(e.PE, l, up, e)
	case sim.EvHop:
		for d := wse.North; d <= wse.Ramp; d++ {
			if e.Tx.Has(d) {
				t.use(e.PE, l, int(d), e)
			}
		}
	}
}

// loops reports whether a launch of the class repeats its body: the second register that it sets counts down.
func loops(code *sim.Code) bool { return len(code.Args) > 1 }

// details are the arguments of an operation: in a loop also the iteration in which it ends.
func (l *lanes) details(code *sim.Code, in *sim.Ins) string {
	if in.Op == nil {
		return ""
	}
	s := fmt.Sprintf(`"elements":%d,"line":%s`, in.N, quote(in.Line))
	if loops(code) {
		s += fmt.Sprintf(`,"iteration":%d`, l.round)
	}
	return s
}

func stallName(w sim.Why) string {
	return [...]string{sim.WhyOperand: "operand wait", sim.WhyQueue: "queue full", sim.WhyLink: "link busy"}[w]
}

func (t *Timeline) queue(code *sim.Code, e *sim.Event) string {
	list := code.Outputs
	if e.Why == sim.WhyOperand {
		list = code.Inputs
	}
	if e.Queue < 0 || int(e.Queue) >= len(list) {
		return ""
	}
	return `"queue":` + quote(list[e.Queue].Name)
}

// gap draws what the CE waited for before at.
func (t *Timeline) gap(pe int, l *lanes, at int64) {
	until := min(at, max(l.end, l.last))
	if l.threads > 0 {
		until = at
	}
	t.slice(pe, trackCE, "wait for microthreads", "stall", l.end, until-l.end, "")
	from := max(l.end, until)
	t.slice(pe, trackCE, "idle", "stall", from, at-from, "")
	l.end = max(l.end, at)
}

// use draws wavelets that follow each other within two cycles as one slice.
func (t *Timeline) use(pe int, l *lanes, port int, e *sim.Event) {
	s := &l.links[port]
	if s.num > 0 && s.color == e.Color && e.Cycle <= s.to+1 {
		s.to, s.num = e.Cycle+1, s.num+1
		return
	}
	t.link(pe, l, port)
	*s = stretch{e.Color, e.Cycle, e.Cycle + 1, 1}
}

func (t *Timeline) link(pe int, l *lanes, port int) {
	if s := &l.links[port]; s.num > 0 {
		t.slice(pe, trackLinks+port, fmt.Sprintf("color %d", s.color), "link", s.from, s.to-s.from, fmt.Sprintf(`"wavelets":%d`, s.num))
		s.num = 0
	}
}

func (t *Timeline) flush(pe int, l *lanes) {
	for port := range l.links {
		t.link(pe, l, port)
	}
}

// Close ends the document.
func (t *Timeline) Close() error {
	for pe := range t.class {
		if l := t.pes[pe]; l != nil {
			t.flush(pe, l)
		}
	}
	t.raw("\n]}\n")
	if err := t.w.Flush(); err != nil && t.err == nil {
		t.err = err
	}
	return t.err
}
