package sim

import (
	"fmt"
	"sort"

	"github.com/wfc-lang/wfc/target/wse"
)

type insKind uint8

const (
	iOp insKind = iota
	iSet
	iLoad
	iBranch // jump to target unless cond
	iLoop   // jump to target if cond (back edge)
	iJump
	iCtl
	iExit
	iReroute
	iRebind
	iCall  // a function begins here or is left
	iFetch // descriptors of the next operation come from the table of a call
	iStamp
	iEnd // end of task
)

// value is an i32 from a register (reg >= 0) or a constant.
type value struct {
	reg int32
	imm int32
}

type cond struct {
	a, b value
	cmp  wse.Cmp
}

// operand is a wse.Operand with names resolved.
type operand struct {
	kind     wse.OperandKind
	bytes    int32 // per element in memory or wavelet
	base     int32 // byte offset of the pattern in the PE's data
	lo, hi   int32 // byte offsets of the array, for patterns with an index
	minOff   int32 // lowest and highest byte of the pattern relative to base
	maxOff   int32
	stride   int32 // bytes, one dimension
	dims     []wse.Dim
	indexReg int32 // -1 = none
	scale    int32 // bytes per unit of the index
	queue    int32 // fabric: index into inputs or outputs of the class; FIFO: into its fifos
	perW     int32 // elements per wavelet
	control  bool
	advance  bool
	own      bool // the last wavelet advances the PE's own router
	bits     uint32
	reg      int32
	name     string
}

// dsd is a compiled DSD operation.
type dsd struct {
	op      *wse.Op
	fn      fn
	reduce  bool
	n       int32
	dst     operand
	src     [3]operand
	nsrc    int
	fabIn   int // index of the fabric source, -1
	fifoIn  int // index of the FIFO source, -1
	fifos   bool
	fabOut  bool
	indexed bool     // registers decide where operands lie
	rate    wse.Rate // with index registers at 0, see thread.rate
	place   wse.Placement
	origin  int   // byte address of the PE's data
	thread  int32 // slot of the microthread in the PE, or the CE's own slot
	done    wse.CompletionKind
	doneTsk int32
	onCtl   bool // a control wavelet ends the receive
	ctlDone wse.CompletionKind
	ctlTsk  int32
}

// ins is one instruction of the flattened structured code.
type ins struct {
	kind   insKind
	line   string
	task   int32
	dsd    *dsd
	dst    int32 // register
	fn     wse.SetFn
	a, b   value
	cmp    wse.Cmp
	target int32
	ctl    wse.CtlFn
	ctlTsk int32
	queue  int32 // of ctl, when ctlTsk < 0
	from   *operand
	route  *wse.Reroute
	rebind *rebinding
	cost   [2]int32 // cycles; [1] when the branch jumps
}

// rebinding is a compiled rebind of an input or output queue of the class.
type rebinding struct {
	x     *wse.Rebind
	out   bool
	queue int32
}

// task is a compiled task.
type task struct {
	t     *wse.Task
	entry int32
	queue int32 // data tasks
	arg   int32 // register or -1
}

// code is a compiled class.
type code struct {
	class    *wse.Class
	layout   wse.ClassLayout
	ins      []ins
	tasks    []task
	locals   []int32 // task indices by ascending id
	controls []int32
	handlers []int32 // of teardowns, by color
	data     []int32 // by ascending queue id
	entry    int32
	args     []int32
	regs     map[string]int32
	nparams  int         // params are the first registers
	inputs   []wse.Queue // sorted by id
	outputs  []wse.Queue // sorted by id; several names may share one hardware queue
	outHW    []int32     // outputs -> index of hardware queue in outIDs
	outIDs   []int
	threads  []int // microthread ids in use, ascending; the CE's slot is last
	arrays   map[string]int
	reroutes []*wse.Reroute
	rebinds  []*rebinding
	fifos    []fifoSpec
	urgent   bool // some task has a priority
}

type compiler struct {
	c   *code
	m   wse.Machine
	tsk int32
	err error
}

func (k *compiler) fail(line, format string, args ...any) {
	if k.err == nil {
		k.err = fmt.Errorf("class %s %s: %s", k.c.class.Name, line, fmt.Sprintf(format, args...))
	}
}

