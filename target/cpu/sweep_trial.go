package cpu

import "slices"

// A trial finds the fastest of a few tilings by passes of each, in turns, so that what disturbs the computer for a while does not fall on all passes of one.
// They are passes that are to be done anyway, and which tiling does them decides no bit.
type trial struct {
	candidates []tiling
	ns         []float64 // of a step, by pass that was timed
}

// trialPasses is how many passes of a tiling are timed; the fastest counts. The first finds nothing in the caches, and its rings new.
const trialPasses = 2

// next is the tiling of the next passes, and how many of them to do for n steps: none if one takes more.
func (r *trial) next(n int) (t tiling, passes int) {
	if r.open() {
		t = r.candidates[r.turn(len(r.ns))]
		return t, min(n/t.steps, 1)
	}
	t = r.candidates[0]
	if len(r.ns) > 0 {
		t = r.candidates[r.turn(slices.Index(r.ns, slices.Min(r.ns)))]
	}
	return t, n / t.steps
}

// turn is the candidate of a timed pass: all of them forth, then back, so that each finds the arrays in either of their two buffers.
func (r *trial) turn(pass int) int {
	n := len(r.candidates)
	if pass/n%2 == 1 {
		return n - 1 - pass%n
	}
	return pass % n
}

// open says that a choice is left that is not made yet.
func (r *trial) open() bool {
	return len(r.candidates) > 1 && len(r.ns) < trialPasses*len(r.candidates)
}

// note takes the time of a step of the pass that next said.
func (r *trial) note(ns float64) {
	if r.open() {
		r.ns = append(r.ns, ns)
	}
}
