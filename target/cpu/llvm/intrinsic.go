package llvm

import (
	"fmt"
	"slices"

	"github.com/llir/llvm/ir"
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
)

// NewIntrinsic calls the overloaded intrinsic llvm.<name>.<type of the first argument>; all arguments and the result have that type.
func (b *Block) NewIntrinsic(name string, args ...value.Value) value.Value {
	t := args[0].Type()
	return b.intrinsic(name+"."+suffix(t), t, args)
}

// NewIntrinsicVoid calls the intrinsic llvm.<name>, which returns nothing; it is declared with the types of the arguments.
func (b *Block) NewIntrinsicVoid(name string, args ...value.Value) {
	b.intrinsic(name, types.Void, args)
}

// NewMaskedStore writes the elements of vector v whose bit in mask is set.
func (b *Block) NewMaskedStore(v, dst value.Value, align int, mask value.Value) {
	s := suffix(v.Type())
	b.NewIntrinsicVoid("masked.store."+s+".p0"+s, v, dst, constant.NewInt(types.I32, int64(align)), mask)
}

// NewPrefetch asks for the cache line at src, which need not exist. Locality is 0 (not kept) to 3 (kept in all caches).
func (b *Block) NewPrefetch(src value.Value, locality int) { b.prefetch(src, 0, locality) }

// NewPrefetchWrite asks for a line that will be written, in all caches.
func (b *Block) NewPrefetchWrite(src value.Value) { b.prefetch(src, 1, 3) }

func (b *Block) prefetch(src value.Value, write, locality int) {
	i32 := func(x int) value.Value { return constant.NewInt(types.I32, int64(x)) }
	if line := types.NewPointer(types.I8); !types.Equal(src.Type(), line) {
		src = b.NewBitCast(src, line)
	}
	b.NewIntrinsicVoid("prefetch.p0i8", src, i32(write), i32(locality), i32(1))
}

// intrinsic calls llvm.<name>, which is declared with the first call.
func (b *Block) intrinsic(name string, ret types.Type, args []value.Value) value.Value {
	name = "llvm." + name
	m := b.Parent.Parent
	i := slices.IndexFunc(m.Funcs, func(f *ir.Func) bool { return f.GlobalName == name })
	if i < 0 {
		params := make([]*ir.Param, len(args))
		for k, a := range args {
			params[k] = ir.NewParam("", a.Type())
		}
		i, m.Funcs = 0, slices.Insert(m.Funcs, 0, ir.NewFunc(name, ret, params...))
	}
	return b.NewCall(m.Funcs[i], args...)
}

// suffix is the type in the name of an overloaded intrinsic: f32, v16f32, i64.
func suffix(t types.Type) string {
	switch t := t.(type) {
	case *types.IntType:
		return t.String()
	case *types.VectorType:
		return fmt.Sprintf("v%d", t.Len) + suffix(t.ElemType)
	}
	switch t {
	case types.Half:
		return "f16"
	case types.Float:
		return "f32"
	case types.Double:
		return "f64"
	}
	panic(fmt.Sprintf("no intrinsic takes %s", t))
}
