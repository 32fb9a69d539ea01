package llvm

import (
	"fmt"
	"strings"
)

// Inst is an instruction, and its result when it has one.
type Inst struct {
	name string // "" without result
	typ  Type
	text func(s Syntax) string
}

// Type returns the type of the result.
func (i *Inst) Type() Type          { return i.typ }
func (i *Inst) ident(Syntax) string { return i.name }

// operand prints "type value".
func operand(v Value, s Syntax) string { return v.Type().text(s) + " " + v.ident(s) }

func (b *Block) add(t Type, text func(s Syntax) string) *Inst {
	in := &Inst{typ: t}
	if t == Type(Void) {
		in.text = text
	} else {
		in.name = fmt.Sprintf("%%v%d", b.f.nextID)
		b.f.nextID++
		in.text = func(s Syntax) string { return in.name + " = " + text(s) }
	}
	b.Insts = append(b.Insts, in)
	return in
}

func (b *Block) binary(op string, x, y Value) Value {
	return b.add(x.Type(), func(s Syntax) string { return fmt.Sprintf("%s %s, %s", op, operand(x, s), y.ident(s)) })
}

// Integer arithmetic. Add, Sub and Mul wrap; the NSW forms promise that they do not (addresses and loop counters).
func (b *Block) NewAdd(x, y Value) Value    { return b.binary("add", x, y) }
func (b *Block) NewSub(x, y Value) Value    { return b.binary("sub", x, y) }
func (b *Block) NewMul(x, y Value) Value    { return b.binary("mul", x, y) }
func (b *Block) NewAddNSW(x, y Value) Value { return b.binary("add nsw", x, y) }
func (b *Block) NewMulNSW(x, y Value) Value { return b.binary("mul nsw", x, y) }
func (b *Block) NewSDiv(x, y Value) Value   { return b.binary("sdiv", x, y) }
func (b *Block) NewSRem(x, y Value) Value   { return b.binary("srem", x, y) }
func (b *Block) NewAnd(x, y Value) Value    { return b.binary("and", x, y) }
func (b *Block) NewOr(x, y Value) Value     { return b.binary("or", x, y) }
func (b *Block) NewXor(x, y Value) Value    { return b.binary("xor", x, y) }
func (b *Block) NewShl(x, y Value) Value    { return b.binary("shl", x, y) }
func (b *Block) NewLShr(x, y Value) Value   { return b.binary("lshr", x, y) }
func (b *Block) NewAShr(x, y Value) Value   { return b.binary("ashr", x, y) }

// Floating-point arithmetic, each rounded to nearest even.
func (b *Block) NewFAdd(x, y Value) Value { return b.binary("fadd", x, y) }
func (b *Block) NewFSub(x, y Value) Value { return b.binary("fsub", x, y) }
func (b *Block) NewFMul(x, y Value) Value { return b.binary("fmul", x, y) }
func (b *Block) NewFDiv(x, y Value) Value { return b.binary("fdiv", x, y) }

// NewFNeg flips the sign bit.
func (b *Block) NewFNeg(x Value) Value {
	return b.add(x.Type(), func(s Syntax) string { return "fneg " + operand(x, s) })
}

// NewICmp compares integers: eq, ne, slt, sle, sgt, sge, ult, ule.
func (b *Block) NewICmp(pred string, x, y Value) Value {
	return b.add(like(x.Type(), I1), func(s Syntax) string {
		return fmt.Sprintf("icmp %s %s, %s", pred, operand(x, s), y.ident(s))
	})
}

// NewFCmp compares floating-point numbers: oeq, olt, ole, ogt, une, uno.
func (b *Block) NewFCmp(pred string, x, y Value) Value {
	return b.add(like(x.Type(), I1), func(s Syntax) string {
		return fmt.Sprintf("fcmp %s %s, %s", pred, operand(x, s), y.ident(s))
	})
}

// NewSelect is cond ? x : y.
func (b *Block) NewSelect(cond, x, y Value) Value {
	return b.add(x.Type(), func(s Syntax) string {
		return fmt.Sprintf("select %s, %s, %s", operand(cond, s), operand(x, s), operand(y, s))
	})
}

// NewConv is a conversion by its LLVM name: trunc, zext, sext, fptrunc, fpext, fptosi, sitofp, uitofp, bitcast.
func (b *Block) NewConv(op string, x Value, to Type) Value {
	return b.add(to, func(s Syntax) string { return fmt.Sprintf("%s %s to %s", op, operand(x, s), to.text(s)) })
}

// NewBitCast reinterprets bits or, with typed pointers, changes the pointee.
func (b *Block) NewBitCast(x Value, to Type) Value { return b.NewConv("bitcast", x, to) }

// NewGetElementPtr is the address of element idx of src, in bounds of one object.
func (b *Block) NewGetElementPtr(elem Type, src Value, idx ...Value) Value {
	t := elem
	if len(idx) > 1 {
		t = elem.(*ArrayType).ElemType
	}
	return b.add(NewPointer(t), func(s Syntax) string {
		var l strings.Builder
		fmt.Fprintf(&l, "getelementptr inbounds %s, %s", elem.text(s), operand(src, s))
		for _, i := range idx {
			l.WriteString(", " + operand(i, s))
		}
		return l.String()
	})
}

