package fast

import (
	"slices"
	"sort"

	"github.com/wfc-lang/wfc/target/wse"
	"github.com/wfc-lang/wfc/target/wse/sim"
)

type insKind uint8

const (
	iOp insKind = iota
	iSet
	iLoad
	iBranch // jump to target unless the condition holds
	iLoop   // jump to target if it holds
	iJump
	iCtl
	iExit
	iFrame // of calls: time only
	iEnd
)

// value is an i32 from a register (reg >= 0) or a constant.
type value struct{ reg, imm int32 }

// operand is a wse.Operand with names resolved. Memory is counted in rows: one
// row per array element.
type operand struct {
	kind           wse.OperandKind
	half           bool  // 2-byte elements
	base           int32 // row of the pattern's first element
	lo, hi         int32 // rows of the array
	addr           int   // byte address of the array
	minOff, maxOff int32 // of the pattern relative to base
	stride         int32 // one dimension
	dims           []wse.Dim
	indexReg       int32 // -1 = none
	scale          int32
	queue, perW    int32
	bits           uint32
	reg            int32
}

// dsd is a compiled DSD operation.
type dsd struct {
	op       *wse.Op
	code     wse.Opcode
	f32      bool
	fn       func(a, b, c uint32) uint32
	reduce   bool
	n        int32
	dst      operand
	src      [3]operand
	nsrc     int
	fabIn    int // index of the fabric source, -1
	fabOut   bool
	place    wse.Placement
	thread   int32
	done     wse.CompletionKind
	doneTask int32
	rows     threadRows // of operations on the fabric
	own      bool       // the last wavelet turns the PE's own router
	control  bool       // sends the command to advance
}

// threadRows are rows beside the arrays in which a thread keeps values per PE
// while an operation goes on; -1 = not needed.
type threadRows struct {
	val          [3]int32 // scalars read at issue
	acc, in, out int32
}

type ins struct {
	kind    insKind
	dsd     *dsd
	dst     int32
	fn      wse.SetFn
	a, b    value
	cmp     wse.Cmp
	target  int32
	ctl     wse.CtlFn
	ctlTask int32
	from    operand
	cost    [2]int32
}

type task struct {
	t     *wse.Task
	entry int32
	queue int32
	arg   int32
}

// code is a compiled class.
type code struct {
	class   *wse.Class
	ins     []ins
	tasks   []task
	locals  []int32
	data    []int32
	entry   int32
	args    []int32
	regs    map[string]int32
	inputs  []wse.Queue
	outputs []wse.Queue
	outHW   []int32
	outIDs  []int
	threads []int
	row     []int32 // first row of each array
	nrows   int32   // arrays and what threads keep
}

type compiler struct {
	*code
	m    wse.Machine
	addr []int // byte addresses of the arrays, for the bank rule
	keep []threadRows
	err  error
}

// compile flattens a class that wse.Check has accepted, as the plain engine does:
// registers, instructions and threads have the same numbers there.
func compile(cl *wse.Class, lay wse.ClassLayout, m wse.Machine) (*code, error) {
	k := &compiler{code: &code{class: cl, regs: map[string]int32{}}, m: m, addr: lay.Addr}
	k.arrays()
	for _, p := range cl.Params {
		k.reg(p.Name)
	}
	k.queues()
	used := map[int]bool{}
	for _, body := range cl.Bodies() {
		wse.Walk(body, func(s wse.Stmt) {
			if o, ok := s.(*wse.Op); ok && o.Async {
				used[k.ut(o)] = true
			}
		})
	}
	for id := range used {
		k.threads = append(k.threads, id)
	}
	sort.Ints(k.threads)
	for range len(k.threads) + 1 {
		k.keep = append(k.keep, threadRows{[3]int32{-1, -1, -1}, -1, -1, -1})
	}
	for i, t := range cl.Tasks {
		ct := task{t: t, queue: -1, arg: -1}
		if t.Arg != "" {
			ct.arg = k.reg(t.Arg)
		}
		if t.Kind == wse.Data {
			ct.queue = k.input(t.Queue)
			k.data = append(k.data, int32(i))
		} else {
			k.locals = append(k.locals, int32(i))
		}
		if t.Name == cl.Entry {
			k.entry = int32(i)
		}
		k.tasks = append(k.tasks, ct)
	}
	sort.SliceStable(k.locals, func(i, j int) bool { return k.tasks[k.locals[i]].t.ID < k.tasks[k.locals[j]].t.ID })
	sort.SliceStable(k.data, func(i, j int) bool { return k.tasks[k.data[i]].queue < k.tasks[k.data[j]].queue })
	for _, name := range cl.Args {
		k.args = append(k.args, k.reg(name))
	}
	for i := range k.tasks {
		k.tasks[i].entry = int32(len(k.ins))
		k.block(k.tasks[i].t.Body)
		k.emit(ins{kind: iEnd})
	}
	return k.code, k.err
}

