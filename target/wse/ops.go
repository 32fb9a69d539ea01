package wse

// Opcode of a DSD operation.
type Opcode uint8

// Opcodes. Native ones are CSL DSD builtins; the others are functions mapped
// over DSDs by @map and are printed as map.NAME. Arithmetic on f16 is done in
// f32 and rounded to nearest even; f32 is IEEE binary32 with subnormals.
const (
	OpMov Opcode = iota
	OpAdd
	OpSub
	OpMul
	OpNeg
	OpAbs
	OpMax // IEEE 754-2019 maximum: NaN if either is NaN, -0 < +0
	OpFma // dst = src0 + src1*src2, one rounding, src2 a scalar
	OpF2H // f32 -> f16
	OpH2F // f16 -> f32
	// Reductions: dst = fold of src1 (and src2) in ascending order, from src0.
	OpSum
	OpRedMax
	OpRedMin
	OpRedMul
	OpDot // fma(src1, src2, acc)
	// Mapped functions.
	OpDiv // correctly rounded; integers truncate, x/0 = 0
	OpSqrt
	OpFloor
	OpCeil
	OpMin  // IEEE 754-2019 minimum
	OpFma3 // dst = src0 + src1*src2 of three vectors, one rounding
	OpLt
	OpLe
	OpEq
	OpNe
	OpGt
	OpGe
	OpAnd
	OpOr
	OpXor
	OpNot // bitwise
	OpSelect
	OpShl
	OpShr // logical; counts are taken modulo 2^32, those of at least the width give 0
	OpI2F // i32 -> f32, to nearest even
	OpU2F
	OpF2I // f32 -> i32, towards zero, saturating, NaN = 0
	OpF2U
	OpMapAdd // integer add
	OpMapSub
	OpMapMul
	OpMapMax
	OpApply // a function of the class, named by Op.Func; sources are its arguments
	numOpcodes
)

// OpInfo says what an opcode takes.
type OpInfo struct {
	Code   Opcode
	Name   string // text form
	Native bool   // a DSD builtin, else @map
	Src    int    // number of sources
	Reduce bool   // scalar destination, src0 is the initial value
	Elems  []Elem // legal source types
	// DstElem is the destination type of a source type; nil = the same. Masks are
	// 32-bit words, 0 or 1, whatever is compared: a mapped function returns what
	// type it likes.
	DstElem func(Elem) Elem
}

func maskElem(Elem) Elem { return U32 }

func always(e Elem) func(Elem) Elem { return func(Elem) Elem { return e } }

var (
	floats   = []Elem{F32, F16}
	ints     = []Elem{I32, U32, U16}
	allElems = []Elem{F32, F16, I32, U32, U16}
)

var opTable = [numOpcodes]OpInfo{
	{OpMov, "mov", true, 1, false, allElems, nil},
	{OpAdd, "add", true, 2, false, floats, nil},
	{OpSub, "sub", true, 2, false, floats, nil},
	{OpMul, "mul", true, 2, false, floats, nil},
	{OpNeg, "neg", true, 1, false, floats, nil},
	{OpAbs, "abs", true, 1, false, floats, nil},
	{OpMax, "max", true, 2, false, floats, nil},
	{OpFma, "fma", true, 3, false, floats, nil},
	{OpF2H, "f2h", true, 1, false, []Elem{F32}, always(F16)},
	{OpH2F, "h2f", true, 1, false, []Elem{F16}, always(F32)},
	{OpSum, "sum", true, 2, true, allElems, nil},
	{OpRedMax, "redmax", true, 2, true, allElems, nil},
	{OpRedMin, "redmin", false, 2, true, allElems, nil},
	{OpRedMul, "redmul", false, 2, true, allElems, nil},
	{OpDot, "dot", false, 3, true, floats, nil},
	{OpDiv, "div", false, 2, false, allElems, nil},
	{OpSqrt, "sqrt", false, 1, false, floats, nil},
	{OpFloor, "floor", false, 1, false, floats, nil},
	{OpCeil, "ceil", false, 1, false, floats, nil},
	{OpMin, "min", false, 2, false, allElems, nil},
	{OpFma3, "fma", false, 3, false, floats, nil},
	{OpLt, "lt", false, 2, false, allElems, maskElem},
	{OpLe, "le", false, 2, false, allElems, maskElem},
	{OpEq, "eq", false, 2, false, allElems, maskElem},
	{OpNe, "ne", false, 2, false, allElems, maskElem},
	{OpGt, "gt", false, 2, false, allElems, maskElem},
	{OpGe, "ge", false, 2, false, allElems, maskElem},
	{OpAnd, "and", false, 2, false, ints, nil},
	{OpOr, "or", false, 2, false, ints, nil},
	{OpXor, "xor", false, 2, false, ints, nil},
	{OpNot, "not", false, 1, false, ints, nil},
	{OpSelect, "select", false, 3, false, allElems, nil},
	{OpShl, "shl", false, 2, false, ints, nil},
	{OpShr, "shr", false, 2, false, ints, nil},
	{OpI2F, "i2f", false, 1, false, []Elem{I32}, always(F32)},
	{OpU2F, "u2f", false, 1, false, []Elem{U32}, always(F32)},
	{OpF2I, "f2i", false, 1, false, []Elem{F32}, always(I32)},
	{OpF2U, "f2u", false, 1, false, []Elem{F32}, always(U32)},
	{OpMapAdd, "add", false, 2, false, ints, nil},
	{OpMapSub, "sub", false, 2, false, ints, nil},
	{OpMapMul, "mul", false, 2, false, ints, nil},
	{OpMapMax, "max", false, 2, false, ints, nil},
	{OpApply, "apply", false, 0, false, allElems, nil},
}

// Info describes the opcode; ok is false for a number that is no opcode.
func (c Opcode) Info() (info OpInfo, ok bool) {
	if c >= numOpcodes {
		return OpInfo{}, false
	}
	return opTable[c], true
}

// String is the text form without type, such as "add" or "map.div".
func (c Opcode) String() string {
	if c >= numOpcodes {
		return "op?"
	}
	if t := &opTable[c]; !t.Native {
		return "map." + t.Name
	}
	return opTable[c].Name
}

// Opcodes lists the opcodes that mean something by themselves, all but OpApply, in their fixed order.
func Opcodes() []Opcode {
	out := make([]Opcode, OpApply)
	for i := range out {
		out[i] = Opcode(i)
	}
	return out
}

// DstElem is the destination type for source type e.
func (c Opcode) DstElem(e Elem) Elem {
	if c < numOpcodes && opTable[c].DstElem != nil {
		return opTable[c].DstElem(e)
	}
	return e
}

// SrcElem is the type of source i: the mask of a select is a word, 0 = false.
func (c Opcode) SrcElem(e Elem, i int) Elem {
	if c == OpSelect && i == 0 {
		return maskElem(e)
	}
	return e
}

// Takes reports whether the opcode accepts source type e.
func (c Opcode) Takes(e Elem) bool {
	if c >= numOpcodes {
		return false
	}
	for _, x := range opTable[c].Elems {
		if x == e {
			return true
		}
	}
	return false
}

var opByName = func() map[string]Opcode {
	m := make(map[string]Opcode, numOpcodes)
	for c := Opcode(0); c < numOpcodes; c++ {
		m[c.String()] = c
	}
	return m
}()

// OpcodeByName is the inverse of Opcode.String.
func OpcodeByName(name string) (Opcode, bool) { c, ok := opByName[name]; return c, ok }