// compile flattens a class. The program must have passed wse.Verify.
func compile(cl *wse.Class, lay wse.ClassLayout, m wse.Machine) (*code, error) {
	c := &code{class: cl, layout: lay, regs: map[string]int32{}, arrays: map[string]int{}}
	k := &compiler{c: c, m: m}
	for i, a := range cl.Arrays {
		c.arrays[a.Name] = i
	}
	for _, p := range cl.Params {
		k.reg(p.Name)
	}
	c.nparams = len(cl.Params)
	for _, q := range cl.Queues {
		if q.Out {
			c.outputs = append(c.outputs, q)
		} else {
			c.inputs = append(c.inputs, q)
		}
	}
	sort.SliceStable(c.inputs, func(i, j int) bool { return c.inputs[i].ID < c.inputs[j].ID })
	sort.SliceStable(c.outputs, func(i, j int) bool { return c.outputs[i].ID < c.outputs[j].ID })
	for _, q := range c.outputs {
		if n := len(c.outIDs); n == 0 || c.outIDs[n-1] != q.ID {
			c.outIDs = append(c.outIDs, q.ID)
		}
		c.outHW = append(c.outHW, int32(len(c.outIDs)-1))
	}
	k.threads()
	for i, a := range cl.Arrays {
		if a.Fifo != nil {
			c.fifos = append(c.fifos, fifoSpec{array: int32(i), base: int32(lay.Addr[i] - lay.DataStart), len: int32(a.Len),
				push: k.taskIndex(a.Fifo.Push), pop: k.taskIndex(a.Fifo.Pop)})
		}
	}
	for i, t := range cl.Tasks {
		c.urgent = c.urgent || t.Priority != wse.MediumPriority
		ct := task{t: t, queue: -1, arg: -1}
		if t.Arg != "" {
			ct.arg = k.reg(t.Arg)
		}
		switch t.Kind {
		case wse.Local:
			c.locals = append(c.locals, int32(i))
		case wse.Handler:
			c.handlers = append(c.handlers, int32(i))
		case wse.Control:
			c.controls = append(c.controls, int32(i))
		case wse.Data:
			ct.queue = k.input(t.Queue)
			c.data = append(c.data, int32(i))
		}
		c.tasks = append(c.tasks, ct)
		if t.Name == cl.Entry {
			c.entry = int32(i)
		}
	}
	byID := func(list []int32, key func(int32) int) {
		sort.SliceStable(list, func(i, j int) bool { return key(list[i]) < key(list[j]) })
	}
	byID(c.locals, func(i int32) int { return c.tasks[i].t.ID })
	byID(c.handlers, func(i int32) int { return c.tasks[i].t.ID })
	byID(c.data, func(i int32) int { return int(c.tasks[i].queue) })
	for _, name := range cl.Args {
		c.args = append(c.args, k.reg(name))
	}
	for i := range c.tasks {
		k.tsk = int32(i)
		c.tasks[i].entry = int32(len(c.ins))
		k.block(c.tasks[i].t.Body)
		k.emit(ins{kind: iEnd})
	}
	return c, k.err
}

// threads finds the microthreads the class uses.
func (k *compiler) threads() {
	used := map[int]bool{}
	for _, body := range k.c.class.Bodies() {
		wse.Walk(body, func(s wse.Stmt) {
			if o, ok := s.(*wse.Op); ok && o.Async {
				used[k.ut(o)] = true
			}
		})
	}
	for id := range used {
		k.c.threads = append(k.c.threads, id)
	}
	sort.Ints(k.c.threads)
}

// ut is the microthread of an asynchronous operation: the one it names, else the
// id of its output queue, else of its input queue.
func (k *compiler) ut(o *wse.Op) int {
	if o.UT >= 0 {
		return o.UT
	}
	if o.Dst.Kind == wse.Fabric {
		q, _ := k.c.class.Queue(o.Dst.Queue)
		return q.ID
	}
	for _, s := range o.Src {
		if s.Kind == wse.Fabric {
			q, _ := k.c.class.Queue(s.Queue)
			return q.ID
		}
	}
	return 0
}

func (k *compiler) reg(name string) int32 {
	if r, ok := k.c.regs[name]; ok {
		return r
	}
	r := int32(len(k.c.regs))
	k.c.regs[name] = r
	return r
}

func (k *compiler) value(v wse.Val) value {
	if v.Name == "" {
		return value{-1, v.Imm}
	}
	return value{k.reg(v.Name), 0}
}

func (k *compiler) input(name string) int32 {
	for i, q := range k.c.inputs {
		if q.Name == name {
			return int32(i)
		}
	}
	return -1
}

func (k *compiler) output(name string) int32 {
	for i, q := range k.c.outputs {
		if q.Name == name {
			return int32(i)
		}
	}
	return -1
}

