package team

import (
	"testing"
	"time"
)

// A batch is shared while that is faster than alone, at once again after a single delay, and ever more seldom where sharing never pays.
func TestPace(t *testing.T) {
	run := func(p *Pace, turns int, shared time.Duration) (times int) {
		for range turns {
			if s := p.shared(); s {
				times++
				p.took(true, shared)
			} else {
				p.took(false, 10*time.Microsecond)
			}
		}
		return times
	}
	var p Pace
	if n := run(&p, 100, 6*time.Microsecond); n != 99 {
		t.Errorf("shared %d times of 100, not all but the first", n)
	}
	run(&p, 1, time.Millisecond) // a delay
	if n := run(&p, 100, 6*time.Microsecond); n != 99 {
		t.Errorf("shared %d times of 100 after a delay, not all but the first", n)
	}
	if n := run(&p, 10000, time.Millisecond); n > 60 {
		t.Errorf("shared %d times of 10000 where that is slower", n)
	}
	if n := run(&p, 1000, 6*time.Microsecond); n < 700 {
		t.Errorf("shared %d times of 1000 when it pays again", n)
	}
}
