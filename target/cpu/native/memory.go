package native

import "unsafe"

// LineBytes is a line of the caches.
const LineBytes = 64

// Memory from LargeMemory on begins with a large page, the size of the larger pages of most systems: a copy that jumps from row to row would
// miss the translation of every address.
const (
	LargeMemory = 4 << 20
	LargePage   = 2 << 20
)

// Memory is zeroed memory outside the Go heap, aligned to pages, so that the collector neither moves nor scans it.
type Memory []byte

// Used is memory as it was asked for, beginning with a large page if it is large.
func (m Memory) Used() Memory {
	if len(m) < LargeMemory+LargePage {
		return m
	}
	return m[-uintptr(unsafe.Pointer(&m[0]))&(LargePage-1):]
}
