package cpu

import (
	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// mostArgs is how many arguments a kernel of planes may have.
const mostArgs = 96

// emitDriver emits void drive(i64 *bases, i64 table, i64 segments), which carries out the schedule of a tile ([tileTable.compress]). An address is
// the sum of one of the thread's bases and an offset, so one table serves all passes, whichever buffers have changed places.
func (s *sweep) emitDriver(e *emitter) {
	e.m = llvm.NewModule()
	ptr := types.NewPointer(types.I64)
	bases, table, segments := llvm.NewParam("bases", ptr), llvm.NewParam("table", types.I64), llvm.NewParam("segments", types.I64)
	f := e.m.NewFunc("kernel.body", types.Void, bases, table, segments)
	f.Linkage = enum.LinkageInternal
	f.FuncAttrs = append(f.FuncAttrs, enum.FuncAttrNoInline)
	g := &emit.Gen{Module: e.m, Func: f, Cur: f.NewBlock("entry"), Index: map[string]emit.Bound{}}
	args := g.Func.NewAlloca(llvm.NewArray(mostArgs+1+mostFetch*fetchWords, types.I64))
	at0 := func(p value.Value, i emit.Bound) value.Value { return g.Cur.NewGetElementPtr(types.I64, p, i.Value()) }
	get := func(p value.Value, i int) value.Value { return g.Cur.NewLoad(types.I64, at0(p, emit.At(i)), 8) }
	arg := func(i emit.Bound) value.Value {
		return g.Cur.NewGetElementPtr(llvm.NewArray(mostArgs+1+mostFetch*fetchWords, types.I64), args, constant.NewInt(types.I64, 0), i.Value())
	}
	kernel := types.NewFunc(types.Void, ptr, types.I64, types.I64, types.I64)
	// The place in the table moves on from group to group; within a group every block begins with its first entry.
	place := g.Func.NewAlloca(types.I64)
	next := g.Func.NewAlloca(types.I64)
	g.Cur.NewStore(constant.NewInt(types.I64, 0), place, 8)
	start := g.Cur.NewIntToPtr(table, ptr)
	load := func(p value.Value) value.Value { return g.Cur.NewLoad(types.I64, p, 8) }
	g.Loop(emit.At(0), emit.Bound{V: segments}, 1, emit.Plain, func(emit.Bound) {
		head := at0(start, emit.Bound{V: load(place)})
		groups, times := get(head, 0), get(head, 1)
		top := g.Cur.NewAddNSW(load(place), g.I64(2))
		g.Loop(emit.At(0), emit.Bound{V: times}, 1, emit.Plain, func(time emit.Bound) {
			moved := func(p value.Value, i int) value.Value {
				return g.Cur.NewAdd(get(p, i), g.Cur.NewMul(time.Value(), get(p, i+1)))
			}
			g.Cur.NewStore(top, place, 8)
			g.Loop(emit.At(0), emit.Bound{V: groups}, 1, emit.Plain, func(emit.Bound) {
				head := at0(start, emit.Bound{V: load(place)})
				calls, blocks, first, rows := get(head, 0), get(head, 1), get(head, 2), get(head, 3)
				from := g.Cur.NewAddNSW(load(place), g.I64(4))
				last := g.Cur.NewAddNSW(blocks, g.I64(-1))
				g.Loop(emit.At(0), emit.Bound{V: blocks}, 1, emit.Plain, func(b emit.Bound) {
					g.Cur.NewStore(from, next, 8)
					y0 := g.Cur.NewAddNSW(first, g.Cur.NewMulNSW(b.Value(), rows))
					y1 := g.Cur.NewAddNSW(y0, rows)
					g.Loop(emit.At(0), emit.Bound{V: calls}, 1, emit.Plain, func(emit.Bound) {
						here := load(next)
						q := at0(start, emit.Bound{V: here})
						fn, plane, lo, hi, skew, n := get(q, 0), moved(q, 1), get(q, 3), get(q, 4), get(q, 5), get(q, 6)
						a := g.Maximum(emit.Bound{V: lo}, emit.Bound{V: g.Cur.NewSub(y0, skew)})
						z := g.Minimum(emit.Bound{V: hi}, emit.Bound{V: g.Cur.NewSub(y1, skew)})
						ra := g.Cur.NewSelect(g.Cur.NewICmp(enum.IPredEQ, b.Value(), g.I64(0)), lo, a.Value())
						rz := g.Cur.NewSelect(g.Cur.NewICmp(enum.IPredEQ, b.Value(), last), hi, z.Value())
						g.Cur.NewStore(g.Cur.NewAddNSW(g.Cur.NewAddNSW(here, g.Cur.NewMulNSW(n, g.I64(2))), g.I64(7)), next, 8)
						some, done := g.Func.NewBlock("some"), g.Func.NewBlock("none")
						g.Cur.NewCondBr(g.Cur.NewICmp(enum.IPredSLT, ra, rz), some, done)
						g.Cur = some
						g.Loop(emit.At(0), emit.Bound{V: n}, 1, emit.Plain, func(i emit.Bound) {
							w := moved(at0(q, g.Add(g.Scale(i, 2), emit.At(7))), 0)
							base := load(at0(bases, emit.Bound{V: g.Cur.NewAnd(w, g.I64(0xffff))}))
							g.Cur.NewStore(g.Cur.NewAdd(base, g.Cur.NewAShr(w, g.I64(16))), arg(i), 8)
						})
						g.Cur.NewCall(g.Cur.NewIntToPtr(fn, types.NewPointer(kernel)), arg(emit.At(0)), plane, ra, rz)
						g.Cur.NewBr(done)
						g.Cur = done
					})
				})
				g.Cur.NewStore(load(next), place, 8)
			})
		})
	})
	// Streaming stores are in memory before another thread is told.
	g.Cur.NewFence(enum.AtomicOrderingSequentiallyConsistent)
	g.Cur.NewRet(nil)

	word := types.NewPointer(types.I8)
	wb, wt, wg := llvm.NewParam("bases", types.NewPointer(word)), llvm.NewParam("table", types.I64), llvm.NewParam("segments", types.I64)
	w := e.m.NewFunc("kernel", types.Void, wb, wt, wg)
	b := w.NewBlock("entry")
	b.NewCall(f, b.NewBitCast(wb, ptr), wt, wg)
	b.NewRet(nil)
	s.drive = e.units.Add(e.m)
}