// NewAddress is the address of element i of src, which need not be in bounds: nothing may be read or written there.
func (b *Block) NewAddress(elem Type, src, i Value) Value {
	return b.add(NewPointer(elem), func(s Syntax) string {
		return fmt.Sprintf("getelementptr %s, %s, %s", elem.text(s), operand(src, s), operand(i, s))
	})
}

// NewLoad reads a value at src with an alignment in bytes.
func (b *Block) NewLoad(elem Type, src Value, align int) Value {
	return b.add(elem, func(s Syntax) string {
		return fmt.Sprintf("load %s, %s, align %d", elem.text(s), operand(src, s), align)
	})
}

// NewStore writes v at dst.
func (b *Block) NewStore(v, dst Value, align int) {
	b.add(Void, func(s Syntax) string {
		return fmt.Sprintf("store %s, %s, align %d", operand(v, s), operand(dst, s), align)
	})
}

// NewStreamStore is NewStore past the caches, for what nobody reads soon.
func (b *Block) NewStreamStore(v, dst Value, align int) {
	b.f.mod.streams = true
	b.add(Void, func(s Syntax) string {
		return fmt.Sprintf("store %s, %s, align %d, !nontemporal %s", operand(v, s), operand(dst, s), align, streamNode)
	})
}

// NewMaskedStore writes the elements of vector v whose bit in mask is set.
func (b *Block) NewMaskedStore(v, dst Value, align int, mask Value) {
	t := v.Type()
	name := func(s Syntax) string {
		n := "llvm.masked.store." + intrinsicSuffix(t) + ".p0"
		if s == Typed {
			n += intrinsicSuffix(t)
		}
		return n
	}
	b.f.mod.declared[name(Typed)] = func(s Syntax) string {
		return fmt.Sprintf("void @%s(%s, %s, i32, %s)", name(s), t.text(s), NewPointer(t).text(s), mask.Type().text(s))
	}
	b.add(Void, func(s Syntax) string {
		return fmt.Sprintf("call void @%s(%s, %s, i32 %d, %s)", name(s), operand(v, s), operand(dst, s), align, operand(mask, s))
	})
}

// NewPrefetch asks for the cache line at src, which need not exist. Locality is 0 (not kept) to 3 (kept in all caches).
func (b *Block) NewPrefetch(src Value, locality int) { b.prefetch(src, 0, locality) }

// NewPrefetchWrite asks for a line that will be written, in all caches.
func (b *Block) NewPrefetchWrite(src Value) { b.prefetch(src, 1, 3) }

func (b *Block) prefetch(src Value, write, locality int) {
	name := func(s Syntax) string {
		if s == Typed {
			return "llvm.prefetch.p0i8"
		}
		return "llvm.prefetch.p0"
	}
	b.f.mod.declared[name(Typed)] = func(s Syntax) string {
		return fmt.Sprintf("void @%s(%s, i32, i32, i32)", name(s), NewPointer(I8).text(s))
	}
	b.add(Void, func(s Syntax) string {
		return fmt.Sprintf("call void @%s(%s, i32 %d, i32 %d, i32 1)", name(s), operand(src, s), write, locality)
	})
}

// NewFence orders what was written before it, past the caches too, before what comes after.
func (b *Block) NewFence() { b.add(Void, func(Syntax) string { return "fence seq_cst" }) }

// NewAtomicLoad reads an i64; what its writer wrote before is seen too.
func (b *Block) NewAtomicLoad(src Value) Value {
	return b.add(I64, func(s Syntax) string { return fmt.Sprintf("load atomic i64, %s acquire, align 8", operand(src, s)) })
}

// NewAtomicStore writes an i64 and with it all that was written before.
func (b *Block) NewAtomicStore(v, dst Value) {
	b.add(Void, func(s Syntax) string {
		return fmt.Sprintf("store atomic %s, %s release, align 8", operand(v, s), operand(dst, s))
	})
}

// NewAtomicAdd adds v to an i64 in memory and returns what was there.
func (b *Block) NewAtomicAdd(dst, v Value) Value {
	return b.add(I64, func(s Syntax) string {
		return fmt.Sprintf("atomicrmw add %s, %s acq_rel", operand(dst, s), operand(v, s))
	})
}

// NewCallAt calls the function of type t at address f.
func (b *Block) NewCallAt(t *FuncType, f Value, args ...Value) {
	b.add(Void, func(s Syntax) string {
		as := make([]string, len(args))
		for i, a := range args {
			as[i] = operand(a, s)
		}
		return fmt.Sprintf("call void %s(%s)", f.ident(s), strings.Join(as, ", "))
	})
}

// NewAlloca reserves stack memory for one t, aligned to 64 bytes. Call it in the entry block.
func (b *Block) NewAlloca(t Type) Value {
	return b.add(NewPointer(t), func(s Syntax) string { return fmt.Sprintf("alloca %s, align 64", t.text(s)) })
}

