package wse

import "github.com/wfc-lang/wfc/internal/diag"

// maxNesting bounds blocks within blocks, here and in the parser.
const maxNesting = 64

func (v *verifier) stmts(list []Stmt, depth int) {
	if depth > maxNesting {
		v.fail("WF0501", "blocks nest deeper than %d", maxNesting)
		return
	}
	for _, s := range list {
		v.line = ""
		switch s := s.(type) {
		case *Op:
			v.line = s.Line
			v.op(s)
		case *Set:
			v.line = s.Line
			v.writes(s.Reg)
			v.val(s.A)
			if s.Fn != SetMov {
				v.val(s.B)
			}
			if s.Fn > SetMul {
				v.fail("WF0502", "unknown register function")
			}
		case *Load:
			v.line = s.Line
			v.writes(s.Reg)
			if s.From.Kind != Scalar {
				v.fail("WF0508", "load reads one memory element")
				continue
			}
			v.memory1(s.From, "load")
		case *If:
			v.line = s.Line
			v.cond(s.Cond)
			v.stmts(s.Then, depth+1)
			v.stmts(s.Else, depth+1)
		case *While:
			v.line = s.Line
			v.cond(s.Cond)
			v.stmts(s.Body, depth+1)
		case *TaskCtl:
			v.line = s.Line
			t := v.c.Task(s.Task)
			if s.Queue != "" {
				if q, ok := v.c.Queue(s.Queue); !ok || q.Out {
					v.fail("WF0502", "%s: %q is no input queue of the class", s.Fn, s.Queue)
				}
				if s.Fn == Activate || s.Fn == Offer {
					v.fail("WF0507", "a queue can be blocked and unblocked, not activated or offered")
				}
				continue
			}
			switch {
			case t == nil:
				v.fail("WF0502", "%s %s: no such task", s.Fn, s.Task)
			case t.Kind == Handler:
				v.fail("WF0507", "%s %s: a teardown handler runs when its color is torn down and not otherwise", s.Fn, s.Task)
			case s.Fn == Activate && t.Kind != Local:
				v.fail("WF0507", "activate %s: only local tasks are activated by name", s.Task)
			}
		case *Exit:
		case *Call:
			v.line = s.Line
			v.call(s, depth)
		case *Stamp:
			v.line = s.Line
			v.stamp(s)
		case *Reroute:
			v.line = s.Line
			v.reroute(s)
		case *Rebind:
			v.line = s.Line
			v.rebind(s)
		default:
			v.fail("WF0502", "unknown statement")
		}
	}
}

func (v *verifier) cond(c Cond) {
	v.val(c.A)
	v.val(c.B)
	if c.Cmp > Ge {
		v.fail("WF0502", "unknown comparison")
	}
}

func (v *verifier) isParam(name string) bool {
	for _, p := range v.c.Params {
		if p.Name == name {
			return true
		}
	}
	return false
}

func (v *verifier) writes(reg string) {
	if reg == "" || v.isParam(reg) {
		v.fail("WF0502", "%q is no register: params cannot be written", reg)
	}
}

// registers collects the names something in the class writes.
func registers(c *Class) map[string]bool {
	out := map[string]bool{}
	for _, p := range c.Params {
		out[p.Name] = true
	}
	for _, a := range c.Args {
		out[a] = true
	}
	for _, t := range c.Tasks {
		out[t.Arg] = true
	}
	for _, body := range c.Bodies() {
		Walk(body, func(s Stmt) {
			switch s := s.(type) {
			case *Set:
				out[s.Reg] = true
			case *Load:
				out[s.Reg] = true
			}
		})
	}
	return out
}

// reads refuses a register that nothing writes: most likely a misspelling.
func (v *verifier) reads(name string) {
	if !v.regs[name] {
		v.fail("WF0502", "register or param %q is read and nothing in the class writes it", name)
	}
}

func (v *verifier) val(x Val) {
	if x.Name != "" {
		v.reads(x.Name)
	}
}

