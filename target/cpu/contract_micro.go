package cpu

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// micro is a register block: rows x vectors of the output, over a stretch of k. Steps are in elements.
type micro struct {
	elem                 ir.Elem
	rows, vectors, lanes int
	valid                int  // lanes that exist
	more                 bool // starts from the output instead of 0
	inPlace              bool // b is not packed: it may begin anywhere
	packs                int  // elements from term to term of the packed copy that it makes of b, 0: none
	nextRows, nextStep   int  // rows of the panel after this one, and the steps between them, that it asks for with every microTerms terms
	stepM, stepK         int  // of a
	stepB                int  // of b along k
	outM, outN           int  // of the output
}

func (m micro) name() string {
	return fmt.Sprintf("mk.%s.%dx%dx%d.%d.%t.%t.p%d.n%d.%d.a%d.%d.b%d.c%d.%d", m.elem, m.rows, m.vectors, m.lanes, m.valid, m.more, m.inPlace,
		m.packs, m.nextRows, m.nextStep, m.stepM, m.stepK, m.stepB, m.outM, m.outN)
}

// A panel of b streams from the second cache, once for every block of rows. The loop over k asks for it microAhead terms before it is used,
// and does microTerms terms at a time: both together are worth a tenth of the processor's peak.
const microAhead, microTerms = 16, 8

// The output is asked for at the beginning, so that it is there when the sums are put down; and with every microTerms terms, rows of the panel
// after this one, which comes from farther away: the blocks of rows that use a panel share that out among them.

// rowLines are the cache lines of a row of a full panel.
func (m micro) rowLines() int { return max(1, 2*m.lanes*storageBytes(m.elem)/lineBytes) }

// asked is how many rows a block asks for with every microTerms terms, where so many blocks use a panel.
func asked(blocks int) int { return (microTerms + blocks - 1) / blocks }

// micro returns the function void(a, b, out, next, pack, k) of a micro kernel; equal ones are one function.
func (e *emitter) micro(m micro) *llvm.Func {
	if f := e.micros[m]; f != nil {
		return f
	}
	ptr := types.NewPointer(emit.RegType(m.elem))
	a, b := llvm.NewParam("a", ptr, enum.ParamAttrNoAlias, enum.ParamAttrReadOnly), llvm.NewParam("b", ptr, enum.ParamAttrNoAlias, enum.ParamAttrReadOnly)
	out, next, length := llvm.NewParam("out", ptr, enum.ParamAttrNoAlias), llvm.NewParam("next", ptr), llvm.NewParam("k", types.I64)
	pack := llvm.NewParam("pack", ptr)
	f := e.m.NewFunc(m.name(), types.Void, a, b, out, next, pack, length)
	f.Linkage = enum.LinkageInternal
	f.Vectorise()
	e.micros[m] = f
	entry, many, left, one, exit := f.NewBlock("entry"), f.NewBlock("many"), f.NewBlock("left"), f.NewBlock("one"), f.NewBlock("out")

	zero, n := constant.NewInt(types.I64, 0), constant.NewInt(types.I64, int64(microTerms))
	if m.outN == 1 {
		m.cells(func(_, at, _ int) {
			entry.NewPrefetch(entry.NewAddress(ptr.ElemType, out, elements(at)), 3)
		})
	}
	sums := m.begin(entry, out)
	entry.NewCondBr(entry.NewICmp(enum.IPredSLE, n, length), many, left)

	x, first := sumsFrom(many, entry, zero, sums)
	m.ask(many, next, x)
	after := m.terms(many, a, b, pack, x, first.values(), microTerms)
	then := many.NewAddNSW(x, n)
	first.add(many, then, after)
	many.NewCondBr(many.NewICmp(enum.IPredSLE, many.NewAddNSW(then, n), length), many, left)

	x, rest := sumsFrom(left, entry, zero, sums)
	rest.add(many, then, after)
	left.NewCondBr(left.NewICmp(enum.IPredSLT, x, length), one, exit)

	y, single := sumsFrom(one, left, x, rest.values())
	after = m.terms(one, a, b, pack, y, single.values(), 1)
	then = one.NewAddNSW(y, constant.NewInt(types.I64, 1))
	single.add(one, then, after)
	one.NewCondBr(one.NewICmp(enum.IPredSLT, then, length), one, exit)

	_, last := sumsFrom(exit, left, x, rest.values())
	last.add(one, then, after)
	m.end(exit, out, last.values())
	return f
}

// running are the sums of a register block at the beginning of a basic block, and the term they are at.
type running struct {
	x   *llvm.Phi
	acc []*llvm.Phi
}

// sumsFrom begins basic block at, which pred enters with the given term and sums.
func sumsFrom(at, pred *llvm.Block, x value.Value, sums []value.Value) (value.Value, *running) {
	r := &running{x: at.NewPhi(types.I64)}
	for range sums {
		r.acc = append(r.acc, at.NewPhi(sums[0].Type()))
	}
	r.add(pred, x, sums)
	return r.x, r
}

// add is another way into the block.
func (r *running) add(pred *llvm.Block, x value.Value, sums []value.Value) {
	r.x.AddIncoming(x, pred)
	for i := range sums {
		r.acc[i].AddIncoming(sums[i], pred)
	}
}