func (k *compiler) taskIndex(name string) int32 {
	for i, t := range k.c.class.Tasks {
		if t.Name == name {
			return int32(i)
		}
	}
	return -1
}

func (k *compiler) emit(i ins) int32 {
	i.task = k.tsk
	k.c.ins = append(k.c.ins, i)
	return int32(len(k.c.ins) - 1)
}

func (k *compiler) block(list []wse.Stmt) {
	m := k.m
	one := func(n int) [2]int32 { return [2]int32{int32(n), int32(n)} }
	for _, s := range list {
		switch s := s.(type) {
		case *wse.Op:
			if n := m.FetchCycles(s); n > 0 {
				k.emit(ins{kind: iFetch, line: s.Line, cost: one(n)})
			}
			k.emit(ins{kind: iOp, line: s.Line, dsd: k.op(s)})
		case *wse.Set:
			k.emit(ins{kind: iSet, line: s.Line, dst: k.reg(s.Reg), fn: s.Fn, a: k.value(s.A), b: k.value(s.B), cost: one(m.ScalarCycles)})
		case *wse.Load:
			o := k.operand(s.From, -1, s.Line)
			k.emit(ins{kind: iLoad, line: s.Line, dst: k.reg(s.Reg), from: &o, cost: one(m.LoadCycles)})
		case *wse.TaskCtl:
			k.emit(ins{kind: iCtl, line: s.Line, ctl: s.Fn, ctlTsk: k.taskIndex(s.Task), queue: k.input(s.Queue), cost: one(m.TaskCtlCycles)})
		case *wse.Call: // as if the body stood here; Verify has bounded it
			there, back := m.CallCost(s)
			k.emit(ins{kind: iCall, line: s.Line, cost: one(there)})
			k.block(k.c.class.Callee(s))
			k.emit(ins{kind: iCall, line: s.Line, cost: one(back)})
		case *wse.Stamp:
			to := s.To
			a := k.c.class.Array(to.Array)
			to.Kind, to.Dims = wse.Mem, []wse.Dim{{Len: wse.StampWords(a.Elem), Stride: 1}}
			o := k.operand(to, -1, s.Line)
			k.emit(ins{kind: iStamp, line: s.Line, from: &o, cost: one(m.StampCycles)})
		case *wse.Reroute:
			k.c.reroutes = append(k.c.reroutes, s)
			k.emit(ins{kind: iReroute, line: s.Line, route: s, cost: one(m.RerouteCycles)})
		case *wse.Rebind:
			r := &rebinding{x: s, queue: k.input(s.Queue)}
			if r.queue < 0 {
				r.out, r.queue = true, k.output(s.Queue)
			}
			k.c.rebinds = append(k.c.rebinds, r)
			k.emit(ins{kind: iRebind, line: s.Line, rebind: r, cost: one(m.RebindCycles)})
		case *wse.Exit:
			k.emit(ins{kind: iExit, line: s.Line, cost: one(m.TaskCtlCycles)})
		case *wse.If:
			b := k.branch(s.Cond, s.Line)
			k.block(s.Then)
			if len(s.Else) > 0 {
				j := k.emit(ins{kind: iJump, line: s.Line, cost: one(m.BranchTaken)})
				k.c.ins[b].target = int32(len(k.c.ins))
				k.block(s.Else)
				k.c.ins[j].target = int32(len(k.c.ins))
			} else {
				k.c.ins[b].target = int32(len(k.c.ins))
			}
		case *wse.While:
			b := k.branch(s.Cond, s.Line)
			k.block(s.Body)
			back := k.c.ins[b]
			back.kind, back.target = iLoop, b+1
			back.cost = [2]int32{int32(m.ScalarCycles + m.BranchFall), int32(m.LoopBack)}
			k.emit(back)
			k.c.ins[b].target = int32(len(k.c.ins))
		}
	}
}

func (k *compiler) branch(c wse.Cond, line string) int32 {
	m := k.m
	return k.emit(ins{kind: iBranch, line: line, a: k.value(c.A), b: k.value(c.B), cmp: c.Cmp,
		cost: [2]int32{int32(m.ScalarCycles + m.BranchFall), int32(m.ScalarCycles + m.BranchTaken)}})
}

