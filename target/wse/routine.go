package wse

import "slices"

// ParamType is the type of a function's parameter: what kind of operand it stands for.
type ParamType uint8

// Types of parameters (CSL: mem1d_dsd, mem4d_dsd, fabin_dsd and fabout_dsd, a pointer to an element, a number).
const (
	ParamMem  ParamType = iota // memory vector of one dimension
	ParamBox                   // memory vector of several dimensions
	ParamFab                   // vector from or to a queue
	ParamElem                  // one memory element
	ParamImm                   // constant bits
)

var paramTypeNames = [...]string{"mem", "box", "fab", "elem", "imm"}

func (t ParamType) String() string { return paramTypeNames[min(int(t), len(paramTypeNames)-1)] }

// ParamTypeOf is the type of parameter that an operand can be given for; ok is false for registers, which every function reaches by
// name, and for FIFOs.
func ParamTypeOf(o Operand) (t ParamType, ok bool) {
	switch o.Kind {
	case Mem:
		if len(o.Dims) > 1 {
			return ParamBox, true
		}
		return ParamMem, true
	case Fabric:
		return ParamFab, true
	case Scalar:
		return ParamElem, true
	case Imm:
		return ParamImm, true
	}
	return 0, false
}

// FuncParam is a parameter of a function.
type FuncParam struct {
	Name string
	Type ParamType
}

// LineRun says that the next N operations, those of functions called included, are from a source line.
type LineRun struct {
	N    int
	Line string
}

// Given is the operand that stands for parameter name in a function's body. It may have an index of its own.
func Given(name string) Operand { return Operand{Kind: Formal, Param: name} }

// Callee is what a call runs: the body of its function, in which the arguments stand for the parameters and operations have the source
// lines that the call gives. Operands that come from the call keep the parameter's name in Param: the descriptor is fetched from the
// call's table, which costs Machine.FetchCycles. A call with the wrong number of arguments leaves the parameters it has none for.
func (c *Class) Callee(call *Call) []Stmt {
	f := c.Func(call.Func)
	if f == nil {
		return nil
	}
	if len(f.Params) == 0 && len(call.Lines) == 0 {
		return f.Body
	}
	s := substitution{c: c, f: f, call: call, lines: call.Lines}
	return s.list(f.Body)
}

// substitution copies the body of a function for a call.
type substitution struct {
	c     *Class
	f     *Func
	call  *Call
	lines []LineRun
	used  int // of lines[0]
}

// line is the source line of the next operation, own where the call says nothing.
func (s *substitution) line(own string) string {
	for len(s.lines) > 0 && s.used >= s.lines[0].N {
		s.lines, s.used = s.lines[1:], 0
	}
	if len(s.lines) == 0 {
		return own
	}
	s.used++
	return s.lines[0].Line
}

func (s *substitution) operand(o Operand) Operand {
	if o.Kind != Formal {
		return o
	}
	i := slices.IndexFunc(s.f.Params, func(p FuncParam) bool { return p.Name == o.Param })
	if i < 0 || i >= len(s.call.Args) {
		return o
	}
	got := s.call.Args[i]
	got.Param = o.Param
	if o.IndexReg != "" {
		got.IndexReg, got.IndexScale = o.IndexReg, o.IndexScale
	}
	return got
}

func (s *substitution) list(in []Stmt) []Stmt {
	out := make([]Stmt, len(in))
	for i, st := range in {
		switch x := st.(type) {
		case *Op:
			y := *x
			y.Line = s.line(x.Line)
			y.Dst = s.operand(x.Dst)
			y.Src = make([]Operand, len(x.Src))
			for j, o := range x.Src {
				y.Src[j] = s.operand(o)
			}
			out[i] = &y
		case *If:
			y := *x
			y.Then, y.Else = s.list(x.Then), s.list(x.Else)
			out[i] = &y
		case *While:
			y := *x
			y.Body = s.list(x.Body)
			out[i] = &y
		case *Call:
			y := *x
			y.Args = make([]Operand, len(x.Args))
			for j, o := range x.Args {
				y.Args[j] = s.operand(o)
			}
			if len(s.call.Lines) > 0 {
				left := maxExpanded
				y.Lines = s.take(s.c.opsOf(x.Func, nil, &left))
			}
			out[i] = &y
		default:
			out[i] = st
		}
	}
	return out
}

// take hands the lines of the next n operations to a call within the function.
func (s *substitution) take(n int) []LineRun {
	var out []LineRun
	for range min(n, maxExpanded) {
		l := s.line("")
		if k := len(out); k > 0 && out[k-1].Line == l {
			out[k-1].N++
		} else {
			out = append(out, LineRun{1, l})
		}
	}
	return out
}

// opsOf counts the operations of a function with those of the functions it calls, as long as there is something left.
func (c *Class) opsOf(name string, open []string, left *int) int {
	f := c.Func(name)
	if f == nil || slices.Contains(open, name) {
		return 0
	}
	open = append(open, name)
	n := 0
	Walk(f.Body, func(s Stmt) {
		if *left--; *left < 0 {
			return
		}
		switch s := s.(type) {
		case *Op:
			n++
		case *Call:
			n += c.opsOf(s.Func, open, left)
		}
	})
	return n
}

// Bodies are the statement lists of a class as they run: those of its tasks and of its functions, of functions with parameters one for
// every call.
func (c *Class) Bodies() [][]Stmt {
	var out [][]Stmt
	left := maxExpanded
	var add func(body []Stmt, open []string)
	add = func(body []Stmt, open []string) {
		out = append(out, body)
		Walk(body, func(s Stmt) {
			left--
			call, ok := s.(*Call)
			if !ok || left < 0 || slices.Contains(open, call.Func) {
				return
			}
			if f := c.Func(call.Func); f != nil && len(f.Params) > 0 {
				add(c.Callee(call), append(slices.Clone(open), call.Func))
			}
		})
	}
	for _, t := range c.Tasks {
		add(t.Body, nil)
	}
	for _, f := range c.Funcs {
		if len(f.Params) == 0 {
			add(f.Body, []string{f.Name})
		}
	}
	return out
}

// CallCost is the time of a call of a function and of the return from it. A call with arguments says where their table lies; what of it
// are parameters of the caller is copied to it before. A call within the caller's table moves the reference to that, and back.
func (m Machine) CallCost(call *Call) (there, back int) {
	there, back = m.CallCycles/2, m.CallCycles-m.CallCycles/2
	if len(call.Args) > 0 {
		there += m.ScalarCycles
	}
	if call.Within {
		return there, back + m.ScalarCycles
	}
	for _, a := range call.Args {
		if a.Param != "" {
			there += m.LoadCycles + m.ScalarCycles
		}
	}
	return there, back
}

// FetchCycles is the time that an operation takes, before it is issued, to find operands that are parameters: for each the reference is
// loaded from the call's table.
func (m Machine) FetchCycles(o *Op) int {
	n := 0
	if o.Dst.Param != "" {
		n++
	}
	for _, s := range o.Src {
		if s.Param != "" {
			n++
		}
	}
	return n * (m.ScalarCycles + m.LoadCycles)
}
