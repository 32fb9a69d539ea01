package sim

import "github.com/wfc-lang/wfc/target/wse"

// memFifo is a FIFO in the memory of a PE. What is pushed or popped in a cycle is seen by the other end in the next.
type memFifo struct {
	head, n      int32
	pushT, popT  int64 // cycles of the last push and pop
	pushed, popd int32 // how many in those
}

// fifoSpec is a compiled FIFO of a class.
type fifoSpec struct {
	array     int32
	base, len int32 // bytes, elements
	push, pop int32 // tasks activated, -1 = none
}

// ready is the number of elements that can be popped in cycle t.
func (f *memFifo) ready(t int64) int32 {
	if f.pushT == t {
		return f.n - f.pushed
	}
	return f.n
}

// room is the number of elements that can be pushed in cycle t.
func (f *memFifo) room(t int64, cap int32) int32 {
	if f.popT == t {
		return cap - f.n - f.popd
	}
	return cap - f.n
}

// popMem takes an element and returns the byte offset it lay at.
func (s *Sim) popMem(pe int, k *code, i, bytes int32, t int64) int32 {
	f, x := &s.memFifos[s.fifoOf[pe]+i], &k.fifos[i]
	at := x.base + f.head*bytes
	if f.head++; f.head == x.len {
		f.head = 0
	}
	f.n--
	if f.popT != t {
		f.popT, f.popd = t, 0
		s.activate(pe, x.pop)
	}
	f.popd++
	return at
}

// pushMem makes room for an element and returns its byte offset.
func (s *Sim) pushMem(pe int, k *code, i, bytes int32, t int64) int32 {
	f, x := &s.memFifos[s.fifoOf[pe]+i], &k.fifos[i]
	tail := f.head + f.n
	if tail >= x.len {
		tail -= x.len
	}
	f.n++
	if f.pushT != t {
		f.pushT, f.pushed = t, 0
		s.activate(pe, x.push)
	}
	f.pushed++
	return x.base + tail*bytes
}

func (s *Sim) activate(pe int, task int32) {
	if task >= 0 {
		s.pending = append(s.pending, pending{int32(pe), task, wse.DoneActivate})
	}
}

// starved says whether thread th finds its FIFOs unable to give or take an element in cycle t.
func (s *Sim) starved(pe int, k *code, th *thread, t int64) waitKind {
	d := th.d
	if d.fifoIn >= 0 {
		if i := d.src[d.fifoIn].queue; s.memFifos[s.fifoOf[pe]+i].ready(t) == 0 {
			return waitPop
		}
	}
	if d.dst.kind == wse.Queued {
		if i := d.dst.queue; s.memFifos[s.fifoOf[pe]+i].room(t, k.fifos[i].len) == 0 {
			return waitPush
		}
	}
	return waitNone
}

// canResume reports whether a thread that waits for a FIFO can go on in the cycle after the present one.
func (s *Sim) canResume(pe int, k *code, th *thread) bool {
	if th.wait == waitPop {
		return s.memFifos[s.fifoOf[pe]+th.d.src[th.d.fifoIn].queue].n > 0
	}
	i := th.d.dst.queue
	return s.memFifos[s.fifoOf[pe]+i].n < k.fifos[i].len
}