// op checks one DSD operation:
//   - the opcode takes the type, the right number of operands and kinds;
//   - all vector operands have the same extent of 1 to 65,535 (CSL: u16);
//   - at most one fabric source, the last fabric operand rules fma and reductions;
//   - asynchronous operations have a fabric operand and no scalar source, and
//     are native: CSL runs neither @map nor register reductions on a microthread;
//   - what is addressed lies in the array; one-dimensional strides fit i8,
//     others i16, offsets i16.
func (v *verifier) op(o *Op) {
	info, ok := o.Code.Info()
	if !ok || !o.Code.Takes(o.Elem) {
		v.fail("WF0508", "%v.%v: the operation does not take this type", o.Code, o.Elem)
		return
	}
	if o.Code == OpApply {
		f := v.c.MapFunc(o.Func)
		if f == nil || f.Elem != o.Elem {
			v.fail("WF0502", "there is no mapped function %s of type %v in the class", o.Func, o.Elem)
			return
		}
		info.Src = len(f.Args)
	}
	if len(o.Src) != info.Src {
		v.fail("WF0508", "%v takes %d sources and has %d", o.Code, info.Src, len(o.Src))
		return
	}
	n := v.extent(o, info)
	if n > 65535 {
		v.fail("WF0508", "an extent of %d does not fit 16 bits", n).Suggest("split the operation")
	}
	v.dst(o, info)
	fabrics, scalars, queued := 0, 0, 0
	for i, s := range o.Src {
		want := o.Code.SrcElem(o.Elem, i)
		if !s.IsVector() {
			scalars++
		}
		if s.Kind == Queued {
			if queued++; o.Dst.Kind == Queued && o.Dst.Array == s.Array {
				v.fail("WF0508", "an operation cannot pop and push the same FIFO")
			}
		}
		if s.Kind == Fabric {
			fabrics++
		}
		v.operand(s, want, false, o.Code == OpMov)
		if info.Reduce && i == 0 && s.IsVector() {
			v.fail("WF0508", "%v: the initial value must be a scalar", o.Code)
		}
		one := s.Kind == Scalar && n <= 1 // a memory element is a vector of one
		if o.Code == OpFma && (i == 2 && s.IsVector() || i < 2 && !s.IsVector() && !one) {
			v.fail("WF0508", "fma is a + b*c with vectors a and b and a scalar c").
				Note("CSL has no vector by vector multiply-add").Suggest("use mul and add, or map.fma")
		}
	}
	if k := o.Src[min(1, len(o.Src)-1)].Kind; info.Reduce && (k == Imm || k == Reg) { // one element is a vector of one
		v.fail("WF0508", "%v: the second source must be a vector", o.Code)
	}
	if fabrics > 1 {
		v.fail("WF0508", "an operation may have one fabric source, not %d", fabrics)
	}
	if queued > 1 {
		v.fail("WF0508", "an operation may have one FIFO source, not %d", queued)
	}
	if o.Dst.Kind == Fabric {
		fabrics++
	}
	v.async(o, info, fabrics, scalars)
}

func (v *verifier) async(o *Op, info OpInfo, fabrics, scalars int) {
	if c := o.OnControl; c != nil {
		receives := false
		for _, s := range o.Src {
			receives = receives || s.Kind == Fabric
		}
		if !o.Async || !receives || o.Dst.Advance || o.Dst.AdvanceOwn || o.Dst.Kind == Fabric && o.Code.DstElem(o.Elem).Bytes() == 2 {
			v.fail("WF0508", "`on control` ends an asynchronous receive, of 32-bit elements when it sends them on, and without advance")
		}
		v.completion(*c)
	}
	if !o.Async {
		if o.Done.Kind != DoneNothing || o.UT >= 0 {
			v.fail("WF0508", "completion and microthread belong to asynchronous operations")
		}
		return
	}
	switch {
	case fabrics == 0:
		v.fail("WF0508", "an asynchronous operation needs a fabric operand").Suggest("make it synchronous")
	case scalars > 0:
		v.fail("WF0508", "an asynchronous operation takes vectors only, no scalar source").
			Suggest("put the scalar into an array with stride 0")
	case !info.Native || info.Reduce:
		v.fail("WF0508", "%v cannot run asynchronously", o.Code).Suggest("receive into an array first")
	}
	if o.UT >= 0 && !v.m.ExplicitMicrothread || o.UT >= v.m.Microthreads {
		v.fail("WF0508", "microthread %d cannot be chosen on %s", o.UT, v.m.Name).
			Note("without a choice the microthread has the id of the fabric queue")
	}
	v.completion(o.Done)
}

func (v *verifier) completion(c Completion) {
	if c.Kind == DoneNothing {
		return
	}
	switch t := v.c.Task(c.Task); {
	case t == nil:
		v.fail("WF0502", "completion names the task %q, which does not exist", c.Task)
	case t.Kind == Handler:
		v.fail("WF0507", "completion names %s, a teardown handler, which runs when its color is torn down and not otherwise", c.Task)
	case c.Kind == DoneActivate && t.Kind != Local:
		v.fail("WF0507", "completion activates %s, which is no local task", c.Task)
	}
}

