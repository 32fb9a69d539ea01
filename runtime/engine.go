// Package runtime runs canonical programs: it loads data and initial values, drives an engine through the schedule, writes outputs
// and probes, and gathers the results.
//
// All targets stand behind one interface, [Engine], and share everything else, so that two targets differ in nothing but what
// computes. The schedule is cut into segments that end at the next output or probe; what happens between is the engine's.
//
//	times     after k steps of a run t = t0 + k*dt, in f64
//	outputs   "every" writes the initial state, every multiple and the final state; otherwise the final state is written
//	seconds   an output every T units of time is taken at the first step at or after each multiple; steps are not changed
//	NaN       stops the run with the field, the index and the step (see [watch] for when is looked)
package runtime

import (
	"context"

	"github.com/wfc-lang/wfc/ir"
)

// Engine computes. Package interp is one; the targets give others.
type Engine interface {
	// Set gives array its contents; type and shape are the array's.
	Set(array string, t *ir.Tensor) error
	// Get returns the contents of array.
	Get(array string) (*ir.Tensor, error)
	// Scalars gives the values of all host scalars for the following runs.
	Scalars(env map[string]float64) error
	// Run executes up to n iterations of a device function or a procedure and returns how many: fewer than n when the procedure's until
	// ended the launch. After an error the contents of arrays are undefined.
	Run(ctx context.Context, fn string, n int) (done int, err error)
	Close() error
}

// BoxGetter is implemented by engines that return a part of an array without the rest: a probe needs a few elements.
type BoxGetter interface {
	GetBox(array string, box []ir.Interval) (*ir.Tensor, error)
}

// Counter is implemented by engines that count cycles of a machine.
type Counter interface {
	// Cycles returns the cycles of computation and, apart, of transfers from and to the host.
	Cycles() (compute, host int64)
}

// Stepper is implemented by engines whose runs should not be cut for the sake of progress, because starting a run costs machine
// cycles: they tell how far they are instead. f may be called from another goroutine.
type Stepper interface {
	OnStep(f func(done int))
}

// PartWriter is implemented by engines whose parts write an array at the same time, each its own elements.
type PartWriter interface {
	// WriteParts writes the elements of an array, in the order and form of [npy.FromTensor], into a file that exists and has its final
	// length, from an offset on. It returns false when that cannot be done, because parts do not have the file or the array is no
	// divided one, or should not, because a value is NaN; the file is then written anew by who asks.
	WriteParts(array, path string, offset int64) (bool, error)
}
