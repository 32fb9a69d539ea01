//go:build unix

package tokens

import (
	"os"
	"syscall"
)

// mapFile maps a file into memory, or reads it where mapping is refused: pipes, some file systems.
func mapFile(path string) ([]byte, func() error, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if n := st.Size(); st.Mode().IsRegular() && n > 0 && int64(int(n)) == n {
		if b, err := syscall.Mmap(int(f.Fd()), 0, int(n), syscall.PROT_READ, syscall.MAP_SHARED); err == nil {
			return b, func() error { return syscall.Munmap(b) }, nil
		}
	}
	b, err := os.ReadFile(path)
	return b, nil, err
}
