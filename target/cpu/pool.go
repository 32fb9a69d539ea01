package cpu

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/wfc-lang/wfc/target/cpu/native"
)

// pool keeps one goroutine per thread. After a batch they wait for the next one awake, for a while: the functions of a procedure, a solver's
// iterations, follow each other in microseconds, which is less than it takes to wake a goroutine. Then they sleep on a channel. A batch is one call of native code for each thread
// (batch_emit.go), which goes through the kernels and meets the other threads by itself: to Go a thread in a kernel is in a system call, its
// monitor wakes up every 20 us or so to look after those that come and go, and on a computer all of whose cores compute that and what follows
// from it took a quarter of their time. Besides, a call from Go costs more than a small kernel.
type pool struct {
	threads int
	native  nativePool
	meeting [3 * native.LineBytes / wordBytes]uintptr // where they meet: a word on each of two lines of their own

	wakes   []chan struct{}                  // of workers 1..threads-1; the caller is worker 0
	asleep  []count                          // 1: the worker waits for its channel
	chosen  []scheduled                      // by Go's scheduler
	hurried int                              // batches too short for a clock
	task    atomic.Pointer[func(thread int)] // of the current turn; nil: there will be none
	_       [7]int64
	turn    count // tasks begun
	left    count // workers that have not done the current one
}

// patience is how long a worker without work stays awake.
const patience = 200 * time.Microsecond

// nativePool is the native code of a pool: what a thread does of a batch, and what it calls while it waits.
type nativePool struct{ run, yield, sleep uintptr }

// nativeOf is the native code of a pool, run being what its threads do.
func nativeOf(run uintptr) (n nativePool, err error) {
	n.run = run
	if n.yield, err = native.SystemFunction("sched_yield"); err != nil {
		return n, err
	}
	n.sleep, err = native.SystemFunction("usleep")
	return n, err
}

const wordBytes = 8

// batch is n iterations of one function.
type batch struct {
	n     int
	steps []step
	moves []int
	table [][]uintptr // argument table of every thread, so that each permutes its own
	slots int
	work  int     // of an iteration, about how many scalar operations; 0: not known
	alone bool    // no kernel is divided: thread 0 does it all
	short bool    // thread 0 does it all this time
	pace  pace    // by which that is decided
	paced bool    // whether it is
	prof  []spent // if it is measured: where the time of every step goes ([step.account])

	keep any // what the parts of steps point to

	words  []uintptr // as the native code reads it
	tables []uintptr
	next   []uintptr
	code   []uintptr // the steps as it reads them
}

// step is one kernel of a batch. Its range is cut into parts: every thread takes its own in order, for the sake of its cache, and then
// helps the others. Who computes a part does not matter to the bits.
type step struct {
	fn    uintptr
	parts [][2]int    // what the kernel gets for each part, beside its words: as a rule the ends of a range
	own   []int       // parts own[i] to own[i+1]-1 belong to thread i
	taken []count     // parts taken of every thread's own
	meets bool        // the threads must meet after it
	args  []int       // words of the table that the kernel gets
	bufs  [][]uintptr // those words, for every thread
	heads []uintptr   // addresses of bufs

	iterations int // that it is of a function, if more than one
	account    int // where its time goes
}

// spent is where the time of a step went, if it is measured.
type spent struct {
	calls int64
	time  time.Duration
	cpu   atomic.Int64 // of all threads, ns
	parts int          // of a pass: its tiles
}

// count is a counter on a cache line of its own.
type count struct {
	n atomic.Int64
	_ [7]int64
}

// newStep cuts [lo, hi) into parts parts for threads threads; with one part only thread 0 works.
func newStep(fn uintptr, lo, hi, parts, threads int, args []int) step {
	var cuts [][2]int
	for j := range parts {
		cuts = append(cuts, [2]int{lo + (hi-lo)*j/parts, lo + (hi-lo)*(j+1)/parts})
	}
	return newStepOf(fn, cuts, threads, args)
}

// newStepOf is newStep of parts that are made.
func newStepOf(fn uintptr, parts [][2]int, threads int, args []int) step {
	s := step{fn: fn, parts: parts, args: args, own: make([]int, threads+1), taken: make([]count, threads)}
	for i := range threads {
		s.bufs = append(s.bufs, make([]uintptr, max(8, len(args)))) // a cache line of its own
		s.heads = append(s.heads, addressOf(s.bufs[i]))
		s.own[i+1] = len(parts) * (i + 1) / threads
		if len(parts) == 1 {
			s.own[i+1] = 1
		}
	}
	return s
}

// divided says that threads share a step.
func (s *step) divided() bool { return len(s.parts) > 1 }

// addressOf is where the elements of a slice lie, for native code; the slice must be reachable as long as that runs.
func addressOf[T any](s []T) uintptr {
	if len(s) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(&s[0]))
}

// arrange says after which steps the threads meet. Between two kernels that only thread 0 runs nobody needs to wait. After the last comes
// the first again.
func (b *batch) arrange(threads int, measured bool) {
	b.alone = true
	for i := range b.steps {
		s, next := &b.steps[i], &b.steps[(i+1)%len(b.steps)]
		s.meets = s.divided() || threads > 1 && (measured || next.divided())
		b.alone = b.alone && !s.divided()
	}
	for i := range b.steps {
		b.steps[i].meets = b.steps[i].meets && !b.alone
	}
}

