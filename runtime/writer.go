package runtime

import "sync"

// writer writes the files of outputs in the background, one after the other, while the next steps run. At most pendingWrites of them wait, so
// what they hold is bounded: a run that is faster than its files is held up by them. The first error ends the run at its next output.
type writer struct {
	jobs chan func() error
	wait sync.WaitGroup
	mu   sync.Mutex
	err  error
	told bool // err was returned
}

// pendingWrites is how many files may wait for the one that is being written.
const pendingWrites = 2

// do has job carried out after those before it. It returns the error of an earlier one.
func (w *writer) do(job func() error) error {
	if w.jobs == nil {
		w.jobs = make(chan func() error, pendingWrites)
		go func() {
			for job := range w.jobs {
				if w.failed() == nil {
					if err := job(); err != nil {
						w.mu.Lock()
						w.err = err
						w.mu.Unlock()
					}
				}
				w.wait.Done()
			}
		}()
	}
	if err := w.failed(); err != nil {
		w.told = true
		return err
	}
	w.wait.Add(1)
	w.jobs <- job
	return nil
}

func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// flush waits until everything is written. It returns an error once.
func (w *writer) flush() error {
	w.wait.Wait()
	if err := w.failed(); err != nil && !w.told {
		w.told = true
		return err
	}
	return nil
}

// close ends the writer. An error that was not told yet is returned.
func (w *writer) close() error {
	err := w.flush()
	if w.jobs != nil {
		close(w.jobs)
		w.jobs = nil
	}
	return err
}
