package verdict

import (
	"slices"
	"sort"

	"github.com/wfc-lang/wfc/target/wse"
)

type insKind uint8

const (
	iOp insKind = iota
	iSet
	iLoad
	iBranch // to target unless the condition holds
	iJump
	iCtl
	iExit
	iReroute
	iStamp
	iEnd
)

// operand of a register instruction: a register, or a constant when reg < 0.
type operand struct {
	reg int
	imm int32
}

type ins struct {
	kind   insKind
	line   string
	task   int
	op     *op
	fn     wse.SetFn
	dst    int
	a, b   operand
	cmp    wse.Cmp
	target int
	end    int // branch of an if: where both arms have ended, when neither communicates; else -1
	ctl    wse.CtlFn
	ctlTsk int // -1 = queue
	queue  int // input queue that is blocked or unblocked
	from   access

	reroute *wse.Reroute
}

// access is one memory operand.
type access struct {
	array  int
	off    int
	dims   []wse.Dim
	index  int // register, -1
	scale  int
	writes bool
}

// op is a DSD operation.
type op struct {
	cut       bool // fewer elements than it is written with: see shortened
	id        int  // within its class
	src       *wse.Op
	task      int
	line      string
	n         int
	in, out   int // queues of the class, -1
	pop, push int // FIFOs of the class, by array, -1
	inPer     int // elements per wavelet
	outPer    int
	control   bool
	advance   bool // ends with a control wavelet
	own       bool // its last wavelet advances the own router
	thread    int  // index of the microthread, or the CE's
	async     bool
	ends      []end // what happens when it ends; second: when a control wavelet ends it
	acc       []access
	sends     operand // value of every wavelet, when known
	known     bool
	copies    *access // where its one wavelet comes from, known when nobody writes there
}

// end is a completion.
type end struct {
	kind wse.CompletionKind
	task int // -1
}

// may reports whether an end of the operation may do kind to a task.
func (o *op) may(kind wse.CompletionKind, task int) bool {
	return slices.ContainsFunc(o.ends, func(e end) bool { return e.kind == kind && e.task == task })
}

type task struct {
	t     *wse.Task
	entry int
	in    int // data: input queue
	arg   int // register, -1
	// Completions and statements that set its bits: with more than one, their order matters.
	activators, unblockers int
	torn                   bool // a teardown activates it
	blockedElsewhere       bool // some other task blocks it
}

// code is a class ready for execution.
type code struct {
	class   *wse.Class
	ins     []ins
	tasks   []task
	order   []int // tasks by priority
	prio    []int // inverse of order
	entry   int
	regs    map[string]int
	args    []int
	ops     []*op
	inputs  []wse.Queue
	outputs []wse.Queue
	outHW   []int // outputs -> index of the hardware queue
	hw      []int // hardware output queues
	uts     []int // microthread ids; the CE's own is the last thread
	arrays  map[string]int
	fixed   []bool       // arrays that keep their initial values
	shared  map[int]bool // arrays whose values are the same in all PEs, see Options.Shared
	bad     string       // a construct that is not modelled

	reroutes []*wse.Reroute
	handlers map[int][]int // color -> tasks that its teardown activates
}

func compile(c *wse.Class, p *wse.Program) *code {
	k := &code{class: c, regs: map[string]int{}, arrays: map[string]int{}, handlers: map[int][]int{}}
	for i, a := range c.Arrays {
		k.arrays[a.Name] = i
		k.fixed = append(k.fixed, !a.Export || len(p.Script) > 0)
	}
	for _, d := range p.Script {
		if i, ok := k.arrays[d.Array]; ok && d.Kind == wse.DoInit {
			k.fixed[i] = false
		}
	}
	for _, a := range c.Arrays {
		if a.Fifo != nil && (a.Fifo.Push != "" || a.Fifo.Pop != "") {
			k.bad = "FIFO " + a.Name + " of class " + c.Name + " activates a task: how often depends on timing"
		}
	}
	for _, q := range c.Params {
		k.reg(q.Name)
	}
	for _, q := range c.Queues {
		if q.Out {
			k.outputs = append(k.outputs, q)
		} else {
			k.inputs = append(k.inputs, q)
		}
	}
	byID := func(l []wse.Queue) { sort.SliceStable(l, func(i, j int) bool { return l[i].ID < l[j].ID }) }
	byID(k.inputs)
	byID(k.outputs)
	for _, q := range k.outputs {
		if n := len(k.hw); n == 0 || k.hw[n-1] != q.ID {
			k.hw = append(k.hw, q.ID)
		}
		k.outHW = append(k.outHW, len(k.hw)-1)
	}
	used := map[int]bool{}
	for _, body := range c.Bodies() {
		wse.Walk(body, func(s wse.Stmt) {
			if o, ok := s.(*wse.Op); ok && o.Async && !used[k.ut(o)] {
				used[k.ut(o)] = true
				k.uts = append(k.uts, k.ut(o))
			}
		})
	}
	sort.Ints(k.uts)
	for i, t := range c.Tasks {
		x := task{t: t, in: -1, arg: -1}
		if t.Arg != "" {
			x.arg = k.reg(t.Arg)
		}
		if t.Kind == wse.Data {
			x.in = queueIndex(k.inputs, t.Queue)
		}
		if t.Name == c.Entry {
			k.entry = i
			x.activators++
		}
		k.tasks = append(k.tasks, x)
		if t.Kind != wse.Handler {
			k.order = append(k.order, i)
		}
	}
	for _, t := range c.Tasks {
		if t.Kind == wse.Handler {
			k.handler(t)
		}
	}
	rank := func(i int) [3]int {
		r := k.tasks[i].t.Priority.Rank()
		switch t := k.tasks[i]; t.t.Kind {
		case wse.Local:
			return [3]int{r, 0, t.t.ID}
		case wse.Control:
			return [3]int{r, 1, t.t.ID}
		default:
			return [3]int{r, 2, t.in}
		}
	}
	sort.SliceStable(k.order, func(i, j int) bool {
		a, b := rank(k.order[i]), rank(k.order[j])
		return slices.Compare(a[:], b[:]) < 0
	})
	k.prio = make([]int, len(k.tasks))
	for i, t := range k.order {
		k.prio[t] = i
	}
	for _, a := range c.Args {
		k.args = append(k.args, k.reg(a))
	}
	for i := range k.tasks {
		if k.tasks[i].t.Kind == wse.Handler {
			continue
		}
		k.tasks[i].entry = len(k.ins)
		k.block(i, k.tasks[i].t.Body)
		k.ins = append(k.ins, ins{kind: iEnd, task: i, end: -1})
	}
	return k
}

