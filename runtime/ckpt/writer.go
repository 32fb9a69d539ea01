package ckpt

import "errors"

// ErrLocked is wrapped by Lock when another process has the directory.
var ErrLocked = errors.New("another process writes here")

// Writer writes checkpoints in the background, one at a time, while the run goes on.
type Writer struct {
	fs   FS
	dir  string
	keep int
	busy chan error // holds the outcome of the write under way; nil when there is none
	last string
}

// NewWriter prepares the directory of checkpoints. keep is how many stay, 0 for all.
func NewWriter(fs FS, dir string, keep int) (*Writer, error) {
	return &Writer{fs: fs, dir: dir, keep: keep}, Prepare(fs, dir)
}

// Save begins to write a snapshot, which the caller must not change afterwards. It waits for the write before, whose error it returns.
func (w *Writer) Save(s *Snapshot) error {
	if err := w.Wait(); err != nil {
		return err
	}
	done := make(chan error, 1)
	w.busy = done
	go func() {
		path, err := Save(w.fs, w.dir, s)
		if err == nil {
			w.last = path // read after Wait only
			err = Prune(w.fs, w.dir, w.keep)
		}
		done <- err
	}()
	return nil
}

// Wait waits for the write under way.
func (w *Writer) Wait() error {
	if w.busy == nil {
		return nil
	}
	err := <-w.busy
	w.busy = nil
	return err
}

// Last is the directory of the last checkpoint that is written. It waits for one under way.
func (w *Writer) Last() (string, error) {
	err := w.Wait()
	return w.last, err
}
