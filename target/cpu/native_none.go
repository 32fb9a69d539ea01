//go:build !unix

package cpu

import (
	"fmt"
	"runtime"
)

type library uintptr

func openLibrary(string) (library, error) {
	return 0, fmt.Errorf("%w: the CPU target loads compiled kernels on Linux, macOS and BSD only, not on %s", ErrNoToolchain, runtime.GOOS)
}

func (library) symbol(string) (uintptr, error) { return 0, ErrNoToolchain }
func (library) close() error                   { return nil }
func call(uintptr, *[3]uintptr)                {}

func nativeOf(uintptr) (nativePool, error) { return nativePool{}, ErrNoToolchain }

type memory []byte

func allocate(n int) (memory, error) { return make(memory, n+lineBytes+largePage), nil }
func (memory) free() error           { return nil }