func (r *running) values() (v []value.Value) {
	for _, p := range r.acc {
		v = append(v, p)
	}
	return v
}

// vector is the type of a register of the block.
func (m micro) vector() types.Type { return llvm.NewVector(m.lanes, emit.RegType(m.elem)) }

// cells calls f for every vector of the block, with its place in the output and the number of its lanes that exist.
func (m micro) cells(f func(i, at, have int)) {
	for r := range m.rows {
		for j := range m.vectors {
			f(r*m.vectors+j, r*m.outM+j*m.lanes*m.outN, max(0, min(m.lanes, m.valid-j*m.lanes)))
		}
	}
}

// begin loads the sums, or sets them to 0.
func (m micro) begin(b *llvm.Block, out value.Value) []value.Value {
	t, size := emit.RegType(m.elem), storageBytes(m.elem)
	sums := make([]value.Value, m.rows*m.vectors)
	m.cells(func(i, at, have int) {
		sums[i] = llvm.NewSplat(m.lanes, llvm.NewFloat(t.(*types.FloatType), 0))
		switch {
		case !m.more:
		case m.outN == 1 && have == m.lanes:
			p := b.NewGetElementPtr(t, out, elements(at))
			sums[i] = b.NewLoad(m.vector(), b.NewBitCast(p, types.NewPointer(m.vector())), size)
		default:
			for l := range have {
				v := b.NewLoad(t, b.NewGetElementPtr(t, out, elements(at+l*m.outN)), size)
				sums[i] = b.NewInsertElement(sums[i], v, l)
			}
		}
	})
	return sums
}

// end stores them.
func (m micro) end(b *llvm.Block, out value.Value, sums []value.Value) {
	t, size := emit.RegType(m.elem), storageBytes(m.elem)
	m.cells(func(i, at, have int) {
		if m.outN == 1 && have == m.lanes {
			p := b.NewGetElementPtr(t, out, elements(at))
			b.NewStore(sums[i], b.NewBitCast(p, types.NewPointer(m.vector())), size)
			return
		}
		for l := range have {
			b.NewStore(b.NewExtractElement(sums[i], l), b.NewGetElementPtr(t, out, elements(at+l*m.outN)), size)
		}
	})
	b.NewRet(nil)
}

// ask asks for a part of what comes after the panel, with the terms from x on.
func (m micro) ask(b *llvm.Block, next, x value.Value) {
	t := emit.RegType(m.elem)
	first := b.NewMulNSW(b.NewAShr(x, elements(bits.TrailingZeros(microTerms))), elements(m.nextRows*m.nextStep))
	for r := range m.nextRows {
		for l := range m.rowLines() {
			from := b.NewAddNSW(first, elements(r*m.nextStep+l*lineBytes/storageBytes(m.elem)))
			b.NewPrefetch(b.NewAddress(t, next, from), 2)
		}
	}
}

// terms adds n terms from x on.
func (m micro) terms(at *llvm.Block, a, b, pack, x value.Value, sums []value.Value, n int) []value.Value {
	t, size := emit.RegType(m.elem), storageBytes(m.elem)
	sums = slices.Clone(sums)
	row, base := at.NewMulNSW(x, elements(m.stepB)), at.NewMulNSW(x, elements(m.stepK))
	align := m.lanes * size
	if m.inPlace {
		align = size
	}
	for u := range n {
		bs := make([]value.Value, m.vectors)
		for j := range bs {
			lane := func(term int) value.Value { return at.NewAddNSW(row, elements(term*m.stepB+j*m.lanes)) }
			if n > 1 && m.beginsLine(u, j) {
				at.NewPrefetch(at.NewAddress(t, b, lane(u+microAhead)), 3) // perhaps behind the panel
			}
			bs[j] = at.NewLoad(m.vector(), at.NewBitCast(at.NewGetElementPtr(t, b, lane(u)), types.NewPointer(m.vector())), align)
			if m.packs > 0 {
				to := at.NewAddNSW(at.NewMulNSW(x, elements(m.packs)), elements(u*m.packs+j*m.lanes))
				at.NewStore(bs[j], at.NewBitCast(at.NewGetElementPtr(t, pack, to), types.NewPointer(m.vector())), m.lanes*size)
			}
		}
		for r := range m.rows {
			v := at.NewLoad(t, at.NewGetElementPtr(t, a, at.NewAddNSW(base, elements(u*m.stepK+r*m.stepM))), size)
			all := at.NewBroadcast(m.lanes, v)
			for j := range bs {
				i := r*m.vectors + j
				sums[i] = at.NewIntrinsic("fma", all, bs[j], sums[i])
			}
		}
	}
	return sums
}

// beginsLine says that vector j of term u is the first of a cache line: vectors may be shorter. Rows that are not packed lie anywhere.
func (m micro) beginsLine(u, j int) bool {
	at := j * m.lanes
	if !m.inPlace {
		at += u * m.stepB
	}
	return at*storageBytes(m.elem)%lineBytes == 0
}

func elements(n int) value.Value { return constant.NewInt(types.I64, int64(n)) }
