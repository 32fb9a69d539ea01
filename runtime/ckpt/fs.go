package ckpt

import (
	"errors"
	"io"
	"os"
	"sort"
	"syscall"
)

// FS is what writing a checkpoint does to a file system: few operations, so that tests can stop the world at each of them.
type FS interface {
	MkdirAll(dir string) error
	Create(path string) (File, error)
	Rename(from, to string) error
	RemoveAll(path string) error
	SyncDir(dir string) error             // makes creations, renames and removals in dir durable
	ReadDir(dir string) ([]string, error) // names, sorted
}

// File is a file being written.
type File interface {
	io.Writer
	Sync() error // makes the contents durable
	Close() error
}

// OS is the computer's own file system.
var OS FS = osFS{}

type osFS struct{}

func (osFS) MkdirAll(dir string) error    { return os.MkdirAll(dir, 0o777) }
func (osFS) Rename(from, to string) error { return os.Rename(from, to) }
func (osFS) RemoveAll(path string) error  { return os.RemoveAll(path) }

func (osFS) Create(path string) (File, error) { return os.Create(path) }

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, os.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // systems that cannot sync a directory keep it in order themselves
	}
	return errors.Join(err, d.Close())
}

func (osFS) ReadDir(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, 0, len(list))
	for _, e := range list {
		names = append(names, e.Name())
	}
	sort.Strings(names)
	return names, err
}
