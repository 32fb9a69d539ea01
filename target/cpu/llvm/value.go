package llvm

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Value is an operand: a constant, a parameter or the result of an instruction.
type Value interface {
	Type() Type
	ident(s Syntax) string
}

type constant struct {
	typ Type
	lit string
	all Value // of a vector: what all its elements are, if they are the same
}

func (c *constant) Type() Type          { return c.typ }
func (c *constant) ident(Syntax) string { return c.lit }

// NewInt returns an integer constant.
func NewInt(t *IntType, x int64) Value {
	if t.BitSize == 1 {
		return &constant{typ: t, lit: map[bool]string{false: "false", true: "true"}[x&1 != 0]}
	}
	return &constant{typ: t, lit: fmt.Sprint(x)}
}

// NewFloat returns a floating-point constant; x must be representable in t. The bits are printed, so nothing is lost.
func NewFloat(t *FloatType, x float64) Value {
	return &constant{typ: t, lit: fmt.Sprintf("0x%016X", math.Float64bits(x))}
}

// FloatOf returns the number of a floating-point constant, or of all elements of a vector of one.
func FloatOf(v Value) (float64, bool) {
	c, ok := v.(*constant)
	if ok && c.all != nil {
		c, ok = c.all.(*constant)
	}
	if !ok {
		return 0, false
	}
	if _, ok := c.typ.(*FloatType); !ok {
		return 0, false
	}
	bits, err := strconv.ParseUint(strings.TrimPrefix(c.lit, "0x"), 16, 64)
	return math.Float64frombits(bits), err == nil
}

// NewVectorConstant returns a vector of constants of one type.
func NewVectorConstant(elems ...Value) Value {
	var b strings.Builder
	b.WriteString("<")
	for i, c := range elems {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.Type().text(Typed) + " " + c.ident(Typed))
	}
	b.WriteString(">")
	return &constant{typ: NewVector(len(elems), elems[0].Type()), lit: b.String()}
}

// NewSplat returns a vector constant with n copies of the constant c.
func NewSplat(n int, c Value) Value {
	elems := make([]Value, n)
	for i := range elems {
		elems[i] = c
	}
	v := NewVectorConstant(elems...)
	if k, ok := v.(*constant); ok {
		k.all = c
	}
	return v
}

// NewMask returns an <n x i32> constant, the mask of a shufflevector.
func NewMask(idx ...int) Value {
	elems := make([]Value, len(idx))
	for i, k := range idx {
		elems[i] = NewInt(I32, int64(k))
	}
	return NewVectorConstant(elems...)
}

// NewUndef returns an undefined value, for the unused half of a shufflevector.
func NewUndef(t Type) Value { return &constant{typ: t, lit: "undef"} }

// Param is a function parameter. Attrs are printed as they are: "noalias", "nocapture", "align 64".
type Param struct {
	Name  string
	Typ   Type
	Attrs []string
}

// NewParam returns a parameter.
func NewParam(name string, t Type, attrs ...string) *Param { return &Param{name, t, attrs} }

// Type returns the parameter's type.
func (p *Param) Type() Type          { return p.Typ }
func (p *Param) ident(Syntax) string { return "%" + p.Name }
