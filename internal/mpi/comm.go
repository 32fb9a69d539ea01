// Package mpi passes messages between the ranks of a job.
//
// [Comm] is all the rest of the program knows: sends and receives that return at once, and waiting for them. There are two kinds. [Join]
// finds the MPI library of the mpirun that started this process and binds the few functions that are needed at run time, without cgo
// ([library]); [World] connects goroutines of one process, so that everything above can be tested without MPI.
//
// Collectives are built here from messages, in an order that depends on the ranks and on nothing else. MPI's own are not used: what order
// they combine in is theirs to choose, and they would have to be in both kinds.
package mpi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// Comm connects the ranks of a job. Messages between two ranks with one tag arrive in the order in which they were sent. It may be used
// from several goroutines.
type Comm interface {
	Rank() int
	Size() int
	// Send and Recv begin to pass a message of len(b) bytes; both sides know its length. b must not be touched before the end.
	Send(to, tag int, b []byte) Request
	Recv(from, tag int, b []byte) Request
	// Abort ends all ranks of the job, this one too.
	Abort(code int)
	// Close ends the part of this rank; all ranks do so.
	Close() error
}

// Request is a message on its way.
type Request interface {
	// Test says whether the message has been passed. After that, or after an error, it must not be asked again.
	Test() (bool, error)
}

// Lost is the error of a message that cannot be passed because a rank is gone.
type Lost struct {
	Rank int // -1: unknown
	Why  string
}

func (l *Lost) Error() string {
	who := "a rank"
	if l.Rank >= 0 {
		who = fmt.Sprintf("rank %d", l.Rank)
	}
	if l.Why == "" {
		return who + " is lost"
	}
	return who + " is lost: " + l.Why
}

// Tags of the messages of this package; others are from TagUser up.
const (
	tagLength = iota
	tagBytes
	tagGather
	TagUser = 16
)

// listener is a request that is told when to ask again; others are asked again and again.
type listener interface {
	heard() int                          // a number that changes when something has happened
	listen(ctx context.Context, had int) // returns when the number is another, or the context is done
}

// Wait waits until all requests are done. It polls the library, because one that waits by itself keeps a processor busy for ever, and here
// ranks may be more than processors. The context's end is an error at once, and the buffers then still belong to the messages.
func Wait(ctx context.Context, rs ...Request) error { return wait(ctx, eagerly, rs) }

// WaitBeside is Wait in a goroutine beside others that compute: it asks from time to time, which is what makes messages move in many a library,
// and leaves the processors to them.
func WaitBeside(ctx context.Context, rs ...Request) error { return wait(ctx, seldom, rs) }

// eager is for how long Wait does nothing but ask, where there is a processor for every rank: what neighbours send comes about when they have
// computed as much as we, and a thread that sleeps is told so a tenth of a millisecond late.
const eager = 2 * time.Millisecond

// wait waits with a pause after each turn of asking all, which is told how long it has waited.
func wait(ctx context.Context, pause func(turn int, waited time.Duration), rs []Request) error {
	left := append(make([]Request, 0, len(rs)), rs...)
	var begin time.Time
	for turn := 0; ; turn++ {
		var l listener
		had := 0
		if len(left) > 0 {
			if l, _ = left[0].(listener); l != nil {
				had = l.heard()
			}
		}
		k := 0
		for _, r := range left {
			done, err := r.Test()
			if err != nil {
				return err
			}
			if !done {
				left[k] = r
				k++
			}
		}
		if left = left[:k]; k == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if turn == 0 {
			begin = time.Now()
		}
		if l != nil {
			l.listen(ctx, had)
		} else {
			pause(turn, time.Since(begin))
		}
	}
}

// roomy says that there is a processor for every rank on this computer.
var roomy atomic.Bool

// eagerly lets others run, the longer the longer nothing has come. Goroutines of this process get a turn now and then only: each time Go's scheduler
// wakes a thread that looks for work and takes the processor from a rank that has some.
func eagerly(turn int, waited time.Duration) {
	switch {
	case waited >= eager || !roomy.Load():
		doze(min(max(waited/64, 20*time.Microsecond), 500*time.Microsecond)) // large messages come in pieces, and each has to be asked for
	case turn%64 == 0:
		runtime.Gosched()
	}
}

