package cpu

import (
	"runtime"
	"testing"
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
	s.again()
	first := s.at
	if first.IsZero() {
		t.Fatal("a goroutine that was never chosen did not ask")
	}
	s.again()
	if since := s.at.Sub(first); since != 0 && since <= seldom {
		t.Errorf("asked again after %v", since)
	}
	s.at = first.Add(-2 * seldom)
	if s.again(); s.at.Before(first) {
		t.Error("did not ask again after a long time")
	}
}
