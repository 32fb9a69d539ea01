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
}

// step is one kernel of a batch with its parts.
type step struct {
	fn    uintptr
	cuts  []int // thread i computes [cuts[i], cuts[i+1])
	meets bool  // the threads must meet after it
}

func newPool(threads int) *pool {
	p := &pool{threads: threads, done: make(chan struct{})}
	p.bar.total = int64(threads)
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

// do runs a batch on all threads and returns when it is done.
func (p *pool) do(b *batch) {
	for _, c := range p.work {
		c <- b
	}
	p.run(b, 0)
	for range p.work {
		<-p.done
	}
}

func (p *pool) close() {
	for _, c := range p.work {
		close(c)
	}
}

// run is what thread i does of a batch.
func (p *pool) run(b *batch, i int) {
	table := b.table[i]
	args := unsafe.Pointer(&table[0])
	next := make([]uintptr, b.slots)
	for range b.n {
		for k := range b.steps {
			s := &b.steps[k]
			if lo, hi := s.cuts[i], s.cuts[i+1]; lo < hi {
				call(s.fn, args, lo, hi)
			}
			if s.meets {
				p.bar.wait()
			}
		}
		if b.moves != nil {
			for j, from := range b.moves {
				next[j] = table[from]
			}
			copy(table, next)
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

func (b *barrier) wait() {
	if b.total == 1 {
		return
	}
	round := b.round.Load()
	if b.arrived.Add(1) == b.total {
		b.arrived.Store(0)
		b.round.Add(1)
		return
	}
	for spin := 0; b.round.Load() == round; spin++ {
		switch {
		case spin < 2000:
		case spin < 20000:
			runtime.Gosched()
		default:
			time.Sleep(20 * time.Microsecond)
		}
	}
}