// extent returns the common length of the vector operands.
func (v *verifier) extent(o *Op, info OpInfo) int {
	n := -1
	check := func(x Operand) {
		if !x.IsVector() {
			return
		}
		if len(x.Dims) > 4 || x.Kind == Mem && len(x.Dims) == 0 {
			v.fail("WF0508", "a memory operand has 1 to 4 dimensions")
			return
		}
		for _, d := range x.Dims {
			if d.Len < 1 || d.Len > 65535 {
				v.fail("WF0508", "an extent of %d is not in 1 to 65535", d.Len)
				return
			}
		}
		c := x.Count()
		if c < 1 {
			v.fail("WF0508", "a vector of %d elements", c)
		} else if n >= 0 && c != n {
			v.fail("WF0508", "operands of %d and %d elements meet in one operation", n, c)
		} else {
			n = c
		}
	}
	check(o.Dst)
	for _, s := range o.Src {
		check(s)
	}
	return n
}

func (v *verifier) dst(o *Op, info OpInfo) {
	want := o.Code.DstElem(o.Elem)
	switch {
	case info.Reduce && o.Dst.Kind != Scalar:
		v.fail("WF0508", "%v writes one memory element", o.Code)
	case o.Dst.Kind == Imm || o.Dst.Kind == Reg:
		v.fail("WF0508", "the destination must be memory or fabric")
	default:
		v.operand(o.Dst, want, true, o.Code == OpMov)
	}
}

// operand checks one operand against the type it must hold. A move copies bits (CSL: mov16, mov32), of whatever type.
func (v *verifier) operand(x Operand, want Elem, dst, bits bool) {
	switch x.Kind {
	case Queued:
		a := v.c.Array(x.Array)
		if a == nil || a.Fifo == nil {
			v.fail("WF0502", "%q is no FIFO of the class", x.Array)
		} else if a.Elem != want && !(want.Bytes() == a.Elem.Bytes() && (bits || isInt(want) && isInt(a.Elem))) {
			v.fail("WF0508", "FIFO %s holds %v where the operation needs %v", a.Name, a.Elem, want)
		}
	case Mem, Scalar:
		a := v.memory1(x, "operand")
		if a != nil && a.Elem != want && !(want.Bytes() == a.Elem.Bytes() && (bits || isInt(want) && isInt(a.Elem))) {
			v.fail("WF0508", "array %s holds %v where the operation needs %v", a.Name, a.Elem, want)
		}
	case Fabric:
		q, ok := v.c.Queue(x.Queue)
		if !ok || q.Out != dst {
			kind := "input"
			if dst {
				kind = "output"
			}
			v.fail("WF0502", "%q is no %s queue of the class", x.Queue, kind)
		}
		if (x.Advance || x.AdvanceOwn) && (!dst || x.Control) {
			v.fail("WF0508", "`advance` ends a send of data wavelets")
		}
		if x.Control && (!dst || want.Bytes() != 4) {
			v.fail("WF0508", "control wavelets are sent as 32-bit words")
		}
	case Imm:
	case Reg:
		v.reads(x.Reg)
	case Formal:
		v.fail("WF0502", "the function has no parameter %q", x.Param)
	default:
		v.fail("WF0508", "unknown operand")
	}
}

func isInt(e Elem) bool { return e == I32 || e == U32 || e == U16 }

// memory1 checks an address pattern; with an index register only the pattern
// itself can be checked, the simulator watches the rest.
func (v *verifier) memory1(x Operand, what string) *Array {
	a := v.c.Array(x.Array)
	if a == nil {
		v.fail("WF0502", "%s: no array %q in the class", what, x.Array)
		return nil
	}
	if a.Fifo != nil {
		v.fail("WF0508", "%s: %s is a FIFO: use fifo(%s, n)", what, a.Name, a.Name)
	}
	if x.IndexReg != "" {
		v.reads(x.IndexReg)
	}
	lo, hi := x.Offset, x.Offset
	if x.Kind == Mem {
		limit := 32767
		if len(x.Dims) == 1 {
			limit = 127
		}
		for _, d := range x.Dims {
			if d.Stride > limit || d.Stride < -limit-1 {
				f := v.fail("WF0508", "stride %d of %s does not fit the %d-bit field", d.Stride, x.Array, map[int]int{127: 8, 32767: 16}[limit])
				if limit == 127 {
					f.Suggest("write it in two dimensions, (1, 0) and (n, stride)")
				}
				return a
			}
			if s := (d.Len - 1) * d.Stride; s < 0 {
				lo += s
			} else {
				hi += s
			}
		}
	}
	if x.Offset > 32767 || x.Offset < -32768 {
		v.fail("WF0508", "offset %d of %s does not fit 16 bits", x.Offset, x.Array)
	}
	if x.IndexReg == "" && (lo < 0 || hi >= a.Len) {
		v.fail("WF0508", "elements %d to %d of %s are used, which has %d", lo, hi, x.Array, a.Len)
	}
	return a
}

// Check is Verify as an error, nil when the program is legal.
func Check(p *Program, m Machine) error { return diag.List(Verify(p, m)).Err() }