// seldom leaves the processors to those who compute: each time it is asked, they stand still for some microseconds.
func seldom(_ int, waited time.Duration) {
	doze(min(max(waited, 200*time.Microsecond), time.Millisecond))
}

// SendBytes and RecvBytes pass a message whose length the receiver does not know.
func SendBytes(ctx context.Context, c Comm, to int, b []byte) error {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
	head := append([]byte(nil), n[:]...)
	rs := []Request{c.Send(to, tagLength, head)}
	if len(b) > 0 {
		rs = append(rs, c.Send(to, tagBytes, b))
	}
	return Wait(ctx, rs...)
}

// maxMessage bounds what RecvBytes takes.
const maxMessage = 1 << 40

// RecvBytes is the other end of SendBytes.
func RecvBytes(ctx context.Context, c Comm, from int) ([]byte, error) {
	head := make([]byte, 8)
	if err := Wait(ctx, c.Recv(from, tagLength, head)); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(head)
	if n > maxMessage {
		return nil, errors.New("a message has no sensible length: do all ranks run the same program?")
	}
	b := make([]byte, n)
	if n == 0 {
		return b, nil
	}
	return b, Wait(ctx, c.Recv(from, tagBytes, b))
}

// Bcast passes b of rank 0 to all, along a binary tree. It returns what rank 0 gave.
func Bcast(ctx context.Context, c Comm, b []byte) ([]byte, error) {
	rank, size := c.Rank(), c.Size()
	// The lowest bit of a rank tells its parent; it passes on to the ranks with a lower bit set besides.
	low := 1
	for ; low < size; low *= 2 {
		if rank&low != 0 {
			var err error
			if b, err = RecvBytes(ctx, c, rank-low); err != nil {
				return nil, err
			}
			break
		}
	}
	for low /= 2; low > 0; low /= 2 {
		if rank+low < size {
			if err := SendBytes(ctx, c, rank+low, b); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// Allgather gives every rank the messages of all, by rank. Lengths may differ.
func Allgather(ctx context.Context, c Comm, b []byte) ([][]byte, error) {
	sizes := make([]int, c.Size())
	for i := range sizes {
		sizes[i] = 8
	}
	n := binary.LittleEndian.AppendUint64(nil, uint64(len(b)))
	heads, err := AllgatherKnown(ctx, c, n, sizes)
	if err != nil {
		return nil, err
	}
	for i, h := range heads {
		k := binary.LittleEndian.Uint64(h)
		if k > maxMessage {
			return nil, errors.New("a message has no sensible length: do all ranks run the same program?")
		}
		sizes[i] = int(k)
	}
	return AllgatherKnown(ctx, c, b, sizes)
}

// AllgatherKnown is Allgather where every rank knows how long the message of each is.
func AllgatherKnown(ctx context.Context, c Comm, b []byte, sizes []int) ([][]byte, error) {
	rank, size := c.Rank(), c.Size()
	out := make([][]byte, size)
	out[rank] = b
	var rs []Request
	for i := 1; i < size; i++ {
		from, to := (rank-i+size)%size, (rank+i)%size
		if sizes[from] > 0 {
			out[from] = make([]byte, sizes[from])
			rs = append(rs, c.Recv(from, tagGather, out[from]))
		}
		if len(b) > 0 {
			rs = append(rs, c.Send(to, tagGather, b))
		}
	}
	return out, Wait(ctx, rs...)
}

// Gather gives rank 0 the messages of all, by rank, and others nil.
func Gather(ctx context.Context, c Comm, b []byte) ([][]byte, error) {
	if c.Rank() != 0 {
		return nil, SendBytes(ctx, c, 0, b)
	}
	out := make([][]byte, c.Size())
	out[0] = b
	for i := 1; i < c.Size(); i++ {
		var err error
		if out[i], err = RecvBytes(ctx, c, i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// First is c with its first n ranks only. The others must not use it.
func First(c Comm, n int) Comm {
	if n >= c.Size() {
		return c
	}
	return first{c, n}
}

type first struct {
	Comm
	n int
}

func (f first) Size() int { return f.n }
