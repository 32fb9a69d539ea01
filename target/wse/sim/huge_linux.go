package sim

import (
	"syscall"
	"unsafe"
)

// huge asks the system to hold a large table in large pages. A cycle touches a little of every PE's memory: with pages of 4 KiB nearly each of
// these accesses would miss the processor's table of pages. It is advice: whether it is followed, and what it costs, changes no result.
func huge[T any](table []T) []T {
	const page, advice = 2 << 20, 14 // MADV_HUGEPAGE
	var t T
	bytes := len(table) * int(unsafe.Sizeof(t))
	if bytes < 2*page {
		return table
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(table))), bytes)
	skip := int(-uintptr(unsafe.Pointer(&b[0])) % page)
	if n := (bytes - skip) / page * page; n > 0 {
		_ = syscall.Madvise(b[skip:skip+n], advice)
	}
	return table
}
