package sim

import (
	"fmt"
	"sort"
	"strings"

	"github.com/wfc-lang/wfc/internal/diag"
	"github.com/wfc-lang/wfc/target/wse"
)

// Wait is one edge of the wait-for graph: a PE that cannot go on, and why.
type Wait struct {
	X, Y     int
	Class    string
	Task     string
	Line     string // source line, or the operation's text
	Queue    string // empty when the PE waits for a task, not a queue
	Color    int    // -1 without queue
	Reason   string
	OnX, OnY int // the PE waited for; -1 when unknown or none
}

func (w Wait) String() string {
	s := fmt.Sprintf("PE (%d,%d) class %s", w.X, w.Y, w.Class)
	if w.Task != "" {
		s += " task " + w.Task
	}
	if w.Line != "" {
		s += " at " + w.Line
	}
	s += " " + w.Reason
	if w.OnX >= 0 {
		s += fmt.Sprintf(": waits for PE (%d,%d)", w.OnX, w.OnY)
	}
	return s
}

// Deadlock is the error of a launch in which nothing can change any more.
type Deadlock struct {
	Cycle  int64
	Exited int // PEs that executed exit
	PEs    int
	Waits  []Wait // by PE, row by row
	Cyclic []Wait // a cycle of the graph, when there is one
}

// maxShown bounds the lines of a deadlock message; Waits has all.
const maxShown = 16

// Diagnostic is the deadlock as a diagnostic, one note per wait.
func (d *Deadlock) Diagnostic() *diag.Diagnostic {
	out := diag.New("WF0511", diag.Span{}, "deadlock at cycle %d: nothing can change any more; %d of %d PEs have exited", d.Cycle, d.Exited, d.PEs)
	list := d.Waits
	if len(d.Cyclic) > 0 {
		out.Note("a circle of PEs that wait for each other:")
		list = d.Cyclic
	}
	for i, w := range list {
		if i == maxShown {
			out.Note("... and %d more", len(list)-i)
			break
		}
		out.Note("%s", w)
	}
	return out
}

func (d *Deadlock) Error() string {
	x := d.Diagnostic()
	return x.Error() + "\n  " + strings.Join(x.Notes, "\n  ")
}

// deadlock builds the wait-for graph of the stuck state.
func (s *Sim) deadlock() error {
	d := &Deadlock{Cycle: s.cycle, Exited: s.nExited, PEs: s.nPEs}
	for pe := range s.class {
		if s.class[pe] >= 0 {
			s.waits(pe, d)
		}
	}
	for i := range s.slots {
		dyn := s.dyn != nil && s.dyn[i] != nil
		if s.fifos[i].n > 0 && (s.nExited == s.nPEs || dyn) {
			sl := &s.slots[i]
			w := Wait{X: int(sl.pe) % s.w, Y: int(sl.pe) / s.w, Color: int(sl.color), OnX: -1,
				Reason: fmt.Sprintf("has %d wavelets of color %d left in its router when all PEs have exited", s.fifos[i].n, sl.color)}
			if dyn {
				w.Reason = fmt.Sprintf("has %d wavelets of color %d in its router: %s", s.fifos[i].n, sl.color, s.dyn[i].state())
			}
			if c := s.class[sl.pe]; c >= 0 {
				w.Class = s.codes[c].class.Name
			}
			d.Waits = append(d.Waits, w)
		}
	}
	d.Cyclic = circle(d.Waits)
	return d
}

// waits appends what keeps one PE from going on.
func (s *Sim) waits(pe int, d *Deadlock) {
	k := s.codes[s.class[pe]]
	before := len(d.Waits)
	base := Wait{X: pe % s.w, Y: pe / s.w, Class: k.class.Name, Color: -1, OnX: -1, OnY: -1}
	thr := s.threads[s.thrOf[pe]:s.thrOf[pe+1]]
	for i := range thr {
		if thr[i].d != nil {
			d.Waits = append(d.Waits, s.threadWait(base, pe, k, &thr[i]))
		}
	}
	for in := range k.inputs {
		f := &s.fifos[s.inOf[pe]+int32(in)]
		if f.n == 0 || receiving(thr, int32(in)) {
			continue
		}
		w := base
		w.Queue, w.Color = k.inputs[in].Name, s.colorOf(pe, int32(in))
		w.Reason = fmt.Sprintf("leaves %d wavelets in queue %s (color %d) that nothing takes", f.n, w.Queue, w.Color)
		if t := k.dataTask(int32(in)); t >= 0 && s.blocked[pe]>>t&1 == 1 {
			w.Task = k.tasks[t].t.Name
			w.Reason = fmt.Sprintf("stays blocked, with %d wavelets in queue %s (color %d)", f.n, w.Queue, w.Color)
		}
		d.Waits = append(d.Waits, w)
	}
	for q := range k.outputs {
		i := s.outSlot[s.outBind[pe]+int32(q)]
		f := &s.fifos[s.outOf[pe]+k.outHW[q]]
		if s.dyn == nil || i < 0 || f.n == 0 || s.head(f).aux&auxSlot != i || s.takes(i, wse.Ramp) {
			continue
		}
		w := base
		w.Queue, w.Color = k.outputs[q].Name, int(s.slots[i].color)
		w.Reason = fmt.Sprintf("has %d wavelets in queue %s (color %d) that its router does not take", f.n, w.Queue, w.Color)
		if d := s.dyn[i]; d != nil {
			w.Reason += ": " + d.state()
		}
		d.Waits = append(d.Waits, w)
	}
	for i := range k.tasks {
		if s.active[pe]&s.blocked[pe]>>i&1 == 1 {
			w := base
			w.Task, w.Reason = k.tasks[i].t.Name, "is active but stays blocked: an unblock is missing"
			d.Waits = append(d.Waits, w)
		}
	}
	if !s.exited[pe] && len(d.Waits) == before {
		w := base
		w.Reason = "has not exited and has no task to run: an activate or exit is missing"
		if s.mainReady[pe] > 0 {
			w.Task = k.tasks[s.curTask[pe]].t.Name
			w.Reason = "was the last task to run; the PE has not exited and nothing is left to run: an activate or exit is missing"
		}
		d.Waits = append(d.Waits, w)
	}
}

