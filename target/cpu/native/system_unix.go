//go:build unix

package native

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

func (l library) symbol(name string) (uintptr, error) {
	f, err := purego.Dlsym(uintptr(l), name)
	if err != nil {
		return 0, fmt.Errorf("load compiled kernels: %w", err)
	}
	return f, nil
}

func (l library) close() error { return purego.Dlclose(uintptr(l)) }

// Call runs a native function.
func Call(fn uintptr, args *[3]uintptr) { purego.SyscallN(fn, args[:]...) }

// SystemFunction is a function of the C library.
func SystemFunction(name string) (uintptr, error) {
	f, err := purego.Dlsym(purego.RTLD_DEFAULT, name)
	if err != nil {
		return 0, fmt.Errorf("load compiled kernels: %w", err)
	}
	return f, nil
}

// Allocate takes n bytes from the system; large memory is larger by a large page, so that it can begin with one ([Memory.Used]).
func Allocate(n int) (Memory, error) {
	if n >= LargeMemory {
		n += LargePage
	}
	m, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("%d bytes for fields: %w", n, err)
	}
	adviseHuge(m)
	return m, nil
}

// Free gives the memory back.
func (m Memory) Free() error {
	if m == nil {
		return nil
	}
	return syscall.Munmap(m)
}
