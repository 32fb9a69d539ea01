package native

import "syscall"

// adviseHuge asks for large pages: a field spans thousands of small ones. It is advice; nothing depends on it.
func adviseHuge(m Memory) {
	const madvHugepage = 14
	if len(m) >= LargeMemory {
		_ = syscall.Madvise(m, madvHugepage)
	}
}
