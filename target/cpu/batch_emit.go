package cpu

import (
	"runtime"
	"sync"

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
func (p *pool) describe(b *batch) {
	if b.words == nil {
		b.words = make([]uintptr, batchWords)
		for i := range b.table {
			b.tables = append(b.tables, addressOf(b.table[i]))
		}
		b.next = make([]uintptr, p.threads*(b.slots+native.LineBytes/wordBytes))
		b.code = make([]uintptr, len(b.steps)*stepWords)
		for k := range b.steps {
			s, w := &b.steps[k], b.code[k*stepWords:]
			w[stepFn], w[stepParts], w[stepCuts], w[stepOwn], w[stepTaken] = s.fn, uintptr(len(s.parts)), addressOf(s.parts), addressOf(s.own), addressOf(s.taken)
			w[stepArgs], w[stepFrom], w[stepBufs] = uintptr(len(s.args)), addressOf(s.args), addressOf(s.heads)
			if s.meets {
				w[stepMeets] = 1
			}
		}
	}
	w := b.words
	w[batchRuns], w[batchSteps], w[batchCode] = uintptr(b.n), uintptr(len(b.steps)), addressOf(b.code)
	w[batchMoves], w[batchFrom], w[batchTables] = uintptr(len(b.moves)), addressOf(b.moves), addressOf(b.tables)
	w[batchOwners], w[batchThreads] = uintptr(p.threads), uintptr(p.threads)
	if b.alone || b.short {
		w[batchThreads] = 1
	}
	w[batchMeeting] = (addressOf(p.meeting[:]) + native.LineBytes - 1) &^ (native.LineBytes - 1)
	w[batchSpins], w[batchYield], w[batchSleep], w[batchNext] = waitSpins, p.native.yield, p.native.sleep, addressOf(b.next)
	if p.threads > runtime.NumCPU() {
		w[batchSpins] = 0
	}
}

// batchEmit is the native code of a pool being emitted.
type batchEmit struct {
	*gen
	batch, thread llvm.Value
}

// batchUnit is void run(word *batch, i64 thread, i64 which): what a thread does of a batch.
var batchUnit = sync.OnceValue(func() *native.Unit {
	var us native.Units
	m := llvm.NewModule()
	g := &batchEmit{gen: kernelOf(m, "batch")}
	g.batch, g.thread = g.f.Params[0], g.f.Params[1]
	which := g.f.Params[2]
	all := g.cur.NewICmp("eq", which, g.i64(allSteps))
	meeting := g.cur.NewICmp("slt", which, g.i64(allSteps))
	one := g.cur.NewSelect(meeting, g.cur.NewSub(g.i64(-2), which), which)
	first := g.cur.NewSelect(all, g.i64(0), one)
	last := g.cur.NewSelect(all, g.word(g.batch, batchSteps), g.cur.NewAdd(one, g.i64(1)))
	runs := g.cur.NewSelect(all, g.word(g.batch, batchRuns), g.i64(1))
	moves := g.cur.NewSelect(all, g.word(g.batch, batchMoves), g.i64(0))
	table := g.pointer(g.element(g.pointer(g.word(g.batch, batchTables)), g.thread))
	next := g.pointer(g.cur.NewAdd(g.word(g.batch, batchNext), g.cur.NewMul(g.thread, g.cur.NewMul(g.cur.NewAdd(moves, g.i64(native.LineBytes/wordBytes)), g.i64(wordBytes)))))
	code := g.word(g.batch, batchCode)
	g.loop(at(0), bound{v: runs}, 1, plainLoop, func(bound) {
		g.loop(bound{v: first}, bound{v: last}, 1, plainLoop, func(k bound) {
			s := g.pointer(g.cur.NewAdd(code, g.cur.NewMul(k.value(), g.i64(stepWords*wordBytes))))
			g.unless(meeting, func() { g.step(s, table) })
			alone := g.cur.NewICmp("eq", g.word(g.batch, batchThreads), g.i64(1))
			meets := g.cur.NewICmp("ne", g.word(s, stepMeets), g.i64(0))
			g.when(g.cur.NewAnd(meets, g.cur.NewOr(all, meeting)), func() {
				g.when(alone, func() { g.reset(s) })
				g.unless(alone, func() { g.meet(s) })
			})
		})
		from := g.pointer(g.word(g.batch, batchFrom))
		g.loop(at(0), bound{v: moves}, 1, plainLoop, func(j bound) {
			g.put(next, j.value(), g.element(table, g.element(from, j.value())))
		})
		g.loop(at(0), bound{v: moves}, 1, plainLoop, func(j bound) { g.put(table, j.value(), g.element(next, j.value())) })
	})
	g.cur.NewRet(nil)
	g.export(m)
	us.Add(m)
	return us.List[0]
})

// copyUnit is void copy(word *{to, from}, i64 to, i64 from): it copies a word of a buffer to another, the places being offsets in bytes, the second one
// as [copyFrom] writes it.
var copyUnit = sync.OnceValue(func() *native.Unit {
	var us native.Units
	m := llvm.NewModule()
	g := &batchEmit{gen: kernelOf(m, "copy")}
	to := g.pointer(g.cur.NewAdd(g.word(g.f.Params[0], 0), g.f.Params[1]))
	from := g.pointer(g.cur.NewAdd(g.word(g.f.Params[0], 1), g.cur.NewSub(g.i64(-1), g.f.Params[2])))
	g.put(to, g.i64(0), g.word(from, 0))
	g.cur.NewRet(nil)
	g.export(m)
	us.Add(m)
	return us.List[0]
})

// copyFrom makes the ends of the part differ: a part from an end to itself is empty.
func copyFrom(offset int) int { return -1 - offset }

// kernelOf begins void f(word*, i64, i64).
func kernelOf(m *llvm.Module, name string) *gen {
	f := m.NewFunc(name, llvm.Void, llvm.NewParam("words", llvm.NewPointer(llvm.I64)), llvm.NewParam("x", llvm.I64), llvm.NewParam("y", llvm.I64))
	f.Internal = true
	f.Attrs = []string{"nounwind"}
	return &gen{m: m, f: f, cur: f.NewBlock("entry"), idx: map[string]bound{}}
}

// export adds the function that others call.
func (g *batchEmit) export(m *llvm.Module) {
	var ps []*llvm.Param
	var args []llvm.Value
	for _, p := range g.f.Params {
		q := llvm.NewParam(p.Name, p.Typ)
		ps, args = append(ps, q), append(args, q)
	}
	w := m.NewFunc("kernel", llvm.Void, ps...)
	w.Attrs = []string{"nounwind"}
	b := w.NewBlock("entry")
	b.NewCall(g.f, args...)
	b.NewRet(nil)
}

func (g *batchEmit) pointer(v llvm.Value) llvm.Value {
	return g.cur.NewConv("inttoptr", v, llvm.NewPointer(llvm.I64))
}

func (g *batchEmit) place(p, i llvm.Value) llvm.Value    { return g.cur.NewGetElementPtr(llvm.I64, p, i) }
func (g *batchEmit) word(p llvm.Value, i int) llvm.Value { return g.element(p, g.i64(i)) }
func (g *batchEmit) element(p, i llvm.Value) llvm.Value {
	return g.cur.NewLoad(llvm.I64, g.place(p, i), wordBytes)
}
func (g *batchEmit) put(p, i, v llvm.Value) { g.cur.NewStore(v, g.place(p, i), wordBytes) }

func (g *batchEmit) unless(cond llvm.Value, body func()) {
	g.when(g.cur.NewXor(cond, llvm.NewInt(llvm.I1, 1)), body)
}

// step does parts of a step until none is left; thread 0 does a step of one part.
func (g *batchEmit) step(s, table llvm.Value) {
	single := g.cur.NewICmp("eq", g.word(s, stepParts), g.i64(1))
	first := g.cur.NewICmp("eq", g.thread, g.i64(0))
	g.when(g.cur.NewOr(first, g.cur.NewXor(single, llvm.NewInt(llvm.I1, 1))), func() {
		buf := g.pointer(g.element(g.pointer(g.word(s, stepBufs)), g.thread))
		from := g.pointer(g.word(s, stepFrom))
		g.loop(at(0), bound{v: g.word(s, stepArgs)}, 1, plainLoop, func(j bound) {
			g.put(buf, j.value(), g.element(table, g.element(from, j.value())))
		})
		g.when(single, func() { g.part(s, buf, g.i64(0)) })
		g.unless(single, func() {
			threads, own := g.word(g.batch, batchOwners), g.pointer(g.word(s, stepOwn))
			g.loop(at(0), bound{v: threads}, 1, plainLoop, func(k bound) {
				t := g.cur.NewAdd(g.thread, k.value())
				t = g.cur.NewSelect(g.cur.NewICmp("sge", t, threads), g.cur.NewSub(t, threads), t)
				lo := g.element(own, t)
				n := g.cur.NewSub(g.element(own, g.cur.NewAdd(t, g.i64(1))), lo)
				taken := g.pointer(g.cur.NewAdd(g.word(s, stepTaken), g.cur.NewMul(t, g.i64(native.LineBytes))))
				look, take, do, none := g.f.NewBlock("look"), g.f.NewBlock("take"), g.f.NewBlock("do"), g.f.NewBlock("none")
				g.cur.NewBr(look)
				look.NewCondBr(look.NewICmp("slt", look.NewAtomicLoad(taken), n), take, none, nil)
				j := take.NewAtomicAdd(taken, g.i64(1))
				take.NewCondBr(take.NewICmp("slt", j, n), do, none, nil)
				g.cur = do
				g.part(s, buf, g.cur.NewAdd(lo, j))
				g.cur.NewBr(look)
				g.cur = none
			})
		})
	})
}

// part calls the kernel for part j.
func (g *batchEmit) part(s, buf, j llvm.Value) {
	kernel := llvm.NewFuncType(llvm.NewPointer(llvm.I64), llvm.I64, llvm.I64)
	cuts := g.pointer(g.word(s, stepCuts))
	x, y := g.element(cuts, g.cur.NewMul(j, g.i64(2))), g.element(cuts, g.cur.NewAdd(g.cur.NewMul(j, g.i64(2)), g.i64(1)))
	g.when(g.cur.NewICmp("ne", x, y), func() {
		g.cur.NewCallAt(kernel, g.cur.NewConv("inttoptr", g.word(s, stepFn), llvm.NewPointer(kernel)), buf, x, y)
	})
}

// reset makes all parts available again.
func (g *batchEmit) reset(s llvm.Value) {
	taken := g.word(s, stepTaken)
	g.loop(at(0), bound{v: g.word(g.batch, batchOwners)}, 1, plainLoop, func(t bound) {
		g.cur.NewAtomicStore(g.i64(0), g.pointer(g.cur.NewAdd(taken, g.cur.NewMul(t.value(), g.i64(native.LineBytes)))))
	})
}

// meet returns when all threads have called it. The last to come makes the step ready for its next time. Waiting spins, then yields, then
// sleeps shortly: the machine may have fewer free cores than threads.
func (g *batchEmit) meet(s llvm.Value) {
	arrived := g.pointer(g.word(g.batch, batchMeeting))
	turn := g.place(arrived, g.i64(native.LineBytes/wordBytes))
	now := g.cur.NewAtomicLoad(turn)
	last := g.cur.NewICmp("eq", g.cur.NewAdd(g.cur.NewAtomicAdd(arrived, g.i64(1)), g.i64(1)), g.word(g.batch, batchThreads))
	open, wait, done := g.f.NewBlock("last"), g.f.NewBlock("wait"), g.f.NewBlock("met")
	g.cur.NewCondBr(last, open, wait, nil)
	before := g.cur
	g.cur = open
	g.reset(s)
	g.cur.NewAtomicStore(g.i64(0), arrived)
	g.cur.NewAtomicStore(g.cur.NewAdd(now, g.i64(1)), turn)
	g.cur.NewBr(done)

	spin := wait.NewPhi(llvm.I64)
	spin.AddIncoming(g.i64(0), before)
	look := g.f.NewBlock("look")
	wait.NewCondBr(wait.NewICmp("eq", wait.NewAtomicLoad(turn), now), look, done, nil)
	g.cur = look
	spins := g.word(g.batch, batchSpins)
	short := g.cur.NewICmp("slt", spin, spins)
	g.when(short, g.pause)
	g.unless(short, func() {
		yield := g.cur.NewICmp("slt", spin, g.cur.NewAdd(spins, g.i64(waitYields)))
		g.when(yield, func() {
			f := llvm.NewFuncType()
			g.cur.NewCallAt(f, g.cur.NewConv("inttoptr", g.word(g.batch, batchYield), llvm.NewPointer(f)))
		})
		g.unless(yield, func() {
			f := llvm.NewFuncType(llvm.I32)
			g.cur.NewCallAt(f, g.cur.NewConv("inttoptr", g.word(g.batch, batchSleep), llvm.NewPointer(f)), llvm.NewInt(llvm.I32, waitSleep))
		})
	})
	spin.AddIncoming(g.cur.NewAdd(spin, g.i64(1)), g.cur)
	g.cur.NewBr(wait)
	g.cur = done
}

// pause tells the core that it waits.
func (g *batchEmit) pause() {
	switch runtime.GOARCH {
	case "amd64", "386":
		g.cur.NewIntrinsicVoid("x86.sse2.pause")
	case "arm64":
		g.cur.NewIntrinsicVoid("aarch64.hint", llvm.NewInt(llvm.I32, 1))
	}
}
