package team

import (
	"runtime"
	"testing"
	"time"
)

// Go's processors are as many as before when the last engine is closed, and one more than the threads of the largest meanwhile.
func TestSpareProcessor(t *testing.T) {
	n := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(n)
	var p processors
	expect := func(what string, all, count int) {
		t.Helper()
		if got := runtime.GOMAXPROCS(0); got != all {
			t.Errorf("%s: %d processors, not %d", what, got, all)
		}
		if got := p.count(); got != count {
			t.Errorf("%s: %d counted, not %d", what, got, count)
		}
	}
	runtime.GOMAXPROCS(3)
	p.open(2)
	expect("one to spare already", 3, 3)
	p.open(3)
	expect("as many threads as processors", 4, 3)
	p.open(5)
	expect("more threads than processors", 6, 3)
	p.close(3)
	expect("the larger is still open", 6, 3)
	p.close(5)
	expect("the smaller is left", 3, 3)
	p.open(3)
	runtime.GOMAXPROCS(2)
	expect("somebody else decides", 2, 2)
	p.close(3)
	expect("with two threads left", 3, 2)
	p.close(2)
	expect("all closed", 2, 2)
}

// A goroutine asks the scheduler once in a while, not before every call.
func TestScheduledAgain(t *testing.T) {
	var s scheduled
	for _, c := range []struct{ now, at time.Duration }{{seldom / 2, 0}, {2 * seldom, 2 * seldom}, {3 * seldom, 2 * seldom}, {4 * seldom, 4 * seldom}} {
		if s.again(c.now); s.at != c.at {
			t.Errorf("after %v it asked last at %v, not %v", c.now, s.at, c.at)
		}
	}
}