// NewAllocaFirst is NewAlloca at the beginning of the block, for memory asked for while later blocks are being built.
func (b *Block) NewAllocaFirst(t Type) Value {
	v := b.NewAlloca(t)
	n := len(b.Insts) - 1
	in := b.Insts[n]
	copy(b.Insts[1:], b.Insts[:n])
	b.Insts[0] = in
	return v
}

// NewInsertElement is vector x with element i replaced by v.
func (b *Block) NewInsertElement(x, v Value, i int) Value {
	return b.add(x.Type(), func(s Syntax) string {
		return fmt.Sprintf("insertelement %s, %s, i32 %d", operand(x, s), operand(v, s), i)
	})
}

// NewShuffle is shufflevector: elements of x and y chosen by a mask of [NewMask].
func (b *Block) NewShuffle(x, y, mask Value) Value {
	t := NewVector(mask.Type().(*VectorType).Len, x.Type().(*VectorType).ElemType)
	return b.add(t, func(s Syntax) string {
		return fmt.Sprintf("shufflevector %s, %s, %s", operand(x, s), operand(y, s), operand(mask, s))
	})
}

// NewExtractElement is element i of vector x.
func (b *Block) NewExtractElement(x Value, i int) Value {
	return b.add(x.Type().(*VectorType).ElemType, func(s Syntax) string {
		return fmt.Sprintf("extractelement %s, i32 %d", operand(x, s), i)
	})
}

// Phi merges values of predecessor blocks. Incoming values may be added later.
type Phi struct {
	*Inst
	vals   []Value
	blocks []*Block
}

// AddIncoming says that the value is v when control comes from pred.
func (p *Phi) AddIncoming(v Value, pred *Block) {
	p.vals, p.blocks = append(p.vals, v), append(p.blocks, pred)
}

// NewPhi starts a phi; it must precede the other instructions of its block.
func (b *Block) NewPhi(t Type) *Phi {
	p := &Phi{}
	p.Inst = b.add(t, func(s Syntax) string {
		var l strings.Builder
		l.WriteString("phi " + t.text(s))
		for i, v := range p.vals {
			if i > 0 {
				l.WriteString(",")
			}
			fmt.Fprintf(&l, " [ %s, %%%s ]", v.ident(s), p.blocks[i].Name)
		}
		return l.String()
	})
	return p
}

// NewCall calls a function of the module, by the name it has when the module is printed.
func (b *Block) NewCall(f *Func, args ...Value) Value {
	return b.call(f.Ret, func() string { return f.Name }, args)
}

// NewIntrinsic calls the overloaded intrinsic llvm.<name>.<type of the first argument>; all arguments and the result have that type.
func (b *Block) NewIntrinsic(name string, args ...Value) Value {
	t := args[0].Type()
	full := "llvm." + name + "." + intrinsicSuffix(t)
	ts := make([]string, len(args))
	for i := range args {
		ts[i] = t.text(Typed)
	}
	decl := fmt.Sprintf("%s @%s(%s)", t.text(Typed), full, strings.Join(ts, ", "))
	b.f.mod.declared[full] = func(Syntax) string { return decl }
	return b.call(t, func() string { return full }, args)
}

// NewIntrinsicVoid calls the intrinsic llvm.<name>, which returns nothing; it is declared with the types of the arguments.
func (b *Block) NewIntrinsicVoid(name string, args ...Value) {
	full := "llvm." + name
	b.f.mod.declared[full] = func(s Syntax) string {
		ts := make([]string, len(args))
		for i, a := range args {
			ts[i] = a.Type().text(s)
		}
		return fmt.Sprintf("void @%s(%s)", full, strings.Join(ts, ", "))
	}
	b.call(Void, func() string { return full }, args)
}

func (b *Block) call(ret Type, name func() string, args []Value) Value {
	return b.add(ret, func(s Syntax) string {
		as := make([]string, len(args))
		for i, a := range args {
			as[i] = operand(a, s)
		}
		return fmt.Sprintf("call %s @%s(%s)", ret.text(s), name(), strings.Join(as, ", "))
	})
}

// NewBr jumps to dst.
func (b *Block) NewBr(dst *Block) {
	b.add(Void, func(Syntax) string { return "br label %" + dst.Name })
}

// NewCondBr jumps to t if cond holds, else to f. md is nil, or the metadata of the loop whose back edge this is.
func (b *Block) NewCondBr(cond Value, t, f *Block, md *LoopMetadata) {
	b.add(Void, func(s Syntax) string {
		l := fmt.Sprintf("br %s, label %%%s, label %%%s", operand(cond, s), t.Name, f.Name)
		if md != nil {
			l += fmt.Sprintf(", !llvm.loop !%d", md.id)
		}
		return l
	})
}

// NewRet returns v, or nothing when v is nil.
func (b *Block) NewRet(v Value) {
	b.add(Void, func(s Syntax) string {
		if v == nil {
			return "ret void"
		}
		return "ret " + operand(v, s)
	})
}
