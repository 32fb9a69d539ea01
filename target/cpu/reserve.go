package cpu

import (
	"unsafe"

	"github.com/wfc-lang/wfc/target/cpu/native"
)

// lineBytes is the cache line and the widest vector register: rows start at multiples of it.
const lineBytes = native.LineBytes

const (
	smallPage = 4 << 10
	pageLines = smallPage / lineBytes
)

// reserve allocates the buffers for n threads. Buffers too small for large pages of their own lie side by side in memory that has them: a
// network's weights are many such.
func (e *Engine) reserve(n int) error {
	pl := e.plan
	size := func(i int) int {
		bytes := pl.layouts[i].bytes()
		if i == pl.arena {
			bytes = n * e.arena()
		}
		return bytes + pageOffset(i) + 3*lineBytes // vectors may begin and end outside
	}
	all := 0
	for i := range pl.layouts {
		if size(i) < native.LargeMemory {
			all += roundUp(size(i), smallPage)
		}
	}
	take := func(bytes int) (native.Memory, error) {
		m, err := native.Allocate(bytes)
		if err == nil {
			e.maps = append(e.maps, m)
		}
		return m, err
	}
	var shared native.Memory
	if all > 0 {
		m, err := take(all)
		if err != nil {
			return err
		}
		shared = m.Used()
	}
	e.base = make([]uintptr, e.ownWord()+2)
	for i := range pl.layouts {
		var m native.Memory
		if bytes := size(i); bytes < native.LargeMemory {
			m, shared = shared[:bytes:bytes], shared[roundUp(bytes, smallPage):]
		} else {
			var err error
			if m, err = take(bytes); err != nil {
				return err
			}
		}
		e.mem = append(e.mem, m)
		start := uintptr(unsafe.Pointer(&m.Used()[0]))
		e.base[i] = (start+lineBytes-1)&^(lineBytes-1) + uintptr(pageOffset(i))
	}
	return nil
}

// pageOffset is how many bytes after a page buffer i begins. Buffers of equal size would start at equal places in every cache, and a load waits
// for stores to the same place of another page. So those next to each other differ by more than the neighbouring rows that a kernel is at together.
func pageOffset(i int) int { return (i*27%pageLines + 2) * lineBytes }

// arena is the memory that a thread has for tiles, whole pages and a little so that the threads' lie differently in the caches.
func (e *Engine) arena() int {
	return roundUp(e.plan.layouts[e.plan.arena].bytes(), smallPage) + smallPage + 2*lineBytes
}
