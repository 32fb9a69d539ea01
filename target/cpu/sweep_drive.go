package cpu

import (
	"github.com/wfc-lang/wfc/target/cpu/llvm"
)

// mostArgs is how many arguments a kernel of planes may have.
const mostArgs = 96

// emitDriver emits void drive(i64 *bases, i64 table, i64 segments), which carries out the schedule of a tile ([tileTable.compress]). An address is
// the sum of one of the thread's bases and an offset, so one table serves all passes, whichever buffers have changed places.
func (s *sweep) emitDriver(e *emitter) {
	e.m = llvm.NewModule()
	ptr := llvm.NewPointer(llvm.I64)
	bases, table, segments := llvm.NewParam("bases", ptr), llvm.NewParam("table", llvm.I64), llvm.NewParam("segments", llvm.I64)
	f := e.m.NewFunc("kernel.body", llvm.Void, bases, table, segments)
	f.Internal = true
	f.Attrs = []string{"noinline", "nounwind"}
	g := &gen{m: e.m, f: f, cur: f.NewBlock("entry"), idx: map[string]bound{}}
	args := g.cur.NewAlloca(llvm.NewArray(mostArgs+1+mostFetch*fetchWords, llvm.I64))
	at0 := func(p llvm.Value, i bound) llvm.Value { return g.cur.NewGetElementPtr(llvm.I64, p, i.value()) }
	get := func(p llvm.Value, i int) llvm.Value { return g.cur.NewLoad(llvm.I64, at0(p, at(i)), 8) }
	arg := func(i bound) llvm.Value {
		return g.cur.NewGetElementPtr(llvm.NewArray(mostArgs+1+mostFetch*fetchWords, llvm.I64), args, llvm.NewInt(llvm.I64, 0), i.value())
	}
	kernel := llvm.NewFuncType(ptr, llvm.I64, llvm.I64, llvm.I64)
	// The place in the table moves on from group to group; within a group every block begins with its first entry.
	place := g.cur.NewAlloca(llvm.I64)
	next := g.cur.NewAlloca(llvm.I64)
	g.cur.NewStore(llvm.NewInt(llvm.I64, 0), place, 8)
	start := g.cur.NewConv("inttoptr", table, ptr)
	load := func(p llvm.Value) llvm.Value { return g.cur.NewLoad(llvm.I64, p, 8) }
	g.loop(at(0), bound{v: segments}, 1, plainLoop, func(bound) {
		head := at0(start, bound{v: load(place)})
		groups, times := get(head, 0), get(head, 1)
		top := g.cur.NewAddNSW(load(place), g.i64(2))
		g.loop(at(0), bound{v: times}, 1, plainLoop, func(time bound) {
			moved := func(p llvm.Value, i int) llvm.Value {
				return g.cur.NewAdd(get(p, i), g.cur.NewMul(time.value(), get(p, i+1)))
			}
			g.cur.NewStore(top, place, 8)
			g.loop(at(0), bound{v: groups}, 1, plainLoop, func(bound) {
				head := at0(start, bound{v: load(place)})
				calls, blocks, first, rows := get(head, 0), get(head, 1), get(head, 2), get(head, 3)
				from := g.cur.NewAddNSW(load(place), g.i64(4))
				last := g.cur.NewAddNSW(blocks, g.i64(-1))
				g.loop(at(0), bound{v: blocks}, 1, plainLoop, func(b bound) {
					g.cur.NewStore(from, next, 8)
					y0 := g.cur.NewAddNSW(first, g.cur.NewMulNSW(b.value(), rows))
					y1 := g.cur.NewAddNSW(y0, rows)
					g.loop(at(0), bound{v: calls}, 1, plainLoop, func(bound) {
						here := load(next)
						q := at0(start, bound{v: here})
						fn, plane, lo, hi, skew, n := get(q, 0), moved(q, 1), get(q, 3), get(q, 4), get(q, 5), get(q, 6)
						a := g.maximum(bound{v: lo}, bound{v: g.cur.NewSub(y0, skew)})
						z := g.minimum(bound{v: hi}, bound{v: g.cur.NewSub(y1, skew)})
						ra := g.cur.NewSelect(g.cur.NewICmp("eq", b.value(), g.i64(0)), lo, a.value())
						rz := g.cur.NewSelect(g.cur.NewICmp("eq", b.value(), last), hi, z.value())
						g.cur.NewStore(g.cur.NewAddNSW(g.cur.NewAddNSW(here, g.cur.NewMulNSW(n, g.i64(2))), g.i64(7)), next, 8)
						some, done := g.f.NewBlock("some"), g.f.NewBlock("none")
						g.cur.NewCondBr(g.cur.NewICmp("slt", ra, rz), some, done, nil)
						g.cur = some
						g.loop(at(0), bound{v: n}, 1, plainLoop, func(i bound) {
							w := moved(at0(q, g.add(g.scale(i, 2), at(7))), 0)
							base := load(at0(bases, bound{v: g.cur.NewAnd(w, g.i64(0xffff))}))
							g.cur.NewStore(g.cur.NewAdd(base, g.cur.NewAShr(w, g.i64(16))), arg(i), 8)
						})
						g.cur.NewCallAt(kernel, g.cur.NewConv("inttoptr", fn, llvm.NewPointer(kernel)), arg(at(0)), plane, ra, rz)
						g.cur.NewBr(done)
						g.cur = done
					})
				})
				g.cur.NewStore(load(next), place, 8)
			})
		})
	})
	// Streaming stores are in memory before another thread is told.
	g.cur.NewFence()
	g.cur.NewRet(nil)

	word := llvm.NewPointer(llvm.I8)
	wb, wt, wg := llvm.NewParam("bases", llvm.NewPointer(word)), llvm.NewParam("table", llvm.I64), llvm.NewParam("segments", llvm.I64)
	w := e.m.NewFunc("kernel", llvm.Void, wb, wt, wg)
	w.Attrs = []string{"nounwind"}
	b := w.NewBlock("entry")
	b.NewCall(f, b.NewBitCast(wb, ptr), wt, wg)
	b.NewRet(nil)
	s.drive = e.units.Add(e.m)
}
