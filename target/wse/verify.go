package wse

import (
	"fmt"
	"slices"

	"github.com/wfc-lang/wfc/internal/diag"
)

// Verify checks that a program is legal on a machine: that CSL could spell it
// and that it respects every hard limit (invariants below). Diagnostics have no
// span unless the program came from text; they name class, task and source line.
//
//   - regions lie in the mesh, the mesh in the machine, classes do not overlap;
//   - at most one route per PE and color, no route back where it came from;
//   - names are unique per class and kind, and every name used exists;
//   - queue ids and colors are free for programs, each queue is bound as the
//     machine allows, each color has one input queue per PE;
//   - task ids are legal and unique, a data task has its queue for itself;
//   - operations: see verify_op.go;
//   - arrays fit in memory, do not overlap, and start where their type may.
func Verify(p *Program, m Machine) diag.List {
	v := &verifier{p: p, m: m}
	if v.tooMany(); len(v.out) > 0 {
		return v.out // the checks below compare pairs
	}
	v.mesh()
	for _, c := range p.Classes {
		v.class(c)
	}
	v.routes()
	v.memory()
	return v.out.Sorted()
}

type verifier struct {
	p    *Program
	m    Machine
	c    *Class
	t    *Task
	line string
	regs map[string]bool // written in the class
	out  diag.List

	calls    map[string]bool // functions with parameters whose call is being checked
	expanded int             // statements of such calls
}

// fail reports at the current class, task and line.
func (v *verifier) fail(code, format string, args ...any) *diag.Diagnostic {
	d := diag.New(code, diag.Span{}, format, args...)
	where := ""
	if v.c != nil {
		where = "class " + v.c.Name
		if v.t != nil {
			where += ", task " + v.t.Name
		}
		if v.line != "" {
			where += ", " + v.line
		}
		d.Message = where + ": " + d.Message
	}
	return v.out.Add(d)
}

// Limits on counts: programs grow with classes, and a compiled program stays far
// below them. They bound what Verify and the simulator spend on a hostile text.
const (
	maxClasses = 1024
	maxRoutes  = 1 << 14
	maxRegions = 256  // of a class, or of a queue's colors
	maxNames   = 1024 // arrays, queues, params or tasks of a class
)

func (v *verifier) tooMany() {
	limit := func(what string, n, most int) {
		if n > most {
			v.fail("WF0501", "%d %s; a machine program may have %d", n, what, most)
		}
	}
	limit("classes", len(v.p.Classes), maxClasses)
	limit("routes", len(v.p.Routes), maxRoutes)
	for _, c := range v.p.Classes {
		v.c = c
		limit("regions", len(c.Regions), maxRegions)
		limit("arrays", len(c.Arrays), maxNames)
		limit("queues", len(c.Queues), 64)
		limit("params", len(c.Params), maxNames)
		limit("tasks", len(c.Tasks), 64)
		limit("functions", len(c.Funcs)+len(c.Maps), maxNames)
		for _, q := range c.Queues {
			limit("regions of queue "+q.Name, len(q.Colors), maxRegions)
		}
	}
	v.c = nil
}

func (v *verifier) mesh() {
	p, m := v.p, v.m
	if p.W < 1 || p.H < 1 || p.W > m.Width || p.H > m.Height {
		v.fail("WF0505", "the program's mesh is %d x %d PEs and %s offers %d x %d", p.W, p.H, m.Name, m.Width, m.Height).
			Suggest("use a smaller mesh, or fold the problem into more cells per PE")
	}
	claimed := &claims{w: p.W, h: p.H}
	for i, c := range p.Classes {
		if len(c.Regions) == 0 {
			v.fail("WF0505", "class %s has no region", c.Name).Suggest("give it `at x LO..HI y LO..HI`")
		}
		for _, r := range c.Regions {
			if !v.region("class "+c.Name, r) {
				return
			}
		}
		for _, d := range p.Classes[:i] {
			if d.Name == c.Name {
				v.fail("WF0502", "two classes are called %s", c.Name)
			}
		}
		for _, r := range c.Regions {
			if x, y, other := claimed.add(r, i); other >= 0 {
				v.fail("WF0505", "classes %s and %s both claim PE (%d,%d)", p.Classes[other].Name, c.Name, x, y).
					Note("a PE runs the code of exactly one class")
				break
			}
		}
	}
}

func (v *verifier) region(what string, r Region) bool {
	if r.Count() == 0 || r.X.Lo < 0 || r.Y.Lo < 0 || r.X.Hi > v.p.W || r.Y.Hi > v.p.H || r.X.Step < 0 || r.Y.Step < 0 {
		v.fail("WF0505", "%s: region %s is empty or leaves the %d x %d mesh", what, r, v.p.W, v.p.H)
		return false
	}
	return true
}

