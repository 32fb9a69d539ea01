package cpu

import (
	"context"
	"fmt"

	"github.com/wfc-lang/wfc/ir"
)

// Run executes n iterations of device function or procedure fn, fewer when the procedure's until ends that, and returns how many. It
// stops between calls of functions when ctx is done; the arrays then are those after the last call.
//
// Procedures are walked on the host: between two functions nothing but a pointer table changes, so a call costs a wake-up of the threads.
func (e *Engine) Run(ctx context.Context, fn string, n int) (done int, err error) {
	if e.base == nil {
		return 0, errClosed
	}
	if e.plan.prog.Proc(fn) == nil {
		if err := e.run(ctx, fn, n); err != nil {
			return 0, err
		}
		return n, nil
	}
	return ir.Launch(ctx, e.plan.prog, fn, n, executor{e})
}

// executor carries out the calls of a launch.
type executor struct{ e *Engine }

func (x executor) Once(fn string) error { return x.e.run(context.Background(), fn, 1) }

// Times takes steps of a counted loop together where it can.
func (x executor) Times(ctx context.Context, fn string, n int) error { return x.e.run(ctx, fn, n) }

// Flag reads the array where it lies.
func (x executor) Flag(array string) (bool, error) {
	a, l, p, err := x.e.array(array)
	switch {
	case err != nil:
		return false, err
	case len(a.Axes) > 0:
	case a.Elem == ir.Bool:
		return row[uint8](p, l.base, 1)[0] != 0, nil
	case a.Elem == ir.I32:
		return row[int32](p, l.base, 1)[0] != 0, nil
	}
	return false, fmt.Errorf("array %s is a condition, but not a rank-0 array of type bool or i32", array)
}

func (x executor) Scalar(name string) (float64, bool) {
	v, ok := x.e.env[name]
	return v, ok
}
