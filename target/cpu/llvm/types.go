package llvm

import (
	"fmt"
	"strings"
)

// Type is an LLVM type.
type Type interface{ text(s Syntax) string }

// Syntax says how pointers are printed.
type Syntax uint8

// Typed prints "float*", for LLVM up to 16. Opaque prints "ptr", for LLVM from 15.
const (
	Typed Syntax = iota
	Opaque
)

// SyntaxFor returns the pointer syntax a major version of LLVM reads without flags.
func SyntaxFor(major int) Syntax {
	if major >= 15 {
		return Opaque
	}
	return Typed
}

// IntType is iN.
type IntType struct{ BitSize int }

// FloatType is a floating-point type by its LLVM name: half, float or double.
type FloatType struct{ Kind string }

// PointerType points to ElemType.
type PointerType struct{ ElemType Type }

// VectorType is <Len x ElemType>.
type VectorType struct {
	Len      int
	ElemType Type
}

// ArrayType is [Len x ElemType].
type ArrayType struct {
	Len      int
	ElemType Type
}

// FuncType is a function without result.
type FuncType struct{ Params []Type }

// NewFuncType returns the type of functions with these parameters and no result.
func NewFuncType(params ...Type) *FuncType { return &FuncType{params} }

func (t *FuncType) text(s Syntax) string {
	ps := make([]string, len(t.Params))
	for i, p := range t.Params {
		ps[i] = p.text(s)
	}
	return "void (" + strings.Join(ps, ", ") + ")"
}

// VoidType is the type of a function without result.
type VoidType struct{}

// The types used everywhere.
var (
	Void   = &VoidType{}
	I1     = &IntType{1}
	I8     = &IntType{8}
	I16    = &IntType{16}
	I32    = &IntType{32}
	I64    = &IntType{64}
	Float  = &FloatType{"float"}
	Double = &FloatType{"double"}
)

// NewPointer returns a pointer to t.
func NewPointer(t Type) *PointerType { return &PointerType{t} }

// NewVector returns <n x t>.
func NewVector(n int, t Type) *VectorType { return &VectorType{n, t} }

// NewArray returns [n x t].
func NewArray(n int, t Type) *ArrayType { return &ArrayType{n, t} }

func (t *IntType) text(Syntax) string   { return fmt.Sprintf("i%d", t.BitSize) }
func (t *FloatType) text(Syntax) string { return t.Kind }
func (*VoidType) text(Syntax) string    { return "void" }
func (t *PointerType) text(s Syntax) string {
	if s == Opaque {
		return "ptr"
	}
	return t.ElemType.text(s) + "*"
}
func (t *VectorType) text(s Syntax) string {
	return fmt.Sprintf("<%d x %s>", t.Len, t.ElemType.text(s))
}
func (t *ArrayType) text(s Syntax) string {
	return fmt.Sprintf("[%d x %s]", t.Len, t.ElemType.text(s))
}

// intrinsicSuffix is the type mangling of overloaded intrinsics: f32, v16f32, i64.
func intrinsicSuffix(t Type) string {
	switch t := t.(type) {
	case *IntType:
		return fmt.Sprintf("i%d", t.BitSize)
	case *FloatType:
		return map[string]string{"half": "f16", "float": "f32", "double": "f64"}[t.Kind]
	case *VectorType:
		return fmt.Sprintf("v%d", t.Len) + intrinsicSuffix(t.ElemType)
	}
	return strings.ReplaceAll(t.text(Typed), "*", "p0")
}

// like returns e, or a vector of e as long as t when t is a vector.
func like(t, e Type) Type {
	if v, ok := t.(*VectorType); ok {
		return NewVector(v.Len, e)
	}
	return e
}