// handler takes a teardown handler for what it activates: it is no task that runs, its color's teardown activates the tasks it names, as
// the end of an operation does.
func (k *code) handler(t *wse.Task) {
	for _, s := range t.Body {
		c, ok := s.(*wse.TaskCtl)
		if !ok || c.Fn != wse.Activate {
			k.bad = "teardown handler " + t.Name + " of class " + k.class.Name + " does more than activate tasks: when it runs depends on timing"
			return
		}
		i := k.taskIndex(c.Task)
		k.tasks[i].activators++
		k.tasks[i].torn = true
		k.handlers[t.ID] = append(k.handlers[t.ID], i)
	}
}

func (k *code) reg(name string) int {
	r, ok := k.regs[name]
	if !ok {
		r = len(k.regs)
		k.regs[name] = r
	}
	return r
}

func (k *code) ut(o *wse.Op) int {
	if o.UT >= 0 {
		return o.UT
	}
	name := o.Dst.Queue
	if o.Dst.Kind != wse.Fabric {
		for _, s := range o.Src {
			if s.Kind == wse.Fabric {
				name = s.Queue
			}
		}
	}
	q, _ := k.class.Queue(name)
	return q.ID
}

func queueIndex(l []wse.Queue, name string) int {
	for i, q := range l {
		if q.Name == name {
			return i
		}
	}
	return -1
}

func (k *code) taskIndex(name string) int {
	for i, t := range k.class.Tasks {
		if t.Name == name {
			return i
		}
	}
	return -1
}

func (k *code) val(v wse.Val) operand {
	if v.Name == "" {
		return operand{-1, v.Imm}
	}
	return operand{k.reg(v.Name), 0}
}

func (k *code) emit(i ins) int {
	k.ins = append(k.ins, i)
	return len(k.ins) - 1
}

func (k *code) block(t int, list []wse.Stmt) {
	branch := func(c wse.Cond, line string) int {
		return k.emit(ins{kind: iBranch, task: t, line: line, a: k.val(c.A), b: k.val(c.B), cmp: c.Cmp, end: -1})
	}
	for _, s := range list {
		switch s := s.(type) {
		case *wse.Op:
			k.emit(ins{kind: iOp, task: t, line: s.Line, op: k.op(t, s)})
		case *wse.Set:
			k.emit(ins{kind: iSet, task: t, line: s.Line, dst: k.reg(s.Reg), fn: s.Fn, a: k.val(s.A), b: k.val(s.B)})
		case *wse.Load:
			k.emit(ins{kind: iLoad, task: t, line: s.Line, dst: k.reg(s.Reg), from: k.access(s.From, false)})
		case *wse.TaskCtl:
			if s.Queue != "" {
				k.emit(ins{kind: iCtl, task: t, line: s.Line, ctl: s.Fn, ctlTsk: -1, queue: queueIndex(k.inputs, s.Queue)})
				continue
			}
			i := k.taskIndex(s.Task)
			switch x := &k.tasks[i]; s.Fn {
			case wse.Activate:
				x.activators++
			case wse.Unblock, wse.Offer:
				x.unblockers++
			case wse.Block:
				x.blockedElsewhere = x.blockedElsewhere || i != t
			}
			k.emit(ins{kind: iCtl, task: t, line: s.Line, ctl: s.Fn, ctlTsk: i})
		case *wse.Exit:
			k.emit(ins{kind: iExit, task: t, line: s.Line})
		case *wse.Call: // as if the body stood here; Verify bounds it
			k.block(t, k.class.Callee(s))
		case *wse.Stamp:
			to := s.To
			a := k.access(to, true)
			a.dims = []wse.Dim{{Len: wse.StampWords(k.class.Array(to.Array).Elem), Stride: 1}}
			k.emit(ins{kind: iStamp, task: t, line: s.Line, from: a})
		case *wse.Reroute:
			k.reroutes = append(k.reroutes, s)
			k.emit(ins{kind: iReroute, task: t, line: s.Line, reroute: s})
		case *wse.Rebind:
			k.bad = "class " + k.class.Name + at(s.Line) + " rebinds queue " + s.Queue + ": what of the old color still comes is not modelled"
		case *wse.If:
			b := branch(s.Cond, s.Line)
			k.block(t, s.Then)
			if len(s.Else) > 0 {
				j := k.emit(ins{kind: iJump, task: t, line: s.Line})
				k.ins[b].target = len(k.ins)
				k.block(t, s.Else)
				k.ins[j].target = len(k.ins)
			} else {
				k.ins[b].target = len(k.ins)
			}
			if k.quiet(s.Then) && k.quiet(s.Else) {
				k.ins[b].end = len(k.ins)
			}
		case *wse.While:
			b := branch(s.Cond, s.Line)
			k.block(t, s.Body)
			k.emit(ins{kind: iJump, task: t, line: s.Line, target: b})
			k.ins[b].target = len(k.ins)
		default:
			k.bad = "a statement of class " + k.class.Name
		}
	}
}