// arrays gives every array its rows. Arrays that share memory would need bytes.
func (k *compiler) arrays() {
	order := make([]int, len(k.class.Arrays))
	for i, a := range k.class.Arrays {
		k.row = append(k.row, k.nrows)
		k.nrows += int32(a.Len)
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return k.addr[order[i]] < k.addr[order[j]] })
	for i := 1; i < len(order); i++ {
		if a := order[i-1]; k.addr[a]+k.class.Arrays[a].Bytes() > k.addr[order[i]] {
			k.fail("arrays of class %s share memory", k.class.Name)
		}
	}
}

func (k *compiler) queues() {
	for _, q := range k.class.Queues {
		if q.Out {
			k.outputs = append(k.outputs, q)
		} else {
			k.inputs = append(k.inputs, q)
		}
	}
	sort.SliceStable(k.inputs, func(i, j int) bool { return k.inputs[i].ID < k.inputs[j].ID })
	sort.SliceStable(k.outputs, func(i, j int) bool { return k.outputs[i].ID < k.outputs[j].ID })
	for _, q := range k.outputs {
		if n := len(k.outIDs); n == 0 || k.outIDs[n-1] != q.ID {
			k.outIDs = append(k.outIDs, q.ID)
		}
		k.outHW = append(k.outHW, int32(len(k.outIDs)-1))
	}
}

func (k *compiler) fail(format string, args ...any) {
	if k.err == nil {
		k.err = unsupported(format, args...)
	}
}

// ut is the microthread of an asynchronous operation.
func (k *compiler) ut(o *wse.Op) int {
	if o.UT >= 0 {
		return o.UT
	}
	if o.Dst.Kind == wse.Fabric {
		q, _ := k.class.Queue(o.Dst.Queue)
		return q.ID
	}
	for _, s := range o.Src {
		if s.Kind == wse.Fabric {
			q, _ := k.class.Queue(s.Queue)
			return q.ID
		}
	}
	return 0
}

func (k *compiler) reg(name string) int32 {
	if r, ok := k.regs[name]; ok {
		return r
	}
	r := int32(len(k.regs))
	k.regs[name] = r
	return r
}

func (k *compiler) value(v wse.Val) value {
	if v.Name == "" {
		return value{-1, v.Imm}
	}
	return value{k.reg(v.Name), 0}
}

func (k *compiler) input(name string) int32 {
	return int32(slices.IndexFunc(k.inputs, func(q wse.Queue) bool { return q.Name == name }))
}

func (k *compiler) output(name string) int32 {
	return int32(slices.IndexFunc(k.outputs, func(q wse.Queue) bool { return q.Name == name }))
}

func (k *compiler) task(name string) int32 {
	return int32(slices.IndexFunc(k.class.Tasks, func(t *wse.Task) bool { return t.Name == name }))
}

func (k *compiler) emit(i ins) int32 {
	k.ins = append(k.ins, i)
	return int32(len(k.ins) - 1)
}

func (k *compiler) block(list []wse.Stmt) {
	m := k.m
	one := func(n int) [2]int32 { return [2]int32{int32(n), int32(n)} }
	for _, s := range list {
		switch s := s.(type) {
		case *wse.Op:
			if n := m.FetchCycles(s); n > 0 {
				k.emit(ins{kind: iFrame, cost: one(n)})
			}
			k.emit(ins{kind: iOp, dsd: k.op(s)})
		case *wse.Set:
			k.emit(ins{kind: iSet, dst: k.reg(s.Reg), fn: s.Fn, a: k.value(s.A), b: k.value(s.B), cost: one(m.ScalarCycles)})
		case *wse.Load:
			from := k.operand(s.From, -1)
			k.emit(ins{kind: iLoad, dst: k.reg(s.Reg), from: from, cost: one(m.LoadCycles)})
		case *wse.TaskCtl:
			k.emit(ins{kind: iCtl, ctl: s.Fn, ctlTask: k.task(s.Task), cost: one(m.TaskCtlCycles)})
		case *wse.Call:
			there, back := m.CallCost(s)
			k.emit(ins{kind: iFrame, cost: one(there)})
			k.block(k.class.Callee(s))
			k.emit(ins{kind: iFrame, cost: one(back)})
		case *wse.Exit:
			k.emit(ins{kind: iExit, cost: one(m.TaskCtlCycles)})
		case *wse.If:
			b := k.branch(s.Cond)
			k.block(s.Then)
			if len(s.Else) > 0 {
				j := k.emit(ins{kind: iJump, cost: one(m.BranchTaken)})
				k.ins[b].target = int32(len(k.ins))
				k.block(s.Else)
				k.ins[j].target = int32(len(k.ins))
			} else {
				k.ins[b].target = int32(len(k.ins))
			}
		case *wse.While:
			b := k.branch(s.Cond)
			k.block(s.Body)
			back := k.ins[b]
			back.kind, back.target = iLoop, b+1
			back.cost = [2]int32{int32(m.ScalarCycles + m.BranchFall), int32(m.LoopBack)}
			k.emit(back)
			k.ins[b].target = int32(len(k.ins))
		default:
			k.fail("the program uses %T", s)
		}
	}
}