func (v *verifier) routes() {
	v.c, v.t, v.line = nil, nil, ""
	byColor := map[int]*claims{}
	for i, r := range v.p.Routes {
		what := fmt.Sprintf("route of color %d", r.Color)
		if r.Color < 0 || r.Color >= v.m.UsableColors {
			v.fail("WF0504", "%s: programs may use colors 0 to %d on %s", what, v.m.UsableColors-1, v.m.Name)
			continue
		}
		if !v.region(what, r.Region) {
			continue
		}
		if r.Tx == 0 || r.Tx.Has(r.Rx) || r.Rx > Ramp || r.Tx >= 1<<5 {
			v.fail("WF0506", "%s at %s: rx %s, tx {%s} is no route", what, r.Region, r.Rx, r.Tx).
				Note("a route needs at least one tx, and none of them may be its rx")
		}
		v.extras(what, r)
		if byColor[r.Color] == nil {
			byColor[r.Color] = &claims{w: v.p.W, h: v.p.H}
		}
		if x, y, other := byColor[r.Color].add(r.Region, i); other >= 0 {
			v.fail("WF0506", "color %d is routed twice at PE (%d,%d)", r.Color, x, y).
				Note("a router holds one setting per color")
		}
	}
	v.filters()
}

func (v *verifier) memory() {
	v.c, v.t, v.line = nil, nil, ""
	lays, err := Layout(v.p, v.m)
	if err != nil {
		v.fail("WF0509", "%v", err).Suggest("spread the problem over more PEs, or shorten the memory axis")
	}
	for i, c := range v.p.Classes {
		l := lays[i]
		for j, a := range c.Arrays {
			if a.Addr >= 0 && (a.Addr < l.DataStart || a.Addr%a.Elem.Bytes() != 0) {
				v.fail("WF0509", "class %s: array %s at address %d: data starts at %d and %s needs multiples of %d",
					c.Name, a.Name, a.Addr, l.DataStart, a.Elem, a.Elem.Bytes())
			}
			for k, b := range c.Arrays[:j] {
				if a.Bytes() > 0 && b.Bytes() > 0 && l.Addr[j] < l.Addr[k]+b.Bytes() && l.Addr[k] < l.Addr[j]+a.Bytes() {
					v.fail("WF0509", "class %s: arrays %s and %s overlap at address %d", c.Name, b.Name, a.Name, max(l.Addr[j], l.Addr[k]))
				}
			}
		}
	}
}

func (v *verifier) class(c *Class) {
	v.c, v.t, v.line = c, nil, ""
	dup := func(kind string, names map[string]bool, name string) {
		if name == "" || names[name] {
			v.fail("WF0502", "two %ss are called %q, or one has no name", kind, name)
		}
		names[name] = true
	}
	arrays, queues, params := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, a := range c.Arrays {
		dup("array", arrays, a.Name)
		if a.Len < 0 || a.Len > 1<<24 || a.Elem > U16 || a.Align < 0 || a.Align&(a.Align-1) != 0 || a.Bank >= v.m.BankCount {
			v.fail("WF0509", "array %s: length %d, alignment %d or bank %d is not possible", a.Name, a.Len, a.Align, a.Bank)
		}
		if a.Fifo != nil {
			v.fifo(a)
		}
		if in := a.Init; in != nil && in.Kind == InitList && len(in.Values) > a.Len {
			v.fail("WF0508", "array %s has %d elements and %d initial values", a.Name, a.Len, len(in.Values))
		}
	}
	for _, q := range c.Params {
		dup("param", params, q.Name)
	}
	for _, name := range c.Args {
		if params[name] {
			v.fail("WF0502", "argument %s has the name of a param", name)
		}
	}
	for _, q := range c.Queues {
		dup("queue", queues, q.Name)
		v.queue(q)
	}
	v.bindings()
	v.tasks()
	v.regs, v.calls, v.expanded = registers(c), map[string]bool{}, 0
	for _, t := range c.Tasks {
		v.t, v.line = t, ""
		v.stmts(t.Body, 0)
	}
	v.t, v.line = nil, ""
	v.functions()
	for _, f := range c.Funcs {
		if len(f.Params) == 0 { // the others are checked where they are called
			v.t, v.line = &Task{Name: f.Name}, ""
			v.stmts(f.Body, 0)
		}
	}
	v.t = nil
}

func (v *verifier) queue(q Queue) {
	ids, dir := v.m.UsableIn(), "input"
	if q.Out {
		ids, dir = v.m.UsableOut(), "output"
	}
	if !slices.Contains(ids, q.ID) {
		v.fail("WF0503", "queue %s: %s queue %d; programs may use %v on %s", q.Name, dir, q.ID, ids, v.m.Name)
	}
	if len(q.Colors) == 0 {
		v.fail("WF0503", "queue %s has no color", q.Name)
	}
	for i, c := range q.Colors {
		if c.Color < 0 || c.Color >= v.m.UsableColors {
			v.fail("WF0504", "queue %s: color %d; programs may use 0 to %d on %s", q.Name, c.Color, v.m.UsableColors-1, v.m.Name)
		}
		for _, d := range q.Colors[:i] {
			if x, y, ok := v.inClass(c.Region, d.Region); ok {
				v.fail("WF0503", "queue %s has colors %d and %d at PE (%d,%d)", q.Name, d.Color, c.Color, x, y)
			}
		}
	}
}