// quiet reports that statements change registers and memory only.
func (k *code) quiet(list []wse.Stmt) bool {
	ok := true
	wse.Walk(list, func(s wse.Stmt) {
		switch s := s.(type) {
		case *wse.Set, *wse.Load, *wse.If, *wse.Stamp:
		case *wse.Call:
			ok = ok && k.quiet(k.class.Callee(s))
		case *wse.Op:
			for _, x := range append([]wse.Operand{s.Dst}, s.Src...) {
				ok = ok && x.Kind != wse.Fabric && x.Kind != wse.Queued
			}
		default:
			ok = false
		}
	})
	return ok
}

func (k *code) access(o wse.Operand, writes bool) access {
	a := access{array: k.arrays[o.Array], off: o.Offset, dims: o.Dims, index: -1, writes: writes}
	if o.Kind == wse.Scalar {
		a.dims = nil
	}
	if o.IndexReg != "" {
		a.index, a.scale = k.reg(o.IndexReg), o.IndexScale
	}
	if writes {
		k.fixed[a.array] = false
	}
	return a
}

func (k *code) op(t int, s *wse.Op) *op {
	o := &op{id: len(k.ops), src: s, task: t, line: s.Line, n: 1, in: -1, out: -1, pop: -1, push: -1, inPer: 1, outPer: 1, thread: len(k.uts), async: s.Async}
	k.ops = append(k.ops, o)
	each := func(x wse.Operand, writes bool) {
		if x.IsVector() {
			o.n = x.Count()
		}
		if x.Kind == wse.Mem || x.Kind == wse.Scalar {
			o.acc = append(o.acc, k.access(x, writes))
		}
	}
	each(s.Dst, true)
	if s.Dst.Kind == wse.Queued {
		o.push = k.arrays[s.Dst.Array]
	}
	for i, x := range s.Src {
		each(x, false)
		if x.Kind == wse.Queued {
			o.pop = k.arrays[x.Array]
		}
		if x.Kind == wse.Fabric {
			o.in, o.inPer = queueIndex(k.inputs, x.Queue), s.Code.SrcElem(s.Elem, i).PerWavelet()
		}
	}
	if s.Dst.Kind == wse.Fabric {
		o.out, o.outPer, o.control = queueIndex(k.outputs, s.Dst.Queue), s.Code.DstElem(s.Elem).PerWavelet(), s.Dst.Control
		o.advance, o.own = s.Dst.Advance, s.Dst.AdvanceOwn
		if s.Code == wse.OpMov && o.outPer == 1 {
			switch x := s.Src[0]; x.Kind {
			case wse.Imm:
				o.known, o.sends = true, operand{-1, int32(x.Bits)}
			case wse.Reg:
				o.known, o.sends = true, operand{k.reg(x.Reg), 0}
			case wse.Mem, wse.Scalar:
				if a := k.access(x, false); x.Count() == 1 {
					o.copies = &a
				}
			}
		}
	}
	if s.Async {
		o.thread = sort.SearchInts(k.uts, k.ut(s))
		ends := []wse.Completion{s.Done}
		if s.OnControl != nil {
			ends = append(ends, *s.OnControl)
		}
		for _, c := range ends {
			e := end{c.Kind, k.taskIndex(c.Task)}
			switch {
			case slices.Contains(o.ends, e): // one of the two happens
			case e.kind == wse.DoneActivate:
				k.tasks[e.task].activators++
			case e.kind == wse.DoneUnblock:
				k.tasks[e.task].unblockers++
			}
			o.ends = append(o.ends, e)
		}
	}
	return o
}
