package wse

// Func is code that tasks and other functions call. It runs as if its body stood at the call, which costs CallCycles more; its code is
// in memory once. Functions do not call themselves. Operands of its body may be parameters (Given): a call has a table of the operands
// that stand for them.
type Func struct {
	Name   string
	Params []FuncParam
	Body   []Stmt
}

// Call runs a function of the class.
type Call struct {
	Func  string
	Args  []Operand // for Func.Params; within a function also its own parameters
	Line  string
	Lines []LineRun // of the operations that it runs, for traces and messages; nil = those of the function's body
	// Within says that the arguments are consecutive parameters of the caller: the call's table is a part of the one the caller was given,
	// and nothing is copied.
	Within bool
}

// Stamp writes the PE's cycle counter, as it is when the statement is issued, to consecutive elements from To on, low bits first: 48
// bits to three u16, or 64 to two u32 or i32 (CSL: <time>.get_timestamp). All PEs count from the start of the simulation.
type Stamp struct {
	To   Operand // Scalar
	Line string
}

func (*Call) stmt()  {}
func (*Stamp) stmt() {}

// StampWords is the number of elements a Stamp writes.
func StampWords(e Elem) int { return []int{3, 2}[e.Bytes()/4] }

// MapFunc is a scalar function of the class that an OpApply maps over vectors (CSL: @map): one to three arguments and a result of type
// Elem, straight-line code in between.
type MapFunc struct {
	Name string
	Elem Elem
	Args []string
	Ops  []MapOp
	Ret  string // an argument or the name of an Ops entry
}

// MapOp is one scalar operation of a MapFunc; Elem is the type of its sources.
type MapOp struct {
	Name string
	Code Opcode
	Elem Elem
	Src  []MapArg
}

// MapArg is a name, or when that is empty a constant.
type MapArg struct {
	Name string
	Bits uint32
}

// Func finds a function by name.
func (c *Class) Func(name string) *Func {
	for _, f := range c.Funcs {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// MapFunc finds a mapped function by name.
func (c *Class) MapFunc(name string) *MapFunc {
	for _, f := range c.Maps {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// ApplyRate is the cost of mapping f: the frame of a mapped function and each operation in it, one after the other.
func (m Machine) ApplyRate(f *MapFunc) Rate {
	per := m.MapCall
	for _, o := range f.Ops {
		if info, _ := o.Code.Info(); RateClass(o.Code) == "map" {
			per += m.MapFn[info.Name]
		} else {
			per += m.MapNative
		}
	}
	return Rate{Setup: m.Rates[RateKey{"copy", false}].Setup, Ticks: per * TicksPerCycle}
}
