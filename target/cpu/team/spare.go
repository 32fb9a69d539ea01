package team

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/wfc-lang/wfc/target/cpu/native"
)

// Go has one more of its processors (GOMAXPROCS) than there are threads while an engine is open. To Go a thread in a kernel is in a system
// call; when all its processors are in one, its monitor takes them back after some 20 us and starts a thread that looks for work, finds
// none, and has meanwhile displaced a kernel, thousands of times a second. With a processor left over, calls shorter than 10 ms are let be
// (retake in the runtime's proc.go). Solves, which are many short calls, gain a quarter.
var spare processors

// processors are those of Go.
type processors struct {
	sync.Mutex
	given int   // without what is added here
	set   int   // as it was left, 0 when nothing is added
	pools []int // threads of those that are open
}

// count is how many there are without what is added.
func (p *processors) count() int {
	p.Lock()
	defer p.Unlock()
	if n := runtime.GOMAXPROCS(0); n != p.set { // nothing is added, or somebody else has decided
		return n
	}
	return p.given
}

// Available is GOMAXPROCS, without what pools have added to it.
func Available() int { return spare.count() }

func (p *processors) open(threads int) {
	p.Lock()
	defer p.Unlock()
	p.pools = append(p.pools, threads)
	p.adjust()
}

func (p *processors) close(threads int) {
	p.Lock()
	defer p.Unlock()
	i := slices.Index(p.pools, threads)
	p.pools = slices.Delete(p.pools, i, i+1)
	p.adjust()
}

func (p *processors) adjust() {
	now := runtime.GOMAXPROCS(0)
	if now != p.set {
		p.given = now
	}
	want := p.given
	for _, threads := range p.pools {
		want = max(want, threads+1)
	}
	if want != now {
		runtime.GOMAXPROCS(want)
	}
	p.set = 0
	if want != p.given {
		p.set = want
	}
}

// scheduled is a goroutine of a pool, and when Go's scheduler has last chosen it to run. After 10 ms it counts as one that runs for too long,
// and its processor is taken at the monitor's next look although it is in a call that has just begun. That makes the monitor look every 20 us
// for a millisecond again, each time in place of a kernel: products of some milliseconds, one after the other, lost a tenth. So a goroutine
// lets itself be chosen again before that. To do so more often would cost more: the scheduler wakes a thread each time, to see whether there
// is other work.
type scheduled struct {
	at   time.Duration
	args [3]uintptr // of its call of native code
	_    [native.LineBytes - 4*wordBytes]byte
}

// seldom is how long it may be before a call of native code.
const seldom = 5 * time.Millisecond

// again has the scheduler choose the goroutine that calls it if that was long ago.
func (s *scheduled) again(now time.Duration) {
	if now-s.at > seldom {
		s.at = now
		runtime.Gosched()
	}
}

var epoch = time.Now()

// clock is the time since the process began; it costs less than [time.Now].
func clock() time.Duration { return time.Since(epoch) }
