//go:build unix

package ckpt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Lock keeps other processes from writing checkpoints into a directory as long as the result is open. It ends with the process, however
// that ends.
func Lock(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%s: %w", dir, ErrLocked)
	} else if err != nil {
		return f, nil // a file system without locks
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
