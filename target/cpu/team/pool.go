package team

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Pool keeps one goroutine per thread. After a batch they wait for the next one awake, for a while: the functions of a procedure, a solver's
// iterations, follow each other in microseconds, which is less than it takes to wake a goroutine. Then they sleep on a channel. A batch is one call of native code for each thread
// (batch_emit.go), which goes through the kernels and meets the other threads by itself: to Go a thread in a kernel is in a system call, its
// monitor wakes up every 20 us or so to look after those that come and go, and on a computer all of whose cores compute that and what follows
// from it took a quarter of their time. Besides, a call from Go costs more than a small kernel.
type Pool struct {
	Threads int
	native  Code
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

// Patience is how long a worker without work stays awake.
const Patience = 200 * time.Microsecond

// Code is the native code of a pool: what a thread does of a batch, and what it calls while it waits.
type Code struct{ run, yield, sleep uintptr }

// CodeOf is the native code of a pool, run being what its threads do.
func CodeOf(run uintptr) (n Code, err error) {
	n.run = run
	if n.yield, err = native.SystemFunction("sched_yield"); err != nil {
		return n, err
	}
	n.sleep, err = native.SystemFunction("usleep")
	return n, err
}

const wordBytes = 8

// Batch is n iterations of one function.
type Batch struct {
	Times  int
	Steps  []Step
	Moves  []int
	Tables [][]uintptr // argument table of every thread, so that each permutes its own
	Slots  int
	Work   int     // of an iteration, about how many scalar operations; 0: not known
	Alone  bool    // no kernel is divided: thread 0 does it all
	Short  bool    // thread 0 does it all this time
	Pace   Pace    // by which that is decided
	Paced  bool    // whether it is
	Spent  []Spent // if it is measured: where the time of every step goes ([Step.Account])

	Keep any // what the parts of steps point to

	words  []uintptr // as the native code reads it
	tables []uintptr
	next   []uintptr
	code   []uintptr // the steps as it reads them
}

// Step is one kernel of a batch. Its range is cut into parts: every thread takes its own in order, for the sake of its cache, and then
// helps the others. Who computes a part does not matter to the bits.
type Step struct {
	fn    uintptr
	parts [][2]int    // what the kernel gets for each part, beside its words: as a rule the ends of a range
	own   []int       // parts own[i] to own[i+1]-1 belong to thread i
	taken []count     // parts taken of every thread's own
	Meets bool        // the threads must meet after it
	args  []int       // words of the table that the kernel gets
	bufs  [][]uintptr // those words, for every thread
	heads []uintptr   // addresses of bufs

	Iterations int // that it is of a function, if more than one
	Account    int // where its time goes
}

// Spent is where the time of a step went, if it is measured.
type Spent struct {
	Calls int64
	Time  time.Duration
	CPU   atomic.Int64 // of all threads, ns
	Parts int          // of a pass: its tiles
}

// count is a counter on a cache line of its own.
type count struct {
	n atomic.Int64
	_ [7]int64
}

// NewStep cuts [lo, hi) into parts parts for threads threads; with one part only thread 0 works.
func NewStep(fn uintptr, lo, hi, parts, threads int, args []int) Step {
	var cuts [][2]int
	for j := range parts {
		cuts = append(cuts, [2]int{lo + (hi-lo)*j/parts, lo + (hi-lo)*(j+1)/parts})
	}
	return NewStepOf(fn, cuts, threads, args)
}

// NewStepOf is newStep of parts that are made.
func NewStepOf(fn uintptr, parts [][2]int, threads int, args []int) Step {
	s := Step{fn: fn, parts: parts, args: args, own: make([]int, threads+1), taken: make([]count, threads)}
	for i := range threads {
		s.bufs = append(s.bufs, make([]uintptr, max(8, len(args)))) // a cache line of its own
		s.heads = append(s.heads, AddressOf(s.bufs[i]))
		s.own[i+1] = len(parts) * (i + 1) / threads
		if len(parts) == 1 {
			s.own[i+1] = 1
		}
	}
	return s
}

// divided says that threads share a step.
func (s *Step) divided() bool { return len(s.parts) > 1 }

// AddressOf is where the elements of a slice lie, for native code; the slice must be reachable as long as that runs.
func AddressOf[T any](s []T) uintptr {
	if len(s) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(&s[0]))
}

// Arrange says after which steps the threads meet. Between two kernels that only thread 0 runs nobody needs to wait. After the last comes
// the first again.
func (b *Batch) Arrange(threads int, measured bool) {
	b.Alone = true
	for i := range b.Steps {
		s, next := &b.Steps[i], &b.Steps[(i+1)%len(b.Steps)]
		s.Meets = s.divided() || threads > 1 && (measured || next.divided())
		b.Alone = b.Alone && !s.divided()
	}
	for i := range b.Steps {
		b.Steps[i].Meets = b.Steps[i].Meets && !b.Alone
	}
}

