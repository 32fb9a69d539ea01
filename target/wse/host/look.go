package host

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/wfc-lang/wfc/ir"
	"github.com/wfc-lang/wfc/runtime"
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

// RunShowing implements runtime.Shower. The program takes the moments of a launch from a table, into which their rows are written one after the
// other while it runs.
func (e *Engine) RunShowing(ctx context.Context, fn string, n int, at runtime.Moments, seen runtime.Seen) (done int, err error) {
	i := slices.Index(e.mesh.Launches(), fn)
	if i < 0 {
		return 0, fmt.Errorf("the wafer's program has no function %s", fn)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for done < n {
		k := min(n-done, math.MaxInt32) // a launch counts its iterations in an i32
		if m, ok := at(done + k - 1); ok && m.At == done+k && k < n-done {
			k-- // a moment is not between two launches
		}
		l := showing{e: e, fn: fn, done: done, k: k, last: done, at: at, seen: seen, cancel: cancel}
		d, err := l.launch(ctx, i)
		done += d
		if err != nil || d < k {
			return done, err
		}
	}
	return done, nil
}

// showing is a launch that is looked at.
type showing struct {
	e       *Engine
	fn      string
	done, k int // iterations before the launch, and of it
	at      runtime.Moments
	seen    runtime.Seen
	cancel  func()
	failed  error
	taken   int         // moments
	row     int         // number of the first moment in ahead
	ahead   []ir.Moment // of those in the table, which are still to come
	last    int         // the last of them that was asked for
}

func (l *showing) launch(ctx context.Context, i int) (int, error) {
	first, ok := l.moment(0)
	look := 0
	if ok {
		look = l.done + l.k - first.At
	}
	for j := range codegen.LookRows {
		if err := l.writeRow(j); err != nil {
			return 0, err
		}
	}
	l.e.w.OnOffer(l.offered)
	d, err := l.e.launch(ctx, i, l.done, l.k, look)
	l.e.w.OnOffer(nil)
	if l.failed != nil {
		err = l.failed
	}
	return d, err
}

// moment is that of row j of the table, counted from the next one on.
func (l *showing) moment(j int) (m ir.Moment, ok bool) {
	for len(l.ahead) <= j {
		if m, ok = l.at(l.last); !ok || m.At >= l.done+l.k {
			return m, false
		}
		l.ahead, l.last = append(l.ahead, m), m.At
	}
	return l.ahead[j], true
}

// offered takes the copies that the program has offered for the j-th time.
func (l *showing) offered(j int) {
	if j == 0 {
		l.row, l.ahead, l.last = 0, nil, l.done // also in a launch that is repeated
	}
	m, listed, err := l.now()
	if err == nil && listed {
		l.row, l.ahead = l.row+1, l.ahead[1:]
		err = l.writeRow(codegen.LookRows - 1)
	}
	if err == nil && l.failed == nil && j == l.taken {
		l.taken++
		err = l.seen(m, l.e.shadow)
	}
	if err != nil && l.failed == nil {
		l.failed = err
		l.cancel()
	}
}

// now is the moment at which the program has offered its copies; listed says that it has a row in the table.
func (l *showing) now() (m ir.Moment, listed bool, err error) {
	next, ok := l.moment(0)
	p := l.e.mesh
	if p.Clock(l.fn) == nil {
		return next, true, nil
	}
	var left [1]uint32
	if err := l.e.w.ReadArray(0, 0, codegen.LookLeft, 0, left[:]); err != nil {
		return m, false, err
	}
	m.At = l.done + l.k - int(int32(left[0]))
	if listed = ok && next.At == m.At; listed {
		m.Looks = slices.Clone(next.Looks)
	}
	until, err := l.flag(p.Proc(l.fn).Until)
	if err != nil || !until {
		return m, listed, err
	}
	for _, i := range p.LooksOf(l.fn) {
		if x := &p.Looks[i]; x.When != "" {
			due, err := l.flag(x.When)
			if err != nil {
				return m, listed, err
			}
			if due {
				m.Looks = append(m.Looks, i)
			}
		}
	}
	slices.Sort(m.Looks)
	return m, listed, nil
}

// flag reads the copy of a flag.
func (l *showing) flag(array string) (bool, error) {
	t, err := l.e.shadow(array)
	return err == nil && t.At(0) != 0, err
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

// writeRow gives every PE the row of the table that belongs to a moment, counted from the next one on: how many iterations it is to the one after
// it or to the end of the launch, and, when there are several looks, which are due.
func (l *showing) writeRow(j int) error {
	m, ok := l.moment(j)
	if !ok {
		return nil
	}
	p := l.e.mesh
	stride := codegen.LookStride(p)
	row := make([]uint32, stride)
	next := l.done + l.k
	if x, ok := l.moment(j + 1); ok {
		next = x.At
	}
	row[0] = uint32(next - m.At)
	for k, look := range codegen.TableLooks(p, l.fn) {
		if stride > 1 && slices.Contains(m.Looks, look) {
			row[1+k] = 1
		}
	}
	at := (l.row + j) % codegen.LookRows * stride
	return l.e.each(func(x, y int) error { return l.e.w.WriteArray(x, y, codegen.LookTable, at, row) })
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
