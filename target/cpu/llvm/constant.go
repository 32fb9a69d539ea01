package llvm

import (
	"fmt"
	"math"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
)

// Float is a floating-point constant that prints its bits, of what is not a number too, of which llir's own keeps the sign only.
type Float struct {
	Typ *types.FloatType
	X   float64
}

// NewFloat returns a floating-point constant; x must be representable in t.
func NewFloat(t *types.FloatType, x float64) *Float { return &Float{t, x} }

// IsConstant makes it one of llir's constants.
func (*Float) IsConstant() {}

// Type returns the constant's type.
func (c *Float) Type() types.Type { return c.Typ }

// Ident returns the bits of the number in double precision, as LLVM has it for all types.
func (c *Float) Ident() string { return fmt.Sprintf("0x%016X", math.Float64bits(c.X)) }

// String returns the constant with its type.
func (c *Float) String() string { return c.Typ.String() + " " + c.Ident() }

// FloatOf returns the number of a floating-point constant, or of all elements of a vector of one.
func FloatOf(v value.Value) (float64, bool) {
	switch c := v.(type) {
	case *Float:
		return c.X, true
	case *constant.Vector:
		for _, e := range c.Elems[1:] {
			if e != c.Elems[0] {
				return 0, false
			}
		}
		return FloatOf(c.Elems[0])
	}
	return 0, false
}

// NewVector returns the type <n x t>.
func NewVector(n int, t types.Type) *types.VectorType { return types.NewVector(uint64(n), t) }

// NewArray returns the type [n x t].
func NewArray(n int, t types.Type) *types.ArrayType { return types.NewArray(uint64(n), t) }

// NewSplat returns a vector with n copies of c.
func NewSplat(n int, c constant.Constant) *constant.Vector {
	elems := make([]constant.Constant, n)
	for i := range elems {
		elems[i] = c
	}
	return constant.NewVector(nil, elems...)
}

// NewIota returns the vector 0, 1, .., n-1 of integers.
func NewIota(t *types.IntType, n int) *constant.Vector {
	elems := make([]constant.Constant, n)
	for i := range elems {
		elems[i] = constant.NewInt(t, int64(i))
	}
	return constant.NewVector(nil, elems...)
}

// NewMask returns an <n x i32> constant, the mask of a shufflevector.
func NewMask(idx ...int) *constant.Vector {
	elems := make([]constant.Constant, len(idx))
	for i, k := range idx {
		elems[i] = constant.NewInt(types.I32, int64(k))
	}
	return constant.NewVector(nil, elems...)
}