func (s *Sim) threadWait(w Wait, pe int, k *code, th *thread) Wait {
	in := &k.ins[th.line]
	w.Task, w.Line = k.tasks[in.task].t.Name, lineOf(in)
	w.Reason = fmt.Sprintf("has done %d of %d elements", th.done, th.d.n)
	switch th.wait {
	case waitIn:
		q := k.inputs[th.d.src[th.d.fabIn].queue]
		w.Queue, w.Color = q.Name, s.colorOf(pe, th.d.src[th.d.fabIn].queue)
		w.Reason = fmt.Sprintf("has received %d of %d elements on queue %s (color %d)", th.done, th.d.n, w.Queue, w.Color)
		i := s.findSlot(pe, int32(w.Color))
		switch {
		case s.fifos[s.inOf[pe]+th.d.src[th.d.fabIn].queue].n > 0:
			w.Reason += ": a control wavelet is at the head of the queue"
		case i < 0:
			w.Reason += ": no route leads this color here"
		default:
			if src := s.upstream(i); src >= 0 {
				w.OnX, w.OnY = int(s.slots[src].pe)%s.w, int(s.slots[src].pe)/s.w
			} else {
				w.Reason += ": the route of the color does not begin at a ramp"
			}
		}
	case waitPop:
		w.Reason += fmt.Sprintf(": FIFO %s is empty", th.d.op.Src[th.d.fifoIn].Array)
	case waitPush:
		w.Reason += fmt.Sprintf(": FIFO %s is full", th.d.op.Dst.Array)
	case waitOut:
		q := k.outputs[th.d.dst.queue]
		w.Queue, w.Color = q.Name, q.Color(w.X, w.Y)
		w.Reason = fmt.Sprintf("has sent %d of %d elements on queue %s (color %d), which is full", th.done, th.d.n, w.Queue, w.Color)
		f := &s.fifos[s.outOf[pe]+k.outHW[th.d.dst.queue]]
		if sink := s.downstream(s.head(f).aux & auxSlot); sink >= 0 {
			w.OnX, w.OnY = sink%s.w, sink/s.w
		}
	}
	return w
}

// colorOf is the color of input queue in, as it is bound now.
func (s *Sim) colorOf(pe int, in int32) int { return int(s.inColor[s.inOf[pe]+in-s.inOf[0]]) }

// downstream follows full buffers from router buffer i to the PE whose input
// queue is full, or -1.
func (s *Sim) downstream(i int32) int {
	seen := map[int32]bool{}
	for !seen[i] {
		seen[i] = true
		sl := &s.slots[i]
		next := int32(-1)
		for d := wse.North; d <= wse.Ramp; d++ {
			to := sl.target[d]
			if to < 0 || s.fifos[to].n < s.fifos[to].cap {
				continue
			}
			if d == wse.Ramp {
				return int(sl.pe)
			}
			next = to
		}
		if next < 0 {
			return -1
		}
		i = next
	}
	return -1
}

// circle finds a cycle of PEs in the graph, in the order of waiting.
func circle(waits []Wait) []Wait {
	type pos struct{ x, y int }
	next := map[pos][]int{}
	var starts []pos
	for i, w := range waits {
		p := pos{w.X, w.Y}
		if w.OnX >= 0 {
			next[p] = append(next[p], i)
		}
		starts = append(starts, p)
	}
	sort.SliceStable(starts, func(i, j int) bool {
		a, b := starts[i], starts[j]
		return a.y < b.y || a.y == b.y && a.x < b.x
	})
	state := map[pos]int{} // 1 = fully searched without a cycle
	for _, from := range starts {
		// Depth-first with an explicit path: meshes make long chains.
		type frame struct {
			p pos
			k int
		}
		path := []frame{{from, 0}}
		on := map[pos]int{from: 0}
		for len(path) > 0 && state[from] == 0 {
			f := &path[len(path)-1]
			if f.k == len(next[f.p]) || state[f.p] == 1 {
				state[f.p] = 1
				delete(on, f.p)
				path = path[:len(path)-1]
				continue
			}
			w := waits[next[f.p][f.k]]
			f.k++
			to := pos{w.OnX, w.OnY}
			if at, ok := on[to]; ok {
				var out []Wait
				for _, g := range path[at:] {
					out = append(out, waits[next[g.p][g.k-1]])
				}
				return out
			}
			if state[to] == 0 {
				on[to] = len(path)
				path = append(path, frame{to, 0})
			}
		}
	}
	return nil
}
