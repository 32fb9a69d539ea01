//go:build !unix

package native

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
func Call(uintptr, *[3]uintptr)                {}

func SystemFunction(string) (uintptr, error) { return 0, ErrNoToolchain }

func Allocate(n int) (Memory, error) { return make(Memory, n+LargePage), nil }
func (Memory) Free() error           { return nil }
