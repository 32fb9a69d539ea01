package team

import (
	"runtime"
	"sync"

	"github.com/llir/llvm/ir/constant"
	"github.com/llir/llvm/ir/enum"
	"github.com/llir/llvm/ir/types"
	"github.com/llir/llvm/ir/value"
	"github.com/wfc-lang/wfc/target/cpu/emit"
	"github.com/wfc-lang/wfc/target/cpu/llvm"
	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Words of a batch as its native code reads it.
const (
	batchRuns    = iota // iterations
	batchSteps          // number, and where they are
	batchCode           //
	batchMoves          // number of slots that change places, and from where
	batchFrom           //
	batchTables         // of the threads
	batchThreads        // how many meet; 1 when thread 0 does it all
	batchOwners         // threads that parts belong to
	batchMeeting        // where they meet
	batchSpins          // how often a thread looks whether the others have come before it lets others have the core
	batchYield          // what it calls then, and after some time more
	batchSleep          //
	batchNext           // room for the table after the moves, one for each thread
	batchWords
)

// Words of a step.
const (
	stepFn    = iota
	stepParts // number, and what the kernel gets for each: two words
	stepCuts
	stepOwn
	stepTaken
	stepMeets
	stepArgs // number of words that the kernel gets, which, and where each thread puts them
	stepFrom
	stepBufs
	stepWords
)

// allSteps asks for all steps of all iterations; else it is one step, k, or the meeting after it, -2-k.
const allSteps = -1

// A thread that waits looks so often before it lets others have its core, and asks so often for that before it sleeps for a time. Where there are
// more threads than cores the one it waits for may need this core.
const (
	waitSpins  = 1000
	waitYields = 1000
	waitSleep  = 20 // us
)

// describe writes a batch down for native code.
func (p *Pool) describe(b *Batch) {
	if b.words == nil {
		b.words = make([]uintptr, batchWords)
		for i := range b.Tables {
			b.tables = append(b.tables, AddressOf(b.Tables[i]))
		}
		b.next = make([]uintptr, p.Threads*(b.Slots+native.LineBytes/wordBytes))
		b.code = make([]uintptr, len(b.Steps)*stepWords)
		for k := range b.Steps {
			s, w := &b.Steps[k], b.code[k*stepWords:]
			w[stepFn], w[stepParts], w[stepCuts], w[stepOwn], w[stepTaken] = s.fn, uintptr(len(s.parts)), AddressOf(s.parts), AddressOf(s.own), AddressOf(s.taken)
			w[stepArgs], w[stepFrom], w[stepBufs] = uintptr(len(s.args)), AddressOf(s.args), AddressOf(s.heads)
			if s.Meets {
				w[stepMeets] = 1
			}
		}
	}
	w := b.words
	w[batchRuns], w[batchSteps], w[batchCode] = uintptr(b.Times), uintptr(len(b.Steps)), AddressOf(b.code)
	w[batchMoves], w[batchFrom], w[batchTables] = uintptr(len(b.Moves)), AddressOf(b.Moves), AddressOf(b.tables)
	w[batchOwners], w[batchThreads] = uintptr(p.Threads), uintptr(p.Threads)
	if b.Alone || b.Short {
		w[batchThreads] = 1
	}
	w[batchMeeting] = (AddressOf(p.meeting[:]) + native.LineBytes - 1) &^ (native.LineBytes - 1)
	w[batchSpins], w[batchYield], w[batchSleep], w[batchNext] = waitSpins, p.native.yield, p.native.sleep, AddressOf(b.next)
	if p.Threads > runtime.NumCPU() {
		w[batchSpins] = 0
	}
}

// batchEmit is the native code of a pool being emitted.
type batchEmit struct {
	*emit.Gen
	batch, thread value.Value
}

// Unit is void run(word *batch, i64 thread, i64 which): what a thread does of a batch.
var Unit = sync.OnceValue(func() *native.Unit {
	var us native.Units
	m := llvm.NewModule()
	g := &batchEmit{Gen: kernelOf(m, "batch")}
	g.batch, g.thread = g.Func.Params[0], g.Func.Params[1]
	which := g.Func.Params[2]
	all := g.Cur.NewICmp(enum.IPredEQ, which, g.I64(allSteps))
	meeting := g.Cur.NewICmp(enum.IPredSLT, which, g.I64(allSteps))
	one := g.Cur.NewSelect(meeting, g.Cur.NewSub(g.I64(-2), which), which)
	first := g.Cur.NewSelect(all, g.I64(0), one)
	last := g.Cur.NewSelect(all, g.word(g.batch, batchSteps), g.Cur.NewAdd(one, g.I64(1)))
	runs := g.Cur.NewSelect(all, g.word(g.batch, batchRuns), g.I64(1))
	moves := g.Cur.NewSelect(all, g.word(g.batch, batchMoves), g.I64(0))
	table := g.pointer(g.element(g.pointer(g.word(g.batch, batchTables)), g.thread))
	next := g.pointer(g.Cur.NewAdd(g.word(g.batch, batchNext), g.Cur.NewMul(g.thread, g.Cur.NewMul(g.Cur.NewAdd(moves, g.I64(native.LineBytes/wordBytes)), g.I64(wordBytes)))))
	code := g.word(g.batch, batchCode)
	g.Loop(emit.At(0), emit.Bound{V: runs}, 1, emit.Plain, func(emit.Bound) {
		g.Loop(emit.Bound{V: first}, emit.Bound{V: last}, 1, emit.Plain, func(k emit.Bound) {
			s := g.pointer(g.Cur.NewAdd(code, g.Cur.NewMul(k.Value(), g.I64(stepWords*wordBytes))))
			g.unless(meeting, func() { g.step(s, table) })
			alone := g.Cur.NewICmp(enum.IPredEQ, g.word(g.batch, batchThreads), g.I64(1))
			meets := g.Cur.NewICmp(enum.IPredNE, g.word(s, stepMeets), g.I64(0))
			g.When(g.Cur.NewAnd(meets, g.Cur.NewOr(all, meeting)), func() {
				g.When(alone, func() { g.reset(s) })
				g.unless(alone, func() { g.meet(s) })
			})
		})
		from := g.pointer(g.word(g.batch, batchFrom))
		g.Loop(emit.At(0), emit.Bound{V: moves}, 1, emit.Plain, func(j emit.Bound) {
			g.put(next, j.Value(), g.element(table, g.element(from, j.Value())))
		})
		g.Loop(emit.At(0), emit.Bound{V: moves}, 1, emit.Plain, func(j emit.Bound) { g.put(table, j.Value(), g.element(next, j.Value())) })
	})
	g.Cur.NewRet(nil)
	g.export(m)
	us.Add(m)
	return us.List[0]
})

// CopyUnit is void copy(word *{to, from}, i64 to, i64 from): it copies a word of a buffer to another, the places being offsets in bytes, the second one
// as [CopyFrom] writes it.
var CopyUnit = sync.OnceValue(func() *native.Unit {
	var us native.Units
	m := llvm.NewModule()
	g := &batchEmit{Gen: kernelOf(m, "copy")}
	to := g.pointer(g.Cur.NewAdd(g.word(g.Func.Params[0], 0), g.Func.Params[1]))
	from := g.pointer(g.Cur.NewAdd(g.word(g.Func.Params[0], 1), g.Cur.NewSub(g.I64(-1), g.Func.Params[2])))
	g.put(to, g.I64(0), g.word(from, 0))
	g.Cur.NewRet(nil)
	g.export(m)
	us.Add(m)
	return us.List[0]
})

// CopyFrom makes the ends of the part differ: a part from an end to itself is empty.
func CopyFrom(offset int) int { return -1 - offset }

// kernelOf begins void f(word*, i64, i64).
func kernelOf(m *llvm.Module, name string) *emit.Gen {
	f := m.NewFunc(name, types.Void, llvm.NewParam("words", types.NewPointer(types.I64)), llvm.NewParam("x", types.I64), llvm.NewParam("y", types.I64))
	f.Linkage = enum.LinkageInternal
	return &emit.Gen{Module: m, Func: f, Cur: f.NewBlock("entry"), Index: map[string]emit.Bound{}}
}

// export adds the function that others call.
func (g *batchEmit) export(m *llvm.Module) {
	var ps []*llvm.Param
	var args []value.Value
	for _, p := range g.Func.Params {
		q := llvm.NewParam(p.Name(), p.Typ)
		ps, args = append(ps, q), append(args, q)
	}
	w := m.NewFunc("kernel", types.Void, ps...)
	b := w.NewBlock("entry")
	b.NewCall(g.Func, args...)
	b.NewRet(nil)
}

func (g *batchEmit) pointer(v value.Value) value.Value {
	return g.Cur.NewIntToPtr(v, types.NewPointer(types.I64))
}

func (g *batchEmit) place(p, i value.Value) value.Value {
	return g.Cur.NewGetElementPtr(types.I64, p, i)
}
func (g *batchEmit) word(p value.Value, i int) value.Value { return g.element(p, g.I64(i)) }
func (g *batchEmit) element(p, i value.Value) value.Value {
	return g.Cur.NewLoad(types.I64, g.place(p, i), wordBytes)
}
func (g *batchEmit) put(p, i, v value.Value) { g.Cur.NewStore(v, g.place(p, i), wordBytes) }

func (g *batchEmit) unless(cond value.Value, body func()) {
	g.When(g.Cur.NewXor(cond, constant.NewInt(types.I1, 1)), body)
}

// step does parts of a step until none is left; thread 0 does a step of one part.
func (g *batchEmit) step(s, table value.Value) {
	single := g.Cur.NewICmp(enum.IPredEQ, g.word(s, stepParts), g.I64(1))
	first := g.Cur.NewICmp(enum.IPredEQ, g.thread, g.I64(0))
	g.When(g.Cur.NewOr(first, g.Cur.NewXor(single, constant.NewInt(types.I1, 1))), func() {
		buf := g.pointer(g.element(g.pointer(g.word(s, stepBufs)), g.thread))
		from := g.pointer(g.word(s, stepFrom))
		g.Loop(emit.At(0), emit.Bound{V: g.word(s, stepArgs)}, 1, emit.Plain, func(j emit.Bound) {
			g.put(buf, j.Value(), g.element(table, g.element(from, j.Value())))
		})
		g.When(single, func() { g.part(s, buf, g.I64(0)) })
		g.unless(single, func() {
			threads, own := g.word(g.batch, batchOwners), g.pointer(g.word(s, stepOwn))
			g.Loop(emit.At(0), emit.Bound{V: threads}, 1, emit.Plain, func(k emit.Bound) {
				var t value.Value = g.Cur.NewAdd(g.thread, k.Value())
				t = g.Cur.NewSelect(g.Cur.NewICmp(enum.IPredSGE, t, threads), g.Cur.NewSub(t, threads), t)
				lo := g.element(own, t)
				n := g.Cur.NewSub(g.element(own, g.Cur.NewAdd(t, g.I64(1))), lo)
				taken := g.pointer(g.Cur.NewAdd(g.word(s, stepTaken), g.Cur.NewMul(t, g.I64(native.LineBytes))))
				look, take, do, none := g.Func.NewBlock("look"), g.Func.NewBlock("take"), g.Func.NewBlock("do"), g.Func.NewBlock("none")
				g.Cur.NewBr(look)
				look.NewCondBr(look.NewICmp(enum.IPredSLT, look.NewAtomicLoad(taken), n), take, none)
				j := take.NewAtomicRMW(enum.AtomicOpAdd, taken, g.I64(1), enum.AtomicOrderingAcquireRelease)
				take.NewCondBr(take.NewICmp(enum.IPredSLT, j, n), do, none)
				g.Cur = do
				g.part(s, buf, g.Cur.NewAdd(lo, j))
				g.Cur.NewBr(look)
				g.Cur = none
			})
		})
	})
}

// part calls the kernel for part j.
func (g *batchEmit) part(s, buf, j value.Value) {
	kernel := types.NewFunc(types.Void, types.NewPointer(types.I64), types.I64, types.I64)
	cuts := g.pointer(g.word(s, stepCuts))
	x, y := g.element(cuts, g.Cur.NewMul(j, g.I64(2))), g.element(cuts, g.Cur.NewAdd(g.Cur.NewMul(j, g.I64(2)), g.I64(1)))
	g.When(g.Cur.NewICmp(enum.IPredNE, x, y), func() {
		g.Cur.NewCall(g.Cur.NewIntToPtr(g.word(s, stepFn), types.NewPointer(kernel)), buf, x, y)
	})
}

// reset makes all parts available again.
func (g *batchEmit) reset(s value.Value) {
	taken := g.word(s, stepTaken)
	g.Loop(emit.At(0), emit.Bound{V: g.word(g.batch, batchOwners)}, 1, emit.Plain, func(t emit.Bound) {
		g.Cur.NewAtomicStore(g.I64(0), g.pointer(g.Cur.NewAdd(taken, g.Cur.NewMul(t.Value(), g.I64(native.LineBytes)))))
	})
}

// meet returns when all threads have called it. The last to come makes the step ready for its next time. Waiting spins, then yields, then
// sleeps shortly: the machine may have fewer free cores than threads.
func (g *batchEmit) meet(s value.Value) {
	arrived := g.pointer(g.word(g.batch, batchMeeting))
	turn := g.place(arrived, g.I64(native.LineBytes/wordBytes))
	now := g.Cur.NewAtomicLoad(turn)
	last := g.Cur.NewICmp(enum.IPredEQ, g.Cur.NewAdd(g.Cur.NewAtomicRMW(enum.AtomicOpAdd, arrived, g.I64(1), enum.AtomicOrderingAcquireRelease), g.I64(1)), g.word(g.batch, batchThreads))
	open, wait, done := g.Func.NewBlock("last"), g.Func.NewBlock("wait"), g.Func.NewBlock("met")
	g.Cur.NewCondBr(last, open, wait)
	before := g.Cur
	g.Cur = open
	g.reset(s)
	g.Cur.NewAtomicStore(g.I64(0), arrived)
	g.Cur.NewAtomicStore(g.Cur.NewAdd(now, g.I64(1)), turn)
	g.Cur.NewBr(done)

	spin := wait.NewPhi(types.I64)
	spin.AddIncoming(g.I64(0), before)
	look := g.Func.NewBlock("look")
	wait.NewCondBr(wait.NewICmp(enum.IPredEQ, wait.NewAtomicLoad(turn), now), look, done)
	g.Cur = look
	spins := g.word(g.batch, batchSpins)
	short := g.Cur.NewICmp(enum.IPredSLT, spin, spins)
	g.When(short, g.pause)
	g.unless(short, func() {
		yield := g.Cur.NewICmp(enum.IPredSLT, spin, g.Cur.NewAdd(spins, g.I64(waitYields)))
		g.When(yield, func() {
			f := types.NewFunc(types.Void)
			g.Cur.NewCall(g.Cur.NewIntToPtr(g.word(g.batch, batchYield), types.NewPointer(f)))
		})
		g.unless(yield, func() {
			f := types.NewFunc(types.Void, types.I32)
			g.Cur.NewCall(g.Cur.NewIntToPtr(g.word(g.batch, batchSleep), types.NewPointer(f)), constant.NewInt(types.I32, waitSleep))
		})
	})
	spin.AddIncoming(g.Cur.NewAdd(spin, g.I64(1)), g.Cur)
	g.Cur.NewBr(wait)
	g.Cur = done
}

// pause tells the core that it waits.
func (g *batchEmit) pause() {
	switch runtime.GOARCH {
	case "amd64", "386":
		g.Cur.NewIntrinsicVoid("x86.sse2.pause")
	case "arm64":
		g.Cur.NewIntrinsicVoid("aarch64.hint", constant.NewInt(types.I32, 1))
	}
}
