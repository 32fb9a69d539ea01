package cpu

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

// pool keeps one goroutine per thread. Between batches they sleep on a channel; within a batch they meet at barriers by spinning, since
// waking a goroutine costs more than a small kernel.
type pool struct {
	threads int
	work    []chan *batch // of workers 1..threads-1; the caller is worker 0
	done    chan struct{}
	bar     barrier
}

// batch is n iterations of one function.
type batch struct {
	n     int
	steps []step
	moves []int
	table [][]uintptr // argument table of every thread, so that each permutes its own
	slots int
	work  int     // of an iteration, about how many scalar operations; 0: not known
	alone bool    // no kernel is divided: thread 0 does it all
	short bool    // thread 0 does it all because it would be done before the others are awake
	prof  []spent // of every step, if it is measured
}

// step is one kernel of a batch. Its range is cut into parts: every thread takes its own in order, for the sake of its cache, and then
// helps the others. Who computes a part does not matter to the bits.
type step struct {
	fn    uintptr
	cuts  []int                                   // part j is [cuts[j], cuts[j+1])
	own   []int                                   // parts own[i] to own[i+1]-1 belong to thread i
	taken []count                                 // parts taken of every thread's own
	meets bool                                    // the threads must meet after it
	args  []int                                   // words of the table that the kernel gets
	bufs  [][]uintptr                             // those words, for every thread
	tile  func(thread, part int, table []uintptr) // computes a part instead of fn

	iterations int // that it is of a function, if more than one
}

// words takes the kernel's words from a thread's table.
func (s *step) words(i int, table []uintptr) unsafe.Pointer {
	buf := s.bufs[i]
	for j, w := range s.args {
		buf[j] = table[w]
	}
	return unsafe.Pointer(&buf[0])
}

// count is a counter on a cache line of its own.
type count struct {
	n atomic.Int64
	_ [7]int64
}

// newStep cuts [lo, hi) into parts parts for threads threads; with one part only thread 0 works.
func newStep(fn uintptr, lo, hi, parts, threads int, args []int) step {
	s := step{fn: fn, args: args, own: make([]int, threads+1), taken: make([]count, threads)}
	for j := range parts + 1 {
		s.cuts = append(s.cuts, lo+(hi-lo)*j/parts)
	}
	for i := range threads {
		s.bufs = append(s.bufs, make([]uintptr, max(8, len(args)))) // a cache line of its own
		s.own[i+1] = parts * (i + 1) / threads
		if parts == 1 {
			s.own[i+1] = 1
		}
	}
	return s
}

// work does parts until none is left.
func (s *step) work(i, threads int, table []uintptr) {
	args := s.words(i, table)
	for k := range threads {
		t := (i + k) % threads
		n := int64(s.own[t+1] - s.own[t])
		for s.taken[t].n.Load() < n {
			j := s.taken[t].n.Add(1) - 1
			if j >= n {
				break
			}
			p := s.own[t] + int(j)
			switch {
			case s.tile != nil:
				s.tile(i, p, table)
			case s.cuts[p] < s.cuts[p+1]:
				call(s.fn, args, s.cuts[p], s.cuts[p+1])
			}
		}
	}
}

// reset makes all parts available again.
func (s *step) reset() {
	for i := range s.taken {
		s.taken[i].n.Store(0)
	}
}

func newPool(threads int) *pool {
	p := &pool{threads: threads, done: make(chan struct{})}
	p.bar.total = int64(threads)
	spare.open(threads)
	for i := 1; i < threads; i++ {
		c := make(chan *batch)
		p.work = append(p.work, c)
		go func() {
			for b := range c {
				p.run(b, i)
				p.done <- struct{}{}
			}
		}()
	}
	return p
}

// do runs a batch, on all threads if they have something to do, and returns when it is done.
func (p *pool) do(b *batch) {
	if b.alone || b.short {
		p.run(b, 0)
		return
	}
	for _, c := range p.work {
		c <- b
	}
	p.run(b, 0)
	for range p.work {
		<-p.done
	}
}

func (p *pool) close() {
	spare.close(p.threads)
	for _, c := range p.work {
		close(c)
	}
}

// run is what thread i does of a batch.
func (p *pool) run(b *batch, i int) {
	table := b.table[i]
	if b.prof != nil {
		runtime.LockOSThread() // for its clock
		defer runtime.UnlockOSThread()
	}
	next := make([]uintptr, b.slots)
	var last time.Time
	if b.prof != nil && i == 0 {
		last = time.Now()
	}
	for range b.n {
		for k := range b.steps {
			s := &b.steps[k]
			var cpu time.Duration
			if b.prof != nil {
				cpu = threadTime()
			}
			switch {
			case len(s.cuts) > 2:
				s.work(i, p.threads, table)
			case i == 0 && s.tile != nil:
				s.tile(0, 0, table)
			case i == 0:
				call(s.fn, s.words(i, table), s.cuts[0], s.cuts[1])
			}
			if b.prof != nil {
				b.prof[k].cpu.Add(int64(threadTime() - cpu))
			}
			switch {
			case s.meets && b.short:
				s.reset()
			case s.meets:
				p.bar.wait(s)
			}
			if b.prof != nil && i == 0 {
				now := time.Now()
				b.prof[k].calls += int64(max(1, s.iterations))
				b.prof[k].parts = len(s.cuts) - 1
				b.prof[k].time += now.Sub(last)
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

// barrier lets total threads meet. Waiting spins, then yields, then sleeps shortly: the machine may have fewer free cores than threads.
type barrier struct {
	total   int64
	_       [7]int64 // keep the two counters on lines of their own
	arrived atomic.Int64
	_       [7]int64
	round   atomic.Int64
	_       [7]int64
}

// wait returns when all threads have called it. The last to come makes the step ready for its next time.
func (b *barrier) wait(s *step) {
	round := b.round.Load()
	if b.arrived.Add(1) == b.total {
		s.reset()
		b.arrived.Store(0)
		b.round.Add(1)
		return
	}
	for spin := 0; b.round.Load() == round; spin++ {
		switch {
		case spin < 2000:
		case spin < 5000:
			runtime.Gosched()
		default:
			time.Sleep(20 * time.Microsecond)
		}
	}
}
