package host

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/target/wse/codegen"
)

// beside counts what was shown without a pause.
type beside struct{ looks, cycles, held int64 }

// Shown implements runtime.Shower.
func (e *Engine) Shown() (moments int, cycles, held int64) {
	return int(e.beside.looks), e.beside.cycles, e.beside.held
}

// Shows implements runtime.Shower: the looks that the program was compiled with.
func (e *Engine) Shows() []ir.Look { return e.mesh.Looks }

// RunShowing implements runtime.Shower. The program takes the moments of a launch from a table; when they are more than it holds, there are
// several launches, and what is due between two of them is seen in a pause.
func (e *Engine) RunShowing(ctx context.Context, fn string, n int, at []ir.Moment, seen func(k int, get func(array string) (*ir.Tensor, error)) error) (done int, err error) {
	i := slices.Index(e.mesh.Launches(), fn)
	if i < 0 {
		return 0, fmt.Errorf("the wafer's program has no function %s", fn)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for first := 0; done < n; {
		k := min(n-done, math.MaxInt32) // a launch counts its iterations in an i32
		last := first
		for last < len(at) && last < first+codegen.LookRows && at[last].At < done+k {
			last++
		}
		if last < len(at) {
			k = min(k, at[last].At-done)
		}
		look := 0
		if last > first {
			look = done + k - at[first].At
			if err := e.writeTable(fn, at[first:last], done+k); err != nil {
				return done, err
			}
		}
		var failed error
		taken := 0
		e.w.OnOffer(func(j int) {
			if j < taken || failed != nil || first+j >= last { // a launch that is repeated
				return
			}
			taken = j + 1
			if failed = seen(first+j, e.shadow); failed != nil {
				cancel()
			}
		})
		d, err := e.launch(ctx, i, done, k, look)
		e.w.OnOffer(nil)
		done += d
		switch {
		case failed != nil:
			return done, failed
		case err != nil:
			return done, err
		case d < k:
			return done, nil
		}
		if first = last; first < len(at) && at[first].At == done {
			if err := e.pause(ctx, &at[first], func() error { return seen(first, e.Get) }); err != nil {
				return done, err
			}
			first++
		}
	}
	return done, nil
}

// pause shows a moment between two launches.
func (e *Engine) pause(ctx context.Context, m *ir.Moment, see func() error) error {
	for _, l := range m.Looks {
		for _, f := range e.mesh.Looks[l].Calls {
			if _, err := e.Run(ctx, f, 1); err != nil {
				return err
			}
		}
	}
	return see()
}

// shadow fetches the copy of an array. What no step changes has none and needs none.
func (e *Engine) shadow(array string) (*ir.Tensor, error) {
	s, a := e.mesh.Shadow(array), e.p.Array(array)
	switch {
	case a == nil || s == nil && !a.Const && e.mesh.Symbol(array) != nil:
		return nil, fmt.Errorf("the program shows no array %s", array)
	case s == nil:
		return e.Get(array)
	}
	return e.read(s, a)
}

// writeTable gives every PE the moments of a launch of fn that ends after end iterations: for each, how many iterations it is to the next or
// to the end, and, when there are several looks, which are due.
func (e *Engine) writeTable(fn string, at []ir.Moment, end int) error {
	looks, stride := e.mesh.LooksOf(fn), codegen.LookStride(e.mesh)
	table := make([]uint32, len(at)*stride)
	for i, m := range at {
		next := end
		if i+1 < len(at) {
			next = at[i+1].At
		}
		row := table[i*stride:]
		row[0] = uint32(next - m.At)
		for k, l := range looks {
			if stride > 1 && slices.Contains(m.Looks, l) {
				row[1+k] = 1
			}
		}
	}
	return e.each(func(x, y int) error { return e.w.WriteArray(x, y, codegen.LookTable, 0, table) })
}

func (e *Engine) each(f func(x, y int) error) error {
	for y := range e.mesh.H {
		for x := range e.mesh.W {
			if err := f(x, y); err != nil {
				return err
			}
		}
	}
	return nil
}