// New starts a pool of threads, the caller being the first of them.
func New(threads int, native Code) *Pool {
	p := &Pool{Threads: threads, native: native, asleep: make([]count, threads), chosen: make([]scheduled, threads)}
	spare.open(threads)
	for i := 1; i < threads; i++ {
		p.wakes = append(p.wakes, make(chan struct{}, 1))
		go p.worker(i)
	}
	return p
}

// worker does its part of every task until there is none.
func (p *Pool) worker(i int) {
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
func (p *Pool) await(i int, turn int64) {
	begun := func() bool { return p.turn.n.Load() >= turn }
	for {
		since := time.Now()
		for spin := 0; !begun(); spin++ {
			if spin%1000 == 999 && time.Since(since) > Patience {
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
func (p *Pool) wake() {
	for i, c := range p.wakes {
		if p.asleep[i+1].n.CompareAndSwap(1, 0) {
			c <- struct{}{}
		}
	}
}

// Awake says that no worker sleeps.
func (p *Pool) Awake() bool {
	for i := range p.asleep {
		if p.asleep[i].n.Load() != 0 {
			return false
		}
	}
	return true
}

// begin gives the workers a task.
func (p *Pool) begin(task *func(thread int)) {
	p.task.Store(task)
	p.left.n.Store(int64(p.Threads - 1))
	p.turn.n.Add(1)
	p.wake()
}

// Each calls f on every thread and returns when all are done.
func (p *Pool) Each(f func(thread int)) {
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

// Do runs a batch, on all threads if they have something to do and that is faster, and returns when it is done how long that took, or 0 where that
// was too short for a clock.
func (p *Pool) Do(b *Batch) time.Duration {
	if b.Alone && b.Spent == nil && b.Work > 0 && b.Work <= hurried/b.Times {
		if p.hurried++; p.hurried%unclocked != 0 {
			p.describe(b)
			p.run(b, 0)
			return 0
		}
	}
	awake := p.Awake()
	b.Short = p.short(b, awake)
	p.describe(b)
	begun := clock()
	p.chosen[0].again(begun)
	if b.Alone || b.Short {
		p.run(b, 0)
	} else {
		p.Each(func(i int) { p.run(b, i) })
	}
	d := clock() - begun
	if awake || b.Short { // else waking is in it
		b.Pace.took(!b.Short, d/time.Duration(b.Times))
	}
	return d
}

// short says that thread 0 is to do a batch alone; awake, whether the others are.
func (p *Pool) short(b *Batch, awake bool) bool {
	if b.Alone || b.Spent != nil || !b.Paced || b.Work == 0 || b.Work >= briefly {
		return false
	}
	if !b.Pace.shared() {
		return true
	}
	if b.Work >= wakes/b.Times || awake {
		return false
	}
	p.wake() // for what comes next
	return true
}

// Close ends the goroutines of a pool.
func (p *Pool) Close() {
	spare.close(p.Threads)
	p.begin(nil)
}

// run is what thread i does of a batch.
func (p *Pool) run(b *Batch, i int) {
	if b.Spent != nil {
		p.measure(b, i)
		return
	}
	p.call(b, i, allSteps)
}

// call runs native code for thread i; which is what [Unit] says.
func (p *Pool) call(b *Batch, i, which int) {
	a := &p.chosen[i].args // of its own: new ones would be garbage of every call
	*a = [3]uintptr{AddressOf(b.words), uintptr(i), uintptr(which)}
	native.Call(p.native.run, a)
}

// measure does the same step by step.
func (p *Pool) measure(b *Batch, i int) {
	runtime.LockOSThread() // for its clock
	defer runtime.UnlockOSThread()
	table := b.Tables[i]
	next := make([]uintptr, b.Slots)
	last := time.Now()
	for range b.Times {
		for k := range b.Steps {
			s := &b.Steps[k]
			cpu := native.ThreadTime()
			p.call(b, i, k)
			at := &b.Spent[s.Account]
			at.CPU.Add(int64(native.ThreadTime() - cpu))
			if s.Meets {
				p.call(b, i, -2-k)
			}
			if i == 0 {
				now := time.Now()
				at.Calls += int64(max(1, s.Iterations))
				at.Parts = len(s.parts)
				at.Time += now.Sub(last)
				last = now
			}
		}
		if b.Moves != nil {
			for j, from := range b.Moves {
				next[j] = table[from]
			}
			copy(table, next[:len(b.Moves)])
		}
	}
}