func newPool(threads int, native nativePool) *pool {
	p := &pool{threads: threads, native: native, asleep: make([]count, threads), chosen: make([]scheduled, threads)}
	spare.open(threads)
	for i := 1; i < threads; i++ {
		p.wakes = append(p.wakes, make(chan struct{}, 1))
		go p.worker(i)
	}
	return p
}

// worker does its part of every task until there is none.
func (p *pool) worker(i int) {
	for turn := int64(1); ; turn++ {
		p.await(i, turn)
		task := p.task.Load()
		if task == nil {
			return
		}
		p.chosen[i].again(clock())
		(*task)(i)
		p.left.n.Add(-1)
	}
}

// await returns when a turn has begun.
func (p *pool) await(i int, turn int64) {
	begun := func() bool { return p.turn.n.Load() >= turn }
	for {
		since := time.Now()
		for spin := 0; !begun(); spin++ {
			if spin%1000 == 999 && time.Since(since) > patience {
				break
			}
		}
		if begun() {
			return
		}
		asleep := &p.asleep[i].n
		asleep.Store(1)
		if begun() && asleep.CompareAndSwap(1, 0) {
			return
		}
		<-p.wakes[i-1] // whoever sets asleep back sends
	}
}

// wake has workers that sleep wait for the next turn awake.
func (p *pool) wake() {
	for i, c := range p.wakes {
		if p.asleep[i+1].n.CompareAndSwap(1, 0) {
			c <- struct{}{}
		}
	}
}

// awake says that no worker sleeps.
func (p *pool) awake() bool {
	for i := range p.asleep {
		if p.asleep[i].n.Load() != 0 {
			return false
		}
	}
	return true
}

// begin gives the workers a task.
func (p *pool) begin(task *func(thread int)) {
	p.task.Store(task)
	p.left.n.Store(int64(p.threads - 1))
	p.turn.n.Add(1)
	p.wake()
}

// each calls f on every thread and returns when all are done.
func (p *pool) each(f func(thread int)) {
	p.begin(&f)
	f(0)
	for spin := 0; p.left.n.Load() > 0; spin++ {
		switch {
		case spin < 2000:
		case spin < 5000: // the computer may have fewer free cores than threads
			runtime.Gosched()
		default:
			time.Sleep(20 * time.Microsecond)
		}
	}
}

// A batch of one thread with no more work than hurried is over in a few microseconds, and two looks at the clock would take as long as a product of
// 16 x 16 matrices: only every unclocked-th of such batches looks, often enough for [scheduled.again].
const (
	hurried   = 1 << 18
	unclocked = 64
)

// do runs a batch, on all threads if they have something to do and that is faster, and returns when it is done how long that took, or 0 where that
// was too short for a clock.
func (p *pool) do(b *batch) time.Duration {
	if b.alone && b.prof == nil && b.work > 0 && b.work <= hurried/b.n {
		if p.hurried++; p.hurried%unclocked != 0 {
			p.describe(b)
			p.run(b, 0)
			return 0
		}
	}
	awake := p.awake()
	b.short = p.short(b, awake)
	p.describe(b)
	begun := clock()
	p.chosen[0].again(begun)
	if b.alone || b.short {
		p.run(b, 0)
	} else {
		p.each(func(i int) { p.run(b, i) })
	}
	d := clock() - begun
	if awake || b.short { // else waking is in it
		b.pace.took(!b.short, d/time.Duration(b.n))
	}
	return d
}

// short says that thread 0 is to do a batch alone; awake, whether the others are.
func (p *pool) short(b *batch, awake bool) bool {
	if b.alone || b.prof != nil || !b.paced || b.work == 0 || b.work >= briefly {
		return false
	}
	if !b.pace.shared() {
		return true
	}
	if b.work >= wakes/b.n || awake {
		return false
	}
	p.wake() // for what comes next
	return true
}

func (p *pool) close() {
	spare.close(p.threads)
	p.begin(nil)
}

// run is what thread i does of a batch.
func (p *pool) run(b *batch, i int) {
	if b.prof != nil {
		p.measure(b, i)
		return
	}
	p.call(b, i, allSteps)
}

// call runs native code for thread i; which is what [batchUnit] says.
func (p *pool) call(b *batch, i, which int) {
	a := &p.chosen[i].args // of its own: new ones would be garbage of every call
	*a = [3]uintptr{addressOf(b.words), uintptr(i), uintptr(which)}
	native.Call(p.native.run, a)
}

// measure does the same step by step.
func (p *pool) measure(b *batch, i int) {
	runtime.LockOSThread() // for its clock
	defer runtime.UnlockOSThread()
	table := b.table[i]
	next := make([]uintptr, b.slots)
	last := time.Now()
	for range b.n {
		for k := range b.steps {
			s := &b.steps[k]
			cpu := native.ThreadTime()
			p.call(b, i, k)
			at := &b.prof[s.account]
			at.cpu.Add(int64(native.ThreadTime() - cpu))
			if s.meets {
				p.call(b, i, -2-k)
			}
			if i == 0 {
				now := time.Now()
				at.calls += int64(max(1, s.iterations))
				at.parts = len(s.parts)
				at.time += now.Sub(last)
				last = now
			}
		}
		if b.moves != nil {
			for j, from := range b.moves {
				next[j] = table[from]
			}
			copy(table, next[:len(b.moves)])
		}
	}
}