func (k *compiler) op(o *wse.Op) *dsd {
	info, _ := o.Code.Info()
	d := &dsd{op: o, fn: meaning(o.Code, o.Elem), reduce: info.Reduce, nsrc: len(o.Src), fabIn: -1, fifoIn: -1, doneTsk: -1, n: 1,
		rate: k.m.Rate(o.Code, o.Elem), thread: int32(len(k.c.threads))}
	if o.Code == wse.OpApply {
		f := k.c.class.MapFunc(o.Func)
		d.fn, d.rate = mapped(f), k.m.ApplyRate(f)
	}
	if d.fn == nil {
		k.fail(o.Line, "%v.%v has no meaning", o.Code, o.Elem)
		return d
	}
	d.dst = k.operand(o.Dst, int32(o.Code.DstElem(o.Elem).PerWavelet()), o.Line)
	d.fabOut = o.Dst.Kind == wse.Fabric
	d.fifos = o.Dst.Kind == wse.Queued
	if o.Dst.IsVector() {
		d.n = int32(o.Dst.Count())
	}
	for i, s := range o.Src {
		d.src[i] = k.operand(s, int32(o.Code.SrcElem(o.Elem, i).PerWavelet()), o.Line)
		if s.IsVector() {
			d.n = int32(s.Count())
		}
		switch s.Kind {
		case wse.Fabric:
			d.fabIn = i
		case wse.Queued:
			d.fifoIn, d.fifos = i, true
		}
	}
	d.indexed = d.dst.indexed()
	for i := range o.Src {
		d.indexed = d.indexed || d.src[i].indexed()
	}
	d.place, d.origin = k.m.Placement(o, d.rate), k.c.layout.DataStart
	d.rate = d.place.At(0, 0)
	th := thread{d: d, base: [4]int32{0, d.src[0].base, d.src[1].base, d.src[2].base}}
	d.rate = th.rate()
	if o.Async {
		d.done = o.Done.Kind
		d.doneTsk = k.taskIndex(o.Done.Task)
		if c := o.OnControl; c != nil {
			d.onCtl, d.ctlDone, d.ctlTsk = true, c.Kind, k.taskIndex(c.Task)
		}
		d.thread = int32(sort.SearchInts(k.c.threads, k.ut(o)))
	}
	return d
}

func (k *compiler) operand(o wse.Operand, perW int32, line string) operand {
	x := operand{kind: o.Kind, indexReg: -1, reg: -1, bits: o.Bits, perW: perW, control: o.Control, advance: o.Advance, own: o.AdvanceOwn, name: o.Array}
	switch o.Kind {
	case wse.Fabric:
		if x.queue = k.input(o.Queue); x.queue < 0 {
			x.queue = k.output(o.Queue)
		}
		x.name, x.bytes = o.Queue, 4/perW
	case wse.Queued:
		i := int32(k.c.arrays[o.Array])
		x.bytes = int32(k.c.class.Arrays[i].Elem.Bytes())
		for j, f := range k.c.fifos {
			if f.array == i {
				x.queue = int32(j)
			}
		}
	case wse.Reg:
		x.reg = k.reg(o.Reg)
	case wse.Mem, wse.Scalar:
		i := k.c.arrays[o.Array]
		a := k.c.class.Arrays[i]
		x.bytes = int32(a.Elem.Bytes())
		x.lo = int32(k.c.layout.Addr[i] - k.c.layout.DataStart)
		x.hi = x.lo + int32(a.Bytes())
		x.base = x.lo + int32(o.Offset)*x.bytes
		if o.IndexReg != "" {
			x.indexReg, x.scale = k.reg(o.IndexReg), int32(o.IndexScale)*x.bytes
		}
		if o.Kind == wse.Mem {
			x.dims = o.Dims
			x.stride = int32(o.Dims[len(o.Dims)-1].Stride) * x.bytes
			for _, d := range o.Dims {
				if s := int32(d.Len-1) * int32(d.Stride) * x.bytes; s < 0 {
					x.minOff += s
				} else {
					x.maxOff += s
				}
			}
		}
	}
	return x
}

// indexed reports whether a register decides where the operand lies.
func (x *operand) indexed() bool {
	return (x.kind == wse.Mem || x.kind == wse.Scalar) && x.indexReg >= 0
}

// at is the byte offset of element i relative to the pattern's base.
func (x *operand) at(i int32) int32 {
	if len(x.dims) <= 1 {
		return i * x.stride
	}
	off := int32(0)
	for j := len(x.dims) - 1; j >= 0; j-- {
		d := x.dims[j]
		off += i % int32(d.Len) * int32(d.Stride) * x.bytes
		i /= int32(d.Len)
	}
	return off
}
