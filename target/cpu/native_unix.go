//go:build unix

package cpu

import (
	"fmt"
	"syscall"

	"github.com/ebitengine/purego"
)

// library is a loaded shared object.
type library uintptr

func openLibrary(path string) (library, error) {
	h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return 0, fmt.Errorf("load compiled kernels: %w", err)
	}
	return library(h), nil
}

func (l library) symbol(name string) (uintptr, error) { return purego.Dlsym(uintptr(l), name) }

func (l library) close() error { return purego.Dlclose(uintptr(l)) }

// call runs a native function.
func call(fn uintptr, args *[3]uintptr) { purego.SyscallN(fn, args[:]...) }

// nativeOf is the native code of a pool, run being what its threads do.
func nativeOf(run uintptr) (n nativePool, err error) {
	n.run = run
	if n.yield, err = purego.Dlsym(purego.RTLD_DEFAULT, "sched_yield"); err != nil {
		return n, fmt.Errorf("load compiled kernels: %w", err)
	}
	if n.sleep, err = purego.Dlsym(purego.RTLD_DEFAULT, "usleep"); err != nil {
		return n, fmt.Errorf("load compiled kernels: %w", err)
	}
	return n, nil
}

// memory is zeroed memory outside the Go heap, aligned to pages, so that the collector neither moves nor scans it.
type memory []byte

// Large memory is larger by a large page, so that it can begin with one ([memory.used]).
func allocate(n int) (memory, error) {
	if n >= largeMemory {
		n += largePage
	}
	m, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("%d bytes for fields: %w", n, err)
	}
	adviseHuge(m)
	return m, nil
}

func (m memory) free() error {
	if m == nil {
		return nil
	}
	return syscall.Munmap(m)
}