// inClass finds a PE of the class that lies in both regions.
func (v *verifier) inClass(a, b Region) (x, y int, ok bool) {
	for _, r := range v.c.Regions {
		if x, y, ok = r.Meets(a, b); ok {
			return x, y, true
		}
	}
	return 0, 0, false
}

// sameColor finds a PE where both queues have the same color.
func (v *verifier) sameColor(q, o Queue) (x, y, color int, ok bool) {
	for _, c := range q.Colors {
		for _, d := range o.Colors {
			if c.Color != d.Color {
				continue
			}
			if x, y, ok = v.inClass(c.Region, d.Region); ok {
				return x, y, c.Color, true
			}
		}
	}
	return 0, 0, 0, false
}

func (v *verifier) bindings() {
	for i, q := range v.c.Queues {
		for _, o := range v.c.Queues[:i] {
			if q.Out != o.Out {
				continue
			}
			x, y, color, same := v.sameColor(q, o)
			switch {
			case q.ID == o.ID && (!q.Out || v.m.OneColorPerQueue):
				v.fail("WF0503", "queues %s and %s both bind hardware queue %d", o.Name, q.Name, q.ID).
					Note("on %s a queue has one color for the whole program", v.m.Name)
			case same && !q.Out:
				v.fail("WF0503", "color %d is delivered to input queues %s and %s at PE (%d,%d)", color, o.Name, q.Name, x, y).
					Note("a wavelet goes to exactly one queue")
			case same && q.ID == o.ID:
				v.fail("WF0503", "output queues %s and %s are the same queue and color at PE (%d,%d): use one name", o.Name, q.Name, x, y)
			}
		}
	}
}

// taskIDs lists the ids a task has in the PEs of the class.
func (v *verifier) taskIDs(t *Task) []int {
	if t.Kind != Data {
		return []int{t.ID}
	}
	q, ok := v.c.Queue(t.Queue)
	if !ok || q.Out {
		return nil
	}
	if v.m.DataTaskIDIsQueue {
		return []int{q.ID}
	}
	var ids []int
	for _, c := range q.Colors {
		if _, _, ok := v.inClass(c.Region, c.Region); ok && !slices.Contains(ids, c.Color) {
			ids = append(ids, c.Color)
		}
	}
	return ids
}

func (v *verifier) tasks() {
	c, m := v.c, v.m
	ids := map[string]*Task{}
	names := map[string]bool{}
	owner := map[string]*Task{}
	for _, t := range c.Tasks {
		v.t = t
		if t.Priority > LowPriority {
			v.fail("WF0507", "unknown priority")
			continue
		}
		if t.Name == "" || names[t.Name] {
			v.fail("WF0502", "two tasks are called %q, or one has no name", t.Name)
		}
		names[t.Name] = true
		all, space := v.taskIDs(t), "task"
		switch t.Kind {
		case Local:
			if !slices.Contains(m.UsableLocalTasks(), t.ID) {
				v.fail("WF0507", "local task id %d; %s allows %v", t.ID, m.Name, m.UsableLocalTasks())
			}
		case Control:
			space = "control task"
			if t.ID < 0 || t.ID >= m.ControlTasks {
				v.fail("WF0507", "control task id %d; %s allows 0 to %d", t.ID, m.Name, m.ControlTasks-1)
			}
		case Data:
			if q, ok := c.Queue(t.Queue); !ok || q.Out {
				v.fail("WF0502", "%q is no input queue of the class", t.Queue)
				continue
			}
			if o := owner[t.Queue]; o != nil {
				v.fail("WF0507", "tasks %s and %s both take the wavelets of queue %s", o.Name, t.Name, t.Queue)
			}
			owner[t.Queue] = t
		case Handler:
			space = "teardown handler of color"
			v.handler(t)
		default:
			v.fail("WF0507", "unknown task kind")
		}
		for _, id := range all {
			key := fmt.Sprint(space, id)
			if o := ids[key]; o != nil && o != t {
				d := v.fail("WF0507", "tasks %s and %s have the same id %d", o.Name, t.Name, id)
				if !m.DataTaskIDIsQueue {
					d.Note("on %s a data task's id is the color of its queue", m.Name)
				}
			}
			ids[key] = t
		}
	}
	v.t = nil
	if e := c.Task(c.Entry); e == nil || e.Kind != Local {
		v.fail("WF0502", "the entry %q is no local task of the class", c.Entry)
	}
}
