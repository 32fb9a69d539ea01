package team

import "time"

// Threads share a batch of little work only while that is faster than one of them alone. On a computer that others use too, a thread that
// meets the others at every kernel waits each time for one that does not have its core just then: milliseconds for kernels of microseconds.
// So such a batch runs alone first, then shared, and whenever that was slower alone again for a while, twice as long each time.

// wakes is the work from which sleeping threads are waited for: it takes one thread as long as waking them, some 50 us.
const wakes = 4 << 20

// briefly is the work of an iteration, some 3 ms of one thread, up to which it is found out what is faster.
const briefly = 64 * wakes

// Pace is what is known of a batch.
type Pace struct {
	Alone   time.Duration // of an iteration by one thread, when it was last measured
	Pending int           // turns left to go alone
	last    int           // how many those were the last time
}

// longest is for how many turns in a row a batch goes alone before it is tried again.
const longest = 255

// shared says whether threads share the next turn.
func (p *Pace) shared() bool {
	if p.Pending > 0 {
		p.Pending--
		return false
	}
	return p.Alone > 0
}

// took notes what an iteration took.
func (p *Pace) took(shared bool, d time.Duration) {
	switch {
	case !shared:
		p.Alone = max(d, 1)
	case d > p.Alone:
		p.last = min(2*p.last+1, longest)
		p.Pending = p.last
	default:
		p.last /= 2
	}
}