func (k *compiler) branch(c wse.Cond) int32 {
	m := k.m
	return k.emit(ins{kind: iBranch, a: k.value(c.A), b: k.value(c.B), cmp: c.Cmp,
		cost: [2]int32{int32(m.ScalarCycles + m.BranchFall), int32(m.ScalarCycles + m.BranchTaken)}})
}

func (k *compiler) op(o *wse.Op) *dsd {
	info, _ := o.Code.Info()
	d := &dsd{op: o, code: o.Code, f32: o.Elem == wse.F32, fn: sim.Meaning(o.Code, o.Elem), reduce: info.Reduce, nsrc: len(o.Src),
		fabIn: -1, doneTask: -1, n: 1, place: k.m.Placement(o, k.m.Rate(o.Code, o.Elem)), thread: int32(len(k.threads))}
	if d.fn == nil {
		k.fail("the program uses %v on %v", o.Code, o.Elem)
		return d
	}
	d.dst = k.operand(o.Dst, int32(o.Code.DstElem(o.Elem).PerWavelet()))
	d.fabOut = o.Dst.Kind == wse.Fabric
	d.own, d.control = o.Dst.AdvanceOwn, o.Dst.Control
	if d.control && (o.Code != wse.OpMov || o.Dst.Extent != 1 || len(o.Src) != 1 || o.Src[0].Kind != wse.Imm || o.Src[0].Bits != advance) {
		k.fail("the program sends control wavelets that do more than to advance")
	}
	if o.Dst.IsVector() {
		d.n = int32(o.Dst.Count())
	}
	if d.reduce && o.Dst.Kind != wse.Scalar {
		k.fail("a reduction whose result is no scalar")
	}
	for i, s := range o.Src {
		d.src[i] = k.operand(s, int32(o.Code.SrcElem(o.Elem, i).PerWavelet()))
		if s.IsVector() {
			d.n = int32(s.Count())
		}
		if s.Kind == wse.Fabric {
			if d.fabIn >= 0 {
				k.fail("an operation with two fabric sources")
			}
			d.fabIn = i
		}
	}
	if o.Async {
		d.done, d.doneTask = o.Done.Kind, k.task(o.Done.Task)
		d.thread = int32(sort.SearchInts(k.threads, k.ut(o)))
	}
	if d.fabIn >= 0 || d.fabOut {
		d.rows = k.kept(d)
	}
	return d
}

// kept gives a thread the rows it needs for d.
func (k *compiler) kept(d *dsd) threadRows {
	r := &k.keep[d.thread]
	need := func(x *int32, yes bool) {
		if yes && *x < 0 {
			*x = k.nrows
			k.nrows++
		}
	}
	for i := range d.nsrc {
		need(&r.val[i], d.src[i].kind == wse.Scalar)
	}
	need(&r.acc, d.reduce)
	need(&r.in, d.fabIn >= 0 && d.src[max(0, d.fabIn)].perW == 2)
	need(&r.out, d.fabOut && d.dst.perW == 2)
	return *r
}

func (k *compiler) operand(o wse.Operand, perW int32) operand {
	x := operand{kind: o.Kind, indexReg: -1, reg: -1, bits: o.Bits, perW: perW}
	switch o.Kind {
	case wse.Fabric:
		if x.queue = k.input(o.Queue); x.queue < 0 {
			x.queue = k.output(o.Queue)
		}
	case wse.Reg:
		x.reg = k.reg(o.Reg)
	case wse.Mem, wse.Scalar:
		i := slices.IndexFunc(k.class.Arrays, func(a *wse.Array) bool { return a.Name == o.Array })
		a := k.class.Arrays[i]
		x.half = a.Elem.Bytes() == 2
		x.lo, x.addr = k.row[i], k.addr[i]
		x.hi = x.lo + int32(a.Len)
		x.base = x.lo + int32(o.Offset)
		if o.IndexReg != "" {
			x.indexReg, x.scale = k.reg(o.IndexReg), int32(o.IndexScale)
		}
		if o.Kind == wse.Mem {
			x.dims = o.Dims
			x.stride = int32(o.Dims[len(o.Dims)-1].Stride)
			for _, d := range o.Dims {
				if s := int32(d.Len-1) * int32(d.Stride); s < 0 {
					x.minOff += s
				} else {
					x.maxOff += s
				}
			}
		}
	}
	return x
}

// bytes is the byte address of a row of the operand's array.
func (x *operand) bytes(row int32) int {
	if x.half {
		return x.addr + 2*int(row-x.lo)
	}
	return x.addr + 4*int(row-x.lo)
}

// at is the row of element i relative to the pattern's base.
func (x *operand) at(i int32) int32 {
	if len(x.dims) <= 1 {
		return i * x.stride
	}
	off := int32(0)
	for j := len(x.dims) - 1; j >= 0; j-- {
		d := x.dims[j]
		off += i % int32(d.Len) * int32(d.Stride)
		i /= int32(d.Len)
	}
	return off
}
