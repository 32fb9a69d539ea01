package llvm

import (
	"github.com/llir/llvm/ir"
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/metadata"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
)

// Block is a basic block: instructions and one terminator.
type Block struct{ *ir.Block }

var noSignedWrap = []enum.OverflowFlag{enum.OverflowFlagNSW}

// NewAddNSW and NewMulNSW promise that the result does not wrap: addresses and loop counters.
func (b *Block) NewAddNSW(x, y value.Value) value.Value {
	v := b.NewAdd(x, y)
	v.OverflowFlags = noSignedWrap
	return v
}

func (b *Block) NewMulNSW(x, y value.Value) value.Value {
	v := b.NewMul(x, y)
	v.OverflowFlags = noSignedWrap
	return v
}

// NewGetElementPtr is the address of element idx of src, in bounds of one object.
func (b *Block) NewGetElementPtr(elem types.Type, src value.Value, idx ...value.Value) value.Value {
	p := b.Block.NewGetElementPtr(elem, src, idx...)
	p.InBounds = true
	return p
}

// NewAddress is the address of element i of src, which need not be in bounds: nothing may be read or written there.
func (b *Block) NewAddress(elem types.Type, src, i value.Value) value.Value {
	return b.Block.NewGetElementPtr(elem, src, i)
}

// NewLoad reads a value at src with an alignment in bytes.
func (b *Block) NewLoad(elem types.Type, src value.Value, align int) value.Value {
	v := b.Block.NewLoad(elem, src)
	v.Align = ir.Align(align)
	return v
}

// NewStore writes v at dst.
func (b *Block) NewStore(v, dst value.Value, align int) *ir.InstStore {
	s := b.Block.NewStore(v, dst)
	s.Align = ir.Align(align)
	return s
}

var nontemporal = &metadata.Attachment{Name: "nontemporal",
	Node: &metadata.Tuple{MetadataID: -1, Fields: []metadata.Field{constant.NewInt(types.I32, 1)}}}

// NewStreamStore is NewStore past the caches, for what nobody reads soon. Stores that are in order stay so among each other.
func (b *Block) NewStreamStore(v, dst value.Value, align int, inOrder bool) {
	s := b.NewStore(v, dst, align)
	s.Volatile = inOrder
	s.Metadata = ir.Metadata{nontemporal}
}

// NewAtomicLoad reads an i64; what its writer wrote before is seen too.
func (b *Block) NewAtomicLoad(src value.Value) value.Value {
	v := b.Block.NewLoad(types.I64, src)
	v.Atomic, v.Ordering, v.Align = true, enum.AtomicOrderingAcquire, 8
	return v
}

// NewAtomicStore writes an i64 and with it all that was written before.
func (b *Block) NewAtomicStore(v, dst value.Value) {
	s := b.NewStore(v, dst, 8)
	s.Atomic, s.Ordering = true, enum.AtomicOrderingRelease
}

// NewInsertElement is vector x with element i replaced by v.
func (b *Block) NewInsertElement(x, v value.Value, i int) value.Value {
	return b.Block.NewInsertElement(x, v, constant.NewInt(types.I32, int64(i)))
}

// NewExtractElement is element i of vector x.
func (b *Block) NewExtractElement(x value.Value, i int) value.Value {
	return b.Block.NewExtractElement(x, constant.NewInt(types.I32, int64(i)))
}

// NewBroadcast is a vector with n copies of x.
func (b *Block) NewBroadcast(n int, x value.Value) value.Value {
	u := constant.NewUndef(NewVector(n, x.Type()))
	return b.NewShuffleVector(b.NewInsertElement(u, x, 0), u, NewMask(make([]int, n)...))
}

// Phi merges values of predecessor blocks, which are added one by one.
type Phi struct{ *ir.InstPhi }

// NewPhi starts a phi; it must precede the other instructions of its block.
func (b *Block) NewPhi(t types.Type) *Phi {
	p := &Phi{&ir.InstPhi{Typ: t}}
	b.Insts = append(b.Insts, p.InstPhi)
	return p
}

// AddIncoming says that the value is v when control comes from pred.
func (p *Phi) AddIncoming(v value.Value, pred *Block) {
	p.Incs = append(p.Incs, ir.NewIncoming(v, pred.Block))
}

// NewBr jumps to dst.
func (b *Block) NewBr(dst *Block) { b.Block.NewBr(dst.Block) }

// NewCondBr jumps to yes if cond holds, else to no.
func (b *Block) NewCondBr(cond value.Value, yes, no *Block) *ir.TermCondBr {
	return b.Block.NewCondBr(cond, yes.Block, no.Block)
}
