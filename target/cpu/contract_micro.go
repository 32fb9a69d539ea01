package cpu

import (
	"fmt"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// micro is a register block: rows x vectors of the output, over a stretch of k. Steps are in elements.
type micro struct {
	elem                 ir.Elem
	rows, vectors, lanes int
	valid                int  // lanes that exist
	more                 bool // starts from the output instead of 0
	stepM, stepK         int  // of a
	outM, outN           int  // of the output
}

func (m micro) name() string {
	return fmt.Sprintf("mk.%s.%dx%dx%d.%d.%t.a%d.%d.c%d.%d", m.elem, m.rows, m.vectors, m.lanes, m.valid, m.more, m.stepM, m.stepK, m.outM, m.outN)
}

// micro returns the function void(a, b, out, k) of a micro kernel; equal ones are one function.
func (e *emitter) micro(m micro) *llvm.Func {
	if f := e.micros[m]; f != nil {
		return f
	}
	t := regType(m.elem)
	ptr := llvm.NewPointer(t)
	a, b := llvm.NewParam("a", ptr, "noalias", "readonly"), llvm.NewParam("b", ptr, "noalias", "readonly", "align 64")
	out := llvm.NewParam("out", ptr, "noalias")
	length := llvm.NewParam("k", llvm.I64)
	f := e.m.NewFunc(m.name(), llvm.Void, a, b, out, length)
	f.Internal = true
	f.Attrs = []string{"noinline", "nounwind", `"prefer-vector-width"="512"`}
	e.micros[m] = f
	vec := llvm.NewVector(m.lanes, t)
	entry := f.NewBlock("entry")
	head, exit := f.NewBlock("k"), f.NewBlock("out")
	size := storageBytes(m.elem)
	i64 := func(x int) llvm.Value { return llvm.NewInt(llvm.I64, int64(x)) }
	// cell calls f for every vector of the block, with the number of lanes that exist.
	cell := func(f func(i, lo, have int)) {
		for r := range m.rows {
			for j := range m.vectors {
				f(r*m.vectors+j, r*m.outM+j*m.lanes*m.outN, max(0, min(m.lanes, m.valid-j*m.lanes)))
			}
		}
	}
	start := make([]llvm.Value, m.rows*m.vectors)
	cell(func(i, lo, have int) {
		start[i] = llvm.NewSplat(m.lanes, llvm.NewFloat(t.(*llvm.FloatType), 0))
		switch {
		case !m.more:
		case m.outN == 1 && have == m.lanes:
			p := entry.NewGetElementPtr(t, out, i64(lo))
			start[i] = entry.NewLoad(vec, entry.NewBitCast(p, llvm.NewPointer(vec)), size)
		default:
			for l := range have {
				v := entry.NewLoad(t, entry.NewGetElementPtr(t, out, i64(lo+l*m.outN)), size)
				start[i] = entry.NewInsertElement(start[i], v, l)
			}
		}
	})
	entry.NewBr(head)
	x := head.NewPhi(llvm.I64)
	x.AddIncoming(i64(0), entry)
	acc := make([]*llvm.Phi, m.rows*m.vectors)
	for i := range acc {
		acc[i] = head.NewPhi(vec)
		acc[i].AddIncoming(start[i], entry)
	}
	bs := make([]llvm.Value, m.vectors)
	at := head.NewMulNSW(x, i64(m.vectors*m.lanes))
	for j := range bs {
		p := head.NewGetElementPtr(t, b, head.NewAddNSW(at, i64(j*m.lanes)))
		bs[j] = head.NewLoad(vec, head.NewBitCast(p, llvm.NewPointer(vec)), m.lanes*size)
	}
	base := head.NewMulNSW(x, i64(m.stepK))
	next := make([]llvm.Value, len(acc))
	for r := range m.rows {
		v := head.NewLoad(t, head.NewGetElementPtr(t, a, head.NewAddNSW(base, i64(r*m.stepM))), size)
		s := head.NewInsertElement(llvm.NewUndef(vec), v, 0)
		all := head.NewShuffle(s, llvm.NewUndef(vec), llvm.NewMask(make([]int, m.lanes)...))
		for j := range bs {
			i := r*m.vectors + j
			next[i] = head.NewIntrinsic("fma", all, bs[j], acc[i])
		}
	}
	inc := head.NewAddNSW(x, i64(1))
	x.AddIncoming(inc, head)
	for i := range acc {
		acc[i].AddIncoming(next[i], head)
	}
	head.NewCondBr(head.NewICmp("slt", inc, length), head, exit, nil)
	cell(func(i, lo, have int) {
		v := next[i]
		if m.outN == 1 && have == m.lanes {
			p := exit.NewGetElementPtr(t, out, i64(lo))
			exit.NewStore(v, exit.NewBitCast(p, llvm.NewPointer(vec)), size)
			return
		}
		for l := range have {
			exit.NewStore(exit.NewExtractElement(v, l), exit.NewGetElementPtr(t, out, i64(lo+l*m.outN)), size)
		}
	})
	exit.NewRet(nil)
	return f
}
